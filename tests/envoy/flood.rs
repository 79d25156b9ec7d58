//! Whoever comes with ever new certificates fills nothing: neither metrics nor shared data, and no client pays for it.

use crate::support::client::Connection;
use crate::support::envoy::Envoy;
use crate::support::registry;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Strangers at a time, and how many come one after the other.
const TOGETHER: usize = 10;
const IN_TURN: usize = 50;

/// The names of all metrics of the filter.
async fn metrics(envoy: &Envoy) -> BTreeSet<String> {
    let stats = envoy.admin.get("/stats").await;
    let names = stats.lines().filter(|line| line.contains("certgate_"));
    names.map(|line| line.rsplit_once(": ").expect("a metric").0.to_owned()).collect()
}

/// What the client has left, as its next response says.
async fn left(connection: &mut Connection) -> u64 {
    let response = connection.get("/").await;
    let field = response.header("ratelimit").expect("what is left").to_owned();
    let (_, rest) = field.split_once(";r=").expect("what is left");
    rest.split(';').next().and_then(|left| left.parse().ok()).expect("a number")
}

#[tokio::test]
async fn five_hundred_strangers_leave_no_trace() {
    let world = Arc::new(World::new());
    let client = world.authority.client("client");
    let mut registry = registry::of(&[("partner-a", "bronze", &client)]);
    registry["tiers"]["bronze"]["limits"] = json!([{"name": "yearly", "requests": 100, "per": "365d"}]);
    // The trace shows every call that stores something.
    let envoy = Envoy::start(world.bootstrap(&registry).wasm_trace()).await;
    let stored = || envoy.log().matches("[vm->host] env.proxy_set_shared_data(").count();
    let unknown = async || {
        let labels = [("reason", "unknown_certificate")];
        envoy.admin.metric("certgate_requests_total", &labels).await
    };

    let mut connection = world.caller(&client).connect(envoy.port()).await;
    left(&mut connection).await;
    world.caller(&world.authority.client("the first stranger")).get(envoy.port(), "/").await;
    let (metrics_before, unknown_before) = (metrics(&envoy).await, unknown().await);
    let (left_before, stored_before) = (left(&mut connection).await, stored());

    let mut strangers = JoinSet::new();
    for group in 0..TOGETHER {
        let (world, port) = (Arc::clone(&world), envoy.port());
        strangers.spawn(async move {
            for number in 0..IN_TURN {
                let stranger = world.authority.client(&format!("stranger {group}-{number}"));
                assert_eq!(world.caller(&stranger).get(port, "/").await.status, 403);
            }
        });
    }
    strangers.join_all().await;

    let all = unknown_before + (TOGETHER * IN_TURN) as f64;
    until("all strangers to be counted", async || (unknown().await == all).then_some(())).await;
    assert_eq!(stored(), stored_before, "nothing was stored");
    assert_eq!(metrics(&envoy).await, metrics_before);
    assert_eq!(left(&mut connection).await, left_before - 1, "the client paid for its own request alone");
}
