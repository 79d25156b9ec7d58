//! The errors that the schema cannot find: conditions between distant values, and contents of certificates.

use super::{Judge, by_reader, example, line};
use certgate_manage::{Code, Diagnostic};
use certgate_test_support::registry::{by_fingerprint, client, merge, registry};
use serde_json::{Value, json};

/// A condition that only the reader checks.
pub(super) struct Beyond {
    /// The condition, in one sentence.
    pub(super) condition: &'static str,
    code: Code,
    /// Documents, as JSON, that do not meet this condition, and meet all others.
    documents: fn() -> Vec<String>,
}

/// All conditions that only the reader checks.
pub(super) const BEYOND: [Beyond; 16] = [
    Beyond {
        condition: "A tier that a client, a rule or `anonymous_tier` names is one of `tiers`.",
        code: Code::NoSuchTier,
        documents: || {
            vec![
                with(&json!({"clients": [by_fingerprint("a", "gone", &one())]})),
                with(&json!({"anonymous_tier": "gone"})),
                with(&json!({"rules": [{"tiers": ["gone"]}]})),
                with(&json!({"rules": [{"name": "r", "tier": "gone"}]})),
            ]
        },
    },
    Beyond {
        condition: "An alias that a rule names is the alias of a client.",
        code: Code::NoSuchClient,
        documents: || vec![with(&json!({"rules": [{"aliases": ["gone"]}]}))],
    },
    Beyond {
        condition: "Clients have different aliases. Rules, the limits of one tier or rule, and the credentials of one \
                    client have different names. A limit of a rule has a name that no limit of a tier has. At most one \
                    credential of a client is primary. Headers have different names.",
        code: Code::DuplicateName,
        documents: || {
            let limit = |name: &str| json!({"name": name, "requests": 1, "per": "1s"});
            let credentials = |first: &Value, second: &Value| {
                let credential = |digest: String, more| merge(json!({"sha256": digest}), more);
                let credentials = [credential(one(), first), credential(two(), second)];
                with(&json!({"clients": [{"alias": "a", "tier": "gold", "credentials": credentials}]}))
            };
            let clients = [by_fingerprint("a", "gold", &one()), by_fingerprint("a", "gold", &two())];
            vec![
                with(&json!({"clients": clients})),
                with(&json!({"rules": [{"name": "r"}, {"name": "r"}]})),
                with(&json!({"tiers": {"gold": {"limits": [limit("a"), limit("a")]}}})),
                with(&json!({"rules": [{"name": "r", "limits": [limit("a"), limit("a")]}]})),
                with(&json!({"rules": [{"name": "r", "limits": [limit("burst")]}]})),
                credentials(&json!({"name": "a"}), &json!({"name": "a"})),
                credentials(&json!({"primary": true}), &json!({"primary": true})),
                with(&json!({"headers": {"alias": "x-a", "tier": "x_a"}})),
                with(&json!({"headers": {"groups": "x-client-alias"}})),
            ]
        },
    },
    Beyond {
        condition: "No certificate, public key or name is the credential of two clients, or of one client twice.",
        code: Code::DuplicateCredential,
        documents: || {
            let clients = [by_fingerprint("a", "gold", &one()), by_fingerprint("b", "gold", &one())];
            vec![with(&json!({"clients": clients}))]
        },
    },
    Beyond {
        condition: "No name matches patterns of two clients that compare equally many parts.",
        code: Code::ConflictingPattern,
        documents: || {
            let by = |alias: &str, pattern: &str| client(alias, "gold", &json!({"uri_san": pattern}));
            vec![with(&json!({"clients": [by("a", "spiffe://e/*/b"), by("b", "spiffe://e/a/*")]}))]
        },
    },
    Beyond {
        condition: "Rounding the time between two tokens to whole nanoseconds changes a rate by no more than 0.1 %.",
        code: Code::Rounding,
        documents: || vec![with_limit(&json!({"requests": 3_000_000}))],
    },
    Beyond {
        condition: "An empty bucket is full again within ten years.",
        code: Code::Fill,
        documents: || vec![with_limit(&json!({"requests": 1, "per": "366d", "burst": 10}))],
    },
    Beyond {
        condition: "The value of `requests` or `bytes` of a limit without `burst` is at most 999999999999999.",
        code: Code::Burst,
        documents: || {
            vec![with_limit(&json!({"kind": "bytes", "bytes": 1_u64 << 53, "per": "366d", "requests": null}))]
        },
    },
    Beyond {
        condition: "No cost is above the burst or the quota of its limit.",
        code: Code::Cost,
        documents: || {
            vec![
                with_limit(&json!({"cost": {"POST": 101}})),
                with_limit(&json!({"requests": 1, "cost": {"default": 2}})),
                with_limit(&json!({"kind": "quota", "per": "day", "cost": {"POST": 101}})),
            ]
        },
    },
    Beyond {
        condition: "The moment `not_after` is not before `not_before`.",
        code: Code::Value,
        documents: || {
            let dates = json!({"not_before": "2027-01-01T00:00:00Z", "not_after": "2026-12-31T23:59:59Z"});
            let credential = merge(json!({"sha256": one()}), &dates);
            vec![with(&json!({"clients": [client("a", "gold", &credential)]}))]
        },
    },
    Beyond {
        condition: "A `spiffe` URI with a `*` has at most 2048 characters, where each `*` counts as three.",
        code: Code::Value,
        documents: || {
            let uri = format!("spiffe://e/*/{}", "a".repeat(2048 - "spiffe://e/*/".len()));
            vec![with(&json!({"clients": [client("a", "gold", &json!({"uri_san": uri}))]}))]
        },
    },
    Beyond {
        condition: "A text in PEM form is a certificate that can be read.",
        code: Code::Certificate,
        documents: || {
            let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
            vec![with(&json!({"clients": [client("a", "gold", &json!({"pem": empty}))]}))]
        },
    },
    Beyond {
        condition: "A revocation list can be read, is complete, of one issuer, and for all reasons.",
        code: Code::Crl,
        documents: || {
            let folder = certgate_test_support::repository().join("tests/fixtures/crl");
            let list = std::fs::read_to_string(folder.join("delta.pem")).unwrap();
            vec![with(&json!({"crls": [{"pem": list}]}))]
        },
    },
    Beyond {
        condition: "The issuer in `issuer_pem` has signed the revocation list.",
        code: Code::CrlSignature,
        documents: || {
            let (pem, other) = (example::Pem::new(), example::Pem::new());
            vec![with(&json!({"crls": [{"pem": pem.crl, "issuer_pem": other.authority}]}))]
        },
    },
    Beyond {
        condition: "No key and no value holds a private key.",
        code: Code::PrivateKey,
        documents: || {
            let key = "-----BEGIN PRIVATE KEY-----";
            let attributes = json!({"common_name": key});
            let credential = json!({"subject": attributes, "issuer": {"common_name": "ca"}});
            let described = merge(by_fingerprint("a", "gold", &one()), &json!({"description": key}));
            vec![with(&json!({"clients": [described]})), with(&json!({"clients": [client("a", "gold", &credential)]}))]
        },
    },
    Beyond {
        condition: "No map has a key twice. Most validators see only one of the two.",
        code: Code::DuplicateKey,
        documents: || vec![r#"{"version": 1, "mode": "shadow", "mode": "shadow"}"#.to_owned()],
    },
];

fn one() -> String {
    "11".repeat(32)
}

fn two() -> String {
    "22".repeat(32)
}

/// A registry with these parts.
fn with(parts: &Value) -> String {
    let tiers = [("gold", json!([{"name": "burst", "requests": 100, "per": "1s"}]))];
    merge(registry(&tiers, &[]), parts).to_string()
}

/// A registry with a limit that has these fields; `null` takes a field away.
fn with_limit(fields: &Value) -> String {
    let mut limit = merge(json!({"name": "burst", "requests": 100, "per": "1s"}), fields);
    limit.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    with(&json!({"tiers": {"gold": {"limits": [limit]}}}))
}

/// Whether the error is about one of these conditions.
pub(super) fn is(error: &Diagnostic) -> bool {
    match error.code {
        Code::Value => ["expected a time after `not_before`"].iter().any(|start| error.message.starts_with(start)),
        code => BEYOND.iter().any(|beyond| beyond.code == code),
    }
}

#[test]
fn the_schema_accepts_and_the_reader_refuses() {
    let judge = Judge::new();
    for Beyond { condition, code, documents } in BEYOND {
        for json in documents() {
            let document = serde_json::from_str(&json).unwrap();
            assert_eq!(judge.by_schema(&document), Ok(()), "{condition}\n{json}");
            let errors = by_reader(&json);
            let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
            let lines: Vec<_> = errors.iter().map(line).collect();
            assert!(!codes.is_empty() && codes.iter().all(|found| *found == code), "{condition}\n{lines:#?}\n{json}");
        }
    }
}
