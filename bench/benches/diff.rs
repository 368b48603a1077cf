//! Two assemblies of 100,000 tenants compared, beside the reading of both: `cargo bench -p tenantry-bench --bench diff`.
//!
//! The floor reads both tenants' files line by line and looks at nothing. The bar is that one tenant that differs costs no
//! more than that.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use tenantry::assembly::{
    Assembly, Boundary, CellRecord, Digest, Draft, Evidence, Format, Isolation, Manifest, Mode, Placement, Scope,
    StackRecord, State, TENANCY, TENANTS, TemplateRecord, TenancyRecord, TenantRecord, TenantsRecord, TierPolicies,
    TierRecord, Verdict,
};
use tenantry::diff::{Options, compare};

const TENANTS_COUNT: usize = 100_000;
const TEMPLATE: &str = "templates/basic.template.json";
const PATTERN: &str = "^[a-z0-9][a-z0-9-]{1,30}$";

fn record(number: usize, sha256: Digest, owner: &str) -> TenantRecord<'static> {
    let id = format!("tenant-{number:06}");
    let tags: BTreeMap<_, _> =
        [("TenantId", id.as_str()), ("Tier", "basic"), ("Owner", owner), ("Environment", "prod")]
            .into_iter()
            .map(|(key, value)| (key.to_owned().into(), value.to_owned().into()))
            .collect();
    TenantRecord {
        tenant: id.clone().into(),
        name: Some(format!("Customer {number}").into()),
        tier: "basic".into(),
        isolation: Isolation::Silo,
        state: State::Active,
        cell: "eu-1".into(),
        account: Some("123456789012".into()),
        region: "eu-west-1".into(),
        placement: Placement { strategy: "capacity".into(), reason: "most room".into() },
        label: id.clone().into(),
        digest: format!("{number:012}").into(),
        stacks: vec![StackRecord {
            name: format!("orders-basic-{id}").into(),
            template: TEMPLATE.into(),
            sha256,
            account: Some("123456789012".into()),
            region: "eu-west-1".into(),
            parameters: BTreeMap::from([
                ("TenantId".into(), id.into()),
                ("Cell".into(), "eu-1".into()),
                ("Owner".into(), owner.to_owned().into()),
            ]),
            tags: tags.clone(),
            depends_on: Vec::new(),
        }],
        shared_stacks: Vec::new(),
        tags,
        residency: Vec::new(),
        entitlements: BTreeMap::new(),
        legal_hold: false,
    }
}

/// An assembly in which so many of the last tenants have another owner.
fn write(folder: &Path, template: &str, others: usize) -> Assembly {
    let draft = Draft::begin(folder, Mode::Write).unwrap();
    let sha256 = draft.put(TEMPLATE, template.as_bytes()).unwrap();
    let declaration = format!(
        r#"{{"tenancy":1,"ids":{{"pattern":"{PATTERN}"}},"templates":[{{"template":"{TEMPLATE}","scope":"tenant"}}]}}"#
    );
    let tenancy = draft.put(TENANCY, declaration.as_bytes()).unwrap();
    let mut file = draft.stream(TENANTS).unwrap();
    for number in 0..TENANTS_COUNT {
        let owner = if number + others >= TENANTS_COUNT { "somebody else" } else { "orders" };
        record(number, sha256, owner).write_line(&mut file).unwrap();
    }
    file.flush().unwrap();
    let tenants = file.finish().unwrap();
    let count = TENANTS_COUNT as u64;
    draft
        .finish(Manifest {
            format: Format,
            blueprint: "orders".to_owned(),
            environment: "prod".to_owned(),
            id_pattern: PATTERN.to_owned(),
            expanded: false,
            tiers: vec![TierRecord {
                tier: "basic".to_owned(),
                isolation: Isolation::Silo,
                boundary: Boundary::Resource,
                tenants: count,
                cell_template: None,
                tenant_template: Some(TEMPLATE.to_owned()),
                policies: TierPolicies::default(),
            }],
            cells: vec![CellRecord {
                cell: "eu-1".to_owned(),
                region: "eu-west-1".to_owned(),
                account: Some("123456789012".to_owned()),
                tenants: count,
                capacity: None,
                stacks: Vec::new(),
            }],
            templates: vec![TemplateRecord {
                path: TEMPLATE.to_owned(),
                sha256,
                tier: "basic".to_owned(),
                scope: Scope::Tenant,
                variant: None,
                parameters: ["TenantId", "Cell", "Owner"].map(str::to_owned).to_vec(),
                resources: 1,
                bytes: template.len() as u64,
            }],
            tenants: TenantsRecord { path: TENANTS.to_owned(), count, sha256: tenants },
            tenancy: TenancyRecord { path: TENANCY.to_owned(), sha256: tenancy },
            evidence: Evidence { verdict: Verdict::NotProved, path: None },
            facts: Vec::new(),
            files: Vec::new(),
        })
        .unwrap();
    Assembly::open(folder).unwrap()
}

fn template(read_units: u32) -> String {
    format!(
        r#"{{"Parameters":{{"TenantId":{{"Type":"String"}},"Cell":{{"Type":"String"}},"Owner":{{"Type":"String"}}}},
"Resources":{{"Orders":{{"Type":"AWS::DynamoDB::Table","DeletionPolicy":"Retain","UpdateReplacePolicy":"Retain","Properties":{{
"TableName":{{"Fn::Sub":"orders-${{TenantId}}"}},"KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}}],
"OnDemandThroughput":{{"MaxReadRequestUnits":{read_units}}},"Tags":[{{"Key":"Owner","Value":{{"Ref":"Owner"}}}}]}}}}}}}}"#
    )
}

/// Reads every line of both, and looks at none.
fn floor(one: &Assembly, other: &Assembly) -> usize {
    let mut bytes = 0;
    for assembly in [one, other] {
        let file = File::open(assembly.root().join(&assembly.manifest().tenants.path)).unwrap();
        let (mut reader, mut line) = (BufReader::with_capacity(64 * 1024, file), Vec::new());
        while reader.read_until(b'\n', &mut line).unwrap() > 0 {
            bytes += line.len();
            line.clear();
        }
    }
    bytes
}

fn compared(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let old = write(&folder.path().join("old"), &template(10), 0);
    let one = write(&folder.path().join("one"), &template(10), 1);
    let all = write(&folder.path().join("all"), &template(20), 0);
    let mut group = criterion.benchmark_group("diff of 100,000 tenants");
    group.sample_size(10);
    group.bench_function("floor: both are read", |bencher| bencher.iter(|| black_box(floor(&old, &one))));
    group.bench_function("nothing differs", |bencher| {
        bencher.iter(|| assert!(compare(&old, &old, Options::default()).unwrap().is_empty()));
    });
    group.bench_function("one tenant differs", |bencher| {
        bencher.iter(|| {
            let diff = compare(&old, &one, Options::default()).unwrap();
            assert_eq!(diff.groups.iter().map(|group| group.stacks.len()).sum::<usize>(), 1);
        });
    });
    group.bench_function("all tenants differ", |bencher| {
        bencher.iter(|| {
            let diff = compare(&old, &all, Options::default()).unwrap();
            let sizes: Vec<usize> = diff.groups.iter().map(|group| group.stacks.len()).collect();
            assert_eq!(sizes, [TENANTS_COUNT]);
        });
    });
    group.finish();
}

criterion_group!(benches, compared);
criterion_main!(benches);
