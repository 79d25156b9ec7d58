//! A decision is data: with a connection, a ledger and clocks that are no proxy's, it says everything about a request.

use crate::fixtures::{NOW, engine};
use certgate_core::domain::cause::Cause;
use certgate_core::domain::decision::Reason;
use certgate_core::domain::time::{Nanos, UnixSeconds};
use certgate_core::engine::host::{Clock, HostFailure, Peer};
use certgate_core::engine::ledger::{Change, Entry, Ledger, Unavailable};
use certgate_core::engine::{Decision, Edit, Engine};
use certgate_core::telemetry::audit_event::Circumstances;
use certgate_test_support::fakes::FakeLedger;
use certgate_test_support::registry::{self, client, merge};
use serde_json::{Value, json};

const KNOWN: &str = "6ef8a2000000000000000000000000000000000000000000000000000000aaaa";

/// A connection with the certificate that has this fingerprint.
struct Caller(&'static str);

impl Peer for Caller {
    fn digest(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        Ok((!self.0.is_empty()).then(|| self.0.into()))
    }

    fn certificate(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        Ok(None)
    }

    fn verified(&self) -> Result<bool, HostFailure> {
        Ok(false)
    }

    fn server_name(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        Ok(None)
    }

    fn token_thumbprint(&self) -> Result<Option<Vec<u8>>, HostFailure> {
        Ok(None)
    }
}

/// A ledger in which every client's buckets are full, and stay so.
struct Scratch;

impl Ledger for Scratch {
    fn update<T: AsRef<[u8]>, E: From<Unavailable>>(
        &self,
        _: Entry<'_>,
        mut compute: impl FnMut(Option<Vec<u8>>) -> Result<Change<T>, E>,
    ) -> Result<T, E> {
        match compute(None)? {
            Change::Keep(value) | Change::Write(value) => Ok(value),
        }
    }
}

/// Clocks that stand still.
struct Still;

impl Clock for Still {
    fn monotonic(&self) -> Result<Nanos, HostFailure> {
        Ok(Nanos(1_000_000_000_000))
    }

    fn wall(&self) -> Result<UnixSeconds, HostFailure> {
        Ok(UnixSeconds(NOW))
    }
}

fn registry(more: &Value) -> Engine {
    let tiers = [("gold", json!([{"name": "burst", "requests": 10, "per": "1s"}]))];
    let clients = [client("known", "gold", &json!({"sha256": KNOWN, "name": "laptop"}))];
    let options = json!({
        "audit": "rejections",
        "rules": [{
            "name": "payments", "match": {"path": "/payments"},
            "limits": [{"name": "hourly", "requests": 2, "per": "1h"}],
        }],
    });
    engine(&merge(merge(registry::registry(&tiers, &clients), &options), more), &FakeLedger::default())
}

/// The lines that the edits of the decision make, `-` before a name that is removed.
fn edits(decision: &Decision<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let text = String::from_utf8_lossy;
    let edited = decision.try_for_each_edit(|edit| {
        lines.push(match edit {
            Edit::Add(name, value) => format!("{name}: {}", text(value)),
            Edit::Set(name, value) => format!("={name}: {}", text(value)),
            Edit::Remove(name) => format!("-{name}"),
        });
        Ok::<_, ()>(())
    });
    assert_eq!(edited, Ok(()));
    lines
}

/// Decides a request for this path, and hands the decision to `check`.
fn decide(engine: &Engine, fingerprint: &'static str, ledger: &impl Ledger, path: &str, check: impl Fn(&Decision<'_>)) {
    let headers = [(":method", "POST"), (":path", path), ("x-client-alias", "forged")];
    let headers = headers.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    let head = engine.read(headers.into_iter());
    check(&engine.decide(&Caller(fingerprint), ledger, &Still, &head));
}

#[test]
fn a_request_that_passes_has_its_credential_its_rule_and_the_balance_of_each_limit() {
    let engine = registry(&json!({}));
    for _ in 0..5 {
        decide(&engine, KNOWN, &Scratch, "/payments", |decision| {
            assert_eq!((decision.reason(), decision.enforced, decision.forwards()), (None, true, true));
            let client = decision.client.as_ref().unwrap();
            let credential = engine.policy().registry.clients().identifier(client.entry.credential_index).unwrap();
            assert_eq!(data_encoding::HEXLOWER.encode(&credential.digest), KNOWN);
            assert_eq!(decision.fingerprint().unwrap().to_string(), KNOWN);
            assert_eq!((decision.alias(), decision.tier().unwrap().name.as_str()), (Some("known"), "gold"));
            assert_eq!(decision.rule().unwrap().name.as_ref().unwrap().as_str(), "payments");
            let balances = decision.charge.as_ref().unwrap().balances();
            let balances: Vec<_> =
                balances.map(|of| (of.limit.name.as_str(), of.balance.remaining, of.exceeded)).collect();
            assert_eq!(balances, [("burst", 9, false), ("hourly", 1, false)], "nothing was taken before");
            let fingerprint = format!("=x-client-fingerprint: {KNOWN}");
            assert_eq!(edits(decision), ["=x-client-alias: known", "=x-client-tier: gold", fingerprint.as_str()]);
            assert_eq!(decision.reply(), None);
            assert_eq!(decision.response_headers().unwrap().pairs()[1].1, r#""hourly";r=1;t=1800, "burst";r=9;t=1"#);
            assert!(decision.observations.dates_unchecked);
        });
    }
}

#[test]
fn a_request_over_a_limit_says_which_and_when_to_come_back() {
    let (engine, ledger) = (registry(&json!({})), FakeLedger::default());
    for _ in 0..2 {
        decide(&engine, KNOWN, &ledger, "/payments", |decision| assert_eq!(decision.reason(), None));
    }
    decide(&engine, KNOWN, &ledger, "/payments", |decision| {
        assert_eq!((decision.reason(), decision.forwards()), (Some(Reason::LimitExceeded), false));
        let charge = decision.charge.as_ref().unwrap();
        let exceeded: Vec<_> = charge.exceeded().map(|limit| limit.name.as_str()).collect();
        assert_eq!((exceeded, charge.retry_after()), (vec!["hourly"], Nanos(1800 * Nanos::PER_SECOND)));
        assert_eq!(decision.reply().unwrap().status, 429);
        assert_eq!(edits(decision), [""; 0]);
        let line = decision.event(std::iter::empty()).line(&Circumstances::default());
        for part in [
            r#""certgate.reason":"limit_exceeded","certgate.cause":"limit_used_up""#,
            r#""certgate.rule":"payments","certgate.limits":"hourly""#,
            r#""url.path":"/payments""#,
        ] {
            assert!(line.contains(part), "{line}");
        }
    });
}

#[test]
fn a_caller_that_is_no_client_is_refused_with_its_fingerprint() {
    let stranger = "00000000000000000000000000000000000000000000000000000000000000bb";
    for (mode, status) in [("enforce", Some(403)), ("shadow", None)] {
        let engine = registry(&json!({"mode": mode}));
        decide(&engine, stranger, &Scratch, "/", |decision| {
            assert_eq!((decision.reason(), decision.enforced), (Some(Reason::UnknownCertificate), mode == "enforce"));
            assert_eq!(decision.fingerprint().unwrap().to_string(), stranger);
            assert!(decision.client.is_none() && decision.charge.is_none() && edits(decision).is_empty());
            assert_eq!(decision.reply().map(|reply| reply.status), status);
        });
        decide(&engine, "", &Scratch, "/", |decision| {
            assert_eq!((decision.reason(), decision.fingerprint()), (Some(Reason::NoCertificate), None));
        });
    }
}

#[test]
fn a_request_that_no_policy_could_decide_is_refused_as_internal() {
    for (content_type, grpc_status) in [(None, None), (Some(&b"application/grpc"[..]), Some(14))] {
        let decision = Decision::undecided(Cause::NoConfiguration, content_type);
        assert_eq!((decision.reason(), decision.forwards()), (Some(Reason::Internal), false));
        let reply = decision.reply().unwrap();
        assert_eq!((reply.status, reply.grpc_status), (503, grpc_status));
        let line = decision.event(std::iter::empty()).line(&Circumstances::default());
        assert_eq!(
            line,
            r#"{"certgate.decision":"error","certgate.reason":"internal","certgate.cause":"no_configuration"}"#
        );
    }
}
