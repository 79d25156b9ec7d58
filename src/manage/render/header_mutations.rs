//! A guard's first part as Envoy says it: a list of `HeaderMutation` (config.common.mutation_rules.v3) that removes headers
//! before any filter sees a request. Must not know where the list stands.

use super::guard::Guard;
use serde_json::{Value, json};

/// The mutations: each name that no client may set, then other spellings of these names.
pub(super) fn header_mutations(guard: &Guard<'_>) -> Vec<Value> {
    let removed = guard.removed.iter().map(|name| json!({"remove": name}));
    let look_alikes = guard.look_alikes.iter();
    let look_alikes =
        look_alikes.map(|regex| json!({"remove_on_match": {"key_matcher": {"safe_regex": {"regex": regex}}}}));
    removed.chain(look_alikes).collect()
}
