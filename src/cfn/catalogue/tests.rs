use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::*;
use crate::cfn::policy::Effect;

fn action(name: &str) -> Action {
    Catalogue::shipped().action(name).unwrap()
}

fn found(
    effect: Effect,
    actions: &[&str],
    conditions: &[(&str, &str, &str)],
) -> Vec<(Trouble, String, Option<String>)> {
    let clauses: Vec<Clause<'_>> =
        conditions.iter().map(|(operator, key, value)| Clause::new(operator, key, [*value])).collect();
    let problems = lint_statement(effect, Patterns { negated: false, values: actions }, &clauses);
    problems.into_iter().map(|problem| (problem.trouble, problem.written, problem.nearest)).collect()
}

fn troubles(actions: &[&str], conditions: &[(&str, &str, &str)]) -> Vec<Trouble> {
    found(Effect::Allow, actions, conditions).into_iter().map(|(trouble, _, _)| trouble).collect()
}

#[test]
fn the_pack_is_the_one_its_record_speaks_of() {
    let pack: &[u8] = include_bytes!("../../../schemas/iam-actions.pack");
    let digest: String = Sha256::digest(pack).iter().map(|byte| format!("{byte:02x}")).collect();
    let catalogue = Catalogue::shipped();
    assert_eq!(catalogue.digest(), digest);
    assert_eq!(catalogue.date().len(), 10);
    let record: serde_json::Value =
        serde_json::from_str(include_str!("../../../schemas/iam-actions.source.json")).unwrap();
    let services: Vec<Service> = catalogue.services().collect();
    let count = |of: &dyn Fn(Service) -> usize| services.iter().map(|service| of(*service)).sum::<usize>();
    assert_eq!(record["services"], services.len());
    assert_eq!(record["actions"], count(&|service| service.actions().count()));
    assert_eq!(record["resource_types"], count(&|service| service.resource_types().count()));
    assert_eq!(record["condition_keys"], count(&|service| service.keys().count()));
    assert_eq!(record["global_keys"], catalogue.global_keys().count());
    assert_eq!(record["sources"][0]["version"], catalogue.version());
}

#[test]
fn every_record_hangs_together() {
    for service in Catalogue::shipped().services() {
        for action in service.actions() {
            assert_eq!(service.action(&action.name().to_ascii_uppercase()), Some(action), "{}", action.full_name());
            for one in action.resource_types() {
                let arn = one.resource_type.arn();
                assert!(arn.starts_with("arn:") || arn == "*", "{}: {arn}", action.full_name());
                assert!(!one.resource_type.name().is_empty());
            }
            for key in action.keys().last() {
                assert_eq!(action.carries(key.name), Carries::Yes, "{}", action.full_name());
            }
        }
    }
}

#[test]
fn the_amendments_can_be_read() {
    let file: serde_json::Value = serde_json::from_str(amended::FILE).unwrap();
    let permissions = file["operations"]["permissions"].as_object().unwrap();
    assert!(!permissions.is_empty());
    for (operation, permission) in permissions {
        assert!(Catalogue::shipped().action(operation).is_none(), "{operation} is an action");
        assert_eq!(amended::permission_of(operation), permission.as_str());
        action(permission.as_str().unwrap());
    }
}

#[test]
fn case_does_not_count() {
    let get = action("DynamoDB:getitem");
    assert_eq!(get.full_name(), "dynamodb:GetItem");
    assert_eq!(get.level(), Level::Read);
    assert_eq!(get.carries("DYNAMODB:leadingkeys"), Carries::Yes);
    let table = get.resource_types().next().unwrap();
    assert!(table.required);
    assert_eq!(table.resource_type.arn(), "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}");
    assert_eq!(action("sts:TagSession").level(), Level::Tagging);
    assert_eq!(action("s3:ListAllMyBuckets").resource_types().count(), 0);
}

#[test]
fn patterns_stand_for_actions() {
    let catalogue = Catalogue::shipped();
    let names = |pattern: &str| match catalogue.expand(pattern) {
        Expansion::Actions(found) => found.into_iter().map(Action::name).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(names("dynamodb:*GetItem"), ["BatchGetItem", "GetItem"]);
    assert_eq!(names("dynamodb:?etitem"), ["GetItem"]);
    assert_eq!(names("dynamodb:*").len(), catalogue.service("dynamodb").unwrap().actions().count());
    assert_eq!(names("dynamodb:GetItems"), [""; 0]);
    assert_eq!(catalogue.expand("*"), Expansion::All);
    assert_eq!(catalogue.expand("*:*"), Expansion::All);
    assert_eq!(catalogue.expand("dynamodb"), Expansion::UnknownService);
    assert_eq!(catalogue.expand("dynamdb:*"), Expansion::UnknownService);
}

#[test]
fn actions_carry_keys() {
    let carries = |name: &str, key: &str| action(name).carries(key);
    for name in ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchWriteItem"] {
        assert_eq!(carries(name, "dynamodb:LeadingKeys"), Carries::Yes);
    }
    assert_eq!(carries("dynamodb:Scan", "dynamodb:LeadingKeys"), Carries::No);
    assert_eq!(carries("s3:GetObject", "s3:prefix"), Carries::No);
    assert_eq!(carries("s3:ListBucket", "s3:prefix"), Carries::Yes);
    assert_eq!(carries("s3:GetObject", "s3:ExistingObjectTag/Tenant"), Carries::Yes);
    assert_eq!(carries("s3:GetObject", "s3:ExistingObjectTag/"), Carries::Unknown);
    assert_eq!(carries("kms:Decrypt", "kms:EncryptionContext:TenantId"), Carries::Yes);
    assert_eq!(carries("kms:Decrypt", "kms:ResourceAliases"), Carries::Yes);
    assert_eq!(carries("dynamodb:GetItem", "aws:PrincipalTag/TenantId"), Carries::Yes);
    assert_eq!(carries("dynamodb:GetItem", "aws:RequestTag/TenantId"), Carries::No);
    assert_eq!(carries("sts:TagSession", "aws:RequestTag/TenantId"), Carries::Yes);
    assert_eq!(carries("dynamodb:GetItem", "aws:ResourceTag/TenantId"), Carries::Yes);
    assert_eq!(carries("dynamodb:ListTables", "aws:ResourceTag/TenantId"), Carries::No);
    assert_eq!(carries("s3:GetObject", "saml:aud"), Carries::No);
    assert_eq!(carries("sts:AssumeRoleWithSAML", "saml:aud"), Carries::Yes);
    assert_eq!(carries("s3:GetObject", "lambda:SourceFunctionArn"), Carries::Yes);
    assert_eq!(carries("sts:AssumeRoleWithWebIdentity", "token.actions.githubusercontent.com:sub"), Carries::Unknown);
    assert_eq!(carries("s3:GetObject", "s3:Prefixes"), Carries::Unknown);
}

#[test]
fn keys_know_how_many_values_they_have() {
    let key = |name: &str| Catalogue::shipped().key(name).unwrap();
    assert!(key("dynamodb:LeadingKeys").many);
    assert!(key("aws:TagKeys").many);
    assert!(!key("aws:PrincipalTag/TenantId").many);
    assert_eq!(key("aws:SourceArn").kind, Kind::Arn);
    assert_eq!(key("saml:aud").name, "saml:aud");
}

#[test]
fn what_is_misspelt_is_found() {
    let one = |trouble, written: &str, nearest: &str| vec![(trouble, written.to_owned(), Some(nearest.to_owned()))];
    assert_eq!(
        found(Effect::Allow, &["dynamodb:GetItems"], &[]),
        one(Trouble::UnknownAction, "dynamodb:GetItems", "dynamodb:GetItem")
    );
    assert_eq!(
        found(Effect::Deny, &["s3:ListBuckets"], &[]),
        one(Trouble::UnknownAction, "s3:ListBuckets", "s3:ListAllMyBuckets")
    );
    assert_eq!(
        found(Effect::Allow, &["dynamdb:GetItem"], &[]),
        one(Trouble::UnknownService, "dynamdb:GetItem", "dynamodb:GetItem")
    );
    let leading = [("ForAllValues:StringEquals", "dynamodb:LeadingKey", "a")];
    assert_eq!(
        found(Effect::Allow, &["dynamodb:GetItem"], &leading),
        one(Trouble::UnknownKey, "dynamodb:LeadingKey", "dynamodb:LeadingKeys")
    );
    let global = [("StringEquals", "aws:PrincipleTag/TenantId", "a")];
    assert_eq!(
        found(Effect::Allow, &["*"], &global),
        one(Trouble::UnknownKey, "aws:PrincipleTag/TenantId", "aws:PrincipalTag/TenantId")
    );
}

#[test]
fn a_key_that_no_action_carries_is_found() {
    let prefix = ("StringLike", "s3:prefix", "a/*");
    assert_eq!(troubles(&["s3:GetObject", "s3:PutObject"], &[prefix]), [Trouble::NeverHolds]);
    assert_eq!(troubles(&["s3:GetObject", "s3:ListBucket"], &[prefix]), []);
    assert_eq!(troubles(&["s3:*"], &[prefix]), []);
    let scan = |operator| troubles(&["dynamodb:Scan"], &[(operator, "dynamodb:LeadingKeys", "a")]);
    assert_eq!(scan("ForAllValues:StringEquals"), [Trouble::AlwaysHolds]);
    assert_eq!(scan("ForAnyValue:StringEquals"), [Trouble::NeverHolds]);
    assert_eq!(scan("ForAnyValue:StringNotEquals"), [Trouble::NeverHolds]);
    assert_eq!(scan("StringNotEquals"), [Trouble::AlwaysHolds]);
    assert_eq!(scan("StringEqualsIfExists"), [Trouble::AlwaysHolds]);
    let null = |value| troubles(&["dynamodb:Scan"], &[("Null", "dynamodb:LeadingKeys", value)]);
    assert_eq!(null("false"), [Trouble::NeverHolds]);
    assert_eq!(null("true"), []);
}

#[test]
fn what_cannot_be_told_is_no_problem() {
    let prefix = [("StringLike", "s3:prefix", "a/*")];
    // An action that is not plain text may be any, and so may those of `NotAction`.
    assert_eq!(troubles(&["s3:GetObject", "${}"], &prefix), []);
    assert_eq!(troubles(&["*"], &prefix), []);
    let clause = [Clause::new("StringLike", "s3:prefix", ["a"])];
    assert_eq!(lint_statement(Effect::Deny, Patterns { negated: true, values: &["s3:GetObject"] }, &clause), []);
    let provider = [("StringEquals", "oidc.example.com/id/1:sub", "a")];
    assert_eq!(troubles(&["sts:AssumeRoleWithWebIdentity"], &provider), []);
}

#[test]
fn services_are_sorted_and_once() {
    let names: Vec<&str> = Catalogue::shipped().services().map(Service::prefix).collect();
    assert!(names.is_sorted());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(names.iter().all(|name| !name.contains(':')));
}
