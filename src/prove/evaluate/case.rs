//! Cases as JSON, in the form of the public simulator, and policies from JSON.

use serde_json::{Map, Value, json};

use super::{Caller, Case, Level, Named, Values};
use crate::prove::policy::{Defect, Effect, Place, read};
use crate::prove::template::Resolved;

/// Why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is the matter with it.
    pub defects: Vec<Defect>,
}

impl Named {
    /// A policy document of JSON.
    ///
    /// # Errors
    ///
    /// If it is no policy document.
    pub fn of_json(name: impl Into<String>, text: Value, place: &Place) -> Result<Self, Unreadable> {
        let (document, defects) = read(&Resolved::of_json(&text), place);
        if defects.is_empty() { Ok(Self { name: name.into(), document, text }) } else { Err(Unreadable { defects }) }
    }

    /// A policy document of a template, in which no symbol is left.
    ///
    /// # Errors
    ///
    /// If it is no policy document.
    pub fn of_resolved(name: impl Into<String>, value: &Resolved, place: &Place) -> Result<Self, Unreadable> {
        let (document, defects) = read(value, place);
        if defects.is_empty() {
            Ok(Self { name: name.into(), document, text: json_of(value) })
        } else {
            Err(Unreadable { defects })
        }
    }

    fn entry(&self) -> Value {
        json!({ "name": self.name, "policy": self.text })
    }

    fn refuses_only(&self) -> bool {
        self.document.statements.iter().all(|statement| statement.effect == Effect::Deny)
    }
}

fn json_of(value: &Resolved) -> Value {
    match value {
        Resolved::Text(text) => Value::String(text.clone()),
        Resolved::List(items) => Value::Array(items.iter().map(json_of).collect()),
        Resolved::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), json_of(value))).collect())
        }
        Resolved::Unknown(_) => Value::Null,
    }
}

impl Case {
    /// The case in the form in which the public simulator keeps its own.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let request = &self.request;
        let principal = match &request.principal {
            Caller::Role { arn, session_arn, .. } => json!(session_arn.as_ref().unwrap_or(arn)),
            Caller::User { arn, .. } => json!(arn),
            Caller::Root { account } => json!(format!("arn:aws:iam::{account}:root")),
            Caller::Service(name) => json!(name),
            Caller::Federated { provider } => json!(provider),
            Caller::Anonymous => json!({ "type": "Anonymous" }),
        };
        let context: Map<String, Value> = request
            .context
            .iter()
            .map(|(key, values)| match values {
                Values::One(value) => (key.clone(), json!(value)),
                Values::Many(values) => (key.clone(), json!(values)),
            })
            .collect();
        let mut case = json!({
            "name": self.name,
            "request": {
                "principal": principal,
                "action": request.action,
                "resource": { "resource": request.resource, "accountId": request.resource_account },
                "context": context,
            },
            "identityPolicies": entries(&self.identity),
            "serviceControlPolicies": levels(&self.scps, |_| true),
            // The simulator attaches `RCPFullAWSAccess` itself, and takes no other that grants.
            "resourceControlPolicies": levels(&self.rcps, Named::refuses_only),
        });
        if let Some(case) = case.as_object_mut() {
            let mut add = |key: &str, value: Option<Value>| _ = value.map(|value| case.insert(key.to_owned(), value));
            add("sessionPolicy", self.session.as_ref().map(|named| named.text.clone()));
            add("resourcePolicy", self.resource.as_ref().map(|named| named.text.clone()));
            add("permissionBoundaries", (!self.boundaries.is_empty()).then(|| entries(&self.boundaries)));
            add("endpointPolicies", (!self.endpoint.is_empty()).then(|| entries(&self.endpoint)));
        }
        case
    }
}

fn entries(policies: &[Named]) -> Value {
    policies.iter().map(Named::entry).collect()
}

fn levels(levels: &[Level], keep: impl Fn(&Named) -> bool) -> Value {
    let level = |level: &Level| {
        let policies: Vec<Value> = level.policies.iter().filter(|named| keep(named)).map(Named::entry).collect();
        json!({ "orgIdentifier": level.target, "policies": policies })
    };
    levels.iter().map(level).collect()
}
