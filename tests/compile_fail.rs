//! Misuses of the Rust surface that do not compile, and what the compiler says about them.
//!
//! `tests/compile_fail/README.md` lists them with the findings that YAML gives for the same mistakes. The messages belong
//! to the toolchain that `Cargo.toml` names; write them anew with `TRYBUILD=overwrite cargo test --test compile_fail`.

#[test]
fn misuses_do_not_compile() {
    let tests = trybuild::TestCases::new();
    tests.compile_fail("tests/compile_fail/*.rs");
}
