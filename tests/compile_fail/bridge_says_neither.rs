//! In a bridge tier each component says whether tenants share it.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::bridge("premium");
    tier.add(Table::new("Orders"));
}
