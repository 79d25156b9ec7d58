//! Relays that are trusted with the identity of their clients, and others.

use crate::fixtures::{
    CART, Sent, authority, cart, days, engine_of, fake, header, leaf, nobody, send, verified, who, who_with,
};
use certgate_core::engine::Engine;
use certgate_test_support::certificates::{Authority, IssuedCertificate};
use certgate_test_support::fakes::Fake;
use certgate_test_support::registry::merge;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const XFCC: &str = "x-forwarded-client-cert";
const GATEWAY: &str = "spiffe://example.org/ns/edge/sa/gateway";

/// A gateway, and who is behind it.
struct Edge {
    authority: Authority,
    gateway: IssuedCertificate,
    /// Known by its fingerprint.
    direct: IssuedCertificate,
    /// Known by its name.
    cart: IssuedCertificate,
    expired: IssuedCertificate,
    unknown: IssuedCertificate,
}

impl Edge {
    fn new() -> Self {
        let authority = authority();
        let issue = |uri, (from, to)| authority.issue(&leaf().uris([uri]).valid(days(from, to)));
        Self {
            gateway: issue(GATEWAY, (-1, 1)),
            direct: issue("spiffe://example.org/direct", (-1, 1)),
            cart: cart(&authority),
            expired: issue("spiffe://example.org/expired", (-2, -1)),
            unknown: issue("spiffe://example.org/unknown", (-1, 1)),
            authority,
        }
    }

    /// The engine that trusts this relay.
    fn engine(&self, relay: &Value, more: &Value) -> Engine {
        let clients = [
            ("direct", json!({"sha256": self.direct.fingerprint})),
            ("cart", json!({"uri_san": CART})),
            ("expired", json!({"sha256": self.expired.fingerprint})),
            ("gateway", json!({"sha256": self.gateway.fingerprint})),
        ];
        let identity = json!({"identity": {"source": "xfcc", "trusted_relays": [relay]}});
        engine_of(&clients, &merge(identity, more))
    }

    fn relays(&self) -> [Value; 3] {
        [
            json!({"sha256": self.gateway.fingerprint}),
            json!({"spki_sha256": self.gateway.spki_sha256}),
            json!({"uri_san": GATEWAY}),
        ]
    }
}

fn hash(leaf: &IssuedCertificate) -> String {
    format!("Hash={}", leaf.fingerprint)
}

fn cert(leaf: &IssuedCertificate) -> String {
    format!("Cert=\"{}\"", utf8_percent_encode(&leaf.pem, NON_ALPHANUMERIC))
}

/// An element with the certificate.
fn whole(leaf: &IssuedCertificate) -> String {
    format!("{};{}", hash(leaf), cert(leaf))
}

#[test]
fn a_relay_says_whose_request_it_is() {
    let edge = Edge::new();
    let Edge { gateway, direct, cart, expired, unknown, .. } = &edge;
    let good = hash(direct);
    let table: Vec<(Vec<String>, &str)> = vec![
        (vec![good.clone()], "direct"),
        (vec![whole(direct)], "direct"),
        (vec![good.to_uppercase().replace("HASH", "hash")], "direct"),
        (vec![format!("By={GATEWAY};{good};Subject=\"CN=a\";URI={CART}")], "direct"),
        (vec![format!("{},{good}", hash(unknown))], "direct"),
        (vec![hash(unknown), good.clone()], "direct"),
        (vec![good.clone(), hash(unknown)], "unknown_certificate"),
        (vec![whole(unknown)], "unknown_certificate"),
        // Names and dates only from the certificate.
        (vec![whole(cart)], "cart"),
        (vec![hash(cart)], "unknown_certificate"),
        (vec![format!("{};URI={CART};DNS=cart.shop.example", hash(cart))], "unknown_certificate"),
        (vec![format!("{};URI={CART}", whole(unknown))], "unknown_certificate"),
        (vec![whole(expired)], "certificate_expired"),
        (vec![hash(expired)], "expired"),
        (vec![format!("{};{}", hash(direct), cert(cart))], "certificate_unreadable"),
        (vec![format!("{};{}", hash(cart), cert(direct))], "certificate_unreadable"),
        (vec![format!("{good};Cert=\"%zz\"")], "certificate_unreadable"),
        (vec![format!("{good};Cert=\"\"")], "certificate_unreadable"),
        (vec![format!("{};{}", whole(direct), cert(direct))], "certificate_unreadable"),
        // Other forms of the header identify no client.
        (vec![], "no_certificate"),
        (vec![String::new()], "certificate_unreadable"),
        (vec![format!("URI={CART}")], "certificate_unreadable"),
        (vec![cert(cart)], "certificate_unreadable"),
        (vec![format!("{good};{good}")], "certificate_unreadable"),
        (vec![format!("{good};{}", hash(unknown))], "certificate_unreadable"),
        (vec!["Hash=00".to_owned()], "certificate_unreadable"),
        (vec![format!("{good}\"")], "certificate_unreadable"),
        (vec!["By=\"open".to_owned(), good.clone()], "certificate_unreadable"),
        (vec![format!("Subject=\"a\";Subject=\"b,{good}")], "certificate_unreadable"),
        (vec![good.clone(), String::new()], "certificate_unreadable"),
        (vec![hash(gateway)], "certificate_unreadable"),
        (vec![whole(gateway)], "certificate_unreadable"),
        (vec![good.clone(), hash(gateway)], "certificate_unreadable"),
    ];
    for relay in edge.relays() {
        let engine = edge.engine(&relay, &json!({}));
        for (lines, expected) in &table {
            let headers: Vec<_> = lines.iter().map(|line| (XFCC, line.as_str())).collect();
            assert_eq!(who_with(&engine, &verified(gateway), &headers), *expected, "{lines:?} from {relay}");
        }
    }
}

#[test]
fn what_a_relay_says_goes_on_and_what_others_say_does_not() {
    let edge = Edge::new();
    let callers = [fake(&edge.gateway), fake(&edge.direct), fake(&edge.unknown), nobody()];
    let said = whole(&edge.cart);
    for (mode, rule, expected) in [
        ("enforce", json!({}), ["cart", "direct", "refused", "refused"]),
        ("enforce", json!({"access": "optional"}), ["cart", "direct", "refused", "nobody"]),
        ("enforce", json!({"access": "public"}), ["nobody"; 4]),
        ("shadow", json!({}), ["cart", "direct", "nobody", "nobody"]),
        ("shadow", json!({"access": "deny"}), ["nobody"; 4]),
    ] {
        let engine = edge.engine(&edge.relays()[0], &json!({"mode": mode, "rules": [rule]}));
        for (caller, expected) in callers.iter().zip(expected) {
            let Sent { status, alias, .. } = send(&engine, caller, &[(XFCC, &said)]);
            let seen = if status.is_some() { "refused" } else { alias.as_deref().unwrap_or("nobody") };
            assert_eq!(seen, expected, "{mode} {rule}");
            let goes_on = status.is_none() && header(caller, XFCC).is_some();
            assert_eq!(goes_on, expected == "cart", "{mode} {rule} {expected}");
        }
    }
}

#[test]
fn behind_a_relay_that_is_silent_nobody_calls() {
    let edge = Edge::new();
    let engine =
        edge.engine(&edge.relays()[0], &json!({"rules": [{"match": {"path": "/open"}, "access": "optional"}]}));
    let relay = fake(&edge.gateway);
    assert_eq!(who(&engine, &relay), "no_certificate", "though it is registered as a client");
    assert_eq!(who_with(&engine, &relay, &[(":path", "/open")]), "nobody");
    let (path, bad) = ((":path", "/open"), hash(&edge.unknown));
    assert_eq!(who_with(&engine, &relay, &[path, (XFCC, &bad)]), "unknown_certificate");
    assert_eq!(who_with(&engine, &relay, &[path, (XFCC, "")]), "certificate_unreadable");
}

#[test]
fn a_relay_whose_own_certificate_does_not_hold_is_refused() {
    let edge = Edge::new();
    let gateway = leaf().uris([GATEWAY]);
    let issue = |(from, to), serial: u64| edge.authority.issue(&gateway.clone().valid(days(from, to)).serial(serial));
    let (good, lists) = (whole(&edge.direct), json!({"crls": [{"pem": edge.authority.crl(&[666_u64], days(-2, 1))}]}));
    for (relay, expected) in [
        (issue((-1, 1), 1), "direct"),
        (issue((-2, -1), 1), "certificate_expired"),
        (issue((1, 2), 1), "certificate_not_yet_valid"),
        (issue((-1, 1), 666), "certificate_revoked"),
    ] {
        let said =
            |relay: &Fake<'_>, credential: &Value| who_with(&edge.engine(credential, &lists), relay, &[(XFCC, &good)]);
        for credential in [json!({"sha256": relay.fingerprint}), json!({"spki_sha256": relay.spki_sha256})] {
            assert_eq!(said(&fake(&relay), &credential), expected, "{credential}");
        }
        let by_name = json!({"uri_san": GATEWAY});
        assert_eq!(said(&verified(&relay), &by_name), expected);
        assert_eq!(said(&fake(&relay), &by_name), "certificate_unverified");
    }
}

#[test]
fn a_relay_by_name_is_believed_on_the_connections_on_which_it_is_verified() {
    let edge = Edge::new();
    let by_name = json!({"uri_san": GATEWAY});
    // The gateway is a client too: what it forwards without being believed must not pass as its own.
    let engine = edge.engine(&by_name, &json!({}));
    let stranger = engine_of(
        &[("cart", json!({"uri_san": CART}))],
        &json!({"identity": {"source": "xfcc", "trusted_relays": [by_name]}}),
    );
    for (verified, expected) in [(false, "certificate_unverified"), (true, "cart"), (false, "certificate_unverified")] {
        for engine in [&engine, &stranger] {
            let relay = Fake { verified, ..fake(&edge.gateway) };
            assert_eq!(who_with(engine, &relay, &[(XFCC, &whole(&edge.cart))]), expected);
            assert_eq!(relay.verified_reads.get(), 1);
        }
    }
}

#[test]
fn with_lists_a_relay_must_show_the_clients_certificate_and_its_own() {
    let edge = Edge::new();
    let revoked = edge.authority.issue(&leaf().uris([CART]).serial(666));
    let lists = json!({"crls": [{"pem": edge.authority.crl(&[666_u64], days(-2, 1))}]});
    let engine = edge.engine(&edge.relays()[0], &lists);
    for (element, expected) in [
        (whole(&edge.direct), "direct"),
        (hash(&edge.direct), "certificate_unreadable"),
        (whole(&revoked), "certificate_revoked"),
    ] {
        let hidden = Fake { certificate: None, ..fake(&edge.gateway) };
        let fresh = edge.engine(&edge.relays()[0], &lists);
        assert_eq!(who_with(&fresh, &hidden, &[(XFCC, &element)]), "certificate_unreadable");
        assert_eq!(who_with(&engine, &fake(&edge.gateway), &[(XFCC, &element)]), expected);
    }
}

#[test]
fn the_subject_of_a_relay_is_not_told_as_that_of_its_client() {
    let edge = Edge::new();
    let engine = edge.engine(&edge.relays()[0], &json!({}));
    for (peer, forwarded, whose, told) in [
        (&edge.gateway, whole(&edge.unknown), &edge.unknown, json!("CN=leaf")),
        (&edge.gateway, hash(&edge.unknown), &edge.unknown, Value::Null),
        (&edge.unknown, whole(&edge.direct), &edge.unknown, json!("CN=leaf")),
    ] {
        let fake = Fake { subject: Some(b"CN=the peer".to_vec()), ..verified(peer) };
        assert_eq!(who_with(&engine, &fake, &[(XFCC, &forwarded)]), "unknown_certificate");
        let lines: Vec<Value> = fake.lines.take().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [line] = &lines[..] else { panic!("{lines:?}") };
        assert_eq!(line["tls.client.hash.sha256"], whose.fingerprint);
        assert_eq!((&line["tls.client.subject"], &line["certgate.client_entry"]["description"]), (&told, &told));
    }
}
