//! The Rust surface: a blueprint written in Rust, lowered to the same model as YAML.
//!
//! What keeps tenants apart is a matter of types here: a table without a tenant key does not fit into a pool tier, and
//! a handle of one tenant's table does not reach a shared function. What types cannot see, such as the spelling of
//! a name, becomes a finding that points at the line of Rust that said it; nothing here panics, and nothing is reported
//! before [`Blueprint::lower`]. Deliberately absent: bundles. A function that returns a component does their work.

mod access;
mod blueprint;
mod bounds;
mod component;
mod draft;
mod guardrail;
mod handle;
mod isolation;
mod organization;
#[cfg(test)]
mod tests;
mod tier;

pub use access::{Access, AccessKind, Caller, Takes};
pub use blueprint::{Blueprint, TierRef};
pub use component::{
    Alarms, AlarmsOnly, AttributeKey, Bucket, BucketKey, Code, Component, Custom, Dashboard, EventBus, Function,
    HttpApi, KeepsTenantsApart, Key, Keyed, MessageKey, Network, ObjectPrefix, PrefixKey, Queue, RestApi, Table,
    TableKey, TenantKey, Topic, Unkeyed, UserPool, Watchable,
};
pub use guardrail::{DataPerimeter, Guardrail, ProtectAudit, ProtectTags, Regions, Services};
pub use handle::{Expr, Handle, Phrase};
pub use isolation::{
    Bridge, Declared, Free, InPool, InSilo, Isolation, Names, NamesNothingPooled, NamesNothingSiloed, Pool, Shared,
    Sharing, Silo,
};
pub use organization::{Cell, Exempt, NamesTier, Overridable, TenantBuilder};
pub use tier::{Boundary, Tier};

/// The code in the guide is compiled and run as the tests of this.
#[cfg(doctest)]
#[doc = include_str!("../../docs/rust.md")]
struct Guide;
