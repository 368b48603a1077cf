//! Tenants and the cells they live in.

use std::collections::BTreeMap;

use super::{AccountId, Body, CellName, ComponentName, Entitled, EntitlementName, Region, TenantId, TierName};
use crate::diagnostics::Origin;

/// Whether a tenant is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum State {
    /// Served.
    #[default]
    Active,
    /// Kept, but not served: its account stands under the suspended guardrails.
    Suspended,
}

impl State {
    /// The word a blueprint uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// A customer organisation on the product.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id; never changes.
    pub id: TenantId,
    /// The name people use. Text: it goes to tags and records, never into a policy.
    pub display_name: Option<String>,
    /// The tier it is in.
    pub tier: TierName,
    /// Whether it is served.
    pub state: State,
    /// Its own account, where it has one.
    pub account: Option<AccountId>,
    /// The cell it must be in; chosen by the tier's strategy when absent.
    pub cell: Option<CellName>,
    /// The regions its data may be in; any when empty.
    pub residency: Vec<Region>,
    /// The geography it belongs to, such as `eu`.
    pub geography: Option<String>,
    /// What its cell must comply with, such as `hipaa`.
    pub compliance: Vec<String>,
    /// The owner tag; the blueprint's when absent.
    pub owner: Option<String>,
    /// The cost centre tag; the blueprint's when absent.
    pub cost_center: Option<String>,
    /// Components that are different for this tenant.
    pub overrides: BTreeMap<ComponentName, Body>,
    /// Entitlements of the tier that are different for this tenant.
    pub entitlements: BTreeMap<EntitlementName, Entitled>,
    /// Whether its data must not be deleted, whatever its state.
    pub legal_hold: bool,
    /// Where it was written.
    pub origin: Origin,
}

/// An independent replica that serves a bounded set of tenants.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its name.
    pub name: CellName,
    /// Its region.
    pub region: Region,
    /// Its account; that of the tenant where each tenant has one.
    pub account: Option<AccountId>,
    /// How many tenants it holds at most; no bound when absent.
    pub capacity: Option<u32>,
    /// The tiers it serves; all when empty.
    pub tiers: Vec<TierName>,
    /// The geography it is in; its region's when absent.
    pub geography: Option<String>,
    /// What it complies with.
    pub compliance: Vec<String>,
    /// The tenants it is reserved for; open when empty.
    pub reserved_for: Vec<TenantId>,
    /// Where it was written.
    pub origin: Origin,
}
