//! Hosts and paths: as patterns and as requests have them. What is found must not depend on how a path is spelled that
//! every server reads alike.
#![no_main]

use certgate::domain::route::host::{HostPattern, canonical};
use certgate::domain::route::path_pattern::PathPattern;
use certgate::domain::route::{Found, RoutePattern, Routes, Target};
use libfuzzer_sys::fuzz_target;

fn rules(path: &str) -> Routes {
    let pattern = |host: &str, path: &str| RoutePattern {
        hosts: HostPattern::parse(host).into_iter().collect(),
        path: PathPattern::parse(path).ok().flatten(),
        methods: vec![],
    };
    Routes::new(vec![
        pattern("api.example.com", "/admin/**"),
        pattern("*.example.org", "/orders/{id}"),
        pattern("[::1]", path),
        RoutePattern { hosts: vec![], path: PathPattern::parse(path).ok().flatten(), methods: vec!["GET".into()] },
    ])
}

fuzz_target!(|input: (&[u8], &[u8], &str)| {
    let (authority, path, pattern) = input;
    if let Some(host) = canonical(authority) {
        assert_eq!(canonical(host.as_bytes()).as_deref(), Some(&*host), "canonical twice");
    }
    let _ = HostPattern::parse(pattern);
    let routes = rules(pattern);
    let find = |authority: &[u8], path: &[u8]| routes.find(&Target { method: b"GET", authority, path });
    find(authority, path);
    // What is refused as ambiguous stays so, whatever query follows.
    if find(b"api.example.com", path) == Found::Ambiguous && !path.contains(&b'?') {
        assert_eq!(find(b"api.example.com", &[path, b"?a=b"].concat()), Found::Ambiguous);
    }
});
