use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::cfn::policy::Policy;
use crate::facts::Facts;
use crate::passes::pack::tests::{budget, some_groups, typical_tier};
use crate::passes::pack::{Budget, pack};
use crate::prove::proof::Outcome;
use crate::prove::shipped::document;
use crate::render::guardrails::Group;

fn before<P>(groups: &[Group<P>]) -> Vec<Document>
where
    P: Clone,
{
    let text = |group: &Group<P>| serde_json::to_string(&Policy::new(group.statements.clone())).unwrap();
    groups.iter().map(|group| document(&text(group), &group.name).unwrap()).collect()
}

fn after(texts: &[String]) -> Vec<Document> {
    texts
        .iter()
        .zip(1..)
        .map(|(text, number)| document(text, &format!("org/basic.scp-{number}.json")).unwrap())
        .collect()
}

fn typical() -> (Vec<Document>, Vec<String>) {
    let tier = typical_tier();
    let unpacked = before(&tier.service_control);
    let facts = Facts::shipped().unwrap();
    let packing = pack(tier.service_control, Budget::service_control(&facts).unwrap()).unwrap();
    (unpacked, packing.documents.into_iter().map(|document| document.json).collect())
}

#[test]
fn the_packing_of_a_typical_tier_is_proved() {
    let (unpacked, texts) = typical();
    let packed = after(&texts);
    let started = std::time::Instant::now();
    let proved = prove("basic, service control policies", &unpacked, &packed);
    eprintln!("typical tier: {:?}", started.elapsed());
    assert_eq!(proved.verdict, Verdict::Proved);
    assert_eq!(proved.id, "packing/basic, service control policies");

    let tier = typical_tier();
    let unpacked = before(&tier.resource_control);
    let budget = Budget::resource_control(&Facts::shipped().unwrap()).unwrap();
    let packing = pack(tier.resource_control, budget).unwrap();
    let texts: Vec<String> = packing.documents.into_iter().map(|document| document.json).collect();
    assert_eq!(prove("rcp", &unpacked, &after(&texts)).verdict, Verdict::Proved);
}

/// The first statement whose name holds the text.
fn find<'a>(documents: &'a mut [Value], sid: &str) -> &'a mut Value {
    let statements = documents.iter_mut().flat_map(|document| document["Statement"].as_array_mut().unwrap());
    statements.into_iter().find(|statement| statement["Sid"].as_str().unwrap().contains(sid)).unwrap()
}

fn list<'a>(statement: &'a mut Value, key: &str) -> &'a mut Vec<Value> {
    let value = &mut statement[key];
    if !value.is_array() {
        *value = Value::Array(vec![value.clone()]);
    }
    value.as_array_mut().unwrap()
}

fn drop_statement(documents: &mut [Value], sid: &str) {
    for document in documents {
        let statements = document["Statement"].as_array_mut().unwrap();
        statements.retain(|statement| !statement["Sid"].as_str().unwrap().contains(sid));
    }
}

type Mutation = (&'static str, fn(&mut Vec<Value>), &'static str);

const EXEMPT: &str = "/Condition/ArnNotLike/aws:PrincipalArn";

/// What goes wrong when packing goes wrong, and what the request that shows it must name.
const MUTATIONS: &[Mutation] = &[
    (
        "an action is dropped",
        |all| drop(list(find(all, "DenyIamUsers"), "Action").remove(0)),
        "after packing, by nothing",
    ),
    ("a statement is dropped", |all| drop_statement(all, "DenyRoot"), ":root`"),
    ("a document is dropped", |all| drop(all.pop()), "is denied by"),
    (
        "another value of StringEquals",
        |all| find(all, "PublicSnapshots")["Condition"]["StringEquals"]["ec2:Add/group"] = "al".into(),
        "`ec2:add/group` = `all`",
    ),
    (
        "a resource is widened",
        |all| *list(find(all, "PublicDocuments"), "Resource") = vec!["arn:*:ssm:*:*:servicesetting/*".into()],
        "before packing, by nothing",
    ),
    (
        "a resource is narrowed",
        |all| *list(find(all, "PublicDocuments"), "Resource") = vec!["arn:aws:ssm:eu-west-1:*:servicesetting/x".into()],
        "after packing, by nothing",
    ),
    (
        "a condition is dropped",
        |all| drop(find(all, "PublicFunctions")["Condition"].as_object_mut().unwrap().remove("StringEquals")),
        "before packing, by nothing",
    ),
    (
        "a condition is added",
        |all| find(all, "DenyRoot")["Condition"]["StringEquals"] = json!({"aws:RequestedRegion": "eu-west-1"}),
        "after packing, by nothing",
    ),
    ("an exception is added", |all| list(find(all, "Regions"), "NotAction").push("dynamodb:*".into()), "dynamodb:"),
    ("an exception is dropped", |all| list(find(all, "Regions"), "NotAction").retain(|one| one != "iam:*"), "iam:"),
    (
        "an exception is widened",
        |all| list(find(all, "Regions"), "NotAction").push("ec2:Describe*".into()),
        "ec2:describe",
    ),
    ("an action is widened", |all| list(find(all, "DenyIamUsers"), "Action").push("iam:Create*".into()), "iam:"),
    (
        "Action becomes NotAction",
        |all| {
            let statement = find(all, "PublicImages").as_object_mut().unwrap();
            let actions = statement.remove("Action").unwrap();
            statement.insert("NotAction".to_owned(), actions);
        },
        "is denied by",
    ),
    (
        "a role is exempted",
        |all| {
            let roles = find(all, "Services").pointer_mut(EXEMPT).unwrap().as_array_mut().unwrap();
            roles.push("arn:*:iam::*:role/everyone-*".into());
        },
        "role/everyone-",
    ),
    (
        "a role is no longer exempted",
        |all| drop(find(all, "Services").pointer_mut(EXEMPT).unwrap().as_array_mut().unwrap().remove(0)),
        "before packing, by nothing",
    ),
    (
        "a region is added",
        |all| {
            let regions = &mut find(all, "Regions")["Condition"]["StringNotEquals"]["aws:RequestedRegion"];
            regions.as_array_mut().unwrap().push("us-east-2".into());
        },
        "`us-east-2`",
    ),
    (
        "a tag key is dropped",
        |all| {
            find(all, "ProtectTags")["Condition"]["ForAnyValue:StringEqualsIgnoreCase"]["aws:TagKeys"] = "Tier".into()
        },
        "enant",
    ),
    (
        "case counts",
        |all| {
            let conditions = find(all, "ProtectTags")["Condition"].as_object_mut().unwrap();
            let keys = conditions.remove("ForAnyValue:StringEqualsIgnoreCase").unwrap();
            conditions.insert("ForAnyValue:StringEquals".to_owned(), keys);
        },
        "`aws:tagkeys` = ",
    ),
    (
        "any becomes all",
        |all| {
            let conditions = find(all, "ProtectTags")["Condition"].as_object_mut().unwrap();
            let keys = conditions.remove("ForAnyValue:StringEqualsIgnoreCase").unwrap();
            conditions.insert("ForAllValues:StringEqualsIgnoreCase".to_owned(), keys);
        },
        "is denied by",
    ),
    (
        "Null is turned around",
        |all| find(all, "DenyRoot")["Condition"]["Null"]["aws:AssumedRoot"] = "false".into(),
        "is denied by",
    ),
    (
        "a value of Bool is turned around",
        |all| find(all, "PublicDatabases")["Condition"]["Bool"]["rds:PubliclyAccessible"] = "false".into(),
        "rds:createdbinstance",
    ),
    (
        "two statements with different conditions are merged",
        |all| {
            let actions = list(find(all, "PublicFunctions"), "Action").clone();
            drop_statement(all, "PublicFunctions");
            list(find(all, "PublicSnapshots"), "Action").extend(actions);
        },
        "lambda:addpermission",
    ),
    (
        "actions and resources of two statements are crossed",
        |all| {
            let actions = list(find(all, "PublicDocuments"), "Action").clone();
            list(find(all, "DenyIamUsers"), "Action").extend(actions);
        },
        "ssm:",
    ),
    (
        "Deny becomes Deny of nothing",
        |all| *list(find(all, "DenyIamUsers"), "Action") = Vec::new(),
        "after packing, by nothing",
    ),
];

#[test]
fn every_mutation_is_refuted() {
    let (unpacked, texts) = typical();
    let mut wrong = Vec::new();
    for (kind, mutate, expected) in MUTATIONS {
        let mut documents: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        mutate(&mut documents);
        let mutated: Vec<String> = documents.iter().map(Value::to_string).collect();
        assert_ne!(mutated, texts, "{kind}");
        match prove("basic", &unpacked, &after(&mutated)).verdict {
            Verdict::Refuted(found) if found.sentence.to_lowercase().contains(&expected.to_lowercase()) => {}
            Verdict::Refuted(found) => wrong.push(format!("{kind}: no `{expected}` in: {}", found.sentence)),
            other => wrong.push(format!("{kind}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(MUTATIONS.len() >= 15);
}

/// What the evaluator of the tests in `passes::pack` says for single requests, this says for all of them.
fn split_and_cover(texts: [&str; 2]) -> Outcome {
    let documents = texts.map(|text| {
        let statements: Value = serde_json::from_str(text).unwrap();
        document(&json!({"Version": "2012-10-17", "Statement": statements}).to_string(), "a.json").unwrap()
    });
    let [one, other] = documents;
    prove("x", &[one], &[other]).verdict.outcome()
}

#[test]
fn what_only_several_atoms_cover_together_is_found_by_the_engine() {
    let deny =
        |actions: &str, more: &str| format!(r#"{{"Effect": "Deny", "Action": {actions}, "Resource": "*"{more}}}"#);
    let is = r#", "Condition": {"StringEquals": {"k": "v"}}"#;
    let is_not = r#", "Condition": {"StringNotEquals": {"k": "v"}}"#;
    let whole = format!("[{}]", deny(r#"["a:B"]"#, ""));
    let halves = format!("[{}, {}]", deny(r#"["a:B"]"#, is), deny(r#"["a:B"]"#, is_not));
    assert_eq!(split_and_cover([&whole, &halves]), Outcome::Proved);
    let whole = format!("[{}]", deny(r#"["a:*"]"#, ""));
    let halves = format!("[{}, {}]", deny(r#"["a:*"]"#, is), deny(r#"["a:*"]"#, is_not));
    assert_eq!(split_and_cover([&whole, &halves]), Outcome::Proved);
    // All but `a:*` and all of `a:*` is everything.
    let everything = format!("[{}]", deny(r#""*""#, ""));
    let rest = r#"{"Effect": "Deny", "NotAction": "a:*", "Resource": "*"}"#;
    assert_eq!(split_and_cover([&everything, &format!("[{rest}, {}]", deny(r#""a:*""#, ""))]), Outcome::Proved);
    assert_eq!(split_and_cover([&everything, &format!("[{rest}, {}]", deny(r#""a:b*""#, ""))]), Outcome::Refuted);
    // So are the two that a wildcard in the middle needs the automaton for.
    let middle = format!("[{rest}, {}, {}]", deny(r#""a:*x*""#, ""), deny(r#""a:*""#, ""));
    assert_eq!(split_and_cover([&everything, &middle]), Outcome::Proved);
    let middle = format!("[{rest}, {}]", deny(r#""a:*x*""#, ""));
    assert_eq!(split_and_cover([&everything, &middle]), Outcome::Refuted);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_packing_is_proved(groups in some_groups(), size in 150_u64..900) {
        let unpacked = before(&groups);
        let Ok(packing) = pack(groups, budget(size, 40)) else { return Ok(()) };
        let texts: Vec<String> = packing.documents.into_iter().map(|document| document.json).collect();
        prop_assert_eq!(prove("random", &unpacked, &after(&texts)).verdict, Verdict::Proved);
    }

    #[test]
    fn a_statement_that_is_lost_is_found_unless_others_deny_the_same(groups in some_groups()) {
        let unpacked = before(&groups);
        let fewer = before(&groups[1..]);
        let verdict = prove("random", &unpacked, &fewer).verdict;
        // A variable in a resource is the one thing that is left open.
        let all = || groups.iter().flat_map(|group| &group.statements);
        let variables = all().any(|one| serde_json::to_string(one).unwrap().contains("${"));
        prop_assert!(variables || !matches!(verdict, Verdict::Unknown(_)), "{:?}", verdict);
        if let Verdict::Refuted(found) = verdict {
            prop_assert!(found.sentence.contains("after packing, by nothing"));
        }
    }
}
