//! The guard: it lets through no more than the rules do, and no less than it must, in each language.

use super::{Run, behind, documents, envoy, envoy_gateway, istio, of_kind, rbac, registry_with};
use certgate_core::config;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::route::Target;
use certgate_core::domain::rules::{Access, Match};
use regex::Regex;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;

/// A request without a client.
#[derive(Clone, Copy, Debug)]
struct Nobody<'a> {
    method: &'a str,
    authority: &'a str,
    path: &'a str,
}

impl Nobody<'_> {
    /// Whether certgate lets it through.
    fn passes(&self, policy: &Policy) -> bool {
        let Self { method, authority, path } = self;
        let target = Target { method: method.as_bytes(), authority: authority.as_bytes(), path: path.as_bytes() };
        matches!(policy.rules.find(&target), Match::Rule(_, rule) if matches!(rule.access, Access::Public | Access::Optional))
    }

    /// The path as Envoy's filters compare it.
    fn url_path(&self) -> &str {
        self.path.split('?').next().unwrap()
    }

    /// What Envoy's RBAC says, of the `rules` that it has.
    fn passes_rbac(&self, rbac: &Value) -> bool {
        assert_eq!(rbac["rules"]["action"], "ALLOW");
        let policies = rbac["rules"]["policies"].as_object().unwrap();
        policies.values().any(|policy| {
            assert_eq!(policy["principals"], json!([{"any": true}]));
            policy["permissions"].as_array().unwrap().iter().any(|permission| self.has(permission))
        })
    }

    fn has(&self, permission: &Value) -> bool {
        let (kind, value) = permission.as_object().unwrap().iter().next().unwrap();
        let mut list = value["rules"].as_array().into_iter().flatten();
        match kind.as_str() {
            "any" => true,
            "and_rules" => list.all(|permission| self.has(permission)),
            "or_rules" => list.any(|permission| self.has(permission)),
            "not_rule" => !self.has(value),
            "url_path" => matches(&value["path"], self.url_path()),
            "header" => match value["name"].as_str().unwrap() {
                ":method" => matches(&value["string_match"], self.method),
                ":authority" => matches(&value["string_match"], self.authority),
                _ => {
                    assert_eq!(value["present_match"], true);
                    false
                }
            },
            other => panic!("a permission that no guard has: {other}"),
        }
    }

    /// What Istio's AuthorizationPolicy says, which denies.
    fn passes_authorization(&self, policy: Option<&Value>) -> bool {
        let Some(policy) = policy else { return true };
        let spec = &policy["spec"];
        assert_eq!(spec["action"], "DENY");
        let [rule] = &spec["rules"].as_array().unwrap()[..] else { panic!("one rule") };
        assert_eq!(rule["when"][0]["notValues"], json!(["*"]));
        let Some(to) = rule["to"].as_array() else { return false };
        !to.iter().any(|to| to["operation"].as_object().unwrap().iter().all(|(key, values)| self.meets(key, values)))
    }

    fn meets(&self, key: &str, values: &Value) -> bool {
        let values: Vec<&str> = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect();
        let any = |text: &str| values.iter().any(|value| istio_matches(value, text));
        let host = self.authority.to_ascii_lowercase();
        match key {
            "paths" => any(self.url_path()),
            "notPaths" => !any(self.url_path()),
            "hosts" => any(&host),
            "notHosts" => !any(&host),
            "methods" => any(self.method),
            "notMethods" => !any(self.method),
            other => panic!("a condition that no guard has: {other}"),
        }
    }
}

/// As Envoy's `StringMatcher` does.
fn matches(matcher: &Value, text: &str) -> bool {
    let fields = matcher.as_object().unwrap();
    let (how, value) = fields.iter().find(|(key, _)| *key != "ignore_case").unwrap();
    if how == "safe_regex" {
        return is_whole_match(value["regex"].as_str().unwrap(), text);
    }
    let case =
        |text: &str| if fields.contains_key("ignore_case") { text.to_ascii_lowercase() } else { text.to_owned() };
    let (value, text) = (case(value.as_str().unwrap()), case(text));
    match how.as_str() {
        "exact" => text == value,
        "prefix" => text.starts_with(&value),
        "suffix" => text.ends_with(&value),
        "contains" => text.contains(&value),
        other => panic!("{other} is no matcher"),
    }
}

fn is_whole_match(regex: &str, text: &str) -> bool {
    thread_local! {
        static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
    }
    COMPILED.with_borrow_mut(|compiled| {
        let compile = || Regex::new(&format!("^(?:{regex})$")).unwrap();
        compiled.entry(regex.to_owned()).or_insert_with(compile).is_match(text)
    })
}

/// As Istio has Envoy compare values with wildcards.
fn istio_matches(value: &str, text: &str) -> bool {
    const SEGMENT: &str = "[a-zA-Z0-9-._~%!$&'()+,;:@=]+";
    if value.contains("{*}") || value.contains("{**}") {
        let regex = regex::escape(value).replace(r"\{\*\*\}", ".*").replace(r"\{\*\}", SEGMENT);
        return is_whole_match(&regex, text);
    }
    match (value.strip_suffix('*'), value.strip_prefix('*')) {
        (Some(start), _) => text.starts_with(start),
        (_, Some(end)) => text.ends_with(end),
        _ => text == value,
    }
}

/// Rules of every kind, in every order that matters.
fn tables() -> Vec<Value> {
    let (public, optional) = ("public", "optional");
    vec![
        json!([]),
        json!([{"access": public}]),
        json!([{"access": "deny"}, {"access": public}]),
        json!([{"match": {"hosts": ["*.example.com"], "methods": ["GET"]}, "access": public}]),
        json!([{"match": {"path": "/healthz", "methods": ["GET"]}, "access": public}]),
        json!([{"match": {"path": "/"}, "access": public}]),
        json!([{"match": {"path": "/a/**"}, "access": public}]),
        json!([{"match": {"path": "/a/b/**"}, "access": "deny"}, {"match": {"path": "/a/**"}, "access": optional}]),
        json!([{"match": {"path": "/a/**"}, "access": optional}, {"match": {"path": "/a/b/**"}, "access": "deny"}]),
        json!([{"match": {"path": "/a/b"}}, {"match": {"path": "/a/*"}, "access": public}]),
        json!([{"match": {"path": "/*/b"}}, {"match": {"path": "/a/**"}, "access": public}]),
        json!([{"match": {"path": "/*/b/**"}, "access": public}, {"match": {"path": "/a/{id}", "methods": ["GET"]}, "access": optional}]),
        json!([{"match": {"path": "/a"}}, {"match": {"methods": ["OPTIONS"]}, "access": public}]),
        json!([{"match": {"path": "/a"}, "access": public}, {"match": {"methods": ["OPTIONS"]}, "access": public}]),
        json!([{"match": {"methods": ["POST"]}}, {"match": {"path": "/a/**"}, "access": public}]),
        json!([{"match": {"hosts": ["api.example.com"]}, "access": public}]),
        json!([{"match": {"hosts": ["api.example.com"], "path": "/a"}, "access": public}]),
        json!([{"match": {"hosts": ["*.example.com", "10.0.0.1"]}, "access": public}]),
        json!([{"match": {"hosts": ["api.example.com"]}}, {"match": {"hosts": ["*.example.com"]}, "access": public}]),
        json!([{"match": {"hosts": ["*.api.example.com"]}}, {"match": {"path": "/a/**"}, "access": public}]),
        json!([{"match": {"hosts": ["[::1]"]}}, {"match": {"path": "/a"}, "access": public}]),
        json!([{"match": {"hosts": ["[::1]"]}, "access": public}]),
        json!([{"match": {"path": "/a/%c3%a4 b"}}, {"match": {"path": "/a/**"}, "access": public}]),
        json!([{"match": {"path": "/a/%c3%a4"}, "access": public}]),
        json!([{"match": {"path": "/%2a"}, "access": public}]),
        json!([{"match": {"path": "/%2a"}}, {"match": {"path": "/**"}, "access": public}]),
        json!([{"match": {"hosts": ["api.example.com"], "path": "/a", "methods": ["GET"]}}, {"match": {"path": "/a"}, "access": public}]),
        json!([
            {"match": {"path": "/a/b"}, "access": public},
            {"match": {"path": "/a/**"}},
            {"match": {"path": "/**", "methods": ["GET", "HEAD"]}, "access": optional},
            {"match": {"hosts": ["api.example.com"]}, "access": "deny"},
            {"match": {"path": "/b"}, "access": public},
        ]),
        json!([{"match": {"path": format!("/{{id}}/{}", "long".repeat(30))}}, {"match": {"path": "/**"}, "access": public}]),
        json!([{"match": {"path": "/{id}/%c3%a4b"}, "access": public}]),
        json!([{"match": {"path": "/{id}/%c3%a4b"}}, {"match": {"path": "/**"}, "access": public}]),
        json!([{"match": {"hosts": ["[::1]"], "path": "/a"}}, {"match": {"hosts": ["[::1]"]}, "access": public}]),
    ]
}

const METHODS: [&str; 5] = ["GET", "POST", "OPTIONS", "HEAD", "get"];

#[rustfmt::skip]
const PLAIN_AUTHORITIES: [&str; 9] = [
    "api.example.com", "API.example.com:443", "b.api.example.com", "example.com", "10.0.0.1", "localhost:8443", "shop_1",
    "api.example.com:59999", "api.example.com:65535",
];

#[rustfmt::skip]
const AUTHORITIES: [&str; 32] = [
    "api.example.com:", "API.example.com.:", "[::ffff:a00:1]", "10.0.0.1.", "docs.example.com:",
    "api.example.com.", "api.example.com.:1", "", ":1", "[::1]", "[0:0::1]:443", "[::1]:99999", "user@api.example.com",
    "api.example.com@evil.org", "api.example.com:80@evil.org", "api.example.com:65536", "api.example.com:x", ".example.com",
    "a..example.com", "a b.example.com", "%61pi.example.com", "api.example.com:443:443", "x:1.example.com", "x.example.com:@",
    "[::1]:", "[::1]:443", "[::1]:x:80", "[::1]:]:80", "[::1]:[::2]:80", "[::1]x:80", "[::1]:65536",
    "api.example.com:70000",
];

#[rustfmt::skip]
const PLAIN_PATHS: [&str; 28] = [
    "/", "/?a=//../;%2f", "/a", "/a/", "/a?b", "/a/b", "/a/b/", "/a/b/c", "/a/c", "/a/c?u=https://x/../y;z", "/b", "/b/b", "/c/b/d/e",
    "/healthz", "/healthz/", "/healthz/x", "/a/x%20y", "/a/%c3%a4", "/a/%C3%A4%20b", "/a/%e2%82%ac", "/a/...", "/a/b:c@d,e=f!$&'()", "/A",
    "/a/%c3%a4b", "/a/%C3%A4B", "/a/%c3%a4b/c",
    "/*", "/id/longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong",
];

/// What Envoy may hand on, and what it would not; but for `#`, with which it refuses a request in any case.
#[rustfmt::skip]
const PATHS: [&str; 96] = [
    "/a.", "/a/x.", "/a./x", "/a%20", "/a/x%20/y", "/a%3f", "/a/%23x", "/a::$DATA", "/a/x:$I30", "/a/%ef%bc%8fx", "/a/%EF%BC%BC",
    "/a/%e2%80%a4", "/a/%E2%80%A5", "/a/%e2%81%84", "/a/%e2%88%95x", "/a/%ef%b9%92", "/a/%ef%b9%a8", "/a/%ef%bc%8e", "/a/%c2%85",
    "/%61", "/%61/x", "/a%3ab", "/a/%c3%A4", "/a/%c3%a4%20b", "/x/%c3%a4b", "/healthz.", "/healthz%20", "/static./x", "/healthz/.",
    "", "*", "//", "//a", "/a//", "/a//b", "/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b", "/a/../", "/a/%2e/b", "/a/%2E%2e/b", "/a/.%2e",
    "/a%2fb", "/a/b%2Fc", "/a/%5cb", "/a/\\b", "/a;v=1", "/a/;", "/a/..;/b", "/a/%3bv", "/a/%00", "/a/%0a", "/a/%7f", "/a/%zz", "/a/%",
    "/a/%4", "/a/%252e", "/a/%2562", "/a/%25%36%32", "/a/%c0%af", "/a/%c0%ae", "/a/%ff", "/a/%e4", "/a/%ed%a0%80", "/a/ä", "/a/%62", "/%61",
    "/%61/b", "/a/%21", "a", "a/b", "?a", "http://api.example.com/a", "/a/%f0%9f%98%80", "/%68ealthz", "/a/%2a",
    "/a/%C3%a4b",
    "/a/%c2%a5", "/a/%C2%A5x", "/a/%e2%82%a9", "/a/%cd%be", "/a/%e2%88%96", "/a/%ef%b9%94", "/a/%ef%b9%aa", "/a/%ef%bc%83", "/a/%ef%bc%85",
    "/a/%ef%bc%9b", "/a/%EF%BC%9F", "/a/x%c2%a0", "/a/x%E2%80%A6", "/a/x%e3%80%80", "/a/%E3%80%80/b", "/healthz%e3%80%80",
];

fn requests<'a>(authorities: &'a [&'a str], paths: &'a [&'a str]) -> impl Iterator<Item = Nobody<'a>> {
    let with = move |authority| paths.iter().map(move |path| (authority, *path));
    let each = authorities.iter().flat_map(move |authority| with(*authority));
    each.flat_map(|(authority, path)| METHODS.map(|method| Nobody { method, authority, path }))
}

/// Whether the guard can say all of the rules; where it cannot, it is narrower and says so.
fn said_in(run: &Run) -> bool {
    !run.err.contains("warning[CG0306]")
}

#[test]
fn a_guard_is_never_wider_than_the_rules() {
    let authorities = [&PLAIN_AUTHORITIES[..], &AUTHORITIES].concat();
    let paths = [&PLAIN_PATHS[..], &PATHS].concat();
    for rules in tables() {
        let registry = registry_with(&rules);
        let policy = config::read(registry.as_bytes()).unwrap();
        let filter = rbac(&envoy(&registry)).unwrap();
        let manifests = documents(&istio(&registry));
        let authorization = of_kind(&manifests, "AuthorizationPolicy");
        let behind = behind(&manifests);
        let all = requests(&authorities, &PLAIN_PATHS).chain(requests(&PLAIN_AUTHORITIES, &paths));
        for request in all.filter(|request| !request.passes(&policy)) {
            assert!(!request.passes_rbac(&filter), "{rules}: Envoy: {request:?}");
            let passes = request.passes_authorization(authorization)
                && behind.as_ref().is_none_or(|filter| request.passes_rbac(filter));
            assert!(!passes, "{rules}: Istio: {request:?}");
        }
    }
}

#[test]
fn a_guard_is_no_narrower_for_what_everybody_reads_alike() {
    for rules in tables() {
        let registry = registry_with(&rules);
        let policy = config::read(registry.as_bytes()).unwrap();
        let run = envoy(&registry);
        let filter = rbac(&run).unwrap();
        let in_istio = istio(&registry);
        let manifests = documents(&in_istio);
        let authorization = of_kind(&manifests, "AuthorizationPolicy");
        let behind = behind(&manifests);
        for request in requests(&PLAIN_AUTHORITIES, &PLAIN_PATHS).filter(|request| request.passes(&policy)) {
            assert!(request.passes_rbac(&filter) || !said_in(&run), "{rules}: Envoy: {request:?}");
            let passes = request.passes_authorization(authorization)
                && behind.as_ref().is_none_or(|filter| request.passes_rbac(filter));
            assert!(passes || !said_in(&in_istio), "{rules}: Istio: {request:?}");
        }
    }
}

#[test]
fn where_whole_paths_are_enough_istio_needs_no_filter_of_envoys() {
    for (rules, needs) in [
        (json!([]), false),
        (json!([{"match": {"path": "/healthz", "methods": ["GET"]}, "access": "public"}]), false),
        (json!([{"match": {"methods": ["OPTIONS"]}, "access": "public"}]), false),
        (json!([{"match": {"path": "/a/**"}, "access": "public"}]), true),
        (json!([{"match": {"hosts": ["a.example"]}, "access": "public"}]), true),
        (json!([{"match": {"path": "/a"}}, {"match": {"methods": ["OPTIONS"]}, "access": "public"}]), true),
    ] {
        assert_eq!(behind(&documents(&istio(&registry_with(&rules)))).is_some(), needs, "{rules}");
    }
}

#[test]
fn the_plainest_guard_reads_like_this() {
    let registry = registry_with(&json!([
        {"name": "health", "match": {"path": "/healthz", "methods": ["GET"]}, "access": "public"},
    ]));
    let policies = &rbac(&envoy(&registry)).unwrap()["rules"]["policies"];
    insta::assert_snapshot!(policies["without a client: health"]["permissions"], @r#"[{"and_rules":{"rules":[{"header":{"name":":method","string_match":{"exact":"GET"}}},{"or_rules":{"rules":[{"url_path":{"path":{"exact":"/healthz"}}},{"url_path":{"path":{"exact":"/healthz/"}}}]}}]}}]"#);
    let manifests = documents(&istio(&registry));
    insta::assert_snapshot!(of_kind(&manifests, "AuthorizationPolicy").unwrap()["spec"]["rules"], @r#"[{"to":[{"operation":{"notPaths":["/healthz","/healthz/"]}},{"operation":{"notMethods":["GET"]}}],"when":[{"key":"request.headers[x-client-alias]","notValues":["*"]}]}]"#);
    let manifests = documents(&envoy_gateway(&registry));
    insta::assert_snapshot!(of_kind(&manifests, "SecurityPolicy").unwrap()["spec"]["authorization"], @r#"{"defaultAction":"Deny","rules":[{"action":"Allow","cel":"\"x-client-alias\" in request.headers","name":"identified"},{"action":"Allow","cel":"(request.method == \"GET\" && ((request.url_path == \"/healthz\") || (request.url_path == \"/healthz/\")))","name":"health"}]}"#);
}

#[test]
fn what_is_too_long_for_envoy_gateway_is_left_out_and_said() {
    for (length, is_left_out) in [(60, false), (100, true)] {
        let host = format!("*.{}.{}.example", "a".repeat(length / 2), "b".repeat(length / 2));
        let rules = json!([{"match": {"hosts": [host]}}, {"name": "health", "match": {"path": "/healthz"}, "access": "public"}]);
        let run = envoy_gateway(&registry_with(&rules));
        let manifests = documents(&run);
        let made = of_kind(&manifests, "SecurityPolicy").unwrap()["spec"]["authorization"]["rules"].as_array().unwrap();
        assert_eq!(made.iter().any(|rule| rule["name"] == "health"), !is_left_out);
        assert_eq!(
            run.err.contains("rules[1]: the condition of this rule is too long for Envoy Gateway"),
            is_left_out,
            "{}",
            run.err
        );
    }
}
