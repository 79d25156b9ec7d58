//! A model of workers that share a client's buckets: each reads, computes and swaps, in the loop that the module runs. The
//! steps of all workers come in every order (few workers) or in many (up to sixteen), with a reload among them. A store
//! that does not compare is caught.

#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use super::{Expected, Store, Swap, Version, update};
use certgate_core::calendar;
use certgate_core::domain::bucket::Buckets;
use certgate_core::domain::cost::Cost;
use certgate_core::domain::generation::Generation;
use certgate_core::domain::limit::{Kind as LimitKind, Limit, LimitId};
use certgate_core::domain::limit_state::CountingContext;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::name::Name;
use certgate_core::domain::rate::{Rate, Unit};
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_core::engine::host::HostFailure;
use certgate_core::engine::ledger::{Change, Unavailable};
use certgate_test_support::laws::cases;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::num::NonZeroU64;
use std::slice::from_ref;

/// Whether the store compares before it swaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Right,
    IgnoresVersions,
}

/// A value and its version; `None` where nothing is stored.
type Stored = Option<(Vec<u8>, u32)>;

/// One worker, with the number of requests before it.
#[derive(Clone)]
struct Worker {
    requests: usize,
    /// The value that it has read and not swapped yet.
    read: Option<Stored>,
    generation: Generation,
}

/// All workers and the store, at one moment.
#[derive(Clone)]
struct World {
    kind: Kind,
    value: Stored,
    workers: Vec<Worker>,
    admitted: usize,
}

/// The store as a worker sees it in one step: the value that it has read before, and the value by now.
struct View {
    kind: Kind,
    read: Cell<Option<Stored>>,
    value: RefCell<Stored>,
}

/// Ends the step of a worker that reads again.
const SUSPENDED: HostFailure = HostFailure::new("suspended");

impl Store for View {
    fn read(&self, _: &str) -> Result<Option<(Vec<u8>, Version)>, HostFailure> {
        let read = self.read.take().ok_or(SUSPENDED)?;
        Ok(read.map(|(value, version)| (value, Version(version))))
    }

    fn swap(&self, _: &str, value: &[u8], expected: Expected) -> Result<Swap, HostFailure> {
        let mut stored = self.value.borrow_mut();
        let version = stored.as_ref().map(|(_, version)| *version);
        let now = version.map_or(Expected::Absent, |version| Expected::Version(Version(version)));
        if now != expected && self.kind == Kind::Right {
            return Ok(Swap::Conflict);
        }
        *stored = Some((value.to_vec(), version.unwrap_or(0) + 1));
        Ok(Swap::Done)
    }
}

/// An hour between tokens, so that none comes back meanwhile.
fn limit(burst: u64) -> Limit {
    let [one, hour, burst] = [1, 3600 * Nanos::PER_SECOND, burst].map(|number| NonZeroU64::new(number).unwrap());
    let rate = Rate::new(Unit::Request, one, hour, burst).unwrap();
    Limit {
        id: LimitId([1; 16]),
        name: Name::new("limit").unwrap(),
        kind: LimitKind::TokenBucket(rate),
        cost: Cost::default(),
        rounding: 0,
        mode: Mode::Enforce,
        warn_at: None,
    }
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

    /// The next step of a worker: it reads, or it goes on from what it has read, until it would read again.
    fn step(&mut self, place: usize) {
        let worker = &mut self.workers[place];
        let Some(read) = worker.read.take() else {
            worker.read = Some(self.value.clone());
            return;
        };
        let generation = worker.generation;
        let index = usize::try_from(generation.0).unwrap();
        let at = CountingContext {
            monotonic: NOW,
            wall: UnixSeconds(0),
            calendar: calendar::window,
            started: UnixSeconds(0),
            generation,
        };
        let view = View { kind: self.kind, read: Cell::new(Some(read)), value: RefCell::new(self.value.take()) };
        let admitted = update(&view, KEY, |stored| {
            let mut buckets =
                stored.map_or_else(Buckets::default, |bytes| Buckets::from_stored(bytes, NOW, UnixSeconds(0)));
            let taken = buckets.charge(from_ref(&limit(BURSTS[index])), b"GET", &at).is_allowed();
            Ok::<_, Unavailable>(if taken { Change::Write(buckets) } else { Change::Keep(buckets) })
        });
        self.value = view.value.into_inner();
        match admitted {
            Ok(buckets) => {
                self.workers[place].requests -= 1;
                self.admitted += usize::from(buckets.changed());
            }
            // The swap came too late, and the worker is about to read again.
            Err(Unavailable::Failed(SUSPENDED)) => {}
            Err(failure) => panic!("{failure}"),
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(10_000)))]

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
