//! What there is and what was there, read for the proof alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Prover, Settings};
use crate::assembly::{Assembly, AssemblyError, Boundary, Digest, Isolation, Scope, StackRecord, State, TenantRecord};

/// Where and what a stack is. Values and tags are compared by their digest, because a fleet has many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deployed {
    pub(super) account: String,
    pub(super) region: String,
    pub(super) template: String,
    pub(super) sha256: Digest,
    pub(super) values: Digest,
    pub(super) tags: Digest,
    /// The tags that a stack set could have.
    pub(super) common: BTreeMap<String, String>,
    pub(super) needs: Vec<String>,
    /// Whose it is; nobody's if tenants share it.
    pub(super) tenant: Option<String>,
    pub(super) tier: String,
    pub(super) cell: String,
    /// Whether a stack set makes it.
    pub(super) by_set: bool,
}

impl Deployed {
    pub(super) fn is_at(&self, account: &str, region: &str) -> bool {
        self.account == account && self.region == region
    }
}

/// A tenant.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) tier: String,
    pub(super) cell: String,
    pub(super) shared: Vec<String>,
    pub(super) account: Option<String>,
    pub(super) suspended: bool,
    pub(super) own_account: bool,
}

/// What has to happen to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Due {
    /// A change set.
    pub(super) stack: bool,
    /// A new instance, or one with other values.
    pub(super) instance: bool,
    /// An instance with another template.
    pub(super) update: bool,
    /// The instance was not there before.
    pub(super) fresh: bool,
}

/// Both assemblies.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    pub(super) tenants: BTreeMap<String, Member>,
    pub(super) before: BTreeMap<String, Member>,
    /// By name, and only those with an account.
    pub(super) stacks: BTreeMap<String, Deployed>,
    pub(super) old_stacks: BTreeMap<String, Deployed>,
    /// What is due, by the stack's name.
    pub(super) due: BTreeMap<String, Due>,
    /// The stacks that are there no more, by name.
    pub(super) gone: BTreeMap<String, Deployed>,
    /// The instances that are there no more, by tenant, account and region.
    pub(super) gone_at: BTreeMap<(String, String, String), String>,
    /// How many tenants a tier has.
    pub(super) sizes: BTreeMap<String, u64>,
    /// How tiers keep their tenants apart.
    pub(super) isolation: BTreeMap<String, Isolation>,
    /// The tiers in the blueprint's order.
    pub(super) tiers: Vec<String>,
    /// Who uses a shared stack.
    pub(super) users: BTreeMap<String, BTreeSet<String>>,
    /// The stacks at a place, by template, account and region.
    pub(super) at: BTreeMap<(String, String, String), String>,
}

fn digest(value: &impl Serialize) -> Digest {
    Digest::of(&serde_json::to_vec(value).unwrap_or_default())
}

/// What is read of one assembly.
struct Half {
    tenants: BTreeMap<String, Member>,
    stacks: BTreeMap<String, Deployed>,
}

impl Half {
    fn read(assembly: &Assembly, settings: &Settings) -> Result<Self, AssemblyError> {
        let manifest = assembly.manifest();
        let mut half = Self { tenants: BTreeMap::new(), stacks: BTreeMap::new() };
        let tier_of: BTreeMap<&str, &str> =
            manifest.templates.iter().map(|record| (record.path.as_str(), record.tier.as_str())).collect();
        for cell in &manifest.cells {
            for stack in &cell.stacks {
                let tier = tier_of.get(stack.template.as_ref()).copied().unwrap_or_default();
                half.add(stack, None, tier, &cell.cell, false);
            }
        }
        let accounts: BTreeSet<&str> = manifest
            .tiers
            .iter()
            .filter_map(|tier| (tier.boundary == Boundary::Account).then_some(tier.tier.as_str()))
            .collect();
        let shareable: BTreeSet<&str> = manifest
            .templates
            .iter()
            .filter(|record| record.variant.is_none() && record.scope == Scope::Tenant)
            .map(|record| record.path.as_str())
            .collect();
        for tenant in assembly.tenants()? {
            let tenant: TenantRecord<'_> = tenant?;
            let own_account = accounts.contains(tenant.tier.as_ref());
            let sets = settings.stack_sets.is_some() && !manifest.expanded && own_account;
            for stack in &tenant.stacks {
                let by_set = sets && shareable.contains(stack.template.as_ref());
                half.add(stack, Some(&tenant.tenant), &tenant.tier, &tenant.cell, by_set);
            }
            half.tenants.insert(
                tenant.tenant.to_string(),
                Member {
                    tier: tenant.tier.to_string(),
                    cell: tenant.cell.to_string(),
                    shared: tenant.shared_stacks.iter().map(ToString::to_string).collect(),
                    account: tenant.account.as_deref().map(str::to_owned),
                    suspended: tenant.state == State::Suspended,
                    own_account,
                },
            );
        }
        Ok(half)
    }

    fn add(&mut self, stack: &StackRecord<'_>, tenant: Option<&str>, tier: &str, cell: &str, by_set: bool) {
        let Some(account) = &stack.account else { return };
        let common = ["Tier", "Environment"].into_iter();
        let common = common.filter_map(|key| Some((key.to_owned(), stack.tags.get(key)?.to_string())));
        self.stacks.insert(
            stack.name.to_string(),
            Deployed {
                account: account.to_string(),
                region: stack.region.to_string(),
                template: stack.template.to_string(),
                sha256: stack.sha256,
                values: digest(&stack.parameters),
                tags: digest(&stack.tags),
                common: if by_set { common.collect() } else { BTreeMap::new() },
                needs: stack.depends_on.iter().map(ToString::to_string).collect(),
                tenant: tenant.map(str::to_owned),
                tier: tier.to_owned(),
                cell: cell.to_owned(),
                by_set,
            },
        );
    }
}

impl Fleet {
    pub(super) fn read(new: &Assembly, old: Option<&Assembly>, settings: &Settings) -> Result<Self, AssemblyError> {
        let Half { tenants, stacks } = Half::read(new, settings)?;
        let before = old.map(|old| Half::read(old, settings)).transpose()?;
        let (before, old_stacks) = before.map(|half| (half.tenants, half.stacks)).unwrap_or_default();
        let mut fleet = Self { tenants, before, stacks, old_stacks, ..Self::default() };
        fleet.tiers = new.manifest().tiers.iter().map(|tier| tier.tier.clone()).collect();
        fleet.isolation = new.manifest().tiers.iter().map(|tier| (tier.tier.clone(), tier.isolation)).collect();
        for (id, member) in &fleet.tenants {
            *fleet.sizes.entry(member.tier.clone()).or_default() += 1;
            for name in &member.shared {
                fleet.users.entry(name.clone()).or_default().insert(id.clone());
            }
        }
        let (pinned, pinned_cells) = Prover::pinned(settings);
        let late: BTreeSet<&str> = settings.catch_up.iter().map(|named| named.name.as_str()).collect();
        for (name, stack) in &fleet.stacks {
            fleet.at.insert((stack.template.clone(), stack.account.clone(), stack.region.clone()), name.clone());
            let owner = stack.tenant.as_deref().unwrap_or_default();
            if pinned.contains(owner) || pinned_cells.contains(stack.cell.as_str()) {
                continue;
            }
            let was = fleet.old_stacks.get(name).filter(|was| was.is_at(&stack.account, &stack.region));
            let due = match was {
                None => Due { stack: !stack.by_set, instance: stack.by_set, update: false, fresh: true },
                Some(was) => {
                    let again = late.contains(owner);
                    let (template, values) = (was.sha256 != stack.sha256, was.values != stack.values);
                    let differs = again || template || values || was.tags != stack.tags;
                    Due {
                        stack: !stack.by_set && differs,
                        instance: stack.by_set && (again || values),
                        update: stack.by_set && (again || template),
                        fresh: false,
                    }
                }
            };
            if due.stack || due.instance || due.update {
                fleet.due.insert(name.clone(), due);
            }
        }
        for (name, was) in &fleet.old_stacks {
            let stays = fleet.stacks.get(name).is_some_and(|stack| stack.is_at(&was.account, &was.region));
            let owner = was.tenant.as_deref().unwrap_or_default();
            let kept = was.tenant.is_some() && (pinned.contains(owner) || pinned_cells.contains(was.cell.as_str()));
            if !stays && !kept {
                if was.by_set {
                    let place = (owner.to_owned(), was.account.clone(), was.region.clone());
                    fleet.gone_at.insert(place, name.clone());
                }
                fleet.gone.insert(name.clone(), was.clone());
            }
        }
        Ok(fleet)
    }

    pub(super) fn tier_of(&self, tenant: &str) -> &str {
        self.tenants.get(tenant).map_or("", |member| member.tier.as_str())
    }

    pub(super) fn cell_of(&self, tenant: &str) -> Option<&str> {
        self.tenants.get(tenant).map(|member| member.cell.as_str())
    }
}
