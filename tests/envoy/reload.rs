//! A registry that changes while Envoy runs: what takes effect when, on connections that stay open, and what is kept.

use crate::support::client::Connection;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};

fn hourly(requests: u64) -> Value {
    json!({"limits": [{"name": "hourly", "requests": requests, "per": "1h"}]})
}

/// A registry with these clients in a tier of so many requests an hour.
fn limited(clients: &[(&str, &Identity)], requests: u64) -> Value {
    let clients: Vec<_> = clients.iter().map(|(alias, identity)| (*alias, "hourly", *identity)).collect();
    let mut registry = registry::of(&clients);
    registry["tiers"] = json!({"hourly": hourly(requests)});
    registry
}

async fn status(connection: &mut Connection) -> u16 {
    connection.get("/").await.status
}

#[tokio::test]
async fn clients_come_and_go_and_are_revoked_on_open_connections() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let only_one = registry::of(&[("one", "unlimited", &one)]);
    let both = registry::of(&[("one", "unlimited", &one), ("two", "unlimited", &two)]);
    let mut revoked = both.clone();
    revoked["clients"][0]["credentials"][0]["revoked"] = json!(true);

    let mut envoy = Envoy::start(world.ecds_bootstrap(&only_one)).await;
    let mut first = world.caller(&one).connect(envoy.port()).await;
    let mut second = world.caller(&two).http2().connect(envoy.port()).await;
    assert_eq!((status(&mut first).await, status(&mut second).await), (200, 403));
    assert_eq!(envoy.push(&both).await, Outcome::Live);
    assert_eq!((status(&mut first).await, status(&mut second).await), (200, 200));
    assert_eq!(envoy.push(&revoked).await, Outcome::Live);
    assert_eq!((status(&mut first).await, status(&mut second).await), (403, 200));
    // An old configuration that is pushed again skips the canary.
    assert_eq!(envoy.push(&both).await, Outcome::Live);
    assert_eq!((status(&mut first).await, status(&mut second).await), (200, 200));
    assert_eq!(envoy.push(&revoked).await, Outcome::Live);
    assert_eq!((status(&mut first).await, status(&mut second).await), (403, 200));
    assert_eq!(envoy.push(&only_one).await, Outcome::Live);
    assert_eq!((status(&mut first).await, status(&mut second).await), (200, 403));
    let reason = envoy.access_log(12).await.last().unwrap()["certgate.reason"].clone();
    assert_eq!(reason, "unknown_certificate");
    assert_eq!(envoy.admin.metric("certgate_config_generation", &[]).await, 6.0);
    assert_eq!(envoy.admin.metric("certgate_enforcing", &[]).await, 1.0);
}

#[tokio::test]
async fn a_broken_file_is_refused_and_the_old_one_serves_on() {
    let world = World::new();
    let one = world.authority.client("one");
    let good = registry::of(&[("one", "unlimited", &one)]);
    let mut envoy = Envoy::start(world.ecds_bootstrap(&good)).await;
    let mut connection = world.caller(&one).connect(envoy.port()).await;
    let mut dangling = good.clone();
    dangling["clients"][0]["tier"] = json!("platinum");
    dangling["clients"][0]["credentials"][0]["sha256"] = json!("6e:f8");
    let mut unknown = good.clone();
    unknown["plugins"] = json!([]);
    for broken in [dangling, unknown, json!({}), json!({"version": 2})] {
        assert_eq!(envoy.push(&broken).await, Outcome::Refused, "{broken}");
        assert_eq!(status(&mut connection).await, 200);
    }
    assert_eq!(envoy.push_text("resources: [").await, Outcome::Refused);
    assert_eq!(status(&mut connection).await, 200);
    let log = envoy.log();
    for error in ["clients[0].tier: ", "clients[0].credentials[0].sha256: ", "plugins: ", "version: "] {
        assert!(log.contains(error), "no word about {error} in\n{log}");
    }
    assert_eq!(envoy.push(&registry::of(&[])).await, Outcome::Live);
    assert_eq!(status(&mut connection).await, 403);
}

#[tokio::test]
async fn a_configuration_with_errors_does_not_start() {
    let world = World::new();
    let one = world.authority.client("one");
    let mut registry = registry::of(&[("one", "unlimited", &one)]);
    registry["clients"][0]["credentials"][0]["sha256"] = json!("-----BEGIN PRIVATE KEY-----\nMIIEsecret");
    let log = Envoy::try_start(world.bootstrap(&registry)).await.err().expect("Envoy must not start");
    assert!(log.contains("clients[0].credentials[0].sha256"), "{log}");
    assert!(!log.contains("MIIEsecret"), "a private key was printed");
}

#[tokio::test]
async fn buckets_survive_reloads() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let mut envoy = Envoy::start(world.ecds_bootstrap(&limited(&[("one", &one)], 3))).await;
    let mut connection = world.caller(&one).connect(envoy.port()).await;
    for expected in [200, 200, 200, 429] {
        assert_eq!(status(&mut connection).await, expected);
    }
    // Another client comes: nothing changes for this one.
    assert_eq!(envoy.push(&limited(&[("one", &one), ("two", &two)], 3)).await, Outcome::Live);
    assert_eq!(status(&mut connection).await, 429, "drained stays drained");
    // The limit grows: what is spent stays spent, in requests.
    assert_eq!(envoy.push(&limited(&[("one", &one)], 5)).await, Outcome::Live);
    for expected in [200, 200, 429] {
        assert_eq!(status(&mut connection).await, expected);
    }
    // It shrinks: spent is at most all of it.
    assert_eq!(envoy.push(&limited(&[("one", &one)], 2)).await, Outcome::Live);
    assert_eq!(status(&mut connection).await, 429);
    // The client goes and comes back.
    assert_eq!(envoy.push(&limited(&[("two", &two)], 2)).await, Outcome::Live);
    assert_eq!(status(&mut connection).await, 403);
    assert_eq!(envoy.push(&limited(&[("one", &one)], 2)).await, Outcome::Live);
    assert_eq!(status(&mut connection).await, 429, "it finds its bucket as it was");
    // A limit of another name is another bucket.
    let mut renamed = limited(&[("one", &one)], 2);
    renamed["tiers"]["hourly"]["limits"][0]["name"] = json!("other");
    assert_eq!(envoy.push(&renamed).await, Outcome::Live);
    assert_eq!(status(&mut connection).await, 200);
}

#[tokio::test]
async fn a_client_that_moves_to_another_tier_takes_along_what_it_spent() {
    let world = World::new();
    let one = world.authority.client("one");
    let in_tier = |tier: &str| {
        let mut registry = registry::of(&[("one", tier, &one)]);
        registry["tiers"] = json!({"small": hourly(2), "large": hourly(5)});
        registry
    };
    let mut envoy = Envoy::start(world.ecds_bootstrap(&in_tier("small"))).await;
    let mut connection = world.caller(&one).connect(envoy.port()).await;
    for (tier, expected) in [("small", [200, 200, 429, 429]), ("large", [200, 200, 200, 429])] {
        envoy.push(&in_tier(tier)).await;
        for expected in expected {
            assert_eq!(status(&mut connection).await, expected, "in the tier {tier}");
        }
    }
}

/// An open stream keeps the context of its configuration alive on its worker, and Envoy uses that context again, without
/// a word to it, when the configuration comes back.
#[tokio::test]
async fn an_old_configuration_that_comes_back_counts_by_its_own_limits() {
    let world = World::new();
    let one = world.authority.client("one");
    let (small, large) = (limited(&[("one", &one)], 3), limited(&[("one", &one)], 1000));
    let mut envoy = Envoy::start(world.ecds_bootstrap(&small).websocket().concurrency(1)).await;
    let mut open = world.caller(&one).raw(envoy.port()).await;
    let upgrade = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert_eq!(open.exchange(upgrade).await.status, 101, "the first of three");
    let mut connection = world.caller(&one).connect(envoy.port()).await;
    assert_eq!(envoy.push(&large).await, Outcome::Live);
    assert_eq!(status(&mut connection).await, 200, "the second of a thousand");
    assert_eq!(envoy.push(&small).await, Outcome::Live);
    // The worker hears of it from the main thread, which numbers the configuration at its first tick.
    until("the third configuration", async || {
        (envoy.admin.metric("certgate_config_generation", &[]).await >= 3.0).then_some(())
    })
    .await;
    assert_eq!(status(&mut connection).await, 200, "the third of three");
    assert_eq!(status(&mut connection).await, 429);
    open.write("ping").await;
    assert_eq!(open.read(4).await, b"ping", "it was open all the time");
}

#[tokio::test]
async fn a_hundred_reloads_lose_no_request() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let registries = [
        registry::of(&[("one", "unlimited", &one)]),
        registry::of(&[("two", "unlimited", &two), ("one", "gold", &one)]),
    ];
    let mut envoy = Envoy::start(world.ecds_bootstrap(&registries[0])).await;
    let port = envoy.port();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let callers: Vec<_> = [world.caller(&one), world.caller(&one).http2()]
        .into_iter()
        .flat_map(|caller| [caller.clone(), caller])
        .map(|caller| {
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let mut connection = caller.connect(port).await;
                let mut tiers = Vec::new();
                while !*stopped.borrow() {
                    let echo = connection.get("/").await;
                    // Gold is 100 a second: whoever is quicker is told so, by one configuration and as a whole.
                    assert!([200, 429].contains(&echo.status), "{echo:?}");
                    if echo.status == 200 {
                        tiers.push(echo.echo().headers.get("x-client-tier").map(str::to_owned));
                    }
                }
                tiers
            })
        })
        .collect();
    for round in 1..=100 {
        assert_eq!(envoy.push(&registries[round % 2]).await, Outcome::Live);
    }
    stop.send(true).unwrap();
    for caller in callers {
        let tiers = caller.await.expect("no request failed");
        assert!(tiers.len() > 10, "only {} requests", tiers.len());
        for tier in tiers {
            assert!(matches!(tier.as_deref(), Some("unlimited" | "gold")), "{tier:?}");
        }
    }
    assert_eq!(envoy.admin.metric("certgate_requests_total", &[("decision", "error")]).await, 0.0);
}

#[tokio::test]
async fn two_listeners_decide_each_by_its_own_configuration() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let both = [("one", &one), ("two", &two)];
    let bootstrap = world.bootstrap(&limited(&both, 3));
    // The same limit of the same client, with another size, under the same `vm_id` and `root_id`: one bucket.
    let bootstrap = bootstrap.another_listener("other", &limited(&both[..1], 4));
    let bootstrap = bootstrap.another_listener("third", &registry::of(&[("two", "unlimited", &two)]));
    let envoy = Envoy::start(bootstrap).await;
    let ports = ["https", "other", "third"].map(|name| envoy.port_of(name));
    for port in ports {
        let expected = [(&one, port != ports[2]), (&two, port != ports[1])];
        for (identity, known) in expected {
            let response = world.caller(identity).get(port, "/").await;
            assert_eq!(response.status, if known { 200 } else { 403 }, "{port} of {ports:?}");
        }
    }
    // Which of the two sizes counts is for the one that was loaded last to say; never more than both together.
    let caller = world.caller(&one);
    let mut admitted = 2;
    for port in [ports[0], ports[1]].repeat(6) {
        admitted += usize::from(caller.get(port, "/").await.status == 200);
    }
    assert!((3..=7).contains(&admitted), "{admitted} admitted");
    for port in &ports[..2] {
        assert_eq!(caller.get(*port, "/").await.status, 429, "one bucket for both");
    }
}
