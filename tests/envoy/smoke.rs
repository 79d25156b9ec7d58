//! The first things to look at: who gets in, who does not, however they speak.

use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::pki::{Authority, Identity, Key, Leaf};
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;

async fn assert_gold(caller: &Caller, port: u16, gold: &Identity, how: &str) {
    let echo = caller.get(port, "/hello?a=b").await.echo();
    assert_eq!(echo.upstream, "gold", "{how}: gold clients have a cluster of their own");
    assert_eq!(echo.headers.get("x-client-alias"), Some("partner-a"), "{how}");
    assert_eq!(echo.headers.get("x-client-tier"), Some("gold"), "{how}");
    assert_eq!(echo.headers.get("x-client-fingerprint"), Some(gold.fingerprint().as_str()), "{how}");
    assert_eq!(echo.path, "/hello?a=b", "{how}");
}

#[tokio::test]
async fn a_registered_client_gets_in_however_it_speaks() {
    let world = World::new();
    for key in [Key::EcdsaP256, Key::Rsa2048] {
        let gold = world.authority.issue(&Leaf::client("gold").key(key));
        let envoy = Envoy::start(world.bootstrap(&registry::of(&[("partner-a", "gold", &gold)]))).await;
        let caller = world.caller(&gold);
        let ways = [
            ("HTTP/1.1, TLS 1.2", caller.clone().tls12()),
            ("HTTP/1.1, TLS 1.3", caller.clone().tls13()),
            ("HTTP/2, TLS 1.2", caller.clone().http2().tls12()),
            ("HTTP/2, TLS 1.3", caller.clone().http2().tls13()),
        ];
        for (way, caller) in ways {
            assert_gold(&caller, envoy.port(), &gold, &format!("{way}, {key:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_resumed_session_is_the_same_client() {
    let world = World::new();
    let gold = world.authority.client("gold");
    let envoy = Envoy::start(world.bootstrap(&registry::of(&[("partner-a", "gold", &gold)])).resuming()).await;
    for caller in [world.caller(&gold).tls12(), world.caller(&gold).tls13()] {
        let mut first = caller.connect(envoy.port()).await;
        assert!(!first.is_resumed(), "there is nothing to resume yet");
        first.get("/").await.echo();
        let mut second = caller.connect(envoy.port()).await;
        assert!(second.is_resumed(), "the listener resumes sessions");
        assert_eq!(second.get("/").await.echo().headers.get("x-client-alias"), Some("partner-a"));
    }
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let world = World::new();
    let (gold, stranger) = (world.authority.client("gold"), world.authority.client("stranger"));
    let bootstrap = world.bootstrap(&registry::of(&[("partner-a", "gold", &gold)]));
    // One worker, so that the access log is in order.
    let envoy = Envoy::start(bootstrap.concurrency(1)).await;
    for caller in [world.caller(&stranger), world.anonymous()] {
        for caller in [caller.clone(), caller.http2()] {
            let response = caller.get(envoy.port(), "/").await;
            assert_eq!(response.status, 403, "{response:?}");
            assert_eq!(response.header("content-type"), Some("application/problem+json"));
            assert_eq!(response.header("cache-control"), Some("no-store"));
        }
    }
    assert_eq!(world.forwarded(), 0);
    let lines = envoy.access_log(4).await;
    let reasons: Vec<_> = lines.iter().map(|line| line["certgate.reason"].as_str().unwrap_or_default()).collect();
    assert_eq!(reasons, ["unknown_certificate", "unknown_certificate", "no_certificate", "no_certificate"]);
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_is_not_trusted_ends_the_handshake() {
    let world = World::new();
    let gold = world.authority.client("gold");
    let envoy = Envoy::start(world.bootstrap(&registry::of(&[("partner-a", "gold", &gold)]))).await;
    let elsewhere = Authority::new("somebody else").client("gold");
    for untrusted in [elsewhere, Leaf::client("gold").self_signed()] {
        for caller in [world.caller(&untrusted).tls12(), world.caller(&untrusted).tls13()] {
            let outcome = caller.try_send(envoy.port(), &Request::get("/")).await;
            let failure = outcome.expect_err("Envoy does not know who signed this").0;
            assert!(failure.contains("UnknownCA"), "{failure}");
        }
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test]
async fn a_forged_header_is_replaced() {
    let world = World::new();
    let bronze = world.authority.client("bronze");
    let envoy = Envoy::start(world.bootstrap(&registry::of(&[("partner-b", "bronze", &bronze)])).without_guard()).await;
    let forged = Request::get("/").header("x-client-tier", "gold").header("x-client-alias", "partner-a");
    let echo = world.caller(&bronze).send(envoy.port(), &forged).await.echo();
    assert_eq!(echo.upstream, "default");
    assert_eq!(echo.headers.get("x-client-alias"), Some("partner-b"));
    assert_eq!(echo.headers.get("x-client-tier"), Some("bronze"));
}

/// Envoy answers some requests before any filter sees them, and then their headers are still the caller's own.
#[tokio::test]
async fn the_access_log_takes_nobodys_word_for_who_they_are() {
    let world = World::new();
    let bronze = world.authority.client("bronze");
    let bootstrap = world.bootstrap(&registry::of(&[("partner-b", "bronze", &bronze)]));
    let envoy = Envoy::start(bootstrap.concurrency(1)).await;
    let forged = |path| Request::get(path).header("x-client-alias", "partner-a").header("x-client-tier", "gold");
    let mut connection = world.caller(&bronze).connect(envoy.port()).await;
    assert_eq!(connection.send(&forged("/a%2fb")).await.status, 400, "an escaped slash is refused by the listener");
    let mut connection = world.caller(&bronze).connect(envoy.port()).await;
    assert_eq!(connection.send(&forged("/")).await.status, 200);
    assert_eq!(world.anonymous().send(envoy.port(), &forged("/")).await.status, 403);
    let lines = envoy.access_log(3).await;
    let named: Vec<_> =
        lines.iter().map(|line| (line["certgate.client.alias"].as_str(), line["certgate.tier"].as_str())).collect();
    assert_eq!(named, [(None, None), (Some("partner-b"), Some("bronze")), (None, None)]);
}
