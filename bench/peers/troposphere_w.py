#!/usr/bin/env python3
"""The workload with troposphere: `troposphere_w.py COUNT FOLDER`. One template is in memory at a time."""

import json
import pathlib
import sys

from troposphere import (
    GetAtt, GetAZs, Join, Ref, Select, Sub, Tags, Template, apigatewayv2, awslambda, cloudwatch, cognito, dynamodb, ec2,
    events, iam, kms, logs, s3, sns, sqs,
)

TIERS = ("bronze", "silver", "gold")
ACCOUNT = Ref("AWS::AccountId")
CODE = "exports.handler = async () => ({ statusCode: 200 })"
KMS_ACTIONS = [
    "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo",
]
TABLE_ACTIONS = [
    "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan",
    "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem",
]
NETWORK_ACTIONS = [
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
]


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(actions, resource, **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def insecure(actions, resources):
    return policy({
        "Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })


def via(service):
    return allow(KMS_ACTIONS, GetAtt("DataKey", "Arn"), Condition={"StringEquals": {
        "kms:CallerAccount": ACCOUNT, "kms:ViaService": Sub(f"{service}.${{AWS::Region}}.amazonaws.com"),
    }})


def widget(x, y, title, statistic, namespace, metric, dimension, value):
    return [
        f'{{"type":"metric","x":{x},"y":{y},"width":8,"height":6,"properties":{{"title":"{title}",'
        f'"stat":"{statistic}","period":300,"metrics":[["{namespace}","{metric}","{dimension}","',
        value, '"]],"region":"', Ref("AWS::Region"), '"}}',
    ]


def stack(tenant, tier, cell):
    template = Template(Description="What a tenant has to itself")
    template.set_version("2010-09-09")
    add = template.add_resource
    pairs = {"TenantId": tenant, "Tier": tier, "Cell": cell, "CostCenter": "cc-100"}
    tags = lambda: Tags(**pairs)
    name = lambda component: f"workload-{tier}-{component}-{tenant}"

    add(ec2.VPC("NetVpc", CidrBlock="10.0.0.0/16", EnableDnsHostnames=True, EnableDnsSupport=True, Tags=tags()))
    add(ec2.RouteTable("NetRoutes", VpcId=Ref("NetVpc"), Tags=tags()))
    for zone, cidr in enumerate(("10.0.0.0/20", "10.0.16.0/20")):
        add(ec2.Subnet(
            f"NetSubnet{zone}", VpcId=Ref("NetVpc"), AvailabilityZone=Select(zone, GetAZs("")), CidrBlock=cidr,
            MapPublicIpOnLaunch=False, Tags=tags(),
        ))
        add(ec2.SubnetRouteTableAssociation(
            f"NetAssociation{zone}", RouteTableId=Ref("NetRoutes"), SubnetId=Ref(f"NetSubnet{zone}"),
        ))
    for service in ("dynamodb", "s3"):
        add(ec2.VPCEndpoint(
            f"NetEndpoint{service.title()}", VpcId=Ref("NetVpc"), VpcEndpointType="Gateway",
            ServiceName=Sub(f"com.amazonaws.${{AWS::Region}}.{service}"), RouteTableIds=[Ref("NetRoutes")],
            PolicyDocument=policy({
                "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}},
            }),
            Tags=tags(),
        ))
    add(ec2.SecurityGroup(
        "NetGroup", GroupDescription="Net of the tenant", VpcId=Ref("NetVpc"), Tags=tags(),
        SecurityGroupIngress=[ec2.SecurityGroupRule(
            IpProtocol="tcp", CidrIp="10.0.0.0/16", FromPort=443, ToPort=443, Description="TLS from inside the network",
        )],
        SecurityGroupEgress=[ec2.SecurityGroupRule(
            IpProtocol="tcp", CidrIp="0.0.0.0/0", FromPort=443, ToPort=443,
            Description="TLS; the routes lead to endpoints only",
        )],
    ))
    add(kms.Key(
        "DataKey", DeletionPolicy="Retain", UpdateReplacePolicy="Retain", Description="Data of the tenant",
        EnableKeyRotation=True, RotationPeriodInDays=365, PendingWindowInDays=30, Tags=tags(),
        KeyPolicy=policy(
            allow("kms:*", "*", Sid="EnableIamPolicies", Principal={
                "AWS": Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root"),
            }),
            allow(["kms:Decrypt", "kms:GenerateDataKey"], "*", Sid="AllowAlarms",
                  Principal={"Service": "cloudwatch.amazonaws.com"},
                  Condition={"StringEquals": {"aws:SourceAccount": ACCOUNT}}),
        ),
    ))
    add(kms.Alias("DataAlias", AliasName=f"alias/workload/{tier}/{tenant}/data", TargetKeyId=GetAtt("DataKey", "Arn")))
    add(s3.Bucket(
        "Evidence", DeletionPolicy="Retain", UpdateReplacePolicy="Retain", BucketName=name("evidence"), Tags=tags(),
        BucketEncryption=s3.BucketEncryption(ServerSideEncryptionConfiguration=[s3.ServerSideEncryptionRule(
            BucketKeyEnabled=True, ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
                SSEAlgorithm="aws:kms", KMSMasterKeyID=GetAtt("DataKey", "Arn"),
            ),
        )]),
        LifecycleConfiguration=s3.LifecycleConfiguration(Rules=[s3.LifecycleRule(
            Id="abort-incomplete-uploads", Status="Enabled",
            AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
        )]),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")],
        ),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True,
        ),
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
    ))
    add(s3.BucketPolicy("EvidencePolicy", Bucket=Ref("Evidence"), PolicyDocument=insecure(
        "s3:*", [GetAtt("Evidence", "Arn"), Sub("${Evidence.Arn}/*")],
    )))
    add(dynamodb.Table(
        "Records", DeletionPolicy="Retain", UpdateReplacePolicy="Retain", TableName=name("records"), Tags=tags(),
        BillingMode="PAY_PER_REQUEST", DeletionProtectionEnabled=True,
        PointInTimeRecoverySpecification=dynamodb.PointInTimeRecoverySpecification(PointInTimeRecoveryEnabled=True),
        KeySchema=[
            dynamodb.KeySchema(AttributeName="id", KeyType="HASH"),
            dynamodb.KeySchema(AttributeName="version", KeyType="RANGE"),
        ],
        AttributeDefinitions=[
            dynamodb.AttributeDefinition(AttributeName=attribute, AttributeType="S") for attribute in ("id", "version")
        ],
        SSESpecification=dynamodb.SSESpecification(
            SSEEnabled=True, SSEType="KMS", KMSMasterKeyId=GetAtt("DataKey", "Arn"),
        ),
    ))
    encrypted = {
        "KmsMasterKeyId": GetAtt("DataKey", "Arn"), "KmsDataKeyReusePeriodSeconds": 300,
        "MessageRetentionPeriod": 1_209_600,
    }
    add(sqs.Queue("JobsDeadLetters", QueueName=name("jobs-dlq"), Tags=tags(), **encrypted))
    add(sqs.Queue(
        "Jobs", QueueName=name("jobs"), VisibilityTimeout=90, Tags=tags(), **encrypted,
        RedrivePolicy=sqs.RedrivePolicy(deadLetterTargetArn=GetAtt("JobsDeadLetters", "Arn"), maxReceiveCount=5),
    ))
    add(sqs.QueuePolicy(
        "JobsPolicy", PolicyDocument=insecure("sqs:*", "*"), Queues=[Ref("Jobs"), Ref("JobsDeadLetters")],
    ))
    add(logs.LogGroup(
        "HandlerLogs", LogGroupName=f"/aws/lambda/{name('handler')}", RetentionInDays=30, Tags=tags(),
    ))
    add(iam.Role(
        "HandlerRole", RoleName=name("handler"), Tags=tags(),
        AssumeRolePolicyDocument=policy({
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        }),
        Policies=[iam.Policy(PolicyName="own", PolicyDocument=policy(
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], Sub(
                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${HandlerLogs}:*"
            )),
            allow(NETWORK_ACTIONS, "*"),
            allow(TABLE_ACTIONS, GetAtt("Records", "Arn")),
            via("dynamodb"),
            allow(["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"], Sub("${Evidence.Arn}/*")),
            via("s3"),
            allow(["sqs:GetQueueAttributes", "sqs:SendMessage"], GetAtt("Jobs", "Arn")),
            via("sqs"),
            allow("events:PutEvents", GetAtt("Bus", "Arn")),
        ))],
    ))
    add(awslambda.Function(
        "Handler", FunctionName=name("handler"), Role=GetAtt("HandlerRole", "Arn"), Tags=tags(),
        Code=awslambda.Code(ZipFile=CODE), Runtime="nodejs22.x", Handler="index.handler", MemorySize=256, Timeout=15,
        Architectures=["arm64"],
        # LogFormat is missing: the LoggingConfig of troposphere 4.11 does not know it.
        LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref("HandlerLogs")),
        Environment=awslambda.Environment(Variables={
            "BUCKET": Ref("Evidence"), "BUS": Ref("Bus"), "QUEUE": Ref("Jobs"), "TABLE": Ref("Records"),
            "TENANT_ID": tenant,
        }),
        VpcConfig=awslambda.VPCConfig(
            SubnetIds=[Ref("NetSubnet0"), Ref("NetSubnet1")], SecurityGroupIds=[Ref("NetGroup")],
        ),
    ))
    add(apigatewayv2.Api("Api", Name=name("api"), ProtocolType="HTTP", Tags=dict(pairs)))
    add(apigatewayv2.Integration(
        "ApiIntegration", ApiId=Ref("Api"), IntegrationType="AWS_PROXY", IntegrationUri=GetAtt("Handler", "Arn"),
        PayloadFormatVersion="2.0",
    ))
    add(awslambda.Permission(
        "ApiPermission", Action="lambda:InvokeFunction", FunctionName=GetAtt("Handler", "Arn"),
        Principal="apigateway.amazonaws.com",
        SourceArn=Sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"),
    ))
    add(apigatewayv2.Route(
        "ApiRoute", ApiId=Ref("Api"), RouteKey="ANY /{proxy+}", Target=Sub("integrations/${ApiIntegration}"),
    ))
    add(apigatewayv2.Stage(
        "ApiStage", ApiId=Ref("Api"), StageName="$default", AutoDeploy=True, Tags=dict(pairs),
        DefaultRouteSettings=apigatewayv2.RouteSettings(ThrottlingBurstLimit=2000, ThrottlingRateLimit=1000),
    ))
    add(events.EventBus("Bus", Name=name("bus"), Tags=tags()))
    add(sns.Topic("Alerts", TopicName=name("alerts"), KmsMasterKeyId=GetAtt("DataKey", "Arn"), Tags=tags()))
    dead_letters = lambda: GetAtt("JobsDeadLetters", "QueueName")
    alarms = (
        ("Handler", "Handler: errors", "AWS/Lambda", "Errors", "Sum", "FunctionName", Ref("Handler")),
        ("Jobs", "Jobs: dead letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "QueueName",
         dead_letters()),
        ("Api", "Api: server errors", "AWS/ApiGateway", "5xx", "Sum", "ApiId", Ref("Api")),
    )
    for watched, description, namespace, metric, statistic, dimension, value in alarms:
        add(cloudwatch.Alarm(
            f"Watch{watched}", AlarmName=name(f"watch-{watched.lower()}"), AlarmDescription=description,
            Namespace=namespace, MetricName=metric, Statistic=statistic, Period=300, EvaluationPeriods=1, Threshold=1,
            Dimensions=[cloudwatch.MetricDimension(Name=dimension, Value=value)],
            ComparisonOperator="GreaterThanOrEqualToThreshold", TreatMissingData="notBreaching",
            AlarmActions=[Ref("Alerts")], Tags=tags(),
        ))
    add(cloudwatch.Dashboard("Overview", DashboardName=name("overview"), DashboardBody=Join("", [
        '{"widgets":[',
        *widget(0, 0, "Handler: errors", "Sum", "AWS/Lambda", "Errors", "FunctionName", Ref("Handler")), ",",
        *widget(8, 0, "Jobs: dead letters", "Maximum", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName",
                dead_letters()), ",",
        *widget(16, 0, "Records: throttled writes", "Sum", "AWS/DynamoDB", "WriteThrottleEvents", "TableName",
                Ref("Records")), ",",
        *widget(0, 6, "Api: server errors", "Sum", "AWS/ApiGateway", "5xx", "ApiId", Ref("Api")),
        "]}",
    ])))
    add(cognito.UserPool(
        "Users", DeletionPolicy="Retain", UpdateReplacePolicy="Retain", UserPoolName=name("users"),
        AdminCreateUserConfig=cognito.AdminCreateUserConfig(AllowAdminCreateUserOnly=True),
        AutoVerifiedAttributes=["email"], UsernameAttributes=["email"],
        UsernameConfiguration=cognito.UsernameConfiguration(CaseSensitive=False), DeletionProtection="ACTIVE",
        Policies=cognito.Policies(PasswordPolicy=cognito.PasswordPolicy(
            MinimumLength=12, RequireLowercase=True, RequireNumbers=True, RequireSymbols=True, RequireUppercase=True,
            TemporaryPasswordValidityDays=7,
        )),
        AccountRecoverySetting=cognito.AccountRecoverySetting(
            RecoveryMechanisms=[cognito.RecoveryOption(Name="verified_email", Priority=1)],
        ),
        Schema=[cognito.SchemaAttribute(
            Name="tenantId", AttributeDataType="String", Mutable=False,
            StringAttributeConstraints=cognito.StringAttributeConstraints(MinLength="2", MaxLength="31"),
        )],
        MfaConfiguration="OPTIONAL", EnabledMfas=["SOFTWARE_TOKEN_MFA"], UserPoolTags=dict(pairs),
    ))
    add(cognito.UserPoolClient(
        "UsersClient", UserPoolId=Ref("Users"), GenerateSecret=False, EnableTokenRevocation=True,
        ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"], PreventUserExistenceErrors="ENABLED",
        ReadAttributes=["custom:tenantId", "email", "email_verified"], WriteAttributes=["email"],
    ))
    return template


def guardrail():
    open_actions = ["cloudfront:*", "iam:*", "kms:*", "organizations:*", "route53:*", "sts:*", "support:*"]
    return policy({
        "Sid": "Regions", "Effect": "Deny", "NotAction": open_actions, "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}},
    })


def main():
    count, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for tier in TIERS:
        (folder / f"{tier}.scp.json").write_text(json.dumps(guardrail(), indent=1) + "\n")
    for number in range(count):
        tenant = f"tenant-{number:06}"
        template = stack(tenant, TIERS[number % 3], "us1" if number % 2 else "eu1")
        (folder / f"{tenant}.json").write_text(template.to_json(indent=1) + "\n")


if __name__ == "__main__":
    main()
