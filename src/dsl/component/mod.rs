//! Components, as a blueprint in Rust describes them: one file for each, with every setting of the model.

mod alarms;
mod bucket;
mod code;
mod custom;
mod dashboard;
mod event_bus;
mod function;
mod http_api;
mod key;
mod network;
mod queue;
mod rest_api;
mod table;
mod tenant_key;
mod topic;
mod user_pool;

#[cfg(test)]
pub(super) use alarms::watchable;
pub use alarms::{Alarms, Watchable};
pub use bucket::Bucket;
pub use code::Code;
pub use custom::Custom;
pub use dashboard::Dashboard;
pub use event_bus::EventBus;
pub use function::Function;
pub use http_api::HttpApi;
pub use key::Key;
pub use network::Network;
pub use queue::Queue;
pub use rest_api::RestApi;
pub use table::Table;
pub use tenant_key::{
    AlarmsOnly, AttributeKey, BucketKey, KeepsTenantsApart, Keyed, MessageKey, ObjectPrefix, PrefixKey, TableKey,
    TenantKey, Unkeyed,
};
pub use topic::Topic;
pub use user_pool::UserPool;

use super::draft::{Draft, Inside};
use super::isolation::Sealed;
use crate::model::Body;

/// A part of a product: a table, a function, a queue.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a component that this tier takes",
    label = "not a component",
    note = "`.siloed()` and `.pooled()` are for components of a `Bridge` tier; in others the tier says it for all"
)]
pub trait Component: Sealed + Drafted {
    /// Its kind, as handles write it: the component in its first state, so that every table's is `Table`.
    type Kind: Component;
    /// The word a YAML blueprint uses for the kind.
    const KIND: &'static str;
}

/// The way from a component to its draft and back. It would turn any state into any other, so nobody outside can take it.
pub trait Drafted: Sized {
    /// Takes what has been said.
    fn into_draft(self, _: Inside) -> Draft<Body>;
    /// Goes on from what has been said, if it is of this kind.
    fn from_draft(draft: Draft<Body>, _: Inside) -> Option<Self>;
}

/// Defines a component: its type, and what all components have in common.
macro_rules! component {
    ($(#[$meta:meta])* $name:ident<$($state:ident = $first:ident),*>, $kind:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        #[must_use = "a component does nothing until a tier has it"]
        pub struct $name<$($state = $crate::dsl::$first),*> {
            draft: $crate::dsl::draft::Draft<$crate::model::component::$name>,
            state: std::marker::PhantomData<fn() -> ($($state,)*)>,
        }

        impl<$($state),*> $crate::dsl::isolation::Sealed for $name<$($state),*> {}

        impl<$($state),*> $crate::dsl::component::Drafted for $name<$($state),*> {
            fn into_draft(self, _: $crate::dsl::draft::Inside) -> $crate::dsl::draft::Draft<$crate::model::Body> {
                self.draft.map($crate::model::Body::$name)
            }

            fn from_draft(
                draft: $crate::dsl::draft::Draft<$crate::model::Body>,
                _: $crate::dsl::draft::Inside,
            ) -> Option<Self> {
                let $crate::model::Body::$name(body) = draft.body.clone() else { return None };
                Some(Self { draft: draft.map(|_| body), state: std::marker::PhantomData })
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($state),*> $crate::dsl::Component for $name<$($state),*> {
            type Kind = $name;
            const KIND: &'static str = $kind;
        }

        impl<$($state),*> $name<$($state),*> {
            /// Says which name the component had before, so that its logical ids stay, and with them its data.
            #[track_caller]
            pub fn renamed_from(mut self, former: impl Into<String>) -> Self {
                let place = std::panic::Location::caller();
                self.draft.renamed_from = Some($crate::dsl::draft::Said::new(former.into(), place));
                self
            }

            /// In a bridge tier: each tenant has one to itself.
            pub fn siloed(self) -> $crate::dsl::Shared<Self, $crate::dsl::Silo> {
                $crate::dsl::Shared::new(self)
            }

            /// In a bridge tier: tenants share one.
            pub fn pooled(self) -> $crate::dsl::Shared<Self, $crate::dsl::Pool> {
                $crate::dsl::Shared::new(self)
            }

            /// The same component in another state.
            fn with_draft(draft: $crate::dsl::draft::Draft<$crate::model::component::$name>) -> Self {
                Self { draft, state: std::marker::PhantomData }
            }
        }
    };
}
use component;

/// What a component in state `R` names, once it names something of `S` beside.
type And<R, S> = <R as super::isolation::Names<S>>::And;
