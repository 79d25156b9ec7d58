//! The laws that token buckets keep, each tried on ten thousand random histories.

use crate::fixtures::limits::{at, bucket, rate};
use certgate_core::domain::bucket::{Buckets, Charged};
use certgate_core::domain::generation::Generation;
use certgate_core::domain::limit::Limit;
use certgate_core::domain::rate::Rate;
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_test_support::laws::cases;
use proptest::prelude::*;
use std::slice::from_ref;

const SECOND: u64 = Nanos::PER_SECOND;
const OLD: Generation = Generation(1);
const NEW: Generation = Generation(2);

fn any_limit(id: u8) -> impl Strategy<Value = Limit> {
    (1_u64..=1000, prop_oneof![Just(SECOND), Just(60 * SECOND), 100_000_000..=20 * SECOND], 1_u64..=20)
        .prop_filter_map("an honest rate", move |(requests, per, burst)| bucket(id, requests, per, burst))
}

fn any_limits() -> impl Strategy<Value = Vec<Limit>> {
    prop_oneof![
        any_limit(1).prop_map(|one| vec![one]),
        (any_limit(1), any_limit(2), any_limit(3)).prop_map(|(one, two, three)| vec![one, two, three]),
    ]
}

/// Times between requests: none, about a token's, or long enough for many.
fn any_gaps(limits: &[Limit]) -> impl Strategy<Value = Vec<u64>> + use<> {
    let interval = limits.iter().map(|limit| rate(limit).interval().get()).max().unwrap_or(1);
    let gap = prop_oneof![3 => Just(0), 3 => 0..=interval, 2 => 0..=2 * interval, 1 => 0..=30 * interval];
    prop::collection::vec(gap, 1..80)
}

fn any_history() -> impl Strategy<Value = (Vec<Limit>, Vec<u64>)> {
    any_limits().prop_flat_map(|limits| (Just(limits.clone()), any_gaps(&limits)))
}

/// The moments of requests with these gaps between them.
fn moments(gaps: &[u64]) -> impl Iterator<Item = Nanos> {
    gaps.iter().scan(SECOND, |now, gap| {
        *now += gap;
        Some(Nanos(*now))
    })
}

fn read(bytes: Vec<u8>, now: Nanos) -> Buckets {
    Buckets::from_stored(bytes, now, UnixSeconds(0))
}

/// Buckets that go through bytes each time, as they do between workers.
#[derive(Default)]
struct Stored(Option<Vec<u8>>);

impl Stored {
    fn charge(&mut self, limits: &[Limit], now: Nanos, generation: Generation) -> Charged {
        let mut buckets = self.0.take().map_or_else(Buckets::default, |bytes| read(bytes, now));
        let held = |buckets: &Buckets| -> Vec<_> {
            limits.iter().map(|limit| buckets.balance(limit, &at(now, generation))).collect()
        };
        let before = held(&buckets);
        let charged = buckets.charge(limits, b"GET", &at(now, generation));
        assert!(charged.is_allowed() || held(&buckets) == before, "a denied request costs nothing");
        self.0 = Some(buckets.as_bytes().to_vec());
        charged
    }

    fn remaining(&self, limit: &Limit, now: Nanos, generation: Generation) -> u64 {
        let buckets = read(self.0.clone().expect("something was taken"), now);
        buckets.balance(limit, &at(now, generation)).remaining
    }
}

/// Holds `admitted` against `burst + rate x t` in every window that begins and ends with one of them.
fn assert_never_more(admitted: &[Nanos], burst: u64, interval: u64) {
    for (first, from) in admitted.iter().enumerate() {
        for (last, to) in admitted.iter().enumerate().skip(first) {
            let count = u64::try_from(last - first).unwrap() + 1;
            let allowed = burst + (to.0 - from.0) / interval;
            assert!(count <= allowed, "{count} admitted where {allowed} may be, from {from:?} to {to:?}");
        }
    }
}

/// A token bucket in another form: it counts what has come in, not when it will be full.
struct Plain {
    tokens: u64,
    at: Nanos,
    rate: Rate,
}

impl Plain {
    fn holds_one(&mut self, now: Nanos) -> bool {
        self.tokens = (self.tokens + (now.0 - self.at.0)).min(self.rate.fill().0);
        self.at = now;
        self.tokens >= self.rate.interval().get()
    }

    fn take_one(&mut self) {
        self.tokens -= self.rate.interval().get();
    }
}

/// A value with one record, for a limit of these tests, with an interval that no rate has.
fn record_of_an_unusable_rate(mut record: [u8; 49]) -> Vec<u8> {
    record[..16].fill(1);
    record[24] = 0;
    record[33..41].fill(0);
    [&[1], &[0; 16][..], &record].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(10_000)))]

    #[test]
    fn never_more_than_burst_and_rate_in_any_window((limits, gaps) in any_history()) {
        let mut stored = Stored::default();
        let admitted: Vec<_> =
            moments(&gaps).filter(|now| stored.charge(&limits, *now, OLD).is_allowed()).collect();
        for limit in &limits {
            assert_never_more(&admitted, rate(limit).burst().get(), rate(limit).interval().get());
        }
    }

    #[test]
    fn never_refused_within_rate_and_burst((limits, gaps) in any_history()) {
        let mut stored = Stored::default();
        let mut plain: Vec<_> = limits
            .iter()
            .map(|limit| Plain { tokens: rate(limit).fill().0, at: Nanos(0), rate: rate(limit) })
            .collect();
        for now in moments(&gaps) {
            let conforms = plain.iter_mut().all(|bucket| bucket.holds_one(now));
            let charged = stored.charge(&limits, now, OLD);
            prop_assert_eq!(charged.is_allowed(), conforms);
            if conforms {
                plain.iter_mut().for_each(Plain::take_one);
            }
        }
    }

    #[test]
    fn the_wait_is_exact_and_retry_after_is_enough((limits, gaps) in any_history()) {
        let mut stored = Stored::default();
        for now in moments(&gaps) {
            let wait = stored.charge(&limits, now, OLD).retry_after();
            if wait == Nanos(0) {
                continue;
            }
            let after = |nanos: u64| {
                let later = Nanos(now.0 + nanos);
                read(stored.0.clone().unwrap(), later).charge(&limits, b"GET", &at(later, OLD)).is_allowed()
            };
            let seconds = wait.ceil_seconds();
            prop_assert!(after(wait.0));
            prop_assert!(!after(wait.0 - 1));
            prop_assert!(after(seconds * SECOND));
            prop_assert!(seconds < 2 || !after((seconds - 1) * SECOND));
        }
    }

    #[test]
    fn all_or_none((limits, gaps) in any_history()) {
        let mut stored = Stored::default();
        for now in moments(&gaps) {
            let before = stored.0.clone().map(|bytes| read(bytes, now)).unwrap_or_default();
            let held: Vec<_> = limits.iter().map(|limit| before.balance(limit, &at(now, OLD)).remaining).collect();
            let taken = stored.charge(&limits, now, OLD).is_allowed();
            prop_assert_eq!(taken, held.iter().all(|tokens| *tokens > 0));
            for (limit, held) in limits.iter().zip(held) {
                prop_assert_eq!(stored.remaining(limit, now, OLD), held - u64::from(taken));
            }
        }
    }

    #[test]
    fn a_clock_that_stands_still_or_jumps_back_gives_nothing_away(
        limit in any_limit(1),
        readings in prop::collection::vec(0..=10 * SECOND, 1..80),
    ) {
        let mut stored = Stored::default();
        let limits = [limit];
        let admitted = readings.iter().filter(|now| stored.charge(&limits, Nanos(**now), OLD).is_allowed()).count();
        let span = readings.iter().max().unwrap() - readings.iter().min().unwrap();
        let rate = rate(&limits[0]);
        let allowed = rate.burst().get() + span / rate.interval().get();
        prop_assert!(u64::try_from(admitted).unwrap() <= allowed, "{} of {}", admitted, allowed);
    }

    #[test]
    fn a_reload_keeps_what_is_spent_in_tokens(old in any_limit(1), new in any_limit(1), requests in 1_u64..20) {
        let mut stored = Stored::default();
        let now = Nanos(SECOND);
        let spent = (0..requests).filter(|_| stored.charge(from_ref(&old), now, OLD).is_allowed()).count();
        let spent = u64::try_from(spent).unwrap();
        let expected = rate(&new).burst().get().saturating_sub(spent);
        prop_assert_eq!(stored.remaining(&new, now, NEW), expected);
        // A limit under another number is the same bucket.
        prop_assert_eq!(stored.remaining(&old, now, NEW), rate(&old).burst().get() - spent);
    }

    #[test]
    fn a_reload_with_workers_that_disagree_admits_no_more_than_both_bursts_and_the_larger_rate(
        (old, new, gaps) in (any_limit(1), any_limit(1)).prop_flat_map(|(old, new)| {
            let gaps = any_gaps(&[old.clone(), new.clone()]);
            (Just(old), Just(new), gaps)
        }),
        is_new in prop::collection::vec(any::<bool>(), 80),
        begin in 0_usize..40,
        end in 0_usize..40,
    ) {
        let mut stored = Stored::default();
        let admitted: Vec<_> = moments(&gaps)
            .zip(is_new)
            .enumerate()
            // Only old workers before the reload begins, only new ones after it has ended.
            .filter_map(|(place, (now, is_new))| {
                let is_new = place >= begin && (is_new || place >= begin + end);
                let (limit, generation) = if is_new { (&new, NEW) } else { (&old, OLD) };
                stored.charge(from_ref(limit), now, generation).is_allowed().then_some(now)
            })
            .collect();
        let burst = rate(&old).burst().get() + rate(&new).burst().get();
        let interval = rate(&old).interval().min(rate(&new).interval()).get();
        assert_never_more(&admitted, burst, interval);
    }

    #[test]
    fn what_cannot_be_read_is_drained_and_fills_again(
        bytes in prop_oneof![any::<Vec<u8>>(), any::<[u8; 49]>().prop_map(record_of_an_unusable_rate)],
        limits in any_limits(),
    ) {
        let now = Nanos(1_000_000 * SECOND);
        let mut buckets = read(bytes.clone(), now);
        prop_assume!(buckets.changed());
        let charged = buckets.charge(&limits, b"GET", &at(now, OLD));
        prop_assert_eq!(charged.exceeded.len(), limits.len(), "{:?} gave a token", bytes);
        let later = Nanos(now.0 + charged.retry_after().0);
        let mut buckets = read(buckets.as_bytes().to_vec(), later);
        prop_assert!(!buckets.changed());
        prop_assert!(buckets.charge(&limits, b"GET", &at(later, OLD)).is_allowed());
    }
}

#[test]
fn records_of_limits_that_the_writer_does_not_know_are_kept() {
    let [one, two] = [bucket(1, 1, 3600 * SECOND, 5), bucket(2, 1, 3600 * SECOND, 5)].map(Option::unwrap);
    let mut stored = Stored::default();
    let now = Nanos(SECOND);
    for _ in 0..3 {
        stored.charge(from_ref(&one), now, OLD);
    }
    stored.charge(from_ref(&two), now, NEW);
    assert_eq!(stored.remaining(&one, now, NEW), 2);
    assert_eq!(stored.remaining(&two, now, NEW), 4);
}

#[test]
fn an_older_configuration_never_converts_back() {
    let [old, new] = [bucket(1, 1, 3600 * SECOND, 100), bucket(1, 1, 3600 * SECOND, 2)].map(Option::unwrap);
    let mut stored = Stored::default();
    let now = Nanos(SECOND);
    assert!(stored.charge(from_ref(&new), now, NEW).is_allowed());
    assert!(stored.charge(from_ref(&old), now, OLD).is_allowed());
    assert!(!stored.charge(&[old], now, OLD).is_allowed(), "a late worker would have admitted a hundred");
}
