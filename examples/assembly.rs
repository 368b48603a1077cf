//! Writes an assembly of made-up tenants and says how long that took.
//!
//! `cargo run --release --example assembly -- FOLDER TENANTS FILES CHANGED [check]`: so many tenants with a stack
//! each, so many files of 22 KB besides, and so many of either that differ from what a run without changes writes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use tenantry::assembly::{
    Assembly, Boundary, CDK_MANIFEST, CdkStack, CdkWriter, CellRecord, Digest, Draft, Evidence, Fact, Format,
    Isolation, Manifest, Mode, Outcome, Placement, Scope, StackRecord, State, TENANCY, TENANTS, TemplateRecord,
    TenancyRecord, TenantRecord, TenantsRecord, TierPolicies, TierRecord, Verdict, verify,
};

const SILO: &str = "templates/enterprise.template.json";
const CELL: &str = "templates/enterprise-cell.template.json";
const IDS: &str = "^t-[0-9]{6}$";
const CELLS: usize = 4;
const TOPIC: &str = r#"{"Parameters":{"TenantId":{"Type":"String"},"Color":{"Type":"String","Default":"blue"}},"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"DisplayName":{"Ref":"TenantId"}}}}}
"#;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().map_or("target/assembly", String::as_str);
    let number = |at: usize, default: usize| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (tenants, files, changed) = (number(1, 10), number(2, 0), number(3, 0));
    let mode = if arguments.iter().any(|argument| argument == "check") { Mode::Check } else { Mode::Write };

    let mut out = io::stdout().lock();
    let began = Instant::now();
    let outcome = write(Path::new(folder), mode, tenants, files, changed)?;
    let took = began.elapsed();
    let Outcome { changed, unchanged, bytes, written, .. } = outcome;
    let (changed, took) = (changed.len(), took.as_secs_f64());
    writeln!(out, "{took:.3} s: {changed} changed, {unchanged} unchanged; {written} of {bytes} bytes written")?;
    if mode == Mode::Write {
        let began = Instant::now();
        let findings = verify(Path::new(folder));
        writeln!(out, "{:.3} s to verify: {} findings", began.elapsed().as_secs_f64(), findings.len())?;
        let assembly = Assembly::open(Path::new(folder))?;
        let began = Instant::now();
        let read = assembly.tenants()?.filter(Result::is_ok).count();
        writeln!(out, "{:.3} s to read {read} records", began.elapsed().as_secs_f64())?;
        let began = Instant::now();
        let (mut ledger, mut entries) = (assembly.ledger()?, 0);
        while let Some(entry) = ledger.next()? {
            entries += usize::from(!entry.cell.is_empty());
        }
        writeln!(out, "{:.3} s to read the ledger of {entries}", began.elapsed().as_secs_f64())?;
    }
    Ok(())
}

fn write(folder: &Path, mode: Mode, tenants: usize, files: usize, changed: usize) -> anyhow::Result<Outcome> {
    let draft = Draft::begin(folder, mode)?;
    let silo = draft.put(SILO, TOPIC.as_bytes())?;
    let cell = draft.put(CELL, b"{\"Resources\":{\"Topic\":{\"Type\":\"AWS::SNS::Topic\"}}}\n")?;
    let declaration = format!(
        r#"{{"tenancy":1,"ids":{{"pattern":"{IDS}"}},"templates":[{{"template":"{CELL}","scope":"shared"}},{{"template":"{SILO}","scope":"tenant"}}]}}"#
    );
    let tenancy = draft.put(TENANCY, format!("{declaration}\n").as_bytes())?;
    for number in 0..files {
        let mut content = format!("{number:08}").repeat(2750);
        if number < changed {
            content.push('!');
        }
        draft.put(&format!("templates/t-{number:06}.json"), content.as_bytes())?;
    }
    let cells: Vec<CellRecord> = (0..CELLS).map(|number| cell_record(number, cell, tenants)).collect();
    let mut records = draft.stream(TENANTS)?;
    let mut cdk = CdkWriter::new(draft.stream(CDK_MANIFEST)?)?;
    for stack in cells.iter().flat_map(|cell| &cell.stacks) {
        let display = format!("cells/{}", stack.name);
        cdk.stack(&CdkStack {
            record: stack,
            display_name: Some(&display),
            termination_protection: true,
            dependencies: &[],
        })?;
    }
    for number in 0..tenants {
        let id = format!("t-{number:06}");
        let shared = format!("orders-cell-{}", number % CELLS);
        let color = if number < changed { "red" } else { "green" };
        let record = tenant_record(number, &id, &shared, color, silo);
        record.write_line(&mut records)?;
        for stack in &record.stacks {
            let display = format!("tenants/{id}");
            cdk.stack(&CdkStack {
                record: stack,
                display_name: Some(&display),
                termination_protection: false,
                dependencies: &[&shared],
            })?;
        }
    }
    cdk.finish()?.finish()?;
    let sha256 = records.finish()?;
    let template = |path: &str, sha256, scope, parameters: &[&str]| TemplateRecord {
        path: path.to_owned(),
        sha256,
        tier: "enterprise".to_owned(),
        scope,
        variant: None,
        parameters: parameters.iter().map(|name| (*name).to_owned()).collect(),
        resources: 1,
        bytes: 100,
    };
    let manifest = Manifest {
        format: Format,
        blueprint: "orders".to_owned(),
        environment: "prod".to_owned(),
        id_pattern: IDS.to_owned(),
        expanded: false,
        tiers: vec![TierRecord {
            tier: "enterprise".to_owned(),
            isolation: Isolation::Silo,
            boundary: Boundary::Account,
            tenants: tenants as u64,
            cell_template: Some(CELL.to_owned()),
            tenant_template: Some(SILO.to_owned()),
            policies: TierPolicies::default(),
        }],
        cells,
        templates: vec![
            template(SILO, silo, Scope::Tenant, &["TenantId", "Color"]),
            template(CELL, cell, Scope::Cell, &[]),
        ],
        tenants: TenantsRecord { path: TENANTS.to_owned(), count: tenants as u64, sha256 },
        tenancy: TenancyRecord { path: TENANCY.to_owned(), sha256: tenancy },
        evidence: Evidence { verdict: Verdict::NotProved, path: None },
        facts: vec![Fact { name: "limits".to_owned(), date: "2026-10-01".to_owned() }],
        files: Vec::new(),
    };
    Ok(draft.finish(manifest)?)
}

fn cell_record(number: usize, sha256: Digest, tenants: usize) -> CellRecord {
    CellRecord {
        cell: format!("cell-{number}"),
        region: "eu-west-1".to_owned(),
        account: Some("123456789012".to_owned()),
        tenants: ((tenants + CELLS - 1 - number) / CELLS) as u64,
        capacity: None,
        stacks: vec![StackRecord {
            name: format!("orders-cell-{number}").into(),
            template: CELL.into(),
            sha256,
            account: Some("123456789012".into()),
            region: "eu-west-1".into(),
            parameters: [].into(),
            tags: [("tenantry:cell".into(), format!("cell-{number}").into())].into(),
            depends_on: Vec::new(),
        }],
    }
}

fn tenant_record<'a>(number: usize, id: &'a str, shared: &'a str, color: &'a str, sha256: Digest) -> TenantRecord<'a> {
    // Every other tenant waits for its account.
    let account = number.is_multiple_of(2).then_some("210987654321");
    TenantRecord {
        tenant: id.into(),
        name: None,
        tier: "enterprise".into(),
        isolation: Isolation::Silo,
        state: State::Active,
        cell: format!("cell-{}", number % CELLS).into(),
        account: account.map(Into::into),
        region: "eu-west-1".into(),
        placement: Placement { strategy: "least-tenants".into(), reason: "it has the fewest tenants".into() },
        label: id.into(),
        digest: "0a1b2c3d".into(),
        stacks: vec![StackRecord {
            name: format!("orders-{id}").into(),
            template: SILO.into(),
            sha256,
            account: account.map(Into::into),
            region: "eu-west-1".into(),
            parameters: [("TenantId".into(), id.into()), ("Color".into(), color.into())].into(),
            tags: [("tenantry:tenant".into(), id.into()), ("tenantry:tier".into(), "enterprise".into())].into(),
            depends_on: vec![shared.into()],
        }],
        shared_stacks: vec![shared.into()],
        tags: [("tenantry:tenant".into(), id.into())].into(),
        residency: Vec::new(),
        entitlements: BTreeMap::new(),
        legal_hold: false,
    }
}
