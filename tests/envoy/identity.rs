//! Identification of clients by their certificates: every kind of credential, the authorities that must have signed, the
//! headers for upstreams, and the silence towards callers.

use crate::support::bootstrap::{Clients, WITHOUT_CERTIFICATE};
use crate::support::client::Caller;
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::fields::Fields;
use crate::support::pki::{Authority, Identity, Key, Leaf};
use crate::support::registry::{self, client};
use crate::support::request::{Request, Response};
use crate::support::world::World;
use data_encoding::BASE64;
use serde_json::{Value, json};

/// The name of the authority in a [`World`], which any other may take too.
const AUTHORITY: &str = "the trusted authority";

/// A registry of these clients, of the unlimited tier, each with the credential beside its alias.
fn registry(clients: &[(&str, Value)]) -> Value {
    let clients: Vec<_> = clients.iter().map(|(alias, credential)| client(alias, "unlimited", credential)).collect();
    registry::registry(&[("unlimited", json!([]))], &clients)
}

/// The registry for a listener that is stated to verify every certificate, which older Envoys do not say of one.
fn verified_by_listener(mut registry: Value) -> Value {
    registry["identity"] = json!({"chain": "listener"});
    registry
}

/// Credentials by names, with a certificate's content that each is met by.
fn names() -> [(&'static str, Value, Leaf); 5] {
    [
        (
            "uri",
            json!({"uri_san": "spiffe://example.org/ns/shop/sa/cart"}),
            Leaf::client("1").uri("spiffe://example.org/ns/shop/sa/cart"),
        ),
        (
            "uri-pattern",
            json!({"uri_san": "spiffe://example.org/ns/*/sa/till"}),
            Leaf::client("2").uri("spiffe://example.org/ns/shop-7/sa/till"),
        ),
        (
            "dns",
            json!({"dns_san": "cart.shop.example"}),
            Leaf::client("3").dns("first.example").dns("Cart.Shop.example"),
        ),
        ("dns-pattern", json!({"dns_san": "*.till.example"}), Leaf::client("4").dns("seven.till.example")),
        (
            "subject",
            json!({
                "subject": {"common_name": "cart", "organizational_unit": "shop"},
                "issuer": {"common_name": AUTHORITY},
            }),
            Leaf::client("cart").organizational_unit("shop"),
        ),
    ]
}

/// The only line of the log that has this fingerprint.
async fn logged(envoy: &Envoy, lines: usize, identity: &Identity) -> Value {
    let log = envoy.access_log(lines).await;
    let mut of_it = log.into_iter().filter(|line| line["tls.client.hash.sha256"] == identity.fingerprint());
    let line = of_it.next().expect("a line about the certificate");
    assert_eq!(of_it.next(), None);
    line
}

#[tokio::test]
async fn every_kind_of_credential_identifies() {
    let world = World::new();
    let key = world.authority.client("key");
    let renewed = world.authority.renew(&key, &Leaf::client("the same key"));
    assert_ne!(key.fingerprint(), renewed.fingerprint());
    let mut clients = vec![("key", json!({"spki_sha256": key.spki_sha256()}))];
    let mut callers = vec![("key", key), ("key", renewed)];
    for (alias, credential, leaf) in names() {
        clients.push((alias, credential));
        callers.push((alias, world.authority.issue(&leaf)));
    }
    let registry = verified_by_listener(registry(&clients));
    for version in VERSIONS {
        let envoy = Envoy::start(world.bootstrap(&registry).version_that_shows_certificates(version)).await;
        for (alias, identity) in &callers {
            for caller in [world.caller(identity), world.caller(identity).http2()] {
                let upstream = caller.get(envoy.port(), "/").await.echo().headers;
                assert_eq!(upstream.get("x-client-alias"), Some(*alias), "{version}");
                assert_eq!(upstream.get("x-client-fingerprint"), Some(&*identity.fingerprint()), "{version}, {alias}");
            }
        }
    }
}

#[tokio::test]
async fn a_certificate_that_is_nearly_a_clients_is_nobodys() {
    let world = World::new();
    let another = Authority::new("another authority");
    let clients = names().map(|(alias, credential, _)| (alias, credential));
    let registry = verified_by_listener(registry(&clients));
    let cart = "spiffe://example.org/ns/shop/sa/cart";
    let subject = Leaf::client("cart").organizational_unit("shop");
    let strangers = [
        world.authority.issue(&Leaf::client("the right one first").uri(cart).uri("spiffe://example.org/b")),
        world.authority.issue(&Leaf::client("the right one second").uri("spiffe://example.org/b").uri(cart)),
        world.authority.issue(&Leaf::client("twice").uri(cart).uri(cart)),
        world.authority.issue(&Leaf::client("longer").uri("spiffe://example.org/ns/shop/sa/cart/x")),
        world.authority.issue(&Leaf::client("another case").uri("spiffe://example.org/ns/shop/sa/Cart")),
        world.authority.issue(&Leaf::client("two segments for one").uri("spiffe://example.org/ns/a/b/sa/till")),
        world.authority.issue(&Leaf::client("a pattern itself").dns("*.shop.example")),
        world.authority.issue(&Leaf::client("a pattern itself").dns("*.till.example")),
        world.authority.issue(&Leaf::client("two labels for one").dns("a.b.till.example")),
        world.authority.issue(&Leaf::client("a URI as a host").uri("dns://cart.shop.example/")),
        world.authority.issue(&Leaf::client("cart").organizational_unit("shops")),
        world.authority.issue(&Leaf::client("cart.shop.example")),
        another.issue(&subject),
    ];
    for version in VERSIONS {
        let bootstrap = world.bootstrap(&registry).trust(&another).version_that_shows_certificates(version);
        let envoy = Envoy::start(bootstrap).await;
        for (place, stranger) in strangers.iter().enumerate() {
            assert_eq!(world.caller(stranger).get(envoy.port(), "/").await.status, 403, "{version}, {place}");
        }
        for line in envoy.access_log(strangers.len()).await {
            assert_eq!(line["certgate.reason"], "unknown_certificate", "{version}");
        }
    }
    assert_eq!(world.forwarded(), 0);
}

/// Where anybody can write a name into a certificate, none of them counts; a key is still one's own.
#[tokio::test]
async fn names_that_nobody_trusted_has_signed_do_not_count() {
    let world = World::new();
    let impostor = Authority::new(AUTHORITY);
    let key = Leaf::client("its own word").uri("spiffe://example.org/ns/any/sa/any").self_signed();
    let mut clients = vec![("key", json!({"spki_sha256": key.spki_sha256()}))];
    clients.extend(names().map(|(alias, credential, _)| (alias, credential)));
    let mut unsigned: Vec<_> = names().iter().map(|(alias, _, leaf)| (*alias, impostor.issue(leaf))).collect();
    unsigned.extend(names()[..4].iter().map(|(alias, _, leaf)| (*alias, leaf.self_signed())));
    let mut registry = registry(&clients);
    registry["headers"] =
        json!({"subject": "x-client-subject", "spiffe_id": "x-client-spiffe-id", "client_cert": "client-cert"});
    for version in VERSIONS {
        let bootstrap = world.bootstrap(&registry).clients(Clients::AcceptUntrusted).without_guard();
        let envoy = Envoy::start(bootstrap.version_that_shows_certificates(version)).await;
        for (place, (alias, identity)) in unsigned.iter().enumerate() {
            for caller in [world.caller(identity).tls12(), world.caller(identity).tls13()] {
                assert_eq!(caller.get(envoy.port(), "/").await.status, 403, "{version}, {alias}");
            }
            for line in &envoy.access_log(2 * place + 2).await[2 * place..] {
                assert_eq!(line["certgate.reason"], "certificate_unverified", "{version}, {alias}");
            }
        }
        let forged =
            Request::get("/").header("x-client-subject", "CN=root").header("x-client-spiffe-id", "spiffe://a/b");
        let upstream = world.caller(&key).send(envoy.port(), &forged).await.echo().headers;
        assert_eq!(upstream.get("x-client-alias"), Some("key"), "{version}");
        for name in ["x-client-subject", "x-client-spiffe-id", "client-cert"] {
            assert_eq!(upstream.get(name), None, "{version}: what nobody has vouched for is not passed on");
        }
    }
}

/// Envoys that do not say whether a certificate is verified have verified none, unless the listener is stated to.
#[tokio::test]
async fn an_envoy_that_does_not_say_that_it_verifies_is_not_taken_at_its_silence() {
    let world = World::new();
    let clients = names().map(|(alias, credential, _)| (alias, credential));
    for version in WITHOUT_CERTIFICATE {
        let envoy = Envoy::start(world.bootstrap(&registry(&clients)).version_that_shows_certificates(version)).await;
        for (lines, (alias, _, leaf)) in names().iter().enumerate() {
            let identity = world.authority.issue(leaf);
            assert_eq!(world.caller(&identity).get(envoy.port(), "/").await.status, 403, "{version}, {alias}");
            assert_eq!(logged(&envoy, lines + 1, &identity).await["certgate.reason"], "certificate_unverified");
        }
    }
}

/// A caller that is refused for its identity, and the reason.
struct Refused {
    reason: &'static str,
    caller: Caller,
}

impl Refused {
    /// One for each reason, and the registry by which they are, for a listener that accepts any certificate.
    fn all(world: &World) -> (Vec<Self>, Value) {
        let issue = |leaf: Leaf| world.authority.issue(&leaf);
        let [revoked, listed, disabled, unruled] =
            ["revoked", "listed", "disabled", "unruled"].map(|name| world.authority.client(name));
        let ended = issue(Leaf::client("ended"));
        let expired = issue(Leaf::client("expired").valid(-7200..=-3600));
        let early = issue(Leaf::client("early").valid(3600..=7200));
        let by = |identity: &Identity| json!({"sha256": identity.fingerprint()});
        let mut registry = registry(&[
            ("revoked", json!({"sha256": revoked.fingerprint(), "revoked": true})),
            ("listed", by(&listed)),
            ("disabled", by(&disabled)),
            ("unruled", by(&unruled)),
            ("ended", json!({"sha256": ended.fingerprint(), "not_after": "2026-01-01T00:00:00Z"})),
            ("expired", by(&expired)),
            ("early", by(&early)),
            ("named", json!({"uri_san": "spiffe://example.org/named"})),
        ]);
        registry["clients"][2]["enabled"] = json!(false);
        registry["crls"] = json!([{"pem": world.authority.crl(&[&listed], 3600)}]);
        registry["rules"] = json!([{"aliases": ["named"]}]);
        let refused = [
            ("no_certificate", world.anonymous()),
            ("unknown_certificate", world.caller(&world.authority.client("stranger"))),
            ("certificate_revoked", world.caller(&revoked)),
            ("certificate_revoked", world.caller(&listed)),
            ("client_disabled", world.caller(&disabled)),
            ("rule_denied", world.caller(&unruled)),
            ("certificate_expired", world.caller(&ended)),
            ("certificate_expired", world.caller(&expired)),
            ("certificate_not_yet_valid", world.caller(&early)),
            (
                "certificate_unverified",
                world.caller(&Leaf::client("named").uri("spiffe://example.org/named").self_signed()),
            ),
        ];
        (refused.map(|(reason, caller)| Self { reason, caller }).into(), registry)
    }
}

/// The response but for what every response has of its own.
fn bare(response: Response) -> Response {
    let headers = response.headers.0.into_iter().filter(|(name, _)| name != "date");
    Response { headers: Fields(headers.collect()), ..response }
}

#[tokio::test]
async fn whoever_is_refused_for_identity_learns_nothing_else() {
    let world = World::new();
    let (refused, registry) = Refused::all(&world);
    for version in VERSIONS {
        let bootstrap = world.bootstrap(&registry).clients(Clients::AcceptUntrusted).concurrency(1);
        let envoy = Envoy::start(bootstrap.version_that_shows_certificates(version)).await;
        let mut answers: [Vec<Response>; 2] = Default::default();
        for Refused { caller, .. } in &refused {
            let mut raw = caller.raw(envoy.port()).await;
            answers[0].push(bare(raw.exchange("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await));
            answers[1].push(bare(caller.clone().http2().get(envoy.port(), "/").await));
        }
        for answers in &answers {
            assert_eq!((answers[0].status, answers[0].header("content-type")), (403, Some("application/problem+json")));
            for (Refused { reason, .. }, answer) in refused.iter().zip(answers) {
                assert_eq!(answer, &answers[0], "{version}: {reason} shows");
            }
        }
        let log = envoy.access_log(2 * refused.len()).await;
        for (lines, Refused { reason, .. }) in log.chunks(2).zip(&refused) {
            assert_eq!([&lines[0]["certgate.reason"], &lines[1]["certgate.reason"]], [*reason; 2], "{version}");
        }
    }
    // Where lists are consulted, a client whose certificate Envoy does not show is one whose certificate cannot be read.
    let envoy = Envoy::start(world.bootstrap(&registry).concurrency(1).version(WITHOUT_CERTIFICATE[0])).await;
    let [unshown, nobody] = [refused.iter().find(|refused| refused.reason == "rule_denied"), refused.first()];
    let [unshown, nobody] = [unshown.unwrap(), nobody.unwrap()].map(|refused| refused.caller.clone());
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut answers = Vec::new();
    for caller in [unshown, nobody] {
        answers.push(bare(caller.raw(envoy.port()).await.exchange(request).await));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(envoy.access_log(2).await[0]["certgate.reason"], "certificate_unreadable");
    assert_eq!(world.forwarded(), 0);
}

/// A name that would end a header, begin one, or be taken for an escape, were it written as it is.
const HOSTILE: &str = "Zürich\r\nx-client-tier: gold\"%41,\u{1b}[31m\u{2028}";

/// [`HOSTILE`] in an RFC 4514 name, percent-encoded.
const HARMLESS: &str = r"CN=Z%C3%BCrich\0d\0ax-client-tier: gold\%22%2541\,\1b[31m%E2%80%A8";

/// The header in which an RFC 9440 proxy passes a certificate on.
fn client_cert(identity: &Identity) -> String {
    format!(":{}:", BASE64.encode(&identity.der))
}

/// When the certificate expires, in RFC 3339.
fn not_after(identity: &Identity) -> String {
    let (_, certificate) = x509_parser::parse_x509_certificate(&identity.der).unwrap();
    let time = certificate.validity().not_after.to_datetime();
    let (hour, minute, second) = time.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", time.date())
}

#[tokio::test]
async fn upstreams_are_told_what_a_certificate_says() {
    let world = World::new();
    let [known, registered] = [HOSTILE, "plain"]
        .map(|name| world.authority.issue(&Leaf::client(name).uri("spiffe://example.org/ns/shop/sa/cart")));
    let two_uris =
        world.authority.issue(&Leaf::client("two").uri("spiffe://example.org/a").uri("spiffe://example.org/b"));
    let clients = [&known, &registered, &two_uris].map(|identity| json!({"sha256": identity.fingerprint()}));
    let [known_by, registered_by, two_by] = clients;
    let mut registry = registry(&[("hostile", known_by), ("plain", registered_by), ("two", two_by)]);
    registry["clients"][0]["groups"] = json!(["finance", "audit"]);
    registry["clients"][0]["scopes"] = json!(["payments.read", "payments.write"]);
    registry["filter_state"] = json!("always");
    registry["headers"] = json!({
        "groups": "x-client-groups",
        "scopes": "x-client-scopes",
        "subject": "x-client-subject",
        "spiffe_id": "x-client-spiffe-id",
        "not_after": "x-expires",
        "client_cert": "client-cert",
    });
    let log_groups = |manager: &mut Value| {
        for logger in manager["access_log"].as_array_mut().expect("access loggers") {
            logger["typed_config"]["log_format"]["json_format"]["groups"] =
                json!("%FILTER_STATE(wasm.certgate.groups:PLAIN)%");
        }
    };
    let spiffe_id = Some("spiffe://example.org/ns/shop/sa/cart");
    let told = [
        (&known, Some("audit,finance"), Some("payments.read payments.write"), HARMLESS, spiffe_id),
        (&registered, None, None, "CN=plain", spiffe_id),
        (&two_uris, None, None, "CN=two", None),
    ];
    let names = [
        "x-client-alias",
        "x-client-groups",
        "x-client-scopes",
        "x-client-subject",
        "x-client-spiffe-id",
        "x-expires",
        "client-cert",
    ];
    let forged = names.iter().fold(Request::get("/"), |request, name| request.header(name, "forged"));
    let forged = forged.header("client-cert", &client_cert(&two_uris)).header("client-cert-chain", ":AAAA:");
    for version in VERSIONS {
        let bootstrap = world.bootstrap(&registry).without_guard().edit(log_groups);
        let envoy = Envoy::start(bootstrap.version_that_shows_certificates(version)).await;
        for (place, (identity, groups, scopes, subject, spiffe_id)) in told.into_iter().enumerate() {
            for caller in [world.caller(identity), world.caller(identity).http2()] {
                let upstream = caller.send(envoy.port(), &forged).await.echo().headers;
                assert_eq!(upstream.get("x-client-groups"), groups, "{version}");
                assert_eq!(upstream.get("x-client-scopes"), scopes, "{version}");
                assert_eq!(upstream.get("x-client-subject"), Some(subject), "{version}");
                assert_eq!(upstream.get("x-client-spiffe-id"), spiffe_id, "{version}");
                assert_eq!(upstream.get("x-expires"), Some(&*not_after(identity)), "{version}");
                assert_eq!(upstream.get("client-cert"), Some(&*client_cert(identity)), "{version}");
                assert_eq!(upstream.get("client-cert-chain"), None, "{version}");
                assert_eq!(upstream.get("x-client-tier"), Some("unlimited"), "{version}");
            }
            for line in &envoy.access_log(2 * place + 2).await[2 * place..] {
                assert_eq!(line["groups"].as_str(), groups, "{version}");
            }
        }
    }
}

/// Of each kind of key, whether Envoy's TLS takes it; what it takes, certgate reads. Envoy asks for no signatures by the
/// others, so their holders present nothing.
#[tokio::test]
async fn certificates_of_every_key_that_envoys_tls_takes() {
    let world = World::new();
    let keys = [Key::EcdsaP256, Key::EcdsaP384, Key::Rsa2048, Key::Rsa4096, Key::EcdsaP521, Key::Ed25519];
    let leaf = |key| Leaf::client("client").uri("spiffe://example.org/ns/shop/sa/cart").key(key);
    let registry = verified_by_listener(registry(&[("cart", json!({"uri_san": "spiffe://example.org/ns/shop/sa/*"}))]));
    for version in VERSIONS {
        let envoy = Envoy::start(world.bootstrap(&registry).version_that_shows_certificates(version)).await;
        for key in keys {
            let caller = world.caller(&world.authority.issue(&leaf(key)));
            let taken = !matches!(key, Key::EcdsaP521 | Key::Ed25519);
            let expected = if taken { 200 } else { 403 };
            assert_eq!(caller.get(envoy.port(), "/").await.status, expected, "{key:?} on {version}");
        }
    }
}
