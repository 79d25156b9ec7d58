//! Errors in rules.

use super::{errors_of, with};
use serde_json::json;

#[test]
fn rules_of_every_kind() {
    insta::assert_snapshot!(errors_of(&with("rules", json!([
        5,
        {"name": "a", "match": {"hosts": [], "path": "x", "methods": ["get"]}, "access": "allow"},
        {"name": "a", "match": {"hosts": ["*", "a.example:443", "*.example"], "path": "/a/../b", "host": "x"}},
        {"match": {"path": "/a/**/b"}, "limits": [{"name": "x", "requests": 1, "per": "1s"}], "tier": "none"},
        {"name": "b", "groups": [], "aliases": ["nobody"], "tiers": ["silver"], "tier": "silver", "bound_token": "yes"},
        {"name": "c", "limits": [{"name": "burst", "requests": 1, "per": "1s"}]},
        {"name": "d", "access": "public", "groups": ["a"], "limits": []},
        {"access": "optional", "scopes": ["a"], "bound_token": true},
        {"access": "deny", "tier": "gold", "name": "e"},
        {"uri_san": ["spiffe://example.org/*", "x"], "dns_san": "a.example", "subject": {"ou": "x"}, "issuer": "x"},
    ]))), @r#"
    rules[0]: expected a map with `match`, `access` and conditions on the client, found 5
    rules[1].match.hosts: expected a list of hosts, found an empty list
    rules[1].match.path: expected a path that begins with `/`, found "x"
    rules[1].match.methods[0]: expected a list of methods in capitals, such as [GET, POST], found "get"
    rules[1].access: expected `require`, `optional`, `public` or `deny`, found "allow"
    rules[2].name: expected a name of its own, found that of rules[1]
    rules[2].match.host: expected `hosts`, found an unknown field
    rules[2].match.hosts[0]: expected a host such as `api.example.com`, `*.example.org`, `10.0.0.1` or `[::1]`, without a port or a dot at its end, found "*"
    rules[2].match.hosts[1]: expected a host such as `api.example.com`, `*.example.org`, `10.0.0.1` or `[::1]`, without a port or a dot at its end, found "a.example:443"
    rules[2].match.path: expected segments that every server reads alike: none empty or with `.` or a space at its end, no `?`, `#`, `;`, `\`, `:$` or control character, nor in escapes; no `/` or `%41` in escapes; and other than ASCII as UTF-8 in escapes (`%C3%A4`), without characters that some servers make one of these, found "/a/../b"
    rules[3].match.path: expected `**` only as the last segment, found "/a/**/b"
    rules[3].name: expected the rule's name, which the buckets of its limits are stored under, found nothing
    rules[4].groups: expected a list of one name or more, found an empty list
    rules[4].bound_token: expected `true` or `false`, found "yes"
    rules[6].groups: expected `access: require` beside it, found a list
    rules[6].limits: expected `access: require` or `optional` beside it, found an empty list
    rules[7].scopes: expected `access: require` beside it, found a list
    rules[7].bound_token: expected `access: require` beside it, found true
    rules[8].tier: expected `access: require` or `optional` beside it, found "gold"
    rules[9].uri_san[1]: expected a URI such as spiffe://example.org/ns/shop/sa/cart, with `*` for any whole segment of its path, and beside a `*` no query, fragment, empty segment or dot segment, found "x"
    rules[9].dns_san: expected a list of patterns, found "a.example"
    rules[9].subject.ou: expected one of `common_name`, `organization`, `organizational_unit`, `country`, `state_or_province`, `locality`, `street_address`, `serial_number`, `domain_component`, `user_id`, `email_address`, `title` and 3 more, found an unknown field
    rules[9].issuer: expected a map from attributes to values, such as {common_name: cart}, found "x"
    rules[4].aliases[0]: expected the alias of a client, found `nobody`, which no client has
    rules[4].tiers[0]: expected one of the tiers (`gold`), found `silver`
    rules[4].tier: expected one of the tiers (`gold`), found `silver`
    rules[5].limits[0].name: expected a name of its own, found that of tiers.gold.limits
    "#);
    insta::assert_snapshot!(errors_of(&with("rules", json!({"name": "a"}))), @r"rules: expected a list of rules, found a map");
}
