//! What a preview says of the example blueprints, against the assemblies that they make.

#[cfg(test)]
#[expect(dead_code, reason = "what other tests use")]
mod support;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::process::{Command, Output};
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use serde_json::Value;
    use tenantry::assembly::Assembly;
    use tenantry::diff::{Action, Data};
    use tenantry::emit::pretty;
    use tenantry::preview::{
        Frame, Look, PREVIEW_SCHEMA, Preview, PreviewError, Sharing, StackAction, Whose, page, preview, tree,
    };
    use tenantry::source::{Disk, World as _};

    use super::support::{Run, assemble, text_of};

    const BLUEPRINTS: [&str; 3] = ["serverless-saas", "regulated-cases", "full-silo"];

    /// The assemblies of the examples, made once.
    static MADE: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        for name in BLUEPRINTS {
            make(&text_of(&format!("blueprints/{name}.yaml")), &folder.path().join(name), None);
        }
        folder
    });

    fn make(text: &str, out: &Path, ledger: Option<&Path>) {
        let world = Disk::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints"));
        assemble(text, &world, out, Run { ledger, ..Run::default() }).unwrap();
    }

    fn made(name: &str) -> Assembly {
        Assembly::open(&MADE.path().join(name)).unwrap()
    }

    fn tenants(assembly: &Assembly) -> Vec<String> {
        assembly.tenants().unwrap().map(|tenant| tenant.unwrap().tenant.to_string()).collect()
    }

    /// Every example's tenants, at most so many of each.
    fn all(most: usize) -> Vec<(Assembly, Preview)> {
        let mut previews = Vec::new();
        for name in BLUEPRINTS {
            for tenant in tenants(&made(name)).into_iter().take(most) {
                let assembly = made(name);
                let seen = preview(&assembly, &tenant, None).unwrap();
                previews.push((assembly, seen));
            }
        }
        previews
    }

    fn json(preview: &Preview) -> Value {
        serde_json::from_slice(&pretty(preview)).unwrap()
    }

    #[test]
    fn every_preview_fits_its_schema() {
        let schema: Value = serde_json::from_str(PREVIEW_SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        let validator = jsonschema::validator_for(&schema).unwrap();
        for (_, seen) in all(9) {
            let errors: Vec<String> = validator
                .iter_errors(&json(&seen))
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{}: {}", seen.tenant.id, errors.join("\n"));
        }
        // And one that has everything there can be.
        let folder = tempfile::tempdir().unwrap();
        let text = text_of("blueprints/serverless-saas.yaml")
            .replace("memory_mib: 512", "memory_mib: 1024")
            .replace("productId", "productNumber");
        make(&text, &folder.path().join("new"), None);
        let new = Assembly::open(&folder.path().join("new")).unwrap();
        let mut seen = preview(&new, "tenant-001", Some(&made("serverless-saas"))).unwrap();
        seen.live = Some(vec![tenantry::preview::live::LiveStack {
            name: "s".to_owned(),
            instance: Some("StackSet-s".to_owned()),
            exists: true,
            problem: Some("no".to_owned()),
            changes: vec![tenantry::preview::live::LiveChange {
                logical_id: "A".to_owned(),
                kind: "T".to_owned(),
                action: "Modify".to_owned(),
                replacement: Some("True".to_owned()),
                properties: vec!["P".to_owned()],
            }],
        }]);
        seen.entitlements.insert("seats".to_owned(), serde_json::json!(5));
        let value = json(&seen);
        assert!(
            validator.is_valid(&value),
            "{:?}",
            validator.iter_errors(&value).next().map(|error| error.to_string())
        );
        assert!(value["changes"]["stacks"][0]["resources"][0]["properties"].is_array());
        // A key that nobody described is found.
        let mut more = value;
        more["tenant"]["more"] = Value::Null;
        assert!(!validator.is_valid(&more));
    }

    #[test]
    fn a_preview_has_every_stack_and_resource_that_the_assembly_has() {
        for (assembly, seen) in all(9) {
            let manifest = assembly.manifest();
            let record = assembly.find(&seen.tenant.id, &mut |_| {}).unwrap().unwrap();
            let mut names: Vec<&str> = record.shared_stacks.iter().map(AsRef::as_ref).collect();
            names.extend(record.stacks.iter().map(|stack| stack.name.as_ref()));
            assert_eq!(seen.stacks.iter().map(|stack| stack.name.as_str()).collect::<Vec<_>>(), names);
            for stack in &seen.stacks {
                let template = manifest.templates.iter().find(|template| template.path == stack.template).unwrap();
                assert_eq!(stack.resources.len() as u64, template.resources, "{}", stack.template);
                let own = record.stacks.iter().any(|own| own.name == stack.name);
                assert_eq!(stack.sharing == Sharing::Siloed, own);
                let cell = manifest.cells.iter().find(|cell| cell.cell == record.cell).unwrap();
                assert!(stack.tenants >= 1 && (own || stack.tenants <= cell.tenants));
            }
        }
    }

    #[test]
    fn what_is_known_has_no_gap_and_what_is_not_says_so() {
        let mut known = 0;
        for (_, seen) in all(3) {
            for resource in seen.stacks.iter().flat_map(|stack| &stack.resources) {
                for shown in resource.name.iter().chain(&resource.arn) {
                    assert_eq!(shown.known, !shown.text.contains('⟨'), "{}", shown.text);
                    known += usize::from(shown.known);
                }
                // Parameters are filled in.
                let text = resource.properties.to_string();
                assert!(!text.contains("\"Ref\":") && !text.contains("\"Fn::Sub\":"), "{text}");
                assert!(resource.owner.key.is_none() || resource.owner.whose == Whose::Shared);
            }
        }
        assert!(known > 100, "{known}");
    }

    /// A preview goes to whoever asks about one tenant, and says nothing about another.
    #[test]
    fn a_preview_names_no_other_tenant() {
        for name in ["serverless-saas", "regulated-cases"] {
            let assembly = made(name);
            let records: Vec<_> = assembly.tenants().unwrap().map(Result::unwrap).collect();
            for record in &records {
                let seen = preview(&assembly, &record.tenant, None).unwrap();
                let text = String::from_utf8(pretty(&seen)).unwrap();
                for other in records.iter().filter(|other| other.tenant != record.tenant) {
                    assert!(!text.contains(&*other.digest), "{} has the digest of {}", record.tenant, other.tenant);
                    assert!(
                        !text.contains(&format!("\"{}\"", other.tenant)),
                        "{} names {}",
                        record.tenant,
                        other.tenant
                    );
                }
            }
        }
    }

    fn edges(seen: &Preview) -> BTreeSet<(String, String, String)> {
        let label = |end: &tenantry::preview::End| {
            let stack = seen.stacks.iter().find(|stack| stack.name == end.stack).unwrap();
            let resource = stack.resources.iter().find(|resource| resource.logical_id == end.logical_id).unwrap();
            let component = resource.component.clone().unwrap_or_default();
            format!("{} {component} {}", stack.sharing.as_str(), resource.kind.rsplit("::").next().unwrap())
        };
        seen.flow.iter().map(|edge| (label(&edge.from), edge.what.clone(), label(&edge.to))).collect()
    }

    fn has(edges: &BTreeSet<(String, String, String)>, from: &str, what: &str, to: &str) -> bool {
        edges.contains(&(from.to_owned(), what.to_owned(), to.to_owned()))
    }

    #[test]
    fn the_flow_of_a_pool_is_the_blueprints() {
        let seen = preview(&made("serverless-saas"), "tenant-001", None).unwrap();
        let edges = edges(&seen);
        for (from, what, to) in [
            ("siloed Gateway UsagePlan", "admits to", "pooled Gateway RestApi"),
            ("pooled Gateway RestApi", "checks tokens of", "pooled Users UserPool"),
            ("pooled Gateway RestApi", "calls", "pooled ProductService Function"),
            ("pooled Gateway RestApi", "calls", "pooled OrderService Function"),
            ("pooled ProductService Function", "reads and writes", "pooled Products Table"),
            ("pooled OrderService Function", "reads and writes", "pooled Orders Table"),
            ("pooled OrderService Function", "reads", "pooled Products Table"),
        ] {
            assert!(has(&edges, from, what, to), "{from} {what} {to} is not in {edges:#?}");
        }
        // What the blueprint does not allow is not there.
        assert!(
            !edges.iter().any(|(from, _, to)| from.contains("ProductService Function") && to.contains("Orders Table"))
        );
    }

    /// From a function that is shared, through a session role and the tenant's role, to a table of the tenant's own.
    #[test]
    fn the_flow_of_a_bridge_leads_into_the_tenants_own_stack() {
        let edges = edges(&preview(&made("serverless-saas"), "tenant-020", None).unwrap());
        assert!(has(&edges, "pooled OrderService Function", "reads and writes", "siloed Orders Table"), "{edges:#?}");
        assert!(has(&edges, "pooled OrderService Function", "reads", "siloed Products Table"), "{edges:#?}");
        assert!(
            has(&edges, "pooled ProductService Function", "reads and writes", "siloed Products Table"),
            "{edges:#?}"
        );
    }

    #[test]
    fn quotas_are_those_of_the_blueprint() {
        let quotas = |tenant: &str| -> Vec<String> {
            let seen = preview(&made("serverless-saas"), tenant, None).unwrap();
            seen.quotas
                .iter()
                .map(|quota| format!("{} {} {}", quota.value, quota.unit, quota.sharing.as_str()))
                .collect()
        };
        assert_eq!(quotas("tenant-001"), ["10 requests/s siloed", "20 requests siloed", "10000 requests/day siloed"]);
        assert_eq!(quotas("tenant-020"), ["200 requests/s siloed", "400 requests siloed"]);
    }

    #[test]
    fn what_is_shared_says_which_part_is_the_tenants() {
        let seen = preview(&made("serverless-saas"), "tenant-001", None).unwrap();
        let orders = seen
            .stacks
            .iter()
            .flat_map(|stack| &stack.resources)
            .find(|resource| resource.kind == "AWS::DynamoDB::Table" && resource.component.as_deref() == Some("Orders"))
            .unwrap();
        assert!(orders.stateful && orders.deletion_policy == "Retain");
        assert_eq!((orders.owner.whose, orders.owner.key.as_deref()), (Whose::Shared, Some("tenant-001")));
        assert_eq!(seen.stacks[0].tenants, 2);
    }

    /// The policy of suspended tenants stands on accounts: one that others use is not suspended.
    #[test]
    fn a_suspended_tenant_of_a_pool_has_the_guardrails_of_its_neighbours() {
        let of = |tenant: &str| preview(&made("serverless-saas"), tenant, None).unwrap().guardrails;
        assert_eq!(of("tenant-003"), of("tenant-001"));
        let folder = tempfile::tempdir().unwrap();
        let text = text_of("blueprints/serverless-saas.yaml")
            .replace("name: Juniper Jets", "name: Juniper Jets\n    state: suspended");
        make(&text, &folder.path().join("a"), None);
        let assembly = Assembly::open(&folder.path().join("a")).unwrap();
        let guardrails = preview(&assembly, "tenant-031", None).unwrap().guardrails;
        assert!(guardrails.last().unwrap().suspended && guardrails.last().unwrap().path.contains("suspended"));
    }

    #[test]
    fn changes_are_those_of_the_blueprint_and_no_others() {
        let old = made("serverless-saas");
        assert!(preview(&old, "tenant-001", Some(&old)).unwrap().changes.unwrap().is_empty());
        let folder = tempfile::tempdir().unwrap();
        let text = text_of("blueprints/serverless-saas.yaml")
            .replace("memory_mib: 512", "memory_mib: 1024")
            .replace("daily_quota: 10000 }", "daily_quota: 20000 }");
        make(&text, &folder.path().join("new"), Some(old.root()));
        let new = Assembly::open(&folder.path().join("new")).unwrap();
        let seen = preview(&new, "tenant-001", Some(&old)).unwrap();
        let changes = seen.changes.unwrap();
        assert!(changes.facts.is_empty() && !changes.new && changes.guardrails.is_empty());
        let told: Vec<(Sharing, StackAction, String, Action)> = changes
            .stacks
            .iter()
            .flat_map(|stack| {
                stack.resources.iter().map(|change| (stack.sharing, stack.action, change.kind.clone(), change.action))
            })
            .collect();
        assert_eq!(
            told,
            [
                (Sharing::Pooled, StackAction::Updated, "AWS::Lambda::Function".to_owned(), Action::Updated),
                (Sharing::Siloed, StackAction::Updated, "AWS::ApiGateway::UsagePlan".to_owned(), Action::Updated),
            ]
        );
        // Another tier has another function of that name, and its own quota.
        let other = preview(&new, "tenant-030", Some(&old)).unwrap().changes.unwrap();
        let kinds: Vec<&str> =
            other.stacks.iter().flat_map(|stack| &stack.resources).map(|change| change.kind.as_str()).collect();
        assert!(kinds.contains(&"AWS::Lambda::Function"), "{kinds:?}");
    }

    #[test]
    fn a_tenant_that_moves_and_one_that_is_new_are_told_apart() {
        let old = made("serverless-saas");
        let folder = tempfile::tempdir().unwrap();
        let text = text_of("blueprints/serverless-saas.yaml")
            .replace("tenant-010, tier: standard", "tenant-010, tier: premium")
            .replace("- { tenant: tenant-011,", "- { tenant: tenant-012, tier: standard }\n  - { tenant: tenant-011,");
        make(&text, &folder.path().join("new"), Some(old.root()));
        let new = Assembly::open(&folder.path().join("new")).unwrap();
        let moved = preview(&new, "tenant-010", Some(&old)).unwrap().changes.unwrap();
        let facts: Vec<&str> = moved.facts.iter().map(|fact| fact.what.as_str()).collect();
        assert!(facts.starts_with(&["tier", "isolation", "boundary"]), "{facts:?}");
        let fresh = preview(&new, "tenant-012", Some(&old)).unwrap().changes.unwrap();
        assert!(fresh.new && fresh.stacks.iter().any(|stack| stack.action == StackAction::Added));
        assert!(fresh.stacks.iter().flat_map(|stack| &stack.resources).all(|change| change.data == Data::Stays));
    }

    #[test]
    fn a_tenant_that_is_not_there_has_near_ones() {
        let error = preview(&made("serverless-saas"), "tenant-0020", None).unwrap_err();
        assert!(matches!(error, PreviewError::Found(_)));
        let finding = error.diagnostic();
        assert_eq!(finding.code.name, "tenant/not-found");
        assert_eq!(finding.help, ["did you mean `tenant-002`, `tenant-020` or `tenant-001`?"]);
    }

    #[test]
    fn a_tree_has_no_character_that_moves_the_cursor() {
        for (_, mut seen) in all(2) {
            seen.tenant.name = Some("a\u{1b}[2J\rb\u{202e}".to_owned());
            for look in [Look::default(), Look { colour: false, unicode: true, all: true }] {
                let text = tree(&seen, look);
                assert!(!text.chars().any(|character| character.is_control() && character != '\n'), "{text}");
                assert!(text.contains("\\u{1b}[2J") && text.contains("\\u{202e}"));
                assert_eq!(look.unicode, text.contains('├'));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever people write stays text: the page has the tags that it has without it.
        #[test]
        fn what_people_write_adds_no_tag_to_a_page(name in any::<String>(), reason in "[<>\"'&a-z/= -]{0,40}") {
            let assembly = made("serverless-saas");
            let frame = Frame { tenant: "tenant-001", ..Frame::default() };
            let plain = preview(&assembly, "tenant-001", None).unwrap();
            let mut hostile = plain.clone();
            hostile.tenant.name = Some(name);
            hostile.placement.reason = reason.clone();
            hostile.stacks[0].resources[0].component = Some(reason.clone());
            hostile.stacks[0].resources[0].owner.words = reason;
            let tags = |seen: &Preview| page(Some(seen), &frame).unwrap().matches('<').count();
            let mut tame = plain;
            tame.tenant.name =
                hostile.tenant.name.as_ref().map(|name| if name.is_empty() { String::new() } else { "x".to_owned() });
            tame.stacks[0].resources[0].component = hostile.stacks[0].resources[0].component.as_ref().map(|text| {
                if text.is_empty() { String::new() } else { "x".to_owned() }
            });
            prop_assert_eq!(tags(&hostile), tags(&tame));
        }
    }

    fn run(folder: &Path, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .arg("preview")
            .args(arguments)
            .current_dir(folder)
            .env("LC_ALL", "C")
            .env_remove("NO_COLOR")
            .output()
            .unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the test makes its own files")]
    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn the_command_takes_a_blueprint_or_an_assembly() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = run(folder.path(), &["tenant-001"]);
        assert_eq!(nothing.status.code(), Some(2));
        let text = text_of("blueprints/serverless-saas.yaml");
        make(&text, &folder.path().join("assembly"), None);
        let there = run(folder.path(), &["tenant-001"]);
        assert_eq!(there.status.code(), Some(0), "{}", String::from_utf8_lossy(&there.stderr));
        let shown = String::from_utf8(there.stdout).unwrap();
        assert!(shown.is_ascii() && shown.contains("|- ") && !shown.contains("changes"), "{shown}");

        write(&folder.path().join("blueprint.yaml"), &text.replace("memory_mib: 512", "memory_mib: 640"));
        let edited = run(folder.path(), &["tenant-001", "--output", "json"]);
        assert_eq!(edited.status.code(), Some(0), "{}", String::from_utf8_lossy(&edited.stderr));
        let document: Value = serde_json::from_slice(&edited.stdout).unwrap();
        assert_eq!(document["changes"]["stacks"].as_array().unwrap().len(), 1);
        assert_eq!(document["placement"]["cell"], "eu-1");
        // Looking changes nothing.
        assert_eq!(folder.path().read_dir().unwrap().count(), 2);

        let unknown = run(folder.path(), &["tenant-0001"]);
        let said = String::from_utf8(unknown.stderr).unwrap();
        assert_eq!(unknown.status.code(), Some(1));
        assert!(said.contains("did you mean `tenant-001`") && said.contains("blueprint.yaml"), "{said}");

        write(&folder.path().join("blueprint.yaml"), &text.replace("isolation: pool", "isolation: puddle"));
        let broken = run(folder.path(), &["tenant-001"]);
        assert_eq!((broken.status.code(), broken.stdout.len()), (Some(1), 0));

        let written = run(folder.path(), &["tenant-001", "--assembly", "assembly", "--html", "page.html"]);
        assert_eq!(written.status.code(), Some(0));
        let page = Disk::new(folder.path()).read(Path::new("page.html")).unwrap();
        assert!(page.starts_with(b"<!DOCTYPE html>"));
    }
}
