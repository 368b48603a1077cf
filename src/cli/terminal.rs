//! Where results and findings go.

use std::io::{self, IsTerminal, Write};

use super::Ending;
use super::args::{Color, Global};
use super::report::{ReportFormat, report};
use crate::diagnostics::{Diagnostic, Severity, Sink, SourceMap};

/// Standard output and standard error, and how they look.
#[derive(Debug)]
pub(super) struct Terminal {
    format: ReportFormat,
    colour_out: bool,
    colour_error: bool,
}

#[expect(clippy::disallowed_methods, reason = "only the command line reads the environment")]
fn wanted(color: Color, is_terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org: any value but the empty one.
        Color::Auto => is_terminal && std::env::var("NO_COLOR").map_or(true, |value| value.is_empty()),
    }
}

impl Terminal {
    pub(super) fn new(global: &Global) -> Self {
        Self {
            format: global.format,
            colour_out: wanted(global.color, io::stdout().is_terminal()),
            colour_error: wanted(global.color, io::stderr().is_terminal()),
        }
    }

    /// Whether results are to be coloured.
    pub(super) fn colour(&self) -> bool {
        self.colour_out
    }

    /// Whether somebody watches standard error.
    pub(super) fn is_watched(&self) -> bool {
        io::stderr().is_terminal() && !self.is_for_machines()
    }

    fn is_for_machines(&self) -> bool {
        matches!(self.format, ReportFormat::Json | ReportFormat::Sarif | ReportFormat::Junit)
    }

    /// Writes a result. A reader that went away (`| head`) is no failure.
    pub(super) fn print(&self, text: &str) -> io::Result<()> {
        match io::stdout().lock().write_all(text.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes a sentence about what was done, unless standard output belongs to a machine.
    pub(super) fn say(&self, sentence: &str) -> io::Result<()> {
        if self.is_for_machines() { Ok(()) } else { self.print(&format!("{sentence}\n")) }
    }

    /// Writes all findings, and says how the command ends because of them.
    pub(super) fn report(&self, findings: Sink, sources: &SourceMap, deny_warnings: bool) -> io::Result<Ending> {
        let findings = findings.into_sorted();
        let stops = |finding: &Diagnostic| {
            finding.acknowledged.is_none() && (deny_warnings || finding.severity == Severity::Error)
        };
        let ending = if findings.iter().any(stops) { Ending::Findings } else { Ending::Fine };
        if self.is_for_machines() {
            let mut text = Vec::new();
            report(&findings, sources, self.format, false, &mut text)?;
            self.print(&String::from_utf8_lossy(&text))?;
        } else {
            let mut text = Vec::new();
            report(&findings, sources, self.format, self.colour_error, &mut text)?;
            io::stderr().lock().write_all(&text)?;
        }
        Ok(ending)
    }

    /// Says why a command could not run.
    pub(super) fn failure(&self, error: &anyhow::Error) {
        // Nothing is left to tell it to when standard error is closed.
        let _ = writeln!(io::stderr(), "error: {error:#}");
    }
}
