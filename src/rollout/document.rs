//! The shape of `rollout.json`: what is deployed, in which order, and when to stop. `schemas/rollout.schema.json` says the
//! same in words; a test holds the two together.
//!
//! A rollout names stacks and does not hold them: their templates, parameters and tags are in the assembly that it was
//! made for, which it names by the digest of the manifest. It fits no other.

use std::collections::BTreeMap;

use serde::de::{Deserializer, Error, Unexpected};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::values::Values;
use crate::assembly::Digest;

/// Values of a template's parameters.
pub type Parameters = BTreeMap<String, String>;

/// A rollout: `rollout.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rollout {
    /// The version of the format.
    pub format: RolloutFormat,
    /// The blueprint of the assembly.
    pub blueprint: String,
    /// Its environment.
    pub environment: String,
    /// The digest of the assembly's `tenantry.json`.
    pub assembly: Digest,
    /// The digest of the `tenantry.json` that is deployed before; none for the first rollout, which then deploys everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// The role to assume in each account, with `{account}` for its id and `{partition}`; none to use the caller's own rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The account that Organizations and StackSets are called in; none for the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_account: Option<String>,
    /// The region that StackSets are called in; none if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_region: Option<String>,
    /// The bucket for templates that are too large for a request, with `{account}` and `{region}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_bucket: Option<String>,
    /// The stack sets that steps speak of, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stack_sets: BTreeMap<String, StackSet>,
    /// The waves, in order. The next begins when all steps of one have ended, and its gate has let it pass.
    pub waves: Vec<Wave>,
    /// The limits that were asked for, each with what the planner counted. All hold, or there is no rollout.
    pub obligations: Vec<Obligation>,
}

/// The version of the format of `rollout.json`. There is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RolloutFormat;

impl RolloutFormat {
    /// The number in the file.
    pub const VERSION: u64 = 1;
}

impl Serialize for RolloutFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::VERSION)
    }
}

impl<'de> Deserialize<'de> for RolloutFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::VERSION => Ok(Self),
            other => Err(D::Error::invalid_value(Unexpected::Unsigned(other), &"format 1, the one this version knows")),
        }
    }
}

/// A stack set: one template for many accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StackSet {
    /// The tier whose tenants' stacks it makes.
    pub tier: String,
    /// The template's path in the assembly.
    pub template: String,
    /// The digest of the template.
    pub sha256: Digest,
    /// The organizational unit whose accounts it reaches (service-managed), by the name the organization's template gives
    /// it; none where roles in the accounts do the work (self-managed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The values of parameters of the set itself. Those of single tenants stand in the steps that make their instances.
    pub parameters: Parameters,
}

/// A part of the rollout that begins when the one before has ended well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Wave {
    /// Its name, which no other wave has.
    pub wave: String,
    /// How many tenants it changes, by their own stacks or by those of their cell.
    pub tenants: u64,
    /// The most steps that run at once.
    pub concurrency: u64,
    /// The most stacks that change at once in one account and region.
    pub account_concurrency: u64,
    /// How many failures are borne.
    pub tolerance: Tolerance,
    /// The steps, each after those it names.
    pub steps: Vec<Step>,
    /// What has to be waited for, and to be well, before the next wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

/// How many failed steps a wave bears. With one more nothing new is begun, and the rollout stops after what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tolerance {
    /// The most failed steps.
    pub failures: u64,
}

/// What stands between two waves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Gate {
    /// How long to wait, in minutes.
    pub bake_minutes: u64,
    /// The alarms that stop the rollout if they ring during that time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<Alarm>,
}

/// An alarm of CloudWatch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name, which no other step of the rollout has: `stack/NAME`. The same work has the same id in every rollout.
    pub id: String,
    /// What to do.
    #[serde(flatten)]
    pub work: Work,
    /// The tenant whose stack or account it is; none for what tenants share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The steps of the same wave that have to have ended well before. Earlier waves have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// What a step does. Each can be done again without harm: what is there already is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Work {
    /// An organizational unit stands below its parent.
    Unit {
        /// Its name.
        unit: String,
        /// Its parent: an id (`r-…`, `ou-…`), or the name of a unit that an earlier step makes.
        parent: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// An organization policy exists with the content of a file.
    Policy {
        /// Its name.
        policy: String,
        /// Its kind, as Organizations calls it: `SERVICE_CONTROL_POLICY`.
        kind: String,
        /// The path of its document in the assembly.
        file: String,
        /// The digest of the document.
        sha256: Digest,
        /// What people read about it.
        description: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
    },
    /// A policy is attached to a unit.
    Attach {
        /// The policy's name.
        policy: String,
        /// The unit's name.
        unit: String,
    },
    /// A policy is taken from a unit.
    Detach {
        /// The policy's name.
        policy: String,
        /// The unit's name.
        unit: String,
    },
    /// A tenant's account stands in a unit.
    Account {
        /// The account.
        account: String,
        /// The unit's name.
        unit: String,
    },
    /// A stack is as its record in the assembly says: created, or updated by a change set.
    Stack {
        /// Its name.
        stack: String,
        /// Its account.
        account: String,
        /// Its region.
        region: String,
    },
    /// A stack is gone.
    DeleteStack {
        /// Its name.
        stack: String,
        /// Its account.
        account: String,
        /// Its region.
        region: String,
    },
    /// A stack set exists, with its template and parameters. Instances that are there are not changed.
    StackSet {
        /// Its name, as in [`Rollout::stack_sets`].
        set: String,
    },
    /// A stack set has an instance in an account and region.
    Instance {
        /// The stack set's name.
        set: String,
        /// The account.
        account: String,
        /// The region.
        region: String,
        /// The tenant's values.
        parameters: Values,
    },
    /// Instances of a stack set get its present template and keep their values.
    UpdateInstances {
        /// The stack set's name.
        set: String,
        /// The accounts.
        accounts: Vec<String>,
        /// The regions.
        regions: Vec<String>,
    },
    /// An instance of a stack set is gone, with its stack.
    DeleteInstance {
        /// The stack set's name.
        set: String,
        /// The account.
        account: String,
        /// The region.
        region: String,
    },
}

/// A limit, and what the planner counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Obligation {
    /// What has to hold, as one sentence.
    pub limit: String,
    /// The wave, tier, account or stack set that comes nearest to the limit; none for what has no measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// What was counted there, with its unit.
    pub counted: String,
    /// What is allowed, with its unit.
    pub allowed: String,
}
