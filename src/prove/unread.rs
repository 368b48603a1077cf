//! What stands in a template or a declaration and is read by nobody: a proof that skips something says so.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::Place;
use super::proof::Obstacle;
use super::request::Request;
use super::template::{Resolved, Resource, Stack, Template, service};
use super::tenancy::{Deployed, Owner, Tenancy};
use crate::cfn::schema;

/// What the declaration names and the templates do not have. A declaration that speaks of nothing says nothing about what
/// it was meant for.
#[must_use]
pub fn strangers(tenancy: &Tenancy, templates: &BTreeMap<String, Template>) -> Vec<Obstacle> {
    let mut found = Vec::new();
    for (at, deployed) in tenancy.templates.iter().enumerate() {
        let Some(template) = templates.get(&deployed.template) else { continue };
        let here = Place { file: Request::DECLARATION.to_owned(), pointer: String::new() }.at("templates").at(at);
        let kinds: BTreeMap<&str, &str> = template.resources().collect();
        if kinds.is_empty() {
            // It is no template, which is said.
            continue;
        }
        let mut say = |place: Place, reason: String, help: &str| {
            found.push(Obstacle { place: Some(place), reason, help: help.to_owned() });
        };
        let file = &deployed.template;
        for (id, owner) in &deployed.owners {
            let place = here.at("owners").at(id);
            if !kinds.contains_key(id.as_str()) {
                let reason = format!("the declaration says whose `{id}` is, and `{file}` has no such resource");
                say(place.clone(), reason, "name a resource by its logical id, or take the entry out");
            }
            let Owner::Application { through, .. } = owner else { continue };
            for (number, role) in through.iter().enumerate() {
                let (file, id) = role.split_once('#').unwrap_or((file, role));
                let kind =
                    templates.get(file).and_then(|template| template.resources().find(|(known, _)| *known == id));
                if !kind.is_some_and(|(_, kind)| is_somebody(kind)) {
                    let reason = format!("the declaration names `{id}` in `through`, and `{file}` has no such role");
                    let place = place.at("application").at("through").at(number);
                    say(place, reason, "name a role by its logical id, or take it out");
                }
            }
        }
        for id in deployed.roles.keys() {
            let place = here.at("roles").at(id);
            if !kinds.get(id.as_str()).is_some_and(|kind| is_somebody(kind)) {
                let reason = format!("the declaration says for whom `{id}` acts, and `{file}` has no such role");
                say(place.clone(), reason, "name a role by its logical id, or take the entry out");
            }
        }
        let parameters: BTreeSet<&str> = template.parameters().collect();
        for id in deployed.parameters.keys().filter(|id| !parameters.contains(id.as_str())) {
            // A nested stack is declared by its logical id.
            if !kinds.contains_key(id.as_str()) {
                let reason = format!("the declaration says what `{id}` stands for, and `{file}` has no such parameter");
                say(here.at("parameters").at(id), reason, "name a parameter of the template, or take the entry out");
            }
        }
    }
    found
}

fn is_somebody(kind: &str) -> bool {
    matches!(kind, "AWS::IAM::Role" | "AWS::IAM::User")
}

/// Values of a stack that somebody reads and that cannot be known, apart from those that are said already.
#[must_use]
pub fn values(stack: &Stack, said: &[Obstacle]) -> Vec<Obstacle> {
    let mut found: Vec<Obstacle> = Vec::new();
    for unknown in &stack.unknowns {
        let Some(place) = &unknown.place else { continue };
        let mut steps = place.pointer.split('/').skip(1);
        let (Some("Resources"), Some(id), Some("Properties")) = (steps.next(), steps.next(), steps.next()) else {
            continue;
        };
        let id = id.replace("~1", "/").replace("~0", "~");
        let Some(resource) = stack.resource(&id) else { continue };
        let property = steps.next().filter(|step| !step.starts_with("Fn::"));
        if property.is_some_and(|property| !matters(&resource.kind, property)) {
            continue;
        }
        let known = said.iter().chain(&found).filter_map(|other| other.place.as_ref());
        let said = known.filter(|other| other.file == place.file).any(|other| within(&place.pointer, &other.pointer));
        if !said {
            found.push(Obstacle {
                reason: format!("what `{id}` is cannot be known: {}", unknown.reason),
                ..unknown.clone()
            });
        }
    }
    found
}

/// Whether a pointer leads to what another one leads to, or into it.
pub(super) fn within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a property says what somebody may do, who somebody is, or what a resource is known by to policies. Names are
/// reported where they are made.
fn matters(kind: &str, property: &str) -> bool {
    const OF_IAM: &[&str] = &[
        "AssumeRolePolicyDocument",
        "Policies",
        "ManagedPolicyArns",
        "PolicyDocument",
        "Roles",
        "RoleName",
        "Users",
        "UserName",
        "Groups",
        "Path",
        "Tags",
    ];
    match property {
        "Tags" | "UserPoolTags" => service(kind).is_some(),
        "ResourcePolicy" | "KeyPolicy" | "AccessPolicies" | "AccessPolicy" | "RepositoryPolicyText" => true,
        "FileSystemPolicy" | "Policy" | "PolicyDocument" => true,
        "OwnershipControls" | "AccessControl" => kind == "AWS::S3::Bucket",
        "AuthType" => kind == "AWS::Lambda::Url",
        other => {
            (kind.starts_with("AWS::IAM::") && OF_IAM.contains(&other))
                || kind == "AWS::Lambda::Permission"
                || kind == "AWS::Events::EventBusPolicy"
        }
    }
}

/// Policy documents in places that are not read. Those of endpoints and organizations only ever refuse.
#[must_use]
pub fn documents(stack: &Stack, read: &dyn Fn(&str, &str) -> bool) -> Vec<Obstacle> {
    let mut found = Vec::new();
    for resource in &stack.resources {
        if matches!(resource.kind.as_str(), "AWS::EC2::VPCEndpoint" | "AWS::Organizations::Policy") {
            continue;
        }
        let mut walk = Walk { resource, read, found: &mut found };
        walk.value(&resource.properties, "");
    }
    found
}

struct Walk<'a> {
    resource: &'a Resource,
    read: &'a dyn Fn(&str, &str) -> bool,
    found: &'a mut Vec<Obstacle>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Resolved, path: &str) {
        if !path.is_empty() && (self.read)(&self.resource.kind, path) {
            return;
        }
        match value {
            Resolved::Map(entries) => {
                if value.get("Statement").is_some_and(is_statement) {
                    let id = &self.resource.logical_id;
                    let kind = &self.resource.kind;
                    let place = path
                        .split('/')
                        .filter(|step| !step.is_empty())
                        .fold(self.resource.place.clone(), |place, step| place.at(step));
                    self.found.push(Obstacle {
                        place: Some(place),
                        reason: format!("`{id}` holds a policy, and policies of the type {kind} are not read"),
                        help: "grant through the policies of roles and of the resources themselves".to_owned(),
                    });
                    return;
                }
                for (key, value) in entries {
                    self.value(value, &format!("{path}/{key}"));
                }
            }
            Resolved::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.value(item, &format!("{path}/{at}"));
                }
            }
            Resolved::Text(text) if text.contains("\"Statement\"") => {
                if let Ok(parsed) = serde_json::from_str::<serde_json::Value>(text) {
                    self.value(&Resolved::of_json(&parsed), path);
                }
            }
            Resolved::Text(_) | Resolved::Unknown(_) => {}
        }
    }
}

fn is_statement(value: &Resolved) -> bool {
    value
        .items()
        .iter()
        .any(|item| item.get("Effect").is_some() && (item.get("Action").or(item.get("NotAction"))).is_some())
}

/// What is not known of a type that no fact of this program names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// Nobody knows what it does, or it keeps data.
    Matters,
    /// CloudFormation's schema has it, and neither marks it as keeping data.
    Listed,
}

/// How much is missing where [`service`] knows nothing of a type.
#[must_use]
pub fn unknown_type(kind: &str) -> Option<Unknown> {
    if service(kind).is_some() || matches!(kind, "AWS::CDK::Metadata") || kind.starts_with("AWS::CloudFormation::Wait")
    {
        return None;
    }
    match schema::find(kind) {
        Some(facts) if !facts.is_stateful() => Some(Unknown::Listed),
        _ => Some(Unknown::Matters),
    }
}

/// What is taken for granted about the resources of types that nothing is known of.
#[must_use]
pub fn assumption(deployed: &Deployed, id: &str, kind: &str) -> String {
    let file = &deployed.template;
    if kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource" {
        return format!("what the custom resource `{id}` of {file} makes holds no tenant's data and grants nothing");
    }
    format!(
        "no tenant's data is in `{id}` of {file}: how policies name a resource of type {kind} is not known, so nothing was asked of it"
    )
}
