//! Checks of a model: one file for each subject, one function for each rule. What passes becomes [`Checked`], the only
//! thing that synthesis takes.

mod access;
mod acknowledge;
mod cells;
mod components;
mod entitlements;
mod guardrails;
mod names;
mod references;
mod sharing;
mod tenants;

use std::collections::BTreeSet;
use std::io;

pub use acknowledge::apply as acknowledge;
pub use guardrails::of_tier as guardrails_of;

use crate::blueprint::{Spill, TenantSet, collect};
use crate::diagnostics::Sink;
use crate::facts::Facts;
use crate::model::Model;
use crate::source::World;

/// A model without errors, and its tenants in order. Only [`check`] makes one.
#[derive(Debug)]
pub struct Checked {
    model: Model,
    tenants: TenantSet,
    assets: BTreeSet<String>,
}

impl Checked {
    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The tenants.
    #[must_use]
    pub fn tenants(&self) -> &TenantSet {
        &self.tenants
    }

    /// The files of function code that tenants' overrides name.
    #[must_use]
    pub fn assets(&self) -> &BTreeSet<String> {
        &self.assets
    }
}

/// Checks a model and reads its tenants. All findings go to the sink; without errors there is a [`Checked`].
///
/// # Errors
/// If the tenants do not fit into memory and cannot be spilled.
pub fn check(
    model: Model,
    world: &dyn World,
    facts: &Facts,
    spill: &Spill<'_>,
    sink: &mut Sink,
) -> io::Result<Option<Checked>> {
    names::check(&model, sink);
    sharing::check(&model, sink);
    references::check(&model, sink);
    access::check(&model, sink);
    components::check(&model, world, sink);
    cells::check(&model, facts, sink);
    guardrails::check(&model, facts, sink);
    let tenants = collect(&model, world, spill, sink)?;
    let mut assets = BTreeSet::new();
    if !sink.has_errors() {
        assets = tenants::check(&model, &tenants, world, sink)?;
    }
    acknowledge::apply(&model, sink);
    Ok((!sink.has_errors()).then_some(Checked { model, tenants, assets }))
}
