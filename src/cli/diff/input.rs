//! What is compared: an assembly, templates, or either out of a git repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::assembly::{Assembly, MANIFEST};
use crate::cli::revision::Named;
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
    pub(super) input: Input,
    place: Named,
}

impl Side {
    /// As the user named it.
    pub(super) fn name(&self) -> &str {
        self.place.name()
    }

    /// Whether it was taken out of a git repository.
    pub(super) fn is_of_revision(&self) -> bool {
        self.place.is_of_revision()
    }
}

/// Opens both sides.
pub(super) fn open(old: &str, new: &str) -> anyhow::Result<(Side, Side)> {
    Ok((side(old, new)?, side(new, old)?))
}

fn side(name: &str, other: &str) -> anyhow::Result<Side> {
    let place = match name.split_once(':') {
        // The same path at another time.
        None if !Path::new(name).exists() => {
            Named::of_revision(name, &own_path(other).with_context(|| nothing(name))?, name)?
        }
        _ => Named::find(Path::new(name))?,
    };
    Ok(Side { input: at(place.path(), name)?, place })
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
