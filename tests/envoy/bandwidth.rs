//! Limits of bytes, in the module that has callbacks for bodies: what is counted, on streams of every kind, and what happens
//! when they run dry.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Connection;
use crate::support::envoy::Envoy;
use crate::support::module;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::{Request, Response};
use crate::support::wait::until;
use crate::support::world::World;
use hyper::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

fn limited(client: &Identity, bytes: u64, per: &str, burst: u64) -> Value {
    let mut registry = registry::of(&[("partner-a", "limited", client)]);
    let limit = json!({"name": "traffic", "kind": "bytes", "bytes": bytes, "per": per, "burst": burst});
    registry["tiers"] = json!({"limited": {"limits": [limit, {"name": "calls", "requests": 1000, "per": "30d"}]}});
    registry
}

fn counting(bootstrap: Bootstrap) -> Bootstrap {
    bootstrap.module(&module::bandwidth()).concurrency(1)
}

fn left(response: &Response, limit: &str) -> u64 {
    let field = response.header("ratelimit").unwrap_or_else(|| panic!("no limits: {response:?}"));
    let (_, rest) = field.split_once(&format!("\"{limit}\";r=")).expect("the limit");
    rest.split(';').next().and_then(|left| left.parse().ok()).expect("a number")
}

/// A byte comes back every 8.6 seconds.
fn is_about(found: u64, expected: u64) -> bool {
    (expected..expected + 10).contains(&found)
}

/// What the client has left of `traffic`, asked without any byte of a body.
async fn ask(connection: &mut Connection) -> u64 {
    left(&connection.send(&Request::new(Method::HEAD, "/")).await, "traffic")
}

#[tokio::test]
async fn every_byte_of_both_bodies_is_counted_once() {
    const BURST: u64 = 10_000_000;
    let world = World::new();
    let client = world.authority.client("client");
    let registry = limited(&client, 10_000, "1d", BURST);
    let envoy = Envoy::start(counting(world.bootstrap(&registry).http1_trailers())).await;
    let mut left = BURST;
    for caller in [world.caller(&client), world.caller(&client).http2()] {
        let mut connection = caller.connect(envoy.port()).await;
        let requests = [
            Request::get("/"),
            Request::post("/", vec![7; 300_000]),
            Request::post("/", "small").trailer("x-sum", "1"),
            Request::post("/", vec![7; 3_000_000]),
        ];
        for request in requests {
            let response = connection.send(&request).await;
            assert_eq!(response.status, 200);
            let policy = response.header("ratelimit-policy").unwrap();
            assert!(policy.contains("\"traffic\";q=10000000;") && policy.contains(";qu=\"content-bytes\""), "{policy}");
            left -= u64::try_from(request.body.len() + response.body.len()).unwrap();
            until("the bytes to be charged", async || is_about(ask(&mut connection).await, left).then_some(())).await;
        }
    }
    // A second in which nothing more is charged.
    sleep(Duration::from_secs(1)).await;
    let now = ask(&mut world.caller(&client).connect(envoy.port()).await).await;
    assert!(is_about(now, left), "{now} instead of {left}");
}

#[tokio::test]
async fn what_is_in_flight_passes_and_is_owed() {
    let world = World::new();
    let client = world.authority.client("client");
    let envoy = Envoy::start(counting(world.bootstrap(&limited(&client, 1_000_000, "1s", 100_000)))).await;
    let mut connection = world.caller(&client).http2().connect(envoy.port()).await;
    let large = connection.send(&Request::post("/", vec![7; 4_000_000])).await;
    assert_eq!(large.status, 200, "there was something left when it began");
    let refused = until("the debt", async || {
        let response = connection.get("/").await;
        (response.status == 429).then_some(response)
    })
    .await;
    assert_eq!(refused.json()["violated-policies"], json!(["traffic"]));
    assert_eq!(left(&refused, "traffic"), 0);
    let before = left(&refused, "calls");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((2..=4).contains(&seconds), "{seconds}");
    sleep(Duration::from_secs(seconds)).await;
    let response = connection.get("/").await;
    assert_eq!((response.status, left(&response, "calls")), (200, before - 1), "a refusal takes nothing");
}

/// Not only when they end: an hour's download would count for nothing until then.
#[tokio::test]
async fn streams_upgrades_and_tunnels_are_charged_while_they_last() {
    const PIECE: usize = 1 << 20;
    let world = World::new();
    let client = world.authority.client("client");
    let caller = world.caller(&client);
    for tunnel in [false, true] {
        let envoy = Envoy::start(counting(world.bootstrap(&limited(&client, 10_000, "1d", 3_000_000)).tunnels())).await;
        let mut stream = caller.raw(envoy.port()).await;
        if tunnel {
            assert_eq!(stream.tunnel("localhost:443").await.status, 200);
        }
        let upgrade = "GET /socket HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        assert_eq!(stream.exchange(upgrade).await.status, 101);
        let mut other = caller.connect(envoy.port()).await;
        for expected in [200, 429] {
            // There and back: two pieces.
            stream.write(vec![7; PIECE]).await;
            assert_eq!(stream.read(PIECE).await.len(), PIECE);
            assert_eq!(other.send(&Request::new(Method::HEAD, "/")).await.status, expected, "tunnel: {tunnel}");
        }
    }
}

#[tokio::test]
async fn the_module_without_body_callbacks_refuses_limits_of_bytes() {
    let world = World::new();
    let client = world.authority.client("client");
    let registry = limited(&client, 100, "1s", 100);
    let log = Envoy::try_start(world.bootstrap(&registry)).await.err().expect("Envoy must not start");
    let error = "tiers.limited.limits[0].kind: expected `token_bucket` or `quota`, found `bytes`: it needs the module certgate-bandwidth.wasm";
    assert!(log.contains(error), "{log}");
}
