//! What a proof is asked, and what it is given from outside: whoever calls reads the files and runs the solver.

use std::collections::BTreeMap;

use super::proof::CrossCheck;
use super::smt::Script;
use super::tenancy::Tenancy;

/// What a proof is about. Names of files are those of the declaration, so that nothing that comes of the proof depends on
/// where the files were.
#[derive(Debug, Clone)]
pub struct Request {
    /// The declaration, as `files` has it under [`Request::DECLARATION`].
    pub tenancy: Tenancy,
    /// Every file that the declaration names, and the declaration itself.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Request {
    /// The name of the declaration among the files.
    pub const DECLARATION: &'static str = "tenancy.json";
}

/// Takes a problem: the id of the obligation, and its text in SMT-LIB.
pub type TakeProblem<'a> = dyn FnMut(&str, &str) + 'a;

/// Puts a problem to a second solver; none when it could not be asked.
pub type AskSolver<'a> = dyn Fn(&Script) -> Option<CrossCheck> + 'a;

/// What a proof may use besides its input.
#[derive(Default)]
pub struct Tools<'a> {
    /// Takes the problem of each formula.
    pub problems: Option<&'a mut TakeProblem<'a>>,
    /// A second solver.
    pub solver: Option<&'a AskSolver<'a>>,
    /// Whether misspelt actions and keys are looked for, which whoever made the policies has done.
    pub lints: bool,
}

impl std::fmt::Debug for Tools<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Tools")
            .field("problems", &self.problems.is_some())
            .field("solver", &self.solver.is_some())
            .field("lints", &self.lints)
            .finish()
    }
}
