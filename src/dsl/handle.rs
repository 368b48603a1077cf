//! Handles: what a tier gives back for a component, and what others ask of it.

use std::fmt;
use std::marker::PhantomData;

use super::component::{
    Bucket, Custom, EventBus, Function, HttpApi, Key, Network, Queue, RestApi, Table, Topic, UserPool,
};
use super::draft::Place;
use super::isolation::{Free, Names, Sealed};
use crate::cfn::expr::kind::{Arn, Id, Name, Url};
use crate::model::{Attribute, ComponentName};

/// The longest name there is, of whatever is marked.
const LONGEST: usize = 24;

/// A name that can be copied. Longer ones are cut: they are findings anyway.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Word {
    fn new(text: &str) -> Self {
        let mut bytes = [0; LONGEST];
        bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Self { bytes, length: text.len() }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.get(..self.length).unwrap_or(&self.bytes);
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// What tells a component from all others: its name, and the place it was made at.
///
/// The place is there because the model knows components by name alone. A handle of another tier, whose component
/// has the same name, would otherwise be taken for one of this tier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    word: Word,
    pub(super) place: Place,
}

impl Mark {
    pub(super) fn new(name: &str, place: Place) -> Self {
        Self { word: Word::new(name), place }
    }

    pub(super) fn text(&self) -> String {
        self.word.text()
    }

    pub(super) fn component(&self) -> Option<ComponentName> {
        (self.word.length <= LONGEST).then(|| ComponentName::new(&self.word.text()).ok()).flatten()
    }

    /// Whether the names are the same, wherever they stand.
    pub(super) fn same_name(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.text(), self.place)
    }
}

/// A component of a tier: `Handle<Table, Silo>` is a table that each tenant has to itself.
///
/// Handles are small and can be copied. They belong to the tier they came from.
pub struct Handle<C, S> {
    mark: Mark,
    of: PhantomData<fn() -> (C, S)>,
}

impl<C, S> Handle<C, S> {
    pub(super) fn new(mark: Mark) -> Self {
        Self { mark, of: PhantomData }
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    fn ask<T>(&self, attribute: Attribute) -> Expr<T, S> {
        Expr { mark: self.mark, attribute, of: PhantomData }
    }
}

impl<C, S> Clone for Handle<C, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C, S> Copy for Handle<C, S> {}

impl<C, S> fmt::Debug for Handle<C, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Handle").field(&self.mark).finish()
    }
}

/// What has a mark: every handle. The way from a handle to the model, not for use outside.
pub trait Marked: Sealed {
    /// The mark.
    fn marked(&self) -> Mark;
}

impl<C, S> Marked for Handle<C, S> {
    fn marked(&self) -> Mark {
        self.mark()
    }
}

/// An attribute of a component, to be given to another one. `T` says what it means, so that an ARN cannot stand where
/// a name belongs; `S` whether each tenant has it to itself.
pub struct Expr<T, S> {
    mark: Mark,
    attribute: Attribute,
    of: PhantomData<fn() -> (T, S)>,
}

impl<T, S> Expr<T, S> {
    pub(super) fn piece(self) -> Piece {
        Piece::Attribute(self.mark, self.attribute)
    }
}

impl<T, S> Clone for Expr<T, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, S> Copy for Expr<T, S> {}

impl<T, S> fmt::Debug for Expr<T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Expr").field(&self.mark).field(&self.attribute).finish()
    }
}

/// A piece of text, before names are known to be names.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Literal(String),
    Attribute(Mark, Attribute),
}

/// Text that runs literals and attributes together: `s3://`, a bucket's name, `/incoming`.
#[derive(Debug, Clone)]
pub struct Phrase<R = Free> {
    pieces: Vec<Piece>,
    names: PhantomData<fn() -> R>,
}

impl Phrase {
    /// Text that begins with a literal.
    pub fn text(literal: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Literal(literal.into())], names: PhantomData }
    }
}

impl<R> Phrase<R> {
    /// Goes on with a literal.
    #[must_use]
    pub fn then_text(mut self, literal: impl Into<String>) -> Self {
        self.pieces.push(Piece::Literal(literal.into()));
        self
    }

    /// Goes on with an attribute.
    #[must_use]
    pub fn then<T, S>(mut self, attribute: Expr<T, S>) -> Phrase<R::And>
    where
        R: Names<S>,
    {
        self.pieces.push(attribute.piece());
        Phrase { pieces: self.pieces, names: PhantomData }
    }

    pub(super) fn pieces(self) -> Vec<Piece> {
        self.pieces
    }
}

macro_rules! attributes {
    ($($component:ident: $($(#[$doc:meta])* $method:ident -> $kind:ident = $attribute:ident),*;)*) => {
        $(
            impl<S> Handle<$component, S> {
                $(
                    $(#[$doc])*
                    #[must_use]
                    pub fn $method(&self) -> Expr<$kind, S> {
                        self.ask(Attribute::$attribute)
                    }
                )*
            }
        )*
        #[cfg(test)]
        pub(super) fn attributes_of(kind: &str) -> Vec<Attribute> {
            use crate::dsl::Component;
            let mut found = Vec::new();
            $(if kind == <$component as Component>::KIND { found.extend([$(Attribute::$attribute),*]); })*
            found
        }
    };
}

attributes! {
    Table:
        /// The table's name.
        name -> Name = Name,
        /// The table's ARN.
        arn -> Arn = Arn;
    Bucket:
        /// The bucket's name.
        name -> Name = Name,
        /// The bucket's ARN.
        arn -> Arn = Arn;
    Function:
        /// The function's name.
        name -> Name = Name,
        /// The function's ARN.
        arn -> Arn = Arn;
    EventBus:
        /// The bus's name.
        name -> Name = Name,
        /// The bus's ARN.
        arn -> Arn = Arn;
    Topic:
        /// The topic's name.
        name -> Name = Name,
        /// The topic's ARN.
        arn -> Arn = Arn;
    Queue:
        /// The queue's name.
        name -> Name = Name,
        /// The queue's ARN.
        arn -> Arn = Arn,
        /// The queue's URL.
        url -> Url = Url;
    HttpApi:
        /// The API's id.
        id -> Id = Id,
        /// The API's endpoint.
        url -> Url = Url;
    RestApi:
        /// The API's id.
        id -> Id = Id,
        /// The API's endpoint.
        url -> Url = Url;
    Key:
        /// The key's id.
        id -> Id = Id,
        /// The key's ARN.
        arn -> Arn = Arn;
    UserPool:
        /// The pool's id.
        id -> Id = Id,
        /// The pool's ARN.
        arn -> Arn = Arn,
        /// The id of the pool's app client.
        client_id -> Id = ClientId,
        /// The issuer of the pool's tokens.
        url -> Url = Url;
    Network:
        /// The VPC's id.
        id -> Id = Id;
    Custom:
        /// What `Ref` gives for the resource.
        id -> Id = Id;
}
