//! Methods: the request line alone says which, and preflights pass where a rule lets them.

use super::ruled;
use crate::support::envoy::Envoy;
use crate::support::fields::Fields;
use crate::support::request::{Request, Response};
use crate::support::world::World;
use hyper::Method;
use serde_json::{Value, json};

/// Where a health check and a preflight are public, nothing else is, whatever a header says of the method.
#[tokio::test]
async fn the_method_of_the_request_line_alone_decides() {
    let world = World::new();
    let rules = json!([
        {"match": {"path": "/items", "methods": ["GET", "OPTIONS"]}, "access": "public"},
        {"match": {"methods": ["OPTIONS"]}, "access": "public"},
        {"match": {"path": "/items"}, "access": "deny"},
    ]);
    let envoy = Envoy::start(world.bootstrap(&ruled(&[], rules)).without_guard()).await;
    let overrides = ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method", "method"];
    for method in ["GET", "OPTIONS", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "GETX"] {
        let public = matches!(method, "GET" | "OPTIONS");
        for claimed in ["GET", "OPTIONS", "POST"] {
            let lines: String = overrides.iter().map(|name| format!("{name}: {claimed}\r\n")).collect();
            let request = format!(
                "{method} /items?_method={claimed} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{lines}\r\n"
            );
            let before = world.forwarded();
            let mut raw = world.anonymous().raw(envoy.port()).await;
            raw.write(&request).await;
            // The answer to HEAD promises a body that does not come.
            let status = raw.try_response().await.map(|response| response.status);
            assert_eq!(world.forwarded() - before, usize::from(public), "{method} as {claimed}: {status:?}");
        }
    }
    assert!(world.default.received().iter().all(|echo| matches!(&*echo.method, "GET" | "OPTIONS")));
    // Envoy has no route for this one.
    let (before, server_wide) = (world.forwarded(), "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(world.anonymous().raw(envoy.port()).await.exchange(server_wide).await.status, 404);
    assert_eq!(world.forwarded(), before);
}

/// A browser's question whether it may send a request: without a certificate, whatever it has.
fn preflight() -> Request {
    Request::new(Method::OPTIONS, "/items")
        .header("origin", "https://shop.example.com")
        .header("access-control-request-method", "POST")
}

#[tokio::test]
async fn envoys_own_answer_to_a_preflight_needs_no_client() {
    let world = World::new();
    let client = world.authority.client("client");
    let bootstrap = world.bootstrap(&ruled(&[("client", "unlimited", &client)], json!([]))).edit(|manager| {
        let cors = "type.googleapis.com/envoy.extensions.filters.http.cors.v3";
        let filter = json!({"name": "envoy.filters.http.cors", "typed_config": {"@type": format!("{cors}.Cors")}});
        manager["http_filters"].as_array_mut().unwrap().insert(0, filter);
        manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] = json!({"envoy.filters.http.cors": {
            "@type": format!("{cors}.CorsPolicy"),
            "allow_origin_string_match": [{"exact": "https://shop.example.com"}],
            "allow_methods": "GET, POST",
        }});
    });
    let envoy = Envoy::start(bootstrap).await;
    let allowed = |response: &Response| response.header("access-control-allow-origin").map(str::to_owned);
    let answer = world.anonymous().send(envoy.port(), &preflight()).await;
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (200, Some("GET, POST")));
    assert_eq!((allowed(&answer), world.forwarded()), (Some("https://shop.example.com".to_owned()), 0));
    // Nothing else gets through like this.
    let get = Request::get("/items").header("origin", "https://shop.example.com");
    let not_one = Request::new(Method::OPTIONS, "/items").header("origin", "https://shop.example.com");
    let elsewhere = Request { headers: Fields::default(), ..preflight() }.header("origin", "https://evil.example.com");
    for request in [&get, &not_one, &elsewhere] {
        assert_eq!(world.anonymous().send(envoy.port(), request).await.status, 403, "{request:?}");
    }
    assert_eq!(world.forwarded(), 0);
    let answer = world.caller(&client).send(envoy.port(), &get).await;
    assert_eq!((answer.status, allowed(&answer)), (200, Some("https://shop.example.com".to_owned())));
}

/// The upstream may answer them too; then the guard needs the exception that the rule makes.
#[tokio::test]
async fn the_upstream_answers_preflights_if_a_rule_and_the_guard_let_them_through() {
    let world = World::new();
    let registry = ruled(&[], json!([{"match": {"methods": ["OPTIONS"]}, "access": "public"}]));
    let exception = |manager: &mut Value| {
        let filters = manager["http_filters"].as_array_mut().unwrap();
        let guard = filters.iter_mut().find(|filter| filter["name"] == "envoy.filters.http.rbac").expect("the guard");
        guard["typed_config"]["rules"]["policies"]["preflight"] = json!({
            "permissions": [{"header": {"name": ":method", "string_match": {"exact": "OPTIONS"}}}],
            "principals": [{"any": true}],
        });
    };
    let shipped = Envoy::start(world.bootstrap(&registry)).await;
    let excepted = Envoy::start(world.bootstrap(&registry).edit(exception)).await;
    assert_eq!(world.anonymous().send(shipped.port(), &preflight()).await.status, 403, "by the guard");
    assert_eq!(shipped.admin.metric("certgate_requests_total", &[("decision", "allowed")]).await, 1.0);
    assert_eq!(world.anonymous().send(excepted.port(), &preflight()).await.echo().method, "OPTIONS");
    assert_eq!(world.anonymous().get(excepted.port(), "/items").await.status, 403);
}
