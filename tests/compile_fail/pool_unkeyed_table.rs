//! Nothing keeps the tenants of a shared table apart.
use tenantry::prelude::*;

fn main() {
    let mut basic = Tier::pool("basic");
    basic.add(Table::new("Orders"));
}
