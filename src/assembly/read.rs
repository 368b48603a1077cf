//! Reading an assembly. The manifest is held; tenants go by one at a time.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::{AssemblyError, AssemblyErrorKind};
use super::swap::{self, Folder};
use super::write::check_path;
use super::{Digest, LedgerEntry, MANIFEST, Manifest, TenantRecord};

/// In how many bytes a line is looked for one line after the other.
const NEAR: u64 = 16 * 1024;

/// How many bytes are compared at once where two files may be the same for long.
const BLOCK: usize = 1024;

/// An assembly on the disk. It stays the one that was opened: if another takes its place meanwhile, reading on is an
/// error and never a mixture of both.
#[derive(Debug)]
pub struct Assembly {
    folder: Folder,
    manifest: Manifest,
    digest: Digest,
}

impl Assembly {
    /// Opens the assembly in a folder.
    ///
    /// # Errors
    /// If there is no manifest, or it cannot be read.
    pub fn open(root: &Path) -> Result<Self, AssemblyError> {
        let folder = Folder::open(root).map_err(AssemblyError::io("read", root))?;
        let path = root.join(MANIFEST);
        let bytes = folder.file(MANIFEST).and_then(read_all).map_err(AssemblyError::io("read", &path))?;
        let manifest = serde_json::from_slice(&bytes)
            .map_err(|error| AssemblyError::new(path, AssemblyErrorKind::Manifest { problem: error.to_string() }))?;
        Ok(Self { folder, manifest, digest: Digest::of(&bytes) })
    }

    /// The digest of the manifest's file, which stands for the whole assembly.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.folder.path
    }

    /// What the assembly holds.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The content of a file, such as a template or the manifest itself.
    ///
    /// # Errors
    /// If the path leads out of the assembly, or the file cannot be read.
    pub fn file(&self, path: &str) -> Result<Vec<u8>, AssemblyError> {
        // No file of an assembly may be called like the manifest, which therefore is no path inside it.
        let full = if path == MANIFEST { self.root().join(path) } else { inside(self.root(), path)? };
        self.folder.file(path).and_then(read_all).map_err(AssemblyError::io("read", full))
    }

    /// The content of a file that must be the one with this digest.
    ///
    /// # Errors
    /// If the path leads out of the assembly, the file cannot be read, or it is another one.
    pub fn file_with(&self, path: &str, sha256: &Digest) -> Result<Vec<u8>, AssemblyError> {
        let bytes = self.file(path)?;
        if Digest::of(&bytes) == *sha256 {
            return Ok(bytes);
        }
        Err(AssemblyError::new(self.root().join(path), AssemblyErrorKind::Edited))
    }

    /// The tenants, in the order of their ids.
    ///
    /// # Errors
    /// If their file cannot be opened.
    pub fn tenants(&self) -> Result<Tenants, AssemblyError> {
        Ok(Tenants { lines: self.lines()? })
    }

    /// Who is where, in the order of the ids.
    ///
    /// # Errors
    /// If the tenants' file cannot be opened.
    pub fn ledger(&self) -> Result<Ledger, AssemblyError> {
        Ok(Ledger { lines: self.lines()? })
    }

    /// The lines of the tenants, to be compared before they are read.
    ///
    /// # Errors
    /// If the tenants' file cannot be opened.
    pub fn tenant_lines(&self) -> Result<TenantLines, AssemblyError> {
        Ok(TenantLines { lines: self.lines()?, last: String::new(), present: false })
    }

    /// The record of a tenant, if there is one. The tenants' file is sorted, so few of its lines are looked at.
    ///
    /// # Errors
    /// If the tenants' file cannot be read, or a line that was looked at is no record.
    pub fn tenant(&self, id: &str) -> Result<Option<TenantRecord<'static>>, AssemblyError> {
        let mut lines = self.lines()?;
        if lines.search(id)? { lines.parse().map(Some) } else { Ok(None) }
    }

    /// The tenant of this id, if there is one. On the way there and after it, `each` is shown what a placement knows of
    /// every tenant, in the order of the ids: in one pass, in the memory of one line.
    ///
    /// # Errors
    /// If the tenants' file cannot be read.
    pub fn find(
        &self,
        id: &str,
        each: &mut dyn FnMut(&LedgerEntry<'_>),
    ) -> Result<Option<TenantRecord<'static>>, AssemblyError> {
        let mut lines = self.lines()?;
        let mut found = None;
        while let Some(entry) = lines.next::<LedgerEntry<'_>>()? {
            each(&entry);
            if entry.tenant == id {
                found = Some(lines.parse()?);
            }
        }
        Ok(found)
    }

    fn lines(&self) -> Result<Lines, AssemblyError> {
        let path = &self.manifest.tenants.path;
        let full = inside(self.root(), path)?;
        let file = self.folder.file(path).map_err(AssemblyError::io("read", &full))?;
        Ok(Lines::new(full, file))
    }
}

/// The tenants of an assembly, one at a time.
#[derive(Debug)]
pub struct Tenants {
    lines: Lines,
}

impl Iterator for Tenants {
    type Item = Result<TenantRecord<'static>, AssemblyError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lines.next().transpose()
    }
}

/// Who is where, one tenant at a time, in the memory of one line.
#[derive(Debug)]
pub struct Ledger {
    lines: Lines,
}

impl Ledger {
    /// The next tenant. What it lends has to be given back before the one after.
    ///
    /// # Errors
    /// If the line cannot be read.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<LedgerEntry<'_>>, AssemblyError> {
        self.lines.next()
    }
}

/// The lines of the tenants, one at a time, in the memory of one line.
#[derive(Debug)]
pub struct TenantLines {
    lines: Lines,
    last: String,
    present: bool,
}

impl TenantLines {
    /// Goes on to the next line. Whether there is one.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn advance(&mut self) -> Result<bool, AssemblyError> {
        self.present = self.lines.fill()?;
        Ok(self.present)
    }

    /// Passes by the lines of both that come next and are the same, as many as are whole in memory. They are neither
    /// divided into lines nor copied, so this costs no more than reading them.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn skip_same(&mut self, other: &mut Self) -> Result<(), AssemblyError> {
        loop {
            let (ahead, beside) = (self.lines.ahead()?, other.lines.ahead()?);
            let same = ahead.get(..common(ahead, beside)).unwrap_or_default();
            let Some(end) = same.iter().rposition(|byte| *byte == b'\n') else { return Ok(()) };
            self.lines.pass(end + 1);
            other.lines.pass(end + 1);
        }
    }

    /// The line that was reached, with its end; nothing after the last.
    #[must_use]
    pub fn line(&self) -> Option<&[u8]> {
        self.present.then_some(self.lines.line.as_slice())
    }

    /// The id of the line's tenant.
    ///
    /// # Errors
    /// If the line is no record, or the tenant is not after the one that was asked for last: then nothing can be found by
    /// going through the file once.
    pub fn tenant(&mut self) -> Result<&str, AssemblyError> {
        let id = self.lines.tenant()?.into_owned();
        if self.last > id {
            let problem = format!("the tenant `{id}` stands after `{}`, and tenants are sorted", self.last);
            return Err(self.lines.wrong(problem));
        }
        self.last = id;
        Ok(&self.last)
    }

    /// The record of the line.
    ///
    /// # Errors
    /// If the line is no record.
    pub fn record(&self) -> Result<TenantRecord<'static>, AssemblyError> {
        self.lines.parse()
    }
}

/// The lines of a file, each read into the same buffer.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    number: u64,
    /// Whether the number is that of the line: not if lines were passed by.
    counted: bool,
    /// Where the line ends in the file.
    end: u64,
}

impl Lines {
    pub(super) fn open(path: PathBuf) -> Result<Self, AssemblyError> {
        let file = swap::open_plain(&path).map_err(AssemblyError::io("read", &path))?;
        Ok(Self::new(path, file))
    }

    fn new(path: PathBuf, file: File) -> Self {
        Self {
            path,
            reader: BufReader::with_capacity(64 * 1024, file),
            line: Vec::new(),
            number: 0,
            counted: true,
            end: 0,
        }
    }

    /// The number of the line that was read last, from 1, if none were passed by.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn next<'a, T: Deserialize<'a>>(&'a mut self) -> Result<Option<T>, AssemblyError> {
        if self.fill()? { self.parse().map(Some) } else { Ok(None) }
    }

    /// Reads the next line. Whether there is one.
    fn fill(&mut self) -> Result<bool, AssemblyError> {
        self.line.clear();
        self.number += 1;
        let read = self.reader.read_until(b'\n', &mut self.line);
        let path = &self.path;
        let read = read.map_err(|source| AssemblyError::io("read", path)(source))?;
        self.end += read as u64;
        Ok(read > 0)
    }

    /// What comes next, as far as it is in memory; nothing at the end of the file.
    fn ahead(&mut self) -> Result<&[u8], AssemblyError> {
        let path = &self.path;
        self.reader.fill_buf().map_err(|source| AssemblyError::io("read", path)(source))
    }

    /// The id of the tenant whose record the line is.
    fn tenant(&self) -> Result<Cow<'_, str>, AssemblyError> {
        #[derive(Deserialize)]
        struct Id<'a> {
            #[serde(borrow)]
            tenant: Cow<'a, str>,
        }
        // What this crate writes begins like this, and ids hold nothing that JSON escapes.
        let plain = self.line.strip_prefix(br#"{"tenant":""#).and_then(|rest| {
            let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            let id = str::from_utf8(rest.get(..end)?).ok()?;
            (rest.get(end) == Some(&b'"')).then_some(id)
        });
        match plain {
            Some(id) => Ok(Cow::Borrowed(id)),
            None => Ok(self.parse::<Id<'_>>()?.tenant),
        }
    }

    /// Goes to a byte, and reads the first line that begins there or after it. Where it begins; nothing if there is none.
    fn go_to(&mut self, byte: u64) -> Result<Option<u64>, AssemblyError> {
        let path = &self.path;
        // A line begins where the byte before it ends another.
        let before = byte.saturating_sub(1);
        (self.end, self.counted) = (before, false);
        self.reader.seek(SeekFrom::Start(before)).map_err(|source| AssemblyError::io("read", path)(source))?;
        if byte > 0 {
            self.fill()?;
        }
        let start = self.end;
        Ok(self.fill()?.then_some(start))
    }

    /// Goes to the line of a tenant, in a file that is sorted by them. Whether there is one.
    fn search(&mut self, id: &str) -> Result<bool, AssemblyError> {
        let path = &self.path;
        let length = self.reader.get_ref().metadata().map_err(|source| AssemblyError::io("read", path)(source))?.len();
        // The line begins at or after the first, and before the last, if anywhere.
        let (mut first, mut last) = (0, length);
        while last - first > NEAR {
            let middle = first.midpoint(last);
            match self.go_to(middle)? {
                Some(start) if start < last && *self.tenant()? <= *id => first = start,
                _ => last = middle,
            }
        }
        let mut present = self.go_to(first)?.is_some();
        while present && *self.tenant()? < *id {
            present = self.fill()?;
        }
        Ok(present && self.tenant()? == id)
    }

    /// Passes by so many bytes that come next, which are whole lines. How many they are is not counted.
    fn pass(&mut self, bytes: usize) {
        self.reader.consume(bytes);
        self.end += bytes as u64;
        self.counted = false;
    }

    /// The number of the line that was read last, from 1, for a message: lines that were passed by are counted now.
    fn place(&self) -> io::Result<u64> {
        if self.counted {
            return Ok(self.number);
        }
        let mut file = self.reader.get_ref();
        let at = file.stream_position()?;
        file.seek(SeekFrom::Start(0))?;
        let before = BufReader::new(file).take(self.end - self.line.len() as u64);
        let lines = before.split(b'\n').try_fold(1, |count, line| line.map(|_| count + 1));
        file.seek(SeekFrom::Start(at))?;
        lines
    }

    fn parse<'a, T: Deserialize<'a>>(&'a self) -> Result<T, AssemblyError> {
        serde_json::from_slice(&self.line).map_err(|error| self.wrong(without_line(&error)))
    }

    fn wrong(&self, problem: String) -> AssemblyError {
        match self.place() {
            Ok(line) => AssemblyError::new(&self.path, AssemblyErrorKind::Record { line, problem }),
            Err(error) => AssemblyError::io("read", &self.path)(error),
        }
    }
}

/// How many bytes two texts have in common from their beginning.
fn common(one: &[u8], other: &[u8]) -> usize {
    let same = one.chunks(BLOCK).zip(other.chunks(BLOCK)).take_while(|(one, other)| one == other);
    let whole: usize = same.map(|(block, _)| block.len()).sum();
    let (one, other) = (one.get(whole..).unwrap_or_default(), other.get(whole..).unwrap_or_default());
    whole + one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// The text of an error about one line, which the error itself takes for line 1.
fn without_line(error: &serde_json::Error) -> String {
    error.to_string().replace(" at line 1 column ", " at column ")
}

/// A file, whole.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    swap::open_plain(path).and_then(read_all)
}

fn read_all(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The place of a file that a manifest names, which may have been made by anybody.
pub(super) fn inside(root: &Path, path: &str) -> Result<PathBuf, AssemblyError> {
    check_path(path).map_err(|rule| AssemblyError::new(path, AssemblyErrorKind::Path { rule }))?;
    Ok(root.join(path))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    /// A file of tenants: ids, each with how much its line says beside.
    fn file(folder: &Path, name: &str, tenants: &BTreeMap<String, usize>, end: bool) -> PathBuf {
        let mut text = String::new();
        for (id, much) in tenants {
            text += &format!("{{\"tenant\":\"{id}\",\"name\":\"{}\"}}\n", "x".repeat(*much));
        }
        if !end {
            text.truncate(text.trim_end().len());
        }
        let path = folder.join(name);
        File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }

    fn lines(path: &Path) -> TenantLines {
        TenantLines { lines: Lines::open(path.to_owned()).unwrap(), last: String::new(), present: false }
    }

    /// Ids with lines of a few bytes, of a few blocks, and longer than what is read at once.
    fn tenants() -> impl Strategy<Value = BTreeMap<String, usize>> {
        let much = prop_oneof![20 => 0..50_usize, 10 => 0..5_000_usize, 1 => 60_000..140_000_usize];
        proptest::collection::btree_map("[a-d][a-z0-9-]{0,4}", much, 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn a_tenant_is_found_wherever_it_stands(all in tenants(), others in tenants(), end: bool) {
            let folder = tempfile::tempdir().unwrap();
            let path = file(folder.path(), "all", &all, end);
            for id in all.keys().chain(others.keys()) {
                let mut lines = Lines::open(path.clone()).unwrap();
                let found = lines.search(id).unwrap();
                prop_assert_eq!(found, all.contains_key(id), "{}", id);
                if found {
                    let name: BTreeMap<String, String> = lines.parse().unwrap();
                    prop_assert_eq!((&name["tenant"], name["name"].len()), (id, all[id]));
                    let place = all.keys().position(|known| known == id).unwrap() as u64;
                    prop_assert_eq!(lines.place().unwrap(), place + 1);
                }
            }
        }

        #[test]
        fn lines_that_differ_are_met_and_numbered_and_the_others_may_be_passed_by(
            all in tenants(),
            change in proptest::collection::vec((any::<prop::sample::Index>(), 0..3_u8), 0..6),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut other = all.clone();
            for (index, what) in change {
                let Some(id) = (!all.is_empty()).then(|| index.get(&all.keys().collect::<Vec<_>>()).to_string()) else { break };
                match what {
                    0 => drop(other.remove(&id)),
                    1 => drop(other.insert(id + "z", 3)),
                    _ => drop(other.insert(id, 7)),
                }
            }
            let (one, two) = (file(folder.path(), "one", &all, true), file(folder.path(), "two", &other, true));
            let (mut one, mut two) = (lines(&one), lines(&two));
            // The differences that are met line by line, with and without passing by.
            let mut met = Vec::new();
            let (mut more, mut more_other) = (one.advance().unwrap(), two.advance().unwrap());
            while more || more_other {
                if more && more_other && one.line() == two.line() {
                    let id = one.tenant().unwrap().to_owned();
                    let place = all.keys().position(|known| *known == id).unwrap() as u64;
                    prop_assert_eq!(one.lines.place().unwrap(), place + 1);
                    one.skip_same(&mut two).unwrap();
                    (more, more_other) = (one.advance().unwrap(), two.advance().unwrap());
                    continue;
                }
                let ids = (
                    more.then(|| one.tenant().unwrap().to_owned()),
                    more_other.then(|| two.tenant().unwrap().to_owned()),
                );
                let first = [&ids.0, &ids.1].into_iter().flatten().min().unwrap().clone();
                if ids.0.as_ref() == Some(&first) {
                    let place = all.keys().position(|known| *known == first).unwrap() as u64;
                    prop_assert_eq!(one.lines.place().unwrap(), place + 1);
                    more = one.advance().unwrap();
                }
                if ids.1.as_ref() == Some(&first) {
                    let place = other.keys().position(|known| *known == first).unwrap() as u64;
                    prop_assert_eq!(two.lines.place().unwrap(), place + 1);
                    more_other = two.advance().unwrap();
                }
                met.push(first);
            }
            let ids: std::collections::BTreeSet<&String> = all.keys().chain(other.keys()).collect();
            let differing: Vec<String> =
                ids.into_iter().filter(|id| all.get(*id) != other.get(*id)).cloned().collect();
            prop_assert_eq!(met, differing);
        }
    }
}
