//! What a bridge tier pools needs a tenant key like any pooled table.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::bridge("premium");
    tier.add(Table::new("Orders").pooled());
}
