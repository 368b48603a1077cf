//! The command line: what the library does, shown to people and to pipelines.

pub mod explain;
pub mod report;
