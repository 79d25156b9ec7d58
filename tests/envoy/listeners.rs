//! Listeners of every kind, and what a certificate is worth on each; and the guard, where certgate is not called.

use crate::support::bootstrap::Clients;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::pki::Leaf;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use serde_json::json;

async fn last_reason(envoy: &Envoy, lines: usize) -> serde_json::Value {
    envoy.access_log(lines).await[lines - 1]["certgate.reason"].clone()
}

#[tokio::test]
async fn no_certificate_is_no_certificate_however_it_is_absent() {
    let world = World::new();
    let one = world.authority.client("one");
    let registry = registry::of(&[("one", "unlimited", &one)]);
    // A listener that requires certificates but not signed by whom asks for none at all.
    for clients in [Clients::Optional, Clients::RequiredByNobody, Clients::PlainText, Clients::AcceptUntrusted] {
        let envoy = Envoy::start(world.bootstrap(&registry).clients(clients).without_guard()).await;
        let caller = match clients {
            Clients::PlainText => crate::support::client::Caller::plain(),
            Clients::RequiredByNobody => world.caller(&one),
            _ => world.anonymous(),
        };
        assert_eq!(caller.get(envoy.port(), "/").await.status, 403, "{clients:?}");
        assert_eq!(last_reason(&envoy, 1).await, "no_certificate", "{clients:?}");
    }
    assert_eq!(world.forwarded(), 0);
}

#[tokio::test]
async fn an_untrusted_certificate_is_as_good_as_its_fingerprint_where_a_listener_accepts_it() {
    let world = World::new();
    let [known, unknown] = ["known", "unknown"].map(|name| Leaf::client(name).self_signed());
    let registry = registry::of(&[("known", "unlimited", &known)]);
    let envoy = Envoy::start(world.bootstrap(&registry).clients(Clients::AcceptUntrusted).concurrency(1)).await;
    assert_eq!(world.caller(&unknown).get(envoy.port(), "/").await.status, 403);
    assert_eq!(last_reason(&envoy, 1).await, "unknown_certificate");
    assert_eq!(world.caller(&known).get(envoy.port(), "/").await.status, 200);
}

#[tokio::test]
async fn a_required_certificate_is_required() {
    let world = World::new();
    let one = world.authority.client("one");
    let registry = registry::of(&[("one", "unlimited", &one)]);
    let envoy = Envoy::start(world.bootstrap(&registry).clients(Clients::Required)).await;
    assert_eq!(world.caller(&one).get(envoy.port(), "/").await.status, 200);
    assert!(world.anonymous().try_send(envoy.port(), &Request::get("/")).await.is_err());
}

#[tokio::test]
async fn a_client_that_was_revoked_meanwhile_is_refused_on_a_resumed_session() {
    let world = World::new();
    let one = world.authority.client("one");
    let good = registry::of(&[("one", "unlimited", &one)]);
    let mut revoked = good.clone();
    revoked["clients"][0]["credentials"][0]["revoked"] = json!(true);
    let mut envoy = Envoy::start(world.ecds_bootstrap(&good).resuming()).await;
    for caller in [world.caller(&one).tls12(), world.caller(&one).tls13()] {
        assert_ne!(envoy.push(&good).await, Outcome::Refused);
        caller.connect(envoy.port()).await.get("/").await.echo();
        assert_eq!(envoy.push(&revoked).await, Outcome::Live);
        let mut resumed = caller.connect(envoy.port()).await;
        assert!(resumed.is_resumed());
        assert_eq!(resumed.get("/").await.status, 403);
    }
}

#[tokio::test]
async fn the_guard_stands_where_certgate_is_not_called() {
    let world = World::new();
    let one = world.authority.client("one");
    let registry = registry::of(&[("one", "unlimited", &one)]);
    let disabled = |manager: &mut serde_json::Value| {
        for route in manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().expect("routes") {
            route["typed_per_filter_config"]["certgate"] = json!({
                "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
                "disabled": true,
            });
        }
    };
    let forged = Request::get("/").header("x-client-alias", "one").header("x-client-tier", "gold");
    for bootstrap in [world.bootstrap(&registry).edit(disabled), world.bootstrap(&registry).without_certgate()] {
        let envoy = Envoy::start(bootstrap).await;
        for caller in [world.anonymous(), world.caller(&one)] {
            assert_eq!(caller.send(envoy.port(), &forged).await.status, 403);
        }
    }
    assert_eq!(world.forwarded(), 0);
}
