//! What can go wrong with an assembly, apart from what [`verify`](super::verify) finds.

use std::path::{Path, PathBuf};
use std::{error, fmt, io};

use crate::diagnostics::{Diagnostic, Origin, codes};

/// Why an assembly cannot be read or written.
#[derive(Debug)]
pub struct AssemblyError {
    path: PathBuf,
    kind: AssemblyErrorKind,
}

/// What is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum AssemblyErrorKind {
    /// The target holds something that was not written here, so it is not replaced.
    NotAnAssembly {
        /// Why it is not one.
        reason: String,
    },
    /// Somebody else is writing the same assembly.
    Busy,
    /// The target cannot be replaced because something is mounted on it.
    MountPoint,
    /// A path inside the assembly breaks a rule.
    Path {
        /// The rule.
        rule: &'static str,
    },
    /// A file is written twice, or was begun and never finished.
    Repeated,
    /// The manifest cannot be read.
    Manifest {
        /// What is wrong with it.
        problem: String,
    },
    /// A line of the tenants' file cannot be read.
    Record {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A file is not the one that the manifest names.
    Edited,
    /// A file is not what its place in the assembly says.
    Content {
        /// What is wrong with it.
        problem: String,
    },
    /// The file system said no.
    Io {
        /// What was tried, as in "cannot `write` …".
        action: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl AssemblyError {
    pub(super) fn new(path: impl Into<PathBuf>, kind: AssemblyErrorKind) -> Self {
        Self { path: path.into(), kind }
    }

    /// A file that is not what its place in the assembly says.
    #[must_use]
    pub fn content(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::new(path, AssemblyErrorKind::Content { problem: problem.into() })
    }

    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        // An error that went through `io::Write` comes back as it was.
        move |source| match source.downcast::<Self>() {
            Ok(error) => error,
            Err(source) => Self { path, kind: AssemblyErrorKind::Io { action, source } },
        }
    }

    /// The file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    #[must_use]
    pub fn kind(&self) -> &AssemblyErrorKind {
        &self.kind
    }

    /// The error as a finding.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let path: std::sync::Arc<str> = self.path.to_string_lossy().into();
        let origin = match &self.kind {
            AssemblyErrorKind::Record { line, .. } => Origin::Line { file: path, line: *line },
            _ => Origin::Path(path),
        };
        let (code, help) = match &self.kind {
            AssemblyErrorKind::NotAnAssembly { .. } => {
                (&codes::OUTPUT_NOT_AN_ASSEMBLY, Some("name another folder, or empty this one if nobody needs it"))
            }
            AssemblyErrorKind::Busy => {
                (&codes::OUTPUT_BUSY, Some("wait for the other run to end, or write to another folder"))
            }
            AssemblyErrorKind::MountPoint => (&codes::OUTPUT_IO, Some("name a folder inside it")),
            AssemblyErrorKind::Manifest { .. } => (&codes::VERIFY_MANIFEST, None),
            AssemblyErrorKind::Edited => (&codes::VERIFY_DIGEST, Some("make the assembly again with `tenantry synth`")),
            AssemblyErrorKind::Content { .. } => (&codes::VERIFY_DIGEST, None),
            AssemblyErrorKind::Record { .. } => (&codes::VERIFY_RECORD, None),
            AssemblyErrorKind::Path { .. } | AssemblyErrorKind::Repeated | AssemblyErrorKind::Io { .. } => {
                (&codes::OUTPUT_IO, None)
            }
        };
        Diagnostic::new(code, origin, self.to_string()).help_if(help.map(str::to_owned))
    }
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            AssemblyErrorKind::NotAnAssembly { reason } => {
                write!(formatter, "`{path}` is not an assembly and is left alone: {reason}")
            }
            AssemblyErrorKind::Busy => write!(formatter, "another run is writing `{path}`"),
            AssemblyErrorKind::MountPoint => {
                write!(formatter, "`{path}` cannot be replaced: another file system is mounted on it")
            }
            AssemblyErrorKind::Path { rule } => {
                write!(formatter, "`{path}` is not a path inside an assembly: {rule}")
            }
            AssemblyErrorKind::Repeated => write!(formatter, "`{path}` is written twice, or was never finished"),
            AssemblyErrorKind::Manifest { problem } => write!(formatter, "cannot read `{path}`: {problem}"),
            AssemblyErrorKind::Record { line, problem } => {
                write!(formatter, "cannot read line {line} of `{path}`: {problem}")
            }
            AssemblyErrorKind::Edited => write!(formatter, "`{path}` is not the file that the manifest names"),
            AssemblyErrorKind::Content { problem } => write!(formatter, "cannot use `{path}`: {problem}"),
            AssemblyErrorKind::Io { action, source } => write!(formatter, "cannot {action} `{path}`: {source}"),
        }
    }
}

impl error::Error for AssemblyError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.kind {
            AssemblyErrorKind::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// An error of a writer or of a temporary file; one that was an assembly's before is itself again.
impl From<io::Error> for AssemblyError {
    fn from(source: io::Error) -> Self {
        Self::io("use", "temporary files")(source)
    }
}

impl From<AssemblyError> for io::Error {
    fn from(error: AssemblyError) -> Self {
        let kind = match &error.kind {
            AssemblyErrorKind::Io { source, .. } => source.kind(),
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
