//! An expanded template is the tier's own with the tenant's parameters filled in, and nothing else.

use serde_json::Value as Json;

use super::expression::{Values, normal};
use super::product::{parameters, products, run};

#[test]
fn expanded_templates_say_what_parameterised_ones_say() {
    for product in products() {
        let plain = product.assembled(run(1, false));
        let expanded = product.assembled(run(1, true));
        let theirs = expanded.records();
        for (id, record) in plain.records() {
            let their_record = &theirs[&id];
            let pairs = record["stacks"].as_array().unwrap().iter().zip(their_record["stacks"].as_array().unwrap());
            for (stack, their_stack) in pairs {
                let what = format!("{}: {id}, {}", product.name, stack["name"]);
                let mut template = plain.json(stack["template"].as_str().unwrap());
                let declared = template.as_object_mut().unwrap().remove("Parameters");
                let values = parameters(stack);
                let names: Vec<String> =
                    declared.map_or_else(Vec::new, |declared| declared.as_object().unwrap().keys().cloned().collect());
                let mut sorted = names.clone();
                sorted.sort();
                assert_eq!(sorted, values.keys().cloned().collect::<Vec<_>>(), "{what} has a value for each parameter");

                let their_template = expanded.json(their_stack["template"].as_str().unwrap());
                assert!(their_template.get("Parameters").is_none(), "{what}");
                assert!(normal(&template, &values) == normal(&their_template, &Values::new()), "{what}");
                assert_eq!(parameters(their_stack), Values::new());
                for key in ["name", "account", "region", "tags", "dependsOn"] {
                    assert_eq!(stack.get(key), their_stack.get(key), "{what}");
                }
            }
            assert_eq!(without_stacks(&record), without_stacks(their_record), "{}: {id}", product.name);
        }
        // What is no tenant's own is as it was.
        for (path, bytes) in &expanded.files {
            if path.starts_with("org/") || path.starts_with("templates/") {
                assert!(plain.files.get(path) == Some(bytes), "{}: {path}", product.name);
            }
        }
    }
}

fn without_stacks(record: &Json) -> Json {
    let mut record = record.clone();
    record.as_object_mut().unwrap().remove("stacks");
    record
}
