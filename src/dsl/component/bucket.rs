//! Buckets.

use std::panic::Location;

use super::tenant_key::{BucketKey, Keyed};
use super::{And, Key, component};
use crate::dsl::bounds;
use crate::dsl::draft::Draft;
use crate::dsl::handle::Handle;
use crate::dsl::isolation::Names;

component! {
    /// An S3 bucket: private, versioned, encrypted, TLS only.
    Bucket<K = Unkeyed, R = Free>, "bucket"
}

impl Bucket {
    /// A bucket.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<K, R> Bucket<K, R> {
    /// Sets what keeps tenants apart: [`super::TenantKey::object_prefix`].
    pub fn partition_by<T: BucketKey>(mut self, key: T) -> Bucket<Keyed, R> {
        self.draft.body.tenant_key = Some(key.key());
        Bucket::with_draft(self.draft)
    }

    /// Whether old versions of objects are kept; on by default.
    pub fn versioned(mut self, on: bool) -> Self {
        self.draft.body.versioned = on;
        self
    }

    /// Sets the days after which old versions are deleted; they are kept for ever by default.
    #[track_caller]
    pub fn expire_old_versions_days(mut self, days: u32) -> Self {
        let days = self.draft.within(&bounds::EXPIRE_DAYS, days, Location::caller());
        self.draft.body.expire_old_versions_days = Some(days);
        self
    }

    /// Sets the days in which nobody can delete an object.
    #[track_caller]
    pub fn lock_days(mut self, days: u32) -> Self {
        let days = self.draft.within(&bounds::LOCK_DAYS, days, Location::caller());
        self.draft.body.lock_days = Some(days);
        self
    }

    /// Sets the key the bucket is encrypted with; an S3 managed key by default.
    #[track_caller]
    pub fn encrypt_with<S>(mut self, key: Handle<Key, S>) -> Bucket<K, And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.encrypt_with = self.draft.mention(key.mark(), Location::caller());
        Bucket::with_draft(self.draft)
    }
}
