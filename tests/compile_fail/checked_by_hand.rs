//! Only a check makes `Checked`, the key to synthesis.
use tenantry::prelude::*;

fn main() {
    let mut orders = Blueprint::new("orders");
    orders.owner("team-orders").cost_center("cc-1001");
    let (model, _) = orders.lower();
    let tenants = tenantry::blueprint::TenantSet::Inline(Vec::new());
    let _ = tenantry::check::Checked { model: model.unwrap(), tenants };
}
