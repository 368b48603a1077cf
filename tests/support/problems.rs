//! Random problems for the engine of proofs, and an evaluator for concrete texts that shares no code with it.

use std::collections::BTreeMap;

use tenantry::prove::automaton::{Part, Shape, Test};
use tenantry::prove::formula::{Formula, Problem, Variable};
use tenantry::prove::glob::{Glob, Piece};
use tenantry::prove::text::{CharSet, Symbol, Symbols};

/// Numbers that look random and are the same in every run (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// What symbols stand for.
pub(crate) type Values = BTreeMap<char, String>;

/// The text with its symbols replaced.
pub(crate) fn fill(text: &str, values: &Values) -> Vec<char> {
    let mut filled = Vec::new();
    for character in text.chars() {
        match values.get(&character) {
            Some(value) => filled.extend(value.chars()),
            None => filled.push(character),
        }
    }
    filled
}

fn fold(character: char, any_case: bool) -> char {
    if any_case { character.to_ascii_lowercase() } else { character }
}

/// The pattern with its symbols replaced.
fn concrete(glob: &Glob, values: &Values) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for piece in &glob.0 {
        match piece {
            Piece::Char(character) if values.contains_key(character) => {
                pieces.extend(values[character].chars().map(Piece::Char));
            }
            other => pieces.push(*other),
        }
    }
    pieces
}

fn glob_matches(pieces: &[Piece], text: &[char], any_case: bool) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return text.is_empty() };
    match piece {
        Piece::Many => (0..=text.len()).any(|taken| glob_matches(rest, &text[taken..], any_case)),
        Piece::Within => {
            let most = text.iter().position(|character| *character == ':').unwrap_or(text.len());
            (0..=most).any(|taken| glob_matches(rest, &text[taken..], any_case))
        }
        Piece::One => !text.is_empty() && glob_matches(rest, &text[1..], any_case),
        Piece::Char(wanted) => {
            text.first().is_some_and(|first| fold(*first, any_case) == fold(*wanted, any_case))
                && glob_matches(rest, &text[1..], any_case)
        }
    }
}

/// A test whose symbols were replaced.
pub(crate) struct Concrete {
    globs: Vec<Vec<Piece>>,
    any_case: bool,
}

impl Concrete {
    pub(crate) fn new(test: &Test, values: &Values) -> Self {
        Self { globs: test.globs.iter().map(|glob| concrete(glob, values)).collect(), any_case: test.any_case }
    }

    pub(crate) fn matches(&self, text: &[char]) -> bool {
        self.globs.iter().any(|glob| glob_matches(glob, text, self.any_case))
    }
}

/// Whether a text without symbols is of the shape.
pub(crate) fn is_of(shape: &Shape, values: &Values, text: &[char]) -> bool {
    fn go(parts: &[Part], values: &Values, text: &[char]) -> bool {
        let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
        match part {
            Part::Char(character) => {
                let wanted: Vec<char> = match values.get(character) {
                    Some(value) => value.chars().collect(),
                    None => vec![*character],
                };
                text.starts_with(&wanted) && go(rest, values, &text[wanted.len()..])
            }
            Part::One(set) => text.first().is_some_and(|first| set.contains(*first)) && go(rest, values, &text[1..]),
            Part::Many(set) => {
                let most = text.iter().position(|character| !set.contains(*character)).unwrap_or(text.len());
                (0..=most).any(|taken| go(rest, values, &text[taken..]))
            }
        }
    }
    go(&shape.0, values, text)
}

/// Texts of the shape over the letters, with at most `most` letters for each part that is free in length.
pub(crate) fn texts_of(shape: &Shape, values: &Values, letters: &[char], most: usize) -> Vec<Vec<char>> {
    let mut texts = vec![Vec::new()];
    for part in &shape.0 {
        let endings: Vec<Vec<char>> = match part {
            Part::Char(character) => vec![fill(&character.to_string(), values)],
            Part::One(set) => {
                letters.iter().filter(|letter| set.contains(**letter)).map(|letter| vec![*letter]).collect()
            }
            Part::Many(set) => {
                let mut all = vec![Vec::new()];
                let mut last = all.clone();
                for _ in 0..most {
                    last = last
                        .iter()
                        .flat_map(|text: &Vec<char>| {
                            letters.iter().filter(|letter| set.contains(**letter)).map(|letter| {
                                let mut longer = text.clone();
                                longer.push(*letter);
                                longer
                            })
                        })
                        .collect();
                    all.extend(last.iter().cloned());
                }
                all
            }
        };
        texts = texts
            .iter()
            .flat_map(|text| endings.iter().map(|ending| [text.as_slice(), ending.as_slice()].concat()))
            .collect();
    }
    texts
}

/// What is true of a variable: whether it is there, and of each test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Facts {
    pub(crate) there: bool,
    pub(crate) tests: u64,
}

/// Whether the formula holds; `unknown` has the truth of what nobody knows, a bit each.
pub(crate) fn holds(formula: &Formula, facts: &[Facts], unknown: u64) -> bool {
    match formula {
        Formula::True => true,
        Formula::False => false,
        Formula::Unknown(at) => unknown >> at & 1 == 1,
        Formula::Present(variable) => facts[*variable].there,
        Formula::Matches(variable, test) => facts[*variable].there && facts[*variable].tests >> test & 1 == 1,
        Formula::Not(inner) => !holds(inner, facts, unknown),
        Formula::All(parts) => parts.iter().all(|part| holds(part, facts, unknown)),
        Formula::Any(parts) => parts.iter().any(|part| holds(part, facts, unknown)),
    }
}

/// The facts that a variable can have when symbols stand for `values`, each with such a text.
pub(crate) fn facts(variable: &Variable, values: &Values, letters: &[char], most: usize) -> BTreeMap<Facts, String> {
    let mut found = BTreeMap::new();
    if variable.optional {
        found.insert(Facts { there: false, tests: 0 }, String::new());
    }
    let tests: Vec<Concrete> = variable.tests.iter().map(|test| Concrete::new(test, values)).collect();
    for shape in &variable.shapes {
        for text in texts_of(shape, values, letters, most) {
            let truths =
                tests.iter().enumerate().fold(0, |bits, (at, test)| bits | u64::from(test.matches(&text)) << at);
            found.entry(Facts { there: true, tests: truths }).or_insert_with(|| text.iter().collect());
        }
    }
    found
}

/// Texts for which the formula holds, if there are any among those that are looked at.
pub(crate) fn satisfied(problem: &Problem, values: &Values, letters: &[char], most: usize) -> Option<Vec<String>> {
    let formula = problem.formula.as_ref()?;
    let choices: Vec<Vec<(Facts, String)>> =
        problem.variables.iter().map(|variable| facts(variable, values, letters, most).into_iter().collect()).collect();
    let mut at = vec![0; choices.len()];
    if choices.iter().any(Vec::is_empty) {
        return None;
    }
    loop {
        let now: Vec<Facts> = at.iter().zip(&choices).map(|(at, choices)| choices[*at].0).collect();
        if (0..1 << problem.unknowns.len()).any(|unknown| holds(formula, &now, unknown)) {
            return Some(at.iter().zip(&choices).map(|(at, choices)| choices[*at].1.clone()).collect());
        }
        let turned = at.iter_mut().zip(&choices).any(|(at, choices)| {
            *at = (*at + 1) % choices.len();
            *at != 0
        });
        if !turned {
            return None;
        }
    }
}

/// The letters of tiny problems: `é` and `ü` are beyond ASCII.
pub(crate) const LETTERS: [char; 8] = ['a', 'b', '-', '/', ':', 'A', 'é', 'ü'];

/// A tiny problem: two tenants' ids and perhaps a third text, short patterns, one or two variables.
pub(crate) struct Tiny {
    pub(crate) problem: Problem,
    pub(crate) symbols: Symbols,
    /// The characters of the symbols.
    pub(crate) named: Vec<char>,
    /// The letters of this problem.
    pub(crate) letters: Vec<char>,
}

impl Tiny {
    pub(crate) fn new(random: &mut Random) -> Self {
        let mut symbols = Symbols::default();
        let alphabet = *random.pick(&["ab-", "ab-", "ab-", "ab", "a-", "abA", "ab/", "a:"]);
        let length = *random.pick(&[(1, 3), (1, 3), (1, 2), (2, 2), (1, 1), (3, 3), (2, 3), (0, 2)]);
        let mut named = Vec::new();
        let samples = texts_of(&Shape(vec![Part::Many(CharSet::of_text(alphabet))]), &Values::new(), &LETTERS, 3);
        let mut samples = samples.into_iter().filter(|text| text.len() >= length.0 && text.len() <= length.1);
        for name in ["A", "B"] {
            named.extend(symbols.intern(Symbol {
                name: name.to_owned(),
                alphabet: CharSet::of_text(alphabet),
                length,
                family: Some("ids".to_owned()),
                sample: samples.next().unwrap().into_iter().collect(),
            }));
        }
        if random.one_in(4) {
            let alphabet = *random.pick(&["ab", "A-", "a/", ":b"]);
            let length = *random.pick(&[(0, 2), (1, 2), (1, 1)]);
            named.extend(symbols.intern(Symbol {
                name: "C".to_owned(),
                alphabet: CharSet::of_text(alphabet),
                length,
                family: random.one_in(3).then(|| "ids".to_owned()),
                sample: alphabet.chars().take(1).collect(),
            }));
        }
        let mut letters = vec!['a', 'b', '/'];
        if alphabet.contains('-') {
            letters.push('-');
        }
        letters.push(*random.pick(&['-', ':', 'A', 'é', 'b']));
        if letters.contains(&'é') {
            letters.push('ü');
        }
        letters.sort_unstable();
        letters.dedup();
        let mut tiny = Self { problem: Problem::default(), symbols, named, letters };
        let count = 1 + random.below(2);
        for at in 0..count {
            let shapes = (0..1 + random.below(2)).map(|_| tiny.shape(random)).collect();
            let optional = random.one_in(3);
            let name = format!("v{at}");
            let made = Variable { name: name.clone(), optional, possible: true, shapes, tests: Vec::new() };
            tiny.problem.variable(&name, || made);
        }
        let depth = 1 + random.below(3);
        let formula = tiny.formula(random, depth);
        tiny.problem.formula = Some(formula);
        tiny
    }

    fn letter(&self, random: &mut Random) -> char {
        if random.one_in(2) { *random.pick(&self.named) } else { *random.pick(&self.letters) }
    }

    fn shape(&self, random: &mut Random) -> Shape {
        let mut free = 0;
        let parts = (0..1 + random.below(4)).map(|_| match random.below(6) {
            0 if free < 1 => {
                free += 1;
                Part::Many(self.set(random))
            }
            1 if free < 2 => {
                free += 1;
                Part::One(self.set(random))
            }
            _ => Part::Char(self.letter(random)),
        });
        Shape(parts.collect())
    }

    fn set(&self, random: &mut Random) -> CharSet {
        match random.below(4) {
            0 | 1 => CharSet::ALL,
            2 => CharSet::of_text("ab-"),
            _ => CharSet::of_text("/:é"),
        }
    }

    fn glob(&self, random: &mut Random) -> Glob {
        let mut pieces: Vec<Piece> = (0..1 + random.below(4))
            .map(|_| match random.below(9) {
                0 => Piece::One,
                1 | 2 => Piece::Many,
                3 => Piece::Within,
                _ => Piece::Char(self.letter(random)),
            })
            .collect();
        pieces.dedup_by(|one, other| one == other && *one == Piece::Many);
        Glob(pieces)
    }

    fn formula(&mut self, random: &mut Random, depth: usize) -> Formula {
        if depth == 0 || random.one_in(5) {
            let variable = random.below(self.problem.variables.len());
            return match random.below(12) {
                0 => self.problem.present(variable),
                1 if self.problem.unknowns.is_empty() => self.problem.unknown("it is not said"),
                _ => {
                    let globs = (0..1 + random.below(2)).map(|_| self.glob(random)).collect();
                    let any_case = random.one_in(8);
                    self.problem.matches(variable, Test { globs, any_case })
                }
            };
        }
        let parts: Vec<Formula> = (0..2 + random.below(2)).map(|_| self.formula(random, depth - 1)).collect();
        match random.below(4) {
            0 => Formula::any(parts),
            1 => Formula::any(parts).negated(),
            2 => Formula::all(
                parts.into_iter().enumerate().map(|(at, part)| if at == 0 { part } else { part.negated() }),
            ),
            _ => Formula::all(parts),
        }
    }

    /// Some of the texts that the symbols may stand for: those that are most like each other first, then random ones.
    pub(crate) fn assignments(&self, random: &mut Random, most: usize) -> Vec<Values> {
        let domains: Vec<Vec<String>> = self
            .named
            .iter()
            .map(|named| {
                let symbol = self.symbols.get(*named).unwrap();
                let shape = Shape(vec![Part::Many(symbol.alphabet)]);
                texts_of(&shape, &Values::new(), &LETTERS, symbol.length.1)
                    .into_iter()
                    .filter(|text| text.len() >= symbol.length.0)
                    .map(|text| text.into_iter().collect())
                    .collect()
            })
            .collect();
        let mut found: Vec<Values> = Vec::new();
        for try_ in 0..4 * most {
            let mut values = Values::new();
            for (at, (named, domain)) in self.named.iter().zip(&domains).enumerate() {
                // Every other time the second id is a relative of the first: one more letter, or one less.
                let near: Vec<&String> = match values.values().next() {
                    Some(first) if at == 1 && try_ % 2 == 0 => {
                        let first: &String = first;
                        domain
                            .iter()
                            .filter(|other| {
                                other.contains(first.as_str())
                                    || first.contains(other.as_str())
                                    || other.eq_ignore_ascii_case(first)
                            })
                            .collect()
                    }
                    _ => domain.iter().collect(),
                };
                values.insert(*named, (*random.pick(&near)).clone());
            }
            let clash = self.named.iter().enumerate().any(|(at, one)| {
                self.named.iter().skip(at + 1).any(|other| {
                    let family = |named: &char| self.symbols.get(*named).unwrap().family.clone();
                    family(one).is_some() && family(one) == family(other) && values[one] == values[other]
                })
            });
            if !clash && !found.contains(&values) {
                found.push(values);
                if found.len() == most {
                    break;
                }
            }
        }
        found
    }
}
