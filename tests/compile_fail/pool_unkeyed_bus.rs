//! Nothing says which tenant an event of a shared bus is for.
use tenantry::prelude::*;

fn main() {
    let mut basic = Tier::pool("basic");
    basic.add(EventBus::new("Events"));
}
