//! What a tenant may use of the product: values by name, which a tier sets and a tenant may have different.
//!
//! They are the product's own business: the application reads them from the tenant's record, and nothing that is
//! deployed depends on them. So they never reach a policy, a name or a template.

use std::fmt;

use super::names::{NameError, text_newtype};
use crate::diagnostics::Origin;

/// Length in characters of the longest name.
const LONGEST: usize = 40;

text_newtype! {
    /// An entitlement's name, such as `seats` or `export_formats`: at most 40 characters.
    EntitlementName
}

impl EntitlementName {
    /// Checks the text.
    ///
    /// # Errors
    /// If it is not lower-case letters, digits and single dashes or underscores with a letter first, or longer than
    /// 40 characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !text.starts_with(|first: char| first.is_ascii_lowercase()) || !text.split(['-', '_']).all(word) {
            return Err(NameError {
                problem: format!("`{text}` is not a name for an entitlement"),
                help: "use lower-case letters, digits and single dashes or underscores, beginning with a letter"
                    .to_owned(),
                too_long: false,
            });
        }
        if text.len() > LONGEST {
            return Err(NameError {
                problem: format!(
                    "`{text}` has {} characters, and an entitlement's name may have {LONGEST}",
                    text.len()
                ),
                help: format!("shorten it to {LONGEST} characters"),
                too_long: true,
            });
        }
        Ok(Self(text.to_owned()))
    }
}

/// The value of an entitlement.
#[derive(Debug, Clone, PartialEq)]
pub enum Entitlement {
    /// Whether the tenant has it.
    Truth(bool),
    /// How much of it, as a whole number.
    Whole(i64),
    /// How much of it, with a fraction; never infinite and never not a number.
    Decimal(f64),
    /// Which of it.
    Text(String),
}

impl Entitlement {
    /// What kind of value it is, for people: whole numbers and fractions are one kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Truth(_) => "`true` or `false`",
            Self::Whole(_) | Self::Decimal(_) => "a number",
            Self::Text(_) => "text",
        }
    }

    /// The value of a fraction; zero for what is not finite.
    #[must_use]
    pub fn decimal(value: f64) -> Self {
        Self::Decimal(if value.is_finite() { value } else { 0.0 })
    }
}

impl fmt::Display for Entitlement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth(value) => write!(formatter, "{value}"),
            Self::Whole(value) => write!(formatter, "{value}"),
            Self::Decimal(value) => write!(formatter, "{value}"),
            Self::Text(value) => formatter.write_str(value),
        }
    }
}

impl From<bool> for Entitlement {
    fn from(value: bool) -> Self {
        Self::Truth(value)
    }
}

impl From<i64> for Entitlement {
    fn from(value: i64) -> Self {
        Self::Whole(value)
    }
}

impl From<i32> for Entitlement {
    fn from(value: i32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<u32> for Entitlement {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<&str> for Entitlement {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Entitlement {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

/// An entitlement that somebody set, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Entitled {
    /// The value.
    pub value: Entitlement,
    /// Where it was written.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_joined_by_single_marks() {
        for good in ["seats", "export_formats", "sla-hours", "a1", "api_v2-calls"] {
            assert!(EntitlementName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "Seats", "1st", "a__b", "a-_b", "a-", "_a", "a b", "a.b", "größe"] {
            assert!(EntitlementName::new(bad).is_err(), "{bad}");
        }
        assert!(EntitlementName::new(&"a".repeat(40)).is_ok());
        assert!(EntitlementName::new(&"a".repeat(41)).unwrap_err().too_long);
    }

    #[test]
    fn whole_numbers_and_fractions_are_of_one_kind() {
        assert_eq!(Entitlement::from(5).kind(), Entitlement::decimal(0.5).kind());
        assert_ne!(Entitlement::from(5).kind(), Entitlement::from("5").kind());
        assert_ne!(Entitlement::from(true).kind(), Entitlement::from("true").kind());
    }
}
