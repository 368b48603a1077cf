//! The tests' own means: engines start and end, and the proxy does what it was told.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::engine::{Engine, LOCALSTACK_ACCOUNT, MOTO_ACCOUNT, SECRET, element, elements, encoded, tool};
use super::http::Answer;
use super::proxy::{Fault, Proxy, Rule, put};

const QUEUE: &str = r#"{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}}}"#;

fn aws(engine: &Engine, proxy: &Proxy, arguments: &[&str]) -> (bool, String) {
    let mut command = engine.client_by(tool("target/tools/awscli/bin/aws"), proxy.port());
    command.env("AWS_MAX_ATTEMPTS", "1").args(["--output", "json"]).args(arguments);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), text)
}

fn create(engine: &Engine, name: &str) -> Answer {
    engine.ask("cloudformation", "CreateStack", &[("StackName", name), ("TemplateBody", QUEUE)])
}

fn statuses(engine: &Engine) -> Vec<String> {
    elements(&engine.ask("cloudformation", "DescribeStacks", &[]).text(), "StackStatus")
}

/// Whether a process is there and no zombie.
fn is_alive(process: u32) -> bool {
    let Ok(bytes) = std::fs::File::open(format!("/proc/{process}/stat")) else { return false };
    let text = std::io::read_to_string(bytes).unwrap_or_default();
    !text.is_empty() && !text.contains(") Z ")
}

fn wait_for_end(process: u32) {
    let begun = Instant::now();
    while is_alive(process) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{process} outlives its test");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn moto_starts_forgets_and_ends() {
    let Some(engine) = Engine::moto() else { return };
    assert_eq!(create(&engine, "one").status, 200, "{}", engine.said());
    assert_eq!(statuses(&engine), ["CREATE_COMPLETE"]);
    engine.reset();
    assert!(statuses(&engine).is_empty());
    let process = engine.process();
    assert!(is_alive(process));
    drop(engine);
    wait_for_end(process);
}

#[test]
fn an_engine_ends_with_a_test_that_panics() {
    let Some(engine) = Engine::moto() else { return };
    let process = engine.process();
    let ended = std::thread::spawn(move || {
        assert!(engine.port() == 0, "expected: this panic is part of the test");
    });
    assert!(ended.join().is_err());
    wait_for_end(process);
}

/// A test that is killed drops nothing; then the engine's standard input ends, and the engine with it.
#[test]
fn an_engine_ends_with_a_test_that_is_killed() {
    if super::engine::is_skipped() {
        return;
    }
    let mut child = Command::new(tool("target/tools/moto/bin/python"))
        .arg("tests/external/moto_server.py")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    assert!(line.trim().parse::<u16>().is_ok());
    assert!(is_alive(child.id()));
    drop(child.stdin.take());
    wait_for_end(child.id());
    child.wait().unwrap();
}

#[test]
fn localstack_starts_and_takes_its_time() {
    let Some(engine) = Engine::localstack() else { return };
    let answer = engine.ask("sts", "GetCallerIdentity", &[]);
    assert_eq!(element(&answer.text(), "Account").as_deref(), Some(LOCALSTACK_ACCOUNT), "{}", engine.said());
    assert_eq!(create(&engine, "one").status, 200);
    let begun = Instant::now();
    loop {
        let statuses = statuses(&engine);
        if statuses == ["CREATE_COMPLETE"] {
            break;
        }
        assert_eq!(statuses, ["CREATE_IN_PROGRESS"]);
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", engine.said());
        std::thread::sleep(Duration::from_millis(50));
    }
    let changed = QUEUE.replace("\"q\"", "\"other\"");
    let fields =
        [("StackName", "one"), ("ChangeSetName", "c"), ("ChangeSetType", "UPDATE"), ("TemplateBody", &changed)];
    assert_eq!(engine.ask("cloudformation", "CreateChangeSet", &fields).status, 200);
    loop {
        let text = engine.ask("cloudformation", "DescribeChangeSet", &fields[..2]).text();
        if text.contains("<Status>CREATE_COMPLETE</Status>") {
            assert_eq!(element(&text, "Replacement").as_deref(), Some("True"), "{text}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{text} {}", engine.said());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn clients_see_faults_and_the_log_sees_everything() {
    let Some(engine) = Engine::moto() else { return };
    let proxy = Proxy::before(&engine);
    let create = ["cloudformation", "create-stack", "--stack-name", "one", "--template-body", QUEUE];
    let operation = "CreateStack";
    proxy.add(Rule::on(operation, Fault::Throttle).nth(1));
    proxy.add(Rule::on(operation, Fault::Error(503, "ServiceUnavailable", "later")).nth(2));
    proxy.add(Rule::on(operation, Fault::Reset).nth(3));
    proxy.add(Rule::on(operation, Fault::Error(400, "LimitExceededException", "200 stacks")).nth(4));
    proxy.add(Rule::on(operation, Fault::FailsAfter).nth(5));
    for said in ["Throttling", "ServiceUnavailable", "", "LimitExceededException", "InternalFailure"] {
        let (fine, text) = aws(&engine, &proxy, &create);
        assert!(!fine && text.contains(said), "{said}: {text}");
    }
    // The fifth took effect, though the client does not know it.
    let (fine, text) = aws(&engine, &proxy, &create);
    assert!(!fine && text.contains("AlreadyExistsException"), "{text}");
    assert_eq!(statuses(&engine), ["CREATE_COMPLETE"]);
    let calls = proxy.calls();
    let faults: Vec<Option<&str>> = calls.iter().map(|call| call.fault).collect();
    assert_eq!(faults, [Some("throttle"), Some("error"), Some("reset"), Some("error"), Some("fails after"), None]);
    let effects: Vec<bool> = calls.iter().map(super::proxy::Call::took_effect).collect();
    assert_eq!(effects, [false, false, false, false, true, false]);
    for call in &calls {
        assert_eq!((call.operation.as_str(), call.service.as_str()), ("CreateStack", "cloudformation"));
        assert_eq!((call.account.as_str(), call.region.as_str()), (MOTO_ACCOUNT, "eu-central-1"));
        assert_eq!((call.stack(), call.field("TemplateBody")), ("one", QUEUE));
        // Requests are signed with the secret and never hold it.
        assert!(!String::from_utf8_lossy(&call.request.body).contains(SECRET));
    }
    assert_eq!(proxy.count(), 6);
    proxy.reset();
    assert_eq!(proxy.count(), 0);
}

#[test]
fn the_proxy_makes_an_engine_take_its_time() {
    let Some(engine) = Engine::moto() else { return };
    let proxy = Proxy::before(&engine);
    proxy.take_time(2);
    let status = || {
        let (_, text) = aws(&engine, &proxy, &["cloudformation", "describe-stacks", "--stack-name", "one"]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        value["Stacks"][0]["StackStatus"].as_str().unwrap().to_owned()
    };
    let create = ["cloudformation", "create-stack", "--stack-name", "one", "--template-body", QUEUE];
    let (fine, text) = aws(&engine, &proxy, &create);
    assert!(fine, "{text}");
    assert_eq!([status(), status(), status()], ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]);
    proxy.add(
        Rule::on(
            "DescribeStacks",
            Fault::rewrite(|_, mut answer| {
                answer.body = put(&answer.text(), "StackStatus", "UPDATE_ROLLBACK_COMPLETE").into_bytes();
                answer
            }),
        )
        .about("one")
        .first(1),
    );
    assert_eq!([status(), status()], ["UPDATE_ROLLBACK_COMPLETE", "CREATE_COMPLETE"]);
    proxy.add(Rule::on(
        "DetectStackDrift",
        Fault::instead(|call| call.result("<StackDriftDetectionId>0</StackDriftDetectionId>")),
    ));
    let (fine, text) = aws(&engine, &proxy, &["cloudformation", "detect-stack-drift", "--stack-name", "one"]);
    assert!(fine && text.contains("StackDriftDetectionId"), "{text}");
    proxy.add(Rule::on("ListRoots", Fault::Throttle).first(1));
    proxy.add(Rule::on("ListRoots", Fault::Delay(Duration::from_millis(300))).nth(2));
    let (fine, text) = aws(&engine, &proxy, &["organizations", "list-roots"]);
    assert!(!fine && text.contains("TooManyRequestsException"), "{text}");
    let begun = Instant::now();
    let (_, text) = aws(&engine, &proxy, &["organizations", "list-roots"]);
    assert!(begun.elapsed() >= Duration::from_millis(300) && text.contains("AWSOrganizationsNotInUse"), "{text}");
    proxy.add(Rule::on("ListStacks", Fault::ResetAfter));
    let (fine, text) = aws(&engine, &proxy, &["cloudformation", "list-stacks"]);
    assert!(!fine, "{text}");
    assert!(proxy.calls().last().unwrap().took_effect());
}

#[test]
fn forms_are_written_and_read() {
    assert_eq!(encoded("a b/ü&="), "a%20b%2F%C3%BC%26%3D");
    let xml = "<a><b>1 &lt; 2 &amp;amp;</b><b/><b>x</b></a>";
    assert_eq!(elements(xml, "b"), ["1 < 2 &amp;", "x"]);
    assert_eq!(put(xml, "b", "y"), "<a><b>y</b><b/><b>x</b></a>");
    std::io::stdout().flush().unwrap();
}
