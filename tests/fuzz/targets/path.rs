//! Hosts and paths: as patterns and as requests have them. What is found must not depend on how a path is spelled that
//! every server reads alike.
#![no_main]

use certgate_core::domain::route::host::{HostPattern, canonical};
use certgate_core::domain::route::path_pattern::PathPattern;
use certgate_core::domain::route::{Found, RoutePattern, Routes, Target};
use libfuzzer_sys::fuzz_target;

fn rules(path: &str) -> Routes {
    let pattern = |host: &str, path: &str| RoutePattern {
        hosts: HostPattern::parse(host).into_iter().collect(),
        path: PathPattern::parse(path).ok().flatten(),
        methods: vec![],
    };
    Routes::new(&[
        pattern("api.example.com", "/admin/**"),
        pattern("*.example.org", "/orders/{id}"),
        pattern("[::1]", path),
        RoutePattern { hosts: vec![], path: PathPattern::parse(path).ok().flatten(), methods: vec!["GET".into()] },
    ])
}

/// The path with an escape for the byte at this place, if that is an unreserved character (RFC 3986 section 2.3) of it and
/// of no escape or query.
fn escaped(path: &[u8], place: u8) -> Option<Vec<u8>> {
    let (before, [byte, after @ ..]) = path.split_at_checked(usize::from(place))? else { return None };
    let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let in_escape = before.iter().rev().take(2).any(|byte| *byte == b'%');
    let fits = unreserved && !in_escape && !before.contains(&b'?') && before.starts_with(b"/");
    fits.then(|| [before, format!("%{byte:02x}").as_bytes(), after].concat())
}

fuzz_target!(|input: (&[u8], u8, &[u8], &str)| {
    let (authority, place, path, pattern) = input;
    if let Some(host) = canonical(authority) {
        assert_eq!(canonical(host.as_bytes()).as_deref(), Some(&*host), "canonical twice");
    }
    let _ = HostPattern::parse(pattern);
    let routes = rules(pattern);
    let find = |authority: &[u8], path: &[u8]| routes.find(&Target { method: b"GET", authority, path });
    find(authority, path);
    // Escaped where it need not be, a path has the same rule or is ambiguous, and no other.
    for authority in [authority, b"api.example.com", b"b.example.org", b"[::1]"] {
        if let Some(other) = escaped(path, place) {
            let (one, two) = (find(authority, path), find(authority, &other));
            assert!(one == two || two == Found::Ambiguous, "{one:?} {two:?}");
        }
    }
    // What is refused as ambiguous stays so, whatever query follows.
    if find(b"api.example.com", path) == Found::Ambiguous && !path.contains(&b'?') {
        assert_eq!(find(b"api.example.com", &[path, b"?a=b"].concat()), Found::Ambiguous);
    }
});
