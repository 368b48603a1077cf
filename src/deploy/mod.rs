//! Carrying a rollout out.
//!
//! [`cloud`] is what AWS can be asked to do; `aws`, behind the feature `deploy`, asks it. [`material`] puts a rollout
//! and its assembly together, [`engine`] carries it out, and [`steps`] knows what each kind of step asks. [`journal`] is
//! what makes a run that was killed go on. [`live`] asks what a change would do, with no means to do it.

#[cfg(feature = "deploy")]
pub mod aws;
pub mod clock;
pub mod cloud;
pub mod engine;
pub mod journal;
pub mod live;
pub mod material;
pub mod names;
pub mod pace;
pub mod steps;
