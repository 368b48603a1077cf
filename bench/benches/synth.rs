//! The floor beside the stages of tenantry, in one process: `cargo bench -p tenantry-bench`.
//!
//! Whole processes are measured by `tools/measure.py`; here the question is where the time goes.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tenantry::blueprint::{self, Spill};
use tenantry::cfn::schema::Validator;
use tenantry::check::{Checked, check};
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::emit::{self, Expander, Template};
use tenantry::facts::Facts;
use tenantry::ir::StackGraph;
use tenantry::model::{Model, Parameter, naming};
use tenantry::passes::{retention, tagging, validate};
use tenantry::render;
use tenantry::source::{Memory, Node, read};
use tenantry::synth::{Destination, Inputs, Options, synth};
use tenantry_bench::Names;

const BLUEPRINT: &[u8] = include_bytes!("../../blueprints/w.yaml");
/// How many templates are written in one go.
const BATCH: usize = 100;

fn tree() -> Node {
    read("w.yaml", BLUEPRINT, &mut SourceMap::default(), &mut Sink::new()).unwrap()
}

fn model() -> Model {
    blueprint::lower(&tree(), &mut Sink::new()).unwrap()
}

/// The stack of a tier's tenants, ready for a template.
fn stack(model: &Model) -> StackGraph {
    let tier = model.tiers.first().unwrap();
    let mut stack = render::tier(model, tier).tenant.unwrap();
    let mut types = Validator::new();
    tagging::run(&mut stack, model, tier, &Facts::shipped().unwrap(), &mut types);
    retention::run(&mut stack, &mut types);
    stack
}

fn template(model: &Model) -> Template {
    emit::template(&stack(model), &model.ids)
}

/// The workload, checked, with as many tenants as a batch has.
fn checked(facts: &Facts) -> (Memory, Checked) {
    let tenants: String = (0..BATCH)
        .map(tenantry_bench::tenant)
        .map(|tenant| format!("{{\"tenant\":\"{}\",\"tier\":\"{}\"}}\n", tenant.id, tenant.tier))
        .collect();
    let world = Memory::default().with("w-tenants.jsonl", tenants);
    let spill = Spill { folder: Path::new("unused"), budget: 1 << 24 };
    let checked = check(model(), &world, facts, &spill, &mut Sink::new()).unwrap().unwrap();
    (world, checked)
}

/// What a tenant's parameters are.
fn values(model: &Model, id: &str) -> [(Parameter, String); 7] {
    let cell = &model.cells.first().unwrap().name;
    let tenant = model.ids.parse(id).unwrap();
    let digest = |bits| naming::base32(bits, naming::DIGEST_LENGTH);
    [
        (Parameter::TenantId, id.to_owned()),
        (Parameter::TenantLabel, naming::label(&tenant)),
        (Parameter::TenantDigest, digest(naming::tenant_fingerprint(model, cell, &tenant))),
        (Parameter::Cell, cell.to_string()),
        (Parameter::CellDigest, digest(naming::cell_fingerprint(model, cell))),
        (Parameter::Owner, model.owner.clone()),
        (Parameter::CostCenter, model.cost_center.clone()),
    ]
}

/// Once for a run, whatever the number of tenants.
fn once(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("once");
    group.bench_function("read the blueprint", |bencher| bencher.iter(tree));
    let read = tree();
    group.bench_function("lower to the model", |bencher| {
        bencher.iter(|| blueprint::lower(black_box(&read), &mut Sink::new()).unwrap());
    });
    let model = model();
    group.bench_function("render a tier", |bencher| {
        bencher.iter(|| render::tier(black_box(&model), model.tiers.first().unwrap()));
    });
    // Every run opens the types of the workload once, for all tiers together.
    group.bench_function("tag, retain and validate, types unopened", |bencher| {
        let tier = model.tiers.first().unwrap();
        let facts = Facts::shipped().unwrap();
        let stack = render::tier(&model, tier).tenant.unwrap();
        bencher.iter_batched(
            || stack.clone(),
            |mut stack| {
                let mut types = Validator::new();
                tagging::run(&mut stack, &model, tier, &facts, &mut types);
                retention::run(&mut stack, &mut types);
                validate::run(&stack, &mut types, &mut Sink::new());
                stack
            },
            BatchSize::SmallInput,
        );
    });
    let stack = stack(&model);
    group.bench_function("template", |bencher| bencher.iter(|| emit::template(black_box(&stack), &model.ids)));
    let template = template(&model);
    group.bench_function("cut the template", |bencher| bencher.iter(|| Expander::new(black_box(&template))));
    group.finish();
}

/// Once for each tenant, in memory.
fn each_tenant(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("each tenant, in memory");
    group.throughput(Throughput::Elements(1));
    let names = Names::new();
    let mut buffer = Vec::with_capacity(1 << 16);
    group.bench_function("floor", |bencher| {
        let tenant = tenantry_bench::tenant(1);
        bencher.iter(|| tenantry_bench::render(black_box(&tenant), &names, &mut buffer).unwrap());
    });
    let model = model();
    let expander = Expander::new(&template(&model));
    group.bench_function("tenantry --expand", |bencher| {
        bencher.iter(|| {
            let values = values(&model, black_box("tenant-000001"));
            expander.write(&mut buffer, |parameter| {
                values.iter().find(|(name, _)| *name == parameter).map_or("", |(_, value)| value)
            });
        });
    });
    group.finish();
}

/// Into files of a fresh folder. What removes the folder again is not measured. The floor waits for no disk; tenantry
/// does, once at the end, so look at whole processes for CPU.
fn to_files(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("to fresh files");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(30);
    group.bench_function("floor", |bencher| {
        bencher.iter_batched(
            || tempfile::tempdir().unwrap(),
            |folder| {
                tenantry_bench::run(BATCH, folder.path()).unwrap();
                folder
            },
            BatchSize::PerIteration,
        );
    });
    let facts = Facts::shipped().unwrap();
    let (world, checked) = checked(&facts);
    for (name, expand) in [("tenantry", false), ("tenantry --expand", true)] {
        let options = Options { expand, ..Options::default() };
        let inputs = Inputs { facts: &facts, world: &world, ledger: None, progress: &|_| (), git_sync: None };
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || tempfile::tempdir().unwrap(),
                |folder| {
                    let out = folder.path().join("assembly");
                    synth(&checked, &inputs, Destination::Folder(&out), &options, &mut Sink::new()).unwrap().unwrap();
                    folder
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, once, each_tenant, to_files);
criterion_main!(benches);
