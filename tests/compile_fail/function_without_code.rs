//! A function without code is no function.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    tier.add(Function::new("Api"));
}
