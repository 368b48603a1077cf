//! `blueprints/regulated-cases.yaml` in Rust: case management for courts, clinics and insurers.
//!
//! The application is shared within a cell; every tenant's data is its own, under a key of its own, in a region its
//! regulator allows, and cannot be deleted while a legal hold stands.
//!
//! `cargo run --example regulated_cases -- synth`

use std::process::ExitCode;

use tenantry::prelude::*;

const API: &str = "exports.handler = async () => ({ statusCode: 200 });\n";
const WORKER: &str = "exports.handler = async () => ({ batchItemFailures: [] });\n";
const ORGANIZATION: &str = "o-c4a5e6b7d8";

fn main() -> ExitCode {
    tenantry::cli::main(blueprint())
}

/// The whole product.
pub fn blueprint() -> Blueprint {
    let mut cases = Blueprint::new("regulated-cases");
    cases.environment("prod").owner("case-platform").cost_center("cc-9000");
    // Lower-case letters and digits only, always twelve: no id is the beginning of another.
    cases.ids("^[a-z0-9]{12}$");
    cases.organization(ORGANIZATION).organization_parent("ou-zz99-cases0001");
    cases.exempt(Exempt::Audit, ["ComplianceAuditor"]).exempt(Exempt::BreakGlass, ["BreakGlassAdministrator"]);

    cases
        .cell(cell("de-1", "eu-central-1", "310000000001").compliance(["gdpr", "c5"]))
        .cell(cell("ie-1", "eu-west-1", "310000000002").compliance(["gdpr"]))
        .cell(cell("us-1", "us-east-1", "310000000003").compliance(["hipaa"]));
    // One clinic group has a cell to itself.
    cases.cell(
        cell("us-clinics", "us-east-1", "310000000004")
            .capacity(1)
            .compliance(["hipaa", "hitrust"])
            .reserved_for(["clinics00001"]),
    );

    cases
        .guardrail(Guardrail::regions(["eu-central-1", "eu-west-1", "us-east-1"]))
        .guardrail(Guardrail::deny_leave_organization())
        .guardrail(Guardrail::deny_root())
        .guardrail(Guardrail::deny_iam_users())
        .guardrail(Guardrail::deny_public_sharing())
        .guardrail(Guardrail::protect_audit().log_archives(["regulated-cases-audit-*"]))
        .guardrail(Guardrail::protect_tags(["TenantId", "Tier", "Cell", "Owner"]).required(["TenantId"]))
        .guardrail(Guardrail::legal_hold())
        .guardrail(Guardrail::data_perimeter(ORGANIZATION))
        .guardrail(Guardrail::suspended());

    let (regulated, evidence) = regulated();
    let regulated = cases.tier(regulated);

    cases
        .tenant("court0000001", regulated)
        .name("Amtsgericht Beispiel")
        .residency(["eu-central-1"])
        .compliance(["gdpr", "c5"]);
    cases
        .tenant("court0000002", regulated)
        .name("Tribunal Example")
        .residency(["eu-central-1", "eu-west-1"])
        .compliance(["gdpr"]);
    cases.tenant("insurer00001", regulated).name("Mutual Insurers").residency(["eu-west-1"]).compliance(["gdpr"]);
    cases.tenant("clinics00001", regulated).name("Clinic Group").compliance(["hipaa", "hitrust"]);
    cases.tenant("clinic000002", regulated).name("Lakeside Clinic").residency(["us-east-1"]).compliance(["hipaa"]);
    cases
        .tenant("firm00000001", regulated)
        .name("Law Firm on Hold")
        .residency(["eu-west-1"])
        .state(State::Suspended)
        .legal_hold(true)
        // Evidence of a long case: ten years.
        .override_component(evidence, |evidence| evidence.lock_days(3650));
    cases
}

/// Cells are alike, but for where they are and what they comply with.
fn cell(name: &str, region: &str, account: &str) -> Cell {
    Cell::new(name, region).account(account).capacity(100)
}

/// The tier, and the bucket that one tenant has different.
fn regulated() -> (Tier<Bridge>, Handle<Bucket, Silo>) {
    let mut tier = Tier::bridge("regulated").placement(Strategy::Compliance);

    // `.siloed()`: each tenant has one to itself. `.pooled()`: tenants share one.
    let case_key = tier.add(Key::new("CaseKey").pending_window_days(30).siloed());
    let cases = tier.add(
        Table::new("Cases")
            .partition_key("caseId")
            .sort_key("version")
            .partition_by(TenantKey::prefix_of("caseId"))
            .encrypt_with(case_key)
            .siloed(),
    );
    let evidence = tier.add(
        Bucket::new("Evidence")
            .partition_by(TenantKey::object_prefix())
            .encrypt_with(case_key)
            .lock_days(2555)
            .siloed(),
    );
    let users = tier.add(UserPool::new("Users").mfa(Mfa::Required).password_length(14).pooled());
    let exports =
        tier.add(Bucket::new("Exports").partition_by(TenantKey::object_prefix()).expire_old_versions_days(30).pooled());
    let directory = tier
        .add(Table::new("Directory").partition_by(TenantKey::attribute("tenant_id")).index("byName", "name").pooled());
    let intake = tier.add(
        Queue::new("Intake").partition_by(TenantKey::attribute("tenant_id")).visibility_timeout_seconds(180).pooled(),
    );
    let events = tier
        .add(EventBus::new("CaseEvents").partition_by(TenantKey::attribute("tenant_id")).archive_days(365).pooled());
    let platform_key = tier.add(Key::new("PlatformKey").pooled());
    let alerts = tier.add(Topic::for_alarms("Alerts").encrypt_with(platform_key).pooled());
    let case_api = tier.add(
        Function::new("CaseApi", Code::inline(API))
            .memory_mib(512)
            .env("DIRECTORY", directory.name())
            .env_url("INTAKE", intake.url())
            .env("EVENTS", events.name())
            .log_retention_days(365)
            .pooled(),
    );
    let intake_worker = tier.add(
        Function::new("IntakeWorker", Code::inline(WORKER))
            .timeout_seconds(30)
            .consumes(intake)
            .log_retention_days(365)
            .pooled(),
    );
    let front = tier.add(
        HttpApi::new("Front")
            .authorizer(users)
            .route("GET /cases/{id}", case_api)
            .route("POST /cases", case_api)
            .pooled(),
    );
    // The id in its name is that of the tenant whose stack it is in.
    tier.add(
        Custom::new("Settings", "AWS::AppConfig::Application")
            .property_sub("Name", "cases-${TenantId}")
            .property("Description", "settings of one tenant")
            .siloed(),
    );
    tier.add(
        Alarms::new("Alarms").watch(case_api).watch(intake_worker).watch(intake).watch(front).notify(alerts).pooled(),
    );
    tier.add(
        Dashboard::new("Overview").show(front).show(case_api).show(intake_worker).show(intake).show(directory).pooled(),
    );

    // Where the target is a tenant's own, a shared function reaches it in the name of that tenant alone.
    tier.allow(case_api, Access::ReadWrite, cases)
        .allow(case_api, Access::ReadWrite, evidence)
        .allow(case_api, Access::Read, directory)
        .allow(case_api, Access::Write, exports)
        .allow(case_api, Access::Send, intake)
        .allow(case_api, Access::Send, events)
        .allow(intake_worker, Access::ReadWrite, cases);
    (tier, evidence)
}
