//! The stacks of an assembly with the tenants that use them, and looking at many of them at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::cloud::{Answer, Cloud, StackState, Target};
use super::material::StackItem;
use crate::assembly::{Assembly, AssemblyError, StackRecord};
use crate::diagnostics::{Diagnostic, Origin, codes};
use crate::rollout::SetKey;
use crate::rollout::sets::Templates;

/// Whose a stack is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A tenant's own.
    Tenant(String),
    /// A cell's, which its tenants share.
    Cell(String),
}

impl Owner {
    /// The name of the tenant or cell.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Tenant(name) | Self::Cell(name) => name,
        }
    }
}

/// A stack of the assembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetStack {
    /// Whose it is.
    pub owner: Owner,
    /// The tier it is for, as far as the assembly says.
    pub tier: String,
    /// What it is to be; its account is empty while the assembly has none for it.
    pub item: StackItem,
    /// The stack set that makes it, where one can: then its name is another.
    pub set: Option<SetKey>,
}

impl FleetStack {
    /// The stack as it is, whether a change set or a stack set has made it.
    ///
    /// # Errors
    /// What AWS has answered.
    pub fn find<C: Cloud>(&self, cloud: &C) -> Answer<Option<StackState>> {
        let target = &self.item.target;
        find(&self.item.name, self.set.as_ref(), &|name| cloud.stack(target, name), &|prefix| {
            cloud.stack_names(target, prefix)
        })
    }
}

/// A stack with resources, by its name or as what its stack set has made. `stack` looks at one, `names` says which begin so.
pub(super) fn find(
    name: &str,
    set: Option<&SetKey>,
    stack: &dyn Fn(&str) -> Answer<Option<StackState>>,
    names: &dyn Fn(&str) -> Answer<Vec<String>>,
) -> Answer<Option<StackState>> {
    let there = |stack: &StackState| !matches!(stack.status.as_str(), "REVIEW_IN_PROGRESS" | "DELETE_COMPLETE");
    let found = stack(name)?.filter(there);
    let (None, Some(set)) = (&found, set) else { return Ok(found) };
    let names = names(&set.stack_prefix())?;
    let Some(name) = names.iter().find(|name| set.has_made(name)) else { return Ok(None) };
    Ok(stack(name)?.filter(there))
}

/// What to look at: all of it unless something is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These tenants and the cells they live in.
    pub tenants: Vec<String>,
    /// These tiers.
    pub tiers: Vec<String>,
}

impl Selection {
    fn has_tier(&self, tier: &str) -> bool {
        self.tiers.is_empty() || self.tiers.iter().any(|own| own == tier)
    }
}

/// The stacks of an assembly that are to be looked at: those of cells first, then those of tenants in their order.
///
/// # Errors
/// A tenant or tier that is not there, with the nearest names; an assembly that cannot be read.
pub fn stacks(assembly: &Assembly, selection: &Selection) -> Result<Vec<FleetStack>, Vec<Diagnostic>> {
    let manifest = assembly.manifest();
    let templates = Templates::of(manifest);
    let mut wrong = Vec::new();
    let place = || Origin::Path(assembly.root().to_string_lossy().into());
    let known: Vec<&str> = manifest.tiers.iter().map(|tier| tier.tier.as_str()).collect();
    for tier in selection.tiers.iter().filter(|tier| !known.contains(&tier.as_str())) {
        let finding = Diagnostic::new(&codes::DEPLOY_UNKNOWN_TENANT, place(), format!("there is no tier `{tier}`"));
        wrong.push(
            finding.did_you_mean(tier, known.iter().copied()).help(format!("the tiers are {}", known.join(", "))),
        );
    }
    let stack = |record: &StackRecord<'_>, owner: Owner, account: Option<&str>, tier: Option<&str>| {
        let account = record.account.as_deref().or(account).unwrap_or_default().to_owned();
        let target = Target { account, region: record.region.clone().into_owned() };
        let tier = tier.unwrap_or_else(|| templates.tier(&record.template)).to_owned();
        FleetStack { owner, tier, item: StackItem::new(record, target), set: None }
    };
    let stop = |error: AssemblyError| vec![error.diagnostic()];
    let (mut shared, mut own, mut seen, mut used) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for tenant in assembly.tenants().map_err(stop)? {
        let tenant = tenant.map_err(stop)?;
        seen.push(tenant.tenant.clone().into_owned());
        let named = selection.tenants.is_empty() || selection.tenants.iter().any(|name| *name == tenant.tenant);
        if !named || !selection.has_tier(&tenant.tier) {
            continue;
        }
        used.extend(tenant.shared_stacks.iter().map(|name| name.clone().into_owned()));
        let owner = || Owner::Tenant(tenant.tenant.clone().into_owned());
        own.extend(tenant.stacks.iter().map(|record| FleetStack {
            set: templates.set(&tenant, record),
            ..stack(record, owner(), tenant.account.as_deref(), Some(&tenant.tier))
        }));
    }
    for name in selection.tenants.iter().filter(|name| !seen.contains(name)) {
        let finding = Diagnostic::new(&codes::DEPLOY_UNKNOWN_TENANT, place(), format!("there is no tenant `{name}`"));
        wrong.push(finding.did_you_mean(name, seen.iter().map(String::as_str)));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    used.sort_unstable();
    for cell in &manifest.cells {
        for record in &cell.stacks {
            let found = stack(record, Owner::Cell(cell.cell.clone()), cell.account.as_deref(), None);
            let wanted = if selection.tenants.is_empty() {
                selection.has_tier(&found.tier)
            } else {
                used.binary_search(&found.item.name).is_ok()
            };
            if wanted {
                shared.push(found);
            }
        }
    }
    shared.extend(own);
    Ok(shared)
}

/// Asks the same of many things, several at once; the answers are in the order of the things.
pub fn each<T: Sync, A: Send>(things: &[T], at_once: usize, ask: impl Fn(&T) -> A + Sync) -> Vec<A> {
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..at_once.clamp(1, things.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(thing) = things.get(at) else { break };
                    let answer = ask(thing);
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push((at, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
