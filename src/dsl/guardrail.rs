//! Guardrails, as a blueprint in Rust says them.

use std::panic::Location;

use super::draft::{Place, misnamed, origin};
use crate::diagnostics::{Origin, Sink, codes};
use crate::model::guardrail::{
    self as model, ActionPattern, BucketPattern, InstanceTypePattern, OrganizationId, TagKey,
};
use crate::model::{AccountId, NameError, Region};

/// A limit of the organization on the accounts of a tier.
#[derive(Debug, Clone)]
#[must_use = "a guardrail does nothing until a blueprint or tier has it"]
pub struct Guardrail {
    made: Result<model::Guardrail, NameError>,
    place: Place,
}

fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}

fn all<T, C: FromIterator<T>>(texts: &[String], make: impl Fn(&str) -> Result<T, NameError>) -> Result<C, NameError> {
    texts.iter().map(|text| make(text)).collect()
}

impl Guardrail {
    #[track_caller]
    fn plain(guardrail: model::Guardrail) -> Self {
        Self { made: Ok(guardrail), place: Location::caller() }
    }

    /// Denies everything outside these regions, but for the global services.
    #[track_caller]
    pub fn regions<T: Into<String>>(regions: impl IntoIterator<Item = T>) -> Regions {
        Regions { regions: texts(regions), exempt: Vec::new(), place: Location::caller() }
    }

    /// Denies every service but those of a list that ships with tenantry, such as `serverless_only`.
    #[track_caller]
    pub fn services(preset: impl Into<String>) -> Services {
        Services { preset: Some(preset.into()), also: Vec::new(), place: Location::caller() }
    }

    /// Denies every service but these: `dynamodb`, or `ec2:Describe*`.
    #[track_caller]
    pub fn only_services<T: Into<String>>(services: impl IntoIterator<Item = T>) -> Services {
        Services { preset: None, also: texts(services), place: Location::caller() }
    }

    /// Denies instances of other types than these, such as `t4g.*`.
    #[track_caller]
    pub fn instance_types<T: Into<String>>(types: impl IntoIterator<Item = T>) -> Self {
        let made = all::<_, Vec<_>>(&texts(types), InstanceTypePattern::new)
            .and_then(model::InstanceTypes::new)
            .map(model::Guardrail::InstanceTypes);
        Self { made, place: Location::caller() }
    }

    /// An account cannot leave the organization.
    #[track_caller]
    pub fn deny_leave_organization() -> Self {
        Self::plain(model::Guardrail::DenyLeaveOrganization)
    }

    /// The root user of an account can do nothing.
    #[track_caller]
    pub fn deny_root() -> Self {
        Self::plain(model::Guardrail::DenyRoot)
    }

    /// No users, and no keys that never expire.
    #[track_caller]
    pub fn deny_iam_users() -> Self {
        Self::plain(model::Guardrail::DenyIamUsers)
    }

    /// Nothing is shared with everybody, or outside the organization.
    #[track_caller]
    pub fn deny_public_sharing() -> Self {
        Self::plain(model::Guardrail::DenyPublicSharing)
    }

    /// Trails, recorders and detectors stay as they are.
    #[track_caller]
    pub fn protect_audit() -> ProtectAudit {
        ProtectAudit { log_archives: Vec::new(), place: Location::caller() }
    }

    /// Tags that policies and bills rest on stay as they are.
    #[track_caller]
    pub fn protect_tags<T: Into<String>>(keys: impl IntoIterator<Item = T>) -> ProtectTags {
        ProtectTags { keys: texts(keys), required: Vec::new(), place: Location::caller() }
    }

    /// Keys, backups, tables, objects and logs cannot be deleted. Binds deployments as well.
    #[track_caller]
    pub fn legal_hold() -> Self {
        Self::plain(model::Guardrail::LegalHold)
    }

    /// Strangers to the organization cannot reach the resources, and nobody without TLS.
    #[track_caller]
    pub fn data_perimeter(organization: impl Into<String>) -> DataPerimeter {
        DataPerimeter { organization: organization.into(), trusted: Vec::new(), place: Location::caller() }
    }

    /// In accounts of suspended tenants nobody but the exempt does anything.
    #[track_caller]
    pub fn suspended() -> Self {
        Self::plain(model::Guardrail::Suspended)
    }

    pub(super) fn lower(self, sink: &mut Sink) -> Option<(model::Guardrail, Origin)> {
        match self.made {
            Ok(guardrail) => Some((guardrail, origin(self.place))),
            Err(error) => {
                sink.push(misnamed(error, &codes::GUARDRAIL_SETTING, self.place));
                None
            }
        }
    }
}

/// See [`Guardrail::regions`].
#[derive(Debug, Clone)]
#[must_use = "a guardrail does nothing until a blueprint or tier has it"]
pub struct Regions {
    regions: Vec<String>,
    exempt: Vec<String>,
    place: Place,
}

impl Regions {
    /// Leaves actions open in all regions, beside those of global services: `bedrock:Invoke*`.
    pub fn exempt<T: Into<String>>(mut self, actions: impl IntoIterator<Item = T>) -> Self {
        self.exempt.extend(texts(actions));
        self
    }
}

impl From<Regions> for Guardrail {
    fn from(said: Regions) -> Self {
        let make = || {
            let regions: Vec<Region> = all(&said.regions, Region::new)?;
            let exempt: Vec<ActionPattern> = all(&said.exempt, ActionPattern::new)?;
            model::Regions::new(regions, exempt)
        };
        Self { made: make().map(model::Guardrail::Regions), place: said.place }
    }
}

/// See [`Guardrail::services`].
#[derive(Debug, Clone)]
#[must_use = "a guardrail does nothing until a blueprint or tier has it"]
pub struct Services {
    preset: Option<String>,
    also: Vec<String>,
    place: Place,
}

impl Services {
    /// Leaves services or actions open beside those: `bedrock`, `ec2:Describe*`.
    pub fn also<T: Into<String>>(mut self, services: impl IntoIterator<Item = T>) -> Self {
        self.also.extend(texts(services));
        self
    }
}

impl From<Services> for Guardrail {
    fn from(said: Services) -> Self {
        let made = all::<_, Vec<_>>(&said.also, ActionPattern::new)
            .and_then(|also| model::Services::new(said.preset, also))
            .map(model::Guardrail::Services);
        Self { made, place: said.place }
    }
}

/// See [`Guardrail::protect_audit`].
#[derive(Debug, Clone)]
#[must_use = "a guardrail does nothing until a blueprint or tier has it"]
pub struct ProtectAudit {
    log_archives: Vec<String>,
    place: Place,
}

impl ProtectAudit {
    /// Protects the buckets logs are archived in as well, where they stand in the same accounts: `audit-*`.
    pub fn log_archives<T: Into<String>>(mut self, buckets: impl IntoIterator<Item = T>) -> Self {
        self.log_archives.extend(texts(buckets));
        self
    }
}

impl From<ProtectAudit> for Guardrail {
    fn from(said: ProtectAudit) -> Self {
        let made = all(&said.log_archives, BucketPattern::new)
            .map(|log_archives| model::Guardrail::ProtectAudit(model::ProtectAudit { log_archives }));
        Self { made, place: said.place }
    }
}

/// See [`Guardrail::protect_tags`].
#[derive(Debug, Clone)]
#[must_use = "a guardrail does nothing until a blueprint or tier has it"]
pub struct ProtectTags {
    keys: Vec<String>,
    required: Vec<String>,
    place: Place,
}

impl ProtectTags {
    /// Names those of the protected tags that a new resource must have.
    pub fn required<T: Into<String>>(mut self, keys: impl IntoIterator<Item = T>) -> Self {
        self.required.extend(texts(keys));
        self
    }
}

impl From<ProtectTags> for Guardrail {
    fn from(said: ProtectTags) -> Self {
        let make = || {
            let keys: Vec<TagKey> = all(&said.keys, TagKey::new)?;
            let required: Vec<TagKey> = all(&said.required, TagKey::new)?;
            model::ProtectTags::new(keys, required)
        };
        Self { made: make().map(model::Guardrail::ProtectTags), place: said.place }
    }
}

/// See [`Guardrail::data_perimeter`].
#[derive(Debug, Clone)]
#[must_use = "a guardrail does nothing until a blueprint or tier has it"]
pub struct DataPerimeter {
    organization: String,
    trusted: Vec<String>,
    place: Place,
}

impl DataPerimeter {
    /// Lets accounts outside the organization in.
    pub fn trusted_accounts<T: Into<String>>(mut self, accounts: impl IntoIterator<Item = T>) -> Self {
        self.trusted.extend(texts(accounts));
        self
    }
}

impl From<DataPerimeter> for Guardrail {
    fn from(said: DataPerimeter) -> Self {
        let make = || {
            Ok(model::DataPerimeter {
                organization: OrganizationId::new(&said.organization)?,
                trusted_accounts: all(&said.trusted, AccountId::new)?,
            })
        };
        Self { made: make().map(model::Guardrail::DataPerimeter), place: said.place }
    }
}
