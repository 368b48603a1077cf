//! The domain: tenants, tiers, cells, components and guardrails, with their invariants in the constructors.

mod blueprint;
pub mod component;
pub mod custom;
mod entitlement;
pub mod guardrail;
mod id_language;
mod names;
pub mod naming;
pub mod network;
mod parameter;
mod tenant;
mod tier;

pub use blueprint::{Acknowledgement, Model, Organization, Tenants};
pub use component::{Attribute, Body, Component};
pub use entitlement::{Entitled, Entitlement, EntitlementName};
pub use guardrail::{Exemptions, Guardrail};
pub use id_language::IdLanguage;
pub use names::{AccountId, BlueprintName, CellName, ComponentName, NameError, Region, TenantId, TierName};
pub use parameter::Parameter;
pub use tenant::{Cell, State, Tenant};
pub use tier::{Access, Boundary, Grant, Isolation, Member, Sharing, Strategy, TenantKey, Tier};
