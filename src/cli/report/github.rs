//! Workflow commands of GitHub Actions, which it shows beside the lines of a pull request.
//!
//! GitHub shows about ten annotations of each level for a step and drops the others without a word, so only the first
//! ten are written one by one; what is left is counted in a notice.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::diagnostics::{Diagnostic, Severity};

use super::place::{Place, Places};
use super::tally::{Tally, count, grouped};
use super::visible;

/// How many annotations of one level GitHub shows for a step.
const SHOWN_PER_LEVEL: usize = 10;

/// Writes a command for each finding, then how many there are. Nothing at all if there are none.
pub(super) fn write(findings: &[Diagnostic], places: &Places<'_>, out: &mut dyn Write) -> io::Result<()> {
    let open: Vec<&Diagnostic> = findings.iter().filter(|finding| finding.acknowledged.is_none()).collect();
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    for severity in [Severity::Error, Severity::Warning] {
        let of_level = open.iter().filter(|finding| finding.severity == severity);
        for (index, finding) in of_level.enumerate() {
            if index < SHOWN_PER_LEVEL {
                writeln!(out, "{}", command(finding, places))?;
            } else {
                *left_out.entry(finding.code.name).or_default() += 1;
            }
        }
    }
    if !left_out.is_empty() {
        let codes: Vec<String> =
            left_out.iter().map(|(code, more)| format!("{} of `{code}`", grouped(*more))).collect();
        let more = count(left_out.values().sum(), "more finding");
        writeln!(out, "::notice title=tenantry::{}", data(&format!("{more}: {}", codes.join(", "))))?;
    }
    if !findings.is_empty() {
        writeln!(out, "{}", Tally::of(findings))?;
    }
    Ok(())
}

fn command(finding: &Diagnostic, places: &Places<'_>) -> String {
    let place = places.find(&finding.primary.origin);
    let mut properties = Vec::new();
    if let Some(file) = place.file() {
        properties.push(format!("file={}", property(file.strip_prefix("./").unwrap_or(file))));
    }
    if let Some(line) = place.line() {
        properties.push(format!("line={line}"));
    }
    match place {
        // GitHub takes columns only where a finding begins and ends on one line.
        Place::Text { start, end, .. } if start.line == end.line => {
            properties.push(format!("col={},endColumn={}", start.column, end.column));
        }
        Place::Text { end, .. } => properties.push(format!("endLine={}", end.line)),
        other => properties.extend(other.column().map(|column| format!("col={column}"))),
    }
    properties.push(format!("title={}", property(finding.code.name)));
    let mut message = visible::line(&finding.message).into_owned();
    for help in &finding.help {
        message.push_str("\nhelp: ");
        message.push_str(&visible::lines(help));
    }
    format!("::{} {}::{}", finding.severity.as_str(), properties.join(","), data(&message))
}

/// Text after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the runner does with a value.
    fn read(text: &str) -> String {
        ["%0D", "%0A", "%3A", "%2C"]
            .into_iter()
            .zip(["\r", "\n", ":", ","])
            .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
            .replace("%25", "%")
    }

    proptest::proptest! {
        #[test]
        fn a_value_is_read_back_and_cannot_end_its_command(text in ".*[%:,\r\n]?.*") {
            let written = property(&text);
            proptest::prop_assert!(!written.contains(['\r', '\n', ':', ',']));
            proptest::prop_assert_eq!(read(&written), text.clone());
            let written = data(&text);
            proptest::prop_assert!(!written.contains(['\r', '\n']));
            proptest::prop_assert_eq!(read(&written), text);
        }
    }
}
