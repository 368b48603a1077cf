//! A silo tier shares nothing.
use tenantry::prelude::*;

fn main() {
    let mut pool = Tier::pool("basic");
    let pooled = pool.add(Table::new("Orders").partition_by(TenantKey::attribute("tenant_id")));
    let mut silo = Tier::silo("enterprise");
    let api = silo.add(Function::new("Api", Code::asset("api.zip")));
    silo.allow(api, Access::Read, pooled);
}
