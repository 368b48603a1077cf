//! What there is to do: the difference of two assemblies, tenant by tenant and stack by stack.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::sets::{SET_TAGS, Templates};
use super::settings::{Gone, Pinned, Settings};
use super::values::Values;
use crate::assembly::{Assembly, AssemblyError, Digest, MANIFEST, StackRecord, State, TenantRecord};
use crate::diagnostics::{Code, Diagnostic, Origin, Sink, codes, counted};

/// How many names a finding lists.
const NAMED: usize = 5;

/// A stack to be changed, or left.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    pub(super) name: String,
    pub(super) account: String,
    pub(super) region: Rc<str>,
    pub(super) template: Rc<str>,
    pub(super) parameters: Values,
    pub(super) depends_on: Vec<String>,
    pub(super) way: Way,
}

/// How a stack is brought to what its record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// By a change set.
    Direct,
    /// By a stack set.
    Set {
        set: Rc<str>,
        /// Whether the instance is there already.
        exists: bool,
        /// Whether it gets another template.
        template: bool,
        /// Whether it gets other values.
        values: bool,
    },
}

/// A stack that tenants of one tier share in one cell.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) stack: Stack,
    pub(super) tier: String,
    pub(super) cell: String,
    pub(super) changed: bool,
}

/// A tenant of the new assembly.
#[derive(Debug, Clone)]
pub(super) struct Tenant {
    pub(super) tier: Rc<str>,
    pub(super) cell: Rc<str>,
    pub(super) digest: Rc<str>,
    pub(super) shared: Vec<Rc<str>>,
    /// Its own stacks that change.
    pub(super) changed: Vec<Stack>,
}

/// A stack that the new assembly no longer has.
#[derive(Debug, Clone)]
pub(super) struct GoneStack {
    pub(super) name: String,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) tenant: Option<String>,
    /// The stack set it was made by.
    pub(super) set: Option<String>,
    pub(super) depends_on: Vec<String>,
}

/// A stack set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) tier: String,
    pub(super) template: String,
    pub(super) sha256: Digest,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) instances: u64,
}

/// Where a tenant's account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) tenant: Rc<str>,
    pub(super) tier: Rc<str>,
    pub(super) suspended: bool,
    /// Whether it stood elsewhere before, or nowhere that is known.
    pub(super) moved: bool,
}

/// Everything there is to do.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) tenants: BTreeMap<Rc<str>, Tenant>,
    pub(super) shared: BTreeMap<String, Shared>,
    pub(super) gone: Vec<GoneStack>,
    pub(super) sets: BTreeMap<String, Set>,
    /// The sets that were there before and are to be something else.
    pub(super) stale_sets: BTreeSet<String>,
    /// The sets that were there before.
    pub(super) old_sets: BTreeMap<String, Set>,
    /// The tenants' own accounts.
    pub(super) accounts: BTreeMap<String, Standing>,
}

/// Findings about many tenants, each as one.
#[derive(Debug, Default)]
struct Many {
    lists: BTreeMap<&'static str, (Vec<String>, usize)>,
}

impl Many {
    fn add(&mut self, kind: &'static str, name: &str) {
        let (names, count) = self.lists.entry(kind).or_default();
        *count += 1;
        if names.len() < NAMED {
            names.push(name.to_owned());
        }
    }

    /// `` `a`, `b` and 3 others ``, and how many they are.
    fn take(&mut self, kind: &str) -> Option<(String, usize)> {
        let (names, count) = self.lists.remove(kind)?;
        let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let more = count - names.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} others") };
        Some((format!("{}{more}", listed.join(", ")), count))
    }
}

/// Adds an instance to the sets.
fn add_instance(sets: &mut BTreeMap<String, Set>, name: &str, tenant: &TenantRecord<'_>, stack: &StackRecord<'_>) {
    match sets.get_mut(name) {
        Some(set) => set.instances += 1,
        None => {
            let tags = stack.tags.iter().filter(|(key, _)| SET_TAGS.contains(&key.as_ref()));
            let set = Set {
                tier: tenant.tier.to_string(),
                template: stack.template.to_string(),
                sha256: stack.sha256,
                tags: tags.map(|(key, value)| (key.to_string(), value.to_string())).collect(),
                instances: 1,
            };
            sets.insert(name.to_owned(), set);
        }
    }
}

fn same(one: &StackRecord<'_>, other: &StackRecord<'_>) -> bool {
    one.sha256 == other.sha256
        && one.account == other.account
        && one.region == other.region
        && one.parameters == other.parameters
        && one.tags == other.tags
}

fn is_place(one: &StackRecord<'_>, other: &StackRecord<'_>) -> bool {
    one.name == other.name && one.account == other.account && one.region == other.region
}

/// What many records say alike, held once.
#[derive(Debug, Default)]
struct Common {
    words: BTreeSet<Rc<str>>,
    /// The values of the stack that was read last, by template.
    values: BTreeMap<Rc<str>, Values>,
}

impl Common {
    fn word(&mut self, text: &str) -> Rc<str> {
        if let Some(word) = self.words.get(text) {
            return Rc::clone(word);
        }
        let word: Rc<str> = text.into();
        self.words.insert(Rc::clone(&word));
        word
    }

    fn stack(&mut self, stack: &StackRecord<'_>, account: &str, way: Way) -> Stack {
        let template = self.word(&stack.template);
        let last = self.values.entry(Rc::clone(&template)).or_default();
        let pairs = stack.parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        *last = Values::beside(pairs, last);
        Stack {
            name: stack.name.to_string(),
            account: account.to_owned(),
            parameters: last.clone(),
            region: self.word(&stack.region),
            template,
            depends_on: stack.depends_on.iter().map(ToString::to_string).collect(),
            way,
        }
    }
}

/// The comparison as it goes.
struct Reader<'a> {
    settings: &'a Settings,
    pinned_tenants: BTreeSet<&'a str>,
    pinned_cells: BTreeSet<&'a str>,
    catch_up: BTreeSet<&'a str>,
    new: Templates<'a>,
    old: Option<Templates<'a>>,
    /// Whose account it was, where the boundary is the account.
    owners: BTreeMap<String, String>,
    /// How many instances of a set are pinned.
    pinned_instances: BTreeMap<String, u64>,
    many: Many,
    common: Common,
    /// What becomes the tenants and accounts of the changes.
    tenants: Vec<(Rc<str>, Tenant)>,
    accounts: Vec<(String, Standing)>,
    changes: Changes,
}

/// Compares two assemblies. Without an old one everything is new.
pub(super) fn read(
    new: &Assembly,
    old: Option<&Assembly>,
    settings: &Settings,
    sink: &mut Sink,
) -> Result<Changes, AssemblyError> {
    let pinned = |tenants: bool| {
        settings.pins.iter().filter_map(move |pin| match &pin.what {
            Pinned::Tenant(name) if tenants => Some(name.as_str()),
            Pinned::Cell(name) if !tenants => Some(name.as_str()),
            _ => None,
        })
    };
    let mut reader = Reader {
        settings,
        pinned_tenants: pinned(true).collect(),
        pinned_cells: pinned(false).collect(),
        catch_up: settings.catch_up.iter().map(|named| named.name.as_str()).collect(),
        new: Templates::of(new.manifest()),
        old: old.map(|old| Templates::of(old.manifest())),
        owners: BTreeMap::new(),
        pinned_instances: BTreeMap::new(),
        many: Many::default(),
        common: Common::default(),
        tenants: Vec::new(),
        accounts: Vec::new(),
        changes: Changes::default(),
    };
    reader.cells();
    let mut after = old.map(Assembly::tenants).transpose()?.into_iter().flatten();
    let mut waiting = after.next().transpose()?;
    let mut newcomers: Vec<(String, String)> = Vec::new();
    for tenant in new.tenants()? {
        let tenant = tenant?;
        while waiting.as_ref().is_some_and(|old| old.tenant < tenant.tenant) {
            reader.left(waiting.as_ref());
            waiting = after.next().transpose()?;
        }
        let before = if waiting.as_ref().is_some_and(|old| old.tenant == tenant.tenant) {
            let before = waiting.take();
            waiting = after.next().transpose()?;
            before
        } else {
            None
        };
        // Where nothing was, nobody had an account.
        if old.is_some()
            && let Some(account) = reader.own_account(&tenant, false)
        {
            newcomers.push((account, tenant.tenant.to_string()));
        }
        reader.tenant(&tenant, before.as_ref());
    }
    while waiting.is_some() {
        reader.left(waiting.as_ref());
        waiting = after.next().transpose()?;
    }
    for (account, tenant) in newcomers {
        if reader.owners.get(&account).is_some_and(|owner| *owner != tenant) {
            reader.many.add("reused", &format!("{account} ({tenant})"));
        }
    }
    // They come in their order, so that a map is made of them at once and without gaps.
    reader.changes.tenants = std::mem::take(&mut reader.tenants).into_iter().collect();
    reader.changes.accounts = std::mem::take(&mut reader.accounts).into_iter().collect();
    reader.mark_stale();
    reader.finish(new, sink);
    Ok(reader.changes)
}

impl Reader<'_> {
    fn cells(&mut self) {
        let mut before: BTreeMap<&str, &StackRecord<'static>> = BTreeMap::new();
        for cell in self.old.iter().flat_map(|old| &old.manifest.cells) {
            before.extend(cell.stacks.iter().map(|stack| (stack.name.as_ref(), stack)));
        }
        for cell in &self.new.manifest.cells {
            for stack in &cell.stacks {
                let Some(account) = stack.account.as_deref() else {
                    self.many.add("cell", &cell.cell);
                    continue;
                };
                let earlier = before.get(stack.name.as_ref()).copied();
                if earlier.is_some_and(|earlier| is_place(earlier, stack)) {
                    before.remove(stack.name.as_ref());
                }
                let pinned = self.pinned_cells.contains(cell.cell.as_str());
                let shared = Shared {
                    tier: self.new.tier(&stack.template).to_owned(),
                    cell: cell.cell.clone(),
                    changed: !pinned && !earlier.is_some_and(|earlier| same(earlier, stack)),
                    stack: self.common.stack(stack, account, Way::Direct),
                };
                self.changes.shared.insert(stack.name.to_string(), shared);
            }
        }
        let gone = before.into_values().filter_map(|stack| {
            Some(GoneStack {
                name: stack.name.to_string(),
                account: stack.account.as_deref()?.to_owned(),
                region: stack.region.to_string(),
                tenant: None,
                set: None,
                depends_on: stack.depends_on.iter().map(ToString::to_string).collect(),
            })
        });
        self.changes.gone.extend(gone);
    }

    /// The account that is one tenant's alone.
    fn own_account(&self, tenant: &TenantRecord<'_>, old: bool) -> Option<String> {
        let templates = if old { self.old.as_ref()? } else { &self.new };
        let own = templates.has_own_accounts(&tenant.tier);
        tenant.account.as_deref().filter(|_| own).map(str::to_owned)
    }

    /// A tenant that the new assembly does not have.
    fn left(&mut self, tenant: Option<&TenantRecord<'static>>) {
        let Some(tenant) = tenant else { return };
        self.remember(tenant);
        for stack in &tenant.stacks {
            self.lose(tenant, stack);
        }
    }

    /// What was there before of a tenant.
    fn remember(&mut self, tenant: &TenantRecord<'_>) {
        if let Some(account) = self.own_account(tenant, true) {
            self.owners.insert(account, tenant.tenant.to_string());
        }
        for stack in &tenant.stacks {
            if let Some(set) = self.old.as_ref().and_then(|old| old.set_name(tenant, stack, self.settings))
                && stack.account.is_some()
            {
                add_instance(&mut self.changes.old_sets, &set, tenant, stack);
            }
        }
    }

    fn lose(&mut self, tenant: &TenantRecord<'_>, stack: &StackRecord<'_>) {
        let Some(account) = stack.account.as_deref() else { return };
        if self.is_pinned(tenant) {
            return;
        }
        if tenant.legal_hold {
            self.many.add("held", &tenant.tenant);
        }
        self.changes.gone.push(GoneStack {
            name: stack.name.to_string(),
            account: account.to_owned(),
            region: stack.region.to_string(),
            tenant: Some(tenant.tenant.to_string()),
            set: self.old.as_ref().and_then(|old| old.set_name(tenant, stack, self.settings)),
            depends_on: stack.depends_on.iter().map(ToString::to_string).collect(),
        });
    }

    fn is_pinned(&self, tenant: &TenantRecord<'_>) -> bool {
        self.pinned_tenants.contains(tenant.tenant.as_ref()) || self.pinned_cells.contains(tenant.cell.as_ref())
    }

    fn tenant(&mut self, tenant: &TenantRecord<'_>, before: Option<&TenantRecord<'static>>) {
        if let Some(before) = before {
            self.remember(before);
        }
        let pinned = self.is_pinned(tenant);
        let catch_up = self.catch_up.contains(tenant.tenant.as_ref());
        let mut changed = Vec::with_capacity(tenant.stacks.len());
        for stack in &tenant.stacks {
            let Some(account) = stack.account.as_deref() else {
                self.many.add("tenant", &tenant.tenant);
                continue;
            };
            let set = self.new.set_name(tenant, stack, self.settings);
            if let Some(set) = &set {
                add_instance(&mut self.changes.sets, set, tenant, stack);
            }
            let earlier = before.and_then(|before| before.stacks.iter().find(|one| is_place(one, stack)));
            let old_set = before.zip(earlier).and_then(|(before, stack)| {
                self.old.as_ref().and_then(|old| old.set_name(before, stack, self.settings))
            });
            if earlier.is_some() && old_set != set {
                self.many.add("moved", &tenant.tenant);
            }
            if let Some(set) = set.as_ref().filter(|_| pinned && earlier.is_some()) {
                *self.pinned_instances.entry(set.clone()).or_default() += 1;
            }
            if pinned || (!catch_up && earlier.is_some_and(|earlier| same(earlier, stack))) {
                continue;
            }
            let way = match set {
                None => Way::Direct,
                Some(set) => Way::Set {
                    set: self.common.word(&set),
                    exists: earlier.is_some(),
                    template: earlier.is_some_and(|earlier| catch_up || earlier.sha256 != stack.sha256),
                    values: earlier.is_none_or(|earlier| catch_up || earlier.parameters != stack.parameters),
                },
            };
            // Tags that differ between tenants are no stack set's; where resources have them, a parameter says them.
            if !matches!(way, Way::Set { exists: true, template: false, values: false, .. }) {
                changed.push(self.common.stack(stack, account, way));
            }
        }
        for stack in before.iter().flat_map(|before| &before.stacks) {
            if !tenant.stacks.iter().any(|one| is_place(one, stack))
                && let Some(before) = before
            {
                self.lose(before, stack);
            }
        }
        changed.shrink_to_fit();
        let id: Rc<str> = tenant.tenant.as_ref().into();
        self.place(&id, tenant, before);
        for name in &tenant.shared_stacks {
            if self.pinned_tenants.contains(tenant.tenant.as_ref())
                && self.changes.shared.get(name.as_ref()).is_some_and(|shared| shared.changed)
            {
                self.many.add("pinned", &tenant.tenant);
            }
        }
        let tenant_of = Tenant {
            tier: self.common.word(&tenant.tier),
            cell: self.common.word(&tenant.cell),
            digest: tenant.digest.as_ref().into(),
            shared: tenant.shared_stacks.iter().map(|name| self.common.word(name)).collect(),
            changed,
        };
        self.tenants.push((id, tenant_of));
    }

    /// Where the tenant's account is to stand.
    fn place(&mut self, id: &Rc<str>, tenant: &TenantRecord<'_>, before: Option<&TenantRecord<'static>>) {
        let Some(account) = self.own_account(tenant, false) else { return };
        let as_before = before.is_some_and(|before| {
            (&before.account, &before.tier, before.state) == (&tenant.account, &tenant.tier, tenant.state)
        });
        let suspended = tenant.state == State::Suspended;
        let tier = self.common.word(&tenant.tier);
        self.accounts.push((account, Standing { tenant: Rc::clone(id), tier, suspended, moved: !as_before }));
    }

    /// Which sets are to be something else; their instances that did not know it yet are told.
    fn mark_stale(&mut self) {
        for (name, set) in &self.changes.sets {
            if let Some(old) = self.changes.old_sets.get(name)
                && (old.sha256 != set.sha256 || old.tags != set.tags)
            {
                self.changes.stale_sets.insert(name.clone());
            }
        }
        let (mut told, mut newcomers) = (BTreeSet::new(), BTreeMap::new());
        for (id, tenant) in &self.changes.tenants {
            for stack in &tenant.changed {
                match &stack.way {
                    Way::Set { set, template: true, .. } => drop(told.insert(set.as_ref())),
                    Way::Set { set, exists: false, .. } => drop(newcomers.insert(set.as_ref(), id.as_ref())),
                    _ => {}
                }
            }
        }
        for (set, tenant) in newcomers {
            // A set whose instances are all pinned may have stayed behind in an earlier rollout.
            let pinned = self.pinned_instances.get(set).copied().unwrap_or_default();
            let behind = self.changes.old_sets.get(set).is_some_and(|old| old.instances <= pinned);
            if (behind || self.changes.stale_sets.contains(set)) && !told.contains(set) {
                self.many.add("untold", &format!("{set} ({tenant})"));
            }
        }
        // Whoever catches up may be the first of a set to get its template.
        let told: Vec<String> = told.into_iter().map(str::to_owned).collect();
        self.changes.stale_sets.extend(told);
        let (new, old) = (&self.new, self.old.as_ref());
        for (name, set) in self.changes.sets.iter().filter(|(name, _)| self.changes.stale_sets.contains(*name)) {
            let names = |templates: &Templates<'_>, template: &str| -> BTreeSet<String> {
                templates
                    .records
                    .get(template)
                    .map(|record| record.parameters.iter().cloned().collect())
                    .unwrap_or_default()
            };
            let before = self.changes.old_sets.get(name).zip(old).map(|(set, old)| names(old, &set.template));
            for parameter in names(new, &set.template).difference(&before.unwrap_or_default()) {
                self.many.add("parameter", &format!("{parameter} ({name})"));
            }
        }
    }

    fn finish(&mut self, new: &Assembly, sink: &mut Sink) {
        let origin = Origin::Path(new.root().join(MANIFEST).to_string_lossy().into());
        let tenants = |count: usize| counted(count as u64, "tenant");
        let mut say = |code: &'static Code, message: String, help: &str| {
            sink.push(Diagnostic::new(code, origin.clone(), message).help(help));
        };
        if let Some((names, _)) = self.many.take("tenant") {
            let message = format!("no account is known yet for {names}, who are left out");
            let help = "name the accounts where the tenants are listed, and synthesize again";
            say(&codes::ROLLOUT_NO_ACCOUNT, message, help);
        }
        if let Some((names, _)) = self.many.take("cell") {
            let message = format!("no account is known yet for shared stacks of {names}, which are left out");
            say(&codes::ROLLOUT_NO_ACCOUNT, message, "give the cells an `account` in the blueprint");
        }
        if let Some((names, count)) = self.many.take("moved") {
            let message =
                format!("{} would leave one stack set for another, or for change sets: {names}", tenants(count));
            say(
                &codes::ROLLOUT_SET_MOVE,
                message,
                "keep the tenants' overrides and the number of shards as they were, or move the tenants with `tenantry plan`",
            );
        }
        if let Some((names, _)) = self.many.take("reused") {
            let message = format!("accounts that were other tenants' would become {names}");
            say(
                &codes::ROLLOUT_ACCOUNT_REUSED,
                message,
                "give every tenant an account that nobody had, or finish the old tenant's offboarding first",
            );
        }
        if let Some((names, _)) = self.many.take("untold") {
            let message = format!("no instance there gives its stack set the template that new tenants need: {names}");
            say(
                &codes::ROLLOUT_SET_TEMPLATE,
                message,
                "end the pin of a tenant of the set, or add the new tenants in a rollout before or after this one",
            );
        }
        if let Some((names, _)) = self.many.take("parameter") {
            let message =
                format!("templates of stack sets have parameters that instances there have no value for: {names}");
            say(
                &codes::ROLLOUT_SET_PARAMETER,
                message,
                "write `stack_sets: false` for a fleet that is new, or leave the parameter out of the template",
            );
        }
        if let Some((names, _)) = self.many.take("pinned") {
            let message = format!("shared stacks change that pinned tenants use: {names}");
            say(
                &codes::ROLLOUT_PINNED_SHARED,
                message,
                "pin the cell as well: `pins: [{ cell: …, until: …, reason: … }]`",
            );
        }
        let held = self.many.take("held");
        if self.changes.gone.is_empty() {
            return;
        }
        let count = self.changes.gone.len();
        for stack in &self.changes.gone {
            self.many.add("gone", &stack.name);
        }
        let names = self.many.take("gone").map(|(names, _)| names).unwrap_or_default();
        match self.settings.gone {
            Gone::Refuse => say(
                &codes::ROLLOUT_DELETES,
                format!("the new assembly no longer has {count} stacks: {names}"),
                "say `--delete` to delete them with their data in a last wave, or `--keep` to leave them where they are",
            ),
            Gone::Keep => self.changes.gone.clear(),
            Gone::Delete => {
                if let Some((names, count)) = held {
                    say(
                        &codes::ROLLOUT_LEGAL_HOLD,
                        format!("stacks of {} under legal hold would be deleted: {names}", tenants(count)),
                        "say `--keep`, or wait until the hold is lifted",
                    );
                }
            }
        }
    }
}
