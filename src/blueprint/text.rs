//! Text with references: `${Orders.name}`, and `$${` for a `${` that is meant literally.

use crate::diagnostics::{codes, Diagnostic, Origin, Sink};
use crate::model::component::{Attribute, Piece, Reference, Text};
use crate::model::ComponentName;

/// Reads text with references; what cannot be read goes to the sink.
pub(super) fn parse(text: &str, origin: &Origin, sink: &mut Sink) -> Text {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            literal.push_str(before);
            literal.push_str("${");
            rest = after;
            continue;
        }
        literal.push_str(before);
        let Some((inside, after)) = after.split_once('}') else {
            sink.push(
                Diagnostic::new(&codes::REFERENCE_SYNTAX, origin.clone(), "a reference begins with `${` and does not end")
                    .help("write `${Component.attribute}`, or `$${` for a literal `${`"),
            );
            return Text::default();
        };
        rest = after;
        if let Some(reference) = reference(inside, origin, sink) {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Reference(reference));
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Text(pieces)
}

fn reference(inside: &str, origin: &Origin, sink: &mut Sink) -> Option<Reference> {
    let syntax = |problem: String| {
        Diagnostic::new(&codes::REFERENCE_SYNTAX, origin.clone(), problem)
            .help("write `${Component.attribute}`, such as `${Orders.name}`; `$${` is a literal `${`")
    };
    let Some((component, attribute)) = inside.split_once('.') else {
        sink.push(syntax(format!("`${{{inside}}}` names no attribute")));
        return None;
    };
    let Ok(component) = ComponentName::new(component) else {
        sink.push(syntax(format!("`{component}` in `${{{inside}}}` is not a component's name")));
        return None;
    };
    let Some(attribute) = Attribute::parse(attribute) else {
        sink.push(
            Diagnostic::new(
                &codes::REFERENCE_UNKNOWN_ATTRIBUTE,
                origin.clone(),
                format!("no component has an attribute `{attribute}`"),
            )
            .did_you_mean(attribute, Attribute::ALL.iter().map(|known| known.as_str()))
            .help("the attributes are `name`, `arn`, `id`, `url` and `client_id`"),
        );
        return None;
    };
    Some(Reference { component, attribute })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes_of(text: &str) -> Vec<&'static str> {
        let mut sink = Sink::new();
        let _ = parse(text, &Origin::Derived, &mut sink);
        sink.iter().map(|finding| finding.code.name).collect()
    }

    #[test]
    fn text_is_split_into_pieces() {
        let text = parse("a-${Orders.arn}/$${x}", &Origin::Derived, &mut Sink::new());
        let orders = Reference { component: ComponentName::new("Orders").unwrap(), attribute: Attribute::Arn };
        assert_eq!(
            text.0,
            [Piece::Literal("a-".to_owned()), Piece::Reference(orders), Piece::Literal("/${x}".to_owned())]
        );
    }

    #[test]
    fn what_cannot_be_read_is_a_finding() {
        assert_eq!(codes_of("${Orders"), ["reference/syntax"]);
        assert_eq!(codes_of("${Orders}"), ["reference/syntax"]);
        assert_eq!(codes_of("${orders.name}"), ["reference/syntax"]);
        assert_eq!(codes_of("${Orders.nam}"), ["reference/unknown-attribute"]);
        assert!(codes_of("plain $ text }").is_empty());
    }
}
