//! Chores of the repository that are too much for a shell line.
#![expect(clippy::disallowed_methods, reason = "a chore reads and writes the repository's own files")]

mod codegen;
#[path = "../../src/cfn/pack.rs"]
mod pack;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["codegen"] => codegen::write(),
        ["codegen", "--check"] => codegen::check(),
        _ => bail!("usage: cargo run -p xtask -- codegen [--check]"),
    }
}
