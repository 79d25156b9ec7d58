//! Bytes under full load: no more than `burst + rate x t` and what was in flight, and little less.

use crate::calls::{Calling, alone, call};
use crate::support::envoy::Envoy;
use crate::support::module;
use crate::support::registry;
use crate::support::world::World;
use serde_json::json;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 16;
const BODY: usize = 50_000;
/// Bytes a second, and at once.
const RATE: f64 = 10_000_000.0;
const BURST: f64 = 5_000_000.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_bytes_pass_than_the_limit_and_what_is_in_flight() {
    let _machine = alone().await;
    let world = World::new();
    let client = world.authority.client("client");
    let mut registry = registry::of(&[("partner-a", "limited", &client)]);
    let limit = json!({"name": "traffic", "kind": "bytes", "bytes": RATE, "per": "1s", "burst": BURST});
    registry["tiers"] = json!({"limited": {"limits": [limit]}});
    let bootstrap = world.bootstrap(&registry).module(&module::bandwidth());
    let envoy = Envoy::start(bootstrap.direct_response(200, &"x".repeat(BODY)).concurrency(4).spread_evenly()).await;
    let start = Instant::now();
    let time = Calling::For(Duration::from_secs(5));
    let (admitted, asked) = call(&world.caller(&client), envoy.port(), CONNECTIONS, time).await;
    let (bytes, in_flight) = ((admitted * BODY) as f64, (CONNECTIONS * BODY) as f64);
    let owed = BURST + RATE * start.elapsed().as_secs_f64();
    let line = format!("{bytes} bytes in {admitted} of {asked} responses, {owed:.0} owed");
    println!("{line}");
    assert!(bytes <= owed + in_flight && bytes >= 0.9 * owed && asked > admitted, "{line}");
}
