//! Findings: plain data about what is wrong, where, and what to do. Nothing here prints.

mod code;
mod origin;
mod sink;
mod words;

pub use code::{Code, Severity, all as all_codes, codes, find as find_code};
pub use origin::{FileId, Origin, SourceFile, SourceMap, Span};
pub use sink::{Diagnostic, Label, Nearest, Sink, closest};
pub use words::{counted, plural};
