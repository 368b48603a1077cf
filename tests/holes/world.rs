//! Of what is deployed: policies that are easily passed over, and names that two things have.

use serde_json::{Value, json};

use super::template::*;
use super::{Case, check};

fn unread() -> Vec<Case> {
    let everything = json!([{
        "PolicyName": "p",
        "PolicyDocument": document(json!([allow(json!("s3:*"), json!("*"))])),
    }]);
    let tag = json!([{ "Key": "TenantId", "Value": either(json!("globex"), json!("x")) }]);
    let own = allow(json!("s3:PutObject"), json!("arn:aws:s3:::acme-files/${aws:PrincipalTag/TenantId}/*"));
    let writers = json!({ "Rules": [{ "ObjectOwnership": "ObjectWriter" }] });
    let enforced = json!({ "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] });
    let included = json!({ "Fn::Transform": { "Name": "AWS::Include", "Parameters": { "Location": "s3://b/k" } } });
    vec![
        Case::new("policies", "which policies a role has is open")
            .shared(
                either_template(json!({
                    "Files": bucket(),
                    "R": with(bare_role(), json!({ "Policies": either(json!([]), everything) })),
                })),
                files(),
                product(),
            )
            .unknown(&["a policy of `R`", "the condition `Prod` is open"]),
        Case::new("tags", "which tags a role has is open")
            .shared(
                either_template(json!({ "Files": bucket(), "R": with(role(json!([own])), json!({ "Tags": tag })) })),
                files(),
                product(),
            )
            .unknown(&["what `R` is", "the condition `Prod` is open"]),
        Case::new("properties", "a macro makes all of a role")
            .shared(
                json!({ "Files": bucket(), "R": { "Type": "AWS::IAM::Role", "Properties": included } }),
                files(),
                product(),
            )
            .unknown(&["what `R` is", "a macro"]),
        Case::new("lists-of-access", "whether access control lists are off is open")
            .shared(
                either_template(json!({
                    "Files": with(bucket(), json!({ "OwnershipControls": either(writers, enforced) })),
                })),
                files(),
                json!({}),
            )
            .unknown(&["what `Files` is", "the condition `Prod` is open"]),
        Case::new("groups", "the policies of a user's groups are not its own")
            .shared(
                json!({
                    "Files": bucket(),
                    "U": { "Type": "AWS::IAM::User", "Properties": { "Groups": ["Administrators"] } },
                }),
                files(),
                json!({}),
            )
            .unknown(&["`U` is in a group"]),
    ]
}

/// A stack with one resource that only code keeps apart, and another that lets everybody in.
fn open(resource: Value, door: Value) -> (Value, Value, Value) {
    (json!({ "It": resource, "Door": door }), json!({ "It": application() }), json!({}))
}

fn attached() -> Vec<Case> {
    let case = |name, shows, (template, owners, roles)| Case::new(name, shows).shared(template, owners, roles);
    let everybody = |actions: &str| document(json!([grant(json!("*"), json!(actions), json!("*"))]));
    let topic = || json!({ "Type": "AWS::SNS::Topic", "Properties": { "TopicName": "news" } });
    let attached = |kind: &str, properties: Value| json!({ "Type": kind, "Properties": properties });
    let replica = attached(
        "AWS::KMS::ReplicaKey",
        json!({
            "PrimaryKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/mrk-1",
            "KeyPolicy": document(json!([grant(json!("*"), json!("kms:*"), json!("*"))])),
        }),
    );
    let global = attached(
        "AWS::DynamoDB::GlobalTable",
        json!({
            "TableName": "g",
            "Replicas": [{ "Region": "eu-west-1", "ResourcePolicy": { "PolicyDocument": everybody("dynamodb:*") } }],
        }),
    );
    let alias = json!({ "FunctionName": { "Ref": "It" }, "FunctionVersion": "1", "Name": "live" });
    let permission = |function: Value| {
        attached(
            "AWS::Lambda::Permission",
            json!({ "FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "*" }),
        )
    };
    vec![
        case(
            "queue-inline",
            "a queue's inline policy is a policy of the queue",
            open(
                queue(),
                attached(
                    "AWS::SQS::QueueInlinePolicy",
                    json!({ "Queue": { "Ref": "It" }, "PolicyDocument": everybody("sqs:*") }),
                ),
            ),
        )
        .refuted(&["outside the organization", "what tenants keep in `It`", "/Resources/Door/"]),
        case(
            "topic-inline",
            "a topic's inline policy is a policy of the topic",
            open(
                topic(),
                attached(
                    "AWS::SNS::TopicInlinePolicy",
                    json!({ "TopicArn": { "Ref": "It" }, "PolicyDocument": everybody("sns:*") }),
                ),
            ),
        )
        .refuted(&["outside the organization", "what tenants keep in `It`", "/Resources/Door/"]),
        Case::new("replica-key", "a replica of a key has a policy")
            .shared(json!({ "K": replica }), json!({ "K": application() }), json!({}))
            .refuted(&["outside the organization", "`kms:Decrypt`", "/Resources/K/"]),
        Case::new("global-table", "a replica of a table may have a policy")
            .shared(json!({ "G": global }), json!({ "G": application() }), json!({}))
            .unknown(&["`G` holds a policy", "AWS::DynamoDB::GlobalTable are not read"]),
        case(
            "logs",
            "a policy of the account's logs may be one of each log group",
            open(
                attached("AWS::Logs::LogGroup", json!({ "LogGroupName": "/a/b" })),
                attached(
                    "AWS::Logs::ResourcePolicy",
                    json!({ "PolicyName": "x", "PolicyDocument": everybody("logs:*").to_string() }),
                ),
            ),
        )
        .unknown(&["`Door` grants on everything of the account"]),
        case(
            "bus",
            "a bus's policy has an old form",
            open(
                attached("AWS::Events::EventBus", json!({ "Name": "bus" })),
                attached(
                    "AWS::Events::EventBusPolicy",
                    json!({ "EventBusName": "bus", "StatementId": "x", "Action": "events:PutEvents", "Principal": "*" }),
                ),
            ),
        )
        .unknown(&["`Door` grants on a bus", "in a form that is not read"]),
        case(
            "permission",
            "a permission may be for an alias that is in no template",
            open(function(), permission(json!("api:live"))),
        )
        .unknown(&["`Door` lets somebody call a function that is not in the template"]),
        Case::new("alias", "who may call a function by its alias may call the function")
            .shared(
                json!({
                    "It": function(), "Door": permission(json!({ "Ref": "Live" })),
                    "Live": { "Type": "AWS::Lambda::Alias", "Properties": alias },
                }),
                json!({ "It": application() }),
                json!({}),
            )
            .refuted(&["`lambda:InvokeFunction`", "what tenants keep in `It`", "/Resources/Door"]),
    ]
}

fn names() -> Vec<Case> {
    let puts = || grant(json!("*"), json!("s3:PutObject"), json!(OBJECTS));
    let sub = |text: &str| json!({ "Fn::Sub": text });
    let orders = |name: &str| json!({ "Type": "AWS::DynamoDB::Table", "Properties": { "TableName": sub(name) } });
    let digest = json!({ "cellDigest": { "length": 12 } });
    let of_cell = json!({
        "Parameters": { "CellDigest": { "Type": "String" } },
        "Resources": { "T": orders("orders-${CellDigest}") },
    });
    let own = |file: &str| {
        Case::new("stems", "two templates with like names are two")
            .deployed(
                file,
                json!({ "Files": bucket(), "R": role(json!([allow(json!("s3:PutObject"), json!("*"))])) }),
                json!({ "scope": "shared", "owners": files(), "roles": product() }),
            )
            .refuted(&["role `R`", "`s3:PutObject`"])
    };
    vec![
        Case::new("one-name", "a topic with the bucket's name does not get the bucket's policy")
            .shared(
                json!({
                    "T": { "Type": "AWS::SNS::Topic", "Properties": { "TopicName": "acme-files" } },
                    "Files": bucket(),
                    "Doors": bucket_policy(puts()),
                }),
                json!({ "Files": files()["Files"], "T": platform() }),
                json!({}),
            )
            .refuted(&["outside the organization", "objects of tenant"]),
        Case::new("cell-digest", "a tenant's stack is told the digest of its own cell")
            .deployed(
                "shared.json",
                of_cell,
                json!({ "scope": "shared", "owners": { "T": items() }, "parameters": { "CellDigest": digest } }),
            )
            .tenant_with(
                json!({
                    "R": role(json!([allow(
                        json!("dynamodb:*"),
                        sub("arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/orders-${CellDigest}"),
                    )])),
                }),
                json!({ "parameters": { "CellDigest": digest } }),
            )
            .refuted(&["role `R` of tenant `acme`", "items of tenant `globex` in `T`"]),
        Case::new("tenant-text", "a label holds whatever its parameter allows, another's prefix too")
            .shared(
                json!({ "Files": bucket() }),
                json!({ "Files": { "objectKey": { "pattern": "xx/${tenant}/*" } } }),
                json!({}),
            )
            .tenant_with(
                json!({ "R": role(json!([allow(json!("s3:*"), sub("arn:aws:s3:::acme-files/x${Label}"))])) }),
                json!({ "parameters": { "Label": "tenantText" } }),
            )
            .unknown(&["acme-files/x", "Label of tenant A", "objects of tenant B"]),
        Case::new("other-region", "another cell may be in another region")
            .shared(
                json!({
                    "T": orders("orders-${AWS::StackName}"),
                    "R": role(json!([
                        allow(json!("dynamodb:PutItem"), json!("*")),
                        deny(json!("dynamodb:*"), sub("arn:aws:dynamodb:${AWS::Region}:*:table/*")),
                    ])),
                }),
                json!({ "T": items() }),
                product(),
            )
            .refuted(&["role `R`", "`dynamodb:PutItem`", "in `T` of another cell"]),
        own("cell.basic.json").deployed(
            "cell.pro.json",
            json!({ "Files": bucket(), "R": bare_role() }),
            json!({ "scope": "shared", "owners": files(), "roles": product() }),
        ),
    ]
}

#[test]
fn nothing_that_is_deployed_is_passed_over() {
    check(&unread());
    check(&attached());
    check(&names());
}
