//! Rollouts that are carried out in an AWS in memory: what a run does, where it stops, and that one that is killed and
//! begun again ends where an undisturbed one does, with nothing done twice.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "support/fake_cloud.rs"]
mod fake_cloud;
#[path = "support/rollouts.rs"]
mod rollouts;

use std::collections::BTreeSet;

use proptest::prelude::*;
use tenantry::deploy::engine::{Report, Stop};
use tenantry::deploy::journal::How;

use fake_cloud::{FakeStack, World};
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
