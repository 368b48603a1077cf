//! The command line: exit codes, what goes where, and what is left alone.

#[cfg(test)]
mod cli {
    use std::fs::File;
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output, Stdio};

    use serde_json::Value;
    use tempfile::TempDir;
    use tenantry::source::{Disk, World};

    /// A folder to run in.
    struct Project {
        folder: TempDir,
    }

    /// How a command ended, and what it said.
    #[derive(Debug)]
    struct Said {
        code: i32,
        stdout: String,
        stderr: String,
    }

    impl From<Output> for Said {
        fn from(output: Output) -> Self {
            Self {
                code: output.status.code().unwrap(),
                stdout: String::from_utf8(output.stdout).unwrap(),
                stderr: String::from_utf8(output.stderr).unwrap(),
            }
        }
    }

    impl Project {
        /// A folder with the blueprint that `init` writes.
        fn new() -> Self {
            let project = Self::empty();
            assert_eq!(project.run(&["init"]).code, 0);
            project
        }

        fn empty() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn path(&self, path: &str) -> PathBuf {
            self.folder.path().join(path)
        }

        fn command(&self, arguments: &[&str]) -> Command {
            let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
            command.args(arguments).current_dir(self.folder.path()).env_remove("NO_COLOR").stdin(Stdio::null());
            command
        }

        fn run(&self, arguments: &[&str]) -> Said {
            self.command(arguments).output().unwrap().into()
        }

        fn read(&self, path: &str) -> String {
            String::from_utf8(Disk::new(self.folder.path()).read(Path::new(path)).unwrap()).unwrap()
        }

        fn write(&self, path: &str, text: &str) {
            File::create(self.path(path)).unwrap().write_all(text.as_bytes()).unwrap();
        }

        /// Changes the blueprint.
        fn edit(&self, from: &str, to: &str) {
            let text = self.read("blueprint.yaml");
            assert!(text.contains(from), "{from}");
            self.write("blueprint.yaml", &text.replacen(from, to, 1));
        }

        /// What the folder holds, hidden files too.
        fn names(&self, path: &str) -> Vec<String> {
            let entries = self.path(path).read_dir().unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn init_writes_a_blueprint_that_is_fine_and_overwrites_nothing() {
        let project = Project::empty();
        let init = project.run(&["init", "--name", "shop"]);
        assert_eq!((init.code, init.stderr.as_str()), (0, ""));
        assert_eq!(init.stdout, "wrote blueprint.yaml; next: tenantry check blueprint.yaml\n");
        assert!(project.read("blueprint.yaml").contains("\nblueprint: shop\n"));

        let check = project.run(&["check", "--deny-warnings"]);
        assert_eq!((check.code, check.stdout.as_str(), check.stderr.as_str()), (0, "", ""));
        assert_eq!(project.names("."), ["blueprint.yaml"], "check writes nothing");

        project.write("blueprint.yaml", "mine");
        let again = project.run(&["init"]);
        assert_eq!(again.code, 2);
        assert!(again.stderr.starts_with("error: cannot write `blueprint.yaml`, and what is there is left alone: "));
        assert_eq!(project.read("blueprint.yaml"), "mine");

        let bad = project.run(&["init", "other.yaml", "--name", "Not A Name"]);
        assert_eq!(bad.code, 2);
        assert_eq!(project.names("."), ["blueprint.yaml"]);
    }

    #[test]
    fn a_missing_blueprint_is_named_with_what_to_do() {
        let project = Project::empty();
        for (arguments, name) in [(&["check"][..], "blueprint.yaml"), (&["synth", "a/b.yaml"], "a/b.yaml")] {
            let said = project.run(arguments);
            assert_eq!((said.code, said.stdout.as_str()), (2, ""));
            let start = format!("error: cannot read the blueprint `{name}`; `tenantry init` writes one to begin with");
            assert!(said.stderr.starts_with(&start), "{}", said.stderr);
        }
    }

    #[test]
    fn what_is_written_wrongly_is_a_usage_error() {
        let project = Project::empty();
        for arguments in
            [&["sinth"][..], &[], &["synth", "--threads", "0"], &["synth", "--expand", "--templates", "yaml"]]
        {
            let said = project.run(arguments);
            assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{arguments:?}");
            assert!(said.stderr.contains("--help") || said.stderr.contains("Usage"), "{}", said.stderr);
        }
    }

    #[test]
    fn findings_go_to_standard_error_and_end_with_one() {
        let project = Project::new();
        project.edit("        partition_by: tenant_id\n", "");
        for command in ["check", "synth"] {
            let said = project.run(&[command]);
            assert_eq!((said.code, said.stdout.as_str()), (1, ""));
            assert!(said.stderr.starts_with("error[isolation/unpartitioned-table]: "), "{}", said.stderr);
        }
        assert_eq!(project.names("."), ["blueprint.yaml"], "nothing is written when there are errors");
        insta::assert_snapshot!(project.run(&["check"]).stderr, @r"
        error[isolation/unpartitioned-table]: table `Orders` serves many tenants but has no tenant key
          --> blueprint.yaml:21:16
           |
        21 |       - table: Orders
           |                ^^^^^^ shared by every tenant of tier `basic`
        ...
        34 |   - { tier: basic, isolation: pool, include: [app] }
           |             ----- pooled here
           |
           = help: add `partition_by: tenant_id`, or move the table to a silo tier
           = note: run `tenantry explain isolation/unpartitioned-table`

        1 error
        ");
    }

    #[test]
    fn warnings_end_with_one_only_when_they_are_denied() {
        let project = Project::new();
        project.edit("partition_by: tenant_id\n", "partition_by: tenant_id\n        deletion_protection: false\n");
        for command in ["check", "synth"] {
            let said = project.run(&[command]);
            assert_eq!(said.code, 0);
            assert!(said.stderr.starts_with("warning[component/plaintext]: "), "{}", said.stderr);
            assert_eq!(project.run(&[command, "--deny-warnings"]).code, 1);
        }
        let text = project.read("blueprint.yaml");
        let reason = "acknowledge: [{ code: component/plaintext, reason: a table for trying things out }]\n";
        project.write("blueprint.yaml", &(text + reason));
        assert_eq!(project.run(&["check", "--deny-warnings"]).code, 0, "acknowledged");
    }

    #[test]
    fn synth_says_what_it_changed() {
        let project = Project::new();
        let would = project.run(&["synth", "--check"]);
        assert_eq!((would.code, would.stderr.as_str()), (4, ""));
        assert!(would.stdout.starts_with("assembly: "), "{}", would.stdout);
        assert!(would.stdout.contains(" files would change\n"), "{}", would.stdout);
        assert!(would.stdout.contains("\n  added: tenantry.json\n"), "{}", would.stdout);
        assert_eq!(project.names("."), ["blueprint.yaml"], "nothing was written");

        let first = project.run(&["synth"]);
        assert_eq!(first.code, 0);
        assert_eq!(project.names("."), ["assembly", "blueprint.yaml"], "nothing is left beside the assembly");
        for arguments in [&["synth"][..], &["synth", "--check"]] {
            let said = project.run(arguments);
            assert_eq!(said.code, 0);
            assert!(said.stdout.starts_with("assembly: nothing changed ("), "{}", said.stdout);
        }
        assert_eq!(project.run(&["verify"]).code, 0);

        project.edit("owner: platform-team", "owner: another-team");
        let changed = project.run(&["synth", "--check"]);
        assert_eq!(changed.code, 4);
        assert!(changed.stdout.contains("\n  changed: tenants.jsonl\n"), "{}", changed.stdout);
    }

    #[test]
    fn verify_ends_with_one_when_a_file_is_another() {
        let project = Project::new();
        assert_eq!(project.run(&["synth"]).code, 0);
        project.write("assembly/tenants.jsonl", "{}\n");
        let said = project.run(&["verify"]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""));
        assert!(said.stderr.contains("error[verify/"), "{}", said.stderr);
        assert_eq!(project.run(&["verify", "nowhere"]).code, 1);
    }

    #[test]
    fn a_folder_that_is_no_assembly_is_refused_and_left_alone() {
        let project = Project::new();
        std::fs::create_dir(project.path("photos")).unwrap();
        project.write("photos/cat.jpg", "a cat");
        let said = project.run(&["synth", "-o", "photos"]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""));
        assert!(said.stderr.starts_with("error[output/not-an-assembly]: "), "{}", said.stderr);
        assert_eq!(project.names("photos"), ["cat.jpg"]);
        assert_eq!(project.read("photos/cat.jpg"), "a cat");
        assert_eq!(project.names("."), ["blueprint.yaml", "photos"]);
    }

    #[test]
    fn a_second_writer_is_told_to_wait() {
        let project = Project::new();
        assert_eq!(project.run(&["synth"]).code, 0);
        let before = project.read("assembly/tenantry.json");
        let lock = File::create(project.path(".assembly.lock")).unwrap();
        lock.lock().unwrap();
        project.edit("owner: platform-team", "owner: another-team");
        let said = project.run(&["synth"]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""));
        assert!(said.stderr.starts_with("error[output/busy]: "), "{}", said.stderr);
        assert_eq!(project.read("assembly/tenantry.json"), before);
        lock.unlock().unwrap();
        assert_eq!(project.run(&["synth"]).code, 0);
        assert_ne!(project.read("assembly/tenantry.json"), before);
    }

    #[test]
    fn a_ledger_that_cannot_be_read_stops_everything() {
        let project = Project::new();
        assert_eq!(project.run(&["synth"]).code, 0);
        let missing = project.run(&["synth", "--ledger", "nowhere"]);
        assert_eq!(missing.code, 1);
        assert!(missing.stderr.starts_with("error[placement/ledger]: "), "{}", missing.stderr);
        project.write("assembly/tenantry.json", "{");
        let broken = project.run(&["synth"]);
        assert_eq!(broken.code, 1);
        assert!(broken.stderr.starts_with("error[placement/ledger]: "), "{}", broken.stderr);
        assert_eq!(project.read("assembly/tenantry.json"), "{");
    }

    #[test]
    fn machine_formats_have_standard_output_to_themselves() {
        let project = Project::new();
        for fine in [true, false] {
            if !fine {
                project.edit("        partition_by: tenant_id\n", "");
            }
            for format in ["json", "sarif", "junit"] {
                for command in [&["check"][..], &["synth"]] {
                    let said = project.run(&[command, &["--format", format]].concat());
                    assert_eq!((said.code, said.stderr.as_str()), (i32::from(!fine), ""), "{format}");
                    if format == "junit" {
                        assert!(
                            said.stdout.starts_with("<?xml ") && said.stdout.ends_with("</testsuites>\n"),
                            "{said:?}"
                        );
                    } else {
                        let report: Value = said.stdout.parse().unwrap();
                        let findings = report.get("findings").unwrap_or_else(|| &report["runs"][0]["results"]);
                        assert_eq!(findings.as_array().unwrap().is_empty(), fine);
                    }
                }
            }
            for format in ["human", "plain", "github"] {
                let said = project.run(&["check", "--format", format]);
                assert_eq!((said.code, said.stdout.as_str(), said.stderr.is_empty()), (i32::from(!fine), "", fine));
            }
        }
    }

    #[test]
    fn colour_is_for_those_who_ask() {
        let project = Project::new();
        project.edit("        partition_by: tenant_id\n", "");
        assert!(!project.run(&["check"]).stderr.contains('\u{1b}'));
        assert!(project.run(&["check", "--color", "always"]).stderr.contains('\u{1b}'));
        assert!(!project.run(&["check", "--color", "never"]).stderr.contains('\u{1b}'));
    }

    #[test]
    fn yaml_templates_say_what_json_templates_say() {
        let project = Project::new();
        assert_eq!(project.run(&["synth", "-o", "json"]).code, 0);
        assert_eq!(project.run(&["synth", "-o", "yaml", "--templates", "yaml"]).code, 0);
        assert_eq!(project.run(&["verify", "yaml"]).code, 0);
        assert!(!project.path("yaml/manifest.json").exists(), "the CDK reads JSON only");
        assert!(project.path("json/manifest.json").exists());
        let names = project.names("json/templates");
        assert!(names.len() >= 2);
        for name in names {
            let json: Value = project.read(&format!("json/templates/{name}")).parse().unwrap();
            let yaml = project.read(&format!("yaml/templates/{}", name.replace(".json", ".yaml")));
            assert!(yaml.ends_with('\n') && !yaml.ends_with("\n\n"));
            assert_eq!(serde_yaml::from_str::<Value>(&yaml).unwrap(), json, "{name}");
        }
    }

    #[test]
    fn the_cdk_manifest_can_be_left_out() {
        let project = Project::new();
        assert_eq!(project.run(&["synth", "--no-cdk"]).code, 0);
        assert!(!project.path("assembly/manifest.json").exists());
        assert_eq!(project.run(&["verify"]).code, 0);
    }

    #[test]
    fn prove_says_what_it_lacks() {
        let project = Project::empty();
        let nothing = project.run(&["prove"]);
        assert_eq!((nothing.code, nothing.stdout.as_str()), (2, ""));
        let start = "error: cannot read the declaration `assembly/tenancy.json`; name an assembly, or a declaration";
        assert!(nothing.stderr.starts_with(start), "{}", nothing.stderr);
        let report = project.run(&["prove", "--report", "report.txt"]);
        assert_eq!(report.code, 2);
        assert!(report.stderr.contains("`report.txt` is to be a report and ends in neither"), "{}", report.stderr);
        let solver = project.run(&["prove", "--cross-check", "./no-such-solver"]);
        assert_eq!(solver.code, 2);
        assert!(solver.stderr.starts_with("error: cannot run the solver `./no-such-solver`"), "{}", solver.stderr);

        project.write("tenancy.json", r#"{"tenancy": 1, "ids": {"pattern": "^[a-z]{8}$"}, "templates": [], "x": 1}"#);
        let shape = project.run(&["prove", "--tenancy", "tenancy.json"]);
        assert_eq!((shape.code, shape.stdout.as_str()), (1, ""));
        assert!(shape.stderr.contains("error[shape/unknown-key]"), "{}", shape.stderr);
        let template = r#"{"tenancy": 1, "ids": {"pattern": "^[a-z]{8}$"}, "templates": [{"template": "a.json", "scope": "shared"}]}"#;
        project.write("tenancy.json", template);
        for arguments in [&["prove", "--tenancy", "tenancy.json"][..], &["prove", "."]] {
            let missing = project.run(arguments);
            assert_eq!((missing.code, missing.stdout.as_str()), (1, ""));
            assert!(missing.stderr.starts_with("error[proof/input]: "), "{}", missing.stderr);
        }
        assert_eq!(project.names("."), ["tenancy.json"], "nothing is written");
    }

    #[test]
    fn explain_shows_a_page_or_what_may_be_meant() {
        let project = Project::empty();
        let page = project.run(&["explain", "isolation/unpartitioned-table"]);
        assert_eq!((page.code, page.stderr.as_str()), (0, ""));
        assert!(page.stdout.starts_with("# isolation/unpartitioned-table\n"));
        let unknown = project.run(&["explain", "yaml/tabs"]);
        assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
        assert_eq!(unknown.stderr, "error: there is no finding `yaml/tabs`, did you mean `yaml/tab`?\n");
    }

    #[test]
    fn schemas_are_the_shipped_files() {
        let project = Project::empty();
        for of in ["blueprint", "assembly", "tenant", "tenancy", "evidence"] {
            let shipped = Disk::new(env!("CARGO_MANIFEST_DIR"));
            let shipped = shipped.read(Path::new(&format!("schemas/{of}.schema.json"))).unwrap();
            let said = project.run(&["schema", of]);
            assert_eq!((said.code, said.stderr.as_str()), (0, ""));
            assert!(said.stdout.as_bytes() == shipped, "{of}");
        }
        assert_eq!(project.run(&["schema"]).stdout, project.run(&["schema", "blueprint"]).stdout);
    }

    #[test]
    fn completions_know_the_commands() {
        let project = Project::empty();
        for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
            let said = project.run(&["completions", shell]);
            assert_eq!((said.code, said.stderr.as_str()), (0, ""));
            assert!(said.stdout.contains("synth") && said.stdout.contains("deny-warnings"), "{shell}");
        }
    }

    /// `tenantry schema | head -1` is no failure.
    #[test]
    fn a_reader_that_goes_away_is_no_failure() {
        let project = Project::empty();
        for arguments in [&["schema"][..], &["completions", "zsh"], &["explain", "yaml/tab"]] {
            let mut child = project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let said = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8(said.stderr).unwrap(), "", "{arguments:?}");
            assert_eq!(said.status.code(), Some(0), "{arguments:?}");
        }
    }

    #[test]
    fn the_blueprints_folder_is_where_its_files_are() {
        let project = Project::empty();
        let blueprint = concat!(env!("CARGO_MANIFEST_DIR"), "/blueprints/full-silo.yaml");
        let said = project.run(&["synth", blueprint, "--threads", "2"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
        assert_eq!(project.read("assembly/tenants.jsonl").lines().count(), 2_000);
    }
}
