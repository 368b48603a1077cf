//! `preview --serve`: the page for this machine alone, made anew when a file changes.
//!
//! A page in a browser can send requests to any address, and a name that somebody else owns can lead to this one. So
//! nothing but loopback is listened at, a request must name the host it was made for (RFC 9110, section 15.5.20), and
//! nothing can be asked for but reading.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use tiny_http::{Header, Method, Request, Response, Server};

use super::super::Ending;
use super::super::report::place::Places;
use super::super::terminal::Terminal;
use super::{Looked, Subject};
use crate::emit::pretty;
use crate::preview::{Frame, Notice, Preview, content_security_policy, page};

/// How often files are looked at.
const PAUSE: Duration = Duration::from_millis(300);

/// What is served now.
#[derive(Debug, Default)]
struct Shown {
    version: u64,
    page: String,
    json: Option<String>,
}

/// When a file was changed last, and how large it is; nothing if it is not there.
type Mark = Option<(SystemTime, u64)>;

/// Serves until the program is ended.
pub(super) fn serve(subject: &Subject<'_>, address: SocketAddr, terminal: &Terminal) -> anyhow::Result<Ending> {
    if !address.ip().is_loopback() {
        bail!(
            "a preview is served to this machine alone, and `{address}` is not a loopback address; `127.0.0.1:8080` is one"
        );
    }
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen at `{address}`"))?;
    let address = listener.local_addr().context("cannot learn the port")?;
    let server = match Server::from_listener(listener, None) {
        Ok(server) => Arc::new(server),
        Err(error) => bail!("cannot serve at `{address}`: {error}"),
    };
    let shown = Mutex::new(Shown::default());
    let mut last = None;
    let mut watched = renew(subject, &shown, &mut last, terminal)?;
    terminal.say(&format!("http://{address}/\nlooks again when a file changes; end with Ctrl-C"))?;
    std::thread::scope(|scope| {
        let answering = Arc::clone(&server);
        let shown = &shown;
        scope.spawn(move || {
            for request in answering.incoming_requests() {
                answer(request, address, shown);
            }
        });
        loop {
            std::thread::sleep(PAUSE);
            let changed = watched.iter().any(|(path, mark)| look_at(path) != *mark);
            if !changed {
                continue;
            }
            // Editors write a file in more than one step.
            std::thread::sleep(PAUSE / 3);
            match renew(subject, shown, &mut last, terminal) {
                Ok(now) => watched = now,
                Err(error) => {
                    server.unblock();
                    return Err(error);
                }
            }
        }
    })
}

/// Makes the page anew; the files to watch from now on.
fn renew(
    subject: &Subject<'_>,
    shown: &Mutex<Shown>,
    last: &mut Option<Preview>,
    terminal: &Terminal,
) -> anyhow::Result<BTreeMap<PathBuf, Mark>> {
    // Marked before they are read: a change in between is seen the next time.
    let before: BTreeMap<PathBuf, Mark> = marks(&subject.named());
    let (preview, notices, touched) = match subject.look(terminal) {
        Ok(Looked { preview, findings, sources, touched, .. }) => {
            let findings = findings.into_sorted();
            let places = Places::new(&findings, &sources);
            let notices: Vec<Notice> = findings
                .iter()
                .filter(|finding| finding.acknowledged.is_none())
                .map(|finding| Notice::new(finding, places.find(&finding.primary.origin).to_string()))
                .collect();
            (preview, notices, touched)
        }
        // A blueprint that is away for a moment comes back.
        Err(error) => {
            let notice = Notice {
                code: "preview".to_owned(),
                severity: "error",
                message: format!("{error:#}"),
                place: String::new(),
                help: Vec::new(),
            };
            (None, vec![notice], subject.named())
        }
    };
    let stale = preview.is_none();
    let json = preview.as_ref().map(|preview| String::from_utf8_lossy(&pretty(preview)).into_owned());
    if preview.is_some() {
        *last = preview;
    }
    let mut now = shown.lock().unwrap_or_else(PoisonError::into_inner);
    now.version += 1;
    now.json = json;
    let frame = Frame { tenant: subject.tenant, notices: &notices, stale, version: Some(now.version) };
    now.page = page(last.as_ref(), &frame)?;
    let version = now.version;
    drop(now);
    if version > 1 {
        let words = match notices.len() {
            0 => String::new(),
            1 => ", 1 finding".to_owned(),
            many => format!(", {many} findings"),
        };
        terminal.say(&format!("made anew{words}"))?;
    }
    let mut watched = marks(&touched);
    watched.extend(before);
    Ok(watched)
}

fn marks(paths: &BTreeSet<PathBuf>) -> BTreeMap<PathBuf, Mark> {
    paths.iter().map(|path| (path.clone(), look_at(path))).collect()
}

fn look_at(path: &Path) -> Mark {
    let facts = std::fs::metadata(path).ok()?;
    Some((facts.modified().ok()?, facts.len()))
}

/// Answers one request. Whoever asked may be gone; that is no failure.
fn answer(request: Request, address: SocketAddr, shown: &Mutex<Shown>) {
    let (status, kind, body) = decide(&request, address, shown);
    // The whole is there, so its length can be said; chunks would cut characters in two.
    let mut response = Response::from_string(body).with_status_code(status).with_chunked_threshold(usize::MAX);
    let policy = format!("{}; frame-ancestors 'none'", content_security_policy(true));
    let headers = [
        ("Content-Type", kind),
        ("Content-Security-Policy", policy.as_str()),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ];
    for (name, value) in headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    if status == 405
        && let Ok(header) = Header::from_bytes("Allow", "GET, HEAD")
    {
        response.add_header(header);
    }
    let _ = request.respond(response);
}

const TEXT: &str = "text/plain; charset=utf-8";

fn decide(request: &Request, address: SocketAddr, shown: &Mutex<Shown>) -> (u16, &'static str, String) {
    let mut hosts = request.headers().iter().filter(|header| header.field.equiv("Host"));
    let host = hosts.next().map(|header| header.value.as_str()).filter(|_| hosts.next().is_none());
    if !host.is_some_and(|host| is_own(host, address)) {
        return (421, TEXT, "this is not the host that was asked for\n".to_owned());
    }
    if !matches!(request.method(), Method::Get | Method::Head) {
        return (405, TEXT, "there is nothing to change here\n".to_owned());
    }
    let now = shown.lock().unwrap_or_else(PoisonError::into_inner);
    match request.url().split('?').next().unwrap_or_default() {
        "/" => (200, "text/html; charset=utf-8", now.page.clone()),
        "/version" => (200, TEXT, format!("{}\n", now.version)),
        "/preview.json" => match &now.json {
            Some(json) => (200, "application/json", json.clone()),
            None => (503, TEXT, "there is no preview while the blueprint has errors\n".to_owned()),
        },
        _ => (404, TEXT, "there is no such page\n".to_owned()),
    }
}

/// Whether a `Host` header names this server: a loopback name and its port.
fn is_own(host: &str, address: SocketAddr) -> bool {
    let port = address.port();
    let names = [address.to_string(), format!("localhost:{port}")];
    names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_names_are_answered() {
        let address: SocketAddr = "127.0.0.1:4321".parse().unwrap();
        assert!(is_own("127.0.0.1:4321", address));
        assert!(is_own("LocalHost:4321", address));
        for other in
            ["127.0.0.1", "127.0.0.1:80", "evil.example:4321", "localhost.evil.example:4321", "127.0.0.2:4321", ""]
        {
            assert!(!is_own(other, address), "{other}");
        }
        assert!(is_own("[::1]:80", "[::1]:80".parse().unwrap()));
    }
}
