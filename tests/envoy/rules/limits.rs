//! The limits of rules: whom they count, and in which tier.

use super::ruled;
use crate::support::envoy::Envoy;
use crate::support::request::Response;
use crate::support::world::World;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

/// Names and what is left, from `RateLimit`, which has the one nearest to exhaustion first.
fn left(response: &Response) -> Vec<(&str, u64)> {
    let item = |item| {
        let (name, rest) = str::split_once(item, ";r=").expect("what is left");
        (name.trim_matches('"'), rest.split(';').next().unwrap().parse().unwrap())
    };
    response.header("ratelimit").map(|field| field.split(", ").map(item).collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_rules_limits_count_each_client_beside_its_tiers_and_nothing_elsewhere() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let rules = json!([{
        "name": "payments",
        "match": {"path": "/payments/**"},
        "limits": [{"name": "transfers", "requests": 1, "per": "3s"}],
    }]);
    let registry = ruled(&[("one", "plain", &one), ("two", "plain", &two)], rules);
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    let mut first = world.caller(&one).connect(envoy.port()).await;
    let mut second = world.caller(&two).http2().connect(envoy.port()).await;

    let response = first.get("/payments/1").await;
    assert_eq!(response.status, 200);
    let both = r#""hourly";q=1000;w=3600, "transfers";q=1;w=3"#;
    assert_eq!(response.header("ratelimit-policy"), Some(both));
    assert_eq!(left(&response), [("transfers", 0), ("hourly", 999)]);

    let refused = first.get("/payments/2").await;
    assert_eq!((refused.status, refused.json()["violated-policies"].clone()), (429, json!(["transfers"])));
    assert_eq!(refused.header("ratelimit-policy"), Some(both));
    assert_eq!(left(&refused), [("transfers", 0), ("hourly", 999)], "who cannot pay all pays none");

    let elsewhere = first.get("/payment").await;
    assert_eq!((elsewhere.status, elsewhere.header("ratelimit-policy")), (200, Some(r#""hourly";q=1000;w=3600"#)));
    assert_eq!(left(&elsewhere), [("hourly", 998)]);
    assert_eq!(second.get("/payments/1").await.status, 200, "another client has a bucket of its own");

    sleep(Duration::from_secs(refused.header("retry-after").unwrap().parse().unwrap())).await;
    assert_eq!(first.get("/payments/2").await.status, 200, "Retry-After is long enough");
    let labels = [("tier", "plain"), ("limit", "transfers")];
    assert_eq!(envoy.admin.metric("certgate_limit_exceeded_total", &labels).await, 1.0);
}

#[tokio::test]
async fn a_rule_counts_whoever_calls_in_the_tier_that_it_names() {
    let world = World::new();
    let [plain, slow] = ["plain", "slow"].map(|name| world.authority.client(name));
    let rules = json!([{"name": "reports", "match": {"path": "/reports"}, "tier": "slow"}]);
    let registry = ruled(&[("plain", "plain", &plain), ("slow", "slow", &slow)], rules);
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    // The path, and the upstream's tier or the limit that refuses.
    let calls = [
        (&plain, "/reports", Ok("slow")),
        (&plain, "/reports", Ok("slow")),
        (&plain, "/reports", Err("daily")),
        (&plain, "/", Ok("plain")),
        (&slow, "/reports", Ok("slow")),
        (&slow, "/", Ok("slow")),
        (&slow, "/reports", Ok("slow")),
        (&slow, "/reports", Err("daily")),
        (&slow, "/", Ok("slow")),
        (&slow, "/", Err("daily")),
    ];
    for (place, (identity, path, expected)) in calls.into_iter().enumerate() {
        let response = world.caller(identity).get(envoy.port(), path).await;
        match expected {
            Ok(tier) => assert_eq!(response.echo().headers.get("x-client-tier"), Some(tier), "call {place}"),
            Err(limit) => {
                assert_eq!(response.status, 429, "call {place}");
                assert_eq!(response.json()["violated-policies"], json!([limit]), "call {place}");
            }
        }
    }
    assert_eq!(envoy.admin.metric("certgate_limit_exceeded_total", &[("tier", "slow")]).await, 3.0);
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("tier", "plain")]).await, 1.0);
}

#[tokio::test]
async fn all_callers_without_a_certificate_share_one_bucket() {
    let world = World::new();
    let client = world.authority.client("client");
    let mut registry = ruled(
        &[("client", "plain", &client)],
        json!([
            {"match": {"path": "/open"}, "access": "optional"},
            {"name": "feed", "match": {"path": "/feed"}, "access": "optional",
             "limits": [{"name": "feeds", "requests": 1, "per": "1d"}]},
        ]),
    );
    registry["anonymous_tier"] = json!("slow");
    let envoy = Envoy::start(world.bootstrap(&registry).without_guard()).await;
    let (port, stranger) = (envoy.port(), world.caller(&world.authority.client("stranger")));
    let callers = [world.anonymous(), world.anonymous().http2(), world.anonymous().tls12()];
    let response = callers[0].get(port, "/feed").await;
    assert_eq!(left(&response), [("feeds", 0), ("daily", 1)]);
    let refused = callers[1].get(port, "/feed").await;
    assert_eq!((refused.status, refused.json()["violated-policies"].clone()), (429, json!(["feeds"])));
    assert_eq!(stranger.get(port, "/open").await.status, 403, "and is not charged");
    assert_eq!(left(&callers[1].get(port, "/open").await), [("daily", 0)]);
    for caller in &callers {
        let refused = caller.get(port, "/open").await;
        assert_eq!((refused.status, refused.json()["violated-policies"].clone()), (429, json!(["daily"])));
        assert!(refused.header("retry-after").is_some());
    }
    assert_eq!(left(&world.caller(&client).get(port, "/open").await), [("hourly", 999)], "a client has its own");
    let labels = [("decision", "throttled"), ("tier", "slow")];
    assert_eq!(envoy.admin.metric("certgate_requests_total", &labels).await, 4.0);
}
