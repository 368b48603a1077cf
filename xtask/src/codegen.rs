//! Writes `src/cfn/types/*.rs`: a Rust type for each resource type in `xtask/types.txt`.
//!
//! Three steps: the schema of a type becomes a [`model`], whose leaves have [`kinds`], and the model becomes
//! [`emit`]ted Rust, which `rustfmt` puts in shape.

mod emit;
mod kinds;
mod model;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::pack::Pack;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn output() -> PathBuf {
    root().join("src/cfn/types")
}

/// Writes the generated files, and removes those that are no longer generated.
pub(crate) fn write() -> Result<()> {
    let files = render()?;
    let output = output();
    fs::create_dir_all(&output)?;
    for entry in fs::read_dir(&output)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !files.contains_key(&name) {
            fs::remove_file(path)?;
        }
    }
    for (name, text) in &files {
        fs::write(output.join(name), text)?;
    }
    println!("{} files, {} lines", files.len(), files.values().map(|text| text.lines().count()).sum::<usize>());
    Ok(())
}

/// Fails if the committed files are not what [`write`] would write.
pub(crate) fn check() -> Result<()> {
    let files = render()?;
    let mut stale = Vec::new();
    for (name, text) in &files {
        if fs::read_to_string(output().join(name)).ok().as_ref() != Some(text) {
            stale.push(name.clone());
        }
    }
    for entry in fs::read_dir(output())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !files.contains_key(&name) {
            stale.push(name);
        }
    }
    if !stale.is_empty() {
        bail!("src/cfn/types is stale ({}); run `cargo run -p xtask -- codegen`", stale.join(", "));
    }
    Ok(())
}

/// The files by name.
fn render() -> Result<BTreeMap<String, String>> {
    let list = fs::read_to_string(root().join("xtask/types.txt"))?;
    let pack = Pack::cut(include_bytes!("../../schemas/resource-types.pack"), b"TNTYPES1").context("no pack")?;
    let mut services: BTreeMap<String, BTreeMap<String, serde_json::Value>> = BTreeMap::new();
    for name in list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let record =
            pack.find(name).and_then(|entry| pack.open(entry)).with_context(|| format!("{name} is not in the pack"))?;
        let record = serde_json::from_slice(&record)?;
        let service = name.split("::").nth(1).with_context(|| format!("{name} has no service"))?;
        services.entry(service.to_owned()).or_default().insert(name.to_owned(), record);
    }
    let mut files = BTreeMap::new();
    for (service, types) in &services {
        files.insert(format!("{}.rs", service.to_lowercase()), emit::service(service, &model::service(types)?));
    }
    let mut files = format(files)?;
    files.insert("mod.rs".to_owned(), emit::index(services.keys()));
    Ok(files)
}

fn format(files: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let folder = tempfile::tempdir()?;
    let mut rustfmt = Command::new("rustfmt");
    // The settings are given here, so that the files do not depend on what is configured around them.
    rustfmt.args(["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"]);
    for (name, text) in &files {
        let path = folder.path().join(name);
        fs::write(&path, text)?;
        rustfmt.arg(path);
    }
    ensure!(rustfmt.status().context("rustfmt cannot be run")?.success(), "rustfmt refuses the generated code");
    files.into_keys().map(|name| Ok((name.clone(), fs::read_to_string(folder.path().join(name))?))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_types_are_up_to_date() {
        super::check().unwrap();
    }
}
