//! What an assembly holds about one tenant.

use std::collections::BTreeMap;

use crate::assembly::{Assembly, AssemblyError, StackRecord, TenantRecord, TierRecord};
use crate::diagnostics::{Diagnostic, Nearest, Origin, Sink, SourceMap, codes};
use crate::prove::template::{Setting, Stack, Template, instantiate};
use crate::prove::tenancy::{Deployed, Tenancy};
use crate::prove::text::{CharSet, Symbol, Symbols};

use super::document::Sharing;
use crate::facts::partition;

/// How many ids are named when one is not there.
const NEAREST: usize = 3;

/// Why there is no preview.
#[derive(Debug)]
pub enum PreviewError {
    /// The assembly cannot be read.
    Assembly(AssemblyError),
    /// There is no such tenant, or a file of the assembly is not what it should be.
    Found(Box<Diagnostic>),
}

impl From<AssemblyError> for PreviewError {
    fn from(error: AssemblyError) -> Self {
        Self::Assembly(error)
    }
}

impl PreviewError {
    /// The error as a finding.
    #[must_use]
    pub fn diagnostic(self) -> Diagnostic {
        match self {
            Self::Assembly(error) => error.diagnostic(),
            Self::Found(finding) => *finding,
        }
    }
}

/// A stack that serves the tenant.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) record: StackRecord<'static>,
    pub(super) sharing: Sharing,
    pub(super) tenants: u64,
}

/// Everything about one tenant that stands in the manifest and in its record.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) assembly: &'a Assembly,
    pub(super) record: TenantRecord<'static>,
    pub(super) tier: Option<&'a TierRecord>,
    /// What it shares first, then its own.
    pub(super) stacks: Vec<Served>,
}

/// Looks for the tenant.
pub(super) fn subject<'a>(assembly: &'a Assembly, id: &str) -> Result<Subject<'a>, PreviewError> {
    let record = match assembly.tenant(id)? {
        Some(record) => record,
        // All ids are looked at, for those that come near.
        None => {
            let mut nearest = Nearest::new(id, NEAREST);
            let found = assembly.find(id, &mut |entry| nearest.look(&entry.tenant))?;
            found.ok_or_else(|| PreviewError::Found(Box::new(not_found(assembly, id, &nearest))))?
        }
    };
    // Nobody but the tenants' file says how many share a stack.
    let sharers = if record.shared_stacks.is_empty() { 0 } else { sharers(assembly, &record)? };
    let manifest = assembly.manifest();
    let cell = manifest.cells.iter().find(|cell| cell.cell == record.cell);
    let shared = cell
        .into_iter()
        .flat_map(|cell| &cell.stacks)
        .filter(|stack| record.shared_stacks.contains(&stack.name))
        .map(|stack| Served { record: stack.clone(), sharing: Sharing::Pooled, tenants: sharers });
    let own = record.stacks.iter().map(|stack| Served { record: stack.clone(), sharing: Sharing::Siloed, tenants: 1 });
    let stacks = shared.chain(own).collect();
    let tier = manifest.tiers.iter().find(|tier| tier.tier == record.tier);
    Ok(Subject { assembly, record, tier, stacks })
}

/// How many tenants of the same tier are in the same cell.
fn sharers(assembly: &Assembly, record: &TenantRecord<'_>) -> Result<u64, AssemblyError> {
    let mut ledger = assembly.ledger()?;
    let mut count = 0;
    while let Some(entry) = ledger.next()? {
        count += u64::from(entry.tier == record.tier && entry.cell == record.cell);
    }
    Ok(count)
}

fn not_found(assembly: &Assembly, id: &str, nearest: &Nearest) -> Diagnostic {
    let root = assembly.root().to_string_lossy().into_owned();
    let count = assembly.manifest().tenants.count;
    let among = match count {
        0 => "there are no tenants at all".to_owned(),
        1 => "the only one is another".to_owned(),
        count => format!("none of the {count} has this id"),
    };
    let finding = Diagnostic::new(
        &codes::TENANT_NOT_FOUND,
        Origin::Path(root.as_str().into()),
        format!("there is no tenant `{id}`; {among}"),
    );
    finding.help_if(nearest.question())
}

/// A stack of the tenant's with its template evaluated.
#[derive(Debug)]
pub(super) struct Evaluated<'s> {
    pub(super) served: &'s Served,
    pub(super) template: Template,
    pub(super) stack: Stack,
    /// What the declaration says about the template.
    pub(super) declared: Option<Deployed>,
}

/// Evaluates the templates of the tenant's stacks with its values. Parts that are known only after a deployment are
/// symbols.
///
/// Beside them comes the session tag that says for whom a session acts.
pub(super) fn evaluate<'s>(
    subject: &'s Subject<'_>,
    symbols: &mut Symbols,
) -> Result<(Vec<Evaluated<'s>>, String), PreviewError> {
    let tenancy = tenancy(subject.assembly)?;
    let mut done: Vec<Evaluated<'s>> = Vec::with_capacity(subject.stacks.len());
    for served in &subject.stacks {
        let record = &served.record;
        let template = template(subject.assembly, &record.template)?;
        let setting = setting(record, &done, symbols);
        let others: BTreeMap<&str, &Stack> =
            done.iter().map(|other| (other.served.record.name.as_ref(), &other.stack)).collect();
        let stack = instantiate(&template, &setting, &record.name, &|key| others.get(key).copied(), symbols);
        let declared = declared(&tenancy, subject, served);
        done.push(Evaluated { served, template, stack, declared });
    }
    Ok((done, tenancy.tag))
}

/// What a template is deployed with for one stack.
fn setting(record: &StackRecord<'_>, done: &[Evaluated<'_>], symbols: &mut Symbols) -> Setting {
    let partition = partition(&record.region);
    let account = record.account.as_ref().map_or_else(
        || {
            let symbol = Symbol {
                name: "account".to_owned(),
                alphabet: CharSet::digits(),
                length: (12, 12),
                family: None,
                sample: "111111111111".to_owned(),
            };
            symbols.intern(symbol).map(String::from).unwrap_or_default()
        },
        ToString::to_string,
    );
    Setting {
        parameters: record.parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        partition: partition.to_owned(),
        region: record.region.to_string(),
        account,
        stack_name: record.name.to_string(),
        // A parameter holds the other stack's name; an expanded template has it written out. Both lead there.
        stacks: done
            .iter()
            .map(|other| other.served.record.name.to_string())
            .map(|name| (name.clone(), name))
            .collect(),
    }
}

fn template(assembly: &Assembly, path: &str) -> Result<Template, PreviewError> {
    let bytes = assembly.file(path)?;
    let mut sink = Sink::new();
    Template::read(path, &bytes, &mut SourceMap::default(), &mut sink).ok_or_else(|| {
        let full = assembly.root().join(path).to_string_lossy().into_owned();
        let finding = sink.into_sorted().into_iter().next();
        PreviewError::Found(Box::new(finding.unwrap_or_else(|| {
            Diagnostic::new(&codes::OUTPUT_IO, Origin::Path(full.as_str().into()), format!("cannot read `{full}`"))
        })))
    })
}

fn tenancy(assembly: &Assembly) -> Result<Tenancy, PreviewError> {
    let path = &assembly.manifest().tenancy.path;
    let bytes = assembly.file(path)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let full = assembly.root().join(path).to_string_lossy().into_owned();
        let message = format!("cannot read `{full}`: {error}");
        let origin = Origin::Path(full.as_str().into());
        PreviewError::Found(Box::new(Diagnostic::new(&codes::VERIFY_MANIFEST, origin, message)))
    })
}

/// What the declaration says about a stack's template. A template that was written for one tenant is declared as the
/// tier's.
fn declared(tenancy: &Tenancy, subject: &Subject<'_>, served: &Served) -> Option<Deployed> {
    let exact = tenancy.templates.iter().find(|deployed| deployed.template == served.record.template);
    let of_tier = || {
        let tier = subject.tier?;
        let path = match served.sharing {
            Sharing::Pooled => tier.cell_template.as_deref()?,
            Sharing::Siloed => tier.tenant_template.as_deref()?,
        };
        tenancy.templates.iter().find(|deployed| deployed.template == path)
    };
    exact.or_else(of_tier).cloned()
}
