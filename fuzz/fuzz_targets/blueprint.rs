//! Any bytes as a blueprint: read, lowered and checked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tenantry::blueprint::{Spill, lower};
use tenantry::check::check;
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::source::{Memory, read};

fuzz_target!(|bytes: &[u8]| {
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    let Some(tree) = read("blueprint.yaml", bytes, &mut sources, &mut sink) else { return };
    let Some(model) = lower(&tree, &mut sink) else { return };
    let Ok(facts) = Facts::shipped() else { return };
    let temporary = std::env::temp_dir();
    let spill = Spill { folder: &temporary, budget: 1 << 20 };
    let _ = check(model, &Memory::default(), &facts, &spill, &mut sink);
});
