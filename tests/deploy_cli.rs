//! The command `deploy` before it asks AWS anything: what it says it would do, and what it refuses.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, clippy::indexing_slicing, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tenantry::assembly::Digest;

/// A folder with an assembly, and a rollout of all that is in it.
struct Bench {
    folder: tempfile::TempDir,
    rollout: Value,
}

fn tenantry(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_tenantry");
    Command::new(program).current_dir(folder).args(arguments).env_clear().output().unwrap()
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blueprint = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints/serverless-saas.yaml");
        let made = tenantry(folder.path(), &["synth", blueprint.to_str().unwrap(), "--no-prove", "--out", "assembly"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let manifest = std::fs::read(folder.path().join("assembly/tenantry.json")).unwrap();
        let cell = serde_json::from_slice::<Value>(&manifest).unwrap()["cells"][0]["stacks"][0].clone();
        let tenants = std::fs::read_to_string(folder.path().join("assembly/tenants.jsonl")).unwrap();
        let tenant: Value = serde_json::from_str(tenants.lines().next().unwrap()).unwrap();
        let step = |stack: &Value, after: Value| {
            json!({
                "id": format!("stack/{}", stack["name"].as_str().unwrap()),
                "do": "stack",
                "stack": stack["name"],
                "account": stack["account"],
                "region": stack["region"],
                "after": after,
            })
        };
        let wave = |name: &str, steps: Value| {
            json!({
                "wave": name, "tenants": 1, "concurrency": 4, "accountConcurrency": 2,
                "tolerance": { "failures": 0 }, "steps": steps,
                "gate": { "bakeMinutes": 30, "alarms": [{ "name": "errors", "account": "1", "region": "eu-west-1" }] },
            })
        };
        let rollout = json!({
            "format": 1, "blueprint": "serverless-saas", "environment": "prod",
            "assembly": Digest::of(&manifest).to_string(),
            "waves": [
                wave("canary", json!([step(&cell, json!([]))])),
                wave("rest", json!([step(&tenant["stacks"][0], json!([]))])),
            ],
            "obligations": [],
        });
        Self { folder, rollout }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the rollout as it now is, and asks what would be done.
    fn dry(&self, more: &[&str]) -> (i32, String, String) {
        std::fs::write(self.path("rollout.json"), serde_json::to_vec(&self.rollout).unwrap()).unwrap();
        let arguments = [&["deploy", "--dry-run", "--offline"][..], more].concat();
        let output = tenantry(self.folder.path(), &arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn what_would_be_done_is_said_step_by_step_and_nothing_is_written() {
    let bench = Bench::new();
    let (code, said, wrong) = bench.dry(&[]);
    assert_eq!((code, wrong.as_str()), (0, ""), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[0],
        "wave 1 of 2 `canary`: 1 step, at most 4 at once, at most 2 in an account and region, 0 failures borne"
    );
    assert!(lines[1].starts_with("  deploy stack `serverless-saas-basic-eu-1-"), "{said}");
    assert_eq!(lines[2], "  then wait 30 minutes, while errors must not ring");
    assert_eq!(lines.len(), 6, "{said}");
    assert!(!bench.path("rollout.journal.jsonl").exists());
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_begun() {
    type Break = fn(&mut Bench);
    let cases: [(Break, &str, &str); 8] = [
        (
            |bench| {
                let path = bench.path("assembly/templates/basic-cell.template.json");
                let text = std::fs::read_to_string(&path).unwrap().replacen("nodejs", "Nodejs", 1);
                std::fs::write(path, text + " ").unwrap();
            },
            "verify/digest",
            "basic-cell.template.json",
        ),
        (
            |bench| bench.rollout["assembly"] = json!(Digest::of(b"another").to_string()),
            "deploy/rollout",
            "the rollout was made for another assembly than `assembly`",
        ),
        (|bench| bench.rollout["format"] = json!(2), "deploy/rollout", "expected format 1, the one this version knows"),
        (
            |bench| {
                let name = bench.rollout["waves"][0]["steps"][0]["stack"].as_str().unwrap().replace("eu-1", "eu-11");
                bench.rollout["waves"][0]["steps"][0]["stack"] = json!(name);
            },
            "deploy/rollout",
            "did you mean `serverless-saas-basic-eu-1-",
        ),
        (
            |bench| bench.rollout["waves"][0]["steps"][0]["account"] = json!("123456789012"),
            "deploy/rollout",
            "is in 123456789012/eu-west-1 in the rollout, and in 210000000001/eu-west-1 in the assembly",
        ),
        (
            |bench| {
                let id = bench.rollout["waves"][0]["steps"][0]["id"].clone();
                bench.rollout["waves"][0]["steps"][0]["after"] = json!([id]);
            },
            "deploy/rollout",
            "some steps wait for each other in a circle",
        ),
        (
            |bench| bench.rollout["waves"][1]["wave"] = json!("canary"),
            "deploy/rollout",
            "two waves are called `canary`",
        ),
        (
            |bench| {
                let step = json!({ "id": "set", "do": "stack-set", "set": "silo" });
                bench.rollout["waves"][0]["steps"].as_array_mut().unwrap().push(step);
            },
            "deploy/rollout",
            "is about the stack set `silo`, which the rollout does not describe",
        ),
    ];
    for (spoil, code, message) in cases {
        let mut bench = Bench::new();
        spoil(&mut bench);
        let (ending, said, wrong) = bench.dry(&[]);
        assert_eq!(ending, 1, "{code}: {wrong}");
        assert!(wrong.contains(&format!("error[{code}]")) && wrong.contains(message), "{message}: {wrong}");
        assert_eq!(said, "", "{message}");
    }
}

#[test]
fn names_on_the_command_line_are_looked_up() {
    let bench = Bench::new();
    let (code, _, wrong) = bench.dry(&["--until", "canari"]);
    assert_eq!(code, 1);
    assert!(wrong.contains("the rollout has no wave `canari`") && wrong.contains("did you mean `canary`?"), "{wrong}");
    let (code, _, wrong) = bench.dry(&["--accept-replacement", "orders"]);
    assert_eq!(code, 1);
    assert!(wrong.contains("`orders` names no resource of a stack of the rollout"), "{wrong}");
}

#[test]
fn an_assembly_or_a_rollout_that_is_not_there_is_a_finding() {
    let bench = Bench::new();
    let (code, _, wrong) = bench.dry(&["--assembly", "nowhere"]);
    assert_eq!(code, 1, "{wrong}");
    let (code, _, wrong) = bench.dry(&["other.json"]);
    assert_eq!(code, 1);
    assert!(wrong.contains("`other.json` cannot be read"), "{wrong}");
}
