//! SARIF 2.1.0, the format that code scanning reads.
//!
//! Specification: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>. Rules carry their whole page,
//! so that a reader without tenantry has it too. Acknowledged findings are results with a suppression.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::diagnostics::{Code, Diagnostic};

use super::place::{Place, Places};

/// The root of the checkout, which relative paths are relative to.
const ROOT: &str = "%SRCROOT%";

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<SarifResult<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text<'static>,
    full_description: Text<'static>,
    help: Help,
    default_configuration: Configuration,
    properties: Properties,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Properties {
    tags: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: OwnedText,
    locations: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    suppressions: Vec<Suppression<'a>>,
}

#[derive(Serialize)]
struct OwnedText {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u64>,
}

#[derive(Serialize)]
struct Suppression<'a> {
    kind: &'static str,
    status: &'static str,
    justification: &'a str,
}

/// Writes the document.
pub(super) fn write(findings: &[Diagnostic], places: &Places<'_>, out: &mut dyn Write) -> io::Result<()> {
    let codes: BTreeMap<&str, &'static Code> =
        findings.iter().map(|finding| (finding.code.name, finding.code)).collect();
    let index: BTreeMap<&str, usize> = codes.keys().enumerate().map(|(index, name)| (*name, index)).collect();
    let mut fingerprints = Fingerprints::default();
    let results = findings
        .iter()
        .map(|finding| SarifResult {
            rule_id: finding.code.name,
            rule_index: index.get(finding.code.name).copied().unwrap_or_default(),
            level: finding.severity.as_str(),
            message: OwnedText { text: message(finding) },
            locations: location(finding, places),
            related_locations: related(finding, places),
            partial_fingerprints: BTreeMap::from([("tenantryFinding/v1", fingerprints.next(finding, places))]),
            suppressions: suppression(finding),
        })
        .collect();
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "tenantry",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: codes.values().map(|code| rule(code)).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results,
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

fn rule(code: &'static Code) -> Rule {
    let group = code.name.split('/').next().unwrap_or(code.name);
    Rule {
        id: code.name,
        short_description: Text { text: code.summary },
        full_description: Text { text: code.summary },
        help: Help { text: without_markup(code.page), markdown: code.page },
        default_configuration: Configuration { level: code.severity.as_str() },
        properties: Properties { tags: vec![group] },
    }
}

/// The page for readers that show no Markdown: headings and code without the marks around them.
fn without_markup(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for line in page.lines().filter(|line| !line.starts_with("```")) {
        text.push_str(line.trim_start_matches('#').trim_start_matches(if line.starts_with('#') { " " } else { "" }));
        text.push('\n');
    }
    text
}

/// The message with its help, because most readers show nothing else beside the line.
fn message(finding: &Diagnostic) -> String {
    let mut text = finding.message.clone();
    for help in &finding.help {
        text.push_str("\nhelp: ");
        text.push_str(help);
    }
    text
}

/// Where the result is. GitHub refuses a file with a result that is nowhere, so what has no place is in the blueprint.
fn location<'a>(finding: &'a Diagnostic, places: &'a Places<'_>) -> Vec<Location<'a>> {
    let place = match places.find(&finding.primary.origin) {
        Place::Nowhere => places.first().map_or(Place::Nowhere, Place::Path),
        somewhere => somewhere,
    };
    let Some(physical_location) = physical(place) else { return Vec::new() };
    let message = (!finding.primary.text.is_empty()).then_some(Text { text: &finding.primary.text });
    vec![Location { id: None, physical_location: Some(physical_location), message }]
}

fn related<'a>(finding: &'a Diagnostic, places: &'a Places<'_>) -> Vec<Location<'a>> {
    finding
        .secondary
        .iter()
        .enumerate()
        .map(|(index, label)| Location {
            id: Some(index),
            physical_location: physical(places.find(&label.origin)),
            message: (!label.text.is_empty()).then_some(Text { text: &label.text }),
        })
        .collect()
}

fn physical(place: Place<'_>) -> Option<PhysicalLocation> {
    let file = place.file()?;
    let absolute = Path::new(file).is_absolute();
    let region = place.line().map(|start_line| {
        let (end_line, end_column) = match place {
            Place::Text { end, .. } => (Some(end.line as u64), Some(end.column as u64)),
            _ => (None, None),
        };
        Region { start_line, start_column: place.column(), end_line, end_column }
    });
    let artifact_location = ArtifactLocation { uri: uri(file, absolute), uri_base_id: (!absolute).then_some(ROOT) };
    Some(PhysicalLocation { artifact_location, region })
}

/// A path as a URI reference: percent-encoded, with slashes.
fn uri(file: &str, absolute: bool) -> String {
    let mut uri = String::new();
    if absolute {
        uri.push_str("file://");
        if !file.starts_with('/') {
            uri.push('/');
        }
    }
    let file = if absolute { file } else { file.strip_prefix("./").unwrap_or(file) };
    for byte in file.bytes() {
        match byte {
            b'\\' if std::path::is_separator('\\') => uri.push('/'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(byte.into()),
            b':' if absolute => uri.push(':'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn suppression(finding: &Diagnostic) -> Vec<Suppression<'_>> {
    finding
        .acknowledged
        .iter()
        .map(|reason| Suppression { kind: "inSource", status: "accepted", justification: reason })
        .collect()
}

/// Names for results that stay the same while lines move: code, file, message and the text of the line. The same four
/// again are told apart by their order.
#[derive(Default)]
struct Fingerprints {
    seen: BTreeMap<String, usize>,
}

impl Fingerprints {
    fn next(&mut self, finding: &Diagnostic, places: &Places<'_>) -> String {
        let place = places.find(&finding.primary.origin);
        let parts = [
            finding.code.name,
            place.file().unwrap_or_default(),
            &finding.message,
            place.quote().unwrap_or_default().trim(),
        ];
        let key = digest(&parts.join("\0"));
        let count = self.seen.entry(key.clone()).or_default();
        *count += 1;
        format!("{key}:{count}")
    }
}

/// The first half of the SHA-256: short enough to read, long enough to be unique.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
