//! `tenantry verify`: whether an assembly is whole.

use super::Ending;
use super::args;
use super::terminal::Terminal;
use crate::assembly::verify;
use crate::diagnostics::SourceMap;

pub(super) fn run(args: &args::Verify, terminal: &Terminal) -> anyhow::Result<Ending> {
    let findings = verify(&args.assembly);
    let ending = terminal.report(findings, &SourceMap::default(), false)?;
    if ending == Ending::Fine {
        terminal.say(&format!("{}: every file is the one its manifest names", args.assembly.display()))?;
    }
    Ok(ending)
}
