//! The house rules of ARCHITECTURE.md that a machine can hold: layers, size, where files are touched, what serializes.
//!
//! Source is read as text. That finds less than a compiler would, and needs none: `use crate::…` and `crate::…` paths
//! are how modules of this crate name each other.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test may panic, and reads the repository it stands in"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate, lowest layer first. A module uses only modules of earlier rows.
const LAYERS: &[(&str, &[&str])] = &[
    ("L0", &["diagnostics", "facts"]),
    ("L1", &["model", "cfn", "assembly"]),
    ("L2", &["source"]),
    ("L3", &["blueprint", "dsl"]),
    ("L4", &["check"]),
    ("L5", &["placement"]),
    ("L6 graph", &["ir"]),
    ("L6 render", &["render"]),
    ("L7", &["passes"]),
    ("L8", &["prove"]),
    ("L9", &["emit"]),
    ("L10", &["synth"]),
    ("L11 differences", &["diff"]),
    ("L11 questions", &["preview", "plan", "rollout", "cost", "quota", "impact"]),
    ("L12", &["deploy"]),
    ("L13", &["cli"]),
];

/// What belongs to no layer: the crate's root, and the names it gives to users.
const OUTSIDE: &[&str] = &["lib", "main", "prelude"];

/// The most lines a file may have that people write.
const MOST_LINES: usize = 950;

/// Where files, the environment, processes and the clock may be touched, and why.
const IO: &[(&str, &str)] = &[
    ("source/world.rs", "reads what a blueprint names; tests put a world of their own in its place"),
    ("source/spool.rs", "sorts tenants that do not fit into memory, in a temporary file"),
    ("assembly/", "the only reader and writer of assemblies"),
    ("deploy/", "talks to AWS"),
    ("cli/", "is where the program meets its user: environment, clock, exit code"),
    ("main.rs", "hands the exit code on"),
];

/// Where types may be made for serde, and why.
const SERDE: &[(&str, &str)] = &[
    ("facts.rs", "reads dated data files"),
    ("cfn/", "is the vocabulary of templates"),
    ("assembly/", "is the format of assemblies"),
    ("blueprint/tenants.rs", "reads lines of a tenants' file"),
    ("prove/tenancy.rs", "is a declaration that people write and assemblies hold"),
    ("prove/", "reads templates and writes evidence"),
    ("emit/mod.rs", "writes JSON; derives nothing"),
    ("synth/organization.rs", "hands statements to the prover as JSON; derives nothing"),
    ("passes/pack.rs", "measures the text of statements; derives nothing"),
    ("cost/", "writes reports"),
    ("diff/", "writes reports"),
    ("preview/", "writes reports"),
    ("plan/", "is the format of plans"),
    ("rollout/", "is the format of rollouts"),
    ("deploy/", "reads answers of AWS and writes reports"),
    ("cli/", "writes reports"),
];

/// The files of `src`, as paths from there, with their text.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// The top module a file belongs to.
fn module(file: &str) -> &str {
    let first = file.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The text without comments and without its unit tests, which may use everything.
fn code(file: &str, text: &str) -> String {
    if file.ends_with("tests.rs") {
        return String::new();
    }
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |code, line| code + line + "\n")
}

/// The top modules that a text names as `crate::…`, braces included: `use crate::{ir, model::Tier};`.
fn named(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            found.insert(word(after));
            continue;
        };
        let (mut depth, mut item) = (1, true);
        for (at, character) in list.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => item = true,
                _ if item && !character.is_whitespace() => {
                    found.insert(word(&list[at..]));
                    item = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

fn row(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, modules)| modules.contains(&module))
}

/// Fails with all lines at once.
fn none(lines: &[String]) {
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn a_module_uses_only_lower_layers() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let own = module(&file);
        if OUTSIDE.contains(&own) {
            continue;
        }
        let Some(own_row) = row(own) else {
            wrong.push(format!("{file}: module `{own}` has no layer; give it one in tests/architecture.rs"));
            continue;
        };
        for other in named(&code(&file, &text)) {
            if other == own {
                continue;
            }
            match row(&other) {
                Some(other_row) if other_row < own_row => {}
                Some(other_row) => wrong.push(format!(
                    "{file}: `{own}` ({}) uses `{other}` ({}), which is not lower",
                    LAYERS[own_row].0, LAYERS[other_row].0
                )),
                None => wrong.push(format!("{file}: `crate::{other}` is no module of a layer")),
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_reader_of_paths_sees_lists() {
    let text = "use crate::{ir::{Output, StackGraph}, model::Tier,\n    cfn};\nlet x = crate::facts::load();";
    let found: Vec<String> = named(text).into_iter().collect();
    assert_eq!(found, ["cfn", "facts", "ir", "model"]);
}

#[test]
fn every_module_of_the_crate_has_a_layer() {
    let modules: BTreeSet<String> = sources().keys().map(|file| module(file).to_owned()).collect();
    let unknown: Vec<String> =
        modules.into_iter().filter(|name| row(name).is_none() && !OUTSIDE.contains(&name.as_str())).collect();
    none(&unknown);
}

#[test]
fn files_stay_small_enough_to_read() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if lines > MOST_LINES && !text.starts_with("// Generated by ") {
            wrong.push(format!("{file} has {lines} lines, and {MOST_LINES} are allowed"));
        }
    }
    none(&wrong);
}

#[test]
fn generated_files_say_so() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        if file.starts_with("cfn/types/") && !text.starts_with("// Generated by ") {
            wrong.push(format!("src/{file} is in a generated folder and does not say that it is generated"));
        }
    }
    for page in ["docs/blueprint.md", "docs/findings/README.md"] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        if !text.contains("<!-- Generated from ") {
            wrong.push(format!("{page} does not say what it is generated from"));
        }
    }
    none(&wrong);
}

/// Files that hold one of the words and are not on the list, and entries of the list that nothing needs any more.
fn outside(words: &[&str], allowed: &[(&str, &str)], what: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let found = words.iter().find(|word| code(&file, &text).contains(**word));
        if let Some(word) = found
            && !allowed.iter().any(|(place, _)| file.starts_with(place))
        {
            wrong.push(format!("src/{file} has `{word}`, and {what} is not for this place"));
        }
    }
    wrong
}

/// What a proof may know of this crate: how to read, facts, and names that check themselves, as declarations hold them.
/// Nothing that policies are made from.
const KNOWN_TO_PROOFS: &[&str] = &[
    "assembly::CellRecord",
    "assembly::Digest",
    "assembly::MANIFEST",
    "assembly::StackRecord",
    "assembly::TENANTS",
    "assembly::TenantRecord",
    "assembly::TierPolicies",
    "diagnostics",
    "facts",
    "cfn::catalogue",
    "cfn::policy",
    "cfn::schema",
    "source",
    "model::IdLanguage",
    "model::NameError",
    "model::Region",
    "model::guardrail::OrganizationId",
    "model::guardrail::RolePattern",
    "model::guardrail::TagKey",
    "prove",
];

#[test]
fn a_proof_never_reads_the_model() {
    let mut wrong = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| module(file) == "prove") {
        for after in code(&file, &text).split("crate::").skip(1) {
            let path: String = after.chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
            let allowed = KNOWN_TO_PROOFS
                .iter()
                .any(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")));
            // Of two that stand in braces each is looked at where it stands.
            let several = path.ends_with("::") && after[path.len()..].starts_with('{');
            let inner = after[path.len()..].trim_start_matches('{').split('}').next().unwrap();
            let all = several
                && inner.split(',').all(|name| {
                    let path = format!("{path}{}", name.trim());
                    KNOWN_TO_PROOFS.iter().any(|known| path.starts_with(known))
                });
            if !allowed && !all {
                wrong.push(format!("{file}: a proof uses `crate::{path}`"));
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_outside_world_is_touched_in_named_places() {
    let words = [
        "std::fs",
        "std::env",
        "std::process",
        "std::net::Tcp",
        "std::net::Udp",
        "SystemTime",
        "Instant::now",
        "std::os::",
        "rustix::",
    ];
    none(&outside(&words, IO, "input and output"));
}

#[test]
fn serde_stays_at_the_edges() {
    none(&outside(&["serde::", "Serialize)]", "Deserialize)]"], SERDE, "serde"));
}

#[test]
fn parsers_and_printers_have_one_home() {
    for (word, home) in [
        ("saphyr_parser", "source/yaml.rs"),
        ("annotate_snippets", "cli/report/human.rs"),
        // What `init` writes, the report of a proof, and the page of a preview: texts for people, laid out in files of
        // their own.
        ("handlebars", "cli/ prove/report.rs preview/page.rs"),
        ("clap::", "cli/"),
        ("anyhow", "cli/"),
        ("csv::", "blueprint/tenants.rs"),
        ("strsim", "diagnostics/sink.rs cfn/schema"),
        ("jsonschema", "assembly/ cfn/schema"),
    ] {
        let homes: Vec<(&str, &str)> = home.split(' ').map(|home| (home, "")).collect();
        none(&outside(&[word], &homes, word));
    }
}

#[test]
fn only_deploy_aws_names_the_sdk_and_is_asynchronous() {
    let words = [
        "aws_config",
        "aws_credential",
        "aws_sdk_",
        "aws_smithy",
        "aws_types",
        "tokio",
        "async fn",
        "async move",
        ".await",
    ];
    none(&outside(&words, &[("deploy/aws/", "asks AWS")], "the SDK of AWS"));
    // It stands behind the feature, or everybody would have to build it.
    let text = &sources()["deploy/mod.rs"];
    assert!(text.contains("#[cfg(feature = \"deploy\")]\npub mod aws;"));
}

#[test]
fn the_diagram_of_the_layers_names_every_module() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    let modules: BTreeSet<String> = sources().keys().map(|file| module(file).to_owned()).collect();
    let missing: Vec<String> = modules
        .into_iter()
        .filter(|name| !OUTSIDE.contains(&name.as_str()) && !text.contains(&format!("`{name}`")))
        .map(|name| format!("ARCHITECTURE.md says nothing about `{name}`"))
        .collect();
    none(&missing);
}

#[test]
fn the_page_on_semantics_names_every_item_and_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/proof-semantics.md")).unwrap();
    let mut tests: String = sources().into_values().collect();
    tests += &fs::read_to_string(root.join("tests/simulator.rs")).unwrap();
    let (mut items, mut missing) = (Vec::new(), Vec::new());
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        items.extend(cells[1].parse::<usize>());
        let (Ok(_), Some(named)) = (cells[1].parse::<usize>(), cells.get(4)) else { continue };
        let names: Vec<&str> = named.split(", ").map(|name| name.trim_matches('`')).collect();
        missing.extend(names.into_iter().filter(|name| !tests.contains(&format!("fn {name}()"))).map(str::to_owned));
    }
    let others = page.split('`').filter(|name| name.starts_with("both_say_") || name.starts_with("the_public_"));
    missing.extend(others.filter(|name| !tests.contains(&format!("fn {name}()"))).map(str::to_owned));
    none(&missing);
    assert_eq!(items, (1..=45).collect::<Vec<usize>>());
}
