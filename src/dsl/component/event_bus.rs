//! Event buses.

use std::panic::Location;

use super::component;
use super::tenant_key::{Keyed, MessageKey};
use crate::dsl::bounds;
use crate::dsl::draft::Draft;

component! {
    /// An EventBridge event bus.
    EventBus<K = Unkeyed>, "event_bus"
}

impl EventBus {
    /// An event bus.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<K> EventBus<K> {
    /// Sets the field of an event's detail that says which tenant it is for: [`super::TenantKey::attribute`].
    pub fn partition_by<T: MessageKey>(mut self, key: T) -> EventBus<Keyed> {
        self.draft.body.tenant_key = Some(key.key());
        EventBus::with_draft(self.draft)
    }

    /// Sets the days events are kept for replay; they are not kept by default.
    #[track_caller]
    pub fn archive_days(mut self, days: u32) -> Self {
        let days = self.draft.within(&bounds::ARCHIVE_DAYS, days, Location::caller());
        self.draft.body.archive_days = Some(days);
        self
    }
}
