//! Names and ids: newtypes whose constructors hold the invariants everything else rests on.

use std::fmt;

/// Why a text is not a name of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    /// What is wrong, as the end of a sentence about the text.
    pub problem: String,
    /// What to write instead.
    pub help: String,
    /// Whether the text would be a name if it were shorter.
    pub too_long: bool,
}

impl fmt::Display for NameError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problem)
    }
}

impl std::error::Error for NameError {}

macro_rules! text_newtype {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}
pub(super) use text_newtype;

/// A name that ends up in stack names and tags: letters, digits and single dashes, a letter first.
fn dashed(text: &str, what: &str, limit: usize) -> Result<String, NameError> {
    let shaped = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.ends_with('-')
        && !text.contains("--");
    if !shaped {
        return Err(NameError {
            problem: format!("`{text}` is not a name for a {what}"),
            help: "use lower-case letters, digits and single dashes, beginning with a letter".to_owned(),
            too_long: false,
        });
    }
    if text.len() > limit {
        return Err(NameError {
            problem: format!("`{text}` has {} characters, and a {what}'s name may have {limit}", text.len()),
            help: format!("shorten it to {limit} characters: it becomes a part of the names of stacks and buckets"),
            too_long: true,
        });
    }
    Ok(text.to_owned())
}

text_newtype! {
    /// The product's name: at most 20 characters, because it begins the name of every stack and bucket.
    BlueprintName
}

impl BlueprintName {
    /// Checks the text.
    ///
    /// # Errors
    /// If it is not lower-case letters, digits and single dashes, or longer than 20 characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        dashed(text, "blueprint", 20).map(Self)
    }
}

text_newtype! {
    /// A tier's name: at most 16 characters.
    TierName
}

impl TierName {
    /// Checks the text.
    ///
    /// # Errors
    /// If it is not lower-case letters, digits and single dashes, or longer than 16 characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        dashed(text, "tier", 16).map(Self)
    }
}

text_newtype! {
    /// A cell's name: at most 16 characters.
    CellName
}

impl CellName {
    /// Checks the text.
    ///
    /// # Errors
    /// If it is not lower-case letters, digits and single dashes, or longer than 16 characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        dashed(text, "cell", 16).map(Self)
    }
}

text_newtype! {
    /// A component's name: a letter, then letters and digits, at most 24 characters. It reads as the first part
    /// of logical ids.
    ComponentName
}

impl ComponentName {
    /// Checks the text.
    ///
    /// # Errors
    /// If it does not begin with a capital letter, holds something else than letters and digits, or is longer
    /// than 24 characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let shaped = text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !shaped {
            return Err(NameError {
                problem: format!("`{text}` is not a name for a component"),
                help: "begin with a capital letter and use letters and digits only, such as `OrderItems`".to_owned(),
                too_long: false,
            });
        }
        if text.len() > 24 {
            return Err(NameError {
                problem: format!("`{text}` has {} characters, and a component's name may have 24", text.len()),
                help: "shorten it: it becomes a part of the names of resources".to_owned(),
                too_long: true,
            });
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as resource names write it: `OrderItems` becomes `order-items`. Never longer than 47 characters.
    #[must_use]
    pub fn kebab(&self) -> String {
        let mut kebab = String::new();
        let mut previous_upper = true;
        for character in self.0.chars() {
            if character.is_ascii_uppercase() && !previous_upper {
                kebab.push('-');
            }
            previous_upper = character.is_ascii_uppercase();
            kebab.push(character.to_ascii_lowercase());
        }
        kebab
    }
}

text_newtype! {
    /// An AWS account: twelve digits, zeros kept.
    AccountId
}

impl AccountId {
    /// Checks the text.
    ///
    /// # Errors
    /// If it is not exactly twelve digits.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        let help = if !text.is_empty() && text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("did you mean `{text:0>12}`?")
        } else {
            "an account id has exactly twelve digits".to_owned()
        };
        Err(NameError { problem: format!("`{text}` is not an account id"), help, too_long: false })
    }
}

text_newtype! {
    /// An AWS region, such as `eu-west-1`. Whether it exists is a question for the dated list of regions.
    Region
}

impl Region {
    /// Checks the form of the text, not whether AWS has the region.
    ///
    /// # Errors
    /// If it does not have the form of a region.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let parts: Vec<&str> = text.split('-').collect();
        let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
        let shaped = matches!(parts.as_slice(), [head @ .., last]
            if head.len() >= 2 && head.iter().all(letters) && last.len() <= 2
                && !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()));
        if shaped {
            return Ok(Self(text.to_owned()));
        }
        Err(NameError {
            problem: format!("`{text}` is not a region"),
            help: "a region is written like `eu-west-1`".to_owned(),
            too_long: false,
        })
    }
}

text_newtype! {
    /// A tenant's id: immutable, and a word of the blueprint's [`super::IdLanguage`].
    TenantId
}

impl TenantId {
    /// For [`super::IdLanguage::parse`] alone, which checks the text.
    pub(super) fn checked(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_keeps_its_zeros_and_a_short_one_is_completed() {
        assert_eq!(AccountId::new("012345678901").unwrap().as_str(), "012345678901");
        assert_eq!(AccountId::new("12345678901").unwrap_err().help, "did you mean `012345678901`?");
    }

    #[test]
    fn regions_have_a_form() {
        for good in ["eu-west-1", "us-gov-east-1", "ap-southeast-12"] {
            assert!(Region::new(good).is_ok(), "{good}");
        }
        for bad in ["", "eu", "eu-west", "EU-west-1", "eu-west-", "eu--1", "eu-west-1a"] {
            assert!(Region::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn component_names_become_kebab() {
        assert_eq!(ComponentName::new("OrderItems").unwrap().kebab(), "order-items");
        assert_eq!(ComponentName::new("HTTPApi").unwrap().kebab(), "httpapi");
    }
}
