//! Callers behind another proxy: whose word counts about whose certificate, and whose does not.

use crate::support::bootstrap::{Bootstrap, Clients, WITHOUT_CERTIFICATE};
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::pki::{Authority, Identity, Leaf};
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use data_encoding::BASE64;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::slice;

const XFCC: &str = "x-forwarded-client-cert";

/// The relay's name, where it is known by one.
const GATEWAY: &str = "spiffe://example.org/ns/edge/sa/gateway";

/// The name of a client that is known by one.
const CART: &str = "spiffe://example.org/ns/shop/sa/cart";

/// Everybody at both ends of a relay.
struct Cast {
    world: World,
    relay: Identity,
    gold: Identity,
    bronze: Identity,
    cart: Identity,
    stranger: Identity,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let [gold, bronze, stranger] = ["gold", "bronze", "stranger"].map(|name| world.authority.client(name));
        let relay = world.authority.issue(&Leaf::client("relay").uri(GATEWAY));
        let cart = world.authority.issue(&Leaf::client("cart").uri(CART));
        Self { world, relay, gold, bronze, cart, stranger }
    }

    /// A registry of all clients, with the relay known by this.
    fn registry(&self, relay: &Value) -> Value {
        let mut registry = registry::of(&[
            ("gold", "gold", &self.gold),
            ("bronze", "unlimited", &self.bronze),
            ("cart", "unlimited", &self.cart),
        ]);
        registry["clients"][2]["credentials"] = json!([{"uri_san": CART}]);
        registry["identity"] = json!({"source": "xfcc", "trusted_relays": [relay]});
        registry
    }

    fn by_fingerprint(&self) -> Value {
        self.registry(&json!({"sha256": self.relay.fingerprint()}))
    }

    /// An Envoy behind relays, with this registry.
    fn inner(&self, registry: &Value) -> Bootstrap {
        let bootstrap = self.world.bootstrap(registry).without_guard().concurrency(1);
        bootstrap.edit(|manager| manager["forward_client_cert_details"] = json!("FORWARD_ONLY"))
    }

    /// An Envoy in front of that one, which is at this port: it calls it as the relay and says this of its clients.
    fn edge(&self, port: u16, details: &Value) -> Bootstrap {
        let transport = json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": "localhost",
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": {"inline_string": self.relay.certificate_pem},
                        "private_key": {"inline_string": self.relay.key_pem},
                    }],
                    "validation_context": {
                        "trusted_ca": {"inline_string": self.world.authority.identity().certificate_pem},
                    },
                },
            },
        });
        let bootstrap = self.world.bootstrap(&registry::of(&[])).without_guard().without_certgate();
        let bootstrap = bootstrap.edit(|manager| {
            manager["forward_client_cert_details"] = json!("SANITIZE_SET");
            manager["set_current_client_cert_details"] = details.clone();
        });
        bootstrap.edit_document(|document| {
            let clusters = document["static_resources"]["clusters"].as_array_mut().expect("clusters");
            let cluster =
                clusters.iter_mut().find(|cluster| cluster["name"] == "default").expect("the default cluster");
            let endpoint = &mut cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
            endpoint["address"]["socket_address"]["port_value"] = json!(port);
            cluster["transport_socket"] = transport;
        })
    }
}

/// A request with these lines of the header.
fn request(lines: &[String]) -> Request {
    lines.iter().fold(Request::get("/"), |request, line| request.header(XFCC, line))
}

fn hash(identity: &Identity) -> String {
    format!("Hash={}", identity.fingerprint())
}

/// The pair in which Envoy passes a whole certificate on.
fn cert(identity: &Identity) -> String {
    format!("Cert=\"{}\"", utf8_percent_encode(&identity.certificate_pem, NON_ALPHANUMERIC))
}

/// Both of them.
fn whole(identity: &Identity) -> String {
    [hash(identity), cert(identity)].join(";")
}

/// An Envoy behind relays, which counts what reaches it.
struct Inner<'c> {
    cast: &'c Cast,
    envoy: Envoy,
    requests: usize,
}

impl<'c> Inner<'c> {
    async fn start(cast: &'c Cast, bootstrap: Bootstrap) -> Self {
        Self { cast, envoy: Envoy::start(bootstrap).await, requests: 0 }
    }

    /// Who has sent this request, as the upstream is told, or why nobody has.
    async fn outcome(&mut self, caller: &Caller, request: &Request) -> Result<String, String> {
        self.outcome_through(self.envoy.port(), caller, request).await
    }

    /// The same through the proxy at this port.
    async fn outcome_through(&mut self, port: u16, caller: &Caller, request: &Request) -> Result<String, String> {
        let forwarded = self.cast.world.forwarded();
        let response = caller.send(port, request).await;
        self.requests += 1;
        if response.status == 200 {
            return Ok(response.echo().headers.get("x-client-alias").expect("an alias").to_owned());
        }
        assert_eq!((response.status, self.cast.world.forwarded()), (403, forwarded), "{response:?}");
        let log = self.envoy.access_log(self.requests).await;
        Err(log[self.requests - 1]["certgate.reason"].as_str().expect("a reason").to_owned())
    }
}

/// Whether it is this outcome.
fn assert_is(outcome: &Result<String, String>, expected: Result<&str, &str>, how: &str) {
    assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{how}");
}

#[tokio::test]
async fn a_relay_is_believed_about_its_client_and_nobody_else_is() {
    let cast = Cast::new();
    let Cast { world, relay, gold, bronze, cart, stranger } = &cast;
    let own = hash(gold);
    let relays: [(&[&str], Result<&str, &str>); 15] = [
        (&[&own], Ok("gold")),
        (&[&format!("By=spiffe://a/b;{own};Subject=\"CN=\\\"x\\\",Hash=0\";URI=spiffe://a/c")], Ok("gold")),
        (&[&whole(gold)], Ok("gold")),
        (&[&own.to_uppercase()], Ok("gold")),
        // The last one is the last proxy's.
        (&[&format!("{},{own}", hash(bronze))], Ok("gold")),
        (&[&format!("{own},{}", hash(bronze))], Ok("bronze")),
        (&[&own, &hash(bronze)], Ok("bronze")),
        (&[], Err("no_certificate")),
        (&[&hash(stranger)], Err("unknown_certificate")),
        (&[&format!("{own},{}", hash(stranger))], Err("unknown_certificate")),
        (&[&hash(relay)], Err("certificate_unreadable")),
        (&[&format!("{own};{}", hash(bronze))], Err("certificate_unreadable")),
        (&[&format!("{own},By=spiffe://a/b")], Err("certificate_unreadable")),
        (&[&format!("{own};Subject=\"open")], Err("certificate_unreadable")),
        (&["Hash=00"], Err("certificate_unreadable")),
    ];
    let others = [
        (world.caller(bronze), Ok("bronze")),
        (world.caller(gold), Ok("gold")),
        (world.caller(stranger), Err("unknown_certificate")),
        (world.anonymous(), Err("no_certificate")),
    ];
    let mut inner = Inner::start(&cast, cast.inner(&cast.by_fingerprint())).await;
    for (lines, expected) in relays {
        let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        for caller in [world.caller(relay), world.caller(relay).http2()] {
            let outcome = inner.outcome(&caller, &request(&lines)).await;
            assert_is(&outcome, expected, &lines.join(" | "));
        }
    }
    for (caller, expected) in others {
        for forged in [hash(gold), hash(bronze), whole(cart), hash(relay), "=\"".to_owned(), String::new()] {
            for caller in [caller.clone(), caller.clone().http2()] {
                let outcome = inner.outcome(&caller, &request(slice::from_ref(&forged))).await;
                assert_is(&outcome, expected, &forged);
                if outcome.is_ok() {
                    let upstream = if expected == Ok("gold") { &world.gold } else { &world.default };
                    assert_eq!(upstream.received().last().unwrap().headers.get(XFCC), None, "{forged}");
                }
            }
        }
    }
}

#[tokio::test]
async fn in_shadow_mode_too_what_is_forged_stays_here() {
    let cast = Cast::new();
    let mut registry = cast.by_fingerprint();
    registry["mode"] = json!("shadow");
    let envoy = Envoy::start(cast.inner(&registry)).await;
    for caller in [&cast.stranger, &cast.bronze].map(|identity| cast.world.caller(identity)) {
        let upstream = caller.send(envoy.port(), &request(&[hash(&cast.gold)])).await.echo().headers;
        assert_eq!(upstream.get(XFCC), None);
        assert_ne!(upstream.get("x-client-alias"), Some("gold"));
    }
}

#[tokio::test]
async fn names_and_dates_come_from_the_certificate_that_a_relay_forwards() {
    let cast = Cast::new();
    let Cast { world, relay, gold, cart, stranger, .. } = &cast;
    let issue = |leaf: Leaf| world.authority.issue(&leaf);
    let expired = issue(Leaf::client("cart").uri(CART).valid(-7200..=-3600));
    let revoked = issue(Leaf::client("cart").uri(CART));
    // A relay is believed about who signed it, too.
    let elsewhere = Authority::new("the edge's own").issue(&Leaf::client("cart").uri(CART));
    let two_uris = issue(Leaf::client("cart").uri("spiffe://example.org/a").uri(CART));
    let mut registry = cast.by_fingerprint();
    registry["headers"] = json!({"spiffe_id": "x-client-spiffe-id", "client_cert": "client-cert"});
    registry["crls"] = json!([{"pem": world.authority.crl(&[&revoked], 3600)}]);
    let table: [(String, Result<&Identity, &str>); 11] = [
        // First, since a certificate that was shown once is remembered.
        (hash(cart), Err("unknown_certificate")),
        (whole(cart), Ok(cart)),
        ([cert(cart), hash(cart)].join(";"), Ok(cart)),
        (whole(cart).replace("%2D", "-").replace("%0A", "%0a"), Ok(cart)),
        (whole(&elsewhere), Ok(&elsewhere)),
        (whole(&two_uris), Err("unknown_certificate")),
        (whole(&expired), Err("certificate_expired")),
        (whole(&revoked), Err("certificate_revoked")),
        ([hash(stranger), cert(cart)].join(";"), Err("certificate_unreadable")),
        ([hash(cart), cert(cart).replace("%0A", "")].join(";"), Err("certificate_unreadable")),
        // What is not shown cannot be looked up in a list.
        (hash(gold), Err("certificate_unreadable")),
    ];
    let mut inner = Inner::start(&cast, cast.inner(&registry)).await;
    for (element, expected) in table {
        let request = request(slice::from_ref(&element)).header("client-cert", ":AAAA:");
        let outcome = inner.outcome(&world.caller(relay), &request).await;
        assert_is(&outcome, expected.map(|_| "cart"), &element);
        if let Ok(identity) = expected {
            let upstream = &world.default.received().pop().unwrap().headers;
            assert_eq!(upstream.get("x-client-fingerprint"), Some(&*identity.fingerprint()));
            assert_eq!(upstream.get("x-client-spiffe-id"), Some(CART));
            assert_eq!(upstream.get("client-cert"), Some(&*format!(":{}:", BASE64.encode(&identity.der))));
        }
    }
}

/// A relay is known as a client is, and its own certificate must hold.
#[tokio::test]
async fn a_relay_is_whoever_proves_to_be_one() {
    let cast = Cast::new();
    let Cast { world, relay, gold, .. } = &cast;
    let leaf = || Leaf::client("relay").uri(GATEWAY);
    let renewed = world.authority.renew(relay, &Leaf::client("renewed"));
    let namesake = world.authority.issue(&leaf());
    let revoked = world.authority.issue(&leaf());
    let expired = world.authority.issue(&leaf().valid(-7200..=-3600));
    let unsigned = leaf().self_signed();
    let [by_key, by_name] = [json!({"spki_sha256": relay.spki_sha256()}), json!({"uri_san": GATEWAY})];
    let by_pattern = json!({"uri_san": "spiffe://example.org/ns/*/sa/gateway"});
    let table: [(&Value, &str, &Identity, Result<&str, &str>); 10] = [
        (&by_key, "verified", &renewed, Ok("gold")),
        (&by_key, "verified", &namesake, Err("unknown_certificate")),
        (&by_name, "verified", &namesake, Ok("gold")),
        (&by_name, "verified", &renewed, Err("unknown_certificate")),
        (&by_name, "verified", &unsigned, Err("certificate_unverified")),
        (&by_name, "verified", &expired, Err("certificate_unverified")),
        (&by_name, "verified", &revoked, Err("certificate_revoked")),
        (&by_name, "listener", &expired, Err("certificate_expired")),
        (&by_pattern, "verified", &namesake, Ok("gold")),
        (&by_pattern, "listener", &revoked, Err("certificate_revoked")),
    ];
    let crl = world.authority.crl(&[&revoked], 3600);
    for (credential, chain, identity, expected) in table {
        let mut registry = cast.registry(credential);
        registry["identity"]["chain"] = json!(chain);
        registry["crls"] = json!([{"pem": crl}]);
        let mut inner = Inner::start(&cast, cast.inner(&registry).clients(Clients::AcceptUntrusted)).await;
        let outcome = inner.outcome(&world.caller(identity), &request(&[whole(gold)])).await;
        assert_is(&outcome, expected, &format!("{credential}, {chain}"));
    }
}

#[tokio::test]
async fn the_clients_of_an_edge_are_themselves() {
    let cast = Cast::new();
    let Cast { world, gold, bronze, cart, stranger, relay, .. } = &cast;
    let mut registry = cast.registry(&json!({"uri_san": GATEWAY}));
    registry["identity"]["chain"] = json!("listener");
    let details = json!({"cert": true, "uri": true, "dns": true, "subject": true});
    let hostile = world.authority.issue(&Leaf::client(&format!("\\\",{};Subject=\"", hash(gold))));
    let clients: [(Caller, Result<&str, &str>); 6] = [
        (world.caller(gold), Ok("gold")),
        (world.caller(bronze), Ok("bronze")),
        (world.caller(cart), Ok("cart")),
        (world.caller(stranger), Err("unknown_certificate")),
        (world.caller(&hostile), Err("unknown_certificate")),
        (world.anonymous(), Err("no_certificate")),
    ];
    for version in VERSIONS {
        let inner = cast.inner(&registry).version_that_shows_certificates(version);
        let mut inner = Inner::start(&cast, inner).await;
        let edge = Envoy::start(cast.edge(inner.envoy.port(), &details).version(version)).await;
        for (caller, expected) in &clients {
            for caller in [caller.clone(), caller.clone().http2()] {
                for lines in [&[][..], &[hash(gold)], &[whole(cart)], &[hash(relay)], &["=\"".to_owned()]] {
                    let outcome = inner.outcome_through(edge.port(), &caller, &request(lines)).await;
                    assert_is(&outcome, *expected, &format!("{version}, {lines:?}"));
                }
            }
        }
    }
}

/// Envoy writes a certificate's URIs and DNS names as they are into the header, so an edge must not be told to: one with a
/// comma would be two elements, the last of them the client's own.
#[tokio::test]
async fn a_name_with_a_comma_is_no_element_where_an_edge_writes_no_names() {
    let cast = Cast::new();
    let Cast { world, relay, gold, .. } = &cast;
    let registry = cast.by_fingerprint();
    let liars = [
        Leaf::client("liar").uri(&format!("spiffe://example.org/a,{}", hash(gold))),
        Leaf::client("liar").uri(&format!("spiffe://example.org/a,{};A=", whole(gold))),
        Leaf::client("liar").dns(&format!("a,{}", hash(gold))),
    ];
    for version in VERSIONS {
        let mut inner = Inner::start(&cast, cast.inner(&registry).version_that_shows_certificates(version)).await;
        let details = json!({"cert": true, "subject": true});
        let edge = Envoy::start(cast.edge(inner.envoy.port(), &details).version(version)).await;
        for leaf in &liars {
            let liar = world.caller(&world.authority.issue(leaf));
            let outcome = inner.outcome_through(edge.port(), &liar, &Request::get("/")).await;
            assert_is(&outcome, Err("unknown_certificate"), &format!("{version}, {leaf:?}"));
        }
    }
    // Within one element nobody can be two.
    let mut inner = Inner::start(&cast, cast.inner(&registry)).await;
    let details = json!({"cert": true, "uri": true, "dns": true});
    let edge = Envoy::start(cast.edge(inner.envoy.port(), &details)).await;
    let semicolons = [hash(gold), cert(gold), whole(gold)].map(|pairs| format!("spiffe://example.org/a;{pairs}"));
    for leaf in semicolons.iter().map(|name| Leaf::client("liar").uri(name)) {
        let liar = world.caller(&world.authority.issue(&leaf));
        let outcome = inner.outcome_through(edge.port(), &liar, &Request::get("/")).await;
        assert_is(&outcome, Err("certificate_unreadable"), &format!("{leaf:?}"));
    }
    let by_relay = inner.outcome(&world.caller(relay), &request(&[hash(gold)])).await;
    assert_is(&by_relay, Ok("gold"), "the same relay, of gold");
}

#[tokio::test]
async fn what_a_relay_does_not_show_says_nothing_however_well_it_is_known() {
    let cast = Cast::new();
    let Cast { world, relay, cart, .. } = &cast;
    let forged = Leaf::client("forged").uri(CART).self_signed();
    let envoy = cast.inner(&cast.by_fingerprint()).clients(Clients::AcceptUntrusted);
    let mut inner = Inner::start(&cast, envoy).await;
    let directly = inner.outcome(&world.caller(&forged), &Request::get("/")).await;
    assert_is(&directly, Err("certificate_unverified"), "directly");
    let by_relay = inner.outcome(&world.caller(relay), &request(&[whole(cart)])).await;
    assert_is(&by_relay, Ok("cart"), "shown by the relay");
    for identity in [&forged, cart] {
        let outcome = inner.outcome(&world.caller(relay), &request(&[hash(identity)])).await;
        assert_is(&outcome, Err("unknown_certificate"), "not shown");
    }
}

/// What cannot be looked up in a list may be in it.
#[tokio::test]
async fn a_relay_that_cannot_be_looked_up_in_a_list_is_not_believed() {
    let cast = Cast::new();
    let Cast { world, relay, gold, .. } = &cast;
    let mut registry = cast.by_fingerprint();
    registry["crls"] = json!([{"pem": world.authority.crl(&[relay], 3600)}]);
    for version in WITHOUT_CERTIFICATE {
        let mut inner = Inner::start(&cast, cast.inner(&registry).version(version)).await;
        let outcome = inner.outcome(&world.caller(relay), &request(&[whole(gold)])).await;
        assert_is(&outcome, Err("certificate_unreadable"), version);
    }
}
