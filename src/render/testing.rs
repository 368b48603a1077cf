//! What components become, for the tests beside them.

use serde_json::Value;

use crate::blueprint::lower;
use crate::diagnostics::{Sink, SourceMap};
use crate::ir::{StackGraph, TierGraph};
use crate::model::Sharing;
use crate::source::read;

/// A tier of one isolation model, rendered. `tier` is the rest of its entry, without indentation.
pub(super) fn render(isolation: &str, tier: &str) -> TierGraph {
    let indented: String = tier.trim().lines().map(|line| format!("    {line}\n")).collect();
    let text = format!(
        "tenantry: 1\nblueprint: shop\nowner: o\ncost_center: c\ncells: [{{ cell: eu-1, region: eu-west-1, account: '111111111111' }}]\n\
         tiers:\n  - tier: gold\n    isolation: {isolation}\n{indented}"
    );
    let mut sink = Sink::new();
    let tree = read("test.yaml", text.as_bytes(), &mut SourceMap::default(), &mut sink);
    let model = tree.and_then(|tree| lower(&tree, &mut sink));
    assert!(sink.is_empty(), "{:?}", sink.into_sorted());
    let model = model.unwrap();
    super::tier(&model, &model.tiers[0])
}

/// The stack with what a tenant of a silo tier has to itself.
pub(super) fn siloed(tier: &str) -> Rendered {
    Rendered(render("silo", tier).tenant.unwrap())
}

/// The stack with what the tenants of a pool tier share.
pub(super) fn pooled(tier: &str) -> Rendered {
    let stack = render("pool", tier).cell.unwrap();
    assert_eq!(stack.sharing, Sharing::Pooled);
    Rendered(stack)
}

/// A stack, to be asked.
pub(super) struct Rendered(pub(super) StackGraph);

impl Rendered {
    /// The types of its resources, in order.
    pub(super) fn types(&self) -> Vec<&str> {
        self.0.nodes.iter().map(|node| node.type_name.trim_start_matches("AWS::")).collect()
    }

    /// The value at a JSON pointer in the properties of the only resource of a type.
    pub(super) fn get(&self, type_name: &str, pointer: &str) -> Value {
        let mut nodes = self.0.nodes.iter().filter(|node| node.type_name == format!("AWS::{type_name}"));
        let node = nodes.next().unwrap_or_else(|| panic!("no {type_name} in {:?}", self.types()));
        assert!(nodes.next().is_none(), "more than one {type_name}");
        Value::Object(node.properties.clone()).pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// The properties of a component's resource whose logical id begins with the text.
    pub(super) fn node(&self, beginning: &str) -> Value {
        let node = self.0.nodes.iter().find(|node| node.id.as_str().starts_with(beginning));
        Value::Object(node.unwrap_or_else(|| panic!("no {beginning}")).properties.clone())
    }
}
