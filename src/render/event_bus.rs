//! An event bus: `AWS::Events::EventBus`, with an `AWS::Events::Archive` where events are kept.

use super::context::Context;
use crate::cfn::policy::{place::Identity, Statement};
use crate::cfn::types::events;
use crate::cfn::{Expr, LogicalId, Node};
use crate::model::component::EventBus;
use crate::model::Attribute;

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
