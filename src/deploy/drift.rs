//! Looking for resources that are not as their templates say.
//!
//! CloudFormation compares what it can: some types it does not, and properties that a template leaves out it never does.
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html>

use std::fmt;

use serde::Serialize;

use super::clock::Clock;
use super::cloud::{Answer, Cloud, CloudError, CloudErrorKind, ResourceDrift};
use super::engine::looks;
use super::fleet::{FleetStack, Owner, each};

/// How many stacks are looked at at once.
const AT_ONCE: usize = 8;

/// What a look for drift found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// What CloudFormation compares is as the template says.
    InSync,
    /// Something is not.
    Drifted,
    /// There is no stack.
    Absent,
    /// It could not be found out.
    Unknown,
}

impl Found {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "in sync",
            Self::Drifted => "drifted",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// The drift of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackDrift {
    /// Its name.
    pub stack: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The tenant whose it is; none for those that tenants share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What was found.
    pub drift: Found,
    /// The resources that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceDrift>,
    /// Why it could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Starts looking for drift in stacks, waits, and reads what was found. `seen` is told of each stack that is done.
pub fn look<C: Cloud>(
    cloud: &C,
    clock: &dyn Clock,
    stacks: &[FleetStack],
    seen: &(dyn Fn() + Sync),
) -> Vec<StackDrift> {
    each(stacks, AT_ONCE, |stack| {
        let drift = one(cloud, clock, stack);
        seen();
        drift
    })
}

fn one<C: Cloud>(cloud: &C, clock: &dyn Clock, stack: &FleetStack) -> StackDrift {
    let (target, name) = (&stack.item.target, stack.item.name.as_str());
    let mut told = StackDrift {
        stack: name.to_owned(),
        account: target.account.clone(),
        region: target.region.clone(),
        tenant: match &stack.owner {
            Owner::Tenant(tenant) => Some(tenant.clone()),
            Owner::Cell(_) => None,
        },
        drift: Found::Unknown,
        resources: Vec::new(),
        problem: None,
    };
    match detect(cloud, clock, stack) {
        Ok(Some(drift)) => {
            (told.drift, told.resources) = drift;
            if told.drift == Found::Unknown {
                told.problem = Some("CloudFormation does not say".to_owned());
            }
        }
        Ok(None) => told.drift = Found::Absent,
        Err(problem) => told.problem = Some(problem),
    }
    told
}

/// What was found in a stack; nothing if there is none.
fn detect<C: Cloud>(
    cloud: &C,
    clock: &dyn Clock,
    stack: &FleetStack,
) -> Result<Option<(Found, Vec<ResourceDrift>)>, String> {
    let (target, name) = (&stack.item.target, stack.item.name.as_str());
    if target.account.is_empty() {
        return Err("the assembly has no account for it".to_owned());
    }
    let mut waits = looks(name);
    let mut pause = |problem: &str| match waits.longer() {
        Some(wait) => {
            clock.sleep(wait);
            Ok(())
        }
        None => Err(problem.to_owned()),
    };
    // A look at the stack first: an error of the other call does not say that there is none.
    let Some(there) = again(&mut pause, || stack.find(cloud))? else { return Ok(None) };
    let name = there.name();
    let id = again(&mut pause, || cloud.detect_drift(target, name))?;
    loop {
        let state = again(&mut pause, || cloud.drift(target, &id))?;
        match state.status.as_str() {
            "DETECTION_IN_PROGRESS" => pause("the look for drift has not ended")?,
            "DETECTION_COMPLETE" => {
                return match state.drift.as_deref() {
                    Some("IN_SYNC") => Ok(Some((Found::InSync, Vec::new()))),
                    Some("DRIFTED") => {
                        let resources = again(&mut pause, || cloud.drifted(target, name))?;
                        Ok(Some((Found::Drifted, resources)))
                    }
                    _ => Ok(Some((Found::Unknown, Vec::new()))),
                };
            }
            other => {
                let reason = state.reason.unwrap_or_else(|| "no reason is given".to_owned());
                return Err(format!("the look for drift ended in `{other}`: {reason}"));
            }
        }
    }
}

/// Asks again as long as AWS is busy.
fn again<T>(pause: &mut impl FnMut(&str) -> Result<(), String>, ask: impl Fn() -> Answer<T>) -> Result<T, String> {
    loop {
        match ask() {
            Ok(found) => return Ok(found),
            Err(CloudError {
                kind: CloudErrorKind::Throttled | CloudErrorKind::Transient | CloudErrorKind::Busy,
                ..
            }) => {
                pause("AWS is too busy")?;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
