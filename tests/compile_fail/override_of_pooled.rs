//! One tenant cannot change what all of them share.
use tenantry::prelude::*;

fn main() {
    let mut orders = Blueprint::new("orders");
    let mut tier = Tier::pool("basic");
    let table = tier.add(Table::new("Orders").partition_by(TenantKey::attribute("tenant_id")));
    let basic = orders.tier(tier);
    orders.tenant("acme", basic).override_component(table, |table: Table| table.stream(true));
}
