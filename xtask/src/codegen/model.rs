//! From the schemas of a service's types to the Rust types that stand for them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use super::kinds::{self, Kind};

/// The Rust types of one service: resources first, each followed by what it is made of.
pub(super) struct Struct {
    pub(super) name: String,
    /// The resource type that this is, or is a part of.
    pub(super) owner: String,
    pub(super) resource: Option<Resource>,
    pub(super) fields: Vec<Field>,
}

/// What only resources have.
pub(super) struct Resource {
    pub(super) reference: Option<Kind>,
    /// What `Fn::GetAtt` can read; nothing in place of a kind for a list.
    pub(super) attributes: Vec<(String, Option<Kind>)>,
}

pub(super) struct Field {
    /// The name in the template.
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) shape: Shape,
    pub(super) facts: String,
    /// Whether the field would otherwise contain itself.
    pub(super) boxed: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Scalar(Kind),
    Json,
    Tag,
    Struct(String),
    List(Box<Shape>),
    Map(Box<Shape>),
}

pub(super) fn service(types: &BTreeMap<String, Value>) -> Result<Vec<Struct>> {
    let mut structs = Vec::new();
    let resources: BTreeSet<String> = types.keys().map(|name| last(name).to_owned()).collect();
    let mut taken = resources;
    for (owner, record) in types {
        let mut builder = Builder {
            owner,
            record,
            resource: last(owner),
            structs: Vec::new(),
            by_schema: BTreeMap::new(),
            item_names: item_names(record),
            taken: &mut taken,
        };
        let fields = builder.fields(record, last(owner), "")?;
        let resource = Resource { reference: kinds::of_reference(owner, record), attributes: builder.attributes() };
        let mut parts = builder.structs;
        parts.sort_by(|left, right| left.name.cmp(&right.name));
        structs.push(Struct { name: last(owner).to_owned(), owner: owner.clone(), resource: Some(resource), fields });
        structs.extend(parts);
    }
    box_circles(&mut structs);
    Ok(structs)
}

fn last(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

/// Better names than the rule gives, where it meets a resource type of the same name.
const CHOSEN_NAMES: &[(&str, &str, &str)] = &[
    ("AWS::EC2::SecurityGroup", "Egress", "SecurityGroupEgressRule"),
    ("AWS::EC2::SecurityGroup", "Ingress", "SecurityGroupIngressRule"),
    ("AWS::IAM::Role", "Policy", "RoleInlinePolicy"),
];

/// The objects that definitions of lists write out, by schema.
fn item_names(record: &Value) -> BTreeMap<String, String> {
    let definitions = record.get("definitions").and_then(Value::as_object);
    let mut names = BTreeMap::new();
    for (name, definition) in definitions.into_iter().flatten() {
        if let Some(items) = definition.get("items")
            && !members_of(items).is_empty()
        {
            names.insert(items.to_string(), name.clone());
        }
    }
    names
}

struct Builder<'a> {
    owner: &'a str,
    record: &'a Value,
    resource: &'a str,
    structs: Vec<Struct>,
    /// The struct for a schema, so that the same shape written twice becomes one struct.
    by_schema: BTreeMap<String, String>,
    /// Names for objects that a definition says are its items.
    item_names: BTreeMap<String, String>,
    taken: &'a mut BTreeSet<String>,
}

impl Builder<'_> {
    /// The fields of an object; `path` leads to it from the resource.
    fn fields(&mut self, schema: &Value, within: &str, path: &str) -> Result<Vec<Field>> {
        let required = strings(schema, "required");
        let mut fields = Vec::new();
        for (name, property) in members_of(schema) {
            let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
            if strings(self.record, "readOnlyProperties").contains(&path.as_str()) {
                continue;
            }
            let shape = self.shape(&property, &name, within, &path)?;
            let is_required = required.contains(&name.as_str());
            let facts = self.facts(&property, &shape, is_required, &path);
            fields.push(Field { required: is_required, facts, shape, boxed: false, name });
        }
        Ok(fields)
    }

    fn shape(&mut self, schema: &Value, name: &str, within: &str, path: &str) -> Result<Shape> {
        let top = !path.contains('/');
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let definition = target.rsplit('/').next().unwrap_or_default();
            let found = self.pointed_at(target)?;
            return if definition == "Tag" && is_tag(&found) {
                Ok(Shape::Tag)
            } else if members_of(&found).is_empty() {
                // Lists, maps and scalars have no name of their own.
                self.shape(&found, definition, self.resource, path)
            } else {
                self.object(&found, definition, self.resource, path)
            };
        }
        if let Some(alternative) = self.meant_alternative(schema) {
            return self.shape(&alternative, name, within, path);
        }
        if !members_of(schema).is_empty() {
            return if is_tag(schema) && (name == "Tag" || name.ends_with("Tags")) {
                Ok(Shape::Tag)
            } else {
                self.object(schema, name, within, path)
            };
        }
        let kind = match schema.get("type").and_then(Value::as_str) {
            Some("string") => Shape::Scalar(kinds::of_text(self.owner, name, schema, top)),
            Some("integer") => Shape::Scalar(Kind::Int),
            Some("number") => Shape::Scalar(Kind::Num),
            Some("boolean") => Shape::Scalar(Kind::Bool),
            Some("array") => {
                let items = schema.get("items").cloned().unwrap_or(Value::Null);
                Shape::List(Box::new(self.shape(&items, name, within, &format!("{path}/*"))?))
            }
            Some("object") => match only_pattern(schema) {
                Some(values) => Shape::Map(Box::new(self.shape(&values, name, within, &format!("{path}/*"))?)),
                None => Shape::Json,
            },
            _ => Shape::Json,
        };
        Ok(kind)
    }

    /// A named struct for an object with members of its own.
    fn object(&mut self, schema: &Value, name: &str, within: &str, path: &str) -> Result<Shape> {
        let same = schema.to_string();
        if let Some(known) = self.by_schema.get(&same) {
            return Ok(Shape::Struct(known.clone()));
        }
        let (name, within) = match self.item_names.get(&same) {
            Some(definition) => (definition.clone(), self.resource),
            None => (upper_first(name), within),
        };
        if let Some((_, _, chosen)) = CHOSEN_NAMES.iter().find(|(owner, old, _)| *owner == self.owner && *old == name) {
            return self.named(schema, same, (*chosen).to_owned(), path);
        }
        let mut candidates = vec![format!("{within}{name}"), format!("{}{within}{name}", self.resource)];
        if name.starts_with(self.resource) && name != self.resource {
            candidates.insert(0, name.clone());
        }
        candidates.extend((2..9).map(|number| format!("{within}{name}{number}")));
        let free = candidates.into_iter().find(|candidate| !self.taken.contains(candidate));
        let free = free.with_context(|| format!("no name is left for {path} of {}", self.owner))?;
        self.named(schema, same, free, path)
    }

    fn named(&mut self, schema: &Value, same: String, name: String, path: &str) -> Result<Shape> {
        self.taken.insert(name.clone());
        self.by_schema.insert(same, name.clone());
        let fields = self.fields(schema, &name, path)?;
        self.structs.push(Struct { name: name.clone(), owner: self.owner.to_owned(), resource: None, fields });
        Ok(Shape::Struct(name))
    }

    /// Of alternatives, the structured one, where the other is JSON text or an object without members.
    fn meant_alternative(&self, schema: &Value) -> Option<Value> {
        if schema.get("type").is_some() || schema.get("properties").is_some() {
            return None;
        }
        let alternatives = ["oneOf", "anyOf"].iter().find_map(|keyword| schema.get(*keyword)?.as_array())?;
        let mut structured = alternatives.iter().filter(|one| one.get("$ref").is_some());
        match (structured.next(), structured.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }

    fn pointed_at(&self, target: &str) -> Result<Value> {
        match target.strip_prefix('#').and_then(|pointer| self.record.pointer(pointer)) {
            Some(found) => Ok(found.clone()),
            None => bail!("{target} leads nowhere in {}", self.owner),
        }
    }

    fn attributes(&self) -> Vec<(String, Option<Kind>)> {
        let set_by_service = strings(self.record, "readOnlyProperties");
        let mut paths: Vec<String> =
            set_by_service.iter().filter(|path| !path.contains('*')).map(|path| path.replace('/', ".")).collect();
        // The state of a part of a part is for consoles.
        paths.retain(|path| path.matches('.').count() < 2);
        paths.extend(strings(self.record, "moreAttributes").iter().map(|path| (*path).to_owned()));
        paths.sort_unstable();
        paths.into_iter().filter_map(|path| self.attribute_kind(&path).map(|kind| (path, kind))).collect()
    }

    /// The kind of an attribute; an outer nothing for objects, an inner one for lists.
    fn attribute_kind(&self, path: &str) -> Option<Option<Kind>> {
        let name = path.rsplit('.').next().unwrap_or(path);
        let mut schema = self.record.clone();
        for step in path.split('.') {
            let Some(inner) = schema.get("properties").and_then(|properties| properties.get(step)).cloned() else {
                // Known by name alone.
                return Some(Some(kinds::by_name(self.owner, name, true)));
            };
            schema = inner;
            while let Some(target) = schema.get("$ref").and_then(Value::as_str) {
                schema = self.pointed_at(target).ok()?;
            }
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("string") => Some(Some(kinds::by_name(self.owner, name, true))),
            Some("integer") => Some(Some(Kind::Int)),
            Some("number") => Some(Some(Kind::Num)),
            Some("boolean") => Some(Some(Kind::Bool)),
            Some("array") => Some(None),
            _ => None,
        }
    }

    /// What a doc comment says about a property.
    fn facts(&self, schema: &Value, shape: &Shape, required: bool, path: &str) -> String {
        let mut resolved = schema.clone();
        while let Some(target) = resolved.get("$ref").and_then(Value::as_str) {
            match self.pointed_at(target) {
                Ok(found) => resolved = found,
                Err(_) => break,
            }
        }
        let mut facts = vec![words(shape)];
        if let Some(allowed) = resolved.get("enum").and_then(Value::as_array) {
            let shown: Vec<String> = allowed.iter().take(8).map(code).collect();
            let more = if allowed.len() > 8 { ", …" } else { "" };
            facts = vec![format!("one of {}{more}", shown.join(", "))];
        }
        for (least, most, unit) in
            [("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items"), ("minimum", "maximum", "")]
        {
            match (resolved.get(least).filter(|limit| limit.as_u64() != Some(0) || unit.is_empty()), resolved.get(most))
            {
                (Some(least), Some(most)) if least == most => facts.push(format!("exactly {}", counted(least, unit))),
                (Some(least), Some(most)) => facts.push(format!("{least} to {most}{unit}")),
                (Some(least), None) => facts.push(format!("at least {}", counted(least, unit))),
                (None, Some(most)) => facts.push(format!("at most {}", counted(most, unit))),
                (None, None) => {}
            }
        }
        if required {
            facts.push("required".to_owned());
        }
        let covers = |keyword| {
            strings(self.record, keyword)
                .iter()
                .any(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        if covers("createOnlyProperties") || covers("replaces") {
            facts.push("a change replaces the resource".to_owned());
        } else if covers("conditionalCreateOnlyProperties") || covers("mayReplace") {
            facts.push("a change may replace the resource".to_owned());
        }
        if covers("deprecatedProperties") {
            facts.push("deprecated".to_owned());
        }
        facts.join("; ")
    }
}

fn counted(limit: &Value, unit: &str) -> String {
    let unit = if limit.as_u64() == Some(1) { unit.trim_end_matches('s') } else { unit };
    format!("{limit}{unit}")
}

fn code(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

fn words(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(kind) => kind.words().to_owned(),
        Shape::Json => "JSON".to_owned(),
        Shape::Tag => "a tag".to_owned(),
        Shape::Struct(_) => "an object".to_owned(),
        Shape::List(inner) => match inner.as_ref() {
            Shape::Scalar(Kind::Arn) => "a list of ARNs".to_owned(),
            Shape::Scalar(Kind::Id) => "a list of ids".to_owned(),
            Shape::Scalar(Kind::Name) => "a list of names".to_owned(),
            Shape::Scalar(Kind::Text | Kind::Url) => "a list of texts".to_owned(),
            Shape::Scalar(_) => "a list of numbers".to_owned(),
            Shape::Tag => "a list of tags".to_owned(),
            Shape::List(_) => "a list of lists".to_owned(),
            _ => "a list of objects".to_owned(),
        },
        Shape::Map(_) => "an object with keys of one's own".to_owned(),
    }
}

/// The members of an object; of alternatives that are all objects, the members of all.
fn members_of(schema: &Value) -> Map<String, Value> {
    if let Some(own) = schema.get("properties").and_then(Value::as_object)
        && schema.get("type").is_none_or(|name| name == "object")
        && !own.is_empty()
    {
        return own.clone();
    }
    let mut merged = Map::new();
    if schema.get("type").is_none_or(|name| name == "object") {
        let alternatives = ["oneOf", "anyOf"].iter().find_map(|keyword| schema.get(*keyword)?.as_array());
        for one in alternatives.into_iter().flatten() {
            merged.extend(one.get("properties").and_then(Value::as_object).cloned().unwrap_or_default());
        }
    }
    merged
}

/// The schema of the values of an object whose keys are free.
fn only_pattern(schema: &Value) -> Option<Value> {
    let patterns: Vec<&Value> = schema.get("patternProperties").and_then(Value::as_object)?.values().collect();
    match patterns.as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    }
}

fn is_tag(schema: &Value) -> bool {
    let members = members_of(schema);
    members.len() == 2
        && ["Key", "Value"]
            .iter()
            .all(|name| members.get(*name).and_then(|member| member.get("type")).is_some_and(|kind| kind == "string"))
}

fn strings<'v>(schema: &'v Value, keyword: &str) -> Vec<&'v str> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn upper_first(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + characters.as_str(),
        None => String::new(),
    }
}

/// Boxes the fields through which a struct would contain itself. Lists and maps are on the heap anyway.
fn box_circles(structs: &mut [Struct]) {
    let mut direct: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in structs.iter() {
        let targets = one.fields.iter().filter_map(|field| match &field.shape {
            Shape::Struct(name) => Some(name.clone()),
            _ => None,
        });
        direct.insert(one.name.clone(), targets.collect());
    }
    let reaches = |from: &str, to: &str| {
        let mut seen = BTreeSet::new();
        let mut queue = vec![from.to_owned()];
        while let Some(name) = queue.pop() {
            if name == to {
                return true;
            }
            if seen.insert(name.clone()) {
                queue.extend(direct.get(&name).into_iter().flatten().cloned());
            }
        }
        false
    };
    for one in structs.iter_mut() {
        for field in &mut one.fields {
            if let Shape::Struct(target) = &field.shape {
                field.boxed = reaches(target, &one.name);
            }
        }
    }
}
