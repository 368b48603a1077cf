//! A second opinion: a solver that knows nothing of this crate is run on the questions that were answered.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, bail};

use crate::assembly::Digest;
use crate::prove::proof::CrossCheck;
use crate::prove::smt::Script;

/// Which solver it is, for its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cvc5,
    Z3,
}

/// A solver that can be run.
#[derive(Debug, Clone)]
pub struct Solver {
    program: String,
    kind: Kind,
    /// Its name and version: `cvc5 1.0.3`.
    pub version: String,
}

impl Solver {
    /// The solver of this name or path.
    ///
    /// # Errors
    /// If it does not run, or is neither cvc5 nor z3.
    pub fn find(program: &str) -> anyhow::Result<Self> {
        let output = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run the solver `{program}`; install it, or name it with its path"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let Some((kind, version)) = version(&said) else {
            bail!("`{program}` is neither cvc5 nor z3");
        };
        Ok(Self { program: program.to_owned(), kind, version })
    }

    /// What the solver says to a question within so many seconds.
    ///
    /// # Errors
    /// If it does not run, or does not understand the question.
    pub fn ask(&self, script: &Script, seconds: u32) -> anyhow::Result<CrossCheck> {
        let said = |answer: &str| CrossCheck {
            solver: self.version.clone(),
            problem: Digest::of(script.text.as_bytes()).to_string(),
            answer: answer.to_owned(),
        };
        if script.to_lower && self.kind == Kind::Z3 {
            return Ok(said("unknown"));
        }
        let mut command = Command::new(&self.program);
        match self.kind {
            // Finite models of strings: without it, questions that have an answer often get none.
            Kind::Cvc5 => {
                command.args(["--lang=smt2", "--strings-fmf", &format!("--tlimit={}", u64::from(seconds) * 1000), "-"])
            }
            Kind::Z3 => command.args(["-smt2", "-in", &format!("-T:{seconds}")]),
        };
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("the solver `{}` does not run", self.program))?;
        let input = child.stdin.take();
        let output = thread::scope(|scope| {
            // A solver that stops early closes its end; what it said counts.
            scope.spawn(|| input.map(|mut input| input.write_all(script.text.as_bytes())));
            child.wait_with_output()
        })?;
        let text = String::from_utf8_lossy(&output.stdout);
        match answer(&text) {
            Ok("sat") if !script.exact => Ok(said("unknown")),
            Ok(answer) => Ok(said(answer)),
            Err(complaint) => bail!("`{}` does not understand the question: {complaint}", self.program),
        }
    }
}

/// Which solver says that it is of which version.
fn version(said: &str) -> Option<(Kind, String)> {
    let mut words = said.split_whitespace();
    let kind = words.find_map(|word| match word {
        "cvc5" => Some(Kind::Cvc5),
        "Z3" => Some(Kind::Z3),
        _ => None,
    })?;
    let number = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    let name = match kind {
        Kind::Cvc5 => "cvc5",
        Kind::Z3 => "z3",
    };
    Some((kind, format!("{name} {number}")))
}

/// `sat`, `unsat` or `unknown`, which is also what a solver means that ran out of time; or what it complains about.
fn answer(said: &str) -> Result<&'static str, String> {
    if let Some(complaint) = said.lines().find(|line| line.contains("(error")) {
        return Err(complaint.trim().to_owned());
    }
    let answer = said.lines().find_map(|line| match line.trim() {
        "sat" => Some("sat"),
        "unsat" => Some("unsat"),
        _ => None,
    });
    Ok(answer.unwrap_or("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let cvc5 = "This is cvc5 version 1.0.3\ncompiled with GCC version 12.2.0\n";
        assert_eq!(version(cvc5), Some((Kind::Cvc5, "cvc5 1.0.3".to_owned())));
        let newer = "This is cvc5 version 1.2.1 [git tag 1.2.1 branch HEAD]\n";
        assert_eq!(version(newer), Some((Kind::Cvc5, "cvc5 1.2.1".to_owned())));
        assert_eq!(version("Z3 version 4.8.12 - 64 bit\n"), Some((Kind::Z3, "z3 4.8.12".to_owned())));
        assert_eq!(version("GNU coreutils 9.1\n"), None);
    }

    #[test]
    fn answers_are_read() {
        assert_eq!(answer("unsat\n"), Ok("unsat"));
        assert_eq!(answer("sat\n"), Ok("sat"));
        assert_eq!(answer("unknown\n"), Ok("unknown"));
        assert_eq!(answer("timeout\n"), Ok("unknown"));
        assert_eq!(answer("cvc5 interrupted by timeout.\n"), Ok("unknown"));
        assert_eq!(
            answer("unsat\n(error \"line 3: unknown constant\")\n"),
            Err("(error \"line 3: unknown constant\")".to_owned())
        );
    }

    #[test]
    fn what_is_no_solver_is_refused() {
        assert!(Solver::find("/nowhere/cvc5").is_err());
    }
}
