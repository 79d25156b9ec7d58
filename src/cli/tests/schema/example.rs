//! A registry that has every part of a configuration and every field.

use certgate_test_support::certificates::{Authority, Template, days};
use rcgen::DnType;
use serde_json::{Value, json};
use time::OffsetDateTime;

/// The places of every part in [`everything`], as JSON pointers.
pub(super) const PLACES: [(&str, &str); 29] = [
    ("document", ""),
    ("tier", "/tiers/gold"),
    ("tier", "/tiers/unlimited"),
    ("token_bucket", "/tiers/gold/limits/0"),
    ("token_bucket", "/tiers/gold/limits/1"),
    ("quota", "/tiers/gold/limits/2"),
    ("bytes", "/tiers/gold/limits/3"),
    ("token_bucket", "/rules/0/limits/0"),
    ("client", "/clients/0"),
    ("credential", "/clients/0/credentials/0"),
    ("credential", "/clients/0/credentials/1"),
    ("credential", "/clients/0/credentials/2"),
    ("credential", "/clients/0/credentials/3"),
    ("credential", "/clients/0/credentials/4"),
    ("credential", "/clients/0/credentials/5"),
    ("attributes", "/clients/0/credentials/5/subject"),
    ("rule", "/rules/0"),
    ("rule", "/rules/1"),
    ("match", "/rules/0/match"),
    ("identity", "/identity"),
    ("relay", "/identity/trusted_relays/0"),
    ("relay", "/identity/trusted_relays/1"),
    ("relay", "/identity/trusted_relays/2"),
    ("relay", "/identity/trusted_relays/3"),
    ("relay", "/identity/trusted_relays/4"),
    ("relay", "/identity/trusted_relays/5"),
    ("crl", "/crls/0"),
    ("headers", "/headers"),
    ("metrics", "/metrics"),
];

/// The texts that only tools make.
pub(super) struct Pem {
    pub(super) certificate: String,
    pub(super) authority: String,
    pub(super) crl: String,
}

impl Pem {
    pub(super) fn new() -> Self {
        let now = OffsetDateTime::now_utc();
        let authority = Authority::new(&Template::authority(&[(DnType::CommonName, "authority")]));
        let certificate = Template::new(&[(DnType::CommonName, "client")]).self_signed().pem;
        let crl = authority.crl(&[7_u64], days(now, (-1, 1)));
        Self { certificate, authority: authority.certificate().pem.clone(), crl }
    }
}

/// A registry with every part and every field.
pub(super) fn everything(pem: &Pem) -> Value {
    json!({
        "version": 1,
        "mode": "enforce",
        "tiers": {
            "gold": {"limits": [
                {
                    "name": "burst", "kind": "token_bucket", "requests": 100, "per": "1s", "burst": 200,
                    "cost": {"POST": 5, "default": 1}, "mode": "enforce", "warn_at": "80%",
                },
                {"name": "slow", "requests": 100, "per": "1m"},
                {
                    "name": "monthly", "kind": "quota", "requests": 1_000_000, "per": "month", "initial": "full",
                    "cost": {"default": 1}, "mode": "shadow", "warn_at": "100%",
                },
                {
                    "name": "traffic", "kind": "bytes", "bytes": 10_000_000, "per": "1s", "burst": 50_000_000,
                    "mode": "enforce", "warn_at": "1%",
                },
            ]},
            "unlimited": {},
        },
        "clients": [{
            "alias": "partner-a", "tier": "gold", "enabled": true, "description": "orders",
            "groups": ["finance", "sales"], "scopes": ["payments.write"],
            "credentials": [
                {
                    "sha256": "6e".repeat(32), "name": "laptop", "primary": true, "serial": "4f:00:9a",
                    "not_before": "2026-01-31T00:00:00Z", "not_after": "2027-01-31T00:00:00Z", "revoked": false,
                },
                {"pem": pem.certificate},
                {"spki_sha256": "7f".repeat(32)},
                {"uri_san": "spiffe://example.org/ns/*/sa/partner-a"},
                {"dns_san": "*.shop.example"},
                {
                    "subject": {
                        "common_name": "cart", "organization": "Example", "organizational_unit": ["shop", "eu"],
                        "country": "DE", "state_or_province": "BE", "locality": "Berlin", "street_address": "1",
                        "serial_number": "7", "domain_component": ["example", "shop"], "user_id": "u",
                        "email_address": "a@b", "title": "t", "given_name": "g", "surname": "s",
                        "organization_identifier": "i",
                    },
                    "issuer": {"organization": "Example"},
                },
            ],
        }],
        "rules": [
            {
                "name": "payments",
                "match": {"hosts": ["api.example.com", "*.example.org"], "path": "/payments/**", "methods": ["POST"]},
                "access": "require", "groups": ["finance"], "aliases": ["partner-a"], "tiers": ["gold"],
                "scopes": ["payments.write"], "uri_san": ["spiffe://example.org/*"], "dns_san": ["a.example"],
                "subject": {"country": "DE"}, "issuer": {"country": "DE"}, "bound_token": true,
                "limits": [{"name": "payments", "requests": 5, "per": "1s"}], "tier": "unlimited",
            },
            {},
        ],
        "anonymous_tier": "unlimited",
        "identity": {
            "source": "xfcc", "chain": "listener",
            "trusted_relays": [{"dns_san": "edge.example"}, {"sha256": "99".repeat(32)}, {"pem": pem.certificate},
                {"spki_sha256": "99".repeat(32)}, {"uri_san": "spiffe://example.org/edge"},
                {"subject": {"common_name": "edge"}, "issuer": {"common_name": "ca"}},
            ],
        },
        "crls": [{"pem": pem.crl, "issuer_pem": pem.authority, "strict": true}],
        "misdirected": 421,
        "headers": {
            "alias": "x-who", "tier": null, "fingerprint": "x-client-fingerprint", "groups": "x-client-groups",
            "scopes": "x-client-scopes", "subject": "x-client-subject", "spiffe_id": "x-client-spiffe-id",
            "not_after": "x-client-not-after", "client_cert": "client-cert",
        },
        "rate_limit_headers": "legacy",
        "filter_state": "always",
        "audit": "all",
        "metrics": {"clients": 10},
    })
}
