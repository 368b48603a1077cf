//! A URL does not stand where an ARN belongs.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let jobs = tier.add(Queue::new("Jobs"));
    tier.add(Function::new("Api", Code::asset("api.zip")).env_arn("JOBS", jobs.url()));
}
