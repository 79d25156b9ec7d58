//! Laws of every configuration, right or wrong, in random cases.

use crate::fixtures::{authority_named, days};
use crate::protobuf_struct;
use certgate_core::config;
use certgate_core::domain::credential::CredentialIndex;
use certgate_core::domain::policy::Policy;
use certgate_test_support::laws::cases;
use certgate_test_support::registry::merge;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use rcgen::DnType;
use serde_json::{Value, json};
use std::sync::LazyLock;
use std::thread;

const NAME: &str = "[a-z0-9][a-z0-9._-]{0,12}";

/// A name that a certificate may have and JSON must escape.
const ODD: &str = "R&D \"x\" \\ \n\t\u{1}\u{7f} \u{e9}\u{2028}\u{1f980}";

const PEMS: [&str; 3] = [
    include_str!("../../../tests/fixtures/certificates/ec_P-256.pem"),
    include_str!("../../../tests/fixtures/certificates/everything.pem"),
    include_str!("../../../tests/fixtures/certificates/version_1.pem"),
];

static CRLS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let authority = authority_named(&[(DnType::CommonName, ODD)]);
    vec![
        include_str!("../../../tests/fixtures/crl/version_1.pem").to_owned(),
        authority.crl(&[1, 128, u64::MAX], days(-2, 1)),
    ]
});

/// An object of those entries that are chosen.
fn chosen<const N: usize>(entries: [(&str, bool, Value); N]) -> Value {
    let chosen = entries.into_iter().filter(|(_, chosen, _)| *chosen);
    chosen.map(|(key, _, value)| (key.to_owned(), value)).collect()
}

/// A token bucket: requests, the period and its unit, and the burst.
#[derive(Clone, Debug)]
struct Bucket(u64, u64, &'static str, Option<u64>);

fn bucket() -> impl Strategy<Value = Bucket> {
    (1_u64..100_000, 1_u64..1000, select(&["s", "m"]), prop::option::of(1_u64..1000))
        .prop_map(|(requests, per, unit, burst)| Bucket(requests, per, unit, burst))
}

impl Bucket {
    fn limit(&self, name: &str) -> Value {
        let Self(requests, per, unit, burst) = self;
        chosen([
            ("name", true, json!(name)),
            ("requests", true, json!(requests)),
            ("per", true, json!(format!("{per}{unit}"))),
            ("burst", burst.is_some(), json!(burst)),
        ])
    }
}

/// A credential: which kind, and what else it says.
#[derive(Clone, Debug)]
struct Credential(u8, [bool; 7]);

impl Credential {
    /// The one with this number in the registry, at this place among its client's.
    fn value(&self, number: usize, place: usize) -> Value {
        let Self(kind, [revoked, named, from, to, serial, primary, pattern]) = *self;
        let digest = format!("{number:064x}");
        let asked = match (kind, PEMS.get(number)) {
            (0, Some(pem)) => json!({"pem": pem}),
            (1, _) => json!({"spki_sha256": digest}),
            (2, _) if pattern => json!({"uri_san": format!("spiffe://example.org/{number}/*/a/*")}),
            (2, _) => json!({"uri_san": format!("spiffe://example.org/{number}/a")}),
            (3, _) if pattern => json!({"dns_san": format!("*.n{number}.*.example")}),
            (3, _) => json!({"dns_san": format!("n{number}.example")}),
            (4, _) => json!({
                "subject": {"common_name": format!("{number} {ODD}"), "organizational_unit": ["a", "b"]},
                "issuer": if pattern { json!({"organization": [ODD, ODD]}) } else { json!({"user_id": "ca"}) },
            }),
            _ => json!({"sha256": digest}),
        };
        let more = chosen([
            ("revoked", revoked, json!(!pattern)),
            ("name", named, json!(format!("n{number}"))),
            ("not_before", from, json!("1969-12-31T23:59:59Z")),
            ("not_after", to, json!("2026-11-24T12:00:00Z")),
            ("serial", serial, json!(ODD)),
            ("primary", primary && place == 0, json!(true)),
        ]);
        merge(asked, &more)
    }
}

/// A client: which tier, what else it says, and its credentials.
#[derive(Clone, Debug)]
struct Client(Index, [bool; 5], Vec<Credential>);

fn client() -> impl Strategy<Value = Client> {
    let credential = (0_u8..6, any::<[bool; 7]>()).prop_map(|(kind, said)| Credential(kind, said));
    let credentials = prop::collection::vec(credential, 1..4);
    (any::<Index>(), any::<[bool; 5]>(), credentials)
        .prop_map(|(tier, said, credentials)| Client(tier, said, credentials))
}

impl Client {
    fn value(&self, alias: &str, tiers: &[&str], numbers: impl Iterator<Item = usize>) -> Value {
        let Self(tier, [enabled, disabled, groups, scopes, description], credentials) = self;
        let credentials = credentials.iter().enumerate().zip(numbers);
        let credentials = credentials.map(|((place, credential), number)| credential.value(number, place));
        chosen([
            ("alias", true, json!(alias)),
            ("tier", true, json!(tier.get(tiers))),
            ("enabled", *enabled, json!(!disabled)),
            ("groups", *groups, if *disabled { json!([]) } else { json!(["red", "blue"]) }),
            ("scopes", *scopes, json!(["write", "read", "a.b_c-d"])),
            ("description", *description, json!(ODD)),
            ("credentials", true, credentials.collect()),
        ])
    }
}

/// A rule: its access, what it says, which tier and client it names, and its limit.
#[derive(Clone, Debug)]
struct Rule(&'static str, [bool; 15], Index, Bucket);

fn rule() -> impl Strategy<Value = Rule> {
    // Only the first can say it all.
    let access = select(&["require", "require", "optional", "public", "deny"]);
    (access, any::<[bool; 15]>(), any::<Index>(), bucket())
        .prop_map(|(access, said, named, limit)| Rule(access, said, named, limit))
}

impl Rule {
    fn value(&self, place: usize, tiers: &[&str], aliases: &[&str]) -> Value {
        let Self(access, said, named, limit) = self;
        let [name, hosts, path, methods, groups, alias, tier, scopes, uri, dns, subject, issuer, limits, other, bound] =
            *said;
        let asks = *access == "require";
        let counts = asks || *access == "optional";
        let paths = ["/**", "/", "/a/*/{id}/**", "/%c3%a4", "/a b"];
        let pattern = chosen([
            ("hosts", hosts, json!([format!("r{place}.example"), "*.example.org", "[::1]"])),
            ("path", path, json!(named.get(&paths))),
            ("methods", methods, json!(["GET", "M-SEARCH"])),
        ]);
        chosen([
            ("name", name || counts && (limits || other), json!(format!("rule-{place}"))),
            ("match", hosts || path || methods, pattern),
            ("access", !asks || name, json!(access)),
            ("groups", asks && groups, json!(["red", "nobodys"])),
            ("aliases", asks && alias && !aliases.is_empty(), json!([aliases.get(named.index(aliases.len().max(1)))])),
            ("tiers", asks && tier, json!([named.get(tiers)])),
            ("scopes", asks && scopes, json!(["write"])),
            ("uri_san", asks && uri, json!([format!("spiffe://example.org/*/{}", place % 2), "https://a.example"])),
            ("dns_san", asks && dns, json!(["*.example", "a.*.example"])),
            ("subject", asks && subject, json!({"common_name": [ODD, "b"], "title": "c"})),
            ("issuer", asks && issuer, json!({"common_name": ODD})),
            // No limit of a tier has so long a name.
            ("limits", counts && limits, json!([limit.limit("the-limit-of-this-rule")])),
            ("tier", counts && other, json!(named.get(tiers))),
            ("bound_token", asks && bound, json!(hosts)),
        ])
    }
}

/// The other settings of a configuration, and a number.
#[derive(Clone, Debug)]
struct Settings([bool; 20], u32);

impl Settings {
    fn value(&self, tiers: &[&str]) -> Value {
        let Self(said, series) = self;
        let [shadow, off, legacy, always, identity, xfcc, listener, crls, strict, issuer, both, rest @ ..] = *said;
        let [misdirected, on, anonymous, headers, renamed, groups, scopes, content, default] = rest;
        let relays = json!([
            {"uri_san": "spiffe://example.org/ns/*/sa/gateway"},
            {"pem": PEMS[0]},
            {"dns_san": "*.edge.example"},
            {"subject": {"common_name": ODD}, "issuer": {"country": "DE"}},
        ]);
        let list = |pem: &String| {
            let issuer_pem = json!(include_str!("../../../tests/fixtures/crl/ca.pem"));
            chosen([("pem", true, json!(pem)), ("strict", strict, json!(both)), ("issuer_pem", issuer, issuer_pem)])
        };
        chosen([
            ("version", true, json!(1)),
            ("mode", !default || shadow, json!(if shadow { "shadow" } else { "enforce" })),
            (
                "identity",
                identity,
                chosen([
                    ("source", xfcc || !default, json!(if xfcc { "xfcc" } else { "connection" })),
                    ("trusted_relays", xfcc, relays),
                    ("chain", listener || !default, json!(if listener { "listener" } else { "verified" })),
                ]),
            ),
            ("crls", crls, CRLS.iter().take(if both { 2 } else { 1 }).map(list).collect()),
            ("misdirected", misdirected, if on { json!(421) } else { json!("off") }),
            ("anonymous_tier", anonymous && !tiers.is_empty(), json!(tiers.last())),
            (
                "headers",
                headers,
                chosen([
                    ("alias", renamed, json!("x-a")),
                    ("tier", renamed, json!(null)),
                    ("groups", groups, json!("x-client-groups")),
                    ("scopes", scopes, json!("x-granted")),
                    ("subject", content, json!("x-client-subject")),
                    ("spiffe_id", content && groups, json!("x-workload")),
                    ("not_after", content && scopes, json!("x-client-not-after")),
                    ("fingerprint", groups, json!("x-f.ingerprint_")),
                    ("client_cert", content && renamed, json!("client-cert")),
                ]),
            ),
            ("rate_limit_headers", true, json!(if off { "off" } else { ["ietf", "legacy"][usize::from(legacy)] })),
            ("filter_state", true, json!(if always { "always" } else { "refusals" })),
            ("audit", series % 3 > 0, json!(if series % 3 == 1 { "rejections" } else { "all" })),
            ("metrics", true, json!({"clients": series})),
        ])
    }
}

/// A configuration that is right.
fn document() -> impl Strategy<Value = Value> {
    let limits = prop::collection::btree_map(NAME, bucket(), 0..4);
    let tiers = prop::collection::btree_map(NAME.prop_filter("certgate's own", |name| name != "none"), limits, 1..5);
    let alias = NAME.prop_filter("certgate's own", |alias| alias != "none" && alias != "other");
    let clients = prop::collection::btree_map(alias, client(), 0..6);
    let rules = prop::collection::vec(rule(), 0..4);
    let settings = (any::<[bool; 20]>(), 0_u32..100_000).prop_map(|(said, series)| Settings(said, series));
    (tiers, clients, rules, settings).prop_map(|(tiers, clients, rules, settings)| {
        let names: Vec<_> = tiers.keys().map(String::as_str).collect();
        let aliases: Vec<_> = clients.keys().map(String::as_str).collect();
        let limits = tiers.iter().map(|(tier, limits)| {
            let limits: Value = limits.iter().map(|(name, bucket)| bucket.limit(name)).collect();
            (tier.clone(), json!({"limits": limits}))
        });
        let (tiers, mut numbers): (Value, _) = (limits.collect(), 0..);
        let clients: Value =
            clients.iter().map(|(alias, client)| client.value(alias, &names, numbers.by_ref())).collect();
        let rules: Value = rules.iter().enumerate().map(|(place, rule)| rule.value(place, &names, &aliases)).collect();
        merge(settings.value(&names), &json!({"tiers": tiers, "clients": clients, "rules": rules}))
    })
}

/// A policy as text, without its table of fingerprints, which has no order.
fn said(policy: &Policy) -> String {
    let Policy { mode, registry, identity, revocation_lists, refuses_misdirected, rules, anonymous_tier, .. } = policy;
    let Policy { headers, rate_limit_headers, filter_state, audit, client_series, expiries, .. } = policy;
    let (tiers, table) = (registry.tiers(), registry.clients());
    let (profiles, shapes) = (registry.profiles(), registry.shapes());
    let windows: Vec<_> = (0..table.credential_count()).map(|index| table.window(CredentialIndex(index))).collect();
    let clients: Vec<_> = table.clients().collect();
    let credentials: Vec<_> = table.credentials().collect();
    let dates: Vec<_> = table.dates().collect();
    format!(
        "{mode:?} {identity:?} {revocation_lists:?} {refuses_misdirected} {tiers:?} {clients:?} {credentials:?} {dates:?} {windows:?} {profiles:?} {shapes:?} {rules:?}
        {anonymous_tier:?} {headers:?} {rate_limit_headers:?} {filter_state:?} {audit:?} {client_series} {expiries:?}"
    )
}

/// Damages: a byte is replaced, put in or taken out, or all bytes after it are cut off.
fn damage(mut bytes: Vec<u8>, damages: &[(u8, Index, u8)]) -> Vec<u8> {
    for (kind, index, byte) in damages {
        if bytes.is_empty() {
            break;
        }
        let index = index.index(bytes.len());
        match kind % 4 {
            0 => bytes[index] = *byte,
            1 => bytes.insert(index, *byte),
            2 => _ = bytes.remove(index),
            _ => bytes.truncate(index),
        }
    }
    bytes
}

/// Errors are there, and are what a log can hold.
fn check_errors(bytes: &[u8]) {
    if let Err(errors) = config::read(bytes) {
        assert!(!errors.is_empty());
        for error in errors.iter() {
            let text = error.to_string();
            assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{text:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(10_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_policy_or_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_errors(&bytes);
    }

    #[test]
    fn a_damaged_configuration_is_a_policy_or_errors(
        document in document(),
        damages in prop::collection::vec(any::<(u8, Index, u8)>(), 1..4),
    ) {
        check_errors(&damage(document.to_string().into_bytes(), &damages));
        check_errors(&damage(protobuf_struct::encode(&document), &damages));
    }

    #[test]
    fn json_and_struct_say_the_same(document in document()) {
        let from_json = config::read(document.to_string().as_bytes()).map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        let from_struct = config::read(&protobuf_struct::encode(&document)).map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        prop_assert_eq!(said(&from_json), said(&from_struct));
    }

    #[test]
    fn a_snapshot_says_the_same(document in document()) {
        let bytes = document.to_string().into_bytes();
        let snapshot = config::compile(&bytes, config::Capabilities::default()).unwrap().expect("a snapshot of everything that is right");
        let from_snapshot = config::load(snapshot).expect("a snapshot");
        prop_assert_eq!(said(&from_snapshot), said(&config::read(&bytes).unwrap()));
    }

    #[test]
    fn a_damaged_snapshot_is_a_policy_or_none(
        document in document(),
        damages in prop::collection::vec(any::<(u8, Index, u8)>(), 1..4),
    ) {
        let snapshot = config::compile(document.to_string().as_bytes(), config::Capabilities::default()).unwrap().unwrap();
        if let Some(policy) = config::load(damage(snapshot, &damages)) {
            said(&policy);
        }
    }
}

#[test]
fn a_configuration_that_is_cut_off_anywhere_is_an_error() {
    let document = json!({
        "version": 1,
        "tiers": {"gold": {"limits": [{"name": "burst", "requests": 100, "per": "1s"}]}, "unlimited": {}},
        "clients": [{"alias": "a", "tier": "gold", "credentials": [{"sha256": "ab".repeat(32), "revoked": false}]}],
        "headers": {"tier": null},
    });
    for bytes in [document.to_string().into_bytes(), protobuf_struct::encode(&document)] {
        assert!(config::read(&bytes).is_ok());
        for length in 0..bytes.len() {
            assert!(config::read(&bytes[..length]).is_err(), "{length}");
        }
    }
}

#[test]
fn nesting_does_not_exhaust_a_small_stack() {
    let in_struct =
        (0..10_000).fold(vec![8, 0], |value, _| protobuf_struct::delimited(6, &protobuf_struct::delimited(1, &value)));
    let in_struct = [
        protobuf_struct::encode(&json!({"version": 1})),
        protobuf_struct::delimited(
            1,
            &[protobuf_struct::delimited(1, b"clients"), protobuf_struct::delimited(2, &in_struct)].concat(),
        ),
    ]
    .concat();
    let in_json = |open: &str, close: &str| {
        format!("{{\"version\":1,\"x\":{}1{}}}", open.repeat(100_000), close.repeat(100_000)).into_bytes()
    };
    let inputs =
        [in_struct, in_json("[", "]"), in_json("{\"a\":", "}"), "[".repeat(100_000).into_bytes(), in_json("[", "")];
    let read = move || inputs.map(|bytes| config::read(&bytes).unwrap_err().to_string());
    // A quarter of what the module has, in a build whose frames are several times as large.
    let errors = thread::Builder::new().stack_size(256 << 10).spawn(read).unwrap().join().unwrap();
    insta::assert_snapshot!(errors.concat(), @"
    clients[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: expected fewer levels of lists and maps, found too many to read on
    clients[0]: expected a map with `alias`, `tier` and `credentials`, found a list
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field
    x[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: expected fewer levels of lists and maps, found too many to read on
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field
    x.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: expected fewer levels of lists and maps, found too many to read on
    line 1, column 100000: expected JSON, and read no further: EOF while parsing a list
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 2 more, found an unknown field
    line 1, column 100019: expected JSON, and read no further: expected `,` or `]`
    ");
}
