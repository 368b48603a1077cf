//! From "perhaps" to a request that breaks the claim: tenants, names and keys are made concrete, the engine looks for a
//! request among them, and the evaluator, which shares nothing with the engine, must allow it. Otherwise nothing is
//! refuted, and what is in the way is said.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::actions::means;
use super::automaton::{Part, Shape};
use super::callers::{Asker, Kind};
use super::evaluate::{Caller, Case, Decision, Level, Named, Reading, Request, Values, evaluate};
use super::formula::{Answer, Formula, Problem, Witness};
use super::glob::{Part as TextPart, Piece, parts};
use super::oblige::{Bearing, keys};
use super::policy::{Effect, Place, Principal, Statement};
use super::proof::{Counterexample, Obstacle};
use super::question::{Asked, Known, Layers, allowed};
use super::targets::{Slice, Target};
use super::template::Resolved;
use super::tenancy::Tenancy;
use super::text::{Symbols, is_symbol};
use super::world::{Shipped, World};
use crate::cfn::catalogue::{Action, Carries, Catalogue};

/// A session of a role: one that policies let in, and else one that none of them refuses by its name.
fn session_of(role: &str, policies: &[Named]) -> String {
    let named = |effect: Effect| -> BTreeSet<&str> {
        let statements = policies.iter().flat_map(|named| &named.document.statements);
        statements
            .filter(|statement| statement.effect == effect)
            .flat_map(|statement| statement.principals.iter().flat_map(|principals| &principals.values))
            .filter_map(|principal| match principal {
                Principal::Aws(arn) => arn.strip_prefix(role),
                _ => None,
            })
            .collect()
    };
    let refused = named(Effect::Deny);
    let let_in = named(Effect::Allow).into_iter().find(|name| !refused.contains(name));
    let mut name = let_in.unwrap_or("session").to_owned();
    while refused.contains(name.as_str()) {
        name.push('s');
    }
    format!("{role}{name}")
}

/// What may have been broken.
pub struct Attempt<'a, 'b> {
    /// Who asks.
    pub asker: &'b Asker,
    /// What for.
    pub target: &'b Target,
    /// Which part of it.
    pub slice: &'b Slice,
    /// What is to be done.
    pub action: Action,
    /// The policies.
    pub bearing: &'b Bearing<'a>,
    /// The formula that may hold.
    pub problem: &'b Problem,
}

/// The file of policies that are in none of the user's.
const ELSEWHERE: &str = "somebody else's account";

/// What symbols stand for in one attempt.
type Assignment = BTreeMap<char, String>;

/// Looks for a request.
///
/// # Errors
/// What is in the way, if none is found.
pub fn refute(
    attempt: &Attempt<'_, '_>,
    world: &World,
    tenancy: &Tenancy,
    symbols: &Symbols,
    controlled: &BTreeSet<String>,
) -> Result<Counterexample, Obstacle> {
    let mut disagreement = None;
    for assignment in assignments(attempt, world, symbols) {
        let concrete = Concrete { attempt, symbols, assignment: &assignment };
        let Some(policies) = concrete.policies() else { continue };
        for fixed in concrete.variable_keys(world, &policies) {
            let mut known = keys(attempt.asker, attempt.target, attempt.slice, tenancy);
            known.values_mut().for_each(|known| *known = concrete.known(known));
            known.extend(fixed);
            let Some(witness) = concrete.search(&policies, &known) else { continue };
            let case = concrete.case(&policies, &known, &witness);
            match evaluate(&case, Reading::Adverse, controlled) {
                Decision::Allowed { by, only_under } => {
                    return Ok(concrete.story(&case, world, by, only_under));
                }
                _ => disagreement = Some(case.to_json()),
            }
        }
    }
    // What nobody knows the engine takes for granted and the evaluator does not: then they need not agree.
    let disagreement = disagreement.filter(|_| !uses_unknown(attempt.problem));
    Err(obstacle(attempt, symbols, disagreement))
}

/// Texts for all symbols, many ways: two plain ids, then ids that are parts of each other or of the patterns.
fn assignments(attempt: &Attempt<'_, '_>, world: &World, symbols: &Symbols) -> Vec<Assignment> {
    let sample = |symbol: char| symbols.get(symbol).map(|symbol| symbol.sample.clone()).unwrap_or_default();
    let (a, b) = (sample(world.asker), sample(world.owner));
    let fill = a.chars().last().unwrap_or('x').to_string();
    let mut pairs = vec![(a.clone(), b.clone())];
    for part in [fill.as_str(), "-x", "x", "1", "_x", ".x", "/x", ":x"] {
        pairs.push((a.clone(), format!("{a}{part}")));
        pairs.push((format!("{b}{part}"), b.clone()));
        pairs.push((a.clone(), format!("{part}{a}")));
        pairs.push((format!("{part}{b}"), b.clone()));
    }
    pairs.push((a.clone(), a.to_ascii_uppercase()));
    pairs.push((b.to_ascii_uppercase(), b.clone()));
    let runs = runs(attempt.problem);
    for run in &runs {
        pairs.push((a.clone(), run.clone()));
        pairs.push((run.clone(), b.clone()));
    }
    // What makes one beginning of a name the other: `orders-` and `orders-archive-`.
    let between = runs.iter().flat_map(|run| runs.iter().filter_map(move |other| other.strip_prefix(run.as_str())));
    for rest in between.filter(|rest| !rest.is_empty()).collect::<BTreeSet<&str>>() {
        pairs.push((format!("{rest}{b}"), b.clone()));
        pairs.push((a.clone(), format!("{rest}{a}")));
    }
    for run in &runs {
        let padded: String = run
            .chars()
            .chain(std::iter::repeat_n('x', world.id_length.0))
            .take(world.id_length.0.max(run.len()))
            .collect();
        for text in [padded, format!("{run}x"), format!("{run}{b}"), format!("{b}{run}"), format!("x{run}")] {
            pairs.push((a.clone(), text.clone()));
            pairs.push((text, b.clone()));
        }
        pairs.push((a.clone(), format!("{a}{run}")));
        pairs.push((a.clone(), format!("{run}{a}")));
        pairs.push((format!("{b}{run}"), b.clone()));
        pairs.push((format!("{run}{b}"), b.clone()));
    }
    for length in [world.id_length.0, world.id_length.0 + 1, world.id_length.1] {
        let exactly: String = std::iter::repeat_n('x', length).collect();
        pairs.push((a.clone(), exactly.clone()));
        pairs.push((exactly, b.clone()));
    }
    let mut seen = BTreeSet::new();
    pairs.retain(|(a, b)| {
        a != b && world.ids.contains(a) && world.ids.contains(b) && seen.insert((a.clone(), b.clone()))
    });
    // Texts that tenants may share: anything, and what is another's.
    let shared: Vec<char> = symbols
        .iter()
        .filter(|(_, symbol)| symbol.family.is_none() && symbol.length.0 < symbol.length.1)
        .map(|(character, _)| character)
        .collect();
    let telling: Vec<String> = symbols
        .iter()
        .filter(|(_, symbol)| symbol.family.is_some() && symbol.name.contains("tenant A"))
        .map(|(_, symbol)| symbol.sample.clone())
        .collect();
    let mut found = Vec::new();
    for (a, b) in pairs.iter().take(120) {
        found.push(Assignment::from([(world.asker, a.clone()), (world.owner, b.clone())]));
    }
    for text in telling.iter().take(6) {
        let mut assignment = Assignment::from([(world.asker, a.clone()), (world.owner, b.clone())]);
        for symbol in &shared {
            if symbols.get(*symbol).is_some_and(|symbol| symbol.name.contains("tenant B")) {
                assignment.insert(*symbol, text.clone());
            }
        }
        found.push(assignment);
    }
    // An account that is written out may be any of those that are not.
    let is_account = |run: &&String| run.len() == 12 && run.chars().all(|character| character.is_ascii_digit());
    for literal in runs.iter().filter(is_account) {
        for (account, _) in symbols.iter().filter(|(_, symbol)| symbol.family.as_deref() == Some("accounts")) {
            let pair = [(world.asker, a.clone()), (world.owner, b.clone()), (account, literal.clone())];
            found.push(Assignment::from(pair));
        }
    }
    for literal in runs.iter().take(12) {
        for symbol in &shared {
            let mut assignment = Assignment::from([(world.asker, a.clone()), (world.owner, b.clone())]);
            assignment.insert(*symbol, literal.clone());
            found.push(assignment);
        }
    }
    found
}

/// Pieces of literal text in the patterns and values of a problem, between wildcards, symbols and delimiters.
fn runs(problem: &Problem) -> BTreeSet<String> {
    let mut runs = BTreeSet::new();
    let mut cut = |pieces: &mut dyn Iterator<Item = Option<char>>| {
        let mut run = String::new();
        for piece in pieces.chain([None]) {
            match piece {
                Some(character) if !is_symbol(character) && !"/:#".contains(character) => run.push(character),
                _ if !run.is_empty() => _ = runs.insert(std::mem::take(&mut run)),
                _ => {}
            }
        }
    };
    for variable in &problem.variables {
        for glob in variable.tests.iter().flat_map(|test| &test.globs) {
            cut(&mut glob.0.iter().map(|piece| match piece {
                Piece::Char(character) => Some(*character),
                _ => None,
            }));
        }
        for shape in &variable.shapes {
            cut(&mut shape.0.iter().map(|part| match part {
                Part::Char(character) => Some(*character),
                _ => None,
            }));
        }
    }
    runs.retain(|run| run.len() <= 64);
    runs
}

struct Concrete<'a, 'b, 'c> {
    attempt: &'c Attempt<'a, 'b>,
    symbols: &'c Symbols,
    assignment: &'c Assignment,
}

/// The policies of an attempt, without symbols.
struct Policies {
    identity: Vec<Named>,
    boundary: Option<Vec<Named>>,
    resource: Vec<Named>,
    scps: Vec<Named>,
    rcps: Vec<Named>,
}

impl Policies {
    fn layers(&self) -> Layers<'_> {
        Layers {
            identity: self.identity.iter().map(|one| &one.document).collect(),
            boundary: self.boundary.as_ref().map(|boundary| boundary.iter().map(|one| &one.document).collect()),
            resource: self.resource.iter().map(|one| &one.document).collect(),
            scps: self.scps.iter().map(|one| &one.document).collect(),
            rcps: self.rcps.iter().map(|one| &one.document).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Statement> {
        self.identity
            .iter()
            .chain(self.boundary.iter().flatten())
            .chain(&self.resource)
            .chain(&self.scps)
            .chain(&self.rcps)
            .flat_map(|named| &named.document.statements)
    }
}

impl Concrete<'_, '_, '_> {
    fn text(&self, text: &str) -> String {
        self.symbols.fill(text, &|symbol| self.assignment.get(&symbol).cloned())
    }

    fn shape(&self, shape: &Shape) -> Shape {
        let mut filled = Shape::default();
        for part in &shape.0 {
            match part {
                Part::Char(character) => filled.0.extend(self.text(&character.to_string()).chars().map(Part::Char)),
                other => filled.0.push(*other),
            }
        }
        filled
    }

    fn known(&self, known: &Known) -> Known {
        match known {
            Known::Absent => Known::Absent,
            Known::Is(text) => Known::Is(self.text(text)),
            Known::Among { optional, shapes } => {
                Known::Among { optional: *optional, shapes: shapes.iter().map(|shape| self.shape(shape)).collect() }
            }
            Known::Including(shapes) => Known::Including(shapes.iter().map(|shape| self.shape(shape)).collect()),
            Known::Exactly(texts) => Known::Exactly(texts.iter().map(|text| self.text(text)).collect()),
        }
    }

    fn value(&self, value: &Resolved) -> Resolved {
        match value {
            Resolved::Text(text) => Resolved::Text(self.text(text)),
            Resolved::List(items) => Resolved::List(items.iter().map(|item| self.value(item)).collect()),
            Resolved::Map(entries) => {
                Resolved::Map(entries.iter().map(|(key, value)| (self.text(key), self.value(value))).collect())
            }
            Resolved::Unknown(why) => Resolved::Unknown(why.clone()),
        }
    }

    fn named(&self, shipped: &Shipped) -> Option<Named> {
        let mut named =
            Named::of_resolved(shipped.name.clone(), &self.value(&shipped.value), &shipped.document.place).ok()?;
        // A statement that is not counted on symbolically is not here either, and places are those of the files.
        named.document.statements.truncate(shipped.document.statements.len());
        for (statement, origin) in named.document.statements.iter_mut().zip(&shipped.document.statements) {
            statement.place = origin.place.clone();
        }
        Some(named)
    }

    fn policies(&self) -> Option<Policies> {
        let all = |shipped: &[&Shipped]| shipped.iter().map(|one| self.named(one)).collect::<Option<Vec<Named>>>();
        let bearing = self.attempt.bearing;
        let mut identity = all(&bearing.identity)?;
        if self.attempt.asker.kind == Kind::Foreign {
            let place = Place { file: ELSEWHERE.to_owned(), pointer: String::new() };
            identity.extend(Named::of_json("what that account allows itself", everything(), &place));
        }
        Some(Policies {
            identity,
            boundary: match &bearing.boundary {
                Some(boundary) => Some(all(boundary)?),
                None => None,
            },
            resource: all(&bearing.resource)?,
            scps: all(&bearing.scps)?,
            rcps: all(&bearing.rcps)?,
        })
    }

    /// Keys that policies use as variables and that the asker chooses: what they may be chosen to be.
    fn variable_keys(&self, world: &World, policies: &Policies) -> Vec<BTreeMap<String, Known>> {
        let mut chosen: BTreeSet<String> = BTreeSet::new();
        for statement in policies.all() {
            let resources = statement.resources.iter().flat_map(|resources| &resources.values);
            for text in resources.chain(statement.conditions.iter().flat_map(|condition| &condition.values)) {
                for part in parts(text, true) {
                    if let TextPart::Variable { key, .. } = part
                        && match self.attempt.asker.keys.get(&key) {
                            None => self.attempt.asker.carries(&key),
                            Some(known) => *known == Known::free(),
                        }
                    {
                        chosen.insert(key);
                    }
                }
            }
        }
        if chosen.is_empty() {
            return vec![BTreeMap::new()];
        }
        let texts = [world.owner, world.asker].map(|symbol| self.text(&symbol.to_string()));
        let mut found: Vec<BTreeMap<String, Known>> = texts
            .iter()
            .map(|text| chosen.iter().map(|key| (key.clone(), Known::Is(text.clone()))).collect())
            .collect();
        found.push(chosen.iter().map(|key| (key.clone(), Known::Absent)).collect());
        found
    }

    fn search(&self, policies: &Policies, known: &BTreeMap<String, Known>) -> Option<Witness> {
        let attempt = self.attempt;
        let name = attempt.action.full_name();
        let account = attempt.asker.account.as_deref().map(|account| self.text(account));
        let shapes: Vec<Shape> = attempt.slice.shapes.iter().map(|shape| self.shape(shape)).collect();
        let asked = Asked {
            standing: attempt.asker.standing(&attempt.target.account),
            service: attempt.asker.service.as_deref(),
            account: account.as_deref(),
            resource_decides: attempt.slice.resource_decides,
            resource: &shapes,
            keys: known,
            carries: &|key| attempt.asker.carries(key) && attempt.action.carries(key) != Carries::No,
            means: &|statement| means(statement, &name),
        };
        let mut none = Symbols::default();
        let problem = allowed(&asked, &policies.layers(), &mut none);
        match problem.decide(&none) {
            Answer::Perhaps(witness) => Some(witness),
            Answer::Never | Answer::GaveUp(_) => None,
        }
    }

    fn case(&self, policies: &Policies, known: &BTreeMap<String, Known>, witness: &Witness) -> Case {
        let attempt = self.attempt;
        // Keys as the policies write them, so that people find them.
        let mut written: BTreeMap<String, String> = BTreeMap::new();
        for condition in policies.all().flat_map(|statement| &statement.conditions) {
            written.entry(condition.key.to_ascii_lowercase()).or_insert_with(|| condition.key.clone());
        }
        let spelled = |key: &str| written.get(key).cloned().unwrap_or_else(|| spell(key));
        let mut context: BTreeMap<String, Values> = BTreeMap::new();
        for (key, known) in known {
            match known {
                Known::Is(text) => _ = context.insert(spelled(key), Values::One(text.clone())),
                Known::Exactly(texts) => _ = context.insert(spelled(key), Values::Many(texts.clone())),
                Known::Absent | Known::Among { .. } | Known::Including(_) => {}
            }
        }
        let mut resource = String::new();
        let mut several: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &witness.values {
            match name.split_once('#') {
                _ if name == "resource" => resource.clone_from(value),
                _ if name.starts_with('=') => {}
                Some((key, _)) => several.entry(key.to_owned()).or_default().push(value.clone()),
                None => several.entry(name.clone()).or_default().insert(0, value.clone()),
            }
        }
        for (key, values) in several {
            let many = values.len() > 1
                || matches!(known.get(&key), Some(Known::Including(_) | Known::Exactly(_)))
                || Catalogue::shipped().key(&key).is_some_and(|known| known.many);
            let values = match values.first() {
                Some(first) if !many => Values::One(first.clone()),
                _ => Values::Many(values),
            };
            context.insert(spelled(&key), values);
        }
        let arn_of = |key: &str| match known.get(key) {
            Some(Known::Is(text)) => Some(text.clone()),
            _ => witness.values.get(key).cloned(),
        };
        let account = attempt.asker.account.as_deref().map(|account| self.text(account)).unwrap_or_default();
        let arn = arn_of("aws:principalarn")
            .filter(|arn| !arn.ends_with(':'))
            .unwrap_or_else(|| format!("arn:aws:iam::{account}:role/anyone"));
        // Anybody with a token of a provider that is trusted for no particular one.
        let provider = policies
            .resource
            .iter()
            .flat_map(|named| &named.document.statements)
            .filter(|statement| attempt.action.name().starts_with("AssumeRoleWith") && statement.conditions.is_empty())
            .flat_map(|statement| statement.principals.iter().flat_map(|principals| &principals.values))
            .find_map(|principal| match principal {
                Principal::Federated(provider) => Some(provider.clone()),
                _ => None,
            });
        if provider.is_some() {
            context.retain(|key, _| !key.to_ascii_lowercase().starts_with("aws:principal"));
        }
        let principal = match attempt.asker.kind {
            Kind::Foreign if let Some(provider) = &provider => Caller::Federated { provider: provider.clone() },
            Kind::Tenant | Kind::Role | Kind::Foreign if arn.contains(":user/") => {
                Caller::User { arn: arn.clone(), account }
            }
            Kind::Tenant | Kind::Role | Kind::Foreign if arn.contains(":role/") => {
                let role = arn.rsplit('/').next().unwrap_or("role");
                let session = session_of(&format!("arn:aws:sts::{account}:assumed-role/{role}/"), &policies.resource);
                Caller::Role { arn: arn.clone(), session_arn: Some(session), account }
            }
            Kind::Tenant | Kind::Role | Kind::Foreign => Caller::Role { arn: arn.clone(), session_arn: None, account },
            Kind::Service => Caller::Service(attempt.asker.service.clone().unwrap_or_default()),
            Kind::Anonymous => Caller::Anonymous,
        };
        let levels = |target: &str, named: &[Named]| -> Vec<Level> {
            if named.is_empty() {
                return Vec::new();
            }
            let mut policies = named.to_vec();
            if target == "scp" {
                let place = Place { file: "FullAWSAccess".to_owned(), pointer: String::new() };
                policies.extend(Named::of_json("FullAWSAccess", everything(), &place));
            }
            vec![Level { target: "organizational unit".to_owned(), policies }]
        };
        Case {
            name: format!("{} → {}/{}", attempt.asker.id, attempt.target.id, attempt.slice.name),
            request: Request {
                principal,
                action: attempt.action.full_name(),
                resource,
                resource_account: self.text(&attempt.target.account),
                context,
            }
            .with_derived_keys(),
            identity: policies.identity.clone(),
            boundaries: policies.boundary.clone().unwrap_or_default(),
            session: None,
            scps: if attempt.asker.kind == Kind::Foreign { Vec::new() } else { levels("scp", &policies.scps) },
            rcps: levels("rcp", &policies.rcps),
            resource: merge(&policies.resource),
            endpoint: Vec::new(),
        }
    }

    fn story(
        &self,
        case: &Case,
        world: &World,
        mut by: Vec<(Place, Option<String>)>,
        only_under: Vec<String>,
    ) -> Counterexample {
        let people = |words: &str| {
            words
                .replace("tenant A", &format!("tenant `{}`", self.text(&world.asker.to_string())))
                .replace("tenant B", &format!("tenant `{}`", self.text(&world.owner.to_string())))
        };
        // What a stranger's account allows itself nobody here can change.
        by.retain(|(place, _)| place.file != ELSEWHERE);
        let because = match by.as_slice() {
            [] => String::new(),
            [(place, sid), ..] => match sid {
                Some(sid) => format!(", because statement `{sid}` at {} allows it", place.pointer),
                None => format!(", because the statement at {} allows it", place.pointer),
            },
        };
        Counterexample {
            sentence: format!(
                "{} may call `{}` on {}{because}",
                people(&self.attempt.asker.words),
                case.request.action,
                people(&self.attempt.slice.words),
            ),
            granted_by: by,
            should_have: self.attempt.slice.guard.to_owned(),
            case: case.to_json(),
            only_under,
        }
    }
}

/// A resource has one policy; the pieces that templates attach to a function are put together.
fn merge(named: &[Named]) -> Option<Named> {
    let first = named.first()?;
    let mut whole = first.clone();
    for more in named.iter().skip(1) {
        whole.document.statements.extend(more.document.statements.iter().cloned());
        let mut statements: Vec<Value> = Vec::new();
        for text in [&whole.text, &more.text] {
            match text.get("Statement") {
                Some(Value::Array(items)) => statements.extend(items.iter().cloned()),
                Some(one) => statements.push(one.clone()),
                None => {}
            }
        }
        whole.text = json!({ "Version": "2012-10-17", "Statement": statements });
    }
    Some(whole)
}

/// A key in the spelling of AWS, if the catalogue has it without a placeholder.
fn spell(key: &str) -> String {
    if let Some(tag) = key.strip_prefix("aws:principaltag/") {
        return format!("aws:PrincipalTag/{tag}");
    }
    match Catalogue::shipped().key(key) {
        Some(known) if known.name.eq_ignore_ascii_case(key) => known.name.to_owned(),
        _ => key.to_owned(),
    }
}

fn obstacle(attempt: &Attempt<'_, '_>, symbols: &Symbols, disagreement: Option<Value>) -> Obstacle {
    let name = attempt.action.full_name();
    let granting = attempt
        .bearing
        .identity
        .iter()
        .chain(&attempt.bearing.resource)
        .flat_map(|shipped| &shipped.document.statements)
        .find(|statement| statement.effect == Effect::Allow && means(statement, &name));
    let place = granting.map(|statement| statement.place.clone());
    // Where the formula leaves something open, the evaluator may know better.
    if let Some(case) = disagreement.filter(|_| !uses_unknown(attempt.problem)) {
        return Obstacle {
            place,
            reason: format!(
                "the engine finds a request for `{name}` that the evaluator does not allow; this is an error of the prover: {case}"
            ),
            help: "report it with the policies; nothing is proved until then".to_owned(),
        };
    }
    let patterns: Vec<String> = granting
        .and_then(|statement| statement.resources.as_ref())
        .map(|resources| resources.values.iter().map(|text| format!("`{}`", symbols.show(text))).collect())
        .unwrap_or_default();
    if let Some(open) = attempt.problem.unknowns.first().filter(|_| uses_unknown(attempt.problem)) {
        let help = if open.contains("vouches for") {
            "let code that has verified the token open the session: a role in `mintedBy`, which the trust policy names \
             instead of the provider"
        } else {
            "say it with keys and operators whose meaning is fixed: `StringEquals`, `StringLike`, `ArnLike`, `Null`, `Bool`"
        };
        return Obstacle { place, reason: open.clone(), help: help.to_owned() };
    }
    let open = granting.and_then(|statement| statement.resources.as_ref()).and_then(|resources| {
        let mut symbols_in = resources.values.iter().flat_map(|text| text.chars()).filter_map(|one| symbols.get(one));
        symbols_in.find(|symbol| symbol.name.starts_with("{{resolve:"))
    });
    if let Some(open) = open {
        return Obstacle {
            place,
            reason: format!("what `{}` stands for is only known when the stack is deployed", open.name),
            help: "write the ARN, or refer to the resource with `Ref` or `Fn::GetAtt`".to_owned(),
        };
    }
    let reason = if patterns.is_empty() {
        format!("no request for `{name}` was found, and none can be excluded")
    } else {
        let patterns = patterns.join(", ");
        format!("no two tenants were found for whom {patterns} leads from one to the other, and none can be excluded")
    };
    Obstacle {
        place,
        reason,
        help:
            "write the tenant's id between characters that no id has, such as `/`, and compare keys with `StringEquals`"
                .to_owned(),
    }
}

fn uses_unknown(problem: &Problem) -> bool {
    fn any(formula: &Formula) -> bool {
        match formula {
            Formula::Unknown(_) => true,
            Formula::Not(inner) => any(inner),
            Formula::All(parts) | Formula::Any(parts) => parts.iter().any(any),
            _ => false,
        }
    }
    problem.formula.as_ref().is_some_and(any)
}

/// A policy that allows everything.
fn everything() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] })
}
