//! The proof of an assembly, from the bytes that are written and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::organization::{self, Policies};
use super::shapes::{Shape, Shapes};
use super::{Inputs, SynthError};
use crate::assembly::{CellRecord, Digest, Draft, Evidence, TENANCY, TENANTS, Verdict};
use crate::diagnostics::{Origin, Sink, SourceMap};
use crate::model::{IdLanguage, Model};
use crate::prove::evidence::{self, EVIDENCE};
use crate::prove::findings::findings;
use crate::prove::instances::Instances;
use crate::prove::policy::Place;
use crate::prove::proof::Outcome;
use crate::prove::prove;
use crate::prove::request::{Request, Tools};
use crate::prove::tenancy::Tenancy;

/// What was written so far.
pub(super) struct Written<'a> {
    /// The declaration, and its bytes.
    pub(super) tenancy: (Tenancy, Vec<u8>),
    /// The templates of tiers.
    pub(super) shapes: &'a Shapes,
    /// Those that overrides made.
    pub(super) variants: &'a [Arc<Shape>],
    /// The organization's policies.
    pub(super) policies: &'a Policies,
    /// The records, held against the templates.
    pub(super) instances: Option<Instances>,
    /// The digest of the tenants' file.
    pub(super) tenants: Digest,
    /// Whether tenants have templates of their own.
    pub(super) expanded: bool,
}

/// What tenants' records are held against. It is made before the first of them, and of the same declaration.
pub(super) fn instances(
    model: &Model,
    shapes: &Shapes,
    organization: &organization::Written,
    expanded: bool,
) -> Option<Instances> {
    let tenancy = super::tenancy::tenancy(model, shapes, &[], &organization.tiers, &organization.suspended);
    let digests = shapes.all().map(|shape| (shape.path.clone(), shape.sha256)).collect();
    let mut instances = Instances::new(&tenancy, &IdLanguage::new(&tenancy.ids.pattern).ok()?, &digests, expanded);
    for (tier, policies) in model.tiers.iter().zip(&organization.tiers) {
        instances.policies(tier.name.as_str(), policies);
    }
    let cells: Vec<CellRecord> = model
        .cells
        .iter()
        .map(|cell| CellRecord {
            cell: cell.name.to_string(),
            region: cell.region.to_string(),
            account: cell.account.as_ref().map(ToString::to_string),
            tenants: 0,
            capacity: None,
            stacks: shapes.cell_stacks(model, cell),
        })
        .collect();
    instances.cells(&cells);
    Some(instances)
}

/// Proves what is written, and puts the evidence into the assembly. What is not proved is a finding.
pub(super) fn write(
    written: Written<'_>,
    inputs: &Inputs<'_>,
    draft: &Draft,
    sink: &mut Sink,
) -> Result<Evidence, SynthError> {
    let mut files = BTreeMap::from([(TENANCY.to_owned(), written.tenancy.1)]);
    for shape in written.shapes.all().chain(written.variants.iter().map(Arc::as_ref)) {
        files.insert(shape.path.clone(), shape.bytes.clone());
    }
    for (path, text) in written.policies.texts() {
        files.insert(path, format!("{text}\n").into_bytes());
    }
    let request = Request { tenancy: written.tenancy.0, files };
    let mut sources = SourceMap::default();
    let Some(mut proved) = prove(&request, &mut Tools::default(), inputs.facts, &mut sources, sink) else {
        return Ok(Evidence { verdict: Verdict::Unknown, path: None });
    };
    proved.proof.obligations.extend(written.policies.proofs.iter().cloned());
    if let Some(instances) = written.instances {
        proved.proof.assumptions.extend(instances.assumption());
        if written.expanded {
            let trusted = "the templates of tenants' own are what `synth` was to write: it looked at their values, not at \
                           the files; `tenantry prove` compares each file with the template of its tier";
            proved.proof.assumptions.push(trusted.to_owned());
        }
        proved.proof.assumptions.sort();
        proved.proof.obligations.extend(instances.finish());
        proved.proof.inputs.insert(TENANTS.to_owned(), written.tenants.to_string());
    }
    let verdict = match proved.proof.result() {
        Outcome::Proved => Verdict::Proved,
        Outcome::Unknown => Verdict::Unknown,
        Outcome::Refuted => Verdict::Refuted,
    };
    // The files are not there yet; a place in one is told by its path and pointer.
    let locate = |place: &Place| Origin::Path(place.to_string().into());
    findings(&proved.proof, &locate).into_iter().for_each(|finding| sink.push(finding));
    draft.put(EVIDENCE, &evidence::Evidence::from(&proved.proof).to_bytes())?;
    Ok(Evidence { verdict, path: Some(EVIDENCE.to_owned()) })
}
