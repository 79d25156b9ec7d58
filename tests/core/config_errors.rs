//! What a configuration's errors say: all of them at once, each with its path, what was expected and what was found.

use crate::protobuf_struct;
use certgate::config;
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
    let mut document = json!({
        "version": 1,
        "tiers": {"gold": {"limits": [{"name": "burst", "requests": 100, "per": "1s"}]}},
        "clients": [{"alias": "a", "tier": "gold", "credentials": [{"sha256": "00".repeat(32)}]}],
    });
    document[part] = value;
    document
}

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
    let certificate = || rcgen::generate_simple_self_signed(vec!["a".to_owned()]).unwrap().cert.pem();
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
        {"sha256": certgate::certificate::fingerprint(&certgate::certificate::der_from_text(one.as_bytes()).unwrap()).to_string()},
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
fn what_a_limit_cannot_be() {
    let limits = [
        json!({"name": "a", "kind": "window", "requests": 1, "per": "1d", "burst": 2, "initial": "full", "cots": 1}),
        json!({"name": "b", "kind": "quota", "requests": 1_000_000_000_000_000_u64, "per": "1d", "burst": 2, "initial": "half"}),
        json!({"name": "c", "kind": "quota"}),
        json!({"name": "d", "requests": 10, "per": "1s", "initial": "full", "mode": "off", "warn_at": "80"}),
        json!({"name": "e", "requests": 10, "per": "1s", "warn_at": 80, "cost": 5}),
        json!({"name": "f", "requests": 10, "per": "1s", "warn_at": "0%", "cost": {"post": 5, "": 1, "GET": -1, "default": "x"}}),
        json!({"name": "g", "requests": 10, "per": "1s", "burst": 4, "warn_at": "101%", "cost": {"POST": 5, "default": 10, "GET": 4}}),
        json!({"name": "h", "requests": 10, "per": "1s", "burst": 4, "cost": {"POST": 5, "PUT": 4}}),
        json!({"name": "i", "kind": "quota", "requests": 10, "per": "hour", "cost": {"default": 11}}),
        json!({"name": "j", "kind": "bytes", "requests": 10, "per": "month", "cost": {"POST": 5}}),
        json!({"name": "k", "requests": 10, "per": "1s", "cost": {"GET": 0, "default": 0}, "warn_at": "080%"}),
    ];
    insta::assert_snapshot!(errors_of(&with("tiers", json!({"gold": {"limits": limits}}))), @r#"
    tiers.gold.limits[0].kind: expected `token_bucket`, `quota` or `bytes`, found "window"
    tiers.gold.limits[0].cots: expected `cost`, found an unknown field
    tiers.gold.limits[1].burst: expected one of `name`, `kind`, `requests`, `per`, `initial`, `cost`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[1].requests: expected a whole number from 1 to 999999999999999, found 1000000000000000
    tiers.gold.limits[1].per: expected `hour`, `day` or `month`, of the calendar in UTC, found "1d"
    tiers.gold.limits[1].initial: expected `full` or `prorated`, found "half"
    tiers.gold.limits[2].requests: expected a whole number from 1 to 999999999999999, found nothing
    tiers.gold.limits[2].per: expected `hour`, `day` or `month`, of the calendar in UTC, found nothing
    tiers.gold.limits[3].initial: expected one of `name`, `kind`, `requests`, `per`, `burst`, `cost`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[3].mode: expected `enforce` or `shadow`, found "off"
    tiers.gold.limits[3].warn_at: expected a share from 1% to 100%, such as 80%, found "80"
    tiers.gold.limits[4].cost: expected a map from methods to costs, such as {POST: 5, default: 1}, found 5
    tiers.gold.limits[4].warn_at: expected a share from 1% to 100%, such as 80%, found 80
    tiers.gold.limits[5].cost[""]: expected a method in capitals, such as POST, or `default`, found ""
    tiers.gold.limits[5].cost.GET: expected a whole number from 0 to 2^53, found -1
    tiers.gold.limits[5].cost.default: expected a whole number from 0 to 2^53, found "x"
    tiers.gold.limits[5].cost.post: expected a method in capitals, such as POST, or `default`, found "post"
    tiers.gold.limits[5].warn_at: expected a share from 1% to 100%, such as 80%, found "0%"
    tiers.gold.limits[6].warn_at: expected a share from 1% to 100%, such as 80%, found "101%"
    tiers.gold.limits[6].cost.POST: expected a cost of at most 4, which is all that the limit holds, found 5
    tiers.gold.limits[6].cost.default: expected a cost of at most 4, which is all that the limit holds, found 10
    tiers.gold.limits[7].cost.POST: expected a cost of at most 4, which is all that the limit holds, found 5
    tiers.gold.limits[8].cost.default: expected a cost of at most 10, which is all that the limit holds, found 11
    tiers.gold.limits[9].cost: expected one of `name`, `kind`, `bytes`, `per`, `burst`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[9].requests: expected one of `name`, `kind`, `bytes`, `per`, `burst`, `mode`, `warn_at`, found an unknown field
    tiers.gold.limits[9].bytes: expected a whole number from 1 to 2^53, found nothing
    tiers.gold.limits[9].per: expected a duration from 100ms to 366d, or `kind: quota` beside it, found "month"
    tiers.gold.limits[10].cost: expected a cost above 0 for some method or for `default`, found a map
    tiers.gold.limits[10].warn_at: expected a share from 1% to 100%, such as 80%, found "080%"
    "#);
}

#[test]
fn limits_that_cannot_be_counted() {
    let limit = |requests: Value, per: Value, burst: Value| json!({"name": "x", "requests": requests, "per": per, "burst": burst});
    let limits = [
        limit(json!(0), json!("1s"), json!(0)),
        limit(json!(-1), json!("1s"), json!(1.5)),
        limit(json!("100"), json!(1), json!(null)),
        limit(json!(1e16), json!("1.5s"), json!(9_007_199_254_740_994_u64)),
        limit(json!(1), json!("99ms"), json!(1)),
        limit(json!(1), json!("367d"), json!(1)),
        limit(json!(1), json!("1month"), json!(1)),
        limit(json!(3_000_000), json!("1s"), json!(1)),
        limit(json!(1), json!("366d"), json!(10)),
        limit(json!(1000), json!("1s"), json!(1_000_000_000_000_000_u64)),
        json!({}),
        json!({"name": "x", "requests": 10_000_000_000_000_000_u64, "per": "366d", "windows": 1}),
    ];
    let tiers: serde_json::Map<_, _> =
        limits.into_iter().enumerate().map(|(n, limit)| (format!("t{n:02}"), json!({"limits": [limit]}))).collect();
    insta::assert_snapshot!(errors_of(&with("tiers", json!({"gold": {}, "a": null, "b": {"limits": {}}, "c": {"limit": []}}))), @"
    tiers.a: expected a map with `limits`, or an empty one for no limits, found null
    tiers.b.limits: expected a list of limits, found a map
    tiers.c.limit: expected `limits`, found an unknown field
    ");
    let mut document = with("tiers", tiers.into());
    document["clients"] = json!([]);
    insta::assert_snapshot!(errors_of(&document), @r#"
    tiers.t00.limits[0].requests: expected a whole number from 1 to 2^53, found 0
    tiers.t00.limits[0].burst: expected a whole number from 1 to 2^53, found 0
    tiers.t01.limits[0].requests: expected a whole number from 1 to 2^53, found -1
    tiers.t01.limits[0].burst: expected a whole number from 1 to 2^53, found a number that is not whole
    tiers.t02.limits[0].requests: expected a whole number from 1 to 2^53, found "100"
    tiers.t02.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found 1: quote it
    tiers.t02.limits[0].burst: expected a whole number from 1 to 2^53, found null
    tiers.t03.limits[0].requests: expected a whole number from 1 to 2^53, found a number beyond 2^53
    tiers.t03.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "1.5s"
    tiers.t03.limits[0].burst: expected a whole number from 1 to 2^53, found a number beyond 2^53
    tiers.t04.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "99ms"
    tiers.t05.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "367d"
    tiers.t06.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found "1month"
    tiers.t07.limits[0].requests: expected a rate that whole nanoseconds can express within 0.1 %: the nearest is 3003004
    tiers.t08.limits[0].burst: expected a burst that fills within ten years, found a larger one: the largest is 9
    tiers.t09.limits[0].burst: expected a burst of at most 999999999999999, found a larger one
    tiers.t10.limits[0].name: expected the limit's name, found nothing
    tiers.t10.limits[0].requests: expected a whole number from 1 to 2^53, found nothing
    tiers.t10.limits[0].per: expected a duration from 100ms to 366d, such as 500ms, 1s, 5m, 1h or 1d, found nothing
    tiers.t11.limits[0].windows: expected one of `name`, `kind`, `requests`, `per`, `burst`, `cost`, `mode`, `warn_at`, found an unknown field
    tiers.t11.limits[0].requests: expected a whole number from 1 to 2^53, found a number beyond 2^53
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
    headers.alias: expected a header that neither HTTP nor Envoy gives a meaning, found "host"
    headers.tier: expected a header that neither HTTP nor Envoy gives a meaning, found "x_forwarded.client-cert"
    headers.fingerprint: expected a lower-case header name of at most 128 characters, or null, found <129 characters>
    "#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "transfer_encoding", "tier": "x-envoy-a", "fingerprint": 1}))), @r#"
    headers.alias: expected a header that neither HTTP nor Envoy gives a meaning, found "transfer_encoding"
    headers.tier: expected a header that neither HTTP nor Envoy gives a meaning, found "x-envoy-a"
    headers.fingerprint: expected a lower-case header name of at most 128 characters, or null, found 1: quote it
    "#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "x-request-id"}))), @r#"headers.alias: expected a header that neither HTTP nor Envoy gives a meaning, found "x-request-id""#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "x-client-tier", "fingerprint": "x_client.tier", "alias2": null}))), @"
    headers.alias2: expected `alias`, found an unknown field
    headers.alias: expected a header of its own, found that of headers.tier
    headers.fingerprint: expected a header of its own, found that of headers.alias
    headers.fingerprint: expected a header of its own, found that of headers.tier
    ");
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "x_client_limit_warning", "tier": "client-cert", "fingerprint": "x-client-alias"}))), @r#"
    headers.alias: expected a header that certgate gives no other meaning, found "x_client_limit_warning"
    headers.tier: expected a header that certgate gives no other meaning, found "client-cert"
    "#);
    insta::assert_snapshot!(errors_of(&with("headers", json!({"alias": "a b", "tier": "cookie\u{e4}"}))), @r#"
    headers.alias: expected a lower-case header name of at most 128 characters, or null, found "a b"
    headers.tier: expected a lower-case header name of at most 128 characters, or null, found "cookie\u{e4}"
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

#[test]
fn credentials_of_every_kind() {
    let credential = |credential: Value| json!({"alias": "a", "tier": "gold", "credentials": [credential]});
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
    clients[9].credentials[0].not_before: expected a moment in UTC such as 2026-11-24T12:00:00Z, found "tomorrow"
    clients[9].credentials[0].not_after: expected a moment in UTC such as 2026-11-24T12:00:00Z, found 5: quote it
    clients[10].groups[0]: expected a name of up to 63 characters a-z, 0-9 and, but for the first, `.` `_` `-`, found "A"
    clients[10].groups[2]: expected a name of its own, found that of clients[10].groups[1]
    clients[10].scopes: expected a list of names, found "read"
    clients[10].credentials[0].not_after: expected a moment after `not_before`, found "2026-01-01T00:00:00Z"
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

#[test]
fn rules_of_every_kind() {
    insta::assert_snapshot!(errors_of(&with("rules", json!([
        5,
        {"name": "a", "match": {"hosts": [], "path": "x", "methods": ["get"]}, "access": "allow"},
        {"name": "a", "match": {"hosts": ["*", "a.example:443", "*.example"], "path": "/a/../b", "host": "x"}},
        {"match": {"path": "/a/**/b"}, "limits": [{"name": "x", "requests": 1, "per": "1s"}], "tier": "none"},
        {"name": "b", "groups": [], "aliases": ["nobody"], "tiers": ["silver"], "tier": "silver", "bound_token": "yes"},
        {"name": "c", "limits": [{"name": "burst", "requests": 1, "per": "1s"}]},
        {"name": "d", "access": "public", "groups": ["a"], "limits": []},
        {"access": "optional", "scopes": ["a"], "bound_token": true},
        {"access": "deny", "tier": "gold", "name": "e"},
        {"uri_san": ["spiffe://example.org/*", "x"], "dns_san": "a.example", "subject": {"ou": "x"}, "issuer": "x"},
    ]))), @r#"
    rules[0]: expected a map with `match`, `access` and who may, found 5
    rules[1].match.hosts: expected a list of hosts, found an empty list
    rules[1].match.path: expected a path that begins with `/`, found "x"
    rules[1].match.methods[0]: expected a list of methods in capitals, such as [GET, POST], found "get"
    rules[1].access: expected `require`, `optional`, `public` or `deny`, found "allow"
    rules[2].name: expected a name of its own, found that of rules[1]
    rules[2].match.host: expected `hosts`, found an unknown field
    rules[2].match.hosts[0]: expected a host such as `api.example.com`, `*.example.org`, `10.0.0.1` or `[::1]`, without a port or a dot at its end, found "*"
    rules[2].match.hosts[1]: expected a host such as `api.example.com`, `*.example.org`, `10.0.0.1` or `[::1]`, without a port or a dot at its end, found "a.example:443"
    rules[2].match.path: expected segments that every server reads alike: none empty or with `.` or a space at its end, no `?`, `#`, `;`, `\`, `:$` or control character, nor in escapes; no `/` or `%41` in escapes; and other than ASCII as UTF-8 in escapes (`%C3%A4`), without characters that some servers make one of these, found "/a/../b"
    rules[3].match.path: expected `**` only as the last segment, found "/a/**/b"
    rules[3].name: expected the rule's name, which tells its buckets from others', found nothing
    rules[4].groups: expected a list of one name or more, found an empty list
    rules[4].bound_token: expected `true` or `false`, found "yes"
    rules[6].groups: expected `access: require` beside it, found a list
    rules[6].limits: expected `access: require` or `optional` beside it, found an empty list
    rules[7].scopes: expected `access: require` beside it, found a list
    rules[7].bound_token: expected `access: require` beside it, found true
    rules[8].tier: expected `access: require` or `optional` beside it, found "gold"
    rules[9].uri_san[1]: expected a URI such as spiffe://example.org/ns/shop/sa/cart, with `*` for any whole segment of its path, and beside a `*` no query, fragment, empty segment or dot segment, found "x"
    rules[9].dns_san: expected a list of patterns, found "a.example"
    rules[9].subject.ou: expected one of `common_name`, `organization`, `organizational_unit`, `country`, `state_or_province`, `locality`, `street_address`, `serial_number`, `domain_component`, `user_id`, `email_address`, `title` and 3 more, found an unknown field
    rules[9].issuer: expected a map from attributes to values, such as {common_name: cart}, found "x"
    rules[4].aliases[0]: expected the alias of a client, found `nobody`, which no client has
    rules[4].tiers[0]: expected one of the tiers (`gold`), found `silver`
    rules[4].tier: expected one of the tiers (`gold`), found `silver`
    rules[5].limits[0].name: expected a name of its own, found that of tiers.gold.limits
    "#);
    insta::assert_snapshot!(errors_of(&with("rules", json!({"name": "a"}))), @r"rules: expected a list of rules, found a map");
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
