//! Rollouts of the shipped blueprints, and the command.

#[cfg(test)]
#[expect(dead_code, reason = "what other tests use")]
#[path = "support/mod.rs"]
mod support;

#[cfg(test)]
mod rollouts {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;
    use std::path::Path;
    use std::process::{Command, Output};

    use serde_json::Value;
    use tenantry::assembly::Assembly;
    use tenantry::diagnostics::Sink;
    use tenantry::facts::Facts;
    use tenantry::rollout::{Permissions, ROLLOUT_SCHEMA, Rollout, Settings, Work, plan, prove};
    use tenantry::source::{Disk, World};

    use super::support::{Run, assemble};

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn blueprint(name: &str) -> String {
        String::from_utf8(Disk::new(root()).read(Path::new(&format!("blueprints/{name}.yaml"))).unwrap()).unwrap()
    }

    /// The assembly of a shipped blueprint.
    fn first(name: &str, out: &Path) -> Assembly {
        synthesized(name, out, ("", ""), None)
    }

    /// The same after a change of its text, with everybody where they were.
    fn later(name: &str, out: &Path, change: (&str, &str), before: &Path) -> Assembly {
        synthesized(name, out, change, Some(before))
    }

    fn synthesized(name: &str, out: &Path, change: (&str, &str), ledger: Option<&Path>) -> Assembly {
        let text = blueprint(name);
        assert!(text.contains(change.0), "{name} has no `{}`", change.0);
        let run = Run { ledger, ..Run::default() };
        assemble(&text.replace(change.0, change.1), &Disk::new(root().join("blueprints")), out, run).unwrap();
        Assembly::open(out).unwrap()
    }

    fn planned(new: &Assembly, old: Option<&Assembly>, settings: &Settings) -> (Option<Rollout>, Vec<String>) {
        let (mut sink, facts) = (Sink::new(), Facts::shipped().unwrap());
        let rollout = plan(new, old, settings, &facts, &mut sink).unwrap();
        if let Some(rollout) = &rollout {
            let schema: Value = serde_json::from_str(ROLLOUT_SCHEMA).unwrap();
            let value = serde_json::to_value(rollout).unwrap();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:#?}");
            assert_eq!(prove(rollout, new, old, settings, &facts).as_ref(), Ok(&rollout.obligations));
        }
        let said = sink.into_sorted().into_iter();
        (rollout, said.map(|finding| format!("{}: {}", finding.code, finding.message)).collect())
    }

    /// The waves as a person reads them: how many steps of which kind, and the first of each.
    fn waves(rollout: &Rollout) -> String {
        let mut text = String::new();
        for wave in &rollout.waves {
            let gate = wave.gate.as_ref().map_or("no gate".to_owned(), |gate| format!("{} alarms", gate.alarms.len()));
            let (name, tenants) = (&wave.wave, wave.tenants);
            writeln!(text, "{name}: {tenants} tenants, {} at once, {gate}", wave.concurrency).unwrap();
            let mut kinds: BTreeMap<String, (usize, &str)> = BTreeMap::new();
            for step in &wave.steps {
                let kind = serde_json::to_value(&step.work).unwrap()["do"].as_str().unwrap().to_owned();
                kinds.entry(kind).or_insert((0, &step.id)).0 += 1;
            }
            for (kind, (count, first)) in kinds {
                writeln!(text, "  {count} {kind}, the first {first}").unwrap();
            }
        }
        for one in &rollout.obligations {
            let nearest = one.nearest.as_ref().map_or(String::new(), |nearest| format!(" ({nearest})"));
            writeln!(text, "{}: {}{nearest}; allowed {}", one.limit, one.counted, one.allowed).unwrap();
        }
        text
    }

    fn snapshot(name: &str, text: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(root().join("snapshots/rollout"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, text));
    }

    #[test]
    fn the_first_rollout_of_a_product_with_cells() {
        let folder = tempfile::tempdir().unwrap();
        let new = first("serverless-saas", folder.path());
        let (rollout, said) = planned(&new, None, &Settings::default());
        assert_eq!(said.len(), 1, "{said:#?}");
        assert!(said[0].starts_with("rollout/shared-account"), "{said:#?}");
        snapshot("serverless-saas", &waves(&rollout.unwrap()));
    }

    #[test]
    fn the_first_rollout_and_the_next_of_two_thousand_accounts() {
        let folder = tempfile::tempdir().unwrap();
        let old = first("full-silo", &folder.path().join("old"));
        let settings = Settings { tier_per_wave: 30, tenants_per_wave: 30, ..Settings::default() };
        let (rollout, said) = planned(&old, None, &settings);
        assert_eq!(said, [""; 0]);
        let rollout = rollout.unwrap();
        snapshot("full-silo", &waves(&rollout));
        // Every tenant's instance has its own values.
        let mut tenants = BTreeSet::new();
        for step in rollout.waves.iter().flat_map(|wave| &wave.steps) {
            if let Work::Instance { parameters, .. } = &step.work {
                assert_eq!(parameters.get("TenantId"), step.tenant.as_deref());
                assert!(tenants.insert(step.tenant.clone().unwrap()));
            }
        }
        assert_eq!(tenants.len(), 2_000);
        // With another template all instances are told, a hundred at a time, and none is made.
        let change = ("memory_mib: 1024", "memory_mib: 512");
        let new = later("full-silo", &folder.path().join("new"), change, old.root());
        let (rollout, said) = planned(&new, Some(&old), &settings);
        assert_eq!(said, [""; 0]);
        let steps: Vec<Work> =
            rollout.unwrap().waves.into_iter().flat_map(|wave| wave.steps).map(|step| step.work).collect();
        let told: usize = steps
            .iter()
            .map(|work| match work {
                Work::UpdateInstances { accounts, regions, .. } => {
                    assert!(accounts.len() <= 100);
                    assert_eq!(regions.len(), 1);
                    accounts.len()
                }
                other => panic!("{other:?}"),
            })
            .sum();
        assert_eq!(told, 2_000);
    }

    #[test]
    fn a_cell_that_is_too_large_says_so_and_may_go_alone() {
        let folder = tempfile::tempdir().unwrap();
        let new = first("serverless-saas", folder.path());
        let mut settings = Settings { tier_per_wave: 40, canaries_per_tier: 0, ..Settings::default() };
        let (rollout, said) = planned(&new, None, &settings);
        assert!(rollout.is_none());
        assert!(
            said.iter().any(|line| line.starts_with("rollout/indivisible: the shared stack of tier `basic`")),
            "{said:#?}"
        );
        settings.whole_cells = true;
        let (rollout, _) = planned(&new, None, &settings);
        assert!(rollout.is_some());
    }

    #[test]
    fn stack_sets_need_a_unit_only_if_organizations_manages_them() {
        let folder = tempfile::tempdir().unwrap();
        let new = first("full-silo", folder.path());
        let mut settings = Settings { organization: false, ..Settings::default() };
        if let Some(sets) = &mut settings.stack_sets {
            sets.permissions = Permissions::SelfManaged;
        }
        let (rollout, said) = planned(&new, None, &settings);
        assert_eq!(said, [""; 0]);
        let rollout = rollout.unwrap();
        assert!(rollout.stack_sets.values().all(|set| set.unit.is_none()));
        assert!(rollout.waves.iter().all(|wave| wave.wave != "organization"));
    }

    /// Runs the program in a folder.
    fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } =
            Command::new(env!("CARGO_BIN_EXE_tenantry")).args(arguments).current_dir(folder).output().unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    #[test]
    fn the_command_writes_checks_and_refuses() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        first("serverless-saas", &at("one"));
        let (code, out, said) = run(folder.path(), &["rollout", "one"]);
        assert_eq!(code, 0, "{said}");
        assert!(out.contains("organization") && out.contains("rollout.json: written"), "{out}");
        let (code, out, said) = run(folder.path(), &["rollout", "one", "--check", "rollout.json"]);
        assert_eq!(code, 0, "{said}");
        assert!(out.contains("limits hold"), "{out}");
        // The same again is nothing.
        let (code, out, _) = run(folder.path(), &["rollout", "one", "--from", "one", "-o", "none.json"]);
        assert_eq!(code, 0);
        assert!(out.contains("nothing differs"), "{out}");
        // It fits no other assembly, nor other settings, and a file that is none is none.
        first("full-silo", &at("two"));
        let (code, _, said) = run(folder.path(), &["rollout", "two", "--check", "rollout.json"]);
        assert_eq!(code, 1);
        assert!(said.contains("rollout/other-assembly"), "{said}");
        let (code, _, said) = run(folder.path(), &["rollout", "two", "--from", "one"]);
        assert_eq!(code, 1);
        assert!(said.contains("rollout/other-assembly"), "{said}");
        let (code, _, said) = run(folder.path(), &["rollout", "one", "--check", "one/tenantry.json"]);
        assert_eq!(code, 1);
        assert!(said.contains("rollout/file"), "{said}");
        let settings = "concurrency: { steps: 1 }\npins: [{ tenant: nobody, until: 2020-01-01, reason: gone }]\n";
        std::io::Write::write_all(&mut std::fs::File::create(at("rollout.yaml")).unwrap(), settings.as_bytes())
            .unwrap();
        let (code, _, said) = run(folder.path(), &["rollout", "one", "--check", "rollout.json"]);
        assert_eq!(code, 1);
        assert!(said.contains("rollout/concurrency") && said.contains("rollout/pin-expired"), "{said}");
        assert!(said.contains("rollout.yaml:2:"), "{said}");
        let (code, _, said) = run(folder.path(), &["rollout", "one", "-o", "never.json"]);
        assert_eq!(code, 1);
        assert!(said.contains("rollout/unknown-name") && !at("never.json").exists(), "{said}");
    }

    fn written(path: &Path, text: &str) {
        std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), text.as_bytes()).unwrap();
    }

    fn text_of(path: &Path) -> String {
        String::from_utf8(Disk::new("/").read(path).unwrap()).unwrap()
    }

    /// What is found by a run that refuses: the code, the place, and the help, once for each different.
    fn refused(folder: &Path, arguments: &[&str]) -> BTreeSet<(String, String, String, String)> {
        let (code, out, said) = run(folder, arguments);
        assert_eq!((code, out.as_str()), (1, ""), "{said}");
        let finding = |block: &str| {
            let (code, rest) = block.strip_prefix("error[")?.split_once("]: ")?;
            let mut lines = rest.lines();
            let message = lines.next()?.to_owned();
            let place = lines.next()?.strip_prefix("--> ")?.to_owned();
            Some((code.to_owned(), message, place, lines.next()?.strip_prefix(" = help: ")?.to_owned()))
        };
        let found: BTreeSet<_> = said.split("\n\n").filter_map(|block| finding(block.trim())).collect();
        assert!(!found.is_empty(), "{said}");
        found
    }

    #[test]
    fn units_stand_below_something_that_somebody_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        synthesized("serverless-saas", &at("one"), ("  parent: r-ab12\n", ""), None);
        let found = refused(folder.path(), &["rollout", "one"]);
        assert!(!at("rollout.json").exists());
        for (code, message, place, help) in &found {
            assert_eq!((code.as_str(), place.as_str()), ("rollout/no-parent", "one/tenantry.json"));
            assert!(
                message.starts_with("nobody says below which root or unit `") && message.ends_with("` is to stand")
            );
            assert_eq!(help, "write `parent: r-…` (or `ou-…`) in the rollout's settings, or `organization: false`");
        }
        // Either of the two that the help names is enough.
        for settings in ["parent: r-ab12\n", "organization: false\n"] {
            written(&at("rollout.yaml"), settings);
            let (code, _, said) = run(folder.path(), &["rollout", "one"]);
            assert_eq!(code, 0, "{said}");
        }
    }

    /// An assembly whose digests fit and whose policies' files do not: somebody wrote it who is not `synth`.
    #[test]
    fn a_policy_that_is_in_no_file_cannot_be_rolled_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        first("serverless-saas", &at("one"));
        let manifest: Value = serde_json::from_str(&text_of(&at("one/tenantry.json"))).unwrap();
        let template =
            manifest["templates"].as_array().unwrap().iter().find(|one| one["scope"] == "organization").unwrap();
        let path = template["path"].as_str().unwrap();
        let text = text_of(&at("one").join(path));
        let mut edited: Value = serde_json::from_str(&text).unwrap();
        let mut policies = edited["Resources"].as_object_mut().unwrap().iter_mut();
        let (id, policy) = policies.find(|(_, one)| one["Type"] == "AWS::Organizations::Policy").unwrap();
        let (id, name) = (id.clone(), policy["Properties"]["Name"].as_str().unwrap().to_owned());
        policy["Properties"]["Content"]["Statement"].as_array_mut().unwrap().pop().unwrap();
        let edited = serde_json::to_string_pretty(&edited).unwrap();
        written(&at("one").join(path), &edited);
        let digest = |text: &str| tenantry::assembly::Digest::of(text.as_bytes()).to_string();
        let manifest = text_of(&at("one/tenantry.json"));
        assert!(manifest.contains(&digest(&text)));
        // Its digest, wherever the manifest names it, and its length.
        let manifest = manifest
            .replace(&digest(&text), &digest(&edited))
            .replace(&format!("\"bytes\": {}", text.len()), &format!("\"bytes\": {}", edited.len()));
        written(&at("one/tenantry.json"), &manifest);
        let found = refused(folder.path(), &["rollout", "one"]);
        let expected = (
            "rollout/organization".to_owned(),
            format!("no file beside the template holds the policy `{name}` (`{id}`)"),
            format!("one/{path}"),
            "make the assembly again with `tenantry synth`".to_owned(),
        );
        assert!(found.contains(&expected), "{found:#?}");
        assert!(!at("rollout.json").exists());
    }

    #[test]
    fn a_stack_set_learns_no_parameter_that_its_instances_have_no_value_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let old = first("full-silo", &at("old"));
        let more = "      - custom: Settings\n        type: AWS::SSM::Parameter\n        properties: { Type: String, Value: !Sub '${CellDigest}' }\n      - alarms: Alarms\n";
        later("full-silo", &at("new"), ("      - alarms: Alarms\n", more), old.root());
        let found = refused(folder.path(), &["rollout", "new", "--from", "old"]);
        let [(code, message, place, help)] = found.iter().collect::<Vec<_>>()[..] else { panic!("{found:#?}") };
        assert_eq!((code.as_str(), place.as_str()), ("rollout/set-parameter", "new/tenantry.json"));
        let sets = "templates of stack sets have parameters that instances there have no value for: `CellDigest (full-silo-tenant-0-";
        assert!(message.starts_with(sets) && message.ends_with(" and 3 others"), "{message}");
        assert_eq!(
            help,
            "write `stack_sets: false` for a fleet that is new, or leave the parameter out of the template"
        );
        // Change sets give each stack its own values.
        written(&at("rollout.yaml"), "stack_sets: false\n");
        let (code, _, said) = run(folder.path(), &["rollout", "new", "--from", "old"]);
        assert_eq!(code, 0, "{said}");
    }

    #[test]
    fn more_than_a_stack_set_holds_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        first("full-silo", &at("one"));
        let low = |name: &str, value: u64| {
            format!(
                r#"{{"limits": {{"{name}": {{"value": {value}, "unit": "x", "adjustable": true, "source": "https://example.com/quota", "date": "2026-11-21"}}}}}}"#
            )
        };
        written(&at("instances.json"), &low("stack_set_instances", 100));
        written(&at("sets.json"), &low("stack_sets", 4));
        let cases = [
            ("instances.json", "stack set `full-silo-tenant-2-6mlkivv5b7hk` has 269 instances, and 100 are possible"),
            ("sets.json", "the rollout has 8 stack sets, and an account has 4 at most"),
        ];
        for (facts, message) in cases {
            let found = refused(folder.path(), &["rollout", "one", "--facts", facts]);
            let [(code, said, place, help)] = found.iter().collect::<Vec<_>>()[..] else { panic!("{found:#?}") };
            assert_eq!((code.as_str(), said.as_str(), place.as_str()), ("rollout/limit", message, "one/tenantry.json"));
            assert!(help.starts_with("ask AWS for a higher quota and name it in the file of `--facts`"), "{help}");
        }
        // As the help says: more shards have fewer instances each.
        written(&at("rollout.yaml"), "stack_sets: { shards: 64 }\n");
        let (code, _, said) = run(folder.path(), &["rollout", "one", "--facts", "instances.json"]);
        assert_eq!(code, 0, "{said}");
    }

    #[test]
    fn a_wave_that_goes_past_a_percentage_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        first("full-silo", &at("one"));
        written(&at("fast.yaml"), "percentages: [100]\n");
        let (code, _, said) = run(folder.path(), &["rollout", "one", "--settings", "fast.yaml"]);
        assert_eq!(code, 0, "{said}");
        written(&at("slow.yaml"), "percentages: [5, 25, 100]\n");
        let found = refused(folder.path(), &["rollout", "one", "--settings", "slow.yaml", "--check", "rollout.json"]);
        let expected = [("25", 500), ("5", 100)].map(|(percent, end)| {
            (
                "rollout/pace".to_owned(),
                format!(
                    "wave `tenant.100` goes from 1 to 2000 of 2000 tenants of tier `tenant`, past {percent} % ({end})"
                ),
                "rollout.json".to_owned(),
                "make the rollout again with `tenantry rollout`, with the same settings".to_owned(),
            )
        });
        assert_eq!(found, BTreeSet::from(expected));
        // Made again, it keeps to them.
        let (code, _, said) = run(folder.path(), &["rollout", "one", "--settings", "slow.yaml"]);
        assert_eq!(code, 0, "{said}");
        let (code, _, said) =
            run(folder.path(), &["rollout", "one", "--settings", "slow.yaml", "--check", "rollout.json"]);
        assert_eq!(code, 0, "{said}");
    }

    #[test]
    fn a_stack_that_is_gone_waits_for_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        first("serverless-saas", &at("one"));
        let text = blueprint("serverless-saas");
        // A tenant of a single line leaves.
        let line = text.lines().rfind(|line| line.trim_start().starts_with("- { tenant:")).unwrap();
        later("serverless-saas", &at("two"), (&format!("{line}\n"), ""), &at("one"));
        let (code, _, said) = run(folder.path(), &["rollout", "two", "--from", "one"]);
        assert_eq!(code, 1);
        assert!(said.contains("rollout/deletes"), "{said}");
        let (code, out, said) = run(folder.path(), &["rollout", "two", "--from", "one", "--keep"]);
        assert_eq!(code, 0, "{said}");
        assert!(out.contains("nothing differs"), "{out}");
        let (code, out, said) = run(folder.path(), &["rollout", "two", "--from", "one", "--delete"]);
        assert_eq!(code, 0, "{said}");
        assert!(out.lines().any(|line| line.starts_with("delete")), "{out}");
    }
}
