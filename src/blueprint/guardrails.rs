//! The YAML surface of guardrails.

use std::collections::BTreeSet;

use super::components::texts;
use super::lower::misnamed;
use crate::diagnostics::{codes, Sink};
use crate::model::guardrail::{
    ActionPattern, BucketPattern, DataPerimeter, InstanceTypePattern, InstanceTypes, OrganizationId, ProtectAudit,
    ProtectTags, Regions, RolePattern, Services, TagKey,
};
use crate::model::{AccountId, Exemptions, Guardrail, NameError, Region};
use crate::source::shape::{optional, required, Kind, Shape, Variant};
use crate::source::Node;

const TEXTS: Kind = Kind::List(&Kind::Text);

static REGIONS: Shape = Shape {
    what: "the regions",
    doc: "The regions that stay open.",
    fields: &[
        required("only", TEXTS, "the regions"),
        optional("exempt", TEXTS, "actions that are exempt beside those of global services, such as `bedrock:Invoke*`"),
    ],
};

static SERVICES: Shape = Shape {
    what: "the services",
    doc: "The services that stay open.",
    fields: &[
        optional("preset", Kind::Text, "a list that ships with tenantry, such as `serverless_only`"),
        optional("also", TEXTS, "services or actions beside it, such as `bedrock` or `ec2:Describe*`"),
    ],
};

static PROTECT_TAGS: Shape = Shape {
    what: "the protected tags",
    doc: "Tags that policies and bills rest on.",
    fields: &[
        required("keys", TEXTS, "the tags that may not be changed"),
        optional("required", TEXTS, "those of them that a new resource must have"),
    ],
};

static PROTECT_AUDIT: Shape = Shape {
    what: "the audit's archive",
    doc: "Where logs are archived, in the same accounts.",
    fields: &[optional("log_archives", TEXTS, "buckets, such as `audit-*`")],
};

static DATA_PERIMETER: Shape = Shape {
    what: "the data perimeter",
    doc: "Who may reach the resources.",
    fields: &[
        required("organization", Kind::Text, "the organization's id, such as `o-a1b2c3d4e5`"),
        optional("trusted_accounts", TEXTS, "accounts outside the organization that may as well"),
    ],
};

macro_rules! guardrail {
    ($key:literal, $bare:literal, $kind:expr, $doc:literal) => {
        Variant {
            key: $key,
            bare: $bare,
            shape: &Shape { what: "a guardrail", doc: $doc, fields: &[required($key, $kind, $doc)] },
        }
    };
}

/// The guardrails.
pub(super) static GUARDRAILS: &[Variant] = &[
    guardrail!(
        "regions",
        false,
        Kind::ListOr(&TEXTS, &Kind::Record(&REGIONS)),
        "denies everything outside these regions, but for the global services"
    ),
    guardrail!("services", false, Kind::Record(&SERVICES), "denies every service but these"),
    guardrail!("instance-types", false, TEXTS, "denies instances of other types, such as `[t4g.*]`"),
    guardrail!("deny-leave-organization", true, Kind::Truth, "an account cannot leave the organization"),
    guardrail!("deny-root", true, Kind::Truth, "the root user of an account can do nothing"),
    guardrail!("deny-iam-users", true, Kind::Truth, "no users and no keys that never expire"),
    guardrail!("deny-public-sharing", true, Kind::Truth, "nothing is shared with everybody"),
    guardrail!("protect-audit", true, Kind::Record(&PROTECT_AUDIT), "trails, recorders and detectors stay as they are"),
    guardrail!("protect-tags", false, Kind::Record(&PROTECT_TAGS), "tags that policies rest on stay as they are"),
    guardrail!("legal-hold", true, Kind::Truth, "keys, backups, tables, objects and logs cannot be deleted"),
    guardrail!("data-perimeter", false, Kind::Record(&DATA_PERIMETER), "strangers cannot reach the resources"),
    guardrail!("suspended", true, Kind::Truth, "in accounts of suspended tenants nobody but the exempt does anything"),
];

/// Collects what can be read of a list; the first thing that cannot is returned.
fn all<T: Ord, C: FromIterator<T>>(texts: Vec<String>, make: impl Fn(&str) -> Result<T, NameError>) -> Result<C, NameError> {
    texts.iter().map(|text| make(text)).collect()
}

/// Lowers one guardrail. `settings` is nothing for one that stands as a bare word.
pub(super) fn lower(name: &str, settings: Option<&Node>, entry: &Node, sink: &mut Sink) -> Option<Guardrail> {
    let list = |key: &str| settings.map(|node| texts(node, key)).unwrap_or_default();
    let itself = || texts(entry, name);
    let made = (|| {
        Ok(match name {
            "regions" => {
                let only = if itself().is_empty() { list("only") } else { itself() };
                let regions: Vec<Region> = all(only, Region::new)?;
                let exempt: Vec<ActionPattern> = all(list("exempt"), ActionPattern::new)?;
                Guardrail::Regions(Regions::new(regions, exempt)?)
            }
            "services" => {
                let preset = settings.and_then(|node| node.get("preset")).and_then(Node::text).map(str::to_owned);
                let also: Vec<ActionPattern> = all(list("also"), ActionPattern::new)?;
                Guardrail::Services(Services::new(preset, also)?)
            }
            "instance-types" => {
                let patterns: Vec<InstanceTypePattern> = all(itself(), InstanceTypePattern::new)?;
                Guardrail::InstanceTypes(InstanceTypes::new(patterns)?)
            }
            "protect-audit" => Guardrail::ProtectAudit(ProtectAudit {
                log_archives: all(list("log_archives"), BucketPattern::new)?,
            }),
            "protect-tags" => {
                let keys: Vec<TagKey> = all(list("keys"), TagKey::new)?;
                let required: Vec<TagKey> = all(list("required"), TagKey::new)?;
                Guardrail::ProtectTags(ProtectTags::new(keys, required)?)
            }
            "data-perimeter" => {
                let id = settings.and_then(|node| node.get("organization")).and_then(Node::text).unwrap_or("");
                Guardrail::DataPerimeter(DataPerimeter {
                    organization: OrganizationId::new(id)?,
                    trusted_accounts: all(list("trusted_accounts"), AccountId::new)?,
                })
            }
            "deny-leave-organization" => Guardrail::DenyLeaveOrganization,
            "deny-root" => Guardrail::DenyRoot,
            "deny-iam-users" => Guardrail::DenyIamUsers,
            "deny-public-sharing" => Guardrail::DenyPublicSharing,
            "legal-hold" => Guardrail::LegalHold,
            _ => Guardrail::Suspended,
        })
    })();
    match made {
        Ok(guardrail) => {
            // `deny-root: false` switches it off where a word of its own would switch it on.
            let off = settings.and_then(Node::truth) == Some(false);
            (!off).then_some(guardrail)
        }
        Err(error) => {
            let origin = settings.map_or(&entry.origin, |node| &node.origin);
            sink.push(misnamed(error, &codes::GUARDRAIL_SETTING, origin));
            None
        }
    }
}

/// The principals that guardrails leave alone: those of AWS's own tools, and what the organization names beside.
pub(super) fn exemptions(organization: Option<&Node>, sink: &mut Sink) -> Exemptions {
    let mut exemptions = Exemptions::default();
    let Some(exempt) = organization.and_then(|node| node.get("exempt")) else { return exemptions };
    let mut roles = |key: &str, into: &mut BTreeSet<RolePattern>| {
        for item in exempt.get(key).and_then(Node::items).unwrap_or_default() {
            match RolePattern::new(item.text().unwrap_or("")) {
                Ok(role) => {
                    into.insert(role);
                }
                Err(error) => sink.push(misnamed(error, &codes::GUARDRAIL_SETTING, &item.origin)),
            }
        }
    };
    roles("deployment", &mut exemptions.deployment);
    roles("audit", &mut exemptions.audit);
    roles("break_glass", &mut exemptions.break_glass);
    exemptions
}
