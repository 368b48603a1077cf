//! The check of a resource's properties against its type's schema.
//!
//! This walks the schema and the properties together instead of compiling the schema first: a template uses a
//! small part of what its types allow, so a compiler spends nearly all its time on what is never asked. Regular
//! expressions are compiled when a literal first meets them. An intrinsic function is admitted everywhere, because
//! its value is not known before the stack is created, and what `AWS::NoValue` stands for counts as absent.
//! CloudFormation's own keywords (`requiredXor`, `requiredOr`, `dependentExcluded`, `uniqueKeys`,
//! `enumCaseInsensitive`) are understood; `format` is not checked.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde_json::{Map, Number, Value};

use super::TypeFacts;
use super::pattern::Patterns;

/// One violation of a resource type's schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaIssue {
    /// Where, as a JSON pointer into the properties; empty for the properties as a whole.
    pub pointer: String,
    /// What is wrong, as one sentence.
    pub message: String,
}

/// There is no resource type of this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownType {
    /// The name.
    pub name: String,
    /// Types with a similar name, the most alike first.
    pub nearest: Vec<&'static str>,
}

impl fmt::Display for UnknownType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is not a resource type", self.name)?;
        match self.nearest.first() {
            Some(near) => write!(formatter, ", did you mean `{near}`"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownType {}

/// Checks properties, and keeps the types and the regular expressions that it has opened.
#[derive(Debug, Default)]
pub struct Validator {
    types: BTreeMap<String, TypeFacts>,
    patterns: Patterns,
}

impl Validator {
    /// A validator that has opened nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All violations of the type's schema, in the order of the properties.
    ///
    /// Custom resources (`Custom::…`) are checked as `AWS::CloudFormation::CustomResource`.
    ///
    /// # Errors
    ///
    /// There is no such type.
    pub fn check(&mut self, type_name: &str, properties: &Value) -> Result<Vec<SchemaIssue>, UnknownType> {
        let type_name =
            if type_name.starts_with("Custom::") { "AWS::CloudFormation::CustomResource" } else { type_name };
        if !self.types.contains_key(type_name) {
            let Some(facts) = super::find(type_name) else {
                return Err(UnknownType { name: type_name.to_owned(), nearest: super::nearest(type_name) });
            };
            self.types.insert(type_name.to_owned(), facts);
        }
        let Some(facts) = self.types.get(type_name) else { return Ok(Vec::new()) };
        let mut run = Run::new(&facts.record, &mut self.patterns);
        if properties.is_object() {
            run.schema(&facts.record, properties);
        } else {
            run.issue(format!("the properties are {}, not an object", article(properties)));
        }
        for path in facts.read_only() {
            let first = path.split('/').next().unwrap_or(path);
            // Some schemas list what must be given as read-only too.
            if properties.get(first).is_some()
                && !facts.required().chain(facts.create_only()).any(|other| other == path)
            {
                run.read_only(path, path, properties);
            }
        }
        Ok(run.issues)
    }

    /// The facts about a type, opened once.
    pub fn facts(&mut self, type_name: &str) -> Option<&TypeFacts> {
        if !self.types.contains_key(type_name) {
            self.types.insert(type_name.to_owned(), super::find(type_name)?);
        }
        self.types.get(type_name)
    }
}

/// The subschema that a `$ref` names.
pub(super) fn pointed_at<'a>(root: &'a Map<String, Value>, target: &str) -> Option<&'a Value> {
    let mut segments = target.strip_prefix("#/")?.split('/');
    let mut found = root.get(segments.next()?)?;
    for segment in segments {
        found = match found {
            Value::Array(items) => items.get(segment.parse::<usize>().ok()?)?,
            other => other.get(segment)?,
        };
    }
    Some(found)
}

/// Whether a value is a call of an intrinsic function.
fn is_intrinsic(value: &Value) -> bool {
    let Value::Object(members) = value else { return false };
    let mut keys = members.keys();
    match (keys.next(), keys.next()) {
        (Some(key), None) => key == "Ref" || key.starts_with("Fn::"),
        _ => false,
    }
}

fn holds_intrinsic(value: &Value) -> bool {
    match value {
        Value::Object(members) => is_intrinsic(value) || members.values().any(holds_intrinsic),
        Value::Array(items) => items.iter().any(holds_intrinsic),
        _ => false,
    }
}

fn is_no_value(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|members| members.len() == 1 && members.get("Ref").and_then(Value::as_str) == Some("AWS::NoValue"))
}

fn is_given(members: &Map<String, Value>, name: &str) -> bool {
    members.get(name).is_some_and(|value| !is_no_value(value))
}

/// One walk over one resource's properties.
struct Run<'a> {
    root: &'a Map<String, Value>,
    patterns: &'a mut Patterns,
    pointer: String,
    depth: u32,
    issues: Vec<SchemaIssue>,
}

/// Deeper than any schema; references that lead in a circle end here.
const DEEPEST: u32 = 256;

impl<'a> Run<'a> {
    fn new(root: &'a Map<String, Value>, patterns: &'a mut Patterns) -> Self {
        Self { root, patterns, pointer: String::new(), depth: 0, issues: Vec::new() }
    }

    fn issue(&mut self, message: String) {
        self.issues.push(SchemaIssue { pointer: self.pointer.clone(), message });
    }

    /// Does something one member further down.
    fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        if name.contains(['~', '/']) {
            self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        } else {
            self.pointer.push_str(name);
        }
        inner(self);
        self.pointer.truncate(length);
    }

    /// Does something one item further down.
    fn within_item(&mut self, index: usize, inner: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        // Writing to a string does not fail.
        let _ = write!(self.pointer, "/{index}");
        inner(self);
        self.pointer.truncate(length);
    }

    /// What a part of the walk finds, without keeping it.
    fn found_by(&mut self, inner: impl FnOnce(&mut Self)) -> Vec<SchemaIssue> {
        let before = std::mem::take(&mut self.issues);
        inner(self);
        std::mem::replace(&mut self.issues, before)
    }

    fn subschema(&mut self, schema: &'a Value, value: &Value) {
        match schema {
            Value::Object(schema) => self.schema(schema, value),
            Value::Bool(false) => self.issue("nothing is allowed here".to_owned()),
            _ => {}
        }
    }

    fn schema(&mut self, schema: &'a Map<String, Value>, value: &Value) {
        if self.depth >= DEEPEST || is_intrinsic(value) {
            return;
        }
        self.depth += 1;
        self.keywords(schema, value);
        self.depth -= 1;
    }

    fn keywords(&mut self, schema: &'a Map<String, Value>, value: &Value) {
        // A value of another type breaks nearly every other keyword too; one message is enough.
        if let Some(expected) = schema.get("type")
            && !has_type(expected, schema, value)
        {
            return self.issue(format!("expected {}, found {}", expected_words(expected), article(value)));
        }
        for (keyword, argument) in schema {
            match keyword.as_str() {
                "$ref" => {
                    if let Some(target) = argument.as_str().and_then(|target| pointed_at(self.root, target)) {
                        self.subschema(target, value);
                    }
                }
                "enum" => self.one_of_values(argument, value, false),
                "enumCaseInsensitive" => self.one_of_values(argument, value, true),
                "const" => {
                    if !same(argument, value) {
                        self.issue(format!("`{}` is not `{}`", shown(value), shown(argument)));
                    }
                }
                "allOf" => {
                    for branch in argument.as_array().into_iter().flatten() {
                        self.subschema(branch, value);
                    }
                }
                "anyOf" => self.any_of(argument, value),
                "oneOf" => self.exactly_one_of(argument, value),
                "not" => {
                    if self.found_by(|run| run.subschema(argument, value)).is_empty() && !holds_intrinsic(value) {
                        self.forbidden(argument, value);
                    }
                }
                "if" => {
                    let holds = self.found_by(|run| run.subschema(argument, value)).is_empty();
                    if let Some(consequence) = schema.get(if holds { "then" } else { "else" }) {
                        self.subschema(consequence, value);
                    }
                }
                _ => match value {
                    Value::String(text) => self.text_keyword(keyword, argument, text),
                    Value::Number(number) => self.number_keyword(keyword, argument, number),
                    Value::Array(items) => self.list_keyword(keyword, argument, items),
                    Value::Object(members) => self.object_keyword(keyword, argument, members),
                    _ => {}
                },
            }
        }
        if let Value::Object(members) = value {
            self.members(schema, members);
        }
    }

    fn one_of_values(&mut self, argument: &Value, value: &Value, fold_case: bool) {
        let Some(allowed) = argument.as_array() else { return };
        let fits = |candidate: &Value| match (candidate, value) {
            (Value::String(candidate), Value::String(text)) if fold_case => candidate.eq_ignore_ascii_case(text),
            _ => same(candidate, value),
        };
        if allowed.iter().any(fits) {
            return;
        }
        let mut message = format!("`{}` is not ", shown(value));
        let near = value.as_str().and_then(|text| nearest(text, allowed.iter().filter_map(Value::as_str)));
        match (near, allowed.len()) {
            (Some(_), 9..) => message.push_str(&format!("one of the {} allowed values", allowed.len())),
            (None, 13..) => {
                let some: Vec<Value> = allowed.iter().take(8).cloned().collect();
                message.push_str(&format!("one of the {} allowed values ({}, …)", allowed.len(), listed(&some, ", ")));
            }
            (_, 1) => message.push_str(&listed(allowed, ", ")),
            _ => message.push_str(&format!("one of {}", listed(allowed, ", "))),
        }
        if let Some(near) = near {
            message.push_str(&format!(", did you mean `{near}`"));
        }
        self.issue(message);
    }

    fn any_of(&mut self, argument: &'a Value, value: &Value) {
        let Some(branches) = argument.as_array() else { return };
        let mut failed = Vec::with_capacity(branches.len());
        for branch in branches {
            let found = self.found_by(|run| run.subschema(branch, value));
            if found.is_empty() {
                return;
            }
            failed.push(found);
        }
        self.no_branch_fits(branches, failed, value);
    }

    fn exactly_one_of(&mut self, argument: &'a Value, value: &Value) {
        let Some(branches) = argument.as_array() else { return };
        let mut failed = Vec::with_capacity(branches.len());
        for branch in branches {
            let found = self.found_by(|run| run.subschema(branch, value));
            if !found.is_empty() {
                failed.push(found);
            }
        }
        match branches.len() - failed.len() {
            0 => self.no_branch_fits(branches, failed, value),
            1 => {}
            // What an intrinsic function becomes may decide between the branches.
            _ if holds_intrinsic(value) => {}
            _ => {
                let alternatives: Option<Vec<&str>> = branches.iter().map(only_required).collect();
                match alternatives {
                    Some(names) => self.issue(format!("only one of {} may be given", quoted(&names, ", "))),
                    // Branches that differ in nothing that can be seen here do not exclude each other.
                    None if branches.iter().all(|branch| branch.get("required").is_none()) => {}
                    None => self.issue("more than one of the alternatives is given".to_owned()),
                }
            }
        }
    }

    /// Reports the branch that was most probably meant.
    fn no_branch_fits(&mut self, branches: &[Value], failed: Vec<Vec<SchemaIssue>>, value: &Value) {
        let alternatives: Option<Vec<&str>> = branches.iter().map(only_required).collect();
        if let Some(names) = alternatives
            && value.is_object()
        {
            return self.issue(format!("one of {} must be given", quoted(&names, ", ")));
        }
        // The branch that the value got furthest into; of those, the one with the least to complain about.
        let here = self.pointer.len();
        let best = failed.into_iter().min_by_key(|issues| {
            let fails_here = issues.iter().any(|issue| issue.pointer.len() == here);
            (fails_here, issues.len())
        });
        self.issues.extend(best.unwrap_or_default());
    }

    fn forbidden(&mut self, argument: &Value, value: &Value) {
        match (argument.get("required").and_then(Value::as_array), argument.get("enum").and_then(Value::as_array)) {
            (Some(names), _) => self.issue(format!("{} may not be given here", listed(names, " and "))),
            (None, Some(_)) => self.issue(format!("`{}` is not allowed", shown(value))),
            (None, None) => self.issue("this combination is not allowed".to_owned()),
        }
    }

    fn text_keyword(&mut self, keyword: &str, argument: &Value, text: &str) {
        match keyword {
            "pattern" => {
                if let Some(pattern) = argument.as_str()
                    && !self.patterns.admits(pattern, text)
                {
                    self.issue(format!("`{}` does not match the pattern `{pattern}`", abridged(text)));
                }
            }
            "minLength" if is_below(text.chars().count(), argument) => {
                self.issue(format!("`{}` is shorter than {argument} characters", abridged(text)));
            }
            "maxLength" if is_above(text.chars().count(), argument) => {
                self.issue(format!("`{}` is longer than {argument} characters", abridged(text)));
            }
            _ => {}
        }
    }

    fn number_keyword(&mut self, keyword: &str, argument: &Value, number: &Number) {
        let (Some(limit), Some(actual)) = (argument.as_f64(), number.as_f64()) else { return };
        match keyword {
            "minimum" if actual < limit => self.issue(format!("{number} is less than {argument}")),
            "maximum" if actual > limit => self.issue(format!("{number} is more than {argument}")),
            "exclusiveMinimum" if actual <= limit => self.issue(format!("{number} is not more than {argument}")),
            "exclusiveMaximum" if actual >= limit => self.issue(format!("{number} is not less than {argument}")),
            "multipleOf" if limit > 0.0 && (actual / limit).fract() != 0.0 => {
                self.issue(format!("{number} is not a multiple of {argument}"));
            }
            _ => {}
        }
    }

    fn list_keyword(&mut self, keyword: &str, argument: &'a Value, items: &[Value]) {
        match keyword {
            "items" => {
                for (index, item) in items.iter().enumerate() {
                    self.within_item(index, |run| run.subschema(argument, item));
                }
            }
            "prefixItems" => {
                for (index, (item, schema)) in items.iter().zip(argument.as_array().into_iter().flatten()).enumerate() {
                    self.within_item(index, |run| run.subschema(schema, item));
                }
            }
            "minItems" if is_below(items.len(), argument) => {
                self.issue(format!("has {}, but needs at least {argument}", counted(items.len(), "item")));
            }
            "maxItems" => {
                let certain = items.iter().filter(|item| !is_no_value(item)).count();
                if is_above(certain, argument) {
                    self.issue(format!("has {}, but at most {argument} may be given", counted(certain, "item")));
                }
            }
            "uniqueItems" if argument.as_bool() == Some(true) => {
                if let Some((index, item)) = first_repeated(items.iter().map(Some)) {
                    self.within_item(index, |run| run.issue(format!("`{}` is given twice", shown(item))));
                }
            }
            "uniqueKeys" => {
                for key in argument.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if let Some((index, item)) = first_repeated(items.iter().map(|item| item.get(key))) {
                        let message = format!("`{key}` `{}` is given twice", shown(item));
                        self.within_item(index, |run| run.issue(message));
                    }
                }
            }
            _ => {}
        }
    }

    fn object_keyword(&mut self, keyword: &str, argument: &'a Value, members: &Map<String, Value>) {
        let names = || argument.as_array().into_iter().flatten().filter_map(Value::as_str);
        match keyword {
            "required" => {
                for name in names() {
                    if !is_given(members, name) {
                        self.issue(format!("`{name}` is missing"));
                    }
                }
            }
            "requiredOr" if !names().any(|name| is_given(members, name)) => {
                self.issue(format!("one of {} must be given", quoted(&names().collect::<Vec<_>>(), ", ")));
            }
            "requiredXor" => {
                let given: Vec<&str> = names().filter(|name| is_given(members, name)).collect();
                let all: Vec<&str> = names().collect();
                match given.len() {
                    0 => self.issue(format!("one of {} must be given", quoted(&all, ", "))),
                    1 => {}
                    _ => self.issue(format!("only one of {} may be given", quoted(&given, ", "))),
                }
            }
            "dependentRequired" | "dependencies" => {
                for (name, needs) in argument.as_object().into_iter().flatten() {
                    if !is_given(members, name) {
                        continue;
                    }
                    match needs {
                        Value::Array(needs) => {
                            for need in needs.iter().filter_map(Value::as_str) {
                                if !is_given(members, need) {
                                    self.issue(format!("`{name}` is given without `{need}`"));
                                }
                            }
                        }
                        schema => self.subschema_of_object(schema, members),
                    }
                }
            }
            "dependentExcluded" => {
                for (name, excluded) in argument.as_object().into_iter().flatten() {
                    for other in excluded.as_array().into_iter().flatten().filter_map(Value::as_str) {
                        // A pair that excludes each other is in the schema twice; it is reported once.
                        let mirrored = other < name.as_str()
                            && argument
                                .get(other)
                                .and_then(Value::as_array)
                                .is_some_and(|back| back.iter().any(|it| it == name));
                        if is_given(members, name) && is_given(members, other) && !mirrored {
                            self.issue(format!("`{name}` and `{other}` may not be given together"));
                        }
                    }
                }
            }
            "minProperties" if is_below(members.len(), argument) => {
                self.issue(format!("has {}, but needs at least {argument}", counted(members.len(), "member")));
            }
            "maxProperties" if is_above(members.len(), argument) => {
                self.issue(format!("has {}, but at most {argument} may be given", counted(members.len(), "member")));
            }
            _ => {}
        }
    }

    fn subschema_of_object(&mut self, schema: &'a Value, members: &Map<String, Value>) {
        // Rare enough that the copy does not matter.
        self.subschema(schema, &Value::Object(members.clone()));
    }

    /// `properties`, `patternProperties` and `additionalProperties`, which only make sense together.
    fn members(&mut self, schema: &'a Map<String, Value>, members: &Map<String, Value>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let additional = schema.get("additionalProperties");
        if properties.is_none() && patterns.is_none() && !matches!(additional, Some(Value::Object(_))) {
            return;
        }
        for (name, value) in members {
            if let Some(property) = properties.and_then(|properties| properties.get(name)) {
                self.within(name, |run| run.subschema(property, value));
                continue;
            }
            let mut matched = false;
            for (pattern, property) in patterns.into_iter().flatten() {
                if self.patterns.admits(pattern, name) {
                    matched = true;
                    self.within(name, |run| run.subschema(property, value));
                }
            }
            if matched || name.starts_with("Fn::") {
                continue;
            }
            match additional {
                Some(Value::Bool(false)) => {
                    let near = nearest(name, properties.into_iter().flat_map(|known| known.keys().map(String::as_str)));
                    let mut message = format!("`{name}` is not a property here");
                    if let Some(near) = near {
                        message.push_str(&format!(", did you mean `{near}`"));
                    }
                    self.within(name, |run| run.issue(message));
                }
                Some(additional) => self.within(name, |run| run.subschema(additional, value)),
                None => {}
            }
        }
    }

    fn read_only(&mut self, path: &str, rest: &str, value: &Value) {
        let (step, rest) = match rest.split_once('/') {
            Some((step, rest)) => (step, Some(rest)),
            None => (rest, None),
        };
        if step == "*" {
            for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                self.within_item(index, |run| match rest {
                    Some(rest) => run.read_only(path, rest, item),
                    None => run.issue(format!("`{path}` is set by the service and cannot be given")),
                });
            }
        } else if let Some(inner) = value.get(step) {
            self.within(step, |run| match rest {
                Some(rest) => run.read_only(path, rest, inner),
                None => run.issue(format!("`{path}` is set by the service and cannot be given")),
            });
        }
    }
}

fn is_below(count: usize, least: &Value) -> bool {
    least.as_u64().is_some_and(|least| (count as u64) < least)
}

fn is_above(count: usize, most: &Value) -> bool {
    most.as_u64().is_some_and(|most| count as u64 > most)
}

/// The property that a schema requires, if it does nothing else and requires one.
fn only_required(schema: &Value) -> Option<&str> {
    let members = schema.as_object()?;
    let names = members.get("required")?.as_array()?;
    let alone = members.keys().all(|keyword| keyword == "required" || keyword == "type");
    match names.as_slice() {
        [name] if alone => name.as_str(),
        _ => None,
    }
}

fn has_type(expected: &Value, schema: &Map<String, Value>, value: &Value) -> bool {
    match expected {
        Value::String(name) => {
            is_of_type(name, value)
                // CloudFormation takes an object without members of its own, such as a policy document, as JSON text too.
                || (name == "object"
                    && value.is_string()
                    && !schema.contains_key("properties")
                    && !schema.contains_key("patternProperties"))
        }
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(|name| is_of_type(name, value)),
        _ => true,
    }
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn type_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

fn expected_words(expected: &Value) -> String {
    match expected {
        Value::String(name) => type_words(name).to_owned(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(type_words).collect::<Vec<_>>().join(" or "),
        _ => "something else".to_owned(),
    }
}

fn article(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(text) => format!("the text `{}`", abridged(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Equality as JSON Schema has it: `1` and `1.0` are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

/// The first item that an earlier one repeats, and its position. Intrinsic functions may differ when they look alike.
fn first_repeated<'v>(items: impl Iterator<Item = Option<&'v Value>>) -> Option<(usize, &'v Value)> {
    let mut seen: Vec<&Value> = Vec::new();
    for (index, item) in items.enumerate() {
        let Some(item) = item.filter(|item| !is_no_value(item)) else { continue };
        if seen.contains(&item) {
            return Some((index, item));
        }
        seen.push(item);
    }
    None
}

fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = name.to_ascii_lowercase();
    known
        .map(|known| (strsim::osa_distance(&wanted, &known.to_ascii_lowercase()), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 5)
        .min()
        .map(|(_, known)| known)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => abridged(text),
        other => abridged(&other.to_string()),
    }
}

fn abridged(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn listed(values: &[Value], between: &str) -> String {
    values.iter().map(|value| format!("`{}`", shown(value))).collect::<Vec<_>>().join(between)
}

fn quoted(names: &[&str], between: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(between)
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(type_name: &str, properties: &Value) -> Vec<String> {
        let issues = Validator::new().check(type_name, properties).unwrap();
        issues.into_iter().map(|issue| format!("{}: {}", issue.pointer, issue.message)).collect()
    }

    fn table(extra: Value) -> Value {
        let mut table = json!({
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        });
        table.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        table
    }

    #[test]
    fn a_correct_table_has_no_issues() {
        assert_eq!(found("AWS::DynamoDB::Table", &table(json!({}))), Vec::<String>::new());
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        let table = table(json!({
            "BillingMode": "PAY_PER_REQUES",
            "DeletionProtectionEnabled": "yes",
            "TabelName": "orders",
            "Arn": "arn:aws:dynamodb:eu-central-1:111122223333:table/orders",
            "SSESpecification": { "KMSMasterKeyId": "k", "SSEEnabled": true },
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "RANGE" }],
        }));
        assert_eq!(
            found("AWS::DynamoDB::Table", &table),
            [
                "/BillingMode: `PAY_PER_REQUES` is not one of `PAY_PER_REQUEST`, `PROVISIONED`, did you mean `PAY_PER_REQUEST`",
                "/KeySchema/0/KeyType: `RANGE` is not `HASH`",
                "/DeletionProtectionEnabled: expected `true` or `false`, found the text `yes`",
                "/TabelName: `TabelName` is not a property here, did you mean `TableName`",
                "/SSESpecification: `KMSMasterKeyId` is given without `SSEType`",
                "/Arn: `Arn` is set by the service and cannot be given",
            ]
        );
    }

    #[test]
    fn what_is_missing_is_reported_at_the_object() {
        assert_eq!(found("AWS::Lambda::Function", &json!({})), [": `Code` is missing", ": `Role` is missing"]);
        assert_eq!(
            found("AWS::EC2::Subnet", &json!({ "VpcId": "vpc-1" })),
            [": one of `CidrBlock`, `Ipv4IpamPoolId`, `Ipv6IpamPoolId`, `Ipv6CidrBlock` must be given"]
        );
    }

    #[test]
    fn intrinsic_functions_are_admitted_wherever_a_value_is() {
        let function = json!({
            "Code": { "Fn::Transform": { "Name": "x" } },
            "Role": { "Fn::GetAtt": ["Role", "Arn"] },
            "MemorySize": { "Fn::FindInMap": ["a", "b", "c"] },
            "Layers": { "Fn::Split": [",", { "Ref": "Layers" }] },
            "VpcConfig": { "SubnetIds": [{ "Ref": "SubnetA" }, { "Fn::ImportValue": "b" }], "SecurityGroupIds": [] },
            "Environment": { "Variables": { "TABLE": { "Fn::GetStackOutput": { "StackName": "s", "OutputName": "o" } } } },
            "KmsKeyArn": { "Fn::Sub": "arn:${AWS::Partition}:kms" },
            "TracingConfig": { "Ref": "AWS::NoValue" },
        });
        assert_eq!(found("AWS::Lambda::Function", &function), Vec::<String>::new());
    }

    #[test]
    fn no_value_is_no_value() {
        let function = json!({ "Code": { "ZipFile": "x" }, "Role": { "Ref": "AWS::NoValue" } });
        assert_eq!(found("AWS::Lambda::Function", &function), [": `Role` is missing"]);
    }

    #[test]
    fn what_excludes_each_other_is_reported_once() {
        let subnet =
            json!({ "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": "a", "AvailabilityZoneId": "b" });
        assert_eq!(
            found("AWS::EC2::Subnet", &subnet),
            [": `AvailabilityZone` and `AvailabilityZoneId` may not be given together"]
        );
    }

    #[test]
    fn an_unknown_type_comes_with_its_neighbours() {
        let unknown = Validator::new().check("AWS::S3::Buckett", &json!({})).unwrap_err();
        assert_eq!(unknown.to_string(), "`AWS::S3::Buckett` is not a resource type, did you mean `AWS::S3::Bucket`");
    }

    #[test]
    fn a_custom_resource_needs_only_its_token() {
        assert_eq!(found("Custom::Seed", &json!({ "Table": "orders" })), [": `ServiceToken` is missing"]);
    }

    /// A value that fits a schema more or less: every property is there, with something of the right type.
    fn example(root: &Map<String, Value>, schema: &Value, depth: u32) -> Value {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            return example(root, pointed_at(root, target).unwrap(), depth + 1);
        }
        if let Some(first) = schema.get("enum").and_then(|allowed| allowed.get(0)) {
            return first.clone();
        }
        let name = match schema.get("type") {
            Some(Value::Array(names)) => names[0].as_str().unwrap(),
            Some(Value::String(name)) => name,
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        match name {
            "string" => {
                let length = schema.get("minLength").and_then(Value::as_u64).unwrap_or(3);
                json!("a".repeat(usize::try_from(length).unwrap().min(3000)))
            }
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "boolean" => json!(true),
            "array" if depth < 6 => json!([example(root, schema.get("items").unwrap_or(&json!({})), depth + 1)]),
            "array" => json!([]),
            _ => {
                let mut members = Map::new();
                for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                    if depth < 6 {
                        members.insert(name.clone(), example(root, property, depth + 1));
                    }
                }
                Value::Object(members)
            }
        }
    }

    /// The same value with one thing changed at each place.
    fn spoilt(value: &Value) -> Vec<Value> {
        let mut out = Vec::new();
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    let mut less = members.clone();
                    less.shift_remove(name);
                    out.push(Value::Object(less));
                    for worse in spoilt(inner) {
                        let mut changed = members.clone();
                        changed.insert(name.clone(), worse);
                        out.push(Value::Object(changed));
                    }
                }
                let mut more = members.clone();
                more.insert("NobodyKnowsThis".to_owned(), json!(1));
                out.push(Value::Object(more));
            }
            Value::Array(items) => {
                out.push(json!(7));
                for (index, inner) in items.iter().enumerate() {
                    for worse in spoilt(inner) {
                        let mut changed = items.clone();
                        changed[index] = worse;
                        out.push(Value::Array(changed));
                    }
                }
            }
            _ => out.extend([json!([[]]), json!("ab/c:1"), json!(-1)]),
        }
        out
    }

    /// For keywords that both know, this module and the `jsonschema` crate must come to the same verdict.
    #[test]
    fn verdicts_agree_with_a_general_validator() {
        let ours_alone = [
            "requiredXor",
            "requiredOr",
            "dependentExcluded",
            "uniqueKeys",
            "enumCaseInsensitive",
            "prefixItems",
            "oneOf",
        ];
        let (mut compared, mut types) = (0, 0);
        for name in crate::cfn::schema::names().step_by(12) {
            let facts = crate::cfn::schema::find(name).unwrap();
            let text = serde_json::to_string(&facts.record).unwrap();
            if ours_alone.iter().any(|keyword| text.contains(&format!("\"{keyword}\":"))) || text.len() > 12_000 {
                continue;
            }
            let schema = Value::Object(facts.record.clone());
            let Ok(theirs) = jsonschema::options().with_draft(jsonschema::Draft::Draft201909).build(&schema) else {
                continue;
            };
            types += 1;
            let mut patterns = Patterns::default();
            let first = example(&facts.record, &schema, 0);
            let mut all = spoilt(&first);
            all.push(first);
            for value in all {
                // An object without members of its own takes text here, on purpose.
                let mut run = Run::new(&facts.record, &mut patterns);
                run.schema(&facts.record, &value);
                let theirs_errors: Vec<String> = theirs
                    .iter_errors(&value)
                    .filter(|error| !error.to_string().ends_with("is not of type \"object\""))
                    .map(|error| error.to_string())
                    .collect();
                let issues: Vec<_> =
                    run.issues.iter().filter(|issue| !issue.message.starts_with("expected an object")).collect();
                assert_eq!(
                    issues.is_empty(),
                    theirs_errors.is_empty(),
                    "{name} {value}\n{issues:?}\n{theirs_errors:?}"
                );
                compared += 1;
            }
        }
        assert!(types > 80 && compared > 2000, "{types} types, {compared} values");
    }
}
