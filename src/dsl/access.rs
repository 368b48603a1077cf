//! Access: who may do what to what, checked while the blueprint compiles.

use super::component::{Bucket, EventBus, Function, Key, Queue, Table, Topic};
use super::handle::{Handle, Marked};
use super::isolation::Sealed;
use crate::model;

/// What a function may do to another component: `Access::Read`, `Access::Send`.
#[expect(non_snake_case, reason = "written as a path before the kinds of access, which are types of their own")]
pub mod Access {
    /// Look at what is there: tables and buckets.
    #[derive(Debug, Clone, Copy)]
    pub struct Read;
    /// Change what is there, without looking: tables and buckets.
    #[derive(Debug, Clone, Copy)]
    pub struct Write;
    /// Both: tables and buckets.
    #[derive(Debug, Clone, Copy)]
    pub struct ReadWrite;
    /// Put messages or events in: queues, topics and event buses.
    #[derive(Debug, Clone, Copy)]
    pub struct Send;
    /// Take messages out: queues.
    #[derive(Debug, Clone, Copy)]
    pub struct Receive;
    /// Run: functions.
    #[derive(Debug, Clone, Copy)]
    pub struct Invoke;
    /// Encrypt and decrypt: keys.
    #[derive(Debug, Clone, Copy)]
    pub struct Use;
}

/// A kind of access: one of the types in [`Access`](mod@Access).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a kind of access",
    note = "the kinds are `Access::Read`, `Write`, `ReadWrite`, `Send`, `Receive`, `Invoke` and `Use`"
)]
pub trait AccessKind: Sealed {
    /// The model's word for it.
    const ACCESS: model::Access;
}

macro_rules! kinds {
    ($($kind:ident),*) => {
        $(
            impl Sealed for Access::$kind {}
            impl AccessKind for Access::$kind {
                const ACCESS: model::Access = model::Access::$kind;
            }
        )*
    };
}
kinds!(Read, Write, ReadWrite, Send, Receive, Invoke, Use);

/// What runs code, and can be given access: functions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` runs no code, so it cannot be given access",
    label = "not a function",
    note = "write `tier.allow(function, Access::…, target)`: the function that acts comes first"
)]
pub trait Caller: Marked {}
impl<S> Caller for Handle<Function, S> {}

/// What knows a kind of access.
#[diagnostic::on_unimplemented(
    message = "`{Self}` knows no access `{A}`",
    label = "cannot be reached in this way",
    note = "tables and buckets: `Read`, `Write`, `ReadWrite`; queues: `Send`, `Receive`; topics and event buses: `Send`; functions: `Invoke`; keys: `Use`"
)]
pub trait Takes<A>: Marked {}

macro_rules! takes {
    ($($component:ident: $($access:ident),*;)*) => {
        $($(
            #[diagnostic::do_not_recommend]
            impl<S> Takes<Access::$access> for Handle<$component, S> {}
        )*)*
        #[cfg(test)]
        pub(super) fn accesses_of(kind: &str) -> Vec<model::Access> {
            use crate::dsl::Component;
            let mut found = Vec::new();
            $(if kind == <$component as Component>::KIND { found.extend([$(model::Access::$access),*]); })*
            found
        }
    };
}
takes! {
    Table: Read, Write, ReadWrite;
    Bucket: Read, Write, ReadWrite;
    Queue: Send, Receive;
    Topic: Send;
    EventBus: Send;
    Function: Invoke;
    Key: Use;
}
