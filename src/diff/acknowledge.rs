//! Acknowledgements of what a change does: by code, for which resources and stacks, with a reason, and until when.

use crate::diagnostics::{Diagnostic, Origin, Sink, SourceMap, all_codes, codes, find_code};
use crate::source::shape::{Field, Kind, Shape, check, optional, required};
use crate::source::{self, Node};

/// A change that somebody decided to live with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The finding's code.
    pub code: String,
    /// The logical ids, with `*` for any run of characters; all without it.
    pub resource: Option<String>,
    /// The names of stacks, with `*`; all without it.
    pub stack: Option<String>,
    /// The tenants, with `*`; all without it, and stacks that are no tenant's own.
    pub tenant: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day on which it counts, as `YYYY-MM-DD`; for ever without it.
    pub expires: Option<String>,
    /// Where it is written.
    pub origin: Origin,
}

/// What an acknowledgement is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) code: &'static str,
    pub(super) resource: Option<&'a str>,
    pub(super) stack: Option<&'a str>,
    pub(super) tenant: Option<&'a str>,
}

const FIELDS: [Field; 6] = [
    required("code", Kind::Text, "the finding's code"),
    optional("resource", Kind::Text, "logical ids, with `*` for any run of characters"),
    optional("stack", Kind::Text, "names of stacks, with `*`"),
    optional("tenant", Kind::Text, "tenants, with `*`"),
    required("reason", Kind::Text, "why"),
    optional("expires", Kind::Text, "the last day on which it counts, as `YYYY-MM-DD`"),
];

static ACKNOWLEDGEMENT: Shape =
    Shape { what: "an acknowledgement", doc: "A change that somebody decided to live with.", fields: &FIELDS };

static ACKNOWLEDGEMENTS: Shape = Shape {
    what: "a file of acknowledgements",
    doc: "Changes that somebody decided to live with.",
    fields: &[required("acknowledge", Kind::List(&Kind::Record(&ACKNOWLEDGEMENT)), "findings to live with")],
};

/// Whether a text is a day: `2026-12-31`. Days that no month has are taken, and come after all that it has.
fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits =
        |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u8>().ok());
    bytes.len() == 10
        && (digits(0..4) && digits(5..7) && digits(8..10))
        && (bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-'))
        && number(5..7).is_some_and(|month| (1..=12).contains(&month))
        && number(8..10).is_some_and(|day| (1..=31).contains(&day))
}

/// Reads a file of acknowledgements, YAML or JSON: `acknowledge:` and a list. What is wrong goes to the sink.
pub fn read(name: &str, text: &[u8], sources: &mut SourceMap, sink: &mut Sink) -> Vec<Acknowledgement> {
    let mut found = Vec::new();
    let mut wrong = Sink::new();
    let Some(tree) = source::read(name, text, sources, &mut wrong) else {
        sink.append(wrong);
        return found;
    };
    check(&tree, &Kind::Record(&ACKNOWLEDGEMENTS), &mut wrong);
    if wrong.has_errors() {
        sink.append(wrong);
        return found;
    }
    sink.append(wrong);
    let entries = tree.get("acknowledge").and_then(Node::items).unwrap_or_default();
    for entry in entries {
        let text = |key: &str| entry.get(key).and_then(Node::text).map(str::to_owned);
        let origin = entry.get("code").map_or_else(|| entry.origin.clone(), |code| code.origin.clone());
        let (Some(code), Some(reason)) = (text("code"), text("reason")) else { continue };
        let Some(known) = find_code(&code) else {
            let message = format!("there is no finding `{code}`");
            let finding = Diagnostic::new(&codes::ACKNOWLEDGE_UNKNOWN, origin, message);
            let names = all_codes().iter().map(|code| code.name).filter(|name| name.starts_with("diff/"));
            sink.push(finding.did_you_mean(&code, names).help("write the code as the finding shows it"));
            continue;
        };
        if !known.name.starts_with("diff/") || known.name == codes::DIFF_LEGAL_HOLD.name {
            let message = if known.name == codes::DIFF_LEGAL_HOLD.name {
                format!("`{code}` cannot be lived with")
            } else {
                format!("`{code}` is no finding about a change")
            };
            let finding = Diagnostic::new(&codes::ACKNOWLEDGE_FORBIDDEN, origin, message);
            sink.push(finding.help("take the acknowledgement out"));
            continue;
        }
        if let Some(day) = text("expires").filter(|day| !is_day(day)) {
            let at = entry.get("expires").map_or_else(|| origin.clone(), |node| node.origin.clone());
            let finding = Diagnostic::new(&codes::SHAPE_UNKNOWN_VALUE, at, format!("`{day}` is not a day"));
            sink.push(finding.help("write it as `YYYY-MM-DD`"));
            continue;
        }
        found.push(Acknowledgement {
            code,
            resource: text("resource"),
            stack: text("stack"),
            tenant: text("tenant"),
            reason,
            expires: text("expires"),
            origin,
        });
    }
    found
}

/// The acknowledgements of a run, and which of them were needed.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    all: &'a [Acknowledgement],
    today: Option<&'a str>,
    used: Vec<bool>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(all: &'a [Acknowledgement], today: Option<&'a str>) -> Self {
        Self { all, today, used: vec![false; all.len()] }
    }

    /// The reason somebody gave, if one that still counts fits.
    pub(super) fn reason(&mut self, about: About<'_>) -> Option<&'a str> {
        let fits = |pattern: &Option<String>, text: Option<&str>| {
            pattern.as_deref().is_none_or(|pattern| text.is_some_and(|text| matches(pattern, text)))
        };
        for (entry, used) in self.all.iter().zip(&mut self.used) {
            let fitting = entry.code == about.code
                && fits(&entry.resource, about.resource)
                && fits(&entry.stack, about.stack)
                && fits(&entry.tenant, about.tenant);
            if fitting {
                *used = true;
                if !has_expired(entry, self.today) {
                    return Some(&entry.reason);
                }
            }
        }
        None
    }

    /// What is to be said about the acknowledgements themselves.
    pub(super) fn finish(self, sink: &mut Sink) {
        for (entry, used) in self.all.iter().zip(self.used) {
            let code = &entry.code;
            let finding = if !used {
                Diagnostic::new(
                    &codes::ACKNOWLEDGE_UNUSED,
                    entry.origin.clone(),
                    format!("no finding `{code}` is there to acknowledge"),
                )
                .help("take the acknowledgement out")
            } else if has_expired(entry, self.today) {
                let day = entry.expires.as_deref().unwrap_or_default();
                Diagnostic::new(
                    &codes::ACKNOWLEDGE_EXPIRED,
                    entry.origin.clone(),
                    format!("the acknowledgement of `{code}` counted until {day}"),
                )
                .help("look at the change again, and give another day or take the acknowledgement out")
            } else {
                continue;
            };
            sink.push(finding);
        }
    }
}

fn has_expired(entry: &Acknowledgement, today: Option<&str>) -> bool {
    match (&entry.expires, today) {
        // Days in this form are in the order of their texts.
        (Some(last), Some(today)) => last.as_str() < today,
        _ => false,
    }
}

/// Whether a pattern, in which `*` stands for any run of characters, is this text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_texts_with_gaps() {
        for (pattern, text) in
            [("a*", "a"), ("*", ""), ("a*c", "abc"), ("*b*", "abc"), ("a", "a"), ("*-x-*-y", "1-x-2-y")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*b*", "a"), ("a*a", "a"), ("", "a"), ("*b", "abc")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_wrong_with_acknowledgements_is_said_at_once() {
        let text = "acknowledge:\n  - { code: diff/dataloss, reason: a }\n  - { code: diff/legal-hold, reason: a }\n  - { code: yaml/tab, reason: a }\n  - { code: diff/data-loss, reason: a, expires: 31.12.2026 }\n  - { code: diff/data-loss, resource: 'Orders*', reason: a, expires: '2026-12-31' }\n";
        let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
        let read = read("a.yaml", text.as_bytes(), &mut sources, &mut sink);
        let messages: Vec<String> = sink.into_sorted().into_iter().map(|finding| finding.message).collect();
        assert_eq!(
            messages,
            [
                "there is no finding `diff/dataloss`",
                "`diff/legal-hold` cannot be lived with",
                "`yaml/tab` is no finding about a change",
                "`31.12.2026` is not a day",
            ]
        );
        let [one] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((one.resource.as_deref(), one.expires.as_deref()), (Some("Orders*"), Some("2026-12-31")));
    }

    #[test]
    fn what_has_expired_no_longer_counts_and_what_nothing_needs_is_said() {
        let entry = |resource: &str, expires: Option<&str>| Acknowledgement {
            code: "diff/data-loss".to_owned(),
            resource: Some(resource.to_owned()),
            stack: None,
            tenant: None,
            reason: "exported".to_owned(),
            expires: expires.map(str::to_owned),
            origin: Origin::Derived,
        };
        let all = [entry("A*", Some("2026-01-01")), entry("B", Some("2026-01-02")), entry("C", None)];
        let mut ledger = Ledger::new(&all, Some("2026-01-02"));
        let mut ask = |resource| {
            ledger.reason(About { code: "diff/data-loss", resource: Some(resource), stack: None, tenant: None })
        };
        assert_eq!([ask("A1"), ask("B"), ask("D")], [None, Some("exported"), None]);
        let mut sink = Sink::new();
        ledger.finish(&mut sink);
        let codes: Vec<&str> = sink.into_sorted().iter().map(|finding| finding.code.name).collect();
        assert_eq!(codes, ["acknowledge/expired", "acknowledge/unused"]);
    }
}
