//! Whether what is deployed is what was proved. The proof is about templates with symbols for ids; here every tenant's
//! record is held against what those symbols stand for, one record after another, and a tenant's own template against the
//! template of its tier.
//!
//! What is kept of a tenant is its id and a few numbers: about 80 bytes.

mod form;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::form::Form;
use super::policy::Place;
use super::proof::{Claim, Counterexample, Method, Obligation, Obstacle, Verdict};
use super::tenancy::{Accounts, Deployed, Guardrails, Meaning, Scope, Tenancy};
use crate::assembly::{CellRecord, Digest, MANIFEST, StackRecord, TENANTS, TenantRecord, TierPolicies};
use crate::diagnostics::plural;
use crate::model::IdLanguage;

/// How many instances that differ are told one by one.
const TOLD: usize = 5;

/// Reads a file of the assembly; the error is a part of a sentence.
pub type ReadFile<'a> = dyn FnMut(&str) -> Result<Vec<u8>, String> + 'a;

/// What is looked at in instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Check {
    Template,
    Id,
    Digest,
    Texts,
    Account,
    Stack,
    Name,
    Content,
}

impl Check {
    fn word(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Id => "id",
            Self::Digest => "digest",
            Self::Texts => "texts",
            Self::Account => "account",
            Self::Stack => "shared stack",
            Self::Name => "name",
            Self::Content => "content",
        }
    }

    fn target(self, of: &str) -> String {
        match self {
            Self::Template => format!("the template, the tier and the guardrails of {of}"),
            Self::Id => format!("the ids in {of}"),
            Self::Digest => format!("the digests in {of}, each of one owner alone"),
            Self::Texts => format!("the other values of {of}"),
            Self::Account => format!("the accounts of {of}, each of one tenant alone"),
            Self::Stack => format!("the shared stacks that are read by {of}"),
            Self::Name => format!("the names of {of}, each of one stack alone"),
            Self::Content => format!("every resource and output of {of}, which have templates of their own"),
        }
    }

    /// What the proof takes for granted of it.
    fn should_have(self) -> &'static str {
        match self {
            Self::Template => {
                "a stack is deployed from the template that was proved, where the policies that were proved bind it"
            }
            Self::Id => "a tenant's stack has the tenant's own id, which is of the language of ids",
            Self::Digest => "no two owners have the same digest",
            Self::Texts => "a value is what the declaration and the template say of it",
            Self::Account => "a tenant's account is nobody else's",
            Self::Stack => "a tenant's stack reads the stack that its own cell shares, in its own account and region",
            Self::Name => "no two stacks have the same name",
            Self::Content => "a tenant's own template is the template of its tier with the tenant's values",
        }
    }
}

/// What was found by one check.
#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    wrong: u64,
    told: Vec<(String, Place)>,
    unread: Option<Obstacle>,
}

impl Tally {
    fn wrong(&mut self, place: Place, sentence: impl FnOnce() -> String) {
        self.wrong += 1;
        if self.told.len() < TOLD {
            self.told.push((sentence(), place));
        }
    }
}

/// A template of the declaration.
#[derive(Debug)]
struct Kind {
    deployed: Deployed,
    digest: Digest,
    form: Option<Form>,
    /// Languages of the parameters of which only the template says something.
    patterns: BTreeMap<String, IdLanguage>,
    tallies: BTreeMap<Check, Tally>,
}

impl Kind {
    fn tally(&mut self, check: Check) -> &mut Tally {
        self.tallies.entry(check).or_default()
    }

    /// Counts, and tells if it is not as it should be.
    fn hold(&mut self, check: Check, holds: bool, place: impl FnOnce() -> Place, sentence: impl FnOnce() -> String) {
        let tally = self.tally(check);
        tally.asked += 1;
        if !holds {
            tally.wrong(place(), sentence);
        }
    }
}

/// A stack that tenants of a cell share.
#[derive(Debug)]
struct Shared {
    cell: String,
    template: String,
    account: Option<String>,
    region: String,
}

/// Who was met, in the order of the records.
#[derive(Debug, Default)]
struct Met {
    names: String,
    ends: Vec<usize>,
}

impl Met {
    fn push(&mut self, name: &str) -> u32 {
        self.names.push_str(name);
        self.ends.push(self.names.len());
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    fn get(&self, at: u32) -> &str {
        let at = at as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(at).and_then(|end| self.names.get(start..*end)).unwrap_or("")
    }

    fn last(&self) -> Option<&str> {
        let at = self.ends.len().checked_sub(1)?;
        Some(self.get(u32::try_from(at).ok()?))
    }
}

/// Holds the stacks of an assembly against what was proved.
#[derive(Debug)]
pub struct Instances {
    expanded: bool,
    ids: IdLanguage,
    kinds: BTreeMap<String, Kind>,
    shared: BTreeMap<String, Shared>,
    /// Accounts with stacks of several tenants, and what is in them.
    shared_accounts: BTreeMap<String, String>,
    cell_digests: BTreeMap<String, String>,
    met: Met,
    digests: Vec<(u64, u32)>,
    accounts: Vec<(u64, u32)>,
    names: Vec<(u64, u32)>,
    /// Checks that are about all tenants together.
    all: BTreeMap<Check, Tally>,
    stacks: u64,
    /// How many of those that were met are cells' stacks.
    cells: u32,
    without_account: u64,
}

impl Instances {
    /// A checker for the templates of a declaration. `digests` are those of the files that were proved;
    /// where the assembly is `expanded`, tenants have templates of their own.
    #[must_use]
    pub fn new(tenancy: &Tenancy, ids: &IdLanguage, digests: &BTreeMap<String, Digest>, expanded: bool) -> Self {
        let mut instances = Self {
            expanded,
            ids: ids.clone(),
            kinds: BTreeMap::new(),
            shared: BTreeMap::new(),
            shared_accounts: BTreeMap::new(),
            cell_digests: BTreeMap::new(),
            met: Met::default(),
            digests: Vec::new(),
            accounts: Vec::new(),
            names: Vec::new(),
            all: BTreeMap::new(),
            stacks: 0,
            cells: 0,
            without_account: 0,
        };
        for deployed in &tenancy.templates {
            if let Some(digest) = digests.get(&deployed.template) {
                instances.declare(deployed, *digest);
            }
        }
        instances
    }

    /// Adds a template that was proved.
    pub fn declare(&mut self, deployed: &Deployed, digest: Digest) {
        let (deployed, tallies) = (deployed.clone(), BTreeMap::new());
        let kind = Kind { deployed, digest, form: None, patterns: BTreeMap::new(), tallies };
        self.kinds.entry(kind.deployed.template.clone()).or_insert(kind);
    }

    /// Whether a template was added.
    #[must_use]
    pub fn knows(&self, template: &str) -> bool {
        self.kinds.contains_key(template)
    }

    /// What a template holds, so that templates that were made of it can be compared.
    pub fn content(&mut self, template: &str, value: &Value) {
        if let Some(kind) = self.kinds.get_mut(template) {
            kind.form = Some(Form::template(value));
            let section = value.get("Parameters").and_then(Value::as_object);
            for (name, declaration) in section.into_iter().flatten() {
                if let Some(pattern) = declaration.get("AllowedPattern").and_then(Value::as_str)
                    && let Ok(language) = IdLanguage::new(pattern)
                {
                    kind.patterns.insert(name.clone(), language);
                }
            }
        }
    }

    /// What is attached to the accounts of a tier.
    pub fn policies(&mut self, tier: &str, policies: &TierPolicies) {
        for kind in self.kinds.values_mut().filter(|kind| kind.deployed.tier.as_deref() == Some(tier)) {
            let Guardrails { scp, rcp, .. } = &kind.deployed.guardrails;
            let holds = *scp == policies.scp && *rcp == policies.rcp;
            let place = || Place { file: MANIFEST.to_owned(), pointer: "/tiers".to_owned() };
            if !holds {
                kind.tally(Check::Template).wrong(place(), || {
                    format!("the policies of tier `{tier}` in the manifest are not those of the declaration")
                });
            }
        }
    }

    /// The cells' stacks. They are to be told before the first tenant.
    pub fn cells(&mut self, cells: &[CellRecord]) {
        let mut digests: BTreeMap<String, String> = BTreeMap::new();
        for (cell_at, cell) in cells.iter().enumerate() {
            for (at, stack) in cell.stacks.iter().enumerate() {
                let place = |rest: &str| Place {
                    file: MANIFEST.to_owned(),
                    pointer: format!("/cells/{cell_at}/stacks/{at}{rest}"),
                };
                let who = self.met.push(&cell.cell);
                self.cells += 1;
                self.stacks += 1;
                self.name(stack, who, &place);
                if let Some(account) = &stack.account {
                    self.shared_accounts.entry(account.to_string()).or_insert_with(|| format!("cell `{}`", cell.cell));
                }
                let shared = Shared {
                    cell: cell.cell.clone(),
                    template: stack.template.to_string(),
                    account: stack.account.as_ref().map(ToString::to_string),
                    region: stack.region.to_string(),
                };
                self.shared.insert(stack.name.to_string(), shared);
                let Some(kind) = self.kinds.get_mut(&*stack.template) else {
                    self.undeclared(place("/template"), stack);
                    continue;
                };
                let (scope, digest) = (kind.deployed.scope, kind.digest);
                kind.hold(
                    Check::Template,
                    scope == Scope::Shared && digest == stack.sha256,
                    || place("/template"),
                    || {
                        format!(
                            "stack `{}` of cell `{}` is not made of the template that was proved",
                            stack.name, cell.cell
                        )
                    },
                );
                let meanings = kind.deployed.parameters.clone();
                for (parameter, meaning) in &meanings {
                    let value = stack.parameters.get(parameter.as_str()).map_or("", AsRef::as_ref);
                    let place = || place(&format!("/parameters/{parameter}"));
                    let (check, holds) = match meaning {
                        Meaning::CellDigest { length } => {
                            let own = self.cell_digests.entry(cell.cell.clone()).or_insert_with(|| value.to_owned());
                            let owner = digests.entry(value.to_owned()).or_insert_with(|| cell.cell.clone());
                            (Check::Digest, is_digest(value, *length) && own == value && *owner == cell.cell)
                        }
                        Meaning::Is { text } => (Check::Texts, value == text),
                        // In a shared stack these mean nothing, and the proof takes them for anything.
                        Meaning::Tenant
                        | Meaning::TenantDigest { .. }
                        | Meaning::TenantText
                        | Meaning::Stack { .. } => continue,
                    };
                    kind.hold(check, holds, place, || {
                        format!("`{parameter}` of cell `{}` is `{value}`: {}", cell.cell, check.should_have())
                    });
                }
            }
        }
    }

    /// The next tenant, in the order of the file; `line` counts from 1. With `read` a stack that has a template of its own
    /// is compared with the template of its tier.
    pub fn record(&mut self, line: u64, record: &TenantRecord<'_>, mut read: Option<&mut ReadFile<'_>>) {
        let tenant = &record.tenant;
        let place = |rest: &str| Place { file: TENANTS.to_owned(), pointer: format!("/{line}{rest}") };
        // Cells come first among those that were met, and are no tenants.
        let before = if line > 1 { self.met.last() } else { None };
        let holds = before.is_none_or(|before| before < tenant.as_ref());
        let before = if holds { String::new() } else { before.unwrap_or_default().to_owned() };
        let tally = self.all.entry(Check::Id).or_default();
        tally.asked += 1;
        if !holds {
            tally.wrong(place("/tenant"), || {
                format!("tenant `{tenant}` comes after `{before}`: ids are sorted, so that none is there twice")
            });
        }
        let who = self.met.push(tenant);
        let (mut has_digest, mut has_account) = (false, false);
        for (at, stack) in record.stacks.iter().enumerate() {
            let place = |rest: &str| place(&format!("/stacks/{at}{rest}"));
            self.stacks += 1;
            self.name(stack, who, &place);
            let own = self.expanded && !self.kinds.contains_key(&*stack.template);
            let template = match (own, &mut read) {
                (false, _) => Some(stack.template.to_string()),
                (true, Some(read)) => self.compare(record, stack, *read, &place),
                (true, None) => self.of_tier(&record.tier).next().map(str::to_owned),
            };
            let Some((file, mut kind)) = template.and_then(|template| self.kinds.remove_entry(&template)) else {
                self.undeclared(place("/template"), stack);
                continue;
            };
            let expected = Expected { record, stack, own, instances: self };
            (has_digest, has_account) = expected.hold(&mut kind, &place, (has_digest, has_account));
            if kind.deployed.accounts == Accounts::Shared
                && let Some(account) = &stack.account
                && !self.shared_accounts.contains_key(&**account)
            {
                self.shared_accounts.insert(account.to_string(), format!("tenant `{tenant}`, who shares it"));
            }
            if kind.deployed.accounts == Accounts::Own {
                match &stack.account {
                    Some(account) => self.accounts.push((fingerprint(account), who)),
                    None => self.without_account += 1,
                }
            }
            self.kinds.insert(file, kind);
        }
        if has_digest {
            self.digests.push((fingerprint(&record.digest), who));
        }
        if has_account {
            // Two stacks of one tenant in one account are one.
            self.accounts.dedup();
        }
    }

    /// The answers.
    #[must_use]
    pub fn finish(mut self) -> Vec<Obligation> {
        let mut accounts = std::mem::take(&mut self.accounts);
        accounts.sort_unstable();
        accounts.dedup();
        let mut digests = std::mem::take(&mut self.digests);
        digests.sort_unstable();
        let mut names = std::mem::take(&mut self.names);
        names.sort_unstable();
        for (check, list) in [(Check::Digest, &digests), (Check::Account, &accounts), (Check::Name, &names)] {
            if list.is_empty() {
                continue;
            }
            let mut tally = self.all.remove(&check).unwrap_or_default();
            tally.asked = u64::try_from(list.len()).unwrap_or(u64::MAX);
            for pair in list.windows(2) {
                if let [(one, first), (other, second)] = pair
                    && one == other
                {
                    let place = self.place(*second);
                    let (first, second) = (self.met.get(*first), self.met.get(*second));
                    let what = match check {
                        Check::Digest => "have the same digest",
                        Check::Account => "are in the same account",
                        _ => "have stacks of the same name",
                    };
                    tally.wrong(place, || format!("tenants `{first}` and `{second}` {what}"));
                }
            }
            self.all.insert(check, tally);
        }
        // Whoever shares an account may have come after the one whose own it is.
        for (account, other) in &self.shared_accounts {
            let print = fingerprint(account);
            let at = accounts.partition_point(|(known, _)| *known < print);
            if let Some((_, who)) = accounts.get(at).filter(|(known, _)| *known == print) {
                let (place, tenant) = (self.place(*who), self.met.get(*who));
                let tally = self.all.entry(Check::Account).or_default();
                tally.wrong(place, || format!("tenant `{tenant}` is in account `{account}`, where {other} is"));
            }
        }
        let mut obligations = Vec::new();
        for (check, tally) in std::mem::take(&mut self.all) {
            let of = match check {
                Check::Id => plural(tally.asked, "tenant", "tenants"),
                _ => plural(self.stacks, "stack", "stacks"),
            };
            obligations.push(obligation(check, tally, "all stacks", &of));
        }
        for (template, kind) in self.kinds {
            let file = template.rsplit('/').next().unwrap_or(&template);
            let stem = file.split(".template.").next().unwrap_or(file);
            for (check, tally) in kind.tallies {
                let of = format!("{} of `{template}`", plural(tally.asked, "stack", "stacks"));
                obligations.push(obligation(check, tally, stem, &of));
            }
        }
        obligations
    }

    /// What the answers rest on beside the records.
    #[must_use]
    pub fn assumption(&self) -> Option<String> {
        (self.without_account > 0).then(|| {
            format!(
                "the accounts of {} are not known yet: each gets one that nobody else uses",
                plural(self.without_account, "stack", "stacks")
            )
        })
    }

    /// Where somebody stands who was met.
    fn place(&self, who: u32) -> Place {
        match who.checked_sub(self.cells) {
            Some(line) => Place { file: TENANTS.to_owned(), pointer: format!("/{}", line + 1) },
            None => Place { file: MANIFEST.to_owned(), pointer: "/cells".to_owned() },
        }
    }

    fn of_tier(&self, tier: &str) -> impl Iterator<Item = &str> {
        let own = self.kinds.values().filter(move |kind| {
            kind.deployed.scope == Scope::Tenant && kind.deployed.tier.as_deref().is_none_or(|of| of == tier)
        });
        own.map(|kind| kind.deployed.template.as_str())
    }

    fn name(&mut self, stack: &StackRecord<'_>, who: u32, place: &dyn Fn(&str) -> Place) {
        let is_name = (1..=128).contains(&stack.name.len())
            && stack.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name {
            let tally = self.all.entry(Check::Name).or_default();
            tally.wrong(place("/name"), || format!("`{}` is not the name of a stack", stack.name));
        }
        self.names.push((fingerprint(&stack.name), who));
    }

    fn undeclared(&mut self, place: Place, stack: &StackRecord<'_>) {
        let tally = self.all.entry(Check::Template).or_default();
        tally.asked += 1;
        tally.wrong(place, || format!("stack `{}` is made of `{}`, which was not proved", stack.name, stack.template));
    }

    /// The template that a tenant's own is made of: the first that it does not differ from, or else the first of its tier.
    fn compare(
        &mut self,
        record: &TenantRecord<'_>,
        stack: &StackRecord<'_>,
        read: &mut ReadFile<'_>,
        place: &dyn Fn(&str) -> Place,
    ) -> Option<String> {
        let candidates: Vec<String> = self.of_tier(&record.tier).map(str::to_owned).collect();
        let first = candidates.first()?.clone();
        let instance = read(&stack.template)
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string()));
        let instance = match instance {
            Ok(value) => Form::instance(&value),
            Err(problem) => {
                let tally = self.kinds.get_mut(&first)?.tally(Check::Content);
                tally.asked += 1;
                tally.unread.get_or_insert_with(|| Obstacle {
                    place: Some(place("/template")),
                    reason: format!("`{}` of tenant `{}` cannot be read: {problem}", stack.template, record.tenant),
                    help: "make the assembly anew with `tenantry synth --expand`".to_owned(),
                });
                return Some(first);
            }
        };
        let mut difference = None;
        for candidate in candidates {
            let kind = self.kinds.get(&candidate)?;
            let Some(form) = &kind.form else { continue };
            let expected = Expected { record, stack, own: true, instances: self };
            match form.difference(&instance, &expected.values(&kind.deployed)) {
                None => {
                    self.kinds.get_mut(&candidate)?.tally(Check::Content).asked += 1;
                    return Some(candidate);
                }
                // The longest way to a difference is into the template that is most alike.
                Some(at) => {
                    let is_further = difference
                        .as_ref()
                        .is_none_or(|(_, known): &(_, String)| at.matches('/').count() > known.matches('/').count());
                    if is_further {
                        difference = Some((candidate, at));
                    }
                }
            }
        }
        let (candidate, at) = difference?;
        self.kinds.get_mut(&candidate)?.hold(
            Check::Content,
            false,
            || Place { file: stack.template.to_string(), pointer: at.clone() },
            || format!("the template of tenant `{}` differs from `{candidate}` at `{at}`", record.tenant),
        );
        Some(candidate)
    }
}

/// A tenant's stack, and what it is held against.
struct Expected<'e> {
    record: &'e TenantRecord<'e>,
    stack: &'e StackRecord<'e>,
    /// Whether the stack has a template of its own, with the values in it.
    own: bool,
    instances: &'e Instances,
}

impl Expected<'_> {
    /// What a parameter is given; in a template of its own, what it must have been given.
    fn value(&self, parameter: &str, meaning: Option<&Meaning>) -> Option<&str> {
        if !self.own {
            return self.stack.parameters.get(parameter).map(AsRef::as_ref);
        }
        match meaning {
            Some(Meaning::Tenant) => Some(&self.record.tenant),
            Some(Meaning::TenantDigest { .. }) => Some(&self.record.digest),
            Some(Meaning::TenantText) => Some(&self.record.label),
            Some(Meaning::CellDigest { .. }) => self.instances.cell_digests.get(&*self.record.cell).map(String::as_str),
            Some(Meaning::Stack { template }) => {
                let is_of = |name: &str| self.instances.shared.get(name).is_some_and(|one| one.template == *template);
                self.record.shared_stacks.iter().map(AsRef::as_ref).find(|name| is_of(name))
            }
            Some(Meaning::Is { .. }) | None => self.stack.tags.get(parameter).map(AsRef::as_ref),
        }
    }

    /// The values of all parameters, for a comparison.
    fn values(&self, deployed: &Deployed) -> BTreeMap<String, String> {
        let mut values: BTreeMap<String, String> =
            self.stack.tags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        for (parameter, meaning) in &deployed.parameters {
            let value = match meaning {
                Meaning::Is { text } => Some(text.as_str()),
                other => self.value(parameter, Some(other)),
            };
            match value {
                Some(value) => values.insert(parameter.clone(), value.to_owned()),
                None => values.remove(parameter),
            };
        }
        values
    }

    /// Holds the stack against what its template's parameters stand for.
    fn hold(&self, kind: &mut Kind, place: &dyn Fn(&str) -> Place, seen: (bool, bool)) -> (bool, bool) {
        let (mut has_digest, mut has_account) = seen;
        let (record, stack, tenant) = (self.record, self.stack, &self.record.tenant);
        let of_tier = kind.deployed.tier.as_deref().is_none_or(|tier| tier == record.tier);
        let proved = self.own || kind.digest == stack.sha256;
        let holds = kind.deployed.scope == Scope::Tenant && of_tier && proved;
        kind.hold(
            Check::Template,
            holds,
            || place("/template"),
            || {
                let tier = &record.tier;
                format!(
                    "tenant `{tenant}` of tier `{tier}` is not deployed from the template that was proved for the tier"
                )
            },
        );
        let meanings = std::mem::take(&mut kind.deployed.parameters);
        for (parameter, meaning) in &meanings {
            let value = self.value(parameter, Some(meaning)).unwrap_or("");
            let (check, holds) = match meaning {
                Meaning::Tenant => (Check::Id, value == tenant.as_ref() && self.instances.ids.contains(value)),
                Meaning::TenantDigest { length } => {
                    has_digest = true;
                    (Check::Digest, value == record.digest.as_ref() && is_digest(value, *length))
                }
                Meaning::TenantText => (Check::Texts, (1..=64).contains(&value.len()) && is_label(value)),
                Meaning::CellDigest { length } => {
                    let own = self.instances.cell_digests.get(&*record.cell);
                    (Check::Texts, is_digest(value, *length) && own.is_some_and(|own| own == value))
                }
                Meaning::Stack { template } => {
                    let holds = self.instances.shared.get(value).is_some_and(|shared| {
                        shared.template == *template
                            && shared.cell == record.cell
                            && shared.account.as_deref() == stack.account.as_deref()
                            && shared.region == stack.region
                    });
                    (Check::Stack, holds)
                }
                Meaning::Is { text } if self.own => (Check::Texts, !text.is_empty()),
                Meaning::Is { text } => (Check::Texts, value == text),
            };
            kind.hold(
                check,
                holds,
                || place(&format!("/parameters/{parameter}")),
                || format!("`{parameter}` of tenant `{tenant}` is `{value}`: {}", check.should_have()),
            );
        }
        kind.deployed.parameters = meanings;
        if self.own {
            // Nobody else holds these values to what the template says of them.
            let odd = kind.patterns.iter().find_map(|(parameter, language)| {
                let declared = kind.deployed.parameters.contains_key(parameter);
                let value = self.value(parameter, None).unwrap_or("");
                (!declared && !language.contains(value)).then(|| (parameter.clone(), value.to_owned()))
            });
            kind.hold(
                Check::Texts,
                odd.is_none(),
                || place("/tags"),
                || {
                    let (parameter, value) = odd.unwrap_or_default();
                    format!("`{parameter}` of tenant `{tenant}` is `{value}`, which the template does not allow")
                },
            );
        }
        if kind.deployed.accounts == Accounts::Own {
            has_account = true;
            if let Some(account) = &stack.account {
                let other = self.instances.shared_accounts.get(&**account);
                let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
                kind.hold(
                    Check::Account,
                    is_account && other.is_none(),
                    || place("/account"),
                    || {
                        let other = other.map(|other| format!(", where {other} is")).unwrap_or_default();
                        format!("tenant `{tenant}` is in account `{account}`{other}: {}", Check::Account.should_have())
                    },
                );
            }
        }
        (has_digest, has_account)
    }
}

fn is_label(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_digest(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// A number for a text. Of digests and accounts no two have the same; of names, one pair in ten to the nineteenth.
fn fingerprint(text: &str) -> u64 {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(u64::from(byte - b'0') + 1),
        b'a'..=b'z' => Some(u64::from(byte - b'a') + 11),
        _ => None,
    };
    if text.len() <= 12
        && let Some(number) = text.bytes().try_fold(0_u64, |number, byte| Some(number * 37 + digit(byte)?))
    {
        return number;
    }
    let digest = Digest::of(text.as_bytes()).to_string();
    u64::from_str_radix(digest.get(..16).unwrap_or_default(), 16).unwrap_or(0)
}

fn obligation(check: Check, tally: Tally, group: &str, of: &str) -> Obligation {
    let target = check.target(of);
    let (verdict, method) = match (tally.told.split_first(), tally.unread) {
        (Some(((first, _), rest)), _) => {
            let named: Vec<&str> = rest.iter().map(|(sentence, _)| sentence.as_str()).collect();
            let mut sentence = first.clone();
            for other in &named {
                sentence.push_str("; ");
                sentence.push_str(other);
            }
            let more = tally.wrong - u64::try_from(tally.told.len()).unwrap_or(0);
            if more > 0 {
                sentence.push_str(&format!("; and {more} more"));
            }
            let case = json!({ "instances": tally.told.iter().map(|(sentence, place)| {
                json!({ "what": sentence, "file": place.file, "at": place.pointer })
            }).collect::<Vec<_>>() });
            let found = Counterexample {
                sentence,
                granted_by: tally.told.iter().map(|(_, place)| (place.clone(), None)).collect(),
                should_have: check.should_have().to_owned(),
                case,
                only_under: Vec::new(),
            };
            (Verdict::Refuted(Box::new(found)), Method::Comparison)
        }
        (None, Some(obstacle)) => (Verdict::Unknown(obstacle), Method::None),
        (None, None) => (Verdict::Proved, Method::Comparison),
    };
    Obligation {
        id: format!("instances → {group}/{}", check.word()),
        claim: Claim::Instance,
        principal: "what is deployed".to_owned(),
        actions: Vec::new(),
        target,
        verdict,
        method,
        formula: None,
        needs_guardrails: false,
        cross_check: None,
    }
}
