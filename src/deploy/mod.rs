//! Carrying a rollout out.
//!
//! [`cloud`] is what AWS can be asked to do; `aws`, behind the feature `deploy`, asks it. [`live`] asks what a change would
//! do, with no means to do it.

#[cfg(feature = "deploy")]
pub mod aws;
pub mod cloud;
pub mod live;
