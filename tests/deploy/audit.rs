//! The audit log in real Envoys: a line for every decision, and the access log beside it.

mod flood;
mod hostile;

use crate::support::bootstrap::Clients;
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::mutant::{Mutant, Status};
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use certgate_core::calendar;
use certgate_core::domain::time::UnixSeconds;
use serde_json::{Value, json};
use std::time::SystemTime;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// The longest line that the tests' requests may have.
const LONGEST: usize = 8192;

/// The lines about requests in Envoy's log, each of them one JSON object of printable ASCII.
fn lines(envoy: &Envoy) -> Vec<Value> {
    let log = envoy.log();
    let lines = log.lines().filter(|line| line.contains("certgate.decision"));
    let object = |line: &str| {
        let (_, object) = line.split_once(": {").expect("an object behind Envoy's own words");
        assert!(object.len() < LONGEST && object.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{object:?}");
        serde_json::from_str(&format!("{{{object}")).unwrap_or_else(|error| panic!("{error}: {object}"))
    };
    lines.map(object).collect()
}

/// Clients and rules for every decision, with these options.
struct Cast {
    world: World,
    gold: Identity,
    bronze: Identity,
    revoked: Identity,
    stranger: Identity,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let [gold, bronze, revoked, stranger] =
            ["gold", "bronze", "revoked", "stranger"].map(|name| world.authority.client(name));
        Self { world, gold, bronze, revoked, stranger }
    }

    fn registry(&self, options: &[(&str, &str)]) -> Value {
        let clients =
            [("partner-a", "gold", &self.gold), ("partner-b", "bronze", &self.bronze), ("old", "gold", &self.revoked)];
        let mut registry = registry::of(&clients);
        registry["tiers"]["bronze"]["limits"] = json!([{"name": "yearly", "requests": 1, "per": "365d"}]);
        registry["clients"][2]["credentials"][0]["revoked"] = json!(true);
        registry["misdirected"] = json!(421);
        registry["rules"] = json!([
            {"name": "health", "match": {"path": "/healthz"}, "access": "public"},
            {"name": "closed", "match": {"path": "/closed/**"}, "access": "deny"},
        ]);
        for (option, value) in options {
            registry[option] = json!(value);
        }
        registry
    }

    fn caller(&self, who: Option<&Identity>) -> Caller {
        who.map_or_else(|| self.world.anonymous(), |identity| self.world.caller(identity))
    }

    /// Sends one request for each decision but errors; the decision on each, and what else its line says of it.
    async fn each(&self, envoy: &Envoy) -> Vec<(&'static str, Value)> {
        let client = |alias: &str, tier: &str, identity: &Identity| json!({"certgate.client.alias": alias, "certgate.tier": tier, "tls.client.hash.sha256": identity.fingerprint(), "certgate.fingerprint_of": "client"});
        let stranger = json!({
            "certgate.reason": "unknown_certificate",
            "certgate.cause": "not_registered",
            "tls.client.hash.sha256": self.stranger.fingerprint(),
            "certgate.fingerprint_of": "client",
            "tls.client.subject": "CN=stranger",
            "tls.client.issuer": "CN=the trusted authority",
            "certgate.client_entry": {
                "alias": format!("client-{:.8}", self.stranger.fingerprint()),
                "tier": "bronze",
                "description": "CN=stranger",
                "credentials": [{"sha256": self.stranger.fingerprint()}],
            },
        });
        let because = |reason: &str, cause: &str, mut more: Value| {
            more["certgate.reason"] = json!(reason);
            more["certgate.cause"] = json!(cause);
            more
        };
        let mut throttled = client("partner-b", "bronze", &self.bronze);
        throttled["certgate.limits"] = json!("yearly");
        let table = [
            (Some(&self.gold), "/orders/1", "localhost", "allowed", client("partner-a", "gold", &self.gold)),
            (None, "/healthz", "localhost", "allowed", json!({"certgate.rule": "health"})),
            (
                None,
                "/orders",
                "localhost",
                "refused",
                because("no_certificate", "certificate_not_presented", json!({})),
            ),
            (Some(&self.stranger), "/orders", "localhost", "refused", stranger),
            (
                Some(&self.revoked),
                "/orders",
                "localhost",
                "refused",
                because("certificate_revoked", "credential_revoked", client("old", "gold", &self.revoked)),
            ),
            (
                Some(&self.gold),
                "/closed/x",
                "localhost",
                "refused",
                because("rule_denied", "rule_denies", json!({"certgate.rule": "closed"})),
            ),
            (
                Some(&self.gold),
                "/orders",
                "api.example.com",
                "refused",
                because("misdirected", "host_not_server_name", json!({})),
            ),
            (Some(&self.bronze), "/", "localhost", "allowed", client("partner-b", "bronze", &self.bronze)),
            (Some(&self.bronze), "/", "localhost", "throttled", because("limit_exceeded", "limit_used_up", throttled)),
        ];
        let mut expected = Vec::new();
        for (who, path, authority, decision, mut line) in table {
            let request = Request::post(&format!("{path}?token=secret"), "").authority(authority);
            let request = request.header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"));
            self.caller(who).send(envoy.port(), &request).await;
            line["http.request.method"] = json!("POST");
            line["url.path"] = json!(path);
            line["client.address"] = json!("127.0.0.1");
            line["trace_id"] = json!(TRACE);
            expected.push((decision, line));
        }
        expected
    }
}

/// Takes out of a line what differs from run to run, and checks it.
fn settled(mut line: Value, from: UnixSeconds) -> Value {
    let fields = line.as_object_mut().expect("an object");
    let time = fields.remove("time").expect("a time");
    let time = time.as_str().expect("text");
    let (seconds, millis) = time.split_once('.').expect("milliseconds");
    let moment = calendar::moment(&format!("{seconds}Z")).expect("a moment");
    assert!(from <= moment && moment <= now(), "{time}");
    let millis = millis.strip_suffix('Z').expect("UTC");
    assert!(millis.len() == 3 && millis.parse::<u16>().is_ok(), "{time}");
    let port = fields.remove("client.port").and_then(|port| port.as_u64()).expect("a port");
    assert!((1..=65_535).contains(&port), "{port}");
    line
}

fn now() -> UnixSeconds {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970");
    UnixSeconds(i64::try_from(now.as_secs()).expect("a time"))
}

#[tokio::test]
async fn every_decision_has_a_line_and_the_access_log_says_the_same() {
    for version in VERSIONS {
        for (mode, filter_state) in [("enforce", "refusals"), ("enforce", "always"), ("shadow", "always")] {
            let (cast, started) = (Cast::new(), now());
            let options = [("audit", "all"), ("mode", mode), ("filter_state", filter_state)];
            let bootstrap = cast.world.bootstrap(&cast.registry(&options)).without_guard();
            let bootstrap = bootstrap.clients(Clients::AnyDate).concurrency(1);
            let envoy = Envoy::start(bootstrap.version_that_shows_certificates(version)).await;
            let expected = cast.each(&envoy).await;
            let (lines, access_log) = (lines(&envoy), envoy.access_log(expected.len()).await);
            assert_eq!((lines.len(), access_log.len()), (expected.len(), expected.len()), "{version}, {mode}");
            for (((decision, mut expected), line), access) in expected.into_iter().zip(lines).zip(access_log) {
                let prefix = if mode == "shadow" { "shadow_" } else { "" };
                expected["certgate.decision"] = json!([prefix, decision].concat());
                for (name, value) in access.as_object().expect("an object") {
                    if filter_state == "refusals" && ["certgate.cause", "certgate.limits"].contains(&name.as_str()) {
                        assert_eq!(value, &Value::Null, "{version}, {name}");
                        continue;
                    }
                    // It has its own time, and the certificate also where certgate did not look.
                    let other = line.get(name).filter(|_| name != "time");
                    // What shadow mode lets through without a name went upstream without one.
                    let same = |other| other == value || mode == "shadow" && value.is_null();
                    assert!(other.is_none_or(same), "{version}, {name}: {line} {access}");
                }
                assert_eq!(settled(line, started), expected, "{version}, {mode}");
            }
        }
    }
}

#[tokio::test]
async fn with_rejections_what_passes_has_no_line() {
    let cast = Cast::new();
    for (audit, passed) in [(None, false), (Some("rejections"), false), (Some("all"), true)] {
        let options: Vec<_> = audit.iter().map(|audit| ("audit", *audit)).collect();
        let envoy = Envoy::start(cast.world.bootstrap(&cast.registry(&options)).concurrency(1)).await;
        let expected = cast.each(&envoy).await;
        let expected =
            expected.iter().map(|(decision, _)| *decision).filter(|decision| passed || *decision != "allowed");
        let lines = lines(&envoy);
        let found: Vec<_> = lines.iter().map(|line| line["certgate.decision"].as_str().unwrap_or_default()).collect();
        assert_eq!(found, expected.collect::<Vec<_>>(), "{audit:?}");
        for field in ["time", "url.path", "http.request.method", "client.address", "trace_id"] {
            assert!(lines.iter().all(|line| line.get(field).is_some() == audit.is_some()), "{audit:?}, {field}");
        }
    }
}

#[tokio::test]
async fn errors_have_lines_too() {
    let pairs = Mutant::new().call_ends_with("proxy_get_header_map_pairs", Status::InternalFailure);
    for (mutant, reason, path) in [
        (Mutant::new().buckets_read_ends_with(Status::InternalFailure), "store_unavailable", json!("/a")),
        (
            Mutant::new().property_ends_with("connection\0sha256_peer_certificate_digest", Status::InternalFailure),
            "internal",
            json!("/a"),
        ),
        // Of a request whose headers cannot be had there is nothing to say.
        (pairs, "internal", Value::Null),
    ] {
        let cast = Cast::new();
        let bootstrap = cast.world.bootstrap(&cast.registry(&[("audit", "rejections")])).module(&mutant.write());
        let envoy = Envoy::start(bootstrap).await;
        assert_eq!(cast.caller(Some(&cast.gold)).get(envoy.port(), "/a?b").await.status, 503, "{reason}");
        let lines = lines(&envoy);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = settled(lines[0].clone(), UnixSeconds(0));
        assert_eq!((&line["certgate.decision"], &line["certgate.reason"]), (&json!("error"), &json!(reason)));
        assert_eq!((&line["url.path"], &line["client.address"]), (&path, &json!("127.0.0.1")));
    }
}
