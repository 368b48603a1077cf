//! Every asker against every target: what has to be shown, and the answers.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::actions::means;
use super::automaton::{Part as ShapePart, Shape};
use super::callers::{Asker, actor, askers, minter as minter_of, principal_tag, session};
use super::formula::{Answer, Formula, Problem};
use super::glob::{Part, parts};
use super::policy::{Document, Effect, Place, Statement};
use super::proof::{Claim, Method, Obligation, Obstacle, Verdict};
use super::question::{Asked, Known, Layers, allowed};
use super::refute::{Attempt, refute};
use super::targets::{Slice, Target, targets};
use super::tenancy::{Actor, Tenancy};
use super::text::{CharSet, Symbols};
use super::world::{Instance, Role, Shipped, Side, World};
use crate::assembly::Digest;
use crate::cfn::catalogue::{Action, Carries, Catalogue};

/// What is told about each formula: the obligation's id, the problem, and the symbols in it. The answer of a second solver
/// comes back, if one was asked.
pub type Listener<'a> = &'a mut dyn FnMut(&str, &Problem, &Symbols, bool) -> Option<super::proof::CrossCheck>;

/// Proves or refutes that tenants are kept apart.
pub fn isolation(
    world: &mut World,
    tenancy: &Tenancy,
    controlled: &BTreeSet<String>,
    listener: Listener<'_>,
) -> Vec<Obligation> {
    let mut callers = askers(world, tenancy);
    let asked_for = targets(world, tenancy);
    let mut symbols = std::mem::take(&mut world.symbols);
    let world = &*world;
    let mut prover = Prover {
        world,
        tenancy,
        controlled,
        symbols: &mut symbols,
        listener,
        known: Carried::default(),
        answers: BTreeMap::new(),
        obligations: Vec::new(),
    };
    callers.extend(prover.sessions());
    for asker in &callers {
        for target in &asked_for {
            for slice in &target.parts {
                prover.ask(asker, target, slice);
            }
        }
    }
    let obligations = prover.obligations;
    drop(symbols);
    obligations
}

struct Prover<'a, 'l> {
    world: &'a World,
    tenancy: &'a Tenancy,
    controlled: &'a BTreeSet<String>,
    symbols: &'a mut Symbols,
    listener: Listener<'l>,
    known: Carried,
    /// Answers to formulas, by their text.
    answers: BTreeMap<String, (String, Answer)>,
    obligations: Vec<Obligation>,
}

/// The documents that bear on a request, owned by the world.
#[derive(Debug, Clone, Default)]
pub struct Bearing<'a> {
    /// Of the asker.
    pub identity: Vec<&'a Shipped>,
    /// The asker's boundary.
    pub boundary: Option<Vec<&'a Shipped>>,
    /// Of the resource.
    pub resource: Vec<&'a Shipped>,
    /// The organization's, for principals.
    pub scps: Vec<&'a Shipped>,
    /// The organization's, for resources.
    pub rcps: Vec<&'a Shipped>,
}

impl<'a> Bearing<'a> {
    /// The documents, as the engine takes them.
    #[must_use]
    pub fn layers(&self, guardrails: bool) -> Layers<'a> {
        let documents = |shipped: &[&'a Shipped]| shipped.iter().map(|one| &one.document).collect::<Vec<&Document>>();
        Layers {
            identity: documents(&self.identity),
            boundary: self.boundary.as_deref().map(documents),
            resource: documents(&self.resource),
            scps: if guardrails { documents(&self.scps) } else { Vec::new() },
            rcps: if guardrails { documents(&self.rcps) } else { Vec::new() },
        }
    }

    fn statements(&self, guardrails: bool) -> impl Iterator<Item = &'a Statement> {
        let own = self.identity.iter().chain(self.boundary.iter().flatten()).chain(&self.resource);
        let organization = self.scps.iter().chain(&self.rcps).filter(move |_| guardrails);
        own.chain(organization).flat_map(|shipped| &shipped.document.statements).collect::<Vec<_>>().into_iter()
    }
}

impl<'a> Prover<'a, '_> {
    fn instance(&self, at: usize) -> Option<&'a Instance> {
        self.world.instances.get(at)
    }

    fn role(&self, asker: &Asker) -> Option<(&'a Instance, &'a Role)> {
        let (instance, role) = asker.role?;
        let instance = self.instance(instance)?;
        Some((instance, instance.roles.get(role)?))
    }

    /// The sessions of roles that act for the tenant in a tag, and what minting them allows.
    fn sessions(&mut self) -> Vec<Asker> {
        let mut sessions = Vec::new();
        let tags = self.tags_that_matter();
        for (at, instance) in self.world.instances.iter().enumerate() {
            if matches!(instance.side, Side::OtherCell | Side::Owner) {
                continue;
            }
            for (role_at, role) in instance.roles.iter().enumerate() {
                let Some(Actor::Session { minted_by, .. }) = actor(self.tenancy, instance, role) else { continue };
                let (mut untagged, mut others) = (false, BTreeSet::new());
                for minter in minted_by {
                    let Some(minter_at) = instance.roles.iter().position(|role| role.logical_id == *minter) else {
                        self.unknown_minter(instance, role, minter);
                        continue;
                    };
                    let (bare, more) = self.minting((at, minter_at), (at, role_at), &tags);
                    untagged |= bare;
                    others.extend(more);
                }
                sessions.extend(session(self.world, self.tenancy, (at, role_at), true, &others));
                if untagged {
                    sessions.extend(session(self.world, self.tenancy, (at, role_at), false, &others));
                }
            }
        }
        sessions
    }

    fn unknown_minter(&mut self, instance: &Instance, role: &Role, minter: &str) {
        self.obligations.push(Obligation {
            id: format!("{}/{}/minted-by/{minter}", instance.name, role.logical_id),
            claim: Claim::Mint,
            principal: format!("role `{minter}`"),
            actions: Vec::new(),
            target: format!("a session in role `{}`", role.logical_id),
            verdict: Verdict::Unknown(Obstacle {
                place: Some(
                    Place { file: super::request::Request::DECLARATION.to_owned(), pointer: String::new() }
                        .at("templates")
                        .at(instance.deployed)
                        .at("roles")
                        .at(&role.logical_id)
                        .at("session")
                        .at("mintedBy"),
                ),
                reason: format!(
                    "`{minter}` is declared to open sessions of `{}`, and `{}` has no such role",
                    role.logical_id, instance.stack.file
                ),
                help: "name a role of the same template by its logical id".to_owned(),
            }),
            method: Method::None,
            formula: None,
            needs_guardrails: false,
            cross_check: None,
        });
    }

    /// Principal tags other than the tenant's that some policy reads.
    fn tags_that_matter(&self) -> BTreeSet<String> {
        let own = principal_tag(&self.tenancy.tag);
        let mut tags = BTreeSet::new();
        let mut note = |text: &str| {
            for piece in text.to_ascii_lowercase().split("aws:principaltag/").skip(1) {
                let tag: String = piece.chars().take_while(|character| !"},'".contains(*character)).collect();
                if principal_tag(&tag) != own {
                    tags.insert(tag.trim().to_owned());
                }
            }
        };
        for instance in &self.world.instances {
            let of_roles = instance
                .roles
                .iter()
                .flat_map(|role| role.identity.iter().chain(&role.trust).chain(role.boundary.iter().flatten()));
            let organization = self.world.guardrails.iter().flat_map(|(scps, rcps)| scps.iter().chain(rcps));
            for statement in of_roles
                .chain(instance.policies.values().flatten())
                .chain(organization)
                .flat_map(|shipped| &shipped.document.statements)
            {
                statement.resources.iter().flat_map(|resources| &resources.values).for_each(|text| note(text));
                for condition in &statement.conditions {
                    note(&condition.key);
                    condition.values.iter().for_each(|value| note(value));
                }
            }
        }
        tags
    }

    /// What whoever opens sessions of a role can put into them: only ids? always a tag? other tags that matter?
    fn minting(
        &mut self,
        minter: (usize, usize),
        role: (usize, usize),
        tags: &BTreeSet<String>,
    ) -> (bool, BTreeSet<String>) {
        let Some(instance) = self.instance(role.0) else { return (false, BTreeSet::new()) };
        let Some(minted) = instance.roles.get(role.1) else { return (false, BTreeSet::new()) };
        let Some(asker) = minter_of(self.world, self.tenancy, minter) else { return (false, BTreeSet::new()) };
        let request_tag = format!("aws:requesttag/{}", self.tenancy.tag.to_ascii_lowercase());
        let tag_keys = |tags: &[&str]| {
            ("aws:tagkeys".to_owned(), Known::Exactly(tags.iter().map(|tag| (*tag).to_owned()).collect()))
        };
        let target = |words: String, keys: Vec<(String, Known)>, action: &str, name: &'static str| Target {
            id: format!("{}/{}", instance.name, minted.logical_id),
            instance: role.0,
            logical_id: minted.logical_id.clone(),
            parts: vec![Slice {
                name,
                claim: Claim::Mint,
                words,
                actions: Catalogue::shipped().action(action).into_iter().collect(),
                shapes: vec![Shape::text(&minted.arn)],
                keys,
                resource_decides: true,
                exempt: Vec::new(),
                guard: "the role's trust policy should hold the session's tag to the language of ids",
            }],
            account: instance.stack.account.clone(),
            region: instance.stack.region.clone(),
            tags: minted.tags.clone(),
        };
        let tag = self.tenancy.tag.clone();
        let tagged = |shapes: Vec<Shape>| {
            vec![(request_tag.clone(), Known::Among { optional: false, shapes }), tag_keys(&[tag.as_str()])]
        };
        let id = self.world.id_alphabet;
        // What a session tag can hold at all: https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
        let possible =
            CharSet::of(|character| character.is_ascii_alphanumeric() || " _.:/=+-@".contains(character), true);
        let strange = possible.and(CharSet::of(|character| !id.contains(character), false));
        let ids_only =
            !matches!(actor(self.tenancy, instance, minted), Some(Actor::Session { ids_checked_by: Some(_), .. }));
        if ids_only {
            let foreign =
                vec![Shape(vec![ShapePart::Many(possible), ShapePart::One(strange), ShapePart::Many(possible)])];
            let words = format!("a session in role `{}` whose tag holds what no id holds", minted.logical_id);
            self.ask_one(&asker, &target(words, tagged(foreign), "sts:TagSession", "tag-alphabet"));
            let (shortest, longest) = self.world.id_length;
            let mut lengths: Vec<Shape> =
                (0..shortest).map(|length| Shape(vec![ShapePart::One(possible); length])).collect();
            let mut long = vec![ShapePart::One(possible); longest + 1];
            long.push(ShapePart::Many(possible));
            lengths.push(Shape(long));
            let words = format!("a session in role `{}` whose tag has the length of no id", minted.logical_id);
            self.ask_one(&asker, &target(words, tagged(lengths), "sts:TagSession", "tag-length"));
        }
        let bare = target(
            format!("a session in role `{}` without a tag", minted.logical_id),
            // It may have other tags.
            vec![(request_tag.clone(), Known::Absent)],
            "sts:AssumeRole",
            "untagged",
        );
        let untagged = self.possible(&asker, &bare);
        let mut others = BTreeSet::new();
        for other in tags {
            // Names of tags heed case where they are listed, and not where their values are read.
            let any_case = |character: char| {
                let (lower, upper) = (character.to_ascii_lowercase(), character.to_ascii_uppercase());
                ShapePart::One(CharSet::NONE.with(lower).with(upper))
            };
            let name = Shape(other.chars().map(any_case).collect());
            let more = target(
                String::new(),
                vec![
                    (request_tag.clone(), Known::Is(self.world.asker.to_string())),
                    ("aws:tagkeys".to_owned(), Known::Including(vec![name])),
                ],
                "sts:TagSession",
                "other-tags",
            );
            if self.possible(&asker, &more) {
                others.insert(other.clone());
            }
        }
        (untagged, others)
    }

    fn ask_one(&mut self, asker: &Asker, target: &Target) {
        for slice in &target.parts {
            self.ask(asker, target, slice);
        }
    }

    /// Whether a request may be allowed; nothing is recorded.
    fn possible(&mut self, asker: &Asker, target: &Target) -> bool {
        let Some(slice) = target.parts.first() else { return false };
        let Some(bearing) = self.bearing(asker, target, slice) else { return false };
        slice.actions.iter().any(|action| {
            let problem = self.problem(asker, target, slice, *action, &bearing, false);
            !matches!(problem.decide(self.symbols), Answer::Never)
        })
    }

    fn bearing(&self, asker: &Asker, target: &Target, slice: &Slice) -> Option<Bearing<'a>> {
        let mut bearing = Bearing::default();
        let instance = self.instance(target.instance)?;
        if let Some((own, role)) = self.role(asker) {
            bearing.identity = role.identity.iter().collect();
            bearing.boundary = role.boundary.as_ref().map(|boundary| boundary.iter().collect());
            bearing.scps = self.world.guardrails.get(own.deployed).map(|(scps, _)| scps.iter().collect())?;
        }
        let trust = instance.roles.iter().find(|role| role.logical_id == target.logical_id);
        bearing.resource = match trust {
            // Who may assume a role is its trust policy's business; who may change it is not.
            Some(role) => role.trust.iter().filter(|_| slice.claim == Claim::Mint).collect(),
            None => instance.policies.get(&target.logical_id).into_iter().flatten().collect(),
        };
        // Only some services look at resource control policies.
        let controlled = |action: &Action| {
            self.controlled.contains(action.service().prefix()) && action.full_name() != "kms:RetireGrant"
        };
        if slice.actions.iter().all(controlled) {
            bearing.rcps = self.world.guardrails.get(instance.deployed).map(|(_, rcps)| rcps.iter().collect())?;
        }
        Some(bearing)
    }

    fn ask(&mut self, asker: &Asker, target: &Target, slice: &Slice) {
        if self.is_exempt(asker, target, slice) || self.takes_passed_roles(asker, slice) {
            return;
        }
        let id = format!("{} → {}/{}", asker.id, target.id, slice.name);
        if !self.may_be_granted(asker, target, slice) {
            self.obligations.push(ungranted(id, asker, slice, &[]));
            return;
        }
        let Some(bearing) = self.bearing(asker, target, slice) else { return };
        let mut groups: BTreeMap<Vec<bool>, Vec<Action>> = BTreeMap::new();
        let statements: Vec<&Statement> = bearing.statements(false).collect();
        let granting = |signature: &[bool]| {
            signature.iter().zip(&statements).any(|(hit, statement)| *hit && statement.effect == Effect::Allow)
        };
        if !statements.iter().any(|statement| statement.effect == Effect::Allow) {
            self.obligations.push(ungranted(id, asker, slice, &[]));
            return;
        }
        for action in &slice.actions {
            let name = action.full_name();
            let mut signature: Vec<bool> = statements.iter().map(|statement| means(statement, &name)).collect();
            // Actions that the same statements mean are asked together only if they carry the same keys.
            let granted = granting(&signature);
            if granted {
                let carried = self.carried(&statements, *action, &signature);
                signature.extend(carried);
            } else {
                signature.clear();
            }
            groups.entry(signature).or_default().push(*action);
        }
        for (signature, actions) in groups {
            let Some(first) = actions.first().copied() else { continue };
            if signature.is_empty() {
                self.obligations.push(ungranted(id.clone(), asker, slice, &[]));
                continue;
            }
            let id = format!("{id}/{}", first.name());
            let problem = self.problem(asker, target, slice, first, &bearing, false);
            if problem.formula == Some(Formula::False) {
                self.obligations.push(ungranted(id, asker, slice, &[]));
                continue;
            }
            let (formula, answer, cross_check) = self.decide(&id, &problem);
            if answer == Answer::Never {
                self.obligations.push(Obligation {
                    verdict: Verdict::Proved,
                    method: Method::Symbolic,
                    formula: Some(formula),
                    cross_check,
                    ..ungranted(id, asker, slice, &actions)
                });
                continue;
            }
            self.with_guardrails(id, asker, target, slice, &actions, &bearing);
        }
    }

    /// Policies alone do not keep it out; perhaps the organization does.
    fn with_guardrails(
        &mut self,
        id: String,
        asker: &Asker,
        target: &Target,
        slice: &Slice,
        actions: &[Action],
        bearing: &Bearing<'a>,
    ) {
        let organization: Vec<&Statement> =
            bearing.scps.iter().chain(&bearing.rcps).flat_map(|shipped| &shipped.document.statements).collect();
        let mut groups: BTreeMap<Vec<bool>, Vec<Action>> = BTreeMap::new();
        for action in actions {
            let name = action.full_name();
            let mut signature: Vec<bool> = organization.iter().map(|statement| means(statement, &name)).collect();
            let carried = self.carried(&organization, *action, &signature);
            signature.extend(carried);
            groups.entry(signature).or_default().push(*action);
        }
        let split = groups.len() > 1;
        for actions in groups.into_values() {
            let Some(first) = actions.first().copied() else { continue };
            let id = if split { format!("{id}+{}", first.name()) } else { id.clone() };
            let problem = self.problem(asker, target, slice, first, bearing, true);
            let (formula, answer, cross_check) = self.decide(&id, &problem);
            let (verdict, method) = match answer {
                Answer::Never => (Verdict::Proved, Method::Symbolic),
                Answer::GaveUp(reason) => (
                    Verdict::Unknown(Obstacle {
                        place: None,
                        reason,
                        help: "split the policy into statements with fewer patterns".to_owned(),
                    }),
                    Method::None,
                ),
                Answer::Perhaps(_)
                    if let Some(boundary) = self.role(asker).and_then(|(_, role)| role.unknown_boundary.as_ref()) =>
                {
                    (Verdict::Unknown(boundary.clone()), Method::None)
                }
                Answer::Perhaps(_) => {
                    let attempt = Attempt { asker, target, slice, action: first, bearing, problem: &problem };
                    match refute(&attempt, self.world, self.tenancy, self.symbols, self.controlled) {
                        Ok(counterexample) => (Verdict::Refuted(Box::new(counterexample)), Method::Replay),
                        Err(obstacle) => (Verdict::Unknown(obstacle), Method::None),
                    }
                }
            };
            self.obligations.push(Obligation {
                verdict,
                method,
                formula: Some(formula),
                needs_guardrails: !organization.is_empty(),
                cross_check,
                ..ungranted(id, asker, slice, &actions)
            });
        }
    }

    /// Whether the action carries the keys of those statements that mean it.
    fn carried(&self, statements: &[&Statement], action: Action, meant: &[bool]) -> Vec<bool> {
        let meant = statements.iter().zip(meant).filter(|(_, meant)| **meant);
        let mut carried = Vec::new();
        for (statement, _) in meant {
            let resources = statement.resources.iter().flat_map(|resources| &resources.values);
            let values = statement.conditions.iter().flat_map(|condition| &condition.values);
            for text in resources.chain(values).filter(|text| text.contains("${")) {
                for part in parts(text, true) {
                    if let Part::Variable { key, .. } = part {
                        carried.push(self.known.carries(action, &key));
                    }
                }
            }
            let keys = statement.conditions.iter().map(|condition| condition.key.as_str());
            carried.extend(keys.map(|key| self.known.carries(action, key)));
        }
        carried
    }

    /// Whether any statement grants anything of the services that the slice is about. Mostly none does.
    fn may_be_granted(&self, asker: &Asker, target: &Target, slice: &Slice) -> bool {
        let Some(instance) = self.instance(target.instance) else { return true };
        let services: BTreeSet<&str> = slice.actions.iter().map(|action| action.service().prefix()).collect();
        let of_role = |shipped: &Shipped| {
            let allowing = shipped.document.statements.iter().filter(|statement| statement.effect == Effect::Allow);
            allowing.map(|statement| &statement.actions).any(|actions| {
                actions.negated
                    || actions.values.iter().any(|pattern| {
                        let prefix = pattern.split(':').next().unwrap_or_default();
                        prefix.contains(['*', '?'])
                            || services.iter().any(|service| prefix.eq_ignore_ascii_case(service))
                    })
            })
        };
        let trusts = instance.roles.iter().filter(|role| role.logical_id == target.logical_id);
        let mut attached = instance.policies.get(&target.logical_id).into_iter().flatten();
        self.role(asker).is_some_and(|(_, role)| role.identity.iter().any(of_role))
            || attached.any(of_role)
            || trusts.flat_map(|role| &role.trust).any(of_role)
    }

    fn is_exempt(&self, asker: &Asker, target: &Target, slice: &Slice) -> bool {
        let Some((instance, role)) = self.role(asker) else { return false };
        let Some(owner) = self.instance(target.instance) else { return false };
        // A role of another template is named with its file.
        let named = slice.exempt.iter().any(|exempt| match exempt.split_once('#') {
            None => asker.role.is_some_and(|(at, _)| at == target.instance) && *exempt == role.logical_id,
            Some((file, id)) => instance.stack.file == file && id == role.logical_id,
        });
        named && !asker.id.ends_with("/untagged") && owner.side != Side::OtherCell
    }

    /// These services take on only roles of their own account, handed to them by somebody with `iam:PassRole`, which is
    /// asked of every role on its own.
    fn takes_passed_roles(&self, asker: &Asker, slice: &Slice) -> bool {
        slice.claim == Claim::Mint && asker.service.as_deref().is_some_and(super::actions::takes_passed_roles)
    }

    fn problem(
        &mut self,
        asker: &Asker,
        target: &Target,
        slice: &Slice,
        action: Action,
        bearing: &Bearing<'a>,
        guardrails: bool,
    ) -> Problem {
        let keys = keys(asker, target, slice, self.tenancy);
        let name = action.full_name();
        let asked = Asked {
            standing: asker.standing(&target.account),
            service: asker.service.as_deref(),
            account: asker.account.as_deref(),
            resource_decides: slice.resource_decides,
            resource: &slice.shapes,
            keys: &keys,
            carries: &|key| asker.carries(key) && self.known.carries(action, key),
            means: &|statement| means(statement, &name),
        };
        allowed(&asked, &bearing.layers(guardrails), self.symbols)
    }

    fn decide(&mut self, id: &str, problem: &Problem) -> (String, Answer, Option<super::proof::CrossCheck>) {
        let text = problem.text();
        let (formula, answer) = match self.answers.get(&text) {
            Some(known) => known.clone(),
            None => {
                let answer = problem.decide(self.symbols);
                let digest = Digest::of(text.as_bytes()).to_string();
                self.answers.insert(text, (digest.clone(), answer.clone()));
                (digest, answer)
            }
        };
        let cross_check = (self.listener)(id, problem, self.symbols, answer == Answer::Never);
        (formula, answer, cross_check)
    }
}

/// Which actions carry which keys. The catalogue is asked once for each pair: it takes as long as a small proof.
#[derive(Default)]
struct Carried(RefCell<CarriedKeys>);

/// By service and action, and then by key.
type CarriedKeys = BTreeMap<(&'static str, &'static str), BTreeMap<String, bool>>;

impl Carried {
    fn carries(&self, action: Action, key: &str) -> bool {
        let mut known = self.0.borrow_mut();
        let keys = known.entry((action.service().prefix(), action.name())).or_default();
        if let Some(carries) = keys.get(key) {
            return *carries;
        }
        let carries = action.carries(key) != Carries::No;
        keys.insert(key.to_owned(), carries);
        carries
    }
}

/// What is known of the keys of a request.
#[must_use]
pub(super) fn keys(asker: &Asker, target: &Target, slice: &Slice, tenancy: &Tenancy) -> BTreeMap<String, Known> {
    let mut keys = asker.keys.clone();
    keys.insert("aws:resourceaccount".to_owned(), Known::Is(target.account.clone()));
    keys.insert("aws:requestedregion".to_owned(), Known::Is(target.region.clone()));
    keys.insert("aws:securetransport".to_owned(), Known::one_of(&["true", "false"]));
    if let Some(organization) = &tenancy.organization {
        keys.insert("aws:resourceorgid".to_owned(), Known::Is(organization.clone()));
    }
    for (tag, value) in &target.tags {
        keys.insert(format!("aws:resourcetag/{}", tag.to_ascii_lowercase()), Known::Is(value.clone()));
    }
    for (key, known) in &slice.keys {
        keys.insert(key.clone(), known.clone());
    }
    keys
}

fn ungranted(id: String, asker: &Asker, slice: &Slice, actions: &[Action]) -> Obligation {
    Obligation {
        id,
        claim: slice.claim,
        principal: asker.words.clone(),
        actions: actions.iter().map(|action| action.full_name()).collect(),
        target: slice.words.clone(),
        verdict: Verdict::Proved,
        method: Method::NoGrant,
        formula: None,
        needs_guardrails: false,
        cross_check: None,
    }
}
