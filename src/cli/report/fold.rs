//! Thousands of findings of one kind, cut to as many as a person reads.

use std::collections::BTreeMap;

use crate::diagnostics::Diagnostic;

use super::tally::grouped;

/// What is shown and what is only counted.
#[derive(Debug)]
pub(super) struct Folded<'a> {
    /// Findings to show, in the order they came.
    pub(super) shown: Vec<&'a Diagnostic>,
    /// How many more there are, by code, in the order their first finding came.
    left_out: Vec<(&'static str, usize)>,
}

impl<'a> Folded<'a> {
    /// Keeps the first few findings of each code. Acknowledged findings are neither shown nor counted.
    pub(super) fn new(findings: &'a [Diagnostic], per_code: usize) -> Self {
        let mut seen: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut order = Vec::new();
        let mut shown = Vec::new();
        for finding in findings.iter().filter(|finding| finding.acknowledged.is_none()) {
            let count = seen.entry(finding.code.name).or_insert_with(|| {
                order.push(finding.code.name);
                0
            });
            *count += 1;
            if *count <= per_code {
                shown.push(finding);
            }
        }
        let left_out = order
            .into_iter()
            .filter_map(|code| Some((code, seen.get(code)?.checked_sub(per_code).filter(|more| *more > 0)?)))
            .collect();
        Self { shown, left_out }
    }

    /// One line for each code that was cut.
    pub(super) fn more(&self) -> impl Iterator<Item = String> {
        self.left_out.iter().map(|(code, more)| format!("and {} more of `{code}`", grouped(*more)))
    }
}
