//! What a declaration may look like, for the reader and for the JSON Schema.

use serde_json::{Map, Value, json};

use crate::source::Node;
use crate::source::shape::{Kind, Shape, Variant, optional, record_schema, required, variant_of};

/// The declaration.
pub(super) static TENANCY: Shape = Shape {
    what: "a declaration",
    doc: "Who owns what, and who acts for whom.",
    fields: &[
        required("tenancy", Kind::Integer(1, 1), "the version of the format: 1"),
        required("ids", Kind::Record(&IDS), "the language of tenants' ids"),
        optional("tag", Kind::Text, "the session tag that says for whom a session acts; `TenantId` by default"),
        required("templates", Kind::List(&Kind::Record(&DEPLOYED)), "the templates, and what is in them"),
        optional("organization", Kind::Text, "the organization's id, such as `o-a1b2c3d4e5`, where it is known"),
        optional(
            "operators",
            Kind::List(&Kind::Record(&OPERATORS)),
            "roles outside the templates that the guardrails must let work",
        ),
    ],
};

static IDS: Shape = Shape {
    what: "a language of ids",
    doc: "The language of tenants' ids.",
    fields: &[required(
        "pattern",
        Kind::Text,
        "one character class and a length, as in a blueprint: `^[a-z0-9][a-z0-9-]{1,30}$`",
    )],
};

static DEPLOYED: Shape = Shape {
    what: "a template",
    doc: "A template and how it is deployed.",
    fields: &[
        required("template", Kind::Text, "its file, from the folder of the declaration"),
        required(
            "scope",
            Kind::Word(&["shared", "tenant"]),
            "`shared` for one stack for the tenants of a cell, `tenant` for one stack for each tenant",
        ),
        optional("tier", Kind::Text, "the tier it belongs to, for people"),
        optional(
            "accounts",
            Kind::Word(&["shared", "own"]),
            "`own` if each tenant's stack is in an account of its own; `shared` by default",
        ),
        optional("parameters", Kind::MapOf(&MEANING), "what its parameters stand for, by name"),
        optional("guardrails", Kind::Record(&GUARDRAILS), "the organization's policies that bind its accounts"),
        optional("owners", Kind::MapOf(&OWNER), "whose the data in its resources is, by logical id"),
        optional("roles", Kind::MapOf(&ACTOR), "for whom its roles act, by logical id"),
    ],
};

static GUARDRAILS: Shape = Shape {
    what: "a set of guardrails",
    doc: "The organization's policies at the accounts of a template, outermost first: files of policy documents.",
    fields: &[
        optional("scp", Kind::List(&Kind::Text), "service control policies"),
        optional("rcp", Kind::List(&Kind::Text), "resource control policies"),
        optional(
            "suspended",
            Kind::List(&Kind::Text),
            "service control policies that are added while a tenant is suspended",
        ),
    ],
};

static OPERATORS: Shape = Shape {
    what: "a group of operators",
    doc: "Principals outside the templates that must be able to work.",
    fields: &[
        required(
            "duty",
            Kind::Word(&["deployment", "breakGlass"]),
            "`deployment` for who creates and changes stacks, `breakGlass` for who must be able to do anything",
        ),
        required("principals", Kind::List(&Kind::Text), "their ARNs, as patterns: `arn:*:iam::*:role/deploy-*`"),
        required("regions", Kind::List(&Kind::Text), "the regions in which they work"),
    ],
};

/// The shape of a word that stands alone.
static WORD: Shape = Shape { what: "a word", doc: "", fields: &[] };

const fn word(key: &'static str) -> Variant {
    Variant { key, bare: true, shape: &WORD }
}

const fn variant(key: &'static str, shape: &'static Shape) -> Variant {
    Variant { key, bare: false, shape }
}

macro_rules! variants {
    ($($name:ident, $inner:ident = $key:literal, $what:literal, $doc:literal { $($field:expr),* $(,)? })*) => {
        $(
            static $inner: Shape = Shape { what: $what, doc: $doc, fields: &[$($field),*] };
            static $name: Shape =
                Shape { what: $what, doc: $doc, fields: &[required($key, Kind::Record(&$inner), $doc)] };
        )*
    };
}

const LENGTH: crate::source::shape::Field = required("length", Kind::Integer(1, 255), "its length in characters");
const REASON: crate::source::shape::Field =
    required("reason", Kind::Text, "one sentence for whoever reviews the proof");

variants! {
    TENANT_DIGEST, TENANT_DIGEST_OF = "tenantDigest", "a tenant's digest",
        "a text of a fixed length that no two tenants share" { LENGTH }
    CELL_DIGEST, CELL_DIGEST_OF = "cellDigest", "a cell's digest",
        "a text of a fixed length that no two cells share" { LENGTH }
    STACK, STACK_OF = "stack", "a stack",
        "the name of the shared stack whose outputs are read" {
            required("template", Kind::Text, "the file of its template, as in `templates`"),
        }
    IS, IS_OF = "is", "a text", "always this text" { required("text", Kind::Text, "the text") }
    PARTITION_KEY, PARTITION_KEY_OF = "partitionKey", "a partition key",
        "items of a DynamoDB table, by partition key" {
            required("pattern", Kind::Text, "the key of the owner's items: `${tenant}` or `${tenant}#*`"),
        }
    OBJECT_KEY, OBJECT_KEY_OF = "objectKey", "an object key",
        "objects of an S3 bucket, by key" {
            required("pattern", Kind::Text, "the key of the owner's objects: `${tenant}/*`"),
        }
    ENCRYPTION_CONTEXT, ENCRYPTION_CONTEXT_OF = "encryptionContext", "an encryption context",
        "what a KMS key encrypts, by encryption context" {
            required("key", Kind::Text, "the key in the context"),
            required("pattern", Kind::Text, "its value: `${tenant}`"),
        }
    SERVICES, SERVICES_OF = "services", "a key that services use",
        "a KMS key that tenants share and that is used only by services, which check access to the data themselves" {
            REASON,
        }
    APPLICATION, APPLICATION_OF = "application", "what code keeps apart",
        "policies cannot tell tenants' data in it apart; code does" {
            REASON,
            optional(
                "through",
                Kind::List(&Kind::Text),
                "the roles that may touch the data: logical ids, or `FILE#LogicalId` in another template",
            ),
        }
    PLATFORM, PLATFORM_OF = "platform", "what is the platform's",
        "no tenant's: for the product as a whole" { REASON }
    SESSION, SESSION_OF = "session", "a session's role",
        "acts for the tenant whose id is in the session's tag" {
            required(
                "mintedBy",
                Kind::List(&Kind::Text),
                "the roles, by logical id in the same template, that may open sessions in any tenant's name",
            ),
            optional("idsCheckedBy", Kind::Text, "why the tag is always an id, if the trust policy does not see to it"),
        }
}

static MEANING: Kind = Kind::OneOf(&[
    word("tenant"),
    variant("tenantDigest", &TENANT_DIGEST),
    word("tenantText"),
    variant("cellDigest", &CELL_DIGEST),
    variant("stack", &STACK),
    variant("is", &IS),
]);

static OWNER: Kind = Kind::OneOf(&[
    word("tenant"),
    variant("partitionKey", &PARTITION_KEY),
    variant("objectKey", &OBJECT_KEY),
    variant("encryptionContext", &ENCRYPTION_CONTEXT),
    variant("services", &SERVICES),
    variant("application", &APPLICATION),
    variant("platform", &PLATFORM),
]);

static ACTOR: Kind = Kind::OneOf(&[word("tenant"), variant("session", &SESSION), variant("platform", &PLATFORM)]);

/// The JSON Schema of a declaration.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = record_schema(&TENANCY);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("title".to_owned(), json!("Who owns what: tenancy.json of a tenantry assembly, format 1"));
    }
    schema
}

/// The tree as JSON, each scalar as what its shape says it is: `reason: 42` is text. Only for trees in which nothing is
/// wrong.
pub(super) fn typed(node: &Node, kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Word(_) => node.text().into(),
        Kind::List(item) => node.items().unwrap_or_default().iter().map(|each| typed(each, item)).collect(),
        Kind::MapOf(value) => map(node, |_| Some(value)),
        Kind::Record(shape) => record(node, shape),
        Kind::OneOf(variants) => match node.text() {
            Some(word) => word.into(),
            None => variant_of(node, variants).map_or(Value::Null, |variant| record(node, variant.shape)),
        },
        _ => node.to_json(),
    }
}

fn record(node: &Node, shape: &'static Shape) -> Value {
    map(node, |key| shape.fields.iter().find(|field| field.key == key).map(|field| &field.kind))
}

fn map<'k>(node: &Node, kind: impl Fn(&str) -> Option<&'k Kind>) -> Value {
    let entries = node.entries().unwrap_or_default().iter();
    let typed = entries.filter_map(|entry| Some((entry.key.clone(), typed(&entry.value, kind(&entry.key)?))));
    Value::Object(typed.collect::<Map<_, _>>())
}
