//! Which of the resource types that are emitted each engine knows: the table of `docs/engines.md`, so that nobody takes a
//! green test for proof. Engines are asked themselves; `TENANTRY_WRITE=1` writes the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::engine::{is_skipped, tool};

const PAGE: &str = "docs/engines.md";
const BEGIN: &str = "<!-- Generated from the engines by tests/engines/types.rs -->\n";
const END: &str = "<!-- End of what is generated -->\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The resource types of every template of every shipped blueprint, and of one with all components.
fn emitted() -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    let blueprints =
        ["serverless-saas", "regulated-cases", "full-silo", "w"].map(|name| format!("blueprints/{name}.yaml"));
    for blueprint in blueprints.iter().map(String::as_str).chain(["tests/fixtures/everything.yaml"]) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("assembly");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenantry"));
        let output =
            command.current_dir(root()).args(["synth", "--no-prove", blueprint, "-o"]).arg(&out).output().unwrap();
        assert!(output.status.success(), "{blueprint}: {}", String::from_utf8_lossy(&output.stderr));
        let read = |path: &str| -> Value {
            let file = std::fs::File::open(out.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            serde_json::from_reader(std::io::BufReader::new(file)).unwrap()
        };
        for template in read("tenantry.json")["templates"].as_array().unwrap() {
            let template = read(template["path"].as_str().unwrap());
            let resources = template["Resources"].as_object().unwrap().values();
            types.extend(resources.map(|resource| resource["Type"].as_str().unwrap().to_owned()));
        }
    }
    types
}

/// What an engine says of the types it knows, and its version; nothing if it is not installed.
fn asked(engine: &str) -> Option<(String, BTreeMap<String, String>)> {
    let python = format!("target/tools/{engine}/bin/python");
    if engine == "localstack" && root().join("target/tools/localstack.absent").exists() {
        return None;
    }
    let mut command = Command::new(tool(&python));
    let output = command.current_dir(root()).args(["tests/external/engine_types.py", engine]).output().unwrap();
    assert!(output.status.success(), "{engine}: {}", String::from_utf8_lossy(&output.stderr));
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let types = serde_json::from_value(value["types"].clone()).unwrap();
    Some((value["version"].as_str().unwrap().to_owned(), types))
}

/// The cells of a table's rows.
fn rows(table: &str) -> Vec<Vec<String>> {
    let rows = table.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn word(known: Option<&String>) -> &'static str {
    match known.map(String::as_str) {
        None => "**ignored**",
        Some("made") => "made, not changed",
        Some(_) => "made and changed",
    }
}

/// What an engine makes of a type.
type Word<'a> = Box<dyn Fn(&str) -> String + 'a>;

#[test]
fn the_page_says_what_each_engine_ignores() {
    if is_skipped() {
        return;
    }
    let page = std::io::read_to_string(std::fs::File::open(root().join(PAGE)).unwrap()).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap_or_else(|| panic!("{PAGE} has no `{}`", BEGIN.trim()));
    let (table, after) = rest.split_once(END).unwrap_or_else(|| panic!("{PAGE} has no `{}`", END.trim()));
    let emitted = emitted();
    assert!(emitted.len() > 30, "{emitted:?}");
    let (moto_version, moto) = asked("moto").unwrap();
    // Engines that know next to nothing were not asked rightly.
    assert!(moto.len() > 80, "{moto:?}");
    let written = rows(table);
    let localstack = asked("localstack");
    let (localstack_version, of_localstack): (String, Word<'_>) = match &localstack {
        Some((version, types)) => {
            assert!(types.len() > 80, "{types:?}");
            (version.clone(), Box::new(|kind| word(types.get(kind)).to_owned()))
        }
        // It is not here to be asked: what is written stays, and a type that is not written about is found.
        None => {
            let head = written.first().and_then(|row| row[2].split(' ').nth(1)).unwrap_or("?").to_owned();
            let cells: BTreeMap<String, String> = written.iter().map(|row| (row[0].clone(), row[2].clone())).collect();
            (head, Box::new(move |kind| cells.get(&format!("`{kind}`")).map_or("?", String::as_str).to_owned()))
        }
    };
    let mut fresh = format!("| type | moto {moto_version} | LocalStack {localstack_version} |\n| --- | --- | --- |\n");
    for kind in &emitted {
        fresh += &format!("| `{kind}` | {} | {} |\n", word(moto.get(kind)), of_localstack(kind));
    }
    let counts = |column: usize, word: &str| rows(&fresh).iter().skip(1).filter(|row| row[column] == word).count();
    let summary = |column: usize, name: &str| {
        format!(
            "Of {} emitted types {name} makes and changes {}, makes and does not change {}, and ignores {}.\n",
            emitted.len(),
            counts(column, "made and changed"),
            counts(column, "made, not changed"),
            counts(column, "**ignored**"),
        )
    };
    let fresh = format!("{}{}\n{fresh}", summary(1, "moto"), summary(2, "LocalStack"));
    #[expect(clippy::disallowed_methods, reason = "asked to write")]
    if std::env::var("TENANTRY_WRITE").is_ok_and(|value| value == "1") {
        std::fs::write(root().join(PAGE), format!("{before}{BEGIN}{fresh}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(table, fresh, "{PAGE} is not up to date: TENANTRY_WRITE=1 cargo test --test engines page");
}
