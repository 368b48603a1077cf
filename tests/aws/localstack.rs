//! The program against LocalStack, whose stacks take their time and whose change sets know what is replaced. What it ignores
//! stands in `docs/engines.md`.

use serde_json::{Value, json};

use crate::engine::{Engine, LOCALSTACK_ACCOUNT, SECRET, elements};
use crate::patience;

const REGION: &str = "eu-west-1";

fn blueprint(seconds: u32, topic: &str) -> String {
    format!(
        "tenantry: 1
blueprint: mail
owner: platform-team
cost_center: cc-100
cells:
  - {{ cell: eu-1, region: {REGION}, account: '{LOCALSTACK_ACCOUNT}' }}
tiers:
  - tier: premium
    isolation: silo
    boundary: resource
    components:
      - queue: Jobs
        visibility_timeout_seconds: {seconds}
      - custom: News
        type: AWS::SNS::Topic
        properties:
          TopicName: !Sub '{topic}-${{TenantId}}'
tenants:
  - {{ tenant: acme, tier: premium }}
  - {{ tenant: globex, tier: premium }}
"
    )
}

struct Desk {
    engine: Engine,
    folder: tempfile::TempDir,
}

impl Desk {
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = self.engine.client(env!("CARGO_BIN_EXE_tenantry"));
        command.current_dir(self.folder.path()).env("AWS_REGION", REGION).args(arguments);
        let output = patience::output(&mut command);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains(SECRET), "a credential is shown:\n{text}");
        (output.status.code().unwrap(), text)
    }

    #[track_caller]
    fn fine(&self, arguments: &[&str]) -> String {
        let (code, text) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}\nthe engine: {}", self.engine.said());
        text
    }

    /// The assembly of a blueprint, and the rollout to it from the one before.
    #[expect(clippy::disallowed_methods, reason = "a user writes a blueprint")]
    fn synth(&self, name: &str, text: &str, before: Option<&str>) {
        std::fs::write(self.folder.path().join("blueprint.yaml"), text).unwrap();
        let with = |option| before.map_or(Vec::new(), |before| vec![option, before]);
        self.fine(&[&["synth", "blueprint.yaml", "--no-prove", "-o", name][..], &with("--ledger")].concat());
        let from = with("--from");
        self.fine(&[&["rollout", name, "-o", "rollout.json"][..], &from].concat());
    }

    fn statuses(&self) -> Vec<String> {
        let answer = self.engine.ask_as(LOCALSTACK_ACCOUNT, REGION, "cloudformation", "DescribeStacks", &[]);
        elements(&answer.text(), "StackStatus")
    }
}

fn preview(desk: &Desk) -> Value {
    serde_json::from_str(&desk.fine(&["preview", "acme", "--assembly", "new", "--live", "-o", "json"])).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a user writes settings")]
fn stacks_that_take_their_time_are_deployed_updated_and_previewed() {
    let Some(engine) = Engine::localstack() else { return };
    let desk = Desk { engine, folder: tempfile::tempdir().unwrap() };
    let settings = "organization: false\ngate: { bake_minutes: 0, watch: none }\n";
    std::fs::write(desk.folder.path().join("rollout.yaml"), settings).unwrap();

    desk.synth("old", &blueprint(90, "news"), None);
    let said = desk.fine(&["deploy", "rollout.json", "--assembly", "old"]);
    assert!(said.contains("created stack/"), "{said}");
    assert_eq!(desk.statuses(), ["CREATE_COMPLETE"; 2], "{said}");
    desk.fine(&["status", "--assembly", "old", "--exit-code"]);

    // In place, and by another one.
    desk.synth("new", &blueprint(120, "letters"), Some("old"));
    let (code, said) = desk.run(&["status", "--assembly", "new", "--exit-code"]);
    assert_eq!(code, 4, "{said}");
    let live = &preview(&desk)["live"][0];
    assert_eq!((&live["exists"], &live["problem"]), (&json!(true), &Value::Null), "{live}");
    let changes = live["changes"].as_array().unwrap();
    let of = |kind: &str| changes.iter().filter(|change| change["type"] == kind).collect::<Vec<_>>();
    let (topics, queues) = (of("AWS::SNS::Topic"), of("AWS::SQS::Queue"));
    assert!(topics.iter().any(|change| change["replacement"] == "True"), "{live}");
    assert!(queues.iter().any(|change| change["replacement"] == "False"), "{live}");
    assert_eq!(desk.statuses(), ["CREATE_COMPLETE"; 2], "a preview changes nothing");

    // A topic holds nothing: nobody has to say that its replacement is meant.
    let said = desk.fine(&["deploy", "rollout.json", "--assembly", "new"]);
    assert_eq!(desk.statuses(), ["UPDATE_COMPLETE"; 2], "{said}");
    desk.fine(&["status", "--assembly", "new", "--exit-code"]);
    let left = preview(&desk);
    assert_eq!(left["live"][0]["changes"], json!([]), "{left}");
    assert!(desk.folder.path().join("rollout.journal.jsonl").exists());
}
