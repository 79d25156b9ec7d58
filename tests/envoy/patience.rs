//! What patient clients are owed, in a real Envoy with four workers: whoever stays within a limit is never refused, and
//! whoever waits as long as they were told is admitted.

use crate::support::client::Connection;
use crate::support::envoy::Envoy;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::world::World;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval, sleep};

const WORKERS: u32 = 4;

fn limited(client: &Identity, limits: Value) -> Value {
    let mut registry = registry::of(&[("partner-a", "limited", client)]);
    registry["tiers"] = json!({"limited": {"limits": limits}});
    registry
}

async fn start(world: &World, registry: &Value) -> Envoy {
    Envoy::start(world.bootstrap(registry).concurrency(WORKERS).spread_evenly()).await
}

/// At 80 % of its rate, over all workers in turn. A scheme that hands tokens out to workers ahead of time fails this.
#[tokio::test]
async fn a_trickle_over_all_workers_is_never_refused() {
    let world = World::new();
    let client = world.authority.client("client");
    let registry = limited(&client, json!([{"name": "slow", "requests": 20, "per": "1s", "burst": 2}]));
    let envoy = start(&world, &registry).await;
    let mut connections: Vec<Connection> = Vec::new();
    for _ in 0..2 * WORKERS {
        connections.push(world.caller(&client).connect(envoy.port()).await);
    }
    // 16 a second: what comes late does not make the next come early.
    let mut ticks = interval(Duration::from_micros(62_500));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < Duration::from_secs(20) {
        ticks.tick().await;
        let place = sent % connections.len();
        assert_eq!(connections[place].get("/").await.status, 200, "request {sent}");
        sent += 1;
    }
    assert!(sent > 100, "only {sent} requests in 20 s");
}

/// With several limits, the wait is the longest of all.
#[tokio::test]
async fn whoever_waits_as_long_as_they_were_told_is_admitted_and_a_second_less_is_not_enough() {
    let world = World::new();
    let client = world.authority.client("client");
    let tables = [
        json!([{"name": "one", "requests": 1, "per": "4s", "burst": 2}]),
        json!([{"name": "quick", "requests": 10, "per": "1s", "burst": 1},
               {"name": "slow", "requests": 1, "per": "4s", "burst": 2}]),
    ];
    for limits in tables {
        let envoy = start(&world, &limited(&client, limits)).await;
        let mut connection = world.caller(&client).connect(envoy.port()).await;
        // The bucket is drained, whatever it takes.
        let refused = loop {
            let response = connection.get("/").await;
            if response.status == 429 && response.header("retry-after") != Some("1") {
                break response;
            }
            sleep(Duration::from_millis(120)).await;
        };
        let told = Instant::now();
        let seconds: u64 = refused.header("retry-after").expect("a time to wait").parse().unwrap();
        assert!((2..=4).contains(&seconds), "{seconds}");
        let almost = Duration::from_secs(seconds - 1);
        let early = connection.get("/").await;
        assert!(told.elapsed() > almost || early.status == 429);
        sleep(almost.saturating_sub(told.elapsed() + Duration::from_millis(50))).await;
        let early = connection.get("/").await;
        // On a machine that stood still meanwhile it was not early.
        assert!(told.elapsed() > almost || early.status == 429, "{early:?}");
        sleep(Duration::from_secs(seconds).saturating_sub(told.elapsed())).await;
        assert_eq!(connection.get("/").await.status, 200, "told to wait {seconds} s");
    }
}
