//! A guard as the configuration of Envoy's RBAC filter. Must not know where the filter is.

use super::condition::{Condition, How, Text};
use super::guard::Guard;
use serde_json::{Map, Value, json};

/// The filter's configuration; `None` if the guard has no alias header to ask for.
pub(super) fn rbac(guard: &Guard<'_>) -> Option<Value> {
    let alias = guard.alias.as_deref()?;
    let mut policies = Map::new();
    let mut insert = |name: &str, permission| {
        policies.insert(name.to_owned(), json!({"permissions": [permission], "principals": [{"any": true}]}));
    };
    for exception in &guard.exceptions {
        insert(&format!("without a client: {}", exception.name), permission(&exception.condition));
    }
    insert("identified", json!({"header": {"name": alias, "present_match": true}}));
    let key = if guard.shadow { "shadow_rules" } else { "rules" };
    let kind = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
    Some(json!({"@type": kind, key: {"action": "ALLOW", "policies": policies}}))
}

fn permission(condition: &Condition) -> Value {
    let list = |conditions: &[Condition]| json!({"rules": conditions.iter().map(permission).collect::<Vec<_>>()});
    match condition {
        Condition::All(none) if none.is_empty() => json!({"any": true}),
        Condition::All(conditions) => json!({"and_rules": list(conditions)}),
        Condition::Any(conditions) => json!({"or_rules": list(conditions)}),
        Condition::Not(condition) => json!({"not_rule": permission(condition)}),
        Condition::Path(text) => json!({"url_path": {"path": string(text)}}),
        Condition::Host(text) => json!({"header": {"name": ":authority", "string_match": string(text)}}),
        Condition::Method(method) => json!({"header": {"name": ":method", "string_match": {"exact": method}}}),
    }
}

/// A `StringMatcher`.
fn string(Text { how, text, any_case }: &Text) -> Value {
    let mut matcher = match how {
        How::Is => json!({"exact": text}),
        How::StartsWith => json!({"prefix": text}),
        How::EndsWith => json!({"suffix": text}),
        How::Contains => json!({"contains": text}),
        How::Matches => json!({"safe_regex": {"regex": text}}),
    };
    if let (true, Some(fields)) = (any_case, matcher.as_object_mut()) {
        fields.insert("ignore_case".to_owned(), json!(true));
    }
    matcher
}
