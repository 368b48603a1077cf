//! What differs between the two sides beside the data: resources, rates, entitlements, guardrails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Amount, Fate, GuardrailChange, Kind, ResourceFate};
use super::seen::{Seen, SeenStack};
use super::survey::stem;
use crate::diff::Action;
use crate::diff::template::{Deployed, Types, compare};

/// What every resource of the tenant's own stacks becomes.
pub(super) fn resources(from: Option<&Seen>, to: Option<&Seen>) -> Vec<ResourceFate> {
    let mut types = Types::default();
    let empty: &[SeenStack] = &[];
    let (old, new) = (from.map_or(empty, |seen| &seen.own), to.map_or(empty, |seen| &seen.own));
    let mut fates = Vec::new();
    for stack in old {
        let heir = new.iter().find(|other| other.record.name == stack.record.name);
        match heir {
            None => {
                for (id, kind) in stack.template.resources() {
                    let fate = if retained(stack, id) { Fate::LeftBehind } else { Fate::Deleted };
                    fates.push(fate_of(stack, id, kind, fate));
                }
            }
            Some(heir) => fates.extend(both(stack, heir, &mut types)),
        }
    }
    for stack in new.iter().filter(|stack| !old.iter().any(|other| other.record.name == stack.record.name)) {
        fates.extend(stack.template.resources().map(|(id, kind)| fate_of(stack, id, kind, Fate::Created)));
    }
    fates
}

fn fate_of(stack: &SeenStack, logical_id: &str, kind: &str, fate: Fate) -> ResourceFate {
    ResourceFate {
        fate,
        stack: stack.record.name.to_string(),
        logical_id: logical_id.to_owned(),
        kind: kind.to_owned(),
    }
}

/// Whether a resource stays when its stack is deleted.
fn retained(stack: &SeenStack, logical_id: &str) -> bool {
    let policy =
        stack.template.value().get("Resources").and_then(|all| all.get(logical_id)?.get("DeletionPolicy")?.as_str());
    matches!(policy, Some("Retain" | "RetainExceptOnCreate"))
}

/// A stack that is there before and after.
fn both(old: &SeenStack, new: &SeenStack, types: &mut Types) -> Vec<ResourceFate> {
    let values = |stack: &SeenStack| -> BTreeMap<String, String> {
        stack.record.parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    let (before, after) = (values(old), values(new));
    let changes = compare(Some(&deployed(old, &before)), Some(&deployed(new, &after)), types);
    let moved = (&old.record.account, &old.record.region) != (&new.record.account, &new.record.region);
    let mut fates = Vec::new();
    for (id, kind) in new.template.resources() {
        let action = changes.iter().find(|change| change.logical_id == id).map(|change| change.action);
        fates.push(fate_of(
            new,
            id,
            kind,
            match action {
                _ if moved => Fate::Created,
                None => Fate::Kept,
                Some(Action::Added) => Fate::Created,
                Some(Action::Updated) => Fate::Updated,
                Some(Action::MayBeReplaced | Action::Replaced | Action::Removed) => Fate::Replaced,
            },
        ));
    }
    let kept: BTreeSet<&str> = new.template.resources().map(|(id, _)| id).collect();
    for (id, kind) in old.template.resources().filter(|(id, _)| !kept.contains(id)) {
        fates.push(fate_of(old, id, kind, if retained(old, id) { Fate::LeftBehind } else { Fate::Deleted }));
    }
    fates
}

fn deployed<'a>(stack: &'a SeenStack, parameters: &'a BTreeMap<String, String>) -> Deployed<'a> {
    Deployed {
        template: stack.template.value(),
        parameters,
        stack: &stack.record.name,
        account: stack.record.account.as_deref(),
        region: &stack.record.region,
    }
}

/// What the tenant may use of the product, where that changes.
pub(super) fn entitlements(from: Option<&Seen>, to: Option<&Seen>, kind: Kind) -> Vec<Amount> {
    let of = |seen: Option<&Seen>| -> BTreeMap<String, Value> {
        seen.into_iter()
            .flat_map(|seen| &seen.record.entitlements)
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect()
    };
    let after = if matches!(kind, Kind::Erase | Kind::Offboard) { BTreeMap::new() } else { of(to) };
    differing(&of(from), &after)
}

fn differing(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<Amount> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .map(|name| Amount { name: name.clone(), old: before.get(name).cloned(), new: after.get(name).cloned() })
        .filter(|amount| amount.old != amount.new)
        .collect()
}

/// Properties that say how much one may use: of which type, by which path, and what they are.
const RATES: [(&str, &str, &str); 10] = [
    ("AWS::ApiGateway::UsagePlan", "/Throttle/RateLimit", "requests per second"),
    ("AWS::ApiGateway::UsagePlan", "/Throttle/BurstLimit", "requests at once"),
    ("AWS::ApiGateway::UsagePlan", "/Quota/Limit", "requests per period"),
    ("AWS::ApiGateway::UsagePlan", "/Quota/Period", "the period of the quota"),
    (
        "AWS::ApiGatewayV2::Stage",
        "/DefaultRouteSettings/ThrottlingRateLimit",
        "requests per second, all callers together",
    ),
    (
        "AWS::ApiGatewayV2::Stage",
        "/DefaultRouteSettings/ThrottlingBurstLimit",
        "requests at once, all callers together",
    ),
    ("AWS::Lambda::Function", "/ReservedConcurrentExecutions", "runs at once"),
    ("AWS::Lambda::Function", "/MemorySize", "memory in MiB"),
    ("AWS::Lambda::Function", "/Timeout", "seconds of a run"),
    ("AWS::DynamoDB::Table", "/OnDemandThroughput/MaxReadRequestUnits", "read request units per second"),
];

/// Rates and limits of the resources that serve the tenant, where they change.
pub(super) fn quotas(from: Option<&Seen>, to: Option<&Seen>, kind: Kind) -> Vec<Amount> {
    let of = |seen: Option<&Seen>| -> BTreeMap<String, Value> {
        let mut amounts = BTreeMap::new();
        for stack in seen.into_iter().flat_map(|seen| seen.own.iter().chain(&seen.shared)) {
            let resources = stack.template.value().get("Resources").and_then(Value::as_object);
            for (id, resource) in resources.into_iter().flatten() {
                let found =
                    RATES.iter().filter(|(kind, ..)| resource.get("Type").and_then(Value::as_str) == Some(*kind));
                for (_, path, what) in found {
                    let value = resource.get("Properties").and_then(|properties| properties.pointer(path));
                    if let Some(value) = value.filter(|value| value.is_number() || value.is_string()) {
                        amounts.insert(format!("{}: {what}", stem(id)), value.clone());
                    }
                }
            }
        }
        amounts
    };
    let after = if matches!(kind, Kind::Erase | Kind::Offboard) { BTreeMap::new() } else { of(to) };
    differing(&of(from), &after)
}

/// The statements of policies by id.
fn statements(policies: &BTreeMap<String, Value>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in policies.values().flat_map(each_statement) {
        let id = statement.get("Sid").and_then(Value::as_str).unwrap_or("a statement without an id");
        all.entry(id.to_owned()).or_default().insert(statement.to_string());
    }
    all
}

fn each_statement(policy: &Value) -> impl Iterator<Item = &Value> {
    let statement = policy.get("Statement");
    let list = statement.and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    list.iter().chain(statement.filter(|one| one.is_object()))
}

/// The statements of guardrails that change.
pub(super) fn guardrails(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<GuardrailChange> {
    let (before, after) = (statements(before), statements(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| GuardrailChange {
            statement: name.clone(),
            change: match (before.contains_key(name), after.contains_key(name)) {
                (false, _) => "added",
                (_, false) => "removed",
                _ => "changed",
            },
        })
        .collect()
}

/// Whether a statement denies what happens outside of regions that the region is not one of.
pub(super) fn denies_region(policies: &BTreeMap<String, Value>, region: &str) -> bool {
    policies.values().flat_map(each_statement).any(|statement| {
        let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
        let conditions = statement.get("Condition").and_then(Value::as_object);
        denies
            && conditions.into_iter().flatten().any(|(operator, keys)| {
                let allowed = keys
                    .as_object()
                    .into_iter()
                    .flatten()
                    .find_map(|(key, value)| key.eq_ignore_ascii_case("aws:RequestedRegion").then_some(value));
                operator.starts_with("StringNotEquals")
                    && allowed.is_some_and(|allowed| match allowed {
                        Value::Array(regions) => !regions.iter().any(|one| one == region),
                        one => one != region,
                    })
            })
    })
}
