//! Which version of the assembly each tenant has.
//!
//! A stack remembers the change set that made it what it is, and our change sets have the digest of what they deploy in
//! their names. A stack that a stack set or another tool has deployed is compared itself: template, parameters, tags.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::clock::Clock;
use super::cloud::{Answer, Cloud, CloudErrorKind, StackState};
use super::engine::looks;
use super::fleet::{FleetStack, Owner, each};
use super::names;

/// How many stacks are looked at at once.
const AT_ONCE: usize = 16;

/// How a stack stands to the assembly, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is what the assembly says.
    Current,
    /// Something is being done to it.
    Changing,
    /// It is something else: an earlier version, or one that nobody knows.
    Behind,
    /// There is none.
    Absent,
    /// Its last change failed, and it is what it was before, or needs a person.
    Failed,
    /// It could not be looked at.
    Unknown,
}

impl Standing {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Changing => "changing",
            Self::Behind => "behind",
            Self::Absent => "absent",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A stack, and what is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackStatus {
    /// Its name.
    pub stack: String,
    /// Its account; empty while the assembly has none.
    pub account: String,
    /// Its region.
    pub region: String,
    /// The tenant whose it is; none for those that tenants share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The cell whose it is; none for tenants' own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// Its tier.
    pub tier: String,
    /// How it stands to the assembly.
    pub standing: Standing,
    /// The version that is deployed; none if that is not one of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<String>,
    /// The version that the assembly has.
    pub wanted: String,
    /// CloudFormation's word; none if there is no stack, or it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Asks a few times if AWS is busy.
pub(super) fn patient<T>(clock: &dyn Clock, key: &str, ask: impl Fn() -> Answer<T>) -> Answer<T> {
    let mut waits = looks(key);
    for _ in 0..5 {
        match ask() {
            Err(error) if matches!(error.kind, CloudErrorKind::Throttled | CloudErrorKind::Transient) => {
                waits.longer().into_iter().for_each(|wait| clock.sleep(wait));
            }
            answer => return answer,
        }
    }
    ask()
}

/// Looks at stacks. `template` gives the text of a template of the assembly by its path.
pub fn look<C: Cloud>(
    cloud: &C,
    clock: &dyn Clock,
    stacks: &[FleetStack],
    template: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Vec<StackStatus> {
    each(stacks, AT_ONCE, |stack| one(cloud, clock, stack, template))
}

fn one<C: Cloud>(
    cloud: &C,
    clock: &dyn Clock,
    stack: &FleetStack,
    template: &dyn Fn(&str) -> Option<String>,
) -> StackStatus {
    let item = &stack.item;
    let (tenant, cell) = match &stack.owner {
        Owner::Tenant(name) => (Some(name.clone()), None),
        Owner::Cell(name) => (None, Some(name.clone())),
    };
    let mut told = StackStatus {
        stack: item.name.clone(),
        account: item.target.account.clone(),
        region: item.target.region.clone(),
        tenant,
        cell,
        tier: stack.tier.clone(),
        standing: Standing::Absent,
        deployed: None,
        wanted: item.version(),
        status: None,
        problem: None,
    };
    if item.target.account.is_empty() {
        told.problem = Some("the assembly has no account for it".to_owned());
        told.standing = Standing::Unknown;
        return told;
    }
    let found = match patient(clock, &item.name, || stack.find(cloud)) {
        Ok(Some(found)) => found,
        Ok(None) => return told,
        Err(error) => {
            told.problem = Some(error.to_string());
            told.standing = Standing::Unknown;
            return told;
        }
    };
    let version = found.change_set.as_deref().and_then(names::version_of).map(str::to_owned);
    told.status = Some(found.status.clone());
    told.standing = match found.status.as_str() {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => {
            told.deployed.clone_from(&version);
            let same = match &version {
                Some(version) => Ok(*version == told.wanted),
                None => same(cloud, clock, stack, &found, template),
            };
            match same {
                Ok(true) => Standing::Current,
                Ok(false) => Standing::Behind,
                Err(problem) => {
                    told.problem = Some(problem);
                    Standing::Unknown
                }
            }
        }
        status if status.ends_with("_IN_PROGRESS") => Standing::Changing,
        _ => Standing::Failed,
    };
    told
}

/// Whether a stack that no change set of ours has deployed is what the assembly says.
fn same<C: Cloud>(
    cloud: &C,
    clock: &dyn Clock,
    stack: &FleetStack,
    found: &StackState,
    template: &dyn Fn(&str) -> Option<String>,
) -> Result<bool, String> {
    let item = &stack.item;
    // What the template has defaults for is among the stack's values too.
    let values = item.parameters.iter().all(|(name, value)| found.parameters.get(name) == Some(value));
    // A stack set has no tags but those that its name says too.
    let is_own = found.name() == item.name;
    if !values || is_own && item.tags.iter().any(|(key, value)| found.tags.get(key) != Some(value)) {
        return Ok(false);
    }
    let Some(wanted) = template(&item.template) else { return Err(format!("`{}` cannot be read", item.template)) };
    let deployed =
        patient(clock, &item.name, || cloud.template(&item.target, found.name())).map_err(|error| error.to_string())?;
    Ok(match (serde_json::from_str::<Value>(&wanted), serde_json::from_str::<Value>(&deployed)) {
        (Ok(wanted), Ok(deployed)) => wanted == deployed,
        _ => wanted == deployed,
    })
}

/// How tenants stand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The tier.
    pub tier: String,
    /// How all of these stand.
    pub standing: Standing,
    /// How many tenants, or shared stacks, there are.
    pub count: usize,
    /// The tenants, sorted; for shared stacks their cells.
    pub names: Vec<String>,
    /// Whether these are cells.
    pub shared: bool,
}

/// Puts together who stands alike. A tenant stands as the worst of its own stacks does.
#[must_use]
pub fn groups(stacks: &[StackStatus]) -> Vec<Group> {
    let mut owners: BTreeMap<(bool, &str, &str), Standing> = BTreeMap::new();
    for stack in stacks {
        let (shared, name) = match (&stack.tenant, &stack.cell) {
            (Some(tenant), _) => (false, tenant.as_str()),
            (None, cell) => (true, cell.as_deref().unwrap_or_default()),
        };
        let standing = owners.entry((shared, &stack.tier, name)).or_insert(stack.standing);
        *standing = (*standing).max(stack.standing);
    }
    let mut groups: BTreeMap<(bool, &str, Standing), Vec<String>> = BTreeMap::new();
    for ((shared, tier, name), standing) in owners {
        groups.entry((!shared, tier, standing)).or_default().push(name.to_owned());
    }
    groups
        .into_iter()
        .map(|((own, tier, standing), names)| Group {
            tier: tier.to_owned(),
            standing,
            count: names.len(),
            names,
            shared: !own,
        })
        .collect()
}

/// Whether something is not what the assembly says.
#[must_use]
pub fn is_skewed(stacks: &[StackStatus]) -> bool {
    stacks.iter().any(|stack| stack.standing != Standing::Current)
}
