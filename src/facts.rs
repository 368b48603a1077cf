//! Facts that move: limits, regions, service lists. Dated data, shipped with the crate, overridable by the user.
//!
//! The files in `data/` say where each figure comes from and of which day it is. A user overrides them with one
//! JSON text of the same form, merged as a JSON merge patch (RFC 7396): objects are merged key by key, anything
//! else replaces, and `null` removes. Deliberately absent: the network. Nothing here looks a figure up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The shipped files. Their keys are disjoint, so that one text can override any of them.
const SHIPPED: [(&str, &str); 4] = [
    ("data/aws-limits.json", include_str!("../data/aws-limits.json")),
    ("data/regions.json", include_str!("../data/regions.json")),
    ("data/global-services.json", include_str!("../data/global-services.json")),
    ("data/services.json", include_str!("../data/services.json")),
];

/// Why facts cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactsError {
    /// A text is not JSON.
    Syntax {
        /// Which text: a shipped file, or the overrides.
        text: String,
        /// What the reader says.
        problem: String,
    },
    /// The text is JSON but does not have the form of the data files.
    Shape {
        /// What the reader says, with the key it stumbled over.
        problem: String,
    },
    /// A fact is asked for that the data does not have.
    Unknown {
        /// What kind of fact it is, such as `limit`.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
    },
}

impl fmt::Display for FactsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { text, problem } => write!(formatter, "{text} is not JSON: {problem}"),
            Self::Shape { problem } => write!(formatter, "the facts do not have the expected form: {problem}"),
            Self::Unknown { kind, name } => write!(formatter, "there is no {kind} `{name}` in the facts"),
        }
    }
}

impl std::error::Error for FactsError {}

/// A figure with its unit, where it comes from, and of which day it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// The figure.
    pub value: u64,
    /// What is counted, in the plural.
    pub unit: String,
    /// Whether AWS raises it on request.
    #[serde(default)]
    pub adjustable: bool,
    /// A remark, such as what it is counted per.
    #[serde(default)]
    pub note: Option<String>,
    /// Where the figure comes from: an AWS page, or `overrides`.
    pub source: String,
    /// When the source said so, or when the figure was written down: `YYYY-MM-DD`.
    pub date: String,
}

impl Limit {
    /// The figure as a size in memory.
    #[must_use]
    pub fn size(&self) -> usize {
        usize::try_from(self.value).unwrap_or(usize::MAX)
    }
}

/// An AWS region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionFact {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The part of the world, such as `eu`.
    pub geography: String,
    /// The place AWS names it after.
    pub name: String,
    /// Whether an account has to opt in before it can use the region.
    pub opt_in: bool,
}

/// The partition of a region, by its prefix, also of one that the facts do not have:
/// <https://docs.aws.amazon.com/general/latest/gr/rande.html>.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// Why an action is exempt from a region guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAction {
    /// The reason, in one clause.
    pub why: String,
    /// A key of the sources.
    pub source: String,
}

/// A page and the day it was read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The page.
    pub source: String,
    /// The day: `YYYY-MM-DD`.
    pub date: String,
}

/// A named list of services for the `services` guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// What the list is for.
    pub about: String,
    /// Action patterns such as `dynamodb:*`.
    pub services: BTreeSet<String>,
    /// Where the list comes from.
    pub source: String,
    /// Of which day it is.
    pub date: String,
}

/// What resource control policies reach, and what the data perimeter asks of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceControlFacts {
    /// The prefixes of the services whose resources a resource control policy reaches.
    pub supported: BTreeSet<String>,
    /// Actions that only the organization's own principals may do.
    pub identity_perimeter: BTreeSet<String>,
    /// Actions that an AWS service may only do on behalf of the organization.
    pub confused_deputy: BTreeSet<String>,
    /// Actions that need TLS.
    pub secure_transport: BTreeSet<String>,
    /// Where the lists come from.
    pub source: String,
    /// Of which day they are.
    pub date: String,
}

/// Which actions write tags, and how a policy sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaggingFacts {
    /// Types that are left untagged although their newest schema takes tags, each with the reason.
    pub untagged: BTreeMap<String, String>,
    /// Actions that write or remove tags and name them in `aws:TagKeys`.
    pub write: BTreeSet<String>,
    /// Actions that replace all tags without naming them.
    pub replace: BTreeSet<String>,
    /// Actions that create a thing and carry its tags in `aws:RequestTag`, by the resource that carries them.
    pub create: BTreeMap<String, BTreeSet<String>>,
    /// Where the lists come from.
    pub source: String,
    /// Of which day they are.
    pub date: String,
}

/// The merged form of all files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    #[serde(default, rename = "about")]
    _about: Option<String>,
    limits: BTreeMap<String, Limit>,
    region_list: Source,
    regions: BTreeMap<String, RegionFact>,
    global_sources: BTreeMap<String, Source>,
    global_services: BTreeMap<String, GlobalAction>,
    presets: BTreeMap<String, Preset>,
    resource_control: ResourceControlFacts,
    tagging: TaggingFacts,
}

/// All facts, merged with the user's overrides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    data: Data,
}

impl Facts {
    /// The facts as they are shipped.
    ///
    /// # Errors
    /// If a shipped file is broken, which a test rules out.
    pub fn shipped() -> Result<Self, FactsError> {
        Self::from_value(shipped()?)
    }

    /// The shipped facts with a JSON text merged over them. The text has the keys of the data files: `limits`,
    /// `regions`, `global_services`, `presets`, `resource_control`, `tagging`. A limit that is given a new value
    /// without a source has the source `overrides`.
    ///
    /// # Errors
    /// If the text is not JSON, or the merged facts do not have the form of the data files.
    pub fn with_overrides(text: &str) -> Result<Self, FactsError> {
        let mut patch = parse("the overriding text", text)?;
        mark_source(&mut patch);
        let mut data = shipped()?;
        merge(&mut data, patch);
        Self::from_value(data)
    }

    fn from_value(value: Value) -> Result<Self, FactsError> {
        match serde_json::from_value(value) {
            Ok(data) => Ok(Self { data }),
            Err(error) => Err(FactsError::Shape { problem: error.to_string() }),
        }
    }

    /// A limit by its name in `data/aws-limits.json`, such as `scp_size`.
    ///
    /// # Errors
    /// If there is no such limit.
    pub fn limit(&self, name: &str) -> Result<&Limit, FactsError> {
        self.data.limits.get(name).ok_or_else(|| unknown("limit", name))
    }

    /// All limits by name.
    #[must_use]
    pub fn limits(&self) -> &BTreeMap<String, Limit> {
        &self.data.limits
    }

    /// A region.
    ///
    /// # Errors
    /// If AWS had no such region on the day of the list.
    pub fn region(&self, name: &str) -> Result<&RegionFact, FactsError> {
        self.data.regions.get(name).ok_or_else(|| unknown("region", name))
    }

    /// All regions by name.
    #[must_use]
    pub fn regions(&self) -> &BTreeMap<String, RegionFact> {
        &self.data.regions
    }

    /// Where the list of regions comes from.
    #[must_use]
    pub fn region_source(&self) -> &Source {
        &self.data.region_list
    }

    /// The actions a region guardrail must exempt, with the reason for each.
    #[must_use]
    pub fn global_services(&self) -> &BTreeMap<String, GlobalAction> {
        &self.data.global_services
    }

    /// A preset of the `services` guardrail.
    ///
    /// # Errors
    /// If there is no such preset.
    pub fn preset(&self, name: &str) -> Result<&Preset, FactsError> {
        self.data.presets.get(name).ok_or_else(|| unknown("preset", name))
    }

    /// All presets by name.
    #[must_use]
    pub fn presets(&self) -> &BTreeMap<String, Preset> {
        &self.data.presets
    }

    /// What resource control policies reach.
    #[must_use]
    pub fn resource_control(&self) -> &ResourceControlFacts {
        &self.data.resource_control
    }

    /// Which actions write tags.
    #[must_use]
    pub fn tagging(&self) -> &TaggingFacts {
        &self.data.tagging
    }
}

fn unknown(kind: &'static str, name: &str) -> FactsError {
    FactsError::Unknown { kind, name: name.to_owned() }
}

fn parse(what: &str, text: &str) -> Result<Value, FactsError> {
    serde_json::from_str(text).map_err(|error| FactsError::Syntax { text: what.to_owned(), problem: error.to_string() })
}

fn shipped() -> Result<Value, FactsError> {
    let mut merged = Value::Object(Map::new());
    for (name, text) in SHIPPED {
        merge(&mut merged, parse(name, text)?);
    }
    Ok(merged)
}

/// JSON merge patch, RFC 7396.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            object.shift_remove(&key);
        } else {
            merge(object.entry(key).or_insert(Value::Null), value);
        }
    }
}

/// A figure of the user's own must not be quoted as if AWS had said it.
fn mark_source(patch: &mut Value) {
    let limits = patch.get_mut("limits").and_then(Value::as_object_mut);
    for limit in limits.into_iter().flat_map(|limits| limits.values_mut()).filter_map(Value::as_object_mut) {
        if limit.contains_key("value") && !limit.contains_key("source") {
            limit.insert("source".to_owned(), Value::from("overrides"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_date(text: &str) -> bool {
        text.len() == 10
            && text.char_indices().all(|(at, c)| if at == 4 || at == 7 { c == '-' } else { c.is_ascii_digit() })
    }

    #[test]
    fn the_shipped_facts_are_whole_and_dated() {
        let facts = Facts::shipped().unwrap();
        assert_eq!(facts.limit("scp_size").unwrap().value, 10_240);
        assert_eq!(facts.limit("scp_per_target").unwrap().value, 10);
        assert_eq!(facts.limit("rcp_size").unwrap().value, 5_120);
        for (name, limit) in facts.limits() {
            assert!(is_date(&limit.date) && limit.source.starts_with("https://") && limit.value > 0, "{name}");
        }
        for (action, fact) in facts.global_services() {
            assert!(action.contains(':') && !fact.why.is_empty(), "{action}");
            assert!(facts.data.global_sources.contains_key(&fact.source), "{action}");
        }
        for source in facts.data.global_sources.values().chain([facts.region_source()]) {
            assert!(is_date(&source.date), "{source:?}");
        }
        let control = facts.resource_control();
        for action in control.identity_perimeter.iter().chain(&control.confused_deputy).chain(&control.secure_transport)
        {
            let service = action.split(':').next().unwrap();
            assert!(control.supported.contains(service), "{action} is beyond resource control policies");
        }
    }

    #[test]
    fn every_region_is_written_like_its_partition_says() {
        for (name, region) in Facts::shipped().unwrap().regions() {
            assert_eq!(region.partition, partition(name), "{name}");
            assert!(name.starts_with(&region.geography), "{name}");
        }
    }

    #[test]
    fn overrides_merge_deeply_and_own_their_figures() {
        let facts = Facts::with_overrides(
            r#"{"limits":{"api_usage_plans":{"value":600}},"regions":{"eu-west-3":null},
                "global_services":{"acm:*":null,"q:*":{"why":"asked for","source":"endpoints"}}}"#,
        )
        .unwrap();
        let plans = facts.limit("api_usage_plans").unwrap();
        assert_eq!((plans.value, plans.unit.as_str(), plans.source.as_str()), (600, "usage plans", "overrides"));
        assert!(facts.region("eu-west-3").is_err());
        assert!(facts.region("eu-west-1").is_ok());
        assert!(!facts.global_services().contains_key("acm:*"));
        assert!(facts.global_services().contains_key("q:*"));
    }

    #[test]
    fn mistakes_in_overrides_are_reported() {
        let error = Facts::with_overrides("{").unwrap_err();
        assert!(error.to_string().starts_with("the overriding text is not JSON"), "{error}");
        let error = Facts::with_overrides(r#"{"limits":{"scp_size":{"valu":1}}}"#).unwrap_err();
        assert!(error.to_string().contains("valu"), "{error}");
        let error = Facts::shipped().unwrap().limit("scp_sizes").unwrap_err();
        assert_eq!(error.to_string(), "there is no limit `scp_sizes` in the facts");
    }
}
