//! What every resource has: tags that say whose it is, and policies that keep what holds data.

use serde_json::{Value as Json, json};
use tenantry::cfn::schema::{self, TagStyle};
use tenantry::facts::Facts;

use super::product::{Product, products};
use super::support::Run;

const MANDATORY: [&str; 7] = ["TenantId", "Tier", "Cell", "Component", "Environment", "Owner", "CostCenter"];

/// Hands over every resource of every template: what it is called, its template's path, and itself.
fn for_each_resource(mut visit: impl FnMut(&str, &str, &Json)) {
    let mut seen = 0;
    for product in products() {
        for (path, template) in product.assembled(Run::default()).templates() {
            for (id, resource) in template["Resources"].as_object().unwrap() {
                visit(&format!("{}: {id} of {path}", product.name), path, resource);
                seen += 1;
            }
        }
    }
    assert!(seen > 500, "{seen} resources");
}

#[test]
fn what_can_carry_tags_says_whose_it_is() {
    let facts = Facts::shipped().unwrap();
    let mut tagged = 0;
    for_each_resource(|what, path, resource| {
        let type_name = resource["Type"].as_str().unwrap();
        let Some(tagging) = schema::find(type_name).unwrap().tagging() else { return };
        if facts.tagging().untagged.contains_key(type_name) {
            return;
        }
        let tags = &resource["Properties"][&tagging.property];
        let value = |key: &str| match tagging.style {
            TagStyle::Map => tags.get(key).cloned(),
            _ => {
                let mut found = tags.as_array().unwrap().iter().filter(|tag| tag["Key"] == key);
                let value = found.next().map(|tag| tag["Value"].clone());
                assert!(found.next().is_none(), "{what} has the tag {key} twice");
                value
            }
        };
        for key in MANDATORY {
            assert!(value(key).is_some_and(|value| !value.is_null() && value != ""), "{what} has no tag {key}");
        }
        let tenant = if path.contains("-cell.") { json!("pooled") } else { json!({"Ref": "TenantId"}) };
        assert_eq!(value("TenantId"), Some(tenant), "{what}");
        tagged += 1;
    });
    assert!(tagged > 200, "{tagged} tagged resources");
}

#[test]
fn what_holds_data_outlives_its_stack_and_its_replacement() {
    let mut kept = 0;
    for_each_resource(|what, _, resource| {
        let stateful = schema::find(resource["Type"].as_str().unwrap()).unwrap().is_stateful();
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let retained = resource.get(policy).is_some_and(|policy| policy == "Retain");
            assert_eq!(retained, stateful, "{what}: {policy}");
        }
        kept += usize::from(stateful);
    });
    assert!(kept > 50, "{kept} stateful resources");
}

/// The types whose loss cannot be undone, named here so that a change of the facts is seen.
#[test]
fn tables_buckets_keys_and_pools_hold_data() {
    for type_name in [
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::Cognito::UserPool",
        "AWS::SQS::Queue",
        "AWS::Logs::LogGroup",
    ] {
        assert!(schema::find(type_name).unwrap().is_stateful(), "{type_name}");
    }
}

#[test]
fn tenants_with_the_same_overrides_share_a_variant() {
    let mut product = Product::read("serverless-saas");
    let like = product.tenants.iter().find(|tenant| tenant["tenant"] == "tenant-031").unwrap().clone();
    for number in 0..9 {
        let mut tenant = product.newcomer(&like, &format!("same-{number}"));
        tenant["account"] = format!("23000000000{number}").into();
        // The order in which settings are written means nothing.
        tenant["overrides"] = json!({"OrderService": {"timeout_seconds": 60, "memory_mib": 2048}});
        product.tenants.push(tenant);
    }
    let assembled = product.assembled(Run::default());
    let variants: Vec<&str> = assembled.templates().into_keys().filter(|path| path.contains(".v-")).collect();
    let [variant] = variants.as_slice() else { panic!("{variants:?}") };
    let users = assembled.records().into_values().filter(|record| record["stacks"][0]["template"] == *variant).count();
    assert_eq!(users, 10);
}

/// An override that says what the tier says already is none.
#[test]
fn an_override_that_changes_nothing_makes_no_variant() {
    let mut product = Product::read("serverless-saas");
    for tenant in &mut product.tenants {
        if tenant.get("overrides").is_some() {
            tenant["overrides"] = json!({"OrderService": {"memory_mib": 1024}});
        }
    }
    assert!(product.assembled(Run::default()).templates().into_keys().all(|path| !path.contains(".v-")));
}
