//! For screen readers and grep: one paragraph a finding, every line with its meaning first.

use std::io::{self, Write};

use crate::diagnostics::Diagnostic;

use super::fold::Folded;
use super::place::{Place, Places};
use super::tally::Tally;
use super::{Appearance, visible};

/// Writes the findings, then how many there are. Nothing at all if there are none.
pub(super) fn write(
    findings: &[Diagnostic],
    places: &Places<'_>,
    appearance: Appearance,
    out: &mut dyn Write,
) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let folded = Folded::new(findings, appearance.per_code);
    for finding in &folded.shown {
        let (severity, code) = (finding.severity.as_str(), finding.code.name);
        let place = at(places.find(&finding.primary.origin));
        writeln!(out, "{place}{severity}: {} ({code})", visible::line(&finding.message))?;
        if !finding.primary.text.is_empty() {
            writeln!(out, "note: {}", visible::line(&finding.primary.text))?;
        }
        for label in &finding.secondary {
            writeln!(out, "note: {}{}", at(places.find(&label.origin)), visible::line(&label.text))?;
        }
        for help in &finding.help {
            writeln!(out, "help: {}", visible::lines(help).replace('\n', "\n  "))?;
        }
        writeln!(out)?;
    }
    for more in folded.more() {
        writeln!(out, "{more}\n")?;
    }
    writeln!(out, "{}", Tally::of(findings))
}

/// The place with a colon after it, or nothing.
fn at(place: Place<'_>) -> String {
    match place {
        Place::Nowhere => String::new(),
        somewhere => format!("{}: ", visible::line(&somewhere.to_string())),
    }
}
