//! What happens to the fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::engine::{REGION, element};
use crate::fleet::{Fleet, text};
use crate::http::Answer;
use crate::proxy::{Call, Fault, Rule, put};

/// Numbers that look random, and are the same from the same seed.
struct Dice(u64);

impl Dice {
    /// With the seed that the environment says, or one that nobody knows before.
    #[expect(
        clippy::disallowed_methods,
        reason = "the calls after which a program dies are others in each run of the test"
    )]
    fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = std::env::var("TENANTRY_SEED").map_or(now.as_secs(), |seed| seed.parse().unwrap());
        println!("TENANTRY_SEED={seed}");
        Self(seed)
    }

    fn throw(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// What differs between two states, without the texts of templates.
#[track_caller]
fn assert_same(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>, when: &str) {
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let short = |text: Option<&String>| text.map(|text| text.chars().take(900).collect::<String>());
    for key in keys {
        assert!(
            left.get(key) == right.get(key),
            "{when}: {key}\n{:?}\n{:?}",
            short(left.get(key)),
            short(right.get(key))
        );
    }
}

#[track_caller]
fn assert_once(effects: &[String], when: &str) {
    let mut seen = BTreeSet::new();
    for effect in effects {
        assert!(seen.insert(effect), "{when}: done twice: {}", effect.chars().take(400).collect::<String>());
    }
}

/// Who looks at the accounts; `deploy` has this role from its rollout.
pub(crate) const ROLE: &str = "arn:{partition}:iam::{account}:role/deployer";
pub(crate) const FIRST: [&str; 6] = ["deploy", "1.json", "--assembly", "v1", "--first-wait", "20"];
pub(crate) const SECOND: [&str; 6] = ["deploy", "2.json", "--assembly", "v2", "--first-wait", "20"];

/// Lets the next change of a stack fail, as CloudFormation takes it back: what was executed is not done, and the stack, its
/// change set and its events say so.
fn roll_back(fleet: &Fleet, stack: &str) {
    let (change_set, executed) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicBool::new(false)));
    let kept = Arc::clone(&change_set);
    let made = move |_: &Call, answer: Answer| {
        *kept.lock().unwrap() = element(&answer.text(), "Id").unwrap();
        answer
    };
    fleet.proxy.add(Rule::on("CreateChangeSet", Fault::rewrite(made)).about(stack));
    let begun = Arc::clone(&executed);
    let begins = move |call: &Call| {
        begun.store(true, Ordering::SeqCst);
        call.result("")
    };
    fleet.proxy.add(Rule::on("ExecuteChangeSet", Fault::instead(begins)).about(stack));
    let (begun, failed) = (Arc::clone(&executed), Arc::clone(&change_set));
    let shows = move |_: &Call, mut answer: Answer| {
        if begun.load(Ordering::SeqCst) {
            let text = put(&answer.text(), "StackStatus", "UPDATE_ROLLBACK_COMPLETE");
            assert!(text.contains("<ChangeSetId>"), "{text}");
            answer.body = put(&text, "ChangeSetId", &failed.lock().unwrap()).into_bytes();
        }
        answer
    };
    fleet.proxy.add(Rule::on("DescribeStacks", Fault::rewrite(shows)).about(stack));
    let tells = move |_: &Call, mut answer: Answer| {
        if executed.load(Ordering::SeqCst) {
            answer.body = put(&answer.text(), "ExecutionStatus", "EXECUTE_FAILED").into_bytes();
        }
        answer
    };
    fleet.proxy.add(Rule::on("DescribeChangeSet", Fault::rewrite(tells)).about(stack));
    let events = |call: &Call| {
        call.result(
            "<StackEvents><member><EventId>1</EventId><StackId>s</StackId><StackName>s</StackName>\
             <LogicalResourceId>Jobs</LogicalResourceId><ResourceType>AWS::SQS::Queue</ResourceType>\
             <Timestamp>2026-11-21T00:00:00Z</Timestamp><ResourceStatus>UPDATE_FAILED</ResourceStatus>\
             <ResourceStatusReason>the queue was deleted recently</ResourceStatusReason></member></StackEvents>",
        )
    };
    fleet.proxy.add(Rule::on("DescribeStackEvents", Fault::instead(events)).about(stack));
}

#[test]
fn a_fleet_is_deployed_and_updated_and_a_failure_stops_its_wave() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    // Nothing there yet; a dry run changes nothing.
    let verbs = |said: &str| -> BTreeMap<String, usize> {
        let steps = said.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with("then "));
        let mut verbs = BTreeMap::new();
        steps.for_each(|step| *verbs.entry(step.split(' ').next().unwrap().to_owned()).or_default() += 1);
        verbs
    };
    let dry = |run: &[&str]| fleet.fine(&[run, &["--dry-run"]].concat());
    let said = dry(&FIRST);
    let found = verbs(&said);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["attach", "create", "move"], "{said}");
    assert!(said.contains("  create instance of `fleet-platinum-") && said.contains("  create unit `"), "{said}");
    assert_eq!(fleet.effects(), Vec::<String>::new());

    fleet.proxy.take_time(2);
    fleet.fine(&FIRST);
    fleet.proxy.take_time(0);
    let first = fleet.state();
    let count = |kind: &str| first.keys().filter(|key| key.starts_with(kind)).count();
    // The pool, and one for each of twenty silo tenants.
    assert_eq!(count("stack "), 21, "{:?}", first.keys());
    assert_eq!((count("set "), count("instance ")), (2, 6));
    assert_eq!((count("unit "), count("account ")), (4, 8), "{:?}", first.keys());
    // The one that moto attaches to all, and the guardrail of each tier.
    assert_eq!(count("policy SERVICE_CONTROL_POLICY "), 5, "{:?}", first.keys());
    assert_once(&fleet.effects(), "first deployment");
    let same = fleet.run(&["status", "--assembly", "v1", "--exit-code", "--role", ROLE]);
    assert_eq!(same.status.code(), Some(0), "{}", text(&same));

    // What was done is not done again.
    let before = fleet.effects().len();
    fleet.fine(&FIRST);
    assert_eq!(fleet.effects().len(), before);

    let said = dry(&FIRST);
    assert_eq!(verbs(&said), BTreeMap::from([("leave".to_owned(), found.values().sum())]), "{said}");
    let said = dry(&SECOND);
    assert_eq!(verbs(&said).into_keys().collect::<Vec<_>>(), ["update"], "{said}");
    assert!(said.contains("  update the instances of `fleet-platinum-"), "{said}");
    assert_eq!(fleet.effects().len(), before);

    // Everybody is behind the next version.
    let skew = fleet.run(&["status", "--assembly", "v2", "--exit-code", "--tenants", "--role", ROLE]);
    assert_eq!(skew.status.code(), Some(4), "{}", text(&skew));
    assert!(text(&skew).contains("silver-0"), "{}", text(&skew));

    // One of the first silver tenants fails, and CloudFormation takes it back.
    let rollout = json(&fleet.path("2.json"));
    let waves = rollout["waves"].as_array().unwrap();
    let at = waves.iter().position(|wave| wave["wave"].as_str().unwrap().starts_with("silver")).unwrap();
    let step = &waves[at]["steps"][0];
    let stack = step["stack"].as_str().unwrap().to_owned();
    roll_back(&fleet, &stack);
    let stopped = fleet.run(&SECOND);
    let said = text(&stopped);
    assert_eq!(stopped.status.code(), Some(1), "{said}");
    assert!(said.contains(&stack) && said.contains("the queue was deleted recently"), "{said}");
    let later: Vec<&str> = waves[at + 1..]
        .iter()
        .flat_map(|wave| wave["steps"].as_array().unwrap())
        .filter_map(|step| step["stack"].as_str())
        .collect();
    assert!(!later.is_empty());
    let effects = fleet.effects();
    for stack in later {
        assert!(!effects[before..].iter().any(|effect| effect.contains(stack)), "{stack} is of a later wave");
    }
    let skew = fleet.run(&["status", "--assembly", "v2", "--exit-code", "--tenants", "--role", ROLE]);
    assert_eq!(skew.status.code(), Some(4), "{}", text(&skew));

    // What was in the way is gone: the same command tries again what failed, and goes on to the end.
    fleet.proxy.calm();
    fleet.fine(&SECOND);
    let same = fleet.run(&["status", "--assembly", "v2", "--exit-code", "--role", ROLE]);
    assert_eq!(same.status.code(), Some(0), "{}", text(&same));
    assert_once(&fleet.effects(), "after a failure");
    let second = fleet.state();
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, what) in &first {
        let is_another = name.starts_with("instance ") && second[name].contains("cc-200");
        let is_changed = name.starts_with("stack ") || name.starts_with("set ") || is_another;
        assert_eq!(second[name] != *what, is_changed, "{name}");
    }
    // The tenant whose value is another has it; `status` above has held its stack against it.
    let mut with_it = second.iter().filter(|(name, what)| name.starts_with("instance ") && what.contains("cc-200"));
    assert!(with_it.next().is_some() && with_it.next().is_none(), "{second:#?}");
    fleet.assert_no_credentials();
}

/// Nothing is done twice, and all ends as it does undisturbed, however often the program is killed.
#[test]
fn a_run_that_is_killed_fifty_times_ends_as_an_undisturbed_one() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    let mut whole = Vec::new();
    for run in [FIRST, SECOND] {
        fleet.fine(&run);
        whole.push((fleet.state(), fleet.effects()));
    }
    assert_once(&whole[1].1, "undisturbed");
    let mut dice = Dice::new();
    let (mut kills, mut rounds) = (Vec::new(), 0);
    while kills.len() < 50 {
        rounds += 1;
        assert!(rounds <= 12, "{} kills in {rounds} rounds: it is not killed often enough", kills.len());
        fleet.begin();
        fleet.forget_journals();
        for (version, (state, effects)) in (1..).zip(&whole) {
            kills.extend(fleet.deploy_killed(version, &mut || dice.throw(50)));
            let when = format!("version {version}, round {rounds}, {} kills", kills.len());
            assert_same(state, &fleet.state(), &when);
            let found = fleet.effects();
            assert_once(&found, &when);
            assert_eq!(found.len(), effects.len(), "{when}");
        }
        fleet.assert_no_credentials();
    }
    let mut where_it_died: BTreeMap<&str, usize> = BTreeMap::new();
    kills.iter().for_each(|operation| *where_it_died.entry(operation).or_default() += 1);
    println!("{} kills in {rounds} rounds, by the last call before: {where_it_died:?}", kills.len());
    assert!(where_it_died.len() >= 6, "it dies always at the same: {where_it_died:?}");
}

#[test]
fn throttling_failures_and_lost_answers_change_nothing_about_the_end() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    let states = [FIRST, SECOND].map(|run| {
        fleet.fine(&run);
        fleet.state()
    });
    fleet.begin();
    fleet.forget_journals();
    let first = [
        ("DescribeStacks", 3, Fault::Throttle),
        ("DescribeStacks", 4, Fault::Throttle),
        ("CreateChangeSet", 1, Fault::Throttle),
        ("CreateChangeSet", 2, Fault::FailsAfter),
        ("CreateChangeSet", 4, Fault::Error(503, "ServiceUnavailable", "later")),
        ("CreateChangeSet", 6, Fault::ResetAfter),
        ("ExecuteChangeSet", 1, Fault::ResetAfter),
        ("ExecuteChangeSet", 3, Fault::FailsAfter),
        ("ExecuteChangeSet", 5, Fault::Reset),
        ("DescribeChangeSet", 2, Fault::Error(500, "InternalFailure", "oops")),
        ("CreateStackSet", 1, Fault::FailsAfter),
        ("CreateStackInstances", 1, Fault::ResetAfter),
        ("CreateStackInstances", 3, Fault::Throttle),
        ("CreateOrganizationalUnit", 1, Fault::FailsAfter),
        ("CreatePolicy", 1, Fault::ResetAfter),
        ("AttachPolicy", 1, Fault::FailsAfter),
        ("MoveAccount", 1, Fault::ResetAfter),
    ];
    let second = [
        ("CreateChangeSet", 1, Fault::ResetAfter),
        ("ExecuteChangeSet", 2, Fault::FailsAfter),
        ("DescribeStackSetOperation", 2, Fault::Error(503, "ServiceUnavailable", "later")),
        ("UpdateStackSet", 1, Fault::ResetAfter),
        ("UpdateStackSet", 3, Fault::Throttle),
        ("UpdateStackSet", 5, Fault::FailsAfter),
    ];
    for (run, state, faults) in [(FIRST, &states[0], &first[..]), (SECOND, &states[1], &second[..])] {
        for (operation, nth, fault) in faults {
            fleet.proxy.add(Rule::on(operation, fault.clone()).nth(*nth));
        }
        let before = fleet.proxy.count();
        // The program asks again by itself, so one run is enough.
        fleet.fine(&run);
        let calls = fleet.proxy.calls().split_off(before);
        let befell = calls.iter().filter(|call| call.fault.is_some_and(|fault| fault != "again")).count();
        assert_eq!(befell, faults.len(), "{faults:?}");
        assert_same(state, &fleet.state(), "after faults");
        assert_once(&fleet.effects(), "after faults");
        fleet.proxy.calm();
    }
    fleet.assert_no_credentials();
}

/// What stands in a file in JSON.
pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_reader(std::fs::File::open(path).unwrap()).unwrap()
}

#[test]
fn quotas_and_half_failed_operations_are_told_with_their_reasons_and_mended_by_the_same_command() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    fleet.fine(&FIRST);
    fleet.fine(&SECOND);
    let whole = fleet.state();
    fleet.begin();
    fleet.forget_journals();

    let quota = "Limit for stack has been exceeded";
    fleet
        .proxy
        .add(Rule::on("CreateChangeSet", Fault::Error(400, "LimitExceededException", quota)).about("fleet-silver"));
    let output = fleet.run(&FIRST);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains(quota) && text(&output).contains("raise the quota"), "{}", text(&output));
    fleet.proxy.calm();
    fleet.fine(&FIRST);

    // In one of the accounts of an operation it fails, in the others it does not.
    let rollout = json(&fleet.path("2.json"));
    let steps = rollout["waves"].as_array().unwrap().iter().flat_map(|wave| wave["steps"].as_array().unwrap());
    let step = steps
        .filter(|step| step["do"] == "update-instances")
        .find(|step| step["accounts"].as_array().unwrap().len() > 1)
        .expect("no operation is about more than one account");
    let accounts: Vec<&str> = step["accounts"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    fleet.proxy.fail_instance(accounts[0], "Account should have a role");
    let output = fleet.run(&SECOND);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains(&format!("{}/{REGION}: Account should have a role", accounts[0])), "{said}");
    assert!(said.contains("error[deploy/step-failed]") && said.contains("error[deploy/stopped]"), "{said}");
    assert!(said.contains("1 instance of the stack set"), "{said}");
    let before = fleet.effects().len();
    fleet.fine(&SECOND);
    // Only what is outdated is updated again.
    let updates: Vec<String> =
        fleet.effects().split_off(before).into_iter().filter(|effect| effect.starts_with("UpdateStackSet ")).collect();
    assert!(updates[0].contains(accounts[0]), "{updates:?}");
    assert!(accounts[1..].iter().all(|account| !updates[0].contains(account)), "{updates:?}");
    assert_same(&whole, &fleet.state(), "after failures");
    fleet.assert_no_credentials();
}

#[test]
fn drift_is_looked_for_and_told() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    fleet.fine(&FIRST);
    let id = "5eb4b9a0-0000-0000-0000-000000000000";
    let begun =
        move |call: &crate::proxy::Call| call.result(&format!("<StackDriftDetectionId>{id}</StackDriftDetectionId>"));
    fleet.proxy.add(Rule::on("DetectStackDrift", Fault::instead(begun)));
    fleet.proxy.add(Rule::on("DescribeStackDriftDetectionStatus", Fault::instead(move |call| {
        call.result(&format!(
            "<StackId>s</StackId><StackDriftDetectionId>{id}</StackDriftDetectionId><StackDriftStatus>DRIFTED</StackDriftStatus>\
             <DetectionStatus>DETECTION_COMPLETE</DetectionStatus><DriftedStackResourceCount>1</DriftedStackResourceCount>\
             <Timestamp>2026-11-21T00:00:00Z</Timestamp>"
        ))
    })));
    fleet.proxy.add(Rule::on("DescribeStackResourceDrifts", Fault::instead(|call| {
        call.result(
            "<StackResourceDrifts><member><StackId>s</StackId><LogicalResourceId>JobsQueue</LogicalResourceId>\
             <ResourceType>AWS::SQS::Queue</ResourceType><StackResourceDriftStatus>MODIFIED</StackResourceDriftStatus>\
             <PropertyDifferences><member><PropertyPath>/MessageRetentionPeriod</PropertyPath><ExpectedValue>1</ExpectedValue>\
             <ActualValue>2</ActualValue><DifferenceType>NOT_EQUAL</DifferenceType></member></PropertyDifferences>\
             <Timestamp>2026-11-21T00:00:00Z</Timestamp></member></StackResourceDrifts>",
        )
    })));
    let output = fleet.run(&["drift", "--assembly", "v1", "--tenant", "silver-0", "--exit-code", "--role", ROLE]);
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("JobsQueue") && said.contains("MessageRetentionPeriod"), "{said}");
    assert!(!fleet.tenant("v1", "silver-0")["stacks"].as_array().unwrap().is_empty());
}
