//! The first rule whose host, path and method match a request, found without a look at the rules that do not match.
//!
//! Servers may read a host or a path differently. A request must not choose its rule by one of the readings. Therefore
//! an ambiguous host or path matches nothing, and where a rule that asks for it could have come first, the answer is
//! [`Found::Ambiguous`]. A rule asks for a host if the rule names hosts, and for a path if the rule has one, whatever its
//! methods.
//!
//! Envoy's router compares bytes. Therefore a path matches the text of a pattern in one spelling only
//! ([`segment::spelling`]). A path in another spelling is ambiguous.
//!
//! Rules are in a tree of host labels, and for each host in a tree of path segments. A request visits only the nodes that
//! it matches.

pub mod host;
mod host_tree;
mod methods;
mod path;
pub mod path_pattern;
mod path_tree;
mod segment;

use host::HostPattern;
use host_tree::HostTree;
use methods::NO_RULE;
use path::{Reading, Segments};
use path_pattern::PathPattern;
use std::cell::LazyCell;

/// The requests that a rule matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoutePattern {
    /// The hosts. Empty: any host, or none.
    pub hosts: Vec<HostPattern>,
    /// The path. `None`: any path, or none (`OPTIONS *`, `CONNECT`).
    pub path: Option<PathPattern>,
    /// The methods, case-sensitive (RFC 9110 section 9.1). Empty: any method.
    pub methods: Vec<Box<str>>,
}

/// The parts of a request that choose its rule, as the client wrote them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    /// `:method`. A header that overrides it does not count.
    pub method: &'a [u8],
    /// `:authority`; empty if there is none.
    pub authority: &'a [u8],
    /// `:path`, with its query; empty if there is none.
    pub path: &'a [u8],
}

/// The rule of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The index of the first rule that matches.
    Rule(usize),
    /// No rule matches.
    Nothing,
    /// The rule depends on which server reads the host or the path.
    Ambiguous,
}

/// The part of a request that servers read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `:authority`.
    Host,
    /// `:path`.
    Path,
}

/// The rules of a gateway, indexed.
#[derive(Clone, Debug)]
pub struct Routes {
    hosts: HostTree,
    /// The first rule that names hosts.
    first_with_hosts: usize,
}

impl Default for Routes {
    /// No rules. No part of a request is read.
    fn default() -> Self {
        Self { hosts: HostTree::default(), first_with_hosts: NO_RULE }
    }
}

impl Routes {
    /// The routes to these rules. The first rule has the index 0.
    // Runs once for each configuration: inlined, it makes the module larger and nothing faster.
    #[inline(never)]
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p RoutePattern>) -> Self {
        let mut routes = Self::default();
        for (rule, RoutePattern { hosts, path, methods }) in patterns.into_iter().enumerate() {
            if hosts.is_empty() {
                routes.hosts.any_mut().insert(rule, path.as_ref(), methods);
            } else {
                routes.first_with_hosts = routes.first_with_hosts.min(rule);
            }
            for host in hosts {
                routes.hosts.rules_mut(host).insert(rule, path.as_ref(), methods);
            }
        }
        routes
    }

    /// The first rule that the request matches.
    pub fn find(&self, target: &Target<'_>) -> Found {
        match self.search(target) {
            (NO_RULE, NO_RULE) => Found::Nothing,
            (first, doubtful) if first <= doubtful => Found::Rule(first),
            _ => Found::Ambiguous,
        }
    }

    /// The part of an [ambiguous](Found::Ambiguous) request that servers read differently, and the index of the first rule
    /// that asks for it.
    #[cold]
    pub fn ambiguity(&self, target: &Target<'_>) -> (Part, usize) {
        let (_, doubtful) = self.search(target);
        // No path is read under a host that is ambiguous for a rule that names hosts.
        let host = doubtful == self.first_with_hosts && host::routed(target.authority).is_none();
        (if host { Part::Host } else { Part::Path }, doubtful)
    }

    /// The first rule that matches, and the first rule that asks for a host or path that is ambiguous.
    // Not inlined: it has two callers.
    #[inline(never)]
    fn search(&self, target: &Target<'_>) -> (usize, usize) {
        let host = if self.first_with_hosts == NO_RULE { None } else { host::routed(target.authority) };
        let path = LazyCell::new(|| path::read(target.path));
        let mut first = NO_RULE;
        let mut doubtful = if host.is_none() { self.first_with_hosts } else { NO_RULE };
        self.hosts.visit(host.as_deref(), |rules| {
            first = first.min(rules.without_path.first(target.method));
            if rules.first_with_path < first {
                match &*path {
                    Reading::Segments { written, respelled } => {
                        first = first.min(rules.paths.first(written.clone(), target.method));
                        if let Some(path) = respelled {
                            doubtful = doubtful.min(rules.paths.first(Segments::of(path), target.method));
                        }
                    }
                    Reading::None => {}
                    Reading::Ambiguous => doubtful = doubtful.min(rules.first_with_path),
                }
            }
        });
        (first, doubtful)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static VISITED: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts a node of any tree that is visited.
    pub(super) fn visited() {
        VISITED.set(VISITED.get().saturating_add(1));
    }

    fn pattern(host: &str, path: &str, method: &str) -> RoutePattern {
        RoutePattern {
            hosts: (!host.is_empty()).then(|| HostPattern::parse(host).unwrap()).into_iter().collect(),
            path: PathPattern::parse(path).unwrap(),
            methods: (!method.is_empty()).then(|| method.into()).into_iter().collect(),
        }
    }

    /// The rule that is found, and the number of nodes that were visited.
    fn find(routes: &Routes, authority: &str, path: &str) -> (Found, usize) {
        VISITED.set(0);
        let target = Target { method: b"GET", authority: authority.as_bytes(), path: path.as_bytes() };
        (routes.find(&target), VISITED.get())
    }

    #[test]
    fn rules_that_do_not_match_cost_nothing() {
        let kinds: [fn(usize) -> RoutePattern; 8] = [
            |n| pattern(&format!("h{n}.example.com"), "/**", ""),
            |n| pattern(&format!("*.h{n}.example.com"), "/a/b/**", ""),
            |n| pattern("", &format!("/p{n}/**"), ""),
            |n| pattern("", &format!("/{{a}}/b/{n}"), ""),
            |n| pattern("", &format!("/a/b/{n}"), ""),
            |n| pattern("*.example.com", &format!("/a/{n}/*"), ""),
            |n| pattern("api.example.com", &format!("/a/*/c/{n}"), ""),
            |n| pattern("api.example.com", "/a/b/c", &format!("M{n}")),
        ];
        let visits = |size: usize, matching: bool| {
            let others = (0..size).flat_map(|n| kinds.map(|kind| kind(n)));
            let last = matching.then(|| pattern("api.example.com", "/a/{b}/c", "GET"));
            let rules: Vec<_> = others.chain(last).collect();
            let routes = Routes::new(&rules);
            let (found, visits) = find(&routes, "api.example.com", "/a/b/c?d");
            assert_eq!(found, if matching { Found::Rule(size * kinds.len()) } else { Found::Nothing });
            visits
        };
        for matching in [false, true] {
            let few = visits(10, matching);
            assert!((1..20).contains(&few), "{few}");
            assert_eq!(visits(1000, matching), few);
        }
    }

    #[test]
    fn where_no_rule_asks_for_them_host_and_path_do_not_matter() {
        assert_eq!(find(&Routes::default(), "@", "//"), (Found::Nothing, 0));
        assert_eq!(find(&Routes::new(&[RoutePattern::default()]), "@", "//"), (Found::Rule(0), 0));
        assert_eq!(
            find(&Routes::new(&[pattern("", "/**", ""), pattern("", "/a", "")]), "@", "/a"),
            (Found::Rule(0), 0)
        );
    }

    #[test]
    fn a_request_with_more_segments_or_labels_than_any_rule_goes_no_deeper() {
        let routes = Routes::new(&[pattern("*.b", "/a/*/**", "")]);
        let (authority, path) = (format!("{}b", "a.".repeat(120)), "/a".repeat(100_000));
        assert_eq!(find(&routes, &authority, &path), (Found::Rule(0), 4));
    }
}
