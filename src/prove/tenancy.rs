//! Who owns what, and who acts for whom: declared, never read from policies. The shape of `tenancy.json`, which synthesis
//! derives from the blueprint, and of `tenancy.yaml`, which people write for templates of their own.
//!
//! The shapes in `shapes` and the JSON Schema in `schemas/tenancy.schema.json` say the same; tests hold the three
//! together. `docs/tenancy.md` says it in words.

mod read;
mod shapes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::de::{Deserializer, Error, Unexpected};
use serde::{Deserialize, Serialize};

pub use shapes::json_schema;

/// The declaration that a proof rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tenancy {
    /// The version of the format. There is one: [`VERSION`].
    #[serde(deserialize_with = "version")]
    pub tenancy: u32,
    /// The language of tenants' ids.
    pub ids: Ids,
    /// The session tag that says for whom a session acts.
    #[serde(default = "default_tag")]
    pub tag: String,
    /// The templates, and what is in them.
    pub templates: Vec<Deployed>,
    /// What the organization is, where its id is known.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub organization: Option<String>,
    /// Roles that stand outside the templates and above the guardrails, for the second claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operators: Vec<Operators>,
}

/// The version of the format.
pub const VERSION: u32 = 1;
/// What stands for the owner's id in an [`Owner`]'s pattern.
pub const OWNER_ID: &str = "${tenant}";

/// The session tag of a declaration that names none.
#[must_use]
pub fn default_tag() -> String {
    "TenantId".to_owned()
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        other => {
            Err(D::Error::invalid_value(Unexpected::Unsigned(other.into()), &"format 1, the one this version knows"))
        }
    }
}

/// Reads a key that may be absent but not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Tenancy {
    /// The declaration as it stands in an assembly.
    ///
    /// # Errors
    /// Never for values that this type can hold; the serializer's signature has one.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The language of ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Ids {
    /// One character class and a length, as in a blueprint's `ids.pattern`.
    pub pattern: String,
}

/// A template and how it is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Deployed {
    /// Its file, from the folder of the declaration.
    pub template: String,
    /// Whether tenants share its stack.
    pub scope: Scope,
    /// The tier it belongs to, for people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub tier: Option<String>,
    /// In which accounts its stacks are.
    #[serde(default)]
    pub accounts: Accounts,
    /// What its parameters stand for. A parameter that is not here stands for anything that its own declaration in the
    /// template allows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Meaning>,
    /// The organization's policies that bind its accounts.
    #[serde(default, skip_serializing_if = "Guardrails::is_empty")]
    pub guardrails: Guardrails,
    /// Whose the data in its resources is, by logical id. In a tenant's own stack everything is the tenant's unless it
    /// says otherwise here; in a shared stack every resource that holds data, keys or messages must be here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<String, Owner>,
    /// For whom its roles act, by logical id. In a tenant's own stack a role acts for the tenant unless it says otherwise
    /// here; in a shared stack a role that is not here acts for nobody, and may touch nothing of a tenant's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<String, Actor>,
}

/// Whether tenants share a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// One stack for the tenants of a cell.
    Shared,
    /// One stack for each tenant.
    Tenant,
}

/// In which accounts stacks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Accounts {
    /// Stacks of several tenants may be in one account.
    #[default]
    Shared,
    /// Each tenant's stack is in an account of its own.
    Own,
}

/// What a parameter stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Meaning {
    /// The tenant's id.
    Tenant,
    /// A text that no two tenants share, of a fixed length: a digest of the id.
    TenantDigest {
        /// Its length in characters.
        length: usize,
    },
    /// A text about the tenant that others may share: a label.
    TenantText,
    /// A text that no two cells share, of a fixed length.
    CellDigest {
        /// Its length in characters.
        length: usize,
    },
    /// The name of the shared stack whose outputs are read, as the template that it is made of.
    Stack {
        /// The template's file, as in [`Deployed::template`].
        template: String,
    },
    /// Always this text.
    Is {
        /// The text.
        text: String,
    },
}

/// The organization's policies at the accounts of a template, outermost first: files of policy documents.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Guardrails {
    /// Service control policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scp: Vec<String>,
    /// Resource control policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rcp: Vec<String>,
    /// Service control policies that are added while a tenant is suspended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspended: Vec<String>,
}

impl Guardrails {
    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.scp.iter().chain(&self.rcp).chain(&self.suspended).map(String::as_str)
    }

    fn is_empty(&self) -> bool {
        self.files().next().is_none()
    }
}

/// Whose the data in a resource is. `${tenant}` in a pattern stands for the owner's id; it must stand between characters
/// that are not of the id language, or at an end. A trailing `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Owner {
    /// Everything in it, and itself, is the tenant's whose stack it is in.
    Tenant,
    /// Items of a DynamoDB table, by partition key.
    PartitionKey {
        /// The key of the owner's items: `${tenant}` or `${tenant}#*`.
        pattern: String,
    },
    /// Objects of an S3 bucket, by key.
    ObjectKey {
        /// The key of the owner's objects: `${tenant}/*`.
        pattern: String,
    },
    /// What a KMS key encrypts, by encryption context.
    EncryptionContext {
        /// The key in the context.
        key: String,
        /// Its value: `${tenant}`.
        pattern: String,
    },
    /// A KMS key that tenants share and that is used by services only, which check access to the data themselves.
    Services {
        /// Why that is enough.
        reason: String,
    },
    /// Policies cannot tell tenants' data in it apart; code does.
    Application {
        /// What code must do.
        reason: String,
        /// The roles that may touch the data: by logical id in the same template, or as `FILE#LogicalId` in another
        /// one of the declaration.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        through: Vec<String>,
    },
    /// No tenant's data is in it. It still may not be changed in a tenant's name.
    Platform {
        /// What it is for.
        reason: String,
    },
}

/// For whom a role acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Actor {
    /// For the tenant in whose stack it is.
    Tenant,
    /// For the tenant whose id is in the session's tag.
    Session {
        /// The roles, by logical id in the same template, that may open sessions in any tenant's name: their code must
        /// know which tenant it is.
        #[serde(rename = "mintedBy")]
        minted_by: Vec<String>,
        /// Why the tag is always an id, if the trust policy does not see to it.
        #[serde(
            rename = "idsCheckedBy",
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "present"
        )]
        ids_checked_by: Option<String>,
    },
    /// For the product, not for a tenant.
    Platform {
        /// What it is for.
        reason: String,
    },
}

/// Principals outside the templates that must be able to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operators {
    /// What they do.
    pub duty: Duty,
    /// Their ARNs, as patterns.
    pub principals: Vec<String>,
    /// The regions in which they work.
    pub regions: Vec<String>,
}

/// What somebody outside the templates must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Duty {
    /// Create, update, read and delete the stacks and what is in them.
    Deployment,
    /// Whatever is needed when everything else fails.
    BreakGlass,
}
