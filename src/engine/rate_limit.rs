//! The rate-limit fields of draft-ietf-httpapi-ratelimit-headers-10, which are structured fields (RFC 9651), and those
//! that came before it.

use crate::domain::bucket::Balance;
use crate::domain::limit::{LARGEST_BURST, Limit};
use sfv::{Integer, KeyRef, ListSerializer, StringRef};
use std::collections::VecDeque;
use std::sync::Arc;

/// The field that lists the limits.
const POLICY: &str = "ratelimit-policy";
/// The field that says what is left of them.
const STATUS: &str = "ratelimit";
/// What came before the draft.
const LEGACY: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

/// The rate-limit fields of one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseHeaders {
    /// `RateLimit-Policy` and `RateLimit`.
    Ietf {
        /// The limits.
        policy: Arc<str>,
        /// What is left of them.
        status: String,
    },
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, which have no standard; the last in seconds from now, as most write
    /// it.
    Legacy {
        /// Burst, tokens left, and seconds until it is whole.
        numbers: [String; 3],
    },
}

impl ResponseHeaders {
    /// The draft's fields for a response to a client with these limits, of which `balances` are left.
    pub(super) fn ietf(policy: &Arc<str>, limits: &[Limit], balances: impl Iterator<Item = Balance>) -> Self {
        Self::Ietf { policy: Arc::clone(policy), status: status(limits, balances) }
    }

    /// The older fields, of the limit that is nearest to exhaustion; `None` where there is no limit.
    pub(super) fn legacy(limits: &[Limit], balances: impl Iterator<Item = Balance>) -> Option<Self> {
        let (limit, balance) = limits.iter().zip(balances).min_by_key(|(_, balance)| balance.remaining)?;
        let numbers = [limit.rate.burst().get(), balance.remaining, balance.until_full.ceil_seconds()];
        Some(Self::Legacy { numbers: numbers.map(|number| number.to_string()) })
    }

    /// Name and value of each.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Ietf { policy, status } => vec![(POLICY, policy), (STATUS, status)],
            Self::Legacy { numbers } => LEGACY.into_iter().zip(numbers.iter().map(String::as_str)).collect(),
        }
    }
}

/// The value of `RateLimit-Policy`: of each limit the burst (`q`) and the seconds that fill it (`w`).
pub(super) fn policy(limits: &[Limit]) -> Arc<str> {
    let fields = limits.iter().map(|limit| (limit, limit.rate.burst().get(), limit.rate.fill().ceil_seconds()));
    list(fields, KeyRef::constant("q"), KeyRef::constant("w")).into()
}

/// The value of `RateLimit`: of each limit the tokens left (`r`) and the seconds until it is whole (`t`), the nearest to
/// exhaustion first and the others in their order.
fn status(limits: &[Limit], balances: impl Iterator<Item = Balance>) -> String {
    let balances = limits.iter().zip(balances);
    let mut fields: VecDeque<_> =
        balances.map(|(limit, balance)| (limit, balance.remaining, balance.until_full.ceil_seconds())).collect();
    let nearest = fields.iter().enumerate().min_by_key(|(_, (_, remaining, _))| *remaining).map(|(place, _)| place);
    if let Some(first) = nearest.and_then(|place| fields.remove(place)) {
        fields.push_front(first);
    }
    list(fields.into_iter(), KeyRef::constant("r"), KeyRef::constant("t"))
}

fn list<'l>(fields: impl Iterator<Item = (&'l Limit, u64, u64)>, first: &KeyRef, second: &KeyRef) -> String {
    let mut list = ListSerializer::new();
    for (limit, a, b) in fields {
        // A name is ASCII without controls, always; see `domain::name`.
        if let Ok(name) = StringRef::from_str(limit.name.as_str()) {
            let _ = list.bare_item(name).parameter(first, integer(a)).parameter(second, integer(b));
        }
    }
    list.finish().unwrap_or_default()
}

fn integer(value: u64) -> Integer {
    let bounded = i64::try_from(value.min(LARGEST_BURST)).unwrap_or(0);
    Integer::try_from(bounded).unwrap_or(Integer::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limit::{LimitId, Rate};
    use crate::domain::name::Name;
    use crate::domain::time::Nanos;
    use std::num::NonZeroU64;

    fn limit(name: &str, requests: u64, seconds: u64, burst: u64) -> Limit {
        let [requests, per, burst] =
            [requests, seconds.saturating_mul(Nanos::PER_SECOND), burst].map(|number| NonZeroU64::new(number).unwrap());
        Limit { id: LimitId([0; 16]), name: Name::new(name).unwrap(), rate: Rate::new(requests, per, burst).unwrap() }
    }

    #[test]
    fn the_policy_lists_all_limits_in_their_order() {
        let limits =
            [limit("burst", 100, 1, 200), limit("daily", 1_000_000, 86_400, 1_000_000), limit("fast", 10, 1, 1)];
        assert_eq!(&*policy(&limits), r#""burst";q=200;w=2, "daily";q=1000000;w=86400, "fast";q=1;w=1"#);
    }

    #[test]
    fn the_status_begins_with_what_is_nearest_to_exhaustion() {
        let limits = [limit("burst", 100, 1, 200), limit("daily", 1000, 86_400, 1000)];
        let balances = [(57, 1_430_000_000), (3, 86_100_000_000_001)]
            .map(|(remaining, nanos)| Balance { remaining, until_full: Nanos(nanos) });
        assert_eq!(status(&limits, balances.into_iter()), r#""daily";r=3;t=86101, "burst";r=57;t=2"#);
    }
}
