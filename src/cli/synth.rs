//! `tenantry synth`: the main job.

use std::num::NonZero;
use std::path::{Component, Path};

use super::Ending;
use super::args::{self, Templates};
use super::load::load;
use super::progress::Counter;
use super::terminal::Terminal;
use crate::assembly::{Assembly, MANIFEST, Outcome};
use crate::diagnostics::{Diagnostic, codes};
use crate::dsl;
use crate::prove::findings::is_unproved;
use crate::synth::{Destination, Inputs, Options, synth};

pub(super) fn run(args: &args::Synth, own: Option<dsl::Blueprint>, terminal: &Terminal) -> anyhow::Result<Ending> {
    let mut loaded = load(&args.source, own)?;
    let Some(checked) = &loaded.checked else {
        return Ok(terminal.report(loaded.findings, &loaded.sources, args.source.deny_warnings)?);
    };
    let ledger_path = args.ledger.as_deref().unwrap_or(&args.out);
    let ledger = match open_ledger(ledger_path, args.ledger.is_some()) {
        Ok(ledger) => ledger,
        Err(finding) => {
            loaded.findings.push(*finding);
            return Ok(terminal.report(loaded.findings, &loaded.sources, args.source.deny_warnings)?);
        }
    };
    let yaml = args.templates == Some(Templates::Yaml);
    let options = Options {
        expand: args.expand,
        yaml,
        threads: args.threads.map_or_else(|| if args.expand { cores() } else { 1 }, usize::from),
        cdk: !args.no_cdk && !yaml,
        deny_warnings: args.source.deny_warnings,
        prove: !args.no_prove,
    };
    let root = if args.git_sync { Some(root_of(args)?) } else { None };
    let destination = if args.check { Destination::Compare(&args.out) } else { Destination::Folder(&args.out) };
    let counter = Counter::new(terminal.is_watched());
    let inputs = Inputs {
        facts: &loaded.facts,
        world: &loaded.world,
        ledger: ledger.as_ref(),
        progress: &|done| counter.show(done),
        git_sync: root.as_deref(),
    };
    let outcome = synth(checked, &inputs, destination, &options, &mut loaded.findings);
    counter.clear();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            loaded.findings.push(error.diagnostic());
            None
        }
    };
    let unproved = loaded.findings.iter().any(|finding| is_unproved(finding.code));
    let ending = terminal.report(loaded.findings, &loaded.sources, args.source.deny_warnings)?;
    let Some(outcome) = outcome else { return Ok(if unproved { Ending::NotProved } else { ending }) };
    describe(&outcome, args, terminal)?;
    let changes = args.check && !outcome.changed.is_empty();
    Ok(if ending == Ending::Fine && changes { Ending::Changes } else { ending })
}

/// Where the assembly is in its repository.
fn root_of(args: &args::Synth) -> anyhow::Result<String> {
    let path = args.git_sync_root.as_ref().unwrap_or(&args.out);
    let parts: Option<Vec<&str>> = path
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| if let Component::Normal(name) = part { name.to_str() } else { None })
        .collect();
    let Some(parts) = parts else {
        let shown = path.display();
        anyhow::bail!(
            "`{shown}` does not lead down from the root of a repository, and Git sync looks for templates from there: \
             say where the assembly is with `--git-sync-root`, as in `--git-sync-root deploy/assembly`"
        );
    };
    Ok(parts.join("/"))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// The earlier assembly. None is there on the first run; one that was named must be.
fn open_ledger(path: &Path, named: bool) -> Result<Option<Assembly>, Box<Diagnostic>> {
    if !named && !path.join(MANIFEST).exists() {
        return Ok(None);
    }
    Assembly::open(path).map(Some).map_err(|error| {
        let mut finding = error.diagnostic();
        finding.code = &codes::PLACEMENT_LEDGER;
        Box::new(finding.help(
            "without its ledger nobody knows where tenants live; mend the assembly or name another with `--ledger`",
        ))
    })
}

fn describe(outcome: &Outcome, args: &args::Synth, terminal: &Terminal) -> std::io::Result<()> {
    let out = args.out.display();
    if outcome.changed.is_empty() {
        return terminal.say(&format!("{out}: nothing changed ({} files)", outcome.unchanged));
    }
    let would = if args.check { "would change" } else { "changed" };
    let (changed, unchanged) = (outcome.changed.len(), outcome.unchanged);
    terminal.say(&format!("{out}: {changed} of {} files {would}", changed + unchanged))?;
    if args.check {
        for (path, change) in &outcome.changed {
            terminal.say(&format!("  {}: {path}", format!("{change:?}").to_lowercase()))?;
        }
    }
    Ok(())
}
