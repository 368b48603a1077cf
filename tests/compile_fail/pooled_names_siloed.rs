//! A shared function's environment cannot hold the name of one tenant's table.
use tenantry::prelude::*;

fn main() {
    let mut tier = Tier::bridge("premium");
    let table = tier.add(Table::new("Orders").siloed());
    tier.add(Function::new("Api", Code::asset("api.zip")).env("TABLE", table.name()).pooled());
}
