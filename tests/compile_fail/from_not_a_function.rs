//! A table runs no code.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let table = tier.add(Table::new("Orders"));
    let archive = tier.add(Table::new("Archive"));
    tier.allow(table, Access::Read, archive);
}
