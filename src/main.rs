//! The command line of tenantry.

use std::process::ExitCode;

fn main() -> ExitCode {
    tenantry::cli::run()
}
