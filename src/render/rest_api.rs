//! A REST API: `AWS::ApiGateway::RestApi` with its resources, methods, deployment and stage. Pooled, every tenant has
//! an `AWS::ApiGateway::UsagePlan` and an `AWS::ApiGateway::ApiKey` of its own, so that one tenant's requests are
//! throttled without the others'.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::context::Context;
use super::function::permission;
use super::routes::{LOG_FORMAT, functions};
use crate::cfn::expr::kind::{Arn, Id, Text};
use crate::cfn::types::{apigateway as api, logs};
use crate::cfn::{Expr, LogicalId, Node, Pseudo};
use crate::ir::Output;
use crate::model::component::{RestApi, Route};
use crate::model::{Attribute, Sharing};

/// The stage's name: part of the API's URL.
const STAGE: &str = "live";

pub(super) fn render(rest_api: &RestApi, cx: &mut Context<'_>) {
    // A key is asked for where the API is shared: it says whose usage plan a request counts against.
    let keyed = cx.stack.sharing == Sharing::Pooled;
    let mut resource = api::RestApi::new()
        .name(cx.physical_name("", 128))
        .endpoint_configuration(api::RestApiEndpointConfiguration::new().types(["REGIONAL"]));
    if keyed {
        resource = resource.api_key_source_type("HEADER");
    }
    let id = cx.add("api", &resource);
    let api_id = || Expr::<Id>::reference(&id);
    let authorizer = rest_api.authorizer.as_ref().map(|pool| {
        let authorizer = api::Authorizer::new("users", api_id(), "COGNITO_USER_POOLS")
            .identity_source("method.request.header.Authorization")
            .provider_arns([Expr::<Arn>::from_node(cx.arn(pool))]);
        cx.add("authorizer", &authorizer)
    });
    for function in functions(&rest_api.routes) {
        let permission = permission(cx.arn(function), Node::Ref(id.clone()));
        cx.add(&format!("permission/{}", cx.identity_of(function)), &permission);
    }
    let mut paths: BTreeMap<String, Expr<Id>> = BTreeMap::new();
    let mut methods = Vec::new();
    let mut deployed = Sha256::new();
    for route in &rest_api.routes {
        let parent = resource_of(&route.path, &id, &mut paths, cx);
        let method = method(route, parent, api_id(), authorizer.as_ref(), keyed, cx);
        deployed.update(serde_json::to_vec(&method).unwrap_or_default());
        methods.push(cx.add(&format!("method/{} {}", route.method, route.path), &method));
    }
    // A deployment is a picture of the methods at one moment: another picture needs another logical id.
    let digest: String = deployed.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let deployment = cx.add(&format!("deployment/{digest}"), &api::Deployment::new(api_id()));
    cx.wait(&deployment, methods);
    let mut stage = api::Stage::new(api_id()).stage_name(STAGE).deployment_id(Expr::reference(&deployment));
    if let Some(throttle) = rest_api.throttle.filter(|_| !keyed) {
        stage = stage.method_settings([api::StageMethodSetting::new()
            .http_method("*")
            .resource_path("/*")
            .throttling_burst_limit(throttle.burst)
            .throttling_rate_limit(i64::from(throttle.rate))]);
    }
    if rest_api.access_logs {
        let name = Expr::concat(["/aws/vendedlogs/".into(), cx.physical_name("", 128).into_node()]);
        let group = cx.add("logs", &logs::LogGroup::new().log_group_name(name).retention_in_days(30_i64));
        stage = stage.access_log_setting(
            api::StageAccessLogSetting::new().destination_arn(Expr::<Arn>::get_att(&group, "Arn")).format(LOG_FORMAT),
        );
    }
    cx.add("stage", &stage);
}

/// The API resource of a path, made with those it stands under.
fn resource_of(path: &str, api: &LogicalId, paths: &mut BTreeMap<String, Expr<Id>>, cx: &mut Context<'_>) -> Expr<Id> {
    let mut parent: Expr<Id> = Expr::get_att(api, "RootResourceId");
    let mut walked = String::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        walked.push('/');
        walked.push_str(segment);
        parent = match paths.get(&walked) {
            Some(known) => known.clone(),
            None => {
                let resource = api::Resource::new(parent, segment.to_owned(), Expr::reference(api));
                let id = cx.add(&format!("resource/{walked}"), &resource);
                let made: Expr<Id> = Expr::reference(&id);
                paths.insert(walked.clone(), made.clone());
                made
            }
        };
    }
    parent
}

fn method(
    route: &Route,
    resource: Expr<Id>,
    api: Expr<Id>,
    authorizer: Option<&LogicalId>,
    keyed: bool,
    cx: &Context<'_>,
) -> api::Method {
    let uri = Expr::<Text>::concat([
        "arn:".into(),
        Pseudo::Partition.into(),
        ":apigateway:".into(),
        Pseudo::Region.into(),
        ":lambda:path/2015-03-31/functions/".into(),
        cx.arn(&route.function),
        "/invocations".into(),
    ]);
    let integration = api::MethodIntegration::new("AWS_PROXY").integration_http_method("POST").uri(uri);
    let method = api::Method::new(route.method.clone(), resource, api).integration(integration).api_key_required(keyed);
    match authorizer {
        Some(authorizer) => method.authorization_type("COGNITO_USER_POOLS").authorizer_id(Expr::reference(authorizer)),
        None => method.authorization_type("NONE"),
    }
}

/// The usage plan and key of one tenant of a pooled API.
pub(super) fn render_for_tenant(rest_api: &RestApi, cx: &mut Context<'_>) {
    let Some(throttle) = rest_api.throttle else { return };
    let stage = api::UsagePlanApiStage::new()
        .api_id(Expr::<Id>::from_node(cx.attribute(cx.name(), Attribute::Id)))
        .stage(STAGE);
    let mut plan = api::UsagePlan::new().usage_plan_name(cx.physical_name("", 128)).api_stages([stage]).throttle(
        api::UsagePlanThrottleSettings::new().burst_limit(throttle.burst).rate_limit(i64::from(throttle.rate)),
    );
    if let Some(quota) = throttle.daily_quota {
        plan = plan.quota(api::UsagePlanQuotaSettings::new().limit(quota).period("DAY"));
    }
    let plan = cx.add("usage-plan", &plan);
    let key = cx.add("api-key", &api::ApiKey::new().name(cx.physical_name("", 128)).enabled(true));
    cx.add("usage-plan-key", &api::UsagePlanKey::new(Expr::reference(&key), "API_KEY", Expr::reference(&plan)));
    let name = cx.name();
    cx.stack.outputs.insert(
        format!("{}ApiKeyId", cx.member.component.identity()),
        Output { description: format!("id of this tenant's key for {name}"), value: Node::Ref(key) },
    );
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Id => Some(Node::Ref(id("api"))),
        Attribute::Url => Some(
            Expr::<Text>::concat([
                "https://".into(),
                Node::Ref(id("api")),
                ".execute-api.".into(),
                Pseudo::Region.into(),
                ".".into(),
                Pseudo::UrlSuffix.into(),
                format!("/{STAGE}").into(),
            ])
            .into_node(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Rendered, render, siloed};

    const API: &str = "components:\n  - { function: Api, code: { inline: x } }\n  - { rest_api: Front, throttle: { rate: 10, burst: 20, daily_quota: 100 }, routes: [{ on: 'GET /orders/{id}', call: Api }, { on: POST /orders, call: Api }] }";

    #[test]
    fn pooled_every_tenant_has_a_plan_and_a_key() {
        let graph = render("pool", API);
        let cell = Rendered(graph.cell.unwrap());
        assert_eq!(cell.node("FrontMethodGET")["ApiKeyRequired"], true);
        let tenant = Rendered(graph.tenant.unwrap());
        assert_eq!(tenant.types(), ["ApiGateway::UsagePlan", "ApiGateway::ApiKey", "ApiGateway::UsagePlanKey"]);
        assert_eq!(tenant.get("ApiGateway::UsagePlan", "/Throttle/RateLimit"), 10);
        assert_eq!(tenant.get("ApiGateway::UsagePlan", "/Quota/Limit"), 100);
    }

    #[test]
    fn siloed_the_stage_throttles() {
        let stack = siloed(API);
        assert_eq!(stack.get("ApiGateway::Stage", "/MethodSettings/0/ThrottlingBurstLimit"), 20);
        assert_eq!(stack.node("FrontMethodGET")["ApiKeyRequired"], false);
    }

    #[test]
    fn segments_are_made_once_and_another_route_is_another_deployment() {
        let stack = siloed(API);
        assert_eq!(stack.types().iter().filter(|one| **one == "ApiGateway::Resource").count(), 2);
        let deployment = |stack: &Rendered| {
            let node = stack.0.nodes.iter().find(|node| node.type_name == "AWS::ApiGateway::Deployment").unwrap();
            assert!(!node.depends_on.is_empty());
            node.id.clone()
        };
        let other = siloed(&API.replace("POST", "PUT"));
        assert_ne!(deployment(&stack), deployment(&other));
        assert_eq!(deployment(&stack), deployment(&siloed(API)));
    }
}
