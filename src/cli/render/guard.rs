//! The native guard: what Envoy itself does in case certgate is skipped. It is derived from the rules, and lets through no
//! request without a client that the rules would not let through. Must not know in which language it will be written.

use super::condition::Condition;
use super::look_alikes::look_alikes;
use super::pattern::{is_told, overlap, perhaps, plain_host, plain_path, surely};
use certgate_core::domain::headers::ALWAYS_OWNED;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::route::RoutePattern;
use certgate_core::domain::route::host::HostPattern;
use certgate_core::domain::route::path_pattern::PathPattern;
use certgate_core::domain::rules::{Access, Rule};
use serde_json::Value;

/// A guard.
pub(super) struct Guard {
    /// The headers that no client may set.
    pub(super) removed: Vec<String>,
    /// Regular expressions for the names of headers that some upstream reads as one of these.
    pub(super) look_alikes: Vec<String>,
    /// The header that certgate sets where it has found a client. Without one, nothing tells that certgate has seen a
    /// request.
    pub(super) alias: Option<String>,
    /// Whether it only counts what it would refuse.
    pub(super) shadow: bool,
    /// What goes through without a client.
    pub(super) exceptions: Vec<Exception>,
    /// The rules, in their order.
    pub(super) routes: Vec<Route>,
    /// Where it is narrower than the rules.
    pub(super) warnings: Vec<String>,
}

/// Requests that go through without a client.
pub(super) struct Exception {
    /// The rule's name or place.
    pub(super) name: String,
    pub(super) condition: Condition,
}

/// A rule, as far as a guard is concerned.
pub(super) struct Route {
    /// Its name or place.
    pub(super) name: String,
    /// Whether it lets through who is nobody.
    pub(super) is_open: bool,
    pub(super) pattern: RoutePattern,
}

/// The guard of this policy, which was made from this document.
pub(super) fn guard(policy: &Policy, document: &Value) -> Guard {
    let mut removed: Vec<String> = ALWAYS_OWNED.map(str::to_owned).into();
    removed.extend(policy.headers.names().filter(|name| !ALWAYS_OWNED.contains(name)).map(str::to_owned));
    let (look_alikes, too_long) = look_alikes(&removed);
    let mut guard = Guard {
        removed,
        look_alikes,
        alias: policy.headers.alias.as_deref().map(str::to_owned),
        shadow: policy.mode == Mode::Shadow,
        exceptions: Vec::new(),
        routes: routes(policy, document),
        warnings: too_long.iter().map(too_long_a_name).collect(),
    };
    if guard.alias.is_none() {
        guard.warnings.push("headers.alias is null, so nothing can stand behind certgate: without that header nobody can tell that it was skipped".to_owned());
        return guard;
    }
    for (place, route) in guard.routes.iter().enumerate().filter(|(_, route)| route.is_open) {
        let before = guard.routes.get(..place).unwrap_or_default();
        match exception(route, before) {
            Ok(Some(condition)) => guard.exceptions.push(Exception { name: route.name.clone(), condition }),
            Ok(None) => {}
            Err(reason) => guard
                .warnings
                .push(format!("{}: the guard lets nobody through here without a client: {reason}", route.name)),
        }
    }
    for (place, route) in guard.routes.iter().enumerate().filter(|(_, route)| !route.is_open) {
        let mut later = guard.routes.iter().skip(place).filter(|later| later.is_open);
        if !is_told(&route.pattern) && later.any(|later| overlap(&route.pattern, &later.pattern)) {
            guard.warnings.push(format!(
                "{}: its path has too much text and wildcards for a regular expression of Envoy's, so the guard lets nobody \
                 through here without a client, nor anywhere below what is before its first wildcard",
                route.name
            ));
        }
    }
    guard
}

fn too_long_a_name(name: &String) -> String {
    format!(
        "headers: {name} is too long for a regular expression of Envoy's, so the guard removes no other spelling of it"
    )
}

fn routes(policy: &Policy, document: &Value) -> Vec<Route> {
    let rules = document.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let route = |(place, (rule, document)): (usize, (&Rule, &Value))| Route {
        name: rule.name.as_ref().map_or_else(|| format!("rules[{place}]"), |name| name.as_str().to_owned()),
        is_open: matches!(rule.access, Access::Public | Access::Optional),
        pattern: pattern(document.get("match").unwrap_or(&Value::Null)),
    };
    policy.rules.rules().iter().zip(rules).enumerate().map(route).collect()
}

/// What a rule's `match` asks for. It has been read before, so nothing in it is wrong.
fn pattern(document: &Value) -> RoutePattern {
    let texts = |key| {
        let list = document.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str)
    };
    RoutePattern {
        hosts: texts("hosts").filter_map(|host| HostPattern::parse(host).ok()).collect(),
        path: document.get("path").and_then(Value::as_str).and_then(|path| PathPattern::parse(path).ok()?),
        methods: texts("methods").map(Into::into).collect(),
    }
}

/// The requests that this rule decides, and none of `before`; `None` if there are none.
fn exception(route: &Route, before: &[Route]) -> Result<Option<Condition>, &'static str> {
    let pattern = &route.pattern;
    let mut conditions = vec![surely(pattern)?];
    // Where a rule before this one asks for a host or path, certgate refuses what could be read as either.
    if pattern.hosts.is_empty() && before.iter().any(|earlier| !earlier.pattern.hosts.is_empty()) {
        conditions.push(plain_host());
    }
    if pattern.path.is_none() && before.iter().any(|earlier| earlier.pattern.path.is_some()) {
        conditions.push(plain_path());
    }
    for earlier in before.iter().filter(|earlier| !earlier.is_open && overlap(&earlier.pattern, pattern)) {
        let taken = perhaps(&earlier.pattern);
        if taken.is_empty() {
            return Ok(None);
        }
        conditions.push(Condition::not(taken));
    }
    Ok(Some(Condition::all(conditions)))
}
