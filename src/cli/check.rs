//! `tenantry check`: everything that can be found out without writing anything.

use super::Ending;
use super::args;
use super::load::load;
use super::terminal::Terminal;
use crate::dsl;
use crate::synth::{Destination, Inputs, Options, synth};

pub(super) fn run(args: &args::Check, own: Option<dsl::Blueprint>, terminal: &Terminal) -> anyhow::Result<Ending> {
    let mut loaded = load(&args.source, own)?;
    if let Some(checked) = &loaded.checked {
        let inputs =
            Inputs { facts: &loaded.facts, world: &loaded.world, ledger: None, progress: &|_| {}, git_sync: None };
        let options = Options { cdk: false, prove: false, ..Options::default() };
        if let Err(error) = synth(checked, &inputs, Destination::Nowhere, &options, &mut loaded.findings) {
            loaded.findings.push(error.diagnostic());
        }
    }
    Ok(terminal.report(loaded.findings, &loaded.sources, args.source.deny_warnings)?)
}
