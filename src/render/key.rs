//! A key: `AWS::KMS::Key` that rotates, and its `AWS::KMS::Alias`.

use super::access::Scope;
use super::context::Context;
use super::topic::is_told_by_alarms;
use crate::cfn::expr::kind::{Arn, Name, Text};
use crate::cfn::policy::{Operator, Principal, ResourcePolicy, Statement, place, place::Identity};
use crate::cfn::types::kms;
use crate::cfn::{Expr, Json, LogicalId, Node, Pseudo};
use crate::model::Attribute;
use crate::model::component::Key;

pub(super) fn render(key: &Key, cx: &mut Context<'_>) {
    let account = Expr::<Arn>::concat([
        "arn:".into(),
        Pseudo::Partition.into(),
        ":iam::".into(),
        Pseudo::AccountId.into(),
        ":root".into(),
    ]);
    // The account's own identity policies decide: without this statement a key can become unusable for ever.
    let mut statements = vec![
        Statement::<place::Resource>::allow(Principal::Aws(vec![account]), ["kms:*"], ["*"]).sid("EnableIamPolicies"),
    ];
    let encrypts_alarm_topic = cx.tier.members.iter().any(|member| {
        member.component.body.encrypt_with() == Some(cx.name()) && is_told_by_alarms(cx.tier, &member.component.name)
    });
    if encrypts_alarm_topic {
        statements.push(
            Statement::<place::Resource>::allow(
                Principal::Service(vec!["cloudwatch.amazonaws.com"]),
                ["kms:Decrypt", "kms:GenerateDataKey"],
                ["*"],
            )
            .sid("AllowAlarms")
            .when(Operator::StringEquals, "aws:SourceAccount", [Node::from(Pseudo::AccountId)]),
        );
    }
    let resource = kms::Key::new()
        .description(format!("{} of tier {}", cx.name(), cx.tier.name))
        .enable_key_rotation(true)
        .rotation_period_in_days(key.rotation_days)
        .pending_window_in_days(key.pending_window_days)
        .key_policy(Json::of(&ResourcePolicy::new(statements)));
    let id = cx.add("key", &resource);

    // Not the id itself: an alias has no place for the dots that ids may hold.
    let alias = Expr::<Name>::concat(["alias/".into(), cx.physical_name("", 250).into_node()]);
    cx.add("alias", &kms::Alias::new(alias, Expr::<Text>::get_att(&id, "Arn")));
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Id => Some(Node::Ref(id("key"))),
        Attribute::Arn => Some(Node::GetAtt(id("key"), "Arn".into())),
        _ => None,
    }
}

pub(super) fn grant(arn: &Node, scope: Scope) -> Vec<Statement<Identity>> {
    let statement = Statement::<Identity>::allow(["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], [arn.clone()]);
    vec![if scope == Scope::Whole {
        statement
    } else {
        statement.when(Operator::StringEquals, "kms:EncryptionContext:TenantId", [scope.tenant()])
    }]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{pooled, siloed};

    #[test]
    fn a_key_rotates_and_its_alias_is_the_tenants_own() {
        let stack = siloed("components: [{ key: Data, rotation_days: 180 }]");
        assert_eq!(stack.types(), ["KMS::Key", "KMS::Alias"]);
        assert_eq!(stack.get("KMS::Key", "/EnableKeyRotation"), true);
        assert_eq!(stack.get("KMS::Key", "/RotationPeriodInDays"), 180);
        let alias = |stack: &super::super::testing::Rendered| stack.get("KMS::Alias", "/AliasName/Fn::Sub").to_string();
        assert!(alias(&stack).ends_with("-${TenantLabel}-${TenantDigest}\""), "{}", alias(&stack));
        let stack = pooled("components: [{ key: Data }]");
        assert!(alias(&stack).ends_with("-${Cell}-${CellDigest}\""), "{}", alias(&stack));
    }

    #[test]
    fn a_shared_key_is_used_in_the_name_of_a_tenant() {
        let stack = pooled(
            "components: [{ key: Data }, { function: Api, code: { inline: x } }]\nallow: [{ from: Api, access: use, to: Data }]",
        );
        assert_eq!(
            stack.node("ApiSessionRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Condition"],
            json!({"StringEquals": {"kms:EncryptionContext:TenantId": "${aws:PrincipalTag/TenantId}"}})
        );
    }
}
