//! Tiers: packaged offers with one isolation model each.

use std::collections::BTreeMap;

use super::{Component, ComponentName, Entitled, EntitlementName, Guardrail, TierName};
use crate::diagnostics::Origin;

/// What keeps pooled data of tenants apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TenantKey {
    /// An attribute that holds the tenant's id: of an item, a message or an event.
    Attribute(String),
    /// An attribute that begins with the tenant's id and `#`.
    PrefixOf(String),
    /// The first segment of an object's key is the tenant's id, then `/`.
    ObjectPrefix,
}

/// How a tier keeps its tenants apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isolation {
    /// Resources per tenant.
    Silo,
    /// Resources shared by tenants.
    Pool,
    /// Each component says which.
    Bridge,
}

impl Isolation {
    /// The word a blueprint uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silo => "silo",
            Self::Pool => "pool",
            Self::Bridge => "bridge",
        }
    }
}

/// What separates the tenants of a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Boundary {
    /// An AWS account for each tenant.
    Account,
    /// A VPC for each tenant, in the cell's account.
    Vpc,
    /// Resources of their own and policies, in the cell's account and no network of their own.
    Resource,
    /// Keys and policies over shared resources.
    Application,
}

impl Boundary {
    /// The word a blueprint uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Vpc => "vpc",
            Self::Resource => "resource",
            Self::Application => "application",
        }
    }
}

/// Whether a component is there once for each tenant, or once for each cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sharing {
    /// Once for each tenant.
    Siloed,
    /// Once for each cell.
    Pooled,
}

impl Sharing {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Siloed => "siloed",
            Self::Pooled => "pooled",
        }
    }
}

/// A component as a tier has it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The component.
    pub component: Component,
    /// Once for each tenant or once for each cell; nothing when a bridge tier does not say.
    pub sharing: Option<Sharing>,
}

/// What a component may do to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Look at what is there.
    Read,
    /// Change what is there, without looking.
    Write,
    /// Both.
    ReadWrite,
    /// Put messages or events in.
    Send,
    /// Take messages out.
    Receive,
    /// Run.
    Invoke,
    /// Encrypt and decrypt.
    Use,
}

impl Access {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Read, Self::Write, Self::ReadWrite, Self::Send, Self::Receive, Self::Invoke, Self::Use];

    /// The word a blueprint uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "read-write",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Invoke => "invoke",
            Self::Use => "use",
        }
    }

    /// The access of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == word)
    }
}

/// Access of one component to another.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The component that runs code.
    pub from: ComponentName,
    /// What it may do.
    pub access: Access,
    /// The component that is reached.
    pub to: ComponentName,
    /// Where it was written.
    pub origin: Origin,
}

/// How tenants of a tier find their cells. Whatever the strategy, a cell must serve the tier, have room, be in
/// a region the tenant allows, and cover the tenant's compliance needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// The cell with the highest hash of cell and tenant: stable, and even over many tenants.
    Hash,
    /// The cell with the largest share of its capacity free.
    Capacity,
    /// A cell that names the tier itself.
    Tier,
    /// A cell in the tenant's geography.
    Geography,
    /// The cell that covers the tenant's compliance needs and the fewest beyond them.
    Compliance,
    /// A cell that is reserved for the tenant.
    Dedicated,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Hash, Self::Capacity, Self::Tier, Self::Geography, Self::Compliance, Self::Dedicated];

    /// The word a blueprint uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Capacity => "capacity",
            Self::Tier => "tier",
            Self::Geography => "geography",
            Self::Compliance => "compliance",
            Self::Dedicated => "dedicated",
        }
    }

    /// The strategy of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == word)
    }
}

/// A packaged offer with one isolation model.
#[derive(Debug, Clone)]
pub struct Tier {
    /// Its name.
    pub name: TierName,
    /// How it keeps tenants apart.
    pub isolation: Isolation,
    /// What separates the tenants.
    pub boundary: Boundary,
    /// How tenants find their cells.
    pub strategy: Strategy,
    /// The components, in the order they were written.
    pub members: Vec<Member>,
    /// Which component may do what to which.
    pub grants: Vec<Grant>,
    /// Limits of this tier, beside the blueprint's own.
    pub guardrails: Vec<(Guardrail, Origin)>,
    /// What its tenants may use of the product, unless a tenant has it different.
    pub entitlements: BTreeMap<EntitlementName, Entitled>,
    /// Where it was written.
    pub origin: Origin,
}

impl Tier {
    /// A component of the tier.
    #[must_use]
    pub fn member(&self, name: &ComponentName) -> Option<&Member> {
        self.members.iter().find(|member| member.component.name == *name)
    }

    /// Whether tenants of the tier have anything to themselves that needs a stack.
    #[must_use]
    pub fn has(&self, sharing: Sharing) -> bool {
        self.members.iter().any(|member| member.sharing == Some(sharing))
    }
}
