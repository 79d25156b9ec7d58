//! Errors of configurations: all of them at once, each with its path, what was expected and what was found.

mod clients;
mod limits;
mod rules;
mod text;

use crate::protobuf_struct;
use certgate_core::config;
use certgate_test_support::registry::{by_fingerprint, registry};
use serde_json::{Value, json};

/// The errors that a text has.
fn errors(text: &str) -> String {
    config::read(text.as_bytes()).unwrap_err().to_string()
}

/// The errors of a document, which are the same in JSON and as a Struct.
fn errors_of(document: &Value) -> String {
    let from_struct = config::read(&protobuf_struct::encode(document)).unwrap_err();
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let from_json = errors(&document.to_string());
    assert_eq!(sorted(&from_json), sorted(&from_struct.to_string()));
    from_json
}

/// A document that is right, with `part` changed.
fn with(part: &str, value: Value) -> Value {
    let tiers = [("gold", json!([{"name": "burst", "requests": 100, "per": "1s"}]))];
    let mut document = registry(&tiers, &[by_fingerprint("a", "gold", &"00".repeat(32))]);
    document[part] = value;
    document
}

#[test]
fn fields_that_are_unknown_missing_or_of_another_type() {
    insta::assert_snapshot!(errors_of(&json!({
        "version": "1",
        "mode": "Enforce",
        "plugin": {},
        "teirs": {},
        "tiers": [],
        "clients": {"a": 1},
        "headers": null,
        "rate_limit_headers": "draft",
        "filter_state": 1,
        "metrics": {"clients": 100_001, "client": 1},
    })), @r#"
    clients: expected a list of clients, found a map
    filter_state: expected `refusals` or `always`, found 1
    headers: expected a map of header names, found null
    metrics.client: expected `clients`, found an unknown field
    metrics.clients: expected a whole number from 0 to 100000, found 100001
    mode: expected `enforce` or `shadow`, found "Enforce"
    plugin: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field
    rate_limit_headers: expected `ietf`, `legacy` or `off`, found "draft"
    teirs: expected `tiers`, found an unknown field
    tiers: expected a map from names to tiers, found an empty list
    version: expected 1, found "1"
    "#);
    insta::assert_snapshot!(errors_of(&with("clients", json!([
        "partner-a",
        {},
        {"alias": 5, "tier": null, "enabled": "yes", "description": ["x"], "credentials": {}, "team": []},
        {"alias": "b", "tier": "gold", "enabled": null, "credential": [], "credentials": []},
        {"alias": "c", "tier": "gold", "credentials": [
            {},
            {"sha256": "00", "pem": ""},
            {"sha256": 17, "revoked": 1, "name": true},
            {"pem": null},
            {"spki_sha1": "x"},
            null,
        ]},
    ]))), @r#"
    clients[0]: expected a map with `alias`, `tier` and `credentials`, found "partner-a"
    clients[1].alias: expected the client's alias, found nothing
    clients[1].tier: expected the name of the client's tier, found nothing
    clients[1].credentials: expected a list of one credential or more, found nothing
    clients[2].team: expected one of `alias`, `tier`, `groups`, `scopes`, `enabled`, `description`, `credentials`, found an unknown field
    clients[2].alias: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found 5: quote it
    clients[2].tier: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found null
    clients[2].enabled: expected `true` or `false`, found "yes"
    clients[2].description: expected text, found a list
    clients[2].credentials: expected a list of one credential or more, found a map
    clients[3].credential: expected `credentials`, found an unknown field
    clients[3].enabled: expected `true` or `false`, found null
    clients[3].credentials: expected a list of one credential or more, found an empty list
    clients[4].credentials[0]: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` and `subject`, found none
    clients[4].credentials[1]: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` and `subject`, found several
    clients[4].credentials[2].sha256: expected the certificate's SHA-256 as text, found 17: quote it
    clients[4].credentials[2].name: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found true: quote it
    clients[4].credentials[2].revoked: expected `true` or `false`, found 1
    clients[4].credentials[3].pem: expected a certificate as PEM text, found null
    clients[4].credentials[4].spki_sha1: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san`, `subject`, `issuer`, `name`, `primary`, `serial`, `not_before`, `not_after` and 1 more, found an unknown field
    clients[4].credentials[4]: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` and `subject`, found none
    clients[4].credentials[5]: expected a map with `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` or `subject`, found null
    "#);
}

#[test]
fn header_names() {
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "X-Client", "tier": "", "fingerprint": ":path"}))), @r#"
    headers.alias: expected a lower-case header name of at most 128 characters, or null, found "X-Client"
    headers.tier: expected a lower-case header name of at most 128 characters, or null, found ""
    headers.fingerprint: expected a lower-case header name of at most 128 characters, or null, found ":path"
    "#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "host", "tier": "x_forwarded.client-cert", "fingerprint": "a".repeat(129)}))), @r#"
    headers.alias: expected a header without a meaning for HTTP or Envoy, found "host"
    headers.tier: expected a header without a meaning for HTTP or Envoy, found "x_forwarded.client-cert"
    headers.fingerprint: expected a lower-case header name of at most 128 characters, or null, found <129 characters>
    "#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "transfer_encoding", "tier": "x-envoy-a", "fingerprint": 1}))), @r#"
    headers.alias: expected a header without a meaning for HTTP or Envoy, found "transfer_encoding"
    headers.tier: expected a header without a meaning for HTTP or Envoy, found "x-envoy-a"
    headers.fingerprint: expected a lower-case header name of at most 128 characters, or null, found 1: quote it
    "#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "x-request-id"}))), @r#"headers.alias: expected a header without a meaning for HTTP or Envoy, found "x-request-id""#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "x-client-tier", "fingerprint": "x_client.tier", "alias2": null}))), @"
    headers.alias2: expected `alias`, found an unknown field
    headers.alias: expected a header of its own, found that of headers.tier
    headers.fingerprint: expected a header of its own, found that of headers.alias
    headers.fingerprint: expected a header of its own, found that of headers.tier
    ");
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "x_client_limit_warning", "tier": "client-cert", "fingerprint": "x-client-alias"}))), @r#"
    headers.alias: expected a header that certgate does not use for anything else, found "x_client_limit_warning"
    headers.tier: expected a header that certgate does not use for anything else, found "client-cert"
    "#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "a b", "tier": "cookie\u{e4}"}))), @r#"
    headers.alias: expected a lower-case header name of at most 128 characters, or null, found "a b"
    headers.tier: expected a lower-case header name of at most 128 characters, or null, found "cookie\u{e4}"
    "#);
}

#[test]
fn identity_and_the_rest() {
    let error = |key: &str, value: Value| errors_of(&with(key, value));
    insta::assert_snapshot!(
        [
            error("identity", json!({"source": "header", "chain": "none"})),
            error("identity", json!({"source": "xfcc"})),
            error("identity", json!({"trusted_relays": [{"sha256": "11".repeat(32)}]})),
            error("identity", json!({"source": "xfcc", "trusted_relays": [{"sha256": "11", "name": "edge"}, {}]})),
            error("anonymous_tier", json!("silver")),
            error("misdirected", json!(true)),
            error("misdirected", json!(403)),
            error("audit", json!("off")),
            error("audit", json!(false)),
            error("crls", json!({"pem": "x"})),
            error("crls", json!([{"pem": "x", "strict": 1, "issuer_pem": "y"}, {}])),
            error("headers", json!({"groups": "x-client-alias", "client_cert": "x-cert", "subject": "x-client-groups"})),
        ]
        .concat(),
        @r#"
        identity.source: expected `connection` or `xfcc`, found "header"
        identity.chain: expected `verified` or `listener`, found "none"
        identity.trusted_relays: expected a list of one credential or more, found nothing
        identity.trusted_relays: expected `source: xfcc` beside it, or no `trusted_relays`, found a list
        identity.trusted_relays[0].name: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san`, `subject`, `issuer`, found an unknown field
        identity.trusted_relays[0].sha256: expected 32 bytes, found 1
        identity.trusted_relays[1]: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` and `subject`, found none
        anonymous_tier: expected one of the tiers (`gold`), found `silver`
        misdirected: expected `421` or `off`, found true
        misdirected: expected `421` or `off`, found 403
        audit: expected `rejections` or `all`, found "off"
        audit: expected `rejections` or `all`, found false
        crls: expected a list of CRLs, found a map
        crls[0].strict: expected `true` or `false`, found 1
        crls[0].issuer_pem: expected a certificate, found something else: no readable PEM block CERTIFICATE
        crls[0].pem: expected a complete CRL of one issuer for all reasons: no PEM block X509 CRL
        crls[1].pem: expected a CRL as PEM text, found nothing
        headers.client_cert: expected `client-cert` or null, found "x-cert"
        headers.groups: expected a header of its own, found that of headers.alias
        "#
    );
}
