//! The pieces that the templates are made of.

use serde_json::{Value, json};

/// A policy document.
pub(super) fn document(statements: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// An `Allow` of an identity's policy.
pub(super) fn allow(actions: Value, resource: Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

/// A `Deny` of an identity's policy.
pub(super) fn deny(actions: Value, resource: Value) -> Value {
    json!({ "Effect": "Deny", "Action": actions, "Resource": resource })
}

/// A resource's `Allow`.
pub(super) fn grant(principal: Value, actions: Value, resource: Value) -> Value {
    json!({ "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resource })
}

/// The statement, under a condition.
pub(super) fn only_if(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}

/// The resource, with further properties.
pub(super) fn with(mut resource: Value, properties: Value) -> Value {
    for (key, value) in properties.as_object().unwrap() {
        resource["Properties"][key] = value.clone();
    }
    resource
}

/// A role that a trust policy hands out, with statements.
pub(super) fn trusted(trust: Value, statements: Value) -> Value {
    let none = statements.as_array().is_some_and(Vec::is_empty);
    let policies =
        if none { json!([]) } else { json!([{ "PolicyName": "p", "PolicyDocument": document(statements) }]) };
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": { "AssumeRolePolicyDocument": document(trust), "Policies": policies },
    })
}

/// A role of functions, with statements.
pub(super) fn role(statements: Value) -> Value {
    let lambda = json!({ "Service": "lambda.amazonaws.com" });
    trusted(json!([{ "Effect": "Allow", "Principal": lambda, "Action": "sts:AssumeRole" }]), statements)
}

/// A role of functions whose policy has no statement.
pub(super) fn bare_role() -> Value {
    role(json!([]))
}

/// A role `S` that `M` opens sessions of, under a condition; whatever the condition, tags hold ids alone. The further
/// statements are the trust policy's.
pub(super) fn session_role_if(condition: Value, more: Vec<Value>, statements: Value) -> Value {
    let strange = " _.:/=+@".chars().chain('A'..='Z').map(|letter| format!("*{letter}*"));
    let mut bad: Vec<String> = strange.collect();
    bad.push(format!("{}*", "?".repeat(32)));
    let both = json!(["sts:AssumeRole", "sts:TagSession"]);
    let minter = json!({ "AWS": { "Fn::GetAtt": ["M", "Arn"] } });
    let mut trust = vec![
        json!({ "Effect": "Allow", "Principal": minter, "Action": both, "Condition": condition }),
        json!({
            "Effect": "Deny", "Principal": "*", "Action": both,
            "Condition": { "StringLike": { "aws:RequestTag/TenantId": bad } },
        }),
    ];
    trust.extend(more);
    trusted(json!(trust), statements)
}

/// A role `S` that `M` opens sessions of, with an id in the tag.
pub(super) fn session_role(statements: Value) -> Value {
    session_role_if(json!({ "StringLike": { "aws:RequestTag/TenantId": "??*" } }), Vec::new(), statements)
}

/// The declaration of `M` and `S`.
pub(super) fn sessions() -> Value {
    json!({ "M": platform(), "S": { "session": { "mintedBy": ["M"] } } })
}

/// The declaration of one role `R` that is the product's.
pub(super) fn product() -> Value {
    json!({ "R": platform() })
}

/// Somebody or something of the product.
pub(super) fn platform() -> Value {
    json!({ "platform": { "reason": "it runs the product" } })
}

/// The bucket `acme-files`.
pub(super) fn bucket() -> Value {
    json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": "acme-files" } })
}

/// Its objects.
pub(super) const OBJECTS: &str = "arn:aws:s3:::acme-files/*";

/// Who owns what is in the bucket `Files`.
pub(super) fn files() -> Value {
    json!({ "Files": { "objectKey": { "pattern": "${tenant}/*" } } })
}

/// A policy of the bucket `Files`.
pub(super) fn bucket_policy(statement: Value) -> Value {
    json!({
        "Type": "AWS::S3::BucketPolicy",
        "Properties": { "Bucket": { "Ref": "Files" }, "PolicyDocument": document(json!([statement])) },
    })
}

/// The bucket `Files` with a policy.
pub(super) fn files_with(statement: Value) -> Value {
    json!({ "Files": bucket(), "Doors": bucket_policy(statement) })
}

/// The bucket `Files`, and a role `R` with statements.
pub(super) fn files_and_role(statements: Value) -> Value {
    json!({ "Files": bucket(), "R": role(statements) })
}

/// The table `orders`.
pub(super) fn table() -> Value {
    json!({ "Type": "AWS::DynamoDB::Table", "Properties": { "TableName": "orders" } })
}

/// Whose the items of a table are.
pub(super) fn items() -> Value {
    json!({ "partitionKey": { "pattern": "${tenant}" } })
}

/// What only code keeps apart.
pub(super) fn application() -> Value {
    json!({ "application": { "reason": "code keeps it apart" } })
}

/// The queue `jobs`.
pub(super) fn queue() -> Value {
    json!({ "Type": "AWS::SQS::Queue", "Properties": { "QueueName": "jobs" } })
}

/// The function `api`.
pub(super) fn function() -> Value {
    json!({
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "api", "Role": "arn:aws:iam::111122223333:role/x", "Code": { "ZipFile": "x" },
            "Runtime": "nodejs22.x", "Handler": "i.h",
        },
    })
}

/// A key that leaves the decision to its account.
pub(super) fn key() -> Value {
    let account = json!({ "AWS": { "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root" } });
    let statements = json!([grant(account, json!("kms:*"), json!("*"))]);
    json!({ "Type": "AWS::KMS::Key", "Properties": { "KeyPolicy": document(statements) } })
}

/// Whose the uses of a key are.
pub(super) fn context() -> Value {
    json!({ "encryptionContext": { "key": "TenantId", "pattern": "${tenant}" } })
}

/// One of two values, and nobody says which. The template has the parameter and the condition of [`either_template`].
pub(super) fn either(one: Value, other: Value) -> Value {
    json!({ "Fn::If": ["Prod", one, other] })
}

/// A template whose condition `Prod` is open.
pub(super) fn either_template(resources: Value) -> Value {
    json!({
        "Parameters": { "Stage": { "Type": "String" } },
        "Conditions": { "Prod": { "Fn::Equals": [{ "Ref": "Stage" }, "prod"] } },
        "Resources": resources,
    })
}
