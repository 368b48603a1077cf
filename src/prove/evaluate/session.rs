//! The tags of a session: what `aws:PrincipalTag` holds after a role was assumed.

use std::collections::{BTreeMap, BTreeSet};

/// The tags of a session, and those of them that go on to the next session of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionTags {
    /// The tags that were passed, or came down the chain.
    pub tags: BTreeMap<String, String>,
    /// The keys of those that are transitive.
    pub transitive: BTreeSet<String>,
}

impl SessionTags {
    /// The tags of a session that this session opens with tags and transitive keys of its own. None if it may not: a
    /// transitive tag cannot be replaced further down the chain.
    #[must_use]
    pub fn opens(&self, tags: &BTreeMap<String, String>, transitive: &BTreeSet<String>) -> Option<Self> {
        let inherited = |key: &str| self.transitive.iter().any(|own| own.eq_ignore_ascii_case(key));
        if tags.keys().any(|key| inherited(key)) {
            return None;
        }
        let mut next = Self { tags: tags.clone(), transitive: transitive.clone() };
        for (key, value) in self.tags.iter().filter(|(key, _)| inherited(key)) {
            next.tags.insert(key.clone(), value.clone());
            next.transitive.insert(key.clone());
        }
        Some(next)
    }

    /// What `aws:PrincipalTag/…` holds: tags of the role, and over them those of the session.
    #[must_use]
    pub fn over(&self, role: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let overridden = |key: &str| self.tags.keys().any(|own| own.eq_ignore_ascii_case(key));
        let mut tags = self.tags.clone();
        tags.extend(role.iter().filter(|(key, _)| !overridden(key)).map(|(key, value)| (key.clone(), value.clone())));
        tags
    }
}

/// Whether AWS takes a text for the value of a tag: up to 256 letters, digits, spaces and `_ . : / = + - @`. The empty
/// text is one.
#[must_use]
pub fn is_tag_value(text: &str) -> bool {
    let taken = |character: char| {
        character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character) || character == '\u{a0}'
    };
    text.chars().count() <= 256 && text.chars().all(taken)
}
