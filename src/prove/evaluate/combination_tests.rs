//! How policies of several layers act together, and who the caller is. The numbers are those of
//! `docs/proof-semantics.md`.

use serde_json::{Value, json};

use super::statement_tests::{ACCOUNT, FOREIGN, ROLE, SESSION, case, named, session_of};
use super::*;

const OBJECT: &str = "arn:aws:s3:::data/t-1/x";
const KEY: &str = "arn:aws:kms:eu-central-1:111111111111:key/k";

fn everything() -> Value {
    json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })
}

fn nothing_here() -> Value {
    json!({ "Effect": "Allow", "Action": "ec2:*", "Resource": "*" })
}

fn refusal() -> Value {
    json!({ "Sid": "No", "Effect": "Deny", "Action": "*", "Resource": "*" })
}

/// A resource's policy that names one principal.
fn to(principal: Value) -> Option<Named> {
    Some(named(
        "resource",
        json!({ "Sid": "To", "Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*" }),
    ))
}

fn trust(principal: Value) -> Option<Named> {
    let actions = json!(["sts:AssumeRole", "sts:TagSession"]);
    Some(named("trust", json!({ "Effect": "Allow", "Principal": principal, "Action": actions })))
}

fn level(name: &str, statements: Value) -> Level {
    Level { target: name.to_owned(), policies: vec![named(name, statements)] }
}

fn missing(case: &Case) -> Layer {
    match case.documented() {
        Decision::ImplicitlyDenied { layer } => layer,
        other => panic!("{other:?}"),
    }
}

fn everybody_refused(name: &str) -> Value {
    json!({ "Sid": name, "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" })
}

/// 25 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
#[test]
fn a_refusal_in_any_layer_wins() {
    let open = || {
        let mut open = case("s3:GetObject", OBJECT).identity(everything());
        open.resource = to(json!("*"));
        open
    };
    assert!(open().allowed());
    let refused = || named("no", json!([everything(), refusal()]));
    let named_refused = || named("no", everybody_refused("No"));
    let cases: [fn(&mut Case, Named); 6] = [
        |case, no| case.identity.push(no),
        |case, no| case.boundaries.push(no),
        |case, no| case.session = Some(no),
        |case, no| case.scps.push(Level { target: "root".to_owned(), policies: vec![no] }),
        |case, no| case.rcps.push(Level { target: "root".to_owned(), policies: vec![no] }),
        |case, no| case.endpoint.push(no),
    ];
    for put in cases {
        let mut asked = open();
        put(&mut asked, refused());
        assert!(matches!(asked.documented(), Decision::ExplicitlyDenied { by } if by[0].1.as_deref() == Some("No")));
        assert!(!asked.allowed());
    }
    let mut asked = open();
    asked.resource = Some(named_refused());
    assert!(matches!(asked.documented(), Decision::ExplicitlyDenied { .. }));
}

/// 26 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html>
#[test]
fn in_one_account_either_side_suffices() {
    assert_eq!(missing(&case("s3:GetObject", OBJECT)), Layer::Identity);
    let own = case("s3:GetObject", OBJECT).identity(everything());
    assert!(own.allowed());
    let mut there = case("s3:GetObject", OBJECT);
    there.resource = to(json!({ "AWS": ROLE }));
    assert!(there.allowed());
    let Decision::Allowed { by, .. } = there.adverse() else { panic!("it is allowed") };
    assert_eq!(
        by,
        [(Place { file: "resource.json".to_owned(), pointer: "/Statement".to_owned() }, Some("To".to_owned()))]
    );
}

/// 27 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
#[test]
fn a_grant_to_the_role_is_cut_and_a_grant_to_the_session_is_not() {
    let user = "arn:aws:iam::111111111111:user/ann";
    for (principal, cut) in [(ROLE, true), (SESSION, false), (user, false)] {
        let mut asked = case("s3:GetObject", OBJECT);
        if principal == user {
            asked.request.principal = Caller::User { arn: user.to_owned(), account: ACCOUNT.to_owned() };
        }
        asked.resource = to(json!({ "AWS": principal }));
        assert!(asked.allowed());
        let mut bounded = asked.clone();
        bounded.boundaries.push(named("boundary", nothing_here()));
        assert_eq!(bounded.allowed(), !cut, "{principal}");
        asked.session = Some(named("session", nothing_here()));
        assert_eq!(asked.allowed(), !cut, "{principal}");
    }
}

/// 28 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>
#[test]
fn across_accounts_both_sides_are_needed() {
    let mut asked = case("s3:GetObject", OBJECT);
    asked.request.principal = session_of(FOREIGN);
    asked.identity.push(named("identity", everything()));
    assert_eq!(missing(&asked), Layer::Resource);
    for principal in [FOREIGN.to_owned(), ROLE.replace(ACCOUNT, FOREIGN), SESSION.replace(ACCOUNT, FOREIGN)] {
        asked.resource = to(json!({ "AWS": principal }));
        assert!(asked.allowed());
        let mut alone = asked.clone();
        alone.identity.clear();
        assert_eq!(missing(&alone), Layer::Identity);
        let mut bounded = asked.clone();
        bounded.boundaries.push(named("boundary", nothing_here()));
        assert_eq!(missing(&bounded), Layer::Boundary);
    }
}

/// 29 — <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>
#[test]
fn a_key_needs_its_policy() {
    let mut asked = case("kms:Decrypt", KEY).identity(everything());
    assert_eq!(missing(&asked), Layer::Resource);
    // The account's root principal hands the decision to identity policies.
    asked.resource = to(json!({ "AWS": "arn:aws:iam::111111111111:root" }));
    assert!(asked.allowed());
    asked.identity.clear();
    assert_eq!(missing(&asked), Layer::Identity);
    asked.resource = to(json!({ "AWS": ROLE }));
    assert!(asked.allowed());
    // What is no key has no policy.
    assert!(case("kms:ListKeys", "*").identity(everything()).allowed());
}

/// 29 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
#[test]
fn a_role_needs_its_trust_policy() {
    let minted = "arn:aws:iam::111111111111:role/Tenant";
    let mut asked = case("sts:AssumeRole", minted).identity(everything());
    assert_eq!(missing(&asked), Layer::Resource);
    asked.resource = trust(json!({ "AWS": ACCOUNT }));
    assert!(asked.allowed());
    asked.identity.clear();
    assert_eq!(missing(&asked), Layer::Identity);
    asked.resource = trust(json!({ "AWS": ROLE }));
    assert!(asked.allowed());
    asked.request.principal = session_of(FOREIGN);
    assert!(!asked.allowed());
}

/// 30 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>
#[test]
fn a_session_policy_intersects() {
    let mut asked = case("s3:GetObject", OBJECT).identity(everything());
    asked.session = Some(named("session", json!({ "Effect": "Allow", "Action": "s3:Get*", "Resource": "*" })));
    assert!(asked.allowed());
    asked.session = Some(named("session", nothing_here()));
    assert_eq!(missing(&asked), Layer::Session);
    asked.identity.clear();
    asked.session = Some(named("session", everything()));
    assert_eq!(missing(&asked), Layer::Identity);
}

/// 31 — <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>
#[test]
fn every_level_of_service_control_policies_must_allow() {
    let mut asked = case("s3:GetObject", OBJECT).identity(everything());
    asked.resource = to(json!({ "AWS": SESSION }));
    asked.scps = vec![level("root", everything()), level("unit", everything())];
    assert!(asked.allowed());
    asked.scps.push(level("account", nothing_here()));
    assert_eq!(missing(&asked), Layer::ServiceControl);
    // Two policies of one level add up.
    asked.scps[2].policies.push(named("full", everything()));
    assert!(asked.allowed());
    // The root user is bound, the management account has no levels, service-linked roles are free.
    asked.scps[2].policies.pop();
    asked.request.principal = Caller::Root { account: ACCOUNT.to_owned() };
    assert!(!asked.allowed());
    let linked = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    asked.request.principal = Caller::Role { arn: linked.to_owned(), session_arn: None, account: ACCOUNT.to_owned() };
    assert!(asked.allowed());
}

/// 32 — <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
#[test]
fn resource_control_policies_bind_resources_of_listed_services() {
    let asked = |action: &str, resource: &str| {
        let mut asked = case(action, resource).identity(everything());
        asked.resource = to(json!("*"));
        asked.rcps = vec![level("root", everybody_refused("Perimeter"))];
        asked
    };
    assert!(!asked("s3:GetObject", OBJECT).allowed());
    assert!(!asked("sqs:SendMessage", "arn:aws:sqs:eu-central-1:111111111111:q").allowed());
    assert!(!asked("kms:Decrypt", KEY).allowed());
    assert!(!asked("sts:AssumeRole", ROLE).allowed());
    assert!(!asked("dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:111111111111:table/t").allowed());
    assert!(asked("sns:Publish", "arn:aws:sns:eu-central-1:111111111111:t").allowed());
    assert!(asked("lambda:InvokeFunction", "arn:aws:lambda:eu-central-1:111111111111:function:f").allowed());
    assert!(asked("kms:RetireGrant", KEY).allowed());
    for caller in [Caller::Anonymous, Caller::Service("sns.amazonaws.com".to_owned()), session_of(FOREIGN)] {
        let mut other = asked("s3:GetObject", OBJECT);
        other.request.principal = caller;
        assert!(!other.allowed());
    }
    let mut linked = asked("s3:GetObject", OBJECT);
    let arn = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    linked.request.principal = Caller::Role { arn: arn.to_owned(), session_arn: None, account: ACCOUNT.to_owned() };
    assert!(linked.allowed());
}

/// 33 — <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html>
#[test]
fn service_control_policies_do_nothing_about_those_without_account() {
    for caller in [Caller::Anonymous, Caller::Service("sns.amazonaws.com".to_owned())] {
        let mut asked = case("s3:GetObject", OBJECT);
        asked.request.principal = caller;
        asked.resource = to(json!("*"));
        asked.scps = vec![level("root", refusal())];
        assert!(asked.allowed());
        asked.rcps = vec![level("root", everybody_refused("Perimeter"))];
        assert!(!asked.allowed());
    }
}

/// 34 — <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>
#[test]
fn endpoint_policies_only_restrict() {
    let mut asked = case("s3:GetObject", OBJECT);
    let open = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
    asked.endpoint = vec![named("endpoint", open)];
    assert_eq!(missing(&asked), Layer::Identity);
    asked.identity.push(named("identity", everything()));
    assert!(asked.allowed());
    let other = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::other/*" });
    asked.endpoint = vec![named("endpoint", other)];
    assert_eq!(missing(&asked), Layer::Endpoint);
}

/// 35 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principaltag>
#[test]
fn a_foreign_account_chooses_its_own_tags() {
    let mut asked = case("s3:GetObject", OBJECT).identity(everything()).with("aws:PrincipalTag/T", "t-1");
    asked.request.principal = session_of(FOREIGN);
    let tagged = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "arn:aws:s3:::data/${aws:PrincipalTag/T}/*" });
    asked.resource = Some(named("bucket", tagged.clone()));
    assert!(asked.allowed());
    let mut pinned = tagged;
    pinned["Condition"] = json!({ "StringEquals": { "aws:PrincipalAccount": ACCOUNT } });
    asked.resource = Some(named("bucket", pinned));
    asked.request = asked.request.with_derived_keys();
    assert!(!asked.allowed());
}

fn tags<const N: usize>(tags: [(&str, &str); N]) -> BTreeMap<String, String> {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// 36 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining>
#[test]
fn transitive_tags_pass_down_a_chain_and_cannot_be_replaced() {
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<String>>();
    let first = SessionTags::default().opens(&tags([("T", "t-1"), ("Job", "j")]), &keys(&["T"])).unwrap();
    let second = first.opens(&tags([("Job", "k")]), &keys(&[])).unwrap();
    assert_eq!(second.tags, tags([("T", "t-1"), ("Job", "k")]));
    let third = second.opens(&tags([]), &keys(&[])).unwrap();
    assert_eq!(third.tags, tags([("T", "t-1")]));
    assert_eq!(third.opens(&tags([("t", "t-2")]), &keys(&[])), None);
    assert_eq!(SessionTags::default().opens(&tags([("T", "t-2")]), &keys(&[])).unwrap().tags, tags([("T", "t-2")]));
}

/// 36 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[test]
fn a_sessions_tag_overrides_the_roles() {
    let session = SessionTags { tags: tags([("tenantid", "t-1")]), transitive: BTreeSet::new() };
    let role = tags([("TenantId", "t-0"), ("Team", "a")]);
    assert_eq!(session.over(&role), tags([("tenantid", "t-1"), ("Team", "a")]));
}

/// 37 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules>
#[test]
fn values_of_tags_may_be_empty_and_hold_delimiters() {
    for value in ["", "t-1", "t-1/t-2", "a:b=c+d_e@f.g h", "ä", &"x".repeat(256)] {
        assert!(is_tag_value(value), "{value}");
    }
    for value in ["*", "t#1", "a\"b", &"x".repeat(257)] {
        assert!(!is_tag_value(value), "{value}");
    }
    // The empty tag reaches what stands between two delimiters.
    let own = json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::data/${aws:PrincipalTag/T}/*" });
    assert!(case("s3:GetObject", "arn:aws:s3:::data//x").identity(own).with("aws:PrincipalTag/T", "").allowed());
}

/// 38 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required>
#[test]
fn tagging_a_session_is_an_action_of_its_own() {
    let minted = "arn:aws:iam::111111111111:role/Tenant";
    let statement = json!({ "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "sts:AssumeRole" });
    let condition = json!({
        "StringLike": { "aws:RequestTag/T": "?*" },
        "ForAllValues:StringEquals": { "aws:TagKeys": ["T"] },
        "Null": { "aws:TagKeys": "false" },
    });
    let tagging =
        json!({ "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "sts:TagSession", "Condition": condition });
    let asked = |action: &str, statements: Value| {
        let mut asked = case(action, minted).with("aws:RequestTag/T", "t-1").with("aws:TagKeys", ["T"]);
        asked.resource = Some(named("trust", statements));
        asked
    };
    assert!(asked("sts:AssumeRole", json!([statement])).allowed());
    assert!(!asked("sts:TagSession", json!([statement])).allowed());
    let both = asked("sts:TagSession", json!([statement, tagging]));
    assert!(both.allowed());
    assert!(!both.clone().with("aws:RequestTag/T", "").allowed());
    assert!(!both.with("aws:TagKeys", ["T", "Admin"]).allowed());
}

/// 39 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>
#[test]
fn a_token_is_worth_what_the_trust_policy_pins() {
    let provider = "arn:aws:iam::111111111111:oidc-provider/issuer.example";
    let mut asked = case("sts:AssumeRoleWithWebIdentity", ROLE).with("issuer.example:aud", "app");
    asked.request.principal = Caller::Federated { provider: provider.to_owned() };
    asked.scps = vec![level("root", nothing_here())];
    let statement = |audience: &str| {
        json!({ "Effect": "Allow", "Principal": { "Federated": provider }, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": { "issuer.example:aud": audience } } })
    };
    asked.resource = Some(named("trust", statement("app")));
    assert!(asked.allowed());
    asked.resource = Some(named("trust", statement("other")));
    assert!(!asked.allowed());
    asked.resource = Some(named("trust", statement("app")));
    asked.request.principal = Caller::Federated { provider: provider.replace("issuer", "evil") };
    assert!(!asked.allowed());
}

/// 40 — <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>
#[test]
fn leading_keys_guard_items_and_not_scans() {
    let table = "arn:aws:dynamodb:eu-central-1:111111111111:table/orders";
    let statement = json!({ "Effect": "Allow", "Action": ["dynamodb:Query", "dynamodb:Scan"], "Resource": table, "Condition": {
        "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": "${aws:PrincipalTag/T}" } } });
    let asked = |action: &str| case(action, table).identity(statement.clone()).with("aws:PrincipalTag/T", "t-1");
    assert!(asked("dynamodb:Query").with("dynamodb:LeadingKeys", ["t-1"]).allowed());
    assert!(!asked("dynamodb:Query").with("dynamodb:LeadingKeys", ["t-1", "t-2"]).allowed());
    assert!(!asked("dynamodb:Query").with("dynamodb:LeadingKeys", ["t-12"]).allowed());
    // A scan has no leading keys, and the condition holds.
    assert!(asked("dynamodb:Scan").allowed());
}

/// 41 — <https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html>
#[test]
fn a_listing_without_prefix_escapes_if_exists() {
    let statement = |operator: &str| {
        json!({ "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data", "Condition": {
            operator: { "s3:prefix": "${aws:PrincipalTag/T}/*" } } })
    };
    let asked = |operator: &str| {
        case("s3:ListBucket", "arn:aws:s3:::data").identity(statement(operator)).with("aws:PrincipalTag/T", "t-1")
    };
    assert!(!asked("StringLike").allowed());
    assert!(asked("StringLikeIfExists").allowed());
    assert!(asked("StringLike").with("s3:prefix", "t-1/").allowed());
    assert!(!asked("StringLike").with("s3:prefix", "t-1").allowed());
}

/// 42 — <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html>
#[test]
fn an_encryption_context_is_what_the_request_says() {
    let statement = json!({ "Effect": "Allow", "Principal": { "AWS": ROLE }, "Action": "kms:Decrypt", "Resource": "*", "Condition": {
        "StringEquals": { "kms:EncryptionContext:tenant": "${aws:PrincipalTag/T}" } } });
    let mut asked = case("kms:Decrypt", KEY).with("aws:PrincipalTag/T", "t-1");
    asked.resource = Some(named("key", statement));
    assert!(!asked.allowed());
    assert!(asked.clone().with("kms:EncryptionContext:tenant", "t-1").allowed());
    assert!(!asked.clone().with("kms:EncryptionContext:tenant", "t-2").allowed());
    // A grant goes around: creating one is an action like others, which the policy must not give.
    asked.request.action = "kms:CreateGrant".to_owned();
    assert!(!asked.allowed());
}

/// 43 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
#[test]
fn a_service_acts_for_anybody_unless_its_source_is_pinned() {
    let queue = "arn:aws:sqs:eu-central-1:111111111111:q";
    let mut asked = case("sqs:SendMessage", queue).with("aws:SourceArn", "arn:aws:sns:eu-central-1:222222222222:evil");
    asked.request.principal = Caller::Service("sns.amazonaws.com".to_owned());
    let open = json!({ "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": queue });
    asked.resource = Some(named("queue", open.clone()));
    assert!(asked.allowed());
    let mut pinned = open;
    pinned["Condition"] = json!({ "ArnLike": { "aws:SourceArn": "arn:aws:sns:eu-central-1:111111111111:*" } });
    asked.resource = Some(named("queue", pinned));
    assert!(!asked.allowed());
    asked.request.principal = Caller::Service("s3.amazonaws.com".to_owned());
    assert!(!asked.with("aws:SourceArn", "arn:aws:sns:eu-central-1:111111111111:news").allowed());
}

/// 44 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html>
#[test]
fn who_may_write_the_tag_may_read_the_data() {
    let queue = "arn:aws:sqs:eu-central-1:111111111111:q";
    let read = json!({ "Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*", "Condition": {
        "StringEquals": { "aws:ResourceTag/T": "${aws:PrincipalTag/T}" } } });
    let write = json!({ "Effect": "Allow", "Action": "sqs:TagQueue", "Resource": "*" });
    let asked = |action: &str, tag: &str| {
        case(action, queue)
            .identity(json!([read, write]))
            .with("aws:PrincipalTag/T", "t-1")
            .with("aws:ResourceTag/T", tag)
    };
    assert!(!asked("sqs:ReceiveMessage", "t-2").allowed());
    assert!(asked("sqs:TagQueue", "t-2").allowed());
    assert!(asked("sqs:ReceiveMessage", "t-1").allowed());
}

/// 45 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
#[test]
fn passing_a_role_is_the_identitys_permission_alone() {
    let passed = "arn:aws:iam::111111111111:role/Admin";
    let statement = json!({ "Effect": "Allow", "Action": "iam:PassRole", "Resource": passed, "Condition": {
        "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } } });
    let asked =
        |service: &str| case("iam:PassRole", passed).identity(statement.clone()).with("iam:PassedToService", service);
    assert!(asked("lambda.amazonaws.com").allowed());
    assert!(!asked("ec2.amazonaws.com").allowed());
}

/// The rule on readings: of two ways to a grant the one that needs fewer is told.
#[test]
fn a_grant_without_readings_is_preferred() {
    let unclear = json!({ "Sid": "Unclear", "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
        "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } });
    let mut asked = case("s3:GetObject", OBJECT).identity(json!([unclear]));
    assert_eq!(asked.only_under(), ["a condition on numbers, dates, addresses or bytes"]);
    asked.resource = to(json!({ "AWS": ROLE }));
    assert!(asked.allowed());
    // Every refusal that has to be read away is told.
    let refused = json!([everything(), { "Effect": "Deny", "NotResource": "arn:aws:s3:::data/${aws:PrincipalTag/T}/*", "Action": "*" }]);
    asked.boundaries.push(named("boundary", refused));
    assert_eq!(asked.only_under(), ["a statement with a variable that has no value"]);
}

/// The JSON of a case holds everything that it holds.
#[test]
fn a_case_is_written_for_the_simulator() {
    let mut asked = case("s3:GetObject", OBJECT)
        .identity(everything())
        .with("aws:TagKeys", ["a"])
        .with("aws:PrincipalTag/T", "t-1");
    asked.session = Some(named("session", everything()));
    asked.boundaries.push(named("boundary", everything()));
    asked.scps = vec![level("root", everything())];
    asked.rcps = vec![level("root", everybody_refused("Perimeter"))];
    asked.rcps[0].policies.push(named(
        "RCPFullAWSAccess",
        json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" }),
    ));
    let json = asked.to_json();
    assert_eq!(json["request"]["principal"], SESSION);
    assert_eq!(json["request"]["context"], json!({ "aws:TagKeys": ["a"], "aws:PrincipalTag/T": "t-1" }));
    assert_eq!(json["request"]["resource"], json!({ "resource": OBJECT, "accountId": ACCOUNT }));
    assert_eq!(json["serviceControlPolicies"][0]["policies"][0]["policy"]["Statement"], everything());
    assert_eq!(json["resourceControlPolicies"][0]["policies"].as_array().unwrap().len(), 1);
    assert_eq!(json["permissionBoundaries"][0]["name"], "boundary");
    assert!(json["sessionPolicy"].is_object() && json.get("resourcePolicy").is_none());
    asked.request.principal = Caller::Anonymous;
    assert_eq!(asked.to_json()["request"]["principal"], json!({ "type": "Anonymous" }));
}

/// What cannot be read is no policy.
#[test]
fn a_document_with_defects_is_none() {
    let place = Place { file: "x.json".to_owned(), pointer: String::new() };
    let text = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Maybe", "Action": "*", "Resource": null } });
    let unreadable = Named::of_json("x", text, &place).unwrap_err();
    assert_eq!(unreadable.defects.len(), 2);
}
