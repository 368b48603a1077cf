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

/// The condition keys of a witness.
fn keys(strings: &BTreeMap<String, String>) -> BTreeMap<String, Values> {
    let mut keys = BTreeMap::new();
    for (name, value) in strings.iter().filter(|(name, _)| *name != "resource") {
        match name.split_once('#') {
            None => _ = keys.insert(name.clone(), Values::One(value.clone())),
            Some((name, _)) => {
                if let Values::Many(values) = keys.entry(name.to_owned()).or_insert(Values::Many(Vec::new())) {
                    values.push(value.clone());
                }
            }
        }
    }
    keys
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
    for round in 0..500 {
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
        for _ in 0..100 {
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
        // What it says that there is, there is: the evaluator sees it too.
        for (one, other, expected) in [(&old, &new, Access::Broadened), (&new, &old, Access::Narrowed)] {
            if answer == expected {
                let found = witness(Some(one), Some(other), PolicyKind::Identity).unwrap();
                let mut case = request(&mut lots);
                case.request.action.clone_from(&found.action);
                case.request.context = keys(&found.strings);
                case.request.resource = found.strings.get("resource").cloned().unwrap_or_default();
                case.identity = vec![named(one)];
                let was = level(&case);
                case.identity = vec![named(other)];
                let is = level(&case);
                assert!(is > was, "round {round}: {answer:?}, {was} to {is}\n{one:#}\n{other:#}\n{found:#?}");
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 500), "{seen:?}");
    assert!(!counts.contains_key("Undecided") && counts.values().all(|count| *count > 60), "{counts:?}");
}

/// The same for policies of a resource of another account, where callers have every permission at home.
#[test]
fn no_sampled_caller_contradicts_the_answer() {
    let mut lots = Lots(5);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/App");
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/App/s");
    let user = format!("arn:aws:iam::{ACCOUNT}:user/ann");
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let whom = [
        json!("*"),
        json!({ "AWS": "*" }),
        json!({ "AWS": ACCOUNT }),
        json!({ "AWS": root }),
        json!({ "AWS": role }),
        json!({ "AWS": [session, user] }),
        json!({ "AWS": [role, OTHER] }),
        json!({ "Service": "sns.amazonaws.com" }),
        json!({ "Service": ["sns.amazonaws.com", "s3.amazonaws.com"], "AWS": user }),
    ];
    let of = |role: &str, session: Option<&str>, account: &str| Caller::Role {
        arn: role.to_owned(),
        session_arn: session.map(str::to_owned),
        account: account.to_owned(),
    };
    let callers = [
        of(&role, Some(&session), ACCOUNT),
        of(&role, Some(&session.replace("/s", "/o")), ACCOUNT),
        of(&role.replace("App", "Other"), None, ACCOUNT),
        of(&role.replace(ACCOUNT, OTHER), None, OTHER),
        of(&role.replace(ACCOUNT, "333333333333"), None, "333333333333"),
        Caller::User { arn: user.clone(), account: ACCOUNT.to_owned() },
        Caller::Service("sns.amazonaws.com".to_owned()),
        Caller::Service("s3.amazonaws.com".to_owned()),
        Caller::Anonymous,
    ];
    let everything = named(&document(&[json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })]));
    let mut counts = BTreeMap::new();
    for round in 0..250 {
        let mut statements = || -> Vec<Value> {
            (0..=lots.below(3))
                .map(|_| {
                    let mut statement = statement(&mut lots);
                    statement["Principal"] = lots.one_of(&whom);
                    statement
                })
                .collect()
        };
        let (first, mut second) = (statements(), statements());
        if lots.below(2) == 0 {
            second = first.clone();
            let at = lots.below(second.len());
            second[at]["Principal"] = lots.one_of(&whom);
        }
        let (old, new) = (document(&first), document(&second));
        let answer = policy(Some(&old), Some(&new), PolicyKind::Resource);
        *counts.entry(format!("{answer:?}")).or_insert(0) += 1;
        let (before, after) = (named(&old), named(&new));
        for _ in 0..100 {
            let mut case = request(&mut lots);
            case.request.principal = lots.one_of(&callers);
            case.request.resource_account = "999999999999".to_owned();
            if case.request.principal.account().is_some() {
                case.identity = vec![everything.clone()];
            }
            case.resource = Some(before.clone());
            let was = level(&case);
            case.resource = Some(after.clone());
            let is = level(&case);
            let told = format!("round {round}: {answer:?}, {was} to {is}\n{old:#}\n{new:#}\n{:#?}", case.request);
            match answer {
                Access::Same => assert_eq!(was, is, "{told}"),
                Access::Narrowed => assert!(is <= was, "{told}"),
                Access::Undecided | Access::Broadened => {}
            }
        }
    }
    assert!(!counts.contains_key("Undecided") && counts.values().all(|count| *count > 20), "{counts:?}");
}

fn of(statements: Value, kind: PolicyKind) -> impl Fn(Value) -> Access {
    let old = json!({ "Version": "2012-10-17", "Statement": statements });
    move |statements| {
        let new = json!({ "Version": "2012-10-17", "Statement": statements });
        let there = policy(Some(&old), Some(&new), kind);
        let back = policy(Some(&new), Some(&old), kind);
        let expected = match there {
            Access::Narrowed => Access::Broadened,
            Access::Same => Access::Same,
            // A change may be both.
            Access::Broadened if back == Access::Broadened => Access::Broadened,
            Access::Broadened => Access::Narrowed,
            Access::Undecided => back,
        };
        assert_eq!(back, expected, "{old:#}\n{new:#}");
        there
    }
}

/// Edits that let something through, each refuted by the reverse edit.
#[test]
fn edits_that_broaden_are_found_and_their_reverse_narrows() {
    let identity = |old: Value, new: Value| of(old, PolicyKind::Identity)(new);
    let base = json!([{ "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::b/t/*",
        "Condition": { "StringEquals": { "aws:PrincipalTag/T": "a" } } }]);
    let with = |path: &str, value: Value| {
        let mut edited = base.clone();
        *edited.pointer_mut(path).unwrap() = value;
        edited
    };
    for broader in [
        with("/0/Action", json!(["s3:GetObject", "s3:PutObject"])),
        with("/0/Action", json!("s3:Get*")),
        with("/0/Resource", json!("arn:aws:s3:::b/t*")),
        with("/0/Resource", json!("arn:aws:s3:::b/*/*")),
        with("/0/Resource", json!("*")),
        with("/0/Condition", json!({})),
        with("/0/Condition", json!({ "StringLike": { "aws:PrincipalTag/T": "a*" } })),
        with("/0/Condition", json!({ "StringEqualsIfExists": { "aws:PrincipalTag/T": "a" } })),
        with("/0/Condition", json!({ "StringEqualsIgnoreCase": { "aws:PrincipalTag/T": "a" } })),
        with("/0/Condition", json!({ "StringEquals": { "aws:PrincipalTag/T": ["a", "b"] } })),
        with("/0/Condition", json!({ "ForAllValues:StringEquals": { "aws:PrincipalTag/T": "a" } })),
        with("/0/Resource", json!(["arn:aws:s3:::b/t/*", { "Fn::Sub": "${Bucket.Arn}/*" }])),
    ] {
        assert_eq!(identity(base.clone(), broader.clone()), Access::Broadened, "{broader:#}");
    }
    let deny = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*",
        "Condition": { "StringNotEquals": { "aws:PrincipalTag/T": ["a"] } } });
    let both = json!([base[0], deny]);
    assert_eq!(identity(both.clone(), base.clone()), Access::Broadened);
    let mut exempt = both.clone();
    exempt[1]["Condition"]["StringNotEquals"]["aws:PrincipalTag/T"] = json!(["a", "b"]);
    assert_eq!(identity(both.clone(), exempt), Access::Broadened);
    let mut but = both;
    but[1].as_object_mut().unwrap().remove("Action");
    but[1]["NotAction"] = json!("s3:Get*");
    assert_eq!(identity(json!([base[0], deny]), but), Access::Broadened);
}

#[test]
fn what_means_the_same_is_the_same() {
    let identity = |old: Value, new: Value| of(old, PolicyKind::Identity)(new);
    let one = json!([{ "Sid": "A", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*",
        "Condition": { "Bool": { "aws:SecureTransport": true } } }]);
    for same in [
        json!([{ "Effect": "Allow", "Action": ["S3:putobject", "s3:getobject", "s3:getObject"], "Resource": ["*"],
            "Condition": { "Bool": { "AWS:securetransport": ["true"] } } }]),
        json!([
            { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
              "Condition": { "Bool": { "aws:SecureTransport": "true" } } },
            { "Effect": "Allow", "Action": "s3:PutObject", "Resource": ["*", "arn:aws:s3:::b/*"],
              "Condition": { "Bool": { "aws:SecureTransport": "true" } } },
            { "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::c",
              "Condition": { "Bool": { "aws:SecureTransport": "true" }, "StringLike": { "aws:PrincipalTag/x": "y" } } },
        ]),
    ] {
        assert_eq!(identity(one.clone(), same.clone()), Access::Same, "{same:#}");
    }
    let arn = |value: Value| json!([{ "Effect": "Allow", "Action": "dynamodb:Query", "Resource": value }]);
    let whole = arn(json!({ "Fn::Sub": "${Table.Arn}/index/*" }));
    let joined = arn(json!({ "Fn::Join": ["", [{ "Fn::GetAtt": ["Table", "Arn"] }, "/index/*"]] }));
    assert_eq!(identity(whole.clone(), joined), Access::Same);
    assert_eq!(identity(whole.clone(), arn(json!({ "Fn::Sub": "${Other.Arn}/index/*" }))), Access::Broadened);
    assert_eq!(identity(whole, arn(json!({ "Fn::Sub": "${Table.Arn}/index/a" }))), Access::Narrowed);
}

#[test]
fn principals_are_people_accounts_and_services() {
    let resource = |old: Value, new: Value| {
        let statement =
            |who: Value| json!([{ "Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*" }]);
        of(statement(old), PolicyKind::Resource)(statement(new))
    };
    let root = json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:root") });
    let role = json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:role/App") });
    let session = json!({ "AWS": format!("arn:aws:sts::{ACCOUNT}:assumed-role/App/s") });
    assert_eq!(resource(root.clone(), json!({ "AWS": ACCOUNT })), Access::Same);
    assert_eq!(resource(root.clone(), json!("*")), Access::Broadened);
    assert_eq!(resource(json!({ "AWS": "*" }), json!("*")), Access::Same);
    assert_eq!(resource(role.clone(), root.clone()), Access::Broadened);
    assert_eq!(resource(session, role.clone()), Access::Broadened);
    assert_eq!(resource(root.clone(), json!({ "AWS": OTHER })), Access::Broadened);
    assert_eq!(resource(role, json!({ "Service": "sns.amazonaws.com" })), Access::Broadened);
    let own = json!({ "AWS": { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" } });
    assert_eq!(resource(own.clone(), json!({ "AWS": { "Ref": "AWS::AccountId" } })), Access::Same);
    assert_eq!(resource(own, json!({ "AWS": { "Fn::GetAtt": ["AppRole", "Arn"] } })), Access::Narrowed);
}

#[test]
fn a_witness_says_who_may_do_what() {
    let document = |actions: Value| {
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*",
            "Principal": { "Service": "sns.amazonaws.com" }, "Condition": { "StringEquals": { "aws:SourceAccount": "1" } } }] })
    };
    let found =
        witness(Some(&document(json!("sqs:Send*"))), Some(&document(json!("sqs:*"))), PolicyKind::Resource).unwrap();
    assert!(found.action.starts_with("sqs:") && !found.action.starts_with("sqs:Send"), "{found:?}");
    assert_eq!(found.principal.as_deref(), Some("sns.amazonaws.com"));
    assert_eq!(found.strings.get("aws:sourceaccount").map(String::as_str), Some("1"));
    let same = document(json!("sqs:*"));
    assert_eq!(witness(Some(&same), Some(&same), PolicyKind::Resource), None);
}

#[test]
fn resources_of_each_type_are_compared_by_what_they_allow() {
    let broadens = |kind: &str, old: Value, new: Value| {
        assert!(is_relevant(kind));
        assert_eq!(direction(kind, Some(&old), Some(&new)), Access::Broadened, "{kind} {old} {new}");
        assert_eq!(direction(kind, Some(&new), Some(&old)), Access::Narrowed, "{kind} {new} {old}");
        assert_eq!(direction(kind, Some(&old), Some(&old.clone())), Access::Same);
    };
    let allow = |action: &str| json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": action, "Resource": "*" } });
    let deny = |action: &str| json!({ "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Action": action, "Resource": "*" } });
    let trust = |service: &str| {
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "Service": service } } })
    };
    let role =
        |policies: Value| json!({ "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"), "Policies": policies });
    broadens(
        "AWS::IAM::Role",
        role(json!([{ "PolicyName": "a", "PolicyDocument": allow("s3:Get*") }])),
        role(json!([{ "PolicyName": "b", "PolicyDocument": allow("s3:*") }])),
    );
    let mut bounded = role(json!([]));
    bounded["PermissionsBoundary"] = json!("arn:aws:iam::aws:policy/ReadOnlyAccess");
    broadens("AWS::IAM::Role", bounded, role(json!([])));
    let managed = json!({ "AssumeRolePolicyDocument": trust("lambda.amazonaws.com"),
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"] });
    broadens("AWS::IAM::Role", role(json!([])), managed);
    broadens(
        "AWS::IAM::Policy",
        json!({ "PolicyDocument": allow("s3:Get*"), "Roles": ["a"] }),
        json!({ "PolicyDocument": allow("s3:Get*"), "Roles": ["a", "b"] }),
    );
    broadens(
        "AWS::Organizations::Policy",
        json!({ "Content": deny("s3:*").to_string(), "TargetIds": ["r"] }),
        json!({ "Content": deny("s3:Put*"), "TargetIds": ["r"] }),
    );
    assert_eq!(
        direction("AWS::Organizations::Policy", Some(&json!({ "Content": deny("s3:*") })), None),
        Access::Broadened
    );
    assert_eq!(
        direction("AWS::Organizations::Policy", None, Some(&json!({ "Content": deny("s3:*") }))),
        Access::Narrowed
    );
    let guarded = |flag: bool| json!({ "PublicAccessBlockConfiguration": { "BlockPublicPolicy": flag } });
    broadens("AWS::S3::Bucket", guarded(true), guarded(false));
    broadens("AWS::Lambda::Url", json!({ "AuthType": "AWS_IAM" }), json!({ "AuthType": "NONE" }));
    let permission = |account: Value| {
        let mut value = json!({ "Principal": "s3.amazonaws.com", "Action": "lambda:InvokeFunction",
            "FunctionName": { "Fn::GetAtt": ["F", "Arn"] }, "SourceArn": "arn:aws:s3:::b" });
        value["SourceAccount"] = account;
        value
    };
    let mut anybody = permission(json!(ACCOUNT));
    anybody.as_object_mut().unwrap().remove("SourceAccount");
    broadens("AWS::Lambda::Permission", permission(json!(ACCOUNT)), anybody);
    broadens(
        "AWS::ApiGateway::Method",
        json!({ "AuthorizationType": "AWS_IAM" }),
        json!({ "AuthorizationType": "NONE" }),
    );
    assert_eq!(
        direction("AWS::ApiGateway::Method", None, Some(&json!({ "AuthorizationType": "NONE" }))),
        Access::Broadened
    );
    assert_eq!(
        direction("AWS::ApiGateway::Method", None, Some(&json!({ "AuthorizationType": "AWS_IAM" }))),
        Access::Same
    );
    let key = |who: Value| {
        json!({ "KeyPolicy": { "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": who,
        "Action": "kms:*", "Resource": "*" }] } })
    };
    broadens("AWS::KMS::Key", json!({}), key(json!("*")));
    let root = json!({ "AWS": { "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root" } });
    assert_eq!(direction("AWS::KMS::Key", Some(&json!({})), Some(&key(root))), Access::Same);
    let endpoint = |action: &str| json!({ "PolicyDocument": { "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*" }] } });
    broadens("AWS::EC2::VPCEndpoint", endpoint("s3:*"), json!({}));
    broadens(
        "AWS::Events::EventBusPolicy",
        json!({ "Principal": ACCOUNT, "Action": "events:PutEvents", "StatementId": "a" }),
        json!({ "Principal": "*", "Action": "events:PutEvents", "StatementId": "a" }),
    );
    let chosen =
        json!({ "QueueUrl": 1, "PolicyDocument": { "Fn::If": ["Open", allow("*"), allow("sqs:*")] }, "Queues": ["q"] });
    let other = json!({ "QueueUrl": 1, "PolicyDocument": { "Fn::If": ["Open", allow("s3:*"), allow("sqs:*")] }, "Queues": ["q"] });
    broadens("AWS::SQS::QueuePolicy", other, chosen);
    assert_eq!(direction("AWS::DynamoDB::Table", Some(&json!({})), Some(&json!({ "TableName": "t" }))), Access::Same);
    assert!(!is_relevant("AWS::CloudWatch::Alarm"));
}

/// Packets that are tried by force: protocol, port, address.
fn passes(rules: &[Value], protocol: u32, port: u32, address: u32) -> bool {
    rules.iter().any(|rule| {
        let text = |key: &str| rule.get(key).and_then(Value::as_str);
        let number = |key: &str| rule.get(key).and_then(Value::as_u64).unwrap();
        let fits = match text("IpProtocol").unwrap() {
            "-1" => true,
            name => {
                let wanted = if name == "tcp" || name == "6" { 6 } else { 17 };
                wanted == protocol && number("FromPort") <= u64::from(port) && u64::from(port) <= number("ToPort")
            }
        };
        let (network, length) = text("CidrIp").unwrap().split_once('/').unwrap();
        let network: u32 = network.parse::<std::net::Ipv4Addr>().unwrap().into();
        let free = 32 - length.parse::<u32>().unwrap();
        fits && (u64::from(network) >> free) == (u64::from(address) >> free)
    })
}

#[test]
fn security_groups_agree_with_packets() {
    let mut lots = Lots(7);
    let ranges = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.2.3/32"];
    let addresses = [0_u32, 0x0a00_0001, 0x0a01_0203, 0x0a81_0000, 0x8000_0000, 0xffff_ffff, 0x7fff_ffff];
    let ports = [0_u64, 1, 79, 80, 443, 65_535];
    let mut counts = BTreeMap::new();
    for _ in 0..3_000 {
        let mut rules = || -> Vec<Value> {
            (0..lots.below(5))
                .map(|_| {
                    let (one, two) = (lots.one_of(&ports), lots.one_of(&ports));
                    json!({ "IpProtocol": lots.one_of(&["-1", "tcp", "udp", "6", "17"]), "FromPort": one.min(two),
                        "ToPort": one.max(two), "CidrIp": lots.one_of(&ranges), "Description": lots.below(9).to_string() })
                })
                .collect()
        };
        let (old, new) = (rules(), rules());
        let (mut more, mut less) = (false, false);
        for protocol in [6, 17, 47] {
            for port in [0, 1, 2, 79, 80, 81, 442, 443, 444, 65_534, 65_535] {
                for address in addresses {
                    let (was, is) = (passes(&old, protocol, port, address), passes(&new, protocol, port, address));
                    more |= is && !was;
                    less |= was && !is;
                }
            }
        }
        let expected = match (more, less) {
            (true, _) => Access::Broadened,
            (false, true) => Access::Narrowed,
            (false, false) => Access::Same,
        };
        let of = |rules: &[Value]| json!({ "SecurityGroupIngress": rules });
        let answer = direction("AWS::EC2::SecurityGroup", Some(&of(&old)), Some(&of(&new)));
        assert_eq!(answer, expected, "{old:?}\n{new:?}");
        *counts.entry(expected).or_insert(0) += 1;
    }
    assert!(counts.values().all(|count| *count > 20), "{counts:?}");
}

#[test]
fn security_groups_know_more_than_addresses() {
    let answer = |old: Value, new: Value| direction("AWS::EC2::SecurityGroup", Some(&old), Some(&new));
    let from = |source: &str| {
        json!({ "SecurityGroupIngress": [{ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
        "SourceSecurityGroupId": { "Fn::GetAtt": [source, "GroupId"] } }] })
    };
    assert_eq!(answer(from("A"), from("A")), Access::Same);
    assert_eq!(answer(from("A"), from("B")), Access::Broadened);
    assert_eq!(answer(from("A"), json!({})), Access::Narrowed);
    let out = json!({ "SecurityGroupEgress": [{ "IpProtocol": "-1", "CidrIp": "10.0.0.0/8" }] });
    assert_eq!(answer(out.clone(), json!({})), Access::Broadened);
    assert_eq!(answer(json!({}), out), Access::Narrowed);
    let six =
        json!({ "SecurityGroupIngress": [{ "IpProtocol": "58", "FromPort": -1, "ToPort": -1, "CidrIpv6": "::/0" }] });
    let echo = json!({ "SecurityGroupIngress": { "IpProtocol": "icmpv6", "FromPort": 128, "ToPort": 0, "CidrIpv6": "2001:db8::/32" } });
    assert_eq!(answer(six, echo), Access::Narrowed);
}

/// Large documents with patterns that are made to be hard: an answer all the same, and the search ends.
#[test]
fn hard_documents_have_an_answer() {
    for shape in ["arn:aws:s3:::b*N/x", "arn:*:s3:::*N*/?x*", "*N*M*"] {
        let make = |without: usize| {
            let numbers = (0..30).filter(|number| *number != without).map(|number| number * 7919);
            let statement = |number: usize| {
                json!({
                    "Effect": if number.is_multiple_of(3) { "Deny" } else { "Allow" },
                    "Action": [format!("s3:Get{number}*"), format!("s3:*{}", number % 7), "s3:*Object"],
                    "Resource": shape.replace('N', &number.to_string()).replace('M', &(number / 3).to_string()),
                    "Condition": {
                        "StringLike": { format!("aws:PrincipalTag/{}", number % 5): [format!("*{number}*")] },
                        "ForAnyValue:StringLike": { "aws:TagKeys": [format!("{}*", number % 11)] },
                    },
                })
            };
            document(&numbers.map(statement).collect::<Vec<_>>())
        };
        assert_ne!(policy(Some(&make(3)), Some(&make(4)), PolicyKind::Identity), Access::Same);
        assert_ne!(policy(Some(&make(30)), Some(&make(4)), PolicyKind::Identity), Access::Broadened);
    }
}

/// Whatever stands in a template is no reason to fall over.
#[test]
fn nothing_that_a_template_can_hold_is_too_odd() {
    let file: Value = serde_json::from_str(include_str!("../data/access-properties.json")).unwrap();
    let odd = [
        json!(null),
        json!(7),
        json!("${"),
        json!({ "Ref": [] }),
        json!([[], {}, null, "x"]),
        json!({ "Fn::Sub": ["${a", 1] }),
        json!({ "Fn::If": ["A", { "Ref": "AWS::NoValue" }, { "Fn::Join": ["", "x"] }] }),
        json!({ "Statement": [{ "Effect": "Allow", "Principal": { "AWS": [] }, "Action": [], "Resource": [] }] }),
        json!([{ "IpProtocol": "tcp", "FromPort": 4_294_967_296_u64, "ToPort": -7, "CidrIp": "1.2.3.4/99" }]),
    ];
    let own = ["SecurityGroupIngress", "SecurityGroupEgress", "Principal", "Action", "FunctionName", "PortRange"];
    let mut asked = 0;
    for (kind, known) in file["types"].as_object().unwrap() {
        let lists = known.as_object().unwrap().values().filter_map(Value::as_array).flatten();
        let named = lists.map(|entry| entry.get("property").unwrap_or(entry).as_str().unwrap());
        for property in named.chain(own) {
            let property = property.split('/').next().unwrap();
            for one in &odd {
                for other in &odd {
                    let of = |value: &Value| json!({ property: value });
                    _ = direction(kind, Some(&of(one)), Some(&of(other)));
                    asked += 1;
                }
                assert_eq!(
                    direction(kind, Some(&json!({ property: one })), Some(&json!({ property: one }))),
                    Access::Same
                );
            }
        }
    }
    for kind in [
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::NetworkAclEntry",
        "AWS::Lambda::Permission",
        "AWS::Events::EventBusPolicy",
    ] {
        for one in &odd {
            for property in own {
                _ = direction(kind, Some(&json!({ property: one })), Some(one));
                _ = direction(kind, Some(one), None);
            }
        }
    }
    assert!(asked > 5_000, "{asked}");
}
