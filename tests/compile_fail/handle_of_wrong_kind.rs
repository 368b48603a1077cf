//! Data is encrypted with a key.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let table = tier.add(Table::new("Orders"));
    tier.add(Bucket::new("Files").encrypt_with(table));
}
