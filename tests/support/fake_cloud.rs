//! An AWS in memory, for tests of the engine: what is asked takes a while, as statuses that change from look to look; it
//! refuses what AWS refuses; it fails where it is told to; and it remembers everything that took effect.
//!
//! It shares no code with the engine, and knows of its names nothing but that they are names.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use tenantry::deploy::clock::Clock;
use tenantry::deploy::cloud::{
    Answer, ChangeSetRequest, ChangeSetState, Cloud, CloudError, CloudErrorKind, DriftState, InstanceState,
    InstancesRequest, InstancesWork, OperationState, PlannedChange, PolicyState, ResourceDrift, StackSetRequest,
    StackSetState, StackState, Target, TemplateSource, UnitState,
};
use tenantry::deploy::journal::Store;

/// When the process that is tested dies: after so many moments. Everything it does after that has no effect.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    left: Arc<AtomicI64>,
    dead: Arc<AtomicBool>,
}

impl Life {
    pub(crate) fn of(moments: i64) -> Self {
        Self { left: Arc::new(AtomicI64::new(moments)), dead: Arc::new(AtomicBool::new(false)) }
    }

    pub(crate) fn endless() -> Self {
        Self::of(i64::MAX)
    }

    /// How many moments have passed of an endless life.
    pub(crate) fn passed(&self) -> i64 {
        i64::MAX - self.left.load(Ordering::SeqCst)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// A moment passes. False if the process is dead.
    pub(crate) fn tick(&self) -> bool {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 1 {
            self.dead.store(true, Ordering::SeqCst);
        }
        !self.is_over()
    }
}

/// A clock that is put forward by whoever sleeps.
#[derive(Debug, Default)]
pub(crate) struct FakeClock {
    pub(crate) now: AtomicU64,
}

impl Clock for FakeClock {
    fn now(&self) -> u64 {
        1_700_000_000_000 + self.now.load(Ordering::SeqCst)
    }

    fn sleep(&self, duration: Duration) {
        self.now.fetch_add(u64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
        std::thread::yield_now();
    }
}

/// A journal's disk, which tears the line that is written when the process dies.
pub(crate) struct FakeDisk {
    pub(crate) bytes: Arc<Mutex<Vec<u8>>>,
    pub(crate) life: Life,
}

impl Store for FakeDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.bytes.lock().unwrap();
        if self.life.is_over() {
            return Err(io::Error::other("killed"));
        }
        if !self.life.tick() {
            let torn = usize::try_from(hash(&[&disk.len().to_string()])).unwrap() % bytes.len();
            disk.extend_from_slice(&bytes[..torn]);
            return Err(io::Error::other("killed"));
        }
        disk.extend_from_slice(bytes);
        // Who dies after the last line has ended before.
        let last = String::from_utf8_lossy(bytes).contains("\"event\":\"end\"");
        if last || self.life.tick() { Ok(()) } else { Err(io::Error::other("killed")) }
    }
}

/// A number that texts stand for (FNV-1a).
pub(crate) fn hash(parts: &[&str]) -> u32 {
    let mut state = 0x811c_9dc5_u32;
    for byte in parts.join("\u{1f}").bytes() {
        state = (state ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    state ^ (state >> 15)
}

/// What one stack is.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeStack {
    pub(crate) status: String,
    pub(crate) change_set: Option<String>,
    pub(crate) template: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// The looks until it has this status and content; and whether what runs was ours.
    pending: Option<(u32, Box<FakeStack>)>,
    ours: bool,
    sets: BTreeMap<String, FakeChangeSet>,
    reasons: Vec<String>,
    protected: bool,
}

impl FakeStack {
    /// A stack that somebody deployed before.
    pub(crate) fn settled(status: &str, template: &str) -> Self {
        Self { status: status.to_owned(), template: template.to_owned(), ..Self::default() }
    }

    /// What runs at first, and ends after some looks.
    pub(crate) fn moving(mut self, status: &str, looks: u32) -> Self {
        let then = Box::new(self.clone());
        self.status = status.to_owned();
        self.pending = Some((looks, then));
        self
    }

    pub(crate) fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    pub(crate) fn with(mut self, parameters: &BTreeMap<String, String>, tags: &BTreeMap<String, String>) -> Self {
        (self.parameters, self.tags) = (parameters.clone(), tags.clone());
        self
    }
}

#[derive(Debug, Clone)]
struct FakeChangeSet {
    arn: String,
    looks: u32,
    create: bool,
    execution: String,
    failed: Option<String>,
    changes: Vec<PlannedChange>,
    template: String,
    parameters: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FakeSet {
    pub(crate) description: String,
    pub(crate) template: String,
    pub(crate) instances: BTreeMap<Target, (String, BTreeMap<String, String>)>,
    pub(crate) operations: BTreeMap<String, FakeOperation>,
}

#[derive(Debug, Clone)]
pub(crate) struct FakeOperation {
    looks: u32,
    failed: Vec<(Target, String)>,
    ended: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct FakePolicy {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) content: String,
    pub(crate) description: String,
    pub(crate) targets: BTreeSet<String>,
}

/// All that there is.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    pub(crate) stacks: BTreeMap<(Target, String), FakeStack>,
    pub(crate) sets: BTreeMap<String, FakeSet>,
    /// Units by parent and name.
    pub(crate) units: BTreeMap<(String, String), String>,
    pub(crate) policies: BTreeMap<String, FakePolicy>,
    pub(crate) parents: BTreeMap<String, String>,
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    /// Everything that took effect.
    pub(crate) effects: Vec<String>,
    pub(crate) running: BTreeMap<Target, usize>,
    pub(crate) most_running: BTreeMap<Target, usize>,
    pub(crate) most_overall: usize,
    tokens: BTreeSet<String>,
    calls: BTreeMap<String, u32>,
}

/// AWS.
pub(crate) struct FakeCloud {
    pub(crate) world: Mutex<World>,
    pub(crate) life: Life,
    pub(crate) account: String,
    /// Stacks whose changes fail, by name; instances whose operations fail, by account.
    pub(crate) failing: BTreeSet<String>,
    pub(crate) ringing: Mutex<BTreeSet<String>>,
    /// How many of the first calls of each kind about each thing fail, in percent; 0 for none.
    pub(crate) faults: u32,
    pub(crate) seed: u32,
    pub(crate) direct: usize,
    /// Where nobody may work, and why.
    pub(crate) closed: BTreeMap<Target, CloudErrorKind>,
    /// How many calls of an operation are still refused because there are too many.
    pub(crate) throttled: Mutex<BTreeMap<&'static str, u32>>,
    /// The calls that are taken and never have an effect.
    pub(crate) forgotten: BTreeSet<&'static str>,
}

fn error(kind: CloudErrorKind, operation: &'static str, code: &str, message: &str) -> CloudError {
    CloudError { kind, operation, code: code.to_owned(), message: message.to_owned() }
}

/// What is wrong with the weather when a call is made.
enum Weather {
    Fair,
    Before(CloudError),
    After(CloudError),
}

impl FakeCloud {
    pub(crate) fn new(world: World) -> Self {
        Self {
            world: Mutex::new(world),
            life: Life::endless(),
            account: "999999999999".to_owned(),
            failing: BTreeSet::new(),
            ringing: Mutex::default(),
            faults: 0,
            seed: 0,
            direct: 51_200,
            closed: BTreeMap::new(),
            throttled: Mutex::default(),
            forgotten: BTreeSet::new(),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// One call: it may come too late, be refused, have an effect, and its answer may be lost.
    fn call<T>(
        &self,
        operation: &'static str,
        about: &str,
        changes: bool,
        effect: impl FnOnce(&mut World) -> Answer<T>,
    ) -> Answer<T> {
        let killed = || Err(error(CloudErrorKind::Credentials, operation, "Killed", "the process is dead"));
        if self.life.is_over() || !self.life.tick() {
            return killed();
        }
        let mut world = self.world();
        let weather = self.weather(&mut world, operation, about, changes);
        if let Weather::Before(error) = weather {
            return Err(error);
        }
        let answer = effect(&mut world);
        drop(world);
        if !self.life.tick() {
            return killed();
        }
        match weather {
            Weather::After(error) => Err(error),
            Weather::Fair | Weather::Before(_) => answer,
        }
    }

    fn weather(&self, world: &mut World, operation: &'static str, about: &str, changes: bool) -> Weather {
        let count = world.calls.entry(format!("{operation} {about}")).or_default();
        *count += 1;
        if let Some(left) = self.throttled.lock().unwrap().get_mut(operation).filter(|left| **left > 0) {
            *left -= 1;
            return Weather::Before(error(CloudErrorKind::Throttled, operation, "Throttling", "Rate exceeded"));
        }
        if self.faults == 0 || *count > 4 {
            return Weather::Fair;
        }
        let dice = hash(&[operation, about, &count.to_string(), &self.seed.to_string()]);
        if dice % 100 >= self.faults {
            return Weather::Fair;
        }
        let throttled = error(CloudErrorKind::Throttled, operation, "Throttling", "Rate exceeded");
        let lost = error(CloudErrorKind::Transient, operation, "InternalFailure", "");
        match dice / 100 % 4 {
            0 => Weather::Before(throttled),
            1 if changes => Weather::Before(error(CloudErrorKind::Busy, operation, "OperationInProgress", "not now")),
            2 => Weather::Before(lost),
            _ => Weather::After(lost),
        }
    }
}

impl World {
    fn did(&mut self, what: String) {
        self.effects.push(what);
    }

    /// A look at a stack: time passes for it.
    fn look(&mut self, key: &(Target, String)) -> Option<&mut FakeStack> {
        let stack = self.stacks.get_mut(key)?;
        if let Some((looks, then)) = stack.pending.take() {
            if looks > 0 {
                stack.pending = Some((looks - 1, then));
            } else {
                let ours = stack.ours;
                *stack = *then;
                if ours {
                    *self.running.get_mut(&key.0).unwrap() -= 1;
                }
                if stack.status == "DELETE_COMPLETE" {
                    self.stacks.remove(key);
                    return None;
                }
            }
        }
        self.stacks.get_mut(key)
    }

    fn began(&mut self, target: &Target) {
        let here = self.running.entry(target.clone()).or_default();
        *here += 1;
        let most = self.most_running.entry(target.clone()).or_default();
        *most = (*most).max(*here);
        self.most_overall = self.most_overall.max(self.running.values().sum());
    }

    /// What is there in the end, whatever was asked on the way.
    pub(crate) fn state(&self) -> String {
        let mut lines = Vec::new();
        for ((target, name), stack) in &self.stacks {
            lines.push(format!(
                "{target} {name} {} {:?} {:?} {:?} {:?}",
                stack.status, stack.change_set, stack.template, stack.parameters, stack.tags
            ));
        }
        for (name, set) in &self.sets {
            lines.push(format!("{name} {:?} {:?} {:?}", set.description, set.template, set.instances));
        }
        lines.push(format!("{:?} {:?} {:?}", self.units, self.policies, self.parents));
        lines.join("\n")
    }
}

fn body<'a>(world: &World, template: &TemplateSource<'a>) -> Answer<String> {
    match template {
        TemplateSource::Body(text) => Ok((*text).to_owned()),
        TemplateSource::Url(url) => match world.objects.get(*url) {
            Some(bytes) => Ok(String::from_utf8(bytes.clone()).unwrap()),
            None => {
                Err(error(CloudErrorKind::Invalid, "cloudformation:CreateChangeSet", "ValidationError", "no object"))
            }
        },
    }
}

/// What a template does to the one before, as CloudFormation says it.
fn changes(old: &str, new: &str) -> Vec<PlannedChange> {
    let resources = |text: &str| -> BTreeMap<String, Value> {
        let template: Value = serde_json::from_str(text).unwrap_or_default();
        let map = template.get("Resources").and_then(Value::as_object).cloned().unwrap_or_default();
        map.into_iter().collect()
    };
    let (old, new) = (resources(old), resources(new));
    let change = |id: &String, of: &Value, action: &str, replacement: Option<&str>| PlannedChange {
        logical_id: id.clone(),
        kind: of["Type"].as_str().unwrap_or_default().to_owned(),
        action: action.to_owned(),
        replacement: replacement.map(str::to_owned),
        properties: Vec::new(),
    };
    let mut found = Vec::new();
    for (id, resource) in &old {
        match new.get(id) {
            None => found.push(change(id, resource, "Remove", None)),
            Some(after) if after != resource => {
                let name = |value: &Value| value["Properties"]["TableName"].clone();
                let replaced = if name(after) == name(resource) { "False" } else { "True" };
                found.push(change(id, resource, "Modify", Some(replaced)));
            }
            Some(_) => {}
        }
    }
    found.extend(new.iter().filter(|(id, _)| !old.contains_key(*id)).map(|(id, of)| change(id, of, "Add", None)));
    found
}

impl Cloud for FakeCloud {
    fn caller(&self) -> Answer<String> {
        Ok(self.account.clone())
    }

    fn check(&self, target: &Target) -> Answer<()> {
        self.call("sts:AssumeRole", &target.to_string(), false, |_| match self.closed.get(target) {
            Some(kind) => Err(error(*kind, "sts:AssumeRole", "AccessDenied", "not here")),
            None => Ok(()),
        })
    }

    fn stack(&self, target: &Target, name: &str) -> Answer<Option<StackState>> {
        self.call("cloudformation:DescribeStacks", &format!("{target} {name}"), false, |world| {
            let found = world.look(&(target.clone(), name.to_owned())).map(|stack| StackState {
                id: format!("arn:aws:cloudformation:{}:{}:stack/{name}/1", target.region, target.account),
                status: stack.status.clone(),
                reason: None,
                change_set: stack.change_set.clone(),
                tags: stack.tags.clone(),
                parameters: stack.parameters.clone(),
            });
            Ok(found)
        })
    }

    fn stack_names(&self, target: &Target, prefix: &str) -> Answer<Vec<String>> {
        self.call("cloudformation:ListStacks", &target.to_string(), false, |world| {
            let here = world.stacks.keys().filter(|(place, name)| place == target && name.starts_with(prefix));
            Ok(here.map(|(_, name)| name.clone()).collect())
        })
    }

    fn create_change_set(&self, target: &Target, request: &ChangeSetRequest<'_>) -> Answer<String> {
        const CALL: &str = "cloudformation:CreateChangeSet";
        self.call(CALL, &format!("{target} {}", request.stack), true, |world| {
            let invalid = |message: &str| Err(error(CloudErrorKind::Invalid, CALL, "ValidationError", message));
            let template = body(world, &request.template)?;
            if let TemplateSource::Body(text) = request.template
                && text.len() > self.direct
            {
                return invalid("Member must have length less than or equal to 51200");
            }
            let key = (target.clone(), request.stack.to_owned());
            match world.stacks.get(&key).map(|stack| stack.status.clone()).as_deref() {
                None | Some("REVIEW_IN_PROGRESS") if request.create => {}
                Some("CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE") if !request.create => {}
                other => return invalid(&format!("the stack is in {other:?}, and create is {}", request.create)),
            }
            let stack = world.stacks.entry(key).or_insert_with(|| FakeStack::settled("REVIEW_IN_PROGRESS", ""));
            if stack.sets.contains_key(request.name) {
                return Err(error(CloudErrorKind::Invalid, CALL, "AlreadyExistsException", request.name));
            }
            let same = !request.create
                && (&stack.template, &stack.parameters, &stack.tags) == (&template, request.parameters, request.tags);
            let failed = same.then(|| {
                "The submitted information didn't contain changes. Submit different information to create a change set."
                    .to_owned()
            });
            let arn = format!(
                "arn:aws:cloudformation:{}:{}:changeSet/{}/{}",
                target.region, target.account, request.name, request.token
            );
            let set = FakeChangeSet {
                arn: arn.clone(),
                looks: hash(&[request.name]) % 3,
                create: request.create,
                execution: "UNAVAILABLE".to_owned(),
                failed,
                changes: if same { Vec::new() } else { changes(&stack.template, &template) },
                template,
                parameters: request.parameters.clone(),
                tags: request.tags.clone(),
            };
            stack.sets.insert(request.name.to_owned(), set);
            world.did(format!("propose {target} {}", request.stack));
            Ok(arn)
        })
    }

    fn change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<Option<ChangeSetState>> {
        self.call("cloudformation:DescribeChangeSet", &format!("{target} {stack}"), false, |world| {
            let key = (target.clone(), stack.to_owned());
            let Some(set) = world.stacks.get_mut(&key).and_then(|stack| stack.sets.get_mut(name)) else {
                return Ok(None);
            };
            let making = set.looks > 0;
            set.looks = set.looks.saturating_sub(1);
            let status = match (&set.failed, making) {
                (_, true) => "CREATE_IN_PROGRESS",
                (Some(_), false) => "FAILED",
                (None, false) => "CREATE_COMPLETE",
            };
            if !making && set.failed.is_none() && set.execution == "UNAVAILABLE" {
                set.execution = "AVAILABLE".to_owned();
            }
            Ok(Some(ChangeSetState {
                id: set.arn.clone(),
                status: status.to_owned(),
                execution: set.execution.clone(),
                reason: set.failed.clone(),
                changes: set.changes.clone(),
            }))
        })
    }

    fn execute_change_set(&self, target: &Target, stack: &str, name: &str, token: &str) -> Answer<()> {
        const CALL: &str = "cloudformation:ExecuteChangeSet";
        self.call(CALL, &format!("{target} {stack}"), true, |world| {
            if self.forgotten.contains(CALL) || !world.tokens.insert(format!("execute {token}")) {
                return Ok(());
            }
            let key = (target.clone(), stack.to_owned());
            let failing = self.failing.contains(stack);
            let found = world.stacks.get_mut(&key).filter(|stack| stack.sets.contains_key(name));
            let Some(found) = found else {
                return Err(error(CloudErrorKind::NotFound, CALL, "ChangeSetNotFound", name));
            };
            let set = found.sets[name].clone();
            if set.execution != "AVAILABLE" || found.pending.is_some() {
                let code = "InvalidChangeSetStatus";
                return Err(error(CloudErrorKind::Invalid, CALL, code, &format!("{} {}", set.execution, found.status)));
            }
            let mut then = FakeStack { sets: BTreeMap::new(), pending: None, ours: false, ..found.clone() };
            then.change_set = Some(set.arn.clone());
            let before = if set.create { "CREATE" } else { "UPDATE" };
            if failing {
                then.status = if set.create { "ROLLBACK_COMPLETE" } else { "UPDATE_ROLLBACK_COMPLETE" }.to_owned();
                then.reasons = vec!["Table: it does not want to".to_owned()];
            } else {
                then.status = format!("{before}_COMPLETE");
                (then.template, then.parameters, then.tags) = (set.template, set.parameters, set.tags);
            }
            found.status = format!("{before}_IN_PROGRESS");
            found.change_set = Some(set.arn);
            found.sets.clear();
            found.ours = true;
            found.pending = Some((1 + hash(&[stack]) % 4, Box::new(then)));
            world.began(target);
            world.did(format!("execute {target} {stack} {name}"));
            Ok(())
        })
    }

    fn delete_change_set(&self, target: &Target, stack: &str, name: &str) -> Answer<()> {
        self.call("cloudformation:DeleteChangeSet", &format!("{target} {stack}"), true, |world| {
            let key = (target.clone(), stack.to_owned());
            if let Some(found) = world.stacks.get_mut(&key)
                && found.sets.remove(name).is_some()
            {
                world.did(format!("discard {target} {stack}"));
            }
            Ok(())
        })
    }

    fn delete_stack(&self, target: &Target, stack: &str, token: &str) -> Answer<()> {
        const CALL: &str = "cloudformation:DeleteStack";
        self.call(CALL, &format!("{target} {stack}"), true, |world| {
            if self.forgotten.contains(CALL) || !world.tokens.insert(format!("delete {token}")) {
                return Ok(());
            }
            let key = (target.clone(), stack.to_owned());
            let Some(found) = world.stacks.get_mut(&key) else { return Ok(()) };
            if found.protected {
                let message = format!("Stack [{stack}] cannot be deleted while TerminationProtection is enabled");
                return Err(error(CloudErrorKind::Invalid, CALL, "ValidationError", &message));
            }
            let then = FakeStack::settled("DELETE_COMPLETE", "");
            found.status = "DELETE_IN_PROGRESS".to_owned();
            found.ours = true;
            found.pending = Some((1 + hash(&[stack]) % 3, Box::new(then)));
            world.began(target);
            world.did(format!("delete {target} {stack}"));
            Ok(())
        })
    }

    fn failures(&self, target: &Target, stack: &str, _token: &str) -> Answer<Vec<String>> {
        self.call("cloudformation:DescribeStackEvents", &format!("{target} {stack}"), false, |world| {
            let found = world.stacks.get(&(target.clone(), stack.to_owned()));
            Ok(found.map(|stack| stack.reasons.clone()).unwrap_or_default())
        })
    }

    fn template(&self, target: &Target, stack: &str) -> Answer<String> {
        self.call("cloudformation:GetTemplate", &format!("{target} {stack}"), false, |world| {
            match world.stacks.get(&(target.clone(), stack.to_owned())) {
                Some(stack) => Ok(stack.template.clone()),
                None => Err(error(CloudErrorKind::NotFound, "cloudformation:GetTemplate", "ValidationError", stack)),
            }
        })
    }

    fn put_template(&self, target: &Target, bucket: &str, key: &str, body: &[u8]) -> Answer<String> {
        self.call("s3:PutObject", &format!("{target} {key}"), true, |world| {
            let url = format!("https://{bucket}.s3.{}.amazonaws.com/{key}", target.region);
            world.objects.insert(url.clone(), body.to_vec());
            Ok(url)
        })
    }

    fn stack_set(&self, _home: &Target, name: &str) -> Answer<Option<StackSetState>> {
        self.call("cloudformation:DescribeStackSet", name, false, |world| {
            Ok(world.sets.get(name).map(|set| StackSetState {
                id: format!("{name}:1"),
                status: "ACTIVE".to_owned(),
                description: set.description.clone(),
                tags: BTreeMap::new(),
            }))
        })
    }

    fn create_stack_set(&self, _home: &Target, request: &StackSetRequest<'_>) -> Answer<()> {
        const CALL: &str = "cloudformation:CreateStackSet";
        self.call(CALL, request.name, true, |world| {
            let template = body(world, &request.template)?;
            if world.sets.contains_key(request.name) {
                return Err(error(CloudErrorKind::Invalid, CALL, "NameAlreadyExistsException", request.name));
            }
            let set = FakeSet { description: request.description.to_owned(), template, ..FakeSet::default() };
            world.sets.insert(request.name.to_owned(), set);
            world.did(format!("create set {}", request.name));
            Ok(())
        })
    }

    fn change_instances(
        &self,
        _home: &Target,
        request: &InstancesRequest<'_>,
        work: &InstancesWork<'_>,
    ) -> Answer<String> {
        const CALL: &str = "cloudformation:StackInstances";
        self.call(CALL, request.set, true, |world| {
            let template = match work {
                InstancesWork::Update(set) => Some(body(world, &set.template)?),
                InstancesWork::Create(_) | InstancesWork::Values(_) | InstancesWork::Delete => None,
            };
            let Some(set) = world.sets.get_mut(request.set) else {
                return Err(error(CloudErrorKind::NotFound, CALL, "StackSetNotFoundException", request.set));
            };
            if set.operations.contains_key(request.operation) {
                let code = "OperationIdAlreadyExistsException";
                return Err(error(CloudErrorKind::Invalid, CALL, code, request.operation));
            }
            if let Some(operation) = set.operations.values_mut().find(|operation| !operation.ended) {
                // Time passes for it whether or not somebody looks.
                operation.ended = operation.looks == 0;
                operation.looks = operation.looks.saturating_sub(1);
                return Err(error(CloudErrorKind::Busy, CALL, "OperationInProgressException", request.set));
            }
            if let (InstancesWork::Update(update), Some(template)) = (work, template) {
                set.description = update.description.to_owned();
                if set.template != template {
                    set.template = template;
                    for (status, _) in set.instances.values_mut() {
                        *status = "OUTDATED".to_owned();
                    }
                }
            }
            let mut failed = Vec::new();
            for account in request.accounts {
                for region in request.regions {
                    let target = Target { account: account.clone(), region: region.clone() };
                    let fails = self.failing.contains(account);
                    if fails {
                        failed.push((target.clone(), "it does not want to".to_owned()));
                    }
                    let status = if fails { "OUTDATED" } else { "CURRENT" }.to_owned();
                    match work {
                        InstancesWork::Create(parameters) => {
                            set.instances.insert(target, (status, (*parameters).clone()));
                        }
                        InstancesWork::Update(_) => match set.instances.get_mut(&target) {
                            Some(instance) => instance.0 = status,
                            None => {
                                let code = "StackInstanceNotFoundException";
                                return Err(error(CloudErrorKind::NotFound, CALL, code, account));
                            }
                        },
                        InstancesWork::Values(parameters) => match set.instances.get_mut(&target) {
                            Some(_) if fails => {}
                            Some(instance) => *instance = (status, (*parameters).clone()),
                            None => {
                                let code = "StackInstanceNotFoundException";
                                return Err(error(CloudErrorKind::NotFound, CALL, code, account));
                            }
                        },
                        InstancesWork::Delete if !fails => {
                            set.instances.remove(&target);
                        }
                        InstancesWork::Delete => {}
                    }
                }
            }
            let operation = FakeOperation { looks: 1 + hash(&[request.operation]) % 3, failed, ended: false };
            set.operations.insert(request.operation.to_owned(), operation);
            let verb = match work {
                InstancesWork::Create(_) => "create",
                InstancesWork::Update(_) => "update",
                InstancesWork::Values(_) => "give values to",
                InstancesWork::Delete => "delete",
            };
            world.did(format!("{verb} instances {} {:?} {:?}", request.set, request.accounts, request.regions));
            Ok(request.operation.to_owned())
        })
    }

    fn operation(&self, _home: &Target, set: &str, id: &str) -> Answer<Option<OperationState>> {
        self.call("cloudformation:DescribeStackSetOperation", &format!("{set} {id}"), false, |world| {
            let found = world.sets.get_mut(set).and_then(|set| set.operations.get_mut(id));
            Ok(found.map(|operation| {
                if operation.looks > 0 {
                    operation.looks -= 1;
                    return OperationState { status: "RUNNING".to_owned(), failed: Vec::new() };
                }
                operation.ended = true;
                let status = if operation.failed.is_empty() { "SUCCEEDED" } else { "FAILED" };
                OperationState { status: status.to_owned(), failed: operation.failed.clone() }
            }))
        })
    }

    fn instances(&self, _home: &Target, set: &str, account: Option<&str>) -> Answer<Vec<InstanceState>> {
        self.call("cloudformation:ListStackInstances", set, false, |world| {
            let Some(found) = world.sets.get(set) else { return Ok(Vec::new()) };
            let mine =
                found.instances.iter().filter(|(target, _)| account.is_none_or(|account| target.account == account));
            Ok(mine
                .map(|(target, (status, _))| InstanceState {
                    target: target.clone(),
                    stack: None,
                    status: status.clone(),
                    detailed: Some(if status == "CURRENT" { "SUCCEEDED" } else { "FAILED" }.to_owned()),
                    reason: None,
                })
                .collect())
        })
    }

    fn instance_values(&self, _home: &Target, set: &str, target: &Target) -> Answer<Option<BTreeMap<String, String>>> {
        self.call("cloudformation:DescribeStackInstance", &format!("{set} {target}"), false, |world| {
            let found = world.sets.get(set).and_then(|set| set.instances.get(target));
            Ok(found.map(|(_, values)| values.clone()))
        })
    }

    fn units(&self, _home: &Target, parent: &str) -> Answer<Vec<UnitState>> {
        self.call("organizations:ListOrganizationalUnitsForParent", parent, false, |world| {
            let below = world.units.iter().filter(|((above, _), _)| above == parent);
            Ok(below.map(|((_, name), id)| UnitState { id: id.clone(), name: name.clone() }).collect())
        })
    }

    fn create_unit(
        &self,
        _home: &Target,
        parent: &str,
        name: &str,
        _tags: &BTreeMap<String, String>,
    ) -> Answer<String> {
        const CALL: &str = "organizations:CreateOrganizationalUnit";
        self.call(CALL, name, true, |world| {
            let key = (parent.to_owned(), name.to_owned());
            if world.units.contains_key(&key) {
                return Err(error(CloudErrorKind::Invalid, CALL, "DuplicateOrganizationalUnitException", name));
            }
            let id = format!("ou-{:08x}", hash(&[parent, name]));
            world.units.insert(key, id.clone());
            world.did(format!("create unit {name}"));
            Ok(id)
        })
    }

    fn policy(&self, _home: &Target, kind: &str, name: &str) -> Answer<Option<PolicyState>> {
        self.call("organizations:ListPolicies", name, false, |world| {
            Ok(world.policies.get(name).filter(|policy| policy.kind == kind).map(|policy| PolicyState {
                id: policy.id.clone(),
                name: name.to_owned(),
                content: policy.content.clone(),
                description: policy.description.clone(),
                targets: policy.targets.iter().cloned().collect(),
            }))
        })
    }

    fn create_policy(
        &self,
        _home: &Target,
        kind: &str,
        name: &str,
        description: &str,
        content: &str,
        _tags: &BTreeMap<String, String>,
    ) -> Answer<String> {
        const CALL: &str = "organizations:CreatePolicy";
        self.call(CALL, name, true, |world| {
            if world.policies.contains_key(name) {
                return Err(error(CloudErrorKind::Invalid, CALL, "DuplicatePolicyException", name));
            }
            let id = format!("p-{:08x}", hash(&[name]));
            let policy = FakePolicy {
                id: id.clone(),
                kind: kind.to_owned(),
                content: content.to_owned(),
                description: description.to_owned(),
                targets: BTreeSet::new(),
            };
            world.policies.insert(name.to_owned(), policy);
            world.did(format!("create policy {name}"));
            Ok(id)
        })
    }

    fn update_policy(&self, _home: &Target, id: &str, description: &str, content: &str) -> Answer<()> {
        self.call("organizations:UpdatePolicy", id, true, |world| {
            let policy = world.policies.values_mut().find(|policy| policy.id == id).unwrap();
            (policy.content, policy.description) = (content.to_owned(), description.to_owned());
            world.did(format!("update policy {id}"));
            Ok(())
        })
    }

    fn attach_policy(&self, _home: &Target, policy: &str, unit: &str) -> Answer<()> {
        const CALL: &str = "organizations:AttachPolicy";
        self.call(CALL, &format!("{policy} {unit}"), true, |world| {
            let found = world.policies.values_mut().find(|found| found.id == policy).unwrap();
            if !found.targets.insert(unit.to_owned()) {
                return Err(error(CloudErrorKind::Invalid, CALL, "DuplicatePolicyAttachmentException", unit));
            }
            world.did(format!("attach {policy} {unit}"));
            Ok(())
        })
    }

    fn detach_policy(&self, _home: &Target, policy: &str, unit: &str) -> Answer<()> {
        self.call("organizations:DetachPolicy", &format!("{policy} {unit}"), true, |world| {
            let found = world.policies.values_mut().find(|found| found.id == policy).unwrap();
            assert!(found.targets.remove(unit), "{policy} is not attached to {unit}");
            world.did(format!("detach {policy} {unit}"));
            Ok(())
        })
    }

    fn parent(&self, _home: &Target, account: &str) -> Answer<String> {
        self.call("organizations:ListParents", account, false, |world| Ok(world.parents[account].clone()))
    }

    fn move_account(&self, _home: &Target, account: &str, from: &str, to: &str) -> Answer<()> {
        self.call("organizations:MoveAccount", account, true, |world| {
            assert_eq!(world.parents[account], from);
            world.parents.insert(account.to_owned(), to.to_owned());
            world.did(format!("move {account} {to}"));
            Ok(())
        })
    }

    fn ringing(&self, target: &Target, alarms: &[String]) -> Answer<Vec<String>> {
        self.call("cloudwatch:DescribeAlarms", &target.to_string(), false, |_| {
            let ringing = self.ringing.lock().unwrap();
            Ok(alarms.iter().filter(|alarm| ringing.contains(*alarm)).cloned().collect())
        })
    }

    fn detect_drift(&self, target: &Target, stack: &str) -> Answer<String> {
        self.call("cloudformation:DetectStackDrift", &format!("{target} {stack}"), false, |world| {
            match world.stacks.get(&(target.clone(), stack.to_owned())) {
                Some(_) => Ok(format!("drift-{stack}")),
                None => {
                    let call = "cloudformation:DetectStackDrift";
                    Err(error(CloudErrorKind::NotFound, call, "ValidationError", "it does not exist"))
                }
            }
        })
    }

    fn drift(&self, target: &Target, id: &str) -> Answer<DriftState> {
        self.call("cloudformation:DescribeStackDriftDetectionStatus", &format!("{target} {id}"), false, |world| {
            let count = world.calls[&format!("cloudformation:DescribeStackDriftDetectionStatus {target} {id}")];
            let status = if count < 3 { "DETECTION_IN_PROGRESS" } else { "DETECTION_COMPLETE" };
            let drift = if self.failing.contains(id.trim_start_matches("drift-")) { "DRIFTED" } else { "IN_SYNC" };
            Ok(DriftState { status: status.to_owned(), drift: (count >= 3).then(|| drift.to_owned()), reason: None })
        })
    }

    fn drifted(&self, target: &Target, stack: &str) -> Answer<Vec<ResourceDrift>> {
        self.call("cloudformation:DescribeStackResourceDrifts", &format!("{target} {stack}"), false, |_| {
            let drift = ResourceDrift {
                logical_id: "Table".to_owned(),
                kind: "AWS::DynamoDB::Table".to_owned(),
                status: "MODIFIED".to_owned(),
                properties: vec!["/BillingMode".to_owned()],
            };
            Ok(if self.failing.contains(stack) { vec![drift] } else { Vec::new() })
        })
    }
}
