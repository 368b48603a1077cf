//! What a blueprint may look like, said once: the check of a tree and the JSON Schema both come from here.

use serde_json::{Value, json};

use super::guardrails::GUARDRAILS;
use crate::source::shape::{Kind, Shape, Variant, optional, record_schema, required};

const TEXTS: Kind = Kind::List(&Kind::Text);
const TRUTH: Kind = Kind::Truth;

static KEY_ATTRIBUTE: Shape = Shape {
    what: "a key attribute",
    doc: "An attribute of a table's items.",
    fields: &[
        required("name", Kind::Text, "the attribute's name"),
        optional("type", Kind::Word(&["text", "number"]), "what the attribute holds; text by default"),
    ],
};

static TABLE_TENANT_KEY: Shape = Shape {
    what: "a tenant key",
    doc: "What keeps tenants' items apart.",
    fields: &[required("prefix_of", Kind::Text, "the partition key, whose values begin with the tenant's id and `#`")],
};

static INDEX: Shape = Shape {
    what: "an index",
    doc: "A second way to look a table up.",
    fields: &[
        required("name", Kind::Text, "the index's name"),
        required("by", Kind::Either(&Kind::Text, &Kind::Record(&KEY_ATTRIBUTE)), "the attribute looked up by"),
    ],
};

const RENAMED_FROM: crate::source::shape::Field =
    optional("renamed_from", Kind::Text, "the name the component had before; keeps its logical ids");
const ENCRYPT_WITH: crate::source::shape::Field =
    optional("encrypt_with", Kind::Text, "the key component it is encrypted with; an AWS managed key by default");
const KEY_KIND: Kind = Kind::Either(&Kind::Text, &Kind::Record(&KEY_ATTRIBUTE));

static TABLE: Shape = Shape {
    what: "a table",
    doc: "A DynamoDB table: paid per request, encrypted, with point-in-time recovery and deletion protection.",
    fields: &[
        required("table", Kind::Text, "the component's name"),
        optional("partition_key", KEY_KIND, "the attribute that finds an item; `id` by default"),
        optional("sort_key", KEY_KIND, "the attribute that orders the items of a partition"),
        optional(
            "partition_by",
            Kind::Either(&Kind::Text, &Kind::Record(&TABLE_TENANT_KEY)),
            "the tenant key: the attribute that holds the tenant's id, or `{ prefix_of: attribute }`",
        ),
        optional("indexes", Kind::List(&Kind::Record(&INDEX)), "global secondary indexes"),
        optional("time_to_live", Kind::Text, "the attribute that holds an item's expiry, in seconds since 1970"),
        optional("stream", TRUTH, "whether changes are streamed; off by default"),
        ENCRYPT_WITH,
        optional("point_in_time_recovery", TRUTH, "on by default"),
        optional("deletion_protection", TRUTH, "on by default"),
        RENAMED_FROM,
    ],
};

static BUCKET: Shape = Shape {
    what: "a bucket",
    doc: "An S3 bucket: private, versioned, encrypted, TLS only.",
    fields: &[
        required("bucket", Kind::Text, "the component's name"),
        optional(
            "partition_by",
            Kind::Word(&["prefix"]),
            "the tenant key: `prefix` makes the tenant's id the first segment of every object's key",
        ),
        optional("versioned", TRUTH, "whether old versions of objects are kept; on by default"),
        optional("expire_old_versions_days", Kind::Integer(1, 36_500), "days after which old versions are deleted"),
        optional("lock_days", Kind::Integer(1, 36_500), "days in which nobody can delete an object"),
        ENCRYPT_WITH,
        RENAMED_FROM,
    ],
};

static QUEUE: Shape = Shape {
    what: "a queue",
    doc: "An SQS queue with a dead-letter queue, encrypted, TLS only.",
    fields: &[
        required("queue", Kind::Text, "the component's name"),
        optional(
            "partition_by",
            Kind::Text,
            "the tenant key: the message attribute that holds the tenant's id; it is the message group too",
        ),
        optional(
            "visibility_timeout_seconds",
            Kind::Integer(0, 43_200),
            "seconds a message is hidden while it is worked on; 90 by default",
        ),
        optional("retention_days", Kind::Integer(1, 14), "days a message is kept; 14 by default"),
        optional("max_receives", Kind::Integer(1, 1_000), "tries before the dead-letter queue; 5 by default"),
        ENCRYPT_WITH,
        RENAMED_FROM,
    ],
};

static S3_CODE: Shape = Shape {
    what: "code in S3",
    doc: "An object that is already in S3.",
    fields: &[required("bucket", Kind::Text, "the bucket"), required("key", Kind::Text, "the object's key")],
};

static CODE: &[Variant] = &[
    Variant {
        key: "inline",
        bare: false,
        shape: &Shape {
            what: "inline code",
            doc: "The source text itself.",
            fields: &[required("inline", Kind::Text, "source text for Node.js or Python, at most 4 MiB")],
        },
    },
    Variant {
        key: "s3",
        bare: false,
        shape: &Shape {
            what: "code in S3",
            doc: "An object that is already in S3.",
            fields: &[required("s3", Kind::Record(&S3_CODE), "bucket and key")],
        },
    },
    Variant {
        key: "asset",
        bare: false,
        shape: &Shape {
            what: "an asset",
            doc: "A `.zip` file beside the blueprint.",
            fields: &[required("asset", Kind::Text, "the file's path, counted from the blueprint's folder")],
        },
    },
];

static FUNCTION: Shape = Shape {
    what: "a function",
    doc: "A Lambda function with a role and a log group of its own.",
    fields: &[
        required("function", Kind::Text, "the component's name"),
        required("code", Kind::OneOf(CODE), "`inline`, `s3` or `asset`"),
        optional("runtime", Kind::Text, "the runtime; `nodejs22.x` by default"),
        optional("handler", Kind::Text, "the entry point; `index.handler` by default"),
        optional("memory_mib", Kind::Integer(128, 10_240), "memory in MiB; 256 by default"),
        optional("timeout_seconds", Kind::Integer(1, 900), "longest run in seconds; 15 by default"),
        optional(
            "environment",
            Kind::MapOf(&Kind::Removable(&Kind::Text)),
            "environment variables; `${Component.attribute}` is filled in",
        ),
        optional("reserved_concurrency", Kind::Integer(0, 100_000), "how many runs there may be at once"),
        optional("log_retention_days", Kind::Integer(1, 3_653), "days logs are kept; 30 by default"),
        optional("architecture", Kind::Word(&["arm64", "x86_64"]), "`arm64` by default"),
        optional("consumes", TEXTS, "queues whose messages it works on"),
        optional("network", Kind::Text, "the network it runs in"),
        RENAMED_FROM,
    ],
};

static ROUTE: Shape = Shape {
    what: "a route",
    doc: "One way into an API.",
    fields: &[
        required("on", Kind::Text, "method and path, such as `GET /orders/{id}`"),
        required("call", Kind::Text, "the function that answers"),
    ],
};

static HTTP_API: Shape = Shape {
    what: "an HTTP API",
    doc: "An API Gateway HTTP API.",
    fields: &[
        required("http_api", Kind::Text, "the component's name"),
        required("routes", Kind::List(&Kind::Record(&ROUTE)), "the ways in"),
        optional("authorizer", Kind::Text, "the user pool whose tokens are asked for"),
        optional("access_logs", TRUTH, "whether requests are logged; on by default"),
        optional("rate", Kind::Integer(1, 10_000), "requests per second, all callers together; 1,000 by default"),
        optional("burst", Kind::Integer(1, 5_000), "requests at once, all callers together; 2,000 by default"),
        RENAMED_FROM,
    ],
};

static THROTTLE: Shape = Shape {
    what: "a throttle",
    doc: "How much of an API one tenant may use.",
    fields: &[
        required("rate", Kind::Integer(1, 10_000), "requests per second"),
        required("burst", Kind::Integer(1, 5_000), "requests at once"),
        optional("daily_quota", Kind::Integer(1, 1_000_000_000), "requests per day; no bound by default"),
    ],
};

static REST_API: Shape = Shape {
    what: "a REST API",
    doc: "An API Gateway REST API; where it is pooled, each tenant has a usage plan and a key.",
    fields: &[
        required("rest_api", Kind::Text, "the component's name"),
        required("routes", Kind::List(&Kind::Record(&ROUTE)), "the ways in"),
        optional("authorizer", Kind::Text, "the user pool whose tokens are asked for"),
        optional(
            "access_logs",
            TRUTH,
            "whether requests are logged; off by default, because the account then needs a logging role for API Gateway",
        ),
        optional("throttle", Kind::Record(&THROTTLE), "how much one tenant may use"),
        RENAMED_FROM,
    ],
};

static KEY: Shape = Shape {
    what: "a key",
    doc: "A KMS key that rotates, with an alias.",
    fields: &[
        required("key", Kind::Text, "the component's name"),
        optional("rotation_days", Kind::Integer(90, 2_560), "days between rotations; 365 by default"),
        optional("pending_window_days", Kind::Integer(7, 30), "days before an ordered deletion; 30 by default"),
        RENAMED_FROM,
    ],
};

static EVENT_BUS: Shape = Shape {
    what: "an event bus",
    doc: "An EventBridge event bus.",
    fields: &[
        required("event_bus", Kind::Text, "the component's name"),
        optional(
            "partition_by",
            Kind::Text,
            "the tenant key: the field of an event's detail that holds the tenant's id",
        ),
        optional("archive_days", Kind::Integer(1, 3_653), "days events are kept for replay; not kept by default"),
        RENAMED_FROM,
    ],
};

static USER_POOL: Shape = Shape {
    what: "a user pool",
    doc: "A Cognito user pool with one app client.",
    fields: &[
        required("user_pool", Kind::Text, "the component's name"),
        optional(
            "mfa",
            Kind::Word(&["off", "optional", "required"]),
            "when a second factor is asked for; `optional` by default",
        ),
        optional("password_length", Kind::Integer(6, 99), "shortest password in characters; 12 by default"),
        RENAMED_FROM,
    ],
};

static TOPIC: Shape = Shape {
    what: "a topic",
    doc: "An SNS topic, encrypted, TLS only.",
    fields: &[
        required("topic", Kind::Text, "the component's name"),
        optional("partition_by", Kind::Text, "the tenant key: the message attribute that holds the tenant's id"),
        ENCRYPT_WITH,
        optional("tls_only", TRUTH, "whether publishing without TLS is denied; on by default"),
        RENAMED_FROM,
    ],
};

static ALARMS: Shape = Shape {
    what: "alarms",
    doc: "CloudWatch alarms over other components.",
    fields: &[
        required("alarms", Kind::Text, "the component's name"),
        required("watch", TEXTS, "functions, queues, tables and APIs that are watched"),
        optional("notify", Kind::Text, "the topic that is told"),
        RENAMED_FROM,
    ],
};

static DASHBOARD: Shape = Shape {
    what: "a dashboard",
    doc: "A CloudWatch dashboard over other components.",
    fields: &[
        required("dashboard", Kind::Text, "the component's name"),
        required("show", TEXTS, "functions, queues, tables and APIs that are shown"),
        RENAMED_FROM,
    ],
};

static NETWORK: Shape = Shape {
    what: "a network",
    doc: "A VPC with isolated subnets and no way to the internet.",
    fields: &[
        required("network", Kind::Text, "the component's name"),
        optional("cidr", Kind::Text, "the address range; `10.0.0.0/16` by default"),
        optional("zones", Kind::Integer(1, 6), "availability zones with a subnet; 2 by default"),
        optional("endpoints", TEXTS, "services reached over interface endpoints, such as `kms`"),
        optional("flow_logs", TRUTH, "whether flow logs are kept; off by default"),
        RENAMED_FROM,
    ],
};

static CUSTOM: Shape = Shape {
    what: "a custom resource",
    doc: "Any resource type of CloudFormation.",
    fields: &[
        required("custom", Kind::Text, "the component's name"),
        required("type", Kind::Text, "the resource type, such as `AWS::AppConfig::Application`"),
        optional("properties", Kind::Free, "the properties as CloudFormation takes them"),
        optional("shared_because", Kind::Text, "why tenants are kept apart where the resource is pooled"),
        RENAMED_FROM,
    ],
};

const fn component(key: &'static str, shape: &'static Shape) -> Variant {
    Variant { key, bare: false, shape }
}

/// The kinds of components.
pub(super) static COMPONENTS: &[Variant] = &[
    component("table", &TABLE),
    component("bucket", &BUCKET),
    component("queue", &QUEUE),
    component("function", &FUNCTION),
    component("http_api", &HTTP_API),
    component("rest_api", &REST_API),
    component("key", &KEY),
    component("event_bus", &EVENT_BUS),
    component("user_pool", &USER_POOL),
    component("topic", &TOPIC),
    component("alarms", &ALARMS),
    component("dashboard", &DASHBOARD),
    component("network", &NETWORK),
    component("custom", &CUSTOM),
];

static GRANT: Shape = Shape {
    what: "an access",
    doc: "What one component may do to another.",
    fields: &[
        required("from", Kind::Text, "the function that acts"),
        required(
            "access",
            Kind::Word(&["read", "write", "read-write", "send", "receive", "invoke", "use"]),
            "what it may do",
        ),
        required("to", Kind::Text, "the component that is reached"),
    ],
};

static BUNDLE: Shape = Shape {
    what: "a bundle",
    doc: "Components that several tiers include.",
    fields: &[
        required("bundle", Kind::Text, "the bundle's name"),
        required("components", Kind::List(&Kind::OneOf(COMPONENTS)), "the components"),
        optional("allow", Kind::List(&Kind::Record(&GRANT)), "which component may do what to which"),
    ],
};

static TIER: Shape = Shape {
    what: "a tier",
    doc: "A packaged offer with one isolation model.",
    fields: &[
        required("tier", Kind::Text, "the tier's name"),
        required("isolation", Kind::Word(&["silo", "pool", "bridge"]), "how tenants are kept apart"),
        optional(
            "boundary",
            Kind::Word(&["account", "vpc", "resource"]),
            "what separates silo tenants; `account` by default for silo, `resource` for bridge",
        ),
        optional(
            "placement",
            Kind::Word(&["hash", "capacity", "tier", "geography", "compliance", "dedicated"]),
            "how tenants find their cells; `hash` by default",
        ),
        optional("include", TEXTS, "bundles whose components the tier has"),
        optional("components", Kind::List(&Kind::OneOf(COMPONENTS)), "components of this tier alone"),
        optional("set", Kind::MapOf(&Kind::Free), "settings of included components that are different here"),
        optional("siloed", TEXTS, "bridge only: the components each tenant has to itself"),
        optional("pooled", TEXTS, "bridge only: the components that tenants share"),
        optional("allow", Kind::List(&Kind::Record(&GRANT)), "which component may do what to which"),
        optional("guardrails", Kind::List(&Kind::OneOf(GUARDRAILS)), "limits of this tier"),
        optional(
            "entitlements",
            Kind::MapOf(&Kind::Scalar),
            "what its tenants may use of the product, such as `seats: 25`",
        ),
    ],
};

static CELL: Shape = Shape {
    what: "a cell",
    doc: "An independent replica that serves a bounded set of tenants.",
    fields: &[
        required("cell", Kind::Text, "the cell's name"),
        required("region", Kind::Text, "its region"),
        optional("account", Kind::Text, "its account, twelve digits; needed where tenants have none of their own"),
        optional("capacity", Kind::Integer(0, 100_000_000), "how many tenants it holds at most; no bound by default"),
        optional("tiers", TEXTS, "the tiers it serves; all by default"),
        optional("geography", Kind::Text, "the geography it is in; its region's by default"),
        optional("compliance", TEXTS, "what it complies with, such as `hipaa`"),
        optional("reserved_for", TEXTS, "the tenants it is reserved for"),
    ],
};

pub(super) static TENANT: Shape = Shape {
    what: "a tenant",
    doc: "A customer organisation on the product.",
    fields: &[
        required("tenant", Kind::Text, "its id; never changes"),
        required("tier", Kind::Text, "the tier it is in"),
        optional("name", Kind::Text, "the name people use"),
        optional("state", Kind::Word(&["active", "suspended"]), "whether it is served; `active` by default"),
        optional("account", Kind::Text, "its own account, twelve digits"),
        optional("cell", Kind::Text, "the cell it must be in"),
        optional("region", Kind::Text, "the region it must be in"),
        optional("residency", TEXTS, "the regions its data may be in"),
        optional("geography", Kind::Text, "the geography it belongs to, such as `eu`"),
        optional("compliance", TEXTS, "what its cell must comply with"),
        optional("owner", Kind::Text, "the owner tag; the blueprint's by default"),
        optional("cost_center", Kind::Text, "the cost centre tag; the blueprint's by default"),
        optional("overrides", Kind::MapOf(&Kind::Free), "settings of siloed components that are different for it"),
        optional("entitlements", Kind::MapOf(&Kind::Scalar), "entitlements of its tier that are different for it"),
        optional("legal_hold", TRUTH, "whether its data must not be deleted, whatever its state; off by default"),
    ],
};

static TENANT_FILE: Shape = Shape {
    what: "a tenants' file",
    doc: "Tenants in a file of their own.",
    fields: &[required("from", Kind::Text, "a `.jsonl` or `.csv` file, counted from the blueprint's folder")],
};

static IDS: Shape = Shape {
    what: "the id language",
    doc: "The language tenant ids are written in.",
    fields: &[required("pattern", Kind::Text, "like `^[a-z0-9][a-z0-9-]{1,30}$`, which is the default")],
};

static ORGANIZATION: Shape = Shape {
    what: "the organization",
    doc: "The AWS organization the product lives in.",
    fields: &[
        optional("id", Kind::Text, "its id, such as `o-ab12cd34ef`"),
        optional("parent", Kind::Text, "the root or unit that tiers' units are made under, such as `r-ab12`"),
        optional("exempt", Kind::Record(&EXEMPT), "roles that guardrails leave alone, beside those of AWS's own tools"),
    ],
};

static EXEMPT: Shape = Shape {
    what: "the exemptions",
    doc: "Roles that guardrails leave alone: names or ARNs, with wildcards.",
    fields: &[
        optional("deployment", TEXTS, "what deploys stacks"),
        optional("audit", TEXTS, "who may still read when a tenant is suspended"),
        optional("break_glass", TEXTS, "who may break every guardrail that can be broken"),
    ],
};

static ASSETS: Shape = Shape {
    what: "the assets' place",
    doc: "Where function code from files is put.",
    fields: &[required("bucket", Kind::Text, "a bucket; `${AWS::AccountId}` and `${AWS::Region}` are filled in")],
};

static ACKNOWLEDGEMENT: Shape = Shape {
    what: "an acknowledgement",
    doc: "A finding that somebody decided to live with.",
    fields: &[required("code", Kind::Text, "the finding's code"), required("reason", Kind::Text, "why")],
};

/// A whole blueprint.
pub(super) static BLUEPRINT: Shape = Shape {
    what: "a blueprint",
    doc: "A multi-tenant product on AWS, as tenantry reads it.",
    fields: &[
        required("tenantry", Kind::Integer(1, 1), "the format's version: 1"),
        required("blueprint", Kind::Text, "the product's name"),
        optional("environment", Kind::Text, "the environment; `prod` by default"),
        required("owner", Kind::Text, "the owner tag"),
        required("cost_center", Kind::Text, "the cost centre tag"),
        optional("ids", Kind::Record(&IDS), "the language of tenant ids"),
        optional("organization", Kind::Record(&ORGANIZATION), "the AWS organization"),
        optional("assets", Kind::Record(&ASSETS), "where function code from files is put"),
        required("cells", Kind::List(&Kind::Record(&CELL)), "the cells"),
        optional("guardrails", Kind::List(&Kind::OneOf(GUARDRAILS)), "limits of every tier"),
        optional("bundles", Kind::List(&Kind::Record(&BUNDLE)), "components that several tiers include"),
        required("tiers", Kind::List(&Kind::Record(&TIER)), "the tiers"),
        optional(
            "tenants",
            Kind::ListOr(&Kind::List(&Kind::Record(&TENANT)), &Kind::Record(&TENANT_FILE)),
            "the tenants, or `{ from: file }`",
        ),
        optional("acknowledge", Kind::List(&Kind::Record(&ACKNOWLEDGEMENT)), "findings to live with"),
    ],
};

/// The JSON Schema of a blueprint, for editors.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = record_schema(&BLUEPRINT);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("tenantry blueprint, format 1"));
    }
    schema
}
