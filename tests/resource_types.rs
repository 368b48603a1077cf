//! Resources built with the generated types are what their schemas ask for.

use serde_json::json;
use tenantry::cfn::expr::kind::{Arn, Text};
use tenantry::cfn::schema::Validator;
use tenantry::cfn::types::dynamodb::{
    Table, TableAttributeDefinition, TableKeySchema, TablePointInTimeRecoverySpecification, TableSSESpecification,
};
use tenantry::cfn::types::{ec2, iam, kms, sqs};
use tenantry::cfn::{Expr, Json, LogicalId, Resource, Tag};

#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
fn issues<R: Resource>(resource: &R) -> Vec<String> {
    let properties = serde_json::to_value(resource).unwrap();
    let issues = Validator::new().check(R::TYPE, &properties).unwrap();
    issues.into_iter().map(|issue| format!("{}: {}", issue.pointer, issue.message)).collect()
}

#[test]
fn a_table_serializes_to_its_properties() {
    let key = LogicalId::verbatim("Key");
    let table = Table::new([TableKeySchema::new("pk", "HASH")])
        .attribute_definitions([TableAttributeDefinition::new("pk", "S")])
        .billing_mode("PAY_PER_REQUEST")
        .sse_specification(TableSSESpecification::new(true).sse_type("KMS").kms_master_key_id(kms::Key::attr_arn(&key)))
        .point_in_time_recovery_specification(
            TablePointInTimeRecoverySpecification::new().point_in_time_recovery_enabled(true),
        )
        .tags([Tag::new("tenant", Expr::<Text>::param("TenantId"))]);
    assert_eq!(issues(&table), Vec::<String>::new());
    assert_eq!(
        serde_json::to_value(&table).unwrap(),
        json!({
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true },
            "SSESpecification": { "KMSMasterKeyId": { "Fn::GetAtt": ["Key", "Arn"] }, "SSEEnabled": true, "SSEType": "KMS" },
            "Tags": [{ "Key": "tenant", "Value": { "Ref": "TenantId" } }],
        })
    );
}

#[test]
fn references_carry_their_kind() {
    let vpc = LogicalId::verbatim("Vpc");
    let subnet = ec2::Subnet::new(ec2::VPC::reference(&vpc)).cidr_block("10.0.0.0/24");
    assert_eq!(issues(&subnet), Vec::<String>::new());

    let queue = LogicalId::verbatim("Queue");
    let arn: Expr<Arn> = sqs::Queue::attr_arn(&queue);
    let policy = Json::from(
        json!({ "Version": "2012-10-17", "Statement": [{ "Resource": serde_json::to_value(&arn).unwrap() }] }),
    );
    let role = iam::Role::new(policy.clone()).policies([iam::RoleInlinePolicy::new(policy, "data")]);
    assert_eq!(issues(&role), Vec::<String>::new());
}

#[test]
fn what_the_types_cannot_forbid_the_check_finds() {
    let table = Table::new([TableKeySchema::new("pk", "RANGE")]).billing_mode("FREE");
    assert_eq!(
        issues(&table),
        [
            "/BillingMode: `FREE` is not one of `PAY_PER_REQUEST`, `PROVISIONED`",
            "/KeySchema/0/KeyType: `RANGE` is not `HASH`",
        ]
    );
}
