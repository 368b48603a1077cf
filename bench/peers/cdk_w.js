#!/usr/bin/env node
// The workload with the L1 constructs of aws-cdk-lib: `cdk_w.js COUNT FOLDER`. CDK_VALIDATION=false in the
// environment switches off the validation of every template that aws-cdk-lib does by itself.
"use strict";

const cdk = require("aws-cdk-lib");
const api = require("aws-cdk-lib/aws-apigatewayv2");
const cloudwatch = require("aws-cdk-lib/aws-cloudwatch");
const cognito = require("aws-cdk-lib/aws-cognito");
const dynamodb = require("aws-cdk-lib/aws-dynamodb");
const ec2 = require("aws-cdk-lib/aws-ec2");
const events = require("aws-cdk-lib/aws-events");
const iam = require("aws-cdk-lib/aws-iam");
const kms = require("aws-cdk-lib/aws-kms");
const lambda = require("aws-cdk-lib/aws-lambda");
const logs = require("aws-cdk-lib/aws-logs");
const organizations = require("aws-cdk-lib/aws-organizations");
const s3 = require("aws-cdk-lib/aws-s3");
const sns = require("aws-cdk-lib/aws-sns");
const sqs = require("aws-cdk-lib/aws-sqs");

const TIERS = ["bronze", "silver", "gold"];
const ACCOUNT = cdk.Aws.ACCOUNT_ID;
const REGION = cdk.Aws.REGION;
const PARTITION = cdk.Aws.PARTITION;
const CODE = "exports.handler = async () => ({ statusCode: 200 })";
const KMS_ACTIONS = [
  "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
];
const TABLE_ACTIONS = [
  "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
  "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
];
const NETWORK_ACTIONS = [
  "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
  "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
];

const policy = (...statements) => ({ Version: "2012-10-17", Statement: statements });
const allow = (actions, resource, more) => ({ Effect: "Allow", Action: actions, Resource: resource, ...more });
const insecure = (actions, resources) =>
  policy({
    Sid: "DenyInsecureTransport", Effect: "Deny", Principal: "*", Action: actions, Resource: resources,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  });
const widget = (x, y, title, statistic, namespace, metric, dimension, value) =>
  `{"type":"metric","x":${x},"y":${y},"width":8,"height":6,"properties":{"title":"${title}",` +
  `"stat":"${statistic}","period":300,"metrics":[["${namespace}","${metric}","${dimension}","${value}"]],` +
  `"region":"${REGION}"}}`;

function tenantStack(app, tenant, tier, cell) {
  const stack = new cdk.Stack(app, tenant, { description: "What a tenant has to itself" });
  const pairs = { TenantId: tenant, Tier: tier, Cell: cell, CostCenter: "cc-100" };
  const tags = Object.entries(pairs).map(([key, value]) => ({ key, value }));
  const name = (component) => `workload-${tier}-${component}-${tenant}`;
  const keep = (resource) => {
    resource.cfnOptions.deletionPolicy = cdk.CfnDeletionPolicy.RETAIN;
    resource.cfnOptions.updateReplacePolicy = cdk.CfnDeletionPolicy.RETAIN;
    return resource;
  };

  const vpc = new ec2.CfnVPC(stack, "NetVpc", {
    cidrBlock: "10.0.0.0/16", enableDnsHostnames: true, enableDnsSupport: true, tags,
  });
  const routes = new ec2.CfnRouteTable(stack, "NetRoutes", { vpcId: vpc.ref, tags });
  const subnets = ["10.0.0.0/20", "10.0.16.0/20"].map((cidrBlock, zone) => {
    const subnet = new ec2.CfnSubnet(stack, `NetSubnet${zone}`, {
      vpcId: vpc.ref, availabilityZone: cdk.Fn.select(zone, cdk.Fn.getAzs()), cidrBlock, mapPublicIpOnLaunch: false,
      tags,
    });
    new ec2.CfnSubnetRouteTableAssociation(stack, `NetAssociation${zone}`, {
      routeTableId: routes.ref, subnetId: subnet.ref,
    });
    return subnet;
  });
  for (const service of ["dynamodb", "s3"]) {
    new ec2.CfnVPCEndpoint(stack, `NetEndpoint${service}`, {
      vpcId: vpc.ref, vpcEndpointType: "Gateway", serviceName: `com.amazonaws.${REGION}.${service}`,
      routeTableIds: [routes.ref],
      policyDocument: policy({
        Effect: "Allow", Principal: "*", Action: "*", Resource: "*",
        Condition: { StringEquals: { "aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT } },
      }),
      tags,
    });
  }
  const group = new ec2.CfnSecurityGroup(stack, "NetGroup", {
    groupDescription: "Net of the tenant", vpcId: vpc.ref, tags,
    securityGroupIngress: [{
      ipProtocol: "tcp", cidrIp: "10.0.0.0/16", fromPort: 443, toPort: 443, description: "TLS from inside the network",
    }],
    securityGroupEgress: [{
      ipProtocol: "tcp", cidrIp: "0.0.0.0/0", fromPort: 443, toPort: 443,
      description: "TLS; the routes lead to endpoints only",
    }],
  });
  const key = keep(new kms.CfnKey(stack, "DataKey", {
    description: "Data of the tenant", enableKeyRotation: true, rotationPeriodInDays: 365, pendingWindowInDays: 30,
    tags,
    keyPolicy: policy(
      allow("kms:*", "*", {
        Sid: "EnableIamPolicies", Principal: { AWS: `arn:${PARTITION}:iam::${ACCOUNT}:root` },
      }),
      allow(["kms:Decrypt", "kms:GenerateDataKey"], "*", {
        Sid: "AllowAlarms", Principal: { Service: "cloudwatch.amazonaws.com" },
        Condition: { StringEquals: { "aws:SourceAccount": ACCOUNT } },
      }),
    ),
  }));
  new kms.CfnAlias(stack, "DataAlias", {
    aliasName: `alias/workload/${tier}/${tenant}/data`, targetKeyId: key.attrArn,
  });
  const bucket = keep(new s3.CfnBucket(stack, "Evidence", {
    bucketName: name("evidence"), tags,
    bucketEncryption: { serverSideEncryptionConfiguration: [{
      bucketKeyEnabled: true,
      serverSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.attrArn },
    }] },
    lifecycleConfiguration: { rules: [{
      id: "abort-incomplete-uploads", status: "Enabled", abortIncompleteMultipartUpload: { daysAfterInitiation: 7 },
    }] },
    ownershipControls: { rules: [{ objectOwnership: "BucketOwnerEnforced" }] },
    publicAccessBlockConfiguration: {
      blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true,
    },
    versioningConfiguration: { status: "Enabled" },
  }));
  new s3.CfnBucketPolicy(stack, "EvidencePolicy", {
    bucket: bucket.ref, policyDocument: insecure("s3:*", [bucket.attrArn, `${bucket.attrArn}/*`]),
  });
  const table = keep(new dynamodb.CfnTable(stack, "Records", {
    tableName: name("records"), billingMode: "PAY_PER_REQUEST", deletionProtectionEnabled: true, tags,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    keySchema: [{ attributeName: "id", keyType: "HASH" }, { attributeName: "version", keyType: "RANGE" }],
    attributeDefinitions: ["id", "version"].map((attributeName) => ({ attributeName, attributeType: "S" })),
    sseSpecification: { sseEnabled: true, sseType: "KMS", kmsMasterKeyId: key.attrArn },
  }));
  const encrypted = {
    kmsMasterKeyId: key.attrArn, kmsDataKeyReusePeriodSeconds: 300, messageRetentionPeriod: 1209600, tags,
  };
  const deadLetters = new sqs.CfnQueue(stack, "JobsDeadLetters", { queueName: name("jobs-dlq"), ...encrypted });
  const queue = new sqs.CfnQueue(stack, "Jobs", {
    queueName: name("jobs"), visibilityTimeout: 90, ...encrypted,
    redrivePolicy: { deadLetterTargetArn: deadLetters.attrArn, maxReceiveCount: 5 },
  });
  new sqs.CfnQueuePolicy(stack, "JobsPolicy", {
    policyDocument: insecure("sqs:*", "*"), queues: [queue.ref, deadLetters.ref],
  });
  const logGroup = new logs.CfnLogGroup(stack, "HandlerLogs", {
    logGroupName: `/aws/lambda/${name("handler")}`, retentionInDays: 30, tags,
  });
  const bus = new events.CfnEventBus(stack, "Bus", { name: name("bus"), tags });
  const via = (service) =>
    allow(KMS_ACTIONS, key.attrArn, { Condition: { StringEquals: {
      "kms:CallerAccount": ACCOUNT, "kms:ViaService": `${service}.${REGION}.amazonaws.com`,
    } } });
  const role = new iam.CfnRole(stack, "HandlerRole", {
    roleName: name("handler"), tags,
    assumeRolePolicyDocument: policy({
      Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole",
    }),
    policies: [{ policyName: "own", policyDocument: policy(
      allow(["logs:CreateLogStream", "logs:PutLogEvents"],
        `arn:${PARTITION}:logs:${REGION}:${ACCOUNT}:log-group:${logGroup.ref}:*`),
      allow(NETWORK_ACTIONS, "*"),
      allow(TABLE_ACTIONS, table.attrArn),
      via("dynamodb"),
      allow(["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"], `${bucket.attrArn}/*`),
      via("s3"),
      allow(["sqs:GetQueueAttributes", "sqs:SendMessage"], queue.attrArn),
      via("sqs"),
      allow("events:PutEvents", bus.attrArn),
    ) }],
  });
  const handler = new lambda.CfnFunction(stack, "Handler", {
    functionName: name("handler"), role: role.attrArn, code: { zipFile: CODE }, runtime: "nodejs22.x",
    handler: "index.handler", memorySize: 256, timeout: 15, architectures: ["arm64"], tags,
    loggingConfig: { logFormat: "JSON", logGroup: logGroup.ref },
    environment: { variables: {
      BUCKET: bucket.ref, BUS: bus.ref, QUEUE: queue.ref, TABLE: table.ref, TENANT_ID: tenant,
    } },
    vpcConfig: { subnetIds: subnets.map((subnet) => subnet.ref), securityGroupIds: [group.ref] },
  });
  const http = new api.CfnApi(stack, "Api", { name: name("api"), protocolType: "HTTP", tags: pairs });
  const integration = new api.CfnIntegration(stack, "ApiIntegration", {
    apiId: http.ref, integrationType: "AWS_PROXY", integrationUri: handler.attrArn, payloadFormatVersion: "2.0",
  });
  new lambda.CfnPermission(stack, "ApiPermission", {
    action: "lambda:InvokeFunction", functionName: handler.attrArn, principal: "apigateway.amazonaws.com",
    sourceArn: `arn:${PARTITION}:execute-api:${REGION}:${ACCOUNT}:${http.ref}/*`,
  });
  new api.CfnRoute(stack, "ApiRoute", {
    apiId: http.ref, routeKey: "ANY /{proxy+}", target: `integrations/${integration.ref}`,
  });
  new api.CfnStage(stack, "ApiStage", {
    apiId: http.ref, stageName: "$default", autoDeploy: true, tags: pairs,
    defaultRouteSettings: { throttlingBurstLimit: 2000, throttlingRateLimit: 1000 },
  });
  const topic = new sns.CfnTopic(stack, "Alerts", {
    topicName: name("alerts"), kmsMasterKeyId: key.attrArn, tags,
  });
  const alarms = [
    ["Handler", "Handler: errors", "AWS/Lambda", "Errors", "Sum", "FunctionName", handler.ref],
    ["Jobs", "Jobs: dead letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "QueueName",
      deadLetters.attrQueueName],
    ["Api", "Api: server errors", "AWS/ApiGateway", "5xx", "Sum", "ApiId", http.ref],
  ];
  for (const [watched, alarmDescription, namespace, metricName, statistic, dimension, value] of alarms) {
    new cloudwatch.CfnAlarm(stack, `Watch${watched}`, {
      alarmName: name(`watch-${watched.toLowerCase()}`), alarmDescription, namespace, metricName, statistic,
      period: 300, evaluationPeriods: 1, threshold: 1, dimensions: [{ name: dimension, value }],
      comparisonOperator: "GreaterThanOrEqualToThreshold", treatMissingData: "notBreaching",
      alarmActions: [topic.ref], tags,
    });
  }
  const widgets = [
    widget(0, 0, "Handler: errors", "Sum", "AWS/Lambda", "Errors", "FunctionName", handler.ref),
    widget(8, 0, "Jobs: dead letters", "Maximum", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName",
      deadLetters.attrQueueName),
    widget(16, 0, "Records: throttled writes", "Sum", "AWS/DynamoDB", "WriteThrottleEvents", "TableName", table.ref),
    widget(0, 6, "Api: server errors", "Sum", "AWS/ApiGateway", "5xx", "ApiId", http.ref),
  ];
  new cloudwatch.CfnDashboard(stack, "Overview", {
    dashboardName: name("overview"), dashboardBody: `{"widgets":[${widgets.join(",")}]}`, tags,
  });
  const pool = keep(new cognito.CfnUserPool(stack, "Users", {
    userPoolName: name("users"), adminCreateUserConfig: { allowAdminCreateUserOnly: true },
    autoVerifiedAttributes: ["email"], usernameAttributes: ["email"], usernameConfiguration: { caseSensitive: false },
    deletionProtection: "ACTIVE",
    policies: { passwordPolicy: {
      minimumLength: 12, requireLowercase: true, requireNumbers: true, requireSymbols: true, requireUppercase: true,
      temporaryPasswordValidityDays: 7,
    } },
    accountRecoverySetting: { recoveryMechanisms: [{ name: "verified_email", priority: 1 }] },
    schema: [{
      name: "tenantId", attributeDataType: "String", mutable: false,
      stringAttributeConstraints: { minLength: "2", maxLength: "31" },
    }],
    mfaConfiguration: "OPTIONAL", enabledMfas: ["SOFTWARE_TOKEN_MFA"], userPoolTags: pairs,
  }));
  new cognito.CfnUserPoolClient(stack, "UsersClient", {
    userPoolId: pool.ref, generateSecret: false, enableTokenRevocation: true,
    explicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"], preventUserExistenceErrors: "ENABLED",
    readAttributes: ["custom:tenantId", "email", "email_verified"], writeAttributes: ["email"],
  });
}

function guardrails(app) {
  const stack = new cdk.Stack(app, "guardrails");
  const open = ["cloudfront:*", "iam:*", "kms:*", "organizations:*", "route53:*", "sts:*", "support:*"];
  for (const tier of TIERS) {
    new organizations.CfnPolicy(stack, tier, {
      name: `workload-${tier}`, type: "SERVICE_CONTROL_POLICY",
      content: policy({
        Sid: "Regions", Effect: "Deny", NotAction: open, Resource: "*",
        Condition: { StringNotEquals: { "aws:RequestedRegion": ["eu-central-1", "us-east-1"] } },
      }),
    });
  }
}

const count = Number(process.argv[2]);
const app = new cdk.App({ outdir: process.argv[3], analyticsReporting: false });
guardrails(app);
for (let number = 0; number < count; number += 1) {
  const tenant = `tenant-${String(number).padStart(6, "0")}`;
  tenantStack(app, tenant, TIERS[number % 3], number % 2 ? "us1" : "eu1");
}
app.synth();
