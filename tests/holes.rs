//! What the written argument once found missing in the prover, each as a template of a few lines, and what is said to it
//! now: none of them may pass for proved again. A few that look like holes and are none stand beside them.
//!
//! `docs/proof.md` is the argument; a gap that it lists may leave the list when its template stands here.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic, and says what it found"
)]

#[path = "holes/formula.rs"]
mod formula;
#[path = "holes/questions.rs"]
mod questions;
#[path = "holes/sound.rs"]
mod sound;
#[path = "holes/template.rs"]
mod template;
#[path = "holes/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::prove::proof::{Obstacle, Outcome, Proof, Verdict};
use tenantry::prove::prove;
use tenantry::prove::request::{Request, Tools};

/// A few lines of templates, and what must be said to them.
struct Case {
    name: &'static str,
    /// What it shows, in words.
    shows: &'static str,
    /// File to content: templates and guardrails.
    files: BTreeMap<String, Value>,
    /// The declaration's templates.
    templates: Vec<Value>,
    organization: Option<&'static str>,
    guardrails: BTreeMap<&'static str, Vec<String>>,
    expected: Outcome,
    /// What one of the sentences or reasons must hold.
    says: &'static [&'static str],
}

impl Case {
    fn new(name: &'static str, shows: &'static str) -> Self {
        Self {
            name,
            shows,
            files: BTreeMap::new(),
            templates: Vec::new(),
            organization: None,
            guardrails: BTreeMap::new(),
            expected: Outcome::Unknown,
            says: &[],
        }
    }

    /// A stack that tenants share: its resources or its whole template, and the owners and roles of the declaration.
    fn shared(self, template: Value, owners: Value, roles: Value) -> Self {
        self.deployed("shared.json", template, json!({ "scope": "shared", "owners": owners, "roles": roles }))
    }

    /// A stack of each tenant.
    fn tenant(self, resources: Value) -> Self {
        self.tenant_with(resources, json!({}))
    }

    /// A stack of each tenant, and more of its declaration.
    fn tenant_with(self, resources: Value, more: Value) -> Self {
        let mut parameters = json!({ "TenantId": { "Type": "String" } });
        let mut declared = json!({ "scope": "tenant", "parameters": { "TenantId": "tenant" } });
        for (key, value) in more.as_object().unwrap() {
            if key == "parameters" {
                for (parameter, meaning) in value.as_object().unwrap() {
                    parameters[parameter] = json!({ "Type": "String" });
                    declared["parameters"][parameter] = meaning.clone();
                }
            } else {
                declared[key] = value.clone();
            }
        }
        self.deployed("tenant.json", json!({ "Parameters": parameters, "Resources": resources }), declared)
    }

    fn deployed(mut self, file: &str, template: Value, mut declared: Value) -> Self {
        let whole = template.get("Resources").is_some();
        let template = if whole { template } else { json!({ "Resources": template }) };
        self.files.insert(file.to_owned(), template);
        declared["template"] = json!(file);
        self.templates.push(declared);
        self
    }

    /// A policy of the organization, `scp` or `rcp`, at every account.
    fn guardrail(mut self, kind: &'static str, statements: Value) -> Self {
        let files = self.guardrails.entry(kind).or_default();
        let file = format!("{kind}{}.json", files.len());
        files.push(file.clone());
        self.files.insert(file, template::document(statements));
        self
    }

    fn organization(mut self, id: &'static str) -> Self {
        self.organization = Some(id);
        self
    }

    fn refuted(self, says: &'static [&'static str]) -> Self {
        Self { expected: Outcome::Refuted, says, ..self }
    }

    fn unknown(self, says: &'static [&'static str]) -> Self {
        Self { expected: Outcome::Unknown, says, ..self }
    }

    fn proved(self) -> Self {
        Self { expected: Outcome::Proved, ..self }
    }

    fn prove(&self) -> Proof {
        let mut templates = self.templates.clone();
        if !self.guardrails.is_empty() {
            templates.iter_mut().for_each(|template| template["guardrails"] = json!(self.guardrails));
        }
        let mut tenancy = json!({ "tenancy": 1, "ids": { "pattern": "^[a-z0-9-]{2,31}$" }, "templates": templates });
        if let Some(organization) = self.organization {
            tenancy["organization"] = json!(organization);
        }
        let mut files: BTreeMap<String, Vec<u8>> =
            self.files.iter().map(|(name, value)| (name.clone(), value.to_string().into_bytes())).collect();
        files.insert(Request::DECLARATION.to_owned(), tenancy.to_string().into_bytes());
        let tenancy = serde_json::from_value(tenancy).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let (mut sources, mut sink) = (SourceMap::default(), Sink::default());
        let facts = Facts::shipped().unwrap();
        let request = Request { tenancy, files };
        let proved = prove(&request, &mut Tools::default(), &facts, &mut sources, &mut sink);
        assert!(!sink.has_errors(), "{}: {sink:?}", self.name);
        proved.unwrap().proof
    }

    /// What is wrong with the answer, in words.
    fn complaint(&self) -> Option<String> {
        let proof = self.prove();
        // A story says who asks, and for what; where nothing could be decided, the obligation says it.
        let said: Vec<(Outcome, String)> = proof
            .obligations
            .iter()
            .filter_map(|obligation| match &obligation.verdict {
                Verdict::Proved => None,
                Verdict::Refuted(found) => Some((Outcome::Refuted, found.sentence.clone())),
                Verdict::Unknown(Obstacle { reason, .. }) => {
                    let words = format!("{reason} ({} to {})", obligation.principal, obligation.target);
                    Some((Outcome::Unknown, words))
                }
            })
            .collect();
        let mut wrong = Vec::new();
        if proof.result() != self.expected {
            wrong.push(format!("{} instead of {}", proof.result().as_str(), self.expected.as_str()));
        }
        let is_meant = |(outcome, sentence): &(Outcome, String)| {
            *outcome == self.expected && self.says.iter().all(|word| sentence.contains(word))
        };
        if self.expected != Outcome::Proved && !said.iter().any(is_meant) {
            wrong.push(format!("nothing says {:?}", self.says));
        }
        if said.iter().any(|(_, sentence)| sentence.contains("error of the prover")) {
            wrong.push("the engine and the evaluator differ".to_owned());
        }
        let ids: BTreeSet<&str> = proof.obligations.iter().map(|obligation| obligation.id.as_str()).collect();
        if ids.len() != proof.obligations.len() {
            wrong.push("two obligations have one id".to_owned());
        }
        (!wrong.is_empty()).then(|| {
            let said: Vec<&str> = said.iter().map(|(_, sentence)| sentence.as_str()).collect();
            format!("{} ({}): {}\n    {}", self.name, self.shows, wrong.join("; "), said.join("\n    "))
        })
    }
}

/// Every case is answered as it should be.
fn check(cases: &[Case]) {
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let complaints: Vec<String> = cases.iter().filter_map(Case::complaint).collect();
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}
