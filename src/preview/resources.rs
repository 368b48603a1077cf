//! A stack's resources: what they are called, which component they were made for, whose what is in them is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{OutputView, Owner, ResourceView, Sharing, StackView, Whose};
use super::gather::Evaluated;
use super::shown;
use crate::cfn::schema;
use crate::prove::tenancy::{Actor, Deployed, OWNER_ID, Owner as Declared};
use crate::prove::text::Symbols;

/// The tag that says which component a resource was made for.
const COMPONENT: &str = "Component";

/// Types whose names tell them apart only within what they are part of: `GET` is no name to look for.
const PARTS: &[&str] = &["AWS::ApiGateway::Method", "AWS::ApiGateway::Stage", "AWS::IAM::RolePolicy"];

/// The characters of the digest at the end of a logical id ([`crate::cfn::logical_id`]).
const DIGEST: usize = 8;

/// A stack, with everything that can be said about it.
pub(super) fn stack(evaluated: &Evaluated<'_>, tenant: &str, tag: &str, symbols: &Symbols) -> StackView {
    let record = &evaluated.served.record;
    let raw = evaluated.template.value();
    let mut resources: Vec<ResourceView> = evaluated
        .stack
        .resources
        .iter()
        .map(|resource| {
            let id = &resource.logical_id;
            let properties = shown::json(&resource.properties, symbols);
            let policy = raw.get("Resources").and_then(|all| all.get(id)?.get("DeletionPolicy")?.as_str());
            ResourceView {
                logical_id: id.clone(),
                kind: resource.kind.clone(),
                component: component_tag(&properties),
                name: evaluated
                    .stack
                    .physical_name(id)
                    .filter(|_| !PARTS.contains(&resource.kind.as_str()))
                    .map(|name| shown::text(&name, symbols)),
                arn: evaluated.stack.arn(id).map(|arn| shown::text(&arn, symbols)),
                stateful: schema::find(&resource.kind).is_some_and(|facts| facts.is_stateful()),
                owner: owner(evaluated, id, tenant, tag),
                deletion_policy: policy.unwrap_or("Delete").to_owned(),
                properties,
            }
        })
        .collect();
    name_components(&mut resources);
    let outputs = evaluated.stack.outputs.iter().map(|(name, value)| OutputView {
        name: name.clone(),
        description: raw.get("Outputs").and_then(|all| all.get(name)?.get("Description")?.as_str()).map(str::to_owned),
        value: shown::value(value, symbols),
    });
    StackView {
        name: record.name.to_string(),
        sharing: evaluated.served.sharing,
        tenants: evaluated.served.tenants,
        template: record.template.to_string(),
        sha256: record.sha256.to_string(),
        account: record.account.as_ref().map(ToString::to_string),
        region: record.region.to_string(),
        parameters: super::owned(&record.parameters),
        tags: super::owned(&record.tags),
        depends_on: record.depends_on.iter().map(ToString::to_string).collect(),
        outputs: outputs.collect(),
        resources,
    }
}

/// The component that a resource's tags name. Tags are a list or a mapping, under a name that ends in `Tags`.
fn component_tag(properties: &Value) -> Option<String> {
    let tags = properties.as_object()?.iter().filter(|(name, _)| name.ends_with("Tags")).map(|(_, tags)| tags);
    tags.filter_map(|tags| match tags {
        Value::Array(list) => list
            .iter()
            .find(|tag| tag.get("Key").and_then(Value::as_str) == Some(COMPONENT))
            .and_then(|tag| tag.get("Value")?.as_str()),
        Value::Object(map) => map.get(COMPONENT).and_then(Value::as_str),
        _ => None,
    })
    .next()
    .map(str::to_owned)
}

/// Resources that take no tags belong to the component whose name their logical id begins with; one that is the only
/// resource of its component to what is left of its id without its type and digest.
fn name_components(resources: &mut [ResourceView]) {
    let folded = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
    };
    let known: BTreeMap<String, String> = resources
        .iter()
        .filter_map(|resource| resource.component.clone())
        .map(|component| (folded(&component), component))
        .collect();
    for resource in resources.iter_mut().filter(|resource| resource.component.is_none()) {
        let id = folded(&resource.logical_id);
        let longest =
            known.iter().filter(|(start, _)| id.starts_with(start.as_str())).max_by_key(|(start, _)| start.len());
        resource.component = longest.map(|(_, component)| component.clone()).or_else(|| {
            let stem = resource.logical_id.get(..resource.logical_id.len().checked_sub(DIGEST)?)?;
            let stem = stem.strip_suffix(resource.kind.rsplit("::").next()?)?;
            (!stem.is_empty()).then(|| stem.to_owned())
        });
    }
}

/// Whose what is in a resource is, as the declaration says.
fn owner(evaluated: &Evaluated<'_>, id: &str, tenant: &str, tag: &str) -> Owner {
    let declared = evaluated.declared.as_ref();
    let many = evaluated.served.tenants;
    let shared = || match many {
        1 => "shared, by this tenant alone so far".to_owned(),
        many => format!("shared by {many} tenants"),
    };
    let owner = |whose, words: String, key: Option<String>| Owner { whose, words, key };
    let filled = |pattern: &str| pattern.replace(OWNER_ID, tenant);
    match declared.and_then(|declared: &Deployed| declared.owners.get(id)) {
        Some(Declared::Tenant) => return owner(Whose::Own, "the tenant's own".to_owned(), None),
        Some(Declared::PartitionKey { pattern }) => {
            let key = filled(pattern);
            return owner(Whose::Shared, format!("{}; its items have the partition key `{key}`", shared()), Some(key));
        }
        Some(Declared::ObjectKey { pattern }) => {
            let key = filled(pattern);
            return owner(Whose::Shared, format!("{}; its objects have the key `{key}`", shared()), Some(key));
        }
        Some(Declared::EncryptionContext { key, pattern }) => {
            let pair = format!("{key}={}", filled(pattern));
            let words = format!("{}; what is encrypted for it has the context `{pair}`", shared());
            return owner(Whose::Shared, words, Some(pair));
        }
        Some(Declared::Services { reason }) => {
            return owner(Whose::Shared, format!("{}; used by services only: {reason}", shared()), None);
        }
        Some(Declared::Application { reason, .. }) => {
            return owner(Whose::Shared, format!("{}; code keeps them apart: {reason}", shared()), None);
        }
        Some(Declared::Platform { reason }) => {
            return owner(Whose::Platform, format!("the product's: {reason}"), None);
        }
        None => {}
    }
    match declared.and_then(|declared| declared.roles.get(id)) {
        Some(Actor::Session { .. }) => {
            let pair = format!("{tag}={tenant}");
            owner(Whose::Shared, format!("{}; acts for it in sessions tagged `{pair}`", shared()), Some(pair))
        }
        Some(Actor::Platform { reason }) => owner(Whose::Platform, format!("the product's: {reason}"), None),
        Some(Actor::Tenant) => owner(Whose::Own, "acts for the tenant".to_owned(), None),
        None if evaluated.served.sharing == Sharing::Siloed => owner(Whose::Own, "the tenant's own".to_owned(), None),
        None => owner(Whose::Nobody, format!("{}; holds no tenant's data", shared()), None),
    }
}
