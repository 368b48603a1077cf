//! How many findings there are, in words.

use std::fmt;

use crate::diagnostics::{Diagnostic, Severity};

/// Findings, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Errors that nobody acknowledged.
    pub(super) errors: usize,
    /// Warnings that nobody acknowledged.
    pub(super) warnings: usize,
    /// Findings somebody acknowledged.
    pub(super) acknowledged: usize,
}

impl Tally {
    /// Counts.
    pub(super) fn of(findings: &[Diagnostic]) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            match (&finding.acknowledged, finding.severity) {
                (Some(_), _) => tally.acknowledged += 1,
                (None, Severity::Error) => tally.errors += 1,
                (None, Severity::Warning) => tally.warnings += 1,
            }
        }
        tally
    }
}

/// `2 errors, 1 warning`, with the acknowledged findings if there are any.
impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.errors > 0 {
            parts.push(count(self.errors, "error"));
        }
        if self.warnings > 0 {
            parts.push(count(self.warnings, "warning"));
        }
        if parts.is_empty() {
            parts.push("no errors or warnings".to_owned());
        }
        if self.acknowledged > 0 {
            parts.push(format!("{} acknowledged", grouped(self.acknowledged)));
        }
        formatter.write_str(&parts.join(", "))
    }
}

/// `1 error`, `2 errors`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// The number with a comma between thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_nouns_agree() {
        assert_eq!(count(1, "error"), "1 error");
        assert_eq!(count(0, "error"), "0 errors");
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1_000, 1_234_567].map(grouped).each_ref().map(|n| n as &str)
        );
    }
}
