//! From text to a tree with spans. The only YAML reader.

pub mod shape;
mod spool;
mod tree;
mod world;
mod yaml;

pub use spool::{Cursor, Sorted, Spool};
pub use tree::{Entry, Node, Value};
pub use world::{Disk, Memory, World, why};
pub use yaml::{MAX_BYTES, read};
