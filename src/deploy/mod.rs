//! Carrying a rollout out.
//!
//! [`cloud`] is what AWS can be asked to do; `aws`, behind the feature `deploy`, asks it. [`live`] asks what a change would
//! do, with no means to do it.
//!
//! [`material`] puts a rollout and its assembly together, [`preflight`] looks whether they can be carried out, [`engine`]
//! does it, and [`steps`] knows what each kind of step asks. [`journal`] is what makes a run that was killed go on.
//! [`watch`] is who is told. [`status`] and [`drift`] look at what is there, and [`foresee`] what a rollout would do to it.

#[cfg(feature = "deploy")]
pub mod aws;
pub mod clock;
pub mod cloud;
pub mod drift;
pub mod engine;
pub mod fleet;
pub mod foresee;
pub mod journal;
pub mod live;
pub mod material;
pub mod names;
pub mod pace;
pub mod preflight;
pub mod status;
pub mod steps;
pub mod watch;
