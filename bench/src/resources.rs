//! The 33 resources of a tenant, built by hand.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::json;
use tenantry::cfn::expr::kind::{Arn, Id, Name, Text};
use tenantry::cfn::types::{
    apigatewayv2 as api, cloudwatch, cognito, dynamodb, ec2, events, iam, kms, lambda, logs, s3, sns, sqs,
};
use tenantry::cfn::{Expr, LogicalId, Node, Pseudo, Resource, Tag};

use crate::floor::Tenant;

macro_rules! names {
    ($($field:ident = $id:literal),* $(,)?) => {
        /// The logical ids of the resources, made once: they are the same for every tenant.
        #[derive(Debug)]
        pub struct Names {
            $($field: LogicalId,)*
        }

        impl Names {
            /// How many resources a tenant has.
            pub const COUNT: usize = [$($id),*].len();

            /// Makes them.
            #[must_use]
            pub fn new() -> Self {
                Self { $($field: LogicalId::verbatim($id),)* }
            }
        }
    };
}

names! {
    vpc = "NetVpc5d0a31c2",
    routes = "NetRoutes91be07f4",
    subnet_0 = "NetSubnet0c3f8a5e1",
    subnet_1 = "NetSubnet16a7d20b9",
    association_0 = "NetAssociation0e84b17d6",
    association_1 = "NetAssociation12f90c5a8",
    dynamodb_endpoint = "NetEndpointDynamodb7b63e0d1",
    s3_endpoint = "NetEndpointS30d95f4ca",
    group = "NetGroup48c1e7b3",
    key = "DataKeyf20b6d9a",
    alias = "DataAlias83e5a04c",
    bucket = "EvidenceBucket1fd7c926",
    bucket_policy = "EvidencePolicyba408e53",
    table = "RecordsTable6c92f1d7",
    dead_letters = "JobsDeadLetterse03a8b54",
    queue = "JobsQueue97d5c0f2",
    queue_policy = "JobsPolicy2b8e41a6",
    log_group = "HandlerLogsd14f96c0",
    role = "HandlerRole70ac3e8b",
    function = "HandlerFunctioncb25d907",
    api = "ApiApi3e91b6f4",
    integration = "ApiIntegrationHandlera58d07c2",
    permission = "ApiPermissionHandler06f3e9b1",
    route = "ApiRouteANYProxyd8c742ae",
    stage = "ApiStage4b1f905d",
    bus = "BusBus92e6c3a7",
    topic = "AlertsTopicf50d81b4",
    handler_alarm = "WatchHandler1c8ea6d3",
    jobs_alarm = "WatchJobs87b05f9e",
    api_alarm = "WatchApi6d42c1f0",
    dashboard = "OverviewDashboarde39a7b58",
    pool = "UsersPool0b95d4c6",
    client = "UsersClient5f7c12e8",
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

/// A tenant's resources, as a template's `Resources`.
pub(crate) struct Resources<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) names: &'a Names,
}

/// A resource as a template holds it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<R> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_replace_policy: Option<&'static str>,
    properties: R,
}

struct Out<M> {
    map: M,
}

impl<M: SerializeMap> Out<M> {
    fn put<R: Resource>(&mut self, id: &LogicalId, properties: R) -> Result<(), M::Error> {
        let (deletion_policy, update_replace_policy) = (None, None);
        self.map.serialize_entry(
            id.as_str(),
            &Entry { r#type: R::TYPE, deletion_policy, update_replace_policy, properties },
        )
    }

    /// A resource that outlives its stack.
    fn keep<R: Resource>(&mut self, id: &LogicalId, properties: R) -> Result<(), M::Error> {
        let retain = Some("Retain");
        let (deletion_policy, update_replace_policy) = (retain, retain);
        self.map.serialize_entry(
            id.as_str(),
            &Entry { r#type: R::TYPE, deletion_policy, update_replace_policy, properties },
        )
    }
}

impl Serialize for Resources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = Out { map: serializer.serialize_map(Some(Names::COUNT))? };
        self.network(&mut out)?;
        self.storage(&mut out)?;
        self.queues(&mut out)?;
        self.function(&mut out)?;
        self.http_api(&mut out)?;
        self.messages(&mut out)?;
        self.watch(&mut out)?;
        self.users(&mut out)?;
        out.map.end()
    }
}

fn arn<T>(id: &LogicalId) -> Expr<T> {
    Expr::get_att(id, "Arn")
}

fn endpoint_name(service: &'static str) -> Expr<Text> {
    Expr::concat(["com.amazonaws.".into(), Pseudo::Region.into(), service.into()])
}

impl Resources<'_> {
    fn name(&self, component: &str) -> String {
        format!("workload-{}-{component}-{}", self.tenant.tier, self.tenant.id)
    }

    fn pairs(&self) -> [(&'static str, String); 4] {
        [
            ("TenantId", self.tenant.id.clone()),
            ("Tier", self.tenant.tier.to_owned()),
            ("Cell", self.tenant.cell.to_owned()),
            ("CostCenter", self.tenant.cost_center.to_owned()),
        ]
    }

    fn tags(&self) -> [Tag; 4] {
        self.pairs().map(|(key, value)| Tag::new(key, value))
    }

    fn network<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        let vpc = || ec2::VPC::reference(&names.vpc);
        let routes = || Expr::<Id>::reference(&names.routes);
        let resource = ec2::VPC::new().cidr_block("10.0.0.0/16").enable_dns_hostnames(true).enable_dns_support(true);
        out.put(&names.vpc, resource.tags(self.tags()))?;
        out.put(&names.routes, ec2::RouteTable::new(vpc()).tags(self.tags()))?;
        let subnets = [
            (0, "10.0.0.0/20", &names.subnet_0, &names.association_0),
            (1, "10.0.16.0/20", &names.subnet_1, &names.association_1),
        ];
        for (zone, range, subnet, association) in subnets {
            let resource = ec2::Subnet::new(vpc())
                .availability_zone(Expr::<Text>::from_node(Node::Select(zone, Box::new(Node::AvailabilityZones))))
                .cidr_block(range)
                .map_public_ip_on_launch(false)
                .tags(self.tags());
            out.put(subnet, resource)?;
            out.put(association, ec2::SubnetRouteTableAssociation::new(routes(), Expr::<Id>::reference(subnet)))?;
        }
        for (service, id) in [(".dynamodb", &names.dynamodb_endpoint), (".s3", &names.s3_endpoint)] {
            let policy = json!({"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": {"StringEquals": {
                    "aws:PrincipalAccount": {"Ref": "AWS::AccountId"},
                    "aws:ResourceAccount": {"Ref": "AWS::AccountId"},
                }},
            }]});
            let resource = ec2::VPCEndpoint::new(vpc())
                .service_name(endpoint_name(service))
                .vpc_endpoint_type("Gateway")
                .route_table_ids([routes()])
                .policy_document(policy)
                .tags(self.tags());
            out.put(id, resource)?;
        }
        let group = ec2::SecurityGroup::new("Net of the tenant")
            .vpc_id(vpc())
            .security_group_ingress([ec2::SecurityGroupIngressRule::new("tcp")
                .cidr_ip("10.0.0.0/16")
                .from_port(443_i64)
                .to_port(443_i64)
                .description("TLS from inside the network")])
            .security_group_egress([ec2::SecurityGroupEgressRule::new("tcp")
                .cidr_ip("0.0.0.0/0")
                .from_port(443_i64)
                .to_port(443_i64)
                .description("TLS; the routes lead to endpoints only")]);
        out.put(&names.group, group.tags(self.tags()))
    }

    fn storage<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {
                "Sid": "EnableIamPolicies",
                "Effect": "Allow",
                "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "AllowAlarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            },
        ]});
        let key = kms::Key::new()
            .description("Data of the tenant")
            .enable_key_rotation(true)
            .rotation_period_in_days(365_i64)
            .pending_window_in_days(30_i64)
            .key_policy(policy)
            .tags(self.tags());
        out.keep(&names.key, key)?;
        let alias = format!("alias/workload/{}/{}/data", self.tenant.tier, self.tenant.id);
        out.put(&names.alias, kms::Alias::new(alias, arn::<Text>(&names.key)))?;

        let encryption = s3::BucketServerSideEncryptionRule::new()
            .server_side_encryption_by_default(
                s3::BucketServerSideEncryptionByDefault::new("aws:kms").kms_master_key_id(arn::<Arn>(&names.key)),
            )
            .bucket_key_enabled(true);
        let bucket = s3::Bucket::new()
            .bucket_name(self.name("evidence"))
            .bucket_encryption(s3::BucketEncryption::new([encryption]))
            .lifecycle_configuration(s3::BucketLifecycleConfiguration::new([s3::BucketRule::new("Enabled")
                .id("abort-incomplete-uploads")
                .abort_incomplete_multipart_upload(s3::BucketAbortIncompleteMultipartUpload::new(7_i64))]))
            .ownership_controls(s3::BucketOwnershipControls::new([
                s3::BucketOwnershipControlsRule::new().object_ownership("BucketOwnerEnforced")
            ]))
            .public_access_block_configuration(
                s3::BucketPublicAccessBlockConfiguration::new()
                    .block_public_acls(true)
                    .block_public_policy(true)
                    .ignore_public_acls(true)
                    .restrict_public_buckets(true),
            )
            .versioning_configuration(s3::BucketVersioningConfiguration::new("Enabled"))
            .tags(self.tags());
        out.keep(&names.bucket, bucket)?;
        let id = names.bucket.as_str();
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [{"Fn::GetAtt": [id, "Arn"]}, {"Fn::Sub": format!("${{{id}.Arn}}/*")}],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }]});
        out.put(&names.bucket_policy, s3::BucketPolicy::new(Expr::<Name>::reference(&names.bucket), policy))?;

        let attribute = |name: &'static str| dynamodb::TableAttributeDefinition::new(name, "S");
        let keys = [dynamodb::TableKeySchema::new("id", "HASH"), dynamodb::TableKeySchema::new("version", "RANGE")];
        let table = dynamodb::Table::new(keys)
            .table_name(self.name("records"))
            .billing_mode("PAY_PER_REQUEST")
            .deletion_protection_enabled(true)
            .point_in_time_recovery_specification(
                dynamodb::TablePointInTimeRecoverySpecification::new().point_in_time_recovery_enabled(true),
            )
            .attribute_definitions([attribute("id"), attribute("version")])
            .sse_specification(
                dynamodb::TableSSESpecification::new(true).sse_type("KMS").kms_master_key_id(arn::<Arn>(&names.key)),
            )
            .tags(self.tags());
        out.keep(&names.table, table)
    }

    fn queues<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        let encrypted = |name: String| {
            sqs::Queue::new()
                .queue_name(name)
                .kms_master_key_id(arn::<Text>(&names.key))
                .kms_data_key_reuse_period_seconds(300_i64)
                .message_retention_period(1_209_600_i64)
                .tags(self.tags())
        };
        let redrive = json!({
            "deadLetterTargetArn": {"Fn::GetAtt": [names.dead_letters.as_str(), "Arn"]},
            "maxReceiveCount": 5,
        });
        out.put(&names.dead_letters, encrypted(self.name("jobs-dlq")))?;
        out.put(&names.queue, encrypted(self.name("jobs")).visibility_timeout(90_i64).redrive_policy(redrive))?;
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }]});
        let queues = [Expr::<Text>::reference(&names.queue), Expr::<Text>::reference(&names.dead_letters)];
        out.put(&names.queue_policy, sqs::QueuePolicy::new(policy, queues))
    }

    fn role_policy(&self) -> serde_json::Value {
        let names = self.names;
        let arn = |id: &LogicalId| json!({"Fn::GetAtt": [id.as_str(), "Arn"]});
        let group = &names.log_group;
        let streams =
            format!("arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{{group}}}:*");
        let encrypt = [
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ];
        let via = |endpoint: &str| {
            json!({"Effect": "Allow", "Action": encrypt, "Resource": arn(&names.key), "Condition": {"StringEquals": {
                "kms:CallerAccount": {"Ref": "AWS::AccountId"},
                "kms:ViaService": {"Fn::Sub": endpoint},
            }}})
        };
        json!({"Version": "2012-10-17", "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": {"Fn::Sub": streams},
            },
            {
                "Effect": "Allow",
                "Action": [
                    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
                    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
                ],
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Action": [
                    "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query",
                    "dynamodb:Scan", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
                "Resource": arn(&names.table),
            },
            via("dynamodb.${AWS::Region}.amazonaws.com"),
            {
                "Effect": "Allow",
                "Action": ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"],
                "Resource": {"Fn::Sub": format!("${{{}.Arn}}/*", names.bucket)},
            },
            via("s3.${AWS::Region}.amazonaws.com"),
            {
                "Effect": "Allow",
                "Action": ["sqs:GetQueueAttributes", "sqs:SendMessage"],
                "Resource": arn(&names.queue),
            },
            via("sqs.${AWS::Region}.amazonaws.com"),
            {"Effect": "Allow", "Action": "events:PutEvents", "Resource": arn(&names.bus)},
        ]})
    }

    fn function<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        let name = self.name("handler");
        let log_group = logs::LogGroup::new().log_group_name(format!("/aws/lambda/{name}")).retention_in_days(30_i64);
        out.put(&names.log_group, log_group.tags(self.tags()))?;
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        }]});
        let role = iam::Role::new(trust)
            .role_name(name.clone())
            .policies([iam::RoleInlinePolicy::new(self.role_policy(), "own")])
            .tags(self.tags());
        out.put(&names.role, role)?;
        let reference = |id: &LogicalId| json!({"Ref": id.as_str()});
        let environment = [
            ("BUCKET", reference(&names.bucket)),
            ("BUS", reference(&names.bus)),
            ("QUEUE", reference(&names.queue)),
            ("TABLE", reference(&names.table)),
            ("TENANT_ID", self.tenant.id.as_str().into()),
        ];
        let code = lambda::FunctionCode::new().zip_file("exports.handler = async () => ({ statusCode: 200 })");
        let function = lambda::Function::new(code, arn::<Text>(&names.role))
            .function_name(name)
            .runtime("nodejs22.x")
            .handler("index.handler")
            .memory_size(256_i64)
            .timeout(15_i64)
            .architectures(["arm64"])
            .logging_config(
                lambda::FunctionLoggingConfig::new()
                    .log_format("JSON")
                    .log_group(Expr::<Text>::reference(&names.log_group)),
            )
            .environment(lambda::FunctionEnvironment::new().variables(environment))
            .vpc_config(
                lambda::FunctionVpcConfig::new()
                    .subnet_ids([Expr::<Id>::reference(&names.subnet_0), Expr::<Id>::reference(&names.subnet_1)])
                    .security_group_ids([Expr::<Id>::reference(&names.group)]),
            )
            .tags(self.tags());
        out.put(&names.function, function)
    }

    fn http_api<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        let id = || Expr::<Id>::reference(&names.api);
        let resource = api::Api::new().name(self.name("api")).protocol_type("HTTP").tags(self.pairs());
        out.put(&names.api, resource)?;
        let integration = api::Integration::new(id(), "AWS_PROXY")
            .integration_uri(arn::<Text>(&names.function))
            .payload_format_version("2.0");
        out.put(&names.integration, integration)?;
        let source = Expr::<Arn>::concat([
            "arn:".into(),
            Pseudo::Partition.into(),
            ":execute-api:".into(),
            Pseudo::Region.into(),
            ":".into(),
            Pseudo::AccountId.into(),
            ":".into(),
            Node::Ref(names.api.clone()),
            "/*".into(),
        ]);
        let permission =
            lambda::Permission::new("lambda:InvokeFunction", arn::<Text>(&names.function), "apigateway.amazonaws.com")
                .source_arn(source);
        out.put(&names.permission, permission)?;
        let target = Expr::<Text>::concat(["integrations/".into(), Node::Ref(names.integration.clone())]);
        out.put(&names.route, api::Route::new(id(), "ANY /{proxy+}").target(target))?;
        let stage = api::Stage::new(id(), "$default").auto_deploy(true).default_route_settings(
            api::StageRouteSettings::new().throttling_burst_limit(2_000_i64).throttling_rate_limit(1_000_i64),
        );
        out.put(&names.stage, stage.tags(self.pairs()))
    }

    fn messages<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        out.put(&names.bus, events::EventBus::new(self.name("bus")).tags(self.tags()))?;
        let topic = sns::Topic::new().topic_name(self.name("alerts")).kms_master_key_id(arn::<Text>(&names.key));
        out.put(&names.topic, topic.tags(self.tags()))
    }

    fn watch<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        let dead_letters = || Expr::<Text>::get_att(&names.dead_letters, "QueueName");
        let alarms = [
            (
                &names.handler_alarm,
                "handler",
                "Handler: errors",
                ("AWS/Lambda", "Errors", "Sum", "FunctionName", Expr::<Text>::reference(&names.function)),
            ),
            (
                &names.jobs_alarm,
                "jobs",
                "Jobs: dead letters",
                ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "QueueName", dead_letters()),
            ),
            (
                &names.api_alarm,
                "api",
                "Api: server errors",
                ("AWS/ApiGateway", "5xx", "Sum", "ApiId", Expr::<Text>::reference(&names.api)),
            ),
        ];
        for (id, watched, description, (namespace, metric, statistic, dimension, value)) in alarms {
            let alarm = cloudwatch::Alarm::new()
                .alarm_name(self.name(&format!("watch-{watched}")))
                .alarm_description(description)
                .namespace(namespace)
                .metric_name(metric)
                .dimensions([cloudwatch::AlarmDimension::new(dimension, value)])
                .statistic(statistic)
                .period(300_i64)
                .evaluation_periods(1_i64)
                .threshold(1_i64)
                .comparison_operator("GreaterThanOrEqualToThreshold")
                .treat_missing_data("notBreaching")
                .alarm_actions([Expr::<Text>::reference(&names.topic)])
                .tags(self.tags());
            out.put(id, alarm)?;
        }
        let widgets = [
            (
                r#"{"widgets":[{"type":"metric","x":0,"y":0,"width":8,"height":6,"properties":{"title":"Handler: errors","stat":"Sum","period":300,"metrics":[["AWS/Lambda","Errors","FunctionName",""#,
                Node::Ref(names.function.clone()),
            ),
            (
                r#""}},{"type":"metric","x":8,"y":0,"width":8,"height":6,"properties":{"title":"Jobs: dead letters","stat":"Maximum","period":300,"metrics":[["AWS/SQS","ApproximateNumberOfMessagesVisible","QueueName",""#,
                dead_letters().into_node(),
            ),
            (
                r#""}},{"type":"metric","x":16,"y":0,"width":8,"height":6,"properties":{"title":"Records: throttled writes","stat":"Sum","period":300,"metrics":[["AWS/DynamoDB","WriteThrottleEvents","TableName",""#,
                Node::Ref(names.table.clone()),
            ),
            (
                r#""}},{"type":"metric","x":0,"y":6,"width":8,"height":6,"properties":{"title":"Api: server errors","stat":"Sum","period":300,"metrics":[["AWS/ApiGateway","5xx","ApiId",""#,
                Node::Ref(names.api.clone()),
            ),
        ];
        let body = widgets
            .into_iter()
            .flat_map(|(before, value)| [before.into(), value, r#""]],"region":""#.into(), Pseudo::Region.into()])
            .chain([r#""}}]}"#.into()]);
        let dashboard = cloudwatch::Dashboard::new(Expr::<Text>::concat(body)).dashboard_name(self.name("overview"));
        out.put(&names.dashboard, dashboard.tags(self.tags()))
    }

    fn users<M: SerializeMap>(&self, out: &mut Out<M>) -> Result<(), M::Error> {
        let names = self.names;
        let password = cognito::UserPoolPasswordPolicy::new()
            .minimum_length(12_i64)
            .require_lowercase(true)
            .require_numbers(true)
            .require_symbols(true)
            .require_uppercase(true)
            .temporary_password_validity_days(7_i64);
        let tenant_id = cognito::UserPoolSchemaAttribute::new()
            .name("tenantId")
            .attribute_data_type("String")
            .mutable(false)
            .string_attribute_constraints(
                cognito::UserPoolStringAttributeConstraints::new().min_length("2").max_length("31"),
            );
        let pool = cognito::UserPool::new()
            .user_pool_name(self.name("users"))
            .admin_create_user_config(cognito::UserPoolAdminCreateUserConfig::new().allow_admin_create_user_only(true))
            .auto_verified_attributes(["email"])
            .username_attributes(["email"])
            .username_configuration(cognito::UserPoolUsernameConfiguration::new().case_sensitive(false))
            .deletion_protection("ACTIVE")
            .policies(cognito::UserPoolPolicies::new().password_policy(password))
            .account_recovery_setting(
                cognito::UserPoolAccountRecoverySetting::new().recovery_mechanisms([
                    cognito::UserPoolRecoveryOption::new().name("verified_email").priority(1_i64),
                ]),
            )
            .schema([tenant_id])
            .mfa_configuration("OPTIONAL")
            .enabled_mfas(["SOFTWARE_TOKEN_MFA"])
            .user_pool_tags(self.pairs());
        out.keep(&names.pool, pool)?;
        let client = cognito::UserPoolClient::new(Expr::reference(&names.pool))
            .generate_secret(false)
            .explicit_auth_flows(["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"])
            .enable_token_revocation(true)
            .prevent_user_existence_errors("ENABLED")
            .read_attributes(["custom:tenantId", "email", "email_verified"])
            .write_attributes(["email"]);
        out.put(&names.client, client)
    }
}
