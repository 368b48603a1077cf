//! How each resource type keeps data of tenants: `data/tenant-data-stores.json`, and what a user adds to it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::document::{Gone, How};
use crate::prove::template::Resolved;

/// Why the file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueError(String);

impl std::fmt::Display for CatalogueError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the list of stores cannot be read: {}", self.0)
    }
}

impl std::error::Error for CatalogueError {}

/// A page that entries rest on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its address.
    pub source: String,
    /// What was taken from it.
    pub what: String,
    /// The day, as `YYYY-MM-DD`.
    pub date: String,
}

/// A property that decides whether something is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Its path: `StreamSpecification`, `Replicas/*/DeletionProtectionEnabled`.
    pub property: String,
    /// The value it must have; any but `false` when absent.
    #[serde(default)]
    pub equals: Option<String>,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// 3,600 of an hour.
    Seconds,
    /// An hour.
    Hours,
    /// 24 hours.
    Days,
}

/// A length of time: a property's value, or a figure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The property that says how long.
    #[serde(default)]
    pub property: Option<String>,
    /// The unit of both.
    pub unit: Unit,
    /// How long where no property says so; for ever when absent.
    #[serde(default)]
    pub value: Option<u64>,
}

impl Span {
    /// The hours, rounded up; nothing for ever.
    fn hours(&self, properties: &Resolved) -> Option<u64> {
        let said = self.property.as_deref().and_then(|path| number(properties, path));
        let value = said.or(self.value)?;
        Some(match self.unit {
            Unit::Seconds => value.div_ceil(3_600),
            Unit::Hours => value,
            Unit::Days => value.saturating_mul(24),
        })
    }

    /// When something is gone that ends by itself.
    pub(super) fn gone(&self, properties: &Resolved) -> Gone {
        match self.hours(properties) {
            Some(hours) => Gone::Within { hours },
            None => Gone::Never {
                because: match &self.property {
                    Some(property) => format!("`{property}` is not set, so it is kept for ever"),
                    None => "nothing ends it".to_owned(),
                },
            },
        }
    }
}

/// What becomes of what is in a store when its tenant moves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Carriage {
    /// It is copied.
    Copied {
        /// How, out of a store of the tenant's own.
        own: String,
        /// How, out of a shared store.
        shared: String,
        /// How the two sides are compared.
        check: String,
    },
    /// It is worked off where it is.
    Drained {
        /// Why it is not copied.
        why: String,
    },
    /// It is made anew.
    Recreated {
        /// Why it is not copied.
        why: String,
    },
    /// It stays where it is until it ends.
    Left {
        /// Why it is not copied.
        why: String,
    },
}

/// How what is one tenant's is erased in a store that tenants share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedHow {
    /// By key.
    DeleteByKey,
    /// By prefix.
    DeleteByPrefix,
    /// One by one.
    DeleteMembers,
    /// It ends by itself.
    Expires,
    /// Nothing in it is one tenant's.
    None,
}

impl SharedHow {
    pub(super) fn how(self) -> How {
        match self {
            Self::DeleteByKey => How::DeleteByKey,
            Self::DeleteByPrefix => How::DeleteByPrefix,
            Self::DeleteMembers => How::DeleteMembers,
            Self::Expires => How::Expires,
            Self::None => How::Nothing,
        }
    }
}

/// How a store is erased.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Erasure {
    /// What to do with a store of the tenant's own.
    pub own: String,
    /// What to do with a shared one.
    pub shared: String,
    /// What that is.
    pub shared_how: SharedHow,
}

/// What has to be switched off before a store can be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// The property.
    pub property: String,
    /// The value at which it guards; any but `false` when absent.
    #[serde(default)]
    pub equals: Option<String>,
    /// What to do.
    #[serde(rename = "do")]
    pub action: String,
}

/// Of which stores a residue stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Those of the tenant's own.
    Own,
}

/// What stays of a store when it is erased.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidueFact {
    /// What it is.
    pub what: String,
    /// `expires` or `delete`.
    pub how: ResidueHow,
    /// What to do.
    #[serde(rename = "do")]
    pub action: String,
    /// How long it stays at most.
    #[serde(default)]
    pub gone: Option<Span>,
    /// Whether it is there.
    #[serde(default)]
    pub when: Option<When>,
    /// Of which stores it stays; of all when absent.
    #[serde(default)]
    pub of: Option<Of>,
    /// Why it cannot be deleted for one tenant alone, where tenants share the store.
    #[serde(default)]
    pub shared: Option<String>,
    /// For what stands in no template: the key of its source.
    #[serde(default)]
    pub source: Option<String>,
}

/// How a residue ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResidueHow {
    /// By itself.
    Expires,
    /// It is deleted.
    Delete,
}

/// Where the settings of an object lock stand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The mode: `COMPLIANCE` cannot be lifted, `GOVERNANCE` can.
    pub mode: String,
    /// Its days.
    pub days: String,
    /// Or its years.
    pub years: String,
}

/// How a resource type keeps data of tenants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StoreFacts {
    /// The key of its source.
    pub source: String,
    /// What it keeps.
    pub keeps: String,
    /// What becomes of it when its tenant moves.
    pub carry: Carriage,
    /// How it is erased.
    pub erase: Erasure,
    /// How long what is in it stays.
    #[serde(default)]
    pub expires: Option<Span>,
    /// What has to be switched off first.
    #[serde(default)]
    pub guards: Vec<Guard>,
    /// What stays.
    #[serde(default)]
    pub residues: Vec<ResidueFact>,
    /// Its object lock.
    #[serde(default)]
    pub lock: Option<Lock>,
    /// The property that locks a backup vault.
    #[serde(default)]
    pub vault_lock: Option<String>,
    /// Whether a deletion takes as long as `expires` says.
    #[serde(default)]
    pub delayed: bool,
    /// Whether it is a key: what is encrypted with it is unreadable without it.
    #[serde(default)]
    pub shred: bool,
    /// How two of them are compared where nothing is copied.
    #[serde(default)]
    pub check: Option<String>,
    /// The property without which it keeps nothing.
    #[serde(default)]
    pub only_when: Option<When>,
    /// Why it keeps nothing then.
    #[serde(default)]
    pub otherwise: Option<String>,
}

/// Why a resource type keeps nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyFacts {
    /// The key of its source.
    pub source: String,
    /// Why.
    pub why: String,
}

/// How resource types keep data of tenants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// What the file is.
    #[serde(default)]
    pub about: String,
    /// Its day.
    pub date: String,
    /// The pages that entries rest on, by key.
    #[serde(default)]
    pub sources: BTreeMap<String, Source>,
    /// The types that keep data.
    #[serde(default)]
    pub stores: BTreeMap<String, StoreFacts>,
    /// The types that keep none.
    #[serde(default)]
    pub none: BTreeMap<String, EmptyFacts>,
    /// What holds data and stands in no template.
    #[serde(default)]
    pub beyond: Vec<ResidueFact>,
}

impl Catalogue {
    /// The list that is shipped.
    ///
    /// # Errors
    /// Never: it is part of the program, and a test reads it.
    pub fn shipped() -> Result<Self, CatalogueError> {
        Self::parse(include_str!("../../data/tenant-data-stores.json"))
    }

    fn parse(text: &str) -> Result<Self, CatalogueError> {
        serde_json::from_str(text).map_err(|error| CatalogueError(error.to_string()))
    }

    /// The shipped list, with entries of a user's own in their place or beside them. Same form; everything but `date` may be
    /// left out.
    ///
    /// # Errors
    /// If the text is not of that form.
    pub fn with(text: &str) -> Result<Self, CatalogueError> {
        let mut all = Self::shipped()?;
        let own = Self::parse(text)?;
        for kind in own.stores.keys() {
            all.none.remove(kind);
        }
        for kind in own.none.keys() {
            all.stores.remove(kind);
        }
        all.sources.extend(own.sources);
        all.stores.extend(own.stores);
        all.none.extend(own.none);
        all.beyond.extend(own.beyond);
        all.date = format!("{}, with own entries of {}", all.date, own.date);
        Ok(all)
    }

    /// The address of a source.
    pub(super) fn address(&self, source: &str) -> String {
        self.sources.get(source).map_or_else(|| source.to_owned(), |source| source.source.clone())
    }
}

/// The values at a path, `*` for every item of a list.
fn at<'a>(properties: &'a Resolved, path: &str) -> Vec<&'a Resolved> {
    let mut values = vec![properties];
    for part in path.split('/') {
        values = match part {
            "*" => values.into_iter().flat_map(Resolved::items).collect(),
            key => values.into_iter().filter_map(|value| value.get(key)).collect(),
        };
    }
    values
}

/// The whole number at a path.
pub(super) fn number(properties: &Resolved, path: &str) -> Option<u64> {
    at(properties, path).first()?.text()?.parse().ok()
}

/// Whether something is at a path: with `equals`, that; without, anything but `false`, nothing and an empty list. What cannot
/// be known counts as there, because it may be.
pub(super) fn holds(properties: &Resolved, path: &str, equals: Option<&str>) -> bool {
    at(properties, path).into_iter().any(|value| match (value, equals) {
        (Resolved::Unknown(_), _) => true,
        (value, Some(equals)) => value.text() == Some(equals),
        (Resolved::Text(text), None) => text != "false" && !text.is_empty(),
        (Resolved::List(items), None) => !items.is_empty(),
        (Resolved::Map(entries), None) => entries.iter().any(|(_, value)| value.text() != Some("false")),
    })
}

impl When {
    pub(super) fn is(&self, properties: &Resolved) -> bool {
        holds(properties, &self.property, self.equals.as_deref())
    }
}
