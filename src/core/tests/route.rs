//! The rule that a request falls under: tricks with hosts and paths, and the law that the index finds the rule that a
//! reader of all rules, one after the other, finds.

mod laws;
mod naive;

use certgate_core::domain::route::host::HostPattern;
use certgate_core::domain::route::path_pattern::PathPattern;
use certgate_core::domain::route::{Found, RoutePattern, Routes, Target};

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
    Routes::new(&rules.iter().map(pattern).collect::<Vec<_>>())
}

fn find(routes: &Routes, method: &str, authority: &[u8], path: &[u8]) -> Found {
    routes.find(&Target { method: method.as_bytes(), authority, path })
}

/// A request's host or path beside the pattern of a rule.
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

/// The result under a rule for a path, one for a host, one for both, and one for neither.
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
            // Read by some servers as `/a`, or as a path below it.
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
