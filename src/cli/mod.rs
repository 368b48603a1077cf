//! The command line: what the library does, shown to people and to pipelines. One file for each command.

mod args;
mod check;
mod completions;
mod deploy;
mod diff;
pub mod explain;
mod init;
mod load;
mod plan;
mod preview;
mod progress;
mod prove;
pub mod report;
mod revision;
mod rollout;
mod schema;
pub mod solver;
mod synth;
mod temporary;
mod terminal;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command};
use self::terminal::Terminal;
use crate::dsl;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing to say.
    Fine,
    /// There are findings.
    Findings,
    /// It could not run.
    CouldNotRun,
    /// Isolation, or another claim, is refuted or unknown.
    NotProved,
    /// There would be changes.
    Changes,
}

impl Ending {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::CouldNotRun => 2,
            Self::NotProved => 3,
            Self::Changes => 4,
        }
    }
}

/// The command line over blueprints in YAML.
#[must_use]
pub fn run() -> ExitCode {
    start(None)
}

/// The whole command line for a blueprint written in Rust: the last call of a user's `main`.
#[must_use]
pub fn main(blueprint: dsl::Blueprint) -> ExitCode {
    start(Some(blueprint))
}

fn start(own: Option<dsl::Blueprint>) -> ExitCode {
    let cli = Cli::parse();
    let mut terminal = Terminal::new(&cli.global);
    let ending = match dispatch(&cli.command, own, &mut terminal) {
        Ok(ending) => ending,
        Err(error) => {
            terminal.failure(&error);
            Ending::CouldNotRun
        }
    };
    ExitCode::from(ending.code())
}

fn dispatch(command: &Command, own: Option<dsl::Blueprint>, terminal: &mut Terminal) -> anyhow::Result<Ending> {
    match command {
        Command::Init(args) => init::run(args, terminal),
        Command::Check(args) => check::run(args, own, terminal),
        Command::Synth(args) => synth::run(args, own, terminal),
        Command::Verify(args) => verify::run(args, terminal),
        Command::Prove(args) => prove::run(args, prove::engine, terminal),
        Command::Diff(args) => diff::run(args, terminal),
        Command::Preview(args) => preview::run(args, own, terminal),
        Command::Plan(args) => plan::run(args, terminal),
        Command::Rollout(args) => rollout::run(args, terminal),
        Command::Deploy(args) => deploy::run(args, terminal),
        Command::Status(args) => deploy::status(args, terminal),
        Command::Drift(args) => deploy::drift(args, terminal),
        Command::Explain(args) => explain::run(args, terminal),
        Command::Schema(args) => schema::run(args, terminal),
        Command::Completions(args) => completions::run(args, terminal),
    }
}
