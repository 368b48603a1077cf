//! How long to wait before asking again: longer each time, and never for everybody at the same moment.

use std::time::Duration;

use crate::assembly::Digest;

/// The shortest and the longest wait, in milliseconds, and how often one asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The first wait.
    pub first: u64,
    /// The longest.
    pub longest: u64,
    /// The sum of all waits that is borne.
    pub most: u64,
}

/// Waiting for a stack or an operation: most take minutes, some hours.
pub const WORK: Pace = Pace { first: 1_000, longest: 30_000, most: 6 * 3_600_000 };

/// Waiting until AWS takes a request again.
pub const REFUSED: Pace = Pace { first: 1_000, longest: 60_000, most: 20 * 60_000 };

/// Waiting for another's work on the same thing.
pub const OTHERS: Pace = Pace { first: 5_000, longest: 60_000, most: 2 * 3_600_000 };

/// Until CloudFormation shows what it has taken. The API reference says of `ExecuteChangeSet` that after the call
/// "CloudFormation starts updating the stack", and names no time
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>, read on 2026-11-21). Looks
/// that show what was before the call are over in seconds.
pub const UNSEEN: Pace = Pace { first: 1_000, longest: 30_000, most: 10 * 60_000 };

/// How long is waited before that is said, in milliseconds.
const PATIENCE: u64 = 60_000;

/// When to say that one waits: after a minute, and then each time that the wait has doubled.
#[derive(Debug)]
pub struct Notices {
    since: Option<u64>,
    next: u64,
}

impl Default for Notices {
    fn default() -> Self {
        Self { since: None, next: PATIENCE }
    }
}

impl Notices {
    /// The first at once.
    #[must_use]
    pub fn at_once() -> Self {
        Self { since: None, next: 0 }
    }

    /// What was asked at the first moment has come to nothing at the second, both in milliseconds. For how many that is so
    /// now, if it is to be said.
    pub fn due(&mut self, asked: u64, now: u64) -> Option<u64> {
        let waited = now.saturating_sub(*self.since.get_or_insert(asked));
        if waited < self.next {
            return None;
        }
        self.next = waited.saturating_mul(2).max(PATIENCE);
        Some(waited)
    }

    /// Nothing is in the way any more.
    pub fn over(&mut self) {
        *self = Self::default();
    }
}

/// A series of waits.
#[derive(Debug)]
pub struct Waits {
    pace: Pace,
    key: String,
    attempt: u32,
    waited: u64,
    notices: Notices,
}

impl Waits {
    /// A series of its own for each key, so that steps that began together do not ask together.
    #[must_use]
    pub fn new(pace: Pace, key: &str) -> Self {
        Self { pace, key: key.to_owned(), attempt: 0, waited: 0, notices: Notices::default() }
    }

    /// The next wait; none if it would be too long in all.
    ///
    /// Twice as long as the last, between half of that and all of it. Which, a digest says: the same run waits the same.
    pub fn longer(&mut self) -> Option<Duration> {
        if self.waited >= self.pace.most {
            return None;
        }
        let whole = self.pace.first.saturating_mul(1 << self.attempt.min(20)).min(self.pace.longest);
        let noise = fraction(&format!("{} {}", self.key, self.attempt));
        let wait = whole / 2 + whole / 2 * u64::from(noise) / u64::from(u16::MAX);
        self.attempt = self.attempt.saturating_add(1);
        self.waited += wait.max(1);
        Some(Duration::from_millis(wait))
    }

    /// How long was waited in all, in minutes.
    #[must_use]
    pub fn minutes(&self) -> u64 {
        self.waited / 60_000
    }

    /// When to say that one waits.
    pub fn notices(&mut self) -> &mut Notices {
        &mut self.notices
    }

    /// Begins anew, since something moved.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }
}

/// A number that a text stands for.
fn fraction(text: &str) -> u16 {
    let digits: String = Digest::of(text.as_bytes()).to_string().chars().take(4).collect();
    u16::from_str_radix(&digits, 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_said_after_a_minute_and_when_they_have_doubled() {
        let said = |mut notices: Notices| -> Vec<u64> {
            let seconds = (7_000..2_407_000).step_by(1_000);
            seconds.filter_map(|now| notices.due(now, now)).map(|waited| waited / 60_000).collect()
        };
        assert_eq!(said(Notices::default()), [1, 2, 4, 8, 16, 32]);
        assert_eq!(said(Notices::at_once()), [0, 1, 2, 4, 8, 16, 32]);
        // Rarely asked, rarely said.
        let mut notices = Notices::default();
        let told = [0, 59_999, 300_000, 599_999, 600_000].map(|now| notices.due(now, now));
        assert_eq!(told, [None, None, Some(300_000), None, Some(600_000)]);
        // A call may take long by itself; and what is over begins anew.
        notices.over();
        assert_eq!([notices.due(1_000_000, 1_180_000), notices.due(1_180_000, 1_181_000)], [Some(180_000), None]);
        notices.over();
        assert_eq!(notices.due(2_000_000, 2_001_000), None);
    }

    #[test]
    fn waits_grow_to_the_longest_differ_by_key_and_end() {
        let all = |key: &str| {
            let mut waits = Waits::new(REFUSED, key);
            std::iter::from_fn(move || waits.longer()).collect::<Vec<Duration>>()
        };
        let waits = all("stack/a");
        for (at, wait) in waits.iter().enumerate() {
            let whole = (1000 << at.min(20)).min(60_000);
            assert!((whole / 2..=whole).contains(&u64::try_from(wait.as_millis()).unwrap()), "{at}: {wait:?}");
        }
        let sum: Duration = waits.iter().sum();
        assert!(sum >= Duration::from_mins(20) && sum < Duration::from_mins(22), "{sum:?}");
        assert_eq!(waits, all("stack/a"));
        assert_ne!(waits, all("stack/b"));
    }
}
