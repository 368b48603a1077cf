//! What tenants share cannot choose one tenant's table.
use tenantry::prelude::*;

fn main() {
    let mut enterprise = Tier::silo("enterprise");
    let silo_table = enterprise.add(Table::new("Orders"));
    let mut pool = Tier::pool("basic");
    let api = pool.add(Function::new("Api", Code::asset("api.zip")));
    pool.allow(api, Access::Read, silo_table);
}
