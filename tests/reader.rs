//! The reader takes anything: no bytes make it panic, and none make it take long.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "findings/run.rs"]
mod run;

use std::path::Path;

use proptest::prelude::*;
use run::{run, run_to};
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::source::{MAX_BYTES, Memory, read};
use tenantry::synth::Destination;

const SHIPPED: [&str; 3] = [
    include_str!("../blueprints/serverless-saas.yaml"),
    include_str!("../blueprints/regulated-cases.yaml"),
    include_str!("bad/isolation/pool-reaches-silo-consumes.yaml"),
];

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/blueprints"))
}

/// A change to a text: where, in parts of a thousand, and what.
#[derive(Debug, Clone)]
enum Change {
    /// Lines are taken out.
    Delete(usize, usize),
    /// Lines stand twice.
    Double(usize, usize),
    /// A line moves elsewhere.
    Move(usize, usize),
    /// Something is put between two characters.
    Insert(usize, String),
    /// Characters are taken out.
    Cut(usize, usize),
    /// A line is indented otherwise.
    Indent(usize, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0..1_000_usize;
    let words = prop_oneof![
        "[\\PC\t\n]{1,12}",
        prop::sample::select(vec![
            "${",
            "}",
            "{",
            "[",
            "]",
            "- ",
            ": ",
            "'",
            "\"",
            "#",
            "&a ",
            "*a",
            "!Sub ",
            "!!str ",
            "<<: ",
            "|\n",
            "? ",
            "---\n",
            "\u{feff}",
            "\0",
            "\r",
            "~",
            "null",
            "true",
            "99999999999999999999",
            "-1",
            "1e999",
            ".inf",
            "\u{85}",
            "𝒶",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        (place.clone(), 1..6_usize).prop_map(|(at, many)| Change::Delete(at, many)),
        (place.clone(), 1..6_usize).prop_map(|(at, many)| Change::Double(at, many)),
        (place.clone(), place.clone()).prop_map(|(from, to)| Change::Move(from, to)),
        (place.clone(), words).prop_map(|(at, text)| Change::Insert(at, text)),
        (place.clone(), 1..40_usize).prop_map(|(at, many)| Change::Cut(at, many)),
        (place, 0..9_usize).prop_map(|(at, spaces)| Change::Indent(at, spaces)),
    ]
}

fn changed(text: &str, change: &Change) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut characters: Vec<char> = text.chars().collect();
    let line = |at: usize, lines: &[String]| at * lines.len() / 1_000;
    match change {
        Change::Delete(at, many) => {
            let at = line(*at, &lines);
            lines.drain(at..(at + many).min(lines.len()));
        }
        Change::Double(at, many) => {
            let at = line(*at, &lines);
            let again: Vec<String> = lines.iter().skip(at).take(*many).cloned().collect();
            lines.splice(at..at, again);
        }
        Change::Move(from, to) if !lines.is_empty() => {
            let moved = lines.remove(line(*from, &lines));
            lines.insert(line(*to, &lines), moved);
        }
        Change::Indent(at, spaces) if !lines.is_empty() => {
            let at = line(*at, &lines);
            lines[at] = format!("{}{}", " ".repeat(*spaces), lines[at].trim_start());
        }
        Change::Insert(at, text) => {
            let at = at * characters.len() / 1_000;
            characters.splice(at..at, text.chars());
            return characters.into_iter().collect();
        }
        Change::Cut(at, many) => {
            let at = at * characters.len() / 1_000;
            characters.drain(at..(at + many).min(characters.len()));
            return characters.into_iter().collect();
        }
        Change::Move(..) | Change::Indent(..) => {}
    }
    lines.concat()
}

/// Runs a blueprint to its findings, and their text.
fn survive(bytes: &[u8]) -> usize {
    let run = run("b.yaml", bytes, folder(), None);
    let mut text = Vec::new();
    let format = tenantry::cli::report::ReportFormat::Human;
    tenantry::cli::report::report(&run.findings, &run.sources, format, false, &mut text).unwrap();
    run.findings.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(survive(&bytes) > 0);
    }

    #[test]
    fn any_text_is_survived(text in "([a-z\\-?:,\\[\\]{}#&*!|>'\"%@` \\n\\t]|\\PC){0,200}") {
        prop_assert!(survive(text.as_bytes()) > 0);
    }

    #[test]
    fn changed_blueprints_are_survived(
        which in 0..SHIPPED.len(),
        changes in prop::collection::vec(change(), 1..5),
    ) {
        let text = changes.iter().fold(SHIPPED[which].to_owned(), |text, change| changed(&text, change));
        survive(text.as_bytes());
    }

    #[test]
    fn any_file_of_tenants_is_survived(
        lines in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                "[a-z]{2,6},basic,[a-z]{0,3}".prop_map(String::into_bytes),
                r#"\{"tenant":"[a-z*]{1,6}","tier":"(basic|gold)"(,"(name|overrides|residency|plan)":("x"|\[\]|\{"Api":\{"memory_mib":1\}\}|7|null))?\}"#
                    .prop_map(String::into_bytes),
            ],
            0..6,
        ),
        csv in any::<bool>(),
    ) {
        let mut bytes = if csv { b"tenant,tier,name\n".to_vec() } else { Vec::new() };
        bytes.extend(lines.join(&b'\n'));
        let name = if csv { "t.csv" } else { "t.jsonl" };
        let blueprint = format!(
            "tenantry: 1\nblueprint: shop\nowner: a\ncost_center: b\n\
             cells: [{{ cell: eu-1, region: eu-west-1, account: '210000000001' }}]\n\
             tiers:\n  - tier: basic\n    isolation: pool\n    components:\n\
             \x20     - {{ function: Api, code: {{ inline: x }} }}\ntenants: {{ from: {name} }}\n"
        );
        run_to("b.yaml", blueprint.as_bytes(), &Memory::default().with(name, bytes), None, Destination::Nowhere);
    }
}

/// Reads a text that is made to be slow, and hands back how many findings there are.
fn findings(text: &str) -> usize {
    assert!(text.len() <= MAX_BYTES, "{}", text.len());
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    if let Some(tree) = read("b.yaml", text.as_bytes(), &mut sources, &mut sink) {
        assert!(tenantry::blueprint::lower(&tree, &mut sink).is_none());
    }
    sink.len()
}

/// Each of these has a reader that takes quadratic time or memory: this one ends. The findings are bounded, so that
/// what is done with each of them is too.
#[test]
fn texts_made_to_be_slow_are_read() {
    let most = 1_100;
    let full = MAX_BYTES - 64;
    let deep: [String; 5] = [
        "[".repeat(full),
        "{a: ".repeat(full / 4),
        "- ".repeat(full / 2),
        "? ".repeat(full / 2),
        (0..1_500).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
    ];
    for text in &deep {
        assert!((1..=most).contains(&findings(text)), "{}", &text[..12]);
    }
    let wide: [(String, usize); 9] = [
        // One key, and many.
        ("a: 1\n".repeat(full / 5), most),
        ((0..full / 13).map(|n| format!("k{n:07}: 1\n")).collect(), most),
        // One list, and a list where each item is wrong.
        (format!("cells: [{}]", "a,".repeat(full / 2 - 10)), most),
        (format!("cells: [{}]", "{},".repeat(full / 3 - 10)), most),
        // One scalar in each style.
        (format!("owner: {}", "x".repeat(full)), most),
        (format!("owner: '{}'", "x\n".repeat(full / 2 - 10)), most),
        (format!("owner: |\n{}", "  x\n".repeat(full / 4 - 10)), most),
        // Aliases of aliases, and comments.
        ((0..full / 26).map(|n| format!("a{n:07}: &a{n:07} [*a]\n")).collect(), most),
        (format!("{}a: 1\n", "# x\n".repeat(full / 4 - 10)), most),
    ];
    for (text, most) in &wide {
        assert!((1..=*most).contains(&findings(text)), "{}", &text[..12]);
    }
}
