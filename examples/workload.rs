//! `blueprints/w.yaml` in Rust: the workload that speed is measured with, see `docs/performance.md`. Every tenant has one
//! stack of 33 resources.
//!
//! The tenants' file lies beside the blueprint in YAML, so this runs in its folder:
//! `cd blueprints && cargo run --example workload -- synth`

use std::process::ExitCode;

use tenantry::prelude::*;

const HANDLER: &str = "exports.handler = async () => ({ statusCode: 200 })";
const REGIONS: [&str; 2] = ["eu-central-1", "us-east-1"];

fn main() -> ExitCode {
    tenantry::cli::main(blueprint())
}

/// The whole workload: three tiers with the same components.
pub fn blueprint() -> Blueprint {
    let mut workload = Blueprint::new("workload");
    workload.environment("bench").owner("platform@example.com").cost_center("cc-100");
    workload.organization("o-w0rkl0ad01").organization_parent("r-w0rk");
    for (cell, region) in ["eu1", "us1"].into_iter().zip(REGIONS) {
        workload.cell(Cell::new(cell, region));
    }
    for name in ["bronze", "silver", "gold"] {
        workload.tier(product(name));
    }
    workload.tenants_from("w-tenants.jsonl");
    workload.acknowledge(
        "component/plaintext",
        "the workload has exactly 33 resources, and only alarms publish to the topic",
    );
    workload
}

/// A tier with the whole product in it.
fn product(name: &str) -> Tier<Silo> {
    let mut tier = Tier::silo(name);
    tier.guardrail(Guardrail::regions(REGIONS));

    // VPC, 2 subnets, route table, 2 associations, 2 gateway endpoints, security group.
    let net = tier.add(Network::new("Net"));
    // Key, alias.
    let data = tier.add(Key::new("Data"));
    // Bucket, bucket policy.
    let evidence = tier.add(Bucket::new("Evidence").encrypt_with(data));
    let records = tier.add(Table::new("Records").sort_key("version").encrypt_with(data));
    // Queue, dead-letter queue, queue policy.
    let jobs = tier.add(Queue::new("Jobs").encrypt_with(data));
    let bus = tier.add(EventBus::new("Bus"));
    // Log group, role, function.
    let handler = tier.add(
        Function::new("Handler", Code::inline(HANDLER))
            .network(net)
            .env("TABLE", records.name())
            .env("BUCKET", evidence.name())
            .env_url("QUEUE", jobs.url())
            .env("BUS", bus.name()),
    );
    // API, integration, route, stage, permission. A log group of its own would be one resource more.
    let api = tier.add(HttpApi::new("Api").access_logs(false).route("ANY /{proxy+}", handler));
    // A policy of its own would be one resource more.
    let alerts = tier.add(Topic::new("Alerts").encrypt_with(data).tls_only(false));
    // Three alarms.
    tier.add(Alarms::new("Watch").watch(handler).watch(jobs).watch(api).notify(alerts));
    tier.add(Dashboard::new("Overview").show(handler).show(jobs).show(records).show(api));
    // User pool, client.
    tier.add(UserPool::new("Users"));

    tier.allow(handler, Access::ReadWrite, records)
        .allow(handler, Access::Write, evidence)
        .allow(handler, Access::Send, jobs)
        .allow(handler, Access::Send, bus);
    tier
}
