//! The cost of each kind of request, once it is one of many. The kinds are those of the table of host calls in docs/design.md.

use crate::budget::{self, Figure};
use crate::certificate::Certificate;
use crate::process::Process;
use crate::registry;
use crate::vm::{Usage, Vm};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// All kinds of requests.
const PATHS: [&str; 18] = [
    "allowed, `rate_limit_headers: off`",
    "allowed, with three limits",
    "allowed, with a quota",
    "allowed, with a warning",
    "allowed, without limits",
    "allowed, with `RateLimit` headers",
    "allowed, with `X-RateLimit` headers",
    "allowed, with a forged header",
    "allowed, with 30 request headers",
    "allowed, by public key",
    "allowed, by one of 10 rules",
    "allowed, by one of 1,000 rules",
    "allowed, by a rule with a limit",
    "over a limit",
    "refused, revoked",
    "refused, unknown certificate",
    "refused, no certificate",
    "shadow mode, over a limit",
];

/// The path whose steps are shown one by one.
const SHOWN: &str = PATHS[0];

/// The request that is measured: by then everything is defined, known and allocated, and the log has said enough.
const MEASURED: usize = 20;

/// Nanoseconds from each request to the next: within ten a second, which is what the log may have.
pub(crate) const PAUSE: u64 = 10_000_000;

/// A way to come to one line: a registry, the caller's certificate, its request, and the answer to the last one.
struct Route {
    registry: Value,
    caller: Option<Certificate>,
    headers: Vec<(String, String)>,
    answer: Option<u32>,
    reason: Option<&'static str>,
}

impl Route {
    /// The route to the line of this name.
    fn to(path: &str) -> Self {
        let client = Certificate::of("client");
        let allowed = Self {
            registry: registry::of(&client),
            caller: Some(client),
            headers: registry::plain(),
            answer: None,
            reason: None,
        };
        let hourly = json!([{"name": "hourly", "requests": 1, "per": "1h"}]);
        match path {
            "allowed, `rate_limit_headers: off`" => allowed,
            "allowed, with three limits" => {
                let limit = |name| json!({"name": name, "requests": 100, "per": "1s"});
                allowed.with("/tiers/gold/limits", ["burst", "second", "third"].map(limit).into_iter().collect())
            }
            "allowed, with a quota" => allowed.with(
                "/tiers/gold/limits/0",
                json!({"name": "monthly", "kind": "quota", "requests": 100, "per": "month"}),
            ),
            "allowed, with a warning" => allowed
                .with("/tiers/gold/limits/0", json!({"name": "hourly", "requests": 100, "per": "1h", "warn_at": "1%"})),
            "allowed, without limits" => allowed.with("/tiers/gold", json!({})),
            "allowed, with `RateLimit` headers" => allowed.with("/rate_limit_headers", json!("ietf")),
            "allowed, with `X-RateLimit` headers" => allowed.with("/rate_limit_headers", json!("legacy")),
            "allowed, with a forged header" => {
                let mut headers = registry::plain();
                headers.push(("client-cert".to_owned(), "forged".to_owned()));
                Self { headers, ..allowed }
            }
            "allowed, with 30 request headers" => Self { headers: registry::thirty(), ..allowed },
            "allowed, by public key" => {
                let credential = json!({"spki_sha256": allowed.caller.as_ref().expect("a client").spki_sha256()});
                allowed.with("/clients/0/credentials/0", credential)
            }
            "allowed, by one of 10 rules" => allowed.with("/rules", rules(10)),
            "allowed, by one of 1,000 rules" => allowed.with("/rules", rules(1000)),
            "allowed, by a rule with a limit" => {
                let limit = json!([{"name": "orders", "requests": 100, "per": "1s"}]);
                allowed
                    .with("/rules", json!([{"name": "orders", "match": {"path": "/v1/orders/{id}"}, "limits": limit}]))
            }
            "over a limit" => allowed.with("/tiers/gold/limits", hourly).answered(429, "limit_exceeded"),
            "refused, revoked" => {
                allowed.with("/clients/0/credentials/0/revoked", json!(true)).answered(403, "certificate_revoked")
            }
            "refused, unknown certificate" => {
                Self { caller: Some(Certificate::of("stranger")), ..allowed }.answered(403, "unknown_certificate")
            }
            "refused, no certificate" => Self { caller: None, ..allowed }.answered(403, "no_certificate"),
            "shadow mode, over a limit" => {
                let shadow = allowed.with("/mode", json!("shadow")).with("/tiers/gold/limits", hourly);
                Self { reason: Some("limit_exceeded"), ..shadow }
            }
            other => panic!("no route leads to {other:?}"),
        }
    }

    fn with(mut self, pointer: &str, value: Value) -> Self {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = self.registry.pointer_mut(parent).expect("a parent");
        match key.parse::<usize>() {
            Ok(index) => parent[index] = value,
            Err(_) => parent[key] = value,
        }
        self
    }

    fn answered(self, status: u32, reason: &'static str) -> Self {
        Self { answer: Some(status), reason: Some(reason), ..self }
    }

    /// What the measured request uses, in a process of its own.
    fn usage(&self) -> Usage {
        let process = Rc::new(Process::new());
        let configuration = self.registry.to_string().into_bytes();
        Vm::start(&process).configure(&configuration);
        let mut worker = Vm::start(&process);
        worker.configure(&configuration);
        worker.tick();
        for _ in 1..MEASURED {
            worker.request(&self.headers, self.caller.as_ref());
            process.pass(PAUSE);
        }
        let logged = worker.host().log.len();
        let usage = worker.request(&self.headers, self.caller.as_ref());
        let host = worker.host();
        assert_eq!(host.answer, self.answer);
        let reason = host.filter_state.get(b"certgate.reason".as_slice()).map(|reason| String::from_utf8_lossy(reason));
        assert_eq!(reason.as_deref(), self.reason);
        assert_eq!(&host.log[logged..], [], "nothing is logged of this request");
        usage
    }
}

/// So many rules, one of which matches the plain request.
fn rules(count: usize) -> Value {
    let other = |number| {
        let path = format!("/v1/resource-{number}/{{id}}/**");
        json!({"match": {"hosts": [format!("h{number}.example.com"), "api.example.com"], "path": path}, "groups": ["x"]})
    };
    let ours = json!({"match": {"hosts": ["api.example.com"], "path": "/v1/orders/{id}", "methods": ["GET"]}});
    (1..count).map(other).chain([ours]).collect()
}

#[test]
fn rules_that_do_not_match_cost_nothing() {
    let [few, many] =
        ["allowed, by one of 10 rules", "allowed, by one of 1,000 rules"].map(|path| Route::to(path).usage().fuel());
    assert!(many * 10 <= few * 11, "{few} among 10 rules, {many} among 1,000");
}

#[test]
fn every_kind_of_request_is_within_its_budget() {
    let mut figures = BTreeMap::new();
    for path in PATHS {
        let route = Route::to(path);
        let usage = route.usage();
        assert_eq!(usage, route.usage(), "{path}: twice the same");
        println!("{path:40} {:8} fuel {:4} host calls", usage.fuel(), usage.calls());
        if path == SHOWN {
            show(&usage);
        }
        figures.insert(path.to_owned(), Figure::of(&usage));
    }
    budget::check(|line| !line.contains(" clients") && !line.contains(" tiers and "), &figures);
}

/// Which part of a request uses how much.
fn show(usage: &Usage) {
    for step in &usage.0 {
        let what = if step.is_call { "up to the host call" } else { "up to the end of" };
        println!("    {:6} {what} {}", step.fuel, step.name);
    }
}
