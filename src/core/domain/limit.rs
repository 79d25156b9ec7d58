//! A limit: a rate or a quota, the cost of requests, and the mode.

use super::cost::Cost;
use super::mode::Mode;
use super::name::Name;
use super::quota::Quota;
use super::rate::Rate;
use super::time::Nanos;
use std::num::NonZeroU64;

/// The key of a client's record of a limit, which stays across reloads and changes of tier. A digest of the limit's
/// owner (`tier`, or a rule's name), the limit's name and its unit (requests or bytes); its numbers are not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LimitId(pub [u8; 16]);

/// A limit of a tier or a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The key of its record.
    pub id: LimitId,
    /// The name in replies, headers and metrics.
    pub name: Name,
    /// The rate or the quota.
    pub kind: Kind,
    /// The cost of requests.
    pub cost: Cost,
    /// Nanoseconds that rounding up the interval of its [`Rate`] adds to the time to fill the bucket: less than one for each
    /// token.
    pub rounding: u32,
    /// Whether requests over the limit are rejected.
    pub mode: Mode,
    /// The share, in whole per cent spent, from which the upstream is warned.
    pub warn_at: Option<u8>,
}

/// The way in which tokens come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Token by token, at a rate.
    TokenBucket(Rate),
    /// All at once, at the end of a calendar window.
    Quota(Quota),
}

impl Limit {
    /// The capacity: a bucket's burst, a quota's requests.
    pub fn capacity(&self) -> NonZeroU64 {
        match self.kind {
            Kind::TokenBucket(rate) => rate.burst(),
            Kind::Quota(quota) => quota.requests,
        }
    }

    /// The time in which the whole capacity comes back, at the configured rate. For a quota: the length of its window, for
    /// a month the longest.
    pub fn window(&self) -> Nanos {
        match self.kind {
            Kind::TokenBucket(rate) => rate.fill().since(Nanos(self.rounding.into())),
            Kind::Quota(quota) => quota.period.longest(),
        }
    }

    /// A time in which tokens come back, in whole seconds of the configured rate, rounded up. `span` is counted at the
    /// rate whose interval is rounded up.
    pub fn seconds(&self, span: Nanos) -> u64 {
        let seconds = span.ceil_seconds();
        let Kind::TokenBucket(rate) = self.kind else { return seconds };
        let fill = rate.fill();
        // Most times are the same seconds without the rounding of a whole bucket: they need no 128-bit numbers.
        if span <= fill && span.since(Nanos(self.rounding.into())).ceil_seconds() == seconds {
            return seconds;
        }
        scaled(span, self.window(), fill).ceil_seconds()
    }

    /// Whether the upstream is warned with this many tokens left.
    pub fn warns(&self, remaining: u64) -> bool {
        let capacity = self.capacity().get();
        let spent = capacity.saturating_sub(remaining);
        self.warn_at.is_some_and(|share| spent.saturating_mul(100) >= capacity.saturating_mul(share.into()))
    }
}

/// The time that is to `to` as `span` is to `from`, rounded up.
#[inline(never)]
fn scaled(span: Nanos, to: Nanos, from: Nanos) -> Nanos {
    let scaled = u128::from(span.0).saturating_mul(to.0.into()).div_ceil(u128::from(from.0).max(1));
    Nanos(u64::try_from(scaled).unwrap_or(u64::MAX))
}
