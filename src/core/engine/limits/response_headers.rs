//! The rate-limit fields of responses: those of draft-ietf-httpapi-ratelimit-headers-10, which are structured fields
//! (RFC 9651), and the older `X-RateLimit-*`.

use super::limit_balance::LimitBalance;
use crate::domain::cost::Cost;
use crate::domain::limit::Limit;
use crate::domain::mode::Mode;
use crate::domain::rate::LARGEST_CAPACITY;
use sfv::{Integer, KeyRef, ListSerializer, StringRef};
use std::sync::Arc;

/// The field that lists the limits.
const POLICY: &str = "ratelimit-policy";
/// The field that says what is left of each limit.
const STATUS: &str = "ratelimit";
/// The older fields.
const LEGACY: [&str; 3] = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];

/// The rate-limit fields of one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseHeaders {
    /// `RateLimit-Policy` and `RateLimit`.
    Ietf {
        /// The limits.
        policy: Arc<str>,
        /// The balances of the limits.
        status: String,
    },
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, which have no standard; the last in seconds from now, as is most
    /// common.
    Legacy {
        /// Capacity, what is left of it, and seconds until it is whole.
        numbers: [String; 3],
    },
}

impl ResponseHeaders {
    /// The draft's fields, with this value of `RateLimit-Policy`, of these limits.
    pub(super) fn ietf<'l>(policy: Arc<str>, balances: impl Iterator<Item = LimitBalance<'l>>) -> Self {
        Self::Ietf { policy, status: status(balances.collect()) }
    }

    /// The older fields, of the enforced limit that is nearest to exhaustion; `None` if no limit is enforced.
    pub(super) fn legacy<'l>(balances: impl Iterator<Item = LimitBalance<'l>>) -> Option<Self> {
        let LimitBalance { limit, balance, .. } =
            balances.min_by_key(nearness).filter(|nearest| nearest.limit.mode == Mode::Enforce)?;
        let numbers = [limit.capacity().get(), balance.remaining, limit.seconds(balance.until_whole)];
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

/// The value of `RateLimit-Policy`: of each limit the capacity (`q`), the seconds in which it comes back (`w`), and the
/// unit if that is not requests (`qu`).
pub(super) fn policy(limits: &[Limit]) -> Arc<str> {
    let fields = limits.iter().map(|limit| Field {
        limit,
        first: limit.capacity().get(),
        second: limit.window().ceil_seconds(),
        more: (limit.cost == Cost::Bytes).then_some(More::Bytes),
    });
    list(fields, ["q", "w"]).unwrap_or_default().into()
}

/// The value of `RateLimit`: of each limit what is left (`r`) and the seconds until it is whole (`t`), the nearest to
/// exhaustion first and the others in their order.
fn status(mut balances: Vec<LimitBalance<'_>>) -> String {
    let nearest = balances.iter().enumerate().min_by_key(|(_, balance)| nearness(balance)).map(|(index, _)| index);
    if let Some(first) = nearest.and_then(|index| balances.get_mut(..=index)) {
        first.rotate_right(1);
    }
    list(balances.iter().map(Field::left), LEFT).unwrap_or_default()
}

/// The order of limits by how near they are to exhaustion: enforced ones before those in shadow mode, exceeded ones before
/// others, those with less left before those with more.
fn nearness(LimitBalance { limit, balance, exceeded }: &LimitBalance<'_>) -> (bool, bool, u64) {
    (limit.mode == Mode::Shadow, !exceeded, balance.remaining)
}

/// The value of [`LIMIT_WARNING`](crate::domain::headers::LIMIT_WARNING): the limits that warn, as in `RateLimit`, exceeded
/// ones with `exceeded`; `None` if no limit is exceeded or warns.
pub(super) fn warning<'l>(balances: impl Iterator<Item = LimitBalance<'l>>) -> Option<String> {
    let warning = balances.filter(|limit| limit.exceeded || limit.limit.warns(limit.balance.remaining));
    let field =
        |limit: LimitBalance<'l>| Field { more: limit.exceeded.then_some(More::Exceeded), ..Field::left(&limit) };
    list(warning.map(field), LEFT)
}

/// The list member of one limit.
struct Field<'l> {
    limit: &'l Limit,
    first: u64,
    second: u64,
    /// One more parameter.
    more: Option<More>,
}

#[derive(Clone, Copy)]
enum More {
    /// The limit counts bytes, not requests.
    Bytes,
    /// The limit does not hold what the request needs.
    Exceeded,
}

/// The keys of [`Field::left`].
const LEFT: [&str; 2] = ["r", "t"];

impl<'l> Field<'l> {
    fn left(LimitBalance { limit, balance, .. }: &LimitBalance<'l>) -> Self {
        Self { limit, first: balance.remaining, second: limit.seconds(balance.until_whole), more: None }
    }
}

/// Bytes of a list member with a name and two numbers of usual length.
const MEMBER: usize = 32;

/// The members as a structured-field list; `None` if there is none.
fn list<'l>(mut fields: impl Iterator<Item = Field<'l>>, keys: [&'static str; 2]) -> Option<String> {
    let fields = [fields.next()?].into_iter().chain(fields);
    let [first, second] = keys.map(KeyRef::constant);
    // At once: a text that grows byte by byte is moved three times.
    let mut text = String::with_capacity(MEMBER.saturating_mul(2));
    let mut list = ListSerializer::with_buffer(&mut text);
    for field in fields {
        // Every name is ASCII without controls; see `domain::name`.
        if let Ok(name) = StringRef::from_str(field.limit.name.as_str()) {
            let item = list.bare_item(name);
            let item = item.parameter(first, integer(field.first)).parameter(second, integer(field.second));
            let _ = match field.more {
                Some(More::Bytes) => item.parameter(KeyRef::constant("qu"), StringRef::constant("content-bytes")),
                Some(More::Exceeded) => item.parameter(KeyRef::constant("exceeded"), true),
                None => item,
            };
        }
    }
    list.finish()?;
    Some(text)
}

fn integer(value: u64) -> Integer {
    let bounded = i64::try_from(value.min(LARGEST_CAPACITY)).unwrap_or(0);
    Integer::try_from(bounded).unwrap_or(Integer::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::limit::{Kind, LimitId};
    use crate::domain::name::Name;
    use crate::domain::quota::{Initial, Period, Quota};
    use crate::domain::rate::{Rate, Unit};
    use crate::domain::time::Nanos;
    use std::num::NonZeroU64;

    fn limit(name: &str, requests: u64, seconds: u64, burst: u64) -> Limit {
        let per = seconds.saturating_mul(Nanos::PER_SECOND);
        let window = u128::from(per).saturating_mul(burst.into()).div_ceil(requests.into());
        let [requests, per, burst] = [requests, per, burst].map(|number| NonZeroU64::new(number).unwrap());
        let rate = Rate::new(Unit::Request, requests, per, burst).unwrap();
        let rounding = u128::from(rate.fill().0).saturating_sub(window);
        of_kind(name, Kind::TokenBucket(rate), rounding.try_into().unwrap())
    }

    fn of_kind(name: &str, kind: Kind, rounding: u32) -> Limit {
        let (id, name) = (LimitId([0; 16]), Name::new(name).unwrap());
        Limit { id, name, kind, cost: Cost::default(), rounding, mode: Mode::Enforce, warn_at: None }
    }

    #[test]
    fn the_policy_lists_all_limits_in_their_order() {
        let limits =
            [limit("burst", 100, 1, 200), limit("daily", 1_000_000, 86_400, 1_000_000), limit("fast", 10, 1, 1)];
        assert_eq!(&*policy(&limits), r#""burst";q=200;w=2, "daily";q=1000000;w=86400, "fast";q=1;w=1"#);
    }

    #[test]
    fn no_number_has_the_rounding_of_the_interval() {
        for (requests, seconds) in [(60, 1), (3, 1), (7, 60), (3, 10), (999_000, 1), (7, 86_400), (1_000_003, 86_400)] {
            let limit = limit("a", requests, seconds, requests);
            let Kind::TokenBucket(rate) = limit.kind else { panic!("a bucket") };
            assert_eq!(&*policy(std::slice::from_ref(&limit)), format!(r#""a";q={requests};w={seconds}"#));
            assert_eq!(limit.seconds(rate.fill()), seconds, "{requests} in {seconds} s: a whole bucket");
            for spent in [1, requests.div_ceil(3), requests.div_ceil(2), requests - 1] {
                let exact = (spent * seconds).div_ceil(requests);
                assert_eq!(limit.seconds(rate.span(spent)), exact, "{spent} of {requests} in {seconds} s");
            }
        }
    }

    #[test]
    fn of_a_quota_the_policy_says_the_longest_window() {
        let requests = NonZeroU64::new(500).unwrap();
        let limits = [Period::Hour, Period::Day, Period::Month]
            .map(|period| of_kind("quota", Kind::Quota(Quota { requests, period, initial: Initial::Full }), 0));
        assert_eq!(&*policy(&limits), r#""quota";q=500;w=3600, "quota";q=500;w=86400, "quota";q=500;w=2678400"#);
    }
}
