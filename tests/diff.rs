//! `tenantry diff`: two versions of a product, in all outputs; git revisions; what stops a pipeline; and properties.

#![expect(clippy::disallowed_methods, reason = "a test reads and writes folders of its own")]

#[cfg(test)]
mod diff {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tempfile::TempDir;
    use tenantry::assembly::Assembly;
    use tenantry::diff::template::{Deployed, Types};
    use tenantry::diff::{Action, Options, StackAction, compare, stacks_of, template};

    #[derive(Debug)]
    struct Said {
        code: i32,
        stdout: String,
        stderr: String,
    }

    fn run(folder: &Path, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        let output = command
            .args(arguments)
            .current_dir(folder)
            .env_remove("NO_COLOR")
            // No repository above the temporary folder is found.
            .env("GIT_CEILING_DIRECTORIES", std::env::temp_dir())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Said {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The blueprint of the serverless product, and a later version of it.
    fn blueprints() -> [String; 2] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints/serverless-saas.yaml");
        let old = fs::read_to_string(path).unwrap();
        let mut new = old.clone();
        let edits = [
            // Replaces every table of orders.
            ("        partition_key: orderId\n", "        partition_key: id\n"),
            // Updates in place.
            ("        memory_mib: 512\n", "        memory_mib: 1024\n"),
            // Broadens.
            (
                "{ from: OrderService, access: read, to: Products }",
                "{ from: OrderService, access: read-write, to: Products }",
            ),
            (
                "throttle: { rate: 50, burst: 100, daily_quota: 100000 }",
                "throttle: { rate: 60, burst: 100, daily_quota: 100000 }",
            ),
            ("account: '210000000002', capacity: 250", "account: '210000000002', capacity: 300"),
            // Goes, moves, is suspended, comes.
            ("  - { tenant: tenant-002, tier: basic, name: Corner Coffee }\n", ""),
            ("{ tenant: tenant-010, tier: standard,", "{ tenant: tenant-010, tier: premium,"),
            (
                "{ tenant: tenant-001, tier: basic, name: Bakery Brown }",
                "{ tenant: tenant-001, tier: basic, name: Bakery Brown, state: suspended }",
            ),
            (
                "  - tenant: tenant-031\n",
                "  - { tenant: tenant-025, tier: premium, name: Ivy Inn }\n  - tenant: tenant-031\n",
            ),
        ];
        for (from, to) in edits {
            assert!(new.contains(from), "{from}");
            new = new.replacen(from, to, 1);
        }
        [old, new]
    }

    /// Both versions as assemblies, `old` and `new`, with the blueprints beside them.
    fn versions() -> &'static Path {
        static FOLDER: OnceLock<TempDir> = OnceLock::new();
        FOLDER
            .get_or_init(|| {
                let folder = tempfile::tempdir().unwrap();
                let [old, new] = blueprints();
                for (name, text, more) in [("old", old, None), ("new", new, Some("--ledger=old"))] {
                    fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
                    let file = format!("{name}.yaml");
                    let mut arguments = vec!["synth", &file, "--out", name, "--no-prove"];
                    arguments.extend(more);
                    let said = run(folder.path(), &arguments);
                    assert_eq!(said.code, 0, "{said:?}");
                }
                folder
            })
            .path()
    }

    fn assemblies() -> [Assembly; 2] {
        ["old", "new"].map(|name| Assembly::open(&versions().join(name)).unwrap())
    }

    #[test]
    fn two_versions_in_every_output() {
        for (output, file) in [("text", "txt"), ("markdown", "md"), ("json", "json")] {
            let said = run(versions(), &["diff", "old", "new", "--output", output]);
            // Whatever holds data is kept; that it keeps its name is an error.
            assert_eq!(said.code, 1, "{said:?}");
            insta::with_settings!({ snapshot_path => "../snapshots/diff", prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("serverless-saas.{file}"), said.stdout);
            });
            if output == "json" {
                let schema: Value = serde_json::from_str(&run(versions(), &["schema", "diff"]).stdout).unwrap();
                let validator = jsonschema::validator_for(&schema).unwrap();
                let report: Value = serde_json::from_str(&said.stdout).unwrap();
                let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{errors:#?}");
            }
        }
        let said = run(versions(), &["diff", "old", "new"]);
        insta::with_settings!({ snapshot_path => "../snapshots/diff", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("serverless-saas.findings", said.stderr);
        });
    }

    #[test]
    fn every_object_of_the_schema_is_closed_and_described() {
        fn walk(value: &Value, at: &str) {
            let properties = value.get("properties").and_then(Value::as_object);
            if let Some(properties) = properties.filter(|_| value["type"] == "object") {
                assert_eq!(value["additionalProperties"], false, "{at}");
                for (name, property) in properties {
                    assert!(property["description"].is_string(), "{at}/{name}");
                }
            }
            match value {
                Value::Object(entries) => entries.iter().for_each(|(name, value)| walk(value, &format!("{at}/{name}"))),
                Value::Array(items) => items.iter().for_each(|value| walk(value, at)),
                _ => {}
            }
        }
        walk(&serde_json::from_str(tenantry::diff::report::DIFF_SCHEMA).unwrap(), "");
    }

    #[test]
    fn the_same_assembly_has_no_changes_however_its_templates_are_written() {
        let said = run(versions(), &["diff", "old", "old", "--exit-code"]);
        assert_eq!((said.code, said.stdout.as_str()), (0, "serverless-saas prod: nothing changes\n"), "{said:?}");
        // As YAML every template is another file, and says the same.
        let arguments = ["synth", "old.yaml", "--out", "yaml", "--no-prove", "--templates", "yaml", "--ledger", "old"];
        assert_eq!(run(versions(), &arguments).code, 0);
        let said = run(versions(), &["diff", "old", "yaml", "--exit-code"]);
        assert_eq!((said.code, said.stdout.as_str()), (0, "serverless-saas prod: nothing changes\n"), "{said:?}");
    }

    #[test]
    fn what_is_grouped_is_what_each_stack_has_for_itself() {
        let [old, new] = assemblies();
        let diff = compare(&old, &new, Options::default()).unwrap();
        let mut grouped: BTreeMap<(String, String, StackAction), usize> = BTreeMap::new();
        for group in diff.groups.iter().filter(|group| group.tenants().next().is_some()) {
            for stack in &group.stacks {
                *grouped.entry((stack.tenant.clone().unwrap(), stack.stack.clone(), group.action)).or_default() += 1;
                let own = stacks_of(Some(&old), &new, stack.tenant.as_ref().unwrap()).unwrap();
                let own = own.iter().find(|own| own.stack == stack.stack && own.action == group.action).unwrap();
                let shape = |resources: &[tenantry::diff::ResourceChange]| -> Vec<_> {
                    resources
                        .iter()
                        .map(|resource| {
                            let paths: Vec<_> =
                                resource.properties.iter().map(|change| (change.path.clone(), change.effect)).collect();
                            (resource.logical_id.clone(), resource.action, resource.data, resource.access, paths)
                        })
                        .collect()
                };
                assert_eq!(shape(&group.resources), shape(&own.resources), "{}", stack.stack);
            }
        }
        assert!(grouped.values().all(|count| *count == 1), "{grouped:?}");
        let mut all = 0;
        for assembly in [&old, &new] {
            for record in assembly.tenants().unwrap() {
                let record = record.unwrap();
                for own in stacks_of(Some(&old), &new, &record.tenant).unwrap() {
                    let Some(tenant) = own.tenant.clone() else { continue };
                    let known = grouped.contains_key(&(tenant, own.stack.clone(), own.action));
                    assert_eq!(known, own.action != StackAction::Unchanged, "{}", own.stack);
                    all += 1;
                }
            }
        }
        assert!(all > 10, "{all}");
    }

    #[test]
    fn an_expanded_assembly_has_the_same_groups() {
        let sizes = |old: &Path, new: &Path| -> Vec<(String, usize, usize)> {
            let [old, new] = [old, new].map(|path| Assembly::open(path).unwrap());
            let diff = compare(&old, &new, Options::default()).unwrap();
            let mut sizes: Vec<_> = diff
                .groups
                .iter()
                .map(|group| (group.tier.clone(), group.resources.len(), group.stacks.len()))
                .collect();
            sizes.sort();
            sizes
        };
        let folder = versions();
        for (name, ledger) in [("old", "old"), ("new", "new")] {
            let (file, out) = (format!("{name}.yaml"), format!("{name}-expanded"));
            let arguments = ["synth", &file, "--out", &out, "--no-prove", "--expand", "--ledger", ledger];
            assert_eq!(run(folder, &arguments).code, 0);
        }
        assert_eq!(
            sizes(&folder.join("old-expanded"), &folder.join("new-expanded")),
            sizes(&folder.join("old"), &folder.join("new"))
        );
    }

    #[test]
    fn pipelines_are_stopped_by_what_they_name() {
        let folder = tempfile::tempdir().unwrap();
        let template = |memory: u32, extra: &str| {
            format!(
                r#"{{"Resources": {{"F": {{"Type": "AWS::Lambda::Function", "Properties": {{"MemorySize": {memory}}}}}{extra}}}}}"#
            )
        };
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
        write("a.json", template(128, ""));
        write("b.json", template(256, ""));
        write("c.json", template(128, r#", "T": {"Type": "AWS::SQS::Queue"}"#));
        let code = |arguments: &[&str]| run(folder.path(), &[&["diff"], arguments].concat()).code;
        assert_eq!(code(&["a.json", "b.json"]), 0);
        assert_eq!(code(&["a.json", "b.json", "--exit-code"]), 4);
        assert_eq!(code(&["a.json", "a.json", "--exit-code"]), 0);
        assert_eq!(code(&["a.json", "b.json", "--exit-code", "--fail-on", "destructive", "--fail-on=replacement"]), 4);
        let said = run(folder.path(), &["diff", "c.json", "a.json", "--fail-on", "destructive"]);
        assert_eq!(said.code, 1);
        assert!(
            said.stderr.contains(
                "error[diff/fail-on]: 1 resource is removed or replaced, and `--fail-on destructive` is given"
            ),
            "{}",
            said.stderr
        );
    }

    #[test]
    fn data_loss_is_an_error_until_it_is_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "old.json",
            r#"{"Resources": {"T": {"Type": "AWS::DynamoDB::Table"}, "F": {"Type": "AWS::SNS::Topic"}}}"#,
        );
        write("new.json", r#"{"Resources": {"F": {"Type": "AWS::SNS::Topic"}}}"#);
        let said = run(folder.path(), &["diff", "old.json", "new.json"]);
        assert_eq!(said.code, 1);
        let message =
            "error[diff/data-loss]: `T` (`AWS::DynamoDB::Table`) is removed, and what it holds is lost\n--> new.json\n";
        assert!(said.stderr.contains(message), "{}", said.stderr);
        write("ok.yaml", "acknowledge:\n  - { code: diff/data-loss, resource: T, reason: empty since 2020 }\n");
        let said = run(folder.path(), &["diff", "old.json", "new.json", "--acknowledge", "ok.yaml"]);
        assert_eq!(said.code, 0, "{said:?}");
        write("late.yaml", "acknowledge:\n  - { code: diff/data-loss, reason: empty, expires: '2020-01-01' }\n");
        let said = run(folder.path(), &["diff", "old.json", "new.json", "--acknowledge", "late.yaml"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(
            said.stderr.contains("the acknowledgement of `diff/data-loss` counted until 2020-01-01"),
            "{}",
            said.stderr
        );
        write("other.yaml", "acknowledge:\n  - { code: diff/data-loss, resource: X, reason: empty }\n");
        let said = run(folder.path(), &["diff", "old.json", "new.json", "--acknowledge", "other.yaml"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains("no finding `diff/data-loss` is there to acknowledge"), "{}", said.stderr);
    }

    /// The findings of a run by their codes: the message with the place, and all of the help.
    fn findings(stderr: &str, code: &str) -> Vec<(String, String, Vec<String>)> {
        let mut found = Vec::new();
        for block in stderr.split("\n\n").map(str::trim) {
            let Some((head, message)) = block.split_once("]: ") else { continue };
            let (_, own) = head.split_once('[').unwrap();
            let mut lines = message.lines();
            let message = lines.next().unwrap().to_owned();
            let place = lines.next().and_then(|line| line.strip_prefix("--> ")).unwrap().to_owned();
            let help = lines.filter_map(|line| line.strip_prefix(" = help: ")).map(str::to_owned).collect();
            if own == code {
                found.push((message, place, help));
            }
        }
        found
    }

    /// The acknowledgement that a finding's help tells to write.
    fn pasted(help: &str) -> String {
        let entry = help.split('`').find(|part| part.starts_with("- { code: ")).unwrap();
        format!("acknowledge:\n  {}\n", entry.replace('…', "it is meant"))
    }

    /// The blueprint of the serverless product after some edits, as an assembly of a name.
    fn made(folder: &Path, name: &str, edits: &[(&str, &str)], more: &[&str]) {
        let mut text = blueprints()[0].clone();
        for (from, to) in edits {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, to, 1);
        }
        let file = format!("{name}.yaml");
        fs::write(folder.join(&file), text).unwrap();
        let said = run(folder, &[&["synth", &file, "--out", name, "--no-prove"], more].concat());
        assert_eq!(said.code, 0, "{said:?}");
    }

    #[test]
    fn findings_say_where_and_what_to_do_and_what_they_say_can_be_pasted() {
        let said = run(versions(), &["diff", "old", "new"]);
        let cases = [
            (
                "diff/name-taken",
                "`OrdersTable1547d1de` (`AWS::DynamoDB::Table`) has to be replaced and keeps its name, so CloudFormation refuses the update, for 2 tenants: `tenant-030`, `tenant-031`",
                "new/templates/platinum-tenant.template.json",
                "give what takes its place another id, so that it gets another name, or leave what replaces it as it was",
                4,
            ),
            (
                "diff/left-behind",
                "`OrdersTable1547d1de` (`AWS::DynamoDB::Table`) is replaced, and the new one begins without what the old one holds, for 2 tenants: `tenant-030`, `tenant-031`",
                "new/templates/platinum-tenant.template.json",
                "copy what it holds, and decide who deletes the old one",
                4,
            ),
            (
                "diff/broadened",
                "`OrderServiceRole078829b8` (`AWS::IAM::Role`) makes something possible that was not before, for 2 tenants: `tenant-030`, `tenant-031`",
                "new/templates/platinum-tenant.template.json",
                "grant only what is needed",
                4,
            ),
            (
                "diff/data-not-moved",
                "1 tenant leaves shared stacks, and what it kept there does not go along: `tenant-010`",
                "new",
                "`tenantry plan tenant-010 --from old --to new` says how it is copied, and then deleted",
                2,
            ),
            (
                "diff/data-not-moved",
                "1 tenant goes, and what it kept in shared stacks stays there: `tenant-002`",
                "new",
                "`tenantry plan tenant-002 --from old --erase` says how it is deleted",
                2,
            ),
        ];
        for (code, message, place, help, count) in cases {
            let all = findings(&said.stderr, code);
            assert_eq!(all.len(), count, "{code}: {all:#?}");
            let found = all.iter().find(|(said, ..)| said == message).unwrap_or_else(|| panic!("{code}: {all:#?}"));
            assert_eq!((found.1.as_str(), found.2[0].as_str()), (place, help));
            // Pasted into the file it takes one finding away, and no other.
            let file = format!("{}-{}.yaml", code.replace('/', "-"), message.len());
            fs::write(versions().join(&file), pasted(&found.2[1])).unwrap();
            let said = run(versions(), &["diff", "old", "new", "--acknowledge", &file]);
            assert_eq!(said.code, 1, "names stay taken: {said:?}");
            assert_eq!(findings(&said.stderr, code).len(), count - 1);
            assert!(!said.stderr.contains(message) && said.stderr.contains(", 1 acknowledged"), "{}", said.stderr);
            let said = run(versions(), &["diff", "old", "new", "--acknowledge", &file, "--output", "json"]);
            let report: Value = serde_json::from_str(&said.stdout).unwrap();
            let all = report["findings"].as_array().unwrap();
            let known: Vec<&Value> = all.iter().filter(|one| one["acknowledged"] == "it is meant").collect();
            assert_eq!(known.len(), 1, "{all:#?}");
            assert_eq!((&known[0]["code"], &known[0]["message"]), (&json!(code), &json!(message)));
        }
        // The commands that help names do what it says of them.
        for arguments in [
            ["plan", "tenant-010", "--from", "old", "--to", "new"].as_slice(),
            &["plan", "tenant-002", "--from", "old", "--erase"],
        ] {
            let said = run(versions(), arguments);
            assert_eq!(said.code, 0, "{said:?}");
            assert!(said.stdout.contains(arguments[1]) && said.stdout.contains("delete"), "{}", said.stdout);
        }
    }

    #[test]
    fn what_keeps_data_is_missed_when_it_goes() {
        let folder = tempfile::tempdir().unwrap();
        let source = versions().join("old/templates/platinum-tenant.template.json");
        let text = fs::read_to_string(source).unwrap();
        fs::write(folder.path().join("old.json"), &text).unwrap();
        let mut template: Value = serde_json::from_str(&text).unwrap();
        let resources = template["Resources"].as_object_mut().unwrap();
        let (id, table) = resources.iter_mut().find(|(id, _)| id.starts_with("OrdersTable")).unwrap();
        assert_eq!(table["DeletionPolicy"], "Retain");
        table["DeletionPolicy"] = "Delete".into();
        table["UpdateReplacePolicy"] = "Delete".into();
        // A function holds nothing, whatever becomes of it.
        let id = id.clone();
        let (_, function) = resources.iter_mut().find(|(_, one)| one["Type"] == "AWS::Lambda::Function").unwrap();
        function["DeletionPolicy"] = "Retain".into();
        fs::write(folder.path().join("new.json"), template.to_string()).unwrap();
        let said = run(folder.path(), &["diff", "old.json", "new.json"]);
        assert_eq!(said.code, 0, "{said:?}");
        let found = findings(&said.stderr, "diff/retention-dropped");
        assert_eq!(found.len(), 2, "{found:#?}");
        for ((message, place, help), policy) in found.iter().zip(["DeletionPolicy", "UpdateReplacePolicy"]) {
            assert_eq!(
                message,
                &format!("`{id}` (`AWS::DynamoDB::Table`) no longer has a `{policy}` that keeps what it holds")
            );
            assert_eq!(
                (place.as_str(), help[0].as_str()),
                ("new.json", format!("leave `{policy}: Retain` in place").as_str())
            );
            fs::write(folder.path().join("ok.yaml"), pasted(&help[1])).unwrap();
        }
        let said = run(folder.path(), &["diff", "old.json", "new.json", "--acknowledge", "ok.yaml"]);
        assert!(said.stderr.contains("2 acknowledged") && said.stderr.lines().count() == 1, "{said:?}");
        // The other way round nothing is missed.
        let said = run(folder.path(), &["diff", "new.json", "old.json"]);
        assert!(!said.stderr.contains("retention-dropped"), "{said:?}");
    }

    #[test]
    fn what_could_not_be_decided_counts_as_broadened() {
        let folder = tempfile::tempdir().unwrap();
        let client = |attributes: &str| {
            format!(
                "    include: [orders]\n    components:\n      - custom: Client\n        type: AWS::Cognito::UserPoolClient\n        properties: {{ UserPoolId: !Ref Users, ReadAttributes: [{attributes}] }}\n    entitlements: {{ seats: 500,"
            )
        };
        let place = "    include: [orders]\n    entitlements: { seats: 500,";
        made(folder.path(), "old", &[(place, &client("email"))], &[]);
        made(folder.path(), "new", &[(place, &client("email, name"))], &["--ledger", "old"]);
        let said = run(folder.path(), &["diff", "old", "new"]);
        assert_eq!(said.code, 0, "{said:?}");
        let found = findings(&said.stderr, "diff/access-unknown");
        let [(message, place, help)] = found.as_slice() else { panic!("{said:?}") };
        let id = message.split('`').nth(1).unwrap();
        assert!(id.starts_with("Client"), "{message}");
        assert_eq!(
            message,
            &format!(
                "it could not be decided whether `{id}` (`AWS::Cognito::UserPoolClient`) makes more possible than before, for 2 tenants: `tenant-030`, `tenant-031`"
            )
        );
        assert_eq!(place, "new/templates/platinum-tenant.template.json");
        assert_eq!(help[0], "read what changes, and treat it as broadened unless you know better");
        assert!(said.stdout.contains("ACCESS PERHAPS BROADENED"), "{}", said.stdout);
        fs::write(folder.path().join("ok.yaml"), pasted(&help[1])).unwrap();
        let said = run(folder.path(), &["diff", "old", "new", "--acknowledge", "ok.yaml"]);
        assert!(said.stderr.contains("1 acknowledged") && said.stderr.lines().count() == 1, "{said:?}");
        let said = run(folder.path(), &["diff", "old", "new", "--fail-on", "broadening"]);
        assert_eq!(said.code, 1, "{said:?}");
        let found = findings(&said.stderr, "diff/fail-on");
        assert_eq!(
            found,
            [(
                "2 resources or policies broaden access, or may, and `--fail-on broadening` is given".to_owned(),
                "new".to_owned(),
                vec!["deploy the change where somebody watches, without the option".to_owned()]
            )]
        );
    }

    #[test]
    fn two_products_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        made(folder.path(), "prod", &[], &[]);
        made(folder.path(), "staging", &[("environment: prod", "environment: staging")], &[]);
        let said = run(folder.path(), &["diff", "prod", "staging"]);
        assert_eq!(
            findings(&said.stderr, "diff/unrelated"),
            [(
                "`serverless-saas` in `staging` is compared with `serverless-saas` in `prod`, and no cell or tenant has a stack in both"
                    .to_owned(),
                "staging".to_owned(),
                vec!["compare two assemblies of the same blueprint and environment".to_owned()]
            )]
        );
        // That is so: all of the one are deleted, and all of the other created.
        let updated: Vec<&str> =
            said.stdout.lines().filter(|line| line.starts_with('#') && line.ends_with("updated")).collect();
        assert_eq!(updated, ["#8 organization: updated"]);
        // The organization's policies say the same, and are said to have other tags.
        let tags = said.stdout.matches("  ~ BasicRcp1").count();
        assert_eq!(tags, 1, "{}", said.stdout);
        let policy = said.stdout.lines().skip_while(|line| !line.starts_with("  ~ BasicRcp1")).nth(1).unwrap();
        assert_eq!(policy, "      Tags/Environment  prod → staging");
        let said = run(folder.path(), &["diff", "prod", "prod"]);
        assert!(findings(&said.stderr, "diff/unrelated").is_empty());
    }

    fn git(folder: &Path, arguments: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let target = to.join(path.file_name().unwrap());
            if path.is_dir() {
                copy(&path, &target);
            } else {
                fs::copy(&path, &target).unwrap();
            }
        }
    }

    #[test]
    fn revisions_are_compared_as_folders_are() {
        let folder = tempfile::tempdir().unwrap();
        let expected = run(versions(), &["diff", "old", "new"]).stdout;
        git(folder.path(), &["init", "--quiet"]);
        copy(&versions().join("old"), &folder.path().join("deploy/assembly"));
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "--quiet", "-m", "old"]);
        fs::remove_dir_all(folder.path().join("deploy/assembly")).unwrap();
        copy(&versions().join("new"), &folder.path().join("deploy/assembly"));
        for arguments in [["HEAD", "deploy/assembly"], ["HEAD:deploy/assembly", "deploy/assembly"]] {
            assert_eq!(run(folder.path(), &["diff", arguments[0], arguments[1]]).stdout, expected);
        }
        let deploy = folder.path().join("deploy");
        assert_eq!(run(&deploy, &["diff", "HEAD:./assembly", "assembly"]).stdout, expected);
        git(folder.path(), &["add", "--all"]);
        git(folder.path(), &["commit", "--quiet", "-m", "new"]);
        assert_eq!(run(folder.path(), &["diff", "HEAD~1:deploy/assembly", "HEAD:deploy/assembly"]).stdout, expected);

        // What other commands compare with may be of a revision as well.
        copy(&versions().join("old"), &folder.path().join("old"));
        for arguments in [
            ["rollout", "deploy/assembly", "--settings", "rollout.yaml", "--keep", "--from"].as_slice(),
            &["plan", "tenant-010", "--to", "deploy/assembly", "--from"],
            &["preview", "tenant-020", "--assembly", "deploy/assembly", "--against"],
        ] {
            fs::write(folder.path().join("rollout.yaml"), "organization: false\n").unwrap();
            let [by_folder, by_revision] =
                ["old", "HEAD~1:deploy/assembly"].map(|from| run(folder.path(), &[arguments, &[from]].concat()));
            assert_eq!((by_folder.code, by_revision.code), (0, 0), "{by_folder:?} {by_revision:?}");
            assert_eq!(by_folder.stdout, by_revision.stdout.replace("HEAD~1:deploy/assembly", "old"));
            assert_eq!(run(folder.path(), &[arguments, &["HEAD:elsewhere"]].concat()).code, 2);
        }

        let said = |arguments: &[&str]| {
            let said = run(folder.path(), &[&["diff"], arguments].concat());
            assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
            said.stderr
        };
        assert_eq!(
            said(&["nowhere:deploy/assembly", "deploy/assembly"]),
            "error: there is no folder or file `nowhere:deploy/assembly`, and git knows no revision `nowhere`\n"
        );
        assert_eq!(said(&["HEAD:elsewhere", "deploy/assembly"]), "error: the revision `HEAD` has no `elsewhere`\n");
        assert_eq!(
            said(&["HEAD:deploy", "deploy/assembly"]),
            "error: `HEAD:deploy` holds no assembly and no templates: there is neither a `tenantry.json` nor a file with `Resources`\n"
        );
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let said = |arguments: &[&str]| {
            let said = run(root, &[&["diff"], arguments].concat());
            assert_eq!(said.code, 2, "{said:?}");
            said.stderr
        };
        fs::create_dir(root.join("empty")).unwrap();
        fs::write(root.join("t.json"), "{\"Resources\": {}}").unwrap();
        copy(&versions().join("old"), &root.join("assembly"));
        assert_eq!(
            said(&["empty", "assembly"]),
            "error: `empty` holds no assembly and no templates: there is neither a `tenantry.json` nor a file with `Resources`\n"
        );
        assert_eq!(
            said(&["assembly", "t.json"]),
            "error: `assembly` is an assembly and `t.json` is not; compare two of a kind\n"
        );
        assert!(
            said(&["main:x", "assembly"])
                .starts_with("error: there is no folder or file `main:x`, and it names nothing in a git repository")
        );
        assert_eq!(said(&["assembly", "assembly", "--tenants=2"]), "error: there is no change `2`: no stack changes\n");

        // Two files of one name: which of them is compared nobody could say.
        fs::create_dir(root.join("twice")).unwrap();
        fs::write(root.join("twice/a.json"), "{\"Resources\": {}}").unwrap();
        fs::write(root.join("twice/a.template.json"), "{\"Resources\": {}}").unwrap();
        assert_eq!(
            said(&["twice", "t.json"]),
            "error: `twice/a.json` and `twice/a.template.json` have one name without their endings; templates are compared by it\n"
        );

        // A template that was edited is not what was proved.
        let manifest = fs::read_to_string(root.join("assembly/tenantry.json")).unwrap();
        copy(&versions().join("new"), &root.join("edited"));
        let path = root.join("edited/templates/basic-cell.template.json");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("1024", "2048")).unwrap();
        let said = run(root, &["diff", "assembly", "edited"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains("error[verify/digest]"), "{}", said.stderr);
        assert!(said.stdout.is_empty(), "{}", said.stdout);

        fs::write(root.join("assembly/tenantry.json"), manifest.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
        let said = run(root, &["diff", "assembly", "edited"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("expected format 1, the one this version knows"), "{}", said.stderr);
    }

    /// The templates of all blueprints' tiers.
    fn templates() -> &'static [Value] {
        static ALL: OnceLock<Vec<Value>> = OnceLock::new();
        ALL.get_or_init(|| {
            let mut all = Vec::new();
            for version in ["old", "new"] {
                for entry in fs::read_dir(versions().join(version).join("templates")).unwrap() {
                    all.push(serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap());
                }
            }
            all
        })
    }

    fn changes(old: &Value, new: &Value) -> Vec<tenantry::diff::ResourceChange> {
        let parameters = BTreeMap::new();
        let deployed =
            |template| Deployed { template, parameters: &parameters, stack: "s", account: None, region: "eu-west-1" };
        template::compare(Some(&deployed(old)), Some(&deployed(new)), &mut Types::default())
    }

    #[test]
    fn a_name_that_only_one_can_have_stands_in_the_way_of_a_replacement() {
        let taken = |kind: &str, old: Value, new: Value| {
            let template = |properties: Value| {
                json!({ "Resources": {
                    "A": { "Type": "AWS::ApiGateway::RestApi", "Properties": { "Name": "a" } },
                    "R": { "Type": kind, "Properties": properties },
                } })
            };
            let changes = changes(&template(old), &template(new));
            assert_eq!((changes.len(), changes[0].action), (1, tenantry::diff::Action::Replaced), "{kind}");
            changes[0].name_taken
        };
        let key = |name: &str| json!([{ "AttributeName": name, "KeyType": "HASH" }]);
        let table = |name: &str, key_name: &str| json!({ "TableName": name, "KeySchema": key(key_name) });
        assert!(taken("AWS::DynamoDB::Table", table("t", "a"), table("t", "b")));
        assert!(!taken("AWS::DynamoDB::Table", table("t", "a"), table("u", "b")), "another name is free");
        let unnamed = |key_name: &str| json!({ "KeySchema": key(key_name) });
        assert!(!taken("AWS::DynamoDB::Table", unnamed("a"), unnamed("b")), "CloudFormation makes another name up");
        let queue = |fifo: bool| json!({ "QueueName": "q.fifo", "FifoQueue": fifo });
        assert!(taken("AWS::SQS::Queue", queue(true), queue(false)));
        // A task definition has revisions: the new one is of the same family.
        let task = |cpu: &str| json!({ "Family": "f", "Cpu": cpu });
        assert!(!taken("AWS::ECS::TaskDefinition", task("256"), task("512")));
        // A stage has its name within its API, and there may be a stage of that name in another.
        let stage = |api: Value| json!({ "StageName": "prod", "RestApiId": api });
        assert!(!taken("AWS::ApiGateway::Stage", stage(json!({ "Ref": "A" })), stage(json!("other"))));
        let user = |path: &str| json!({ "GroupName": "g", "UserPoolId": path });
        assert!(!taken("AWS::Cognito::UserPoolGroup", user("eu-west-1_a"), user("eu-west-1_b")));
    }

    /// The value with the keys of its objects in another order, and what has no order in another order too.
    fn shuffled(value: &Value, seed: &mut u64, name: &str) -> Value {
        let mut next = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(*seed >> 33).unwrap()
        };
        match value {
            Value::Object(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                for index in (1..entries.len()).rev() {
                    entries.swap(index, next() % (index + 1));
                }
                entries.into_iter().map(|(key, value)| (key.clone(), shuffled(value, seed, key))).collect()
            }
            Value::Array(items) => {
                let unordered = ["Statement", "Action", "NotAction", "Tags"].contains(&name);
                let mut items: Vec<Value> = items.to_vec();
                if unordered {
                    for index in (1..items.len()).rev() {
                        items.swap(index, next() % (index + 1));
                    }
                }
                if let ([Value::String(only)], "Action") = (items.as_slice(), name) {
                    return Value::from(only.as_str());
                }
                items.iter().map(|item| shuffled(item, seed, "")).collect()
            }
            Value::Number(number) => Value::from(number.to_string()),
            other => other.clone(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn order_and_spelling_never_show(index in any::<prop::sample::Index>(), seed in any::<u64>()) {
            let template = index.get(templates());
            let mut seed = seed;
            let other = shuffled(template, &mut seed, "");
            let found = changes(template, &other);
            prop_assert!(found.is_empty(), "{found:#?}");
        }

        #[test]
        fn what_one_way_adds_the_other_removes(one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
            let (old, new) = (one.get(templates()), other.get(templates()));
            let ids = |changes: &[tenantry::diff::ResourceChange], action: Action| -> Vec<String> {
                changes.iter().filter(|change| change.action == action).map(|change| change.logical_id.clone()).collect()
            };
            let (there, back) = (changes(old, new), changes(new, old));
            prop_assert_eq!(ids(&there, Action::Added), ids(&back, Action::Removed));
            prop_assert_eq!(ids(&there, Action::Removed), ids(&back, Action::Added));
            let both = |changes: &[tenantry::diff::ResourceChange]| -> Vec<String> {
                let kept = changes.iter().filter(|change| !matches!(change.action, Action::Added | Action::Removed));
                kept.map(|change| change.logical_id.clone()).collect()
            };
            prop_assert_eq!(both(&there), both(&back));
        }

        #[test]
        fn a_property_that_is_set_shows_at_its_path(index in any::<prop::sample::Index>(), resource in any::<prop::sample::Index>()) {
            let template = index.get(templates());
            let resources = template["Resources"].as_object().unwrap();
            let ids: Vec<&String> = resources.keys().collect();
            let id = *resource.get(&ids);
            let mut other = template.clone();
            other["Resources"][id]["Properties"]["Surplus"] = json!({"A": [1]});
            let found = changes(template, &other);
            let [change] = found.as_slice() else { panic!("{found:#?}") };
            prop_assert_eq!(&change.logical_id, id);
            prop_assert_eq!(change.properties.len(), 1);
            prop_assert_eq!(&change.properties[0].path, "Properties/Surplus");
        }
    }
}
