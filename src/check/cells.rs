//! Cells: regions that exist, accounts where they are needed, tiers that are there.

use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::facts::Facts;
use crate::model::{Body, Boundary, Model, Sharing};

pub(super) fn check(model: &Model, facts: &Facts, sink: &mut Sink) {
    for cell in &model.cells {
        if facts.region(cell.region.as_str()).is_err() {
            sink.push(
                Diagnostic::new(
                    &codes::ID_REGION,
                    cell.origin.clone(),
                    format!("`{}` is not a region of AWS that is known here", cell.region),
                )
                .did_you_mean(cell.region.as_str(), facts.regions().keys().map(String::as_str))
                .help("a new region can be added with `--facts`"),
            );
        }
        for tier in &cell.tiers {
            if !model.tiers.iter().any(|known| known.name == *tier) {
                sink.push(
                    Diagnostic::new(
                        &codes::TENANT_UNKNOWN_TIER,
                        cell.origin.clone(),
                        format!("cell `{}` serves tier `{tier}`, which the blueprint does not have", cell.name),
                    )
                    .did_you_mean(tier.as_str(), model.tiers.iter().map(|tier| tier.name.as_str()))
                    .help("name a tier that stands under `tiers:`"),
                );
            }
        }
        let needs_account = model.tiers.iter().find(|tier| {
            let served = cell.tiers.is_empty() || cell.tiers.contains(&tier.name);
            served && (tier.boundary != Boundary::Account || tier.has(Sharing::Pooled))
        });
        if let Some(tier) = needs_account.filter(|_| cell.account.is_none()) {
            sink.push(
                Diagnostic::new(
                    &codes::ID_ACCOUNT,
                    cell.origin.clone(),
                    format!(
                        "cell `{}` has no account, and tenants of tier `{}` live in the cell's",
                        cell.name, tier.name
                    ),
                )
                .help("add `account: '123456789012'`, or list under `tiers:` only tiers whose tenants have their own"),
            );
        }
        usage_plans(model, cell, facts, sink);
    }
}

/// Every tenant of a pooled REST API has a usage plan, and an account has so many.
fn usage_plans(model: &Model, cell: &crate::model::Cell, facts: &Facts, sink: &mut Sink) {
    let Ok(limit) = facts.limit("api_usage_plans") else { return };
    let throttled = model.tiers.iter().find(|tier| {
        let served = cell.tiers.is_empty() || cell.tiers.contains(&tier.name);
        let keyed = tier.members.iter().any(|member| {
            member.sharing == Some(Sharing::Pooled)
                && matches!(&member.component.body, Body::RestApi(api) if api.throttle.is_some())
        });
        served && keyed
    });
    if let (Some(tier), Some(capacity)) = (throttled, cell.capacity)
        && usize::try_from(capacity).is_ok_and(|capacity| capacity > limit.size())
    {
        sink.push(
            Diagnostic::new(
                &codes::LIMIT_USAGE_PLANS,
                cell.origin.clone(),
                format!(
                    "cell `{}` may hold {capacity} tenants of tier `{}` with a usage plan each, and an account has {} usage plans",
                    cell.name,
                    tier.name,
                    limit.size()
                ),
            )
            .help("raise the quota and tell with `--facts`, or lower the capacity"),
        );
    }
}
