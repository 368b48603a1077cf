//! The last look at a stack before it becomes text: properties fit their types, references lead somewhere, and no
//! resources wait for each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cfn::schema::Validator;
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::ir::{GraphNode, StackGraph};
use crate::model::Parameter;

/// What a value names, in the order it stands there.
pub fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(entries) => {
            for (key, inner) in entries {
                match (key.as_str(), inner) {
                    ("Ref", Value::String(name)) => found(name),
                    ("Fn::GetAtt", Value::Array(items)) => {
                        items.first().and_then(Value::as_str).into_iter().for_each(&mut *found);
                    }
                    ("Fn::GetAtt", Value::String(text)) => found(text.split('.').next().unwrap_or(text)),
                    ("Fn::Sub", Value::String(text)) => substitutions(text, &BTreeSet::new(), found),
                    ("Fn::Sub", Value::Array(items)) => {
                        if let [Value::String(text), variables] = items.as_slice() {
                            let own =
                                variables.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default();
                            substitutions(text, &own, found);
                            references(variables, found);
                        }
                    }
                    _ => references(inner, found),
                }
            }
        }
        _ => {}
    }
}

fn substitutions(text: &str, own: &BTreeSet<String>, found: &mut impl FnMut(&str)) {
    for piece in text.split("${").skip(1) {
        let inside = piece.split('}').next().unwrap_or(piece);
        let name = inside.split('.').next().unwrap_or(inside);
        if !inside.starts_with('!') && !own.contains(inside) {
            found(name);
        }
    }
}

/// Checks a stack; what is wrong goes to the sink.
pub fn run(stack: &StackGraph, validator: &mut Validator, sink: &mut Sink) {
    let ids: BTreeSet<&str> = stack.nodes.iter().map(|node| node.id.as_str()).collect();
    let mut edges: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for node in &stack.nodes {
        let properties = Value::Object(node.properties.clone());
        match validator.check(&node.type_name, &properties) {
            Ok(issues) => {
                for issue in issues {
                    sink.push(misfit(node, &issue.pointer, &issue.message));
                }
            }
            Err(unknown) => sink.push(
                Diagnostic::new(
                    &codes::SCHEMA_UNKNOWN_TYPE,
                    node.origin.clone(),
                    format!("`{}` of `{}` is not a resource type", node.type_name, node.component),
                )
                .help_if(unknown.nearest.first().map(|near| format!("did you mean `{near}`?")))
                .help("write the type as CloudFormation does, such as `AWS::AppConfig::Application`"),
            ),
        }
        let mut named = BTreeSet::new();
        references(&properties, &mut |name| {
            named.insert(name.to_owned());
        });
        named.extend(node.depends_on.iter().map(|id| id.as_str().to_owned()));
        for name in &named {
            let known = ids.contains(name.as_str()) || name.starts_with("AWS::") || Parameter::parse(name).is_some();
            if !known {
                sink.push(
                    Diagnostic::new(
                        &codes::SCHEMA_DANGLING,
                        node.origin.clone(),
                        format!("`{}` refers to `{name}`, which its template does not have", node.component),
                    )
                    .help("name a component of the same tier"),
                );
            }
        }
        named.retain(|name| ids.contains(name.as_str()));
        edges.insert(node.id.as_str(), named);
    }
    report_cycle(stack, &edges, sink);
}

fn misfit(node: &GraphNode, pointer: &str, message: &str) -> Diagnostic {
    let place = if pointer.is_empty() { String::new() } else { format!(" at `{pointer}`") };
    Diagnostic::new(
        &codes::SCHEMA_PROPERTY,
        node.origin.clone(),
        format!("`{}` of `{}` does not fit its type{place}: {message}", node.type_name, node.component),
    )
    .help("change the setting that this property comes from; the rules are those of CloudFormation's resource type")
}

/// Reports one circle, if there is any: the shortest way to see it is the components along it.
fn report_cycle(stack: &StackGraph, edges: &BTreeMap<&str, BTreeSet<String>>, sink: &mut Sink) {
    // Resources that wait for nothing are taken away until none is left, or only those in and behind circles.
    let mut remaining: BTreeMap<&str, BTreeSet<&str>> =
        edges.iter().map(|(id, named)| (*id, named.iter().map(String::as_str).collect())).collect();
    loop {
        let free: Vec<&str> = remaining.iter().filter(|(_, named)| named.is_empty()).map(|(id, _)| *id).collect();
        if free.is_empty() {
            break;
        }
        for id in free {
            remaining.remove(id);
            remaining.values_mut().for_each(|named| {
                named.remove(id);
            });
        }
    }
    let Some(start) = remaining.keys().next().copied() else { return };
    let mut walked = vec![start];
    let mut here = start;
    while let Some(next) = remaining.get(here).and_then(|named| named.first().copied()) {
        if let Some(position) = walked.iter().position(|id| *id == next) {
            walked.drain(..position);
            break;
        }
        walked.push(next);
        here = next;
    }
    let mut components: Vec<&str> = Vec::new();
    let mut origin = None;
    for node in walked.iter().filter_map(|id| stack.nodes.iter().find(|node| node.id.as_str() == *id)) {
        if !components.contains(&node.component.as_str()) {
            components.push(node.component.as_str());
        }
        origin.get_or_insert_with(|| node.origin.clone());
    }
    let message = match components.as_slice() {
        [one] => format!("`{one}` waits for itself"),
        [head @ .., last] => {
            let head: Vec<String> = head.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}` wait for each other in a circle", head.join(", "))
        }
        [] => return,
    };
    sink.push(
        Diagnostic::new(&codes::REFERENCE_CYCLE, origin.unwrap_or_default(), message)
            .help("take one of the references out: let the code look the value up when it runs"),
    );
}
