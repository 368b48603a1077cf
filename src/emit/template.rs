//! A stack as a CloudFormation template.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::cfn::expr::Node;
use crate::ir::StackGraph;
use crate::model::naming::{DIGEST_LENGTH, LABEL_LENGTH};
use crate::model::{IdLanguage, Parameter};
use crate::passes::validate::references;

/// A template, whole.
#[derive(Debug, Clone)]
pub struct Template {
    /// The template as a value.
    pub value: Value,
    /// The template as text.
    pub bytes: Vec<u8>,
    /// The parameters it declares.
    pub parameters: Vec<Parameter>,
    /// How many resources it has.
    pub resources: usize,
}

/// The template of a stack. Only parameters that are used are declared.
#[must_use]
pub fn template(stack: &StackGraph, ids: &IdLanguage) -> Template {
    let mut resources = Map::new();
    for node in &stack.nodes {
        let mut resource = Map::new();
        resource.insert("Type".to_owned(), node.type_name.as_str().into());
        if !node.depends_on.is_empty() {
            let waits: Vec<&str> = node.depends_on.iter().map(|id| id.as_str()).collect();
            resource.insert("DependsOn".to_owned(), waits.into());
        }
        if node.retain {
            resource.insert("DeletionPolicy".to_owned(), "Retain".into());
            resource.insert("UpdateReplacePolicy".to_owned(), "Retain".into());
        }
        if !node.properties.is_empty() {
            resource.insert("Properties".to_owned(), node.properties.clone().into());
        }
        resources.insert(node.id.to_string(), resource.into());
    }
    let mut outputs = Map::new();
    for (name, output) in &stack.outputs {
        outputs.insert(name.clone(), json!({"Description": output.description, "Value": as_json(&output.value)}));
    }
    let resources = Value::Object(resources);
    let outputs = Value::Object(outputs);
    let mut used = BTreeSet::new();
    for part in [&resources, &outputs] {
        references(part, &mut |name| used.extend(Parameter::parse(name)));
    }
    let mut parameters = Map::new();
    for parameter in &used {
        parameters.insert(parameter.as_str().to_owned(), declaration(*parameter, ids));
    }
    let count = stack.nodes.len();
    let mut template = Map::new();
    template.insert("AWSTemplateFormatVersion".to_owned(), "2010-09-09".into());
    template.insert("Description".to_owned(), stack.description.as_str().into());
    if !parameters.is_empty() {
        template.insert("Parameters".to_owned(), parameters.into());
    }
    template.insert("Resources".to_owned(), resources);
    if outputs.as_object().is_some_and(|outputs| !outputs.is_empty()) {
        template.insert("Outputs".to_owned(), outputs);
    }
    let value = Value::Object(template);
    let bytes = super::pretty(&value);
    Template { value, bytes, parameters: used.into_iter().collect(), resources: count }
}

fn as_json(node: &Node) -> Value {
    serde_json::to_value(node).unwrap_or(Value::Null)
}

/// A parameter refuses what cannot be its value, so that a template deployed by hand fails before it makes anything.
fn declaration(parameter: Parameter, ids: &IdLanguage) -> Value {
    let text = |description: &str, pattern: &str| json!({"Type": "String", "Description": description, "AllowedPattern": pattern});
    match parameter {
        Parameter::TenantId => text("The tenant's id", ids.pattern()),
        Parameter::TenantLabel => {
            text("The readable part of the tenant's names", &format!("^[a-z0-9][a-z0-9-]{{0,{}}}$", LABEL_LENGTH - 1))
        }
        Parameter::TenantDigest => text("The digest in the tenant's names", &format!("^[a-z2-7]{{{DIGEST_LENGTH}}}$")),
        Parameter::Cell => text("The cell", "^[a-z][a-z0-9-]{0,15}$"),
        Parameter::CellDigest => text("The digest in the cell's names", &format!("^[a-z2-7]{{{DIGEST_LENGTH}}}$")),
        Parameter::CellStack => text("The stack that the cell's tenants share", "^[a-zA-Z][a-zA-Z0-9-]{0,127}$"),
        Parameter::Owner => {
            json!({"Type": "String", "Description": "Who owns the resources", "MinLength": 1, "MaxLength": 256})
        }
        Parameter::CostCenter => {
            json!({"Type": "String", "Description": "Who pays for the resources", "MinLength": 1, "MaxLength": 256})
        }
    }
}
