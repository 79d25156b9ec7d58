//! Laws of routes: the index finds what a reader of all rules finds, for random rules and requests.

use super::{Rule, find, naive, routes, rule};
use certgate_core::domain::route::host::{HostPattern, canonical};
use certgate_core::domain::route::path_pattern::PathPattern;
use certgate_core::domain::route::{Found, RoutePattern, Routes};
use certgate_test_support::laws::cases;
use proptest::prelude::*;

fn some<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(of)
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let hosts = some(&["a", "b.a", "a.b.a", "c.b.a", "*.a", "*.b.a", "*.a.b.a", "10.0.0.1", "[::1]"]);
    let segments = prop::collection::vec(some(&["a", "b", "c", "*", "{x}", "%61", "%25"]), 0..4);
    let path = (segments, some(&["", "/", "/**"]))
        .prop_map(|(segments, end)| segments.iter().map(|segment| format!("/{segment}")).collect::<String>() + end)
        .prop_map(|path| if path.is_empty() { "/".to_owned() } else { path });
    let methods = prop::collection::vec(some(&["GET", "POST", "PUT"]), 0..3);
    (prop::collection::vec(hosts, 0..3), prop::option::of(path), methods)
        .prop_map(|(hosts, path, methods)| Rule { path, ..rule(&hosts, "", &methods) })
}

/// Mostly names under `a`, some with spellings that change nothing, and some that are none.
fn any_authority() -> impl Strategy<Value = String> {
    let labels = prop::collection::vec(some(&["a", "b", "c", "A", "B"]), 0..4).prop_map(|labels| labels.join("."));
    let odd = some(&["10.0.0.1", "[::1]", "[0::1]", "[::2]", "u@a", "%61", "a..a", "", "é"]).prop_map(str::to_owned);
    let end = some(&["", "", "", "", ".a", ".b.a", ".", ":80", ":", ".:443", ":x", "..", ":65536", "]"]);
    (prop_oneof![4 => labels, 1 => odd], end).prop_map(|(host, end)| host + end)
}

/// Mostly paths of few letters, some with spellings that change nothing, and some that are ambiguous.
fn any_path() -> impl Strategy<Value = String> {
    let plain = some(&["a", "b", "c", "%61", "%62", "%25", "d"]);
    let odd = some(&[
        "",
        ".",
        "..",
        "%2e",
        "%2E.",
        "a%2fb",
        "a%5C",
        "a\\b",
        "a;v",
        "a%3b",
        "a#",
        "%00",
        "\x7f",
        "é",
        "%zz",
        "%",
        "%2561",
        "%25%36%31",
        "%%36",
        "%c0%ae",
        "%C3%a9",
        "%C3%A9",
        "a%2",
        "...",
        "a.",
        "a%20",
        "a%3f",
        "%23",
        "a:$b",
        "a%3A%24",
        "%ef%bc%8f",
        "a%c2%a0",
        "%EF%BC%85",
        "%c2%85",
        "b%5e",
        "^",
    ]);
    let segments = prop::collection::vec(prop_oneof![12 => plain, 1 => odd], 0..5);
    let end = some(&["", "", "", "/", "?", "?a//../%2f", "/?é#"]);
    let path = (segments, end).prop_map(|(segments, end)| format!("/{}{end}", segments.join("/")));
    prop_oneof![12 => path, 1 => some(&["", "*", "a", "?", "*?", "http://a/a"]).prop_map(str::to_owned)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(20_000)))]

    /// The index agrees with a reader of all rules.
    #[test]
    fn the_index_finds_what_reading_all_rules_finds(
        rules in prop::collection::vec(any_rule(), 0..10),
        requests in prop::collection::vec((some(&["GET", "POST", "PATCH", "get"]), any_authority(), any_path()), 10),
    ) {
        let routes = routes(&rules);
        for (method, authority, path) in requests {
            let (authority, path) = (authority.as_bytes(), path.as_bytes());
            let found = find(&routes, method, authority, path);
            prop_assert_eq!(found, naive::find(&rules, method, authority, path), "{:?} {:?}", authority, path);
        }
    }

    /// No bytes make it panic, and they too are found as a reader of all rules finds them.
    #[test]
    fn any_bytes_are_a_request(
        rules in prop::collection::vec(any_rule(), 0..4),
        authority in prop::collection::vec(any::<u8>(), 0..12),
        mut path in prop::collection::vec(prop_oneof![any::<u8>(), some(b"/%.a25?")], 0..12),
        rooted in any::<bool>(),
    ) {
        if rooted {
            path.insert(0, b'/');
        }
        prop_assert_eq!(find(&routes(&rules), "GET", &authority, &path), naive::find(&rules, "GET", &authority, &path));
    }

    /// No text makes patterns panic; one that is a host is found by itself, and so is a path without wildcards.
    #[test]
    fn any_text_is_a_pattern_or_an_error(
        host in "[a-bA-B.:*\\[\\]@-]{0,6}|\\PC{0,8}",
        path in "/[ab/%25.*{}]{0,8}|\\PC{0,8}",
    ) {
        let host = HostPattern::parse(&host).map(|pattern| (host, pattern));
        // An address in another spelling than its own is refused, and a path too.
        if let Ok((text, pattern)) = host && text.eq_ignore_ascii_case(pattern.host()) {
            let rules = vec![RoutePattern { hosts: vec![pattern], ..RoutePattern::default() }];
            prop_assert_eq!(find(&Routes::new(&rules), "GET", text.as_bytes(), b""), Found::Rule(0));
        }
        let pattern = PathPattern::parse(&path);
        if let Ok(pattern) = pattern && !path.contains(['*', '{']) {
            let rules = vec![RoutePattern { path: pattern, ..RoutePattern::default() }];
            let expected = if path.contains('%') { [Found::Rule(0), Found::Ambiguous] } else { [Found::Rule(0); 2] };
            let found = find(&Routes::new(&rules), "GET", b"", path.as_bytes());
            prop_assert!(expected.contains(&found) || path.contains(|c: char| !c.is_ascii_alphanumeric()), "{:?}", found);
        }
    }

    /// A canonical host is its own.
    #[test]
    fn canonical_hosts_stay_as_they_are(authority in "[a-cA-C0-9.:\\[\\]-]{0,10}") {
        if let Some(host) = canonical(authority.as_bytes()) {
            prop_assert_eq!(canonical(host.as_bytes()), Some(host.clone()));
        }
    }
}
