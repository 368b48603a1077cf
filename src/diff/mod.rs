//! What will happen to whom: two assemblies compared by what CloudFormation would do, not by their text.

pub mod access;
pub mod change;

pub use change::{Access, Action, Data, PropertyChange, ResourceChange};
