//! What Prometheus makes of a real Envoy with the shipped configuration: metrics with the labels of the design and no
//! others, rules that hold, and a dashboard each of whose queries finds something.

mod server;

use crate::support::admin::Admin;
use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::mutant::{Mutant, Status};
use crate::support::parts::Part;
use crate::support::pki::{Identity, Leaf};
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use server::Prometheus;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// An Envoy whose property for the peer's certificate does not exist.
const WITHOUT_CERTIFICATE: &str = "1.36.4";

/// What there is, with its labels.
const METRICS: [(&str, &[&str]); 9] = [
    ("certgate_requests_total", &["decision", "reason", "tier"]),
    ("certgate_client_requests_total", &["alias", "decision"]),
    ("certgate_limit_exceeded_total", &["limit", "tier"]),
    ("certgate_store_conflicts_total", &[]),
    ("certgate_dates_unchecked_total", &[]),
    ("certgate_crl_next_update_timestamp_seconds", &[]),
    ("certgate_enforcing", &[]),
    ("certgate_config_generation", &[]),
    ("certgate_credential_not_after_timestamp_seconds", &["alias", "credential"]),
];

const DECISIONS: [&str; 8] = [
    "allowed",
    "throttled",
    "refused",
    "error",
    "shadow_allowed",
    "shadow_throttled",
    "shadow_refused",
    "shadow_error",
];

/// Two Envoys and who calls them: one as it should be, and one that shows no certificates and has no store.
struct Stage {
    world: Arc<World>,
    good: Envoy,
    broken: Envoy,
    gold: Identity,
    bronze: Identity,
}

impl Stage {
    async fn start() -> Self {
        let world = Arc::new(World::new());
        let [gold, bronze] = ["gold", "bronze"].map(|name| world.authority.client(name));
        let good = Envoy::start(world.ecds_bootstrap(&registry(&world, &gold, &bronze, "enforce"))).await;
        let mutant = Mutant::new().buckets_store_ends_with(Status::InternalFailure).write();
        let mut unlisted = registry(&world, &gold, &bronze, "enforce");
        unlisted.as_object_mut().unwrap().remove("crls");
        let broken = world.ecds_bootstrap(&unlisted).version(WITHOUT_CERTIFICATE).module(&mutant);
        let broken = Envoy::start(broken).await;
        Self { world, good, broken, gold, bronze }
    }

    fn admins(&self) -> [Admin; 2] {
        [self.good.admin, self.broken.admin]
    }

    /// Requests of every decision that there is in this mode, to both Envoys.
    async fn call(&self) {
        let (good, broken) = (self.good.port(), self.broken.port());
        let callers = [self.world.caller(&self.gold), self.world.caller(&self.bronze), self.world.anonymous()];
        for caller in callers {
            for _ in 0..5 {
                caller.get(good, "/").await;
            }
            caller.get(broken, "/").await;
        }
        self.world.caller(&self.world.authority.client("stranger")).get(good, "/").await;
    }

    /// Requests of one client on all workers, until one of these came between another's read and write.
    async fn quarrel(&self) {
        let done = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for _ in 0..8 {
            let (done, caller, port) = (Arc::clone(&done), self.world.caller(&self.gold), self.good.port());
            callers.spawn(call_until(done, caller, port));
        }
        until("two workers to change one client's buckets at once", async || {
            (self.good.admin.metric("certgate_store_conflicts_total", &[]).await > 0.0).then_some(())
        })
        .await;
        done.store(true, Ordering::Relaxed);
        callers.join_all().await;
    }

    /// Both Envoys in this mode.
    async fn switch(&mut self, mode: &str) {
        let mut new = registry(&self.world, &self.gold, &self.bronze, mode);
        assert_eq!(self.good.push(&new).await, Outcome::Live);
        new.as_object_mut().unwrap().remove("crls");
        assert_eq!(self.broken.push(&new).await, Outcome::Live);
    }
}

async fn call_until(done: Arc<AtomicBool>, caller: Caller, port: u16) {
    let mut connection = caller.connect(port).await;
    while !done.load(Ordering::Relaxed) {
        connection.get("/").await;
    }
}

/// Of each kind of credential whose end is shown, one: of a certificate that is known, and of one that must be seen.
fn registry(world: &World, gold: &Identity, bronze: &Identity, mode: &str) -> Value {
    json!({
        "version": 1,
        "mode": mode,
        "tiers": {
            "gold": {"limits": [{"name": "burst", "requests": 100_000, "per": "1s"}]},
            "bronze": {"limits": [{"name": "hourly", "requests": 2, "per": "1h"}]},
        },
        "clients": [
            {"alias": "partner-a", "tier": "gold", "credentials": [
                {"sha256": gold.fingerprint(), "name": "laptop"},
                {"pem": world.authority.issue(&Leaf::client("server").valid(-60..=3600)).certificate_pem},
            ]},
            {"alias": "partner-b", "tier": "bronze", "credentials": [{"sha256": bronze.fingerprint()}]},
        ],
        "crls": [{"pem": world.authority.crl(&[], 86_400)}],
    })
}

/// Waits until Prometheus has all of these by their names, and gives them.
async fn scraped(prometheus: &Prometheus, name: &str) -> Vec<BTreeMap<String, String>> {
    let samples = until(&format!("Prometheus to have {name}"), async || {
        let samples = prometheus.query(name).await;
        (!samples.is_empty()).then_some(samples)
    })
    .await;
    samples.into_iter().map(|sample| sample.labels).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_arrives_with_the_labels_of_the_design() {
    if !Part::Prometheus.runs() {
        return;
    }
    let mut stage = Stage::start().await;
    let prometheus = Prometheus::start(&stage.admins()).await;
    stage.call().await;
    stage.quarrel().await;
    stage.switch("shadow").await;
    stage.call().await;

    for (name, labels) in METRICS {
        // What Prometheus adds of its own.
        let expected: BTreeSet<_> = labels.iter().copied().chain(["__name__", "instance", "job"]).collect();
        for series in scraped(&prometheus, name).await {
            assert_eq!(series.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{name}");
        }
    }
    for decision in DECISIONS {
        for name in ["certgate_requests_total", "certgate_client_requests_total"] {
            // Who is refused here is nobody's client.
            if name == "certgate_client_requests_total" && decision.ends_with("refused") {
                continue;
            }
            scraped(&prometheus, &format!("{name}{{decision=\"{decision}\"}}")).await;
        }
    }
    eprintln!("{}", stage.good.admin.get("/stats/prometheus").await);
}
