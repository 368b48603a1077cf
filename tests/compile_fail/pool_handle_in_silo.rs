//! A component of a silo tier cannot name one of a pool tier.
use tenantry::prelude::*;

fn main() {
    let mut pool = Tier::pool("basic");
    let key = pool.add(Key::new("Data"));
    let mut silo = Tier::silo("enterprise");
    silo.add(Table::new("Orders").encrypt_with(key));
}
