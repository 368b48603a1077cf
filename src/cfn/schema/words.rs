//! What the `jsonschema` crate finds, in this program's words, and without what an intrinsic function may put right.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::check::SchemaIssue;
use super::cut::{KNOWN, WRITTEN, is_intrinsic};
use crate::diagnostics::counted;

/// The findings about one resource's properties.
pub(super) fn issues<'e>(
    schema: &Value,
    properties: &Value,
    errors: impl Iterator<Item = ValidationError<'e>>,
) -> Vec<SchemaIssue> {
    let errors: Vec<ValidationError<'e>> = errors.collect();
    let mut run = Run { schema, properties, issues: Vec::new() };
    run.errors(&errors);
    run.issues
}

struct Run<'a> {
    schema: &'a Value,
    properties: &'a Value,
    issues: Vec<SchemaIssue>,
}

impl<'a> Run<'a> {
    fn errors(&mut self, errors: &[ValidationError<'_>]) {
        for error in errors {
            let place = error.instance_path();
            // A value of another type breaks nearly every other keyword too; one message is enough.
            let is_mistyped = |other: &ValidationError<'_>| {
                matches!(other.kind(), Kind::Type { .. }) && other.instance_path() == place
            };
            let says_more = !matches!(error.kind(), Kind::Type { .. }) && errors.iter().any(is_mistyped);
            if !says_more && !self.is_in_intrinsic(place.as_str()) {
                self.error(error);
            }
        }
    }

    /// Whether an intrinsic function stands at a place or above it.
    ///
    /// The cut left no schema where a function is the only value, but the items of a list share theirs.
    fn is_in_intrinsic(&self, pointer: &str) -> bool {
        let ends = pointer.match_indices('/').map(|(at, _)| at).chain([pointer.len()]);
        ends.filter_map(|end| self.properties.pointer(pointer.get(..end)?)).any(is_intrinsic)
    }

    /// The schema that has the keyword that failed.
    fn beside(&self, error: &ValidationError<'_>) -> Option<&'a Value> {
        let (above, _) = error.schema_path().as_str().rsplit_once('/')?;
        self.schema.pointer(above)
    }

    fn issue(&mut self, error: &ValidationError<'_>, message: String) {
        self.issues.push(SchemaIssue { pointer: error.instance_path().as_str().to_owned(), message });
    }

    fn error(&mut self, error: &ValidationError<'_>) {
        let value = error.instance().as_ref();
        let message = match error.kind() {
            Kind::Type { kind } => format!("expected {}, found {}", expected(kind), article(value)),
            Kind::Enum { options } => not_one_of(options, value),
            Kind::Constant { expected_value } => format!("`{}` is not `{}`", shown(value), shown(expected_value)),
            Kind::Required { property } => match self.needed_by(error, property) {
                Some(name) => format!("`{name}` is given without `{}`", shown(property)),
                None => format!("`{}` is missing", shown(property)),
            },
            Kind::AdditionalProperties { unexpected } => return self.unexpected(error, unexpected),
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => return self.no_branch_fits(error, context),
            Kind::OneOfMultipleValid { .. } => return self.several_branches_fit(error),
            // What an intrinsic function becomes may decide.
            Kind::Not { .. } if holds_intrinsic(value) => return,
            Kind::Not { schema } => match schema.get("required").and_then(Value::as_array) {
                Some(names) => format!("{} may not be given here", listed(names, " and ")),
                None if schema.get("enum").is_some() => format!("`{}` is not allowed", shown(value)),
                None => "this combination is not allowed".to_owned(),
            },
            Kind::Pattern { pattern } => {
                let written = self.beside(error).and_then(|schema| schema.get(WRITTEN)?.as_str()).unwrap_or(pattern);
                format!("`{}` does not match the pattern `{written}`", shown(value))
            }
            Kind::MinLength { limit } => format!("`{}` is shorter than {limit} characters", shown(value)),
            Kind::MaxLength { limit } => format!("`{}` is longer than {limit} characters", shown(value)),
            Kind::Minimum { limit } => format!("{value} is less than {limit}"),
            Kind::Maximum { limit } => format!("{value} is more than {limit}"),
            Kind::ExclusiveMinimum { limit } => format!("{value} is not more than {limit}"),
            Kind::ExclusiveMaximum { limit } => format!("{value} is not less than {limit}"),
            Kind::MultipleOf { multiple_of } => format!("{value} is not a multiple of {multiple_of}"),
            Kind::MinItems { limit } => format!("has {}, but needs at least {limit}", counted(certain(value), "item")),
            Kind::MaxItems { limit } if certain(value) <= *limit => return,
            Kind::MaxItems { limit } => {
                format!("has {}, but at most {limit} may be given", counted(certain(value), "item"))
            }
            Kind::MinProperties { limit } => {
                format!("has {}, but needs at least {limit}", counted(certain(value), "member"))
            }
            Kind::MaxProperties { limit } => {
                format!("has {}, but at most {limit} may be given", counted(certain(value), "member"))
            }
            Kind::UniqueItems => match first_repeated(value.as_array().into_iter().flatten().map(Some)) {
                Some(item) => format!("`{}` is given twice", shown(item)),
                None => return,
            },
            Kind::FalseSchema => "nothing is allowed here".to_owned(),
            Kind::Custom { message, .. } => message.clone(),
            // A pattern that gives up accuses nobody.
            Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => return,
            other => format!("does not satisfy `{}`", other.keyword()),
        };
        self.issue(error, message);
    }

    /// The member whose presence makes another one necessary.
    fn needed_by(&self, error: &ValidationError<'_>, property: &Value) -> Option<&str> {
        let (above, _) = error.schema_path().as_str().rsplit_once("/dependencies")?;
        let dependencies = self.schema.pointer(above)?.get("dependencies")?.as_object()?;
        let is_given = |name: &str| error.instance().get(name).is_some();
        let mut needing = dependencies
            .iter()
            .filter(|(name, needs)| is_given(name) && needs.as_array().is_some_and(|needs| needs.contains(property)));
        needing.next().map(|(name, _)| name.as_str())
    }

    fn unexpected(&mut self, error: &ValidationError<'_>, names: &[String]) {
        let known = self.beside(error).and_then(|schema| schema.get(KNOWN)).and_then(Value::as_array);
        for name in names.iter().filter(|name| !name.starts_with("Fn::")) {
            let mut message = format!("`{name}` is not a property here");
            if let Some(near) = nearest(name, known.into_iter().flatten().filter_map(Value::as_str)) {
                message.push_str(&format!(", did you mean `{near}`"));
            }
            let pointer = error.instance_path().join(name.as_str()).as_str().to_owned();
            self.issues.push(SchemaIssue { pointer, message });
        }
    }

    /// Reports the branch that was most probably meant.
    fn no_branch_fits(&mut self, error: &ValidationError<'_>, branches: &[Vec<ValidationError<'_>>]) {
        let only_missing: Option<Vec<&str>> = branches.iter().map(|branch| missing(error, branch)).collect();
        if let Some(names) = only_missing {
            return self.issue(error, one_must_be_given(names));
        }
        let found = branches.iter().map(|branch| {
            let mut run = Run { issues: Vec::new(), ..*self };
            run.errors(branch);
            run.issues
        });
        // The branch that the value got furthest into; of those, the one with the least to complain about. One
        // without issues fits, depending on what an intrinsic function becomes.
        let here = error.instance_path().as_str();
        let best = found.min_by_key(|issues| (issues.iter().any(|issue| issue.pointer == here), issues.len()));
        self.issues.extend(best.unwrap_or_default());
    }

    fn several_branches_fit(&mut self, error: &ValidationError<'_>) {
        let branches = self.schema.pointer(error.schema_path().as_str()).and_then(Value::as_array);
        let branches = branches.map_or(&[][..], Vec::as_slice);
        // What an intrinsic function becomes may decide. Branches that differ in nothing that can be seen here do
        // not exclude each other: schemas use the keyword loosely.
        if holds_intrinsic(error.instance()) || branches.iter().all(|branch| branch.get("required").is_none()) {
            return;
        }
        let message = match branches.iter().map(only_required).collect::<Option<Vec<&str>>>() {
            Some(names) => only_one_may_be_given(names),
            None => "more than one of the alternatives is given".to_owned(),
        };
        self.issue(error, message);
    }
}

/// The property whose absence is all that a branch complains about.
fn missing<'e>(above: &ValidationError<'_>, branch: &'e [ValidationError<'_>]) -> Option<&'e str> {
    match branch {
        [only] if only.instance_path() == above.instance_path() => match only.kind() {
            Kind::Required { property } => property.as_str(),
            _ => None,
        },
        _ => None,
    }
}

/// The property that a schema requires, if it does nothing else and requires one.
fn only_required(schema: &Value) -> Option<&str> {
    let alone = schema.as_object()?.keys().all(|keyword| keyword == "required" || keyword == "type");
    match schema.get("required")?.as_array()?.as_slice() {
        [name] if alone => name.as_str(),
        _ => None,
    }
}

/// Whether this is `{ "Ref": "AWS::NoValue" }`.
pub(super) fn is_no_value(value: &Value) -> bool {
    is_intrinsic(value) && value.get("Ref").and_then(Value::as_str) == Some("AWS::NoValue")
}

fn holds_intrinsic(value: &Value) -> bool {
    match value {
        Value::Object(members) => is_intrinsic(value) || members.values().any(holds_intrinsic),
        Value::Array(items) => items.iter().any(holds_intrinsic),
        _ => false,
    }
}

/// The first value that an earlier one repeats.
pub(super) fn first_repeated<'v>(values: impl Iterator<Item = Option<&'v Value>>) -> Option<&'v Value> {
    let mut seen: Vec<&Value> = Vec::new();
    for value in values.flatten().filter(|value| !is_no_value(value)) {
        if seen.contains(&value) {
            return Some(value);
        }
        seen.push(value);
    }
    None
}

/// How many items or members there are, without what `AWS::NoValue` takes away.
fn certain(value: &Value) -> u64 {
    let count = match value {
        Value::Array(items) => items.iter().filter(|item| !is_no_value(item)).count(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    count as u64
}

pub(super) fn one_must_be_given<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    format!("one of {} must be given", quoted(names))
}

pub(super) fn only_one_may_be_given<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    format!("only one of {} may be given", quoted(names))
}

pub(super) fn not_one_of(options: &Value, value: &Value) -> String {
    let options = options.as_array().map_or(&[][..], Vec::as_slice);
    let near = value.as_str().and_then(|text| nearest(text, options.iter().filter_map(Value::as_str)));
    let mut message = format!("`{}` is not ", shown(value));
    match (near, options) {
        (_, [only]) => message.push_str(&format!("`{}`", shown(only))),
        (Some(_), [_, _, _, _, _, _, _, _, _, ..]) => {
            message.push_str(&format!("one of the {} allowed values", options.len()));
        }
        (None, [a, b, c, d, e, f, g, h, _, _, _, _, _, ..]) => {
            let some = [a, b, c, d, e, f, g, h].map(Clone::clone);
            message.push_str(&format!("one of the {} allowed values ({}, …)", options.len(), listed(&some, ", ")));
        }
        _ => message.push_str(&format!("one of {}", listed(options, ", "))),
    }
    if let Some(near) = near {
        message.push_str(&format!(", did you mean `{near}`"));
    }
    message
}

fn expected(kind: &TypeKind) -> String {
    let word = |expected: JsonType| match expected {
        JsonType::String => "text",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Array => "a list",
        JsonType::Object => "an object",
        JsonType::Null => "nothing",
    };
    match kind {
        TypeKind::Single(expected) => word(*expected).to_owned(),
        TypeKind::Multiple(expected) => expected.iter().map(word).collect::<Vec<_>>().join(" or "),
    }
}

pub(super) fn article(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(_) => format!("the text `{}`", shown(value)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = name.to_ascii_lowercase();
    known
        .map(|known| (strsim::osa_distance(&wanted, &known.to_ascii_lowercase()), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 5)
        .min()
        .map(|(_, known)| known)
}

/// A value as it is shown, without an end that is too far.
pub(super) fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn listed(values: &[Value], between: &str) -> String {
    values.iter().map(|value| format!("`{}`", shown(value))).collect::<Vec<_>>().join(between)
}

fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
