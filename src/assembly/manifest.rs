//! The shapes of `tenantry.json` and of a line of `tenants.jsonl`.
//!
//! The JSON Schemas in `schemas/` say the same in words; a test holds the two together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::de::{Deserializer, Error, Unexpected};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::Digest;

/// What an assembly holds: `tenantry.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Manifest {
    /// The version of the format.
    pub format: Format,
    /// The blueprint's name.
    pub blueprint: String,
    /// The environment the assembly is for.
    pub environment: String,
    /// The pattern that every tenant id matches.
    pub id_pattern: String,
    /// Whether every tenant has templates of its own instead of parameters.
    pub expanded: bool,
    /// The tiers, in the blueprint's order.
    pub tiers: Vec<TierRecord>,
    /// The cells, with the stacks that their tenants share.
    pub cells: Vec<CellRecord>,
    /// Every template.
    pub templates: Vec<TemplateRecord>,
    /// Where the tenants are.
    pub tenants: TenantsRecord,
    /// Where the declaration of who owns what is.
    pub tenancy: TenancyRecord,
    /// What a proof says about these files.
    pub evidence: Evidence,
    /// The facts about AWS that went in, each with its date.
    pub facts: Vec<Fact>,
    /// Every file but this one, by path. [`Draft::finish`](super::Draft::finish) fills it.
    pub files: Vec<FileRecord>,
}

impl Manifest {
    /// The manifest as it stands in the file.
    ///
    /// # Errors
    /// Never for values that this type can hold; the serializer's signature has one.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The version of the assembly's format. There is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Format;

impl Format {
    /// The number in the file.
    pub const VERSION: u64 = 1;
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(Self::VERSION)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            Self::VERSION => Ok(Self),
            other => Err(D::Error::invalid_value(Unexpected::Unsigned(other), &"format 1, the one this version knows")),
        }
    }
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The word in the file.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How a tier keeps its tenants apart.
    Isolation {
        /// Resources per tenant.
        Silo = "silo",
        /// Resources that tenants share.
        Pool = "pool",
        /// Some of each.
        Bridge = "bridge",
    }
}

words! {
    /// What stands between two tenants of a tier.
    Boundary {
        /// An AWS account each.
        Account = "account",
        /// A network each.
        Vpc = "vpc",
        /// Resources of their own, in an account and a network that others use too.
        Resource = "resource",
        /// The application, by the tenant key.
        Application = "application",
    }
}

words! {
    /// Where a tenant is in its life.
    State {
        /// Being served.
        Active = "active",
        /// Kept, but not served.
        Suspended = "suspended",
    }
}

words! {
    /// What a template is deployed for.
    Scope {
        /// Once per cell.
        Cell = "cell",
        /// Once per tenant.
        Tenant = "tenant",
        /// Once, in the organization's management account.
        Organization = "organization",
    }
}

/// A tier and what it deploys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TierRecord {
    /// The tier's name.
    pub tier: String,
    /// How it keeps its tenants apart.
    pub isolation: Isolation,
    /// What stands between two of them.
    pub boundary: Boundary,
    /// How many tenants it has.
    pub tenants: u64,
    /// The template that is deployed once per cell.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub cell_template: Option<String>,
    /// The template that is deployed once per tenant.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub tenant_template: Option<String>,
    /// The organization policies of its accounts.
    pub policies: TierPolicies,
}

/// The paths of a tier's organization policies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierPolicies {
    /// Service control policies.
    pub scp: Vec<String>,
    /// Resource control policies.
    pub rcp: Vec<String>,
}

/// A cell and the stacks that its tenants share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellRecord {
    /// The cell's name.
    pub cell: String,
    /// Its region.
    pub region: String,
    /// Its account, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub account: Option<String>,
    /// How many tenants it has.
    pub tenants: u64,
    /// How many it takes, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub capacity: Option<u64>,
    /// The stacks that its tenants share.
    pub stacks: Vec<StackRecord<'static>>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateRecord {
    /// Its path.
    pub path: String,
    /// The digest of the file.
    pub sha256: Digest,
    /// The tier it is for.
    pub tier: String,
    /// What it is deployed for.
    pub scope: Scope,
    /// The name of the variant, if overrides made one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub variant: Option<String>,
    /// The names of its parameters.
    pub parameters: Vec<String>,
    /// How many resources it has.
    pub resources: u64,
    /// How large the file is.
    pub bytes: u64,
}

/// The file with the tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantsRecord {
    /// Its path.
    pub path: String,
    /// How many lines it has.
    pub count: u64,
    /// The digest of the file.
    pub sha256: Digest,
}

/// The file with the declaration of who owns what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenancyRecord {
    /// Its path.
    pub path: String,
    /// The digest of the file.
    pub sha256: Digest,
}

words! {
    /// How a proof ended.
    Verdict {
        /// Nobody has tried.
        NotProved = "not proved",
        /// No request breaks a claim.
        Proved = "proved",
        /// A request breaks a claim.
        Refuted = "refuted",
        /// Some claim could be neither proved nor refuted.
        Unknown = "unknown",
    }
}

/// What a proof says about the files of the assembly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// How it ended.
    pub verdict: Verdict,
    /// The path of its record; none when nobody has tried.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub path: Option<String>,
}

/// A fact about AWS that went into the assembly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// The name of the data file.
    pub name: String,
    /// The day it was true, as `YYYY-MM-DD`.
    pub date: String,
}

/// A file of the assembly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its path, with `/`.
    pub path: String,
    /// The digest of its content.
    pub sha256: Digest,
    /// How large it is.
    pub bytes: u64,
}

/// A stack: a template, and what it is deployed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StackRecord<'a> {
    /// Its name, which no other stack of the assembly has.
    pub name: Cow<'a, str>,
    /// The template's path.
    pub template: Cow<'a, str>,
    /// The digest of the template.
    pub sha256: Digest,
    /// The account it goes to; none while that is not known.
    #[serde(deserialize_with = "nullable")]
    pub account: Option<Cow<'a, str>>,
    /// The region it goes to.
    pub region: Cow<'a, str>,
    /// The values of the template's parameters.
    pub parameters: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// The stack's tags.
    pub tags: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// The names of the stacks that come before it.
    pub depends_on: Vec<Cow<'a, str>>,
}

/// A tenant: one line of `tenants.jsonl`, which is sorted by tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TenantRecord<'a> {
    /// The tenant's id.
    pub tenant: Cow<'a, str>,
    /// The name people call it by.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub name: Option<Cow<'a, str>>,
    /// Its tier.
    pub tier: Cow<'a, str>,
    /// How the tier keeps its tenants apart.
    pub isolation: Isolation,
    /// Where it is in its life.
    pub state: State,
    /// Its cell.
    pub cell: Cow<'a, str>,
    /// The account its stacks go to; none while that is not known.
    #[serde(deserialize_with = "nullable")]
    pub account: Option<Cow<'a, str>>,
    /// Its region.
    pub region: Cow<'a, str>,
    /// The regions its data may be in; any when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub residency: Vec<Cow<'a, str>>,
    /// Why it is where it is.
    pub placement: Placement<'a>,
    /// The readable part of the names made for it.
    pub label: Cow<'a, str>,
    /// The part of those names that no other tenant has.
    pub digest: Cow<'a, str>,
    /// The stacks that are its own.
    pub stacks: Vec<StackRecord<'a>>,
    /// The names of the cell's stacks that it uses.
    pub shared_stacks: Vec<Cow<'a, str>>,
    /// Its tags.
    pub tags: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// What it may use of the product, by name: a truth value, a number or a text each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "scalars")]
    pub entitlements: BTreeMap<Cow<'a, str>, serde_json::Value>,
    /// Whether its data must not be deleted, whatever its state.
    #[serde(default, skip_serializing_if = "is_false")]
    pub legal_hold: bool,
}

impl TenantRecord<'_> {
    /// Writes the record as a line.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

/// Why a tenant is where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placement<'a> {
    /// The rule that chose.
    pub strategy: Cow<'a, str>,
    /// Why the rule chose this.
    pub reason: Cow<'a, str>,
}

/// What a later placement has to know about a tenant, read without the rest of its record.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerEntry<'a> {
    /// The tenant's id.
    #[serde(borrow)]
    pub tenant: Cow<'a, str>,
    /// Its tier.
    #[serde(borrow)]
    pub tier: Cow<'a, str>,
    /// Its cell.
    #[serde(borrow)]
    pub cell: Cow<'a, str>,
    /// Why it is there.
    #[serde(borrow, deserialize_with = "borrowed_placement")]
    pub placement: Placement<'a>,
}

/// Reads values that are no list, no object and not null.
fn scalars<'de, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Cow<'a, str>, serde_json::Value>, D::Error> {
    let values = BTreeMap::<Cow<'a, str>, serde_json::Value>::deserialize(deserializer)?;
    match values.values().find(|value| value.is_null() || value.is_array() || value.is_object()) {
        None => Ok(values),
        Some(_) => Err(D::Error::custom("an entitlement is a truth value, a number or a text")),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Reads a key that may be absent but not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads a key that may be null but not absent.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Reads a placement without copying it.
fn borrowed_placement<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Placement<'de>, D::Error> {
    #[derive(Deserialize)]
    struct Borrowed<'a> {
        #[serde(borrow)]
        strategy: Cow<'a, str>,
        #[serde(borrow)]
        reason: Cow<'a, str>,
    }
    let Borrowed { strategy, reason } = Borrowed::deserialize(deserializer)?;
    Ok(Placement { strategy, reason })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample::{sample, tenant};
    use super::super::{ASSEMBLY_SCHEMA, Draft, Mode, TENANT_SCHEMA};
    use super::*;

    /// A manifest in which every key there is stands.
    fn full_manifest() -> Manifest {
        let folder = tempfile::tempdir().unwrap();
        let draft = Draft::begin(&folder.path().join("assembly"), Mode::Check).unwrap();
        let mut manifest = sample(2).fill(&draft).unwrap();
        let digest = Digest::of(b"");
        manifest.files.push(FileRecord { path: "a".to_owned(), sha256: digest, bytes: 0 });
        manifest.tiers[0].policies = TierPolicies { scp: vec!["a".to_owned()], rcp: vec!["b".to_owned()] };
        manifest.evidence = Evidence { verdict: Verdict::Proved, path: Some("evidence.json".to_owned()) };
        manifest.templates[0].variant = Some("large".to_owned());
        manifest.cells[0].stacks[0].parameters.insert("A".into(), "1".into());
        manifest.cells[0].stacks[0].depends_on.push("other".into());
        manifest
    }

    /// Every place in a value, as a JSON pointer.
    fn places(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        let children: Vec<(String, &Value)> = match value {
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
            Value::Array(list) => list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
            _ => Vec::new(),
        };
        for (key, child) in children {
            places(child, &format!("{at}/{key}"), all);
        }
    }

    /// The value with each of its parts left out, replaced by something else, or given a key too many.
    fn mutations(value: &Value) -> Vec<(String, Value)> {
        let others = [
            json!(null),
            json!(true),
            json!(7),
            json!(-1),
            json!("what"),
            json!([]),
            json!({}),
            json!([7]),
            json!({"a": 7}),
        ];
        let mut all = Vec::new();
        let mut list = Vec::new();
        places(value, "", &mut list);
        for place in list {
            for other in &others {
                let mut mutated = value.clone();
                *mutated.pointer_mut(&place).unwrap() = other.clone();
                all.push((format!("{place} = {other}"), mutated));
            }
            if let Some((parent, key)) = place.rsplit_once('/') {
                let mut mutated = value.clone();
                if let Value::Object(map) = mutated.pointer_mut(parent).unwrap() {
                    map.shift_remove(key);
                    all.push((format!("without {place}"), mutated));
                }
            }
            let mut mutated = value.clone();
            if let Value::Object(map) = mutated.pointer_mut(&place).unwrap() {
                map.insert("surplus".to_owned(), json!(7));
                all.push((format!("{place} and more"), mutated));
            }
        }
        all
    }

    fn agree(schema: &str, value: &Value, optional: &[&str], typed: &dyn Fn(Value) -> bool) {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert!(typed(value.clone()));
        let mut rejected = 0;
        for (what, mutated) in mutations(value) {
            let (by_schema, by_type) = (validator.is_valid(&mutated), typed(mutated));
            assert_eq!(by_schema, by_type, "the schema (left) and the type (right) disagree about {what}");
            rejected += usize::from(!by_schema);
            if let Some(place) = what.strip_prefix("without ") {
                let map = ["/parameters/", "/tags/", "/entitlements/"].iter().any(|map| place.contains(map));
                assert_eq!(by_schema, map || optional.contains(&place), "{what}");
            }
        }
        assert!(rejected > 200, "{rejected}");
    }

    #[test]
    fn the_manifest_and_its_schema_say_the_same() {
        let value = serde_json::to_value(full_manifest()).unwrap();
        let optional = [
            "/tiers/0/cellTemplate",
            "/tiers/0/tenantTemplate",
            "/cells/0/account",
            "/cells/0/capacity",
            "/templates/0/variant",
            "/evidence/path",
        ];
        agree(ASSEMBLY_SCHEMA, &value, &optional, &|value| serde_json::from_value::<Manifest>(value).is_ok());
    }

    #[test]
    fn the_tenants_record_and_its_schema_say_the_same() {
        let mut record = tenant("acme", Digest::of(b""));
        record.entitlements = [("seats", json!(5)), ("support", json!("mail")), ("export", json!(true))]
            .map(|(name, value)| (name.into(), value))
            .into();
        record.legal_hold = true;
        record.residency = vec!["eu-west-1".into()];
        let value = serde_json::to_value(record).unwrap();
        agree(TENANT_SCHEMA, &value, &["/name", "/entitlements", "/legalHold", "/residency"], &|value| {
            // As a text, because that is how a line is read.
            serde_json::from_str::<TenantRecord<'_>>(&value.to_string()).is_ok()
        });
    }

    #[test]
    fn both_schemas_say_the_same_about_stacks_and_every_property_is_described() {
        let [assembly, tenant] =
            [ASSEMBLY_SCHEMA, TENANT_SCHEMA].map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(assembly["$defs"], tenant["$defs"]);
        for schema in [assembly, tenant] {
            let mut all = Vec::new();
            places(&schema, "", &mut all);
            for place in all.iter().filter(|place| place.rsplit('/').nth(1) == Some("properties")) {
                assert!(schema.pointer(place).unwrap()["description"].is_string(), "{place}");
            }
            for place in all.iter().filter(|place| place.ends_with("/properties")) {
                let object = schema.pointer(place.strip_suffix("/properties").unwrap()).unwrap();
                assert_eq!(object["additionalProperties"], false, "{place}");
            }
        }
    }

    #[test]
    fn the_manifest_is_written_with_one_space_and_a_final_newline() {
        let manifest = full_manifest();
        let text = String::from_utf8(manifest.to_bytes().unwrap()).unwrap();
        assert!(text.starts_with("{\n \"format\": 1,\n \"blueprint\": \"orders\",\n"), "{text}");
        assert!(text.ends_with("\n}\n"));
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    }

    #[test]
    fn a_manifest_of_another_format_says_so() {
        let error = serde_json::from_value::<Format>(json!(2)).unwrap_err();
        assert_eq!(error.to_string(), "invalid value: integer `2`, expected format 1, the one this version knows");
    }

    #[test]
    fn the_ledger_is_read_without_copying() {
        let mut line = Vec::new();
        tenant("acme", Digest::of(b"")).write_line(&mut line).unwrap();
        let entry: LedgerEntry<'_> = serde_json::from_slice(&line).unwrap();
        assert!(matches!(entry.tenant, Cow::Borrowed("acme")));
        assert!(matches!(entry.placement.strategy, Cow::Borrowed("region")));
        // A text with an escape has to be made.
        assert_eq!(entry.placement.reason, "the only cell in \"eu-west-1\"");
    }
}
