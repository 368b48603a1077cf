//! Small worlds of policies as this product writes them, and requests near their boundaries.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry::prove::evaluate::{Caller, Case, Level, Named, Request, Values};
use tenantry::prove::policy::Place;

pub(crate) const ACCOUNT: &str = "111111111111";
pub(crate) const FOREIGN: &str = "222222222222";
pub(crate) const ROLE: &str = "arn:aws:iam::111111111111:role/App";
pub(crate) const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/App/s";

/// Lots that fall the same way in every run.
#[derive(Debug)]
pub(crate) struct Lots(u64);

impl Lots {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`: the upper bits of the linear congruential generator of Knuth's MMIX.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    pub(crate) fn one_of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }
}

pub(crate) fn named(name: &str, statements: Value) -> Named {
    let place = Place { file: format!("{name}.json"), pointer: String::new() };
    Named::of_json(name, json!({ "Version": "2012-10-17", "Statement": statements }), &place).unwrap()
}

pub(crate) fn level(target: &str, documents: &[Value]) -> Level {
    let policies = documents.iter().enumerate().map(|(at, text)| named(&format!("{target}-{at}"), text.clone()));
    Level { target: target.to_owned(), policies: policies.collect() }
}

pub(crate) fn session_of(account: &str) -> Caller {
    Caller::Role {
        arn: ROLE.replace(ACCOUNT, account),
        session_arn: Some(SESSION.replace(ACCOUNT, account)),
        account: account.to_owned(),
    }
}

pub(crate) fn case(name: &str, action: &str, resource: &str) -> Case {
    Case {
        name: name.to_owned(),
        request: Request {
            principal: session_of(ACCOUNT),
            action: action.to_owned(),
            resource: resource.to_owned(),
            resource_account: ACCOUNT.to_owned(),
            context: BTreeMap::new(),
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

fn everything() -> Value {
    json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })
}

/// Policies, and what is asked of them.
pub(crate) struct World {
    name: &'static str,
    policies: Case,
    actions: &'static [&'static str],
    /// Resources, with `ID` where an id is put.
    resources: &'static [&'static str],
    /// Keys of requests, and templates of their values: `ID` for an id, `""` for an empty value; a list for a set.
    keys: Vec<(&'static str, Vec<Value>)>,
}

const IDS: [&str; 5] = ["t-1", "t-12", "t-1-x", "t-2", "T-1"];

impl World {
    /// Requests by lot, of which about half are by the tenant itself.
    pub(crate) fn requests(&self, lots: &mut Lots, count: usize) -> Vec<Case> {
        (0..count).map(|at| self.request(lots, at)).collect()
    }

    fn request(&self, lots: &mut Lots, at: usize) -> Case {
        let mut case = self.policies.clone();
        case.name = format!("{}-{at}", self.name);
        let own = lots.one_of(&IDS);
        // Half of the requests are of one id throughout, so that some are allowed.
        let stray = lots.below(2) == 0;
        let id = |lots: &mut Lots| if stray && lots.below(2) == 0 { lots.one_of(&IDS) } else { own };
        case.request.principal = match lots.below(12) {
            0 => session_of(FOREIGN),
            1 => Caller::User { arn: format!("arn:aws:iam::{ACCOUNT}:user/ann"), account: ACCOUNT.to_owned() },
            2 => Caller::Anonymous,
            3 => Caller::Service("sns.amazonaws.com".to_owned()),
            4 => Caller::Role {
                arn: ROLE.to_owned(),
                session_arn: Some(SESSION.replace("/s", "/other")),
                account: ACCOUNT.to_owned(),
            },
            _ => session_of(ACCOUNT),
        };
        if case.request.principal.account().is_none() {
            (case.identity, case.session, case.boundaries) = (Vec::new(), None, Vec::new());
        }
        if case.request.principal.account() != Some(ACCOUNT) {
            case.scps.clear();
        }
        if !matches!(case.request.principal, Caller::Role { .. }) {
            case.session = None;
        }
        case.request.action = lots.one_of(self.actions).to_owned();
        case.request.resource = lots.one_of(self.resources).replace("ID", id(lots));
        case.request = case.request.with_derived_keys();
        if case.request.principal.account().is_none() {
            case.request.context.remove("aws:PrincipalAccount");
        }
        for (key, values) in &self.keys {
            if lots.below(6) == 0 {
                continue;
            }
            let value = match lots.one_of(values) {
                Value::Array(items) => {
                    Values::Many(items.iter().map(|item| item.as_str().unwrap().replace("ID", id(lots))).collect())
                }
                one => Values::One(one.as_str().unwrap().replace("ID", id(lots))),
            };
            case.request.context.insert((*key).to_owned(), value);
        }
        case
    }
}

/// The worlds: a table, a bucket, a key, a queue, a trust policy; with and without the organization, a boundary, a
/// session's policy.
pub(crate) fn worlds() -> Vec<World> {
    let tag = ("aws:PrincipalTag/T", vec![json!("ID"), json!("ID"), json!("ID"), json!("*")]);
    let tls = ("aws:SecureTransport", vec![json!("true"), json!("true"), json!("true"), json!("false")]);
    let organization = ("aws:PrincipalOrgID", vec![json!("o-own"), json!("o-own"), json!("o-other")]);
    let scps = || {
        vec![
            level(
                "root",
                &[
                    everything(),
                    json!({ "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {
                "StringNotLike": { "aws:PrincipalArn": ["arn:aws:iam::*:role/App", "arn:aws:iam::*:user/*"] } } }),
                ],
            ),
            level(
                "account",
                &[json!([
                    { "Effect": "Allow", "NotAction": ["dynamodb:DeleteTable", "s3:DeleteBucket"], "Resource": "*" },
                    { "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {
                        "StringNotEquals": { "aws:RequestedRegion": ["eu-central-1", "us-east-1"] } } },
                ])],
            ),
        ]
    };
    let rcps = || {
        vec![level(
            "root",
            &[json!([
                { "Effect": "Deny", "Principal": "*",
                    "Action": ["s3:*", "sqs:*", "kms:*", "sts:AssumeRole", "dynamodb:*"], "Resource": "*",
                  "Condition": { "StringNotEqualsIfExists": { "aws:PrincipalOrgID": "o-own" },
                                 "BoolIfExists": { "aws:PrincipalIsAWSService": "false" } } },
                { "Effect": "Deny", "Principal": "*", "Action": ["s3:*", "sqs:*"], "Resource": "*",
                  "Condition": { "BoolIfExists": { "aws:SecureTransport": "false" } } },
            ])],
        )]
    };
    let region = (
        "aws:RequestedRegion",
        vec![json!("eu-central-1"), json!("eu-central-1"), json!("us-east-1"), json!("eu-west-1")],
    );
    let mut worlds = Vec::new();

    let mut table = case("table", "", "");
    let table_arn = "arn:aws:dynamodb:eu-central-1:111111111111:table/orders";
    table.identity = vec![named(
        "items",
        json!([
            { "Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"],
                "Resource": [table_arn, format!("{table_arn}/index/*")],
              "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [
              "${aws:PrincipalTag/T}", "${aws:PrincipalTag/T}#*"] },
                             "Null": { "dynamodb:LeadingKeys": "false" } } },
            { "Effect": "Allow", "Action": "dynamodb:Describe*", "Resource": "*" },
        ]),
    )];
    table.scps = scps();
    worlds.push(World {
        name: "table",
        policies: table,
        actions: &[
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:Scan",
            "dynamodb:DescribeTable",
            "dynamodb:DeleteTable",
        ],
        resources: &[
            "arn:aws:dynamodb:eu-central-1:111111111111:table/orders",
            "arn:aws:dynamodb:eu-central-1:111111111111:table/orders",
            "arn:aws:dynamodb:eu-central-1:111111111111:table/orders2",
        ],
        keys: vec![
            tag.clone(),
            region.clone(),
            ("dynamodb:LeadingKeys", vec![json!(["ID"]), json!(["ID#o"]), json!(["ID", "ID#x"]), json!(["IDx"])]),
        ],
    });

    let mut bucket = case("bucket", "", "");
    bucket.identity = vec![named(
        "objects",
        json!([
            { "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": "arn:aws:s3:::data/${aws:PrincipalTag/T}/*" },
            { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data",
              "Condition": { "StringLike": { "s3:prefix": ["${aws:PrincipalTag/T}/*", "${aws:PrincipalTag/T}/"] } } },
        ]),
    )];
    bucket.resource = Some(named(
        "bucket",
        json!([
            { "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/*"],
              "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
            { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{FOREIGN}:root") },
                "Action": "s3:GetObject",
              "Resource": "arn:aws:s3:::data/${aws:PrincipalTag/T}/*",
              "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-own" } } },
            { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/public/*" },
        ]),
    ));
    bucket.rcps = rcps();
    worlds.push(World {
        name: "bucket",
        policies: bucket.clone(),
        actions: &["s3:GetObject", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
        resources: &[
            "arn:aws:s3:::data/ID/x",
            "arn:aws:s3:::data/ID/a:b/c",
            "arn:aws:s3:::data/IDx/x",
            "arn:aws:s3:::data/public/x",
            "arn:aws:s3:::data2/ID/x",
        ],
        keys: vec![tag.clone(), tls.clone(), organization.clone()],
    });
    worlds.push(World {
        name: "listing",
        policies: bucket,
        actions: &["s3:ListBucket"],
        resources: &["arn:aws:s3:::data", "arn:aws:s3:::data", "arn:aws:s3:::data2"],
        keys: vec![
            tag.clone(),
            tls.clone(),
            organization.clone(),
            ("s3:prefix", vec![json!("ID/"), json!("ID"), json!("ID/x"), json!("IDx/"), json!("")]),
        ],
    });

    let mut bounded = case("bounded", "", "");
    bounded.identity = vec![named("all", everything())];
    bounded.boundaries =
        vec![named("boundary", json!({ "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::data/*" }))];
    let to = |principal: &str, action: &str| {
        json!({ "Effect": "Allow", "Principal": { "AWS": principal },
        "Action": action, "Resource": "arn:aws:s3:::data/*" })
    };
    let user = format!("arn:aws:iam::{ACCOUNT}:user/ann");
    bounded.resource = Some(named(
        "bucket",
        json!([
            to(ROLE, "s3:PutObject"),
            to(SESSION, "s3:DeleteObject"),
            to(&user, "s3:PutObject"),
            to(FOREIGN, "s3:*")
        ]),
    ));
    let mut cut = bounded.clone();
    worlds.push(World {
        name: "bounded",
        policies: bounded,
        actions: &["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectTagging"],
        resources: &["arn:aws:s3:::data/ID/x", "arn:aws:s3:::other/ID/x"],
        keys: vec![tag.clone()],
    });
    // Without `s3:DeleteObject`, on which the simulator differs: see the list of differences.
    let own = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::data/${aws:PrincipalTag/T}/*" });
    cut.session = Some(named("session", own));
    worlds.push(World {
        name: "session",
        policies: cut,
        actions: &["s3:GetObject", "s3:PutObject", "s3:GetObjectTagging"],
        resources: &["arn:aws:s3:::data/ID/x", "arn:aws:s3:::other/ID/x"],
        keys: vec![tag.clone()],
    });

    let mut key = case("key", "", "");
    key.identity = vec![named("key", json!({ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*" }))];
    key.resource = Some(named(
        "key",
        json!([
            { "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") }, "Action": "kms:*",
                "Resource": "*",
              "Condition": { "StringEquals": { "kms:ViaService": "s3.eu-central-1.amazonaws.com" } } },
            { "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": "*",
              "Condition": { "StringEquals": { "kms:EncryptionContext:tenant": "${aws:PrincipalTag/T}" } } },
            { "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "kms:Decrypt",
                "Resource": "*",
              "Condition": { "StringEquals": { "aws:SourceAccount": ACCOUNT } } },
        ]),
    ));
    key.rcps = rcps();
    worlds.push(World {
        name: "key",
        policies: key,
        actions: &["kms:Decrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"],
        resources: &["arn:aws:kms:eu-central-1:111111111111:key/0a"],
        keys: vec![
            tag.clone(),
            organization.clone(),
            ("kms:EncryptionContext:tenant", vec![json!("ID")]),
            ("kms:ViaService", vec![json!("s3.eu-central-1.amazonaws.com"), json!("sqs.eu-central-1.amazonaws.com")]),
            ("aws:SourceAccount", vec![json!(ACCOUNT), json!(FOREIGN)]),
        ],
    });

    let mut queue = case("queue", "", "");
    queue.identity = vec![named(
        "queue",
        json!([
            { "Effect": "Allow", "Action": "sqs:*", "Resource": "arn:aws:sqs:eu-central-1:111111111111:app_t-1" },
            { "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:111111111111:app_*",
              "Condition": { "StringEqualsIfExists": { "aws:PrincipalTag/T": ["t-1", "t-12"] } } },
            { "Effect": "Deny", "Action": "sqs:DeleteQueue", "NotResource": "arn:aws:sqs:*:*:*-tmp" },
        ]),
    )];
    queue.resource = Some(named(
        "queue",
        json!({
        "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
            "Resource": "*",
        "Condition": { "ArnLike": { "aws:SourceArn": "arn:aws:sns:eu-central-1:111111111111:news*" } } }),
    ));
    (queue.scps, queue.rcps) = (scps(), rcps());
    worlds.push(World {
        name: "queue",
        policies: queue,
        actions: &["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteQueue"],
        resources: &[
            "arn:aws:sqs:eu-central-1:111111111111:app_ID",
            "arn:aws:sqs:eu-central-1:111111111111:app_ID-tmp",
            "arn:aws:sqs:eu-west-1:111111111111:app_ID",
        ],
        keys: vec![
            tag.clone(),
            tls,
            region,
            organization.clone(),
            (
                "aws:SourceArn",
                vec![
                    json!("arn:aws:sns:eu-central-1:111111111111:news-ID"),
                    json!("arn:aws:sns:eu-central-1:222222222222:news"),
                ],
            ),
        ],
    });

    let mut trust = case("trust", "", "");
    trust.resource = Some(named(
        "trust",
        json!([
            { "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "sts:AssumeRole" },
            { "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "sts:TagSession",
              "Condition": { "StringLike": { "aws:RequestTag/T": "?*" },
                         "ForAllValues:StringEquals": { "aws:TagKeys": ["T"] },
                             "Null": { "aws:TagKeys": "false" } } },
            { "Effect": "Deny", "Principal": "*", "Action": "sts:TagSession",
              "Condition": { "StringLike": { "aws:RequestTag/T": ["*/*", "*#*", "*:*"] } } },
            { "Effect": "Allow", "Principal": { "AWS": FOREIGN }, "Action": "sts:AssumeRole",
              "Condition": { "StringEquals": { "sts:ExternalId": "secret" } } },
        ]),
    ));
    trust.identity = vec![named("assume", json!({ "Effect": "Allow", "Action": "sts:*", "Resource": "*" }))];
    trust.rcps = rcps();
    worlds.push(World {
        name: "trust",
        policies: trust,
        actions: &["sts:AssumeRole", "sts:TagSession"],
        resources: &["arn:aws:iam::111111111111:role/Tenant"],
        keys: vec![
            organization,
            ("aws:RequestTag/T", vec![json!("ID"), json!("ID/x"), json!("ID")]),
            ("aws:TagKeys", vec![json!(["T"]), json!(["T", "Admin"]), json!(["T"])]),
            ("sts:ExternalId", vec![json!("secret"), json!("guess")]),
        ],
    });
    worlds
}
