//! Values in the form in which they are compared: what has no order has none here, what is written in two ways is one.
//!
//! Without order are lists that the type's schema says so of (`insertionOrder: false`), tags, and the lists of policy
//! documents: statements, actions, resources, principals, the values of conditions, for which one text stands as well as
//! a list of one. Scalars are compared as text, as CloudFormation hands them on: `1` is `"1"`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::evaluate::{call, references, scalar};
use crate::cfn::schema::{TagStyle, TypeFacts};

/// A value to be compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// A scalar, or a call of an intrinsic function whose value is not known.
    Leaf(Value),
    /// A list; whether its order means something.
    List(Vec<Tree>, bool),
    /// An object, or tags by their keys.
    Map(BTreeMap<String, Tree>),
}

/// A place that differs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// The steps to it, as a JSON pointer without its first slash.
    pub(super) path: String,
    /// The same with `*` for the items of lists, as schemas write it.
    pub(super) generic: String,
    pub(super) old: Option<Tree>,
    pub(super) new: Option<Tree>,
}

/// What tells the items of a list apart, if one of them is a scalar in all.
const IDENTITIES: [&str; 8] = ["Sid", "Key", "Id", "Name", "IndexName", "AttributeName", "PolicyName", "ParameterName"];

/// Properties that hold JSON as text.
const JSON_TEXTS: [&str; 4] = ["Body", "DashboardBody", "DefinitionString", "PolicyDocument"];

/// What a list or text stands for, where the schema does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Statement,
    /// Actions, resources, or the principals of one kind.
    Texts,
    /// Principals by kind.
    Principals,
    /// The values of conditions, by operator.
    Operators,
    /// The values of one operator, by key.
    Keys,
}

/// Makes trees of a type's properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planter<'a> {
    facts: Option<&'a TypeFacts>,
}

impl<'a> Planter<'a> {
    pub(super) fn new(facts: Option<&'a TypeFacts>) -> Self {
        Self { facts }
    }

    /// The tree of a resource's properties.
    pub(super) fn properties(self, properties: &Value) -> Tree {
        let Value::Object(entries) = properties else { return self.tree(properties, None, Role::Plain) };
        let schemas = self.facts.and_then(|facts| facts.schema().get("properties"));
        let tagging = self.facts.and_then(TypeFacts::tagging);
        let tree = |name: &String, value: &Value| match &tagging {
            Some(tagging) if tagging.property == *name => match tags(value, tagging.style) {
                Some(map) => Tree::Map(map),
                None => self.tree(value, None, Role::Plain),
            },
            _ => {
                let schema = schemas.and_then(|schemas| schemas.get(name));
                self.named(name, value, schema)
            }
        };
        Tree::Map(entries.iter().map(|(name, value)| (name.clone(), tree(name, value))).collect())
    }

    /// The tree of a policy document.
    pub(super) fn document(self, document: &Value) -> Tree {
        self.tree(document, None, Role::Plain)
    }

    fn named(self, name: &str, value: &Value, schema: Option<&'a Value>) -> Tree {
        let schema = schema.map(|schema| self.resolve(schema));
        if let Value::String(text) = value
            && text.trim_start().starts_with(['{', '['])
            && let Ok(parsed) = serde_json::from_str::<Value>(text)
            && (JSON_TEXTS.contains(&name) || is_json(schema) || is_policy(&parsed))
        {
            return self.tree(&parsed, schema, Role::Plain);
        }
        self.tree(value, schema, Role::Plain)
    }

    fn tree(self, value: &Value, schema: Option<&'a Value>, role: Role) -> Tree {
        if call(value).is_some() {
            return match role {
                Role::Texts => Tree::List(vec![Tree::Leaf(value.clone())], false),
                _ => Tree::Leaf(value.clone()),
            };
        }
        let schema = schema.map(|schema| self.resolve(schema));
        match (value, role) {
            (Value::Object(entries), Role::Plain) if is_policy(value) => policy(entries),
            (Value::Object(entries), Role::Statement) => {
                let roles = |name: &str| match name {
                    "Action" | "NotAction" | "Resource" | "NotResource" => Role::Texts,
                    "Principal" | "NotPrincipal" => Role::Principals,
                    "Condition" => Role::Operators,
                    _ => Role::Plain,
                };
                self.members(entries, roles)
            }
            (Value::Object(entries), Role::Principals | Role::Keys) => self.members(entries, |_| Role::Texts),
            (Value::Object(entries), Role::Operators) => self.members(entries, |_| Role::Keys),
            (Value::Array(items), Role::Texts) => {
                let items = items.iter().map(|item| self.tree(item, None, Role::Plain));
                Tree::List(without_repetition(items.collect()), false)
            }
            (scalar, Role::Texts) => Tree::List(vec![Tree::Leaf(scalar.clone())], false),
            (Value::Object(entries), _) => {
                let members = schema.and_then(|schema| schema.get("properties"));
                let tree = |name: &String, value| {
                    (name.clone(), self.named(name, value, members.and_then(|members| members.get(name))))
                };
                Tree::Map(entries.iter().map(|(name, value)| tree(name, value)).collect())
            }
            (Value::Array(items), _) => {
                let ordered = schema.and_then(|schema| schema.get("insertionOrder")) != Some(&Value::Bool(false));
                let item = schema.and_then(|schema| schema.get("items"));
                Tree::List(items.iter().map(|value| self.tree(value, item, Role::Plain)).collect(), ordered)
            }
            (scalar, _) => Tree::Leaf(scalar.clone()),
        }
    }

    fn members(self, entries: &Map<String, Value>, role: impl Fn(&str) -> Role) -> Tree {
        let tree = |(name, value): (&String, &Value)| (name.clone(), self.tree(value, None, role(name)));
        Tree::Map(entries.iter().map(tree).collect())
    }

    fn resolve(self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        // A chain of references is short; a circle ends here.
        for _ in 0..8 {
            let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix("#/"));
            let found = target.and_then(|target| {
                let (first, rest) = target.split_once('/').unwrap_or((target, ""));
                let found = self.facts?.schema().get(first)?;
                if rest.is_empty() { Some(found) } else { found.pointer(&format!("/{rest}")) }
            });
            match found {
                Some(found) => schema = found,
                None => break,
            }
        }
        schema
    }
}

/// Whether a schema takes JSON as text, or an object in its place.
fn is_json(schema: Option<&Value>) -> bool {
    let Some(schema) = schema else { return false };
    let either = schema
        .get("type")
        .and_then(Value::as_array)
        .is_some_and(|types| types.iter().any(|name| name == "object") && types.iter().any(|name| name == "string"));
    either || schema.get("format").is_some_and(|format| format == "json")
}

/// Whether a value is a policy document.
pub(super) fn is_policy(value: &Value) -> bool {
    let Value::Object(entries) = value else { return false };
    entries.get("Statement").is_some_and(|all| all.is_array() || all.is_object())
        && entries.keys().all(|key| ["Version", "Id", "Statement"].contains(&key.as_str()))
}

/// A policy document without order.
fn policy(entries: &Map<String, Value>) -> Tree {
    let planter = Planter::new(None);
    let tree = |(name, value): (&String, &Value)| {
        let tree = match (name.as_str(), value) {
            ("Statement", Value::Array(items)) => {
                let items = items.iter().map(|item| planter.tree(item, None, Role::Statement));
                Tree::List(without_repetition(items.collect()), false)
            }
            ("Statement", one) => Tree::List(vec![planter.tree(one, None, Role::Statement)], false),
            (_, value) => planter.tree(value, None, Role::Plain),
        };
        (name.clone(), tree)
    };
    Tree::Map(entries.iter().map(tree).collect())
}

/// Tags by their keys; nothing if they are not a list of them, or a key stands twice.
fn tags(value: &Value, style: TagStyle) -> Option<BTreeMap<String, Tree>> {
    let items = match (value, style) {
        (Value::Array(items), TagStyle::List | TagStyle::PropagatingList) => items,
        _ => return None,
    };
    let planter = Planter::new(None);
    let mut map = BTreeMap::new();
    for item in items {
        let key = item.get("Key")?.as_str()?.to_owned();
        let tree = match style {
            TagStyle::List => planter.tree(item.get("Value")?, None, Role::Plain),
            _ => planter.tree(item, None, Role::Plain),
        };
        if map.insert(key, tree).is_some() {
            return None;
        }
    }
    Some(map)
}

/// The items without those that stand there already, in their order.
fn without_repetition(items: Vec<Tree>) -> Vec<Tree> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.text())).collect()
}

impl Tree {
    /// The value, with tags as an object.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Leaf(value) => value.clone(),
            Self::List(items, _) => items.iter().map(Self::value).collect(),
            Self::Map(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.value())).collect())
            }
        }
    }

    /// A text that two trees have in common if, and only if, they mean the same.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Leaf(value) => match scalar(value) {
                // Writing to a text cannot fail.
                Some(scalar) => drop(write!(text, "{scalar:?}")),
                None => sorted(value, text),
            },
            Self::List(items, true) => {
                text.push('[');
                for item in items {
                    item.write(text);
                    text.push(',');
                }
                text.push(']');
            }
            Self::List(items, false) => {
                let mut texts: Vec<String> = items.iter().map(Self::text).collect();
                texts.sort_unstable();
                let _ = write!(text, "<{}>", texts.join(","));
            }
            Self::Map(entries) => {
                text.push('{');
                for (key, value) in entries {
                    let _ = write!(text, "{key:?}:");
                    value.write(text);
                    text.push(',');
                }
                text.push('}');
            }
        }
    }

    /// The paths of all leaves, as schemas write them, below a path.
    pub(super) fn leaves(&self, below: &str, visit: &mut impl FnMut(&str)) {
        match self {
            Self::List(items, _) if !items.is_empty() => {
                items.iter().for_each(|item| item.leaves(&format!("{below}/*"), visit));
            }
            Self::Map(entries) if !entries.is_empty() => {
                entries.iter().for_each(|(key, value)| value.leaves(&format!("{below}/{key}"), visit));
            }
            _ => visit(below),
        }
    }

    /// Every leaf that refers to a resource: the path to it, the path as schemas write it, the value, and the logical ids.
    pub(super) fn referring(
        &self,
        path: &str,
        generic: &str,
        visit: &mut impl FnMut(&str, &str, &Value, &BTreeSet<String>),
    ) {
        match self {
            Self::Leaf(value) if scalar(value).is_none() => {
                let mut found = BTreeSet::new();
                references(value, &mut found);
                if !found.is_empty() {
                    visit(path, generic, value, &found);
                }
            }
            Self::Leaf(_) => {}
            Self::List(items, _) => {
                for (index, item) in items.iter().enumerate() {
                    item.referring(&step(path, &index.to_string()), &step(generic, "*"), visit);
                }
            }
            Self::Map(entries) => {
                for (key, value) in entries {
                    value.referring(&step(path, key), &step(generic, key), visit);
                }
            }
        }
    }

    fn identity(&self, key: &str) -> Option<String> {
        let Self::Map(entries) = self else { return None };
        match entries.get(key)? {
            Self::Leaf(value) => Some(scalar(value).unwrap_or_else(|| value.to_string())),
            _ => None,
        }
    }

    fn is_scalar(&self) -> bool {
        matches!(self, Self::Leaf(_))
    }
}

/// Writes a value that is no scalar, with the keys of objects sorted.
fn sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let entries: BTreeMap<&String, &Value> = entries.iter().collect();
            text.push('{');
            for (key, value) in entries {
                let _ = write!(text, "{key:?}:");
                sorted(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                sorted(item, text);
                text.push(',');
            }
            text.push(']');
        }
        other => drop(write!(text, "{:?}", scalar(other))),
    }
}

/// A path and one step more. A slash in a name is written `~1`, and `~` as `~0`.
fn step(path: &str, name: &str) -> String {
    let name = if name.contains(['~', '/']) { name.replace('~', "~0").replace('/', "~1") } else { name.to_owned() };
    if path.is_empty() { name } else { format!("{path}/{name}") }
}

/// The places where two trees differ, in the order of the new one's lists and of names.
pub(super) fn differences(old: &Tree, new: &Tree) -> Vec<Difference> {
    let mut found = Vec::new();
    walk("", "", Some(old), Some(new), &mut found);
    found
}

fn walk(path: &str, generic: &str, old: Option<&Tree>, new: Option<&Tree>, found: &mut Vec<Difference>) {
    match (old, new) {
        (None, None) => {}
        (Some(old), Some(new)) if old.text() == new.text() => {}
        (Some(Tree::Map(old)), Some(Tree::Map(new))) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                walk(&step(path, name), &step(generic, name), old.get(name), new.get(name), found);
            }
        }
        (Some(Tree::List(old, ordered)), Some(Tree::List(new, _))) => {
            let pairs = if *ordered { aligned(old, new) } else { matched(old, new) };
            for (index, old, new) in pairs {
                walk(&step(path, &index.to_string()), &step(generic, "*"), old, new, found);
            }
        }
        (old, new) => found.push(Difference {
            path: path.to_owned(),
            generic: generic.to_owned(),
            old: old.cloned(),
            new: new.cloned(),
        }),
    }
}

/// An item of a list and its counterpart, with the index in the new list, or in the old one for what is gone.
type Pair<'t> = (usize, Option<&'t Tree>, Option<&'t Tree>);

/// Items of two lists whose order means something: what both begin and end with is the same.
fn aligned<'t>(old: &'t [Tree], new: &'t [Tree]) -> Vec<Pair<'t>> {
    let (old_texts, new_texts): (Vec<String>, Vec<String>) =
        (old.iter().map(Tree::text).collect(), new.iter().map(Tree::text).collect());
    let begin = old_texts.iter().zip(&new_texts).take_while(|(old, new)| old == new).count();
    let most = old.len().min(new.len()).saturating_sub(begin);
    let end = old_texts.iter().rev().zip(new_texts.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
    let middle = |items: &'t [Tree]| -> Vec<(usize, &'t Tree)> {
        let last = items.len().saturating_sub(end);
        items.iter().enumerate().take(last).skip(begin).collect()
    };
    paired(middle(old), middle(new), true)
}

/// Items of two lists whose order means nothing.
fn matched<'t>(old: &'t [Tree], new: &'t [Tree]) -> Vec<Pair<'t>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    old.iter().for_each(|item| *counts.entry(item.text()).or_default() += 1);
    let mut new_left = Vec::new();
    for (index, item) in new.iter().enumerate() {
        match counts.get_mut(&item.text()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => new_left.push((index, item)),
        }
    }
    let mut old_left = Vec::new();
    for (index, item) in old.iter().enumerate() {
        if let Some(count) = counts.get_mut(&item.text())
            && *count > 0
        {
            *count -= 1;
            old_left.push((index, item));
        }
    }
    paired(old_left, new_left, false)
}

/// Counterparts of what is left: by what tells items apart, or if nothing does and there are as many, in their order.
fn paired<'t>(old: Vec<(usize, &'t Tree)>, new: Vec<(usize, &'t Tree)>, ordered: bool) -> Vec<Pair<'t>> {
    let all = |key: &str| old.iter().chain(&new).all(|(_, item)| item.identity(key).is_some());
    let unique = |key: &str, items: &[(usize, &Tree)]| {
        let names: BTreeSet<_> = items.iter().map(|(_, item)| item.identity(key)).collect();
        names.len() == items.len()
    };
    let one = ordered && old.len() == 1 && new.len() == 1;
    let identity = IDENTITIES.iter().filter(|_| !one).find(|key| all(key) && unique(key, &old) && unique(key, &new));
    let mut pairs: Vec<Pair<'t>> = Vec::new();
    if let Some(key) = identity {
        let mut olds: BTreeMap<_, _> = old.iter().map(|(index, item)| (item.identity(key), (*index, *item))).collect();
        for (index, item) in new {
            let counterpart = olds.remove(&item.identity(key)).map(|(_, item)| item);
            pairs.push((index, counterpart, Some(item)));
        }
        pairs.extend(olds.into_values().map(|(index, item)| (index, Some(item), None)));
    } else if old.len() == new.len() && (ordered || old.len() == 1 || !old.iter().any(|(_, item)| item.is_scalar())) {
        pairs.extend(old.into_iter().zip(new).map(|((_, old), (index, new))| (index, Some(old), Some(new))));
    } else {
        pairs.extend(old.into_iter().map(|(index, item)| (index, Some(item), None)));
        pairs.extend(new.into_iter().map(|(index, item)| (index, None, Some(item))));
    }
    pairs.sort_by_key(|(index, ..)| *index);
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cfn::schema::find;

    fn paths(kind: &str, old: Value, new: Value) -> Vec<String> {
        let facts = find(kind);
        let planter = Planter::new(facts.as_ref());
        let found = differences(&planter.properties(&old), &planter.properties(&new));
        found.into_iter().map(|difference| difference.path).collect()
    }

    #[test]
    fn what_has_no_order_shows_none() {
        let policy = |statements: Value| json!({"PolicyDocument": {"Version": "2012-10-17", "Statement": statements}});
        let one =
            json!({"Effect": "Allow", "Action": ["a:B", "a:C"], "Resource": "*", "Principal": {"AWS": ["1", "2"]}});
        let same =
            json!({"Principal": {"AWS": ["2", "1"]}, "Resource": ["*"], "Action": ["a:C", "a:B"], "Effect": "Allow"});
        let two = json!({"Effect": "Deny", "Action": "a:D", "Resource": "*"});
        let old = policy(json!([one, two]));
        assert!(paths("AWS::IAM::ManagedPolicy", old.clone(), policy(json!([two, same]))).is_empty());
        assert!(paths("AWS::IAM::ManagedPolicy", policy(json!(one)), policy(json!([same]))).is_empty());
        let text = policy(json!([two, one]))["PolicyDocument"].to_string();
        let queue = json!({"PolicyDocument": text});
        assert!(paths("AWS::SQS::QueuePolicy", old, queue).is_empty());
        let tags = |list: Value| json!({"Tags": list});
        let (a, b) = (json!({"Key": "a", "Value": "1"}), json!({"Key": "b", "Value": 2}));
        assert!(paths("AWS::DynamoDB::Table", tags(json!([a, b])), tags(json!([b, a]))).is_empty());
        assert_eq!(paths("AWS::DynamoDB::Table", tags(json!([a, b])), tags(json!([a]))), ["Tags/b"]);
    }

    #[test]
    fn what_has_order_shows_where_it_differs() {
        let schema = |names: &[&str]| {
            let items: Vec<Value> =
                names.iter().map(|name| json!({"AttributeName": name, "KeyType": "HASH"})).collect();
            json!({"KeySchema": items})
        };
        assert_eq!(paths("AWS::DynamoDB::Table", schema(&["a"]), schema(&["b"])), ["KeySchema/0/AttributeName"]);
        let command = |words: Value| json!({"Cmd": words});
        assert_eq!(paths("X::Y::Z", command(json!(["a", "b", "c"])), command(json!(["a", "x", "c"]))), ["Cmd/1"]);
        assert_eq!(paths("X::Y::Z", command(json!(["a", "c"])), command(json!(["a", "b", "c"]))), ["Cmd/1"]);
        assert_eq!(paths("X::Y::Z", command(json!(["a", "c"])), command(json!(["c", "a"]))), ["Cmd/0", "Cmd/1"]);
        assert_eq!(paths("X::Y::Z", json!({"A": 1, "B": true}), json!({"A": "1", "B": "true"})), [""; 0]);
    }

    #[test]
    fn one_action_more_is_one_place() {
        let document = |actions: Value| {
            json!({"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": [
                {"Sid": "Read", "Effect": "Allow", "Action": actions, "Resource": "*"}]}}]})
        };
        assert_eq!(
            paths("AWS::IAM::Role", document(json!("a:B")), document(json!(["a:A", "a:B"]))),
            ["Policies/0/PolicyDocument/Statement/0/Action/0"]
        );
    }
}
