//! Keys and policies separate the tenants of a pool tier, not accounts.
use tenantry::prelude::*;

fn main() {
    let _ = Tier::pool("basic").boundary(Boundary::Account);
}
