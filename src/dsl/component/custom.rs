//! Custom resources.

use std::panic::Location;

use serde_json::Value;

use super::tenant_key::Keyed;
use super::{And, component};
use crate::dsl::draft::Draft;
use crate::dsl::handle::{Expr, Phrase};
use crate::dsl::isolation::Names;
use crate::model::component::{self as model, Property, Text};

component! {
    /// Any resource type of CloudFormation.
    Custom<K = Unkeyed, R = Free>, "custom"
}

impl Custom {
    /// A resource of a type, such as `AWS::AppConfig::Application`, without properties.
    #[track_caller]
    pub fn new(name: impl Into<String>, type_name: impl Into<String>) -> Self {
        let body =
            model::Custom { type_name: type_name.into(), properties: Property::Map(Vec::new()), shared_because: None };
        Self::with_draft(Draft::new(name, Location::caller(), body))
    }
}

impl<K, R> Custom<K, R> {
    fn set(&mut self, key: String, value: Property) {
        if let Property::Map(properties) = &mut self.draft.body.properties {
            properties.retain(|(known, _)| *known != key);
            properties.push((key, value));
        }
    }

    /// Sets a property as CloudFormation takes it. Text in it is meant as it stands; `{"Ref": "Orders"}` and
    /// `{"Fn::GetAtt": …}` may name components of the tier.
    pub fn property(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(key.into(), property(value.into()));
        self
    }

    /// Sets a property to another component's attribute.
    #[track_caller]
    pub fn property_of<T, S>(mut self, key: impl Into<String>, attribute: Expr<T, S>) -> Custom<K, And<R, S>>
    where
        R: Names<S>,
    {
        let text = self.draft.text(vec![attribute.piece()], Location::caller());
        self.set(key.into(), Property::Text(text));
        Custom::with_draft(self.draft)
    }

    /// Sets a property to text with attributes of other components.
    #[track_caller]
    pub fn property_phrase<S>(mut self, key: impl Into<String>, phrase: Phrase<S>) -> Custom<K, And<R, S>>
    where
        R: Names<S>,
    {
        let text = self.draft.text(phrase.pieces(), Location::caller());
        self.set(key.into(), Property::Text(text));
        Custom::with_draft(self.draft)
    }

    /// Sets a property to text that CloudFormation fills in, as `!Sub` does: `cases-${TenantId}`, `${AWS::Region}`,
    /// `${Orders.Arn}`. What a name in it stands for is found by the check, not by the compiler.
    pub fn property_sub(mut self, key: impl Into<String>, text: impl Into<String>) -> Self {
        let text = Property::Text(Text::literal(text));
        self.set(key.into(), Property::Map(vec![("Fn::Sub".to_owned(), text)]));
        self
    }

    /// Says why tenants are kept apart where they share the resource: tenantry cannot know.
    pub fn shared_because(mut self, reason: impl Into<String>) -> Custom<Keyed, R> {
        self.draft.body.shared_because = Some(reason.into());
        Custom::with_draft(self.draft)
    }
}

fn property(value: Value) -> Property {
    match value {
        Value::Null => Property::Null,
        Value::Bool(truth) => Property::Truth(truth),
        Value::Number(number) => Property::Number(number.to_string()),
        Value::String(text) if text.is_empty() => Property::Text(Text::default()),
        Value::String(text) => Property::Text(Text::literal(text)),
        Value::Array(items) => Property::List(items.into_iter().map(property).collect()),
        Value::Object(entries) => {
            Property::Map(entries.into_iter().map(|(key, value)| (key, property(value))).collect())
        }
    }
}
