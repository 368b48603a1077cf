//! The whole of what an author says.

use super::{BlueprintName, Cell, Exemptions, Guardrail, IdLanguage, Tenant, Tier};
use crate::diagnostics::Origin;

/// Where tenants come from.
#[derive(Debug, Clone)]
pub enum Tenants {
    /// They stand in the blueprint.
    Inline(Vec<Tenant>),
    /// They stand in a file, one to a line, of any length.
    File {
        /// The path, counted from the blueprint's folder.
        path: String,
        /// Where it was written.
        origin: Origin,
    },
}

/// The AWS organization the product lives in.
#[derive(Debug, Clone, Default)]
pub struct Organization {
    /// Its id, such as `o-ab12cd34ef`.
    pub id: Option<String>,
    /// The root or organizational unit under which tiers get their units, such as `r-ab12`.
    pub parent: Option<String>,
}

/// A finding that somebody decided to live with.
#[derive(Debug, Clone)]
pub struct Acknowledgement {
    /// The finding's code.
    pub code: String,
    /// Why.
    pub reason: String,
    /// Where it was written.
    pub origin: Origin,
}

/// The model: what every surface lowers to and everything else reads.
#[derive(Debug, Clone)]
pub struct Model {
    /// The product's name.
    pub name: BlueprintName,
    /// The environment, such as `prod`.
    pub environment: String,
    /// The owner tag.
    pub owner: String,
    /// The cost centre tag.
    pub cost_center: String,
    /// The language of tenant ids.
    pub ids: IdLanguage,
    /// The organization.
    pub organization: Organization,
    /// The bucket that function code from files is put into.
    pub asset_bucket: Option<String>,
    /// The cells.
    pub cells: Vec<Cell>,
    /// Limits of every tier.
    pub guardrails: Vec<(Guardrail, Origin)>,
    /// The principals that guardrails leave alone.
    pub exemptions: Exemptions,
    /// The tiers.
    pub tiers: Vec<Tier>,
    /// The tenants.
    pub tenants: Tenants,
    /// Findings that somebody decided to live with.
    pub acknowledged: Vec<Acknowledgement>,
    /// Where it was written.
    pub origin: Origin,
}
