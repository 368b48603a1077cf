//! A custom component: any resource type, its properties passed through. `Ref` and `Fn::GetAtt` may name components
//! of the tier, parameters of the template and pseudo parameters.

use serde_json::{Map, Value};

use super::context::{Context, logical_id, main_role};
use crate::cfn::{LogicalId, Node};
use crate::model::Attribute;
use crate::model::component::{Custom, Property};
use crate::model::custom::{Named, named};

pub(super) fn render(custom: &Custom, cx: &mut Context<'_>) {
    let properties = match value(&custom.properties, cx) {
        Value::Object(properties) => properties,
        _ => Map::new(),
    };
    let id = cx.id("custom");
    let component = &cx.member.component;
    cx.stack.add_untyped(id, "custom", custom.type_name.clone(), properties, &component.name, &component.origin);
}

fn value(property: &Property, cx: &Context<'_>) -> Value {
    match property {
        Property::Null => Value::Null,
        Property::Truth(truth) => (*truth).into(),
        Property::Number(number) => serde_json::from_str(number).unwrap_or(Value::Null),
        Property::Text(text) => serde_json::to_value(cx.text(text)).unwrap_or(Value::Null),
        Property::List(items) => items.iter().map(|item| value(item, cx)).collect(),
        Property::Map(entries) => {
            let entries = entries.iter().map(|(key, inner)| (key.clone(), intrinsic(key, value(inner, cx), cx)));
            Value::Object(entries.collect())
        }
    }
}

/// The argument of an intrinsic function, with components' names replaced by logical ids.
fn intrinsic(function: &str, argument: Value, cx: &Context<'_>) -> Value {
    let resolve = |name: &str| match named(cx.tier, cx.stack.sharing, name) {
        Named::Component(member) => Some(logical_id(cx.tier, &member.component, main_role(member)).as_str().to_owned()),
        Named::Template | Named::Nothing => None,
    };
    match (function, argument) {
        ("Ref", Value::String(name)) => resolve(&name).unwrap_or(name).into(),
        ("Fn::GetAtt", Value::Array(mut items)) => {
            if let Some(first) = items.first_mut()
                && let Some(id) = first.as_str().and_then(resolve)
            {
                *first = id.into();
            }
            items.into()
        }
        ("Fn::GetAtt", Value::String(text)) => match text.split_once('.') {
            Some((name, attribute)) => {
                vec![resolve(name).unwrap_or_else(|| name.to_owned()), attribute.to_owned()].into()
            }
            None => text.into(),
        },
        ("Fn::Sub", Value::String(text)) => substituted(&text, resolve).into(),
        ("Fn::Sub", Value::Array(mut items)) => {
            if let Some(first) = items.first_mut()
                && let Some(text) = first.as_str()
            {
                *first = substituted(text, resolve).into();
            }
            items.into()
        }
        (_, argument) => argument,
    }
}

fn substituted(text: &str, resolve: impl Fn(&str) -> Option<String>) -> String {
    let mut result = String::new();
    let mut pieces = text.split("${");
    result.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        result.push_str("${");
        match piece.split_once('}') {
            Some((inside, after)) => {
                let (name, attribute) = inside.split_once('.').unwrap_or((inside, ""));
                match resolve(name) {
                    Some(id) => result.push_str(&id),
                    None => result.push_str(name),
                }
                if !attribute.is_empty() {
                    result.push('.');
                    result.push_str(attribute);
                }
                result.push('}');
                result.push_str(after);
            }
            None => result.push_str(piece),
        }
    }
    result
}

pub(super) fn attribute(id: impl Fn(&str) -> LogicalId, attribute: Attribute) -> Option<Node> {
    (attribute == Attribute::Id).then(|| Node::Ref(id("custom")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{pooled, siloed};

    #[test]
    fn names_of_components_become_logical_ids() {
        let stack = siloed(
            "components:\n  - { table: Orders }\n  - custom: Extra\n    type: AWS::SSM::Parameter\n    properties:\n      Type: String\n      Name: !Sub '/${TenantId}/orders'\n      Value: !GetAtt Orders.Arn\n      Description: '${Orders.name}'\n      Tier: !Ref AWS::NoValue",
        );
        let table = stack.0.nodes[0].id.to_string();
        assert_eq!(
            stack.node("ExtraCustom"),
            json!({
                "Type": "String",
                "Name": {"Fn::Sub": "/${TenantId}/orders"},
                "Value": {"Fn::GetAtt": [table, "Arn"]},
                "Description": {"Ref": table},
                "Tier": {"Ref": "AWS::NoValue"},
            })
        );
    }

    #[test]
    fn pooled_it_stands_in_the_cells_stack() {
        let stack = pooled(
            "components: [{ custom: Flags, type: 'AWS::AppConfig::Application', shared_because: only names, properties: { Name: flags } }]",
        );
        assert_eq!(stack.types(), ["AppConfig::Application"]);
        assert_eq!(stack.get("AppConfig::Application", "/Name"), "flags");
    }
}
