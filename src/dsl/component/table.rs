//! Tables.

use std::panic::Location;

use super::tenant_key::{Keyed, TableKey};
use super::{And, Key, component};
use crate::dsl::draft::Draft;
use crate::dsl::handle::Handle;
use crate::dsl::isolation::Names;
use crate::model::component::{Index, KeyAttribute};

component! {
    /// A DynamoDB table: paid per request, encrypted, with point-in-time recovery and deletion protection.
    Table<K = Unkeyed, R = Free>, "table"
}

impl Table {
    /// A table whose items are found by their `id`.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<K, R> Table<K, R> {
    /// Sets what keeps tenants apart: [`super::TenantKey::attribute`] or [`super::TenantKey::prefix_of`].
    pub fn partition_by<T: TableKey>(mut self, key: T) -> Table<Keyed, R> {
        self.draft.body.tenant_key = Some(key.key());
        Table::with_draft(self.draft)
    }

    /// Sets the attribute that finds an item; `id` by default.
    pub fn partition_key(mut self, attribute: impl Into<KeyAttribute>) -> Self {
        self.draft.body.partition_key = attribute.into();
        self
    }

    /// Sets the attribute that orders the items of a partition.
    pub fn sort_key(mut self, attribute: impl Into<KeyAttribute>) -> Self {
        self.draft.body.sort_key = Some(attribute.into());
        self
    }

    /// Adds a global secondary index: a second way to look the table up.
    pub fn index(mut self, name: impl Into<String>, by: impl Into<KeyAttribute>) -> Self {
        self.draft.body.indexes.push(Index { name: name.into(), by: by.into() });
        self
    }

    /// Sets the attribute that holds an item's expiry, in seconds since 1970.
    pub fn time_to_live(mut self, attribute: impl Into<String>) -> Self {
        self.draft.body.time_to_live = Some(attribute.into());
        self
    }

    /// Whether changes are streamed; off by default.
    pub fn stream(mut self, on: bool) -> Self {
        self.draft.body.stream = on;
        self
    }

    /// Sets the key the table is encrypted with; an AWS managed key by default.
    #[track_caller]
    pub fn encrypt_with<S>(mut self, key: Handle<Key, S>) -> Table<K, And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.encrypt_with = self.draft.mention(key.mark(), Location::caller());
        Table::with_draft(self.draft)
    }

    /// Point-in-time recovery; on by default.
    pub fn point_in_time_recovery(mut self, on: bool) -> Self {
        self.draft.body.point_in_time_recovery = on;
        self
    }

    /// Whether the table refuses to be deleted; on by default.
    pub fn deletion_protection(mut self, on: bool) -> Self {
        self.draft.body.deletion_protection = on;
        self
    }
}
