//! The fleet, its organization, and what can be found out about them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::{Engine, MOTO_ACCOUNT, REGION, SECRET, element, elements};
use crate::http::Request;
use crate::patience;
use crate::proxy::{Call, Proxy};

/// For how many days queues keep messages, by version.
const DAYS: [u32; 2] = [4, 9];

/// Tenants of each tier.
const TENANTS: [(&str, usize); 4] = [("basic", 3), ("silver", 8), ("gold", 6), ("platinum", 6)];

/// One moto for all tests, one after the other. It ends with this process.
static MOTO: OnceLock<Option<Mutex<Engine>>> = OnceLock::new();

/// A fleet with its AWS.
pub(crate) struct Fleet {
    engine: MutexGuard<'static, Engine>,
    pub(crate) proxy: Proxy,
    folder: tempfile::TempDir,
    /// The account of the cell, and those of tenants that have one.
    pub(crate) accounts: Vec<String>,
    root: String,
    /// All that the program ever said.
    said: Mutex<String>,
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

impl Fleet {
    /// An organization with empty accounts; nothing if tests are to do without tools.
    pub(crate) fn new() -> Option<Self> {
        let engine = MOTO.get_or_init(|| Engine::moto().map(Mutex::new)).as_ref()?;
        let engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        let proxy = Proxy::before(&engine);
        let folder = tempfile::tempdir().unwrap();
        let (root, accounts) = (String::new(), Vec::new());
        let mut fleet = Self { engine, proxy, folder, accounts, root, said: Mutex::default() };
        (fleet.root, fleet.accounts) = fleet.organization();
        Some(fleet)
    }

    /// An AWS where nothing was deployed yet, with the same accounts as before.
    pub(crate) fn begin(&self) {
        let (root, accounts) = self.organization();
        assert_eq!((&root, &accounts), (&self.root, &self.accounts), "moto makes other ids from the same seed");
        self.proxy.reset();
    }

    fn organization(&self) -> (String, Vec<String>) {
        self.engine.reset();
        let path = "/moto-api/seed?a=42".to_owned();
        let seed = Request { method: "POST".to_owned(), path, ..Request::default() };
        assert!(seed.send(self.engine.port()).unwrap().status < 300);
        self.organizations("CreateOrganization", &json!({ "FeatureSet": "ALL" }));
        let roots = self.organizations("ListRoots", &json!({}));
        let root = roots["Roots"][0]["Id"].as_str().unwrap().to_owned();
        for kind in ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"] {
            self.organizations("EnablePolicyType", &json!({ "RootId": root, "PolicyType": kind }));
        }
        let accounts = (0..=TENANTS[3].1).map(|number| {
            let request = json!({ "AccountName": format!("a-{number}"), "Email": format!("a{number}@example.com") });
            let answer = self.organizations("CreateAccount", &request);
            answer["CreateAccountStatus"]["AccountId"].as_str().unwrap().to_owned()
        });
        (root, accounts.collect())
    }

    fn organizations(&self, operation: &str, request: &Value) -> Value {
        self.engine.ask_json("organizations", &format!("AWSOrganizationsV20161128.{operation}"), request)
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// The blueprint, whose queues keep messages for so many days. In the second version one tenant with an account of its own
    /// has another value too.
    fn blueprint(&self, days: u32) -> String {
        let mut text = format!(
            "tenantry: 1
blueprint: fleet
owner: platform-team
cost_center: cc-100
organization:
  id: o-exampleorgid
  parent: {root}
cells:
  - {{ cell: eu-1, region: {REGION}, account: '{cell}', capacity: 500 }}
guardrails:
  - deny-leave-organization
bundles:
  - bundle: app
    components:
      - {{ table: Orders, partition_by: tenant_id }}
      - {{ queue: Jobs, partition_by: tenant_id, retention_days: {days} }}
      - function: Worker
        code: {{ inline: 'exports.handler = async () => ({{ statusCode: 204 }});' }}
        environment: {{ TABLE: '${{Orders.name}}' }}
    allow:
      - {{ from: Worker, access: read-write, to: Orders }}
tiers:
  - {{ tier: basic, isolation: pool, include: [app] }}
  - {{ tier: silver, isolation: silo, boundary: resource, include: [app] }}
  - {{ tier: gold, isolation: silo, boundary: resource, include: [app] }}
  - {{ tier: platinum, isolation: silo, boundary: account, include: [app] }}
tenants:
",
            root = self.root,
            cell = self.accounts[0],
        );
        for (tier, count) in TENANTS {
            for number in 0..count {
                write!(text, "  - {{ tenant: {tier}-{number}, tier: {tier}").unwrap();
                if tier == "platinum" {
                    write!(text, ", account: '{}'", self.accounts[number + 1]).unwrap();
                    if number == 0 && days != DAYS[0] {
                        text.push_str(", cost_center: cc-200");
                    }
                }
                text.push_str(" }\n");
            }
        }
        text
    }

    /// The program, with credentials, by way of the proxy.
    pub(crate) fn tenantry(&self, arguments: &[&str]) -> Command {
        let mut command = self.engine.client_by(env!("CARGO_BIN_EXE_tenantry"), self.proxy.port());
        command.current_dir(self.folder.path()).args(arguments);
        command
    }

    /// Runs the program, and keeps what it said for those who look for credentials in it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = patience::output(&mut self.tenantry(arguments));
        self.said.lock().unwrap().push_str(&text(&output));
        output
    }

    #[track_caller]
    pub(crate) fn fine(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}\nmoto: {}", text(&output), self.engine.said());
        text(&output)
    }

    /// Writes the assemblies `v1` and `v2`, and the rollouts `1.json` and `2.json` from nothing to one and on to the other.
    pub(crate) fn prepare(&self) {
        let write = |path: &str, text: &str| {
            std::io::Write::write_all(&mut std::fs::File::create(self.path(path)).unwrap(), text.as_bytes()).unwrap();
        };
        write(
            "settings.yaml",
            &format!(
                "percentages: [50, 100]
canaries: {{ per_tier: 1 }}
limits: {{ whole_cells: true }}
concurrency: {{ steps: 8, account: 8 }}
gate: {{ bake_minutes: 0, watch: none }}
stack_sets: {{ shards: 2, permissions: self-managed }}
role: 'arn:{{partition}}:iam::{{account}}:role/deployer'
management: {{ account: '{MOTO_ACCOUNT}', region: {REGION} }}
parent: {}
",
                self.root
            ),
        );
        for (version, days) in [("v1", DAYS[0]), ("v2", DAYS[1])] {
            write("blueprint.yaml", &self.blueprint(days));
            self.fine(&["synth", "--no-prove", "blueprint.yaml", "-o", version]);
        }
        self.fine(&["rollout", "v1", "--settings", "settings.yaml", "-o", "1.json"]);
        self.fine(&["rollout", "v2", "--from", "v1", "--settings", "settings.yaml", "-o", "2.json"]);
    }

    pub(crate) fn forget_journals(&self) {
        for entry in self.folder.path().read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().contains("journal") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }

    /// Deploys a version, and kills the program after as many calls as `next` says, until it ends by itself. Returns the last
    /// call before each death; calls before the journal was opened do not count, and whoever dies then was not killed.
    pub(crate) fn deploy_killed(&self, version: u32, next: &mut impl FnMut() -> usize) -> Vec<String> {
        let (rollout, assembly) = (format!("{version}.json"), format!("v{version}"));
        let journal = self.path(&format!("{version}.journal.jsonl"));
        let written = || std::fs::metadata(&journal).map_or(0, |file| file.len());
        let mut kills = Vec::new();
        for _ in 0..400 {
            let (before, most) = (written(), next());
            let mut command = self.tenantry(&["deploy", &rollout, "--assembly", &assembly, "--first-wait", "20"]);
            let mut child: Child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let begun = Instant::now();
            let mut until = None;
            let ended = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break Some(status);
                }
                if until.is_none() && written() > before {
                    until = Some(self.proxy.count() + most);
                }
                if until.is_some_and(|until| self.proxy.count() >= until) {
                    // Not only right after an answer has come.
                    std::thread::sleep(Duration::from_millis((next() % 20) as u64));
                    child.kill().unwrap();
                    break None;
                }
                if begun.elapsed() > Duration::from_mins(1) {
                    child.kill().unwrap();
                    panic!("it does not end: {}", text(&child.wait_with_output().unwrap()));
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            let output = child.wait_with_output().unwrap();
            self.said.lock().unwrap().push_str(&text(&output));
            // It may have ended by itself a moment before.
            if output.status.code().is_some() {
                assert!(
                    output.status.success(),
                    "after {}: {}\nmoto: {}",
                    kills.len(),
                    text(&output),
                    self.engine.said()
                );
                return kills;
            }
            assert!(ended.is_none() && output.status.signal() == Some(9), "{:?}", output.status);
            kills.push(self.proxy.calls().pop().unwrap().operation);
        }
        panic!("it was killed {} times and does not come to its end", kills.len());
    }

    /// Everything that was deployed, by names that do not change from run to run.
    pub(crate) fn state(&self) -> BTreeMap<String, String> {
        let mut state = BTreeMap::new();
        let places = self.accounts.iter().map(String::as_str).chain([MOTO_ACCOUNT]);
        for account in places {
            self.stacks(account, &mut state);
        }
        self.stack_sets(&mut state);
        let mut names = BTreeMap::from([(self.root.clone(), "root".to_owned())]);
        self.units(&self.root, "root", &mut names, &mut state);
        for kind in ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"] {
            let list = self.organizations("ListPolicies", &json!({ "Filter": kind }));
            for policy in list["Policies"].as_array().unwrap() {
                let id = json!({ "PolicyId": policy["Id"] });
                let targets = self.organizations("ListTargetsForPolicy", &id);
                let targets: BTreeSet<String> = targets["Targets"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|target| target["TargetId"].as_str().unwrap())
                    .map(|id| names.get(id).map_or(id, String::as_str).to_owned())
                    .collect();
                let document = self.organizations("DescribePolicy", &id);
                let what = format!("{} {} {targets:?}", policy["Description"], document["Policy"]["Content"]);
                state.insert(format!("policy {kind} {}", policy["Name"]), what);
            }
        }
        state
    }

    fn stacks(&self, account: &str, state: &mut BTreeMap<String, String>) {
        let key = (account != MOTO_ACCOUNT).then(|| self.engine.key_in(account));
        let ask = |action: &str, fields: &[(&str, &str)]| {
            let answer = match &key {
                Some(key) => self.engine.ask_as(key, REGION, "cloudformation", action, fields),
                None => self.engine.ask("cloudformation", action, fields),
            };
            assert_eq!(answer.status, 200, "{action} {fields:?}: {}", answer.text());
            answer.text()
        };
        let pairs = |text: &str, key: &str, value: &str| -> BTreeMap<String, String> {
            elements(text, key).into_iter().zip(elements(text, value)).collect()
        };
        for name in elements(&ask("DescribeStacks", &[]), "StackName") {
            let one = [("StackName", name.as_str())];
            let found = ask("DescribeStacks", &one);
            let resources = ask("ListStackResources", &one);
            let template = element(&ask("GetTemplate", &one), "TemplateBody").unwrap_or_default();
            let sets: BTreeSet<String> = elements(&ask("ListChangeSets", &one), "ChangeSetName").into_iter().collect();
            let what = format!(
                "{:?} {:?} {:?} {:?} {sets:?} {template}",
                elements(&found, "StackStatus"),
                pairs(&found, "ParameterKey", "ParameterValue"),
                pairs(&found, "Key", "Value"),
                pairs(&resources, "LogicalResourceId", "ResourceStatus"),
            );
            // Moto lets two stacks have one name; that would be a deployment done twice.
            assert!(state.insert(format!("stack {account} {name}"), what).is_none(), "two stacks are called {name}");
        }
    }

    fn stack_sets(&self, state: &mut BTreeMap<String, String>) {
        let ask = |action: &str, fields: &[(&str, &str)]| {
            let answer = self.engine.ask("cloudformation", action, fields);
            assert_eq!(answer.status, 200, "{action} {fields:?}: {}", answer.text());
            answer.text()
        };
        let values = |text: &str| -> BTreeMap<String, String> {
            elements(text, "ParameterKey").into_iter().zip(elements(text, "ParameterValue")).collect()
        };
        for name in elements(&ask("ListStackSets", &[("Status", "ACTIVE")]), "StackSetName") {
            let one = ("StackSetName", name.as_str());
            let found = ask("DescribeStackSet", &[one]);
            let tags: BTreeMap<String, String> =
                elements(&found, "Key").into_iter().zip(elements(&found, "Value")).collect();
            let list = ask("ListStackInstances", &[one]);
            for (account, region) in elements(&list, "Account").into_iter().zip(elements(&list, "Region")) {
                let place = [one, ("StackInstanceAccount", account.as_str()), ("StackInstanceRegion", region.as_str())];
                let instance = values(&ask("DescribeStackInstance", &place));
                let key = format!("instance {name} {account} {region}");
                assert!(state.insert(key, format!("{instance:?}")).is_none(), "an instance is there twice: {list}");
            }
            let (about, template) = (element(&found, "Description"), element(&found, "TemplateBody"));
            state.insert(format!("set {name}"), format!("{about:?} {:?} {tags:?} {template:?}", values(&found)));
        }
    }

    fn units(&self, id: &str, path: &str, names: &mut BTreeMap<String, String>, state: &mut BTreeMap<String, String>) {
        let parent = json!({ "ParentId": id });
        let accounts = self.organizations("ListAccountsForParent", &parent);
        for account in accounts["Accounts"].as_array().unwrap() {
            state.insert(format!("account {}", account["Id"]), path.to_owned());
        }
        let units = self.organizations("ListOrganizationalUnitsForParent", &parent);
        for unit in units["OrganizationalUnits"].as_array().unwrap() {
            let (id, name) = (unit["Id"].as_str().unwrap(), unit["Name"].as_str().unwrap());
            let path = format!("{path}/{name}");
            names.insert(id.to_owned(), path.clone());
            assert!(state.insert(format!("unit {path}"), String::new()).is_none(), "two units are called {path}");
            self.units(id, &path, names, state);
        }
    }

    /// The calls that changed something, each as what was asked of whom.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.proxy.calls().iter().filter(|call| changes(call) && call.took_effect()).map(described).collect()
    }

    /// Fails if a credential is to be seen anywhere: in what the program said, or in a file that it wrote.
    pub(crate) fn assert_no_credentials(&self) {
        let mut secrets = BTreeSet::from([SECRET.to_owned()]);
        for call in self.proxy.calls() {
            if let Some(answer) = call.engine.as_ref().filter(|_| call.operation == "AssumeRole") {
                let answer = answer.text();
                for name in ["SecretAccessKey", "SessionToken"] {
                    secrets.extend(elements(&answer, name));
                }
            }
            let signed = call.request.headers.get("authorization").cloned().unwrap_or_default();
            secrets.extend(signed.rsplit_once("Signature=").map(|(_, signature)| signature.to_owned()));
        }
        assert!(secrets.len() > 10, "hardly anything was signed: {}", secrets.len());
        let mut texts = vec![("what it said".to_owned(), self.said.lock().unwrap().clone().into_bytes())];
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let mut bytes = Vec::new();
                    std::io::Read::read_to_end(&mut std::fs::File::open(&path).unwrap(), &mut bytes).unwrap();
                    texts.push((path.display().to_string(), bytes));
                }
            }
        }
        assert!(texts.iter().any(|(name, _)| name.contains("journal")), "no journal was looked at");
        for (name, bytes) in texts {
            let text = String::from_utf8_lossy(&bytes);
            let seen = secrets.iter().find(|secret| secret.len() >= 16 && text.contains(secret.as_str()));
            assert!(seen.is_none(), "a credential stands in {name}");
        }
    }

    /// The record of a tenant in an assembly.
    pub(crate) fn tenant(&self, assembly: &str, tenant: &str) -> Value {
        let file = std::fs::File::open(self.path(assembly).join("tenants.jsonl")).unwrap();
        let lines = std::io::read_to_string(file).unwrap();
        let mut records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.find(|record| record["tenant"] == tenant).unwrap()
    }
}

/// Whether a call asks for a change.
fn changes(call: &Call) -> bool {
    let reads = ["Describe", "List", "Get", "AssumeRole", "Validate", "HEAD", "GET"];
    !reads.iter().any(|read| call.operation.starts_with(read))
}

/// What was asked of whom, without what marks a single attempt.
fn described(call: &Call) -> String {
    let mut text = format!("{} {} {}", call.operation, call.account, call.region);
    for (name, value) in &call.fields {
        if !matches!(name.as_str(), "ClientToken" | "ClientRequestToken" | "OperationId" | "Version" | "Action") {
            write!(text, " {name}={value}").unwrap();
        }
    }
    text
}
