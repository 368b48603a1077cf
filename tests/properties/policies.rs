//! No policy reaches from one tenant to another. Every statement of every emitted policy is walked, with expressions
//! worked out here; what may hold a wildcard is listed, and everything else is a failure.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::expression::{Values, shown};
use super::product::products;
use super::support::Run;

/// Who a pattern may belong to: the tenant of the session, or the tenant of the stack.
const TENANTS: [&str; 2] = ["${aws:PrincipalTag/TenantId}", "<TenantId>"];

/// A statement and where it stands.
struct Statement<'a> {
    what: String,
    /// Whether the stack is shared by tenants.
    pooled: bool,
    type_name: &'a str,
    json: &'a Json,
}

/// Hands over every statement of every policy.
fn for_each_statement(mut visit: impl FnMut(&Statement<'_>)) {
    let mut seen = 0;
    for product in products() {
        let assembled = product.assembled(Run::default());
        for (path, template) in assembled.templates() {
            for (id, resource) in template["Resources"].as_object().unwrap() {
                let type_name = resource["Type"].as_str().unwrap();
                statements(&resource["Properties"], &mut |json| {
                    seen += 1;
                    let what = format!("{} {path} {id}: {json:#}", product.name);
                    visit(&Statement { what, pooled: path.contains("-cell."), type_name, json });
                });
            }
        }
    }
    assert!(seen > 300, "{seen} statements");
}

/// An endpoint's policy grants nothing: it lets through what is allowed elsewhere. Within its own account it may let
/// through everything.
fn is_own_endpoint(statement: &Statement<'_>) -> bool {
    let account = || vec!["<AWS::AccountId>".to_owned()];
    let conditions = conditions(statement.json);
    statement.type_name == "AWS::EC2::VPCEndpoint"
        && conditions.get("StringEquals aws:PrincipalAccount") == Some(&account())
        && conditions.get("StringEquals aws:ResourceAccount") == Some(&account())
}

/// Whatever looks like a statement, however deep it stands.
fn statements<'a>(value: &'a Json, visit: &mut dyn FnMut(&'a Json)) {
    match value {
        Json::Object(entries) => {
            if entries.contains_key("Effect") {
                visit(value);
            }
            entries.values().for_each(|inner| statements(inner, visit));
        }
        Json::Array(items) => items.iter().for_each(|inner| statements(inner, visit)),
        _ => {}
    }
}

/// The texts of a statement's element, which may be one or many.
fn texts(value: Option<&Json>) -> Vec<String> {
    let one = |value: &Json| shown(value, &Values::new()).unwrap_or_else(|| panic!("what is {value}?"));
    match value {
        None => Vec::new(),
        Some(Json::Array(items)) => items.iter().map(one).collect(),
        Some(value) => vec![one(value)],
    }
}

fn allows(statement: &Statement<'_>) -> bool {
    statement.json["Effect"] == "Allow"
}

/// The conditions of a statement as `operator key` with their values.
fn conditions(statement: &Json) -> BTreeMap<String, Vec<String>> {
    let mut conditions = BTreeMap::new();
    for (operator, tests) in statement.get("Condition").and_then(Json::as_object).into_iter().flatten() {
        for (key, values) in tests.as_object().unwrap() {
            conditions.insert(format!("{operator} {key}"), texts(Some(values)));
        }
    }
    conditions
}

/// Whether a text is an expression for one resource: `<Id>` or `<Id.Arn>`.
fn is_one_reference(text: &str) -> bool {
    text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).is_some_and(|inside| !inside.contains(['<', '>']))
}

/// Why a resource with a wildcard cannot span tenants; nothing if it can.
fn reason(resource: &str, statement: &Statement<'_>) -> Option<&'static str> {
    let actions = texts(statement.json.get("Action"));
    if resource == "*" {
        let of_its_own = statement.type_name == "AWS::KMS::Key";
        let interfaces = [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ];
        let known = |action: &String| interfaces.contains(&action.as_str());
        return if is_own_endpoint(statement) {
            Some("an endpoint lets through what is allowed elsewhere in its account")
        } else if of_its_own {
            Some("the policy of a key is about that key")
        } else if actions.iter().all(known) {
            Some("interfaces of a function in a network have no name beforehand")
        } else {
            None
        };
    }
    let before = resource.split(['*', '?']).next().unwrap();
    if let Some(tenant) = TENANTS.iter().find_map(|tenant| before.rfind(tenant).map(|at| &before[at + tenant.len()..]))
    {
        // The character after the id is none that an id can hold.
        return tenant.starts_with(['/', '#', ':']).then_some("the tenant stands before the wildcard");
    }
    if let Some(table) = resource.strip_suffix("/index/*") {
        return is_one_reference(table).then_some("the indexes of one table");
    }
    if let Some(group) = resource.strip_suffix(":*") {
        let start = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:";
        return group.strip_prefix(start).is_some_and(is_one_reference).then_some("the streams of one log group");
    }
    let own = resource.strip_suffix("/*").is_some_and(is_one_reference);
    (own && !statement.pooled).then_some("the objects of a bucket that one tenant has to itself")
}

#[test]
fn no_resource_pattern_spans_tenants() {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for_each_statement(|statement| {
        if !allows(statement) {
            return;
        }
        for element in ["NotAction", "NotResource", "NotPrincipal"] {
            assert!(statement.json.get(element).is_none(), "an Allow with {element}: {}", statement.what);
        }
        for resource in texts(statement.json.get("Resource")) {
            if resource.contains(['*', '?']) {
                let reason = reason(&resource, statement);
                assert!(reason.is_some(), "`{resource}` may span tenants: {}", statement.what);
                *reasons.entry(reason.unwrap()).or_default() += 1;
            }
        }
    });
    // Every reason is used: one that is not is a hole waiting for something to fall through.
    let reasons: Vec<&str> = reasons.into_keys().collect();
    assert_eq!(
        reasons,
        [
            "an endpoint lets through what is allowed elsewhere in its account",
            "interfaces of a function in a network have no name beforehand",
            "the indexes of one table",
            "the objects of a bucket that one tenant has to itself",
            "the policy of a key is about that key",
            "the streams of one log group",
            "the tenant stands before the wildcard",
        ]
    );
}

#[test]
fn no_action_has_a_wildcard_but_those_of_a_keys_own_account() {
    for_each_statement(|statement| {
        for action in texts(statement.json.get("Action")).iter().filter(|_| allows(statement)) {
            let root =
                || texts(statement.json["Principal"].get("AWS")) == ["arn:<AWS::Partition>:iam::<AWS::AccountId>:root"];
            let own = action == "kms:*" && statement.type_name == "AWS::KMS::Key" && root();
            assert!(!action.contains('*') || own || is_own_endpoint(statement), "{}", statement.what);
        }
    });
}

#[test]
fn nobody_unnamed_is_let_in() {
    for_each_statement(|statement| {
        let Some(principal) = statement.json.get("Principal").filter(|_| allows(statement)) else { return };
        if is_own_endpoint(statement) {
            return;
        }
        assert_ne!(principal, &json!("*"), "{}", statement.what);
        for principals in principal.as_object().unwrap().values() {
            assert!(texts(Some(principals)).iter().all(|text| !text.contains('*')), "{}", statement.what);
        }
    });
}

/// The pattern of an id's length is the only one that a condition of an Allow has without a tenant in it.
#[test]
fn no_condition_spans_tenants() {
    for_each_statement(|statement| {
        if !allows(statement) {
            return;
        }
        for (test, values) in conditions(statement.json) {
            for value in values.iter().filter(|value| test.contains("Like") && value.contains(['*', '?'])) {
                let of_tenant = TENANTS
                    .iter()
                    .any(|tenant| value.strip_prefix(tenant).is_some_and(|rest| rest.starts_with(['/', '#', ':'])));
                let any_id = test.ends_with(" aws:RequestTag/TenantId") && value.trim_start_matches('?') == "*";
                assert!(of_tenant || any_id, "`{value}`: {}", statement.what);
            }
        }
    });
}

#[test]
fn every_shared_table_is_reached_by_tenant_only() {
    let mut reached = 0;
    for_each_statement(|statement| {
        let actions = texts(statement.json.get("Action"));
        if !allows(statement) || !actions.iter().any(|action| action.starts_with("dynamodb:")) {
            return;
        }
        if !statement.pooled {
            return;
        }
        reached += 1;
        assert!(
            actions.iter().all(|action| !action.contains("Scan") && !action.contains("PartiQL")),
            "{}",
            statement.what
        );
        let conditions = conditions(statement.json);
        assert_eq!(
            conditions.get("Null dynamodb:LeadingKeys"),
            Some(&vec!["false".to_owned()]),
            "without keys the other condition is true: {}",
            statement.what
        );
        let keys: Vec<&Vec<String>> = conditions
            .iter()
            .filter(|(test, _)| test.starts_with("ForAllValues:") && test.ends_with(" dynamodb:LeadingKeys"))
            .map(|(_, values)| values)
            .collect();
        let [keys] = keys.as_slice() else { panic!("{}", statement.what) };
        let session = "${aws:PrincipalTag/TenantId}";
        assert!(keys.iter().all(|key| key == session || *key == format!("{session}#*")), "{}", statement.what);
    });
    assert!(reached > 10, "{reached} statements");
}

/// A session tag is believed by whoever lets the session in, so only one tag can be given, and it must be there.
#[test]
fn sessions_carry_one_tenant() {
    let mut tagged = 0;
    for_each_statement(|statement| {
        let actions = texts(statement.json.get("Action"));
        if !allows(statement)
            || statement.json.get("Principal").is_none()
            || !actions.contains(&"sts:TagSession".to_owned())
        {
            return;
        }
        tagged += 1;
        let conditions = conditions(statement.json);
        assert_eq!(conditions["ForAllValues:StringEquals aws:TagKeys"], ["TenantId"], "{}", statement.what);
        assert_eq!(conditions["Null aws:RequestTag/TenantId"], ["false"], "{}", statement.what);
    });
    assert!(tagged > 5, "{tagged} trust policies");
}
