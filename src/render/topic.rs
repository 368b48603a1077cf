//! A topic: `AWS::SNS::Topic` with its `AWS::SNS::TopicPolicy`.

use super::access::via_key;
use super::context::Context;
use crate::cfn::expr::kind::Text;
use crate::cfn::policy::{Operator, Principal, ResourcePolicy, Statement, place, place::Identity};
use crate::cfn::types::sns;
use crate::cfn::{Expr, Json, LogicalId, Node, Pseudo};
use crate::model::component::Topic;
use crate::model::{Access, Attribute, Body, ComponentName, Tier};

/// Whether alarms of the tier tell the topic.
pub(super) fn is_told_by_alarms(tier: &Tier, topic: &ComponentName) -> bool {
    tier.members
        .iter()
        .any(|member| matches!(&member.component.body, Body::Alarms(alarms) if alarms.notify.as_ref() == Some(topic)))
}

pub(super) fn render(topic: &Topic, cx: &mut Context<'_>) {
    let key = match &topic.encrypt_with {
        Some(key) => Expr::<Text>::from_node(cx.arn(key)),
        None => "alias/aws/sns".into(),
    };
    let resource = sns::Topic::new().topic_name(cx.physical_name("", 256)).kms_master_key_id(key);
    let id = cx.add("topic", &resource);
    if !topic.tls_only {
        return;
    }
    let arn = Node::Ref(id.clone());
    let mut statements = vec![
        Statement::<place::Resource>::deny(Principal::Everyone, ["sns:Publish"], [arn.clone()])
            .sid("DenyInsecureTransport")
            .when(Operator::Bool, "aws:SecureTransport", ["false"]),
    ];
    if is_told_by_alarms(cx.tier, cx.name()) {
        // A policy replaces the default one, under which alarms of the account may publish.
        statements.push(
            Statement::<place::Resource>::allow(
                Principal::Service(vec!["cloudwatch.amazonaws.com"]),
                ["sns:Publish"],
                [arn],
            )
            .sid("AllowAlarms")
            .when(Operator::StringEquals, "aws:SourceAccount", [Node::from(Pseudo::AccountId)]),
        );
    }
    let policy = ResourcePolicy::new(statements);
    cx.add("policy", &sns::TopicPolicy::new(Json::of(&policy), [Expr::<Text>::reference(&id)]));
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Name => Some(Node::GetAtt(id("topic"), "TopicName".into())),
        Attribute::Arn => Some(Node::Ref(id("topic"))),
        _ => None,
    }
}

pub(super) fn grant(topic: &Topic, cx: &Context<'_>, arn: &Node) -> Vec<Statement<Identity>> {
    let mut statements = vec![Statement::<Identity>::allow(["sns:Publish"], [arn.clone()])];
    statements.extend(via_key(cx, topic.encrypt_with.as_ref(), "sns", Access::Send));
    statements
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pooled, siloed};

    #[test]
    fn a_topic_is_encrypted_and_tls_only() {
        for stack in
            [siloed("components: [{ topic: News }]"), pooled("components: [{ topic: News, partition_by: tenantId }]")]
        {
            assert_eq!(stack.types(), ["SNS::Topic", "SNS::TopicPolicy"]);
            assert_eq!(stack.get("SNS::Topic", "/KmsMasterKeyId"), "alias/aws/sns");
            assert_eq!(stack.get("SNS::TopicPolicy", "/PolicyDocument/Statement").as_array().unwrap().len(), 1);
        }
    }

    #[test]
    fn alarms_may_publish_to_the_topic_they_tell() {
        let stack = siloed(
            "components: [{ key: Data }, { topic: Alerts, encrypt_with: Data }, { queue: Jobs }, { alarms: Watch, watch: [Jobs], notify: Alerts }]",
        );
        let statement = stack.get("SNS::TopicPolicy", "/PolicyDocument/Statement/1");
        assert_eq!(statement["Principal"]["Service"], "cloudwatch.amazonaws.com");
        assert!(statement["Condition"].to_string().contains("aws:SourceAccount"));
        let key = stack.get("KMS::Key", "/KeyPolicy/Statement/1");
        assert_eq!(key["Principal"]["Service"], "cloudwatch.amazonaws.com");
    }
}
