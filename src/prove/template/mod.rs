//! Templates with their intrinsics evaluated symbolically.
//!
//! [`Template::read`] reads a template, [`instantiate`] evaluates it as one [`Setting`] deploys it, and the [`Stack`]
//! that comes out says what every resource is called: by reference, by attribute and by the ARNs that policies can name.
//! What cannot be known is [`Resolved::Unknown`] at its place, never left out.
//!
//! How resources are named stands in `data/resource-identity.json`. The functions are those of
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html>.

mod condition;
mod evaluate;
mod function;
mod identity;
mod parameter;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use super::policy::Place;
use super::proof::Obstacle;
use super::text::{Symbols, Text};

pub use identity::{iam_types, kinds, service};
pub use read::Template;

/// A value of a template after its intrinsics were evaluated. Truth values and numbers are texts, as CloudFormation
/// hands them on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A scalar.
    Text(Text),
    /// A list.
    List(Vec<Self>),
    /// A mapping, in source order.
    Map(Vec<(String, Self)>),
    /// What cannot be known, and why: a part of a sentence.
    Unknown(String),
}

impl Resolved {
    /// JSON as a template hands it on, with nothing in it evaluated.
    #[must_use]
    pub fn of_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Unknown("`null` stands where a value is needed".to_owned()),
            Value::Bool(_) | Value::Number(_) => Self::Text(value.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::of_json).collect()),
            Value::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), Self::of_json(value))).collect())
            }
        }
    }

    /// The value of a mapping's key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(known, _)| known == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; a value that is no list is a list of itself, as properties of policies take it.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }
}

/// How one instance of a template is deployed.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// What parameters stand for. One that is not here stands for anything that its declaration allows.
    pub parameters: BTreeMap<String, Text>,
    /// The partition: `aws`.
    pub partition: Text,
    /// The region.
    pub region: Text,
    /// The account.
    pub account: Text,
    /// The stack's name.
    pub stack_name: Text,
    /// The stacks whose outputs and exports it reads, as keys of the instances: by the parameter that holds the stack's
    /// name, by that name, or by the logical id of a nested stack.
    pub stacks: BTreeMap<String, String>,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its logical id.
    pub logical_id: String,
    /// Its type: `AWS::S3::Bucket`.
    pub kind: String,
    /// Its properties; an empty mapping if it has none.
    pub properties: Resolved,
    /// Where its properties stand, or the resource if it has none.
    pub place: Place,
    /// Why it may be absent: the reason why its `Condition` cannot be decided. Whoever reads a resource that restricts
    /// others, such as a policy with a `Deny`, must not count on it then.
    pub may_be_absent: Option<String>,
}

impl Resource {
    /// Its tags whose keys and values are known.
    #[must_use]
    pub fn tags(&self) -> BTreeMap<String, Text> {
        let mut tags = BTreeMap::new();
        for property in ["Tags", "UserPoolTags"] {
            match self.properties.get(property) {
                Some(Resolved::Map(entries)) => {
                    let known = entries.iter().filter_map(|(key, value)| Some((key.clone(), value.text()?.to_owned())));
                    tags.extend(known);
                }
                Some(list) => {
                    let of = |tag: &Resolved, part: &str| tag.get(part).and_then(Resolved::text).map(str::to_owned);
                    tags.extend(list.items().iter().filter_map(|tag| Some((of(tag, "Key")?, of(tag, "Value")?))));
                }
                None => {}
            }
        }
        tags
    }
}

/// A template as one setting deploys it.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// What the instance is called: `tenant A's stack`.
    pub name: String,
    /// The template's file.
    pub file: String,
    /// The name that CloudFormation knows the stack by.
    pub stack_name: Text,
    /// Its partition.
    pub partition: Text,
    /// Its region.
    pub region: Text,
    /// Its account.
    pub account: Text,
    /// Its resources, in source order, without those whose condition is false.
    pub resources: Vec<Resource>,
    /// Its outputs.
    pub outputs: BTreeMap<String, Resolved>,
    /// Its exports: name and value.
    pub exports: Vec<(Text, Resolved)>,
    /// What keeps the template as a whole, or resources of it, from being known.
    pub obstacles: Vec<Obstacle>,
    /// The values that are [`Resolved::Unknown`], each where it begins. They matter where somebody reads them.
    pub unknowns: Vec<Obstacle>,
    identities: BTreeMap<String, identity::Identity>,
}

impl Stack {
    /// A resource.
    #[must_use]
    pub fn resource(&self, logical_id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.logical_id == logical_id)
    }

    /// The resource's ARN, if its type has one and it can be known.
    #[must_use]
    pub fn arn(&self, logical_id: &str) -> Option<Text> {
        self.identities.get(logical_id)?.arn.clone()
    }

    /// The resource's physical name or id.
    #[must_use]
    pub fn physical_name(&self, logical_id: &str) -> Option<Text> {
        self.identities.get(logical_id)?.name.clone()
    }

    /// What `Ref` returns for the resource.
    #[must_use]
    pub fn reference(&self, logical_id: &str) -> Option<Text> {
        self.identities.get(logical_id)?.reference.as_ref().ok().cloned()
    }

    /// What `Fn::GetAtt` returns, for attributes that follow from the name and for those that the template asks for.
    #[must_use]
    pub fn attribute(&self, logical_id: &str, attribute: &str) -> Option<Text> {
        self.identities.get(logical_id)?.attributes.get(attribute)?.as_ref().ok().cloned()
    }

    /// Every ARN by which policies can name the resource or a part of it. With `true` any text follows: the index of a
    /// table, the object of a bucket. Empty if the type has none, if nothing is known about the type ([`service`]), or
    /// if its name is unknown, which is one of the [`obstacles`](Self::obstacles).
    #[must_use]
    pub fn owned_arns(&self, logical_id: &str) -> Vec<(Text, bool)> {
        self.identities.get(logical_id).map(|identity| identity.owned.clone()).unwrap_or_default()
    }
}

/// Evaluates a template as `setting` deploys it. `others` has the instances that [`Setting::stacks`] names, and `name`
/// is part of the names of all symbols that belong to this instance alone.
#[must_use]
pub fn instantiate<'a>(
    template: &'a Template,
    setting: &'a Setting,
    name: &'a str,
    others: &'a dyn Fn(&str) -> Option<&'a Stack>,
    symbols: &'a mut Symbols,
) -> Stack {
    evaluate::Evaluator::new(template, setting, name, others, symbols).stack()
}
