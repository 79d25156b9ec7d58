//! `certgate render`: that a belt lets through no more than the rules do, and no less than it must, in each language; what
//! it says of what it cannot; and that a registry is the same wherever it is written.

use certgate::config;
use certgate::domain::policy::Policy;
use certgate::domain::route::Target;
use certgate::domain::rules::{Access, Match};
use regex::Regex;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What a run left: its exit code, and what it wrote.
struct Run {
    code: i32,
    out: String,
    err: String,
}

fn render(arguments: &[&str], registry: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_certgate"))
        .arg("render")
        .args(arguments)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its options does not read.
    let _ = child.stdin.take().unwrap().write_all(registry.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn istio(registry: &str) -> Run {
    render(&["--to", "istio", "--image", "registry.example/certgate:1", "--sha256", DIGEST], registry)
}

fn envoy_gateway(registry: &str) -> Run {
    let image = ["--image", "registry.example/certgate:1", "--sha256", DIGEST, "--gateway", "edge"];
    render(&[&["--to", "envoy-gateway"][..], &image].concat(), registry)
}

/// The documents in what was printed.
fn documents(run: &Run) -> Vec<Value> {
    assert_eq!(run.code, 0, "{}", run.err);
    let documents = run.out.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

fn of_kind<'d>(documents: &'d [Value], kind: &str) -> Option<&'d Value> {
    documents.iter().find(|document| document["kind"] == kind)
}

fn registry_with(rules: &Value) -> String {
    json!({"version": 1, "tiers": {"t": {}}, "clients": [], "rules": rules}).to_string()
}

/// A connection manager in a bootstrap.
fn manager(run: &Run) -> Value {
    let document = &documents(run)[0];
    document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"].clone()
}

fn filter(manager: &Value, name: &str) -> Option<Value> {
    manager["http_filters"].as_array()?.iter().find(|filter| filter["name"] == name).cloned()
}

fn rbac(run: &Run) -> Option<Value> {
    filter(&manager(run), "envoy.filters.http.rbac").map(|filter| filter["typed_config"].clone())
}

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
            other => panic!("a permission that no belt has: {other}"),
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
            other => panic!("a condition that no belt has: {other}"),
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

/// Whether the belt can say all of the rules; where it cannot, it is narrower and says so.
fn said_in(run: &Run) -> bool {
    !run.err.contains("lets nobody through here")
}

#[test]
fn a_belt_is_never_wider_than_the_rules() {
    let authorities = [&PLAIN_AUTHORITIES[..], &AUTHORITIES].concat();
    let paths = [&PLAIN_PATHS[..], &PATHS].concat();
    for rules in tables() {
        let registry = registry_with(&rules);
        let policy = config::read(registry.as_bytes()).unwrap();
        let filter = rbac(&render(&["--to", "envoy"], &registry)).unwrap();
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
fn a_belt_is_no_narrower_for_what_everybody_reads_alike() {
    for rules in tables() {
        let registry = registry_with(&rules);
        let policy = config::read(registry.as_bytes()).unwrap();
        let run = render(&["--to", "envoy"], &registry);
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

/// The filter behind an AuthorizationPolicy, where that says too little.
fn behind(manifests: &[Value]) -> Option<Value> {
    let belt = manifests.iter().find(|document| document["metadata"]["name"] == "certgate-belt")?;
    let patches = belt["spec"]["configPatches"].as_array()?;
    let inserted = patches.iter().find(|patch| patch["patch"]["operation"] == "INSERT_BEFORE");
    inserted.map(|patch| patch["patch"]["value"]["typed_config"].clone())
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
fn the_plainest_belt_reads_like_this() {
    let registry = registry_with(&json!([
        {"name": "health", "match": {"path": "/healthz", "methods": ["GET"]}, "access": "public"},
    ]));
    let policies = &rbac(&render(&["--to", "envoy"], &registry)).unwrap()["rules"]["policies"];
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
        assert_eq!(run.err.contains("-: warning: health: too long for Envoy Gateway"), is_left_out, "{}", run.err);
    }
}

#[test]
fn in_shadow_mode_a_belt_only_counts() {
    let registry = json!({"version": 1, "mode": "shadow", "clients": []}).to_string();
    let filter = rbac(&render(&["--to", "envoy"], &registry)).unwrap();
    assert!(filter.get("rules").is_none() && filter["shadow_rules"]["policies"]["identified"].is_object());
    let manifests = documents(&istio(&registry));
    let authorization = of_kind(&manifests, "AuthorizationPolicy").unwrap();
    assert_eq!(authorization["metadata"]["annotations"], json!({"istio.io/dry-run": "true"}));
    let run = envoy_gateway(&registry);
    assert!(of_kind(&documents(&run), "SecurityPolicy").is_none());
    assert!(run.out.contains("a SecurityPolicy cannot only count"), "{}", run.out);
    assert!(run.err.contains("mode is shadow, which a SecurityPolicy does not know"), "{}", run.err);
}

#[test]
fn without_an_alias_header_there_is_no_second_part() {
    let registry = json!({"version": 1, "headers": {"alias": null}, "clients": []}).to_string();
    for (run, kind) in [
        (render(&["--to", "envoy"], &registry), ""),
        (istio(&registry), "AuthorizationPolicy"),
        (envoy_gateway(&registry), "SecurityPolicy"),
    ] {
        assert!(of_kind(&documents(&run), kind).is_none());
        assert!(run.out.contains("There is no second part of the belt"), "{}", run.out);
        assert!(run.err.contains("-: warning: headers.alias is null"), "{}", run.err);
    }
    let manager = manager(&render(&["--to", "envoy"], &registry));
    assert!(filter(&manager, "envoy.filters.http.rbac").is_none());
    assert!(manager["early_header_mutation_extensions"].is_array());
    assert!(behind(&documents(&istio(&registry))).is_none());
}

#[test]
fn renamed_headers_are_removed_and_asked_for() {
    let headers = json!({"alias": "x-consumer", "tier": null, "groups": "x-teams"});
    let registry = json!({"version": 1, "headers": headers, "clients": []}).to_string();
    let run = render(&["--to", "envoy"], &registry);
    let manager = manager(&run);
    let mutations = &manager["early_header_mutation_extensions"][0]["typed_config"]["mutations"];
    let removed: Vec<_> =
        mutations.as_array().unwrap().iter().filter_map(|mutation| mutation["remove"].as_str()).collect();
    for name in certgate::domain::headers::ALWAYS_OWNED.into_iter().chain(["x-consumer", "x-teams"]) {
        assert!(removed.contains(&name), "{name}");
    }
    let identified = &rbac(&run).unwrap()["rules"]["policies"]["identified"]["permissions"][0];
    assert_eq!(identified["header"], json!({"name": "x-consumer", "present_match": true}));
    assert!(run.out.contains("%REQ(X-CONSUMER)%") && !run.out.contains("%REQ(X-CLIENT-ALIAS)%"));
    assert_eq!(tagged(&manager, "certgate.client.alias"), "x-consumer");
    assert!(istio(&registry).out.contains("request.headers[x-consumer]"));
    let run = envoy_gateway(&registry);
    assert!(run.out.contains(r#"\"x-consumer\" in request.headers"#) && run.out.contains("- x-teams"), "{}", run.out);
}

/// The header that a tag of spans reads.
fn tagged(manager: &Value, tag: &str) -> String {
    let tags = manager["tracing"]["custom_tags"].as_array().unwrap();
    tags.iter().find(|known| known["tag"] == tag).unwrap()["request_header"]["name"].as_str().unwrap().to_owned()
}

#[test]
fn headers_that_have_each_others_names_are_not_mistaken() {
    let registry =
        json!({"version": 1, "headers": {"alias": "x-client-tier", "tier": "x-client-alias"}, "clients": []});
    let run = render(&["--to", "envoy"], &registry.to_string());
    let manager = manager(&run);
    let said = &manager["access_log"][0]["typed_config"]["log_format"]["json_format"];
    let said = [&said["certgate.client.alias"], &said["certgate.tier"]];
    assert_eq!(said, ["%REQ(X-CLIENT-TIER)%", "%REQ(X-CLIENT-ALIAS)%"]);
    assert_eq!(tagged(&manager, "certgate.client.alias"), "x-client-tier");
    assert_eq!(tagged(&manager, "certgate.tier"), "x-client-alias");
    let routes = &manager["route_config"]["virtual_hosts"][0]["routes"];
    assert_eq!(routes[0]["match"]["headers"][0]["name"], "x-client-alias");
}

/// What a registry's clients hold open is not cut off with what has no client.
#[test]
fn streams_without_a_client_end_soon_where_an_alias_tells_them_from_others() {
    let public = |registry: Value| {
        let manager = manager(&render(&["--to", "envoy"], &registry.to_string()));
        let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array().unwrap().clone();
        assert_eq!(manager["common_http_protocol_options"]["max_stream_duration"], "86400s");
        assert_eq!(routes.last().unwrap(), &json!({"match": {"prefix": "/"}, "route": {"cluster": "default"}}));
        routes.iter().find(|route| route["name"] == "public").cloned()
    };
    let matched = public(json!({"version": 1, "headers": {"alias": "x-consumer"}, "clients": []})).unwrap();
    assert_eq!(matched["match"]["headers"], json!([{"name": "x-consumer", "present_match": false}]));
    assert_eq!(matched["route"]["max_stream_duration"], json!({"max_stream_duration": "60s"}));
    assert_eq!(public(json!({"version": 1, "headers": {"alias": null}, "clients": []})), None);
    assert_eq!(public(json!({"version": 1, "mode": "shadow", "clients": []})), None);
}

/// Anything may stand in a registry, also what stands in the files that it is put into.
#[test]
fn a_registry_is_not_mistaken_for_what_is_around_it() {
    let text = "target/certgate.wasm target/demo/server.key %REQ(X-CLIENT-ALIAS)% {name: x-client-tier}\nvalue: {{name}}\nmutations: x";
    let registry = json!({
        "version": 1,
        "tiers": {"value": {"limits": [{"name": "envoy.filters.http.rbac", "requests": 5, "per": "1s"}]}},
        "headers": {"alias": "x-consumer"},
        "clients": [{"alias": "a", "tier": "value", "description": text, "credentials": [{"sha256": DIGEST}]}],
        "rules": [{"name": "envoy.filters.http.rbac"}],
        "identity": {"chain": "listener"},
    });
    let module = ["--module", "/etc/certgate.wasm"];
    let with_module = |to: &[&str]| render(&[to, &module].concat(), &registry.to_string());
    let run = with_module(&["--to", "envoy"]);
    let plugin = |plugin: &Value| plugin["typed_config"]["config"]["configuration"]["value"].clone();
    assert_eq!(plugin(&filter(&manager(&run), "certgate").unwrap()), registry);
    let policies = rbac(&run).unwrap()["rules"]["policies"].as_object().unwrap().clone();
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["identified"]);
    assert_eq!(plugin(&documents(&with_module(&["--to", "ecds"]))[0]["resources"][0]), registry);
    let manifests = documents(&istio(&registry.to_string()));
    assert_eq!(of_kind(&manifests, "WasmPlugin").unwrap()["spec"]["pluginConfig"], registry);
    let manifests = documents(&envoy_gateway(&registry.to_string()));
    assert_eq!(of_kind(&manifests, "EnvoyExtensionPolicy").unwrap()["spec"]["wasm"][0]["config"], registry);
}

#[test]
fn names_that_yaml_takes_for_something_else_are_names() {
    let registry = registry_with(&json!([{"match": {"path": "/a/**"}, "access": "public"}]));
    for name in ["12", "1e3", "on", "null", "0x1f", "2026-01-01", "1.5"] {
        let more = ["--image", "registry.example/certgate:1", "--sha256", DIGEST, "--name", name, "--namespace", name];
        for to in [
            &["--to", "istio"][..],
            &["--to", "istio", "--by", "envoy-filter"],
            &["--to", "envoy-gateway", "--gateway", name],
        ] {
            for document in documents(&render(&[to, &more].concat(), &registry)) {
                let made = document["metadata"]["name"].as_str().unwrap();
                assert!(made == name || made == format!("{name}-belt"), "{made}");
                assert_eq!(document["metadata"]["namespace"], name);
            }
        }
    }
}

/// A registry with every kind of value that some reader of YAML takes for another.
fn awkward() -> Value {
    json!({
        "version": 1,
        "tiers": {"yes1": {"limits": [{"name": "a", "requests": 3_000_000_000_u64, "per": "30d", "initial": null}]}, "010": {}, "1e3": {}, "0x10": {}},
        "clients": [
            {"alias": "12", "tier": "010", "description": "on", "credentials": [{"sha256": "11:22:33:44:55:06:07:08:09:10:11:12:13:14:15:16:17:18:19:20:21:22:23:24:25:26:27:28:29:30:31:32"}]},
            {"alias": "0x1f", "tier": "1e3", "description": "a: b # c\n  d\n\n\ttab \u{e4} \u{2028} 'x' \"y\" \\", "enabled": false, "credentials": []},
            {"alias": "true", "tier": "yes1", "description": "~", "credentials": [{"uri_san": "spiffe://example.org/*/x"}]},
            {"alias": "1.5", "tier": "0x10", "description": " - x ", "credentials": []},
            {"alias": "null1", "tier": "0x10", "description": "ends \n \n\twith\n\n\n", "credentials": []},
            {"alias": "2026-01-01", "tier": "0x10", "description": format!("{} {}", "word ".repeat(60), "x".repeat(200)), "credentials": []},
        ],
        "identity": {"chain": "verified"},
    })
}

#[test]
fn a_registry_is_the_same_wherever_it_is_written() {
    let mut registry = awkward();
    let clients = registry["clients"].as_array_mut().unwrap();
    for (number, client) in clients.iter_mut().enumerate() {
        if client["credentials"] == json!([]) {
            client["credentials"] = json!([{"sha256": format!("{number:064}")}]);
        }
    }
    registry["tiers"]["yes1"]["limits"][0].as_object_mut().unwrap().remove("initial");
    let text = registry.to_string();
    let accepted = config::read(text.as_bytes());
    assert!(accepted.is_ok(), "{:?}", accepted.err());
    let watched = render(&["--to", "ecds"], &text);
    let plugin = |document: &Value| document["typed_config"]["config"]["configuration"]["value"].clone();
    assert_eq!(plugin(&documents(&watched)[0]["resources"][0]), registry);
    assert_eq!(plugin(&filter(&manager(&render(&["--to", "envoy"], &text)), "certgate").unwrap()), registry);
    let manifests = documents(&istio(&text));
    assert_eq!(of_kind(&manifests, "WasmPlugin").unwrap()["spec"]["pluginConfig"], registry);
    let manifests = documents(&envoy_gateway(&text));
    assert_eq!(of_kind(&manifests, "EnvoyExtensionPolicy").unwrap()["spec"]["wasm"][0]["config"], registry);
    // And as Envoy's own reader of YAML has it: `certgate check` reads as that does.
    let mut lines = watched.out.lines().skip_while(|line| line.trim() != "value:");
    let depth = lines.next().unwrap().len() - "value:".len() + 2;
    let inner: Vec<&str> = lines.map(|line| line.get(depth..).unwrap_or_default()).collect();
    let again = render(&["--to", "ecds"], &inner.join("\n"));
    let mut expected = registry.clone();
    // Envoy's YAML has no number of more than 32 bits.
    expected["tiers"]["yes1"]["limits"][0]["requests"] = json!("3000000000");
    assert_eq!(plugin(&documents(&again)[0]["resources"][0]), expected);
}

#[test]
fn whoever_loads_it_validates_certificates() {
    let chain = |registry: &Value| {
        let manifests = documents(&istio(&registry.to_string()));
        of_kind(&manifests, "WasmPlugin").unwrap()["spec"]["pluginConfig"]["identity"].clone()
    };
    let mut registry = json!({"version": 1, "clients": []});
    assert_eq!(chain(&registry), json!({"chain": "listener"}));
    registry["identity"] = json!({"source": "connection"});
    assert_eq!(chain(&registry), json!({"source": "connection", "chain": "listener"}));
    registry["identity"] = json!({"chain": "verified"});
    assert_eq!(chain(&registry), json!({"chain": "verified"}));
}

#[test]
fn whole_numbers_are_whole_however_json_writes_them() {
    let registry =
        r#"{"version": 1.0, "clients": [], "tiers": {"t": {"limits": [{"name": "a", "requests": 1e3, "per": "1s"}]}}}"#;
    let value = &documents(&render(&["--to", "ecds"], registry))[0]["resources"][0]["typed_config"]["config"]["configuration"]
        ["value"];
    assert_eq!((&value["version"], &value["tiers"]["t"]["limits"][0]["requests"]), (&json!(1), &json!(1000)));
}

#[test]
fn what_another_proxy_says_of_clients_is_forwarded_only_where_it_counts() {
    let xfcc = json!({"version": 1, "clients": [], "identity": {"source": "xfcc", "trusted_relays": [{"uri_san": "spiffe://a/b"}]}});
    for (registry, in_envoy, in_istio, in_envoy_gateway) in [
        (json!({"version": 1, "clients": []}), "SANITIZE", "SANITIZE_SET", "Sanitize"),
        (xfcc, "FORWARD_ONLY", "FORWARD_ONLY", "ForwardOnly"),
    ] {
        let text = registry.to_string();
        for arguments in [&["--to", "envoy"][..], &["--to", "envoy", "--watch", "a/b.yaml"]] {
            assert_eq!(manager(&render(arguments, &text))["forward_client_cert_details"], in_envoy);
        }
        assert!(istio(&text).out.contains(&format!("forward_client_cert_details: {in_istio}\n")));
        assert!(envoy_gateway(&text).out.contains(&format!("mode: {in_envoy_gateway}\n")));
    }
}

#[test]
fn wrong_registries_are_refused_as_check_refuses_them() {
    let run = render(&["--to", "envoy"], r#"{"version": 2, "clients": [{"alias": "a"}]}"#);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    insta::assert_snapshot!(run.err, @r"
    -: version: expected 1, found 2
    -: clients[0].tier: expected the name of the client's tier, found nothing
    -: clients[0].credentials: expected a list of one credential or more, found nothing
    ");
}

#[test]
fn options_that_are_missing_or_wrong_are_named() {
    let good = r#"{"version": 1, "clients": []}"#;
    let refused = |arguments: &[&str]| {
        let run = render(arguments, good);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?}");
        run.err
    };
    insta::assert_snapshot!(refused(&["--to", "istio"]), @r"
    this target needs --image, the module's image
    this target needs --sha256, the digest of the module's image
    ");
    insta::assert_snapshot!(refused(&["--to", "envoy-gateway"]), @r"
    this target needs --image, the module's image
    this target needs --sha256, the digest of the module's image
    this target needs --gateway, the Gateway's name
    ");
    let sidecar = ["--to", "istio", "--placement", "sidecar", "--image", "x", "--sha256", DIGEST];
    insta::assert_snapshot!(refused(&sidecar), @"this target needs --selector with --placement sidecar: the labels of the workload");
    let wrong = ["--to", "istio", "--image", "x", "--sha256", "sha256:12", "--name", "a b", "--namespace", ""];
    insta::assert_snapshot!(refused(&wrong), @r#"
    --sha256: expected 64 hexadecimal digits in lower case, found "sha256:12"
    --name: expected a name of a-z, 0-9, `-` and `.`, found "a b"
    --namespace: expected a name of a-z, 0-9, `-` and `.`, found ""
    "#);
    // As registries write it.
    let prefixed = ["--to", "istio", "--image", "registry.example/certgate:1", "--sha256", &format!("sha256:{DIGEST}")];
    assert_eq!(render(&prefixed, good).out, istio(good).out);
    for arguments in
        [&[][..], &["--to", "kong"], &["--to", "istio", "--selector", "app"], &["--to", "istio", "--by", "hand"]]
    {
        assert!(!refused(arguments).is_empty());
    }
}

#[test]
fn tokens_that_a_platform_puts_elsewhere_are_warned_of() {
    let registry = json!({"version": 1, "clients": [], "rules": [{"bound_token": true}]}).to_string();
    assert!(istio(&registry).err.contains("-: warning: bound_token: Istio's RequestAuthentication"));
    assert!(envoy_gateway(&registry).err.contains("-: warning: bound_token: name the JWT provider"));
    assert!(!render(&["--to", "envoy"], &registry).err.contains("bound_token"));
}
