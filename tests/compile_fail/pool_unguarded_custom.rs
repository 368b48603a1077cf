//! Nothing says why a shared resource of any type keeps tenants apart.
use tenantry::prelude::*;

fn main() {
    let mut basic = Tier::pool("basic");
    basic.add(Custom::new("Settings", "AWS::AppConfig::Application"));
}
