//! What fails, fails closed: broken variants of the module in the shipped configuration, and nothing gets past them that
//! must not.

mod host_calls;
mod traps;

use crate::support::client::Caller;
use crate::support::ecds::Outcome;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::pki::Identity;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The policy as shipped, and Envoy's own default.
const POLICIES: [&str; 2] = ["FAIL_RELOAD", "FAIL_CLOSED"];

const DIGEST: &str = "connection\0sha256_peer_certificate_digest";

/// More bytes than the registry of a test has, and fewer than a padded one.
const LONG: u32 = 16_384;

/// The registered client and two who are not, each of whom says that it is.
struct Cast {
    world: World,
    client: Identity,
    stranger: Identity,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let (client, stranger) = (world.authority.client("client"), world.authority.client("stranger"));
        Self { world, client, stranger }
    }

    fn registry(&self) -> Value {
        registry::of(&[("partner-a", "unlimited", &self.client)])
    }

    /// The same registry, in more than [`LONG`] bytes.
    fn padded_registry(&self) -> Value {
        let mut registry = self.registry();
        registry["clients"][0]["description"] = json!("-".repeat(LONG.try_into().unwrap()));
        registry
    }

    fn callers(&self) -> [(&'static str, Caller); 3] {
        [
            ("client", self.world.caller(&self.client)),
            ("stranger", self.world.caller(&self.stranger)),
            ("nobody", self.world.anonymous()),
        ]
    }

    /// Who got as far as an upstream, as they marked their requests. Panics if one of them went there under a name that
    /// is not its own.
    fn arrived(&self) -> BTreeSet<String> {
        let received = self.world.default.received().into_iter().chain(self.world.gold.received());
        received
            .map(|echo| {
                assert_eq!(echo.headers.get("x-client-alias"), Some("partner-a"), "{echo:?}");
                assert_eq!(echo.headers.get("x-client-tier"), Some("unlimited"), "{echo:?}");
                echo.path
            })
            .collect()
    }
}

/// A request that says who sent it and when.
fn honest(who: &str, phase: &str) -> Request {
    Request::get(&format!("/{who}/{phase}"))
}

/// The same, which claims to be somebody else's.
fn forged(who: &str, phase: &str) -> Request {
    honest(who, phase).header("x-client-alias", "partner-b").header("x-client-tier", "gold")
}

#[tokio::test]
async fn envoy_does_not_start_with_a_configuration_that_is_refused() {
    let cast = Cast::new();
    let mut registry = cast.registry();
    registry["clients"][0]["tier"] = json!("platinum");
    for version in VERSIONS {
        let outcome = Envoy::try_start(cast.world.bootstrap(&registry).version(version)).await;
        let log = outcome.err().expect("an error in the registry");
        assert!(log.contains("clients[0].tier"), "{version}: the log says what is wrong:\n{log}");
    }
}

/// With the registry in a watched file, Envoy starts and answers 500 until there is one that can be used.
#[tokio::test]
async fn a_watched_file_that_is_refused_at_start_can_be_mended() {
    for version in VERSIONS {
        let cast = Cast::new();
        let mut registry = cast.registry();
        registry["clients"][0]["tier"] = json!("platinum");
        let mut envoy = Envoy::start(cast.world.ecds_bootstrap(&registry).version(version)).await;
        for (who, caller) in cast.callers() {
            assert_eq!(caller.send(envoy.port(), &forged(who, "start")).await.status, 500, "{version}");
        }
        assert_eq!(cast.arrived(), [].into(), "{version}");
        assert_eq!(envoy.push(&cast.registry()).await, Outcome::Live, "{version}");
        for ((who, caller), status) in cast.callers().into_iter().zip([200, 403, 403]) {
            assert_eq!(caller.send(envoy.port(), &forged(who, "mended")).await.status, status, "{version}, {who}");
        }
        assert_eq!(cast.arrived(), ["/client/mended".to_owned()].into(), "{version}");
    }
}
