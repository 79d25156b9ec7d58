//! A certificate's dates, held against the calendar on every request and not only at the handshake.

use crate::support::bootstrap::{Bootstrap, Clients, WITHOUT_CERTIFICATE};
use crate::support::client::Connection;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::mutant::Mutant;
use crate::support::pki::{Identity, Leaf};
use crate::support::registry;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

/// An open connection with a certificate that is about to expire.
struct Expiring {
    connection: Connection,
    envoy: Envoy,
    expires: SystemTime,
    _world: World,
}

impl Expiring {
    /// Opens one, of which the first request is answered in time. On a machine that is slow, with a longer life.
    async fn open(prepare: impl Fn(Bootstrap) -> Bootstrap, registry_of: impl Fn(&Identity) -> Value) -> Self {
        for seconds in [3, 6, 12] {
            let world = World::new();
            let other = world.authority.client("other");
            let bootstrap = world.ecds_bootstrap(&registry::of(&[("partner-b", "gold", &other)]));
            let mut envoy = Envoy::start(prepare(bootstrap)).await;
            let expires = SystemTime::now() + Duration::from_secs(seconds);
            let brief = Leaf::client("brief").valid(-3600..=i64::try_from(seconds).unwrap());
            let brief = world.authority.issue(&brief);
            assert_eq!(envoy.push(&registry_of(&brief)).await, Outcome::Live);
            if let Ok(mut connection) = world.caller(&brief).try_connect(envoy.port()).await
                && let Ok(response) = connection.try_send(&Request::get("/")).await
                && response.status == 200
            {
                return Self { connection, envoy, expires, _world: world };
            }
        }
        panic!("no request with the certificate was answered before it expired");
    }

    /// Calls until the answer is a refusal, which is not before the certificate has expired.
    async fn until_refused(&mut self) {
        let connection = &mut self.connection;
        until("a refusal", async || (connection.get("/").await.status == 403).then_some(())).await;
        // Certificates know whole seconds.
        assert!(SystemTime::now() >= self.expires - Duration::from_secs(1));
        let refusal = until("the refusal in the access log", async || {
            let lines = self.envoy.access_log(1).await;
            lines.into_iter().find(|line| line["http.response.status_code"] == 403)
        });
        let refusal = refusal.await;
        assert_eq!(
            (&refusal["certgate.reason"], &refusal["certgate.client.alias"]),
            (&json!("certificate_expired"), &json!("partner-a"))
        );
    }
}

fn by_fingerprint(identity: &Identity) -> Value {
    registry::of(&[("partner-a", "unlimited", identity)])
}

fn by_pem(identity: &Identity) -> Value {
    let mut registry = by_fingerprint(identity);
    registry["clients"][0]["credentials"] = json!([{"pem": identity.certificate_pem}]);
    registry
}

#[tokio::test]
async fn an_expiry_reaches_open_connections() {
    for version in VERSIONS {
        Expiring::open(|bootstrap| bootstrap.version_that_shows_certificates(version), by_fingerprint)
            .await
            .until_refused()
            .await;
    }
}

/// Where Envoy shows no certificate, its dates can come from the registry.
#[tokio::test]
async fn the_registry_knows_the_dates_of_a_certificate_that_it_holds() {
    for version in WITHOUT_CERTIFICATE {
        Expiring::open(|bootstrap| bootstrap.version(version), by_pem).await.until_refused().await;
    }
}

/// Where nobody knows the dates, a counter says so.
#[tokio::test]
async fn dates_that_nobody_knows_are_counted() {
    for version in WITHOUT_CERTIFICATE {
        let mut expiring = Expiring::open(|bootstrap| bootstrap.version(version), by_fingerprint).await;
        let unchecked = async |envoy: &Envoy| envoy.admin.metric("certgate_dates_unchecked_total", &[]).await;
        assert_eq!(unchecked(&expiring.envoy).await, 1.0, "{version}");
        let later = expiring.expires + Duration::from_secs(1);
        until("the expiry", async || (SystemTime::now() > later).then_some(())).await;
        expiring.connection.get("/").await.echo();
        assert_eq!(unchecked(&expiring.envoy).await, 2.0, "{version}");
    }
}

/// On a listener that accepts whatever it is shown, Envoy does not look at the dates; certgate does.
#[tokio::test]
async fn a_certificate_before_or_after_its_time_is_refused() {
    let table: [(&str, RangeInclusive<i64>); 2] =
        [("certificate_not_yet_valid", 3600..=7200), ("certificate_expired", -7200..=-3600)];
    for version in VERSIONS {
        for (reason, valid) in &table {
            let world = World::new();
            let identity = world.authority.issue(&Leaf::client("untimely").valid(valid.clone()));
            let bootstrap = world.bootstrap(&by_fingerprint(&identity)).clients(Clients::AcceptUntrusted);
            let envoy = Envoy::start(bootstrap.version_that_shows_certificates(version)).await;
            for caller in [world.caller(&identity).tls12(), world.caller(&identity).tls13()] {
                assert_eq!(caller.get(envoy.port(), "/").await.status, 403, "{version}, {reason}");
            }
            for line in envoy.access_log(2).await {
                assert_eq!(line["certgate.reason"], *reason, "{version}");
            }
            assert_eq!(world.forwarded(), 0, "{version}, {reason}");
        }
    }
}

/// It is the calendar of this moment that counts, wherever it stands.
#[tokio::test]
async fn a_calendar_that_is_wrong_is_believed() {
    const DAY: i64 = 86_400;
    for (days, reason) in [(-2, "certificate_not_yet_valid"), (2, "certificate_expired")] {
        let world = World::new();
        let client = world.authority.client("client");
        let mutant = Mutant::new().wall_clock_ahead(days * DAY).write();
        let envoy = Envoy::start(world.bootstrap(&by_fingerprint(&client)).module(&mutant)).await;
        assert_eq!(world.caller(&client).get(envoy.port(), "/").await.status, 403, "{days} days");
        assert_eq!(envoy.access_log(1).await[0]["certgate.reason"], reason);
        assert_eq!(world.forwarded(), 0);
    }
}
