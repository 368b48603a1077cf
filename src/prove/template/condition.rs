//! Conditions: true, false, or open.

use serde_json::Value;

use super::Resolved;
use super::evaluate::{Evaluator, Slot};
use crate::prove::text::{Symbols, is_symbol};

/// The truth of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// It depends on what is not known: why.
    Open(String),
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::Yes } else { Self::No }
    }
}

impl<'a> Evaluator<'a> {
    /// The truth of a condition by its name.
    pub(super) fn condition(&mut self, name: &'a str) -> Truth {
        match self.conditions.get(name) {
            Some(Slot::Done(truth)) => return truth.clone(),
            Some(Slot::Busy) => return Truth::Open(format!("the condition `{name}` refers to itself")),
            None => {}
        }
        let Some(expression) = self.template.section("Conditions").and_then(|all| all.get(name)) else {
            return Truth::Open(format!("there is no condition `{name}`"));
        };
        self.conditions.insert(name, Slot::Busy);
        let deeper = self.deeper(|evaluator| evaluator.truth(expression));
        let truth = match deeper.unwrap_or_else(|| Truth::Open("references lead too deep".to_owned())) {
            Truth::Open(why) => Truth::Open(format!("the condition `{name}` is open, because {why}")),
            decided => decided,
        };
        self.conditions.insert(name, Slot::Done(truth.clone()));
        truth
    }

    fn truth(&mut self, expression: &'a Value) -> Truth {
        let function = expression.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
        let Some((function, argument)) = function else {
            return Truth::Open("what stands there is no function of conditions".to_owned());
        };
        let list = argument.as_array().map_or(&[] as &[Value], Vec::as_slice);
        match (function.as_str(), argument, list) {
            ("Condition", Value::String(name), _) => self.condition(name),
            ("Fn::Equals", _, [one, other]) => {
                let one = self.elsewhere(&["Conditions"], one);
                let other = self.elsewhere(&["Conditions"], other);
                match (one, other) {
                    (Some(one), Some(other)) => match equal(&one, &other, self.symbols) {
                        Some(truth) => truth.into(),
                        None => {
                            Truth::Open(format!("{} may or may not equal {}", self.shown(&one), self.shown(&other)))
                        }
                    },
                    (one, other) => Truth::from(one.is_none() && other.is_none()),
                }
            }
            ("Fn::And", _, [_, ..]) => self.all(list, &Truth::No, Truth::Yes),
            ("Fn::Or", _, [_, ..]) => self.all(list, &Truth::Yes, Truth::No),
            ("Fn::Not", _, [one]) => match self.truth(one) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                open @ Truth::Open(_) => open,
            },
            (other, ..) => {
                Truth::Open(format!("`{other}` is no function of conditions, or its arguments are not its own"))
            }
        }
    }

    /// What one of them decides whatever the others are; else the reason why one is open; else what is left.
    fn all(&mut self, list: &'a [Value], decides: &Truth, otherwise: Truth) -> Truth {
        let mut result = otherwise;
        for expression in list {
            match self.truth(expression) {
                truth if truth == *decides => return truth,
                Truth::Open(why) => result = Truth::Open(why),
                _ => {}
            }
        }
        result
    }

    fn shown(&self, value: &Resolved) -> String {
        match value {
            Resolved::Text(text) => format!("`{}`", self.symbols.show(text)),
            Resolved::List(_) => "a list".to_owned(),
            Resolved::Map(_) => "a mapping".to_owned(),
            Resolved::Unknown(why) => format!("what cannot be known ({why})"),
        }
    }
}

/// Whether two values are the same whatever their symbols stand for; nothing if it depends.
pub(super) fn equal(one: &Resolved, other: &Resolved, symbols: &Symbols) -> Option<bool> {
    match (one, other) {
        (Resolved::Unknown(_), _) | (_, Resolved::Unknown(_)) => None,
        (Resolved::Text(one), Resolved::Text(other)) => same(one, other, symbols),
        (Resolved::List(one), Resolved::List(other)) => {
            if one.len() != other.len() {
                return Some(false);
            }
            let mut result = Some(true);
            for (one, other) in one.iter().zip(other) {
                match equal(one, other, symbols) {
                    Some(true) => {}
                    Some(false) => return Some(false),
                    None => result = None,
                }
            }
            result
        }
        _ => (one == other).then_some(true),
    }
}

fn same(one: &str, other: &str, symbols: &Symbols) -> Option<bool> {
    if one == other {
        return Some(true);
    }
    let (mut one, mut other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if !one.iter().chain(&other).any(|character| is_symbol(*character)) {
        return Some(false);
    }
    // What both end with says nothing, and what both begin with.
    for _ in 0..2 {
        while let (Some(last), Some(also)) = (one.last(), other.last()) {
            if last != also {
                if !is_symbol(*last) && !is_symbol(*also) {
                    return Some(false);
                }
                break;
            }
            one.pop();
            other.pop();
        }
        one.reverse();
        other.reverse();
    }
    match (one.as_slice(), other.as_slice()) {
        ([only], rest) | (rest, [only]) if is_symbol(*only) => {
            let symbol = symbols.get(*only)?;
            if let [another] = rest
                && let Some(another) = symbols.get(*another)
            {
                let family = symbol.family.is_some() && symbol.family == another.family;
                return family.then_some(false);
            }
            if rest.iter().any(|character| is_symbol(*character)) {
                return None;
            }
            let fits = (symbol.length.0..=symbol.length.1).contains(&rest.len())
                && rest.iter().all(|character| symbol.alphabet.contains(*character));
            if fits { None } else { Some(false) }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::text::{CharSet, Symbol};

    #[test]
    fn what_can_be_decided_is() {
        let mut symbols = Symbols::default();
        let mut make = |name: &str, family: Option<&str>| {
            let symbol = Symbol {
                name: name.to_owned(),
                alphabet: CharSet::digits(),
                length: (12, 12),
                family: family.map(str::to_owned),
                sample: name.to_owned(),
            };
            symbols.intern(symbol).unwrap()
        };
        let (a, b, c) = (make("a", Some("accounts")), make("b", Some("accounts")), make("c", None));
        let same = |one: &str, other: &str| same(one, other, &symbols);
        assert_eq!(same("x", "x"), Some(true));
        assert_eq!(same("x", "y"), Some(false));
        assert_eq!(same(&format!("x{a}"), &format!("x{a}")), Some(true));
        assert_eq!(same(&format!("x{a}z"), &format!("x{b}z")), Some(false));
        assert_eq!(same(&format!("x{a}"), &format!("x{c}")), None);
        assert_eq!(same(&format!("x{a}"), &format!("y{b}")), Some(false));
        assert_eq!(same(&format!("{a}x"), &format!("{c}y")), Some(false));
        assert_eq!(same(&a.to_string(), "123456789012"), None);
        assert_eq!(same(&a.to_string(), "12345678901"), Some(false));
        assert_eq!(same("", &c.to_string()), Some(false));
        assert_eq!(same(&format!("{a}{b}"), &c.to_string()), None);
    }
}
