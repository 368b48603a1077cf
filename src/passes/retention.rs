//! Retention: what holds data outlives its stack and its replacement.

use crate::cfn::schema::Validator;
use crate::ir::StackGraph;

/// Marks the resources of stateful types: `DeletionPolicy` and `UpdateReplacePolicy` become `Retain`. Both are
/// needed: the first is for a stack or resource that is deleted, the second for one that is replaced.
pub fn run(stack: &mut StackGraph, types: &mut Validator) {
    for node in &mut stack.nodes {
        node.retain = types.facts(&node.type_name).is_some_and(|facts| facts.is_stateful());
    }
}
