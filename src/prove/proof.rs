//! What comes out of a proof.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lint::Lint;
use super::policy::Place;

/// The answer to all that was asked.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// One entry for each thing that was asked, in a stable order.
    pub obligations: Vec<Obligation>,
    /// What the answers rest on, in plain words, sorted.
    pub assumptions: Vec<String>,
    /// What is left to application code, in plain words, sorted.
    pub left_to_code: Vec<String>,
    /// Where sources disagree, the reading that widens access was used; these are the readings that mattered.
    pub adverse: Vec<String>,
    /// Digests of what was read: path to SHA-256 in hexadecimal. Templates, guardrails, the declaration, the catalogue.
    pub inputs: BTreeMap<String, String>,
    /// Statements with names that do not exist. They change no answer: what they do not say, they do not do.
    pub lints: Vec<Lint>,
}

impl Proof {
    /// The worst of all verdicts: refuted before unknown before proved. Where nothing was asked, nothing is known.
    #[must_use]
    pub fn result(&self) -> Outcome {
        self.obligations.iter().map(|obligation| obligation.verdict.outcome()).max().unwrap_or(Outcome::Unknown)
    }
}

/// How it ended, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// No request exists that breaks the claim.
    Proved,
    /// Neither could be shown.
    Unknown,
    /// A request exists that breaks the claim.
    Refuted,
}

impl Outcome {
    /// The word in evidence and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Unknown => "unknown",
            Self::Refuted => "refuted",
        }
    }
}

/// What kind of thing was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Claim {
    /// Nobody but its owner reaches a tenant's data or own resources.
    Data,
    /// Nobody obtains a session in another tenant's name.
    Mint,
    /// Nobody who acts for a tenant changes what the other claims rest on.
    Control,
    /// The guardrails let operators work.
    Lockout,
    /// Packing a guardrail's statements into documents changed nothing.
    Packing,
    /// Every emitted instance is its template at the tenant's id.
    Instance,
}

impl Claim {
    /// Every kind, in order.
    pub const ALL: [Self; 6] = [Self::Data, Self::Mint, Self::Control, Self::Lockout, Self::Packing, Self::Instance];

    /// The word in evidence and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Mint => "mint",
            Self::Control => "control",
            Self::Lockout => "lockout",
            Self::Packing => "packing",
            Self::Instance => "instance",
        }
    }
}

/// One thing that was asked, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// A stable name, unique in the proof: `basic-cell/ProductServiceSessionRole/tenant → basic-cell/Orders/item`.
    pub id: String,
    /// What kind.
    pub claim: Claim,
    /// Who asks, in plain words.
    pub principal: String,
    /// The actions that one formula speaks for.
    pub actions: Vec<String>,
    /// What is asked for, in plain words.
    pub target: String,
    /// The answer.
    pub verdict: Verdict,
    /// How it was found.
    pub method: Method,
    /// The SHA-256 of the formula, in hexadecimal; none when nothing grants anything.
    pub formula: Option<String>,
    /// Whether the organization's policies were needed.
    pub needs_guardrails: bool,
    /// What a second solver said, if it was asked.
    pub cross_check: Option<CrossCheck>,
}

/// How an answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// No statement anywhere grants it.
    NoGrant,
    /// The symbolic engine, for all ids at once.
    Symbolic,
    /// The symbolic engine, for concrete ids, replayed by the evaluator.
    Replay,
    /// Plain comparison.
    Comparison,
    /// It was not decided.
    None,
}

/// What a second solver said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossCheck {
    /// The solver and its version.
    pub solver: String,
    /// The SHA-256 of the problem's text.
    pub problem: String,
    /// Its answer: `unsat`, `sat` or `unknown`.
    pub answer: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No request does it.
    Proved,
    /// This one does.
    Refuted(Box<Counterexample>),
    /// Not decided, because of this.
    Unknown(Obstacle),
}

impl Verdict {
    /// The verdict without its reasons.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Proved => Outcome::Proved,
            Self::Unknown(_) => Outcome::Unknown,
            Self::Refuted(_) => Outcome::Refuted,
        }
    }
}

/// What is in the way of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Where, if at one place.
    pub place: Option<Place>,
    /// What, as a sentence without a period.
    pub reason: String,
    /// What to write instead.
    pub help: String,
}

/// A request that breaks the claim. It was replayed: the evaluator says that it is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The whole story as a sentence: "a session of tenant `a` may read objects of `a-b`, because …".
    pub sentence: String,
    /// The statements that allow it, and their `Sid`s.
    pub granted_by: Vec<(Place, Option<String>)>,
    /// The layer that should have stopped it, and how.
    pub should_have: String,
    /// The case, with every policy: what [`evaluate`](super::evaluate) was asked, in the form of the public simulator.
    pub case: serde_json::Value,
    /// Readings of unclear semantics that it needs; empty in most cases.
    pub only_under: Vec<String>,
}
