//! Values as people see them: what is known, and `⟨…⟩` for what is not.

use serde_json::{Map, Value};

use super::document::Shown;
use crate::prove::template::Resolved;
use crate::prove::text::{Symbols, is_symbol};

/// A text, with symbols shown.
pub(super) fn text(text: &str, symbols: &Symbols) -> Shown {
    Shown { text: show(text, symbols), known: !text.chars().any(is_symbol) }
}

/// The text with symbols in `⟨…⟩`. Of `id of Api1a2b3c4d in shop-acme` the stack is left out: a logical id has a digest in
/// it that says as much.
fn show(text: &str, symbols: &Symbols) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, character| {
        match symbols.get(character) {
            Some(symbol) => {
                let name = symbol.name.as_str();
                let short = name.strip_prefix("id of ").and_then(|rest| rest.split_once(" in "));
                shown.push('⟨');
                match short {
                    Some((id, _)) => shown.extend(["id of ", id]),
                    None => shown.push_str(name),
                }
                shown.push('⟩');
            }
            None => shown.push(character),
        }
        shown
    })
}

/// A value as one text; what is no text as JSON.
pub(super) fn value(resolved: &Resolved, symbols: &Symbols) -> Shown {
    match resolved {
        Resolved::Text(scalar) => text(scalar, symbols),
        Resolved::Unknown(why) => Shown { text: format!("⟨{why}⟩"), known: false },
        other => Shown { text: json(other, symbols).to_string(), known: is_known(other) },
    }
}

/// A value as JSON. Truth values and numbers are texts, as CloudFormation hands them on.
pub(super) fn json(resolved: &Resolved, symbols: &Symbols) -> Value {
    match resolved {
        Resolved::Text(scalar) => Value::String(show(scalar, symbols)),
        Resolved::List(items) => items.iter().map(|item| json(item, symbols)).collect(),
        Resolved::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), json(value, symbols)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Resolved::Unknown(why) => Value::String(format!("⟨{why}⟩")),
    }
}

fn is_known(resolved: &Resolved) -> bool {
    match resolved {
        Resolved::Text(text) => !text.chars().any(is_symbol),
        Resolved::List(items) => items.iter().all(is_known),
        Resolved::Map(entries) => entries.iter().all(|(_, value)| is_known(value)),
        Resolved::Unknown(_) => false,
    }
}
