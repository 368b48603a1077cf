//! A product with three offers, described in Rust. This is what `src/main.rs` of a product's own blueprint looks like.
//!
//! `cargo run --example orders -- synth` does what `tenantry synth` does for a blueprint in YAML, and so do the other
//! commands.

use std::process::ExitCode;

use tenantry::prelude::*;

const HANDLER: &str = "exports.handler = async () => ({ statusCode: 204 });\n";

fn main() -> ExitCode {
    tenantry::cli::main(orders())
}

fn orders() -> Blueprint {
    let mut orders = Blueprint::new("orders");
    orders.environment("prod").owner("team-orders").cost_center("cc-1001").organization("o-ab12cd34ef");

    orders
        .guardrail(Guardrail::regions(["eu-west-1", "eu-central-1"]))
        .guardrail(Guardrail::deny_leave_organization())
        .guardrail(Guardrail::deny_root())
        .guardrail(Guardrail::protect_audit())
        .exempt(Exempt::BreakGlass, ["orders-break-glass"]);

    let enterprise = orders.tier(enterprise());
    let basic = orders.tier(basic());
    let (premium, archive) = premium();
    let premium = orders.tier(premium);

    orders
        .cell(Cell::new("eu-1", "eu-west-1").account("222222222222").capacity(300).tiers([basic, premium]))
        .cell(Cell::new("eu-2", "eu-central-1").account("333333333333").capacity(300).tiers([basic, premium]))
        .cell(Cell::new("eu-own", "eu-west-1").tiers([enterprise]));

    orders.tenant("acme", enterprise).name("Acme Corporation").account("111111111111");
    orders.tenant("globex", basic).residency(["eu-west-1"]);
    orders.tenant("initech", basic).state(State::Suspended);
    orders.tenant("umbrella", premium).override_component(archive, |archive| archive.lock_days(3_650));
    orders
}

/// The code of a function. A component that several tiers have is made by a function of its own, such as this one.
fn api(name: &str) -> Function {
    Function::new(name, Code::inline(HANDLER)).memory_mib(512).timeout_seconds(20).env_text("STAGE", "prod")
}

/// Each tenant has an account of its own, and everything in it.
fn enterprise() -> Tier<Silo> {
    let mut tier = Tier::silo("enterprise").boundary(Boundary::Account);
    tier.guardrail(Guardrail::services("serverless_only"));
    let key = tier.add(Key::new("Data"));
    let table = tier.add(Table::new("Orders").encrypt_with(key));
    let users = tier.add(UserPool::new("Users").mfa(Mfa::Required));
    let api = tier.add(api("Api").env("TABLE", table.name()).env_id("CLIENT", users.client_id()));
    tier.add(HttpApi::new("Web").route("ANY /{proxy+}", api).authorizer(users));
    tier.allow(api, Access::ReadWrite, table).allow(api, Access::Use, key);
    tier
}

/// Tenants share everything. What holds their data says what keeps them apart in it.
fn basic() -> Tier<Pool> {
    let mut tier = Tier::pool("basic").placement(Strategy::Capacity);
    let table = tier.add(Table::new("Orders").partition_by(TenantKey::attribute("tenant_id")));
    let files = tier.add(Bucket::new("Files").partition_by(TenantKey::object_prefix()));
    let jobs = tier.add(Queue::new("Jobs").partition_by(TenantKey::attribute("tenant_id")));
    let api = tier.add(
        api("Api")
            .env("TABLE", table.name())
            .env_url("JOBS", jobs.url())
            .env_phrase("INBOX", Phrase::text("s3://").then(files.name())),
    );
    tier.add(RestApi::new("Web").route("ANY /{proxy+}", api).throttle(10, 20).access_logs(false));
    tier.allow(api, Access::ReadWrite, table) // narrowed to the tenant of the request
        .allow(api, Access::Read, files)
        .allow(api, Access::Send, jobs);
    tier
}

/// Tenants share the API, and each has a table and an archive of its own.
fn premium() -> (Tier<Bridge>, Handle<Bucket, Silo>) {
    let mut tier = Tier::bridge("premium");
    let table = tier.add(Table::new("Orders").siloed());
    let archive = tier.add(Bucket::new("Archive").lock_days(365).siloed());
    let api = tier.add(api("Api").pooled());
    tier.add(HttpApi::new("Web").route("ANY /{proxy+}", api).pooled());
    // `api` cannot hold a table's name, for there are as many tables as tenants: it finds the tenant's own by taking
    // the tenant's role, and that is what this gives access to.
    tier.allow(api, Access::ReadWrite, table).allow(api, Access::Read, archive);
    (tier, archive)
}
