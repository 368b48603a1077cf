//! The only door to files that are read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What a blueprint can see of the outside. Tests pass a [`Memory`].
pub trait World: Sync {
    /// The whole file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The file, to be read as a stream.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead + Send>>;
}

/// Why a file cannot be read, in the same words on every system.
#[must_use]
pub fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// The real file system; relative paths count from a folder.
#[derive(Debug, Clone)]
pub struct Disk {
    base: PathBuf,
    touched: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Disk {
    /// Relative paths count from `base`.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into(), touched: Arc::default() }
    }

    /// The files that were read so far, and those that were looked for and were not there: what to watch to know when the
    /// same reading would find something else.
    #[must_use]
    pub fn touched(&self) -> BTreeSet<PathBuf> {
        self.touched.lock().map(|touched| touched.clone()).unwrap_or_default()
    }

    fn find(&self, path: &Path) -> PathBuf {
        let path = self.base.join(path);
        if let Ok(mut touched) = self.touched.lock() {
            touched.insert(path.clone());
        }
        path
    }
}

impl World for Disk {
    #[expect(clippy::disallowed_methods, reason = "this is the place the lint points to")]
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(self.find(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
        let file = File::open(self.find(path))?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
    }
}

/// Files that exist in memory only.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    /// Adds a file.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), bytes.into());
        self
    }
}

impl World for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
        Ok(Box::new(Cursor::new(self.read(path)?)))
    }
}
