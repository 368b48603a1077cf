//! The README is run: blueprints are checked, commands are executed and what they print is compared, text that is said to
//! come from an assembly is looked for there.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test may panic, and reads the repository it stands in"
)]

#[path = "support/markdown.rs"]
mod markdown;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks of the README, in order, with their languages.
fn blocks() -> Vec<(String, String)> {
    markdown::blocks(&fs::read_to_string(root().join("README.md")).unwrap())
}

/// A folder in which `tenantry` and the shipped blueprints are at hand.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blueprints = folder.path().join("blueprints");
        fs::create_dir(&blueprints).unwrap();
        for entry in fs::read_dir(root().join("blueprints")).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, blueprints.join(path.file_name().unwrap())).unwrap();
        }
        let foreign = Path::new("tests/fixtures/foreign/hand-leaking");
        fs::create_dir_all(folder.path().join(foreign)).unwrap();
        for name in ["template.yaml", "tenancy.yaml"] {
            fs::copy(root().join(foreign).join(name), folder.path().join(foreign).join(name)).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a command prints, to either output.
    fn run(&self, command: &str) -> (String, Option<i32>) {
        let programs = Path::new(env!("CARGO_BIN_EXE_tenantry")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh")
            .args(["-c", &format!("{{ {command}\n}} 2>&1")])
            .current_dir(self.folder.path())
            .env("PATH", path)
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }
}

/// The commands of a console block, each with what it is said to print. `> ` goes on with a command.
fn commands(block: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push((command.to_owned(), String::new()));
        } else if let (Some(rest), Some((command, printed))) = (line.strip_prefix("> "), commands.last_mut())
            && printed.is_empty()
        {
            command.push('\n');
            command.push_str(rest);
        } else {
            let (_, printed) = commands.last_mut().expect("a console block begins with a command");
            printed.push_str(line);
            printed.push('\n');
        }
    }
    commands
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// Whether something was printed as it is said. `…` stands for any text.
fn fits(printed: &str, said: &str) -> bool {
    let mut pieces = said.split('…');
    let Some(mut rest) = pieces.next().and_then(|first| printed.strip_prefix(first)) else { return false };
    let mut last = None;
    for piece in pieces {
        // What ends the text must stand at its end; anything else may stand at its first place.
        if let Some(before) = last.replace(piece) {
            let Some(at) = rest.find(before) else { return false };
            rest = &rest[at + before.len()..];
        }
    }
    // A line that is left out takes its line break with it.
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[test]
fn what_the_readme_shows_is_what_happens() {
    let desk = Desk::new();
    let mut ran = 0;
    for (language, text) in blocks() {
        match language.as_str() {
            "yaml" => {
                let name =
                    text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a file name comes first");
                fs::write(desk.path(name), &text).unwrap();
                let (printed, code) = desk.run(&format!("tenantry check {name}"));
                assert_eq!((printed.as_str(), code), ("", Some(0)), "{name}");
            }
            "console" => {
                for (command, said) in commands(&text) {
                    if command.starts_with("jq ") && !has("jq") {
                        continue;
                    }
                    let (printed, code) = desk.run(&command);
                    // What is shown to fail shows its error; nothing else may fail.
                    assert!(code == Some(0) || said.contains("error"), "`{command}` fails: {printed}");
                    if !fits(&printed, &said) {
                        assert_eq!(printed, said, "what `{command}` prints");
                    }
                    ran += 1;
                }
            }
            "json" => {
                let lines = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
                let (found, _) = desk.run("cat assembly/templates/*.json");
                assert!(lines(&found).contains(&lines(&text)), "no template has\n{text}");
            }
            "sh" => {
                for command in text.replace("\\\n", " ").lines() {
                    let program = command.split(' ').next().unwrap();
                    match (program, command.strip_prefix("cargo run --release -- ")) {
                        (_, Some(arguments)) => {
                            let arguments = arguments.replace("-o assembly", "-o first");
                            let (printed, code) = desk.run(&format!("tenantry {arguments}"));
                            assert_eq!(code, Some(0), "{printed}");
                            ran += 1;
                        }
                        ("./test", _) => assert!(root().join("test").is_file(), "there is no ./test"),
                        // These need the network or an account; that the arguments are understood can be seen without.
                        ("tenantry", _) => {
                            let (printed, code) = desk.run(&format!("{command} --help"));
                            assert_eq!(code, Some(0), "{printed}");
                        }
                        ("npx" | "aws", _) => {}
                        ("cargo", _) => assert_eq!(command, "cargo install --path . --features deploy"),
                        _ => panic!("`{command}` is neither run nor known to need the network"),
                    }
                }
            }
            "rust" => {}
            other => panic!("a block in `{other}` is not looked after"),
        }
    }
    assert!(ran >= 4, "only {ran} commands were run");
}

#[test]
fn the_table_of_commands_has_them_all() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let (help, _) = Desk::new().run("tenantry --help");
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|command| *command != "help") {
        assert!(text.contains(&format!("| `tenantry {command}")), "the README says nothing about `{command}`");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    let mut pages = vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CHANGELOG.md")];
    for folder in ["docs", "docs/adr"] {
        let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            if file.starts_with("http") {
                continue;
            }
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if !target.exists() {
                wrong.push(format!("{}: {link}", page.display()));
            } else if !anchor.is_empty() && target.is_file() {
                let headings = fs::read_to_string(&target).unwrap();
                let found = headings.lines().filter(|line| line.starts_with('#')).any(|line| slug(line) == anchor);
                if !found {
                    wrong.push(format!("{}: {link}", page.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
}

/// The name that a heading can be linked to by.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept =
        text.chars().filter(|letter| letter.is_alphanumeric() || *letter == ' ' || *letter == '-' || *letter == '_');
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

/// The README's Rust is `examples/readme.rs`, word for word, and makes the same templates and tenants as its YAML.
#[test]
fn the_rust_of_the_readme_makes_the_same_assembly() {
    let (_, rust) = blocks().into_iter().find(|(language, _)| language == "rust").unwrap();
    let example = root().join("examples/readme.rs");
    let written = format!("//! The blueprint of the README.\n\n{rust}");
    if std::env::var_os("TENANTRY_WRITE").is_some() {
        fs::write(&example, &written).unwrap();
    }
    assert_eq!(fs::read_to_string(&example).unwrap(), written, "write examples/readme.rs with TENANTRY_WRITE=1");

    let desk = Desk::new();
    let (_, yaml) = blocks().into_iter().find(|(language, _)| language == "yaml").unwrap();
    fs::write(desk.path("orders.yaml"), yaml).unwrap();
    let manifest = root().join("Cargo.toml");
    // The whole workspace, as `./test` builds it: what is built already is not built again with other features.
    let cargo = format!("{} build --quiet --offline --workspace --manifest-path {}", env!("CARGO"), manifest.display());
    let built = Path::new(env!("CARGO_BIN_EXE_tenantry")).parent().unwrap().join("examples/readme");
    for command in [
        "tenantry synth orders.yaml -o yaml".to_owned(),
        format!("{cargo} --example readme"),
        format!("{} synth -o rust", built.display()),
    ] {
        let (printed, code) = desk.run(&command);
        assert_eq!(code, Some(0), "{command}: {printed}");
    }
    let (printed, code) = desk.run("diff -r yaml rust");
    assert_eq!((printed.as_str(), code), ("", Some(0)));
}
