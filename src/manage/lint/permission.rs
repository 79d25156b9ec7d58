//! Permissions of Envoy's RBAC as data: whether all requests of one are requests of another. Must not know guards.

use serde_json::{Value, json};

/// Whether every request that `narrow` admits is one that `wide` admits, as far as their form tells.
pub(super) fn implies(narrow: &Value, wide: &Value) -> bool {
    narrow == wide
        || *wide == json!({"any": true})
        || list(narrow, "and_rules").iter().any(|part| implies(part, wide))
        || all(list(narrow, "or_rules"), |part| implies(part, wide))
        || list(wide, "or_rules").iter().any(|part| implies(narrow, part))
        || all(list(wide, "and_rules"), |part| implies(narrow, part))
}

/// Whether a permission or principal is that a request comes without this header.
pub(super) fn needs_no_client(value: &Value, alias: &str) -> bool {
    let header = |value: &Value, present: bool| {
        let Some(header) = value.get("header").filter(|header| is_called(header, alias)) else { return false };
        let is_present = header.get("present_match").and_then(Value::as_bool);
        let is_inverted = header.get("invert_match").and_then(Value::as_bool).unwrap_or_default();
        is_present.is_some_and(|is_present| (is_present != is_inverted) == present)
    };
    let negated = value.get("not_rule").or_else(|| value.get("not_id"));
    header(value, false) || negated.is_some_and(|negated| header(negated, true))
}

/// Whether a permission or principal admits only requests with this header, or with certgate's filter state.
pub(super) fn needs_client(value: &Value, alias: &str) -> bool {
    let is_present = |header: &Value| {
        let is = |field: &str, value: bool| header.get(field).and_then(Value::as_bool) == Some(value);
        is_called(header, alias)
            && !is("present_match", false)
            && !is("invert_match", true)
            && !is("treat_missing_header_as_empty", true)
    };
    let is_state = |state: &Value| text(state, "key").is_some_and(|key| key.starts_with("wasm.certgate."));
    value.get("header").is_some_and(is_present)
        || value.get("filter_state").is_some_and(is_state)
        || ["and_rules", "and_ids"].iter().any(|key| list(value, key).iter().any(|part| needs_client(part, alias)))
        || ["or_rules", "or_ids"].iter().any(|key| all(list(value, key), |part| needs_client(part, alias)))
}

fn is_called(header: &Value, name: &str) -> bool {
    text(header, "name").is_some_and(|found| found.eq_ignore_ascii_case(name))
}

fn text<'v>(value: &'v Value, field: &str) -> Option<&'v str> {
    value.get(field)?.as_str()
}

/// The parts of a permission or principal that is a set.
fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    let set = value.get(key);
    let parts = set.and_then(|set| set.get("rules").or_else(|| set.get("ids"))).and_then(Value::as_array);
    parts.map(Vec::as_slice).unwrap_or_default()
}

/// Whether there are parts and all are as asked.
fn all(parts: &[Value], is_so: impl Fn(&Value) -> bool) -> bool {
    !parts.is_empty() && parts.iter().all(is_so)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrower_permission_implies_a_wider_one() {
        let [a, b, any] = [json!({"url_path": "a"}), json!({"url_path": "b"}), json!({"any": true})];
        let and = |parts: &[&Value]| json!({"and_rules": {"rules": parts}});
        let or = |parts: &[&Value]| json!({"or_rules": {"rules": parts}});
        for (narrow, wide) in [
            (a.clone(), a.clone()),
            (a.clone(), any.clone()),
            (and(&[&a, &b]), a.clone()),
            (and(&[&a, &b]), and(&[&b, &a])),
            (a.clone(), or(&[&b, &a])),
            (or(&[&a, &b]), or(&[&b, &a])),
        ] {
            assert!(implies(&narrow, &wide), "{narrow} {wide}");
        }
        for (narrow, wide) in [
            (any, a.clone()),
            (a.clone(), b.clone()),
            (a.clone(), and(&[&a, &b])),
            (or(&[&a, &b]), a.clone()),
            (and(&[]), a.clone()),
            (json!({"not_rule": a}), b),
        ] {
            assert!(!implies(&narrow, &wide), "{narrow} {wide}");
        }
    }

    #[test]
    fn a_client_is_a_header_that_is_there() {
        let header = |more: Value| {
            let mut header = json!({"name": "X-Client-Alias"});
            header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"header": header})
        };
        let state = json!({"filter_state": {"key": "wasm.certgate.tier", "string_match": {"exact": "gold"}}});
        let present = header(json!({"present_match": true}));
        for value in [
            present.clone(),
            header(json!({"string_match": {"exact": "a"}})),
            json!({"and_ids": {"ids": [{"any": true}, state]}}),
            json!({"or_rules": {"rules": [present.clone(), state]}}),
        ] {
            assert!(needs_client(&value, "x-client-alias"), "{value}");
        }
        for value in [
            json!({"any": true}),
            header(json!({"present_match": false})),
            header(json!({"present_match": true, "invert_match": true})),
            json!({"not_rule": present}),
            json!({"or_rules": {"rules": [present, {"any": true}]}}),
            json!({"or_rules": {"rules": []}}),
        ] {
            assert!(!needs_client(&value, "x-client-alias"), "{value}");
        }
        for value in [
            header(json!({"present_match": false})),
            header(json!({"present_match": true, "invert_match": true})),
            json!({"not_id": present}),
        ] {
            assert!(needs_no_client(&value, "x-client-alias"), "{value}");
        }
        for value in [present, json!({"any": true}), header(json!({"string_match": {"exact": "a"}}))] {
            assert!(!needs_no_client(&value, "x-client-alias"), "{value}");
        }
    }
}
