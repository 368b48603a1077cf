//! What CloudFormation knows about its resource types: the registry, and the check of properties against it.
//!
//! The facts are part of the program, so that a template is checked without an account and without the network.
//! They hold no prose. Deliberately absent: rules that are not the type's own schema; those are findings of
//! the `check` layer.

mod check;
mod cut;
mod keywords;
mod words;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::pack::Pack;

pub use check::{SchemaIssue, UnknownType, Validator};

/// The types with their records. Nothing if the pack is broken; a test opens every record.
fn pack() -> Option<&'static Pack> {
    static PACK: OnceLock<Option<Pack>> = OnceLock::new();
    PACK.get_or_init(|| Pack::cut(include_bytes!("../../schemas/resource-types.pack"), b"TNTYPES1")).as_ref()
}

/// The names of all resource types, sorted.
pub fn names() -> impl Iterator<Item = &'static str> {
    pack().into_iter().flat_map(|pack| (0..pack.len()).filter_map(|position| Some(pack.entry(position)?.name)))
}

/// Whether there is a resource type with this name. Cheaper than [`find`]: the type is not opened.
#[must_use]
pub fn is_known(name: &str) -> bool {
    pack().is_some_and(|pack| pack.find(name).is_some())
}

/// The facts about a resource type.
#[must_use]
pub fn find(name: &str) -> Option<TypeFacts> {
    let pack = pack()?;
    let entry = pack.find(name)?;
    let Value::Object(record) = serde_json::from_slice(&pack.open(entry)?).ok()? else { return None };
    Some(TypeFacts { name: entry.name, record })
}

/// Resource types with a name like this one, the most alike first; at most three.
#[must_use]
pub fn nearest(name: &str) -> Vec<&'static str> {
    let wanted = name.to_ascii_lowercase();
    let mut near: Vec<(usize, &'static str)> = names()
        .map(|known| (strsim::osa_distance(&wanted, &known.to_ascii_lowercase()), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 6)
        .collect();
    near.sort_unstable();
    near.into_iter().take(3).map(|(_, known)| known).collect()
}

/// What `data/stateful-types.json` adds to the facts: from a type to what it holds.
#[derive(Debug, Deserialize)]
struct MoreStateful {
    stateful: BTreeMap<String, String>,
}

/// Nothing if the file is broken; a test reads it.
fn more_stateful() -> Option<&'static MoreStateful> {
    static MORE: OnceLock<Option<MoreStateful>> = OnceLock::new();
    MORE.get_or_init(|| serde_json::from_str(include_str!("../../data/stateful-types.json")).ok()).as_ref()
}

/// What CloudFormation knows about one resource type.
///
/// Paths inside properties are written without a leading slash, with `*` for every item of a list:
/// `Origins/*/DomainName`.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeFacts {
    name: &'static str,
    record: Map<String, Value>,
}

/// How a type takes its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagging {
    /// The property that holds them, such as `Tags` or `UserPoolTags`.
    pub property: String,
    /// The shape they have there.
    pub style: TagStyle,
    /// Whether tags are set by the call that creates the resource, so that a policy can demand them.
    pub tag_on_create: bool,
    /// Whether tags can change without replacing the resource.
    pub updatable: bool,
    /// Whether CloudFormation adds its own `aws:cloudformation:` tags.
    pub system_tags: bool,
}

/// The shape of a tag property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TagStyle {
    /// A list of `{ "Key": …, "Value": … }`.
    List,
    /// An object from key to value.
    Map,
    /// A list of `{ "Key", "Value", "PropagateAtLaunch" }`, as Auto Scaling groups have it.
    PropagatingList,
    /// A list of objects with other member names, such as `TagKey` and `TagValue`.
    OtherList,
    /// Anything else, such as tags within specifications of something else.
    Other,
}

/// What a change of a property does to the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replacement {
    /// The resource stays.
    No,
    /// It depends on the values.
    Maybe,
    /// The resource is created anew, and the old one is deleted.
    Yes,
}

impl TypeFacts {
    /// The type's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The JSON Schema of the properties, with CloudFormation's own keywords beside the standard ones.
    #[must_use]
    pub fn schema(&self) -> &Map<String, Value> {
        &self.record
    }

    /// The properties that must be given, as far as the schema says so without conditions.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.strings("required")
    }

    /// The top-level properties.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        let properties = self.record.get("properties").and_then(Value::as_object);
        properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str))
    }

    /// What `Fn::GetAtt` can read, as it is written there: `Endpoint.Address`.
    pub fn attributes(&self) -> impl Iterator<Item = String> {
        let set_by_service = self.read_only().filter(|path| !path.contains('*')).map(|path| path.replace('/', "."));
        set_by_service.chain(self.strings("moreAttributes").map(str::to_owned))
    }

    /// Paths that CloudFormation sets itself.
    pub fn read_only(&self) -> impl Iterator<Item = &str> {
        self.strings("readOnlyProperties")
    }

    /// Paths that can only be set when the resource is created: changing them replaces it.
    pub fn create_only(&self) -> impl Iterator<Item = &str> {
        self.strings("createOnlyProperties")
    }

    /// Paths that replace the resource in some cases.
    pub fn conditional_create_only(&self) -> impl Iterator<Item = &str> {
        self.strings("conditionalCreateOnlyProperties")
    }

    /// Paths that cannot be read back, such as passwords.
    pub fn write_only(&self) -> impl Iterator<Item = &str> {
        self.strings("writeOnlyProperties")
    }

    /// Paths that should no longer be used.
    pub fn deprecated(&self) -> impl Iterator<Item = &str> {
        self.strings("deprecatedProperties")
    }

    /// The properties that together name one resource of the type.
    pub fn primary_identifier(&self) -> impl Iterator<Item = &str> {
        self.strings("primaryIdentifier")
    }

    /// Whether the resource holds data, or an identity, that is lost with it.
    ///
    /// The source marks few types; `data/stateful-types.json` adds to them. A type in neither may hold data
    /// nevertheless.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        self.flag(&self.record, "stateful") || more_stateful().is_some_and(|more| more.stateful.contains_key(self.name))
    }

    /// What changing the value at a path does: `KeySchema`, `Origins/*/DomainName`.
    ///
    /// A path below one that replaces the resource replaces it too.
    #[must_use]
    pub fn replacement(&self, path: &str) -> Replacement {
        let covers = |keyword: &'static str| {
            self.strings(keyword)
                .any(|known| path.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        };
        if covers("createOnlyProperties") || covers("replaces") {
            Replacement::Yes
        } else if covers("conditionalCreateOnlyProperties") || covers("mayReplace") {
            Replacement::Maybe
        } else {
            Replacement::No
        }
    }

    /// The ARN of a resource of the type, with `${Partition}`, `${Region}`, `${Account}` and properties in it.
    #[must_use]
    pub fn arn_template(&self) -> Option<&str> {
        self.record.get("arnTemplate").and_then(Value::as_str)
    }

    /// The IAM actions (`dynamodb:CreateTable`) that a handler of the type calls.
    #[must_use]
    pub fn permissions(&self, handler: Handler) -> Vec<String> {
        let mut actions = Vec::new();
        for line in self.record.get("permissions").and_then(Value::as_str).unwrap_or_default().lines() {
            let mut groups = line.split(';');
            let Some(service) = groups.next() else { continue };
            for group in groups {
                if let Some((handlers, names)) = group.split_once(':')
                    && handlers.contains(handler.initial())
                {
                    actions.extend(names.split(',').map(|name| format!("{service}:{name}")));
                }
            }
        }
        actions.sort_unstable();
        actions
    }

    /// How the type takes tags; nothing if it takes none.
    #[must_use]
    pub fn tagging(&self) -> Option<Tagging> {
        let block = self.record.get("tagging").and_then(Value::as_object);
        if block.is_some_and(|block| !self.flag(block, "taggable")) {
            return None;
        }
        // Older schemas have no tagging block, or one that leaves out the usual name.
        let property = block.and_then(|block| block.get("tagProperty")).and_then(Value::as_str).unwrap_or("Tags");
        let first = property.split('/').next()?;
        let schema = self.record.get("properties")?.get(first)?;
        let style = if first == property { self.tag_style(schema) } else { TagStyle::Other };
        let says = |keyword| block.is_none_or(|block| self.flag(block, keyword));
        Some(Tagging {
            property: property.to_owned(),
            style,
            tag_on_create: says("tagOnCreate"),
            updatable: says("tagUpdatable"),
            system_tags: says("cloudFormationSystemTags"),
        })
    }

    fn tag_style(&self, schema: &Value) -> TagStyle {
        let schema = self.resolve(schema);
        if let Some(items) = schema.get("items") {
            let members = self.resolve(items).get("properties").and_then(Value::as_object);
            let has = |name: &str| members.is_some_and(|members| members.contains_key(name));
            return match (has("Key") && has("Value"), has("PropagateAtLaunch")) {
                (true, true) => TagStyle::PropagatingList,
                (true, false) => TagStyle::List,
                (false, _) => TagStyle::OtherList,
            };
        }
        let is_object = match schema.get("type") {
            Some(Value::String(name)) => name == "object",
            Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
            _ => schema.get("patternProperties").is_some(),
        };
        if is_object && schema.get("properties").is_none() { TagStyle::Map } else { TagStyle::Other }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        // A chain of references is short; a circle ends here.
        for _ in 0..8 {
            let Some(target) = schema.get("$ref").and_then(Value::as_str) else { break };
            let Some(found) = cut::pointed_at(&self.record, target) else { break };
            schema = found;
        }
        schema
    }

    fn strings(&self, keyword: &str) -> impl Iterator<Item = &str> {
        self.record.get(keyword).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    fn flag(&self, object: &Map<String, Value>, keyword: &str) -> bool {
        object.get(keyword).and_then(Value::as_bool).unwrap_or(false)
    }
}

/// An operation that CloudFormation carries out on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Handler {
    /// Creates the resource.
    Create,
    /// Reads it, for drift detection and `Fn::GetAtt`.
    Read,
    /// Changes it in place.
    Update,
    /// Deletes it.
    Delete,
    /// Finds all resources of the type.
    List,
}

impl Handler {
    fn initial(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::List => 'l',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_opens() {
        let all: Vec<&str> = names().collect();
        assert!(all.len() > 1800, "{}", all.len());
        assert!(all.is_sorted());
        for name in all {
            let facts = find(name).unwrap_or_else(|| panic!("{name} does not open"));
            assert!(facts.properties().count() > 0, "{name} has no properties");
        }
        assert!(find("AWS::S3::Buckett").is_none());
        assert!(!is_known(""));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn walk(root: &Map<String, Value>, value: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                        assert!(cut::pointed_at(root, target).is_some(), "{target}");
                    }
                    members.values().for_each(|value| walk(root, value));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(root, value)),
                _ => {}
            }
        }
        for name in names() {
            let facts = find(name).unwrap();
            walk(&facts.record, &Value::Object(facts.record.clone()));
        }
    }

    #[test]
    fn tags_have_their_place_and_style() {
        let style = |name: &str| find(name).unwrap().tagging().map(|tagging| (tagging.property, tagging.style));
        assert_eq!(style("AWS::DynamoDB::Table"), Some(("Tags".to_owned(), TagStyle::List)));
        assert_eq!(style("AWS::Cognito::UserPool"), Some(("UserPoolTags".to_owned(), TagStyle::Map)));
        assert_eq!(style("AWS::SSM::Parameter"), Some(("Tags".to_owned(), TagStyle::Map)));
        assert_eq!(style("AWS::ApiGatewayV2::Api"), Some(("Tags".to_owned(), TagStyle::Map)));
        assert_eq!(style("AWS::AutoScaling::AutoScalingGroup"), Some(("Tags".to_owned(), TagStyle::PropagatingList)));
        assert_eq!(style("AWS::SQS::QueuePolicy"), None);
        let mut styles: BTreeMap<Option<TagStyle>, usize> = BTreeMap::new();
        for name in names() {
            *styles.entry(find(name).unwrap().tagging().map(|tagging| tagging.style)).or_default() += 1;
        }
        let other = styles.get(&Some(TagStyle::Other)).copied().unwrap_or_default();
        assert!(other < 20, "{styles:?}");
    }

    #[test]
    fn facts_of_a_table() {
        let table = find("AWS::DynamoDB::Table").unwrap();
        assert!(table.is_stateful());
        assert_eq!(table.required().collect::<Vec<_>>(), ["KeySchema"]);
        assert_eq!(table.primary_identifier().collect::<Vec<_>>(), ["TableName"]);
        assert_eq!(table.attributes().collect::<Vec<_>>(), ["Arn", "StreamArn"]);
        assert_eq!(table.replacement("TableName"), Replacement::Yes);
        assert_eq!(table.replacement("ImportSourceSpecification/InputFormat"), Replacement::Yes);
        assert_eq!(table.replacement("BillingMode"), Replacement::No);
        assert!(table.permissions(Handler::Create).contains(&"dynamodb:CreateTable".to_owned()));
        assert_eq!(table.arn_template(), Some("arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}"));
    }

    #[test]
    fn the_list_of_stateful_types_adds_to_the_facts() {
        let more = more_stateful().unwrap();
        for (name, why) in &more.stateful {
            let facts = find(name).unwrap_or_else(|| panic!("{name} is not a type"));
            assert!(!facts.flag(&facts.record, "stateful"), "{name} is marked already");
            assert!(facts.is_stateful() && !why.is_empty(), "{name}");
        }
        for name in ["AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Cognito::UserPool", "AWS::ECR::Repository"] {
            assert!(find(name).unwrap().is_stateful(), "{name}");
        }
        for name in ["AWS::SSM::Parameter", "AWS::Lambda::Function"] {
            assert!(!find(name).unwrap().is_stateful(), "{name}");
        }
    }
}
