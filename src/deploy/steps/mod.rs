//! What each kind of step asks of AWS.
//!
//! Each looks first what is there, and asks for what is missing. So it can be begun at any point: before anything was done,
//! after a call whose answer nobody heard, and after all of it. Where a look does not tell whose work it sees, the journal
//! does.

mod organization;
mod stack;
mod stack_set;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fmt, io};

use super::clock::Clock;
use super::cloud::{Answer, Cloud, CloudError, CloudErrorKind, TemplateSource};
use super::journal::{Asked, Event, How, Journal};
use super::material::Material;
use super::names;
use super::pace::{Notices, OTHERS, Pace, REFUSED, UNSEEN, WORK, Waits};
use super::watch::{Happening, Watch};
use crate::assembly::Digest;
use crate::deploy::cloud::Target;
use crate::diagnostics::{Code, codes};
use crate::rollout::{Step, Wave, Work};

pub(super) use organization::{DEPTH, KINDS, is_id, same as says_the_same};
pub(super) use stack_set::is_current;

pub use organization::Units;
pub use stack::expected_loss;

/// Why a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code of the finding.
    pub code: &'static Code,
    /// One sentence.
    pub message: String,
    /// What AWS says about it.
    pub reasons: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// How many failures it counts for.
    pub count: u64,
}

impl Failure {
    pub(super) fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code: &codes::DEPLOY_STEP_FAILED, message, reasons: Vec::new(), help: None, count: 1 }
    }

    fn stuck(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: &codes::DEPLOY_STUCK_STACK, help: Some(help.into()), ..Self::new(message) }
    }

    fn because(mut self, reasons: Vec<String>) -> Self {
        self.reasons = reasons;
        self
    }
}

/// Why a step goes no further.
#[derive(Debug)]
pub enum Halt {
    /// It failed.
    Failed(Box<Failure>),
    /// There are no credentials any more: nothing can be asked, by nobody.
    Credentials(CloudError),
    /// The journal cannot be written: nothing may be asked, by nobody.
    Journal(io::Error),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => formatter.write_str(&failure.message),
            Self::Credentials(error) => error.fmt(formatter),
            Self::Journal(error) => error.fmt(formatter),
        }
    }
}

/// What a part of a step came to, or why the step goes no further.
type Outcome<T> = Result<T, Halt>;

/// What all steps of a run share.
pub struct Site<'a, C: Cloud> {
    /// Who is asked.
    pub cloud: &'a C,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Who watches.
    pub watch: &'a dyn Watch,
    /// What was done.
    pub journal: &'a Journal,
    /// What is to be done.
    pub material: &'a Material,
    /// Where Organizations and StackSets are called.
    pub home: Target,
    /// The most bytes of a template in a request.
    pub direct: usize,
    /// The first wait for work that AWS does, in milliseconds.
    pub first_wait: u64,
    /// `STACK/LOGICAL-ID` of stateful resources that may be replaced or removed.
    pub accepted: &'a BTreeSet<String>,
    /// The ids of units.
    pub units: Units,
    /// Whether all has to end at once: the credentials are gone, or the journal is.
    pub dead: AtomicBool,
}

impl<C: Cloud> fmt::Debug for Site<'_, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Site").field("home", &self.home).finish_non_exhaustive()
    }
}

/// One attempt at a step.
pub(super) struct At<'a, C: Cloud> {
    site: &'a Site<'a, C>,
    step: &'a Step,
    wave: &'a Wave,
    attempt: u64,
}

/// What became of a call that changes something.
enum Told {
    /// AWS took it, and named this.
    Yes(String),
    /// There is nothing to change.
    Nothing,
    /// It is not known, or not now: look again.
    Look,
}

impl<C: Cloud> Site<'_, C> {
    /// Asks for something that changes nothing, and again where AWS was busy.
    pub(super) fn look<T>(&self, key: &str, ask: impl Fn(&C) -> Answer<T>) -> Outcome<T> {
        let (mut notices, begun) = (Notices::default(), self.clock.now());
        self.look_or(key, ask, &mut |error| self.again(key, begun, &mut notices, error))
    }

    /// The same; `refused` is told of each time that AWS was busy.
    pub(super) fn look_or<T>(
        &self,
        key: &str,
        ask: impl Fn(&C) -> Answer<T>,
        refused: &mut dyn FnMut(&CloudError),
    ) -> Outcome<T> {
        let mut waits = Waits::new(REFUSED, key);
        loop {
            let error = match ask(self.cloud) {
                Ok(found) => return Ok(found),
                Err(error) => error,
            };
            self.bear(&error)?;
            refused(&error);
            match waits.longer() {
                Some(wait) => self.clock.sleep(wait),
                None => return Err(Failure::new(error.to_string()).into()),
            }
        }
    }

    /// Says from time to time that something is asked again which was asked at a moment.
    fn again(&self, step: &str, asked: u64, notices: &mut Notices, why: &dyn fmt::Display) {
        if let Some(waited) = notices.due(asked, self.clock.now()) {
            self.watch.happens(Happening::Again(step, waited, &why.to_string()));
        }
    }

    /// Whether an error is one to ask again after; else what it means for the step.
    fn bear(&self, error: &CloudError) -> Outcome<()> {
        match error.kind {
            _ if self.dead.load(Ordering::Relaxed) => Err(Halt::Credentials(error.clone())),
            CloudErrorKind::Throttled | CloudErrorKind::Transient | CloudErrorKind::Busy => Ok(()),
            CloudErrorKind::Credentials => Err(Halt::Credentials(error.clone())),
            CloudErrorKind::Denied => {
                let help = "docs/deploy.md lists what the role has to be allowed".to_owned();
                Err(Failure { help: Some(help), ..Failure::new(error.to_string()) }.into())
            }
            CloudErrorKind::Quota => {
                let help = "raise the quota in Service Quotas, and run the same command again".to_owned();
                Err(Failure { help: Some(help), ..Failure::new(error.to_string()) }.into())
            }
            CloudErrorKind::Region
            | CloudErrorKind::NotFound
            | CloudErrorKind::NothingToChange
            | CloudErrorKind::Invalid => Err(Failure::new(error.to_string()).into()),
        }
    }
}

impl<C: Cloud> At<'_, C> {
    fn look<T>(&self, ask: impl Fn(&C) -> Answer<T>) -> Outcome<T> {
        self.site.look(&self.step.id, ask)
    }

    /// What the journal knows of a call of this attempt.
    fn asked(&self, call: &str) -> Option<Asked> {
        self.site.journal.step(&self.step.id).asked.get(call).cloned()
    }

    fn token(&self, call: &str) -> String {
        names::token(self.site.material.digest, &self.step.id, self.attempt, call)
    }

    /// The id of a stack set's operation.
    fn operation(&self, call: &str) -> String {
        names::operation(self.site.material.digest, &self.step.id, self.attempt, call)
    }

    /// Waits for work that AWS does for this step.
    fn work(&self) -> Waits {
        self.waits(Pace { first: self.site.first_wait, ..WORK })
    }

    /// Waits until a look shows what AWS has taken.
    fn unseen(&self) -> Waits {
        self.waits(Pace { first: self.site.first_wait, ..UNSEEN })
    }

    fn waits(&self, pace: Pace) -> Waits {
        Waits::new(pace, &self.step.id)
    }

    /// Waits for others' work, and says so from time to time.
    fn wait_for_others(&self, waits: &mut Waits, what: &str) -> Outcome<()> {
        self.site.again(&self.step.id, self.site.clock.now(), waits.notices(), &what);
        self.wait(waits, what)
    }

    /// Waits for what `what` says, or gives up.
    fn wait(&self, waits: &mut Waits, what: &str) -> Outcome<()> {
        match waits.longer() {
            Some(wait) => {
                self.site.clock.sleep(wait);
                Ok(())
            }
            None => {
                Err(Failure::new(format!("{what}, and that has not ended after {} minutes", waits.minutes())).into())
            }
        }
    }

    fn write(&self, event: &Event) -> Outcome<()> {
        self.site.journal.write(self.site.clock, event).map_err(Halt::Journal)
    }

    /// Asks for a change: says so in the journal first, and what came of it afterwards.
    ///
    /// `calls` counts how often this was sent without success, over all rounds of a step.
    fn change(&self, call: &str, token: &str, calls: &mut Waits, ask: impl Fn(&C) -> Answer<String>) -> Outcome<Told> {
        let (step, attempt, call) = (self.step.id.clone(), self.attempt, call.to_owned());
        if self.site.dead.load(Ordering::Relaxed) {
            return Err(Halt::Journal(io::Error::other("the deployment has ended")));
        }
        self.write(&Event::Ask { step: step.clone(), attempt, call: call.clone(), token: token.to_owned() })?;
        let asked = self.site.clock.now();
        let answer = ask(self.site.cloud);
        let (value, error) = match &answer {
            Ok(value) => ((!value.is_empty()).then(|| value.clone()), None),
            Err(error) => (None, Some(error.to_string())),
        };
        self.write(&Event::Answer { step, attempt, call, value, error })?;
        match answer {
            Ok(value) => {
                calls.notices().over();
                Ok(Told::Yes(value))
            }
            Err(error) if error.kind == CloudErrorKind::NothingToChange => Ok(Told::Nothing),
            Err(error) => {
                // If it is there already, somebody, or an earlier call of ours whose answer was lost, was faster.
                if !is_there_already(&error) {
                    self.site.bear(&error)?;
                }
                self.site.again(&self.step.id, asked, calls.notices(), &error);
                match calls.longer() {
                    Some(wait) => self.site.clock.sleep(wait),
                    None => return Err(Failure::new(error.to_string()).into()),
                }
                Ok(Told::Look)
            }
        }
    }

    /// The template as CloudFormation is to find it: in the request, or in the rollout's bucket if it is too large.
    fn template(&self, target: &Target, path: &str, sha256: Digest) -> Outcome<Sent> {
        let text = self.site.material.file(path);
        if text.len() <= self.site.direct {
            return Ok(Sent::Body);
        }
        let Some(bucket) = self.site.material.bucket(target) else {
            return Err(Failure::new(format!("`{path}` is too large for a request, and there is no bucket")).into());
        };
        let key = names::template_key(sha256);
        // The same bytes have the same key, so this may happen any number of times.
        self.look(|cloud| cloud.put_template(target, &bucket, &key, text.as_bytes())).map(Sent::Url)
    }
}

/// How a template reaches CloudFormation.
enum Sent {
    Body,
    Url(String),
}

impl Sent {
    fn source<'a>(&'a self, text: &'a str) -> TemplateSource<'a> {
        match self {
            Self::Body => TemplateSource::Body(text),
            Self::Url(url) => TemplateSource::Url(url),
        }
    }
}

/// Whether AWS says that what was to be made is there.
fn is_there_already(error: &CloudError) -> bool {
    error.code.contains("AlreadyExists") || error.code.starts_with("Duplicate")
}

/// Does what a step says.
pub(super) fn run<C: Cloud>(site: &Site<'_, C>, wave: &Wave, step: &Step, attempt: u64) -> Outcome<How> {
    let at = At { site, step, wave, attempt };
    let target = |account: &str, region: &str| Target { account: account.to_owned(), region: region.to_owned() };
    match &step.work {
        Work::Stack { stack, .. } => match site.material.stacks.get(stack) {
            Some(item) => stack::deploy(&at, item),
            None => Err(Failure::new(format!("the assembly has no stack `{stack}`")).into()),
        },
        Work::DeleteStack { stack, account, region } => stack::delete(&at, &target(account, region), stack),
        Work::Unit { unit, parent, tags } => organization::unit(&at, unit, parent, tags),
        Work::Policy { policy, kind, file, description, tags, .. } => {
            organization::policy(&at, policy, kind, file, description, tags)
        }
        Work::Attach { policy, unit } => organization::attach(&at, policy, unit, true),
        Work::Detach { policy, unit } => organization::attach(&at, policy, unit, false),
        Work::Account { account, unit } => organization::account(&at, account, unit),
        Work::StackSet { set } => stack_set::set(&at, set),
        Work::Instance { set, account, region, parameters } => {
            stack_set::create(&at, set, &target(account, region), &parameters.to_map())
        }
        Work::UpdateInstances { set, accounts, regions } => stack_set::update(&at, set, accounts, regions),
        Work::DeleteInstance { set, account, region } => stack_set::delete(&at, set, &target(account, region)),
    }
}

/// The pace of calls that change something.
const CALLS: Pace = Pace { first: 500, longest: 60_000, most: 15 * 60_000 };
