//! What Envoy keeps of a former configuration while a stream is open that began under it: its own memory, of which a
//! filter can release nothing.

use crate::calls::alone;
use crate::support::bootstrap::Form;
use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::pki::Identity;
use crate::support::raw::Raw;
use crate::support::registry;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// Bytes of each registry, nearly all of them text: what Envoy keeps depends on their number alone, and it reads text quickly.
const SIZE: usize = 8 << 20;

/// Reloads under each of which a stream is opened.
const RELOADS: usize = 4;

const MIB: f64 = 1_048_576.0;

/// A registry that no other is like.
fn edition(identity: &Identity, number: usize) -> Value {
    let mut registry = registry::of(&[("caller", "unlimited", identity)]);
    registry["clients"][0]["description"] = json!(number.to_string() + &"-".repeat(SIZE));
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
        sleep(Duration::from_millis(500)).await;
        (change < 0.1 * MIB).then_some(now)
    })
    .await
}

async fn hold(caller: &Caller, port: u16) -> Raw {
    let mut raw = caller.raw(port).await;
    raw.websocket("/stream").await;
    raw
}

/// Prints how much Envoy keeps of a registry in this form.
async fn measure(form: Form) {
    let world = World::new();
    let client = world.authority.client("client");
    let edition = |number| edition(&client, number);
    let size = edition(0).to_string().len() as f64;
    let mut envoy = Envoy::start(world.ecds_bootstrap(&edition(0)).form(form).websocket()).await;
    let (caller, port) = (world.caller(&client), envoy.port());
    // The first reload leaves behind what all others do once.
    assert_eq!(envoy.push(&edition(1)).await, Outcome::Live);
    let before = allocated(&envoy).await;
    let mut held = Vec::new();
    for number in 2..2 + RELOADS {
        held.push(hold(&caller, port).await);
        assert_eq!(envoy.push(&edition(number)).await, Outcome::Live);
    }
    let grown = allocated(&envoy).await - before;
    drop(held);
    assert_eq!(envoy.push(&edition(2 + RELOADS)).await, Outcome::Live);
    let left = allocated(&envoy).await - before;
    let each = grown / RELOADS as f64;
    println!(
        "{form:?}, a registry of {:.1} MiB: Envoy keeps {:.1} MiB of each former one under a stream, {:.1} MiB of {RELOADS} \
         once the streams have ended",
        size / MIB,
        each / MIB,
        left / MIB,
    );
    assert!(each > 0.2 * size && each < 20.0 * size, "{each} bytes for each");
    assert!(left < grown / 2.0, "{grown} bytes under open streams, {left} afterwards");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_configuration_is_kept_while_a_stream_is_open() {
    let _machine = alone().await;
    measure(Form::Json).await;
    measure(Form::Struct).await;
}
