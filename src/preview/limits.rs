//! What a tenant's resources let through or take at most, as their properties say.

use serde_json::Value;

use super::document::{Quota, StackView};

/// A property that limits something.
struct Limit {
    kind: &'static str,
    /// The path to it; `*` is every item of a list.
    path: &'static str,
    what: &'static str,
    unit: &'static str,
}

const fn limit(kind: &'static str, path: &'static str, what: &'static str, unit: &'static str) -> Limit {
    Limit { kind, path, what, unit }
}

/// The properties that limit, by the reference of each type:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>.
const LIMITS: &[Limit] = &[
    limit("AWS::ApiGateway::UsagePlan", "Throttle/RateLimit", "request rate", "requests/s"),
    limit("AWS::ApiGateway::UsagePlan", "Throttle/BurstLimit", "request burst", "requests"),
    limit("AWS::ApiGateway::UsagePlan", "Quota/Limit", "requests", "requests"),
    limit("AWS::ApiGateway::Stage", "MethodSettings/*/ThrottlingRateLimit", "request rate", "requests/s"),
    limit("AWS::ApiGateway::Stage", "MethodSettings/*/ThrottlingBurstLimit", "request burst", "requests"),
    limit("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings/ThrottlingRateLimit", "request rate", "requests/s"),
    limit("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings/ThrottlingBurstLimit", "request burst", "requests"),
    limit("AWS::Lambda::Function", "ReservedConcurrentExecutions", "concurrent executions", "executions"),
    limit("AWS::Lambda::EventSourceMapping", "ScalingConfig/MaximumConcurrency", "concurrent batches", "executions"),
    limit("AWS::DynamoDB::Table", "OnDemandThroughput/MaxReadRequestUnits", "read throughput", "read units/s"),
    limit("AWS::DynamoDB::Table", "OnDemandThroughput/MaxWriteRequestUnits", "write throughput", "write units/s"),
    limit("AWS::DynamoDB::Table", "ProvisionedThroughput/ReadCapacityUnits", "read throughput", "read units/s"),
    limit("AWS::DynamoDB::Table", "ProvisionedThroughput/WriteCapacityUnits", "write throughput", "write units/s"),
    limit("AWS::WAFv2::WebACL", "Rules/*/Statement/RateBasedStatement/Limit", "request rate", "requests/window"),
    limit("AWS::ApplicationAutoScaling::ScalableTarget", "MaxCapacity", "scaling", "units"),
    limit("AWS::AutoScaling::AutoScalingGroup", "MaxSize", "instances", "instances"),
    limit("AWS::Kinesis::Stream", "ShardCount", "stream capacity", "shards"),
];

/// The quotas of the tenant's stacks, in the order of their resources.
pub(super) fn quotas(stacks: &[StackView]) -> Vec<Quota> {
    let mut quotas = Vec::new();
    for stack in stacks {
        for resource in &stack.resources {
            for limit in LIMITS.iter().filter(|limit| limit.kind == resource.kind) {
                find(&resource.properties, limit.path, &mut String::new(), &mut |property, value| {
                    let unit = match resource.properties.get("Quota").and_then(|quota| quota.get("Period")?.as_str()) {
                        Some(period) if limit.path == "Quota/Limit" => {
                            format!("{}/{}", limit.unit, period.to_lowercase())
                        }
                        _ => limit.unit.to_owned(),
                    };
                    quotas.push(Quota {
                        what: limit.what.to_owned(),
                        value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                        unit,
                        sharing: stack.sharing,
                        stack: stack.name.clone(),
                        logical_id: resource.logical_id.clone(),
                        property: property.to_owned(),
                    });
                });
            }
        }
    }
    quotas
}

/// Every value at the path, with the path that leads to it.
fn find(value: &Value, path: &str, at: &mut String, found: &mut dyn FnMut(&str, &Value)) {
    let (step, rest) = path.split_once('/').map_or((path, None), |(step, rest)| (step, Some(rest)));
    let mut go = |name: &str, value: &Value| {
        let length = at.len();
        if length > 0 {
            at.push('/');
        }
        at.push_str(name);
        match rest {
            Some(rest) => find(value, rest, at, found),
            None => found(at, value),
        }
        at.truncate(length);
    };
    match (step, value) {
        ("*", Value::Array(items)) => items.iter().enumerate().for_each(|(number, item)| go(&number.to_string(), item)),
        (step, Value::Object(entries)) => {
            if let Some(value) = entries.get(step) {
                go(step, value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_lists() {
        let value = serde_json::json!({"Rules": [{"A": {"Limit": "5"}}, {"B": 1}, {"A": {"Limit": "7"}}]});
        let mut found = Vec::new();
        find(&value, "Rules/*/A/Limit", &mut String::new(), &mut |path, value| {
            found.push(format!("{path}={value}"));
        });
        assert_eq!(found, [r#"Rules/0/A/Limit="5""#, r#"Rules/2/A/Limit="7""#]);
    }

    /// A path with a slip in it would never find anything.
    #[test]
    fn every_property_that_limits_is_in_the_schema_of_its_type() {
        for limit in LIMITS {
            let facts = crate::cfn::schema::find(limit.kind).unwrap_or_else(|| panic!("{} is no type", limit.kind));
            let text = serde_json::to_string(facts.schema()).unwrap();
            for step in limit.path.split('/').filter(|step| *step != "*") {
                assert!(text.contains(&format!("\"{step}\"")), "{} has no {step} of {}", limit.kind, limit.path);
            }
        }
    }
}
