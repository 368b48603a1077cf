//! What several tests use.

pub mod run;
