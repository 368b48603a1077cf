//! What resources are called: by reference, by attribute, and by the ARNs that policies can name.
//!
//! The facts are `data/resource-identity.json`. A name that the template does not give is made up by CloudFormation or
//! by the service; what they make up is a symbol.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use super::Resolved;
use super::evaluate::Evaluator;
use crate::prove::text::{CharSet, Symbol, Text, is_symbol};

/// What a resource of a stack is called.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) name: Option<Text>,
    pub(super) arn: Option<Text>,
    pub(super) reference: Result<Text, String>,
    pub(super) attributes: BTreeMap<String, Result<Text, String>>,
    pub(super) owned: Vec<(Text, bool)>,
    /// Why there is no ARN although the type has one.
    pub(super) nameless: Option<String>,
}

/// The data file.
#[derive(Debug, serde::Deserialize)]
struct Table {
    generated: BTreeMap<String, Format>,
    random: Random,
    identities: BTreeMap<String, Kind>,
}

#[derive(Debug, serde::Deserialize)]
struct Random {
    length: (usize, usize),
}

/// How the resources of one type are named.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    /// The prefix of the service's actions.
    service: String,
    /// The types of resources that policies know it and its parts by; of another service with its prefix.
    #[serde(default)]
    iam_types: Vec<String>,
    /// The property that holds its name.
    name: Option<String>,
    /// The form of its name when the property is absent.
    generated: Option<String>,
    /// The most characters of a generated name.
    max: Option<usize>,
    /// Its name is an id that the service makes up.
    id: Option<Made>,
    /// More that the service makes up.
    #[serde(default)]
    made: BTreeMap<String, Made>,
    parent: Option<Parent>,
    suffix: Option<Suffix>,
    when: Option<When>,
    #[serde(rename = "ref")]
    reference: Option<Format>,
    arn: Option<Format>,
    #[serde(default)]
    attributes: BTreeMap<String, Format>,
    /// ARNs beside its own that belong to it.
    #[serde(default)]
    parts: Vec<Format>,
}

/// A text that a service makes up.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    alphabet: Alphabet,
    length: (usize, usize),
    prefix: Option<Format>,
    /// The property without which there is none.
    #[serde(rename = "if")]
    only_if: Option<String>,
}

/// The alphabets of what services make up.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Alphabet {
    Any,
    Names,
    Alnum,
    LowerAlnum,
    UpperAlnum,
    LowerDash,
    Hex,
    HexDash,
    Digits,
    Ip,
    Timestamp,
}

impl Alphabet {
    fn set(self) -> CharSet {
        let of = |test: fn(char) -> bool, more: &str| CharSet::of(test, false).or(CharSet::of_text(more));
        let lower = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
        let hex = |character: char| matches!(character, '0'..='9' | 'a'..='f');
        match self {
            Self::Any => CharSet::ALL,
            Self::Names => CharSet::names(),
            Self::Alnum => of(|character| character.is_ascii_alphanumeric(), ""),
            Self::LowerAlnum => of(lower, ""),
            Self::UpperAlnum => of(|character| character.is_ascii_uppercase() || character.is_ascii_digit(), ""),
            Self::LowerDash => of(lower, "-"),
            Self::Hex => of(hex, ""),
            Self::HexDash => of(hex, "-"),
            Self::Digits => CharSet::digits(),
            Self::Ip => of(|character| character.is_ascii_digit(), "."),
            Self::Timestamp => of(|character| character.is_ascii_digit(), "T:.-"),
        }
    }
}

/// The resource that another is part of, and the property that names it: by name or by ARN.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Parent {
    property: String,
    of: String,
}

/// What ends a generated name when a property is true.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Suffix {
    #[serde(rename = "if")]
    only_if: String,
    text: String,
}

/// Other forms, when a property has one value or any but one.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    property: String,
    is: Option<String>,
    unless: Option<String>,
    arn: Option<Format>,
    #[serde(rename = "ref")]
    reference: Option<Format>,
}

/// A text with variables in `${…}`.
#[derive(Debug)]
struct Format(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Variable(String),
    /// A property, and what stands for it when it is absent.
    Property(String, Option<String>),
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let (variable, after) = after.split_once('}').ok_or_else(|| D::Error::custom("`${` without `}`"))?;
            pieces.push(match variable.strip_prefix("Property.") {
                None => Piece::Variable(variable.to_owned()),
                Some(property) => match property.split_once('|') {
                    None => Piece::Property(property.to_owned(), None),
                    Some((property, default)) => Piece::Property(property.to_owned(), Some(default.to_owned())),
                },
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

/// Nothing if the file is broken; a test reads it.
fn table() -> Option<&'static Table> {
    static TABLE: OnceLock<Option<Table>> = OnceLock::new();
    TABLE.get_or_init(|| serde_json::from_str(include_str!("../../../data/resource-identity.json")).ok()).as_ref()
}

fn find(kind: &str) -> Option<&'static Kind> {
    table()?.identities.get(kind)
}

/// The types whose resources have known names, sorted.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    table().into_iter().flat_map(|table| table.identities.keys().map(String::as_str))
}

/// The prefix of the service's actions, if the type is known: `dynamodb`.
#[must_use]
pub fn service(kind: &str) -> Option<&'static str> {
    find(kind).map(|kind| kind.service.as_str())
}

/// The types of resources, as the service authorization reference calls them, by which policies know a resource of the
/// type and its parts: `table`, `index`. Those of a service that is not [`service`] have its prefix:
/// `execute-api:execute-api-general`.
#[must_use]
pub fn iam_types(kind: &str) -> &'static [String] {
    find(kind).map_or(&[], |kind| &kind.iam_types)
}

/// The property that holds a name of which a service takes one at a time, and what else decides whether two resources of the type
/// are one: `TableName` alone, `StageName` with `RestApiId`. Nothing if names of the type can be taken twice, such as those of a
/// task definition, which has revisions.
#[must_use]
pub fn unique_name(kind: &str) -> Option<(&'static str, Vec<&'static str>)> {
    let kind = find(kind)?;
    let Format(pieces) = kind.arn.as_ref()?;
    if kind.parent.is_some() || !matches!(pieces.last(), Some(Piece::Variable(last)) if last == "Name") {
        return None;
    }
    let others = pieces.iter().filter_map(|piece| match piece {
        Piece::Property(name, _) => Some(name.as_str()),
        Piece::Text(_) | Piece::Variable(_) => None,
    });
    Some((kind.name.as_deref()?, others.collect()))
}

/// What a format's variables stand for.
struct Variables<'a> {
    known: Vec<(&'a str, Result<Text, String>)>,
}

impl<'a> Variables<'a> {
    fn set(&mut self, name: &'a str, value: Result<Text, String>) {
        self.known.push((name, value));
    }

    fn get(&self, name: &str) -> Result<&str, String> {
        match self.known.iter().find(|(known, _)| *known == name) {
            Some((_, Ok(text))) => Ok(text),
            Some((_, Err(why))) => Err(why.clone()),
            None => Err(format!("`{name}` of the resource is not known")),
        }
    }
}

impl<'a> Evaluator<'a> {
    /// What a resource is called. Asked once a resource.
    pub(super) fn identify(&mut self, id: &'a str, kind: &'a str, properties: Option<&'a Value>) -> Identity {
        let Some(facts) = find(kind) else { return self.stranger(id) };
        let mut variables = Variables {
            known: vec![
                ("Partition", Ok(self.setting.partition.clone())),
                ("Region", Ok(self.setting.region.clone())),
                ("Account", Ok(self.setting.account.clone())),
            ],
        };
        variables.set("URLSuffix", self.url_suffix());
        for (what, made) in &facts.made {
            if made.only_if.as_ref().is_none_or(|property| properties.is_some_and(|all| all.get(property).is_some())) {
                let text = self.made(id, kind, what, made, &variables);
                variables.set(what, text);
            }
        }
        let name = self.name(id, kind, facts, properties, &variables);
        if let Ok(name) = &name {
            let slash = if name.starts_with('/') { "" } else { "/" };
            variables.set("SlashName", Ok(format!("{slash}{name}")));
        }
        variables.set("Name", name.clone());
        if let Some(parent) = &facts.parent {
            self.parent(id, parent, properties, &mut variables);
        }
        let (mut arn, mut reference) = (facts.arn.as_ref(), facts.reference.as_ref());
        if let Some(when) = &facts.when {
            let value = self.property(id, properties, &when.property);
            let applies = match (&value, &when.is, &when.unless) {
                (Some(Ok(value)), Some(is), _) => value == is,
                (Some(Ok(value)), None, Some(unless)) => value != unless,
                (Some(Err(_)), ..) => true,
                _ => false,
            };
            if applies {
                arn = when.arn.as_ref().or(arn);
                reference = when.reference.as_ref().or(reference);
            }
        }
        let arn = arn.map(|arn| self.fill(id, properties, arn, &variables));
        if let Some(arn) = &arn {
            variables.set("Arn", arn.clone());
        }
        let reference = match reference {
            Some(reference) => self.fill(id, properties, reference, &variables),
            None => name.clone(),
        };
        let mut attributes = BTreeMap::new();
        if let Some(arn) = &arn {
            attributes.insert("Arn".to_owned(), arn.clone());
        }
        for (attribute, format) in &facts.attributes {
            let text = self.fill(id, properties, format, &variables);
            // One that needs what this resource does not have, such as the stream of a table without one, is left to
            // the symbol of whoever asks.
            if text.is_ok() || name.is_err() {
                attributes.insert(attribute.clone(), text);
            }
        }
        let nameless = arn.as_ref().and_then(|arn| arn.as_ref().err().cloned());
        let arn = arn.and_then(Result::ok);
        let mut owned: Vec<(Text, bool)> = arn.iter().map(|arn| (arn.clone(), false)).collect();
        for part in &facts.parts {
            if let Ok(mut text) = self.fill(id, properties, part, &variables) {
                let any = text.ends_with('*');
                if any {
                    text.pop();
                }
                owned.push((text, any));
            }
        }
        Identity { name: name.ok(), arn, reference, attributes, owned, nameless }
    }

    /// A resource of a type that nothing is known about: what refers to it may be any text.
    fn stranger(&mut self, id: &str) -> Identity {
        let name = format!("reference to {id} in {}", self.name);
        let reference = self.opaque(name, CharSet::ALL, (1, 2048), None);
        Identity { name: None, arn: None, reference, attributes: BTreeMap::new(), owned: Vec::new(), nameless: None }
    }

    fn name(
        &mut self,
        id: &'a str,
        kind: &str,
        facts: &Kind,
        properties: Option<&'a Value>,
        variables: &Variables<'_>,
    ) -> Result<Text, String> {
        if let Some(property) = &facts.name
            && let Some(name) = self.property(id, properties, property)
        {
            return name;
        }
        if let Some(made) = &facts.id {
            return self.made(id, kind, "id", made, variables);
        }
        let Some(form) = &facts.generated else {
            let name = format!("name of {id} in {}", self.name);
            return self.opaque(name, CharSet::ALL, (1, 2048), None);
        };
        let lower = form.ends_with("-lower");
        let Some((table, format)) = table().and_then(|table| Some((table, table.generated.get(form)?))) else {
            return Err(format!("there is no form `{form}` of generated names"));
        };
        let alphabet = if lower { Alphabet::LowerAlnum } else { Alphabet::Alnum };
        let family = Some(if lower { "generated suffix, lower case" } else { "generated suffix" }.to_owned());
        let random = format!("generated suffix of {id} in {}", self.name);
        let random = self.opaque(random, alphabet.set(), table.random.length, family)?;
        let mut known = Variables { known: vec![("Random", Ok(random))] };
        if lower {
            known.set("StackName", self.lower(&self.setting.stack_name));
            known.set("LogicalId", Ok(id.to_ascii_lowercase()));
        } else {
            known.set("StackName", Ok(self.setting.stack_name.clone()));
            known.set("LogicalId", Ok(id.to_owned()));
        }
        let mut name = self.fill(id, None, format, &known)?;
        if let Some(suffix) = &facts.suffix
            && matches!(self.property(id, properties, &suffix.only_if), Some(Ok(value)) if value == "true")
        {
            name.push_str(&suffix.text);
        }
        // CloudFormation cuts the stack's name and the logical id until the name fits: nobody says where.
        if facts.max.is_some_and(|max| self.least(&name) > max) {
            let whole = format!("generated name of {id} in {}", self.name);
            let alphabet = if lower { Alphabet::LowerDash.set() } else { CharSet::names() };
            let most = facts.max.unwrap_or(usize::MAX);
            return self.opaque(whole, alphabet, (table.random.length.0, most), Some("generated name".to_owned()));
        }
        Ok(name)
    }

    /// A stack's name in lower case, as buckets have it.
    fn lower(&mut self, text: &str) -> Result<Text, String> {
        let mut lower = String::with_capacity(text.len());
        for character in text.chars() {
            let Some(symbol) = self.symbols.get(character) else {
                lower.extend(character.to_lowercase());
                continue;
            };
            if !('A'..='Z').any(|upper| symbol.alphabet.contains(upper)) {
                lower.push(character);
                continue;
            }
            let name = format!("{} in lower case", symbol.name);
            let (length, alphabet) = (symbol.length, symbol.alphabet);
            let alphabet = alphabet
                .and(CharSet::of(|character| character.is_ascii_uppercase(), false).complement())
                .or(CharSet::of(
                    |character| alphabet.contains(character.to_ascii_uppercase()) && character.is_ascii_lowercase(),
                    false,
                ));
            lower.push_str(&self.opaque(name, alphabet, length, None)?);
        }
        Ok(lower)
    }

    /// The fewest characters that a text has.
    fn least(&self, text: &str) -> usize {
        text.chars().map(|character| self.symbols.get(character).map_or(1, |symbol| symbol.length.0)).sum()
    }

    fn made(
        &mut self,
        id: &'a str,
        kind: &str,
        what: &str,
        made: &Made,
        variables: &Variables<'_>,
    ) -> Result<Text, String> {
        let name = match what {
            "id" => format!("id of {id} in {}", self.name),
            more => format!("{} of {id} in {}", more.to_ascii_lowercase(), self.name),
        };
        // Numbers that are counted up begin anew in each resource; all else is made up once.
        let counted = matches!(made.alphabet, Alphabet::Digits | Alphabet::Any | Alphabet::Timestamp);
        let family = (!counted).then(|| format!("{what} of {kind}"));
        let text = self.opaque(name, made.alphabet.set(), made.length, family)?;
        match &made.prefix {
            None => Ok(text),
            Some(prefix) => Ok(self.fill(id, None, prefix, variables)? + &text),
        }
    }

    /// The parent's ARN and name, from a property that holds either.
    fn parent(&mut self, id: &'a str, parent: &Parent, properties: Option<&'a Value>, variables: &mut Variables<'_>) {
        let named = match self.property(id, properties, &parent.property) {
            None => Err(format!("the resource has no `{}`", parent.property)),
            Some(named) => named,
        };
        let (arn, name) = match named {
            Err(why) => (Err(why.clone()), Err(why)),
            Ok(arn) if arn.starts_with("arn:") => {
                let name = arn.rsplit(['/', ':']).next().unwrap_or("").to_owned();
                (Ok(arn), Ok(name))
            }
            Ok(name) => {
                let mut own = Variables { known: variables.known.clone() };
                own.known.retain(|(known, _)| *known != "Name");
                own.set("Name", Ok(name.clone()));
                let arn = match find(&parent.of).and_then(|facts| facts.arn.as_ref()) {
                    Some(format) => self.fill(id, None, format, &own),
                    None => Err(format!("`{}` has no ARN", parent.of)),
                };
                (arn, Ok(name))
            }
        };
        variables.set("Parent", arn);
        variables.set("ParentName", name);
    }

    /// A property that holds a text, by its path; nothing if it is absent.
    fn property(&mut self, id: &'a str, properties: Option<&'a Value>, path: &str) -> Option<Result<Text, String>> {
        let mut value = properties?;
        let mut steps = vec!["Resources", id, "Properties"];
        for step in path.split('.') {
            let (key, next) = value.as_object()?.get_key_value(step)?;
            steps.push(key);
            value = next;
        }
        match self.elsewhere(&steps, value)? {
            Resolved::Text(text) => Some(Ok(text)),
            Resolved::Unknown(why) => Some(Err(why)),
            _ => Some(Err(format!("`{path}` must be a text"))),
        }
    }

    fn fill(
        &mut self,
        id: &'a str,
        properties: Option<&'a Value>,
        format: &Format,
        variables: &Variables<'_>,
    ) -> Result<Text, String> {
        let mut text = String::with_capacity(96);
        for piece in &format.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Variable(name) => text.push_str(variables.get(name)?),
                Piece::Property(path, default) => match (self.property(id, properties, path), default) {
                    (Some(value), _) => text.push_str(&value?),
                    (None, Some(default)) => text.push_str(default),
                    (None, None) => return Err(format!("the resource has no `{path}`")),
                },
            }
        }
        Ok(text)
    }

    /// The domain of the partition's services.
    pub(super) fn url_suffix(&mut self) -> Result<Text, String> {
        match self.setting.partition.as_str() {
            "aws" | "aws-us-gov" => Ok("amazonaws.com".to_owned()),
            "aws-cn" => Ok("amazonaws.com.cn".to_owned()),
            _ => {
                let alphabet = CharSet::of(
                    |character| character.is_ascii_lowercase() || "0123456789.-".contains(character),
                    false,
                );
                let symbol = Symbol {
                    name: "AWS::URLSuffix".to_owned(),
                    alphabet,
                    length: (4, 64),
                    family: None,
                    sample: "amazonaws.com".to_owned(),
                };
                self.intern(symbol)
            }
        }
    }

    /// A text of which only this much is known.
    pub(super) fn opaque(
        &mut self,
        name: String,
        alphabet: CharSet,
        length: (usize, usize),
        family: Option<String>,
    ) -> Result<Text, String> {
        // In a family samples must differ, so that they are digests of names; else they may as well be readable.
        let wanted = if family.is_some() { "" } else { name.as_str() };
        let sample = sample(wanted, &name, alphabet, length);
        self.intern(Symbol { name, alphabet, length, family, sample })
    }

    pub(super) fn intern(&mut self, symbol: Symbol) -> Result<Text, String> {
        match self.symbols.intern(symbol) {
            Some(character) => Ok(character.to_string()),
            None => Err("there are more unknown texts than can be told apart".to_owned()),
        }
    }
}

/// A text of an alphabet and a length: what is wanted as far as it fits, and a digest of a name.
pub(super) fn sample(wanted: &str, name: &str, alphabet: CharSet, length: (usize, usize)) -> String {
    // Letters and digits first: a text that is all marks reads badly.
    let mut members: Vec<char> = alphabet.members().filter(char::is_ascii_alphanumeric).collect();
    if members.is_empty() {
        members = alphabet.members().collect();
    }
    let fits = |character: &char| alphabet.contains(*character) && !is_symbol(*character) && !character.is_control();
    let most = length.1.min(length.0.max(12));
    let mut text: String = wanted
        .chars()
        .map(|character| if character.is_whitespace() { '-' } else { character })
        .filter(fits)
        .take(if wanted.is_empty() { 0 } else { length.1.min(40) })
        .collect();
    let mut count = text.chars().count();
    let (mut state, mut padding) = (digest(name), count < length.0 || text.is_empty());
    while padding && count < most {
        let Some(index) = usize::try_from(state >> 33).ok().and_then(|high| high.checked_rem(members.len())) else {
            break;
        };
        text.extend(members.get(index));
        count += 1;
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        padding = count < most;
    }
    text
}

/// FNV-1a: the same in every run.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_can_be_read_and_every_variable_is_known() {
        let table: Table = serde_json::from_str(include_str!("../../../data/resource-identity.json")).unwrap();
        let shared =
            ["Partition", "Region", "Account", "URLSuffix", "Name", "SlashName", "Arn", "Parent", "ParentName"];
        for (name, kind) in &table.identities {
            assert!(crate::cfn::schema::is_known(name), "{name} is no type");
            let formats = kind.reference.iter().chain(&kind.arn).chain(kind.attributes.values()).chain(&kind.parts);
            for piece in formats.flat_map(|format| &format.0) {
                let Piece::Variable(variable) = piece else { continue };
                let known = shared.contains(&variable.as_str()) || kind.made.contains_key(variable);
                let parent = !variable.starts_with("Parent") || kind.parent.is_some();
                assert!(known && parent, "{name}: {variable}");
            }
            let form = kind.generated.as_ref();
            assert!(form.is_none_or(|form| table.generated.contains_key(form)), "{name}: {form:?}");
            let facts = crate::cfn::schema::find(name).unwrap();
            let attributes: Vec<String> = facts.attributes().collect();
            for attribute in kind.attributes.keys() {
                assert!(attributes.contains(attribute), "{name} has no attribute `{attribute}`: {attributes:?}");
            }
            let first = |path: &str| path.split('.').next().unwrap().to_owned();
            for property in
                kind.name.iter().map(|path| first(path)).chain(kind.parent.iter().map(|of| of.property.clone()))
            {
                let properties: Vec<String> = facts.properties().map(|known| known.to_string()).collect();
                assert!(properties.contains(&property), "{name} has no property `{property}`: {properties:?}");
            }
        }
    }

    #[test]
    fn the_catalogue_has_every_type_that_policies_name() {
        let catalogue = crate::cfn::catalogue::Catalogue::shipped();
        let mut wrong = Vec::new();
        for kind in kinds() {
            let service = service(kind).unwrap();
            for name in iam_types(kind) {
                let (prefix, name) = name.split_once(':').unwrap_or((service, name));
                let known = catalogue.service(prefix).is_some_and(|service| {
                    service
                        .actions()
                        .any(|action| action.resource_types().any(|used| used.resource_type.name() == name))
                });
                if !known {
                    wrong.push(format!("{kind}: {prefix}:{name}"));
                }
            }
        }
        assert!(kinds().count() > 100 && wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn samples_fit() {
        for (alphabet, length) in [
            (CharSet::ALL, (0, 4096)),
            (Alphabet::HexDash.set(), (36, 36)),
            (Alphabet::Digits.set(), (1, 19)),
            (CharSet::of_text("."), (3, 3)),
            (Alphabet::LowerAlnum.set(), (10, 10)),
        ] {
            for name in ["id of Users in cell", "x"] {
                let text = sample("", name, alphabet, length);
                assert!((length.0..=length.1).contains(&text.chars().count()), "{text}");
                assert!(!text.is_empty() && text.chars().all(|character| alphabet.contains(character)), "{text}");
            }
        }
        let of = |name| sample("", name, Alphabet::LowerAlnum.set(), (10, 10));
        assert_ne!(of("id of Api in tenant A's stack"), of("id of Api in tenant B's stack"));
    }
}
