//! When names in certificates count: on the connection whose chain Envoy has verified, or where the registry states that
//! the listener lets no other in. Neither another connection's certificate nor another listener's authority counts.

use crate::support::bootstrap::{Clients, WITHOUT_CERTIFICATE};
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::pki::{Authority, Leaf};
use crate::support::registry::{client, merge, registry};
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const CART: &str = "spiffe://example.org/ns/shop/sa/cart";

/// The versions of TLS.
const TLS: [fn(Caller) -> Caller; 2] = [Caller::tls12, Caller::tls13];

/// A registry with one client, known by its name.
fn by_name(chain: &str) -> Value {
    let clients = [client("cart", "unlimited", &json!({"uri_san": CART}))];
    merge(registry(&[("unlimited", json!([]))], &clients), &json!({"identity": {"chain": chain}}))
}

/// The Envoys that say whether they have verified a chain.
fn outspoken() -> impl Iterator<Item = &'static str> {
    VERSIONS.into_iter().filter(|version| !WITHOUT_CERTIFICATE.contains(version))
}

/// Why the last of so many requests was refused.
async fn last_reason(envoy: &Envoy, lines: usize) -> Value {
    envoy.access_log(lines).await[lines - 1]["certgate.reason"].clone()
}

#[tokio::test]
async fn a_certificate_verified_on_one_listener_is_not_believed_on_another() {
    let world = World::new();
    let of_one_listener = Authority::new("of one listener only");
    let cart = of_one_listener.issue(&Leaf::client("cart").uri(CART));
    let registry = by_name("verified");
    for version in outspoken() {
        let bootstrap = world.bootstrap(&registry).version(version).clients(Clients::AcceptUntrusted).concurrency(1);
        // The first one is trusted by both, the second one by `https`, which comes first after this.
        let envoy = Envoy::start(bootstrap.another_listener("other", &registry).trust(&of_one_listener)).await;
        let (trusting, other) = (envoy.port(), envoy.port_of("other"));
        for tls in TLS {
            let caller = || tls(world.caller(&cart));
            assert_eq!(caller().get(trusting, "/").await.status, 200, "{version}");
            assert_eq!(caller().get(other, "/").await.status, 403, "{version}");
            assert_eq!(caller().get(trusting, "/").await.status, 200, "{version}");
        }
        for line in envoy.access_log(6).await.iter().filter(|line| line["http.response.status_code"] == 403) {
            assert_eq!(line["certgate.reason"], "certificate_unverified", "{version}");
        }
    }
}

/// A secret that says whom a listener trusts, in a watched file.
struct Trust(TempDir);

impl Trust {
    fn new(authorities: &[&Authority]) -> Self {
        let trust = Self(TempDir::new().expect("a temporary folder"));
        trust.replace(authorities);
        trust
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("authorities.json")
    }

    fn replace(&self, authorities: &[&Authority]) {
        let pem: String = authorities.iter().map(|authority| &*authority.identity().certificate_pem).collect();
        let secret = json!({"resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": "trusted_ca",
            "validation_context": {"trusted_ca": {"inline_string": pem}},
        }]});
        let new = self.0.path().join("new");
        fs::write(&new, secret.to_string()).expect("a file");
        fs::rename(new, self.file()).expect("a file in its place");
    }
}

#[tokio::test]
async fn a_withdrawn_authority_counts_on_open_connections_and_on_no_new_one() {
    let world = World::new();
    let withdrawn = Authority::new("withdrawn");
    let cart = withdrawn.issue(&Leaf::client("cart").uri(CART));
    for version in outspoken() {
        for tls in TLS {
            let trust = Trust::new(&[&world.authority, &withdrawn]);
            let bootstrap = world.bootstrap(&by_name("verified")).version(version).clients(Clients::AcceptUntrusted);
            let bootstrap = bootstrap.authorities_in(&trust.file()).resuming().concurrency(1);
            let envoy = Envoy::start(bootstrap).await;
            let resuming = tls(world.caller(&cart));
            let mut open = resuming.connect(envoy.port()).await;
            assert_eq!(open.get("/").await.status, 200, "{version}");
            trust.replace(&[&world.authority]);
            let refused = async || (tls(world.caller(&cart)).get(envoy.port(), "/").await.status == 403).then_some(());
            until("the authority is withdrawn", refused).await;
            let mut again = resuming.connect(envoy.port()).await;
            assert!(!again.is_resumed(), "{version}: the session was of another trust");
            assert_eq!(again.get("/").await.status, 403, "{version}");
            assert_eq!(open.get("/").await.status, 200, "{version}: its chain was verified");
        }
    }
}

/// Where a listener lets in nobody whose chain it has not verified, sessions of a withdrawn authority are not resumed.
#[tokio::test]
async fn a_listener_that_lets_no_other_in_ends_the_sessions_of_a_withdrawn_authority() {
    let world = World::new();
    let withdrawn = Authority::new("withdrawn");
    let cart = withdrawn.issue(&Leaf::client("cart").uri(CART));
    for version in VERSIONS {
        for tls in TLS {
            let trust = Trust::new(&[&world.authority, &withdrawn]);
            let bootstrap = world.bootstrap(&by_name("listener")).version_that_shows_certificates(version);
            let envoy = Envoy::start(bootstrap.authorities_in(&trust.file()).resuming().concurrency(1)).await;
            let resuming = tls(world.caller(&cart));
            assert_eq!(resuming.get(envoy.port(), "/").await.status, 200, "{version}");
            trust.replace(&[&world.authority]);
            let refused = async || tls(world.caller(&cart)).try_send(envoy.port(), &Request::get("/")).await.err();
            until("the authority is withdrawn", refused).await;
            assert!(resuming.try_send(envoy.port(), &Request::get("/")).await.is_err(), "{version}");
        }
    }
}

/// Envoy does not report of a resumed session that its chain is verified. As shipped, Envoy resumes no session.
#[tokio::test]
async fn names_count_in_resumed_sessions_where_the_listener_is_stated_to_verify() {
    let world = World::new();
    let cart = world.authority.issue(&Leaf::client("cart").uri(CART));
    let mut cases = Vec::from(VERSIONS.map(|version| (version, "listener", true, 200)));
    cases.extend(outspoken().flat_map(|version| [(version, "verified", true, 403), (version, "verified", false, 200)]));
    for (version, chain, resumes, status) in cases {
        for tls in TLS {
            let how = format!("{version}, {chain}, resumes: {resumes}");
            let bootstrap = world.bootstrap(&by_name(chain)).version_that_shows_certificates(version).concurrency(1);
            let envoy = Envoy::start(if resumes { bootstrap.resuming() } else { bootstrap }).await;
            let caller = tls(world.caller(&cart));
            let mut first = caller.connect(envoy.port()).await;
            first.get("/").await.echo();
            let mut second = caller.connect(envoy.port()).await;
            assert_eq!((first.is_resumed(), second.is_resumed()), (false, resumes), "{how}");
            assert_eq!(second.get("/").await.status, status, "{how}");
            if status == 403 {
                assert_eq!(last_reason(&envoy, 2).await, "certificate_unverified", "{how}");
            }
            assert_eq!(first.get("/").await.status, 200, "{how}");
        }
    }
}
