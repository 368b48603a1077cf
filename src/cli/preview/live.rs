//! What a change set would do, as part of a preview.

use crate::deploy::cloud::{CloudError, PlannedChange};
use crate::preview::live::{LiveChange, LiveStack};

/// What CloudFormation said about one stack, for the preview's document: the changes of a change set, or why there are
/// none.
pub(super) fn live_stack(name: &str, exists: bool, answer: Result<Vec<PlannedChange>, CloudError>) -> LiveStack {
    let (changes, problem) = match answer {
        Ok(changes) => (changes, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let changes = changes.into_iter().map(|change| LiveChange {
        logical_id: change.logical_id,
        kind: change.kind,
        action: change.action,
        replacement: change.replacement,
        properties: change.properties,
    });
    LiveStack { name: name.to_owned(), exists, problem, changes: changes.collect() }
}
