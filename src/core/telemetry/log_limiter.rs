//! So many log lines at once, so many a second, and no more: a caller who is refused a thousand times a second must not
//! cost a disk. What is left out is counted.

use crate::domain::policy::Audit;
use crate::domain::time::Nanos;
use std::sync::atomic::{AtomicU64, Ordering};

/// The rate of lines of one kind.
#[derive(Clone, Copy, Debug)]
pub struct LogRate {
    /// Lines at once.
    burst: u64,
    /// Nanoseconds from each further line to the next.
    interval: u64,
}

impl LogRate {
    /// Enough to see what is wrong.
    pub const SAMPLES: Self = Self { burst: 10, interval: Nanos::PER_SECOND };
    /// All rejections, but for a flood of them.
    const REJECTIONS: Self = Self { burst: 1000, interval: 10_000_000 };
    /// All requests of a worker that is not busy.
    const PASSED: Self = Self { burst: 1000, interval: 1_000_000 };

    /// That of lines about requests that passed, or did not.
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
    /// When it is whole again, on the monotonic clock.
    whole_at: AtomicU64,
    suppressed: AtomicU64,
}

impl LogLimiter {
    /// How many lines were left out before this one; `None` if it is to be as well.
    pub fn take(&self, rate: LogRate, now: Nanos) -> Option<u64> {
        // Two threads at the same moment may both have the same line's place: one line more.
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
