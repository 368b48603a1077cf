//! From a description of a multi-tenant product on AWS to what has to be deployed for it: CloudFormation templates for
//! each tier, the organization's policies, and a record for each tenant.
//!
//! A product described in Rust begins with [`prelude`] and ends with [`cli::main`], which is the whole command line for
//! it. A program that works on blueprints itself, such as a control plane, calls the steps one by one:
//!
//! ```
//! use std::path::Path;
//!
//! use tenantry::blueprint::{Spill, lower};
//! use tenantry::check::check;
//! use tenantry::diagnostics::{Sink, SourceMap};
//! use tenantry::facts::Facts;
//! use tenantry::source::{Memory, read};
//! use tenantry::synth::{Destination, Inputs, Options, synth};
//!
//! let text = "
//! tenantry: 1
//! blueprint: orders
//! owner: platform-team
//! cost_center: cc-100
//! cells:
//!   - { cell: eu-1, region: eu-west-1, account: '111111111111' }
//! tiers:
//!   - tier: basic
//!     isolation: pool
//!     components: [{ table: Orders, partition_by: tenant_id }]
//! tenants:
//!   - { tenant: globex, tier: basic }
//! ";
//! let (facts, world) = (Facts::shipped()?, Memory::default());
//! let (mut sources, mut findings) = (SourceMap::default(), Sink::new());
//! let spill = Spill { folder: Path::new("/tmp"), budget: 1 << 20 };
//!
//! let tree = read("orders.yaml", text.as_bytes(), &mut sources, &mut findings).expect("it is YAML");
//! let model = lower(&tree, &mut findings).expect("it is a blueprint");
//! let checked = check(model, &world, &facts, &spill, &mut findings)?.expect("no rule is broken");
//!
//! let inputs = Inputs { facts: &facts, world: &world, ledger: None, progress: &|_| {}, git_sync: None };
//! // `Destination::Folder` writes the assembly; this only finds out whether there can be one.
//! synth(&checked, &inputs, Destination::Nowhere, &Options::default(), &mut findings).expect("nothing is written");
//! assert!(findings.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layers
//!
//! A module uses only modules that stand before it in this list; `tests/architecture.rs` holds that, and
//! `ARCHITECTURE.md` says what each is for.

pub mod diagnostics;
pub mod facts;

pub mod assembly;
pub mod cfn;
pub mod model;

pub mod source;

pub mod blueprint;
pub mod dsl;

pub mod check;

pub mod placement;

pub mod ir;
pub mod render;

pub mod passes;

pub mod prove;

pub mod emit;

pub mod synth;

pub mod diff;

pub mod plan;
pub mod preview;
pub mod rollout;

pub mod deploy;

pub mod cli;

pub mod prelude;
