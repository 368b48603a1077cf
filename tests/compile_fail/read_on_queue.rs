//! A queue is sent to and received from.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let jobs = tier.add(Queue::new("Jobs"));
    let api = tier.add(Function::new("Api", Code::asset("api.zip")));
    tier.allow(api, Access::Read, jobs);
}
