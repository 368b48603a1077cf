//! Where a thing was written.

use std::panic::Location;
use std::sync::Arc;

/// A file of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in a file, end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Where a thing was written, in whichever surface it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Origin {
    /// In a file whose text is at hand.
    Text(Span),
    /// In a file that is streamed, so that only the place is kept.
    Line {
        /// The file's path as the user gave it.
        file: Arc<str>,
        /// Line, from 1.
        line: u64,
    },
    /// In Rust code that builds a blueprint.
    Rust {
        /// The source file as the compiler names it.
        file: &'static str,
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
    },
    /// Of a file or folder as a whole.
    Path(Arc<str>),
    /// Nowhere in particular: a default, or something worked out.
    #[default]
    Derived,
}

impl Origin {
    /// The place in Rust code that called the function which called this.
    #[must_use]
    #[track_caller]
    pub fn here() -> Self {
        let location = Location::caller();
        Self::Rust { file: location.file(), line: location.line(), column: location.column() }
    }
}

/// A file whose text is kept, to quote from.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path as the user gave it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl SourceFile {
    /// Line and column, from 1, of a byte; the column counts characters.
    #[must_use]
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        (line, column)
    }
}

/// The files that findings can quote.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Keeps a file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.files.push(SourceFile { name: name.into(), text: text.into() });
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// A file that was kept.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// The files in the order they were kept: the blueprint comes first.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }

    /// Path, line and column, from 1, of an origin, as far as it has them.
    #[must_use]
    pub fn locate(&self, origin: &Origin) -> Option<(String, Option<usize>, Option<usize>)> {
        match origin {
            Origin::Text(span) => {
                let file = self.get(span.file)?;
                let (line, column) = file.line_column(span.start);
                Some((file.name.clone(), Some(line), Some(column)))
            }
            Origin::Line { file, line } => Some((file.to_string(), usize::try_from(*line).ok(), None)),
            Origin::Rust { file, line, column } => {
                Some(((*file).to_owned(), Some(*line as usize), Some(*column as usize)))
            }
            Origin::Path(path) => Some((path.to_string(), None, None)),
            Origin::Derived => None,
        }
    }
}
