//! A table takes no messages.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::silo("enterprise");
    let table = tier.add(Table::new("Orders"));
    let api = tier.add(Function::new("Api", Code::asset("api.zip")));
    tier.allow(api, Access::Send, table);
}
