//! Claims about what is shipped, proved or refuted: tenants are kept apart, and guardrails lock nobody out.
//!
//! A proof reads templates and policy documents as they are deployed, and a declaration of who owns what
//! ([`tenancy`]). It never sees the model that the policies were made from, so it works on templates that somebody else
//! wrote. `docs/proof.md` is the argument.

pub mod actions;
pub mod automaton;
pub mod callers;
pub mod evaluate;
pub mod evidence;
pub mod findings;
pub mod formula;
pub mod glob;
pub mod instances;
pub mod lint;
pub mod lockout;
pub mod oblige;
pub mod packing;
pub mod policy;
pub mod proof;
pub mod question;
pub mod refute;
pub mod report;
pub mod request;
#[cfg(test)]
pub(crate) mod sample;
pub mod shipped;
pub mod smt;
pub mod targets;
pub mod template;
pub mod tenancy;
pub mod text;
pub mod unread;
pub mod world;

use std::collections::BTreeMap;

use serde_json::Value;

use self::proof::Proof;
use self::request::{Request, Tools};
use self::template::Template;
use self::tenancy::{Actor, Owner};
use self::world::World;
use crate::assembly::Digest;
use crate::cfn::catalogue::Catalogue;
use crate::diagnostics::{Sink, SourceMap};
use crate::facts::Facts;
use crate::model::IdLanguage;

/// A proof, and the templates as they were read, which know where in a file a place is.
#[derive(Debug)]
pub struct Proved {
    /// The proof.
    pub proof: Proof,
    /// The templates, by file.
    pub templates: BTreeMap<String, Template>,
}

/// Proves or refutes what the declaration claims of the files. A file that cannot be read is a finding, and then there is no
/// proof.
#[must_use]
pub fn prove(
    request: &Request,
    tools: &mut Tools<'_>,
    facts: &Facts,
    sources: &mut SourceMap,
    sink: &mut Sink,
) -> Option<Proved> {
    let tenancy = &request.tenancy;
    let ids = IdLanguage::new(&tenancy.ids.pattern).ok()?;
    let mut templates = BTreeMap::new();
    let mut guardrails = BTreeMap::new();
    for deployed in &tenancy.templates {
        if let Some(bytes) = request.files.get(&deployed.template)
            && !templates.contains_key(&deployed.template)
        {
            templates.insert(deployed.template.clone(), Template::read(&deployed.template, bytes, sources, sink)?);
        }
        for name in deployed.guardrails.files() {
            if let Some(bytes) = request.files.get(name)
                && !guardrails.contains_key(name)
            {
                guardrails.insert(name.to_owned(), Template::read(name, bytes, sources, sink)?.value().clone());
            }
        }
    }
    let mut world = World::deploy(tenancy, &ids, &templates, &guardrails);
    world.obstacles.extend(unread::strangers(tenancy, &templates));
    let controlled = facts.resource_control().supported.clone();
    let mut asked: BTreeMap<String, Option<proof::CrossCheck>> = BTreeMap::new();
    let mut listener = |id: &str, problem: &formula::Problem, symbols: &text::Symbols, proved: bool| {
        if tools.problems.is_none() && tools.solver.is_none() {
            return None;
        }
        let script = smt::write(problem, symbols, id, proved);
        if let Some(take) = &mut tools.problems {
            take(id, &script.text);
        }
        // Many obligations have one formula; a solver is asked once.
        let ask = tools.solver?;
        asked.entry(problem.text()).or_insert_with(|| ask(&script)).clone()
    };
    let obligations = oblige::isolation(&mut world, tenancy, &controlled, &mut listener);
    let mut proof = Proof { obligations, ..Proof::default() };
    if !tenancy.operators.is_empty() {
        proof.obligations.extend(no_lockout(tenancy, &templates, &guardrails, facts));
        proof.assumptions.extend(lockout::assumptions());
    }
    assume(&mut proof, &world, tenancy);
    if tools.lints {
        proof.lints = lint::lint(&world);
    }
    for (name, bytes) in &request.files {
        proof.inputs.insert(name.clone(), Digest::of(bytes).to_string());
    }
    proof.inputs.insert("catalogue of IAM actions".to_owned(), Catalogue::shipped().digest().to_owned());
    Some(Proved { proof, templates })
}

/// A place, the content of the guardrails there, and its tiers.
type Guarded<'a> = (Identity<'a>, lockout::Place<'a>, Vec<&'a str>);

/// The content of the service control policies, that of the resource control policies, and whether tenants are suspended.
type Identity<'a> = (Vec<Option<&'a Value>>, Vec<Option<&'a Value>>, bool);

/// The second claim, for each set of guardrails at which stacks are deployed.
fn no_lockout(
    tenancy: &tenancy::Tenancy,
    templates: &BTreeMap<String, Template>,
    guardrails: &BTreeMap<String, Value>,
    facts: &Facts,
) -> Vec<proof::Obligation> {
    let documents: BTreeMap<&str, policy::Document> = guardrails
        .iter()
        .filter_map(|(name, value)| {
            let place = policy::Place { file: name.clone(), pointer: String::new() };
            Some((name.as_str(), shipped::document_of(value, &place).ok()?))
        })
        .collect();
    // Tiers with the same guardrails are one place. Files of equal content are one guardrail.
    let key = |names: &[String]| names.iter().map(|name| guardrails.get(name)).collect::<Vec<_>>();
    let mut places: Vec<Guarded<'_>> = Vec::new();
    for deployed in &tenancy.templates {
        let Some(template) = templates.get(&deployed.template) else { continue };
        let tenancy::Guardrails { scp, rcp, suspended } = deployed.guardrails.clone();
        let mut kinds = vec![(scp.clone(), false)];
        if !suspended.is_empty() {
            kinds.push(([scp, suspended].concat(), true));
        }
        for (scps, is_suspended) in kinds {
            let of =
                |names: &[String]| names.iter().filter_map(|name| documents.get(name.as_str())).collect::<Vec<_>>();
            let identity = (key(&scps), key(&rcp), is_suspended);
            let stack = lockout::Stack { file: &deployed.template, body: template.value() };
            let tier = deployed.tier.as_deref().unwrap_or(&deployed.template);
            match places.iter_mut().find(|(known, _, _)| *known == identity) {
                Some((_, place, tiers)) => {
                    place.stacks.push(stack);
                    if !tiers.contains(&tier) {
                        tiers.push(tier);
                    }
                }
                None => {
                    let place = lockout::Place { name: "", scps: of(&scps), rcps: of(&rcp), stacks: vec![stack] };
                    places.push((identity, place, vec![tier]));
                }
            }
        }
    }
    let names: Vec<String> = places
        .iter()
        .map(|((_, _, suspended), _, tiers)| {
            format!("{}{}", tiers.join(", "), if *suspended { ", suspended" } else { "" })
        })
        .collect();
    let places: Vec<lockout::Place<'_>> =
        places.into_iter().zip(&names).map(|((_, place, _), name)| lockout::Place { name, ..place }).collect();
    let handlers = lockout::handlers(&places);
    let global: Vec<&str> = facts.global_services().keys().map(String::as_str).collect();
    lockout::prove(&lockout::Inputs {
        places: &places,
        operators: &tenancy.operators,
        organization: tenancy.organization.as_deref(),
        global: &global,
        handlers: &handlers,
    })
}

/// What every proof rests on, as the first table under "What it rests on" in `docs/proof.md` has it, with the reasons.
const ASSUMED: &[&str] = &[
    "what is deployed is what was read, in one state",
    "the declaration is true, and ids are checked against its language where tenants are made",
    "code opens sessions for the tenant whose request it serves",
    "no two tenants and no two cells have the same digest",
    "stacks have different names, and what CloudFormation and services make up at random does not repeat",
    "every index of a table begins its key with the tenant's, as the table does",
    "parameters hold no wildcards",
    "a resource's tags are those of its template",
    "AWS Lambda adds `lambda:SourceFunctionArn` to what a function's code asks",
    "services take roles that are passed to them within the role's own account only",
    "services that use a key for somebody check that somebody's access to the data",
    "the partition is `aws`",
    "buckets whose template does not say otherwise have no access control lists",
    "principals that are in none of the templates hold no rights on what is in them",
    "the catalogue of actions is complete",
];

/// What those answers rest on that need the organization's policies.
const ASSUMED_OF_ORGANIZATION: &str =
    "the accounts are members of the organization, and the policies that the declaration lists are attached to them";

/// What the answers rest on.
fn assume(proof: &mut Proof, world: &World, tenancy: &tenancy::Tenancy) {
    proof.assumptions.extend(world.assumptions.iter().cloned());
    proof.assumptions.extend(ASSUMED.iter().map(|assumed| (*assumed).to_owned()));
    if proof.obligations.iter().any(|obligation| obligation.needs_guardrails) {
        proof.assumptions.push(ASSUMED_OF_ORGANIZATION.to_owned());
    }
    let mut obstacles: Vec<&proof::Obstacle> = Vec::new();
    for obstacle in &world.obstacles {
        if !obstacles.contains(&obstacle) {
            obstacles.push(obstacle);
        }
    }
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    for obstacle in obstacles {
        let about = obstacle.place.as_ref().map_or_else(|| obstacle.reason.clone(), ToString::to_string);
        let before = ids.entry(about.clone()).or_insert(0);
        *before += 1;
        let id = if *before == 1 { format!("read/{about}") } else { format!("read/{about}+{before}") };
        proof.obligations.push(proof::Obligation {
            id,
            claim: proof::Claim::Data,
            principal: "anybody".to_owned(),
            actions: Vec::new(),
            target: "what the templates hold".to_owned(),
            verdict: proof::Verdict::Unknown(obstacle.clone()),
            method: proof::Method::None,
            formula: None,
            needs_guardrails: false,
            cross_check: None,
        });
    }
    for deployed in &tenancy.templates {
        for (id, role) in &deployed.roles {
            let Actor::Session { minted_by, ids_checked_by } = role else { continue };
            if let Some(why) = ids_checked_by {
                let says =
                    format!("the tag of every session of `{id}` of {} is a tenant's id: {why}", deployed.template);
                proof.assumptions.push(says);
            }
            for minter in minted_by {
                proof.left_to_code.push(format!(
                    "`{minter}` of {} opens sessions of `{id}` only for the tenant that a request is for",
                    deployed.template
                ));
            }
        }
        for (id, owner) in &deployed.owners {
            if let Owner::Application { reason, .. } = owner {
                proof.left_to_code.push(format!("`{id}` of {}: {reason}", deployed.template));
            }
        }
    }
    for list in [&mut proof.assumptions, &mut proof.left_to_code, &mut proof.adverse] {
        list.sort();
        list.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::{ASSUMED, ASSUMED_OF_ORGANIZATION};

    /// The first cells of the tables under a heading, without their heads: one list for each table.
    fn tables(page: &str, heading: &str) -> Vec<Vec<String>> {
        let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
        let paragraphs = section.split("\n\n").filter(|paragraph| paragraph.starts_with('|'));
        paragraphs
            .map(|table| {
                let rows = table.lines().skip(2).filter_map(|row| row.strip_prefix("| ")?.split(" | ").next());
                rows.map(str::to_owned).collect()
            })
            .collect()
    }

    #[test]
    fn the_argument_has_every_assumption_with_its_reason() {
        let tables = tables(include_str!("../../docs/proof.md"), "What it rests on");
        assert_eq!(tables.len(), 2);
        assert_eq!(tables[0], ASSUMED, "docs/proof.md and `ASSUMED` differ");
        assert_eq!(tables[1][0], ASSUMED_OF_ORGANIZATION);
    }
}
