//! `tenantry diff`: what will happen to whom.

mod input;

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::ValueEnum;

use self::input::{Input, Side};
use super::Ending;
use super::terminal::Terminal;
use crate::deploy::clock::today;
use crate::diagnostics::{Diagnostic, Origin, Sink, SourceMap, codes, plural};
use crate::diff::acknowledge::{Acknowledgement, read};
use crate::diff::findings::{Names, findings};
use crate::diff::report::{Summary, Tenants, json, markdown, summary, text};
use crate::diff::{Diff, Options, compare, fleet};
use crate::source::{Disk, World};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What it is compared with: an assembly, a folder of templates, a template, or `REVISION:PATH` of a git repository.
    #[arg(value_name = "OLD")]
    old: String,

    /// What is compared; as OLD. Where one of the two is a revision alone, it is the path of the other in it.
    #[arg(value_name = "NEW", default_value = "assembly")]
    new: String,

    /// How the result is written.
    #[arg(long, value_enum, default_value_t)]
    output: Output,

    /// List all tenants, or with `=GROUP` those of one change, by its number.
    #[arg(long, value_name = "GROUP", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    tenants: Option<String>,

    /// End with exit code 4 if anything changes.
    #[arg(long)]
    exit_code: bool,

    /// End with exit code 1 if the change does this; may be given several times.
    #[arg(long, value_enum, value_name = "WHAT")]
    fail_on: Vec<FailOn>,

    /// A file of findings to live with, each with its reason.
    #[arg(long, value_name = "FILE")]
    acknowledge: Option<PathBuf>,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For a terminal.
    #[default]
    Text,
    /// For a pull request.
    Markdown,
    /// For machines; every stack and tenant is in it.
    Json,
}

/// What a pipeline does not let pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum FailOn {
    /// A resource is replaced, or may be.
    Replacement,
    /// Something becomes possible that was not before, or may.
    Broadening,
    /// A resource is removed or replaced, or a stack deleted, whatever it holds.
    Destructive,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Ending> {
    let tenants = match args.tenants.as_deref() {
        None => Tenants::Few,
        Some("") => Tenants::All,
        Some(group) => Tenants::Of(group),
    };
    let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
    let acknowledged = acknowledgements(args, &mut sources, &mut sink)?;
    if sink.has_errors() {
        return Ok(terminal.report(sink, &sources, false)?);
    }
    let (old, new) = input::open(&args.old, &args.new)?;
    let diff = match between(&old, &new) {
        Ok(diff) => diff,
        Err(Failure::Assembly(error)) => {
            sink.push(error.diagnostic());
            return Ok(terminal.report(sink, &sources, false)?);
        }
        Err(Failure::Other(error)) => return Err(error),
    };
    if let Tenants::Of(group) = tenants
        && !diff.groups.iter().enumerate().any(|(index, known)| known.id == group || (index + 1).to_string() == group)
    {
        match diff.groups.len() {
            0 => bail!("there is no change `{group}`: no stack changes"),
            many => bail!("there is no change `{group}`; they are numbered from 1 to {many}"),
        }
    }
    let are_folders = !old.is_of_revision() && !new.is_of_revision();
    let names = Names { old: &args.old, new: &args.new, are_folders };
    sink.append(findings(&diff, names, &acknowledged, Some(&today())));
    let counts = summary(&diff);
    let mut wanted = args.fail_on.clone();
    wanted.sort_unstable();
    wanted.dedup();
    for what in wanted {
        if let Some(message) = refusal(what, &counts) {
            let finding = Diagnostic::new(&codes::DIFF_FAIL_ON, Origin::Path(args.new.as_str().into()), message);
            sink.push(finding.help("deploy the change where somebody watches, without the option"));
        }
    }
    let result = match args.output {
        Output::Text => text(&diff, tenants, terminal.colour()),
        Output::Markdown => markdown(&diff, &sink.clone().into_sorted(), tenants),
        Output::Json => json(&diff, &sink.clone().into_sorted())?,
    };
    terminal.say(result.trim_end_matches('\n'))?;
    let ending = terminal.report(sink, &sources, false)?;
    Ok(if ending == Ending::Fine && args.exit_code && !diff.is_empty() { Ending::Changes } else { ending })
}

fn acknowledgements(args: &Args, sources: &mut SourceMap, sink: &mut Sink) -> anyhow::Result<Vec<Acknowledgement>> {
    let Some(path) = &args.acknowledge else { return Ok(Vec::new()) };
    let name = path.display().to_string();
    let text = Disk::new("").read(path).with_context(|| format!("cannot read the acknowledgements `{name}`"))?;
    Ok(read(&name, &text, sources, sink))
}

enum Failure {
    Assembly(crate::assembly::AssemblyError),
    Other(anyhow::Error),
}

fn between(old: &Side, new: &Side) -> Result<Diff, Failure> {
    match (&old.input, &new.input) {
        (Input::Assembly(old), Input::Assembly(new)) => {
            compare(old, new, Options::default()).map_err(Failure::Assembly)
        }
        (Input::Templates(old), Input::Templates(new)) => fleet::templates(old, new).map_err(Failure::Assembly),
        (one, _) => {
            let (assembly, templates) = match one {
                Input::Assembly(_) => (old, new),
                Input::Templates(_) => (new, old),
            };
            Err(Failure::Other(anyhow::anyhow!(
                "`{}` is an assembly and `{}` is not; compare two of a kind",
                assembly.name(),
                templates.name()
            )))
        }
    }
}

/// Why a pipeline is not to go on, if it is not.
fn refusal(what: FailOn, counts: &Summary) -> Option<String> {
    let resources = |count: u64| plural(count, "resource is", "resources are");
    match what {
        FailOn::Replacement => {
            let count = counts.replaced + counts.may_be_replaced;
            (count > 0)
                .then(|| format!("{} replaced, or may be, and `--fail-on replacement` is given", resources(count)))
        }
        FailOn::Broadening => {
            let count = counts.broadened;
            let what = plural(count, "resource or policy broadens", "resources or policies broaden");
            (count > 0).then(|| format!("{what} access, or may, and `--fail-on broadening` is given"))
        }
        FailOn::Destructive => {
            let count = counts.replaced + counts.may_be_replaced + counts.removed;
            (count + counts.stacks_deleted > 0)
                .then(|| format!("{} removed or replaced, and `--fail-on destructive` is given", resources(count)))
        }
    }
}
