//! Access: from what runs code, to what can be reached, in a way that exists.

use super::references::unknown;
use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::model::{Access, Body, Grant, Model, Tier};

pub(super) fn check(model: &Model, sink: &mut Sink) {
    for tier in &model.tiers {
        for (index, grant) in tier.grants.iter().enumerate() {
            one(tier, grant, sink);
            let earlier =
                tier.grants.iter().take(index).find(|earlier| {
                    earlier.from == grant.from && earlier.to == grant.to && earlier.access == grant.access
                });
            if let Some(earlier) = earlier {
                sink.push(
                    Diagnostic::new(
                        &codes::ACCESS_DUPLICATE,
                        grant.origin.clone(),
                        format!("`{}` is given the same access to `{}` twice", grant.from, grant.to),
                    )
                    .label("again here")
                    .also(earlier.origin.clone(), "first here")
                    .help("take one of them out"),
                );
            }
        }
    }
}

/// The kinds of access that a component knows.
fn supported(body: &Body) -> &'static [Access] {
    match body {
        Body::Table(_) | Body::Bucket(_) => &[Access::Read, Access::Write, Access::ReadWrite],
        Body::Queue(_) => &[Access::Send, Access::Receive],
        Body::Topic(_) | Body::EventBus(_) => &[Access::Send],
        Body::Function(_) => &[Access::Invoke],
        Body::Key(_) => &[Access::Use],
        _ => &[],
    }
}

fn one(tier: &Tier, grant: &Grant, sink: &mut Sink) {
    match tier.member(&grant.from) {
        None => sink.push(unknown(tier, &grant.from, "`from`", &grant.origin)),
        Some(from) if !matches!(from.component.body, Body::Function(_)) => sink.push(
            Diagnostic::new(
                &codes::ACCESS_NOT_A_CALLER,
                grant.origin.clone(),
                format!("`{}` is {} and runs no code", grant.from, from.component.body.noun()),
            )
            .help("give access to the function that acts"),
        ),
        Some(_) => {}
    }
    let Some(to) = tier.member(&grant.to) else {
        sink.push(unknown(tier, &grant.to, "`to`", &grant.origin));
        return;
    };
    let supported = supported(&to.component.body);
    if supported.is_empty() {
        sink.push(
            Diagnostic::new(
                &codes::ACCESS_NOT_A_TARGET,
                grant.origin.clone(),
                format!("`{}` is {}, which holds nothing to reach", grant.to, to.component.body.noun()),
            )
            .help("give access to a table, bucket, queue, topic, event bus, function or key"),
        );
    } else if !supported.contains(&grant.access) {
        let words: Vec<String> = supported.iter().map(|access| format!("`{}`", access.as_str())).collect();
        sink.push(
            Diagnostic::new(
                &codes::ACCESS_UNSUPPORTED,
                grant.origin.clone(),
                format!(
                    "`{}` is {}, which knows no access `{}`",
                    grant.to,
                    to.component.body.noun(),
                    grant.access.as_str()
                ),
            )
            .help(format!("write {}", words.join(" or "))),
        );
    }
}
