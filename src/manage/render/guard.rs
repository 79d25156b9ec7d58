//! The native guard: what Envoy itself does in case certgate is skipped. The guard is derived from the compiled rules, and
//! lets through no request without a client that the rules would not let through. Must not know the language of a platform.

use super::condition::Condition;
use super::look_alikes::look_alikes;
use super::match_condition::{is_told, overlap, perhaps, plain_host, plain_path, surely};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use certgate_core::domain::headers::ALWAYS_OWNED;
use certgate_core::domain::mode::Mode;
use certgate_core::domain::policy::Policy;
use certgate_core::domain::route::RoutePattern;
use certgate_core::domain::rules::{Access, Rule};

/// A guard.
pub(super) struct Guard<'p> {
    /// The headers that Envoy removes from requests before any filter.
    pub(super) removed: Vec<String>,
    /// Regular expressions for other spellings of these names, which an upstream may read as the same.
    pub(super) look_alikes: Vec<String>,
    /// The header that certgate sets where it has identified a client. `None`: nothing tells that certgate has seen a
    /// request.
    pub(super) alias: Option<String>,
    /// Whether the guard only counts what it would refuse.
    pub(super) shadow: bool,
    /// The requests without a client that pass.
    pub(super) exceptions: Vec<Exception>,
    /// The rules, in their order.
    pub(super) routes: Vec<Route<'p>>,
    /// Warnings about requests that the guard refuses and the rules do not.
    pub(super) warnings: Vec<Diagnostic>,
}

/// Requests that pass without a client.
pub(super) struct Exception {
    /// The index of the rule that lets them through.
    pub(super) rule: usize,
    /// The rule's name, or its path.
    pub(super) name: String,
    pub(super) condition: Condition,
}

/// A rule, as far as a guard is concerned.
pub(super) struct Route<'p> {
    /// The rule's name, or its path.
    pub(super) name: String,
    /// Whether the rule lets requests without a client through.
    pub(super) is_open: bool,
    pub(super) pattern: &'p RoutePattern,
}

/// The guard of this policy.
pub(super) fn guard(policy: &Policy) -> Guard<'_> {
    let mut removed: Vec<String> = ALWAYS_OWNED.map(str::to_owned).into();
    removed.extend(policy.headers.names().filter(|name| !ALWAYS_OWNED.contains(name)).map(str::to_owned));
    let (look_alikes, too_long) = look_alikes(&removed);
    let mut guard = Guard {
        removed,
        look_alikes,
        alias: policy.headers.alias.as_deref().map(str::to_owned),
        shadow: policy.mode == Mode::Shadow,
        exceptions: Vec::new(),
        routes: policy.rules.rules().iter().enumerate().map(route).collect(),
        warnings: too_long.iter().map(too_long_a_name).collect(),
    };
    if guard.alias.is_none() {
        let message = "the guard has no second part: without an alias header nothing tells that certgate was skipped";
        guard.warnings.push(Diagnostic::warning(Code::GuardWithoutAlias, message).at("headers.alias", None));
        return guard;
    }
    for (index, route) in guard.routes.iter().enumerate().filter(|(_, route)| route.is_open) {
        let before = guard.routes.get(..index).unwrap_or_default();
        match exception(route, before) {
            Ok(Some(condition)) => {
                guard.exceptions.push(Exception { rule: index, name: route.name.clone(), condition });
            }
            Ok(None) => {}
            Err(reason) => guard.warnings.push(narrower(
                index,
                format!("the guard refuses requests without a client that this rule lets through: {reason}"),
            )),
        }
    }
    for (index, route) in guard.routes.iter().enumerate().filter(|(_, route)| !route.is_open) {
        let mut later = guard.routes.iter().skip(index).filter(|later| later.is_open);
        if !is_told(route.pattern) && later.any(|later| overlap(route.pattern, later.pattern)) {
            guard.warnings.push(narrower(
                index,
                "the path has too much text and wildcards for a regular expression of Envoy's, so the guard refuses \
                 requests without a client here and at every path below the text before the first wildcard",
            ));
        }
    }
    guard
}

/// The warning that the guard refuses more than this rule does.
pub(super) fn narrower(rule: usize, message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(Code::GuardNarrower, message).at(format!("rules[{rule}]"), None)
}

fn too_long_a_name(name: &String) -> Diagnostic {
    let message =
        format!("{name} is too long for a regular expression of Envoy's, so the guard removes no other spelling of it");
    Diagnostic::warning(Code::HeaderNameTooLong, message).at("headers", None)
}

fn route((index, rule): (usize, &Rule)) -> Route<'_> {
    Route {
        name: rule.name.as_ref().map_or_else(|| format!("rules[{index}]"), |name| name.as_str().to_owned()),
        is_open: matches!(rule.access, Access::Public | Access::Optional),
        pattern: &rule.pattern,
    }
}

/// The requests that this rule decides, and none of `before`; `None` if there are none.
fn exception(route: &Route<'_>, before: &[Route<'_>]) -> Result<Option<Condition>, &'static str> {
    let pattern = route.pattern;
    let mut conditions = vec![surely(pattern)?];
    // Where a rule before this one asks for a host or path, certgate refuses what could be read as either.
    if pattern.hosts.is_empty() && before.iter().any(|earlier| !earlier.pattern.hosts.is_empty()) {
        conditions.push(plain_host());
    }
    if pattern.path.is_none() && before.iter().any(|earlier| earlier.pattern.path.is_some()) {
        conditions.push(plain_path());
    }
    for earlier in before.iter().filter(|earlier| !earlier.is_open && overlap(earlier.pattern, pattern)) {
        let taken = perhaps(earlier.pattern);
        if taken.is_empty() {
            return Ok(None);
        }
        conditions.push(Condition::not(taken));
    }
    Ok(Some(Condition::all(conditions)))
}
