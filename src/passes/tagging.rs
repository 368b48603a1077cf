//! Tags: every resource that can carry tags says whose it is, who owns it and who pays.

use serde_json::{Map, Value, json};

use crate::cfn::schema::{TagStyle, Validator};
use crate::facts::Facts;
use crate::ir::StackGraph;
use crate::model::{Model, Parameter, Sharing, Tier};

/// The keys that every taggable resource carries.
pub const MANDATORY: [&str; 7] = ["TenantId", "Tier", "Cell", "Component", "Environment", "Owner", "CostCenter"];

/// What `TenantId` says on a resource that tenants share.
pub const SHARED: &str = "pooled";

/// Puts the mandatory tags on every resource whose type can carry tags. A tag that a custom resource brings along
/// stays, unless it is one of the mandatory ones.
pub fn run(stack: &mut StackGraph, model: &Model, tier: &Tier, facts: &Facts, types: &mut Validator) {
    let sharing = stack.sharing;
    let untagged = &facts.tagging().untagged;
    for node in stack.nodes.iter_mut().filter(|node| !untagged.contains_key(&node.type_name)) {
        let Some(tagging) = types.facts(&node.type_name).and_then(|facts| facts.tagging()) else { continue };
        let tags: Vec<(&str, Value)> =
            MANDATORY.into_iter().map(|key| (key, value(key, sharing, model, tier, node.component.as_str()))).collect();
        match tagging.style {
            TagStyle::List => merge_list(&mut node.properties, &tagging.property, tags, false),
            TagStyle::PropagatingList => merge_list(&mut node.properties, &tagging.property, tags, true),
            TagStyle::Map => merge_map(&mut node.properties, &tagging.property, tags),
            // A shape of its own: such a type carries its author's tags only.
            _ => {}
        }
    }
}

fn value(key: &str, sharing: Sharing, model: &Model, tier: &Tier, component: &str) -> Value {
    let parameter = |parameter: Parameter| json!({"Ref": parameter.as_str()});
    match (key, sharing) {
        ("TenantId", Sharing::Siloed) => parameter(Parameter::TenantId),
        ("TenantId", Sharing::Pooled) => SHARED.into(),
        ("Tier", _) => tier.name.as_str().into(),
        ("Cell", _) => parameter(Parameter::Cell),
        ("Component", _) => component.into(),
        ("Environment", _) => model.environment.as_str().into(),
        ("Owner", _) => parameter(Parameter::Owner),
        _ => parameter(Parameter::CostCenter),
    }
}

fn merge_list(properties: &mut Map<String, Value>, property: &str, tags: Vec<(&str, Value)>, propagate: bool) {
    let list = properties.entry(property.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(list) = list else { return };
    list.retain(|tag| tag.get("Key").and_then(Value::as_str).is_none_or(|key| !MANDATORY.contains(&key)));
    list.extend(tags.into_iter().map(|(key, value)| {
        if propagate {
            json!({"Key": key, "Value": value, "PropagateAtLaunch": true})
        } else {
            json!({"Key": key, "Value": value})
        }
    }));
}

fn merge_map(properties: &mut Map<String, Value>, property: &str, tags: Vec<(&str, Value)>) {
    let map = properties.entry(property.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(map) = map {
        map.extend(tags.into_iter().map(|(key, value)| (key.to_owned(), value)));
    }
}
