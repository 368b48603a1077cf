//! What becomes of tenants themselves: who comes, goes, moves, or is described differently.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::fleet::FieldChange;
use crate::assembly::TenantRecord;

/// What becomes of a tenant, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TenantAction {
    /// It is not there yet.
    Added,
    /// Its record says something else.
    Changed,
    /// It is served from somewhere else: another tier, cell, account or region.
    Moved,
    /// It is no longer there.
    Removed,
}

/// Where a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its tier.
    pub tier: String,
    /// Its cell.
    pub cell: String,
    /// Its account; none while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Its region.
    pub region: String,
}

impl Place {
    fn of(record: &TenantRecord<'_>) -> Self {
        Self {
            tier: record.tier.to_string(),
            cell: record.cell.to_string(),
            account: record.account.as_ref().map(ToString::to_string),
            region: record.region.to_string(),
        }
    }
}

/// One change, and the tenants that it comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantGroup {
    /// What becomes of them.
    pub action: TenantAction,
    /// Where they were; the account is that of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Place>,
    /// Where they are; the account is that of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Place>,
    /// What else differs, with the values of the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Whether they leave stacks that they shared with others, in which what they kept there stays.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub leaves_shared: bool,
    /// Those of them whose data must not be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legal_hold: Vec<String>,
    /// The tenants, in the order of their ids.
    pub tenants: Vec<String>,
}

/// Adds what becomes of a tenant to the group of its kind.
pub(super) fn note(
    old: Option<&TenantRecord<'static>>,
    new: Option<&TenantRecord<'static>>,
    groups: &mut BTreeMap<String, TenantGroup>,
) {
    let Some(record) = new.or(old) else { return };
    let (from, to) = (old.map(Place::of), new.map(Place::of));
    let fields = match (old, new) {
        (Some(old), Some(new)) => fields(old, new),
        _ => Vec::new(),
    };
    let action = match (&from, &to) {
        (None, _) => TenantAction::Added,
        (_, None) => TenantAction::Removed,
        (Some(from), Some(to)) if has_moved(from, to) => TenantAction::Moved,
        _ if fields.is_empty() && from == to => return,
        _ => TenantAction::Changed,
    };
    let kept: BTreeSet<&str> = new.into_iter().flat_map(|record| &record.shared_stacks).map(AsRef::as_ref).collect();
    let leaves_shared =
        old.is_some_and(|record| record.shared_stacks.iter().any(|stack| !kept.contains(stack.as_ref())));
    let without_account = |place: &Option<Place>| place.clone().map(|place| Place { account: None, ..place });
    // A name is one of many; any other value is the same for many.
    let shape = fields.iter().map(|field| match field.field.as_str() {
        "name" | "account" => (field.field.as_str(), None, None),
        name => (name, field.old.as_ref(), field.new.as_ref()),
    });
    let shape: Vec<_> = shape.collect();
    let key = (action, without_account(&from), without_account(&to), shape, leaves_shared);
    // Only keys that are no texts could fail, and there are none.
    let key = serde_json::to_string(&key).unwrap_or_default();
    let group = groups.entry(key).or_insert_with(|| TenantGroup {
        action,
        from,
        to,
        fields,
        leaves_shared,
        legal_hold: Vec::new(),
        tenants: Vec::new(),
    });
    if [old, new].into_iter().flatten().any(|record| record.legal_hold) {
        group.legal_hold.push(record.tenant.to_string());
    }
    group.tenants.push(record.tenant.to_string());
}

/// Whether a tenant is somewhere else. An account that is known by now is no move.
fn has_moved(from: &Place, to: &Place) -> bool {
    let account = from.account.is_some() && to.account.is_some() && from.account != to.account;
    account || from.tier != to.tier || from.cell != to.cell || from.region != to.region
}

/// What a record says differently, apart from the place and from why it was chosen.
fn fields(old: &TenantRecord<'static>, new: &TenantRecord<'static>) -> Vec<FieldChange> {
    let text = |value: &Option<std::borrow::Cow<'_, str>>| value.as_deref().map(Value::from);
    let mut fields = vec![
        FieldChange::of("name", text(&old.name), text(&new.name)),
        FieldChange::of("state", Some(old.state.as_str().into()), Some(new.state.as_str().into())),
        FieldChange::of("account", text(&old.account), text(&new.account)),
        FieldChange::of("legalHold", Some(old.legal_hold.into()), Some(new.legal_hold.into())),
    ];
    let names: BTreeSet<&str> = old.entitlements.keys().chain(new.entitlements.keys()).map(AsRef::as_ref).collect();
    fields.extend(names.into_iter().map(|name| {
        let value = |record: &TenantRecord<'_>| record.entitlements.get(name).cloned();
        FieldChange::of(format!("entitlements/{name}"), value(old), value(new))
    }));
    fields.into_iter().flatten().collect()
}
