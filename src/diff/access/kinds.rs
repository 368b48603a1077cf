//! Which properties of which resource types say who may do what: `data/access-properties.json`, and the types whose
//! properties are no policy documents but mean one.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::network::{Rules, Way, compare};
use super::opaque::scalar;
use super::{Comparison, PolicyKind, statements};
use crate::diff::change::Access;
use crate::prove::actions::managed_policy;

#[derive(Debug, Deserialize)]
struct File {
    types: BTreeMap<String, Kind>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Kind {
    separate: bool,
    targets: Vec<String>,
    documents: Vec<Document>,
    inline: Vec<String>,
    managed: Vec<String>,
    limits: Vec<String>,
    scalars: Vec<Scalar>,
    sets: Vec<String>,
    limitsets: Vec<String>,
    opaque: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    property: String,
    kind: PolicyKind,
    absent: Option<Absent>,
}

/// What AWS puts in the place of a policy that is not given.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Absent {
    /// The account decides with policies of its identities.
    Account,
    /// Everything is allowed.
    Everything,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scalar {
    property: String,
    /// From the narrowest to the widest.
    order: Vec<String>,
    absent: String,
    #[serde(default = "yes")]
    alone: bool,
}

fn yes() -> bool {
    true
}

/// The data file; nothing if it is broken, which a test rules out.
fn types() -> &'static BTreeMap<String, Kind> {
    static TYPES: OnceLock<BTreeMap<String, Kind>> = OnceLock::new();
    TYPES.get_or_init(|| {
        serde_json::from_str(include_str!("../../../data/access-properties.json"))
            .map(|file: File| file.types)
            .unwrap_or_default()
    })
}

const SECURITY_GROUP: &str = "AWS::EC2::SecurityGroup";
const INGRESS: &str = "AWS::EC2::SecurityGroupIngress";
const EGRESS: &str = "AWS::EC2::SecurityGroupEgress";
const NETWORK_ACL_ENTRY: &str = "AWS::EC2::NetworkAclEntry";
const PERMISSION: &str = "AWS::Lambda::Permission";
const LAYER_PERMISSION: &str = "AWS::Lambda::LayerVersionPermission";
const EVENT_BUS_POLICY: &str = "AWS::Events::EventBusPolicy";

/// The types that are read by code of their own.
const OWN: [&str; 7] =
    [SECURITY_GROUP, INGRESS, EGRESS, NETWORK_ACL_ENTRY, PERMISSION, LAYER_PERMISSION, EVENT_BUS_POLICY];

/// Whether resources of this CloudFormation type say who may do what.
#[must_use]
pub fn is_relevant(kind: &str) -> bool {
    OWN.contains(&kind) || types().contains_key(kind)
}

/// The value at a path of properties.
fn at<'a>(properties: Option<&'a Value>, path: &str) -> Option<&'a Value> {
    path.split('/').try_fold(properties?, |value, step| value.get(step))
}

/// The members of a list, or the one that stands for it, as texts.
fn members(properties: Option<&Value>, path: &str) -> BTreeSet<String> {
    let text = |value: &Value| scalar(value).unwrap_or_else(|| value.to_string());
    match at(properties, path) {
        None | Some(Value::Null) => BTreeSet::new(),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(one) => BTreeSet::from([text(one)]),
    }
}

/// More members, more access.
fn more<T: Ord>(old: &BTreeSet<T>, new: &BTreeSet<T>) -> Access {
    match (new.is_subset(old), old.is_subset(new)) {
        (true, true) => Access::Same,
        (true, false) => Access::Narrowed,
        (false, _) => Access::Broadened,
    }
}

fn turned(access: Access) -> Access {
    match access {
        Access::Broadened => Access::Narrowed,
        Access::Narrowed => Access::Broadened,
        other => other,
    }
}

impl Comparison {
    /// Properties of a resource, references in letters.
    pub(super) fn resources(&mut self, kind: &str, old: Option<&Value>, new: Option<&Value>) -> Access {
        match kind {
            SECURITY_GROUP => {
                let ways = [(Way::Ingress, "SecurityGroupIngress"), (Way::Egress, "SecurityGroupEgress")];
                ways.into_iter().map(|(way, key)| compare(&group(old, way, key), &group(new, way, key))).max()
            }
            .unwrap_or(Access::Same),
            INGRESS => standalone(old, new, Way::Ingress),
            EGRESS => standalone(old, new, Way::Egress),
            NETWORK_ACL_ENTRY => acl_entry(old, new),
            PERMISSION => self.written(old, new, permission),
            LAYER_PERMISSION => self.written(old, new, layer_permission),
            EVENT_BUS_POLICY => self.written(old, new, bus_policy),
            _ => types().get(kind).map_or(Access::Same, |known| self.known(known, old, new)),
        }
    }

    /// Properties that mean a policy document.
    fn written(&mut self, old: Option<&Value>, new: Option<&Value>, write: impl Fn(&Value) -> Option<Value>) -> Access {
        let (before, after) = (old.map(&write), new.map(&write));
        match (before, after) {
            (Some(None), _) | (_, Some(None)) => Access::Undecided,
            (before, after) => {
                let (before, after) = (before.flatten(), after.flatten());
                self.documents(before.as_slice(), after.as_slice(), PolicyKind::Resource)
            }
        }
    }

    fn known(&mut self, kind: &Kind, old: Option<&Value>, new: Option<&Value>) -> Access {
        let mut widest = Access::Same;
        // A role that goes takes its refusals with it: nobody is left whom they bound.
        if !kind.separate && new.is_none() {
            return self.gone(kind, old);
        }
        let account = self.letters.letter("AWS::AccountId").to_string();
        for document in &kind.documents {
            let of = |properties: Option<&Value>| -> Vec<Value> {
                let given = at(properties, &document.property).cloned();
                given
                    .or_else(|| properties.and(document.absent).map(|absent| implied(absent, &account)))
                    .into_iter()
                    .collect()
            };
            let (mut before, mut after) = (of(old), of(new));
            if document.kind == PolicyKind::ServiceControl {
                before.retain(|_| is_guardrail(old));
                after.retain(|_| is_guardrail(new));
                // Tag policies, backup policies and their like say nothing about who may do what.
            }
            let change = self.for_targets(&kind.targets, (old, &before), (new, &after), document.kind);
            // A resource that is new and refuses something was not there to be asked before.
            widest = widest.max(if old.is_none() && !kind.separate && change == Access::Narrowed {
                Access::Same
            } else {
                change
            });
        }
        widest = widest.max(self.attached(kind, old, new));
        for path in &kind.limits {
            widest = widest.max(match (at(old, path), at(new, path)) {
                (None, None) => Access::Same,
                (None, Some(_)) if old.is_none() => Access::Same,
                (None, Some(_)) => Access::Narrowed,
                (Some(_), None) => Access::Broadened,
                (Some(old), Some(new)) if old == new => Access::Same,
                (Some(_), Some(_)) => Access::Undecided,
            });
        }
        for path in &kind.sets {
            widest = widest.max(more(&members(old, path), &members(new, path)));
        }
        for path in &kind.limitsets {
            let (before, after) = (members(old, path), members(new, path));
            // Of several scopes one is enough: no scope asks for nothing, and one more is one more way in.
            widest = widest.max(match (old.is_none() || before == after, before.is_empty(), after.is_empty()) {
                (true, _, _) => Access::Same,
                (_, true, _) => Access::Narrowed,
                (_, _, true) => Access::Broadened,
                _ => more(&before, &after),
            });
        }
        for known in &kind.scalars {
            widest = widest.max(known.compare(old, new));
        }
        for path in &kind.opaque {
            let differs = at(old, path) != at(new, path);
            if differs && (old.is_some() || kind.separate) {
                widest = widest.max(Access::Undecided);
            }
        }
        widest
    }

    /// The resource goes, and what it granted with it.
    fn gone(&mut self, kind: &Kind, old: Option<&Value>) -> Access {
        let granted = kind.documents.iter().any(|document| at(old, &document.property).is_some())
            || kind.documents.iter().any(|document| document.absent.is_some())
            || [&kind.inline, &kind.managed, &kind.sets]
                .iter()
                .any(|paths| paths.iter().any(|path| !members(old, path).is_empty()))
            || kind.scalars.iter().any(|known| known.compare(old, None) != Access::Same);
        if granted { Access::Narrowed } else { Access::Same }
    }

    /// A policy for each of its targets: one that is new was not bound before.
    fn for_targets(
        &mut self,
        targets: &[String],
        (old, before): (Option<&Value>, &[Value]),
        (new, after): (Option<&Value>, &[Value]),
        kind: PolicyKind,
    ) -> Access {
        let of = |properties: Option<&Value>| -> BTreeSet<(usize, String)> {
            let named = |(at, path): (usize, &String)| -> Vec<(usize, String)> {
                members(properties, path).into_iter().map(|name| (at, name)).collect()
            };
            targets.iter().enumerate().flat_map(named).collect()
        };
        let change = self.documents(before, after, kind);
        if old.is_none() || new.is_none() {
            return change;
        }
        let (bound_before, bound_after) = (of(old), of(new));
        let mut widest = change;
        if !bound_after.is_subset(&bound_before) {
            widest = widest.max(self.documents(&[], after, kind));
        }
        if !bound_before.is_subset(&bound_after) {
            widest = widest.max(self.documents(before, &[], kind));
        }
        widest
    }

    /// Inline policies and managed ones, which all stand side by side.
    fn attached(&mut self, kind: &Kind, old: Option<&Value>, new: Option<&Value>) -> Access {
        if kind.inline.is_empty() && kind.managed.is_empty() {
            return Access::Same;
        }
        let (before, after) = (Attached::of(kind, old), Attached::of(kind, new));
        let mut widest = self.documents(&before.documents, &after.documents, PolicyKind::Identity);
        for name in after.unknown.difference(&before.unknown) {
            widest = widest.max(if refuses(name) { Access::Narrowed } else { Access::Broadened });
        }
        for name in before.unknown.difference(&after.unknown) {
            widest = widest.max(match (refuses(name), name.contains(":iam::aws:policy/")) {
                (true, _) => Access::Broadened,
                (false, true) => Access::Narrowed,
                // A policy of one's own may refuse as well.
                (false, false) => Access::Undecided,
            });
        }
        widest
    }
}

/// Whether an AWS managed policy is one of those that only refuse.
fn refuses(arn: &str) -> bool {
    arn.split_once(":iam::aws:policy/").is_some_and(|(_, name)| name.contains("Deny") || name.contains("Quarantine"))
}

/// Policies of an identity.
#[derive(Debug, Default)]
struct Attached {
    documents: Vec<Value>,
    /// Managed policies whose text is not known, by ARN or reference.
    unknown: BTreeSet<String>,
}

impl Attached {
    fn of(kind: &Kind, properties: Option<&Value>) -> Self {
        let mut attached = Self::default();
        for path in &kind.inline {
            let list = at(properties, path).and_then(Value::as_array).into_iter().flatten();
            attached.documents.extend(list.filter_map(|policy| policy.get("PolicyDocument").cloned()));
        }
        for arn in kind.managed.iter().flat_map(|path| members(properties, path)) {
            match managed_policy(&arn) {
                Some(document) if statements(std::slice::from_ref(document), PolicyKind::Identity).is_some() => {
                    attached.documents.push(document.clone());
                }
                _ => _ = attached.unknown.insert(arn),
            }
        }
        attached
    }
}

impl Scalar {
    fn compare(&self, old: Option<&Value>, new: Option<&Value>) -> Access {
        if !self.alone && (old.is_none() || new.is_none()) {
            return Access::Same;
        }
        let of = |properties: Option<&Value>| {
            let given = at(properties, &self.property);
            properties?;
            Some(given.map_or_else(|| self.absent.clone(), |value| scalar(value).unwrap_or_else(|| value.to_string())))
        };
        let (before, after) = (of(old), of(new));
        // What is not there is as narrow as can be; so is the first of an order of several.
        let rank = |value: Option<&String>| match value {
            None => Some(0),
            Some(text) => {
                let place = self.order.iter().position(|known| known.eq_ignore_ascii_case(text));
                place.map(|place| if self.order.len() > 1 { place } else { place + 1 })
            }
        };
        let widest = if self.order.len() > 1 { self.order.len() - 1 } else { 1 };
        match (rank(before.as_ref()), rank(after.as_ref())) {
            _ if before == after => Access::Same,
            (Some(before), Some(after)) => match before.cmp(&after) {
                Ordering::Less => Access::Broadened,
                Ordering::Equal => Access::Same,
                Ordering::Greater => Access::Narrowed,
            },
            // Where only the widest value is known, others are not compared among each other.
            (None, Some(after)) if after == widest => Access::Broadened,
            (Some(before), None) if before == widest => Access::Narrowed,
            _ if old.is_none() || new.is_none() => Access::Same,
            _ => Access::Undecided,
        }
    }
}

/// What a resource has that gives no policy.
fn implied(absent: Absent, account: &str) -> Value {
    let principal = match absent {
        // <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
        Absent::Account => json!({ "AWS": account }),
        // <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>
        Absent::Everything => json!("*"),
    };
    let action = match absent {
        Absent::Account => "kms:*",
        Absent::Everything => "*",
    };
    json!({
        "Version": "2012-10-17",
        "Statement": { "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*" },
    })
}

/// Whether a policy of the organization says who may do what: others are about tags, backups and their like.
fn is_guardrail(properties: Option<&Value>) -> bool {
    match at(properties, "Type").and_then(scalar) {
        Some(kind) => matches!(kind.as_str(), "SERVICE_CONTROL_POLICY" | "RESOURCE_CONTROL_POLICY"),
        None => true,
    }
}

fn group(properties: Option<&Value>, way: Way, key: &str) -> Rules {
    let mut rules = Rules::default();
    match (properties, at(properties, key)) {
        (Some(_), Some(list)) if list.as_array().is_none_or(|list| !list.is_empty()) => rules.add(list, way),
        // A group that says nothing about what it lets out lets out everything.
        (Some(_), _) if way == Way::Egress => return Rules::all(),
        _ => {}
    }
    rules
}

/// A rule that is a resource of its own, of the group that it names.
fn standalone(old: Option<&Value>, new: Option<&Value>, way: Way) -> Access {
    let of = |properties: Option<&Value>| {
        let mut rules = Rules::default();
        properties.into_iter().for_each(|rule| rules.add(rule, way));
        rules
    };
    let group = |properties: Option<&Value>| at(properties, "GroupId").or_else(|| at(properties, "GroupName")).cloned();
    let (before, after) = (of(old), of(new));
    if old.is_some() && new.is_some() && group(old) != group(new) {
        return Access::Broadened;
    }
    compare(&before, &after)
}

/// An entry of a network's list. Entries are tried in the order of their numbers, and the first that fits decides: what a
/// change of number does depends on the others.
fn acl_entry(old: Option<&Value>, new: Option<&Value>) -> Access {
    let of = |properties: Option<&Value>| {
        let mut rules = Rules::default();
        if let Some(entry) = properties {
            let mut rule = Map::new();
            let text = |path: &str| at(Some(entry), path).cloned();
            let keys = [
                ("IpProtocol", "Protocol"),
                ("CidrIp", "CidrBlock"),
                ("CidrIpv6", "Ipv6CidrBlock"),
                ("FromPort", "PortRange/From"),
                ("ToPort", "PortRange/To"),
                ("FromPort", "Icmp/Type"),
                ("ToPort", "Icmp/Code"),
            ];
            for (key, path) in keys {
                if let Some(value) = text(path) {
                    rule.insert(key.to_owned(), value);
                }
            }
            rules.add(&Value::Object(rule), Way::Ingress);
        }
        rules
    };
    let place = |properties: Option<&Value>| {
        ["NetworkAclId", "RuleNumber", "Egress"].map(|path| at(properties, path).map(Value::to_string))
    };
    let action = |properties: Option<&Value>| at(properties, "RuleAction").and_then(scalar);
    let rises = compare(&of(old), &of(new));
    match (action(old).as_deref(), action(new).as_deref()) {
        (Some(before), Some(after)) if before != after || place(old) != place(new) => {
            if before == "deny" && after == "allow" { Access::Broadened } else { Access::Undecided }
        }
        (Some("deny"), _) | (None, Some("deny")) => turned(rises),
        _ => rises,
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>
fn permission(properties: &Value) -> Option<Value> {
    let text = |key: &str| properties.get(key).and_then(scalar);
    let mut conditions: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let keys = [
        ("SourceArn", "ArnLike", "aws:SourceArn"),
        ("SourceAccount", "StringEquals", "aws:SourceAccount"),
        ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
        ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
        ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
        ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ];
    for (property, operator, key) in keys {
        if let Some(value) = text(property) {
            conditions.entry(operator).or_default().insert(key.to_owned(), value.into());
        }
    }
    Some(one_grant(&text("Principal")?, &text("Action")?, &text("FunctionName")?, &json!(conditions)))
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html>
fn layer_permission(properties: &Value) -> Option<Value> {
    let text = |key: &str| properties.get(key).and_then(scalar);
    let conditions = match text("OrganizationId") {
        Some(id) => json!({ "StringEquals": { "aws:PrincipalOrgID": id } }),
        None => json!({}),
    };
    Some(one_grant(&text("Principal")?, &text("Action")?, &text("LayerVersionArn")?, &conditions))
}

/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html>
fn bus_policy(properties: &Value) -> Option<Value> {
    let bus = properties.get("EventBusName").and_then(scalar).unwrap_or_else(|| "default".to_owned());
    if let Some(statement) = properties.get("Statement") {
        return Some(json!({ "Version": "2012-10-17", "Statement": statement }));
    }
    let text = |key: &str| properties.get(key).and_then(scalar);
    let conditions = match properties.get("Condition") {
        Some(condition) => {
            let of = |key: &str| condition.get(key).and_then(scalar);
            let key = Map::from_iter([(of("Key")?, Value::String(of("Value")?))]);
            Value::Object(Map::from_iter([(of("Type")?, Value::Object(key))]))
        }
        None => json!({}),
    };
    Some(one_grant(&text("Principal")?, &text("Action")?, &bus, &conditions))
}

/// A document with one grant.
fn one_grant(principal: &str, action: &str, resource: &str, conditions: &Value) -> Value {
    let principal = match principal {
        "*" => json!("*"),
        service if service.ends_with(".amazonaws.com") => json!({ "Service": service }),
        other => json!({ "AWS": other }),
    };
    json!({
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": principal,
            "Action": action,
            "Resource": resource,
            "Condition": conditions,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cfn::schema;

    #[test]
    fn the_data_file_names_types_and_properties_that_there_are() {
        let mut wrong = Vec::new();
        for (name, kind) in types() {
            let Some(facts) = schema::find(name) else {
                wrong.push(format!("{name} is no type"));
                continue;
            };
            let documents = kind.documents.iter().map(|document| &document.property);
            let scalars = kind.scalars.iter().map(|known| &known.property);
            let lists =
                [&kind.targets, &kind.inline, &kind.managed, &kind.limits, &kind.sets, &kind.limitsets, &kind.opaque];
            for path in documents.chain(scalars).chain(lists.into_iter().flatten()) {
                let first = path.split('/').next().unwrap();
                if !facts.properties().any(|property| property == first) {
                    wrong.push(format!("{name} has no property `{first}`"));
                }
            }
        }
        assert!(types().len() > 40 && wrong.is_empty(), "{wrong:#?}");
        for name in OWN {
            assert!(schema::is_known(name), "{name}");
        }
    }
}
