//! Shapes: what a part of a blueprint may look like, said once as data.
//!
//! From the same description come the check of a tree (with "did you mean", all findings at once) and the JSON
//! Schema that editors use, so the two cannot drift apart.

use serde_json::{Map, Value as Json, json};

use super::{Node, Value};
use crate::diagnostics::{Diagnostic, Sink, codes};

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Any text; numbers are read as text.
    Text,
    /// `true` or `false`.
    Truth,
    /// Text, a number or a truth value: what it is matters to who reads it.
    Scalar,
    /// A whole number between the two, both included.
    Integer(i64, i64),
    /// A number that is at least the first and at most the second.
    Number(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these.
    List(&'static Kind),
    /// A mapping from names of the author's choice to these.
    MapOf(&'static Kind),
    /// A mapping with these keys.
    Record(&'static Shape),
    /// A mapping that says what it is by which one of the variants' keys it has.
    OneOf(&'static [Variant]),
    /// The first for a scalar, the second for a list or mapping.
    Either(&'static Kind, &'static Kind),
    /// The first for a list, the second for anything else.
    ListOr(&'static Kind, &'static Kind),
    /// This, or nothing, which takes away what stood there.
    Removable(&'static Kind),
    /// Anything: checked later, by what it becomes.
    Free,
}

/// A mapping with a closed set of keys.
#[derive(Debug)]
pub struct Shape {
    /// What it is, with an article, for messages: `a tier`.
    pub what: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// The keys.
    pub fields: &'static [Field],
}

/// A key of a [`Shape`].
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// One sentence, with unit and default.
    pub doc: &'static str,
}

/// One of several things an entry may be, said by its first key: `- table: Orders`.
#[derive(Debug)]
pub struct Variant {
    /// The key that says so.
    pub key: &'static str,
    /// Whether the word alone, as in `- deny-root`, is enough.
    pub bare: bool,
    /// The rest of the keys; the saying key is among them.
    pub shape: &'static Shape,
}

impl Variant {
    /// Whether it is a word and nothing else.
    fn is_word(&self) -> bool {
        self.bare && self.shape.fields.is_empty()
    }
}

/// A key that must be there.
#[must_use]
pub const fn required(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: true, doc }
}

/// A key that may be there.
#[must_use]
pub const fn optional(key: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { key, kind, required: false, doc }
}

/// How many findings there are before a check of shapes goes no further.
const MOST_FINDINGS: usize = 1_000;

/// Checks a tree against a kind; what is wrong goes to the sink.
pub fn check(node: &Node, kind: &Kind, sink: &mut Sink) {
    if sink.len() >= MOST_FINDINGS {
        return;
    }
    match kind {
        Kind::Free => {}
        Kind::Scalar => {
            if node.text().is_none() {
                wrong_type(node, "text, a number, or `true` or `false`", sink);
            }
        }
        Kind::Text => {
            if node.text().is_none() {
                wrong_type(node, "text", sink);
            }
        }
        Kind::Truth => {
            if node.truth().is_none() {
                wrong_type(node, "`true` or `false`", sink);
            }
        }
        Kind::Integer(min, max) => match node.integer() {
            None => wrong_type(node, "a whole number", sink),
            Some(value) if value < *min || value > *max => out_of_range(node, &value, min, max, sink),
            Some(_) => {}
        },
        Kind::Number(min, max) => match node.number() {
            None => wrong_type(node, "a number", sink),
            Some(value) if value < *min || value > *max => out_of_range(node, &value, min, max, sink),
            Some(_) => {}
        },
        Kind::Word(words) => match node.text() {
            None => wrong_type(node, &format!("one of {}", listed(words)), sink),
            Some(text) if !words.contains(&text) => sink.push(
                Diagnostic::new(
                    &codes::SHAPE_UNKNOWN_VALUE,
                    node.origin.clone(),
                    format!("`{text}` is not known here"),
                )
                .did_you_mean(text, words.iter().copied())
                .help(format!("write one of {}", listed(words))),
            ),
            Some(_) => {}
        },
        Kind::List(item) => match node.items() {
            None => wrong_type(node, "a list", sink),
            Some(items) => items.iter().for_each(|each| check(each, item, sink)),
        },
        Kind::MapOf(value) => match node.entries() {
            None => wrong_type(node, "a mapping", sink),
            Some(entries) => entries.iter().for_each(|entry| check(&entry.value, value, sink)),
        },
        Kind::Record(shape) => check_record(node, shape, sink),
        Kind::OneOf(variants) => check_variant(node, variants, sink),
        Kind::Either(scalar, other) => match node.value {
            Value::Scalar { .. } | Value::Null => check(node, scalar, sink),
            _ => check(node, other, sink),
        },
        Kind::Removable(kind) => {
            if node.value != Value::Null {
                check(node, kind, sink);
            }
        }
        Kind::ListOr(list, other) => check(node, if node.entries().is_some() { other } else { list }, sink),
    }
}

/// Checks a mapping against a shape; what is wrong goes to the sink.
pub fn check_record(node: &Node, shape: &Shape, sink: &mut Sink) {
    check_partial(node, shape, sink);
    let Some(entries) = node.entries() else { return };
    for field in shape.fields.iter().filter(|field| field.required) {
        if !entries.iter().any(|entry| entry.key == field.key) {
            sink.push(
                Diagnostic::new(
                    &codes::SHAPE_MISSING_KEY,
                    node.origin.clone(),
                    format!("{} has no `{}`", shape.what, field.key),
                )
                .help(format!("add `{}:` ({})", field.key, field.doc)),
            );
        }
    }
}

/// Checks the keys that a mapping has, and asks for none: for settings that are put over others.
pub fn check_partial(node: &Node, shape: &Shape, sink: &mut Sink) {
    let Some(entries) = node.entries() else {
        wrong_type(node, &format!("a mapping that describes {}", shape.what), sink);
        return;
    };
    for entry in entries {
        if sink.len() >= MOST_FINDINGS {
            return;
        }
        match shape.fields.iter().find(|field| field.key == entry.key) {
            Some(field) => check(&entry.value, &field.kind, sink),
            None => sink.push(
                Diagnostic::new(
                    &codes::SHAPE_UNKNOWN_KEY,
                    entry.key_origin.clone(),
                    format!("{} has no key `{}`", shape.what, entry.key),
                )
                .did_you_mean(&entry.key, shape.fields.iter().map(|field| field.key))
                .help(format!("the keys are {}", listed_all(shape.fields.iter().map(|field| field.key)))),
            ),
        }
    }
}

/// The variant an entry says it is. A bare word counts as a mapping with that key.
#[must_use]
pub fn variant_of<'a>(node: &Node, variants: &'a [Variant]) -> Option<&'a Variant> {
    if let Some(word) = node.text() {
        return variants.iter().find(|variant| variant.bare && variant.key == word);
    }
    said(node, variants).into_iter().next()
}

/// The variants that an entry's keys name. A key that is a setting of another one of them is that setting: `network`
/// beside `function` says where the function runs.
fn said<'a>(node: &Node, variants: &'a [Variant]) -> Vec<&'a Variant> {
    let named: Vec<&Variant> = variants.iter().filter(|variant| node.get(variant.key).is_some()).collect();
    let has = |shape: &Shape, key: &str| shape.fields.iter().any(|field| field.key == key);
    let is_setting = |key: &str| named.iter().any(|other| other.key != key && has(other.shape, key));
    named.iter().copied().filter(|variant| !is_setting(variant.key)).collect()
}

fn check_variant(node: &Node, variants: &[Variant], sink: &mut Sink) {
    let names = || variants.iter().map(|variant| variant.key);
    if let Some(word) = node.text() {
        match variants.iter().find(|variant| variant.key == word) {
            Some(variant) if variant.bare => {}
            Some(variant) => sink.push(
                Diagnostic::new(&codes::SHAPE_WRONG_TYPE, node.origin.clone(), format!("`{word}` needs settings"))
                    .help(format!("write `{}: …`; {}", variant.key, variant.shape.doc)),
            ),
            None => sink.push(
                Diagnostic::new(
                    &codes::SHAPE_UNKNOWN_VALUE,
                    node.origin.clone(),
                    format!("`{word}` is not known here"),
                )
                .did_you_mean(word, names())
                .help(format!("write one of {}", listed_all(names()))),
            ),
        }
        return;
    }
    let Some(entries) = node.entries() else {
        wrong_type(node, &format!("a mapping that begins with one of {}", listed_all(names())), sink);
        return;
    };
    match said(node, variants).as_slice() {
        [variant] if variant.is_word() => wrong_type(node, &format!("the word `{}` alone", variant.key), sink),
        [variant] => check_record(node, variant.shape, sink),
        [] => {
            let first = entries.first();
            let written = first.map_or("", |entry| entry.key.as_str());
            let message = match first {
                Some(_) => format!("`{written}` does not say what this entry is"),
                None => "this entry says nothing".to_owned(),
            };
            let origin = first.map_or_else(|| node.origin.clone(), |entry| entry.key_origin.clone());
            sink.push(
                Diagnostic::new(&codes::SHAPE_AMBIGUOUS, origin, message)
                    .did_you_mean(written, names())
                    .help(format!("begin the entry with one of {}", listed_all(names()))),
            );
        }
        [one, two, ..] => sink.push(
            Diagnostic::new(
                &codes::SHAPE_AMBIGUOUS,
                node.origin.clone(),
                format!("the entry says that it is both `{}` and `{}`", one.key, two.key),
            )
            .help("make two entries of it"),
        ),
    }
}

fn wrong_type(node: &Node, wanted: &str, sink: &mut Sink) {
    let help = match (&node.value, wanted) {
        (Value::Scalar { plain: false, text }, "`true` or `false`" | "a whole number" | "a number") => {
            Some(format!("take the quotes off: `{text}`"))
        }
        (Value::Scalar { text, .. }, "`true` or `false`") => match text.to_lowercase().as_str() {
            "yes" | "on" | "y" => Some("write `true`".to_owned()),
            "no" | "off" | "n" => Some("write `false`".to_owned()),
            _ => None,
        },
        (Value::Scalar { text, .. }, "a list") => Some(format!("write `[{text}]`")),
        _ => None,
    };
    sink.push(
        Diagnostic::new(
            &codes::SHAPE_WRONG_TYPE,
            node.origin.clone(),
            format!("{wanted} is expected here, and this is {}", node.describe()),
        )
        .help(help.unwrap_or_else(|| format!("write {wanted}, or take the key out if it may be missing"))),
    );
}

fn out_of_range<T: std::fmt::Display + PartialEq>(node: &Node, value: &T, min: &T, max: &T, sink: &mut Sink) {
    let (message, help) = if min == max {
        (format!("only {min} is known here, and this is {value}"), format!("write `{min}`"))
    } else {
        (format!("{value} is outside the range from {min} to {max}"), format!("write a number from {min} to {max}"))
    };
    sink.push(Diagnostic::new(&codes::SHAPE_OUT_OF_RANGE, node.origin.clone(), message).help(help));
}

fn listed(words: &[&str]) -> String {
    listed_all(words.iter().copied())
}

fn listed_all<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The JSON Schema of a kind.
#[must_use]
pub fn schema(kind: &Kind) -> Json {
    match kind {
        Kind::Free => json!({}),
        Kind::Text | Kind::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Kind::Truth => json!({"type": "boolean"}),
        Kind::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Number(min, max) => json!({"type": "number", "minimum": min, "maximum": max}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::List(item) => json!({"type": "array", "items": schema(item)}),
        Kind::MapOf(value) => json!({"type": "object", "additionalProperties": schema(value)}),
        Kind::Record(shape) => record_schema(shape),
        Kind::OneOf(variants) => {
            let mut options = Vec::new();
            let bare: Vec<&str> = variants.iter().filter(|variant| variant.bare).map(|variant| variant.key).collect();
            if !bare.is_empty() {
                options.push(json!({"type": "string", "enum": bare}));
            }
            for variant in variants.iter().filter(|variant| !variant.is_word()) {
                let mut option = record_schema(variant.shape);
                if let Some(required) = option.get_mut("required").and_then(Json::as_array_mut)
                    && !required.iter().any(|key| key == variant.key)
                {
                    required.push(variant.key.into());
                }
                options.push(option);
            }
            json!({"anyOf": options})
        }
        Kind::Removable(kind) => json!({"anyOf": [schema(kind), {"type": "null"}]}),
        Kind::Either(one, other) | Kind::ListOr(one, other) => json!({"anyOf": [schema(one), schema(other)]}),
    }
}

/// The JSON Schema of a shape.
#[must_use]
pub fn record_schema(shape: &Shape) -> Json {
    let mut properties = Map::new();
    for field in shape.fields {
        let mut property = schema(&field.kind);
        if let Some(object) = property.as_object_mut() {
            object.insert("description".to_owned(), field.doc.into());
        }
        properties.insert(field.key.to_owned(), property);
    }
    let required: Vec<&str> = shape.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    json!({
        "type": "object",
        "description": shape.doc,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::SourceMap;

    static FUNCTION: Shape = Shape {
        what: "a function",
        doc: "",
        fields: &[required("function", Kind::Text, ""), optional("network", Kind::Text, "")],
    };
    static NETWORK: Shape = Shape { what: "a network", doc: "", fields: &[required("network", Kind::Text, "")] };
    static VARIANTS: &[Variant] = &[
        Variant { key: "network", bare: false, shape: &NETWORK },
        Variant { key: "function", bare: false, shape: &FUNCTION },
    ];

    #[test]
    fn a_setting_that_is_called_like_another_variant_does_not_make_an_entry_ambiguous() {
        let tree = |text: &str| {
            crate::source::read("test.yaml", text.as_bytes(), &mut SourceMap::default(), &mut Sink::new()).unwrap()
        };
        let both = tree("function: Work\nnetwork: Net\n");
        let mut sink = Sink::new();
        check(&both, &Kind::OneOf(VARIANTS), &mut sink);
        assert!(sink.is_empty());
        assert_eq!(variant_of(&both, VARIANTS).unwrap().key, "function");
        assert_eq!(variant_of(&tree("network: Net\n"), VARIANTS).unwrap().key, "network");
    }
}
