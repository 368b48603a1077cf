//! A proxy on loopback in front of an engine, which does what engines never do: throttles, fails before or after the
//! effect, hangs up, takes its time, and says other things than the engine did. It writes down every request, and keeps to
//! what AWS promises about tokens and names, which moto ignores.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::engine::{Engine, MOTO_ACCOUNT, element};
use super::http::{Answer, Request};

#[path = "stack_sets.rs"]
mod stack_sets;

/// Makes another answer of an answer.
type Rewriting = Arc<dyn Fn(&Call, Answer) -> Answer + Send + Sync>;

/// What happens to a call.
#[derive(Clone)]
pub(crate) enum Fault {
    /// Answered as AWS does to one who asks too often; the engine never hears of it.
    Throttle,
    /// Answered with an error of this status, code and message; the engine never hears of it.
    Error(u16, &'static str, &'static str),
    /// The engine does it, and the caller hears of a server in trouble.
    FailsAfter,
    /// The connection ends without an answer; the engine never hears of it.
    Reset,
    /// The engine does it, and the connection ends without an answer.
    ResetAfter,
    /// The engine does it after a while.
    Delay(Duration),
    /// The engine does it, and the caller hears something else.
    Rewrite(Rewriting),
    /// The caller hears this, and the engine nothing.
    Instead(Rewriting),
}

impl Fault {
    /// The engine does it, and the caller hears what the function makes of the answer.
    pub(crate) fn rewrite(rewriting: impl Fn(&Call, Answer) -> Answer + Send + Sync + 'static) -> Self {
        Self::Rewrite(Arc::new(rewriting))
    }

    /// The caller hears what the function makes of the call, and the engine nothing.
    pub(crate) fn instead(answering: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self::Instead(Arc::new(move |call, _| answering(call)))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Error(..) => "error",
            Self::FailsAfter => "fails after",
            Self::Reset => "reset",
            Self::ResetAfter => "reset after",
            Self::Delay(_) => "delay",
            Self::Rewrite(_) => "rewrite",
            Self::Instead(_) => "instead",
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which calls a fault befalls.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    operation: String,
    about: String,
    skip: usize,
    times: usize,
    fault: Fault,
}

impl Rule {
    /// Befalls every call of an operation (`CreateChangeSet`; `*` for every one).
    pub(crate) fn on(operation: &str, fault: Fault) -> Self {
        Self { operation: operation.to_owned(), about: String::new(), skip: 0, times: usize::MAX, fault }
    }

    /// Only those that have this text as, or in, a field.
    pub(crate) fn about(self, text: &str) -> Self {
        Self { about: text.to_owned(), ..self }
    }

    /// Only the `nth` of them, counted from 1.
    pub(crate) fn nth(self, nth: usize) -> Self {
        Self { skip: nth - 1, times: 1, ..self }
    }

    /// Only the first `times` of them.
    pub(crate) fn first(self, times: usize) -> Self {
        Self { skip: 0, times, ..self }
    }
}

/// A call that came by.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The service, as requests are signed for it.
    pub(crate) service: String,
    /// The operation, such as `CreateChangeSet`.
    pub(crate) operation: String,
    /// The account whose credentials signed it.
    pub(crate) account: String,
    /// The region it was signed for.
    pub(crate) region: String,
    /// The fields of a form, or the texts and numbers at the top of a JSON object.
    pub(crate) fields: BTreeMap<String, String>,
    /// Everything, as it came.
    pub(crate) request: Request,
    /// The fault that befell it.
    pub(crate) fault: Option<&'static str>,
    /// What the engine said; nothing if it never heard of the call.
    pub(crate) engine: Option<Answer>,
}

impl Call {
    fn new(request: Request, keys: &BTreeMap<String, String>) -> Self {
        let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
        let credential = header("authorization").split_once("Credential=").map_or("", |(_, rest)| rest);
        let mut scope = credential.split([',', ' ']).next().unwrap_or_default().split('/');
        let key = scope.next().unwrap_or_default();
        let (region, service) = (scope.nth(1).unwrap_or_default(), scope.next().unwrap_or_default());
        let mut fields = BTreeMap::new();
        let mut operation = header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
        if let Ok(Value::Object(object)) = serde_json::from_slice(&request.body) {
            for (name, value) in object {
                let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                fields.insert(name, text);
            }
        } else if header("content-type").starts_with("application/x-www-form-urlencoded") {
            let text = String::from_utf8_lossy(&request.body);
            for pair in text.split('&') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                fields.insert(decoded(name), decoded(value));
            }
            if let Some(action) = fields.get("Action") {
                operation.clone_from(action);
            }
        } else if let Some((_, name)) = request.path.split_once("/operation/") {
            name.clone_into(&mut operation);
        }
        if operation.is_empty() {
            operation = format!("{} {}", request.method, request.path.split('?').next().unwrap_or_default());
        }
        Self {
            account: keys.get(key).map_or(MOTO_ACCOUNT, String::as_str).to_owned(),
            service: service.to_owned(),
            region: region.to_owned(),
            operation,
            fields,
            fault: None,
            engine: None,
            request,
        }
    }

    /// A field, or nothing of it.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// The stack it is about, by its name, also where its ARN was given.
    pub(crate) fn stack(&self) -> &str {
        name_of(self.field("StackName"))
    }

    /// Whether the engine did it.
    pub(crate) fn took_effect(&self) -> bool {
        self.engine.as_ref().is_some_and(|answer| answer.status < 300)
    }

    fn is_json(&self) -> bool {
        self.request.headers.contains_key("x-amz-target")
    }

    /// An error, in the shape of the call's protocol.
    pub(crate) fn error(&self, status: u16, code: &str, message: &str) -> Answer {
        if self.is_json() {
            let body = serde_json::json!({ "__type": code, "message": message, "Message": message });
            return Answer::new(status, "application/x-amz-json-1.1", body.to_string());
        }
        let side = if status < 500 { "Sender" } else { "Receiver" };
        let body = format!(
            "<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        );
        Answer::new(status, "text/xml", body)
    }

    /// A good answer in XML, of what stands in its result.
    pub(crate) fn result(&self, inner: &str) -> Answer {
        let name = &self.operation;
        let body = format!(
            "<{name}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><{name}Result>{inner}</{name}Result>\
             <ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>\
             </{name}Response>"
        );
        Answer::new(200, "text/xml", body)
    }
}

/// The name in a stack's ARN; what is no ARN is a name.
fn name_of(stack: &str) -> &str {
    if stack.starts_with("arn:") { stack.split('/').nth(1).unwrap_or(stack) } else { stack }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        rest = others;
        let hex = (first == b'%' && others.len() >= 2).then(|| std::str::from_utf8(&others[..2]).ok()).flatten();
        if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &others[2..];
        } else {
            bytes.push(if first == b'+' { b' ' } else { first });
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The proxy. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    engine: u16,
    rules: Mutex<Vec<(Rule, usize)>>,
    log: Mutex<Vec<Call>>,
    /// The accounts of access keys that roles were given.
    keys: Mutex<BTreeMap<String, String>>,
    /// How often each thing is still said to be in progress, and how often that is for a new one.
    pending: Mutex<(usize, BTreeMap<String, usize>)>,
    /// What AWS remembers and moto does not.
    promises: Mutex<Promises>,
    outdated: Mutex<stack_sets::Outdated>,
    /// The engine is asked one thing at a time: moto keeps its state in plain dictionaries.
    turn: Mutex<()>,
    ended: AtomicBool,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Starts a proxy before an engine.
    pub(crate) fn before(engine: &Engine) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            engine: engine.port(),
            rules: Mutex::default(),
            log: Mutex::default(),
            keys: Mutex::default(),
            pending: Mutex::default(),
            promises: Mutex::default(),
            outdated: Mutex::default(),
            turn: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let own = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if own.ended.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let state = Arc::clone(&own);
                // A client that is killed leaves its connection; that is not the proxy's trouble.
                std::thread::spawn(move || drop(state.serve(&stream)));
            }
        });
        Self { port, state }
    }

    /// The port on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Adds a rule. Of several that fit a call the first befalls it; all count it.
    pub(crate) fn add(&self, rule: Rule) {
        held(&self.state.rules).push((rule, 0));
    }

    /// Takes the rules away.
    pub(crate) fn calm(&self) {
        held(&self.state.rules).clear();
    }

    /// Makes the engine look as if it took its time: stacks, change sets and operations of stack sets are in progress the
    /// first `times` times that somebody looks.
    pub(crate) fn take_time(&self, times: usize) {
        held(&self.state.pending).0 = times;
    }

    /// Lets the next update of a stack set fail in an account, where all stays as it was.
    pub(crate) fn fail_instance(&self, account: &str, reason: &str) {
        held(&self.state.outdated).fail(account, reason);
    }

    /// Forgets rules, log and what is in progress.
    pub(crate) fn reset(&self) {
        held(&self.state.rules).clear();
        held(&self.state.log).clear();
        *held(&self.state.pending) = (0, BTreeMap::new());
        *held(&self.state.promises) = Promises::default();
        *held(&self.state.outdated) = stack_sets::Outdated::default();
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        held(&self.state.log).clone()
    }

    /// How many calls came by.
    pub(crate) fn count(&self) -> usize {
        held(&self.state.log).len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

impl State {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let Some(request) = Request::read(stream)? else { return Ok(()) };
        let bare = request.method == "HEAD";
        match self.answer(request) {
            Some(answer) => answer.write(stream, bare),
            // Without an answer: the client sees the connection end.
            None => Ok(()),
        }
    }

    /// Nothing if the connection is to end without an answer.
    fn answer(&self, request: Request) -> Option<Answer> {
        let mut call = Call::new(request, &held(&self.keys));
        let fault = self.fault(&call);
        call.fault = fault.as_ref().map(Fault::name);
        let (answer, call) = match fault {
            None => {
                let answer = self.ask(&mut call);
                (Some(answer), call)
            }
            Some(Fault::Throttle) => {
                let code = if call.is_json() { "TooManyRequestsException" } else { "Throttling" };
                (Some(call.error(400, code, "Rate exceeded")), call)
            }
            Some(Fault::Error(status, code, message)) => (Some(call.error(status, code, message)), call),
            Some(Fault::FailsAfter) => {
                self.ask(&mut call);
                let code = if call.is_json() { "ServiceException" } else { "InternalFailure" };
                (Some(call.error(500, code, "an internal error")), call)
            }
            Some(Fault::Reset) => (None, call),
            Some(Fault::ResetAfter) => {
                self.ask(&mut call);
                (None, call)
            }
            Some(Fault::Delay(time)) => {
                std::thread::sleep(time);
                let answer = self.ask(&mut call);
                (Some(answer), call)
            }
            Some(Fault::Rewrite(rewriting)) => {
                let answer = self.ask(&mut call);
                (Some(rewriting(&call, answer)), call)
            }
            Some(Fault::Instead(answering)) => (Some(answering(&call, Answer::default())), call),
        };
        held(&self.log).push(call);
        answer
    }

    fn fault(&self, call: &Call) -> Option<Fault> {
        let mut found = None;
        for (rule, seen) in held(&self.rules).iter_mut() {
            let fits = (rule.operation == "*" || rule.operation == call.operation)
                && (rule.about.is_empty() || call.fields.values().any(|value| value.contains(&rule.about)));
            if fits {
                *seen += 1;
                let nth = *seen - 1;
                if found.is_none() && nth >= rule.skip && nth - rule.skip < rule.times {
                    found = Some(rule.fault.clone());
                }
            }
        }
        found
    }

    /// Asks the engine, and makes its answer look as if it took its time.
    fn ask(&self, call: &mut Call) -> Answer {
        let turn = held(&self.turn);
        let repeated = held(&self.promises).repeated(call);
        if let Some(answer) = repeated {
            call.fault = call.fault.or(Some("again"));
            return answer;
        }
        let request = stack_sets::asked(held(&self.promises).translated(call), call);
        let before = stack_sets::before(self.engine, call);
        let answer = request.send(self.engine).unwrap_or_else(|error| call.error(503, "Engine", &error.to_string()));
        let answer = held(&self.promises).remember(call, answer);
        let answer = held(&self.outdated).answered(self.engine, call, before, answer);
        drop(turn);
        call.engine = Some(answer.clone());
        if call.operation == "AssumeRole" && answer.status == 200 {
            let text = answer.text();
            let arn = element(&text, "Arn").unwrap_or_default();
            if let (Some(key), Some(account)) = (element(&text, "AccessKeyId"), arn.split(':').nth(4)) {
                held(&self.keys).insert(key, account.to_owned());
            }
        }
        self.pending(call, answer)
    }

    fn pending(&self, call: &Call, mut answer: Answer) -> Answer {
        let mut held = held(&self.pending);
        let times = held.0;
        if times == 0 || answer.status >= 300 {
            return answer;
        }
        let place = place(call);
        let change_set = || format!("change-set {place} {}", name_of(call.field("ChangeSetName")));
        let stack = || format!("stack {place} {}", call.stack());
        match call.operation.as_str() {
            "CreateChangeSet" => drop(held.1.insert(change_set(), times)),
            "ExecuteChangeSet" | "CreateStack" | "UpdateStack" | "DeleteStack" => drop(held.1.insert(stack(), times)),
            "CreateStackInstances" | "UpdateStackInstances" | "DeleteStackInstances" | "UpdateStackSet" => {
                if let Some(id) = element(&answer.text(), "OperationId") {
                    held.1.insert(format!("operation {id}"), times);
                }
            }
            "DescribeChangeSet" if take(&mut held.1, &change_set()) => {
                let text = put(&answer.text(), "Status", "CREATE_IN_PROGRESS");
                answer.body = put(&text, "ExecutionStatus", "UNAVAILABLE").into_bytes();
            }
            "DescribeStacks" if take(&mut held.1, &stack()) => {
                let text = answer.text();
                let status = element(&text, "StackStatus").unwrap_or_default();
                let status = status.replace("_COMPLETE", "_IN_PROGRESS");
                answer.body = put(&text, "StackStatus", &status).into_bytes();
            }
            "DescribeStackSetOperation" if take(&mut held.1, &format!("operation {}", call.field("OperationId"))) => {
                answer.body = put(&answer.text(), "Status", "RUNNING").into_bytes();
            }
            _ => {}
        }
        answer
    }
}

/// What AWS promises and moto ignores: a request with a token that was used is the same request; names of change sets are
/// taken once, and a change set is executed once; no two units of one parent have one name, and no two policies; a stack names the change set that made it what it is; operations of stack
/// sets have the ids that they were given.
#[derive(Debug, Default)]
struct Promises {
    /// Requests with tokens that took effect, and what was answered.
    tokens: BTreeMap<[String; 4], (BTreeMap<String, String>, Answer)>,
    /// Change sets that are there, and whether they were executed, by place, stack and name.
    change_sets: BTreeMap<[String; 3], bool>,
    /// Their ARNs.
    ids: BTreeMap<[String; 3], String>,
    /// The ARN of the change set that was executed last, by place and stack.
    executed: BTreeMap<[String; 2], String>,
    /// The engine's ids of operations, by those that were given.
    operations: BTreeMap<String, String>,
    /// Units by parent and name, policies by kind and name, attachments by policy and target; and where accounts were moved.
    organization: BTreeMap<[String; 3], String>,
}

/// What a change of the organization makes, with what it is to be, and the error for one who asks for it twice.
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html>
fn made(call: &Call) -> Option<([String; 3], String, &'static str)> {
    if call.service != "organizations" {
        return None;
    }
    let of = |kind: &str, one: &str, other: &str| [kind, call.field(one), call.field(other)].map(ToOwned::to_owned);
    let there = String::new();
    Some(match call.operation.as_str() {
        "CreateOrganizationalUnit" => (of("unit", "ParentId", "Name"), there, "DuplicateOrganizationalUnitException"),
        "CreatePolicy" => (of("policy", "Type", "Name"), there, "DuplicatePolicyException"),
        "AttachPolicy" => (of("attached", "PolicyId", "TargetId"), there, "DuplicatePolicyAttachmentException"),
        "MoveAccount" => {
            (of("account", "AccountId", ""), call.field("DestinationParentId").to_owned(), "DuplicateAccountException")
        }
        _ => return None,
    })
}

/// A call's token, by which a second one is known; that of operations of stack sets is their id.
fn token(call: &Call) -> Option<&str> {
    let read = ["Describe", "List", "Get"].iter().any(|verb| call.operation.starts_with(verb));
    if read || call.service != "cloudformation" {
        return None;
    }
    ["ClientToken", "ClientRequestToken", "OperationId"]
        .into_iter()
        .map(|name| call.field(name))
        .find(|token| !token.is_empty())
}

fn place(call: &Call) -> String {
    format!("{}/{}", call.account, call.region)
}

/// A change set by place, stack and name; also where its ARN was given.
fn change_set(call: &Call) -> [String; 3] {
    [place(call), call.stack().to_owned(), name_of(call.field("ChangeSetName")).to_owned()]
}

impl Promises {
    fn key(call: &Call) -> Option<[String; 4]> {
        Some([call.account.clone(), call.region.clone(), call.operation.clone(), token(call)?.to_owned()])
    }

    /// The answer to a call that AWS would not carry out (again).
    fn repeated(&self, call: &Call) -> Option<Answer> {
        if let Some((fields, answer)) = Self::key(call).and_then(|key| self.tokens.get(&key)) {
            if !call.field("OperationId").is_empty() {
                let message = "an operation with this id exists";
                return Some(call.error(409, "OperationIdAlreadyExistsException", message));
            }
            if *fields != call.fields {
                return Some(call.error(400, "TokenAlreadyExistsException", "the token was used for another request"));
            }
            return Some(answer.clone());
        }
        if let Some((what, how, code)) = made(call)
            && self.organization.get(&what) == Some(&how)
        {
            return Some(call.error(400, code, "it is there"));
        }
        match call.operation.as_str() {
            "CreateChangeSet" if self.change_sets.contains_key(&change_set(call)) => {
                Some(call.error(400, "AlreadyExistsException", "a change set with this name exists"))
            }
            "ExecuteChangeSet" if self.change_sets.get(&change_set(call)) == Some(&true) => {
                Some(call.error(400, "InvalidChangeSetStatus", "the change set was executed"))
            }
            _ => None,
        }
    }

    /// The request with the engine's own ids in it.
    fn translated(&self, call: &Call) -> Request {
        let mut request = call.request.clone();
        let given = call.field("OperationId");
        if let Some(own) = self.operations.get(given).filter(|_| token(call).is_none()) {
            request.body = String::from_utf8_lossy(&request.body).replace(given, own).into_bytes();
        }
        request
    }

    /// Remembers what a call did, and gives the answer the ids that were asked for.
    fn remember(&mut self, call: &Call, mut answer: Answer) -> Answer {
        if answer.status >= 300 {
            return answer;
        }
        if let Some((what, how, _)) = made(call) {
            self.organization.insert(what, how);
        }
        if call.operation == "DetachPolicy" {
            let (policy, target) = (call.field("PolicyId"), call.field("TargetId"));
            self.organization.remove(&["attached", policy, target].map(ToOwned::to_owned));
        }
        let given = call.field("OperationId");
        if call.service == "cloudformation" && !given.is_empty() {
            let text = answer.text();
            if let Some(own) = element(&text, "OperationId").filter(|_| token(call).is_some()) {
                self.operations.insert(given.to_owned(), own);
            }
            let own = self.operations.get(given).map_or(given, String::as_str);
            answer.body = text.replace(own, given).into_bytes();
        }
        if let Some(key) = Self::key(call) {
            self.tokens.insert(key, (call.fields.clone(), answer.clone()));
        }
        match call.operation.as_str() {
            "CreateChangeSet" => {
                self.change_sets.insert(change_set(call), false);
                self.ids.extend(element(&answer.text(), "Id").map(|id| (change_set(call), id)));
            }
            "ExecuteChangeSet" => {
                self.change_sets.insert(change_set(call), true);
                let id = self.ids.get(&change_set(call)).cloned();
                self.executed.extend(id.map(|id| ([place(call), call.stack().to_owned()], id)));
            }
            "DescribeStacks" => {
                if let Some(id) = self.executed.get(&[place(call), call.stack().to_owned()]) {
                    let text = format!("</StackId><ChangeSetId>{id}</ChangeSetId>");
                    answer.body = answer.text().replacen("</StackId>", &text, 1).into_bytes();
                }
            }
            "DeleteChangeSet" => drop(self.change_sets.remove(&change_set(call))),
            "DeleteStack" => {
                let (place, stack) = (place(call), call.stack());
                self.change_sets.retain(|[other, name, _], _| *other != place || name != stack);
                self.executed.remove(&[place, stack.to_owned()]);
            }
            _ => {}
        }
        answer
    }
}

fn take(pending: &mut BTreeMap<String, usize>, what: &str) -> bool {
    let Some(left) = pending.get_mut(what).filter(|left| **left > 0) else { return false };
    *left -= 1;
    true
}

/// An answer in XML with another text in the first element of a name.
pub(crate) fn put(xml: &str, name: &str, text: &str) -> String {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let Some((before, rest)) = xml.split_once(&open) else { return xml.to_owned() };
    let Some((_, after)) = rest.split_once(&close) else { return xml.to_owned() };
    format!("{before}{open}{text}{close}{after}")
}

/// A good answer of a service that speaks CBOR, as CloudWatch does with the SDK, and moto does not.
/// <https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html>
pub(crate) fn in_cbor(value: &Value) -> Answer {
    let mut answer = Answer::new(200, "application/cbor", cbor(value));
    answer.headers.insert("smithy-protocol".to_owned(), "rpc-v2-cbor".to_owned());
    answer
}

/// A JSON value as CBOR (RFC 8949), as far as answers here need it.
fn cbor(value: &Value) -> Vec<u8> {
    let head = |kind: u8, length: usize| match u8::try_from(length) {
        Ok(length @ ..24) => vec![kind << 5 | length],
        Ok(length) => vec![kind << 5 | 24, length],
        Err(_) => [&[kind << 5 | 25][..], &u16::try_from(length).unwrap().to_be_bytes()].concat(),
    };
    match value {
        Value::String(text) => [head(3, text.len()), text.clone().into_bytes()].concat(),
        Value::Array(items) => [head(4, items.len()), items.iter().flat_map(cbor).collect()].concat(),
        Value::Object(fields) => {
            let inner = fields.iter().flat_map(|(key, value)| [cbor(&Value::from(key.as_str())), cbor(value)].concat());
            [head(5, fields.len()), inner.collect()].concat()
        }
        other => panic!("{other}"),
    }
}
