//! What the properties of a custom component may name with `Ref`, `Fn::GetAtt` and `Fn::Sub`.

use super::{Member, Parameter, Sharing, Tier};

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub enum Named<'t> {
    /// A pseudo parameter, or a parameter of the template.
    Template,
    /// A component of the same stack.
    Component(&'t Member),
    /// Nothing that the template has.
    Nothing,
}

/// Finds what a name stands for, in the template that a tier has for a sharing.
#[must_use]
pub fn named<'t>(tier: &'t Tier, sharing: Sharing, name: &str) -> Named<'t> {
    if name.starts_with("AWS::") {
        return Named::Template;
    }
    if let Some(parameter) = Parameter::parse(name) {
        let told = sharing == Sharing::Siloed || !parameter.is_of_tenant();
        return if told { Named::Template } else { Named::Nothing };
    }
    tier.members
        .iter()
        .find(|member| member.component.name.as_str() == name && member.sharing == Some(sharing))
        .map_or(Named::Nothing, Named::Component)
}

/// The names that a `Fn::Sub` text fills in, without their attributes.
#[must_use]
pub fn sub_names(text: &str) -> Vec<&str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(inside, _)| inside))
        .filter(|inside| !inside.starts_with('!'))
        .map(|inside| inside.split('.').next().unwrap_or(inside))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn substitutions_are_found() {
        assert_eq!(super::sub_names("a${X.Arn}b${!aws:x}c${Y}"), ["X", "Y"]);
    }
}
