//! What will happen to whom: two assemblies compared by what CloudFormation would do, not by their text.

pub mod access;
pub mod change;
mod evaluate;
pub mod stack;
pub mod template;
mod tree;

pub use change::{Access, Action, Data, PropertyChange, ResourceChange};
pub use stack::{StackAction, StackChange, stacks_of};
