//! Tiers: what an isolation model takes in, and which access it knows.

use std::marker::PhantomData;
use std::panic::Location;

use super::access::{AccessKind, Caller, Takes};
use super::component::{Component, KeepsTenantsApart};
use super::draft::{Draft, Entitlements, Inside, Member, Place, Said, origin};
use super::guardrail::Guardrail;
use super::handle::{Handle, Mark};
use super::isolation::{
    Bridge, Declared, InPool, InSilo, Isolation, NamesNothingPooled, NamesNothingSiloed, Pool, Sharing, Silo,
};
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::model::{self, Body, ComponentName, Entitlement, Grant, Strategy, TierName};

/// What separates the tenants of a silo tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// An AWS account for each tenant.
    Account,
    /// A VPC for each tenant, in the cell's account.
    Vpc,
    /// Resources of their own and policies, in the cell's account and no network of their own.
    Resource,
}

/// A tier, whatever its isolation model.
#[derive(Debug, Clone)]
pub(super) struct TierDraft {
    pub(super) name: Said<String>,
    isolation: model::Isolation,
    boundary: model::Boundary,
    strategy: Strategy,
    pub(super) members: Vec<Member>,
    grants: Vec<(Mark, model::Access, Mark, Place)>,
    guardrails: Vec<Guardrail>,
    entitlements: Entitlements,
}

/// A packaged offer with one isolation model: [`Silo`], [`Pool`] or [`Bridge`].
#[derive(Debug, Clone)]
#[must_use = "a tier does nothing until a blueprint has it"]
pub struct Tier<I> {
    pub(super) draft: TierDraft,
    isolation: PhantomData<fn() -> I>,
}

impl<I: Isolation> Tier<I> {
    fn new(name: String, boundary: model::Boundary, place: Place) -> Self {
        let draft = TierDraft {
            name: Said::new(name, place),
            isolation: I::ISOLATION,
            boundary,
            strategy: Strategy::Hash,
            members: Vec::new(),
            grants: Vec::new(),
            guardrails: Vec::new(),
            entitlements: Entitlements::default(),
        };
        Self { draft, isolation: PhantomData }
    }

    /// Sets how tenants find their cells; [`Strategy::Hash`] by default.
    pub fn placement(mut self, strategy: Strategy) -> Self {
        self.draft.strategy = strategy;
        self
    }

    /// Adds a limit of this tier, beside the blueprint's own.
    pub fn guardrail(&mut self, guardrail: impl Into<Guardrail>) -> &mut Self {
        self.draft.guardrails.push(guardrail.into());
        self
    }

    /// Sets what its tenants may use of the product: `.entitlement("seats", 25)`. A tenant may have it different.
    #[track_caller]
    pub fn entitlement(mut self, name: impl Into<String>, value: impl Into<Entitlement>) -> Self {
        self.draft.entitlements.set(name.into(), value.into(), Location::caller());
        self
    }

    fn take<C: Component, S: Sharing>(&mut self, component: C) -> Handle<C::Kind, S> {
        let member = Member { draft: component.into_draft(Inside(())), sharing: S::SHARING };
        let handle = Handle::new(member.mark());
        self.draft.members.push(member);
        handle
    }

    fn grant<A: AccessKind>(&mut self, from: Mark, _: A, to: Mark, place: Place) {
        self.draft.grants.push((from, A::ACCESS, to, place));
    }
}

impl Tier<Silo> {
    /// A tier whose tenants have resources of their own. The boundary is [`Boundary::Account`] unless told otherwise.
    #[track_caller]
    pub fn silo(name: impl Into<String>) -> Self {
        Self::new(name.into(), model::Boundary::Account, Location::caller())
    }

    /// Sets what separates the tenants.
    pub fn boundary(mut self, boundary: Boundary) -> Self {
        self.draft.boundary = match boundary {
            Boundary::Account => model::Boundary::Account,
            Boundary::Vpc => model::Boundary::Vpc,
            Boundary::Resource => model::Boundary::Resource,
        };
        self
    }

    /// Adds a component, once for each tenant.
    pub fn add<C: Component + NamesNothingPooled>(&mut self, component: C) -> Handle<C::Kind, Silo> {
        self.take(component)
    }

    /// Lets a function reach another component: each tenant's function reaches that tenant's own.
    #[track_caller]
    pub fn allow<F, A, T>(&mut self, from: F, access: A, to: T) -> &mut Self
    where
        F: Caller + InSilo,
        A: AccessKind,
        T: Takes<A> + InSilo,
    {
        self.grant(from.marked(), access, to.marked(), Location::caller());
        self
    }
}

impl Tier<Pool> {
    /// A tier whose tenants share resources. Keys and policies keep them apart.
    #[track_caller]
    pub fn pool(name: impl Into<String>) -> Self {
        Self::new(name.into(), model::Boundary::Application, Location::caller())
    }

    /// Adds a component, once for each cell. It says what keeps tenants apart in it, where it holds anything of theirs.
    pub fn add<C: Component + KeepsTenantsApart + NamesNothingSiloed>(
        &mut self,
        component: C,
    ) -> Handle<C::Kind, Pool> {
        self.take(component)
    }

    /// Lets a function reach another component, on behalf of one tenant at a time.
    #[track_caller]
    pub fn allow<F, A, T>(&mut self, from: F, access: A, to: T) -> &mut Self
    where
        F: Caller + InPool,
        A: AccessKind,
        T: Takes<A> + InPool,
    {
        self.grant(from.marked(), access, to.marked(), Location::caller());
        self
    }
}

impl Tier<Bridge> {
    /// A tier of which each component says whether tenants share it.
    #[track_caller]
    pub fn bridge(name: impl Into<String>) -> Self {
        Self::new(name.into(), model::Boundary::Resource, Location::caller())
    }

    /// Adds a component that says `.siloed()` or `.pooled()`.
    pub fn add<C: Declared>(&mut self, component: C) -> Handle<<C::Component as Component>::Kind, C::Sharing> {
        self.take(component.component())
    }

    /// Lets a function reach another component, always in the name of one tenant.
    #[track_caller]
    pub fn allow<F, A, T>(&mut self, from: F, access: A, to: T) -> &mut Self
    where
        F: Caller,
        A: AccessKind,
        T: Takes<A>,
    {
        self.grant(from.marked(), access, to.marked(), Location::caller());
        self
    }
}

impl TierDraft {
    pub(super) fn mark(&self) -> Mark {
        Mark::new(&self.name.value, self.name.place)
    }

    /// The tier as the model has it. What is wrong goes to the sink.
    pub(super) fn lower(&self, sink: &mut Sink) -> Option<model::Tier> {
        let name = self.name.read(&codes::ID_NAME, TierName::new, sink);
        let mut members: Vec<model::Member> = Vec::new();
        for member in &self.members {
            let Some(component) = self.component(&member.draft, sink) else { continue };
            if let Some(first) = members.iter().find(|first| first.component.name == component.name) {
                sink.push(
                    Diagnostic::new(
                        &codes::ID_DUPLICATE,
                        component.origin.clone(),
                        format!("the component `{}` stands twice", component.name),
                    )
                    .label("again here")
                    .also(first.component.origin.clone(), "first here")
                    .help("rename one of them"),
                );
                continue;
            }
            members.push(model::Member { component, sharing: Some(member.sharing) });
        }
        let mut grants = Vec::new();
        for (from, access, to, place) in &self.grants {
            let ends = (self.own(*from, place, sink), self.own(*to, place, sink));
            if let (Some(from), Some(to)) = ends {
                grants.push(Grant { from, access: *access, to, origin: origin(place) });
            }
        }
        let guardrails = self.guardrails.iter().filter_map(|guardrail| guardrail.clone().lower(sink)).collect();
        Some(model::Tier {
            name: name?,
            isolation: self.isolation,
            boundary: self.boundary,
            strategy: self.strategy,
            members,
            grants,
            guardrails,
            entitlements: self.entitlements.lower(sink),
            origin: origin(self.name.place),
        })
    }

    /// A component as the model has it.
    pub(super) fn component(&self, draft: &Draft<Body>, sink: &mut Sink) -> Option<model::Component> {
        let name = draft.name.read(&codes::ID_NAME, ComponentName::new, sink);
        let renamed_from =
            draft.renamed_from.as_ref().and_then(|former| former.read(&codes::ID_NAME, ComponentName::new, sink));
        for mention in &draft.mentions {
            self.own(mention.value, mention.place, sink);
        }
        draft.problems.iter().for_each(|problem| sink.push(problem.clone()));
        Some(model::Component { name: name?, body: draft.body.clone(), renamed_from, origin: origin(draft.name.place) })
    }

    /// The name of a component of this tier. A handle of another tier is a finding, even if the names are the same.
    fn own(&self, mark: Mark, place: Place, sink: &mut Sink) -> Option<ComponentName> {
        if !self.members.iter().any(|member| member.mark() == mark) {
            let namesake = self.members.iter().any(|member| member.mark().same_name(&mark));
            let (text, tier) = (mark.text(), &self.name.value);
            let problem = Diagnostic::new(
                &codes::REFERENCE_UNKNOWN_COMPONENT,
                origin(place),
                format!("this handle of `{text}` is not of tier `{tier}`"),
            )
            .also(origin(mark.place), "the component it was given for");
            sink.push(if namesake {
                problem.help(format!("tier `{tier}` has a `{text}` of its own: use the handle that its `add` returned"))
            } else {
                problem.help(format!("add the component to tier `{tier}`, and use the handle that `add` returns"))
            });
            return None;
        }
        mark.component()
    }
}
