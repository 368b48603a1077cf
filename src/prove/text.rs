//! Texts with parts that are known by their properties only: a tenant's id, an account, a name that AWS makes up.
//!
//! Such a part is a *symbol*. In a [`Text`] it is one character of a private-use plane, so that texts are compared, cut and
//! hashed like any other. What is known about a symbol stands in [`Symbols`].

use std::fmt::Write as _;

/// The first character that stands for a symbol: the start of Supplementary Private Use Area-A.
const FIRST: u32 = 0xF_0000;
/// How many symbols there can be: that area has this many characters.
const MOST: u32 = 0xFFFE;

/// A set of characters: of ASCII each on its own, the rest together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CharSet {
    ascii: u128,
    beyond: bool,
}

impl CharSet {
    /// No character.
    pub const NONE: Self = Self { ascii: 0, beyond: false };
    /// Every character.
    pub const ALL: Self = Self { ascii: u128::MAX, beyond: true };

    /// The characters of ASCII for which `test` holds, and the rest if `beyond`.
    #[must_use]
    pub fn of(test: impl Fn(char) -> bool, beyond: bool) -> Self {
        let ascii =
            (0..128_u8).filter(|byte| test(char::from(*byte))).fold(0, |set: u128, byte| set | (1 << u32::from(byte)));
        Self { ascii, beyond }
    }

    /// The characters of the given text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        text.chars().fold(Self::NONE, |set, character| set.with(character))
    }

    /// Letters, digits and the marks that AWS allows in names: `+ = , . @ _ -`.
    #[must_use]
    pub fn names() -> Self {
        Self::of(|character| character.is_ascii_alphanumeric() || "+=,.@_-".contains(character), false)
    }

    /// Digits.
    #[must_use]
    pub fn digits() -> Self {
        Self::of(|character| character.is_ascii_digit(), false)
    }

    /// The set with one character more.
    #[must_use]
    pub fn with(mut self, character: char) -> Self {
        match u8::try_from(character) {
            Ok(byte) if byte < 128 => self.ascii |= 1 << u32::from(byte),
            _ => self.beyond = true,
        }
        self
    }

    /// Whether the character is in it.
    #[must_use]
    pub fn contains(self, character: char) -> bool {
        match u8::try_from(character) {
            Ok(byte) if byte < 128 => self.ascii & (1 << u32::from(byte)) != 0,
            _ => self.beyond,
        }
    }

    /// What is not in it.
    #[must_use]
    pub fn complement(self) -> Self {
        Self { ascii: !self.ascii, beyond: !self.beyond }
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { ascii: self.ascii & other.ascii, beyond: self.beyond && other.beyond }
    }

    /// What is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { ascii: self.ascii | other.ascii, beyond: self.beyond || other.beyond }
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Its characters of ASCII, in order, and then one from beyond if those are in it.
    pub fn members(self) -> impl Iterator<Item = char> {
        let ascii = (0..128_u8).map(char::from).filter(move |character| self.contains(*character));
        ascii.chain(self.beyond.then_some('\u{e9}'))
    }
}

/// What a symbol stands for is not known; this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// How people see it, without the brackets: `tenant A`, `Cell`.
    pub name: String,
    /// The characters it is made of.
    pub alphabet: CharSet,
    /// The fewest and the most characters it has.
    pub length: (usize, usize),
    /// Two symbols of one family never stand for the same text: two tenants' ids, two accounts.
    pub family: Option<String>,
    /// A text that it may stand for, for examples; of its alphabet and length, and another in each symbol of a family.
    pub sample: String,
}

impl Symbol {
    /// Whether all texts it may stand for have one length.
    #[must_use]
    pub fn fixed(&self) -> bool {
        self.length.0 == self.length.1
    }
}

/// The symbols of a proof.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    known: Vec<Symbol>,
}

impl Symbols {
    /// Adds a symbol, unless one of the same name is there already: a name means one thing. The character that stands
    /// for it, or none when there are more than 65,534.
    pub fn intern(&mut self, symbol: Symbol) -> Option<char> {
        let at = match self.known.iter().position(|known| known.name == symbol.name) {
            Some(at) => at,
            None => {
                self.known.push(symbol);
                self.known.len() - 1
            }
        };
        u32::try_from(at).ok().filter(|at| *at < MOST).and_then(|at| char::from_u32(FIRST + at))
    }

    /// The symbol that the character stands for.
    #[must_use]
    pub fn get(&self, character: char) -> Option<&Symbol> {
        let at = u32::from(character).checked_sub(FIRST)?;
        self.known.get(usize::try_from(at).ok()?)
    }

    /// The symbols and their characters.
    pub fn iter(&self) -> impl Iterator<Item = (char, &Symbol)> {
        (FIRST..).zip(&self.known).filter_map(|(at, symbol)| Some((char::from_u32(at)?, symbol)))
    }

    /// The text for people: symbols in `⟨…⟩`.
    #[must_use]
    pub fn show(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        for character in text.chars() {
            match self.get(character) {
                // Writing to a `String` cannot fail.
                Some(symbol) => _ = write!(shown, "⟨{}⟩", symbol.name),
                None => shown.push(character),
            }
        }
        shown
    }

    /// The text with what `values` has for each symbol, or the symbol's sample.
    #[must_use]
    pub fn fill(&self, text: &str, values: &dyn Fn(char) -> Option<String>) -> String {
        let mut filled = String::with_capacity(text.len());
        for character in text.chars() {
            match self.get(character) {
                Some(symbol) => filled.push_str(&values(character).unwrap_or_else(|| symbol.sample.clone())),
                None => filled.push(character),
            }
        }
        filled
    }
}

/// Whether the character stands for a symbol.
#[must_use]
pub fn is_symbol(character: char) -> bool {
    (FIRST..FIRST + MOST).contains(&u32::from(character))
}

/// A text in which characters of Supplementary Private Use Area-A stand for symbols.
pub type Text = String;

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str, sample: &str) -> Symbol {
        Symbol {
            name: name.to_owned(),
            alphabet: CharSet::names(),
            length: (1, 12),
            family: None,
            sample: sample.to_owned(),
        }
    }

    #[test]
    fn a_name_means_one_symbol() {
        let mut symbols = Symbols::default();
        let cell = symbols.intern(symbol("Cell", "eu-1")).unwrap();
        assert_eq!(symbols.intern(symbol("Cell", "eu-2")), Some(cell));
        let text = format!("table-{cell}/x");
        assert_eq!(symbols.show(&text), "table-⟨Cell⟩/x");
        assert_eq!(symbols.fill(&text, &|_| None), "table-eu-1/x");
        assert_eq!(symbols.fill(&text, &|_| Some("q".to_owned())), "table-q/x");
        assert!(is_symbol(cell) && !is_symbol('c') && !is_symbol('\u{e9}'));
    }

    #[test]
    fn sets_are_sets() {
        let digits = CharSet::digits();
        assert!(digits.contains('7') && !digits.contains('a') && !digits.contains('é'));
        assert!(digits.complement().contains('é'));
        assert!(digits.and(digits.complement()).is_empty());
        assert_eq!(digits.or(digits.complement()), CharSet::ALL);
        assert_eq!(digits.members().collect::<String>(), "0123456789");
    }
}
