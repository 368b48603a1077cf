//! Packing changed nothing: a request is denied by the statements that guardrails became exactly if it is denied by the
//! documents that are shipped.
//!
//! A statement is the union of its *atoms*: one pattern of its actions, one of its resources, and all of its conditions.
//! Atoms that both sides have need no proof. One that a single atom of the other side covers is no difference either. What
//! is left is asked of the engine: is there a request that this atom denies and no statement of the other side? Actions
//! are not taken from a list of known ones, so the answer holds for actions that AWS has not made yet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::actions::means;
use super::automaton::{MOST_TESTS, Part as Bit, Shape, Test, explore};
use super::formula::{Answer, Formula, Problem, Variable, Witness};
use super::glob::{Glob, Part, Piece, parts};
use super::policy::{Condition, Document, Effect, Only, Operator, Principal, Quantifier, Statement};
use super::proof::{Claim, Counterexample, Method, Obligation, Obstacle, Verdict};
use super::shipped::{name_of, operator, written};
use super::text::{CharSet, Symbol, Symbols};
use crate::cfn::catalogue::matches;

/// Shows that two sets of documents deny the same requests. `name` says whose they are: `basic, service control policies`.
#[must_use]
pub fn prove(name: &str, before: &[Document], after: &[Document]) -> Obligation {
    let mut bodies = Vec::new();
    let (one, other) = (Side::new(before, &mut bodies), Side::new(after, &mut bodies));
    let mut method = Method::Comparison;
    let (lost, added) = (one.without(&other), other.without(&one));
    let mut verdict = Verdict::Proved;
    if !lost.is_empty() || !added.is_empty() {
        method = Method::Symbolic;
        let directions = [(&lost, &other, Direction::Lost), (&added, &one, Direction::Added)];
        for (atoms, against, direction) in directions {
            for atom in atoms {
                match missing(atom, against, &bodies, direction) {
                    Verdict::Proved => {}
                    refuted @ Verdict::Refuted(_) => {
                        verdict = refuted;
                        break;
                    }
                    unknown @ Verdict::Unknown(_) if verdict == Verdict::Proved => verdict = unknown,
                    Verdict::Unknown(_) => {}
                }
            }
            if matches!(verdict, Verdict::Refuted(_)) {
                break;
            }
        }
    }
    if matches!(verdict, Verdict::Unknown(_)) {
        method = Method::None;
    }
    Obligation {
        id: format!("packing/{name}"),
        claim: Claim::Packing,
        principal: "everybody".to_owned(),
        actions: vec!["*".to_owned()],
        target: format!("{name}: what is denied before packing is what is denied after"),
        verdict,
        method,
        formula: None,
        needs_guardrails: true,
        cross_check: None,
    }
}

/// In which way the two sides differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Lost,
    Added,
}

/// A part of a list, or everything that the list does not have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Portion {
    This(String),
    AllBut(BTreeSet<String>),
}

/// A condition without its place.
type Plain = (Option<Quantifier>, Operator, bool, String, BTreeSet<String>);

/// What has to be equal beside actions and resources.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Body {
    effect: Effect,
    principals: BTreeSet<(bool, Principal)>,
    variables: bool,
    conditions: BTreeSet<Plain>,
}

#[derive(Debug, Clone)]
struct Atom<'a> {
    actions: Portion,
    resources: Portion,
    body: usize,
    statement: &'a Statement,
    variables: bool,
}

struct Side<'a> {
    statements: Vec<(&'a Statement, bool)>,
    atoms: BTreeMap<(Portion, Portion, usize), Atom<'a>>,
}

impl<'a> Side<'a> {
    fn new(documents: &'a [Document], bodies: &mut Vec<Body>) -> Self {
        let mut side = Self { statements: Vec::new(), atoms: BTreeMap::new() };
        for document in documents {
            for statement in &document.statements {
                side.statements.push((statement, document.variables));
                let body = body(statement, document.variables);
                let body = bodies.iter().position(|known| *known == body).unwrap_or_else(|| {
                    bodies.push(body);
                    bodies.len() - 1
                });
                let whole = Only { negated: false, values: vec!["*".to_owned()] };
                let resources = split(statement.resources.as_ref().unwrap_or(&whole), false);
                for actions in split(&statement.actions, true) {
                    for resources in &resources {
                        let atom = Atom {
                            actions: actions.clone(),
                            resources: resources.clone(),
                            body,
                            statement,
                            variables: document.variables,
                        };
                        side.atoms.entry((actions.clone(), resources.clone(), body)).or_insert(atom);
                    }
                }
            }
        }
        side
    }

    /// The atoms that the other side does not have.
    fn without(&self, other: &Self) -> Vec<Atom<'a>> {
        let lost = self.atoms.iter().filter(|(key, _)| !other.atoms.contains_key(key));
        lost.map(|(_, atom)| atom.clone()).collect()
    }
}

fn split(only: &Only<String>, any_case: bool) -> Vec<Portion> {
    let plain = |text: &String| if any_case { text.to_ascii_lowercase() } else { text.clone() };
    if only.negated {
        vec![Portion::AllBut(only.values.iter().map(plain).collect())]
    } else {
        only.values.iter().map(|text| Portion::This(plain(text))).collect()
    }
}

fn body(statement: &Statement, variables: bool) -> Body {
    let principals = statement.principals.iter();
    let principals = principals.flat_map(|only| only.values.iter().map(|value| (only.negated, value.clone())));
    let conditions: BTreeSet<Plain> = statement
        .conditions
        .iter()
        .map(|one| {
            let key = one.key.to_ascii_lowercase();
            (one.quantifier, one.operator.clone(), one.if_exists, key, one.values.iter().cloned().collect())
        })
        .collect();
    // In a policy of the organization nobody named is everybody named.
    let principals: BTreeSet<_> = principals.filter(|named| *named != (false, Principal::Everyone)).collect();
    let texts = || {
        let resources = statement.resources.iter().flat_map(|only| &only.values);
        resources.chain(statement.conditions.iter().flat_map(|one| &one.values))
    };
    // The version of a document matters only where something in it looks like a variable.
    let variables = variables && texts().any(|text| text.contains("${"));
    Body { effect: statement.effect, principals, variables, conditions }
}

/// How far a star in a segment of an ARN reaches: told in two ways, and the claim must hold in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Over,
    Within,
}

/// Whether there is a request that the atom denies and no statement of the other side.
fn missing(atom: &Atom<'_>, against: &Side<'_>, bodies: &[Body], direction: Direction) -> Verdict {
    let Some(own) = bodies.get(atom.body) else { return Verdict::Proved };
    let covered = against.atoms.values().any(|wide| {
        bodies.get(wide.body).is_some_and(|body| {
            body.effect == own.effect
                && body.variables == own.variables
                && body.principals == own.principals
                && body.conditions.is_subset(&own.conditions)
        }) && covers(&wide.actions, &atom.actions, true)
            && covers(&wide.resources, &atom.resources, false)
    });
    if covered {
        return Verdict::Proved;
    }
    if own.effect == Effect::Allow || !own.principals.is_empty() {
        return unknown(atom, "statements that allow, or that name principals, are compared word by word only");
    }
    let (words, mut complete) = words(&atom.actions, against);
    let mut open = None;
    if let Some(refuted) = tried(atom, against, &words, direction, &mut open) {
        return refuted;
    }
    // The automaton is asked last, because an example is mostly found without it.
    if !complete && let Some(words) = explored(&atom.actions, against) {
        complete = true;
        if let Some(refuted) = tried(atom, against, &words, direction, &mut open) {
            return refuted;
        }
    }
    match open {
        Some(reason) => unknown(atom, reason),
        None if complete => Verdict::Proved,
        None => unknown(atom, "the patterns of actions are too entangled"),
    }
}

fn tried(
    atom: &Atom<'_>,
    against: &Side<'_>,
    words: &[String],
    direction: Direction,
    open: &mut Option<String>,
) -> Option<Verdict> {
    for word in words {
        let rivals: Vec<(&Statement, bool)> = against
            .statements
            .iter()
            .filter(|(statement, _)| statement.effect == Effect::Deny && means(statement, word))
            .copied()
            .collect();
        if rivals.iter().any(|(statement, _)| statement.principals.as_ref().is_some_and(|only| only.negated)) {
            *open = Some("`NotPrincipal` is not decided".to_owned());
            continue;
        }
        for reading in [Reading::Over, Reading::Within] {
            match difference(atom, &rivals, reading) {
                (Answer::Never, _) => {}
                (Answer::Perhaps(witness), symbols) if witness.certain => {
                    let found = example(atom, against, word, &witness, &symbols, direction);
                    return Some(Verdict::Refuted(Box::new(found)));
                }
                (Answer::Perhaps(_), _) => *open = Some("a variable or an operator in it is not decided".to_owned()),
                (Answer::GaveUp(reason), _) => *open = Some(reason),
            }
        }
    }
    None
}

fn unknown(atom: &Atom<'_>, reason: impl Into<String>) -> Verdict {
    Verdict::Unknown(Obstacle {
        place: Some(atom.statement.place.clone()),
        reason: reason.into(),
        help: "keep the statement as it was before packing".to_owned(),
    })
}

/// Whether everything that `item` means `wide` means too, as far as one can tell from one pattern.
fn covers(wide: &Portion, item: &Portion, any_case: bool) -> bool {
    match (wide, item) {
        _ if wide == item => true,
        (Portion::This(wide), _) if wide == "*" => true,
        (Portion::This(wide), Portion::This(item)) => pattern_covers(wide, item, any_case),
        // All but these is in all but those if each of those is one of these.
        (Portion::AllBut(wide), Portion::AllBut(item)) => wide.iter().all(|excepted| {
            item.contains(excepted) || item.iter().any(|other| pattern_covers(other, excepted, any_case))
        }),
        _ => false,
    }
}

fn pattern_covers(wide: &str, item: &str, any_case: bool) -> bool {
    let Some((head, _)) = wide.split_once(['*', '?']) else { return wide == item };
    if !item.starts_with(head) || wide.contains("${") || item.contains("${") {
        return wide == item;
    }
    let readings: &[Reading] = if any_case { &[Reading::Over] } else { &[Reading::Over, Reading::Within] };
    readings.iter().all(|reading| {
        let test = Test { globs: vec![read_as(Glob::like(wide), *reading)], any_case };
        let shape = shape(&read_as(Glob::like(item), *reading));
        explore(&[shape], &[&test], &Symbols::default())
            .is_ok_and(|found| found.keys().all(|answers| answers.must & 1 == 1))
    })
}

fn shape(glob: &Glob) -> Shape {
    let no_colon = CharSet::of_text(":").complement();
    Shape(
        glob.0
            .iter()
            .map(|piece| match piece {
                Piece::Char(character) => Bit::Char(*character),
                Piece::One => Bit::One(CharSet::ALL),
                Piece::Many => Bit::Many(CharSet::ALL),
                Piece::Within => Bit::Many(no_colon),
            })
            .collect(),
    )
}

fn read_as(mut glob: Glob, reading: Reading) -> Glob {
    if reading == Reading::Over {
        return glob;
    }
    let next: Vec<Option<Piece>> = glob.0.iter().skip(1).copied().map(Some).chain([None]).collect();
    for (piece, next) in glob.0.iter_mut().zip(next) {
        if *piece == Piece::Many && !matches!(next, Some(Piece::Char(':')) | None) {
            *piece = Piece::Within;
        }
    }
    glob
}

/// Words of which one stands for each class of actions: those in one class match the same patterns. And whether every
/// class has one.
///
/// Of literals and of patterns whose only wildcard is a star at the end, which of them an action matches depends on
/// whether it is one of the literals, and if not on the longest beginning that it has; so the literals, and each
/// beginning with something fresh behind it, are all classes. Other patterns are left to the automaton.
fn words(actions: &Portion, against: &Side<'_>) -> (Vec<String>, bool) {
    let deny = || against.statements.iter().filter(|(statement, _)| statement.effect == Effect::Deny);
    let mut patterns: BTreeMap<String, &str> = BTreeMap::new();
    for pattern in deny().flat_map(|(statement, _)| &statement.actions.values) {
        patterns.entry(pattern.to_ascii_lowercase()).or_insert(pattern);
    }
    let own: Vec<&String> = match actions {
        Portion::This(own) if !own.contains(['*', '?']) => return (vec![own.clone()], true),
        Portion::This(own) => vec![own],
        Portion::AllBut(own) => own.iter().collect(),
    };
    for pattern in own {
        patterns.entry(pattern.clone()).or_insert(pattern);
    }
    patterns.entry("*".to_owned()).or_insert("*");
    let simple = |pattern: &str| {
        let wild = pattern.find(['*', '?']);
        wild.is_none_or(|at| at + 1 == pattern.len() && pattern.ends_with('*'))
    };
    // Whether two patterns can have an action in common at all.
    let head = |pattern: &str| pattern.split(['*', '?']).next().unwrap_or_default().to_owned();
    let meets = |pattern: &str| match actions {
        Portion::AllBut(_) => true,
        Portion::This(own) => {
            let (own, other) = (head(own), head(pattern));
            own.starts_with(&other) || other.starts_with(&own)
        }
    };
    patterns.retain(|pattern, _| meets(pattern));
    let own_simple = match actions {
        Portion::This(own) => simple(own),
        Portion::AllBut(_) => true,
    };
    let complete = own_simple && patterns.keys().all(|pattern| simple(pattern));
    let mut found: Vec<String> = Vec::new();
    for (lower, pattern) in &patterns {
        if !lower.contains(['*', '?']) {
            found.push((*pattern).to_owned());
            continue;
        }
        let fresh = |at: usize| fresh(&patterns, lower.get(..at).unwrap_or_default());
        let filled = |many: bool| {
            let mut word = String::new();
            for (at, character) in pattern.char_indices() {
                match character {
                    '*' if many || at + 1 == pattern.len() => word.push(fresh(at)),
                    '*' => {}
                    '?' => word.push(fresh(at)),
                    other => word.push(other),
                }
            }
            word
        };
        found.extend([filled(true), filled(false)]);
    }
    let is_meant = |word: &String| match actions {
        Portion::This(own) => matches(own, word),
        Portion::AllBut(own) => !own.iter().any(|pattern| matches(pattern, word)),
    };
    // One word of each class; the shortest reads best.
    found.sort_by_key(String::len);
    let mut classes: BTreeSet<Vec<bool>> = BTreeSet::new();
    found.retain(|word| {
        is_meant(word) && classes.insert(deny().map(|(statement, _)| means(statement, word)).collect::<Vec<_>>())
    });
    (found, complete)
}

/// A character that continues the beginning in a way that no pattern does.
fn fresh(patterns: &BTreeMap<String, &str>, head: &str) -> char {
    let taken = |character: char| {
        let longer = format!("{head}{character}");
        patterns.range(longer.clone()..).next().is_some_and(|(next, _)| next.starts_with(&longer))
    };
    ('a'..='z').rev().find(|character| !taken(*character)).unwrap_or('\u{e9}')
}

/// The most patterns of actions that the automaton is given at once: with more it would not end in time that anybody has.
const MOST_PATTERNS: usize = 60;

/// A word for each combination of statements that an action of the part can match; none if there are too many.
fn explored(actions: &Portion, against: &Side<'_>) -> Option<Vec<String>> {
    let mut tests: Vec<Test> = Vec::new();
    let mut add = |values: &mut dyn Iterator<Item = &String>| {
        let mut globs: Vec<Glob> = values.map(|pattern| Glob::like(&pattern.to_ascii_lowercase())).collect();
        globs.sort();
        globs.dedup();
        let test = Test { globs, any_case: true };
        if !tests.contains(&test) {
            tests.push(test);
        }
    };
    let shape = match actions {
        Portion::This(own) => shape(&Glob::like(own)),
        Portion::AllBut(own) => {
            add(&mut own.iter());
            Shape::any()
        }
    };
    for (statement, _) in &against.statements {
        add(&mut statement.actions.values.iter());
    }
    let patterns: usize = tests.iter().map(|test| test.globs.len()).sum();
    if tests.len() > MOST_TESTS || patterns > MOST_PATTERNS {
        return None;
    }
    let tests: Vec<&Test> = tests.iter().collect();
    explore(&[shape], &tests, &Symbols::default()).ok().map(|found| found.into_values().collect())
}

/// Asks whether the atom can hold where none of the statements does.
fn difference(atom: &Atom<'_>, rivals: &[(&Statement, bool)], reading: Reading) -> (Answer, Symbols) {
    let mut asking =
        Asking { problem: Problem::default(), symbols: Symbols::default(), slots: BTreeMap::new(), reading };
    let statements = || rivals.iter().map(|(statement, _)| *statement).chain([atom.statement]);
    for condition in statements().flat_map(|statement| &statement.conditions) {
        if condition.quantifier.is_some() {
            *asking.slots.entry(condition.key.to_ascii_lowercase()).or_insert(0) += 1;
        }
    }
    asking.variable("resource", false);
    let own = match &atom.resources {
        Portion::This(text) => Only { negated: false, values: vec![text.clone()] },
        Portion::AllBut(texts) => Only { negated: true, values: texts.iter().cloned().collect() },
    };
    let mut formula = vec![asking.resources(&own, atom.variables)];
    formula.push(asking.conditions(&atom.statement.conditions, atom.variables));
    for (statement, variables) in rivals {
        let resources = statement.resources.as_ref().map_or(Formula::True, |only| asking.resources(only, *variables));
        let conditions = asking.conditions(&statement.conditions, *variables);
        formula.push(Formula::all([resources, conditions]).negated());
    }
    asking.problem.formula = Some(Formula::all(formula));
    (asking.problem.decide(&asking.symbols), asking.symbols)
}

/// Statements of both sides over the strings of one request.
struct Asking {
    problem: Problem,
    symbols: Symbols,
    /// How many quantifiers look at a key: each needs at most one value as its witness.
    slots: BTreeMap<String, usize>,
    reading: Reading,
}

impl Asking {
    fn variable(&mut self, name: &str, optional: bool) -> usize {
        self.problem.variable(name, || Variable {
            name: name.to_owned(),
            optional,
            possible: true,
            shapes: vec![Shape::any()],
            tests: Vec::new(),
        })
    }

    fn glob(&mut self, text: &str, like: bool, variables: bool) -> Glob {
        let mut glob = Glob::default();
        for part in parts(text, variables) {
            match part {
                Part::Text(text) if like => glob.push_like(&text),
                Part::Text(text) => glob.push_literal(&text),
                Part::Escaped(character) => glob.0.push(Piece::Char(character)),
                Part::Variable { key, .. } => {
                    let symbol = self.symbols.intern(Symbol {
                        name: key,
                        alphabet: CharSet::ALL,
                        length: (0, 256),
                        family: None,
                        sample: "chosen".to_owned(),
                    });
                    glob.0.push(symbol.map_or(Piece::Many, Piece::Char));
                }
            }
        }
        glob
    }

    fn resources(&mut self, only: &Only<String>, variables: bool) -> Formula {
        let reading = self.reading;
        let globs = only.values.iter().map(|text| read_as(self.glob(text, true, variables), reading)).collect();
        let matched = self.problem.matches(0, Test { globs, any_case: false });
        if only.negated { matched.negated() } else { matched }
    }

    fn conditions(&mut self, conditions: &[Condition], variables: bool) -> Formula {
        let parts: Vec<Formula> = conditions.iter().map(|condition| self.condition(condition, variables)).collect();
        Formula::all(parts)
    }

    fn condition(&mut self, condition: &Condition, variables: bool) -> Formula {
        let key = condition.key.to_ascii_lowercase();
        let slots = self.slots.get(&key).copied().unwrap_or(1).clamp(1, 4);
        let values: Vec<usize> = (0..slots)
            .map(
                |slot| {
                    if slot == 0 { self.variable(&key, true) } else { self.variable(&format!("{key}#{slot}"), true) }
                },
            )
            .collect();
        let present: Vec<Formula> = values.iter().map(|value| self.problem.present(*value)).collect();
        let (like, any_case, negated) = match &condition.operator {
            Operator::Equals { negated, any_case } => (false, *any_case, *negated),
            Operator::Like { negated } | Operator::Arn { negated } => (true, false, *negated),
            Operator::Bool => (false, true, false),
            Operator::Null => {
                let there = Formula::any(present);
                return Formula::any(condition.values.iter().map(|value| match value.to_ascii_lowercase().as_str() {
                    "true" => there.clone().negated(),
                    "false" => there.clone(),
                    _ => Formula::False,
                }));
            }
            Operator::Other(_) => {
                return self.problem.unknown(format!("{} {key} {:?}", operator(condition), condition.values));
            }
        };
        let mut globs: Vec<Glob> = condition.values.iter().map(|value| self.glob(value, like, variables)).collect();
        if matches!(condition.operator, Operator::Arn { .. }) && self.reading == Reading::Within {
            for glob in &mut globs {
                let last = glob.0.len().saturating_sub(1);
                for (at, piece) in glob.0.iter_mut().enumerate() {
                    if *piece == Piece::Many && at < last {
                        *piece = Piece::Within;
                    }
                }
            }
        }
        globs.sort();
        let matched: Vec<Formula> = values
            .iter()
            .map(|value| self.problem.matches(*value, Test { globs: globs.clone(), any_case }))
            .map(|matched| if negated { matched.negated() } else { matched })
            .collect();
        let pairs = present.iter().cloned().zip(matched.clone());
        let holds = match condition.quantifier {
            Some(Quantifier::Any) => Formula::any(pairs.map(|(there, matched)| Formula::all([there, matched]))),
            Some(Quantifier::All) => {
                Formula::all(pairs.map(|(there, matched)| Formula::any([there.negated(), matched])))
            }
            None => matched.into_iter().next().unwrap_or(Formula::False),
        };
        if condition.if_exists && !negated { Formula::any([Formula::any(present).negated(), holds]) } else { holds }
    }
}

/// The request that is denied on one side only.
fn example(
    atom: &Atom<'_>,
    against: &Side<'_>,
    action: &str,
    witness: &Witness,
    symbols: &Symbols,
    direction: Direction,
) -> Counterexample {
    let text = |value: &str| symbols.fill(value, &|_| None);
    let resource = witness.values.get("resource").map_or_else(|| "*".to_owned(), |value| text(value));
    let mut context: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in witness.values.iter().filter(|(name, _)| *name != "resource") {
        let key = name.split('#').next().unwrap_or(name).to_owned();
        context.entry(key).or_default().push(text(value));
    }
    let carried = context.iter().map(|(key, values)| format!("`{key}` = `{}`", values.join("`, `")));
    let carried = carried.collect::<Vec<_>>().join(" and ");
    let carried = if carried.is_empty() { "no condition key".to_owned() } else { carried };
    let name = name_of(atom.statement);
    let place = &atom.statement.place;
    let (story, should_have) = match direction {
        Direction::Lost => (
            format!("is denied by `{name}` of {} and, after packing, by nothing", place.file),
            "the packed documents should deny it",
        ),
        Direction::Added => (
            format!("is denied by `{name}` in {} and, before packing, by nothing", place.file),
            "the packed documents should leave it alone",
        ),
    };
    let principal = context.get("aws:principalarn").and_then(|values| values.first());
    let principal = principal.map_or("arn:aws:iam::111111111111:role/somebody", String::as_str);
    let allowing = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let policy = |statements: serde_json::Value| json!([{"name": "policy", "policy": statements}]);
    let case = json!({
        "name": format!("packing: {action}"),
        "request": {
            "principal": principal,
            "action": action,
            "resource": {"resource": resource, "accountId": "111111111111"},
            "context": context.iter().map(|(key, values)| {
                let value = match values.as_slice() {
                    [one] => json!(one),
                    many => json!(many),
                };
                (key.clone(), value)
            }).collect::<serde_json::Map<_, _>>(),
        },
        "identityPolicies": policy(allowing),
        "serviceControlPolicies": [{
            "orgIdentifier": "the-other-side",
            "policies": policy(written(against.statements.iter().map(|(statement, _)| *statement))),
        }],
        "deniedBy": policy(written([atom.statement])),
        "expected": {"response": "Allowed"},
    });
    Counterexample {
        sentence: format!("`{action}` on `{resource}` with {carried} {story}"),
        granted_by: vec![(place.clone(), atom.statement.sid.clone())],
        should_have: should_have.to_owned(),
        case,
        only_under: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
