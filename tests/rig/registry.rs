//! Registries for tests: a plain one to start from, which a test may change.

pub use certgate_test_support::registry::{by_fingerprint, client, merge, registry};

use super::pki::Identity;
use serde_json::{Value, json};

/// A registry of these clients: alias, tier (`gold`: 100 a second and up to 200 at once; `bronze`: 3 in ten seconds;
/// `unlimited`) and certificate.
pub fn of(clients: &[(&str, &str, &Identity)]) -> Value {
    let client =
        |(alias, tier, identity): &(&str, &str, &Identity)| by_fingerprint(alias, tier, &identity.fingerprint());
    let tiers = [
        ("gold", json!([{"name": "burst", "requests": 100, "per": "1s", "burst": 200}])),
        ("bronze", json!([{"name": "burst", "requests": 3, "per": "10s"}])),
        ("unlimited", json!([])),
    ];
    registry(&tiers, &clients.iter().map(client).collect::<Vec<_>>())
}
