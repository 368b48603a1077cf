//! The numbers that settings may have. The same as in YAML; a test compares the two.

use super::draft::{Place, origin};
use crate::diagnostics::{Diagnostic, codes};

/// The numbers that one setting may have, both ends included.
#[derive(Debug)]
pub(super) struct Bound {
    /// The setting in YAML: kind and key, divided by `/`.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test finds the same setting in the schema of YAML by it"))]
    pub(super) setting: &'static str,
    pub(super) min: u32,
    pub(super) max: u32,
}

impl Bound {
    /// What is wrong with a number.
    pub(super) fn check(&self, value: u32, place: Place) -> Option<Diagnostic> {
        let Self { min, max, .. } = self;
        (value < *min || value > *max).then(|| {
            Diagnostic::new(
                &codes::SHAPE_OUT_OF_RANGE,
                origin(place),
                format!("{value} is outside the range from {min} to {max}"),
            )
            .help(format!("write a number from {min} to {max}"))
        })
    }
}

macro_rules! bounds {
    ($($name:ident = $setting:literal, $min:literal, $max:literal;)*) => {
        $(pub(super) static $name: Bound = Bound { setting: $setting, min: $min, max: $max };)*
        #[cfg(test)]
        pub(super) static ALL: &[&Bound] = &[$(&$name),*];
    };
}

bounds! {
    EXPIRE_DAYS = "bucket/expire_old_versions_days", 1, 36_500;
    LOCK_DAYS = "bucket/lock_days", 1, 36_500;
    VISIBILITY_SECONDS = "queue/visibility_timeout_seconds", 0, 43_200;
    RETENTION_DAYS = "queue/retention_days", 1, 14;
    MAX_RECEIVES = "queue/max_receives", 1, 1_000;
    MEMORY_MIB = "function/memory_mib", 128, 10_240;
    TIMEOUT_SECONDS = "function/timeout_seconds", 1, 900;
    CONCURRENCY = "function/reserved_concurrency", 0, 100_000;
    LOG_DAYS = "function/log_retention_days", 1, 3_653;
    HTTP_RATE = "http_api/rate", 1, 10_000;
    HTTP_BURST = "http_api/burst", 1, 5_000;
    THROTTLE_RATE = "rest_api/throttle/rate", 1, 10_000;
    THROTTLE_BURST = "rest_api/throttle/burst", 1, 5_000;
    DAILY_QUOTA = "rest_api/throttle/daily_quota", 1, 1_000_000_000;
    ROTATION_DAYS = "key/rotation_days", 90, 2_560;
    PENDING_DAYS = "key/pending_window_days", 7, 30;
    ARCHIVE_DAYS = "event_bus/archive_days", 1, 3_653;
    PASSWORD_LENGTH = "user_pool/password_length", 6, 99;
    ZONES = "network/zones", 1, 6;
    CAPACITY = "cell/capacity", 0, 100_000_000;
}
