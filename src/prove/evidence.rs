//! The record of a proof, for those who were not there: `evidence/isolation.json`.
//!
//! The JSON Schema in `schemas/evidence.schema.json` says the same in words; a test holds the two together. Nothing in it
//! depends on when, where or how fast the proof was made.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error as _, Unexpected};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policy;
use super::proof::{Claim, CrossCheck, Method, Obligation, Outcome, Proof, Verdict};
use crate::assembly::Digest;

/// The path of the record in an assembly.
pub const EVIDENCE: &str = "evidence/isolation.json";
/// The JSON Schema of the record.
pub const EVIDENCE_SCHEMA: &str = include_str!("../../schemas/evidence.schema.json");

/// What was proved, about which files, how, and under which assumptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Evidence {
    /// The version of the format.
    pub format: Format,
    /// What made it.
    pub tool: Tool,
    /// The worst of all verdicts.
    pub result: Outcome,
    /// How many obligations of each claim ended how; claims of which nothing was asked are left out.
    pub claims: Vec<Tally>,
    /// What was read.
    pub inputs: Vec<Input>,
    /// What was asked where some statement grants something, one by one.
    pub obligations: Vec<Asked>,
    /// What was asked where no statement grants anything, counted.
    pub without_grant: Vec<WithoutGrant>,
    /// The requests that break a claim.
    pub counterexamples: Vec<Broken>,
    /// What kept obligations from being decided.
    pub obstacles: Vec<Undecided>,
    /// What the answers rest on.
    pub assumptions: Vec<String>,
    /// What is left to application code.
    pub left_to_code: Vec<String>,
    /// Where sources disagree, the readings that were used.
    pub adverse: Vec<String>,
    /// The SHA-256 of everything above in its canonical form.
    #[serde(deserialize_with = "digest")]
    pub digest: String,
}

/// The version of the evidence's format. There is one.
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

/// What made the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How the obligations of a claim ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// The claim.
    pub claim: Claim,
    /// For so many no request exists that breaks it.
    pub proved: u64,
    /// For so many one does.
    pub refuted: u64,
    /// So many were not decided.
    pub unknown: u64,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name, from the folder of the declaration.
    pub path: String,
    /// The SHA-256 of its content.
    #[serde(deserialize_with = "digest")]
    pub sha256: String,
}

/// One thing that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Asked {
    /// Its name, unique in the record.
    pub id: String,
    /// The claim it is part of.
    pub claim: Claim,
    /// Who asks.
    pub principal: String,
    /// The actions.
    pub actions: Vec<String>,
    /// What is asked for.
    pub target: String,
    /// The answer.
    pub verdict: Outcome,
    /// How it was found.
    pub method: Method,
    /// The SHA-256 of the formula.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present_digest")]
    pub formula: Option<String>,
    /// Whether the organization's policies were needed.
    pub needs_guardrails: bool,
    /// What a second solver said.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub cross_check: Option<SecondOpinion>,
}

/// What a second solver said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondOpinion {
    /// The solver and its version.
    pub solver: String,
    /// The SHA-256 of the problem's text.
    #[serde(deserialize_with = "digest")]
    pub problem: String,
    /// Its answer: `unsat`, `sat` or `unknown`.
    pub answer: String,
}

/// Obligations of one principal to which no statement anywhere grants anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithoutGrant {
    /// The claim they are part of.
    pub claim: Claim,
    /// Who asks.
    pub principal: String,
    /// How many they are.
    pub obligations: u64,
    /// The SHA-256 of their ids, sorted, each followed by a newline.
    #[serde(deserialize_with = "digest")]
    pub sha256: String,
}

/// A request that breaks a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Broken {
    /// The obligation's name.
    pub obligation: String,
    /// The story.
    pub sentence: String,
    /// The statements that allow it.
    pub granted_by: Vec<Granting>,
    /// What should have stopped it.
    pub should_have: String,
    /// Readings of unclear semantics that it needs.
    pub only_under: Vec<String>,
    /// The request with every policy, in the form of the public simulator.
    pub case: Value,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file, from the folder of the declaration.
    pub file: String,
    /// The JSON pointer.
    pub pointer: String,
}

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granting {
    /// The file, from the folder of the declaration.
    pub file: String,
    /// The JSON pointer.
    pub pointer: String,
    /// Its `Sid`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub sid: Option<String>,
}

/// What kept an obligation from being decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undecided {
    /// The obligation's name.
    pub obligation: String,
    /// Where, if at one place.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub place: Option<Place>,
    /// What is in the way.
    pub reason: String,
    /// What to write instead.
    pub help: String,
}

impl From<&Proof> for Evidence {
    fn from(proof: &Proof) -> Self {
        let mut evidence = Self {
            format: Format,
            tool: Tool { name: "tenantry".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            result: proof.result(),
            claims: tallies(proof),
            inputs: proof
                .inputs
                .iter()
                .map(|(path, sha256)| Input { path: path.clone(), sha256: sha256.clone() })
                .collect(),
            obligations: proof.obligations.iter().filter(|asked| !is_trivial(asked)).map(Asked::from).collect(),
            without_grant: without_grant(proof),
            counterexamples: proof.obligations.iter().filter_map(broken).collect(),
            obstacles: proof.obligations.iter().filter_map(undecided).collect(),
            assumptions: proof.assumptions.clone(),
            left_to_code: proof.left_to_code.clone(),
            adverse: proof.adverse.clone(),
            digest: String::new(),
        };
        evidence.digest = evidence.canonical_digest();
        evidence
    }
}

impl Evidence {
    /// The record as it stands in the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        // Writing JSON text keys into memory cannot fail.
        let _ = self.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter));
        bytes.push(b'\n');
        bytes
    }

    /// Reads a record, and holds it to its digest.
    ///
    /// # Errors
    /// If it is none, or not the one that was written.
    pub fn parse(bytes: &[u8]) -> Result<Self, EvidenceError> {
        let evidence: Self = serde_json::from_slice(bytes).map_err(|error| EvidenceError::Shape(error.to_string()))?;
        let digest = evidence.canonical_digest();
        if digest == evidence.digest { Ok(evidence) } else { Err(EvidenceError::Digest { expected: digest }) }
    }

    /// The SHA-256 over the record without `digest`: keys sorted, no blanks, UTF-8.
    #[must_use]
    pub fn canonical_digest(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(map) = &mut value {
            map.shift_remove("digest");
        }
        Digest::of(sorted(value).to_string().as_bytes()).to_string()
    }
}

/// The value with the keys of every object in the order of their bytes.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let keys: BTreeMap<String, Value> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(keys.into_iter().collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvidenceError {
    /// It is no evidence.
    Shape(String),
    /// Its content is not what its digest says.
    Digest {
        /// The digest of what is there.
        expected: String,
    },
}

impl fmt::Display for EvidenceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(problem) => write!(formatter, "this is no evidence: {problem}"),
            Self::Digest { expected } => {
                write!(formatter, "the evidence was changed: the digest of what it says is `{expected}`")
            }
        }
    }
}

impl std::error::Error for EvidenceError {}

/// How the obligations of each claim ended; claims of which nothing was asked are left out.
pub(super) fn tallies(proof: &Proof) -> Vec<Tally> {
    let of = |claim: Claim| {
        let count = |outcome: Outcome| {
            let ended = |asked: &&Obligation| asked.claim == claim && asked.verdict.outcome() == outcome;
            proof.obligations.iter().filter(ended).count() as u64
        };
        Tally {
            claim,
            proved: count(Outcome::Proved),
            refuted: count(Outcome::Refuted),
            unknown: count(Outcome::Unknown),
        }
    };
    Claim::ALL.into_iter().map(of).filter(|tally| tally.proved + tally.refuted + tally.unknown > 0).collect()
}

/// Whether only a count of it is kept.
pub(super) fn is_trivial(asked: &Obligation) -> bool {
    asked.method == Method::NoGrant && asked.verdict == Verdict::Proved
}

pub(super) fn without_grant(proof: &Proof) -> Vec<WithoutGrant> {
    let mut ids: BTreeMap<(Claim, &str), Vec<&str>> = BTreeMap::new();
    for asked in proof.obligations.iter().filter(|asked| is_trivial(asked)) {
        ids.entry((asked.claim, &asked.principal)).or_default().push(&asked.id);
    }
    let record = |((claim, principal), mut ids): ((Claim, &str), Vec<&str>)| {
        ids.sort_unstable();
        let text: String = ids.iter().flat_map(|id| [id, "\n"]).collect();
        WithoutGrant {
            claim,
            principal: principal.to_owned(),
            obligations: ids.len() as u64,
            sha256: Digest::of(text.as_bytes()).to_string(),
        }
    };
    ids.into_iter().map(record).collect()
}

impl From<&Obligation> for Asked {
    fn from(asked: &Obligation) -> Self {
        Self {
            id: asked.id.clone(),
            claim: asked.claim,
            principal: asked.principal.clone(),
            actions: asked.actions.clone(),
            target: asked.target.clone(),
            verdict: asked.verdict.outcome(),
            method: asked.method,
            formula: asked.formula.clone(),
            needs_guardrails: asked.needs_guardrails,
            cross_check: asked.cross_check.as_ref().map(SecondOpinion::from),
        }
    }
}

impl From<&CrossCheck> for SecondOpinion {
    fn from(check: &CrossCheck) -> Self {
        Self { solver: check.solver.clone(), problem: check.problem.clone(), answer: check.answer.clone() }
    }
}

fn broken(asked: &Obligation) -> Option<Broken> {
    let Verdict::Refuted(found) = &asked.verdict else { return None };
    let granting = |(place, sid): &(policy::Place, Option<String>)| Granting {
        file: place.file.clone(),
        pointer: place.pointer.clone(),
        sid: sid.clone(),
    };
    Some(Broken {
        obligation: asked.id.clone(),
        sentence: found.sentence.clone(),
        granted_by: found.granted_by.iter().map(granting).collect(),
        should_have: found.should_have.clone(),
        only_under: found.only_under.clone(),
        case: found.case.clone(),
    })
}

fn undecided(asked: &Obligation) -> Option<Undecided> {
    let Verdict::Unknown(obstacle) = &asked.verdict else { return None };
    let place = |place: &policy::Place| Place { file: place.file.clone(), pointer: place.pointer.clone() };
    Some(Undecided {
        obligation: asked.id.clone(),
        place: obstacle.place.as_ref().map(place),
        reason: obstacle.reason.clone(),
        help: obstacle.help.clone(),
    })
}

/// Reads a key that may be absent but not null.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Digest::deserialize(deserializer).map(|digest| digest.to_string())
}

fn present_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    digest(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sample::{empty, proved, refuted};
    use super::*;

    /// Every place in a value, as a JSON pointer.
    fn places(value: &Value, at: &str, all: &mut Vec<String>) {
        all.push(at.to_owned());
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(key, value)| places(value, &format!("{at}/{}", key.replace('/', "~1")), all))
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), all));
            }
            _ => {}
        }
    }

    /// The value with each of its parts left out, replaced by something else, or given a key too many.
    fn mutations(value: &Value) -> Vec<(String, Value)> {
        let others = [json!(null), json!(true), json!(7), json!(-1), json!("what"), json!([]), json!({}), json!([7])];
        let (mut all, mut list) = (Vec::new(), Vec::new());
        places(value, "", &mut list);
        for place in list {
            for other in &others {
                let mut mutated = value.clone();
                *mutated.pointer_mut(&place).unwrap() = other.clone();
                all.push((format!("{place} = {other}"), mutated));
            }
            let mut surplus = value.clone();
            if let Value::Object(map) = surplus.pointer_mut(&place).unwrap() {
                map.insert("surplus".to_owned(), json!(7));
                all.push((format!("{place} and more"), surplus));
            }
            let Some((parent, key)) = place.rsplit_once('/') else { continue };
            let mut without = value.clone();
            if let Value::Object(map) = without.pointer_mut(parent).unwrap() {
                map.shift_remove(&key.replace("~1", "/"));
                all.push((format!("without {place}"), without));
            }
        }
        all
    }

    #[test]
    fn the_record_and_its_schema_say_the_same() {
        let schema: Value = serde_json::from_str(EVIDENCE_SCHEMA).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        let validator = jsonschema::validator_for(&schema).unwrap();
        let value = serde_json::to_value(Evidence::from(&refuted())).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let mut rejected = 0;
        for (what, mutated) in mutations(&value) {
            let by_schema = validator.is_valid(&mutated);
            let by_type = serde_json::from_value::<Evidence>(mutated).is_ok();
            assert_eq!(by_schema, by_type, "the schema (left) and the type (right) disagree about {what}");
            rejected += usize::from(!by_schema);
        }
        assert!(rejected > 200, "{rejected}");
    }

    #[test]
    fn every_property_is_described_and_closed() {
        let schema: Value = serde_json::from_str(EVIDENCE_SCHEMA).unwrap();
        let mut all = Vec::new();
        places(&schema, "", &mut all);
        for place in &all {
            let value = schema.pointer(place).unwrap();
            if place.rsplit('/').nth(1) == Some("properties") {
                assert!(value["description"].is_string(), "{place}");
            }
            if let Some(object) = place.strip_suffix("/properties") {
                assert_eq!(schema.pointer(object).unwrap()["additionalProperties"], false, "{place}");
            }
        }
    }

    #[test]
    fn the_record_is_read_back_and_changes_are_noticed() {
        let evidence = Evidence::from(&refuted());
        let bytes = evidence.to_bytes();
        assert_eq!(Evidence::parse(&bytes).unwrap(), evidence);
        assert_eq!(Evidence::from(&refuted()).to_bytes(), bytes);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("{\n \"format\": 1,\n") && text.ends_with("\n}\n"), "{text}");

        let changed = text.replacen("\"refuted\"", "\"proved\"", 1);
        assert!(matches!(Evidence::parse(changed.as_bytes()), Err(EvidenceError::Digest { .. })));
        let reformatted: Value = serde_json::from_str(&text).unwrap();
        assert!(Evidence::parse(reformatted.to_string().as_bytes()).is_ok(), "blanks mean nothing");
        let other = text.replacen("\"format\": 1", "\"format\": 2", 1);
        let error = Evidence::parse(other.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("expected format 1"), "{error}");
    }

    #[test]
    fn any_part_changes_the_digest() {
        let value = serde_json::to_value(Evidence::from(&refuted())).unwrap();
        for (what, mutated) in mutations(&value).into_iter().filter(|(what, _)| !what.contains("/digest")) {
            let same = mutated == value;
            if let Ok(evidence) = serde_json::from_value::<Evidence>(mutated) {
                assert_eq!(evidence.canonical_digest() == evidence.digest, same, "{what}");
            }
        }
    }

    #[test]
    fn obligations_without_a_grant_are_counted_and_change_the_digest() {
        let mut proof = proved();
        let few = Evidence::from(&proof);
        let trivial = proof.obligations.iter().find(|asked| is_trivial(asked)).unwrap().clone();
        for number in 0..10_000 {
            proof.obligations.push(Obligation { id: format!("more/{number}"), ..trivial.clone() });
        }
        let many = Evidence::from(&proof);
        assert_eq!(many.obligations, few.obligations);
        assert!(many.to_bytes().len() < few.to_bytes().len() + 200);
        assert_eq!(many.without_grant[0].obligations, few.without_grant[0].obligations + 10_000);
        assert_eq!(many.claims[0].proved, few.claims[0].proved + 10_000);
        assert_ne!(many.digest, few.digest);
        proof.obligations.reverse();
        let reversed = Evidence::from(&proof);
        assert_eq!(reversed.without_grant, many.without_grant, "the order of what is counted means nothing");
    }

    #[test]
    fn nothing_asked_is_nothing_proved() {
        assert_eq!(Evidence::from(&empty()).result, Outcome::Unknown);
        assert_eq!(Evidence::from(&proved()).result, Outcome::Proved);
    }
}
