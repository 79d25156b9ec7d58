//! Header names and bytes that callers may try, and the headers that reach the upstream. Without the guard, so that
//! certgate is alone with it.

use crate::support::bootstrap::Bootstrap;
use crate::support::client::Caller;
use crate::support::echo::Echo;
use crate::support::envoy::Envoy;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use certgate_core::domain::headers::{ALWAYS_OWNED, XFCC};
use serde_json::{Value, json};

/// A world with a client of the unlimited tier.
fn world() -> (World, Identity, Value) {
    let world = World::new();
    let identity = world.authority.client("partner");
    let registry = registry::of(&[("partner", "unlimited", &identity)]);
    (world, identity, registry)
}

fn bootstrap(world: &World, registry: &Value) -> Bootstrap {
    world.bootstrap(registry).without_guard().allow_underscores().http1_trailers()
}

/// All bytes but letters and digits that a header's name may have (RFC 9110 section 5.6.2).
const SEPARATORS: &str = "!#$%&'*+-.^_`|~";

/// A header's name as some upstream reads it.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(|character: char| !character.is_ascii_alphanumeric(), "-")
}

/// The lines of the echo whose name some upstream reads as this one.
fn lines<'e>(echo: &'e Echo, name: &str) -> Vec<&'e (String, String)> {
    echo.headers.0.iter().filter(|(other, _)| folded(other) == folded(name)).collect()
}

/// The name with each of the separators in the place of its hyphens, and of one of them.
pub(super) fn look_alikes(name: &str) -> Vec<String> {
    let others = SEPARATORS.chars().filter(|separator| *separator != '-').map(String::from);
    others.flat_map(|other| [name.replace('-', &other), name.replacen('-', &other, 1)]).collect()
}

/// Ours alone, or none.
fn assert_ours(echo: &Echo, identity: Option<&Identity>, how: &str) {
    let fingerprint = identity.map(Identity::fingerprint);
    let ours = |name: &str| match (name, &fingerprint) {
        ("x-client-alias", Some(_)) => Some("partner".to_owned()),
        ("x-client-tier", Some(_)) => Some("unlimited".to_owned()),
        ("x-client-fingerprint", Some(fingerprint)) => Some(fingerprint.clone()),
        _ => None,
    };
    for name in ALWAYS_OWNED {
        let lines = lines(echo, name);
        let expected = ours(name).map(|value| (name.to_owned(), value));
        assert_eq!(lines, expected.iter().collect::<Vec<_>>(), "{name}, {how}");
    }
}

#[tokio::test]
async fn no_spelling_of_an_identity_header_gets_through() {
    let (world, identity, mut registry) = world();
    for shadow in [false, true] {
        registry["mode"] = json!(if shadow { "shadow" } else { "enforce" });
        let envoy = Envoy::start(bootstrap(&world, &registry)).await;
        // In shadow mode also who is refused goes on.
        let mut callers = vec![(world.caller(&identity), Some(&identity))];
        if shadow {
            callers.push((world.anonymous(), None));
            callers.push((world.caller(&world.authority.client("stranger")), None));
        }
        for (caller, known) in callers {
            for name in ALWAYS_OWNED {
                let mixed: String = name
                    .char_indices()
                    .map(|(place, letter)| if place % 2 == 0 { letter.to_ascii_uppercase() } else { letter })
                    .collect();
                let spellings = [
                    name.to_owned(),
                    name.replace('-', "_"),
                    name.replace('-', "."),
                    name.replacen('-', "_", 1),
                    name.to_uppercase(),
                    mixed,
                ];
                for spelling in spellings {
                    let how = format!("as {spelling}");
                    let forged = format!("{spelling}: gold\r\n");
                    let lines = [forged.clone(), forged.repeat(2), format!("{spelling}:\r\n")].concat();
                    let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
                    let echo = caller.raw(envoy.port()).await.exchange(request).await.echo();
                    assert_ours(&echo, known, &how);
                }
            }
            for name in ALWAYS_OWNED.into_iter().chain([XFCC]) {
                let forged: String = look_alikes(name).iter().map(|name| format!("{name}: gold\r\n")).collect();
                let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{forged}\r\n");
                let echo = caller.raw(envoy.port()).await.exchange(request).await.echo();
                assert_ours(&echo, known, &format!("as look-alikes of {name}"));
                assert!(lines(&echo, XFCC).is_empty(), "{name}: {:?}", lines(&echo, XFCC));
            }
            let forged = ALWAYS_OWNED.iter().fold(Request::get("/"), |request, name| request.header(name, "gold"));
            let forged =
                ALWAYS_OWNED.iter().fold(forged, |request, name| request.header(&name.replace('-', "_"), "gold"));
            let echo = caller.http2().send(envoy.port(), &forged).await.echo();
            assert_ours(&echo, known, "all at once over HTTP/2");
        }
    }
}

#[tokio::test]
async fn identity_in_trailers_does_not_get_through() {
    let (world, identity, registry) = world();
    let request = |announce: bool| {
        let request = Request::post("/", "body").trailer("x-checksum", "7").trailer("x-client-alias", "gold");
        let request = request.trailer("X_Client.Tier", "gold").trailer("client-cert", ":AAAA:");
        let request = request.trailer("x~client!fingerprint", "00").trailer(XFCC, "Hash=00");
        let request = request.trailer("x.forwarded_client|cert", "Hash=00");
        if announce { request.header("x-other", "1") } else { request }
    };
    for bootstrap in [bootstrap(&world, &registry), bootstrap(&world, &registry).upstream_http2()] {
        let envoy = Envoy::start(bootstrap).await;
        for caller in [world.caller(&identity), world.caller(&identity).http2()] {
            let echo = caller.send(envoy.port(), &request(true)).await.echo();
            let names: Vec<_> = echo.trailers.names().collect();
            assert_eq!(names, ["x-checksum"]);
            assert_ours(&echo, Some(&identity), "beside trailers");
        }
    }
}

#[tokio::test]
async fn connection_cannot_drop_an_identity_header() {
    let (world, identity, registry) = world();
    let envoy = Envoy::start(bootstrap(&world, &registry)).await;
    for nominated in ["x-client-alias", "X-Client-Alias, x-client-tier", "close, x-client-fingerprint"] {
        let mut raw = world.caller(&identity).raw(envoy.port()).await;
        let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: {nominated}\r\n\r\n");
        let echo = raw.exchange(request).await.echo();
        assert_ours(&echo, Some(&identity), nominated);
        let kept = echo.headers.all("connection").join(", ").to_ascii_lowercase();
        assert!(!kept.contains("x-client"), "the next hop is told to drop it: {kept}");
    }
}

#[tokio::test]
async fn connection_cannot_drop_an_identity_header_on_an_upgrade() {
    let (world, identity, registry) = world();
    let envoy = Envoy::start(bootstrap(&world, &registry).websocket()).await;
    for nominated in [
        "upgrade, x-client-alias",
        "X_Client.Tier,Upgrade",
        "x-client-fingerprint, upgrade, client-cert",
        "x-forwarded-client-cert, x~client~tier, upgrade",
    ] {
        let upgrade = format!(
            "GET /socket HTTP/1.1\r\nhost: localhost\r\nconnection: {nominated}\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        assert_eq!(world.caller(&identity).raw(envoy.port()).await.exchange(upgrade).await.status, 101, "{nominated}");
        let received = world.default.received();
        let echo = received.last().unwrap();
        assert_ours(echo, Some(&identity), nominated);
        assert_eq!(echo.headers.get("connection").map(str::to_ascii_lowercase).as_deref(), Some("upgrade"));
    }
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_do_not_trap() {
    let (world, identity, registry) = world();
    let envoy = Envoy::start(bootstrap(&world, &registry)).await;
    let caller = world.caller(&identity);
    let lines: [&[u8]; 6] = [
        b"x-bytes: \xff\xfe\x80\xc3\r\n",
        b"content-type: application/grpc\xff\r\n",
        b"x-client-alias: \xff\r\n",
        b"cookie: \xc3\x28\r\n",
        b"x-n\xc3\xa4me: v\r\n",
        b"\xff: v\r\n",
    ];
    for line in lines {
        for who in [&caller, &world.anonymous()] {
            let head = [b"GET / HTTP/1.1\r\nhost: localhost\r\n", line, b"\r\n"].concat();
            let status = who.raw(envoy.port()).await.exchange(head).await.status;
            assert!([200, 400, 403].contains(&status), "{status} for {line:?}");
        }
        let path = [&b"GET /\xff\xfe HTTP/1.1\r\nhost: localhost\r\n"[..], line, b"\r\n"].concat();
        caller.raw(envoy.port()).await.exchange(path).await;
    }
    for _ in 0..10 {
        caller.get(envoy.port(), "/").await.echo();
    }
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("decision", "error")]).await, 0.0);
    assert!(!envoy.log().contains("Function: proxy_on"), "a trap:\n{}", envoy.log());
}

#[tokio::test]
async fn thousands_of_headers_change_nothing() {
    let (world, identity, registry) = world();
    let envoy = Envoy::start(bootstrap(&world, &registry).large_headers(6000, 900)).await;
    let mut request = String::from("GET / HTTP/1.1\r\nhost: localhost\r\nx-client-alias: gold\r\n");
    for number in 0..3000 {
        request += &format!("x-filler-{number}: {}\r\n", "v".repeat(200));
    }
    request += "x-client_tier: gold\r\n\r\n";
    let echo = world.caller(&identity).raw(envoy.port()).await.exchange(request.clone()).await.echo();
    assert_ours(&echo, Some(&identity), "among 3,000 others");
    assert_eq!(echo.headers.names().filter(|name| name.starts_with("x-filler-")).count(), 3000);
    assert_eq!(world.anonymous().raw(envoy.port()).await.exchange(request).await.status, 403);
}

#[tokio::test]
async fn a_websocket_is_decided_once_and_carries_its_name() {
    let (world, identity, registry) = world();
    let envoy = Envoy::start(bootstrap(&world, &registry).websocket()).await;
    let upgrade = "GET /socket HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-client-alias: gold\r\n\r\n";
    let mut raw = world.caller(&identity).raw(envoy.port()).await;
    assert_eq!(raw.exchange(upgrade).await.status, 101);
    raw.write("ping").await;
    assert_eq!(raw.read(4).await, b"ping");
    assert_ours(&world.default.received()[0], Some(&identity), "on an upgrade");
    assert_eq!(world.anonymous().raw(envoy.port()).await.exchange(upgrade).await.status, 403);
    assert_eq!(world.forwarded(), 1);
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("decision", "allowed")]).await, 1.0);
}

#[tokio::test]
async fn an_internal_redirect_is_decided_again_under_the_same_name() {
    let (world, identity, mut registry) = world();
    registry["tiers"]["unlimited"] = json!({"limits": [{"name": "hourly", "requests": 2, "per": "1h"}]});
    world.default.redirect("/from", "https://localhost/to");
    let envoy = Envoy::start(bootstrap(&world, &registry).internal_redirects()).await;
    let caller = world.caller(&identity);
    let echo = caller.get(envoy.port(), "/from").await.echo();
    assert_eq!(echo.path, "/to");
    assert_ours(&echo, Some(&identity), "after a redirect");
    assert_eq!(caller.get(envoy.port(), "/to").await.status, 429, "both passes were charged");
}

#[tokio::test]
async fn every_method_is_decided() {
    let (world, identity, registry) = world();
    let envoy = Envoy::start(bootstrap(&world, &registry).concurrency(1)).await;
    for (place, method) in ["HEAD", "OPTIONS", "TRACE", "PATCH", "PROPFIND"].into_iter().enumerate() {
        // The answer to some of them has no body whatever it says of one, so the log tells what it was.
        let request = format!("{method} / HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let (mut nobody, mut partner) =
            (world.anonymous().raw(envoy.port()).await, world.caller(&identity).raw(envoy.port()).await);
        nobody.write(&request).await;
        assert_eq!(envoy.access_log(2 * place + 1).await[2 * place]["http.response.status_code"], 403, "{method}");
        assert_eq!(world.forwarded(), place, "{method} got through");
        partner.write(&request).await;
        assert_eq!(envoy.access_log(2 * place + 2).await[2 * place + 1]["http.response.status_code"], 200, "{method}");
        assert_ours(world.default.received().last().unwrap(), Some(&identity), method);
    }
}

async fn grpc(caller: Caller, port: u16) -> (Option<String>, Option<String>, Option<String>) {
    let request = Request::post("/package.Service/Method", "").header("content-type", "application/grpc");
    let response = caller.http2().send(port, &request).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/grpc"));
    let field = |name: &str| response.header(name).or(response.trailers.get(name)).map(str::to_owned);
    (field("grpc-status"), field("grpc-message"), field("retry-after"))
}

#[tokio::test]
async fn grpc_callers_get_a_grpc_status() {
    let (world, identity, mut registry) = world();
    registry["tiers"]["unlimited"] = json!({"limits": [{"name": "hourly", "requests": 1, "per": "1h"}]});
    let envoy = Envoy::start(bootstrap(&world, &registry)).await;
    let port = envoy.port();
    let owned = |text: &str| Some(text.to_owned());
    assert_eq!(grpc(world.anonymous(), port).await, (owned("7"), owned("permission denied"), None));
    world.caller(&identity).get(port, "/").await.echo();
    let (status, message, retry_after) = grpc(world.caller(&identity), port).await;
    assert_eq!((status, message), (owned("8"), owned("limit exceeded: hourly")));
    assert!((3590..=3600).contains(&retry_after.unwrap().parse::<u64>().unwrap()));
}

#[tokio::test]
async fn legacy_rate_limit_fields_tell_of_the_limit_nearest_to_exhaustion() {
    let (world, identity, mut registry) = world();
    world.default.add_response_header("X-RateLimit-Remaining", "theirs");
    registry["rate_limit_headers"] = json!("legacy");
    registry["tiers"]["unlimited"] = json!({"limits": [
        {"name": "daily", "requests": 1000, "per": "1d"},
        {"name": "hourly", "requests": 2, "per": "1h"},
    ]});
    let envoy = Envoy::start(bootstrap(&world, &registry)).await;
    let caller = world.caller(&identity);
    for (status, remaining, reset) in [(200, "1", 1800), (200, "0", 3600), (429, "0", 3600)] {
        let response = caller.get(envoy.port(), "/").await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("x-ratelimit-limit"), Some("2"));
        assert_eq!(response.header("x-ratelimit-remaining"), Some(remaining));
        let seconds: u64 = response.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert!((reset - 60..=reset).contains(&seconds), "{seconds}");
        assert_eq!(response.header("ratelimit"), None);
    }
}

#[tokio::test]
async fn an_upstreams_own_rate_limit_fields_are_replaced_or_left_alone() {
    let (world, identity, mut registry) = world();
    world.default.add_response_header("RateLimit", "\"theirs\";r=1;t=1");
    world.default.add_response_header("RateLimit-Policy", "\"theirs\";q=1;w=1");
    let unlimited = Envoy::start(bootstrap(&world, &registry)).await;
    let response = world.caller(&identity).get(unlimited.port(), "/").await;
    assert_eq!(response.header("ratelimit"), Some("\"theirs\";r=1;t=1"));
    registry["tiers"]["unlimited"] = json!({"limits": [{"name": "hourly", "requests": 2, "per": "1h"}]});
    let limited = Envoy::start(bootstrap(&world, &registry)).await;
    let response = world.caller(&identity).get(limited.port(), "/").await;
    assert_eq!(response.header("ratelimit"), Some("\"hourly\";r=1;t=1800"));
    assert_eq!(response.header("ratelimit-policy"), Some("\"hourly\";q=2;w=3600"));
    for name in ALWAYS_OWNED {
        assert_eq!(response.header(name), None, "identity is not for callers");
    }
}
