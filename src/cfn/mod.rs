//! CloudFormation's vocabulary: templates, typed expressions, policy documents, resource types, and the actions of IAM.

pub mod catalogue;
pub mod expr;
mod json;
mod logical_id;
mod pack;
pub mod policy;
mod resource;
pub mod schema;
pub mod types;

pub use expr::{Expr, Node, Pseudo};
pub use json::Json;
pub use logical_id::LogicalId;
pub use resource::{Resource, Tag};
