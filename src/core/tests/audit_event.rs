//! Lines of the audit log: the requests that have one, and its fields.

use certgate_core::domain::time::Nanos;
use certgate_core::engine::Engine;
use certgate_test_support::fakes::engine_since;
use certgate_test_support::fakes::{Fake, FakeLedger, Fault};
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A certificate's fingerprint: of a client, of one who is over its limit, of one who is switched off, of nobody.
const KNOWN: &str = "aa";
const BUSY: &str = "bb";
const DISABLED: &str = "cc";
const STRANGER: &str = "dd";

fn configuration(options: &Value) -> Value {
    let yearly = json!([{"name": "yearly", "requests": 1, "per": "365d", "cost": {"default": 1, "GET": 0}}]);
    let client = |alias, tier, fingerprint: &str| by_fingerprint(alias, tier, &fingerprint.repeat(32));
    let off = merge(client("off", "free", DISABLED), &json!({"enabled": false}));
    let clients = [client("known", "free", KNOWN), client("busy", "none-left", BUSY), off];
    let registry = registry(&[("free", json!([])), ("none-left", yearly)], &clients);
    let rules = json!({
        "rules": [
            {"name": "health", "match": {"path": "/healthz"}, "access": "public"},
            {"name": "closed", "match": {"path": "/closed"}, "access": "deny"},
            {"name": "ours", "match": {"path": "/ours/**"}, "groups": ["finance"]},
            {"name": "anybody", "match": {"path": "/anybody"}, "access": "optional"},
            {"match": {"path": "/unnamed"}, "access": "deny"},
        ],
    });
    merge(merge(registry, &rules), options)
}

fn engine(options: &Value, store: &FakeLedger) -> Engine {
    engine_since(0, &configuration(options), store)
}

/// The lines about one request.
fn lines(engine: &Engine, fake: &Fake<'_>, headers: &[(&str, &str)]) -> Vec<Value> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    drop(fake.handle(engine, headers.iter().copied()));
    fake.lines.take().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Requests: client and path, with the decision and the other fields of the line.
fn table() -> Vec<(Option<&'static str>, &'static str, &'static str, Value)> {
    let reason = |reason: &str, cause: &str| json!({"certgate.reason": reason, "certgate.cause": cause});
    let client = |alias: &str, tier: &str| json!({"certgate.client.alias": alias, "certgate.tier": tier});
    let rule = |rule: &str| json!({"certgate.rule": rule});
    let both = |parts: [Value; 2]| {
        let [mut all, more] = parts;
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    vec![
        (Some(KNOWN), "/", "allowed", client("known", "free")),
        (None, "/healthz", "allowed", rule("health")),
        (None, "/anybody", "allowed", rule("anybody")),
        (None, "/", "refused", reason("no_certificate", "certificate_not_presented")),
        (Some(STRANGER), "/", "refused", reason("unknown_certificate", "not_registered")),
        (Some(DISABLED), "/", "refused", both([reason("client_disabled", "client_disabled"), client("off", "free")])),
        (Some(KNOWN), "/closed", "refused", both([reason("rule_denied", "rule_denies"), rule("closed")])),
        (Some(KNOWN), "/unnamed", "refused", both([reason("rule_denied", "rule_denies"), rule("rules[4]")])),
        (Some(KNOWN), "/%2f", "refused", both([reason("rule_denied", "path_ambiguous"), rule("health")])),
        (
            Some(KNOWN),
            "/ours/x",
            "refused",
            both([both([reason("rule_denied", "group_missing"), rule("ours")]), client("known", "free")]),
        ),
        (
            Some(BUSY),
            "/",
            "throttled",
            both([
                both([reason("limit_exceeded", "limit_used_up"), json!({"certgate.limits": "yearly"})]),
                client("busy", "none-left"),
            ]),
        ),
    ]
}

/// Sends each request of the table under this configuration, and once more so that who is over a limit is.
fn each(options: &Value, check: impl Fn(&str, &str, Value, Vec<Value>)) {
    let store = FakeLedger::default();
    let engine = engine(options, &store);
    let trace_parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for (who, path, decision, expected) in table() {
        let fake = Fake {
            store: Some(&store),
            digest: who.map(|fingerprint| fingerprint.repeat(32).into()),
            monotonic: Nanos(1_000_000_000_000),
            ..Fake::default()
        };
        let target = [path, "?token=secret"].concat();
        let headers =
            [(":method", "POST"), (":path", &target), (":authority", "localhost"), ("traceparent", &trace_parent)];
        if decision == "throttled" {
            lines(&engine, &fake, &headers);
        }
        check(path, decision, expected, lines(&engine, &fake, &headers));
    }
}

/// Without what is said of every certificate.
fn without_certificate(mut line: Value) -> Value {
    let fields = line.as_object_mut().unwrap();
    let fingerprint = fields.remove("tls.client.hash.sha256");
    assert_eq!(fields.remove("certgate.fingerprint_of"), fingerprint.map(|_| json!("client")));
    fields.remove("certgate.client_entry");
    line
}

#[test]
fn every_decision_has_its_line() {
    for (shadow, prefix) in [(false, ""), (true, "shadow_")] {
        let mode = json!(if shadow { "shadow" } else { "enforce" });
        each(&json!({"audit": "all", "mode": mode}), |path, decision, mut expected, lines| {
            let [line] = &lines[..] else { panic!("{path}, {decision}: {lines:?}") };
            let decision = [prefix, decision].concat();
            let request = json!({
                "certgate.decision": decision,
                "http.request.method": "POST",
                "url.path": path,
                "trace_id": TRACE,
            });
            expected.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
            assert_eq!(without_certificate(line.clone()), expected);
        });
    }
}

#[test]
fn with_rejections_there_is_none_of_what_passes() {
    each(&json!({"audit": "rejections"}), |path, decision, _, lines| match decision {
        "allowed" => assert_eq!(lines, [Value::Null; 0], "{path}"),
        _ => assert_eq!((lines[0]["certgate.decision"].as_str(), lines.len()), (Some(decision), 1), "{path}"),
    });
}

#[test]
fn without_audit_a_line_says_nothing_of_the_request() {
    each(&json!({}), |path, decision, mut expected, lines| match decision {
        "allowed" => assert_eq!(lines, [Value::Null; 0], "{path}"),
        _ => {
            expected["certgate.decision"] = json!(decision);
            assert_eq!(lines.into_iter().map(without_certificate).collect::<Vec<_>>(), [expected], "{path}");
        }
    });
}

#[test]
fn the_certificate_is_in_the_line_where_it_was_looked_at() {
    each(&json!({"audit": "all"}), |path, _, _, lines| {
        let fingerprint = &lines[0]["tls.client.hash.sha256"];
        // Where a rule lets anybody through, or nobody, nobody looks.
        let looked_at = path == "/" || path == "/ours/x";
        assert_eq!(
            fingerprint.is_string(),
            looked_at && lines[0]["certgate.reason"] != "no_certificate",
            "{path}: {fingerprint}"
        );
    });
}

#[test]
fn what_certgate_cannot_decide_is_an_error() {
    for (fault, reason) in [
        (Fault::Property, "internal"),
        (Fault::Set, "internal"),
        (Fault::Read, "store_unavailable"),
        (Fault::Contended, "store_unavailable"),
    ] {
        let store = FakeLedger::default();
        let engine = engine(&json!({"audit": "rejections"}), &store);
        let fake = Fake { store: Some(&store), digest: Some(BUSY.repeat(32).into()), fault, ..Fake::default() };
        let line = &lines(&engine, &fake, &[(":method", "PUT"), (":path", "/a")])[0];
        assert_eq!((&line["certgate.decision"], &line["certgate.reason"]), (&json!("error"), &json!(reason)));
        assert_eq!((&line["http.request.method"], &line["url.path"]), (&json!("PUT"), &json!("/a")));
    }
}

/// An operator may choose any name for a header of identity.
#[test]
fn a_name_that_the_log_looks_at_is_no_less_certgates_own() {
    for audit in [json!({}), json!({"audit": "rejections"}), json!({"audit": "all"})] {
        let store = FakeLedger::default();
        let mut options = json!({"headers": {"alias": "traceparent"}});
        options.as_object_mut().unwrap().extend(audit.as_object().unwrap().clone());
        let engine = engine(&options, &store);
        let fake = Fake { store: Some(&store), ..Fake::default() };
        fake.headers.replace(vec![(b"traceparent".to_vec(), b"known".to_vec())]);
        lines(&engine, &fake, &[(":method", "GET"), (":path", "/healthz"), ("traceparent", "known")]);
        assert_eq!(*fake.headers.borrow(), [], "{audit}");
    }
}

#[test]
fn a_trace_that_is_named_twice_or_wrongly_is_none() {
    let store = FakeLedger::default();
    let engine = engine(&json!({"audit": "rejections"}), &store);
    let right = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let upper = right.to_uppercase();
    for (traces, expected) in [
        (&[&right][..], json!(TRACE)),
        (&[], Value::Null),
        (&[&right, &right], Value::Null),
        (&[&right, &right, &right], Value::Null),
        (&[&upper, &right], Value::Null),
        (&[&upper], Value::Null),
    ] {
        let fake = Fake { store: Some(&store), ..Fake::default() };
        let headers: Vec<_> = traces.iter().map(|trace| ("traceparent", trace.as_str())).collect();
        assert_eq!(lines(&engine, &fake, &headers)[0]["trace_id"], expected, "{traces:?}");
    }
}
