//! Traces: a request stays in the trace that it comes with, and its span says who called and what was decided.

use crate::collector::{Collector, Span};
use crate::support::bootstrap::{Bootstrap, shipped};
use crate::support::envoy::Envoy;
use crate::support::envoys::VERSIONS;
use crate::support::registry;
use crate::support::request::Request;
use crate::support::wait::until;
use crate::support::world::World;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

/// The span that a caller says is above its request's.
const PARENT: &str = "00f067aa0ba902b7";

/// The Envoys whose tags can read filter state.
fn with_formats() -> impl Iterator<Item = &'static str> {
    VERSIONS.into_iter().filter(|version| *version != "1.36.4")
}

/// The id of the trace with this number.
fn trace(number: usize) -> String {
    format!("{number:032x}")
}

/// The request, in the trace with this number, in which each request is recorded if `sampled`.
fn traced(request: Request, number: usize, sampled: bool) -> Request {
    request.header("traceparent", &format!("00-{}-{PARENT}-{:02x}", trace(number), u8::from(sampled)))
}

/// The Envoy that sends its spans to this port, each of them at once.
fn sending(bootstrap: Bootstrap, port: u16) -> Bootstrap {
    bootstrap.edit_document(|document| {
        let clusters = document["static_resources"]["clusters"].as_array_mut().expect("clusters");
        let collector = clusters.iter_mut().find(|cluster| cluster["name"] == "collector").expect("a collector");
        let endpoint = &mut collector["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        endpoint["address"]["socket_address"]["port_value"] = json!(port);
        let at_once = json!({"tracing.opentelemetry.min_flush_spans": 1});
        document["layered_runtime"] = json!({"layers": [{"name": "tests", "static_layer": at_once}]});
    })
}

/// The only span of the trace with this number, once it has come.
async fn span(collector: &Collector, number: usize) -> Span {
    let what = format!("the span of trace {number}");
    let id = trace(number);
    let spans = until(&what, async || {
        let mut spans = collector.spans();
        spans.retain(|span| HEXLOWER.encode(&span.trace_id) == id);
        (!spans.is_empty()).then_some(spans)
    });
    let spans = spans.await;
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert_eq!(HEXLOWER.encode(&spans[0].parent_id), PARENT);
    spans[0].clone()
}

#[tokio::test]
async fn a_request_stays_in_its_trace_and_its_span_says_who_called() {
    for version in VERSIONS {
        let (world, collector) = (World::new(), Collector::start().await);
        let client = world.authority.client("client");
        let registry = registry::of(&[("partner-a", "gold", &client)]);
        let envoy = Envoy::start(sending(world.bootstrap(&registry), collector.port()).version(version)).await;
        let forged = |request: Request| request.header("x-client-alias", "forged").header("x-client-tier", "forged");

        let mut connection = world.caller(&client).connect(envoy.port()).await;
        let echo = connection.send(&traced(Request::get("/"), 1, true)).await.echo();
        let span_of_it = span(&collector, 1).await;
        assert_eq!(span_of_it.attribute("certgate.client.alias"), Some("partner-a"), "{version}");
        assert_eq!(span_of_it.attribute("certgate.tier"), Some("gold"), "{version}");
        let expected = format!("00-{}-{}-01", trace(1), HEXLOWER.encode(&span_of_it.span_id));
        assert_eq!(echo.headers.get("traceparent"), Some(&*expected), "{version}");
        assert_eq!(envoy.access_log(1).await[0]["trace_id"], trace(1), "{version}");

        // A trace that nobody records goes on all the same, and a request without one gets one.
        let echo = connection.send(&traced(Request::get("/"), 2, false)).await.echo();
        let onward = echo.headers.get("traceparent").expect("a trace").to_owned();
        assert!(onward.starts_with(&format!("00-{}-", trace(2))) && onward.ends_with("-00"), "{version}: {onward}");
        assert!(connection.get("/").await.echo().headers.get("traceparent").is_some(), "{version}");

        // Nobody gets a name into a span, nor by a request that Envoy answers before any filter sees it.
        let refused = forged(traced(Request::get("/a%2fb"), 3, true));
        assert_eq!(connection.send(&refused).await.status, 400, "{version}");
        let refused = forged(traced(Request::get("/"), 4, true));
        assert_eq!(world.anonymous().send(envoy.port(), &refused).await.status, 403, "{version}");
        let refused = span(&collector, 4).await;
        assert_eq!(refused.attribute("http.status_code"), Some("403"), "{version}");
        let names =
            collector.spans().into_iter().filter_map(|span| span.attribute("certgate.client.alias").map(str::to_owned));
        assert!(names.into_iter().all(|name| name == "partner-a"), "{version}");
        assert_eq!(refused.attribute("certgate.client.alias"), None, "{version}");
        assert!(!collector.spans().iter().any(|span| HEXLOWER.encode(&span.trace_id) == trace(2)), "{version}");
    }
}

#[tokio::test]
async fn the_spans_of_the_example_say_what_was_decided() {
    let tracing = shipped("examples/tracing.yaml")["tracing"].clone();
    for version in with_formats() {
        let (world, collector) = (World::new(), Collector::start().await);
        let [gold, bronze, disabled, stranger] =
            ["gold", "bronze", "off", "stranger"].map(|name| world.authority.client(name));
        let mut registry =
            registry::of(&[("partner-a", "gold", &gold), ("partner-b", "bronze", &bronze), ("off", "gold", &disabled)]);
        registry["tiers"]["bronze"]["limits"] = json!([{"name": "yearly", "requests": 1, "per": "365d"}]);
        registry["clients"][2]["enabled"] = json!(false);
        registry["rules"] = json!([{"match": {"path": "/healthz"}, "access": "public"}]);
        for mode in ["enforce", "shadow"] {
            registry["mode"] = json!(mode);
            let bootstrap = world.bootstrap(&registry).without_guard();
            let bootstrap = bootstrap.edit(|manager| manager["tracing"] = tracing.clone()).version(version);
            let envoy = Envoy::start(sending(bootstrap, collector.port())).await;
            let shadow = mode == "shadow";
            for (place, (who, path, status, tags)) in [
                (Some(&gold), "/", 200, ["partner-a", "gold", "", "allowed"]),
                (Some(&bronze), "/", 200, ["partner-b", "bronze", "", "allowed"]),
                (Some(&bronze), "/", 429, ["partner-b", "bronze", "limit_exceeded", "throttled"]),
                (Some(&disabled), "/", 403, ["off", "gold", "client_disabled", "refused"]),
                (Some(&stranger), "/", 403, ["", "", "unknown_certificate", "refused"]),
                (None, "/", 403, ["", "", "no_certificate", "refused"]),
                (None, "/healthz", 200, ["", "", "", "allowed"]),
            ]
            .into_iter()
            .enumerate()
            {
                let number = 1 + place + if shadow { 100 } else { 0 };
                let caller = who.map_or_else(|| world.anonymous(), |identity| world.caller(identity));
                let response = caller.send(envoy.port(), &traced(Request::get(path), number, true)).await;
                assert_eq!(response.status, if shadow { 200 } else { status }, "{version}, {mode}, {tags:?}");
                let span = span(&collector, number).await;
                let names = ["certgate.client.alias", "certgate.tier", "certgate.reason", "certgate.decision"];
                let said = names.map(|name| span.attribute(name).unwrap_or_default());
                assert_eq!(said, tags, "{version}, {mode}");
            }
        }
    }
}

/// As where nobody has a collector: everything else goes on, and nobody's log is filled.
#[tokio::test]
async fn without_a_collector_only_spans_are_lost() {
    let world = World::new();
    let client = world.authority.client("client");
    // Nobody listens there any more.
    let port = Collector::start().await.port();
    let registry = registry::of(&[("partner-a", "gold", &client)]);
    let envoy = Envoy::start(sending(world.bootstrap(&registry), port)).await;
    let before = trouble(&envoy);
    let mut connection = world.caller(&client).connect(envoy.port()).await;
    for number in 1..=20 {
        connection.send(&traced(Request::get("/"), number, true)).await.echo();
    }
    until("a connection that fails", async || {
        let stats: Value = serde_json::from_str(
            &envoy.admin.get("/stats?format=json&filter=collector.upstream_cx_connect_fail").await,
        )
        .expect("statistics");
        (stats["stats"][0]["value"].as_u64()? > 0).then_some(())
    })
    .await;
    connection.get("/").await.echo();
    assert_eq!(trouble(&envoy), before);
}

/// How many lines of the log are about something that is wrong.
fn trouble(envoy: &Envoy) -> usize {
    let log = envoy.log();
    log.lines().filter(|line| ["[warning]", "[error]", "[critical]"].iter().any(|level| line.contains(level))).count()
}
