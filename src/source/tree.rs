//! A tree of text with spans: what YAML and JSON look like before anybody knows what they mean.

use crate::diagnostics::Origin;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub origin: Origin,
    /// What it is.
    pub value: Value,
}

/// A value. Scalars stay text: what `NO` or `012345678901` mean depends on what is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: an empty value, `~` or `null`.
    Null,
    /// A scalar; `plain` when it was not quoted, so that it may be read as a number or a truth value.
    Scalar {
        /// The text.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in source order, without duplicate keys.
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_origin: Origin,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// A plain `true` or `false`. Nothing else is a truth value: `NO` is Norway.
    #[must_use]
    pub fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar { text, plain: true } if text == "true" => Some(true),
            Value::Scalar { text, plain: true } if text == "false" => Some(false),
            _ => None,
        }
    }

    /// A plain whole number. A leading zero makes it text, as in an account id.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match &self.value {
            Value::Scalar { text, plain: true } if is_canonical_integer(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A plain number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Scalar { text, plain: true } => {
                let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
                let decimal = is_canonical_integer(whole)
                    && !fraction.is_empty()
                    && fraction.bytes().all(|byte| byte.is_ascii_digit());
                decimal.then(|| text.parse().ok()).flatten()
            }
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a mapping's key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// What the value is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar { plain: true, .. } if self.truth().is_some() => "a truth value",
            Value::Scalar { plain: true, .. } if self.number().is_some() => "a number",
            Value::Scalar { .. } => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The tree of a JSON value whose text is not kept; every node has the same origin.
    #[must_use]
    pub fn from_json(json: &serde_json::Value, origin: &Origin) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Scalar { text: truth.to_string(), plain: true },
            serde_json::Value::Number(number) => Value::Scalar { text: number.to_string(), plain: true },
            serde_json::Value::String(text) => Value::Scalar { text: text.clone(), plain: false },
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(|item| Self::from_json(item, origin)).collect())
            }
            serde_json::Value::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        key_origin: origin.clone(),
                        value: Self::from_json(value, origin),
                    })
                    .collect(),
            ),
        };
        Self { origin: origin.clone(), value }
    }

    /// The JSON value of the tree, for what passes through to CloudFormation. Twelve plain digits stay text: they
    /// are an account id far more often than a number.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Scalar { text, .. } => {
                if let Some(truth) = self.truth() {
                    return truth.into();
                }
                if let Some(integer) = self.integer().filter(|_| text.len() != 12) {
                    return integer.into();
                }
                match self.number().filter(|_| text.len() != 12).and_then(serde_json::Number::from_f64) {
                    Some(number) => serde_json::Value::Number(number),
                    None => text.as_str().into(),
                }
            }
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect::<serde_json::Map<_, _>>().into()
            }
        }
    }
}

fn is_canonical_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Node {
        Node { origin: Origin::Derived, value: Value::Scalar { text: text.to_owned(), plain: true } }
    }

    #[test]
    fn scalars_mean_what_their_letters_say() {
        assert_eq!(plain("012345678901").integer(), None);
        assert_eq!(plain("012345678901").to_json(), "012345678901");
        assert_eq!(plain("123456789012").to_json(), "123456789012");
        assert_eq!(plain("NO").truth(), None);
        assert_eq!(plain("yes").to_json(), "yes");
        assert_eq!(plain("0755").to_json(), "0755");
        assert_eq!(plain("2010-09-09").to_json(), "2010-09-09");
        assert_eq!(plain("42").to_json(), 42);
        assert_eq!(plain("-0.5").to_json(), -0.5);
        assert_eq!(plain("1e9").to_json(), "1e9");
    }
}
