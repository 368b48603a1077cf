//! The workload is what docs/performance.md says it is, and the floor builds the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tenantry::blueprint::{self, Spill};
use tenantry::cfn::schema::Validator;
use tenantry::check::{self, Checked};
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::passes::{pack, retention, tagging, validate};
use tenantry::source::{Disk, World, read};
use tenantry::{emit, render};
use tenantry_bench::{Names, TIERS};

const RESOURCES: usize = 33;

fn workload() -> Checked {
    let world = Disk::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../blueprints"));
    let bytes = world.read(Path::new("w.yaml")).unwrap();
    let mut sink = Sink::new();
    let tree = read("w.yaml", &bytes, &mut SourceMap::default(), &mut sink).unwrap();
    let model = blueprint::lower(&tree, &mut sink);
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill { folder: folder.path(), budget: 1 << 20 };
    let facts = Facts::shipped().unwrap();
    let checked = model.and_then(|model| check::check(model, &world, &facts, &spill, &mut sink).unwrap());
    let open: Vec<_> = sink.iter().filter(|finding| finding.acknowledged.is_none()).collect();
    assert!(open.is_empty(), "{open:#?}");
    checked.unwrap()
}

fn types(template: &Value) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    for resource in template["Resources"].as_object().unwrap().values() {
        *types.entry(resource["Type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    types
}

fn floor() -> Value {
    let mut buffer = Vec::new();
    tenantry_bench::render(&tenantry_bench::tenant(1), &Names::new(), &mut buffer).unwrap();
    serde_json::from_slice(&buffer).unwrap()
}

#[test]
fn every_tier_has_the_resources_of_the_floor() {
    let checked = workload();
    let model = checked.model();
    let expected = types(&floor());
    assert_eq!(expected.values().sum::<usize>(), RESOURCES);
    assert_eq!(Names::COUNT, RESOURCES);
    assert_eq!(model.tiers.iter().map(|tier| tier.name.as_str()).collect::<Vec<_>>(), TIERS);
    for tier in &model.tiers {
        let graph = render::tier(model, tier);
        assert!(graph.cell.is_none());
        let mut stack = graph.tenant.unwrap();
        let (mut sink, mut validator) = (Sink::new(), Validator::new());
        tagging::run(&mut stack, model, tier, &Facts::shipped().unwrap(), &mut validator);
        retention::run(&mut stack, &mut validator);
        validate::run(&stack, &mut validator, &mut sink);
        assert!(sink.is_empty(), "{:#?}", sink.iter().collect::<Vec<_>>());
        assert_eq!(types(&emit::template(&stack, &model.ids).value), expected);
    }
}

#[test]
fn every_tier_has_one_policy() {
    let checked = workload();
    let facts = Facts::shipped().unwrap();
    for tier in &checked.model().tiers {
        let guardrails: Vec<_> = tier.guardrails.iter().map(|(guardrail, _)| guardrail.clone()).collect();
        let lowered = render::guardrails::lower(&guardrails, &checked.model().exemptions, &facts).unwrap();
        let packing = pack::pack(lowered.service_control, pack::Budget::service_control(&facts).unwrap()).unwrap();
        assert_eq!(packing.documents.len(), 1);
        assert!(lowered.resource_control.is_empty());
    }
}

#[test]
fn the_floor_writes_resources_that_their_schemas_take() {
    let template = floor();
    let mut validator = Validator::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let issues = validator.check(resource["Type"].as_str().unwrap(), &resource["Properties"]).unwrap();
        assert!(issues.is_empty(), "{id}: {issues:?}");
    }
}

#[test]
fn the_floor_writes_a_file_for_each_tenant_and_tier() {
    let folder = tempfile::tempdir().unwrap();
    let totals = tenantry_bench::run(5, &folder.path().join("out")).unwrap();
    assert_eq!(totals.files, 8);
}
