//! The values that one tenant has for the parameters of a template.

use std::sync::Arc;

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::document::Parameters;

/// Values of a template's parameters, sorted by their names. A rollout has as many of these as there are tenants, and most
/// of what they say is the same: names, and values that are the same for others, can be held once for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Values(Arc<[(Arc<str>, Arc<str>)]>);

impl Values {
    /// Values that are sorted by their names. What another tenant's have in common with them is shared with it.
    pub(super) fn beside<'v>(values: impl Iterator<Item = (&'v str, &'v str)>, other: &Self) -> Self {
        let share = |(name, value): (&str, &str)| match other.entry(name) {
            Some((name, known)) if **known == *value => (Arc::clone(name), Arc::clone(known)),
            Some((name, _)) => (Arc::clone(name), value.into()),
            None => (name.into(), value.into()),
        };
        Self(values.map(share).collect())
    }

    fn entry(&self, name: &str) -> Option<&(Arc<str>, Arc<str>)> {
        let found = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.0.get(found)
    }

    /// The value of a parameter, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.entry(name).map(|(_, value)| value.as_ref())
    }

    /// All names with their values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The values as a mapping of their own.
    #[must_use]
    pub fn to_map(&self) -> Parameters {
        self.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl From<Parameters> for Values {
    fn from(values: Parameters) -> Self {
        Self(values.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Parameters::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_a_mapping_whoever_they_are_shared_with() {
        let map = |pairs: &[(&str, &str)]| -> Parameters {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let (one, other) =
            (map(&[("Cell", "eu"), ("Owner", "us")]), map(&[("Cell", "eu"), ("Name", "x"), ("Owner", "")]));
        let first = Values::from(one.clone());
        let pairs = other.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let second = Values::beside(pairs, &first);
        assert_eq!((first.to_map(), second.to_map()), (one, other.clone()));
        assert_eq!(second, Values::from(other.clone()));
        assert!(Arc::ptr_eq(&first.0[0].1, &second.0[0].1), "the same value is held once");
        assert!(Arc::ptr_eq(&first.0[1].0, &second.0[2].0), "a name is held once");
        assert_eq!((second.get("Owner"), second.get("Nobody")), (Some(""), None));
        let json = serde_json::to_string(&second).unwrap();
        assert_eq!(json, serde_json::to_string(&other).unwrap());
        assert_eq!(serde_json::from_str::<Values>(&json).unwrap(), second);
    }
}
