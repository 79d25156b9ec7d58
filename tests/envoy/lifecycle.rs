//! Credentials and certificates that begin or cease to count while their connections stay open: by the clock, by the
//! registry, by a revocation list.

use crate::support::bootstrap::WITHOUT_CERTIFICATE;
use crate::support::client::Connection;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::{PINNED, VERSIONS};
use crate::support::pki::{Authority, Identity, Leaf};
use crate::support::registry;
use crate::support::wait::until;
use crate::support::world::World;
use certgate_core::calendar::rfc3339;
use certgate_core::domain::time::UnixSeconds;
use serde_json::{Value, json};
use std::slice;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A registry of this client, with this in its only credential.
fn with(identity: &Identity, field: &str, value: Value) -> Value {
    let mut registry = registry::of(&[("partner", "unlimited", identity)]);
    registry["clients"][0]["credentials"][0][field] = value;
    registry
}

/// The same registry with these revocation lists.
fn listing(registry: &Value, crls: &[String]) -> Value {
    let mut registry = registry.clone();
    registry["crls"] = crls.iter().map(|pem| json!({"pem": pem})).collect();
    registry
}

/// A moment so many seconds from now.
fn ahead(seconds: i64) -> String {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    rfc3339(UnixSeconds(now + seconds)).to_string()
}

async fn status(connection: &mut Connection) -> u16 {
    connection.get("/").await.status
}

/// What happens to an open connection under one registry when a moment comes: its answers before and after.
struct Turn {
    before: u16,
    after: u16,
    reason: &'static str,
}

impl Turn {
    /// Waits for it on this Envoy, with the registry of a client and a moment so many seconds ahead. On a machine that is
    /// slow, with more of them.
    async fn happens(&self, version: &str, registry: impl Fn(&World, &Identity, i64) -> Value) {
        for seconds in [3, 6, 12] {
            let world = World::new();
            let partner = world.authority.client("partner");
            let registry = registry(&world, &partner, seconds);
            let moment = SystemTime::now() + Duration::from_secs(seconds.try_into().unwrap());
            let envoy = Envoy::start(world.bootstrap(&registry).version_that_shows_certificates(version)).await;
            let mut connection = world.caller(&partner).http2().connect(envoy.port()).await;
            if status(&mut connection).await != self.before {
                continue;
            }
            until("the moment", async || (status(&mut connection).await == self.after).then_some(())).await;
            // The calendar has whole seconds.
            assert!(SystemTime::now() >= moment - Duration::from_secs(1), "{version}: too early");
            let log = until("the refusal in the access log", async || {
                envoy.access_log(1).await.into_iter().find(|line| line["http.response.status_code"] == 403)
            });
            let log = log.await;
            assert_eq!(
                (&log["certgate.reason"], &log["certgate.client.alias"]),
                (&json!(self.reason), &json!("partner")),
                "{version}"
            );
            return;
        }
        panic!("{version}: no request was answered before the moment");
    }
}

#[tokio::test]
async fn a_credential_ends_on_open_connections() {
    let turn = Turn { before: 200, after: 403, reason: "certificate_expired" };
    turn.happens(PINNED, |_, partner, seconds| with(partner, "not_after", json!(ahead(seconds)))).await;
}

#[tokio::test]
async fn a_credential_begins_on_open_connections() {
    let turn = Turn { before: 403, after: 200, reason: "certificate_not_yet_valid" };
    turn.happens(PINNED, |_, partner, seconds| with(partner, "not_before", json!(ahead(seconds)))).await;
}

/// A list of which the next one is due at that moment.
fn due(world: &World, partner: &Identity, seconds: i64, strict: bool) -> Value {
    let mut registry = registry::of(&[("partner", "unlimited", partner)]);
    registry["crls"] = json!([{"pem": world.authority.crl(&[], seconds), "strict": strict}]);
    registry
}

#[tokio::test]
async fn a_strict_list_that_is_overdue_refuses_whom_it_could_have_revoked() {
    let turn = Turn { before: 200, after: 403, reason: "certificate_unverified" };
    for version in VERSIONS {
        turn.happens(version, |world, partner, seconds| due(world, partner, seconds, true)).await;
    }
}

#[tokio::test]
async fn any_other_list_that_is_overdue_counts_on() {
    let world = World::new();
    let [one, two] = ["one", "two"].map(|name| world.authority.client(name));
    let mut registry = registry::of(&[("one", "unlimited", &one), ("two", "unlimited", &two)]);
    registry["crls"] = json!([{"pem": world.authority.crl(&[&two], 1)}]);
    let due = SystemTime::now() + Duration::from_secs(1);
    let envoy = Envoy::start(world.bootstrap(&registry)).await;
    let (mut first, mut second) =
        (world.caller(&one).connect(envoy.port()).await, world.caller(&two).connect(envoy.port()).await);
    let overdue = due + Duration::from_secs(2);
    until("the list to be overdue", async || (SystemTime::now() > overdue).then_some(())).await;
    assert_eq!((status(&mut first).await, status(&mut second).await), (200, 403));
}

#[tokio::test]
async fn a_list_revokes_on_open_connections() {
    for version in VERSIONS {
        let world = World::new();
        let another = Authority::new("another authority");
        let one = world.authority.client("one");
        let kept = world.authority.client("kept");
        // Serial numbers come from keys.
        let same_number = another.renew(&one, &Leaf::client("of another issuer"));
        assert_eq!(one.serial(), same_number.serial());
        let clients = [("one", "unlimited", &one), ("kept", "unlimited", &kept), ("same", "unlimited", &same_number)];
        let registry = registry::of(&clients);
        let bootstrap = world.ecds_bootstrap(&registry).trust(&another).version_that_shows_certificates(version);
        let mut envoy = Envoy::start(bootstrap).await;
        let mut connections = Vec::new();
        for (_, _, identity) in clients {
            connections.push(world.caller(identity).connect(envoy.port()).await);
        }
        let revoking = world.authority.crl(&[&one], 3600);
        let steps: [(&[String], [u16; 3]); 6] = [
            (&[], [200, 200, 200]),
            (slice::from_ref(&revoking), [403, 200, 200]),
            (&[world.authority.crl(&[], 3600)], [200, 200, 200]),
            (&[another.crl(&[&same_number], 3600)], [200, 200, 403]),
            (&[another.crl(&[&same_number], 3600), revoking.clone()], [403, 200, 403]),
            // The authority's name in another's list: nothing is known by it.
            (&[Authority::new("a third authority").crl(&[&one, &kept], 3600)], [200, 200, 200]),
        ];
        let mut refusals = 0;
        for (crls, expected) in &steps {
            assert_ne!(envoy.push(&listing(&registry, crls)).await, Outcome::Refused, "{version}");
            for (connection, expected) in connections.iter_mut().zip(expected) {
                assert_eq!(status(connection).await, *expected, "{version}");
                refusals += usize::from(*expected == 403);
            }
        }
        let log = envoy.access_log(3 * steps.len()).await;
        let revoked = log.iter().filter(|line| line["certgate.reason"] == "certificate_revoked");
        assert_eq!(revoked.count(), refusals, "{version}");
    }
}

/// What cannot be looked up in a list may be in it.
#[tokio::test]
async fn where_a_list_counts_a_certificate_that_is_not_shown_is_refused() {
    let world = World::new();
    let one = world.authority.client("one");
    let registry = registry::of(&[("one", "unlimited", &one)]);
    let listing = listing(&registry, &[world.authority.crl(&[], 3600)]);
    for version in WITHOUT_CERTIFICATE {
        let mut envoy = Envoy::start(world.ecds_bootstrap(&registry).version(version)).await;
        let mut connection = world.caller(&one).connect(envoy.port()).await;
        assert_eq!(status(&mut connection).await, 200, "{version}");
        assert_eq!(envoy.push(&listing).await, Outcome::Live);
        assert_eq!(status(&mut connection).await, 403, "{version}");
        assert_eq!(envoy.access_log(2).await[1]["certgate.reason"], "certificate_unreadable", "{version}");
    }
}

#[tokio::test]
async fn a_name_is_revoked_on_open_connections() {
    let world = World::new();
    let leaf = Leaf::client("cart").uri("spiffe://example.org/ns/shop/sa/cart");
    let [old, new] = [(); 2].map(|()| world.authority.issue(&leaf));
    let with = |credentials: Value| {
        let mut registry = registry::of(&[("cart", "unlimited", &old)]);
        registry["identity"] = json!({"chain": "listener"});
        registry["clients"][0]["credentials"] = credentials;
        registry
    };
    let by_name = json!({"uri_san": "spiffe://example.org/ns/shop/sa/cart"});
    let mut revoked_name = by_name.clone();
    revoked_name["revoked"] = json!(true);
    let steps = [
        (json!([by_name]), [200, 200]),
        (json!([revoked_name]), [403, 403]),
        // One certificate of a name, and all of a name but one certificate.
        (json!([by_name, {"sha256": old.fingerprint(), "revoked": true}]), [403, 200]),
        (json!([revoked_name, {"sha256": old.fingerprint()}]), [200, 403]),
        (json!([by_name, {"spki_sha256": new.spki_sha256(), "revoked": true}]), [200, 403]),
        (json!([by_name]), [200, 200]),
    ];
    for version in VERSIONS {
        let bootstrap = world.ecds_bootstrap(&with(steps[0].0.clone())).version_that_shows_certificates(version);
        let mut envoy = Envoy::start(bootstrap).await;
        let mut connections =
            [world.caller(&old).connect(envoy.port()).await, world.caller(&new).http2().connect(envoy.port()).await];
        for (credentials, expected) in &steps {
            assert_ne!(envoy.push(&with(credentials.clone())).await, Outcome::Refused, "{version}");
            for (connection, expected) in connections.iter_mut().zip(expected) {
                assert_eq!(status(connection).await, *expected, "{version}, {credentials}");
            }
        }
        let log = envoy.access_log(2 * steps.len()).await;
        let mut refusals = log.iter().filter(|line| line["http.response.status_code"] == 403);
        assert!(refusals.all(|line| line["certgate.reason"] == "certificate_revoked"), "{version}");
    }
}
