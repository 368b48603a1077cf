//! What actions do to the resources they are allowed on.
//!
//! The catalogue has an access level for each action; where that does not say whether an action touches what tenants keep
//! in a resource, `data/isolation-actions.json` does.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::policy::{Only, Statement};
use crate::cfn::catalogue::{Action, Catalogue, Level, matches};

/// What an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The part of the resource that its condition key or ARN names.
    Keyed,
    /// All that is kept in the resource.
    Data,
    /// Facts about the resource.
    Metadata,
    /// The resource itself: its settings, policies, tags, code.
    Control,
}

/// The data file.
fn file() -> &'static Value {
    static FILE: OnceLock<Value> = OnceLock::new();
    FILE.get_or_init(|| serde_json::from_str(include_str!("../../data/isolation-actions.json")).unwrap_or_default())
}

/// Whether the service takes on only roles that somebody of the role's account passed to it.
#[must_use]
pub fn takes_passed_roles(service: &str) -> bool {
    file()
        .get("passed_roles")
        .and_then(|passed| passed.get("services"))
        .and_then(Value::as_array)
        .is_some_and(|services| services.iter().any(|known| known == service))
}

/// The data file, by service and action.
fn touched() -> &'static BTreeMap<String, BTreeMap<String, Class>> {
    static TOUCHED: OnceLock<BTreeMap<String, BTreeMap<String, Class>>> = OnceLock::new();
    TOUCHED.get_or_init(|| {
        let services = file().get("services").and_then(Value::as_object).into_iter().flatten();
        services
            .map(|(service, lists)| {
                let mut classes = BTreeMap::new();
                for (list, class) in [("keyed", Class::Keyed), ("data", Class::Data), ("metadata", Class::Metadata)] {
                    for name in lists.get(list).and_then(Value::as_array).into_iter().flatten() {
                        classes.insert(name.as_str().unwrap_or_default().to_owned(), class);
                    }
                }
                (service.clone(), classes)
            })
            .collect()
    })
}

/// What the action reaches.
#[must_use]
pub fn class(action: Action) -> Class {
    if let Some(class) = touched().get(action.service().prefix()).and_then(|actions| actions.get(action.name())) {
        return *class;
    }
    match action.level() {
        Level::Read | Level::List => Class::Data,
        Level::Write | Level::Tagging | Level::PermissionsManagement => Class::Control,
    }
}

/// The statements of managed policies of AWS that are known, by ARN: `data/aws-managed-policies.json`.
#[must_use]
pub fn managed_policy(arn: &str) -> Option<&'static Value> {
    static POLICIES: OnceLock<Value> = OnceLock::new();
    let file = POLICIES
        .get_or_init(|| serde_json::from_str(include_str!("../../data/aws-managed-policies.json")).unwrap_or_default());
    let name = arn.split_once(":iam::aws:policy/")?.1;
    file.get("policies")?.get(name)?.get("document")
}

/// The actions that are done to one of the resource types of a service. A type of another service has its prefix:
/// `execute-api:execute-api-general`.
#[must_use]
pub fn on<T: AsRef<str>>(service: &str, types: &[T]) -> Vec<Action> {
    let mut found = Vec::new();
    for name in types {
        let (prefix, name) = name.as_ref().split_once(':').unwrap_or((service, name.as_ref()));
        let Some(service) = Catalogue::shipped().service(prefix) else { continue };
        for action in service.actions() {
            let done_to_it = action.resource_types().any(|used| used.resource_type.name() == name);
            if done_to_it
                && !found
                    .iter()
                    .any(|known: &Action| known.name() == action.name() && known.service().prefix() == prefix)
            {
                found.push(action);
            }
        }
    }
    found
}

/// Whether the statement is about the action.
#[must_use]
pub fn means(statement: &Statement, action: &str) -> bool {
    let Only { negated, values } = &statement.actions;
    values.iter().any(|pattern| matches(pattern, action)) != *negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_actions_ignore_case() {
        assert!(matches("dynamodb:get*", "dynamodb:GetItem"));
        assert!(matches("*", "s3:GetObject"));
        assert!(matches("s3:*Object*", "s3:GetObjectVersion"));
        assert!(matches("s3:Get?bject", "s3:GetObject"));
        assert!(!matches("s3:Get", "s3:GetObject"));
        assert!(!matches("s3:GetObject?", "s3:GetObject"));
        assert!(matches("ec2:*Vpc*", "ec2:CreateVpcEndpoint") && !matches("ec2:?", "ec2:"));
    }

    #[test]
    fn the_data_file_names_actions_that_there_are() {
        let catalogue = Catalogue::shipped();
        let mut unknown = Vec::new();
        for (service, actions) in touched() {
            for action in actions.keys() {
                if catalogue.action(&format!("{service}:{action}")).is_none() {
                    unknown.push(format!("{service}:{action}"));
                }
            }
        }
        assert!(touched().len() > 8 && unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn what_is_not_listed_goes_by_its_level() {
        let class = |name: &str| class(Catalogue::shipped().action(name).unwrap());
        assert_eq!(class("dynamodb:GetItem"), Class::Keyed);
        assert_eq!(class("dynamodb:Scan"), Class::Data);
        assert_eq!(class("dynamodb:DescribeTable"), Class::Metadata);
        assert_eq!(class("dynamodb:UpdateTable"), Class::Control);
        assert_eq!(class("s3:PutBucketPolicy"), Class::Control);
        assert_eq!(class("sqs:TagQueue"), Class::Control);
        assert_eq!(class("ssm:GetParameter"), Class::Data);
    }
}
