//! In which order a fleet changes: waves, and the limits that every wave keeps.
//!
//! [`plan`] makes a rollout from the difference of two assemblies, and [`prove`] looks at one, whoever made it: the two
//! share nothing but the shape of the document and of the settings. `docs/rollout.md` says what both mean.

mod alarms;
mod changes;
pub mod document;
mod organization;
mod plan;
mod prove;
pub(crate) mod sets;
mod settings;
#[cfg(test)]
mod tests;
mod values;

pub use document::{
    Alarm, Gate, Obligation, Parameters, Rollout, RolloutFormat, StackSet, Step, Tolerance, Wave, Work,
};
pub use plan::plan;
pub use prove::prove;
pub use sets::SetKey;
pub use settings::{
    AlarmPattern, Failures, Gone, Named, Permissions, Pin, Pinned, Settings, StackSets, Watched, expired, settings,
    settings_schema,
};
pub use values::Values;

/// The JSON Schema of `rollout.json`.
pub const ROLLOUT_SCHEMA: &str = include_str!("../../schemas/rollout.schema.json");
