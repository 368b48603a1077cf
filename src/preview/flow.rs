//! What leads from which resource to which: requests, data, events. Read from the templates before their intrinsics are
//! evaluated, because a reference says more than the name it becomes.
//!
//! Resources that only connect others (roles, routes, permissions, mappings) are no ends of an edge: what leads through
//! them is one edge between what they connect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::document::{Edge, End};
use super::gather::Evaluated;
use crate::cfn::catalogue::{Catalogue, Expansion, Level};
use crate::cfn::schema;

/// Where a resource stands in a picture of the flow, from where requests come in to where data rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Requests come in: APIs, keys to them, user pools.
    Entry,
    /// Code runs.
    Compute,
    /// Messages and events wait or are passed on.
    Messages,
    /// Data rests.
    Store,
    /// Keys and secrets.
    Keys,
}

impl Lane {
    /// What is in it, for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Entry => "Entry",
            Self::Compute => "Compute",
            Self::Messages => "Messages",
            Self::Store => "Data",
            Self::Keys => "Keys",
        }
    }
}

/// The lane of a type's resources; nothing for types that only connect others, and for logs.
pub(super) fn lane(kind: &str) -> Option<Lane> {
    Some(match kind {
        "AWS::ApiGateway::RestApi"
        | "AWS::ApiGateway::UsagePlan"
        | "AWS::ApiGatewayV2::Api"
        | "AWS::AppSync::GraphQLApi"
        | "AWS::CloudFront::Distribution"
        | "AWS::Cognito::UserPool"
        | "AWS::ElasticLoadBalancingV2::LoadBalancer"
        | "AWS::Lambda::Url" => Lane::Entry,
        "AWS::Lambda::Function"
        | "AWS::ECS::Service"
        | "AWS::EKS::Cluster"
        | "AWS::EC2::Instance"
        | "AWS::Batch::JobQueue"
        | "AWS::StepFunctions::StateMachine"
        | "AWS::Glue::Job" => Lane::Compute,
        "AWS::SQS::Queue"
        | "AWS::SNS::Topic"
        | "AWS::Events::EventBus"
        | "AWS::Kinesis::Stream"
        | "AWS::KinesisFirehose::DeliveryStream"
        | "AWS::MSK::Cluster" => Lane::Messages,
        "AWS::KMS::Key" | "AWS::SecretsManager::Secret" => Lane::Keys,
        "AWS::Logs::LogGroup" | "AWS::Cognito::UserPoolClient" => return None,
        kind if schema::find(kind).is_some_and(|facts| facts.is_stateful()) => Lane::Store,
        _ => return None,
    })
}

/// Whether edges begin and end at resources of the type.
fn is_end(kind: &str) -> bool {
    lane(kind).is_some() || kind == "AWS::Logs::LogGroup"
}

/// The property by which a resource that only connects belongs to another.
const PARENTS: &[&str] =
    &["UserPoolId", "RestApiId", "ApiId", "FunctionName", "TargetKeyId", "Bucket", "TopicArn", "EventBusName"];

/// A resource: the number of its stack, and its logical id.
type Node<'a> = (usize, &'a str);

/// The graph of references.
struct Graph<'a> {
    stacks: &'a [Evaluated<'a>],
    by_name: BTreeMap<&'a str, usize>,
    edges: BTreeSet<(Node<'a>, Node<'a>, &'static str)>,
}

/// Every edge, in the order of their ends.
pub(super) fn flow(stacks: &[Evaluated<'_>]) -> Vec<Edge> {
    let by_name = stacks.iter().enumerate().map(|(at, stack)| (stack.served.record.name.as_ref(), at)).collect();
    let mut graph = Graph { stacks, by_name, edges: BTreeSet::new() };
    graph.connect();
    graph.grants();
    let end = |(stack, id): Node<'_>| End {
        stack: stacks.get(stack).map(|stack| stack.served.record.name.to_string()).unwrap_or_default(),
        logical_id: id.to_owned(),
    };
    // What is granted says what is done; that code knows a name says less.
    let told: BTreeSet<(Node<'_>, Node<'_>)> =
        graph.edges.iter().filter(|edge| edge.2 != USES).map(|(from, to, _)| (*from, *to)).collect();
    // A function that a queue is mapped to asks for messages itself; one line for both is enough.
    let delivered = |from: Node<'_>, to: Node<'_>| graph.edges.contains(&(to, from, DELIVERS));
    graph
        .edges
        .iter()
        .filter(|(from, to, what)| *what != USES || !told.contains(&(*from, *to)))
        .filter(|(from, to, what)| *what != RECEIVES || !delivered(*from, *to))
        .map(|(from, to, what)| Edge { from: end(*from), to: end(*to), what: (*what).to_owned() })
        .collect()
}

const USES: &str = "uses";
const RECEIVES: &str = "receives from";
const DELIVERS: &str = "delivers to";

impl<'a> Graph<'a> {
    fn resource(&self, (stack, id): Node<'a>) -> Option<&'a Value> {
        self.stacks.get(stack)?.template.value().get("Resources")?.get(id)
    }

    fn kind(&self, node: Node<'a>) -> &'a str {
        self.resource(node).and_then(|resource| resource.get("Type")?.as_str()).unwrap_or_default()
    }

    fn property(&self, node: Node<'a>, name: &str) -> Option<&'a Value> {
        self.resource(node)?.get("Properties")?.get(name)
    }

    /// Every resource that is there.
    fn nodes(&self) -> Vec<Node<'a>> {
        let of = |(at, stack): (usize, &'a Evaluated<'a>)| {
            stack.stack.resources.iter().map(move |resource| (at, resource.logical_id.as_str()))
        };
        self.stacks.iter().enumerate().flat_map(of).collect()
    }

    /// The resources that a value refers to.
    fn references(&self, stack: usize, value: &'a Value, found: &mut Vec<Node<'a>>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.references(stack, item, found)),
            Value::Object(entries) => {
                for (key, value) in entries {
                    match (key.as_str(), value) {
                        ("Ref", Value::String(id)) => self.push(stack, id, found),
                        ("Fn::GetAtt", Value::Array(parts)) => {
                            if let Some(id) = parts.first().and_then(Value::as_str) {
                                self.push(stack, id, found);
                            }
                        }
                        ("Fn::GetAtt", Value::String(path)) => {
                            self.push(stack, path.split('.').next().unwrap_or(path), found);
                        }
                        ("Fn::Sub", _) => {
                            if let Some(text) = value.as_str().or_else(|| value.get(0)?.as_str()) {
                                for variable in text.split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
                                    self.push(stack, variable.split('.').next().unwrap_or(variable), found);
                                }
                            }
                            if let Some(values) = value.get(1) {
                                self.references(stack, values, found);
                            }
                        }
                        ("Fn::GetStackOutput", _) => self.output(stack, value, found),
                        _ => self.references(stack, value, found),
                    }
                }
            }
            _ => {}
        }
    }

    fn push(&self, stack: usize, id: &'a str, found: &mut Vec<Node<'a>>) {
        if self.resource((stack, id)).is_some() {
            found.push((stack, id));
        }
    }

    /// What an output of another stack refers to.
    fn output(&self, stack: usize, call: &'a Value, found: &mut Vec<Node<'a>>) {
        let name = call.get("StackName").and_then(|name| match name {
            Value::String(name) => Some(name.as_str()),
            name => {
                let parameter = name.get("Ref")?.as_str()?;
                let record = &self.stacks.get(stack)?.served.record;
                record.parameters.get(parameter).map(AsRef::as_ref)
            }
        });
        let Some(other) = name.and_then(|name| self.by_name.get(name)) else { return };
        // Stacks read outputs of stacks before them: this ends.
        if *other >= stack {
            return;
        }
        let value = call
            .get("OutputName")
            .and_then(Value::as_str)
            .and_then(|output| self.stacks.get(*other)?.template.value().get("Outputs")?.get(output)?.get("Value"));
        if let Some(value) = value {
            self.references(*other, value, found);
        }
    }

    /// The references of one property, each led to the end that it belongs to.
    fn ends(&self, node: Node<'a>, property: &str) -> Vec<Node<'a>> {
        let mut found = Vec::new();
        if let Some(value) = self.property(node, property) {
            self.references(node.0, value, &mut found);
        }
        found.into_iter().filter_map(|target| self.end(target, 4)).collect()
    }

    /// The resource itself if edges end there, or the one it belongs to.
    fn end(&self, node: Node<'a>, depth: usize) -> Option<Node<'a>> {
        if is_end(self.kind(node)) {
            return Some(node);
        }
        let depth = depth.checked_sub(1)?;
        PARENTS.iter().find_map(|parent| {
            let mut found = Vec::new();
            self.references(node.0, self.property(node, parent)?, &mut found);
            found.into_iter().find_map(|target| self.end(target, depth))
        })
    }

    fn edge(&mut self, from: Node<'a>, to: Node<'a>, what: &'static str) {
        if from != to {
            self.edges.insert((from, to, what));
        }
    }

    fn edges_between(&mut self, from: &[Node<'a>], to: &[Node<'a>], what: &'static str) {
        for one in from {
            for other in to {
                self.edge(*one, *other, what);
            }
        }
    }

    /// The edges that resources make by what they are.
    fn connect(&mut self) {
        for node in self.nodes() {
            let between = |graph: &Self, from: &str, to: &str| (graph.ends(node, from), graph.ends(node, to));
            match self.kind(node) {
                "AWS::Lambda::EventSourceMapping" => {
                    let (from, to) = between(self, "EventSourceArn", "FunctionName");
                    self.edges_between(&from, &to, DELIVERS);
                }
                "AWS::SNS::Subscription" => {
                    let (from, to) = between(self, "TopicArn", "Endpoint");
                    self.edges_between(&from, &to, DELIVERS);
                }
                "AWS::Events::Rule" => {
                    let (from, to) = between(self, "EventBusName", "Targets");
                    self.edges_between(&from, &to, DELIVERS);
                }
                "AWS::ApiGateway::UsagePlan" => {
                    let to = self.ends(node, "ApiStages");
                    self.edges_between(&[node], &to, "admits to");
                }
                "AWS::ApiGateway::Method" => {
                    let (from, to) = between(self, "RestApiId", "Integration");
                    self.edges_between(&from, &to, "calls");
                }
                "AWS::ApiGatewayV2::Integration" => {
                    let (from, to) = between(self, "ApiId", "IntegrationUri");
                    self.edges_between(&from, &to, "calls");
                }
                "AWS::ApiGateway::Authorizer" => {
                    let (from, mut to) = between(self, "RestApiId", "ProviderARNs");
                    to.extend(self.ends(node, "AuthorizerUri"));
                    self.edges_between(&from, &to, "checks tokens of");
                }
                "AWS::ApiGatewayV2::Authorizer" => {
                    let (from, mut to) = between(self, "ApiId", "JwtConfiguration");
                    to.extend(self.ends(node, "AuthorizerUri"));
                    self.edges_between(&from, &to, "checks tokens of");
                }
                kind if is_end(kind) => self.own_edges(node),
                _ => {}
            }
        }
    }

    /// The edges that stand in the properties of an end itself.
    fn own_edges(&mut self, node: Node<'a>) {
        let properties = self.resource(node).and_then(|resource| resource.get("Properties")?.as_object());
        for (name, value) in properties.into_iter().flatten() {
            let what = match name.as_str() {
                "RedrivePolicy" | "DeadLetterConfig" => "sends failures to",
                "LoggingConfig" => "logs to",
                "NotificationConfiguration" => "notifies",
                // Which key is a property of the resource and no flow; who may use keys is in the policies.
                name if name.contains("Kms") || name.contains("SSE") || name.contains("Encryption") => "encrypted with",
                "Environment" | "DefinitionString" | "DefinitionSubstitutions" => USES,
                _ => continue,
            };
            let mut found = Vec::new();
            self.references(node.0, value, &mut found);
            for target in found {
                if let Some(end) = self.end(target, 4)
                    && (what != "encrypted with" || lane(self.kind(end)) == Some(Lane::Keys))
                {
                    self.edge(node, end, what);
                }
            }
        }
    }

    /// The edges that policies grant: from what runs as a role, through the roles it may become, to what those may touch.
    fn grants(&mut self) {
        let mut granted: BTreeMap<Node<'a>, Vec<(&'static str, Node<'a>)>> = BTreeMap::new();
        let mut becomes: BTreeMap<Node<'a>, BTreeSet<Node<'a>>> = BTreeMap::new();
        let mut runs: Vec<(Node<'a>, Node<'a>)> = Vec::new();
        for node in self.nodes() {
            let kind = self.kind(node);
            let (roles, documents): (Vec<Node<'a>>, Vec<&'a Value>) = match kind {
                "AWS::IAM::Role" => {
                    let mut principals = Vec::new();
                    for statement in self.property(node, "AssumeRolePolicyDocument").into_iter().flat_map(statements) {
                        if let Some(who) = statement.get("Principal").filter(|_| allows(statement)) {
                            self.references(node.0, who, &mut principals);
                        }
                    }
                    for principal in principals {
                        becomes.entry(principal).or_default().insert(node);
                    }
                    let inline = self.property(node, "Policies").and_then(Value::as_array);
                    let documents = inline.into_iter().flatten().filter_map(|policy| policy.get("PolicyDocument"));
                    (vec![node], documents.collect())
                }
                "AWS::IAM::RolePolicy" | "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" => {
                    let mut roles = Vec::new();
                    for property in ["RoleName", "Roles"] {
                        if let Some(value) = self.property(node, property) {
                            self.references(node.0, value, &mut roles);
                        }
                    }
                    (roles, self.property(node, "PolicyDocument").into_iter().collect())
                }
                kind if lane(kind) == Some(Lane::Compute) => {
                    for property in ["Role", "RoleArn", "TaskRoleArn", "ExecutionRoleArn"] {
                        let mut roles = Vec::new();
                        if let Some(value) = self.property(node, property) {
                            self.references(node.0, value, &mut roles);
                        }
                        runs.extend(roles.into_iter().map(|role| (node, role)));
                    }
                    continue;
                }
                _ => continue,
            };
            for statement in documents.into_iter().flat_map(statements).filter(|statement| allows(statement)) {
                let Some(what) = statement.get("Action").and_then(verb) else { continue };
                let mut targets = Vec::new();
                if let Some(resources) = statement.get("Resource") {
                    self.references(node.0, resources, &mut targets);
                }
                for target in targets {
                    for role in &roles {
                        if self.kind(target) == "AWS::IAM::Role" {
                            becomes.entry(*role).or_default().insert(target);
                        } else if let Some(end) = self.end(target, 4) {
                            granted.entry(*role).or_default().push((what, end));
                        }
                    }
                }
            }
        }
        for (node, role) in runs {
            let (mut seen, mut waiting) = (BTreeSet::from([role]), vec![role]);
            while let Some(role) = waiting.pop() {
                for (what, target) in granted.get(&role).into_iter().flatten() {
                    self.edge(node, *target, what);
                }
                waiting.extend(becomes.get(&role).into_iter().flatten().filter(|next| seen.insert(**next)));
            }
        }
    }
}

fn statements(document: &Value) -> Vec<&Value> {
    match document.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn allows(statement: &Value) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some("Allow")
}

/// What somebody does who may take these actions, in a word; nothing for actions that no data goes through.
fn verb(actions: &Value) -> Option<&'static str> {
    let actions: Vec<&str> = match actions {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one],
        _ => Vec::new(),
    };
    let begins = |start: &str| actions.iter().any(|action| action.starts_with(start));
    if begins("sts:") {
        return Some("becomes");
    }
    for (start, what) in [
        ("logs:", "logs to"),
        ("kms:", USES),
        ("lambda:Invoke", "calls"),
        ("states:Start", "calls"),
        ("sqs:Send", "sends to"),
        ("sqs:Receive", RECEIVES),
        ("sns:Publish", "sends to"),
        ("events:Put", "sends to"),
        ("kinesis:Put", "sends to"),
    ] {
        if begins(start) {
            return Some(what);
        }
    }
    let catalogue = Catalogue::shipped();
    let (mut reads, mut writes) = (false, false);
    for action in actions {
        let levels: Vec<Level> = match catalogue.expand(action) {
            Expansion::Actions(actions) => actions.into_iter().map(crate::cfn::catalogue::Action::level).collect(),
            _ => vec![Level::Write],
        };
        reads |= levels.iter().any(|level| matches!(level, Level::Read | Level::List));
        writes |= levels.contains(&Level::Write);
    }
    match (reads, writes) {
        (true, true) => Some("reads and writes"),
        (true, false) => Some("reads"),
        (false, true) => Some("writes"),
        (false, false) => None,
    }
}
