//! A function: `AWS::Lambda::Function` with its `AWS::IAM::Role` and `AWS::Logs::LogGroup`.
//!
//! Pooled, a function that reaches tenants' data does so through a second role, the session role, which it assumes
//! with the tenant's id as a session tag; its own role may do nothing but that. The session role's ARN is in the
//! environment variable `TENANT_SESSION_ROLE_ARN`. Siloed, the tenant's id is in `TENANT_ID`.

use std::collections::BTreeMap;

use super::access::{self, Scope};
use super::context::{Context, local_arn};
use super::queue;
use crate::cfn::expr::kind::{Arn, Text};
use crate::cfn::policy::{IamPolicy, Operator, Principal, Statement, TrustPolicy, place::Identity, place::Trust};
use crate::cfn::types::{iam, lambda, logs};
use crate::cfn::{Expr, Json, LogicalId, Node, Pseudo};
use crate::ir::Output;
use crate::model::component::{Code, Function};
use crate::model::{Access, Attribute, Body, Parameter, Sharing};

/// What a function's grants become, by the role that carries them.
#[derive(Default)]
struct Statements {
    /// On the function's own role.
    own: Vec<Statement<Identity>>,
    /// On the session role of a pooled function.
    session: Vec<Statement<Identity>>,
    /// Whether the session role goes on to tenants' own roles.
    reaches_silos: bool,
}

fn statements(function: &Function, cx: &Context<'_>) -> Statements {
    let mut statements = Statements::default();
    for (grant, target) in cx.grants() {
        match (cx.stack.sharing, target.sharing) {
            (Sharing::Siloed, Some(Sharing::Pooled)) if access::is_narrowed(&target.component.body) => {
                statements.own.extend(access::statements(cx, grant, target, Scope::StackTenant));
            }
            (Sharing::Siloed, _) => statements.own.extend(access::statements(cx, grant, target, Scope::Whole)),
            (Sharing::Pooled, Some(Sharing::Siloed)) => statements.reaches_silos = true,
            (Sharing::Pooled, _) if access::is_narrowed(&target.component.body) => {
                statements.session.extend(access::statements(cx, grant, target, Scope::SessionTenant));
            }
            (Sharing::Pooled, _) => statements.own.extend(access::statements(cx, grant, target, Scope::Whole)),
        }
    }
    for name in &function.consumes {
        if let Some(Body::Queue(body)) = cx.other(name).map(|member| &member.component.body) {
            statements.own.extend(queue::grant(body, cx, &cx.arn(name), Access::Receive));
        }
    }
    if statements.reaches_silos {
        statements.session.push(Statement::<Identity>::allow(["sts:AssumeRole"], [access::tenant_roles(cx)]));
    }
    statements
}

pub(super) fn render(function: &Function, cx: &mut Context<'_>) {
    let log_group = logs::LogGroup::new()
        .log_group_name(Expr::concat(["/aws/lambda/".into(), cx.physical_name("", 64).into_node()]))
        .retention_in_days(log_retention(function.log_retention_days));
    let log_group = cx.add("logs", &log_group);

    let mut own = vec![Statement::<Identity>::allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [access::log_streams(Node::Ref(log_group.clone()))],
    )];
    if function.network.is_some() {
        own.extend(network_interfaces());
    }
    let granted = statements(function, cx);
    own.extend(granted.own);
    let trust = TrustPolicy::new(vec![Statement::<Trust>::allow(
        Principal::Service(vec!["lambda.amazonaws.com"]),
        ["sts:AssumeRole"],
    )]);
    let role = iam::Role::new(Json::of(&trust))
        .role_name(cx.physical_name("", 64))
        .policies([iam::RoleInlinePolicy::new(Json::of(&IamPolicy::new(own)), "own")]);
    let role = cx.add("role", &role);

    let mut environment: BTreeMap<String, Json> =
        function.environment.iter().map(|(name, value)| (name.clone(), Json::from(cx.text(value)))).collect();
    let mut waits = Vec::new();
    if cx.stack.sharing == Sharing::Siloed {
        environment.insert("TENANT_ID".to_owned(), Json::of(&Parameter::TenantId.node()));
    } else if !granted.session.is_empty() {
        let session = session_role(cx, &role, granted.session);
        environment.insert("TENANT_SESSION_ROLE_ARN".to_owned(), Json::of(&Node::GetAtt(session, "Arn".into())));
        waits.push(cx.id("session-policy"));
    }

    let mut resource = lambda::Function::new(code(function, cx), Expr::<Text>::get_att(&role, "Arn"))
        .function_name(cx.physical_name("", 64))
        .runtime(function.runtime.clone())
        .handler(function.handler.clone())
        .memory_size(function.memory_mib)
        .timeout(function.timeout_seconds)
        .architectures([if function.x86 { "x86_64" } else { "arm64" }])
        .logging_config(
            lambda::FunctionLoggingConfig::new().log_format("JSON").log_group(Expr::<Text>::reference(&log_group)),
        );
    if !environment.is_empty() {
        resource = resource.environment(lambda::FunctionEnvironment::new().variables(environment));
    }
    if let Some(concurrency) = function.reserved_concurrency {
        resource = resource.reserved_concurrent_executions(concurrency);
    }
    if let Some(network) = &function.network {
        let (subnets, group) = super::network::placement(cx, network);
        resource = resource.vpc_config(
            lambda::FunctionVpcConfig::new()
                .subnet_ids(subnets.into_iter().map(Expr::from_node))
                .security_group_ids([Expr::from_node(group)]),
        );
    }
    let id = cx.add("function", &resource);
    cx.wait(&id, waits);
    for queue in &function.consumes {
        let mapping = lambda::EventSourceMapping::new(Expr::<Text>::reference(&id))
            .event_source_arn(Expr::from_node(cx.arn(queue)))
            .batch_size(10_i64)
            .function_response_types(["ReportBatchItemFailures"]);
        cx.add(&format!("consumes/{}", cx.identity_of(queue)), &mapping);
    }
}

/// The role that a pooled function assumes with a tenant's id, and the permission to assume it. The permission is a
/// resource of its own, because two roles that name each other would wait for each other for ever.
fn session_role(cx: &mut Context<'_>, own_role: &LogicalId, statements: Vec<Statement<Identity>>) -> LogicalId {
    let trust = access::session_trust(Expr::<Arn>::get_att(own_role, "Arn"), &cx.model.ids);
    let role = iam::Role::new(Json::of(&trust))
        .role_name(cx.physical_name("session", 64))
        .policies([iam::RoleInlinePolicy::new(Json::of(&IamPolicy::new(statements)), "tenant")]);
    let role = cx.add("session-role", &role);
    let arn = Node::GetAtt(role.clone(), "Arn".into());
    let assume =
        IamPolicy::new(vec![Statement::<Identity>::allow(["sts:AssumeRole", "sts:TagSession"], [arn.clone()])]);
    cx.add(
        "session-policy",
        &iam::RolePolicy::new("session", Expr::reference(own_role)).policy_document(Json::of(&assume)),
    );
    let name = cx.name();
    cx.stack.outputs.insert(
        session_role_output(cx),
        Output { description: format!("ARN of the role that {name} assumes for a tenant"), value: arn },
    );
    role
}

fn session_role_output(cx: &Context<'_>) -> String {
    format!("{}SessionRoleArn", cx.member.component.identity())
}

/// The role in a tenant's stack through which a pooled function reaches what the tenant has to itself.
pub(super) fn render_for_tenant(cx: &mut Context<'_>) {
    let statements: Vec<Statement<Identity>> = cx
        .grants()
        .filter(|(_, target)| target.sharing == Some(Sharing::Siloed))
        .flat_map(|(grant, target)| access::statements(cx, grant, target, Scope::Whole))
        .collect();
    if statements.is_empty() {
        return;
    }
    let trust = access::tenant_trust(Expr::<Arn>::from_node(cx.cell_output(session_role_output(cx))));
    let role = iam::Role::new(Json::of(&trust))
        .role_name(cx.physical_name("tenant", 64))
        .path(Expr::<Text>::concat(cx.tenant_path(Parameter::TenantId.node())))
        .policies([iam::RoleInlinePolicy::new(Json::of(&IamPolicy::new(statements)), "tenant")]);
    let role = cx.add("tenant-role", &role);
    let name = cx.name();
    cx.stack.outputs.insert(
        format!("{}TenantRoleArn", cx.member.component.identity()),
        Output {
            description: format!("ARN of the role through which {name} reaches this tenant's own resources"),
            value: Node::GetAtt(role, "Arn".into()),
        },
    );
}

fn code(function: &Function, cx: &Context<'_>) -> lambda::FunctionCode {
    let code = lambda::FunctionCode::new();
    match &function.code {
        Code::Inline(source) => code.zip_file(source.clone()),
        Code::S3 { bucket, key } => code.s3_bucket(bucket.clone()).s3_key(key.clone()),
        // Synthesis puts the digest into the path, see `synth::assets`.
        Code::Asset(path) => code.s3_bucket(bucket_name(cx)).s3_key(path.clone()),
    }
}

/// The bucket for code, with CloudFormation's pseudo parameters filled in.
fn bucket_name(cx: &Context<'_>) -> Expr<crate::cfn::expr::kind::Name> {
    let mut pieces: Vec<Node> = Vec::new();
    let mut rest = cx.model.asset_bucket.as_deref().unwrap_or("");
    while let Some((before, after)) = rest.split_once("${") {
        let (inside, after) = after.split_once('}').unwrap_or((after, ""));
        pieces.push(before.to_owned().into());
        pieces.push(match inside {
            "AWS::AccountId" => Pseudo::AccountId.into(),
            "AWS::Region" => Pseudo::Region.into(),
            other => format!("${{{other}}}").into(),
        });
        rest = after;
    }
    pieces.push(rest.to_owned().into());
    pieces.retain(|piece| *piece != Node::from(""));
    Expr::concat(pieces)
}

/// CloudWatch Logs keeps logs for certain numbers of days only: the next one that is enough.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
pub(super) fn log_retention(days: u32) -> u32 {
    const ALLOWED: [u32; 22] = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
    ];
    ALLOWED.into_iter().find(|allowed| *allowed >= days).unwrap_or(3_653)
}

/// What Lambda needs for a function in a network, in whose role it works: the actions have no resource to narrow them to.
/// The function's own code, whose requests alone carry the function's ARN, needs none of it, and could reach other
/// tenants' networks with it:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice-security>.
fn network_interfaces() -> [Statement<Identity>; 2] {
    let all = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
    ];
    [
        Statement::<Identity>::allow(all, ["*"]),
        Statement::<Identity>::deny(all, ["*"]).when(Operator::Null, "lambda:SourceFunctionArn", ["false"]),
    ]
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Name => Some(Node::Ref(id("function"))),
        Attribute::Arn => Some(Node::GetAtt(id("function"), "Arn".into())),
        _ => None,
    }
}

pub(super) fn grant(arn: &Node) -> Vec<Statement<Identity>> {
    vec![Statement::<Identity>::allow(["lambda:InvokeFunction"], [arn.clone()])]
}

/// Lets an API of this stack run a function.
pub(super) fn permission(function: Node, api: Node) -> lambda::Permission {
    lambda::Permission::new("lambda:InvokeFunction", Expr::<Text>::from_node(function), "apigateway.amazonaws.com")
        .source_arn(Expr::<Arn>::from_node(local_arn("execute-api", [api, "/*".into()])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{pooled, render, siloed};

    const FUNCTION: &str = "components: [{ function: Api, code: { inline: x }, log_retention_days: 31 }]";

    #[test]
    fn a_function_has_a_role_and_a_log_group_of_its_own() {
        let stack = siloed(FUNCTION);
        assert_eq!(stack.types(), ["Logs::LogGroup", "IAM::Role", "Lambda::Function"]);
        assert_eq!(stack.get("Logs::LogGroup", "/RetentionInDays"), 60, "the next number of days that can be kept");
        assert_eq!(stack.get("Lambda::Function", "/Environment/Variables/TENANT_ID"), json!({"Ref": "TenantId"}));
        assert_eq!(pooled(FUNCTION).get("Lambda::Function", "/Environment"), serde_json::Value::Null);
    }

    #[test]
    fn a_pooled_function_reaches_data_through_its_session_role_only() {
        let stack = pooled(
            "components:\n  - { table: Orders, partition_by: tenantId }\n  - { function: Api, code: { inline: x } }\nallow: [{ from: Api, access: read, to: Orders }]",
        );
        let own = stack.node("ApiRole")["Policies"].to_string();
        assert!(!own.contains("dynamodb"), "{own}");
        let trust = stack.node("ApiSessionRole")["AssumeRolePolicyDocument"]["Statement"].clone();
        assert_eq!(trust[0]["Condition"]["Null"], json!({"aws:RequestTag/TenantId": "false"}));
        assert_eq!(trust[0]["Condition"]["ForAllValues:StringEquals"], json!({"aws:TagKeys": "TenantId"}));
        let refused = trust[1]["Condition"]["StringLike"]["aws:RequestTag/TenantId"].to_string();
        for delimiter in ["*/*", "*:*", "*_*", "*#*", "*A*"] {
            assert!(refused.contains(delimiter), "{delimiter} in {refused}");
        }
        let function = stack.0.nodes.iter().find(|node| node.type_name == "AWS::Lambda::Function").unwrap();
        assert_eq!(function.depends_on.len(), 1, "no call before the role may be assumed");
    }

    const BRIDGE: &str = "siloed: [Orders]\npooled: [Api]\ncomponents:\n  - { table: Orders }\n  - { function: Api, code: { inline: x } }\nallow: [{ from: Api, access: read, to: Orders }]";

    #[test]
    fn from_pooled_to_siloed_leads_through_a_role_under_the_tenants_path() {
        let graph = render("bridge", BRIDGE);
        let cell = super::super::testing::Rendered(graph.cell.unwrap());
        let tenant = super::super::testing::Rendered(graph.tenant.unwrap());
        let assume = &cell.node("ApiSessionRole")["Policies"][0]["PolicyDocument"]["Statement"][0];
        let roles = assume["Resource"]["Fn::Sub"].as_str().unwrap();
        assert!(roles.ends_with(":role/shop/gold/${!aws:PrincipalTag/TenantId}/*"), "{roles}");
        let role = tenant.node("ApiTenantRole");
        assert_eq!(role["Path"]["Fn::Sub"], "/shop/gold/${TenantId}/");
        assert_eq!(
            role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"],
            json!({"StringEquals": {"aws:PrincipalTag/TenantId": {"Ref": "TenantId"}}})
        );
    }

    #[test]
    fn from_siloed_to_pooled_names_the_tenant_in_the_policy() {
        let graph = render(
            "bridge",
            "siloed: [Api]\npooled: [Orders]\ncomponents:\n  - { table: Orders, partition_by: { prefix_of: id } }\n  - { function: Api, code: { inline: x } }\nallow: [{ from: Api, access: read, to: Orders }]",
        );
        let tenant = super::super::testing::Rendered(graph.tenant.unwrap());
        let statement = &tenant.node("ApiRole")["Policies"][0]["PolicyDocument"]["Statement"][1];
        assert_eq!(
            statement["Condition"]["ForAllValues:StringLike"],
            json!({"dynamodb:LeadingKeys": {"Fn::Sub": "${TenantId}#*"}})
        );
        assert!(!statement["Action"].to_string().contains("Scan"));
    }
}
