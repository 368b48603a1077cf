//! `tenantry preview`.

use anyhow::bail;

use super::Ending;
use super::terminal::Terminal;
use crate::dsl;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, _own: Option<dsl::Blueprint>, _terminal: &Terminal) -> anyhow::Result<Ending> {
    bail!("`preview` is not there yet")
}
