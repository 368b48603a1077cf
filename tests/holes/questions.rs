//! Of who asks, and for what.

use serde_json::{Value, json};

use super::template::*;
use super::{Case, check};

/// The bucket `Files` and the role `S` with a trust policy.
fn files_and_sessions(session_role: Value) -> Value {
    json!({ "Files": bucket(), "M": bare_role(), "S": session_role })
}

fn of_sessions() -> Vec<Case> {
    let puts = |resource: &str| json!([allow(json!("s3:PutObject"), json!(resource))]);
    let exempt =
        only_if(deny(json!("s3:*"), json!("*")), json!({ "StringNotEquals": { "aws:PrincipalTag/Exempt": "true" } }));
    let untagged = only_if(
        allow(json!("s3:PutObject"), json!(OBJECTS)),
        json!({ "Null": { "aws:PrincipalTag/TenantId": "true" } }),
    );
    let a_tag_is_an_id = json!({
        "Effect": "Deny", "Principal": "*", "Action": "sts:TagSession",
        "Condition": {
            "StringNotLike": { "aws:RequestTag/TenantId": "??*" }, "Null": { "aws:RequestTag/TenantId": "false" },
        },
    });
    let some_tag = json!({ "Null": { "aws:TagKeys": "false" } });
    let two_tags = json!({
        "StringLike": { "aws:RequestTag/TenantId": "??*", "aws:RequestTag/Env": "*" },
        "ForAnyValue:StringEquals": { "aws:TagKeys": "Env" },
    });
    let of_team = "arn:aws:s3:::acme-files/${aws:PrincipalTag/Team}/*";
    let account = json!({ "AWS": { "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root" } });
    vec![
        Case::new("tag-of-a-guardrail", "who opens sessions chooses the tags that only guardrails read")
            .shared(files_and_sessions(session_role(puts(OBJECTS))), files(), sessions())
            .guardrail("scp", json!([exempt]))
            .refuted(&["a session of tenant `acme` in role `S`", "`s3:PutObject`"]),
        Case::new("untagged", "a session without a tenant may have another tag")
            .shared(
                files_and_sessions(session_role_if(some_tag, vec![a_tag_is_an_id], json!([untagged]))),
                files(),
                sessions(),
            )
            .refuted(&["a session without a tenant in role `S`", "`s3:PutObject`"]),
        Case::new("tags-together", "further tags are chosen together")
            .shared(files_and_sessions(session_role_if(two_tags, Vec::new(), puts(of_team))), files(), sessions())
            .refuted(&["a session of tenant `acme` in role `S`", "`s3:PutObject`"]),
        Case::new("another-tag", "a tag beside the tenant's is the minter's choice")
            .shared(files_and_sessions(session_role(puts(of_team))), files(), sessions())
            .refuted(&["a session of tenant `acme` in role `S`", "`s3:PutObject`"]),
        Case::new("another-role", "a role that nobody has to open sessions with asks, too")
            .shared(
                json!({
                    "Files": bucket(),
                    "M": bare_role(),
                    "X": trusted(
                        json!([{ "Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole" }]),
                        puts(OBJECTS),
                    ),
                }),
                files(),
                json!({ "M": platform(), "X": platform() }),
            )
            .refuted(&["role `X`", "objects of tenant"]),
    ]
}

fn of_outsiders() -> Vec<Case> {
    let puts = |principal: Value| grant(principal, json!("s3:PutObject"), json!(OBJECTS));
    let everything = json!([{ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" }]);
    let topic = json!({ "Type": "AWS::SNS::Topic", "Properties": { "TopicName": "news" } });
    let open = json!({
        "Type": "AWS::SNS::TopicPolicy",
        "Properties": {
            "Topics": [{ "Ref": "T" }],
            "PolicyDocument": document(json!([grant(json!("*"), json!("sns:Publish"), json!({ "Ref": "T" }))])),
        },
    });
    let of = |id: &str| only_if(puts(json!("*")), json!({ "StringEquals": { "aws:PrincipalOrgID": id } }));
    vec![
        Case::new("uncontrolled", "resource control policies do not reach every service")
            .shared(json!({ "T": topic, "Open": open }), json!({ "T": application() }), json!({}))
            .guardrail("rcp", everything)
            .refuted(&["outside the organization", "`sns:Publish`", "/Resources/Open/"]),
        Case::new("organization", "an organization that nobody declared is somebody's")
            .shared(files_with(of("o-a1b2c3d4e5")), files(), json!({}))
            .refuted(&["a principal of an account", "`s3:PutObject`"]),
        Case::new("other-organization", "an organization that is not the declared one is somebody's")
            .shared(files_with(of("o-a1b2c3d4e5")), files(), json!({}))
            .organization("o-0123456789")
            .refuted(&["outside the organization", "`s3:PutObject`"]),
        Case::new("sibling", "accounts of the declared organization ask, too")
            .shared(files_with(of("o-0123456789")), files(), json!({}))
            .organization("o-0123456789")
            .refuted(&["another account of the organization", "`s3:PutObject`"]),
        Case::new("any-service", "a policy for everybody is one for services that nobody names")
            .shared(
                files_with(only_if(puts(json!("*")), json!({ "Bool": { "aws:PrincipalIsAWSService": "true" } }))),
                files(),
                json!({}),
            )
            .refuted(&["`another-service.amazonaws.com` on behalf of somebody else", "`s3:PutObject`"]),
        Case::new("deputy", "a service that a policy names acts for anybody")
            .shared(files_with(puts(json!({ "Service": "logging.s3.amazonaws.com" }))), files(), json!({}))
            .refuted(&["`logging.s3.amazonaws.com` on behalf of somebody else"]),
    ]
}

/// A tenant's stack with one resource, and a role `R` with one statement.
fn tenant(name: &'static str, shows: &'static str, resource: Value, statement: Value) -> Case {
    Case::new(name, shows).tenant(json!({ "It": resource, "R": role(json!([statement])) }))
}

fn of_targets() -> Vec<Case> {
    let sub = |text: &str| json!({ "Fn::Sub": text });
    let jobs = || json!({ "Type": "AWS::SQS::Queue", "Properties": { "QueueName": sub("jobs-${TenantId}") } });
    let of_type = |kind: &str, properties: Value| json!({ "Type": kind, "Properties": properties });
    let principals =
        json!(["iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole", "iam:CreatePolicy", "iam:AttachRolePolicy"]);
    vec![
        Case::new("through", "the role of tenant A's stack is not the one that handles B's jobs")
            .tenant_with(
                json!({ "Q": jobs(), "R": role(json!([allow(json!("sqs:ReceiveMessage"), json!("*"))])) }),
                json!({ "owners": { "Q": { "application": { "reason": "x", "through": ["R"] } } } }),
            )
            .refuted(&["role `R` of tenant `acme`", "`sqs:ReceiveMessage`", "what tenants keep in `Q`"]),
        tenant(
            "unknown-type",
            "how policies name what nobody describes is not known",
            of_type("AWS::Timestream::Database", json!({ "DatabaseName": { "Ref": "TenantId" } })),
            allow(json!("timestream:*"), json!("*")),
        )
        .unknown(&["how policies name `It` is not known", "AWS::Timestream::Database"]),
        tenant(
            "new-principals",
            "who makes a principal has all that is in the account",
            jobs(),
            allow(principals, sub("arn:aws:iam::${AWS::AccountId}:role/new/*")),
        )
        .refuted(&["role `R` of tenant `acme`", "the roles, users and policies of the account"]),
        tenant(
            "secret",
            "one tenant's id begins another's",
            of_type("AWS::SecretsManager::Secret", json!({ "Name": sub("t/${TenantId}/db") })),
            allow(json!("secretsmanager:GetSecretValue"), sub("arn:aws:secretsmanager:*:*:secret:t/${TenantId}*")),
        )
        .refuted(&["`secretsmanager:GetSecretValue`", "of tenant `acmee`"]),
        tenant(
            "database",
            "a cluster is reached by the ARN of its users",
            of_type("AWS::RDS::DBCluster", json!({ "DBClusterIdentifier": sub("db-${TenantId}") })),
            allow(json!(["rds-db:connect", "rds-data:ExecuteStatement"]), json!("*")),
        )
        .refuted(&["`rds-db:connect`", "`It` of tenant `globex`"]),
        tenant(
            "identities",
            "a pool of identities is its tenant's",
            of_type("AWS::Cognito::IdentityPool", json!({ "AllowUnauthenticatedIdentities": true })),
            allow(json!("cognito-identity:*"), json!("*")),
        )
        .refuted(&["`cognito-identity:", "`It` of tenant `globex`"]),
    ]
}

/// A shared stack with a resource `It`, and a role `R` that may do something.
fn granted(name: &'static str, shows: &'static str, it: (Value, Value), actions: Value, resource: &str) -> Case {
    let template = json!({ "It": it.0, "R": role(json!([allow(actions, json!(resource))])) });
    Case::new(name, shows).shared(template, json!({ "It": it.1 }), product())
}

fn of_actions() -> Vec<Case> {
    let files = || (bucket(), files()["Files"].clone());
    let orders = || (table(), items());
    let streamed = with(table(), json!({ "StreamSpecification": { "StreamViewType": "NEW_IMAGE" } }));
    let policies = json!([{
        "PolicyName": "p", "PolicyDocument": document(json!([allow(json!("s3:PutObject"), json!("*"))])),
    }]);
    let user = json!({ "Type": "AWS::IAM::User", "Properties": { "UserName": "u", "Policies": policies } });
    let alias = json!({
        "Type": "AWS::KMS::Alias", "Properties": { "AliasName": "alias/x", "TargetKeyId": { "Ref": "K" } },
    });
    let update = allow(json!("kms:UpdateAlias"), json!("arn:aws:kms:*:*:alias/*"));
    vec![
        granted(
            "stream",
            "a table's stream holds all items",
            (streamed, items()),
            json!(["dynamodb:GetRecords", "dynamodb:GetShardIterator"]),
            "arn:aws:dynamodb:*:*:table/orders/stream/*",
        )
        .refuted(&["role `R`", "`dynamodb:GetRecords`", "all items of `It`"]),
        granted(
            "backup",
            "a table's backup holds all items",
            orders(),
            json!(["dynamodb:RestoreTableFromBackup", "dynamodb:DescribeBackup"]),
            "arn:aws:dynamodb:*:*:table/orders/backup/*",
        )
        .refuted(&["role `R`", "`dynamodb:RestoreTableFromBackup`", "all items of `It`"]),
        granted("grants", "who makes grants uses the key", (key(), context()), json!("kms:CreateGrant"), "*")
            .refuted(&["role `R`", "`kms:CreateGrant`", "the settings of `It`"]),
        Case::new("alias-of-a-key", "who moves an alias says what is encrypted with which key")
            .shared(
                json!({ "K": key(), "Name": alias, "R": role(json!([update])) }),
                json!({ "K": context() }),
                product(),
            )
            .refuted(&["role `R`", "`kms:UpdateAlias`", "the settings of `Name`"]),
        granted(
            "code",
            "who changes the code of a function has its role",
            (function(), application()),
            json!("lambda:UpdateFunctionCode"),
            "arn:aws:lambda:*:*:function:api",
        )
        .refuted(&["role `R`", "`lambda:UpdateFunctionCode`", "the settings of `It`"]),
        Case::new("access-keys", "who makes a user's access keys is the user")
            .shared(
                json!({
                    "Files": bucket(), "U": user,
                    "R": role(json!([allow(json!("iam:CreateAccessKey"), json!("*"))])),
                }),
                super::template::files(),
                product(),
            )
            .refuted(&["role `R`", "`iam:CreateAccessKey`", "the settings of `U`"]),
        granted("lists-of-access", "who writes lists of access gives it", files(), json!("s3:PutBucketAcl"), "*")
            .refuted(&["role `R`", "`s3:PutBucketAcl`", "the settings of `It`"]),
        granted(
            "copies",
            "who sets up replication copies everything",
            files(),
            json!("s3:PutReplicationConfiguration"),
            "*",
        )
        .refuted(&["role `R`", "`s3:PutReplicationConfiguration`", "the settings of `It`"]),
        granted(
            "access-point",
            "objects are reached through access points, too",
            files(),
            json!(["s3:CreateAccessPoint", "s3:PutAccessPointPolicy", "s3:GetObject"]),
            "arn:aws:s3:*:*:accesspoint/*",
        )
        .refuted(&["role `R`", "`s3:GetObject`", "objects of tenant"]),
        granted("stacks", "who works on stacks has all that is in them", files(), json!("cloudformation:*"), "*")
            .refuted(&["role `R`", "`cloudformation:", "the stack shared"]),
        granted("users", "who gives a user policies has the account", files(), json!("iam:AttachUserPolicy"), "*")
            .refuted(&["role `R`", "`iam:AttachUserPolicy`", "the roles, users and policies of the account"]),
    ]
}

#[test]
fn whoever_may_ask_is_asked_about() {
    check(&of_sessions());
    check(&of_outsiders());
    check(&of_targets());
    check(&of_actions());
}
