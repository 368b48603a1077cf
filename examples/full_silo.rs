//! `blueprints/full-silo.yaml` in Rust: one account for every tenant, with the complete application in it, on services that
//! cost next to nothing when idle.
//!
//! The tenants' file lies beside the blueprint in YAML, so this runs in its folder:
//! `cd blueprints && cargo run --example full_silo -- synth`

use std::process::ExitCode;

use tenantry::prelude::*;

const API: &str = "exports.handler = async () => ({ statusCode: 200 });\n";
const WORKER: &str = "exports.handler = async () => ({ batchItemFailures: [] });\n";
const REGIONS: [&str; 3] = ["eu-west-1", "eu-central-1", "us-east-1"];

fn main() -> ExitCode {
    tenantry::cli::main(blueprint())
}

/// The whole product.
pub fn blueprint() -> Blueprint {
    let mut fleet = Blueprint::new("full-silo");
    fleet.environment("prod").owner("fleet-team").cost_center("cc-2000");
    fleet.organization("o-f1e2d3c4b5").organization_parent("ou-ab12-cd34ef56");

    // The accounts are the tenants'; a cell is a region with a bound on what one wave of a rollout may break.
    for (cell, region) in ["eu-a", "eu-b", "us-a"].into_iter().zip(REGIONS) {
        fleet.cell(Cell::new(cell, region).capacity(800));
    }

    fleet
        .guardrail(Guardrail::regions(REGIONS))
        .guardrail(Guardrail::services("serverless_only"))
        .guardrail(Guardrail::deny_leave_organization())
        .guardrail(Guardrail::deny_root())
        .guardrail(Guardrail::deny_iam_users())
        .guardrail(Guardrail::deny_public_sharing())
        .guardrail(Guardrail::protect_audit())
        .guardrail(Guardrail::suspended());

    fleet.tier(tenant());
    fleet.tenants_from("full-silo-tenants.jsonl");
    fleet
}

/// The only tier there is.
fn tenant() -> Tier<Silo> {
    let mut tier = Tier::silo("tenant").boundary(Boundary::Account).placement(Strategy::Capacity);
    let data = tier.add(Key::new("Data"));
    let users = tier.add(UserPool::new("Users").mfa(Mfa::Required));
    let records = tier.add(Table::new("Records").partition_key("id").encrypt_with(data).time_to_live("expires"));
    let files = tier.add(Bucket::new("Files").encrypt_with(data).expire_old_versions_days(90));
    let jobs = tier.add(Queue::new("Jobs").encrypt_with(data).visibility_timeout_seconds(360));
    let events = tier.add(EventBus::new("Events").archive_days(7));
    let alerts = tier.add(Topic::new("Alerts").encrypt_with(data));
    let api = tier.add(
        Function::new("Api", Code::inline(API))
            .env("RECORDS", records.name())
            .env("FILES", files.name())
            .env_url("JOBS", jobs.url())
            .env("EVENTS", events.name()),
    );
    let worker = tier.add(
        Function::new("Worker", Code::inline(WORKER))
            .timeout_seconds(60)
            .memory_mib(1024)
            .consumes(jobs)
            .env("RECORDS", records.name()),
    );
    let front = tier.add(HttpApi::new("Front").authorizer(users).route("ANY /{proxy+}", api));
    tier.add(Alarms::new("Alarms").watch(api).watch(worker).watch(jobs).watch(front).notify(alerts));

    tier.allow(api, Access::ReadWrite, records)
        .allow(api, Access::ReadWrite, files)
        .allow(api, Access::Send, jobs)
        .allow(api, Access::Send, events)
        .allow(worker, Access::ReadWrite, records);
    tier
}
