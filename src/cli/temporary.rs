//! A folder of one run.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A folder of this run alone, which goes with it.
#[derive(Debug)]
pub(super) struct Temporary(PathBuf);

impl Temporary {
    /// Makes one among the system's temporary files.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(super) fn new() -> anyhow::Result<Self> {
        let parent = std::env::temp_dir();
        let process = std::process::id();
        // Somebody else may have taken a name: what is there is never used, nor followed.
        for number in 0..1000_u32 {
            let path = parent.join(format!("tenantry-{process}-{number}"));
            match private(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot make the folder `{}`", path.display()));
                }
            }
        }
        bail!("cannot make a folder in `{}`: there are too many", parent.display())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Makes a folder that nobody else may look into.
fn private(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        DirBuilder::new().mode(0o700).create(path)
    }
    #[cfg(not(unix))]
    DirBuilder::new().create(path)
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be taken away stays in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}
