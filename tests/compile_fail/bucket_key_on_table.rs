//! A table has items, and items have no first segment.
use tenantry::prelude::*;

fn main() {
    let _ = Table::new("Orders").partition_by(TenantKey::object_prefix());
}
