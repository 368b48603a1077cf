//! Steps that take what was rendered and give back the same, smaller or safer. Each runs once, in a fixed order.

pub mod pack;
