//! `tenantry prove`: whether anything crosses from one tenant to another, by the templates that are deployed.

mod instances;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Ending;
use super::args;
use super::solver::Solver;
use super::terminal::Terminal;
use crate::assembly::{Assembly, Digest, MANIFEST, TENANTS};
use crate::diagnostics::{Diagnostic, Origin, Sink, SourceMap, codes};
use crate::facts::Facts;
use crate::prove::evidence::Evidence;
use crate::prove::findings::findings;
use crate::prove::policy::Place;
use crate::prove::proof::{Method, Outcome, Proof, Verdict};
use crate::prove::prove;
use crate::prove::report::{Form, report};
use crate::prove::request::{Request, Tools};
use crate::prove::smt::Script;
use crate::prove::tenancy::Tenancy;
use crate::source::{Disk, Node, Value, World, read, why};

/// The folder of the assembly where none is named: the one that `synth` writes.
const ASSEMBLY: &str = "assembly";

/// How long a second solver may think about one question, in seconds.
const PATIENCE: u32 = 10;

/// What answers a request; nothing when a file cannot be read, and then the sink says which.
pub(super) type Engine = fn(&Request, &mut Tools<'_>, &mut SourceMap, &mut Sink) -> anyhow::Result<Option<Proof>>;

/// The prover, with the facts that are shipped.
pub(super) fn engine(
    request: &Request,
    tools: &mut Tools<'_>,
    sources: &mut SourceMap,
    wrong: &mut Sink,
) -> anyhow::Result<Option<Proof>> {
    Ok(prove(request, tools, &Facts::shipped()?, sources, wrong).map(|proved| proved.proof))
}

pub(super) fn run(args: &args::Prove, engine: Engine, terminal: &Terminal) -> anyhow::Result<Ending> {
    let forms = forms(&args.report)?;
    let solver = args.cross_check.as_deref().map(|program| Solver::find(&program.to_string_lossy())).transpose()?;
    for folder in [&args.emit_smt2, &args.counterexamples].into_iter().flatten() {
        prepare(folder)?;
    }
    let (mut sources, mut wrong) = (SourceMap::default(), Sink::new());
    let Some(input) = input(args, &mut sources, &mut wrong)? else {
        return Ok(terminal.report(wrong, &sources, false)?);
    };
    let Some((mut proof, problems)) =
        ask(&input.request, solver.as_ref(), args.emit_smt2.is_some(), engine, &mut sources, &mut wrong)?
    else {
        return Ok(terminal.report(wrong, &sources, false)?);
    };
    if let Some(assembly) = &input.assembly {
        instances::hold(assembly, &input.request, &mut proof)?;
    }
    let evidence = Evidence::from(&proof);
    if let Some(path) = &args.evidence {
        write(path, &evidence.to_bytes())?;
    }
    for (path, form) in forms {
        write(path, report(&proof, &input.request.tenancy, form)?.as_bytes())?;
    }
    if let Some(folder) = &args.emit_smt2 {
        for (id, problem) in &problems {
            write(&folder.join(format!("{}.smt2", file_name(id))), problem.as_bytes())?;
        }
    }
    if let Some(folder) = &args.counterexamples {
        for asked in &proof.obligations {
            if let Verdict::Refuted(found) = &asked.verdict {
                let name = format!("{}-{}.json", asked.claim.as_str(), file_name(&asked.id));
                write(&folder.join(name), format!("{:#}\n", found.case).as_bytes())?;
            }
        }
    }
    located(&proof, &input, &mut sources).into_iter().for_each(|finding| wrong.push(finding));
    let reported = terminal.report(wrong, &sources, false)?;
    for line in summary(&proof, &evidence) {
        terminal.say(&line)?;
    }
    Ok(if proof.result() == Outcome::Proved { reported } else { Ending::NotProved })
}

/// The files that are to hold reports, and how each is laid out.
fn forms(paths: &[PathBuf]) -> anyhow::Result<Vec<(&Path, Form)>> {
    let form = |path: &PathBuf| match path.extension().and_then(|extension| extension.to_str()) {
        Some("md") => Some(Form::Markdown),
        Some("html") => Some(Form::Html),
        _ => None,
    };
    let mut forms = Vec::new();
    for path in paths {
        let Some(form) = form(path) else {
            bail!("`{}` is to be a report and ends in neither `.md` nor `.html`", path.display())
        };
        forms.push((path.as_path(), form));
    }
    Ok(forms)
}

/// What a proof is about, and what its files are called by the user.
struct Input {
    request: Request,
    shown: BTreeMap<String, String>,
    /// The assembly that the files are of, whose stacks are looked at too.
    assembly: Option<Box<Assembly>>,
}

/// Where the files of a declaration are.
enum Files {
    Assembly(Box<Assembly>),
    Folder(Disk),
}

impl Files {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Assembly(assembly) => assembly.file(name).map_err(|error| error.to_string()),
            Self::Folder(disk) => disk.read(Path::new(name)).map_err(|error| why(&error)),
        }
    }
}

/// Reads the declaration and everything that it names. Nothing when something is missing; the sink says what.
fn input(args: &args::Prove, sources: &mut SourceMap, wrong: &mut Sink) -> anyhow::Result<Option<Input>> {
    let (base, name, templates) = match (&args.tenancy, args.paths.as_slice()) {
        (Some(file), templates) => {
            let name = file.file_name().and_then(|name| name.to_str());
            let name = name.with_context(|| format!("`{}` is not the name of a file", file.display()))?;
            (file.parent().map(Path::to_path_buf).unwrap_or_default(), name.to_owned(), templates)
        }
        (None, []) => (PathBuf::from(ASSEMBLY), Request::DECLARATION.to_owned(), [].as_slice()),
        (None, [folder]) => (folder.clone(), Request::DECLARATION.to_owned(), [].as_slice()),
        (None, _) => bail!("several templates are proved together with what `--tenancy FILE` says about them"),
    };
    let from = if args.tenancy.is_none() && base.join(MANIFEST).exists() {
        Files::Assembly(Box::new(Assembly::open(&base)?))
    } else {
        Files::Folder(Disk::new(&base))
    };
    let shown = |name: &str| base.join(name).display().to_string();
    let declaration = from.read(&name).map_err(anyhow::Error::msg).with_context(|| {
        format!("cannot read the declaration `{}`; name an assembly, or a declaration with `--tenancy`", shown(&name))
    })?;
    let Some(tenancy) = Tenancy::parse(&declaration, &shown(&name), sources, wrong) else { return Ok(None) };
    let declared: BTreeSet<&str> = tenancy.templates.iter().map(|deployed| deployed.template.as_str()).collect();
    let elsewhere = elsewhere(&declared, templates, &base, wrong);
    let policies = tenancy.templates.iter().flat_map(|deployed| deployed.guardrails.files());
    let mut files = BTreeMap::from([(Request::DECLARATION.to_owned(), declaration)]);
    let mut names = BTreeMap::from([(Request::DECLARATION.to_owned(), shown(&name))]);
    for name in declared.iter().copied().chain(policies) {
        if files.contains_key(name) {
            continue;
        }
        let (bytes, at) = match elsewhere.get(name) {
            Some(path) => (Disk::new("").read(path).map_err(|error| why(&error)), path.display().to_string()),
            None => (from.read(name), shown(name)),
        };
        match bytes {
            Ok(bytes) => {
                files.insert(name.to_owned(), bytes);
                names.insert(name.to_owned(), at);
            }
            Err(problem) => {
                let message = format!("the declaration names `{name}`, which cannot be read: {problem}");
                wrong.push(Diagnostic::new(&codes::PROOF_INPUT, Origin::Path(at.into()), message));
            }
        }
    }
    let assembly = match from {
        Files::Assembly(assembly) => {
            for name in [MANIFEST, TENANTS] {
                names.insert(name.to_owned(), shown(name));
            }
            Some(assembly)
        }
        Files::Folder(_) => None,
    };
    Ok((!wrong.has_errors()).then_some(Input { request: Request { tenancy, files }, shown: names, assembly }))
}

/// Which templates of the declaration the named files are: those at the same place, or else those of the same file name.
fn elsewhere<'d>(
    declared: &BTreeSet<&'d str>,
    templates: &[PathBuf],
    base: &Path,
    wrong: &mut Sink,
) -> BTreeMap<&'d str, PathBuf> {
    let mut found = BTreeMap::new();
    for path in templates {
        let same_place = declared.iter().find(|name| base.join(name) == *path);
        let mut same_name = declared.iter().filter(|name| Path::new(name).file_name() == path.file_name());
        let only = match (same_name.next(), same_name.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        };
        match same_place.or(only) {
            Some(name) => {
                found.insert(*name, path.clone());
            }
            None => {
                let shown = path.display().to_string();
                let message = format!("`{shown}` is not a template of the declaration");
                let finding = Diagnostic::new(&codes::PROOF_INPUT, Origin::Path(shown.into()), message);
                wrong.push(finding.help("add it to `templates` of the declaration, or leave it out here"));
            }
        }
    }
    found
}

/// A proof, and its problems in SMT-LIB by obligation.
type Answered = (Proof, BTreeMap<String, String>);

/// Asks the engine, with the solver at hand. The problems are kept if they are wanted.
fn ask(
    request: &Request,
    solver: Option<&Solver>,
    keep: bool,
    engine: Engine,
    sources: &mut SourceMap,
    wrong: &mut Sink,
) -> anyhow::Result<Option<Answered>> {
    let mut problems = BTreeMap::new();
    let mut take = |id: &str, problem: &str| {
        problems.insert(id.to_owned(), problem.to_owned());
    };
    // A question that the solver does not understand stays without its answer, and the evidence shows that.
    let put = |problem: &Script| solver.and_then(|solver| solver.ask(problem, PATIENCE).ok());
    let mut tools = Tools {
        problems: if keep { Some(&mut take) } else { None },
        solver: if solver.is_some() { Some(&put) } else { None },
        lints: true,
    };
    let proof = engine(request, &mut tools, sources, wrong)?;
    Ok(proof.map(|proof| (proof, problems)))
}

/// The findings, at the lines of the files they are about.
fn located(proof: &Proof, input: &Input, sources: &mut SourceMap) -> Vec<Diagnostic> {
    let mut trees: BTreeMap<&str, Option<Node>> = BTreeMap::new();
    for place in places(proof) {
        let Some(bytes) = input.request.files.get(&place.file) else { continue };
        let shown = input.shown.get(&place.file).unwrap_or(&place.file);
        // What is no tree here was reported, or is shown as a file.
        trees.entry(&place.file).or_insert_with(|| read(shown, bytes, sources, &mut Sink::new()));
    }
    let locate = |place: &Place| {
        if let Some(line) = instances::line(place) {
            let file = input.shown.get(&place.file).unwrap_or(&place.file).as_str().into();
            return Origin::Line { file, line };
        }
        let node = trees.get(place.file.as_str()).and_then(Option::as_ref).and_then(|tree| at(tree, &place.pointer));
        let whole = || Origin::Path(input.shown.get(&place.file).unwrap_or(&place.file).as_str().into());
        node.map_or_else(whole, |node| named(node).origin.clone())
    };
    findings(proof, &locate)
}

/// The places that findings will ask for.
fn places(proof: &Proof) -> Vec<&Place> {
    let mut places: Vec<&Place> = proof.lints.iter().map(|lint| &lint.place).collect();
    for asked in &proof.obligations {
        match &asked.verdict {
            Verdict::Proved => {}
            Verdict::Refuted(found) => places.extend(found.granted_by.iter().map(|(place, _)| place)),
            Verdict::Unknown(obstacle) => places.extend(&obstacle.place),
        }
    }
    places
}

/// What a JSON pointer leads to, or what is nearest above it; nothing where not even the resource is there.
fn at<'n>(tree: &'n Node, pointer: &str) -> Option<&'n Node> {
    let (mut node, mut depth) = (tree, 0);
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match &node.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == step).map(|entry| &entry.value),
            Value::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        match next {
            Some(next) => (node, depth) = (next, depth + 1),
            None if depth < 2 => return None,
            None => break,
        }
    }
    (depth > 0).then_some(node)
}

/// The part of a value that tells a reader which it is: of a statement its `Sid` or what it does, not its first brace.
fn named(node: &Node) -> &Node {
    let Value::Map(entries) = &node.value else { return node };
    let named = ["Sid", "Effect"].iter().find_map(|key| entries.iter().find(|entry| entry.key == *key));
    named.map_or(node, |entry| &entry.value)
}

/// What was found, in a few lines.
fn summary(proof: &Proof, evidence: &Evidence) -> Vec<String> {
    let all = proof.obligations.len();
    let count = |outcome| proof.obligations.iter().filter(|asked| asked.verdict.outcome() == outcome).count();
    let first = match proof.result() {
        Outcome::Proved => format!("proved: all {all} questions, each for every pair of tenants at once"),
        Outcome::Unknown => format!("unknown: {} of {all} questions could not be decided", count(Outcome::Unknown)),
        Outcome::Refuted => {
            let (refuted, unknown) = (count(Outcome::Refuted), count(Outcome::Unknown));
            let more = if unknown > 0 { format!(", {unknown} could not be decided") } else { String::new() };
            format!("refuted: {refuted} of {all} questions have an answer that must not be{more}")
        }
    };
    let mut lines = vec![first];
    for tally in &evidence.claims {
        let mut parts = vec![format!("{} proved", tally.proved)];
        parts.extend((tally.refuted > 0).then(|| format!("{} refuted", tally.refuted)));
        parts.extend((tally.unknown > 0).then(|| format!("{} unknown", tally.unknown)));
        lines.push(format!("  {}: {}", tally.claim.as_str(), parts.join(", ")));
    }
    let quiet = proof.obligations.iter().filter(|asked| asked.method == Method::NoGrant).count();
    let checked = proof.obligations.iter().filter(|asked| asked.cross_check.is_some()).count();
    let mut facts = vec![format!("{} files read", evidence.inputs.len()), format!("{quiet} without any grant")];
    facts.extend((checked > 0).then(|| format!("{checked} put to a second solver")));
    facts.push(format!("{} assumptions", evidence.assumptions.len()));
    lines.push(format!("  {}", facts.join(", ")));
    lines.push(format!("  evidence {}", evidence.digest));
    lines
}

/// A name for a file that is about one obligation: what can be read of the id, and a part of its digest.
fn file_name(id: &str) -> String {
    let readable: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = readable.split('-').filter(|word| !word.is_empty()).collect();
    let readable: String = words.join("-").chars().take(80).collect();
    let digest: String = Digest::of(id.as_bytes()).to_string().chars().take(12).collect();
    format!("{readable}-{digest}")
}

/// Makes a folder, or takes one that is empty: what an earlier run left would be taken for part of this one.
fn prepare(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder `{shown}`"))?;
    let mut entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder `{shown}`"))?;
    if entries.next().is_some() {
        bail!("the folder `{shown}` is not empty; empty it, or name another");
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make the folder of `{shown}`"))?;
    }
    let mut file = File::create(path).with_context(|| format!("cannot write `{shown}`"))?;
    file.write_all(bytes).with_context(|| format!("cannot write `{shown}`"))
}

#[cfg(test)]
mod tests;
