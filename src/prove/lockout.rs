//! No lockout: what deploys, updates, watches and removes the emitted stacks is not denied to those whose duty it is, and
//! a guardrail of regions or services leaves what the stacks use.
//!
//! A denial counts if it *may* apply: to one of the role's possible names, to one resource of the service, in one of the
//! regions. Then a concrete request is looked for; only with one is the claim refuted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::actions::means;
use super::automaton::{Part, Shape};
use super::formula::{Answer, Problem, Witness};
use super::policy::{Condition, Document, Effect, Only, Operator, Principal, Statement};
use super::proof::{Claim, Counterexample, Method, Obligation, Obstacle, Verdict};
use super::question::{Asked, Known, Standing, applies};
use super::shipped::{name_of, written};
use super::tenancy::{Duty, Operators};
use super::text::{CharSet, Symbol, Symbols, is_symbol};
use crate::cfn::catalogue::matches;
use crate::cfn::schema::{self, Handler};

/// A template that is deployed in the accounts of a place.
#[derive(Debug, Clone, Copy)]
pub struct Stack<'a> {
    /// Its file.
    pub file: &'a str,
    /// Its text, read.
    pub body: &'a Value,
}

/// A place in the organization: the unit of a tier, or of a tier's suspended tenants.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// Its name for people, unique: `basic`, `basic, suspended`.
    pub name: &'a str,
    /// The service control policies there, those of units above it included.
    pub scps: Vec<&'a Document>,
    /// The resource control policies there.
    pub rcps: Vec<&'a Document>,
    /// The templates that are deployed there.
    pub stacks: Vec<Stack<'a>>,
}

/// What the claim is about.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The places.
    pub places: &'a [Place<'a>],
    /// Who must be able to work.
    pub operators: &'a [Operators],
    /// The organization's id.
    pub organization: Option<&'a str>,
    /// Patterns of actions that are answered from one region, whatever the caller configures: of
    /// `data/global-services.json`.
    pub global: &'a [&'a str],
    /// What the types in the templates need: of [`handlers`].
    pub handlers: &'a Handlers,
}

/// The actions of types' handlers, by purpose.
pub type Handlers = BTreeMap<String, Vec<(&'static str, Vec<String>)>>;

/// What the types in the templates of the places need, from their schemas. A type that is not in the registry needs
/// nothing that is known.
#[must_use]
pub fn handlers(places: &[Place<'_>]) -> Handlers {
    let mut handlers = Handlers::new();
    let stacks = places.iter().flat_map(|place| &place.stacks);
    let resources = stacks.filter_map(|stack| stack.body.get("Resources")?.as_object());
    for resource in resources.flat_map(|resources| resources.values()) {
        let Some(kind) = resource.get("Type").and_then(Value::as_str) else { continue };
        if handlers.contains_key(kind) {
            continue;
        }
        let facts = schema::find(kind);
        let of = |handler| facts.as_ref().map(|facts| facts.permissions(handler)).unwrap_or_default();
        let own = HANDLERS.iter().map(|(handler, purpose)| (*purpose, of(*handler))).collect();
        handlers.insert(kind.to_owned(), own);
    }
    handlers
}

/// The region from which global services answer in the commercial partition.
const HOME: &str = "us-east-1";

#[derive(Debug, Deserialize)]
struct Data {
    purposes: BTreeMap<String, Purpose>,
    request_keys: RequestKeys,
}

#[derive(Debug, Deserialize)]
struct Purpose {
    duties: Vec<Duty>,
    actions: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct RequestKeys {
    keys: BTreeMap<String, Vec<String>>,
}

/// `data/operator-actions.json`; nothing if the file is broken, which a test rules out.
fn data() -> Option<&'static Data> {
    static DATA: OnceLock<Option<Data>> = OnceLock::new();
    DATA.get_or_init(|| serde_json::from_str(include_str!("../../data/operator-actions.json")).ok()).as_ref()
}

/// What the answers rest on, in plain words.
#[must_use]
pub fn assumptions() -> Vec<String> {
    [
        "every level of the organization has the policy that allows everything, and no guardrail but those that are given",
        "service control policies bind neither the management account nor service-linked roles",
        "a handler calls what the type's schema lists, in the region of its stack or, for a global service, in us-east-1",
        "a deployment's request carries `s3:x-amz-acl`, `lambda:FunctionUrlAuthType` and their like exactly if a template \
         sets the property that they repeat",
        "a deployment writes the tag keys that its templates hold and no other",
        "operators call over TLS, and their own accounts' policies allow what they do",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Shows that nobody is locked out. One obligation for each place, duty and purpose, one for each guardrail of regions or
/// services, and one more for each denial that stands in the way.
#[must_use]
pub fn prove(inputs: &Inputs<'_>) -> Vec<Obligation> {
    let Some(data) = data() else { return Vec::new() };
    let mut prover = Prover {
        inputs,
        data,
        symbols: Symbols::default(),
        bound: BTreeMap::new(),
        exempt: Vec::new(),
        obligations: Vec::new(),
    };
    for place in inputs.places {
        prover.place(place);
    }
    prover.obligations
}

const HANDLERS: [(Handler, &str); 5] = [
    (Handler::Create, "deploy"),
    (Handler::Update, "update"),
    (Handler::Read, "update"),
    (Handler::List, "update"),
    (Handler::Delete, "off-board"),
];

/// What the templates of a place say.
#[derive(Debug, Default)]
struct Used {
    types: BTreeSet<String>,
    tags: BTreeSet<String>,
    /// Values of the properties that condition keys repeat; none stands for one that is not literal.
    values: BTreeMap<String, BTreeSet<Option<String>>>,
    /// What roles in the templates are granted.
    granted: BTreeSet<String>,
}

struct Prover<'a> {
    inputs: &'a Inputs<'a>,
    data: &'static Data,
    symbols: Symbols,
    /// The shapes of roles.
    bound: BTreeMap<Duty, Vec<(String, String)>>,
    /// Whether roles never meet a condition, by duty and the condition's values.
    exempt: Vec<(Duty, Vec<String>, bool)>,
    obligations: Vec<Obligation>,
}

/// A denial that stands in the way, and what is known about it.
struct Denial<'s> {
    document: &'s Document,
    statement: &'s Statement,
    actions: Vec<String>,
    verdict: Verdict,
}

impl<'a> Prover<'a> {
    fn place(&mut self, place: &Place<'a>) {
        let used = self.used(place);
        for duty in [Duty::Deployment, Duty::BreakGlass] {
            let operators: Vec<&Operators> = self.inputs.operators.iter().filter(|one| one.duty == duty).collect();
            if operators.is_empty() {
                continue;
            }
            let regions: BTreeSet<String> = operators.iter().flat_map(|one| one.regions.clone()).collect();
            for purpose in self.data.purposes.keys() {
                let actions = self.actions(&used, duty, purpose);
                if actions.is_empty() {
                    continue;
                }
                let mut denials = self.denials(place, &used, duty, &regions, &actions);
                // What is held against deletion binds deployments on purpose, and is left to those who break glass.
                let mut left = Vec::new();
                if duty == Duty::Deployment && !denials.is_empty() {
                    denials.retain(|denial| {
                        let deletes = denial.actions.iter().all(|action| deletes(action));
                        let others = deletes && self.break_glass_may(place, &used, &denial.actions);
                        if others {
                            left.push(name_of(denial.statement));
                        }
                        !others
                    });
                }
                let who = match duty {
                    Duty::Deployment => "the roles that deploy",
                    Duty::BreakGlass => "the roles that break glass",
                };
                let mut target = format!("{purpose}: the stacks of {}", place.name);
                if !left.is_empty() {
                    left.sort();
                    left.dedup();
                    target = format!("{target}; what `{}` holds back is for break-glass roles", left.join("`, `"));
                }
                let duty = if duty == Duty::Deployment { "deployment" } else { "break-glass" };
                self.report(&format!("lockout/{}/{duty}/{purpose}", place.name), who, &target, actions, denials);
            }
        }
        self.guardrails(place, &used);
    }

    fn break_glass_may(&mut self, place: &Place<'a>, used: &Used, actions: &[String]) -> bool {
        let operators: Vec<&Operators> =
            self.inputs.operators.iter().filter(|one| one.duty == Duty::BreakGlass).collect();
        let regions: BTreeSet<String> = operators.iter().flat_map(|one| one.regions.clone()).collect();
        !operators.is_empty() && self.denials(place, used, Duty::BreakGlass, &regions, actions).is_empty()
    }

    fn report(&mut self, id: &str, principal: &str, target: &str, actions: Vec<String>, denials: Vec<Denial<'_>>) {
        let mut push = |id: String, actions, verdict: Verdict, method| {
            self.obligations.push(Obligation {
                id,
                claim: Claim::Lockout,
                principal: principal.to_owned(),
                actions,
                target: target.to_owned(),
                verdict,
                method,
                formula: None,
                needs_guardrails: true,
                cross_check: None,
            });
        };
        let denied: BTreeSet<&String> = denials.iter().flat_map(|denial| &denial.actions).collect();
        let open: Vec<String> = actions.into_iter().filter(|action| !denied.contains(action)).collect();
        if !open.is_empty() {
            push(id.to_owned(), open, Verdict::Proved, Method::Symbolic);
        }
        for denial in denials {
            let id = format!("{id}/{}{}", denial.document.place.file, denial.statement.place.pointer);
            push(id, denial.actions, denial.verdict, Method::Symbolic);
        }
    }

    /// What a duty's purpose needs, sorted.
    fn actions(&self, used: &Used, duty: Duty, purpose: &str) -> Vec<String> {
        let mut actions: BTreeSet<String> = BTreeSet::new();
        if let Some(listed) = self.data.purposes.get(purpose).filter(|listed| listed.duties.contains(&duty)) {
            actions.extend(listed.actions.iter().cloned());
        }
        for kind in &used.types {
            let Some(handlers) = self.inputs.handlers.get(kind) else { continue };
            let wanted = handlers.iter().filter(|(own, _)| *own == purpose);
            actions.extend(wanted.flat_map(|(_, names)| names.iter().cloned()));
        }
        actions.into_iter().collect()
    }

    fn is_global(&self, action: &str) -> bool {
        self.inputs.global.iter().any(|pattern| matches(pattern, action))
    }

    /// The denials that may keep the duty's roles from one of the actions.
    fn denials<'s>(
        &mut self,
        place: &Place<'s>,
        used: &Used,
        duty: Duty,
        regions: &BTreeSet<String>,
        actions: &[String],
    ) -> Vec<Denial<'s>> {
        let roles = self.roles(duty);
        let mut denials = Vec::new();
        for document in &place.scps {
            denials.extend(not_allowed(document, &place.scps, actions));
        }
        for document in place.scps.iter().chain(&place.rcps) {
            for statement in &document.statements {
                if !binds_aws(statement) || self.never_binds(duty, &roles, statement) {
                    continue;
                }
                if statement.effect == Effect::Allow {
                    continue;
                }
                let meant: Vec<String> = actions.iter().filter(|action| means(statement, action)).cloned().collect();
                let mut found: Vec<(Vec<String>, Verdict)> = Vec::new();
                let mut groups: BTreeMap<(String, bool), Vec<String>> = BTreeMap::new();
                for action in meant {
                    let service = action.split(':').next().unwrap_or_default().to_owned();
                    let global = self.is_global(&action);
                    groups.entry((service, global)).or_default().push(action);
                }
                for ((service, global), actions) in groups {
                    let mut open: BTreeSet<&str> = regions.iter().map(String::as_str).collect();
                    if global {
                        open.insert(HOME);
                    }
                    let keys = self.keys(&roles, &open, used);
                    let resources = resources_of(&service);
                    if self.ask(document, statement, &keys, &resources) == Answer::Never {
                        continue;
                    }
                    let action = actions.first().cloned().unwrap_or_default();
                    let verdict = self.blame(document, statement, &action, &roles, &open, used, &resources);
                    found.push((actions, verdict));
                }
                if let Some((_, verdict)) = found.iter().max_by_key(|(_, verdict)| verdict.outcome()) {
                    let verdict = verdict.clone();
                    let actions = found.into_iter().flat_map(|(actions, _)| actions).collect();
                    denials.push(Denial { document, statement, actions, verdict });
                }
            }
        }
        denials
    }

    /// The duty's roles: the pattern, and its text with symbols for what is free.
    fn roles(&mut self, duty: Duty) -> Vec<(String, String)> {
        if let Some(known) = self.bound.get(&duty) {
            return known.clone();
        }
        let patterns: BTreeSet<String> = self
            .inputs
            .operators
            .iter()
            .filter(|operators| operators.duty == duty)
            .flat_map(|operators| operators.principals.iter().cloned())
            .collect();
        let roles: Vec<(String, String)> = patterns
            .into_iter()
            .map(|pattern| {
                let text = self.role(&pattern);
                (pattern, text)
            })
            .collect();
        self.bound.insert(duty, roles.clone());
        roles
    }

    fn role(&mut self, pattern: &str) -> String {
        let mut text = String::new();
        let mut field = 0;
        for (at, character) in pattern.char_indices() {
            field += usize::from(character == ':');
            if !matches!(character, '*' | '?') {
                text.push(character);
                continue;
            }
            let (alphabet, mut length, sample) = match field {
                1 => (CharSet::of(|one| one.is_ascii_lowercase() || one == '-', false), (3, 16), "aws"),
                4 => (CharSet::digits(), (12, 12), "210000000001"),
                _ => (CharSet::names().with('/'), (0, 64), "x"),
            };
            if character == '?' {
                length = (1, 1);
            }
            let name = format!("{pattern} at {at}");
            let symbol = Symbol { name, alphabet, length, family: None, sample: sample.to_owned() };
            text.extend(self.symbols.intern(symbol));
        }
        text
    }

    /// Whether the statement has a condition on the caller's ARN that none of the roles can meet.
    fn never_binds(&mut self, duty: Duty, roles: &[(String, String)], statement: &Statement) -> bool {
        let on_caller = |one: &&Condition| one.key.eq_ignore_ascii_case("aws:PrincipalArn");
        let conditions: Vec<&Condition> = statement.conditions.iter().filter(on_caller).collect();
        conditions.into_iter().any(|condition| {
            // A role is named by a pattern, and whoever has a name of that pattern is exempt by the same one.
            let exempts = condition.operator == Operator::Arn { negated: true } && condition.quantifier.is_none();
            if exempts && roles.iter().all(|(pattern, _)| condition.values.contains(pattern)) {
                return true;
            }
            let mut memo: Vec<String> = vec![super::shipped::operator(condition)];
            memo.extend(condition.values.iter().cloned());
            if let Some((.., known)) = self.exempt.iter().find(|(of, values, _)| *of == duty && *values == memo) {
                return *known;
            }
            let only = Statement {
                conditions: vec![condition.clone()],
                actions: Only { negated: false, values: Vec::new() },
                resources: None,
                ..statement.clone()
            };
            let document = Document { place: statement.place.clone(), variables: true, statements: vec![only] };
            let texts: Vec<Shape> = roles.iter().map(|(_, text)| Shape::text(text)).collect();
            let keys =
                BTreeMap::from([("aws:principalarn".to_owned(), Known::Among { optional: false, shapes: texts })]);
            let never = match document.statements.first() {
                Some(only) => self.ask(&document, only, &keys, &[Shape::any()]) == Answer::Never,
                None => false,
            };
            self.exempt.push((duty, memo, never));
            never
        })
    }

    fn ask(
        &mut self,
        document: &Document,
        statement: &Statement,
        keys: &BTreeMap<String, Known>,
        resources: &[Shape],
    ) -> Answer {
        self.refusal(document, statement, keys, resources).decide(&self.symbols)
    }

    /// The question whether the statement may apply.
    fn refusal(
        &mut self,
        document: &Document,
        statement: &Statement,
        keys: &BTreeMap<String, Known>,
        resources: &[Shape],
    ) -> Problem {
        let asked = Asked {
            standing: Standing::Own,
            service: None,
            account: None,
            resource_decides: false,
            resource: resources,
            keys,
            carries: &carries,
            means: &|other| std::ptr::eq(other, statement),
        };
        applies(&asked, &[document], Effect::Deny, &mut self.symbols)
    }

    /// What is known of a request of one of the roles in one of the regions.
    fn keys(&mut self, roles: &[(String, String)], regions: &BTreeSet<&str>, used: &Used) -> BTreeMap<String, Known> {
        let shapes = roles.iter().map(|(_, text)| Shape::text(text)).collect();
        let regions: Vec<&str> = regions.iter().copied().collect();
        let is = |text: &str| Known::Is(text.to_owned());
        let mut keys = BTreeMap::from([
            ("aws:principalarn".to_owned(), Known::Among { optional: false, shapes }),
            ("aws:requestedregion".to_owned(), Known::one_of(&regions)),
            ("aws:principalisawsservice".to_owned(), is("false")),
            ("aws:securetransport".to_owned(), is("true")),
            ("aws:assumedroot".to_owned(), Known::Absent),
            ("aws:sourceaccount".to_owned(), Known::Absent),
            ("aws:sourceorgid".to_owned(), Known::Absent),
            ("aws:tagkeys".to_owned(), Known::Exactly(used.tags.iter().cloned().collect())),
        ]);
        let mut unknown = |name: &str, alphabet: CharSet, length: (usize, usize), sample: &str| {
            let symbol = Symbol { name: name.to_owned(), alphabet, length, family: None, sample: sample.to_owned() };
            self.symbols.intern(symbol).map(String::from).unwrap_or_default()
        };
        let account = unknown("the account", CharSet::digits(), (12, 12), "210000000001");
        keys.insert("aws:principalaccount".to_owned(), Known::Is(account));
        let organization = match self.inputs.organization {
            Some(id) => id.to_owned(),
            None => unknown("the organization", CharSet::names(), (12, 34), "o-0000000000"),
        };
        keys.insert("aws:principalorgid".to_owned(), Known::Is(organization));
        for tag in &used.tags {
            keys.insert(format!("aws:requesttag/{}", tag.to_ascii_lowercase()), Known::free());
        }
        for key in self.data.request_keys.keys.keys() {
            let known = match used.values.get(key) {
                None => Known::Absent,
                Some(values) if values.contains(&None) => Known::free(),
                Some(values) => Known::Among {
                    optional: true,
                    shapes: values.iter().flatten().map(|value| Shape::text(value)).collect(),
                },
            };
            keys.insert(key.to_ascii_lowercase(), known);
        }
        keys
    }

    /// Looks for a concrete request that the statement denies for certain.
    #[expect(clippy::too_many_arguments, reason = "all of it is one request")]
    fn blame(
        &mut self,
        document: &Document,
        statement: &Statement,
        action: &str,
        roles: &[(String, String)],
        regions: &BTreeSet<&str>,
        used: &Used,
        resources: &[Shape],
    ) -> Verdict {
        let name = name_of(statement);
        let file = &document.place.file;
        let obstacle = |reason: String, help: &str| {
            Verdict::Unknown(Obstacle { place: Some(statement.place.clone()), reason, help: help.to_owned() })
        };
        let keys = self.keys(roles, regions, used);
        let open = statement.conditions.iter().find(|condition| {
            let key = condition.key.to_ascii_lowercase();
            let literal = self.data.request_keys.keys.keys().find(|known| known.eq_ignore_ascii_case(&key));
            let unclear = literal.and_then(|key| used.values.get(key)).is_some_and(|values| values.contains(&None));
            // Some of a stack's resources take tags and some do not; which ones is not looked at.
            unclear || keys.contains_key(&key) == key.starts_with("aws:requesttag/")
        });
        if let Some(condition) = open {
            return obstacle(
                format!(
                    "whether `{name}` in {file} denies `{action}` depends on `{}`, which nobody knows",
                    condition.key
                ),
                "exempt the roles that deploy, or say the value in the template",
            );
        }
        for (pattern, text) in roles {
            for region in regions {
                let role = self.symbols.fill(text, &|_| None);
                let concrete = vec![(pattern.clone(), role.clone())];
                let mut keys = self.keys(&concrete, &BTreeSet::from([*region]), used);
                for known in keys.values_mut() {
                    if let Known::Is(text) = known
                        && text.chars().any(is_symbol)
                    {
                        *text = self.symbols.fill(text, &|_| None);
                    }
                }
                let Answer::Perhaps(witness) = self.ask(document, statement, &keys, resources) else { continue };
                if !witness.certain {
                    continue;
                }
                if self.avoidable(document, statement, &keys, resources) {
                    return obstacle(
                        format!(
                            "`{name}` in {file} denies `{action}` for some resources, such as `{}`, and nobody knows \
                             whether a stack has them",
                            self.filled(&witness)
                        ),
                        "exempt the roles that deploy, or make the resources of the statement narrower",
                    );
                }
                let called = pattern.rsplit_once(":role/").map_or(pattern.as_str(), |(_, role)| role);
                let sentence = format!("`{called}` may not call `{action}` in {region}: `{name}` in {file} denies it");
                return refuted(statement, sentence, &role, action, &self.filled(&witness), &keys);
            }
        }
        obstacle(
            format!("`{name}` in {file} may deny `{action}`, for some names of the roles"),
            "exempt the roles by the pattern that the declaration has",
        )
    }

    fn filled(&self, witness: &Witness) -> String {
        let resource = witness.values.get("resource").map_or("*", String::as_str);
        self.symbols.fill(resource, &|_| None)
    }

    /// Whether there is a resource of the service that the statement leaves alone.
    fn avoidable(
        &mut self,
        document: &Document,
        statement: &Statement,
        keys: &BTreeMap<String, Known>,
        resources: &[Shape],
    ) -> bool {
        if statement.resources.as_ref().is_none_or(|only| !only.negated && only.values.iter().any(|one| one == "*")) {
            return false;
        }
        let mut problem = self.refusal(document, statement, keys, resources);
        problem.formula = problem.formula.take().map(super::formula::Formula::negated);
        problem.decide(&self.symbols) != Answer::Never
    }

    /// Guardrails that deny all but a list must leave what the stacks use, whoever calls.
    fn guardrails(&mut self, place: &Place<'a>, used: &Used) {
        let regions: BTreeSet<String> = self.inputs.operators.iter().flat_map(|one| one.regions.clone()).collect();
        let mut needed = used.granted.clone();
        for purpose in ["deploy", "update", "off-board"] {
            let handlers = used.types.iter().filter_map(|kind| self.inputs.handlers.get(kind)).flatten();
            let of_purpose = handlers.filter(|(own, _)| *own == purpose).flat_map(|(_, names)| names);
            let global: Vec<String> = of_purpose.filter(|action| self.is_global(action)).cloned().collect();
            needed.extend(global);
        }
        for document in &place.scps {
            for statement in &document.statements {
                let by_region = |one: &Condition| one.key.eq_ignore_ascii_case("aws:RequestedRegion");
                let of_regions = statement.conditions.iter().any(by_region);
                if statement.effect != Effect::Deny || !(statement.actions.negated || of_regions) {
                    continue;
                }
                let mut groups: BTreeMap<bool, Vec<String>> = BTreeMap::new();
                for action in &needed {
                    // Deployments are exempt from lists of services; what roles of the stacks are granted is not.
                    if of_regions || used.granted.contains(action) {
                        groups.entry(self.is_global(action)).or_default().push(action.clone());
                    }
                }
                for (global, actions) in groups {
                    let meant: Vec<String> = actions.iter().filter(|one| leaves_not(statement, one)).cloned().collect();
                    let mut open: BTreeSet<&str> = regions.iter().map(String::as_str).collect();
                    if global {
                        open = BTreeSet::from([HOME]);
                    }
                    let denials = match meant.first() {
                        None => Vec::new(),
                        Some(action) => self.guardrail(document, statement, action, &meant, &open),
                    };
                    let file = &document.place.file;
                    let what = if of_regions { "regions" } else { "services" };
                    let which = if global { "global services" } else { "services of a region" };
                    let id = format!("lockout/{}/{what}/{file}/{}/{which}", place.name, name_of(statement));
                    let target = format!("{which} that the stacks of {} use", place.name);
                    self.report(&id, "everybody", &target, actions, denials);
                }
            }
        }
    }

    /// Whether a guardrail denies the actions to somebody in one of the regions.
    fn guardrail<'s>(
        &mut self,
        document: &'s Document,
        statement: &'s Statement,
        action: &str,
        actions: &[String],
        regions: &BTreeSet<&str>,
    ) -> Vec<Denial<'s>> {
        let name = name_of(statement);
        let file = &document.place.file;
        for region in regions {
            let role = "arn:aws:iam::210000000001:role/a-function-s-role";
            let keys = BTreeMap::from([("aws:requestedregion".to_owned(), Known::Is((*region).to_owned()))]);
            // Whoever calls: so whom the statement spares does not matter, and is not worth a search.
            let conditions = statement.conditions.iter();
            let others = conditions.filter(|one| !one.key.eq_ignore_ascii_case("aws:PrincipalArn")).cloned().collect();
            let wider = Statement {
                conditions: others,
                actions: Only { negated: false, values: Vec::new() },
                place: statement.place.clone(),
                sid: None,
                effect: statement.effect,
                principals: None,
                resources: statement.resources.clone(),
            };
            let wider =
                Document { place: document.place.clone(), variables: document.variables, statements: vec![wider] };
            let asked = wider.statements.first().map(|one| self.ask(&wider, one, &keys, &[Shape::any()]));
            if asked == Some(Answer::Never) {
                continue;
            }
            let mut keys = keys;
            keys.insert("aws:principalarn".to_owned(), Known::Is(role.to_owned()));
            let verdict = match self.ask(document, statement, &keys, &[Shape::any()]) {
                Answer::Perhaps(witness) if witness.certain => {
                    let sentence = format!(
                        "nobody but exempt roles may call `{action}` in {region}: `{name}` in {file} denies it"
                    );
                    refuted(statement, sentence, role, action, &self.filled(&witness), &keys)
                }
                _ => Verdict::Unknown(Obstacle {
                    place: Some(statement.place.clone()),
                    reason: format!("`{name}` in {file} may deny `{action}` in {region}"),
                    help: "name the action among the exceptions".to_owned(),
                }),
            };
            return vec![Denial { document, statement, actions: actions.to_vec(), verdict }];
        }
        Vec::new()
    }

    fn used(&self, place: &Place<'_>) -> Used {
        let mut used = Used::default();
        for stack in &place.stacks {
            let resources = stack.body.get("Resources").and_then(Value::as_object);
            for resource in resources.into_iter().flat_map(|resources| resources.values()) {
                let Some(kind) = resource.get("Type").and_then(Value::as_str) else { continue };
                used.types.insert(kind.to_owned());
                let Some(properties) = resource.get("Properties") else { continue };
                tags(properties, &mut used.tags);
                if kind.starts_with("AWS::IAM::") {
                    granted(properties, &mut used.granted);
                }
                for (key, paths) in &self.data.request_keys.keys {
                    for path in paths {
                        let Some((of, property)) = path.split_once('/') else { continue };
                        if let Some(value) = properties.get(property).filter(|_| of == kind) {
                            let text = match value {
                                Value::Bool(_) => Some(value.to_string()),
                                // What S3 takes as `x-amz-acl` CloudFormation spells in another way.
                                other => other.as_str().map(acl),
                            };
                            used.values.entry(key.clone()).or_default().insert(text);
                        }
                    }
                }
            }
        }
        used
    }
}

fn acl(value: &str) -> String {
    match value {
        "PublicRead" => "public-read".to_owned(),
        "PublicReadWrite" => "public-read-write".to_owned(),
        "AuthenticatedRead" => "authenticated-read".to_owned(),
        other => other.to_owned(),
    }
}

/// What a document that allows something does not allow, though the level it stands on must.
fn not_allowed<'s>(document: &'s Document, all: &[&Document], actions: &[String]) -> Option<Denial<'s>> {
    let allows = |document: &Document, action: &str| {
        document.statements.iter().any(|statement| {
            let everywhere = !statement.resources.as_ref().is_some_and(|only| only.negated)
                && statement.resources.iter().flat_map(|only| &only.values).any(|one| one == "*");
            let free = everywhere && statement.conditions.is_empty();
            statement.effect == Effect::Allow && free && means(statement, action)
        })
    };
    let statement = document.statements.iter().find(|statement| statement.effect == Effect::Allow)?;
    let missing: Vec<String> = actions.iter().filter(|action| !allows(document, action)).cloned().collect();
    let action = missing.first()?;
    let elsewhere = missing.iter().all(|action| all.iter().any(|other| allows(other, action)));
    let reason = if elsewhere {
        "and whether another policy at its level does is not known"
    } else {
        "and no other policy does without conditions"
    };
    let verdict = Verdict::Unknown(Obstacle {
        place: Some(statement.place.clone()),
        reason: format!("{} does not allow `{action}` without conditions, {reason}", document.place.file),
        help: "keep the policy that allows everything, and deny in others".to_owned(),
    });
    Some(Denial { document, statement, actions: missing, verdict })
}

/// Whether an action takes away what holds data. Guardrails may hold these back from deployments.
fn deletes(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    ["Delete", "Disable", "ScheduleKeyDeletion"].iter().any(|verb| name.starts_with(verb))
}

/// Whether a request may carry a key of which nothing is known. A tag that no template has is in no request.
fn carries(key: &str) -> bool {
    !key.starts_with("aws:requesttag/")
}

/// Whether a statement of a resource control policy, or of any, binds principals of AWS accounts.
fn binds_aws(statement: &Statement) -> bool {
    statement.principals.as_ref().is_none_or(|principals| {
        principals.negated || principals.values.iter().any(|one| matches!(one, Principal::Everyone | Principal::Aws(_)))
    })
}

/// Whether a statement means an action, or what a pattern of a policy grants. Of a pattern for a whole service that the
/// list of exceptions names in part, the rest is denied on purpose.
fn leaves_not(statement: &Statement, action: &str) -> bool {
    if !action.contains(['*', '?']) {
        return means(statement, action);
    }
    let Some((service, _)) = action.split_once(':') else { return false };
    let names = |pattern: &String| pattern == "*" || pattern.split_once(':').is_some_and(|(of, _)| of == service);
    statement.actions.values.iter().any(names) != statement.actions.negated
}

/// Resources of a service: by its ARNs, or `*` for what has none.
fn resources_of(service: &str) -> Vec<Shape> {
    let no_colon = CharSet::of_text(":").complement();
    let mut arn = Shape::text("arn:");
    arn.0.push(Part::Many(no_colon));
    arn.0.extend(format!(":{service}:").chars().map(Part::Char));
    arn.0.push(Part::Many(CharSet::ALL));
    vec![arn, Shape::text("*")]
}

fn tags(properties: &Value, into: &mut BTreeSet<String>) {
    let entries = properties.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("Tags"));
    for (_, value) in entries {
        match value {
            Value::Array(items) => {
                into.extend(items.iter().filter_map(|item| item.get("Key")?.as_str()).map(str::to_owned));
            }
            Value::Object(keys) => into.extend(keys.keys().cloned()),
            _ => {}
        }
    }
}

/// The actions of all statements below a value that allow.
fn granted(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            if entries.get("Effect").is_some_and(|effect| effect == "Allow") {
                match entries.get("Action") {
                    Some(Value::String(action)) => _ = into.insert(action.clone()),
                    Some(Value::Array(actions)) => {
                        into.extend(actions.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => {}
                }
            }
            entries.values().for_each(|value| granted(value, into));
        }
        Value::Array(items) => items.iter().for_each(|item| granted(item, into)),
        _ => {}
    }
}

fn refuted(
    statement: &Statement,
    sentence: String,
    role: &str,
    action: &str,
    resource: &str,
    keys: &BTreeMap<String, Known>,
) -> Verdict {
    let context: serde_json::Map<String, Value> = keys
        .iter()
        .filter_map(|(key, known)| {
            let value = match known {
                Known::Is(text) => json!(text),
                Known::Exactly(texts) => json!(texts),
                Known::Among { optional: false, shapes } => json!(shapes.first()?.exact()?),
                _ => return None,
            };
            Some((key.clone(), value))
        })
        .collect();
    let allowing = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let policies = json!([{"name": "guardrail", "policy": written([statement])}]);
    let level = json!([{"orgIdentifier": "ou-1", "policies": policies}]);
    let kind = if statement.principals.is_some() { "resourceControlPolicies" } else { "serviceControlPolicies" };
    let mut case = json!({
        "name": sentence,
        "request": {
            "principal": role,
            "action": action,
            "resource": {"resource": resource, "accountId": "210000000001"},
            "context": context,
        },
        "identityPolicies": [{"name": "all", "policy": allowing}],
        "expected": {"response": "ExplicitlyDenied"},
    });
    if let Some(case) = case.as_object_mut() {
        case.insert(kind.to_owned(), level);
    }
    Verdict::Refuted(Box::new(Counterexample {
        sentence,
        granted_by: vec![(statement.place.clone(), statement.sid.clone())],
        should_have: "the guardrail should leave it alone".to_owned(),
        case,
        only_under: Vec::new(),
    }))
}

#[cfg(test)]
mod tests;
