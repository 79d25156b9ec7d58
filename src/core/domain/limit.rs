//! A limit: a rate or a quota, the cost of requests, and the mode.

use super::cost::Cost;
use super::mode::Mode;
use super::name::Name;
use super::quota::Quota;
use super::rate::Rate;
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

    /// The time in whole seconds in which the whole capacity comes back: the time to fill a bucket, or the length of a
    /// quota's window, for a month the longest.
    pub fn seconds(&self) -> u64 {
        match self.kind {
            Kind::TokenBucket(rate) => rate.fill().ceil_seconds(),
            Kind::Quota(quota) => quota.period.longest(),
        }
    }

    /// Whether the upstream is warned with this many tokens left.
    pub fn warns(&self, remaining: u64) -> bool {
        let capacity = self.capacity().get();
        let spent = capacity.saturating_sub(remaining);
        self.warn_at.is_some_and(|share| spent.saturating_mul(100) >= capacity.saturating_mul(share.into()))
    }
}
