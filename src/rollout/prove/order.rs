//! Whether things come after what they need.

use std::collections::{BTreeMap, BTreeSet};

use super::work::{Kind, Made, Makers, Touched};
use super::{Phase, Prover};
use crate::assembly::Isolation;
use crate::diagnostics::codes;
use crate::rollout::document::{Step, Wave, Work};

/// Who comes after whom in one wave. Most steps are waited for by nobody, and stand on no way from one to another.
struct Chain<'a> {
    /// The steps that others wait for.
    waited_for: BTreeSet<&'a str>,
    /// What those of them wait for that do.
    after: BTreeMap<&'a str, &'a [String]>,
}

/// A step with the number of its wave.
type Numbered<'a> = (usize, &'a Step);

fn numbered<'a>(made: &Made<'a>) -> Numbered<'a> {
    (made.wave, made.step)
}

impl<'a> Chain<'a> {
    fn of(wave: &'a Wave) -> Self {
        let waited_for: BTreeSet<&str> = wave.steps.iter().flat_map(|step| &step.after).map(String::as_str).collect();
        let waiting = wave.steps.iter().filter(|step| !step.after.is_empty() && waited_for.contains(step.id.as_str()));
        let after = waiting.map(|step| (step.id.as_str(), step.after.as_slice())).collect();
        Self { waited_for, after }
    }

    /// Whether a step ends before another begins.
    fn is_before(&self, first: &str, then: &Step) -> bool {
        let mut seen = BTreeSet::new();
        let mut ahead = vec![then.after.as_slice()];
        while let Some(earlier) = ahead.pop() {
            for step in earlier {
                if step == first {
                    return true;
                }
                if seen.insert(step.as_str()) {
                    ahead.extend(self.after.get(step.as_str()));
                }
            }
        }
        false
    }

    /// A step of a circle, if there is one: whatever is left when steps that wait for nothing are taken away.
    fn circle(&self) -> Option<&'a str> {
        let mut waits: BTreeMap<&str, usize> = BTreeMap::new();
        let mut wanted: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
        for (step, after) in &self.after {
            let mut count = 0;
            for (earlier, _) in after.iter().filter_map(|earlier| self.after.get_key_value(earlier.as_str())) {
                wanted.entry(earlier).or_default().push(step);
                count += 1;
            }
            waits.insert(step, count);
        }
        let mut free: Vec<&str> = waits.iter().filter(|(_, count)| **count == 0).map(|(step, _)| *step).collect();
        let mut left = self.after.len();
        while let Some(step) = free.pop() {
            left = left.saturating_sub(1);
            for later in wanted.get(step).into_iter().flatten() {
                if let Some(count) = waits.get_mut(later) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        free.push(later);
                    }
                }
            }
        }
        if left == 0 { None } else { waits.into_iter().find(|(_, count)| *count > 0).map(|(step, _)| step) }
    }
}

impl<'a> Prover<'a> {
    pub(super) fn order(&mut self, touched: &[Touched<'a>], makers: &Makers<'a>) {
        let rollout = self.rollout;
        let mut edges = 0_u64;
        let chains: Vec<Chain<'a>> = rollout.waves.iter().map(Chain::of).collect();
        for ((number, wave), chain) in self.waves().zip(&chains) {
            let mut strangers = chain.waited_for.clone();
            strangers.retain(|earlier| self.order.get(earlier) != Some(&number));
            for step in &wave.steps {
                edges += step.after.len() as u64;
                for earlier in step.after.iter().filter(|earlier| strangers.contains(earlier.as_str())) {
                    let message = format!("step `{}` comes after `{earlier}`, which its wave does not have", step.id);
                    self.wrong(&codes::ROLLOUT_ORDER, message);
                }
            }
        }
        for (chain, wave) in chains.iter().zip(&rollout.waves) {
            if let Some(step) = chain.circle() {
                self.wrong(
                    &codes::ROLLOUT_ORDER,
                    format!("steps of wave `{}` wait for each other in a circle, `{step}` among them", wave.wave),
                );
            }
        }
        let mut deleters: BTreeMap<&str, Vec<(usize, &Step)>> = BTreeMap::new();
        for (number, step) in self.waves().flat_map(|(number, wave)| wave.steps.iter().map(move |step| (number, step)))
        {
            for name in self.deleted(step) {
                deleters.entry(name).or_default().push((number, step));
            }
        }
        let comes_before = |first: (usize, &Step), then: (usize, &Step)| {
            first.0 < then.0
                || first.0 == then.0 && chains.get(then.0).is_some_and(|chain| chain.is_before(&first.1.id, then.1))
        };
        let fleet = self.fleet;
        let mut needs = 0_u64;
        for steps in makers.stacks() {
            let Some(Made { stack: name, .. }) = steps.first() else { continue };
            for need in fleet.stacks.get(*name).into_iter().flat_map(|stack| &stack.needs) {
                needs += 1;
                let is_there = fleet.stacks.get(need.as_str()).is_some_and(|stack| {
                    fleet.old_stacks.get(need.as_str()).is_some_and(|was| was.is_at(&stack.account, &stack.region))
                });
                let made = makers.of(need);
                if made.is_empty() && !is_there {
                    let message = format!("stack `{name}` needs `{need}`, which is not there and not deployed by this");
                    self.wrong(&codes::ROLLOUT_ORDER, message);
                }
                for (then, first) in steps.iter().flat_map(|then| made.iter().map(move |first| (then, first))) {
                    if !comes_before(numbered(first), numbered(then)) {
                        let (then, first) = (&then.step.id, &first.step.id);
                        let message = format!("step `{then}` needs what `{first}` does, and does not wait for it");
                        self.wrong(&codes::ROLLOUT_ORDER, message);
                    }
                }
            }
        }
        // New values are for the new template.
        for steps in makers.stacks().filter(|steps| steps.len() > 1) {
            let (updates, others): (Vec<_>, Vec<_>) = steps.iter().partition(|made| made.kind == Kind::Update);
            let pairs = updates.iter().flat_map(|first| others.iter().map(move |then| (*first, *then)));
            for (first, then) in pairs.map(|(first, then)| (numbered(first), numbered(then))) {
                if !comes_before(first, then) {
                    let message =
                        format!("step `{}` gives values before `{}` gives the template", then.1.id, first.1.id);
                    self.wrong(&codes::ROLLOUT_ORDER, message);
                }
            }
        }
        for (name, steps) in &deleters {
            for need in fleet.gone.get(*name).into_iter().flat_map(|stack| &stack.needs) {
                needs += 1;
                let needed = deleters.get(need.as_str()).into_iter().flatten();
                for (first, then) in needed.flat_map(|then| steps.iter().map(move |first| (first, then))) {
                    if !comes_before(*first, *then) {
                        let message = format!("step `{}` deletes what `{}` still needs", then.1.id, first.1.id);
                        self.wrong(&codes::ROLLOUT_ORDER, message);
                    }
                }
            }
        }
        self.sets_first(makers, &comes_before);
        self.tiers(touched);
        self.holds(
            "what a stack depends on comes before it, and nothing waits in a circle",
            None,
            format!("{needs} dependencies, {edges} orders within waves"),
            "0 broken".to_owned(),
        );
    }

    /// The stacks that a step deletes, by name; what is unknown was told already.
    fn deleted(&self, step: &'a Step) -> Vec<&'a str> {
        match &step.work {
            Work::DeleteStack { stack, .. } => vec![stack.as_str()],
            Work::DeleteInstance { account, region, .. } => {
                let owner = step.tenant.clone().unwrap_or_default();
                let place = (owner, account.clone(), region.clone());
                self.fleet.gone_at.get(&place).map(AsRef::as_ref).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// A new instance takes the template its set has by then, so the set has the present one before.
    fn sets_first(&mut self, makers: &Makers<'a>, comes_before: &dyn Fn(Numbered<'_>, Numbered<'_>) -> bool) {
        let mut made: BTreeMap<&str, Vec<(usize, &Step)>> = BTreeMap::new();
        let mut told: BTreeMap<&str, Vec<(usize, &Step)>> = BTreeMap::new();
        let mut fresh: BTreeMap<&str, Vec<(usize, &Step)>> = BTreeMap::new();
        for (number, step) in self.waves().flat_map(|(number, wave)| wave.steps.iter().map(move |step| (number, step)))
        {
            match &step.work {
                Work::StackSet { set } => made.entry(set).or_default().push((number, step)),
                Work::UpdateInstances { set, .. } => told.entry(set).or_default().push((number, step)),
                _ => {}
            }
        }
        for made in makers.stacks().flatten() {
            if let Work::Instance { set, .. } = &made.step.work
                && self.fleet.due.get(made.stack).is_some_and(|due| due.fresh)
            {
                fresh.entry(set).or_default().push(numbered(made));
            }
        }
        for (set, steps) in &made {
            if steps.len() > 1 {
                self.wrong(&codes::ROLLOUT_TWICE, format!("stack set `{set}` is made twice"));
            }
            if !fresh.contains_key(set) {
                self.wrong(&codes::ROLLOUT_SURPLUS, format!("stack set `{set}` is made and gets no new instance"));
            }
        }
        for (set, instances) in &fresh {
            let before = made.get(set).or_else(|| told.get(set));
            for instance in instances {
                let Some(before) = before else { break };
                if !before.iter().any(|first| comes_before(*first, *instance)) {
                    let message =
                        format!("step `{}` makes an instance before its set has the present template", instance.1.id);
                    self.wrong(&codes::ROLLOUT_ORDER, message);
                }
            }
            if before.is_none() && !self.is_there(set) {
                self.wrong(&codes::ROLLOUT_ORDER, format!("stack set `{set}` gets instances, and nobody makes it"));
            }
        }
    }

    /// Whether some instance had the set's template before.
    fn is_there(&self, set: &str) -> bool {
        let set = self.rollout.stack_sets.get(set);
        set.is_some_and(|set| {
            let mut all = self.fleet.old_stacks.values();
            all.any(|was| was.by_set && *was.tier == *set.tier && was.sha256 == set.sha256)
        })
    }

    /// Tiers come one after the other, in their order.
    fn tiers(&mut self, touched: &[Touched<'a>]) {
        let named = &self.settings.order;
        let rank = |tier: &str| {
            let listed = named.iter().position(|named| named.name == tier);
            let isolation = self.fleet.isolation.get(tier).map(|isolation| match isolation {
                Isolation::Pool => 0,
                Isolation::Bridge => 1,
                Isolation::Silo => 2,
            });
            let place = self.fleet.tiers.iter().position(|other| other == tier);
            (listed.is_none(), listed, isolation, place)
        };
        let mut latest: Option<&str> = None;
        let mut wrong = Vec::new();
        for (wave, touched) in self.rollout.waves.iter().zip(touched) {
            if touched.phase != Phase::Tenants {
                continue;
            }
            if touched.tiers.len() > 1 {
                wrong.push(format!("wave `{}` changes stacks of several tiers", wave.wave));
            }
            let Some(tier) = touched.tiers.first() else { continue };
            if latest.is_some_and(|latest| rank(latest) > rank(tier)) {
                wrong.push(format!("wave `{}` changes tier `{tier}`, whose turn was earlier", wave.wave));
            }
            latest = Some(tier);
        }
        for message in wrong {
            self.wrong(&codes::ROLLOUT_ORDER, message);
        }
        let tiers: BTreeSet<&str> = touched.iter().flat_map(|touched| touched.tiers.iter().copied()).collect();
        let mut order: Vec<&str> = tiers.into_iter().collect();
        order.sort_by_key(|tier| rank(tier));
        if !order.is_empty() {
            let count = order.len();
            self.holds("tiers come one after the other", None, format!("{count} tiers"), order.join(", "));
        }
    }
}
