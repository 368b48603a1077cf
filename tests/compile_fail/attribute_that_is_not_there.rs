//! A table has no URL.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let table = tier.add(Table::new("Orders"));
    let _ = table.url();
}
