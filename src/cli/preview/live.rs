//! `preview --live`: what CloudFormation says that it would do, as part of a preview. Change sets are made, read and
//! deleted; none is executed.

use std::collections::BTreeMap;

#[cfg(feature = "deploy")]
use crate::deploy::cloud::Target;
use crate::deploy::cloud::{CloudError, PlannedChange};
#[cfg(feature = "deploy")]
use crate::deploy::live::Question;
use crate::preview::Preview;
use crate::preview::live::{LiveChange, LiveStack};
use crate::rollout::SetKey;

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

/// Asks, and puts the answers into the preview. Says whether all of them came.
///
/// # Errors
/// If nothing can be asked.
#[cfg(not(feature = "deploy"))]
pub(super) fn ask(_: &mut Preview, _: &Material, _: &Live) -> anyhow::Result<bool> {
    anyhow::bail!("this `tenantry` was built without the feature `deploy` and cannot ask AWS")
}

/// Asks, and puts the answers into the preview. Says whether all of them came.
///
/// # Errors
/// If nothing can be asked.
#[cfg(feature = "deploy")]
pub(super) fn ask(preview: &mut Preview, material: &Material, live: &Live) -> anyhow::Result<bool> {
    use std::hash::{BuildHasher, Hasher};

    use crate::deploy::aws::{Aws, Settings};
    use crate::deploy::cloud::Cloud;
    use crate::deploy::live::preview as replies;
    use crate::facts::Facts;

    let most = usize::try_from(Facts::shipped()?.limit("template_body_direct")?.value)?;
    let region = preview.stacks.first().map(|stack| stack.region.clone());
    let aws = Aws::connect(&Settings { role: live.role.clone(), profile: None, region })?;
    let caller = aws.caller()?;
    let questions = questions(preview, material, live, &caller)?;
    // The keys of a hasher are made anew in each process: nobody has to guess this word, and it has to be another one.
    let run = format!("{:016x}", std::hash::RandomState::new().build_hasher().finish());
    let replies = replies(&aws, &questions, most, &run, &std::thread::sleep);
    let stacks: Vec<LiveStack> = replies
        .into_iter()
        .map(|reply| {
            let mut stack = live_stack(&reply.stack, reply.exists, reply.changes);
            stack.instance = reply.instance;
            // That something is left behind is said beside the changes, and beside another problem.
            let problems: Vec<String> =
                stack.problem.take().into_iter().chain(reply.left.map(|left| left.to_string())).collect();
            stack.problem = Some(problems.join("; ")).filter(|text| !text.is_empty());
            stack
        })
        .collect();
    let all = stacks.iter().all(|stack| stack.problem.is_none());
    preview.live = Some(stacks);
    Ok(all)
}

/// The tenant's stacks, as what is to be asked. What has no account yet is asked in the caller's own.
#[cfg(feature = "deploy")]
fn questions(preview: &Preview, material: &Material, live: &Live, caller: &str) -> anyhow::Result<Vec<Question>> {
    preview
        .stacks
        .iter()
        .map(|stack| {
            let account = stack.account.as_deref().unwrap_or(caller);
            let template = material
                .templates
                .get(&stack.template)
                .filter(|text| crate::assembly::Digest::of(text.as_bytes()).to_string() == stack.sha256);
            let Some(template) = template else {
                anyhow::bail!(
                    "the template `{}` is not the one that the manifest names by its digest; see `tenantry verify`",
                    stack.template
                )
            };
            let bucket = live.bucket.as_ref();
            Ok(Question {
                stack: stack.name.clone(),
                target: Target { account: account.to_owned(), region: stack.region.clone() },
                template: template.clone(),
                parameters: stack.parameters.clone(),
                tags: stack.tags.clone(),
                bucket: bucket.map(|name| name.replace("{account}", account).replace("{region}", &stack.region)),
                set: material.sets.get(&stack.name).cloned(),
            })
        })
        .collect()
}

/// What is asked with, beside what the preview shows.
#[derive(Debug, Default)]
pub(super) struct Material {
    /// The texts of the stacks' templates, by their paths in the assembly.
    pub(super) templates: BTreeMap<String, String>,
    /// The stack sets that can have made stacks of the tenant, by the stacks' names.
    pub(super) sets: BTreeMap<String, SetKey>,
}

/// What CloudFormation said about one stack, for the preview's document: the changes of a change set, or why there are
/// none.
#[cfg_attr(not(any(test, feature = "deploy")), expect(dead_code, reason = "nothing asks CloudFormation then"))]
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
    LiveStack { name: name.to_owned(), instance: None, exists, problem, changes: changes.collect() }
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
