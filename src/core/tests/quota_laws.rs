//! The laws that quotas keep, and costs and shadow with both kinds of limit.

use crate::fixtures::limits::{bucket, limit, on, quota};
use certgate_core::calendar;
use certgate_core::domain::bucket::{Buckets, Charged};
use certgate_core::domain::cost::Cost;
use certgate_core::domain::generation::Generation;
use certgate_core::domain::limit::{Kind, Limit};
use certgate_core::domain::limit_state::CountingContext;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::quota::{Initial, Period, Quota};
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_test_support::laws::cases;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::slice::from_ref;

const SECOND: u64 = Nanos::PER_SECOND;
/// 2024-02-29T13:45:59Z.
const NOW: i64 = 1_709_214_359;
const DAY: i64 = 86_400;

/// Buckets that go through bytes each time, as they do between workers.
#[derive(Default)]
struct Stored(Option<Vec<u8>>);

impl Stored {
    fn read(&self, at: &CountingContext) -> Buckets {
        self.0.clone().map_or_else(Buckets::default, |bytes| Buckets::from_stored(bytes, at.monotonic, at.wall))
    }

    fn charge(&mut self, limits: &[Limit], method: &[u8], at: &CountingContext) -> Charged {
        let mut buckets = self.read(at);
        let held = |buckets: &Buckets| -> Vec<_> { limits.iter().map(|limit| buckets.balance(limit, at)).collect() };
        let before = held(&buckets);
        let charged = buckets.charge(limits, method, at);
        assert!(charged.is_allowed() || held(&buckets) == before, "a denied request costs nothing");
        if buckets.changed() {
            self.0 = Some(buckets.as_bytes().to_vec());
        }
        charged
    }

    fn remaining(&self, limit: &Limit, at: &CountingContext) -> u64 {
        self.read(at).balance(limit, at).remaining
    }
}

/// At this second of the calendar.
fn at(wall: i64) -> CountingContext {
    on(wall, Nanos(SECOND))
}

fn any_period() -> impl Strategy<Value = Period> {
    prop_oneof![Just(Period::Hour), Just(Period::Day), Just(Period::Month)]
}

fn weighing(default: u64, methods: &[(&str, u64)], limit: Limit) -> Limit {
    let methods = methods.iter().map(|(name, weight)| ((*name).into(), *weight)).collect();
    Limit { cost: Cost::Requests { methods, default }, ..limit }
}

fn in_shadow(limit: Limit) -> Limit {
    Limit { mode: Mode::Shadow, ..limit }
}

/// Any limit: either kind, any mode and costs that it can hold.
fn any_limit(id: u8) -> impl Strategy<Value = Limit> {
    let bucket = (1_u64..=1000, 100_000_000..=20 * SECOND, 3_u64..=20)
        .prop_filter_map("an honest rate", move |(requests, per, burst)| bucket(id, requests, per, burst));
    let quota = (3_u64..20, any_period()).prop_map(move |(requests, period)| quota(id, requests, period));
    (prop_oneof![bucket, quota], 0_u64..3, 0_u64..=3, any::<bool>()).prop_map(|(limit, default, post, shadow)| {
        let limit = weighing(default, &[("POST", post)], limit);
        if shadow { in_shadow(limit) } else { limit }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(10_000)))]

    /// Wherever the clock stands, forward or back: in each window at most the quota, and windows in ascending order, so
    /// that none is opened twice.
    #[test]
    fn in_each_window_no_more_than_the_quota_whatever_the_clock_does(
        requests in 1_u64..10,
        period in any_period(),
        steps in prop::collection::vec((prop_oneof![0..60_i64, -DAY..DAY, -90 * DAY..90 * DAY], 1..15_usize), 1..40),
    ) {
        let limit = quota(1, requests, period);
        let mut stored = Stored::default();
        let (mut now, mut latest) = (NOW, 0);
        let mut admitted: BTreeMap<i64, u64> = BTreeMap::new();
        for (step, calls) in steps {
            now += step;
            // Requests count in the latest window that any clock has shown.
            latest = latest.max(calendar::window(period, UnixSeconds(now)).unwrap().ends.0);
            for _ in 0..calls {
                let charged = stored.charge(from_ref(&limit), b"GET", &at(now));
                if charged.is_allowed() {
                    *admitted.entry(latest).or_default() += 1;
                } else {
                    let until = u64::try_from(latest - now).unwrap();
                    prop_assert_eq!(charged.retry_after(), Nanos(until * SECOND), "to the end of the window");
                }
            }
            prop_assert!(admitted.values().all(|count| *count <= requests), "{:?}", admitted);
        }
    }

    #[test]
    fn whoever_waits_as_long_as_told_is_admitted_and_not_a_second_earlier(
        limits in prop_oneof![
            any_limit(1).prop_map(|one| vec![one]),
            (any_limit(1), any_limit(2), any_limit(3)).prop_map(|(one, two, three)| vec![one, two, three]),
        ],
        gaps in prop::collection::vec((0_u64..3000, any::<bool>()), 1..60),
    ) {
        let mut stored = Stored::default();
        let mut millis = 0;
        // Both clocks go on together.
        let moment = |millis: u64| {
            let seconds = i64::try_from(millis / 1000).unwrap();
            on(NOW + seconds, Nanos(SECOND + millis * 1_000_000))
        };
        for (gap, post) in gaps {
            millis += gap;
            let method: &[u8] = if post { b"POST" } else { b"GET" };
            let charged = stored.charge(&limits, method, &moment(millis));
            if charged.is_allowed() {
                continue;
            }
            let after = |seconds: u64| {
                let later = moment(millis + 1000 * seconds);
                Stored(stored.0.clone()).charge(&limits, method, &later).is_allowed()
            };
            let seconds = charged.retry_after().ceil_seconds();
            prop_assert!(after(seconds), "told {} s", seconds);
            prop_assert!(seconds < 2 || !after(seconds - 1), "told {} s", seconds);
        }
    }

    #[test]
    fn enforced_limits_take_the_cost_all_or_none_and_those_in_shadow_stop_nobody(
        limits in (any_limit(1), any_limit(2), any_limit(3)).prop_map(|(one, two, three)| vec![one, two, three]),
        requests in prop::collection::vec((0_u64..2000, any::<bool>()), 1..60),
    ) {
        let mut stored = Stored::default();
        let mut millis = 0;
        for (gap, post) in requests {
            millis += gap;
            let method: &[u8] = if post { b"POST" } else { b"GET" };
            let now = on(NOW, Nanos(SECOND + millis * 1_000_000));
            let held: Vec<_> = limits.iter().map(|limit| stored.remaining(limit, &now)).collect();
            let costs: Vec<_> = limits.iter().map(|limit| limit.cost.takes(method)).collect();
            let short: Vec<_> = (0..3).filter(|place| held[*place] < costs[*place]).collect();
            let charged = stored.charge(&limits, method, &now);
            let refused = short.iter().any(|place| limits[*place].mode == Mode::Enforce);
            prop_assert_eq!(charged.is_allowed(), !refused);
            prop_assert_eq!(&charged.exceeded, &short);
            for (place, limit) in limits.iter().enumerate() {
                let cost = if refused || short.contains(&place) { 0 } else { costs[place] };
                prop_assert_eq!(stored.remaining(limit, &now), held[place] - cost);
            }
        }
    }

    #[test]
    fn a_reload_keeps_what_is_spent_in_requests_whatever_the_kind_becomes(
        old in any_limit(1), new in any_limit(1), requests in 1_u64..20,
    ) {
        let [old, new] = [old, new].map(|limit| weighing(1, &[], limit));
        let mut stored = Stored::default();
        let now = at(NOW);
        let spent = u64::try_from((0..requests).filter(|_| {
            let before = stored.remaining(&old, &now);
            stored.charge(from_ref(&old), b"GET", &now);
            stored.remaining(&old, &now) < before
        }).count()).unwrap();
        let later = CountingContext { generation: Generation(2), ..now };
        prop_assert_eq!(stored.remaining(&new, &later), new.capacity().get().saturating_sub(spent));
        // One that is late counts on in the old numbers, until it has been overtaken.
        prop_assert_eq!(stored.remaining(&old, &now), old.capacity().get() - spent);
        if stored.remaining(&new, &later) > 0 {
            stored.charge(from_ref(&new), b"GET", &later);
            let left = stored.remaining(&new, &later);
            prop_assert_eq!(stored.remaining(&old, &now), left.min(old.capacity().get()));
        }
    }

    #[test]
    fn whoever_waits_after_a_reload_is_admitted_and_not_a_second_earlier(
        old in any_limit(1),
        new in any_limit(1),
        spent in 0_usize..30,
        pause in 0_u64..100_000,
        asks in 1_usize..4,
    ) {
        let mut stored = Stored::default();
        let moment = |millis: u64, generation| {
            let seconds = i64::try_from(millis / 1000).unwrap();
            CountingContext { generation: Generation(generation), ..on(NOW + seconds, Nanos(SECOND + millis * 1_000_000)) }
        };
        for _ in 0..spent {
            stored.charge(from_ref(&old), b"GET", &moment(0, 1));
        }
        // Asked several times: what it was told first holds.
        let told = stored.charge(from_ref(&new), b"GET", &moment(pause, 2)).retry_after().ceil_seconds();
        for ask in 0..asks {
            let now = pause + told.saturating_sub(1) * 1000 * u64::try_from(ask).unwrap() / 4;
            let taken = stored.charge(from_ref(&new), b"GET", &moment(now, 2)).is_allowed();
            prop_assert!(told == 0 || now == pause || !taken || told < 2);
        }
        if told >= 2 {
            prop_assert!(!stored.charge(from_ref(&new), b"GET", &moment(pause + (told - 1) * 1000, 2)).is_allowed());
        }
        if told >= 1 {
            prop_assert!(stored.charge(from_ref(&new), b"GET", &moment(pause + told * 1000, 2)).is_allowed());
        }
    }

    #[test]
    fn no_stored_bytes_and_no_time_make_it_panic(
        records in prop::collection::vec((any::<[u8; 49]>(), 0..5_u8), 0..4),
        drained: [u8; 16],
        monotonic: u64,
        wall in prop_oneof![any::<i64>(), -1_000_000_000_000..1_000_000_000_000_i64],
        limits in (any_limit(1), any_limit(2), any_limit(3)).prop_map(|(one, two, three)| vec![one, two, three]),
    ) {
        let mut bytes = vec![1];
        bytes.extend(drained);
        for (id, (mut record, kind)) in (1_u8..).zip(records) {
            record[..16].fill(id);
            record[24] = kind;
            bytes.extend(record);
        }
        let now = on(wall, Nanos(monotonic));
        let mut buckets = Buckets::from_stored(bytes, now.monotonic, now.wall);
        buckets.newest();
        buckets.charge(&limits, b"POST", &now);
        for limit in &limits {
            buckets.balance(limit, &now);
        }
    }
}

#[test]
fn a_window_ends_when_the_calendar_says() {
    // Of the 29th of February: an hour that ends at 14:00, a day and a month that end at midnight.
    let ends = [(Period::Hour, 841), (Period::Day, 36_841), (Period::Month, 36_841)];
    for (period, seconds) in ends {
        let limit = quota(1, 2, period);
        let mut stored = Stored::default();
        let mut take = |wall| stored.charge(from_ref(&limit), b"GET", &at(wall));
        assert!(take(NOW).is_allowed() && take(NOW).is_allowed());
        assert_eq!(take(NOW).retry_after(), Nanos(seconds * SECOND), "{period:?}");
        let end = NOW + i64::try_from(seconds).unwrap();
        assert_eq!(take(end - 1).retry_after(), Nanos(SECOND), "{period:?}");
        assert!(take(end).is_allowed(), "{period:?}");
    }
}

#[test]
fn the_window_in_which_envoy_started_is_whole_or_a_share_and_every_later_one_is_whole() {
    let requests = NonZeroU64::new(24).unwrap();
    let daily = |initial| limit(1, Kind::Quota(Quota { requests, period: Period::Day, initial }));
    let midnight = NOW - NOW.rem_euclid(DAY);
    // Started at 18:00, asked at 21:00 and on the next day.
    let started = UnixSeconds(midnight + 18 * 3600);
    for (initial, first) in [(Initial::Full, 24), (Initial::Prorated, 6)] {
        let stored = Stored::default();
        let left = |wall| stored.remaining(&daily(initial), &CountingContext { started, ..at(wall) });
        assert_eq!(left(midnight + 21 * 3600), first, "{initial:?}");
        assert_eq!(left(midnight + DAY), 24, "{initial:?}");
    }
}

#[test]
fn what_cannot_be_read_is_used_up_to_the_end_of_the_window() {
    let limit = quota(1, 3, Period::Hour);
    let mut buckets = Buckets::from_stored(b"nonsense".to_vec(), Nanos(SECOND), UnixSeconds(NOW));
    assert_eq!(buckets.charge(from_ref(&limit), b"GET", &at(NOW)).retry_after(), Nanos(841 * SECOND));
    let mut stored = Stored(Some(buckets.as_bytes().to_vec()));
    assert!(!stored.charge(from_ref(&limit), b"GET", &at(NOW + 840)).is_allowed());
    assert!(stored.charge(from_ref(&limit), b"GET", &at(NOW + 841)).is_allowed());
}

#[test]
fn without_a_calendar_a_quota_gives_nothing() {
    let limit = quota(1, 3, Period::Month);
    let mut stored = Stored::default();
    assert!(!stored.charge(from_ref(&limit), b"GET", &at(i64::MAX)).is_allowed());
    assert!(stored.charge(from_ref(&limit), b"GET", &at(NOW)).is_allowed());
    assert!(!stored.charge(from_ref(&limit), b"GET", &at(i64::MAX)).is_allowed());
}

#[test]
fn a_method_costs_what_is_said_of_it_and_every_other_the_default() {
    let limit = weighing(2, &[("POST", 5), ("OPTIONS", 0)], quota(1, 10, Period::Day));
    let mut stored = Stored::default();
    let now = at(NOW);
    for (method, left) in [("POST", 5), ("OPTIONS", 5), ("post", 3), ("GET", 1), ("GET", 1), ("OPTIONS", 1), ("", 1)] {
        stored.charge(from_ref(&limit), method.as_bytes(), &now);
        assert_eq!(stored.remaining(&limit, &now), left, "{method}");
    }
}

#[test]
fn a_limit_warns_from_its_share_on() {
    let limit = |share| Limit { warn_at: Some(share), ..quota(1, 10, Period::Day) };
    assert!(!limit(80).warns(3) && limit(80).warns(2) && limit(80).warns(0));
    assert!(!limit(85).warns(2) && limit(85).warns(1));
    assert!(!limit(100).warns(1) && limit(100).warns(0));
    assert!(!quota(1, 10, Period::Day).warns(0));
}
