//! A limit: what it counts, what a request weighs in it, and what happens when it is used up.

use super::cost::Cost;
use super::mode::Mode;
use super::name::Name;
use super::quota::Quota;
use super::rate::Rate;
use std::num::NonZeroU64;

/// Identifies what a client has spent of a limit across reloads and changes of tier: derived from the limit's owner
/// (`tier`, or a rule's name), the limit's name and what it counts (requests or bytes), never from its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LimitId(pub [u8; 16]);

/// The most that a limit may hold: what a structured-field integer can say (RFC 9651 section 3.3.1).
pub const LARGEST_CAPACITY: u64 = 999_999_999_999_999;

/// A named limit of a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Which of a client's records it draws from.
    pub id: LimitId,
    /// What replies, headers and metrics call it.
    pub name: Name,
    /// What it allows.
    pub kind: Kind,
    /// What a request takes of it.
    pub cost: Cost,
    /// Whether a request that it does not hold enough for is rejected.
    pub mode: Mode,
    /// From which share on, in whole per cent spent, the upstream is warned.
    pub warn_at: Option<u8>,
}

/// How a limit comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Token by token.
    TokenBucket(Rate),
    /// All at once, by the calendar.
    Quota(Quota),
}

impl Limit {
    /// The most it holds: a bucket's burst, a quota's requests.
    pub fn capacity(&self) -> NonZeroU64 {
        match self.kind {
            Kind::TokenBucket(rate) => rate.burst(),
            Kind::Quota(quota) => quota.requests,
        }
    }

    /// The whole seconds in which all of it comes back: those that fill a bucket, or those of a quota's window; of a
    /// month, the longest.
    pub fn seconds(&self) -> u64 {
        match self.kind {
            Kind::TokenBucket(rate) => rate.fill().ceil_seconds(),
            Kind::Quota(quota) => quota.period.longest(),
        }
    }

    /// Whether the upstream is to be warned when so much is left.
    pub fn warns(&self, remaining: u64) -> bool {
        let capacity = self.capacity().get();
        let spent = capacity.saturating_sub(remaining);
        self.warn_at.is_some_and(|share| spent.saturating_mul(100) >= capacity.saturating_mul(share.into()))
    }
}
