//! JUnit XML: one suite, one test case a finding.
//!
//! An error is a failed test. A warning is a skipped one, because the format has nothing between passed and failed and
//! a warning does not fail the run. Without findings there is one passed test: many readers take an empty suite for a
//! suite that did not run.

use std::io::{self, Write};

use crate::diagnostics::{Diagnostic, Severity};

use super::place::{Place, Places};
use super::tally::Tally;

/// Writes the document.
pub(super) fn write(findings: &[Diagnostic], places: &Places<'_>, out: &mut dyn Write) -> io::Result<()> {
    let tally = Tally::of(findings);
    let tests = (tally.errors + tally.warnings).max(1);
    let counts = format!("tests=\"{tests}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"", tally.errors, tally.warnings);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites {counts}>")?;
    writeln!(out, "  <testsuite name=\"tenantry\" {counts}>")?;
    for finding in findings.iter().filter(|finding| finding.acknowledged.is_none()) {
        case(finding, places, out)?;
    }
    if tally.errors + tally.warnings == 0 {
        writeln!(out, "    <testcase classname=\"tenantry\" name=\"no findings\"/>")?;
    }
    writeln!(out, "  </testsuite>")?;
    writeln!(out, "</testsuites>")
}

fn case(finding: &Diagnostic, places: &Places<'_>, out: &mut dyn Write) -> io::Result<()> {
    let place = places.find(&finding.primary.origin);
    let at = match place {
        Place::Nowhere => String::new(),
        somewhere => format!(" at {somewhere}"),
    };
    let name = format!("{}{at}", finding.message);
    write!(out, "    <testcase classname=\"{}\" name=\"{}\"", escape(finding.code.name), escape(&name))?;
    if let Some(file) = place.file() {
        write!(out, " file=\"{}\"", escape(file))?;
    }
    if let Some(line) = place.line() {
        write!(out, " line=\"{line}\"")?;
    }
    writeln!(out, ">")?;
    let message = escape(&finding.message);
    match finding.severity {
        Severity::Error => {
            writeln!(out, "      <failure type=\"{}\" message=\"{message}\">", escape(finding.code.name))?;
            for line in details(finding, places) {
                writeln!(out, "{}", escape(&line))?;
            }
            writeln!(out, "      </failure>")?;
        }
        Severity::Warning => {
            writeln!(out, "      <skipped message=\"warning: {message}\"/>")?;
            writeln!(out, "      <system-out>")?;
            for line in details(finding, places) {
                writeln!(out, "{}", escape(&line))?;
            }
            writeln!(out, "      </system-out>")?;
        }
    }
    writeln!(out, "    </testcase>")
}

/// What else there is to say about a finding, one thing a line.
fn details(finding: &Diagnostic, places: &Places<'_>) -> Vec<String> {
    let mut details = Vec::new();
    for label in std::iter::once(&finding.primary).chain(&finding.secondary) {
        let line = match places.find(&label.origin) {
            Place::Nowhere => label.text.clone(),
            place if label.text.is_empty() => place.to_string(),
            place => format!("{place}: {}", label.text),
        };
        details.push(line);
    }
    details.retain(|line| !line.is_empty());
    details.extend(finding.help.iter().map(|help| format!("help: {help}")));
    details.push(format!("run `tenantry explain {}`", finding.code.name));
    details
}

/// Text as it may stand in an element or between double quotes. What XML cannot hold at all becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A reader turns these into spaces if they are not written as numbers.
            '\t' => escaped.push_str("&#9;"),
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
