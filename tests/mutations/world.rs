//! Assemblies in memory, the edits that are made to them, and what is proved of the result.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde_json::{Value, json};
use tenantry::diagnostics::{Sink, SourceMap};
use tenantry::facts::Facts;
use tenantry::prove::proof::{Claim, Counterexample, Outcome, Proof, Verdict};
use tenantry::prove::prove;
use tenantry::prove::request::{Request, Tools};
use tenantry::prove::tenancy::Tenancy;
use tenantry::source::Memory;

use super::support::{Run, assemble, files, text_of};

static FACTS: LazyLock<Facts> = LazyLock::new(|| Facts::shipped().unwrap());

/// Templates, guardrails, and the declaration of them.
#[derive(Debug, Clone)]
pub(crate) struct World {
    declaration: Value,
    files: BTreeMap<String, Value>,
}

/// The blueprints that are shipped.
pub(crate) const SHIPPED: [&str; 4] = ["serverless-saas", "regulated-cases", "full-silo", "w"];

fn assembled(blueprint: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("assembly");
    // Who the tenants are is in no template: two thousand of them would only take time.
    let few = |tenants: &str| {
        let text = text_of(&format!("blueprints/{tenants}"));
        text.lines().take(40).flat_map(|line| [line, "\n"]).collect::<String>()
    };
    let names = ["full-silo-tenants.jsonl", "w-tenants.jsonl"];
    let world = names.into_iter().fold(Memory::default(), |world, name| world.with(name, few(name)));
    assemble(&text_of(blueprint), &world, &out, Run::default()).unwrap();
    files(&out)
}

impl World {
    fn read(blueprint: &str) -> Self {
        let emitted = assembled(blueprint);
        let declaration: Value = serde_json::from_slice(&emitted["tenancy.json"]).unwrap();
        let files =
            emitted.iter().filter_map(|(path, bytes)| Some((path.clone(), serde_json::from_slice(bytes).ok()?)));
        Self { declaration, files: files.collect() }.trimmed()
    }

    /// One of the blueprints that are shipped.
    pub(crate) fn shipped(name: &str) -> Self {
        Self::read(&format!("blueprints/{name}.yaml"))
    }

    /// One tier of the fixture with everything, without its variants.
    pub(crate) fn tier(name: &str) -> &'static Self {
        static TIERS: OnceLock<BTreeMap<String, World>> = OnceLock::new();
        let tiers = TIERS.get_or_init(|| {
            let everything = Self::read("tests/fixtures/everything.yaml");
            ["pool", "bridge", "network", "account"]
                .into_iter()
                .map(|tier| {
                    let mut world = everything.clone();
                    world.declaration["templates"]
                        .as_array_mut()
                        .unwrap()
                        .retain(|one| one["tier"] == tier && !one["template"].as_str().unwrap().contains(".v-"));
                    (tier.to_owned(), world.trimmed())
                })
                .collect()
        });
        &tiers[name]
    }

    /// Without the files that the declaration does not name.
    fn trimmed(mut self) -> Self {
        let declaration = self.declaration.to_string();
        self.files.retain(|path, _| declaration.contains(&format!("\"{path}\"")));
        self
    }

    /// The templates, by path.
    pub(crate) fn templates(&mut self) -> impl Iterator<Item = &mut Value> {
        self.files.values_mut().filter(|file| file.get("Resources").is_some())
    }

    /// What is proved of it.
    pub(crate) fn prove(&self) -> Proof {
        let bytes = |value: &Value| serde_json::to_vec(value).unwrap();
        let mut files: BTreeMap<String, Vec<u8>> =
            self.files.iter().map(|(path, value)| (path.clone(), bytes(value))).collect();
        let declaration = bytes(&self.declaration);
        let tenancy: Tenancy = serde_json::from_slice(&declaration).unwrap();
        files.insert(Request::DECLARATION.to_owned(), declaration);
        let (mut sources, mut sink) = (SourceMap::default(), Sink::new());
        let request = Request { tenancy, files };
        match prove(&request, &mut Tools::default(), &FACTS, &mut sources, &mut sink) {
            Some(mut proved) => {
                // What is done to roles and guardrails here is about tenants; operators have tests of their own.
                proved.proof.obligations.retain(|asked| !matches!(asked.claim, Claim::Lockout | Claim::Packing));
                proved.proof
            }
            None => panic!("the templates cannot be read: {:?}", sink.into_sorted()),
        }
    }

    /// The world after edits, one in each line:
    ///
    /// ```text
    /// drop PATH
    /// PATH = JSON
    /// PATH += JSON     one more in a list
    /// scp JSON         a policy of the organization for principals
    /// rcp JSON         and one for resources
    /// ROLE allows ACTION, ACTION on RESOURCE if JSON
    /// RESOURCE lets PRINCIPAL call ACTION, ACTION if JSON
    /// ```
    ///
    /// A path is of steps with dots between them. The first is the beginning of a resource's logical id, without its
    /// digest, or `ids`, `owner` or `actor` for the declaration, or `new:cell`, `new:tenant` for a resource that was
    /// not there. `allow`, `trust`, `key` and `policy` stand for the statements of a role, of its trust, of a key, of a
    /// resource that is a policy. In values `@Name` is the logical id of a resource.
    pub(crate) fn edited(&self, edits: &str) -> Self {
        let mut world = self.clone();
        for edit in edits.lines().map(str::trim).filter(|edit| !edit.is_empty()) {
            world.edit(edit);
        }
        world
    }

    fn edit(&mut self, edit: &str) {
        if let Some(path) = edit.strip_prefix("drop ") {
            let (steps, last) = self.steps(path);
            match (self.find(&steps), last.parse::<usize>()) {
                (Value::Array(items), Ok(at)) => _ = items.remove(at),
                (Value::Object(entries), _) => assert!(entries.remove(&last).is_some(), "`{edit}`: nothing is there"),
                (other, _) => panic!("`{edit}`: {other}"),
            }
            return;
        }
        if let Some((role, rest)) = edit.split_once(" allows ") {
            return self.allow(role, rest);
        }
        if let Some((resource, rest)) = edit.split_once(" lets ") {
            return self.grant(resource, rest);
        }
        for kind in ["scp", "rcp"] {
            if let Some(value) = edit.strip_prefix(kind).filter(|rest| rest.starts_with(' ')) {
                let name = format!("org/added.{kind}-{}.json", self.files.len());
                let statements = self.value(value);
                self.files.insert(name.clone(), json!({ "Version": "2012-10-17", "Statement": statements }));
                for deployed in self.declaration["templates"].as_array_mut().unwrap() {
                    let list = &mut deployed["guardrails"][kind];
                    if list.is_null() {
                        *list = json!([]);
                    }
                    list.as_array_mut().unwrap().push(json!(name));
                }
                return;
            }
        }
        let (path, value, push) = match (edit.split_once(" += "), edit.split_once(" = ")) {
            (Some((path, value)), None) => (path, value, true),
            (Some((path, value)), Some((other, _))) if path.len() < other.len() => (path, value, true),
            (_, Some((path, value))) => (path, value, false),
            _ => panic!("`{edit}` is no edit"),
        };
        let value = self.value(value);
        let (steps, last) = self.steps(path);
        let parent = self.find(&steps);
        let place = match last.parse::<usize>() {
            Ok(at) if parent.is_array() => &mut parent[at],
            _ => &mut parent[last.as_str()],
        };
        if push {
            if !place.is_array() {
                *place = if place.is_null() { json!([]) } else { json!([place.clone()]) };
            }
            place.as_array_mut().unwrap().push(value);
        } else {
            *place = value;
        }
    }

    /// One more statement in a role's policy.
    fn allow(&mut self, role: &str, rest: &str) {
        let (actions, rest) = rest.split_once(" on ").unwrap();
        let (resource, condition) = rest.split_once(" if ").map_or((rest, None), |(one, other)| (one, Some(other)));
        let resource = if resource.contains("${") {
            format!("{{\"Fn::Sub\": \"{resource}\"}}")
        } else {
            format!("\"{resource}\"")
        };
        let resource = self.value(&resource);
        let actions: Vec<&str> = actions.split(", ").collect();
        let mut statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
        if let Some(condition) = condition {
            statement["Condition"] = self.value(condition);
        }
        let (steps, last) = self.steps(&format!("{role}.allow"));
        self.find(&steps)[last].as_array_mut().unwrap().push(statement);
    }

    /// One more statement in the policy of a resource.
    fn grant(&mut self, resource: &str, rest: &str) {
        let (principal, rest) = rest.split_once(" call ").unwrap();
        let (actions, condition) = rest.split_once(" if ").map_or((rest, None), |(one, other)| (one, Some(other)));
        let actions: Vec<&str> = actions.split(", ").collect();
        let mut statement = json!({ "Effect": "Allow", "Principal": self.value(principal), "Action": actions });
        if let Some(condition) = condition {
            statement["Condition"] = self.value(condition);
        }
        let (file, id) = self.logical_id(resource);
        let kind = self.files[&file]["Resources"][&id]["Type"].as_str().unwrap().to_owned();
        let place = match kind.as_str() {
            "AWS::IAM::Role" => "trust",
            "AWS::KMS::Key" => "key",
            _ => "policy",
        };
        if place != "trust" {
            // A bucket's policy may speak of its objects too.
            statement["Resource"] = json!("*");
        }
        let (steps, last) = self.steps(&format!("{resource}.{place}"));
        self.find(&steps)[last].as_array_mut().unwrap().push(statement);
    }

    /// The file and the steps in it, and the last step.
    fn steps(&self, path: &str) -> (Vec<String>, String) {
        let mut steps = path.trim().split('.').map(str::to_owned);
        let first = steps.next().unwrap();
        let template = |scope: &str| -> String {
            let templates = self.declaration["templates"].as_array().unwrap();
            let deployed = templates.iter().find(|one| one["scope"] == scope).unwrap();
            deployed["template"].as_str().unwrap().to_owned()
        };
        let declared = |what: &str, id: String| {
            let templates = self.declaration["templates"].as_array().unwrap();
            let has = |one: &&Value| self.files[one["template"].as_str().unwrap()]["Resources"].get(&id).is_some();
            let at = templates.iter().position(|one| has(&one)).unwrap();
            vec!["declaration".to_owned(), "templates".to_owned(), at.to_string(), what.to_owned(), id]
        };
        let mut found = match first.as_str() {
            "ids" => vec!["declaration".to_owned(), "ids".to_owned()],
            "owner" => declared("owners", self.logical_id(&steps.next().unwrap()).1),
            "actor" => declared("roles", self.logical_id(&steps.next().unwrap()).1),
            "new:cell" => vec![template("shared"), "Resources".to_owned()],
            "new:tenant" => vec![template("tenant"), "Resources".to_owned()],
            name => {
                let (file, id) = self.logical_id(name);
                vec![file, "Resources".to_owned(), id, "Properties".to_owned()]
            }
        };
        for step in steps {
            let known: &[&str] = match step.as_str() {
                "allow" => &["Policies", "0", "PolicyDocument", "Statement"],
                "trust" => &["AssumeRolePolicyDocument", "Statement"],
                "key" => &["KeyPolicy", "Statement"],
                "policy" => &["PolicyDocument", "Statement"],
                other => &[other],
            };
            found.extend(known.iter().map(|step| (*step).to_owned()));
        }
        let last = found.pop().unwrap();
        (found, last)
    }

    fn find(&mut self, steps: &[String]) -> &mut Value {
        let (file, rest) = steps.split_first().unwrap();
        let root = match file.as_str() {
            "declaration" => &mut self.declaration,
            file => self.files.get_mut(file).unwrap(),
        };
        rest.iter().fold(root, |value, step| {
            let at = step.parse::<usize>();
            match at {
                Ok(at) if value.is_array() => value.get_mut(at).unwrap_or_else(|| panic!("{steps:?}: no {step}")),
                _ if value.is_null() || value.is_object() => &mut value[step.as_str()],
                _ => panic!("{steps:?}: no {step} in {value}"),
            }
        })
    }

    /// The file of a resource and its logical id, by its beginning.
    fn logical_id(&self, name: &str) -> (String, String) {
        let mut found = Vec::new();
        for (path, file) in &self.files {
            for id in file.get("Resources").and_then(Value::as_object).into_iter().flat_map(|all| all.keys()) {
                let digest = id.strip_prefix(name).filter(|rest| rest.len() == 8);
                if id == name || digest.is_some_and(|rest| rest.chars().all(|one| one.is_ascii_hexdigit())) {
                    found.push((path.clone(), id.clone()));
                }
            }
        }
        assert_eq!(found.len(), 1, "one resource is called `{name}`: {found:?}");
        found.remove(0)
    }

    /// JSON, with `@Name` for logical ids.
    fn value(&self, text: &str) -> Value {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('@') {
            let name: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
            out.push_str(before);
            if name.is_empty() {
                out.push('@');
            } else {
                out.push_str(&self.logical_id(&name).1);
            }
            rest = &after[name.len()..];
        }
        out.push_str(rest);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

/// What is wrong in a proof, for people.
pub(crate) fn troubles(proof: &Proof) -> Vec<String> {
    let mut troubles = Vec::new();
    for obligation in &proof.obligations {
        match &obligation.verdict {
            Verdict::Proved => {}
            Verdict::Refuted(counterexample) => troubles.push(format!("refuted: {}", counterexample.sentence)),
            Verdict::Unknown(obstacle) => troubles.push(format!("unknown: {}: {}", obligation.id, obstacle.reason)),
        }
    }
    troubles
}

/// The requests that break a claim.
pub(crate) fn counterexamples(proof: &Proof) -> Vec<&Counterexample> {
    let refuted = proof.obligations.iter().filter_map(|obligation| match &obligation.verdict {
        Verdict::Refuted(counterexample) => Some(counterexample.as_ref()),
        _ => None,
    });
    refuted.collect()
}

/// How many obligations ended in each way; nothing of what is proved, because its number says nothing.
pub(crate) fn counts(proof: &Proof) -> (usize, usize) {
    let of = |outcome| proof.obligations.iter().filter(|one| one.verdict.outcome() == outcome).count();
    (of(Outcome::Refuted), of(Outcome::Unknown))
}
