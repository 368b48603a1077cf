//! Who watches a rollout, and what there is to see.

use super::journal::How;
use super::steps::Failure;
use crate::rollout::{Step, Wave};

/// What happens, for whoever watches.
#[derive(Debug, Clone, Copy)]
pub enum Happening<'a> {
    /// A wave begins, or goes on.
    Wave {
        /// The wave.
        wave: &'a Wave,
        /// Its number, from 1.
        number: usize,
        /// How many waves there are.
        of: usize,
        /// How many of its steps ended in earlier runs.
        done: usize,
    },
    /// A step begins.
    Begun(&'a Step),
    /// A step ended well.
    Done(&'a Step, How),
    /// A step failed.
    Failed(&'a Step, &'a Failure),
    /// A wave's steps have ended, and this many milliseconds are left of its bake time.
    Baking(&'a Wave, u64),
    /// What a step asks is not taken, and is asked again since so many milliseconds, for this reason; or it waits so long for
    /// another's work. Told after a minute, and then each time that the wait has doubled.
    Again(&'a str, u64, &'a str),
    /// The alarms of a wave's gate cannot be looked at since so many milliseconds, for this reason, and are asked for again.
    /// Told at once, after a minute, and then each time that the wait has doubled.
    Blind(&'a Wave, u64, &'a str),
}

/// Who watches.
pub trait Watch: Sync {
    /// Is told what happens, from several threads.
    fn happens(&self, what: Happening<'_>);
}
