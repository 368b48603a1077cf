//! One request and the policies that bear on it, as a formula: is it allowed?
//!
//! The order of evaluation is AWS's:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>. Where AWS's pages leave
//! something open, the formula says so, and the engine takes the reading that widens access.

use std::collections::BTreeMap;

use super::automaton::{Shape, Test};
use super::formula::{Formula, Problem, Variable};
use super::glob::{Glob, Part, Piece, parts};
use super::policy::{Condition, Document, Effect, Only, Operator, Principal, Quantifier, Statement};
use super::text::{CharSet, Symbol, Symbols, Text};
use crate::cfn::catalogue::Catalogue;

/// What is known about a condition key of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It is not there.
    Absent,
    /// It is this text.
    Is(Text),
    /// It is of one of these shapes, and may be missing if `optional`.
    Among {
        /// Whether it may be missing.
        optional: bool,
        /// The shapes.
        shapes: Vec<Shape>,
    },
    /// It has many values: one of these shapes, and any others.
    Including(Vec<Shape>),
    /// It has these values and no other.
    Exactly(Vec<Text>),
}

impl Known {
    /// Anything, or nothing.
    #[must_use]
    pub fn free() -> Self {
        Self::Among { optional: true, shapes: vec![Shape::any()] }
    }

    /// One of these texts.
    #[must_use]
    pub fn one_of(texts: &[&str]) -> Self {
        Self::Among { optional: false, shapes: texts.iter().map(|text| Shape::text(text)).collect() }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A principal of the resource's own account.
    Own,
    /// A principal of another account whose policies are known.
    Other,
    /// A principal of an account whose policies somebody else writes.
    Foreign,
    /// A service, for somebody.
    Service,
    /// Nobody that AWS knows.
    Anonymous,
}

/// The policies that bear on a request.
#[derive(Debug, Clone, Default)]
pub struct Layers<'a> {
    /// Of the principal.
    pub identity: Vec<&'a Document>,
    /// The principal's boundary; a request must be allowed by it as well.
    pub boundary: Option<Vec<&'a Document>>,
    /// Of the resource: its policy, a key's policy, a role's trust.
    pub resource: Vec<&'a Document>,
    /// The organization's, at the principal's account.
    pub scps: Vec<&'a Document>,
    /// The organization's, at the resource's account, for the services that have them.
    pub rcps: Vec<&'a Document>,
}

/// A request of which parts are free.
#[derive(Clone)]
pub struct Asked<'a> {
    /// Who asks.
    pub standing: Standing,
    /// The service's name, if a service asks.
    pub service: Option<&'a str>,
    /// The account of the principal, if it has one.
    pub account: Option<&'a str>,
    /// Whether an identity policy is not enough even in the same account: keys and trust policies.
    pub resource_decides: bool,
    /// What the resource's ARN looks like.
    pub resource: &'a [Shape],
    /// What is known of condition keys, by name in lower case.
    pub keys: &'a BTreeMap<String, Known>,
    /// Whether the action carries a key that is not in `keys`.
    pub carries: &'a dyn Fn(&str) -> bool,
    /// Whether the action is one of those that the statement means.
    pub means: &'a dyn Fn(&Statement) -> bool,
}

/// Builds the formula that the request is allowed.
#[must_use]
pub fn allowed(asked: &Asked<'_>, layers: &Layers<'_>, symbols: &mut Symbols) -> Problem {
    let mut builder = Builder::new(asked, layers, symbols);
    let formula = builder.decision(layers);
    builder.problem.formula = Some(formula);
    builder.problem
}

/// Builds the formula that one of the documents refuses the request, or with `Effect::Allow` grants it.
#[must_use]
pub fn applies(asked: &Asked<'_>, documents: &[&Document], effect: Effect, symbols: &mut Symbols) -> Problem {
    let layers = Layers { scps: documents.to_vec(), ..Layers::default() };
    let mut builder = Builder::new(asked, &layers, symbols);
    let formula = Formula::any(documents.iter().flat_map(|document| {
        let (builder, document) = (&mut builder, *document);
        document
            .statements
            .iter()
            .filter(|statement| statement.effect == effect)
            .map(|statement| builder.statement(statement, document.variables))
            .collect::<Vec<_>>()
    }));
    builder.problem.formula = Some(formula);
    builder.problem
}

/// How a statement names the caller.
struct Named {
    /// By role, session, user, service, or with everybody.
    direct: Formula,
    /// By account: then the account's own policies decide.
    through_account: Formula,
}

struct Builder<'a, 'b> {
    problem: Problem,
    asked: &'a Asked<'b>,
    symbols: &'a mut Symbols,
    /// How many values of a key the quantifiers can tell apart.
    slots: BTreeMap<String, usize>,
}

impl<'a, 'b> Builder<'a, 'b> {
    fn new(asked: &'a Asked<'b>, layers: &Layers<'_>, symbols: &'a mut Symbols) -> Self {
        let mut builder = Self { problem: Problem::default(), asked, symbols, slots: BTreeMap::new() };
        builder.count_values(layers);
        builder.problem.variable("resource", || Variable {
            name: "resource".to_owned(),
            optional: false,
            possible: true,
            shapes: asked.resource.to_vec(),
            tests: Vec::new(),
        });
        builder
    }

    /// Each quantifier needs at most one value as its witness, so a key needs as many values as quantifiers look at it.
    fn count_values(&mut self, layers: &Layers<'_>) {
        let all = layers
            .identity
            .iter()
            .chain(layers.boundary.iter().flatten())
            .chain(&layers.resource)
            .chain(&layers.scps)
            .chain(&layers.rcps);
        for statement in all.flat_map(|document| &document.statements) {
            if !(self.asked.means)(statement) {
                continue;
            }
            for condition in statement.conditions.iter().filter(|condition| condition.quantifier.is_some()) {
                *self.slots.entry(condition.key.to_ascii_lowercase()).or_insert(0) += 1;
            }
        }
    }

    fn decision(&mut self, layers: &Layers<'_>) -> Formula {
        let standing = self.asked.standing;
        let identity = match standing {
            Standing::Foreign => Formula::True,
            Standing::Service | Standing::Anonymous => Formula::False,
            Standing::Own | Standing::Other => self.grants(&layers.identity),
        };
        let (direct, through_account) = self.resource_grants(&layers.resource);
        let boundary = match &layers.boundary {
            Some(documents) => self.grants(documents),
            None => Formula::True,
        };
        let granted = match standing {
            // A grant to a role is cut by its boundary; one to everybody or to a session is not. The wider reading is
            // taken for all: a boundary cuts only what identity policies grant.
            Standing::Own if self.asked.resource_decides => {
                Formula::any([direct, Formula::all([through_account, identity, boundary])])
            }
            Standing::Own => Formula::any([direct, Formula::all([identity, boundary])]),
            Standing::Other | Standing::Foreign => {
                Formula::all([identity, boundary, Formula::any([direct, through_account])])
            }
            Standing::Service | Standing::Anonymous => direct,
        };
        if granted == Formula::False {
            return Formula::False;
        }
        let mut refusals = Vec::new();
        for document in layers.identity.iter().chain(layers.boundary.iter().flatten()).chain(&layers.scps) {
            if standing != Standing::Foreign {
                refusals.extend(self.refuses(document));
            }
        }
        for document in layers.resource.iter().chain(&layers.rcps) {
            refusals.extend(self.refuses(document));
        }
        let mut parts = vec![granted];
        parts.extend(refusals.into_iter().map(Formula::negated));
        // Where service control policies allow a list, one of them must allow this. At which level each stands is not
        // known; that every level must is left out, which only widens access.
        let allowing =
            |document: &&&Document| document.statements.iter().any(|statement| statement.effect == Effect::Allow);
        let lists: Vec<&Document> = layers.scps.iter().filter(allowing).copied().collect();
        if !lists.is_empty() && standing != Standing::Foreign {
            let allows = self.grants(&lists);
            parts.push(allows);
        }
        Formula::all(parts)
    }

    fn grants(&mut self, documents: &[&Document]) -> Formula {
        let mut grants = Vec::new();
        for document in documents {
            for statement in document.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
                grants.push(self.statement(statement, document.variables));
            }
        }
        Formula::any(grants)
    }

    fn resource_grants(&mut self, documents: &[&Document]) -> (Formula, Formula) {
        let (mut direct, mut through_account) = (Vec::new(), Vec::new());
        for document in documents {
            for statement in document.statements.iter().filter(|statement| statement.effect == Effect::Allow) {
                if !(self.asked.means)(statement) {
                    continue;
                }
                let named = self.named(statement);
                if named.direct == Formula::False && named.through_account == Formula::False {
                    continue;
                }
                let rest = self.body(statement, document.variables);
                direct.push(Formula::all([named.direct, rest.clone()]));
                through_account.push(Formula::all([named.through_account, rest]));
            }
        }
        (Formula::any(direct), Formula::any(through_account))
    }

    fn refuses(&mut self, document: &Document) -> Vec<Formula> {
        let refusing = document.statements.iter().filter(|statement| statement.effect == Effect::Deny);
        refusing
            .map(|statement| self.statement(statement, document.variables))
            .filter(|refusal| *refusal != Formula::False)
            .collect()
    }

    /// The whole statement matches the request.
    fn statement(&mut self, statement: &Statement, variables: bool) -> Formula {
        if !(self.asked.means)(statement) {
            return Formula::False;
        }
        let named = self.named(statement);
        let named = Formula::any([named.direct, named.through_account]);
        if named == Formula::False {
            return Formula::False;
        }
        let body = self.body(statement, variables);
        Formula::all([named, body])
    }

    /// Resource and conditions match.
    fn body(&mut self, statement: &Statement, variables: bool) -> Formula {
        let resource = match &statement.resources {
            None => Formula::True,
            Some(resources) => self.resource(resources, statement.effect, variables),
        };
        if resource == Formula::False {
            return Formula::False;
        }
        let mut parts = vec![resource];
        for condition in &statement.conditions {
            let part = self.condition(condition, variables, statement.effect);
            if part == Formula::False {
                return Formula::False;
            }
            parts.push(part);
        }
        Formula::all(parts)
    }

    fn named(&mut self, statement: &Statement) -> Named {
        let none = || Named { direct: Formula::False, through_account: Formula::False };
        let Some(principals) = &statement.principals else {
            return Named { direct: Formula::True, through_account: Formula::False };
        };
        if principals.negated {
            let unknown = self.problem.unknown(format!(
                "`NotPrincipal` at {} means everybody whom it does not list in every form",
                statement.place
            ));
            return Named { direct: unknown, through_account: Formula::False };
        }
        let mut named = none();
        for principal in &principals.values {
            let one = self.principal(principal, statement.effect);
            named.direct = Formula::any([named.direct, one.direct]);
            named.through_account = Formula::any([named.through_account, one.through_account]);
        }
        named
    }

    fn principal(&mut self, principal: &Principal, effect: Effect) -> Named {
        let direct = |formula| Named { direct: formula, through_account: Formula::False };
        match (principal, self.asked.standing) {
            (Principal::Everyone, _) => direct(Formula::True),
            (Principal::Service(name), Standing::Service) => {
                direct(if self.asked.service == Some(name.as_str()) { Formula::True } else { Formula::False })
            }
            (Principal::Aws(text), Standing::Own | Standing::Other | Standing::Foreign) => self.aws(text, effect),
            // A canonical user is an account under another name, which no template tells.
            (Principal::Canonical(_), Standing::Foreign) if effect == Effect::Allow => direct(Formula::True),
            (Principal::Canonical(_), Standing::Own | Standing::Other | Standing::Foreign) => {
                direct(self.problem.unknown("whose a canonical user id is"))
            }
            (Principal::Federated(name), Standing::Foreign) => {
                let unknown = self.problem.unknown(format!(
                    "`{}` vouches for its own users; what their tokens hold is not in any policy",
                    self.symbols.show(name)
                ));
                direct(unknown)
            }
            _ => direct(Formula::False),
        }
    }

    fn aws(&mut self, text: &str, effect: Effect) -> Named {
        let account = match arn(text) {
            Some(fields) if fields.service == "iam" && fields.rest == "root" => Some(fields.account),
            Some(_) => None,
            None => Some(text.to_owned()),
        };
        if let Some(account) = account {
            // An account is a number. The unique id of a role or user has letters, and no template tells whose it is.
            let lettered = |character: char| match self.symbols.get(character) {
                Some(symbol) => ('A'..='Z').any(|letter| symbol.alphabet.contains(letter)),
                None => character.is_ascii_alphabetic(),
            };
            let direct = if account.chars().any(lettered) {
                self.problem.unknown(format!("whose the id `{}` is", self.symbols.show(&account)))
            } else {
                Formula::False
            };
            let Some(own) = self.asked.account else {
                return Named { direct: Formula::False, through_account: Formula::False };
            };
            let through_account = self.compare(&account, own);
            return Named { direct, through_account };
        }
        let variable = self.key_variable("aws:principalarn", 0);
        let session = session_to_role(text);
        let globs = match &session {
            None => vec![Glob::literal(text)],
            // A session's ARN has its role's name and not the role's path.
            Some((head, role)) => {
                vec![Glob::like(&format!("{head}:role/{role}")), Glob::like(&format!("{head}:role/*/{role}"))]
            }
        };
        let direct = self.problem.matches_at_a_glance(variable, Test { globs, any_case: false }, self.symbols);
        // One session of the role is named: whatever grants to it may be meant, and what refuses it spares the others.
        let direct = if session.is_some() && effect == Effect::Deny {
            let open = self.problem.unknown("which session of the role asks");
            Formula::all([direct, open])
        } else {
            direct
        };
        Named { direct, through_account: Formula::False }
    }

    /// Two texts of which parts may be symbols are the same.
    fn compare(&mut self, one: &str, other: &str) -> Formula {
        let name = format!("={other}");
        let variable = self.problem.variable(&name, || Variable {
            name: name.clone(),
            optional: false,
            possible: true,
            shapes: vec![Shape::text(other)],
            tests: Vec::new(),
        });
        if one == other {
            return Formula::True;
        }
        self.problem.matches_at_a_glance(
            variable,
            Test { globs: vec![Glob::literal(one)], any_case: false },
            self.symbols,
        )
    }

    fn resource(&mut self, resources: &Only<Text>, effect: Effect, variables: bool) -> Formula {
        let (mut wide, mut narrow) = (Vec::new(), Vec::new());
        let (mut unknown, mut early) = (false, false);
        for text in &resources.values {
            match self.glob(text, true, variables) {
                Substituted::Glob(glob) => {
                    narrow.push(within_segments(&glob));
                    wide.push(glob);
                }
                Substituted::Early(glob) => {
                    narrow.push(within_segments(&glob));
                    wide.push(glob);
                    unknown |= effect == Effect::Deny;
                    early = true;
                }
                // AWS: the pattern matches nothing. The simulator: the statement does not apply. A refusal counts in
                // neither way.
                Substituted::Missing => unknown |= effect == Effect::Deny,
                Substituted::Unclear => {
                    wide.push(Glob(vec![Piece::Many]));
                    unknown = true;
                }
            }
        }
        let differ = narrow != wide;
        let wide = self.problem.matches_at_a_glance(0, Test { globs: wide, any_case: false }, self.symbols);
        // Whether a star in the middle of a segment runs over colons is told in two ways. A refusal counts only if it
        // holds in both.
        let matched = if differ && (effect == Effect::Deny) != resources.negated {
            let narrow = self.problem.matches_at_a_glance(0, Test { globs: narrow, any_case: false }, self.symbols);
            let open = self.problem.unknown("whether `*` within a segment of an ARN runs over colons");
            Formula::any([narrow, Formula::all([wide, open])])
        } else {
            wide
        };
        let matched = if resources.negated { matched.negated() } else { matched };
        if unknown && effect == Effect::Deny {
            let open = self.problem.unknown("what a variable without a value does");
            return Formula::all([matched, open]);
        }
        if early && resources.negated && effect == Effect::Allow {
            let open = self.problem.unknown("whether a variable before the fifth colon of an ARN is one");
            return Formula::any([matched, open]);
        }
        matched
    }

    fn condition(&mut self, condition: &Condition, variables: bool, effect: Effect) -> Formula {
        let key = condition.key.to_ascii_lowercase();
        let (like, any_case, negated) = match &condition.operator {
            Operator::Equals { negated, any_case } => (false, *any_case, *negated),
            Operator::Like { negated } | Operator::Arn { negated } => (true, false, *negated),
            Operator::Bool => (false, true, false),
            Operator::Null => return self.null(condition, &key),
            Operator::Other(name) => {
                let open = self.problem.unknown(format!("`{name}` at {} is not decided", condition.place));
                let there = self.any_present(&key);
                return match (condition.if_exists, self.asked.keys.get(&key)) {
                    (false, Some(Known::Absent)) if !name.contains("not") => Formula::False,
                    _ => Formula::any([
                        Formula::all([there.clone(), open.clone()]),
                        Formula::all([there.negated(), open]),
                    ]),
                };
            }
        };
        let mut globs = Vec::new();
        let (mut missing, mut unclear) = (false, false);
        for value in &condition.values {
            match self.glob(value, like, variables) {
                Substituted::Glob(glob) => globs.push(glob),
                Substituted::Early(glob) => {
                    globs.push(glob);
                    missing |= effect == Effect::Deny || negated;
                }
                Substituted::Missing => missing = true,
                Substituted::Unclear => unclear = true,
            }
        }
        let slots = self.slots_of(&key);
        let variables_of_key: Vec<usize> = (0..slots).map(|slot| self.key_variable(&key, slot)).collect();
        // `ArnLike` compares the six parts one by one, so that no star runs over a colon before the sixth.
        let arn_test = matches!(condition.operator, Operator::Arn { .. })
            .then(|| Test { globs: globs.iter().map(within_segments).collect(), any_case })
            .filter(|strict| strict.globs != globs);
        let test = Test { globs, any_case };
        let folds_beyond = any_case && !matches!(condition.operator, Operator::Bool) && self.beyond_ascii(&test, &key);
        let many = condition.quantifier.is_none() && self.has_many(&key);
        let matched: Vec<Formula> = variables_of_key
            .iter()
            .map(|variable| {
                let matched = match &arn_test {
                    None => self.problem.matches_at_a_glance(*variable, test.clone(), self.symbols),
                    Some(strict) => {
                        let strict = self.problem.matches_at_a_glance(*variable, strict.clone(), self.symbols);
                        let loose = self.problem.matches_at_a_glance(*variable, test.clone(), self.symbols);
                        let open = self.problem.unknown("whether `*` in `ArnLike` runs over colons");
                        Formula::any([strict, Formula::all([loose, open])])
                    }
                };
                if unclear {
                    let there = self.problem.present(*variable);
                    let open = self.problem.unknown("what a variable with a default stands for");
                    Formula::any([matched, Formula::all([there, open])])
                } else {
                    matched
                }
            })
            .collect();
        let present: Vec<Formula> = variables_of_key.iter().map(|variable| self.problem.present(*variable)).collect();
        let some = Formula::any(present.clone());
        let holds = match condition.quantifier {
            Some(Quantifier::All) => Formula::all(present.iter().zip(matched).zip(&variables_of_key).map(
                |((present, matched), variable)| {
                    let fits = if negated { matched.negated() } else { matched };
                    // An empty text counts as no value, says AWS; as one, says the simulator.
                    let empty = self.is_empty(*variable);
                    let open = self.problem.unknown("whether an empty text is a value to `ForAllValues`");
                    Formula::any([present.clone().negated(), fits, Formula::all([empty, open])])
                },
            )),
            Some(Quantifier::Any) => Formula::any(present.iter().zip(matched).zip(&variables_of_key).map(
                |((present, matched), variable)| {
                    let fits = if negated { matched.negated() } else { matched };
                    let empty = self.is_empty(*variable);
                    let open = self.problem.unknown("whether an empty text is a value to `ForAnyValue`");
                    Formula::all([present.clone(), fits, Formula::any([empty.negated(), open])])
                },
            )),
            None if many => {
                let open = self.problem.unknown(format!(
                    "`{}` has many values, and its condition at {} no quantifier",
                    condition.key, condition.place
                ));
                if negated { Formula::any([some.clone().negated(), open]) } else { Formula::all([some.clone(), open]) }
            }
            None => {
                let one = Formula::any(matched);
                if negated { one.negated() } else { one }
            }
        };
        let holds = if folds_beyond {
            let open = self.problem.unknown("how letters beyond ASCII are compared without case");
            Formula::any([
                Formula::all([holds.clone(), open.clone()]),
                Formula::all([holds.negated(), some.clone(), open]),
            ])
        } else {
            holds
        };
        // AWS: with a variable that has no value a negated operator holds. The simulator: the statement does not apply.
        let holds = if missing && (negated || effect == Effect::Deny) {
            let open = self.problem.unknown("what a variable without a value does");
            Formula::all([holds, open])
        } else {
            holds
        };
        if condition.if_exists && condition.quantifier == Some(Quantifier::Any) {
            let open = self.problem.unknown("what `ForAnyValue` with `IfExists` says of a key that is not there");
            return Formula::any([Formula::all([some.negated(), open]), holds]);
        }
        if condition.if_exists && !negated { Formula::any([some.negated(), holds]) } else { holds }
    }

    /// The formula that a value is the empty text.
    fn is_empty(&mut self, variable: usize) -> Formula {
        let nothing = Test { globs: vec![Glob::default()], any_case: false };
        self.problem.matches_at_a_glance(variable, nothing, self.symbols)
    }

    /// Whether letters beyond ASCII may stand on either side of a comparison.
    fn beyond_ascii(&self, test: &Test, key: &str) -> bool {
        let beyond = |character: char| match self.symbols.get(character) {
            Some(symbol) => symbol.alphabet.contains('\u{e9}'),
            None => !character.is_ascii(),
        };
        let in_pattern = test.globs.iter().flat_map(|glob| &glob.0).any(|piece| match piece {
            Piece::Char(character) => beyond(*character),
            _ => false,
        });
        let in_key = match self.asked.keys.get(key) {
            Some(Known::Is(text)) => text.chars().any(beyond),
            Some(Known::Exactly(texts)) => texts.iter().any(|text| text.chars().any(beyond)),
            Some(Known::Absent) => false,
            _ => true,
        };
        in_pattern || in_key
    }

    fn null(&mut self, condition: &Condition, key: &str) -> Formula {
        let there = self.any_present(key);
        Formula::any(condition.values.iter().map(|value| match value.to_ascii_lowercase().as_str() {
            "true" => there.clone().negated(),
            "false" => there.clone(),
            _ => Formula::False,
        }))
    }

    fn any_present(&mut self, key: &str) -> Formula {
        let slots = self.slots_of(key);
        let variables: Vec<usize> = (0..slots).map(|slot| self.key_variable(key, slot)).collect();
        Formula::any(variables.into_iter().map(|variable| self.problem.present(variable)).collect::<Vec<_>>())
    }

    fn has_many(&self, key: &str) -> bool {
        match self.asked.keys.get(key) {
            Some(Known::Including(_) | Known::Exactly(_)) => true,
            Some(_) => false,
            None => MULTIVALUED.contains(&key) || Catalogue::shipped().key(key).is_some_and(|known| known.many),
        }
    }

    fn slots_of(&self, key: &str) -> usize {
        match self.asked.keys.get(key) {
            Some(Known::Including(_)) => 1 + self.slots.get(key).copied().unwrap_or(0),
            Some(Known::Exactly(texts)) => texts.len().max(1),
            Some(_) => 1,
            None if !(self.asked.carries)(key) => 1,
            None => self.slots.get(key).copied().unwrap_or(0).max(1),
        }
    }

    /// The variable of a key's value.
    fn key_variable(&mut self, key: &str, slot: usize) -> usize {
        let name = if slot == 0 { key.to_owned() } else { format!("{key}#{slot}") };
        let variable = match self.asked.keys.get(key) {
            Some(Known::Absent) => none(name),
            Some(Known::Is(text)) => one(name, Shape::text(text)),
            Some(Known::Among { optional, shapes }) => {
                Variable { name, optional: *optional, possible: true, shapes: shapes.clone(), tests: Vec::new() }
            }
            Some(Known::Including(shapes)) if slot == 0 => {
                Variable { name, optional: false, possible: true, shapes: shapes.clone(), tests: Vec::new() }
            }
            Some(Known::Exactly(texts)) => match texts.get(slot) {
                Some(text) => one(name, Shape::text(text)),
                None => none(name),
            },
            None if !(self.asked.carries)(key) => none(name),
            Some(Known::Including(_)) | None => {
                Variable { name, optional: true, possible: true, shapes: vec![Shape::any()], tests: Vec::new() }
            }
        };
        let name = variable.name.clone();
        self.problem.variable(&name, || variable)
    }

    fn glob(&mut self, text: &str, like: bool, variables: bool) -> Substituted {
        let mut glob = Glob::default();
        let mut early = false;
        for part in parts(text, variables) {
            match part {
                // A parameter that may be a wildcard is one in a pattern.
                Part::Text(text) if like && text.chars().any(|character| self.may_be_wildcard(character)) => {
                    return Substituted::Unclear;
                }
                Part::Text(text) if like => glob.push_like(&text),
                Part::Text(text) => glob.push_literal(&text),
                Part::Escaped(character) => glob.0.push(Piece::Char(character)),
                Part::Variable { key, default } => {
                    early |= colons(&glob) < 5;
                    let known = self.asked.keys.get(&key);
                    let absent = matches!(known, Some(Known::Absent)) || known.is_none() && !(self.asked.carries)(&key);
                    match (known, default) {
                        (Some(Known::Is(value)), _) => glob.push_literal(value),
                        (_, Some(default)) if absent => glob.push_literal(&default),
                        (_, None) if absent => return Substituted::Missing,
                        (Some(Known::Among { shapes, optional: false }), _) if shapes.len() == 1 => {
                            match shapes.first().and_then(Shape::exact) {
                                Some(value) => glob.push_literal(&value),
                                None => self.push_free(&key, &mut glob),
                            }
                        }
                        (_, Some(_)) => return Substituted::Unclear,
                        // It may be there with any value. If it is missing, less is granted; that a refusal then does
                        // not hold is in the symbol, which nothing must match.
                        _ => self.push_free(&key, &mut glob),
                    }
                }
            }
        }
        if early && text.starts_with("arn:") { Substituted::Early(glob) } else { Substituted::Glob(glob) }
    }

    /// Whether a symbol's declaration lists a wildcard. One that lists nothing is taken to hold none.
    fn may_be_wildcard(&self, character: char) -> bool {
        self.symbols.get(character).is_some_and(|symbol| {
            symbol.alphabet != CharSet::ALL && (symbol.alphabet.contains('*') || symbol.alphabet.contains('?'))
        })
    }

    fn push_free(&mut self, key: &str, glob: &mut Glob) {
        let symbol = self.symbols.intern(Symbol {
            name: format!("the caller's {key}"),
            alphabet: CharSet::ALL,
            length: (0, 256),
            family: None,
            sample: "chosen".to_owned(),
        });
        match symbol {
            Some(symbol) => glob.0.push(Piece::Char(symbol)),
            None => glob.0.push(Piece::Many),
        }
    }
}

/// A pattern after its variables were replaced.
enum Substituted {
    Glob(Glob),
    /// A variable stands before the fifth colon of an ARN, where AWS may take it for text.
    Early(Glob),
    /// A variable in it has no value.
    Missing,
    /// A variable in it has a value or its default.
    Unclear,
}

/// Global keys that have many values: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>.
const MULTIVALUED: &[&str] = &[
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:sourceorgpaths",
    "aws:resourceorgpaths",
    "aws:tagkeys",
    "aws:principalservicenameslist",
    "dynamodb:leadingkeys",
    "dynamodb:attributes",
    "sts:transitivetagkeys",
];

fn one(name: String, shape: Shape) -> Variable {
    Variable { name, optional: false, possible: true, shapes: vec![shape], tests: Vec::new() }
}

fn none(name: String) -> Variable {
    Variable { name, optional: true, possible: false, shapes: Vec::new(), tests: Vec::new() }
}

/// An ARN's fields.
pub(crate) struct Arn {
    /// The service.
    pub(crate) service: String,
    /// The account.
    pub(crate) account: Text,
    /// What comes after the fifth colon.
    pub(crate) rest: Text,
}

/// The fields of an ARN.
pub(crate) fn arn(text: &str) -> Option<Arn> {
    let mut fields = text.splitn(6, ':');
    if fields.next() != Some("arn") {
        return None;
    }
    fields.next()?;
    let service = fields.next()?.to_owned();
    fields.next()?;
    let account = fields.next()?.to_owned();
    Some(Arn { service, account, rest: fields.next()?.to_owned() })
}

/// The ARN of a session: its account's part as that of a role, and the role's name.
fn session_to_role(text: &str) -> Option<(Text, &str)> {
    let (head, rest) = text.split_once(":assumed-role/")?;
    Some((head.replacen(":sts:", ":iam:", 1), rest.split('/').next().unwrap_or(rest)))
}

/// How many colons stand in a pattern.
fn colons(glob: &Glob) -> usize {
    glob.0.iter().filter(|piece| **piece == Piece::Char(':')).count()
}

/// The pattern in which no star before the fifth colon runs over a colon; the rest of an ARN is free.
pub(crate) fn within_segments(glob: &Glob) -> Glob {
    let last = glob.0.len().saturating_sub(1);
    let mut colons = 0;
    Glob(
        glob.0
            .iter()
            .enumerate()
            .map(|(at, piece)| {
                colons += usize::from(*piece == Piece::Char(':'));
                if *piece == Piece::Many && at < last && colons < 5 { Piece::Within } else { *piece }
            })
            .collect(),
    )
}
