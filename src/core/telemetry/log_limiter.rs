//! A limiter of log lines: a burst, then a steady rate, so that a caller who is refused a thousand times a second does
//! not fill a disk. Suppressed lines are counted.

use crate::domain::policy::Audit;
use crate::domain::rate::Rate;
use crate::domain::time::Nanos;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples: enough lines to see a problem.
pub const SAMPLES: Rate = Rate::one_request_in(Nanos::PER_SECOND, 10);
/// All refused requests, except in a flood.
const REJECTIONS: Rate = Rate::one_request_in(10_000_000, 1000);
/// All allowed requests of a worker with a moderate load.
const PASSED: Rate = Rate::one_request_in(1_000_000, 1000);

/// The rate of lines about requests that passed, or did not pass.
pub fn rate_of_lines(audit: Audit, passed: bool) -> Rate {
    match (audit, passed) {
        (Audit::Samples, _) => SAMPLES,
        (_, false) => REJECTIONS,
        (_, true) => PASSED,
    }
}

/// Limits the lines of one kind.
#[derive(Debug, Default)]
pub struct LogLimiter {
    /// The time at which the whole burst is available again, on the monotonic clock in nanoseconds.
    full_at: AtomicU64,
    suppressed: AtomicU64,
}

impl LogLimiter {
    /// Takes one line from the limit. Returns the number of lines suppressed before it; `None` if this one is
    /// suppressed too.
    pub fn take(&self, rate: Rate, now: Nanos) -> Option<u64> {
        // Two threads may read the same value and write one line more than the limit.
        let full_at = Nanos(self.full_at.load(Ordering::Relaxed));
        if rate.wait(full_at, now, 1) > Nanos(0) {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.full_at.store(rate.full_at_after_charge(full_at, now, 1).0, Ordering::Relaxed);
        Some(self.suppressed.swap(0, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_told_once() {
        for (rate, burst, interval) in [
            (rate_of_lines(Audit::Samples, false), 10, 1_000_000_000),
            (rate_of_lines(Audit::Rejections, false), 1000, 10_000_000),
            (rate_of_lines(Audit::All, false), 1000, 10_000_000),
            (rate_of_lines(Audit::All, true), 1000, 1_000_000),
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
