//! Errors in the text itself: JSON that breaks off, keys that stand twice, private keys, nesting without end.

use super::{errors, errors_of, with};
use crate::protobuf_struct;
use certgate_core::config;
use serde_json::json;

#[test]
fn nothing_and_nonsense() {
    insta::assert_snapshot!(errors(""), @"expected a configuration, found nothing");
    insta::assert_snapshot!(errors(" \n\t"), @"expected a configuration, found nothing");
    insta::assert_snapshot!(errors("{}"), @"version: expected 1, found nothing");
    insta::assert_snapshot!(errors("null"), @"expected a map with `version`, `tiers` and `clients`, found null");
    insta::assert_snapshot!(errors("[1, {\"a\": 2}]"), @"expected a map with `version`, `tiers` and `clients`, found a list");
    insta::assert_snapshot!(errors("version: 1"), @"line 1, column 1: expected JSON, and read no further: expected value");
    insta::assert_snapshot!(errors(r#"{"version": 1} {}"#), @"line 1, column 16: expected JSON, and read no further: trailing characters");
    insta::assert_snapshot!(config::read(b"{\"version\": 1, \"mode\": \"\xff\"}").unwrap_err(), @"expected JSON text or a google.protobuf.Struct, found a byte that is not UTF-8 after 24 that are");
    insta::assert_snapshot!(config::read(&protobuf_struct::encode(&json!({"mode": "shadow"}))).unwrap_err(), @"version: expected 1, found nothing");
}

#[test]
fn json_that_breaks_off_is_reported_with_its_place_and_all_that_was_found_before() {
    insta::assert_snapshot!(errors(
        r#"{
  "version": 2,
  "clients": [
    {"alias": "A", "tier": "gold", "credentials": []},
    {"alias": "b", "tier": "gold" "credentials": []}
  ]
}"#), @r#"
    version: expected 1, found 2
    clients[0].alias: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found "A"
    clients[0].credentials: expected a list of one credential or more, found an empty list
    line 5, column 35: expected JSON, and read no further: expected `,` or `}`
    "#);
}

#[test]
fn keys_that_stand_twice() {
    insta::assert_snapshot!(errors(r#"{
        "version": 1, "mode": "shadow", "mode": "enforce",
        "tiers": {"gold": {}, "gold": {"limits": [], "limits": []}},
        "clients": [{"alias": "a", "alias": "b", "tier": "gold", "credentials": [{"name": "x", "name": "y", "unknown": {"k": 1, "k": 2}}]}],
        "clients": []
    }"#), @r"
    mode: expected each key once, found it again
    tiers.gold: expected each key once, found it again
    tiers.gold.limits: expected each key once, found it again
    clients[0].alias: expected each key once, found it again
    clients[0].credentials[0].name: expected each key once, found it again
    clients[0].credentials[0].unknown.k: expected each key once, found it again
    clients[0].credentials[0].unknown: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san`, `subject`, `issuer`, `name`, `primary`, `serial`, `not_before`, `not_after` and 1 more, found an unknown field
    clients[0].credentials[0]: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san` and `subject`, found none
    clients: expected each key once, found it again
    ");
}

#[test]
fn private_keys_are_refused_wherever_they_stand_and_never_shown() {
    let secret = "MC4CAQAwBQYDK2VwBCIEIHNlY3JldA";
    let key = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n");
    let mut document = with(
        "clients",
        json!([
            {"alias": key, "tier": key, "description": format!("mine: {key}"), "credentials": [{"pem": key}, {"sha256": key}]},
            {"alias": "b", "tier": "gold", "credentials": [{"sha256": "00".repeat(32), "name": key, "x": {"y": [[key]]}}], key.clone(): key},
        ]),
    );
    document["tiers"][&key] = json!({});
    document["headers"] = json!({"alias": key.replace(' ', "%20")});
    document["mode"] = key.replace("PRIVATE", "RSA PRIVATE").into();
    document[&key] = json!(1);
    let errors = errors_of(&document);
    assert!(!errors.contains(secret));
    insta::assert_snapshot!(errors, @r#"
    ["<private key>"]: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[0].alias: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[0].credentials[0].pem: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[0].credentials[1].sha256: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[0].description: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[0].tier: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[1]["<private key>"]: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[1]["<private key>"]: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[1].credentials[0].name: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[1].credentials[0].x.y[0][0]: expected no private key, found one: remove it, and replace it wherever it is in use
    clients[1].credentials[0].x: expected one of `sha256`, `pem`, `spki_sha256`, `uri_san`, `dns_san`, `subject`, `issuer`, `name`, `primary`, `serial`, `not_before`, `not_after` and 1 more, found an unknown field
    headers.alias: expected no private key, found one: remove it, and replace it wherever it is in use
    mode: expected no private key, found one: remove it, and replace it wherever it is in use
    tiers["<private key>"]: expected no private key, found one: remove it, and replace it wherever it is in use
    "#);
    insta::assert_snapshot!(errors_of(&with("clients", json!({"a": [key], key.clone(): 1}))), @r#"
    clients["<private key>"]: expected no private key, found one: remove it, and replace it wherever it is in use
    clients.a[0]: expected no private key, found one: remove it, and replace it wherever it is in use
    clients: expected a list of clients, found a map
    "#);
    let key = json!(key).to_string();
    insta::assert_snapshot!(self::errors(&format!("[1, [{key}]]")), @"
    [1][0]: expected no private key, found one: remove it, and replace it wherever it is in use
    expected a map with `version`, `tiers` and `clients`, found a list
    ");
    insta::assert_snapshot!(self::errors(&format!("{{\"version\": 1, \"clients\": [], \"clients\": [{{\"a\": {key}}}]}}")), @"
    clients: expected each key once, found it again
    clients[0].a: expected no private key, found one: remove it, and replace it wherever it is in use
    ");
    for broken in [
        key.clone(),
        format!("[{key}]"),
        format!("{{\"version\": {key} {key}"),
        format!("{{\"mode\": {{{key}: {key}}}"),
    ] {
        assert!(!self::errors(&broken).contains(secret), "{broken}");
    }
}

#[test]
fn nesting_without_end() {
    let document = json!({"version": 1, "x": "here"});
    let nest = |levels: usize| {
        document.to_string().replace("\"here\"", &("[{\"a\":".repeat(levels) + "1" + &"}]".repeat(levels)))
    };
    insta::assert_snapshot!(errors(&nest(8)), @"x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field");
    insta::assert_snapshot!(errors(&nest(9)), @"
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field
    x[0].a[0].a[0].a[0].a[0].a[0].a[0].a[0].a: expected fewer levels of lists and maps, found too many to read on
    ");
    insta::assert_snapshot!(errors(&nest(100_000)), @"
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field
    x[0].a[0].a[0].a[0].a[0].a[0].a[0].a[0].a: expected fewer levels of lists and maps, found too many to read on
    ");
    let items = "[".repeat(200_000);
    insta::assert_snapshot!(errors(&format!("{{\"version\": 1, \"clients\": [{items}")), @"line 1, column 200027: expected JSON, and read no further: EOF while parsing a list");
}

#[test]
fn a_summary_is_one_bounded_line() {
    let errors = config::read(br#"{"version": 2, "a": 1, "b": 2, "c": 3}"#).unwrap_err();
    insta::assert_snapshot!(errors.summary(2), @"version: expected 1, found 2; a: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field ... and 2 more");
    insta::assert_snapshot!(errors.summary(9), @"version: expected 1, found 2; a: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field; b: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field; c: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field");
    assert_eq!(errors.len(), errors.iter().count());
}
