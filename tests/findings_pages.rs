//! Every code has a page of one form, every page has a code, and the index lists them all.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/markdown.rs"]
mod markdown;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tenantry::diagnostics::{Sink, SourceMap, all_codes};
use tenantry::diff::acknowledge;
use tenantry::source::read;

const HEADINGS: [&str; 4] = ["## What it checks", "## Why it matters", "## Example", "## Use instead"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings")
}

/// A heading or fence of a page, and what stands under it.
fn sections(page: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        fenced ^= line.starts_with("```");
        if !fenced && line.starts_with('#') {
            sections.push((line, String::new()));
        } else if let Some((_, text)) = sections.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    sections
}

#[test]
fn every_page_has_the_same_form() {
    for code in all_codes() {
        let name = code.name;
        let sections = sections(code.page);
        let headings: Vec<&str> = sections.iter().map(|(heading, _)| *heading).collect();
        let title = format!("# {name}");
        assert_eq!(headings, [[title.as_str()].as_slice(), &HEADINGS].concat(), "headings of {name}");
        let mut summary = code.summary.to_owned();
        summary[..1].make_ascii_uppercase();
        assert_eq!(sections[0].1.trim(), format!("{summary}."), "the page of {name} begins with its summary");
        for (heading, text) in &sections[1..3] {
            assert!(text.trim().len() > 40, "{name} says too little under {heading}");
        }
        for (heading, text) in &sections[3..] {
            assert!(text.contains("```"), "{name} shows nothing under {heading}");
        }
        assert!(code.page.lines().all(|line| line.chars().count() <= 120), "a line of {name} is too long");
        assert!(code.page.ends_with('\n') && !code.page.ends_with("\n\n"), "{name} ends with one newline");
    }
}

#[test]
fn examples_are_the_language_they_say() {
    for code in all_codes() {
        for (language, text) in markdown::blocks(code.page) {
            match language.as_str() {
                "yaml" => {
                    let read = serde_yaml::from_str::<serde_yaml::Value>(&text);
                    assert!(read.is_ok(), "{}: {read:?}\n{text}", code.name);
                }
                "json" => {
                    for line in text.lines() {
                        let read = line.parse::<serde_json::Value>();
                        assert!(read.is_ok(), "{}: {read:?}\n{line}", code.name);
                    }
                }
                "console" => assert!(text.starts_with("$ "), "{}", code.name),
                other => assert_eq!(other, "text", "{}", code.name),
            }
        }
    }
}

/// A schema without what must be there: a fragment shows a part, and leaves out what it is not about.
fn relaxed(schema: &serde_json::Value) -> serde_json::Value {
    match schema {
        serde_json::Value::Object(entries) => entries
            .iter()
            .filter(|(key, value)| key.as_str() != "required" || !value.is_array())
            .map(|(key, value)| (key.clone(), relaxed(value)))
            .collect(),
        serde_json::Value::Array(items) => items.iter().map(relaxed).collect(),
        other => other.clone(),
    }
}

/// Everything that a fragment may be a part of: a blueprint, a declaration of who owns what or the settings of a rollout, or
/// an entry of one of its lists, at any depth.
fn fragments(schema: &serde_json::Value, found: &mut Vec<jsonschema::Validator>) {
    match schema {
        serde_json::Value::Object(entries) => {
            if schema.get("type").is_some_and(|kind| kind == "object") && schema.get("properties").is_some() {
                found.push(jsonschema::validator_for(&relaxed(schema)).unwrap());
            }
            entries.values().for_each(|entry| fragments(entry, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| fragments(item, found)),
        _ => {}
    }
}

/// Examples of what is wrong may be wrong in their shape where that is what the page is about.
#[test]
fn fragments_are_parts_of_what_is_written() {
    let (mut of_blueprint, mut of_declaration) = (Vec::new(), Vec::new());
    fragments(&tenantry::blueprint::json_schema(), &mut of_blueprint);
    fragments(&tenantry::prove::tenancy::json_schema(), &mut of_declaration);
    let mut of_rollout = Vec::new();
    fragments(&tenantry::rollout::settings_schema(), &mut of_rollout);
    let mut wrong = Vec::new();
    for code in all_codes() {
        let parts = match code.name.split('/').next() {
            Some("tenancy") => vec![&of_declaration],
            Some("rollout" | "deploy") => vec![&of_rollout, &of_blueprint],
            _ => vec![&of_blueprint],
        };
        let of_shape = ["shape/", "yaml/"].iter().any(|group| code.name.starts_with(group));
        for (heading, text) in sections(code.page)
            .into_iter()
            .filter(|(heading, _)| *heading == "## Use instead" || (*heading == "## Example" && !of_shape))
        {
            for (_, text) in markdown::blocks(&text).into_iter().filter(|(language, _)| language == "yaml") {
                let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
                if text.starts_with("acknowledge:") && code.name.starts_with("diff/") {
                    // Of the file of `--acknowledge`, which is read as the command reads it.
                    let read = acknowledge::read("page.yaml", text.as_bytes(), &mut sources, &mut sink);
                    if !sink.is_empty() || read.iter().all(|one| one.code != code.name) {
                        wrong.push(format!("{} {heading}: {sink:?}", code.name));
                    }
                    continue;
                }
                let tree = read("page.yaml", text.as_bytes(), &mut sources, &mut sink);
                let Some(tree) = tree else {
                    wrong.push(format!("{} {heading}: {sink:?}", code.name));
                    continue;
                };
                let items = tree.items().map_or_else(|| vec![&tree], |items| items.iter().collect());
                for item in items.iter().map(|item| item.to_json()) {
                    if !parts.iter().copied().flatten().any(|part| part.is_valid(&item)) {
                        wrong.push(format!("{} {heading}: {item}", code.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "nothing that is written looks like this:\n{}", wrong.join("\n"));
}

#[test]
fn every_page_has_a_code() {
    let mut pages = BTreeSet::new();
    for group in folder().read_dir().unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        for page in group.path().read_dir().unwrap().map(Result::unwrap) {
            let group = group.file_name().into_string().unwrap();
            let page = page.file_name().into_string().unwrap();
            pages.insert(format!("{group}/{}", page.strip_suffix(".md").unwrap()));
        }
    }
    let codes: BTreeSet<String> = all_codes().iter().map(|code| code.name.to_owned()).collect();
    assert_eq!(pages, codes);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test writes the index when it is asked to")]
fn the_index_lists_every_code() {
    let index = index();
    let path = folder().join("README.md");
    if std::env::var("TENANTRY_WRITE").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &index).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == index, "docs/findings/README.md is not up to date; write it with TENANTRY_WRITE=1 cargo test");
}

fn index() -> String {
    let mut index = String::from(
        "<!-- Generated from src/diagnostics/code.rs; write it anew with TENANTRY_WRITE=1 cargo test. -->\n\n\
         # Findings\n\n\
         Everything `tenantry` can find, by what it is about. A code never changes its meaning; `tenantry explain <code>`\n\
         shows its page.\n",
    );
    let mut group = "";
    for code in all_codes() {
        let of = code.name.split('/').next().unwrap_or_default();
        if of != group {
            group = of;
            index.push_str(&format!("\n## {group}\n\n| code | | what it means |\n| --- | --- | --- |\n"));
        }
        let severity = code.severity.as_str();
        index.push_str(&format!("| [`{0}`]({0}.md) | {severity} | {1} |\n", code.name, code.summary));
    }
    index
}
