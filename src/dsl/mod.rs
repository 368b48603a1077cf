//! Stand-in until the typed surface lands.
use crate::{diagnostics::Sink, model::Model};
/// Stand-in.
pub struct Blueprint;
impl Blueprint {
    /// Stand-in.
    pub fn lower(self) -> (Option<Model>, Sink) { (None, Sink::new()) }
}
