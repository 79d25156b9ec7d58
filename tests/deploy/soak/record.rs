//! What is in force, what came of each request, and what should not have.

use super::policy::{NARROW, Registry, Verdict, verdict};
use crate::support::request::Response;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by all callers.
pub(super) struct Record {
    /// Which registries may have been in force, since when it was so: during a reload both, else one.
    history: Mutex<Vec<Vec<Registry>>>,
    counts: Mutex<BTreeMap<&'static str, usize>>,
    wrong: Mutex<Vec<String>>,
    stop: AtomicBool,
}

/// The moment at which a request began.
#[derive(Clone, Copy)]
pub(super) struct Began(usize);

impl Record {
    pub(super) fn new(first: Registry) -> Self {
        Self {
            history: Mutex::new(vec![vec![first]]),
            counts: Mutex::default(),
            wrong: Mutex::default(),
            stop: AtomicBool::new(false),
        }
    }

    /// From now on, any of these may be in force.
    pub(super) fn in_force(&self, registries: &[Registry]) {
        self.history.lock().unwrap().push(registries.to_vec());
    }

    /// Tells the callers that it is enough.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(super) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// A request begins.
    pub(super) fn begin(&self) -> Began {
        Began(self.history.lock().unwrap().len() - 1)
    }

    /// Whether this response is what one of the registries that were in force meanwhile says.
    pub(super) fn check(&self, began: Began, alias: Option<&'static str>, path: &str, response: &Response) {
        let mut registries: Vec<Registry> = self.history.lock().unwrap()[began.0..].concat();
        registries.sort();
        registries.dedup();
        let verdicts: Vec<_> = registries.iter().map(|registry| verdict(*registry, alias, path)).collect();
        match verdicts.iter().find_map(|verdict| outcome(*verdict, alias, response)) {
            Some(outcome) => self.count(outcome),
            None => self.wrong(format!("{alias:?} at {path} should get one of {verdicts:?}, got {response:?}")),
        }
    }

    /// One more of this kind.
    pub(super) fn count(&self, kind: &'static str) {
        *self.counts.lock().unwrap().entry(kind).or_default() += 1;
    }

    /// How many there were of this kind.
    pub(super) fn counted(&self, kind: &str) -> usize {
        self.counts.lock().unwrap().get(kind).copied().unwrap_or_default()
    }

    /// How many there were of each kind.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, usize> {
        self.counts.lock().unwrap().clone()
    }

    /// Something that should not have happened.
    pub(super) fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    /// Panics if something has happened that should not have.
    pub(super) fn assert_right(&self) {
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{} times wrong, first: {}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    }

    /// Panics if `greedy` was admitted more than its limit allows in so many seconds, all reloads included.
    pub(super) fn assert_within_limit(&self, seconds: f64) {
        let (admitted, most) = (self.counted("greedy through"), f64::from(NARROW) * (1.0 + seconds));
        assert!(admitted as f64 <= most, "greedy was admitted {admitted} times in {seconds} s, {most} at most");
    }
}

/// What a response is called if the verdict allows it.
fn outcome(verdict: Verdict, alias: Option<&str>, response: &Response) -> Option<&'static str> {
    let leaks = response.headers.names().any(|name| name.starts_with("x-client-"));
    match (verdict, response.status) {
        _ if leaks => None,
        (Verdict::Refused, 403) => Some("refused"),
        (Verdict::Through("narrow"), 429) => response.header("retry-after").map(|_| "throttled"),
        (Verdict::Through(tier), 200) => {
            let echo = response.echo();
            let upstream = if tier == "gold" { "gold" } else { "default" };
            let as_it_is = echo.headers.get("x-client-alias") == alias
                && echo.headers.get("x-client-tier") == Some(tier)
                && echo.upstream == upstream;
            let kind = if tier == "narrow" { "greedy through" } else { "through" };
            as_it_is.then_some(kind)
        }
        (Verdict::Public, 200) => {
            let named = response.echo().headers.names().any(|name| name.to_lowercase().starts_with("x-client-"));
            (!named).then_some("public")
        }
        _ => None,
    }
}
