//! Carrying a rollout out.
//!
//! [`cloud`] is what AWS can be asked to do; `aws.rs`, behind the feature `deploy`, asks it. [`material`] puts a rollout
//! and its assembly together, [`preflight`] looks whether they can be carried out, [`engine`] does it, and [`steps`] knows
//! what each kind of step asks. [`journal`] is what makes a run that was killed go on. [`status`] and [`drift`] look at
//! what is there.

pub mod clock;
pub mod cloud;
pub mod engine;
pub mod journal;
pub mod material;
pub mod names;
pub mod pace;
pub mod steps;
