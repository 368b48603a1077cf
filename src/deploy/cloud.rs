//! What a deployment asks of AWS. One implementation calls AWS; tests have others.
//!
//! Every call is one request or a short series of them, and returns when AWS has answered; none waits for work to end.
//! Calls are made from several threads at once. Implementations repeat what AWS asks to repeat (throttling, 5xx) a few
//! times by themselves; what is still an error then says of which kind it is.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a stack is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.account, self.region)
    }
}

/// Why AWS did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudError {
    /// Of which kind it is.
    pub kind: CloudErrorKind,
    /// What was called: `cloudformation:CreateChangeSet`.
    pub operation: &'static str,
    /// The code AWS gave, such as `LimitExceededException`; empty if there was no answer.
    pub code: String,
    /// What AWS said. Never credentials, nor parts of a signed request.
    pub message: String,
}

impl fmt::Display for CloudError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` failed", self.operation)?;
        if !self.code.is_empty() {
            write!(formatter, " with `{}`", self.code)?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(formatter, ": {}", self.message) }
    }
}

impl std::error::Error for CloudError {}

/// The kinds of errors that a deployment tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloudErrorKind {
    /// Too many requests, even after repeating them.
    Throttled,
    /// No answer, or an answer of a server in trouble (5xx). Whether the call had an effect is not known.
    Transient,
    /// The caller may not.
    Denied,
    /// There are no credentials, or they have expired.
    Credentials,
    /// The region is not enabled in the account, or does not exist.
    Region,
    /// What was named is not there.
    NotFound,
    /// Something else is being done to it: another operation in progress, another change set executing.
    Busy,
    /// A quota of the account is used up.
    Quota,
    /// There is nothing to change.
    NothingToChange,
    /// The request is wrong, and will be the next time too.
    Invalid,
}

/// A stack as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackState {
    /// Its ARN.
    pub id: String,
    /// CloudFormation's word: `CREATE_COMPLETE`, `UPDATE_ROLLBACK_FAILED`.
    pub status: String,
    /// Why, as far as it says.
    pub reason: Option<String>,
    /// The ARN of the change set that made it what it is. Our names of change sets have the digest of what they deploy in
    /// them; a tag would say the same, and would be handed on to every resource.
    pub change_set: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The values of its parameters.
    pub parameters: BTreeMap<String, String>,
}

impl StackState {
    /// Its name, as its ARN has it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.split('/').nth(1).unwrap_or(&self.id)
    }
}

/// What a change set is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetRequest<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The change set's name. The same request has the same name, so that a second one finds the first.
    pub name: &'a str,
    /// What makes AWS treat a second request like the first.
    pub token: &'a str,
    /// Whether the stack is to be created.
    pub create: bool,
    /// The template's text, or where it was put.
    pub template: TemplateSource<'a>,
    /// The values of parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// The stack's tags.
    pub tags: &'a BTreeMap<String, String>,
}

/// Where CloudFormation finds a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateSource<'a> {
    /// In the request.
    Body(&'a str),
    /// At the address of an object.
    Url(&'a str),
}

/// A change set as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSetState {
    /// Its ARN.
    pub id: String,
    /// `CREATE_PENDING`, `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED`, `DELETE_…`.
    pub status: String,
    /// `UNAVAILABLE`, `AVAILABLE`, `EXECUTE_IN_PROGRESS`, `EXECUTE_COMPLETE`, `EXECUTE_FAILED`, `OBSOLETE`.
    pub execution: String,
    /// Why, as far as it says.
    pub reason: Option<String>,
    /// What it would do, all pages of it.
    pub changes: Vec<PlannedChange>,
}

/// What CloudFormation says that it would do to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChange {
    /// The logical id.
    pub logical_id: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `Add`, `Modify`, `Remove`, `Import`, `Dynamic`.
    pub action: String,
    /// `True`, `False`, `Conditional`; none where it does not say.
    pub replacement: Option<String>,
    /// The properties it names, as far as it says.
    pub properties: Vec<String>,
}

/// What a stack set is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSetRequest<'a> {
    /// Its name.
    pub name: &'a str,
    /// What people read about it; the digest of what it deploys is in it, because a description is not handed on to stacks.
    pub description: &'a str,
    /// Whether AWS makes the roles in the accounts (service-managed).
    pub service_managed: bool,
    /// The template's text, or where it was put.
    pub template: TemplateSource<'a>,
    /// The values of parameters.
    pub parameters: &'a BTreeMap<String, String>,
    /// Its tags.
    pub tags: &'a BTreeMap<String, String>,
    /// What makes AWS treat a second request like the first.
    pub token: &'a str,
}

/// A stack set as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSetState {
    /// Its id.
    pub id: String,
    /// `ACTIVE` or `DELETED`.
    pub status: String,
    /// What people read about it.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// The instances that an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstancesRequest<'a> {
    /// The stack set.
    pub set: &'a str,
    /// The id of the organizational unit that the accounts stand in, for service-managed sets.
    pub unit: Option<&'a str>,
    /// The accounts.
    pub accounts: &'a [String],
    /// The regions.
    pub regions: &'a [String],
    /// The most accounts at once in a region.
    pub concurrency: u64,
    /// The most failures in a region.
    pub failures: u64,
    /// The operation's id, which makes AWS treat a second request like the first.
    pub operation: &'a str,
}

/// What to do with instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstancesWork<'a> {
    /// Make them, with these values for parameters.
    Create(&'a BTreeMap<String, String>),
    /// Give them the template and tags of this request; it is the set's from now on.
    Update(&'a StackSetRequest<'a>),
    /// Give them these values for parameters; their template stays.
    Values(&'a BTreeMap<String, String>),
    /// Delete them with their stacks.
    Delete,
}

/// An instance of a stack set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceState {
    /// Where it is.
    pub target: Target,
    /// The stack it made; none before that.
    pub stack: Option<String>,
    /// `CURRENT`, `OUTDATED`, `INOPERABLE`.
    pub status: String,
    /// `SUCCEEDED`, `RUNNING`, `FAILED`, `PENDING`, `CANCELLED`; none where it does not say.
    pub detailed: Option<String>,
    /// Why, as far as it says.
    pub reason: Option<String>,
}

/// An operation of a stack set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationState {
    /// `QUEUED`, `RUNNING`, `SUCCEEDED`, `FAILED`, `STOPPING`, `STOPPED`.
    pub status: String,
    /// The targets that failed, with the reason.
    pub failed: Vec<(Target, String)>,
}

/// An organizational unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitState {
    /// Its id, `ou-…`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// An organization policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyState {
    /// Its id, `p-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its document.
    pub content: String,
    /// What people read about it.
    pub description: String,
    /// The ids of what it is attached to.
    pub targets: Vec<String>,
}

/// How far the look for drift is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftState {
    /// `DETECTION_IN_PROGRESS`, `DETECTION_COMPLETE`, `DETECTION_FAILED`.
    pub status: String,
    /// `IN_SYNC`, `DRIFTED`, `UNKNOWN`; none until it has ended.
    pub drift: Option<String>,
    /// Why, as far as it says.
    pub reason: Option<String>,
}

/// A resource that is not as its template says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDrift {
    /// The logical id.
    pub logical_id: String,
    /// The type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `MODIFIED`, `DELETED`.
    pub status: String,
    /// The properties that differ, as JSON pointers.
    pub properties: Vec<String>,
}

/// An answer of AWS.
pub type Answer<T> = Result<T, CloudError>;

/// What AWS can be asked to do.
pub trait Cloud: Sync {
    /// The account of the caller.
    fn caller(&self) -> Answer<String>;

    /// Whether a region can be used in an account.
    fn check(&self, target: &Target) -> Answer<()>;

    /// A stack; nothing if there is none, or it was deleted.
    fn stack(&self, target: &Target, name: &str) -> Answer<Option<StackState>>;

    /// The names of stacks that begin so, but for those that were deleted.
    fn stack_names(&self, target: &Target, prefix: &str) -> Answer<Vec<String>>;

    /// Makes a change set, and says its ARN.
    fn create_change_set(&self, target: &Target, request: &ChangeSetRequest<'_>) -> Answer<String>;

    /// A change set; nothing if there is none.
    fn change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<Option<ChangeSetState>>;

    /// Executes a change set.
    fn execute_change_set(&self, target: &Target, stack: &str, name: &str, token: &str) -> Answer<()>;

    /// Deletes a change set.
    fn delete_change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<()>;

    /// Begins to delete a stack.
    fn delete_stack(&self, target: &Target, stack: &str, token: &str) -> Answer<()>;

    /// Why the last operation of a stack failed: the first reasons of its events since the one with this token, at most ten.
    fn failures(&self, target: &Target, stack: &str, token: &str) -> Answer<Vec<String>>;

    /// The template of a stack, as it was given.
    fn template(&self, target: &Target, stack: &str) -> Answer<String>;

    /// Puts a template into a bucket, if it is not there, and says its address.
    fn put_template(&self, target: &Target, bucket: &str, key: &str, body: &[u8]) -> Answer<String>;

    /// A stack set; nothing if there is none.
    fn stack_set(&self, home: &Target, name: &str) -> Answer<Option<StackSetState>>;

    /// Makes a stack set.
    fn create_stack_set(&self, home: &Target, request: &StackSetRequest<'_>) -> Answer<()>;

    /// Begins an operation on instances, and says its id.
    fn change_instances(
        &self,
        home: &Target,
        request: &InstancesRequest<'_>,
        work: &InstancesWork<'_>,
    ) -> Answer<String>;

    /// An operation; nothing if there is none.
    fn operation(&self, home: &Target, set: &str, id: &str) -> Answer<Option<OperationState>>;

    /// The instances of a stack set in one account, or all of them.
    fn instances(&self, home: &Target, set: &str, account: Option<&str>) -> Answer<Vec<InstanceState>>;

    /// The values that an instance of a stack set has for itself; nothing if there is no such instance.
    fn instance_values(&self, home: &Target, set: &str, target: &Target) -> Answer<Option<BTreeMap<String, String>>>;

    /// The units directly below a root or unit.
    fn units(&self, home: &Target, parent: &str) -> Answer<Vec<UnitState>>;

    /// Makes a unit, and says its id.
    fn create_unit(&self, home: &Target, parent: &str, name: &str, tags: &BTreeMap<String, String>) -> Answer<String>;

    /// The policy of a kind (`SERVICE_CONTROL_POLICY`) with a name, with its document and targets; nothing if there is none.
    fn policy(&self, home: &Target, kind: &str, name: &str) -> Answer<Option<PolicyState>>;

    /// Makes a policy, and says its id.
    fn create_policy(
        &self,
        home: &Target,
        kind: &str,
        name: &str,
        description: &str,
        content: &str,
        tags: &BTreeMap<String, String>,
    ) -> Answer<String>;

    /// Gives a policy another document.
    fn update_policy(&self, home: &Target, id: &str, description: &str, content: &str) -> Answer<()>;

    /// Attaches a policy to a unit, by their ids.
    fn attach_policy(&self, home: &Target, policy: &str, unit: &str) -> Answer<()>;

    /// Takes a policy from a unit, by their ids.
    fn detach_policy(&self, home: &Target, policy: &str, unit: &str) -> Answer<()>;

    /// The id of the unit or root that an account stands in.
    fn parent(&self, home: &Target, account: &str) -> Answer<String>;

    /// Moves an account from one unit to another, by their ids.
    fn move_account(&self, home: &Target, account: &str, from: &str, to: &str) -> Answer<()>;

    /// The alarms of these names that ring now.
    fn ringing(&self, target: &Target, alarms: &[String]) -> Answer<Vec<String>>;

    /// Begins to look for drift, and says the id of that.
    fn detect_drift(&self, target: &Target, stack: &str) -> Answer<String>;

    /// How far the look for drift is.
    fn drift(&self, target: &Target, id: &str) -> Answer<DriftState>;

    /// The resources of a stack that differ, as the last look found.
    fn drifted(&self, target: &Target, stack: &str) -> Answer<Vec<ResourceDrift>>;
}
