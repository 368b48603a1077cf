//! What the commands do once AWS can be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::watch::Progress;
use super::{Access, Args, DriftArgs, Look, Output, StatusArgs, journal, show, steps};
use crate::assembly::Assembly;
use crate::cli::Ending;
use crate::cli::terminal::Terminal;
use crate::deploy::aws::{Aws, Settings};
use crate::deploy::clock::SystemClock;
use crate::deploy::cloud::{CloudErrorKind, Target};
use crate::deploy::engine::{Engine, Report, Stop};
use crate::deploy::fleet::{FleetStack, Selection, stacks};
use crate::deploy::foresee::foresee;
use crate::deploy::journal::{Binding, How, Journal, JournalError, VERSION};
use crate::deploy::material::Material;
use crate::deploy::steps::{Halt, Site, Units};
use crate::deploy::{drift as drifts, preflight, status as statuses};
use crate::diagnostics::{Diagnostic, Origin, Sink, SourceMap, codes, counted};
use crate::facts::Facts;

fn connect(access: &Access, role: Option<&str>, region: Option<&str>) -> anyhow::Result<Aws> {
    let settings = Settings {
        role: access.role.clone().or_else(|| role.map(str::to_owned)),
        profile: access.profile.clone(),
        region: region.map(str::to_owned),
    };
    Ok(Aws::connect(&settings)?)
}

/// A flag that the first Ctrl-C sets. The second ends the process, which the journal bears as well.
fn asked_to_stop() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop)).context("signals")?;
        flag::register(signal, Arc::clone(&stop)).context("signals")?;
    }
    Ok(stop)
}

pub(super) fn deploy(
    args: &Args,
    material: &Material,
    mut findings: Sink,
    facts: &Facts,
    terminal: &Terminal,
) -> anyhow::Result<Ending> {
    let stop = asked_to_stop()?;
    let clock = SystemClock { stop: &stop };
    let rollout = &material.rollout;
    let mut places = material.targets();
    let region = rollout.management_region.clone().or_else(|| places.first().map(|target| target.region.clone()));
    let cloud = connect(&args.access, rollout.role.as_deref(), region.as_deref())?;
    if material.needs_home()
        && let Some(account) = &rollout.management_account
    {
        places.insert(Target { account: account.clone(), region: region.clone().unwrap_or_default() });
    }
    let caller = preflight::online(&cloud, &clock, &places, &mut findings);
    let caller = match caller {
        Some(caller) if !findings.has_errors() => caller,
        _ => return Ok(terminal.report(findings, &SourceMap::default(), false)?),
    };
    if args.dry_run {
        let ending = terminal.report(findings, &SourceMap::default(), false)?;
        let foreseen = foresee(&cloud, &clock, material, &material.home(&caller));
        terminal.print(&steps(material, &foreseen))?;
        return Ok(ending);
    }
    let path = args.journal.clone().unwrap_or_else(|| journal(&args.rollout));
    let binding =
        Binding { journal: VERSION, rollout: material.digest, assembly: rollout.assembly, account: caller.clone() };
    let journal = match Journal::open(&path, &binding, &clock) {
        Ok(journal) => journal,
        Err(error) => {
            findings.push(journal_finding(&error, &path));
            return Ok(terminal.report(findings, &SourceMap::default(), false)?);
        }
    };
    let accepted: BTreeSet<String> = args.accept_replacement.iter().cloned().collect();
    let progress = Progress::new(terminal.is_watched(), &clock);
    let site = Site {
        cloud: &cloud,
        clock: &clock,
        watch: &progress,
        journal: &journal,
        material,
        home: material.home(&caller),
        direct: facts.limit("template_body_direct")?.size(),
        first_wait: args.first_wait,
        accepted: &accepted,
        units: Units::default(),
        dead: AtomicBool::new(false),
    };
    progress.line(&format!(
        "journal `{}`, run {}; Ctrl-C ends after what runs, and the same command goes on",
        path.display(),
        journal.runs()
    ));
    let report = Engine { site: &site, stop: &stop, until: args.until.as_deref() }.run();
    progress.end();
    told(&report, &args.rollout, &mut findings);
    let ending = terminal.report(findings, &SourceMap::default(), false)?;
    terminal.say(&summary(&report))?;
    Ok(ending)
}

fn journal_finding(error: &JournalError, path: &Path) -> Diagnostic {
    let origin = Origin::Path(path.to_string_lossy().into());
    let (code, help) = match error {
        JournalError::Busy(_) => (&codes::DEPLOY_BUSY, "wait for the other run to end, or stop it with Ctrl-C"),
        JournalError::Other { .. } => {
            (&codes::DEPLOY_JOURNAL, "finish that rollout first, or name a journal of its own: `--journal FILE`")
        }
        JournalError::Broken { .. } => (
            &codes::DEPLOY_JOURNAL,
            "restore it; without one, stacks are found as they are, and what failed is tried again",
        ),
        JournalError::Io(_) => (&codes::DEPLOY_JOURNAL, "name another place: `--journal FILE`"),
    };
    Diagnostic::new(code, origin, error.to_string()).help(help)
}

/// The findings of a run.
fn told(report: &Report, rollout: &Path, findings: &mut Sink) {
    let at = || Origin::Path(rollout.to_string_lossy().into());
    for (step, failure) in &report.failed {
        let reasons = failure.reasons.join("; ");
        let because = if reasons.is_empty() { String::new() } else { format!(": {reasons}") };
        let message = format!("step `{step}`: {}{because}", failure.message);
        findings.push(Diagnostic::new(failure.code, at(), message).help_if(failure.help.clone()));
    }
    let again = "the same command goes on from the journal";
    let (code, message, help) = match &report.stop {
        None => return,
        Some(Stop::Failures { wave, failures, borne }) => {
            let message = format!(
                "wave `{wave}` has {} and bears {borne}, so nothing more was begun",
                counted(*failures, "failure")
            );
            (&codes::DEPLOY_STOPPED, message, "correct what failed; the same command tries it again and goes on")
        }
        Some(Stop::Alarms { wave, alarms }) => {
            let message = format!("after wave `{wave}` {} rings", alarms.join(", "));
            (&codes::DEPLOY_ALARM, message, "find out why; the same command waits for the gate again and goes on")
        }
        Some(Stop::Gate { wave, reason }) => {
            let message = format!("the alarms after wave `{wave}` cannot be looked at: {reason}");
            (&codes::DEPLOY_ALARM, message, again)
        }
        Some(Stop::Dead(Halt::Credentials(error))) if error.kind == CloudErrorKind::Credentials => {
            let help = "sign in again, such as with `aws sso login`; the same command goes on from the journal";
            (&codes::DEPLOY_CREDENTIALS, error.to_string(), help)
        }
        Some(Stop::Dead(Halt::Journal(error))) => {
            let message = format!("the journal cannot be written, so nothing more was begun: {error}");
            (&codes::DEPLOY_JOURNAL, message, "make room for it; the same command goes on from what it holds")
        }
        Some(Stop::Dead(halt)) => (&codes::DEPLOY_STOPPED, halt.to_string(), again),
        Some(Stop::Asked) => (&codes::DEPLOY_STOPPED, "the rollout was asked to stop".to_owned(), again),
    };
    findings.push(Diagnostic::new(code, at(), message).help(help));
}

/// What was done, in one sentence.
fn summary(report: &Report) -> String {
    let mut counts: BTreeMap<How, usize> = BTreeMap::new();
    for (_, how) in &report.done {
        *counts.entry(*how).or_default() += 1;
    }
    let done: Vec<String> = counts.iter().map(|(how, count)| format!("{count} {how}")).collect();
    let mut parts = vec![if done.is_empty() { "nothing done".to_owned() } else { done.join(", ") }];
    for (count, what) in [
        (report.before, "done before"),
        (report.failed.len(), "failed"),
        (report.skipped.len(), "not begun because of those"),
        (report.waiting, "left"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    format!("steps: {}", parts.join("; "))
}

/// The assembly, the stacks of it that are asked about, and who asks.
type Selected = (Assembly, Vec<FleetStack>, Aws);

/// What is to be looked at, and with which rights; nothing if that could not be found out, which is then said.
fn selected(look: &Look, terminal: &Terminal) -> anyhow::Result<Result<Selected, Ending>> {
    let mut findings = Sink::new();
    let assembly = match Assembly::open(&look.assembly) {
        Ok(assembly) => assembly,
        Err(error) => {
            findings.push(error.diagnostic());
            return Ok(Err(terminal.report(findings, &SourceMap::default(), false)?));
        }
    };
    let selection = Selection { tenants: look.tenant.clone(), tiers: look.tier.clone() };
    let found = match stacks(&assembly, &selection) {
        Ok(found) => found,
        Err(wrong) => {
            wrong.into_iter().for_each(|finding| findings.push(finding));
            return Ok(Err(terminal.report(findings, &SourceMap::default(), false)?));
        }
    };
    let region = found.first().map(|stack| stack.item.target.region.clone());
    let cloud = connect(&look.access, None, region.as_deref())?;
    let stop = AtomicBool::new(false);
    preflight::online(&cloud, &SystemClock { stop: &stop }, &BTreeSet::new(), &mut findings);
    if findings.has_errors() {
        return Ok(Err(terminal.report(findings, &SourceMap::default(), false)?));
    }
    Ok(Ok((assembly, found, cloud)))
}

pub(crate) fn status(args: &StatusArgs, terminal: &Terminal) -> anyhow::Result<Ending> {
    let (assembly, found, cloud) = match selected(&args.look, terminal)? {
        Ok(found) => found,
        Err(ending) => return Ok(ending),
    };
    let stop = AtomicBool::new(false);
    let template = |path: &str| assembly.file(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let told = statuses::look(&cloud, &SystemClock { stop: &stop }, &found, &template);
    terminal.print(&match args.look.output {
        Output::Text => show::status(&told, args.tenants),
        Output::Json => show::status_json(&told)?,
    })?;
    Ok(if args.exit_code && statuses::is_skewed(&told) { Ending::Changes } else { Ending::Fine })
}

pub(crate) fn drift(args: &DriftArgs, terminal: &Terminal) -> anyhow::Result<Ending> {
    let (_, found, cloud) = match selected(&args.look, terminal)? {
        Ok(found) => found,
        Err(ending) => return Ok(ending),
    };
    let stop = AtomicBool::new(false);
    let clock = SystemClock { stop: &stop };
    let progress = Progress::new(terminal.is_watched(), &clock);
    progress.begin("drift", found.len());
    let told = drifts::look(&cloud, &clock, &found, &|| progress.step());
    progress.end();
    terminal.print(&match args.look.output {
        Output::Text => show::drift(&told),
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&told)?),
    })?;
    let drifted = told.iter().any(|stack| stack.drift == drifts::Found::Drifted);
    Ok(if args.exit_code && drifted { Ending::Changes } else { Ending::Fine })
}
