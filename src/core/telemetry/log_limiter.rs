//! A limiter of log lines: a burst, then a steady rate, so that a caller who is refused a thousand times a second does
//! not fill a disk. Suppressed lines are counted.

use crate::domain::policy::Audit;
use crate::domain::time::Nanos;
use std::sync::atomic::{AtomicU64, Ordering};

/// The rate of one kind of line.
#[derive(Clone, Copy, Debug)]
pub struct LogRate {
    /// The most lines at once.
    burst: u64,
    /// Nanoseconds between two lines after the burst.
    interval: u64,
}

impl LogRate {
    /// Samples: enough lines to see a problem.
    pub const SAMPLES: Self = Self { burst: 10, interval: Nanos::PER_SECOND };
    /// All refused requests, except in a flood.
    const REJECTIONS: Self = Self { burst: 1000, interval: 10_000_000 };
    /// All allowed requests of a worker with a moderate load.
    const PASSED: Self = Self { burst: 1000, interval: 1_000_000 };

    /// The rate of lines about requests that passed, or did not pass.
    pub fn of(audit: Audit, passed: bool) -> Self {
        match (audit, passed) {
            (Audit::Samples, _) => Self::SAMPLES,
            (_, false) => Self::REJECTIONS,
            (_, true) => Self::PASSED,
        }
    }
}

/// Limits the lines of one kind.
#[derive(Debug, Default)]
pub struct LogLimiter {
    /// The time at which the whole burst is available again, on the monotonic clock in nanoseconds.
    whole_at: AtomicU64,
    suppressed: AtomicU64,
}

impl LogLimiter {
    /// Takes one line from the limit. Returns the number of lines suppressed before it; `None` if this one is
    /// suppressed too.
    pub fn take(&self, rate: LogRate, now: Nanos) -> Option<u64> {
        // Two threads may read the same value and write one line more than the limit.
        let whole_at = self.whole_at.load(Ordering::Relaxed).max(now.0).saturating_add(rate.interval);
        if whole_at.saturating_sub(now.0) > rate.burst.saturating_mul(rate.interval) {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.whole_at.store(whole_at, Ordering::Relaxed);
        Some(self.suppressed.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_told_once() {
        for (rate, burst, interval) in [
            (LogRate::of(Audit::Samples, false), 10, 1_000_000_000),
            (LogRate::of(Audit::Rejections, false), 1000, 10_000_000),
            (LogRate::of(Audit::All, false), 1000, 10_000_000),
            (LogRate::of(Audit::All, true), 1000, 1_000_000),
        ] {
            let (limiter, now) = (LogLimiter::default(), 1 << 40);
            let written = |at| limiter.take(rate, Nanos(at));
            assert!((0..burst).all(|_| written(now) == Some(0)));
            assert!((0..7).all(|_| written(now).is_none()));
            assert_eq!(written(now + interval - 1), None);
            assert_eq!(written(now + interval), Some(8));
            assert_eq!(written(now + interval), None);
            assert_eq!(written(now + 2 * interval), Some(1));
            assert_eq!(written(now + 4 * interval), Some(0));
        }
    }
}
