//! The arguments. The doc comments are the help texts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::report::ReportFormat;

/// From a typed description of a multi-tenant product on AWS to what has to be deployed for it.
///
/// Exit codes: 0 fine, 1 findings, 2 could not run, 3 isolation refuted or unknown, 4 changes exist.
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,

    #[command(flatten)]
    pub(super) global: Global,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// How findings are written: `json`, `sarif` and `junit` to standard output, the others to standard error.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) format: ReportFormat,

    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(super) color: Color,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a blueprint to begin with.
    Init(Init),
    /// Find what is wrong with a blueprint and its tenants.
    Check(Check),
    /// Make the assembly: templates, policies, and a record for every tenant.
    Synth(Synth),
    /// Compare an assembly with its manifest: digests, schema, and records.
    Verify(Verify),
    /// Prove that no request crosses from one tenant to another.
    Prove(Prove),
    /// Compare two assemblies: what will happen to whom.
    Diff(super::diff::Args),
    /// Show what one tenant has and will get.
    Preview(super::preview::Args),
    /// Make the ordered plan for a change in a tenant's life.
    Plan(super::plan::Args),
    /// Divide a deployment into waves.
    Rollout(super::rollout::Args),
    /// Carry a rollout out.
    Deploy(super::deploy::Args),
    /// Show which version each tenant has.
    Status(super::deploy::StatusArgs),
    /// Look for resources that are not as their templates say.
    Drift(super::deploy::DriftArgs),
    /// Show the page of a finding's code.
    Explain(Explain),
    /// Print a JSON Schema.
    Schema(Schema),
    /// Print completions for a shell.
    Completions(Completions),
}

/// Write a blueprint to begin with.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The file to write.
    #[arg(default_value = "blueprint.yaml")]
    pub(super) file: PathBuf,

    /// The product's name.
    #[arg(long, default_value = "my-product")]
    pub(super) name: String,
}

/// The blueprint and what goes with it.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// The blueprint; `blueprint.yaml` unless the program brings its own.
    pub(super) blueprint: Option<PathBuf>,

    /// A file that overrides dated facts, such as quotas that were raised.
    #[arg(long, value_name = "FILE")]
    pub(super) facts: Option<PathBuf>,

    /// End with exit code 1 for warnings as well.
    #[arg(long)]
    pub(super) deny_warnings: bool,
}

/// Find what is wrong with a blueprint and its tenants.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) source: Source,
}

/// Make the assembly.
#[derive(Debug, Args)]
pub(super) struct Synth {
    #[command(flatten)]
    pub(super) source: Source,

    /// The folder of the assembly.
    #[arg(short, long, default_value = "assembly", value_name = "DIR")]
    pub(super) out: PathBuf,

    /// Write nothing; end with exit code 4 if the assembly would change.
    #[arg(long)]
    pub(super) check: bool,

    /// Write a template for every tenant, with its values filled in.
    #[arg(long, conflicts_with = "templates")]
    pub(super) expand: bool,

    /// How templates are written. The CDK's command line reads JSON only.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) templates: Option<Templates>,

    /// Leave out the proof that tenants are kept apart, and its evidence.
    #[arg(long)]
    pub(super) no_prove: bool,

    /// Leave out `manifest.json`, which makes the assembly a CDK cloud assembly too.
    #[arg(long)]
    pub(super) no_cdk: bool,

    /// Write a deployment file for every stack into `git-sync/`, for CloudFormation's Git sync.
    #[arg(long)]
    pub(super) git_sync: bool,

    /// The assembly's path from the root of the repository; that of `--out` by default.
    #[arg(long, value_name = "DIR", requires = "git_sync")]
    pub(super) git_sync_root: Option<PathBuf>,

    /// The earlier assembly whose tenants stay where they are; the one that is replaced by default.
    #[arg(long, value_name = "DIR")]
    pub(super) ledger: Option<PathBuf>,

    /// Threads; by default as many as there are cores with `--expand`, and one without: records alone are soon made.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) threads: Option<u16>,
}

/// How templates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Templates {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// Compare an assembly with its manifest.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The assembly.
    #[arg(default_value = "assembly")]
    pub(super) assembly: PathBuf,
}

/// Prove that no request crosses from one tenant to another.
#[derive(Debug, Args)]
pub(super) struct Prove {
    /// An assembly; or, with `--tenancy`, templates of the declaration that lie elsewhere.
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// The declaration of who owns what; files are named from its folder. By default the assembly's `tenancy.json`.
    #[arg(long, value_name = "FILE")]
    pub(super) tenancy: Option<PathBuf>,

    /// Write the evidence: what was asked and answered, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) evidence: Option<PathBuf>,

    /// Write a report for auditors, as Markdown (`.md`) or HTML (`.html`); may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Vec<PathBuf>,

    /// Write every formula as a problem in SMT-LIB, into a folder that is empty or not there.
    #[arg(long, value_name = "DIR")]
    pub(super) emit_smt2: Option<PathBuf>,

    /// Ask a second solver, `cvc5` or `z3`: its name or path.
    #[arg(long, value_name = "SOLVER")]
    pub(super) cross_check: Option<PathBuf>,

    /// Write each request that breaks a claim as a case for a simulator, into a folder that is empty or not there.
    #[arg(long, value_name = "DIR")]
    pub(super) counterexamples: Option<PathBuf>,
}

/// Show the page of a finding's code.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The code, such as `isolation/unpartitioned-table`.
    pub(super) code: String,
}

/// Print a JSON Schema.
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of what.
    #[arg(value_enum, default_value_t = SchemaOf::Blueprint)]
    pub(super) of: SchemaOf,
}

/// What there are JSON Schemas of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// A blueprint.
    Blueprint,
    /// An assembly's `tenantry.json`.
    Assembly,
    /// An assembly's `tenancy.json`, or a `tenancy.yaml` of your own.
    Tenancy,
    /// A line of an assembly's `tenants.jsonl`.
    Tenant,
    /// The record of a proof, an assembly's `evidence/isolation.json`.
    Evidence,
    /// What one tenant has and will get: `preview --output json`.
    Preview,
    /// What `diff --output json` writes.
    Diff,
    /// A `rollout.json`.
    Rollout,
    /// The settings of rollouts, `rollout.yaml`.
    RolloutSettings,
    /// The plan of a change in a tenant's life.
    Plan,
}

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}
