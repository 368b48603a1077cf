//! Guardrails become statements of service control and resource control policies.
//!
//! Every statement denies. A denial that could stop a deployment does not bind the exempt roles; one that a
//! deployment must not get around binds everybody but the break-glass roles; two bind everybody. How policies
//! are evaluated: <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>.
//! Service control policies bind neither service-linked roles nor the management account.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::cfn::policy::place::{ResourceControl, ServiceControl};
use crate::cfn::policy::{Operator, Statement};
use crate::diagnostics::{Diagnostic, Origin, codes};
use crate::facts::Facts;
use crate::model::guardrail::{DataPerimeter, Exemptions, Guardrail, InstanceTypes, ProtectAudit, ProtectTags};
use crate::model::guardrail::{Regions, RolePattern, Services};

/// The name of the group that keeps the exempt roles' names to the exempt.
pub const EXEMPT_ROLES: &str = "exempt-roles";

/// The statements of one guardrail. Its name is what packing is stable by.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<P> {
    /// The guardrail's name.
    pub name: String,
    /// Its statements.
    pub statements: Vec<Statement<P>>,
}

/// What guardrails become: groups sorted by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    /// For service control policies.
    pub service_control: Vec<Group<ServiceControl>>,
    /// For resource control policies.
    pub resource_control: Vec<Group<ResourceControl>>,
}

/// Why a guardrail cannot be lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LowerError {
    /// `services` names a preset that the facts do not have.
    UnknownPreset {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// `suspended` would lock everybody out.
    NobodyExempt,
}

impl fmt::Display for LowerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPreset { name, .. } => write!(formatter, "there is no preset of services `{name}`"),
            Self::NobodyExempt => {
                write!(formatter, "the guardrail `suspended` exempts nobody, so a suspended tenant could not be resumed")
            }
        }
    }
}

impl std::error::Error for LowerError {}

impl LowerError {
    /// The finding to report.
    #[must_use]
    pub fn diagnostic(&self, origin: Origin) -> Diagnostic {
        match self {
            Self::UnknownPreset { name, known } => {
                Diagnostic::new(&codes::SHAPE_UNKNOWN_VALUE, origin, self.to_string())
                    .did_you_mean(name, known.iter().map(String::as_str))
                    .help(format!("the presets are {}", quoted(known)))
            }
            Self::NobodyExempt => Diagnostic::new(&codes::GUARDRAIL_SETTING, origin, self.to_string())
                .help("name the roles that deploy and audit under `exemptions`"),
        }
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Who a denial does not bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exempt {
    /// Deployment, stack sets, Control Tower, account access, audit, break-glass: the denial could lock them out.
    Everyone,
    /// Break-glass alone: a deployment must not get around the denial.
    BreakGlass,
}

type Scp = Statement<ServiceControl>;
type Rcp = Statement<ResourceControl>;

fn exempting(statement: Scp, exempt: Exempt, exemptions: &Exemptions) -> Scp {
    let roles: BTreeSet<&RolePattern> = match exempt {
        Exempt::Everyone => exemptions.all(),
        Exempt::BreakGlass => exemptions.break_glass.iter().collect(),
    };
    if roles.is_empty() {
        return statement;
    }
    // For a session of a role, `aws:PrincipalArn` is the ARN of the role, not of the session:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    statement.when(Operator::ArnNotLike, "aws:PrincipalArn", roles.into_iter().map(|role| role.as_str().to_owned()))
}

/// Lowers guardrails. The order they are given in does not matter.
///
/// # Errors
/// Every guardrail that cannot be lowered.
pub fn lower(guardrails: &[Guardrail], exemptions: &Exemptions, facts: &Facts) -> Result<Lowered, Vec<LowerError>> {
    let mut errors = Vec::new();
    let mut scps: BTreeMap<&str, Vec<Scp>> = BTreeMap::new();
    let mut rcps: BTreeMap<&str, Vec<Rcp>> = BTreeMap::new();
    let sorted: BTreeSet<&Guardrail> = guardrails.iter().collect();
    for guardrail in sorted {
        let statements = match guardrail {
            Guardrail::Regions(regions) => self::regions(regions, exemptions, facts),
            Guardrail::Services(services) => match self::services(services, exemptions, facts) {
                Ok(statements) => statements,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            },
            Guardrail::InstanceTypes(types) => instance_types(types, exemptions),
            Guardrail::DenyLeaveOrganization => deny_leave_organization(),
            Guardrail::DenyRoot => deny_root(),
            Guardrail::DenyIamUsers => deny_iam_users(exemptions),
            Guardrail::DenyPublicSharing => deny_public_sharing(exemptions),
            Guardrail::ProtectAudit(audit) => protect_audit(audit, exemptions),
            Guardrail::ProtectTags(tags) => protect_tags(tags, exemptions, facts),
            Guardrail::LegalHold => legal_hold(exemptions),
            Guardrail::Suspended if exemptions.all().is_empty() => {
                errors.push(LowerError::NobodyExempt);
                continue;
            }
            Guardrail::Suspended => suspended(exemptions),
            Guardrail::DataPerimeter(perimeter) => {
                rcps.entry(guardrail.name()).or_default().extend(data_perimeter(perimeter, facts));
                continue;
            }
        };
        scps.entry(guardrail.name()).or_default().extend(statements);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let trusts_names = scps.values().flatten().any(|statement| statement.conditions().contains_key(&Operator::ArnNotLike));
    if trusts_names {
        scps.insert(EXEMPT_ROLES, exempt_roles(exemptions));
    }
    Ok(Lowered { service_control: groups(scps), resource_control: groups(rcps) })
}

fn groups<P>(by_name: BTreeMap<&str, Vec<Statement<P>>>) -> Vec<Group<P>> {
    by_name.into_iter().map(|(name, statements)| Group { name: name.to_owned(), statements }).collect()
}

/// An exemption by name is only worth something while nobody else can have the name, so making or changing such
/// a role, or handing it to a service, is left to those who have one.
fn exempt_roles(exemptions: &Exemptions) -> Vec<Scp> {
    let roles = exemptions.all().into_iter().map(|role| role.as_str().to_owned());
    let statement = Scp::deny(
        [
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole*",
            "iam:DetachRolePolicy",
            "iam:PassRole",
            "iam:PutRole*",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole*",
        ],
        roles,
    );
    vec![exempting(statement.sid("ExemptRoles"), Exempt::Everyone, exemptions)]
}

fn regions(guardrail: &Regions, exemptions: &Exemptions, facts: &Facts) -> Vec<Scp> {
    let global = facts.global_services().keys().map(String::as_str);
    let exempt: BTreeSet<&str> = global.chain(guardrail.exempt().iter().map(|action| action.as_str())).collect();
    let open = guardrail.regions().iter().map(|region| region.as_str().to_owned());
    let elsewhere = Scp::deny_all_but(exempt)
        .sid("Regions")
        .when(Operator::StringNotEquals, "aws:RequestedRegion", open);
    // The global services include `account:*`, so switching another region on has to be denied by name.
    let opt_in = Scp::deny(["account:DisableRegion", "account:EnableRegion"], ["*"]).sid("RegionOptIn");
    vec![
        exempting(elsewhere, Exempt::Everyone, exemptions),
        exempting(opt_in, Exempt::Everyone, exemptions),
    ]
}

fn services(guardrail: &Services, exemptions: &Exemptions, facts: &Facts) -> Result<Vec<Scp>, LowerError> {
    let mut open: BTreeSet<&str> = guardrail.also().iter().map(|action| action.as_str()).collect();
    if let Some(name) = guardrail.preset() {
        let Ok(preset) = facts.preset(name) else {
            let known = facts.presets().keys().cloned().collect();
            return Err(LowerError::UnknownPreset { name: name.to_owned(), known });
        };
        open.extend(preset.services.iter().map(String::as_str));
    }
    Ok(vec![exempting(Scp::deny_all_but(open).sid("Services"), Exempt::Everyone, exemptions)])
}

/// Starting is denied like running, because a stopped instance can be given another type.
fn instance_types(guardrail: &InstanceTypes, exemptions: &Exemptions) -> Vec<Scp> {
    let open = guardrail.patterns().iter().map(|pattern| pattern.as_str().to_owned());
    let statement = Scp::deny(["ec2:RunInstances", "ec2:StartInstances"], ["arn:*:ec2:*:*:instance/*"])
        .sid("InstanceTypes")
        .when(Operator::StringNotLike, "ec2:InstanceType", open);
    vec![exempting(statement, Exempt::BreakGlass, exemptions)]
}

fn deny_leave_organization() -> Vec<Scp> {
    vec![Scp::deny(["organizations:LeaveOrganization"], ["*"]).sid("DenyLeaveOrganization")]
}

/// The management account may still act as root for a member, through sessions that carry `aws:AssumedRoot`:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>.
fn deny_root() -> Vec<Scp> {
    let statement = Scp::deny(["*"], ["*"])
        .sid("DenyRoot")
        .when(Operator::ArnLike, "aws:PrincipalArn", ["arn:*:iam::*:root"])
        .when(Operator::Null, "aws:AssumedRoot", ["true"]);
    vec![statement]
}

fn deny_iam_users(exemptions: &Exemptions) -> Vec<Scp> {
    let statement = Scp::deny(
        [
            "iam:AddUserToGroup",
            "iam:AttachUserPolicy",
            "iam:CreateAccessKey",
            "iam:CreateLoginProfile",
            "iam:CreateServiceSpecificCredential",
            "iam:CreateUser",
            "iam:PutUserPolicy",
            "iam:ResetServiceSpecificCredential",
            "iam:UpdateAccessKey",
            "iam:UpdateLoginProfile",
            "iam:UploadSSHPublicKey",
            "iam:UploadSigningCertificate",
        ],
        ["*"],
    );
    vec![exempting(statement.sid("DenyIamUsers"), Exempt::BreakGlass, exemptions)]
}

/// The switches that keep things private are left to deployments, which set them; a request that makes something
/// public is denied to deployments as well.
fn deny_public_sharing(exemptions: &Exemptions) -> Vec<Scp> {
    let switches = Scp::deny(
        [
            "ec2:CreateVpcBlockPublicAccessExclusion",
            "ec2:DisableImageBlockPublicAccess",
            "ec2:DisableSnapshotBlockPublicAccess",
            "ec2:ModifyVpcBlockPublicAccessExclusion",
            "ec2:ModifyVpcBlockPublicAccessOptions",
            "elasticmapreduce:PutBlockPublicAccessConfiguration",
            "s3:PutAccountPublicAccessBlock",
            "s3:PutBucketPublicAccessBlock",
            // These name the accounts to share with in no condition key, so they are denied as a whole.
            "ec2:ModifyImageAttribute",
            "rds:ModifyDBClusterSnapshotAttribute",
            "rds:ModifyDBSnapshotAttribute",
            "serverlessrepo:PutApplicationPolicy",
            "ssm:ModifyDocumentPermission",
        ],
        ["*"],
    );
    let documents = Scp::deny(
        ["ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"],
        ["arn:*:ssm:*:*:servicesetting/ssm/documents/console/public-sharing-permission"],
    );
    let for_all = |sid: &str, statement: Scp| exempting(statement.sid(sid), Exempt::Everyone, exemptions);
    let even_deploying = |sid: &str, statement: Scp| exempting(statement.sid(sid), Exempt::BreakGlass, exemptions);
    vec![
        for_all("PublicSwitches", switches),
        for_all("PublicDocuments", documents),
        even_deploying(
            "PublicAcls",
            Scp::deny(["s3:CreateBucket", "s3:PutBucketAcl", "s3:PutObject", "s3:PutObjectAcl"], ["*"]).when(
                Operator::StringEquals,
                "s3:x-amz-acl",
                ["authenticated-read", "public-read", "public-read-write"],
            ),
        ),
        even_deploying(
            "PublicSnapshots",
            Scp::deny(["ec2:ModifySnapshotAttribute"], ["*"]).when(Operator::StringEquals, "ec2:Add/group", ["all"]),
        ),
        even_deploying(
            "PublicFunctionUrls",
            Scp::deny(
                ["lambda:AddPermission", "lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"],
                ["*"],
            )
            .when(Operator::StringEquals, "lambda:FunctionUrlAuthType", ["NONE"]),
        ),
        even_deploying(
            "PublicFunctions",
            Scp::deny(["lambda:AddPermission"], ["*"]).when(Operator::StringEquals, "lambda:Principal", ["*"]),
        ),
        even_deploying(
            "PublicDatabases",
            // Changing an instance does not carry the key, only creating one does.
            Scp::deny(["rds:CreateDBInstance"], ["*"]).when(Operator::Bool, "rds:PubliclyAccessible", ["true"]),
        ),
        even_deploying(
            "ExternalShares",
            Scp::deny(["ram:CreateResourceShare", "ram:UpdateResourceShare"], ["*"]).when(
                Operator::Bool,
                "ram:RequestedAllowsExternalPrincipals",
                ["true"],
            ),
        ),
        even_deploying(
            "ExternalSharing",
            Scp::deny(["ram:AssociateResourceShare"], ["*"]).when(
                Operator::Bool,
                "ram:AllowsExternalPrincipals",
                ["true"],
            ),
        ),
        even_deploying("PublicImages", Scp::deny(["ecr-public:CreateRepository", "ecr-public:PutImage"], ["*"])),
    ]
}

fn protect_audit(guardrail: &ProtectAudit, exemptions: &Exemptions) -> Vec<Scp> {
    let tampering = Scp::deny(
        [
            "access-analyzer:CreateArchiveRule",
            "access-analyzer:Delete*",
            "access-analyzer:UpdateArchiveRule",
            "cloudtrail:DeleteEventDataStore",
            "cloudtrail:DeleteTrail",
            "cloudtrail:PutEventSelectors",
            "cloudtrail:PutInsightSelectors",
            "cloudtrail:StopEventDataStoreIngestion",
            "cloudtrail:StopLogging",
            "cloudtrail:UpdateEventDataStore",
            "cloudtrail:UpdateTrail",
            "config:Delete*",
            "config:PutConfigurationRecorder",
            "config:PutDeliveryChannel",
            "config:PutRetentionConfiguration",
            "config:StopConfigurationRecorder",
            "ec2:DeleteFlowLogs",
            "guardduty:CreateFilter",
            "guardduty:Delete*",
            "guardduty:Disassociate*",
            "guardduty:StopMonitoringMembers",
            "guardduty:UpdateDetector",
            "guardduty:UpdateFilter",
            "inspector2:Disable",
            "macie2:DisableMacie",
            "securityhub:BatchDisableStandards",
            "securityhub:Delete*",
            "securityhub:Disable*",
            "securityhub:Disassociate*",
            "securityhub:UpdateSecurityControl",
            "securityhub:UpdateStandardsControl",
        ],
        ["*"],
    );
    let mut statements = vec![exempting(tampering.sid("ProtectAudit"), Exempt::Everyone, exemptions)];
    if !guardrail.log_archives.is_empty() {
        let archives = guardrail
            .log_archives
            .iter()
            .flat_map(|bucket| [format!("arn:*:s3:::{bucket}"), format!("arn:*:s3:::{bucket}/*")]);
        let statement = Scp::deny(
            [
                "s3:BypassGovernanceRetention",
                "s3:DeleteBucket",
                "s3:DeleteBucketPolicy",
                "s3:DeleteObject*",
                "s3:PutBucketAcl",
                "s3:PutBucketObjectLockConfiguration",
                "s3:PutBucketPolicy",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:PutObjectAcl",
                "s3:PutReplicationConfiguration",
            ],
            archives,
        );
        statements.push(exempting(statement.sid("ProtectLogs"), Exempt::Everyone, exemptions));
    }
    statements
}

/// Tag keys are compared without regard to case, because IAM finds `aws:ResourceTag/TenantId` in a tag `tenantid`
/// too: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html>.
fn protect_tags(guardrail: &ProtectTags, exemptions: &Exemptions, facts: &Facts) -> Vec<Scp> {
    let tagging = facts.tagging();
    let keys = guardrail.keys().iter().map(|key| key.as_str().to_owned());
    let write = Scp::deny(tagging.write.iter().map(String::as_str), ["*"]).sid("ProtectTags").when(
        Operator::StringEqualsIgnoreCase.for_any(),
        "aws:TagKeys",
        keys,
    );
    let replace = Scp::deny(tagging.replace.iter().map(String::as_str), ["*"]).sid("ReplaceTags");
    let mut statements = vec![
        exempting(write, Exempt::Everyone, exemptions),
        exempting(replace, Exempt::Everyone, exemptions),
    ];
    // One statement a key: two keys under one `Null` would be denied only where both are missing.
    for key in guardrail.required() {
        for (resource, actions) in &tagging.create {
            let create = Scp::deny(actions.iter().map(String::as_str), [resource.clone()]).sid("RequireTags").when(
                Operator::Null,
                format!("aws:RequestTag/{key}"),
                ["true"],
            );
            statements.push(exempting(create, Exempt::Everyone, exemptions));
        }
    }
    statements
}

/// A hold that a deployment could lift by deleting a stack would be none, so deletion binds deployments as well.
/// Settings do not: a new log group or bucket is given its retention by the deployment that creates it.
fn legal_hold(exemptions: &Exemptions) -> Vec<Scp> {
    let deletion = Scp::deny(
        [
            "backup:DeleteBackupVault",
            "backup:DeleteBackupVaultLockConfiguration",
            "backup:DeleteRecoveryPoint",
            "backup:DisassociateRecoveryPoint*",
            "cognito-idp:DeleteUserPool",
            "dynamodb:DeleteBackup",
            "dynamodb:DeleteTable*",
            "ec2:DeleteSnapshot",
            "ec2:DeleteVolume",
            "elasticfilesystem:DeleteFileSystem",
            "kms:DeleteImportedKeyMaterial",
            "kms:DisableKey",
            "kms:ScheduleKeyDeletion",
            "logs:DeleteLogGroup",
            "logs:DeleteLogStream",
            "rds:DeleteDBCluster",
            "rds:DeleteDBClusterAutomatedBackup",
            "rds:DeleteDBClusterSnapshot",
            "rds:DeleteDBInstance",
            "rds:DeleteDBInstanceAutomatedBackup",
            "rds:DeleteDBSnapshot",
            "s3:BypassGovernanceRetention",
            "s3:DeleteBucket",
            "s3:DeleteObjectVersion",
            "secretsmanager:DeleteSecret",
        ],
        ["*"],
    );
    // Setting a legal hold on an object stays open; taking it off does not.
    let release = Scp::deny(["s3:PutObjectLegalHold"], ["*"]).when(
        Operator::StringEquals,
        "s3:object-lock-legal-hold",
        ["OFF"],
    );
    let settings = Scp::deny(
        [
            "backup:PutBackupVaultAccessPolicy",
            "backup:UpdateRecoveryPointLifecycle",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:UpdateTimeToLive",
            "logs:PutRetentionPolicy",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketVersioning",
            "s3:PutLifecycleConfiguration",
        ],
        ["*"],
    );
    vec![
        exempting(deletion.sid("LegalHold"), Exempt::BreakGlass, exemptions),
        exempting(release.sid("LegalHoldRelease"), Exempt::BreakGlass, exemptions),
        exempting(settings.sid("LegalHoldSettings"), Exempt::Everyone, exemptions),
    ]
}

fn suspended(exemptions: &Exemptions) -> Vec<Scp> {
    vec![exempting(Scp::deny(["*"], ["*"]).sid("Suspended"), Exempt::Everyone, exemptions)]
}

/// The three parts of a data perimeter around resources:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html>.
fn data_perimeter(guardrail: &DataPerimeter, facts: &Facts) -> Vec<Rcp> {
    let control = facts.resource_control();
    let organization = [guardrail.organization.as_str().to_owned()];
    let trusted = || guardrail.trusted_accounts.iter().map(|account| account.as_str().to_owned());
    let unless = Operator::StringNotEquals.if_exists();
    // An anonymous caller has no organization, and `IfExists` denies it. A service acting for itself has none
    // either and is let through here; whom it acts for is the next statement's question.
    let mut strangers = Rcp::deny(control.identity_perimeter.iter().map(String::as_str), ["*"])
        .sid("OwnPrincipals")
        .when(unless, "aws:PrincipalOrgID", organization.clone())
        .when(Operator::Bool.if_exists(), "aws:PrincipalIsAWSService", ["false"]);
    // `aws:SourceAccount` is absent where a service calls for no account, such as log delivery in old regions:
    // only a call that names one can be held against it.
    let mut deputies = Rcp::deny(control.confused_deputy.iter().map(String::as_str), ["*"])
        .sid("OwnServices")
        .when(unless, "aws:SourceOrgID", organization)
        .when(Operator::Null, "aws:SourceAccount", ["false"])
        .when(Operator::Bool, "aws:PrincipalIsAWSService", ["true"]);
    if !guardrail.trusted_accounts.is_empty() {
        strangers = strangers.when(unless, "aws:PrincipalAccount", trusted());
        deputies = deputies.when(unless, "aws:SourceAccount", trusted());
    }
    let plain = Rcp::deny(control.secure_transport.iter().map(String::as_str), ["*"])
        .sid("SecureTransport")
        .when(Operator::Bool.if_exists(), "aws:SecureTransport", ["false"]);
    vec![strangers, deputies, plain]
}
