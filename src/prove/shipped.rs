//! Policy documents as files: from their text into statements, and from statements back, for cases that a person replays.

use serde_json::{Map, Value, json};

use super::policy::{
    Condition, Defect, Document, Effect, Only, Operator, Place, Principal, Quantifier, Statement, read,
};
use super::template::Resolved;

/// Reads the text of a policy document, as it is in a file of an assembly.
///
/// # Errors
/// If the text is no JSON or no policy document. A document of which a statement cannot be read is none: what the rest of
/// it denies says nothing.
pub fn document(text: &str, file: &str) -> Result<Document, Vec<Defect>> {
    let place = Place { file: file.to_owned(), pointer: String::new() };
    match serde_json::from_str::<Value>(text) {
        Ok(value) => document_of(&value, &place),
        Err(error) => Err(vec![Defect { place, what: format!("it is no JSON: {error}") }]),
    }
}

/// The same for a value that stands at a place.
///
/// # Errors
/// As for [`document`].
pub fn document_of(value: &Value, place: &Place) -> Result<Document, Vec<Defect>> {
    let (document, defects) = read(&Resolved::of_json(value), place);
    if defects.is_empty() { Ok(document) } else { Err(defects) }
}

/// The statements as a policy document.
#[must_use]
pub(super) fn written<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements.into_iter().map(statement).collect::<Vec<_>>() })
}

fn statement(statement: &Statement) -> Value {
    let mut entries = Map::new();
    if let Some(sid) = &statement.sid {
        entries.insert("Sid".to_owned(), sid.as_str().into());
    }
    let effect = if statement.effect == Effect::Deny { "Deny" } else { "Allow" };
    entries.insert("Effect".to_owned(), effect.into());
    if let Some(principals) = &statement.principals {
        let key = if principals.negated { "NotPrincipal" } else { "Principal" };
        entries.insert(key.to_owned(), named(&principals.values));
    }
    let mut only = |key: &str, only: &Only<String>| {
        let key = if only.negated { format!("Not{key}") } else { key.to_owned() };
        entries.insert(key, only.values.clone().into());
    };
    only("Action", &statement.actions);
    if let Some(resources) = &statement.resources {
        only("Resource", resources);
    }
    if !statement.conditions.is_empty() {
        let mut conditions: Map<String, Value> = Map::new();
        for condition in &statement.conditions {
            let keys = conditions.entry(operator(condition)).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(keys) = keys {
                keys.insert(condition.key.clone(), condition.values.clone().into());
            }
        }
        entries.insert("Condition".to_owned(), Value::Object(conditions));
    }
    Value::Object(entries)
}

fn named(principals: &[Principal]) -> Value {
    if principals == [Principal::Everyone] {
        return "*".into();
    }
    let mut kinds: Map<String, Value> = Map::new();
    for principal in principals {
        let (kind, text) = match principal {
            Principal::Everyone => ("AWS", "*"),
            Principal::Aws(text) => ("AWS", text.as_str()),
            Principal::Service(text) => ("Service", text.as_str()),
            Principal::Federated(text) => ("Federated", text.as_str()),
            Principal::Canonical(text) => ("CanonicalUser", text.as_str()),
        };
        if let Value::Array(texts) = kinds.entry(kind.to_owned()).or_insert_with(|| Value::Array(Vec::new())) {
            texts.push(text.into());
        }
    }
    Value::Object(kinds)
}

/// The operator as IAM writes it.
pub(super) fn operator(condition: &Condition) -> String {
    let quantifier = match condition.quantifier {
        Some(Quantifier::All) => "ForAllValues:",
        Some(Quantifier::Any) => "ForAnyValue:",
        None => "",
    };
    let not = |negated: bool| if negated { "Not" } else { "" };
    let base = match &condition.operator {
        Operator::Equals { negated, any_case } => {
            format!("String{}Equals{}", not(*negated), if *any_case { "IgnoreCase" } else { "" })
        }
        Operator::Like { negated } => format!("String{}Like", not(*negated)),
        Operator::Arn { negated } => format!("Arn{}Like", not(*negated)),
        Operator::Null => "Null".to_owned(),
        Operator::Bool => "Bool".to_owned(),
        Operator::Other(name) => name.clone(),
    };
    format!("{quantifier}{base}{}", if condition.if_exists { "IfExists" } else { "" })
}

/// The name of a statement for a sentence: its `Sid`, or where it stands.
pub(super) fn name_of(statement: &Statement) -> String {
    statement.sid.clone().unwrap_or_else(|| statement.place.pointer.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let text = json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "One", "Effect": "Deny", "Principal": "*", "NotAction": ["a:B"], "Resource": ["*"],
            "Condition": {"ForAnyValue:StringEqualsIgnoreCase": {"aws:TagKeys": ["x"]}, "BoolIfExists": {"k": ["true"]}},
        }]});
        let read = document(&text.to_string(), "a.json").unwrap();
        assert_eq!(written(&read.statements), text);
        assert_eq!(document("{", "a.json").unwrap_err().len(), 1);
        assert_eq!(document("{\"Statement\": [{}]}", "a.json").unwrap_err().len(), 1);
    }
}
