//! Rollouts that are carried out in an AWS in memory: what a run does, where it stops, and that one that is killed and
//! begun again ends where an undisturbed one does, with nothing done twice.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "support/fake_cloud.rs"]
mod fake_cloud;
#[path = "support/rollouts.rs"]
mod rollouts;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tenantry::deploy::engine::{Report, Stop};
use tenantry::deploy::foresee::{Foreseen, Will, foresee};
use tenantry::deploy::journal::How;

use fake_cloud::{FakeCloud, FakeStack, World};
use rollouts::{Computer, Kind, Nobody, Scene, Spec, specs, template, waves, with_deaths};

fn sorted(effects: &[String]) -> Vec<String> {
    let mut effects = effects.to_vec();
    effects.sort();
    effects
}

/// What can be said about a run whatever the order of its steps.
fn outcome(report: &Report) -> (BTreeSet<String>, BTreeSet<String>, String) {
    let failed = report.failed.iter().map(|(id, _)| id.clone()).collect();
    let skipped = report.skipped.iter().cloned().collect();
    (failed, skipped, format!("{:?}", report.stop))
}

/// Deploys without disturbance, and says how many moments that took.
fn undisturbed(scene: &Scene) -> (Report, World, i64) {
    let cloud = scene.cloud();
    let report = Computer::default().run(&scene.material, &cloud, &Nobody).unwrap();
    let world = cloud.world().clone();
    (report, world, cloud.life.passed())
}

/// What is seen that each step would do.
fn foreseen(scene: &Scene, cloud: &FakeCloud) -> BTreeMap<String, Foreseen> {
    foresee(cloud, &fake_cloud::FakeClock::default(), &scene.material, &scene.material.home(&cloud.account))
}

fn one_of_each() -> Vec<Vec<Spec>> {
    let spec = |kind: &Kind| Spec { kind: *kind, account: 0, after: Vec::new() };
    rollouts::KINDS.chunks(9).map(|kinds| kinds.iter().map(spec).collect()).collect()
}

#[test]
fn every_kind_of_step_is_carried_out() {
    let scene = Scene::of(&one_of_each(), 4, 9);
    let (report, world, _) = undisturbed(&scene);
    let failed: Vec<&str> = report.failed.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(report.failed.len(), 2, "{report:#?}");
    assert!(failed.contains(&"stack/s-3") && failed.contains(&"stack/s-4"), "{failed:?}");
    assert!(report.failed.iter().all(|(_, failure)| failure.reasons == ["Table: it does not want to"]), "{report:#?}");
    assert!(report.stop.is_none() && report.skipped.is_empty() && report.waiting == 0);
    assert_eq!(report.done.len(), 16);
    let how = |id: &str| report.done.iter().find(|(step, _)| step == id).unwrap().1;
    let hows: Vec<How> =
        [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].iter().map(|at| how(&format!("stack/s-{at}"))).collect();
    use How::{AlreadyThere, Created, Deleted, Updated};
    assert_eq!(
        hows,
        [
            Created,
            Updated,
            AlreadyThere,
            Updated,
            Created,
            Updated,
            Deleted,
            AlreadyThere,
            Created,
            Created,
            Updated,
            Deleted,
            Updated,
            Created
        ]
    );
    is_in_its_final_state(&world);
}

/// What has to be there after the rollout of `one_of_each`.
fn is_in_its_final_state(world: &World) {
    let status = |name: &str| world.stacks.iter().find(|((_, known), _)| known == name).map(|(_, s)| s.status.clone());
    for (name, wanted) in [
        ("s-0", Some("CREATE_COMPLETE")),
        ("s-1", Some("UPDATE_COMPLETE")),
        ("s-2", Some("CREATE_COMPLETE")),
        ("s-3", Some("ROLLBACK_COMPLETE")),
        ("s-4", Some("UPDATE_ROLLBACK_COMPLETE")),
        ("s-5", Some("UPDATE_COMPLETE")),
        ("s-6", Some("CREATE_COMPLETE")),
        ("s-7", Some("UPDATE_COMPLETE")),
        ("s-8", None),
        ("s-9", None),
    ] {
        assert_eq!(status(name).as_deref(), wanted, "{name}");
    }
    assert_eq!(world.units.len(), 1);
    assert_eq!(world.policies.len(), 3);
    assert!(world.policies.values().all(|policy| policy.targets.is_empty()));
    assert_eq!(world.parents["s-14"], "ou-ab12-tenants");
    for set in ["fresh", "old"] {
        let found = &world.sets[set];
        assert_eq!(found.instances.len(), 1, "{found:?}");
        assert!(found.instances.values().all(|(status, _)| status == "CURRENT"), "{found:?}");
        assert_eq!(found.template, template(set, 2));
    }
}

#[test]
fn a_second_run_of_a_finished_rollout_asks_for_nothing() {
    let scene = Scene::of(&one_of_each(), 4, 9);
    let cloud = scene.cloud();
    let computer = Computer::default();
    computer.run(&scene.material, &cloud, &Nobody).unwrap();
    let (before, failing) = (cloud.world().effects.len(), cloud.failing.len());
    assert_eq!(failing, 2);
    let cloud = fake_cloud::FakeCloud { failing: BTreeSet::new(), ..cloud };
    let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
    // What failed is tried again, and nothing else.
    let done: BTreeSet<&str> = report.done.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(done, BTreeSet::from(["stack/s-3", "stack/s-4"]));
    let effects = cloud.world().effects.clone();
    assert!(effects[before..].iter().all(|effect| effect.contains("s-3") || effect.contains("s-4")), "{effects:#?}");
    let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
    assert_eq!((report.done.len(), report.before), (0, 18));
    assert_eq!(cloud.world().effects.len(), effects.len());
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_where_it_was() {
    let scene = Scene::of(&one_of_each(), 1, 9);
    let (whole, world, moments) = undisturbed(&scene);
    assert!(moments > 200, "{moments}");
    for moment in 1..moments {
        let (report, killed, deaths) = with_deaths(&scene, scene.cloud(), &[moment]);
        assert_eq!(deaths, 1, "at {moment}");
        assert_eq!(sorted(&killed.effects), sorted(&world.effects), "killed at moment {moment} of {moments}");
        assert_eq!(killed.state(), world.state(), "killed at moment {moment} of {moments}");
        assert_eq!(outcome(&report), outcome(&whole), "killed at moment {moment} of {moments}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_rollout_ends_the_same_however_often_it_is_killed(
        waves in waves(),
        concurrency in 1_u64..5,
        lives in prop::collection::vec(1_i64..120, 0..12),
        faults in prop::sample::select(vec![0_u32, 0, 20, 60]),
        seed in any::<u32>(),
    ) {
        let scene = Scene::of(&waves, concurrency, 99);
        let (whole, world, _) = undisturbed(&scene);
        let mut cloud = scene.cloud();
        (cloud.faults, cloud.seed) = (faults, seed);
        let (report, killed, _) = with_deaths(&scene, cloud, &lives);
        prop_assert_eq!(sorted(&killed.effects), sorted(&world.effects));
        prop_assert_eq!(killed.state(), world.state());
        prop_assert_eq!(outcome(&report), outcome(&whole));
    }

    #[test]
    fn what_is_foreseen_of_a_step_is_what_it_does(waves in waves(), faults in prop::sample::select(vec![0_u32, 20])) {
        let scene = Scene::of(&waves, 2, 99);
        let cloud = FakeCloud { faults, ..scene.cloud() };
        let foreseen = foreseen(&scene, &cloud);
        let steps = scene.material.rollout.waves.iter().map(|wave| wave.steps.len()).sum::<usize>();
        prop_assert_eq!(foreseen.len(), steps);
        prop_assert!(cloud.world().effects.is_empty());
        let (report, ..) = undisturbed(&scene);
        for (step, how) in &report.done {
            let will = foreseen[step].will.unwrap();
            let fits = match how {
                How::Created => matches!(will, Will::Create | Will::Repair),
                How::Updated => matches!(will, Will::Update | Will::Wait | Will::Repair),
                How::Deleted => will == Will::Delete,
                How::AlreadyThere => will == Will::Leave,
            };
            prop_assert!(fits, "{} is {:?}, and was to be {:?}", step, how, will);
        }
        // And afterwards there is nothing left to do but what failed.
        let cloud = scene.cloud();
        Computer::default().run(&scene.material, &cloud, &Nobody).unwrap();
        for (step, left) in self::foreseen(&scene, &cloud) {
            let failed = report.failed.iter().any(|(id, _)| *id == step) || report.skipped.contains(&step);
            prop_assert!(failed || left.will == Some(Will::Leave), "{}: {:?}", step, left);
        }
    }

    #[test]
    fn a_rollout_that_stops_stops_at_the_same_step_however_often_it_is_killed(
        specs in prop::collection::vec(specs(), 1..10),
        tolerance in 0_u64..2,
        lives in prop::collection::vec(1_i64..120, 0..6),
    ) {
        let last = Spec { kind: Kind::New, account: 0, after: Vec::new() };
        let scene = Scene::of(&[specs, vec![last]], 1, tolerance);
        let (whole, world, _) = undisturbed(&scene);
        let (report, killed, _) = with_deaths(&scene, scene.cloud(), &lives);
        prop_assert_eq!(sorted(&killed.effects), sorted(&world.effects));
        prop_assert_eq!(killed.state(), world.state());
        prop_assert_eq!(outcome(&report), outcome(&whole));
        let failures = report.failed.len() as u64;
        prop_assert_eq!(matches!(report.stop, Some(Stop::Failures { .. })), failures > tolerance);
    }
}

#[test]
fn scenes_have_their_stacks() {
    // The worlds are only worth something if they hold what the steps are about.
    let mut scene = Scene::empty();
    scene.wave(1, 0);
    scene.there("a", 0, FakeStack::settled("CREATE_COMPLETE", &template("a", 1)));
    scene.stack("a", 0, &template("a", 2), &[]);
    let (report, world, _) = undisturbed(&scene);
    assert_eq!(report.done, [("stack/a".to_owned(), How::Updated)]);
    assert_eq!(world.effects.len(), 2, "{:?}", world.effects);
}

/// A rollout of one wave with these new stacks, some of which fail.
fn wave_of(names: &[&str], concurrency: u64, failures: u64, failing: &[&str]) -> Scene {
    let mut scene = Scene::empty();
    scene.wave(concurrency, failures);
    for name in names {
        scene.stack(name, 0, &template(name, 1), &[]);
    }
    scene.failing = failing.iter().map(|name| (*name).to_owned()).collect();
    scene
}

#[test]
fn nothing_is_begun_beyond_the_tolerance_and_the_next_wave_neither() {
    let mut scene = wave_of(&["a", "b", "c", "d"], 1, 1, &["a", "b"]);
    scene.wave(1, 9);
    scene.stack("e", 0, &template("e", 1), &[]);
    let (report, world, _) = undisturbed(&scene);
    let Some(Stop::Failures { wave, failures: 2, borne: 1 }) = &report.stop else { panic!("{report:#?}") };
    assert_eq!(wave, "wave-1");
    assert_eq!(report.waiting, 3);
    let begun = world.effects.iter().filter(|effect| effect.starts_with("execute")).count();
    assert_eq!(begun, 2, "{:?}", world.effects);
}

#[test]
fn what_comes_after_a_failure_is_not_begun_in_later_waves_either() {
    let mut scene = wave_of(&["cell"], 4, 9, &["cell"]);
    scene.stack("same-wave", 0, &template("x", 1), &["stack/cell".to_owned()]);
    scene.stack("other", 0, &template("x", 1), &[]);
    scene.wave(4, 9);
    scene.stack("later", 1, &template("x", 1), &[]);
    scene.stack("after-later", 1, &template("x", 1), &["stack/later".to_owned()]);
    scene.stack("free", 1, &template("x", 1), &[]);
    scene.material.stacks.get_mut("later").unwrap().depends_on.push("cell".to_owned());
    let (report, world, _) = undisturbed(&scene);
    let skipped: BTreeSet<&str> = report.skipped.iter().map(String::as_str).collect();
    assert_eq!(skipped, BTreeSet::from(["stack/after-later", "stack/later", "stack/same-wave"]));
    let done: BTreeSet<&str> = report.done.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(done, BTreeSet::from(["stack/free", "stack/other"]));
    assert!(!world.effects.iter().any(|effect| effect.contains("later") || effect.contains("same-wave")));
}

#[test]
fn as_many_run_at_once_as_the_wave_says_and_no_more() {
    let names: Vec<String> = (0..40).map(|at| format!("s{at}")).collect();
    let mut most = 0;
    for concurrency in [1_u64, 3, 8] {
        let mut scene = Scene::empty();
        scene.wave(concurrency, 0);
        for (at, name) in names.iter().enumerate() {
            scene.stack(name, at % 4, &template(name, 1), &[]);
        }
        let (report, world, _) = undisturbed(&scene);
        assert_eq!(report.done.len(), 40);
        let concurrency = usize::try_from(concurrency).unwrap();
        assert!(world.most_overall <= concurrency, "{} > {concurrency}", world.most_overall);
        // `account_concurrency` of these scenes is 2.
        assert!(world.most_running.values().all(|most| *most <= 2), "{:?}", world.most_running);
        most = most.max(world.most_overall);
    }
    assert!(most > 1, "nothing ever ran at once, so nothing was tested");
}

#[test]
fn a_gate_waits_looks_at_its_alarms_and_stops_what_comes_after() {
    let mut scene = wave_of(&["a"], 1, 0, &[]);
    scene.gate(30, &["errors", "latency"]);
    scene.wave(1, 0);
    scene.stack("b", 0, &template("b", 1), &[]);
    let cloud = scene.cloud();
    let computer = Computer::default();
    cloud.ringing.lock().unwrap().insert("latency".to_owned());
    let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
    let Some(Stop::Alarms { alarms, .. }) = &report.stop else { panic!("{report:#?}") };
    assert_eq!(alarms, &["latency in 111111111111/eu-west-1"]);
    assert!(!cloud.world().effects.iter().any(|effect| effect.contains(" b ")));
    // Once it is silent the same command waits for the whole time again, and goes on.
    cloud.ringing.lock().unwrap().clear();
    let before = computer.clock.now.load(std::sync::atomic::Ordering::SeqCst);
    let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
    let waited = computer.clock.now.load(std::sync::atomic::Ordering::SeqCst) - before;
    assert!(report.stop.is_none(), "{report:#?}");
    assert!((30 * 60_000..33 * 60_000).contains(&waited), "{waited} ms");
    assert_eq!(report.done, [("stack/b".to_owned(), How::Created)]);
}

#[test]
fn who_asks_to_stop_gets_what_runs_ended_and_a_run_that_goes_on() {
    struct AtOnce<'a>(&'a std::sync::atomic::AtomicBool);
    impl tenantry::deploy::engine::Watch for AtOnce<'_> {
        fn happens(&self, what: tenantry::deploy::engine::Happening<'_>) {
            if matches!(what, tenantry::deploy::engine::Happening::Begun(_)) {
                self.0.store(true, std::sync::atomic::Ordering::SeqCst);
            }
        }
    }
    let scene = wave_of(&["a", "b", "c"], 1, 0, &[]);
    let (cloud, computer) = (scene.cloud(), Computer::default());
    let report = computer.run(&scene.material, &cloud, &AtOnce(&computer.stop)).unwrap();
    assert!(matches!(report.stop, Some(Stop::Asked)), "{report:#?}");
    assert_eq!((report.done.len(), report.waiting), (1, 2));
    computer.stop.store(false, std::sync::atomic::Ordering::SeqCst);
    let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
    assert_eq!((report.done.len(), report.before), (2, 1));
    assert!(report.stop.is_none());
}

fn table(name: &str, key: &str) -> String {
    let table = serde_json::json!({
        "Type": "AWS::DynamoDB::Table",
        "Properties": { "TableName": name, "KeySchema": key },
    });
    serde_json::json!({ "Resources": { "Orders": table } }).to_string()
}

#[test]
fn a_change_set_that_loses_data_is_not_executed_unless_somebody_says_so() {
    let mut scene = Scene::empty();
    scene.wave(1, 0);
    scene.there("a", 0, FakeStack::settled("CREATE_COMPLETE", &table("orders", "id")));
    scene.stack("a", 0, &table("orders-2", "id"), &[]);
    let (cloud, mut computer) = (scene.cloud(), Computer::default());
    let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
    let failure = &report.failed[0].1;
    assert_eq!(failure.code.name, "deploy/unexpected-replacement");
    assert_eq!(
        failure.message,
        "CloudFormation would replace `Orders` (AWS::DynamoDB::Table) in the stack `a` in 111111111111/eu-west-1"
    );
    assert!(failure.help.as_ref().unwrap().contains("--accept-replacement a/Orders"));
    assert!(!cloud.world().effects.iter().any(|effect| effect.starts_with("execute")));
    computer.accepted.insert("a/Orders".to_owned());
    let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
    assert_eq!(report.done, [("stack/a".to_owned(), How::Updated)]);
}

#[test]
fn what_the_deployed_template_keeps_may_leave_the_stack() {
    let kept = table("orders", "id").replace("\"Properties\"", "\"DeletionPolicy\":\"Retain\",\"Properties\"");
    let none = serde_json::json!({ "Resources": {} }).to_string();
    for (old, fine) in [(kept, true), (table("orders", "id"), false)] {
        let mut scene = Scene::empty();
        scene.wave(1, 0);
        scene.there("a", 0, FakeStack::settled("CREATE_COMPLETE", &old));
        scene.stack("a", 0, &none, &[]);
        let (report, ..) = undisturbed(&scene);
        assert_eq!(report.failed.is_empty(), fine, "{report:#?}");
    }
}

#[test]
fn a_stack_that_needs_a_person_is_left_alone_with_the_command_that_helps() {
    for (status, help) in [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("CREATE_FAILED", "delete-stack"),
        ("DELETE_FAILED", "delete-stack"),
    ] {
        let mut scene = Scene::empty();
        scene.wave(1, 0);
        scene.there("a", 0, FakeStack::settled(status, &template("a", 1)));
        scene.stack("a", 0, &template("a", 2), &[]);
        let (report, world, _) = undisturbed(&scene);
        let failure = &report.failed[0].1;
        assert_eq!(failure.code.name, "deploy/stuck-stack", "{status}");
        assert!(failure.help.as_ref().unwrap().contains(help), "{failure:?}");
        assert!(world.effects.is_empty(), "{:?}", world.effects);
    }
}

#[test]
fn a_protected_stack_is_not_deleted() {
    let mut scene = Scene::of(&[vec![Spec { kind: Kind::Delete, account: 0, after: Vec::new() }]], 1, 0);
    scene.there("s-0", 0, FakeStack::settled("UPDATE_COMPLETE", &template("s-0", 1)).protected());
    let (report, world, _) = undisturbed(&scene);
    assert!(report.failed[0].1.message.contains("TerminationProtection"), "{report:#?}");
    assert!(world.effects.is_empty());
}

#[test]
fn a_large_template_goes_through_the_bucket() {
    let mut scene = wave_of(&["a"], 1, 0, &[]);
    scene.material.rollout.template_bucket = Some("templates-{account}-{region}".to_owned());
    let cloud = fake_cloud::FakeCloud { direct: 10, ..scene.cloud() };
    let report = Computer::default().run(&scene.material, &cloud, &Nobody).unwrap();
    assert_eq!(report.done.len(), 1, "{report:#?}");
    let objects: Vec<String> = cloud.world().objects.keys().cloned().collect();
    assert!(objects[0].starts_with("https://templates-111111111111-eu-west-1.s3.eu-west-1.amazonaws.com/tenantry/"));
    scene.material.rollout.template_bucket = None;
    let mut findings = tenantry::diagnostics::Sink::new();
    let at = tenantry::diagnostics::Origin::Derived;
    tenantry::deploy::preflight::offline(&scene.material, &at, 10, 1000, &mut findings);
    let codes: Vec<&str> = findings.into_sorted().iter().map(|finding| finding.code.name).collect();
    assert_eq!(codes, ["deploy/template-size"]);
}

#[test]
fn a_new_instance_of_a_set_that_is_behind_gets_the_present_template() {
    let mut scene = Scene::empty();
    scene.wave(1, 0);
    scene.set("old", false);
    let target = rollouts::target(0);
    let work = tenantry::rollout::Work::Instance {
        set: "old".to_owned(),
        account: target.account.clone(),
        region: target.region.clone(),
        parameters: rollouts::map(&[("TenantId", "acme")]).into(),
    };
    let step = tenantry::rollout::Step { id: "instance/acme".to_owned(), work, tenant: None, after: Vec::new() };
    scene.material.rollout.waves[0].steps.push(step);
    let (report, world, _) = undisturbed(&scene);
    assert_eq!(report.done, [("instance/acme".to_owned(), How::Updated)]);
    let set = &world.sets["old"];
    assert_eq!((set.template.as_str(), set.instances[&target].0.as_str()), (template("old", 2).as_str(), "CURRENT"));
    assert_eq!(set.instances[&target].1, rollouts::map(&[("TenantId", "acme")]));
}

#[test]
fn an_instance_that_is_there_gets_the_values_of_today_once_whenever_it_is_killed() {
    let mut scene = Scene::empty();
    scene.wave(1, 0);
    scene.set("silo", true);
    let target = rollouts::target(0);
    let instance = ("CURRENT".to_owned(), rollouts::map(&[("TenantId", "acme"), ("Owner", "yesterday")]));
    scene.world.sets.get_mut("silo").unwrap().instances.insert(target.clone(), instance);
    let parameters = rollouts::map(&[("TenantId", "acme"), ("Owner", "today")]);
    let work = tenantry::rollout::Work::Instance {
        set: "silo".to_owned(),
        account: target.account.clone(),
        region: target.region.clone(),
        parameters: parameters.clone().into(),
    };
    let step = tenantry::rollout::Step { id: "instance/acme".to_owned(), work, tenant: None, after: Vec::new() };
    scene.material.rollout.waves[0].steps.push(step);
    let will = |scene: &Scene| foreseen(scene, &scene.cloud())["instance/acme"].will;
    assert_eq!(will(&scene), Some(Will::Update));
    let (report, world, moments) = undisturbed(&scene);
    assert_eq!(will(&Scene { world: world.clone(), ..scene.clone() }), Some(Will::Leave));
    assert_eq!(report.done, [("instance/acme".to_owned(), How::Updated)]);
    assert_eq!(world.sets["silo"].instances[&target], ("CURRENT".to_owned(), parameters));
    assert_eq!(world.effects.len(), 1, "{:?}", world.effects);
    for moment in 1..moments {
        let (_, killed, _) = with_deaths(&scene, scene.cloud(), &[moment]);
        assert_eq!((killed.state(), killed.effects), (world.state(), world.effects.clone()), "killed at {moment}");
    }
}

#[test]
fn everything_that_is_in_the_way_is_said_before_anything_is_begun() {
    use tenantry::deploy::cloud::CloudErrorKind::{Denied, Region};
    let mut scene = Scene::empty();
    scene.wave(1, 0);
    for account in 0..3 {
        scene.stack(&format!("s{account}"), account, &template("a", 1), &[]);
    }
    let closed = [(rollouts::target(0), Region), (rollouts::target(2), Denied)];
    let cloud = fake_cloud::FakeCloud { closed: closed.into_iter().collect(), ..scene.cloud() };
    let (mut findings, clock) = (tenantry::diagnostics::Sink::new(), fake_cloud::FakeClock::default());
    let caller = tenantry::deploy::preflight::online(&cloud, &clock, &scene.material.targets(), &mut findings);
    assert_eq!(caller.as_deref(), Some("999999999999"));
    let codes: Vec<&str> = findings.into_sorted().iter().map(|finding| finding.code.name).collect();
    assert_eq!(codes, ["deploy/access", "deploy/region"]);
    assert!(cloud.world().effects.is_empty());
}

#[test]
fn versions_and_drift_are_read_from_what_is_there() {
    use tenantry::deploy::drift::{self, Found};
    use tenantry::deploy::fleet::{FleetStack, Owner};
    use tenantry::deploy::status::{self, Standing};
    use tenantry::rollout::SetKey;
    let names = ["current", "behind", "failed", "absent"];
    let mut scene = wave_of(&names[..3], 1, 9, &["failed"]);
    let cloud = scene.cloud();
    Computer::default().run(&scene.material, &cloud, &Nobody).unwrap();
    scene.stack("behind", 0, &template("behind", 2), &[]);
    scene.stack("absent", 0, &template("absent", 1), &[]);
    // Another tool has deployed this one, as the assembly has it; and this one with another template.
    for (name, version) in [("foreign", 1), ("stranger", 2)] {
        scene.stack(name, 0, &template("x", 1), &[]);
        let stack = FakeStack::settled("CREATE_COMPLETE", &template("x", version));
        let item = &scene.material.stacks[name];
        let stack = stack.with(&item.parameters, &item.tags);
        cloud.world().stacks.insert((item.target.clone(), name.to_owned()), stack);
    }
    // A stack set has made these two, under a name of its own, and one as it was before.
    let key = |name: &str| {
        let (product, environment) = ("fleet".to_owned(), "prod".to_owned());
        SetKey { product, environment, tier: "basic".to_owned(), template: format!("{name}.json"), bits: 77 }
    };
    for (name, version) in [("instance", 1), ("instance-behind", 2)] {
        scene.stack(name, 0, &template("x", 1), &[]);
        let item = &scene.material.stacks[name];
        let stack = FakeStack::settled("UPDATE_COMPLETE", &template("x", version));
        let stack = stack.with(&item.parameters, &BTreeMap::new());
        let called = format!("StackSet-{}-3c5e0b1a-8f0e-4c50-9d2e-0f6b4f1f2a11", key(name).name(8));
        cloud.world().stacks.insert((item.target.clone(), called), stack);
    }
    let fleet: Vec<FleetStack> = scene
        .material
        .stacks
        .values()
        .map(|item| FleetStack {
            owner: Owner::Tenant(item.name.clone()),
            tier: "basic".to_owned(),
            item: item.clone(),
            set: (item.name != "foreign").then(|| key(&item.name)),
        })
        .collect();
    let clock = fake_cloud::FakeClock::default();
    let template = |path: &str| scene.material.files.get(path).map(ToString::to_string);
    let told = status::look(&cloud, &clock, &fleet, &template);
    let standings: Vec<(&str, Standing)> = told.iter().map(|stack| (stack.stack.as_str(), stack.standing)).collect();
    assert_eq!(
        standings,
        [
            ("absent", Standing::Absent),
            ("behind", Standing::Behind),
            ("current", Standing::Current),
            ("failed", Standing::Failed),
            ("foreign", Standing::Current),
            ("instance", Standing::Current),
            ("instance-behind", Standing::Behind),
            ("stranger", Standing::Behind),
        ]
    );
    assert!(status::is_skewed(&told));
    let found = drift::look(&cloud, &clock, &fleet, &|| {});
    let drifts: Vec<Found> = found.iter().map(|stack| stack.drift).collect();
    use Found::{Absent, Drifted, InSync};
    assert_eq!(drifts, [Absent, InSync, InSync, Drifted, InSync, InSync, InSync, InSync]);
    assert_eq!(found[3].resources[0].properties, ["/BillingMode"]);
}

/// Writes down what is said of waiting.
#[derive(Default)]
struct Listener(std::sync::Mutex<Vec<(String, u64, String)>>);

impl tenantry::deploy::engine::Watch for Listener {
    fn happens(&self, what: tenantry::deploy::engine::Happening<'_>) {
        use tenantry::deploy::engine::Happening::{Again, Blind};
        let said = match what {
            Again(step, waited, why) => (step.to_owned(), waited / 60_000, why.to_owned()),
            Blind(wave, waited, why) => (wave.wave.clone(), waited / 60_000, why.to_owned()),
            _ => return,
        };
        self.0.lock().unwrap().push(said);
    }
}

/// What is said of waiting while a scene is carried out with so many refused calls of an operation.
fn said_while_throttled(scene: &Scene, operation: &'static str, calls: u32) -> (Report, Vec<(String, u64, String)>) {
    let cloud = scene.cloud();
    cloud.throttled.lock().unwrap().insert(operation, calls);
    let listener = Listener::default();
    let report = Computer::default().run(&scene.material, &cloud, &listener).unwrap();
    (report, listener.0.into_inner().unwrap())
}

#[test]
fn nobody_watches_a_silent_terminal_while_calls_are_repeated() {
    let throttled = |operation: &str| format!("`{operation}` failed with `Throttling`: Rate exceeded");
    for operation in ["cloudformation:DescribeStacks", "cloudformation:CreateChangeSet"] {
        let scene = wave_of(&["a"], 1, 0, &[]);
        // A few are nothing to speak of.
        let (report, said) = said_while_throttled(&scene, operation, 3);
        assert_eq!((report.done.len(), said.len()), (1, 0), "{said:?}");
        let (report, said) = said_while_throttled(&scene, operation, 20);
        assert_eq!(report.done.len(), 1, "{report:#?}");
        assert!(said.iter().all(|(step, _, why)| step == "stack/a" && *why == throttled(operation)), "{said:?}");
        let minutes: Vec<u64> = said.iter().map(|(_, minutes, _)| *minutes).collect();
        assert_eq!(minutes.first(), Some(&1));
        assert!(minutes.len() >= 3 && minutes.windows(2).all(|pair| pair[1] >= 2 * pair[0]), "{minutes:?}");
    }
    // What another does to the stack.
    let mut scene = Scene::empty();
    scene.wave(1, 0);
    let stack = FakeStack::settled("UPDATE_COMPLETE", &template("a", 1)).moving("UPDATE_IN_PROGRESS", 12);
    scene.there("a", 0, stack);
    scene.stack("a", 0, &template("a", 2), &[]);
    let (report, said) = said_while_throttled(&scene, "", 0);
    assert_eq!(report.done.len(), 1);
    assert!(said.len() >= 2 && said.len() <= 4, "{said:?}");
    assert_eq!(said[0].2, "something else changes the stack `a`");
}

#[test]
fn a_gate_that_cannot_be_looked_at_says_so_at_once_and_then_from_time_to_time() {
    let mut scene = wave_of(&["a"], 1, 0, &[]);
    scene.gate(5, &["errors"]);
    let operation = "cloudwatch:DescribeAlarms";
    let (report, said) = said_while_throttled(&scene, operation, 20);
    assert!(report.stop.is_none(), "{report:#?}");
    assert!(said.iter().all(|(wave, _, why)| wave == "wave-1" && why.contains(operation)), "{said:?}");
    let minutes: Vec<u64> = said.iter().map(|(_, minutes, _)| *minutes).collect();
    assert_eq!(minutes[..2], [0, 1]);
    assert!(minutes.len() >= 4 && minutes[1..].windows(2).all(|pair| pair[1] >= 2 * pair[0]), "{minutes:?}");
    // In the end it gives up.
    let (report, said) = said_while_throttled(&scene, operation, u32::MAX);
    let Some(Stop::Gate { reason, .. }) = &report.stop else { panic!("{report:#?}") };
    assert!(reason.contains(operation) && said.len() >= 5, "{said:?}");
}

#[test]
fn what_cloudformation_took_and_never_begins_fails_after_minutes_and_is_asked_anew() {
    let minutes = |scene: &Scene, call: &'static str| {
        let cloud = fake_cloud::FakeCloud { forgotten: BTreeSet::from([call]), ..scene.cloud() };
        let computer = Computer::default();
        let report = computer.run(&scene.material, &cloud, &Nobody).unwrap();
        let waited = computer.clock.now.load(std::sync::atomic::Ordering::SeqCst) / 60_000;
        assert!((10..14).contains(&waited), "{call}: {waited} minutes");
        // The same command, once CloudFormation is itself again.
        let cloud = fake_cloud::FakeCloud { forgotten: BTreeSet::new(), ..cloud };
        let again = computer.run(&scene.material, &cloud, &Nobody).unwrap();
        assert_eq!(again.done.len(), 1, "{again:#?}");
        (report.failed[0].1.clone(), again.done[0].1)
    };
    let (failure, how) = minutes(&wave_of(&["a"], 1, 9, &[]), "cloudformation:ExecuteChangeSet");
    assert_eq!(
        failure.message,
        "CloudFormation took `ExecuteChangeSet` for the stack `a` in 111111111111/eu-west-1 and has not begun after 10 \
         minutes"
    );
    assert!(failure.help.unwrap().contains("describe-change-set --stack-name a --change-set-name tenantry-"));
    assert_eq!(how, How::Created);
    let scene = Scene::of(&[vec![Spec { kind: Kind::Delete, account: 0, after: Vec::new() }]], 1, 9);
    let (failure, how) = minutes(&scene, "cloudformation:DeleteStack");
    assert!(
        failure.message.starts_with("CloudFormation took `DeleteStack` for `s-0` and shows nothing"),
        "{failure:?}"
    );
    assert_eq!(how, How::Deleted);
}

#[test]
fn what_cannot_be_seen_is_not_foreseen_and_says_why() {
    let scene = Scene::of(&one_of_each(), 4, 9);
    let cloud = scene.cloud();
    let blind = ["cloudformation:DescribeStackSet", "organizations:ListPolicies", "cloudformation:DescribeStacks"];
    cloud.throttled.lock().unwrap().extend(blind.map(|operation| (operation, u32::MAX)));
    let foreseen = foreseen(&scene, &cloud);
    let unknown: BTreeSet<usize> = foreseen
        .iter()
        .filter(|(_, foreseen)| foreseen.will.is_none())
        .map(|(id, foreseen)| {
            assert!(foreseen.problem.as_ref().unwrap().contains("Rate exceeded"), "{foreseen:?}");
            id.strip_prefix("stack/s-").unwrap().parse().unwrap()
        })
        .collect();
    // Unit and account can be seen.
    assert_eq!(unknown, (0..18).filter(|number| ![10, 14].contains(number)).collect());
    // Of an operation on instances it is told in how many accounts there is something to do.
    let mut scene = Scene::empty();
    scene.wave(1, 0);
    let set = scene.set("old", true);
    let accounts = ["1", "2", "3"].map(str::to_owned).to_vec();
    for (account, status) in accounts.iter().zip(["CURRENT", "OUTDATED", "CURRENT"]) {
        let target = tenantry::deploy::cloud::Target { account: account.clone(), region: "eu-west-1".to_owned() };
        let instances = &mut scene.world.sets.get_mut("old").unwrap().instances;
        instances.insert(target, (status.to_owned(), BTreeMap::new()));
    }
    let work = tenantry::rollout::Work::UpdateInstances { set, accounts, regions: vec!["eu-west-1".to_owned()] };
    let step = tenantry::rollout::Step { id: "u".to_owned(), work, tenant: None, after: Vec::new() };
    scene.material.rollout.waves[0].steps.push(step);
    let found = self::foreseen(&scene, &scene.cloud());
    assert_eq!((found["u"].will, found["u"].accounts), (Some(Will::Update), Some(1)));
}
