//! `tenantry preview`: what one tenant has and will get.

mod live;
mod serve;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::Ending;
use super::args::Source;
use super::load::{Loaded, load};
use super::progress::Counter;
use super::revision::Named;
use super::temporary::Temporary;
use super::terminal::Terminal;
use crate::assembly::{Assembly, MANIFEST};
use crate::check::Checked;
use crate::diagnostics::{Diagnostic, Origin, Sink, SourceMap, codes};
use crate::dsl;
use crate::emit::pretty;
use crate::facts::Facts;
use crate::preview::{Frame, Look, Preview, PreviewError, page, preview, tree};
use crate::rollout::sets::instances;
use crate::source::Disk;
use crate::synth::{Destination, Inputs, Options, synth};

/// The folder of the assembly, where none is named.
const ASSEMBLY: &str = "assembly";
/// The blueprint, where none is named.
const BLUEPRINT: &str = "blueprint.yaml";

/// Show what one tenant has and will get.
///
/// With a blueprint, the tenant is shown as the blueprint would make it, and compared with the assembly that is there; tenants
/// stay where that assembly has them. With `--assembly`, or where there is no blueprint, it is shown as the assembly has it.
/// Nothing is written but the page of `--html`, and nothing is proved.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The tenant's id.
    tenant: String,

    /// The blueprint; `blueprint.yaml` if there is one, unless the program brings its own.
    #[arg(short, long, value_name = "FILE", conflicts_with = "assembly")]
    blueprint: Option<PathBuf>,

    /// Show the tenant as this assembly has it.
    #[arg(long, value_name = "DIR")]
    assembly: Option<PathBuf>,

    /// Compare with this assembly, or that of a git revision (`HEAD~1:assembly`); `assembly` for a blueprint, if there is one.
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,

    /// A file that overrides dated facts, such as quotas that were raised.
    #[arg(long, value_name = "FILE", conflicts_with = "assembly")]
    facts: Option<PathBuf>,

    /// How the result is written.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    output: Output,

    /// Show every resource in the tree, the values of outputs, and the tags of stacks.
    #[arg(long)]
    all: bool,

    /// Draw the tree with ASCII, as is done where the locale is not UTF-8.
    #[arg(long)]
    ascii: bool,

    /// Write the preview as a page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Serve the page to this machine alone, and look again when a file changes; at a free port, or at this address.
    #[arg(
        long,
        value_name = "ADDR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "127.0.0.1:0",
        conflicts_with_all = ["html", "output", "live"]
    )]
    serve: Option<SocketAddr>,

    #[command(flatten)]
    live: live::Live,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// A tree, for people.
    #[default]
    Tree,
    /// JSON, as `tenantry schema preview` describes it.
    Json,
}

pub(super) fn run(args: &Args, own: Option<dsl::Blueprint>, terminal: &Terminal) -> anyhow::Result<Ending> {
    let subject = Subject::of(args, own)?;
    if let Some(address) = args.serve {
        return serve::serve(&subject, address, terminal);
    }
    let Looked { preview, findings, sources, material, .. } = subject.look(terminal)?;
    let Some(mut preview) = preview else { return Ok(terminal.report(findings, &sources, false)?) };
    let answered = !args.live.live || live::ask(&mut preview, &material, &args.live)?;
    let ending = terminal.report(findings, &sources, false)?;
    show(&preview, args, terminal)?;
    Ok(if answered { ending } else { Ending::CouldNotRun })
}

fn show(preview: &Preview, args: &Args, terminal: &Terminal) -> anyhow::Result<()> {
    if let Some(file) = &args.html {
        let page = page(Some(preview), &Frame { tenant: &args.tenant, ..Frame::default() })?;
        write(file, &page).with_context(|| format!("cannot write the page `{}`", file.display()))?;
        // JSON that was asked for stays alone on standard output.
        if args.output == Output::Tree {
            terminal.say(&format!(
                "{}: {} resources of tenant {}",
                file.display(),
                count(preview),
                preview.tenant.id
            ))?;
            return Ok(());
        }
    }
    match args.output {
        Output::Tree => {
            let look = Look { colour: terminal.colour(), unicode: !args.ascii && is_utf8(), all: args.all };
            terminal.print(&tree(preview, look))?;
        }
        Output::Json => terminal.print(&String::from_utf8_lossy(&pretty(preview)))?,
    }
    Ok(())
}

fn count(preview: &Preview) -> usize {
    preview.stacks.iter().map(|stack| stack.resources.len()).sum()
}

#[expect(clippy::disallowed_methods, reason = "the user named the file")]
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(file, text)
}

/// Whether the locale is one of UTF-8. What says nothing is taken for one: `C` says that it is not.
#[expect(clippy::disallowed_methods, reason = "only the command line reads the environment")]
fn is_utf8() -> bool {
    // The order of POSIX: the first that is set and not empty decides.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|set| !set.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// What is previewed.
struct Subject<'a> {
    tenant: &'a str,
    source: Given,
    facts: Option<PathBuf>,
    against: Option<Named>,
    /// Whether AWS is to be asked.
    live: bool,
}

/// Where the tenant comes from.
enum Given {
    /// A blueprint in a file.
    File(PathBuf),
    /// The blueprint of the program.
    Program(Box<dsl::Blueprint>),
    /// An assembly.
    Assembly(PathBuf),
}

/// A preview, or what is wrong.
#[derive(Default)]
struct Looked {
    preview: Option<Preview>,
    findings: Sink,
    sources: SourceMap,
    /// The files that it was made from, and those that were looked for.
    touched: BTreeSet<PathBuf>,
    /// What AWS is asked with, if it is.
    material: live::Material,
}

impl<'a> Subject<'a> {
    fn of(args: &'a Args, own: Option<dsl::Blueprint>) -> anyhow::Result<Self> {
        let source = match (own, &args.blueprint, &args.assembly) {
            (_, _, Some(assembly)) => Given::Assembly(assembly.clone()),
            (Some(_), Some(path), None) => {
                bail!("this program brings its own blueprint and takes none, but `{}` was named", path.display())
            }
            (Some(own), None, None) => Given::Program(Box::new(own)),
            (None, Some(path), None) => Given::File(path.clone()),
            (None, None, None) if Path::new(BLUEPRINT).exists() => Given::File(BLUEPRINT.into()),
            (None, None, None) if Path::new(ASSEMBLY).join(MANIFEST).exists() => Given::Assembly(ASSEMBLY.into()),
            (None, None, None) => bail!(
                "there is neither `{BLUEPRINT}` nor an assembly in `{ASSEMBLY}`; name one with `--blueprint FILE` or \
                 `--assembly DIR`"
            ),
        };
        let against = match (&args.against, &source) {
            (Some(named), _) => Some(named.as_path()),
            (None, Given::Assembly(_)) => None,
            (None, _) => Some(Path::new(ASSEMBLY)).filter(|folder| folder.join(MANIFEST).exists()),
        };
        let against = against.map(Named::find).transpose()?;
        Ok(Self { tenant: &args.tenant, source, facts: args.facts.clone(), against, live: args.live.live })
    }

    /// Looks at it as it is now.
    fn look(&self, terminal: &Terminal) -> anyhow::Result<Looked> {
        let mut looked = Looked { touched: self.named(), ..Looked::default() };
        let against = match self.against.as_ref().map(|named| Assembly::open(named.path())).transpose() {
            Ok(against) => against,
            Err(error) => {
                looked.findings.push(error.diagnostic());
                return Ok(looked);
            }
        };
        let (own, file) = match &self.source {
            Given::Assembly(folder) => {
                let outcome = Assembly::open(folder)
                    .map_err(PreviewError::from)
                    .and_then(|assembly| self.read(&assembly, against.as_ref(), &mut looked.material));
                looked.preview = taken(outcome, None, &mut looked.findings);
                return Ok(looked);
            }
            Given::Program(own) => (Some((**own).clone()), None),
            Given::File(path) => (None, Some(path.clone())),
        };
        let source = Source { blueprint: file.clone(), facts: self.facts.clone(), deny_warnings: false };
        let Loaded { sources, findings, facts, world, checked } = load(&source, own)?;
        looked.sources = sources;
        looked.findings = findings;
        if let Some(checked) = &checked {
            let folder = Temporary::new()?;
            let target = folder.path().join(ASSEMBLY);
            if self.synthesize(checked, (&facts, &world), against.as_ref(), &target, terminal, &mut looked.findings) {
                let outcome = Assembly::open(&target)
                    .map_err(PreviewError::from)
                    .and_then(|assembly| self.read(&assembly, against.as_ref(), &mut looked.material));
                let named = file.as_deref().map_or_else(|| "the program's blueprint".into(), Path::to_string_lossy);
                looked.preview = taken(outcome, Some(&named), &mut looked.findings);
            }
        }
        looked.touched.extend(world.touched());
        Ok(looked)
    }

    /// The preview, and what AWS is asked with: an assembly that was made for it is gone when somebody asks.
    fn read(
        &self,
        assembly: &Assembly,
        against: Option<&Assembly>,
        material: &mut live::Material,
    ) -> Result<Preview, PreviewError> {
        let mut preview = preview(assembly, self.tenant, against)?;
        // As the user named it, not where it lies for this run.
        if let (Some(changes), Some(named)) = (&mut preview.changes, &self.against) {
            named.name().clone_into(&mut changes.against);
        }
        if !self.live {
            return Ok(preview);
        }
        for stack in &preview.stacks {
            if !material.templates.contains_key(&stack.template) {
                let text = String::from_utf8_lossy(&assembly.file(&stack.template)?).into_owned();
                material.templates.insert(stack.template.clone(), text);
            }
        }
        if let Some(record) = assembly.tenant(self.tenant)? {
            material.sets = instances(assembly.manifest(), &record);
        }
        Ok(preview)
    }

    /// Makes the assembly in a folder of its own. Whether there is one.
    fn synthesize(
        &self,
        checked: &Checked,
        (facts, world): (&Facts, &Disk),
        ledger: Option<&Assembly>,
        target: &Path,
        terminal: &Terminal,
        findings: &mut Sink,
    ) -> bool {
        let counter = Counter::new(terminal.is_watched());
        let inputs = Inputs { facts, world, ledger, progress: &|done| counter.show(done), git_sync: None };
        // Who looks at a change wants an answer now; the proof is for `synth`.
        let options = Options { cdk: false, prove: false, ..Options::default() };
        let outcome = synth(checked, &inputs, Destination::Folder(target), &options, findings);
        counter.clear();
        match outcome {
            Ok(made) => made.is_some(),
            Err(error) => {
                findings.push(error.diagnostic());
                false
            }
        }
    }

    /// The files that are looked at whatever is in them.
    fn named(&self) -> BTreeSet<PathBuf> {
        let own = match &self.source {
            Given::File(path) => Some(path.clone()),
            Given::Program(_) => None,
            Given::Assembly(folder) => Some(folder.join(MANIFEST)),
        };
        let against = self.against.as_ref().map(|named| named.path().join(MANIFEST));
        own.into_iter().chain(against).chain(self.facts.clone()).collect()
    }
}

/// The preview, or a finding. The folder that was made for it is gone when somebody reads that, so the place is the
/// blueprint.
fn taken(outcome: Result<Preview, PreviewError>, blueprint: Option<&str>, findings: &mut Sink) -> Option<Preview> {
    match outcome {
        Ok(preview) => Some(preview),
        Err(error) => {
            let mut finding: Diagnostic = error.diagnostic();
            if let Some(blueprint) = blueprint
                && std::ptr::eq(finding.code, &codes::TENANT_NOT_FOUND)
            {
                finding.primary.origin = Origin::Path(blueprint.into());
            }
            findings.push(finding);
            None
        }
    }
}
