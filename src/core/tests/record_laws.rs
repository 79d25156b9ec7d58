//! Records of former limits: forgotten once they hold all there is, which changes no decision.

use crate::fixtures::limits::{bucket, limit, on, quota};
use certgate_core::domain::bucket::Buckets;
use certgate_core::domain::generation::Generation;
use certgate_core::domain::limit::{Kind, Limit};
use certgate_core::domain::limit_state::CountingContext;
use certgate_core::domain::quota::{Initial, Period, Quota};
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_test_support::laws::cases;
use proptest::prelude::*;
use std::num::NonZeroU64;
use std::slice::from_ref;

const SECOND: u64 = Nanos::PER_SECOND;
/// 2024-02-29T13:45:59Z.
const NOW: i64 = 1_709_214_359;
const HEADER: usize = 17;
const RECORD: usize = 49;

fn any_limit(id: u8) -> impl Strategy<Value = Limit> {
    let bucket = (1_u64..=100, 100_000_000..=3000 * SECOND, 1_u64..=5)
        .prop_filter_map("an honest rate", move |(requests, per, burst)| bucket(id, requests, per, burst));
    let period = prop_oneof![Just(Period::Hour), Just(Period::Day), Just(Period::Month)];
    let quota = (1_u64..=5, period, any::<bool>()).prop_map(move |(requests, period, prorated)| {
        let requests = NonZeroU64::new(requests).unwrap();
        let initial = if prorated { Initial::Prorated } else { Initial::Full };
        limit(id, Kind::Quota(Quota { requests, period, initial }))
    });
    prop_oneof![bucket, quota]
}

/// The limits of one configuration: some of four.
fn any_configuration() -> impl Strategy<Value = Vec<Limit>> {
    (any_limit(1), any_limit(2), any_limit(3), any_limit(4), prop::collection::vec(any::<bool>(), 4)).prop_map(
        |(one, two, three, four, has)| {
            [one, two, three, four].into_iter().zip(has).filter_map(|(limit, has)| has.then_some(limit)).collect()
        },
    )
}

#[derive(Clone, Debug)]
struct Step {
    pause: u64,
    /// A new configuration has come.
    reload: bool,
    /// The worker has not heard of it yet.
    late: bool,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![
        4 => 0..2 * SECOND,
        2 => 0..2000 * SECOND,
        1 => 0..8000 * SECOND,
        1 => 0..200_000 * SECOND
    ];
    let step = (pause, prop::bool::weighted(0.2), prop::bool::weighted(0.3));
    prop::collection::vec(step.prop_map(|(pause, reload, late)| Step { pause, reload, late }), 1..60)
}

fn read(bytes: Option<&Vec<u8>>, at: &CountingContext) -> Buckets {
    bytes.map_or_else(Buckets::default, |bytes| Buckets::from_stored(bytes.clone(), at.monotonic, at.wall))
}

/// The stored value if nothing is forgotten: the new value, and the records of the old one that are not in it.
fn keeping(old: Option<&Vec<u8>>, new: &[u8]) -> Vec<u8> {
    let has = |id: &[u8]| new[HEADER..].chunks(RECORD).any(|record| record.starts_with(id));
    let old = old.filter(|old| old.len() >= HEADER && (old.len() - HEADER).is_multiple_of(RECORD));
    let records = old.into_iter().flat_map(|old| old[HEADER..].chunks(RECORD));
    new.iter().copied().chain(records.filter(|record| !has(&record[..16])).flatten().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(10_000)))]

    #[test]
    fn forgetting_changes_no_decision(
        configurations in prop::collection::vec(any_configuration(), 1..5),
        steps in any_steps(),
        unreadable in prop::bool::weighted(0.2),
    ) {
        let (mut forgetting, mut kept) = (None, None);
        if unreadable {
            (forgetting, kept) = (Some(vec![7]), Some(vec![7]));
        }
        let (mut nanos, mut generation) = (SECOND, 1_u64);
        for Step { pause, reload, late } in steps {
            nanos += pause;
            generation += u64::from(reload);
            let own = if late { generation.saturating_sub(1).max(1) } else { generation };
            let limits = &configurations[usize::try_from(own).unwrap() % configurations.len()];
            let wall = NOW + i64::try_from(nanos / SECOND).unwrap();
            let occasion = CountingContext {
                generation: Generation(own),
                started: UnixSeconds(NOW),
                ..on(wall, Nanos(nanos))
            };
            let (mut one, mut other) = (read(forgetting.as_ref(), &occasion), read(kept.as_ref(), &occasion));
            prop_assert_eq!(one.charge(limits, b"GET", &occasion), other.charge(limits, b"GET", &occasion));
            for limit in limits {
                prop_assert_eq!(one.balance(limit, &occasion), other.balance(limit, &occasion));
            }
            if one.changed() {
                forgetting = Some(one.as_bytes().to_vec());
            }
            if other.changed() {
                kept = Some(keeping(kept.as_ref(), other.as_bytes()));
            }
        }
    }
}

/// The records after one request under a later configuration, so many seconds after one under the former.
fn records_after(former: &[Limit], seconds: u64) -> usize {
    let mut buckets = Buckets::default();
    let first = on(NOW, Nanos(SECOND));
    assert!(buckets.charge(former, b"GET", &first).is_allowed());
    let wall = NOW + i64::try_from(seconds).unwrap();
    let later = CountingContext { generation: Generation(2), ..on(wall, Nanos(SECOND + seconds * SECOND)) };
    let mut buckets = read(Some(&buckets.as_bytes().to_vec()), &later);
    let own = bucket(9, 100, SECOND, 100).unwrap();
    assert!(buckets.charge(&[own], b"GET", &later).is_allowed());
    (buckets.as_bytes().len() - HEADER) / RECORD
}

#[test]
fn a_former_bucket_is_kept_until_it_is_full_and_a_quota_until_an_hour_after_its_window() {
    let bucket = bucket(1, 1, 60 * SECOND, 5).unwrap();
    assert_eq!([59, 60].map(|seconds| records_after(from_ref(&bucket), seconds)), [2, 1]);
    // The hour ends 841 seconds after.
    let quota = quota(2, 10, Period::Hour);
    assert_eq!([841, 841 + 3599, 841 + 3600].map(|seconds| records_after(from_ref(&quota), seconds)), [2, 2, 1]);
    assert_eq!(records_after(&[bucket, quota], 8000), 1);
}

#[test]
fn what_another_rule_of_the_same_configuration_counts_is_kept() {
    let [one, two] = [1, 2].map(|id| bucket(id, 100, SECOND, 100).unwrap());
    let mut buckets = Buckets::default();
    for (limit, second) in [(&one, 1), (&two, 100)] {
        assert!(buckets.charge(from_ref(limit), b"GET", &on(NOW, Nanos(second * SECOND))).is_allowed());
    }
    assert_eq!(buckets.as_bytes().len(), HEADER + 2 * RECORD);
}
