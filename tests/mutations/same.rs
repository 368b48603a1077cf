//! Edits that mean nothing change no verdict: the order of statements, their names, capitals in actions, grants that
//! touch nothing.

use serde_json::{Value, json};
use tenantry::prove::proof::Proof;

use super::world::{SHIPPED, World, counts};

/// Changes every policy document of a world.
fn each_document(world: &mut World, change: &mut dyn FnMut(&mut Vec<Value>)) {
    fn walk(value: &mut Value, change: &mut dyn FnMut(&mut Vec<Value>)) {
        match value {
            Value::Object(entries) => {
                if let Some(Value::Array(statements)) = entries.get_mut("Statement") {
                    change(statements);
                }
                entries.values_mut().for_each(|value| walk(value, change));
            }
            Value::Array(items) => items.iter_mut().for_each(|value| walk(value, change)),
            _ => {}
        }
    }
    world.templates().for_each(|template| walk(&mut template["Resources"], change));
}

/// Each letter of an action in the other case.
fn swapped(action: &Value) -> Value {
    match action {
        Value::String(text) => {
            let other = |letter: char| {
                if letter.is_ascii_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
            };
            json!(text.chars().map(other).collect::<String>())
        }
        Value::Array(items) => items.iter().rev().map(swapped).collect(),
        other => other.clone(),
    }
}

/// An edit, and what people call it.
type Edit = (&'static str, fn(&mut World));

/// The edits.
const EDITS: [Edit; 4] = [
    ("the order of statements", |world| each_document(world, &mut |statements| statements.reverse())),
    ("names of statements", |world| {
        let mut number = 0;
        each_document(world, &mut |statements| {
            for statement in statements {
                number += 1;
                statement["Sid"] = json!(format!("S{number}"));
            }
        });
    }),
    ("capitals and order of actions", |world| {
        each_document(world, &mut |statements| {
            for statement in statements {
                for part in ["Action", "NotAction"] {
                    if let Some(actions) = statement.get(part) {
                        statement[part] = swapped(actions);
                    }
                }
            }
        });
    }),
    ("two hundred statements about what nobody has", |world| {
        for template in world.templates() {
            for resource in template["Resources"].as_object_mut().unwrap().values_mut() {
                if resource["Type"] != "AWS::IAM::Role" {
                    continue;
                }
                let statements: Vec<Value> = (0..200)
                    .map(|number| {
                        json!({ "Effect": "Allow", "Action": "iot:Publish",
                            "Resource": format!("arn:aws:iot:eu-west-1:123456789012:topic/t{number}") })
                    })
                    .collect();
                let document = json!({ "Version": "2012-10-17", "Statement": statements });
                let policies = &mut resource["Properties"]["Policies"];
                if policies.is_null() {
                    *policies = json!([]);
                }
                policies.as_array_mut().unwrap().push(json!({ "PolicyName": "more", "PolicyDocument": document }));
            }
        }
    }),
];

fn verdict(proof: &Proof) -> ((usize, usize), &'static str) {
    (counts(proof), proof.result().as_str())
}

#[test]
fn edits_that_mean_nothing_change_no_verdict() {
    let broken = World::tier("bridge").edited(
        "drop ApiTenantRole.trust.0.Condition\n\
         ApiSessionRole.allow.3.Resource = \"*\"\n\
         ApiSessionRole allows dynamodb:Scan on ${@OrdersTable.Arn}\n\
         JobsPolicy lets \"*\" call sqs:SendMessage",
    );
    let mut worlds: Vec<(&str, World)> = SHIPPED.iter().map(|name| (*name, World::shipped(name))).collect();
    worlds.push(("a broken bridge", broken));
    for (name, world) in worlds {
        let before = verdict(&world.prove());
        assert_eq!(before.1, if name == "a broken bridge" { "refuted" } else { "proved" }, "{name}");
        for (what, edit) in EDITS {
            let mut edited = world.clone();
            edit(&mut edited);
            assert_eq!(verdict(&edited.prove()), before, "{name}: {what}");
        }
    }
}
