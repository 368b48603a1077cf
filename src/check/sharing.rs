//! What tenants share and what keeps them apart in it.

use crate::diagnostics::{Code, Diagnostic, Sink, codes};
use crate::model::{Body, Boundary, Isolation, Member, Model, Sharing, Tier};

pub(super) fn check(model: &Model, sink: &mut Sink) {
    for tier in &model.tiers {
        for member in &tier.members {
            match member.sharing {
                None => undeclared(tier, member, sink),
                Some(Sharing::Pooled) => {
                    unpartitioned(tier, member, sink);
                    unthrottled(tier, member, sink);
                    reaches_silo(tier, member, sink);
                }
                Some(Sharing::Siloed) => {}
            }
        }
        network_boundary(tier, sink);
    }
}

/// Every component of a bridge tier says whether it is siloed or pooled.
fn undeclared(tier: &Tier, member: &Member, sink: &mut Sink) {
    let name = &member.component.name;
    sink.push(
        Diagnostic::new(
            &codes::ISOLATION_UNDECLARED_SHARE,
            member.component.origin.clone(),
            format!("bridge tier `{}` does not say whether `{name}` is siloed or pooled", tier.name),
        )
        .also(tier.origin.clone(), "the bridge tier")
        .help(format!("add `{name}` to `siloed:` or to `pooled:`")),
    );
}

/// What holds tenants' data or messages and is shared says which attribute keeps them apart.
fn unpartitioned(tier: &Tier, member: &Member, sink: &mut Sink) {
    let (code, lacks, help): (&'static Code, &str, &str) = match &member.component.body {
        Body::Table(_) => (
            &codes::ISOLATION_UNPARTITIONED_TABLE,
            "has no tenant key",
            "add `partition_by: tenant_id`, or move the table to a silo tier",
        ),
        Body::Bucket(_) => (
            &codes::ISOLATION_UNPARTITIONED_BUCKET,
            "has no tenant prefix",
            "add `partition_by: prefix`, or move the bucket to a silo tier",
        ),
        Body::Queue(_) => (
            &codes::ISOLATION_UNPARTITIONED_QUEUE,
            "does not say which tenant a message is for",
            "add `partition_by: tenant_id`, or move the queue to a silo tier",
        ),
        Body::Topic(_) => (
            &codes::ISOLATION_UNPARTITIONED_TOPIC,
            "does not say which tenant a message is for",
            "add `partition_by: tenant_id`, or move the topic to a silo tier",
        ),
        Body::EventBus(_) => (
            &codes::ISOLATION_UNPARTITIONED_BUS,
            "does not say which tenant an event is for",
            "add `partition_by: tenant_id`, or move the event bus to a silo tier",
        ),
        Body::Custom(custom) if custom.shared_because.is_none() => (
            &codes::ISOLATION_UNGUARDED_CUSTOM,
            "does not say why it keeps them apart",
            "add `shared_because: …` with the reason, or make it siloed",
        ),
        _ => return,
    };
    let topic_of_alarms = matches!(&member.component.body, Body::Topic(_))
        && tier.members.iter().any(|other| {
            matches!(&other.component.body, Body::Alarms(alarms) if alarms.notify.as_ref() == Some(&member.component.name))
        });
    // A topic that alarms tell carries no tenant's messages.
    if member.component.body.tenant_key().is_some() || topic_of_alarms {
        return;
    }
    let (noun, name) = (member.component.body.noun(), &member.component.name);
    let kind = noun.split_once(' ').map_or(noun, |(_, kind)| kind);
    sink.push(
        Diagnostic::new(
            code,
            member.component.origin.clone(),
            format!("{kind} `{name}` serves many tenants but {lacks}"),
        )
        .label(format!("shared by every tenant of tier `{}`", tier.name))
        .also(
            tier.origin.clone(),
            if tier.isolation == Isolation::Bridge { "pooled in this tier" } else { "pooled here" },
        )
        .help(help),
    );
}

/// A shared REST API throttles each tenant by itself.
fn unthrottled(tier: &Tier, member: &Member, sink: &mut Sink) {
    if matches!(&member.component.body, Body::RestApi(api) if api.throttle.is_none()) {
        sink.push(
            Diagnostic::new(
                &codes::ISOLATION_UNTHROTTLED_API,
                member.component.origin.clone(),
                format!("REST API `{}` has no throttle for each tenant", member.component.name),
            )
            .label(format!("one tenant of tier `{}` can use up what all share", tier.name))
            .help("add `throttle: { rate: 10, burst: 20 }`"),
        );
    }
}

/// What is shared does not hold on to what one tenant has to itself: it would have to choose a tenant.
fn reaches_silo(tier: &Tier, member: &Member, sink: &mut Sink) {
    let body = &member.component.body;
    let named = body.mentions().into_iter().map(|(name, _)| name);
    let referred = body.references().into_iter().map(|reference| &reference.component);
    for name in named.chain(referred) {
        if tier.member(name).is_some_and(|target| target.sharing == Some(Sharing::Siloed)) {
            sink.push(
                Diagnostic::new(
                    &codes::ISOLATION_POOL_REACHES_SILO,
                    member.component.origin.clone(),
                    format!(
                        "`{}` is shared by tenants and names `{name}`, which each tenant has to itself",
                        member.component.name
                    ),
                )
                .help(format!(
                    "make both siloed or both pooled; code finds a tenant's `{name}` by assuming the tenant's role (see `allow`)"
                )),
            );
        }
    }
}

/// A boundary of networks needs a network.
fn network_boundary(tier: &Tier, sink: &mut Sink) {
    let has_network = tier.members.iter().any(|member| matches!(member.component.body, Body::Network(_)));
    if tier.boundary == Boundary::Vpc && !has_network {
        sink.push(
            Diagnostic::new(
                &codes::ISOLATION_BOUNDARY,
                tier.origin.clone(),
                format!("tier `{}` has the boundary `vpc` and no network", tier.name),
            )
            .help("add a `network` component, or choose another boundary"),
        );
    }
}
