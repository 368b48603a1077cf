//! What a deployment does to one resource, in the terms of the resource type's schema.
//!
//! Whether a change replaces a resource is what its type's schema says about the changed paths
//! (`createOnlyProperties`, `conditionalCreateOnlyProperties`, `causesReplacement`):
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>.

use serde::Serialize;
use serde_json::Value;

/// What a deployment does to a resource, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is created.
    Added,
    /// It changes and stays the same resource.
    Updated,
    /// Whether it stays depends on its values or on the service.
    MayBeReplaced,
    /// Another takes its place, and it is deleted unless its `UpdateReplacePolicy` keeps it.
    Replaced,
    /// It leaves the stack, and is deleted unless its `DeletionPolicy` keeps it.
    Removed,
}

/// What happens to the data, or the identity, that a stateful resource holds; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// It holds none, or the data stays where it is.
    Stays,
    /// The old resource is kept beside the stack, or as a snapshot; the new one begins without its data.
    LeftBehind,
    /// It is lost if the resource is replaced, which is not certain.
    MayBeLost,
    /// It is lost.
    Lost,
}

/// What becomes of who may do what: of a policy, a role, a security group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// The resource says nothing about access, or what it says means the same as before.
    Same,
    /// Less is possible.
    Narrowed,
    /// It differs, and whether more is possible could not be decided. To be treated as [`Self::Broadened`].
    Undecided,
    /// Something is possible that was not before.
    Broadened,
}

/// A property that has another value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyChange {
    /// The path in the resource: `Properties/KeySchema/0/AttributeName`, `DeletionPolicy`.
    pub path: String,
    /// The value before; nothing if it was not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The value after; nothing if it is no longer given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
    /// What the change of this path alone does: [`Action::Updated`], [`Action::MayBeReplaced`] or [`Action::Replaced`].
    pub effect: Action,
}

/// What a deployment does to one resource of a stack.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceChange {
    /// Its logical id.
    pub logical_id: String,
    /// Its type: `AWS::DynamoDB::Table`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happens to it.
    pub action: Action,
    /// Whether its type holds data or an identity that is lost with it.
    pub stateful: bool,
    /// What happens to that.
    pub data: Data,
    /// What happens to who may do what.
    pub access: Access,
    /// Whether it is replaced and keeps a name that only one can have: CloudFormation creates the new one before it deletes the
    /// old one, so it refuses the update.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub name_taken: bool,
    /// The properties that differ, in the order of their paths; empty for what is added or removed.
    pub properties: Vec<PropertyChange>,
}
