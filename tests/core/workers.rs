//! A model of workers that share a client's buckets: each reads, computes and swaps, and the steps of all of them come in
//! every order (few workers) or in many (up to sixteen), with a reload among them. A store that ignores what it should
//! compare is caught.

use crate::limits::{at, bucket};
use certgate::domain::bucket::Buckets;
use certgate::domain::level::Generation;
use certgate::domain::limit::Limit;
use certgate::domain::time::{Nanos, UnixSeconds};
use certgate::engine::fakes::FakeStore;
use certgate::engine::host::{Expected, Store, Swap};
use proptest::prelude::*;
use std::slice::from_ref;

/// Whether the store compares before it swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Right,
    IgnoresVersions,
}

/// One worker with so many requests before it.
#[derive(Clone)]
struct Worker {
    requests: usize,
    /// What it read and has not swapped yet.
    read: Option<(Option<Vec<u8>>, Expected)>,
    generation: Generation,
}

/// All of them, at one moment.
#[derive(Clone)]
struct World {
    kind: Kind,
    value: Option<(Vec<u8>, u32)>,
    workers: Vec<Worker>,
    admitted: usize,
}

/// An hour between tokens, so that none comes back meanwhile.
fn limit(burst: u64) -> Limit {
    bucket(1, 1, 3600 * Nanos::PER_SECOND, burst).unwrap()
}

/// The burst that a configuration of each generation allows.
const BURSTS: [u64; 2] = [2, 3];
const NOW: Nanos = Nanos(Nanos::PER_SECOND);
const KEY: &str = "buckets";

impl World {
    fn new(kind: Kind, workers: usize, requests: usize) -> Self {
        let worker = Worker { requests, read: None, generation: Generation(0) };
        Self { kind, value: None, workers: vec![worker; workers], admitted: 0 }
    }

    /// The workers that still have something to do.
    fn busy(&self) -> impl Iterator<Item = usize> {
        let busy = |worker: &Worker| worker.requests > 0;
        self.workers.iter().enumerate().filter(move |(_, worker)| busy(worker)).map(|(place, _)| place)
    }

    /// The next step of a worker: it reads, or it computes and swaps.
    fn step(&mut self, place: usize) {
        let worker = &mut self.workers[place];
        let Some((stored, expected)) = worker.read.take() else {
            let stored = self.value.clone();
            let expected = stored
                .as_ref()
                .map_or(Expected::Absent, |(_, version)| Expected::Version(certgate::engine::host::Version(*version)));
            worker.read = Some((stored.map(|(value, _)| value), expected));
            return;
        };
        let mut buckets =
            stored.map_or_else(Buckets::default, |bytes| Buckets::from_stored(bytes, NOW, UnixSeconds(0)));
        let index = usize::try_from(worker.generation.0).unwrap();
        let take = buckets.take(from_ref(&limit(BURSTS[index])), b"GET", &at(NOW, worker.generation));
        if !take.taken() {
            worker.requests -= 1;
            return;
        }
        let now = self.value.as_ref().map(|(_, version)| *version);
        let same = match expected {
            Expected::Absent => now.is_none(),
            Expected::Version(version) => now == Some(version.0),
        };
        if same || self.kind == Kind::IgnoresVersions {
            worker.requests -= 1;
            self.admitted += 1;
            self.value = Some((buckets.as_bytes().to_vec(), now.unwrap_or(0) + 1));
        }
    }

    /// The most that is admitted in any order of the steps from here on; each step may be followed by a worker taking up
    /// the new configuration, if `reload`.
    fn worst(&self, reload: bool) -> usize {
        let mut worst = self.admitted;
        for place in self.busy() {
            let mut next = self.clone();
            next.step(place);
            worst = worst.max(next.worst(reload));
            if reload && self.workers[place].generation == Generation(0) && self.workers[place].read.is_none() {
                let mut next = self.clone();
                next.workers[place].generation = Generation(1);
                next.step(place);
                worst = worst.max(next.worst(reload));
            }
        }
        worst
    }
}

#[test]
fn in_every_order_of_few_workers_steps_no_more_than_the_burst_is_admitted() {
    for (workers, requests) in [(1, 4), (2, 3), (3, 2)] {
        let worst = World::new(Kind::Right, workers, requests).worst(false);
        assert_eq!(worst, 2, "{workers} workers with {requests} requests each");
    }
}

#[test]
fn in_every_order_with_a_reload_no_more_than_both_bursts_is_admitted() {
    for (workers, requests) in [(1, 4), (2, 3)] {
        let worst = World::new(Kind::Right, workers, requests).worst(true);
        assert!((3..=5).contains(&worst), "{worst} with {workers} workers");
    }
}

#[test]
fn a_store_that_compares_nothing_is_caught() {
    assert!(World::new(Kind::IgnoresVersions, 2, 2).worst(false) > 2);
}

#[test]
fn the_fake_store_compares() {
    let store = FakeStore::default();
    assert_eq!(store.swap(KEY, b"1", Expected::Absent), Ok(Swap::Done));
    assert_eq!(store.swap(KEY, b"2", Expected::Absent), Ok(Swap::Conflict));
    let (_, version) = store.read(KEY).unwrap().unwrap();
    assert_eq!(store.swap(KEY, b"3", Expected::Version(version)), Ok(Swap::Done));
    assert_eq!(store.swap(KEY, b"4", Expected::Version(version)), Ok(Swap::Conflict));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn in_many_orders_of_up_to_sixteen_workers_steps_the_law_holds(
        workers in 1_usize..=16,
        order in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..400),
        begin in 0_usize..400,
    ) {
        let mut world = World::new(Kind::Right, workers, 4);
        for (place, (pick, takes_up)) in order.into_iter().enumerate() {
            let busy: Vec<_> = world.busy().collect();
            let Some(worker) = (!busy.is_empty()).then(|| busy[pick.index(busy.len())]) else { break };
            if place >= begin && takes_up && world.workers[worker].read.is_none() {
                world.workers[worker].generation = Generation(1);
            }
            world.step(worker);
            let late = world.workers.iter().any(|worker| worker.generation == Generation(1));
            let allowed = if late { BURSTS[0] + BURSTS[1] } else { BURSTS[0] };
            prop_assert!(u64::try_from(world.admitted).unwrap() <= allowed, "{} admitted", world.admitted);
        }
    }
}
