//! A message has no partition key that could begin with a tenant's id.
use tenantry::prelude::*;

fn main() {
    let _ = Queue::new("Jobs").partition_by(TenantKey::prefix_of("pk"));
}
