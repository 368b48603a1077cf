//! Folders and files as they were in a git repository at another time: `HEAD~1:deploy/assembly`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, anyhow, bail};

use super::temporary::Temporary;
use crate::assembly::CDK_MANIFEST;

/// A folder or a file that the user named.
#[derive(Debug)]
pub(super) struct Named {
    name: String,
    path: PathBuf,
    /// Where it was put for the time of the run, if it is of a revision.
    folder: Option<Temporary>,
}

impl Named {
    /// What a user named: what is there under that name, else `REVISION:PATH` of the repository. A name that is neither is
    /// left to whoever reads it.
    ///
    /// # Errors
    /// If the repository has no such revision or path, or git cannot be run.
    pub(super) fn find(name: &Path) -> anyhow::Result<Self> {
        let text = name.to_string_lossy();
        match text.split_once(':') {
            Some((revision, inside)) if !name.exists() => Self::of_revision(revision, inside, &text),
            _ => Ok(Self { name: text.into_owned(), path: name.to_owned(), folder: None }),
        }
    }

    /// What is at a path of a revision; `name` is what the user wrote.
    ///
    /// # Errors
    /// As of [`Named::find`].
    pub(super) fn of_revision(revision: &str, inside: &str, name: &str) -> anyhow::Result<Self> {
        let folder = Temporary::new()?;
        let path = fetch(revision, inside, name, folder.path())?;
        Ok(Self { name: name.to_owned(), path, folder: Some(folder) })
    }

    /// As the user named it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it is now.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was taken out of a git repository.
    pub(super) fn is_of_revision(&self) -> bool {
        self.folder.is_some()
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
