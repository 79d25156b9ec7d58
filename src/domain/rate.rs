//! A token bucket's rate, in the form it is counted in, and which rates can be counted honestly.

use super::limit::LARGEST_CAPACITY;
use super::time::Nanos;
use std::num::NonZeroU64;

/// What a bucket counts in (GCRA): a token comes back every `interval`, and at most `burst` are there at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval: NonZeroU64,
    burst: NonZeroU64,
}

/// No bucket takes longer to fill than this: ten years of 365.25 days.
pub const LONGEST_FILL: Nanos = Nanos(315_576_000 * Nanos::PER_SECOND);

/// Why a limit cannot be counted honestly. Each names the nearest value that can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateError {
    /// Whole nanoseconds between tokens would change the rate by more than 0.1 %.
    Rounding {
        /// The nearest `requests` for the same period that can be counted.
        nearest_requests: u64,
    },
    /// The bucket would take longer than [`LONGEST_FILL`] to fill.
    Fill {
        /// The largest burst that fills in time; zero when not even a single token comes back in time.
        nearest_burst: u64,
    },
    /// The burst is above [`LARGEST_CAPACITY`].
    Burst,
}

impl Rate {
    /// The rate of `requests` in `per`, with `burst` tokens at most. The interval is rounded up: never more than was
    /// asked for.
    pub fn new(requests: NonZeroU64, per: NonZeroU64, burst: NonZeroU64) -> Result<Self, RateError> {
        let interval = per.get().div_ceil(requests.get());
        if !honest(requests.get(), per.get(), interval) {
            return Err(RateError::Rounding {
                nearest_requests: nearest_requests(requests.get(), per.get(), interval),
            });
        }
        if burst.get() > LARGEST_CAPACITY {
            return Err(RateError::Burst);
        }
        let interval = NonZeroU64::new(interval).unwrap_or(NonZeroU64::MIN);
        let rate = Self { interval, burst };
        match interval.get().checked_mul(burst.get()) {
            Some(fill) if fill <= LONGEST_FILL.0 => Ok(rate),
            _ => Err(RateError::Fill { nearest_burst: LONGEST_FILL.0.div_euclid(interval.get()) }),
        }
    }

    /// The rate a stored record was counted in; `None` if it is not one that [`Rate::new`] could have made.
    pub fn from_record(interval: u64, burst: u64) -> Option<Self> {
        let rate = Self { interval: NonZeroU64::new(interval)?, burst: NonZeroU64::new(burst)? };
        (interval.checked_mul(burst)? <= LONGEST_FILL.0).then_some(rate)
    }

    /// Nanoseconds between two tokens.
    pub fn interval(self) -> NonZeroU64 {
        self.interval
    }

    /// The most tokens there are at once.
    pub fn burst(self) -> NonZeroU64 {
        self.burst
    }

    /// How long an empty bucket takes to fill: at most [`LONGEST_FILL`].
    pub fn fill(self) -> Nanos {
        Nanos(self.interval.get().saturating_mul(self.burst.get()))
    }
}

/// Whether `requests` intervals differ from `per` by no more than 0.1 %.
fn honest(requests: u64, per: u64, interval: u64) -> bool {
    let counted = u128::from(requests).saturating_mul(u128::from(interval));
    let excess = counted.saturating_sub(u128::from(per));
    excess.saturating_mul(1000) <= u128::from(per)
}

/// The nearest number of requests whose interval is honest: on either side of `interval` lies one whose requests fill
/// the period to less than an interval.
fn nearest_requests(requests: u64, per: u64, interval: u64) -> u64 {
    let fewer = per.div_ceil(interval.max(1));
    let more = per.div_ceil(interval.saturating_sub(1).max(1));
    let more_is_nearer = more.abs_diff(requests) < fewer.abs_diff(requests) && interval > 1;
    if more_is_nearer { more } else { fewer }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = Nanos::PER_SECOND;

    fn rate(requests: u64, per: u64, burst: u64) -> Result<Rate, RateError> {
        let [requests, per, burst] = [requests, per, burst].map(|n| NonZeroU64::new(n).unwrap());
        Rate::new(requests, per, burst)
    }

    #[test]
    fn the_interval_is_rounded_up_never_down() {
        assert_eq!(rate(3, SECOND, 3).unwrap().interval().get(), 333_333_334);
        assert_eq!(rate(1_000_000, SECOND, 1).unwrap().interval().get(), 1000);
    }

    #[test]
    fn a_rate_that_rounding_changes_is_refused_with_the_nearest_that_it_does_not() {
        let Err(RateError::Rounding { nearest_requests }) = rate(3_000_000, SECOND, 1) else {
            panic!("3,000,000 a second is 334 ns apart, 0.2 % slower");
        };
        assert_eq!(nearest_requests, 3_003_004);
        assert!(rate(nearest_requests, SECOND, 1).is_ok());
        assert_eq!(rate(2 * SECOND, SECOND, 1), Err(RateError::Rounding { nearest_requests: SECOND }));
    }

    #[test]
    fn a_bucket_that_takes_over_ten_years_is_refused_with_the_largest_that_does_not() {
        let year = 366 * 86_400 * SECOND;
        assert!(rate(1, year, 9).is_ok());
        assert_eq!(rate(1, year, 10), Err(RateError::Fill { nearest_burst: 9 }));
        assert_eq!(rate(1_000_000_000, SECOND, LARGEST_CAPACITY + 1), Err(RateError::Burst));
    }
}
