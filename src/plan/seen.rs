//! A tenant as one assembly has it: its record, its stacks with their templates, and who owns what.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Place;
use crate::assembly::{Assembly, AssemblyError, Digest, StackRecord, TenantRecord, TierRecord};
use crate::diagnostics::{Code, Diagnostic, Origin, Sink, SourceMap, codes};
use crate::prove::template::Template;
use crate::prove::tenancy::{Owner, Tenancy};

/// A stack and its template.
#[derive(Debug)]
pub struct SeenStack {
    /// The stack.
    pub record: StackRecord<'static>,
    /// Its template.
    pub template: Template,
}

/// A tenant as an assembly has it.
#[derive(Debug)]
pub struct Seen {
    /// The blueprint's name.
    pub blueprint: String,
    /// The environment.
    pub environment: String,
    /// The tenant.
    pub record: TenantRecord<'static>,
    /// Its tier.
    pub tier: TierRecord,
    /// The stacks that are its own.
    pub own: Vec<SeenStack>,
    /// The stacks it shares with others.
    pub shared: Vec<SeenStack>,
    /// Who owns what.
    pub tenancy: Tenancy,
    /// The documents of its tier's organization policies, by path.
    pub policies: BTreeMap<String, Value>,
}

/// Reads files of an assembly; what is wrong with one goes to the sink.
struct Reader<'a> {
    assembly: &'a Assembly,
    sources: &'a mut SourceMap,
    sink: &'a mut Sink,
}

impl Reader<'_> {
    fn find(&mut self, code: &'static Code, path: &str, message: String, help: &str) {
        let file = self.assembly.root().join(path);
        let origin = Origin::Path(file.to_string_lossy().into());
        self.sink.push(Diagnostic::new(code, origin, message).help(help));
    }

    /// A file, which has to be the one that the manifest names.
    fn file(&mut self, path: &str, digest: Digest) -> Result<Vec<u8>, AssemblyError> {
        let bytes = self.assembly.file(path)?;
        if Digest::of(&bytes) != digest {
            let message = format!("`{path}` is not the file that the manifest names");
            let help = "make the assembly again: a plan from an edited one is about something that is not deployed";
            self.find(&codes::VERIFY_DIGEST, path, message, help);
        }
        Ok(bytes)
    }

    fn stack(&mut self, record: &StackRecord<'static>) -> Result<Option<SeenStack>, AssemblyError> {
        let bytes = self.file(&record.template, record.sha256)?;
        let file = self.assembly.root().join(record.template.as_ref());
        let template = Template::read(&file.to_string_lossy(), &bytes, self.sources, self.sink);
        Ok(template.map(|template| SeenStack { record: record.clone(), template }))
    }

    fn policy(&mut self, path: &str) -> Result<Option<Value>, AssemblyError> {
        let digest = self.assembly.manifest().files.iter().find(|file| file.path == path).map(|file| file.sha256);
        let bytes = match digest {
            Some(digest) => self.file(path, digest)?,
            None => self.assembly.file(path)?,
        };
        match serde_json::from_slice(&bytes) {
            Ok(policy) => Ok(Some(policy)),
            Err(error) => {
                let message = format!("`{path}` is no policy: {error}");
                self.find(&codes::VERIFY_DIGEST, path, message, "make the assembly again");
                Ok(None)
            }
        }
    }
}

impl Seen {
    /// A tenant as an assembly has it, in the memory of one tenant; nothing if the assembly does not have it, or if something
    /// is wrong with its files, which the sink says then. The ids that were passed on the way go to `ids`, for the nearest
    /// of them.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn find(
        assembly: &Assembly,
        tenant: &str,
        ids: &mut Vec<String>,
        sources: &mut SourceMap,
        sink: &mut Sink,
    ) -> Result<Option<Self>, AssemblyError> {
        let manifest = assembly.manifest();
        let mut found = None;
        for record in assembly.tenants()? {
            let record = record?;
            if record.tenant == tenant {
                found = Some(record);
                break;
            }
            ids.push(record.tenant.into_owned());
        }
        let Some(record) = found else { return Ok(None) };
        let before = sink.len();
        let mut reader = Reader { assembly, sources, sink };
        let tier = manifest.tiers.iter().find(|tier| tier.tier == record.tier);
        if tier.is_none() {
            let message = format!("tenant `{tenant}` is in tier `{}`, which the manifest does not have", record.tier);
            reader.find(&codes::VERIFY_RECORD, &manifest.tenants.path, message, "make the assembly again");
        }
        let mut own = Vec::new();
        for stack in &record.stacks {
            own.extend(reader.stack(stack)?);
        }
        let mut shared = Vec::new();
        for stack in manifest.cells.iter().flat_map(|cell| &cell.stacks) {
            if record.shared_stacks.contains(&stack.name) {
                shared.extend(reader.stack(stack)?);
            }
        }
        let mut policies = BTreeMap::new();
        for path in tier.iter().flat_map(|tier| tier.policies.scp.iter().chain(&tier.policies.rcp)) {
            policies.extend(reader.policy(path)?.map(|policy| (path.clone(), policy)));
        }
        let bytes = reader.file(&manifest.tenancy.path, manifest.tenancy.sha256)?;
        let tenancy = Tenancy::parse(&bytes, &manifest.tenancy.path, reader.sources, reader.sink);
        let broken = sink.len() > before && sink.has_errors();
        Ok(match (tier, tenancy) {
            (Some(tier), Some(tenancy)) if !broken => Some(Self {
                blueprint: manifest.blueprint.clone(),
                environment: manifest.environment.clone(),
                record,
                tier: tier.clone(),
                own,
                shared,
                tenancy,
                policies,
            }),
            _ => None,
        })
    }

    /// Whose a resource is; nothing if nothing is declared.
    pub(super) fn owner(&self, template: &str, logical_id: &str) -> Option<&Owner> {
        let deployed = self.tenancy.templates.iter().find(|deployed| deployed.template == template)?;
        deployed.owners.get(logical_id)
    }

    /// Where the tenant is.
    pub(super) fn place(&self) -> Place {
        let names = |stacks: &[SeenStack]| stacks.iter().map(|stack| stack.record.name.to_string()).collect();
        Place {
            tier: self.record.tier.to_string(),
            isolation: self.record.isolation.as_str(),
            cell: self.record.cell.to_string(),
            region: self.record.region.to_string(),
            account: self.record.account.as_ref().map(ToString::to_string),
            state: self.record.state.as_str(),
            stacks: names(&self.own),
            shared_stacks: names(&self.shared),
        }
    }

    /// The stack of a name.
    pub(super) fn stack(&self, name: &str) -> Option<&SeenStack> {
        self.own.iter().find(|stack| stack.record.name == name)
    }
}
