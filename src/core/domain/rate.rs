//! The rate of a token bucket (GCRA), and which rates can be represented.

use super::time::Nanos;
use std::num::NonZeroU64;

/// The largest capacity of a limit: the largest integer of a structured field (RFC 9651 section 3.3.1).
pub const LARGEST_CAPACITY: u64 = 999_999_999_999_999;

/// The unit of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A request, or a unit of its cost.
    Request,
    /// A byte.
    Byte,
}

impl Unit {
    /// The tokens of one interval. Bytes are counted by mebibyte: the interval of a byte would be less than a
    /// nanosecond.
    fn batch(self) -> u64 {
        match self {
            Self::Request => 1,
            Self::Byte => 1 << 20,
        }
    }
}

/// A rate (GCRA): a batch of tokens comes back evenly over each `interval`, up to `burst` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    unit: Unit,
    interval: NonZeroU64,
    burst: NonZeroU64,
    fill: Nanos,
}

/// The longest time in which a bucket fills: ten years of 365.25 days.
pub const LONGEST_FILL: Nanos = Nanos(315_576_000 * Nanos::PER_SECOND);

/// The reason why a rate cannot be represented. Each names the nearest value that can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateError {
    /// Whole nanoseconds between requests (for bytes, between mebibytes) would change the rate by more than 0.1 %.
    Rounding {
        /// The nearest number for the same period that can be represented.
        nearest_requests: u64,
    },
    /// The bucket would take longer than [`LONGEST_FILL`] to fill.
    Fill {
        /// The largest burst that fills in time; zero if not even one token comes back in time.
        nearest_burst: u64,
    },
    /// The burst is above [`LARGEST_CAPACITY`].
    Burst,
}

impl Rate {
    /// The rate of `tokens` in `per` nanoseconds, with at most `burst` tokens. The interval is rounded up, so the rate
    /// is never higher than configured.
    pub fn new(unit: Unit, tokens: NonZeroU64, per: NonZeroU64, burst: NonZeroU64) -> Result<Self, RateError> {
        let per = u128::from(per.get()).saturating_mul(unit.batch().into());
        let Ok(interval) = u64::try_from(per.div_ceil(tokens.get().into())) else {
            return Err(RateError::Fill { nearest_burst: 0 });
        };
        if !representable(tokens.get(), per, interval) {
            return Err(RateError::Rounding { nearest_requests: nearest_requests(tokens.get(), per, interval) });
        }
        if burst.get() > LARGEST_CAPACITY {
            return Err(RateError::Burst);
        }
        let interval = NonZeroU64::new(interval).unwrap_or(NonZeroU64::MIN);
        Self::from_interval(unit, interval, burst)
            .ok_or_else(|| RateError::Fill { nearest_burst: whole_tokens(unit, interval, LONGEST_FILL) })
    }

    /// The rate of a stored record; `None` if [`Rate::new`] could not have made it.
    pub fn from_record(unit: Unit, interval: u64, burst: u64) -> Option<Self> {
        Self::from_interval(unit, NonZeroU64::new(interval)?, NonZeroU64::new(burst)?)
    }

    /// The rate with this interval; `None` if a bucket takes longer than [`LONGEST_FILL`] to fill.
    fn from_interval(unit: Unit, interval: NonZeroU64, burst: NonZeroU64) -> Option<Self> {
        let fill = match unit {
            // Compared by division before the multiplication: a product that may overflow costs 60 instructions in
            // WebAssembly, which has no instruction for it.
            Unit::Request if LONGEST_FILL.0.checked_div(burst.get())? < interval.get() => return None,
            Unit::Request => interval.get().wrapping_mul(burst.get()),
            // Rounded down, where a token is less than a nanosecond: a full bucket does not hold more than its burst.
            Unit::Byte => {
                let batches = u128::from(interval.get()).saturating_mul(burst.get().into());
                u64::try_from(batches.checked_div(unit.batch().into())?).ok()?.max(1)
            }
        };
        (fill <= LONGEST_FILL.0).then_some(Self { unit, interval, burst, fill: Nanos(fill) })
    }

    /// The rate of one request in `interval` nanoseconds, with at most `burst` requests. Neither is zero.
    pub(crate) const fn one_request_in(interval: u64, burst: u64) -> Self {
        const fn at_least_one(number: u64) -> NonZeroU64 {
            match NonZeroU64::new(number) {
                Some(number) => number,
                None => NonZeroU64::MIN,
            }
        }
        let fill = Nanos(interval.saturating_mul(burst));
        Self { unit: Unit::Request, interval: at_least_one(interval), burst: at_least_one(burst), fill }
    }

    /// The unit of a token.
    pub fn unit(self) -> Unit {
        self.unit
    }

    /// The nanoseconds in which a batch of tokens comes back; for requests, the time between two.
    pub fn interval(self) -> NonZeroU64 {
        self.interval
    }

    /// The most tokens in a bucket.
    pub fn burst(self) -> NonZeroU64 {
        self.burst
    }

    /// The time in which an empty bucket fills: at most [`LONGEST_FILL`].
    pub fn fill(self) -> Nanos {
        self.fill
    }

    /// The time in which this many tokens come back, rounded up.
    pub fn span(self, tokens: u64) -> Nanos {
        // For requests without 128-bit numbers, which cost a hundred instructions in WebAssembly. The tokens of a
        // bucket come back within the time to fill it, so the product fits 64 bits.
        Nanos(match self.unit {
            Unit::Request if tokens <= self.burst.get() => self.interval.get().wrapping_mul(tokens),
            Unit::Request => self.interval.get().saturating_mul(tokens),
            Unit::Byte => {
                let batches = u128::from(self.interval.get()).saturating_mul(tokens.into());
                u64::try_from(batches.div_ceil(self.unit.batch().into())).unwrap_or(u64::MAX)
            }
        })
    }

    /// The time until a bucket that is full at `full_at` holds `tokens`; zero if it does. `full_at` is GCRA's theoretical
    /// arrival time.
    pub fn wait(self, full_at: Nanos, now: Nanos, tokens: u64) -> Nanos {
        full_at.since(now).after(self.span(tokens)).since(self.fill)
    }

    /// The moment at which a bucket that is full at `full_at` is full after `tokens` were charged.
    pub fn full_at_after_charge(self, full_at: Nanos, now: Nanos, tokens: u64) -> Nanos {
        full_at.max(now).after(self.span(tokens))
    }

    /// The whole tokens that come back in this time.
    pub fn tokens(self, span: Nanos) -> u64 {
        whole_tokens(self.unit, self.interval, span)
    }

    /// The whole tokens of a bucket that is full after `missing`. A bucket of bytes holds all but what comes back until
    /// then: the time to fill it is rounded, and the bytes of a full bucket are not.
    pub(super) fn remaining(self, missing: Nanos) -> u64 {
        match (self.unit, self.tokens(self.fill.since(missing))) {
            (Unit::Byte, 1..) => self.burst.get().saturating_sub(self.tokens(missing)),
            (_, tokens) => tokens,
        }
    }

    /// The tokens that come back in this time, with one that has come back in part.
    pub(super) fn tokens_begun(self, span: Nanos) -> u64 {
        let batches = u128::from(span.0).saturating_mul(self.unit.batch().into());
        u64::try_from(batches.div_ceil(self.interval.get().into())).unwrap_or(u64::MAX)
    }
}

/// The whole tokens that come back in this time, a batch in each interval.
fn whole_tokens(unit: Unit, interval: NonZeroU64, span: Nanos) -> u64 {
    if unit == Unit::Request {
        return span.0.checked_div(interval.get()).unwrap_or(0);
    }
    let batches = u128::from(span.0).saturating_mul(unit.batch().into());
    batches.checked_div(interval.get().into()).and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or(u64::MAX)
}

/// Whether `requests` intervals differ from `per` by no more than 0.1 %.
fn representable(requests: u64, per: u128, interval: u64) -> bool {
    let counted = u128::from(requests).saturating_mul(u128::from(interval));
    counted.saturating_sub(per).saturating_mul(1000) <= per
}

/// The nearest number of requests that is representable: on either side of `interval` there is one whose requests fill
/// the period to less than an interval.
fn nearest_requests(requests: u64, per: u128, interval: u64) -> u64 {
    let filling = |interval: u64| u64::try_from(per.div_ceil(interval.max(1).into())).unwrap_or(u64::MAX);
    let (fewer, more) = (filling(interval), filling(interval.saturating_sub(1)));
    let more_is_nearer = more.abs_diff(requests) < fewer.abs_diff(requests) && interval > 1;
    if more_is_nearer { more } else { fewer }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = Nanos::PER_SECOND;

    fn rate(requests: u64, per: u64, burst: u64) -> Result<Rate, RateError> {
        let [requests, per, burst] = [requests, per, burst].map(|n| NonZeroU64::new(n).unwrap());
        Rate::new(Unit::Request, requests, per, burst)
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
    fn bytes_are_counted_in_any_ordinary_bandwidth() {
        for bytes in [1000, 15_000_000, 30_000_000, 999_999_999, 100_000_000_000] {
            let [tokens, per] = [bytes, SECOND].map(|n| NonZeroU64::new(n).unwrap());
            let rate = Rate::new(Unit::Byte, tokens, per, tokens).unwrap();
            assert!(rate.fill().0.abs_diff(SECOND) <= SECOND.div_ceil(1000), "{bytes}: {:?}", rate.fill());
            let held = rate.tokens(rate.fill());
            assert!(held <= bytes && bytes.saturating_sub(held) <= bytes.div_ceil(1000), "{bytes}: {held}");
        }
    }

    #[test]
    fn a_bucket_that_takes_over_ten_years_is_refused_with_the_largest_that_does_not() {
        let year = 366 * 86_400 * SECOND;
        assert!(rate(1, year, 9).is_ok());
        assert_eq!(rate(1, year, 10), Err(RateError::Fill { nearest_burst: 9 }));
        assert_eq!(rate(1_000_000_000, SECOND, LARGEST_CAPACITY + 1), Err(RateError::Burst));
    }
}
