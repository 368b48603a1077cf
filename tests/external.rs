//! What others say about what is emitted: cfn-lint and cloudformation-validate about every template, the CDK's own
//! command line about every assembly. `tools/test-env.sh` installs them; without one of them a test fails, unless
//! `TENANTRY_SKIP_EXTERNAL=1` is set.

#[cfg(test)]
mod external {
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output};

    const BLUEPRINTS: [&str; 4] = [
        "blueprints/serverless-saas.yaml",
        "blueprints/regulated-cases.yaml",
        "blueprints/full-silo.yaml",
        "tests/fixtures/everything.yaml",
    ];

    #[expect(clippy::disallowed_methods, reason = "somebody without Python or Node can run the other tests")]
    fn is_skipped() -> bool {
        std::env::var("TENANTRY_SKIP_EXTERNAL").is_ok_and(|value| value == "1")
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// A tool that `tools/test-env.sh` installs.
    fn tool(path: &str) -> PathBuf {
        let tool = root().join(path);
        assert!(
            tool.exists(),
            "{path} is missing: run tools/test-env.sh, or set TENANTRY_SKIP_EXTERNAL=1 to do without"
        );
        tool
    }

    fn run(command: &mut Command) -> Output {
        command.current_dir(root()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    #[track_caller]
    fn assert_success(output: &Output) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    }

    /// The assembly of a blueprint; `full-silo` has two thousand tenants, of whom `most` are taken.
    fn synth(blueprint: &str, most: usize, arguments: &[&str], out: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let source = root().join(blueprint);
        let copy = folder.path().join(source.file_name().unwrap());
        std::fs::copy(&source, &copy).unwrap();
        let tenants = root().join("blueprints/full-silo-tenants.jsonl");
        let lines: Vec<u8> = {
            use std::io::BufRead;
            let file = std::io::BufReader::new(std::fs::File::open(tenants).unwrap());
            file.lines().take(most).flat_map(|line| (line.unwrap() + "\n").into_bytes()).collect()
        };
        let mut file = std::fs::File::create(folder.path().join("full-silo-tenants.jsonl")).unwrap();
        std::io::Write::write_all(&mut file, &lines).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        command.arg("synth").arg(&copy).arg("-o").arg(out).args(arguments);
        assert_success(&run(&mut command));
    }

    #[test]
    fn validators_find_nothing_in_any_template() {
        if is_skipped() {
            return;
        }
        let python = tool(".venv/bin/python");
        let folder = tempfile::tempdir().unwrap();
        for (number, blueprint) in BLUEPRINTS.into_iter().enumerate() {
            synth(blueprint, 2, &[], &folder.path().join(format!("{number}")));
            synth(blueprint, 2, &["--expand"], &folder.path().join(format!("{number}-expanded")));
            synth(blueprint, 2, &["--templates", "yaml"], &folder.path().join(format!("{number}-yaml")));
        }
        assert_success(&run(Command::new(python).arg("tests/external/lint.py").arg(folder.path())));
    }

    #[test]
    fn the_cdk_lists_and_shows_every_assembly() {
        if is_skipped() {
            return;
        }
        tool("target/tools/node/node_modules/.bin/cdk");
        let folder = tempfile::tempdir().unwrap();
        for (number, blueprint) in BLUEPRINTS.into_iter().enumerate() {
            for arguments in [&[][..], &["--expand"]] {
                let out = folder.path().join(format!("{number}{}", arguments.concat()));
                synth(blueprint, 20, arguments, &out);
                assert_success(&run(Command::new("sh").arg("tests/external/cdk.sh").arg(&out)));
            }
        }
    }
}
