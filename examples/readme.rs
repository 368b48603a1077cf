//! The blueprint of the README.

use std::process::ExitCode;

use tenantry::prelude::*;

const HANDLER: &str = "exports.handler = async () => ({ statusCode: 204 });";

fn main() -> ExitCode {
    let mut orders = Blueprint::new("orders");
    orders.owner("platform-team").cost_center("cc-100");
    orders.cell(Cell::new("eu-1", "eu-west-1").account("111111111111").capacity(500));
    orders.guardrail(Guardrail::regions(["eu-west-1"]));
    orders.guardrail(Guardrail::deny_leave_organization());

    let mut basic = Tier::pool("basic");
    let table = basic.add(Table::new("Orders").partition_by(TenantKey::attribute("tenant_id")));
    let api = basic.add(Function::new("Api", Code::inline(HANDLER)).env("TABLE", table.name()));
    basic.allow(api, Access::Read, table);
    let basic = orders.tier(basic);

    let mut enterprise = Tier::silo("enterprise").boundary(Boundary::Account);
    let table = enterprise.add(Table::new("Orders").partition_by(TenantKey::attribute("tenant_id")));
    let api = enterprise.add(Function::new("Api", Code::inline(HANDLER)).env("TABLE", table.name()));
    enterprise.allow(api, Access::Read, table);
    let enterprise = orders.tier(enterprise);

    orders.tenant("globex", basic).name("Globex");
    orders.tenant("acme", enterprise).name("Acme Inc.").account("222222222222");
    tenantry::cli::main(orders)
}
