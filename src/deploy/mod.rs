//! Carrying a rollout out.
//!
//! [`cloud`] is what AWS can be asked to do; `aws.rs`, behind the feature `deploy`, asks it.

pub mod cloud;
