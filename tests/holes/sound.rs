//! What looks like a hole and is none, or is outside of what is claimed.

use serde_json::{Value, json};

use super::template::*;
use super::{Case, check};

const OWN: &str = "arn:aws:s3:::acme-files/${aws:PrincipalTag/TenantId}/*";

fn cases() -> Vec<Case> {
    let own = || allow(json!("s3:PutObject"), json!(OWN));
    let with_sessions = |statements: Value| {
        let template = json!({ "Files": bucket(), "M": bare_role(), "S": session_role(statements) });
        (template, files(), sessions())
    };
    let case = |name, shows, (template, owners, roles)| Case::new(name, shows).shared(template, owners, roles);
    let boundary = json!({
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": { "PolicyDocument": document(json!([allow(json!("logs:*"), json!("*"))])) },
    });
    let cut = with(
        role(json!([allow(json!("s3:PutObject"), json!(OBJECTS))])),
        json!({ "PermissionsBoundary": { "Ref": "Boundary" } }),
    );
    let account = json!({ "AWS": { "Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root" } });
    let for_admins = json!({
        "Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole",
        "Condition": { "StringLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/admin*" } },
    });
    let bob = json!({ "AWS": { "Fn::Sub": "arn:aws:sts::${AWS::AccountId}:federated-user/bob" } });
    let mappings = json!(["lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping"]);
    let machines = json!(["ssm:SendCommand", "ssm:StartSession", "ec2:*"]);
    let to = |resource: Value| json!([allow(json!("s3:PutObject"), resource)]);
    vec![
        case("own-prefix", "sessions that reach their own prefix", with_sessions(json!([own()]))).proved(),
        case(
            "chained",
            "sessions that may open sessions, where no trust policy lets them",
            with_sessions(json!([allow(json!("sts:AssumeRole"), json!("*")), own()])),
        )
        .proved(),
        Case::new("boundary", "a boundary cuts what a role's policies grant")
            .shared(json!({ "Files": bucket(), "R": cut, "Boundary": boundary }), files(), product())
            .proved(),
        Case::new("two-stacks", "a tenant's role that reaches its own prefix in a shared bucket")
            .shared(json!({ "Files": bucket() }), files(), json!({}))
            .tenant(json!({ "R": role(to(json!({ "Fn::Sub": "arn:aws:s3:::acme-files/${TenantId}/*" }))) }))
            .proved(),
        Case::new("administrators", "people of the account are not asked about")
            .shared(json!({ "Files": bucket(), "R": trusted(json!([for_admins]), json!([])) }), files(), product())
            .proved(),
        Case::new("federated-user", "nor are those whom users of the account vouch for")
            .shared(
                json!({
                    "Files": bucket(),
                    "U": { "Type": "AWS::IAM::User", "Properties": { "UserName": "u" } },
                    "Doors": bucket_policy(grant(bob, json!("s3:PutObject"), json!(OBJECTS))),
                }),
                files(),
                json!({}),
            )
            .proved(),
        Case::new("event-source-mappings", "a new mapping is in no template")
            .shared(
                json!({ "Q": queue(), "R": role(json!([allow(mappings, json!("*"))])) }),
                json!({ "Q": application() }),
                product(),
            )
            .proved(),
        Case::new("machines", "machines are in no template")
            .shared(files_and_role(json!([allow(machines, json!("*"))])), files(), product())
            .proved(),
    ]
}

#[test]
fn what_is_safe_or_outside_the_claim_is_proved() {
    check(&cases());
}
