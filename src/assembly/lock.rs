//! One writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{AssemblyError, AssemblyErrorKind};

/// A lock on a file beside the assembly, held until it is dropped. The kernel lets go of it if the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    exclusive: bool,
}

impl Lock {
    /// The lock of a writer. The file is made, and is gone afterwards.
    pub(super) fn exclusive(path: &Path, target: &Path) -> Result<Self, AssemblyError> {
        loop {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let file = options.open(path).map_err(AssemblyError::io("lock", path))?;
            locked(file.try_lock(), path, target)?;
            if still_there(&file, path) {
                return Ok(Self { file, path: path.to_owned(), exclusive: true });
            }
        }
    }

    /// The lock of somebody who only compares: it is taken only if a writer left a file to take it on.
    pub(super) fn shared(path: &Path, target: &Path) -> Result<Option<Self>, AssemblyError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(AssemblyError::io("lock", path)(error)),
        };
        locked(file.try_lock_shared(), path, target)?;
        Ok(Some(Self { file, path: path.to_owned(), exclusive: false }))
    }
}

fn locked(result: Result<(), TryLockError>, path: &Path, target: &Path) -> Result<(), AssemblyError> {
    match result {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(AssemblyError::new(target, AssemblyErrorKind::Busy)),
        Err(TryLockError::Error(error)) => Err(AssemblyError::io("lock", path)(error)),
    }
}

/// Whether the path still leads to the file: the writer before may have removed it between our opening and our locking.
#[cfg(unix)]
fn still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn still_there(_: &File, path: &Path) -> bool {
    path.exists()
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.exclusive {
            // Removed before it is unlocked, so that nobody can lock a file that is about to go unnoticed.
            // A file that stays behind does no harm.
            let _ = fs::remove_file(&self.path);
        }
        let _ = self.file.unlock();
    }
}
