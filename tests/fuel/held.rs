//! What old configurations leave behind: nothing, however many streams are open that began under them, and whatever
//! limits they had.

use crate::certificate::Certificate;
use crate::process::Process;
use crate::registry;
use crate::vm::Vm;
use serde_json::{Value, json};
use std::rc::Rc;

/// Clients in the registries that come one after the other.
const CLIENTS: usize = 500;
const RELOADS: usize = 100;

/// The main thread's VM, which has no streams, and a worker's, with what every configuration is pushed to.
struct Pair {
    process: Rc<Process>,
    main: Vm,
    worker: Vm,
}

impl Pair {
    fn with(configuration: &[u8]) -> Self {
        let process = Rc::new(Process::new());
        let (main, worker) = (Vm::start(&process), Vm::start(&process));
        let mut pair = Self { process, main, worker };
        pair.push(configuration);
        pair
    }

    /// Puts a configuration in force as Envoy does: where it is new, a VM that is thrown away sees it first.
    fn push(&mut self, configuration: &[u8]) {
        Vm::start(&self.process).configure(configuration);
        self.worker.configure(configuration);
        self.main.configure(configuration);
        self.main.tick();
        self.worker.tick();
    }

    /// How a request of this caller is answered; `None`: it goes on.
    fn answer(&mut self, caller: Option<&Certificate>) -> Option<u32> {
        self.worker.request(&registry::plain(), caller);
        self.worker.host().answer
    }
}

#[test]
fn streams_that_are_held_over_a_hundred_reloads_keep_no_policy() {
    let client = Certificate::of("client");
    let edition = |number| registry::with(CLIENTS, &client, number);
    let mut pair = Pair::with(&edition(0));
    let mut sizes = Vec::new();
    for reload in 1..=RELOADS {
        for caller in [Some(&client), None] {
            pair.worker.hold(&registry::plain(), caller);
        }
        pair.push(&edition(reload));
        assert_eq!(pair.answer(Some(&client)), None, "after reload {reload}");
        assert_eq!(pair.answer(None), Some(403), "after reload {reload}");
        sizes.push(pair.worker.memory());
    }
    let grown = sizes[RELOADS - 1] - sizes[9];
    println!("a worker's memory: {} KiB after ten reloads, {grown} bytes more after {RELOADS}", sizes[9] / 1024);
    // A policy is 74 bytes for each client.
    let streams = 2 * (RELOADS - 10) as u64;
    assert!(grown <= streams * 1024, "{} bytes for each open stream", grown / streams);
    pair.worker.let_go();
    // The client has used its burst up by now.
    assert_eq!(pair.answer(Some(&client)), Some(429));
}

/// Envoy uses the context of an old configuration again, without a word to it, where a stream has kept it alive.
#[test]
fn a_configuration_that_comes_back_is_there_again() {
    let client = Certificate::of("client");
    let stranger = Certificate::of("stranger");
    let mut editions = [0, 1, 2].map(|number| registry::with(CLIENTS, &client, number));
    editions[0] = registry::with(CLIENTS, &stranger, 0);
    let mut pair = Pair::with(&editions[0]);
    for round in 0..3 {
        for (place, edition) in editions.iter().enumerate() {
            pair.worker.hold(&registry::plain(), None);
            // No canary sees it a second time.
            pair.worker.configure(edition);
            pair.main.configure(edition);
            pair.main.tick();
            let expected = if place == 0 { Some(403) } else { None };
            assert_eq!(pair.answer(Some(&client)), expected, "round {round}, edition {place}");
        }
    }
}

#[test]
fn a_worker_without_memory_recovers_when_it_has_some() {
    let client = Certificate::of("client");
    let mut pair = Pair::with(&registry::with(10, &client, 0));
    pair.worker.hold(&registry::plain(), Some(&client));
    pair.worker.starve(true);
    pair.push(&registry::with(20_000, &client, 1));
    let log = pair.worker.host().log.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n");
    assert!(log.contains("there is no memory for the configuration"), "{log}");
    for _ in 0..3 {
        assert_eq!(pair.answer(Some(&client)), Some(503));
        pair.process.pass(2_000_000_000);
        pair.worker.tick();
    }
    pair.worker.starve(false);
    pair.process.pass(2_000_000_000);
    pair.worker.tick();
    assert_eq!(pair.answer(Some(&client)), None);
    assert_eq!(pair.answer(None), Some(403));
}

/// So many limits, with names that no other edition has.
fn renamed(client: &Certificate, edition: usize) -> Vec<u8> {
    let limit = |number| json!({"name": format!("limit-{edition}-{number}"), "requests": 100, "per": "1s"});
    let mut registry = registry::of(client);
    registry["tiers"]["gold"]["limits"] = (0..LIMITS).map(limit).collect::<Value>();
    registry.to_string().into_bytes()
}

const LIMITS: usize = 100;

#[test]
fn a_request_costs_the_same_after_forty_reloads_that_rename_a_hundred_limits() {
    let client = Certificate::of("client");
    let mut pair = Pair::with(&renamed(&client, 0));
    let cost = |pair: &mut Pair| {
        for _ in 0..3 {
            assert_eq!(pair.answer(Some(&client)), None);
            pair.process.pass(1_000_000_000);
        }
        pair.worker.request(&registry::plain(), Some(&client)).fuel()
    };
    let before = cost(&mut pair);
    for edition in 1..=40 {
        pair.push(&renamed(&client, edition));
        assert_eq!(pair.answer(Some(&client)), None);
        pair.process.pass(1_000_000_000);
    }
    let after = cost(&mut pair);
    println!("a request with {LIMITS} limits: {before} fuel, and {after} after 40 reloads that rename them");
    assert!(after * 100 <= before * 105, "{before} before, {after} after");
}
