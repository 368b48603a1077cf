//! In which order a fleet changes: waves, and the limits that every wave keeps.

pub mod document;

pub use document::{
    Alarm, Gate, Obligation, Parameters, Rollout, RolloutFormat, StackSet, Step, Tolerance, Wave, Work,
};
