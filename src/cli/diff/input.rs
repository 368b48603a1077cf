//! What is compared: an assembly, templates, or either out of a git repository.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow, bail};

use crate::assembly::{Assembly, CDK_MANIFEST, MANIFEST};
use crate::diff::fleet::TemplateText;
use crate::source::{Disk, World};

/// How templates end that lie in a folder.
const ENDINGS: [&str; 7] = [".template.json", ".template.yaml", ".template.yml", ".template", ".json", ".yaml", ".yml"];

/// Templates by file name, without its ending.
pub(super) type Templates = BTreeMap<String, TemplateText>;

/// What one side is.
pub(super) enum Input {
    Assembly(Box<Assembly>),
    Templates(Templates),
}

/// One side.
pub(super) struct Side {
    /// As the user named it.
    pub(super) name: String,
    pub(super) input: Input,
    /// Where it was put for the time of the comparison.
    folder: Option<Temporary>,
}

impl Side {
    /// Whether it was taken out of a git repository.
    pub(super) fn is_of_revision(&self) -> bool {
        self.folder.is_some()
    }
}

/// Opens both sides.
pub(super) fn open(old: &str, new: &str) -> anyhow::Result<(Side, Side)> {
    Ok((side(old, new)?, side(new, old)?))
}

fn side(name: &str, other: &str) -> anyhow::Result<Side> {
    let path = Path::new(name);
    if path.exists() {
        return Ok(Side { name: name.to_owned(), input: at(path, name)?, folder: None });
    }
    let (revision, inside) = match name.split_once(':') {
        Some((revision, inside)) => (revision, inside.to_owned()),
        // The same path at another time.
        None => (name, own_path(other).with_context(|| nothing(name))?),
    };
    let folder = Temporary::new()?;
    let path = fetch(revision, &inside, name, &folder.0)?;
    Ok(Side { name: name.to_owned(), input: at(&path, name)?, folder: Some(folder) })
}

fn nothing(name: &str) -> String {
    format!("there is no folder or file `{name}`, and for a revision a path is needed: `{name}:assembly`")
}

/// The path that the other side names, as git takes it.
fn own_path(other: &str) -> Option<String> {
    if Path::new(other).is_relative() && Path::new(other).exists() {
        return Some(format!("./{}", other.trim_start_matches("./")));
    }
    other.split_once(':').filter(|_| !Path::new(other).exists()).map(|(_, path)| path.to_owned())
}

/// What is in a folder, or a file.
fn at(path: &Path, name: &str) -> anyhow::Result<Input> {
    if path.join(MANIFEST).exists() {
        return Ok(Input::Assembly(Box::new(Assembly::open(path)?)));
    }
    let read = |path: &Path| Disk::new("").read(path).with_context(|| format!("cannot read `{}`", path.display()));
    if path.is_file() {
        // Two files are two versions of one template, whatever they are called.
        let template = TemplateText { path: name.to_owned(), text: read(path)? };
        return Ok(Input::Templates(BTreeMap::from([("template".to_owned(), template)])));
    }
    let mut templates = Templates::new();
    let entries = fs::read_dir(path).with_context(|| format!("cannot read `{name}`"))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read `{name}`"))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if let Some(stem) = ENDINGS.iter().find_map(|ending| file.strip_suffix(ending))
            && entry.path().is_file()
        {
            let text = read(&entry.path())?;
            if !is_template(&text) {
                continue;
            }
            let template = TemplateText { path: format!("{}/{file}", name.trim_end_matches('/')), text };
            let path = template.path.clone();
            if let Some(other) = templates.insert(stem.to_owned(), template) {
                let (one, other) = (path.clone().min(other.path.clone()), path.max(other.path));
                bail!("`{one}` and `{other}` have one name without their endings; templates are compared by it");
            }
        }
    }
    if templates.is_empty() {
        bail!(
            "`{name}` holds no assembly and no templates: there is neither a `{MANIFEST}` nor a file with `Resources`"
        );
    }
    Ok(Input::Templates(templates))
}

/// Whether a file looks like a template. What is wrong with one is said when it is read.
fn is_template(text: &[u8]) -> bool {
    String::from_utf8_lossy(text).contains("Resources")
}

/// A folder that goes when it is no longer needed.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> anyhow::Result<Self> {
        let base = std::env::temp_dir();
        for number in 0..1000_u32 {
            let path = base.join(format!("tenantry-diff-{}-{number}", std::process::id()));
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            match builder.create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot make a folder in `{}`", base.display()));
                }
            }
        }
        bail!("cannot make a folder in `{}`: there are too many", base.display())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever tidies temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Asks git something. What it says when it cannot is the error.
fn git(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new("git")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| anyhow!("cannot run `git`: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or_default().trim();
    bail!("{}", said.strip_prefix("fatal: ").unwrap_or(said).to_owned())
}

/// Puts the files of a revision into a folder: that folder, or the one file there is.
fn fetch(revision: &str, inside: &str, name: &str, folder: &Path) -> anyhow::Result<PathBuf> {
    let missing = || format!("there is no folder or file `{name}`, and it names nothing in a git repository");
    if revision.is_empty() || revision.starts_with('-') {
        bail!("there is no folder or file `{name}`");
    }
    git(&["rev-parse", "--git-dir"]).with_context(missing)?;
    let commit = format!("{revision}^{{tree}}");
    git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
        .map_err(|_| anyhow!("there is no folder or file `{name}`, and git knows no revision `{revision}`"))?;
    let object = format!("{revision}:{}", inside.trim_end_matches('/'));
    let kind = git(&["cat-file", "-t", &object]).map_err(|_| anyhow!("the revision `{revision}` has no `{inside}`"))?;
    let list = match String::from_utf8_lossy(&kind).trim() {
        "blob" => {
            let file = folder.join("template");
            fs::File::create(&file)?.write_all(&git(&["cat-file", "blob", &object])?)?;
            return Ok(file);
        }
        _ => {
            // In a subfolder `ls-tree` lists only what is below it, unless it is told the tree alone.
            let tree = git(&["rev-parse", "--verify", "--end-of-options", &object])?;
            git(&["ls-tree", "-r", "-z", "--full-tree", String::from_utf8_lossy(&tree).trim()])?
        }
    };
    let mut batch = Batch::start()?;
    for line in list.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let line = String::from_utf8_lossy(line);
        let Some((about, path)) = line.split_once('\t') else { continue };
        let mut about = about.split(' ');
        let (mode, _, id) = (about.next(), about.next(), about.next());
        // Links, and what nobody here asks for, are left out.
        let wanted =
            matches!(mode, Some("100644" | "100755")) && !path.starts_with("evidence/") && path != CDK_MANIFEST;
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        let (true, true, Some(id)) = (wanted, plain, id) else { continue };
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        batch.copy(id, &target).with_context(|| format!("cannot read `{path}` of `{name}`"))?;
    }
    Ok(folder.to_owned())
}

/// A git that hands out one object after the other.
struct Batch {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Batch {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new("git")
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| anyhow!("cannot run `git`: {error}"))?;
        let answers = child.stdout.take().context("git has no output")?;
        Ok(Self { child, answers: BufReader::new(answers) })
    }

    fn copy(&mut self, id: &str, target: &Path) -> anyhow::Result<()> {
        let questions = self.child.stdin.as_mut().context("git has no input")?;
        writeln!(questions, "{id}")?;
        questions.flush()?;
        let mut header = String::new();
        self.answers.read_line(&mut header)?;
        let size = header.split_whitespace().nth(2).and_then(|size| size.parse::<u64>().ok());
        let size = size.with_context(|| format!("git says `{}`", header.trim()))?;
        let mut file = fs::File::create(target)?;
        std::io::copy(&mut (&mut self.answers).take(size), &mut file)?;
        // A line's end comes after every object.
        self.answers.read_line(&mut header)?;
        Ok(())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Without more questions it ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
