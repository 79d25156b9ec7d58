//! What holds of every configuration, right or wrong, in ten thousand random cases each.

use crate::protobuf_struct;
use certgate::config;
use certgate::domain::credential::CredentialIndex;
use certgate::domain::policy::Policy;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};
use std::thread;

const NAME: &str = "[a-z0-9][a-z0-9._-]{0,12}";

/// A configuration that is right.
fn document() -> impl Strategy<Value = Value> {
    let limits = prop::collection::btree_map(
        NAME,
        (1_u64..100_000, 1_u64..1000, prop::sample::select(&["s", "m"]), prop::option::of(1_u64..1000)),
        0..4,
    );
    let tiers = prop::collection::btree_map(NAME, limits, 1..5);
    let client = (any::<Index>(), any::<bool>(), prop::collection::vec((any::<bool>(), any::<bool>()), 1..4));
    let clients = prop::collection::btree_map(NAME, client, 0..6);
    let settings = (any::<bool>(), any::<bool>(), any::<bool>(), 0_u32..100_000, any::<bool>());
    (tiers, clients, settings).prop_map(|(tiers, clients, (shadow, off, always, series, renamed))| {
        let names: Vec<_> = tiers.keys().filter(|name| *name != "none").cloned().collect();
        let tiers: Map<_, _> = tiers
            .into_iter()
            .filter(|(name, _)| name != "none")
            .map(|(name, limits)| {
                let limits: Vec<_> = limits
                    .into_iter()
                    .map(|(name, (requests, per, unit, burst))| {
                        let mut limit = json!({"name": name, "requests": requests, "per": format!("{per}{unit}")});
                        if let Some(burst) = burst {
                            limit["burst"] = burst.into();
                        }
                        limit
                    })
                    .collect();
                (name, json!({"limits": limits}))
            })
            .collect();
        let mut number = 0;
        let clients: Vec<_> = clients
            .into_iter()
            .filter(|(alias, _)| alias != "none" && alias != "other" && !names.is_empty())
            .map(|(alias, (tier, enabled, credentials))| {
                let credentials: Vec<_> = credentials
                    .into_iter()
                    .map(|(revoked, named)| {
                        number += 1;
                        let mut credential = json!({"sha256": format!("{number:064x}"), "revoked": revoked});
                        if named {
                            credential["name"] = format!("n{number}").into();
                        }
                        credential
                    })
                    .collect();
                json!({"alias": alias, "tier": tier.get(&names), "enabled": enabled, "credentials": credentials})
            })
            .collect();
        json!({
            "version": 1,
            "mode": if shadow { "shadow" } else { "enforce" },
            "tiers": tiers,
            "clients": clients,
            "headers": if renamed { json!({"alias": "x-a", "tier": null}) } else { json!({}) },
            "rate_limit_headers": if off { "off" } else { "ietf" },
            "filter_state": if always { "always" } else { "refusals" },
            "metrics": {"clients": series},
        })
    })
}

/// Everything that a policy says, but its table of fingerprints, whose order is none.
fn said(policy: &Policy) -> String {
    let Policy { mode, registry, identity, revocation_lists, refuses_misdirected, rules, anonymous_tier, .. } = policy;
    let Policy { headers, rate_limit_headers, filter_state, client_series, .. } = policy;
    let (tiers, table) = (registry.tiers(), registry.clients());
    let (profiles, shapes) = (registry.profiles(), registry.shapes());
    let windows: Vec<_> = (0..table.credential_count()).map(|index| table.window(CredentialIndex(index))).collect();
    let clients: Vec<_> = table.clients().collect();
    let credentials: Vec<_> = table.credentials().collect();
    let dates: Vec<_> = table.dates().collect();
    format!(
        "{mode:?} {identity:?} {revocation_lists:?} {refuses_misdirected} {tiers:?} {clients:?} {credentials:?} {dates:?} {windows:?} {profiles:?} {shapes:?} {rules:?}
        {anonymous_tier:?} {headers:?} {rate_limit_headers:?} {filter_state:?} {client_series}"
    )
}

/// Some damage: a byte replaced, put in or taken out, or everything after it cut off.
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
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

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
    fn an_image_says_the_same(document in document()) {
        let bytes = document.to_string().into_bytes();
        let image = config::compile(&bytes).unwrap().expect("an image of everything that is right");
        let from_image = config::load(image).expect("an image");
        prop_assert_eq!(said(&from_image), said(&config::read(&bytes).unwrap()));
    }

    #[test]
    fn a_damaged_image_is_a_policy_or_none(
        document in document(),
        damages in prop::collection::vec(any::<(u8, Index, u8)>(), 1..4),
    ) {
        let image = config::compile(document.to_string().as_bytes()).unwrap().unwrap();
        if let Some(policy) = config::load(damage(image, &damages)) {
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
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 1 more, found an unknown field
    x[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]: expected fewer levels of lists and maps, found too many to read on
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 1 more, found an unknown field
    x.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a: expected fewer levels of lists and maps, found too many to read on
    line 1, column 100000: expected JSON, and read no further: EOF while parsing a list
    x: expected one of `version`, `mode`, `identity`, `tiers`, `clients`, `rules`, `crls`, `misdirected`, `headers`, `anonymous_tier`, `rate_limit_headers`, `filter_state` and 1 more, found an unknown field
    line 1, column 100019: expected JSON, and read no further: expected `,` or `]`
    ");
}
