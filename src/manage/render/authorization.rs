//! A guard as the `to` of Istio's AuthorizationPolicy with `action: DENY`. An operation there is a list of conditions that
//! must all hold, each of which may be negated, so the operations are the guard's complement as a sum of products. Must not
//! know the rest of the manifest.

use super::guard::{Guard, Route};
use super::match_condition::{literal, overlap, spelled};
use certgate_core::domain::route::RoutePattern;
use certgate_core::domain::route::host::HostPattern;
use certgate_core::domain::route::path_pattern::{PathPattern, Segment};
use serde_json::{Map, Value, json};

/// The most operations, so that each proxy can look at all of them.
const MOST_OPERATIONS: usize = 64;

/// The part of a guard that an AuthorizationPolicy can express.
pub(super) struct Denied {
    /// DENY operations for requests without a client. An empty operation matches every request; an empty list denies
    /// nothing.
    pub(super) operations: Vec<Value>,
    /// Whether the operations deny all that the guard denies: Istio's wildcards are coarser than certgate's patterns.
    pub(super) is_exact: bool,
    /// The indices of rules that no operation can express, and that are denied.
    pub(super) unsaid: Vec<usize>,
}

/// Alternatives: each is a field of an operation and its values.
type Clause = Vec<(&'static str, Vec<String>)>;

/// The fields of an operation, each with its values.
type Operation = Vec<(&'static str, Vec<String>)>;

/// The requests that this guard denies.
pub(super) fn denied(guard: &Guard<'_>) -> Denied {
    let mut denied = Denied { operations: Vec::new(), is_exact: true, unsaid: Vec::new() };
    let open: Vec<(usize, &Route<'_>)> = guard.routes.iter().enumerate().filter(|(_, route)| route.is_open).collect();
    for (index, route) in &open {
        let before = guard.routes.get(..*index).unwrap_or_default();
        denied.is_exact &= is_exact(route.pattern) && before.iter().all(|earlier| asks_for_no_more(earlier, route));
    }
    // Rules before an open one that ask for a client; then all requests that no open rule matches.
    let closed = guard.routes.iter().enumerate().filter(|(index, route)| {
        let later = open.iter().filter(|(later, _)| later > index);
        !route.is_open && later.into_iter().any(|(_, later)| overlap(route.pattern, later.pattern))
    });
    for (index, route) in closed {
        match asked(route.pattern) {
            Some(operation) => denied.add(operation, &open, index, |open| overlap(route.pattern, open.pattern)),
            // The RBAC filter behind certgate denies it.
            None => denied.is_exact = false,
        }
    }
    denied.add(Operation::new(), &open, guard.routes.len(), |_| true);
    if denied.operations.iter().any(is_everywhere) {
        denied.operations.retain(is_everywhere);
    }
    denied
}

impl Denied {
    /// Adds this operation, without what an open rule decides that comes before this index and may match the same.
    fn add(
        &mut self,
        operation: Operation,
        open: &[(usize, &Route<'_>)],
        index: usize,
        same: impl Fn(&Route<'_>) -> bool,
    ) {
        let mut operations = vec![operation];
        for (rule, route) in open.iter().filter(|(earlier, route)| *earlier < index && same(route)) {
            match clause(route.pattern) {
                Some(clause) if operations.len().saturating_mul(clause.len()) <= MOST_OPERATIONS => {
                    operations = multiplied(&operations, &clause);
                }
                _ if self.unsaid.contains(rule) => {}
                _ => self.unsaid.push(*rule),
            }
        }
        self.operations.extend(operations.iter().map(written));
    }
}

/// Whether every request meets it.
pub(super) fn is_everywhere(operation: &Value) -> bool {
    operation.as_object().is_some_and(Map::is_empty)
}

/// Each operation with each condition of the clause.
fn multiplied(operations: &[Operation], clause: &Clause) -> Vec<Operation> {
    let with = |operation: &Operation, (key, values): &(&'static str, Vec<String>)| {
        let mut operation = operation.clone();
        match operation.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => {
                let new: Vec<String> = values.iter().filter(|value| !known.contains(value)).cloned().collect();
                known.extend(new);
            }
            None => operation.push((*key, values.clone())),
        }
        operation
    };
    operations.iter().flat_map(|operation| clause.iter().map(|condition| with(operation, condition))).collect()
}

fn written(operation: &Operation) -> Value {
    operation.iter().map(|(key, values)| ((*key).to_owned(), json!(values))).collect::<Map<_, _>>().into()
}

/// The ways in which a request does not match; `None` if they cannot be said. Hosts below another, with any port or none,
/// are left to the filter behind it.
fn clause(pattern: &RoutePattern) -> Option<Clause> {
    let mut clause = Clause::new();
    if let Some(path) = &pattern.path {
        clause.push(("notPaths", paths(path)?));
    }
    if !pattern.hosts.is_empty() && !pattern.hosts.iter().any(HostPattern::is_below) {
        clause.push(("notHosts", pattern.hosts.iter().flat_map(hosts).collect()));
    }
    if !pattern.methods.is_empty() {
        clause.push(("notMethods", pattern.methods.iter().map(ToString::to_string).collect()));
    }
    Some(clause)
}

/// An operation that every request that matches has, and few others have; `None` if there is none.
fn asked(pattern: &RoutePattern) -> Option<Operation> {
    let mut operation = Operation::new();
    if let Some(path) = &pattern.path {
        // In escapes with letters it would have to be denied in both cases.
        literal(path.segments()).filter(|path| !path.contains('%'))?;
        operation.push(("paths", paths(path)?));
    }
    if pattern.hosts.iter().any(HostPattern::is_below) {
        return None;
    }
    if !pattern.hosts.is_empty() {
        operation.push(("hosts", pattern.hosts.iter().flat_map(hosts).collect()));
    }
    if !pattern.methods.is_empty() {
        operation.push(("methods", pattern.methods.iter().map(ToString::to_string).collect()));
    }
    Some(operation)
}

/// Whether an AuthorizationPolicy's wildcards take no more than the rule does: whole paths on any host.
fn is_exact(pattern: &RoutePattern) -> bool {
    let whole = |path: &PathPattern| literal(path.segments()).is_some() && !path.is_below();
    pattern.hosts.is_empty() && pattern.path.as_ref().is_none_or(whole)
}

/// Whether a later rule gets all that does not match the earlier one: an ambiguous host or path belongs to neither.
fn asks_for_no_more(earlier: &Route<'_>, later: &Route<'_>) -> bool {
    earlier.pattern.hosts.is_empty() && (earlier.pattern.path.is_none() || later.pattern.path.is_some())
}

/// In Istio `*` stands for anything at the beginning or end of a value.
fn hosts(pattern: &HostPattern) -> [String; 2] {
    [pattern.host().to_owned(), format!("{}:*", pattern.host())]
}

/// `None` where text would be taken for a wildcard.
fn paths(pattern: &PathPattern) -> Option<Vec<String>> {
    if pattern.segments().iter().any(|segment| spelled(segment).contains('*')) {
        return None;
    }
    let segments = pattern.segments().iter().map(|segment| match segment {
        Segment::Any => "/{*}".to_owned(),
        Segment::Text(_) => format!("/{}", spelled(segment)),
    });
    let path: String = segments.collect();
    if path.is_empty() {
        return Some(vec!["/".to_owned()]);
    }
    let rest = match (pattern.is_below(), literal(pattern.segments())) {
        (false, _) => "/",
        (true, Some(_)) => "/*",
        (true, None) => "/{**}",
    };
    Some(vec![path.clone(), path + rest])
}
