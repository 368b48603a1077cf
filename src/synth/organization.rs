//! The organization's policies: each tier's guardrails, packed, as documents and as one template.

use serde_json::{Map, Value, json};

use super::SynthError;
use crate::assembly::{Digest, Draft, Scope, TemplateRecord, TierPolicies};
use crate::cfn::policy::place::{ResourceControl, ServiceControl};
use crate::check::guardrails_of;
use crate::diagnostics::{Origin, Sink};
use crate::emit::pretty;
use crate::facts::Facts;
use crate::model::guardrail::Scope as Reach;
use crate::model::{Guardrail, Model, State, TierName};
use crate::passes::pack::{Budget, Packing, pack};
use crate::passes::policies;
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
    pub(super) fn pack(model: &Model, facts: &Facts, sink: &mut Sink) -> Result<Self, SynthError> {
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
            let service_control =
                packed(statements.service_control, Budget::service_control(facts)?, &standing, &tier.origin, sink);
            let resource_control =
                packed(statements.resource_control, Budget::resource_control(facts)?, &standing, &tier.origin, sink);
            if suspended.is_none() && !suspending.is_empty() {
                let statements = lowered(&suspending, sink);
                suspended = statements.and_then(|statements| {
                    let budget = Budget::service_control(facts).ok()?;
                    packed(statements.service_control, budget, &suspending, &tier.origin, sink)
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
        Ok(Self { tiers, suspended })
    }

    /// Puts the documents and the template into the assembly. Returns the documents' paths for each tier, and the
    /// template's record, if there is one.
    pub(super) fn write(
        &self,
        draft: &Draft,
        model: &Model,
        facts: &Facts,
    ) -> Result<(Vec<TierPolicies>, Option<TemplateRecord>), SynthError> {
        let mut paths = Vec::new();
        for tier in &self.tiers {
            let scp = documents(draft, &format!("org/{}.scp", tier.tier), &tier.service_control)?;
            let rcp = documents(draft, &format!("org/{}.rcp", tier.tier), &tier.resource_control)?;
            paths.push(TierPolicies { scp, rcp });
        }
        if let Some(suspended) = &self.suspended {
            documents(draft, &format!("org/{}.scp", State::Suspended.as_str()), suspended)?;
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
            return Ok((paths, None));
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
        Ok((paths, Some(record)))
    }
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
