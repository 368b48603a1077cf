//! The resource graph: what a tier becomes before it is text.
//!
//! A tier has up to two stacks: one for each cell, with what its tenants share, and one for each tenant, with what
//! a tenant has to itself. Tenants do not multiply the graph: what differs between them is a parameter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::cfn::{LogicalId, Node, Resource};
use crate::diagnostics::Origin;
use crate::model::{ComponentName, Parameter, Sharing};

impl Parameter {
    /// `Ref` to the parameter.
    #[must_use]
    pub fn node(self) -> Node {
        Node::Param(self.as_str().into())
    }
}

/// One resource of a stack.
#[derive(Debug, Clone)]
pub struct GraphNode {
    /// Its logical id.
    pub id: LogicalId,
    /// Its type, such as `AWS::SQS::Queue`.
    pub type_name: String,
    /// The component it belongs to.
    pub component: ComponentName,
    /// What it is to the component: `table`, `session-role`. With the component, what its logical id is made of.
    pub role: String,
    /// Its properties.
    pub properties: Map<String, Value>,
    /// Resources that must exist before, beside those that the properties name.
    pub depends_on: BTreeSet<LogicalId>,
    /// Whether it outlives its stack and its replacement.
    pub retain: bool,
    /// Where the component was written.
    pub origin: Origin,
}

/// A value that a stack shows to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// What it is.
    pub description: String,
    /// The value.
    pub value: Node,
}

/// What becomes one template.
#[derive(Debug, Clone)]
pub struct StackGraph {
    /// Once for each tenant, or once for each cell.
    pub sharing: Sharing,
    /// What the stack is, for people.
    pub description: String,
    /// The resources, in the order of components.
    pub nodes: Vec<GraphNode>,
    /// The outputs by name.
    pub outputs: BTreeMap<String, Output>,
}

impl StackGraph {
    /// An empty stack.
    #[must_use]
    pub fn new(sharing: Sharing, description: String) -> Self {
        Self { sharing, description, nodes: Vec::new(), outputs: BTreeMap::new() }
    }

    /// Adds a resource.
    pub fn add<R: Resource>(
        &mut self,
        id: LogicalId,
        role: &str,
        resource: &R,
        component: &ComponentName,
        origin: &Origin,
    ) {
        let properties = match serde_json::to_value(resource) {
            Ok(Value::Object(properties)) => properties,
            // Generated types serialize to objects; anything else would be caught by the check against the schema.
            _ => Map::new(),
        };
        self.add_untyped(id, role, R::TYPE.to_owned(), properties, component, origin);
    }

    /// Adds a resource of a type that has no Rust type.
    pub fn add_untyped(
        &mut self,
        id: LogicalId,
        role: &str,
        type_name: String,
        properties: Map<String, Value>,
        component: &ComponentName,
        origin: &Origin,
    ) {
        self.nodes.push(GraphNode {
            id,
            type_name,
            component: component.clone(),
            role: role.to_owned(),
            properties,
            depends_on: BTreeSet::new(),
            retain: false,
            origin: origin.clone(),
        });
    }

    /// A resource that was added.
    pub fn node_mut(&mut self, id: &LogicalId) -> Option<&mut GraphNode> {
        self.nodes.iter_mut().find(|node| node.id == *id)
    }
}

/// The stacks of a tier, or of a tenant whose overrides make them different.
#[derive(Debug, Clone, Default)]
pub struct TierGraph {
    /// What the tenants of a cell share.
    pub cell: Option<StackGraph>,
    /// What a tenant has to itself.
    pub tenant: Option<StackGraph>,
}

impl TierGraph {
    /// The stacks there are.
    pub fn stacks_mut(&mut self) -> impl Iterator<Item = &mut StackGraph> {
        self.cell.iter_mut().chain(self.tenant.iter_mut())
    }
}
