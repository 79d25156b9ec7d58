//! What a request costs in calls between Envoy and the module, counted by Envoy itself. The table here is the one in
//! docs/design.md.

use crate::support::bootstrap::{Bootstrap, Clients};
use crate::support::client::{Caller, Connection};
use crate::support::envoy::Envoy;
use crate::support::envoys::repository;
use crate::support::pki::{Identity, Leaf};
use crate::support::registry;
use crate::support::renew;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// The calls that are counted, and what the table calls them.
const CALLS: [(&str, &str); 9] = [
    ("proxy_get_header_map_pairs", "all headers"),
    ("proxy_get_property", "property"),
    ("proxy_get_shared_data", "store read"),
    ("proxy_set_shared_data", "store write"),
    ("proxy_add_header_map_value", "header added"),
    ("proxy_replace_header_map_value", "header set"),
    ("proxy_remove_header_map_value", "header removed"),
    ("proxy_set_property", "filter state"),
    ("proxy_send_local_response", "answer"),
];

/// Calls that hand back no bytes and are as good as free: counters, clocks, and the log.
const FREE: [&str; 6] = [
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_record_metric",
    "proxy_get_current_time_nanoseconds",
    "clock_time_get",
    "proxy_log",
];

/// More requests than lines are logged at once.
const MANY: usize = 12;

/// What each kind of request costs, in the order of [`CALLS`].
const TABLE: [(&str, [usize; CALLS.len()]); 31] = [
    ("allowed, `rate_limit_headers: off`", [1, 1, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, with three limits", [1, 1, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, with a quota", [1, 1, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, with a warning", [1, 1, 1, 1, 4, 0, 0, 0, 0]),
    ("allowed, without limits", [1, 1, 0, 0, 3, 0, 0, 0, 0]),
    ("allowed, with `RateLimit` headers", [1, 1, 1, 1, 3, 2, 0, 0, 0]),
    ("allowed, with `X-RateLimit` headers", [1, 1, 1, 1, 3, 3, 0, 0, 0]),
    ("allowed, with one identity header switched off", [1, 1, 1, 1, 2, 0, 0, 0, 0]),
    ("allowed, `filter_state: always`", [1, 1, 1, 1, 3, 0, 0, 2, 0]),
    ("allowed, with a forged header", [1, 1, 1, 1, 0, 3, 1, 0, 0]),
    ("allowed, the first with a certificate", [1, 2, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, the first with a certificate given as `pem`", [1, 1, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, by a name", [1, 2, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, by a name, `chain: listener`", [1, 1, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, by a name, the first with a certificate", [1, 3, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, by a rule with a limit and a condition on the certificate", [1, 1, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, by public key, and a rule with a condition on the certificate", [1, 2, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, with all identity headers", [1, 1, 1, 1, 9, 0, 0, 0, 0]),
    ("allowed, with `misdirected: 421`", [1, 2, 1, 1, 3, 0, 0, 0, 0]),
    ("allowed, anonymous", [1, 3, 1, 1, 0, 0, 0, 0, 0]),
    ("allowed, public", [1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("over a limit", [1, 1, 1, 0, 0, 0, 0, 3, 1]),
    ("refused, by a rule", [1, 1, 0, 0, 0, 0, 0, 3, 1]),
    ("refused, revoked", [1, 1, 0, 0, 0, 0, 0, 3, 1]),
    ("refused, expired", [1, 1, 0, 0, 0, 0, 0, 3, 1]),
    ("refused, unknown certificate", [1, 1, 0, 0, 0, 0, 0, 1, 1]),
    ("refused, unknown certificate, and logged", [1, 2, 0, 0, 0, 0, 0, 1, 1]),
    ("refused, a name that nobody has verified", [1, 2, 0, 0, 0, 0, 0, 1, 1]),
    ("refused, no certificate", [1, 3, 0, 0, 0, 0, 0, 1, 1]),
    ("shadow mode, over a limit", [1, 1, 1, 0, 4, 0, 0, 3, 0]),
    ("shadow mode, unknown certificate", [1, 1, 0, 0, 0, 0, 0, 1, 0]),
];

/// What Envoy traced of one request.
#[derive(Debug, Default, PartialEq)]
struct Trace {
    /// The module's exports that Envoy called, in order.
    callbacks: Vec<String>,
    /// The host's functions that the module called, in order.
    calls: Vec<String>,
}

impl Trace {
    /// The trace of the last request in a log.
    fn last(log: &str) -> Self {
        let lines: Vec<&str> = log.lines().collect();
        let first =
            lines.iter().rposition(|line| line.contains("[host->vm] proxy_on_context_create(")).expect("a request");
        let mut trace = Self::default();
        for line in lines[first..].iter().filter(|line| thread(line) == thread(lines[first])) {
            let called = |arrow| {
                let (_, call) = line.split_once(arrow)?;
                Some(call.split('(').next()?.rsplit('.').next()?.to_owned())
            };
            trace.callbacks.extend(called("[host->vm] "));
            trace.calls.extend(called("[vm->host] "));
            if line.contains(ENDED) {
                break;
            }
        }
        trace
    }

    /// How often each of [`CALLS`] was called. Panics if there is another call, neither among these nor [`FREE`].
    fn counts(&self) -> [usize; CALLS.len()] {
        let mut counts = BTreeMap::new();
        for call in self.calls.iter().filter(|call| !FREE.contains(&call.as_str())) {
            *counts.entry(call.as_str()).or_default() += 1;
        }
        let counted = CALLS.map(|(call, _)| counts.remove(call).unwrap_or_default());
        assert!(counts.is_empty(), "calls that nobody counts: {counts:?}");
        counted
    }
}

/// The end of a request's last callback.
const ENDED: &str = "[host<-vm] proxy_on_delete return";

/// Which thread wrote a line: `[time][thread][level]...`.
fn thread(line: &str) -> Option<&str> {
    line.split(['[', ']']).nth(3)
}

/// An Envoy with one worker that traces every call.
struct Traced(Envoy);

impl Traced {
    async fn start(bootstrap: Bootstrap) -> Self {
        let envoy = Envoy::start(bootstrap.concurrency(1).wasm_trace()).await;
        // On the main thread and on the worker, so that no tick falls into a request.
        until("both ticks", async || (count(&envoy, "[host<-vm] proxy_on_tick return") == 2).then_some(())).await;
        Self(envoy)
    }

    /// Sends a request, checks its answer's status, and says what it cost.
    async fn send(&self, connection: &mut Connection, request: &Request, status: u16) -> Trace {
        let before = count(&self.0, ENDED);
        assert_eq!(connection.send(request).await.status, status);
        until("the request's end in the trace", async || (count(&self.0, ENDED) > before).then_some(())).await;
        Trace::last(&self.0.log())
    }
}

fn count(envoy: &Envoy, line: &str) -> usize {
    envoy.log().matches(line).count()
}

/// A way to come to one row of the table: a world, a registry, and the requests of which the last one counts.
struct Path {
    world: World,
    client: Identity,
    registry: Value,
    prepare: fn(Bootstrap) -> Bootstrap,
    caller: fn(&World, &Identity) -> Caller,
    request: Request,
    /// The statuses of the answers.
    statuses: Vec<u16>,
}

impl Path {
    /// Two allowed requests of a client with one limit, which it is far from.
    fn new(leaf: &Leaf) -> Self {
        let world = World::new();
        let client = world.authority.issue(leaf);
        let mut registry = registry::of(&[("partner-a", "gold", &client)]);
        registry["rate_limit_headers"] = json!("off");
        Self {
            world,
            client,
            registry,
            prepare: |bootstrap| bootstrap,
            caller: World::caller,
            request: Request::get("/"),
            statuses: vec![200, 200],
        }
    }

    /// The client is known by a name.
    fn by_name() -> Self {
        let path = Self::new(&Leaf::client("client").uri("spiffe://example.org/ns/shop/sa/cart"));
        path.with("/clients/0/credentials", json!([{"uri_san": "spiffe://example.org/ns/*/sa/cart"}]))
    }

    /// The path to the row of this name.
    fn to(row: &str) -> Self {
        let path = Self::new(&Leaf::client("client"));
        let hourly = json!([{"name": "hourly", "requests": 1, "per": "1h"}]);
        match row {
            "allowed, `rate_limit_headers: off`" => path,
            "allowed, with three limits" => {
                let limit = |name| json!({"name": name, "requests": 100, "per": "1s"});
                path.with("/tiers/gold/limits", ["burst", "second", "third"].map(limit).into_iter().collect())
            }
            "allowed, with a quota" => path.with(
                "/tiers/gold/limits/0",
                json!({"name": "monthly", "kind": "quota", "requests": 100, "per": "month"}),
            ),
            "allowed, with a warning" => path
                .with("/tiers/gold/limits/0", json!({"name": "hourly", "requests": 100, "per": "1h", "warn_at": "1%"})),
            "allowed, without limits" => path.with("/tiers/gold", json!({})),
            "allowed, with `RateLimit` headers" => path.with("/rate_limit_headers", json!("ietf")),
            "allowed, with `X-RateLimit` headers" => path.with("/rate_limit_headers", json!("legacy")),
            "allowed, with one identity header switched off" => path.with("/headers", json!({"fingerprint": null})),
            "allowed, `filter_state: always`" => path.with("/filter_state", json!("always")),
            "allowed, with a forged header" => {
                let request = Request::get("/").header("client-cert", "forged");
                Self { request, prepare: Bootstrap::without_guard, ..path }
            }
            "allowed, the first with a certificate" => path.answered(&[200]),
            "allowed, the first with a certificate given as `pem`" => {
                let pem = json!([{"pem": path.client.certificate_pem}]);
                path.with("/clients/0/credentials", pem).answered(&[200])
            }
            "allowed, by a name" => Self::by_name(),
            "allowed, by a name, `chain: listener`" => Self::by_name().with("/identity", json!({"chain": "listener"})),
            "allowed, by a name, the first with a certificate" => Self::by_name().answered(&[200]),
            "allowed, by a rule with a limit and a condition on the certificate" => {
                let limit = json!([{"name": "orders", "requests": 100, "per": "1s"}]);
                path.with("/rules", json!([{"name": "orders", "subject": {"common_name": "client"}, "limits": limit}]))
            }
            "allowed, by public key, and a rule with a condition on the certificate" => {
                let key = json!([{"spki_sha256": path.client.spki_sha256()}]);
                path.with("/clients/0/credentials", key).with("/rules", json!([{"subject": {"common_name": "client"}}]))
            }
            "allowed, with all identity headers" => {
                let path = Self::new(&Leaf::client("client").uri("spiffe://example.org/a"));
                let headers = json!({
                    "groups": "x-client-groups", "scopes": "x-client-scopes", "subject": "x-client-subject",
                    "spiffe_id": "x-client-spiffe-id", "not_after": "x-client-not-after", "client_cert": "client-cert",
                });
                path.with("/headers", headers)
                    .with("/clients/0/groups", json!(["finance"]))
                    .with("/clients/0/scopes", json!(["read"]))
            }
            "allowed, with `misdirected: 421`" => path.with("/misdirected", json!(421)),
            "allowed, anonymous" => {
                let path = Self { caller: |world, _| world.anonymous(), prepare: Bootstrap::without_guard, ..path };
                path.with("/rules", json!([{"access": "optional"}])).with("/anonymous_tier", json!("gold"))
            }
            "allowed, public" => {
                let path = Self { prepare: Bootstrap::without_guard, ..path };
                path.with("/rules", json!([{"access": "public"}]))
            }
            "refused, by a rule" => path.with("/rules", json!([{"groups": ["finance"]}])).answered(&[403; MANY]),
            "over a limit" => path.with("/tiers/gold/limits", hourly).answered(&[200, 429]),
            "refused, revoked" => path.with("/clients/0/credentials/0/revoked", json!(true)).answered(&[403]),
            "refused, expired" => {
                let path = Self::new(&Leaf::client("client").valid(-7200..=-3600)).answered(&[403, 403]);
                Self { prepare: |bootstrap| bootstrap.clients(Clients::AcceptUntrusted), ..path }
            }
            "refused, unknown certificate" => path.of_a_stranger().answered(&[403; MANY]),
            "refused, unknown certificate, and logged" => path.of_a_stranger().answered(&[403]),
            "refused, a name that nobody has verified" => {
                let caller = |world: &World, _: &Identity| {
                    world.caller(&Leaf::client("stranger").uri("spiffe://example.org/ns/shop/sa/cart").self_signed())
                };
                let prepare = |bootstrap: Bootstrap| bootstrap.clients(Clients::AcceptUntrusted);
                Self { caller, prepare, ..Self::by_name().answered(&[403; MANY]) }
            }
            "refused, no certificate" => Self { caller: |world, _| world.anonymous(), ..path.answered(&[403]) },
            "shadow mode, over a limit" => path.with("/mode", json!("shadow")).with("/tiers/gold/limits", hourly),
            "shadow mode, unknown certificate" => {
                path.with("/mode", json!("shadow")).of_a_stranger().answered(&[403; MANY])
            }
            other => panic!("no path leads to the row {other:?}"),
        }
    }

    fn with(mut self, pointer: &str, value: Value) -> Self {
        if let Some(place) = self.registry.pointer_mut(pointer) {
            *place = value;
        } else {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            self.registry.pointer_mut(parent).expect("a parent")[key] = value;
        }
        self
    }

    fn answered(self, statuses: &[u16]) -> Self {
        Self { statuses: statuses.to_vec(), ..self }
    }

    fn of_a_stranger(self) -> Self {
        Self { caller: |world, _| world.caller(&world.authority.client("stranger")), ..self }
    }

    async fn trace(self) -> Trace {
        let traced = Traced::start((self.prepare)(self.world.bootstrap(&self.registry))).await;
        let mut connection = (self.caller)(&self.world, &self.client).connect(traced.0.port()).await;
        let mut last = Trace::default();
        for status in self.statuses {
            last = traced.send(&mut connection, &self.request, status).await;
        }
        last
    }
}

/// The table as docs/design.md has it.
fn markdown(table: &[(&str, [usize; CALLS.len()])]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut head = vec!["a request".to_owned(), "calls".to_owned()];
    let mut under = vec!["---".to_owned(), ":-:".to_owned()];
    for (_, name) in CALLS {
        head.push(name.to_owned());
        under.push(":-:".to_owned());
    }
    let mut text = line(&head) + &line(&under);
    for (name, counts) in table {
        let shown = |count: &usize| if *count == 0 { String::new() } else { count.to_string() };
        let mut cells = vec![(*name).to_owned(), counts.iter().sum::<usize>().to_string()];
        cells.extend(counts.iter().map(shown));
        text += &line(&cells);
    }
    text
}

#[tokio::test]
async fn every_kind_of_request_costs_what_the_table_says() {
    let mut measured = Vec::new();
    for (row, _) in TABLE {
        measured.push((row, Path::to(row).trace().await.counts()));
    }
    let (measured, expected) = (markdown(&measured), markdown(&TABLE));
    assert!(measured == expected, "expected:\n{expected}\nmeasured:\n{measured}");
}

#[test]
fn the_design_has_the_same_table() {
    const BETWEEN: [&str; 2] = ["<!-- host-calls:begin -->", "<!-- host-calls:end -->"];
    let path = repository().join("docs/design.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BETWEEN[0]).expect("the table's beginning");
    let (_, after) = rest.split_once(BETWEEN[1]).expect("the table's end");
    let expected = [before, BETWEEN[0], "\n", &markdown(&TABLE), BETWEEN[1], after].concat();
    renew::compare(&path, &expected, "make renew GOLDEN=calls");
}

/// The callbacks of a request in order, and how often Envoy asks for memory in between, once for each call that hands
/// back bytes.
fn callbacks(trace: Trace) -> (String, usize) {
    let is_memory = |callback: &String| callback == "proxy_on_memory_allocate";
    let (memory, others): (Vec<_>, Vec<_>) = trace.callbacks.into_iter().partition(is_memory);
    (others.join(" "), memory.len())
}

/// Each callback that exists costs something, so there are no others.
#[tokio::test]
async fn envoy_calls_what_a_request_needs_and_no_more() {
    const REQUEST: &str = "proxy_on_context_create proxy_on_request_headers";
    const RESPONSE: &str = "proxy_on_response_headers proxy_on_delete";

    let allowed = Path::to("allowed, `rate_limit_headers: off`").trace().await;
    assert_eq!(callbacks(allowed), (format!("{REQUEST} {RESPONSE}"), 3), "headers, digest, buckets");

    let refused = Path::to("refused, unknown certificate").trace().await;
    assert_eq!(callbacks(refused), (format!("{REQUEST} {RESPONSE}"), 2), "headers, digest");

    let path = Path::to("allowed, `rate_limit_headers: off`");
    let request = Request::post("/", "body").trailer("x-sum", "1");
    let with_trailers = Path { request, prepare: Bootstrap::http1_trailers, ..path }.trace().await;
    let expected = format!("{REQUEST} proxy_on_request_trailers {RESPONSE}");
    assert_eq!(callbacks(with_trailers), (expected, 4), "headers, digest, buckets, trailers");
}
