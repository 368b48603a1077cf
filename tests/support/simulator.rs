//! Asks the public simulator of IAM policies for its opinion, in a process of its own: `tests/external/simulate.mjs`.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the simulator says to one case.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The case.
    pub(crate) name: String,
    /// `Allowed`, `ImplicitlyDenied`, `ExplicitlyDenied` or `Error`, from its public call, which drops keys of the
    /// request that it does not know.
    pub(crate) public: String,
    /// The same from its core, which drops nothing.
    pub(crate) core: String,
    /// Whether it took the request for one of many resources, because its resource holds a `*`.
    pub(crate) many_resources: bool,
    /// The keys that the public call dropped.
    pub(crate) ignored: Vec<String>,
    /// What went wrong, if something did.
    pub(crate) error: String,
}

/// The answers to cases, in their order, from one process. None if the simulator is not wanted: `TENANTRY_SKIP_EXTERNAL`
/// is set to `1`.
///
/// # Panics
///
/// If the simulator is not installed or fails: a test without it must be asked for.
#[expect(clippy::disallowed_methods, reason = "somebody without Node can run the other tests")]
pub(crate) fn simulate(cases: &[Value]) -> Option<Vec<Answer>> {
    if std::env::var("TENANTRY_SKIP_EXTERNAL").is_ok_and(|value| value == "1") {
        eprintln!("the public simulator is not asked: TENANTRY_SKIP_EXTERNAL=1");
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tools = "target/tools/node";
    assert!(
        root.join(tools).join("node_modules/@cloud-copilot/iam-simulate/package.json").exists(),
        "{tools} has no public simulator: run tools/test-env.sh, or set TENANTRY_SKIP_EXTERNAL=1 to do without"
    );
    let mut node = Command::new("node")
        .args(["tests/external/simulate.mjs", tools])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}"));
    let lines: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let mut input = node.stdin.take().unwrap();
    // Written beside reading: a full pipe in one direction must not stop the other.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let mut output = String::new();
    node.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    let written = writer.join().unwrap();
    assert!(node.wait().unwrap().success(), "the public simulator failed; what it wrote stands above");
    written.unwrap();
    let answers: Vec<Answer> = output.lines().map(|line| answer(&serde_json::from_str(line).unwrap())).collect();
    assert_eq!(answers.len(), cases.len(), "an answer for each case");
    Some(answers)
}

fn answer(line: &Value) -> Answer {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    Answer {
        name: text("name"),
        public: text("public"),
        core: text("core"),
        many_resources: line["kind"] == "wildcard",
        ignored: line["ignored"].as_array().into_iter().flatten().filter_map(|key| Some(key.as_str()?.to_owned())).collect(),
        error: text("error"),
    }
}
