//! From components to resources: one file for each component, siloed and pooled.
//!
//! A component renders into the stack it lives in, and what a pooled component needs for each tenant (a usage
//! plan, a role) into the tenant's stack. Logical ids are a function of the domain path, so a component can refer
//! to another one that has not been rendered yet.

mod access;
mod alarms;
mod bucket;
mod context;
mod custom;
mod dashboard;
mod event_bus;
mod function;
pub mod guardrails;
mod http_api;
mod key;
mod metrics;
mod network;
pub mod organization;
mod queue;
mod rest_api;
mod routes;
mod table;
#[cfg(test)]
mod testing;
mod topic;
mod user_pool;

use context::Context;

use crate::ir::{Output, StackGraph, TierGraph};
use crate::model::{Attribute, Body, Member, Model, Sharing, Tier};

/// The graph of a tier. The tier must have been checked: a reference to nothing renders as nothing.
#[must_use]
pub fn tier(model: &Model, tier: &Tier) -> TierGraph {
    let stack =
        |sharing: Sharing, what: &str| StackGraph::new(sharing, format!("{} {}: {what}", model.name, tier.name));
    let mut cell = stack(Sharing::Pooled, "what the tenants of a cell share");
    let mut tenant = stack(Sharing::Siloed, "what a tenant has to itself");
    for member in &tier.members {
        match member.sharing {
            Some(Sharing::Pooled) => {
                component(&mut Context::new(model, tier, member, &mut cell));
                for_each_tenant(&mut Context::new(model, tier, member, &mut tenant));
            }
            Some(Sharing::Siloed) => component(&mut Context::new(model, tier, member, &mut tenant)),
            None => {}
        }
    }
    TierGraph { cell: (!cell.nodes.is_empty()).then_some(cell), tenant: (!tenant.nodes.is_empty()).then_some(tenant) }
}

/// Renders a component into the stack it lives in, and shows its attributes to others.
fn component(cx: &mut Context<'_>) {
    match &cx.member.component.body {
        Body::Table(table) => table::render(table, cx),
        Body::Bucket(bucket) => bucket::render(bucket, cx),
        Body::Queue(queue) => queue::render(queue, cx),
        Body::Function(function) => function::render(function, cx),
        Body::HttpApi(api) => http_api::render(api, cx),
        Body::RestApi(api) => rest_api::render(api, cx),
        Body::Key(key) => key::render(key, cx),
        Body::EventBus(bus) => event_bus::render(bus, cx),
        Body::UserPool(pool) => user_pool::render(pool, cx),
        Body::Topic(topic) => topic::render(topic, cx),
        Body::Alarms(alarms) => alarms::render(alarms, cx),
        Body::Dashboard(dashboard) => dashboard::render(dashboard, cx),
        Body::Network(network) => network::render(network, cx),
        Body::Custom(custom) => custom::render(custom, cx),
    }
    let name = &cx.member.component.name;
    for attribute in cx.member.component.body.attributes() {
        if let Some(value) = local(cx.tier, cx.member, *attribute) {
            cx.stack.outputs.insert(
                output_name(cx.member, *attribute),
                Output { description: format!("{} of {name}", attribute.as_str()), value },
            );
        }
    }
}

/// Renders what a pooled component needs for each tenant.
fn for_each_tenant(cx: &mut Context<'_>) {
    match &cx.member.component.body {
        Body::Function(_) => function::render_for_tenant(cx),
        Body::RestApi(api) => rest_api::render_for_tenant(api, cx),
        _ => {}
    }
}

/// The name of the output that shows a component's attribute.
fn output_name(member: &Member, attribute: Attribute) -> String {
    let attribute = match attribute {
        Attribute::Name => "Name",
        Attribute::Arn => "Arn",
        Attribute::Id => "Id",
        Attribute::Url => "Url",
        Attribute::ClientId => "ClientId",
    };
    format!("{}{attribute}", member.component.identity())
}

/// A component's attribute as the stack it lives in knows it.
fn local(tier: &Tier, member: &Member, attribute: Attribute) -> Option<crate::cfn::Node> {
    let id = |role: &str| context::logical_id(tier, &member.component, role);
    match &member.component.body {
        Body::Table(_) => table::attribute(id, attribute),
        Body::Bucket(_) => bucket::attribute(id, attribute),
        Body::Queue(_) => queue::attribute(id, attribute),
        Body::Function(_) => function::attribute(id, attribute),
        Body::HttpApi(_) => http_api::attribute(id, attribute),
        Body::RestApi(_) => rest_api::attribute(id, attribute),
        Body::Key(_) => key::attribute(id, attribute),
        Body::EventBus(_) => event_bus::attribute(id, attribute),
        Body::UserPool(_) => user_pool::attribute(id, attribute),
        Body::Topic(_) => topic::attribute(id, attribute),
        Body::Network(_) => network::attribute(id, attribute),
        Body::Custom(_) => custom::attribute(id, attribute),
        Body::Alarms(_) | Body::Dashboard(_) => None,
    }
}
