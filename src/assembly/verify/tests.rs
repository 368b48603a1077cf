//! What verification finds.

use std::io::Write;

use serde_json::json;
use tempfile::TempDir;

use super::super::sample::{id, sample};
use super::super::{Assembly, Mode, TENANCY, TENANTS};
use super::*;

const TEMPLATE: &str = "templates/enterprise.template.json";

struct Place {
    _folder: TempDir,
    root: PathBuf,
}

fn place(tenants: usize) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("assembly");
    sample(tenants).write(&root, Mode::Write).unwrap();
    Place { _folder: folder, root }
}

impl Place {
    fn text(&self, path: &str) -> String {
        String::from_utf8(read(&self.root.join(path)).unwrap()).unwrap()
    }

    fn put(&self, path: &str, text: &str) {
        let mut file = fs::File::create(self.root.join(path)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn manifest(&self, change: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_str(&self.text(MANIFEST)).unwrap();
        change(&mut value);
        self.put(MANIFEST, &value.to_string());
    }

    /// Replaces text in a file and lets the manifest know the new digest.
    fn forge(&self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{from} is not in {text}");
        let text = text.replacen(from, to, 1);
        self.put(path, &text);
        let digest = Digest::of(text.as_bytes()).to_string();
        self.manifest(|manifest| {
            for file in manifest["files"].as_array_mut().unwrap() {
                if file["path"] == path {
                    file["sha256"] = json!(digest);
                    file["bytes"] = json!(text.len());
                }
            }
            if path == TENANTS {
                manifest["tenants"]["sha256"] = json!(digest);
            }
            if path == TENANCY {
                manifest["tenancy"]["sha256"] = json!(digest);
            }
        });
    }

    fn expect(&self, code: &'static Code, messages: &[&str]) {
        let found: Vec<Diagnostic> = verify(&self.root).into_sorted();
        let texts: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(texts.len(), messages.len(), "{texts:#?}");
        for ((finding, text), message) in found.iter().zip(&texts).zip(messages) {
            assert!(text.contains(message), "{message} is not in {text}");
            assert_eq!(finding.code, code, "{text}");
        }
    }
}

#[test]
fn a_declaration_of_other_templates_is_found() {
    let forged = |from: &str, to: &str, messages: &[&str]| {
        let place = place(1);
        place.forge(TENANCY, from, to);
        place.expect(&codes::VERIFY_TENANCY, messages);
    };
    forged("\"tenant\"}", "\"shared\"}", &["is declared as `shared`, and is deployed as `tenant`"]);
    forged(
        "enterprise-cell",
        "enterprise-shell",
        &["`templates/enterprise-cell.template.json` is not in the declaration", "and no template of the manifest"],
    );
    forged(
        "enterprise-cell",
        "enterprise",
        &["cell.template.json` is not in", "is declared as `shared`", "is declared twice"],
    );
    forged("{1,30}", "{1,20}", &["it is about other ids than the manifest"]);
    forged("\"tenancy\":1", "\"tenancy\":2", &["`/tenancy` does not fit"]);
    forged(
        "\"scope\":\"tenant\"",
        "\"scope\":\"tenant\",\"guardrails\":{\"scp\":[\"org/x.json\"]}",
        &["has the guardrail \"org/x.json\", which is not in the manifest"],
    );
    forged("{\"tenancy\"", "[{\"tenancy\"", &["is not JSON"]);
}

#[test]
fn what_was_written_verifies_and_is_read_back() {
    let place = place(3);
    assert!(verify(&place.root).is_empty());
    let assembly = Assembly::open(&place.root).unwrap();
    let tenants: Vec<String> = assembly.tenants().unwrap().map(|record| record.unwrap().tenant.into_owned()).collect();
    assert_eq!(tenants, [id(0), id(1), id(2)]);
    let mut ledger = assembly.ledger().unwrap();
    let mut cells = Vec::new();
    while let Some(entry) = ledger.next().unwrap() {
        cells.push(format!("{} {} {}", entry.tenant, entry.tier, entry.cell));
    }
    assert_eq!(cells[0], "t-000000 enterprise eu-1");
    assert_eq!(cells.len(), 3);
    assert_eq!(assembly.file(TEMPLATE).unwrap(), sample(0).template);
    assert!(assembly.file("../assembly/tenants.jsonl").is_err());
}

#[test]
#[cfg(unix)]
fn an_open_assembly_never_turns_into_another() {
    let place = place(3);
    let before = Assembly::open(&place.root).unwrap();
    let under_way = before.tenants().unwrap();
    sample(5).write(&place.root, Mode::Write).unwrap();
    assert_eq!(under_way.count(), 3);
    let error = before.tenants().unwrap_err();
    let AssemblyErrorKind::Io { source, .. } = error.kind() else { panic!("{error}") };
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_folder_without_a_manifest_is_no_assembly() {
    let place = place(1);
    fs::remove_file(place.root.join(MANIFEST)).unwrap();
    place.expect(&codes::VERIFY_MANIFEST, &["there is no `tenantry.json`"]);
    assert!(Assembly::open(&place.root).is_err());
}

#[test]
fn a_manifest_has_to_fit_its_schema() {
    let place = place(1);
    place.manifest(|manifest| {
        manifest["tiers"][0]["tenants"] = json!("one");
        manifest["surplus"] = json!(1);
    });
    place.expect(&codes::VERIFY_MANIFEST, &["`/tiers/0/tenants` does not fit", "surplus"]);
    let error = Assembly::open(&place.root).unwrap_err();
    assert_eq!(error.diagnostic().code, &codes::VERIFY_MANIFEST);
    place.put(MANIFEST, "{\n");
    place.expect(&codes::VERIFY_MANIFEST, &["is not JSON"]);
}

#[test]
fn a_file_has_to_be_the_one_in_the_manifest() {
    let place = place(1);
    place.put(TEMPLATE, "{\"Resources\":[]}\n");
    place.expect(&codes::VERIFY_DIGEST, &["has the digest"]);
    place.put(TEMPLATE, "{}\n");
    place.expect(&codes::VERIFY_DIGEST, &["has 3 bytes, and the manifest says 17"]);
    fs::remove_file(place.root.join(TEMPLATE)).unwrap();
    place.expect(&codes::VERIFY_MISSING, &["`templates/enterprise.template.json` is not there"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/dev/zero", place.root.join(TEMPLATE)).unwrap();
        place.expect(&codes::VERIFY_DIGEST, &["is not a plain file"]);
    }
}

#[test]
fn a_stranger_is_a_warning() {
    let place = place(1);
    place.put("templates/notes.txt", "");
    place.expect(&codes::VERIFY_STRANGER, &["`templates/notes.txt` is not in the manifest"]);
    assert!(!verify(&place.root).has_errors());
}

#[test]
fn a_manifest_may_not_lead_out_of_the_folder() {
    let place = place(1);
    place.manifest(|manifest| manifest["files"][0]["path"] = json!("../../etc/passwd"));
    let found = verify(&place.root).into_sorted();
    assert!(found.iter().any(|finding| finding.message.contains("nowhere else")), "{found:#?}");
}

#[test]
fn the_parts_of_the_manifest_have_to_fit_each_other() {
    let place = place(1);
    place.manifest(|manifest| {
        manifest["tiers"][0]["cellTemplate"] = json!("templates/none.json");
        manifest["templates"][1]["sha256"] = json!(Digest::of(b"").to_string());
    });
    place.expect(
        &codes::VERIFY_MANIFEST,
        &["has one digest among the files and another", "`templates/none.json` is named", "another version of"],
    );
}

#[test]
fn a_record_has_to_fit_the_manifest() {
    let cases = [
        ("\"tier\":\"enterprise\"", "\"tier\":\"basic\"", &["tier `basic`", "1 tenants in tier"][..]),
        ("\"cell\":\"eu-1\"", "\"cell\":\"eu-2\"", &["cell `eu-2`", "1 tenants in cell"]),
        ("\"isolation\":\"silo\"", "\"isolation\":\"pool\"", &["is a silo in the manifest"]),
        ("\"sharedStacks\":[\"", "\"sharedStacks\":[\"x", &["no cell has the stack `xorders-cell-eu-1`"]),
        (
            "\"template\":\"",
            "\"template\":\"x",
            &["`xtemplates/enterprise.template.json`, which is not", "cloud assembly"],
        ),
        ("\"sha256\":\"", "\"sha256\":\"0", &["digest"]),
        ("{\"TenantId\"", "{\"Id\"", &["sets `Id`, which is no parameter"]),
        ("\"stacks\":", "\"stack\":", &["unknown field `stack`"]),
    ];
    for (from, to, messages) in cases {
        let place = place(1);
        place.forge(TENANTS, from, to);
        place.expect(&codes::VERIFY_RECORD, messages);
    }
}

#[test]
fn records_are_counted_and_sorted() {
    let place = place(3);
    let text = place.text(TENANTS);
    let (first, rest) = text.split_once('\n').unwrap();
    place.forge(TENANTS, &text, &format!("{rest}{first}\n{first}\n"));
    place.expect(
        &codes::VERIFY_RECORD,
        &[
            "`t-000000` comes after `t-000002`",
            "`t-000000` comes after `t-000000`",
            "`manifest.json` is not the cloud assembly of these stacks: it lists `orders-t-000000` where the records have `orders-t-000001`",
            "says 3 tenants in all, and there are 4",
            "says 3 tenants in cell `eu-1`, and there are 4",
            "says 3 tenants in tier `enterprise`, and there are 4",
        ],
    );
}

#[test]
fn many_bad_records_are_counted_rather_than_told() {
    let place = place(300);
    let text = place.text(TENANTS);
    place.forge(TENANTS, &text, &text.replace("\"stacks\":", "\"stack\":"));
    let found = verify(&place.root).into_sorted();
    assert!(found.iter().any(|finding| finding.message == "200 more records do not fit"), "{}", found.len());
    assert!(found.len() < 120);
}

#[test]
fn the_cloud_assembly_has_to_list_the_same_stacks() {
    let cases = [
        (
            "\"orders-t-000001\":",
            "\"orders-t-00000x\":",
            "lists `orders-t-00000x` where the records have `orders-t-000001`",
        ),
        (
            "aws://unknown-account/eu-west-1",
            "aws://111111111111/eu-west-1",
            "`orders-t-000000` has another template, account",
        ),
        ("\n}}\n", ",\n\"x\":{\"type\":\"aws:cloudformation:stack\"}}}", "lists `x`, which no record has"),
        ("\n}}\n", ",\n\"x\":{\"type\":\"cdk:tree\"}}", "EOF"),
        ("\"artifacts\"", "\"artefacts\"", "does not list `orders-cell-eu-1`"),
    ];
    for (from, to, message) in cases {
        let place = place(2);
        place.forge(CDK_MANIFEST, from, to);
        place.expect(&codes::VERIFY_RECORD, &[message]);
    }
}

#[test]
fn artifacts_of_the_organization_and_other_kinds_may_be_there_too() {
    let place = place(2);
    let extra = "\n\"org\":{\"type\":\"aws:cloudformation:stack\",\"properties\":{\"templateFile\":\"templates/org.json\"}},\
                 \n\"tree\":{\"type\":\"cdk:tree\",\"properties\":{\"file\":\"tree.json\"}},\n\"orders-t-000001\"";
    place.forge(CDK_MANIFEST, "\n\"orders-t-000001\"", extra);
    place.manifest(|manifest| {
        let mut template = manifest["templates"][0].clone();
        let path = "templates/org.json";
        let file = json!({"path": path, "sha256": template["sha256"], "bytes": 17});
        manifest["files"].as_array_mut().unwrap().insert(3, file);
        template["path"] = json!(path);
        template["scope"] = json!("organization");
        manifest["templates"].as_array_mut().unwrap().push(template);
    });
    place.put("templates/org.json", "{\"Resources\":{}}\n");
    place.expect(&codes::VERIFY_MANIFEST, &[]);
}
