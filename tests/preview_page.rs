//! The page of `tenantry preview`, as a person meets it: in a browser, by keyboard, in light and dark, on a narrow screen, and
//! while the blueprint changes. `tools/test-env.sh` installs Chromium and what drives it; without them these tests fail,
//! unless `TENANTRY_SKIP_EXTERNAL=1` is set. Screenshots are left in `target/preview`.

#[cfg(test)]
#[expect(dead_code, reason = "what other tests use")]
mod support;

#[cfg(test)]
#[path = "support/patience.rs"]
mod patience;

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};

    use tenantry::assembly::Assembly;
    use tenantry::preview::{Frame, page, preview};
    use tenantry::source::{Disk, Memory};

    use super::patience;
    use super::support::{Run, assemble, text_of};

    /// A name that would act if anything of it were taken for more than text.
    const HOSTILE: &str =
        "\"><script>window.pwned=true</script><img src=x onerror=window.pwned=true>'`</title></style>";

    #[expect(clippy::disallowed_methods, reason = "somebody without a browser can run the other tests")]
    fn is_skipped() -> bool {
        let skipped = std::env::var("TENANTRY_SKIP_EXTERNAL").is_ok_and(|value| value == "1");
        if skipped {
            eprintln!("SKIPPED: the page was not looked at, because TENANTRY_SKIP_EXTERNAL=1");
        }
        skipped
    }

    fn chromium() -> PathBuf {
        let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
        let found = places.into_iter().map(PathBuf::from).find(|path| path.exists());
        found.expect("Chromium is missing: run tools/test-env.sh, or set TENANTRY_SKIP_EXTERNAL=1")
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn driver(pages: &[(String, String)]) -> Command {
        let shots = root().join("target/preview");
        std::fs::create_dir_all(&shots).unwrap();
        let mut command = Command::new("node");
        command
            .arg(root().join("tests/external/page.mjs"))
            .arg(root().join("target/tools/node"))
            .arg(chromium())
            .arg(shots);
        command.args(pages.iter().map(|(name, url)| format!("{name}={url}")));
        command
    }

    fn wrong_of(text: &str) -> Vec<String> {
        let last = text.lines().last().unwrap_or_default();
        let value: serde_json::Value =
            serde_json::from_str(last).unwrap_or_else(|error| panic!("page.mjs said {text:?}: {error}"));
        value["wrong"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "the test makes its own files")]
    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn a_person_can_use_the_page() {
        if is_skipped() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut pages = Vec::new();
        let named = text_of("blueprints/serverless-saas.yaml")
            .replace("name: Bakery Brown", &format!("name: {}", serde_json::to_string(HOSTILE).unwrap()));
        let regulated = text_of("blueprints/regulated-cases.yaml");
        for (blueprint, text, tenants) in [
            ("serverless-saas", named.as_str(), vec!["tenant-001", "tenant-010", "tenant-020", "tenant-030"]),
            ("regulated-cases", regulated.as_str(), vec![]),
        ] {
            let out = folder.path().join(blueprint);
            assemble(text, &Disk::new(root().join("blueprints")), &out, Run::default()).unwrap();
            let assembly = Assembly::open(&out).unwrap();
            let tenants: Vec<String> = match tenants.as_slice() {
                [] => assembly.tenants().unwrap().take(1).map(|tenant| tenant.unwrap().tenant.to_string()).collect(),
                named => named.iter().map(|id| (*id).to_owned()).collect(),
            };
            for tenant in tenants {
                let preview = preview(&assembly, &tenant, None).unwrap();
                let html = page(Some(&preview), &Frame { tenant: &tenant, ..Frame::default() }).unwrap();
                let name = format!("{blueprint}-{tenant}");
                let file = folder.path().join(format!("{name}.html"));
                write(&file, &html);
                pages.push((name, format!("file://{}", file.display())));
            }
        }
        let output = patience::output(&mut driver(&pages));
        let (out, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "page.mjs ended with {}: {errors}", output.status);
        let wrong = wrong_of(&out);
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }

    /// The server, ended when the test ends.
    struct Server(Child);

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn serve(folder: &Path) -> (Server, String) {
        let child = Command::new(env!("CARGO_BIN_EXE_tenantry"))
            .args(["preview", "tenant-001", "--blueprint", "blueprint.yaml", "--against", "assembly", "--serve"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn();
        let mut server = Server(child.unwrap());
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().to_owned();
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        (server, address)
    }

    /// What the server says to a request as it stands: the status line and the rest.
    fn ask(address: &str, request: &str) -> String {
        use std::io::Read as _;
        let port = address.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = std::net::TcpStream::connect(port).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn folder_with_assembly() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let text = text_of("blueprints/serverless-saas.yaml");
        assemble(&text, &Memory::default(), &folder.path().join("assembly"), Run::default()).unwrap();
        write(&folder.path().join("blueprint.yaml"), &text);
        (folder, text)
    }

    #[test]
    fn the_server_answers_nobody_but_this_machine() {
        let (folder, _) = folder_with_assembly();
        let (_server, address) = serve(folder.path());
        let host = address.trim_start_matches("http://").trim_end_matches('/');
        let status = |request: &str| ask(&address, request).split(' ').nth(1).unwrap_or_default().to_owned();
        let with = |method: &str, path: &str, host: &str| {
            status(&format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
        };
        assert_eq!(with("GET", "/", host), "200");
        assert_eq!(with("GET", "/version", host), "200");
        assert_eq!(with("GET", "/preview.json", host), "200");
        assert_eq!(with("HEAD", "/", host), "200");
        assert_eq!(with("GET", "/../../etc/passwd", host), "404");
        // A name that leads here is not this server (DNS rebinding), nor is another port.
        for other in ["evil.example", "127.0.0.1", "127.0.0.1:1", ""] {
            assert_eq!(with("GET", "/", other), "421", "{other}");
        }
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            assert_eq!(with(method, "/", host), "405", "{method}");
        }
        let answer = ask(&address, &format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        for header in ["frame-ancestors 'none'", "X-Content-Type-Options: nosniff", "Cache-Control: no-store"] {
            assert!(answer.contains(header), "{header} is not among the headers");
        }
    }

    #[test]
    fn an_address_that_others_reach_is_refused() {
        for address in ["0.0.0.0:0", "192.0.2.1:80", "[::]:0"] {
            let output = Command::new(env!("CARGO_BIN_EXE_tenantry"))
                .args(["preview", "a", "--assembly", "x", &format!("--serve={address}")])
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(2));
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("is not a loopback address"), "{said}");
        }
    }

    #[test]
    fn the_page_follows_the_blueprint() {
        if is_skipped() {
            return;
        }
        let (folder, text) = folder_with_assembly();
        let (_server, address) = serve(folder.path());
        let mut browser =
            driver(&[("served".to_owned(), address)]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = browser.stdin.take().unwrap();
        let mut lines = BufReader::new(browser.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(lines.next().as_deref(), Some("ready"));
        let blueprint = folder.path().join("blueprint.yaml");
        for (word, text) in [
            ("changed", text.replace("memory_mib: 512", "memory_mib: 1024")),
            ("broken", text.replace("isolation: pool", "isolation: puddle")),
            ("mended", text.clone()),
        ] {
            writeln!(input, "{word}").unwrap();
            let seen = lines.next().unwrap();
            if seen.starts_with('{') {
                panic!("{seen}");
            }
            write(&blueprint, &text);
            let answer = lines.next().unwrap();
            assert_eq!(answer, word, "the page did not follow");
        }
        drop(input);
        let wrong = wrong_of(&lines.last().unwrap());
        assert!(browser.wait().unwrap().success());
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    }
}
