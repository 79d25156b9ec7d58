//! The order in which responses name limits: the one that matters most to the client comes first.

use certgate_core::engine::Outcome;
use certgate_test_support::fakes::engine_since;
use certgate_test_support::fakes::{Fake, FakeLedger};
use certgate_test_support::registry::{by_fingerprint, merge, registry};
use serde_json::{Value, json};

const KNOWN: &str = "6ef8a2000000000000000000000000000000000000000000000000000000aaaa";

/// The rate-limit fields that the requests with these methods get, one after the other.
fn fields(kind: &str, limits: &Value, methods: &[&str]) -> Vec<String> {
    let registry = registry(&[("bronze", limits.clone())], &[by_fingerprint("known", "bronze", KNOWN)]);
    let configuration = merge(registry, &json!({"rate_limit_headers": kind}));
    let store = FakeLedger::default();
    let engine = engine_since(0, &configuration, &store);
    let request = |method: &&str| {
        let fake = Fake { store: Some(&store), digest: Some(KNOWN.into()), ..Fake::default() };
        let pairs: Vec<(&str, String)> = match fake.handle(&engine, [(&b":method"[..], method.as_bytes())].into_iter())
        {
            Outcome::Forward(forward) => {
                let headers = forward.headers.iter().flat_map(|headers| headers.pairs());
                headers.map(|(name, value)| (name, value.to_owned())).collect()
            }
            Outcome::Reply(reply) => reply.headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
        };
        let said = pairs.into_iter().filter(|(name, _)| name.contains("ratelimit") && *name != "ratelimit-policy");
        said.map(|(_, value)| value).collect::<Vec<_>>().join(" ")
    };
    methods.iter().map(request).collect()
}

fn limits() -> Value {
    json!([
        {"name": "soft", "requests": 1, "per": "1d", "mode": "shadow"},
        {"name": "plain", "requests": 5, "per": "5d"},
        {"name": "weighed", "requests": 7, "per": "7d", "cost": {"POST": 5}},
    ])
}

#[test]
fn what_stopped_a_request_comes_first_and_then_what_will() {
    assert_eq!(
        fields("ietf", &limits(), &["GET", "POST", "GET"]),
        [
            r#""plain";r=4;t=86400, "soft";r=0;t=86400, "weighed";r=6;t=86400"#,
            r#""weighed";r=1;t=518400, "soft";r=0;t=86400, "plain";r=3;t=172800"#,
            r#""weighed";r=0;t=604800, "soft";r=0;t=86400, "plain";r=2;t=259200"#,
        ]
    );
    // Of the limit that fired, though another has less left.
    assert_eq!(
        fields("ietf", &limits(), &["GET", "GET", "GET", "POST"])[3],
        r#""weighed";r=4;t=259200, "soft";r=0;t=86400, "plain";r=2;t=259200"#
    );
}

/// All rate-limit fields and `Retry-After` of the last of these requests.
fn numbers(kind: &str, limit: &Value, methods: &[&str]) -> Vec<String> {
    let limit = merge(json!({"name": "a", "per": "1s"}), limit);
    let registry = registry(&[("bronze", json!([limit]))], &[by_fingerprint("known", "bronze", KNOWN)]);
    let store = FakeLedger::default();
    let engine = engine_since(0, &merge(registry, &json!({"rate_limit_headers": kind})), &store);
    let mut last = Vec::new();
    for method in methods {
        let fake = Fake { store: Some(&store), digest: Some(KNOWN.into()), ..Fake::default() };
        last = match fake.handle(&engine, [(&b":method"[..], method.as_bytes())].into_iter()) {
            Outcome::Forward(forward) => {
                forward.headers.iter().flat_map(|headers| headers.pairs()).map(|(_, value)| value.to_owned()).collect()
            }
            Outcome::Reply(reply) => {
                let told = |name: &str| name.contains("ratelimit") || name == "retry-after";
                reply.headers.into_iter().filter(|(name, _)| told(name)).map(|(_, value)| value.into()).collect()
            }
        };
    }
    last
}

#[test]
fn no_rounding_of_certgate_is_in_any_number() {
    let all_at_once = json!({"requests": 3, "cost": {"POST": 3}});
    assert_eq!(numbers("ietf", &all_at_once, &["POST"]), [r#""a";q=3;w=1"#, r#""a";r=0;t=1"#]);
    assert_eq!(numbers("legacy", &all_at_once, &["POST"]), ["3", "0", "1"]);
    assert_eq!(numbers("ietf", &all_at_once, &["POST", "POST"]), ["1", r#""a";q=3;w=1"#, r#""a";r=0;t=1"#]);
    let of_a_minute = json!({"requests": 7, "per": "60s", "cost": {"POST": 7}});
    assert_eq!(numbers("ietf", &of_a_minute, &["POST", "POST"]), ["60", r#""a";q=7;w=60"#, r#""a";r=0;t=60"#]);
    assert_eq!(numbers("ietf", &of_a_minute, &["GET"]), [r#""a";q=7;w=60"#, r#""a";r=6;t=9"#]);
    for requests in [60, 61, 999_000] {
        let policy = format!(r#""a";q={requests};w=1"#);
        let status = format!(r#""a";r={};t=1"#, requests - 1);
        assert_eq!(numbers("ietf", &json!({"requests": requests}), &["GET"]), [policy, status]);
    }
    for bytes in [15_000_000, 1_000_000, 999_999_999] {
        let whole = json!({"kind": "bytes", "bytes": bytes});
        let status = format!(r#""a";r={bytes};t=0"#);
        assert_eq!(numbers("ietf", &whole, &["GET"]), [format!(r#""a";q={bytes};w=1;qu="content-bytes""#), status]);
    }
}

#[test]
fn the_older_fields_are_of_a_limit_that_can_stop_a_request() {
    assert_eq!(fields("legacy", &limits(), &["GET", "POST"]), ["5 4 86400", "7 1 518400"]);
    assert_eq!(fields("legacy", &json!([limits()[0]]), &["GET"]), [""]);
}
