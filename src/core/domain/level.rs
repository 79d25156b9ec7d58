//! What one client has left of one limit, and the arithmetic of both kinds: a bucket's tokens come back one by one on
//! the monotonic clock, a quota's requests all at once on the calendar.

use super::limit::{Kind, Limit};
use super::quota::{Period, Window};
use super::rate::{Rate, Unit};
use super::time::{Nanos, UnixSeconds};
use std::num::NonZeroU64;

/// When, and under which configuration, limits are asked.
#[derive(Clone, Copy, Debug)]
pub struct Occasion {
    /// The monotonic clock.
    pub monotonic: Nanos,
    /// The calendar's clock.
    pub wall: UnixSeconds,
    /// The window of the calendar that a moment lies in; `None` for a moment that no calendar has.
    pub calendar: fn(Period, UnixSeconds) -> Option<Window>,
    /// When this process began to count.
    pub started: UnixSeconds,
    /// The configuration in force.
    pub generation: Generation,
}

/// The how-manieth configuration since the process started. Later ones convert what earlier ones counted, never the
/// other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

/// Seconds in which a clock that was set is right again.
const SETTLED: i64 = 3600;

/// What is left of a limit, with the numbers it was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Of a token bucket (GCRA).
    TokenBucket {
        /// On the monotonic clock: when it is full. Further away than it takes to fill if it is in debt (bytes in flight are
        /// owed) or after that clock was set back.
        full_at: Nanos,
        /// What it counts in.
        rate: Rate,
    },
    /// Of a quota.
    Quota {
        /// Which windows.
        period: Period,
        /// When the window ends that was counted in. Never goes back.
        ends: UnixSeconds,
        /// How many requests are in it.
        requests: NonZeroU64,
        /// How many of them are spent.
        used: u64,
    },
}

impl Level {
    /// That of a limit from which nothing was ever taken. If it is among those that could not be read at `drained`,
    /// everything was, then.
    pub(super) fn untouched(limit: &Limit, drained: Option<(Nanos, UnixSeconds)>, at: &Occasion) -> Self {
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

    /// Whether it is no more and no less than that of a limit without a record, now and from now on: a bucket that is full,
    /// a quota whose window has ended. Not for an hour after that, in which the calendar's clock may be set back into it.
    pub(super) fn is_as_untouched(self, drained: Option<(Nanos, UnixSeconds)>, at: &Occasion) -> bool {
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

    /// The same level now: a quota's next window may have begun.
    pub(super) fn current(self, at: &Occasion) -> Self {
        match self {
            Self::Quota { period, ends, requests, .. } => match (at.calendar)(period, at.wall) {
                Some(window) if window.ends > ends => Self::Quota { period, ends: window.ends, requests, used: 0 },
                Some(_) => self,
                None => Self::Quota { period, ends, requests, used: requests.get() },
            },
            Self::TokenBucket { .. } => self,
        }
    }

    /// The same, counted as `limit` counts: what is spent stays spent, in requests, up to all there is of a bucket.
    pub(super) fn converted(self, limit: &Limit, at: &Occasion) -> Self {
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

    /// The time until it holds so much; none if it does.
    pub(super) fn wait(self, cost: u64, at: &Occasion) -> Nanos {
        match self {
            _ if cost == 0 => Nanos(0),
            Self::TokenBucket { full_at, rate } => {
                let missing = full_at.since(at.monotonic);
                missing.after(rate.span(cost)).since(rate.fill())
            }
            Self::Quota { requests, used, .. } if cost <= requests.get().saturating_sub(used) => Nanos(0),
            Self::Quota { ends, .. } => Nanos(at.wall.until(ends).max(1).saturating_mul(Nanos::PER_SECOND)),
        }
    }

    /// The same with so much taken from it.
    pub(super) fn less(self, cost: u64, at: &Occasion) -> Self {
        match self {
            Self::TokenBucket { full_at, rate } => {
                Self::TokenBucket { full_at: full_at.max(at.monotonic).after(rate.span(cost)), rate }
            }
            Self::Quota { period, ends, requests, used } => {
                Self::Quota { period, ends, requests, used: used.saturating_add(cost) }
            }
        }
    }

    /// What could be taken from it.
    pub(super) fn remaining(self, at: &Occasion) -> u64 {
        match self {
            Self::TokenBucket { full_at, rate } => rate.tokens(rate.fill().since(full_at.since(at.monotonic))),
            Self::Quota { requests, used, .. } => requests.get().saturating_sub(used),
        }
    }

    /// The time until it is whole.
    pub(super) fn until_whole(self, at: &Occasion) -> Nanos {
        match self {
            Self::TokenBucket { full_at, .. } => full_at.since(at.monotonic),
            Self::Quota { used: 0, .. } => Nanos(0),
            Self::Quota { ends, .. } => Nanos(at.wall.until(ends).saturating_mul(Nanos::PER_SECOND)),
        }
    }

    /// What is spent of it, in requests begun.
    fn spent(self, at: &Occasion) -> u64 {
        match self {
            Self::TokenBucket { full_at, rate } => rate.tokens_begun(full_at.since(at.monotonic)),
            Self::Quota { used, .. } => used,
        }
    }
}

/// What is missing from a bucket, counted in another rate: the same number of tokens, at most all of them; but bytes that
/// are owed are owed.
fn convert(missing: Nanos, from: Rate, to: Rate) -> Nanos {
    if from == to {
        return missing;
    }
    let scaled = u128::from(missing.0).saturating_mul(u128::from(to.interval().get()));
    let converted = scaled.div_ceil(u128::from(from.interval().get()));
    let converted = Nanos(u64::try_from(converted).unwrap_or(u64::MAX));
    if to.unit() == Unit::Byte { converted } else { converted.min(to.fill()) }
}
