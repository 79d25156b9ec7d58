//! The soak: an Envoy with four workers under mixed good and hostile traffic, and a reload every five seconds. A minute as
//! a part of the tests; `make soak` takes ten (`SOAK_SECONDS`).

mod memory;
mod policy;
mod record;
mod traffic;

use crate::support::bootstrap::Form;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::wait::until;
use crate::support::world::World;
use memory::Memory;
use policy::Registry;
use record::Record;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use traffic::Traffic;

const WORKERS: u32 = 4;
const BETWEEN_RELOADS: Duration = Duration::from_secs(5);
const BETWEEN_REPORTS: Duration = Duration::from_secs(10);

fn duration() -> Duration {
    let seconds = std::env::var("SOAK_SECONDS").ok().filter(|text| !text.is_empty());
    Duration::from_secs(seconds.map_or(60, |text| text.parse().expect("SOAK_SECONDS is a number of seconds")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_wrong_under_mixed_traffic_and_a_reload_every_five_seconds() {
    let world = World::new();
    let identities = policy::identities(&world.authority);
    let [one, two] = [Registry::One, Registry::Two].map(|which| policy::registry(which, &identities));
    let bootstrap = world.ecds_bootstrap(&one).form(Form::Json).concurrency(WORKERS).spread_evenly().resuming();
    let mut envoy = Envoy::start(bootstrap).await;
    let record = Arc::new(Record::new(Registry::One));
    let began = Instant::now();
    let callers = Traffic { port: envoy.port(), record: Arc::clone(&record) }.start(&world, &identities);

    let mut reloads =
        Reloads { broken: policy::broken(&one), good: [one, two], in_force: Registry::One, count: 0, refused: 0 };
    let mut memory = Memory::of(envoy.process_id());
    let (mut next_reload, mut next_report) = (began + BETWEEN_RELOADS, began + BETWEEN_REPORTS);
    while began.elapsed() < duration() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory.sample();
        record.assert_right();
        check_upstreams(&world, &record);
        if Instant::now() >= next_reload {
            next_reload += BETWEEN_RELOADS;
            reloads.next(&mut envoy, &record).await;
        }
        if Instant::now() >= next_report {
            next_report += BETWEEN_REPORTS;
            report(began, &record, &reloads, &memory);
        }
    }
    record.stop();
    let seconds = began.elapsed().as_secs_f64();
    callers.join_all().await;
    report(began, &record, &reloads, &memory);

    record.assert_right();
    record.assert_within_limit(seconds);
    for kind in [
        "through",
        "greedy through",
        "throttled",
        "refused",
        "public",
        "resumed sessions",
        "handshakes refused",
        "refused by Envoy",
    ] {
        assert!(record.counted(kind) > 10, "{kind}: {:?}", record.counts());
    }
    assert_eq!(record.counted("connections that stayed"), 2 * identities.len());
    reloads.assert_counted(&envoy).await;
    assert_healthy(&envoy).await;
    memory.assert_flat();
}

/// Registries, each pushed in its turn: the other good one, and every third time a broken one.
struct Reloads {
    good: [Value; 2],
    broken: [Value; 4],
    in_force: Registry,
    count: usize,
    refused: usize,
}

impl Reloads {
    async fn next(&mut self, envoy: &mut Envoy, record: &Record) {
        self.count += 1;
        if self.count.is_multiple_of(3) {
            let broken = &self.broken[self.refused % self.broken.len()];
            assert_eq!(envoy.push(broken).await, Outcome::Refused, "reload {}", self.count);
            self.refused += 1;
            return;
        }
        let (old, new) = (self.in_force, self.in_force.other());
        record.in_force(&[old, new]);
        assert_eq!(envoy.push(&self.good[new as usize]).await, Outcome::Live, "reload {}", self.count);
        record.in_force(&[new]);
        self.in_force = new;
    }

    /// Whether Envoy and certgate have counted the same.
    async fn assert_counted(&self, envoy: &Envoy) {
        let taken_up = (self.count - self.refused + 1) as f64;
        assert_eq!(envoy.admin.metric("certgate_config_generation", &[]).await, taken_up);
        let failed = envoy.admin.stat("extension_config_discovery.http_filter.certgate.config_fail").await;
        assert_eq!(failed, self.refused as u64);
    }
}

/// What reached an upstream has a name, exactly once and one that is known, or asked for what is public.
fn check_upstreams(world: &World, record: &Record) {
    for echo in world.default.take().into_iter().chain(world.gold.take()) {
        let public = echo.path.starts_with("/healthz");
        if public != echo.headers.get("x-client-alias").is_none() {
            record.wrong(format!("an upstream received {echo:?}"));
        }
    }
}

/// Nothing has trapped, and certgate was never at a loss.
async fn assert_healthy(envoy: &Envoy) {
    let errors = envoy.admin.metric("certgate_requests_total", &[("decision", "error")]).await;
    assert_eq!(errors, 0.0, "requests that certgate could not decide");
    assert_eq!(envoy.admin.metric("certgate_enforcing", &[]).await, 1.0);
    // One on each thread, and the one that Envoy makes them from; none is left of those that registries were tried in.
    until("as many VMs as there were at first", async || {
        let stats = envoy.admin.stats().await;
        let vms = stats.iter().filter(|(name, _)| name.ends_with("wasm.runtime.v8.active")).map(|(_, count)| count);
        (vms.sum::<u64>() == u64::from(WORKERS) + 2).then_some(())
    })
    .await;
    let log = envoy.log();
    for sign in ["Function: proxy_on", "panicked", "Uncaught", "recover"] {
        let line = log.lines().find(|line| line.contains(sign));
        assert!(line.is_none(), "Envoy's log: {line:?}");
    }
}

fn report(began: Instant, record: &Record, reloads: &Reloads, memory: &Memory) {
    let counts: Vec<_> = record.counts().into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    eprintln!(
        "soak, {:3.0} s: {}; {} reloads, {} of them refused; {memory}",
        began.elapsed().as_secs_f64(),
        counts.join(", "),
        reloads.count,
        reloads.refused,
    );
}
