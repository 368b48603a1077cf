//! Engines that stand for AWS on loopback and that nobody here wrote: moto, and LocalStack where it is installed. What
//! each of them cannot show stands in `docs/engines.md`.
//!
//! An engine ends with the test that started it, whichever way that ends: it is killed when it is dropped, also by a
//! panic, and ends by itself when its standard input does, also if the test is killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::http::{Answer, Request};

/// The access key for moto, whose account it then is. The CDK remembers accounts by key, so each engine has its own.
pub(crate) const MOTO_KEY: &str = "AKIAMOTOEXAMPLE00001";
/// The account of callers whose role moto does not know.
pub(crate) const MOTO_ACCOUNT: &str = "123456789012";
/// LocalStack takes a key of twelve digits for the account.
pub(crate) const LOCALSTACK_ACCOUNT: &str = "222222222222";
/// The secret key. It opens nothing; tests look for it where no secret may be.
pub(crate) const SECRET: &str = "NotASecret/ButLookedForInEveryOutput+001";
/// The region of clients that are not told another.
pub(crate) const REGION: &str = "eu-central-1";

/// An engine that runs.
#[derive(Debug)]
pub(crate) struct Engine {
    child: Child,
    port: u16,
    key: &'static str,
    /// A home for clients, so that nobody's real configuration or credentials are read.
    home: tempfile::TempDir,
    said: Arc<Mutex<String>>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[expect(clippy::disallowed_methods, reason = "somebody without Python or Node can run the other tests")]
pub(crate) fn is_skipped() -> bool {
    std::env::var("TENANTRY_SKIP_EXTERNAL").is_ok_and(|value| value == "1")
}

/// A tool that `tools/test-env.sh` installs.
pub(crate) fn tool(path: &str) -> PathBuf {
    let tool = root().join(path);
    assert!(tool.exists(), "{path} is missing: run tools/test-env.sh, or set TENANTRY_SKIP_EXTERNAL=1 to do without");
    tool
}

/// Says that a test did not run, past the harness, which shows nothing of tests that pass; `./test` says it again.
fn skip(why: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {why}: {}\n", thread.name().unwrap_or("a test"));
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    let list = root().join("target/tools/skipped.txt");
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

impl Engine {
    /// Starts moto; nothing if tests are to do without tools.
    pub(crate) fn moto() -> Option<Self> {
        if is_skipped() {
            skip("moto was not asked for");
            return None;
        }
        let python = tool("target/tools/moto/bin/python");
        Some(Self::start(Command::new(python).arg("tests/external/moto_server.py"), MOTO_KEY))
    }

    /// Starts LocalStack; nothing if it is absent, which is said loudly.
    pub(crate) fn localstack() -> Option<Self> {
        if is_skipped() {
            skip("LocalStack was not asked for");
            return None;
        }
        let python = root().join("target/tools/localstack/bin/python");
        if !python.exists() {
            #[expect(clippy::disallowed_methods, reason = "the script that installs says why there is none")]
            let why = std::fs::read_to_string(root().join("target/tools/localstack.absent"))
                .unwrap_or_else(|_| panic!("neither LocalStack nor a reason why it is absent: run tools/test-env.sh"));
            skip(&format!("LocalStack is absent, because {}", why.trim()));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(python);
        command.arg("tests/external/localstack_server.py").arg(folder.path());
        let mut engine = Self::start(&mut command, LOCALSTACK_ACCOUNT);
        engine.home = folder;
        Some(engine)
    }

    /// Starts an engine and waits until it says its port.
    fn start(command: &mut Command, key: &'static str) -> Self {
        let home = tempfile::tempdir().unwrap();
        clean(command, home.path());
        command.current_dir(root()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // What it says is taken off its hands, or it would stop at a full pipe.
        let said = Arc::new(Mutex::new(String::new()));
        let (mut from, to) = (child.stderr.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                to.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let engine = Self { child, port: line.trim().parse().unwrap_or_default(), key, home, said };
        assert!(engine.port != 0, "the engine did not start: {}", engine.said());
        engine
    }

    /// What the engine wrote to standard error.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The port on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// A command that talks to the engine, with no environment but what AWS's own tools read, and none of the user's.
    pub(crate) fn client(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.client_by(program, self.port)
    }

    /// The same by way of another port, such as a proxy's.
    pub(crate) fn client_by(&self, program: impl AsRef<std::ffi::OsStr>, port: u16) -> Command {
        let mut command = Command::new(program);
        clean(&mut command, self.home.path());
        command
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("AWS_ACCESS_KEY_ID", self.key)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION);
        command
    }

    /// Lets a command act as a role in another account. Moto gives a role in any account there is or is not.
    pub(crate) fn act_in(&self, command: &mut Command, account: &str) {
        let role = format!("arn:aws:iam::{account}:role/deployer");
        let answer = self.ask("sts", "AssumeRole", &[("RoleArn", &role), ("RoleSessionName", "test")]).text();
        for (variable, name) in [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
        ] {
            command.env(variable, element(&answer, name).unwrap_or_else(|| panic!("{answer}")));
        }
    }

    /// The access key of a role in another account, for [`Engine::ask_as`].
    pub(crate) fn key_in(&self, account: &str) -> String {
        key_in(self.port, self.key, account)
    }

    /// Forgets everything that moto was told.
    pub(crate) fn reset(&self) {
        let request = Request { method: "POST".to_owned(), path: "/moto-api/reset".to_owned(), ..Request::default() };
        let answer = request.send(self.port).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Asks a service that speaks forms and XML, in the engine's own account.
    pub(crate) fn ask(&self, service: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask_as(self.key, REGION, service, action, fields)
    }

    /// The same with another access key, in another region.
    pub(crate) fn ask_as(
        &self,
        key: &str,
        region: &str,
        service: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        ask_form(self.port, key, region, service, action, fields)
    }

    /// Asks a service that speaks JSON, in the engine's own account: `AWSOrganizationsV20161128.ListRoots`.
    pub(crate) fn ask_json(&self, service: &str, target: &str, body: &serde_json::Value) -> serde_json::Value {
        let mut request = signed(self.key, REGION, service);
        request.headers.insert("content-type".to_owned(), "application/x-amz-json-1.1".to_owned());
        request.headers.insert("x-amz-target".to_owned(), target.to_owned());
        request.body = body.to_string().into_bytes();
        let answer = request.send(self.port).unwrap();
        assert_eq!(answer.status, 200, "{target} {body}: {}", answer.text());
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{target}: {error}: {}", answer.text()))
    }
}

/// Asks what listens on a port of loopback, with forms and XML.
pub(crate) fn ask_form(
    port: u16,
    key: &str,
    region: &str,
    service: &str,
    action: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let version = match service {
        "cloudformation" => "2010-05-15",
        "iam" => "2010-05-08",
        "sts" => "2011-06-15",
        "sqs" => "2012-11-05",
        other => panic!("nobody asked `{other}` before"),
    };
    let mut body = format!("Action={action}&Version={version}");
    for (name, value) in fields {
        body += &format!("&{}={}", encoded(name), encoded(value));
    }
    let mut request = signed(key, region, service);
    request.headers.insert("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    request.body = body.into_bytes();
    request.send(port).unwrap()
}

/// The access key of a role in another account.
pub(crate) fn key_in(port: u16, key: &str, account: &str) -> String {
    let role = format!("arn:aws:iam::{account}:role/deployer");
    let fields = [("RoleArn", role.as_str()), ("RoleSessionName", "test")];
    let answer = ask_form(port, key, REGION, "sts", "AssumeRole", &fields).text();
    element(&answer, "AccessKeyId").unwrap_or_else(|| panic!("{answer}"))
}

/// A request that looks as if it were signed.
fn signed(key: &str, region: &str, service: &str) -> Request {
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    let headers = BTreeMap::from([
        ("authorization".to_owned(), signed),
        ("host".to_owned(), format!("{service}.{region}.amazonaws.com")),
    ]);
    Request { method: "POST".to_owned(), path: "/".to_owned(), headers, body: Vec::new() }
}

/// Leaves a command nothing of the user's environment but the way to programs.
fn clean(command: &mut Command, home: &Path) {
    command.env_clear();
    #[expect(clippy::disallowed_methods, reason = "programs are found by it")]
    let path = std::env::var("PATH").unwrap();
    command
        .env("PATH", path)
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .env("AWS_CONFIG_FILE", home.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", home.join("credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_PAGER", "");
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Not asked to end: LocalStack can take minutes over that.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A text as it stands in a form.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut form, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            form.push(char::from(byte));
        } else {
            form += &format!("%{byte:02X}");
        }
        form
    })
}

/// The texts of all elements of a name in an answer in XML, in their order. Elements of that name do not nest.
pub(crate) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)).map(|(text, _)| unescaped(text)).collect()
}

/// The text of the first element of a name.
pub(crate) fn element(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).into_iter().next()
}

fn unescaped(text: &str) -> String {
    let quoted = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#34;", "\"");
    quoted.replace("&#39;", "'").replace("&apos;", "'").replace("&amp;", "&")
}
