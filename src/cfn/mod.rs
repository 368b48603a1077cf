//! CloudFormation's vocabulary: templates, typed expressions, policy documents and resource types.

pub mod expr;
mod logical_id;
pub mod policy;

pub use expr::{Expr, Node, Pseudo};
pub use logical_id::LogicalId;
