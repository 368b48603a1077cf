//! What the author of a blueprint needs: `use tenantry::prelude::*`.

pub use crate::dsl::{
    Access, Alarms, Blueprint, Boundary, Bridge, Bucket, Cell, Code, Custom, Dashboard, EventBus, Exempt, Expr,
    Function, Guardrail, Handle, HttpApi, Key, Network, Phrase, Pool, Queue, RestApi, Silo, Table, TenantKey, Tier,
    TierRef, Topic, UserPool,
};
pub use crate::model::component::{KeyAttribute, Mfa};
pub use crate::model::{State, Strategy};
