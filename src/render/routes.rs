//! What both kinds of API have in common.

use crate::model::component::Route;
use crate::model::ComponentName;

/// The functions that answer, each once, in the order of the routes.
pub(super) fn functions(routes: &[Route]) -> Vec<&ComponentName> {
    let mut functions: Vec<&ComponentName> = Vec::new();
    for route in routes {
        if !functions.contains(&&route.function) {
            functions.push(&route.function);
        }
    }
    functions
}

/// The fields of an access log line.
pub(super) const LOG_FORMAT: &str = concat!(
    r#"{"requestId":"$context.requestId","time":"$context.requestTimeEpoch","ip":"$context.identity.sourceIp","#,
    r#""route":"$context.httpMethod $context.resourcePath","status":"$context.status","#,
    r#""latency":"$context.responseLatency","tenantId":"$context.authorizer.claims.custom:tenantId"}"#
);
