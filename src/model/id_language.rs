//! The language tenant ids are written in.

use std::fmt;

use super::names::{NameError, TenantId};

/// Characters that mean something to IAM, ARNs, `Fn::Sub`, paths or keys: no id may hold one.
///
/// `/`, `#`, `:` and `_` stand beside ids as delimiters; the proof of isolation rests on their absence.
const FORBIDDEN: &str = "*?${}/#:_\\\"'`,;=+@% \t";

/// The set of texts that may be a tenant's id: one character class for the first character, one for the rest,
/// and how many characters there may be.
///
/// Written as a regular expression of the form `^[class][class]{m,n}$` or `^[class]{m,n}$`. Keeping to that form
/// lets tenantry reason about all ids at once: which characters can occur, and how long an id can become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdLanguage {
    pattern: String,
    first: CharSet,
    rest: CharSet,
    min: usize,
    max: usize,
}

/// A set of ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq)]
struct CharSet(u128);

impl CharSet {
    fn contains(self, character: char) -> bool {
        character.is_ascii() && self.0 & (1 << (character as u32)) != 0
    }

    fn insert(&mut self, character: char) {
        self.0 |= 1 << (character as u32);
    }
}

impl fmt::Debug for CharSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = (0..=127_u8).map(char::from).filter(|character| self.contains(*character)).collect();
        formatter.write_str(&text)
    }
}

impl Default for IdLanguage {
    /// `^[a-z0-9][a-z0-9-]{1,30}$`: 2 to 31 characters.
    fn default() -> Self {
        let mut first = CharSet(0);
        ('a'..='z').chain('0'..='9').for_each(|character| first.insert(character));
        let mut rest = first;
        rest.insert('-');
        Self { pattern: "^[a-z0-9][a-z0-9-]{1,30}$".to_owned(), first, rest, min: 2, max: 31 }
    }
}

impl IdLanguage {
    /// Reads the pattern.
    ///
    /// # Errors
    /// If the pattern has another form than `^[class][class]{m,n}$` or `^[class]{m,n}$`, allows a character that is
    /// used as a delimiter or has a meaning elsewhere, mixes upper and lower case, or allows ids that are empty
    /// or longer than 63 characters.
    pub fn new(pattern: &str) -> Result<Self, NameError> {
        let error = |problem: String| NameError {
            problem,
            help: "write it like `^[a-z0-9][a-z0-9-]{1,30}$`, or with a fixed length like `^[a-z0-9]{26}$`".to_owned(),
            too_long: false,
        };
        let body = pattern
            .strip_prefix('^')
            .and_then(|rest| rest.strip_suffix('$'))
            .ok_or_else(|| error(format!("the id pattern `{pattern}` is not anchored with `^` and `$`")))?;
        let mut pieces = Vec::new();
        let mut remaining = body;
        while !remaining.is_empty() {
            let (set, after) = character_class(remaining)
                .ok_or_else(|| error(format!("the id pattern `{pattern}` has a part that is not a character class")))?;
            let (min, max, after) = repetition(after)
                .ok_or_else(|| error(format!("the id pattern `{pattern}` has a repetition other than `{{m,n}}`")))?;
            pieces.push((set, min, max));
            remaining = after;
        }
        let (first, rest, min, max) = match pieces.as_slice() {
            [(set, min, max)] => (*set, *set, *min, *max),
            [(first, 1, 1), (rest, min, max)] => (*first, *rest, min + 1, max + 1),
            _ => return Err(error(format!("the id pattern `{pattern}` has more than two parts"))),
        };
        if let Some(bad) = FORBIDDEN.chars().find(|bad| first.contains(*bad) || rest.contains(*bad)) {
            return Err(NameError {
                problem: format!(
                    "the id pattern `{pattern}` allows `{bad}`, which stands beside ids as a delimiter or has a meaning of its own"
                ),
                help: format!("take `{bad}` out of the pattern: letters, digits, `-` and `.` are safe"),
                too_long: false,
            });
        }
        let both_cases =
            |set: CharSet| ('a'..='z').any(|lower| set.contains(lower)) && ('A'..='Z').any(|upper| set.contains(upper));
        if both_cases(first) || both_cases(rest) || both_cases(CharSet(first.0 | rest.0)) {
            return Err(NameError {
                problem: format!(
                    "the id pattern `{pattern}` mixes upper and lower case, and two ids could differ in case alone"
                ),
                help: "keep to lower case: names of buckets and some IAM operators fold case".to_owned(),
                too_long: false,
            });
        }
        if min == 0 || max > 63 || max < min {
            return Err(NameError {
                problem: format!("the id pattern `{pattern}` allows ids of {min} to {max} characters"),
                help: "allow ids of 1 to 63 characters".to_owned(),
                too_long: false,
            });
        }
        Ok(Self { pattern: pattern.to_owned(), first, rest, min, max })
    }

    /// The pattern as it was written; a valid regular expression.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Length in characters of the longest id.
    #[must_use]
    pub fn max_length(&self) -> usize {
        self.max
    }

    /// Length in characters of the shortest id.
    #[must_use]
    pub fn min_length(&self) -> usize {
        self.min
    }

    /// Whether an id may hold the character.
    #[must_use]
    pub fn allows(&self, character: char) -> bool {
        self.first.contains(character) || self.rest.contains(character)
    }

    /// Whether the text is a tenant id.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        let mut characters = text.chars();
        text.len() >= self.min
            && text.len() <= self.max
            && characters.next().is_some_and(|first| self.first.contains(first))
            && characters.all(|character| self.rest.contains(character))
    }

    /// The text as a tenant id.
    ///
    /// # Errors
    /// If the text is not in the language; the problem names the first character that is not.
    pub fn parse(&self, text: &str) -> Result<TenantId, NameError> {
        if self.contains(text) {
            return Ok(TenantId::checked(text));
        }
        let stranger = text.chars().enumerate().find(|(index, character)| {
            let set = if *index == 0 { self.first } else { self.rest };
            !set.contains(*character)
        });
        let problem = match stranger {
            Some((0, character)) => format!("tenant id `{text}` may not begin with `{}`", character.escape_default()),
            Some((_, character)) => format!("tenant id `{text}` may not hold `{}`", character.escape_default()),
            None => {
                let count = text.chars().count();
                let characters = if count == 1 { "character" } else { "characters" };
                format!("tenant id `{text}` has {count} {characters}, and an id has {} to {}", self.min, self.max)
            }
        };
        Err(NameError { problem, help: format!("an id matches `{}`", self.pattern), too_long: false })
    }
}

fn character_class(text: &str) -> Option<(CharSet, &str)> {
    let (class, after) = text.strip_prefix('[')?.split_once(']')?;
    if class.is_empty() || class.starts_with('^') || !class.is_ascii() {
        return None;
    }
    let mut set = CharSet(0);
    let characters: Vec<char> = class.chars().collect();
    let mut rest = characters.as_slice();
    loop {
        rest = match rest {
            [] => return Some((set, after)),
            ['\\', escaped, tail @ ..] if !escaped.is_ascii_alphanumeric() => {
                set.insert(*escaped);
                tail
            }
            ['\\', ..] => return None,
            [from, '-', to, tail @ ..] if from <= to => {
                (*from..=*to).for_each(|character| set.insert(character));
                tail
            }
            [_, '-', _, ..] => return None,
            [character, tail @ ..] => {
                set.insert(*character);
                tail
            }
        };
    }
}

fn repetition(text: &str) -> Option<(usize, usize, &str)> {
    let Some(counted) = text.strip_prefix('{') else {
        return (text.is_empty() || text.starts_with('[')).then_some((1, 1, text));
    };
    let (bounds, after) = counted.split_once('}')?;
    let number = |text: &str| text.parse::<u16>().ok().map(usize::from);
    match bounds.split_once(',') {
        None => number(bounds).map(|exactly| (exactly, exactly, after)),
        Some((min, max)) => Some((number(min)?, number(max)?, after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_its_pattern_says() {
        assert_eq!(IdLanguage::new(IdLanguage::default().pattern()).unwrap(), IdLanguage::default());
    }

    #[test]
    fn ids_of_the_default_language() {
        let language = IdLanguage::default();
        for good in ["t-123", "acme", "0a", "a-", &"x".repeat(31)] {
            assert!(language.contains(good), "{good}");
        }
        for bad in ["", "a", "-a", "A1", "a_b", "a*", "${x}", "a/b", "a b", "ä1", &"x".repeat(32)] {
            assert!(!language.contains(bad), "{bad}");
        }
    }

    #[test]
    fn delimiters_case_and_form_are_refused() {
        for bad in [
            "[a-z]{1,9}",
            "^[a-z_]{1,9}$",
            "^[a-z/]{1,9}$",
            "^[a-zA-Z]{1,9}$",
            "^[A-Z][a-z]{1,9}$",
            "^[a-z]+$",
            "^.*$",
            "^[a-z]{0,9}$",
            "^[a-z]{1,64}$",
            "^[a-z]{9,1}$",
            "^[^a]{1,9}$",
            "^[a-z]{1,3}[a-z]{1,3}$",
            "^[z-a]{1,2}$",
            "^$",
            "^(a|b)$",
            "^[a-z]{1,9}x$",
            "^[\\w]{1,9}$",
        ] {
            assert!(IdLanguage::new(bad).is_err(), "{bad}");
        }
        assert!(IdLanguage::new("^[a-z0-9]{26}$").is_ok());
        assert!(IdLanguage::new("^[a-z][a-z0-9.\\-]{1,9}$").is_ok());
    }

    #[test]
    fn the_problem_names_the_character() {
        let problem = IdLanguage::default().parse("acme*").unwrap_err().problem;
        assert_eq!(problem, "tenant id `acme*` may not hold `*`");
    }
}
