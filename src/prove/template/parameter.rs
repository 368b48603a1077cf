//! Parameters that nothing is said about: anything that their declaration allows.

use serde_json::Value;

use super::identity::sample;
use crate::prove::text::{CharSet, Symbol};

/// The most characters that a parameter of a template may have.
const MOST: usize = 4096;

/// The symbol of a parameter. Its default and its allowed values do not fix it, but they bound it.
pub(super) fn symbol(parameter: &str, declaration: &Value, instance: &str) -> Symbol {
    let (mut alphabet, mut length) = (CharSet::ALL, (0, MOST));
    let text = |key: &str| declaration.get(key).and_then(Value::as_str);
    if text("Type") == Some("Number") {
        alphabet = CharSet::digits().or(CharSet::of_text("+-.eE"));
        length.0 = 1;
    }
    if let Some(values) = declaration.get("AllowedValues").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().filter_map(scalar).collect();
        alphabet = alphabet.and(values.iter().fold(CharSet::NONE, |set, value| set.or(CharSet::of_text(value))));
        let lengths = || values.iter().map(|value| value.chars().count());
        length = narrower(length, (lengths().min().unwrap_or(0), lengths().max().unwrap_or(MOST)));
    } else if let Some((allowed, bounds)) = text("AllowedPattern").and_then(classes) {
        alphabet = alphabet.and(allowed);
        length = narrower(length, bounds);
    }
    let bound = |key: &str| declaration.get(key).and_then(scalar).and_then(|text| text.parse().ok());
    length = narrower(length, (bound("MinLength").unwrap_or(0), bound("MaxLength").unwrap_or(MOST)));
    let name = format!("{parameter} of {instance}");
    let wanted = format!("{}-{instance}", parameter.to_ascii_lowercase());
    let sample = sample(&wanted, &name, alphabet, length);
    Symbol { name, alphabet, length, family: None, sample }
}

/// The narrower of two ranges; the first if they do not meet.
fn narrower(one: (usize, usize), other: (usize, usize)) -> (usize, usize) {
    let both = (one.0.max(other.0), one.1.min(other.1));
    if both.0 <= both.1 { both } else { one }
}

pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The characters and lengths of what an anchored pattern without groups and alternatives matches. Another pattern says
/// nothing.
fn classes(pattern: &str) -> Option<(CharSet, (usize, usize))> {
    let mut rest = pattern.strip_prefix('^')?.strip_suffix('$')?.chars().peekable();
    let (mut all, mut least, mut most) = (CharSet::NONE, 0_usize, 0_usize);
    while let Some(character) = rest.next() {
        let class = match character {
            '[' => {
                let mut class = CharSet::NONE;
                let negated = rest.next_if_eq(&'^').is_some();
                loop {
                    let first = match rest.next()? {
                        ']' => break,
                        '\\' => match escape(rest.next()?)? {
                            Ok(set) => {
                                class = class.or(set);
                                continue;
                            }
                            Err(character) => character,
                        },
                        // Classes within classes are more than this reads.
                        '[' | '&' => return None,
                        character => character,
                    };
                    let mut ahead = rest.clone();
                    if ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']') {
                        rest.next();
                        let last = match rest.next()? {
                            '\\' => escape(rest.next()?)?.err()?,
                            character => character,
                        };
                        if !first.is_ascii() || !last.is_ascii() {
                            return None;
                        }
                        class = class.or(CharSet::of(|character| (first..=last).contains(&character), false));
                    } else {
                        class = class.with(first);
                    }
                }
                if negated { class.complement() } else { class }
            }
            '\\' => match escape(rest.next()?)? {
                Ok(set) => set,
                Err(character) => CharSet::NONE.with(character),
            },
            '.' => CharSet::ALL,
            '(' | ')' | '|' | '^' | '$' | '*' | '+' | '?' | '{' => return None,
            character => CharSet::NONE.with(character),
        };
        let (fewest, greatest) = match rest.peek() {
            Some('*') => (0, MOST),
            Some('+') => (1, MOST),
            Some('?') => (0, 1),
            Some('{') => {
                rest.next();
                let mut counts = String::new();
                while let Some(next) = rest.next_if(|next| *next != '}') {
                    counts.push(next);
                }
                match counts.split_once(',') {
                    None => (counts.parse().ok()?, counts.parse().ok()?),
                    Some((from, "")) => (from.parse().ok()?, MOST),
                    Some((from, to)) => (from.parse().ok()?, to.parse().ok()?),
                }
            }
            _ => {
                all = all.or(class);
                least += 1;
                most += 1;
                continue;
            }
        };
        rest.next()?;
        // A second mark would make it lazy or possessive: the same texts, but rare enough not to be read.
        if matches!(rest.peek(), Some('*' | '+' | '?' | '{')) {
            return None;
        }
        all = all.or(class);
        least = least.saturating_add(fewest);
        most = most.saturating_add(greatest);
    }
    (least <= most).then_some((all, (least, most.min(MOST).max(least))))
}

/// The set of an escape, or the character that it protects.
fn escape(character: char) -> Option<Result<CharSet, char>> {
    Some(match character {
        'd' => Ok(CharSet::digits()),
        'w' => Ok(CharSet::of(|character| character.is_ascii_alphanumeric() || character == '_', false)),
        's' => Ok(CharSet::of(|character| character.is_ascii_whitespace(), false)),
        letter if letter.is_ascii_alphanumeric() => return None,
        mark => Err(mark),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_bound_what_a_parameter_may_be() {
        let (set, length) = classes("^[a-z0-9][a-z0-9-]{1,30}$").unwrap();
        assert_eq!(length, (2, 31));
        assert_eq!(set.members().collect::<String>(), "-0123456789abcdefghijklmnopqrstuvwxyz");
        assert_eq!(classes("^[a-z2-7]{12}$").unwrap().1, (12, 12));
        assert_eq!(classes(r"^vpc-[\da-f]+$").unwrap().1, (5, MOST));
        assert_eq!(classes("^$").unwrap(), (CharSet::NONE, (0, 0)));
        assert!(classes(r"^\d{12}$").unwrap().0 == CharSet::digits());
        assert!(classes("^[^:]*$").unwrap().0.contains('/'));
        for unread in ["[a-z]+", "^(a|b)$", "^a|b$", "^a+?$", "^[a-z&&[^b]]$", r"^\p{L}+$", "^[a-", "^a{3$", "^a{2,1}$"]
        {
            assert_eq!(classes(unread), None, "{unread}");
        }
    }

    #[test]
    fn a_declaration_bounds_its_symbol() {
        let free = symbol("P", &json!({"Type": "String", "Default": "x"}), "cell");
        assert_eq!((free.alphabet, free.length, free.name.as_str()), (CharSet::ALL, (0, MOST), "P of cell"));
        let stage = symbol("Stage", &json!({"Type": "String", "AllowedValues": ["dev", "production"]}), "cell");
        assert_eq!(stage.length, (3, 10));
        assert!(!stage.alphabet.contains('-'));
        let bounded = symbol("P", &json!({"Type": "String", "MinLength": 1, "MaxLength": "9"}), "cell");
        assert_eq!(bounded.length, (1, 9));
        for symbol in [free, stage, bounded] {
            let length = symbol.sample.chars().count();
            assert!((symbol.length.0..=symbol.length.1).contains(&length), "{symbol:?}");
            assert!(symbol.sample.chars().all(|character| symbol.alphabet.contains(character)), "{symbol:?}");
        }
    }
}
