//! A newcomer changes nothing for those who are there.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::product::{Assembled, Product, products};
use super::support::{Run, files};

/// Ids that come first, in the middle and last, in the language of every blueprint here.
const NEWCOMERS: [&str; 3] = ["000000000000", "mmmmmmmmmmmm", "zzzzzzzzzzzz"];

#[test]
fn a_newcomer_changes_its_own_record_and_the_counts() {
    for product in products() {
        let before = product.assembled(Run::default());
        for like in product.typical_tenants() {
            for id in NEWCOMERS {
                let mut grown = product.clone();
                grown.tenants.push(product.newcomer(like, id));
                let after = grown.assembled(Run { ledger: Some(&before.path()), ..Run::default() });
                only_new(&before, &after, id, product.name);
            }
        }
    }
}

/// A hash needs no ledger: where a tenant goes depends on nobody else.
#[test]
fn under_hash_a_newcomer_moves_nobody_even_without_a_ledger() {
    for mut product in products() {
        for tier in product.tiers() {
            tier["placement"] = "hash".into();
        }
        for cell in product.tree["cells"].as_sequence_mut().unwrap() {
            cell.as_mapping_mut().unwrap().remove("capacity");
        }
        let before = product.assembled(Run::default());
        for like in product.typical_tenants() {
            let id = NEWCOMERS[0];
            let mut grown = product.clone();
            grown.tenants.push(product.newcomer(like, id));
            only_new(&before, &grown.assembled(Run::default()), id, product.name);
        }
    }
}

/// Cells with one place left: the newcomer takes it, or there is a finding, and nobody is pushed out.
#[test]
fn in_cells_that_are_nearly_full_nobody_moves() {
    for (name, tier) in [("serverless-saas", "basic"), ("full-silo", "tenant")] {
        let mut product = Product::read(name);
        for tier in product.tiers() {
            tier["placement"] = "capacity".into();
        }
        product.tenants.retain(|tenant| tenant.get("region").is_none());
        let cells = product.tree["cells"].as_sequence().unwrap().len();
        // As many places as tenants, and one more.
        let places = product.tenants.len() + 1;
        for (index, cell) in product.tree["cells"].as_sequence_mut().unwrap().iter_mut().enumerate() {
            cell["capacity"] = (places / cells + usize::from(index < places % cells)).into();
        }
        let before = product.assembled(Run::default());
        let like = product.tenants.iter().find(|tenant| tenant["tier"] == tier).unwrap().clone();
        for id in NEWCOMERS {
            let mut grown = product.clone();
            grown.tenants.push(product.newcomer(&like, id));
            let after = grown.assembled(Run { ledger: Some(&before.path()), ..Run::default() });
            only_new(&before, &after, id, name);

            let mut crowded = grown.clone();
            let mut second = product.newcomer(&like, "aaaaaaaaaaaa");
            if second.get("account").is_some() {
                second["account"] = "888888888888".into();
            }
            crowded.tenants.push(second);
            let found = crowded.assemble(&after.path(), Run { ledger: Some(&after.path()), ..Run::default() });
            let found = found.unwrap_err();
            assert!(found.len() == 1 && found[0].starts_with("placement/cell-full: "), "{found:?}");
            assert_eq!(files(&after.path()), after.files, "the assembly is left alone");
        }
    }
}

/// Somebody who leaves makes room and changes nothing else.
#[test]
fn a_tenant_that_leaves_moves_nobody() {
    for product in products() {
        let all = product.assembled(Run::default());
        for leaver in [0, product.tenants.len() / 2, product.tenants.len() - 1] {
            let mut shrunk = product.clone();
            let gone = shrunk.tenants.remove(leaver)["tenant"].as_str().unwrap().to_owned();
            let after = shrunk.assembled(Run { ledger: Some(&all.path()), ..Run::default() });
            let mut expected = all.records();
            expected.remove(&gone);
            assert_eq!(after.records(), expected, "{} without {gone}", product.name);
        }
    }
}

/// Asserts that the second assembly is the first with one more tenant.
fn only_new(before: &Assembled, after: &Assembled, id: &str, product: &str) {
    let mut records = after.records();
    let new = records.remove(id).unwrap_or_else(|| panic!("{product}: {id} has no record"));
    assert_eq!(records, before.records(), "{product} with {id}");

    let mut stacks = after.cdk();
    for stack in new["stacks"].as_array().unwrap() {
        stacks.remove(stack["name"].as_str().unwrap()).unwrap();
    }
    assert_eq!(stacks, before.cdk(), "{product} with {id}");

    for (path, bytes) in &after.files {
        let grows = ["tenants.jsonl", "manifest.json", "tenantry.json"].contains(&path.as_str());
        assert!(grows || before.files.get(path) == Some(bytes), "{product} with {id}: {path} changed");
    }
    assert_eq!(before.files.len(), after.files.len());

    let (old, young) = (leaves(&before.manifest()), leaves(&after.manifest()));
    let changed: Vec<&String> = young.keys().filter(|path| old.get(*path) != young.get(*path)).collect();
    let counts = |path: &str| path.starts_with("/tiers/") || path.starts_with("/cells/");
    for path in &changed {
        let expected = (counts(path) && path.ends_with("/tenants") && one_more(&old[*path], &young[*path]))
            || (*path == "/tenants/count" && one_more(&old[*path], &young[*path]))
            || *path == "/tenants/sha256"
            || (path.starts_with("/files/") && (path.ends_with("/sha256") || path.ends_with("/bytes")));
        assert!(expected, "{product} with {id}: {path} of the manifest changed");
    }
    let of = |place: &str| changed.iter().filter(|path| path.starts_with(place)).count();
    assert_eq!((of("/tiers/"), of("/cells/"), of("/tenants/")), (1, 1, 2), "{changed:?}");
    assert_eq!(old.len(), young.len());
}

fn one_more(before: &Json, after: &Json) -> bool {
    before.as_u64().map(|count| count + 1) == after.as_u64()
}

/// The scalars of a value by their paths.
fn leaves(value: &Json) -> BTreeMap<String, Json> {
    fn walk(value: &Json, path: String, leaves: &mut BTreeMap<String, Json>) {
        match value {
            Json::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| walk(item, format!("{path}/{index}"), leaves));
            }
            Json::Object(entries) => {
                entries.iter().for_each(|(key, item)| walk(item, format!("{path}/{key}"), leaves));
            }
            scalar => {
                leaves.insert(path, scalar.clone());
            }
        }
    }
    let mut leaves = BTreeMap::new();
    walk(value, String::new(), &mut leaves);
    leaves
}
