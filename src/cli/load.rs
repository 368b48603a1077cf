//! A blueprint, read and checked: what `check` and `synth` begin with.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::args::Source;
use crate::blueprint::{Spill, lower};
use crate::check::{Checked, check};
use crate::diagnostics::{Sink, SourceMap};
use crate::dsl;
use crate::facts::Facts;
use crate::source::{Disk, World, read};

/// Bytes of tenants that are kept in memory; the rest waits in a temporary file.
const SPILL_BUDGET: usize = 16 << 20;

/// What a command works on.
pub(super) struct Loaded {
    pub(super) sources: SourceMap,
    pub(super) findings: Sink,
    pub(super) facts: Facts,
    pub(super) world: Disk,
    /// Nothing when there are errors.
    pub(super) checked: Option<Checked>,
}

/// Reads and checks a blueprint, from a file or from the program itself.
pub(super) fn load(source: &Source, own: Option<dsl::Blueprint>) -> anyhow::Result<Loaded> {
    let facts = facts(source.facts.as_deref())?;
    let mut sources = SourceMap::default();
    let mut findings = Sink::new();
    let (model, folder) = match (own, &source.blueprint) {
        (Some(_), Some(path)) => {
            bail!("this program brings its own blueprint and takes none, but `{}` was named", path.display())
        }
        (Some(own), None) => {
            let (model, sink) = own.lower();
            findings.append(sink);
            (model, PathBuf::from("."))
        }
        (None, path) => {
            let path = path.clone().unwrap_or_else(|| PathBuf::from("blueprint.yaml"));
            let bytes = Disk::new(".").read(&path).with_context(|| {
                format!("cannot read the blueprint `{}`; `tenantry init` writes one to begin with", path.display())
            })?;
            let tree = read(&path.to_string_lossy(), &bytes, &mut sources, &mut findings);
            let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
            (tree.and_then(|tree| lower(&tree, &mut findings)), folder)
        }
    };
    let world = Disk::new(folder);
    let checked = match model {
        None => None,
        Some(model) => {
            let temporary = std::env::temp_dir();
            let spill = Spill { folder: &temporary, budget: SPILL_BUDGET };
            check(model, &world, &facts, &spill, &mut findings).context("cannot read the tenants")?
        }
    };
    Ok(Loaded { sources, findings, facts, world, checked })
}

pub(super) fn facts(path: Option<&Path>) -> anyhow::Result<Facts> {
    let Some(path) = path else { return Ok(Facts::shipped()?) };
    let bytes = Disk::new(".").read(path).with_context(|| format!("cannot read the facts `{}`", path.display()))?;
    let text = String::from_utf8(bytes).with_context(|| format!("the facts `{}` are not UTF-8", path.display()))?;
    Facts::with_overrides(&text).with_context(|| format!("in the facts `{}`", path.display()))
}
