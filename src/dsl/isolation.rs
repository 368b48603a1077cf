//! What types know about tenants: the three isolation models, what is whose, and what may name what.

use std::marker::PhantomData;

use super::component::{
    Alarms, Bucket, Component, Custom, Dashboard, EventBus, Function, HttpApi, KeepsTenantsApart, Key, Network, Queue,
    RestApi, Table, Topic, UserPool,
};
use super::handle::Handle;
use crate::model;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Silo {}
    impl Sealed for super::Pool {}
    impl Sealed for super::Bridge {}
    impl Sealed for super::Free {}
    impl<C, S> Sealed for super::Handle<C, S> {}
    impl<C, S> Sealed for super::Shared<C, S> {}
}
pub(super) use sealed::Sealed;

/// Resources per tenant.
#[derive(Debug, Clone, Copy)]
pub enum Silo {}

/// Resources shared by tenants.
#[derive(Debug, Clone, Copy)]
pub enum Pool {}

/// Each component says which. Of a component: it names siloed and pooled ones.
#[derive(Debug, Clone, Copy)]
pub enum Bridge {}

/// Of a component that names no other: it fits everywhere.
#[derive(Debug, Clone, Copy)]
pub enum Free {}

/// An isolation model: [`Silo`], [`Pool`] or [`Bridge`].
pub trait Isolation: Sealed {
    /// The model's word for it.
    const ISOLATION: model::Isolation;
}

impl Isolation for Silo {
    const ISOLATION: model::Isolation = model::Isolation::Silo;
}
impl Isolation for Pool {
    const ISOLATION: model::Isolation = model::Isolation::Pool;
}
impl Isolation for Bridge {
    const ISOLATION: model::Isolation = model::Isolation::Bridge;
}

/// Whether a component is there once for each tenant ([`Silo`]) or once for each cell ([`Pool`]).
///
/// A function that is generic over it makes components for tiers of several kinds. Whatever it puts together is of one
/// sharing, so that it is of that sharing itself:
///
/// ```
/// use tenantry::prelude::*;
///
/// fn api<S: Sharing>(users: Handle<UserPool, S>, handler: Handle<Function, S>) -> HttpApi<S> {
///     HttpApi::new("Front").authorizer(users).route("ANY /{proxy+}", handler)
/// }
/// ```
pub trait Sharing: Isolation + Names<Self, And = Self> + Sized {
    /// The model's word for it.
    const SHARING: model::Sharing;
}

impl Sharing for Silo {
    const SHARING: model::Sharing = model::Sharing::Siloed;
}
impl Sharing for Pool {
    const SHARING: model::Sharing = model::Sharing::Pooled;
}

/// What a component names, once it names something of `S` beside.
pub trait Names<S>: Sealed {
    /// All of it.
    type And;
}

impl<S> Names<S> for Free {
    type And = S;
}
impl<S> Names<S> for Bridge {
    type And = Self;
}
impl Names<Self> for Silo {
    type And = Self;
}
impl Names<Pool> for Silo {
    type And = Bridge;
}
impl Names<Self> for Pool {
    type And = Self;
}
impl Names<Silo> for Pool {
    type And = Bridge;
}

/// A component of a bridge tier, with the word that says whether tenants share it.
#[derive(Debug, Clone)]
#[must_use = "a component does nothing until a tier has it"]
pub struct Shared<C, S> {
    pub(super) component: C,
    sharing: PhantomData<S>,
}

impl<C, S> Shared<C, S> {
    pub(super) fn new(component: C) -> Self {
        Self { component, sharing: PhantomData }
    }
}

/// What a bridge tier takes: a component that says whether tenants share it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether tenants share it, and a `Bridge` tier asks each component",
    label = "siloed or pooled?",
    note = "add `.siloed()` if each tenant has one to itself, or `.pooled()` if tenants share one"
)]
pub trait Declared: Sealed {
    /// What it is.
    type Component: Component;
    /// Whose it is.
    type Sharing: Sharing;
    /// Takes the word off.
    fn component(self) -> Self::Component;
}

impl<C: Component> Declared for Shared<C, Silo> {
    type Component = C;
    type Sharing = Silo;
    fn component(self) -> C {
        self.component
    }
}

impl<C: Component + KeepsTenantsApart + NamesNothingSiloed> Declared for Shared<C, Pool> {
    type Component = C;
    type Sharing = Pool;
    fn component(self) -> C {
        self.component
    }
}

/// What a pool tier may reach: handles of pooled components.
#[diagnostic::on_unimplemented(
    message = "a `Pool` tier must not reach `{Self}`",
    label = "each tenant has this to itself, or it belongs to another tier",
    note = "what tenants share cannot choose one tenant's resource: use a handle that this tier's `add` returned"
)]
pub trait InPool: Sealed {}
impl<C> InPool for Handle<C, Pool> {}

/// What a silo tier may reach: handles of siloed components.
#[diagnostic::on_unimplemented(
    message = "a `Silo` tier has no `{Self}`",
    label = "this belongs to another tier",
    note = "use a handle that this tier's `add` returned"
)]
pub trait InSilo: Sealed {}
impl<C> InSilo for Handle<C, Silo> {}

/// A component that tenants may share: it holds on to nothing that one tenant has to itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names what each tenant has to itself, and here tenants share it",
    label = "shared by tenants, but tied to one tenant's resource",
    note = "make both siloed or both pooled; code reaches a tenant's own resource through `tier.allow(…)`, in the tenant's name"
)]
pub trait NamesNothingSiloed: Sealed {}

/// A component of a silo tier: it names components of a silo tier only.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names a component that tenants share, and a `Silo` tier has none",
    label = "names a component of another tier",
    note = "name components that this tier's `add` returned"
)]
pub trait NamesNothingPooled: Sealed {}

macro_rules! names_nothing {
    ($($component:ident $([$key:ident])?),*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<$($key)?> NamesNothingSiloed for $component<$($key,)? Free> {}
            #[diagnostic::do_not_recommend]
            impl<$($key)?> NamesNothingSiloed for $component<$($key,)? Pool> {}
            #[diagnostic::do_not_recommend]
            impl<$($key)?> NamesNothingPooled for $component<$($key,)? Free> {}
            #[diagnostic::do_not_recommend]
            impl<$($key)?> NamesNothingPooled for $component<$($key,)? Silo> {}
        )*
    };
}
names_nothing! { Table [K], Bucket [K], Queue [K], Topic [K], Custom [K], Function, HttpApi, RestApi, Alarms, Dashboard }

#[diagnostic::do_not_recommend]
impl NamesNothingSiloed for Key {}
#[diagnostic::do_not_recommend]
impl NamesNothingPooled for Key {}
#[diagnostic::do_not_recommend]
impl NamesNothingSiloed for UserPool {}
#[diagnostic::do_not_recommend]
impl NamesNothingPooled for UserPool {}
#[diagnostic::do_not_recommend]
impl NamesNothingSiloed for Network {}
#[diagnostic::do_not_recommend]
impl NamesNothingPooled for Network {}
#[diagnostic::do_not_recommend]
impl<K> NamesNothingSiloed for EventBus<K> {}
#[diagnostic::do_not_recommend]
impl<K> NamesNothingPooled for EventBus<K> {}

// Outside a bridge tier this is not a component, and the compiler shall say only that.
#[diagnostic::do_not_recommend]
impl<C, S> NamesNothingSiloed for Shared<C, S> {}
#[diagnostic::do_not_recommend]
impl<C, S> NamesNothingPooled for Shared<C, S> {}
#[diagnostic::do_not_recommend]
impl<C, S> KeepsTenantsApart for Shared<C, S> {}
