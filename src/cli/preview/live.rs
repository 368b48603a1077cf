//! `preview --live`: what CloudFormation says that it would do, as part of a preview. Change sets are made, read and
//! deleted; none is executed.

use anyhow::bail;

use crate::deploy::cloud::{CloudError, PlannedChange};
use crate::preview::Preview;
use crate::preview::live::{LiveChange, LiveStack};

/// Whether and how AWS is asked.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Live {
    /// Ask CloudFormation what it would do to what is deployed, through change sets that are deleted and never executed.
    #[arg(long)]
    pub(super) live: bool,

    /// The role to take in each account, with `{account}` in it for the account's number; without it, the caller's own
    /// credentials are used.
    #[arg(long, value_name = "ARN", requires = "live")]
    pub(super) role: Option<String>,

    /// The bucket for templates that are too large for a request, with `{account}` and `{region}` in it.
    #[arg(long, value_name = "BUCKET", requires = "live")]
    pub(super) bucket: Option<String>,
}

/// Asks, and puts the answers into the preview.
///
/// # Errors
/// If nothing can be asked.
pub(super) fn ask(_preview: &mut Preview, _live: &Live) -> anyhow::Result<()> {
    bail!("`preview --live` is not there yet")
}

/// What CloudFormation said about one stack, for the preview's document: the changes of a change set, or why there are
/// none.
#[cfg_attr(not(test), expect(dead_code, reason = "what asks CloudFormation is made in `deploy`"))]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::cloud::CloudErrorKind;

    fn change(action: &str, replacement: Option<&str>) -> PlannedChange {
        PlannedChange {
            logical_id: "Orders".to_owned(),
            kind: "AWS::DynamoDB::Table".to_owned(),
            action: action.to_owned(),
            replacement: replacement.map(str::to_owned),
            properties: vec!["KeySchema".to_owned()],
        }
    }

    #[test]
    fn what_cloudformation_says_is_said_in_the_words_of_the_preview() {
        let asked = [
            change("Add", None),
            change("Modify", Some("False")),
            change("Modify", Some("Conditional")),
            change("Modify", Some("True")),
            change("Remove", None),
            change("Import", None),
            change("Dynamic", None),
        ];
        let stack = live_stack("shop", true, Ok(asked.to_vec()));
        let words: Vec<&str> = stack.changes.iter().map(LiveChange::words).collect();
        assert_eq!(words, ["added", "updated", "may be replaced", "replaced", "removed", "imported", "undecided"]);
        assert_eq!(stack.problem, None);
    }

    #[test]
    fn what_could_not_be_asked_says_why() {
        let error = CloudError {
            kind: CloudErrorKind::Denied,
            operation: "cloudformation:CreateChangeSet",
            code: "AccessDenied".to_owned(),
            message: "no".to_owned(),
        };
        let stack = live_stack("shop", false, Err(error));
        assert_eq!(stack.problem.as_deref(), Some("`cloudformation:CreateChangeSet` failed with `AccessDenied`: no"));
        assert!(stack.changes.is_empty());
    }
}
