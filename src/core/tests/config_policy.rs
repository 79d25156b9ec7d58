//! Policies of configurations without errors.

use crate::fixtures::leaf;
use crate::fixtures::limits::rate;
use crate::protobuf_struct;
use certgate_core::certificate;
use certgate_core::config;
use certgate_core::domain::client::{Client, ClientIndex, TierIndex};
use certgate_core::domain::credential::{self, CredentialIndex, Identifier};
use certgate_core::domain::headers::IdentityHeaders;
use certgate_core::domain::limit::{Kind, Limit};
use certgate_core::domain::mode::Mode;
use certgate_core::domain::policy::{Audit, FilterState, Policy, RateLimitHeaders};
use certgate_core::domain::quota::{Initial, Period, Quota};
use certgate_core::domain::time::UnixSeconds;
use certgate_test_support::registry::{by_fingerprint, client, registry};
use serde_json::{Value, json};
use std::num::NonZeroU64;
use time::OffsetDateTime;

fn policy(document: &Value) -> Policy {
    config::read(document.to_string().as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn certificate_pem(not_after: OffsetDateTime) -> String {
    leaf().valid((OffsetDateTime::UNIX_EPOCH, not_after)).self_signed().pem
}

#[test]
fn the_least_that_is_a_configuration_has_the_defaults() {
    let policy = policy(&json!({"version": 1}));
    assert_eq!(policy.mode, Mode::Enforce);
    assert_eq!(policy.headers, IdentityHeaders::default());
    assert_eq!(policy.rate_limit_headers, RateLimitHeaders::Ietf);
    assert_eq!(policy.filter_state, FilterState::Refusals);
    assert_eq!(policy.audit, Audit::Samples);
    assert_eq!(policy.client_series, 1000);
    assert!(policy.registry.tiers().is_empty() && policy.registry.clients().client_count() == 0);
}

#[test]
fn everything_that_can_be_said() {
    let fingerprint = "6e:F8:".repeat(16);
    let policy = policy(&json!({
        "version": 1.0,
        "mode": "shadow",
        "clients": [
            {"alias": "a", "tier": "silver", "description": "PRIVATE KEY? none here", "credentials": [
                {"sha256": fingerprint.trim_end_matches(':'), "name": "laptop", "revoked": true},
                {"sha256": "00".repeat(32)},
            ]},
            {"alias": "b.2_x-y", "tier": "gold", "enabled": false, "credentials": [{"sha256": "11".repeat(32), "name": "laptop"}]},
        ],
        "tiers": {
            "silver": {},
            "gold": {"limits": [
                {"name": "burst", "requests": 100, "per": "1s", "burst": 200},
                {"name": "daily", "kind": "token_bucket", "requests": "3000000000", "per": "30d"},
                {"name": "monthly", "kind": "quota", "requests": "999999999999999", "per": "month",
                 "initial": "prorated", "cost": {"POST": 5, "OPTIONS": 0, "default": 2}, "mode": "shadow",
                 "warn_at": "80%"},
            ]},
            "bronze": {"limits": [{"name": "burst", "requests": 1, "per": "100ms"}]},
        },
        "headers": {"alias": "x-who", "tier": null},
        "rate_limit_headers": "off",
        "filter_state": "always",
        "audit": "all",
        "metrics": {"clients": 0},
    }));
    let registry = &policy.registry;
    assert_eq!(policy.mode, Mode::Shadow);
    assert_eq!(policy.headers.names().collect::<Vec<_>>(), ["x-who", "x-client-fingerprint"]);
    assert_eq!(policy.rate_limit_headers, RateLimitHeaders::Off);
    assert_eq!(policy.filter_state, FilterState::Always);
    assert_eq!(policy.audit, Audit::All);
    assert_eq!(policy.client_series, 0);

    let names: Vec<_> = registry.tiers().iter().map(|tier| tier.name.as_str()).collect();
    assert_eq!(names, ["bronze", "gold", "silver"]);
    let [bronze, gold, silver] = registry.tiers() else { panic!("three tiers") };
    assert_eq!((bronze.limits.len(), gold.limits.len(), silver.limits.len()), (1, 3, 0));
    let counts = |limit: &Limit| (rate(limit).interval().get(), rate(limit).burst().get());
    assert_eq!(counts(&gold.limits[0]), (10_000_000, 200));
    assert_eq!(counts(&gold.limits[1]), (864_000, 3_000_000_000));
    let requests = NonZeroU64::new(999_999_999_999_999).unwrap();
    let [burst, _, monthly] = &*gold.limits else { panic!("three limits") };
    assert_eq!(monthly.kind, Kind::Quota(Quota { requests, period: Period::Month, initial: Initial::Prorated }));
    assert_eq!((monthly.mode, monthly.warn_at), (Mode::Shadow, Some(80)));
    assert_eq!(["POST", "OPTIONS", "GET"].map(|method| monthly.cost.takes(method.as_bytes())), [5, 0, 2]);
    assert_eq!((burst.mode, burst.warn_at, burst.cost.takes(b"POST")), (Mode::Enforce, None, 1));
    assert_eq!(bronze.limits[0].id, gold.limits[0].id, "a client that changes its tier keeps its bucket");
    assert_ne!(gold.limits[0].id, gold.limits[1].id);

    let [a, b] = registry.clients().clients().collect::<Vec<_>>()[..] else { panic!("two clients") };
    let tier = |client: Client<'_>| registry.profiles()[client.profile.0].tier;
    assert_eq!((a.alias, tier(a), a.enabled), ("a", TierIndex(2), true));
    assert_eq!((b.alias, tier(b), b.enabled), ("b.2_x-y", TierIndex(1), false));
    let credentials: Vec<_> = registry.clients().credentials().collect();
    let [first, second, third] = credentials[..] else { panic!("three credentials") };
    assert_eq!(registry.clients().dates().count(), 0);
    assert_eq!((first.client, first.revoked), (ClientIndex(0), true));
    assert_eq!((second.client, second.revoked), (ClientIndex(0), false));
    assert_eq!(third.client, ClientIndex(1));
    let first = registry.clients().identifier(CredentialIndex(0)).unwrap();
    assert_eq!((first.kind, first.digest.to_vec()), (credential::Kind::Sha256, [0x6e, 0xf8].repeat(16)));
}

#[test]
fn a_certificate_stands_for_its_fingerprint_and_brings_its_dates() {
    let pem = certificate_pem(OffsetDateTime::from_unix_timestamp(4_000_000_000).unwrap());
    let client = client("a", "t", &json!({"pem": format!("subject=CN = a\n{pem}")}));
    let policy = policy(&registry(&[("t", json!([]))], &[client]));
    let clients = policy.registry.clients();
    let fingerprint = certificate::fingerprint(&certificate::der_from_text(pem.as_bytes()).unwrap());
    assert_eq!(clients.identifier(CredentialIndex(0)), Some(Identifier::of_certificate(fingerprint)));
    let [(_, validity)] = clients.dates().collect::<Vec<_>>()[..] else { panic!("one certificate") };
    assert_eq!((validity.not_before, validity.not_after), (UnixSeconds(0), UnixSeconds(4_000_000_000)));
}

#[test]
fn json_may_begin_as_a_struct_does() {
    for space in ["\n", "\n\n\t ", "\r\n"] {
        assert!(config::read(format!("{space}{{\"version\": 1, \"clients\": []{space}}}{space}").as_bytes()).is_ok());
    }
}

#[test]
fn a_struct_is_one_to_its_last_byte() {
    let good = protobuf_struct::encode(&json!({"version": 1, "tiers": {"a": {}}}));
    assert!(config::read(&good).is_ok());
    let tails: [&[u8]; 6] = [b"\0", b"\x0a", b"\x10\x01", b"\x12\0", b" ", b"{}"];
    for tail in tails {
        assert!(config::read(&[&good, tail].concat()).is_err(), "{tail:?}");
    }
}

#[test]
fn a_hundred_thousand_clients() {
    let client = |number: u32| {
        let fingerprint = certificate::fingerprint(&number.to_be_bytes()).to_string();
        by_fingerprint(&format!("client-{number}"), "t", &fingerprint)
    };
    let clients: Vec<_> = (0..100_000).map(client).collect();
    let document = registry(&[("t", json!([]))], &clients);
    for bytes in [document.to_string().into_bytes(), protobuf_struct::encode(&document)] {
        let policy = config::read(&bytes).unwrap();
        let clients = policy.registry.clients();
        assert_eq!((clients.client_count(), clients.credential_count()), (100_000, 100_000));
    }
}

#[test]
fn a_credential_that_was_removed_is_known_until_it_is_back() {
    let configuration = |credentials: &[Value]| {
        let clients = json!([{"alias": "a", "tier": "t", "credentials": credentials}]);
        json!({"version": 1, "tiers": {"t": {}}, "clients": clients}).to_string().into_bytes()
    };
    let [one, two] = ["11", "22"].map(|byte| json!({"sha256": byte.repeat(32)}));
    let name = json!({"dns_san": "*.example"});
    let all = [one.clone(), two.clone(), name.clone()];
    let mut snapshot: Option<Vec<u8>> = None;
    let mut removed = |credentials: &[Value]| {
        let former = snapshot.take();
        let capabilities = config::Capabilities::default();
        let next =
            config::compile_after(&configuration(credentials), capabilities, &|| former.clone()).unwrap().unwrap();
        snapshot = Some(next.clone());
        let policy = config::load(next).unwrap();
        let has = |byte| policy.removed.has(&Identifier { kind: credential::Kind::Sha256, digest: [byte; 32] });
        ([has(0x11), has(0x22)], policy.removed.shapes().len())
    };
    assert_eq!(removed(&all), ([false, false], 0));
    assert_eq!(removed(&all[1..]), ([true, false], 1), "all shapes of the former configuration");
    assert_eq!(removed(std::slice::from_ref(&two)), ([true, false], 1));
    assert_eq!(removed(&[name]), ([true, true], 1));
    assert_eq!(removed(&[one, two]), ([false, false], 1), "the name is removed");
}
