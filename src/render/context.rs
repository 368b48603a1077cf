//! What a component can see while it renders.

use std::borrow::Cow;

use crate::cfn::expr::kind::{Name, Text};
use crate::cfn::{Expr, LogicalId, Node, Pseudo, Resource};
use crate::ir::StackGraph;
use crate::model::component::{Piece, Text as ModelText};
use crate::model::{Attribute, Component, ComponentName, Grant, Member, Model, Parameter, Sharing, Tier, naming};

/// What a component can see while it renders.
pub(super) struct Context<'a> {
    pub(super) model: &'a Model,
    pub(super) tier: &'a Tier,
    pub(super) member: &'a Member,
    pub(super) stack: &'a mut StackGraph,
}

/// The logical id of a component's resource.
pub(super) fn logical_id(tier: &Tier, component: &Component, role: &str) -> LogicalId {
    LogicalId::from_path(&[tier.name.as_str(), component.identity().as_str(), role])
}

impl<'a> Context<'a> {
    pub(super) fn new(model: &'a Model, tier: &'a Tier, member: &'a Member, stack: &'a mut StackGraph) -> Self {
        Self { model, tier, member, stack }
    }

    /// The logical id of one of the component's own resources.
    pub(super) fn id(&self, role: &str) -> LogicalId {
        logical_id(self.tier, &self.member.component, role)
    }

    /// The component's name.
    pub(super) fn name(&self) -> &'a ComponentName {
        &self.member.component.name
    }

    /// The component's name when it was first deployed: what its ids and physical names are made of, so that a
    /// rename replaces nothing.
    pub(super) fn identity(&self) -> &'a ComponentName {
        self.member.component.identity()
    }

    /// The same of another component.
    pub(super) fn identity_of<'n>(&self, name: &'n ComponentName) -> &'n ComponentName
    where
        'a: 'n,
    {
        self.tier.member(name).map_or(name, |member| member.component.identity())
    }

    /// Adds a resource.
    pub(super) fn add<R: Resource>(&mut self, role: &str, resource: &R) -> LogicalId {
        let id = self.id(role);
        let component = &self.member.component;
        self.stack.add(id.clone(), role, resource, &component.name, &component.origin);
        id
    }

    /// Makes a resource wait for others that its properties do not name.
    pub(super) fn wait(&mut self, id: &LogicalId, others: impl IntoIterator<Item = LogicalId>) {
        if let Some(node) = self.stack.node_mut(id) {
            node.depends_on.extend(others);
        }
    }

    /// Another component of the tier.
    pub(super) fn other(&self, name: &ComponentName) -> Option<&'a Member> {
        self.tier.member(name)
    }

    /// The physical name of a resource: readable, injective, and at most `limit` characters for every tenant.
    pub(super) fn physical_name(&self, suffix: &str, limit: usize) -> Expr<Name> {
        self.physical_name_of(&self.member.component, suffix, limit)
    }

    /// The physical name of another component's resource in this stack.
    pub(super) fn physical_name_of(&self, component: &Component, suffix: &str, limit: usize) -> Expr<Name> {
        let mut component = component.identity().kebab();
        if !suffix.is_empty() {
            component.push('-');
            component.push_str(suffix);
        }
        let stem = naming::stem(&self.model.name, &self.tier.name, &component, limit);
        let (label, digest) = match self.stack.sharing {
            Sharing::Siloed => (Parameter::TenantLabel, Parameter::TenantDigest),
            Sharing::Pooled => (Parameter::Cell, Parameter::CellDigest),
        };
        Expr::concat([stem.into(), "-".into(), label.node(), "-".into(), digest.node()])
    }

    /// A path that no other tenant's begins with: the id stands between slashes, which no id holds.
    pub(super) fn tenant_path(&self, tenant: Node) -> Vec<Node> {
        vec![format!("/{}/{}/", self.model.name, self.tier.name).into(), tenant, "/".into()]
    }

    /// A component's attribute: by `Ref` or `Fn::GetAtt` in this stack, by `Fn::GetStackOutput` from the cell's.
    pub(super) fn attribute(&self, component: &ComponentName, attribute: Attribute) -> Node {
        let Some(member) = self.tier.member(component) else { return "".into() };
        if member.sharing == Some(Sharing::Pooled) && self.stack.sharing == Sharing::Siloed {
            return self.cell_output(super::output_name(member, attribute));
        }
        super::local(self.tier, member, attribute).unwrap_or_else(|| "".into())
    }

    /// An output of the stack that the cell's tenants share.
    pub(super) fn cell_output(&self, name: impl Into<Cow<'static, str>>) -> Node {
        Node::StackOutput { stack: Box::new(Parameter::CellStack.node()), output: name.into(), region: None }
    }

    /// A component's ARN.
    pub(super) fn arn(&self, component: &ComponentName) -> Node {
        self.attribute(component, Attribute::Arn)
    }

    /// Text of the model with its references filled in.
    pub(super) fn text(&self, text: &ModelText) -> Expr<Text> {
        Expr::concat(text.0.iter().map(|piece| match piece {
            Piece::Literal(literal) => Node::from(literal.clone()),
            Piece::Reference(reference) => self.attribute(&reference.component, reference.attribute),
        }))
    }

    /// What the component may do to others.
    pub(super) fn grants(&self) -> impl Iterator<Item = (&'a Grant, &'a Member)> + use<'a> {
        let (tier, name) = (self.tier, &self.member.component.name);
        tier.grants
            .iter()
            .filter(move |grant| grant.from == *name)
            .filter_map(move |grant| Some((grant, tier.member(&grant.to)?)))
    }
}

/// `arn:<partition>:<service>:<region>:<account>:<rest>` of this stack.
pub(super) fn local_arn(service: &'static str, rest: impl IntoIterator<Item = Node>) -> Node {
    let head = [
        "arn:".into(),
        Pseudo::Partition.into(),
        format!(":{service}:").into(),
        Pseudo::Region.into(),
        ":".into(),
        Pseudo::AccountId.into(),
        ":".into(),
    ];
    Expr::<Text>::concat(head.into_iter().chain(rest)).into_node()
}

/// The role of the resource that a component's name stands for.
pub(super) fn main_role(member: &Member) -> &'static str {
    use crate::model::Body;
    match member.component.body {
        Body::Table(_) => "table",
        Body::Bucket(_) => "bucket",
        Body::Queue(_) => "queue",
        Body::Function(_) => "function",
        Body::HttpApi(_) | Body::RestApi(_) => "api",
        Body::Key(_) => "key",
        Body::EventBus(_) => "bus",
        Body::UserPool(_) => "pool",
        Body::Topic(_) => "topic",
        Body::Alarms(_) => "alarms",
        Body::Dashboard(_) => "dashboard",
        Body::Network(_) => "vpc",
        Body::Custom(_) => "custom",
    }
}
