//! Names of components in other components: they exist, are of the right kind and have what is asked of them.

use crate::cfn::schema;
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::model::component::{Custom, Property};
use crate::model::custom::{self, Named};
use crate::model::{Body, Component, ComponentName, Model, Sharing, Tier};

pub(super) fn check(model: &Model, sink: &mut Sink) {
    model.tiers.iter().for_each(|tier| of_tier(tier, sink));
}

/// Checks the components of one tier, or of one as a tenant's overrides make it.
pub(super) fn of_tier(tier: &Tier, sink: &mut Sink) {
    for member in &tier.members {
        mentions(tier, &member.component, sink);
        attributes(tier, &member.component, sink);
        if let (Body::Custom(custom), Some(sharing)) = (&member.component.body, member.sharing) {
            custom_type(&member.component, custom, sink);
            custom_references(tier, sharing, &member.component, &custom.properties, sink);
        }
    }
}

/// A component that the tier does not have.
pub(super) fn unknown(tier: &Tier, name: &ComponentName, by: &str, origin: &Origin) -> Diagnostic {
    Diagnostic::new(
        &codes::REFERENCE_UNKNOWN_COMPONENT,
        origin.clone(),
        format!("{by} names `{name}`, which tier `{}` does not have", tier.name),
    )
    .did_you_mean(name.as_str(), tier.members.iter().map(|member| member.component.name.as_str()))
    .help("name a component that stands under `components:` of the tier, or in a bundle it includes")
}

fn mentions(tier: &Tier, component: &Component, sink: &mut Sink) {
    for (name, kinds) in component.body.mentions() {
        let Some(target) = tier.member(name) else {
            sink.push(unknown(tier, name, &format!("`{}`", component.name), &component.origin));
            continue;
        };
        let kind = target.component.body.kind();
        if !kinds.contains(&kind) {
            let wanted: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
            sink.push(
                Diagnostic::new(
                    &codes::REFERENCE_WRONG_KIND,
                    component.origin.clone(),
                    format!("`{}` names `{name}`, which is {}", component.name, target.component.body.noun()),
                )
                .also(target.component.origin.clone(), "this one")
                .help(format!("name a component of kind {}", wanted.join(", "))),
            );
        }
    }
    shared_network(tier, component, sink);
}

/// A function is put into subnets, and a tenant's stack knows those of its own network only.
fn shared_network(tier: &Tier, component: &Component, sink: &mut Sink) {
    let Body::Function(function) = &component.body else { return };
    let Some(network) = function.network.as_ref().and_then(|name| tier.member(name)) else { return };
    let own = tier.member(&component.name).and_then(|member| member.sharing);
    if own == Some(Sharing::Siloed) && network.sharing == Some(Sharing::Pooled) {
        let name = &network.component.name;
        sink.push(
            Diagnostic::new(
                &codes::REFERENCE_WRONG_KIND,
                component.origin.clone(),
                format!("`{}` is each tenant's own and runs in `{name}`, which is shared", component.name),
            )
            .also(network.component.origin.clone(), "this one")
            .help(format!("make both siloed or both pooled: list `{}` beside `{name}`", component.name)),
        );
    }
}

fn attributes(tier: &Tier, component: &Component, sink: &mut Sink) {
    for reference in component.body.references() {
        let Some(target) = tier.member(&reference.component) else {
            sink.push(unknown(tier, &reference.component, &format!("`{}`", component.name), &component.origin));
            continue;
        };
        let has = target.component.body.attributes();
        if !has.contains(&reference.attribute) {
            let noun = target.component.body.noun();
            let known: Vec<String> = has.iter().map(|attribute| format!("`{}`", attribute.as_str())).collect();
            sink.push(
                Diagnostic::new(
                    &codes::REFERENCE_UNKNOWN_ATTRIBUTE,
                    component.origin.clone(),
                    format!(
                        "`{}` asks for `{}` of `{}`, which is {noun} and has none",
                        component.name,
                        reference.attribute.as_str(),
                        reference.component
                    ),
                )
                .help(if known.is_empty() {
                    "nothing can be asked of it".to_owned()
                } else {
                    format!("ask for {}", known.join(", "))
                }),
            );
        }
    }
}

fn custom_type(component: &Component, custom: &Custom, sink: &mut Sink) {
    let name = &custom.type_name;
    if !schema::is_known(name) && !name.starts_with("Custom::") {
        sink.push(
            Diagnostic::new(
                &codes::SCHEMA_UNKNOWN_TYPE,
                component.origin.clone(),
                format!("`{name}` of `{}` is not a resource type", component.name),
            )
            .help_if(schema::nearest(name).first().map(|near| format!("did you mean `{near}`?")))
            .help("write the type as CloudFormation does, such as `AWS::AppConfig::Application`"),
        );
    }
}

/// `Ref`, `Fn::GetAtt` and `Fn::Sub` of a custom resource name components, parameters or pseudo parameters.
fn custom_references(tier: &Tier, sharing: Sharing, component: &Component, property: &Property, sink: &mut Sink) {
    let mut check = |name: &str| {
        if matches!(custom::named(tier, sharing, name), Named::Nothing) {
            sink.push(
                Diagnostic::new(
                    &codes::REFERENCE_CUSTOM,
                    component.origin.clone(),
                    format!("`{}` refers to `{name}`, which its template does not have", component.name),
                )
                .did_you_mean(name, tier.members.iter().map(|member| member.component.name.as_str()))
                .help("name a component of the same tier and sharing, `TenantId`, `Cell` or a pseudo parameter"),
            );
        }
    };
    named(property, &mut check);
}

fn literal(property: &Property) -> Option<String> {
    use crate::model::component::Piece;
    match property {
        Property::Text(text) => match text.0.as_slice() {
            [Piece::Literal(literal)] => Some(literal.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn named(property: &Property, check: &mut impl FnMut(&str)) {
    match property {
        Property::List(items) => items.iter().for_each(|item| named(item, check)),
        Property::Map(entries) => {
            for (key, value) in entries {
                match (key.as_str(), value) {
                    ("Ref", value) => literal(value).iter().for_each(|name| check(name)),
                    ("Fn::GetAtt", Property::List(items)) => {
                        items.first().and_then(literal).iter().for_each(|name| check(name));
                    }
                    ("Fn::GetAtt", value) => {
                        literal(value).iter().for_each(|text| check(text.split('.').next().unwrap_or(text)));
                    }
                    ("Fn::Sub", Property::Text(_)) => {
                        let text = literal(value).unwrap_or_default();
                        custom::sub_names(&text).into_iter().for_each(&mut *check);
                    }
                    _ => named(value, check),
                }
            }
        }
        Property::Null | Property::Truth(_) | Property::Number(_) | Property::Text(_) => {}
    }
}
