//! The pipeline, from a checked model to an assembly on the disk.
//!
//! Templates first: a tier is rendered once, whatever the number of its tenants. Then the tenants stream by: each is
//! placed, becomes a record, and is forgotten. Nothing is put in place before the last of them is written.

mod organization;
mod proof;
mod records;
mod shapes;
mod tenancy;

use std::path::Path;

pub use records::Progress;

use crate::assembly::{Assembly, TENANCY, TENANTS};
use crate::assembly::{
    AssemblyError, CellRecord, Draft, Evidence, Fact, Format, Manifest, Mode, Outcome, TenancyRecord, TenantsRecord,
    TierRecord, Verdict,
};
use crate::check::{Checked, acknowledge};
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::facts::{Facts, FactsError};
use crate::model::{Boundary, Isolation};
use crate::source::World;

/// How an assembly is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// One concrete template for each tenant, instead of parameters. Templates are JSON then.
    pub expand: bool,
    /// Whether templates are written as YAML. Such an assembly is no CDK cloud assembly.
    pub yaml: bool,
    /// Threads that make records and expanded templates.
    pub threads: usize,
    /// Whether the assembly is a CDK cloud assembly as well.
    pub cdk: bool,
    /// Whether warnings that nobody acknowledged keep the assembly from being put in place.
    pub deny_warnings: bool,
    /// Whether it is proved that tenants are kept apart and nobody is locked out. Without, the manifest says so.
    pub prove: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { expand: false, yaml: false, threads: 1, cdk: true, deny_warnings: false, prove: true }
    }
}

/// Where an assembly goes.
#[derive(Debug, Clone, Copy)]
pub enum Destination<'a> {
    /// Into a folder, replacing the assembly that is there.
    Folder(&'a Path),
    /// Nowhere: only what would change in the folder is found out.
    Compare(&'a Path),
    /// Nowhere: only findings are of interest.
    Nowhere,
}

/// Why there is no assembly, beside findings.
#[derive(Debug)]
pub enum SynthError {
    /// The assembly cannot be read or written.
    Assembly(AssemblyError),
    /// The facts lack something.
    Facts(FactsError),
}

impl From<AssemblyError> for SynthError {
    fn from(error: AssemblyError) -> Self {
        Self::Assembly(error)
    }
}

impl From<FactsError> for SynthError {
    fn from(error: FactsError) -> Self {
        Self::Facts(error)
    }
}

impl From<std::io::Error> for SynthError {
    fn from(error: std::io::Error) -> Self {
        Self::Assembly(AssemblyError::from(error))
    }
}

impl SynthError {
    /// The error as a finding.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Assembly(error) => error.diagnostic(),
            Self::Facts(error) => Diagnostic::new(&codes::OUTPUT_IO, Origin::Derived, error.to_string()),
        }
    }
}

/// What goes into a synthesis beside the model.
pub struct Inputs<'a> {
    /// The dated facts.
    pub facts: &'a Facts,
    /// Where function code is read from.
    pub world: &'a dyn World,
    /// The earlier assembly whose ledger says who lives where.
    pub ledger: Option<&'a Assembly>,
    /// Told now and then how many tenants are done.
    pub progress: Progress<'a>,
    /// The assembly's path in its repository, if every stack is to have a deployment file for CloudFormation's Git sync.
    pub git_sync: Option<&'a str>,
}

/// Makes the assembly of a checked model. Findings go to the sink; with errors among them nothing is put in place and
/// there is no outcome.
///
/// # Errors
/// If the assembly or the ledger cannot be read or written.
pub fn synth(
    checked: &Checked,
    inputs: &Inputs<'_>,
    destination: Destination<'_>,
    options: &Options,
    sink: &mut Sink,
) -> Result<Option<Outcome>, SynthError> {
    let model = checked.model();
    let shapes = shapes::Shapes::render(checked, inputs, options, sink)?;
    let policies = organization::Policies::pack(model, inputs.facts, options.prove, sink)?;
    if sink.has_errors() {
        acknowledge(model, sink);
        return Ok(None);
    }
    let draft = match destination {
        Destination::Folder(path) => Draft::begin(path, Mode::Write)?,
        Destination::Compare(path) => Draft::begin(path, Mode::Check)?,
        Destination::Nowhere => Draft::nowhere(),
    };
    shapes.write(&draft)?;
    let organization = policies.write(&draft, model, inputs.facts)?;
    let mut instances =
        options.prove.then(|| proof::instances(model, &shapes, &organization, options.expand)).flatten();
    let declare = |variant: &std::sync::Arc<shapes::Shape>| {
        let own = std::slice::from_ref(variant);
        let tenancy = tenancy::tenancy(model, &shapes, own, &organization.tiers, &organization.suspended);
        tenancy.templates.into_iter().find(|deployed| deployed.template == variant.path)
    };
    let watch = instances.as_mut().map(|instances| records::Watch { instances, declare: &declare });
    let written = records::write(checked, inputs, &shapes, &draft, options, watch, sink)?;
    acknowledge(model, sink);
    if sink.has_errors() || options.deny_warnings && sink.iter().any(|finding| finding.acknowledged.is_none()) {
        return Ok(None);
    }

    let tenancy = tenancy::tenancy(model, &shapes, &written.variants, &organization.tiers, &organization.suspended);
    let bytes = tenancy.to_bytes().map_err(std::io::Error::from)?;
    let declaration = TenancyRecord { path: TENANCY.to_owned(), sha256: draft.put(TENANCY, &bytes)? };
    let evidence = if options.prove {
        let written = proof::Written {
            tenancy: (tenancy, bytes),
            shapes: &shapes,
            variants: &written.variants,
            policies: &policies,
            instances,
            tenants: written.digest,
            expanded: options.expand,
        };
        proof::write(written, inputs, &draft, sink)?
    } else {
        Evidence { verdict: Verdict::NotProved, path: None }
    };
    if sink.has_errors() {
        return Ok(None);
    }
    let mut templates = written.templates;
    templates.extend(organization.template);
    templates.sort_by(|one, other| one.path.cmp(&other.path));
    let tiers = model.tiers.iter().zip(organization.tiers).zip(&written.tier_counts);
    let manifest = Manifest {
        format: Format,
        blueprint: model.name.to_string(),
        environment: model.environment.clone(),
        id_pattern: model.ids.pattern().to_owned(),
        expanded: options.expand,
        tiers: tiers
            .map(|((tier, policies), count)| TierRecord {
                tier: tier.name.to_string(),
                isolation: isolation(tier.isolation),
                boundary: boundary(tier.boundary),
                tenants: *count,
                cell_template: shapes.path(&tier.name, crate::model::Sharing::Pooled),
                tenant_template: shapes.path(&tier.name, crate::model::Sharing::Siloed),
                policies,
            })
            .collect(),
        cells: model
            .cells
            .iter()
            .zip(written.cell_counts)
            .map(|(cell, tenants)| CellRecord {
                cell: cell.name.to_string(),
                region: cell.region.to_string(),
                account: cell.account.as_ref().map(ToString::to_string),
                tenants,
                capacity: cell.capacity.map(u64::from),
                stacks: shapes.cell_stacks(model, cell),
            })
            .collect(),
        templates,
        tenants: TenantsRecord { path: TENANTS.to_owned(), count: written.tenants, sha256: written.digest },
        tenancy: declaration,
        evidence,
        facts: facts(inputs.facts),
        files: Vec::new(),
    };
    Ok(Some(draft.finish(manifest)?))
}

/// The dates of the facts that went into the assembly: of the newest figure of each file.
fn facts(facts: &Facts) -> Vec<Fact> {
    let limits = facts.limits().values().map(|limit| limit.date.as_str()).max();
    let presets = facts.presets().values().map(|preset| preset.date.as_str()).max();
    let regions = Some(facts.region_source().date.as_str());
    [("aws-limits", limits), ("regions", regions), ("services", presets)]
        .into_iter()
        .filter_map(|(name, date)| Some(Fact { name: name.to_owned(), date: date?.to_owned() }))
        .collect()
}

fn isolation(isolation: Isolation) -> crate::assembly::Isolation {
    match isolation {
        Isolation::Silo => crate::assembly::Isolation::Silo,
        Isolation::Pool => crate::assembly::Isolation::Pool,
        Isolation::Bridge => crate::assembly::Isolation::Bridge,
    }
}

fn boundary(boundary: Boundary) -> crate::assembly::Boundary {
    match boundary {
        Boundary::Account => crate::assembly::Boundary::Account,
        Boundary::Vpc => crate::assembly::Boundary::Vpc,
        Boundary::Resource => crate::assembly::Boundary::Resource,
        Boundary::Application => crate::assembly::Boundary::Application,
    }
}
