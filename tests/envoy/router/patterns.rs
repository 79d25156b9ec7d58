//! Hosts and paths, each as a rule of certgate's and as the virtual host or route of Envoy's that is equivalent to it.

use super::random::Random;
use serde_json::{Value, json};

/// Hosts, the more special ones first; the last one is any.
const HOSTS: [&str; 11] = [
    "api.example.com",
    "my_service",
    "a-b.c.example.com",
    "10.0.0.7",
    "[::1]",
    "[2001:db8::a]",
    "[::ffff:10.0.0.1]",
    "*.b.example.org",
    "*.example.org",
    "*.net",
    "*",
];

/// Segments of patterns: text that stands for itself, text with escapes, and a wildcard.
const SEGMENTS: [&str; 14] =
    ["a", "B", "admin", "a.b", "a:b", "v1~x", "$meta", "s%20t", "%C3%A4", "x%5E", "(c)", "a+b", "u@h", "*"];

/// A rule and the routes that are equivalent to it.
pub(super) struct Pattern {
    /// The rule's and the route's.
    pub(super) name: String,
    pub(super) host: &'static str,
    /// As the rule has it.
    pub(super) path: String,
}

/// The patterns of a test: for each host some paths in random order of rules, and then any path.
pub(super) fn patterns(random: &mut Random) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for (place, host) in HOSTS.into_iter().enumerate() {
        let mut paths: Vec<String> = (0..12).map(|_| path(random)).collect();
        paths.push("/".to_owned());
        paths.push("/**".to_owned());
        for (index, path) in paths.into_iter().enumerate() {
            patterns.push(Pattern { name: format!("rule-{place}-{index}"), host, path });
        }
    }
    patterns
}

fn path(random: &mut Random) -> String {
    let segments: String = (0..=random.below(2)).map(|_| format!("/{}", random.of(&SEGMENTS))).collect();
    if random.below(3) == 0 { segments + "/**" } else { segments }
}

/// The rules, each with a limit of its own, whose name a response tells.
pub(super) fn rules(patterns: &[Pattern]) -> Value {
    let rule = |pattern: &Pattern| {
        let limits = json!([{"name": pattern.name, "requests": 1_000_000, "per": "1s"}]);
        let mut rule = json!({"name": pattern.name, "match": {"path": pattern.path}, "limits": limits});
        if pattern.host != "*" {
            rule["match"]["hosts"] = json!([pattern.host]);
        }
        rule
    };
    patterns.iter().map(rule).collect()
}

/// The virtual hosts. Each route answers with its rule's name.
pub(super) fn virtual_hosts(patterns: &[Pattern]) -> Value {
    let routes = |host| -> Vec<Value> {
        let of_host = patterns.iter().filter(|pattern| pattern.host == host);
        of_host
            .flat_map(|pattern| matchers(&pattern.path).into_iter().map(|matcher| route(matcher, &pattern.name)))
            .collect()
    };
    let virtual_host = |(place, host): (usize, &&'static str)| json!({"name": format!("host-{place}"), "domains": [host], "routes": routes(*host)});
    HOSTS.iter().enumerate().map(virtual_host).collect()
}

fn route(matcher: Value, name: &str) -> Value {
    json!({
        "match": matcher,
        "direct_response": {"status": 200},
        "response_headers_to_add": [{"header": {"key": "x-route", "value": name}}],
    })
}

/// The routes that docs/configuration/rules.md puts beside a rule's path.
fn matchers(path: &str) -> Vec<Value> {
    let (text, is_below) = path.strip_suffix("/**").map_or((path, false), |text| (text, true));
    match (text, is_below) {
        ("", true) => vec![json!({"prefix": "/"})],
        ("/", false) => vec![json!({"path": "/"})],
        _ if text.contains('*') => {
            let end = if is_below { "(?:/.*)?" } else { "/?" };
            vec![json!({"safe_regex": {"regex": regex_of(text) + end}})]
        }
        (_, true) => vec![json!({"path_separated_prefix": text})],
        (_, false) => vec![json!({"path": text}), json!({"path": format!("{text}/")})],
    }
}

/// A segment for each wildcard, and the rest to the letter.
fn regex_of(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '*' => "[^/]+".to_owned(),
            '$' | '(' | ')' | '+' | '.' | '^' => format!("\\{character}"),
            other => other.to_string(),
        })
        .collect()
}
