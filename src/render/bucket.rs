//! A bucket: `AWS::S3::Bucket` with its `AWS::S3::BucketPolicy`. Pooled, the tenant's id is the first segment of
//! every object's key.

use super::access::{Scope, via_key};
use super::context::Context;
use crate::cfn::expr::kind::{Arn, Name};
use crate::cfn::policy::{Operator, Principal, ResourcePolicy, Statement, place, place::Identity};
use crate::cfn::types::s3;
use crate::cfn::{Expr, Json, LogicalId, Node};
use crate::model::component::Bucket;
use crate::model::{Access, Attribute};

pub(super) fn render(bucket: &Bucket, cx: &mut Context<'_>) {
    let by_default = match &bucket.encrypt_with {
        Some(key) => s3::BucketServerSideEncryptionByDefault::new("aws:kms")
            .kms_master_key_id(Expr::<Arn>::from_node(cx.arn(key))),
        None => s3::BucketServerSideEncryptionByDefault::new("AES256"),
    };
    let mut rule = s3::BucketServerSideEncryptionRule::new().server_side_encryption_by_default(by_default);
    if bucket.encrypt_with.is_some() {
        rule = rule.bucket_key_enabled(true);
    }
    let mut lifecycle = vec![
        s3::BucketRule::new("Enabled")
            .id("abort-incomplete-uploads")
            .abort_incomplete_multipart_upload(s3::BucketAbortIncompleteMultipartUpload::new(7_i64)),
    ];
    if let Some(days) = bucket.expire_old_versions_days {
        lifecycle.push(
            s3::BucketRule::new("Enabled")
                .id("expire-old-versions")
                .noncurrent_version_expiration(s3::BucketNoncurrentVersionExpiration::new(days)),
        );
    }
    let mut resource = s3::Bucket::new()
        .bucket_name(cx.physical_name("", 63))
        .bucket_encryption(s3::BucketEncryption::new([rule]))
        .lifecycle_configuration(s3::BucketLifecycleConfiguration::new(lifecycle))
        .ownership_controls(s3::BucketOwnershipControls::new([
            s3::BucketOwnershipControlsRule::new().object_ownership("BucketOwnerEnforced")
        ]))
        .public_access_block_configuration(
            s3::BucketPublicAccessBlockConfiguration::new()
                .block_public_acls(true)
                .block_public_policy(true)
                .ignore_public_acls(true)
                .restrict_public_buckets(true),
        );
    // Object Lock works on versions, so it brings versioning with it.
    if bucket.versioned || bucket.lock_days.is_some() {
        resource = resource.versioning_configuration(s3::BucketVersioningConfiguration::new("Enabled"));
    }
    if let Some(days) = bucket.lock_days {
        let retention = s3::BucketDefaultRetention::new().mode("COMPLIANCE").days(days);
        resource = resource.object_lock_enabled(true).object_lock_configuration(
            s3::BucketObjectLockConfiguration::new()
                .object_lock_enabled("Enabled")
                .rule(s3::BucketObjectLockRule::new().default_retention(retention)),
        );
    }
    let id = cx.add("bucket", &resource);

    let arn = Node::GetAtt(id.clone(), "Arn".into());
    let objects = Expr::<Arn>::concat([arn.clone(), "/*".into()]).into_node();
    let policy = ResourcePolicy::new(vec![
        Statement::<place::Resource>::deny(Principal::Everyone, ["s3:*"], [arn, objects])
            .sid("DenyInsecureTransport")
            .when(Operator::Bool, "aws:SecureTransport", ["false"]),
    ]);
    cx.add("policy", &s3::BucketPolicy::new(Expr::<Name>::reference(&id), Json::of(&policy)));
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Name => Some(Node::Ref(id("bucket"))),
        Attribute::Arn => Some(Node::GetAtt(id("bucket"), "Arn".into())),
        _ => None,
    }
}

pub(super) fn grant(
    bucket: &Bucket,
    cx: &Context<'_>,
    arn: &Node,
    access: Access,
    scope: Scope,
) -> Vec<Statement<Identity>> {
    let mut objects = vec![arn.clone(), "/".into()];
    if scope != Scope::Whole {
        objects.extend([scope.tenant(), "/".into()]);
    }
    objects.push("*".into());
    let objects = Expr::<Arn>::concat(objects).into_node();
    let mut actions = Vec::new();
    let mut statements = Vec::new();
    if matches!(access, Access::Read | Access::ReadWrite) {
        actions.push("s3:GetObject");
        let list = Statement::<Identity>::allow(["s3:ListBucket"], [arn.clone()]);
        statements.push(if scope == Scope::Whole {
            list
        } else {
            // An absent prefix lists everybody's keys.
            list.when(Operator::StringLike, "s3:prefix", [scope.tenant_then("/*")]).when(
                Operator::Null,
                "s3:prefix",
                ["false"],
            )
        });
    }
    if matches!(access, Access::Write | Access::ReadWrite) {
        actions.extend(["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]);
    }
    statements.insert(0, Statement::<Identity>::allow(actions, [objects]));
    statements.extend(via_key(cx, bucket.encrypt_with.as_ref(), "s3", access));
    statements
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{pooled, siloed};

    #[test]
    fn a_bucket_is_private_versioned_and_tls_only() {
        for stack in
            [siloed("components: [{ bucket: Files }]"), pooled("components: [{ bucket: Files, partition_by: prefix }]")]
        {
            assert_eq!(stack.types(), ["S3::Bucket", "S3::BucketPolicy"]);
            assert_eq!(
                stack.get("S3::Bucket", "/PublicAccessBlockConfiguration"),
                json!({"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true})
            );
            assert_eq!(stack.get("S3::Bucket", "/VersioningConfiguration/Status"), "Enabled");
            let statement = stack.get("S3::BucketPolicy", "/PolicyDocument/Statement/0");
            assert_eq!(statement["Effect"], "Deny");
            assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
        }
    }

    #[test]
    fn a_lock_is_for_compliance() {
        let stack = siloed("components: [{ bucket: Evidence, lock_days: 30, versioned: false }]");
        assert_eq!(
            stack.get("S3::Bucket", "/ObjectLockConfiguration/Rule/DefaultRetention"),
            json!({"Mode": "COMPLIANCE", "Days": 30})
        );
        assert_eq!(stack.get("S3::Bucket", "/VersioningConfiguration/Status"), "Enabled", "a lock needs versions");
    }

    #[test]
    fn pooled_access_stays_under_the_tenants_prefix() {
        let stack = pooled(
            "components:\n  - { bucket: Files, partition_by: prefix }\n  - { function: Api, code: { inline: x } }\nallow: [{ from: Api, access: read-write, to: Files }]",
        );
        let statements = &stack.node("ApiSessionRole")["Policies"][0]["PolicyDocument"]["Statement"];
        let objects = statements[0]["Resource"]["Fn::Sub"].as_str().unwrap();
        assert!(objects.ends_with(".Arn}/${!aws:PrincipalTag/TenantId}/*"), "{objects}");
        assert_eq!(
            statements[1]["Condition"],
            json!({"Null": {"s3:prefix": "false"}, "StringLike": {"s3:prefix": "${aws:PrincipalTag/TenantId}/*"}})
        );
    }
}
