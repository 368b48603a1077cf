//! Writing an assembly: all of it or nothing of it, and only what is different.
//!
//! A [`Draft`] builds the new assembly in a folder beside the old one and then gives it the old one's name in one
//! step. `docs/adr/0003-assembly.md` says why, and what it costs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::error::{AssemblyError, AssemblyErrorKind};
use super::lock::Lock;
use super::swap::{self, Swapped};
use super::{Digest, FileRecord, MANIFEST, Manifest};

/// How much of a file is compared, hashed and written at once.
const CHUNK: usize = 64 * 1024;
/// Up to this many files and folders are synced one by one; beyond it the whole file system is, in one call.
const SYNCED_ONE_BY_ONE: usize = 8;

/// What becomes of the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It replaces the assembly.
    Write,
    /// It is only compared with the assembly. Nothing is written at all.
    Check,
}

/// How a file differs from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was not there.
    Added,
    /// It had other content.
    Changed,
    /// It is no longer there.
    Removed,
}

/// What a draft changed, or would change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// The files that differ, by path. The manifest is one of them.
    pub changed: Vec<(String, Change)>,
    /// How many files are as they were.
    pub unchanged: usize,
    /// Files that were not written here. They stay where they are.
    pub strangers: Vec<String>,
    /// How large all files of the assembly are.
    pub bytes: u64,
    /// How large the files are that were added or changed.
    pub written: u64,
}

/// An assembly in the making. Without [`Draft::finish`] it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    /// The folder as the user named it.
    shown: PathBuf,
    /// The folder itself, behind any links.
    target: PathBuf,
    staging: PathBuf,
    aside: PathBuf,
    mode: Mode,
    /// The paths in the old manifest, if there is an assembly.
    old: Option<BTreeSet<String>>,
    files: Mutex<BTreeMap<String, Entry>>,
    /// The folders of the staging folder.
    folders: Mutex<BTreeSet<PathBuf>>,
    /// The files of the staging folder that are not just names of old ones.
    fresh: Mutex<Vec<PathBuf>>,
    _lock: Option<Lock>,
    #[cfg(test)]
    rig: tests::Rig,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Begun,
    Done(Done),
}

#[derive(Debug, Clone, Copy)]
struct Done {
    digest: Digest,
    bytes: u64,
    change: Option<Change>,
}

/// A file of the old assembly.
enum Old {
    /// There is none.
    None,
    /// Something is there, but not a plain file.
    Odd,
    /// A plain file.
    File(File, u64),
}

/// The part of an old manifest that is needed to replace the assembly, whatever else a version put there.
#[derive(Deserialize)]
struct OldManifest {
    files: Vec<OldFile>,
}

#[derive(Deserialize)]
struct OldFile {
    path: String,
}

impl Draft {
    /// Begins an assembly that is to stand at `target`.
    ///
    /// # Errors
    /// If the target holds something that is not an assembly, if somebody else is writing it, or if the file system
    /// says no.
    pub fn begin(target: &Path, mode: Mode) -> Result<Self, AssemblyError> {
        let shown = target.to_owned();
        let target = behind_links(target)?;
        let (Some(name), Some(parent)) = (target.file_name(), target.parent()) else {
            let reason = "it has no folder above it to put the new one into".to_owned();
            return Err(AssemblyError::new(shown, AssemblyErrorKind::NotAnAssembly { reason }));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let beside = |suffix: &str| {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(suffix);
            parent.join(hidden)
        };
        let (lock_path, staging, aside) = (beside(".lock"), beside(".staging"), beside(".previous"));
        let lock = match mode {
            Mode::Write => {
                fs::create_dir_all(parent).map_err(AssemblyError::io("create the folder", parent))?;
                Some(Lock::exclusive(&lock_path, &shown)?)
            }
            Mode::Check => Lock::shared(&lock_path, &shown)?,
        };
        if mode == Mode::Write {
            recover(&target, &staging, &aside)?;
        }
        let old = old_files(&target, &shown)?;
        if mode == Mode::Write && target.exists() && swap::is_mount_point(&target, parent) {
            return Err(AssemblyError::new(shown, AssemblyErrorKind::MountPoint));
        }
        Ok(Self {
            shown,
            target,
            staging,
            aside,
            mode,
            old,
            files: Mutex::default(),
            folders: Mutex::default(),
            fresh: Mutex::default(),
            _lock: lock,
            #[cfg(test)]
            rig: tests::Rig::default(),
        })
    }

    /// An assembly that stands nowhere: for those who want to know whether it can be made, and nothing else.
    #[must_use]
    pub fn nowhere() -> Self {
        Self {
            shown: PathBuf::new(),
            target: PathBuf::new(),
            staging: PathBuf::new(),
            aside: PathBuf::new(),
            mode: Mode::Check,
            old: None,
            files: Mutex::default(),
            folders: Mutex::default(),
            fresh: Mutex::default(),
            _lock: None,
            #[cfg(test)]
            rig: tests::Rig::default(),
        }
    }

    /// Puts a file into the assembly. Several threads may do so at once.
    ///
    /// # Errors
    /// If the path leads out of the assembly or was put before, or if the file system says no.
    pub fn put(&self, path: &str, bytes: &[u8]) -> Result<Digest, AssemblyError> {
        self.reserve(path)?;
        match self.put_reserved(path, bytes) {
            Ok(done) => {
                self.files().insert(path.to_owned(), Entry::Done(done));
                Ok(done.digest)
            }
            Err(error) => {
                self.files().remove(path);
                Err(error)
            }
        }
    }

    fn put_reserved(&self, path: &str, bytes: &[u8]) -> Result<Done, AssemblyError> {
        let change = self.compare(path, bytes)?;
        if change.is_some() && self.mode == Mode::Write {
            self.write(path, bytes)?;
        }
        Ok(Done { digest: Digest::of(bytes), bytes: bytes.len() as u64, change })
    }

    /// Begins a file that is put into the assembly piece by piece.
    ///
    /// # Errors
    /// If the path leads out of the assembly or was put before, or if the file system says no.
    pub fn stream(&self, path: &str) -> Result<FileWriter<'_>, AssemblyError> {
        self.reserve(path)?;
        let mut writer = FileWriter {
            draft: self,
            path: path.to_owned(),
            buffer: Vec::with_capacity(CHUNK),
            scratch: Vec::new(),
            hasher: Sha256::new(),
            bytes: 0,
            place: Place::Nowhere,
            finished: false,
        };
        match self.open_old(path)? {
            Old::File(file, _) => {
                writer.scratch = vec![0; CHUNK];
                writer.place = Place::AsBefore(file);
            }
            Old::None => writer.diverge(Change::Added)?,
            Old::Odd => writer.diverge(Change::Changed)?,
        }
        Ok(writer)
    }

    /// Completes the manifest with the files and puts the assembly in place.
    ///
    /// # Errors
    /// If the file system says no. Then the old assembly is as it was.
    pub fn finish(self, mut manifest: Manifest) -> Result<Outcome, AssemblyError> {
        let mut files = BTreeMap::new();
        for (path, entry) in std::mem::take(&mut *self.files()) {
            let Entry::Done(done) = entry else {
                return Err(AssemblyError::new(self.shown.join(path), AssemblyErrorKind::Repeated));
            };
            files.insert(path, done);
        }
        manifest.files = files
            .iter()
            .map(|(path, done)| FileRecord { path: path.clone(), sha256: done.digest, bytes: done.bytes })
            .collect();
        let text = manifest.to_bytes().map_err(AssemblyError::io("write", self.shown.join(MANIFEST)))?;
        let change = self.compare(MANIFEST, &text)?;
        let done = Done { digest: Digest::of(&text), bytes: text.len() as u64, change };
        files.insert(MANIFEST.to_owned(), done);

        let outcome = self.outcome(&files)?;
        if outcome.changed.is_empty() || self.mode == Mode::Check {
            return Ok(outcome);
        }
        for (path, _) in files.iter().filter(|(path, done)| done.change.is_none() && *path != MANIFEST) {
            self.take_over(path)?;
        }
        for path in &outcome.strangers {
            self.take_over(path)?;
        }
        self.write(MANIFEST, &text)?;
        self.settle()?;
        self.replace()?;
        Ok(outcome)
    }

    /// Works out what is different, once all files are known.
    fn outcome(&self, files: &BTreeMap<String, Done>) -> Result<Outcome, AssemblyError> {
        let mut outcome = Outcome::default();
        for (path, done) in files {
            outcome.bytes += done.bytes;
            match done.change {
                Some(change) => {
                    outcome.written += done.bytes;
                    outcome.changed.push((path.clone(), change));
                }
                None => outcome.unchanged += 1,
            }
        }
        if let Some(old) = &self.old {
            walk(&self.target, &mut |path, _| {
                if !files.contains_key(path) {
                    if old.contains(path) {
                        outcome.changed.push((path.to_owned(), Change::Removed));
                    } else {
                        outcome.strangers.push(path.to_owned());
                    }
                }
            })?;
        }
        outcome.changed.sort();
        outcome.strangers.sort();
        Ok(outcome)
    }

    /// Gives a file of the old assembly a second name in the new one.
    fn take_over(&self, path: &str) -> Result<(), AssemblyError> {
        let (from, to) = (self.target.join(path), self.staging.join(path));
        self.folder_for(&to)?;
        self.step("link");
        if self.links() && fs::hard_link(&from, &to).is_ok() {
            return Ok(());
        }
        // Not every file system has hard links, and not every file may have another.
        copy(&from, &to).map_err(AssemblyError::io("copy", self.shown.join(path)))?;
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).push(to);
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), AssemblyError> {
        let mut file = self.create(path)?;
        #[cfg(test)]
        let bytes = {
            let (half, rest) = bytes.split_at(bytes.len() / 2);
            file.write_all(half).map_err(AssemblyError::io("write", self.shown.join(path)))?;
            self.step("half written");
            rest
        };
        file.write_all(bytes).map_err(AssemblyError::io("write", self.shown.join(path)))?;
        self.step("written");
        Ok(())
    }

    fn create(&self, path: &str) -> Result<File, AssemblyError> {
        let full = self.staging.join(path);
        self.folder_for(&full)?;
        let options = OpenOptions::new().write(true).create_new(true).open(&full);
        let file = options.map_err(AssemblyError::io("create", self.shown.join(path)))?;
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).push(full);
        self.step("created");
        Ok(file)
    }

    /// Makes the folder that a file of the staging folder goes into.
    fn folder_for(&self, file: &Path) -> Result<(), AssemblyError> {
        let folder = file.parent().unwrap_or(&self.staging);
        let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        if folders.is_empty() {
            fs::create_dir(&self.staging).map_err(AssemblyError::io("create the folder", &self.staging))?;
            // Whoever may not look into the old assembly may not look into the new one either.
            if let Ok(metadata) = fs::metadata(&self.target) {
                fs::set_permissions(&self.staging, metadata.permissions())
                    .map_err(AssemblyError::io("set the permissions of", &self.staging))?;
            }
            folders.insert(self.staging.clone());
            self.step("staging");
        }
        if !folders.contains(folder) {
            fs::create_dir_all(folder).map_err(AssemblyError::io("create the folder", folder))?;
            let new = folder.ancestors().take_while(|ancestor| *ancestor != self.staging);
            folders.extend(new.map(Path::to_owned));
            self.step("folder");
        }
        Ok(())
    }

    /// Makes sure that what the new names will lead to is on the disk before they do.
    fn settle(&self) -> Result<(), AssemblyError> {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        self.step("before sync");
        let many = fresh.len() + folders.len() > SYNCED_ONE_BY_ONE;
        if many && swap::sync_all_of(&self.staging).map_err(AssemblyError::io("sync", &self.staging))? {
            return Ok(());
        }
        for path in fresh.iter() {
            swap::sync_file(path).map_err(AssemblyError::io("sync", path))?;
        }
        for folder in folders.iter() {
            swap::sync_folder(folder).map_err(AssemblyError::io("sync", folder))?;
        }
        Ok(())
    }

    /// The one step that makes the new assembly the assembly.
    fn replace(&self) -> Result<(), AssemblyError> {
        self.step("before swap");
        let swapped = self.swap().map_err(|error| {
            if swap::is_mounted(&error) {
                AssemblyError::new(&self.shown, AssemblyErrorKind::MountPoint)
            } else {
                AssemblyError::io("replace", &self.shown)(error)
            }
        })?;
        self.step("swapped");
        if let Some(parent) = self.target.parent() {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            swap::sync_folder(parent).map_err(AssemblyError::io("sync", parent))?;
        }
        self.step("synced");
        // The new assembly is in place. What cannot be removed now is in nobody's way and is removed next time.
        let _ = match swapped {
            Swapped::Moved => Ok(()),
            Swapped::Exchanged => fs::remove_dir_all(&self.staging),
            Swapped::PutAside => fs::remove_dir_all(&self.aside),
        };
        Ok(())
    }

    fn swap(&self) -> io::Result<Swapped> {
        if self.old.is_none() {
            // Nothing, or an empty folder, which a rename replaces.
            fs::rename(&self.staging, &self.target)?;
            return Ok(Swapped::Moved);
        }
        match self.exchange() {
            Ok(()) => Ok(Swapped::Exchanged),
            Err(error) if swap::cannot_exchange(&error) => {
                fs::rename(&self.target, &self.aside)?;
                self.step("put aside");
                if let Err(error) = fs::rename(&self.staging, &self.target) {
                    fs::rename(&self.aside, &self.target)?;
                    return Err(error);
                }
                Ok(Swapped::PutAside)
            }
            Err(error) => Err(error),
        }
    }

    /// How a file's content differs from the old one's; `None` if it does not.
    fn compare(&self, path: &str, bytes: &[u8]) -> Result<Option<Change>, AssemblyError> {
        let mut file = match self.open_old(path)? {
            Old::None => return Ok(Some(Change::Added)),
            Old::Odd => return Ok(Some(Change::Changed)),
            Old::File(_, length) if length != bytes.len() as u64 => return Ok(Some(Change::Changed)),
            Old::File(file, _) => file,
        };
        let mut scratch = vec![0; bytes.len().min(CHUNK)];
        for chunk in bytes.chunks(CHUNK) {
            if !same(&mut file, chunk, &mut scratch).map_err(AssemblyError::io("read", self.shown.join(path)))? {
                return Ok(Some(Change::Changed));
            }
        }
        Ok(None)
    }

    fn open_old(&self, path: &str) -> Result<Old, AssemblyError> {
        if self.old.is_none() {
            return Ok(Old::None);
        }
        let full = self.target.join(path);
        let odd = || if fs::symlink_metadata(&full).is_ok() { Old::Odd } else { Old::None };
        match swap::open_plain(&full) {
            Ok(file) => {
                let metadata = file.metadata().map_err(AssemblyError::io("read", self.shown.join(path)))?;
                Ok(if metadata.is_file() { Old::File(file, metadata.len()) } else { Old::Odd })
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(AssemblyError::io("read", self.shown.join(path))(error))
            }
            Err(_) => Ok(odd()),
        }
    }

    fn reserve(&self, path: &str) -> Result<(), AssemblyError> {
        check_path(path).map_err(|rule| AssemblyError::new(path, AssemblyErrorKind::Path { rule }))?;
        let mut files = self.files();
        if files.contains_key(path) {
            return Err(AssemblyError::new(self.shown.join(path), AssemblyErrorKind::Repeated));
        }
        files.insert(path.to_owned(), Entry::Begun);
        Ok(())
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(not(test))]
impl Draft {
    /// Where a test may stop the process.
    #[expect(clippy::unused_self, reason = "the test's twin needs it")]
    fn step(&self, _: &'static str) {}

    #[expect(clippy::unused_self, reason = "the test's twin needs it")]
    fn links(&self) -> bool {
        true
    }

    fn exchange(&self) -> io::Result<()> {
        swap::exchange(&self.staging, &self.target)
    }
}

#[cfg(test)]
impl Draft {
    fn step(&self, _: &'static str) {
        self.rig.step();
    }

    fn links(&self) -> bool {
        !self.rig.no_links
    }

    fn exchange(&self) -> io::Result<()> {
        if self.rig.no_exchange {
            Err(io::ErrorKind::Unsupported.into())
        } else {
            swap::exchange(&self.staging, &self.target)
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.mode == Mode::Write && self.staging.exists() {
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

/// A file that is written piece by piece. It exists once it is finished.
#[derive(Debug)]
pub struct FileWriter<'a> {
    draft: &'a Draft,
    path: String,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
    hasher: Sha256,
    /// How much has left the buffer.
    bytes: u64,
    place: Place,
    finished: bool,
}

#[derive(Debug)]
enum Place {
    /// Everything so far is what the old file has.
    AsBefore(File),
    /// It differs and is written.
    Staged(File, Change),
    /// It differs, and nothing is to be written.
    Compared(Change),
    /// Not decided yet.
    Nowhere,
}

impl FileWriter<'_> {
    /// Ends the file.
    ///
    /// # Errors
    /// If the file system says no.
    pub fn finish(mut self) -> Result<Digest, AssemblyError> {
        self.empty_buffer()?;
        if let Place::AsBefore(file) = &mut self.place {
            let shown = self.draft.shown.join(&self.path);
            let rest = file.read(&mut [0]).map_err(AssemblyError::io("read", shown))?;
            if rest > 0 {
                self.diverge(Change::Changed)?;
            }
        }
        let change = match self.place {
            Place::AsBefore(_) | Place::Nowhere => None,
            Place::Staged(_, change) | Place::Compared(change) => Some(change),
        };
        let digest = Digest::finish(std::mem::take(&mut self.hasher));
        let done = Done { digest, bytes: self.bytes, change };
        self.draft.files().insert(self.path.clone(), Entry::Done(done));
        self.finished = true;
        Ok(digest)
    }

    fn empty_buffer(&mut self) -> Result<(), AssemblyError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.take(&buffer);
        buffer.clear();
        self.buffer = buffer;
        result
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), AssemblyError> {
        for chunk in bytes.chunks(CHUNK) {
            self.hasher.update(chunk);
            let shown = || self.draft.shown.join(&self.path);
            if let Place::AsBefore(file) = &mut self.place
                && !same(file, chunk, &mut self.scratch).map_err(AssemblyError::io("read", shown()))?
            {
                self.diverge(Change::Changed)?;
            }
            if let Place::Staged(file, _) = &mut self.place {
                file.write_all(chunk).map_err(AssemblyError::io("write", self.draft.shown.join(&self.path)))?;
                self.draft.step("streamed");
            }
            self.bytes += chunk.len() as u64;
        }
        Ok(())
    }

    /// The content is no longer the old file's: what came so far is copied from there.
    fn diverge(&mut self, change: Change) -> Result<(), AssemblyError> {
        let before = std::mem::replace(&mut self.place, Place::Nowhere);
        if self.draft.mode == Mode::Check {
            self.place = Place::Compared(change);
            return Ok(());
        }
        let mut file = self.draft.create(&self.path)?;
        let copied = match before {
            Place::AsBefore(mut old) if self.bytes > 0 => {
                old.rewind().and_then(|()| io::copy(&mut old.take(self.bytes), &mut file))
            }
            _ => Ok(self.bytes),
        };
        self.place = Place::Staged(file, change);
        let copied = copied
            .and_then(|copied| if copied == self.bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) });
        copied.map_err(AssemblyError::io("copy", self.draft.shown.join(&self.path)))
    }
}

impl Write for FileWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.buffer.len() + bytes.len() > CHUNK {
            self.empty_buffer()?;
        }
        if bytes.len() >= CHUNK {
            self.take(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.empty_buffer()?)
    }
}

impl Drop for FileWriter<'_> {
    fn drop(&mut self) {
        if !self.finished {
            if let Place::Staged(..) = self.place {
                let _ = fs::remove_file(self.draft.staging.join(&self.path));
            }
            self.draft.files().remove(&self.path);
        }
    }
}

/// Whether the file goes on with exactly these bytes.
fn same(file: &mut File, bytes: &[u8], scratch: &mut [u8]) -> io::Result<bool> {
    let Some(scratch) = scratch.get_mut(..bytes.len()) else { return Ok(false) };
    match file.read_exact(scratch) {
        Ok(()) => Ok(scratch == bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Copies a file or a link into a folder that is not in use yet.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if fs::symlink_metadata(from)?.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to).map(drop)
}

/// Why a path may not be used inside an assembly.
pub(super) fn check_path(path: &str) -> Result<(), &'static str> {
    if path == MANIFEST {
        return Err("the manifest is written at the end");
    }
    if path.is_empty() || path.ends_with('/') {
        return Err("it names no file");
    }
    if path.contains(|character: char| character == '\\' || character.is_control()) {
        return Err("it has a character that not every file system takes");
    }
    let plain = Path::new(path).components().all(|component| matches!(component, Component::Normal(_)));
    // `components` drops `.` and doubled separators, so the text has to be compared too.
    if !plain || path.split('/').any(|part| part.is_empty() || part == ".") {
        return Err("it has to go down from the assembly's folder and nowhere else");
    }
    Ok(())
}

/// The folder that a path leads to, or would.
fn behind_links(target: &Path) -> Result<PathBuf, AssemblyError> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(target.to_owned()),
        Err(error) => Err(AssemblyError::io("read", target)(error)),
        Ok(_) => fs::canonicalize(target).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                let reason = "it is a link that leads nowhere".to_owned();
                AssemblyError::new(target, AssemblyErrorKind::NotAnAssembly { reason })
            } else {
                AssemblyError::io("read", target)(error)
            }
        }),
    }
}

/// Undoes what a run that died left behind.
fn recover(target: &Path, staging: &Path, aside: &Path) -> Result<(), AssemblyError> {
    if fs::symlink_metadata(aside).is_ok() {
        if fs::symlink_metadata(target).is_ok() {
            remove(aside)?;
        } else {
            // It died between the two renames of a file system that cannot exchange.
            fs::rename(aside, target).map_err(AssemblyError::io("bring back", target))?;
        }
    }
    remove(staging)
}

fn remove(path: &Path) -> Result<(), AssemblyError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(AssemblyError::io("remove", path))
}

/// The paths in the manifest at the target; `None` if there is nothing there yet.
fn old_files(target: &Path, shown: &Path) -> Result<Option<BTreeSet<String>>, AssemblyError> {
    let refuse = |reason: String| AssemblyError::new(shown, AssemblyErrorKind::NotAnAssembly { reason });
    match fs::metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AssemblyError::io("read", shown)(error)),
        Ok(metadata) if !metadata.is_dir() => return Err(refuse("it is a file".to_owned())),
        Ok(_) => {}
    }
    let mut text = Vec::new();
    let path = target.join(MANIFEST);
    match swap::open_plain(&path).and_then(|mut file| file.read_to_end(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut entries = fs::read_dir(target).map_err(AssemblyError::io("read", shown))?;
            return match entries.next() {
                None => Ok(None),
                Some(_) => Err(refuse(format!("it holds files, but no `{MANIFEST}`"))),
            };
        }
        Err(error) => return Err(refuse(format!("its `{MANIFEST}` cannot be read: {error}"))),
    }
    match serde_json::from_slice::<OldManifest>(&text) {
        Ok(manifest) => {
            Ok(Some(manifest.files.into_iter().map(|file| file.path).chain([MANIFEST.to_owned()]).collect()))
        }
        Err(error) => Err(refuse(format!("its `{MANIFEST}` is not a manifest: {error}"))),
    }
}

/// Visits everything below a folder that is not a folder itself. Links are not followed.
pub(super) fn walk(root: &Path, visit: &mut dyn FnMut(&str, &fs::DirEntry)) -> Result<(), AssemblyError> {
    fn descend(folder: &Path, path: &str, visit: &mut dyn FnMut(&str, &fs::DirEntry)) -> Result<(), AssemblyError> {
        for entry in fs::read_dir(folder).map_err(AssemblyError::io("read", folder))? {
            let entry = entry.map_err(AssemblyError::io("read", folder))?;
            let full = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                let rule = "its name is not UTF-8";
                return Err(AssemblyError::new(full, AssemblyErrorKind::Path { rule }));
            };
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            if entry.file_type().map_err(AssemblyError::io("read", &full))?.is_dir() {
                descend(&full, &path, visit)?;
            } else {
                visit(&path, &entry);
            }
        }
        Ok(())
    }
    descend(root, "", visit)
}

#[cfg(test)]
mod tests;
