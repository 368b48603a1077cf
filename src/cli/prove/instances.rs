//! The stacks of an assembly, one tenant after another, held against what was proved.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use anyhow::Context;
use sha2::{Digest as _, Sha256};

use crate::assembly::{Assembly, Digest, TENANTS};
use crate::diagnostics::{Sink, SourceMap};
use crate::model::IdLanguage;
use crate::prove::instances::Instances;
use crate::prove::policy::Place;
use crate::prove::proof::Proof;
use crate::prove::request::Request;
use crate::prove::template::Template;

/// Adds to a proof what the assembly's records say.
pub(super) fn hold(assembly: &Assembly, request: &Request, proof: &mut Proof) -> anyhow::Result<()> {
    let tenancy = &request.tenancy;
    // Without a language of ids nothing was proved, and there is a finding.
    let Ok(ids) = IdLanguage::new(&tenancy.ids.pattern) else { return Ok(()) };
    let digests: BTreeMap<String, Digest> =
        request.files.iter().map(|(name, bytes)| (name.clone(), Digest::of(bytes))).collect();
    let manifest = assembly.manifest();
    let mut instances = Instances::new(tenancy, &ids, &digests, manifest.expanded);
    for deployed in &tenancy.templates {
        if manifest.expanded
            && let Some(bytes) = request.files.get(&deployed.template)
            && let Some(template) =
                Template::read(&deployed.template, bytes, &mut SourceMap::default(), &mut Sink::new())
        {
            instances.content(&deployed.template, template.value());
        }
    }
    for tier in &manifest.tiers {
        instances.policies(&tier.tier, &tier.policies);
    }
    instances.cells(&manifest.cells);
    let mut read = |path: &str| assembly.file(path).map_err(|error| error.to_string());
    for (line, record) in (1..).zip(assembly.tenants()?) {
        instances.record(line, &record?, Some(&mut read));
    }
    proof.assumptions.extend(instances.assumption());
    proof.assumptions.sort();
    proof.obligations.extend(instances.finish());
    // Of the bytes that are there, not of those that the manifest says were there.
    let path = assembly.root().join(TENANTS);
    let mut hasher = Sha256::new();
    let mut file = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer).with_context(|| format!("cannot read `{}`", path.display()))?;
        match buffer.get(..count) {
            None | Some([]) => break,
            Some(part) => hasher.update(part),
        }
    }
    proof.inputs.insert(TENANTS.to_owned(), hex(&hasher.finalize()));
    Ok(())
}

/// The line of a place in the tenants' file: the first step of its pointer.
pub(super) fn line(place: &Place) -> Option<u64> {
    if place.file != TENANTS {
        return None;
    }
    place.pointer.split('/').nth(1)?.parse().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
