//! Registries as JSON: made of clients and tiers, and changed part by part.

use serde_json::{Map, Value, json};

/// A registry of these tiers and clients.
pub fn registry(tiers: &[(&str, Value)], clients: &[Value]) -> Value {
    let tiers: Map<_, _> = tiers.iter().map(|(name, limits)| ((*name).to_owned(), tier(limits))).collect();
    json!({"version": 1, "tiers": tiers, "clients": clients})
}

/// A tier with this list of limits.
fn tier(limits: &Value) -> Value {
    if limits.as_array().is_some_and(Vec::is_empty) { json!({}) } else { json!({"limits": limits}) }
}

/// A client of this tier with one credential.
pub fn client(alias: &str, tier: &str, credential: &Value) -> Value {
    json!({"alias": alias, "tier": tier, "credentials": [credential]})
}

/// A client of this tier with this certificate's fingerprint.
pub fn by_fingerprint(alias: &str, tier: &str, fingerprint: &str) -> Value {
    client(alias, tier, &json!({"sha256": fingerprint}))
}

/// The object `value` with the entries of `more` in place of its own; as it is where `more` is no object.
pub fn merge(mut value: Value, more: &Value) -> Value {
    value.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    value
}
