//! Keys.

use std::panic::Location;

use super::component;
use crate::dsl::bounds;
use crate::dsl::draft::Draft;

component! {
    /// A KMS key that rotates, with an alias.
    Key<>, "key"
}

impl Key {
    /// A key.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }

    /// Sets the days between rotations; 365 by default.
    #[track_caller]
    pub fn rotation_days(mut self, days: u32) -> Self {
        self.draft.body.rotation_days = self.draft.within(&bounds::ROTATION_DAYS, days, Location::caller());
        self
    }

    /// Sets the days between the order to delete the key and its deletion; 30 by default.
    #[track_caller]
    pub fn pending_window_days(mut self, days: u32) -> Self {
        self.draft.body.pending_window_days = self.draft.within(&bounds::PENDING_DAYS, days, Location::caller());
        self
    }
}
