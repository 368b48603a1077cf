//! Whether the organization becomes what its template says, without a moment in which a guardrail is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use super::Prover;
use super::fleet::{Deployed, Member};
use crate::assembly::{Assembly, AssemblyError, Digest, Scope};
use crate::diagnostics::codes;
use crate::rollout::document::{Step, Work};

/// What a template says, as text that can be compared.
#[derive(Debug, Default)]
struct Wanted {
    /// Name to parent and tags.
    units: BTreeMap<String, (Option<String>, Value)>,
    /// Name to kind, description, tags and content.
    policies: BTreeMap<String, (String, String, Value, Value)>,
    attached: BTreeSet<(String, String)>,
}

impl Wanted {
    fn read(assembly: &Assembly) -> Result<Self, AssemblyError> {
        let mut wanted = Self::default();
        let templates = &assembly.manifest().templates;
        let Some(record) = templates.iter().find(|record| record.scope == Scope::Organization) else {
            return Ok(wanted);
        };
        let template: Value = serde_json::from_slice(&assembly.file(&record.path)?).unwrap_or_default();
        let nothing = serde_json::Map::new();
        let resources = template.get("Resources").and_then(Value::as_object).unwrap_or(&nothing);
        let name = |value: &Value| -> Option<String> {
            let id = value.get("Ref")?.as_str()?;
            resources.get(id)?.pointer("/Properties/Name")?.as_str().map(str::to_owned)
        };
        for resource in resources.values() {
            let Some(properties) = resource.get("Properties") else { continue };
            let text = |key: &str| properties.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let whole = |key: &str| properties.get(key).cloned().unwrap_or_default();
            match resource.get("Type").and_then(Value::as_str).unwrap_or_default() {
                "AWS::Organizations::OrganizationalUnit" => {
                    wanted.units.insert(text("Name"), (name(&whole("ParentId")), whole("Tags")));
                }
                "AWS::Organizations::Policy" => {
                    for target in whole("TargetIds").as_array().into_iter().flatten() {
                        wanted.attached.extend(name(target).map(|unit| (text("Name"), unit)));
                    }
                    let policy = (text("Type"), text("Description"), whole("Tags"), whole("Content"));
                    wanted.policies.insert(text("Name"), policy);
                }
                _ => {}
            }
        }
        Ok(wanted)
    }
}

/// What is done to the organization, each with the place of its step.
#[derive(Debug, Default)]
struct Done<'a> {
    units: BTreeMap<&'a str, &'a str>,
    policies: BTreeMap<&'a str, &'a str>,
    attached: BTreeMap<(&'a str, &'a str), &'a str>,
    detached: BTreeMap<(&'a str, &'a str), &'a str>,
    /// Account to unit and step.
    accounts: BTreeMap<&'a str, (&'a str, &'a Step)>,
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    for tag in value.as_array().into_iter().flatten() {
        if let (Some(key), Some(value)) =
            (tag.get("Key").and_then(Value::as_str), tag.get("Value").and_then(Value::as_str))
        {
            tags.insert(key.to_owned(), value.to_owned());
        }
    }
    tags
}

/// The tiers of shared stacks, by account.
type Hosts<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl<'a> Prover<'a> {
    pub(super) fn organization(&mut self, new: &Assembly, old: Option<&Assembly>) -> Result<(), AssemblyError> {
        let wanted = Wanted::read(new)?;
        let before = old.map(Wanted::read).transpose()?.unwrap_or_default();
        let mut done = Done::default();
        let hosts = self.hosts(&self.fleet.stacks);
        let mut after: BTreeMap<&str, &[String]> = BTreeMap::new();
        let mut accounts: Vec<(&str, (&str, &Step))> = Vec::new();
        for (_, wave) in self.waves() {
            for step in &wave.steps {
                let id = step.id.as_str();
                let again = match &step.work {
                    Work::Unit { unit, parent, tags: own } => {
                        let right = wanted.units.get(unit).is_some_and(|(above, all)| {
                            *own == tags(all) && above.as_ref().is_none_or(|above| above == parent)
                        });
                        self.is_wanted(right && before.units.get(unit) != wanted.units.get(unit), id);
                        done.units.insert(unit, id).is_some()
                    }
                    Work::Policy { policy, kind, file, sha256, description, tags: own } => {
                        let content = new.file(file)?;
                        let right = wanted.policies.get(policy).is_some_and(|(what, text, all, document)| {
                            (kind, description, own) == (what, text, &tags(all))
                                && serde_json::from_slice::<Value>(&content).is_ok_and(|found| found == *document)
                                && Digest::of(&content) == *sha256
                        });
                        self.is_wanted(right && before.policies.get(policy) != wanted.policies.get(policy), id);
                        done.policies.insert(policy, id).is_some()
                    }
                    Work::Attach { policy, unit } => {
                        let pair = (policy.clone(), unit.clone());
                        self.is_wanted(wanted.attached.contains(&pair) && !before.attached.contains(&pair), id);
                        done.attached.insert((policy, unit), id).is_some()
                    }
                    Work::Detach { policy, unit } => {
                        let pair = (policy.clone(), unit.clone());
                        self.is_wanted(!wanted.attached.contains(&pair) && before.attached.contains(&pair), id);
                        done.detached.insert((policy, unit), id).is_some()
                    }
                    Work::Account { account, unit } => {
                        self.is_wanted(self.belongs(account, unit, step.tenant.as_deref(), &hosts), id);
                        accounts.push((account.as_str(), (unit.as_str(), step)));
                        continue;
                    }
                    _ => continue,
                };
                if again {
                    self.wrong(&codes::ROLLOUT_TWICE, format!("step `{id}` does what another one does"));
                }
                after.insert(id, &step.after);
            }
        }
        accounts.sort_by_key(|(account, _)| *account);
        for [(one, _), (other, (_, step))] in accounts.array_windows() {
            if one == other {
                self.wrong(&codes::ROLLOUT_TWICE, format!("step `{}` does what another one does", step.id));
            }
        }
        done.accounts = accounts.into_iter().collect();
        let asked = self.settings.organization;
        let changes = !after.is_empty() || !done.accounts.is_empty();
        if !asked && changes {
            self.wrong(&codes::ROLLOUT_SURPLUS, "the rollout changes the organization, and the settings say not to");
        }
        if asked {
            self.complete(&wanted, &before, &done);
        }
        self.guarded(&wanted, &done, &after);
        let counted = [
            (done.units.len(), "units"),
            (done.policies.len(), "policies"),
            (done.attached.len(), "attachments"),
            (done.detached.len(), "detachments"),
            (done.accounts.len(), "accounts"),
        ];
        let counted: Vec<String> = counted.iter().map(|(count, what)| format!("{count} {what}")).collect();
        let allowed = if asked { "what differs, once" } else { "nothing" };
        self.holds(
            "the organization becomes what its template says, and no guardrail lapses",
            None,
            counted.join(", "),
            allowed.to_owned(),
        );
        Ok(())
    }

    fn is_wanted(&mut self, right: bool, id: &str) {
        if !right {
            let message = format!("step `{id}` makes of the organization what its template does not say");
            self.wrong(&codes::ROLLOUT_SURPLUS, message);
        }
    }

    /// The unit that a tenant's own account stands in.
    fn home(&self, member: &Member, units: &dyn Fn(&str) -> bool) -> Option<String> {
        let tier = format!("{}.{}", self.rollout.blueprint, member.tier);
        let suspended = format!("{tier}.suspended");
        if member.suspended && units(&suspended) { Some(suspended) } else { Some(tier).filter(|tier| units(tier)) }
    }

    /// Whether an account belongs into a unit.
    fn belongs(&self, account: &str, unit: &str, tenant: Option<&str>, hosts: &Hosts<'_>) -> bool {
        match tenant {
            Some(tenant) => self.fleet.tenants.get(tenant).is_some_and(|member| {
                let home = format!("{}.{}", self.rollout.blueprint, member.tier);
                let right = unit == home || (member.suspended && *unit == format!("{home}.suspended"));
                member.own_account && member.account.as_deref() == Some(account) && right
            }),
            None => hosts
                .get(account)
                .is_some_and(|tiers| tiers.iter().any(|tier| *unit == format!("{}.{tier}", self.rollout.blueprint))),
        }
    }

    /// The tiers whose shared stacks an account holds.
    fn hosts(&self, stacks: &'a BTreeMap<Rc<str>, Deployed>) -> Hosts<'a> {
        let mut hosts = Hosts::new();
        for stack in stacks.values().filter(|stack| stack.tenant.is_none()) {
            hosts.entry(&stack.account).or_default().insert(&stack.tier);
        }
        hosts
    }

    fn complete(&mut self, wanted: &Wanted, before: &Wanted, done: &Done<'_>) {
        let mut missing = Vec::new();
        for (name, unit) in &wanted.units {
            if before.units.get(name) != Some(unit) && !done.units.contains_key(name.as_str()) {
                missing.push(format!("unit `{name}`"));
            }
        }
        for (name, policy) in &wanted.policies {
            if before.policies.get(name) != Some(policy) && !done.policies.contains_key(name.as_str()) {
                missing.push(format!("policy `{name}`"));
            }
        }
        for (policy, unit) in wanted.attached.difference(&before.attached) {
            if !done.attached.contains_key(&(policy.as_str(), unit.as_str())) {
                missing.push(format!("policy `{policy}` on unit `{unit}`"));
            }
        }
        for (policy, unit) in before.attached.difference(&wanted.attached) {
            if !done.detached.contains_key(&(policy.as_str(), unit.as_str())) {
                missing.push(format!("policy `{policy}` no more on unit `{unit}`"));
            }
        }
        let is_unit = |name: &str| wanted.units.contains_key(name);
        for (id, member) in self.fleet.tenants.iter().filter(|(_, member)| member.own_account) {
            let (Some(account), Some(home)) = (&member.account, self.home(member, &is_unit)) else { continue };
            let stayed = before.units.contains_key(&home)
                && self.fleet.before.get(id).is_some_and(|was| {
                    (&was.account, &was.tier, was.suspended) == (&member.account, &member.tier, member.suspended)
                });
            let moved = done.accounts.get(account.as_ref());
            if !stayed && moved.is_none_or(|(unit, _)| *unit != home) {
                missing.push(format!("account `{account}` of tenant `{id}` in unit `{home}`"));
            }
        }
        let now = self.hosts(&self.fleet.stacks);
        let then = self.hosts(&self.fleet.old_stacks);
        for (account, tiers) in now {
            let chosen = self.settings.account_units.get(account).map(|named| named.name.as_str());
            let only = tiers.first().copied().filter(|_| tiers.len() == 1);
            let Some(home) = chosen.or(only).map(|tier| format!("{}.{tier}", self.rollout.blueprint)) else { continue };
            let stayed = then.get(account) == Some(&tiers) && before.units.contains_key(&home);
            let moved = done.accounts.get(account);
            if is_unit(&home) && !stayed && moved.is_none_or(|(unit, _)| *unit != home) {
                missing.push(format!("account `{account}` in unit `{home}`"));
            }
        }
        for what in missing {
            self.wrong(&codes::ROLLOUT_MISSING, format!("no step brings about {what}"));
        }
    }

    /// An account comes when the guardrails of its unit stand; a guardrail goes when the unit's others stand.
    fn guarded(&mut self, wanted: &Wanted, done: &Done<'a>, after: &BTreeMap<&str, &[String]>) {
        let mut wrong = Vec::new();
        let waits = |then: &str, first: &str| after.get(then).is_some_and(|all| all.iter().any(|id| id == first));
        for ((policy, unit), id) in &done.attached {
            let rests = [done.units.get(unit), done.policies.get(policy)];
            wrong.extend(rests.into_iter().flatten().filter(|first| !waits(id, first)).map(|first| (*id, *first)));
        }
        for (unit, id) in &done.units {
            let above = wanted.units.get(*unit).and_then(|(above, _)| above.as_deref());
            let first = above.and_then(|above| done.units.get(above));
            wrong.extend(first.filter(|first| !waits(id, first)).map(|first| (*id, *first)));
        }
        for ((_, unit), id) in &done.detached {
            let others = done.attached.iter().filter(|((_, other), _)| other == unit).map(|(_, first)| first);
            let contents = wanted.attached.iter().filter(|(_, other)| other == unit);
            let contents = contents.filter_map(|(policy, _)| done.policies.get(policy.as_str()));
            wrong.extend(others.chain(contents).filter(|first| !waits(id, first)).map(|first| (*id, *first)));
        }
        for (unit, step) in done.accounts.values() {
            let mut wait = |first: &&'a str| {
                if !step.after.iter().any(|id| id == first) {
                    wrong.push((step.id.as_str(), *first));
                }
            };
            let mut at = Some(*unit);
            while let Some(unit) = at {
                let contents = wanted.attached.iter().filter(|(_, other)| other == unit);
                let contents = contents.filter_map(|(policy, _)| done.policies.get(policy.as_str()));
                let others = done.attached.iter().filter(|((_, other), _)| *other == unit).map(|(_, first)| first);
                contents.chain(done.units.get(unit)).chain(others).for_each(&mut wait);
                at = wanted.units.get(unit).and_then(|(above, _)| above.as_deref());
            }
        }
        for (then, first) in wrong {
            self.wrong(&codes::ROLLOUT_ORDER, format!("step `{then}` does not wait for `{first}`"));
        }
    }
}
