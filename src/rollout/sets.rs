//! Which stack set makes a tenant's stack, and which of the stacks of an account it has made.

use std::collections::BTreeMap;

use super::settings::Settings;
use crate::assembly::{Boundary, Manifest, Scope, StackRecord, TemplateRecord, TenantRecord};
use crate::model::naming;

/// The most sets that a tier can have: `shards` of the settings.
pub(super) const MOST_SHARDS: u64 = 1_000;

/// What the stacks of stack sets are called: the name of the set after this, and an id after that.
/// <https://docs.aws.amazon.com/cli/latest/reference/cloudformation/describe-stack-instance.html> shows one.
const PREFIX: &str = "StackSet-";

/// The length of that id, a UUID, with what parts it from the name.
const ID_LENGTH: usize = 37;

/// The tags that say the same of all tenants of a tier. A stack set hands its tags to every instance, and has no others.
pub(super) const SET_TAGS: [&str; 2] = ["Environment", "Tier"];

/// What is known of one assembly's templates.
pub(crate) struct Templates<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) records: BTreeMap<&'a str, &'a TemplateRecord>,
    boundaries: BTreeMap<&'a str, Boundary>,
}

impl<'a> Templates<'a> {
    pub(crate) fn of(manifest: &'a Manifest) -> Self {
        Self {
            manifest,
            records: manifest.templates.iter().map(|record| (record.path.as_str(), record)).collect(),
            boundaries: manifest.tiers.iter().map(|tier| (tier.tier.as_str(), tier.boundary)).collect(),
        }
    }

    /// Whether each tenant of a tier has an account of its own.
    pub(super) fn has_own_accounts(&self, tier: &str) -> bool {
        self.boundaries.get(tier) == Some(&Boundary::Account)
    }

    /// The tier that a template is for.
    pub(crate) fn tier(&self, template: &str) -> &'a str {
        self.records.get(template).map_or("", |record| record.tier.as_str())
    }

    /// What the name of the stack set is made from that makes a tenant's stack, if one can. Variants have change sets, because
    /// a tenant whose overrides change would have to leave one set for another.
    pub(crate) fn set(&self, tenant: &TenantRecord<'_>, stack: &StackRecord<'_>) -> Option<SetKey> {
        let record = self.records.get(stack.template.as_ref())?;
        let suits = self.has_own_accounts(&tenant.tier)
            && record.scope == Scope::Tenant
            && record.variant.is_none()
            && !self.manifest.expanded;
        suits.then(|| SetKey {
            product: self.manifest.blueprint.clone(),
            environment: self.manifest.environment.clone(),
            tier: tenant.tier.clone().into_owned(),
            template: stack.template.clone().into_owned(),
            bits: naming::fingerprint(&["shard", &tenant.digest]),
        })
    }
}

/// What the names of the stack sets are made from that can have made stacks of a tenant, by the stacks' names.
pub(crate) fn instances(manifest: &Manifest, tenant: &TenantRecord<'_>) -> BTreeMap<String, SetKey> {
    let templates = Templates::of(manifest);
    let sets = tenant.stacks.iter().map(|stack| Some((stack.name.to_string(), templates.set(tenant, stack)?)));
    sets.flatten().collect()
}

impl Templates<'_> {
    /// The stack set that makes a tenant's stack, if one does.
    pub(super) fn set_name(
        &self,
        tenant: &TenantRecord<'_>,
        stack: &StackRecord<'_>,
        settings: &Settings,
    ) -> Option<String> {
        let sets = settings.stack_sets?;
        self.set(tenant, stack).map(|key| key.name(sets.shards))
    }
}

/// What the name of a stack set is made from, but for the number of sets, which the settings of a rollout say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetKey {
    /// The blueprint's name.
    pub product: String,
    /// The assembly's environment.
    pub environment: String,
    /// The tier.
    pub tier: String,
    /// The template's path in the assembly.
    pub template: String,
    /// Says which of the sets it is: a function of the tenant.
    pub bits: u64,
}

impl SetKey {
    /// The name of the set, where a tier has so many.
    #[must_use]
    pub fn name(&self, shards: u64) -> String {
        let shard = self.bits.checked_rem(shards).unwrap_or_default().to_string();
        let shards = shards.to_string();
        let parts = ["stack-set", &self.product, &self.environment, &self.tier, &self.template, &shard, &shards];
        let digest = naming::base32(naming::fingerprint(&parts), naming::DIGEST_LENGTH);
        format!("{}-{}-{shard}-{digest}", self.product, self.tier)
    }

    /// Those of a stack's tags that its set has.
    #[must_use]
    pub fn tags(tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let own = tags.iter().filter(|(key, _)| SET_TAGS.contains(&key.as_str()));
        own.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// What the name of each stack begins with that such a set has made.
    #[must_use]
    pub fn stack_prefix(&self) -> String {
        format!("{PREFIX}{}-{}-", self.product, self.tier)
    }

    /// Whether such a set has made the stack of this name, however many sets there are.
    #[must_use]
    pub fn has_made(&self, stack: &str) -> bool {
        let set = stack.strip_prefix(PREFIX).and_then(|rest| rest.get(..rest.len().checked_sub(ID_LENGTH)?));
        let Some(set) = set else { return false };
        // The number of the set leaves few possibilities for how many there are.
        let number = set.rsplit('-').nth(1).and_then(|number| number.parse().ok());
        (1..=MOST_SHARDS).any(|shards| Some(self.bits % shards) == number && self.name(shards) == set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(template: &str, bits: u64) -> SetKey {
        let text = str::to_owned;
        SetKey {
            product: text("fleet"),
            environment: text("prod"),
            tier: text("top-most"),
            template: text(template),
            bits,
        }
    }

    #[test]
    fn a_stack_is_known_by_the_set_that_made_it_whatever_number_of_sets_there_are() {
        for (bits, shards) in [(0, 1), (7, 8), (123_456_789, 1), (123_456_789, 8), (987_654_321, 1_000)] {
            let own = key("a.json", bits);
            let stack = format!("StackSet-{}-3c5e0b1a-8f0e-4c50-9d2e-0f6b4f1f2a11", own.name(shards));
            assert!(own.has_made(&stack) && stack.starts_with(&own.stack_prefix()), "{stack}");
            assert!(!key("b.json", bits).has_made(&stack), "another template's");
            assert!(!SetKey { tier: "top".to_owned(), ..own.clone() }.has_made(&stack), "another tier's");
            assert!(!SetKey { environment: "test".to_owned(), ..own.clone() }.has_made(&stack), "elsewhere");
            assert!(!own.has_made(&own.name(shards)) && !own.has_made(&stack[..stack.len() - 1]));
        }
    }
}
