//! All patterns of one string at once: which combinations of matches can a string of a given shape reach?
//!
//! Strings and patterns hold symbols: texts nobody knows. So a match has two answers. It *may* match if for some texts that
//! the symbols may stand for it does; it *must* if it does for all. Both are kept on the safe side: `may` never misses a
//! match, `must` never claims one too many. `docs/proof.md` has the argument.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

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

/// Whether strings of a shape match a pattern, as far as their common beginning tells: most pairs of ARNs differ early.
#[must_use]
pub fn at_a_glance(shape: &Shape, glob: &Glob, symbols: &Symbols) -> Option<bool> {
    let known = |character: char| symbols.get(character);
    for at in 0..=shape.0.len() {
        match (shape.0.get(at), glob.0.get(at)) {
            (_, Some(Piece::Many)) if at + 1 == glob.0.len() => return Some(true),
            (None, None) => return Some(true),
            (Some(Part::Char(found)), Some(Piece::Char(wanted))) if found == wanted => {}
            (Some(Part::Char(found)), Some(Piece::Char(wanted))) => {
                return match (known(*found), known(*wanted)) {
                    (None, None) => Some(false),
                    (Some(found), Some(wanted)) => (found.fixed()
                        && found.length == wanted.length
                        && found.family.is_some()
                        && found.family == wanted.family)
                        .then_some(false),
                    (Some(symbol), None) => {
                        (symbol.length.0 > 0 && !symbol.alphabet.contains(*wanted)).then_some(false)
                    }
                    (None, Some(symbol)) => (symbol.length.0 > 0 && !symbol.alphabet.contains(*found)).then_some(false),
                };
            }
            (Some(Part::Char(found)), Some(Piece::One)) if known(*found).is_none() => {}
            (None, Some(Piece::Char(wanted))) => {
                return known(*wanted).is_none_or(|symbol| symbol.length.0 > 0).then_some(false);
            }
            (None, Some(Piece::One)) => return Some(false),
            (Some(Part::Char(found)), None) => {
                return known(*found).is_none_or(|symbol| symbol.length.0 > 0).then_some(false);
            }
            _ => return None,
        }
    }
    None
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

/// A set of cells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(word, other)| word & other != 0)
    }

    fn union(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    fn remove(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// Adds those of `from` that are in `mask`, moved by `by` cells, of which there are fewer than 64.
    fn add_moved(&mut self, from: &Self, mask: &Self, by: u32) {
        let mut carried = 0;
        for ((word, from), mask) in self.0.iter_mut().zip(&from.0).zip(&mask.0) {
            let moved = from & mask;
            *word |= moved << by | carried;
            carried = if by == 0 { 0 } else { moved >> (64 - by) };
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

/// Where one can be in a pattern. A symbol takes two cells, so that one can be in the middle of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Char(char),
    One,
    Many,
    Within,
    /// Before the text of a symbol.
    Before(char),
    /// In it: some of it was read, and perhaps all.
    Inside(char),
    End,
}

/// The patterns of all tests, end to end. Between two patterns stands an end, which leads nowhere.
struct Machine<'a> {
    symbols: &'a Symbols,
    cells: Vec<Cell>,
    /// The test that a cell belongs to.
    test_of: Vec<usize>,
    /// Whether case does not count in a test.
    any_case: Vec<bool>,
    /// The cells of each test.
    of_test: Vec<Bits>,
    starts: Bits,
    /// Those that are left by reading nothing.
    stars: Bits,
    /// A `*` at the end of a pattern.
    last: Bits,
    before: Bits,
    /// Before a symbol of which one character may be all, or none.
    short: Bits,
    empty: Bits,
    /// What letters and symbols do, for those that were met.
    moves: BTreeMap<CharTest, Moves>,
}

/// Where the machine is: in which cells for some texts of the symbols, in which for all. A test that cannot but succeed,
/// whatever follows, is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    may: Bits,
    must: Bits,
    done: Answers,
}

/// What a character that is read can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CharTest {
    This(char),
    Of(CharSet),
}

/// What reading a character does.
#[derive(Debug)]
struct Moves {
    /// Cells of characters that it can be.
    named: Bits,
    /// Those and `?`: it leads to the next cell.
    on: Bits,
    /// Those where one stays.
    stay: Bits,
    /// Before and in texts of symbols that it can be in.
    before: Bits,
    inside: Bits,
}

fn folded(set: CharSet) -> CharSet {
    let small = |c: char| !c.is_ascii_uppercase() && (set.contains(c) || set.contains(c.to_ascii_uppercase()));
    CharSet::of(small, set.contains(BEYOND))
}

/// A character that is not of ASCII.
const BEYOND: char = '\u{e9}';

impl CharTest {
    fn is_colon(self) -> bool {
        self == Self::This(':')
    }

    fn can_be(self, wanted: char, any_case: bool) -> bool {
        match self {
            Self::This(character) if any_case => character.eq_ignore_ascii_case(&wanted),
            Self::This(character) => character == wanted,
            Self::Of(set) if any_case => {
                set.contains(wanted.to_ascii_lowercase()) || set.contains(wanted.to_ascii_uppercase())
            }
            Self::Of(set) => set.contains(wanted),
        }
    }

    fn meets(self, alphabet: CharSet, any_case: bool) -> bool {
        match self {
            Self::This(character) if any_case => folded(alphabet).contains(character.to_ascii_lowercase()),
            Self::This(character) => alphabet.contains(character),
            Self::Of(set) if any_case => !folded(set).and(folded(alphabet)).is_empty(),
            Self::Of(set) => !set.and(alphabet).is_empty(),
        }
    }
}

impl<'a> Machine<'a> {
    fn new(tests: &[&Test], symbols: &'a Symbols) -> Self {
        let (mut cells, mut test_of, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        for (at, test) in tests.iter().enumerate() {
            for glob in &test.globs {
                starts.push(cells.len());
                for piece in &glob.0 {
                    match piece {
                        Piece::Char(character) if symbols.get(*character).is_some() => {
                            cells.extend([Cell::Before(*character), Cell::Inside(*character)]);
                        }
                        Piece::Char(character) => cells.push(Cell::Char(*character)),
                        Piece::One => cells.push(Cell::One),
                        Piece::Many => cells.push(Cell::Many),
                        Piece::Within => cells.push(Cell::Within),
                    }
                }
                cells.push(Cell::End);
            }
            test_of.resize(cells.len(), at);
        }
        let those = |test: &dyn Fn(usize, Cell) -> bool| {
            let mut bits = Bits::new(cells.len());
            cells.iter().enumerate().filter(|(at, cell)| test(*at, **cell)).for_each(|(at, _)| bits.set(at));
            bits
        };
        let shorter = |than: usize| {
            those(&|_, cell| match cell {
                Cell::Before(name) => symbols.get(name).is_some_and(|symbol| symbol.length.0 < than),
                _ => false,
            })
        };
        Self {
            symbols,
            any_case: tests.iter().map(|test| test.any_case).collect(),
            of_test: (0..tests.len()).map(|test| those(&|at, _| test_of.get(at) == Some(&test))).collect(),
            starts: those(&|at, _| starts.binary_search(&at).is_ok()),
            stars: those(&|_, cell| matches!(cell, Cell::Many | Cell::Within)),
            last: those(&|at, cell| cell == Cell::Many && cells.get(at + 1) == Some(&Cell::End)),
            before: those(&|_, cell| matches!(cell, Cell::Before(_))),
            short: shorter(2),
            empty: shorter(1),
            moves: BTreeMap::new(),
            test_of,
            cells,
        }
    }

    /// Learns what a character does, so that [`Self::moves`] has it.
    fn learn(&mut self, test: CharTest) {
        if self.moves.contains_key(&test) {
            return;
        }
        let none = Bits::new(self.cells.len());
        let mut moves =
            Moves { named: none.clone(), on: none.clone(), stay: none.clone(), before: none.clone(), inside: none };
        let meets = |name: char, any_case: bool| {
            self.symbols.get(name).is_some_and(|symbol| test.meets(symbol.alphabet, any_case))
        };
        for (at, cell) in self.cells.iter().enumerate() {
            let any_case = self.ignores_case(at);
            match *cell {
                Cell::Char(wanted) if test.can_be(wanted, any_case) => {
                    moves.named.set(at);
                    moves.on.set(at);
                }
                Cell::One => moves.on.set(at),
                Cell::Many => moves.stay.set(at),
                Cell::Within if !test.is_colon() => moves.stay.set(at),
                Cell::Before(name) if meets(name, any_case) => moves.before.set(at),
                Cell::Inside(name) if meets(name, any_case) => moves.inside.set(at),
                _ => {}
            }
        }
        self.moves.insert(test, moves);
    }

    fn ignores_case(&self, cell: usize) -> bool {
        self.test_of.get(cell).and_then(|test| self.any_case.get(*test)).copied().unwrap_or(false)
    }

    fn start(&self) -> State {
        let (mut may, mut must) = (self.starts.clone(), self.starts.clone());
        self.close(&mut may, true);
        self.close(&mut must, false);
        self.settle(State { may, must, done: Answers::default() })
    }

    /// Adds the cells that are reached by reading nothing; past symbols that may be empty, if asked.
    fn close(&self, bits: &mut Bits, empty: bool) {
        loop {
            let before = bits.clone();
            bits.add_moved(&before, &self.stars, 1);
            if empty {
                bits.add_moved(&before, &self.empty, 2);
            }
            if *bits == before {
                return;
            }
        }
    }

    /// A `*` at the end matches whatever follows.
    fn settle(&self, mut state: State) -> State {
        for (bits, done) in [(&mut state.may, &mut state.done.may), (&mut state.must, &mut state.done.must)] {
            if bits.meets(&self.last) {
                for (at, of_test) in self.of_test.iter().enumerate() {
                    if bits.0.iter().zip(&self.last.0).zip(&of_test.0).any(|((bits, last), of)| bits & last & of != 0) {
                        *done |= 1 << at;
                        bits.remove(of_test);
                    }
                }
            }
        }
        // What follows cannot undo it, nor is it of interest how else it might succeed.
        for (bits, done) in [(&mut state.may, state.done.may), (&mut state.must, state.done.must)] {
            if done != 0 {
                for (at, of_test) in self.of_test.iter().enumerate() {
                    if done >> at & 1 == 1 {
                        bits.remove(of_test);
                    }
                }
            }
        }
        state
    }

    fn answers(&self, state: &State) -> Answers {
        let succeeds = |bits: &Bits, done: u64| {
            bits.iter()
                .filter(|bit| self.cells.get(*bit) == Some(&Cell::End))
                .filter_map(|bit| self.test_of.get(bit))
                .fold(done, |answers, test| answers | 1 << test)
        };
        Answers { may: succeeds(&state.may, state.done.may), must: succeeds(&state.must, state.done.must) }
    }

    /// Whether nothing that follows changes an answer.
    fn is_settled(&self, state: &State) -> bool {
        state.may.is_empty() && state.must.is_empty()
    }

    fn moves(&self, test: CharTest) -> Option<&Moves> {
        debug_assert!(self.moves.contains_key(&test), "{test:?} was not learned");
        self.moves.get(&test)
    }

    fn read(&self, state: &State, letter: char) -> State {
        if let Some(symbol) = self.symbols.get(letter) {
            return self.settle(self.read_symbol(state, letter, symbol));
        }
        let size = self.cells.len();
        let mut next = State { may: Bits::new(size), must: Bits::new(size), done: state.done };
        if let Some(moves) = self.moves(CharTest::This(letter)) {
            self.step(&state.may, moves, &mut next.may);
            next.must.add_moved(&state.must, &moves.on, 1);
            next.must.add_moved(&state.must, &moves.stay, 0);
            self.close(&mut next.must, false);
        }
        self.settle(next)
    }

    /// Reads one character, for some texts of the symbols.
    fn step(&self, from: &Bits, moves: &Moves, into: &mut Bits) {
        into.add_moved(from, &moves.on, 1);
        into.add_moved(from, &moves.stay, 0);
        let mut before = Bits::new(self.cells.len());
        before.add_moved(from, &moves.before, 0);
        into.add_moved(&before, &before, 1);
        into.add_moved(&before, &self.short, 2);
        into.add_moved(from, &moves.inside, 0);
        into.add_moved(from, &moves.inside, 1);
        self.close(into, true);
    }

    /// Reads the text of a symbol, whatever it is.
    fn read_symbol(&self, state: &State, letter: char, symbol: &Symbol) -> State {
        let size = self.cells.len();
        let (mut may, mut must) = (Bits::new(size), Bits::new(size));
        for at in state.must.iter() {
            match self.cells.get(at) {
                Some(Cell::Before(wanted)) if *wanted == letter => must.set(at + 2),
                Some(Cell::Many) => must.set(at),
                Some(Cell::Within) if !symbol.alphabet.contains(':') => must.set(at),
                _ => {}
            }
        }
        self.close(&mut must, false);
        let mut rest = state.may.clone();
        rest.remove(&self.before);
        self.absorb(&rest, symbol.alphabet, symbol.length, &mut may);
        for at in state.may.iter() {
            let Some(Cell::Before(wanted)) = self.cells.get(at) else { continue };
            if *wanted == letter {
                may.set(at + 2);
            } else if let Some(other) = self.symbols.get(*wanted) {
                self.meet(at, symbol, other, &mut may);
            }
        }
        self.close(&mut may, true);
        State { may, must, done: state.done }
    }

    /// Reads the text of a symbol from where the text of another begins.
    fn meet(&self, at: usize, symbol: &Symbol, other: &Symbol, into: &mut Bits) {
        let any_case = self.ignores_case(at);
        let (shortest, longest) = symbol.length;
        let (other_shortest, other_longest) = other.length;
        if shortest == 0 {
            into.set(at);
        }
        // That the other is empty is another cell, which is reached by reading nothing.
        if !CharTest::Of(symbol.alphabet).meets(other.alphabet, any_case) {
            return;
        }
        // Folding may make one text of two that differ in case alone.
        let has_capitals = |symbol: &Symbol| ('A'..='Z').any(|capital| symbol.alphabet.contains(capital));
        let folds = any_case && (has_capitals(symbol) || has_capitals(other));
        let differ = symbol.family.is_some() && symbol.family == other.family && !folds;
        if !differ && shortest <= other_longest && other_shortest <= longest {
            into.set(at + 2);
        }
        if shortest < other_longest {
            into.set(at + 1);
        }
        if other_shortest < longest {
            let rest = (shortest.saturating_sub(other_longest).max(1), longest - other_shortest);
            let mut after = Bits::new(self.cells.len());
            after.set(at + 2);
            self.close(&mut after, true);
            self.absorb(&after, symbol.alphabet, rest, into);
        }
    }

    /// Reads between `length.0` and `length.1` characters of an alphabet.
    fn absorb(&self, from: &Bits, alphabet: CharSet, length: (usize, usize), into: &mut Bits) {
        if length.0 == 0 {
            into.union(from);
        }
        let Some(moves) = self.moves(CharTest::Of(alphabet)) else { return };
        let mut now = from.clone();
        for count in 1..=length.1 {
            let mut next = Bits::new(self.cells.len());
            self.step(&now, moves, &mut next);
            // Cells lead forward or to themselves, so this ends soon whatever the length.
            let same = next == now;
            if same || count >= length.0 {
                into.union(&next);
            }
            if same || next.is_empty() {
                break;
            }
            now = next;
        }
    }
}

/// Which answers a string of one of the shapes can get, each with such a string.
///
/// # Errors
/// If there are too many states.
pub fn explore(shapes: &[Shape], tests: &[&Test], symbols: &Symbols) -> Result<BTreeMap<Answers, Text>, TooLarge> {
    explore_within(shapes, tests, symbols, &mut { usize::MAX })
}

/// The same, looking at no more than `left` states altogether; those that were looked at are taken off.
///
/// # Errors
/// If there are too many states.
pub(crate) fn explore_within(
    shapes: &[Shape],
    tests: &[&Test],
    symbols: &Symbols,
    left: &mut usize,
) -> Result<BTreeMap<Answers, Text>, TooLarge> {
    let mut machine = Machine::new(tests, symbols);
    let mut alphabets: Vec<(CharSet, Vec<Kind>)> = Vec::new();
    for part in shapes.iter().flat_map(|shape| &shape.0) {
        match part {
            Part::Char(letter) => match symbols.get(*letter) {
                Some(symbol) => machine.learn(CharTest::Of(symbol.alphabet)),
                None => machine.learn(CharTest::This(*letter)),
            },
            Part::One(set) | Part::Many(set) => {
                if alphabets.iter().any(|(known, _)| known == set) {
                    continue;
                }
                let kinds = kinds(*set, &machine);
                kinds.iter().flatten().for_each(|letter| machine.learn(CharTest::This(*letter)));
                alphabets.push((*set, kinds));
            }
        }
    }
    let mut found = BTreeMap::new();
    for shape in shapes {
        walk(shape, &machine, &alphabets, left, &mut found)?;
    }
    Ok(found)
}

/// Letters that are alike, except to patterns that name them; the first is one that no pattern names, if there is one.
type Kind = Vec<char>;

/// A string on the way: how far in its shape, where the machine is, and how it came there.
struct Node {
    part: usize,
    state: Rc<State>,
    came: Option<(usize, char)>,
}

fn walk(
    shape: &Shape,
    machine: &Machine<'_>,
    alphabets: &[(CharSet, Vec<Kind>)],
    left: &mut usize,
    found: &mut BTreeMap<Answers, Text>,
) -> Result<(), TooLarge> {
    // A fixed beginning has one way through it: no need to remember where one was.
    let mut start = machine.start();
    let mut beginning = Text::new();
    for part in &shape.0 {
        let Part::Char(letter) = part else { break };
        beginning.push(*letter);
        if !machine.is_settled(&start) {
            start = machine.read(&start, *letter);
        }
    }
    let first = Node { part: beginning.chars().count(), state: Rc::new(start), came: None };
    let mut seen = BTreeSet::from([(first.part, Rc::clone(&first.state))]);
    let mut nodes = vec![first];
    let mut next = 0;
    while let Some(node) = nodes.get(next) {
        *left = left.checked_sub(1).ok_or(TooLarge)?;
        let (at, state, came) = (node.part, Rc::clone(&node.state), node.came);
        if machine.is_settled(&state) || at == shape.0.len() {
            let answers = machine.answers(&state);
            if let Entry::Vacant(entry) = found.entry(answers) {
                let ending = shape.0.get(at..).and_then(|rest| shortest(rest, alphabets));
                if let Some(ending) = ending {
                    entry.insert(spell(&beginning, &nodes, next) + &ending);
                }
            }
            next += 1;
            continue;
        }
        let mut reach = |part: usize, state: Rc<State>, came: Option<(usize, char)>| {
            if seen.insert((part, Rc::clone(&state))) {
                nodes.push(Node { part, state, came });
            }
        };
        match shape.0.get(at) {
            None => {}
            Some(Part::Char(letter)) => {
                reach(at + 1, Rc::new(machine.read(&state, *letter)), Some((next, *letter)));
            }
            Some(Part::One(set)) => {
                for letter in letters(*set, alphabets, machine, &state) {
                    reach(at + 1, Rc::new(machine.read(&state, letter)), Some((next, letter)));
                }
            }
            Some(Part::Many(set)) => {
                // The part may end here: no letter leads on, so it is reached as this one was.
                reach(at + 1, Rc::clone(&state), came);
                for letter in letters(*set, alphabets, machine, &state) {
                    reach(at, Rc::new(machine.read(&state, letter)), Some((next, letter)));
                }
            }
        }
        if nodes.len() > MOST_STATES {
            return Err(TooLarge);
        }
        next += 1;
    }
    Ok(())
}

/// The text that led to a node.
fn spell(beginning: &str, nodes: &[Node], at: usize) -> Text {
    let mut letters = Vec::new();
    let mut came = nodes.get(at).and_then(|node| node.came);
    while let Some((from, letter)) = came {
        letters.push(letter);
        came = nodes.get(from).and_then(|node| node.came);
    }
    beginning.chars().chain(letters.into_iter().rev()).collect()
}

/// The shortest text of the parts; none if one of them is of no letter.
fn shortest(parts: &[Part], alphabets: &[(CharSet, Vec<Kind>)]) -> Option<Text> {
    parts
        .iter()
        .filter(|part| !matches!(part, Part::Many(_)))
        .map(|part| match part {
            Part::Char(letter) => Some(*letter),
            Part::One(set) | Part::Many(set) => {
                alphabets.iter().find(|(known, _)| known == set)?.1.iter().flatten().next().copied()
            }
        })
        .collect()
}

/// The letters of a set that make a difference in this state: those that patterns name here, and one of each kind.
fn letters<'a>(
    set: CharSet,
    alphabets: &'a [(CharSet, Vec<Kind>)],
    machine: &'a Machine<'_>,
    state: &'a State,
) -> impl Iterator<Item = char> + 'a {
    let kinds = alphabets.iter().filter(move |(known, _)| *known == set).flat_map(|(_, kinds)| kinds);
    kinds.flat_map(move |kind| {
        let mut unnamed = false;
        kind.iter().copied().filter(move |letter| {
            let named = machine
                .moves(CharTest::This(*letter))
                .is_some_and(|moves| moves.named.meets(&state.may) || moves.named.meets(&state.must));
            named || !std::mem::replace(&mut unnamed, true)
        })
    })
}

/// Letters of the set that stand for all: those that patterns name, and one that none names, of each kind. A kind is in the
/// alphabets of the same symbols.
fn kinds(set: CharSet, machine: &Machine<'_>) -> Vec<Kind> {
    let mut named: BTreeSet<char> = BTreeSet::new();
    let mut alphabets: BTreeSet<CharSet> = BTreeSet::new();
    for (at, cell) in machine.cells.iter().enumerate() {
        match cell {
            Cell::Char(character) => {
                named.insert(*character);
                if machine.ignores_case(at) {
                    named.extend([character.to_ascii_lowercase(), character.to_ascii_uppercase()]);
                }
            }
            Cell::Before(name) => alphabets.extend(machine.symbols.get(*name).map(|symbol| symbol.alphabet)),
            _ => {}
        }
    }
    // What case makes of an alphabet tells letters apart as well.
    let mut without_case: Vec<CharSet> = Vec::new();
    if machine.any_case.contains(&true) {
        without_case.extend(alphabets.iter().map(|alphabet| folded(*alphabet)));
    }
    let within = machine.cells.contains(&Cell::Within);
    let kind_of = |letter: char| -> Vec<bool> {
        let small = letter.to_ascii_lowercase();
        let exact = alphabets.iter().map(|alphabet| alphabet.contains(letter));
        let folded = without_case.iter().map(|alphabet| alphabet.contains(small));
        exact.chain(folded).chain([within && letter == ':']).collect()
    };
    // Those that no pattern names first: one of a kind is enough. Small letters before others, so that examples read well;
    // controls last.
    let names = CharSet::of(|character| named.contains(&character), false);
    let unnamed = set.and(names.complement());
    let tests: [fn(char) -> bool; 3] = [
        |letter| letter.is_ascii_lowercase(),
        |letter| !letter.is_ascii_lowercase() && !letter.is_ascii_control(),
        |letter| letter.is_ascii_control(),
    ];
    let mut kinds: BTreeMap<Vec<bool>, Kind> = BTreeMap::new();
    let mut unnamed_of_a_kind = |letter: char| {
        let kind = kinds.entry(kind_of(letter)).or_default();
        if kind.is_empty() {
            kind.push(letter);
        }
    };
    for test in tests {
        unnamed.members().filter(|letter| letter.is_ascii() && test(*letter)).for_each(&mut unnamed_of_a_kind);
    }
    if set.contains(BEYOND) {
        // Those beyond ASCII are alike but for their names, so one that has none stands for the rest.
        unnamed_of_a_kind((BEYOND..).find(|character| !named.contains(character)).unwrap_or(BEYOND));
    }
    for letter in named.into_iter().filter(|letter| set.contains(*letter)) {
        debug_assert!(!is_symbol(letter), "cells of characters hold no symbol");
        kinds.entry(kind_of(letter)).or_default().push(letter);
    }
    let mut kinds: Vec<Kind> = kinds.into_values().collect();
    kinds.sort_by_key(|kind| kind.first().map(|letter| (!letter.is_ascii_lowercase(), *letter)));
    kinds
}
