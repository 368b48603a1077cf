//! The policies of `docs/aws.md` let through what the code calls, and nothing else; every action of them exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tenantry::cfn::catalogue::Catalogue;

/// What the code does not call, and others do for it.
const FOR_OTHERS: &[(&str, &str)] = &[
    ("iam:PassRole", "CloudFormation takes the administration role of self-managed stack sets"),
    ("organizations:TagResource", "units and policies are made with tags"),
    ("s3:ListBucket", "S3 says 404 only to those who may list"),
];

/// Calls that need no permission.
const FREE: &[&str] = &["sts:GetCallerIdentity"];

#[expect(clippy::disallowed_methods, reason = "the sources and the page are what is checked")]
fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files that ask AWS, without their tests.
fn sources() -> String {
    let folder = root().join("src/deploy/aws").read_dir().unwrap();
    folder.map(|entry| text(&entry.unwrap().path()).split("#[cfg(test)]").next().unwrap().to_owned()).collect()
}

/// The actions that calls are named by in errors.
fn named(sources: &str) -> BTreeSet<String> {
    let is_action = |word: &&str| {
        word.split_once(':').is_some_and(|(service, operation)| {
            service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && operation.starts_with(|first: char| first.is_ascii_uppercase())
                && operation.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    };
    sources.split('"').filter(is_action).map(str::to_owned).collect()
}

/// The operations of the SDK that are sent: `client.describe_stacks()…send()`.
fn sent(sources: &str) -> BTreeSet<String> {
    let packed: String = sources.chars().filter(|character| !character.is_whitespace()).collect();
    let (mut pieces, mut found) = (packed.split(".send()").collect::<Vec<_>>(), BTreeSet::new());
    pieces.pop();
    for piece in pieces {
        let clients = ["client.", "clients.cloudwatch."]
            .into_iter()
            .filter_map(|client| piece.rfind(client).map(|at| at + client.len()));
        let call = &piece[clients.max().unwrap_or_else(|| panic!("no client before `.send()`: {piece}"))..];
        found.insert(call.split('(').next().unwrap().to_owned());
    }
    found
}

/// `CreateChangeSet` as a method is called.
fn snake(operation: &str) -> String {
    operation.chars().fold(String::new(), |mut name, character| {
        if character.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
        name
    })
}

#[test]
fn every_call_is_named_by_its_action() {
    let sources = sources();
    let mut expected: BTreeSet<String> =
        named(&sources).iter().map(|action| snake(action.split(':').nth(1).unwrap())).collect();
    // A role is assumed by a provider of the SDK; to look at an object takes the right to get it.
    assert!(expected.remove("assume_role") && expected.remove("get_object"));
    expected.insert("head_object".to_owned());
    assert_eq!(sent(&sources), expected);
}

/// The statements of the page's policies: actions, and whether they are for every resource.
fn statements() -> Vec<(Vec<String>, bool)> {
    let page = text(&root().join("docs/aws.md"));
    let list = |value: &Value| match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
        other => panic!("{other}"),
    };
    let blocks: Vec<&str> = page.split("```json").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 3, "a policy for each of three roles");
    let mut all = Vec::new();
    for block in blocks {
        let policy: Value = serde_json::from_str(block).unwrap();
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow");
            all.push((list(&statement["Action"]), list(&statement["Resource"]) == ["*"]));
        }
    }
    all
}

#[test]
fn the_policies_let_through_what_is_called_and_no_more() {
    let mut needed = named(&sources());
    for free in FREE {
        assert!(needed.remove(*free), "{free} is not called");
    }
    needed.extend(FOR_OTHERS.iter().map(|(action, _)| (*action).to_owned()));
    let given: BTreeSet<String> = statements().into_iter().flat_map(|(actions, _)| actions).collect();
    assert_eq!(given, needed);
}

#[test]
fn every_action_exists_and_is_narrowed_where_it_can_be() {
    let catalogue = Catalogue::shipped();
    let given: BTreeMap<String, bool> = statements()
        .into_iter()
        .flat_map(|(actions, everything)| actions.into_iter().map(move |action| (action, everything)))
        .collect();
    for (name, everything) in &given {
        let action = catalogue.action(name).unwrap_or_else(|| panic!("there is no action `{name}`"));
        let narrowed = action.resource_types().next().is_some();
        assert!(narrowed || *everything, "`{name}` has no resources and is let through for some only");
        // Ids of units and policies are made by AWS, and names of alarms by others.
        let unknown = name.starts_with("organizations:") || name == "cloudwatch:DescribeAlarms";
        assert!(!*everything || !narrowed || unknown, "`{name}` could be narrowed to resources");
        for dependent in action.dependent_actions() {
            println!("{name} takes {dependent}");
        }
    }
}
