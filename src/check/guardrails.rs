//! Guardrails against the product itself: they leave open what its cells and components need.

use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::facts::Facts;
use crate::model::guardrail::Services;
use crate::model::{Cell, Guardrail, Model, Tier};

/// The guardrails of a tier: those of the blueprint and its own. Its own come first, and take the place of the
/// blueprint's of the same name.
#[must_use]
pub fn of_tier<'m>(model: &'m Model, tier: &'m Tier) -> Vec<&'m (Guardrail, Origin)> {
    let own = tier.guardrails.iter();
    let inherited =
        model.guardrails.iter().filter(|(one, _)| !tier.guardrails.iter().any(|(other, _)| other.name() == one.name()));
    own.chain(inherited).collect()
}

pub(super) fn check(model: &Model, facts: &Facts, sink: &mut Sink) {
    repeated(&model.guardrails, sink);
    for tier in &model.tiers {
        repeated(&tier.guardrails, sink);
        for (guardrail, origin) in of_tier(model, tier) {
            match guardrail {
                Guardrail::Regions(regions) => {
                    for cell in model.cells.iter().filter(|cell| serves(cell, tier)) {
                        if !regions.regions().contains(&cell.region) {
                            sink.push(
                                Diagnostic::new(
                                    &codes::GUARDRAIL_REGION,
                                    origin.clone(),
                                    format!(
                                        "cell `{}` of tier `{}` is in `{}`, which this guardrail denies",
                                        cell.name, tier.name, cell.region
                                    ),
                                )
                                .also(cell.origin.clone(), "this cell")
                                .help(format!("add `{}` to the guardrail's regions", cell.region)),
                            );
                        }
                    }
                }
                Guardrail::Services(services) => needed_services(tier, services, origin, facts, sink),
                _ => {}
            }
        }
    }
}

fn serves(cell: &Cell, tier: &Tier) -> bool {
    cell.tiers.is_empty() || cell.tiers.contains(&tier.name)
}

fn repeated(guardrails: &[(Guardrail, Origin)], sink: &mut Sink) {
    for (index, (guardrail, origin)) in guardrails.iter().enumerate() {
        let earlier = guardrails.iter().take(index).find(|(other, _)| other.name() == guardrail.name());
        if let Some((_, first)) = earlier {
            sink.push(
                Diagnostic::new(
                    &codes::GUARDRAIL_REPEATED,
                    origin.clone(),
                    format!("the guardrail `{}` stands twice in one list", guardrail.name()),
                )
                .label("again here")
                .also(first.clone(), "first here")
                .help("make one of the two"),
            );
        }
    }
}

/// The services whose actions the components call or are made with.
fn needed_services(tier: &Tier, services: &Services, origin: &Origin, facts: &Facts, sink: &mut Sink) {
    let preset = match services.preset() {
        None => None,
        Some(name) => match facts.preset(name) {
            Ok(preset) => Some(preset),
            Err(_) => {
                sink.push(
                    Diagnostic::new(
                        &codes::GUARDRAIL_SETTING,
                        origin.clone(),
                        format!("there is no list of services called `{name}`"),
                    )
                    .did_you_mean(name, facts.presets().keys().map(String::as_str))
                    .help("name a list that ships with tenantry, or the services under `also:`"),
                );
                return;
            }
        },
    };
    let open = |service: &str| {
        let prefix = format!("{service}:");
        services.also().iter().any(|pattern| pattern.as_str().starts_with(&prefix))
            || preset.is_some_and(|preset| preset.services.iter().any(|action| action.starts_with(&prefix)))
    };
    for member in &tier.members {
        for service in needs(&member.component.body) {
            if !open(service) {
                sink.push(
                    Diagnostic::new(
                        &codes::GUARDRAIL_SERVICE,
                        origin.clone(),
                        format!(
                            "`{}` needs the service `{service}`, which this guardrail denies",
                            member.component.name
                        ),
                    )
                    .also(member.component.origin.clone(), "this component")
                    .help(format!("add `{service}` to the guardrail's services, under `also:`")),
                );
            }
        }
    }
}

fn needs(body: &crate::model::Body) -> Vec<&str> {
    use crate::model::Body;
    match body {
        Body::Table(_) => vec!["dynamodb"],
        Body::Bucket(_) => vec!["s3"],
        Body::Queue(_) => vec!["sqs"],
        Body::Function(_) => vec!["lambda", "logs", "iam"],
        Body::HttpApi(_) | Body::RestApi(_) => vec!["apigateway"],
        Body::Key(_) => vec!["kms"],
        Body::EventBus(_) => vec!["events"],
        Body::UserPool(_) => vec!["cognito-idp"],
        Body::Topic(_) => vec!["sns"],
        Body::Alarms(_) | Body::Dashboard(_) => vec!["cloudwatch"],
        Body::Network(_) => vec!["ec2"],
        Body::Custom(_) => Vec::new(),
    }
}
