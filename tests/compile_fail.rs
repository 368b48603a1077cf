//! Misuses of the Rust surface that do not compile, and what the compiler says about them.
//!
//! `tests/compile_fail/README.md` lists them with the findings that YAML gives for the same mistakes. The messages belong
//! to the toolchain that `Cargo.toml` names; write them anew with `TRYBUILD=overwrite cargo test --test compile_fail`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tenantry::diagnostics::find_code;

#[test]
fn misuses_do_not_compile() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/compile_fail/*.rs");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its own files")]
fn the_table_says_what_the_compiler_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compile_fail");
    let table = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut listed = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| [")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [misuse, message, twin] = cells.as_slice() else { panic!("{row}") };
        let name = misuse.split('`').nth(1).unwrap();
        let said = fs::read_to_string(folder.join(name).with_extension("stderr")).unwrap();
        let said = said.replace("tenantry::dsl::", "").replace("tenantry::check::", "");
        assert!(said.contains(message), "{name} does not say: {message}");
        if let Some(code) = twin.strip_prefix('`').and_then(|twin| twin.strip_suffix('`')) {
            assert!(find_code(code).is_some(), "{code} of {name}");
        }
        listed.insert(name.to_owned());
    }
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let misuses: BTreeSet<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(listed, misuses);
}
