//! Broken blueprints: each stands in `tests/bad/<group>/` with what is found in it written beside it. Those in
//! `tests/bad/tenancy/` are broken declarations of who owns what.
//!
//! `# error: [code] message` (or `# warning:`) behind a line speaks of that line; on a line of its own, of the next
//! one. `# expects: [code] message` is a finding without a line in the blueprint, and `# expects: file:3: [code]
//! message` one in a companion file. `<name>.before.yaml` is the blueprint that was deployed before: its assembly is
//! the ledger. Nothing may be missing and nothing may be there beside. `TENANTRY_WRITE=1 cargo test --test bad` puts
//! down what was found instead of comparing: read the difference.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may panic, and reads and writes its own files"
)]

#[path = "findings/run.rs"]
mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use run::{Run, run, run_to};
use tenantry::assembly::{Draft, Mode, verify};
use tenantry::cli::report::{ReportFormat, report};
use tenantry::diagnostics::{Diagnostic, Origin, Severity, Sink, SourceMap, all_codes, find_code};
use tenantry::prove::tenancy::Tenancy;
use tenantry::source::Memory;
use tenantry::synth::Destination;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad")
}

/// Every broken blueprint, by its path without extension, `group/name`.
fn cases() -> BTreeMap<String, PathBuf> {
    let mut cases = BTreeMap::new();
    for group in fs::read_dir(folder()).unwrap() {
        let group = group.unwrap().path();
        for file in fs::read_dir(&group).unwrap() {
            let file = file.unwrap().path();
            let name = file.file_name().unwrap().to_str().unwrap();
            if let Some(stem) = name.strip_suffix(".yaml").filter(|stem| !stem.ends_with(".before")) {
                cases.insert(format!("{}/{stem}", group.file_name().unwrap().to_str().unwrap()), file.clone());
            }
        }
    }
    cases
}

/// Where a finding is: in no file that has lines, in a companion file, or in the blueprint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Nowhere,
    Companion(String, u64),
    Line(usize),
}

/// A finding as a comment says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Expected {
    place: Place,
    severity: &'static str,
    text: String,
}

const MARKS: [(&str, &str); 2] = [("# error: [", "error"), ("# warning: [", "warning")];

fn mark(line: &str) -> Option<(usize, &'static str, &'static str)> {
    MARKS.iter().filter_map(|(mark, severity)| Some((line.find(mark)?, *mark, *severity))).min()
}

/// A blueprint without its comments about findings, and what they say. Lines keep their numbers.
fn split(text: &str) -> (String, Vec<Expected>) {
    let mut plain = String::new();
    let mut expected = Vec::new();
    let mut waiting: Vec<(&'static str, String)> = Vec::new();
    let mut number = 0;
    for line in text.split_inclusive('\n') {
        number += 1;
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        if let Some(said) = line.strip_prefix("# expects: ") {
            let (place, text) = match said.split_once(": [") {
                Some((place, rest)) if !said.starts_with('[') => {
                    let (file, line) = place.rsplit_once(':').expect("file and line");
                    (Place::Companion(file.to_owned(), line.parse().expect("a line")), format!("[{rest}"))
                }
                _ => (Place::Nowhere, said.to_owned()),
            };
            let code = text.split(']').next().unwrap().trim_start_matches('[');
            let severity = find_code(code).unwrap_or_else(|| panic!("no code {code}")).severity.as_str();
            expected.push(Expected { place, severity, text });
            plain.push_str(end);
            continue;
        }
        let mut said = Vec::new();
        let mut rest = line;
        let mut kept = line;
        while let Some((start, mark, severity)) = self::mark(rest) {
            let after = &rest[start + mark.len() - 1..];
            if said.is_empty() {
                kept = rest[..start].trim_end();
            }
            let text = self::mark(after).map_or(after, |(next, ..)| after[..next].trim_end());
            said.push((severity, text.to_owned()));
            rest = self::mark(after).map_or("", |(next, ..)| &after[next..]);
        }
        plain.push_str(kept);
        plain.push_str(end);
        if kept.is_empty() && !said.is_empty() {
            waiting.extend(said);
            continue;
        }
        let all = waiting.drain(..).chain(said);
        expected.extend(all.map(|(severity, text)| Expected { place: Place::Line(number), severity, text }));
    }
    let beyond = Place::Line(number + 1);
    expected.extend(waiting.into_iter().map(|(severity, text)| Expected { place: beyond.clone(), severity, text }));
    expected.sort();
    (plain, expected)
}

/// What a finding is in the words of the comments.
fn found(finding: &Diagnostic, sources: &SourceMap) -> Expected {
    let place = match &finding.primary.origin {
        origin @ Origin::Text(_) => Place::Line(sources.locate(origin).unwrap().1.unwrap()),
        Origin::Line { file, line } => {
            let name = Path::new(&**file).file_name().unwrap().to_string_lossy().into_owned();
            Place::Companion(name, *line)
        }
        _ => Place::Nowhere,
    };
    let text = format!("[{}] {}", finding.code, finding.message);
    Expected { place, severity: finding.severity.as_str(), text }
}

/// The comments put into a blueprint that has none.
fn joined(plain: &str, expected: &[Expected]) -> String {
    let mut text = String::new();
    for expected in expected {
        match &expected.place {
            Place::Nowhere => text.push_str(&format!("# expects: {}\n", expected.text)),
            Place::Companion(file, line) => text.push_str(&format!("# expects: {file}:{line}: {}\n", expected.text)),
            Place::Line(_) => {}
        }
    }
    let lines = plain.lines().count();
    for (number, line) in plain.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        text.push_str(line);
        for expected in expected.iter().filter(|expected| expected.place == Place::Line(number)) {
            text.push_str(&format!(" # {}: {}", expected.severity, expected.text));
        }
        text.push('\n');
    }
    for expected in expected.iter().filter(|expected| matches!(expected.place, Place::Line(line) if line > lines)) {
        text.push_str(&format!("# {}: {}\n", expected.severity, expected.text));
    }
    text
}

/// The assembly of a blueprint in which nothing is wrong.
fn assembly(blueprint: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("assembly");
    let world = Memory::default();
    let run = run_to("before.yaml", &fs::read(blueprint).unwrap(), &world, None, Destination::Folder(&out));
    assert!(run.findings.is_empty(), "{:?}", run.findings);
    folder
}

/// Runs a case; its ledger is the assembly of the blueprint beside it.
fn run_case(path: &Path, plain: &str) -> Run {
    if path.parent().unwrap().ends_with("tenancy") {
        let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
        let read = Tenancy::parse(plain.as_bytes(), "tenancy.yaml", &mut sources, &mut sink);
        assert_eq!(read.is_none(), sink.has_errors());
        return Run { findings: sink.into_sorted(), sources };
    }
    let before = path.with_extension("before.yaml");
    let ledger = before.exists().then(|| assembly(&before));
    run(
        "bad.yaml",
        plain.as_bytes(),
        path.parent().unwrap(),
        ledger.as_ref().map(|folder| folder.path().join("assembly")).as_deref(),
    )
}

#[test]
fn every_broken_blueprint_has_the_findings_it_says() {
    let write = std::env::var_os("TENANTRY_WRITE").is_some();
    let mut wrong = Vec::new();
    for (name, path) in cases() {
        let text = fs::read_to_string(&path).unwrap();
        let (mut plain, expected) = split(&text);
        let run = run_case(&path, &plain);
        let mut found: Vec<Expected> = run.findings.iter().map(|finding| found(finding, &run.sources)).collect();
        found.sort();
        if found == expected {
            if found.is_empty() {
                wrong.push(format!("{name}: nothing is wrong with it"));
            }
            continue;
        }
        if write {
            let headers = text.lines().take_while(|line| line.starts_with("# expects: ")).count();
            plain = plain.split_inclusive('\n').skip(headers).collect();
            let run = run_case(&path, &plain);
            let found: Vec<Expected> = run.findings.iter().map(|one| self::found(one, &run.sources)).collect();
            fs::write(&path, joined(&plain, &found)).unwrap();
            continue;
        }
        let lines = |some: &[Expected], others: &[Expected], sign: char| -> String {
            let odd = some.iter().filter(|one| !others.contains(one));
            odd.map(|one| format!("\n  {sign} {:?} {}: {}", one.place, one.severity, one.text)).collect()
        };
        wrong.push(format!("{name}{}{}", lines(&expected, &found, '-'), lines(&found, &expected, '+')));
    }
    assert!(wrong.is_empty(), "- expected and not found, + found and not expected\n{}", wrong.join("\n"));
}

/// The case that shows a code: the one of its name, or the first one that has it.
fn shown_by() -> BTreeMap<&'static str, String> {
    let mut shown = BTreeMap::new();
    for (name, path) in cases() {
        for expected in split(&fs::read_to_string(path).unwrap()).1 {
            let code = expected.text[1..].split(']').next().unwrap();
            let code = find_code(code).unwrap_or_else(|| panic!("{name} expects the unknown code {code}")).name;
            if name == code {
                shown.insert(code, name.clone());
            } else {
                shown.entry(code).or_insert_with(|| name.clone());
            }
        }
    }
    shown
}

#[test]
fn findings_look_as_reviewed() {
    for (code, name) in shown_by() {
        let path = folder().join(format!("{name}.yaml"));
        let run = run_case(&path, &split(&fs::read_to_string(&path).unwrap()).0);
        let findings: Vec<Diagnostic> = run.findings.into_iter().filter(|finding| finding.code.name == code).collect();
        let mut text = Vec::new();
        report(&findings, &run.sources, ReportFormat::Human, false, &mut text).unwrap();
        let (group, name) = code.split_once('/').unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(format!("../snapshots/findings/{group}"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, String::from_utf8(text).unwrap()));
    }
}

/// Codes that no small blueprint has, with the test that has them: the file, and a name in it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("yaml/too-large", "tests/bad.rs", "what_cannot_stand_in_a_small_file_is_found_too"),
    ("yaml/encoding", "tests/bad.rs", "what_cannot_stand_in_a_small_file_is_found_too"),
    ("limit/template-size", "tests/bad.rs", "what_cannot_stand_in_a_small_file_is_found_too"),
    ("id/digest-collision", "src/placement.rs", "two_tenants_with_one_digest_are_noticed"),
    ("placement/ledger", "tests/bad.rs", "a_ledger_that_cannot_be_read_stops_the_run"),
    ("output/not-an-assembly", "tests/bad.rs", "folders_that_cannot_take_an_assembly_are_left_alone"),
    ("output/busy", "tests/bad.rs", "folders_that_cannot_take_an_assembly_are_left_alone"),
    ("output/io", "tests/bad.rs", "folders_that_cannot_take_an_assembly_are_left_alone"),
    ("verify/manifest", "tests/bad.rs", "an_assembly_that_was_changed_is_noticed"),
    ("verify/digest", "tests/bad.rs", "an_assembly_that_was_changed_is_noticed"),
    ("verify/missing", "tests/bad.rs", "an_assembly_that_was_changed_is_noticed"),
    ("verify/stranger", "tests/bad.rs", "an_assembly_that_was_changed_is_noticed"),
    ("verify/tenancy", "tests/bad.rs", "an_assembly_that_was_changed_is_noticed"),
    ("verify/record", "tests/bad.rs", "an_assembly_that_was_changed_is_noticed"),
    ("isolation/refuted", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("isolation/unknown", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("lockout/refuted", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("lockout/unknown", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("packing/refuted", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("packing/unknown", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("instance/refuted", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("instance/unknown", "src/prove/findings.rs", "every_claim_has_codes_of_its_own_kind_and_a_help"),
    ("proof/input", "src/cli/prove/tests.rs", "what_is_missing_or_too_much_is_a_finding"),
];

fn said(run: &Run) -> Vec<String> {
    run.findings.iter().map(|finding| format!("[{}] {}", finding.code, finding.message)).collect()
}

#[test]
fn what_cannot_stand_in_a_small_file_is_found_too() {
    let here = folder();
    let large = "#\n".repeat(5 << 20);
    let run = run("large.yaml", large.as_bytes(), &here, None);
    assert_eq!(said(&run), ["[yaml/too-large] the blueprint has 10485760 bytes, and 4194304 bytes are read at most"]);

    let run = run::run("latin.yaml", b"tenantry: 1\nblueprint: caf\xe9\n", &here, None);
    assert_eq!(said(&run), ["[yaml/encoding] byte 27 of the file is not UTF-8"]);
    let run = run::run("utf16.yaml", b"\xff\xfet\0e\0n\0a\0n\0t\0r\0y\0", &here, None);
    assert_eq!(said(&run), ["[yaml/encoding] byte 1 of the file is not UTF-8"]);

    let template = fs::read_to_string(here.join("component/inline-code.yaml")).unwrap();
    let (template, _) = split(&template);
    let code = format!("inline: '{}'", "x".repeat(1_100_000));
    let long = template.replace("java21", "nodejs22.x").replace("inline: 'class Api {}'", &code);
    let run = run::run("long.yaml", long.as_bytes(), &here, None);
    let codes: Vec<&str> = run.findings.iter().map(|finding| finding.code.name).collect();
    assert_eq!(codes, ["limit/template-size"]);
}

#[test]
fn tenants_that_are_not_text_are_found() {
    let blueprint = fs::read_to_string(folder().join("tenant/record-csv.yaml")).unwrap();
    let (blueprint, _) = split(&blueprint);
    let cases: [(&str, &[u8], &[&str]); 6] = [
        (
            "jsonl",
            b"{\"tenant\":\"caf\xe9\",\"tier\":\"basic\"}\n",
            &["[tenant/record] this line is not a tenant: it is not UTF-8"],
        ),
        ("csv", b"tenant,tier\ncaf\xe9,basic\n", &["[tenant/record] this line is not a tenant: it is not UTF-8"]),
        (
            "csv",
            b"tenant,tier,caf\xe9\nacme,basic,x\n",
            &["[tenant/record] the first line does not name columns of tenants: it is not UTF-8"],
        ),
        (
            "csv",
            b"",
            &[
                "[tenant/record] the first line does not name columns of tenants: the column `tenant` is missing",
                "[tenant/record] the first line does not name columns of tenants: the column `tier` is missing",
            ],
        ),
        ("csv", b"\xef\xbb\xbftenant,tier\r\nacme,basic\r\n\r\nglobex,basic\r\n", &[]),
        ("jsonl", b"\xef\xbb\xbf\n\n  {\"tenant\":\"acme\",\"tier\":\"basic\"}  \r\n\t\n", &[]),
    ];
    for (extension, bytes, expected) in cases {
        let file = format!("tenants.{extension}");
        let world = Memory::default().with(&file, bytes);
        let blueprint = blueprint.replace("record-csv.csv", &file);
        let run = run_to("bad.yaml", blueprint.as_bytes(), &world, None, Destination::Nowhere);
        assert_eq!(said(&run), expected, "{extension} {:?}", String::from_utf8_lossy(bytes));
    }
}

fn before() -> tempfile::TempDir {
    assembly(&folder().join("placement/cell-removed.before.yaml"))
}

#[test]
fn a_ledger_that_cannot_be_read_stops_the_run() {
    let assembly = before();
    let ledger = assembly.path().join("assembly");
    fs::write(ledger.join("tenantry.json"), "{}").unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_tenantry"))
        .args(["synth", "--format", "json", "--out"])
        .arg(assembly.path().join("new"))
        .arg("--ledger")
        .arg(&ledger)
        .arg(folder().join("placement/cell-removed.before.yaml"))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    assert!(String::from_utf8_lossy(&run.stdout).contains("placement/ledger"), "{run:?}");
    assert!(!assembly.path().join("new").exists());
}

#[test]
fn folders_that_cannot_take_an_assembly_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let blueprint = self::folder().join("placement/cell-removed.before.yaml");
    let bytes = fs::read(&blueprint).unwrap();
    let synth = |out: &Path| {
        let run = run_to("bad.yaml", &bytes, &Memory::default(), None, Destination::Folder(out));
        run.findings.iter().map(|finding| finding.code.name).collect::<Vec<_>>()
    };
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("me.jpg"), "not an assembly").unwrap();
    assert_eq!(synth(&photos), ["output/not-an-assembly"]);
    assert_eq!(fs::read_to_string(photos.join("me.jpg")).unwrap(), "not an assembly");

    let busy = folder.path().join("busy");
    let draft = Draft::begin(&busy, Mode::Write).unwrap();
    assert_eq!(synth(&busy), ["output/busy"]);
    drop(draft);

    assert_eq!(synth(&photos.join("me.jpg").join("assembly")), ["output/io"]);
}

#[test]
fn an_assembly_that_was_changed_is_noticed() {
    let codes = |change: &dyn Fn(&Path)| {
        let assembly = before();
        let root = assembly.path().join("assembly");
        assert!(verify(&root).is_empty());
        change(&root);
        let findings = verify(&root).into_sorted();
        findings.iter().map(|finding| finding.code.name).collect::<BTreeSet<_>>()
    };
    let template = "templates/basic-cell.template.json";
    assert!(codes(&|root| fs::write(root.join("tenantry.json"), "{}").unwrap()).contains("verify/manifest"));
    assert!(codes(&|root| fs::write(root.join(template), "{}").unwrap()).contains("verify/digest"));
    assert!(codes(&|root| fs::remove_file(root.join(template)).unwrap()).contains("verify/missing"));
    assert!(codes(&|root| fs::write(root.join("notes.txt"), "mine").unwrap()).contains("verify/stranger"));
    let elsewhere = codes(&|root| {
        let tenants = fs::read_to_string(root.join("tenants.jsonl")).unwrap();
        fs::write(root.join("tenants.jsonl"), tenants.replace("\"tier\":\"basic\"", "\"tier\":\"gold\"")).unwrap();
    });
    assert!(elsewhere.contains("verify/record"), "{elsewhere:?}");
    let narrower = codes(&|root| {
        let declaration = fs::read_to_string(root.join("tenancy.json")).unwrap();
        fs::write(root.join("tenancy.json"), declaration.replace("basic-cell", "basic-shell")).unwrap();
    });
    assert!(narrower.contains("verify/tenancy"), "{narrower:?}");
}

/// The constant of a code: `DIFF_DATA_LOSS`.
fn constant(code: &str) -> String {
    code.to_uppercase().replace(['/', '-'], "_")
}

/// The text of all tests below a folder: of `tests/` everything, of `src/` what is tests only.
fn texts(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &texts(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let whole = fs::read_to_string(&path).unwrap();
            let all = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
            text += if all { &whole } else { whole.split_once("#[cfg(test)]").map_or("", |(_, tests)| tests) };
        }
    }
    text
}

#[test]
fn every_code_is_found_in_some_test() {
    let mut covered: BTreeSet<&str> = shown_by().into_keys().collect();
    for (code, file, test) in ELSEWHERE {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        assert!(text.contains(&format!("fn {test}(")), "{file} has no test {test}");
        assert!(covered.insert(code), "{code} is listed, but a blueprint has it");
    }
    // What is said of two assemblies, of a rollout or of a deployment has no blueprint to be shown by; tests name it.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named: String = texts(&root.join("tests")) + &texts(&root.join("src"));
    let is_named = |code: &str| {
        let later = ["acknowledge", "deploy", "diff", "plan", "rollout", "tenant"]
            .iter()
            .any(|group| code.starts_with(&format!("{group}/")));
        later && (named.contains(code) || named.contains(&format!("codes::{}", constant(code))))
    };
    let missing: Vec<&str> =
        all_codes().iter().map(|code| code.name).filter(|code| !covered.contains(code) && !is_named(code)).collect();
    assert!(missing.is_empty(), "no test has {missing:?}");
}

/// A message is one sentence in lower case without a period at its end, and help says something.
#[test]
fn messages_have_one_form() {
    for (name, path) in cases() {
        let run = run_case(&path, &split(&fs::read_to_string(&path).unwrap()).0);
        for finding in &run.findings {
            let message = &finding.message;
            assert!(!message.ends_with(['.', '!', '\n']), "{name}: {message}");
            let acronym = message.chars().nth(1).is_some_and(char::is_uppercase);
            assert!(acronym || !message.starts_with(char::is_uppercase), "{name}: {message}");
            assert_eq!(message.matches('`').count() % 2, 0, "{name}: {message}");
            for rust in ["Option<", "Some(", "None", "::new", "struct ", "enum "] {
                assert!(!message.contains(rust), "{name}: {message}");
            }
            assert!(!finding.help.is_empty(), "{name}: {message} has no help");
            assert!(finding.help.iter().all(|help| !help.ends_with('.')), "{name}: {:?}", finding.help);
            assert!(finding.severity == Severity::Error || finding.code.severity == Severity::Warning, "{name}");
        }
    }
}

/// Shapes that only lowering knows: what stands in a bridge tier, in a route, and over a component's settings.
const BEYOND_THE_SCHEMA: [&str; 3] =
    ["shape/unknown-key-bridge-list", "shape/unknown-key-override", "shape/unknown-value-route"];

#[test]
fn the_json_schema_refuses_what_the_shapes_refuse() {
    let schema = jsonschema::validator_for(&tenantry::blueprint::json_schema()).unwrap();
    let json = |bytes: &[u8]| {
        let mut sink = tenantry::diagnostics::Sink::new();
        let tree = tenantry::source::read("b.yaml", bytes, &mut SourceMap::default(), &mut sink);
        tree.unwrap_or_else(|| panic!("{sink:?}")).to_json()
    };
    for (name, path) in cases().into_iter().filter(|(name, _)| name.starts_with("shape/")) {
        let (plain, _) = split(&fs::read_to_string(path).unwrap());
        let refused = !schema.is_valid(&json(plain.as_bytes()));
        assert_eq!(refused, !BEYOND_THE_SCHEMA.contains(&name.as_str()), "{name}");
    }
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints");
    let mut seen = 0;
    for file in fs::read_dir(shipped).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "yaml") {
            let errors: Vec<String> =
                schema.iter_errors(&json(&fs::read(&file).unwrap())).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", file.display());
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen}");
}
