//! A template with the values of one stack put in, as far as they are known before it is deployed.
//!
//! What is not known stays a call of an intrinsic function, in one spelling: `Fn::Sub` and `Fn::Join` become the same
//! pieces, `Fn::GetAtt` a list of two. So two ways to write a value are one value.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::facts::partition;
use serde_json::{Map, Value, json};

/// How deep conditions may lead from one to the next.
const MAX_DEPTH: usize = 100;

/// Begins and ends the name of a value that is not looked at: of the private use area, so in no template.
pub(super) const OPAQUE: char = '\u{e000}';

/// A template and what one stack is deployed with.
#[derive(Debug, Clone, Copy)]
pub struct Deployed<'a> {
    /// The template, as JSON.
    pub template: &'a Value,
    /// The values of its parameters; the defaults of the template stand for those that are not given.
    pub parameters: &'a BTreeMap<String, String>,
    /// The stack's name: `AWS::StackName`; empty if it is not known.
    pub stack: &'a str,
    /// The account: `AWS::AccountId`; none while it is not known.
    pub account: Option<&'a str>,
    /// The region: `AWS::Region`; empty if it is not known. The partition and the URL suffix follow from it.
    pub region: &'a str,
}

/// A resource as it is deployed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evaluated {
    pub(super) kind: String,
    pub(super) properties: Value,
    pub(super) deletion: Option<String>,
    pub(super) replacing: Option<String>,
    /// What else of it is deployed: `UpdatePolicy`, and the metadata that instances act upon.
    pub(super) others: Map<String, Value>,
}

/// Evaluates the values of one stack.
#[derive(Debug)]
pub(super) struct Evaluator<'a> {
    deployed: Deployed<'a>,
    parameters: BTreeMap<&'a str, Value>,
    secrets: BTreeSet<String>,
    conditions: RefCell<BTreeMap<&'a str, Option<bool>>>,
    /// Whether an opaque value would have had to be looked at.
    looked: Cell<bool>,
    depth: Cell<usize>,
}

/// A scalar as text, as CloudFormation hands it on.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The only entry of an object, if that is a call of an intrinsic function.
pub(super) fn call(value: &Value) -> Option<(&str, &Value)> {
    let Value::Object(entries) = value else { return None };
    let mut entries = entries.iter();
    match (entries.next(), entries.next()) {
        (Some((key, argument)), None) if key == "Ref" || key.starts_with("Fn::") => Some((key, argument)),
        _ => None,
    }
}

/// The logical ids that a value refers to, after its evaluation.
pub(super) fn references(value: &Value, found: &mut BTreeSet<String>) {
    match (call(value), value) {
        (Some(("Ref", Value::String(id))), _) => {
            found.insert(id.clone());
        }
        (Some(("Fn::GetAtt", Value::Array(parts))), _) => {
            found.extend(parts.first().and_then(Value::as_str).map(str::to_owned));
        }
        (_, Value::Object(entries)) => entries.values().for_each(|value| references(value, found)),
        (_, Value::Array(items)) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(deployed: Deployed<'a>) -> Self {
        let mut parameters = BTreeMap::new();
        let mut secrets = BTreeSet::new();
        let mut looked = false;
        let declared = deployed.template.get("Parameters").and_then(Value::as_object);
        for (name, declaration) in declared.into_iter().flatten() {
            let given = deployed.parameters.get(name.as_str()).cloned();
            let Some(text) = given.or_else(|| declaration.get("Default").and_then(scalar)) else { continue };
            let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or("String");
            let hidden = declaration.get("NoEcho").and_then(scalar).is_some_and(|value| value == "true");
            if hidden && !text.is_empty() && !text.contains(OPAQUE) {
                secrets.insert(text.clone());
            }
            // What a parameter of the Systems Manager holds is read when the stack is deployed.
            let value = if kind.starts_with("AWS::SSM::Parameter::Value<") {
                json!({"Fn::Parameter": text})
            } else if kind == "CommaDelimitedList" || kind.starts_with("List<") {
                looked |= text.contains(OPAQUE);
                text.split(',').map(|item| Value::from(item.trim())).collect()
            } else {
                Value::from(text)
            };
            parameters.insert(name.as_str(), value);
        }
        Self {
            deployed,
            parameters,
            secrets,
            conditions: RefCell::default(),
            looked: Cell::new(looked),
            depth: Cell::new(0),
        }
    }

    /// Whether the outcome may depend on values that were opaque.
    pub(super) fn has_looked(&self) -> bool {
        self.looked.get()
    }

    /// The values of parameters that must not be shown.
    pub(super) fn secrets(&self) -> &BTreeSet<String> {
        &self.secrets
    }

    /// The resources as they are deployed, by logical id. What a condition leaves out is not there.
    pub(super) fn resources(&self) -> BTreeMap<&'a str, Evaluated> {
        let all = self.deployed.template.get("Resources").and_then(Value::as_object);
        all.into_iter()
            .flatten()
            .filter(|(_, resource)| self.is_there(resource))
            .map(|(id, resource)| (id.as_str(), self.resource(resource)))
            .collect()
    }

    /// The outputs by name: their values, and the names that they are exported under.
    pub(super) fn outputs(&self) -> BTreeMap<&'a str, Value> {
        let all = self.deployed.template.get("Outputs").and_then(Value::as_object);
        all.into_iter()
            .flatten()
            .filter(|(_, output)| self.is_there(output))
            .map(|(name, output)| {
                let mut shown = Map::new();
                for key in ["Value", "Export"] {
                    if let Some(value) = output.get(key).and_then(|value| self.value(value)) {
                        shown.insert(key.to_owned(), value);
                    }
                }
                (name.as_str(), Value::Object(shown))
            })
            .collect()
    }

    /// Whether something with a `Condition` is deployed. What cannot be decided is taken to be.
    fn is_there(&self, entry: &'a Value) -> bool {
        let condition = entry.get("Condition").and_then(Value::as_str);
        condition.is_none_or(|name| self.condition(name) != Some(false))
    }

    fn resource(&self, resource: &'a Value) -> Evaluated {
        let text = |key: &str| resource.get(key).and_then(|value| self.value(value)).as_ref().and_then(scalar);
        let properties = resource.get("Properties").and_then(|value| self.value(value));
        let mut others = Map::new();
        if let Some(policy) = resource.get("UpdatePolicy").and_then(|value| self.value(value)) {
            others.insert("UpdatePolicy".to_owned(), policy);
        }
        for key in ["AWS::CloudFormation::Init", "AWS::CloudFormation::Authentication"] {
            if let Some(value) = resource.get("Metadata").and_then(|all| all.get(key)).and_then(|all| self.value(all)) {
                others.insert(format!("Metadata/{key}"), value);
            }
        }
        Evaluated {
            kind: text("Type").unwrap_or_default(),
            properties: properties.unwrap_or_else(|| Value::Object(Map::new())),
            deletion: text("DeletionPolicy"),
            replacing: text("UpdateReplacePolicy"),
            others,
        }
    }

    /// The value, nothing if it is `AWS::NoValue` or null.
    fn value(&self, value: &'a Value) -> Option<Value> {
        if let Some((function, argument)) = call(value) {
            return self.call(function, argument, value);
        }
        match value {
            Value::Null => None,
            Value::Array(items) => Some(items.iter().filter_map(|item| self.value(item)).collect()),
            Value::Object(entries) => {
                let entries = entries.iter().filter_map(|(key, value)| Some((key.clone(), self.value(value)?)));
                Some(Value::Object(entries.collect()))
            }
            other => Some(other.clone()),
        }
    }

    fn call(&self, function: &'a str, argument: &'a Value, whole: &'a Value) -> Option<Value> {
        let list = argument.as_array().map_or(&[] as &[Value], Vec::as_slice);
        match (function, argument, list) {
            ("Ref", Value::String(name), _) => self.reference(name),
            ("Fn::GetAtt", Value::String(text), _) => {
                let (id, attribute) = text.split_once('.').unwrap_or((text, ""));
                Some(json!({"Fn::GetAtt": [id, attribute]}))
            }
            ("Fn::Sub", Value::String(text), _) => Some(self.substitute(text, None)),
            ("Fn::Sub", _, [Value::String(text), Value::Object(own)]) => Some(self.substitute(text, Some(own))),
            ("Fn::Join", _, [Value::String(delimiter), items]) => Some(self.join(delimiter, items)),
            ("Fn::If", _, [Value::String(name), yes, no]) => match self.condition(name) {
                Some(true) => self.value(yes),
                Some(false) => self.value(no),
                None => Some(json!({"Fn::If": [name, self.value(yes), self.value(no)]})),
            },
            ("Fn::Select", _, [index, items]) => Some(self.select(index, items)),
            ("Fn::Split", _, [Value::String(delimiter), text]) => Some(self.split(delimiter, text)),
            ("Fn::FindInMap", _, [map, first, second, ..]) => Some(self.find_in_map(map, first, second, whole)),
            (_, Value::Object(entries), _) => {
                let entries = entries.iter().filter_map(|(key, value)| Some((key.clone(), self.value(value)?)));
                Some(json!({function: Value::Object(entries.collect())}))
            }
            (_, _, [_, ..]) => {
                let items: Vec<Value> = list.iter().filter_map(|item| self.value(item)).collect();
                Some(json!({function: items}))
            }
            _ => {
                let argument = self.value(argument)?;
                Some(json!({function: argument}))
            }
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        let own = &self.deployed;
        match name {
            "AWS::NoValue" => None,
            // What is not known stays a reference.
            "AWS::Region" | "AWS::Partition" | "AWS::URLSuffix" if own.region.is_empty() => Some(json!({"Ref": name})),
            "AWS::StackName" if own.stack.is_empty() => Some(json!({"Ref": name})),
            "AWS::Region" => Some(own.region.into()),
            "AWS::Partition" => Some(partition(own.region).into()),
            "AWS::URLSuffix" => {
                Some(if partition(own.region) == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" }.into())
            }
            "AWS::StackName" => Some(own.stack.into()),
            "AWS::AccountId" if own.account.is_some() => own.account.map(Value::from),
            name => Some(self.parameters.get(name).cloned().unwrap_or_else(|| json!({"Ref": name}))),
        }
    }

    fn substitute(&self, text: &str, own: Option<&'a Map<String, Value>>) -> Value {
        let mut pieces = Vec::new();
        let mut parts = text.split("${");
        pieces.extend(parts.next().map(Value::from));
        for part in parts {
            let Some((inside, after)) = part.split_once('}') else {
                pieces.push(format!("${{{part}").into());
                continue;
            };
            if let Some(literal) = inside.strip_prefix('!') {
                pieces.push(format!("${{{literal}}}").into());
            } else if let Some(value) = own.and_then(|own| own.get(inside)) {
                pieces.extend(self.value(value));
            } else if let Some((id, attribute)) = inside.split_once('.') {
                pieces.push(json!({"Fn::GetAtt": [id.trim(), attribute.trim()]}));
            } else {
                pieces.extend(self.reference(inside.trim()));
            }
            pieces.push(after.into());
        }
        run_together(pieces)
    }

    fn join(&self, delimiter: &'a str, items: &'a Value) -> Value {
        let items = match self.value(items) {
            Some(Value::Array(items)) => items,
            // A list that is known only when the stack is deployed.
            other => return json!({"Fn::Join": [delimiter, other]}),
        };
        let mut pieces = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                pieces.push(delimiter.into());
            }
            pieces.push(item);
        }
        run_together(pieces)
    }

    fn select(&self, index: &'a Value, items: &'a Value) -> Value {
        let index = self.value(index).unwrap_or(Value::Null);
        let items = self.value(items).unwrap_or(Value::Null);
        let position = scalar(&index).and_then(|text| text.parse::<usize>().ok());
        match (position, &items) {
            (Some(position), Value::Array(list)) if list.get(position).is_some() => {
                list.get(position).cloned().unwrap_or(Value::Null)
            }
            _ => {
                self.look(&index);
                json!({"Fn::Select": [index, items]})
            }
        }
    }

    fn split(&self, delimiter: &str, text: &'a Value) -> Value {
        match self.value(text) {
            Some(Value::String(text)) if !delimiter.is_empty() => {
                self.look(&Value::from(text.as_str()));
                text.split(delimiter).map(Value::from).collect()
            }
            other => json!({"Fn::Split": [delimiter, other]}),
        }
    }

    fn find_in_map(&self, map: &'a Value, first: &'a Value, second: &'a Value, whole: &'a Value) -> Value {
        let [map, first, second] = [map, first, second].map(|key| self.value(key).unwrap_or(Value::Null));
        [&map, &first, &second].into_iter().for_each(|key| self.look(key));
        let found = self.deployed.template.get("Mappings").and_then(|all| {
            let [map, first, second] = [&map, &first, &second].map(Value::as_str);
            all.get(map?)?.get(first?)?.get(second?)
        });
        found.cloned().unwrap_or_else(|| {
            let rest = whole.get("Fn::FindInMap").and_then(|all| all.get(3));
            json!({"Fn::FindInMap": [map, first, second, rest]})
        })
    }

    /// Notes that the outcome depends on what a value says, if it is opaque.
    fn look(&self, value: &Value) {
        if is_opaque(value) {
            self.looked.set(true);
        }
    }

    /// The truth of a condition; nothing where it is not known before the stack is deployed.
    fn condition(&self, name: &'a str) -> Option<bool> {
        if let Some(known) = self.conditions.borrow().get(name) {
            return *known;
        }
        if self.depth.get() >= MAX_DEPTH {
            return None;
        }
        let expression = self.deployed.template.get("Conditions").and_then(|all| all.get(name))?;
        self.depth.set(self.depth.get() + 1);
        let truth = self.truth(expression);
        self.depth.set(self.depth.get() - 1);
        self.conditions.borrow_mut().insert(name, truth);
        truth
    }

    fn truth(&self, expression: &'a Value) -> Option<bool> {
        let Value::Object(entries) = expression else { return None };
        let (function, argument) = entries.iter().next()?;
        let list = argument.as_array().map_or(&[] as &[Value], Vec::as_slice);
        match (function.as_str(), argument, list) {
            ("Condition", Value::String(name), _) => self.condition(name),
            ("Fn::Equals", _, [one, other]) => {
                let (one, other) = (self.value(one), self.value(other));
                if one == other {
                    return Some(true);
                }
                let open = |value: &Option<Value>| value.as_ref().is_some_and(has_call);
                for value in [&one, &other].into_iter().flatten() {
                    self.look(value);
                }
                if open(&one) || open(&other) {
                    return None;
                }
                let text = |value: &Option<Value>| value.as_ref().and_then(scalar);
                Some(text(&one).is_some() && text(&one) == text(&other))
            }
            ("Fn::And", _, [_, ..]) => self.all(list, false),
            ("Fn::Or", _, [_, ..]) => self.all(list, true),
            ("Fn::Not", _, [one]) => self.truth(one).map(|truth| !truth),
            _ => None,
        }
    }

    /// What one of them decides whatever the others are; else open if one is; else the opposite.
    fn all(&self, list: &'a [Value], decides: bool) -> Option<bool> {
        let mut result = Some(!decides);
        for expression in list {
            match self.truth(expression) {
                Some(truth) if truth == decides => return Some(decides),
                None => result = None,
                Some(_) => {}
            }
        }
        result
    }
}

/// Whether a call of an intrinsic function is left in a value.
fn has_call(value: &Value) -> bool {
    call(value).is_some()
        || match value {
            Value::Object(entries) => entries.values().any(has_call),
            Value::Array(items) => items.iter().any(has_call),
            _ => false,
        }
}

/// Whether a value holds an opaque one.
pub(super) fn is_opaque(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(OPAQUE),
        Value::Object(entries) => entries.iter().any(|(key, value)| key.contains(OPAQUE) || is_opaque(value)),
        Value::Array(items) => items.iter().any(is_opaque),
        _ => false,
    }
}

/// Pieces as one value: text where all are known; else a join without a delimiter, in which no two texts are neighbours.
fn run_together(pieces: Vec<Value>) -> Value {
    let mut flat: Vec<Value> = Vec::new();
    for piece in pieces {
        match call(&piece) {
            Some(("Fn::Join", Value::Array(arguments))) if arguments.first().is_some_and(|first| first == "") => {
                let inner = arguments.get(1).and_then(Value::as_array).cloned().unwrap_or_default();
                inner.into_iter().for_each(|piece| push(&mut flat, piece));
            }
            _ => push(&mut flat, piece),
        }
    }
    match flat.as_slice() {
        [] => Value::from(""),
        [only] => only.clone(),
        _ => json!({"Fn::Join": ["", flat]}),
    }
}

fn push(flat: &mut Vec<Value>, piece: Value) {
    match (scalar(&piece), flat.last_mut()) {
        (Some(text), Some(Value::String(last))) => last.push_str(&text),
        (Some(text), _) if text.is_empty() => {}
        (Some(text), _) => flat.push(text.into()),
        (None, _) => flat.push(piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(template: &Value, parameters: &[(&str, &str)]) -> Value {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let deployed = Deployed {
            template,
            parameters: &parameters,
            stack: "orders",
            account: Some("123456789012"),
            region: "eu-west-1",
        };
        let resources = Evaluator::new(deployed).resources();
        resources.get("R").map_or(Value::Null, |resource| resource.properties.get("V").cloned().unwrap_or(Value::Null))
    }

    fn value(value: Value) -> Value {
        let template = json!({
            "Parameters": {"P": {"Type": "String"}, "L": {"Type": "CommaDelimitedList", "Default": "a, b"}},
            "Mappings": {"M": {"eu-west-1": {"k": "mapped"}}},
            "Conditions": {
                "Yes": {"Fn::Equals": [{"Ref": "P"}, "p"]},
                "No": {"Fn::Not": [{"Condition": "Yes"}]},
                "Open": {"Fn::Equals": [{"Ref": "Unknown"}, "p"]},
                "Round": {"Condition": "Round"},
            },
            "Resources": {"R": {"Type": "T", "Properties": {"V": value}}},
        });
        evaluate(&template, &[("P", "p")])
    }

    #[test]
    fn what_is_known_is_put_in() {
        assert_eq!(value(json!({"Ref": "P"})), json!("p"));
        assert_eq!(value(json!({"Ref": "L"})), json!(["a", "b"]));
        assert_eq!(value(json!({"Fn::Sub": "x-${P}-${AWS::Region}-${!P}-${AWS::AccountId}"})), {
            json!("x-p-eu-west-1-${P}-123456789012")
        });
        assert_eq!(value(json!({"Fn::Sub": ["${A}-${P}", {"A": {"Ref": "P"}}]})), json!("p-p"));
        assert_eq!(value(json!({"Fn::Join": ["-", ["a", {"Ref": "P"}, {"Ref": "AWS::NoValue"}]]})), json!("a-p"));
        assert_eq!(value(json!({"Fn::Select": [1, {"Ref": "L"}]})), json!("b"));
        assert_eq!(value(json!({"Fn::Select": ["0", {"Fn::Split": ["-", "a-b"]}]})), json!("a"));
        assert_eq!(value(json!({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]})), json!("mapped"));
        assert_eq!(value(json!({"Fn::If": ["Yes", 1, 2]})), json!(1));
        assert_eq!(value(json!({"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]})), Value::Null);
        assert_eq!(value(json!({"Fn::If": ["Open", 1, 2]})), json!({"Fn::If": ["Open", 1, 2]}));
        assert_eq!(value(json!({"Fn::If": ["Round", 1, 2]})), json!({"Fn::If": ["Round", 1, 2]}));
    }

    #[test]
    fn what_is_not_known_has_one_spelling() {
        let sub = value(json!({"Fn::Sub": "a-${R}-${P}-${R.Arn}"}));
        let join = value(json!({"Fn::Join": ["-", ["a", {"Ref": "R"}, "p", {"Fn::GetAtt": "R.Arn"}]]}));
        assert_eq!(sub, join);
        assert_eq!(value(json!({"Fn::Sub": "${R}"})), json!({"Ref": "R"}));
        let mut found = BTreeSet::new();
        references(&sub, &mut found);
        assert_eq!(found, BTreeSet::from(["R".to_owned()]));
    }
}
