//! Tenant keys: what keeps tenants apart in what they share.

use super::{
    Alarms, Bucket, Custom, Dashboard, EventBus, Function, HttpApi, Key, Network, Queue, RestApi, Table, Topic,
    UserPool,
};
use crate::dsl::isolation::Sealed;
use crate::model;

/// Nothing keeps tenants apart: it can only be siloed.
#[derive(Debug, Clone, Copy)]
pub enum Unkeyed {}

/// Something keeps tenants apart: it can be shared.
#[derive(Debug, Clone, Copy)]
pub enum Keyed {}

/// Of a topic: it carries alarms and no tenant's messages, so tenants need not be kept apart.
#[derive(Debug, Clone, Copy)]
pub enum AlarmsOnly {}

/// What keeps tenants apart in what they share.
#[derive(Debug, Clone, Copy)]
pub enum TenantKey {}

impl TenantKey {
    /// An attribute that holds the tenant's id: of a table's items, of messages, of events' details.
    pub fn attribute(name: impl Into<String>) -> AttributeKey {
        AttributeKey(name.into())
    }

    /// An attribute of a table's items that begins with the tenant's id and `#`.
    pub fn prefix_of(name: impl Into<String>) -> PrefixKey {
        PrefixKey(name.into())
    }

    /// The tenant's id is the first segment of the key of every object in a bucket.
    pub fn object_prefix() -> ObjectPrefix {
        ObjectPrefix(())
    }
}

/// See [`TenantKey::attribute`].
#[derive(Debug, Clone)]
#[must_use = "give it to `partition_by`"]
pub struct AttributeKey(String);

/// See [`TenantKey::prefix_of`].
#[derive(Debug, Clone)]
#[must_use = "give it to `partition_by`"]
pub struct PrefixKey(String);

/// See [`TenantKey::object_prefix`].
#[derive(Debug, Clone)]
#[must_use = "give it to `partition_by`"]
pub struct ObjectPrefix(());

impl Sealed for AttributeKey {}
impl Sealed for PrefixKey {}
impl Sealed for ObjectPrefix {}

/// What keeps tenants apart in a table.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tenants apart in a table",
    label = "not a key of tables",
    note = "write `TenantKey::attribute(\"tenant_id\")`, or `TenantKey::prefix_of(\"pk\")`"
)]
pub trait TableKey: Sealed {
    /// The model's key.
    fn key(self) -> model::TenantKey;
}

impl TableKey for AttributeKey {
    fn key(self) -> model::TenantKey {
        model::TenantKey::Attribute(self.0)
    }
}

impl TableKey for PrefixKey {
    fn key(self) -> model::TenantKey {
        model::TenantKey::PrefixOf(self.0)
    }
}

/// What keeps tenants apart in a bucket.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tenants apart in a bucket",
    label = "not a key of buckets",
    note = "write `TenantKey::object_prefix()`: the tenant's id becomes the first segment of every object's key"
)]
pub trait BucketKey: Sealed {
    /// The model's key.
    fn key(self) -> model::TenantKey;
}

impl BucketKey for ObjectPrefix {
    fn key(self) -> model::TenantKey {
        model::TenantKey::ObjectPrefix
    }
}

/// What keeps tenants apart in messages and events.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not keep tenants apart in messages",
    label = "not a key of queues, topics and event buses",
    note = "write `TenantKey::attribute(\"tenant_id\")`"
)]
pub trait MessageKey: Sealed {
    /// The model's key.
    fn key(self) -> model::TenantKey;
}

impl MessageKey for AttributeKey {
    fn key(self) -> model::TenantKey {
        model::TenantKey::Attribute(self.0)
    }
}

/// A component that tenants may share: it has a tenant key, or holds nothing of theirs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in a `Pool` tier: nothing keeps its tenants apart",
    label = "shared by every tenant of the tier",
    note = "a table, queue, topic or event bus takes `.partition_by(TenantKey::attribute(\"tenant_id\"))`, a bucket `.partition_by(TenantKey::object_prefix())`, a custom resource `.shared_because(\"…\")`; or make it siloed"
)]
pub trait KeepsTenantsApart: Sealed {}

impl<R> KeepsTenantsApart for Table<Keyed, R> {}
impl<R> KeepsTenantsApart for Bucket<Keyed, R> {}
impl<R> KeepsTenantsApart for Queue<Keyed, R> {}
impl<R> KeepsTenantsApart for Topic<Keyed, R> {}
impl<R> KeepsTenantsApart for Topic<AlarmsOnly, R> {}
impl<R> KeepsTenantsApart for Custom<Keyed, R> {}
impl KeepsTenantsApart for EventBus<Keyed> {}
impl<R> KeepsTenantsApart for Function<R> {}
impl<R> KeepsTenantsApart for HttpApi<R> {}
impl<R> KeepsTenantsApart for RestApi<R> {}
impl<R> KeepsTenantsApart for Alarms<R> {}
impl<R> KeepsTenantsApart for Dashboard<R> {}
impl KeepsTenantsApart for Key {}
impl KeepsTenantsApart for UserPool {}
impl KeepsTenantsApart for Network {}
