//! Prometheus on a real Envoy with the shipped configuration: metrics with the labels of the design and no
//! others, rules that hold, and a dashboard each of whose queries finds something.

mod server;

use crate::support::admin::Admin;
use crate::support::bootstrap::shipped;
use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::repository;
use crate::support::mutant::{Mutant, Status};
use crate::support::parts::Part;
use crate::support::pki::{Identity, Leaf};
use crate::support::registry::{self, by_fingerprint, merge};
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use server::Prometheus;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// An Envoy whose property for the peer's certificate does not exist.
const WITHOUT_CERTIFICATE: &str = "1.36.4";

/// All metrics, with their labels.
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
    /// In the registry as a whole.
    server: Identity,
}

impl Stage {
    async fn start() -> Self {
        let world = Arc::new(World::new());
        let [gold, bronze] = ["gold", "bronze"].map(|name| world.authority.client(name));
        let server = world.authority.issue(&Leaf::client("server").valid(-60..=3600));
        let all = registry(&world, [&gold, &bronze, &server], "enforce");
        let good = Envoy::start(world.ecds_bootstrap(&all)).await;
        let mutant = Mutant::new().buckets_store_ends_with(Status::InternalFailure).write();
        let broken = world.ecds_bootstrap(&without_lists(all)).version(WITHOUT_CERTIFICATE).module(&mutant);
        let broken = Envoy::start(broken).await;
        Self { world, good, broken, gold, bronze, server }
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
        let new = registry(&self.world, [&self.gold, &self.bronze, &self.server], mode);
        assert_eq!(self.good.push(&new).await, Outcome::Live);
        assert_eq!(self.broken.push(&without_lists(new)).await, Outcome::Live);
    }
}

async fn call_until(done: Arc<AtomicBool>, caller: Caller, port: u16) {
    let mut connection = caller.connect(port).await;
    while !done.load(Ordering::Relaxed) {
        connection.get("/").await;
    }
}

/// Of each kind of credential whose end is shown, one: of a certificate that is known, and of one that must be seen.
fn registry(world: &World, [gold, bronze, server]: [&Identity; 3], mode: &str) -> Value {
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
                {"pem": server.certificate_pem},
            ]},
            {"alias": "partner-b", "tier": "bronze", "credentials": [{"sha256": bronze.fingerprint()}]},
        ],
        "crls": [{"pem": world.authority.crl(&[], 86_400)}],
    })
}

/// The registry without its CRLs, in which an Envoy that shows no certificates cannot look up any.
fn without_lists(mut registry: Value) -> Value {
    registry.as_object_mut().unwrap().remove("crls");
    registry
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
async fn every_metric_arrives_with_the_labels_of_the_design_and_the_dashboard_finds_it() {
    if !Part::Prometheus.runs() {
        return;
    }
    let mut stage = Stage::start().await;
    let prometheus = Prometheus::start(&stage.admins()).await;
    stage.call().await;
    stage.quarrel().await;
    // A rate needs two samples.
    scraped(&prometheus, "rate(certgate_store_conflicts_total[1m])").await;
    stage.call().await;
    stage.switch("shadow").await;
    stage.call().await;
    assert_eq!(stage.good.push(&json!({"version": 2})).await, Outcome::Refused);

    has_the_labels_of_the_design(&prometheus).await;
    promtool_finds_only_that_there_is_no_help(&stage.good.admin.get("/stats/prometheus").await);
    every_query_of_the_dashboard_finds_something(&prometheus).await;
    rules_work(&prometheus).await;
}

async fn has_the_labels_of_the_design(prometheus: &Prometheus) {
    for (name, labels) in METRICS {
        // Prometheus adds labels of its own.
        let expected: BTreeSet<_> = labels.iter().copied().chain(["__name__", "instance", "job"]).collect();
        for series in scraped(prometheus, name).await {
            assert_eq!(series.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{name}");
        }
    }
    let ours = scraped(prometheus, r#"{__name__=~".*certgate_.*", __name__!~"envoy_.*"}"#).await;
    let names: BTreeSet<_> = ours.iter().map(|series| series["__name__"].as_str()).collect();
    assert_eq!(names, METRICS.iter().map(|(name, _)| *name).collect(), "there are no others");
    for decision in DECISIONS {
        scraped(prometheus, &format!("certgate_requests_total{{decision=\"{decision}\"}}")).await;
        // Refused requests here are of no client.
        if !decision.ends_with("refused") {
            scraped(prometheus, &format!("certgate_client_requests_total{{decision=\"{decision}\"}}")).await;
        }
    }
}

/// Envoy writes no help for any metric, and has metrics that promtool does not like. Of certgate's it may say no more.
fn promtool_finds_only_that_there_is_no_help(text: &str) {
    let ours: Vec<_> =
        text.lines().filter(|line| line.trim_start_matches("# TYPE ").starts_with("certgate_")).collect();
    assert!(ours.len() > METRICS.len(), "{text}");
    let said = promtool(&["check", "metrics"], &(ours.join("\n") + "\n")).1;
    let complaints: Vec<_> = said.lines().filter(|line| !line.ends_with(" no help text")).collect();
    assert_eq!(complaints, [""; 0]);
}

/// Each with what Grafana puts in place of its variables.
async fn every_query_of_the_dashboard_finds_something(prometheus: &Prometheus) {
    let dashboard = dashboard();
    let mut asked = String::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            assert_eq!((&target["datasource"], &panel["datasource"]), (&datasource(), &datasource()));
            // A default in place of a missing series would hide that it is missing.
            let query = query.replace(" or vector(0)", "").replace("$__rate_interval", "1m");
            let query = query.replace("$instance", ".*").replace("$alias", ".*");
            assert!(!query.contains('$'), "{query}");
            until(&format!("{} to find something: {query}", panel["title"]), async || {
                prometheus.query(&query).await.iter().any(|sample| sample.value.is_finite()).then_some(())
            })
            .await;
            asked += &query;
        }
    }
    for (name, _) in METRICS {
        assert!(asked.contains(name), "no panel shows {name}");
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap().iter().skip(1) {
        assert_eq!(variable["datasource"], datasource());
        let query = variable["query"]["query"].as_str().and_then(|query| query.strip_prefix("label_values(")).unwrap();
        let (metric, label) = query.trim_end_matches(')').split_once(", ").unwrap();
        assert!(scraped(prometheus, metric).await.iter().all(|series| series.contains_key(label)), "{query}");
    }
}

fn dashboard() -> Value {
    let text = std::fs::read_to_string(repository().join("envoy/grafana/dashboard.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The variable that chooses one; as it is, the one of `compose.yaml`.
fn datasource() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// No rule fails on Envoy's series, and the alerts that fire at once have fired.
async fn rules_work(prometheus: &Prometheus) {
    until("all rules to have been evaluated, and the refused configuration to be told", async || {
        let answer = prometheus.get("/api/v1/rules").await;
        let rules = answer["data"]["groups"][0]["rules"].as_array().expect("rules");
        let state = |name: &str| rules.iter().find(|rule| rule["name"] == name).expect("a rule")["state"].clone();
        (rules.iter().all(|rule| rule["health"] == "ok")
            && state("CertgateConfigurationRefused") == "firing"
            && state("CertgateErrors") == "pending"
            && state("CertgateNotEnforcing") == "pending"
            && state("CertgateCredentialEndsIn1Day") == "firing"
            && state("CertgateMissing") == "inactive"
            && state("CertgateRevocationListOverdue") == "inactive")
            .then_some(())
    })
    .await;
}

#[test]
fn what_is_shipped_for_prometheus_is_right_and_fires_when_it_should() {
    if !Part::Prometheus.runs() {
        return;
    }
    for arguments in [
        ["check", "config", "envoy/prometheus.yaml"],
        ["check", "rules", "envoy/alerts.yaml"],
        ["test", "rules", "tests/fixtures/alerts.test.yaml"],
    ] {
        let (good, said) = promtool(&arguments, "");
        assert!(good, "promtool {}:\n{said}", arguments.join(" "));
    }
    // Each rule fires somewhere in these tests, and says what has happened and what to do.
    let tests = std::fs::read_to_string(repository().join("tests/fixtures/alerts.test.yaml")).unwrap();
    for rule in shipped("alerts.yaml")["groups"][0]["rules"].as_array().unwrap() {
        let name = rule["alert"].as_str().unwrap();
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} does not fire in the tests");
        for text in ["summary", "description"] {
            assert!(rule["annotations"][text].as_str().is_some_and(|text| text.len() > 20), "{name} has no {text}");
        }
    }
}

/// Whether promtool accepts its input, and its output.
fn promtool(arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new("promtool")
        .args(arguments)
        .current_dir(repository())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool can be started");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn neither_strangers_nor_many_clients_make_more_series() {
    if !Part::Prometheus.runs() {
        return;
    }
    let world = World::new();
    let identities: Vec<_> = (0..20).map(|number| world.authority.client(&format!("client {number}"))).collect();
    let client = |(number, identity): (usize, &Identity)| {
        by_fingerprint(&format!("client-{number}"), "one", &identity.fingerprint())
    };
    let clients: Vec<_> = identities.iter().enumerate().map(client).collect();
    let registry = merge(registry::registry(&[("one", json!([]))], &clients), &json!({"metrics": {"clients": 3}}));
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    let prometheus = Prometheus::start(&[envoy.admin]).await;
    let call = async |identity: &Identity| world.caller(identity).get(envoy.port(), "/").await.status;
    // Clients with series of their own, another one, and a stranger: from then on there are no new series.
    for identity in &identities[..4] {
        assert_eq!(call(identity).await, 200);
    }
    assert_eq!(call(&world.authority.client("stranger")).await, 403);
    let all = r#"{__name__=~"certgate_.*"}"#;
    let refused = async |count: f64| {
        until("the strangers to be scraped", async || {
            let refused = prometheus.query(r#"certgate_requests_total{decision="refused"}"#).await;
            (refused.first()?.value == count).then_some(())
        })
        .await;
    };
    refused(1.0).await;
    let before = scraped(&prometheus, all).await;
    let shown = |name: &str| before.iter().filter(|series| series["__name__"] == name).count();
    assert_eq!(shown("certgate_client_requests_total"), 4, "three clients and all others together");
    assert_eq!(shown("certgate_credential_not_after_timestamp_seconds"), 3);
    for identity in &identities {
        assert_eq!(call(identity).await, 200);
    }
    for number in 0..50 {
        assert_eq!(call(&world.authority.client(&format!("stranger {number}"))).await, 403);
    }
    refused(51.0).await;
    assert_eq!(scraped(&prometheus, all).await, before);
}
