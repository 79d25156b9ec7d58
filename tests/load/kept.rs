//! What Envoy keeps of a former configuration while a stream is open that began under it: its own memory, of which a
//! filter can release nothing.

use crate::calls::alone;
use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::pki::Identity;
use crate::support::raw::Raw;
use crate::support::registry;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};

/// About 8 MB of registry.
const CLIENTS: usize = 70_000;

/// Reloads under each of which a stream is opened.
const RELOADS: usize = 4;

const MIB: f64 = 1_048_576.0;

/// A registry that no other is like.
fn edition(identity: &Identity, number: usize) -> Value {
    let mut registry = registry::of(&[("caller", "unlimited", identity)]);
    registry["clients"].as_array_mut().unwrap().extend((0..CLIENTS).map(|client| {
        let credentials = json!([{"sha256": format!("{:064x}", number * CLIENTS + client)}]);
        json!({"alias": format!("c{client:05}"), "tier": "gold", "credentials": credentials})
    }));
    registry
}

/// What Envoy has allocated, beside the VMs' memory, once that no longer changes: what goes does so a little later.
async fn allocated(envoy: &Envoy) -> f64 {
    let mut before = 0.0;
    until("Envoy's memory to be steady", async || {
        let answer: Value = serde_json::from_str(&envoy.admin.get("/memory").await).unwrap();
        let now: f64 = answer["allocated"].as_str().unwrap().parse().unwrap();
        let change = (now - before).abs();
        before = now;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        (change < 0.1 * MIB).then_some(now)
    })
    .await
}

async fn hold(caller: &Caller, port: u16) -> Raw {
    let mut raw = caller.raw(port).await;
    raw.websocket("/stream").await;
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_configuration_is_kept_while_a_stream_is_open() {
    let _machine = alone().await;
    let world = World::new();
    let client = world.authority.client("client");
    let size = edition(&client, 0).to_string().len() as f64;
    let bootstrap = world.ecds_bootstrap(&edition(&client, 0)).websocket();
    let mut envoy = Envoy::start(bootstrap).await;
    let (caller, port) = (world.caller(&client), envoy.port());
    // The first reload leaves behind what all others do once.
    assert_eq!(envoy.push(&edition(&client, 1)).await, Outcome::Live);
    let mut sizes = vec![allocated(&envoy).await];
    let mut held = Vec::new();
    for number in 2..2 + RELOADS {
        held.push(hold(&caller, port).await);
        assert_eq!(envoy.push(&edition(&client, number)).await, Outcome::Live);
        sizes.push(allocated(&envoy).await);
    }
    let grown = sizes[RELOADS] - sizes[0];
    let each = grown / RELOADS as f64;
    println!(
        "a registry of {:.1} MiB: Envoy has {:?} MiB after each reload",
        size / MIB,
        sizes.iter().map(|size| (size / MIB * 10.0).round() / 10.0).collect::<Vec<_>>()
    );
    println!("it keeps {:.1} MiB for each former one with an open stream", each / MIB);
    drop(held);
    assert_eq!(envoy.push(&edition(&client, 2 + RELOADS)).await, Outcome::Live);
    let after = allocated(&envoy).await;
    println!("and {:.1} MiB once their streams have ended", (after - sizes[0]) / MIB);
    assert!(each > 0.2 * size && each < 20.0 * size, "{each} bytes for each");
    assert!(after - sizes[0] < grown / 2.0, "{grown} bytes under open streams, {after} afterwards");
}
