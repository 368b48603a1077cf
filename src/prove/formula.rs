//! Questions about a request as a formula over its strings, and their answer.
//!
//! A problem has variables (the resource, each condition key, each value of a key that has many), a shape for each, and a
//! formula over tests of them. The answer is a request for which the formula may hold, or none.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::automaton::{Answers, MOST_TESTS, Part, Shape, Test, at_a_glance, explore};
use super::glob::Piece;
use super::text::{CharSet, Symbols, Text};

/// Three-valued truth: of Kleene, where what is not known stays so unless it does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    False,
    /// It holds for some readings or texts of symbols, as far as is known.
    Maybe,
    /// It holds.
    True,
}

impl Truth {
    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Maybe => Self::Maybe,
            Self::True => Self::False,
        }
    }
}

/// A formula.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Formula {
    /// Holds.
    True,
    /// Does not hold.
    False,
    /// Nobody knows; the number says why, in [`Problem::unknowns`].
    Unknown(usize),
    /// The variable is there.
    Present(usize),
    /// The variable is there, and a test of it succeeds: variable, and test of that variable.
    Matches(usize, usize),
    /// Does not hold.
    Not(Box<Self>),
    /// All hold.
    All(Vec<Self>),
    /// One holds.
    Any(Vec<Self>),
}

impl Formula {
    /// Not `self`.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// All of them; constants are worked out.
    #[must_use]
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::True => {}
                Self::False => return Self::False,
                Self::All(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::True,
            1 => kept.remove(0),
            _ => Self::All(kept),
        }
    }

    /// One of them; constants are worked out.
    #[must_use]
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::False => {}
                Self::True => return Self::True,
                Self::Any(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::False,
            1 => kept.remove(0),
            _ => Self::Any(kept),
        }
    }

    /// The truth value, where `leaf` knows those of leaves.
    pub(crate) fn eval(&self, leaf: &dyn Fn(&Self) -> Truth) -> Truth {
        match self {
            Self::True => Truth::True,
            Self::False => Truth::False,
            Self::Unknown(_) => Truth::Maybe,
            Self::Present(_) | Self::Matches(..) => leaf(self),
            Self::Not(inner) => inner.eval(leaf).not(),
            Self::All(parts) => {
                let mut least = Truth::True;
                for part in parts {
                    least = least.min(part.eval(leaf));
                    if least == Truth::False {
                        break;
                    }
                }
                least
            }
            Self::Any(parts) => {
                let mut most = Truth::False;
                for part in parts {
                    most = most.max(part.eval(leaf));
                    if most == Truth::True {
                        break;
                    }
                }
                most
            }
        }
    }
}

/// A string of the request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variable {
    /// What it is: `resource`, or a condition key in lower case, with `#1` and so on for further values.
    pub name: String,
    /// Whether it may be missing.
    pub optional: bool,
    /// Whether it may be there.
    pub possible: bool,
    /// What it may look like.
    pub shapes: Vec<Shape>,
    /// The tests that the formula makes of it.
    pub tests: Vec<Test>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// The strings.
    pub variables: Vec<Variable>,
    /// The question: can this hold?
    pub formula: Option<Formula>,
    /// Why parts of it are not known.
    pub unknowns: Vec<String>,
}

/// A request for which the formula may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Whether it holds for certain: then no symbol and no unknown reading had a say.
    pub certain: bool,
    /// The strings that are there, by name.
    pub values: BTreeMap<String, Text>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It never holds.
    Never,
    /// It may hold for this.
    Perhaps(Witness),
    /// It was given up; the reason is a sentence without a period.
    GaveUp(String),
}

impl Problem {
    /// The place of a variable, added if it is new.
    pub fn variable(&mut self, name: &str, make: impl FnOnce() -> Variable) -> usize {
        if let Some(at) = self.variables.iter().position(|variable| variable.name == name) {
            return at;
        }
        self.variables.push(make());
        self.variables.len() - 1
    }

    /// The formula that a test of a variable succeeds.
    pub fn matches(&mut self, variable: usize, test: Test) -> Formula {
        let Some(known) = self.variables.get_mut(variable) else { return Formula::False };
        if !known.possible || test.globs.is_empty() {
            return Formula::False;
        }
        if test.globs.iter().any(super::glob::Glob::is_everything) {
            return if known.optional { Formula::Present(variable) } else { Formula::True };
        }
        let at = match known.tests.iter().position(|other| *other == test) {
            Some(at) => at,
            None => {
                known.tests.push(test);
                known.tests.len() - 1
            }
        };
        Formula::Matches(variable, at)
    }

    /// The same, after the beginnings of string and patterns were compared: that decides nearly everything.
    pub fn matches_at_a_glance(&mut self, variable: usize, mut test: Test, symbols: &Symbols) -> Formula {
        let Some(known) = self.variables.get(variable) else { return Formula::False };
        let mut always = false;
        if !test.any_case {
            test.globs.retain(|glob| {
                let (mut never, mut sure) = (true, !known.shapes.is_empty());
                for answer in known.shapes.iter().map(|shape| at_a_glance(shape, glob, symbols)) {
                    never &= answer == Some(false);
                    sure &= answer == Some(true);
                }
                always |= sure;
                !never
            });
        }
        if always && known.possible {
            return if known.optional { Formula::Present(variable) } else { Formula::True };
        }
        self.matches(variable, test)
    }

    /// The formula that a variable is there.
    #[must_use]
    pub fn present(&self, variable: usize) -> Formula {
        match self.variables.get(variable) {
            Some(known) if !known.possible => Formula::False,
            Some(known) if !known.optional => Formula::True,
            Some(_) => Formula::Present(variable),
            None => Formula::False,
        }
    }

    /// A formula that nobody knows the truth of, and why.
    pub fn unknown(&mut self, why: impl Into<String>) -> Formula {
        let why = why.into();
        let at = match self.unknowns.iter().position(|known| *known == why) {
            Some(at) => at,
            None => {
                self.unknowns.push(why);
                self.unknowns.len() - 1
            }
        };
        Formula::Unknown(at)
    }

    /// The question as a text: the same for the same question, and for no other.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let set = |set: &CharSet| format!("\u{1}{set:?}\u{2}");
        for variable in &self.variables {
            text.push_str(&variable.name);
            text.push_str(match (variable.optional, variable.possible) {
                (true, true) => "\u{3}?",
                (true, false) => "\u{3}-",
                (false, _) => "\u{3}!",
            });
            for shape in &variable.shapes {
                text.push('\u{4}');
                for part in &shape.0 {
                    match part {
                        Part::Char(character) => text.push(*character),
                        Part::One(letters) => text.push_str(&set(letters)),
                        Part::Many(letters) if *letters == CharSet::ALL => text.push('\u{5}'),
                        Part::Many(letters) => {
                            text.push('\u{5}');
                            text.push_str(&set(letters));
                        }
                    }
                }
            }
            for test in &variable.tests {
                text.push(if test.any_case { '\u{6}' } else { '\u{7}' });
                for glob in &test.globs {
                    text.push('\u{4}');
                    for piece in &glob.0 {
                        text.push(match piece {
                            Piece::Char(character) => *character,
                            Piece::One => '\u{e}',
                            Piece::Many => '\u{f}',
                            Piece::Within => '\u{10}',
                        });
                    }
                }
            }
            text.push('\n');
        }
        // Writing to a `String` cannot fail.
        _ = write!(text, "{:?}", self.formula);
        for unknown in &self.unknowns {
            text.push('\n');
            text.push_str(unknown);
        }
        text
    }

    /// Answers the question.
    #[must_use]
    pub fn decide(&self, symbols: &Symbols) -> Answer {
        let Some(formula) = &self.formula else { return Answer::Never };
        if *formula == Formula::False {
            return Answer::Never;
        }
        let mut used: Vec<usize> = Vec::new();
        collect(formula, &mut used);
        let mut choices: Vec<(usize, Vec<Choice>)> = Vec::new();
        for variable in 0..self.variables.len() {
            // Variables that no test looks at still stand in the example.
            let tested = used.contains(&variable);
            match self.choices(variable, tested, symbols) {
                Ok(found) if found.is_empty() => return Answer::Never,
                Ok(found) => choices.push((variable, found)),
                Err(why) => return Answer::GaveUp(why),
            }
        }
        // Variables with few choices first: they cut the search short.
        choices.sort_by_key(|(_, choices)| choices.len());
        let mut search = Search { formula, choices: &choices, chosen: BTreeMap::new(), steps: 0, best: None };
        search.go(0);
        if search.steps > MOST_STEPS {
            return Answer::GaveUp("there are too many combinations of condition keys".to_owned());
        }
        match search.best {
            None => Answer::Never,
            Some((certain, chosen)) => {
                let values = chosen
                    .iter()
                    .filter_map(|(variable, choice)| {
                        Some((self.variables.get(*variable)?.name.clone(), choice.text.clone()?))
                    })
                    .collect();
                Answer::Perhaps(Witness { certain, values })
            }
        }
    }

    fn choices(&self, at: usize, tested: bool, symbols: &Symbols) -> Result<Vec<Choice>, String> {
        let Some(variable) = self.variables.get(at) else { return Ok(Vec::new()) };
        let mut choices = Vec::new();
        if variable.optional {
            choices.push(Choice { text: None, answers: Answers::default() });
        }
        if variable.possible && (tested || !variable.optional) {
            if variable.tests.len() > MOST_TESTS {
                return Err(format!("more than {MOST_TESTS} conditions look at `{}`", variable.name));
            }
            let tests: Vec<&Test> = variable.tests.iter().collect();
            let found = explore(&variable.shapes, &tests, symbols)
                .map_err(|_| format!("the patterns of `{}` are too entangled", variable.name))?;
            choices.extend(found.into_iter().map(|(answers, text)| Choice { text: Some(text), answers }));
        }
        Ok(choices)
    }
}

/// The most nodes of the search.
const MOST_STEPS: usize = 200_000;

#[derive(Debug, Clone)]
struct Choice {
    text: Option<Text>,
    answers: Answers,
}

impl Choice {
    fn truth(&self, leaf: &Formula) -> Truth {
        match leaf {
            Formula::Present(_) if self.text.is_some() => Truth::True,
            Formula::Matches(_, test) if self.text.is_some() => {
                let bit = 1_u64.checked_shl(u32::try_from(*test).unwrap_or(u32::MAX)).unwrap_or(0);
                if self.answers.must & bit != 0 {
                    Truth::True
                } else if self.answers.may & bit != 0 {
                    Truth::Maybe
                } else {
                    Truth::False
                }
            }
            _ => Truth::False,
        }
    }
}

struct Search<'a> {
    formula: &'a Formula,
    choices: &'a [(usize, Vec<Choice>)],
    chosen: BTreeMap<usize, &'a Choice>,
    steps: usize,
    best: Option<(bool, BTreeMap<usize, &'a Choice>)>,
}

impl<'a> Search<'a> {
    /// Whether the search is over.
    fn go(&mut self, depth: usize) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return true;
        }
        let truth = self.formula.eval(&|leaf| match leaf {
            Formula::Present(variable) | Formula::Matches(variable, _) => {
                self.chosen.get(variable).map_or(Truth::Maybe, |choice| choice.truth(leaf))
            }
            _ => Truth::Maybe,
        });
        if truth == Truth::False {
            return false;
        }
        let choices = self.choices;
        let Some((variable, options)) = choices.get(depth) else {
            let certain = truth == Truth::True;
            if certain || self.best.is_none() {
                self.best = Some((certain, self.chosen.clone()));
            }
            return certain;
        };
        for option in options {
            self.chosen.insert(*variable, option);
            if self.go(depth + 1) {
                return true;
            }
        }
        self.chosen.remove(variable);
        false
    }
}

fn collect(formula: &Formula, into: &mut Vec<usize>) {
    match formula {
        Formula::Present(variable) | Formula::Matches(variable, _) => into.push(*variable),
        Formula::Not(inner) => collect(inner, into),
        Formula::All(parts) | Formula::Any(parts) => parts.iter().for_each(|part| collect(part, into)),
        Formula::True | Formula::False | Formula::Unknown(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::glob::Glob;
    use super::super::text::{CharSet, Symbol};
    use super::*;

    /// Two tenants' ids over `[a-z0-9-]`, of 2 to 31 characters.
    fn tenants(fixed: bool) -> (Symbols, char, char) {
        let mut symbols = Symbols::default();
        let id = |name: &str| Symbol {
            name: name.to_owned(),
            alphabet: CharSet::of(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-', false),
            length: if fixed { (12, 12) } else { (2, 31) },
            family: Some("tenants' ids".to_owned()),
            sample: name.to_owned(),
        };
        let (a, b) = (symbols.intern(id("A")).unwrap(), symbols.intern(id("B")).unwrap());
        (symbols, a, b)
    }

    fn test(patterns: &[&str]) -> Test {
        Test { globs: patterns.iter().map(|pattern| Glob::like(pattern)).collect(), any_case: false }
    }

    fn ask(symbols: &Symbols, shape: Shape, formula: impl Fn(&mut Problem, &Symbols) -> Formula) -> Answer {
        let mut problem = Problem::default();
        problem.variable("resource", || Variable {
            name: "resource".to_owned(),
            optional: false,
            possible: true,
            shapes: vec![shape],
            tests: Vec::new(),
        });
        problem.formula = Some(formula(&mut problem, symbols));
        problem.decide(symbols)
    }

    #[test]
    fn a_delimiter_keeps_tenants_apart_and_its_absence_does_not() {
        let (symbols, a, b) = tenants(false);
        let owned = Shape::starting(&format!("arn:bucket/{b}/"));
        let own =
            |pattern: String| ask(&symbols, owned.clone(), move |problem, _| problem.matches(0, test(&[&pattern])));
        assert_eq!(own(format!("arn:bucket/{a}/*")), Answer::Never);
        assert!(matches!(own(format!("arn:bucket/{a}*")), Answer::Perhaps(_)));
        assert!(matches!(own(format!("arn:bucket/*{a}/*")), Answer::Perhaps(_)));
        assert!(matches!(own("arn:bucket/shared/*".to_owned()), Answer::Perhaps(_)));
        assert!(matches!(own("arn:bucket/t-??/*".to_owned()), Answer::Perhaps(_)));
        assert_eq!(own("arn:bucket/Shared/*".to_owned()), Answer::Never);
        assert_eq!(own("arn:bucket//*".to_owned()), Answer::Never);
        assert_eq!(own("arn:bucket/?/*".to_owned()), Answer::Never);
        assert_eq!(own("arn:other/*".to_owned()), Answer::Never);
        assert!(matches!(own(format!("arn:bucket/{b}/*")), Answer::Perhaps(Witness { certain: true, .. })));
    }

    #[test]
    fn ids_of_one_length_need_no_delimiter_after_them() {
        let (symbols, a, b) = tenants(true);
        let owned = Shape::starting(&format!("arn:bucket/{b}/"));
        let pattern = format!("arn:bucket/{a}*");
        assert_eq!(ask(&symbols, owned.clone(), |problem, _| problem.matches(0, test(&[&pattern]))), Answer::Never);
        let pattern = format!("arn:bucket/*{a}/*");
        assert!(matches!(ask(&symbols, owned, |problem, _| problem.matches(0, test(&[&pattern]))), Answer::Perhaps(_)));
    }

    #[test]
    fn a_refusal_counts_only_if_it_is_certain() {
        let (symbols, a, b) = tenants(false);
        let owned = Shape::starting(&format!("arn:bucket/{b}/"));
        let allowed_but = |deny: String| {
            ask(&symbols, owned.clone(), move |problem, _| {
                let allow = problem.matches(0, test(&["arn:bucket/*"]));
                let deny = problem.matches(0, test(&[&deny])).negated();
                Formula::all([allow, deny])
            })
        };
        // Deny everything but the own prefix.
        let own = format!("arn:bucket/{a}/*");
        let not_own = ask(&symbols, owned.clone(), |problem, _| {
            let allow = problem.matches(0, test(&["arn:bucket/*"]));
            let deny = problem.matches(0, test(&[&own])).negated();
            Formula::all([allow, deny.negated()])
        });
        assert_eq!(not_own, Answer::Never);
        assert_eq!(allowed_but(format!("arn:bucket/{b}/*")), Answer::Never);
        assert!(matches!(allowed_but("arn:bucket/t-*".to_owned()), Answer::Perhaps(_)));
        assert_eq!(allowed_but("arn:*".to_owned()), Answer::Never);
    }

    #[test]
    fn free_parts_are_explored() {
        let symbols = Symbols::default();
        let not_an_id = Shape(vec![
            super::super::automaton::Part::Many(CharSet::ALL),
            super::super::automaton::Part::One(CharSet::of_text("/#")),
            super::super::automaton::Part::Many(CharSet::ALL),
        ]);
        let guarded = |deny: &'static [&'static str]| {
            ask(&symbols, not_an_id.clone(), move |problem, _| {
                let allow = problem.matches(0, test(&["??*"]));
                let deny = problem.matches(0, test(deny)).negated();
                Formula::all([allow, deny])
            })
        };
        assert_eq!(guarded(&["*/*", "*#*"]), Answer::Never);
        let Answer::Perhaps(witness) = guarded(&["*/*"]) else { panic!("`#` is left") };
        assert!(witness.certain && witness.values["resource"].contains('#'), "{witness:?}");
    }
}
