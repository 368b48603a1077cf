//! Progress on a terminal: how many tenants are done, when it takes longer than a moment.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long nothing is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// Counts tenants on one line of standard error.
#[derive(Debug)]
pub(super) struct Counter {
    watched: bool,
    begun: Instant,
    shown: AtomicBool,
}

impl Counter {
    pub(super) fn new(watched: bool) -> Self {
        Self { watched, begun: Instant::now(), shown: AtomicBool::new(false) }
    }

    /// Shows how many are done.
    pub(super) fn show(&self, done: u64) {
        if self.watched && self.begun.elapsed() > PATIENCE {
            self.shown.store(true, Ordering::Relaxed);
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "\r{done} tenants");
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if self.shown.load(Ordering::Relaxed) {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
