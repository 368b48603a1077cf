//! What a statement matches: texts, operators and elements. The numbers are those of `docs/proof-semantics.md`.

use serde_json::{Value, json};

use super::*;

pub(super) const ACCOUNT: &str = "111111111111";
pub(super) const FOREIGN: &str = "222222222222";
pub(super) const ROLE: &str = "arn:aws:iam::111111111111:role/App";
pub(super) const SESSION: &str = "arn:aws:sts::111111111111:assumed-role/App/s";
const OBJECT: &str = "arn:aws:s3:::data/t-1/x";

pub(super) fn named(name: &str, statements: Value) -> Named {
    let place = Place { file: format!("{name}.json"), pointer: String::new() };
    Named::of_json(name, json!({ "Version": "2012-10-17", "Statement": statements }), &place).unwrap()
}

pub(super) fn session_of(account: &str) -> Caller {
    Caller::Role {
        arn: ROLE.replace(ACCOUNT, account),
        session_arn: Some(SESSION.replace(ACCOUNT, account)),
        account: account.to_owned(),
    }
}

pub(super) fn case(action: &str, resource: &str) -> Case {
    Case {
        name: "case".to_owned(),
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

impl Case {
    pub(super) fn with(mut self, key: &str, value: impl Into<Values>) -> Self {
        self.request.context.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn identity(mut self, statements: Value) -> Self {
        self.identity.push(named("identity", statements));
        self
    }

    pub(super) fn documented(&self) -> Decision {
        self.decided(Reading::Documented)
    }

    pub(super) fn adverse(&self) -> Decision {
        self.decided(Reading::Adverse)
    }

    fn decided(&self, reading: Reading) -> Decision {
        let facts = crate::facts::Facts::shipped().unwrap();
        evaluate(self, reading, &facts.resource_control().supported)
    }

    /// Whether it is allowed, where readings do not matter.
    #[track_caller]
    pub(super) fn allowed(&self) -> bool {
        let documented = self.documented().is_allowed();
        match self.adverse() {
            Decision::Allowed { only_under, .. } if documented => assert!(only_under.is_empty(), "{only_under:?}"),
            adverse => assert!(!documented && !adverse.is_allowed(), "readings differ: {adverse:?}"),
        }
        documented
    }

    /// The readings that it is allowed under and not without.
    #[track_caller]
    pub(super) fn only_under(&self) -> Vec<String> {
        assert!(!self.documented().is_allowed(), "it is allowed as documented");
        match self.adverse() {
            Decision::Allowed { only_under, .. } => only_under,
            other => panic!("{other:?}"),
        }
    }
}

impl From<&str> for Values {
    fn from(value: &str) -> Self {
        Self::One(value.to_owned())
    }
}

impl<const N: usize> From<[&str; N]> for Values {
    fn from(values: [&str; N]) -> Self {
        Self::Many(values.map(str::to_owned).to_vec())
    }
}

/// A request for an object whose statement has these actions.
fn action(actions: Value, asked: &str) -> bool {
    case(asked, OBJECT).identity(json!({ "Effect": "Allow", "Action": actions, "Resource": "*" })).allowed()
}

/// A request for a resource under a statement with this element.
fn resource(effect: &str, element: &str, pattern: &str, asked: &str) -> Case {
    let mut statement = json!({ "Effect": effect, "Action": "*" });
    statement[element] = json!(pattern);
    let open = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let statements = if effect == "Deny" { json!([open, statement]) } else { json!([statement]) };
    case("s3:GetObject", asked).identity(statements)
}

/// A request under one condition in a statement that grants.
fn when(operator: &str, key: &str, values: Value) -> Case {
    under("Allow", operator, key, values)
}

fn under(effect: &str, operator: &str, key: &str, values: Value) -> Case {
    let mut statement = json!({ "Effect": effect, "Action": "*", "Resource": "*", "Condition": { operator: {} } });
    statement["Condition"][operator][key] = values;
    let open = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let statements = if effect == "Deny" { json!([open, statement]) } else { json!([statement]) };
    case("s3:GetObject", OBJECT).identity(statements)
}

/// 1 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>
#[test]
fn actions_ignore_case_and_take_wildcards() {
    assert!(action(json!("S3:getobject"), "s3:GetObject"));
    assert!(action(json!("s3:Get*"), "s3:GetObject"));
    assert!(action(json!("s3:?etObject"), "s3:GetObject"));
    assert!(action(json!(["sqs:*", "*"]), "s3:GetObject"));
    assert!(!action(json!("s3:GetObject?"), "s3:GetObject"));
    assert!(!action(json!("s3:Get"), "s3:GetObject"));
}

/// 2 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>
#[test]
fn resources_heed_case() {
    assert!(resource("Allow", "Resource", "arn:aws:s3:::data/*", OBJECT).allowed());
    assert!(!resource("Allow", "Resource", "arn:aws:s3:::Data/*", OBJECT).allowed());
    assert!(!resource("Allow", "Resource", "arn:aws:s3:::data", OBJECT).allowed());
    assert!(resource("Allow", "Resource", "arn:aws:s3:::data/t-?/*", OBJECT).allowed());
}

/// 2 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>, against
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html>
#[test]
fn a_wildcard_that_ends_a_segment_may_run_on() {
    let queue = "arn:aws:sqs:eu-central-1:111111111111:jobs";
    let how_far = ["how far a wildcard in a resource reaches"];
    assert!(resource("Allow", "Resource", "arn:aws:sqs:*", queue).allowed());
    assert!(resource("Allow", "Resource", "arn:aws:sqs:*:jobs", queue).allowed());
    assert_eq!(resource("Allow", "Resource", "arn:aws:sqs:eu*s", queue).only_under(), how_far);
    // In a refusal it is the narrower reading that widens access, and what a refusal leaves out is read widely.
    assert_eq!(resource("Deny", "Resource", "arn:aws:sqs:*", queue).only_under(), how_far);
    assert_eq!(resource("Deny", "NotResource", "arn:aws:sqs:eu*s", queue).only_under(), how_far);
    assert_eq!(resource("Allow", "NotResource", "arn:aws:sqs:*", queue).only_under(), how_far);
    assert!(!resource("Deny", "Resource", "arn:aws:sqs:*:*:*", queue).allowed());
    assert!(!resource("Deny", "Resource", "*", queue).allowed());
    // Behind the fifth colon colons are like other characters: keys of objects may have them.
    assert!(resource("Allow", "Resource", "arn:aws:s3:::data/a*z", "arn:aws:s3:::data/a:b:z").allowed());
}

/// 3 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn escaped_wildcards_are_characters() {
    let pattern = "arn:aws:s3:::data/${*}${?}${$}/x";
    assert!(resource("Allow", "Resource", pattern, "arn:aws:s3:::data/*?$/x").allowed());
    assert!(!resource("Allow", "Resource", pattern, "arn:aws:s3:::data/abc/x").allowed());
    assert!(when("StringLike", "s3:prefix", json!("a${*}")).with("s3:prefix", "a*").allowed());
    assert!(!when("StringLike", "s3:prefix", json!("a${*}")).with("s3:prefix", "ab").allowed());
}

/// 4 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn a_variables_value_is_literal() {
    let own = || resource("Allow", "Resource", "arn:aws:s3:::data/${aws:PrincipalTag/T}/*", OBJECT);
    assert!(own().with("aws:PrincipalTag/T", "t-1").allowed());
    assert!(!own().with("aws:PrincipalTag/T", "t-12").allowed());
    assert!(!own().with("aws:PrincipalTag/T", "*").allowed());
    assert!(!own().with("aws:PrincipalTag/T", "t-?").allowed());
    let like = || when("StringLike", "s3:prefix", json!("${aws:PrincipalTag/T}/*")).with("s3:prefix", "t-1/");
    assert!(like().with("aws:PrincipalTag/T", "t-1").allowed());
    assert!(!like().with("aws:PrincipalTag/T", "*").allowed());
    // A key with many values is no text.
    assert!(!own().with("aws:PrincipalTag/T", ["t-1"]).allowed());
}

/// 4 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn variables_stand_behind_the_fifth_colon() {
    let early = "arn:aws:sqs:eu-central-1:${aws:PrincipalAccount}:jobs";
    let queue = "arn:aws:sqs:eu-central-1:111111111111:jobs";
    let needs = ["a variable before the fifth colon of a resource"];
    let asked = |effect| resource(effect, "Resource", early, queue).with("aws:PrincipalAccount", ACCOUNT);
    assert_eq!(asked("Allow").only_under(), needs);
    // A refusal that is not promised to apply does not, as documented already.
    assert!(asked("Deny").allowed());
    let late = "arn:aws:sqs:eu-central-1:111111111111:app_${aws:PrincipalTag/T}";
    let own = resource("Allow", "Resource", late, "arn:aws:sqs:eu-central-1:111111111111:app_t-1");
    assert!(own.with("aws:PrincipalTag/T", "t-1").allowed());
}

/// 5 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
#[test]
fn version_2008_has_no_variables() {
    let statement =
        json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::data/${aws:PrincipalTag/T}/x" });
    let place = Place { file: "old.json".to_owned(), pointer: String::new() };
    for version in [json!({ "Version": "2008-10-17", "Statement": statement }), json!({ "Statement": statement })] {
        let old = Named::of_json("old", version, &place).unwrap();
        let mut asked = case("s3:GetObject", OBJECT).with("aws:PrincipalTag/T", "t-1");
        asked.identity = vec![old];
        assert!(!asked.allowed());
        asked.request.resource = "arn:aws:s3:::data/${aws:PrincipalTag/T}/x".to_owned();
        assert!(asked.allowed());
    }
}

/// 6 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn a_variable_without_value_fits_nothing() {
    let variable = "arn:aws:s3:::data/${aws:PrincipalTag/T}/*";
    assert!(!resource("Allow", "Resource", variable, OBJECT).allowed());
    assert!(resource("Allow", "NotResource", variable, OBJECT).allowed());
    let tag = json!("${aws:PrincipalTag/T}");
    for operator in ["StringEquals", "StringLike"] {
        assert!(!when(operator, "s3:prefix", tag.clone()).with("s3:prefix", "a").allowed());
    }
    for operator in ["StringNotEquals", "StringNotLike"] {
        assert!(when(operator, "s3:prefix", tag.clone()).with("s3:prefix", "a").allowed());
    }
    assert!(when("StringLike", "s3:prefix", json!(["${aws:PrincipalTag/T}", "a"])).with("s3:prefix", "a").allowed());
}

/// 6 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>: "this might cause the entire
/// statement to be invalid"
#[test]
fn a_refusal_with_a_variable_without_value_may_not_apply() {
    let needs = ["a statement with a variable that has no value"];
    let tag = "${aws:PrincipalTag/T}";
    let prefix = |operator, values| under("Deny", operator, "s3:prefix", values).with("s3:prefix", "a");
    assert_eq!(prefix("StringNotLike", json!(tag)).only_under(), needs);
    assert_eq!(prefix("StringLike", json!([tag, "a"])).only_under(), needs);
    let variable = "arn:aws:s3:::data/${aws:PrincipalTag/T}/*";
    assert_eq!(resource("Deny", "NotResource", variable, OBJECT).only_under(), needs);
}

/// 7 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn a_default_replaces_a_missing_value() {
    let pattern = "arn:aws:s3:::data/${aws:PrincipalTag/T, 't-1'}/*";
    assert!(resource("Allow", "Resource", pattern, OBJECT).allowed());
    assert!(!resource("Allow", "Resource", pattern, OBJECT).with("aws:PrincipalTag/T", "t-2").allowed());
    let empty = resource("Allow", "Resource", pattern, OBJECT).with("aws:PrincipalTag/T", "");
    assert_eq!(empty.only_under(), ["an empty value of a variable"]);
}

/// 8 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>
#[test]
fn names_of_keys_ignore_case_and_values_do_not() {
    let asked = |value: &str| {
        when("StringEquals", "AWS:principaltag/tenantid", json!("t-a")).with("aws:PrincipalTag/TenantId", value)
    };
    assert!(asked("t-a").allowed());
    assert!(!asked("t-A").allowed());
    let pattern = "arn:aws:s3:::data/${AWS:PRINCIPALTAG/t}/*";
    assert!(resource("Allow", "Resource", pattern, OBJECT).with("aws:PrincipalTag/T", "t-1").allowed());
}

/// 9 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_String>
#[test]
fn equality_takes_wildcards_for_characters() {
    assert!(!when("StringEquals", "s3:prefix", json!("a*")).with("s3:prefix", "ab").allowed());
    assert!(when("StringEquals", "s3:prefix", json!("a*")).with("s3:prefix", "a*").allowed());
    assert!(when("StringLike", "s3:prefix", json!("a*")).with("s3:prefix", "ab").allowed());
    assert!(when("StringNotEquals", "s3:prefix", json!("a*")).with("s3:prefix", "ab").allowed());
    assert!(!when("StringNotLike", "s3:prefix", json!("a*")).with("s3:prefix", "ab").allowed());
}

/// 9 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_String>
#[test]
fn ignoring_case_makes_two_tenants_one() {
    let same = |operator| when(operator, "s3:prefix", json!("${aws:PrincipalTag/T}")).with("aws:PrincipalTag/T", "T-a");
    assert!(same("StringEqualsIgnoreCase").with("s3:prefix", "t-A").allowed());
    assert!(!same("StringNotEqualsIgnoreCase").with("s3:prefix", "t-A").allowed());
    assert!(!same("StringEquals").with("s3:prefix", "t-A").allowed());
}

/// 10 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>
#[test]
fn arns_are_compared_part_by_part() {
    for operator in ["ArnLike", "ArnEquals"] {
        let asked = |pattern: &str| {
            when(operator, "aws:SourceArn", json!(pattern))
                .with("aws:SourceArn", "arn:aws:sns:eu-central-1:111111111111:news:x")
        };
        assert!(asked("arn:aws:sns:*:*:news:*").allowed());
        assert!(asked("arn:aws:sns:eu-central-?:111111111111:n*x").allowed());
        assert!(!asked("arn:aws:sns:*1:news:x").allowed());
        assert!(!asked("arn:aws:SNS:*:*:*").allowed());
        assert_eq!(asked("arn:aws:sns:*").only_under(), ["an ARN operator on a pattern without six parts"]);
    }
    for operator in ["ArnNotLike", "ArnNotEquals"] {
        let asked = |pattern: &str| {
            when(operator, "aws:SourceArn", json!(pattern))
                .with("aws:SourceArn", "arn:aws:sns:eu-central-1:111111111111:news")
        };
        assert!(!asked("arn:aws:sns:*:*:news").allowed());
        assert!(asked("arn:aws:sns:*:*:old").allowed());
    }
}

/// 11 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists>
#[test]
fn if_exists_holds_without_the_key() {
    for operator in ["StringEquals", "StringLike", "ArnLike", "Bool"] {
        assert!(!when(operator, "aws:PrincipalTag/T", json!("true")).allowed());
        assert!(when(&format!("{operator}IfExists"), "aws:PrincipalTag/T", json!("true")).allowed());
    }
    assert!(!when("StringEqualsIfExists", "aws:PrincipalTag/T", json!("a")).with("aws:PrincipalTag/T", "b").allowed());
}

/// 12 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
#[test]
fn negations_hold_without_the_key() {
    for operator in ["StringNotEquals", "StringNotLike", "ArnNotEquals", "StringNotEqualsIgnoreCase"] {
        assert!(when(operator, "aws:PrincipalTag/T", json!("arn:aws:a:b:c:d")).allowed());
        assert!(when(&format!("{operator}IfExists"), "aws:PrincipalTag/T", json!("arn:aws:a:b:c:d")).allowed());
    }
}

/// 13 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Null>
#[test]
fn null_asks_for_presence_and_an_empty_text_is_present() {
    assert!(when("Null", "aws:PrincipalTag/T", json!("true")).allowed());
    assert!(!when("Null", "aws:PrincipalTag/T", json!(false)).allowed());
    assert!(when("Null", "aws:PrincipalTag/T", json!("false")).with("aws:PrincipalTag/T", "").allowed());
    assert!(!when("Null", "aws:PrincipalTag/T", json!("true")).with("aws:PrincipalTag/T", "").allowed());
    assert!(when("Null", "aws:TagKeys", json!("true")).with("aws:TagKeys", []).allowed());
}

/// 14 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Boolean>
#[test]
fn truth_values_ignore_case() {
    assert!(when("Bool", "aws:SecureTransport", json!("TRUE")).with("aws:SecureTransport", "true").allowed());
    assert!(when("Bool", "aws:SecureTransport", json!(false)).with("aws:SecureTransport", "False").allowed());
    assert!(!when("Bool", "aws:SecureTransport", json!("true")).with("aws:SecureTransport", "false").allowed());
}

/// 15 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
#[test]
fn values_are_or_and_keys_are_and() {
    assert!(when("StringEquals", "s3:prefix", json!(["a", "b"])).with("s3:prefix", "b").allowed());
    assert!(!when("StringNotEquals", "s3:prefix", json!(["a", "b"])).with("s3:prefix", "b").allowed());
    assert!(when("StringNotEquals", "s3:prefix", json!(["a", "b"])).with("s3:prefix", "c").allowed());
    let both = || {
        case("s3:GetObject", OBJECT).identity(json!({ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
            "StringEquals": { "s3:prefix": "a", "s3:delimiter": "/" }, "Bool": { "aws:SecureTransport": "true" } } }))
    };
    let full = both().with("s3:prefix", "a").with("s3:delimiter", "/").with("aws:SecureTransport", "true");
    assert!(full.allowed());
    assert!(!full.clone().with("s3:delimiter", "-").allowed());
    assert!(!full.clone().with("aws:SecureTransport", "false").allowed());
}

/// 16 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[test]
fn for_all_values_holds_without_values() {
    let asked = || when("ForAllValues:StringEquals", "aws:TagKeys", json!(["a", "b"]));
    assert!(asked().allowed());
    assert!(asked().with("aws:TagKeys", []).allowed());
    assert!(asked().with("aws:TagKeys", "").allowed());
    assert!(asked().with("aws:TagKeys", ["a"]).allowed());
    assert!(!asked().with("aws:TagKeys", ["a", "c"]).allowed());
    let refusal = under("Deny", "ForAllValues:StringEquals", "aws:TagKeys", json!("a"));
    assert_eq!(refusal.with("aws:TagKeys", "").only_under(), ["a set operator on an empty text"]);
}

/// 17 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[test]
fn for_any_value_fails_without_values() {
    for operator in ["ForAnyValue:StringEquals", "ForAnyValue:StringNotEquals"] {
        assert!(!when(operator, "aws:TagKeys", json!("a")).allowed());
        assert!(!when(operator, "aws:TagKeys", json!("a")).with("aws:TagKeys", []).allowed());
    }
    assert!(when("ForAnyValue:StringEquals", "aws:TagKeys", json!("a")).with("aws:TagKeys", ["b", "a"]).allowed());
    assert!(when("ForAnyValue:StringNotEquals", "aws:TagKeys", json!("a")).with("aws:TagKeys", ["b", "a"]).allowed());
    assert!(!when("ForAnyValue:StringNotEquals", "aws:TagKeys", json!("a")).with("aws:TagKeys", ["a"]).allowed());
    let both = when("ForAnyValue:StringEqualsIfExists", "aws:TagKeys", json!("a"));
    assert_eq!(both.only_under(), ["`ForAnyValue` with `IfExists` without the key"]);
}

/// 18 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[test]
fn an_operator_for_one_value_says_nothing_about_many() {
    let needs = ["an operator for one value on a key with many"];
    for operator in ["StringEquals", "StringNotEquals"] {
        assert_eq!(when(operator, "aws:TagKeys", json!("a")).with("aws:TagKeys", ["a", "b"]).only_under(), needs);
        let refusal = under("Deny", operator, "aws:TagKeys", json!("a")).with("aws:TagKeys", ["a", "b"]);
        assert!(refusal.allowed());
    }
}

/// 19 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[test]
fn for_all_values_negated_keeps_every_value_out() {
    let asked = || when("ForAllValues:StringNotLike", "aws:TagKeys", json!(["T*", "U"]));
    assert!(asked().with("aws:TagKeys", ["a", "b"]).allowed());
    assert!(!asked().with("aws:TagKeys", ["a", "Tenant"]).allowed());
    assert!(asked().allowed());
}

/// 20 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Numeric>
#[test]
fn numbers_dates_and_addresses_are_compared_and_not_relied_on() {
    let needs = ["a condition on numbers, dates, addresses or bytes"];
    for (operator, key, written, fits, misses) in [
        ("NumericLessThan", "s3:max-keys", "10", "9", "10"),
        ("NumericLessThanEquals", "s3:max-keys", "10", "10.0", "11"),
        ("NumericGreaterThan", "s3:max-keys", "10", "10.5", "9"),
        ("NumericGreaterThanEquals", "s3:max-keys", "10", "10", "9.9"),
        ("NumericEquals", "s3:max-keys", "10", "10.0", "x"),
        ("NumericNotEquals", "s3:max-keys", "10", "11", "10"),
        ("DateLessThan", "aws:CurrentTime", "2026-03-01T00:00:00Z", "2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z"),
        ("DateGreaterThan", "aws:CurrentTime", "1970-01-02", "86401", "86400"),
        ("DateEquals", "aws:CurrentTime", "2000-02-29T12:00:00Z", "951825600", "951825601"),
        ("IpAddress", "aws:SourceIp", "10.1.0.0/16", "10.1.255.1", "10.2.0.1"),
        ("IpAddress", "aws:SourceIp", "2001:db8::/32", "2001:db8:1::1", "10.1.0.1"),
        ("NotIpAddress", "aws:SourceIp", "10.1.0.0/16", "10.2.0.1", "10.1.0.1"),
        ("BinaryEquals", "kms:X", "QmFy", "QmFy", "QmFz"),
    ] {
        assert!(when(operator, key, json!(written)).with(key, fits).documented().is_allowed(), "{operator} {fits}");
        assert_eq!(when(operator, key, json!(written)).with(key, misses).only_under(), needs, "{operator} {misses}");
        assert_eq!(under("Deny", operator, key, json!(written)).with(key, fits).only_under(), needs);
    }
}

/// 21 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html>
#[test]
fn not_action_and_not_resource_grant_everything_else() {
    let asked = |action: &str| {
        case(action, OBJECT).identity(json!({ "Effect": "Allow", "NotAction": "s3:*", "Resource": "*" }))
    };
    assert!(!asked("s3:GetObject").allowed());
    assert!(asked("s4:ActionOfNextYear").allowed());
    assert!(!resource("Allow", "NotResource", "arn:aws:s3:::data/*", OBJECT).allowed());
    assert!(resource("Allow", "NotResource", "arn:aws:s3:::other/*", OBJECT).allowed());
    assert!(!resource("Deny", "NotResource", "arn:aws:s3:::other/*", OBJECT).allowed());
}

/// 22 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
#[test]
fn not_principal_leaves_out_whom_it_lists_wholly() {
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let asked = |listed: Value| {
        let mut asked =
            case("s3:GetObject", OBJECT).identity(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
        asked.resource = Some(named(
            "bucket",
            json!({ "Effect": "Deny", "NotPrincipal": { "AWS": listed }, "Action": "*", "Resource": "*" }),
        ));
        asked
    };
    assert!(asked(json!([root, ROLE, SESSION])).allowed());
    assert_eq!(asked(json!([ROLE])).only_under(), ["`NotPrincipal` that names a caller in part"]);
    assert!(!asked(json!(["arn:aws:iam::111111111111:role/Other"])).allowed());
    // With `Allow` it grants to everybody else, without credentials too.
    let mut open = case("s3:GetObject", OBJECT);
    open.request.principal = Caller::Anonymous;
    open.resource = Some(named(
        "bucket",
        json!({ "Effect": "Allow", "NotPrincipal": { "AWS": ROLE }, "Action": "*", "Resource": "*" }),
    ));
    assert!(open.allowed());
}

/// 23 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
#[test]
fn a_star_is_everybody() {
    for everybody in [json!("*"), json!({ "AWS": "*" })] {
        for caller in [Caller::Anonymous, session_of(ACCOUNT), Caller::Service("sns.amazonaws.com".to_owned())] {
            let mut asked = case("s3:GetObject", OBJECT);
            asked.request.principal = caller;
            asked.resource = Some(named(
                "bucket",
                json!({ "Effect": "Allow", "Principal": everybody, "Action": "*", "Resource": "*" }),
            ));
            assert!(asked.allowed());
        }
    }
}

/// 24 — <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
#[test]
fn an_account_passes_on_and_does_not_grant() {
    for account in ["arn:aws:iam::111111111111:root", ACCOUNT] {
        let mut asked = case("s3:GetObject", OBJECT);
        asked.resource = Some(named(
            "bucket",
            json!({ "Effect": "Allow", "Principal": { "AWS": account }, "Action": "*", "Resource": "*" }),
        ));
        assert!(!asked.allowed());
        assert!(asked.clone().identity(json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" })).allowed());
        asked.request.principal = Caller::Root { account: ACCOUNT.to_owned() };
        assert!(asked.allowed());
    }
}
