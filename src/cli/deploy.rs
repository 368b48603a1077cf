//! `tenantry deploy`, `tenantry status`, `tenantry drift`.

#[cfg(feature = "deploy")]
mod live;
#[cfg(feature = "deploy")]
mod show;
#[cfg(feature = "deploy")]
mod watch;

use std::collections::BTreeMap;
#[cfg(feature = "deploy")]
use std::path::Path;
use std::path::PathBuf;

use clap::ValueEnum;

use super::Ending;
use super::terminal::Terminal;
use crate::assembly;
use crate::deploy::foresee::{Foreseen, Will};
use crate::deploy::material::Material;
use crate::deploy::pace::WORK;
use crate::deploy::preflight;
use crate::diagnostics::{Origin, Sink, SourceMap, counted};
use crate::facts::Facts;
use crate::rollout::{Step, Work};

/// How AWS is reached.
#[derive(Debug, clap::Args)]
pub(super) struct Access {
    /// The profile of the AWS configuration; by default that of `AWS_PROFILE`.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// The role to assume in each account: an ARN with `{account}` and `{partition}`. `deploy` takes the rollout's if none is
    /// given here; without any, the caller's own rights have to do.
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
}

/// Carry a rollout out: wave after wave, with a journal from which the same command goes on.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The rollout.
    #[arg(default_value = "rollout.json")]
    rollout: PathBuf,

    /// The assembly that the rollout was made for.
    #[arg(short, long, default_value = "assembly", value_name = "DIR")]
    assembly: PathBuf,

    /// Look whether it can be carried out, and say what would be done, step by step.
    #[arg(long)]
    dry_run: bool,

    /// Ask AWS nothing.
    #[arg(long, requires = "dry_run")]
    offline: bool,

    /// The journal; by default beside the rollout, as `rollout.journal.jsonl`.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Stop after this wave and its gate.
    #[arg(long, value_name = "WAVE")]
    until: Option<String>,

    /// A resource that may be replaced or removed although it holds data; may be given several times.
    #[arg(long, value_name = "STACK/LOGICAL-ID")]
    accept_replacement: Vec<String>,

    /// How long AWS is left alone before it is asked how far a change is, in milliseconds; later waits grow from that to half
    /// a minute. Less than a second is for engines that stand for AWS.
    #[arg(
        long,
        value_name = "MILLISECONDS",
        default_value_t = WORK.first,
        value_parser = clap::value_parser!(u64).range(10..=WORK.longest)
    )]
    first_wait: u64,

    #[command(flatten)]
    access: Access,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// What to look at.
#[derive(Debug, clap::Args)]
pub(super) struct Look {
    /// The assembly.
    #[arg(short, long, default_value = "assembly", value_name = "DIR")]
    assembly: PathBuf,

    /// Only this tenant and what it shares with others; may be given several times.
    #[arg(long, value_name = "TENANT")]
    tenant: Vec<String>,

    /// Only this tier; may be given several times.
    #[arg(long, value_name = "TIER")]
    tier: Vec<String>,

    /// How the result is written.
    #[arg(long, value_enum, default_value_t)]
    output: Output,

    #[command(flatten)]
    access: Access,
}

/// Show which version each tenant has.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    look: Look,

    /// Name the tenants, not only their number.
    #[arg(long)]
    tenants: bool,

    /// End with exit code 4 if something is not what the assembly says.
    #[arg(long)]
    exit_code: bool,
}

/// Look for resources that are not as their templates say.
#[derive(Debug, clap::Args)]
pub(super) struct DriftArgs {
    #[command(flatten)]
    look: Look,

    /// End with exit code 4 if something has drifted.
    #[arg(long)]
    exit_code: bool,
}

/// What to say where AWS cannot be asked.
#[cfg(not(feature = "deploy"))]
fn without(command: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "this tenantry was built without what talks to AWS, so there is no `{command}`; build it with \
         `cargo build --release --features deploy`"
    )
}

/// The rollout with all that is in its way and can be found without AWS.
fn prepare(args: &Args, facts: &Facts) -> anyhow::Result<(Option<Material>, Sink)> {
    let mut findings = assembly::verify(&args.assembly);
    let origin = Origin::Path(args.rollout.to_string_lossy().into());
    let material = Material::load(&args.rollout, &args.assembly, &mut findings);
    if let Some(material) = &material {
        let (direct, in_bucket) = (facts.limit("template_body_direct")?, facts.limit("template_body_s3")?);
        preflight::offline(material, &origin, direct.size(), in_bucket.size(), &mut findings);
        preflight::options(material, args.until.as_deref(), &args.accept_replacement, &mut findings);
    }
    Ok((material, findings))
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Ending> {
    let facts = Facts::shipped()?;
    #[cfg(not(feature = "deploy"))]
    if !args.offline {
        return Err(without("deploy"));
    }
    let (material, findings) = prepare(args, &facts)?;
    let material = match material {
        Some(material) if !findings.has_errors() => material,
        _ => return Ok(terminal.report(findings, &SourceMap::default(), false)?),
    };
    if args.offline {
        let ending = terminal.report(findings, &SourceMap::default(), false)?;
        terminal.print(&steps(&material, &BTreeMap::new()))?;
        return Ok(ending);
    }
    #[cfg(feature = "deploy")]
    return live::deploy(args, &material, findings, &facts, terminal);
    #[cfg(not(feature = "deploy"))]
    Err(without("deploy"))
}

#[cfg(feature = "deploy")]
pub(super) use live::{drift, status};

#[cfg(not(feature = "deploy"))]
pub(super) fn status(_args: &StatusArgs, _terminal: &Terminal) -> anyhow::Result<Ending> {
    Err(without("status"))
}

#[cfg(not(feature = "deploy"))]
pub(super) fn drift(_args: &DriftArgs, _terminal: &Terminal) -> anyhow::Result<Ending> {
    Err(without("drift"))
}

/// What a rollout would do, step by step. `foreseen` says by the steps' ids what there is to do.
fn steps(material: &Material, foreseen: &BTreeMap<String, Foreseen>) -> String {
    let waves = &material.rollout.waves;
    let mut text = String::new();
    for (at, wave) in waves.iter().enumerate() {
        text += &format!(
            "wave {} of {} `{}`: {}, at most {} at once, at most {} in an account and region, {} failures borne\n",
            at + 1,
            waves.len(),
            wave.wave,
            counted(wave.steps.len() as u64, "step"),
            wave.concurrency,
            wave.account_concurrency,
            wave.tolerance.failures
        );
        for step in &wave.steps {
            text += &format!("  {}\n", sentence(step, foreseen.get(&step.id)));
        }
        if let Some(gate) = &wave.gate {
            let alarms: Vec<&str> = gate.alarms.iter().map(|alarm| alarm.name.as_str()).collect();
            let watched =
                if alarms.is_empty() { String::new() } else { format!(", while {} must not ring", alarms.join(", ")) };
            text += &format!("  then wait {}{watched}\n", counted(gate.bake_minutes, "minute"));
        }
    }
    text
}

/// What would be done, as the verb of a sentence.
fn verb(will: Will) -> &'static str {
    match will {
        Will::Create => "create",
        Will::Update => "update",
        Will::Wait => "wait for, and then update,",
        Will::Repair => "repair, which is not always possible,",
        Will::Delete => "delete",
        Will::Leave => "leave",
    }
}

/// A step as a sentence; without anything foreseen it says what is to be in the end.
fn sentence(step: &Step, foreseen: Option<&Foreseen>) -> String {
    let will = foreseen.and_then(|foreseen| foreseen.will);
    let is_left = will == Some(Will::Leave);
    let verb = |without: &str| will.map_or_else(|| without.to_owned(), |will| format!("{} ", verb(will)));
    let mut text = match &step.work {
        Work::Unit { unit, parent, .. } => format!("{}unit `{unit}` below `{parent}`", verb("")),
        Work::Policy { policy, kind, .. } => format!("{}policy `{policy}`, {kind}", verb("")),
        Work::Attach { policy, unit } if is_left => format!("leave policy `{policy}` attached to `{unit}`"),
        Work::Attach { policy, unit } => format!("attach policy `{policy}` to `{unit}`"),
        Work::Detach { policy, unit } if is_left => {
            format!("leave policy `{policy}`, which is not attached to `{unit}`")
        }
        Work::Detach { policy, unit } => format!("detach policy `{policy}` from `{unit}`"),
        Work::Account { account, unit } => match will {
            Some(Will::Leave) => format!("leave account {account} in unit `{unit}`"),
            Some(_) => format!("move account {account} into unit `{unit}`"),
            None => format!("account {account} into unit `{unit}`"),
        },
        Work::Stack { stack, account, region } => format!("{}stack `{stack}` in {account}/{region}", verb("deploy ")),
        Work::DeleteStack { stack, account, region } if is_left => {
            format!("leave stack `{stack}` in {account}/{region}, which is gone")
        }
        Work::DeleteStack { stack, account, region } => format!("delete stack `{stack}` in {account}/{region}"),
        Work::StackSet { set } => format!("{}stack set `{set}`", verb("")),
        Work::Instance { set, account, region, .. } => {
            format!("{}instance of `{set}` in {account}/{region}", verb(""))
        }
        Work::UpdateInstances { set, accounts, regions } => {
            let accounts = counted(accounts.len() as u64, "account");
            let some = foreseen.and_then(|foreseen| foreseen.accounts).filter(|_| !is_left);
            let places = some.map_or_else(|| accounts.clone(), |some| format!("{some} of {accounts}"));
            let regions = counted(regions.len() as u64, "region");
            format!("{}the instances of `{set}` in {places} and {regions}", verb("update "))
        }
        Work::DeleteInstance { set, account, region } if is_left => {
            format!("leave the instance of `{set}` in {account}/{region}, which is gone")
        }
        Work::DeleteInstance { set, account, region } => {
            format!("delete the instance of `{set}` in {account}/{region}")
        }
    };
    if let Some(tenant) = &step.tenant {
        text += &format!(", of tenant `{tenant}`");
    }
    if !step.after.is_empty() {
        let after: Vec<String> = step.after.iter().map(|id| format!("`{id}`")).collect();
        text += &format!(", after {}", after.join(", "));
    }
    if let Some(problem) = foreseen.and_then(|foreseen| foreseen.problem.as_ref()) {
        text += &format!("; what is there is not known: {problem}");
    }
    text
}

/// The journal's place.
#[cfg(feature = "deploy")]
fn journal(rollout: &Path) -> PathBuf {
    rollout.with_extension("journal.jsonl")
}
