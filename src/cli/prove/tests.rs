use serde_json::json;

use super::super::args::{Color, Global, Prove};
use super::super::report::ReportFormat;
use super::*;
use crate::prove::sample;

/// A folder with a declaration and what it names.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let tenancy = serde_json::to_vec(&sample::tenancy()).unwrap();
        desk.write("assembly/tenancy.json", &tenancy);
        let policy = json!({"Statement": [
            {"Sid": "Other", "Effect": "Allow"},
            {"Sid": "ReadInvoices", "Effect": "Allow"},
        ]});
        let role = json!({"Properties": {"Policies": [{"PolicyDocument": policy}]}});
        let template = format!("{:#}\n", json!({"Resources": {"ProductServiceSessionRole": role}}));
        desk.write("assembly/templates/basic-cell.template.json", template.as_bytes());
        desk.write("assembly/templates/enterprise-tenant.template.json", b"{}");
        desk.write("assembly/org/scp-basic-1.json", b"{}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        write(&self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        Disk::new(self.folder.path()).read(Path::new(name)).unwrap()
    }

    fn args(&self, paths: &[&str]) -> Prove {
        Prove {
            paths: paths.iter().map(|path| self.path(path)).collect(),
            tenancy: None,
            evidence: None,
            report: Vec::new(),
            emit_smt2: None,
            cross_check: None,
            counterexamples: None,
        }
    }
}

fn terminal() -> Terminal {
    Terminal::new(&Global { format: ReportFormat::Junit, color: Color::Never })
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn how_it_ends_says_what_was_proved() {
    let desk = Desk::new();
    let args = desk.args(&["assembly"]);
    for (engine, code) in [
        ((|_, _, _, _| Ok(Some(sample::proved()))) as Engine, 0),
        (|_, _, _, _| Ok(Some(sample::refuted())), 3),
        (|_, _, _, _| Ok(Some(sample::empty())), 3),
    ] {
        assert_eq!(run(&args, engine, &terminal()).unwrap().code(), code);
    }
    let unknown: Engine = |_, _, _, _| {
        let mut proof = sample::refuted();
        proof.obligations.retain(|asked| !matches!(asked.verdict, Verdict::Refuted(_)));
        Ok(Some(proof))
    };
    assert_eq!(run(&args, unknown, &terminal()).unwrap(), Ending::NotProved);
    assert!(run(&args, |_, _, _, _| bail!("broken"), &terminal()).is_err());
}

#[test]
fn everything_that_is_asked_for_is_written() {
    let desk = Desk::new();
    let args = Prove {
        evidence: Some(desk.path("out/isolation.json")),
        report: vec![desk.path("out/report.md"), desk.path("out/report.html")],
        emit_smt2: Some(desk.path("out/smt2")),
        counterexamples: Some(desk.path("out/cases")),
        ..desk.args(&["assembly"])
    };
    let engine: Engine = |request, tools, _, _| {
        assert_eq!(request.files.len(), 4);
        assert_eq!(request.tenancy, sample::tenancy());
        let take = tools.problems.as_mut().unwrap();
        take("a → b/c", "(check-sat)\n");
        take("a → b-c", "(check-sat)\n");
        assert!(tools.solver.is_none());
        Ok(Some(sample::refuted()))
    };
    assert_eq!(run(&args, engine, &terminal()).unwrap(), Ending::NotProved);
    let evidence = Evidence::parse(&desk.read("out/isolation.json")).unwrap();
    assert_eq!(evidence, Evidence::from(&sample::refuted()));
    assert!(desk.read("out/report.md").starts_with(b"# Isolation of tenants: refuted\n"));
    assert!(desk.read("out/report.html").starts_with(b"<!DOCTYPE html>\n"));
    let problems = names(&desk.path("out/smt2"));
    assert_eq!(problems.len(), 2, "ids that look alike have files of their own: {problems:?}");
    assert!(problems.iter().all(|name| name.starts_with("a-b-c-") && name.ends_with(".smt2")), "{problems:?}");
    let cases = names(&desk.path("out/cases"));
    assert_eq!(cases.len(), 2);
    let case: serde_json::Value = serde_json::from_slice(&desk.read(&format!("out/cases/{}", cases[0]))).unwrap();
    assert_eq!(case, evidence.counterexamples[0].case);

    // What an earlier run left is not mixed with what this one writes.
    let again = run(&args, engine, &terminal()).unwrap_err().to_string();
    assert!(again.ends_with("smt2` is not empty; empty it, or name another"), "{again}");
}

#[test]
fn findings_are_at_the_lines_of_the_statements() {
    let desk = Desk::new();
    let (mut sources, mut wrong) = (SourceMap::default(), Sink::new());
    let input = input(&desk.args(&["assembly"]), &mut sources, &mut wrong).unwrap().unwrap();
    let found = located(&sample::refuted(), &input, &mut sources);
    let (file, line, _) = sources.locate(&found[0].primary.origin).unwrap();
    assert_eq!(file, desk.path("assembly/templates/basic-cell.template.json").display().to_string());
    let template = String::from_utf8(desk.read("assembly/templates/basic-cell.template.json")).unwrap();
    assert!(template.lines().nth(line.unwrap() - 1).unwrap().contains("\"ReadInvoices\""));
    // The template has no such resource: the place is said in words.
    let (file, line, _) = sources.locate(&found[1].primary.origin).unwrap();
    assert!(file.ends_with("/basic-cell.template.json") && line.is_none(), "{file}");
    assert_eq!(found[1].primary.text, "this cannot be decided, at `/Resources/Jobs/Properties/Policy`");
}

#[test]
fn the_same_files_are_the_same_request_wherever_they_are() {
    let (one, other) = (Desk::new(), Desk::new());
    let request = |args: &Prove| input(args, &mut SourceMap::default(), &mut Sink::new()).unwrap().unwrap().request;
    let first = request(&one.args(&["assembly"]));
    assert_eq!(first.files, request(&other.args(&["assembly"])).files);
    // With the declaration named, and a template that lies elsewhere.
    other.write("elsewhere/basic-cell.template.json", &first.files["templates/basic-cell.template.json"]);
    other.write("assembly/templates/basic-cell.template.json", b"another");
    fs::rename(other.path("assembly/tenancy.json"), other.path("assembly/mine.json")).unwrap();
    let named = Prove {
        tenancy: Some(other.path("assembly/mine.json")),
        ..other.args(&["elsewhere/basic-cell.template.json"])
    };
    assert_eq!(request(&named).files, first.files);
}

#[test]
fn what_is_missing_or_too_much_is_a_finding() {
    let desk = Desk::new();
    let findings = |args: &Prove| {
        let mut wrong = Sink::new();
        assert!(input(args, &mut SourceMap::default(), &mut wrong).unwrap().is_none());
        wrong.into_sorted().iter().map(|finding| (finding.code.name, finding.message.clone())).collect::<Vec<_>>()
    };
    let tenancy = Some(desk.path("assembly/tenancy.json"));
    let stranger = findings(&Prove { tenancy: tenancy.clone(), ..desk.args(&["other.template.json"]) });
    assert!(stranger[0].1.ends_with("other.template.json` is not a template of the declaration"), "{stranger:?}");

    fs::remove_file(desk.path("assembly/org/scp-basic-1.json")).unwrap();
    let missing = findings(&desk.args(&["assembly"]));
    let message = "the declaration names `org/scp-basic-1.json`, which cannot be read: there is no such file";
    assert_eq!(missing, [("proof/input", message.to_owned())]);
    assert_eq!(run(&desk.args(&["assembly"]), |_, _, _, _| unreachable!(), &terminal()).unwrap(), Ending::Findings);

    desk.write("assembly/tenancy.json", br#"{"tenancy": 1, "idz": {}}"#);
    let shape = findings(&desk.args(&["assembly"]));
    assert!(shape.iter().any(|(code, _)| *code == "shape/unknown-key"), "{shape:?}");
    assert!(shape.iter().any(|(_, message)| message.contains("`idz`")), "{shape:?}");

    let nowhere = input(&desk.args(&["nowhere"]), &mut SourceMap::default(), &mut Sink::new())
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(nowhere.starts_with("cannot read the declaration `"), "{nowhere}");
    let several = input(&desk.args(&["a", "b"]), &mut SourceMap::default(), &mut Sink::new())
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(several.contains("`--tenancy FILE`"), "{several}");
}

#[test]
fn the_summary_is_a_verdict_and_figures() {
    let said = |proof: &Proof| summary(proof, &Evidence::from(proof));
    let proved = said(&sample::proved());
    assert_eq!(proved[0], "proved: all 8 questions, each for every pair of tenants at once");
    assert_eq!(proved[1..4], ["  data: 6 proved", "  mint: 1 proved", "  packing: 1 proved"]);
    assert_eq!(proved[4], "  5 files read, 3 without any grant, 1 put to a second solver, 2 assumptions");
    assert!(proved[5].starts_with("  evidence "));
    let refuted = said(&sample::refuted());
    assert_eq!(refuted[0], "refuted: 2 of 11 questions have an answer that must not be, 1 could not be decided");
    assert_eq!(refuted[3], "  lockout: 0 proved, 1 unknown");
    assert!(said(&sample::empty())[0].starts_with("unknown: "));
}

#[test]
fn reports_end_in_what_they_are() {
    assert!(forms(&[PathBuf::from("a.md"), PathBuf::from("b.html")]).is_ok());
    for wrong in ["a.txt", "md", ".md", "a.HTML"] {
        assert!(forms(&[PathBuf::from(wrong)]).is_err(), "{wrong}");
    }
}
