//! Workers that cannot have the memory for a new configuration: they refuse everything, and decide by it as soon as there
//! is memory, without another push.

use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::PINNED;
use crate::support::mutant::Mutant;
use crate::support::mutant::starved::{MANY, REFUSED, SETTLED};
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const WORKERS: u32 = 2;

/// Clients of the second registry, for which a worker wants 2 MB at once.
const CLIENTS: usize = 5000;

const RELOADS: &str = "extension_config_discovery.http_filter.certgate.config_reload";

/// A registry that is not taken up without more memory.
fn large(identity: &Identity) -> Value {
    let mut registry = registry::of(&[("partner-b", "unlimited", identity)]);
    registry["clients"].as_array_mut().unwrap().extend((0..CLIENTS).map(|client| {
        let credentials = json!([{"sha256": format!("{client:064x}")}]);
        json!({"alias": format!("c{client:05}"), "tier": "unlimited", "credentials": credentials})
    }));
    registry
}

/// A request that takes memory away from the workers.
fn hungry() -> Request {
    (0..MANY).fold(Request::get("/"), |request, number| request.header(&format!("x-{number}"), ""))
}

async fn memory_goes_and_comes_back(version: &str) {
    let world = World::new();
    let client = world.authority.client("client");
    let module = Mutant::new().memory_can_be_refused().write();
    let bootstrap = world.ecds_bootstrap(&registry::of(&[("partner-a", "unlimited", &client)])).version(version);
    // Without the guard: it is certgate that refuses.
    let bootstrap = bootstrap.module(&module).without_guard().concurrency(WORKERS).spread_evenly();
    let mut envoy = Envoy::start(bootstrap).await;
    // One of each caller on each worker.
    let (mut known, mut nobody) = (Vec::new(), Vec::new());
    for _ in 0..WORKERS {
        known.push(world.caller(&client).connect(envoy.port()).await);
    }
    for _ in 0..WORKERS {
        nobody.push(world.anonymous().connect(envoy.port()).await);
    }
    for (known, nobody) in known.iter_mut().zip(&mut nobody) {
        assert_eq!(known.get("/").await.echo().headers.get("x-client-alias"), Some("partner-a"), "{version}");
        assert_eq!(nobody.get("/").await.status, 403, "{version}");
    }

    assert_eq!(known[0].send(&hungry()).await.status, 200, "{version}");
    assert_eq!(envoy.admin.stat(REFUSED).await, 1, "{version}");
    let before = world.forwarded();
    assert_eq!(envoy.push(&large(&client)).await, Outcome::Live, "{version}");
    // Workers look for memory each second.
    for _ in 0..5 {
        for connection in known.iter_mut().chain(&mut nobody) {
            assert_eq!(connection.get("/").await.status, 503, "{version}");
        }
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(world.forwarded(), before, "{version}");
    let log = envoy.log();
    assert_eq!(log.matches("there is no memory for the configuration").count(), 2, "{version}:\n{log}");

    // That gives the memory back. Nobody asks for anything until both workers have what they waited for.
    envoy.admin.post("/reset_counters").await;
    until("both workers to take the configuration up", async || {
        (envoy.admin.stat(SETTLED).await == u64::from(WORKERS)).then_some(())
    })
    .await;
    for (known, nobody) in known.iter_mut().zip(&mut nobody) {
        assert_eq!(known.get("/").await.echo().headers.get("x-client-alias"), Some("partner-b"), "{version}");
        assert_eq!(nobody.get("/").await.status, 403, "{version}");
    }
    assert_eq!(envoy.admin.stat(RELOADS).await, 0, "{version}: since the counters were reset");
}

#[tokio::test]
async fn workers_without_memory_refuse_everything_and_recover_when_there_is_some() {
    for version in ["1.36.4", PINNED] {
        memory_goes_and_comes_back(version).await;
    }
}
