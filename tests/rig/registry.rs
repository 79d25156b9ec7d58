//! Registries for tests: a plain one to start from, which a test may change.

use super::pki::Identity;
use serde_json::{Value, json};

/// A registry of these clients: alias, tier (`gold`: 100 a second and up to 200 at once; `bronze`: 3 in ten seconds;
/// `unlimited`) and certificate.
pub fn of(clients: &[(&str, &str, &Identity)]) -> Value {
    let client = |(alias, tier, identity): &(&str, &str, &Identity)| json!({"alias": alias, "tier": tier, "credentials": [{"sha256": identity.fingerprint()}]});
    json!({
        "version": 1,
        "tiers": {
            "gold": {"limits": [{"name": "burst", "requests": 100, "per": "1s", "burst": 200}]},
            "bronze": {"limits": [{"name": "burst", "requests": 3, "per": "10s"}]},
            "unlimited": {},
        },
        "clients": clients.iter().map(client).collect::<Vec<_>>(),
    })
}
