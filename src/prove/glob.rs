//! Patterns of policies: `*`, `?`, symbols, and variables already replaced by their values.

use super::text::{Symbols, Text};

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// This character, or the text of this symbol.
    Char(char),
    /// `?`: any one character.
    One,
    /// `*`: any text.
    Many,
    /// `*` that does not run over a colon.
    Within,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Glob(pub Vec<Piece>);

/// A piece of a text that may hold variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Literal text, or a pattern.
    Text(Text),
    /// `${*}`, `${?}`, `${$}`: the character itself.
    Escaped(char),
    /// `${key}` or `${key, 'default'}`; the key in lower case.
    Variable {
        /// The key.
        key: String,
        /// What stands in when the key has no value.
        default: Option<String>,
    },
}

/// Cuts a text at its variables. Without a closing brace, or with `variables` false (version 2008-10-17), `${` is text.
#[must_use]
pub fn parts(text: &str, variables: bool) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut literal = String::new();
    let next = |text: &'_ str| -> Option<(usize, usize)> {
        let start = text.find("${").filter(|_| variables)?;
        Some((start, start + text.get(start..)?.find('}')?))
    };
    while let Some((start, end)) = next(rest) {
        let (before, inside, after) = (
            rest.get(..start).unwrap_or_default(),
            rest.get(start + 2..end).unwrap_or_default(),
            rest.get(end + 1..).unwrap_or_default(),
        );
        literal.push_str(before);
        let part = match inside {
            "*" => Part::Escaped('*'),
            "?" => Part::Escaped('?'),
            "$" => Part::Escaped('$'),
            _ => {
                let (key, default) = match inside.split_once(',') {
                    Some((key, default)) => (key, Some(default.trim().trim_matches('\'').to_owned())),
                    None => (inside, None),
                };
                Part::Variable { key: key.trim().to_ascii_lowercase(), default }
            }
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(part);
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    parts
}

impl Glob {
    /// A pattern that matches this text only.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self(text.chars().map(Piece::Char).collect())
    }

    /// A pattern in which `*` and `?` are wildcards.
    #[must_use]
    pub fn like(text: &str) -> Self {
        let mut glob = Self::default();
        glob.push_like(text);
        glob
    }

    /// Adds text in which `*` and `?` are wildcards.
    pub fn push_like(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                // Two stars in a row are one; the automaton is smaller for it.
                '*' if self.0.last() == Some(&Piece::Many) => {}
                '*' => self.0.push(Piece::Many),
                '?' => self.0.push(Piece::One),
                other => self.0.push(Piece::Char(other)),
            }
        }
    }

    /// Adds text that stands for itself.
    pub fn push_literal(&mut self, text: &str) {
        self.0.extend(text.chars().map(Piece::Char));
    }

    /// The pattern for people.
    #[must_use]
    pub fn show(&self, symbols: &Symbols) -> String {
        let text: String = self
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Char(character) => *character,
                Piece::One => '?',
                Piece::Many | Piece::Within => '*',
            })
            .collect();
        symbols.show(&text)
    }

    /// Whether it is `*`, which everything matches.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.0 == [Piece::Many]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_cut_out() {
        let variable = |key: &str, default: Option<&str>| Part::Variable {
            key: key.to_owned(),
            default: default.map(str::to_owned),
        };
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(
            parts("a/${aws:PrincipalTag/TenantId}/*", true),
            [text("a/"), variable("aws:principaltag/tenantid", None), text("/*")]
        );
        assert_eq!(parts("${k, 'd'}", true), [variable("k", Some("d"))]);
        assert_eq!(parts("a${*}b", true), [text("a"), Part::Escaped('*'), text("b")]);
        assert_eq!(parts("a${b}", false), [text("a${b}")]);
        assert_eq!(parts("a${b", true), [text("a${b")]);
    }
}
