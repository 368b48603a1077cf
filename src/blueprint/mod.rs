//! The YAML surface: a tree is checked against the shapes, then lowered to the model.

mod components;
mod guardrails;
mod lower;
#[cfg(test)]
mod page_tests;
mod shapes;
mod tenants;
mod text;

pub use lower::lower;
pub use shapes::json_schema;
pub use tenants::{Spill, TenantSet, collect};
