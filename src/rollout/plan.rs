//! Makes the waves. What comes out is looked at by [`prove`](super::prove), which knows nothing of how it was made.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::alarms::Alarms;
use super::changes::{self, Changes, Set, Stack, Way};
use super::document::{Gate, Parameters, Rollout, RolloutFormat, StackSet, Step, Tolerance, Wave, Work};
use super::organization::{self, Organization, Place};
use super::settings::{Named, Permissions, Pinned, Settings};
use crate::assembly::{Assembly, AssemblyError, Isolation, MANIFEST, Manifest};
use crate::diagnostics::{Code, Diagnostic, Origin, Sink, codes};
use crate::facts::Facts;

/// What goes into one wave or not at all: a tenant's own stacks, or a shared stack with all who use it.
#[derive(Debug, Clone, Default)]
struct Unit {
    /// Decides about the order: units with the same stand side by side.
    key: (bool, Rc<str>),
    cells: Vec<Rc<str>>,
    /// The shared stacks that change.
    shared: Vec<Rc<str>>,
    /// The tenants it changes.
    tenants: Vec<Rc<str>>,
}

impl Unit {
    /// Puts everything into its order, once.
    fn settle(&mut self) {
        for list in [&mut self.cells, &mut self.shared, &mut self.tenants] {
            list.sort_unstable();
            list.dedup();
            list.shrink_to_fit();
        }
    }
}

/// Makes a rollout from one assembly to another; everything if there is no old one. Nothing if there are errors, which the
/// sink says.
///
/// # Errors
/// If an assembly cannot be read.
pub fn plan(
    new: &Assembly,
    old: Option<&Assembly>,
    settings: &Settings,
    facts: &Facts,
    sink: &mut Sink,
) -> Result<Option<Rollout>, AssemblyError> {
    let mut found = Sink::new();
    let rollout = Planner::begin(new, old, settings, &mut found)?.rollout()?;
    let made = match rollout {
        Some(mut rollout) if !found.has_errors() => match super::prove(&rollout, new, old, settings, facts) {
            Ok(obligations) => {
                rollout.obligations = obligations;
                Some(rollout)
            }
            Err(findings) => {
                findings.into_iter().for_each(|finding| found.push(finding));
                None
            }
        },
        _ => None,
    };
    sink.append(found);
    Ok(made)
}

struct Planner<'a> {
    new: &'a Assembly,
    old: Option<&'a Assembly>,
    manifest: &'a Manifest,
    settings: &'a Settings,
    changes: Changes,
    organization: Organization,
    alarms: Alarms<'a>,
    /// How many tenants each tier has.
    sizes: BTreeMap<Rc<str>, u64>,
    pairs: BTreeMap<&'a str, BTreeSet<&'a str>>,
    /// The stack sets that a wave has begun.
    begun: BTreeSet<String>,
    sink: &'a mut Sink,
}

impl<'a> Planner<'a> {
    fn begin(
        new: &'a Assembly,
        old: Option<&'a Assembly>,
        settings: &'a Settings,
        sink: &'a mut Sink,
    ) -> Result<Self, AssemblyError> {
        let manifest = new.manifest();
        let changes = changes::read(new, old, settings, sink)?;
        let organization = Organization::read(new, sink)?;
        let mut sizes: BTreeMap<Rc<str>, u64> = BTreeMap::new();
        for tenant in changes.tenants.values() {
            *sizes.entry(Rc::clone(&tenant.tier)).or_default() += 1;
        }
        let mut pairs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (one, other) in &settings.pairs {
            pairs.entry(&one.name).or_default().insert(&other.name);
            pairs.entry(&other.name).or_default().insert(&one.name);
        }
        let alarms = Alarms::new(new, settings);
        let mut planner = Self {
            new,
            old,
            manifest,
            settings,
            changes,
            organization,
            alarms,
            sizes,
            pairs,
            begun: BTreeSet::new(),
            sink,
        };
        planner.names();
        Ok(planner)
    }

    fn origin(&self) -> Origin {
        Origin::Path(self.new.root().join(MANIFEST).to_string_lossy().into())
    }

    fn say(&mut self, code: &'static Code, message: String, help: &str) {
        let origin = self.origin();
        self.sink.push(Diagnostic::new(code, origin, message).help(help));
    }

    /// Looks for names in the settings that the assembly does not have.
    fn names(&mut self) {
        let tiers: Vec<&str> = self.manifest.tiers.iter().map(|tier| tier.tier.as_str()).collect();
        let cells: Vec<&str> = self.manifest.cells.iter().map(|cell| cell.cell.as_str()).collect();
        let tenants: Vec<&str> = self.changes.tenants.keys().map(AsRef::as_ref).collect();
        let settings = self.settings;
        let pinned: Vec<(bool, Named)> = settings
            .pins
            .iter()
            .map(|pin| match &pin.what {
                Pinned::Tenant(name) => (true, Named { name: name.clone(), origin: pin.origin.clone() }),
                Pinned::Cell(name) => (false, Named { name: name.clone(), origin: pin.origin.clone() }),
            })
            .collect();
        let pin = |wanted: bool| pinned.iter().filter(move |(tenant, _)| *tenant == wanted).map(|(_, named)| named);
        let pairs = settings.pairs.iter().flat_map(|(one, other)| [one, other]);
        let mut unknown = Vec::new();
        let mut look = |what: &str, known: &[&str], named: &Named| {
            // Sorted, because these are the keys of maps; tiers and cells are few.
            if !known.contains(&named.name.as_str()) {
                let message = format!("the assembly has no {what} `{}`", named.name);
                let finding = Diagnostic::new(&codes::ROLLOUT_UNKNOWN_NAME, named.origin.clone(), message);
                unknown.push(finding.did_you_mean(&named.name, known.iter().copied()));
            }
        };
        settings.order.iter().chain(settings.account_units.values()).for_each(|named| look("tier", &tiers, named));
        settings.canary_cells.iter().chain(pairs).chain(pin(false)).for_each(|named| look("cell", &cells, named));
        let of_tenants = settings.canary_tenants.iter().chain(&settings.catch_up).chain(pin(true));
        of_tenants.for_each(|named| look("tenant", &tenants, named));
        unknown.into_iter().for_each(|finding| self.sink.push(finding));
    }

    fn rollout(mut self) -> Result<Option<Rollout>, AssemblyError> {
        let previous = self.old.map(Assembly::digest);
        if let Some(old) = self.old {
            let of = |manifest: &Manifest| (manifest.blueprint.clone(), manifest.environment.clone());
            if of(old.manifest()) != of(self.manifest) {
                let message = format!(
                    "`{}` is of another product or environment than `{}`",
                    old.root().display(),
                    self.new.root().display()
                );
                self.say(&codes::ROLLOUT_OTHER_ASSEMBLY, message, "name the assembly that is deployed with `--from`");
                return Ok(None);
            }
        }
        let stack_sets = self.stack_sets();
        let mut waves = Vec::new();
        if self.settings.organization
            && let Some(wave) = self.organization_wave()?
        {
            waves.push(wave);
        }
        let tiers = self.tiers();
        let mut units = self.units(&tiers);
        for tier in &tiers {
            let units = units.remove(tier).unwrap_or_default();
            self.tier_waves(tier, units, &mut waves);
        }
        waves.extend(self.delete_wave());
        let mut named: BTreeSet<&String> = BTreeSet::new();
        for step in waves.iter().flat_map(|wave| &wave.steps) {
            if let Work::StackSet { set }
            | Work::Instance { set, .. }
            | Work::UpdateInstances { set, .. }
            | Work::DeleteInstance { set, .. } = &step.work
            {
                named.insert(set);
            }
        }
        let stack_sets: BTreeMap<String, StackSet> =
            stack_sets.into_iter().filter(|(name, _)| named.contains(name)).collect();
        self.reachable(&stack_sets);
        let first_region = self.manifest.cells.first().map(|cell| cell.region.clone());
        let region = self.settings.management_region.clone().or(first_region);
        let management_region = region.filter(|_| !stack_sets.is_empty());
        if let Some(last) = waves.last_mut() {
            last.gate = None;
        }
        Ok(Some(Rollout {
            format: RolloutFormat,
            blueprint: self.manifest.blueprint.clone(),
            environment: self.manifest.environment.clone(),
            assembly: self.new.digest(),
            previous,
            role: self.settings.role.clone(),
            management_account: self.settings.management_account.clone(),
            management_region,
            template_bucket: self.settings.template_bucket.clone(),
            stack_sets,
            waves,
            obligations: Vec::new(),
        }))
    }

    /// The stack sets as they are to be, and as they were where only deletes are about them.
    fn stack_sets(&mut self) -> BTreeMap<String, StackSet> {
        let mut sets = self.changes.old_sets.clone();
        sets.extend(self.changes.sets.clone());
        let managed = self.settings.stack_sets.is_some_and(|sets| sets.permissions == Permissions::ServiceManaged);
        let mut all = BTreeMap::new();
        for (name, set) in sets {
            let unit = self.unit_name(&set.tier, false);
            let unit = managed.then_some(unit);
            let parameters = self.placeholders(&set);
            let Set { tier, template, sha256, tags, .. } = set;
            all.insert(name, StackSet { tier, template, sha256, unit, tags, parameters });
        }
        all
    }

    /// Looks for sets whose tier has no unit to reach accounts through.
    fn reachable(&mut self, sets: &BTreeMap<String, StackSet>) {
        let gone = |name: &String| !self.changes.sets.contains_key(name);
        let missing = sets.iter().filter(|(name, set)| {
            !gone(name) && set.unit.as_ref().is_some_and(|unit| !self.organization.units.contains_key(unit))
        });
        let tiers: BTreeSet<String> = missing.map(|(_, set)| set.tier.clone()).collect();
        for tier in tiers {
            let message =
                format!("tier `{tier}` has no organizational unit that a service-managed stack set could reach");
            self.say(
                &codes::ROLLOUT_NO_UNIT,
                message,
                "write `stack_sets: { permissions: self-managed }`, or `stack_sets: false` for change sets, or give the \
                 tier a guardrail",
            );
        }
    }

    /// Values of the set itself, which CloudFormation asks for. No instance is made with them: every step that makes one
    /// has the tenant's own. They are nobody's, so that a mistake deploys for nobody.
    fn placeholders(&self, set: &Set) -> Parameters {
        let record = self.manifest.templates.iter().find(|record| record.path == set.template);
        let names = record.map(|record| record.parameters.as_slice()).unwrap_or_default();
        let value = |name: &str| if name.ends_with("Digest") { "aaaaaaaaaaaa" } else { "none" };
        names.iter().map(|name| (name.clone(), value(name).to_owned())).collect()
    }

    /// The name that the organization's template gives to a tier's unit.
    fn unit_name(&self, tier: &str, suspended: bool) -> String {
        let suffix = if suspended { ".suspended" } else { "" };
        format!("{}.{tier}{suffix}", self.manifest.blueprint)
    }

    fn organization_wave(&mut self) -> Result<Option<Wave>, AssemblyError> {
        let old = self.old.map(|old| Organization::read(old, self.sink)).transpose()?;
        if self.organization == Organization::default() && old.is_none() {
            return Ok(None);
        }
        let places = self.places(old.as_ref());
        let parent = self.settings.parent.clone().or_else(|| self.organization.parent.clone());
        let steps =
            organization::steps(&self.organization, old.as_ref(), parent.as_deref(), places, self.new, self.sink);
        if steps.is_empty() {
            return Ok(None);
        }
        // Organizations changes one thing at a time and refuses the others.
        let mut wave = self.wave("organization".to_owned(), 0, steps, Vec::new());
        wave.concurrency = 1;
        wave.account_concurrency = 1;
        Ok(Some(wave))
    }

    /// Where accounts are to stand that stood elsewhere, or nowhere that is known, or whose unit is new.
    fn places(&mut self, old: Option<&Organization>) -> BTreeMap<String, Place> {
        let is_new = |unit: &String| !old.is_some_and(|old| old.units.contains_key(unit));
        let mut places = BTreeMap::new();
        for (account, standing) in std::mem::take(&mut self.changes.accounts) {
            let suspended = self.unit_name(&standing.tier, true);
            let unit = if standing.suspended && self.organization.units.contains_key(&suspended) {
                suspended
            } else {
                self.unit_name(&standing.tier, false)
            };
            if self.organization.units.contains_key(&unit) && (standing.moved || is_new(&unit)) {
                places.insert(account, Place { unit, tenant: Some(standing.tenant.to_string()) });
            }
        }
        // Accounts of cells belong to the tier whose stacks they hold.
        let accounts = |manifest: &Manifest| {
            let mut tiers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for stack in manifest.cells.iter().flat_map(|cell| &cell.stacks) {
                let record = manifest.templates.iter().find(|record| record.path == stack.template);
                if let (Some(account), Some(record)) = (&stack.account, record) {
                    tiers.entry(account.to_string()).or_default().insert(record.tier.clone());
                }
            }
            tiers
        };
        let before = self.old.map(|old| accounts(old.manifest())).unwrap_or_default();
        let mut unclear = Vec::new();
        for (account, tiers) in accounts(self.manifest) {
            let as_before = before.get(&account) == Some(&tiers);
            let chosen = self.settings.account_units.get(&account).map(|named| named.name.clone());
            let only = if tiers.len() == 1 { tiers.first().cloned() } else { None };
            let Some(tier) = chosen.or(only) else {
                if as_before {
                    continue;
                }
                let tiers: Vec<String> = tiers.iter().map(|tier| format!("`{tier}`")).collect();
                unclear.push(format!("`{account}` ({})", tiers.join(", ")));
                continue;
            };
            let unit = self.unit_name(&tier, false);
            if self.organization.units.contains_key(&unit) && (!as_before || is_new(&unit)) {
                places.insert(account, Place { unit, tenant: None });
            }
        }
        if !unclear.is_empty() {
            let message = format!("accounts hold stacks of several tiers and are not moved: {}", unclear.join(", "));
            self.say(
                &codes::ROLLOUT_SHARED_ACCOUNT,
                message,
                "say in whose unit they stand: `account_units: { '123456789012': basic }`",
            );
        }
        places
    }

    /// The tiers, the least risky first.
    fn tiers(&self) -> Vec<String> {
        let mut tiers: Vec<String> = self.settings.order.iter().map(|named| named.name.clone()).collect();
        for isolation in [Isolation::Pool, Isolation::Bridge, Isolation::Silo] {
            for tier in self.manifest.tiers.iter().filter(|tier| tier.isolation == isolation) {
                if !tiers.contains(&tier.tier) {
                    tiers.push(tier.tier.clone());
                }
            }
        }
        tiers.retain(|name| self.manifest.tiers.iter().any(|tier| tier.tier == *name));
        tiers
    }

    /// The units of work of each tier, in their order.
    fn units(&mut self, tiers: &[String]) -> BTreeMap<String, Vec<Unit>> {
        let mut users: BTreeMap<&str, Vec<&Rc<str>>> = BTreeMap::new();
        for (id, tenant) in &self.changes.tenants {
            for name in &tenant.shared {
                if self.changes.shared.get(name.as_ref()).is_some_and(|shared| shared.changed) {
                    users.entry(name).or_default().push(id);
                }
            }
        }
        // What belongs together has the same root.
        let mut roots = Roots::default();
        let mut homes: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        let path = |(kind, name): (&str, &str)| format!("{kind}/{name}");
        for (name, shared) in self.changes.shared.iter().filter(|(_, shared)| shared.changed) {
            homes.insert(name, ("shared", name));
            for user in users.get(name.as_str()).into_iter().flatten() {
                if self.changes.tenants.get(*user).is_some_and(|tenant| *tenant.tier == *shared.tier) {
                    roots.join(&format!("shared/{name}"), &format!("tenant/{user}"));
                }
            }
        }
        for (id, tenant) in &self.changes.tenants {
            for stack in &tenant.changed {
                homes.insert(&stack.name, ("tenant", id));
            }
        }
        let position = |tier: &str| tiers.iter().position(|other| other == tier);
        let mut wrong = Vec::new();
        let shared = self.changes.shared.values().filter(|shared| shared.changed);
        let shared = shared.map(|shared| (shared.tier.as_str(), &shared.stack));
        let own = self.changes.tenants.values();
        let own = own.flat_map(|tenant| tenant.changed.iter().map(|stack| (tenant.tier.as_ref(), stack)));
        for (tier, stack) in shared.chain(own) {
            for other in &stack.depends_on {
                let (Some(home), Some(there)) = (homes.get(stack.name.as_str()), homes.get(other.as_str())) else {
                    continue;
                };
                let there = path(*there);
                let other_tier = self.tier_of(&there);
                if other_tier == tier {
                    roots.join(&path(*home), &there);
                } else if position(&other_tier) > position(tier) {
                    wrong.push(format!(
                        "stack `{}` of tier `{tier}` needs `{other}` of tier `{other_tier}`, which comes later",
                        stack.name
                    ));
                }
            }
        }
        let mut units: BTreeMap<String, Unit> = BTreeMap::new();
        for (name, shared) in self.changes.shared.iter().filter(|(_, shared)| shared.changed) {
            let unit = units.entry(roots.find(&format!("shared/{name}"))).or_default();
            let cell: Rc<str> = shared.cell.as_str().into();
            unit.cells.push(Rc::clone(&cell));
            unit.shared.push(name.as_str().into());
            unit.key.1 = cell;
            // Users of other tiers are changed with it as well.
            unit.tenants.extend(users.get(name.as_str()).into_iter().flatten().map(|user| Rc::clone(user)));
        }
        for (id, tenant) in self.changes.tenants.iter().filter(|(_, tenant)| !tenant.changed.is_empty()) {
            let unit = units.entry(roots.find(&format!("tenant/{id}"))).or_default();
            unit.cells.push(Rc::clone(&tenant.cell));
            unit.tenants.push(Rc::clone(id));
            if unit.shared.is_empty() {
                // A new instance takes the set's template, which an instance that is there has to be given first.
                let late = tenant.changed.iter().any(|stack| self.is_late(stack));
                unit.key = (late, Rc::clone(&tenant.digest));
            }
        }
        let mut by_tier: BTreeMap<String, Vec<Unit>> = BTreeMap::new();
        for (root, mut unit) in units {
            unit.settle();
            by_tier.entry(self.tier_of(&root)).or_default().push(unit);
        }
        by_tier.values_mut().for_each(|units| units.sort_by(|one, other| one.key.cmp(&other.key)));
        for message in wrong {
            self.say(&codes::ROLLOUT_ORDER, message, "change `order` in the rollout's settings");
        }
        by_tier
    }

    /// The tier of what a root names.
    fn tier_of(&self, root: &str) -> String {
        let shared = root.strip_prefix("shared/").and_then(|name| self.changes.shared.get(name));
        let tenant = root.strip_prefix("tenant/").and_then(|name| self.changes.tenants.get(name));
        let tier = shared.map(|shared| shared.tier.as_str()).or(tenant.map(|tenant| tenant.tier.as_ref()));
        tier.unwrap_or_default().to_owned()
    }

    /// Whether a stack is a new instance of a set that is to be something else.
    fn is_late(&self, stack: &Stack) -> bool {
        matches!(&stack.way, Way::Set { set, exists: false, .. } if self.changes.stale_sets.contains(set.as_ref()))
    }

    fn share(&self, percent: u64, of: u64) -> u64 {
        (of.saturating_mul(percent) / 100).max(1)
    }

    fn tier_waves(&mut self, tier: &str, units: Vec<Unit>, waves: &mut Vec<Wave>) {
        let settings = self.settings;
        let size = self.sizes.get(tier).copied().unwrap_or_default();
        let named: BTreeSet<&str> = settings.canary_tenants.iter().map(|named| named.name.as_str()).collect();
        let (mut canaries, mut cells, mut rest) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        let mut late = VecDeque::new();
        let canary_cells: BTreeSet<&str> = settings.canary_cells.iter().map(|named| named.name.as_str()).collect();
        let mut drawn = 0;
        for unit in units {
            let single = unit.shared.is_empty() && unit.tenants.len() == 1;
            let is_named = unit.tenants.iter().any(|tenant| named.contains(tenant.as_ref()));
            if unit.key.0 {
                late.push_back(unit);
            } else if is_named || (single && drawn < settings.canaries_per_tier) {
                drawn += u64::from(single);
                canaries.push_back(unit);
            } else if unit.cells.iter().any(|cell| canary_cells.contains(cell.as_ref())) {
                cells.push_back(unit);
            } else {
                rest.push_back(unit);
            }
        }
        let mut done = 0;
        self.fill(tier, "canary", canaries, None, &mut done, waves);
        for cell in &settings.canary_cells {
            let (here, others): (VecDeque<Unit>, VecDeque<Unit>) =
                cells.into_iter().partition(|unit| unit.cells.iter().any(|other| **other == *cell.name));
            cells = others;
            self.fill(tier, &format!("cell-{}", cell.name), here, None, &mut done, waves);
        }
        for percent in &settings.percentages {
            let cap = (*percent < 100).then(|| self.share(*percent, size));
            rest = self.fill(tier, &percent.to_string(), rest, cap, &mut done, waves);
        }
        for percent in &settings.percentages {
            let cap = (*percent < 100).then(|| self.share(*percent, size));
            late = self.fill(tier, &format!("new-{percent}"), late, cap, &mut done, waves);
        }
    }

    /// Puts units into waves until so many tenants are done, and returns what is left.
    fn fill(
        &mut self,
        tier: &str,
        stage: &str,
        mut queue: VecDeque<Unit>,
        cap: Option<u64>,
        done: &mut u64,
        waves: &mut Vec<Wave>,
    ) -> VecDeque<Unit> {
        let size = self.sizes.get(tier).copied().unwrap_or_default();
        let all = self.sizes.values().sum();
        let most = self.share(self.settings.tenants_per_wave, all);
        let most_of_tier = self.share(self.settings.tier_per_wave, size);
        let mut number = 1_u64;
        while !queue.is_empty() && cap.is_none_or(|cap| *done < cap) {
            let mut taken: Vec<Unit> = Vec::new();
            let mut skipped = VecDeque::new();
            let mut cells: BTreeSet<Rc<str>> = BTreeSet::new();
            let (mut tenants, mut of_tier) = (0, 0);
            let room = cap.map_or(u64::MAX, |cap| cap.saturating_sub(*done));
            while let Some(unit) = queue.pop_front() {
                let (more, more_of_tier) = self.count(&unit, tier);
                let beside = |cell: &Rc<str>| self.pairs.get(cell.as_ref());
                let apart = unit.cells.iter().filter_map(beside).flatten().any(|cell| cells.contains(*cell));
                let fits = tenants + more <= most && of_tier + more_of_tier <= most_of_tier;
                if taken.is_empty() {
                    if !fits && (!self.settings.whole_cells || unit.shared.is_empty()) {
                        self.indivisible(tier, &unit, more_of_tier, size);
                    }
                } else if apart || !fits || tenants + more > room {
                    skipped.push_back(unit);
                    if tenants >= most || of_tier >= most_of_tier || tenants >= room {
                        break;
                    }
                    continue;
                }
                tenants += more;
                of_tier += more_of_tier;
                cells.extend(unit.cells.iter().cloned());
                taken.push(unit);
                if tenants > room || tenants > most || of_tier > most_of_tier {
                    break;
                }
            }
            skipped.append(&mut queue);
            queue = skipped;
            *done += tenants;
            let name = if number == 1 { format!("{tier}.{stage}") } else { format!("{tier}.{stage}-{number}") };
            number += 1;
            let wave = self.tier_wave(name, &taken);
            waves.push(wave);
        }
        queue
    }

    /// How many tenants a unit changes, and how many of them are of the tier.
    fn count(&self, unit: &Unit, tier: &str) -> (u64, u64) {
        let of_tier =
            unit.tenants.iter().filter(|id| self.changes.tenants.get(*id).is_some_and(|tenant| *tenant.tier == *tier));
        (unit.tenants.len() as u64, of_tier.count() as u64)
    }

    fn indivisible(&mut self, tier: &str, unit: &Unit, of_tier: u64, size: u64) {
        let all: u64 = self.sizes.values().sum();
        let part = |count: u64, of: u64| count.saturating_mul(100).div_ceil(of.max(1));
        let (of_all, of_tier) = (part(unit.tenants.len() as u64, all), part(of_tier, size));
        let cells: Vec<String> = unit.cells.iter().map(|cell| format!("`{cell}`")).collect();
        let message = format!(
            "the shared stack of tier `{tier}` in cell {} changes {} tenants at once: {of_tier} % of the tier and \
             {of_all} % of all, where a wave may change {} % and {} %",
            cells.join(", "),
            unit.tenants.len(),
            self.settings.tier_per_wave,
            self.settings.tenants_per_wave,
        );
        let help = format!(
            "write `limits: {{ whole_cells: true }}` to let such a cell have a wave for itself, raise `tier` to {of_tier} \
             and `tenants` to {of_all}, or divide the tier's tenants among more cells",
        );
        self.say(&codes::ROLLOUT_INDIVISIBLE, message, &help);
    }

    fn wave(&self, wave: String, tenants: u64, steps: Vec<Step>, alarms: Vec<super::document::Alarm>) -> Wave {
        Wave {
            wave,
            tenants,
            concurrency: self.settings.concurrency,
            account_concurrency: self.settings.account_concurrency.min(self.settings.concurrency),
            tolerance: Tolerance { failures: self.settings.tolerance.of(steps.len() as u64) },
            steps,
            gate: Some(Gate { bake_minutes: self.settings.bake_minutes, alarms }),
        }
    }

    /// The steps of units.
    fn tier_wave(&mut self, name: String, units: &[Unit]) -> Wave {
        let mut tenants: Vec<&Rc<str>> = units.iter().flat_map(|unit| &unit.tenants).collect();
        tenants.sort_unstable();
        tenants.dedup();
        let shared: BTreeSet<&str> = units.iter().flat_map(|unit| &unit.shared).map(AsRef::as_ref).collect();
        let mut steps = Steps::default();
        for shared in shared.into_iter().filter_map(|name| self.changes.shared.get(name)) {
            steps.stack(&shared.stack, None);
            self.alarms.shared(shared);
        }
        let mut updates: BTreeMap<(&str, &str), Vec<&Stack>> = BTreeMap::new();
        let mut instances = Vec::new();
        for id in &tenants {
            let Some(tenant) = self.changes.tenants.get(*id) else { continue };
            for stack in &tenant.changed {
                self.alarms.tenant(tenant, stack);
                let Way::Set { set, exists, template, values } = &stack.way else {
                    steps.stack(stack, Some(id));
                    continue;
                };
                if *template {
                    updates.entry((set, &stack.region)).or_default().push(stack);
                }
                if *values {
                    instances.push((set, *exists, stack, *id));
                }
                if !exists && !self.changes.old_sets.contains_key(set.as_ref()) && self.begun.insert(set.to_string()) {
                    steps.set(set);
                }
            }
        }
        let most = self.settings.stack_sets.map_or(1, |sets| sets.accounts_per_operation);
        let most = usize::try_from(most).unwrap_or(usize::MAX).max(1);
        for ((set, region), stacks) in &updates {
            for (part, number) in stacks.chunks(most).zip(1_u64..) {
                steps.update(set, region, &name, number, part);
            }
        }
        for (set, exists, stack, id) in instances {
            steps.instance(set, exists, stack, id);
        }
        let alarms = self.alarms.take();
        let count = tenants.len() as u64;
        self.wave(name, count, steps.finish(), alarms)
    }

    /// What is gone is deleted last, each stack after those that need it.
    fn delete_wave(&self) -> Option<Wave> {
        let gone = &self.changes.gone;
        if gone.is_empty() {
            return None;
        }
        let id = |stack: &changes::GoneStack| match &stack.set {
            Some(set) => format!("delete-instance/{set}/{}/{}", stack.account, stack.region),
            None => format!("delete/{}", stack.name),
        };
        let mut needed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for stack in gone {
            for other in &stack.depends_on {
                needed.entry(other).or_default().push(id(stack));
            }
        }
        let steps = gone.iter().map(|stack| Step {
            id: id(stack),
            work: match &stack.set {
                Some(set) => Work::DeleteInstance {
                    set: set.clone(),
                    account: stack.account.clone(),
                    region: stack.region.clone(),
                },
                None => Work::DeleteStack {
                    stack: stack.name.clone(),
                    account: stack.account.clone(),
                    region: stack.region.clone(),
                },
            },
            tenant: stack.tenant.clone(),
            after: needed.get(stack.name.as_str()).cloned().unwrap_or_default(),
        });
        let tenants: BTreeSet<&String> = gone.iter().filter_map(|stack| stack.tenant.as_ref()).collect();
        let count = tenants.len() as u64;
        Some(self.wave("delete".to_owned(), count, steps.collect(), Vec::new()))
    }
}

/// The steps of a wave, as they come together. A step goes by its number in the list.
#[derive(Debug, Default)]
struct Steps<'a> {
    list: Vec<Step>,
    /// The names of stacks that a step waits for.
    needs: Vec<(usize, &'a str)>,
    /// The steps that change a stack, by its name.
    stacks: Vec<(&'a str, usize)>,
    /// The steps after which a set has its present template, by its name.
    sets: BTreeMap<String, Vec<String>>,
}

impl<'a> Steps<'a> {
    /// Adds a step that changes stacks, and waits for those they need.
    fn add(&mut self, step: Step, stacks: &[&'a Stack]) {
        let number = self.list.len();
        for stack in stacks {
            self.needs.extend(stack.depends_on.iter().map(|name| (number, name.as_str())));
            self.stacks.push((&stack.name, number));
        }
        self.list.push(step);
    }

    fn stack(&mut self, stack: &'a Stack, tenant: Option<&str>) {
        let (account, region) = (stack.account.clone(), stack.region.to_string());
        let work = Work::Stack { stack: stack.name.clone(), account, region };
        let id = format!("stack/{}", stack.name);
        self.add(Step { id, work, tenant: tenant.map(str::to_owned), after: Vec::new() }, &[stack]);
    }

    fn set(&mut self, set: &str) {
        let id = format!("stack-set/{set}");
        self.sets.entry(set.to_owned()).or_default().push(id.clone());
        self.add(Step { id, work: Work::StackSet { set: set.to_owned() }, tenant: None, after: Vec::new() }, &[]);
    }

    fn update(&mut self, set: &str, region: &str, wave: &str, number: u64, stacks: &[&'a Stack]) {
        let part = if number == 1 { String::new() } else { format!("/{number}") };
        let id = format!("update-instances/{set}/{region}/{wave}{part}");
        self.sets.entry(set.to_owned()).or_default().push(id.clone());
        let work = Work::UpdateInstances {
            set: set.to_owned(),
            accounts: stacks.iter().map(|stack| stack.account.clone()).collect(),
            regions: vec![region.to_owned()],
        };
        self.add(Step { id, work, tenant: None, after: Vec::new() }, stacks);
    }

    fn instance(&mut self, set: &str, exists: bool, stack: &'a Stack, tenant: &str) {
        // As long as it is and no longer: there are as many as tenants.
        let id = ["instance/", set, "/", &stack.account, "/", &stack.region].concat();
        let after = if exists {
            // The values come after the template, if this wave brings one.
            self.needs.push((self.list.len(), &stack.name));
            Vec::new()
        } else {
            self.sets.get(set).cloned().unwrap_or_default()
        };
        let work = Work::Instance {
            set: set.to_owned(),
            account: stack.account.clone(),
            region: stack.region.to_string(),
            parameters: stack.parameters.clone(),
        };
        self.add(Step { id, work, tenant: Some(tenant.to_owned()), after }, &[stack]);
    }

    fn finish(self) -> Vec<Step> {
        let Self { mut list, needs, mut stacks, .. } = self;
        stacks.sort_unstable();
        for (number, name) in needs {
            let first = stacks.partition_point(|(stack, _)| *stack < name);
            let makers = stacks.iter().skip(first).take_while(|(stack, _)| *stack == name);
            let makers = makers.filter(|(_, maker)| *maker != number);
            let ids: Vec<String> =
                makers.filter_map(|(_, maker)| list.get(*maker)).map(|step| step.id.clone()).collect();
            if let Some(step) = list.get_mut(number) {
                step.after.extend(ids);
            }
        }
        for step in &mut list {
            step.after.sort_unstable();
            step.after.dedup();
            step.after.shrink_to_fit();
        }
        list.shrink_to_fit();
        list
    }
}

/// What belongs together, as trees whose roots stand for them.
#[derive(Debug, Default)]
struct Roots {
    above: BTreeMap<String, String>,
}

impl Roots {
    fn find(&self, item: &str) -> String {
        let mut at = item;
        while let Some(above) = self.above.get(at) {
            at = above;
        }
        at.to_owned()
    }

    fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.find(one), self.find(other));
        // The lesser name is the root, so that shared stacks stand for their users.
        if one < other {
            self.above.insert(other, one);
        } else if other < one {
            self.above.insert(one, other);
        }
    }
}
