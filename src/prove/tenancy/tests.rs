use serde_json::{Value, json};

use super::shapes::{TENANCY, typed};
use super::*;
use crate::assembly::TENANCY_SCHEMA;
use crate::diagnostics::{Origin, Sink, SourceMap};
use crate::source::Node;
use crate::source::shape::{Kind, check_record};

/// A declaration in which every key and every variant there is stands.
const FULL: &str = r##"
tenancy: 1
ids: { pattern: "^[a-z0-9]{26}$" }
tag: TenantId
organization: o-a1b2c3d4e5
templates:
  - template: shared.json
    scope: shared
    tier: basic
    parameters:
      Cell: { cellDigest: { length: 12 } }
      Stage: { is: { text: prod } }
    guardrails: { scp: [org/scp.json], rcp: [org/rcp.json] }
    owners:
      Orders: { partitionKey: { pattern: "${tenant}" } }
      Files: { objectKey: { pattern: "${tenant}/*" } }
      Data: { encryptionContext: { key: TenantId, pattern: "${tenant}" } }
      Rest: { services: { reason: only tables use it } }
      Jobs: { application: { reason: messages name their tenant, through: [ApiRole, "tenant.json#Role"] } }
      Users: { application: { reason: users name their tenant } }
      Api: { platform: { reason: routes requests } }
    roles:
      ApiRole: { platform: { reason: takes the tenant from the verified token } }
      SessionRole: { session: { mintedBy: [ApiRole] } }
  - template: tenant.json
    scope: tenant
    accounts: own
    parameters:
      Id: tenant
      Digest: { tenantDigest: { length: 12 } }
      Label: tenantText
      Shared: { stack: { template: shared.json } }
    owners: { Own: tenant }
    roles: { Role: tenant }
operators:
  - { duty: deployment, principals: ["arn:*:iam::*:role/deploy-*"], regions: [eu-west-1] }
  - { duty: breakGlass, principals: ["arn:*:iam::*:role/emergency"], regions: [eu-west-1] }
"##;

fn parse(text: &str) -> (Option<Tenancy>, Vec<String>) {
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    let read = Tenancy::parse(text.as_bytes(), "tenancy.yaml", &mut sources, &mut sink);
    (read, sink.iter().map(|finding| format!("[{}] {}", finding.code, finding.message)).collect())
}

fn full() -> Tenancy {
    let (read, findings) = parse(FULL);
    assert!(findings.is_empty(), "{findings:#?}");
    read.unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let tenancy = full();
    let text = String::from_utf8(tenancy.to_bytes().unwrap()).unwrap();
    assert!(text.starts_with("{\n \"tenancy\": 1,\n \"ids\": {\n  \"pattern\"") && text.ends_with("\n}\n"), "{text}");
    assert_eq!(parse(&text), (Some(tenancy.clone()), Vec::new()));
    assert_eq!(serde_json::from_str::<Tenancy>(&text).unwrap(), tenancy);
}

#[test]
fn scalars_are_what_the_shape_says() {
    let text = FULL.replace("routes requests", "42").replace("tier: basic", "tier: true");
    let tenancy = parse(&text).0.unwrap();
    assert_eq!(tenancy.templates[0].tier.as_deref(), Some("true"));
    assert_eq!(tenancy.templates[0].owners["Api"], Owner::Platform { reason: "42".to_owned() });
}

/// A mistake of meaning is found beside a mistake of shape, and a warning keeps nobody from the declaration.
#[test]
fn everything_is_found_at_once() {
    let text = FULL.replace("^[a-z0-9]{26}$", "^[a-z0-9]{2,26}$").replace("\"${tenant}/*\"", "\"${tenant}*\"");
    let (read, findings) = parse(&text);
    assert!(read.is_some());
    assert_eq!(
        findings,
        ["[tenancy/delimiter] `${tenant}*` is the key of `${tenant}` and of every tenant whose id begins with it"]
    );
    let (read, findings) = parse(&text.replace("tier: basic", "teir: basic").replace("[ApiRole] }", "[Other] }"));
    assert!(read.is_none());
    let codes: Vec<&str> = findings.iter().map(|finding| finding.split(']').next().unwrap()).collect();
    assert_eq!(codes, ["[shape/unknown-key", "[tenancy/delimiter", "[tenancy/minter"]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test writes the schema when it is asked to")]
fn the_schema_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/tenancy.schema.json");
    let mut schema = serde_json::to_string_pretty(&json_schema()).unwrap();
    schema.push('\n');
    if std::env::var("TENANTRY_WRITE").is_ok_and(|value| value == "1") {
        std::fs::write(path, schema).unwrap();
        return;
    }
    assert!(
        TENANCY_SCHEMA == schema,
        "schemas/tenancy.schema.json is not up to date; write it with TENANTRY_WRITE=1 cargo test --lib tenancy"
    );
}

/// Every place in a value, as a JSON pointer.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        places(child, &format!("{at}/{key}"), all);
    }
}

/// The value with each of its parts left out, replaced by something else, or given a key too many.
fn mutations(value: &Value) -> Vec<(String, Value)> {
    let others = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!("what"),
        json!("tenant"),
        json!([]),
        json!({}),
        json!([7]),
        json!({"a": 7}),
        json!({"tenant": null}),
    ];
    let mut all = Vec::new();
    let mut list = Vec::new();
    places(value, "", &mut list);
    for place in list {
        for other in &others {
            let mut mutated = value.clone();
            *mutated.pointer_mut(&place).unwrap() = other.clone();
            all.push((format!("{place} = {other}"), mutated));
        }
        if let Some((parent, key)) = place.rsplit_once('/') {
            let mut mutated = value.clone();
            if let Value::Object(map) = mutated.pointer_mut(parent).unwrap() {
                map.shift_remove(key);
                all.push((format!("without {place}"), mutated));
            }
        }
        let mut mutated = value.clone();
        if let Value::Object(map) = mutated.pointer_mut(&place).unwrap() {
            map.insert("surplus".to_owned(), json!(7));
            all.push((format!("{place} and more"), mutated));
        }
    }
    all
}

/// The shapes, the JSON Schema and the types accept the same. The types are wider in two places only: they take a word
/// for a mapping to nothing, and a list for guardrails; both are ways of serde, and the reader looks at shapes first.
#[test]
fn shapes_schema_and_types_say_the_same() {
    let value = serde_json::to_value(full()).unwrap();
    let schema: Value = serde_json::from_str(TENANCY_SCHEMA).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (mut accepted, mut rejected) = (0, 0);
    for (what, mutated) in mutations(&value) {
        let tree = Node::from_json(&mutated, &Origin::Derived);
        let mut sink = Sink::new();
        check_record(&tree, &TENANCY, &mut sink);
        let by_shape = sink.is_empty();
        assert_eq!(validator.is_valid(&mutated), by_shape, "the schema (left) and the shape (right) about {what}");
        if by_shape {
            accepted += 1;
            let read = serde_json::from_value::<Tenancy>(typed(&tree, &Kind::Record(&TENANCY)));
            assert!(read.is_ok(), "the type refuses what the shape takes: {what}: {read:?}");
        } else {
            rejected += 1;
            let wider = what.ends_with("{\"tenant\":null}") || what.ends_with("/guardrails = []");
            assert!(wider || serde_json::from_value::<Tenancy>(mutated).is_err(), "the type takes {what}");
        }
    }
    assert!(accepted > 100 && rejected > 500, "{accepted} {rejected}");
}

/// The page has every key and every word there is, and its example has nothing wrong with it.
#[test]
fn the_page_says_everything() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tenancy.md"));
    let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let (read, findings) = parse(example);
    assert!(read.is_some() && findings.is_empty(), "{findings:#?}");
    let mut all = Vec::new();
    places(&json_schema(), "", &mut all);
    let schema = json_schema();
    for place in all {
        let (parent, key) = place.rsplit_once('/').unwrap_or_default();
        let word = match schema.pointer(&place) {
            Some(Value::String(word)) if parent.ends_with("/enum") => word,
            Some(Value::Object(_)) if parent.ends_with("/properties") => key,
            _ => continue,
        };
        let said = [format!("`{word}`"), format!("`{word}:"), format!("{{ {word}:"), format!(" {word}: ")];
        assert!(said.iter().any(|said| page.contains(said)), "docs/tenancy.md does not say {word}");
    }
}
