//! Cuts a type's schema down to what the values at hand can meet, so that compiling it costs little.
//!
//! The verdict about values without intrinsic functions is the same as the whole schema's. What is cut: properties
//! that are not given, keywords for other types of value, what no reference leads to, annotations. References are
//! followed, so that nothing refers to anything in the result; that ends, because a cut goes no deeper than the
//! values. Where the only value is an intrinsic function the schema becomes `true`: its value is not known before
//! the stack is created, and this is how a leaf of any type admits one.
//!
//! The result is for Draft 7, the least that has what the schemas use and the cheapest to compile; the few newer
//! keywords are rewritten.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// An annotation beside `additionalProperties`: the names that are known, for a hint at the one that was meant.
pub(super) const KNOWN: &str = "tenantry:known";

/// An annotation beside `pattern`: how it is written in the facts.
pub(super) const WRITTEN: &str = "tenantry:pattern";

/// Deeper than any schema; alternatives that refer to themselves end here.
const DEEPEST: u32 = 256;

/// The part of a type's schema that the properties meet.
pub(super) fn cut(root: &Map<String, Value>, properties: &Value) -> Value {
    Cutter { root }.members(root, &[properties], DEEPEST)
}

/// The subschema that a `$ref` names.
pub(super) fn pointed_at<'a>(root: &'a Map<String, Value>, target: &str) -> Option<&'a Value> {
    let (first, rest) = match target.strip_prefix("#/")?.split_once('/') {
        Some((first, rest)) => (first, format!("/{rest}")),
        None => (target.strip_prefix("#/")?, String::new()),
    };
    root.get(first)?.pointer(&rest)
}

/// Whether a value is a call of an intrinsic function.
pub(super) fn is_intrinsic(value: &Value) -> bool {
    let Value::Object(members) = value else { return false };
    let mut keys = members.keys();
    match (keys.next(), keys.next()) {
        (Some(key), None) => key == "Ref" || key.starts_with("Fn::"),
        _ => false,
    }
}

struct Cutter<'a> {
    root: &'a Map<String, Value>,
}

impl Cutter<'_> {
    fn schema(&self, schema: &Value, values: &[&Value], depth: u32) -> Value {
        let Value::Object(schema) = schema else { return schema.clone() };
        let literals: Vec<&Value> = values.iter().copied().filter(|value| !is_intrinsic(value)).collect();
        match depth.checked_sub(1) {
            Some(depth) if !literals.is_empty() => self.members(schema, &literals, depth),
            _ => Value::Bool(true),
        }
    }

    fn schemas(&self, schemas: &Value, values: &[&Value], depth: u32) -> Vec<Value> {
        schemas.as_array().into_iter().flatten().map(|schema| self.schema(schema, values, depth)).collect()
    }

    fn members(&self, schema: &Map<String, Value>, values: &[&Value], depth: u32) -> Value {
        let mut given: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for (name, value) in values.iter().filter_map(|value| value.as_object()).flatten() {
            given.entry(name).or_default().push(value);
        }
        let items: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
        let (has_text, has_number) =
            (values.iter().any(|value| value.is_string()), values.iter().any(|value| value.is_number()));
        let (has_list, has_object) =
            (values.iter().any(|value| value.is_array()), values.iter().any(|value| value.is_object()));
        let is_ascii = values.iter().filter_map(|value| value.as_str()).all(str::is_ascii);
        let properties = schema.get("properties").and_then(Value::as_object);
        let is_known = |name: &str| properties.is_some_and(|properties| properties.contains_key(name));

        let mut kept = Map::new();
        let mut all_of = Vec::new();
        let mut dependencies = Map::new();
        for (keyword, argument) in schema {
            let part = match keyword.as_str() {
                "$ref" => {
                    if let Some(target) = argument.as_str().and_then(|target| pointed_at(self.root, target)) {
                        all_of.push(self.schema(target, values, depth));
                    }
                    continue;
                }
                "allOf" => {
                    all_of.extend(self.schemas(argument, values, depth));
                    continue;
                }
                "anyOf" | "oneOf" => Value::Array(self.schemas(argument, values, depth)),
                "not" | "if" | "then" | "else" => self.schema(argument, values, depth),
                // CloudFormation takes an object without members of its own, such as a policy document, as JSON text too.
                "type" if has_text && argument == "object" && !has_members(schema) => {
                    Value::from_iter(["object", "string"])
                }
                "type" | "enum" | "const" | "enumCaseInsensitive" => argument.clone(),
                "pattern" if has_text => match argument.as_str().filter(|_| is_ascii).and_then(in_ascii) {
                    Some(shorter) => {
                        kept.insert(WRITTEN.to_owned(), argument.clone());
                        Value::String(shorter)
                    }
                    None => argument.clone(),
                },
                "minLength" | "maxLength" if has_text => argument.clone(),
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" if has_number => {
                    argument.clone()
                }
                "minItems" | "maxItems" | "uniqueItems" | "uniqueKeys" if has_list => argument.clone(),
                "items" if !items.is_empty() => self.schema(argument, &items, depth),
                // With `items` beside it, which is for all items here.
                "prefixItems" if has_list => {
                    let at = |index: usize| -> Vec<&Value> {
                        values.iter().filter_map(|value| value.as_array()?.get(index)).collect()
                    };
                    let places = argument.as_array().into_iter().flatten().enumerate();
                    let places: Value = places.map(|(index, place)| self.schema(place, &at(index), depth)).collect();
                    all_of.push(Value::Object(Map::from_iter([("items".to_owned(), places)])));
                    continue;
                }
                "required" | "minProperties" | "maxProperties" | "requiredXor" | "requiredOr" | "dependentExcluded"
                    if has_object =>
                {
                    argument.clone()
                }
                "dependencies" | "dependentRequired" => {
                    for (name, needs) in argument.as_object().into_iter().flatten() {
                        if given.contains_key(name.as_str()) {
                            dependencies.insert(name.clone(), self.schema(needs, values, depth));
                        }
                    }
                    continue;
                }
                "properties" if given.keys().any(|name| is_known(name)) => {
                    let met = given.iter().filter_map(|(name, values)| {
                        Some(((*name).to_owned(), self.schema(argument.get(name)?, values, depth)))
                    });
                    Value::Object(met.collect())
                }
                "patternProperties" if !given.is_empty() => {
                    let values: Vec<&Value> = given.values().flatten().copied().collect();
                    let patterns = argument.as_object().into_iter().flatten();
                    patterns.map(|(pattern, inner)| (pattern.clone(), self.schema(inner, &values, depth))).collect()
                }
                "additionalProperties" if given.keys().any(|name| !is_known(name)) => {
                    let others = given.iter().filter(|(name, _)| !is_known(name));
                    let values: Vec<&Value> = others.flat_map(|(_, values)| values).copied().collect();
                    if argument == &Value::Bool(false) {
                        let names = properties.into_iter().flat_map(|properties| properties.keys().cloned());
                        kept.insert(KNOWN.to_owned(), names.collect());
                    }
                    self.schema(argument, &values, depth)
                }
                _ => continue,
            };
            kept.insert(keyword.clone(), part);
        }
        if !dependencies.is_empty() {
            kept.insert("dependencies".to_owned(), Value::Object(dependencies));
        }
        match all_of.pop() {
            Some(only) if all_of.is_empty() && kept.is_empty() => return only,
            Some(last) => {
                all_of.push(last);
                kept.insert("allOf".to_owned(), Value::Array(all_of));
            }
            None => {}
        }
        Value::Object(kept)
    }
}

fn has_members(schema: &Map<String, Value>) -> bool {
    schema.contains_key("properties") || schema.contains_key("patternProperties")
}

/// The same pattern for text in ASCII, if it names categories of Unicode; those take half a millisecond to compile.
/// Not if it names what is outside of one, which may become too large without the other half.
fn in_ascii(pattern: &str) -> Option<String> {
    const MEMBERS: [(&str, &str); 7] = [
        ("\\p{L}", "A-Za-z"),
        ("\\p{M}", ""),
        ("\\p{N}", "0-9"),
        ("\\p{P}", r"\x21-\x23\x25-\x2A\x2C-\x2F\x3A\x3B\x3F\x40\x5B-\x5D\x5F\x7B\x7D"),
        ("\\p{S}", r"\x24\x2B\x3C-\x3E\x5E\x60\x7C\x7E"),
        ("\\p{Z}", r"\x20"),
        ("\\p{C}", r"\x00-\x1F\x7F"),
    ];
    let short =
        MEMBERS.iter().fold(pattern.to_owned(), |pattern, (category, members)| pattern.replace(category, members));
    (short != pattern && !pattern.contains("\\P")).then_some(short)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::check::compile;
    use super::*;

    fn collect(schema: &Value, patterns: &mut BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                for (keyword, value) in members {
                    match value {
                        Value::String(pattern) if keyword == "pattern" => {
                            patterns.insert(pattern.clone());
                        }
                        Value::Object(inner) if keyword == "patternProperties" => {
                            patterns.extend(inner.keys().cloned());
                        }
                        _ => {}
                    }
                    collect(value, patterns);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, patterns)),
            _ => {}
        }
    }

    /// All patterns compile, and the shorter ones decide alike.
    #[test]
    fn patterns_mean_the_same_in_ascii() {
        let mut patterns = BTreeSet::new();
        for name in crate::cfn::schema::names() {
            collect(&Value::Object(crate::cfn::schema::find(name).unwrap().record), &mut patterns);
        }
        assert!(patterns.len() > 2500);
        let compiled = |pattern: &str| {
            compile(&json!({ "pattern": pattern })).unwrap_or_else(|| panic!("{pattern} does not compile"))
        };
        let mut texts: Vec<String> = (0..128_u8).map(|code| char::from(code).to_string()).collect();
        texts.extend(["", "ab", "a-b", "12:3", "A_1", "a b c", "a@b", "https://a", "{####}"].map(str::to_owned));
        texts.extend([10, 63, 64, 65, 128, 129, 256, 257].map(|length| "a".repeat(length)));
        let mut shorter = 0;
        for pattern in &patterns {
            let whole = compiled(pattern);
            let Some(short) = in_ascii(pattern) else { continue };
            let short = compiled(&short);
            shorter += 1;
            for text in &texts {
                let text = Value::String(text.clone());
                assert_eq!(short.is_valid(&text), whole.is_valid(&text), "{pattern} on {text}");
            }
        }
        assert!(shorter > 50, "{shorter}");
    }
}
