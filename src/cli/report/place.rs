//! Origins resolved to places that can be shown: every offset inside its file and between two characters.

use std::collections::BTreeMap;
use std::fmt;

use crate::diagnostics::{Diagnostic, FileId, Origin, SourceFile, SourceMap};

/// The files that the findings mention, with the offsets of their lines.
#[derive(Debug)]
pub(in crate::cli) struct Places<'a> {
    files: BTreeMap<FileId, Lines<'a>>,
    first: Option<&'a str>,
}

/// A file cut into lines.
#[derive(Debug)]
pub(in crate::cli) struct Lines<'a> {
    /// The path as the user gave it.
    pub(in crate::cli) name: &'a str,
    text: &'a str,
    starts: Vec<usize>,
}

/// A position in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Point {
    /// Byte, from 0.
    pub(in crate::cli) byte: usize,
    /// Line, from 1.
    pub(in crate::cli) line: usize,
    /// Column in characters, from 1.
    pub(in crate::cli) column: usize,
}

/// A place that can be shown.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) enum Place<'a> {
    /// In a text at hand.
    Text { lines: &'a Lines<'a>, start: Point, end: Point },
    /// A line of a file that was streamed.
    Line { file: &'a str, line: u64 },
    /// Rust code.
    Rust { file: &'a str, line: u32, column: u32 },
    /// A file or folder as a whole.
    Path(&'a str),
    /// Nowhere in particular.
    Nowhere,
}

impl<'a> Places<'a> {
    /// Reads the files that the findings mention.
    pub(in crate::cli) fn new(findings: &[Diagnostic], sources: &'a SourceMap) -> Self {
        let origins = findings
            .iter()
            .flat_map(|finding| std::iter::once(&finding.primary).chain(&finding.secondary).map(|label| &label.origin));
        let mut files = BTreeMap::new();
        for origin in origins {
            if let Origin::Text(span) = origin
                && let Some(file) = sources.get(span.file)
            {
                files.entry(span.file).or_insert_with(|| Lines::new(file));
            }
        }
        Self { files, first: sources.files().next().map(|file| file.name.as_str()) }
    }

    /// The file to name where a format insists on one: the blueprint.
    pub(in crate::cli) fn first(&self) -> Option<&'a str> {
        self.first
    }

    /// The place of an origin.
    pub(in crate::cli) fn find<'b>(&'b self, origin: &'b Origin) -> Place<'b> {
        match origin {
            Origin::Text(span) => self.files.get(&span.file).map_or(Place::Nowhere, |lines| {
                let (start, end) = lines.points(span.start, span.end);
                Place::Text { lines, start, end }
            }),
            Origin::Line { file, line } => Place::Line { file, line: *line },
            Origin::Rust { file, line, column } => Place::Rust { file, line: *line, column: *column },
            Origin::Path(path) => Place::Path(path),
            Origin::Derived => Place::Nowhere,
        }
    }
}

impl<'a> Lines<'a> {
    fn new(file: &'a SourceFile) -> Self {
        let starts = std::iter::once(0).chain(file.text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        Self { name: &file.name, text: &file.text, starts }
    }

    /// Start and end of a range of bytes, moved into the text and onto the edges of characters.
    fn points(&self, start: usize, end: usize) -> (Point, Point) {
        let start = self.text.floor_char_boundary(start);
        let end = self.text.ceil_char_boundary(end).max(start);
        (self.point(start), self.point(end))
    }

    fn point(&self, byte: usize) -> Point {
        let line = self.starts.partition_point(|start| *start <= byte);
        let before = self.text.get(self.start_of(line)..byte).unwrap_or_default();
        Point { byte, line, column: before.chars().count() + 1 }
    }

    /// Byte at which a line, counted from 1, begins.
    pub(in crate::cli) fn start_of(&self, line: usize) -> usize {
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// A line, counted from 1, without its end.
    pub(in crate::cli) fn line(&self, line: usize) -> &'a str {
        let line = self.text.get(self.start_of(line)..self.start_of(line + 1)).unwrap_or_default();
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    }
}

impl<'a> Place<'a> {
    /// The file, if the place has one.
    pub(in crate::cli) fn file(self) -> Option<&'a str> {
        match self {
            Self::Text { lines, .. } => Some(lines.name),
            Self::Line { file, .. } | Self::Rust { file, .. } | Self::Path(file) => Some(file),
            Self::Nowhere => None,
        }
    }

    /// The line, from 1, if the place has one.
    pub(in crate::cli) fn line(self) -> Option<u64> {
        match self {
            Self::Text { start, .. } => Some(start.line as u64),
            Self::Line { line, .. } => Some(line),
            Self::Rust { line, .. } => Some(line.into()),
            Self::Path(_) | Self::Nowhere => None,
        }
    }

    /// The column in characters, from 1, if the place has one.
    pub(in crate::cli) fn column(self) -> Option<u64> {
        match self {
            Self::Text { start, .. } => Some(start.column as u64),
            Self::Rust { column, .. } => Some(column.into()),
            Self::Line { .. } | Self::Path(_) | Self::Nowhere => None,
        }
    }

    /// The line's text, if it is at hand.
    pub(in crate::cli) fn quote(self) -> Option<&'a str> {
        match self {
            Self::Text { lines, start, .. } => Some(lines.line(start.line)),
            _ => None,
        }
    }
}

/// `file:line:column`, as far as the place has them; empty for nowhere.
impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.file().unwrap_or_default())?;
        if let Some(line) = self.line() {
            write!(formatter, ":{line}")?;
        }
        if let Some(column) = self.column() {
            write!(formatter, ":{column}")?;
        }
        Ok(())
    }
}
