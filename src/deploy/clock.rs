//! Time, which tests replace by one that does not pass.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a deployment knows of time.
pub trait Clock: Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// Waits. May come back earlier when somebody asked to stop.
    fn sleep(&self, duration: Duration);
}

/// The computer's clock.
#[derive(Debug)]
pub struct SystemClock<'a> {
    /// Whether somebody asked to stop: then nobody waits for long.
    pub stop: &'a AtomicBool,
}

/// How long a sleeper does not look whether it is to stop.
const NAP: Duration = Duration::from_millis(250);

impl Clock for SystemClock<'_> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a deployment happens at a time; nothing that is emitted depends on it"
    )]
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) {
        // Who was asked to stop still waits for what AWS has begun, so a wait becomes shorter and never none.
        let mut left = duration;
        while !left.is_zero() {
            let nap = left.min(NAP);
            std::thread::sleep(nap);
            left = left.saturating_sub(nap);
            if self.stop.load(Ordering::Relaxed) && left > Duration::from_secs(2) {
                left = Duration::from_secs(2);
            }
        }
    }
}

/// A moment as RFC 3339 has it, in UTC, to the second: `2026-11-21T16:45:00Z`.
#[must_use]
pub fn stamp(milliseconds: u64) -> String {
    let rest = milliseconds / 1000 % 86_400;
    format!("{}T{:02}:{:02}:{:02}Z", day(milliseconds), rest / 3600, rest % 3600 / 60, rest % 60)
}

/// The day of a moment in UTC: `2026-11-21`.
#[must_use]
pub fn day(milliseconds: u64) -> String {
    let days = milliseconds / 86_400_000;
    // Days since 0000-03-01, in eras of 400 years; "chrono-Compatible Low-Level Date Algorithms" by H. Hinnant.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Today in UTC.
#[must_use]
pub fn today() -> String {
    day(SystemClock { stop: &AtomicBool::new(false) }.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_people_write_them() {
        assert_eq!(stamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(stamp(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(stamp(1_795_279_543_999), "2026-11-21T16:45:43Z");
        assert_eq!(stamp(4_107_542_399_000), "2100-02-28T23:59:59Z");
        assert_eq!(stamp(4_107_542_400_000), "2100-03-01T00:00:00Z");
    }
}
