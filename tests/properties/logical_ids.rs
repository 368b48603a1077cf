//! Logical ids never move: another id for the same component would replace what holds its data.

use std::collections::BTreeSet;

use serde_yaml::Value as Yaml;
use tenantry::blueprint::lower;
use tenantry::cfn::schema::{self, Replacement};
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::ir::StackGraph;
use tenantry::render;
use tenantry::source::read;

use super::product::{Product, products};
use super::support::Run;

/// One resource: tier, stack, component, type, logical id.
type Row = (String, &'static str, String, String, String);

/// Every tier with its stacks, rendered and not yet written.
fn graphs(product: &Product) -> Vec<(String, &'static str, StackGraph)> {
    let (text, _) = product.source();
    let mut findings = Sink::new();
    let tree = read("blueprint.yaml", text.as_bytes(), &mut SourceMap::default(), &mut findings).unwrap();
    let model = lower(&tree, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    let model = model.unwrap();
    let mut graphs = Vec::new();
    for tier in &model.tiers {
        let graph = render::tier(&model, tier);
        for (stack, name) in [(graph.cell, "cell"), (graph.tenant, "tenant")] {
            graphs.extend(stack.map(|stack| (tier.name.to_string(), name, stack)));
        }
    }
    graphs
}

/// The resources of all tiers.
fn rows(product: &Product) -> Vec<Row> {
    let mut rows = Vec::new();
    for (tier, name, stack) in graphs(product) {
        rows.extend(
            stack
                .nodes
                .into_iter()
                .map(|node| (tier.clone(), name, node.component.to_string(), node.type_name, node.id.to_string())),
        );
    }
    rows
}

fn set(product: &Product) -> BTreeSet<Row> {
    rows(product).into_iter().collect()
}

#[test]
fn the_table_of_logical_ids() {
    for product in products() {
        let mut table = String::new();
        for (tier, stack, component, type_name, id) in rows(&product) {
            table += &format!("{tier}/{stack} {component} {type_name} {id}\n");
        }
        // The organization's resources have no component.
        let template = product.assembled(Run::default()).json("org/organization.template.json");
        for (id, resource) in template["Resources"].as_object().unwrap() {
            table += &format!("organization {} {id}\n", resource["Type"].as_str().unwrap());
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../snapshots/logical-ids");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(product.name, table));
    }
}

#[test]
fn every_logical_id_stands_once_in_its_stack() {
    for product in products() {
        let mut seen = BTreeSet::new();
        for (tier, stack, _, _, id) in rows(&product) {
            assert!(seen.insert((tier.clone(), stack, id.clone())), "{}: {id} twice in {tier}", product.name);
            assert!(id.len() <= 255 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        }
    }
}

#[test]
fn another_component_moves_no_id() {
    for product in products() {
        let before = set(&product);
        for component in ["key: Newcomer", "bucket: Newcomer\npartition_by: prefix", "queue: Newcomer\npartition_by: t"]
        {
            for at_the_end in [false, true] {
                let mut grown = product.clone();
                for tier in grown.tiers() {
                    add(tier, "components", component, at_the_end);
                    if tier["isolation"] == "bridge" {
                        add(tier, "pooled", "Newcomer", at_the_end);
                    }
                }
                let after = set(&grown);
                assert!(before.is_subset(&after) && after.len() > before.len(), "{} with {component}", product.name);
            }
        }
    }
}

#[test]
fn another_tier_or_tenant_moves_no_id() {
    for product in products() {
        let before = set(&product);
        let mut grown = product.clone();
        let mut tier = grown.tiers()[0].clone();
        tier["tier"] = "another".into();
        grown.tiers().insert(0, tier);
        let like = product.typical_tenants()[0];
        grown.tenants.insert(0, product.newcomer(like, "000000000000"));
        let after = set(&grown);
        assert!(before.is_subset(&after) && after.len() > before.len(), "{}", product.name);
    }
}

#[test]
fn the_order_of_components_and_tiers_moves_no_id() {
    for product in products() {
        let mut turned = product.clone();
        turned.tiers().reverse();
        for tier in turned.tiers() {
            reverse(tier);
        }
        if let Some(bundles) = turned.tree.get_mut("bundles").and_then(Yaml::as_sequence_mut) {
            bundles.iter_mut().for_each(reverse);
        }
        assert_ne!(rows(&product), rows(&turned));
        assert_eq!(set(&product), set(&turned), "{}", product.name);
    }
}

/// A bundle is a way to write, and no part of an id.
#[test]
fn components_may_move_between_bundle_and_tier() {
    let product = Product::read("serverless-saas");
    let mut moved = product.clone();
    let bundle = moved.tree.as_mapping_mut().unwrap().remove("bundles").unwrap()[0].clone();
    for tier in moved.tiers() {
        let tier = tier.as_mapping_mut().unwrap();
        tier.remove("include");
        tier.insert("components".into(), bundle["components"].clone());
        tier.insert("allow".into(), bundle["allow"].clone());
    }
    assert_eq!(rows(&product), rows(&moved));
}

/// The product with each of its components renamed in turn.
fn renamed(product: &Product) -> impl Iterator<Item = (String, Product)> {
    let names: BTreeSet<String> = rows(product).into_iter().map(|row| row.2).collect();
    names.into_iter().map(|name| {
        let mut renamed = product.clone();
        rename(&mut renamed.tree, &name, "Renamed");
        for overrides in renamed.tenants.iter_mut().filter_map(|tenant| tenant.get_mut("overrides")?.as_object_mut()) {
            if let Some(settings) = overrides.remove(&name) {
                overrides.insert("Renamed".to_owned(), settings);
            }
        }
        (name, renamed)
    })
}

#[test]
fn a_renamed_component_keeps_its_ids() {
    for product in products() {
        let ids = |product: &Product| rows(product).into_iter().map(|row| (row.0, row.1, row.3, row.4)).collect();
        let before: BTreeSet<_> = ids(&product);
        for (name, renamed) in renamed(&product) {
            let after: BTreeSet<_> = ids(&renamed);
            let gone: Vec<_> = before.difference(&after).collect();
            assert!(gone.is_empty() && before.len() == after.len(), "{}: {name} renamed moves {gone:#?}", product.name);
        }
    }
}

/// The same id is not enough: a table with another name is another table, and an empty one.
#[test]
fn a_renamed_component_keeps_what_cannot_be_changed_in_place() {
    let mut compared = 0;
    for product in products() {
        let before = graphs(&product);
        for (name, renamed) in renamed(&product) {
            for ((tier, _, stack), (_, _, theirs)) in before.iter().zip(graphs(&renamed)) {
                for (node, their_node) in stack.nodes.iter().zip(&theirs.nodes) {
                    assert_eq!(node.id, their_node.id);
                    let facts = schema::find(&node.type_name).unwrap();
                    let fixed = |property: &str| {
                        let below = |path: &str| path.split('/').next() == Some(property);
                        facts.replacement(property) != Replacement::No || facts.create_only().any(below)
                    };
                    for property in node.properties.keys().filter(|property| fixed(property)) {
                        let what =
                            format!("{}: {name} renamed replaces {} of {tier} ({property})", product.name, node.id);
                        assert_eq!(node.properties.get(property), their_node.properties.get(property), "{what}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 1_000, "{compared} properties");
}

fn add(tier: &mut Yaml, key: &str, item: &str, at_the_end: bool) {
    let list = tier.as_mapping_mut().unwrap().entry(key.into()).or_insert_with(|| Yaml::Sequence(Vec::new()));
    let list = list.as_sequence_mut().unwrap();
    list.insert(if at_the_end { list.len() } else { 0 }, serde_yaml::from_str(item).unwrap());
}

fn reverse(holder: &mut Yaml) {
    for key in ["components", "allow", "siloed", "pooled"] {
        if let Some(list) = holder.get_mut(key).and_then(Yaml::as_sequence_mut) {
            list.reverse();
        }
    }
}

/// Renames a component wherever it is named, and says where it is made what it was called.
fn rename(tree: &mut Yaml, from: &str, to: &str) {
    match tree {
        Yaml::String(text) if text == from => *text = to.to_owned(),
        Yaml::String(text) => *text = text.replace(&format!("${{{from}."), &format!("${{{to}.")),
        Yaml::Sequence(items) => items.iter_mut().for_each(|item| rename(item, from, to)),
        Yaml::Mapping(entries) => {
            const KINDS: [&str; 14] = [
                "alarms",
                "bucket",
                "custom",
                "dashboard",
                "event_bus",
                "function",
                "http_api",
                "key",
                "network",
                "queue",
                "rest_api",
                "table",
                "topic",
                "user_pool",
            ];
            let first = entries.iter().next().map(|(key, value)| (key.clone(), value.clone()));
            for value in entries.values_mut() {
                rename(value, from, to);
            }
            if let Some(settings) = entries.remove(from) {
                entries.insert(to.into(), settings);
            }
            if let Some((key, value)) = first
                && KINDS.iter().any(|kind| key == *kind)
                && value == from
            {
                entries.insert("renamed_from".into(), from.into());
            }
        }
        _ => {}
    }
}
