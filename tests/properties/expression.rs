//! CloudFormation's expressions in one form, worked out here and not by the library: two templates that mean the same
//! are the same value.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Letters.
    Text(String),
    /// What CloudFormation fills in: a logical id, a pseudo parameter, or `Id.Attribute`.
    Reference(String),
}

/// Values of parameters.
pub(crate) type Values = BTreeMap<String, String>;

/// The parts of an expression that is a text once everything is filled in; nothing for any other value.
pub(crate) fn pieces(value: &Json, values: &Values) -> Option<Vec<Piece>> {
    if let Some(text) = value.as_str() {
        return Some(vec![Piece::Text(text.to_owned())]);
    }
    let (function, argument) = only_entry(value)?;
    let pieces = match (function, argument) {
        ("Ref", Json::String(name)) => vec![reference(name, values)],
        ("Fn::GetAtt", Json::Array(path)) => {
            let path: Vec<&str> = path.iter().map(Json::as_str).collect::<Option<_>>()?;
            vec![Piece::Reference(path.join("."))]
        }
        ("Fn::Sub", Json::String(text)) => substituted(text, values, &Map::new())?,
        ("Fn::Sub", Json::Array(arguments)) => match arguments.as_slice() {
            [Json::String(text), Json::Object(own)] => substituted(text, values, own)?,
            _ => return None,
        },
        ("Fn::Join", Json::Array(arguments)) => match arguments.as_slice() {
            [Json::String(delimiter), Json::Array(items)] => {
                let mut joined = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        joined.push(Piece::Text(delimiter.clone()));
                    }
                    joined.extend(self::pieces(item, values)?);
                }
                joined
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(run_together(pieces))
}

fn only_entry(value: &Json) -> Option<(&str, &Json)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.iter().next().map(|(key, value)| (key.as_str(), value))
}

fn reference(name: &str, values: &Values) -> Piece {
    values.get(name).map_or_else(|| Piece::Reference(name.to_owned()), |value| Piece::Text(value.clone()))
}

fn substituted(text: &str, values: &Values, own: &Map<String, Json>) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        pieces.push(Piece::Text(rest[..start].to_owned()));
        let end = start + rest[start..].find('}')?;
        let inside = &rest[start + 2..end];
        match (inside.strip_prefix('!'), own.get(inside)) {
            (Some(literal), _) => pieces.push(Piece::Text(format!("${{{literal}}}"))),
            (None, Some(value)) => pieces.extend(self::pieces(value, values)?),
            (None, None) => pieces.push(reference(inside, values)),
        }
        rest = &rest[end + 1..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Some(pieces)
}

fn run_together(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut result: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (result.last_mut(), piece) {
            (_, Piece::Text(text)) if text.is_empty() => {}
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => result.push(piece),
        }
    }
    if result.is_empty() { vec![Piece::Text(String::new())] } else { result }
}

/// A value with every expression in one form and every parameter filled in.
pub(crate) fn normal(value: &Json, values: &Values) -> Json {
    if let Some(pieces) = pieces(value, values) {
        return match pieces.as_slice() {
            [Piece::Text(text)] => text.as_str().into(),
            pieces => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => json!({"text": text}),
                    Piece::Reference(name) => json!({"reference": name}),
                })
                .collect(),
        };
    }
    match value {
        Json::Array(items) => items.iter().map(|item| normal(item, values)).collect(),
        Json::Object(entries) => {
            entries.iter().map(|(key, item)| (key.clone(), normal(item, values))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// The text of an expression, with references written as `<Id.Attribute>`.
pub(crate) fn shown(value: &Json, values: &Values) -> Option<String> {
    let pieces = pieces(value, values)?;
    let shown = pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Reference(name) => format!("<{name}>"),
    });
    Some(shown.collect())
}

#[test]
fn what_means_the_same_is_the_same() {
    let values = Values::from([("TenantId".to_owned(), "acme".to_owned())]);
    let same = [
        json!({"Fn::Sub": "${Queue.Arn}/${TenantId}/${!aws:PrincipalTag/x}*"}),
        json!({"Fn::Join": ["/", [{"Fn::GetAtt": ["Queue", "Arn"]}, {"Ref": "TenantId"}, "${aws:PrincipalTag/x}*"]]}),
        json!({"Fn::Sub": ["${Q}/${TenantId}/${R}", {"Q": {"Fn::GetAtt": ["Queue", "Arn"]}, "R": "${aws:PrincipalTag/x}*"}]}),
    ];
    for value in &same {
        assert_eq!(shown(value, &values).unwrap(), "<Queue.Arn>/acme/${aws:PrincipalTag/x}*");
        assert_eq!(normal(value, &values), normal(&same[0], &values));
    }
    assert_eq!(normal(&json!({"a": [{"Ref": "TenantId"}, 1]}), &values), json!({"a": ["acme", 1]}));
}
