//! Of policies as formulas: what a statement grants, and what it keeps out.

use serde_json::{Value, json};

use super::template::*;
use super::{Case, check};

/// The bucket `Files`, a role that opens sessions, and their role `S` with one statement.
fn files_and_session(statement: Value) -> Value {
    json!({ "Files": bucket(), "M": bare_role(), "S": session_role(json!([statement])) })
}

fn of_roles() -> Vec<Case> {
    let puts = |resource: &str| json!([allow(json!("s3:PutObject"), json!(resource))]);
    let session = |name: &str| json!({ "AWS": { "Fn::Sub": format!("arn:aws:sts::${{AWS::AccountId}}:{name}") } });
    vec![
        Case::new("carries", "actions that carry different keys are asked apart: only one of the two has an ACL")
            .shared(
                files_and_role(json!([only_if(
                    allow(json!(["s3:GetObject", "s3:PutObject"]), json!(OBJECTS)),
                    json!({ "StringEquals": { "s3:x-amz-acl": "private" } }),
                )])),
                files(),
                product(),
            )
            .refuted(&["role `R`", "`s3:PutObject`", "objects of tenant"]),
        Case::new("levels", "of the service control policies at one place any may allow")
            .shared(files_and_role(puts(OBJECTS)), files(), product())
            .guardrail("scp", json!([allow(json!("s3:*"), json!("*"))]))
            .guardrail("scp", json!([allow(json!("dynamodb:*"), json!("*"))]))
            .refuted(&["role `R`", "`s3:PutObject`"]),
        Case::new("deny-session", "who refuses one session of a role refuses no other")
            .shared(
                json!({
                    "Files": bucket(),
                    "R": with(role(puts(OBJECTS)), json!({ "RoleName": "R" })),
                    "Doors": bucket_policy(json!({
                        "Effect": "Deny", "Principal": session("assumed-role/R/alice"), "Action": "s3:*",
                        "Resource": "*",
                    })),
                }),
                files(),
                product(),
            )
            .refuted(&["role `R`", "`s3:PutObject`", "/Resources/R/"]),
        Case::new("session-path", "ARNs of sessions have no path, though their role has one")
            .shared(
                json!({
                    "Files": bucket(),
                    "R": with(bare_role(), json!({ "RoleName": "R", "Path": "/app/" })),
                    "Doors": bucket_policy(grant(session("assumed-role/R/alice"), json!("s3:*"), json!(OBJECTS))),
                }),
                files(),
                product(),
            )
            .refuted(&["role `R`", "/Resources/Doors/"]),
        Case::new("deny-any-session", "whatever the session is called that is refused")
            .shared(
                json!({
                    "Files": bucket(),
                    "R": with(role(puts(OBJECTS)), json!({ "RoleName": "R" })),
                    "Doors": bucket_policy(json!({
                        "Effect": "Deny", "Principal": session("assumed-role/R/session"), "Action": "s3:*",
                        "Resource": "*",
                    })),
                }),
                files(),
                product(),
            )
            .refuted(&["role `R`", "`s3:PutObject`", "/Resources/R/"]),
        Case::new("tag-default", "a tag's default is a tenant's id")
            .shared(
                files_and_role(puts("arn:aws:s3:::acme-files/${aws:PrincipalTag/TenantId, 'shared'}/*")),
                files(),
                product(),
            )
            .refuted(&["objects of tenant `shared`"]),
        Case::new("not-action", "what `NotAction` leaves is granted")
            .shared(
                files_and_role(json!([{ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" }])),
                files(),
                product(),
            )
            .refuted(&["role `R`", "objects of tenant"]),
        Case::new("partition", "the partition is `aws`, however it is written")
            .shared(
                files_and_role(json!([allow(
                    json!("s3:PutObject"),
                    json!({ "Fn::Sub": "arn:${AWS::Partition}:s3:::acme-files/*" }),
                )])),
                files(),
                product(),
            )
            .refuted(&["role `R`", "`s3:PutObject`"]),
    ]
}

fn of_conditions() -> Vec<Case> {
    let lists = || allow(json!("s3:ListBucket"), json!("arn:aws:s3:::acme-files"));
    let early = json!({
        "Effect": "Allow", "Action": "sqs:ReceiveMessage", "NotResource": "arn:aws:sqs:*:${aws:PrincipalAccount}:*",
    });
    let star = json!({ "Type": "String", "AllowedValues": ["*", "b"] });
    vec![
        Case::new("any-empty", "whether an empty prefix is a value for `ForAnyValue` is disputed")
            .shared(
                files_and_role(json!([
                    only_if(lists(), json!({ "Null": { "s3:prefix": "false" } })),
                    only_if(
                        deny(json!("s3:ListBucket"), json!("*")),
                        json!({ "ForAnyValue:StringNotLike": { "s3:prefix": "shared-%/*" } }),
                    ),
                ])),
                files(),
                product(),
            )
            .refuted(&["`s3:ListBucket`", "the names of tenant"]),
        Case::new("any-if-exists", "`ForAnyValue` with `IfExists` need not hold without the key")
            .shared(
                files_and_role(json!([
                    lists(),
                    only_if(
                        deny(json!("s3:ListBucket"), json!("*")),
                        json!({ "ForAnyValue:StringLikeIfExists": { "s3:prefix": "*" } }),
                    ),
                ])),
                files(),
                product(),
            )
            .refuted(&["`s3:ListBucket`", "the names of tenant"]),
        Case::new("all-empty", "`ForAllValues` holds where no key is named")
            .shared(
                json!({
                    "T": table(),
                    "R": role(json!([only_if(
                        allow(json!("dynamodb:PartiQLSelect"), json!("arn:aws:dynamodb:*:*:table/orders")),
                        json!({ "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "shared%" } }),
                    )])),
                }),
                json!({ "T": items() }),
                product(),
            )
            .refuted(&["`dynamodb:PartiQLSelect`", "by a request that names no key"]),
        Case::new("early-variable", "whether a variable before the fifth colon is replaced is disputed")
            .shared(json!({ "Q": queue(), "R": role(json!([early])) }), json!({ "Q": application() }), product())
            .refuted(&["role `R`", "`sqs:ReceiveMessage`"]),
        Case::new("kelvin", "how letters beyond ASCII are compared without case is not known")
            .shared(
                files_and_session(only_if(
                    lists(),
                    json!({ "StringEqualsIgnoreCase": { "s3:prefix": "${aws:PrincipalTag/TenantId}/" } }),
                )),
                files(),
                sessions(),
            )
            .unknown(&["letters beyond ASCII", "a session of tenant A in role `S`"]),
        Case::new("star-left-out", "a parameter that may be a wildcard may leave out less than everything")
            .shared(
                json!({
                    "Parameters": { "Scope": star.clone() },
                    "Resources": files_and_role(json!([{
                        "Effect": "Allow", "Action": "s3:PutObject", "NotResource": { "Fn::Sub": "arn:aws:s3:::${Scope}" },
                    }])),
                }),
                files(),
                product(),
            )
            .refuted(&["role `R`", "`s3:PutObject`", "objects of tenant"]),
        Case::new("star-parameter", "a parameter that may be `*` is a wildcard where it stands in a pattern")
            .shared(
                json!({
                    "Parameters": { "Scope": star },
                    "Resources": files_and_role(json!([allow(
                        json!("s3:PutObject"),
                        json!({ "Fn::Sub": "arn:aws:s3:::${Scope}" }),
                    )])),
                }),
                files(),
                product(),
            )
            .unknown(&["Scope of shared", "role `R`", "objects of tenant B"]),
    ]
}

fn of_principals() -> Vec<Case> {
    let puts = |principal: Value| grant(principal, json!("s3:PutObject"), json!(OBJECTS));
    let canonical = json!({ "CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be" });
    let somebody = canonical.clone();
    let id = json!({ "AWS": { "Fn::GetAtt": ["R", "RoleId"] } });
    let tagged =
        with(role(json!([allow(json!("s3:*"), json!("*"))])), json!({ "Tags": [{ "Key": "x", "Value": "y" }] }));
    let federated = json!({
        "Federated": { "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:oidc-provider/token.actions.githubusercontent.com" },
    });
    let from_outside = json!({
        "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" }, "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": "x" } },
    });
    let token = json!({
        "Effect": "Allow", "Principal": federated, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": { "token.actions.githubusercontent.com:sub": "repo:x/y:ref:refs/heads/main" } },
    });
    vec![
        Case::new("canonical-user", "a canonical user may be any account, tenant A's too")
            .shared(
                files_with(only_if(
                    puts(canonical),
                    json!({ "StringEquals": { "aws:PrincipalTag/x": "y" }, "StringNotLike": { "aws:PrincipalAccount": "9*" } }),
                )),
                files(),
                json!({}),
            )
            .tenant_with(json!({ "R": tagged }), json!({ "accounts": "own" }))
            .unknown(&["acme-files", "objects of tenant B"]),
        Case::new("canonical-user-refused", "who refuses one canonical user refuses no other account")
            .shared(
                json!({
                    "Files": bucket(),
                    "Doors": {
                        "Type": "AWS::S3::BucketPolicy",
                        "Properties": {
                            "Bucket": { "Ref": "Files" },
                            "PolicyDocument": document(json!([
                                only_if(
                                    puts(json!("*")),
                                    json!({ "StringEquals": { "aws:PrincipalOrgID": "o-a1b2c3d4e5" } }),
                                ),
                                { "Effect": "Deny", "Principal": somebody, "Action": "s3:*", "Resource": "*" },
                            ])),
                        },
                    },
                }),
                files(),
                json!({}),
            )
            .refuted(&["a principal of an account", "`s3:PutObject`"]),
        Case::new("principal-id", "who has an id that a service made up is not known")
            .shared(
                json!({ "Files": bucket(), "R": bare_role(), "Doors": bucket_policy(puts(id)) }),
                files(),
                product(),
            )
            .unknown(&["whose the id `⟨RoleId of R in shared⟩` is", "role `R`"]),
        Case::new("somebodys-id", "an id that stands in a policy is somebody's")
            .shared(files_with(puts(json!({ "AWS": "AROAABCDEFGHIJKLMNOPQ" }))), files(), json!({}))
            .unknown(&["whose the id `AROAABCDEFGHIJKLMNOPQ` is", "objects of tenant B"]),
        Case::new("somebodys-role", "a role of an account that a policy names is somebody's")
            .shared(files_with(puts(json!({ "AWS": "arn:aws:iam::123456789012:role/x" }))), files(), json!({}))
            .refuted(&["a principal of an account", "objects of tenant"]),
        Case::new("identity-pool", "what a pool's tokens hold is in no policy")
            .shared(files_with(puts(json!({ "Federated": "cognito-identity.amazonaws.com" }))), files(), json!({}))
            .unknown(&["`cognito-identity.amazonaws.com` vouches for its own users"]),
        Case::new("tokens", "what an identity provider's tokens hold is in no policy")
            .shared(json!({ "Files": bucket(), "R": trusted(json!([token]), json!([])) }), files(), product())
            .unknown(&["vouches for its own users", "a session in role `R`"]),
        Case::new("other-account", "an account that a trust policy names is somebody's")
            .shared(json!({ "Files": bucket(), "R": trusted(json!([from_outside]), json!([])) }), files(), product())
            .refuted(&["a principal of an account", "`sts:AssumeRole`", "a session in role `R`"]),
    ]
}

#[test]
fn a_statement_grants_no_less_than_it_may() {
    check(&of_roles());
    check(&of_conditions());
    check(&of_principals());
}
