//! What a proof costs, beside the least that it can: reading the files it is about. `cargo bench -p tenantry-bench --bench
//! prove`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use tenantry::assembly::Assembly;
use tenantry::blueprint::{self, Spill};
use tenantry::check::check;
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::prove::prove;
use tenantry::prove::request::{Request, Tools};
use tenantry::prove::tenancy::Tenancy;
use tenantry::source::{Disk, World as _, read};
use tenantry::synth::{Destination, Inputs, Options, synth};

/// The files of a shipped blueprint's assembly that a proof reads.
fn request(name: &str, facts: &Facts) -> Request {
    let blueprints = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../blueprints");
    let world = Disk::new(&blueprints);
    let text = world.read(Path::new(&format!("{name}.yaml"))).unwrap();
    let mut findings = Sink::new();
    let tree = read(name, &text, &mut SourceMap::default(), &mut findings).unwrap();
    let model = blueprint::lower(&tree, &mut findings).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill { folder: folder.path(), budget: 1 << 24 };
    let checked = check(model, &world, facts, &spill, &mut findings).unwrap().unwrap();
    let inputs = Inputs { facts, world: &world, ledger: None, progress: &|_| {}, git_sync: None };
    let out = folder.path().join("assembly");
    let options = Options { prove: false, ..Options::default() };
    synth(&checked, &inputs, Destination::Folder(&out), &options, &mut findings).unwrap().unwrap();
    let assembly = Assembly::open(&out).unwrap();
    let declaration = assembly.file(Request::DECLARATION).unwrap();
    let tenancy: Tenancy = serde_json::from_slice(&declaration).unwrap();
    let mut files = BTreeMap::from([(Request::DECLARATION.to_owned(), declaration)]);
    for deployed in &tenancy.templates {
        for file in std::iter::once(deployed.template.as_str()).chain(deployed.guardrails.files()) {
            files.insert(file.to_owned(), assembly.file(file).unwrap());
        }
    }
    Request { tenancy, files }
}

/// The same with a policy of 200 statements about what nobody has, on the first role of the first template with one.
fn with_more(request: &Request) -> Request {
    let mut more = request.clone();
    for (name, bytes) in &mut more.files {
        let Ok(mut template) = serde_json::from_slice::<Value>(bytes) else { continue };
        let resources = template.get_mut("Resources").and_then(Value::as_object_mut);
        let role =
            resources.and_then(|all| all.values_mut().find(|one| one.get("Type") == Some(&json!("AWS::IAM::Role"))));
        let policies = role.and_then(|role| role.pointer_mut("/Properties/Policies")).and_then(Value::as_array_mut);
        if let Some(policies) = policies.filter(|_| name.starts_with("templates/")) {
            let statements: Vec<Value> = (0..200)
                .map(|at| {
                    let resource = format!("arn:aws:kinesis:eu-west-1:999999999999:stream/elsewhere-{at}");
                    json!({ "Effect": "Allow", "Action": "kinesis:DescribeStreamSummary", "Resource": resource })
                })
                .collect();
            let document = json!({ "Version": "2012-10-17", "Statement": statements });
            policies.push(json!({ "PolicyName": "more", "PolicyDocument": document }));
            *bytes = serde_json::to_vec(&template).unwrap();
            break;
        }
    }
    more
}

fn proofs(criterion: &mut Criterion) {
    let facts = Facts::shipped().unwrap();
    for name in ["serverless-saas", "regulated-cases", "full-silo", "w"] {
        let request = request(name, &facts);
        let more = with_more(&request);
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        group.bench_function("floor: read the files", |bencher| {
            bencher.iter(|| {
                request
                    .files
                    .values()
                    .filter_map(|bytes| serde_json::from_slice::<Value>(bytes).ok())
                    .map(black_box)
                    .count()
            });
        });
        let whole = |request: &Request| {
            let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
            prove(black_box(request), &mut Tools::default(), &facts, &mut sources, &mut sink).unwrap()
        };
        group.bench_function("prove", |bencher| bencher.iter(|| whole(&request)));
        group.bench_function("prove, 200 unrelated statements more", |bencher| bencher.iter(|| whole(&more)));
        group.finish();
    }
}

criterion_group!(benches, proofs);
criterion_main!(benches);
