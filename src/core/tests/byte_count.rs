//! The law of limits that count bytes: at most `burst + rate x t`, and what was in flight when they ran dry.

use certgate_core::domain::time::Nanos;
use certgate_core::engine::{ByteCount, Engine, Forward, Outcome, Uncharged};
use certgate_test_support::fakes::engine_since;
use certgate_test_support::fakes::{Fake, FakeLedger, Fault};
use certgate_test_support::laws::cases;
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use proptest::prelude::*;
use serde_json::{Value, json};

const KNOWN: &str = "6ef8a2000000000000000000000000000000000000000000000000000000aaaa";
const MILLI: u64 = 1_000_000;
const MIB: u64 = 1 << 20;

/// A client that may send so many bytes a millisecond, and so many at once.
fn engine(store: &FakeLedger, rate: u64, burst: u64) -> Engine {
    engine_with(store, &json!({"bytes": rate * 1000, "per": "1s", "burst": burst}))
}

/// A client with this limit of bytes.
fn engine_with(store: &FakeLedger, limit: &Value) -> Engine {
    let limit = merge(json!({"name": "traffic", "kind": "bytes"}), limit);
    let clients = [by_fingerprint("known", "bronze", KNOWN)];
    engine_since(0, &registry(&[("bronze", json!([limit]))], &clients), store)
}

fn pass(bytes: &mut ByteCount, fake: &Fake<'_>, size: u64) {
    bytes.count(fake, fake, size);
}

fn finish(bytes: &mut ByteCount, fake: &Fake<'_>) -> Result<(), Uncharged> {
    bytes.finish(fake, fake)
}

fn fake(store: &FakeLedger, millis: u64) -> Fake<'_> {
    Fake {
        store: Some(store),
        digest: Some(KNOWN.into()),
        monotonic: Nanos((1000 + millis) * MILLI),
        ..Fake::default()
    }
}

fn begin(engine: &Engine, fake: &Fake<'_>) -> Option<Forward> {
    match fake.handle(engine, [(&b":method"[..], &b"GET"[..])].into_iter()) {
        Outcome::Forward(forward) => Some(forward),
        Outcome::Reply(_) => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2_000)))]

    /// Streams that begin when they may, and send pieces of any size for as long as they like.
    #[test]
    fn no_more_passes_than_burst_and_rate_and_what_was_in_flight(
        rate in 1_u64..1000,
        burst in 1_u64..3 * MIB,
        streams in prop::collection::vec((0_u64..2000, prop::collection::vec((0_u64..1500, 0..MIB), 1..6)), 1..12),
    ) {
        let store = FakeLedger::default();
        let engine = engine(&store, rate, burst);
        let (mut millis, mut passed) = (0, 0);
        for (pause, pieces) in streams {
            millis += pause;
            let at_begin = fake(&store, millis);
            let before = (passed, burst + rate * millis);
            let Some(Forward { byte_count: Some(mut count), .. }) = begin(&engine, &at_begin) else { continue };
            // Another begins only when there is something left: all of the earlier ones is paid for.
            prop_assert!(before.0 < before.1, "{} passed where {} may", before.0, before.1);
            for (gap, bytes) in pieces {
                millis += gap;
                pass(&mut count, &fake(&store, millis), bytes);
                passed += bytes;
            }
            finish(&mut count, &fake(&store, millis)).unwrap();
        }
    }
}

#[test]
fn what_passes_is_charged_each_mebibyte_and_each_second() {
    let store = FakeLedger::default();
    let engine = engine(&store, 1, 100 * MIB);
    let Some(Forward { byte_count: Some(mut count), .. }) = begin(&engine, &fake(&store, 0)) else {
        panic!("it may call")
    };
    let writes = || store.writes();
    let mut before = writes();
    let mut charged = |millis, bytes| {
        pass(&mut count, &fake(&store, millis), bytes);
        let after = writes();
        std::mem::replace(&mut before, after) != after
    };
    assert!(!charged(1, 1) && !charged(2, MIB - 2));
    assert!(charged(3, 1), "a mebibyte");
    assert!(!charged(4, 1) && !charged(1002, 1));
    assert!(charged(1003, 1), "a second");
}

#[test]
fn a_limit_in_shadow_gives_what_it_holds_and_owes_nothing_for_the_rest() {
    let store = FakeLedger::default();
    let engine = engine_with(&store, &json!({"bytes": 1000, "per": "1s", "burst": 1000, "mode": "shadow"}));
    for _ in 0..3 {
        let Some(Forward { byte_count: Some(mut count), .. }) = begin(&engine, &fake(&store, 0)) else {
            panic!("it may call")
        };
        pass(&mut count, &fake(&store, 0), MIB);
    }
    // A mebibyte is owed, which was in flight, and not three.
    let millis = MIB;
    let late = begin(&engine, &fake(&store, millis)).and_then(|forward| forward.headers).unwrap();
    assert_eq!(late.pairs()[1].1, "\"traffic\";r=1000;t=0");
    let early = begin(&engine, &fake(&store, millis - 2000)).and_then(|forward| forward.headers).unwrap();
    assert_eq!(early.pairs()[1].1, "\"traffic\";r=0;t=2");
}

#[test]
fn what_cannot_be_charged_is_charged_later() {
    let store = FakeLedger::default();
    let engine = engine(&store, 1, MIB);
    let Some(Forward { byte_count: Some(mut count), .. }) = begin(&engine, &fake(&store, 0)) else {
        panic!("it may call")
    };
    pass(&mut count, &Fake { fault: Fault::Write, ..fake(&store, 1) }, 2 * MIB);
    assert!(begin(&engine, &fake(&store, 2)).is_some());
    finish(&mut count, &fake(&store, 3)).unwrap();
    assert!(begin(&engine, &fake(&store, 4)).is_none());
    assert_eq!(finish(&mut count, &fake(&store, 5)), Ok(()));
    // Once: after the debt of a mebibyte, at a byte a millisecond, there is something left.
    assert!(begin(&engine, &fake(&store, MIB + 5)).is_some());
}
