//! Token buckets against the `governor` crate, which counts in another form: equal arrivals have equal decisions.

use crate::fixtures::limits::{at, bucket};
use certgate_core::domain::bucket::Buckets;
use certgate_core::domain::generation::Generation;
use certgate_core::domain::time::Nanos;
use certgate_test_support::laws::cases;
use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::slice::from_ref;
use std::time::Duration;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(100_000)))]

    /// With intervals of whole nanoseconds: governor rounds others down, certgate up.
    #[test]
    fn the_same_arrivals_are_decided_the_same(
        interval in prop_oneof![1_u64..1000, 1_000_000_u64..1_000_000_000, Just(1_000_000_000_u64)],
        burst in 1_u32..20,
        gaps in prop::collection::vec((0_u64..=40, 1_u64..=10), 1..30),
    ) {
        let limit = bucket(1, 1, interval, burst.into()).unwrap();
        let quota = Quota::with_period(Duration::from_nanos(interval)).unwrap();
        let clock = FakeRelativeClock::default();
        let theirs = RateLimiter::direct_with_clock(quota.allow_burst(NonZeroU32::new(burst).unwrap()), clock.clone());
        let mut ours = Buckets::default();
        let mut now = 0;
        for (numerator, denominator) in gaps {
            // From no time at all to forty tokens' worth, in all fractions.
            let gap = interval * numerator / denominator;
            now += gap;
            clock.advance(Duration::from_nanos(gap));
            let taken = ours.charge(from_ref(&limit), b"GET", &at(Nanos(now), Generation(1))).is_allowed();
            prop_assert_eq!(taken, theirs.check().is_ok(), "after {} ns", now);
        }
    }
}
