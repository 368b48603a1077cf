//! Every dependency has a reason in `docs/adr/0007-dependencies.md`, and a licence that we may ship under.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test may panic, and reads the repository it stands in"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Licences that code linked into the program may have; one of a choice is enough.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What cargo knows about the packages of this platform. They are on the disk: this test was built with them.
fn metadata() -> Value {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--all-features", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn every_direct_dependency_has_a_reason() {
    let page = std::fs::read_to_string(root().join("docs/adr/0007-dependencies.md")).unwrap();
    let metadata = metadata();
    let package = metadata["packages"].as_array().unwrap().iter().find(|one| text(one, "name") == "tenantry").unwrap();
    let named: BTreeSet<&str> =
        package["dependencies"].as_array().unwrap().iter().map(|dependency| text(dependency, "name")).collect();
    let missing: Vec<&&str> = named.iter().filter(|name| !page.contains(&format!("| `{name}`"))).collect();
    assert!(missing.is_empty(), "docs/adr/0007-dependencies.md gives no reason for {missing:?}");
    let gone: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .filter(|name| !named.contains(name))
        .collect();
    assert!(gone.is_empty(), "docs/adr/0007-dependencies.md speaks of {gone:?}, which nothing uses");
}

/// Whether a licence expression can be met: each side of `AND`, one side of `OR`.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace(['(', ')'], " ").replace('/', " OR ");
    expression.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn what_is_linked_in_has_a_licence_that_is_known() {
    assert!(is_allowed("MIT OR GPL-3.0") && is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert!(!is_allowed("GPL-3.0") && !is_allowed("MIT AND GPL-3.0"));
    let metadata = metadata();
    let wrong: Vec<String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| !package["source"].is_null() && !is_allowed(text(package, "license")))
        .map(|package| format!("{} is under `{}`", text(package, "name"), text(package, "license")))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The names of all packages that a build with some features takes, its tests included.
fn tree(features: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package=tenantry", "--edges=normal,build,dev", "--prefix=none"])
        .args(["--format={p}", "--features", features])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect()
}

#[test]
fn only_the_feature_deploy_takes_what_talks_to_aws() {
    let talks = |name: &String| {
        ["tokio", "hyper", "rustls", "ring"].contains(&name.as_str())
            || name.starts_with("aws-")
            || name.starts_with("hyper-")
            || name.starts_with("tokio-")
    };
    let plain: Vec<String> = tree("").into_iter().filter(talks).collect();
    assert!(plain.is_empty(), "the default features take {plain:?}");
    let with = tree("deploy");
    for name in ["tokio", "aws-sdk-cloudformation", "ring"] {
        assert!(with.contains(name), "the feature `deploy` takes no {name}");
    }
    // One provider of cryptography is enough, and this one would need more tools to build.
    assert!(!with.contains("aws-lc-rs") && !with.contains("aws-lc-sys") && !with.contains("openssl"));
}
