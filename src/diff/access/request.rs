//! Statements that mean one action and one caller: is there a resource and are there keys that tell two sets of them apart?

use std::collections::{BTreeMap, BTreeSet};

use super::classes::{Range, Test, moment, representatives, thousandths};
use super::compare::{Condition, FRESH, Only};
use super::opaque::Letters;
use crate::prove::formula::{Formula, Truth};
use crate::prove::glob::{Glob, Part, Piece, parts};
use crate::prove::policy::{Operator, Quantifier};
use crate::prove::question::within_segments;

/// What a statement does to the requests that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Does {
    /// It grants.
    Grants,
    /// It refuses.
    Refuses,
}

/// What a statement asks of a request beside action and caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Body {
    pub(super) effect: Does,
    pub(super) resources: Option<Only<String>>,
    /// Whether `${…}` in resources are variables.
    pub(super) variables: bool,
    pub(super) conditions: BTreeSet<Condition>,
}

/// It was not found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open;

/// What is known of keys: their value, or that they are not there.
type Fixed = BTreeMap<String, Option<String>>;

/// The most values of a key that quantifiers can tell apart before it is left open.
const MOST_SLOTS: usize = 3;
/// The most values that a policy variable is tried with.
const MOST_VALUES: usize = 24;

/// Looks for strings for which the statements `new` do more than `old`.
pub(super) fn residual(
    old: &[&Body],
    new: &[&Body],
    fixed: &Fixed,
    letters: &mut Letters,
    steps: &mut usize,
) -> Result<Option<BTreeMap<String, String>>, Open> {
    let both: Vec<&Body> = old.iter().chain(new).copied().collect();
    let (settings, mut open) = settings(&both, fixed, letters);
    let mut slots: BTreeMap<String, usize> = BTreeMap::new();
    let conditions: BTreeSet<&Condition> = both.iter().flat_map(|body| &body.conditions).collect();
    for condition in &conditions {
        if condition.quantifier.is_some() {
            *slots.entry(condition.key.clone()).or_insert(0) += 1;
        }
    }
    for count in slots.values_mut() {
        if *count > MOST_SLOTS {
            open = true;
            *count = MOST_SLOTS;
        }
    }
    for setting in settings {
        let mut builder =
            Builder { strings: Vec::new(), fixed: &setting, slots: &slots, letters, guesses: BTreeMap::new() };
        let (refused, granted) = (builder.any(old, Does::Refuses), builder.any(old, Does::Grants));
        let (refuses, grants) = (builder.any(new, Does::Refuses), builder.any(new, Does::Grants));
        let formula =
            Formula::all([refuses.negated(), Formula::any([refused, Formula::all([grants, granted.negated()])])]);
        // Conditions on one key that are guessed apart from each other may never come together.
        let doubtful = builder.guesses.values().any(|count| *count > 1);
        match builder.decide(&formula, steps) {
            Ok(None) => {}
            Ok(Some(_)) if doubtful => open = true,
            Ok(Some(mut found)) => {
                // Values of policy variables that no condition looks at make the request as well.
                for (key, value) in &setting {
                    if let Some(value) = value
                        && !found.keys().any(|name| name.split('#').next() == Some(key))
                    {
                        found.insert(key.clone(), value.clone());
                    }
                }
                return Ok(Some(found));
            }
            Err(Open) => open = true,
        }
    }
    if open { Err(Open) } else { Ok(None) }
}

/// What the keys that stand in texts as policy variables are tried with: a text that stands nowhere else, nothing, and
/// what other texts have in the same place.
fn settings(bodies: &[&Body], fixed: &Fixed, letters: &mut Letters) -> (Vec<Fixed>, bool) {
    // Texts of one string: the resource, or a key.
    let mut groups: BTreeMap<&str, Vec<(&str, bool)>> = BTreeMap::new();
    for body in bodies {
        for text in body.resources.iter().flat_map(|(_, texts)| texts) {
            groups.entry("").or_default().push((text, body.variables));
        }
        for condition in &body.conditions {
            let texts = condition.values.iter().map(|text| (text.as_str(), condition.variables));
            groups.entry(&condition.key).or_default().extend(texts);
        }
    }
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for texts in groups.values() {
        for (text, _) in texts.iter().filter(|(_, variables)| *variables) {
            for (key, before, after) in places(text) {
                let found = values.entry(key).or_default();
                for rest in texts.iter().filter_map(|(other, _)| other.strip_prefix(before.as_str())) {
                    let rest = after.map_or(Some(rest), |after| rest.split(after).next()).unwrap_or_default();
                    if !rest.is_empty() && !rest.contains(['*', '?', '$']) {
                        found.insert(rest.to_owned());
                    }
                }
            }
        }
    }
    for (key, found) in &mut values {
        for (text, _) in groups.get(key.as_str()).into_iter().flatten().filter(|(text, _)| !text.contains("${")) {
            found.insert(text.replace('*', "").replace('?', "a"));
        }
    }
    let mut base = fixed.clone();
    for key in values.keys() {
        let fresh = letters.letter(key).to_string();
        base.entry(key.clone()).or_insert(Some(fresh));
    }
    let mut settings = vec![base.clone()];
    let mut complete = true;
    for (key, found) in values.iter().filter(|(key, _)| !fixed.contains_key(*key)) {
        let mut with = |value: Option<String>| {
            let mut setting = base.clone();
            setting.insert(key.clone(), value);
            settings.push(setting);
        };
        with(None);
        complete &= found.len() <= MOST_VALUES;
        found.iter().take(MOST_VALUES).for_each(|value| with(Some(value.clone())));
    }
    // Two variables may have one value.
    if values.len() > 1 {
        let all: BTreeSet<&String> = values.values().flatten().collect();
        complete &= all.len() <= MOST_VALUES;
        let fresh = letters.letter("the same").to_string();
        let each = all.into_iter().take(MOST_VALUES).chain([&fresh]).map(Some).chain([None]);
        for value in each {
            let mut setting = base.clone();
            let free = values.keys().filter(|key| !fixed.contains_key(*key));
            setting.extend(free.map(|key| (key.clone(), value.cloned())));
            settings.push(setting);
        }
    }
    (settings, !complete)
}

/// The variables of a text: key, the text before, and the first character after.
fn places(text: &str) -> Vec<(String, String, Option<char>)> {
    let cut = parts(text, true);
    let mut before = String::new();
    let mut found = Vec::new();
    for (at, part) in cut.iter().enumerate() {
        match part {
            Part::Text(text) => before.push_str(text),
            Part::Escaped(character) => before.push(*character),
            Part::Variable { key, .. } => {
                let after = match cut.get(at + 1) {
                    Some(Part::Text(text)) => text.chars().next().filter(|letter| !"*?".contains(*letter)),
                    _ => None,
                };
                found.push((key.clone(), before.clone(), after));
                before.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    found
}

/// A string of the request.
struct Named {
    name: String,
    optional: bool,
    fixed: Option<Option<String>>,
    tests: Vec<Test>,
    /// Whether it is no string but something that nobody can look into: then it is there or not.
    guess: bool,
}

struct Builder<'a> {
    strings: Vec<Named>,
    fixed: &'a Fixed,
    slots: &'a BTreeMap<String, usize>,
    letters: &'a mut Letters,
    /// How many conditions on a key are guesses.
    guesses: BTreeMap<String, usize>,
}

/// One way that a string can be: its text, and the tests that it passes.
struct Choice {
    text: Option<String>,
    passed: Vec<bool>,
}

impl Builder<'_> {
    fn any(&mut self, bodies: &[&Body], effect: Does) -> Formula {
        let those: Vec<Formula> =
            bodies.iter().filter(|body| body.effect == effect).map(|body| self.body(body)).collect();
        Formula::any(those)
    }

    fn body(&mut self, body: &Body) -> Formula {
        let mut all = Vec::new();
        if let Some((negated, texts)) = &body.resources {
            let string = self.string("resource", false);
            let globs = texts.iter().filter_map(|text| self.glob(text, true, body.variables, true)).collect();
            let fits = self.passes(string, Test::Globs { globs, any_case: false });
            all.push(if *negated { fits.negated() } else { fits });
        }
        for condition in &body.conditions {
            all.push(self.condition(condition));
        }
        Formula::all(all)
    }

    fn string(&mut self, name: &str, optional: bool) -> usize {
        self.strings.iter().position(|known| known.name == name).unwrap_or_else(|| {
            let key = name.split('#').next().unwrap_or(name);
            let fixed = self.fixed.get(key).cloned();
            self.strings.push(Named { name: name.to_owned(), optional, fixed, tests: Vec::new(), guess: false });
            self.strings.len() - 1
        })
    }

    fn passes(&mut self, string: usize, test: Test) -> Formula {
        let Some(known) = self.strings.get_mut(string) else { return Formula::False };
        if let Test::Globs { globs, .. } = &test {
            if globs.is_empty() {
                return Formula::False;
            }
            if globs.iter().any(Glob::is_everything) {
                return self.present(string);
            }
        }
        let at = known.tests.iter().position(|other| *other == test).unwrap_or_else(|| {
            known.tests.push(test);
            known.tests.len() - 1
        });
        Formula::Matches(string, at)
    }

    fn present(&self, string: usize) -> Formula {
        match self.strings.get(string) {
            Some(known) if known.optional => Formula::Present(string),
            Some(_) => Formula::True,
            None => Formula::False,
        }
    }

    /// A condition that nobody can look into: it holds or not, wherever it stands.
    fn guess(&mut self, condition: &Condition) -> Formula {
        let name = format!("?{condition:?}");
        let string = self.string(&name, true);
        if let Some(known) = self.strings.get_mut(string)
            && !known.guess
        {
            known.guess = true;
            *self.guesses.entry(condition.key.clone()).or_insert(0) += 1;
        }
        Formula::Present(string)
    }

    fn condition(&mut self, condition: &Condition) -> Formula {
        let slots = self.slots.get(&condition.key).copied().unwrap_or(0);
        let strings: Vec<usize> = match slots {
            0 => vec![self.string(&condition.key, true)],
            many => (0..many).map(|slot| self.string(&format!("{}#{slot}", condition.key), true)).collect(),
        };
        let present: Vec<Formula> = strings.iter().map(|string| self.present(*string)).collect();
        let there = Formula::any(present.clone());
        if condition.operator == Operator::Null {
            return Formula::any(condition.values.iter().map(|value| match value.as_str() {
                "true" => there.clone().negated(),
                "false" => there.clone(),
                _ => Formula::False,
            }));
        }
        // An operator for one value on a key with many says nothing that is documented.
        if condition.quantifier.is_none() && slots > 0 {
            return self.guess(condition);
        }
        let Some((test, negated)) = self.test(condition) else { return self.guess(condition) };
        let fits: Vec<Formula> = strings
            .iter()
            .map(|string| {
                let passes = self.passes(*string, test.clone());
                if negated { passes.negated() } else { passes }
            })
            .collect();
        match condition.quantifier {
            Some(Quantifier::All) => {
                Formula::all(present.into_iter().zip(fits).map(|(there, fits)| Formula::any([there.negated(), fits])))
            }
            Some(Quantifier::Any) => {
                Formula::any(present.into_iter().zip(fits).map(|(there, fits)| Formula::all([there, fits])))
            }
            None if condition.if_exists && !negated => Formula::any(fits.into_iter().chain([there.negated()])),
            None => Formula::any(fits),
        }
    }

    /// The test that a condition makes of one value, and whether it must fail.
    fn test(&mut self, condition: &Condition) -> Option<(Test, bool)> {
        let mut globs = |like: bool, any_case: bool| Test::Globs {
            globs: condition
                .values
                .iter()
                .filter_map(|value| self.glob(value, like, condition.variables, false))
                .collect(),
            any_case,
        };
        Some(match &condition.operator {
            Operator::Equals { negated, any_case } => (globs(false, *any_case), *negated),
            Operator::Like { negated } => (globs(true, false), *negated),
            Operator::Arn { negated } => match globs(true, false) {
                Test::Globs { globs, any_case } => {
                    (Test::Globs { globs: globs.iter().map(within_segments).collect(), any_case }, *negated)
                }
                other => (other, *negated),
            },
            Operator::Bool => (globs(false, true), false),
            Operator::Null => return None,
            Operator::Other(name) => {
                let (base, negated) = match name.as_str() {
                    "numericnotequals" => ("numericequals", true),
                    "datenotequals" => ("dateequals", true),
                    "notipaddress" => ("ipaddress", true),
                    other => (other, false),
                };
                let test = if let Some(operator) = base.strip_prefix("numeric") {
                    let values: Option<Vec<i128>> = condition.values.iter().map(|value| thousandths(value)).collect();
                    Test::Compares { dates: false, operator: operator.to_owned(), values: values? }
                } else if let Some(operator) = base.strip_prefix("date") {
                    let values: Option<Vec<i128>> = condition.values.iter().map(|value| moment(value)).collect();
                    Test::Compares { dates: true, operator: operator.to_owned(), values: values? }
                } else if base == "ipaddress" {
                    let ranges: Option<Vec<Range>> = condition.values.iter().map(|value| Range::of(value)).collect();
                    Test::Address(ranges?)
                } else {
                    globs(false, false)
                };
                (test, negated)
            }
        })
    }

    /// The pattern with its variables replaced; none if one has no value. In a resource, what stands before the fifth
    /// colon of an ARN is no variable.
    fn glob(&mut self, text: &str, like: bool, variables: bool, resource: bool) -> Option<Glob> {
        let mut glob = Glob::default();
        for part in parts(text, variables) {
            match part {
                Part::Text(text) if like => glob.push_like(&text),
                Part::Text(text) => glob.push_literal(&text),
                Part::Escaped(character) => glob.0.push(Piece::Char(character)),
                Part::Variable { key, default } => {
                    let colons = glob.0.iter().filter(|piece| **piece == Piece::Char(':')).count();
                    if resource && text.starts_with("arn:") && colons < 5 {
                        let written = self.letters.letter(&format!("!{key}"));
                        glob.0.push(Piece::Char(written));
                        continue;
                    }
                    match self.fixed.get(&key).cloned().flatten().or(default) {
                        Some(value) => glob.push_literal(&value),
                        None => return None,
                    }
                }
            }
        }
        Some(glob)
    }

    /// Strings for which the formula holds.
    fn decide(&self, formula: &Formula, steps: &mut usize) -> Result<Option<BTreeMap<String, String>>, Open> {
        if *formula == Formula::False {
            return Ok(None);
        }
        let mut complete = true;
        let mut choices: Vec<(usize, Vec<Choice>)> = Vec::new();
        for (at, string) in self.strings.iter().enumerate() {
            let (found, all) = string.choices(steps);
            complete &= all;
            choices.push((at, found));
        }
        choices.sort_by_key(|(_, choices)| choices.len());
        let mut search = Search { formula, choices: &choices, chosen: vec![None; self.strings.len()], steps };
        if search.go(0)? {
            let chosen = search.chosen.iter().zip(&self.strings).filter(|(_, string)| !string.guess);
            return Ok(Some(
                chosen
                    .filter_map(|(choice, string)| {
                        Some((string.name.clone(), choice.and_then(|choice| choice.text.clone())?))
                    })
                    .collect(),
            ));
        }
        if complete { Ok(None) } else { Err(Open) }
    }
}

impl Named {
    fn choices(&self, steps: &mut usize) -> (Vec<Choice>, bool) {
        let none = || Choice { text: None, passed: Vec::new() };
        let some = |text: String| Choice {
            passed: self.tests.iter().map(|test| test.passes(&text)).collect(),
            text: Some(text),
        };
        if self.guess {
            return (vec![none(), Choice { text: Some(String::new()), passed: Vec::new() }], true);
        }
        if let Some(fixed) = &self.fixed {
            return (vec![fixed.clone().map_or_else(none, some)], true);
        }
        let tests: Vec<&Test> = self.tests.iter().collect();
        let (texts, complete) = representatives(&tests, FRESH, steps);
        let mut seen = BTreeSet::new();
        let mut choices: Vec<Choice> =
            texts.into_iter().map(some).filter(|choice| seen.insert(choice.passed.clone())).collect();
        if self.optional {
            choices.push(none());
        }
        (choices, complete)
    }
}

struct Search<'a, 'b> {
    formula: &'a Formula,
    choices: &'a [(usize, Vec<Choice>)],
    chosen: Vec<Option<&'a Choice>>,
    steps: &'b mut usize,
}

impl Search<'_, '_> {
    fn go(&mut self, depth: usize) -> Result<bool, Open> {
        *self.steps = self.steps.checked_sub(1).ok_or(Open)?;
        let truth = self.formula.eval(&|leaf| {
            let (string, test) = match leaf {
                Formula::Present(string) => (*string, None),
                Formula::Matches(string, test) => (*string, Some(*test)),
                _ => return Truth::Maybe,
            };
            let Some(choice) = self.chosen.get(string).copied().flatten() else { return Truth::Maybe };
            let holds =
                choice.text.is_some() && test.is_none_or(|test| choice.passed.get(test).copied().unwrap_or(false));
            if holds { Truth::True } else { Truth::False }
        });
        if truth == Truth::False {
            return Ok(false);
        }
        let choices = self.choices;
        let Some((string, options)) = choices.get(depth) else { return Ok(truth == Truth::True) };
        for option in options {
            if let Some(place) = self.chosen.get_mut(*string) {
                *place = Some(option);
            }
            if self.go(depth + 1)? {
                return Ok(true);
            }
        }
        if let Some(place) = self.chosen.get_mut(*string) {
            *place = None;
        }
        Ok(false)
    }
}
