//! `tenantry rollout`.

use anyhow::bail;

use super::Ending;
use super::terminal::Terminal;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, _terminal: &Terminal) -> anyhow::Result<Ending> {
    bail!("`rollout` is not there yet")
}
