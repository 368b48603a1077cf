//! What the author of a blueprint needs: `use tenantry::prelude::*`.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use tenantry::prelude::*;
//!
//! fn main() -> ExitCode {
//!     let mut orders = Blueprint::new("orders");
//!     orders.owner("team-orders").cost_center("cc-1001").asset_bucket("code-${AWS::AccountId}-${AWS::Region}");
//!     orders.cell(Cell::new("eu-1", "eu-west-1").account("222222222222"));
//!     orders.guardrail(Guardrail::regions(["eu-west-1", "eu-central-1"]));
//!
//!     let mut tier = Tier::silo("enterprise").boundary(Boundary::Account);
//!     let table = tier.add(Table::new("Orders"));
//!     let api = tier.add(Function::new("Api", Code::asset("dist/api.zip")).env("TABLE", table.name()));
//!     tier.allow(api, Access::ReadWrite, table);
//!     let enterprise = orders.tier(tier);
//!
//!     let mut tier = Tier::pool("basic").placement(Strategy::Capacity);
//!     let table = tier.add(Table::new("Orders").partition_by(TenantKey::attribute("tenant_id")));
//!     let api = tier.add(Function::new("Api", Code::asset("dist/api.zip")).env("TABLE", table.name()));
//!     tier.allow(api, Access::ReadWrite, table); // lowers to access narrowed to the caller's tenant
//!     let basic = orders.tier(tier);
//!
//!     orders.tenant("acme", enterprise);
//!     orders.tenant("globex", basic);
//!     tenantry::cli::main(orders) // the whole command line, for a blueprint written in Rust
//! }
//! ```

pub use crate::dsl::{
    Access, Alarms, Blueprint, Boundary, Bridge, Bucket, Cell, Code, Custom, Dashboard, EventBus, Exempt, Expr,
    Function, Guardrail, Handle, HttpApi, Isolation, Key, Network, Phrase, Pool, Queue, RestApi, Sharing, Silo, Table,
    TenantKey, Tier, TierRef, Topic, UserPool,
};
pub use crate::model::component::{KeyAttribute, Mfa};
pub use crate::model::{Entitlement, State, Strategy};
