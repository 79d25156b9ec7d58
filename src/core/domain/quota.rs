//! A quota: so many requests in each window of the calendar.

use super::time::UnixSeconds;
use std::num::NonZeroU64;

/// So many requests in each window, all of which come back when the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many.
    pub requests: NonZeroU64,
    /// Which windows.
    pub period: Period,
    /// What there is in the window in which Envoy started.
    pub initial: Initial,
}

/// The windows of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Months.
    Month,
}

impl Period {
    /// The seconds of the longest such window.
    pub fn longest(self) -> u64 {
        match self {
            Self::Hour => 3600,
            Self::Day => 86_400,
            Self::Month => 31 * 86_400,
        }
    }
}

/// What a quota holds in a window that was under way when Envoy started, and of which nobody knows what was spent
/// before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Initial {
    /// All of it.
    #[default]
    Full,
    /// The share of the window that was left, rounded down.
    Prorated,
}

/// One window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first second.
    pub starts: UnixSeconds,
    /// The second after its last: what tells it from all others with the same period.
    pub ends: UnixSeconds,
}

impl Quota {
    /// What counts as spent of a window of which nothing is known, in a process that began to count at `started`.
    pub(super) fn spent_before(&self, window: Window, started: UnixSeconds) -> u64 {
        // Elsewhere than in the window, it began before it or by a clock that was wrong.
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
