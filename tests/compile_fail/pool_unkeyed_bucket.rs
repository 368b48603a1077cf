//! Nothing keeps the tenants of a shared bucket apart.
use tenantry::prelude::*;

fn main() {
    let mut basic = Tier::pool("basic");
    basic.add(Bucket::new("Files"));
}
