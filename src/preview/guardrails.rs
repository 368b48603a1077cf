//! The organization's policies that bind a tenant's accounts, in words.

use serde_json::Value;

use super::document::{Guardrail, StatementView};
use super::gather::{Evaluated, PreviewError, Subject};
use crate::assembly::{Boundary, State};
use crate::diagnostics::{Diagnostic, Origin, codes};

/// The most names that a summary lists before it counts them.
const LISTED: usize = 3;

/// The policies of the tenant's tier, and those that suspended tenants have beside them.
pub(super) fn guardrails(subject: &Subject<'_>, stacks: &[Evaluated<'_>]) -> Result<Vec<Guardrail>, PreviewError> {
    let mut paths: Vec<(&str, &'static str, bool)> = Vec::new();
    if let Some(tier) = subject.tier {
        paths.extend(tier.policies.scp.iter().map(|path| (path.as_str(), "scp", false)));
        paths.extend(tier.policies.rcp.iter().map(|path| (path.as_str(), "rcp", false)));
    }
    // Only an account that is the tenant's alone moves to the unit of suspended tenants.
    let own_account = subject.tier.is_some_and(|tier| tier.boundary == Boundary::Account);
    if own_account && subject.record.state == State::Suspended {
        let declared = stacks.iter().filter_map(|stack| stack.declared.as_ref());
        for path in declared.flat_map(|declared| &declared.guardrails.suspended) {
            if !paths.iter().any(|(known, ..)| known == path) {
                paths.push((path, "scp", true));
            }
        }
    }
    let mut guardrails = Vec::with_capacity(paths.len());
    for (path, kind, suspended) in paths {
        let document = read(subject, path)?;
        let statements = match document.get("Statement") {
            Some(Value::Array(list)) => list.iter().map(statement).collect(),
            Some(one) => vec![statement(one)],
            None => Vec::new(),
        };
        guardrails.push(Guardrail { path: path.to_owned(), kind: kind.to_owned(), suspended, statements });
    }
    Ok(guardrails)
}

/// A policy document of the assembly.
pub(super) fn read(subject: &Subject<'_>, path: &str) -> Result<Value, PreviewError> {
    let bytes = subject.assembly.file(path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let full = subject.assembly.root().join(path).to_string_lossy().into_owned();
        let message = format!("cannot read the policy `{full}`: {error}");
        PreviewError::Found(Box::new(Diagnostic::new(
            &codes::VERIFY_MANIFEST,
            Origin::Path(full.as_str().into()),
            message,
        )))
    })
}

fn statement(statement: &Value) -> StatementView {
    let text = |key: &str| statement.get(key).and_then(Value::as_str).map(str::to_owned);
    let effect = text("Effect").unwrap_or_else(|| "Deny".to_owned());
    StatementView { sid: text("Sid"), summary: summary(statement, &effect), effect }
}

/// A statement as a sentence's part: `denies 3 actions of organizations, unless aws:PrincipalArn …`.
fn summary(statement: &Value, effect: &str) -> String {
    let verb = if effect == "Allow" { "allows" } else { "denies" };
    let actions = match (statement.get("Action"), statement.get("NotAction")) {
        (Some(actions), _) => some_actions(&texts(actions)),
        (None, Some(except)) => format!("every action but {}", some_actions(&texts(except))),
        (None, None) => "nothing".to_owned(),
    };
    let mut sentence = format!("{verb} {actions}");
    let resources = statement.get("Resource").map(texts).unwrap_or_default();
    if !resources.is_empty() && resources != ["*"] {
        sentence += &format!(" on {}", listed(&resources, "resources"));
    }
    if let Some(except) = statement.get("NotResource").map(texts) {
        sentence += &format!(" on everything but {}", listed(&except, "resources"));
    }
    for (number, condition) in conditions(statement).into_iter().enumerate() {
        sentence += if number == 0 { " where " } else { " and " };
        sentence += &condition;
    }
    sentence
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => vec![text],
        _ => Vec::new(),
    }
}

/// Actions by name while they are few, and by service when they are many.
fn some_actions(actions: &[&str]) -> String {
    if actions == ["*"] {
        return "every action".to_owned();
    }
    if actions.len() <= LISTED {
        return listed(actions, "actions");
    }
    let mut services: Vec<&str> = actions.iter().filter_map(|action| action.split(':').next()).collect();
    services.sort_unstable();
    services.dedup();
    format!("{} actions of {}", actions.len(), listed(&services, "services"))
}

fn listed(names: &[&str], what: &str) -> String {
    if names.len() > LISTED { format!("{} {what}", names.len()) } else { names.join(", ") }
}

/// The conditions of a statement in words, each `KEY is one of …`.
fn conditions(statement: &Value) -> Vec<String> {
    let Some(operators) = statement.get("Condition").and_then(Value::as_object) else { return Vec::new() };
    let keys = operators.iter().flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, values)| (operator.as_str(), key, values))
    });
    keys.map(|(operator, key, values)| {
        let values = texts(values);
        let base = operator.rsplit(':').next().unwrap_or(operator).trim_end_matches("IfExists");
        if base == "Null" {
            let absent = values.first() == Some(&"true");
            return format!("{key} is {}", if absent { "absent" } else { "present" });
        }
        let relation = match (base.contains("Not"), base.contains("Like"), values.len()) {
            (false, false, 1) => "is",
            (false, false, _) => "is one of",
            (false, true, _) => "is like",
            (true, false, 1) => "is not",
            (true, false, _) => "is none of",
            (true, true, _) => "is not like",
        };
        format!("{key} {relation} {}", listed(&values, "values"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statements_are_told_in_words() {
        let told = |value: Value| statement(&value).summary;
        assert_eq!(
            told(
                json!({"Sid": "Leave", "Effect": "Deny", "Action": "organizations:LeaveOrganization", "Resource": "*"})
            ),
            "denies organizations:LeaveOrganization"
        );
        assert_eq!(
            told(json!({
                "Effect": "Deny", "NotAction": ["a4b:*", "iam:*", "iam:X", "sts:*"], "Resource": "*",
                "Condition": {
                    "StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]},
                    "Null": {"aws:AssumedRoot": "true"},
                    "ArnNotLikeIfExists": {"aws:PrincipalArn": "arn:*:iam::*:role/Break"}
                }
            })),
            "denies every action but 4 actions of a4b, iam, sts where aws:RequestedRegion is none of eu-central-1, \
             eu-west-1 and aws:AssumedRoot is absent and aws:PrincipalArn is not like arn:*:iam::*:role/Break"
        );
    }
}
