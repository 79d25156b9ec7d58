//! Headers for upstreams, and requests for another host than their connection's.

use crate::fixtures::{
    CART, Sent, authority, cart, client, engine_of, fake, header, leaf, send, verified, who, who_with,
};
use certgate_core::domain::decision::Reason;
use certgate_core::engine::Engine;
use certgate_test_support::fakes::Fake;
use certgate_test_support::registry::merge;
use data_encoding::BASE64;
use rcgen::DnType;
use serde_json::{Value, json};

/// The headers that are sent only on demand, under names of the test's own.
const ON_DEMAND: [(&str, &str); 6] = [
    ("groups", "x-groups"),
    ("scopes", "x-scopes"),
    ("subject", "x-subject"),
    ("spiffe_id", "x-spiffe"),
    ("not_after", "x-not-after"),
    ("client_cert", "client-cert"),
];

fn on_demand(fake: &Fake<'_>) -> [Option<String>; 6] {
    ON_DEMAND.map(|(_, name)| header(fake, name))
}

/// A client of this credential, in groups and with scopes.
fn profiled(credential: &Value, more: &Value) -> Engine {
    let profile = json!({"groups": ["shop", "eu"], "scopes": ["write", "read"]});
    let clients = json!({"clients": [merge(client("cart", credential), &profile)]});
    engine_of(&[], &merge(clients, more))
}

#[test]
fn upstreams_are_told_what_is_asked_for_and_known() {
    let subject = [(DnType::CommonName, "M\u{fc}ller, \"x\""), (DnType::OrganizationName, "50%")];
    let leaf = authority().issue(&leaf().subject(&subject).uris([CART]));
    let fingerprint = json!({"sha256": leaf.fingerprint});
    let values = [
        "eu,shop".to_owned(),
        "read write".to_owned(),
        r"O=50%25,CN=M%C3%BCller\, \%22x\%22".to_owned(),
        CART.to_owned(),
        "2033-05-19T03:33:20Z".to_owned(),
        format!(":{}:", BASE64.encode(&leaf.der)),
    ];
    for asked in 0..1_usize << ON_DEMAND.len() {
        let is_asked = |place: usize| asked >> place & 1 == 1;
        let named = ON_DEMAND.into_iter().enumerate().filter(|(place, _)| is_asked(*place));
        let headers: Value = named.map(|(_, (key, name))| (key.to_owned(), json!(name))).collect();
        let engine = profiled(&fingerprint, &json!({"headers": headers}));
        let fake = fake(&leaf);
        // Headers of the client under certgate's names are replaced.
        assert_eq!(who_with(&engine, &fake, &[("client-cert", "forged"), ("x_client_groups", "forged")]), "cart");
        let mut expected = values.clone().map(Some);
        expected.iter_mut().enumerate().filter(|(place, _)| !is_asked(*place)).for_each(|(_, value)| *value = None);
        assert_eq!(on_demand(&fake), expected, "{headers}");
        assert_eq!(header(&fake, "x_client_groups"), None);
    }
}

fn all_on_demand() -> Value {
    json!({"headers": ON_DEMAND.map(|(key, name)| (key.to_owned(), json!(name))).into_iter().collect::<Value>()})
}

#[test]
fn upstreams_are_told_nothing_of_a_certificate_that_cannot_be_believed() {
    let leaf = cart(&authority());
    let subject = Some("OU=shop,CN=cart".to_owned());
    let [by_key, by_fingerprint] = [json!({"spki_sha256": leaf.spki_sha256}), json!({"sha256": leaf.fingerprint})]
        .map(|it| profiled(&it, &all_on_demand()));
    let hidden = Fake { certificate: None, ..verified(&leaf) };
    for (engine, fake, believed) in [
        (&by_key, fake(&leaf), false),
        (&by_key, verified(&leaf), true),
        (&by_fingerprint, fake(&leaf), true),
        (&by_fingerprint, hidden, true),
    ] {
        assert_eq!(who(engine, &fake), "cart");
        let [groups, scopes, said @ ..] = on_demand(&fake);
        assert_eq!((groups.as_deref(), scopes.as_deref()), (Some("eu,shop"), Some("read write")));
        assert_eq!((said[0] == subject, said.iter().all(Option::is_some)), (believed, believed));
        assert!(believed || said.iter().all(Option::is_none));
    }
    let fresh = profiled(&json!({"sha256": leaf.fingerprint}), &all_on_demand());
    let hidden = Fake { certificate: None, ..verified(&leaf) };
    assert_eq!((who(&fresh, &hidden).as_str(), &on_demand(&hidden)[2..]), ("cart", &[const { None }; 4][..]));
}

#[test]
fn what_is_not_known_is_not_sent() {
    let leaf = authority().issue(&leaf().uris(["https://shop.example/cart"]));
    let engine = engine_of(&[("cart", json!({"sha256": leaf.fingerprint}))], &all_on_demand());
    let fake = fake(&leaf);
    who(&engine, &fake);
    let sent = on_demand(&fake).map(|value| value.is_some());
    assert_eq!(sent, [false, false, true, false, true, true], "neither groups nor scopes nor a SPIFFE ID");
}

#[test]
fn in_shadow_mode_who_would_be_refused_has_no_headers() {
    let leaf = cart(&authority());
    let credential = json!({"sha256": leaf.fingerprint, "revoked": true});
    let engine = profiled(&credential, &merge(all_on_demand(), &json!({"mode": "shadow"})));
    let fake = fake(&leaf);
    let sent = send(&engine, &fake, &[("client-cert", "forged")]);
    assert_eq!(sent, Sent { status: None, reason: Some(Reason::CertificateRevoked), alias: None });
    assert_eq!(on_demand(&fake), [const { None }; 6]);
}

// Other hosts.

#[test]
fn a_request_for_another_host_than_the_connections_is_misdirected() {
    let leaf = cart(&authority());
    let rules =
        json!([{"match": {"path": "/open"}, "access": "public"}, {"match": {"path": "/shut"}, "access": "deny"}]);
    let [on, off] = [json!(421), json!("off")].map(|switch| {
        engine_of(&[("cart", json!({"sha256": leaf.fingerprint}))], &json!({"misdirected": switch, "rules": rules}))
    });
    for (authority, server_name, directed) in [
        ("shop.example", Some("shop.example"), true),
        ("SHOP.example", Some("shop.EXAMPLE"), true),
        ("shop.example:8443", Some("shop.example"), true),
        ("shop.example:", Some("shop.example"), true),
        ("shop.example.", Some("shop.example"), true),
        ("shop.example.:443", Some("shop.example"), true),
        ("shop.example", Some("shop.example."), true),
        ("shop.example", None, true),
        ("", None, true),
        ("other.example", Some("shop.example"), false),
        ("a.shop.example", Some("shop.example"), false),
        ("shop.example", Some("*.example"), false),
        ("shop.example", Some(""), false),
        ("", Some(""), false),
        ("", Some("shop.example"), false),
        ("me@shop.example", Some("shop.example"), false),
        ("shop.example:http", Some("shop.example"), false),
        ("shop.example..", Some("shop.example"), false),
        ("127.0.0.1", Some("shop.example"), false),
        ("[::1]", Some("shop.example"), false),
    ] {
        let fake = Fake { server_name: server_name.map(Into::into), ..fake(&leaf) };
        for (path, otherwise) in [("/", "cart"), ("/open", "nobody"), ("/shut", "rule_denied")] {
            let headers = [(":authority", authority), (":path", path)];
            let expected = if directed { otherwise } else { "misdirected" };
            assert_eq!(who_with(&on, &fake, &headers), expected, "{authority} {server_name:?} {path}");
            assert_eq!(who_with(&off, &fake, &headers), otherwise, "{authority} {server_name:?} {path}");
        }
        let status = send(&on, &fake, &[(":authority", authority)]).status;
        assert_eq!(status, (!directed).then_some(421), "{authority} {server_name:?}");
    }
}
