//! An event bus: `AWS::Events::EventBus`, with an `AWS::Events::Archive` where events are kept.

use super::context::Context;
use crate::cfn::policy::{Statement, place::Identity};
use crate::cfn::types::events;
use crate::cfn::{Expr, LogicalId, Node};
use crate::model::Attribute;
use crate::model::component::EventBus;

pub(super) fn render(bus: &EventBus, cx: &mut Context<'_>) {
    let id = cx.add("bus", &events::EventBus::new(cx.physical_name("", 256)));
    if let Some(days) = bus.archive_days {
        let archive = events::Archive::new(Expr::get_att(&id, "Arn")).retention_days(days);
        cx.add("archive", &archive);
    }
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    match attribute {
        Attribute::Name => Some(Node::Ref(id("bus"))),
        Attribute::Arn => Some(Node::GetAtt(id("bus"), "Arn".into())),
        _ => None,
    }
}

pub(super) fn grant(arn: &Node) -> Vec<Statement<Identity>> {
    vec![Statement::<Identity>::allow(["events:PutEvents"], [arn.clone()])]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pooled, siloed};

    #[test]
    fn events_are_kept_where_asked_for() {
        assert_eq!(siloed("components: [{ event_bus: Events }]").types(), ["Events::EventBus"]);
        let stack = pooled("components: [{ event_bus: Events, partition_by: tenantId, archive_days: 7 }]");
        assert_eq!(stack.types(), ["Events::EventBus", "Events::Archive"]);
        assert_eq!(stack.get("Events::Archive", "/RetentionDays"), 7);
    }

    #[test]
    fn sending_is_to_the_one_bus() {
        let stack = siloed(
            "components: [{ event_bus: Events }, { function: Api, code: { inline: x } }]\nallow: [{ from: Api, access: send, to: Events }]",
        );
        let statement = &stack.node("ApiRole")["Policies"][0]["PolicyDocument"]["Statement"][1];
        assert_eq!(statement["Action"], "events:PutEvents");
        assert_eq!(statement["Resource"]["Fn::GetAtt"][1], "Arn");
    }
}
