//! Looks at a rollout: does it do what has to be done, once, in an order that holds, and within the limits?
//!
//! This shares no code with the planner. It reads the assemblies again, works out for itself what has to be done, and
//! then only counts.

mod fleet;
mod order;
mod organization;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use self::fleet::Fleet;
use self::work::Touched;
use super::document::{Obligation, Rollout, Wave, Work};
use super::settings::{Pinned, Settings};
use crate::assembly::{Assembly, Digest, MANIFEST};
use crate::diagnostics::{Code, Diagnostic, Origin, codes};
use crate::facts::Facts;

/// How many findings of one code are told; the others would say the same.
const TOLD: usize = 20;

/// What is wrong, as it is found.
#[derive(Debug)]
struct Findings {
    origin: Origin,
    list: Vec<Diagnostic>,
    told: BTreeMap<&'static str, usize>,
}

impl Findings {
    fn add(&mut self, code: &'static Code, message: impl Into<String>) {
        let told = self.told.entry(code.name).or_default();
        *told += 1;
        if *told <= TOLD {
            let help = if code.name == codes::ROLLOUT_LIMIT.name {
                "ask AWS for a higher quota and name it in the file of `--facts`, or divide the tenants otherwise with \
                 `stack_sets: { shards: … }` as long as no set stands"
            } else {
                "make the rollout again with `tenantry rollout`, with the same settings"
            };
            self.list.push(Diagnostic::new(code, self.origin.clone(), message).help(help));
        }
    }
}

/// Whether a wave does the organization's work, tenants' work, or deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Organization,
    Tenants,
    Delete,
}

fn phase(work: &Work) -> Phase {
    match work {
        Work::Unit { .. } | Work::Policy { .. } | Work::Attach { .. } | Work::Detach { .. } | Work::Account { .. } => {
            Phase::Organization
        }
        Work::Stack { .. } | Work::StackSet { .. } | Work::Instance { .. } | Work::UpdateInstances { .. } => {
            Phase::Tenants
        }
        Work::DeleteStack { .. } | Work::DeleteInstance { .. } => Phase::Delete,
    }
}

/// Shows that a rollout keeps all limits, and what was counted; or everything that is wrong with it.
///
/// # Errors
/// If something does not hold, all of it.
pub fn prove(
    rollout: &Rollout,
    new: &Assembly,
    old: Option<&Assembly>,
    settings: &Settings,
    facts: &Facts,
) -> Result<Vec<Obligation>, Vec<Diagnostic>> {
    let origin = Origin::Path(new.root().join(MANIFEST).to_string_lossy().into());
    let mut findings = Findings { origin, list: Vec::new(), told: BTreeMap::new() };
    let stop = |error: &crate::assembly::AssemblyError| vec![error.diagnostic()];
    let (now, before) = (new.digest(), old.map(Assembly::digest));
    if rollout.assembly != now {
        findings.add(
            &codes::ROLLOUT_OTHER_ASSEMBLY,
            format!("the rollout is for an assembly whose manifest has the digest `{}`, not `{now}`", rollout.assembly),
        );
    }
    if rollout.previous != before {
        let show = |digest: Option<Digest>| digest.map_or("none".to_owned(), |digest| format!("`{digest}`"));
        findings.add(
            &codes::ROLLOUT_OTHER_ASSEMBLY,
            format!(
                "the rollout begins at the assembly {}, and what is said to be deployed is {}",
                show(rollout.previous),
                show(before)
            ),
        );
    }
    if (&rollout.blueprint, &rollout.environment) != (&new.manifest().blueprint, &new.manifest().environment) {
        findings.add(&codes::ROLLOUT_OTHER_ASSEMBLY, "the rollout is of another product or environment");
    }
    if !findings.list.is_empty() {
        return Err(findings.list);
    }
    let fleet = Fleet::read(new, old, settings).map_err(|error| stop(&error))?;
    let mut prover =
        Prover { rollout, fleet: &fleet, settings, facts, findings, obligations: Vec::new(), order: BTreeMap::new() };
    prover.steps();
    prover.settings();
    let (touched, makers) = prover.work();
    prover.shares(&touched);
    prover.pace(&touched);
    prover.pairs(&touched);
    prover.concurrency();
    prover.order(&touched, &makers);
    prover.organization(new, old).map_err(|error| stop(&error))?;
    let Prover { findings, obligations, .. } = prover;
    if findings.list.is_empty() { Ok(obligations) } else { Err(findings.list) }
}

struct Prover<'a> {
    rollout: &'a Rollout,
    fleet: &'a Fleet,
    settings: &'a Settings,
    facts: &'a Facts,
    findings: Findings,
    obligations: Vec<Obligation>,
    /// In which wave each step is.
    order: BTreeMap<&'a str, usize>,
}

/// A share of a number: at least one, because nothing is smaller than a tenant.
fn part(percent: u64, of: u64) -> u64 {
    std::cmp::max(1, of * percent / 100)
}

/// The digest that records' values are compared by.
fn digest_of(values: &crate::rollout::Values) -> Digest {
    Digest::of(&serde_json::to_vec(values).unwrap_or_default())
}

fn percent(count: u64, of: u64) -> String {
    format!("{} %", (count * 100).checked_div(of).unwrap_or(0))
}

impl<'a> Prover<'a> {
    fn wrong(&mut self, code: &'static Code, message: impl Into<String>) {
        self.findings.add(code, message);
    }

    fn holds(&mut self, limit: &str, nearest: Option<String>, counted: String, allowed: String) {
        self.obligations.push(Obligation { limit: limit.to_owned(), nearest, counted, allowed });
    }

    fn waves(&self) -> impl Iterator<Item = (usize, &'a Wave)> + use<'a> {
        self.rollout.waves.iter().enumerate()
    }

    /// Names stand once, and a wave does one kind of work.
    fn steps(&mut self) {
        let mut names = BTreeSet::new();
        let mut steps: Vec<(&'a str, usize)> = Vec::new();
        for (number, wave) in self.waves() {
            if !names.insert(wave.wave.as_str()) {
                self.wrong(&codes::ROLLOUT_TWICE, format!("two waves are called `{}`", wave.wave));
            }
            steps.extend(wave.steps.iter().map(|step| (step.id.as_str(), number)));
        }
        steps.sort_unstable();
        for [(one, _), (other, _)] in steps.array_windows() {
            if one == other {
                self.wrong(&codes::ROLLOUT_TWICE, format!("two steps are called `{one}`"));
            }
        }
        self.order = steps.into_iter().collect();
        let mut latest = Phase::Organization;
        for (_, wave) in self.waves() {
            let phases: BTreeSet<Phase> = wave.steps.iter().map(|step| phase(&step.work)).collect();
            match (phases.first(), phases.len()) {
                (Some(phase), 1) if *phase >= latest => latest = *phase,
                (None, _) => {
                    self.wrong(&codes::ROLLOUT_SURPLUS, format!("wave `{}` does nothing", wave.wave));
                }
                _ => self.wrong(
                    &codes::ROLLOUT_ORDER,
                    format!(
                        "wave `{}` mixes or reverses the work: first the organization, then tenants, then deletes",
                        wave.wave
                    ),
                ),
            }
        }
        let steps = self.order.len();
        self.holds(
            "the organization's steps come first and deletes last, in waves of their own",
            None,
            format!("{} waves with {steps} steps", self.rollout.waves.len()),
            "that order".to_owned(),
        );
    }

    /// What the settings say, the rollout says.
    fn settings(&mut self) {
        let (rollout, settings) = (self.rollout, self.settings);
        let said = [
            ("role", &rollout.role, &settings.role),
            ("management account", &rollout.management_account, &settings.management_account),
            ("template bucket", &rollout.template_bucket, &settings.template_bucket),
        ];
        for (what, one, other) in said {
            if one != other {
                self.wrong(&codes::ROLLOUT_OTHER_SETTINGS, format!("the rollout's {what} is not the settings'"));
            }
        }
        let region = &rollout.management_region;
        if settings.management_region.is_some() && region.is_some() && *region != settings.management_region {
            self.wrong(&codes::ROLLOUT_OTHER_SETTINGS, "the rollout's management region is not the settings'");
        }
        if region.is_none() && !rollout.stack_sets.is_empty() {
            self.wrong(&codes::ROLLOUT_OTHER_SETTINGS, "nobody says in which region stack sets are called");
        }
        let mut most: Option<(u64, &str)> = None;
        for (number, wave) in self.waves() {
            let name = &wave.wave;
            let allowed = settings.tolerance.of(wave.steps.len() as u64);
            if wave.tolerance.failures > allowed {
                let failures = wave.tolerance.failures;
                self.wrong(
                    &codes::ROLLOUT_OTHER_SETTINGS,
                    format!("wave `{name}` bears {failures} failures, and the settings {allowed}"),
                );
            }
            if most.is_none_or(|(failures, _)| wave.tolerance.failures > failures) {
                most = Some((wave.tolerance.failures, name));
            }
            if number + 1 == rollout.waves.len() {
                continue;
            }
            let baked = wave.gate.as_ref().map(|gate| gate.bake_minutes);
            if baked.is_none_or(|minutes| minutes < settings.bake_minutes) {
                self.wrong(
                    &codes::ROLLOUT_OTHER_SETTINGS,
                    format!(
                        "after wave `{name}` the rollout waits {} minutes, and the settings say {}",
                        baked.unwrap_or_default(),
                        settings.bake_minutes
                    ),
                );
            }
        }
        if let Some((failures, wave)) = most {
            let allowed = match settings.tolerance {
                super::settings::Failures::Steps(steps) => format!("{steps} steps"),
                super::settings::Failures::Percent(percent) => format!("{percent} % of a wave's steps"),
            };
            let wave = Some(wave.to_owned());
            self.holds("a wave bears no more failures than this", wave, format!("{failures} steps"), allowed);
        }
    }

    /// The shares of all tenants and of tiers.
    fn shares(&mut self, touched: &[Touched<'a>]) {
        let settings = self.settings;
        let all = self.fleet.tenants.len() as u64;
        let mut nearest: Option<(u64, &str)> = None;
        let mut nearest_of_tier: Option<(u64, u64, String)> = None;
        for (wave, touched) in self.rollout.waves.iter().zip(touched) {
            let count = touched.tenants.len() as u64;
            if touched.phase == Phase::Tenants && wave.tenants != count
                || touched.phase == Phase::Organization && wave.tenants != 0
            {
                self.wrong(
                    &codes::ROLLOUT_SHARE,
                    format!(
                        "wave `{}` says that it changes {} tenants, and it changes {count}",
                        wave.wave, wave.tenants
                    ),
                );
            }
            if touched.phase != Phase::Tenants {
                continue;
            }
            let whole = settings.whole_cells && touched.is_one_cell();
            let allowed = part(settings.tenants_per_wave, all);
            if count > allowed && !whole {
                self.wrong(
                    &codes::ROLLOUT_SHARE,
                    format!("wave `{}` changes {count} tenants of {all}, and {allowed} are allowed", wave.wave),
                );
            }
            if nearest.is_none_or(|(most, _)| count > most) {
                nearest = Some((count, &wave.wave));
            }
            let mut tiers: BTreeMap<&str, u64> = BTreeMap::new();
            for tenant in &touched.tenants {
                *tiers.entry(self.fleet.tier_of(tenant)).or_default() += 1;
            }
            for (tier, count) in tiers {
                let size = self.fleet.sizes.get(tier).copied().unwrap_or_default();
                let allowed = part(settings.tier_per_wave, size);
                if count > allowed && !whole {
                    self.wrong(
                        &codes::ROLLOUT_SHARE,
                        format!(
                            "wave `{}` changes {count} of {size} tenants of tier `{tier}`, and {allowed} are allowed",
                            wave.wave
                        ),
                    );
                }
                let more = |(most, of, _): &(u64, u64, String)| count * of > most * size;
                if nearest_of_tier.as_ref().is_none_or(more) {
                    nearest_of_tier = Some((count, size, format!("{} ({tier})", wave.wave)));
                }
            }
        }
        let but = if settings.whole_cells { ", or is one cell with a shared stack" } else { "" };
        if let Some((count, wave)) = nearest {
            self.holds(
                &format!("a wave changes at most this share of all tenants{but}"),
                Some(wave.to_owned()),
                format!("{count} of {all} tenants ({})", percent(count, all)),
                format!("{} % of all tenants, at least 1", settings.tenants_per_wave),
            );
        }
        if let Some((count, size, place)) = nearest_of_tier {
            self.holds(
                &format!("a wave changes at most this share of a tier's tenants{but}"),
                Some(place),
                format!("{count} of {size} tenants ({})", percent(count, size)),
                format!("{} % of the tier, at least 1", settings.tier_per_wave),
            );
        }
    }

    /// A wave that begins below a percentage does not end above it, unless there is nothing smaller than it.
    fn pace(&mut self, touched: &[Touched<'a>]) {
        let settings = self.settings;
        let named: BTreeSet<&str> = settings.canary_tenants.iter().map(|named| named.name.as_str()).collect();
        let cells: BTreeSet<&str> = settings.canary_cells.iter().map(|named| named.name.as_str()).collect();
        let mut done: BTreeMap<&str, u64> = BTreeMap::new();
        let mut drawn: BTreeMap<&str, u64> = BTreeMap::new();
        for (wave, touched) in self.rollout.waves.iter().zip(touched) {
            if touched.phase != Phase::Tenants {
                continue;
            }
            let Some(tier) = touched.tiers.first().copied() else { continue };
            let size = self.fleet.sizes.get(tier).copied().unwrap_or_default();
            let (count, before) = (touched.tenants.len() as u64, done.get(tier).copied().unwrap_or_default());
            done.insert(tier, before + count);
            // Canaries go first whatever share they are: those that are named, and those that are drawn.
            let drawn = drawn.entry(tier).or_default();
            let is_canary = touched.groups().iter().all(|group| {
                let is_named = group.iter().any(|tenant| {
                    named.contains(tenant) || self.fleet.cell_of(tenant).is_some_and(|cell| cells.contains(cell))
                });
                *drawn += u64::from(!is_named && group.len() == 1);
                is_named || group.len() <= 1
            });
            if (is_canary && *drawn <= settings.canaries_per_tier) || touched.is_one_cell() || count <= 1 {
                continue;
            }
            for step in settings.percentages.iter().filter(|percent| **percent < 100) {
                let end = part(*step, size);
                if before < end && before + count > end {
                    self.wrong(
                        &codes::ROLLOUT_PACE,
                        format!(
                            "wave `{}` goes from {before} to {} of {size} tenants of tier `{tier}`, past {step} % ({end})",
                            wave.wave,
                            before + count
                        ),
                    );
                }
            }
        }
        let steps: Vec<String> = settings.percentages.iter().map(|percent| format!("{percent} %")).collect();
        self.holds(
            "a wave ends at each percentage of a tier, unless one tenant or cell is more",
            None,
            format!("{} tiers", done.len()),
            steps.join(", "),
        );
    }

    fn pairs(&mut self, touched: &[Touched<'a>]) {
        for (wave, touched) in self.rollout.waves.iter().zip(touched) {
            if touched.phase != Phase::Tenants {
                continue;
            }
            for (one, other) in &self.settings.pairs {
                if touched.cells.contains(one.name.as_str()) && touched.cells.contains(other.name.as_str()) {
                    self.wrong(
                        &codes::ROLLOUT_PAIR,
                        format!(
                            "wave `{}` changes both `{}` and `{}`, which are a pair",
                            wave.wave, one.name, other.name
                        ),
                    );
                }
            }
        }
        if !self.settings.pairs.is_empty() {
            self.holds(
                "no wave changes both cells of a pair",
                None,
                format!("{} pairs", self.settings.pairs.len()),
                "one cell of each".to_owned(),
            );
        }
    }

    /// What runs at once.
    fn concurrency(&mut self) {
        let settings = self.settings;
        let figure = |name: &str| self.facts.limit(name).map_or(0, |limit| limit.value);
        let at_once = figure("stack_set_instances_at_once");
        let (most_sets, most_instances) = (figure("stack_sets"), figure("stack_set_instances"));
        let mut instances: BTreeMap<&str, u64> = BTreeMap::new();
        let mut busiest: Option<(u64, String)> = None;
        let mut largest: Option<(u64, &str)> = None;
        for (_, wave) in self.waves() {
            let name = &wave.wave;
            let organization = wave.steps.iter().any(|step| phase(&step.work) == Phase::Organization);
            let allowed = if organization { 1 } else { settings.concurrency };
            if wave.concurrency > allowed || wave.concurrency == 0 {
                let message =
                    format!("wave `{name}` does {} steps at once, and {allowed} are allowed", wave.concurrency);
                self.wrong(&codes::ROLLOUT_CONCURRENCY, message);
            }
            if wave.account_concurrency > settings.account_concurrency || wave.account_concurrency == 0 {
                let (most, allowed) = (wave.account_concurrency, settings.account_concurrency);
                self.wrong(
                    &codes::ROLLOUT_CONCURRENCY,
                    format!("wave `{name}` changes {most} stacks at once in an account, and {allowed} are allowed"),
                );
            }
            // The largest operations may run side by side, as many as there are steps at once.
            let mut regions: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
            for step in &wave.steps {
                match &step.work {
                    Work::UpdateInstances { set, accounts, regions: places } => {
                        let count = accounts.len() as u64;
                        *instances.entry(set).or_default() += count * places.len() as u64;
                        let allowed = settings.stack_sets.map_or(0, |sets| sets.accounts_per_operation);
                        if count > allowed {
                            self.wrong(
                                &codes::ROLLOUT_CONCURRENCY,
                                format!("step `{}` names {count} accounts, and {allowed} are allowed", step.id),
                            );
                        }
                        if largest.is_none_or(|(most, _)| count > most) {
                            largest = Some((count, &step.id));
                        }
                        places.iter().for_each(|region| regions.entry(region).or_default().push(count));
                    }
                    Work::Instance { set, region, .. } | Work::DeleteInstance { set, region, .. } => {
                        *instances.entry(set).or_default() += 1;
                        regions.entry(region).or_default().push(1);
                    }
                    _ => {}
                }
            }
            for (region, mut sizes) in regions {
                sizes.sort_unstable_by(|one, other| other.cmp(one));
                let steps = usize::try_from(wave.concurrency).unwrap_or(usize::MAX);
                let count: u64 = sizes.iter().take(steps).sum();
                if count > at_once {
                    self.wrong(
                        &codes::ROLLOUT_CONCURRENCY,
                        format!(
                            "wave `{name}` may change {count} instances at once in `{region}`, and StackSets does {at_once}"
                        ),
                    );
                }
                if busiest.as_ref().is_none_or(|(most, _)| count > *most) {
                    busiest = Some((count, format!("{name} in {region}")));
                }
            }
        }
        let sets = self.rollout.stack_sets.len() as u64;
        if sets > most_sets {
            let message = format!("the rollout has {sets} stack sets, and an account has {most_sets} at most");
            self.wrong(&codes::ROLLOUT_LIMIT, message);
        }
        let fullest = instances.iter().max_by_key(|(_, count)| **count).map(|(set, count)| (*set, *count));
        if let Some((set, count)) = fullest.filter(|(_, count)| *count > most_instances) {
            let message = format!("stack set `{set}` has {count} instances, and {most_instances} are possible");
            self.wrong(&codes::ROLLOUT_LIMIT, message);
        }
        let most = self.rollout.waves.iter().map(|wave| wave.concurrency).max().unwrap_or_default();
        let steps = |count: u64| format!("{count} steps");
        self.holds("no more steps run at once", None, steps(most), steps(settings.concurrency));
        let most = self.rollout.waves.iter().map(|wave| wave.account_concurrency).max().unwrap_or_default();
        let stacks = |count: u64| format!("{count} stacks");
        let limit = "no more stacks change at once in one account and region";
        self.holds(limit, None, stacks(most), stacks(settings.account_concurrency));
        if let Some((count, place)) = busiest {
            let unit = |count: u64| format!("{count} instances");
            let limit = "StackSets changes no more instances at once in a region";
            self.holds(limit, Some(place), unit(count), unit(at_once));
        }
        if let Some((count, step)) = largest {
            let limit = "an operation of a stack set names no more accounts";
            let allowed = settings.stack_sets.map_or(0, |sets| sets.accounts_per_operation);
            let unit = |count: u64| format!("{count} accounts");
            self.holds(limit, Some(step.to_owned()), unit(count), unit(allowed));
        }
        if let Some((set, count)) = fullest {
            let unit = |count: u64| format!("{count} instances");
            let limit = "a stack set gets no more instances than it may have";
            self.holds(limit, Some(set.to_owned()), unit(count), unit(most_instances));
            let unit = |count: u64| format!("{count} stack sets");
            self.holds("an account has no more stack sets", None, unit(sets), unit(most_sets));
        }
    }

    /// Who is pinned, by the settings.
    fn pinned(settings: &Settings) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let (mut tenants, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for pin in &settings.pins {
            match &pin.what {
                Pinned::Tenant(name) => tenants.insert(name.as_str()),
                Pinned::Cell(name) => cells.insert(name.as_str()),
            };
        }
        (tenants, cells)
    }
}
