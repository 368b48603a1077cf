//! The registry of finding codes. A code is contract: it never changes its meaning.

use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Stops the work.
    Error,
    /// Worth changing, but the work goes on.
    Warning,
}

impl Severity {
    /// The word shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A kind of finding, with its page.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code {
    /// `group/name`, kebab-case.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub summary: &'static str,
    /// The page that `explain` shows: what it checks, why it matters, an example, what to write instead.
    pub page: &'static str,
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

macro_rules! registry {
    ($($(#[doc = $doc:literal])* $constant:ident = $name:literal, $severity:ident, $summary:literal;)*) => {
        /// Every code by its constant.
        pub mod codes {
            use super::{Code, Severity};
            $(
                #[doc = $summary]
                pub static $constant: Code = Code {
                    name: $name,
                    severity: Severity::$severity,
                    summary: $summary,
                    page: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/findings/", $name, ".md")),
                };
            )*
        }
        static ALL: &[&Code] = &[$(&codes::$constant),*];
    };
}

registry! {
    YAML_ENCODING = "yaml/encoding", Error, "the file is not UTF-8 text";
    YAML_TOO_LARGE = "yaml/too-large", Error, "the blueprint is larger than a person can have written";
    YAML_EMPTY = "yaml/empty", Error, "the blueprint is empty";
    YAML_SYNTAX = "yaml/syntax", Error, "the text is not YAML";
    YAML_TAB = "yaml/tab", Error, "a tab is used as indentation";
    YAML_ANCHOR = "yaml/anchor", Error, "anchors and aliases are not read";
    YAML_MERGE_KEY = "yaml/merge-key", Error, "merge keys are not read";
    YAML_DUPLICATE_KEY = "yaml/duplicate-key", Error, "a key stands twice in one mapping";
    YAML_TAG = "yaml/tag", Error, "a tag is not known, or its argument is malformed";
    YAML_TOO_DEEP = "yaml/too-deep", Error, "the blueprint is nested deeper than the reader goes";
    YAML_MANY_DOCUMENTS = "yaml/many-documents", Error, "the file holds more than one YAML document";
    YAML_KEY = "yaml/key", Error, "a mapping's key is not plain text";

    SHAPE_UNKNOWN_KEY = "shape/unknown-key", Error, "a key is not known here";
    SHAPE_MISSING_KEY = "shape/missing-key", Error, "a required key is missing";
    SHAPE_WRONG_TYPE = "shape/wrong-type", Error, "a value has the wrong type";
    SHAPE_UNKNOWN_VALUE = "shape/unknown-value", Error, "a value is not one of the words that are known here";
    SHAPE_OUT_OF_RANGE = "shape/out-of-range", Error, "a number is outside the range that is allowed here";
    SHAPE_AMBIGUOUS = "shape/ambiguous", Error, "an entry says more than one thing, or nothing, about what it is";

    ID_LANGUAGE = "id/language", Error, "the id language is not one that keeps tenants apart";
    ID_TENANT = "id/tenant", Error, "a tenant id is not in the blueprint's id language";
    ID_NAME = "id/name", Error, "a name is not made of letters, digits and single dashes";
    ID_ACCOUNT = "id/account", Error, "an account id is not twelve digits";
    ID_REGION = "id/region", Error, "a region is not known";
    ID_DUPLICATE = "id/duplicate", Error, "two things of one kind have the same name";
    ID_DUPLICATE_TENANT = "id/duplicate-tenant", Error, "two tenants have the same id";
    ID_NAME_TOO_LONG = "id/name-too-long", Error, "a name is too long for the resource it becomes";
    ID_DIGEST_COLLISION = "id/digest-collision", Error, "two tenants' ids have the same digest";

    ISOLATION_UNPARTITIONED_TABLE = "isolation/unpartitioned-table", Error, "a pooled table has no tenant key";
    ISOLATION_UNPARTITIONED_BUCKET = "isolation/unpartitioned-bucket", Error, "a pooled bucket has no tenant prefix";
    ISOLATION_UNPARTITIONED_QUEUE = "isolation/unpartitioned-queue", Error, "a pooled queue does not say which tenant a message is for";
    ISOLATION_UNPARTITIONED_TOPIC = "isolation/unpartitioned-topic", Error, "a pooled topic does not say which tenant a message is for";
    ISOLATION_UNPARTITIONED_BUS = "isolation/unpartitioned-bus", Error, "a pooled event bus does not say which tenant an event is for";
    ISOLATION_UNGUARDED_CUSTOM = "isolation/unguarded-custom", Error, "nothing says why a pooled custom resource keeps tenants apart";
    ISOLATION_UNTHROTTLED_API = "isolation/unthrottled-api", Warning, "a pooled API has no throttle per tenant";
    ISOLATION_UNDECLARED_SHARE = "isolation/undeclared-share", Error, "a bridge tier does not say whether a component is siloed or pooled";
    ISOLATION_SHARED_TWICE = "isolation/shared-twice", Error, "a component is said to be both siloed and pooled";
    ISOLATION_POOL_REACHES_SILO = "isolation/pool-reaches-silo", Error, "a pooled component holds on to one tenant's resource";
    ISOLATION_SHARED_ACCOUNT = "isolation/shared-account", Error, "two tenants whose boundary is the account share one";
    ISOLATION_BOUNDARY = "isolation/boundary", Error, "the boundary does not fit the tier";
    ISOLATION_REFUTED = "isolation/refuted", Error, "a request crosses from one tenant to another";
    ISOLATION_UNKNOWN = "isolation/unknown", Error, "it could not be decided whether a request crosses from one tenant to another";

    LOCKOUT_REFUTED = "lockout/refuted", Error, "a guardrail keeps operators from their work";
    LOCKOUT_UNKNOWN = "lockout/unknown", Error, "it could not be decided whether the guardrails let operators work";

    PACKING_REFUTED = "packing/refuted", Error, "packed policies do not say what the guardrails say";
    PACKING_UNKNOWN = "packing/unknown", Error, "it could not be decided whether packed policies say what the guardrails say";

    INSTANCE_REFUTED = "instance/refuted", Error, "what is deployed for a tenant is not what was proved";
    INSTANCE_UNKNOWN = "instance/unknown", Error, "it could not be decided whether what is deployed for a tenant is what was proved";

    PROOF_INPUT = "proof/input", Error, "a file that a proof needs cannot be read";

    REFERENCE_UNKNOWN_COMPONENT = "reference/unknown-component", Error, "a component is named that the tier does not have";
    REFERENCE_UNKNOWN_ATTRIBUTE = "reference/unknown-attribute", Error, "a component does not have the attribute that is asked for";
    REFERENCE_WRONG_KIND = "reference/wrong-kind", Error, "a component of another kind is needed here";
    REFERENCE_SYNTAX = "reference/syntax", Error, "a reference in `${…}` cannot be read";
    REFERENCE_CYCLE = "reference/cycle", Error, "components refer to each other in a circle";
    REFERENCE_UNKNOWN_BUNDLE = "reference/unknown-bundle", Error, "a bundle is included that the blueprint does not have";
    REFERENCE_CUSTOM = "reference/custom", Error, "a custom resource refers to something the template does not have";

    ACCESS_NOT_A_CALLER = "access/not-a-caller", Error, "access is given to a component that runs no code";
    ACCESS_NOT_A_TARGET = "access/not-a-target", Error, "access is given to a component that holds nothing to reach";
    ACCESS_UNSUPPORTED = "access/unsupported", Error, "this kind of access does not exist for the component";
    ACCESS_DUPLICATE = "access/duplicate", Error, "access between two components is given twice";

    COMPONENT_ASSET = "component/asset", Error, "a function's code cannot be read";
    COMPONENT_ASSET_BUCKET = "component/asset-bucket", Error, "code comes from a file but no bucket is named to put it into";
    COMPONENT_TIMEOUT = "component/timeout", Error, "a queue gives its messages back before the function that reads them is done";
    COMPONENT_PLAINTEXT = "component/plaintext", Warning, "a protection that is on by default is switched off";
    COMPONENT_ONE_ZONE = "component/one-zone", Warning, "a network has subnets in one availability zone only";

    COMPONENT_ALARM_TOPIC = "component/alarm-topic", Error, "alarms cannot publish to a topic with the AWS managed key";
    COMPONENT_NETWORK = "component/network", Error, "a network's address range is not one a VPC can be cut from";
    COMPONENT_TABLE_KEYS = "component/table-keys", Error, "a table's keys leave no room for the tenant key";
    COMPONENT_INLINE_CODE = "component/inline-code", Error, "inline code does not fit the runtime";

    OVERRIDE_UNKNOWN = "override/unknown", Error, "an override names a component that the tier does not have";
    OVERRIDE_POOLED = "override/pooled", Error, "one tenant's override would change what all tenants share";

    TENANT_UNKNOWN_TIER = "tenant/unknown-tier", Error, "a tenant or a cell names a tier that the blueprint does not have";
    TENANT_FILE = "tenant/file", Error, "the tenants' file cannot be read";
    TENANT_RECORD = "tenant/record", Error, "a line of the tenants' file is not a tenant";
    TENANT_NONE = "tenant/none", Warning, "the blueprint has no tenants";
    TENANT_UNKNOWN_ENTITLEMENT = "tenant/unknown-entitlement", Error, "a tenant has an entitlement different that its tier does not have";
    TENANT_ENTITLEMENT_TYPE = "tenant/entitlement-type", Error, "a tenant's entitlement is of another type than its tier's";
    TENANT_ACCOUNT_PENDING = "tenant/account-pending", Warning, "tenants whose boundary is the account have no account yet";
    TENANT_NOT_FOUND = "tenant/not-found", Error, "the assembly does not have the tenant that was asked for";

    PLACEMENT_NO_CELL = "placement/no-cell", Error, "no cell may hold the tenant";
    PLACEMENT_CELL_FULL = "placement/cell-full", Error, "every cell that may hold the tenant is full";
    PLACEMENT_CELL_REMOVED = "placement/cell-removed", Error, "a cell is gone that the ledger has tenants in";
    PLACEMENT_NOT_ALLOWED = "placement/not-allowed", Error, "a placed tenant may no longer be where it is";
    PLACEMENT_LEDGER = "placement/ledger", Error, "the earlier assembly's ledger cannot be read";

    GUARDRAIL_TOO_LARGE = "guardrail/too-large", Error, "the guardrails of a tier do not fit into the policies it may have";
    GUARDRAIL_REGION = "guardrail/region", Error, "a cell is in a region that its tier's guardrail denies";
    GUARDRAIL_SERVICE = "guardrail/service", Error, "a component needs a service that its tier's guardrail denies";
    GUARDRAIL_SETTING = "guardrail/setting", Error, "a guardrail's setting cannot be read";
    GUARDRAIL_REPEATED = "guardrail/repeated", Error, "a guardrail stands twice with different settings";

    TENANCY_PATTERN = "tenancy/pattern", Error, "a pattern of ownership does not say whose something is";
    TENANCY_DELIMITER = "tenancy/delimiter", Warning, "a pattern of ownership does not show where the id ends";
    TENANCY_DUPLICATE_TEMPLATE = "tenancy/duplicate-template", Error, "a template is declared twice";
    TENANCY_UNKNOWN_TEMPLATE = "tenancy/unknown-template", Error, "a template is named that the declaration does not have";
    TENANCY_SCOPE = "tenancy/scope", Error, "something is one tenant's where tenants share, or the other way round";
    TENANCY_MINTER = "tenancy/minter", Error, "a role opens sessions in tenants' names and is not the platform's";
    TENANCY_EMPTY = "tenancy/empty", Error, "a list or a reason is empty, and a claim about nothing is always true";
    TENANCY_NAME = "tenancy/name", Error, "a tag, an organization or a principal is not one that AWS knows";

    LIMIT_RESOURCES = "limit/resources", Error, "a template has more resources than a stack may have";
    LIMIT_TEMPLATE_SIZE = "limit/template-size", Error, "a template is larger than CloudFormation takes";
    LIMIT_OUTPUTS = "limit/outputs", Error, "a template has more outputs than a stack may have";
    LIMIT_POLICY_SIZE = "limit/policy-size", Error, "a policy is larger than IAM takes";
    LIMIT_USAGE_PLANS = "limit/usage-plans", Warning, "a cell holds more tenants than one account has usage plans";

    SCHEMA_UNKNOWN_TYPE = "schema/unknown-type", Error, "a resource type is not known";
    SCHEMA_PROPERTY = "schema/property", Error, "a resource's properties do not fit its type";
    SCHEMA_DANGLING = "schema/dangling", Error, "a template refers to something it does not have";

    POLICY_UNKNOWN_ACTION = "policy/unknown-action", Warning, "a policy names an action that does not exist";
    POLICY_UNKNOWN_KEY = "policy/unknown-key", Warning, "a policy has a condition on a key that does not exist";
    POLICY_KEY_NEVER_CARRIED = "policy/key-never-carried", Error, "no action of a statement carries the key of its condition";

    ACKNOWLEDGE_UNKNOWN = "acknowledge/unknown", Error, "a code is acknowledged that does not exist";
    ACKNOWLEDGE_FORBIDDEN = "acknowledge/forbidden", Error, "a finding is acknowledged that nobody can wave through";
    ACKNOWLEDGE_UNUSED = "acknowledge/unused", Warning, "an acknowledgement matches no finding";
    ACKNOWLEDGE_EXPIRED = "acknowledge/expired", Warning, "an acknowledgement no longer counts";

    OUTPUT_NOT_AN_ASSEMBLY = "output/not-an-assembly", Error, "the output folder holds something that is not an assembly";
    OUTPUT_BUSY = "output/busy", Error, "another run is writing the assembly";
    OUTPUT_IO = "output/io", Error, "a file cannot be read or written";

    DIFF_DATA_LOSS = "diff/data-loss", Error, "a change deletes a resource with what it holds";
    DIFF_LEGAL_HOLD = "diff/legal-hold", Error, "a change takes away data that must not be deleted";
    DIFF_NAME_TAKEN = "diff/name-taken", Error, "a change replaces a resource whose name stays taken";
    DIFF_LEFT_BEHIND = "diff/left-behind", Warning, "a change leaves a resource behind with what it holds";
    DIFF_RETENTION_DROPPED = "diff/retention-dropped", Warning, "a resource that holds data is no longer kept when it goes";
    DIFF_DATA_NOT_MOVED = "diff/data-not-moved", Warning, "tenants leave shared stacks, and their data stays there";
    DIFF_BROADENED = "diff/broadened", Warning, "a change makes something possible that was not before";
    DIFF_ACCESS_UNKNOWN = "diff/access-unknown", Warning, "it could not be decided whether a change makes more possible";
    DIFF_FAIL_ON = "diff/fail-on", Error, "a change does what the pipeline does not let pass";
    DIFF_UNRELATED = "diff/unrelated", Warning, "the two assemblies are not of the same product";
    PLAN_UNKNOWN_TENANT = "plan/unknown-tenant", Error, "a plan is asked for a tenant that no assembly has";
    PLAN_UNKNOWN_STORE = "plan/unknown-store", Error, "it is not known whether a resource keeps tenants' data, or how";
    PLAN_LEGAL_HOLD = "plan/legal-hold", Error, "a tenant's data is to be erased and must not be, or cannot be yet";
    PLAN_NO_EXPIRY = "plan/no-expiry", Error, "a tenant's data in a shared store would never end";
    PLAN_NO_HOME = "plan/no-home", Error, "a tenant moves to a tier that has no place for some of its data";
    PLAN_REPLACES_STORE = "plan/replaces-store", Error, "an update in place replaces a store that holds a tenant's data";
    PLAN_RESIDENCY = "plan/residency", Error, "a tenant would go to a region where its data may not be";

    VERIFY_MANIFEST = "verify/manifest", Error, "the manifest is missing or does not fit its schema";
    VERIFY_DIGEST = "verify/digest", Error, "a file is not the one the manifest names";
    VERIFY_MISSING = "verify/missing", Error, "the manifest names a file that is not there";
    VERIFY_STRANGER = "verify/stranger", Warning, "the assembly holds a file that the manifest does not name";
    VERIFY_TENANCY = "verify/tenancy", Error, "the declaration of who owns what does not fit the manifest";
    VERIFY_RECORD = "verify/record", Error, "a tenant's record does not fit the manifest";

    DEPLOY_ROLLOUT = "deploy/rollout", Error, "the rollout cannot be read, or does not fit the assembly";
    DEPLOY_JOURNAL = "deploy/journal", Error, "the journal belongs to something else, or cannot be read";
    DEPLOY_BUSY = "deploy/busy", Error, "another run carries the same rollout out";
    DEPLOY_CREDENTIALS = "deploy/credentials", Error, "there are no credentials, or they have expired";
    DEPLOY_REGION = "deploy/region", Error, "a region is not enabled in an account";
    DEPLOY_ACCESS = "deploy/access", Error, "an account cannot be worked in";
    DEPLOY_TEMPLATE_SIZE = "deploy/template-size", Error, "a template is too large for a request, and there is no bucket for it";
    DEPLOY_STEP_FAILED = "deploy/step-failed", Error, "a step of the rollout failed";
    DEPLOY_STUCK_STACK = "deploy/stuck-stack", Error, "a stack is in a state that only a person can end";
    DEPLOY_UNEXPECTED_REPLACEMENT = "deploy/unexpected-replacement", Error, "CloudFormation would take away a resource that holds data";
    DEPLOY_ALARM = "deploy/alarm", Error, "an alarm stopped the rollout";
    DEPLOY_STOPPED = "deploy/stopped", Error, "the rollout stopped before its end";
    DEPLOY_UNKNOWN_TENANT = "deploy/unknown-tenant", Error, "the assembly has no such tenant";
    ROLLOUT_SETTING = "rollout/setting", Error, "a setting of a rollout cannot be kept to";
    ROLLOUT_UNKNOWN_NAME = "rollout/unknown-name", Error, "a rollout's settings name something that the assembly does not have";
    ROLLOUT_PIN_EXPIRED = "rollout/pin-expired", Error, "a pin's last day is past";
    ROLLOUT_PINNED_SHARED = "rollout/pinned-shared", Error, "a pinned tenant uses a shared stack that changes";
    ROLLOUT_INDIVISIBLE = "rollout/indivisible", Error, "a shared stack has more tenants than a wave may change";
    ROLLOUT_NO_ACCOUNT = "rollout/no-account", Warning, "tenants or cells have no account yet, and are left out of the rollout";
    ROLLOUT_NO_UNIT = "rollout/no-unit", Error, "a stack set has no organizational unit to reach tenants through";
    ROLLOUT_NO_PARENT = "rollout/no-parent", Error, "nobody says where the tiers' units stand";
    ROLLOUT_SHARED_ACCOUNT = "rollout/shared-account", Warning, "an account holds stacks of several tiers, and is not moved into a unit";
    ROLLOUT_ORGANIZATION = "rollout/organization", Error, "a policy of the organization's template is in no file beside it";
    ROLLOUT_SET_MOVE = "rollout/set-move", Error, "a tenant would leave one stack set for another";
    ROLLOUT_SET_TEMPLATE = "rollout/set-template", Error, "a stack set's new template reaches no instance before new tenants need it";
    ROLLOUT_SET_PARAMETER = "rollout/set-parameter", Error, "a stack set's template has a new parameter that its instances have no value for";
    ROLLOUT_ACCOUNT_REUSED = "rollout/account-reused", Error, "a tenant would get the account of another one";
    ROLLOUT_DELETES = "rollout/deletes", Error, "stacks that are deployed are in the new assembly no more";
    ROLLOUT_LEGAL_HOLD = "rollout/legal-hold", Error, "a stack of a tenant under legal hold would be deleted";
    ROLLOUT_LIMIT = "rollout/limit", Error, "a rollout needs more of a stack set than AWS gives";
    ROLLOUT_FILE = "rollout/file", Error, "a file of a rollout cannot be read";
    ROLLOUT_OTHER_ASSEMBLY = "rollout/other-assembly", Error, "a rollout was made for another assembly";
    ROLLOUT_OTHER_SETTINGS = "rollout/other-settings", Error, "a rollout does not say what its settings say";
    ROLLOUT_TWICE = "rollout/twice", Error, "a rollout changes a tenant or a stack twice";
    ROLLOUT_MISSING = "rollout/missing", Error, "a rollout leaves out a change";
    ROLLOUT_SURPLUS = "rollout/surplus", Error, "a rollout changes what has not changed, or what nobody knows";
    ROLLOUT_SHARE = "rollout/share", Error, "a wave changes more tenants than it may";
    ROLLOUT_PACE = "rollout/pace", Error, "a wave goes past a percentage that another one has to end at";
    ROLLOUT_PAIR = "rollout/pair", Error, "a wave changes both cells of a pair";
    ROLLOUT_CONCURRENCY = "rollout/concurrency", Error, "a wave does more at once than it may";
    ROLLOUT_ORDER = "rollout/order", Error, "a rollout does things in an order that does not hold";
    ROLLOUT_PARAMETERS = "rollout/parameters", Error, "an instance of a stack set would not get its tenant's values";
}

/// Every code, in the order of the registry.
#[must_use]
pub fn all() -> &'static [&'static Code] {
    ALL
}

/// The code of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Code> {
    ALL.iter().copied().find(|code| code.name == name)
}
