//! A queue: two `AWS::SQS::Queue`, one for dead letters, and an `AWS::SQS::QueuePolicy`.
//!
//! Pooled, messages carry the tenant's id as an attribute and as the message group, so that a busy tenant does not
//! starve the others. No policy can narrow a queue to one tenant's messages.

use super::access::via_key;
use super::context::Context;
use crate::cfn::expr::kind::Text;
use crate::cfn::policy::{Operator, Principal, ResourcePolicy, Statement, place, place::Identity};
use crate::cfn::types::sqs;
use crate::cfn::{Expr, Json, LogicalId, Node};
use crate::model::component::Queue;
use crate::model::{Access, Attribute};

const SECONDS_PER_DAY: u32 = 86_400;

pub(super) fn render(queue: &Queue, cx: &mut Context<'_>) {
    let encrypted = |resource: sqs::Queue| match &queue.encrypt_with {
        Some(key) => {
            resource.kms_master_key_id(Expr::<Text>::from_node(cx.arn(key))).kms_data_key_reuse_period_seconds(300_i64)
        }
        None => resource.sqs_managed_sse_enabled(true),
    };
    let dead_letters = encrypted(
        sqs::Queue::new().queue_name(cx.physical_name("dlq", 80)).message_retention_period(14 * SECONDS_PER_DAY),
    );
    let dead_letters_id = cx.id("dead-letters");
    let redrive = serde_json::json!({
        "deadLetterTargetArn": Json::of(&Node::GetAtt(dead_letters_id, "Arn".into())).into_value(),
        "maxReceiveCount": queue.max_receives,
    });
    let main = encrypted(
        sqs::Queue::new()
            .queue_name(cx.physical_name("", 80))
            .message_retention_period(queue.retention_days * SECONDS_PER_DAY)
            .visibility_timeout(queue.visibility_timeout_seconds)
            .redrive_policy(redrive),
    );
    cx.add("dead-letters", &dead_letters);
    cx.add("queue", &main);

    // One policy for both queues: `*` in a queue's policy is that queue.
    let policy =
        ResourcePolicy::new(vec![
            Statement::<place::Resource>::deny(Principal::Everyone, ["sqs:*"], ["*"])
                .sid("DenyInsecureTransport")
                .when(Operator::Bool, "aws:SecureTransport", ["false"]),
        ]);
    let queues = [Expr::<Text>::reference(&cx.id("queue")), Expr::<Text>::reference(&cx.id("dead-letters"))];
    cx.add("policy", &sqs::QueuePolicy::new(Json::of(&policy), queues));
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Name => Some(Node::GetAtt(id("queue"), "QueueName".into())),
        Attribute::Arn => Some(Node::GetAtt(id("queue"), "Arn".into())),
        Attribute::Url => Some(Node::Ref(id("queue"))),
        _ => None,
    }
}

pub(super) fn grant(queue: &Queue, cx: &Context<'_>, arn: &Node, access: Access) -> Vec<Statement<Identity>> {
    let actions = match access {
        Access::Receive => {
            vec!["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        }
        _ => vec!["sqs:GetQueueAttributes", "sqs:SendMessage"],
    };
    let mut statements = vec![Statement::<Identity>::allow(actions, [arn.clone()])];
    statements.extend(via_key(cx, queue.encrypt_with.as_ref(), "sqs", access));
    statements
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pooled, siloed};

    #[test]
    fn a_queue_has_dead_letters_encryption_and_tls() {
        for stack in [
            siloed("components: [{ queue: Jobs, max_receives: 3 }]"),
            pooled("components: [{ queue: Jobs, max_receives: 3, partition_by: tenantId }]"),
        ] {
            assert_eq!(stack.types(), ["SQS::Queue", "SQS::Queue", "SQS::QueuePolicy"]);
            let queue = stack.node("JobsQueue");
            assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 3);
            assert_eq!(queue["SqsManagedSseEnabled"], true);
            assert_eq!(stack.get("SQS::QueuePolicy", "/Queues").as_array().unwrap().len(), 2);
            assert_eq!(stack.get("SQS::QueuePolicy", "/PolicyDocument/Statement/0/Effect"), "Deny");
        }
    }

    #[test]
    fn a_key_of_the_tier_takes_the_place_of_the_managed_one() {
        let stack = siloed("components: [{ key: Data }, { queue: Jobs, encrypt_with: Data }]");
        assert_eq!(stack.node("JobsQueue")["KmsMasterKeyId"]["Fn::GetAtt"][1], "Arn");
        assert_eq!(stack.node("JobsQueue")["SqsManagedSseEnabled"], serde_json::Value::Null);
    }

    #[test]
    fn sending_and_receiving_are_two_things() {
        let stack = siloed(
            "components:\n  - { queue: Jobs }\n  - { function: In, code: { inline: x } }\n  - { function: Out, code: { inline: x }, consumes: [Jobs] }\nallow: [{ from: In, access: send, to: Jobs }]",
        );
        let of = |role: &str| stack.node(role)["Policies"][0].to_string();
        assert!(of("InRole").contains("sqs:SendMessage") && !of("InRole").contains("sqs:ReceiveMessage"));
        assert!(of("OutRole").contains("sqs:ReceiveMessage") && !of("OutRole").contains("sqs:SendMessage"));
        assert_eq!(stack.get("Lambda::EventSourceMapping", "/FunctionResponseTypes/0"), "ReportBatchItemFailures");
    }
}
