//! Does one policy document let something through that another does not?
//!
//! A document does one of three things to a request: it refuses it, says nothing, or grants it. A change broadens access if
//! for some request it goes up on this ladder: where a refusal goes away, another policy may grant.

use std::collections::{BTreeMap, BTreeSet};

use super::classes::{Test, representatives};
use super::opaque::Letters;
use super::request::{Body, residual};
use crate::prove::glob::Glob;
use crate::prove::policy::{Document, Effect, Operator, Principal, Quantifier, Statement};
use crate::prove::question::arn;

/// What no pattern names: an end that every text can have.
pub(super) const FRESH: &str = "\u{10FFF0}";

/// A request, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The action.
    pub(super) action: String,
    /// Who asks.
    pub(super) principal: Option<String>,
    /// Strings of the request, by name: `resource`, and condition keys in lower case.
    pub(super) strings: BTreeMap<String, String>,
}

/// Whether there is a request for which the new document does more than the old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rise {
    /// There is none.
    No,
    /// It was not found out.
    Open,
    /// There is this one.
    Yes(Found),
}

/// A condition without its place, its values in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    pub(super) quantifier: Option<Quantifier>,
    pub(super) operator: Operator,
    pub(super) if_exists: bool,
    /// The key in lower case.
    pub(super) key: String,
    pub(super) values: BTreeSet<String>,
    /// Whether `${…}` in the values are variables.
    pub(super) variables: bool,
}

/// Values, or everything but them.
pub(super) type Only<T> = (bool, BTreeSet<T>);

/// A statement as a set of sets: order, repetition, and the case of actions and keys are gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Normal {
    principals: Option<Only<Principal>>,
    actions: Only<String>,
    body: Body,
}

/// The statements of a document.
pub(super) fn normal(document: &Document) -> BTreeSet<Normal> {
    document.statements.iter().map(|statement| normal_statement(statement, document.variables)).collect()
}

fn normal_statement(statement: &Statement, variables: bool) -> Normal {
    let holds_variables = |values: &BTreeSet<String>| variables && values.iter().any(|value| value.contains("${"));
    let conditions = statement.conditions.iter().map(|condition| {
        let mut values: BTreeSet<String> = condition.values.iter().cloned().collect();
        if matches!(condition.operator, Operator::Bool | Operator::Null) {
            values = values.iter().map(|value| value.to_ascii_lowercase()).collect();
        }
        Condition {
            quantifier: condition.quantifier,
            operator: condition.operator.clone(),
            if_exists: condition.if_exists,
            key: condition.key.to_ascii_lowercase(),
            variables: holds_variables(&values),
            values,
        }
    });
    let resources = statement.resources.as_ref().map(|only| {
        let values: BTreeSet<String> = only.values.iter().cloned().collect();
        let values = if values.contains("*") { BTreeSet::from(["*".to_owned()]) } else { values };
        (only.negated, values)
    });
    Normal {
        principals: statement.principals.as_ref().map(|only| {
            let everyone = only.values.contains(&Principal::Everyone);
            let values = if everyone { vec![Principal::Everyone] } else { only.values.clone() };
            (only.negated, values.into_iter().collect())
        }),
        actions: (
            statement.actions.negated,
            statement.actions.values.iter().map(|action| action.to_ascii_lowercase()).collect(),
        ),
        body: Body {
            effect: if statement.effect == Effect::Allow {
                super::request::Does::Grants
            } else {
                super::request::Does::Refuses
            },
            variables: resources.as_ref().is_some_and(|(_, values)| holds_variables(values)),
            resources,
            conditions: conditions.collect(),
        },
    }
}

impl Normal {
    /// Whether whatever the other means this one means too, as can be seen without looking into patterns.
    fn covers(&self, other: &Self) -> bool {
        fn wider<T: Ord>(wide: &Only<T>, narrow: &Only<T>) -> bool {
            match (wide.0, narrow.0) {
                (false, false) => narrow.1.is_subset(&wide.1),
                (true, true) => wide.1.is_subset(&narrow.1),
                _ => false,
            }
        }
        let all = |only: &Only<String>| !only.0 && only.1.contains("*");
        let principals = match (&self.principals, &other.principals) {
            (None, None) => true,
            (Some(wide), Some(narrow)) => wider(wide, narrow),
            _ => false,
        };
        let resources = match (&self.body.resources, &other.body.resources) {
            (None, None) => true,
            (Some(wide), Some(narrow)) => all(wide) || wider(wide, narrow),
            _ => false,
        };
        self.body.effect == other.body.effect
            && principals
            && resources
            && (all(&self.actions) || wider(&self.actions, &other.actions))
            && self.body.conditions.is_subset(&other.body.conditions)
    }

    fn grants(&self) -> bool {
        self.body.effect == super::request::Does::Grants
    }
}

/// Whether every grant of `new` is one of `old` and every refusal of `old` one of `new`, seen statement by statement.
pub(super) fn contained(old: &BTreeSet<Normal>, new: &BTreeSet<Normal>) -> bool {
    let covered = |statements: &BTreeSet<Normal>, by: &BTreeSet<Normal>, grants: bool| {
        statements
            .iter()
            .filter(|statement| statement.grants() == grants)
            .all(|statement| by.contains(statement) || by.iter().any(|other| other.covers(statement)))
    };
    covered(new, old, true) && covered(old, new, false)
}

/// Looks for a request for which `new` does more than `old`.
pub(super) fn rises(old: &BTreeSet<Normal>, new: &BTreeSet<Normal>, letters: &mut Letters) -> Rise {
    if contained(old, new) {
        return Rise::No;
    }
    let both: Vec<&Normal> = old.union(new).collect();
    let mut steps = MOST_STEPS;
    let (actions, mut complete) = actions(&both, &mut steps);
    let mut bodies: Vec<&Body> = both.iter().map(|statement| &statement.body).collect();
    bodies.sort();
    bodies.dedup();
    // Who asks is a key as well.
    let by_arn = bodies.iter().any(|body| body.conditions.iter().any(|condition| condition.key == PRINCIPAL_ARN));
    let mut callers: Vec<(Vec<bool>, Option<String>, Caller)> = callers(&both, letters)
        .into_iter()
        .map(|caller| {
            let named = both.iter().map(|statement| caller.is_named(statement.principals.as_ref())).collect();
            (named, caller.arn().filter(|_| by_arn), caller)
        })
        .collect();
    callers.sort();
    callers.dedup_by(|one, other| one.0 == other.0 && one.1 == other.1);
    let known: Vec<Place> = both
        .iter()
        .filter_map(|statement| {
            Some(Place {
                body: bodies.binary_search(&&statement.body).ok()?,
                before: old.contains(*statement),
                after: new.contains(*statement),
                grants: statement.grants(),
            })
        })
        .collect();
    let mut asked = BTreeSet::new();
    for (action, meant) in &actions {
        for (named, fixed, caller) in &callers {
            let about: Vec<&Place> = known
                .iter()
                .zip(meant.iter().zip(named))
                .filter(|(_, (meant, named))| **meant && **named)
                .map(|(place, _)| place)
                .collect();
            let of = |before: bool, grants: bool| -> BTreeSet<usize> {
                about
                    .iter()
                    .filter(|place| if before { place.before } else { place.after } && place.grants == grants)
                    .map(|place| place.body)
                    .collect()
            };
            let (granted, refused, grants, refuses) =
                (of(true, true), of(true, false), of(false, true), of(false, false));
            if grants.is_subset(&granted) && refused.is_subset(&refuses) {
                continue;
            }
            let before: Vec<usize> = granted.into_iter().chain(refused).collect();
            let after: Vec<usize> = grants.into_iter().chain(refuses).collect();
            if !asked.insert((before.clone(), after.clone(), fixed.clone())) {
                continue;
            }
            let those =
                |set: &[usize]| -> Vec<&Body> { set.iter().filter_map(|at| bodies.get(*at).copied()).collect() };
            let fixed_keys = fixed.iter().map(|arn| (PRINCIPAL_ARN.to_owned(), Some(arn.clone()))).collect();
            match residual(&those(&before), &those(&after), &fixed_keys, letters, &mut steps) {
                Ok(None) => {}
                Ok(Some(strings)) => {
                    let principal = both.iter().any(|statement| statement.principals.is_some());
                    return Rise::Yes(Found {
                        action: action.clone(),
                        principal: principal.then(|| caller.text.clone()),
                        strings,
                    });
                }
                Err(_) => complete = false,
            }
        }
    }
    if complete { Rise::No } else { Rise::Open }
}

const PRINCIPAL_ARN: &str = "aws:principalarn";

/// The most steps of all searches of one comparison together: a few tens of milliseconds.
const MOST_STEPS: usize = 50_000;

/// Where a statement stands.
struct Place {
    body: usize,
    before: bool,
    after: bool,
    grants: bool,
}

/// Actions that stand for all, each with whether the statements mean it.
fn actions(statements: &[&Normal], steps: &mut usize) -> (Vec<(String, Vec<bool>)>, bool) {
    let tests: Vec<Test> = statements
        .iter()
        .map(|statement| Test::Globs {
            globs: statement.actions.1.iter().map(|action| Glob::like(action)).collect(),
            any_case: true,
        })
        .collect();
    let mut distinct: Vec<&Test> = tests.iter().collect();
    distinct.sort();
    distinct.dedup();
    let (texts, complete) = representatives(&distinct, FRESH, steps);
    let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    for text in texts {
        let passed: BTreeMap<&Test, bool> = distinct.iter().map(|test| (*test, test.passes(&text))).collect();
        let meant: Vec<bool> = tests
            .iter()
            .zip(statements)
            .map(|(test, statement)| passed.get(test).copied().unwrap_or(false) != statement.actions.0)
            .collect();
        // A name without an end that nobody knows reads better.
        let plain = !text.contains(FRESH);
        let known = found.entry(meant).or_insert_with(|| text.clone());
        if plain && known.contains(FRESH) {
            *known = text;
        }
    }
    (found.into_iter().map(|(meant, text)| (text, meant)).collect(), complete)
}

/// An action of the catalogue that the statements mean as they mean this one, which may be made up.
pub(super) fn named_action(action: &str, old: &BTreeSet<Normal>, new: &BTreeSet<Normal>) -> String {
    let catalogue = crate::cfn::catalogue::Catalogue::shipped();
    if let Some(known) = catalogue.action(action) {
        return known.full_name();
    }
    let tests: Vec<Test> = old
        .union(new)
        .map(|statement| Test::Globs {
            globs: statement.actions.1.iter().map(|action| Glob::like(action)).collect(),
            any_case: true,
        })
        .collect();
    let wanted: Vec<bool> = tests.iter().map(|test| test.passes(action)).collect();
    let prefix = action.split(':').next().filter(|_| action.contains(':')).unwrap_or_default();
    let services: Vec<_> = match catalogue.service(prefix) {
        Some(service) => vec![service],
        None => catalogue.services().collect(),
    };
    services
        .iter()
        .flat_map(|service| service.actions())
        .map(|known| known.full_name())
        .find(|known| tests.iter().zip(&wanted).all(|(test, wanted)| test.passes(known) == *wanted))
        .unwrap_or_else(|| action.to_owned())
}

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Caller {
    kind: Kind,
    /// The ARN, the domain name of a service, or what else it is called.
    text: String,
    account: Option<String>,
    /// The role of a session.
    role: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Nobody,
    Aws,
    Service,
    Federated,
    Canonical,
}

/// The account that a principal means as a whole.
fn account(text: &str) -> Option<&str> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text);
    }
    let account = text.strip_prefix("arn:aws:iam::")?.strip_suffix(":root")?;
    (!account.contains(':')).then_some(account)
}

impl Caller {
    fn is_named(&self, principals: Option<&Only<Principal>>) -> bool {
        let Some((negated, values)) = principals else { return true };
        values.iter().any(|principal| self.is(principal)) != *negated
    }

    fn is(&self, principal: &Principal) -> bool {
        match principal {
            Principal::Everyone => true,
            Principal::Aws(text) if self.kind == Kind::Aws => match account(text) {
                Some(account) => self.account.as_deref() == Some(account),
                None => *text == self.text || self.role.as_ref() == Some(text) || self.account.as_ref() == Some(text),
            },
            Principal::Service(text) => self.kind == Kind::Service && *text == self.text,
            Principal::Federated(text) => self.kind == Kind::Federated && *text == self.text,
            Principal::Canonical(text) => self.kind == Kind::Canonical && *text == self.text,
            Principal::Aws(_) => false,
        }
    }

    /// The value of `aws:PrincipalArn`, where it is one.
    fn arn(&self) -> Option<String> {
        (self.kind == Kind::Aws && self.role.is_none() && !self.text.contains(FRESH)).then(|| self.text.clone())
    }
}

/// Callers that stand for all.
fn callers(statements: &[&Normal], letters: &mut Letters) -> Vec<Caller> {
    let one = |kind: Kind, text: &str| Caller { kind, text: text.to_owned(), account: None, role: None };
    let mut callers = BTreeSet::new();
    let member = |account: &str| Caller {
        account: Some(account.to_owned()),
        ..one(Kind::Aws, &format!("arn:aws:iam::{account}:role/{FRESH}"))
    };
    let own = letters.letter("AWS::AccountId").to_string();
    for principal in statements.iter().filter_map(|statement| statement.principals.as_ref()).flat_map(|only| &only.1) {
        callers.insert(match principal {
            Principal::Everyone => continue,
            Principal::Service(text) => one(Kind::Service, text),
            Principal::Federated(text) => one(Kind::Federated, text),
            Principal::Canonical(text) => one(Kind::Canonical, text),
            Principal::Aws(text) => match (account(text), arn(text)) {
                (Some(account), _) => member(account),
                (None, Some(fields)) => {
                    let role = fields.rest.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next());
                    let role = role.map(|name| format!("arn:aws:iam::{}:role/{name}", fields.account));
                    Caller { account: Some(fields.account), role, ..one(Kind::Aws, text) }
                }
                // The ARN of a resource of the template is of the stack's account; other references may be accounts.
                (None, None) if *text == own => member(&own),
                (None, None) => {
                    let account = letters.show(text).ends_with(".Arn}").then(|| own.clone());
                    Caller { account, ..one(Kind::Aws, text) }
                }
            },
        });
    }
    if statements.iter().all(|statement| statement.principals.is_none()) {
        return vec![one(Kind::Nobody, "")];
    }
    callers.extend([one(Kind::Nobody, "*"), one(Kind::Service, FRESH), member(FRESH)]);
    callers.into_iter().collect()
}
