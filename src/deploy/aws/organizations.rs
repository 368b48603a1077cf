//! Units, policies and accounts of the organization.
//!
//! The endpoint is one for each partition, which the SDK finds from the region:
//! <https://docs.aws.amazon.com/general/latest/gr/ao.html>. What was made by an earlier try is found, and counts as made.

use std::collections::BTreeMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::error::BuildError;
use aws_sdk_organizations::types::{PolicyType, Tag};

use super::errors::{done, failed};
use super::own;
use crate::deploy::cloud::{Answer, CloudError, CloudErrorKind, PolicyState, UnitState};

/// A policy to be made.
pub(super) struct Draft<'a> {
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) description: &'a str,
    pub(super) content: &'a str,
    pub(super) tags: &'a BTreeMap<String, String>,
}

fn tags(operation: &'static str, tags: &BTreeMap<String, String>) -> Answer<Vec<Tag>> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    tags.iter()
        .map(tag)
        .collect::<Result<_, BuildError>>()
        .map_err(|error| own(CloudErrorKind::Invalid, operation, error.to_string()))
}

/// The answer says that it was made, and not what.
fn unnamed(operation: &'static str) -> CloudError {
    own(CloudErrorKind::Transient, operation, "the answer has no id".to_owned())
}

pub(super) async fn units(client: &Client, parent: &str) -> Answer<Vec<UnitState>> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let answer = client.list_organizational_units_for_parent().parent_id(parent).set_next_token(next).send().await;
        let answer = answer.map_err(|error| failed("organizations:ListOrganizationalUnitsForParent", &error))?;
        for unit in answer.organizational_units() {
            if let (Some(id), Some(name)) = (unit.id(), unit.name()) {
                all.push(UnitState { id: id.to_owned(), name: name.to_owned() });
            }
        }
        next = answer.next_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

pub(super) async fn create_unit(
    client: &Client,
    parent: &str,
    name: &str,
    labels: &BTreeMap<String, String>,
) -> Answer<String> {
    let operation = "organizations:CreateOrganizationalUnit";
    let labels = tags(operation, labels)?;
    let answer = client.create_organizational_unit().parent_id(parent).name(name).set_tags(Some(labels)).send().await;
    let answer = answer.map_err(|error| failed(operation, &error));
    match done(answer, &["DuplicateOrganizationalUnitException"])? {
        Some(answer) => answer.organizational_unit.and_then(|unit| unit.id).ok_or_else(|| unnamed(operation)),
        None => units(client, parent).await?.into_iter().find(|unit| unit.name == name).map(|unit| unit.id).ok_or_else(
            || own(CloudErrorKind::Busy, operation, format!("unit `{name}` is just being made or deleted")),
        ),
    }
}

pub(super) async fn policy(client: &Client, kind: &str, name: &str) -> Answer<Option<PolicyState>> {
    let mut next = None;
    let id = loop {
        let answer = client.list_policies().filter(PolicyType::from(kind)).set_next_token(next).send().await;
        let answer = answer.map_err(|error| failed("organizations:ListPolicies", &error))?;
        if let Some(policy) = answer.policies().iter().find(|policy| policy.name() == Some(name)) {
            break policy.id().map(str::to_owned);
        }
        next = answer.next_token;
        if next.is_none() {
            break None;
        }
    };
    let Some(id) = id else { return Ok(None) };
    let operation = "organizations:DescribePolicy";
    let answer = client.describe_policy().policy_id(&id).send().await.map_err(|error| failed(operation, &error))?;
    let Some(policy) = answer.policy else { return Err(unnamed(operation)) };
    let summary = policy.policy_summary;
    Ok(Some(PolicyState {
        targets: targets(client, &id).await?,
        id,
        name: name.to_owned(),
        content: policy.content.unwrap_or_default(),
        description: summary.and_then(|summary| summary.description).unwrap_or_default(),
    }))
}

async fn targets(client: &Client, policy: &str) -> Answer<Vec<String>> {
    let (mut all, mut next) = (Vec::new(), None);
    loop {
        let answer = client.list_targets_for_policy().policy_id(policy).set_next_token(next).send().await;
        let answer = answer.map_err(|error| failed("organizations:ListTargetsForPolicy", &error))?;
        all.extend(answer.targets().iter().filter_map(|target| target.target_id().map(str::to_owned)));
        next = answer.next_token;
        if next.is_none() {
            return Ok(all);
        }
    }
}

pub(super) async fn create_policy(client: &Client, draft: &Draft<'_>) -> Answer<String> {
    let operation = "organizations:CreatePolicy";
    let answer = client
        .create_policy()
        .r#type(PolicyType::from(draft.kind))
        .name(draft.name)
        .description(draft.description)
        .content(draft.content)
        .set_tags(Some(tags(operation, draft.tags)?))
        .send()
        .await;
    let error = match answer {
        Ok(answer) => {
            let id = answer.policy.and_then(|policy| policy.policy_summary).and_then(|summary| summary.id);
            return id.ok_or_else(|| unnamed(operation));
        }
        Err(error) => failed(operation, &error),
    };
    if error.code == "DuplicatePolicyException"
        && let Some(there) = policy(client, draft.kind, draft.name).await?
        && there.content == draft.content
        && there.description == draft.description
    {
        return Ok(there.id);
    }
    Err(error)
}

pub(super) async fn update_policy(client: &Client, id: &str, description: &str, content: &str) -> Answer<()> {
    let answer = client.update_policy().policy_id(id).description(description).content(content).send().await;
    answer.map_err(|error| failed("organizations:UpdatePolicy", &error))?;
    Ok(())
}

pub(super) async fn attach(client: &Client, policy: &str, unit: &str) -> Answer<()> {
    let answer = client.attach_policy().policy_id(policy).target_id(unit).send().await;
    let answer = answer.map_err(|error| failed("organizations:AttachPolicy", &error));
    done(answer, &["DuplicatePolicyAttachmentException"])?;
    Ok(())
}

pub(super) async fn detach(client: &Client, policy: &str, unit: &str) -> Answer<()> {
    let answer = client.detach_policy().policy_id(policy).target_id(unit).send().await;
    let answer = answer.map_err(|error| failed("organizations:DetachPolicy", &error));
    done(answer, &["PolicyNotAttachedException"])?;
    Ok(())
}

pub(super) async fn parent(client: &Client, account: &str) -> Answer<String> {
    let operation = "organizations:ListParents";
    let mut next = None;
    loop {
        let answer = client.list_parents().child_id(account).set_next_token(next).send().await;
        let answer = answer.map_err(|error| failed(operation, &error))?;
        if let Some(id) = answer.parents().iter().find_map(|parent| parent.id()) {
            return Ok(id.to_owned());
        }
        next = answer.next_token;
        if next.is_none() {
            let message = format!("account {account} stands in no unit");
            return Err(own(CloudErrorKind::NotFound, operation, message));
        }
    }
}

pub(super) async fn move_account(client: &Client, account: &str, from: &str, to: &str) -> Answer<()> {
    let answer =
        client.move_account().account_id(account).source_parent_id(from).destination_parent_id(to).send().await;
    let answer = answer.map_err(|error| failed("organizations:MoveAccount", &error));
    done(answer, &["DuplicateAccountException"])?;
    Ok(())
}
