//! The domain: tenants, tiers, cells, components and guardrails, with their invariants in the constructors.

pub mod guardrail;
mod id_language;
mod names;

pub use guardrail::{Exemptions, Guardrail};
pub use id_language::IdLanguage;
pub use names::{AccountId, BlueprintName, CellName, ComponentName, NameError, Region, TenantId, TierName};
