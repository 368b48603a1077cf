//! `tenantry completions`: for the shells that `clap_complete` knows.

use clap::CommandFactory;

use super::Ending;
use super::args::{self, Cli};
use super::terminal::Terminal;

pub(super) fn run(args: &args::Completions, terminal: &Terminal) -> anyhow::Result<Ending> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tenantry", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(Ending::Fine)
}
