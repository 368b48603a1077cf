//! Makes assemblies the way the command line does, without a process.

use std::collections::BTreeMap;
use std::path::Path;

use tenantry::assembly::{Assembly, MANIFEST, Outcome};
use tenantry::blueprint::{Spill, lower};
use tenantry::check::check;
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::model::Model;
use tenantry::source::{Disk, World, read};
use tenantry::synth::{Destination, Inputs, Options, synth};

/// How an assembly is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) options: Options,
    /// The earlier assembly that says who lives where.
    pub(crate) ledger: Option<&'a Path>,
    /// Bytes of tenants that are kept in memory.
    pub(crate) budget: usize,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self { options: Options { prove: false, ..Options::default() }, ledger: None, budget: 16 << 20 }
    }
}

/// Writes the assembly of a blueprint in YAML into a folder; or says what was found and not acknowledged,
/// errors and warnings.
pub(crate) fn assemble(text: &str, world: &dyn World, out: &Path, run: Run<'_>) -> Result<Outcome, Vec<String>> {
    let mut findings = Sink::new();
    let tree = read("blueprint.yaml", text.as_bytes(), &mut SourceMap::default(), &mut findings);
    let model = tree.and_then(|tree| lower(&tree, &mut findings));
    assemble_model((model, findings), world, out, run)
}

/// The same for what a surface made: a model, if there is one, and what was found on the way.
pub(crate) fn assemble_model(
    (model, mut findings): (Option<Model>, Sink),
    world: &dyn World,
    out: &Path,
    run: Run<'_>,
) -> Result<Outcome, Vec<String>> {
    let facts = Facts::shipped().unwrap();
    let spilled = tempfile::tempdir().unwrap();
    let spill = Spill { folder: spilled.path(), budget: run.budget };
    let checked = model.and_then(|model| check(model, world, &facts, &spill, &mut findings).unwrap());
    let outcome = checked.and_then(|checked| {
        let ledger = run.ledger.map(|path| Assembly::open(path).unwrap());
        let inputs = Inputs { facts: &facts, world, ledger: ledger.as_ref(), progress: &|_| {}, git_sync: None };
        synth(&checked, &inputs, Destination::Folder(out), &run.options, &mut findings).unwrap()
    });
    let open: Vec<String> = findings
        .iter()
        .filter(|finding| finding.acknowledged.is_none())
        .map(|finding| format!("{}: {}", finding.code.name, finding.message))
        .collect();
    outcome.filter(|_| open.is_empty()).ok_or(open)
}

/// The text of a file of this repository.
pub(crate) fn text_of(path: &str) -> String {
    let bytes = Disk::new(env!("CARGO_MANIFEST_DIR")).read(Path::new(path)).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The files under a folder, by their paths. An assembly has its manifest among them.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(path, Disk::new("/").read(&entry.path()).unwrap());
            }
        }
    }
    assert!(files.contains_key(MANIFEST), "{} is no assembly", folder.display());
    files
}
