//! A hundred thousand clients: that a reload of so many loses no request, and how long the longest waits meanwhile.

use crate::calls::alone;
use crate::support::bootstrap::Form;
use crate::support::client::Connection;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::registry;
use crate::support::world::World;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const CLIENTS: usize = 100_000;

/// So many clients beside those who call.
fn with_many(mut registry: Value) -> Value {
    let clients = registry["clients"].as_array_mut().expect("clients");
    for number in 0..CLIENTS {
        let fingerprint = data_encoding::HEXLOWER.encode(&Sha256::digest(number.to_be_bytes()));
        let credentials = json!([{"sha256": fingerprint}]);
        clients.push(json!({"alias": format!("c{number:05}"), "tier": "gold", "credentials": credentials}));
    }
    registry
}

/// Calls until it is told to stop: the longest time to an answer, and how many there were.
async fn longest_wait(mut connection: Connection, stop: Arc<AtomicBool>) -> (Duration, usize) {
    let (mut longest, mut answers) = (Duration::ZERO, 0);
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        assert_eq!(connection.get("/").await.status, 200);
        longest = longest.max(start.elapsed());
        answers += 1;
        sleep(Duration::from_millis(1)).await;
    }
    (longest, answers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_of_a_hundred_thousand_clients_loses_no_request() {
    let _machine = alone().await;
    let world = World::new();
    let [caller, joins] = ["caller", "joins"].map(|name| world.authority.client(name));
    let one = with_many(registry::of(&[("caller", "unlimited", &caller)]));
    let two = with_many(registry::of(&[("caller", "unlimited", &caller), ("joins", "unlimited", &joins)]));
    let started = Instant::now();
    let mut envoy = Envoy::start(world.ecds_bootstrap(&one).form(Form::Json).spread_evenly()).await;
    println!("Envoy with {CLIENTS} clients starts in {:?}", started.elapsed());
    let mut other = world.caller(&joins).connect(envoy.port()).await;
    assert_eq!(other.get("/").await.status, 403);
    // What has not changed does not even get to the filter.
    let changes = [
        ("one client more", &two, Outcome::Live, 200),
        ("nothing changed", &two, Outcome::Unchanged, 200),
        ("one client less", &one, Outcome::Live, 403),
    ];
    for (what, registry, outcome, status) in changes {
        let stop = Arc::new(AtomicBool::new(false));
        let calls: Vec<_> = {
            let mut connections = Vec::new();
            for _ in 0..2 {
                connections.push(world.caller(&caller).connect(envoy.port()).await);
            }
            connections
                .into_iter()
                .map(|connection| tokio::spawn(longest_wait(connection, Arc::clone(&stop))))
                .collect()
        };
        sleep(Duration::from_millis(500)).await;
        let pushed = Instant::now();
        assert_eq!(envoy.push(registry).await, outcome, "{what}");
        let live = pushed.elapsed();
        sleep(Duration::from_millis(500)).await;
        stop.store(true, Ordering::Relaxed);
        for call in calls {
            let (longest, answers) = call.await.unwrap();
            println!("{what}: live in {live:?}; of {answers} requests on a worker the longest waited {longest:?}");
        }
        assert_eq!(other.get("/").await.status, status, "{what}");
    }
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("decision", "error")]).await, 0.0);
}
