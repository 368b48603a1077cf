//! Who owns what, derived from the model: from tenant keys, sharing and grants.
//!
//! The policies that were rendered from the same model are never looked at, or a mistake in them would be in the
//! declaration that they are held against too. Of what was rendered only the logical ids are taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::shapes::{Shape, Shapes};
use crate::assembly::TierPolicies;
use crate::ir::{GraphNode, StackGraph, TierGraph};
use crate::model::naming::DIGEST_LENGTH;
use crate::model::{Access, Body, Boundary, ComponentName, Member, Model, Parameter, Sharing, TenantKey, Tier};
use crate::prove::tenancy::{
    Accounts, Actor, Deployed, Duty, Guardrails, Ids, Meaning, OWNER_ID, Operators, Owner, Scope, Tenancy, VERSION,
    default_tag,
};

/// Whose the resources of a tier's shared stack are.
#[derive(Debug, Default)]
pub(super) struct Declared {
    owners: BTreeMap<String, Owner>,
    roles: BTreeMap<String, Actor>,
    /// By resource, the roles in tenants' own stacks that may touch it.
    from_silos: BTreeMap<String, Vec<String>>,
}

/// Says whose the resources of the shared stack are. In tenants' own stacks everything is the tenant's, and nothing needs
/// to be said.
pub(super) fn declare(tier: &Tier, graph: &TierGraph) -> Declared {
    let mut declared = Declared::default();
    let Some(cell) = &graph.cell else { return declared };
    for node in &cell.nodes {
        let Some(member) = tier.member(&node.component) else { continue };
        if let Some(mut owner) = owner(tier, member, node) {
            if let Owner::Application { through, .. } = &mut owner {
                let callers = callers(tier, member, node);
                through.extend(roles_of(cell, &callers));
                if node.role == "flow-logs" {
                    through.extend(
                        cell.nodes
                            .iter()
                            .filter(|other| other.role == "flow-role" && other.component == node.component)
                            .map(|other| other.id.to_string()),
                    );
                }
                let from_silos = graph.tenant.as_ref().map(|tenant| roles_of(tenant, &callers)).unwrap_or_default();
                if !from_silos.is_empty() {
                    declared.from_silos.insert(node.id.to_string(), from_silos);
                }
            }
            declared.owners.insert(node.id.to_string(), owner);
        }
        if let Some(actor) = actor(cell, member, node) {
            declared.roles.insert(node.id.to_string(), actor);
        }
    }
    declared
}

/// The roles that functions run as.
fn roles_of(stack: &StackGraph, functions: &BTreeSet<&ComponentName>) -> Vec<String> {
    let is_role = |node: &&GraphNode| node.role == "role" && functions.contains(&node.component);
    stack.nodes.iter().filter(is_role).map(|node| node.id.to_string()).collect()
}

/// The functions that the model lets at a resource that policies cannot divide.
fn callers<'t>(tier: &'t Tier, member: &'t Member, node: &GraphNode) -> BTreeSet<&'t ComponentName> {
    let name = &member.component.name;
    match (&member.component.body, node.role.as_str()) {
        (Body::Function(_), "logs") => BTreeSet::from([name]),
        (Body::Queue(_), "queue") | (Body::Topic(_), "topic") | (Body::EventBus(_), "bus") | (Body::Function(_), _) => {
            let granted = tier.grants.iter().filter(|grant| grant.to == *name).map(|grant| &grant.from);
            let consuming = tier.members.iter().filter_map(|other| match &other.component.body {
                Body::Function(function) if function.consumes.contains(name) => Some(&other.component.name),
                _ => None,
            });
            granted.chain(consuming).collect()
        }
        // No function: services write them, and people read them.
        _ => BTreeSet::new(),
    }
}

/// Whose a resource of the shared stack is; nothing if it holds no data, keys, messages or code.
fn owner(tier: &Tier, member: &Member, node: &GraphNode) -> Option<Owner> {
    let name = &member.component.name;
    let application = |reason: String| Owner::Application { reason, through: Vec::new() };
    Some(match (&member.component.body, node.role.as_str()) {
        (Body::Table(table), "table") => Owner::PartitionKey {
            pattern: match &table.tenant_key {
                Some(TenantKey::PrefixOf(_)) => format!("{OWNER_ID}#*"),
                _ => OWNER_ID.to_owned(),
            },
        },
        (Body::Bucket(_), "bucket") => Owner::ObjectKey { pattern: format!("{OWNER_ID}/*") },
        (Body::Key(_), "key") => {
            if tier.grants.iter().any(|grant| grant.to == *name && grant.access == Access::Use) {
                Owner::EncryptionContext { key: default_tag(), pattern: OWNER_ID.to_owned() }
            } else {
                let reason = "only services that hold tenants' data use it, and they check access to the data";
                Owner::Services { reason: reason.to_owned() }
            }
        }
        (Body::Queue(queue), "queue") => application(format!(
            "policies cannot see inside messages: senders name the tenant{}, and receivers take it from there",
            named(queue.tenant_key.as_ref())
        )),
        (Body::Queue(_), "dead-letters") => application(
            "messages of all tenants that could not be worked on; people who move them back see them".into(),
        ),
        (Body::Topic(topic), "topic") if topic.tenant_key.is_none() && !is_reached(tier, name) => {
            Owner::Platform { reason: "alarms speak through it, of numbers over all tenants".into() }
        }
        (Body::Topic(topic), "topic") => application(format!(
            "policies cannot see inside messages: senders name the tenant{}, and subscribers take it from there",
            named(topic.tenant_key.as_ref())
        )),
        (Body::EventBus(bus), "bus") => application(format!(
            "policies cannot see inside events: senders name the tenant{}, and rules and targets take it from there",
            named(bus.tenant_key.as_ref())
        )),
        (Body::EventBus(_), "archive") => {
            application("events of all tenants, kept for replay; whoever replays them replays every tenant's".into())
        }
        (Body::Function(_), "function") => application(
            "it runs for all tenants: its code must know for which, from a verified token or from a sender it trusts"
                .into(),
        ),
        (Body::Function(_), "logs") => {
            application("lines about all tenants' requests: code must not log one tenant's data for another".into())
        }
        (Body::HttpApi(_) | Body::RestApi(_), "logs") => {
            application("a line for each request of every tenant, written by API Gateway; people read them".into())
        }
        (Body::HttpApi(_) | Body::RestApi(_), "api") => {
            Owner::Platform { reason: "it routes requests to functions and keeps none of them".into() }
        }
        (Body::UserPool(_), "pool") => application(
            "users of all tenants: whoever makes users sets `custom:tenantId`, which no app client may write".into(),
        ),
        (Body::Alarms(_), _) => Owner::Platform { reason: "it watches a number over all tenants".into() },
        (Body::Dashboard(_), _) => Owner::Platform { reason: "it shows numbers over all tenants".into() },
        (Body::Network(_), "flow-logs") => application(
            "addresses and ports of all tenants' connections, written by VPC Flow Logs; people read them".into(),
        ),
        (Body::Custom(custom), _) => {
            let fallback = "nothing says why tenants may share it";
            Owner::Platform { reason: custom.shared_because.as_deref().unwrap_or(fallback).to_owned() }
        }
        _ => return None,
    })
}

/// Whether a function has access to a component.
fn is_reached(tier: &Tier, name: &ComponentName) -> bool {
    tier.grants.iter().any(|grant| grant.to == *name)
}

/// Where messages and events name their tenant.
fn named(key: Option<&TenantKey>) -> String {
    match key {
        Some(TenantKey::Attribute(attribute)) => format!(" in `{attribute}`"),
        _ => String::new(),
    }
}

/// For whom a role of the shared stack acts. Roles of custom components act for nobody.
fn actor(cell: &StackGraph, member: &Member, node: &GraphNode) -> Option<Actor> {
    let name = &member.component.name;
    let of_same = |role: &str| {
        let same = |other: &&GraphNode| other.component == node.component && other.role == role;
        cell.nodes.iter().find(same).map(|other| other.id.to_string())
    };
    match (&member.component.body, node.role.as_str()) {
        (Body::Function(function), "role") => Some(Actor::Platform {
            reason: match of_same("session-role") {
                Some(_) if function.consumes.is_empty() => {
                    format!("runs `{name}`, whose code takes from the verified token for whom a session is")
                }
                Some(_) => format!("runs `{name}`, whose code takes from each message for whom a session is"),
                None => format!("runs `{name}`, which opens no session in a tenant's name"),
            },
        }),
        (Body::Function(_), "session-role") => {
            Some(Actor::Session { minted_by: of_same("role").into_iter().collect(), ids_checked_by: None })
        }
        (Body::Network(_), "flow-role") => {
            Some(Actor::Platform { reason: format!("lets VPC Flow Logs write down the connections in `{name}`") })
        }
        _ => None,
    }
}

/// The declaration of an assembly: every template that is deployed for cells and tenants, and who works on them.
pub(super) fn tenancy(
    model: &Model,
    shapes: &Shapes,
    variants: &[Arc<Shape>],
    policies: &[TierPolicies],
    suspended: &[String],
) -> Tenancy {
    let mut templates = Vec::new();
    for (tier, policies) in model.tiers.iter().zip(policies) {
        let guardrails =
            Guardrails { scp: policies.scp.clone(), rcp: policies.rcp.clone(), suspended: suspended.to_vec() };
        let cell = shapes.of(&tier.name, Sharing::Pooled);
        let own: Vec<&Shape> = shapes
            .of(&tier.name, Sharing::Siloed)
            .into_iter()
            .chain(variants.iter().map(Arc::as_ref).filter(|shape| shape.tier() == tier.name.as_str()))
            .collect();
        let deployed = |shape: &Shape, scope: Scope, accounts: Accounts| Deployed {
            template: shape.path.clone(),
            scope,
            tier: Some(tier.name.to_string()),
            accounts,
            parameters: parameters(shape, cell),
            guardrails: guardrails.clone(),
            owners: BTreeMap::new(),
            roles: BTreeMap::new(),
        };
        if let Some(cell) = cell {
            let mut shared = deployed(cell, Scope::Shared, Accounts::Shared);
            if let Some(declared) = shapes.declared(&tier.name) {
                shared.owners.clone_from(&declared.owners);
                shared.roles.clone_from(&declared.roles);
                for (id, roles) in &declared.from_silos {
                    if let Some(Owner::Application { through, .. }) = shared.owners.get_mut(id) {
                        let files = own.iter().map(|shape| &shape.path);
                        through.extend(files.flat_map(|file| roles.iter().map(move |role| format!("{file}#{role}"))));
                    }
                }
            }
            templates.push(shared);
        }
        let accounts = match tier.boundary {
            Boundary::Account => Accounts::Own,
            Boundary::Vpc | Boundary::Resource | Boundary::Application => Accounts::Shared,
        };
        templates.extend(own.into_iter().map(|shape| deployed(shape, Scope::Tenant, accounts)));
    }
    Tenancy {
        tenancy: VERSION,
        ids: Ids { pattern: model.ids.pattern().to_owned() },
        tag: default_tag(),
        templates,
        organization: model.organization.id.clone(),
        operators: operators(model),
    }
}

/// What the parameters of a template stand for. Of the others nothing is known but what the template says itself.
fn parameters(shape: &Shape, cell: Option<&Shape>) -> BTreeMap<String, Meaning> {
    let meaning = |parameter: &Parameter| match parameter {
        Parameter::TenantId => Some(Meaning::Tenant),
        Parameter::TenantLabel => Some(Meaning::TenantText),
        Parameter::TenantDigest => Some(Meaning::TenantDigest { length: DIGEST_LENGTH }),
        Parameter::CellDigest => Some(Meaning::CellDigest { length: DIGEST_LENGTH }),
        Parameter::CellStack => Some(Meaning::Stack { template: cell?.path.clone() }),
        Parameter::Cell | Parameter::Owner | Parameter::CostCenter => None,
    };
    let declared = shape.template.parameters.iter();
    declared.filter_map(|parameter| Some((parameter.as_str().to_owned(), meaning(parameter)?))).collect()
}

/// Who must be able to work whatever the guardrails say, in every region that a cell is in.
fn operators(model: &Model) -> Vec<Operators> {
    let regions: BTreeSet<String> = model.cells.iter().map(|cell| cell.region.to_string()).collect();
    let exemptions = &model.exemptions;
    let deployment: BTreeSet<_> = exemptions.deployment.iter().chain(&exemptions.stack_sets).collect();
    [(Duty::Deployment, deployment), (Duty::BreakGlass, exemptions.break_glass.iter().collect())]
        .into_iter()
        .filter(|(_, principals)| !principals.is_empty() && !regions.is_empty())
        .map(|(duty, principals)| Operators {
            duty,
            principals: principals.into_iter().map(ToString::to_string).collect(),
            regions: regions.iter().cloned().collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
