use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cfn::policy::Operator;
use crate::cfn::policy::place::{ResourceControl, ServiceControl};
use crate::model::Region;
use crate::model::guardrail::{
    DataPerimeter, Exemptions, Guardrail, OrganizationId, ProtectAudit, ProtectTags, Regions, Services, TagKey,
};
use crate::render::guardrails::{Lowered, lower};

type Scp = Statement<ServiceControl>;

fn limit(value: u64) -> Limit {
    Limit {
        value,
        unit: "characters".to_owned(),
        adjustable: false,
        note: None,
        source: "test".to_owned(),
        date: "2026-05-15".to_owned(),
    }
}

pub(crate) fn budget(size: u64, slots: u64) -> Budget {
    Budget { size: limit(size), per_target: limit(slots), reserved: 0 }
}

fn group(name: &str, statements: Vec<Scp>) -> Group<ServiceControl> {
    Group { name: name.to_owned(), statements }
}

fn documents<P>(packing: &Packing<P>) -> Vec<&str> {
    packing.documents.iter().map(|document| document.json.as_str()).collect()
}

// A matcher for requests, as simple as can be: what packing must not change.

#[derive(Debug, Clone)]
struct Request {
    action: String,
    resource: String,
    context: BTreeMap<String, String>,
}

fn glob(pattern: &str, text: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            glob(&pattern[1..], text)
                || text.chars().next().is_some_and(|first| glob(pattern, &text[first.len_utf8()..]))
        }
        (Some('?'), Some(_)) => glob(&pattern[1..], &text[1..]),
        (Some(expected), Some(found)) => expected == found && glob(&pattern[1..], &text[1..]),
        _ => false,
    }
}

fn any(value: &Value, matches: impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| matches(item.as_str().unwrap())),
        one => matches(one.as_str().unwrap()),
    }
}

fn denies(statement: &Value, request: &Request) -> bool {
    let action = |pattern: &str| glob(&pattern.to_lowercase(), &request.action.to_lowercase());
    let resource = |pattern: &str| glob(pattern, &request.resource);
    let acts = statement.get("Action").is_some_and(|list| any(list, action))
        || statement.get("NotAction").is_some_and(|list| !any(list, action));
    let about = statement.get("Resource").is_some_and(|list| any(list, resource))
        || statement.get("NotResource").is_some_and(|list| !any(list, resource));
    let empty = json!({});
    let conditions = statement.get("Condition").unwrap_or(&empty).as_object().unwrap();
    let holds = conditions.iter().all(|(operator, keys)| {
        keys.as_object().unwrap().iter().all(|(key, values)| {
            let found = request.context.get(key);
            match operator.as_str() {
                "StringEquals" => found.is_some_and(|found| any(values, |value| value == found)),
                "StringNotEquals" => !found.is_some_and(|found| any(values, |value| value == found)),
                "ArnNotLike" => !found.is_some_and(|found| any(values, |value| glob(value, found))),
                "Null" => any(values, |value| (value == "true") == found.is_none()),
                other => panic!("the matcher does not know {other}"),
            }
        })
    });
    statement["Effect"] == "Deny" && acts && about && holds
}

fn denied(statements: &[Value], request: &Request) -> bool {
    statements.iter().any(|statement| denies(statement, request))
}

// Random statements over a small world, so that they overlap often.

fn actions() -> impl Strategy<Value = Vec<String>> {
    let one = prop::sample::select(vec![
        "*",
        "a:*",
        "a:Get*",
        "a:GetItem",
        "a:getitem",
        "a:GetItems",
        "a:PutItem",
        "a:*Item",
        "a:Get?tem",
        "b:*",
        "b:Put",
        "b:P*",
    ]);
    prop::collection::vec(one.prop_map(str::to_owned), 1..5)
}

fn resources() -> impl Strategy<Value = Vec<String>> {
    let one = prop::sample::select(vec![
        "*",
        "arn:*:a:::x",
        "arn:aws:a:::x",
        "arn:aws:a:::x*",
        "arn:aws:a:::xy",
        "arn:*:a:::x*",
        "arn:aws:a:::x/y:z",
        "arn:aws:a:::x?",
        "arn:aws:b:*:*:x",
        "arn:aws:b:eu:1:x",
        "arn:aws:a:::${v}/x",
        "arn:aws:a:::????/x",
    ]);
    prop::collection::vec(one.prop_map(str::to_owned), 1..4)
}

fn statement() -> impl Strategy<Value = Scp> {
    let sid = prop::sample::select(vec!["One", "Two", "Three"]);
    (0..3_u8, actions(), resources(), 0..16_u8, sid).prop_map(|(kind, actions, resources, bits, sid)| {
        let statement = match kind {
            0 => Scp::deny_all_but(actions),
            1 => Scp::deny_elsewhere(actions, resources),
            _ => Scp::deny(actions, resources),
        };
        let mut statement = statement.sid(sid);
        if bits & 1 != 0 {
            statement = statement.when(Operator::ArnNotLike, "p", ["r*"]);
        }
        if bits & 2 != 0 {
            statement = statement.when(Operator::StringNotEquals, "q", ["eu", "us"]);
        }
        if bits & 12 == 12 {
            statement = statement.when(Operator::Null, "t", ["true"]);
        }
        statement
    })
}

pub(crate) fn some_groups() -> impl Strategy<Value = Vec<Group<ServiceControl>>> {
    prop::collection::vec(prop::collection::vec(statement(), 1..4), 1..6).prop_map(|groups| {
        groups.into_iter().zip('a'..).map(|(statements, name)| group(&name.to_string(), statements)).collect()
    })
}

fn request() -> impl Strategy<Value = Request> {
    let action =
        prop::sample::select(vec!["a:GetItem", "a:GetItems", "a:Get", "a:PutItem", "a:X", "b:Put", "b:Pull", "c:X"]);
    let resource = prop::sample::select(vec![
        "arn:aws:a:::x",
        "arn:aws:a:::xy",
        "arn:aws:a:::xyz",
        "arn:aws:a:::x/y:z",
        "arn:cn:a:::x",
        "arn:aws:b:eu:1:x",
        "arn:aws:a:::${v}/x",
        "arn:aws:a:::abcd/x",
        "*",
    ]);
    let value = |values: Vec<&'static str>| prop::option::of(prop::sample::select(values));
    (action, resource, value(vec!["role", "user"]), value(vec!["eu", "ap"]), value(vec!["t"])).prop_map(
        |(action, resource, p, q, t)| {
            let context = [("p", p), ("q", q), ("t", t)];
            Request {
                action: action.to_owned(),
                resource: resource.to_owned(),
                context: context
                    .into_iter()
                    .filter_map(|(key, value)| value.map(|value| (key.to_owned(), value.to_owned())))
                    .collect(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packing_changes_no_answer(
        groups in some_groups(),
        requests in prop::collection::vec(request(), 40),
        size in 150_u64..900,
    ) {
        let before: Vec<Value> =
            groups.iter().flat_map(|group| &group.statements).map(|one| serde_json::to_value(one).unwrap()).collect();
        let Ok(packing) = pack(groups, budget(size, 40)) else { return Ok(()) };
        let after: Vec<Value> = packing
            .documents
            .iter()
            .flat_map(|document| document.content["Statement"].as_array().unwrap().clone())
            .collect();
        for request in &requests {
            prop_assert_eq!(denied(&before, request), denied(&after, request), "{:?}", request);
        }
        for document in &packing.documents {
            prop_assert!(document.size() <= usize::try_from(size).unwrap());
        }
    }

    #[test]
    fn packing_does_not_depend_on_the_order(groups in some_groups(), size in 150_u64..900) {
        let mut backwards = groups.clone();
        backwards.reverse();
        for group in &mut backwards {
            group.statements.reverse();
        }
        let (forwards, backwards) = (pack(groups, budget(size, 9)), pack(backwards, budget(size, 9)));
        prop_assert_eq!(forwards.map(|packing| packing.documents), backwards.map(|packing| packing.documents));
    }

    #[test]
    fn what_covers_matches_more(pattern in "[ab*?]{0,6}", item in "[ab*?]{0,6}", text in "[ab]{0,6}") {
        if covers(pattern.as_bytes(), item.as_bytes()) && glob(&item, &text) {
            prop_assert!(glob(&pattern, &text), "{} covers {} but not {}", pattern, item, text);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_stays_small(sizes in prop::collection::vec(3_usize..30, 6..30), which in 0_usize..30) {
        let edited = which % sizes.len();
        let groups = |extra: bool| -> Vec<Group<ServiceControl>> {
            let actions = |index: usize, count: usize| (0..count).map(move |at| format!("s{index}:Action{at}"));
            sizes
                .iter()
                .enumerate()
                .map(|(index, size)| {
                    let count = size + usize::from(extra && index == edited);
                    group(&format!("guardrail-{index}"), vec![Scp::deny(actions(index, count), ["*"])])
                })
                .collect()
        };
        let before = pack(groups(false), budget(2_000, 9)).unwrap();
        let after = pack(groups(true), budget(2_000, 9)).unwrap();
        let (old, new) = (documents(&before), documents(&after));
        let changed = old.iter().zip(&new).filter(|(old, new)| old != new).count();
        // While every group has room at its home, an edit stays in one document. Beyond that capacity decides.
        let room = Room { limit: 2_000, naming: Naming::Kept };
        let settled = |groups: Vec<Group<ServiceControl>>| {
            (0..old.len()).all(|index| {
                let at_home = groups.iter().filter(|group| preferred(&group.name, old.len())[0] == index);
                room.fits(&at_home.flat_map(|group| group.statements.clone()).collect::<Vec<_>>())
            })
        };
        if old.len() == new.len() && settled(groups(false)) && settled(groups(true)) {
            prop_assert_eq!(changed, 1);
        }
    }
}

// What a real tier needs.

pub(crate) fn typical_tier() -> Lowered {
    let key = |text| TagKey::new(text).unwrap();
    let region = |text| Region::new(text).unwrap();
    let guardrails = [
        Guardrail::Regions(Regions::new([region("eu-west-1"), region("eu-central-1")], []).unwrap()),
        Guardrail::Services(Services::new(Some("serverless_only".to_owned()), []).unwrap()),
        Guardrail::DenyLeaveOrganization,
        Guardrail::DenyRoot,
        Guardrail::DenyIamUsers,
        Guardrail::DenyPublicSharing,
        Guardrail::ProtectAudit(ProtectAudit::default()),
        Guardrail::ProtectTags(ProtectTags::new([key("TenantId"), key("Tier")], [key("TenantId")]).unwrap()),
        Guardrail::LegalHold,
        Guardrail::DataPerimeter(DataPerimeter {
            organization: OrganizationId::new("o-a1b2c3d4e5").unwrap(),
            trusted_accounts: BTreeSet::new(),
        }),
    ];
    lower(&guardrails, &Exemptions::default(), &Facts::shipped().unwrap()).unwrap()
}

#[test]
fn a_typical_tier_takes_two_policies_of_each_ten() {
    let facts = Facts::shipped().unwrap();
    let budget = Budget::service_control(&facts).unwrap();
    assert_eq!(budget.slots(), 9);
    let alone = |group: &Group<ServiceControl>| pack(vec![group.clone()], budget.clone()).unwrap().documents[0].size();
    let tier = typical_tier();
    let report: Vec<(&str, usize)> =
        tier.service_control.iter().map(|group| (group.name.as_str(), alone(group))).collect();
    assert_eq!(
        report,
        [
            ("deny-iam-users", 409),
            ("deny-leave-organization", 144),
            ("deny-public-sharing", 2791),
            ("deny-root", 200),
            ("exempt-roles", 884),
            ("legal-hold", 1593),
            ("protect-audit", 1324),
            ("protect-tags", 4289),
            ("regions", 3065),
            ("services", 1731),
        ]
    );
    let packing = pack(tier.service_control, budget.clone()).unwrap();
    let sizes: Vec<usize> = packing.documents.iter().map(Document::size).collect();
    assert_eq!(sizes, [8430, 6481]);
    assert_eq!(packing.slots_used(), 3);
    assert_eq!(packing.numbers_of("regions").len(), 1);

    let budget = Budget::resource_control(&facts).unwrap();
    let packing: Packing<ResourceControl> = pack(tier.resource_control, budget).unwrap();
    assert_eq!(packing.documents.len(), 1);
    assert_eq!(packing.documents[0].size(), 907);
}

#[test]
fn one_more_action_in_a_real_guardrail_changes_one_policy() {
    let facts = Facts::shipped().unwrap();
    let budget = Budget::service_control(&facts).unwrap();
    let tier = typical_tier().service_control;
    let before = pack(tier.clone(), budget.clone()).unwrap();
    for index in 0..tier.len() {
        let mut edited = tier.clone();
        let statement = edited[index].statements[0].clone();
        let actions = statement.actions().or_else(|| statement.not_actions()).unwrap();
        let more = actions.iter().cloned().chain(["newservice:NewAction".to_owned()]).collect();
        edited[index].statements[0] = statement.with_actions(more);
        let after = pack(edited, budget.clone()).unwrap();
        let changed = documents(&before).iter().zip(documents(&after)).filter(|(old, new)| **old != *new).count();
        // `deny-root` denies everything already: one more action is none.
        let expected = usize::from(tier[index].name != "deny-root");
        assert_eq!((before.documents.len(), changed), (after.documents.len(), expected), "{}", tier[index].name);
    }
}

#[test]
fn statements_that_differ_in_actions_alone_become_one() {
    let packing = pack(
        vec![
            group("b", vec![Scp::deny(["b:Put", "b:P*"], ["*"]).sid("B")]),
            group("a", vec![Scp::deny(["a:Get"], ["*"]).sid("A"), Scp::deny(["a:Get"], ["x"]).sid("A")]),
        ],
        budget(1_000, 1),
    )
    .unwrap();
    assert_eq!(
        documents(&packing),
        [
            r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Deny","Action":"a:Get","Resource":"x"},{"Sid":"AAndB","Effect":"Deny","Action":["a:Get","b:P*"],"Resource":"*"}]}"#
        ]
    );
    assert_eq!(packing.documents[0].guardrails, ["a".to_owned(), "b".to_owned()].into());
}

#[test]
fn a_list_of_actions_is_divided_and_a_list_of_exceptions_is_not() {
    let many: Vec<String> = (0..100).map(|at| format!("service:Action{at:03}")).collect();
    let packing =
        pack(vec![group("long", vec![Scp::deny(many.clone(), ["*"]).sid("Long")])], budget(1_000, 9)).unwrap();
    assert!(packing.documents.len() >= 3);
    assert_eq!(packing.numbers_of("long").len(), packing.documents.len());
    let mut found: Vec<String> = packing
        .documents
        .iter()
        .flat_map(|document| document.policy.statements())
        .flat_map(|statement| statement.actions().unwrap().to_vec())
        .collect();
    found.sort();
    assert_eq!(found, many);

    let error = pack(vec![group("exceptions", vec![Scp::deny_all_but(many)])], budget(1_000, 9)).unwrap_err();
    let finding = error.diagnostic(Origin::Derived);
    assert_eq!(finding.code.name, "guardrail/too-large");
    assert_eq!(
        finding.message,
        "the guardrail `exceptions` is 1085 characters too large: a policy may have 1000 characters (2026-05-15) and \
         a list of exceptions cannot be divided"
    );
}

#[test]
fn names_go_only_when_there_is_no_room_for_them() {
    let groups = vec![group("a", vec![Scp::deny(["a:Get"], ["*"]).sid("ALongNameThatCostsCharacters")])];
    let roomy = pack(groups.clone(), budget(200, 1)).unwrap();
    assert!(roomy.documents[0].json.contains("ALongName"));
    let tight = pack(groups, budget(110, 1)).unwrap();
    assert!(!tight.documents[0].json.contains("Sid"));
}

#[test]
fn too_many_guardrails_are_reported_with_the_largest() {
    let groups: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .map(|name| {
            group(name, vec![Scp::deny((0..10).map(|at| format!("{name}:Action{at}")), ["*"]).sid("Statement")])
        })
        .collect();
    let error = pack(groups, budget(250, 1)).unwrap_err();
    assert_eq!(error.guardrail(), "c");
    assert_eq!(
        error.to_string(),
        "the guardrails have 192 characters too many: a target takes 1 policies (2026-05-15) of 250 characters \
         (2026-05-15), 1 of them are free, and the largest guardrail, `c`, has 202 characters"
    );
}

#[test]
fn nothing_packs_into_nothing() {
    let packing: Packing<ServiceControl> = pack(vec![group("empty", vec![])], budget(100, 1)).unwrap();
    assert!(packing.documents.is_empty());
}
