//! The container of facts that are part of the program: a sorted index of names, then one deflated record each.
//!
//! `tools/packfile.py` writes it and describes the layout. A record is opened by itself, in some ten microseconds; the
//! others stay as they are. Deliberately absent: errors. A pack is part of the program, and tests open every record, so
//! a record that cannot be read is treated as absent.
//!
//! This file uses nothing of the crate, because `xtask` compiles it too.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

const HEADER: usize = 24;
const INDEX_ENTRY: usize = 8;

/// A pack, cut into its sections.
#[derive(Debug)]
pub(super) struct Pack {
    index: &'static [u8],
    names: &'static str,
    dictionary: Vec<u8>,
    records: &'static [u8],
}

/// Where a name stands in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// The name.
    pub(super) name: &'static str,
    record: &'static [u8],
}

impl Pack {
    /// Cuts a pack that begins with the eight bytes of `magic`.
    pub(super) fn cut(bytes: &'static [u8], magic: &[u8; 8]) -> Option<Self> {
        let count = u32_at(bytes, 8)?;
        let names_length = u32_at(bytes, 12)?;
        let packed_dictionary = u32_at(bytes, 16)?;
        let dictionary_length = u32_at(bytes, 20)?;
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        if !header.starts_with(magic) {
            return None;
        }
        let (index, rest) = rest.split_at_checked(count.checked_mul(INDEX_ENTRY)?)?;
        let (names, rest) = rest.split_at_checked(names_length)?;
        let (dictionary, records) = rest.split_at_checked(packed_dictionary)?;
        Some(Self {
            index,
            names: std::str::from_utf8(names).ok()?,
            dictionary: inflate(dictionary, &[], dictionary_length)?,
            records,
        })
    }

    /// The number of names.
    pub(super) fn len(&self) -> usize {
        self.index.len() / INDEX_ENTRY
    }

    /// The entry at a position; names are sorted.
    pub(super) fn entry(&self, position: usize) -> Option<Entry> {
        let start = position.checked_mul(INDEX_ENTRY)?;
        let (name_start, record_start) = match start.checked_sub(INDEX_ENTRY) {
            Some(previous) => (u32_at(self.index, previous)?, u32_at(self.index, previous + 4)?),
            None => (0, 0),
        };
        Some(Entry {
            name: self.names.get(name_start..u32_at(self.index, start)?)?,
            record: self.records.get(record_start..u32_at(self.index, start + 4)?)?,
        })
    }

    /// The entry with a name.
    pub(super) fn find(&self, name: &str) -> Option<Entry> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.entry(middle)?;
            match found.name.cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(found),
            }
        }
        None
    }

    /// The text of an entry's record.
    pub(super) fn open(&self, entry: Entry) -> Option<Vec<u8>> {
        inflate(entry.record, &self.dictionary, entry.record.len().saturating_mul(12))
    }
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
