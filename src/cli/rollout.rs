//! `tenantry rollout`.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::Ending;
use super::load::facts;
use super::revision::Named;
use super::terminal::Terminal;
use crate::assembly::Assembly;
use crate::deploy::clock::today;
use crate::diagnostics::{Diagnostic, Origin, Sink, SourceMap, codes};
use crate::emit::write_pretty;
use crate::rollout::{Gone, Rollout, Settings, Tolerance, Wave, expired, plan, prove, settings};
use crate::source::{Disk, World, read};

/// The settings that are taken if none are named.
const SETTINGS: &str = "rollout.yaml";

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The assembly to roll out.
    #[arg(default_value = "assembly")]
    assembly: PathBuf,

    /// The assembly that is deployed now, or that of a git revision (`v41:assembly`); without it everything is new.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,

    /// What the rollout keeps to; `rollout.yaml` if there is one.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Where the rollout is written.
    #[arg(short, long, default_value = "rollout.json", value_name = "FILE")]
    out: PathBuf,

    /// Make nothing: look whether this rollout still fits the assemblies and the settings.
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    check: Option<PathBuf>,

    /// Delete the stacks that the assembly no longer has, with their data, in a last wave.
    #[arg(long, conflicts_with = "keep")]
    delete: bool,

    /// Leave the stacks that the assembly no longer has where they are.
    #[arg(long)]
    keep: bool,

    /// A file that overrides dated facts, such as quotas that were raised.
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Ending> {
    let facts = facts(args.facts.as_deref())?;
    let mut sources = SourceMap::default();
    let mut findings = Sink::new();
    let settings = settings_of(args, &mut sources, &mut findings)?;
    let new = open(&args.assembly, &mut findings);
    let from = args.from.as_deref().map(Named::find).transpose()?;
    let old = from.as_ref().map(|from| open(from.path(), &mut findings));
    let old = match old {
        Some(None) => return Ok(terminal.report(findings, &sources, false)?),
        old => old.flatten(),
    };
    let (Some(settings), Some(new)) = (settings, new) else {
        return Ok(terminal.report(findings, &sources, false)?);
    };
    expired(&settings, &today(), &mut findings);
    if let Some(path) = &args.check {
        if let Some(rollout) = rollout_of(path, &mut findings)? {
            match prove(&rollout, &new, old.as_ref(), &settings, &facts) {
                Ok(obligations) => terminal.say(&table(&rollout, obligations.len()))?,
                Err(list) => list.into_iter().for_each(|mut finding| {
                    // What is wrong is what the file says; the assembly is as it is.
                    if finding.code.name.starts_with("rollout/") {
                        finding.primary.origin = Origin::Path(path.to_string_lossy().into());
                    }
                    findings.push(finding);
                }),
            }
        }
        return Ok(terminal.report(findings, &sources, false)?);
    }
    let made = match plan(&new, old.as_ref(), &settings, &facts, &mut findings) {
        Ok(made) => made.filter(|_| !findings.has_errors()),
        Err(error) => {
            findings.push(error.diagnostic());
            None
        }
    };
    let ending = terminal.report(findings, &sources, false)?;
    if let Some(rollout) = made {
        write(&args.out, &rollout)?;
        terminal.say(&table(&rollout, rollout.obligations.len()))?;
        terminal.say(&format!("{}: written", args.out.display()))?;
    }
    Ok(ending)
}

/// Reads the settings; those by default if there is no file, and nothing if something is wrong with them.
fn settings_of(args: &Args, sources: &mut SourceMap, findings: &mut Sink) -> anyhow::Result<Option<Settings>> {
    let path = args.settings.clone().unwrap_or_else(|| PathBuf::from(SETTINGS));
    let gone = match (args.delete, args.keep) {
        (true, _) => Gone::Delete,
        (_, true) => Gone::Keep,
        _ => Gone::Refuse,
    };
    let bytes = match Disk::new(".").read(&path) {
        Ok(bytes) => bytes,
        Err(error) if args.settings.is_none() && error.kind() == ErrorKind::NotFound => {
            return Ok(Some(Settings { gone, ..Settings::default() }));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read the settings `{}`", path.display())),
    };
    // A file with nothing but comments says nothing, which is allowed.
    if std::str::from_utf8(&bytes)
        .is_ok_and(|text| text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')))
    {
        return Ok(Some(Settings { gone, ..Settings::default() }));
    }
    let tree = read(&path.to_string_lossy(), &bytes, sources, findings);
    Ok(tree.and_then(|tree| settings(&tree, findings)).map(|settings| Settings { gone, ..settings }))
}

fn open(path: &Path, findings: &mut Sink) -> Option<Assembly> {
    Assembly::open(path).map_err(|error| findings.push(error.diagnostic())).ok()
}

fn rollout_of(path: &Path, findings: &mut Sink) -> anyhow::Result<Option<Rollout>> {
    let bytes = Disk::new(".").read(path).with_context(|| format!("cannot read the rollout `{}`", path.display()))?;
    match serde_json::from_slice(&bytes) {
        Ok(rollout) => Ok(Some(rollout)),
        Err(error) => {
            let place = Origin::Path(path.to_string_lossy().into());
            let message = format!("`{}` is not a rollout that can be read: {error}", path.display());
            findings.push(
                Diagnostic::new(&codes::ROLLOUT_FILE, place, message)
                    .help("make it with `tenantry rollout`; `tenantry schema rollout` describes it"),
            );
            Ok(None)
        }
    }
}

fn write(path: &Path, rollout: &Rollout) -> anyhow::Result<()> {
    let beside = path.with_extension("json.part");
    File::create(&beside)
        .and_then(|file| {
            let mut file = BufWriter::new(file);
            write_pretty(rollout, &mut file)?;
            file.flush()
        })
        .and_then(|()| std::fs::rename(&beside, path))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

/// The waves, one a line.
fn table(rollout: &Rollout, obligations: usize) -> String {
    if rollout.waves.is_empty() {
        return "nothing differs: there is nothing to do".to_owned();
    }
    let width = rollout.waves.iter().map(|wave| wave.wave.len()).max().unwrap_or_default().max(4);
    let mut text =
        format!("{:width$}  {:>7}  {:>7}  {:>7}  {:>8}  gate\n", "wave", "steps", "tenants", "at once", "failures");
    for Wave { wave, tenants, concurrency, tolerance: Tolerance { failures }, steps, gate, .. } in &rollout.waves {
        let gate = gate.as_ref().map_or("-".to_owned(), |gate| match gate.alarms.len() {
            0 => format!("{} min", gate.bake_minutes),
            1 => format!("{} min, 1 alarm", gate.bake_minutes),
            count => format!("{} min, {count} alarms", gate.bake_minutes),
        });
        text += &format!("{wave:width$}  {:>7}  {tenants:>7}  {concurrency:>7}  {failures:>8}  {gate}\n", steps.len());
    }
    text += &format!("{obligations} limits hold");
    text
}
