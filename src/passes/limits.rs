//! The limits of CloudFormation and IAM, from the dated facts: a template that breaks one would fail at deployment.

use serde_json::Value;

use crate::diagnostics::{Code, Diagnostic, Origin, Sink, codes};
use crate::facts::{Facts, FactsError, Limit};
use crate::ir::{GraphNode, StackGraph};

/// Characters that a value of CloudFormation may have in a policy once it is filled in: an ARN with an account, a
/// region and a name of 64 characters.
const FILLED_IN: usize = 120;

/// Checks the counts and the policies of a stack; what is too large goes to the sink.
///
/// # Errors
/// If a limit is missing from the facts.
pub fn run(stack: &StackGraph, what: &str, origin: &Origin, facts: &Facts, sink: &mut Sink) -> Result<(), FactsError> {
    over(
        &codes::LIMIT_RESOURCES,
        what,
        "resources",
        stack.nodes.len(),
        facts.limit("template_resources")?,
        origin,
        sink,
    );
    over(&codes::LIMIT_OUTPUTS, what, "outputs", stack.outputs.len(), facts.limit("template_outputs")?, origin, sink);
    let inline = facts.limit("iam_role_inline_size")?;
    let trust = facts.limit("iam_trust_policy_size")?;
    for node in stack.nodes.iter().filter(|node| node.type_name == "AWS::IAM::Role") {
        let documents = node.properties.get("Policies").and_then(Value::as_array).into_iter().flatten();
        let size = documents.filter_map(|policy| policy.get("PolicyDocument")).map(policy_size).sum();
        policy(node, "the policies of its role have", size, inline, sink);
        if let Some(document) = node.properties.get("AssumeRolePolicyDocument") {
            policy(node, "the trust policy of its role has", policy_size(document), trust, sink);
        }
    }
    Ok(())
}

/// Checks the size of a template.
///
/// # Errors
/// If the limit is missing from the facts.
pub fn size(bytes: usize, what: &str, origin: &Origin, facts: &Facts, sink: &mut Sink) -> Result<(), FactsError> {
    over(&codes::LIMIT_TEMPLATE_SIZE, what, "bytes", bytes, facts.limit("template_body_s3")?, origin, sink);
    Ok(())
}

fn over(code: &'static Code, what: &str, unit: &str, count: usize, limit: &Limit, origin: &Origin, sink: &mut Sink) {
    if count > limit.size() {
        sink.push(
            Diagnostic::new(
                code,
                origin.clone(),
                format!("{what} has {count} {unit}, and CloudFormation takes {} at most", limit.size()),
            )
            .help("split the tier's components over two tiers, or take some out"),
        );
    }
}

fn policy(node: &GraphNode, what: &str, size: usize, limit: &Limit, sink: &mut Sink) {
    if size > limit.size() {
        sink.push(
            Diagnostic::new(
                &codes::LIMIT_POLICY_SIZE,
                node.origin.clone(),
                format!(
                    "`{}` may do too much for one role: {what} up to {size} characters, and IAM takes {} at most",
                    node.component,
                    limit.size()
                ),
            )
            .help("split the function, so that each part needs access to less"),
        );
    }
}

/// Characters of a policy document without white space, with room for what CloudFormation fills in.
fn policy_size(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(truth) => truth.to_string().len(),
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text.chars().count() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| policy_size(item) + 1).sum::<usize>(),
        Value::Object(entries) => match entries.iter().next() {
            Some((key, Value::String(text))) if key == "Fn::Sub" => {
                text.chars().count()
                    + 2
                    + FILLED_IN * text.matches("${").count().saturating_sub(text.matches("${!").count())
            }
            Some((key, _)) if key == "Ref" || key.starts_with("Fn::") => FILLED_IN,
            _ => 2 + entries.iter().map(|(key, value)| key.chars().count() + 4 + policy_size(value)).sum::<usize>(),
        },
    }
}
