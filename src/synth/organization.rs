//! The organization's policies: each tier's guardrails, packed, as documents and as one template.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::SynthError;
use crate::assembly::{Digest, Draft, Scope, TemplateRecord, TierPolicies};
use crate::cfn::policy::Policy;
use crate::cfn::policy::place::{ResourceControl, ServiceControl};
use crate::check::guardrails_of;
use crate::diagnostics::{Origin, Sink};
use crate::emit::pretty;
use crate::facts::Facts;
use crate::model::guardrail::Scope as Reach;
use crate::model::{Guardrail, Model, State, TierName};
use crate::passes::pack::{Budget, Packing, pack};
use crate::passes::policies;
use crate::prove::packing;
use crate::prove::policy::Place;
use crate::prove::proof::Obligation;
use crate::prove::shipped::document_of;
use crate::render::guardrails::{Group, lower};
use crate::render::organization::{Organization, PARENT, TierUnit, parent_parameter};

/// The policies of one tier.
#[derive(Clone)]
struct TierPacking {
    tier: TierName,
    service_control: Packing<ServiceControl>,
    resource_control: Packing<ResourceControl>,
    suspendable: bool,
}

/// The policies of all tiers.
pub(super) struct Policies {
    tiers: Vec<TierPacking>,
    suspended: Option<Packing<ServiceControl>>,
    /// That packing changed nothing, once for each set of guardrails; nothing if it was not asked for.
    pub(super) proofs: Vec<Obligation>,
}

/// What was written of the organization's policies.
pub(super) struct Written {
    /// The documents of each tier.
    pub(super) tiers: Vec<TierPolicies>,
    /// The documents for suspended tenants.
    pub(super) suspended: Vec<String>,
    /// The template, if there is one.
    pub(super) template: Option<TemplateRecord>,
}

/// What packing needs to know beside the groups.
struct Pack<'a> {
    facts: &'a Facts,
    /// Whether it is proved that packing changes nothing.
    prove: bool,
    proofs: Vec<Obligation>,
}

impl Pack<'_> {
    /// Packs groups, and proves that the documents refuse what the groups refuse.
    fn packed<P: Clone>(
        &mut self,
        name: &str,
        groups: Vec<Group<P>>,
        budget: Budget,
        place: (&[&(Guardrail, Origin)], &Origin),
        sink: &mut Sink,
    ) -> Option<Packing<P>>
    where
        Policy<P>: Serialize,
    {
        let read = |value: serde_json::Result<Value>, file: &str| {
            let place = Place { file: file.to_owned(), pointer: String::new() };
            document_of(&value.unwrap_or_default(), &place).ok()
        };
        let before: Vec<_> = if self.prove {
            let whole = |group: &Group<P>| serde_json::to_value(Policy::new(group.statements.clone()));
            groups.iter().map(|group| read(whole(group), &group.name)).collect()
        } else {
            Vec::new()
        };
        let packing = packed(groups, budget, place.0, place.1, sink)?;
        if self.prove && !packing.documents.is_empty() {
            let after =
                packing.documents.iter().zip(1..).map(|(document, number)| {
                    read(serde_json::from_str(&document.json), &format!("{name}-{number}.json"))
                });
            // Documents of our own that cannot be read are an error of ours; without them nothing is proved.
            if let (Some(before), Some(after)) =
                (before.into_iter().collect::<Option<Vec<_>>>(), after.collect::<Option<Vec<_>>>())
            {
                self.proofs.push(packing::prove(name, &before, &after));
            }
        }
        Some(packing)
    }
}

/// Looks at groups and packs them; what is wrong is a finding at the guardrail that it is of.
fn packed<P: Clone>(
    groups: Vec<Group<P>>,
    budget: Budget,
    guardrails: &[&(Guardrail, Origin)],
    fallback: &Origin,
    sink: &mut Sink,
) -> Option<Packing<P>> {
    let place = |name: &str| {
        let found = guardrails.iter().find(|(guardrail, _)| guardrail.name() == name);
        found.map_or_else(|| fallback.clone(), |(_, origin)| origin.clone())
    };
    policies::guardrails(&groups, place, sink);
    pack(groups, budget).map_err(|error| sink.push(error.diagnostic(place(error.guardrail())))).ok()
}

impl Policies {
    pub(super) fn pack(model: &Model, facts: &Facts, prove: bool, sink: &mut Sink) -> Result<Self, SynthError> {
        let mut packer = Pack { facts, prove, proofs: Vec::new() };
        let mut tiers = Vec::new();
        let mut suspended = None;
        for tier in &model.tiers {
            let guardrails = guardrails_of(model, tier);
            // Tiers often have the same guardrails, and packing is the larger part of a small run.
            let same = |other: &&TierPacking| {
                let earlier = model.tiers.iter().find(|earlier| earlier.name == other.tier);
                earlier.is_some_and(|earlier| {
                    let theirs = guardrails_of(model, earlier);
                    theirs.iter().map(|(guardrail, _)| guardrail).eq(guardrails.iter().map(|(guardrail, _)| guardrail))
                })
            };
            if let Some(packed) = tiers.iter().find(same) {
                let again = TierPacking { tier: tier.name.clone(), ..TierPacking::clone(packed) };
                tiers.push(again);
                continue;
            }
            let (standing, suspending): (Vec<_>, Vec<_>) =
                guardrails.iter().copied().partition(|(guardrail, _)| guardrail.scope() == Reach::Tier);
            let lowered = |some: &[&(Guardrail, Origin)], sink: &mut Sink| {
                let plain: Vec<Guardrail> = some.iter().map(|(guardrail, _)| guardrail.clone()).collect();
                let place = some.first().map_or(&tier.origin, |(_, origin)| origin).clone();
                lower(&plain, &model.exemptions, facts)
                    .map_err(|errors| errors.iter().for_each(|error| sink.push(error.diagnostic(place.clone()))))
                    .ok()
            };
            let Some(statements) = lowered(&standing, sink) else { continue };
            let at = (standing.as_slice(), &tier.origin);
            let (scp, rcp) = (format!("org/{}.scp", tier.name), format!("org/{}.rcp", tier.name));
            let budget = Budget::service_control(facts)?;
            let service_control = packer.packed(&scp, statements.service_control, budget, at, sink);
            let budget = Budget::resource_control(facts)?;
            let resource_control = packer.packed(&rcp, statements.resource_control, budget, at, sink);
            if suspended.is_none() && !suspending.is_empty() {
                let statements = lowered(&suspending, sink);
                suspended = statements.and_then(|statements| {
                    let budget = Budget::service_control(packer.facts).ok()?;
                    let name = format!("org/{}.scp", State::Suspended.as_str());
                    packer.packed(&name, statements.service_control, budget, (&suspending, &tier.origin), sink)
                });
            }
            if let (Some(service_control), Some(resource_control)) = (service_control, resource_control) {
                tiers.push(TierPacking {
                    tier: tier.name.clone(),
                    service_control,
                    resource_control,
                    suspendable: !suspending.is_empty(),
                });
            }
        }
        Ok(Self { tiers, suspended, proofs: packer.proofs })
    }

    /// The documents as they are written, by path.
    pub(super) fn texts(&self) -> impl Iterator<Item = (String, &str)> {
        let tiers = self.tiers.iter().flat_map(|tier| {
            let scp = texts(format!("org/{}.scp", tier.tier), &tier.service_control);
            scp.chain(texts(format!("org/{}.rcp", tier.tier), &tier.resource_control))
        });
        tiers.chain(
            self.suspended.iter().flat_map(|packing| texts(format!("org/{}.scp", State::Suspended.as_str()), packing)),
        )
    }

    /// Puts the documents and the template into the assembly.
    pub(super) fn write(&self, draft: &Draft, model: &Model, facts: &Facts) -> Result<Written, SynthError> {
        let mut paths = Vec::new();
        for tier in &self.tiers {
            let scp = documents(draft, &format!("org/{}.scp", tier.tier), &tier.service_control)?;
            let rcp = documents(draft, &format!("org/{}.rcp", tier.tier), &tier.resource_control)?;
            paths.push(TierPolicies { scp, rcp });
        }
        let mut suspending = Vec::new();
        if let Some(suspended) = &self.suspended {
            suspending = documents(draft, &format!("org/{}.scp", State::Suspended.as_str()), suspended)?;
        }
        let attachments = |packing: &Packing<ServiceControl>| {
            packing.documents.iter().map(|document| document.attachment()).collect::<Vec<_>>()
        };
        let organization = Organization {
            blueprint: model.name.clone(),
            tiers: self
                .tiers
                .iter()
                .filter(|tier| {
                    !tier.service_control.documents.is_empty() || !tier.resource_control.documents.is_empty()
                })
                .map(|tier| TierUnit {
                    tier: tier.tier.clone(),
                    service_control: attachments(&tier.service_control),
                    resource_control: tier.resource_control.documents.iter().map(|one| one.attachment()).collect(),
                    suspendable: tier.suspendable,
                })
                .collect(),
            suspended: self.suspended.as_ref().map(attachments).unwrap_or_default(),
            tags: [("Environment", &model.environment), ("Owner", &model.owner), ("CostCenter", &model.cost_center)]
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect(),
        };
        if organization.tiers.is_empty() {
            return Ok(Written { tiers: paths, suspended: suspending, template: None });
        }
        let resources = organization.resources(facts)?;
        let count = resources.len() as u64;
        let mut body = Map::new();
        for resource in resources {
            let mut entry = Map::new();
            entry.insert("Type".to_owned(), resource.type_name.into());
            if !resource.depends_on.is_empty() {
                let waits: Vec<&str> = resource.depends_on.iter().map(|id| id.as_str()).collect();
                entry.insert("DependsOn".to_owned(), waits.into());
            }
            entry.insert("DeletionPolicy".to_owned(), resource.deletion_policy.into());
            entry.insert("UpdateReplacePolicy".to_owned(), resource.update_replace_policy.into());
            entry.insert("Properties".to_owned(), resource.properties);
            body.insert(resource.id.to_string(), entry.into());
        }
        let mut parent = parent_parameter();
        if let (Some(object), Some(default)) = (parent.as_object_mut(), &model.organization.parent) {
            object.insert("Default".to_owned(), default.as_str().into());
        }
        let template = json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": format!("{}: organizational units and policies of its tiers", model.name),
            "Parameters": {PARENT: parent},
            "Resources": Value::Object(body),
        });
        let bytes = pretty(&template);
        let path = "org/organization.template.json";
        draft.put(path, &bytes)?;
        let record = TemplateRecord {
            path: path.to_owned(),
            sha256: Digest::of(&bytes),
            tier: String::new(),
            scope: Scope::Organization,
            variant: None,
            parameters: vec![PARENT.to_owned()],
            resources: count,
            bytes: bytes.len() as u64,
        };
        Ok(Written { tiers: paths, suspended: suspending, template: Some(record) })
    }
}

fn texts<P>(stem: String, packing: &Packing<P>) -> impl Iterator<Item = (String, &str)> {
    let numbered = packing.documents.iter().zip(1..);
    numbered.map(move |(document, number)| (format!("{stem}-{number}.json"), document.json.as_str()))
}

/// Writes each document without white space: its size on the disk is what Organizations counts, and a final newline.
fn documents<P>(draft: &Draft, stem: &str, packing: &Packing<P>) -> Result<Vec<String>, SynthError> {
    let mut paths = Vec::new();
    for (document, number) in packing.documents.iter().zip(1..) {
        let path = format!("{stem}-{number}.json");
        draft.put(&path, format!("{}\n", document.json).as_bytes())?;
        paths.push(path);
    }
    Ok(paths)
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Policies").field("tiers", &self.tiers.len()).finish_non_exhaustive()
    }
}
