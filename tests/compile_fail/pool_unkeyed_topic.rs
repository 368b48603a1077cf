//! Nothing says which tenant a message of a shared topic is for.
use tenantry::prelude::*;

fn main() {
    let mut basic = Tier::pool("basic");
    basic.add(Topic::new("News"));
}
