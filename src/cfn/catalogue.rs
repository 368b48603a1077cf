//! What IAM knows about the actions of AWS: which there are, what they do and to what, and which condition keys a
//! request for them can carry.
//!
//! The facts are part of the program, and come from `tools/fetch_catalogue.py`. A service is opened when it is asked
//! for, once in a process, in some ten microseconds. Names are compared without regard to case, as IAM does. They
//! hold no prose. Deliberately absent: whether a key must be in a request; the source does not say it.

mod amended;
mod lint;
mod read;

use std::sync::OnceLock;

use serde::Deserialize;

pub use lint::{Clause, Patterns, Problem, Trouble, holds_when_absent, lint_statement};
use read::{Details, Globals, Slot};

/// The catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Catalogue {
    slots: &'static [Slot],
    globals: &'static Globals,
}

/// Where the catalogue comes from: what is read of `schemas/iam-actions.source.json`.
#[derive(Debug, Default, Deserialize)]
struct SourceRecord {
    sources: Vec<SourcePackage>,
    pack_sha256: String,
}

#[derive(Debug, Default, Deserialize)]
struct SourcePackage {
    version: String,
    published: String,
}

fn source() -> &'static SourceRecord {
    static SOURCE: OnceLock<SourceRecord> = OnceLock::new();
    // A test reads it, so an empty one is never seen.
    SOURCE
        .get_or_init(|| serde_json::from_str(include_str!("../../schemas/iam-actions.source.json")).unwrap_or_default())
}

impl Catalogue {
    /// The catalogue that is part of the program.
    #[must_use]
    pub fn shipped() -> Self {
        Self { slots: read::slots(), globals: read::globals() }
    }

    /// The SHA-256 of the pack, in hex.
    #[must_use]
    pub fn digest(self) -> &'static str {
        &source().pack_sha256
    }

    /// The version of the package that the facts are from.
    #[must_use]
    pub fn version(self) -> &'static str {
        source().sources.first().map_or("", |package| &package.version)
    }

    /// The day the package was published, as `YYYY-MM-DD`.
    #[must_use]
    pub fn date(self) -> &'static str {
        source().sources.first().map_or("", |package| &package.published)
    }

    /// The services, sorted by prefix.
    pub fn services(self) -> impl Iterator<Item = Service> {
        self.slots.iter().map(Service)
    }

    /// The service whose actions have this prefix.
    #[must_use]
    pub fn service(self, prefix: &str) -> Option<Service> {
        let prefix = prefix.to_ascii_lowercase();
        let at = self.slots.binary_search_by(|slot| slot.name().cmp(&prefix)).ok()?;
        self.slots.get(at).map(Service)
    }

    /// An action by its whole name: `s3:GetObject`.
    #[must_use]
    pub fn action(self, name: &str) -> Option<Action> {
        let (prefix, name) = name.split_once(':')?;
        self.service(prefix)?.action(name)
    }

    /// What a pattern of actions such as `dynamodb:Get*` stands for.
    #[must_use]
    pub fn expand(self, pattern: &str) -> Expansion {
        let Some((prefix, name)) = pattern.split_once(':') else {
            return if pattern == "*" { Expansion::All } else { Expansion::UnknownService };
        };
        if prefix == "*" && name == "*" {
            return Expansion::All;
        }
        match self.service(prefix) {
            Some(service) => Expansion::Actions(service.matching(name).collect()),
            None => Expansion::UnknownService,
        }
    }

    /// The keys that are not of one service: `aws:…`, and those that sessions of services carry.
    pub fn global_keys(self) -> impl Iterator<Item = Key> {
        self.globals.keys.iter().copied()
    }

    /// The global key that a key written in a policy is.
    #[must_use]
    pub fn global_key(self, written: &str) -> Option<Key> {
        self.global_keys().find(|key| key.is(written))
    }

    /// The key that is meant by a key written in a policy, whichever service it is of.
    #[must_use]
    pub fn key(self, written: &str) -> Option<Key> {
        if let Some(key) = self.global_key(written) {
            return Some(key);
        }
        let (prefix, _) = written.split_once(':')?;
        self.owners(prefix).find_map(|service| service.key(written))
    }

    /// The services that define keys with a prefix: mostly the one of that name.
    fn owners(self, prefix: &str) -> impl Iterator<Item = Service> {
        let foreign = self.globals.foreign.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(prefix));
        let foreign = foreign.flat_map(|(_, services)| services.split(','));
        self.service(prefix).into_iter().chain(foreign.filter_map(move |service| self.service(service)))
    }
}

/// What a pattern of actions stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expansion {
    /// Every action of every service.
    All,
    /// These actions. None, if the service has no action that matches.
    Actions(Vec<Action>),
    /// The prefix is of no service that is known.
    UnknownService,
}

/// A service, as IAM cuts them: what actions have before the colon.
#[derive(Clone, Copy)]
pub struct Service(&'static Slot);

impl std::fmt::Debug for Service {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Service").field(&self.prefix()).finish()
    }
}

impl PartialEq for Service {
    fn eq(&self, other: &Self) -> bool {
        self.prefix() == other.prefix()
    }
}

impl Eq for Service {}

impl Service {
    /// What its actions have before the colon, such as `s3`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        self.0.name()
    }

    /// The actions, sorted without regard to case.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        (0..self.0.actions().len()).map(move |at| Action { service: self, at })
    }

    /// The action of a name.
    #[must_use]
    pub fn action(self, name: &str) -> Option<Action> {
        let order = |known: &&str| {
            known.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(name.bytes().map(|byte| byte.to_ascii_lowercase()))
        };
        let at = self.0.actions().binary_search_by(order).ok()?;
        Some(Action { service: self, at })
    }

    /// The actions that a pattern matches: `*` stands for any text and `?` for one character.
    pub fn matching(self, pattern: &str) -> impl Iterator<Item = Action> {
        let one = if pattern.contains(['*', '?']) { None } else { Some(self.action(pattern)) };
        let many = one.is_none().then(|| self.actions());
        let many = many.into_iter().flatten().filter(move |one| matches(pattern, one.name()));
        one.flatten().into_iter().chain(many)
    }

    /// The resource types.
    pub fn resource_types(self) -> impl Iterator<Item = ResourceType> {
        let count = self.details().map_or(0, |details| details.types.len());
        (0..count).map(move |at| ResourceType { service: self, at })
    }

    /// The resource type of a name, such as `table`.
    #[must_use]
    pub fn resource_type(self, name: &str) -> Option<ResourceType> {
        self.resource_types().find(|one| one.name().eq_ignore_ascii_case(name))
    }

    /// The condition keys that any of its actions or resources has; `aws:` keys are among them.
    pub fn keys(self) -> impl Iterator<Item = Key> {
        self.details().into_iter().flat_map(|details| details.keys.iter().copied())
    }

    /// The key that a key written in a policy is.
    #[must_use]
    pub fn key(self, written: &str) -> Option<Key> {
        self.keys().find(|key| key.is(written))
    }

    fn details(self) -> Option<&'static Details> {
        self.0.details()
    }
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Finds out which resources there are.
    List,
    /// Reads what is in them.
    Read,
    /// Changes them.
    Write,
    /// Changes their tags.
    Tagging,
    /// Changes who may do what.
    PermissionsManagement,
}

/// Whether a request for an action can carry a condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carries {
    /// It can. That it always does is not said.
    Yes,
    /// It never does.
    No,
    /// The catalogue cannot tell.
    Unknown,
}

const RESOURCE_TAG: &str = "aws:ResourceTag/${TagKey}";

/// The global keys that not every request can carry: they are listed with the actions that take tags, and with the
/// resource types that have some.
const LISTED: [&str; 3] = ["aws:RequestTag/${TagKey}", RESOURCE_TAG, "aws:TagKeys"];

/// An action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    service: Service,
    at: usize,
}

/// A resource type that an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The resource type.
    pub resource_type: ResourceType,
    /// Whether the action always needs one.
    pub required: bool,
    keys: Option<usize>,
}

impl Action {
    /// The service.
    #[must_use]
    pub fn service(self) -> Service {
        self.service
    }

    /// The name without the prefix, as AWS writes it: `GetObject`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.service.0.actions().get(self.at).copied().unwrap_or_default()
    }

    /// The whole name: `s3:GetObject`.
    #[must_use]
    pub fn full_name(self) -> String {
        format!("{}:{}", self.service.prefix(), self.name())
    }

    /// What it does.
    #[must_use]
    pub fn level(self) -> Level {
        match self.field(0) {
            "L" => Level::List,
            "R" => Level::Read,
            "T" => Level::Tagging,
            "P" => Level::PermissionsManagement,
            _ => Level::Write,
        }
    }

    /// The resource types that it is done to. None, if `Resource` must be `*`.
    pub fn resource_types(self) -> impl Iterator<Item = Use> {
        read::items(self.field(2)).filter_map(move |text| {
            let (text, keys) = text.split_once(':').map_or((text, None), |(text, set)| (text, set.parse().ok()));
            let number = text.strip_suffix('!').unwrap_or(text);
            let resource_type = ResourceType { service: self.service, at: number.parse().ok()? };
            Some(Use { resource_type, required: text.ends_with('!'), keys })
        })
    }

    /// Other actions that one needs to be allowed to do this one, by their whole names.
    pub fn dependent_actions(self) -> impl Iterator<Item = &'static str> {
        read::items(self.field(3))
    }

    /// The condition keys of the action and of the resource types it is done to. Global keys that every request can
    /// carry are not among them; a key may come twice.
    pub fn keys(self) -> impl Iterator<Item = Key> {
        let of_types = self.resource_types().flat_map(move |one| {
            let own = self.service.details().zip(one.keys).into_iter();
            own.flat_map(|(details, set)| details.set(set)).chain(one.resource_type.keys())
        });
        let own = self.service.details().zip(self.field(1).parse().ok()).into_iter();
        own.flat_map(|(details, set)| details.set(set)).chain(of_types)
    }

    /// Whether a request for the action can carry a key, as written in a policy: `aws:RequestTag/TenantId`.
    #[must_use]
    pub fn carries(self, written: &str) -> Carries {
        let global = Catalogue::shipped().global_key(written);
        let listed = global.is_none_or(|key| LISTED.contains(&key.name));
        if !listed || self.keys().any(|key| key.is(written)) || amended::carries(self, written) {
            return Carries::Yes;
        }
        let with_tags = || self.keys().any(|key| key.name == "aws:TagKeys");
        match global {
            // Tags of the resource also come with the request that creates it with tags.
            Some(key) if key.name == RESOURCE_TAG && with_tags() => return Carries::Unknown,
            Some(_) => return Carries::No,
            None => {}
        }
        let prefix = written.split_once(':').map_or("", |(prefix, _)| prefix);
        // Identity providers name keys as they like: `token.actions.githubusercontent.com:sub`.
        if prefix.contains(['.', '/']) || Catalogue::shipped().key(written).is_none() {
            return Carries::Unknown;
        }
        Carries::No
    }

    fn field(self, number: usize) -> &'static str {
        let details = self.service.details();
        let line = details.and_then(|details| details.actions.get(self.at)).copied().unwrap_or_default();
        line.split('|').nth(number).unwrap_or_default()
    }
}

/// A type of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceType {
    service: Service,
    at: usize,
}

impl ResourceType {
    /// The name: `table`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.field(0)
    }

    /// The format of its ARNs: `arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}`.
    #[must_use]
    pub fn arn(self) -> &'static str {
        self.field(1)
    }

    /// The condition keys that a request carries because it is about such a resource.
    pub fn keys(self) -> impl Iterator<Item = Key> {
        self.service.details().into_iter().flat_map(move |details| details.listed(self.field(2)))
    }

    fn field(self, number: usize) -> &'static str {
        let details = self.service.details();
        let line = details.and_then(|details| details.types.get(self.at)).copied().unwrap_or_default();
        line.split('|').nth(number).unwrap_or_default()
    }
}

/// The type of a condition key's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Any text.
    Text,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A point in time.
    Date,
    /// An address or a range of them.
    IpAddress,
    /// Bytes, in base 64.
    Binary,
}

/// A condition key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The name as AWS writes it, with placeholders: `aws:RequestTag/${TagKey}`, `s3:ExistingObjectTag/<key>`.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether a request can carry several values, so that operators need `ForAllValues` or `ForAnyValue`.
    pub many: bool,
}

impl Key {
    /// Whether a key written in a policy is this one: placeholders stand for any text, and case does not count.
    #[must_use]
    pub fn is(self, written: &str) -> bool {
        fits(self.name, written)
    }
}

/// Whether a text fits a name with placeholders.
fn fits(template: &str, written: &str) -> bool {
    let Some(start) = template.bytes().position(|byte| matches!(byte, b'$' | b'<')) else {
        return template.eq_ignore_ascii_case(written);
    };
    let (Some(literal), Some(rest)) = (template.get(..start), template.get(start..)) else { return false };
    let rest = rest.split_once(['}', '>']).map_or("", |(_, rest)| rest);
    let begins = written.get(..start).is_some_and(|begin| begin.eq_ignore_ascii_case(literal));
    let free = written.get(start..).unwrap_or_default();
    if !begins || free.is_empty() {
        return false;
    }
    rest.is_empty() || free.char_indices().skip(1).any(|(at, _)| free.get(at..).is_some_and(|tail| fits(rest, tail)))
}

/// Whether the name of an action, or of a part of it, matches a pattern with `*` and `?`. Case does not count.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut name_at) = (0, 0);
    // Where to go on if a literal does not fit: behind the last `*`, which then takes one character more.
    let mut again: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), name.get(name_at)) {
            (Some(b'*'), _) => {
                again = Some((at + 1, name_at));
                at += 1;
            }
            (Some(expected), Some(found)) if *expected == b'?' || expected.eq_ignore_ascii_case(found) => {
                at += 1;
                name_at += 1;
            }
            (None, None) => return true,
            _ => match again {
                Some((behind, taken)) if taken < name.len() => {
                    again = Some((behind, taken + 1));
                    (at, name_at) = (behind, taken + 1);
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
