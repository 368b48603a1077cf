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

/// At most so many characters; what is cut off is `…`.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// How much is shown before the first difference of two long texts.
const BEFORE: usize = 16;

/// Two texts that differ, each at most about so long (more than [`BEFORE`]), so that where they differ can be seen.
pub(super) fn apart(old: &str, new: &str, most: usize) -> (String, String) {
    let same = old.chars().zip(new.chars()).take_while(|(one, other)| one == other).count();
    let longest = old.chars().count().max(new.chars().count());
    let skipped = if longest > most { same.saturating_sub(BEFORE) } else { 0 };
    let part = |text: &str| {
        let rest: String = text.chars().skip(skipped).collect();
        let rest = cut(&rest, most);
        if skipped > 0 { format!("…{rest}") } else { rest }
    };
    (part(old), part(new))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cut_text_is_short(text in any::<String>(), most in 1_usize..30) {
            prop_assert!(cut(&text, most).chars().count() <= most);
        }

        /// However long two texts are alike, what is shown of them differs.
        #[test]
        fn what_differs_is_shown(alike in "[a-z]{0,80}", one in "[a-c]{0,60}", other in "[a-c]{0,60}", most in 18_usize..40) {
            let (old, new) = (format!("{alike}{one}"), format!("{alike}{other}"));
            let (left, right) = apart(&old, &new, most);
            prop_assert_eq!(left == right, old == new, "{} {}", left, right);
            prop_assert!(left.chars().count() <= most + 1 && right.chars().count() <= most + 1);
        }
    }
}
