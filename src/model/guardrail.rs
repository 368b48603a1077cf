//! Guardrails: what the accounts of a tier may never do, whatever their own policies say.
//!
//! A guardrail lowers to statements of service control policies (limits on principals) and of resource control
//! policies (limits on resources): <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_authorization_policies.html>.
//! Here stands what is meant; how it is said in the IAM language is the business of `render::guardrails`.
//! Deliberately absent: free-form statements. An organization keeps those in policies of its own.

use std::collections::BTreeSet;

use super::names::{AccountId, NameError, Region, text_newtype};

fn refuse<T>(problem: String, help: &str) -> Result<T, NameError> {
    Err(NameError { problem, help: help.to_owned(), too_long: false })
}

text_newtype! {
    /// Actions of one service, with wildcards: `dynamodb:*`, `ec2:Describe*`.
    ActionPattern
}

impl ActionPattern {
    /// Checks the text. A service alone stands for all of its actions.
    ///
    /// # Errors
    /// If it is not `service` or `service:Action`, or if the service has a wildcard, which IAM refuses.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let (service, action) = text.split_once(':').unwrap_or((text, "*"));
        let service_fits = service.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && service.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let action_fits = !action.is_empty()
            && action.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'*' || byte == b'?');
        if service_fits && action_fits {
            return Ok(Self(format!("{service}:{action}")));
        }
        refuse(
            format!("`{text}` is not a pattern of actions"),
            "write a service such as `dynamodb`, or actions of one such as `ec2:Describe*`",
        )
    }
}

text_newtype! {
    /// The ARN of roles, with wildcards: `arn:*:iam::*:role/deploy-*`.
    RolePattern
}

impl RolePattern {
    /// Checks the text. A role's name, with its path if it has one, stands for that role in every account and
    /// partition.
    ///
    /// # Errors
    /// If it is not the ARN of a role, or so general that it would exempt everybody: fewer than four characters of
    /// the role's path and name are literal.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let arn = if text.starts_with("arn:") { text.to_owned() } else { format!("arn:*:iam::*:role/{text}") };
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
            return refuse(
                format!("`{text}` is not the ARN of a role"),
                "write `arn:*:iam::*:role/deploy-*`, or the role's name alone",
            );
        };
        let role = resource.strip_prefix("role/").unwrap_or_default();
        let place_fits = matches!(*partition, "*" | "aws" | "aws-cn" | "aws-us-gov")
            && (*account == "*" || AccountId::new(account).is_ok());
        let role_fits =
            !role.is_empty() && role.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-/*?".contains(&byte));
        if !place_fits || !role_fits {
            return refuse(
                format!("`{text}` is not the ARN of a role"),
                "write `arn:*:iam::*:role/deploy-*`, or the role's name alone",
            );
        }
        if role.bytes().filter(u8::is_ascii_alphanumeric).count() < 4 {
            return refuse(
                format!("`{text}` would exempt nearly every role"),
                "name the roles more closely: whoever matches is above the guardrails",
            );
        }
        Ok(Self(arn))
    }
}

text_newtype! {
    /// An organization's id: `o-` and ten to thirty-two letters and digits.
    OrganizationId
}

impl OrganizationId {
    /// Checks the text.
    ///
    /// # Errors
    /// If it is not an organization's id.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let tail = text.strip_prefix("o-").unwrap_or_default();
        let fits = (10..=32).contains(&tail.len())
            && tail.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if fits {
            return Ok(Self(text.to_owned()));
        }
        refuse(format!("`{text}` is not an organization's id"), "it is written like `o-a1b2c3d4e5`")
    }
}

text_newtype! {
    /// The key of a tag.
    TagKey
}

impl TagKey {
    /// Checks the text. Wildcards and variables are refused: the key becomes part of the name of a condition key.
    ///
    /// # Errors
    /// If it is empty, longer than 128 characters, begins with `aws:`, or has other characters than letters,
    /// digits and `_.:=+@-`.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let fits = (1..=128).contains(&text.len())
            && !text.to_ascii_lowercase().starts_with("aws:")
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:=+@-".contains(&byte));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        refuse(
            format!("`{text}` is not a tag key that can be protected"),
            "use letters, digits and `_.:=+@-`, not beginning with `aws:`",
        )
    }
}

text_newtype! {
    /// Instance types, with wildcards: `t4g.*`, `m7g.large`.
    InstanceTypePattern
}

impl InstanceTypePattern {
    /// Checks the text.
    ///
    /// # Errors
    /// If it has other characters than an instance type has.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let fits = text.contains('.')
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-*?".contains(&byte));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        refuse(format!("`{text}` is not a pattern of instance types"), "write `t4g.*` or `m7g.large`")
    }
}

text_newtype! {
    /// The name of buckets, with wildcards: `audit-*`.
    BucketPattern
}

impl BucketPattern {
    /// Checks the text.
    ///
    /// # Errors
    /// If it has other characters than a bucket's name has, or no literal one.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let fits = text.bytes().any(|byte| byte.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-*?".contains(&byte));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        refuse(format!("`{text}` is not a pattern of bucket names"), "write `audit-*` or a bucket's whole name")
    }
}

/// Who stands above the guardrails, by what they are for.
///
/// Whoever matches may do what a guardrail denies, so the same patterns are closed to everybody else: a role of
/// such a name can only be made or changed by one that has such a name already.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exemptions {
    /// What deploys stacks. The roles of a bootstrapped CDK environment unless told otherwise.
    pub deployment: BTreeSet<RolePattern>,
    /// What stack sets act as in a target account.
    pub stack_sets: BTreeSet<RolePattern>,
    /// What Control Tower acts as in an enrolled account.
    pub control_tower: BTreeSet<RolePattern>,
    /// What the management account enters a member account as.
    pub account_access: BTreeSet<RolePattern>,
    /// Who may still read when a tenant is suspended.
    pub audit: BTreeSet<RolePattern>,
    /// Who may break every guardrail that can be broken. Nobody unless told otherwise.
    pub break_glass: BTreeSet<RolePattern>,
}

impl Exemptions {
    /// Nobody. Only fit for a tier whose guardrails cannot lock the deployment out.
    #[must_use]
    pub fn nobody() -> Self {
        Self {
            deployment: BTreeSet::new(),
            stack_sets: BTreeSet::new(),
            control_tower: BTreeSet::new(),
            account_access: BTreeSet::new(),
            audit: BTreeSet::new(),
            break_glass: BTreeSet::new(),
        }
    }

    /// Everybody who is exempt from the guardrails that a deployment could stumble over.
    #[must_use]
    pub fn all(&self) -> BTreeSet<&RolePattern> {
        self.operators().chain(&self.audit).collect()
    }

    /// Everybody who is above the guardrails and keeps working while a tenant is active.
    pub fn operators(&self) -> impl Iterator<Item = &RolePattern> {
        self.deployment
            .iter()
            .chain(&self.stack_sets)
            .chain(&self.control_tower)
            .chain(&self.account_access)
            .chain(&self.break_glass)
    }
}

impl Default for Exemptions {
    /// The roles that AWS's own tools deploy with. The names are those of a default CDK bootstrap
    /// (<https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html>), of service-managed and self-managed
    /// stack sets, of Control Tower, and of accounts created by Organizations.
    fn default() -> Self {
        let roles =
            |names: &[&str]| names.iter().map(|name| RolePattern(format!("arn:*:iam::*:role/{name}"))).collect();
        Self {
            deployment: roles(&["cdk-*-cfn-exec-role-*", "cdk-*-deploy-role-*"]),
            stack_sets: roles(&["stacksets-exec-*", "AWSCloudFormationStackSetExecutionRole"]),
            control_tower: roles(&["AWSControlTowerExecution"]),
            account_access: roles(&["OrganizationAccountAccessRole"]),
            audit: BTreeSet::new(),
            break_glass: BTreeSet::new(),
        }
    }
}

/// Denies everything outside some regions, but for the global services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Regions {
    regions: BTreeSet<Region>,
    exempt: BTreeSet<ActionPattern>,
}

impl Regions {
    /// The regions, and actions that are exempt beside those of the global services.
    ///
    /// # Errors
    /// If there are no regions: everything would be denied everywhere.
    pub fn new(
        regions: impl IntoIterator<Item = Region>,
        exempt: impl IntoIterator<Item = ActionPattern>,
    ) -> Result<Self, NameError> {
        let regions: BTreeSet<Region> = regions.into_iter().collect();
        if regions.is_empty() {
            return refuse("the guardrail `regions` allows no region".to_owned(), "name at least one region");
        }
        Ok(Self { regions, exempt: exempt.into_iter().collect() })
    }

    /// The regions that stay open.
    #[must_use]
    pub fn regions(&self) -> &BTreeSet<Region> {
        &self.regions
    }

    /// Exempt actions beside those of the global services.
    #[must_use]
    pub fn exempt(&self) -> &BTreeSet<ActionPattern> {
        &self.exempt
    }
}

/// Denies every service but those listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Services {
    preset: Option<String>,
    also: BTreeSet<ActionPattern>,
}

impl Services {
    /// The services of a preset, and others beside it. Whether the preset exists is a question for the facts.
    ///
    /// # Errors
    /// If there are none at all: everything would be denied.
    pub fn new(preset: Option<String>, also: impl IntoIterator<Item = ActionPattern>) -> Result<Self, NameError> {
        let also: BTreeSet<ActionPattern> = also.into_iter().collect();
        if preset.is_none() && also.is_empty() {
            return refuse(
                "the guardrail `services` allows no service".to_owned(),
                "name a preset such as `serverless_only`, or the services",
            );
        }
        Ok(Self { preset, also })
    }

    /// The preset's name.
    #[must_use]
    pub fn preset(&self) -> Option<&str> {
        self.preset.as_deref()
    }

    /// The services beside the preset.
    #[must_use]
    pub fn also(&self) -> &BTreeSet<ActionPattern> {
        &self.also
    }
}

/// Keeps the trail, the recorder, the detectors and the archive of logs as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtectAudit {
    /// The buckets logs are archived in, where they stand in the same accounts.
    pub log_archives: BTreeSet<BucketPattern>,
}

/// Denies instances of other types.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstanceTypes {
    patterns: BTreeSet<InstanceTypePattern>,
}

impl InstanceTypes {
    /// The types that may run.
    ///
    /// # Errors
    /// If there are none. Leave `ec2:RunInstances` to the guardrail `services` instead.
    pub fn new(patterns: impl IntoIterator<Item = InstanceTypePattern>) -> Result<Self, NameError> {
        let patterns: BTreeSet<InstanceTypePattern> = patterns.into_iter().collect();
        if patterns.is_empty() {
            return refuse(
                "the guardrail `instance-types` allows no type".to_owned(),
                "name at least one, such as `t4g.*`",
            );
        }
        Ok(Self { patterns })
    }

    /// The types that may run.
    #[must_use]
    pub fn patterns(&self) -> &BTreeSet<InstanceTypePattern> {
        &self.patterns
    }
}

/// Keeps tags that policies and bills rest on from being changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtectTags {
    keys: BTreeSet<TagKey>,
    required: BTreeSet<TagKey>,
}

impl ProtectTags {
    /// The tags that may not be changed, and those of them that a new resource must have.
    ///
    /// # Errors
    /// If there are none, or if a required one is not protected: it could be taken off a moment later.
    pub fn new(
        keys: impl IntoIterator<Item = TagKey>,
        required: impl IntoIterator<Item = TagKey>,
    ) -> Result<Self, NameError> {
        let keys: BTreeSet<TagKey> = keys.into_iter().collect();
        let required: BTreeSet<TagKey> = required.into_iter().collect();
        if keys.is_empty() {
            return refuse("the guardrail `protect-tags` protects no tag".to_owned(), "name at least one key");
        }
        if let Some(open) = required.difference(&keys).next() {
            return refuse(
                format!("the tag `{open}` is required but not protected"),
                "list it under the protected keys as well, or it can be removed after creation",
            );
        }
        Ok(Self { keys, required })
    }

    /// The tags that may not be changed.
    #[must_use]
    pub fn keys(&self) -> &BTreeSet<TagKey> {
        &self.keys
    }

    /// The tags that a new resource must have.
    #[must_use]
    pub fn required(&self) -> &BTreeSet<TagKey> {
        &self.required
    }
}

/// Keeps resources from being reached by strangers, or without TLS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataPerimeter {
    /// The organization whose principals may reach the resources.
    pub organization: OrganizationId,
    /// Accounts outside the organization that may as well.
    pub trusted_accounts: BTreeSet<AccountId>,
}

/// A limit of the organization on the accounts of a tier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guardrail {
    /// `regions`
    Regions(Regions),
    /// `services`
    Services(Services),
    /// `instance-types`
    InstanceTypes(InstanceTypes),
    /// `deny-leave-organization`: an account cannot leave and take its guardrails off.
    DenyLeaveOrganization,
    /// `deny-root`: the root user of a member account can do nothing.
    DenyRoot,
    /// `deny-iam-users`: no users and no keys that never expire.
    DenyIamUsers,
    /// `deny-public-sharing`: nothing is shared with everybody, or outside the organization.
    DenyPublicSharing,
    /// `protect-audit`
    ProtectAudit(ProtectAudit),
    /// `protect-tags`
    ProtectTags(ProtectTags),
    /// `legal-hold`: keys, backups, tables, objects and logs cannot be deleted. Binds deployments as well.
    LegalHold,
    /// `data-perimeter`
    DataPerimeter(DataPerimeter),
    /// `suspended`: nobody but the exempt can do anything. Stands on the accounts of suspended tenants.
    Suspended,
}

/// Which accounts of a tier a guardrail stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// All of them.
    Tier,
    /// Those of its suspended tenants.
    SuspendedTenants,
}

impl Guardrail {
    /// Every name, in alphabetical order.
    pub const NAMES: [&'static str; 12] = [
        "data-perimeter",
        "deny-iam-users",
        "deny-leave-organization",
        "deny-public-sharing",
        "deny-root",
        "instance-types",
        "legal-hold",
        "protect-audit",
        "protect-tags",
        "regions",
        "services",
        "suspended",
    ];

    /// The name in blueprints, messages and reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Regions(_) => "regions",
            Self::Services(_) => "services",
            Self::InstanceTypes(_) => "instance-types",
            Self::DenyLeaveOrganization => "deny-leave-organization",
            Self::DenyRoot => "deny-root",
            Self::DenyIamUsers => "deny-iam-users",
            Self::DenyPublicSharing => "deny-public-sharing",
            Self::ProtectAudit(_) => "protect-audit",
            Self::ProtectTags(_) => "protect-tags",
            Self::LegalHold => "legal-hold",
            Self::DataPerimeter(_) => "data-perimeter",
            Self::Suspended => "suspended",
        }
    }

    /// Which accounts it stands on.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Suspended => Scope::SuspendedTenants,
            _ => Scope::Tier,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_alone_stands_for_its_actions() {
        assert_eq!(ActionPattern::new("dynamodb").unwrap().as_str(), "dynamodb:*");
        assert_eq!(ActionPattern::new("ec2:Describe*").unwrap().as_str(), "ec2:Describe*");
        for bad in ["*", "", "*:Get", "S3:Get", "s3:", "s3:Get Object", "s3:${x}"] {
            assert!(ActionPattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_exemption_names_roles_closely_enough() {
        assert_eq!(RolePattern::new("deploy-*").unwrap().as_str(), "arn:*:iam::*:role/deploy-*");
        assert!(RolePattern::new("arn:aws:iam::123456789012:role/ops/BreakGlass").is_ok());
        for bad in [
            "*",
            "a*",
            "arn:aws:iam::*:*",
            "arn:aws:iam::*:root",
            "arn:aws:iam::*:user/alice",
            "arn:aws:iam::12:role/deploy",
            "arn:aws:sts::*:assumed-role/deploy/*",
            "role ${x} name",
        ] {
            assert!(RolePattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_required_tag_is_protected() {
        let key = |text| TagKey::new(text).unwrap();
        assert!(ProtectTags::new([key("TenantId")], [key("TenantId")]).is_ok());
        let error = ProtectTags::new([key("TenantId")], [key("Tier")]).unwrap_err();
        assert_eq!(error.problem, "the tag `Tier` is required but not protected");
        assert!(TagKey::new("aws:x").is_err() && TagKey::new("a*").is_err() && TagKey::new("a/b").is_err());
    }

    #[test]
    fn guardrails_that_would_deny_everything_are_refused() {
        assert!(Regions::new([], []).is_err());
        assert!(Services::new(None, []).is_err());
        assert!(InstanceTypes::new([]).is_err());
    }

    #[test]
    fn names_are_listed_once() {
        assert!(Guardrail::NAMES.is_sorted());
        for guardrail in [Guardrail::DenyRoot, Guardrail::LegalHold, Guardrail::Suspended] {
            assert!(Guardrail::NAMES.contains(&guardrail.name()));
        }
    }
}
