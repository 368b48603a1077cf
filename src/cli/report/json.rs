//! One JSON document, with every finding in it, acknowledged ones too.
//!
//! ```json
//! {
//!   "version": 1,
//!   "findings": [{
//!     "code": "isolation/unpartitioned-table",
//!     "severity": "error",
//!     "message": "table `Orders` serves many tenants but has no tenant key",
//!     "place": {
//!       "kind": "text", "file": "orders.yaml",
//!       "start": { "byte": 412, "line": 31, "column": 9 }, "end": { "byte": 425, "line": 31, "column": 22 },
//!       "label": "shared by every tenant of tier `basic`"
//!     },
//!     "related": [],
//!     "help": ["add `partition_by: tenant_id`, or move the table to a silo tier"],
//!     "acknowledged": null
//!   }],
//!   "summary": { "errors": 1, "warnings": 0, "acknowledged": 0 }
//! }
//! ```
//!
//! `kind` is `text`, `line`, `rust`, `path` or `derived`. A `text` place has `start` and `end` (excluded) with all
//! three numbers; `rust` has a `start` without `byte`, `line` a `start` with `line` alone; `derived` has no `file`.
//! Bytes count from 0, lines and columns from 1, columns in characters. Keys may be added within a version; a key
//! that goes or changes its meaning is a new version.

use std::io::{self, Write};

use serde::Serialize;

use crate::diagnostics::{Diagnostic, Label};

use super::place::{Place, Places, Point};
use super::tally::Tally;

/// Version of the document's shape.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    findings: Vec<Finding<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    place: Spot<'a>,
    related: Vec<Spot<'a>>,
    help: &'a [String],
    acknowledged: Option<&'a str>,
}

#[derive(Serialize)]
struct Spot<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Position>,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
}

#[derive(Serialize)]
struct Position {
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<usize>,
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    acknowledged: usize,
}

/// Writes the document.
pub(super) fn write(findings: &[Diagnostic], places: &Places<'_>, out: &mut dyn Write) -> io::Result<()> {
    let tally = Tally::of(findings);
    let document = Document {
        version: VERSION,
        findings: findings
            .iter()
            .map(|finding| Finding {
                code: finding.code.name,
                severity: finding.severity.as_str(),
                message: &finding.message,
                place: spot(&finding.primary, places),
                related: finding.secondary.iter().map(|label| spot(label, places)).collect(),
                help: &finding.help,
                acknowledged: finding.acknowledged.as_deref(),
            })
            .collect(),
        summary: Summary { errors: tally.errors, warnings: tally.warnings, acknowledged: tally.acknowledged },
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

fn spot<'a>(label: &'a Label, places: &'a Places<'_>) -> Spot<'a> {
    let place = places.find(&label.origin);
    let kind = match place {
        Place::Text { .. } => "text",
        Place::Line { .. } => "line",
        Place::Rust { .. } => "rust",
        Place::Path(_) => "path",
        Place::Nowhere => "derived",
    };
    let (start, end) = match place {
        Place::Text { start, end, .. } => (Some(position(start)), Some(position(end))),
        other => (other.line().map(|line| Position { byte: None, line, column: other.column() }), None),
    };
    Spot { kind, file: place.file(), start, end, label: &label.text }
}

fn position(point: Point) -> Position {
    Position { byte: Some(point.byte), line: point.line as u64, column: Some(point.column as u64) }
}
