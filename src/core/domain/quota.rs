//! A quota: a number of requests in each window of the calendar.

use super::time::{Nanos, UnixSeconds};
use std::num::NonZeroU64;

/// A number of requests in each window. All of them come back when the next window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The number of requests.
    pub requests: NonZeroU64,
    /// The length of a window.
    pub period: Period,
    /// The balance in the window in which Envoy started.
    pub initial: Initial,
}

/// The length of a window of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

impl Period {
    /// The length of the longest window of this period.
    pub fn longest(self) -> Nanos {
        Nanos(match self {
            Self::Hour => 3600 * Nanos::PER_SECOND,
            Self::Day => 86_400 * Nanos::PER_SECOND,
            Self::Month => 31 * 86_400 * Nanos::PER_SECOND,
        })
    }
}

/// The balance of a quota in the window in which Envoy started. Nothing is known of what was spent before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Initial {
    /// The whole quota.
    #[default]
    Full,
    /// The share of the window that was left, rounded down.
    Prorated,
}

/// A window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first second.
    pub starts: UnixSeconds,
    /// The second after the last one. Windows of one period differ in it.
    pub ends: UnixSeconds,
}

impl Quota {
    /// The requests that count as spent in a window without a record, in a process that started at `started`.
    pub(super) fn spent_before(&self, window: Window, started: UnixSeconds) -> u64 {
        // A start outside the window was before it, or was read from a clock that was wrong.
        if self.initial == Initial::Full || started <= window.starts || started >= window.ends {
            return 0;
        }
        let (before, whole) = (window.starts.until(started), window.starts.until(window.ends).max(1));
        let share = u128::from(self.requests.get()).saturating_mul(before.into()).div_ceil(whole.into());
        u64::try_from(share).unwrap_or(u64::MAX).min(self.requests.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_the_first_window_is_its_share_rounded_down() {
        let window = Window { starts: UnixSeconds(1000), ends: UnixSeconds(2000) };
        let left = |initial, started| {
            let quota = Quota { requests: NonZeroU64::new(10).unwrap(), period: Period::Hour, initial };
            10 - quota.spent_before(window, UnixSeconds(started))
        };
        for (started, prorated) in
            [(0, 10), (1000, 10), (1001, 9), (1100, 9), (1500, 5), (1501, 4), (1999, 0), (2000, 10)]
        {
            assert_eq!(left(Initial::Prorated, started), prorated, "{started}");
            assert_eq!(left(Initial::Full, started), 10, "{started}");
        }
        assert_eq!(left(Initial::Prorated, i64::MAX), 10, "by a clock that is at the end of time");
    }
}
