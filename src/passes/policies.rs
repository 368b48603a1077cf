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
            statements(value, &Step { above: None, name: property, number: 0 }, &mut |statement, step| {
                for problem in lint(statement) {
                    let pointer = step.pointer();
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
    Diagnostic::new(problem.code(), origin, format!("{place}: {}", problem.message()))
        .help_if(problem.suggestion())
        .help(problem.help())
}

/// Where a value stands below a property: under a name, or as an item of a list if the name is empty.
#[derive(Clone, Copy)]
struct Step<'a> {
    above: Option<&'a Step<'a>>,
    name: &'a str,
    number: usize,
}

impl Step<'_> {
    /// As a JSON pointer.
    fn pointer(&self) -> String {
        let above = self.above.map(Step::pointer).unwrap_or_default();
        match self.name {
            "" => format!("{above}/{}", self.number),
            name => format!("{above}/{}", name.replace('~', "~0").replace('/', "~1")),
        }
    }
}

/// Finds statements: objects that allow or deny actions.
fn statements(value: &Value, step: &Step<'_>, found: &mut impl FnMut(&Map<String, Value>, &Step<'_>)) {
    match value {
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                statements(item, &Step { above: Some(step), name: "", number }, found);
            }
        }
        Value::Object(entries) => {
            let effect = entries.get("Effect").and_then(Value::as_str);
            let acts = || entries.contains_key("Action") || entries.contains_key("NotAction");
            if matches!(effect, Some("Allow" | "Deny")) && acts() {
                found(entries, step);
                return;
            }
            for (key, inner) in entries {
                statements(inner, &Step { above: Some(step), name: key, number: 0 }, found);
            }
        }
        // Some properties take a policy as text.
        Value::String(text) if text.trim_start().starts_with('{') && text.contains("\"Statement\"") => {
            if let Ok(document) = serde_json::from_str::<Value>(text) {
                statements(&document, step, found);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(properties: &Value) -> Vec<String> {
        let mut found = Vec::new();
        statements(properties, &Step { above: None, name: "Properties", number: 0 }, &mut |statement, step| {
            let pointer = step.pointer();
            found.extend(lint(statement).iter().map(|problem| format!("{pointer} {}", problem.message())));
        });
        found
    }

    #[test]
    fn policies_are_found_wherever_they_stand() {
        let wrong = json!({ "Effect": "Deny", "Action": ["sqs:SendMesage"], "Resource": "*" });
        let document = json!({ "Version": "2012-10-17", "Statement": [wrong] });
        assert_eq!(
            found(&json!({ "Policies": [{ "PolicyDocument": document }] })),
            ["/Properties/Policies/0/PolicyDocument/Statement/0 `sqs:SendMesage` matches no action"]
        );
        assert_eq!(
            found(&json!({ "PolicyDocument": document.to_string() })),
            ["/Properties/PolicyDocument/Statement/0 `sqs:SendMesage` matches no action"]
        );
        assert_eq!(found(&json!({ "Rules": [{ "Effect": "ALLOW", "Action": ["none"] }] })), [""; 0]);
    }

    #[test]
    fn what_is_worked_out_on_deployment_may_be_anything() {
        let statement = |action: Value, condition: Value| {
            found(&json!({ "Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition }))
        };
        let prefix = json!({ "StringLike": { "s3:prefix": { "Ref": "TenantId" } } });
        assert_eq!(statement(json!([{ "Fn::Sub": "s3:${Verb}" }, "s3:GetObject"]), prefix.clone()), [""; 0]);
        assert_eq!(statement(json!("s3:GetObject"), prefix).len(), 1);
        let chosen = json!({ "Fn::If": ["Big", { "Bool": { "aws:SecureTransport": "true" } }, {}] });
        assert_eq!(statement(json!("s3:GetObject"), chosen), [""; 0]);
        let present =
            |value: Value| statement(json!("dynamodb:Scan"), json!({ "Null": { "dynamodb:LeadingKeys": value } }));
        assert_eq!(present(json!(false)).len(), 1);
        assert_eq!(present(json!("true")), [""; 0]);
        assert_eq!(present(json!({ "Ref": "Wanted" })), [""; 0]);
    }
}
