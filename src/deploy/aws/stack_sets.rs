//! Stack sets and their instances, called from the management account.
//!
//! Sets are made with managed execution, so that operations of one set queue instead of failing
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ManagedExecution.html>), and without automatic
//! deployment: what is deployed is what a rollout says. The tolerance is strict: CloudFormation then never works on more
//! accounts at once than the tolerance and one more, and so stays within it.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/concurrency-mode.html>

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{
    AccountFilterType, AutoDeployment, ConcurrencyMode, DeploymentTargets, ManagedExecution, PermissionModels,
    StackInstanceSummary, StackSetOperationPreferences, StackSetOperationResultStatus,
};

use super::cloudformation::{capabilities, parameters, tags, template_fields};
use super::errors::{done, failed, found};
use crate::deploy::cloud::{
    Answer, InstanceState, InstancesRequest, InstancesWork, OperationState, StackSetRequest, StackSetState, Target,
};

pub(super) async fn stack_set(client: &Client, name: &str) -> Answer<Option<StackSetState>> {
    let answer = client.describe_stack_set().stack_set_name(name).send().await;
    let answer = found(answer.map_err(|error| failed("cloudformation:DescribeStackSet", &error)))?;
    Ok(answer.and_then(|answer| answer.stack_set).map(|set| StackSetState {
        tags: set.tags().iter().filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect(),
        id: set.stack_set_id.unwrap_or_else(|| name.to_owned()),
        status: set.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        description: set.description.unwrap_or_default(),
    }))
}

pub(super) async fn create(client: &Client, request: &StackSetRequest<'_>) -> Answer<()> {
    let (body, url) = template_fields(request.template);
    let (model, automatic) = if request.service_managed {
        (PermissionModels::ServiceManaged, Some(AutoDeployment::builder().enabled(false).build()))
    } else {
        (PermissionModels::SelfManaged, None)
    };
    let answer = client
        .create_stack_set()
        .stack_set_name(request.name)
        .description(request.description)
        .client_request_token(request.token)
        .permission_model(model)
        .set_auto_deployment(automatic)
        .managed_execution(ManagedExecution::builder().active(true).build())
        .set_template_body(body)
        .set_template_url(url)
        .set_parameters(Some(parameters(request.parameters)))
        .set_tags(Some(tags(request.tags)))
        .set_capabilities(Some(capabilities(request.template)))
        .send()
        .await;
    let Err(error) = answer else { return Ok(()) };
    let error = failed("cloudformation:CreateStackSet", &error);
    // The description has the digest in it: with the same one it is the same set, made by an earlier try.
    if matches!(error.code.as_str(), "NameAlreadyExistsException" | "NameAlreadyExists")
        && stack_set(client, request.name).await?.is_some_and(|set| set.description == request.description)
    {
        return Ok(());
    }
    Err(error)
}

/// How an operation is to go: regions one after the other, in each at most so many accounts at once.
fn preferences(request: &InstancesRequest<'_>) -> StackSetOperationPreferences {
    let count = |number: u64| i32::try_from(number).unwrap_or(i32::MAX);
    StackSetOperationPreferences::builder()
        .max_concurrent_count(count(request.concurrency.max(1)))
        .failure_tolerance_count(count(request.failures))
        .concurrency_mode(ConcurrencyMode::StrictFailureTolerance)
        .build()
}

/// The accounts: by themselves, or, where roles are AWS's, as those of a unit.
fn targets(request: &InstancesRequest<'_>) -> (Option<Vec<String>>, Option<DeploymentTargets>) {
    let accounts = Some(request.accounts.to_vec());
    match request.unit {
        None => (accounts, None),
        Some(unit) => {
            let targets = DeploymentTargets::builder()
                .organizational_unit_ids(unit)
                .set_accounts(accounts)
                .account_filter_type(AccountFilterType::Intersection)
                .build();
            (None, Some(targets))
        }
    }
}

pub(super) async fn change_instances(
    client: &Client,
    request: &InstancesRequest<'_>,
    work: &InstancesWork<'_>,
) -> Answer<String> {
    let (accounts, units) = targets(request);
    let regions = Some(request.regions.to_vec());
    let answer = match work {
        InstancesWork::Create(values) => client
            .create_stack_instances()
            .stack_set_name(request.set)
            .set_accounts(accounts)
            .set_deployment_targets(units)
            .set_regions(regions)
            .set_parameter_overrides(Some(parameters(values)))
            .operation_preferences(preferences(request))
            .operation_id(request.operation)
            .send()
            .await
            .map(|answer| answer.operation_id)
            .map_err(|error| failed("cloudformation:CreateStackInstances", &error)),
        InstancesWork::Update(set) => {
            let (body, url) = template_fields(set.template);
            client
                .update_stack_set()
                .stack_set_name(request.set)
                .description(set.description)
                .set_template_body(body)
                .set_template_url(url)
                .set_parameters(Some(parameters(set.parameters)))
                .set_tags(Some(tags(set.tags)))
                .set_capabilities(Some(capabilities(set.template)))
                .set_accounts(accounts)
                .set_deployment_targets(units)
                .set_regions(regions)
                .operation_preferences(preferences(request))
                .operation_id(request.operation)
                .send()
                .await
                .map(|answer| answer.operation_id)
                .map_err(|error| failed("cloudformation:UpdateStackSet", &error))
        }
        InstancesWork::Values(values) => client
            .update_stack_instances()
            .stack_set_name(request.set)
            .set_accounts(accounts)
            .set_deployment_targets(units)
            .set_regions(regions)
            .set_parameter_overrides(Some(parameters(values)))
            .operation_preferences(preferences(request))
            .operation_id(request.operation)
            .send()
            .await
            .map(|answer| answer.operation_id)
            .map_err(|error| failed("cloudformation:UpdateStackInstances", &error)),
        InstancesWork::Delete => client
            .delete_stack_instances()
            .stack_set_name(request.set)
            .set_accounts(accounts)
            .set_deployment_targets(units)
            .set_regions(regions)
            .retain_stacks(false)
            .operation_preferences(preferences(request))
            .operation_id(request.operation)
            .send()
            .await
            .map(|answer| answer.operation_id)
            .map_err(|error| failed("cloudformation:DeleteStackInstances", &error)),
    };
    // An operation's id is made from what it does: one that is there is this one.
    let id = done(answer, &["OperationIdAlreadyExistsException", "OperationIdAlreadyExists"])?.flatten();
    Ok(id.unwrap_or_else(|| request.operation.to_owned()))
}

pub(super) async fn operation(client: &Client, set: &str, id: &str) -> Answer<Option<OperationState>> {
    let answer = client.describe_stack_set_operation().stack_set_name(set).operation_id(id).send().await;
    let answer = found(answer.map_err(|error| failed("cloudformation:DescribeStackSetOperation", &error)))?;
    let Some(operation) = answer.and_then(|answer| answer.stack_set_operation) else { return Ok(None) };
    let status = operation.status.map(|status| status.as_str().to_owned()).unwrap_or_default();
    let mut failures = Vec::new();
    // What has not failed as a whole can have failed here and there, within the tolerance.
    if matches!(status.as_str(), "SUCCEEDED" | "FAILED" | "STOPPED") {
        let mut next = None;
        loop {
            let answer = client
                .list_stack_set_operation_results()
                .stack_set_name(set)
                .operation_id(id)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| failed("cloudformation:ListStackSetOperationResults", &error))?;
            for result in answer.summaries() {
                if result.status() == Some(&StackSetOperationResultStatus::Failed) {
                    let reason = super::errors::clean(result.status_reason().unwrap_or("no reason is given"));
                    failures.push((place(result.account(), result.region()), reason));
                }
            }
            next = answer.next_token;
            if next.is_none() {
                break;
            }
        }
    }
    failures.sort();
    Ok(Some(OperationState { status, failed: failures }))
}

fn place(account: Option<&str>, region: Option<&str>) -> Target {
    Target { account: account.unwrap_or_default().to_owned(), region: region.unwrap_or_default().to_owned() }
}

pub(super) async fn instances(client: &Client, set: &str, account: Option<&str>) -> Answer<Vec<InstanceState>> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let answer = client
            .list_stack_instances()
            .stack_set_name(set)
            .set_stack_instance_account(account.map(str::to_owned))
            .set_next_token(next)
            .send()
            .await
            .map_err(|error| failed("cloudformation:ListStackInstances", &error))?;
        all.extend(answer.summaries().iter().map(instance).filter(|instance| {
            // Not every engine knows the filter.
            account.is_none_or(|account| instance.target.account == account)
        }));
        next = answer.next_token;
        if next.is_none() {
            all.sort_by(|a, b| a.target.cmp(&b.target));
            return Ok(all);
        }
    }
}

pub(super) async fn instance_values(
    client: &Client,
    set: &str,
    target: &Target,
) -> Answer<Option<BTreeMap<String, String>>> {
    let answer = client
        .describe_stack_instance()
        .stack_set_name(set)
        .stack_instance_account(&target.account)
        .stack_instance_region(&target.region)
        .send()
        .await;
    let answer = found(answer.map_err(|error| failed("cloudformation:DescribeStackInstance", &error)))?;
    let Some(instance) = answer.and_then(|answer| answer.stack_instance) else { return Ok(None) };
    let values = instance.parameter_overrides().iter().map(|one| {
        (one.parameter_key().unwrap_or_default().to_owned(), one.parameter_value().unwrap_or_default().to_owned())
    });
    Ok(Some(values.collect()))
}

fn instance(summary: &StackInstanceSummary) -> InstanceState {
    let detailed = summary.stack_instance_status().and_then(|status| status.detailed_status());
    InstanceState {
        target: place(summary.account(), summary.region()),
        stack: summary.stack_id().map(str::to_owned),
        status: summary.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
        detailed: detailed.map(|status| status.as_str().to_owned()),
        reason: summary.status_reason().map(super::errors::clean),
    }
}
