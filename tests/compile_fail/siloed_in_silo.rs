//! `.siloed()` and `.pooled()` are for bridge tiers; the others say it for all.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    tier.add(Table::new("Orders").siloed());
}
