//! Any bytes as a file of tenants. The first byte says of which kind, and how much of it fits into memory.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tenantry::blueprint::{Spill, lower};
use tenantry::check::check;
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::source::{Memory, read};

const BLUEPRINT: &str = "
tenantry: 1
blueprint: shop
owner: team
cost_center: cc-1
cells: [{ cell: eu-1, region: eu-west-1, account: '210000000001' }]
tiers:
  - tier: basic
    isolation: silo
    components: [{ function: Api, code: { inline: 'exports.handler = async () => 1' } }]
tenants: { from: ";

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let name = if first & 1 == 0 { "tenants.jsonl" } else { "tenants.csv" };
    let budget = if first & 2 == 0 { 1 << 20 } else { 64 };
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    let blueprint = format!("{BLUEPRINT}{name} }}\n");
    let tree = read("blueprint.yaml", blueprint.as_bytes(), &mut sources, &mut sink);
    let Some(model) = tree.and_then(|tree| lower(&tree, &mut sink)) else { return };
    let Ok(facts) = Facts::shipped() else { return };
    let temporary = std::env::temp_dir();
    let spill = Spill { folder: &temporary, budget };
    let _ = check(model, &Memory::default().with(name, bytes), &facts, &spill, &mut sink);
});
