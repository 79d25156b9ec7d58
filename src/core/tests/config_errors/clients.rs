//! Errors in clients and their credentials.

use super::{errors_of, with};
use crate::fixtures::leaf;
use certgate_test_support::registry::client;
use serde_json::{Value, json};

#[test]
fn names_that_are_none_or_taken() {
    insta::assert_snapshot!(errors_of(&with("tiers", json!({
        "gold": {}, "none": {}, "Silver": {}, "": {}, "a b\n": {},
        "bronze": {"limits": [
            {"name": "x", "requests": 1, "per": "1s"},
            {"name": "other", "requests": 1, "per": "1s"},
            {"name": "x", "requests": 1, "per": "1s"},
            {"name": "", "requests": 1, "per": "1s"},
        ]},
    }))), @r#"
    tiers[""]: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found ""
    tiers.Silver: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found "Silver"
    tiers["a b\n"]: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found "a b\n"
    tiers.bronze.limits[2].name: expected a name of its own, found that of tiers.bronze.limits[0]
    tiers.bronze.limits[3].name: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found ""
    tiers.none: expected a name that certgate does not use itself, found `none`
    "#);
    let (one, two) = ("11".repeat(32), "22".repeat(32));
    insta::assert_snapshot!(errors_of(&with("clients", json!([
        {"alias": "a", "tier": "gold", "credentials": [{"sha256": one, "name": "x"}, {"sha256": two, "name": "x"}]},
        {"alias": "other", "tier": "gold", "credentials": [{"sha256": "33".repeat(32), "name": "x"}]},
        {"alias": "none", "tier": "none", "credentials": [{"sha256": "44".repeat(32)}]},
        {"alias": "a", "tier": "gold", "credentials": [{"sha256": "broken"}, {"sha256": one.to_uppercase()}]},
        {"alias": "\u{e4}", "tier": "platinum", "credentials": [{"sha256": two}, {"sha256": two}]},
        {"alias": "a".repeat(64), "tier": "gold\n", "credentials": [{"sha256": "55".repeat(32)}]},
        {"alias": "a", "tier": "gold", "credentials": [{"sha256": "66".repeat(32)}]},
    ]))), @r#"
    clients[0].credentials[1].name: expected a name of its own, found that of clients[0].credentials[0]
    clients[1].alias: expected a name that certgate does not use itself, found `other`
    clients[2].alias: expected a name that certgate does not use itself, found `none`
    clients[3].credentials[0].sha256: expected hexadecimal digits or base64, found base64 that is cut off or mistyped
    clients[4].alias: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found "\u{e4}"
    clients[5].alias: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found <64 characters>
    clients[5].tier: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found "gold\n"
    clients[3].alias: expected an alias of its own, found that of clients[0]
    clients[6].alias: expected an alias of its own, found that of clients[0]
    clients[3].credentials[1]: expected a certificate of its own, found 1111111111111111111111111111111111111111111111111111111111111111, which is that of clients[0].credentials[0] (`a`)
    clients[4].credentials[0]: expected a certificate of its own, found 2222222222222222222222222222222222222222222222222222222222222222, which is that of clients[0].credentials[1] (`a`)
    clients[4].credentials[1]: expected a certificate of its own, found 2222222222222222222222222222222222222222222222222222222222222222, which is that of clients[0].credentials[1] (`a`)
    clients[2].tier: expected one of the tiers (`gold`), found `none`
    clients[4].tier: expected one of the tiers (`gold`), found `platinum`
    "#);
    let mut document = with("clients", json!([{"alias": "a", "tier": "x", "credentials": [{"sha256": one}]}]));
    document["tiers"] = (0..20).map(|n| (format!("tier-{n:02}"), json!({}))).collect::<serde_json::Map<_, _>>().into();
    insta::assert_snapshot!(errors_of(&document), @"clients[0].tier: expected one of the tiers (`tier-00`, `tier-01`, `tier-02`, `tier-03`, `tier-04`, `tier-05`, `tier-06`, `tier-07`, `tier-08`, `tier-09`, `tier-10`, `tier-11` and 8 more), found `x`");
    document.as_object_mut().unwrap().remove("tiers");
    insta::assert_snapshot!(errors_of(&document), @"clients[0].tier: expected one of the tiers (there are none), found `x`");
}

#[test]
fn fingerprints_and_certificates_that_are_none() {
    let certificate = || leaf().self_signed().pem;
    let (one, other) = (certificate(), certificate());
    let broken = one.replacen("MII", "M%I", 1);
    let cut_off = one.lines().take(3).chain(["-----END CERTIFICATE-----"]).collect::<Vec<_>>().join("\n");
    let credentials = json!([
        {"sha256": "ab".repeat(20)},
        {"sha256": format!("{}\u{a0}", "ab".repeat(32))},
        {"sha256": one},
        {"pem": format!("{one}{other}")},
        {"pem": ""},
        {"pem": "ab".repeat(32)},
        {"pem": one.replace("CERTIFICATE", "PUBLIC KEY")},
        {"pem": broken},
        {"pem": cut_off},
        {"pem": one},
        {"sha256": certgate_core::certificate::fingerprint(&certgate_core::certificate::der_from_text(one.as_bytes()).unwrap()).to_string()},
    ]);
    let errors = errors_of(&with("clients", json!([{"alias": "a", "tier": "gold", "credentials": credentials}])));
    let errors = errors.replace(errors.split_whitespace().find(|word| word.len() == 65).unwrap(), "FINGERPRINT");
    insta::assert_snapshot!(errors, @"
    clients[0].credentials[0].sha256: expected 32 bytes, found 20: this looks like SHA-1
    clients[0].credentials[1].sha256: expected hexadecimal digits or base64, found U+00A0 as character 65
    clients[0].credentials[2].sha256: expected a fingerprint, found PEM: use `pem` for a certificate
    clients[0].credentials[3].pem: expected one certificate, found 2: give the client's own (leaf) certificate only
    clients[0].credentials[4].pem: expected a certificate, found something else: no readable PEM block CERTIFICATE
    clients[0].credentials[5].pem: expected a certificate, found something else: no readable PEM block CERTIFICATE
    clients[0].credentials[6].pem: expected a certificate, found something else: no readable PEM block CERTIFICATE
    clients[0].credentials[7].pem: expected a certificate, found something else: no readable PEM block CERTIFICATE
    clients[0].credentials[8].pem: expected a certificate, found something else: not an X.509 certificate in DER form
    clients[0].credentials[10]: expected a certificate of its own, found FINGERPRINT which is that of clients[0].credentials[9] (`a`)
    ");
}

#[test]
fn credentials_of_every_kind() {
    let credential = |credential: Value| client("a", "gold", &credential);
    insta::assert_snapshot!(errors_of(&with("clients", json!([
        credential(json!({"uri_san": "example.org/a", "dns_san": "a.example"})),
        credential(json!({"uri_san": "spiffe://*/ns/a"})),
        credential(json!({"uri_san": "spiffe://example.org/ns/a*"})),
        credential(json!({"uri_san": "Spiffe://example.org/ns/a b"})),
        credential(json!({"dns_san": "a.*"})),
        credential(json!({"dns_san": "a..example"})),
        credential(json!({"subject": {"common_name": "a"}})),
        credential(json!({"issuer": {"common_name": "a"}})),
        credential(json!({"subject": {"cn": "a", "organization": ["a", 1]}, "issuer": {}})),
        credential(json!({"spki_sha256": "00", "not_before": "tomorrow", "not_after": 5})),
        {"alias": "b", "tier": "gold", "groups": ["A", "b", "b"], "scopes": "read", "credentials": [
            {"sha256": "11".repeat(32), "not_before": "2026-01-02T00:00:00Z", "not_after": "2026-01-01T00:00:00Z", "primary": true},
            {"sha256": "22".repeat(32), "primary": true, "serial": 17},
        ]},
    ]))), @r#"
    clients[0].credentials[0]: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` and `subject`, found several
    clients[1].credentials[0].uri_san: expected a URI such as spiffe://example.org/ns/shop/sa/cart, with `*` for any whole segment of its path, and beside a `*` no query, fragment, empty segment or dot segment, found "spiffe://*/ns/a"
    clients[2].credentials[0].uri_san: expected a URI such as spiffe://example.org/ns/shop/sa/cart, with `*` for any whole segment of its path, and beside a `*` no query, fragment, empty segment or dot segment, found "spiffe://example.org/ns/a*"
    clients[3].credentials[0].uri_san: expected a URI such as spiffe://example.org/ns/shop/sa/cart, with `*` for any whole segment of its path, and beside a `*` no query, fragment, empty segment or dot segment, found "Spiffe://example.org/ns/a b"
    clients[4].credentials[0].dns_san: expected a DNS name such as cart.shop.example, with `*` for any whole label but the last, found "a.*"
    clients[5].credentials[0].dns_san: expected a DNS name such as cart.shop.example, with `*` for any whole label but the last, found "a..example"
    clients[6].credentials[0].issuer: expected the attributes of the certificate's issuer, found nothing
    clients[7].credentials[0].issuer: expected `subject` beside it, or no `issuer`, found a map
    clients[8].credentials[0].subject.cn: expected one of `common_name`, `organization`, `organizational_unit`, `country`, `state_or_province`, `locality`, `street_address`, `serial_number`, `domain_component`, `user_id`, `email_address`, `title` and 3 more, found an unknown field
    clients[8].credentials[0].subject.organization: expected text, or a list of texts for an attribute that occurs several times, found a list
    clients[8].credentials[0].issuer: expected a map from attributes to values, such as {common_name: cart}, found a map
    clients[9].credentials[0].spki_sha256: expected 32 bytes, found 1
    clients[9].credentials[0].not_before: expected a time in UTC such as 2026-11-24T12:00:00Z, found "tomorrow"
    clients[9].credentials[0].not_after: expected a time in UTC such as 2026-11-24T12:00:00Z, found 5: quote it
    clients[10].groups[0]: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found "A"
    clients[10].groups[2]: expected a name of its own, found that of clients[10].groups[1]
    clients[10].scopes: expected a list of names, found "read"
    clients[10].credentials[0].not_after: expected a time after `not_before`, found "2026-01-01T00:00:00Z"
    clients[10].credentials[1].serial: expected the certificate's serial number as text, found 17: quote it
    clients[10].credentials[1].primary: expected a primary credential of its own, found that of clients[10].credentials[0].primary
    clients[1].alias: expected an alias of its own, found that of clients[0]
    clients[2].alias: expected an alias of its own, found that of clients[0]
    clients[3].alias: expected an alias of its own, found that of clients[0]
    clients[4].alias: expected an alias of its own, found that of clients[0]
    clients[5].alias: expected an alias of its own, found that of clients[0]
    clients[6].alias: expected an alias of its own, found that of clients[0]
    clients[7].alias: expected an alias of its own, found that of clients[0]
    clients[8].alias: expected an alias of its own, found that of clients[0]
    clients[9].alias: expected an alias of its own, found that of clients[0]
    "#);
}

#[test]
fn credentials_that_meet() {
    let client = |alias: &str, credentials: Value| json!({"alias": alias, "tier": "gold", "credentials": credentials});
    insta::assert_snapshot!(errors_of(&with("clients", json!([
        client("a", json!([
            {"uri_san": "spiffe://example.org/ns/*/sa/cart"},
            {"spki_sha256": "33".repeat(32)},
            {"sha256": "44".repeat(32)},
            {"subject": {"common_name": "x"}, "issuer": {"common_name": "CA"}},
            {"dns_san": "*.shop.example"},
        ])),
        client("b", json!([
            {"uri_san": "spiffe://example.org/ns/shop/sa/*"},
            {"spki_sha256": "33".repeat(32)},
            {"sha256": "33".repeat(32)},
            {"subject": {"organization": "y"}, "issuer": {"common_name": "CA"}},
            {"dns_san": "*.SHOP.example"},
        ])),
        // More specific, of another length, by another issuer, of the same client: these do not meet.
        client("c", json!([
            {"uri_san": "spiffe://example.org/ns/shop/sa/cart"},
            {"uri_san": "spiffe://example.org/ns/*"},
            {"uri_san": "spiffe://example.org/*/shop"},
            {"subject": {"organization": "y"}, "issuer": {"common_name": "other CA"}},
            {"dns_san": "*.cart.shop.example"},
            {"dns_san": "cart.shop.example"},
        ])),
    ]))), @r"
    clients[1].credentials[1]: expected a public key of its own, found 3333333333333333333333333333333333333333333333333333333333333333, which is that of clients[0].credentials[1] (`a`)
    clients[1].credentials[4]: expected a name of its own, found that of clients[0].credentials[4] (`a`)
    clients[1].credentials[0]: expected a pattern that matches no name equally well as another client's, found one that meets clients[0].credentials[0] (`a`)
    clients[1].credentials[3]: expected a pattern that matches no name equally well as another client's, found one that meets clients[0].credentials[3] (`a`)
    ");
}
