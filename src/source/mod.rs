//! Text that comes in, as trees with places.

mod spool;

pub use spool::{Cursor, Sorted, Spool};
