//! A blueprint, from its text to its findings, as `tenantry check` does it.

use std::path::Path;

use tenantry::assembly::Assembly;
use tenantry::blueprint::{Spill, lower};
use tenantry::check::check;
use tenantry::diagnostics::{Diagnostic, Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::source::{Disk, World, read};
use tenantry::synth::{Destination, Inputs, Options, synth};

/// What came of a blueprint.
pub(crate) struct Run {
    /// All findings, in source order.
    pub(crate) findings: Vec<Diagnostic>,
    /// The files they quote.
    pub(crate) sources: SourceMap,
}

/// Runs everything that writes nothing over a blueprint whose files stand in a folder.
pub(crate) fn run(name: &str, bytes: &[u8], folder: &Path, ledger: Option<&Path>) -> Run {
    run_to(name, bytes, &Disk::new(folder), ledger, Destination::Nowhere)
}

/// Runs everything over a blueprint.
pub(crate) fn run_to(
    name: &str,
    bytes: &[u8],
    world: &dyn World,
    ledger: Option<&Path>,
    destination: Destination<'_>,
) -> Run {
    let facts = Facts::shipped().unwrap();
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    let tree = read(name, bytes, &mut sources, &mut sink);
    let model = tree.and_then(|tree| lower(&tree, &mut sink));
    let temporary = std::env::temp_dir();
    let spill = Spill { folder: &temporary, budget: 1 << 20 };
    let checked = model.and_then(|model| check(model, world, &facts, &spill, &mut sink).unwrap());
    let ledger = ledger.map(|ledger| Assembly::open(ledger).unwrap());
    if let Some(checked) = checked {
        let inputs = Inputs { facts: &facts, world, ledger: ledger.as_ref(), progress: &|_| {}, git_sync: None };
        let options = Options { cdk: false, prove: false, ..Options::default() };
        if let Err(error) = synth(&checked, &inputs, destination, &options, &mut sink) {
            sink.push(error.diagnostic());
        }
    }
    Run { findings: sink.into_sorted(), sources }
}
