//! Tenants among each other.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::{components, entitlements, references};
use crate::blueprint::TenantSet;
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::model::component::Code;
use crate::model::{Body, Boundary, ComponentName, Model, Sharing, Tenant, Tier, TierName};
use crate::source::World;

/// How many findings of one kind are kept.
const MOST_FINDINGS: usize = 1_000;

/// Returns the files of function code that overrides name.
pub(super) fn check(
    model: &Model,
    tenants: &TenantSet,
    world: &dyn World,
    sink: &mut Sink,
) -> io::Result<BTreeSet<String>> {
    let of_cells = accounts_of_cells(model);
    let mut variants = Variants::default();
    let mut found = 0;
    let mut misfits = 0;
    // Twelve digits fit into eight bytes; the place is looked up again only when two accounts are the same.
    let mut accounts: Vec<u64> = Vec::new();
    let mut pending: u64 = 0;
    let mut count: u64 = 0;
    let mut first_pending = None;
    tenants.for_each::<io::Error>(model, |tenant| {
        count += 1;
        variants.check(model, tenant, world, sink);
        if misfits < MOST_FINDINGS {
            misfits += entitlements::of_tenant(model, tenant, sink);
        }
        let own_account = model.tiers.iter().any(|tier| tier.name == tenant.tier && tier.boundary == Boundary::Account);
        if own_account
            && let Some(account) = &tenant.account
            && let Some((cell, origin)) = of_cells.get(account.as_str())
            && found < MOST_FINDINGS
        {
            found += 1;
            sink.push(
                Diagnostic::new(
                    &codes::ISOLATION_SHARED_ACCOUNT,
                    tenant.origin.clone(),
                    format!("tenant `{}` has the account of cell `{cell}`, where other tenants live", tenant.id),
                )
                .also((*origin).clone(), "this cell")
                .help("the account is what keeps them apart: give each its own"),
            );
        }
        match &tenant.account {
            Some(account) if own_account => accounts.extend(account.as_str().parse::<u64>()),
            None if own_account => {
                pending += 1;
                first_pending.get_or_insert_with(|| (tenant.id.clone(), tenant.origin.clone()));
            }
            _ => {}
        }
        Ok(())
    })?;
    if count == 0 {
        sink.push(
            Diagnostic::new(&codes::TENANT_NONE, model.origin.clone(), "the blueprint has no tenants")
                .help("add some under `tenants:`, or name a file: `tenants: { from: tenants.jsonl }`"),
        );
    }
    if let Some((id, origin)) = first_pending {
        let who = match pending {
            1 => format!("tenant `{id}` has"),
            2 => format!("tenant `{id}` and another one have"),
            _ => format!("tenant `{id}` and {} others have", pending - 1),
        };
        sink.push(
            Diagnostic::new(&codes::TENANT_ACCOUNT_PENDING, origin, format!("{who} no account yet"))
                .label("the first of them")
                .help("add `account:` once the accounts are there; until then their stacks name no account"),
        );
    }
    accounts.sort_unstable();
    let shared: Vec<u64> = accounts
        .windows(2)
        .filter_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        })
        .collect();
    if !shared.is_empty() {
        report_shared(model, tenants, &shared, sink)?;
    }
    Ok(variants.assets)
}

/// The accounts in which tenants live together, with their cells.
fn accounts_of_cells(model: &Model) -> BTreeMap<&str, (&str, &Origin)> {
    let shares = |tier: &&Tier| tier.boundary != Boundary::Account || tier.has(Sharing::Pooled);
    let cells = model.cells.iter().filter(|cell| {
        model.tiers.iter().filter(shares).any(|tier| cell.tiers.is_empty() || cell.tiers.contains(&tier.name))
    });
    cells.filter_map(|cell| Some((cell.account.as_ref()?.as_str(), (cell.name.as_str(), &cell.origin)))).collect()
}

/// Overrides that were met before: many tenants have the same ones.
#[derive(Default)]
struct Variants {
    seen: BTreeSet<(TierName, BTreeMap<ComponentName, Body>)>,
    assets: BTreeSet<String>,
}

impl Variants {
    /// What a tenant's overrides make of its tier is checked like the tier itself; what the tier has been told
    /// already is not said again.
    fn check(&mut self, model: &Model, tenant: &Tenant, world: &dyn World, sink: &mut Sink) {
        if tenant.overrides.is_empty() || self.seen.contains(&(tenant.tier.clone(), tenant.overrides.clone())) {
            return;
        }
        self.seen.insert((tenant.tier.clone(), tenant.overrides.clone()));
        for body in tenant.overrides.values() {
            if let Body::Function(function) = body
                && let Code::Asset(path) = &function.code
            {
                self.assets.insert(path.clone());
            }
        }
        let Some(tier) = model.tiers.iter().find(|tier| tier.name == tenant.tier) else { return };
        let findings_of = |tier: &Tier| {
            let mut found = Sink::new();
            references::of_tier(tier, &mut found);
            components::of_tier(model, tier, world, &mut found);
            found.into_sorted()
        };
        let mut own = tier.clone();
        for member in &mut own.members {
            if let Some(body) = tenant.overrides.get(&member.component.name) {
                member.component.body = body.clone();
                member.component.origin = tenant.origin.clone();
            }
        }
        let known = findings_of(tier);
        for finding in findings_of(&own) {
            if !known.iter().any(|known| known.code == finding.code && known.message == finding.message) {
                let here = finding.primary.origin == tenant.origin;
                sink.push(if here {
                    finding.label("as this tenant overrides it")
                } else {
                    finding.also(tenant.origin.clone(), "as this tenant overrides it")
                });
            }
        }
    }
}

fn report_shared(model: &Model, tenants: &TenantSet, shared: &[u64], sink: &mut Sink) -> io::Result<()> {
    let mut first: BTreeMap<u64, (String, Origin)> = BTreeMap::new();
    let mut found = 0;
    tenants.for_each::<io::Error>(model, |tenant| {
        let own_account = model.tiers.iter().any(|tier| tier.name == tenant.tier && tier.boundary == Boundary::Account);
        let Some(account) = tenant.account.as_ref().filter(|_| own_account) else { return Ok(()) };
        let Ok(number) = account.as_str().parse::<u64>() else { return Ok(()) };
        if shared.binary_search(&number).is_err() || found >= MOST_FINDINGS {
            return Ok(());
        }
        match first.get(&number) {
            None => {
                first.insert(number, (tenant.id.to_string(), tenant.origin.clone()));
            }
            Some((other, origin)) => {
                found += 1;
                sink.push(
                    Diagnostic::new(
                        &codes::ISOLATION_SHARED_ACCOUNT,
                        tenant.origin.clone(),
                        format!("tenants `{other}` and `{}` share the account `{account}`", tenant.id),
                    )
                    .label("this one")
                    .also(origin.clone(), "and this one")
                    .help("the account is what keeps them apart: give each its own"),
                );
            }
        }
        Ok(())
    })
}
