//! What limits count and say beside the plain token bucket: quotas on the calendar, costs by method, limits in shadow,
//! warnings. Read off the `RateLimit` field of each response.

use crate::support::client::Connection;
use crate::support::envoy::Envoy;
use crate::support::mutant::Mutant;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::{Request, Response};
use crate::support::world::World;
use hyper::Method;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant, SystemTime};
use tokio::time::sleep;

const HOUR: u64 = 3600;

fn limited(client: &Identity, limits: Value) -> Value {
    let mut registry = registry::of(&[("partner-a", "limited", client)]);
    registry["tiers"] = json!({"limited": {"limits": limits}});
    registry
}

/// A limit's `r` and `t` in the response's `RateLimit`.
fn left(response: &Response, limit: &str) -> (u64, u64) {
    let field = response.header("ratelimit").unwrap_or_else(|| panic!("no limits: {response:?}"));
    let item = field.split(", ").find_map(|item| item.strip_prefix(&format!("\"{limit}\";r=")));
    let (remaining, seconds) = item.and_then(|item| item.split_once(";t=")).expect("both numbers");
    (remaining.parse().unwrap(), seconds.parse().unwrap())
}

/// The seconds until the hour ends, by this machine's clock.
fn to_the_hour() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    HOUR - now % HOUR
}

async fn drain(connection: &mut Connection) -> Response {
    loop {
        let response = connection.get("/").await;
        if response.status == 429 {
            return response;
        }
    }
}

/// On an Envoy whose clock is so far ahead that an hour ends within seconds.
#[tokio::test]
async fn a_quota_is_whole_again_when_its_window_ends_and_a_second_earlier_it_is_not() {
    let world = World::new();
    let client = world.authority.client("client");
    let registry = limited(&client, json!([{"name": "hourly", "kind": "quota", "requests": 5, "per": "hour"}]));
    let module = Mutant::new().wall_clock_ahead(i64::try_from(to_the_hour()).unwrap() - 8).write();
    let envoy = Envoy::start(world.bootstrap(&registry).module(&module).concurrency(4).spread_evenly()).await;
    fs::remove_file(module).unwrap();
    let mut connection = world.caller(&client).connect(envoy.port()).await;
    let first = connection.get("/").await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"hourly\";q=5;w=3600"));
    assert_eq!(left(&first, "hourly").0, 4);
    let refused = drain(&mut connection).await;
    let told = Instant::now();
    assert_eq!(world.forwarded(), 5);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(left(&refused, "hourly"), (0, seconds));
    assert!(seconds <= 8, "{seconds}");
    let almost = Duration::from_secs(seconds.saturating_sub(1));
    sleep(almost.saturating_sub(told.elapsed() + Duration::from_millis(50))).await;
    let early = connection.get("/").await;
    // On a machine that stood still meanwhile it was not early.
    assert!(told.elapsed() > almost || early.status == 429, "{early:?}");
    sleep(Duration::from_secs(seconds).saturating_sub(told.elapsed())).await;
    let (remaining, until) = left(&connection.get("/").await, "hourly");
    assert!(remaining <= 4 && until > HOUR - 120, "{remaining} for {until} s");
}

/// What is left of the first window is its share if the quota is prorated; and a restart forgets what was spent.
#[tokio::test]
async fn a_restart_begins_the_window_whole_or_with_its_share() {
    let world = World::new();
    let client = world.authority.client("client");
    for (initial, prorated) in [("full", false), ("prorated", true)] {
        let limits = json!([{"name": "hourly", "kind": "quota", "requests": HOUR, "per": "hour", "initial": initial}]);
        let registry = limited(&client, limits);
        for _ in ["the first start", "another"] {
            let before = to_the_hour();
            let envoy = Envoy::start(world.bootstrap(&registry)).await;
            let (remaining, until) = left(&world.caller(&client).get(envoy.port(), "/").await, "hourly");
            if until > before {
                // The hour ended meanwhile, and with it the window in which Envoy started, or it started after that.
                continue;
            }
            let share = if prorated { until - 1..before } else { HOUR - 1..HOUR };
            assert!(share.contains(&remaining), "{initial}: {remaining}, where {share:?} is right");
        }
    }
}

#[tokio::test]
async fn a_method_costs_what_the_limit_says_and_nothing_is_taken_from_any_if_one_cannot_pay() {
    let world = World::new();
    let client = world.authority.client("client");
    let limits = json!([
        {"name": "weighed", "requests": 10, "per": "30d", "cost": {"POST": 5, "OPTIONS": 0, "default": 1}},
        {"name": "plain", "kind": "quota", "requests": 100, "per": "month"},
    ]);
    let envoy = Envoy::start(world.bootstrap(&limited(&client, limits))).await;
    let mut connection = world.caller(&client).http2().connect(envoy.port()).await;
    let steps = [
        (Method::POST, 200, (5, 99)),
        (Method::GET, 200, (4, 98)),
        (Method::POST, 429, (4, 98)),
        (Method::HEAD, 200, (3, 97)),
        (Method::OPTIONS, 200, (3, 96)),
        (Method::DELETE, 200, (2, 95)),
    ];
    for (method, status, expected) in steps {
        let request = Request::new(method.clone(), "/").header("x-http-method-override", "OPTIONS");
        let response = connection.send(&request).await;
        assert_eq!(response.status, status, "{method}");
        assert_eq!((left(&response, "weighed").0, left(&response, "plain").0), expected, "{method}");
        if status == 429 {
            assert_eq!(response.json()["violated-policies"], json!(["weighed"]));
        }
    }
}

#[tokio::test]
async fn a_limit_in_shadow_counts_and_warns_and_stops_nobody() {
    let world = World::new();
    let client = world.authority.client("client");
    let limits = json!([
        {"name": "soft", "requests": 5, "per": "30d", "mode": "shadow", "warn_at": "80%"},
        {"name": "hard", "requests": 8, "per": "30d", "warn_at": "100%"},
    ]);
    let envoy = Envoy::start(world.bootstrap(&limited(&client, limits))).await;
    let mut connection = world.caller(&client).connect(envoy.port()).await;
    let warnings: [&[&str]; 8] = [
        &[],
        &[],
        &[],
        &["\"soft\";r=1;"],
        &["\"soft\";r=0;"],
        &["\"soft\";r=0;", ";exceeded"],
        &["\"soft\";r=0;", ";exceeded"],
        &["\"soft\";r=0;", ";exceeded, \"hard\";r=0;"],
    ];
    for (number, expected) in (1..).zip(warnings) {
        let forged = Request::get("/").header("x-client-limit-warning", "none");
        let response = connection.send(&forged).await;
        assert_eq!(response.status, 200, "request {number}");
        let left = (left(&response, "soft").0, left(&response, "hard").0);
        assert_eq!(left, (5_u64.saturating_sub(number), 8 - number), "request {number}");
        let echo = response.echo();
        let warning = echo.headers.get("x-client-limit-warning").unwrap_or_default();
        assert_eq!(warning.is_empty(), expected.is_empty(), "request {number}: {warning}");
        assert!(expected.iter().all(|part| warning.contains(part)), "request {number}: {warning}");
        assert_eq!(response.header("x-client-limit-warning"), None);
    }
    let refused = connection.get("/").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["violated-policies"], json!(["hard"]));
    // A token of `hard` is back after 30 d / 8, of `soft` only after 30 d / 5.
    assert_eq!(refused.header("retry-after").unwrap().parse::<u64>().unwrap().div_ceil(HOUR), 90);
    for (limit, exceeded) in [("soft", 4.0), ("hard", 1.0)] {
        let labels = [("tier", "limited"), ("limit", limit)];
        assert_eq!(envoy.admin.metric("certgate_limit_exceeded_total", &labels).await, exceeded, "{limit}");
    }
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("decision", "allowed")]).await, 8.0);
}

/// A long call or an open tunnel costs what its first request costs, once.
#[tokio::test]
async fn streams_upgrades_and_tunnels_cost_one_request() {
    let world = World::new();
    let client = world.authority.client("client");
    let limits = json!([{"name": "weighed", "requests": 100, "per": "30d", "cost": {"CONNECT": 20, "POST": 3}}]);
    let bootstrap = world.bootstrap(&limited(&client, limits)).tunnels().concurrency(1);
    let envoy = Envoy::start(bootstrap).await;
    let caller = world.caller(&client);

    let call = Request::post("/shop.Cart/Watch", vec![0; 100_000])
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .trailer("x-last", "1");
    let response = caller.clone().http2().send(envoy.port(), &call).await;
    assert_eq!(left(&response, "weighed").0, 97, "a gRPC call");

    let mut socket = caller.raw(envoy.port()).await;
    let upgrade = "GET /socket HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let response = socket.exchange(upgrade).await;
    assert_eq!((response.status, left(&response, "weighed").0), (101, 96), "a WebSocket");

    let mut tunnel = caller.raw(envoy.port()).await;
    let response = tunnel.tunnel("localhost:443").await;
    assert_eq!((response.status, left(&response, "weighed").0), (200, 76), "a CONNECT");

    for _ in 0..3 {
        socket.write("ping").await;
        assert_eq!(socket.read(4).await, b"ping");
        let through = tunnel.exchange("GET /through HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert_eq!((through.status, through.header("ratelimit")), (200, None), "nobody looks into a tunnel");
    }
    let response = caller.send(envoy.port(), &Request::new(Method::HEAD, "/")).await;
    assert_eq!(left(&response, "weighed").0, 75, "and what goes through them costs nothing");

    let stranger = world.caller(&world.authority.client("stranger"));
    let mut refused = stranger.raw(envoy.port()).await;
    assert_eq!(refused.tunnel("localhost:443").await.status, 403);
}
