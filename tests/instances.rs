//! Assemblies that were changed after they were written: what is deployed is then not what was proved, and `prove` says so.

#[cfg(test)]
mod instances {
    use std::fs::File;
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use serde_json::{Value, json};
    use tempfile::TempDir;
    use tenantry::source::{Disk, World};

    /// An assembly in a folder of its own.
    struct Case {
        folder: TempDir,
    }

    impl Case {
        fn new(flags: &[&str]) -> Self {
            let case = Self { folder: tempfile::tempdir().unwrap() };
            let blueprint = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints/serverless-saas.yaml");
            let out = case.assembly();
            let mut arguments = vec!["synth", blueprint.to_str().unwrap(), "--out", out.to_str().unwrap()];
            arguments.extend(flags);
            let (code, said) = tenantry(&arguments);
            assert_eq!(code, 0, "{said}");
            case
        }

        fn assembly(&self) -> PathBuf {
            self.folder.path().join("assembly")
        }

        fn read(&self, name: &str) -> Vec<u8> {
            Disk::new(self.assembly()).read(Path::new(name)).unwrap()
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            File::create(self.assembly().join(name)).unwrap().write_all(bytes).unwrap();
        }

        fn tenants(&self) -> Vec<Value> {
            let text = String::from_utf8(self.read("tenants.jsonl")).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }

        fn prove(&self) -> (i32, String) {
            tenantry(&["prove", self.assembly().to_str().unwrap()])
        }

        /// What `prove` says after a change of the tenants' records.
        fn with(flags: &[&str], change: impl FnOnce(&mut Vec<Value>)) -> (i32, String) {
            let case = Self::new(flags);
            let mut tenants = case.tenants();
            change(&mut tenants);
            let lines: String = tenants.iter().map(|tenant| format!("{tenant}\n")).collect();
            case.write("tenants.jsonl", lines.as_bytes());
            case.prove()
        }
    }

    fn tenantry(arguments: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_tenantry")).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap(), said)
    }

    fn of<'t>(tenants: &'t mut [Value], id: &str) -> &'t mut Value {
        tenants.iter_mut().find(|tenant| tenant["tenant"] == id).unwrap()
    }

    #[track_caller]
    fn refuted((code, said): &(i32, String), words: &[&str]) {
        assert_eq!(*code, 3, "{said}");
        assert!(said.contains("instance/refuted"), "{said}");
        for word in words {
            assert!(said.contains(word), "`{word}` is missing in {said}");
        }
    }

    #[test]
    fn what_synth_writes_is_proved_and_verified() {
        for flags in [&[][..], &["--expand"]] {
            let case = Case::new(flags);
            let (code, said) = case.prove();
            assert_eq!(code, 0, "{said}");
            assert!(said.contains("  instance: "), "{said}");
            assert!(!said.contains("refuted") && !said.contains("unknown"), "{said}");
            let (code, said) = tenantry(&["verify", case.assembly().to_str().unwrap()]);
            assert_eq!(code, 0, "{said}");
            let evidence: Value = serde_json::from_slice(&case.read("evidence/isolation.json")).unwrap();
            assert_eq!(evidence["result"], "proved");
            let claims = evidence["claims"].as_array().unwrap();
            assert!(claims.iter().any(|tally| tally["claim"] == "instance"), "{claims:#?}");
        }
    }

    #[test]
    fn synth_and_prove_give_the_same_evidence() {
        let case = Case::new(&[]);
        let again = case.folder.path().join("again.json");
        let assembly = case.assembly();
        let (code, said) = tenantry(&["prove", assembly.to_str().unwrap(), "--evidence", again.to_str().unwrap()]);
        assert_eq!(code, 0, "{said}");
        let again = Disk::new(case.folder.path()).read(Path::new("again.json")).unwrap();
        let (one, other): (Value, Value) = (
            serde_json::from_slice(&case.read("evidence/isolation.json")).unwrap(),
            serde_json::from_slice(&again).unwrap(),
        );
        for key in ["inputs", "assumptions"] {
            assert_eq!(one[key], other[key], "{key}");
        }
        let instances = |evidence: &Value| {
            let all = evidence["obligations"].as_array().unwrap().iter();
            all.filter(|asked| asked["claim"] == "instance").cloned().collect::<Vec<_>>()
        };
        assert!(!instances(&one).is_empty());
        assert_eq!(instances(&one), instances(&other));
    }

    #[test]
    fn parameters_of_another_tenant_are_refuted() {
        let said = Case::with(&[], |tenants| {
            let other = of(tenants, "tenant-002")["stacks"][0]["parameters"]["TenantId"].clone();
            of(tenants, "tenant-001")["stacks"][0]["parameters"]["TenantId"] = other;
        });
        refuted(
            &said,
            &[
                "`TenantId` of tenant `tenant-001` is `tenant-002`",
                "tenants.jsonl:1",
                "/1/stacks/0/parameters/TenantId",
                "/1/stacks/0/parameters/TenantId",
            ],
        );
        let said = Case::with(&[], |tenants| {
            let other = of(tenants, "tenant-002")["stacks"][0]["parameters"].take();
            let own = std::mem::replace(&mut of(tenants, "tenant-001")["stacks"][0]["parameters"], other);
            of(tenants, "tenant-002")["stacks"][0]["parameters"] = own;
        });
        refuted(&said, &["tenant `tenant-001`", "tenant `tenant-002`", "instance"]);
    }

    #[test]
    fn a_parameter_that_is_not_given_is_refuted() {
        let said = Case::with(&[], |tenants| {
            of(tenants, "tenant-001")["stacks"][0]["parameters"].as_object_mut().unwrap().remove("TenantId");
        });
        refuted(&said, &["`TenantId` of tenant `tenant-001` is ``"]);
    }

    #[test]
    fn a_digest_of_two_tenants_is_refuted() {
        let said = Case::with(&[], |tenants| {
            let digest = of(tenants, "tenant-001")["digest"].clone();
            let other = of(tenants, "tenant-003");
            other["digest"] = digest.clone();
            other["stacks"][0]["parameters"]["TenantDigest"] = digest;
        });
        refuted(&said, &["tenants `tenant-001` and `tenant-003` have the same digest", "tenants.jsonl:3"]);
    }

    #[test]
    fn an_account_of_two_tenants_is_refuted() {
        for flags in [&[][..], &["--expand"]] {
            let said = Case::with(flags, |tenants| {
                let account = of(tenants, "tenant-030")["stacks"][0]["account"].clone();
                of(tenants, "tenant-031")["stacks"][0]["account"] = account;
            });
            refuted(&said, &["tenants `tenant-030` and `tenant-031` are in the same account", "tenants.jsonl:9"]);
            let said = Case::with(flags, |tenants| {
                of(tenants, "tenant-030")["stacks"][0]["account"] = json!("210000000001");
            });
            refuted(&said, &["tenant `tenant-030` is in account `210000000001`, where cell `eu-1` is"]);
        }
    }

    #[test]
    fn the_stack_of_another_cell_is_refuted() {
        let said = Case::with(&[], |tenants| {
            let stack = of(tenants, "tenant-002")["stacks"][0]["parameters"]["CellStack"].clone();
            of(tenants, "tenant-001")["stacks"][0]["parameters"]["CellStack"] = stack;
        });
        refuted(&said, &["`CellStack` of tenant `tenant-001` is `serverless-saas-basic-eu-2-"]);
    }

    #[test]
    fn other_templates_names_and_an_id_twice_are_refuted() {
        let said = Case::with(&[], |tenants| {
            of(tenants, "tenant-001")["stacks"][0]["template"] = json!("templates/mine.json");
        });
        refuted(&said, &["is made of `templates/mine.json`, which was not proved"]);
        let said = Case::with(&[], |tenants| {
            of(tenants, "tenant-001")["stacks"][0]["template"] = json!("templates/standard-tenant.template.json");
        });
        refuted(&said, &["tenant `tenant-001` of tier `basic` is not deployed from the template that was proved"]);
        let said = Case::with(&[], |tenants| {
            let name = of(tenants, "tenant-001")["stacks"][0]["name"].clone();
            of(tenants, "tenant-003")["stacks"][0]["name"] = name;
        });
        refuted(&said, &["tenants `tenant-001` and `tenant-003` have stacks of the same name"]);
        let said = Case::with(&[], |tenants| {
            let twice = tenants[0].clone();
            tenants.insert(1, twice);
        });
        refuted(&said, &["tenant `tenant-001` comes after `tenant-001`"]);
    }

    #[test]
    fn a_changed_template_of_a_tenants_own_is_refuted() {
        let case = Case::new(&["--expand"]);
        let tenants = case.tenants();
        let at = |id: &str| tenants.iter().find(|tenant| tenant["tenant"] == id).unwrap();
        let path = at("tenant-030")["stacks"][0]["template"].as_str().unwrap().to_owned();
        let before = case.read(&path);
        let mut template: Value = serde_json::from_slice(&before).unwrap();
        let role = template["Resources"]
            .as_object_mut()
            .unwrap()
            .values_mut()
            .find(|resource| resource["Type"] == "AWS::IAM::Role")
            .unwrap();
        let statement = &mut role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0];
        assert!(statement.is_object(), "{statement}");
        statement["Resource"] = json!("*");
        case.write(&path, template.to_string().as_bytes());
        refuted(&case.prove(), &["the template of tenant `tenant-030` differs from", "/Statement/0/Resource"]);
        // Another tenant's file in the place of one's own is all right by itself, and is not one's own.
        let other = at("tenant-031")["stacks"][0]["template"].as_str().unwrap();
        case.write(&path, &case.read(other));
        refuted(&case.prove(), &["the template of tenant `tenant-030` differs from"]);
        // The same in another order and on one line is the same.
        let same: Value = serde_json::from_slice(&before).unwrap();
        case.write(&path, same.to_string().as_bytes());
        assert_eq!(case.prove().0, 0);
        // What cannot be read is not known.
        case.write(&path, b"{");
        let (code, said) = case.prove();
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("instance/unknown") && said.contains("tenant-030"), "{said}");
    }
}
