//! Looks at every policy document of a stack, and at every guardrail: actions and condition keys exist, and conditions
//! are on keys that requests carry. The facts are those of [`crate::cfn::catalogue`].

use serde_json::{Map, Value};

use crate::cfn::Node;
use crate::cfn::catalogue::{Clause, Patterns, Problem, lint_statement};
use crate::cfn::policy::{Effect, Statement};
use crate::diagnostics::{Diagnostic, Origin, Sink};
use crate::ir::StackGraph;
use crate::render::guardrails::Group;

/// What stands for an action that is not plain text: it may be any.
const OPAQUE: &str = "${}";

/// Checks the policies of a stack; what is wrong goes to the sink. A policy is found wherever it stands in the
/// properties, as JSON in a text too.
pub fn run(stack: &StackGraph, sink: &mut Sink) {
    for node in &stack.nodes {
        for (property, value) in &node.properties {
            statements(value, &format!("/{property}"), &mut |statement, pointer| {
                for problem in lint(statement) {
                    let place = format!("`{}` has a policy at `{pointer}`", node.component);
                    sink.push(diagnostic(&problem, &place, node.origin.clone()));
                }
            });
        }
    }
}

/// Checks the statements of guardrails; `place` knows where one was written.
pub fn guardrails<P>(groups: &[Group<P>], place: impl Fn(&str) -> Origin, sink: &mut Sink) {
    for group in groups {
        for statement in &group.statements {
            for problem in lint_typed(statement) {
                let what = format!("the guardrail `{}` has a statement", group.name);
                sink.push(diagnostic(&problem, &what, place(&group.name)));
            }
        }
    }
}

fn diagnostic(problem: &Problem, place: &str, origin: Origin) -> Diagnostic {
    Diagnostic::new(problem.code(), origin, format!("{place}: {}", problem.message())).help_if(problem.help())
}

/// Finds statements: objects that allow or deny actions.
fn statements(value: &Value, pointer: &str, found: &mut impl FnMut(&Map<String, Value>, &str)) {
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                statements(item, &format!("{pointer}/{at}"), found);
            }
        }
        Value::Object(entries) => {
            let effect = entries.get("Effect").and_then(Value::as_str);
            let acts = entries.contains_key("Action") || entries.contains_key("NotAction");
            if matches!(effect, Some("Allow" | "Deny")) && acts {
                found(entries, pointer);
                return;
            }
            for (key, inner) in entries {
                // What contains nothing has no statement in it, and most properties are such.
                if inner.is_object() || inner.is_array() || inner.is_string() {
                    statements(inner, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), found);
                }
            }
        }
        Value::String(text) if text.trim_start().starts_with('{') && text.contains("\"Statement\"") => {
            if let Ok(document) = serde_json::from_str::<Value>(text) {
                statements(&document, pointer, found);
            }
        }
        _ => {}
    }
}

/// The texts of a list that may stand without brackets; what is no text may be anything.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap_or(OPAQUE)).collect(),
        one => vec![one.as_str().unwrap_or(OPAQUE)],
    }
}

/// The values of a condition, without those that are not known here.
fn known(value: &Value) -> Vec<&str> {
    let plain = |value| match value {
        &Value::Bool(true) => Some("true"),
        &Value::Bool(false) => Some("false"),
        other => Value::as_str(other),
    };
    match value {
        Value::Array(items) => items.iter().filter_map(plain).collect(),
        one => plain(one).into_iter().collect(),
    }
}

fn lint(statement: &Map<String, Value>) -> Vec<Problem> {
    let effect = match statement.get("Effect").and_then(Value::as_str) {
        Some("Deny") => Effect::Deny,
        _ => Effect::Allow,
    };
    let negated = statement.get("NotAction");
    let patterns = statement.get("Action").or(negated).map(texts).unwrap_or_default();
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    let clauses: Vec<Clause<'_>> = operators
        .filter_map(|(operator, keys)| Some((operator, keys.as_object()?)))
        .filter(|(operator, _)| !operator.starts_with("Fn::"))
        .flat_map(|(operator, keys)| {
            let keys = keys.iter().filter(|(key, _)| !key.starts_with("Fn::") && *key != "Ref");
            keys.map(|(key, values)| Clause::new(operator, key, known(values)))
        })
        .collect();
    let negated = negated.is_some() && !statement.contains_key("Action");
    lint_statement(effect, Patterns { negated, values: &patterns }, &clauses)
}

fn lint_typed<P>(statement: &Statement<P>) -> Vec<Problem> {
    let (negated, actions) = match (statement.actions(), statement.not_actions()) {
        (Some(actions), _) => (false, actions),
        (None, actions) => (true, actions.unwrap_or_default()),
    };
    let patterns: Vec<&str> = actions.iter().map(String::as_str).collect();
    let conditions = statement.conditions().iter().map(|(operator, keys)| (operator.name(), keys));
    let mut clauses = Vec::new();
    for (operator, keys) in conditions {
        for (key, values) in keys {
            let values = values.iter().filter_map(|value| match value {
                Node::Text(text) => Some(text.as_ref()),
                _ => None,
            });
            clauses.push(Clause::new(&operator, key, values));
        }
    }
    lint_statement(statement.effect(), Patterns { negated, values: &patterns }, &clauses)
}
