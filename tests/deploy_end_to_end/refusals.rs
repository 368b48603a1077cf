//! What keeps a deployment from beginning, and what ends one early, each with its code.

use std::fs::File;
use std::process::Output;

use serde_json::{Value, json};

use crate::engine::REGION;
use crate::fleet::{Fleet, text};
use crate::proxy::{Fault, Rule, in_cbor};
use crate::story::{FIRST, ROLE, SECOND, json};

#[track_caller]
fn is_refused(output: &Output, code: &str, words: &[&str]) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("error[{code}]")), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
}

#[test]
fn nothing_is_begun_without_credentials_a_tenant_that_is_there_or_a_journal_of_its_own() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    let mut command = fleet.tenantry(&FIRST);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    is_refused(&command.output().unwrap(), "deploy/credentials", &["aws sso login"]);

    let status = fleet.run(&["status", "--assembly", "v1", "--tenant", "silver-00", "--role", ROLE]);
    is_refused(&status, "deploy/unknown-tenant", &["there is no tenant `silver-00`", "did you mean `silver-0"]);
    let drift = fleet.run(&["drift", "--assembly", "v1", "--tier", "sliver", "--role", ROLE]);
    is_refused(&drift, "deploy/unknown-tenant", &["there is no tier `sliver`", "did you mean `silver`?"]);
    assert!(!fleet.path("1.journal.jsonl").exists());

    // One wave, so that there is a journal.
    fleet.fine(&[&FIRST[..], &["--until", "organization"]].concat());
    let before = fleet.effects().len();
    let other = fleet.run(&[&SECOND[..], &["--journal", "1.journal.jsonl"]].concat());
    is_refused(&other, "deploy/journal", &["the journal belongs to another rollout", "`--journal FILE`"]);

    let held = File::options().append(true).open(fleet.path("1.journal.jsonl")).unwrap();
    held.try_lock().unwrap();
    is_refused(&fleet.run(&FIRST), "deploy/busy", &["another run uses the journal `1.journal.jsonl`"]);
    drop(held);
    assert_eq!(fleet.effects().len(), before);
}

#[test]
fn credentials_that_expire_on_the_way_end_the_run_and_the_next_goes_on() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    // What has begun by then is told to AWS; whoever asks after that gets no answer but this one.
    let expired = "The security token included in the request is expired";
    fleet.proxy.add(Rule::on("ExecuteChangeSet", Fault::Error(403, "ExpiredToken", expired)).about("fleet-gold"));
    is_refused(&fleet.run(&FIRST), "deploy/credentials", &[expired, "the same command goes on from the journal"]);
    let before = fleet.effects();
    fleet.proxy.calm();
    let said = fleet.fine(&FIRST);
    assert!(said.contains("done before"), "{said}");
    assert!(fleet.effects()[before.len()..].iter().all(|effect| !before.contains(effect)));
    fleet.assert_no_credentials();
}

#[test]
fn an_alarm_that_rings_stops_the_rollout_at_its_gate() {
    let Some(fleet) = Fleet::new() else { return };
    fleet.prepare();
    let mut rollout = json(&fleet.path("1.json"));
    let wave = &mut rollout["waves"][1];
    let name = wave["wave"].as_str().unwrap().to_owned();
    let account = fleet.accounts[0].clone();
    wave["gate"] = json!({ "bakeMinutes": 0, "alarms": [{ "name": "errors", "account": account, "region": REGION }] });
    serde_json::to_writer(File::create(fleet.path("1.json")).unwrap(), &rollout).unwrap();

    // Moto does not speak with the SDK about alarms.
    let alarm = |alarms: Value| {
        let answer = in_cbor(&json!({ "MetricAlarms": alarms, "CompositeAlarms": [] }));
        fleet.proxy.add(Rule::on("DescribeAlarms", Fault::instead(move |_| answer.clone())));
    };
    // A gate does not open because nobody watches.
    alarm(json!([]));
    let words =
        [format!("the alarms after wave `{name}` cannot be looked at"), "there is no alarm `errors`".to_owned()];
    is_refused(&fleet.run(&FIRST), "deploy/alarm", &words.each_ref().map(String::as_str));

    fleet.proxy.calm();
    alarm(json!([{ "AlarmName": "errors", "StateValue": "ALARM" }]));
    let before = fleet.effects().len();
    let rings = format!("after wave `{name}` errors in {account}/{REGION} rings");
    is_refused(&fleet.run(&FIRST), "deploy/alarm", &[&rings, "the same command waits for the gate again and goes on"]);
    assert_eq!(fleet.effects().len(), before, "nothing is begun behind a gate that is closed");
    let journal = std::io::read_to_string(File::open(fleet.path("1.journal.jsonl")).unwrap()).unwrap();
    let last: Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    assert_eq!(last["run"], "stopped");

    // CloudWatch is in trouble for a while, longer than the SDK has patience; whoever watches hears of it at once.
    fleet.proxy.calm();
    for nth in 1..=4 {
        fleet.proxy.add(Rule::on("DescribeAlarms", Fault::Error(503, "ServiceUnavailable", "later")).nth(nth));
    }
    alarm(json!([{ "AlarmName": "errors", "StateValue": "OK" }]));
    let said = fleet.fine(&FIRST);
    let blind =
        format!("gate of wave `{name}`: no look at its alarms, tried again from now on: `cloudwatch:DescribeAlarms`");
    assert_eq!(said.matches(&blind).count(), 1, "{said}");
}
