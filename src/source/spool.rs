//! Sorting more than fits into memory, so that any number of tenants goes through in order.
//!
//! Records are collected up to a budget, sorted, and put out as a run; runs are merged as they are read. A run that
//! goes on where the one before ended becomes a part of it, so what comes in sorted is never merged. What fits into
//! the budget never touches a disk.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The least that is read of a run at once.
const LEAST_READ: usize = 4 * 1024;
/// The most that is read of a run at once.
const MOST_READ: usize = 256 * 1024;
/// The two lengths before every record.
const HEAD: usize = 8;

/// Collects records and sorts them by key. Records with the same key stay in the order they came in.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    budget: usize,
    batch: Batch,
    spilled: Option<Spilled>,
}

/// Records in memory: their bytes one after another, and where each begins.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    /// Whether the records came in order so far.
    sorted: bool,
}

/// The runs on the disk.
#[derive(Debug)]
struct Spilled {
    file: SpillFile,
    /// Where each run ends. The first begins at 0 and every other where the one before ends.
    ends: Vec<u64>,
    /// The greatest key of the last run.
    last: Vec<u8>,
}

impl Spool {
    /// A spool that holds about `budget` bytes in memory and the rest in a file in `folder`, which is made when it is
    /// needed and is gone when the records are.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, budget: usize) -> Self {
        Self { folder: folder.into(), budget, batch: Batch::empty(), spilled: None }
    }

    /// Takes a record.
    ///
    /// # Errors
    /// If the file in the folder cannot be written, or the record has 4 GiB or more.
    pub fn push(&mut self, key: &str, payload: &[u8]) -> io::Result<()> {
        let needed = HEAD + key.len() + payload.len() + size_of::<usize>();
        if !self.batch.starts.is_empty() && self.batch.size() + needed > self.budget {
            self.spill()?;
        }
        self.batch.push(key.as_bytes(), payload)
    }

    /// Ends the input.
    ///
    /// # Errors
    /// If the file in the folder cannot be written.
    pub fn finish(mut self) -> io::Result<Sorted> {
        if self.spilled.is_some() {
            // The last batch goes where the others are, so that reading has all the memory to itself.
            self.spill()?;
        } else {
            self.batch.sort();
        }
        Ok(Sorted { budget: self.budget, batch: self.batch, spilled: self.spilled })
    }

    fn spill(&mut self) -> io::Result<()> {
        self.batch.sort();
        let Some((first, last)) = self.batch.ends() else { return Ok(()) };
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            None => self.spilled.insert(Spilled {
                file: SpillFile::create(&self.folder)?,
                ends: Vec::new(),
                last: Vec::new(),
            }),
        };
        let start = spilled.ends.last().copied().unwrap_or(0);
        let mut out = io::BufWriter::with_capacity(64 * 1024, &spilled.file.file);
        let mut written = 0;
        for record in self.batch.records() {
            out.write_all(record.bytes)?;
            written += record.bytes.len() as u64;
        }
        out.flush()?;
        drop(out);
        if first >= spilled.last.as_slice() {
            spilled.ends.pop();
        }
        spilled.ends.push(start + written);
        spilled.last.clear();
        spilled.last.extend_from_slice(last);
        self.batch.clear();
        Ok(())
    }
}

impl Batch {
    fn empty() -> Self {
        Self { bytes: Vec::new(), starts: Vec::new(), sorted: true }
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.starts.len() * size_of::<usize>()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.starts.clear();
        self.sorted = true;
    }

    fn push(&mut self, key: &[u8], payload: &[u8]) -> io::Result<()> {
        let length = |part: &[u8]| u32::try_from(part.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
        let (key_length, payload_length) = (length(key)?, length(payload)?);
        if let Some(before) = self.starts.last().and_then(|start| self.record(*start)) {
            self.sorted &= before.key <= key;
        }
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(&key_length.to_le_bytes());
        self.bytes.extend_from_slice(&payload_length.to_le_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(payload);
        Ok(())
    }

    fn sort(&mut self) {
        if self.sorted {
            return;
        }
        let mut starts = std::mem::take(&mut self.starts);
        // Where a record begins says when it came in, so this is stable without the memory of a stable sort.
        starts.sort_unstable_by(|a, b| (self.key(*a), a).cmp(&(self.key(*b), b)));
        self.starts = starts;
        self.sorted = true;
    }

    fn record(&self, start: usize) -> Option<Record<'_>> {
        Record::parse(self.bytes.get(start..)?)
    }

    fn key(&self, start: usize) -> Option<&[u8]> {
        self.record(start).map(|record| record.key)
    }

    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.starts.iter().filter_map(|start| self.record(*start))
    }

    /// The least and the greatest key, once it is sorted.
    fn ends(&self) -> Option<(&[u8], &[u8])> {
        Some((self.key(*self.starts.first()?)?, self.key(*self.starts.last()?)?))
    }
}

/// A record in its encoding.
#[derive(Debug, Clone, Copy)]
struct Record<'a> {
    bytes: &'a [u8],
    key: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record that some bytes begin with, if it is whole.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (key_length, rest) = bytes.split_first_chunk()?;
        let (payload_length, rest) = rest.split_first_chunk()?;
        let key_length = u32::from_le_bytes(*key_length) as usize;
        let payload_length = u32::from_le_bytes(*payload_length) as usize;
        let (key, rest) = rest.split_at_checked(key_length)?;
        let payload = rest.get(..payload_length)?;
        let bytes = bytes.get(..HEAD + key_length + payload_length)?;
        Some(Self { bytes, key, payload })
    }

    fn lend(self) -> io::Result<(&'a str, &'a [u8])> {
        let key = str::from_utf8(self.key).map_err(|_| damaged())?;
        Ok((key, self.payload))
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the spilled records are not what was written")
}

/// Records in the order of their keys.
#[derive(Debug)]
pub struct Sorted {
    budget: usize,
    batch: Batch,
    spilled: Option<Spilled>,
}

impl Sorted {
    /// Begins to read, from the least key on. Any number of cursors may be under way.
    ///
    /// # Errors
    /// If the spilled records cannot be read.
    pub fn cursor(&self) -> io::Result<Cursor<'_>> {
        let Some(spilled) = &self.spilled else {
            return Ok(Cursor { place: Place::Memory(&self.batch, self.batch.starts.iter()) });
        };
        let size = (self.budget / spilled.ends.len().max(1)).clamp(LEAST_READ, MOST_READ);
        let mut heap = BinaryHeap::with_capacity(spilled.ends.len());
        let mut start = 0;
        for (number, end) in spilled.ends.iter().enumerate() {
            let mut run = Run { file: &spilled.file, at: start, end: *end, buffer: Vec::new(), used: 0, size, number };
            if run.load()? {
                heap.push(Reverse(run));
            }
            start = *end;
        }
        Ok(Cursor { place: Place::Runs { heap, lent: false } })
    }

    /// In how many runs the records are on the disk; none if they are in memory.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.spilled.as_ref().map_or(0, |spilled| spilled.ends.len())
    }
}

/// Reads records in the order of their keys.
#[derive(Debug)]
pub struct Cursor<'a> {
    place: Place<'a>,
}

#[derive(Debug)]
enum Place<'a> {
    Memory(&'a Batch, std::slice::Iter<'a, usize>),
    Runs {
        heap: BinaryHeap<Reverse<Run<'a>>>,
        /// Whether the first run's record was given out.
        lent: bool,
    },
}

impl Cursor<'_> {
    /// The next record. What it lends has to be given back before the one after.
    ///
    /// # Errors
    /// If the spilled records cannot be read.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> io::Result<Option<(&str, &[u8])>> {
        match &mut self.place {
            Place::Memory(batch, starts) => {
                starts.next().and_then(|start| batch.record(*start)).map(Record::lend).transpose()
            }
            Place::Runs { heap, lent } => {
                if std::mem::replace(lent, true)
                    && let Some(mut first) = heap.peek_mut()
                    && !first.0.advance()?
                {
                    PeekMut::pop(first);
                }
                heap.peek().and_then(|run| run.0.record()).map(Record::lend).transpose()
            }
        }
    }
}

/// A run on its way through memory.
#[derive(Debug)]
struct Run<'a> {
    file: &'a SpillFile,
    /// Where the buffer's end is in the file.
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    /// How much of the buffer was given out.
    used: usize,
    /// How much to read at once.
    size: usize,
    number: usize,
}

impl Run<'_> {
    fn record(&self) -> Option<Record<'_>> {
        Record::parse(self.buffer.get(self.used..)?)
    }

    fn key(&self) -> Option<&[u8]> {
        self.record().map(|record| record.key)
    }

    /// Goes to the next record; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.used += self.record().map_or(0, |record| record.bytes.len());
        self.load()
    }

    /// Reads until there is a whole record; `false` at the end.
    fn load(&mut self) -> io::Result<bool> {
        while self.record().is_none() {
            let left = self.end - self.at;
            if left == 0 {
                return if self.used == self.buffer.len() { Ok(false) } else { Err(damaged()) };
            }
            self.buffer.drain(..self.used);
            self.used = 0;
            let kept = self.buffer.len();
            // A record larger than what is read at once is read in ever larger pieces.
            let more = usize::try_from(left).unwrap_or(usize::MAX).min(self.size.max(kept));
            self.buffer.resize(kept + more, 0);
            self.file.read_at(self.buffer.get_mut(kept..).unwrap_or_default(), self.at)?;
            self.at += more as u64;
        }
        Ok(true)
    }
}

impl Ord for Run<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.key(), self.number).cmp(&(other.key(), other.number))
    }
}

impl PartialOrd for Run<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Run<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Run<'_> {}

/// A file that nobody else sees and that is gone when it is dropped, or when the process dies where files can be
/// removed while they are open.
#[derive(Debug)]
struct SpillFile {
    file: File,
    /// The name that is still to be removed.
    path: Option<PathBuf>,
}

impl SpillFile {
    fn create(folder: &Path) -> io::Result<Self> {
        let process = std::process::id();
        for attempt in 0..u32::MAX {
            let path = folder.join(format!(".tenantry-spool-{process}-{attempt}"));
            let mut options = fs::OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(&path) {
                Ok(file) if cfg!(unix) && fs::remove_file(&path).is_ok() => return Ok(Self { file, path: None }),
                Ok(file) => return Ok(Self { file, path: Some(path) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    #[cfg(unix)]
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, offset)
    }

    #[cfg(not(unix))]
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        use std::io::{Read, Seek};
        let mut file = &self.file;
        file.seek(io::SeekFrom::Start(offset))?;
        file.read_exact(bytes)
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(folder: &Path, budget: usize, records: &[(String, Vec<u8>)]) -> Sorted {
        let mut spool = Spool::new(folder, budget);
        for (key, payload) in records {
            spool.push(key, payload).unwrap();
        }
        spool.finish().unwrap()
    }

    fn read(sorted: &Sorted) -> Vec<(String, Vec<u8>)> {
        let mut cursor = sorted.cursor().unwrap();
        let mut records = Vec::new();
        while let Some((key, payload)) = cursor.next().unwrap() {
            records.push((key.to_owned(), payload.to_vec()));
        }
        assert!(cursor.next().unwrap().is_none());
        records
    }

    fn numbered(numbers: impl Iterator<Item = u32>) -> Vec<(String, Vec<u8>)> {
        numbers.map(|number| (format!("t-{number:06}"), number.to_le_bytes().to_vec())).collect()
    }

    proptest! {
        #[test]
        fn a_spool_sorts_as_a_stable_sort_in_memory_does(
            records in prop::collection::vec(("[a-c]{0,3}|ß", prop::collection::vec(any::<u8>(), 0..40)), 0..200),
            budget in 0_usize..2000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let sorted = sorted(folder.path(), budget, &records);
            let mut expected = records;
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(&read(&sorted), &expected);
            prop_assert_eq!(read(&sorted), expected, "a second time");
        }
    }

    #[test]
    fn what_fits_into_the_budget_touches_no_disk() {
        let folder = Path::new("/nowhere/at/all");
        assert_eq!(sorted(folder, 1 << 20, &numbered((0..100).rev())).runs(), 0);
    }

    #[test]
    fn what_comes_in_sorted_is_one_run() {
        let folder = tempfile::tempdir().unwrap();
        let sorted = sorted(folder.path(), 200, &numbered(0..1000));
        assert_eq!(sorted.runs(), 1);
        assert_eq!(read(&sorted), numbered(0..1000));
    }

    #[test]
    fn a_record_may_be_larger_than_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let records = vec![("b".to_owned(), vec![7; 300_000]), ("a".to_owned(), vec![8; 900_000])];
        let sorted = sorted(folder.path(), 10, &records);
        assert_eq!(sorted.runs(), 2);
        assert_eq!(read(&sorted), vec![records[1].clone(), records[0].clone()]);
    }

    #[test]
    fn nothing_is_left_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let sorted = sorted(folder.path(), 100, &numbered((0..500).rev()));
        let other = super::tests::sorted(folder.path(), 100, &numbered((0..500).rev()));
        assert!(sorted.runs() > 1 && other.runs() > 1);
        drop((sorted, other));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let mut spool = Spool::new("/nowhere/at/all", 1);
        spool.push("a", b"").unwrap();
        assert_eq!(spool.push("b", b"").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
