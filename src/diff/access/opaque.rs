//! Values of templates with what only AWS knows put into letters: the same letter for the same reference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::prove::template::Resolved;

/// The first character that stands for a reference: the start of Supplementary Private Use Area-B. Area-A is for the
/// symbols of proofs, which may be equal to other texts; these are not.
const FIRST: u32 = 0x10_0000;
/// How many there can be.
const MOST: usize = 0xFFFD;

/// References and what else stands for a text that only AWS knows, each with a letter of its own.
#[derive(Debug, Default)]
pub(super) struct Letters {
    known: Vec<String>,
}

impl Letters {
    /// The letter of a reference, by its name.
    pub(super) fn letter(&mut self, name: &str) -> char {
        let at = self.known.iter().position(|known| known == name).unwrap_or_else(|| {
            self.known.push(name.to_owned());
            self.known.len() - 1
        });
        // More than 65,000 references stand in no template: CloudFormation reads at most 1 MB.
        u32::try_from(at.min(MOST)).ok().and_then(|at| char::from_u32(FIRST + at)).unwrap_or('\u{10FFFD}')
    }

    /// The text for people: references as `${…}`.
    pub(super) fn show(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            let at = u32::from(character).checked_sub(FIRST).and_then(|at| usize::try_from(at).ok());
            match at.and_then(|at| self.known.get(at)) {
                // Writing to a `String` cannot fail.
                Some(name) => _ = write!(shown, "${{{name}}}"),
                None => shown.push(character),
            }
        }
        shown
    }
}

/// What the conditions of a template are taken to be.
pub(super) type Choices = BTreeMap<String, bool>;

/// The names of the conditions that `Fn::If` asks for.
pub(super) fn conditions(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| conditions(item, into)),
        Value::Object(entries) => {
            if let Some(name) = entries.get("Fn::If").and_then(|parts| parts.get(0)).and_then(Value::as_str) {
                into.insert(name.to_owned());
            }
            entries.values().for_each(|item| conditions(item, into));
        }
        _ => {}
    }
}

/// The value with its references in letters; none for `AWS::NoValue`. A text that holds JSON where a document is
/// expected stays a text: [`document`] reads it.
pub(super) fn resolve(value: &Value, choices: &Choices, letters: &mut Letters) -> Option<Value> {
    match value {
        Value::Array(items) => Some(items.iter().filter_map(|item| resolve(item, choices, letters)).collect()),
        Value::Object(entries) => match function(entries) {
            Some((name, argument)) => evaluated(name, argument, value, choices, letters),
            None => Some(Value::Object(
                entries
                    .iter()
                    .filter_map(|(key, item)| Some((key.clone(), resolve(item, choices, letters)?)))
                    .collect(),
            )),
        },
        scalar => Some(scalar.clone()),
    }
}

fn function(entries: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = entries.iter().next().filter(|_| entries.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

fn evaluated(name: &str, argument: &Value, whole: &Value, choices: &Choices, letters: &mut Letters) -> Option<Value> {
    let known = match (name, argument) {
        ("Ref", Value::String(name)) if name == "AWS::NoValue" => return None,
        ("Ref", Value::String(name)) => Some(reference(name, letters)),
        ("Fn::GetAtt", Value::String(name)) => Some(reference(name, letters)),
        ("Fn::GetAtt", Value::Array(parts)) => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            parts.map(|parts| reference(&parts.join("."), letters))
        }
        ("Fn::Sub", Value::String(text)) => Some(substituted(text, &Map::new(), letters)),
        ("Fn::Sub", Value::Array(parts)) => match parts.as_slice() {
            [Value::String(text), Value::Object(values)] => {
                let values =
                    values.iter().filter_map(|(key, value)| Some((key.clone(), resolve(value, choices, letters)?)));
                let values: Map<String, Value> = values.collect();
                Some(substituted(text, &values, letters))
            }
            _ => None,
        },
        ("Fn::Join", Value::Array(parts)) => match parts.as_slice() {
            [Value::String(delimiter), Value::Array(items)] => {
                let items: Option<Vec<String>> =
                    items.iter().filter_map(|item| resolve(item, choices, letters)).map(|item| scalar(&item)).collect();
                items.map(|items| items.join(delimiter))
            }
            _ => None,
        },
        ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
            [Value::String(condition), yes, no] => {
                let chosen = if choices.get(condition).copied().unwrap_or(false) { yes } else { no };
                return resolve(chosen, choices, letters);
            }
            _ => None,
        },
        _ => None,
    };
    Some(Value::String(known.unwrap_or_else(|| letters.letter(&whole.to_string()).to_string())))
}

/// What a name stands for. The partition is taken to be the commercial one, so that `arn:aws:` and
/// `arn:${AWS::Partition}:` are the same.
fn reference(name: &str, letters: &mut Letters) -> String {
    match name {
        "AWS::Partition" => "aws".to_owned(),
        "AWS::URLSuffix" => "amazonaws.com".to_owned(),
        other => letters.letter(other).to_string(),
    }
}

fn substituted(text: &str, values: &Map<String, Value>, letters: &mut Letters) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        match name.strip_prefix('!') {
            Some(literal) => _ = write!(out, "${{{literal}}}"),
            None => match values.get(name.trim()).and_then(scalar) {
                Some(value) => out.push_str(&value),
                None => out.push_str(&reference(name.trim(), letters)),
            },
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A scalar as a text, as CloudFormation hands it on.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A resolved document for the reader of policies; a text is read as JSON.
pub(super) fn document(value: &Value) -> Resolved {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(read @ Value::Object(_)) => Resolved::of_json(&read),
            _ => Resolved::Unknown("it is no policy document".to_owned()),
        },
        other => Resolved::of_json(other),
    }
}
