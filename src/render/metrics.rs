//! The one number that says whether a component is well. Alarms watch it and dashboards show it.

use super::context::{Context, logical_id};
use crate::cfn::Node;
use crate::model::{Attribute, Body, ComponentName, Sharing};

/// A metric of a component, and when it is bad: when its sum over five minutes is at least one.
pub(super) struct Metric {
    /// What it counts, for people.
    pub(super) title: &'static str,
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    pub(super) statistic: &'static str,
    pub(super) dimension: &'static str,
    pub(super) value: Node,
}

/// The metric of a component.
pub(super) fn of(cx: &Context<'_>, component: &ComponentName) -> Option<Metric> {
    let member = cx.other(component)?;
    let metric = |title, namespace, name, statistic, dimension, value| {
        Some(Metric { title, namespace, name, statistic, dimension, value })
    };
    // What has no output (dead letters, the name of a REST API) is watched from the stack it stands in: a pooled one's by
    // the cell's alarms, not by each tenant's.
    let here = cx.stack.sharing == Sharing::Pooled || member.sharing == Some(Sharing::Siloed);
    match &member.component.body {
        Body::Function(_) => {
            let name = cx.attribute(component, Attribute::Name);
            metric("errors", "AWS/Lambda", "Errors", "Sum", "FunctionName", name)
        }
        Body::Queue(_) => {
            let dead_letters = logical_id(cx.tier, &member.component, "dead-letters");
            let name = here.then(|| Node::GetAtt(dead_letters, "QueueName".into()))?;
            metric("dead letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "QueueName", name)
        }
        Body::Table(_) => {
            let name = cx.attribute(component, Attribute::Name);
            metric("throttled writes", "AWS/DynamoDB", "WriteThrottleEvents", "Sum", "TableName", name)
        }
        Body::HttpApi(_) => {
            let id = cx.attribute(component, Attribute::Id);
            metric("server errors", "AWS/ApiGateway", "5xx", "Sum", "ApiId", id)
        }
        Body::RestApi(_) => {
            let name = here.then(|| cx.physical_name_of(&member.component, "", 128).into_node())?;
            metric("server errors", "AWS/ApiGateway", "5XXError", "Sum", "ApiName", name)
        }
        _ => None,
    }
}
