//! An ARN does not stand where a name belongs.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let table = tier.add(Table::new("Orders"));
    tier.add(Function::new("Api", Code::asset("api.zip")).env("TABLE", table.arn()));
}
