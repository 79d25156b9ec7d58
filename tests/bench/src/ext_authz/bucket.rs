//! A token bucket of one process with one thread.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long an empty one takes to be full.
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A bucket, as the moment at which it is full again (GCRA).
pub(crate) struct Bucket {
    made: Instant,
    /// Nanoseconds from `made`.
    full_at: AtomicU64,
    /// Nanoseconds a token.
    interval: u64,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(tokens: u64) -> Self {
        Self { made: Instant::now(), full_at: AtomicU64::new(0), interval: nanos(YEAR) / tokens.max(1) }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&self) -> bool {
        let now = nanos(self.made.elapsed());
        let full_at = self.full_at.load(Ordering::Relaxed).max(now) + self.interval;
        if full_at - now > nanos(YEAR) {
            return false;
        }
        self.full_at.store(full_at, Ordering::Relaxed);
        true
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
