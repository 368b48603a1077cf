//! The calls to the file system that have to be right for a crash to be harmless.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// How one folder took the other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swapped {
    /// In one step: the old folder is where the new one was.
    Exchanged,
    /// There was nothing to replace.
    Moved,
    /// In two steps, because the file system has no other way: the old folder was put aside.
    PutAside,
}

/// Gives two folders each other's names, in one step.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).map_err(io::Error::from)
}

/// Gives two folders each other's names, in one step.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the error says that the file system cannot exchange, rather than that it failed to.
pub(super) fn cannot_exchange(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// Whether the error says that something is mounted where a folder would have to move.
pub(super) fn is_mounted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::CrossesDevices | io::ErrorKind::ResourceBusy)
}

/// Whether another file system is mounted on a folder, as far as that can be told beforehand.
#[cfg(unix)]
pub(super) fn is_mount_point(folder: &Path, parent: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    matches!((fs::metadata(folder), fs::metadata(parent)), (Ok(a), Ok(b)) if a.dev() != b.dev())
}

/// Whether another file system is mounted on a folder, as far as that can be told beforehand.
#[cfg(not(unix))]
pub(super) fn is_mount_point(_: &Path, _: &Path) -> bool {
    false
}

/// Opens a file to compare it: not through a link, and without waiting for a pipe's other end.
pub(super) fn open_plain(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

/// Writes everything that the file system of a folder still holds in memory.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn sync_all_of(folder: &Path) -> io::Result<bool> {
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(true)
}

/// Writes everything that the file system of a folder still holds in memory, where there is a call for that.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn sync_all_of(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Writes a file to the disk.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    match open_plain(path) {
        Ok(file) => file.sync_all(),
        // A link has no content of its own.
        Err(_) if fs::symlink_metadata(path)?.is_symlink() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes the entries of a folder to the disk.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Writes the entries of a folder to the disk, where folders can be opened.
#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
