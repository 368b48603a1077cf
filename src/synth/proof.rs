//! The proof of an assembly, from the bytes that are written and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::organization::Policies;
use super::shapes::{Shape, Shapes};
use super::{Inputs, SynthError};
use crate::assembly::{Draft, Evidence, TENANCY, Verdict};
use crate::diagnostics::{Origin, Sink, SourceMap};
use crate::prove::evidence::{self, EVIDENCE};
use crate::prove::findings::findings;
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
    let verdict = match proved.proof.result() {
        Outcome::Proved => Verdict::Proved,
        Outcome::Unknown => Verdict::Unknown,
        Outcome::Refuted => Verdict::Refuted,
    };
    // The files are not there yet; a place in one is told by its path and pointer.
    let locate = |place: &Place| Origin::Path(place.to_string().into());
    // The passes said it of the same policies, at the lines of the blueprint.
    proved.proof.lints.clear();
    findings(&proved.proof, &locate).into_iter().for_each(|finding| sink.push(finding));
    draft.put(EVIDENCE, &evidence::Evidence::from(&proved.proof).to_bytes())?;
    Ok(Evidence { verdict, path: Some(EVIDENCE.to_owned()) })
}
