//! A bucket has no metrics worth an alarm.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let files = tier.add(Bucket::new("Files"));
    tier.add(Alarms::new("Watch").watch(files));
}
