//! Which rule a request falls under: tricks with hosts and paths, and the law that the index finds what a reader of all
//! rules, one after the other, finds.

use certgate::domain::route::host::{HostPattern, canonical};
use certgate::domain::route::path_pattern::PathPattern;
use certgate::domain::route::{Found, RoutePattern, Routes, Target};
use proptest::prelude::*;

const HOST: &str = "api.example.com";

/// A rule as people write it.
#[derive(Clone, Debug, Default)]
struct Rule {
    hosts: Vec<String>,
    path: Option<String>,
    methods: Vec<String>,
}

fn rule(hosts: &[&str], path: &str, methods: &[&str]) -> Rule {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Rule { hosts: owned(hosts), path: (!path.is_empty()).then(|| path.to_owned()), methods: owned(methods) }
}

fn routes(rules: &[Rule]) -> Routes {
    let pattern = |rule: &Rule| RoutePattern {
        hosts: rule.hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect(),
        path: rule.path.as_deref().and_then(|path| PathPattern::parse(path).unwrap()),
        methods: rule.methods.iter().map(|method| method.as_str().into()).collect(),
    };
    Routes::new(rules.iter().map(pattern).collect())
}

fn find(routes: &Routes, method: &str, authority: &[u8], path: &[u8]) -> Found {
    routes.find(&Target { method: method.as_bytes(), authority, path })
}

/// What a request's host or path is to a rule that asks for it.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Matches,
    Differs,
    Ambiguous,
}

use Kind::{Ambiguous, Differs, Matches};

impl Kind {
    fn found(self) -> Found {
        match self {
            Matches => Found::Rule(0),
            Differs => Found::Nothing,
            Ambiguous => Found::Ambiguous,
        }
    }
}

/// What is found under a rule for a path, one for a host, one for both, and one for neither.
fn under_each(authority: &[u8], path: &[u8]) -> [Found; 4] {
    [rule(&[], "/a/**", &[]), rule(&[HOST], "", &[]), rule(&[HOST], "/a/**", &[]), rule(&[], "", &[])]
        .map(|rule| find(&routes(&[rule]), "GET", authority, path))
}

#[test]
fn tricks_with_paths() {
    #[rustfmt::skip]
    let kinds: [(Kind, &[&str]); 3] = [
        (Matches, &[
            "/a", "/a/", "/a/b", "/a/b/", "/a?", "/a?b", "/a/?b", "/a/b?//../%2f#;\\", "/a/%62", "/a/%20b",
            "/a/%c3%a4", "/a/..b", "/a/b:c@d,e=f", "/a/%25", "/a/100%25zz", "/a/*", "/a/{b}", "/a/joe%40example.com",
            "/a?\0\u{e4}",
        ][..]),
        (Differs, &[
            "", "*", "/", "/A", "/A/b", "/%41", "/b", "/ab", "/a.b", "/aa/b", "/b/a", "/b?/a", "/?/a", "/a%20b",
            "/a,b/c", "/*", "/%2a", "/**", "/a*",
        ]),
        (Ambiguous, &[
            "//", "//a", "/a//", "/a//b", "/b//a", "///a", "/.", "/..", "/a/.", "/a/..", "/a/./b", "/a/../b", "/b/../a",
            "/./a", "/a/../", "/a/%2e/b", "/a/%2E%2e/b", "/b/%2e%2e/a", "/a/.%2e", "/a%2fb", "/a%2Fb", "/%2fa",
            "/a%5cb", "/a%5Cb", "/a\\b", "/\\a", "/..\\a", "/a;v=1", "/a;v=1/b", "/;/a", "/a/..;/b", "/a/..;v=1/b",
            // Envoy routes them otherwise than `/a`.
            "/%61", "/%61/%62", "/a%2e", "/%61?a",
            // Some servers take them for `/a`, or something below it.
            "/a.", "/a/...", "/a%20", "/a/%20", "/a::$DATA", "/a%3f", "/a%23", "/a/%3f%23", "/a%ef%bc%8fb", "/a/%c2%85",
            "/a%c2%a5b", "/a%ef%bc%9bv=1", "/a/%ef%bc%85", "/a%c2%a0", "/a/x%e3%80%80", "/a%e2%80%a6",
            "/a%3bv=1", "/a%3B", "/a/%00", "/a%00", "/b/%0a", "/a/%7f", "/a\0", "/a/\u{1}", "/a\u{7f}", "/a\r\nx: y",
            "/a/%zz", "/a/%", "/a%", "/a/%4", "/%%61", "/%u0061", "/a/%252e", "/a/%252e%252e/b", "/%2561", "/%25%36%31",
            "/a#b", "/a#", "/#/a", "/a#?b", "/ä", "/a/ä", "/a/ä?", "/a/%c0%af", "/a/%c0%ae", "/a/%ff", "a", "a/b", "?a",
            "*?", "*a", " /a", "http://a/a", "HTTP://api.example.com/a", "api.example.com:443",
        ]),
    ];
    for (kind, path) in kinds.iter().flat_map(|(kind, paths)| paths.iter().map(move |path| (*kind, *path))) {
        let (asked, any) = (kind.found(), Found::Rule(0));
        assert_eq!(under_each(HOST.as_bytes(), path.as_bytes()), [asked, any, asked, any], "{path:?}");
        let elsewhere = under_each(b"example.com", path.as_bytes());
        assert_eq!(elsewhere, [asked, Found::Nothing, Found::Nothing, any], "{path:?} of another host");
    }
    for path in [&b"/a/\xff"[..], b"/\xc3", b"\xff", b"/a\x80/b"] {
        assert_eq!(under_each(HOST.as_bytes(), path)[0], Found::Ambiguous, "{path:?}");
    }
    assert_eq!(under_each(HOST.as_bytes(), b"/a?\xff")[0], Found::Rule(0));
}

#[test]
fn tricks_with_authorities() {
    #[rustfmt::skip]
    let kinds: [(Kind, &[&str]); 3] = [
        (Matches, &[
            "api.example.com", "API.example.COM", "api.example.com:443", "api.example.com:0", "api.example.com:00443",
        ][..]),
        (Differs, &[
            "example.com", "b.api.example.com", "xapi.example.com", "api.example.com.evil.org", "api-example.com",
            "com", "10.0.0.1", "0x7f.1", "[::1]", "[::1]:443", "[::FFFF:10.0.0.1]", "_", "api_example.com",
        ]),
        (Ambiguous, &[
            // Envoy routes them otherwise than `api.example.com`.
            "api.example.com:", "api.example.com.", "Api.Example.Com.:8443", "[0:0::1]", "[::ffff:a00:1]", "10.0.0.1.",
            "", ":", ":443", ".", "api.example.com..", "api..example.com", ".api.example.com", "user@api.example.com",
            "api.example.com@evil.org", "user:api.example.com@evil.org", "api.example.com:x", "api.example.com:65536",
            "api.example.com:+443", "api.example.com:443:443", "api.example.com:443.", "%61pi.example.com", "%41.com",
            "api.example.com%00", "api.example.com\0", "api.example.com\\", "api.example.com/", "api.example.com#",
            "api.example.com?", "api.example.com ", " api.example.com", "api.example.com,evil.org", "api.example.com;",
            "äpi.example.com", "api。example.com", "::1", "[::1", "[::1]x", "[::1%25lo]", "[]", "[api.example.com]", "*",
            "https://api.example.com",
        ]),
    ];
    for (kind, authority) in kinds.iter().flat_map(|(kind, authorities)| authorities.iter().map(move |a| (*kind, *a))) {
        let (asked, any) = (kind.found(), Found::Rule(0));
        assert_eq!(under_each(authority.as_bytes(), b"/a"), [any, asked, asked, any], "{authority:?}");
    }
    for authority in [&b"api.example.com\xff"[..], b"\xff", b"[\xff]"] {
        assert_eq!(under_each(authority, b"/a")[1], Found::Ambiguous, "{authority:?}");
    }
}

#[test]
fn a_host_below_another_has_labels_before_it() {
    let routes = routes(&[rule(&["*.example.org", "[0::1]", "10.0.0.1"], "", &[])]);
    for (authority, matches) in [
        ("a.example.org", true),
        ("A.B.Example.org:1", true),
        ("example.org", false),
        (".example.org", false),
        ("aexample.org", false),
        ("a.example.org.b", false),
        ("[::1]:443", true),
        ("[0:0:0:0:0:0:0:1]", false),
        ("[::2]", false),
        ("10.0.0.1:80", true),
        ("10.0.0.01", false),
        ("1.10.0.0.1", false),
    ] {
        let found = find(&routes, "GET", authority.as_bytes(), b"/");
        assert_eq!(found == Found::Rule(0), matches, "{authority}: {found:?}");
    }
}

#[test]
fn wildcards_stand_for_whole_segments() {
    for (pattern, matching, others) in [
        ("/", &["/", "/?a"][..], &["/a", "", "*"][..]),
        ("/a/*", &["/a/b", "/a/b/", "/a/*", "/a/%20b"], &["/a", "/a/", "/a/b/c"]),
        ("/{x}/b", &["/a/b", "/b/b/"], &["/b", "/a/c", "/a/b/c"]),
        ("/*/**", &["/a", "/a/", "/a/b/c"], &["/", "/?a", ""]),
        ("/a/**", &["/a", "/a/", "/a/b", "/a/b/c/d/"], &["/", "/ab", "/b/a"]),
        ("/%61/%2A", &["/a/*"], &["/a/b", "/A/*"]),
        ("/a%5e/%c3%a4", &["/a%5E/%C3%A4"], &["/a^^/%C3%A4", "/a/%C3%A4"]),
    ] {
        let routes = routes(&[rule(&[], pattern, &[])]);
        for path in matching {
            assert_eq!(find(&routes, "GET", b"", path.as_bytes()), Found::Rule(0), "{path} of {pattern}");
        }
        for path in others {
            assert_eq!(find(&routes, "GET", b"", path.as_bytes()), Found::Nothing, "{path} of {pattern}");
        }
    }
}

/// Envoy compares bytes: a path that is a rule's in another spelling is neither the rule's nor a later rule's.
#[test]
fn another_spelling_of_a_rules_path_is_ambiguous_under_that_rule_alone() {
    let rules = [
        rule(&[], "/a:b", &["GET"]),
        rule(&[], "/users/{id}", &[]),
        rule(&[], "/ä".replace('ä', "%c3%a4").as_str(), &[]),
        rule(&["x"], "/**", &[]),
        rule(&[], "/c^", &[]),
        rule(&[], "/**", &[]),
    ];
    let routes = routes(&rules);
    for (method, host, path, found) in [
        ("GET", "y", "/a:b", Found::Rule(0)),
        ("GET", "y", "/a%3Ab", Found::Ambiguous),
        ("GET", "y", "/a%3ab/", Found::Ambiguous),
        ("PUT", "y", "/a%3Ab", Found::Rule(5)),
        ("GET", "y", "/users/joe%40example.com", Found::Rule(1)),
        ("GET", "y", "/users/%c3%a4", Found::Rule(1)),
        ("GET", "y", "/%75sers/1", Found::Ambiguous),
        ("GET", "y", "/%C3%A4", Found::Rule(2)),
        ("GET", "y", "/%c3%a4", Found::Ambiguous),
        ("GET", "y", "/c%5E", Found::Rule(4)),
        ("GET", "y", "/c^", Found::Ambiguous),
        ("GET", "x", "/c^", Found::Rule(3)),
        ("GET", "x", "/%c3%a4", Found::Ambiguous),
        ("GET", "y", "/%63%3f", Found::Ambiguous),
        ("GET", "y", "/%63%40", Found::Rule(5)),
    ] {
        assert_eq!(find(&routes, method, host.as_bytes(), path.as_bytes()), found, "{method} {host} {path}");
    }
}

#[test]
fn what_is_ambiguous_counts_only_where_it_could_decide() {
    let (rule_for_path, rule_for_host) = (|| rule(&[], "/x", &["PUT"]), || rule(&[HOST], "", &["PUT"]));
    let any = || rule(&[], "", &["GET"]);
    let elsewhere = || rule(&["other.example.com"], "/x", &[]);
    let (bad_path, bad_host) = ((HOST, "//"), ("@", "/"));
    let both = ("@", "//");
    for (rules, request, found) in [
        (vec![], both, Found::Nothing),
        (vec![any()], both, Found::Rule(0)),
        (vec![any(), rule_for_path(), rule_for_host()], both, Found::Rule(0)),
        (vec![rule_for_path(), any()], bad_path, Found::Ambiguous),
        (vec![rule_for_path(), any()], bad_host, Found::Rule(1)),
        (vec![rule_for_host(), any()], bad_host, Found::Ambiguous),
        (vec![rule_for_host(), any()], bad_path, Found::Rule(1)),
        (vec![elsewhere(), any()], bad_path, Found::Rule(1)),
        (vec![elsewhere(), any()], bad_host, Found::Ambiguous),
        (vec![elsewhere()], bad_path, Found::Nothing),
        (vec![rule(&["*.example.com"], "/x", &[]), any()], bad_path, Found::Ambiguous),
        (vec![rule_for_host(), any(), rule_for_path()], bad_path, Found::Rule(1)),
        (vec![rule_for_path(), any(), rule_for_host()], both, Found::Ambiguous),
        (vec![rule(&[], "/**", &[]), rule_for_path()], bad_path, Found::Rule(0)),
    ] {
        let result = find(&routes(&rules), "GET", request.0.as_bytes(), request.1.as_bytes());
        assert_eq!(result, found, "{request:?} under {rules:?}");
    }
}

/// The same by reading all rules, one after the other, byte by byte.
mod naive {
    use super::{Found, Rule};
    use std::net::Ipv6Addr;

    /// What is found. In what it asks, `None` is what depends on who reads the request.
    pub(super) fn find(rules: &[Rule], method: &str, authority: &[u8], path: &[u8]) -> Found {
        let (host, segments) = (host(authority), path_segments(path));
        for (place, rule) in rules.iter().enumerate() {
            let path = match &rule.path {
                Some(pattern) if pattern != "/**" => path_matches(pattern, &segments),
                _ => Some(true),
            };
            let by_method = rule.methods.is_empty() || rule.methods.iter().any(|name| name == method);
            match (host_matches(&rule.hosts, host.as_deref()), path) {
                // If the host cannot be told, all rules that name any count; if the path cannot, all of that host.
                (Some(false), _) => {}
                (Some(true), None) if segments.is_some() && !by_method => {}
                (None, _) | (Some(true), None) => return Found::Ambiguous,
                (Some(true), Some(path)) if path && by_method => return Found::Rule(place),
                (Some(true), Some(_)) => {}
            }
        }
        Found::Nothing
    }

    fn host_matches(patterns: &[String], host: Option<&str>) -> Option<bool> {
        if patterns.is_empty() {
            return Some(true);
        }
        let host = host?;
        Some(patterns.iter().any(|pattern| match pattern.strip_prefix('*') {
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => host == pattern,
        }))
    }

    fn host(authority: &[u8]) -> Option<String> {
        let text = String::from_utf8(authority.to_vec()).ok()?.to_lowercase();
        let (mut host, mut port) = (text.clone(), String::new());
        if let Some(colon) = text.rfind(':').filter(|colon| text.rfind(']').is_none_or(|bracket| bracket < *colon)) {
            port = text[colon + 1..].to_owned();
            host.truncate(colon);
        }
        if !port.chars().all(|c| c.is_ascii_digit()) || port.parse::<u64>().is_ok_and(|port| port > 65535) {
            return None;
        }
        if text.ends_with(':') {
            return None;
        }
        if host.starts_with('[') && host.ends_with(']') && host.len() > 2 {
            let address = host[1..host.len() - 1].parse::<Ipv6Addr>().ok()?;
            return (host == format!("[{address}]")).then_some(host);
        }
        let fine = host.chars().all(|c| "abcdefghijklmnopqrstuvwxyz0123456789-_.".contains(c));
        (fine && authority.is_ascii() && !format!(".{host}.").contains("..") && host.len() < 254).then_some(host)
    }

    /// A segment's text, and whether it has the one spelling that patterns have.
    type Segment = (Vec<u8>, bool);

    /// No segments at all: the request has no path.
    fn path_segments(path: &[u8]) -> Option<Option<Vec<Segment>>> {
        if path.is_empty() || path == b"*" {
            return Some(None);
        }
        let path: Vec<u8> = path.iter().copied().take_while(|byte| *byte != b'?').collect();
        let forbidden = |byte: u8| !(0x20..=0x7e).contains(&byte) || b"#;\\".contains(&byte);
        let is_itself = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte);
        if path.first() != Some(&b'/') || path.iter().any(|byte| forbidden(*byte)) {
            return None;
        }
        let mut segments: Vec<Segment> = Vec::new();
        let mut at = 0;
        while at < path.len() {
            let byte = path[at];
            at += 1;
            if byte == b'/' {
                segments.push((Vec::new(), true));
            } else if byte == b'%' {
                let value = |at: usize| char::from(*path.get(at)?).to_digit(16);
                let decoded = (value(at)? * 16 + value(at + 1)?) as u8;
                if decoded < 0x20 || b"/;\\\x7f?#".contains(&decoded) {
                    return None;
                }
                let (text, plain) = segments.last_mut()?;
                text.push(decoded);
                *plain &= !is_itself(decoded) && !path[at..at + 2].iter().any(u8::is_ascii_lowercase);
                at += 2;
            } else {
                let (text, plain) = segments.last_mut()?;
                text.push(byte);
                *plain &= is_itself(byte);
            }
        }
        if segments.last()?.0.is_empty() {
            segments.pop();
        }
        let twice =
            |text: &[u8]| text.windows(3).any(|w| w[0] == b'%' && w[1].is_ascii_hexdigit() && w[2].is_ascii_hexdigit());
        let bad = |(text, _): &Segment| {
            let Ok(text) = std::str::from_utf8(text) else { return true };
            let odd = "¥₩\u{37e}\u{2024}\u{2025}\u{2044}\u{2215}\u{2216}\u{fe52}\u{fe54}\u{fe56}\u{fe5f}\u{fe68}\u{fe6a}＃％．／；？＼";
            text.is_empty()
                || text.ends_with(|last: char| {
                    ".…".contains(last) || last.is_whitespace() && !"\u{1680}\u{2028}\u{2029}".contains(last)
                })
                || text.contains(":$")
                || text.chars().any(|c| odd.contains(c) || ('\u{80}'..'\u{a0}').contains(&c))
                || twice(text.as_bytes())
        };
        (!segments.iter().any(bad)).then_some(Some(segments))
    }

    /// `None` if the path matches in another spelling.
    fn path_matches(pattern: &str, path: &Option<Option<Vec<Segment>>>) -> Option<bool> {
        let Some(path) = path.as_ref()? else { return Some(false) };
        let pattern: Vec<&str> = pattern.split('/').filter(|segment| !segment.is_empty()).collect();
        let rest = pattern.last() == Some(&"**");
        let fixed = if rest { pattern.len() - 1 } else { pattern.len() };
        let fits = if rest { path.len() >= fixed } else { path.len() == fixed };
        let mut is_spelled = true;
        let matches = fits
            && (0..fixed).all(|place| {
                let (text, plain) = &path[place];
                let expected = match pattern[place] {
                    "*" | "{x}" => return true,
                    "%61" => "a",
                    "%25" => "%",
                    other => other,
                };
                is_spelled &= plain;
                text == expected.as_bytes()
            });
        if matches && !is_spelled { None } else { Some(matches) }
    }
}

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
    #![proptest_config(ProptestConfig::with_cases(20_000))]

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
            prop_assert_eq!(find(&Routes::new(rules), "GET", text.as_bytes(), b""), Found::Rule(0));
        }
        let pattern = PathPattern::parse(&path);
        if let Ok(pattern) = pattern && !path.contains(['*', '{']) {
            let rules = vec![RoutePattern { path: pattern, ..RoutePattern::default() }];
            let expected = if path.contains('%') { [Found::Rule(0), Found::Ambiguous] } else { [Found::Rule(0); 2] };
            let found = find(&Routes::new(rules), "GET", b"", path.as_bytes());
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
