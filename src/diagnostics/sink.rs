//! Collecting findings, so that every mistake of a phase is reported at once.

use super::{Code, Origin, Severity};

/// A place and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub origin: Origin,
    /// A few words, or nothing.
    pub text: String,
}

/// A finding: one mistake, where it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The code, with its page.
    pub code: &'static Code,
    /// How bad it is. Usually the code's own severity.
    pub severity: Severity,
    /// One sentence, lower case, without a final period; user input in backticks.
    pub message: String,
    /// Where, and what stands there.
    pub primary: Label,
    /// Other places that explain the finding.
    pub secondary: Vec<Label>,
    /// What to do, in words that can be pasted.
    pub help: Vec<String>,
    /// A reason somebody gave for living with it.
    pub acknowledged: Option<String>,
}

impl Diagnostic {
    /// A finding at a place.
    #[must_use]
    pub fn new(code: &'static Code, origin: Origin, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: message.into(),
            primary: Label { origin, text: String::new() },
            secondary: Vec::new(),
            help: Vec::new(),
            acknowledged: None,
        }
    }

    /// Says what stands at the place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place that explains the finding.
    #[must_use]
    pub fn also(mut self, origin: Origin, text: impl Into<String>) -> Self {
        self.secondary.push(Label { origin, text: text.into() });
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds what to do, if there is something to say.
    #[must_use]
    pub fn help_if(mut self, text: Option<String>) -> Self {
        self.help.extend(text);
        self
    }

    /// Adds "did you mean" if one of the candidates is close to what was written.
    #[must_use]
    pub fn did_you_mean<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        let suggestion = closest(written, candidates).map(|candidate| format!("did you mean `{candidate}`?"));
        self.help_if(suggestion)
    }
}

/// The candidate that is close enough to what was written to be meant.
pub fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = written.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(folded.len()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The few of many candidates that are closest to what was written. Candidates go by one at a time and are forgotten, so
/// that there may be any number of them.
#[derive(Debug, Clone)]
pub struct Nearest {
    written: String,
    most: usize,
    best: Vec<(usize, String)>,
}

impl Nearest {
    /// Looks for at most this many.
    #[must_use]
    pub fn new(written: &str, most: usize) -> Self {
        Self { written: written.to_lowercase(), most, best: Vec::with_capacity(most + 1) }
    }

    /// Looks at a candidate. One that begins with what was written is near, however long it is.
    pub fn look(&mut self, candidate: &str) {
        let limit = (candidate.len().max(self.written.len()) / 3).max(1);
        let begins = !self.written.is_empty() && candidate.starts_with(&self.written);
        // No distance is less than the difference of the lengths; most candidates end here.
        if !begins && candidate.len().abs_diff(self.written.len()) > limit {
            return;
        }
        let distance = strsim::osa_distance(&self.written, &candidate.to_lowercase());
        if distance > limit && !begins {
            return;
        }
        let entry = (distance.min(limit), candidate.to_owned());
        let at = self.best.partition_point(|known| *known <= entry);
        if at < self.most {
            self.best.insert(at, entry);
            self.best.truncate(self.most);
        }
    }

    /// The closest first; those that are equally close in the order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.best.iter().map(|(_, name)| name.as_str())
    }

    /// "did you mean", if anything was near: `` did you mean `a`, `b` or `c`? ``.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        let names: Vec<String> = self.names().map(|name| format!("`{name}`")).collect();
        let (last, others) = names.split_last()?;
        Some(match others {
            [] => format!("did you mean {last}?"),
            others => format!("did you mean {} or {last}?", others.join(", ")),
        })
    }
}

/// Collects findings.
#[derive(Debug, Clone, Default)]
pub struct Sink {
    found: Vec<Diagnostic>,
}

impl Sink {
    /// An empty sink.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Takes everything another sink holds.
    pub fn append(&mut self, mut other: Self) {
        self.found.append(&mut other.found);
    }

    /// Whether a finding stops the work: an error that nobody acknowledged.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|finding| finding.severity == Severity::Error && finding.acknowledged.is_none())
    }

    /// How many findings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The findings in source order. The same finding at the same place is kept once.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| {
            (&a.primary.origin, a.code.name, &a.message).cmp(&(&b.primary.origin, b.code.name, &b.message))
        });
        self.found.dedup();
        self.found
    }

    /// The findings in the order they came, to be changed in place.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Diagnostic> {
        self.found.iter_mut()
    }

    /// The findings in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.found.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_is_not() {
        assert_eq!(closest("isolaton", ["isolation", "tier"]), Some("isolation"));
        assert_eq!(closest("Isolation", ["isolation"]), Some("isolation"));
        assert_eq!(closest("zebra", ["isolation", "tier"]), None);
    }
}
