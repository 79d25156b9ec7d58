//! Limits and occasions for the tests of buckets.

use certgate_core::calendar;
use certgate_core::domain::cost::Cost;
use certgate_core::domain::generation::Generation;
use certgate_core::domain::limit::{Kind, Limit, LimitId};
use certgate_core::domain::limit_state::CountingContext;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::name::Name;
use certgate_core::domain::quota::{Initial, Period, Quota};
use certgate_core::domain::rate::{Rate, Unit};
use certgate_core::domain::time::{Nanos, UnixSeconds};
use std::num::NonZeroU64;

/// An enforced limit in which every request weighs the same.
pub(crate) fn limit(id: u8, kind: Kind) -> Limit {
    let name = Name::new(&format!("limit-{id}")).unwrap();
    Limit { id: LimitId([id; 16]), name, kind, cost: Cost::default(), mode: Mode::Enforce, warn_at: None }
}

/// A token bucket of `requests` in `per` nanoseconds, if it can be counted.
pub(crate) fn bucket(id: u8, requests: u64, per: u64, burst: u64) -> Option<Limit> {
    let [requests, per, burst] = [requests, per, burst].map(NonZeroU64::new);
    Some(limit(id, Kind::TokenBucket(Rate::new(Unit::Request, requests?, per?, burst?).ok()?)))
}

/// A quota that is whole in the window in which Envoy started.
pub(crate) fn quota(id: u8, requests: u64, period: Period) -> Limit {
    let requests = NonZeroU64::new(requests).unwrap();
    limit(id, Kind::Quota(Quota { requests, period, initial: Initial::Full }))
}

/// The rate of a token bucket.
pub(crate) fn rate(limit: &Limit) -> Rate {
    match limit.kind {
        Kind::TokenBucket(rate) => rate,
        Kind::Quota(_) => panic!("a quota has no rate"),
    }
}

/// A moment on the monotonic clock, at which the calendar is in 1970.
pub(crate) fn at(monotonic: Nanos, generation: Generation) -> CountingContext {
    CountingContext { generation, ..on(0, monotonic) }
}

/// A moment on both clocks, in a process that began to count at the beginning of 1970.
pub(crate) fn on(wall: i64, monotonic: Nanos) -> CountingContext {
    CountingContext {
        monotonic,
        wall: UnixSeconds(wall),
        calendar: calendar::window,
        started: UnixSeconds(0),
        generation: Generation(1),
    }
}
