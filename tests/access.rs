//! Whether access is broadened or narrowed, against the evaluator of requests and against packets, which share nothing with
//! the comparison but the reader of documents.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry::diff::Access;
use tenantry::diff::access::{PolicyKind, direction, is_relevant, policy, witness};
use tenantry::prove::evaluate::{Caller, Case, Decision, Named, Reading, Request, Values, evaluate};
use tenantry::prove::policy::Place;

/// Lots that fall the same way in every run.
struct Lots(u64);

impl Lots {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    fn some(&mut self, values: &[&str]) -> Value {
        let count = 1 + self.below(2);
        (0..count).map(|_| Value::from(self.one_of(values))).collect()
    }
}

const ACCOUNT: &str = "111111111111";
const OTHER: &str = "222222222222";

const ACTIONS: [&str; 8] =
    ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage", "s3:Get*", "S3:*", "*", "s3:*Object"];
const RESOURCES: [&str; 10] = [
    "arn:aws:s3:::b/x",
    "arn:aws:s3:::b/x/*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::b/?/*",
    "arn:aws:s3:::b/${aws:PrincipalTag/T}/*",
    "arn:aws:s3:::b/*/z",
    "arn:aws:s3:::c/*",
    "*",
    "arn:aws:s3:::b/x*",
    "arn:aws:s3:::b/y/*",
];
const OPERATORS: [&str; 14] = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringNotLikeIfExists",
    "StringEqualsIgnoreCase",
    "ForAnyValue:StringLike",
    "ForAllValues:StringEquals",
    "ForAllValues:StringNotEquals",
    "NumericLessThan",
    "NumericGreaterThanEquals",
    "IpAddress",
    "NotIpAddress",
];

fn condition(lots: &mut Lots) -> (String, String, Value) {
    let operator = if lots.below(6) == 0 { lots.one_of(&["Null", "Bool", "ArnLike"]) } else { lots.one_of(&OPERATORS) };
    let (key, values): (&str, &[&str]) = match operator {
        "Null" => (lots.one_of(&["aws:PrincipalTag/T", "aws:RequestTag/R"]), &["true", "false"]),
        "Bool" => ("aws:SecureTransport", &["true", "false"]),
        "ArnLike" => ("aws:SourceArn", &["arn:aws:sns:*:*:a*", "arn:aws:sns:r:1:ab", "arn:aws:sns:r:*:*"]),
        "NumericLessThan" | "NumericGreaterThanEquals" => ("s3:max-keys", &["5", "10", "10.5"]),
        "IpAddress" | "NotIpAddress" => ("aws:SourceIp", &["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.0.2.0/24"]),
        operator if operator.starts_with("For") => ("aws:TagKeys", &["a", "b", "a*"]),
        _ => (
            lots.one_of(&["aws:PrincipalTag/T", "aws:RequestTag/R"]),
            &["x", "X", "y", "x*", "${aws:PrincipalTag/T}", "${aws:RequestTag/R}"],
        ),
    };
    (operator.to_owned(), key.to_owned(), lots.some(values))
}

fn statement(lots: &mut Lots) -> Value {
    let mut statement = json!({ "Effect": if lots.below(3) == 0 { "Deny" } else { "Allow" } });
    let action = if lots.below(6) == 0 { "NotAction" } else { "Action" };
    statement[action] = lots.some(&ACTIONS);
    let resource = if lots.below(6) == 0 { "NotResource" } else { "Resource" };
    statement[resource] = lots.some(&RESOURCES);
    let mut conditions = BTreeMap::<String, BTreeMap<String, Value>>::new();
    for _ in 0..lots.below(3) {
        let (operator, key, values) = condition(lots);
        conditions.entry(operator).or_default().insert(key, values);
    }
    if !conditions.is_empty() {
        statement["Condition"] = json!(conditions);
    }
    statement
}

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A small edit.
fn edited(lots: &mut Lots, statements: &[Value]) -> Vec<Value> {
    let mut edited = statements.to_vec();
    let at = lots.below(edited.len());
    match lots.below(7) {
        0 => edited.push(statement(lots)),
        1 if edited.len() > 1 => _ = edited.remove(at),
        2 => _ = edited[at].as_object_mut().unwrap().remove("Condition"),
        3 => {
            let other = statement(lots);
            let key = if edited[at].get("Resource").is_some() { "Resource" } else { "NotResource" };
            edited[at][key] = other.get("Resource").unwrap_or(&json!("*")).clone();
        }
        4 => {
            let key = if edited[at].get("Action").is_some() { "Action" } else { "NotAction" };
            edited[at][key].as_array_mut().unwrap().push(json!(lots.one_of(&ACTIONS)));
        }
        5 => {
            let (operator, key, values) = condition(lots);
            edited[at]["Condition"][operator][key] = values;
        }
        _ => edited[at] = statement(lots),
    }
    edited
}

fn request(lots: &mut Lots) -> Case {
    let mut context = BTreeMap::new();
    let mut put = |key: &str, lots: &mut Lots, values: &[&str]| {
        if lots.below(4) > 0 {
            context.insert(key.to_owned(), Values::One(lots.one_of(values).to_owned()));
        }
    };
    put("aws:PrincipalTag/T", lots, &["x", "y", "X", "xx", "q"]);
    put("aws:RequestTag/R", lots, &["x", "y", "xq", "q"]);
    put("aws:SecureTransport", lots, &["true", "false"]);
    put("aws:SourceArn", lots, &["arn:aws:sns:r:1:ab", "arn:aws:sns:r:1:b", "arn:aws:sqs:r:1:ab"]);
    put("s3:max-keys", lots, &["4", "5", "10", "10.2", "11"]);
    put("aws:SourceIp", lots, &["10.1.2.3", "10.1.2.4", "10.2.0.1", "192.0.2.7", "8.8.8.8"]);
    if lots.below(4) > 0 {
        let keys = (0..lots.below(3)).map(|_| lots.one_of(&["a", "b", "ab", "c"]).to_owned()).collect();
        context.insert("aws:TagKeys".to_owned(), Values::Many(keys));
    }
    let resource = ["b/x", "b/y/1", "b/x/1", "b/q/z", "b/xx/1", "b/x/z", "c/1", "b/X/1", "d"];
    Case {
        name: String::new(),
        request: Request {
            principal: Caller::Role {
                arn: format!("arn:aws:iam::{ACCOUNT}:role/App"),
                session_arn: None,
                account: ACCOUNT.to_owned(),
            },
            action: lots
                .one_of(&["s3:GetObject", "s3:PutObject", "s3:ListBucket", "sqs:SendMessage", "s3:GetAcl"])
                .to_owned(),
            resource: format!("arn:aws:s3:::{}", lots.one_of(&resource)),
            resource_account: ACCOUNT.to_owned(),
            context,
        },
        identity: Vec::new(),
        boundaries: Vec::new(),
        session: None,
        scps: Vec::new(),
        rcps: Vec::new(),
        resource: None,
        endpoint: Vec::new(),
    }
}

fn named(value: &Value) -> Named {
    Named::of_json("p", value.clone(), &Place { file: "p.json".to_owned(), pointer: String::new() }).unwrap()
}

/// How far a request gets: refused, not granted, granted.
fn level(case: &Case) -> u8 {
    match evaluate(case, Reading::Documented, &BTreeSet::new()) {
        Decision::ExplicitlyDenied { .. } => 0,
        Decision::ImplicitlyDenied { .. } => 1,
        Decision::Allowed { .. } => 2,
    }
}

#[test]
fn no_sampled_request_contradicts_the_answer() {
    let mut lots = Lots(20_261_121);
    let mut counts = BTreeMap::new();
    let mut seen = [0; 2];
    for round in 0..1_500 {
        let statements: Vec<Value> = (0..=lots.below(3)).map(|_| statement(&mut lots)).collect();
        let other = if lots.below(4) == 0 {
            (0..=lots.below(2)).map(|_| statement(&mut lots)).collect()
        } else {
            edited(&mut lots, &statements)
        };
        let (old, new) = (document(&statements), document(&other));
        let answer = policy(Some(&old), Some(&new), PolicyKind::Identity);
        *counts.entry(format!("{answer:?}")).or_insert(0) += 1;
        let (before, after) = (named(&old), named(&new));
        for _ in 0..120 {
            let mut case = request(&mut lots);
            case.identity = vec![before.clone()];
            let was = level(&case);
            case.identity = vec![after.clone()];
            let is = level(&case);
            let told = format!("round {round}: {answer:?}, {was} to {is}\n{old:#}\n{new:#}\n{:#?}", case.request);
            match answer {
                Access::Same => assert_eq!(was, is, "{told}"),
                Access::Narrowed => assert!(is <= was, "{told}"),
                Access::Undecided | Access::Broadened => {}
            }
            seen[0] += usize::from(is > was);
            seen[1] += usize::from(is < was);
        }
        if answer == Access::Broadened {
            assert!(witness(Some(&old), Some(&new), PolicyKind::Identity).is_some(), "{old:#}\n{new:#}");
        }
    }
    assert!(seen.iter().all(|count| *count > 1_000), "{seen:?}");
    eprintln!("{counts:?} {seen:?}");
    assert!(counts["Undecided"] < 60 && counts["Narrowed"] > 150 && counts["Broadened"] > 300, "{counts:?}");
}
