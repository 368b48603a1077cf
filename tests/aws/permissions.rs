//! The policies of `docs/aws.md` let through what the code calls, and nothing else; every action of them exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tenantry::cfn::catalogue::Catalogue;

#[test]
fn dump() {
    let catalogue = Catalogue::shipped();
    for name in calls().keys() {
        let Some(action) = catalogue.action(name) else { println!("{name} NOT THERE"); continue };
        let types: Vec<(String, bool)> = action.resource_types().map(|u| (u.resource_type.name().to_owned(), u.required)).collect();
        println!("{name} {types:?} deps {:?} keys {:?}", action.dependent_actions().collect::<Vec<_>>(), action.keys().map(|k| format!("{k:?}")).collect::<Vec<_>>().len());
    }
}

fn sources() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/deploy/aws");
    folder.read_dir().unwrap().map(|entry| {
        let path = entry.unwrap().path();
        #[expect(clippy::disallowed_methods, reason = "the sources are what is checked")]
        let text = std::fs::read_to_string(&path).unwrap();
        (path.file_name().unwrap().to_string_lossy().into_owned(), text.split("#[cfg(test)]").next().unwrap().to_owned())
    }).collect()
}

/// The IAM actions that calls are named by, with where.
fn calls() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (file, text) in sources() {
        for word in text.split('"').skip(1).step_by(2) {
            let Some((service, operation)) = word.split_once(':') else { continue };
            let fits = service.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                && operation.starts_with(|c: char| c.is_ascii_uppercase())
                && operation.bytes().all(|b| b.is_ascii_alphanumeric());
            if fits {
                found.insert(word.to_owned(), file.clone());
            }
        }
    }
    found
}
