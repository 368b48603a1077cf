//! Everything that keeps data of one tenant, where an assembly has it: from the templates of its stacks and the declaration of
//! who owns what. Nothing is left out in silence: a resource keeps data, or something says why it keeps none, or it is a
//! finding.

use serde_json::Value;

use super::catalogue::{Catalogue, StoreFacts, holds, number};
use super::document::{Carry, Empty, Gone, How, Residue, Share, Store};
use super::seen::{Seen, SeenStack};
use crate::diagnostics::{Diagnostic, Origin, Sink, codes};
use crate::facts::partition;
use crate::prove::template::{Resolved, Resource, Setting, Stack, Template, instantiate};
use crate::prove::tenancy::Owner;
use crate::prove::text::Symbols;

/// What an owner's pattern has in the place of the id.
const OWNER_ID: &str = crate::prove::tenancy::OWNER_ID;

/// A store, with what its type's entry says.
#[derive(Debug, Clone)]
pub(super) struct Found<'c> {
    pub(super) store: Store,
    pub(super) facts: &'c StoreFacts,
    /// What has to be done before it can be deleted.
    pub(super) guards: Vec<String>,
    /// What a store of the other side has to have to be its counterpart.
    pub(super) stem: String,
}

/// What a tenant's stacks keep of it.
#[derive(Debug, Default)]
pub(super) struct Survey<'c> {
    pub(super) stores: Vec<Found<'c>>,
    pub(super) empty: Vec<Empty>,
}

/// A logical id without the digest at its end, which the tier is a part of.
pub(super) fn stem(logical_id: &str) -> &str {
    match logical_id.len().checked_sub(8).and_then(|at| logical_id.split_at_checked(at)) {
        Some((stem, digest))
            if !stem.is_empty() && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) =>
        {
            stem
        }
        _ => logical_id,
    }
}

/// Surveys a tenant's own stacks and those it shares. `side` begins the ids of its stores. `locks_ended` says that no lock
/// stands any more.
pub(super) fn survey<'c>(
    seen: &Seen,
    side: &str,
    catalogue: &'c Catalogue,
    locks_ended: bool,
    sink: &mut Sink,
) -> Survey<'c> {
    let mut symbols = Symbols::default();
    let shared: Vec<Stack> = seen.shared.iter().map(|stack| evaluate(stack, &[], &mut symbols)).collect();
    let own: Vec<Stack> = seen.own.iter().map(|stack| evaluate(stack, &shared, &mut symbols)).collect();
    let mut survey = Survey::default();
    let stacks = seen.own.iter().zip(&own).map(|(seen, stack)| (seen, stack, true));
    let stacks = stacks.chain(seen.shared.iter().zip(&shared).map(|(seen, stack)| (seen, stack, false)));
    for (seen_stack, stack, is_own) in stacks {
        let look = Look { seen, seen_stack, stack, is_own, side, catalogue, locks_ended, symbols: &symbols };
        for resource in &stack.resources {
            look.resource(resource, &mut survey, sink);
        }
        // A transform may add resources. That a name is not known hides none.
        for obstacle in stack.obstacles.iter().filter(|obstacle| !obstacle.reason.starts_with("the name of")) {
            let origin = Origin::Path(seen_stack.record.template.as_ref().into());
            sink.push(
                Diagnostic::new(&codes::PLAN_UNKNOWN_STORE, origin, obstacle.reason.clone())
                    .help(obstacle.help.clone()),
            );
        }
    }
    survey
}

fn evaluate(stack: &SeenStack, shared: &[Stack], symbols: &mut Symbols) -> Stack {
    let record = &stack.record;
    let by_name = |name: &str| shared.iter().find(|shared| shared.stack_name == name);
    let parameters = record.parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let stacks = record
        .parameters
        .iter()
        .filter(|(_, value)| by_name(value).is_some())
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .chain(shared.iter().map(|shared| (shared.stack_name.clone(), shared.stack_name.clone())))
        .collect();
    let setting = Setting {
        parameters,
        partition: partition(&record.region).to_owned(),
        region: record.region.to_string(),
        account: record.account.as_deref().unwrap_or("ACCOUNT").to_owned(),
        stack_name: record.name.to_string(),
        stacks,
    };
    instantiate(&stack.template, &setting, &record.name, &by_name, symbols)
}

/// One stack that is looked at.
struct Look<'a, 'c> {
    seen: &'a Seen,
    seen_stack: &'a SeenStack,
    stack: &'a Stack,
    is_own: bool,
    side: &'a str,
    catalogue: &'c Catalogue,
    locks_ended: bool,
    symbols: &'a Symbols,
}

impl<'c> Look<'_, 'c> {
    fn resource(&self, resource: &Resource, survey: &mut Survey<'c>, sink: &mut Sink) {
        let keeps = |facts: &StoreFacts| facts.only_when.as_ref().is_none_or(|when| when.is(&resource.properties));
        let mut empty = |why: String, on_trust: bool| {
            survey.empty.push(Empty {
                stack: self.stack.stack_name.clone(),
                logical_id: resource.logical_id.clone(),
                kind: resource.kind.clone(),
                why,
                on_trust,
            });
        };
        let owner = self.seen.owner(&self.seen_stack.record.template, &resource.logical_id);
        if let Some(Owner::Platform { reason }) = owner {
            let on_trust = self.catalogue.stores.get(&resource.kind).is_some_and(keeps);
            return empty(format!("declared as the platform's: {reason}"), on_trust);
        }
        if let Some(none) = self.catalogue.none.get(&resource.kind) {
            return empty(none.why.clone(), false);
        }
        let Some(facts) = self.catalogue.stores.get(&resource.kind) else {
            sink.push(self.unknown(
                resource,
                format!("it is not known how `{}` keeps tenants' data", resource.kind),
                format!("find out, write an entry for `{}`, and give the file with `--stores FILE`", resource.kind),
            ));
            return;
        };
        if !keeps(facts) {
            return empty(facts.otherwise.clone().unwrap_or_else(|| format!("it keeps no {}", facts.keeps)), false);
        }
        let share = match owner {
            None | Some(Owner::Tenant) if self.is_own => Share::Own,
            Some(Owner::Tenant) => Share::Own,
            Some(Owner::PartitionKey { pattern } | Owner::ObjectKey { pattern }) => {
                Share::Keyed { key: pattern.replace(OWNER_ID, &self.seen.record.tenant) }
            }
            Some(Owner::Application { reason, .. }) => Share::Application { reason: reason.clone() },
            Some(Owner::EncryptionContext { .. } | Owner::Services { .. }) => {
                return empty(facts.erase.shared.clone(), false);
            }
            Some(Owner::Platform { .. }) | None if facts.erase.shared_how.how() == How::Nothing => {
                return empty(facts.erase.shared.clone(), false);
            }
            Some(Owner::Platform { .. }) | None => {
                sink.push(self.unknown(
                    resource,
                    format!("nothing declares whose the {} in `{}` are", facts.keeps, resource.logical_id),
                    "declare its owner in the assembly's `tenancy.json`".to_owned(),
                ));
                return;
            }
        };
        survey.stores.push(self.store(resource, facts, share));
    }

    fn unknown(&self, resource: &Resource, message: String, help: String) -> Diagnostic {
        let place = format!("{}#{}", self.seen_stack.record.template, resource.logical_id);
        Diagnostic::new(&codes::PLAN_UNKNOWN_STORE, Origin::Path(place.into()), message).help(help)
    }

    fn id(&self, logical_id: &str) -> String {
        format!("{}/{}/{logical_id}", self.side, self.stack.stack_name)
    }

    fn store(&self, resource: &Resource, facts: &'c StoreFacts, share: Share) -> Found<'c> {
        let properties = &resource.properties;
        let own = share == Share::Own;
        let key = match &share {
            Share::Keyed { key } => key.as_str(),
            _ => &self.seen.record.tenant,
        };
        let filled = |text: &str| {
            text.replace("{key}", &format!("`{key}`")).replace("{tenant}", &format!("`{}`", self.seen.record.tenant))
        };
        let (mut how, mut gone) = if own {
            let later = (facts.shred || facts.delayed).then_some(facts.expires.as_ref()).flatten();
            let how = if facts.shred { How::CryptoShred } else { How::DeleteResource };
            (how, later.map_or(Gone::AtOnce, |span| span.gone(properties)))
        } else {
            let how = facts.erase.shared_how.how();
            let expires = facts.expires.as_ref().filter(|_| how == How::Expires);
            (how, expires.map_or(Gone::AtOnce, |span| span.gone(properties)))
        };
        let mut guards: Vec<String> = facts
            .guards
            .iter()
            .filter(|guard| own || guard.property == "ObjectLockEnabled")
            .filter(|guard| holds(properties, &guard.property, guard.equals.as_deref()))
            .map(|guard| guard.action.clone())
            .collect();
        if let Some((hours, because)) = lock(facts, properties) {
            if self.locks_ended {
                guards.push("look that no lock stands any more".to_owned());
            } else {
                how = How::Locked;
                gone = Gone::NotBefore { hours, because };
            }
        } else if facts.lock.as_ref().is_some_and(|lock| holds(properties, &lock.mode, Some("GOVERNANCE"))) {
            guards.push("delete with the permission `s3:BypassGovernanceRetention`".to_owned());
        }
        let residues = facts
            .residues
            .iter()
            .filter(|residue| own || residue.of.is_none())
            .filter(|residue| residue.when.as_ref().is_none_or(|when| when.is(properties)))
            .map(|residue| residue.told(properties, own))
            .collect();
        let store = Store {
            id: self.id(&resource.logical_id),
            kind: resource.kind.clone(),
            component: component(properties).unwrap_or_else(|| stem(&resource.logical_id).to_owned()),
            stack: self.stack.stack_name.clone(),
            logical_id: resource.logical_id.clone(),
            name: self.stack.physical_name(&resource.logical_id).map(|name| self.symbols.show(&name)),
            account: self.seen_stack.record.account.as_ref().map(ToString::to_string),
            region: self.stack.region.clone(),
            keeps: facts.keeps.clone(),
            carry: Carry::Kept,
            becomes: None,
            how,
            erase: filled(if own { &facts.erase.own } else { &facts.erase.shared }),
            gone,
            encrypted_with: self.key(&self.seen_stack.template, &resource.logical_id).filter(|_| own && !facts.shred),
            residues,
            source: self.catalogue.address(&facts.source),
            share,
        };
        Found { store, facts, guards, stem: stem(&resource.logical_id).to_owned() }
    }

    /// The key of the same stack that a resource's properties refer to.
    fn key(&self, template: &Template, logical_id: &str) -> Option<String> {
        let properties = template.value().get("Resources")?.get(logical_id)?.get("Properties")?;
        let keys = self
            .stack
            .resources
            .iter()
            .filter(|one| self.catalogue.stores.get(&one.kind).is_some_and(|facts| facts.shred));
        keys.map(|key| key.logical_id.as_str()).find(|key| refers(properties, key)).map(|key| self.id(key))
    }
}

/// Whether a value refers to a resource.
fn refers(value: &Value, logical_id: &str) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
            ("Ref", Value::String(name)) => name == logical_id,
            ("Fn::GetAtt", Value::Array(parts)) => parts.first().and_then(Value::as_str) == Some(logical_id),
            ("Fn::GetAtt", Value::String(text)) => text.split('.').next() == Some(logical_id),
            _ => refers(value, logical_id),
        }),
        Value::Array(items) => items.iter().any(|item| refers(item, logical_id)),
        _ => false,
    }
}

/// How long a lock that nobody can lift keeps what was written last, in hours, and why.
fn lock(facts: &StoreFacts, properties: &Resolved) -> Option<(u64, String)> {
    if let Some(lock) = &facts.lock
        && holds(properties, &lock.mode, Some("COMPLIANCE"))
    {
        let days = number(properties, &lock.days)
            .or_else(|| number(properties, &lock.years).map(|years| years.saturating_mul(365)))
            .unwrap_or(0);
        let because = format!("object lock in compliance mode keeps each object for {days} days after it was written");
        return Some((days.saturating_mul(24), because));
    }
    let vault = facts.vault_lock.as_deref().filter(|path| holds(properties, path, None))?;
    let days = number(properties, vault).unwrap_or(0);
    Some((days.saturating_mul(24), format!("the vault's lock keeps each recovery point for up to {days} days")))
}

/// The component's name, as tags say it.
fn component(properties: &Resolved) -> Option<String> {
    for tags in ["Tags", "UserPoolTags"].iter().filter_map(|key| properties.get(key)) {
        match tags {
            Resolved::List(items) => {
                let tag = items.iter().find(|tag| tag.get("Key").and_then(Resolved::text) == Some("Component"));
                if let Some(value) = tag.and_then(|tag| tag.get("Value")?.text()) {
                    return Some(value.to_owned());
                }
            }
            map => {
                if let Some(value) = map.get("Component").and_then(Resolved::text) {
                    return Some(value.to_owned());
                }
            }
        }
    }
    None
}

impl super::catalogue::ResidueFact {
    /// As a plan tells it.
    pub(super) fn told(&self, properties: &Resolved, own: bool) -> Residue {
        use super::catalogue::ResidueHow;
        if let Some(because) = self.shared.as_ref().filter(|_| !own) {
            return Residue {
                what: self.what.clone(),
                how: How::Expires,
                action: "see to it that their retention is not longer than you promised".to_owned(),
                gone: Gone::Unknown { because: because.clone() },
            };
        }
        let how = match self.how {
            ResidueHow::Expires => How::Expires,
            ResidueHow::Delete => How::DeleteCopies,
        };
        let gone = match (&self.gone, how) {
            (Some(span), _) => span.gone(properties),
            (None, How::Expires) => Gone::Never { because: "nothing says how long it stays".to_owned() },
            (None, _) => Gone::AtOnce,
        };
        Residue { what: self.what.clone(), how, action: self.action.clone(), gone }
    }
}
