//! Steps that take what was rendered and give back the same, smaller or safer. Each runs once, in a fixed order.

pub mod limits;
pub mod pack;
pub mod policies;
pub mod retention;
pub mod tagging;
pub mod validate;
