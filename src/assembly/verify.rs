//! Whether an assembly is what its manifest says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::cdk::read_artifacts;
use super::error::{AssemblyError, AssemblyErrorKind};
use super::read::{Lines, inside, read};
use super::write::walk;
use super::{
    ASSEMBLY_SCHEMA, CDK_MANIFEST, Digest, FileRecord, MANIFEST, Manifest, Scope, StackRecord, TENANCY_SCHEMA,
    TemplateRecord, TenantRecord, swap,
};
use crate::diagnostics::{Code, Diagnostic, Origin, Sink, codes};

/// How many findings about tenants' records are told one by one.
const TOLD: u64 = 100;

/// Finds everything in a folder that is not as its manifest says.
#[must_use]
pub fn verify(root: &Path) -> Sink {
    let mut check = Check { root: root.to_owned(), sink: Sink::new(), records: 0 };
    if let Some(manifest) = check.manifest() {
        check.files(&manifest);
        check.strangers(&manifest);
        check.references(&manifest);
        check.tenancy(&manifest);
        let whole = check.tenants(&manifest);
        if whole {
            check.cdk(&manifest);
        }
        if check.records > TOLD {
            let more = check.records - TOLD;
            let origin = check.at(&manifest.tenants.path);
            check.sink.push(Diagnostic::new(&codes::VERIFY_RECORD, origin, format!("{more} more records do not fit")));
        }
    }
    check.sink
}

struct Check {
    root: PathBuf,
    sink: Sink,
    /// How many findings there are about records.
    records: u64,
}

/// What the records are held against.
struct Known<'m> {
    templates: BTreeMap<&'m str, &'m TemplateRecord>,
    /// Whether every tenant has templates of its own.
    expanded: bool,
    files: BTreeMap<&'m str, Digest>,
    shared: BTreeSet<&'m str>,
}

impl Check {
    fn at(&self, path: &str) -> Origin {
        Origin::Path(self.root.join(path).to_string_lossy().into())
    }

    fn find(&mut self, code: &'static Code, path: &str, message: impl Into<String>) {
        let origin = self.at(path);
        self.sink.push(Diagnostic::new(code, origin, message));
    }

    fn manifest(&mut self) -> Option<Manifest> {
        let path = self.root.join(MANIFEST);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = if error.kind() == io::ErrorKind::NotFound {
                    format!("there is no `{MANIFEST}`, so this is not an assembly")
                } else {
                    format!("`{MANIFEST}` cannot be read: {error}")
                };
                self.find(&codes::VERIFY_MANIFEST, MANIFEST, message);
                return None;
            }
        };
        let value: Value = match serde_json::from_slice(&bytes) {
            Ok(value) => value,
            Err(error) => {
                let file: Arc<str> = path.to_string_lossy().into();
                let origin = Origin::Line { file, line: error.line() as u64 };
                let message = format!("`{MANIFEST}` is not JSON: {error}");
                self.sink.push(Diagnostic::new(&codes::VERIFY_MANIFEST, origin, message));
                return None;
            }
        };
        let before = self.sink.len();
        match serde_json::from_str(ASSEMBLY_SCHEMA).map(|schema: Value| jsonschema::validator_for(&schema)) {
            Ok(Ok(validator)) => {
                for error in validator.iter_errors(&value) {
                    let place = error.instance_path().to_string();
                    let place = if place.is_empty() { "the manifest".to_owned() } else { format!("`{place}`") };
                    self.find(&codes::VERIFY_MANIFEST, MANIFEST, format!("{place} does not fit: {error}"));
                }
            }
            // INVARIANT: the schema is part of this program, and a test compiles it.
            _ => self.find(&codes::VERIFY_MANIFEST, MANIFEST, "the schema of the manifest cannot be read"),
        }
        if self.sink.len() > before {
            return None;
        }
        match serde_json::from_value(value) {
            Ok(manifest) => Some(manifest),
            Err(error) => {
                self.find(&codes::VERIFY_MANIFEST, MANIFEST, format!("the manifest does not fit: {error}"));
                None
            }
        }
    }

    fn files(&mut self, manifest: &Manifest) {
        if !manifest.files.is_sorted_by(|a, b| a.path < b.path) {
            self.find(&codes::VERIFY_MANIFEST, MANIFEST, "the files are not sorted, or one is there twice");
        }
        for file in &manifest.files {
            let path = match inside(&self.root, &file.path) {
                Ok(path) => path,
                Err(error) => {
                    self.find(&codes::VERIFY_MANIFEST, MANIFEST, error.to_string());
                    continue;
                }
            };
            let plain = fs::symlink_metadata(&path).map(|metadata| metadata.is_file());
            match plain.and_then(|plain| if plain { fingerprint(&path).map(Some) } else { Ok(None) }) {
                Ok(Some((digest, bytes))) if digest == file.sha256 && bytes == file.bytes => {}
                Ok(Some((_, bytes))) if bytes != file.bytes => {
                    let message = format!("`{}` has {bytes} bytes, and the manifest says {}", file.path, file.bytes);
                    self.find(&codes::VERIFY_DIGEST, &file.path, message);
                }
                Ok(Some((digest, _))) => {
                    let message =
                        format!("`{}` has the digest {digest}, and the manifest says {}", file.path, file.sha256);
                    self.find(&codes::VERIFY_DIGEST, &file.path, message);
                }
                Ok(None) => {
                    self.find(&codes::VERIFY_DIGEST, &file.path, format!("`{}` is not a plain file", file.path));
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    self.find(&codes::VERIFY_MISSING, &file.path, format!("`{}` is not there", file.path));
                }
                Err(error) => {
                    let message = format!("`{}` cannot be read: {error}", file.path);
                    self.find(&codes::VERIFY_MISSING, &file.path, message);
                }
            }
        }
    }

    fn strangers(&mut self, manifest: &Manifest) {
        let known: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).chain([MANIFEST]).collect();
        let mut strangers = Vec::new();
        let walked = walk(&self.root, &mut |path, _| {
            if !known.contains(path) {
                strangers.push(path.to_owned());
            }
        });
        for path in strangers {
            self.find(&codes::VERIFY_STRANGER, &path, format!("`{path}` is not in the manifest"));
        }
        if let Err(error) = walked {
            self.sink.push(error.diagnostic());
        }
    }

    /// Whether the parts of the manifest fit each other.
    fn references(&mut self, manifest: &Manifest) {
        let known = Known::new(manifest);
        let mut problems = Vec::new();
        let mut named = |path: &str, sha256: Option<Digest>| match known.files.get(path) {
            None => problems.push(format!("`{path}` is named, but is not among the files")),
            Some(digest) if sha256.is_some_and(|sha256| sha256 != *digest) => {
                problems.push(format!("`{path}` has one digest among the files and another elsewhere"));
            }
            Some(_) => {}
        };
        for template in &manifest.templates {
            named(&template.path, Some(template.sha256));
        }
        named(&manifest.tenants.path, Some(manifest.tenants.sha256));
        named(&manifest.tenancy.path, Some(manifest.tenancy.sha256));
        if let Some(path) = &manifest.evidence.path {
            named(path, None);
        }
        for tier in &manifest.tiers {
            let templates = tier.cell_template.iter().chain(&tier.tenant_template);
            for path in templates.chain(&tier.policies.scp).chain(&tier.policies.rcp) {
                named(path, None);
            }
        }
        for cell in &manifest.cells {
            for stack in &cell.stacks {
                problems.extend(known.stack(stack).err());
            }
        }
        for problem in problems {
            self.find(&codes::VERIFY_MANIFEST, MANIFEST, problem);
        }
    }

    /// Whether the declaration of who owns what speaks of all templates of the manifest, and of no other.
    fn tenancy(&mut self, manifest: &Manifest) {
        let path = &manifest.tenancy.path;
        // A file that is missing was found with the other files.
        let Some(bytes) = inside(&self.root, path).ok().and_then(|path| read(&path).ok()) else { return };
        let problems = match serde_json::from_slice(&bytes) {
            Ok(declaration) => declaration_problems(&declaration, manifest),
            Err(error) => vec![format!("`{path}` is not JSON: {error}")],
        };
        for problem in problems {
            self.find(&codes::VERIFY_TENANCY, path, problem);
        }
    }

    /// Whether every tenant's record fits the manifest; returns whether all of them could be read.
    fn tenants(&mut self, manifest: &Manifest) -> bool {
        // What is wrong with the file as a whole was found with the other files.
        let Ok(mut lines) = inside(&self.root, &manifest.tenants.path).and_then(Lines::open) else { return false };
        let known = Known::new(manifest);
        let mut tiers: BTreeMap<&str, (u64, super::Isolation)> =
            manifest.tiers.iter().map(|tier| (tier.tier.as_str(), (0, tier.isolation))).collect();
        let mut cells: BTreeMap<&str, u64> = manifest.cells.iter().map(|cell| (cell.cell.as_str(), 0)).collect();
        let mut before = String::new();
        let (mut count, mut whole) = (0, true);
        loop {
            let record: TenantRecord<'static> = match lines.next() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(error) => {
                    whole = false;
                    count += 1;
                    let readable = matches!(error.kind(), AssemblyErrorKind::Record { .. });
                    self.record(error.diagnostic());
                    if readable {
                        continue;
                    }
                    break;
                }
            };
            count += 1;
            let mut problems = Vec::new();
            if before.as_str() >= record.tenant.as_ref() && count > 1 {
                problems.push(format!("`{}` comes after `{before}`, so the lines are not sorted", record.tenant));
            }
            match tiers.get_mut(record.tier.as_ref()) {
                None => problems.push(format!("the tier `{}` is not in the manifest", record.tier)),
                Some((tenants, isolation)) => {
                    *tenants += 1;
                    if *isolation != record.isolation {
                        problems.push(format!("the tier `{}` is a {isolation} in the manifest", record.tier));
                    }
                }
            }
            match cells.get_mut(record.cell.as_ref()) {
                None => problems.push(format!("the cell `{}` is not in the manifest", record.cell)),
                Some(tenants) => *tenants += 1,
            }
            for name in record.shared_stacks.iter().filter(|name| !known.shared.contains(name.as_ref())) {
                problems.push(format!("no cell has the stack `{name}`"));
            }
            problems.extend(record.stacks.iter().filter_map(|stack| known.stack(stack).err()));
            for problem in problems {
                let file: Arc<str> = self.root.join(&manifest.tenants.path).to_string_lossy().into();
                let origin = Origin::Line { file, line: lines.number() };
                let message = format!("tenant `{}`: {problem}", record.tenant);
                self.record(Diagnostic::new(&codes::VERIFY_RECORD, origin, message));
            }
            before.clear();
            before.push_str(&record.tenant);
        }
        self.count(&manifest.tenants.path, "in all", manifest.tenants.count, count);
        if whole {
            for tier in &manifest.tiers {
                let found = tiers.get(tier.tier.as_str()).map_or(0, |(found, _)| *found);
                self.count(&manifest.tenants.path, &format!("in tier `{}`", tier.tier), tier.tenants, found);
            }
            for cell in &manifest.cells {
                let found = cells.get(cell.cell.as_str()).copied().unwrap_or(0);
                self.count(&manifest.tenants.path, &format!("in cell `{}`", cell.cell), cell.tenants, found);
            }
        }
        whole
    }

    fn count(&mut self, path: &str, what: &str, said: u64, found: u64) {
        if said != found {
            let message = format!("the manifest says {said} tenants {what}, and there are {found}");
            self.find(&codes::VERIFY_RECORD, path, message);
        }
    }

    fn record(&mut self, finding: Diagnostic) {
        self.records += 1;
        if self.records <= TOLD {
            self.sink.push(finding);
        }
    }

    /// Whether the cloud assembly lists the stacks of the cells and then of the tenants, in this order.
    fn cdk(&mut self, manifest: &Manifest) {
        if !manifest.files.iter().any(|FileRecord { path, .. }| path == CDK_MANIFEST) {
            return;
        }
        let opened = inside(&self.root, &manifest.tenants.path).and_then(Lines::open);
        let file = swap::open_plain(&self.root.join(CDK_MANIFEST));
        let (Ok(mut lines), Ok(file)) = (opened, file) else { return };
        let organization: BTreeSet<&str> = manifest
            .templates
            .iter()
            .filter(|template| template.scope == Scope::Organization)
            .map(|template| template.path.as_str())
            .collect();
        let mut cells = manifest.cells.iter().flat_map(|cell| cell.stacks.iter().cloned());
        let mut own: std::vec::IntoIter<StackRecord<'static>> = Vec::new().into_iter();
        let mut expected = move || -> Result<Option<StackRecord<'static>>, AssemblyError> {
            loop {
                if let Some(stack) = cells.next().or_else(|| own.next()) {
                    return Ok(Some(stack));
                }
                match lines.next::<TenantRecord<'static>>()? {
                    Some(record) => own = record.stacks.into_iter(),
                    None => return Ok(None),
                }
            }
        };
        let mut problem = None;
        let result = read_artifacts(io::BufReader::new(file), &mut |id, artifact| {
            let extra = artifact.template.as_deref().is_some_and(|path| organization.contains(path));
            if problem.is_some() || !artifact.is_stack() || extra {
                return;
            }
            problem = match expected() {
                Ok(Some(stack)) if stack.name == id && artifact.is(&stack) => None,
                Ok(Some(stack)) if stack.name == id => {
                    Some(format!("the stack `{id}` has another template, account or region than its record"))
                }
                Ok(Some(stack)) => Some(format!("it lists `{id}` where the records have `{}`", stack.name)),
                Ok(None) => Some(format!("it lists `{id}`, which no record has")),
                Err(error) => Some(error.to_string()),
            };
        });
        if problem.is_none() && result.is_ok() {
            problem = match expected() {
                Ok(None) => None,
                Ok(Some(stack)) => Some(format!("it does not list `{}`", stack.name)),
                Err(error) => Some(error.to_string()),
            };
        }
        if let Some(problem) = problem.or_else(|| result.err().map(|error| error.to_string())) {
            let message = format!("`{CDK_MANIFEST}` is not the cloud assembly of these stacks: {problem}");
            self.find(&codes::VERIFY_RECORD, CDK_MANIFEST, message);
        }
    }
}

impl<'m> Known<'m> {
    fn new(manifest: &'m Manifest) -> Self {
        Self {
            templates: manifest.templates.iter().map(|template| (template.path.as_str(), template)).collect(),
            files: manifest.files.iter().map(|file| (file.path.as_str(), file.sha256)).collect(),
            expanded: manifest.expanded,
            shared: manifest.cells.iter().flat_map(|cell| &cell.stacks).map(|stack| stack.name.as_ref()).collect(),
        }
    }

    /// What is wrong with a stack, if anything.
    fn stack(&self, stack: &StackRecord<'_>) -> Result<(), String> {
        let StackRecord { name, template: path, .. } = stack;
        let Some(template) = self.templates.get(path.as_ref()) else {
            // A template of one tenant's own, with the values filled in.
            if self.expanded && self.files.get(path.as_ref()) == Some(&stack.sha256) && stack.parameters.is_empty() {
                return Ok(());
            }
            return Err(format!("the stack `{name}` has the template `{path}`, which is not in the manifest"));
        };
        if template.sha256 != stack.sha256 {
            return Err(format!("the stack `{name}` was made for another version of `{path}`"));
        }
        if let Some(parameter) = stack.parameters.keys().find(|key| !template.parameters.iter().any(|own| own == *key))
        {
            return Err(format!("the stack `{name}` sets `{parameter}`, which is no parameter of `{path}`"));
        }
        Ok(())
    }
}

/// What is wrong with a declaration of who owns what, beside the manifest of the same assembly.
fn declaration_problems(declaration: &Value, manifest: &Manifest) -> Vec<String> {
    let schema = serde_json::from_str(TENANCY_SCHEMA).map(|schema: Value| jsonschema::validator_for(&schema));
    // INVARIANT: the schema is part of this program, and a test compiles it.
    let Ok(Ok(validator)) = schema else { return vec!["the schema of the declaration cannot be read".to_owned()] };
    let misfits = validator.iter_errors(declaration).map(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "the declaration".to_owned() } else { format!("`{place}`") };
        format!("{place} does not fit: {error}")
    });
    let mut problems: Vec<String> = misfits.collect();
    let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text(declaration, "/ids/pattern") != manifest.id_pattern {
        problems.push("it is about other ids than the manifest".to_owned());
    }
    let list = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut declared: BTreeMap<String, String> = BTreeMap::new();
    for template in list(declaration, "/templates") {
        let path = text(&template, "/template");
        for file in ["scp", "rcp", "suspended"].map(|kind| list(&template, &format!("/guardrails/{kind}"))).concat() {
            if !manifest.files.iter().any(|known| file == known.path.as_str()) {
                problems.push(format!("`{path}` has the guardrail {file}, which is not in the manifest"));
            }
        }
        if declared.insert(path.clone(), text(&template, "/scope")).is_some() {
            problems.push(format!("`{path}` is declared twice"));
        }
    }
    for template in &manifest.templates {
        let scope = match template.scope {
            Scope::Cell => "shared",
            Scope::Tenant => "tenant",
            Scope::Organization => continue,
        };
        match declared.remove(&template.path) {
            None => problems.push(format!("`{}` is not in the declaration", template.path)),
            Some(said) if said != scope => {
                problems.push(format!("`{}` is declared as `{said}`, and is deployed as `{scope}`", template.path));
            }
            Some(_) => {}
        }
    }
    problems
        .extend(declared.keys().map(|path| format!("`{path}` is in the declaration, and no template of the manifest")));
    problems
}

/// The digest and the size of a file.
fn fingerprint(path: &Path) -> io::Result<(Digest, u64)> {
    let mut file = swap::open_plain(path)?;
    let mut buffer = vec![0; 64 * 1024];
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((Digest::finish(hasher), bytes));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests;
