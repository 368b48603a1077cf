//! Topics.

use std::panic::Location;

use super::tenant_key::{AlarmsOnly, Keyed, MessageKey};
use super::{And, Key, component};
use crate::dsl::draft::Draft;
use crate::dsl::handle::Handle;
use crate::dsl::isolation::Names;

component! {
    /// An SNS topic, encrypted, TLS only.
    Topic<K = Unkeyed, R = Free>, "topic"
}

impl Topic {
    /// A topic.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl Topic<AlarmsOnly> {
    /// A topic that alarms are told to and nobody else: tenants may share it without a key. The check refuses it
    /// where no alarms of the tier name it.
    #[track_caller]
    pub fn for_alarms(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<K, R> Topic<K, R> {
    /// Sets the message attribute that says which tenant a message is for: [`super::TenantKey::attribute`].
    pub fn partition_by<T: MessageKey>(mut self, key: T) -> Topic<Keyed, R> {
        self.draft.body.tenant_key = Some(key.key());
        Topic::with_draft(self.draft)
    }

    /// Sets the key messages are encrypted with; an AWS managed key by default.
    #[track_caller]
    pub fn encrypt_with<S>(mut self, key: Handle<Key, S>) -> Topic<K, And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.encrypt_with = self.draft.mention(key.mark(), Location::caller());
        Topic::with_draft(self.draft)
    }

    /// Whether publishing without TLS is denied; on by default.
    pub fn tls_only(mut self, on: bool) -> Self {
        self.draft.body.tls_only = on;
        self
    }
}
