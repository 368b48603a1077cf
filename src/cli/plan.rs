//! `tenantry plan`: the ordered plan for a change in one tenant's life, from its first day to its erasure.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::Ending;
use super::revision::Named;
use super::terminal::Terminal;
use crate::assembly::Assembly;
use crate::diagnostics::{Diagnostic, Origin, Sink, SourceMap, codes};
use crate::plan::catalogue::Catalogue;
use crate::plan::{KEEP_DAYS, Request, Seen, invariants, markdown, plan, text};
use crate::source::{Disk, World};

/// Make the ordered plan for a change in a tenant's life.
///
/// What kind of change it is follows from the two assemblies: a tenant that only the wanted one has comes, one that only the
/// deployed one has leaves, one in another tier or cell moves, one in another state is suspended or served again.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant's id.
    tenant: String,

    /// The assembly that is deployed, or that of a git revision (`v41:assembly`); none for a product that is not deployed yet.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,

    /// The assembly that is wanted.
    #[arg(long, value_name = "DIR", default_value = "assembly", conflicts_with = "erase")]
    to: PathBuf,

    /// Plan that the tenant leaves and all of its data goes; needs `--from` alone.
    #[arg(long, requires = "from")]
    erase: bool,

    /// For how many days the old place is kept before anything is erased.
    #[arg(long, value_name = "DAYS", default_value_t = KEEP_DAYS, value_parser = clap::value_parser!(u64).range(0..=3_650))]
    keep_days: u64,

    /// Say that no object lock and no vault lock on the tenant's data stands any more.
    #[arg(long)]
    locks_ended: bool,

    /// Say that the data of this component may be lost in a move to a tier that has no such component.
    #[arg(long, value_name = "COMPONENT")]
    let_go: Vec<String>,

    /// A file with entries of your own about how resource types keep data, in the form of `data/tenant-data-stores.json`.
    #[arg(long, value_name = "FILE")]
    stores: Option<PathBuf>,

    /// How the plan is written.
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    output: Output,
}

/// How the plan is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// A runbook in text.
    #[default]
    Text,
    /// Markdown, with a box to tick for each step.
    Markdown,
    /// JSON; `tenantry schema plan` describes it.
    Json,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> anyhow::Result<Ending> {
    let mut sources = SourceMap::default();
    let mut sink = Sink::new();
    let mut ids = Vec::new();
    let mut look = |root: &PathBuf| -> anyhow::Result<Option<Seen>> {
        let named = Named::find(root)?;
        let assembly = Assembly::open(named.path())?;
        Ok(Seen::find(&assembly, &args.tenant, &mut ids, &mut sources, &mut sink)?)
    };
    let from = args.from.as_ref().map(&mut look).transpose()?.flatten();
    let to = if args.erase { None } else { look(&args.to)? };
    if from.is_none() && to.is_none() && !sink.has_errors() {
        sink.push(
            Diagnostic::new(
                &codes::PLAN_UNKNOWN_TENANT,
                Origin::Path(args.from.as_ref().unwrap_or(&args.to).to_string_lossy().into()),
                format!("there is no tenant `{}`", args.tenant),
            )
            .did_you_mean(&args.tenant, ids.iter().map(String::as_str))
            .help("name a tenant as `tenants.jsonl` of the assembly has it"),
        );
    }
    if sink.has_errors() {
        return Ok(terminal.report(sink, &sources, false)?);
    }
    let catalogue = match &args.stores {
        None => Catalogue::shipped()?,
        Some(path) => {
            let bytes = Disk::new(".").read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            let text = String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8", path.display()))?;
            Catalogue::with(&text).with_context(|| format!("cannot read `{}`", path.display()))?
        }
    };
    let request = Request {
        erase: args.erase,
        keep_days: args.keep_days,
        locks_ended: args.locks_ended,
        let_go: args.let_go.clone(),
    };
    let Some(made) = plan(from.as_ref(), to.as_ref(), &request, &catalogue, &mut sink) else {
        return Ok(terminal.report(sink, &sources, false)?);
    };
    // A plan with an error is no plan: what it leaves out would be taken for nothing.
    if sink.has_errors() {
        return Ok(terminal.report(sink, &sources, false)?);
    }
    let problems = invariants::problems(&made);
    if !problems.is_empty() {
        bail!("the plan does not hold, which is a mistake of this program: {}", problems.join("; "));
    }
    terminal.print(&match args.output {
        Output::Text => text(&made),
        Output::Markdown => markdown(&made),
        Output::Json => serde_json::to_string_pretty(&made)? + "\n",
    })?;
    Ok(terminal.report(sink, &sources, false)?)
}
