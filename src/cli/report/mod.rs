//! Findings, rendered for people and for machines. One format is one file.
//!
//! A renderer writes and decides nothing: the findings come in the order they are to be shown, and what they mean
//! for the exit code is the command's business. Deliberately absent: wrapping to the width of the terminal, because
//! lines of a source file are quoted as they are.

mod fold;
mod github;
mod human;
mod json;
mod junit;
pub(super) mod place;
mod plain;
mod sarif;
mod tally;
mod visible;

use std::io::{self, Write};

use clap::ValueEnum;

use crate::diagnostics::{Diagnostic, SourceMap};
use place::Places;

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportFormat {
    /// With the lines they are about, for a terminal.
    #[default]
    Human,
    /// One paragraph each and no drawing, for screen readers and grep.
    Plain,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands that GitHub Actions shows beside the lines.
    Github,
    /// JUnit XML, for test dashboards.
    Junit,
}

/// How a report for people looks. Machines always get everything, without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appearance {
    /// Whether to write ANSI colours.
    pub colour: bool,
    /// How many findings of one code are shown; the others are counted.
    pub per_code: usize,
}

impl Default for Appearance {
    /// No colour, and fifty findings of each code.
    fn default() -> Self {
        Self { colour: false, per_code: 50 }
    }
}

/// Writes the findings, fifty of each code where people read them.
///
/// # Errors
/// If the writer fails.
pub fn report(
    findings: &[Diagnostic],
    sources: &SourceMap,
    format: ReportFormat,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    report_with(findings, sources, format, Appearance { colour, ..Appearance::default() }, out)
}

/// Writes the findings with a say in how they look.
///
/// # Errors
/// If the writer fails.
pub fn report_with(
    findings: &[Diagnostic],
    sources: &SourceMap,
    format: ReportFormat,
    appearance: Appearance,
    out: &mut dyn Write,
) -> io::Result<()> {
    let places = Places::new(findings, sources);
    match format {
        ReportFormat::Human => human::write(findings, &places, appearance, out),
        ReportFormat::Plain => plain::write(findings, &places, appearance, out),
        ReportFormat::Json => json::write(findings, &places, out),
        ReportFormat::Sarif => sarif::write(findings, &places, out),
        ReportFormat::Github => github::write(findings, &places, out),
        ReportFormat::Junit => junit::write(findings, &places, out),
    }
}

#[cfg(test)]
mod tests;
