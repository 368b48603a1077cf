//! Functions.

use std::panic::Location;

use super::{And, Code, Network, Queue, component};
use crate::cfn::expr::kind::{Arn, Id, Name, Url};
use crate::diagnostics::{Diagnostic, codes};
use crate::dsl::bounds;
use crate::dsl::draft::{Draft, Place, origin};
use crate::dsl::handle::{Expr, Handle, Phrase, Piece};
use crate::dsl::isolation::Names;
use crate::model::component as model;

component! {
    /// A Lambda function with a role and a log group of its own.
    Function<R = Free>, "function"
}

impl Function {
    /// A function and its code.
    #[track_caller]
    pub fn new(name: impl Into<String>, code: Code) -> Self {
        let body = model::Function { code: code.0, ..model::Function::default() };
        Self::with_draft(Draft::new(name, Location::caller(), body))
    }
}

impl<R> Function<R> {
    fn variable<T>(mut self, variable: String, pieces: Vec<Piece>, place: Place) -> Function<T> {
        let text = self.draft.text(pieces, place);
        if self.draft.variables.contains(&variable) {
            self.draft.problems.push(
                Diagnostic::new(
                    &codes::ID_DUPLICATE,
                    origin(place),
                    format!("the environment variable `{variable}` stands twice"),
                )
                .help("take one of them out"),
            );
        }
        self.draft.variables.push(variable.clone());
        self.draft.body.environment.insert(variable, text);
        Function::with_draft(self.draft)
    }

    /// Adds an environment variable that holds another component's name.
    #[track_caller]
    pub fn env<S>(self, variable: impl Into<String>, name: Expr<Name, S>) -> Function<And<R, S>>
    where
        R: Names<S>,
    {
        self.variable(variable.into(), vec![name.piece()], Location::caller())
    }

    /// Adds an environment variable that holds another component's ARN.
    #[track_caller]
    pub fn env_arn<S>(self, variable: impl Into<String>, arn: Expr<Arn, S>) -> Function<And<R, S>>
    where
        R: Names<S>,
    {
        self.variable(variable.into(), vec![arn.piece()], Location::caller())
    }

    /// Adds an environment variable that holds another component's URL.
    #[track_caller]
    pub fn env_url<S>(self, variable: impl Into<String>, url: Expr<Url, S>) -> Function<And<R, S>>
    where
        R: Names<S>,
    {
        self.variable(variable.into(), vec![url.piece()], Location::caller())
    }

    /// Adds an environment variable that holds another component's id.
    #[track_caller]
    pub fn env_id<S>(self, variable: impl Into<String>, id: Expr<Id, S>) -> Function<And<R, S>>
    where
        R: Names<S>,
    {
        self.variable(variable.into(), vec![id.piece()], Location::caller())
    }

    /// Adds an environment variable that holds text.
    #[track_caller]
    pub fn env_text(self, variable: impl Into<String>, text: impl Into<String>) -> Self {
        self.variable(variable.into(), vec![Piece::Literal(text.into())], Location::caller())
    }

    /// Adds an environment variable that runs text and attributes of other components together.
    #[track_caller]
    pub fn env_phrase<S>(self, variable: impl Into<String>, phrase: Phrase<S>) -> Function<And<R, S>>
    where
        R: Names<S>,
    {
        self.variable(variable.into(), phrase.pieces(), Location::caller())
    }

    /// Takes an environment variable away: for a tenant's override.
    pub fn without_env(mut self, variable: &str) -> Self {
        self.draft.body.environment.remove(variable);
        self
    }

    /// Replaces the code: for a tenant's override.
    pub fn code(mut self, code: Code) -> Self {
        self.draft.body.code = code.0;
        self
    }

    /// Sets the runtime; `nodejs22.x` by default.
    pub fn runtime(mut self, runtime: impl Into<String>) -> Self {
        self.draft.body.runtime = runtime.into();
        self
    }

    /// Sets the entry point; `index.handler` by default.
    pub fn handler(mut self, handler: impl Into<String>) -> Self {
        self.draft.body.handler = handler.into();
        self
    }

    /// Sets the memory in MiB; 256 by default.
    #[track_caller]
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.draft.body.memory_mib = self.draft.within(&bounds::MEMORY_MIB, mib, Location::caller());
        self
    }

    /// Sets the longest run in seconds; 15 by default.
    #[track_caller]
    pub fn timeout_seconds(mut self, seconds: u32) -> Self {
        self.draft.body.timeout_seconds = self.draft.within(&bounds::TIMEOUT_SECONDS, seconds, Location::caller());
        self
    }

    /// Sets how many runs there may be at once; the account's limit by default.
    #[track_caller]
    pub fn reserved_concurrency(mut self, runs: u32) -> Self {
        let runs = self.draft.within(&bounds::CONCURRENCY, runs, Location::caller());
        self.draft.body.reserved_concurrency = Some(runs);
        self
    }

    /// Sets the days logs are kept; 30 by default.
    #[track_caller]
    pub fn log_retention_days(mut self, days: u32) -> Self {
        self.draft.body.log_retention_days = self.draft.within(&bounds::LOG_DAYS, days, Location::caller());
        self
    }

    /// Runs on x86 instead of Arm.
    pub fn x86(mut self) -> Self {
        self.draft.body.x86 = true;
        self
    }

    /// Adds a queue whose messages the function works on.
    #[track_caller]
    pub fn consumes<S>(mut self, queue: Handle<Queue, S>) -> Function<And<R, S>>
    where
        R: Names<S>,
    {
        let queue = self.draft.mention(queue.mark(), Location::caller());
        self.draft.body.consumes.extend(queue);
        Function::with_draft(self.draft)
    }

    /// Sets the network the function runs in.
    #[track_caller]
    pub fn network<S>(mut self, network: Handle<Network, S>) -> Function<And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.network = self.draft.mention(network.mark(), Location::caller());
        Function::with_draft(self.draft)
    }
}
