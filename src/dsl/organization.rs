//! Cells, exemptions and tenants.

use std::collections::BTreeMap;
use std::panic::Location;

use super::blueprint::TierRef;
use super::bounds;
use super::component::{Component, Drafted};
use super::draft::{Draft, Entitlements, Inside, Place, Said, origin};
use super::handle::{Handle, Mark};
use super::isolation::{Sealed, Silo};
use super::tier::TierDraft;
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::model::{self, AccountId, Body, CellName, Entitlement, IdLanguage, Region, State, Tenant, TierName};

/// A list of texts, each at the same place.
fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>, place: Place) -> Vec<Said<String>> {
    texts.into_iter().map(|text| Said::new(text.into(), place)).collect()
}

/// An independent replica that serves a bounded set of tenants.
#[derive(Debug, Clone)]
#[must_use = "a cell does nothing until a blueprint has it"]
pub struct Cell {
    name: Said<String>,
    region: Said<String>,
    account: Option<Said<String>>,
    capacity: Option<Said<u32>>,
    tiers: Vec<Said<String>>,
    geography: Option<String>,
    compliance: Vec<String>,
    reserved_for: Vec<Said<String>>,
}

impl Cell {
    /// A cell in a region.
    #[track_caller]
    pub fn new(name: impl Into<String>, region: impl Into<String>) -> Self {
        let place = Location::caller();
        Self {
            name: Said::new(name.into(), place),
            region: Said::new(region.into(), place),
            account: None,
            capacity: None,
            tiers: Vec::new(),
            geography: None,
            compliance: Vec::new(),
            reserved_for: Vec::new(),
        }
    }

    /// Sets its account, twelve digits; needed where tenants have none of their own.
    #[track_caller]
    pub fn account(mut self, id: impl Into<String>) -> Self {
        self.account = Some(Said::new(id.into(), Location::caller()));
        self
    }

    /// Sets how many tenants it holds at most; no bound by default.
    #[track_caller]
    pub fn capacity(mut self, tenants: u32) -> Self {
        self.capacity = Some(Said::new(tenants, Location::caller()));
        self
    }

    /// Sets the tiers it serves, by name or by what [`Blueprint::tier`](super::Blueprint::tier) returned; all by default.
    #[track_caller]
    pub fn tiers<T: NamesTier>(mut self, tiers: impl IntoIterator<Item = T>) -> Self {
        self.tiers.extend(texts(tiers.into_iter().map(|tier| tier.name()), Location::caller()));
        self
    }

    /// Sets the geography it is in; its region's by default.
    pub fn geography(mut self, geography: impl Into<String>) -> Self {
        self.geography = Some(geography.into());
        self
    }

    /// Adds what it complies with, such as `hipaa`.
    pub fn compliance<T: Into<String>>(mut self, regimes: impl IntoIterator<Item = T>) -> Self {
        self.compliance.extend(regimes.into_iter().map(Into::into));
        self
    }

    /// Reserves it for these tenants.
    #[track_caller]
    pub fn reserved_for<T: Into<String>>(mut self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.reserved_for.extend(texts(tenants, Location::caller()));
        self
    }

    pub(super) fn lower(self, ids: &IdLanguage, sink: &mut Sink) -> Option<model::Cell> {
        let name = self.name.read(&codes::ID_NAME, CellName::new, sink);
        let region = self.region.read(&codes::ID_REGION, Region::new, sink);
        let account = self.account.and_then(|id| id.read(&codes::ID_ACCOUNT, AccountId::new, sink));
        let capacity = self.capacity.map(|said| {
            bounds::CAPACITY.check(said.value, said.place).into_iter().for_each(|problem| sink.push(problem));
            said.value
        });
        let tiers = self.tiers.iter().filter_map(|tier| tier.read(&codes::ID_NAME, TierName::new, sink)).collect();
        let reserved_for = self
            .reserved_for
            .iter()
            .filter_map(|tenant| tenant.read(&codes::ID_TENANT, |text| ids.parse(text), sink))
            .collect();
        Some(model::Cell {
            name: name?,
            region: region?,
            account,
            capacity,
            tiers,
            geography: self.geography,
            compliance: self.compliance,
            reserved_for,
            origin: origin(self.name.place),
        })
    }
}

/// What names a tier: text, or what [`Blueprint::tier`](super::Blueprint::tier) returned.
pub trait NamesTier {
    /// The tier's name.
    fn name(self) -> String;
}

impl NamesTier for &str {
    fn name(self) -> String {
        self.to_owned()
    }
}

impl NamesTier for String {
    fn name(self) -> String {
        self
    }
}

impl NamesTier for TierRef {
    fn name(self) -> String {
        self.0.text()
    }
}

/// Why roles stand above the guardrails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exempt {
    /// They deploy stacks.
    Deployment,
    /// They may still read when a tenant is suspended.
    Audit,
    /// They may break every guardrail that can be broken.
    BreakGlass,
}

/// A tenant, as far as it has been said.
#[derive(Debug, Clone)]
pub(super) struct TenantDraft {
    id: Said<String>,
    tier: TierRef,
    name: Option<String>,
    state: State,
    account: Option<Said<String>>,
    cell: Option<Said<String>>,
    region: Option<Said<String>>,
    residency: Vec<Said<String>>,
    geography: Option<String>,
    compliance: Vec<String>,
    owner: Option<String>,
    cost_center: Option<String>,
    /// Components that are different, by the tier's own.
    overrides: Vec<(Mark, Draft<Body>)>,
    entitlements: Entitlements,
    legal_hold: bool,
    problems: Vec<Diagnostic>,
}

impl TenantDraft {
    pub(super) fn new(id: String, tier: TierRef, place: Place) -> Self {
        Self {
            id: Said::new(id, place),
            tier,
            name: None,
            state: State::Active,
            account: None,
            cell: None,
            region: None,
            residency: Vec::new(),
            geography: None,
            compliance: Vec::new(),
            owner: None,
            cost_center: None,
            overrides: Vec::new(),
            entitlements: Entitlements::default(),
            legal_hold: false,
            problems: Vec::new(),
        }
    }

    pub(super) fn lower(self, ids: &IdLanguage, tiers: &[TierDraft], sink: &mut Sink) -> Option<Tenant> {
        let id = self.id.read(&codes::ID_TENANT, |text| ids.parse(text), sink);
        let tier = tiers.iter().find(|tier| tier.mark() == self.tier.0);
        if tier.is_none() {
            sink.push(
                Diagnostic::new(
                    &codes::TENANT_UNKNOWN_TIER,
                    origin(self.id.place),
                    format!(
                        "tenant `{}` is in tier `{}`, which the blueprint does not have",
                        self.id.value,
                        self.tier.0.text()
                    ),
                )
                .also(origin(self.tier.0.place), "a tier of another blueprint")
                .help("use what this blueprint's `tier` returned"),
            );
        }
        self.problems.into_iter().for_each(|problem| sink.push(problem));
        let account = self.account.and_then(|id| id.read(&codes::ID_ACCOUNT, AccountId::new, sink));
        let cell = self.cell.and_then(|cell| cell.read(&codes::ID_NAME, CellName::new, sink));
        let mut residency: Vec<Region> =
            self.residency.iter().filter_map(|region| region.read(&codes::ID_REGION, Region::new, sink)).collect();
        if let Some(said) = self.region
            && let Some(region) = said.read(&codes::ID_REGION, Region::new, sink)
        {
            if let Some(elsewhere) = self.residency.first().filter(|_| !residency.contains(&region)) {
                sink.push(
                    Diagnostic::new(
                        &codes::PLACEMENT_NO_CELL,
                        origin(said.place),
                        format!("tenant `{}` must be in `{region}`, where its data may not be", self.id.value),
                    )
                    .also(origin(elsewhere.place), "its data may only be here")
                    .help(format!("add `{region}` to `.residency(…)`, or name one of its regions")),
                );
            }
            residency = vec![region];
        }
        let mut overrides = BTreeMap::new();
        for (mark, draft) in self.overrides {
            let Some(component) = tier.and_then(|tier| tier.component(&draft, sink)) else { continue };
            let base = tier.and_then(|tier| tier.members.iter().find(|member| member.mark() == mark));
            // An override that says what the tier says already is none, and makes no variant.
            if base.is_some_and(|base| base.draft.body != component.body) {
                overrides.insert(component.name, component.body);
            }
        }
        Some(Tenant {
            id: id?,
            display_name: self.name,
            // A name that is not one is a finding of its tier.
            tier: tier.and_then(|tier| TierName::new(&tier.name.value).ok())?,
            state: self.state,
            account,
            cell,
            residency,
            geography: self.geography,
            compliance: self.compliance,
            owner: self.owner,
            cost_center: self.cost_center,
            overrides,
            entitlements: self.entitlements.lower(sink),
            legal_hold: self.legal_hold,
            origin: origin(self.id.place),
        })
    }
}

/// Says more about a tenant.
#[derive(Debug)]
pub struct TenantBuilder<'a> {
    pub(super) tenant: &'a mut TenantDraft,
    pub(super) tiers: &'a [TierDraft],
}

impl TenantBuilder<'_> {
    /// Sets the name people use.
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        self.tenant.name = Some(name.into());
        self
    }

    /// Sets whether it is served; it is by default.
    pub fn state(&mut self, state: State) -> &mut Self {
        self.tenant.state = state;
        self
    }

    /// Sets its own account, twelve digits.
    #[track_caller]
    pub fn account(&mut self, id: impl Into<String>) -> &mut Self {
        self.tenant.account = Some(Said::new(id.into(), Location::caller()));
        self
    }

    /// Sets the cell it must be in; chosen by the tier's placement by default.
    #[track_caller]
    pub fn cell(&mut self, name: impl Into<String>) -> &mut Self {
        self.tenant.cell = Some(Said::new(name.into(), Location::caller()));
        self
    }

    /// Sets the region it must be in; any of those its data may be in by default.
    #[track_caller]
    pub fn region(&mut self, region: impl Into<String>) -> &mut Self {
        self.tenant.region = Some(Said::new(region.into(), Location::caller()));
        self
    }

    /// Adds regions its data may be in; any by default.
    #[track_caller]
    pub fn residency<T: Into<String>>(&mut self, regions: impl IntoIterator<Item = T>) -> &mut Self {
        self.tenant.residency.extend(texts(regions, Location::caller()));
        self
    }

    /// Sets the geography it belongs to, such as `eu`.
    pub fn geography(&mut self, geography: impl Into<String>) -> &mut Self {
        self.tenant.geography = Some(geography.into());
        self
    }

    /// Adds what its cell must comply with, such as `hipaa`.
    pub fn compliance<T: Into<String>>(&mut self, regimes: impl IntoIterator<Item = T>) -> &mut Self {
        self.tenant.compliance.extend(regimes.into_iter().map(Into::into));
        self
    }

    /// Sets the owner tag; the blueprint's by default.
    pub fn owner(&mut self, owner: impl Into<String>) -> &mut Self {
        self.tenant.owner = Some(owner.into());
        self
    }

    /// Sets the cost centre tag; the blueprint's by default.
    pub fn cost_center(&mut self, cost_center: impl Into<String>) -> &mut Self {
        self.tenant.cost_center = Some(cost_center.into());
        self
    }

    /// Sets an entitlement of its tier that is different for it: `.entitlement("seats", 100)`.
    #[track_caller]
    pub fn entitlement(&mut self, name: impl Into<String>, value: impl Into<Entitlement>) -> &mut Self {
        self.tenant.entitlements.set(name.into(), value.into(), Location::caller());
        self
    }

    /// Sets whether its data must not be deleted, whatever its state; it may by default.
    pub fn legal_hold(&mut self, held: bool) -> &mut Self {
        self.tenant.legal_hold = held;
        self
    }

    /// Changes a siloed component for this tenant alone: `|table| table.stream(true)`. The component keeps its name.
    #[track_caller]
    pub fn override_component<H, C>(&mut self, component: H, change: impl FnOnce(H::Component) -> C) -> &mut Self
    where
        H: Overridable,
        C: Component<Kind = <H::Component as Component>::Kind>,
    {
        let place = Location::caller();
        let mark = component.overridden();
        let Some(tier) = self.tiers.iter().find(|tier| tier.mark() == self.tenant.tier.0) else { return self };
        let Some(base) = tier.members.iter().find(|member| member.mark() == mark) else {
            let problem = format!("this handle of `{}` is not of tier `{}`", mark.text(), tier.name.value);
            self.tenant.problems.push(
                Diagnostic::new(&codes::OVERRIDE_UNKNOWN, origin(place), problem)
                    .also(origin(mark.place), "the component it was given for")
                    .help("a tenant overrides components of its own tier"),
            );
            return self;
        };
        let (name, former) = (base.draft.name.clone(), base.draft.renamed_from.clone());
        // What an earlier override of the same component said stays, as in a chain of settings.
        let before = self.tenant.overrides.iter().position(|(known, _)| *known == mark);
        let draft = match before {
            Some(index) => self.tenant.overrides.remove(index).1,
            None => base.draft.clone().afresh(),
        };
        let Some(base) = H::Component::from_draft(draft, Inside(())) else { return self };
        let mut changed = change(base).into_draft(Inside(()));
        if changed.name.value != name.value || changed.renamed_from.is_some() != former.is_some() {
            self.tenant.problems.push(
                Diagnostic::new(
                    &codes::SHAPE_UNKNOWN_KEY,
                    origin(place),
                    format!("an override of `{}` cannot rename it", name.value),
                )
                .help("change the component that the closure is given, and leave its name alone"),
            );
        }
        changed.name = name;
        changed.renamed_from = former;
        self.tenant.overrides.push((mark, changed));
        self
    }
}

/// What one tenant can have different: a component it has to itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be different for one tenant",
    label = "shared by all tenants of the tier",
    note = "set it for the tier, or make the component siloed"
)]
pub trait Overridable: Sealed {
    /// What it is.
    type Component: Component;
    /// Its mark.
    fn overridden(&self) -> Mark;
}

impl<C: Component> Overridable for Handle<C, Silo> {
    type Component = C;
    fn overridden(&self) -> Mark {
        self.mark()
    }
}
