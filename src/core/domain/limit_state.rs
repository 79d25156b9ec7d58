//! The state of one limit of one client, and the arithmetic of both kinds: the tokens of a bucket come back one by one on
//! the monotonic clock, the requests of a quota all at once on the calendar.

use super::generation::Generation;
use super::limit::{Kind, Limit};
use super::quota::{Period, Window};
use super::rate::{Rate, Unit};
use super::time::{Nanos, UnixSeconds};
use std::num::NonZeroU64;

/// The clocks and the configuration with which limits are counted.
#[derive(Clone, Copy, Debug)]
pub struct CountingContext {
    /// The monotonic clock.
    pub monotonic: Nanos,
    /// The calendar's clock.
    pub wall: UnixSeconds,
    /// The calendar's window that contains a moment; `None` for a moment that no calendar has.
    pub calendar: fn(Period, UnixSeconds) -> Option<Window>,
    /// The moment of the first configuration since the process started.
    pub started: UnixSeconds,
    /// The active configuration.
    pub generation: Generation,
}

/// Seconds after which a clock that was set back is right again.
const SETTLED: i64 = 3600;

/// The state of a limit, with the numbers in which it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitState {
    /// The state of a token bucket (GCRA).
    TokenBucket {
        /// When the bucket is full, on the monotonic clock: GCRA's theoretical arrival time. Further away than the bucket takes
        /// to fill if it is in debt (bytes in flight are owed) or after that clock was set back.
        full_at: Nanos,
        /// The rate in which it was counted.
        rate: Rate,
    },
    /// The state of a quota.
    Quota {
        /// The length of its windows.
        period: Period,
        /// The end of the window in which it was counted. Never goes back.
        ends: UnixSeconds,
        /// The requests of a window.
        requests: NonZeroU64,
        /// The requests that are spent.
        used: u64,
    },
}

impl LimitState {
    /// The state of a limit without a record: nothing was charged. If `drained` is a moment, everything was charged then,
    /// since the records could not be read.
    pub(super) fn untouched(limit: &Limit, drained: Option<(Nanos, UnixSeconds)>, at: &CountingContext) -> Self {
        match limit.kind {
            Kind::TokenBucket(rate) => {
                let full_at = drained.map_or(0, |(then, _)| then.0.saturating_add(rate.fill().0));
                Self::TokenBucket { full_at: Nanos(full_at), rate }
            }
            Kind::Quota(quota) => {
                let (period, requests) = (quota.period, quota.requests);
                let Some(window) = (at.calendar)(period, at.wall) else {
                    return Self::Quota { period, requests, ends: at.wall, used: requests.get() };
                };
                let used = match drained {
                    Some((_, then)) if then >= window.starts => requests.get(),
                    _ => quota.spent_before(window, at.started),
                };
                Self::Quota { period, requests, ends: window.ends, used }
            }
        }
    }

    /// Whether the state is the same as that of a limit without a record, now and from now on: a bucket is full, or the
    /// window of a quota has ended an hour ago. Within that hour the calendar's clock may be set back into the window.
    pub(super) fn is_as_untouched(self, drained: Option<(Nanos, UnixSeconds)>, at: &CountingContext) -> bool {
        match self {
            Self::TokenBucket { full_at, rate } => {
                full_at.max(drained.map_or(Nanos(0), |(then, _)| then.after(rate.fill()))) <= at.monotonic
            }
            Self::Quota { period, ends, .. } => {
                let settled = UnixSeconds(ends.0.saturating_add(SETTLED));
                drained.is_none_or(|(_, then)| then < ends)
                    && settled <= at.wall
                    && (at.calendar)(period, at.wall).is_some()
            }
        }
    }

    /// The state now: the next window of a quota may have begun.
    pub(super) fn current(self, at: &CountingContext) -> Self {
        match self {
            Self::Quota { period, ends, requests, .. } => match (at.calendar)(period, at.wall) {
                Some(window) if window.ends > ends => Self::Quota { period, ends: window.ends, requests, used: 0 },
                Some(_) => self,
                None => Self::Quota { period, ends, requests, used: requests.get() },
            },
            Self::TokenBucket { .. } => self,
        }
    }

    /// The state in the numbers of `limit`: what is spent stays spent, in requests, up to the whole bucket.
    pub(super) fn converted(self, limit: &Limit, at: &CountingContext) -> Self {
        match (self, limit.kind) {
            (Self::TokenBucket { full_at, rate: from }, Kind::TokenBucket(to)) => {
                let missing = convert(full_at.since(at.monotonic), from, to);
                Self::TokenBucket { full_at: at.monotonic.after(missing), rate: to }
            }
            (Self::Quota { used, .. }, Kind::TokenBucket(to)) => {
                Self::TokenBucket { full_at: at.monotonic.after(to.span(used).min(to.fill())), rate: to }
            }
            (Self::Quota { period, ends, used, .. }, Kind::Quota(to)) if period == to.period => {
                Self::Quota { period, ends, requests: to.requests, used }
            }
            (from, Kind::Quota(to)) => {
                let used = from.spent(at).min(to.requests.get());
                let ends = (at.calendar)(to.period, at.wall).map_or(at.wall, |window| window.ends);
                Self::Quota { period: to.period, ends, requests: to.requests, used }
            }
        }
    }

    /// The time until the limit holds `cost`; zero if it does.
    pub(super) fn wait(self, cost: u64, at: &CountingContext) -> Nanos {
        match self {
            _ if cost == 0 => Nanos(0),
            Self::TokenBucket { full_at, rate } => rate.wait(full_at, at.monotonic, cost),
            Self::Quota { requests, used, .. } if cost <= requests.get().saturating_sub(used) => Nanos(0),
            Self::Quota { ends, .. } => Nanos(at.wall.until(ends).max(1).saturating_mul(Nanos::PER_SECOND)),
        }
    }

    /// The state after `cost` was charged.
    pub(super) fn less(self, cost: u64, at: &CountingContext) -> Self {
        match self {
            Self::TokenBucket { full_at, rate } => {
                Self::TokenBucket { full_at: rate.full_at_after_charge(full_at, at.monotonic, cost), rate }
            }
            Self::Quota { period, ends, requests, used } => {
                Self::Quota { period, ends, requests, used: used.saturating_add(cost) }
            }
        }
    }

    /// The requests or bytes that are left.
    pub(super) fn remaining(self, at: &CountingContext) -> u64 {
        match self {
            Self::TokenBucket { full_at, rate } => rate.remaining(full_at.since(at.monotonic)),
            Self::Quota { requests, used, .. } => requests.get().saturating_sub(used),
        }
    }

    /// The time until nothing is spent.
    pub(super) fn until_whole(self, at: &CountingContext) -> Nanos {
        match self {
            Self::TokenBucket { full_at, .. } => full_at.since(at.monotonic),
            Self::Quota { used: 0, .. } => Nanos(0),
            Self::Quota { ends, .. } => Nanos(at.wall.until(ends).saturating_mul(Nanos::PER_SECOND)),
        }
    }

    /// The requests or bytes that are spent, rounded up.
    fn spent(self, at: &CountingContext) -> u64 {
        match self {
            Self::TokenBucket { full_at, rate } => rate.tokens_begun(full_at.since(at.monotonic)),
            Self::Quota { used, .. } => used,
        }
    }
}

/// The time that a bucket lacks, converted to another rate: the same number of tokens, at most the whole bucket. Bytes that
/// are owed stay owed.
fn convert(missing: Nanos, from: Rate, to: Rate) -> Nanos {
    if from == to {
        return missing;
    }
    let scaled = u128::from(missing.0).saturating_mul(u128::from(to.interval().get()));
    let converted = scaled.div_ceil(u128::from(from.interval().get()));
    let converted = Nanos(u64::try_from(converted).unwrap_or(u64::MAX));
    if to.unit() == Unit::Byte { converted } else { converted.min(to.fill()) }
}
