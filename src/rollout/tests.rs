//! Random fleets, random changes, random settings: the planner never makes what the prover refuses, and the prover refuses
//! everything that was made worse.

#![expect(clippy::disallowed_methods, reason = "writes assemblies as somebody else might")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::assembly::*;
use crate::diagnostics::{Diagnostic, Sink, SourceMap};
use crate::facts::Facts;
use crate::source::read;

/// Numbers that look random and are the same every time.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % sides.max(1)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.roll(count) == 0
    }
}

const TIERS: [(&str, Isolation, Boundary); 4] = [
    ("basic", Isolation::Pool, Boundary::Application),
    ("plus", Isolation::Bridge, Boundary::Resource),
    ("solo", Isolation::Silo, Boundary::Vpc),
    ("gold", Isolation::Silo, Boundary::Account),
];

#[derive(Clone, PartialEq)]
struct Someone {
    tier: usize,
    cell: usize,
    account: Option<u64>,
    owner: u64,
    suspended: bool,
    hold: bool,
    variant: bool,
}

#[derive(Clone)]
struct Spec {
    cells: usize,
    /// The versions of each tier's shared and own template.
    shared: [u64; 4],
    own: [u64; 4],
    policies: [u64; 4],
    tenants: BTreeMap<String, Someone>,
    next_account: u64,
    homeless: bool,
}

impl Spec {
    fn random(dice: &mut Dice, most: u64) -> Self {
        let mut spec = Self {
            cells: 1 + usize::try_from(dice.roll(5)).unwrap(),
            shared: [1; 4],
            own: [1; 4],
            policies: [1 + dice.roll(2), dice.roll(2), dice.roll(2), 1],
            tenants: BTreeMap::new(),
            next_account: 0,
            homeless: dice.one_in(6),
        };
        for number in 0..dice.roll(most + 1) {
            spec.arrive(dice, &format!("t-{number:04}"));
        }
        spec
    }

    fn arrive(&mut self, dice: &mut Dice, id: &str) {
        let tier = usize::try_from(dice.roll(4)).unwrap();
        self.next_account += 1;
        let someone = Someone {
            tier,
            cell: usize::try_from(dice.roll(self.cells as u64)).unwrap(),
            account: (!dice.one_in(12)).then_some(self.next_account),
            owner: 0,
            suspended: dice.one_in(8),
            hold: dice.one_in(30),
            variant: dice.one_in(8),
        };
        self.tenants.insert(id.to_owned(), someone);
    }

    /// A later state of the same fleet.
    fn later(&self, dice: &mut Dice) -> Self {
        let mut spec = self.clone();
        for tier in 0..4 {
            spec.shared[tier] += u64::from(dice.one_in(3));
            spec.own[tier] += u64::from(dice.one_in(2));
            if spec.policies[tier] > 0 || dice.one_in(4) {
                spec.policies[tier] = 1 + dice.roll(3);
            }
        }
        for (id, someone) in &self.tenants {
            match dice.roll(14) {
                0 => drop(spec.tenants.remove(id)),
                1 => spec.tenants.get_mut(id).unwrap().owner += 1,
                2 => spec.tenants.get_mut(id).unwrap().suspended ^= true,
                3 => {
                    spec.next_account += 1;
                    let account = someone.account.or(Some(spec.next_account));
                    spec.tenants.get_mut(id).unwrap().account = account;
                }
                _ => {}
            }
        }
        for number in 0..dice.roll(6) {
            spec.arrive(dice, &format!("n-{number:04}"));
        }
        spec
    }

    /// Writes the assembly.
    fn write(&self, root: &Path) -> Assembly {
        fs::create_dir_all(root.join("org")).unwrap();
        fs::create_dir_all(root.join("templates")).unwrap();
        let mut files = Vec::new();
        let mut put = |path: String, bytes: Vec<u8>| {
            fs::write(root.join(&path), &bytes).unwrap();
            let sha256 = Digest::of(&bytes);
            files.push(FileRecord { path, sha256, bytes: bytes.len() as u64 });
            sha256
        };
        let mut templates = Vec::new();
        let mut template = |name: String, version: u64, tier: &str, scope, variant: Option<&str>| {
            let text = json!({"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {
                "AlarmName": {"Fn::Sub": "errors-${Cell}"}, "Version": version}}}});
            let path = format!("templates/{name}.template.json");
            let sha256 = put(path.clone(), text.to_string().into_bytes());
            templates.push(TemplateRecord {
                path: path.clone(),
                sha256,
                tier: tier.to_owned(),
                scope,
                variant: variant.map(str::to_owned),
                parameters: ["Cell", "Owner", "TenantId"].map(str::to_owned).to_vec(),
                resources: 1,
                bytes: 1,
            });
            (path, sha256)
        };
        let mut shared = Vec::new();
        let mut own = Vec::new();
        for (number, (tier, ..)) in TIERS.iter().enumerate() {
            let cell = template(format!("{tier}-cell"), self.shared[number], tier, Scope::Cell, None);
            shared.push((number < 2).then_some(cell));
            let base = template(format!("{tier}-tenant"), self.own[number], tier, Scope::Tenant, None);
            let variant = template(format!("{tier}-v"), self.own[number], tier, Scope::Tenant, Some("v"));
            own.push((base, variant));
        }
        // One unit a tier that has policies, and one for the suspended below it.
        let mut resources = serde_json::Map::new();
        for (number, (tier, ..)) in TIERS.iter().enumerate().filter(|(number, _)| self.policies[*number] > 0) {
            let unit = format!("{tier}Unit");
            resources.insert(
                unit.clone(),
                json!({"Type": "AWS::Organizations::OrganizationalUnit", "Properties": {
                    "Name": format!("orders.{tier}"), "ParentId": {"Ref": "ParentId"}, "Tags": []}}),
            );
            resources.insert(
                format!("{tier}Suspended"),
                json!({"Type": "AWS::Organizations::OrganizationalUnit", "Properties": {
                    "Name": format!("orders.{tier}.suspended"), "ParentId": {"Ref": unit}, "Tags": []}}),
            );
            for index in 1..=self.policies[number] {
                let content = json!({"Statement": [{"Sid": format!("{tier}{index}v{}", self.policies[number])}]});
                put(format!("org/{tier}.scp-{index}.json"), format!("{content}\n").into_bytes());
                resources.insert(
                    format!("{tier}Scp{index}"),
                    json!({"Type": "AWS::Organizations::Policy", "Properties": {
                        "Name": format!("orders.{tier}.scp-{index}"), "Description": "d",
                        "Type": "SERVICE_CONTROL_POLICY", "Content": content, "TargetIds": [{"Ref": unit}],
                        "Tags": [{"Key": "Owner", "Value": "o"}]}}),
                );
            }
        }
        let organization = json!({"Parameters": {"ParentId": {"Default": "ou-ab12-cd34ef56"}}, "Resources": resources});
        let path = "org/organization.template.json".to_owned();
        let sha256 = put(path.clone(), organization.to_string().into_bytes());
        templates.push(TemplateRecord {
            path,
            sha256,
            tier: String::new(),
            scope: Scope::Organization,
            variant: None,
            parameters: vec!["ParentId".to_owned()],
            resources: 1,
            bytes: 1,
        });
        let cell_account = |cell: usize| (!(self.homeless && cell == 0)).then(|| format!("9000000000{cell:02}"));
        let stack = |name: String,
                     (path, sha256): &(String, Digest),
                     account: Option<String>,
                     cell: usize,
                     owner: &str| {
            let values =
                BTreeMap::from([("Cell", format!("c{cell}")), ("Owner", owner.to_owned()), ("TenantId", name.clone())]);
            let of = |list: &BTreeMap<&'static str, String>| {
                list.iter().map(|(key, value)| ((*key).into(), value.clone().into())).collect()
            };
            StackRecord {
                name: name.into(),
                template: path.clone().into(),
                sha256: *sha256,
                account: account.map(Into::into),
                region: format!("region-{}", cell % 2).into(),
                parameters: of(&values),
                tags: of(&BTreeMap::from([("Environment", "prod".to_owned()), ("Owner", owner.to_owned())])),
                depends_on: Vec::new(),
            }
        };
        let cells = (0..self.cells).map(|cell| CellRecord {
            cell: format!("c{cell}"),
            region: format!("region-{}", cell % 2),
            account: cell_account(cell),
            tenants: 0,
            capacity: None,
            stacks: shared
                .iter()
                .zip(TIERS)
                .filter_map(|(template, (tier, ..))| {
                    Some(stack(format!("{tier}-c{cell}"), template.as_ref()?, cell_account(cell), cell, "team"))
                })
                .collect(),
        });
        let cells: Vec<CellRecord> = cells.collect();
        let mut lines = Vec::new();
        for (id, someone) in &self.tenants {
            let (tier, isolation, boundary) = TIERS[someone.tier];
            let cell = someone.cell;
            let account = if boundary == Boundary::Account {
                someone.account.map(|number| format!("{number:012}"))
            } else {
                cell_account(cell)
            };
            let (base, variant) = &own[someone.tier];
            let chosen = if someone.variant { variant } else { base };
            let mut mine =
                stack(format!("{tier}-{id}-c{cell}"), chosen, account.clone(), cell, &someone.owner.to_string());
            let uses: Vec<String> = if someone.tier < 2 { vec![format!("{tier}-c{cell}")] } else { Vec::new() };
            mine.depends_on = uses.iter().map(|name| name.clone().into()).collect();
            let record = TenantRecord {
                tenant: id.clone().into(),
                name: None,
                tier: tier.into(),
                isolation,
                state: if someone.suspended { State::Suspended } else { State::Active },
                cell: format!("c{cell}").into(),
                account: account.map(Into::into),
                region: format!("region-{}", cell % 2).into(),
                placement: Placement { strategy: "hash".into(), reason: "hash".into() },
                label: id.clone().into(),
                digest: format!("{:012x}", Dice(id.bytes().map(u64::from).sum()).roll(u64::MAX)).into(),
                // A pooled tenant often has nothing of its own.
                stacks: if someone.tier == 0 && someone.owner % 2 == 0 && someone.variant {
                    Vec::new()
                } else {
                    vec![mine]
                },
                residency: Vec::new(),
                shared_stacks: uses.into_iter().map(Into::into).collect(),
                tags: BTreeMap::new(),
                entitlements: BTreeMap::new(),
                legal_hold: someone.hold,
            };
            record.write_line(&mut lines).unwrap();
        }
        let sha256 = put("tenants.jsonl".to_owned(), lines);
        let count = |tier: usize| self.tenants.values().filter(|someone| someone.tier == tier).count() as u64;
        let manifest = Manifest {
            format: Format,
            blueprint: "orders".to_owned(),
            environment: "prod".to_owned(),
            id_pattern: "^[a-z0-9-]{6}$".to_owned(),
            expanded: false,
            tiers: TIERS
                .iter()
                .enumerate()
                .map(|(number, (tier, isolation, boundary))| TierRecord {
                    tier: (*tier).to_owned(),
                    isolation: *isolation,
                    boundary: *boundary,
                    tenants: count(number),
                    cell_template: None,
                    tenant_template: None,
                    policies: TierPolicies::default(),
                })
                .collect(),
            cells,
            templates,
            tenants: TenantsRecord { path: TENANTS.to_owned(), count: self.tenants.len() as u64, sha256 },
            tenancy: TenancyRecord { path: TENANCY.to_owned(), sha256 },
            evidence: Evidence { verdict: Verdict::NotProved, path: None },
            facts: Vec::new(),
            files,
        };
        fs::write(root.join(MANIFEST), manifest.to_bytes().unwrap()).unwrap();
        Assembly::open(root).unwrap()
    }
}

fn named(name: &str) -> Named {
    Named { name: name.to_owned(), origin: crate::diagnostics::Origin::Derived }
}

fn random_settings(dice: &mut Dice, spec: &Spec, rolling: bool) -> Settings {
    let mut settings = Settings {
        canaries_per_tier: dice.roll(3),
        percentages: [vec![100], vec![5, 25, 100], vec![1, 10, 50, 100]][usize::try_from(dice.roll(3)).unwrap()]
            .clone(),
        whole_cells: !dice.one_in(3),
        tenants_per_wave: [100, 50, 10][usize::try_from(dice.roll(3)).unwrap()],
        tier_per_wave: [100, 34, 10][usize::try_from(dice.roll(3)).unwrap()],
        concurrency: 1 + dice.roll(30),
        account_concurrency: 1 + dice.roll(10),
        tolerance: if dice.one_in(2) { Failures::Steps(dice.roll(3)) } else { Failures::Percent(dice.roll(40)) },
        bake_minutes: dice.roll(60),
        watched: [Watched::None, Watched::Shared, Watched::All][usize::try_from(dice.roll(3)).unwrap()],
        organization: !dice.one_in(4),
        gone: if rolling { [Gone::Keep, Gone::Delete][usize::try_from(dice.roll(2)).unwrap()] } else { Gone::Refuse },
        ..Settings::default()
    };
    if dice.one_in(4) {
        settings.stack_sets = None;
    } else if let Some(sets) = &mut settings.stack_sets {
        sets.shards = 1 + dice.roll(4);
        sets.accounts_per_operation = 1 + dice.roll(4);
        if dice.one_in(3) {
            sets.permissions = Permissions::SelfManaged;
        }
    }
    if dice.one_in(2) {
        settings.order = vec![named("gold"), named("basic")];
    }
    if spec.cells > 1 && dice.one_in(2) {
        settings.pairs.push((named("c0"), named("c1")));
    }
    if dice.one_in(2) {
        settings.canary_cells.push(named("c0"));
    }
    for id in spec.tenants.keys() {
        if dice.one_in(15) {
            settings.canary_tenants.push(named(id));
        }
        if dice.one_in(25) {
            settings.catch_up.push(named(id));
        } else if dice.one_in(40) {
            let origin = crate::diagnostics::Origin::Derived;
            let what = Pinned::Tenant(id.clone());
            settings.pins.push(Pin { what, until: "2099-01-01".to_owned(), reason: "r".to_owned(), origin });
        }
    }
    if dice.one_in(6) {
        let origin = crate::diagnostics::Origin::Derived;
        let what = Pinned::Cell("c0".to_owned());
        settings.pins.push(Pin { what, until: "2099-01-01".to_owned(), reason: "r".to_owned(), origin });
    }
    settings
}

fn codes_of(findings: &[Diagnostic]) -> BTreeSet<&'static str> {
    findings.iter().map(|finding| finding.code.name).collect()
}

/// What the planner says itself. Everything else would be the prover's, and so a mistake of the planner.
const OWN: [&str; 10] = [
    "rollout/indivisible",
    "rollout/no-account",
    "rollout/no-unit",
    "rollout/shared-account",
    "rollout/set-move",
    "rollout/set-template",
    "rollout/account-reused",
    "rollout/pinned-shared",
    "rollout/legal-hold",
    "rollout/unknown-name",
];

struct Case {
    _folder: TempDir,
    old: Option<Assembly>,
    new: Assembly,
    settings: Settings,
}

fn case(seed: u64, most: u64) -> Case {
    let mut dice = Dice(seed);
    let folder = tempfile::tempdir().unwrap();
    let before = Spec::random(&mut dice, most);
    let rolling = !dice.one_in(4);
    let after = if rolling { before.later(&mut dice) } else { before.clone() };
    let old = rolling.then(|| before.write(&folder.path().join("old")));
    let new = after.write(&folder.path().join("new"));
    let settings = random_settings(&mut dice, &after, rolling);
    Case { _folder: folder, old, new, settings }
}

impl Case {
    fn plan(&self) -> (Option<Rollout>, Vec<Diagnostic>) {
        let mut sink = Sink::new();
        let facts = Facts::shipped().unwrap();
        let rollout = plan(&self.new, self.old.as_ref(), &self.settings, &facts, &mut sink).unwrap();
        (rollout, sink.into_sorted())
    }

    /// The codes the prover refuses a rollout with; none if it does not.
    fn refused(&self, rollout: &Rollout, settings: &Settings) -> BTreeSet<&'static str> {
        let facts = Facts::shipped().unwrap();
        match prove(rollout, &self.new, self.old.as_ref(), settings, &facts) {
            Ok(_) => BTreeSet::new(),
            Err(findings) => codes_of(&findings),
        }
    }
}

/// A place of a step.
fn places(rollout: &Rollout, wanted: impl Fn(&Step) -> bool) -> Vec<(usize, usize)> {
    let all = rollout.waves.iter().enumerate();
    let all = all.flat_map(|(wave, list)| (0..list.steps.len()).map(move |step| (wave, step)));
    all.filter(|(wave, step)| wanted(&rollout.waves[*wave].steps[*step])).collect()
}

/// Makes a rollout worse in one way; nothing where it has no place for that. With the codes of which one must be found.
fn worsen(
    rollout: &Rollout,
    settings: &mut Settings,
    way: u64,
    dice: &mut Dice,
) -> Option<(Rollout, &'static [&'static str])> {
    let mut worse = rollout.clone();
    let mut pick = |places: Vec<(usize, usize)>| -> Option<(usize, usize)> {
        (!places.is_empty()).then(|| places[usize::try_from(dice.roll(places.len() as u64)).unwrap()])
    };
    let is_work =
        |step: &Step| matches!(step.work, Work::Stack { .. } | Work::Instance { .. } | Work::UpdateInstances { .. });
    let expected: &[&str] = match way {
        0 => {
            let (wave, step) = pick(places(rollout, |_| true))?;
            let again = worse.waves[wave].steps[step].clone();
            worse.waves[wave].steps.push(again);
            &["rollout/twice"]
        }
        1 => {
            let (wave, step) = pick(places(rollout, |step| is_work(step) || matches!(step.work, Work::Attach { .. })))?;
            worse.waves[wave].steps.remove(step);
            &["rollout/missing"]
        }
        2 => {
            // Into another wave.
            let (wave, step) = pick(places(rollout, |step| is_work(step) && step.tenant.is_some()))?;
            let moved = worse.waves[wave].steps.remove(step);
            let other = (wave + 1) % worse.waves.len();
            if other == wave {
                return None;
            }
            worse.waves[other].steps.push(moved);
            &["rollout/share", "rollout/twice", "rollout/order"]
        }
        3 => {
            let (wave, step) = pick(places(rollout, |step| matches!(step.work, Work::Instance { .. })))?;
            if let Work::Instance { parameters, .. } = &mut worse.waves[wave].steps[step].work {
                let mut values = parameters.to_map();
                values.insert("TenantId".to_owned(), "somebody-else".to_owned());
                *parameters = values.into();
            }
            &["rollout/parameters"]
        }
        4 => {
            let (wave, step) = pick(places(rollout, |step| matches!(step.work, Work::Stack { .. })))?;
            if let Work::Stack { account, .. } = &mut worse.waves[wave].steps[step].work {
                *account = "123123123123".to_owned();
            }
            &["rollout/surplus"]
        }
        5 => {
            let (wave, _) = pick(places(rollout, |_| true))?;
            worse.waves[wave].concurrency = settings.concurrency + 1;
            &["rollout/concurrency"]
        }
        6 => {
            let (wave, _) = pick(places(rollout, |_| true))?;
            worse.waves[wave].account_concurrency = settings.account_concurrency + 1;
            &["rollout/concurrency"]
        }
        7 => {
            let (wave, _) = pick(places(rollout, |_| true))?;
            worse.waves[wave].tolerance.failures = 1 + settings.tolerance.of(worse.waves[wave].steps.len() as u64);
            &["rollout/other-settings"]
        }
        8 => {
            // Nobody waits for what is needed.
            let (wave, step) = pick(places(rollout, |step| !step.after.is_empty() && is_work(step)))?;
            worse.waves[wave].steps[step].after.clear();
            &["rollout/order"]
        }
        9 => {
            // A circle.
            let (wave, step) = pick(places(rollout, |step| !step.after.is_empty()))?;
            let id = worse.waves[wave].steps[step].id.clone();
            let first = worse.waves[wave].steps[step].after[0].clone();
            worse.waves[wave].steps.iter_mut().find(|step| step.id == first).unwrap().after.push(id);
            &["rollout/order"]
        }
        10 => {
            let (wave, step) = pick(places(rollout, |_| true))?;
            worse.waves[wave].steps[step].after.push("stack/nobody".to_owned());
            &["rollout/order"]
        }
        11 => {
            worse.assembly = Digest::of(b"another");
            &["rollout/other-assembly"]
        }
        12 => {
            worse.previous = Some(Digest::of(b"another"));
            &["rollout/other-assembly"]
        }
        13 => {
            if worse.waves.len() < 2 {
                return None;
            }
            worse.waves[0].gate = None;
            &["rollout/other-settings"]
        }
        14 => {
            // The last wave first: deletes before work, or work before the organization, or tiers out of turn.
            let kinds: BTreeSet<String> =
                worse.waves.iter().map(|wave| wave.wave.split('.').next().unwrap().to_owned()).collect();
            if kinds.len() < 2 {
                return None;
            }
            let last = worse.waves.pop().unwrap();
            worse.waves.insert(0, last);
            &["rollout/order"]
        }
        15 => {
            let (wave, step) = pick(places(rollout, |step| matches!(step.work, Work::Policy { .. })))?;
            if let Work::Policy { file, .. } = &mut worse.waves[wave].steps[step].work {
                *file = "org/organization.template.json".to_owned();
            }
            &["rollout/surplus"]
        }
        16 => {
            let (wave, step) = pick(places(rollout, |step| matches!(step.work, Work::Account { .. })))?;
            if let Work::Account { unit, .. } = &mut worse.waves[wave].steps[step].work {
                *unit = "orders.nowhere".to_owned();
            }
            &["rollout/surplus"]
        }
        17 => {
            // A pair that a wave has both cells of.
            let (wave, _) = pick(places(rollout, |step| matches!(step.work, Work::Stack { .. })))?;
            let cells: BTreeSet<String> = worse.waves[wave]
                .steps
                .iter()
                .filter_map(|step| match &step.work {
                    Work::Stack { stack, .. } => stack.rsplit('-').next().map(str::to_owned),
                    _ => None,
                })
                .collect();
            let mut cells = cells.into_iter();
            let (one, other) = (cells.next()?, cells.next()?);
            settings.pairs = vec![(named(&one), named(&other))];
            &["rollout/pair"]
        }
        18 => {
            // A share that a wave does not keep: so small that one tenant is all it allows.
            let most = rollout.waves.iter().filter(|wave| wave.wave != "delete").map(|wave| wave.tenants).max()?;
            if most < 2 {
                return None;
            }
            settings.tenants_per_wave = 1;
            settings.whole_cells = false;
            &["rollout/share"]
        }
        19 => {
            let (wave, _) = pick(places(rollout, is_work))?;
            worse.waves[wave].tenants += 1;
            &["rollout/share"]
        }
        20 => {
            let set = worse.stack_sets.values_mut().next()?;
            set.unit = Some("orders.elsewhere".to_owned());
            &["rollout/parameters"]
        }
        21 => {
            worse.role = Some("arn:aws:iam::{account}:role/mine".to_owned());
            &["rollout/other-settings"]
        }
        22 => {
            let (wave, step) = pick(places(rollout, |step| matches!(step.work, Work::DeleteStack { .. })))?;
            worse.waves[wave].steps.remove(step);
            &["rollout/missing", "rollout/surplus"]
        }
        23 => {
            if places(rollout, |step| matches!(step.work, Work::DeleteStack { .. } | Work::DeleteInstance { .. }))
                .is_empty()
            {
                return None;
            }
            settings.gone = Gone::Keep;
            &["rollout/deletes"]
        }
        _ => {
            let (wave, step) = pick(places(rollout, |step| matches!(step.work, Work::StackSet { .. })))?;
            worse.waves[wave].steps.remove(step);
            &["rollout/order"]
        }
    };
    Some((worse, expected))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn what_the_planner_makes_the_prover_accepts(seed in any::<u64>(), most in 0_u64..60) {
        let case = case(seed, most);
        let (rollout, findings) = case.plan();
        let codes = codes_of(&findings);
        prop_assert!(codes.iter().all(|code| OWN.contains(code)), "{:#?}", findings);
        match rollout {
            Some(rollout) => {
                prop_assert!(case.refused(&rollout, &case.settings).is_empty());
                let text = serde_json::to_string(&rollout).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Rollout>(&text).unwrap(), &rollout);
                prop_assert_eq!(case.plan().0.unwrap(), rollout);
            }
            None => prop_assert!(findings.iter().any(|finding| finding.severity == crate::diagnostics::Severity::Error)),
        }
    }

    #[test]
    fn what_was_made_worse_the_prover_refuses(seed in any::<u64>(), way in 0_u64..25, most in 4_u64..40) {
        let case = case(seed, most);
        let (Some(rollout), _) = case.plan() else { return Ok(()) };
        let mut settings = case.settings.clone();
        let mut dice = Dice(seed ^ way);
        let Some((worse, expected)) = worsen(&rollout, &mut settings, way, &mut dice) else { return Ok(()) };
        let codes = case.refused(&worse, &settings);
        prop_assert!(
            codes.iter().any(|code| expected.contains(code)),
            "way {}: {:?} and not {:?}", way, codes, expected
        );
    }
}

#[test]
fn every_way_to_make_it_worse_is_met() {
    let mut met = BTreeSet::new();
    for seed in 0..200 {
        let case = case(seed, 30);
        let (Some(rollout), _) = case.plan() else { continue };
        for way in 0..25 {
            if worsen(&rollout, &mut case.settings.clone(), way, &mut Dice(seed)).is_some() {
                met.insert(way);
            }
        }
        if met.len() == 25 {
            return;
        }
    }
    panic!("only {met:?} are met");
}

#[test]
fn the_second_time_there_is_nothing_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let spec = Spec::random(&mut Dice(3), 40);
    let new = spec.write(&folder.path().join("new"));
    let case =
        Case { _folder: folder, old: Some(Assembly::open(new.root()).unwrap()), new, settings: Settings::default() };
    let (rollout, _) = case.plan();
    assert!(rollout.unwrap().waves.is_empty());
}

/// Settings from a text.
fn settings_from(text: &str) -> (Option<Settings>, Vec<String>) {
    let (mut sink, mut sources) = (Sink::new(), SourceMap::default());
    let tree = read("rollout.yaml", text.as_bytes(), &mut sources, &mut sink);
    let settings = tree.and_then(|tree| settings(&tree, &mut sink));
    let findings = sink.into_sorted().into_iter();
    let place = |finding: &Diagnostic| sources.locate(&finding.primary.origin).and_then(|(_, line, _)| line);
    let said = findings.map(|one| format!("{} {}: {}", place(&one).unwrap_or_default(), one.code.name, one.message));
    (settings, said.collect())
}

#[test]
fn every_mistake_in_settings_is_found_at_its_line() {
    let text = "order: [basic, basic]\npercentages: [25, 5]\npairs:\n  - [eu-1, eu-1]\npins:\n  - { tenant: a, cell: b, until: 2027-01-01, reason: r }\n  - { tenant: a, until: 2027-02-30, reason: r }\nrole: 'arn:{acount}'\nmanagement: { account: '12' }\nparent: root\nlimits: { tier: 0 }\n";
    let (settings, said) = settings_from(text);
    assert!(settings.is_none());
    assert_eq!(said, ["11 shape/out-of-range: 0 is outside the range from 1 to 100"]);
    let (settings, said) = settings_from(&text.replace("limits: { tier: 0 }\n", ""));
    assert!(settings.is_none());
    assert_eq!(
        said,
        [
            "1 rollout/setting: the tier `basic` stands here twice",
            "2 rollout/setting: percentages grow from wave to wave and end with 100",
            "4 rollout/setting: a pair has two different cells",
            "6 rollout/setting: a pin is of a tenant or of a cell",
            "7 rollout/setting: `2027-02-30` is not a day",
            "8 rollout/setting: nobody knows what `{acount}` stands for here",
            "9 rollout/setting: `12` is not an account",
            "10 rollout/setting: `root` is neither a root nor a unit",
        ]
    );
}

#[test]
fn the_settings_of_the_page_are_read_and_fit_their_schema() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rollout.md")).unwrap();
    let text = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let (settings, said) = settings_from(text);
    assert_eq!(said, [""; 0]);
    let settings = settings.unwrap();
    assert_eq!(settings.tolerance, Failures::Percent(2));
    assert_eq!(settings.pins.len(), 1);
    assert!(settings.whole_cells);
    let (mut sink, mut sources) = (Sink::new(), SourceMap::default());
    let tree = read("rollout.yaml", text.as_bytes(), &mut sources, &mut sink).unwrap();
    let validator = jsonschema::validator_for(&settings_schema()).unwrap();
    assert!(validator.is_valid(&tree.to_json()));
    // Every key of the schema is on the page.
    for key in settings_schema()["properties"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("{key}:")), "the page says nothing about `{key}`");
    }
}

#[test]
fn a_pin_ends_after_its_last_day() {
    let (settings, _) = settings_from("pins: [{ tenant: acme, until: 2027-01-31, reason: closing }]\n");
    let settings = settings.unwrap();
    for (today, found) in [("2027-01-31", 0), ("2027-02-01", 1)] {
        let mut sink = Sink::new();
        expired(&settings, today, &mut sink);
        assert_eq!(sink.len(), found, "{today}");
    }
}

/// A rollout in which every key there is stands.
fn full() -> Rollout {
    let digest = Digest::of(b"");
    let text = |text: &str| text.to_owned();
    let map = || BTreeMap::from([("A".to_owned(), "1".to_owned())]);
    let (account, region) = (text("123456789012"), text("eu-west-1"));
    let works = vec![
        Work::Unit { unit: text("u"), parent: text("r-a"), tags: map() },
        Work::Policy {
            policy: text("p"),
            kind: text("k"),
            file: text("f"),
            sha256: digest,
            description: text("d"),
            tags: map(),
        },
        Work::Attach { policy: text("p"), unit: text("u") },
        Work::Detach { policy: text("p"), unit: text("u") },
        Work::Account { account: account.clone(), unit: text("u") },
        Work::Stack { stack: text("s"), account: account.clone(), region: region.clone() },
        Work::DeleteStack { stack: text("s"), account: account.clone(), region: region.clone() },
        Work::StackSet { set: text("s") },
        Work::Instance { set: text("s"), account: account.clone(), region: region.clone(), parameters: map().into() },
        Work::UpdateInstances { set: text("s"), accounts: vec![account.clone()], regions: vec![region.clone()] },
        Work::DeleteInstance { set: text("s"), account: account.clone(), region: region.clone() },
    ];
    let steps = works.into_iter().enumerate();
    let steps = steps.map(|(number, work)| Step {
        id: number.to_string(),
        work,
        tenant: Some(text("acme")),
        after: vec![text("other")],
    });
    Rollout {
        format: RolloutFormat,
        blueprint: text("orders"),
        environment: text("prod"),
        assembly: digest,
        previous: Some(digest),
        role: Some(text("r")),
        management_account: Some(account.clone()),
        management_region: Some(region.clone()),
        template_bucket: Some(text("b")),
        stack_sets: BTreeMap::from([(
            text("set"),
            StackSet {
                tier: text("t"),
                template: text("t"),
                sha256: digest,
                unit: Some(text("u")),
                tags: map(),
                parameters: map(),
            },
        )]),
        waves: vec![Wave {
            wave: text("w"),
            tenants: 1,
            concurrency: 1,
            account_concurrency: 1,
            tolerance: Tolerance { failures: 0 },
            steps: steps.collect(),
            gate: Some(Gate { bake_minutes: 1, alarms: vec![Alarm { name: text("a"), account, region }] }),
        }],
        obligations: vec![Obligation {
            limit: text("l"),
            nearest: Some(text("n")),
            counted: text("1"),
            allowed: text("1"),
        }],
    }
}

/// Every place in a value, as a JSON pointer.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), all)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(number, value)| pointers(value, &format!("{at}/{number}"), all));
        }
        _ => {}
    }
}

#[test]
fn the_document_and_its_schema_say_the_same() {
    let schema: Value = serde_json::from_str(ROLLOUT_SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = serde_json::to_value(full()).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut places = Vec::new();
    pointers(&value, "", &mut places);
    let others = [json!(null), json!(true), json!(7), json!(-1), json!("what"), json!([]), json!({}), json!({"a": 7})];
    let mut mutated: Vec<(String, Value)> = Vec::new();
    for place in &places {
        for other in &others {
            // Serde takes the number of a variant for its name, which nobody writes.
            if place.ends_with("/do") && other.is_number() {
                continue;
            }
            // Serde takes a list for a structure of as many fields, and nobody writes one.
            if place.ends_with("/tolerance") && *other == json!([7]) {
                continue;
            }
            let mut one = value.clone();
            *one.pointer_mut(place).unwrap() = other.clone();
            mutated.push((format!("{place} = {other}"), one));
        }
        let mut more = value.clone();
        if let Value::Object(map) = more.pointer_mut(place).unwrap() {
            map.insert("surplus".to_owned(), json!(7));
            mutated.push((format!("{place} and more"), more));
        }
        if let Some((parent, key)) = place.rsplit_once('/') {
            let mut less = value.clone();
            if let Value::Object(map) = less.pointer_mut(parent).unwrap() {
                map.shift_remove(key);
                mutated.push((format!("without {place}"), less));
            }
        }
    }
    let mut rejected = 0;
    for (what, one) in mutated {
        let (by_schema, by_type) =
            (validator.is_valid(&one), serde_json::from_str::<Rollout>(&one.to_string()).is_ok());
        assert_eq!(by_schema, by_type, "the schema (left) and the type (right) disagree about {what}");
        rejected += usize::from(!by_schema);
    }
    assert!(rejected > 500, "{rejected}");
    // Every property is described, and nothing else is taken.
    let mut all = Vec::new();
    pointers(&schema, "", &mut all);
    for place in all.iter().filter(|place| place.rsplit('/').nth(1) == Some("properties")) {
        assert!(schema.pointer(place).unwrap()["description"].is_string(), "{place}");
    }
    for place in all.iter().filter(|place| place.ends_with("/properties")) {
        let object = schema.pointer(place.strip_suffix("/properties").unwrap()).unwrap();
        assert_eq!(object["additionalProperties"], false, "{place}");
    }
}
