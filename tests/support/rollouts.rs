//! Small rollouts with the worlds they are carried out in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;
use tenantry::assembly::Digest;
use tenantry::deploy::cloud::Target;
use tenantry::deploy::engine::{Engine, Happening, Report, Watch};
use tenantry::deploy::journal::{self, Binding, Journal};
use tenantry::deploy::material::{Material, StackItem};
use tenantry::deploy::names;
use tenantry::deploy::steps::{Site, Units};
use tenantry::rollout::{Gate, Rollout, RolloutFormat, StackSet, Step, Tolerance, Wave, Work};

use super::fake_cloud::{FakeClock, FakeCloud, FakeDisk, FakePolicy, FakeSet, FakeStack, Life, World};

/// What a step finds, and what is to become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    New,
    Change,
    Same,
    Fails,
    ChangeFails,
    AfterRollback,
    AfterShell,
    WhileMoving,
    Delete,
    DeleteAbsent,
    Unit,
    Policy,
    OldPolicy,
    Detach,
    Account,
    Instance,
    UpdateInstances,
    DeleteInstance,
}

pub(crate) const KINDS: [Kind; 18] = [
    Kind::New,
    Kind::Change,
    Kind::Same,
    Kind::Fails,
    Kind::ChangeFails,
    Kind::AfterRollback,
    Kind::AfterShell,
    Kind::WhileMoving,
    Kind::Delete,
    Kind::DeleteAbsent,
    Kind::Unit,
    Kind::Policy,
    Kind::OldPolicy,
    Kind::Detach,
    Kind::Account,
    Kind::Instance,
    Kind::UpdateInstances,
    Kind::DeleteInstance,
];

#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) kind: Kind,
    pub(crate) account: usize,
    pub(crate) after: Vec<Index>,
}

/// A rollout, and what is there before it.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) material: Material,
    pub(crate) world: World,
    pub(crate) failing: BTreeSet<String>,
}

pub(crate) fn template(name: &str, version: u32) -> String {
    json!({ "Resources": { "Table": { "Type": "AWS::SQS::Queue", "Properties": { "QueueName": name, "Delay": version } } } })
        .to_string()
}

pub(crate) fn target(account: usize) -> Target {
    Target { account: format!("{:012}", 111_111_111_111_u64 * (account as u64 + 1)), region: "eu-west-1".to_owned() }
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

impl Scene {
    pub(crate) fn empty() -> Self {
        let rollout = Rollout {
            format: RolloutFormat,
            blueprint: "orders".to_owned(),
            environment: "prod".to_owned(),
            assembly: Digest::of(b"assembly"),
            previous: None,
            role: None,
            management_account: None,
            management_region: Some("eu-west-1".to_owned()),
            template_bucket: None,
            stack_sets: BTreeMap::new(),
            waves: Vec::new(),
            obligations: Vec::new(),
        };
        let material = Material {
            rollout,
            digest: Digest::of(b"rollout"),
            stacks: BTreeMap::new(),
            files: BTreeMap::new(),
            units: BTreeMap::new(),
            policies: BTreeMap::new(),
        };
        Self { material, world: World::default(), failing: BTreeSet::new() }
    }

    pub(crate) fn wave(&mut self, concurrency: u64, failures: u64) {
        let number = self.material.rollout.waves.len() + 1;
        self.material.rollout.waves.push(Wave {
            wave: format!("wave-{number}"),
            tenants: 0,
            concurrency,
            account_concurrency: 2,
            tolerance: Tolerance { failures },
            steps: Vec::new(),
            gate: None,
        });
    }

    pub(crate) fn gate(&mut self, bake_minutes: u64, alarms: &[&str]) {
        let target = target(0);
        let alarm = |name: &&str| tenantry::rollout::Alarm {
            name: (*name).to_owned(),
            account: target.account.clone(),
            region: target.region.clone(),
        };
        let gate = Gate { bake_minutes, alarms: alarms.iter().map(alarm).collect() };
        self.material.rollout.waves.last_mut().unwrap().gate = Some(gate);
    }

    fn file(&mut self, path: &str, text: &str) -> Digest {
        self.material.files.insert(path.to_owned(), text.into());
        Digest::of(text.as_bytes())
    }

    fn push(&mut self, id: &str, work: Work, after: &[String]) {
        let step = Step { id: id.to_owned(), work, tenant: None, after: after.to_vec() };
        self.material.rollout.waves.last_mut().unwrap().steps.push(step);
    }

    /// A stack that is to have this template.
    pub(crate) fn stack(&mut self, name: &str, account: usize, text: &str, after: &[String]) {
        let path = format!("templates/{name}.json");
        let sha256 = self.file(&path, text);
        let target = target(account);
        let item = StackItem {
            name: name.to_owned(),
            target: target.clone(),
            template: path,
            sha256,
            parameters: map(&[("TenantId", name)]),
            tags: map(&[("Tier", "basic")]),
            depends_on: Vec::new(),
        };
        self.material.stacks.insert(name.to_owned(), item);
        let Target { account, region } = target;
        self.push(&format!("stack/{name}"), Work::Stack { stack: name.to_owned(), account, region }, after);
    }

    /// A stack that is there already.
    pub(crate) fn there(&mut self, name: &str, account: usize, stack: FakeStack) {
        let stack = stack.with(&map(&[("TenantId", name)]), &map(&[("Tier", "basic")]));
        self.world.stacks.insert((target(account), name.to_owned()), stack);
    }

    /// A stack set that is there, with an earlier template or with the present one.
    pub(crate) fn set(&mut self, name: &str, current: bool) -> String {
        if !self.material.rollout.stack_sets.contains_key(name) {
            let path = format!("templates/{name}.json");
            let sha256 = self.file(&path, &template(name, 2));
            let (tags, parameters) = (BTreeMap::new(), BTreeMap::new());
            let version = names::set_version(name, sha256, &parameters, &tags);
            let set = StackSet { tier: "silo".to_owned(), template: path, sha256, unit: None, tags, parameters };
            self.material.rollout.stack_sets.insert(name.to_owned(), set);
            let there = FakeSet {
                template: template(name, if current { 2 } else { 1 }),
                description: if current { names::set_description("silo", &version) } else { "old".to_owned() },
                ..FakeSet::default()
            };
            self.world.sets.insert(name.to_owned(), there);
        }
        name.to_owned()
    }

    /// A step of a kind, named by a number.
    fn step(&mut self, number: usize, spec: &Spec, earlier: &[String]) -> String {
        let after: BTreeSet<String> = match earlier {
            [] => BTreeSet::new(),
            earlier => spec.after.iter().map(|index| index.get(earlier).clone()).collect(),
        };
        let after: Vec<String> = after.into_iter().collect();
        let (name, place) = (format!("s-{number}"), target(spec.account));
        let (old, new) = (template(&name, 1), template(&name, 2));
        let deploy = |scene: &mut Self| scene.stack(&name, spec.account, &new, &after);
        let tags = BTreeMap::new();
        let root = "r-ab12".to_owned();
        match spec.kind {
            Kind::New => deploy(self),
            Kind::Fails => {
                self.failing.insert(name.clone());
                deploy(self);
            }
            Kind::Change | Kind::ChangeFails => {
                self.there(&name, spec.account, FakeStack::settled("UPDATE_COMPLETE", &old));
                if spec.kind == Kind::ChangeFails {
                    self.failing.insert(name.clone());
                }
                deploy(self);
            }
            Kind::Same => {
                self.there(&name, spec.account, FakeStack::settled("CREATE_COMPLETE", &new));
                deploy(self);
            }
            Kind::AfterRollback => {
                self.there(&name, spec.account, FakeStack::settled("UPDATE_ROLLBACK_COMPLETE", &old));
                deploy(self);
            }
            Kind::AfterShell => {
                self.there(&name, spec.account, FakeStack::settled("ROLLBACK_COMPLETE", ""));
                deploy(self);
            }
            Kind::WhileMoving => {
                let stack = FakeStack::settled("UPDATE_COMPLETE", &old).moving("UPDATE_IN_PROGRESS", 5);
                self.there(&name, spec.account, stack);
                deploy(self);
            }
            Kind::Delete | Kind::DeleteAbsent => {
                if spec.kind == Kind::Delete {
                    self.there(&name, spec.account, FakeStack::settled("UPDATE_COMPLETE", &old));
                }
                let Target { account, region } = place;
                let work = Work::DeleteStack { stack: name.clone(), account, region };
                self.push(&format!("stack/{name}"), work, &after);
            }
            Kind::Unit => {
                self.material.units.insert(name.clone(), root.clone());
                self.push(&format!("stack/{name}"), Work::Unit { unit: name.clone(), parent: root, tags }, &after);
            }
            Kind::Policy | Kind::OldPolicy => {
                let sha256 = self.file(&format!("org/{name}"), "{ \"Version\": \"2012-10-17\" }");
                let kind = "SERVICE_CONTROL_POLICY".to_owned();
                self.material.policies.insert(name.clone(), kind.clone());
                if spec.kind == Kind::OldPolicy {
                    let policy = FakePolicy {
                        id: format!("p-{name}"),
                        kind: kind.clone(),
                        content: "{}".to_owned(),
                        description: String::new(),
                        targets: BTreeSet::new(),
                    };
                    self.world.policies.insert(name.clone(), policy);
                }
                let (policy, file, description) = (name.clone(), format!("org/{name}"), "denies".to_owned());
                let work = Work::Policy { policy, kind, file, sha256, description, tags };
                self.push(&format!("stack/{name}"), work, &after);
            }
            Kind::Detach => {
                let policy = FakePolicy {
                    id: format!("p-{name}"),
                    kind: "RESOURCE_CONTROL_POLICY".to_owned(),
                    content: "{}".to_owned(),
                    description: String::new(),
                    targets: BTreeSet::from([root.clone()]),
                };
                self.world.policies.insert(name.clone(), policy);
                self.push(&format!("stack/{name}"), Work::Detach { policy: name.clone(), unit: root }, &after);
            }
            Kind::Account => {
                self.world.parents.insert(name.clone(), root);
                let unit = "ou-ab12-tenants".to_owned();
                self.push(&format!("stack/{name}"), Work::Account { account: name.clone(), unit }, &after);
            }
            Kind::Instance => {
                let (set, account, region) = (self.set("fresh", true), format!("a-{number}"), place.region);
                let work = Work::Instance { set, account, region, parameters: map(&[("TenantId", &name)]).into() };
                self.push(&format!("stack/{name}"), work, &after);
            }
            Kind::UpdateInstances | Kind::DeleteInstance => {
                let set = self.set("old", false);
                let account = format!("a-{number}");
                let old = Target { account: account.clone(), region: place.region.clone() };
                let instance = ("CURRENT".to_owned(), BTreeMap::new());
                self.world.sets.get_mut("old").unwrap().instances.insert(old, instance);
                let region = place.region;
                let work = if spec.kind == Kind::DeleteInstance {
                    Work::DeleteInstance { set, account, region }
                } else {
                    Work::UpdateInstances { set, accounts: vec![account], regions: vec![region] }
                };
                self.push(&format!("stack/{name}"), work, &after);
            }
        }
        format!("stack/{name}")
    }

    /// A rollout of these waves.
    pub(crate) fn of(waves: &[Vec<Spec>], concurrency: u64, failures: u64) -> Self {
        let mut scene = Self::empty();
        let mut number = 0;
        for specs in waves {
            scene.wave(concurrency, failures);
            let mut earlier = Vec::new();
            for spec in specs {
                let id = scene.step(number, spec, &earlier);
                earlier.push(id);
                number += 1;
            }
        }
        scene
    }

    pub(crate) fn cloud(&self) -> FakeCloud {
        FakeCloud { failing: self.failing.clone(), ..FakeCloud::new(self.world.clone()) }
    }
}

/// Nobody watches.
pub(crate) struct Nobody;

impl Watch for Nobody {
    fn happens(&self, _what: Happening<'_>) {}
}

pub(crate) fn binding(material: &Material) -> Binding {
    Binding {
        journal: journal::VERSION,
        rollout: material.digest,
        assembly: material.rollout.assembly,
        account: "999999999999".to_owned(),
    }
}

/// The computer on which deployments run: its disk outlives them.
#[derive(Default)]
pub(crate) struct Computer {
    pub(crate) disk: Arc<Mutex<Vec<u8>>>,
    pub(crate) clock: FakeClock,
    pub(crate) stop: AtomicBool,
    pub(crate) accepted: BTreeSet<String>,
}

impl Computer {
    /// Runs the deployment once. Nothing if the process died before the engine could say anything, or while it ran.
    pub(crate) fn run(&self, material: &Material, cloud: &FakeCloud, watch: &dyn Watch) -> Option<Report> {
        let whole = {
            let mut disk = self.disk.lock().unwrap();
            let (_, _, whole) = journal::read(&disk).unwrap();
            disk.truncate(whole);
            disk.clone()
        };
        let store = Box::new(FakeDisk { bytes: Arc::clone(&self.disk), life: cloud.life.clone() });
        let journal = Journal::over(store, &whole, &binding(material), &self.clock).ok()?;
        let site = Site {
            cloud,
            clock: &self.clock,
            watch,
            journal: &journal,
            material,
            home: material.home(&cloud.account),
            direct: cloud.direct,
            first_wait: 1_000,
            accepted: &self.accepted,
            units: Units::default(),
            dead: AtomicBool::new(false),
        };
        let report = Engine { site: &site, stop: &self.stop, until: None }.run();
        (!cloud.life.is_over()).then_some(report)
    }
}

/// Runs until a run ends by itself, each but the last with the life that is given.
pub(crate) fn with_deaths(scene: &Scene, mut cloud: FakeCloud, lives: &[i64]) -> (Report, World, usize) {
    let computer = Computer::default();
    for (deaths, moments) in lives.iter().copied().map(Some).chain([None]).enumerate() {
        cloud.life = moments.map_or_else(Life::endless, Life::of);
        if let Some(report) = computer.run(&scene.material, &cloud, &Nobody) {
            let world = cloud.world().clone();
            return (report, world, deaths);
        }
    }
    panic!("a run with an endless life did not end");
}

pub(crate) fn specs() -> impl Strategy<Value = Spec> {
    let after = prop::collection::vec(any::<Index>(), 0..3);
    (prop::sample::select(KINDS.to_vec()), 0_usize..2, after).prop_map(|(kind, account, after)| Spec {
        kind,
        account,
        after,
    })
}

pub(crate) fn waves() -> impl Strategy<Value = Vec<Vec<Spec>>> {
    prop::collection::vec(prop::collection::vec(specs(), 1..7), 1..4)
}
