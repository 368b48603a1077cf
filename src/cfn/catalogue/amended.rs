//! What the catalogue does not say or says otherwise than AWS does: `data/iam-catalogue.json`, with sources and dates.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::Action;

/// The file.
#[derive(Debug, Default, Deserialize)]
struct Amendments {
    /// Prefixes of services.
    services: BTreeMap<String, Amendment>,
    /// Actions by their whole names.
    actions: BTreeMap<String, Amendment>,
    /// Keys with the actions that carry them, as patterns.
    keys: BTreeMap<String, MoreKeys>,
    operations: Operations,
}

/// Why something is there.
#[derive(Debug, Deserialize)]
struct Amendment {
    #[expect(dead_code, reason = "for those who read the file; a test sees that it is there")]
    why: String,
    #[expect(dead_code, reason = "for those who read the file; a test sees that it is there")]
    source: String,
    #[expect(dead_code, reason = "for those who read the file; a test sees that it is there")]
    date: String,
}

#[derive(Debug, Deserialize)]
struct MoreKeys {
    /// Actions that carry the key, as patterns.
    carried_by: Vec<String>,
    #[serde(flatten)]
    #[expect(dead_code, reason = "for those who read the file; a test sees that it is there")]
    amendment: Amendment,
}

/// Operations of APIs whose permission has another name.
#[derive(Debug, Default, Deserialize)]
struct Operations {
    permissions: BTreeMap<String, String>,
}

/// Nothing if the file is broken; a test reads it.
fn amendments() -> &'static Amendments {
    static READ: OnceLock<Amendments> = OnceLock::new();
    READ.get_or_init(|| serde_json::from_str(FILE).unwrap_or_default())
}

/// The text of the file.
pub(super) const FILE: &str = include_str!("../../../data/iam-catalogue.json");

/// Whether a service exists that the catalogue does not have.
pub(super) fn knows_service(prefix: &str) -> bool {
    amendments().services.keys().any(|known| known.eq_ignore_ascii_case(prefix))
}

/// Whether a pattern matches an action that the catalogue does not have.
pub(super) fn knows_action(pattern: &str) -> bool {
    amendments().actions.keys().any(|known| super::matches(pattern, known))
}

/// Whether a key exists that the catalogue does not have.
pub(super) fn knows_key(written: &str) -> bool {
    amendments().keys.keys().any(|known| super::fits(known, written))
}

/// Whether an action carries a key of which the catalogue does not say it.
pub(super) fn carries(action: Action, written: &str) -> bool {
    let mut keys = amendments().keys.iter().filter(|(known, _)| super::fits(known, written));
    keys.any(|(_, more)| {
        let name = action.full_name();
        more.carried_by.iter().any(|pattern| super::matches(pattern, &name))
    })
}

/// The permission that an operation of an API needs.
pub(super) fn permission_of(operation: &str) -> Option<&'static str> {
    let mut permissions = amendments().operations.permissions.iter();
    permissions.find(|(known, _)| known.eq_ignore_ascii_case(operation)).map(|(_, permission)| permission.as_str())
}
