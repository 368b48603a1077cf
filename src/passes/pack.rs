//! Packing guardrails into as few policies as they fit in.
//!
//! A target takes a small number of policies of a limited size, and every guardrail wants statements of its own.
//! Statements that differ in their actions or resources alone become one, what a wildcard covers is dropped, and
//! groups of statements are laid into documents. Three promises:
//!
//! - The packed policies deny exactly what the statements denied before. Only `Deny` is touched; each step says why
//!   it changes nothing. The tests evaluate both sides on random requests.
//! - Nothing depends on the order in which guardrails are given.
//! - A small edit stays small. Where a group lies depends on its name and on nothing else while there is room, so
//!   an edit of one guardrail does not move its neighbours.
//!
//! Deliberately absent: inventing wildcards (they would deny actions that do not exist yet) and splitting a
//! `NotAction` (see [`pack`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cfn::Node;
use crate::cfn::policy::{Effect, Policy, Statement};
use crate::diagnostics::{Diagnostic, Origin, codes};
use crate::facts::{Facts, FactsError, Limit};
use crate::render::guardrails::Group;
use crate::render::organization::Attachment;

/// How much room there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// What one policy may measure, in characters.
    pub size: Limit,
    /// How many policies a target takes.
    pub per_target: Limit,
    /// How many of them are taken already, by the policy that allows everything.
    pub reserved: usize,
}

impl Budget {
    /// The room for service control policies.
    ///
    /// # Errors
    /// If the facts lack a limit.
    pub fn service_control(facts: &Facts) -> Result<Self, FactsError> {
        Self::of(facts, "scp_size", "scp_per_target", "scp_reserved")
    }

    /// The room for resource control policies.
    ///
    /// # Errors
    /// If the facts lack a limit.
    pub fn resource_control(facts: &Facts) -> Result<Self, FactsError> {
        Self::of(facts, "rcp_size", "rcp_per_target", "rcp_reserved")
    }

    fn of(facts: &Facts, size: &str, per_target: &str, reserved: &str) -> Result<Self, FactsError> {
        Ok(Self {
            size: facts.limit(size)?.clone(),
            per_target: facts.limit(per_target)?.clone(),
            reserved: facts.limit(reserved)?.size(),
        })
    }

    /// How many policies there is room for.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.per_target.size().saturating_sub(self.reserved)
    }
}

/// One policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Document<P> {
    /// The policy.
    pub policy: Policy<P>,
    /// The policy as JSON, for a template.
    pub content: Value,
    /// The same as text, without white space.
    pub json: String,
    /// The guardrails that have statements in it.
    pub guardrails: BTreeSet<String>,
}

impl<P> Document<P> {
    /// How large it is, in characters, as Organizations counts.
    #[must_use]
    pub fn size(&self) -> usize {
        self.json.chars().count()
    }

    /// What the organization's template says about it.
    #[must_use]
    pub fn attachment(&self) -> Attachment {
        Attachment { content: self.content.clone(), guardrails: self.guardrails.clone() }
    }
}

/// All policies of a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Packing<P> {
    /// The policies, in the order of their numbers.
    pub documents: Vec<Document<P>>,
    /// The room there was.
    pub budget: Budget,
}

impl<P> Packing<P> {
    /// How many of the target's policies are taken, the reserved ones included.
    #[must_use]
    pub fn slots_used(&self) -> usize {
        self.documents.len() + self.budget.reserved
    }

    /// In which documents, counted from 1, a guardrail has statements.
    #[must_use]
    pub fn numbers_of(&self, guardrail: &str) -> Vec<usize> {
        let holding = self.documents.iter().zip(1..).filter(|(document, _)| document.guardrails.contains(guardrail));
        holding.map(|(_, number)| number).collect()
    }
}

/// What does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TooLarge {
    /// A statement that cannot be split is larger than a policy may be.
    Statement {
        /// The guardrail it belongs to.
        guardrail: String,
        /// By how many characters.
        over: usize,
        /// The room there is.
        budget: Box<Budget>,
    },
    /// All of them together need more policies than a target takes.
    Together {
        /// The largest guardrail.
        guardrail: String,
        /// What it measures on its own.
        size: usize,
        /// By how many characters the guardrails exceed the room, at least one.
        over: usize,
        /// The room there is.
        budget: Box<Budget>,
    },
}

impl fmt::Display for TooLarge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement { guardrail, over, budget } => write!(
                formatter,
                "the guardrail `{guardrail}` is {over} characters too large: a policy may have {} characters ({}) and \
                 a list of exceptions cannot be divided",
                budget.size.value, budget.size.date
            ),
            Self::Together { guardrail, size, over, budget } => write!(
                formatter,
                "the guardrails have {over} characters too many: a target takes {} policies ({}) of {} characters ({}), \
                 {} of them are free, and the largest guardrail, `{guardrail}`, has {size} characters",
                budget.per_target.value,
                budget.per_target.date,
                budget.size.value,
                budget.size.date,
                budget.slots()
            ),
        }
    }
}

impl std::error::Error for TooLarge {}

impl TooLarge {
    /// The guardrail to make smaller.
    #[must_use]
    pub fn guardrail(&self) -> &str {
        match self {
            Self::Statement { guardrail, .. } | Self::Together { guardrail, .. } => guardrail,
        }
    }

    /// The finding to report.
    #[must_use]
    pub fn diagnostic(&self, origin: Origin) -> Diagnostic {
        let finding = Diagnostic::new(&codes::GUARDRAIL_TOO_LARGE, origin, self.to_string());
        match self {
            Self::Statement { .. } => finding.help("replace exceptions by fewer, wider patterns"),
            Self::Together { guardrail, .. } => {
                finding.help(format!("make `{guardrail}` smaller, or move guardrails to a parent of the tier"))
            }
        }
    }
}

/// Packs groups into documents.
///
/// A group that does not fit into one document is divided into its statements, and a statement with `Action` into
/// statements with a part of its actions each. A `NotAction` cannot be divided: two statements that deny all but
/// *A* and all but *B* together deny all but what is in both.
///
/// # Errors
/// If something does not fit, after statements have even lost their names.
pub fn pack<P: Clone>(groups: Vec<Group<P>>, budget: Budget) -> Result<Packing<P>, TooLarge> {
    let mut groups = groups;
    groups.retain(|group| !group.statements.is_empty());
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let mut last = None;
    for naming in [Naming::Kept, Naming::Dropped] {
        let room = Room { limit: budget.size.size(), naming };
        let units = match units(&groups, room, &budget) {
            Ok(units) => units,
            Err(error) => {
                last = Some(error);
                continue;
            }
        };
        let fitting = (0..=budget.slots()).find_map(|count| place(&units, count, room));
        if let Some(documents) = fitting.or_else(|| place_tightly(&units, budget.slots(), room)) {
            return Ok(finish(documents, budget, naming));
        }
        last = Some(together(&groups, &budget, room));
    }
    Err(last.unwrap_or_else(|| together(&groups, &budget, Room { limit: budget.size.size(), naming: Naming::Dropped })))
}

/// Whether statements keep their names. Names help whoever reads a policy and cost characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    Kept,
    Dropped,
}

#[derive(Debug, Clone, Copy)]
struct Room {
    limit: usize,
    naming: Naming,
}

impl Room {
    fn fits<P: Clone>(self, statements: &[Statement<P>]) -> bool {
        self.size(statements) <= self.limit
    }

    fn size<P: Clone>(self, statements: &[Statement<P>]) -> usize {
        text(&Policy::new(merged(statements, self.naming))).map_or(usize::MAX, |text| text.chars().count())
    }
}

/// A part of a group that stays together.
struct Unit<P> {
    guardrail: String,
    /// What its place depends on.
    key: String,
    statements: Vec<Statement<P>>,
    /// The most it adds to a document.
    most: usize,
}

fn units<P: Clone>(groups: &[Group<P>], room: Room, budget: &Budget) -> Result<Vec<Unit<P>>, TooLarge> {
    let mut units = Vec::new();
    for group in groups {
        let mut push = |key: String, statements: Vec<Statement<P>>| {
            // Joining statements makes them smaller; only the number behind a name that stands twice is new.
            let most = room.size(&statements).saturating_add(3 * statements.len());
            units.push(Unit { guardrail: group.name.clone(), key, statements, most });
        };
        if room.fits(&group.statements) {
            push(group.name.clone(), group.statements.clone());
            continue;
        }
        for (index, statement) in merged(&group.statements, room.naming).into_iter().enumerate() {
            let key = format!("{}/{}", group.name, statement.name().map_or_else(|| index.to_string(), str::to_owned));
            if room.fits(std::slice::from_ref(&statement)) {
                push(key, vec![statement]);
                continue;
            }
            let Some(parts) = divided(&statement, room) else {
                let over = room.size(std::slice::from_ref(&statement)).saturating_sub(room.limit);
                return Err(TooLarge::Statement {
                    guardrail: group.name.clone(),
                    over,
                    budget: Box::new(budget.clone()),
                });
            };
            for (number, part) in parts.into_iter().enumerate() {
                push(format!("{key}/{number}"), vec![part]);
            }
        }
    }
    Ok(units)
}

/// A statement as several, each with a part of its actions: a request matches one of the parts exactly if its
/// action matches one of all the actions. Which part an action lies in depends on the action alone, so that
/// another action does not move it.
fn divided<P: Clone>(statement: &Statement<P>, room: Room) -> Option<Vec<Statement<P>>> {
    if statement.effect() != Effect::Deny {
        return None;
    }
    let actions = statement.actions()?;
    (2..=actions.len()).find_map(|count| {
        let mut parts = vec![Vec::new(); count];
        for action in actions {
            if let Some(part) = preferred(action, count).into_iter().next().and_then(|index| parts.get_mut(index)) {
                part.push(action.clone());
            }
        }
        parts.retain(|part| !part.is_empty());
        let parts: Vec<_> = parts.into_iter().map(|part| statement.clone().with_actions(part)).collect();
        parts.iter().all(|part| room.fits(std::slice::from_ref(part))).then_some(parts)
    })
}

/// The documents in the order in which a key likes them. Another document at the end only attracts the keys that
/// like it best, and a key that leaves does not move the others (rendezvous hashing).
fn preferred(key: &str, count: usize) -> Vec<usize> {
    let mut ranked: Vec<(Vec<u8>, usize)> = (0..count)
        .map(|index| {
            let mut hasher = Sha256::new();
            hasher.update(key.as_bytes());
            hasher.update(b"/");
            hasher.update(index.to_string().as_bytes());
            (hasher.finalize().to_vec(), index)
        })
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, index)| index).collect()
}

type Filled<'a, P> = Vec<Vec<&'a Unit<P>>>;

/// Lays every unit into the document it likes best, and those for which that is full into the best one with room.
/// The latter come last, so that they never drive another unit from its home.
fn place<P: Clone>(units: &[Unit<P>], count: usize, room: Room) -> Option<Filled<'_, P>> {
    let mut documents: Filled<'_, P> = vec![Vec::new(); count];
    let mut homeless = Vec::new();
    for unit in units {
        let home = preferred(&unit.key, count).into_iter().next()?;
        match documents.get_mut(home) {
            Some(document) if takes(document, unit, room) => document.push(unit),
            _ => homeless.push(unit),
        }
    }
    for unit in homeless {
        let shelter = preferred(&unit.key, count)
            .into_iter()
            .find(|index| documents.get(*index).is_some_and(|document| takes(document, unit, room)))?;
        documents.get_mut(shelter)?.push(unit);
    }
    Some(documents)
}

/// The last resort: largest first, each into the first document with room. An edit may move everything.
fn place_tightly<P: Clone>(units: &[Unit<P>], count: usize, room: Room) -> Option<Filled<'_, P>> {
    let mut sorted: Vec<&Unit<P>> = units.iter().collect();
    sorted.sort_by(|a, b| b.most.cmp(&a.most).then_with(|| a.key.cmp(&b.key)));
    let mut documents: Filled<'_, P> = vec![Vec::new(); count];
    for unit in sorted {
        documents.iter_mut().find(|document| takes(document, unit, room))?.push(unit);
    }
    Some(documents)
}

fn takes<P: Clone>(document: &[&Unit<P>], unit: &Unit<P>, room: Room) -> bool {
    let most = document.iter().chain([&unit]).fold(0_usize, |sum, unit| sum.saturating_add(unit.most));
    if most <= room.limit {
        return true;
    }
    let statements: Vec<Statement<P>> =
        document.iter().chain([&unit]).flat_map(|unit| unit.statements.iter().cloned()).collect();
    room.fits(&statements)
}

fn finish<P: Clone>(documents: Filled<'_, P>, budget: Budget, naming: Naming) -> Packing<P> {
    let documents = documents
        .into_iter()
        .filter(|units| !units.is_empty())
        .map(|units| {
            let statements: Vec<_> = units.iter().flat_map(|unit| unit.statements.iter().cloned()).collect();
            let policy = Policy::new(merged(&statements, naming));
            let content = serde_json::to_value(&policy).unwrap_or_default();
            let guardrails = units.iter().map(|unit| unit.guardrail.clone()).collect();
            Document { policy, json: content.to_string(), content, guardrails }
        })
        .collect();
    Packing { documents, budget }
}

fn together<P: Clone>(groups: &[Group<P>], budget: &Budget, room: Room) -> TooLarge {
    let sizes = || groups.iter().map(|group| (room.size(&group.statements), group.name.as_str()));
    let (size, guardrail) = sizes().max().unwrap_or_default();
    let all: Vec<Statement<P>> = groups.iter().flat_map(|group| group.statements.iter().cloned()).collect();
    let over = room.size(&all).saturating_sub(budget.slots() * room.limit).max(1);
    TooLarge::Together { guardrail: guardrail.to_owned(), size, over, budget: Box::new(budget.clone()) }
}

fn text<T: serde::Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value).ok()
}

/// Statements with everything that can be said once said once.
///
/// A request is denied if it matches any `Deny`, and it matches one if its action, its resource and its context all
/// match. So for equal resources and conditions, `Deny A1` and `Deny A2` deny what `Deny A1 ∪ A2` denies; and for
/// equal actions and conditions the same holds of resources. Both lists at once must not be joined, because
/// `A1×R1 ∪ A2×R2` is less than `(A1∪A2)×(R1∪R2)`. `NotAction` and `NotResource` lists are compared and never
/// joined: joining them would deny less.
fn merged<P: Clone>(statements: &[Statement<P>], naming: Naming) -> Vec<Statement<P>> {
    let mut entries: Vec<Entry<P>> = statements.iter().map(Entry::new).collect();
    loop {
        let before = entries.len();
        entries = joined(entries, Entry::but_actions, Entry::join_actions);
        entries = joined(entries, Entry::but_resources, Entry::join_resources);
        if entries.len() == before {
            break;
        }
    }
    let mut keyed: Vec<(Option<String>, Entry<P>)> =
        entries.into_iter().map(|entry| (text(&entry.statement), entry)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    named(keyed.into_iter().map(|(_, entry)| entry).collect(), naming)
}

/// A statement on its way through merging, its name aside.
struct Entry<P> {
    statement: Statement<P>,
    names: BTreeSet<String>,
}

impl<P: Clone> Entry<P> {
    fn new(statement: &Statement<P>) -> Self {
        let names = statement.name().map(str::to_owned).into_iter().collect();
        Self { statement: tidy(statement.clone().unnamed()), names }
    }

    /// What has to be equal for the actions to be joined.
    fn but_actions(&self) -> Option<String> {
        let joinable = self.statement.effect() == Effect::Deny && self.statement.actions().is_some();
        if joinable { text(&self.statement.clone().with_actions(Vec::new())) } else { text(&self.statement) }
    }

    /// What has to be equal for the resources to be joined.
    fn but_resources(&self) -> Option<String> {
        let joinable = self.statement.effect() == Effect::Deny && self.statement.resources().is_some();
        if joinable { text(&self.statement.clone().with_resources(Vec::new())) } else { text(&self.statement) }
    }

    fn join_actions(&mut self, other: Self) {
        if let (Some(own), Some(more)) = (self.statement.actions(), other.statement.actions()) {
            let all = own.iter().chain(more).cloned().collect();
            self.statement = self.statement.clone().with_actions(all);
        }
        self.names.extend(other.names);
    }

    fn join_resources(&mut self, other: Self) {
        if let (Some(own), Some(more)) = (self.statement.resources(), other.statement.resources()) {
            let all = own.iter().chain(more).cloned().collect();
            self.statement = self.statement.clone().with_resources(all);
        }
        self.names.extend(other.names);
    }
}

fn joined<P: Clone>(
    entries: Vec<Entry<P>>,
    key: impl Fn(&Entry<P>) -> Option<String>,
    join: impl Fn(&mut Entry<P>, Entry<P>),
) -> Vec<Entry<P>> {
    let mut by_key: BTreeMap<String, Entry<P>> = BTreeMap::new();
    let mut alone = Vec::new();
    for entry in entries {
        match key(&entry) {
            None => alone.push(entry),
            Some(key) => match by_key.get_mut(&key) {
                Some(first) => join(first, entry),
                None => {
                    by_key.insert(key, entry);
                }
            },
        }
    }
    let tidied = |entry: Entry<P>| Entry { statement: tidy(entry.statement), names: entry.names };
    by_key.into_values().chain(alone).map(tidied).collect()
}

/// Gives names back: those of all statements that were joined. Names have to be unique within a policy.
fn named<P>(entries: Vec<Entry<P>>, naming: Naming) -> Vec<Statement<P>> {
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let mut statements = Vec::new();
    for Entry { statement, names } in entries {
        if naming == Naming::Dropped || names.is_empty() {
            statements.push(statement);
            continue;
        }
        let name = names.into_iter().collect::<Vec<_>>().join("And");
        let count = used.entry(name.clone()).or_insert(0);
        *count += 1;
        statements.push(statement.sid(if *count == 1 { name } else { format!("{name}{count}") }));
    }
    statements
}

/// A statement with its lists sorted and without what another item of the same list covers. What a list matches
/// is the union of what its items match, in `NotAction` and `NotResource` as well, so a covered item adds nothing.
fn tidy<P: Clone>(statement: Statement<P>) -> Statement<P> {
    let actions = statement.actions().or_else(|| statement.not_actions()).map(<[String]>::to_vec);
    let resources = statement.resources().or_else(|| statement.not_resources()).map(<[Node]>::to_vec);
    let mut statement = statement;
    if let Some(mut actions) = actions {
        // Of two spellings of one action the same one stays, whichever was given first.
        actions.sort();
        // IAM compares actions without regard to case.
        let folded = |action: &String| action.to_ascii_lowercase();
        statement = statement.with_actions(widest(actions, folded, |a, b| covers(a.as_bytes(), b.as_bytes())));
    }
    if let Some(resources) = resources {
        let resource = |node: &Node| match node {
            Node::Text(text) => text.to_string(),
            // What CloudFormation fills in is not read.
            other => format!("${}", text(other).unwrap_or_default()),
        };
        statement = statement.with_resources(widest(resources, resource, covers_resource));
    }
    statement
}

fn widest<T>(items: Vec<T>, key: impl Fn(&T) -> String, covers: impl Fn(&str, &str) -> bool) -> Vec<T> {
    let mut sorted: BTreeMap<String, T> = BTreeMap::new();
    for item in items {
        sorted.entry(key(&item)).or_insert(item);
    }
    let keys: Vec<String> = sorted.keys().cloned().collect();
    let wild: Vec<&String> = keys.iter().filter(|key| key.contains(['*', '?'])).collect();
    let covered = |key: &String| {
        let wider = |other: &String| covers(other, key) && !(key < other && covers(key, other));
        wild.iter().any(|other| *other != key && wider(other))
    };
    sorted.into_iter().filter(|(key, _)| !covered(key)).map(|(_, item)| item).collect()
}

/// Whether every resource that `item` matches is matched by `pattern`. Wildcards are only held against each other
/// within a segment of the ARN, which is right whether or not they may reach across segments.
fn covers_resource(pattern: &str, item: &str) -> bool {
    if pattern == "*" || pattern.starts_with('$') || item.starts_with('$') {
        return pattern == "*";
    }
    let (pattern, item): (Vec<&str>, Vec<&str>) = (pattern.splitn(6, ':').collect(), item.splitn(6, ':').collect());
    // A variable such as `${aws:PrincipalTag/TenantId}` may stand for any text, so reading it as text proves nothing.
    let readable = |segment: &str| !segment.contains('$');
    pattern.len() == item.len()
        && pattern.iter().zip(&item).all(|(pattern, item)| {
            pattern == item
                || *pattern == "*"
                || (readable(pattern) && readable(item) && covers(pattern.as_bytes(), item.as_bytes()))
        })
}

/// Whether a pattern matches everything another pattern matches, as far as can be seen by reading the other one as
/// text: a `*` takes any text, wildcards included, and a `?` takes one character or a `?`, but not a `*`.
fn covers(pattern: &[u8], item: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // The last `*`, and how far it has taken the item: only the last one ever has to take more.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = item.get(from) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(expected) if (*expected == b'?' && *character != b'*') || expected == character => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                from = taken + 1;
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|character| *character == b'*'))
}

#[cfg(test)]
pub(crate) mod tests;
