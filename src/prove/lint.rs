//! Misspelt actions and keys in policies that somebody else wrote: what a statement does not say it neither grants nor
//! refuses, so a proof is right about it and its author is not.

use super::actions::managed_policy;
use super::policy::{Effect, Operator, Place, Quantifier, Statement};
use super::world::{Shipped, Side, World};
use crate::cfn::catalogue::{Clause, Patterns, Problem, Trouble, lint_statement};
use crate::cfn::policy;

/// A statement that does not say what it seems to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Where: the action, or the key.
    pub place: Place,
    /// What is the matter.
    pub problem: Problem,
}

/// What the catalogue of actions says to every policy of every template, and to the organization's.
#[must_use]
pub fn lint(world: &World) -> Vec<Lint> {
    let mut found: Vec<Lint> = Vec::new();
    let mut documents: Vec<&Shipped> = Vec::new();
    for instance in &world.instances {
        if matches!(instance.side, Side::Shared | Side::Owner) {
            for role in &instance.roles {
                documents.extend(role.trust.iter().chain(&role.identity).chain(role.boundary.iter().flatten()));
            }
            documents.extend(instance.policies.values().flatten());
        }
    }
    documents.extend(world.guardrails.iter().flat_map(|(scps, rcps)| scps.iter().chain(rcps)));
    for shipped in documents {
        // AWS spells its own as it likes.
        if managed_policy(&shipped.name).is_some() {
            continue;
        }
        for statement in &shipped.document.statements {
            for lint in of_statement(statement) {
                if !found.contains(&lint) {
                    found.push(lint);
                }
            }
        }
    }
    found.sort_by(|one, other| one.place.cmp(&other.place));
    found
}

fn of_statement(statement: &Statement) -> Vec<Lint> {
    let patterns: Vec<&str> = statement.actions.values.iter().map(String::as_str).collect();
    let names: Vec<String> =
        statement.conditions.iter().map(|one| operator(&one.operator, one.quantifier, one.if_exists)).collect();
    let clauses: Vec<Clause<'_>> = statement
        .conditions
        .iter()
        .zip(&names)
        .map(|(one, name)| Clause::new(name, &one.key, one.values.iter().map(String::as_str)))
        .collect();
    let effect = match statement.effect {
        Effect::Allow => policy::Effect::Allow,
        Effect::Deny => policy::Effect::Deny,
    };
    let negated = statement.actions.negated;
    let problems = lint_statement(effect, Patterns { negated, values: &patterns }, &clauses);
    problems
        .into_iter()
        .map(|problem| {
            let place = match problem.trouble {
                Trouble::UnknownService | Trouble::UnknownAction => {
                    let element = statement.place.at(if negated { "NotAction" } else { "Action" });
                    let at = patterns.iter().position(|pattern| *pattern == problem.written);
                    at.map_or(element.clone(), |at| element.at(at))
                }
                Trouble::UnknownKey | Trouble::NeverHolds | Trouble::AlwaysHolds => statement
                    .conditions
                    .iter()
                    .find(|one| one.key == problem.written)
                    .map_or_else(|| statement.place.clone(), |one| one.place.clone()),
            };
            Lint { place, problem }
        })
        .collect()
}

/// The operator as it is written.
fn operator(operator: &Operator, quantifier: Option<Quantifier>, if_exists: bool) -> String {
    let name = match operator {
        Operator::Equals { negated: false, any_case: false } => "StringEquals",
        Operator::Equals { negated: true, any_case: false } => "StringNotEquals",
        Operator::Equals { negated: false, any_case: true } => "StringEqualsIgnoreCase",
        Operator::Equals { negated: true, any_case: true } => "StringNotEqualsIgnoreCase",
        Operator::Like { negated: false } => "StringLike",
        Operator::Like { negated: true } => "StringNotLike",
        Operator::Arn { negated: false } => "ArnLike",
        Operator::Arn { negated: true } => "ArnNotLike",
        Operator::Null => "Null",
        Operator::Bool => "Bool",
        Operator::Other(name) => name,
    };
    let quantifier = match quantifier {
        Some(Quantifier::All) => "ForAllValues:",
        Some(Quantifier::Any) => "ForAnyValue:",
        None => "",
    };
    format!("{quantifier}{name}{}", if if_exists { "IfExists" } else { "" })
}
