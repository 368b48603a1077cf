//! What would change for a tenant from one assembly to another.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Changes, FactChange, Sharing, StackAction, StackChange};
use super::gather::{PreviewError, Subject, subject};
use crate::assembly::{Assembly, StackRecord, TierPolicies};
use crate::diagnostics::codes;
use crate::diff;

/// Compares the tenant in `against`, which is older, with the tenant as it would be.
pub(super) fn changes(new: &Subject<'_>, against: &Assembly) -> Result<Changes, PreviewError> {
    let named = against.root().to_string_lossy().into_owned();
    let old = match subject(against, &new.record.tenant) {
        Ok(old) => Some(old),
        Err(PreviewError::Found(finding)) if std::ptr::eq(finding.code, &codes::TENANT_NOT_FOUND) => None,
        Err(error) => return Err(error),
    };
    let Some(old) = old else {
        return Ok(Changes {
            against: named,
            new: true,
            facts: Vec::new(),
            stacks: stacks(None, new, against)?,
            guardrails: Vec::new(),
        });
    };
    Ok(Changes {
        against: named,
        new: false,
        facts: facts(&old, new),
        stacks: stacks(Some(&old), new, against)?,
        guardrails: guardrails(&old, new),
    })
}

/// What differs of two values, if anything does.
fn fact(what: impl Into<String>, old: Option<Value>, new: Option<Value>) -> Option<FactChange> {
    (old != new).then(|| FactChange { what: what.into(), old, new })
}

fn facts(old: &Subject<'_>, new: &Subject<'_>) -> Vec<FactChange> {
    let (was, is) = (&old.record, &new.record);
    let boundary = |subject: &Subject<'_>| subject.tier.map(|tier| json!(tier.boundary));
    let pairs = [
        fact("name", was.name.as_ref().map(|name| json!(name)), is.name.as_ref().map(|name| json!(name))),
        fact("tier", Some(json!(was.tier)), Some(json!(is.tier))),
        fact("isolation", Some(json!(was.isolation)), Some(json!(is.isolation))),
        fact("boundary", boundary(old), boundary(new)),
        fact("state", Some(json!(was.state)), Some(json!(is.state))),
        fact("legal hold", Some(json!(was.legal_hold)), Some(json!(is.legal_hold))),
        fact("cell", Some(json!(was.cell)), Some(json!(is.cell))),
        fact("account", was.account.as_ref().map(|id| json!(id)), is.account.as_ref().map(|id| json!(id))),
        fact("region", Some(json!(was.region)), Some(json!(is.region))),
    ];
    let mut facts: Vec<FactChange> = pairs.into_iter().flatten().collect();
    facts.extend(maps("entitlement", &was.entitlements, &is.entitlements));
    facts.extend(maps("tag", &was.tags, &is.tags));
    facts
}

/// What differs of two mappings, by key.
fn maps<T: serde::Serialize + PartialEq>(
    what: &str,
    old: &BTreeMap<Cow<'_, str>, T>,
    new: &BTreeMap<Cow<'_, str>, T>,
) -> Vec<FactChange> {
    let mut keys: Vec<&str> = old.keys().chain(new.keys()).map(AsRef::as_ref).collect();
    keys.sort_unstable();
    keys.dedup();
    let value = |map: &BTreeMap<Cow<'_, str>, T>, key: &str| map.get(key).map(|value| json!(value));
    keys.into_iter().filter_map(|key| fact(format!("{what} {key}"), value(old, key), value(new, key))).collect()
}

/// The stacks that differ: what the comparison of assemblies finds, with the parameters and tags that the tenant's own
/// record has otherwise.
fn stacks(old: Option<&Subject<'_>>, new: &Subject<'_>, against: &Assembly) -> Result<Vec<StackChange>, PreviewError> {
    let served = |subject: Option<&Subject<'_>>, name: &str| {
        let found = subject?.stacks.iter().find(|served| served.record.name == name)?;
        Some(found.record.clone())
    };
    let mut changes = Vec::new();
    for change in diff::stacks_of(Some(against), new.assembly, &new.record.tenant)? {
        let action = match change.action {
            diff::StackAction::Created => StackAction::Added,
            diff::StackAction::Deleted => StackAction::Removed,
            diff::StackAction::Updated | diff::StackAction::Unchanged => StackAction::Updated,
        };
        let mut facts = match (served(old, &change.stack), served(Some(new), &change.stack)) {
            (Some(old), Some(new)) if action == StackAction::Updated => stack_facts(&old, &new),
            _ => Vec::new(),
        };
        facts.extend(change.outputs.into_iter().map(|output| FactChange {
            what: format!("output {}", output.path.trim_start_matches("Outputs/").trim_end_matches("/Value")),
            old: output.old,
            new: output.new,
        }));
        if change.action == diff::StackAction::Unchanged && facts.is_empty() {
            continue;
        }
        changes.push(StackChange {
            name: change.stack,
            sharing: if change.tenant.is_some() { Sharing::Siloed } else { Sharing::Pooled },
            action,
            facts,
            resources: change.resources,
        });
    }
    Ok(changes)
}

fn stack_facts(old: &StackRecord<'_>, new: &StackRecord<'_>) -> Vec<FactChange> {
    let account = |stack: &StackRecord<'_>| stack.account.as_ref().map(|account| json!(account));
    let mut facts: Vec<FactChange> =
        [fact("account", account(old), account(new)), fact("region", Some(json!(old.region)), Some(json!(new.region)))]
            .into_iter()
            .flatten()
            .collect();
    facts.extend(maps("parameter", &old.parameters, &new.parameters));
    facts.extend(maps("tag", &old.tags, &new.tags));
    facts
}

/// Organization policies that are not the same files with the same content.
fn guardrails(old: &Subject<'_>, new: &Subject<'_>) -> Vec<FactChange> {
    let digests = |subject: &Subject<'_>| -> BTreeMap<Cow<'static, str>, String> {
        let policies = subject.tier.map(|tier| tier.policies.clone()).unwrap_or_default();
        let TierPolicies { scp, rcp } = policies;
        let files = &subject.assembly.manifest().files;
        scp.into_iter()
            .chain(rcp)
            .map(|path| {
                let digest = files.iter().find(|file| file.path == path).map(|file| file.sha256.to_string());
                (Cow::Owned(path), digest.unwrap_or_default())
            })
            .collect()
    };
    maps("policy", &digests(old), &digests(new))
}
