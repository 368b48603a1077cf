//! The pack of the catalogue, and the text of its records. `tools/fetch_catalogue.py` describes both.

use std::sync::OnceLock;

use super::{Key, Kind};
use crate::cfn::pack::{Entry, Pack};

/// The record of what belongs to no service.
const GLOBALS: &str = "-";

/// Nothing if the pack is broken; a test opens every record.
fn pack() -> Option<&'static Pack> {
    static PACK: OnceLock<Option<Pack>> = OnceLock::new();
    PACK.get_or_init(|| Pack::cut(include_bytes!("../../../schemas/iam-actions.pack"), b"TNACTNS1")).as_ref()
}

/// A record's text, which is kept as long as the process runs: there are not many, and each is read once.
fn text(entry: Entry) -> Option<&'static str> {
    let bytes = pack()?.open(entry)?;
    String::from_utf8(bytes).ok().map(|text| &*text.leak())
}

/// A service's place, with what was read of it.
#[derive(Debug)]
pub(super) struct Slot {
    entry: Entry,
    actions: OnceLock<Vec<&'static str>>,
    details: OnceLock<Option<Details>>,
}

impl Slot {
    /// The prefix.
    pub(super) fn name(&self) -> &'static str {
        self.entry.name
    }

    /// The names of the actions.
    pub(super) fn actions(&self) -> &[&'static str] {
        self.actions.get_or_init(|| text(self.entry).unwrap_or_default().lines().collect())
    }

    /// The rest.
    pub(super) fn details(&self) -> Option<&Details> {
        let read = || Details::read(text(pack()?.find(&format!("{}:", self.entry.name))?)?);
        self.details.get_or_init(read).as_ref()
    }
}

/// The services, sorted by prefix.
pub(super) fn slots() -> &'static [Slot] {
    static SLOTS: OnceLock<Vec<Slot>> = OnceLock::new();
    SLOTS.get_or_init(|| {
        let Some(pack) = pack() else { return Vec::new() };
        let entries = (0..pack.len()).filter_map(|position| pack.entry(position));
        let services = entries.filter(|entry| entry.name != GLOBALS && !entry.name.ends_with(':'));
        services.map(|entry| Slot { entry, actions: OnceLock::new(), details: OnceLock::new() }).collect()
    })
}

/// What belongs to no service.
#[derive(Debug, Default)]
pub(super) struct Globals {
    /// The keys.
    pub(super) keys: Vec<Key>,
    /// Prefixes of keys that are no services, with the services that have such keys, between commas.
    pub(super) foreign: Vec<(&'static str, &'static str)>,
}

/// The record of [`GLOBALS`].
pub(super) fn globals() -> &'static Globals {
    static READ: OnceLock<Globals> = OnceLock::new();
    READ.get_or_init(|| {
        let record = pack().and_then(|pack| text(pack.find(GLOBALS)?)).unwrap_or_default();
        let (keys, foreign) = record.split_once("\n\n").unwrap_or((record, ""));
        Globals {
            keys: keys.lines().filter_map(key).collect(),
            foreign: foreign.lines().filter_map(|line| line.split_once('|')).collect(),
        }
    })
}

/// What is known of a service beside the names of its actions. A line stays text until it is asked for.
#[derive(Debug)]
pub(super) struct Details {
    pub(super) keys: Vec<Key>,
    pub(super) types: Vec<&'static str>,
    sets: Vec<&'static str>,
    pub(super) actions: Vec<&'static str>,
}

impl Details {
    fn read(record: &'static str) -> Option<Self> {
        let mut sections = record.split("\n\n");
        Some(Self {
            keys: sections.next()?.lines().filter_map(key).collect(),
            types: sections.next()?.lines().collect(),
            sets: sections.next()?.lines().collect(),
            actions: sections.next()?.lines().collect(),
        })
    }

    /// The keys of a set.
    pub(super) fn set(&self, number: usize) -> impl Iterator<Item = Key> {
        self.listed(self.sets.get(number).copied().unwrap_or_default())
    }

    /// The keys of a list of numbers.
    pub(super) fn listed(&self, numbers: &'static str) -> impl Iterator<Item = Key> {
        items(numbers).filter_map(|number| self.keys.get(number.parse::<usize>().ok()?).copied())
    }
}

/// The items of a list with commas.
pub(super) fn items(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split(',').filter(|item| !item.is_empty())
}

/// A key's line: `S* aws:TagKeys`.
fn key(line: &'static str) -> Option<Key> {
    let (kind, name) = line.split_once(' ')?;
    let many = kind.ends_with('*');
    let kind = match kind.trim_end_matches('*') {
        "S" => Kind::Text,
        "A" => Kind::Arn,
        "B" => Kind::Bool,
        "N" => Kind::Number,
        "D" => Kind::Date,
        "I" => Kind::IpAddress,
        "Y" => Kind::Binary,
        _ => return None,
    };
    Some(Key { name, kind, many })
}
