//! Whether everything that is due is done, once, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::fleet::{Deployed, Fleet};
use super::{Phase, Prover, digest_of, phase};
use crate::diagnostics::codes;
use crate::rollout::document::{StackSet, Step, Work};
use crate::rollout::settings::{Gone, Permissions};

/// What a wave changes.
#[derive(Debug)]
pub(super) struct Touched<'a> {
    pub(super) phase: Phase,
    pub(super) tenants: BTreeSet<&'a str>,
    pub(super) cells: BTreeSet<&'a str>,
    pub(super) tiers: BTreeSet<&'a str>,
    /// The shared stacks.
    pub(super) shared: BTreeSet<&'a str>,
    /// All stacks.
    stacks: BTreeSet<&'a str>,
    /// The tenants that cannot be told apart: those that use the same changed stacks.
    groups: Vec<Vec<&'a str>>,
}

impl<'a> Touched<'a> {
    fn new(phase: Phase) -> Self {
        Self {
            phase,
            tenants: BTreeSet::new(),
            cells: BTreeSet::new(),
            tiers: BTreeSet::new(),
            shared: BTreeSet::new(),
            stacks: BTreeSet::new(),
            groups: Vec::new(),
        }
    }

    /// Whether a shared stack and those who use it are all there is.
    pub(super) fn is_one_cell(&self) -> bool {
        !self.shared.is_empty() && self.groups.len() == 1
    }

    pub(super) fn groups(&self) -> &[Vec<&'a str>] {
        &self.groups
    }

    fn stack(&mut self, name: &'a str, stack: &'a Deployed, fleet: &'a Fleet) {
        self.stacks.insert(name);
        self.cells.insert(&stack.cell);
        self.tiers.insert(&stack.tier);
        match &stack.tenant {
            Some(tenant) => drop(self.tenants.insert(tenant)),
            None => {
                self.shared.insert(name);
                for user in fleet.users.get(name).into_iter().flatten() {
                    self.tenants.insert(user);
                    self.cells.extend(fleet.cell_of(user));
                }
            }
        }
    }

    /// Follows stacks to what they need and to who uses them, as long as there is something new.
    fn divide(&mut self, fleet: &'a Fleet) {
        let mut beside: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        // The stacks of a tenant stand side by side.
        let mut owns: Vec<(&str, &'a str)> = Vec::new();
        for name in &self.stacks {
            let Some(stack) = fleet.stacks.get(*name) else { continue };
            owns.extend(stack.tenant.as_deref().map(|tenant| (tenant, *name)));
            for need in stack.needs.iter().filter(|need| self.stacks.contains(need.as_str())) {
                beside.entry(name).or_default().insert(need);
                beside.entry(need).or_default().insert(name);
            }
        }
        owns.sort_unstable();
        let mut left: BTreeSet<&'a str> = self.stacks.clone();
        let mut seen: BTreeSet<&'a str> = BTreeSet::new();
        while let Some(first) = left.pop_first() {
            let (mut group, mut ahead) = (Vec::new(), vec![first]);
            while let Some(name) = ahead.pop() {
                let near = beside.get(name).into_iter().flatten().copied();
                ahead.extend(near.filter_map(|near| left.take(near)));
                let Some((_, stack)) = fleet.stacks.get_key_value(name) else { continue };
                let users = fleet.users.get(name).into_iter().flatten().map(AsRef::as_ref);
                for tenant in users.chain(stack.tenant.as_deref()) {
                    if !seen.insert(tenant) {
                        continue;
                    }
                    group.push(tenant);
                    let own = owns.get(owns.partition_point(|(owner, _)| *owner < tenant)..).unwrap_or_default();
                    let own = own.iter().take_while(|(owner, _)| *owner == tenant).map(|(_, name)| *name);
                    let used = fleet.tenants.get(tenant).into_iter().flat_map(|member| &member.shared);
                    ahead.extend(own.chain(used.map(AsRef::as_ref)).filter_map(|near| left.take(near)));
                }
            }
            group.shrink_to_fit();
            self.groups.push(group);
        }
    }
}

/// Something that a step does to a stack of the assembly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made<'a> {
    /// The stack's name.
    pub(super) stack: &'a str,
    pub(super) kind: Kind,
    /// The number of the wave.
    pub(super) wave: usize,
    pub(super) step: &'a Step,
}

/// Everything that is done, stack by stack.
#[derive(Debug)]
pub(super) struct Makers<'a>(Vec<Made<'a>>);

impl<'a> Makers<'a> {
    fn new(mut all: Vec<Made<'a>>) -> Self {
        // What happens to one stack stays in the order of the steps.
        all.sort_by_key(|made| (made.stack, made.kind));
        Self(all)
    }

    /// What is done to a stack.
    pub(super) fn of(&self, stack: &str) -> &[Made<'a>] {
        let start = self.0.partition_point(|made| made.stack < stack);
        let rest = self.0.get(start..).unwrap_or_default();
        let count = rest.iter().take_while(|made| made.stack == stack).count();
        rest.get(..count).unwrap_or_default()
    }

    /// One stack after the other.
    pub(super) fn stacks(&self) -> impl Iterator<Item = &[Made<'a>]> {
        self.0.chunk_by(|one, other| one.stack == other.stack)
    }
}

impl<'a> Prover<'a> {
    /// Looks at each step, and returns what each wave changes and what each stack gets.
    pub(super) fn work(&mut self) -> (Vec<Touched<'a>>, Makers<'a>) {
        let fleet = self.fleet;
        let mut made = Vec::new();
        let mut deleted: BTreeMap<&'a str, u64> = BTreeMap::new();
        let mut all = Vec::new();
        for (number, wave) in self.waves() {
            let first = wave.steps.first().map_or(Phase::Tenants, |step| phase(&step.work));
            let mut touched = Touched::new(first);
            for step in &wave.steps {
                for (name, kind) in self.step(step, &mut deleted) {
                    let Some(stack) = fleet.stacks.get(name) else { continue };
                    touched.stack(name, stack, fleet);
                    made.push(Made { stack: name, kind, wave: number, step });
                }
            }
            touched.divide(fleet);
            all.push(touched);
        }
        let makers = Makers::new(made);
        self.once(&makers, &all);
        self.deletes(&deleted);
        self.sets();
        (all, makers)
    }

    /// The stacks that a step changes, by the names of their records.
    fn step(&mut self, step: &'a Step, deleted: &mut BTreeMap<&'a str, u64>) -> Vec<(&'a str, Kind)> {
        match &step.work {
            Work::Stack { stack, account, region } => {
                let Some((name, found)) = self.fleet.stacks.get_key_value(stack.as_str()) else {
                    self.wrong(&codes::ROLLOUT_SURPLUS, format!("the assembly has no stack `{stack}`"));
                    return Vec::new();
                };
                if !found.is_at(account, region) || found.tenant.as_deref() != step.tenant.as_deref() {
                    self.wrong(
                        &codes::ROLLOUT_SURPLUS,
                        format!(
                            "stack `{stack}` is {}'s in {}/{}, and step `{}` says {}'s in {account}/{region}",
                            found.tenant.as_deref().unwrap_or("nobody"),
                            found.account,
                            found.region,
                            step.id,
                            step.tenant.as_deref().unwrap_or("nobody"),
                        ),
                    );
                }
                vec![(name, Kind::Stack)]
            }
            Work::Instance { set, account, region, parameters } => {
                let Some((name, found)) = self.instance(set, account, region, &step.id) else { return Vec::new() };
                if found.values != digest_of(parameters) || found.tenant.as_deref() != step.tenant.as_deref() {
                    self.wrong(
                        &codes::ROLLOUT_PARAMETERS,
                        format!(
                            "step `{}` does not have the values of tenant `{}`, whose account it is",
                            step.id,
                            found.tenant.as_deref().unwrap_or_default()
                        ),
                    );
                }
                vec![(name, Kind::Instance)]
            }
            Work::UpdateInstances { set, accounts, regions } => {
                let mut found = Vec::new();
                for (account, region) in accounts.iter().flat_map(|one| regions.iter().map(move |two| (one, two))) {
                    found.extend(self.instance(set, account, region, &step.id).map(|(name, _)| (name, Kind::Update)));
                }
                found
            }
            Work::DeleteStack { stack, account, region } => {
                self.delete(step, Some(stack), (account, region), deleted);
                Vec::new()
            }
            Work::DeleteInstance { account, region, .. } => {
                self.delete(step, None, (account, region), deleted);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The stack that an instance of a set is.
    fn instance(&mut self, set: &str, account: &str, region: &str, id: &str) -> Option<(&'a str, &'a Deployed)> {
        let Some(StackSet { template, sha256, tier, tags, .. }) = self.rollout.stack_sets.get(set) else {
            self.wrong(
                &codes::ROLLOUT_PARAMETERS,
                format!("step `{id}` is of stack set `{set}`, which nobody describes"),
            );
            return None;
        };
        let found = self.fleet.at(template, account, region).and_then(|name| self.fleet.stacks.get_key_value(name));
        let Some((name, found)) = found else {
            self.wrong(
                &codes::ROLLOUT_SURPLUS,
                format!(
                    "no stack of the assembly has template `{template}` in {account}/{region}, and step `{id}` does"
                ),
            );
            return None;
        };
        if found.sha256 != *sha256 || *found.tier != **tier || !found.has_common(tags) {
            self.wrong(
                &codes::ROLLOUT_PARAMETERS,
                format!("stack set `{set}` has not the template, tier and tags of stack `{name}`"),
            );
        }
        Some((name, found))
    }

    fn delete(
        &mut self,
        step: &'a Step,
        stack: Option<&String>,
        (account, region): (&str, &str),
        deleted: &mut BTreeMap<&'a str, u64>,
    ) {
        // An instance has no name of its own: it is the one stack of its tenant at its place that a set makes.
        let found = match stack {
            Some(stack) => self.fleet.gone.get_key_value(stack.as_str()).filter(|(_, was)| !was.by_set),
            None => {
                let owner = step.tenant.clone().unwrap_or_default();
                let place = (owner, account.to_owned(), region.to_owned());
                self.fleet.gone_at.get(&place).and_then(|name| self.fleet.gone.get_key_value(name))
            }
        };
        match found {
            Some((name, was)) if was.is_at(account, region) && was.tenant.as_deref() == step.tenant.as_deref() => {
                *deleted.entry(name).or_default() += 1;
            }
            _ => self.wrong(
                &codes::ROLLOUT_SURPLUS,
                format!("step `{}` deletes what the new assembly still has, or nobody knows", step.id),
            ),
        }
    }

    fn once(&mut self, makers: &Makers<'a>, all: &[Touched<'a>]) {
        let mut changed = 0_u64;
        for (name, stack) in &self.fleet.stacks {
            let due = self.fleet.due.get(name).copied().unwrap_or_default();
            let made = makers.of(name);
            changed += u64::from(due.stack || due.instance || due.update);
            let kinds = [
                (due.stack, Kind::Stack, "a change set"),
                (due.instance, Kind::Instance, "an instance with its values"),
                (due.update, Kind::Update, "an update of its instance"),
            ];
            for (due, kind, what) in kinds {
                let mut steps = made.iter().filter(|made| made.kind == kind).map(|made| &made.step.id);
                let found = (steps.next(), steps.next());
                if matches!((due, found), (true, (Some(_), None)) | (false, (None, _))) {
                    continue;
                }
                let whose = stack.tenant.as_ref().map_or(String::new(), |tenant| format!(" of tenant `{tenant}`"));
                match found {
                    (None, _) => self.wrong(
                        &codes::ROLLOUT_MISSING,
                        format!("stack `{name}`{whose} has changed, and no step is {what}"),
                    ),
                    (Some(step), _) if !due => self.wrong(
                        &codes::ROLLOUT_SURPLUS,
                        format!("step `{step}` changes stack `{name}`{whose}, for which {what} is not due"),
                    ),
                    (Some(one), other) => {
                        let other = other.unwrap_or(one);
                        self.wrong(
                            &codes::ROLLOUT_TWICE,
                            format!("steps `{one}` and `{other}` both change stack `{name}`{whose}"),
                        );
                    }
                }
            }
        }
        let mut waves: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, touched) in all.iter().enumerate() {
            for tenant in &touched.tenants {
                if waves.insert(tenant, number).is_some() {
                    self.wrong(&codes::ROLLOUT_TWICE, format!("tenant `{tenant}` is changed in two waves"));
                }
            }
        }
        let count = waves.len();
        self.holds(
            "every tenant with changes is in one wave, and nobody else",
            None,
            format!("{count} tenants"),
            "1 wave each".to_owned(),
        );
        self.holds(
            "every changed stack is changed once, at its place, and no other",
            None,
            format!("{changed} of {} stacks", self.fleet.stacks.len()),
            "1 change each".to_owned(),
        );
    }

    fn deletes(&mut self, deleted: &BTreeMap<&'a str, u64>) {
        let gone = self.fleet.gone.len();
        match self.settings.gone {
            Gone::Refuse if gone > 0 => {
                self.wrong(&codes::ROLLOUT_DELETES, format!("nobody says what becomes of {gone} stacks that are gone"));
            }
            Gone::Refuse | Gone::Keep if !deleted.is_empty() => {
                let count = deleted.len();
                self.wrong(
                    &codes::ROLLOUT_DELETES,
                    format!("the rollout deletes {count} stacks, and nobody asked for it"),
                );
            }
            Gone::Delete => {
                for name in self.fleet.gone.keys() {
                    match deleted.get(name.as_ref()) {
                        Some(1) => {}
                        None => self.wrong(&codes::ROLLOUT_MISSING, format!("stack `{name}` is gone, and stays")),
                        Some(_) => self.wrong(&codes::ROLLOUT_TWICE, format!("stack `{name}` is deleted twice")),
                    }
                }
            }
            _ => {}
        }
        let allowed = match self.settings.gone {
            Gone::Delete => format!("{gone} stacks"),
            _ => "0 stacks".to_owned(),
        };
        let counted = format!("{} stacks", deleted.len());
        self.holds("only what is gone is deleted, and only if that was asked for", None, counted, allowed);
    }

    /// The stack sets reach the unit of their tier.
    fn sets(&mut self) {
        let managed = self.settings.stack_sets.is_some_and(|sets| sets.permissions == Permissions::ServiceManaged);
        for (name, set) in &self.rollout.stack_sets {
            let wanted = managed.then(|| format!("{}.{}", self.rollout.blueprint, set.tier));
            if set.unit != wanted {
                self.wrong(
                    &codes::ROLLOUT_PARAMETERS,
                    format!(
                        "stack set `{name}` reaches unit `{}`, and the tier's is `{}`",
                        set.unit.as_deref().unwrap_or("none"),
                        wanted.as_deref().unwrap_or("none")
                    ),
                );
            }
        }
        let count = self.rollout.stack_sets.len();
        if count > 0 {
            self.holds(
                "instances get the values of their tenant's record, from a set with its template",
                None,
                format!("{count} stack sets"),
                "the record".to_owned(),
            );
        }
    }
}

/// What is done to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Stack,
    Instance,
    Update,
}
