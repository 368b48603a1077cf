//! Logical ids: the names resources have inside a template.

use std::fmt;

use sha2::{Digest, Sha256};

/// A resource's name inside its template: letters and digits, at most 255 characters.
///
/// It is made from the domain path of the resource (`tier/component/role`), never from where code or text
/// stands, so that moving code does not replace a database. A readable part is followed by eight hexadecimal
/// digits of the path's SHA-256, because `A-B` and `AB` read the same once the punctuation is gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogicalId(String);

impl LogicalId {
    /// The logical id of a path. The first segment (the tier) counts for the digest but is not readable in the
    /// id: a template serves one tier, and its name already says which.
    #[must_use]
    pub fn from_path(path: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        let mut id = String::new();
        for (index, segment) in path.iter().enumerate() {
            if index > 0 {
                hasher.update(b"/");
                push_pascal(&mut id, segment);
            }
            hasher.update(segment.as_bytes());
        }
        // 240 + 8 stays under CloudFormation's 255 characters for a logical name.
        id.truncate(240);
        for byte in hasher.finalize().iter().take(4) {
            id.push_str(&format!("{byte:02x}"));
        }
        Self(id)
    }

    /// A logical id that was written down before, or that a person chose.
    #[must_use]
    pub fn verbatim(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as the template writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn push_pascal(id: &mut String, segment: &str) {
    let mut upper = true;
    for character in segment.chars() {
        if character.is_ascii_alphanumeric() {
            id.push(if upper { character.to_ascii_uppercase() } else { character });
            upper = false;
        } else {
            upper = true;
        }
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_does_not_make_two_paths_one() {
        assert_ne!(LogicalId::from_path(&["t", "a-b", "table"]), LogicalId::from_path(&["t", "ab", "table"]));
    }

    #[test]
    fn the_readable_part_comes_first() {
        assert!(LogicalId::from_path(&["basic", "Orders", "dead-letter"]).as_str().starts_with("OrdersDeadLetter"));
    }
}
