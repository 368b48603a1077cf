//! A component of a pool tier cannot name one of a silo tier.
use tenantry::prelude::*;

fn main() {
    let mut silo = Tier::silo("enterprise");
    let api = silo.add(Function::new("Api", Code::asset("api.zip")));
    let mut pool = Tier::pool("basic");
    pool.add(HttpApi::new("Web").route("ANY /{proxy+}", api));
}
