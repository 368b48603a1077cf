//! What one tenant has and will get: everything that an assembly says about it, in one place.
//!
//! [`preview`] makes the document; [`tree`](fn@tree) shows it in a terminal and [`page`](fn@page) as one file of HTML.
//! Nothing is proved here and nothing is asked of AWS.

mod changes;
mod diagram;
mod document;
mod flow;
mod gather;
mod guardrails;
mod limits;
pub mod live;
mod page;
mod resources;
mod shown;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use document::{
    Changes, ClaimView, Edge, End, EvidenceView, FactChange, Guardrail, Identity, OutputView, Owner, PREVIEW_SCHEMA,
    Place, Preview, Quota, ResourceView, Sharing, Shown, StackAction, StackChange, StackView, StatementView, VERSION,
    Whose,
};
pub use gather::PreviewError;
pub use page::{Frame, Notice, content_security_policy, page};
pub use tree::{Look, tree};

use crate::assembly::{Assembly, Boundary, Isolation, Verdict};
use crate::prove::text::Symbols;
use gather::Subject;

/// What the tenant of this id has in an assembly; and, against another, what would change for it.
///
/// # Errors
/// If the assembly has no such tenant, or it, or one of its files, cannot be read. A tenant that is not in `against` is new.
pub fn preview(assembly: &Assembly, id: &str, against: Option<&Assembly>) -> Result<Preview, PreviewError> {
    let subject = gather::subject(assembly, id)?;
    let mut symbols = Symbols::default();
    let (evaluated, tag) = gather::evaluate(&subject, &mut symbols)?;
    let stacks: Vec<StackView> =
        evaluated.iter().map(|evaluated| resources::stack(evaluated, id, &tag, &symbols)).collect();
    let quotas = limits::quotas(&stacks);
    let manifest = assembly.manifest();
    Ok(Preview {
        format: VERSION,
        blueprint: manifest.blueprint.clone(),
        environment: manifest.environment.clone(),
        tenant: identity(&subject),
        placement: place(&subject),
        flow: flow::flow(&evaluated),
        guardrails: guardrails::guardrails(&subject, &evaluated)?,
        entitlements: subject
            .record
            .entitlements
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect(),
        quotas,
        evidence: evidence(assembly, against)?,
        changes: against.map(|against| changes::changes(&subject, against)).transpose()?,
        live: None,
        stacks,
    })
}

fn identity(subject: &Subject<'_>) -> Identity {
    let record = &subject.record;
    // A manifest that lacks the tier was edited; what separates its tenants is not known then, and the least is said.
    let boundary = subject.tier.map_or(Boundary::Application, |tier| tier.boundary);
    Identity {
        id: record.tenant.to_string(),
        name: record.name.as_ref().map(ToString::to_string),
        tier: record.tier.to_string(),
        isolation: record.isolation,
        boundary,
        state: record.state,
        legal_hold: record.legal_hold,
        label: record.label.to_string(),
        digest: record.digest.to_string(),
        tags: owned(&record.tags),
    }
}

fn place(subject: &Subject<'_>) -> Place {
    let record = &subject.record;
    let cell = subject.assembly.manifest().cells.iter().find(|cell| cell.cell == record.cell);
    Place {
        cell: record.cell.to_string(),
        account: record.account.as_ref().map(ToString::to_string),
        region: record.region.to_string(),
        strategy: record.placement.strategy.to_string(),
        reason: record.placement.reason.to_string(),
        cell_tenants: cell.map_or(1, |cell| cell.tenants),
        cell_capacity: cell.and_then(|cell| cell.capacity),
    }
}

/// The verdict, with what its record counts.
fn evidence(assembly: &Assembly, against: Option<&Assembly>) -> Result<EvidenceView, PreviewError> {
    let evidence = &assembly.manifest().evidence;
    let mut claims = Vec::new();
    if let Some(path) = &evidence.path {
        let bytes = assembly.file(path)?;
        // A record that cannot be read is for `verify`; the verdict of the manifest stands without it.
        let record: Counted = serde_json::from_slice(&bytes).unwrap_or_default();
        claims = record.claims;
    }
    let claims = claims
        .into_iter()
        .map(|claim| ClaimView {
            claim: claim.claim,
            proved: claim.proved,
            refuted: claim.refuted,
            unknown: claim.unknown,
        })
        .collect();
    Ok(EvidenceView {
        verdict: evidence.verdict,
        path: evidence.path.clone(),
        claims,
        before: against.map(|against| against.manifest().evidence.verdict),
    })
}

/// What is read of the record of a proof.
#[derive(Debug, Default, serde::Deserialize)]
struct Counted {
    claims: Vec<CountedClaim>,
}

#[derive(Debug, serde::Deserialize)]
struct CountedClaim {
    claim: String,
    proved: u64,
    refuted: u64,
    unknown: u64,
}

fn owned(map: &BTreeMap<Cow<'_, str>, Cow<'_, str>>) -> BTreeMap<String, String> {
    map.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// What stands between two tenants, in words.
fn boundary_words(isolation: Isolation, boundary: Boundary) -> &'static str {
    match (isolation, boundary) {
        (_, Boundary::Account) => "an account of its own",
        (_, Boundary::Vpc) => "a network of its own",
        (_, Boundary::Resource) => "resources of its own",
        (_, Boundary::Application) => "the application, by the tenant key",
    }
}

/// A verdict in words.
fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotProved => "not proved here: a preview proves nothing, `tenantry synth` does",
        Verdict::Proved => "proved: no request crosses from one tenant to another",
        Verdict::Refuted => "refuted: some request breaks a claim",
        Verdict::Unknown => "unknown: some claim could not be decided",
    }
}
