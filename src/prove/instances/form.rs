//! A template in a form in which texts are equal exactly if CloudFormation makes the same text of them.
//!
//! How a tenant's own template was written is of no concern here, and nothing is shared with what wrote it: both sides
//! are taken apart, the parameters of the one are given their values, and then they are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A value, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// A number, a truth value or nothing.
    Leaf(Value),
    /// A text, with what CloudFormation puts into it.
    Text(Vec<Piece>),
    /// A list.
    List(Vec<Self>),
    /// A mapping; its order means nothing.
    Map(BTreeMap<String, Self>),
}

/// A part of a text. No two parts that are just text follow each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Just text.
    Plain(String),
    /// A parameter's value.
    Parameter(String),
    /// What else stands in `${…}`.
    Variable(String),
    /// Whatever comes out of another function.
    Other(Form),
}

impl Form {
    /// A template, without the declarations of its parameters.
    pub(super) fn template(value: &Value) -> Self {
        let section = value.get("Parameters").and_then(Value::as_object);
        let parameters = section.into_iter().flat_map(|section| section.keys().map(String::as_str)).collect();
        match Self::of(value, &parameters) {
            Self::Map(mut entries) => {
                entries.remove("Parameters");
                Self::Map(entries)
            }
            other => other,
        }
    }

    /// A template that has no parameters.
    pub(super) fn instance(value: &Value) -> Self {
        Self::of(value, &BTreeSet::new())
    }

    fn of(value: &Value, parameters: &BTreeSet<&str>) -> Self {
        match value {
            Value::String(text) => Self::Text(plain(text)),
            Value::Array(items) => Self::List(items.iter().map(|item| Self::of(item, parameters)).collect()),
            Value::Object(entries) => {
                let mut all = entries.iter();
                if let (Some((key, inner)), None) = (all.next(), all.next()) {
                    match (key.as_str(), inner) {
                        ("Ref", Value::String(name)) if parameters.contains(name.as_str()) => {
                            return Self::Text(vec![Piece::Parameter(name.clone())]);
                        }
                        ("Fn::Sub", Value::String(text)) => return Self::Text(substituted(text, parameters)),
                        ("Fn::Join", Value::Array(arguments)) => {
                            if let [Value::String(between), Value::Array(items)] = arguments.as_slice() {
                                return Self::Text(joined(between, items, parameters));
                            }
                        }
                        _ => {}
                    }
                }
                Self::Map(entries.iter().map(|(key, inner)| (key.clone(), Self::of(inner, parameters))).collect())
            }
            other => Self::Leaf(other.clone()),
        }
    }

    /// Where an instance differs from this template with these values, as a JSON pointer into the instance.
    pub(super) fn difference(&self, instance: &Self, values: &BTreeMap<String, String>) -> Option<String> {
        let mut path = Vec::new();
        if self.same(instance, values, &mut path) {
            return None;
        }
        Some(
            path.iter().rev().fold(String::new(), |pointer, step| {
                format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
            }),
        )
    }

    /// Compares, and leaves the way to the first difference, from the inside out.
    fn same(&self, instance: &Self, values: &BTreeMap<String, String>, path: &mut Vec<String>) -> bool {
        match (self, instance) {
            (Self::Leaf(one), Self::Leaf(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => same_text(one, other, values),
            (Self::List(one), Self::List(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).enumerate().all(|(at, (one, other))| {
                        let same = one.same(other, values, path);
                        if !same {
                            path.push(at.to_string());
                        }
                        same
                    })
            }
            (Self::Map(one), Self::Map(other)) => {
                if let Some(surplus) = other.keys().find(|key| !one.contains_key(*key)) {
                    path.push(surplus.clone());
                    return false;
                }
                one.iter().all(|(key, one)| {
                    let same = other.get(key).is_some_and(|other| one.same(other, values, path));
                    if !same {
                        path.push(key.clone());
                    }
                    same
                })
            }
            _ => false,
        }
    }
}

/// Compares a template's text with an instance's. A parameter without a value is equal to nothing.
fn same_text(template: &[Piece], instance: &[Piece], values: &BTreeMap<String, String>) -> bool {
    let mut filled = Vec::with_capacity(template.len());
    for piece in template {
        match piece {
            Piece::Parameter(name) => match values.get(name) {
                Some(value) => push(&mut filled, Piece::Plain(value.clone())),
                None => return false,
            },
            other => push(&mut filled, other.clone()),
        }
    }
    filled.len() == instance.len()
        && filled.iter().zip(instance).all(|(one, other)| match (one, other) {
            (Piece::Other(one), Piece::Other(other)) => one.same(other, values, &mut Vec::new()),
            _ => one == other,
        })
}

fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (_, Piece::Plain(text)) if text.is_empty() => {}
        (Some(Piece::Plain(before)), Piece::Plain(text)) => before.push_str(&text),
        (_, piece) => pieces.push(piece),
    }
}

fn plain(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    push(&mut pieces, Piece::Plain(text.to_owned()));
    pieces
}

/// The parts of a text of `Fn::Sub`.
fn substituted(text: &str, parameters: &BTreeSet<&str>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        push(&mut pieces, Piece::Plain(before.to_owned()));
        let Some((inside, behind)) = after.split_once('}') else {
            push(&mut pieces, Piece::Plain(format!("${{{after}")));
            return pieces;
        };
        let piece = match inside.strip_prefix('!') {
            Some(literal) => Piece::Plain(format!("${{{literal}}}")),
            None if parameters.contains(inside.trim()) => Piece::Parameter(inside.trim().to_owned()),
            None => Piece::Variable(inside.trim().to_owned()),
        };
        push(&mut pieces, piece);
        rest = behind;
    }
    push(&mut pieces, Piece::Plain(rest.to_owned()));
    pieces
}

fn joined(between: &str, items: &[Value], parameters: &BTreeSet<&str>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            push(&mut pieces, Piece::Plain(between.to_owned()));
        }
        match Form::of(item, parameters) {
            Form::Text(parts) => parts.into_iter().for_each(|part| push(&mut pieces, part)),
            other => push(&mut pieces, Piece::Other(other)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(template: &Value, instance: &Value) -> Option<String> {
        let values = [("Id", "acme"), ("Cell", "eu")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let whole = json!({"Parameters": {"Id": {}, "Cell": {}, "None": {}}, "R": template});
        Form::template(&whole).difference(&Form::instance(&json!({"R": instance})), &BTreeMap::from(values))
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        for (template, instance) in [
            (json!({"Ref": "Id"}), json!("acme")),
            (json!({"Fn::Sub": "x-${Id}-${Cell}"}), json!("x-acme-eu")),
            (json!({"Fn::Sub": "${Q.Arn}/${Id}/${!aws:x}"}), json!({"Fn::Sub": "${Q.Arn}/acme/${!aws:x}"})),
            (json!({"Fn::Sub": "${Id}/${!aws:x}"}), json!("acme/${aws:x}")),
            (json!({"Fn::Join": ["-", ["a", {"Ref": "Id"}]]}), json!("a-acme")),
            (
                json!({"Fn::Join": ["-", [{"Ref": "B"}, {"Ref": "Id"}]]}),
                json!({"Fn::Join": ["", [{"Ref": "B"}, "-acme"]]}),
            ),
            (json!({"a": 1, "b": [true, null]}), json!({"b": [true, null], "a": 1})),
            (json!({"Fn::Sub": "${open"}), json!("${open")),
        ] {
            assert_eq!(difference(&template, &instance), None, "{template} {instance}");
        }
    }

    #[test]
    fn what_differs_is_pointed_at() {
        for (template, instance, at) in [
            (json!({"Ref": "Id"}), json!("globex"), "/R"),
            (json!({"Ref": "None"}), json!(""), "/R"),
            (json!({"a/b": [1, {"c": {"Ref": "Id"}}]}), json!({"a/b": [1, {"c": "*"}]}), "/R/a~1b/1/c"),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), "/R/b"),
            (json!({"a": 1, "b": 2}), json!({"a": 1}), "/R/b"),
            (json!([1]), json!([1, 2]), "/R"),
            // A variable is not the same as the text that looks like it.
            (json!("${Q.Arn}"), json!({"Fn::Sub": "${Q.Arn}"}), "/R"),
            (json!({"Fn::Sub": "${!Q}"}), json!({"Fn::Sub": "${Q}"}), "/R"),
            (json!({"Ref": "AWS::NoValue"}), json!({"Fn::Sub": "${AWS::NoValue}"}), "/R"),
            (json!({"Ref": "Id"}), json!({"Ref": "Id"}), "/R"),
            (json!({"Fn::Join": ["", [{"Ref": "B"}]]}), json!({"Fn::Join": ["", [{"Ref": "C"}]]}), "/R"),
        ] {
            assert_eq!(difference(&template, &instance).as_deref(), Some(at), "{template} {instance}");
        }
        let surplus = json!({"Parameters": {"Id": {"Default": "globex"}}});
        let found = Form::template(&json!({})).difference(&Form::instance(&surplus), &BTreeMap::new());
        assert_eq!(found.as_deref(), Some("/Parameters"), "an instance has no parameters");
    }
}
