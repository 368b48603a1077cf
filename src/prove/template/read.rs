//! Reading a template, and finding the line of what stands in it.

use std::fmt;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::diagnostics::{FileId, Origin, Sink, SourceMap, Span};
use crate::prove::policy::Place;
use crate::prove::text::CharSet;
use crate::source::{self, Entry, Node};

/// A template as it was read, with nothing evaluated.
#[derive(Debug, Clone)]
pub struct Template {
    file: String,
    id: FileId,
    text: String,
    value: Value,
    /// The tree with places: there from the start when the text is YAML, made when first asked for when it is JSON.
    tree: OnceLock<Option<Node>>,
}

impl Template {
    /// Reads a template in JSON or YAML, short tags included. The text is kept in `sources`, so that findings can quote
    /// it.
    ///
    /// Returns nothing when there is no tree to go on with; the sink says why.
    pub fn read(file: &str, text: &[u8], sources: &mut SourceMap, sink: &mut Sink) -> Option<Self> {
        if let Ok(text) = std::str::from_utf8(text) {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            // What templates are emitted as is read at the speed of JSON. Whatever is the matter with it, the other
            // reader says it better: with the place.
            if text.trim_start().starts_with('{')
                && let Ok(Strict(value)) = serde_json::from_str(text)
            {
                let id = sources.add(file, text);
                return Some(Self { file: file.to_owned(), id, text: text.to_owned(), value, tree: OnceLock::new() });
            }
        }
        let node = source::read(file, text, sources, sink)?;
        let Origin::Text(Span { file: id, .. }) = node.origin else { return None };
        let value = node.to_json();
        Some(Self { file: file.to_owned(), id, text: String::new(), value, tree: OnceLock::from(Some(node)) })
    }

    /// The file, as the user named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The template as a value, with the long forms of intrinsics.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The parameters it declares, in its order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.section("Parameters").into_iter().flat_map(|section| section.keys().map(String::as_str))
    }

    /// The resources it has with their types, in its order.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.section("Resources").into_iter().flatten().filter_map(|(id, resource)| {
            let kind = resource.get("Type")?.as_str()?;
            Some((id.as_str(), kind))
        })
    }

    /// Where the value of a JSON pointer stands, or what is nearest above it.
    #[must_use]
    pub fn locate(&self, pointer: &str) -> Origin {
        let tree = self.tree.get_or_init(|| {
            source::read(&self.file, self.text.as_bytes(), &mut SourceMap::default(), &mut Sink::new())
        });
        let Some(mut node) = tree.as_ref() else { return Origin::Path(self.file.as_str().into()) };
        let mut found = &node.origin;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            match (node.entries(), node.items()) {
                (Some(entries), _) => {
                    let Some(entry) = entries.iter().find(|entry| entry.key == step) else { break };
                    found = place_of(entry);
                    node = &entry.value;
                }
                (None, Some(items)) => {
                    let Some(item) = step.parse().ok().and_then(|at: usize| items.get(at)) else { break };
                    found = &item.origin;
                    node = item;
                }
                (None, None) => break,
            }
        }
        match found {
            // The tree of JSON was read apart from the other files.
            Origin::Text(span) => Origin::Text(Span { file: self.id, ..*span }),
            other => other.clone(),
        }
    }

    /// Where a place of this template stands.
    #[must_use]
    pub fn origin(&self, place: &Place) -> Origin {
        self.locate(&place.pointer)
    }

    /// What may stand for a parameter of the template, as far as its declaration says.
    #[must_use]
    pub fn characters_of(&self, parameter: &str) -> CharSet {
        let declaration = self.section("Parameters").and_then(|parameters| parameters.get(parameter));
        declaration.map_or(CharSet::ALL, |declaration| super::parameter::symbol(parameter, declaration, "").alphabet)
    }

    pub(super) fn section(&self, name: &str) -> Option<&Map<String, Value>> {
        self.value.get(name)?.as_object()
    }
}

/// A scalar is quoted itself; of a list or a mapping the key says more than the line on which it opens.
fn place_of(entry: &Entry) -> &Origin {
    if entry.value.text().is_some() { &entry.value.origin } else { &entry.key_origin }
}

/// A JSON value without duplicate keys, of which the usual reader keeps one without a word.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::with_capacity(items.size_hint().unwrap_or(0));
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, _>()? {
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice in one mapping"));
            }
        }
        Ok(Value::Object(map))
    }
}
