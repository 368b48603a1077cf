//! What there is and what was there, read for the proof alone.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;

use super::{Prover, Settings};
use crate::assembly::{Assembly, AssemblyError, Boundary, Digest, Isolation, Scope, StackRecord, State, TenantRecord};

/// The tags that a stack set could have.
const COMMON: [&str; 2] = ["Tier", "Environment"];

/// Words that many records have in common, each held once.
#[derive(Debug, Default)]
struct Words(BTreeSet<Rc<str>>);

impl Words {
    fn of(&mut self, text: &str) -> Rc<str> {
        if let Some(word) = self.0.get(text) {
            return Rc::clone(word);
        }
        let word: Rc<str> = text.into();
        self.0.insert(Rc::clone(&word));
        word
    }
}

/// Where and what a stack is. Values and tags are compared by their digest, because a fleet has many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deployed {
    pub(super) account: Rc<str>,
    pub(super) region: Rc<str>,
    pub(super) template: Rc<str>,
    pub(super) sha256: Digest,
    pub(super) values: Digest,
    pub(super) tags: Digest,
    /// The values of the tags that a stack set could have; none if a stack set does not make it.
    common: [Option<Rc<str>>; COMMON.len()],
    pub(super) needs: Vec<String>,
    /// Whose it is; nobody's if tenants share it.
    pub(super) tenant: Option<Rc<str>>,
    pub(super) tier: Rc<str>,
    pub(super) cell: Rc<str>,
    /// Whether a stack set makes it.
    pub(super) by_set: bool,
}

impl Deployed {
    pub(super) fn is_at(&self, account: &str, region: &str) -> bool {
        *self.account == *account && *self.region == *region
    }

    /// Whether these are all tags that a stack set could have.
    pub(super) fn has_common(&self, tags: &BTreeMap<String, String>) -> bool {
        let own = || COMMON.iter().zip(&self.common).filter_map(|(key, value)| Some((*key, value.as_deref()?)));
        own().count() == tags.len() && own().all(|(key, value)| tags.get(key).is_some_and(|tag| tag == value))
    }
}

/// A tenant.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) tier: Rc<str>,
    pub(super) cell: Rc<str>,
    pub(super) shared: Vec<Rc<str>>,
    pub(super) account: Option<Rc<str>>,
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
    pub(super) tenants: BTreeMap<Rc<str>, Member>,
    pub(super) before: BTreeMap<Rc<str>, Member>,
    /// By name, and only those with an account.
    pub(super) stacks: BTreeMap<Rc<str>, Deployed>,
    pub(super) old_stacks: BTreeMap<Rc<str>, Deployed>,
    /// What is due, by the stack's name.
    pub(super) due: BTreeMap<Rc<str>, Due>,
    /// The stacks that are there no more, by name.
    pub(super) gone: BTreeMap<Rc<str>, Deployed>,
    /// The instances that are there no more, by tenant, account and region.
    pub(super) gone_at: BTreeMap<(String, String, String), Rc<str>>,
    /// How many tenants a tier has.
    pub(super) sizes: BTreeMap<Rc<str>, u64>,
    /// How tiers keep their tenants apart.
    pub(super) isolation: BTreeMap<String, Isolation>,
    /// The tiers in the blueprint's order.
    pub(super) tiers: Vec<String>,
    /// Who uses a shared stack.
    pub(super) users: BTreeMap<Rc<str>, BTreeSet<Rc<str>>>,
    /// Template, account, region and name of each stack, sorted.
    places: Vec<[Rc<str>; 4]>,
}

fn digest(value: &impl Serialize) -> Digest {
    Digest::of(&serde_json::to_vec(value).unwrap_or_default())
}

/// What is read of one assembly, in the order in which it stands there.
#[derive(Default)]
struct Half {
    words: Words,
    tenants: Vec<(Rc<str>, Member)>,
    stacks: Vec<(Rc<str>, Deployed)>,
}

/// Whose stack is read.
struct Owner<'a> {
    tenant: Option<&'a Rc<str>>,
    account: Option<&'a Rc<str>>,
    tier: &'a str,
    cell: &'a str,
    by_set: bool,
}

impl Half {
    fn read(assembly: &Assembly, settings: &Settings) -> Result<Self, AssemblyError> {
        let manifest = assembly.manifest();
        let mut half = Self::default();
        let tier_of: BTreeMap<&str, &str> =
            manifest.templates.iter().map(|record| (record.path.as_str(), record.tier.as_str())).collect();
        for cell in &manifest.cells {
            for stack in &cell.stacks {
                let tier = tier_of.get(stack.template.as_ref()).copied().unwrap_or_default();
                half.add(stack, &Owner { tenant: None, account: None, tier, cell: &cell.cell, by_set: false });
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
            let id: Rc<str> = tenant.tenant.as_ref().into();
            let account: Option<Rc<str>> = tenant.account.as_deref().map(Rc::from);
            for stack in &tenant.stacks {
                let owner = Owner {
                    tenant: Some(&id),
                    account: account.as_ref(),
                    tier: &tenant.tier,
                    cell: &tenant.cell,
                    by_set: sets && shareable.contains(stack.template.as_ref()),
                };
                half.add(stack, &owner);
            }
            let member = Member {
                tier: half.words.of(&tenant.tier),
                cell: half.words.of(&tenant.cell),
                shared: tenant.shared_stacks.iter().map(|name| half.words.of(name)).collect(),
                account,
                suspended: tenant.state == State::Suspended,
                own_account,
            };
            half.tenants.push((id, member));
        }
        Ok(half)
    }

    fn add(&mut self, stack: &StackRecord<'_>, owner: &Owner<'_>) {
        let Some(account) = stack.account.as_deref() else { return };
        let words = &mut self.words;
        let common = COMMON.map(|key| stack.tags.get(key).filter(|_| owner.by_set).map(|value| words.of(value)));
        let deployed = Deployed {
            // Mostly it is the tenant's.
            account: owner.account.filter(|own| ***own == *account).cloned().unwrap_or_else(|| words.of(account)),
            region: words.of(&stack.region),
            template: words.of(&stack.template),
            sha256: stack.sha256,
            values: digest(&stack.parameters),
            tags: digest(&stack.tags),
            common,
            needs: stack.depends_on.iter().map(ToString::to_string).collect(),
            tenant: owner.tenant.cloned(),
            tier: words.of(owner.tier),
            cell: words.of(owner.cell),
            by_set: owner.by_set,
        };
        self.stacks.push((stack.name.as_ref().into(), deployed));
    }

    /// Everything by its name.
    fn by_name(self) -> (BTreeMap<Rc<str>, Member>, BTreeMap<Rc<str>, Deployed>) {
        (self.tenants.into_iter().collect(), self.stacks.into_iter().collect())
    }
}

impl Fleet {
    pub(super) fn read(new: &Assembly, old: Option<&Assembly>, settings: &Settings) -> Result<Self, AssemblyError> {
        let (tenants, stacks) = Half::read(new, settings)?.by_name();
        let before = old.map(|old| Half::read(old, settings)).transpose()?;
        let (before, old_stacks) = before.map(Half::by_name).unwrap_or_default();
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
        let place = |(name, stack): (&Rc<str>, &Deployed)| {
            [&stack.template, &stack.account, &stack.region, name].map(Rc::clone)
        };
        fleet.places = fleet.stacks.iter().map(place).collect();
        fleet.places.sort_unstable();
        for (name, stack) in &fleet.stacks {
            let owner = stack.tenant.as_deref().unwrap_or_default();
            if pinned.contains(owner) || pinned_cells.contains(stack.cell.as_ref()) {
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
            let kept = was.tenant.is_some() && (pinned.contains(owner) || pinned_cells.contains(was.cell.as_ref()));
            if !stays && !kept {
                if was.by_set {
                    let place = (owner.to_owned(), was.account.to_string(), was.region.to_string());
                    fleet.gone_at.insert(place, name.clone());
                }
                fleet.gone.insert(name.clone(), was.clone());
            }
        }
        Ok(fleet)
    }

    /// The stack that a template makes at a place.
    pub(super) fn at(&self, template: &str, account: &str, region: &str) -> Option<&str> {
        let compare = |entry: &[Rc<str>; 4]| {
            let [of, at, within, _] = entry.each_ref().map(AsRef::as_ref);
            [of, at, within].cmp(&[template, account, region])
        };
        let found = self.places.binary_search_by(compare).ok()?;
        self.places.get(found).map(|[.., name]| name.as_ref())
    }

    pub(super) fn tier_of(&self, tenant: &str) -> &str {
        self.tenants.get(tenant).map_or("", |member| &member.tier)
    }

    pub(super) fn cell_of(&self, tenant: &str) -> Option<&str> {
        self.tenants.get(tenant).map(|member| &*member.cell)
    }
}
