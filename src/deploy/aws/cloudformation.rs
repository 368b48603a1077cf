//! Stacks, change sets and drift.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetType, Parameter, ResourceAttribute, Stack, StackResourceDriftStatus, StackStatus, Tag,
    TemplateStage,
};

use super::errors::{done, failed, found};
use super::own;
use crate::deploy::cloud::{
    Answer, ChangeSetRequest, ChangeSetState, CloudErrorKind, DriftState, PlannedChange, ResourceDrift, StackState,
    TemplateSource,
};

/// The most reasons that are told of a failure.
const REASONS: usize = 10;

/// Parameters as CloudFormation takes them.
pub(super) fn parameters(values: &BTreeMap<String, String>) -> Vec<Parameter> {
    values.iter().map(|(key, value)| Parameter::builder().parameter_key(key).parameter_value(value).build()).collect()
}

/// Tags as CloudFormation takes them.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// What the user has to agree to: roles with names, and macros only where the template has some. A template that lies in a
/// bucket is taken for one without: ours have none.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>
pub(super) fn capabilities(template: TemplateSource<'_>) -> Vec<Capability> {
    let mut all = vec![Capability::CapabilityNamedIam];
    if let TemplateSource::Body(text) = template
        && transforms(text)
    {
        all.push(Capability::CapabilityAutoExpand);
    }
    all
}

/// Whether a template names a macro: the key `Transform` at its top in JSON or YAML, or `Fn::Transform` anywhere.
fn transforms(template: &str) -> bool {
    if template.contains("Fn::Transform") || template.contains("!Transform") {
        return true;
    }
    match serde_json::from_str::<BTreeMap<String, serde::de::IgnoredAny>>(template) {
        Ok(keys) => keys.contains_key("Transform"),
        Err(_) => template.lines().any(|line| {
            let key = line.split(':').next().unwrap_or_default();
            line.contains(':') && matches!(key.trim_end(), "Transform" | "'Transform'" | "\"Transform\"")
        }),
    }
}

/// A template as either of the two fields of a request.
pub(super) fn template_fields(template: TemplateSource<'_>) -> (Option<String>, Option<String>) {
    match template {
        TemplateSource::Body(text) => (Some(text.to_owned()), None),
        TemplateSource::Url(address) => (None, Some(address.to_owned())),
    }
}

pub(super) async fn stack(client: &Client, name: &str) -> Answer<Option<StackState>> {
    let answer = client.describe_stacks().stack_name(name).send().await;
    let answer = found(answer.map_err(|error| failed("cloudformation:DescribeStacks", &error)))?;
    let stack = answer.and_then(|answer| answer.stacks.unwrap_or_default().into_iter().next());
    Ok(stack.filter(|stack| stack.stack_status != Some(StackStatus::DeleteComplete)).map(state))
}

/// All names of a place are read, for CloudFormation finds none by a part of it. Deleted stacks it lists for 90 days.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html>
pub(super) async fn names(client: &Client, prefix: &str) -> Answer<Vec<String>> {
    let there = StackStatus::values().iter().map(|status| StackStatus::from(*status));
    let there: Vec<StackStatus> = there.filter(|status| *status != StackStatus::DeleteComplete).collect();
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let request = client.list_stacks().set_stack_status_filter(Some(there.clone())).set_next_token(next);
        let answer = request.send().await.map_err(|error| failed("cloudformation:ListStacks", &error))?;
        let names = answer.stack_summaries().iter().filter_map(|stack| stack.stack_name());
        all.extend(names.filter(|name| name.starts_with(prefix)).map(str::to_owned));
        next = answer.next_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

fn state(stack: Stack) -> StackState {
    let tags = stack.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect();
    let parameters = stack
        .parameters()
        .iter()
        .filter_map(|value| Some((value.parameter_key()?.to_owned(), value.parameter_value()?.to_owned())))
        .collect();
    StackState {
        id: stack.stack_id.or(stack.stack_name).unwrap_or_default(),
        status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: stack.stack_status_reason,
        change_set: stack.change_set_id,
        tags,
        parameters,
    }
}

pub(super) async fn create_change_set(client: &Client, request: &ChangeSetRequest<'_>) -> Answer<String> {
    let operation = "cloudformation:CreateChangeSet";
    let (body, url) = template_fields(request.template);
    let kind = if request.create { ChangeSetType::Create } else { ChangeSetType::Update };
    let answer = client
        .create_change_set()
        .stack_name(request.stack)
        .change_set_name(request.name)
        .client_token(request.token)
        .change_set_type(kind)
        .set_template_body(body)
        .set_template_url(url)
        .set_parameters(Some(parameters(request.parameters)))
        .set_tags(Some(tags(request.tags)))
        .set_capabilities(Some(capabilities(request.template)))
        .send()
        .await;
    let error = match answer {
        Ok(answer) => return answer.id.ok_or_else(|| own(CloudErrorKind::Transient, operation, nameless())),
        Err(error) => failed(operation, &error),
    };
    // Whoever asks twice for the same has the same name: what is there is what was asked for.
    if matches!(error.code.as_str(), "AlreadyExistsException" | "AlreadyExists")
        && let Some(there) = change_set(client, request.stack, request.name).await?
    {
        return Ok(there.id);
    }
    Err(error)
}

fn nameless() -> String {
    "the answer has no id".to_owned()
}

pub(super) async fn change_set(client: &Client, stack: &str, name: &str) -> Answer<Option<ChangeSetState>> {
    let operation = "cloudformation:DescribeChangeSet";
    let (mut state, mut next): (Option<ChangeSetState>, _) = (None, None);
    loop {
        let answer =
            client.describe_change_set().stack_name(stack).change_set_name(name).set_next_token(next).send().await;
        let Some(answer) = found(answer.map_err(|error| failed(operation, &error)))? else { return Ok(None) };
        let changes = answer.changes().iter().filter_map(|change| change.resource_change()).map(planned);
        match &mut state {
            Some(state) => state.changes.extend(changes),
            None => {
                state = Some(ChangeSetState {
                    changes: changes.collect(),
                    status: answer.status().map(|word| word.as_str().to_owned()).unwrap_or_default(),
                    execution: answer.execution_status().map(|word| word.as_str().to_owned()).unwrap_or_default(),
                    reason: answer.status_reason.clone(),
                    id: answer.change_set_id.clone().unwrap_or_else(|| name.to_owned()),
                });
            }
        }
        next = answer.next_token;
        if next.is_none() {
            return Ok(state.filter(|state| state.status != "DELETE_COMPLETE"));
        }
    }
}

fn planned(change: &aws_sdk_cloudformation::types::ResourceChange) -> PlannedChange {
    let mut properties: Vec<String> = change
        .details()
        .iter()
        .filter_map(|detail| detail.target())
        .filter_map(|target| match (target.attribute(), target.name()) {
            (_, Some(name)) => Some(name.to_owned()),
            (Some(ResourceAttribute::Properties), None) | (None, None) => None,
            // `Tags`, `Metadata`, `UpdatePolicy`: not properties, but what changes.
            (Some(attribute), None) => Some(attribute.as_str().to_owned()),
        })
        .collect();
    properties.sort();
    properties.dedup();
    PlannedChange {
        logical_id: change.logical_resource_id().unwrap_or_default().to_owned(),
        kind: change.resource_type().unwrap_or_default().to_owned(),
        action: change.action().map(|word| word.as_str().to_owned()).unwrap_or_default(),
        replacement: change.replacement().map(|word| word.as_str().to_owned()),
        properties,
    }
}

/// Tokens are made from what is asked: one that is known already was ours, and did what is asked.
const KNOWN_TOKEN: &[&str] = &["TokenAlreadyExistsException", "TokenAlreadyExists"];

pub(super) async fn execute_change_set(client: &Client, stack: &str, name: &str, token: &str) -> Answer<()> {
    let answer =
        client.execute_change_set().stack_name(stack).change_set_name(name).client_request_token(token).send().await;
    done(answer.map_err(|error| failed("cloudformation:ExecuteChangeSet", &error)), KNOWN_TOKEN)?;
    Ok(())
}

/// One that is gone already is deleted.
pub(super) async fn delete_change_set(client: &Client, stack: &str, name: &str) -> Answer<()> {
    let answer = client.delete_change_set().stack_name(stack).change_set_name(name).send().await;
    found(answer.map_err(|error| failed("cloudformation:DeleteChangeSet", &error)))?;
    Ok(())
}

pub(super) async fn delete_stack(client: &Client, stack: &str, token: &str) -> Answer<()> {
    let answer = client.delete_stack().stack_name(stack).client_request_token(token).send().await;
    let answer = answer.map_err(|error| failed("cloudformation:DeleteStack", &error));
    found(done(answer, KNOWN_TOKEN))?;
    Ok(())
}

/// Deletes the stack that a change set of type `CREATE` leaves behind: only while it is a shell, without resources
/// (`REVIEW_IN_PROGRESS`), and while nobody else has a change set on it. Says whether it did.
pub(super) async fn drop_shell(client: &Client, name: &str, token: &str) -> Answer<bool> {
    let Some(state) = stack(client, name).await? else { return Ok(false) };
    if state.status != StackStatus::ReviewInProgress.as_str() {
        return Ok(false);
    }
    let mut next = None;
    loop {
        let answer = client.list_change_sets().stack_name(&state.id).set_next_token(next).send().await;
        let answer = answer.map_err(|error| failed("cloudformation:ListChangeSets", &error))?;
        // Not every engine lists those of one stack only.
        if answer.summaries().iter().any(|set| set.stack_name() == Some(name) || set.stack_id() == Some(&state.id)) {
            return Ok(false);
        }
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    delete_stack(client, &state.id, token).await?;
    Ok(true)
}

/// Reasons of failed events, the first of them first. All events of an operation carry its token; where a service gives
/// none back, what counts is the stretch since the last operation began.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html>
pub(super) async fn failures(client: &Client, stack: &str, token: &str) -> Answer<Vec<String>> {
    let (mut marked, mut last, mut ended) = (Vec::new(), Vec::new(), false);
    let (mut next, mut seen) = (None, false);
    loop {
        let answer = client.describe_stack_events().stack_name(stack).set_next_token(next).send().await;
        let answer = answer.map_err(|error| failed("cloudformation:DescribeStackEvents", &error))?;
        for event in answer.stack_events() {
            let own = event.client_request_token() == Some(token);
            seen |= own;
            if seen && !own {
                return Ok(reasons(marked));
            }
            let status = event.resource_status().map(|status| status.as_str()).unwrap_or_default();
            let failure = status.ends_with("_FAILED").then(|| reason(event)).flatten();
            let of_stack = event.physical_resource_id().is_some() && event.physical_resource_id() == event.stack_id();
            if let Some(failure) = failure {
                if own {
                    marked.push(failure);
                } else if !ended {
                    last.push(failure);
                }
            }
            ended |= of_stack && matches!(status, "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS");
        }
        next = answer.next_token;
        if next.is_none() {
            return Ok(reasons(if seen { marked } else { last }));
        }
    }
}

fn reason(event: &aws_sdk_cloudformation::types::StackEvent) -> Option<String> {
    let reason = event.resource_status_reason()?;
    let name = event.logical_resource_id().unwrap_or("?");
    let kind = event.resource_type().unwrap_or("?");
    Some(format!("`{name}` ({kind}): {}", super::errors::clean(reason)))
}

/// Oldest first. What was only given up because something else failed says nothing where something else is told.
fn reasons(mut newest_first: Vec<String>) -> Vec<String> {
    newest_first.reverse();
    let follows = |reason: &String| {
        reason.ends_with("Resource creation cancelled")
            || reason.ends_with("Resource update cancelled")
            || reason.contains("The following resource(s) failed to")
    };
    if newest_first.iter().any(|reason| !follows(reason)) {
        newest_first.retain(|reason| !follows(reason));
    }
    newest_first.truncate(REASONS);
    newest_first
}

pub(super) async fn template(client: &Client, stack: &str) -> Answer<String> {
    let operation = "cloudformation:GetTemplate";
    let answer = client.get_template().stack_name(stack).template_stage(TemplateStage::Original).send().await;
    let answer = answer.map_err(|error| failed(operation, &error))?;
    answer
        .template_body
        .ok_or_else(|| own(CloudErrorKind::Transient, operation, "the answer has no template".to_owned()))
}

pub(super) async fn detect_drift(client: &Client, stack: &str) -> Answer<String> {
    let operation = "cloudformation:DetectStackDrift";
    let answer =
        client.detect_stack_drift().stack_name(stack).send().await.map_err(|error| failed(operation, &error))?;
    answer.stack_drift_detection_id.ok_or_else(|| own(CloudErrorKind::Transient, operation, nameless()))
}

pub(super) async fn drift(client: &Client, id: &str) -> Answer<DriftState> {
    let operation = "cloudformation:DescribeStackDriftDetectionStatus";
    let answer = client.describe_stack_drift_detection_status().stack_drift_detection_id(id).send().await;
    let answer = answer.map_err(|error| failed(operation, &error))?;
    Ok(DriftState {
        status: answer.detection_status().map(|word| word.as_str().to_owned()).unwrap_or_default(),
        drift: answer.stack_drift_status().map(|word| word.as_str().to_owned()),
        reason: answer.detection_status_reason,
    })
}

pub(super) async fn drifted(client: &Client, stack: &str) -> Answer<Vec<ResourceDrift>> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let answer = client
            .describe_stack_resource_drifts()
            .stack_name(stack)
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Modified)
            .stack_resource_drift_status_filters(StackResourceDriftStatus::Deleted)
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| failed("cloudformation:DescribeStackResourceDrifts", &error))?;
        for drift in answer.stack_resource_drifts() {
            let mut properties: Vec<String> = drift
                .property_differences()
                .iter()
                .filter_map(|difference| difference.property_path().map(str::to_owned))
                .collect();
            properties.sort();
            all.push(ResourceDrift {
                logical_id: drift.logical_resource_id().unwrap_or_default().to_owned(),
                kind: drift.resource_type().unwrap_or_default().to_owned(),
                status: drift
                    .stack_resource_drift_status()
                    .map(|status| status.as_str().to_owned())
                    .unwrap_or_default(),
                properties,
            });
        }
        next = answer.next_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_are_seen_where_they_can_stand() {
        for text in [
            r#"{"Transform": "AWS::LanguageExtensions", "Resources": {}}"#,
            r#"{"Resources": {"A": {"Fn::Transform": {"Name": "AWS::Include"}}}}"#,
            "Transform: AWS::Serverless-2016-10-31\nResources: {}\n",
            "Resources: {}\n\"Transform\" : [AWS::Include]\n",
            "Resources:\n  A: !Transform { Name: AWS::Include }\n",
        ] {
            assert!(transforms(text), "{text}");
        }
        for text in [
            r#"{"Resources": {"Transform": {"Type": "AWS::SQS::Queue"}}}"#,
            "Resources:\n  Transform:\n    Type: AWS::SQS::Queue\n",
            "{}",
            "",
        ] {
            assert!(!transforms(text), "{text}");
        }
        assert_eq!(capabilities(TemplateSource::Body("{}")), [Capability::CapabilityNamedIam]);
        assert_eq!(capabilities(TemplateSource::Url("https://b.s3.eu-west-1.amazonaws.com/k")).len(), 1);
    }

    #[test]
    fn what_only_follows_from_a_failure_is_left_out_beside_it() {
        let events = ["`C` (X): Resource creation cancelled", "`B` (X): no", "`A` (X): quota"].map(str::to_owned);
        assert_eq!(reasons(events.to_vec()), ["`A` (X): quota", "`B` (X): no"]);
        assert_eq!(reasons(vec![events[0].clone()]), [events[0].clone()]);
        assert_eq!(reasons(vec![events[1].clone(); 40]).len(), REASONS);
    }
}
