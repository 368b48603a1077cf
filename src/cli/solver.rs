//! A second solver, run as a program of its own: what SMT-LIB says to it is on its standard input.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// How long a solver may think about one problem, in milliseconds.
const PATIENCE: u32 = 60_000;

/// A solver that was found.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    /// Its name and version, as it says them.
    pub(super) name: String,
    arguments: Vec<String>,
}

impl Program {
    /// Asks the program what it is.
    ///
    /// # Errors
    /// If it cannot be run, or is no solver that is known here.
    pub(super) fn find(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let output = Command::new(path)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run the solver `{shown}`; install it, or name it with its path"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let Some((name, arguments)) = known(&said) else {
            bail!("`{shown}` is not cvc5 or z3, the solvers whose arguments are known here");
        };
        Ok(Self { path: path.to_owned(), name, arguments })
    }

    /// The answer to a problem; none when the program could not be asked or said something else.
    pub(super) fn ask(&self, problem: &str) -> Option<String> {
        let mut child = Command::new(&self.path)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut input = child.stdin.take()?;
        // A solver answers when it has read everything, so that it cannot be waiting to be read meanwhile.
        let written = input.write_all(problem.as_bytes());
        drop(input);
        let output = child.wait_with_output().ok()?;
        written.ok()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let answer = said.lines().map(str::trim).find(|line| matches!(*line, "sat" | "unsat" | "unknown"));
        // Out of time is not an answer but says the same as one.
        Some(answer.unwrap_or("unknown").to_owned())
    }
}

/// The name and version in what a solver says about itself, and its arguments.
fn known(said: &str) -> Option<(String, Vec<String>)> {
    let first = said.lines().next().unwrap_or_default();
    let version = |after: &str| {
        let rest = said.split(after).nth(1).unwrap_or_default();
        rest.split([' ', '\n', '[', ',']).find(|word| !word.is_empty()).unwrap_or_default().to_owned()
    };
    if first.contains("cvc5") {
        let arguments = ["--lang=smt2", "--strings-exp", "--quiet"].map(str::to_owned).to_vec();
        let limit = format!("--tlimit={PATIENCE}");
        Some((format!("cvc5 {}", version("version ")), [arguments, vec![limit]].concat()))
    } else if first.starts_with("Z3") {
        Some((format!("z3 {}", version("version ")), vec!["-in".to_owned(), format!("-t:{PATIENCE}")]))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solvers_are_known_by_what_they_say() {
        let name = |said| known(said).map(|(name, _)| name);
        assert_eq!(name("This is cvc5 version 1.0.3 [git ...]\ncompiled with GCC\n").as_deref(), Some("cvc5 1.0.3"));
        assert_eq!(name("Z3 version 4.8.12 - 64 bit\n").as_deref(), Some("z3 4.8.12"));
        assert_eq!(name("GNU bash, version 5.2\n"), None);
    }

    #[test]
    fn what_cannot_be_run_or_is_no_solver_is_named() {
        let missing = format!("{:#}", Program::find(Path::new("/nowhere/cvc5")).unwrap_err());
        assert!(missing.starts_with("cannot run the solver `/nowhere/cvc5`; install it, or name it"), "{missing}");
        let other = Program::find(Path::new("true")).unwrap_err().to_string();
        assert!(other.starts_with("`true` is not cvc5 or z3"), "{other}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_asked_and_its_answer_is_one_of_three() {
        let program = |script: &str| Program {
            path: PathBuf::from("sh"),
            name: String::new(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
        };
        assert_eq!(program("cat").ask("unsat\n").as_deref(), Some("unsat"));
        assert_eq!(program("cat >/dev/null; echo warning; echo sat").ask("x").as_deref(), Some("sat"));
        assert_eq!(program("cat >/dev/null; echo timeout; exit 1").ask("x").as_deref(), Some("unknown"));
    }
}
