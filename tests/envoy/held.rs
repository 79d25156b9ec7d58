//! Streams that stay open while configurations come and go: no worker runs out of memory for them, and nobody is refused.

use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::PINNED;
use crate::support::mutant::Mutant;
use crate::support::open::Open;
use crate::support::pki::Identity;
use crate::support::raw::Raw;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use hyper::Method;
use serde_json::{Value, json};

/// Clients in each registry. One policy takes about 150 KB of a VM, and a canary 700.
const CLIENTS: usize = 2000;

/// Pages of 64 KiB that a VM may have beyond what it starts with.
const PAGES: u64 = 64;

/// A registry that no other is like.
fn edition(identity: &Identity, number: usize) -> Value {
    let mut registry = registry::of(&[("partner-a", "unlimited", identity)]);
    let clients = registry["clients"].as_array_mut().unwrap();
    clients.extend((0..CLIENTS).map(|client| {
        let sha256 = format!("{:064x}", number * CLIENTS + client);
        registry::by_fingerprint(&format!("c{client:05}"), "unlimited", &sha256)
    }));
    registry["rules"] = json!([{"name": "public", "match": {"path": "/public/**"}, "access": "public"}]);
    registry
}

/// Streams without a client last as long as the test, and not a minute.
fn without_public_route(manager: &mut Value) {
    let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap();
    routes.retain(|route| route["name"] != "public");
}

/// A stream that is open.
enum Held {
    /// Its other end sends back what comes.
    WebSocket(Raw),
    /// A body of which so much is missing.
    Upload(Raw),
    /// Over HTTP/2.
    Open(Open),
}

const UPLOAD: &str = "host: localhost\r\ncontent-length: 10\r\n\r\nhello";

/// One of each kind in turn.
async fn hold(caller: &Caller, port: u16, number: usize) -> Held {
    let path = "/public/stream";
    match number % 4 {
        0 => {
            let mut raw = caller.raw(port).await;
            raw.websocket(path).await;
            Held::WebSocket(raw)
        }
        1 => {
            let mut raw = caller.raw(port).await;
            raw.write(format!("POST {path} HTTP/1.1\r\n{UPLOAD}")).await;
            Held::Upload(raw)
        }
        // The response is there, and its body may not be sent.
        2 => Held::Open(Open::that_cannot_be_answered(caller, port, &Request::get(path)).await),
        _ => {
            let request = Request::new(Method::POST, path).header("content-type", "application/grpc");
            Held::Open(Open::without_end(caller, port, &request).await)
        }
    }
}

async fn streams_are_held(version: &str, reloads: usize) {
    let world = World::new();
    let client = world.authority.client("client");
    let module = Mutant::new().memory_for(PAGES).write();
    let bootstrap = world.ecds_bootstrap(&edition(&client, 0)).version(version).module(&module);
    let mut envoy = Envoy::start(bootstrap.websocket().without_guard().edit(without_public_route)).await;
    let callers = [world.caller(&client), world.anonymous()];
    let mut known = callers[0].connect(envoy.port()).await;
    let mut nobody = callers[1].connect(envoy.port()).await;
    let mut held = Vec::new();
    for reload in 1..=reloads {
        for caller in &callers {
            held.push(hold(caller, envoy.port(), reload).await);
        }
        assert_eq!(envoy.push(&edition(&client, reload)).await, Outcome::Live, "{version}");
        assert_eq!(known.get("/").await.status, 200, "{version}, reload {reload}");
        assert_eq!(nobody.get("/").await.status, 403, "{version}, reload {reload}");
        assert_eq!(nobody.get("/public/more").await.status, 200, "{version}, reload {reload}");
    }
    for (place, stream) in held.iter_mut().enumerate() {
        match stream {
            Held::WebSocket(raw) => {
                raw.write("ping").await;
                assert_eq!(raw.read(4).await, b"ping", "{version}, stream {place}");
            }
            Held::Upload(raw) => assert_eq!(raw.exchange("world").await.status, 200, "{version}, stream {place}"),
            Held::Open(open) => assert!(open.is_open(), "{version}, stream {place}"),
        }
    }
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("decision", "error")]).await, 0.0, "{version}");
    let log = envoy.log();
    assert!(!log.contains("no memory") && !log.contains("failed"), "{version}:\n{log}");
}

#[tokio::test]
async fn a_hundred_reloads_under_open_streams_take_no_memory_and_refuse_nobody() {
    streams_are_held(PINNED, 100).await;
}

#[tokio::test]
async fn thirty_five_reloads_do_so_on_the_oldest_envoy() {
    streams_are_held("1.36.4", 35).await;
}
