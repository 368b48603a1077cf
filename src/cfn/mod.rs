//! CloudFormation's vocabulary: templates, typed expressions, policy documents and resource types.

pub mod expr;
mod json;
mod logical_id;
pub mod policy;
mod resource;
pub mod schema;
pub mod types;

pub use expr::{Expr, Node, Pseudo};
pub use json::Json;
pub use logical_id::LogicalId;
pub use resource::{Resource, Tag};
