//! Progress: a bar on a terminal, lines with the time where nobody watches.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use crate::deploy::clock::{Clock, stamp};
use crate::deploy::engine::{Happening, Watch};
use crate::diagnostics::counted;

/// Says what happens on standard error.
pub(super) struct Progress<'a> {
    clock: &'a dyn Clock,
    watched: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(watched: bool, clock: &'a dyn Clock) -> Self {
        Self { clock, watched, bar: Mutex::default() }
    }

    fn with(&self, act: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
            act(bar);
        }
    }

    /// A line that stays.
    pub(super) fn line(&self, text: &str) {
        if self.watched {
            let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
            match &*bar {
                Some(bar) => bar.println(text),
                None => drop(writeln!(io::stderr(), "{text}")),
            }
        } else {
            // Progress that cannot be shown is no reason to stop.
            drop(writeln!(io::stderr(), "{} {text}", stamp(self.clock.now())));
        }
    }

    /// Begins to count to a number.
    pub(super) fn begin(&self, what: &str, number: usize) {
        if !self.watched {
            return;
        }
        self.end();
        let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {elapsed} {wide_msg}");
        let bar = ProgressBar::new(number as u64).with_prefix(what.to_owned());
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    /// Counts one.
    pub(super) fn step(&self) {
        self.with(|bar| bar.inc(1));
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Progress<'_> {
    fn happens(&self, what: Happening<'_>) {
        match what {
            Happening::Wave { wave, number, of, done } => {
                let steps = wave.steps.len();
                self.line(&format!(
                    "wave {number} of {of} `{}`: {}, {done} done before",
                    wave.wave,
                    counted(steps as u64, "step")
                ));
                self.begin(&format!("wave {number}/{of}"), steps);
                self.with(|bar| bar.inc(done as u64));
            }
            Happening::Begun(step) => {
                if self.watched {
                    self.with(|bar| bar.set_message(step.id.clone()));
                } else {
                    self.line(&format!("begun {}", step.id));
                }
            }
            Happening::Done(step, how) => {
                self.step();
                if !self.watched {
                    self.line(&format!("{how} {}", step.id));
                }
            }
            Happening::Failed(step, failure) => {
                self.step();
                self.line(&format!("failed {}: {}", step.id, failure.message));
            }
            Happening::Baking(wave, left) => {
                let text = format!("gate of wave `{}`: {} minutes left", wave.wave, left.div_ceil(60_000));
                if self.watched {
                    self.with(|bar| bar.set_message(text));
                } else {
                    self.line(&text);
                }
            }
            Happening::Again(step, waited, why) => {
                self.line(&format!("waiting {step}, {}: {why}", since(waited)));
            }
            Happening::Blind(wave, waited, why) => {
                let since = since(waited);
                self.line(&format!("gate of wave `{}`: no look at its alarms, {since}: {why}", wave.wave));
            }
        }
    }
}

/// For how long something is tried again.
fn since(waited: u64) -> String {
    match waited / 60_000 {
        0 => "tried again from now on".to_owned(),
        minutes => format!("tried again for {}", counted(minutes, "minute")),
    }
}
