//! Queues.

use std::panic::Location;

use super::tenant_key::{Keyed, MessageKey};
use super::{And, Key, component};
use crate::dsl::bounds;
use crate::dsl::draft::Draft;
use crate::dsl::handle::Handle;
use crate::dsl::isolation::Names;

component! {
    /// An SQS queue with a dead-letter queue, encrypted, TLS only.
    Queue<K = Unkeyed, R = Free>, "queue"
}

impl Queue {
    /// A queue.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<K, R> Queue<K, R> {
    /// Sets what says which tenant a message is for: [`super::TenantKey::attribute`]. It is the message group too.
    pub fn partition_by<T: MessageKey>(mut self, key: T) -> Queue<Keyed, R> {
        self.draft.body.tenant_key = Some(key.key());
        Queue::with_draft(self.draft)
    }

    /// Sets the seconds a message is hidden while it is worked on; 90 by default.
    #[track_caller]
    pub fn visibility_timeout_seconds(mut self, seconds: u32) -> Self {
        let seconds = self.draft.within(&bounds::VISIBILITY_SECONDS, seconds, Location::caller());
        self.draft.body.visibility_timeout_seconds = seconds;
        self
    }

    /// Sets the days a message is kept; 14 by default.
    #[track_caller]
    pub fn retention_days(mut self, days: u32) -> Self {
        self.draft.body.retention_days = self.draft.within(&bounds::RETENTION_DAYS, days, Location::caller());
        self
    }

    /// Sets how often a message is tried before it goes to the dead-letter queue; 5 by default.
    #[track_caller]
    pub fn max_receives(mut self, receives: u32) -> Self {
        self.draft.body.max_receives = self.draft.within(&bounds::MAX_RECEIVES, receives, Location::caller());
        self
    }

    /// Sets the key messages are encrypted with; an SQS managed key by default.
    #[track_caller]
    pub fn encrypt_with<S>(mut self, key: Handle<Key, S>) -> Queue<K, And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.encrypt_with = self.draft.mention(key.mark(), Location::caller());
        Queue::with_draft(self.draft)
    }
}
