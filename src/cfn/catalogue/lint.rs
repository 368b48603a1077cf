//! What is wrong with a statement, whoever wrote it: names that do not exist, and conditions that can never be what
//! they seem, because no action of the statement carries their key.

use super::{Action, Carries, Catalogue, Expansion, amended};
use crate::cfn::policy::Effect;
use crate::diagnostics::{Code, closest, codes};

/// The actions of a statement.
#[derive(Debug, Clone, Copy)]
pub struct Patterns<'a> {
    /// Whether they stand in `NotAction`.
    pub negated: bool,
    /// The patterns. One that is not plain text, such as one with `${…}`, may stand for anything.
    pub values: &'a [&'a str],
}

/// One key of one operator.
#[derive(Debug, Clone, Copy)]
pub struct Clause<'a> {
    /// The key as written.
    pub key: &'a str,
    /// Whether the condition holds when the request does not carry the key. See [`holds_when_absent`].
    pub when_absent: bool,
    /// Whether it is asked for that the key is absent, with `Null`; then there is nothing to say against its absence.
    pub asks_absence: bool,
}

impl<'a> Clause<'a> {
    /// A clause as a policy has it: the operator and its key, and the values that are plain texts.
    #[must_use]
    pub fn new<'v>(operator: &str, key: &'a str, values: impl IntoIterator<Item = &'v str>) -> Self {
        let mut values = values.into_iter().peekable();
        let asks_presence = values.peek().is_some() && values.all(|value| value.eq_ignore_ascii_case("false"));
        let asks_absence = operator.eq_ignore_ascii_case("Null") && !asks_presence;
        Self { key, when_absent: holds_when_absent(operator) || asks_absence, asks_absence }
    }
}

/// Whether an operator other than `Null` holds when the request does not carry the key.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
#[must_use]
pub fn holds_when_absent(operator: &str) -> bool {
    let lower = operator.to_ascii_lowercase();
    let (quantifier, base) = lower.split_once(':').unwrap_or(("", &lower));
    // An empty set of values has no element that a test of any could hold for.
    base.ends_with("ifexists") || quantifier == "forallvalues" || (quantifier.is_empty() && base.contains("not"))
}

/// What is the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// The prefix of an action is of no service.
    UnknownService,
    /// No action matches.
    UnknownAction,
    /// No service has the key.
    UnknownKey,
    /// No action of the statement carries the key, so that its condition never holds.
    NeverHolds,
    /// No action of the statement carries the key, so that its condition always holds.
    AlwaysHolds,
}

/// A problem of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is the matter.
    pub trouble: Trouble,
    /// What was written: an action or a key.
    pub written: String,
    /// What may have been meant.
    pub nearest: Option<String>,
    effect: Effect,
}

impl Problem {
    /// The code of the finding.
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self.trouble {
            Trouble::UnknownService | Trouble::UnknownAction => &codes::POLICY_UNKNOWN_ACTION,
            Trouble::UnknownKey => &codes::POLICY_UNKNOWN_KEY,
            Trouble::NeverHolds | Trouble::AlwaysHolds => &codes::POLICY_KEY_NEVER_CARRIED,
        }
    }

    /// One sentence without a subject's place: that is for the caller to add.
    #[must_use]
    pub fn message(&self) -> String {
        let written = &self.written;
        match (self.trouble, self.effect) {
            (Trouble::UnknownService, _) => format!("`{written}` is of no service that IAM knows"),
            (Trouble::UnknownAction, _) => format!("`{written}` matches no action"),
            (Trouble::UnknownKey, _) => format!("`{written}` is not a condition key"),
            (Trouble::NeverHolds, Effect::Allow) => {
                format!("no action of the statement carries `{written}`, so it never grants anything")
            }
            (Trouble::NeverHolds, Effect::Deny) => {
                format!("no action of the statement carries `{written}`, so it never denies anything")
            }
            (Trouble::AlwaysHolds, _) => {
                format!("no action of the statement carries `{written}`, so the condition always holds")
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        self.nearest.as_ref().map(|near| format!("did you mean `{near}`?"))
    }
}

/// Looks at a statement. What the catalogue cannot tell is no problem.
#[must_use]
pub fn lint_statement(effect: Effect, actions: Patterns<'_>, clauses: &[Clause<'_>]) -> Vec<Problem> {
    let catalogue = Catalogue::shipped();
    let mut problems = Vec::new();
    let mut push = |trouble, written: &str, nearest: Option<String>| {
        problems.push(Problem { trouble, written: written.to_owned(), nearest, effect });
    };
    // Nothing, if the statement may be about actions that are not in the list.
    let mut about: Option<Vec<Action>> = (!actions.negated).then(Vec::new);
    let mut plain = Vec::new();
    for pattern in actions.values {
        if !is_plain(pattern) {
            about = None;
            continue;
        }
        let (prefix, name) = pattern.split_once(':').unwrap_or((pattern, ""));
        // Which actions they are counts only if there are conditions. All of a service need not be opened to be there.
        if let Some(service) = catalogue.service(prefix)
            && (clauses.is_empty() || about.is_none())
            && (name == "*" || service.matching(name).next().is_some())
        {
            plain.push(prefix);
            continue;
        }
        match catalogue.expand(pattern) {
            Expansion::All => about = None,
            Expansion::Actions(found) if found.is_empty() && !amended::knows_action(pattern) => {
                push(Trouble::UnknownAction, pattern, nearest_action(catalogue, pattern));
                about = None;
            }
            Expansion::Actions(found) => {
                if let Some(about) = &mut about {
                    about.extend(found);
                }
                plain.push(prefix);
            }
            Expansion::UnknownService if amended::knows_service(prefix) => about = None,
            Expansion::UnknownService => {
                push(Trouble::UnknownService, pattern, nearest_service(catalogue, pattern));
                about = None;
            }
        }
    }
    for clause in clauses.iter().filter(|clause| is_plain(clause.key)) {
        if !is_key(catalogue, clause.key, &plain) {
            push(Trouble::UnknownKey, clause.key, nearest_key(catalogue, clause.key, &plain));
            continue;
        }
        let Some(about) = about.as_deref() else { continue };
        let never = !about.is_empty() && about.iter().all(|action| action.carries(clause.key) == Carries::No);
        if never && !clause.asks_absence {
            let trouble = if clause.when_absent { Trouble::AlwaysHolds } else { Trouble::NeverHolds };
            push(trouble, clause.key, None);
        }
    }
    problems
}

/// Whether a text means itself: neither variables nor what stands for a part that is not known.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('$')
}

/// Whether a key exists: in the service it is named after, or in one that the statement is about.
fn is_key(catalogue: Catalogue, key: &str, services: &[&str]) -> bool {
    let Some((prefix, _)) = key.split_once(':') else { return false };
    prefix.contains(['.', '/'])
        || catalogue.key(key).is_some()
        || amended::knows_key(key)
        || amended::knows_service(prefix)
        || services.iter().any(|service| catalogue.service(service).is_some_and(|service| service.key(key).is_some()))
}

fn nearest_service(catalogue: Catalogue, pattern: &str) -> Option<String> {
    let (prefix, name) = pattern.split_once(':').unwrap_or((pattern, "*"));
    let service = closest(prefix, catalogue.services().map(super::Service::prefix))?;
    Some(format!("{service}:{name}"))
}

fn nearest_action(catalogue: Catalogue, pattern: &str) -> Option<String> {
    if let Some(permission) = amended::permission_of(pattern) {
        return Some(permission.to_owned());
    }
    let (prefix, name) = pattern.split_once(':')?;
    let service = catalogue.service(prefix)?;
    let near = closest(name, service.actions().map(Action::name))?;
    Some(format!("{}:{near}", service.prefix()))
}

fn nearest_key(catalogue: Catalogue, key: &str, services: &[&str]) -> Option<String> {
    let of_services = services.iter().filter_map(|service| catalogue.service(service));
    let named = key.split_once(':').and_then(|(prefix, _)| catalogue.service(prefix));
    let names: Vec<&str> = of_services
        .chain(named)
        .flat_map(super::Service::keys)
        .chain(catalogue.global_keys())
        .map(|key| key.name)
        .collect();
    // What comes after the slash is free, so only what is before it can be misspelt.
    if let Some((head, tail)) = key.split_once('/') {
        let heads = names.iter().filter_map(|name| Some(name.split_once("/${")?.0));
        return closest(head, heads).map(|near| format!("{near}/{tail}"));
    }
    closest(key, names).map(str::to_owned)
}
