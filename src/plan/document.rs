//! The plan as it is written: what `tenantry plan --output json` prints and `schemas/plan.schema.json` describes.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The JSON Schema of a [`Plan`].
pub const PLAN_SCHEMA: &str = include_str!("../../schemas/plan.schema.json");

/// The version of the format. There is one.
pub const VERSION: u32 = 1;

/// What happens in the tenant's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Nothing: both assemblies say the same about it.
    Nothing,
    /// It comes.
    Onboard,
    /// It stays where it is, and what it has changes.
    Update,
    /// It goes to another tier.
    MoveTier,
    /// It goes to another cell, region or account.
    MoveCell,
    /// It is no longer served, and its data is kept.
    Suspend,
    /// It is served again.
    Resume,
    /// It leaves; its data is kept until it is erased.
    Offboard,
    /// It leaves and its data goes.
    Erase,
}

impl Kind {
    /// The words for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Nothing => "nothing to do",
            Self::Onboard => "onboard",
            Self::Update => "update in place",
            Self::MoveTier => "move to another tier",
            Self::MoveCell => "move to another cell",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Offboard => "offboard",
            Self::Erase => "erase",
        }
    }
}

/// Where a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its tier.
    pub tier: String,
    /// How the tier keeps tenants apart: `silo`, `pool`, `bridge`.
    pub isolation: &'static str,
    /// Its cell.
    pub cell: String,
    /// Its region.
    pub region: String,
    /// Its account; nothing while that is not known.
    pub account: Option<String>,
    /// Whether it is served: `active`, `suspended`.
    pub state: &'static str,
    /// The stacks that are its own.
    pub stacks: Vec<String>,
    /// The stacks it shares with others.
    pub shared_stacks: Vec<String>,
}

/// How much of the service the tenant is without while the plan is carried out; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DowntimeClass {
    /// Nothing is noticed.
    None,
    /// It can read and not write.
    ReadOnly,
    /// It can do nothing.
    Full,
}

/// How much of the service the tenant is without, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Downtime {
    /// How much.
    pub class: DowntimeClass,
    /// Why: a sentence.
    pub why: String,
}

/// What becomes of a resource of the tenant's own stacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is made.
    Created,
    /// It stays as it is.
    Kept,
    /// It stays, with other properties.
    Updated,
    /// Another takes its place, or may.
    Replaced,
    /// It is deleted with its stack.
    Deleted,
    /// It stays behind when its stack is deleted, until it is erased.
    LeftBehind,
}

/// A resource of the tenant's own stacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceFate {
    /// What becomes of it.
    pub fate: Fate,
    /// The stack.
    pub stack: String,
    /// Its logical id.
    pub logical_id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Whose a store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Share {
    /// The tenant's alone.
    Own,
    /// Shared; what is the tenant's has this key, or begins with it where it ends with `*`.
    Keyed {
        /// The key.
        key: String,
    },
    /// Shared, and only code tells tenants apart.
    Application {
        /// What code must do.
        reason: String,
    },
}

/// When something is really gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "when")]
pub enum Gone {
    /// When the step is done.
    AtOnce,
    /// This many hours after the step at most.
    Within {
        /// The hours.
        hours: u64,
    },
    /// Not before this many hours after the last write, and then with the step.
    NotBefore {
        /// The hours.
        hours: u64,
        /// What keeps it.
        because: String,
    },
    /// When the retention of what tenants share is over, which no template says: one tenant's part cannot be deleted alone.
    Unknown {
        /// What keeps it.
        because: String,
    },
    /// Never by itself, and no step of this plan ends it.
    Never {
        /// What keeps it.
        because: String,
    },
}

/// How something is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The resource is deleted.
    DeleteResource,
    /// What has the tenant's key is deleted.
    DeleteByKey,
    /// What has the tenant's prefix is deleted.
    DeleteByPrefix,
    /// What is the tenant's is looked for and deleted.
    DeleteMembers,
    /// Copies are deleted, wherever they are.
    DeleteCopies,
    /// The key is deleted that all of it is encrypted with.
    CryptoShred,
    /// It ends by itself.
    Expires,
    /// It cannot be deleted yet.
    Locked,
    /// There is nothing to erase.
    Nothing,
}

/// What stays of a store when the store itself is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Residue {
    /// What it is.
    pub what: String,
    /// How it is erased.
    pub how: How,
    /// What to do.
    #[serde(rename = "do")]
    pub action: String,
    /// When it is gone.
    pub gone: Gone,
}

/// What a plan does with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Carry {
    /// It is new.
    New,
    /// It stays where it is.
    Kept,
    /// What is in it is copied.
    Copied,
    /// What is in it is worked off.
    Drained,
    /// It is made anew, without what was in it.
    Recreated,
    /// It stays at the old place until it ends.
    Left,
    /// It goes.
    Erased,
}

/// Something that keeps data of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Store {
    /// What the plan calls it: `from/STACK/LOGICALID`.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The component it belongs to.
    pub component: String,
    /// The stack it is in.
    pub stack: String,
    /// Its logical id.
    pub logical_id: String,
    /// Its physical name; with `⟨…⟩` for what AWS makes up.
    pub name: Option<String>,
    /// Its account.
    pub account: Option<String>,
    /// Its region.
    pub region: String,
    /// Whose it is.
    pub share: Share,
    /// What it keeps.
    pub keeps: String,
    /// What the plan does with it.
    pub carry: Carry,
    /// The store that takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub becomes: Option<String>,
    /// How it is erased.
    pub how: How,
    /// What to do to erase it.
    pub erase: String,
    /// When what is in it is gone after that.
    pub gone: Gone,
    /// The key of the tenant's own that everything in it is encrypted with, as the id of a store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encrypted_with: Option<String>,
    /// What stays when it is erased.
    pub residues: Vec<Residue>,
    /// The page the entry rests on.
    pub source: String,
}

/// A resource that keeps nothing of the tenant, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Empty {
    /// The stack it is in.
    pub stack: String,
    /// Its logical id.
    pub logical_id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Why it keeps nothing.
    pub why: String,
    /// Whether resources of its type can keep tenants' data, and that this one does not is only declared.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub on_trust: bool,
}

/// A thing of which the tenant has another amount than before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Amount {
    /// What: `seats`, `Gateway: requests per second`.
    pub name: String,
    /// The value before; nothing if it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The value after; nothing if it is no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// Statements of guardrails that bind the tenant's account and change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardrailChange {
    /// The statement's id.
    pub statement: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
}

/// A change of the registry's entry, to be written only if the entry is as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// The state that is expected; nothing where there must be no entry.
    pub from: Option<&'static str>,
    /// The state that is written.
    pub to: &'static str,
    /// The condition of the write.
    pub condition: String,
    /// What makes the write count once.
    pub idempotency_key: String,
}

/// The part of a plan that a step belongs to; most plans go through them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Room and identity are taken.
    Reserve,
    /// What is new is made.
    Provision,
    /// Data is copied while the tenant works.
    Copy,
    /// Writes stop.
    Freeze,
    /// The rest is copied, and everything is compared.
    Verify,
    /// Requests go to the new place.
    Switch,
    /// What is under way at the old place ends.
    Drain,
    /// The old place is kept for a while.
    Retain,
    /// What is no longer needed goes.
    Erase,
    /// The books are closed.
    Close,
}

impl Phase {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Provision => "provision",
            Self::Copy => "copy",
            Self::Freeze => "freeze",
            Self::Verify => "verify",
            Self::Switch => "switch",
            Self::Drain => "drain",
            Self::Retain => "retain",
            Self::Erase => "erase",
            Self::Close => "close",
        }
    }
}

/// What a step does, for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "act")]
pub enum Act {
    /// Writes the registry.
    Registry(Transition),
    /// Creates or updates a stack.
    DeployStack {
        /// Its name.
        stack: String,
        /// The template's path in the new assembly.
        template: String,
        /// The account.
        account: Option<String>,
        /// The region.
        region: String,
    },
    /// Deletes a stack; what holds data stays behind.
    DeleteStack {
        /// Its name.
        stack: String,
        /// The account.
        account: Option<String>,
        /// The region.
        region: String,
        /// The logical ids of what stays behind.
        leaves: Vec<String>,
    },
    /// Copies what is the tenant's from one store to another.
    Copy {
        /// The old store.
        store: String,
        /// The new store.
        to: String,
    },
    /// Makes anew what cannot be copied.
    Recreate {
        /// The old store.
        store: String,
        /// The new store; nothing where there is none.
        to: Option<String>,
    },
    /// Compares two stores.
    Verify {
        /// The old store.
        store: String,
        /// The new store.
        to: String,
    },
    /// Works off what is left in a store.
    Drain {
        /// The store.
        store: String,
    },
    /// Stops writes, or everything.
    Freeze {
        /// Whether reads stop too.
        reads: bool,
    },
    /// Lets writes go on.
    Thaw,
    /// Sends requests to the new place.
    Route,
    /// Moves an account between organizational units, or writes down that it stays.
    Guardrails,
    /// Hands a copy of the data to the tenant.
    HandOver,
    /// Waits.
    Wait {
        /// The days.
        days: u64,
    },
    /// Somebody decides.
    Decide,
    /// Erases a store.
    Erase {
        /// The store.
        store: String,
        /// How.
        how: How,
    },
    /// Erases what stays of a store.
    EraseResidue {
        /// The store.
        store: String,
        /// What.
        what: String,
        /// How.
        how: How,
    },
    /// Looks whether it is as it should be.
    Check,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its id, `s01`, in the order of the plan.
    pub id: String,
    /// Its phase.
    pub phase: Phase,
    /// What to do: a sentence.
    pub title: String,
    /// How to do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// What it does, for machines.
    pub action: Act,
    /// The steps that come before it.
    pub needs: Vec<String>,
    /// How one sees that it is done.
    pub done_when: String,
    /// How it is taken back; nothing from the point of no return on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<String>,
    /// Whether nothing can be taken back from here on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub point_of_no_return: bool,
    /// When what it erases is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
}

/// The ordered plan for a change in one tenant's life.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The version of the format: [`VERSION`].
    pub format: u32,
    /// The blueprint.
    pub blueprint: String,
    /// The environment.
    pub environment: String,
    /// The tenant's id.
    pub tenant: String,
    /// The name people call it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What happens.
    pub kind: Kind,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Place>,
    /// Where it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Place>,
    /// Whether its data must not be deleted.
    pub legal_hold: bool,
    /// How much of the service it is without.
    pub downtime: Downtime,
    /// What its own resources become.
    pub resources: Vec<ResourceFate>,
    /// Everything that keeps data of it.
    pub stores: Vec<Store>,
    /// The resources that keep none, and why.
    pub empty: Vec<Empty>,
    /// What holds data about it and stands in no template.
    pub beyond: Vec<Residue>,
    /// What it may use of the product, where that changes.
    pub entitlements: Vec<Amount>,
    /// Rates and limits of its resources, where they change.
    pub quotas: Vec<Amount>,
    /// Guardrails that bind it, where they change.
    pub guardrails: Vec<GuardrailChange>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// The step from which nothing can be taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_of_no_return: Option<String>,
    /// What the plan rests on, and what it leaves open.
    pub notes: Vec<String>,
    /// The dated facts that went in.
    pub facts: BTreeMap<String, String>,
}
