//! Dashboards.

use std::panic::Location;

use super::{And, Watchable, component};
use crate::dsl::draft::Draft;
use crate::dsl::isolation::Names;

component! {
    /// A CloudWatch dashboard over other components.
    Dashboard<R = Free>, "dashboard"
}

impl Dashboard {
    /// A dashboard that shows nothing yet.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<R> Dashboard<R> {
    /// Shows a component.
    #[track_caller]
    pub fn show<W: Watchable>(mut self, component: W) -> Dashboard<And<R, W::Sharing>>
    where
        R: Names<W::Sharing>,
    {
        let shown = self.draft.mention(component.watched(), Location::caller());
        self.draft.body.show.extend(shown);
        Dashboard::with_draft(self.draft)
    }
}
