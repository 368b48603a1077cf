//! For machines.

use serde::Serialize;

use super::super::fleet::Diff;
use super::{Summary, summary};
use crate::diagnostics::Diagnostic;

/// The JSON Schema of the report.
pub const DIFF_SCHEMA: &str = include_str!("../../../schemas/diff.schema.json");

/// The version of the report's format.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    format: u32,
    summary: Summary,
    #[serde(flatten)]
    diff: &'a Diff,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<&'a str>,
}

/// The comparison as JSON, with every stack and tenant; `schemas/diff.schema.json` describes it.
///
/// # Errors
/// Never for values that these types can hold; the serializer's signature has one.
pub fn json(diff: &Diff, findings: &[Diagnostic]) -> serde_json::Result<String> {
    let findings = findings
        .iter()
        .map(|finding| Finding {
            code: finding.code.name,
            severity: finding.severity.as_str(),
            message: &finding.message,
            acknowledged: finding.acknowledged.as_deref(),
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&Report { format: FORMAT, summary: summary(diff), diff, findings })?;
    text.push('\n');
    Ok(text)
}
