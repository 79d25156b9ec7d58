//! What registries cost by their size: memory, and the fuel of taking them in, for the VM that is the first to see them
//! and so reads them inside `on_configure` (the canary), and for a worker's. Linear memory never shrinks, so what it is
//! at the end is the most that it ever was.

use crate::budget::{self, Figure};
use crate::certificate::Certificate;
use crate::paths::PAUSE;
use crate::process::Process;
use crate::registry;
use crate::vm::{Usage, Vm};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The least number of clients for which pages say something about each.
const LARGE: usize = 100_000;

/// How often a worker's registry is changed, by one client each time.
const RELOADS: usize = 10;

/// The request that is measured; see `paths.rs`.
const MEASURED: usize = 20;

/// Linear memory in bytes.
struct Memory {
    before: u64,
    configured: u64,
    reloaded: u64,
}

impl Memory {
    /// What each client adds at most to what a VM has anyway, when it is configured and when it was so anew.
    fn per_client(&self, clients: usize) -> [u64; 2] {
        [self.configured, self.reloaded].map(|peak| (peak - self.before) / clients as u64)
    }
}

/// What was measured with one registry.
struct Measured {
    clients: usize,
    canary: Memory,
    worker: Memory,
    canary_configures: Usage,
    worker_configures: Usage,
    worker_ticks: Usage,
    request: Usage,
}

impl Measured {
    /// A registry of this many clients.
    fn with(clients: usize) -> Self {
        let client = Certificate::of("client");
        let process = Rc::new(Process::new());
        let (mut canary, mut worker) = (Vm::start(&process), Vm::start(&process));
        let before = [&canary, &worker].map(Vm::memory);

        let editions = [0, 1].map(|edition| registry::with(clients, &client, edition));
        let canary_configures = canary.configure(&editions[0]);
        let worker_configures = worker.configure(&editions[0]);
        let worker_ticks = worker.tick();
        let configured = [&canary, &worker].map(Vm::memory);
        let request = Self::request(&process, &mut worker, &client);

        // From one edition to the other and back: a canary sees each of them once.
        canary.configure(&editions[1]);
        for reload in 1..=RELOADS {
            worker.configure(&editions[reload % 2]);
            worker.tick();
        }
        let reloaded = [&canary, &worker].map(Vm::memory);
        Self::request(&process, &mut worker, &client);

        let memory = |vm| Memory { before: before[vm], configured: configured[vm], reloaded: reloaded[vm] };
        let (canary, worker) = (memory(0), memory(1));
        Self { clients, canary, worker, canary_configures, worker_configures, worker_ticks, request }
    }

    fn request(process: &Process, worker: &mut Vm, client: &Certificate) -> Usage {
        let headers = registry::plain();
        for _ in 1..MEASURED {
            worker.request(&headers, Some(client));
            process.pass(PAUSE);
        }
        let usage = worker.request(&headers, Some(client));
        assert_eq!(worker.host().answer, None);
        usage
    }

    /// The lines of the budget.
    fn figures(&self) -> BTreeMap<String, Figure> {
        let clients = grouped(self.clients);
        let mut figures = BTreeMap::from([
            (format!("allowed, among {clients} clients"), Figure::of(&self.request)),
            (format!("canary, {clients} clients: on_configure"), Figure::of(&self.canary_configures)),
            (format!("worker, {clients} clients: on_configure"), Figure::of(&self.worker_configures)),
            (format!("worker, {clients} clients: on_tick"), Figure::of(&self.worker_ticks)),
        ]);
        if self.clients >= LARGE {
            for (vm, memory, reloads) in [("canary", &self.canary, 1), ("worker", &self.worker, RELOADS)] {
                let name = format!("{vm}, {clients} clients: peak bytes per client");
                let later = format!("{name}, reloads: {reloads}");
                let [now, reloaded] = memory.per_client(self.clients).map(|amount| Figure { amount, calls: None });
                figures.extend([(name, now), (later, reloaded)]);
            }
        }
        figures
    }

    fn show(&self) {
        let clients = grouped(self.clients);
        for (vm, memory, reloads) in [("canary", &self.canary, 1), ("worker", &self.worker, RELOADS)] {
            let [before, configured, reloaded] =
                [memory.before, memory.configured, memory.reloaded].map(|bytes| bytes / 1024);
            let [each, later] = memory.per_client(self.clients);
            println!(
                "{clients:>7} clients, {vm}: {before:5} KiB before, {configured:6} KiB configured ({each:4} B each), \
                 {reloaded:6} KiB after {reloads:2} reloads ({later:4} B each)"
            );
        }
        println!(
            "{clients:>7} clients, fuel: canary's on_configure {}, worker's on_configure {}, on_tick {}, a request {}",
            self.canary_configures.fuel(),
            self.worker_configures.fuel(),
            self.worker_ticks.fuel(),
            self.request.fuel(),
        );
    }
}

fn within_budget(clients: usize) {
    let measured = Measured::with(clients);
    measured.show();
    let ours = format!(" {} clients", grouped(clients));
    budget::check(|line| line.contains(&ours), &measured.figures());
}

#[test]
fn ten_clients_are_within_their_budget() {
    within_budget(10);
}

#[test]
fn a_thousand_clients_are_within_their_budget() {
    within_budget(1_000);
}

#[test]
fn a_hundred_thousand_clients_are_within_their_budget() {
    within_budget(100_000);
}

/// With a comma between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let head = digits.len() % 3;
    let (head, tail) = digits.split_at(head);
    let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let head = (!head.is_empty()).then(|| head.to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}
