//! The floor: the least that synthesizing the workload can take.
//!
//! It builds the same 33 typed resources for each tenant by hand, with the tenant's values in them, serializes them
//! into a buffer that is used again, and writes each template into a fresh file. There is no blueprint, no check, no
//! manifest and no digest. What tenantry takes is compared with it.

#![forbid(unsafe_code)]

mod floor;
mod resources;

pub use floor::{TIERS, Tenant, Totals, guardrail, render, run, tenant};
pub use resources::Names;
