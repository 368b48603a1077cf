//! Where the documentation says nothing, or sources disagree, there is more than one reading.

use std::cell::Cell;

/// How unclear semantics are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As the user guide says, and where it is silent as narrowly as nothing forbids.
    Documented,
    /// Of all readings, in each statement the one that widens access.
    Adverse,
}

/// A place where readings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Choice {
    /// A wildcard in `Resource` runs over colons or does not.
    Segments,
    /// A statement with a variable without value does not apply at all.
    Unresolved,
    /// An empty value of a variable is no value.
    EmptyIsMissing,
    /// An operator for one value on a key with many: either outcome.
    OneOfMany,
    /// A number, a date, an address: either outcome.
    Opaque,
    /// A variable before the fifth colon of a resource is replaced.
    EarlyVariable,
    /// A pattern of an ARN operator without six parts is compared as a text.
    ArnParts,
    /// A set operator takes an empty text for a value like others.
    EmptySet,
    /// `ForAnyValue` with `IfExists` and without the key: either outcome.
    AnyIfExists,
    /// `NotPrincipal` leaves out whom it names in part.
    PartOfPrincipal,
}

impl Choice {
    const ALL: [Self; 10] = [
        Self::Segments,
        Self::Unresolved,
        Self::EmptyIsMissing,
        Self::OneOfMany,
        Self::Opaque,
        Self::EarlyVariable,
        Self::ArnParts,
        Self::EmptySet,
        Self::AnyIfExists,
        Self::PartOfPrincipal,
    ];

    /// The reading's name, as people see it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Segments => "how far a wildcard in a resource reaches",
            Self::Unresolved => "a statement with a variable that has no value",
            Self::EmptyIsMissing => "an empty value of a variable",
            Self::OneOfMany => "an operator for one value on a key with many",
            Self::Opaque => "a condition on numbers, dates, addresses or bytes",
            Self::EarlyVariable => "a variable before the fifth colon of a resource",
            Self::ArnParts => "an ARN operator on a pattern without six parts",
            Self::EmptySet => "a set operator on an empty text",
            Self::AnyIfExists => "`ForAnyValue` with `IfExists` without the key",
            Self::PartOfPrincipal => "`NotPrincipal` that names a caller in part",
        }
    }

    fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// The readings that are tried on a statement, and those that it had a use for.
#[derive(Debug)]
pub(super) struct Choices {
    taken: u16,
    asked: Cell<u16>,
}

impl Choices {
    /// Whether the reading that differs from the documented one is tried.
    pub(super) fn takes(&self, choice: Choice) -> bool {
        self.asked.set(self.asked.get() | choice.bit());
        self.taken & choice.bit() != 0
    }
}

/// The readings that an outcome needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Needs(u16);

impl Needs {
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn count(self) -> u32 {
        self.0.count_ones()
    }

    pub(super) fn names(self) -> Vec<String> {
        let needed = Choice::ALL.into_iter().filter(|choice| self.0 & choice.bit() != 0);
        needed.map(|choice| choice.name().to_owned()).collect()
    }
}

/// The fewest readings under which `holds` gives what is wanted; none if no reading does. Without `adverse` only the
/// documented one is tried.
pub(super) fn fewest(adverse: bool, wanted: bool, holds: impl Fn(&Choices) -> bool) -> Option<Needs> {
    // Readings are added one by one, and only those that were asked for, so that few are tried.
    let (mut round, mut tried) = (vec![0_u16], Vec::new());
    while !round.is_empty() {
        let mut next = Vec::new();
        for taken in round {
            let choices = Choices { taken, asked: Cell::new(0) };
            if holds(&choices) == wanted {
                return Some(Needs(taken));
            }
            tried.push(taken);
            let open = Choice::ALL.into_iter().filter(|choice| choices.asked.get() & !taken & choice.bit() != 0);
            for more in open.map(|choice| taken | choice.bit()) {
                if adverse && !tried.contains(&more) && !next.contains(&more) {
                    next.push(more);
                }
            }
        }
        round = next;
    }
    None
}
