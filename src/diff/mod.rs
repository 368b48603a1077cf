//! What will happen to whom: two assemblies compared by what CloudFormation would do, not by their text.

pub mod access;
pub mod acknowledge;
pub mod change;
mod evaluate;
pub mod findings;
pub mod fleet;
pub mod report;
pub mod stack;
mod symbolic;
pub mod template;
pub mod tenant;
mod tree;

pub use change::{Access, Action, Data, PropertyChange, ResourceChange};
pub use fleet::{Diff, Group, Options, compare};
pub use stack::{StackAction, StackChange, stacks_of};
