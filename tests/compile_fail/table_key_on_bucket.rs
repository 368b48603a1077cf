//! A bucket has objects, and objects have no attributes.
use tenantry::prelude::*;

fn main() {
    let _ = Bucket::new("Files").partition_by(TenantKey::attribute("tenant_id"));
}
