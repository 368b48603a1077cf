//! Access is given to what holds data or messages, or runs.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let users = tier.add(UserPool::new("Users"));
    let api = tier.add(Function::new("Api", Code::asset("api.zip")));
    tier.allow(api, Access::Read, users);
}
