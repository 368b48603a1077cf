//! CloudFormation's own keywords, for the `jsonschema` crate.

use jsonschema::{Keyword, ValidationError, ValidationOptions};
use serde_json::{Map, Value};

use super::words;

/// Finds what is wrong with a value, given the keyword's argument.
type Rule = fn(&Value, &Value) -> Vec<String>;

const RULES: [(&str, Rule); 5] = [
    ("requiredOr", required_or),
    ("requiredXor", required_xor),
    ("dependentExcluded", dependent_excluded),
    ("uniqueKeys", unique_keys),
    ("enumCaseInsensitive", enum_case_insensitive),
];

/// Tells a compiler about the keywords.
pub(super) fn register(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    RULES.into_iter().fold(options, |options, (name, rule)| {
        options.with_keyword(name, move |_, argument, _| Ok(Box::new(OwnKeyword { rule, argument: argument.clone() })))
    })
}

struct OwnKeyword {
    rule: Rule,
    argument: Value,
}

impl<'i> Keyword<'i> for OwnKeyword {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.iter_errors(instance).next().map_or(Ok(()), Err)
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        (self.rule)(&self.argument, instance).is_empty()
    }

    fn iter_errors(&self, instance: &'i Value) -> Box<dyn Iterator<Item = ValidationError<'i>> + 'i> {
        let found = (self.rule)(&self.argument, instance);
        Box::new(found.into_iter().map(|message| -> ValidationError<'i> { ValidationError::custom(message) }))
    }
}

fn strings(argument: &Value) -> impl Iterator<Item = &str> {
    argument.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn given<'a>(argument: &'a Value, members: &Map<String, Value>) -> Vec<&'a str> {
    strings(argument).filter(|name| members.contains_key(*name)).collect()
}

/// Whether a member is there whatever conditions turn out to be.
fn is_certain(name: &str, members: &Map<String, Value>) -> bool {
    fn may_be_absent(value: &Value) -> bool {
        let choices = value.get("Fn::If").and_then(Value::as_array).into_iter().flatten();
        words::is_no_value(value) || choices.skip(1).any(may_be_absent)
    }
    members.get(name).is_some_and(|value| !may_be_absent(value))
}

fn required_or(argument: &Value, value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) if given(argument, members).is_empty() => {
            vec![words::one_must_be_given(strings(argument))]
        }
        _ => Vec::new(),
    }
}

fn required_xor(argument: &Value, value: &Value) -> Vec<String> {
    let Value::Object(members) = value else { return Vec::new() };
    let given = given(argument, members);
    let certain: Vec<&str> = given.iter().copied().filter(|name| is_certain(name, members)).collect();
    match (given.len(), certain.len()) {
        (0, _) => vec![words::one_must_be_given(strings(argument))],
        (_, 0 | 1) => Vec::new(),
        _ => vec![words::only_one_may_be_given(certain)],
    }
}

fn dependent_excluded(argument: &Value, value: &Value) -> Vec<String> {
    let Value::Object(members) = value else { return Vec::new() };
    let excludes = |name: &str, other: &str| argument.get(name).is_some_and(|all| strings(all).any(|it| it == other));
    let mut found = Vec::new();
    let rules = argument.as_object().into_iter().flatten();
    for (name, excluded) in rules.filter(|(name, _)| is_certain(name, members)) {
        for other in strings(excluded).filter(|other| is_certain(other, members)) {
            // A pair that excludes each other is in the schema twice; it is reported once.
            if name.as_str() <= other || !excludes(other, name) {
                found.push(format!("`{name}` and `{other}` may not be given together"));
            }
        }
    }
    found
}

fn unique_keys(argument: &Value, value: &Value) -> Vec<String> {
    let Value::Array(items) = value else { return Vec::new() };
    let twice = |key| words::first_repeated(items.iter().map(|item| item.get(key)));
    let found = strings(argument).filter_map(|key| Some((key, twice(key)?)));
    found.map(|(key, value)| format!("`{key}` `{}` is given twice", words::shown(value))).collect()
}

fn enum_case_insensitive(argument: &Value, value: &Value) -> Vec<String> {
    let fits = |text: &str| strings(argument).any(|allowed| allowed.eq_ignore_ascii_case(text));
    if value.as_str().is_some_and(fits) { Vec::new() } else { vec![words::not_one_of(argument, value)] }
}
