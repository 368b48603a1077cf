//! Whether a change comes to all stacks alike that differ in the values of parameters only.
//!
//! The templates are compared with values that say nothing but which parameter they are of. What is the same then is the
//! same for all values. What differs then differs for all values if the parts that are left, when what both begin and
//! end with is taken away, differ for all values. If anything cannot be told like this, each stack has to be compared
//! with its own values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Access, PropertyChange};
use super::evaluate::{OPAQUE, is_opaque};
use super::stack::{Comparer, Values};
use crate::assembly::{AssemblyError, StackRecord};

/// Whether the outcome of the comparison is the same whatever the values of the parameters, the account and the name are.
pub(super) fn is_uniform(
    comparer: &mut Comparer<'_>,
    old: Option<&StackRecord<'static>>,
    new: Option<&StackRecord<'static>>,
) -> Result<bool, AssemblyError> {
    let opaque = |stack: &StackRecord<'static>| {
        let is_old = old.is_some_and(|old| std::ptr::eq(old, stack));
        let same = |name: &str| {
            let value =
                |stack: Option<&StackRecord<'static>>| stack.and_then(|stack| stack.parameters.get(name)).cloned();
            value(old) == value(new)
        };
        let side = if is_old { '<' } else { '>' };
        let token = |name: &str| {
            if same(name) { format!("{OPAQUE}{name}{OPAQUE}") } else { format!("{OPAQUE}{side}{name}{OPAQUE}") }
        };
        let parameters: BTreeMap<String, String> =
            stack.parameters.keys().map(|name| (name.to_string(), token(name))).collect();
        Values {
            parameters,
            stack: format!("{OPAQUE}AWS::StackName{OPAQUE}"),
            account: stack.account.is_some().then(|| format!("{OPAQUE}AWS::AccountId{OPAQUE}")),
            region: stack.region.to_string(),
        }
    };
    let change = comparer.templates(old, new, &opaque)?;
    if change.looked {
        return Ok(false);
    }
    let all = change.resources.iter().map(|resource| (resource.access, resource.properties.as_slice()));
    let mut all = all.chain([(Access::Same, change.outputs.as_slice())]);
    Ok(all.all(|(access, changes)| {
        let mut values = changes.iter().flat_map(|change| [&change.old, &change.new]).flatten();
        // Whether more is possible hangs on the values that differ.
        (access == Access::Same || !values.any(has_side)) && is_certain(changes)
    }))
}

/// Whether all changes of a resource are changes for all values.
fn is_certain(changes: &[PropertyChange]) -> bool {
    changes.iter().all(|change| match (&change.old, &change.new) {
        (Some(old), Some(new)) => old == new || differ(old, new),
        // Of a list without order an item that goes may be one that comes.
        (Some(one), None) | (None, Some(one)) => {
            let parent = |path: &str| path.rsplit_once('/').map(|(parent, _)| parent.to_owned());
            changes.iter().all(|other| {
                let counterpart = match (&change.old, &other.old, &other.new) {
                    (Some(_), None, Some(new)) => Some(new),
                    (None, Some(old), None) => Some(old),
                    _ => None,
                };
                counterpart.is_none_or(|two| parent(&change.path) != parent(&other.path) || differ(one, two))
            })
        }
        (None, None) => true,
    })
}

/// Whether a value holds one that is another before than after.
fn has_side(value: &Value) -> bool {
    match value {
        Value::String(text) => pieces(text).iter().any(|piece| matches!(piece, Piece::Side(..))),
        Value::Array(items) => items.iter().any(has_side),
        Value::Object(entries) => entries.values().any(has_side),
        _ => false,
    }
}

/// Whether two values that are not the same differ whatever stands for what is opaque.
fn differ(old: &Value, new: &Value) -> bool {
    if !is_opaque(old) && !is_opaque(new) {
        return true;
    }
    match (old, new) {
        (Value::String(old), Value::String(new)) => texts_differ(old, new),
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).any(|(old, new)| old != new && differ(old, new))
        }
        (Value::Object(old), Value::Object(new)) if old.keys().eq(new.keys()) => {
            old.iter().zip(new).any(|((_, old), (_, new))| old != new && differ(old, new))
        }
        (Value::String(_), other) | (other, Value::String(_)) => other.is_array() || other.is_object(),
        _ => false,
    }
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    Character(char),
    /// A value that is the same before and after.
    Same(&'t str),
    /// A value that is another before than after.
    Side(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    for (index, part) in text.split(OPAQUE).enumerate() {
        if index % 2 == 0 {
            all.extend(part.chars().map(Piece::Character));
        } else if let Some(name) = part.strip_prefix(['<', '>']) {
            all.push(Piece::Side(name));
        } else {
            all.push(Piece::Same(part));
        }
    }
    all
}

fn texts_differ(old: &str, new: &str) -> bool {
    let (old, new) = (pieces(old), pieces(new));
    let same = |(one, other): &(&Piece<'_>, &Piece<'_>)| one == other && !matches!(one, Piece::Side(_));
    let begin = old.iter().zip(&new).take_while(same).count();
    let (old, new) = (old.get(begin..).unwrap_or_default(), new.get(begin..).unwrap_or_default());
    let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let left = |pieces: &[Piece<'_>]| pieces.len().saturating_sub(end);
    let (old, new) = (old.get(..left(old)).unwrap_or_default(), new.get(..left(new)).unwrap_or_default());
    let plain = |pieces: &[Piece<'_>]| pieces.iter().all(|piece| matches!(piece, Piece::Character(_)));
    match (old, new) {
        // The same parameter, whose values are known to differ.
        ([Piece::Side(one)], [Piece::Side(other)]) if one == other => true,
        (old, new) if plain(old) && plain(new) => old != new,
        // A text can be empty, but not where a character stands.
        ([], rest) | (rest, []) => rest.iter().any(|piece| matches!(piece, Piece::Character(_))),
        // No value hides a first, or last, character that differs.
        (old, new) => {
            let unlike = |one: Option<&Piece<'_>>, other: Option<&Piece<'_>>| matches!((one, other), (Some(Piece::Character(one)), Some(Piece::Character(other))) if one != other);
            unlike(old.first(), new.first()) || unlike(old.last(), new.last())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(parts: &[&str]) -> String {
        parts
            .iter()
            .map(|part| match part.strip_prefix('$') {
                Some(name) => format!("{OPAQUE}{name}{OPAQUE}"),
                None => (*part).to_owned(),
            })
            .collect()
    }

    #[test]
    fn what_differs_for_all_values_is_told_from_what_may() {
        let differ = |old: &[&str], new: &[&str]| texts_differ(&text(old), &text(new));
        assert!(differ(&["orders-", "$T"], &["bills-", "$T"]));
        assert!(differ(&["orders-", "$T"], &["orders-", "$T", "-v2"]));
        assert!(differ(&["a-", "$<P", "-z"], &["a-", "$>P", "-z"]));
        assert!(!differ(&["$T"], &["acme"]));
        assert!(!differ(&["$T"], &["$U"]));
        assert!(!differ(&["x", "$T"], &["x", "$T", "$U"]));
        assert!(!differ(&["$T", "a"], &["a", "$T"]));
        assert!(!differ(&["$<P"], &["$>Q"]));
    }

    proptest! {
        #[test]
        fn what_is_said_to_differ_differs(
            old in prop::collection::vec(prop_oneof!["[ab]{1,2}", Just("$T".to_owned()), Just("$U".to_owned()), Just("$<P".to_owned())], 0..5),
            new in prop::collection::vec(prop_oneof!["[ab]{1,2}", Just("$T".to_owned()), Just("$U".to_owned()), Just("$>P".to_owned())], 0..5),
            t in "[ab]{0,2}", u in "[ab]{0,2}", p in "[ab]{0,2}", q in "[ab]{0,2}",
        ) {
            prop_assume!(p != q);
            let texts = |parts: &[String]| text(&parts.iter().map(String::as_str).collect::<Vec<_>>());
            let concrete = |parts: &[String]| -> String {
                parts.iter().map(|part| match part.as_str() {
                    "$T" => t.as_str(), "$U" => u.as_str(), "$<P" => p.as_str(), "$>P" => q.as_str(), other => other,
                }).collect()
            };
            let (one, other) = (texts(&old), texts(&new));
            if one != other && texts_differ(&one, &other) {
                prop_assert_ne!(concrete(&old), concrete(&new));
            }
        }
    }
}
