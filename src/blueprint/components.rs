//! Component entries of a blueprint, lowered to the model. The shapes have been checked before.

use super::lower::{component_name, names};
use super::shapes::COMPONENTS;
use super::text;
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::model::component::{
    Alarms, Bucket, Code, Custom, Dashboard, EventBus, Function, HttpApi, Index, Key, KeyAttribute, Mfa, Network,
    Property, Queue, RestApi, Route, Table, Throttle, Topic, UserPool,
};
use crate::model::{Body, Component, ComponentName, TenantKey};
use crate::source::shape::check_partial;
use crate::source::{Node, Value};

/// Reads a setting into a field that already holds the default.
fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// Reads a setting into a field that may be empty; what does not stand there stays.
fn set_some<T>(field: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *field = value;
    }
}

fn one_name(node: &Node, key: &str, sink: &mut Sink) -> Option<ComponentName> {
    component_name(node.get(key)?, sink)
}

fn many_names(node: &Node, key: &str, sink: &mut Sink) -> Option<Vec<ComponentName>> {
    node.get(key).map(|_| names(node, key, sink))
}

/// A whole number; the shape has bounded it.
fn count(node: &Node, key: &str) -> Option<u32> {
    node.get(key).and_then(Node::integer).and_then(|value| u32::try_from(value).ok())
}

fn truth(node: &Node, key: &str) -> Option<bool> {
    node.get(key).and_then(Node::truth)
}

fn word(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::text).map(str::to_owned)
}

/// Lowers one entry of a list of components.
pub(super) fn lower(node: &Node, kind: &str, sink: &mut Sink) -> Option<Component> {
    let said = node.get(kind)?;
    let name = component_name(said, sink);
    let renamed_from = node.get("renamed_from").and_then(|from| component_name(from, sink));
    let body = body(node, blank(kind)?, sink);
    Some(Component { name: name?, body, renamed_from, origin: said.origin.clone() })
}

/// A component's settings with a mapping's over its own: what a tier's `set` and a tenant's `overrides` say.
pub(super) fn overridden(base: &Body, over: &Node, sink: &mut Sink) -> Option<Body> {
    let variant = COMPONENTS.iter().find(|variant| variant.key == base.kind())?;
    let mut found = Sink::new();
    for key in [variant.key, "renamed_from"] {
        if let Some(entry) = over.entries().unwrap_or_default().iter().find(|entry| entry.key == key) {
            found.push(
                Diagnostic::new(
                    &codes::SHAPE_UNKNOWN_KEY,
                    entry.key_origin.clone(),
                    format!("`{key}` is what a component is, and cannot be set here"),
                )
                .help("take it out"),
            );
        }
    }
    check_partial(over, variant.shape, &mut found);
    let broken = found.has_errors();
    sink.append(found);
    (!broken).then(|| body(over, base.clone(), sink))
}

/// A component of a kind with all its defaults.
fn blank(kind: &str) -> Option<Body> {
    Some(match kind {
        "table" => Body::Table(Table::default()),
        "bucket" => Body::Bucket(Bucket::default()),
        "queue" => Body::Queue(Queue::default()),
        "function" => Body::Function(Function::default()),
        "http_api" => Body::HttpApi(HttpApi::default()),
        "rest_api" => Body::RestApi(RestApi::default()),
        "key" => Body::Key(Key::default()),
        "event_bus" => Body::EventBus(EventBus::default()),
        "user_pool" => Body::UserPool(UserPool::default()),
        "topic" => Body::Topic(Topic::default()),
        "alarms" => Body::Alarms(Alarms::default()),
        "dashboard" => Body::Dashboard(Dashboard::default()),
        "network" => Body::Network(Network::default()),
        "custom" => Body::Custom(Custom {
            type_name: String::new(),
            properties: Property::Map(Vec::new()),
            shared_because: None,
        }),
        _ => return None,
    })
}

/// Reads the settings that stand in a mapping into a component; the others stay as they are.
fn body(node: &Node, mut body: Body, sink: &mut Sink) -> Body {
    let attribute_key = || word(node, "partition_by").map(TenantKey::Attribute);
    match &mut body {
        Body::Table(table) => read_table(node, table, sink),
        Body::Bucket(bucket) => {
            set_some(&mut bucket.tenant_key, node.get("partition_by").map(|_| TenantKey::ObjectPrefix));
            set_some(&mut bucket.expire_old_versions_days, count(node, "expire_old_versions_days"));
            set_some(&mut bucket.lock_days, count(node, "lock_days"));
            set_some(&mut bucket.encrypt_with, one_name(node, "encrypt_with", sink));
            set(&mut bucket.versioned, truth(node, "versioned"));
        }
        Body::Queue(queue) => {
            set_some(&mut queue.tenant_key, attribute_key());
            set_some(&mut queue.encrypt_with, one_name(node, "encrypt_with", sink));
            set(&mut queue.visibility_timeout_seconds, count(node, "visibility_timeout_seconds"));
            set(&mut queue.retention_days, count(node, "retention_days"));
            set(&mut queue.max_receives, count(node, "max_receives"));
        }
        Body::Function(function) => read_function(node, function, sink),
        Body::HttpApi(api) => {
            set(&mut api.routes, routes(node, sink));
            set_some(&mut api.authorizer, one_name(node, "authorizer", sink));
            set(&mut api.access_logs, truth(node, "access_logs"));
            set(&mut api.rate, count(node, "rate"));
            set(&mut api.burst, count(node, "burst"));
        }
        Body::RestApi(api) => {
            set(&mut api.routes, routes(node, sink));
            set_some(&mut api.authorizer, one_name(node, "authorizer", sink));
            set(&mut api.access_logs, truth(node, "access_logs"));
            set_some(&mut api.throttle, node.get("throttle").and_then(throttle));
        }
        Body::Key(key) => {
            set(&mut key.rotation_days, count(node, "rotation_days"));
            set(&mut key.pending_window_days, count(node, "pending_window_days"));
        }
        Body::EventBus(bus) => {
            set_some(&mut bus.tenant_key, attribute_key());
            set_some(&mut bus.archive_days, count(node, "archive_days"));
        }
        Body::UserPool(pool) => {
            let mfa = word(node, "mfa").map(|mfa| match mfa.as_str() {
                "off" => Mfa::Off,
                "required" => Mfa::Required,
                _ => Mfa::Optional,
            });
            set(&mut pool.mfa, mfa);
            set(&mut pool.password_length, count(node, "password_length"));
        }
        Body::Topic(topic) => {
            set_some(&mut topic.tenant_key, attribute_key());
            set_some(&mut topic.encrypt_with, one_name(node, "encrypt_with", sink));
            set(&mut topic.tls_only, truth(node, "tls_only"));
        }
        Body::Alarms(alarms) => {
            set(&mut alarms.watch, many_names(node, "watch", sink));
            set_some(&mut alarms.notify, one_name(node, "notify", sink));
        }
        Body::Dashboard(dashboard) => set(&mut dashboard.show, many_names(node, "show", sink)),
        Body::Network(network) => {
            set(&mut network.cidr, word(node, "cidr"));
            set(&mut network.zones, count(node, "zones"));
            set(&mut network.flow_logs, truth(node, "flow_logs"));
            set(&mut network.endpoints, node.get("endpoints").map(|_| texts(node, "endpoints")));
        }
        Body::Custom(custom) => {
            set(&mut custom.type_name, word(node, "type"));
            set(&mut custom.properties, node.get("properties").map(|tree| property(tree, sink)));
            set_some(&mut custom.shared_because, word(node, "shared_because"));
        }
    }
    body
}

/// The texts of a list.
pub(super) fn texts(node: &Node, key: &str) -> Vec<String> {
    node.get(key)
        .and_then(Node::items)
        .map(|items| items.iter().filter_map(Node::text).map(str::to_owned).collect())
        .unwrap_or_default()
}

fn key_attribute(node: &Node) -> Option<KeyAttribute> {
    match node.text() {
        Some(name) => Some(KeyAttribute::text(name)),
        None => Some(KeyAttribute {
            name: word(node, "name")?,
            number: word(node, "type").is_some_and(|kind| kind == "number"),
        }),
    }
}

fn throttle(node: &Node) -> Option<Throttle> {
    Some(Throttle { rate: count(node, "rate")?, burst: count(node, "burst")?, daily_quota: count(node, "daily_quota") })
}

fn read_table(node: &Node, table: &mut Table, sink: &mut Sink) {
    let index = |index: &Node| Some(Index { name: word(index, "name")?, by: index.get("by").and_then(key_attribute)? });
    let tenant_key = node.get("partition_by").and_then(|key| match key.text() {
        Some(attribute) => Some(TenantKey::Attribute(attribute.to_owned())),
        None => word(key, "prefix_of").map(TenantKey::PrefixOf),
    });
    set(&mut table.partition_key, node.get("partition_key").and_then(key_attribute));
    set_some(&mut table.sort_key, node.get("sort_key").and_then(key_attribute));
    set_some(&mut table.tenant_key, tenant_key);
    set(
        &mut table.indexes,
        node.get("indexes").and_then(Node::items).map(|items| items.iter().filter_map(index).collect()),
    );
    set_some(&mut table.time_to_live, word(node, "time_to_live"));
    set_some(&mut table.encrypt_with, one_name(node, "encrypt_with", sink));
    set(&mut table.stream, truth(node, "stream"));
    set(&mut table.point_in_time_recovery, truth(node, "point_in_time_recovery"));
    set(&mut table.deletion_protection, truth(node, "deletion_protection"));
}

fn code(node: &Node) -> Option<Code> {
    if let Some(source) = word(node, "inline") {
        return Some(Code::Inline(source));
    }
    if let Some(path) = word(node, "asset") {
        return Some(Code::Asset(path));
    }
    let object = node.get("s3")?;
    Some(Code::S3 { bucket: word(object, "bucket")?, key: word(object, "key")? })
}

fn read_function(node: &Node, function: &mut Function, sink: &mut Sink) {
    set(&mut function.code, node.get("code").and_then(code));
    set_some(&mut function.reserved_concurrency, count(node, "reserved_concurrency"));
    set(&mut function.x86, word(node, "architecture").map(|architecture| architecture == "x86_64"));
    set(&mut function.consumes, many_names(node, "consumes", sink));
    set_some(&mut function.network, one_name(node, "network", sink));
    set(&mut function.runtime, word(node, "runtime"));
    set(&mut function.handler, word(node, "handler"));
    set(&mut function.memory_mib, count(node, "memory_mib"));
    set(&mut function.timeout_seconds, count(node, "timeout_seconds"));
    set(&mut function.log_retention_days, count(node, "log_retention_days"));
    for entry in node.get("environment").and_then(Node::entries).unwrap_or_default() {
        match entry.value.text() {
            Some(value) => {
                let value = text::parse(value, &entry.value.origin, sink);
                function.environment.insert(entry.key.clone(), value);
            }
            None => {
                function.environment.remove(&entry.key);
            }
        }
    }
}

fn routes(node: &Node, sink: &mut Sink) -> Option<Vec<Route>> {
    let mut routes = Vec::new();
    for entry in node.get("routes").and_then(Node::items)? {
        let (Some(on), Some(call)) = (entry.get("on"), entry.get("call")) else { continue };
        let text = on.text().unwrap_or("");
        let (method, path) = text.split_once(' ').unwrap_or((text, ""));
        if !Route::METHODS.contains(&method) {
            sink.push(
                Diagnostic::new(
                    &codes::SHAPE_UNKNOWN_VALUE,
                    on.origin.clone(),
                    format!("`{text}` does not begin with an HTTP method"),
                )
                .did_you_mean(method, Route::METHODS)
                .help("write method and path, such as `GET /orders/{id}`"),
            );
            continue;
        }
        if !Route::is_path(path) {
            sink.push(
                Diagnostic::new(&codes::SHAPE_UNKNOWN_VALUE, on.origin.clone(), format!("`{path}` is not a path"))
                    .help("a path begins with `/`; `{name}` is a variable segment and `{name+}` the rest"),
            );
            continue;
        }
        if let Some(function) = component_name(call, sink) {
            routes.push(Route { method: method.to_owned(), path: path.to_owned(), function });
        }
    }
    Some(routes)
}

/// A value of a custom resource's properties. Text below an intrinsic function is CloudFormation's own.
pub(super) fn property(node: &Node, sink: &mut Sink) -> Property {
    match &node.value {
        Value::Null => Property::Null,
        Value::Scalar { .. } => match node.to_json() {
            serde_json::Value::Bool(truth) => Property::Truth(truth),
            serde_json::Value::Number(number) => Property::Number(number.to_string()),
            _ => Property::Text(text::parse(node.text().unwrap_or(""), &node.origin, sink)),
        },
        Value::List(items) => Property::List(items.iter().map(|item| property(item, sink)).collect()),
        Value::Map(entries) => Property::Map(
            entries
                .iter()
                .map(|entry| {
                    let value = if entry.key == "Ref" || entry.key.starts_with("Fn::") {
                        verbatim(&entry.value)
                    } else {
                        property(&entry.value, sink)
                    };
                    (entry.key.clone(), value)
                })
                .collect(),
        ),
    }
}

fn verbatim(node: &Node) -> Property {
    match &node.value {
        Value::Null => Property::Null,
        Value::Scalar { text, .. } => match node.to_json() {
            serde_json::Value::Bool(truth) => Property::Truth(truth),
            serde_json::Value::Number(number) => Property::Number(number.to_string()),
            _ => Property::Text(crate::model::component::Text::literal(text)),
        },
        Value::List(items) => Property::List(items.iter().map(verbatim).collect()),
        Value::Map(entries) => {
            Property::Map(entries.iter().map(|entry| (entry.key.clone(), verbatim(&entry.value))).collect())
        }
    }
}
