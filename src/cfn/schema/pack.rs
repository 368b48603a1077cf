//! The container of the facts about resource types: a sorted index, then one deflated JSON record a type.
//!
//! `tools/fetch_schemas.py` writes it and describes the layout. A type is opened by itself, in some ten
//! microseconds; the other eighteen hundred stay as they are. Deliberately absent: errors. The pack is part of
//! the program, and a test opens every record, so a record that cannot be read is treated as absent.
//!
//! This file uses nothing of the crate, because `xtask` compiles it too.

use std::sync::OnceLock;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use serde_json::Value;

static BYTES: &[u8] = include_bytes!("../../../schemas/resource-types.pack");

const MAGIC: &[u8] = b"TNTYPES1";
const HEADER: usize = 24;
const INDEX_ENTRY: usize = 8;

/// The pack, cut into its sections.
struct Pack {
    index: &'static [u8],
    names: &'static str,
    dictionary: Vec<u8>,
    records: &'static [u8],
}

/// Where a type stands in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The type's name, such as `AWS::S3::Bucket`.
    pub(super) name: &'static str,
    record: &'static [u8],
}

impl Entry {
    /// The type's record.
    pub(super) fn open(self) -> Option<Value> {
        let json = inflate(self.record, &pack()?.dictionary, self.record.len().saturating_mul(12))?;
        serde_json::from_slice(&json).ok()
    }
}

/// The number of types.
pub(super) fn len() -> usize {
    pack().map_or(0, |pack| pack.index.len() / INDEX_ENTRY)
}

/// The type at a position; types are sorted by name.
pub(super) fn entry(position: usize) -> Option<Entry> {
    let pack = pack()?;
    let start = position.checked_mul(INDEX_ENTRY)?;
    let (name_start, record_start) = match start.checked_sub(INDEX_ENTRY) {
        Some(previous) => (u32_at(pack.index, previous)?, u32_at(pack.index, previous + 4)?),
        None => (0, 0),
    };
    Some(Entry {
        name: pack.names.get(name_start..u32_at(pack.index, start)?)?,
        record: pack.records.get(record_start..u32_at(pack.index, start + 4)?)?,
    })
}

/// The type with a name.
pub(super) fn find(name: &str) -> Option<Entry> {
    let (mut low, mut high) = (0, len());
    while low < high {
        let middle = low + (high - low) / 2;
        let found = entry(middle)?;
        match found.name.cmp(name) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(found),
        }
    }
    None
}

fn pack() -> Option<&'static Pack> {
    static PACK: OnceLock<Option<Pack>> = OnceLock::new();
    PACK.get_or_init(|| cut(BYTES)).as_ref()
}

fn cut(bytes: &'static [u8]) -> Option<Pack> {
    let count = u32_at(bytes, 8)?;
    let names_length = u32_at(bytes, 12)?;
    let packed_dictionary = u32_at(bytes, 16)?;
    let dictionary_length = u32_at(bytes, 20)?;
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    if !header.starts_with(MAGIC) {
        return None;
    }
    let (index, rest) = rest.split_at_checked(count.checked_mul(INDEX_ENTRY)?)?;
    let (names, rest) = rest.split_at_checked(names_length)?;
    let (dictionary, records) = rest.split_at_checked(packed_dictionary)?;
    Some(Pack {
        index,
        names: std::str::from_utf8(names).ok()?,
        dictionary: inflate(dictionary, &[], dictionary_length)?,
        records,
    })
}

/// Inflates raw deflate whose window begins with a dictionary.
fn inflate(packed: &[u8], dictionary: &[u8], expected: usize) -> Option<Vec<u8>> {
    let mut room = expected.max(1024);
    loop {
        let mut out = Vec::with_capacity(dictionary.len() + room);
        out.extend_from_slice(dictionary);
        out.resize(dictionary.len() + room, 0);
        let mut state = DecompressorOxide::new();
        let (status, _, written) =
            decompress(&mut state, packed, &mut out, dictionary.len(), TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF);
        match status {
            TINFLStatus::Done => {
                out.truncate(dictionary.len() + written);
                out.drain(..dictionary.len());
                return Some(out);
            }
            TINFLStatus::HasMoreOutput => room = room.checked_mul(2)?,
            _ => return None,
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}
