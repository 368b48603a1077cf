//! Entitlements of tenants against those of their tiers.

use crate::diagnostics::{Diagnostic, Sink, codes};
use crate::model::{EntitlementName, Model, Tenant};

/// Checks what a tenant has different. Returns how many findings there were.
pub(super) fn of_tenant(model: &Model, tenant: &Tenant, sink: &mut Sink) -> usize {
    let Some(tier) = model.tiers.iter().find(|tier| tier.name == tenant.tier) else { return 0 };
    let before = sink.len();
    for (name, entitled) in &tenant.entitlements {
        let finding = match tier.entitlements.get(name) {
            None => Diagnostic::new(
                &codes::TENANT_UNKNOWN_ENTITLEMENT,
                entitled.origin.clone(),
                format!("tier `{}` has no entitlement `{name}`", tier.name),
            )
            .did_you_mean(name.as_str(), tier.entitlements.keys().map(EntitlementName::as_str))
            .also(tier.origin.clone(), "the tenant's tier")
            .help(format!("add `{name}` to the tier's `entitlements:`, or name one that is there")),
            Some(of_tier) if of_tier.value.kind() != entitled.value.kind() => Diagnostic::new(
                &codes::TENANT_ENTITLEMENT_TYPE,
                entitled.origin.clone(),
                format!(
                    "the entitlement `{name}` is {} in tier `{}`, and {} here",
                    of_tier.value.kind(),
                    tier.name,
                    entitled.value.kind()
                ),
            )
            .also(of_tier.origin.clone(), "the tier's own")
            .help(format!("write {}, as in the tier: `{name}: {}`", of_tier.value.kind(), of_tier.value)),
            Some(_) => continue,
        };
        sink.push(finding);
    }
    sink.len() - before
}
