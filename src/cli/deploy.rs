//! `tenantry deploy`.

use anyhow::bail;

use super::Ending;
use super::terminal::Terminal;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {}

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct DriftArgs {}

pub(super) fn run(_args: &Args, _terminal: &Terminal) -> anyhow::Result<Ending> {
    bail!("`deploy` is not there yet")
}

pub(super) fn status(_args: &StatusArgs, _terminal: &Terminal) -> anyhow::Result<Ending> {
    bail!("`status` is not there yet")
}

pub(super) fn drift(_args: &DriftArgs, _terminal: &Terminal) -> anyhow::Result<Ending> {
    bail!("`drift` is not there yet")
}
