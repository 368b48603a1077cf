//! All patterns of one string at once: which combinations of matches can a string of a given shape reach?
//!
//! Strings and patterns hold symbols: texts nobody knows. So a match has two answers. It *may* match if for some texts that
//! the symbols may stand for it does; it *must* if it does for all. Both are kept on the safe side: `may` never misses a
//! match, `must` never claims one too many. `docs/proof.md` has the argument.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::glob::{Glob, Piece};
use super::text::{CharSet, Symbol, Symbols, Text, is_symbol};

/// A piece of the shape of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// This character, or the text of this symbol.
    Char(char),
    /// One character of a set.
    One(CharSet),
    /// Any text over a set.
    Many(CharSet),
}

/// What a string may look like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Shape(pub Vec<Part>);

impl Shape {
    /// Exactly this text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(text.chars().map(Part::Char).collect())
    }

    /// Any text.
    #[must_use]
    pub fn any() -> Self {
        Self(vec![Part::Many(CharSet::ALL)])
    }

    /// This text and then any.
    #[must_use]
    pub fn starting(text: &str) -> Self {
        let mut shape = Self::text(text);
        shape.0.push(Part::Many(CharSet::ALL));
        shape
    }

    /// The text, if there is but one.
    #[must_use]
    pub fn exact(&self) -> Option<Text> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Char(character) => Some(*character),
                Part::One(_) | Part::Many(_) => None,
            })
            .collect()
    }
}

/// A question about a string: does one of the patterns match?
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Test {
    /// The patterns.
    pub globs: Vec<Glob>,
    /// Whether case does not count.
    pub any_case: bool,
}

/// The answers to up to 64 tests, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Answers {
    /// Those that may match.
    pub may: u64,
    /// Those that must.
    pub must: u64,
}

/// The most tests of one string.
pub const MOST_TESTS: usize = 64;
/// The most states that are looked at before giving up: a policy that needs more is not one that people can read.
const MOST_STATES: usize = 50_000;

/// More states than anybody should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// A set of positions. Position `i` of a pattern is `2 i`; being inside the symbol at `i` is `2 i + 1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    fn set(&mut self, at: usize) -> bool {
        let Some(word) = self.0.get_mut(at / 64) else { return false };
        let bit = 1 << (at % 64);
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }

    fn union(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                (word != 0).then(|| {
                    let bit = word.trailing_zeros() as usize;
                    word &= word - 1;
                    at * 64 + bit
                })
            })
        })
    }
}

/// The patterns of one test, end to end. Between two patterns stands an end.
struct Machine<'a> {
    symbols: &'a Symbols,
    pieces: Vec<Option<Piece>>,
    starts: Vec<usize>,
    any_case: bool,
}

/// Where a machine is: in which positions for some texts of the symbols, in which for all. A machine that cannot but match,
/// whatever follows, is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    may: Bits,
    must: Bits,
    may_done: bool,
    must_done: bool,
}

fn fold(character: char, any_case: bool) -> char {
    if any_case { character.to_ascii_lowercase() } else { character }
}

impl<'a> Machine<'a> {
    fn new(test: &Test, symbols: &'a Symbols) -> Self {
        let mut machine = Self { symbols, pieces: Vec::new(), starts: Vec::new(), any_case: test.any_case };
        for glob in &test.globs {
            machine.starts.push(machine.pieces.len());
            machine.pieces.extend(glob.0.iter().map(|piece| {
                Some(match piece {
                    Piece::Char(character) => Piece::Char(fold(*character, test.any_case)),
                    other => *other,
                })
            }));
            machine.pieces.push(None);
        }
        machine
    }

    fn size(&self) -> usize {
        2 * self.pieces.len()
    }

    fn piece(&self, at: usize) -> Option<Piece> {
        self.pieces.get(at).copied().flatten()
    }

    fn start(&self) -> State {
        let mut may = Bits::new(self.size());
        for start in &self.starts {
            self.enter(*start, &mut may);
        }
        let must = may.clone();
        self.settle(State { may, must, may_done: false, must_done: false })
    }

    /// Enters a position and those that are reached from it by reading nothing.
    fn enter(&self, mut at: usize, into: &mut Bits) {
        while into.set(2 * at) && matches!(self.piece(at), Some(Piece::Many | Piece::Within)) {
            at += 1;
        }
    }

    /// A trailing `*` matches whatever follows.
    fn settle(&self, mut state: State) -> State {
        let sure = |bits: &Bits| {
            bits.iter().any(|bit| {
                bit % 2 == 0
                    && self.piece(bit / 2) == Some(Piece::Many)
                    && self.pieces.get(bit / 2 + 1).is_some_and(Option::is_none)
            })
        };
        if state.may_done || sure(&state.may) {
            state.may_done = true;
            state.may.clear();
        }
        if state.must_done || sure(&state.must) {
            state.must_done = true;
            state.must.clear();
        }
        state
    }

    fn accepts(&self, bits: &Bits) -> bool {
        bits.iter().any(|bit| bit % 2 == 0 && self.pieces.get(bit / 2).is_some_and(Option::is_none))
    }

    fn may(&self, state: &State) -> bool {
        state.may_done || self.accepts(&state.may)
    }

    fn must(&self, state: &State) -> bool {
        state.must_done || self.accepts(&state.must)
    }

    fn read(&self, state: &State, letter: char) -> State {
        let letter = fold(letter, self.any_case);
        let mut next = State {
            may: Bits::new(self.size()),
            must: Bits::new(self.size()),
            may_done: state.may_done,
            must_done: state.must_done,
        };
        match self.symbols.get(letter) {
            None => {
                for bit in state.may.iter() {
                    self.step(bit, &CharTest::This(letter), &mut next.may);
                }
                for bit in state.must.iter().filter(|bit| bit % 2 == 0) {
                    match self.piece(bit / 2) {
                        Some(Piece::Char(wanted)) if wanted == letter => self.enter(bit / 2 + 1, &mut next.must),
                        Some(Piece::One) => self.enter(bit / 2 + 1, &mut next.must),
                        Some(Piece::Many) => self.enter(bit / 2, &mut next.must),
                        Some(Piece::Within) if letter != ':' => self.enter(bit / 2, &mut next.must),
                        _ => {}
                    }
                }
            }
            Some(symbol) => {
                for bit in state.may.iter() {
                    self.read_symbol(bit, letter, symbol, &mut next.may);
                }
                for bit in state.must.iter().filter(|bit| bit % 2 == 0) {
                    match self.piece(bit / 2) {
                        Some(Piece::Char(wanted)) if wanted == letter => self.enter(bit / 2 + 1, &mut next.must),
                        Some(Piece::Many) => self.enter(bit / 2, &mut next.must),
                        Some(Piece::Within) if !symbol.alphabet.contains(':') => self.enter(bit / 2, &mut next.must),
                        _ => {}
                    }
                }
            }
        }
        self.settle(next)
    }

    /// Reads one character of which `test` says what it can be.
    fn step(&self, bit: usize, test: &CharTest, into: &mut Bits) {
        let at = bit / 2;
        match self.piece(at) {
            Some(Piece::Many) => self.enter(at, into),
            Some(Piece::Within) if !test.is_colon() => self.enter(at, into),
            Some(Piece::Within) => {}
            Some(Piece::One) => self.enter(at + 1, into),
            Some(Piece::Char(wanted)) => match self.symbols.get(wanted) {
                None => {
                    if test.can_be(wanted, self.any_case) {
                        self.enter(at + 1, into);
                    }
                }
                Some(wanted) => {
                    if test.meets(wanted.alphabet) {
                        into.set(2 * at + 1);
                        if bit % 2 == 1 || wanted.length.0 <= 1 {
                            self.enter(at + 1, into);
                        }
                    }
                }
            },
            None => {}
        }
    }

    /// Reads the text of a symbol, whatever it is.
    fn read_symbol(&self, bit: usize, letter: char, symbol: &Symbol, into: &mut Bits) {
        let at = bit / 2;
        let inside = bit % 2 == 1;
        if let Some(Piece::Char(wanted)) = self.piece(at)
            && let Some(other) = self.symbols.get(wanted)
        {
            if wanted == letter && !inside {
                self.enter(at + 1, into);
                return;
            }
            if inside {
                self.absorb(bit, symbol, symbol.length, into);
                return;
            }
            if symbol.alphabet.and(other.alphabet).is_empty() {
                return;
            }
            let (shortest, longest) = symbol.length;
            let (other_shortest, other_longest) = other.length;
            // Folding may make one text of two that differ in case alone.
            let differ = symbol.family.is_some() && symbol.family == other.family && !self.folds(symbol);
            if !differ && shortest <= other_longest && other_shortest <= longest {
                self.enter(at + 1, into);
            }
            if shortest < other_longest {
                into.set(2 * at + 1);
            }
            if other_shortest < longest {
                let rest = (shortest.saturating_sub(other_longest).max(1), longest - other_shortest);
                let mut after = Bits::new(self.size());
                self.enter(at + 1, &mut after);
                for bit in after.iter() {
                    self.absorb(bit, symbol, rest, into);
                }
            }
            return;
        }
        self.absorb(bit, symbol, symbol.length, into);
    }

    fn folds(&self, symbol: &Symbol) -> bool {
        self.any_case && symbol.alphabet.members().any(|character| character.is_ascii_uppercase())
    }

    /// Reads between `length.0` and `length.1` characters of the symbol's alphabet.
    fn absorb(&self, bit: usize, symbol: &Symbol, length: (usize, usize), into: &mut Bits) {
        let any = CharTest::Of(symbol.alphabet);
        let mut now = Bits::new(self.size());
        now.set(bit);
        if length.0 == 0 {
            into.union(&now);
        }
        for count in 1..=length.1 {
            let mut next = Bits::new(self.size());
            for bit in now.iter() {
                self.step(bit, &any, &mut next);
            }
            if count >= length.0 {
                into.union(&next);
                if next == now {
                    break;
                }
            }
            if next.is_empty() {
                break;
            }
            now = next;
        }
    }
}

/// What a character that is read can be.
enum CharTest {
    This(char),
    Of(CharSet),
}

impl CharTest {
    fn is_colon(&self) -> bool {
        matches!(self, Self::This(':'))
    }

    fn can_be(&self, wanted: char, any_case: bool) -> bool {
        match self {
            Self::This(character) => *character == wanted,
            Self::Of(set) => set.contains(wanted) || any_case && set.contains(wanted.to_ascii_uppercase()),
        }
    }

    fn meets(&self, alphabet: CharSet) -> bool {
        match self {
            Self::This(character) => alphabet.contains(*character),
            Self::Of(set) => !set.and(alphabet).is_empty(),
        }
    }
}

/// Which answers a string of one of the shapes can get, each with such a string.
///
/// # Errors
/// If there are too many states.
pub fn explore(shapes: &[Shape], tests: &[&Test], symbols: &Symbols) -> Result<BTreeMap<Answers, Text>, TooLarge> {
    let machines: Vec<Machine<'_>> = tests.iter().map(|test| Machine::new(test, symbols)).collect();
    let start: Vec<State> = machines.iter().map(Machine::start).collect();
    let mut found = BTreeMap::new();
    for shape in shapes {
        walk(shape, &machines, &start, &mut found)?;
    }
    Ok(found)
}

fn walk(
    shape: &Shape,
    machines: &[Machine<'_>],
    start: &[State],
    found: &mut BTreeMap<Answers, Text>,
) -> Result<(), TooLarge> {
    // A fixed beginning has one way through it: no need to remember where one was.
    let fixed = shape.0.iter().take_while(|part| matches!(part, Part::Char(_))).count();
    let mut states = start.to_vec();
    let mut text = Text::new();
    for part in shape.0.iter().take(fixed) {
        if let Part::Char(letter) = part {
            text.push(*letter);
            states = read_all(machines, &states, *letter);
        }
    }
    let mut seen: BTreeMap<(usize, Vec<State>), ()> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([(fixed, states, text)]);
    while let Some((at, states, text)) = open.pop_front() {
        match seen.entry((at, states.clone())) {
            Entry::Occupied(_) => continue,
            Entry::Vacant(entry) => _ = entry.insert(()),
        }
        if seen.len() > MOST_STATES {
            return Err(TooLarge);
        }
        let (letters, next) = match shape.0.get(at) {
            None => {
                let mut answers = Answers::default();
                for (bit, (machine, state)) in machines.iter().zip(&states).enumerate() {
                    answers.may |= u64::from(machine.may(state)) << bit;
                    answers.must |= u64::from(machine.must(state)) << bit;
                }
                found.entry(answers).or_insert(text);
                continue;
            }
            Some(Part::Char(letter)) => (vec![*letter], at + 1),
            Some(Part::One(set)) => (letters(*set, machines), at + 1),
            Some(Part::Many(set)) => {
                open.push_back((at + 1, states.clone(), text.clone()));
                (letters(*set, machines), at)
            }
        };
        for letter in letters {
            let mut longer = text.clone();
            longer.push(letter);
            open.push_back((next, read_all(machines, &states, letter), longer));
        }
    }
    Ok(())
}

fn read_all(machines: &[Machine<'_>], states: &[State], letter: char) -> Vec<State> {
    machines.iter().zip(states).map(|(machine, state)| machine.read(state, letter)).collect()
}

/// Letters of the set that stand for all: those that patterns name, and of the others one of each kind, where a kind is in
/// the alphabets of the same symbols.
fn letters(set: CharSet, machines: &[Machine<'_>]) -> Vec<char> {
    let mut named: Vec<char> = Vec::new();
    let mut alphabets: Vec<CharSet> = Vec::new();
    for machine in machines {
        for piece in machine.pieces.iter().flatten() {
            let Piece::Char(character) = piece else {
                if *piece == Piece::Within {
                    named.push(':');
                }
                continue;
            };
            match machine.symbols.get(*character) {
                Some(symbol) => alphabets.push(symbol.alphabet),
                None => {
                    named.push(*character);
                    if machine.any_case {
                        named.push(character.to_ascii_uppercase());
                    }
                }
            }
        }
    }
    named.sort_unstable();
    named.dedup();
    alphabets.sort_unstable();
    alphabets.dedup();
    let mut kinds: BTreeMap<Vec<bool>, char> = BTreeMap::new();
    // Letters first, so that examples read well; controls last.
    let readable = |character: &char| (!character.is_ascii_lowercase(), character.is_ascii_control(), *character);
    let mut members: Vec<char> = set.members().collect();
    members.sort_by_key(readable);
    for character in members {
        if named.binary_search(&character).is_err() {
            let kind = alphabets.iter().map(|alphabet| alphabet.contains(character)).collect();
            kinds.entry(kind).or_insert(character);
        }
    }
    let mut letters: Vec<char> = named.into_iter().filter(|character| set.contains(*character)).collect();
    letters.extend(kinds.into_values());
    debug_assert!(letters.iter().all(|letter| !is_symbol(*letter)), "sets hold characters only");
    letters
}
