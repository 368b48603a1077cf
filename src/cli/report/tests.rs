//! Every format over the same findings, byte for byte, and over texts that are hard to quote.

use std::sync::Arc;

use crate::diagnostics::{Diagnostic, Origin, Severity, SourceMap, Span, codes};

use super::{Appearance, ReportFormat, report, report_with};

const BLUEPRINT: &str = "\
tenantry: 1
blueprint: orders
tiers:
  - tier: basic
    isolation: pool
    components:
      - table: Orders
        partition_key: id
  - tier: premium
    isolation: bridge
tenants: { from: tenants.jsonl }
acknowledge:
  - { code: component/one-zone, reason: \"test <stage>, one zone & cheap\" }
";

fn text(sources: &mut SourceMap, name: &str, text: &str) -> impl Fn(&str) -> Origin + use<> {
    let file = sources.add(name, text);
    let text = text.to_owned();
    move |part: &str| {
        let start = text.find(part).unwrap();
        Origin::Text(Span { file, start, end: start + part.len() })
    }
}

fn line(number: u64) -> Origin {
    Origin::Line { file: Arc::from("tenants.jsonl"), line: number }
}

/// One finding of every kind of origin.
fn sample() -> (Vec<Diagnostic>, SourceMap) {
    let mut sources = SourceMap::default();
    let at = text(&mut sources, "blueprints/orders.yaml", BLUEPRINT);
    let bundle = text(&mut sources, "blueprints/shared part.yaml", "bundles:\n  - bundle: app\n");
    let mut acknowledged =
        Diagnostic::new(&codes::COMPONENT_ONE_ZONE, at("isolation: bridge"), "network `Net` has one zone");
    acknowledged.acknowledged = Some("test <stage>, one zone & cheap".to_owned());
    let findings = vec![
        Diagnostic::new(
            &codes::ISOLATION_UNPARTITIONED_TABLE,
            at("table: Orders"),
            "table `Orders` serves many tenants but has no tenant key",
        )
        .label("shared by every tenant of tier `basic`")
        .also(at("isolation: pool"), "pooled here")
        .help("add `partition_by: tenant_id`, or move the table to a silo tier"),
        Diagnostic::new(
            &codes::ISOLATION_UNDECLARED_SHARE,
            at("tier: premium\n    isolation: bridge"),
            "tier `premium` does not say whether `Api` is siloed or pooled",
        )
        .also(bundle("bundle: app"), "comes from this bundle")
        .also(Origin::Rust { file: "src/blueprint.rs", line: 12, column: 5 }, "included here")
        .help("add `Api` to one of the lists:\n    siloed: [Api]\n    pooled: [Api]"),
        acknowledged,
        Diagnostic::new(&codes::ID_DUPLICATE_TENANT, line(17), "tenant `acme` stands twice")
            .label("the second one")
            .also(line(3), "the first one")
            .help("give one of them another id"),
        Diagnostic::new(
            &codes::ID_TENANT,
            Origin::Rust { file: "src/blueprint.rs", line: 40, column: 9 },
            "tenant id `Acme,100%:x` may not begin with `A`",
        ),
        Diagnostic::new(&codes::OUTPUT_NOT_AN_ASSEMBLY, Origin::Path(Arc::from("out")), "`out` holds `notes.txt`"),
        Diagnostic::new(&codes::TENANT_NONE, Origin::Derived, "the blueprint has no tenants"),
    ];
    (findings, sources)
}

fn rendered(findings: &[Diagnostic], sources: &SourceMap, format: ReportFormat) -> String {
    let mut out = Vec::new();
    report(findings, sources, format, false, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn assert_snapshot(name: &str, text: &str) {
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "one newline at the end");
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("../../../snapshots/report");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

const FORMATS: [(&str, ReportFormat); 6] = [
    ("human", ReportFormat::Human),
    ("plain", ReportFormat::Plain),
    ("json", ReportFormat::Json),
    ("sarif", ReportFormat::Sarif),
    ("github", ReportFormat::Github),
    ("junit", ReportFormat::Junit),
];

#[test]
fn every_format_of_the_same_findings() {
    let (findings, sources) = sample();
    for (name, format) in FORMATS {
        let mut text = rendered(&findings, &sources, format);
        if format == ReportFormat::Sarif {
            // A snapshot that moves with every release or every page is not read; pages have a test of their own.
            let mut log: serde_json::Value = serde_json::from_str(&text).unwrap();
            let driver = &mut log["runs"][0]["tool"]["driver"];
            driver["semanticVersion"] = "VERSION".into();
            for rule in driver["rules"].as_array_mut().unwrap() {
                rule["help"] = serde_json::json!({ "text": "PAGE", "markdown": "PAGE" });
            }
            text = serde_json::to_string_pretty(&log).unwrap() + "\n";
        }
        assert_snapshot(name, &text);
    }
}

#[test]
fn no_findings() {
    for (name, format) in FORMATS {
        let text = rendered(&[], &SourceMap::default(), format);
        match format {
            ReportFormat::Human | ReportFormat::Plain | ReportFormat::Github => assert_eq!(text, "", "{name}"),
            ReportFormat::Json | ReportFormat::Sarif => assert!(text.parse::<serde_json::Value>().is_ok(), "{name}"),
            ReportFormat::Junit => assert!(text.contains("tests=\"1\" failures=\"0\""), "{text}"),
        }
    }
}

#[test]
fn colour_only_when_asked() {
    let (findings, sources) = sample();
    for (_, format) in FORMATS {
        assert!(!rendered(&findings, &sources, format).contains('\u{1b}'));
    }
    let mut out = Vec::new();
    report(&findings, &sources, ReportFormat::Human, true, &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("\u{1b}["));
}

#[test]
fn thousands_of_the_same_are_cut_for_people_and_whole_for_machines() {
    let findings: Vec<Diagnostic> = (1..=2_000)
        .map(|number| Diagnostic::new(&codes::TENANT_RECORD, line(number), format!("line {number} is not a tenant")))
        .chain([Diagnostic::new(&codes::TENANT_NONE, Origin::Derived, "no tenants")])
        .collect();
    let sources = SourceMap::default();
    let human = rendered(&findings, &sources, ReportFormat::Human);
    assert_eq!(human.matches("error[tenant/record]").count(), 50);
    assert!(human.ends_with("\nand 1,950 more of `tenant/record`\n\n2,000 errors, 1 warning\n"), "{human}");
    let plain = rendered(&findings, &sources, ReportFormat::Plain);
    assert_eq!(plain.matches("(tenant/record)").count(), 50);
    let mut out = Vec::new();
    let few = Appearance { per_code: 1, ..Appearance::default() };
    report_with(&findings, &sources, ReportFormat::Plain, few, &mut out).unwrap();
    assert_snapshot("plain-one-per-code", &String::from_utf8(out).unwrap());
    let json: serde_json::Value = rendered(&findings, &sources, ReportFormat::Json).parse().unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 2_001);
    let github = rendered(&findings, &sources, ReportFormat::Github);
    assert_eq!(github.lines().filter(|line| line.starts_with("::error ")).count(), 10);
    assert!(github.contains("::notice title=tenantry::1,990 more findings: 1,990 of `tenant/record`\n"), "{github}");
}

/// Texts that are hard to quote, each with places in it that may be wrong.
fn hard_cases() -> Vec<(&'static str, Vec<(usize, usize)>)> {
    vec![
        ("", vec![(0, 0), (0, 1), (7, 3)]),
        ("\n", vec![(0, 1), (1, 1)]),
        ("a: b\r\nc: d\r\n", vec![(0, 6), (4, 6), (6, 10), (12, 12), (5, 5)]),
        ("a:\n\tb: c\n", vec![(3, 4), (4, 5), (3, 9)]),
        (
            "name: Müller 東京 🚀 e\u{301}\nx: 1\n",
            vec![(6, 8), (7, 8), (14, 20), (15, 16), (21, 25), (22, 23), (29, 40)],
        ),
        ("a: 1\n\n\nlast", vec![(0, 12), (5, 5), (6, 6), (8, 12), (12, 12), (12, 99), (usize::MAX, usize::MAX)]),
        ("x: 1\n\n", vec![(0, 1), (5, 5), (6, 6)]),
        ("\u{feff}a: \u{1b}[31mred\u{202e}\u{7}\u{9b}\n", vec![(0, 3), (1, 2), (5, 20)]),
        ("one line\rstill it\n", vec![(8, 9), (9, 14)]),
    ]
}

#[test]
fn texts_that_are_hard_to_quote_do_not_stop_a_report() {
    for (text, spans) in hard_cases() {
        let mut sources = SourceMap::default();
        let file = sources.add("hard.yaml", text);
        for (start, end) in &spans {
            let origin = Origin::Text(Span { file, start: *start, end: *end });
            let mut finding =
                Diagnostic::new(&codes::YAML_SYNTAX, origin, "a\nb\u{1b}\u{0}").label("la\rbel").help("h\n\u{7}");
            finding.severity = Severity::Warning;
            for (start, end) in &spans {
                finding = finding.also(Origin::Text(Span { file, start: *start, end: *end }), "also");
            }
            for (name, format) in FORMATS {
                let text = rendered(std::slice::from_ref(&finding), &sources, format);
                let control = |character: char| character.is_control() && character != '\n';
                assert!(!text.contains(control), "{name}: {text:?}");
            }
        }
    }
}

#[test]
fn a_line_that_a_program_wrote_is_named_and_not_quoted() {
    let mut sources = SourceMap::default();
    let long = format!("{}needle", "x".repeat(5_000));
    let at = text(&mut sources, "long.yaml", &long);
    let finding = Diagnostic::new(&codes::YAML_SYNTAX, at("needle"), "something is wrong").label("here");
    let shown = rendered(&[finding], &sources, ReportFormat::Human);
    assert!(shown.contains("long.yaml:1:5001") && shown.contains("here") && !shown.contains("xxxxx"), "{shown}");
}

#[test]
fn quoted_lines_are_the_right_ones() {
    let mut out = String::new();
    for (text, spans) in hard_cases() {
        let mut sources = SourceMap::default();
        let file = sources.add("hard.yaml", text);
        let findings: Vec<_> = spans
            .iter()
            .map(|(start, end)| {
                let origin = Origin::Text(Span { file, start: *start, end: *end });
                Diagnostic::new(&codes::YAML_SYNTAX, origin, format!("bytes {start} to {end} of {text:?}"))
            })
            .collect();
        out.push_str(&rendered(&findings, &sources, ReportFormat::Human));
    }
    assert_snapshot("human-hard", &out);
}

proptest::proptest! {
    #[test]
    fn any_text_and_any_places_can_be_shown(
        text in "[ -~\n\r\tä東🚀\u{301}\u{200d}]{0,80}",
        spans in proptest::collection::vec((0_usize..400, 0_usize..400), 1..4),
    ) {
        let mut sources = SourceMap::default();
        let file = sources.add("any.yaml", text);
        let mut spans = spans.into_iter().map(|(start, end)| Origin::Text(Span { file, start, end }));
        let first = spans.next().unwrap();
        let finding = spans.fold(Diagnostic::new(&codes::YAML_SYNTAX, first, "x"), |finding, at| finding.also(at, "y"));
        for (_, format) in FORMATS {
            rendered(std::slice::from_ref(&finding), &sources, format);
        }
    }
}

#[test]
fn sarif_has_what_readers_insist_on() {
    let (findings, sources) = sample();
    let log: serde_json::Value = rendered(&findings, &sources, ReportFormat::Sarif).parse().unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].as_str().unwrap().starts_with(&format!("# {}", rule["id"].as_str().unwrap())));
        assert!(!rule["help"]["text"].as_str().unwrap().contains("```"));
        assert!(matches!(result["level"].as_str(), Some("error" | "warning")));
        let location = &result["locations"][0]["physicalLocation"];
        let uri = location["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.is_empty() && !uri.contains([' ', '\\']), "{uri}");
        if let Some(region) = location.get("region") {
            assert!(region["startLine"].as_u64().unwrap() >= 1);
        }
        // Either every result of a run has suppressions or none has.
        assert!(result["suppressions"].is_array());
    }
    assert_eq!(results.iter().filter(|result| result["suppressions"][0]["justification"].is_string()).count(), 1);
}

#[test]
fn a_fingerprint_survives_lines_above_and_tells_twins_apart() {
    let fingerprints = |text: &str| -> Vec<String> {
        let mut sources = SourceMap::default();
        let file = sources.add("orders.yaml", text);
        let findings: Vec<_> = text
            .match_indices("table: Orders")
            .map(|(start, part)| Origin::Text(Span { file, start, end: start + part.len() }))
            .map(|origin| Diagnostic::new(&codes::ISOLATION_UNPARTITIONED_TABLE, origin, "table `Orders`"))
            .collect();
        let log: serde_json::Value = rendered(&findings, &sources, ReportFormat::Sarif).parse().unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        results.iter().map(|result| result["partialFingerprints"]["tenantryFinding/v1"].to_string()).collect()
    };
    let before = fingerprints("- table: Orders\n- table: Orders\n");
    assert_ne!(before[0], before[1]);
    assert_eq!(before, fingerprints("# a comment\n\n  - table: Orders\n  - table: Orders\n"));
}

#[test]
fn junit_is_well_formed() {
    let (mut findings, sources) = sample();
    findings.push(Diagnostic::new(&codes::ID_TENANT, line(1), "a]]>b \u{0}\u{1b}\u{ffff} <x y='z'>&amp;\t\"\r\n"));
    let xml = rendered(&findings, &sources, ReportFormat::Junit);
    let mut open = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        assert!(!text.contains('>'), "{text:?}");
        for entity in piece.split('&').skip(1) {
            let (entity, _) = entity.split_once(';').unwrap();
            assert!(["amp", "lt", "gt", "quot", "#9", "#10", "#13"].contains(&entity), "{entity}");
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!xml.contains(|character: char| character.is_control() && character != '\n'));
}
