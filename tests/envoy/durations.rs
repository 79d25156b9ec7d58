//! How long a stream may last, as the shipped files say: a minute without a client, half a minute where nobody takes the
//! response, a day otherwise. Old configurations last as long as the streams that began under them. Each test puts a second
//! in the place of the one duration that it is about.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::envoys::PINNED;
use crate::support::open::Open;
use crate::support::pki::Identity;
use crate::support::raw::Raw;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::upstream::DELAY;
use crate::support::wait::until;
use crate::support::world::World;
use hyper::Method;
use serde_json::{Value, json};

const VERSIONS: [&str; 2] = ["1.36.4", PINNED];

const SECOND: &str = "1s";

/// Streams that Envoy has ended for their duration.
const TOO_LONG: &str = "http.https.downstream_rq_max_duration_reached";

/// The shipped file, with a path that needs no client.
fn shipped(world: &World, client: &Identity, version: &str) -> Bootstrap {
    let mut registry = registry::of(&[("partner-a", "unlimited", client)]);
    registry["rules"] = json!([{"name": "public", "match": {"path": "/public/**"}, "access": "public"}]);
    // The native guard is of another registry.
    world.bootstrap(&registry).version(version).websocket().without_guard()
}

/// Puts a second in the place of `shipped`.
fn shorten(duration: &mut Value, shipped: &str) {
    assert_eq!(*duration, shipped);
    *duration = json!(SECOND);
}

fn routes(manager: &mut Value) -> &mut Vec<Value> {
    manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap()
}

async fn websocket(caller: &Caller, port: u16, path: &str) -> Raw {
    let mut raw = caller.raw(port).await;
    raw.websocket(path).await;
    assert_echoes(&mut raw).await;
    raw
}

async fn assert_echoes(websocket: &mut Raw) {
    websocket.write("ping").await;
    assert_eq!(websocket.read(4).await, b"ping");
}

/// A gRPC stream whose caller would wait for hours.
async fn grpc(caller: &Caller, port: u16, path: &str) -> Open {
    let request = Request::new(Method::POST, path).header("content-type", "application/grpc");
    Open::without_end(caller, port, &request.header("te", "trailers").header("grpc-timeout", "9H")).await
}

/// A body of which so much is missing.
async fn upload(caller: &Caller, port: u16, path: &str) -> Raw {
    let mut raw = caller.raw(port).await;
    raw.write(format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\nhello")).await;
    raw
}

#[tokio::test]
async fn a_stream_without_a_client_ends_and_one_of_a_client_does_not() {
    for version in VERSIONS {
        let world = World::new();
        let client = world.authority.client("client");
        let bootstrap = shipped(&world, &client, version).edit(|manager| {
            let public = routes(manager).iter_mut().find(|route| route["name"] == "public").unwrap();
            shorten(&mut public["route"]["max_stream_duration"]["max_stream_duration"], "60s");
        });
        let envoy = Envoy::start(bootstrap).await;
        let (known, port) = (world.caller(&client), envoy.port());
        // First, so that they are the older ones.
        let mut kept = websocket(&known, port, "/stream").await;
        let mut kept_upload = upload(&known, port, "/stream").await;
        let mut kept_grpc = grpc(&known, port, "/stream").await;
        // Where a rule needs no client, nobody looks who it is.
        for caller in [known, world.anonymous()] {
            let mut ended = websocket(&caller, port, "/public/stream").await;
            let mut ended_upload = upload(&caller, port, "/public/stream").await;
            ended.ended().await;
            assert_eq!(ended_upload.response().await.status, 408, "{version}");
            ended_upload.ended().await;
        }
        grpc(&world.anonymous(), port, "/public/stream").await.ended().await;
        assert_eq!(envoy.admin.stat(TOO_LONG).await, 5, "{version}");
        assert_echoes(&mut kept).await;
        assert_eq!(kept_upload.exchange("world").await.status, 200, "{version}");
        assert!(kept_grpc.is_unanswered(), "{version}");
    }
}

#[tokio::test]
async fn other_streams_end_after_a_day_unless_their_route_says_otherwise() {
    for version in VERSIONS {
        let world = World::new();
        let client = world.authority.client("client");
        let bootstrap = shipped(&world, &client, version).edit(|manager| {
            shorten(&mut manager["common_http_protocol_options"]["max_stream_duration"], "86400s");
            let endless = json!({
                "match": {"prefix": "/endless/"},
                "route": {"cluster": "default", "max_stream_duration": {"max_stream_duration": "0s"}},
            });
            routes(manager).insert(0, endless);
        });
        let envoy = Envoy::start(bootstrap).await;
        let (known, port) = (world.caller(&client), envoy.port());
        let mut kept = websocket(&known, port, "/endless/stream").await;
        let mut kept_grpc = grpc(&known, port, "/endless/stream").await;
        let mut ended = websocket(&known, port, "/stream").await;
        let mut ended_grpc = grpc(&known, port, "/stream").await;
        ended.ended().await;
        ended_grpc.ended().await;
        assert_eq!(envoy.admin.stat(TOO_LONG).await, 2, "{version}");
        assert_echoes(&mut kept).await;
        assert!(kept_grpc.is_unanswered(), "{version}");
    }
}

/// As docs/operate/sizing.md describes `timeout`, which ends a request whose upstream does not answer.
#[tokio::test]
async fn a_duration_of_the_route_takes_the_place_of_its_timeout_and_one_of_the_listener_does_not() {
    for version in VERSIONS {
        let world = World::new();
        let client = world.authority.client("client");
        let impatient = |manager: &mut Value| {
            routes(manager).iter_mut().for_each(|route| route["route"]["timeout"] = json!("0.1s"));
        };
        let envoy = Envoy::start(shipped(&world, &client, version).edit(impatient)).await;
        let slow = |path| Request::get(path).header(DELAY, "2000");
        let status = world.anonymous().send(envoy.port(), &slow("/public/slow")).await.status;
        assert_eq!(status, 200, "{version}");
        let status = world.caller(&client).send(envoy.port(), &slow("/slow")).await.status;
        assert_eq!(status, 504, "{version}");
    }
}

#[tokio::test]
async fn a_stream_whose_response_nobody_takes_ends() {
    for version in VERSIONS {
        let world = World::new();
        let client = world.authority.client("client");
        let bootstrap =
            shipped(&world, &client, version).edit(|manager| shorten(&mut manager["stream_flush_timeout"], "30s"));
        let envoy = Envoy::start(bootstrap).await;
        let mut held = Vec::new();
        for (caller, path) in [(world.caller(&client), "/"), (world.anonymous(), "/public/")] {
            held.push(Open::that_cannot_be_answered(&caller, envoy.port(), &Request::get(path)).await);
        }
        until("two streams to end", async || (envoy.admin.stat("http2.tx_flush_timeout").await == 2).then_some(()))
            .await;
        assert!(held.iter().all(Open::is_open), "{version}: their connections are open");
    }
}
