//! A rollout and the assembly it was made for, put together: what each step deploys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::cloud::Target;
use super::names;
use crate::assembly::{Assembly, Digest, Scope, StackRecord};
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::rollout::{Rollout, Work};

/// A stack as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackItem {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// The template's path in the assembly.
    pub template: String,
    /// The digest of the template.
    pub sha256: Digest,
    /// The values of parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The names of the stacks that come before it.
    pub depends_on: Vec<String>,
}

impl StackItem {
    /// The stack of a record, in an account.
    #[must_use]
    pub fn new(record: &StackRecord<'_>, target: Target) -> Self {
        let owned = |map: &BTreeMap<std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>>| {
            map.iter().map(|(key, value)| (key.clone().into_owned(), value.clone().into_owned())).collect()
        };
        Self {
            name: record.name.clone().into_owned(),
            target,
            template: record.template.clone().into_owned(),
            sha256: record.sha256,
            parameters: owned(&record.parameters),
            tags: owned(&record.tags),
            depends_on: record.depends_on.iter().map(|name| name.clone().into_owned()).collect(),
        }
    }

    /// The digest of everything it is deployed with.
    #[must_use]
    pub fn version(&self) -> String {
        names::stack_version(&self.target, &self.name, self.sha256, &self.parameters, &self.tags)
    }
}

/// A rollout with all that its steps need.
#[derive(Debug, Clone)]
pub struct Material {
    /// The rollout.
    pub rollout: Rollout,
    /// The digest of its file.
    pub digest: Digest,
    /// The stacks that its steps name.
    pub stacks: BTreeMap<String, StackItem>,
    /// Templates and policies by their paths in the assembly.
    pub files: BTreeMap<String, Arc<str>>,
    /// The parent of each organizational unit that the rollout or the assembly names.
    pub units: BTreeMap<String, String>,
    /// The kind of each policy that the rollout makes.
    pub policies: BTreeMap<String, String>,
}

impl Material {
    /// Reads the rollout's file and what it needs of the assembly, and says everything that does not fit. Whether the
    /// assembly's files are as its manifest says, [`crate::assembly::verify`] looks.
    #[must_use]
    pub fn load(rollout: &Path, assembly: &Path, findings: &mut Sink) -> Option<Self> {
        let origin = Origin::Path(rollout.to_string_lossy().into());
        #[expect(clippy::disallowed_methods, reason = "a rollout is read here and nowhere else")]
        let bytes = match std::fs::read(rollout) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", rollout.display());
                findings.push(
                    Diagnostic::new(&codes::DEPLOY_ROLLOUT, origin, message).help("make one: `tenantry rollout`"),
                );
                return None;
            }
        };
        let document: Rollout = match serde_json::from_slice(&bytes) {
            Ok(document) => document,
            Err(error) => {
                let message = format!("`{}` is not a rollout: {error}", rollout.display());
                findings.push(Diagnostic::new(&codes::DEPLOY_ROLLOUT, origin, message));
                return None;
            }
        };
        let assembly = match Assembly::open(assembly) {
            Ok(assembly) => assembly,
            Err(error) => {
                findings.push(error.diagnostic());
                return None;
            }
        };
        Self::new(document, Digest::of(&bytes), &assembly, &origin, findings)
    }

    /// Puts a rollout and its assembly together.
    #[must_use]
    pub fn new(
        rollout: Rollout,
        digest: Digest,
        assembly: &Assembly,
        at: &Origin,
        findings: &mut Sink,
    ) -> Option<Self> {
        let before = findings.len();
        if assembly.digest() != rollout.assembly {
            let message = format!("the rollout was made for another assembly than `{}`", assembly.root().display());
            findings.push(
                Diagnostic::new(&codes::DEPLOY_ROLLOUT, at.clone(), message)
                    .help("make the rollout again for this assembly: `tenantry rollout`"),
            );
            return None;
        }
        let mut wrong = |message: String| findings.push(Diagnostic::new(&codes::DEPLOY_ROLLOUT, at.clone(), message));
        for problem in order_problems(&rollout) {
            wrong(problem);
        }
        let mut material = Self {
            digest,
            stacks: BTreeMap::new(),
            files: BTreeMap::new(),
            units: BTreeMap::new(),
            policies: BTreeMap::new(),
            rollout,
        };
        material.read_stacks(assembly, at, findings);
        material.read_files(assembly, at, findings);
        material.read_units(assembly);
        (findings.len() == before).then_some(material)
    }

    /// A file of the assembly.
    #[must_use]
    pub fn file(&self, path: &str) -> &str {
        self.files.get(path).map_or("", |text| text)
    }

    /// The bucket for templates that are too large for a request.
    #[must_use]
    pub fn bucket(&self, target: &Target) -> Option<String> {
        let pattern = self.rollout.template_bucket.as_ref()?;
        Some(pattern.replace("{account}", &target.account).replace("{region}", &target.region))
    }

    /// Where Organizations and StackSets are called, for a caller of this account.
    ///
    /// Organizations is the same everywhere in a partition, so without a region of its own any of the rollout's will do.
    #[must_use]
    pub fn home(&self, caller: &str) -> Target {
        let account = self.rollout.management_account.clone().unwrap_or_else(|| caller.to_owned());
        let first = || self.targets().into_iter().next().map(|target| target.region);
        let region = self.rollout.management_region.clone().or_else(first).unwrap_or_default();
        Target { account, region }
    }

    /// Where the rollout's stacks and alarms are, each place once.
    #[must_use]
    pub fn targets(&self) -> BTreeSet<Target> {
        let mut targets = BTreeSet::new();
        let mut add = |account: &str, region: &str| {
            targets.insert(Target { account: account.to_owned(), region: region.to_owned() });
        };
        for wave in &self.rollout.waves {
            for step in &wave.steps {
                if let Work::Stack { account, region, .. } | Work::DeleteStack { account, region, .. } = &step.work {
                    add(account, region);
                }
            }
            for alarm in wave.gate.iter().flat_map(|gate| &gate.alarms) {
                add(&alarm.account, &alarm.region);
            }
        }
        targets
    }

    /// Whether Organizations or StackSets are called.
    #[must_use]
    pub fn needs_home(&self) -> bool {
        let mut steps = self.rollout.waves.iter().flat_map(|wave| &wave.steps);
        steps.any(|step| !matches!(step.work, Work::Stack { .. } | Work::DeleteStack { .. }))
    }

    fn read_stacks(&mut self, assembly: &Assembly, at: &Origin, findings: &mut Sink) {
        let mut wanted: BTreeMap<String, Target> = BTreeMap::new();
        for step in self.rollout.waves.iter().flat_map(|wave| &wave.steps) {
            if let Work::Stack { stack, account, region } = &step.work {
                wanted.insert(stack.clone(), Target { account: account.clone(), region: region.clone() });
            }
        }
        let mut known: Vec<String> = Vec::new();
        let mut problems = Vec::new();
        let mut take = |record: &StackRecord<'_>| {
            let Some(target) = wanted.remove(record.name.as_ref()) else {
                known.push(record.name.clone().into_owned());
                return None;
            };
            let elsewhere = record.account.as_ref().is_some_and(|account| *account != target.account);
            if elsewhere || record.region != target.region {
                let account = record.account.as_deref().unwrap_or("?");
                let there = format!("{account}/{}", record.region);
                problems.push(format!(
                    "the stack `{}` is in {target} in the rollout, and in {there} in the assembly",
                    record.name
                ));
            }
            Some(StackItem::new(record, target))
        };
        let mut stacks: Vec<StackItem> =
            assembly.manifest().cells.iter().flat_map(|cell| &cell.stacks).filter_map(&mut take).collect();
        match assembly.tenants() {
            Ok(tenants) => {
                for tenant in tenants {
                    match tenant {
                        Ok(tenant) => stacks.extend(tenant.stacks.iter().filter_map(&mut take)),
                        Err(error) => {
                            findings.push(error.diagnostic());
                            return;
                        }
                    }
                }
            }
            Err(error) => findings.push(error.diagnostic()),
        }
        for problem in problems {
            findings.push(Diagnostic::new(&codes::DEPLOY_ROLLOUT, at.clone(), problem));
        }
        for name in wanted.keys() {
            let message = format!("the assembly has no stack `{name}`");
            let finding = Diagnostic::new(&codes::DEPLOY_ROLLOUT, at.clone(), message);
            findings.push(finding.did_you_mean(name, known.iter().map(String::as_str)));
        }
        self.stacks = stacks.into_iter().map(|stack| (stack.name.clone(), stack)).collect();
    }

    fn read_files(&mut self, assembly: &Assembly, at: &Origin, findings: &mut Sink) {
        let mut wanted: BTreeMap<String, Digest> = BTreeMap::new();
        let mut name = |path: &str, sha256: Digest| match wanted.insert(path.to_owned(), sha256) {
            Some(other) if other != sha256 => Some(format!("`{path}` has two digests in the rollout")),
            _ => None,
        };
        let mut problems: Vec<String> = Vec::new();
        problems.extend(self.stacks.values().filter_map(|stack| name(&stack.template, stack.sha256)));
        problems.extend(self.rollout.stack_sets.values().filter_map(|set| name(&set.template, set.sha256)));
        for step in self.rollout.waves.iter().flat_map(|wave| &wave.steps) {
            if let Work::Policy { policy, kind, file, sha256, .. } = &step.work {
                problems.extend(name(file, *sha256));
                self.policies.insert(policy.clone(), kind.clone());
            }
        }
        for (path, sha256) in wanted {
            match assembly.file(&path) {
                Ok(bytes) if Digest::of(&bytes) != sha256 => {
                    problems.push(format!("`{path}` is another file than the rollout names by its digest"));
                }
                Ok(bytes) => match String::from_utf8(bytes) {
                    Ok(text) => {
                        self.files.insert(path, text.into());
                    }
                    Err(_) => problems.push(format!("`{path}` is not UTF-8 text")),
                },
                Err(error) => findings.push(error.diagnostic()),
            }
        }
        for problem in problems {
            findings.push(Diagnostic::new(&codes::DEPLOY_ROLLOUT, at.clone(), problem));
        }
    }

    /// Which unit stands below which: as the organization's template says, and then as the rollout does.
    fn read_units(&mut self, assembly: &Assembly) {
        let organization = assembly.manifest().templates.iter().find(|template| template.scope == Scope::Organization);
        let text = organization.and_then(|template| assembly.file(&template.path).ok()).unwrap_or_default();
        // A template in YAML is read by nobody here; then units are those that the rollout names.
        if let Ok(template) = serde_json::from_slice::<Value>(&text) {
            self.units = template_units(&template);
        }
        for step in self.rollout.waves.iter().flat_map(|wave| &wave.steps) {
            if let Work::Unit { unit, parent, .. } = &step.work {
                self.units.insert(unit.clone(), parent.clone());
            }
        }
    }
}

/// The units of the organization's template, each with the name or id of its parent.
fn template_units(template: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let resources = template.get("Resources").and_then(Value::as_object);
    let units: BTreeMap<&str, &Value> = resources
        .into_iter()
        .flatten()
        .filter(|(_, resource)| text(resource, "/Type").as_deref() == Some("AWS::Organizations::OrganizationalUnit"))
        .map(|(id, resource)| (id.as_str(), resource))
        .collect();
    let parent = |unit: &Value| {
        let reference = text(unit, "/Properties/ParentId/Ref");
        let default = |name: &str| text(template, &format!("/Parameters/{name}/Default"));
        match reference {
            Some(id) => match units.get(id.as_str()) {
                Some(above) => text(above, "/Properties/Name"),
                None => default(&id),
            },
            None => text(unit, "/Properties/ParentId"),
        }
    };
    units.values().filter_map(|unit| Some((text(unit, "/Properties/Name")?, parent(unit)?))).collect()
}

/// What is wrong with names and order of waves and steps.
fn order_problems(rollout: &Rollout) -> Vec<String> {
    let mut problems = Vec::new();
    let (mut waves, mut steps) = (BTreeSet::new(), BTreeSet::new());
    for wave in &rollout.waves {
        if !waves.insert(wave.wave.as_str()) {
            problems.push(format!("two waves are called `{}`", wave.wave));
        }
        if wave.concurrency == 0 || wave.account_concurrency == 0 {
            problems.push(format!("wave `{}` lets no step run", wave.wave));
        }
        // Steps that wait for nobody end, then those that wait only for them, and so on: who is left waits in a circle.
        let ids: BTreeSet<&str> = wave.steps.iter().map(|step| step.id.as_str()).collect();
        let mut waiting: BTreeMap<&str, usize> = BTreeMap::new();
        let mut followers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for step in &wave.steps {
            if !steps.insert(step.id.as_str()) {
                problems.push(format!("two steps are called `{}`", step.id));
            }
            let before: BTreeSet<&str> = step.after.iter().map(String::as_str).collect();
            for id in before.iter().filter(|id| !ids.contains(*id)) {
                problems.push(format!("`{}` comes after `{id}`, which is not in wave `{}`", step.id, wave.wave));
            }
            let before: Vec<&str> = before.into_iter().filter(|id| ids.contains(id)).collect();
            waiting.insert(&step.id, before.len());
            for id in before {
                followers.entry(id).or_default().push(&step.id);
            }
            match &step.work {
                Work::StackSet { set }
                | Work::Instance { set, .. }
                | Work::UpdateInstances { set, .. }
                | Work::DeleteInstance { set, .. }
                    if !rollout.stack_sets.contains_key(set) =>
                {
                    problems.push(format!(
                        "`{}` is about the stack set `{set}`, which the rollout does not describe",
                        step.id
                    ));
                }
                _ => {}
            }
        }
        let mut free: Vec<&str> = waiting.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
        while let Some(id) = free.pop() {
            waiting.remove(id);
            for follower in followers.get(id).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(follower) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(follower);
                    }
                }
            }
        }
        if let Some((id, _)) = waiting.first_key_value() {
            problems
                .push(format!("in wave `{}` some steps wait for each other in a circle, `{id}` among them", wave.wave));
        }
    }
    problems
}
