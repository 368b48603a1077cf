//! Tenants among each other.

use std::collections::BTreeMap;
use std::io;

use crate::blueprint::TenantSet;
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::model::{Boundary, Model};

/// How many findings of one kind are kept.
const MOST_FINDINGS: usize = 1_000;

pub(super) fn check(model: &Model, tenants: &TenantSet, sink: &mut Sink) -> io::Result<()> {
    // Twelve digits fit into eight bytes; the place is looked up again only when two accounts are the same.
    let mut accounts: Vec<u64> = Vec::new();
    let mut pending: u64 = 0;
    let mut count: u64 = 0;
    let mut first_pending = None;
    tenants.for_each::<io::Error>(model, |tenant| {
        count += 1;
        let own_account = model.tiers.iter().any(|tier| tier.name == tenant.tier && tier.boundary == Boundary::Account);
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
        let others = if pending == 1 { String::new() } else { format!(" and {} others", pending - 1) };
        sink.push(
            Diagnostic::new(
                &codes::TENANT_ACCOUNT_PENDING,
                origin,
                format!("tenant `{id}`{others} have no account yet"),
            )
            .label("the first of them")
            .help("add `account:` once the accounts are there; until then their stacks name no account"),
        );
    }
    accounts.sort_unstable();
    let shared: Vec<u64> = accounts
        .windows(2)
        .filter_map(|pair| matches!(pair, [a, b] if a == b).then(|| pair.first().copied()))
        .flatten()
        .collect();
    if !shared.is_empty() {
        report_shared(model, tenants, &shared, sink)?;
    }
    Ok(())
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
