//! Components by themselves: settings that cannot work, and protections that were switched off.

use std::collections::BTreeSet;
use std::path::Path;

use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::model::component::{Code, Function, HttpApi, RestApi, Table};
use crate::model::network::is_range;
use crate::model::{Body, Component, Model, TenantKey, Tier};
use crate::source::{World, why};

pub(super) fn check(model: &Model, world: &dyn World, sink: &mut Sink) {
    model.tiers.iter().for_each(|tier| of_tier(model, tier, world, sink));
}

/// Checks the components of one tier, or of one as a tenant's overrides make it.
pub(super) fn of_tier(model: &Model, tier: &Tier, world: &dyn World, sink: &mut Sink) {
    for member in &tier.members {
        one(model, tier, &member.component, world, sink);
    }
}

fn one(model: &Model, tier: &Tier, component: &Component, world: &dyn World, sink: &mut Sink) {
    match &component.body {
        Body::HttpApi(HttpApi { routes, .. }) | Body::RestApi(RestApi { routes, .. }) => {
            let routes = routes.iter().map(|route| format!("{} {}", route.method, route.path));
            twice(component, "route", routes, "keep one of them: a request has one answer", sink);
        }
        Body::Table(table) => {
            let indexes = table.indexes.iter().map(|index| index.name.clone());
            twice(component, "index", indexes, "rename one of them", sink);
            table_keys(component, table, sink);
            if !table.point_in_time_recovery {
                off(component, "point-in-time recovery", "a mistake cannot be undone", sink);
            }
            if !table.deletion_protection {
                off(component, "deletion protection", "one call can delete the table", sink);
            }
        }
        Body::Bucket(bucket) if !bucket.versioned && bucket.lock_days.is_none() => {
            off(component, "versioning", "an overwritten object is gone", sink);
        }
        Body::Topic(topic) if !topic.tls_only => {
            off(component, "`tls_only`", "messages may be sent in the clear", sink)
        }
        Body::Function(function) => {
            code(model, component, function, world, sink);
            timeouts(tier, component, function, sink);
        }
        Body::Alarms(alarms) => {
            if let Some(topic) = alarms.notify.as_ref().and_then(|name| tier.member(name))
                && matches!(topic.component.body, Body::Topic(_))
                && topic.component.body.encrypt_with().is_none()
            {
                sink.push(
                    Diagnostic::new(
                        &codes::COMPONENT_ALARM_TOPIC,
                        topic.component.origin.clone(),
                        format!("alarms cannot publish to `{}`: it uses the AWS managed key", topic.component.name),
                    )
                    .also(component.origin.clone(), "these alarms")
                    .help("name a key of the tier: `encrypt_with: Data`; its policy then lets alarms in"),
                );
            }
        }
        Body::Network(network) => {
            if !is_range(&network.cidr) {
                sink.push(
                    Diagnostic::new(
                        &codes::COMPONENT_NETWORK,
                        component.origin.clone(),
                        format!("`{}` is not an address range of a network", network.cidr),
                    )
                    .help("write its first address and a prefix length from 16 to 24, such as `10.0.0.0/16`"),
                );
            }
            if network.zones == 1 {
                sink.push(
                    Diagnostic::new(
                        &codes::COMPONENT_ONE_ZONE,
                        component.origin.clone(),
                        format!("`{}` has subnets in one availability zone only", component.name),
                    )
                    .help("write `zones: 2`"),
                );
            }
        }
        _ => {}
    }
}

/// Parts of a component that have one name.
fn twice(component: &Component, kind: &str, names: impl Iterator<Item = String>, help: &str, sink: &mut Sink) {
    let mut seen = BTreeSet::new();
    for name in names {
        if seen.contains(&name) {
            sink.push(
                Diagnostic::new(
                    &codes::ID_DUPLICATE,
                    component.origin.clone(),
                    format!("the {kind} `{name}` of `{}` stands twice", component.name),
                )
                .help(help),
            );
        }
        seen.insert(name);
    }
}

fn off(component: &Component, protection: &str, consequence: &str, sink: &mut Sink) {
    sink.push(
        Diagnostic::new(
            &codes::COMPONENT_PLAINTEXT,
            component.origin.clone(),
            format!("{protection} of `{}` is switched off: {consequence}", component.name),
        )
        .help("leave the setting out, or acknowledge the finding with the reason"),
    );
}

/// With a tenant key of the kind `attribute` the tenant's id is the partition key, and one other key can follow.
fn table_keys(component: &Component, table: &Table, sink: &mut Sink) {
    let help = "write `partition_by: { prefix_of: … }` with the partition key's name, and let its values begin with the tenant's id and `#`";
    match &table.tenant_key {
        Some(TenantKey::Attribute(attribute)) => {
            if table.sort_key.is_some() && table.partition_key.name != "id" {
                sink.push(
                    Diagnostic::new(
                        &codes::COMPONENT_TABLE_KEYS,
                        component.origin.clone(),
                        format!(
                            "table `{}` has a partition key and a sort key beside the tenant key `{attribute}`",
                            component.name
                        ),
                    )
                    .help(help),
                );
            }
            let taken = [Some(&table.partition_key), table.sort_key.as_ref()];
            if taken.into_iter().flatten().any(|key| key.name == *attribute) {
                sink.push(
                    Diagnostic::new(
                        &codes::COMPONENT_TABLE_KEYS,
                        component.origin.clone(),
                        format!("the tenant key `{attribute}` of table `{}` is one of its other keys", component.name),
                    )
                    .help("give the other key a name of its own: the tenant key comes before it"),
                );
            }
        }
        Some(TenantKey::PrefixOf(attribute)) if *attribute != table.partition_key.name => sink.push(
            Diagnostic::new(
                &codes::COMPONENT_TABLE_KEYS,
                component.origin.clone(),
                format!(
                    "`{attribute}` is not the partition key of table `{}`, which is `{}`",
                    component.name, table.partition_key.name
                ),
            )
            .help(format!("write `prefix_of: {}`", table.partition_key.name)),
        ),
        Some(TenantKey::PrefixOf(_)) if table.partition_key.number => sink.push(
            Diagnostic::new(
                &codes::COMPONENT_TABLE_KEYS,
                component.origin.clone(),
                format!("the partition key of table `{}` is a number and cannot begin with an id", component.name),
            )
            .help("make the partition key text"),
        ),
        _ => {}
    }
}

fn code(model: &Model, component: &Component, function: &Function, world: &dyn World, sink: &mut Sink) {
    let name = &component.name;
    match &function.code {
        Code::Inline(_) if !function.runtime.starts_with("nodejs") && !function.runtime.starts_with("python") => {
            sink.push(
                Diagnostic::new(
                    &codes::COMPONENT_INLINE_CODE,
                    component.origin.clone(),
                    format!("the code of `{name}` is inline, which runtime `{}` does not take", function.runtime),
                )
                .help("write inline code for Node.js or Python, or name a `.zip` file with `asset`"),
            );
        }
        Code::Asset(path) => {
            if model.asset_bucket.is_none() {
                sink.push(
                    Diagnostic::new(
                        &codes::COMPONENT_ASSET_BUCKET,
                        component.origin.clone(),
                        format!("the code of `{name}` is a file, and no bucket is named to put it into"),
                    )
                    .help("add `assets: { bucket: code-${AWS::AccountId}-${AWS::Region} }` to the blueprint"),
                );
            }
            if let Err(error) = world.open(Path::new(path)) {
                sink.push(
                    Diagnostic::new(
                        &codes::COMPONENT_ASSET,
                        component.origin.clone(),
                        format!("the code of `{name}`, `{path}`, cannot be read: {}", why(&error)),
                    )
                    .help("the path counts from the blueprint's folder"),
                );
            }
        }
        _ => {}
    }
}

/// A queue hides a message longer than the function that reads it may run, or it is worked on twice.
fn timeouts(tier: &Tier, component: &Component, function: &Function, sink: &mut Sink) {
    for queue in function.consumes.iter().filter_map(|name| tier.member(name)) {
        if let Body::Queue(settings) = &queue.component.body
            && settings.visibility_timeout_seconds < function.timeout_seconds
        {
            sink.push(
                Diagnostic::new(
                    &codes::COMPONENT_TIMEOUT,
                    queue.component.origin.clone(),
                    format!(
                        "queue `{}` hides messages for {} seconds, and `{}` may run for {} seconds",
                        queue.component.name,
                        settings.visibility_timeout_seconds,
                        component.name,
                        function.timeout_seconds
                    ),
                )
                .also(component.origin.clone(), "this function reads it")
                .help(format!(
                    "write `visibility_timeout_seconds: {}`, six times as long",
                    function.timeout_seconds * 6
                )),
            );
        }
    }
}
