//! The organization's units and policies, read from the template that the assembly has for the management account.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Step, Work};
use crate::assembly::{Assembly, AssemblyError, Digest, MANIFEST, Scope};
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};

/// What the organization's template says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Organization {
    /// The root or unit that the first units stand below, if the template has a default for it.
    pub(super) parent: Option<String>,
    /// The units by name.
    pub(super) units: BTreeMap<String, Unit>,
    /// The policies by name.
    pub(super) policies: BTreeMap<String, Policy>,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// The name of the unit it stands below; none for those that stand below the parameter.
    pub(super) parent: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) kind: String,
    pub(super) file: String,
    pub(super) sha256: Digest,
    pub(super) description: String,
    pub(super) tags: BTreeMap<String, String>,
    /// The names of the units it stands on.
    pub(super) targets: BTreeSet<String>,
}

impl Organization {
    /// What an assembly says of the organization; empty if it says nothing.
    pub(super) fn read(assembly: &Assembly, sink: &mut Sink) -> Result<Self, AssemblyError> {
        let manifest = assembly.manifest();
        let Some(record) = manifest.templates.iter().find(|record| record.scope == Scope::Organization) else {
            return Ok(Self::default());
        };
        let template: Value = serde_json::from_slice(&assembly.file(&record.path)?).unwrap_or_default();
        // The documents lie beside the template; which file is whose is said by what they hold.
        let mut documents: BTreeMap<String, Vec<(String, Digest)>> = BTreeMap::new();
        for file in manifest.files.iter().filter(|file| file.path.starts_with("org/") && file.path != record.path) {
            if let Ok(content) = serde_json::from_slice::<Value>(&assembly.file(&file.path)?) {
                documents.entry(content.to_string()).or_default().push((file.path.clone(), file.sha256));
            }
        }
        let mut organization = Self {
            parent: template.pointer("/Parameters/ParentId/Default").and_then(Value::as_str).map(str::to_owned),
            ..Self::default()
        };
        let Some(resources) = template.get("Resources").and_then(Value::as_object) else { return Ok(organization) };
        let name_of = |id: &str| {
            resources.get(id).and_then(|resource| resource.pointer("/Properties/Name")).and_then(Value::as_str)
        };
        let unit_of = |value: &Value| value.get("Ref").and_then(Value::as_str).and_then(name_of).map(str::to_owned);
        for (id, resource) in resources {
            let text = |key: &str| {
                resource.pointer(&format!("/Properties/{key}")).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let at = |key: &str| resource.pointer(&format!("/Properties/{key}"));
            let tags = at("Tags").map(tags).unwrap_or_default();
            match resource.get("Type").and_then(Value::as_str) {
                Some("AWS::Organizations::OrganizationalUnit") => {
                    let unit = Unit { parent: at("ParentId").and_then(unit_of), tags };
                    organization.units.insert(text("Name"), unit);
                }
                Some("AWS::Organizations::Policy") => {
                    let content = at("Content").map(Value::to_string).unwrap_or_default();
                    let name = text("Name");
                    let Some((file, sha256)) = documents.get(&content).and_then(|files| pick(files, &name)) else {
                        let place = Origin::Path(format!("{}/{}", assembly.root().display(), record.path).into());
                        let message = format!("no file beside the template holds the policy `{name}` (`{id}`)");
                        sink.push(
                            Diagnostic::new(&codes::ROLLOUT_ORGANIZATION, place, message)
                                .help("make the assembly again with `tenantry synth`"),
                        );
                        continue;
                    };
                    let targets = at("TargetIds").and_then(Value::as_array).into_iter().flatten();
                    let policy = Policy {
                        kind: text("Type"),
                        file: file.clone(),
                        sha256: *sha256,
                        description: text("Description"),
                        tags,
                        targets: targets.filter_map(unit_of).collect(),
                    };
                    organization.policies.insert(name, policy);
                }
                _ => {}
            }
        }
        Ok(organization)
    }
}

/// Of files with the same content, the one of the policy's owner.
fn pick<'a>(files: &'a [(String, Digest)], name: &str) -> Option<&'a (String, Digest)> {
    let owner = name.split('.').nth(1).unwrap_or_default();
    files.iter().find(|(path, _)| path.starts_with(&format!("org/{owner}."))).or_else(|| files.first())
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    let text = |tag: &Value, key: &str| tag.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?))).collect()
}

/// An account and the unit it is to stand in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) unit: String,
    pub(super) tenant: Option<String>,
}

/// The steps from one organization to another. Each thing comes after what it rests on; an account moves when all policies
/// of its unit stand, and a policy goes when those that take its place stand.
pub(super) fn steps(
    new: &Organization,
    old: Option<&Organization>,
    parent: Option<&str>,
    places: BTreeMap<String, Place>,
    assembly: &Assembly,
    sink: &mut Sink,
) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut made: BTreeSet<String> = BTreeSet::new();
    let step = |id: String, work: Work, tenant: Option<String>, after: Vec<String>| Step { id, work, tenant, after };
    // A unit's name begins with its parent's, so parents come first.
    for (name, unit) in &new.units {
        let before = old.and_then(|old| old.units.get(name));
        if before == Some(unit) {
            continue;
        }
        let Some(parent) = unit.parent.as_deref().or(parent) else {
            let place = Origin::Path(assembly.root().join(MANIFEST).to_string_lossy().into());
            sink.push(
                Diagnostic::new(
                    &codes::ROLLOUT_NO_PARENT,
                    place,
                    format!("nobody says below which root or unit `{name}` is to stand"),
                )
                .help("write `parent: r-…` (or `ou-…`) in the rollout's settings, or `organization: false`"),
            );
            continue;
        };
        let after = made.get(&format!("unit/{parent}")).cloned().into_iter().collect();
        let id = format!("unit/{name}");
        made.insert(id.clone());
        let work = Work::Unit { unit: name.clone(), parent: parent.to_owned(), tags: unit.tags.clone() };
        steps.push(step(id, work, None, after));
    }
    let mut attached: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, policy) in &new.policies {
        let before = old.and_then(|old| old.policies.get(name));
        let same = |before: &Policy| {
            (before.sha256, &before.kind, &before.description, &before.tags)
                == (policy.sha256, &policy.kind, &policy.description, &policy.tags)
        };
        if !before.is_some_and(same) {
            let id = format!("policy/{name}");
            made.insert(id.clone());
            let work = Work::Policy {
                policy: name.clone(),
                kind: policy.kind.clone(),
                file: policy.file.clone(),
                sha256: policy.sha256,
                description: policy.description.clone(),
                tags: policy.tags.clone(),
            };
            steps.push(step(id, work, None, Vec::new()));
        }
    }
    for (name, policy) in &new.policies {
        let before = old.and_then(|old| old.policies.get(name));
        for unit in &policy.targets {
            // A unit's name is the same as long as it is the same unit.
            if before.is_some_and(|before| before.targets.contains(unit)) {
                continue;
            }
            let id = format!("attach/{name}/{unit}");
            let rests = [format!("unit/{unit}"), format!("policy/{name}")];
            let after = rests.into_iter().filter(|id| made.contains(id)).collect();
            attached.entry(unit).or_default().push(id.clone());
            let work = Work::Attach { policy: name.clone(), unit: unit.clone() };
            steps.push(step(id, work, None, after));
        }
    }
    // Accounts are many and units few: what comes before an account depends on its unit alone.
    let mut before: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (account, Place { unit, tenant }) in places {
        let after = before.entry(unit.clone()).or_insert_with(|| {
            let parents = std::iter::successors(Some(unit.as_str()), |unit| {
                new.units.get(*unit).and_then(|unit| unit.parent.as_deref())
            });
            let chain: BTreeSet<&str> = parents.collect();
            let mut after: Vec<String> =
                chain.iter().flat_map(|unit| attached.get(unit).cloned().unwrap_or_default()).collect();
            let policies =
                new.policies.iter().filter(|(_, policy)| chain.iter().any(|unit| policy.targets.contains(*unit)));
            after.extend(policies.filter_map(|(name, _)| made.get(&format!("policy/{name}")).cloned()));
            after.extend(chain.iter().filter_map(|unit| made.get(&format!("unit/{unit}")).cloned()));
            after.sort();
            after
        });
        let id = ["account/", &account].concat();
        steps.push(step(id, Work::Account { account, unit }, tenant, after.clone()));
    }
    for (name, policy) in old.map(|old| &old.policies).into_iter().flatten() {
        let now = new.policies.get(name);
        for unit in &policy.targets {
            if now.is_some_and(|now| now.targets.contains(unit)) {
                continue;
            }
            // Every policy of the unit is as it is to be before one is taken away.
            let rests = new.policies.iter().filter(|(_, policy)| policy.targets.contains(unit));
            let mut after: Vec<String> = attached.get(unit.as_str()).cloned().unwrap_or_default();
            after.extend(rests.filter_map(|(name, _)| made.get(&format!("policy/{name}")).cloned()));
            after.sort();
            let work = Work::Detach { policy: name.clone(), unit: unit.clone() };
            steps.push(step(format!("detach/{name}/{unit}"), work, None, after));
        }
    }
    steps
}
