//! Names of what is deployed: two things never have one, and every one is short enough and of the right letters.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tenantry::blueprint::lower;
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::model::{IdLanguage, Model, naming};
use tenantry::source::read;

use super::expression::{Values, shown};
use super::product::{Assembled, Product, parameters, products};
use super::support::Run;

/// The property that names a resource, the longest name, and the characters beside letters and digits.
const NAMED: [(&str, &str, usize, &str); 12] = [
    ("AWS::S3::Bucket", "BucketName", 63, "-"),
    ("AWS::IAM::Role", "RoleName", 64, "-_+=,.@"),
    ("AWS::Lambda::Function", "FunctionName", 64, "-_"),
    ("AWS::SQS::Queue", "QueueName", 80, "-_"),
    ("AWS::DynamoDB::Table", "TableName", 255, "-_."),
    ("AWS::SNS::Topic", "TopicName", 256, "-_"),
    ("AWS::Events::EventBus", "Name", 256, "-_./"),
    ("AWS::KMS::Alias", "AliasName", 256, "-_/"),
    ("AWS::Logs::LogGroup", "LogGroupName", 512, "-_./#"),
    ("AWS::Cognito::UserPool", "UserPoolName", 128, "-_ "),
    ("AWS::CloudWatch::Alarm", "AlarmName", 255, "-"),
    ("AWS::CloudWatch::Dashboard", "DashboardName", 255, "-_"),
];

/// Asserts that a name is one that its service takes.
#[track_caller]
fn assert_takes(type_name: &str, name: &str, limit: usize, beside: &str) {
    assert!(!name.is_empty() && name.len() <= limit, "{type_name} `{name}` has {} of {limit}", name.len());
    let known = |character: char| character.is_ascii_alphanumeric() || beside.contains(character);
    assert!(name.chars().all(known), "{type_name} `{name}`");
    if type_name == "AWS::S3::Bucket" {
        assert!(!name.chars().any(|character| character.is_ascii_uppercase()), "{name}");
        assert!(name.starts_with(|first: char| first.is_ascii_alphanumeric()) && !name.starts_with("xn--"), "{name}");
        assert!(name.ends_with(|last: char| last.is_ascii_alphanumeric()), "{name}");
    }
}

/// Every name of every stack, with whose it is. Accounts and regions are left out: tenants may come to share one.
fn walk(assembled: &Assembled) -> usize {
    let mut owners: BTreeMap<(String, String), String> = BTreeMap::new();
    for stack in assembled.stacks() {
        let stack_name = stack["name"].as_str().unwrap();
        assert_takes("stack", stack_name, 128, "-");
        assert!(stack_name.starts_with(|first: char| first.is_ascii_alphabetic()), "{stack_name}");
        let again = owners.insert(("stack".to_owned(), stack_name.to_owned()), String::new());
        assert!(again.is_none(), "two stacks are called {stack_name}");
        let values = parameters(&stack);
        let template = assembled.json(stack["template"].as_str().unwrap());
        for (id, resource) in template["Resources"].as_object().unwrap() {
            let type_name = resource["Type"].as_str().unwrap();
            let Some((_, property, limit, beside)) = NAMED.iter().find(|(named, ..)| *named == type_name) else {
                continue;
            };
            let Some(value) = resource["Properties"].get(*property) else { continue };
            let name = shown(value, &values).unwrap();
            assert_takes(type_name, &name, *limit, beside);
            let owner = format!("{id} of {stack_name}");
            // Names that a service folds to lower case must differ then, too.
            if let Some(other) = owners.insert((type_name.to_owned(), name.to_lowercase()), owner.clone()) {
                panic!("{type_name} `{name}` is {other} and {owner}");
            }
        }
    }
    owners.len()
}

#[test]
fn names_are_valid_and_of_one_thing_only() {
    for product in products() {
        let names = walk(&product.assembled(Run::default()));
        assert!(names > 50, "{}: {names}", product.name);
    }
}

/// Ids that run together, ids that are cut, the longest names there are.
#[test]
fn names_stay_apart_where_they_are_hardest_to_tell() {
    let mut product = Product::read("everything");
    product.tree["blueprint"] = "a-twenty-letter-name".into();
    product.tree["ids"] = serde_yaml::from_str("pattern: '^[a-z0-9.-]{1,63}$'").unwrap();
    for (index, tier) in product.tiers().iter_mut().enumerate() {
        tier["tier"] = format!("a-sixteen-tier-{index}").into();
    }
    for (index, cell) in product.tree["cells"].as_sequence_mut().unwrap().iter_mut().enumerate() {
        cell["cell"] = format!("a-sixteen-cell-{index}").into();
    }
    product.tenants = (0..4)
        .flat_map(|tier| {
            let long = format!("{}1", "x".repeat(62));
            let ids = ["a", "a-b", "a.b", "a--b", "-", ".", "..", "-.-", &"x".repeat(63), &long, &"-".repeat(63)];
            // A tenant is in one tier: a letter more tells them apart.
            ids.map(|id| match tier {
                0 => id.to_owned(),
                _ => format!("{}{tier}", &id[..id.len().min(62)]),
            })
            .map(|id| (id, tier))
        })
        .enumerate()
        .map(|(index, (id, tier))| {
            let mut tenant = json!({"tenant": id, "tier": format!("a-sixteen-tier-{tier}")});
            if tier == 3 {
                tenant["account"] = format!("{:012}", index + 1).into();
            }
            tenant
        })
        .collect();
    product.tenants.dedup_by(|one, other| one["tenant"] == other["tenant"]);
    let mut seen = std::collections::BTreeSet::new();
    product.tenants.retain(|tenant| seen.insert(tenant["tenant"].to_string()));
    for cell in product.tree["cells"].as_sequence_mut().unwrap() {
        cell["capacity"] = 100.into();
    }
    assert!(walk(&product.assembled(Run::default())) > 400);
}

fn model(name: &str, tier: &str, cell: &str, ids: &str) -> Model {
    let blueprint = json!({
        "tenantry": 1,
        "blueprint": name,
        "owner": "o",
        "cost_center": "c",
        "ids": {"pattern": ids},
        "cells": [{"cell": cell, "region": "eu-west-1", "account": "111111111111"}],
        "tiers": [{"tier": tier, "isolation": "silo", "components": [{"key": "Key"}]}],
    });
    let mut findings = Sink::new();
    let text = blueprint.to_string();
    let tree = read("blueprint.yaml", text.as_bytes(), &mut SourceMap::default(), &mut findings).unwrap();
    lower(&tree, &mut findings).unwrap_or_else(|| panic!("{findings:?}"))
}

/// A pattern of the id language, and the alphabet it is over.
fn language() -> impl Strategy<Value = (String, usize)> {
    let class = prop::sample::select(vec!["a-z", "a-z0-9", "0-9", "a-z0-9-", "A-Z0-9", "a-z.", "0-9a-f-", "A-Z.-"]);
    (class.clone(), class, 1_usize..=62).prop_filter_map("mixes cases", |(first, rest, max)| {
        let pattern = format!("^[{first}][{rest}]{{0,{max}}}$");
        IdLanguage::new(&pattern).ok().map(|_| (pattern, max))
    })
}

fn dashed(limit: usize) -> impl Strategy<Value = String> {
    let pattern = format!("[a-z](-?[a-z0-9]){{0,{}}}", limit - 1);
    prop::string::string_regex(&pattern).unwrap().prop_map(move |text| {
        let cut = text.get(..limit).unwrap_or(&text);
        cut.trim_end_matches('-').to_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_of_any_tenants_fit_and_differ(
        (pattern, ids) in language().prop_flat_map(|(pattern, _)| {
            let id = prop::string::string_regex(pattern.trim_matches(['^', '$'])).unwrap();
            (Just(pattern), prop::collection::btree_set(id, 2..12))
        }),
        name in dashed(20),
        tier in dashed(16),
        cell in dashed(16),
        component in "[A-Z][a-zA-Z0-9]{0,23}",
        other in "[A-Z][a-zA-Z0-9]{0,23}",
    ) {
        let model = model(&name, &tier, &cell, &pattern);
        let (tier, cell) = (&model.tiers[0].name, &model.cells[0].name);
        let kebab = |text: &str| tenantry::model::ComponentName::new(text).unwrap().kebab();
        let mut names: BTreeMap<String, (String, String)> = BTreeMap::new();
        for id in &ids {
            let tenant = model.ids.parse(id).unwrap();
            let digest = naming::base32(naming::tenant_fingerprint(&model, cell, &tenant), naming::DIGEST_LENGTH);
            let stack = naming::tenant_stack(&model, tier, &naming::label(&tenant), &digest);
            assert_takes("stack", &stack, 128, "-");
            let mut own = vec![(stack, "stack".to_owned())];
            for component in [&component, &other] {
                for (suffix, limit) in [("", 63), ("-dlq", 80), ("-session", 64), ("-tenant", 64)] {
                    let part = format!("{}{suffix}", kebab(component));
                    let stem = naming::stem(&model.name, tier, &part, limit);
                    let full = format!("{stem}-{}-{digest}", naming::label(&tenant));
                    let type_name = if suffix.is_empty() { "AWS::S3::Bucket" } else { "role" };
                    assert_takes(type_name, &full, limit, "-");
                    own.push((full, part));
                }
            }
            for (full, part) in own {
                if let Some((owner, what)) = names.insert(full.clone(), (id.clone(), part.clone())) {
                    prop_assert!(owner == *id && what == part, "`{full}` is {what} of {owner} and {part} of {id}");
                }
            }
        }
    }
}

/// The records carry what the templates' names are made of.
#[test]
fn records_name_their_parts() {
    let assembled = Product::read("everything").assembled(Run::default());
    for (id, record) in assembled.records() {
        for stack in record["stacks"].as_array().unwrap() {
            let values: Values = parameters(stack);
            for (key, parameter) in [("tenant", "TenantId"), ("label", "TenantLabel"), ("digest", "TenantDigest")] {
                let value = values.get(parameter).map(|value| Json::from(value.as_str()));
                assert!(value.is_none_or(|value| value == record[key]), "{id}: {parameter}");
            }
        }
    }
}
