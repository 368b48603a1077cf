//! What a deployment asked and what came of it, on the disk before anything else happens.
//!
//! A file of JSON lines. The first binds it to a rollout, an assembly and an account. Before a call that changes
//! something a line says so, and is on the disk when the call goes out; after it a line says what came of it. A run that
//! is killed leaves a journal from which the next one goes on: what ended is not done again, and what was asked is looked
//! for before it is asked again, with the same token. A last line that is torn is as if it had not been written, since
//! nothing was done that only it speaks of.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::clock::{Clock, stamp};
use crate::assembly::Digest;

/// The version of the journal's format. There is one.
pub const VERSION: u64 = 1;

/// What a journal is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The version of the format.
    pub journal: u64,
    /// The digest of the rollout's file.
    pub rollout: Digest,
    /// The digest of the assembly's manifest.
    pub assembly: Digest,
    /// The caller's account.
    pub account: String,
}

/// How a step ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was taken away.
    Deleted,
    /// It was as it should be.
    AlreadyThere,
}

impl How {
    /// The word shown to people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::AlreadyThere => "already there",
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// All waves are done.
    Finished,
    /// It stopped: too many failures, an alarm, no credentials, or somebody asked it to.
    Stopped,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The first line.
    Begin(Binding),
    /// A run of the program begins.
    Run,
    /// A step begins, for the first time or again.
    Step {
        /// Its id.
        step: String,
        /// Counted from 1. Another attempt has other tokens.
        attempt: u64,
    },
    /// A call that changes something is about to go out.
    Ask {
        /// The step.
        step: String,
        /// The attempt.
        attempt: u64,
        /// What is called.
        call: String,
        /// Its token, or what else it is recognized by; empty if there is nothing.
        token: String,
    },
    /// What came of it.
    Answer {
        /// The step.
        step: String,
        /// The attempt.
        attempt: u64,
        /// What was called.
        call: String,
        /// What AWS named: an ARN, an id; none if it names nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// Why it did not work; none if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A step ended well.
    Done {
        /// The step.
        step: String,
        /// The attempt.
        attempt: u64,
        /// How.
        how: How,
    },
    /// A step failed.
    Failed {
        /// The step.
        step: String,
        /// The attempt.
        attempt: u64,
        /// How many failures it counts for: a step about many accounts may fail in several.
        failures: u64,
        /// Why.
        reasons: Vec<String>,
    },
    /// The steps of a wave have ended, and its gate is waited for.
    Bake {
        /// The wave.
        wave: String,
        /// Since when, in milliseconds since 1970.
        since: u64,
    },
    /// A wave's gate has let the rollout pass.
    Pass {
        /// The wave.
        wave: String,
    },
    /// Alarms stopped the rollout.
    Ring {
        /// The wave.
        wave: String,
        /// The alarms.
        alarms: Vec<String>,
    },
    /// A run ended as it should.
    End {
        /// How.
        run: Ended,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    at: String,
    #[serde(flatten)]
    event: Event,
}

/// A call that was announced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Its token.
    pub token: String,
    /// Whether AWS is known to have taken it.
    pub taken: bool,
    /// What AWS named.
    pub value: Option<String>,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepPast {
    /// The attempt that is going on, or was the last; 0 before the first.
    pub attempt: u64,
    /// How it ended well.
    pub done: Option<How>,
    /// How many failures it counts for, and why, if the last attempt failed.
    pub failed: Option<(u64, Vec<String>)>,
    /// Whether the last attempt has failed, in this run or an earlier one.
    pub over: bool,
    /// The calls of the last attempt.
    pub asked: BTreeMap<String, Asked>,
}

/// What a journal says, all of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    /// The steps that were begun.
    pub steps: BTreeMap<String, StepPast>,
    /// The waves whose steps have ended, with the moment, and whether their gates have let pass.
    pub gates: BTreeMap<String, (u64, bool)>,
    /// How the last run ended; none if it was killed.
    pub ended: Option<Ended>,
    /// How many runs there were.
    pub runs: u64,
}

impl Past {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Begin(_) | Event::Ring { .. } => {}
            Event::Run => {
                // Who was killed goes on where it was. Who stopped has said why, and tries again what failed.
                if self.ended.take().is_some() {
                    for step in self.steps.values_mut() {
                        step.failed = None;
                    }
                    self.gates.retain(|_, (_, passed)| *passed);
                }
                self.runs += 1;
            }
            Event::Step { step, attempt } => {
                let step = self.steps.entry(step.clone()).or_default();
                *step = StepPast { attempt: *attempt, ..StepPast::default() };
            }
            Event::Ask { step, call, token, .. } => {
                let asked = self.steps.entry(step.clone()).or_default().asked.entry(call.clone()).or_default();
                *asked = Asked { token: token.clone(), taken: false, value: None };
            }
            Event::Answer { step, call, value, error, .. } => {
                let asked = self.steps.entry(step.clone()).or_default().asked.entry(call.clone()).or_default();
                asked.taken = error.is_none();
                asked.value.clone_from(value);
            }
            Event::Done { step, how, .. } => {
                let step = self.steps.entry(step.clone()).or_default();
                (step.done, step.failed) = (Some(*how), None);
                step.asked = BTreeMap::new();
            }
            Event::Failed { step, failures, reasons, .. } => {
                let step = self.steps.entry(step.clone()).or_default();
                (step.failed, step.over) = (Some((*failures, reasons.clone())), true);
            }
            Event::Bake { wave, since } => {
                self.gates.insert(wave.clone(), (*since, false));
            }
            Event::Pass { wave } => {
                self.gates.entry(wave.clone()).or_default().1 = true;
            }
            Event::End { run } => self.ended = Some(*run),
        }
    }
}

/// Where lines are kept.
pub trait Store: Send {
    /// Adds bytes, which are safe when this returns.
    ///
    /// # Errors
    /// If they could not be kept.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A file that is locked as long as it is open.
#[derive(Debug)]
struct FileStore {
    file: File,
}

impl Store for FileStore {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }
}

/// Why a journal cannot be used.
#[derive(Debug)]
pub enum JournalError {
    /// Another run has it open.
    Busy(PathBuf),
    /// It belongs to another rollout, another assembly or another account.
    Other {
        /// In what they differ: `rollout`.
        what: &'static str,
    },
    /// It is not one, or of a later version.
    Broken {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// It cannot be read or written.
    Io(io::Error),
}

impl fmt::Display for JournalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(path) => write!(formatter, "another run uses the journal `{}`", path.display()),
            Self::Other { what } => write!(formatter, "the journal belongs to another {what}"),
            Self::Broken { line, problem } => write!(formatter, "line {line} of the journal cannot be read: {problem}"),
            Self::Io(error) => write!(formatter, "the journal cannot be read or written: {error}"),
        }
    }
}

impl std::error::Error for JournalError {}

/// A journal that is written to.
pub struct Journal {
    inside: Mutex<Inside>,
}

struct Inside {
    store: Box<dyn Store>,
    past: Past,
    /// Why nothing can be written any more: then nothing may be done any more either.
    broken: Option<String>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Journal").field("past", &self.inside().past).finish_non_exhaustive()
    }
}

/// Reads the whole lines of a journal: its binding, what it says, and how many bytes of it count.
///
/// # Errors
/// If a line that is not the last cannot be read.
pub fn read(bytes: &[u8]) -> Result<(Option<Binding>, Past, usize), JournalError> {
    let (mut past, mut binding, mut whole) = (Past::default(), None, 0);
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let Some(text) = line.strip_suffix(b"\n") else { break };
        let problem = match serde_json::from_slice::<Line>(text) {
            Ok(Line { event: Event::Begin(found), .. }) if binding.is_none() => {
                if found.journal > VERSION {
                    let problem = format!("it has format {}, and this version knows {VERSION}", found.journal);
                    return Err(JournalError::Broken { line: number, problem });
                }
                binding = Some(found);
                None
            }
            Ok(_) if binding.is_none() => Some("it does not say what the journal is about".to_owned()),
            Ok(line) => {
                past.take(&line.event);
                None
            }
            Err(error) => Some(error.to_string()),
        };
        match problem {
            None => whole += line.len(),
            // Some file systems leave a block of the last write without the one before.
            Some(_) if whole + line.len() == bytes.len() && binding.is_some() => break,
            Some(problem) => return Err(JournalError::Broken { line: number, problem }),
        }
    }
    Ok((binding, past, whole))
}

impl Journal {
    /// Opens the journal at a path, or begins it, and keeps others from it. One of another rollout that is finished is put aside
    /// first: `rollout.journal.jsonl` is then `rollout.journal.1f2e3d4c5b6a.jsonl`, after that rollout's digest.
    ///
    /// # Errors
    /// If another run has it, if it belongs to something else, or if it cannot be read or written.
    pub fn open(path: &Path, binding: &Binding, clock: &dyn Clock) -> Result<Self, JournalError> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(JournalError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Busy(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(JournalError::Io(error)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(JournalError::Io)?;
        let (found, past, whole) = read(&bytes)?;
        if let Some(found) = found.filter(|found| found.rollout != binding.rollout)
            && past.ended == Some(Ended::Finished)
        {
            // That one is over. It is kept under its rollout's digest, and this one begins.
            let digest: String = found.rollout.to_string().chars().take(12).collect();
            std::fs::rename(path, path.with_extension(format!("{digest}.jsonl"))).map_err(JournalError::Io)?;
            return Self::open(path, binding, clock);
        }
        if whole < bytes.len() {
            file.set_len(whole as u64).and_then(|()| file.sync_all()).map_err(JournalError::Io)?;
            bytes.truncate(whole);
        }
        Self::over(Box::new(FileStore { file }), &bytes, binding, clock)
    }

    /// A journal over a store that holds these bytes. Begins a run.
    ///
    /// # Errors
    /// If it belongs to something else, or cannot be read or written.
    pub fn over(
        mut store: Box<dyn Store>,
        bytes: &[u8],
        binding: &Binding,
        clock: &dyn Clock,
    ) -> Result<Self, JournalError> {
        let (found, past, _) = read(bytes)?;
        match found {
            None => {
                let line = text(clock, &Event::Begin(binding.clone())).map_err(JournalError::Io)?;
                store.append(&line).map_err(JournalError::Io)?;
            }
            Some(found) if found.rollout != binding.rollout => return Err(JournalError::Other { what: "rollout" }),
            Some(found) if found.assembly != binding.assembly => return Err(JournalError::Other { what: "assembly" }),
            Some(found) if found.account != binding.account => return Err(JournalError::Other { what: "account" }),
            Some(_) => {}
        }
        let journal = Self { inside: Mutex::new(Inside { store, past, broken: None }) };
        journal.write(clock, &Event::Run).map_err(JournalError::Io)?;
        Ok(journal)
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what happened. When this returns it is on the disk.
    ///
    /// # Errors
    /// If it could not be written, now or before.
    pub fn write(&self, clock: &dyn Clock, event: &Event) -> io::Result<()> {
        let line = text(clock, event)?;
        let mut inside = self.inside();
        if let Some(reason) = &inside.broken {
            return Err(io::Error::other(reason.clone()));
        }
        if let Err(error) = inside.store.append(&line) {
            inside.broken = Some(error.to_string());
            return Err(error);
        }
        inside.past.take(event);
        Ok(())
    }

    /// How far a step is.
    #[must_use]
    pub fn step(&self, id: &str) -> StepPast {
        self.inside().past.steps.get(id).cloned().unwrap_or_default()
    }

    /// Since when a wave bakes, and whether its gate has let pass; none before its steps have ended.
    #[must_use]
    pub fn gate(&self, wave: &str) -> Option<(u64, bool)> {
        self.inside().past.gates.get(wave).copied()
    }

    /// How many runs there were, this one counted.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.inside().past.runs
    }
}

/// An event as a line.
fn text(clock: &dyn Clock, event: &Event) -> io::Result<Vec<u8>> {
    let line = Line { at: stamp(clock.now()), event: event.clone() };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests;
