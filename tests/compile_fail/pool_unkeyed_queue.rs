//! Nothing says which tenant a message of a shared queue is for.
use tenantry::prelude::*;

fn main() {
    let mut basic = Tier::pool("basic");
    basic.add(Queue::new("Jobs"));
}
