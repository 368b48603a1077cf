//! A table: `AWS::DynamoDB::Table`.
//!
//! With a tenant key the keys are the same siloed and pooled, so that a tenant's items can move between tiers as
//! they are. `attribute` makes the tenant's id the partition key and the author's partition key the sort key;
//! `prefix_of` leaves the keys alone and asks that partition keys begin with the id and `#`.

use super::access::{Scope, via_key};
use super::context::Context;
use crate::cfn::expr::kind::Arn;
use crate::cfn::policy::{Operator, Statement, place::Identity};
use crate::cfn::types::dynamodb;
use crate::cfn::{Expr, LogicalId, Node};
use crate::model::component::{KeyAttribute, Table};
use crate::model::{Access, Attribute, TenantKey};

/// The key schema of a table or index: partition key, then sort key.
fn key_schema(keys: &[&KeyAttribute]) -> Vec<dynamodb::TableKeySchema> {
    keys.iter()
        .zip(["HASH", "RANGE"])
        .map(|(key, role)| dynamodb::TableKeySchema::new(key.name.clone(), role))
        .collect()
}

pub(super) fn render(table: &Table, cx: &mut Context<'_>) {
    let tenant = match &table.tenant_key {
        Some(TenantKey::Attribute(attribute)) => Some(KeyAttribute::text(attribute)),
        _ => None,
    };
    let second = table.sort_key.as_ref().unwrap_or(&table.partition_key);
    let keys: Vec<&KeyAttribute> = match &tenant {
        Some(tenant) => vec![tenant, second],
        None => std::iter::once(&table.partition_key).chain(&table.sort_key).collect(),
    };
    let index_keys = |by| tenant.iter().chain([by]).collect::<Vec<&KeyAttribute>>();

    let mut attributes: Vec<&KeyAttribute> = keys.clone();
    attributes.extend(table.indexes.iter().flat_map(|index| index_keys(&index.by)));
    attributes.sort();
    attributes.dedup();

    let mut resource = dynamodb::Table::new(key_schema(&keys))
        .table_name(cx.physical_name("", 255))
        .billing_mode("PAY_PER_REQUEST")
        .deletion_protection_enabled(table.deletion_protection)
        .point_in_time_recovery_specification(
            dynamodb::TablePointInTimeRecoverySpecification::new()
                .point_in_time_recovery_enabled(table.point_in_time_recovery),
        )
        .attribute_definitions(attributes.into_iter().map(|attribute| {
            dynamodb::TableAttributeDefinition::new(attribute.name.clone(), if attribute.number { "N" } else { "S" })
        }));
    if !table.indexes.is_empty() {
        resource = resource.global_secondary_indexes(table.indexes.iter().map(|index| {
            dynamodb::TableGlobalSecondaryIndex::new(
                index.name.clone(),
                key_schema(&index_keys(&index.by)),
                dynamodb::TableProjection::new().projection_type("ALL"),
            )
        }));
    }
    let encryption = dynamodb::TableSSESpecification::new(true).sse_type("KMS");
    resource = resource.sse_specification(match &table.encrypt_with {
        Some(key) => encryption.kms_master_key_id(Expr::<Arn>::from_node(cx.arn(key))),
        None => encryption,
    });
    if let Some(attribute) = &table.time_to_live {
        resource = resource.time_to_live_specification(
            dynamodb::TableTimeToLiveSpecification::new(true).attribute_name(attribute.clone()),
        );
    }
    if table.stream {
        resource = resource.stream_specification(dynamodb::TableStreamSpecification::new("NEW_AND_OLD_IMAGES"));
    }
    cx.add("table", &resource);
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Name => Some(Node::Ref(id("table"))),
        Attribute::Arn => Some(Node::GetAtt(id("table"), "Arn".into())),
        _ => None,
    }
}

/// Actions on items. Never `Scan` where tenants share the table: it returns all items whatever the leading keys.
fn actions(access: Access, scope: Scope) -> Vec<&'static str> {
    let mut actions = Vec::new();
    if matches!(access, Access::Read | Access::ReadWrite) {
        actions.extend(["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"]);
        if scope == Scope::Whole {
            actions.push("dynamodb:Scan");
        }
    }
    if matches!(access, Access::Write | Access::ReadWrite) {
        actions.extend(["dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]);
    }
    actions
}

pub(super) fn grant(
    table: &Table,
    cx: &Context<'_>,
    arn: &Node,
    access: Access,
    scope: Scope,
) -> Vec<Statement<Identity>> {
    let mut resources = vec![arn.clone()];
    if !table.indexes.is_empty() {
        resources.push(Expr::<Arn>::concat([arn.clone(), "/index/*".into()]).into_node());
    }
    let mut statement = Statement::<Identity>::allow(actions(access, scope), resources);
    if scope != Scope::Whole {
        let leading_keys = "dynamodb:LeadingKeys";
        statement = match &table.tenant_key {
            Some(TenantKey::PrefixOf(_)) => {
                statement.when(Operator::StringLike.for_all(), leading_keys, [scope.tenant_then("#*")])
            }
            _ => statement.when(Operator::StringEquals.for_all(), leading_keys, [scope.tenant()]),
        };
        // Without this guard `ForAllValues` is true for requests that carry no leading key at all.
        statement = statement.when(Operator::Null, leading_keys, ["false"]);
    }
    let mut statements = vec![statement];
    statements.extend(via_key(cx, table.encrypt_with.as_ref(), "dynamodb", access));
    statements
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{pooled, siloed};

    const TABLE: &str = "components: [{ table: Orders, partition_key: orderId, partition_by: tenantId, indexes: [{ name: byDay, by: day }] }]";

    #[test]
    fn the_tenant_key_comes_first_siloed_and_pooled() {
        for stack in [siloed(TABLE), pooled(TABLE)] {
            assert_eq!(
                stack.get("DynamoDB::Table", "/KeySchema"),
                json!([{"AttributeName": "tenantId", "KeyType": "HASH"}, {"AttributeName": "orderId", "KeyType": "RANGE"}])
            );
            assert_eq!(
                stack.get("DynamoDB::Table", "/GlobalSecondaryIndexes/0/KeySchema/0/AttributeName"),
                "tenantId",
                "an index must not reach over tenants either"
            );
            assert_eq!(stack.get("DynamoDB::Table", "/DeletionProtectionEnabled"), true);
            assert_eq!(
                stack.get("DynamoDB::Table", "/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled"),
                true
            );
        }
    }

    #[test]
    fn a_prefix_leaves_the_keys_alone() {
        let stack =
            pooled("components: [{ table: Orders, partition_key: pk, sort_key: sk, partition_by: { prefix_of: pk } }]");
        assert_eq!(
            stack.get("DynamoDB::Table", "/KeySchema"),
            json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}])
        );
    }

    fn granted(isolation: fn(&str) -> super::super::testing::Rendered, role: &str) -> serde_json::Value {
        let stack = isolation(
            "components:\n  - { table: Orders, partition_by: tenantId }\n  - { function: Api, code: { inline: x } }\nallow: [{ from: Api, access: read-write, to: Orders }]",
        );
        stack.node(role)["Policies"][0]["PolicyDocument"]["Statement"].clone()
    }

    #[test]
    fn pooled_access_is_narrowed_guarded_and_never_scans() {
        let statements = granted(pooled, "ApiSessionRole");
        assert_eq!(
            statements[0]["Condition"],
            json!({
                "Null": {"dynamodb:LeadingKeys": "false"},
                "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "${aws:PrincipalTag/TenantId}"},
            })
        );
        let actions = statements[0]["Action"].to_string();
        assert!(!actions.contains("Scan") && !actions.contains('*'), "{actions}");
    }

    #[test]
    fn siloed_access_is_to_the_tenants_own_table() {
        let statements = granted(siloed, "ApiRole");
        assert!(statements[1]["Action"].to_string().contains("dynamodb:Scan"));
        assert_eq!(statements[1]["Condition"], serde_json::Value::Null);
        assert_eq!(statements[1]["Resource"]["Fn::GetAtt"][1], "Arn");
    }
}
