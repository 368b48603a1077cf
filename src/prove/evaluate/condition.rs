//! Conditions over a concrete request.

use core::net::IpAddr;
use std::cmp::Ordering;

use super::pattern::Pattern;
use super::reading::{Choice, Choices};
use super::{Request, Values};
use crate::prove::policy::{Condition, Operator, Quantifier};

/// What a condition is evaluated against.
pub(super) struct Scope<'a> {
    /// The request.
    pub(super) request: &'a Request,
    /// Whether `${…}` are variables.
    pub(super) variables: bool,
    /// Whether the statement grants: the outcome that widens access is then true.
    pub(super) grants: bool,
    /// The readings that are tried.
    pub(super) choices: &'a Choices,
}

impl Scope<'_> {
    /// A text as a pattern; none if a variable in it has no value. Before the fifth colon of a resource there are no
    /// variables.
    pub(super) fn pattern(&self, text: &str, literal_colons: usize) -> Option<Pattern> {
        if !self.variables {
            return Some(Pattern::plain(text));
        }
        Pattern::with_variables(text, &|key| self.value(key), literal_colons)
    }

    /// The value of a variable.
    fn value(&self, key: &str) -> Option<String> {
        match self.request.key(key)? {
            Values::One(value) if value.is_empty() && self.choices.takes(Choice::EmptyIsMissing) => None,
            Values::One(value) => Some(value.clone()),
            // A key with many values has none that could be put into a text.
            Values::Many(_) => None,
        }
    }

    /// Whether the condition holds.
    pub(super) fn holds(&self, condition: &Condition) -> bool {
        let present = self.request.key(&condition.key).filter(|values| !values.is_nothing());
        if condition.operator == Operator::Null {
            let absent = if present.is_none() { "true" } else { "false" };
            return condition.values.iter().any(|value| value.eq_ignore_ascii_case(absent));
        }
        if matches!(condition.operator, Operator::Other(_)) && self.choices.takes(Choice::Opaque) {
            return self.grants;
        }
        let negated = is_negated(&condition.operator);
        let Some(present) = present else {
            return match condition.quantifier {
                Some(Quantifier::All) => true,
                Some(Quantifier::Any) if condition.if_exists && self.choices.takes(Choice::AnyIfExists) => self.grants,
                Some(Quantifier::Any) => false,
                None => condition.if_exists || negated,
            };
        };
        let patterns: Option<Vec<Pattern>> = condition.values.iter().map(|value| self.pattern(value, 0)).collect();
        if patterns.is_none() && self.choices.takes(Choice::Unresolved) {
            return false;
        }
        // A pattern with a variable that has no value fits nothing.
        let patterns =
            patterns.unwrap_or_else(|| condition.values.iter().filter_map(|value| self.pattern(value, 0)).collect());
        let one = |value: &str| {
            let fits = patterns.iter().any(|pattern| self.fits(&condition.operator, pattern, value));
            fits != negated
        };
        let blank = matches!(present, Values::One(value) if value.is_empty());
        match (condition.quantifier, present) {
            (Some(quantifier), _) if blank => {
                if self.choices.takes(Choice::EmptySet) {
                    return one("");
                }
                quantifier == Quantifier::All
            }
            (Some(Quantifier::All), values) => values.iter().all(one),
            (Some(Quantifier::Any), values) => values.iter().any(one),
            (None, Values::One(value)) => one(value),
            (None, Values::Many(_)) if self.choices.takes(Choice::OneOfMany) => self.grants,
            // Nothing says what this means; without a reading it does not hold.
            (None, Values::Many(_)) => false,
        }
    }

    /// Whether a value fits a pattern, the operator taken without its negation.
    fn fits(&self, operator: &Operator, pattern: &Pattern, value: &str) -> bool {
        match operator {
            Operator::Equals { any_case: false, .. } => pattern.clone().literal().matches(value),
            Operator::Equals { any_case: true, .. } => pattern.clone().literal().matches_any_case(value),
            Operator::Like { .. } => pattern.matches(value),
            Operator::Arn { .. } => {
                if !pattern.is_arn() && self.choices.takes(Choice::ArnParts) {
                    return pattern.matches(value);
                }
                pattern.matches_arn(value)
            }
            Operator::Bool => pattern.clone().literal().matches_any_case(value),
            Operator::Null => false,
            Operator::Other(name) => compares(name, &pattern.text(), value),
        }
    }
}

/// Whether the operator is a `Not…`.
fn is_negated(operator: &Operator) -> bool {
    match operator {
        Operator::Equals { negated, .. } | Operator::Like { negated } | Operator::Arn { negated } => *negated,
        Operator::Null | Operator::Bool => false,
        Operator::Other(name) => matches!(name.as_str(), "numericnotequals" | "datenotequals" | "notipaddress"),
    }
}

/// Numbers, dates, addresses and bytes; the negation of `name` is not applied.
fn compares(name: &str, written: &str, value: &str) -> bool {
    match name {
        "binaryequals" => return written == value,
        "ipaddress" | "notipaddress" => return in_range(written, value),
        _ => {}
    }
    let order = match name.strip_prefix("numeric") {
        Some(_) => number(value).zip(number(written)).and_then(|(value, written)| value.partial_cmp(&written)),
        None => moment(value).zip(moment(written)).map(|(value, written)| value.cmp(&written)),
    };
    let Some(order) = order else { return false };
    match name.trim_start_matches("numeric").trim_start_matches("date") {
        "equals" | "notequals" => order == Ordering::Equal,
        "lessthan" => order == Ordering::Less,
        "lessthanequals" => order != Ordering::Greater,
        "greaterthan" => order == Ordering::Greater,
        "greaterthanequals" => order != Ordering::Less,
        _ => false,
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Seconds since 1970 of `2026-11-21`, `2026-11-21T10:00:00Z`, or of a number of seconds.
fn moment(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (date, time) = text.strip_suffix('Z').unwrap_or(text).split_once('T').unwrap_or((text, "00:00:00"));
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':').map(str::parse::<i64>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next().transpose().ok()?.unwrap_or(0));
    // Days of the civil calendar, years beginning in March so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Whether an address is in a range in the notation of CIDR.
fn in_range(range: &str, address: &str) -> bool {
    let (network, length) = range.split_once('/').unwrap_or((range, ""));
    let (Ok(network), Ok(address)) = (network.parse::<IpAddr>(), address.parse::<IpAddr>()) else { return false };
    let (network, address, width) = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let length: u32 = if length.is_empty() { width } else { length.parse().unwrap_or(u32::MAX) };
    let Some(ignored) = width.checked_sub(length) else { return false };
    network.checked_shr(ignored).unwrap_or(0) == address.checked_shr(ignored).unwrap_or(0)
}
