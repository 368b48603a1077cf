//! The shape of a preview: `preview --output json`, described by `schemas/preview.schema.json`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::assembly::{Boundary, Isolation, State, Verdict};
use crate::diff::ResourceChange;

/// The version of the format.
pub const VERSION: u32 = 1;
/// The JSON Schema of a [`Preview`].
pub const PREVIEW_SCHEMA: &str = include_str!("../../schemas/preview.schema.json");

/// What one tenant has and will get.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The version of the format: [`VERSION`].
    pub format: u32,
    /// The blueprint's name.
    pub blueprint: String,
    /// The environment.
    pub environment: String,
    /// Who it is.
    pub tenant: Identity,
    /// Where it lives, and why.
    pub placement: Place,
    /// The stacks it is served by: what it shares first, then its own.
    pub stacks: Vec<StackView>,
    /// What leads from which resource to which.
    pub flow: Vec<Edge>,
    /// The organization's policies that bind its accounts, outermost first.
    pub guardrails: Vec<Guardrail>,
    /// What it may use of the product, by name.
    pub entitlements: BTreeMap<String, Value>,
    /// What its resources let through or take at most.
    pub quotas: Vec<Quota>,
    /// What is proved about the assembly.
    pub evidence: EvidenceView,
    /// What would change for it, where there was something to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// What CloudFormation says that it would do, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Vec<super::live::LiveStack>>,
}

/// Who a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Its id.
    pub id: String,
    /// The name people call it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its tier.
    pub tier: String,
    /// How the tier keeps its tenants apart.
    pub isolation: Isolation,
    /// What stands between two tenants of the tier.
    pub boundary: Boundary,
    /// Where it is in its life.
    pub state: State,
    /// Whether its data must not be deleted.
    pub legal_hold: bool,
    /// The readable part of names that are made for it.
    pub label: String,
    /// The part of those names that no other tenant has.
    pub digest: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Where a tenant lives, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The cell.
    pub cell: String,
    /// The account; none while that is not known.
    pub account: Option<String>,
    /// The region.
    pub region: String,
    /// The rule that chose.
    pub strategy: String,
    /// Why the rule chose this.
    pub reason: String,
    /// How many tenants the cell has, this one included.
    pub cell_tenants: u64,
    /// How many the cell takes, if that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell_capacity: Option<u64>,
}

/// Whether a stack is one tenant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// The tenants of a tier share it in a cell.
    Pooled,
    /// It is the tenant's own.
    Siloed,
}

impl Sharing {
    /// The word in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Siloed => "siloed",
        }
    }
}

/// A stack that serves the tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackView {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub sharing: Sharing,
    /// How many tenants it serves, this one included.
    pub tenants: u64,
    /// The template's path.
    pub template: String,
    /// The digest of the template.
    pub sha256: String,
    /// The account it goes to; none while that is not known.
    pub account: Option<String>,
    /// The region it goes to.
    pub region: String,
    /// The values of the template's parameters.
    pub parameters: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The names of the stacks that come before it.
    pub depends_on: Vec<String>,
    /// Its resources, in the template's order.
    pub resources: Vec<ResourceView>,
    /// Its outputs.
    pub outputs: Vec<OutputView>,
}

/// A text in which parts may be unknown until something is deployed; those stand in `⟨…⟩`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The text.
    pub text: String,
    /// Whether all of it is known now.
    pub known: bool,
}

/// A resource of a stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceView {
    /// Its logical id.
    pub logical_id: String,
    /// Its type: `AWS::DynamoDB::Table`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The component it was made for, where its tags or its logical id say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Its physical name or id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Shown>,
    /// Its ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<Shown>,
    /// Whether its type holds data or an identity that is lost with it.
    pub stateful: bool,
    /// Whose the data in it is, or for whom it acts.
    pub owner: Owner,
    /// What happens to it when it leaves the stack: `Delete`, `Retain`, `Snapshot`.
    pub deletion_policy: String,
    /// Its properties, with parameters and intrinsic functions replaced by what they stand for.
    pub properties: Value,
}

/// Whose something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Of which kind that is.
    pub whose: Whose,
    /// The same in words.
    pub words: String,
    /// What tells the tenant's part from others: `tenant-001#*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The tenant's own.
    Own,
    /// Shared: a part of it is the tenant's.
    Shared,
    /// The product's: no tenant's data is in it.
    Platform,
    /// It is in a stack that tenants share, and the declaration says nothing about it: it holds no data.
    Nobody,
}

impl Whose {
    /// The word in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Shared => "shared",
            Self::Platform => "platform",
            Self::Nobody => "nobody",
        }
    }
}

/// An output of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputView {
    /// Its name.
    pub name: String,
    /// What people read about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its value.
    pub value: Shown,
}

/// Something leads from one resource to another: a request, data, an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Where it begins.
    pub from: End,
    /// Where it ends.
    pub to: End,
    /// What it is: `calls`, `reads`, `writes`, `sends`, `authorizes`, `logs`, `uses`.
    pub what: String,
}

/// An end of an [`Edge`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// The stack's name.
    pub stack: String,
    /// The resource's logical id.
    pub logical_id: String,
}

/// An organization policy that binds the tenant's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Guardrail {
    /// Its file in the assembly.
    pub path: String,
    /// `scp` or `rcp`.
    pub kind: String,
    /// Whether it binds only while the tenant is suspended, as it is now.
    pub suspended: bool,
    /// Its statements.
    pub statements: Vec<StatementView>,
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementView {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// `Deny` or `Allow`.
    pub effect: String,
    /// What it is about, in words.
    pub summary: String,
}

/// What a resource lets through or takes at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// What is limited: `request rate`.
    pub what: String,
    /// How much: a number, as the template has it.
    pub value: String,
    /// Of what: `requests/s`.
    pub unit: String,
    /// Whether the tenant has it to itself or uses it with others.
    pub sharing: Sharing,
    /// The stack.
    pub stack: String,
    /// The resource.
    pub logical_id: String,
    /// The property: `Throttle/RateLimit`.
    pub property: String,
}

/// What is proved about the assembly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceView {
    /// How the proof ended.
    pub verdict: Verdict,
    /// The path of its record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The claims with their answers.
    pub claims: Vec<ClaimView>,
    /// How the proof of the assembly ended that this one is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Verdict>,
}

/// A claim of the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimView {
    /// Which.
    pub claim: String,
    /// How many questions were answered as they should be.
    pub proved: u64,
    /// How many have a request that breaks the claim.
    pub refuted: u64,
    /// How many could not be decided.
    pub unknown: u64,
}

/// What would change for the tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// What it was compared with, as it was named.
    pub against: String,
    /// Whether the tenant is new: the other assembly does not have it.
    pub new: bool,
    /// Facts about the tenant that differ: its tier, cell, state, entitlements.
    pub facts: Vec<FactChange>,
    /// The stacks that differ.
    pub stacks: Vec<StackChange>,
    /// Organization policies that differ, by path.
    pub guardrails: Vec<FactChange>,
}

impl Changes {
    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.new && self.facts.is_empty() && self.stacks.is_empty() && self.guardrails.is_empty()
    }
}

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FactChange {
    /// What: `tier`, `parameter Cell`, `tag Owner`.
    pub what: String,
    /// The value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// What happens to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StackAction {
    /// The tenant gets it.
    Added,
    /// It changes.
    Updated,
    /// The tenant no longer has it.
    Removed,
}

impl StackAction {
    /// The word in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Removed => "removed",
        }
    }
}

/// What changes in a stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackChange {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub sharing: Sharing,
    /// What happens to it.
    pub action: StackAction,
    /// Parameters, tags, account and region that differ.
    pub facts: Vec<FactChange>,
    /// What happens to its resources.
    pub resources: Vec<ResourceChange>,
}
