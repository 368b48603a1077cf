//! An HTTP API: `AWS::ApiGatewayV2::Api` with an integration and a permission for each function, a route for each
//! way in, a stage, and where asked for an authorizer and a log group.

use super::context::Context;
use super::function::permission;
use super::routes::functions;
use crate::cfn::expr::kind::{Arn, Id, Text};
use crate::cfn::types::{apigatewayv2 as api, logs};
use crate::cfn::{Expr, LogicalId, Node};
use crate::model::Attribute;
use crate::model::component::HttpApi;

/// The fields of an access log line.
const LOG_FORMAT: &str = concat!(
    r#"{"requestId":"$context.requestId","time":"$context.requestTimeEpoch","ip":"$context.identity.sourceIp","#,
    r#""route":"$context.routeKey","status":"$context.status","latency":"$context.responseLatency","#,
    r#""tenantId":"$context.authorizer.claims.custom:tenantId"}"#
);

pub(super) fn render(http_api: &HttpApi, cx: &mut Context<'_>) {
    let resource = api::Api::new().name(cx.physical_name("", 128)).protocol_type("HTTP");
    let id = cx.add("api", &resource);
    let api_id = || Expr::<Id>::reference(&id);

    let authorizer = http_api.authorizer.as_ref().map(|pool| {
        let jwt = api::AuthorizerJWTConfiguration::new()
            .audience([Expr::<Text>::from_node(cx.attribute(pool, Attribute::ClientId))])
            .issuer(Expr::<Text>::from_node(cx.attribute(pool, Attribute::Url)));
        let authorizer = api::Authorizer::new(api_id(), "JWT", "users")
            .identity_source(["$request.header.Authorization"])
            .jwt_configuration(jwt);
        cx.add("authorizer", &authorizer)
    });
    for function in functions(&http_api.routes) {
        let arn = cx.arn(function);
        let integration = api::Integration::new(api_id(), "AWS_PROXY")
            .integration_uri(Expr::<Text>::from_node(arn.clone()))
            .payload_format_version("2.0");
        let identity = cx.identity_of(function);
        cx.add(&format!("integration/{identity}"), &integration);
        cx.add(&format!("permission/{identity}"), &permission(arn, Node::Ref(id.clone())));
    }
    for route in &http_api.routes {
        let integration = cx.id(&format!("integration/{}", cx.identity_of(&route.function)));
        let mut resource = api::Route::new(api_id(), format!("{} {}", route.method, route.path))
            .target(Expr::<Text>::concat(["integrations/".into(), Node::Ref(integration)]));
        if let Some(authorizer) = &authorizer {
            resource = resource.authorization_type("JWT").authorizer_id(Expr::reference(authorizer));
        }
        cx.add(&format!("route/{} {}", route.method, route.path), &resource);
    }
    let mut stage = api::Stage::new(api_id(), "$default").auto_deploy(true).default_route_settings(
        api::StageRouteSettings::new()
            .throttling_burst_limit(http_api.burst)
            .throttling_rate_limit(i64::from(http_api.rate)),
    );
    if http_api.access_logs {
        let name = Expr::concat(["/aws/vendedlogs/".into(), cx.physical_name("", 128).into_node()]);
        let group = cx.add("logs", &logs::LogGroup::new().log_group_name(name).retention_in_days(30_i64));
        stage = stage.access_log_settings(
            api::StageAccessLogSettings::new().destination_arn(Expr::<Arn>::get_att(&group, "Arn")).format(LOG_FORMAT),
        );
    }
    cx.add("stage", &stage);
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Id => Some(Node::Ref(id("api"))),
        Attribute::Url => Some(Node::GetAtt(id("api"), "ApiEndpoint".into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pooled, siloed};

    const API: &str = "components:\n  - { function: Api, code: { inline: x } }\n  - { user_pool: Users }\n  - { http_api: Front, authorizer: Users, routes: [{ on: GET /, call: Api }, { on: POST /x, call: Api }] }";

    #[test]
    fn routes_share_an_integration_and_ask_for_a_token() {
        for stack in [siloed(API), pooled(API)] {
            let count = |name: &str| stack.types().iter().filter(|one| **one == name).count();
            assert_eq!(count("ApiGatewayV2::Route"), 2);
            assert_eq!(count("ApiGatewayV2::Integration"), 1);
            assert_eq!(count("Lambda::Permission"), 1);
            assert_eq!(stack.node("FrontRouteGET")["AuthorizationType"], "JWT");
            assert_eq!(stack.get("ApiGatewayV2::Stage", "/DefaultRouteSettings/ThrottlingRateLimit"), 1_000);
            assert!(stack.get("ApiGatewayV2::Stage", "/AccessLogSettings/Format").is_string());
        }
    }

    #[test]
    fn the_function_answers_this_api_only() {
        let arn = siloed(API).get("Lambda::Permission", "/SourceArn/Fn::Sub");
        let arn = arn.as_str().unwrap();
        assert!(arn.starts_with("arn:${AWS::Partition}:execute-api:") && arn.ends_with("}/*"), "{arn}");
    }
}
