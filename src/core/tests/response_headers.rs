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

#[test]
fn the_older_fields_are_of_a_limit_that_can_stop_a_request() {
    assert_eq!(fields("legacy", &limits(), &["GET", "POST"]), ["5 4 86400", "7 1 518400"]);
    assert_eq!(fields("legacy", &json!([limits()[0]]), &["GET"]), [""]);
}
