//! The dangers that `certgate lint` reports, each in a real Envoy: a request that must not pass does, or certgate does
//! not do its work. In the configuration as shipped there is none of them.

mod guard;

use crate::support::bootstrap::{Bootstrap, Clients, shipped};
use crate::support::client::Caller;
use crate::support::command_line::{Run, command_line};
use crate::support::envoy::Envoy;
use crate::support::mutant::{Callback, Mutant};
use crate::support::pki::{Identity, Leaf};
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

const TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http";

/// A world with one client, and a stranger whose certificate is good and not registered.
struct Cast {
    world: World,
    client: Identity,
    stranger: Identity,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let [client, stranger] = ["client", "stranger"].map(|name| world.authority.client(name));
        Self { world, client, stranger }
    }

    fn registry(&self) -> Value {
        registry::of(&[("partner-a", "unlimited", &self.client)])
    }

    /// The registry with these fields too.
    fn registry_with(&self, more: &Value) -> Value {
        registry::merge(self.registry(), more)
    }

    /// The shipped configuration with this registry, without the guard, which would hide what certgate misses.
    fn unguarded(&self, registry: &Value) -> Bootstrap {
        self.world.bootstrap(registry).without_guard()
    }

    fn stranger(&self) -> Caller {
        self.world.caller(&self.stranger)
    }

    fn client(&self) -> Caller {
        self.world.caller(&self.client)
    }
}

/// What `certgate lint` says of this configuration.
fn lint(bootstrap: &Bootstrap) -> String {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("envoy.json"), bootstrap.document().to_string()).expect("a file");
    Run::of(command_line(), folder.path(), &["lint", "envoy.json"], "").out
}

/// The configuration, if the lint has an error of this code about it.
fn reported(code: &str, bootstrap: Bootstrap) -> Bootstrap {
    let found = lint(&bootstrap);
    assert!(found.contains(&format!(" error[{code}]: ")), "no {code}:\n{found}");
    bootstrap
}

fn filters(manager: &mut Value) -> &mut Vec<Value> {
    manager["http_filters"].as_array_mut().expect("filters")
}

fn certgate(manager: &mut Value) -> &mut Value {
    filters(manager).iter_mut().find(|filter| filter["name"] == "certgate").expect("certgate")
}

/// Asserts that a stranger's request passes.
async fn assert_open(cast: &Cast, code: &str, bootstrap: Bootstrap) {
    let envoy = Envoy::start(reported(code, bootstrap)).await;
    let before = cast.world.forwarded();
    assert_eq!(cast.stranger().get(envoy.port(), "/").await.status, 200, "{code}");
    assert_eq!(cast.world.forwarded(), before + 1, "{code}");
}

#[tokio::test]
async fn as_shipped_there_is_no_danger() {
    let cast = Cast::new();
    // The guard is that of these rules.
    let rules = shipped("registry-local.yaml")["rules"].clone();
    let bootstrap = cast.world.bootstrap(&cast.registry_with(&json!({"rules": rules})));
    let found = lint(&bootstrap);
    assert!(found.ends_with(": 0 errors, 0 warnings\n"), "{found}");
    let envoy = Envoy::start(bootstrap.without_guard()).await;
    assert_eq!(cast.stranger().get(envoy.port(), "/").await.status, 403);
    assert_eq!(cast.client().get(envoy.port(), "/").await.status, 200);
}

#[tokio::test]
async fn filters_that_envoy_does_not_call() {
    let cast = Cast::new();
    let registry = cast.registry();
    let disabled = cast.unguarded(&registry).edit(|manager| certgate(manager)["disabled"] = json!(true));
    assert_open(&cast, "CG0511", disabled).await;
    // Envoy reads some texts as booleans too.
    let spelled = cast.unguarded(&registry).edit(|manager| certgate(manager)["disabled"] = json!("Yes"));
    assert_open(&cast, "CG0511", spelled).await;
    let config = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
    let on_host = cast.unguarded(&registry).edit(|manager| {
        manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] = json!({"certgate": config});
    });
    assert_open(&cast, "CG0521", on_host).await;
    let weighted = cast.unguarded(&registry).edit(|manager| {
        let clusters = json!([{"name": "default", "weight": 1, "typed_per_filter_config": {"certgate": config}}]);
        let route = json!({"match": {"prefix": "/"}, "route": {"weighted_clusters": {"clusters": clusters}}});
        manager["route_config"]["virtual_hosts"][0]["routes"] = json!([route]);
    });
    assert_open(&cast, "CG0521", weighted).await;
}

#[tokio::test]
async fn a_filter_in_the_place_of_certgate_while_it_has_no_configuration() {
    let cast = Cast::new();
    let buffer = json!({"@type": format!("{TYPE}.buffer.v3.Buffer"), "max_request_bytes": 1000});
    let bootstrap = cast.world.ecds_bootstrap(&cast.registry()).without_guard();
    let bootstrap = bootstrap.watched_file_at_start(Some("resources: []\n")).edit(|manager| {
        let discovery = &mut certgate(manager)["config_discovery"];
        discovery["default_config"] = buffer;
        discovery["type_urls"].as_array_mut().expect("types").push(json!(format!("{TYPE}.buffer.v3.Buffer")));
    });
    assert_open(&cast, "CG0513", bootstrap).await;
}

#[tokio::test]
async fn an_upgrade_with_filters_of_its_own() {
    let cast = Cast::new();
    let router = json!({"name": "router", "typed_config": {"@type": format!("{TYPE}.router.v3.Router")}});
    let upgrade = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    // The guard is in place, and not called either.
    let bootstrap = cast.world.bootstrap(&cast.registry()).websocket();
    // Envoy reads one value as a list of one.
    let bootstrap = bootstrap.edit(|manager| manager["upgrade_configs"][0]["filters"] = json!(router));
    let envoy = Envoy::start(reported("CG0523", bootstrap)).await;
    assert_eq!(cast.stranger().get(envoy.port(), "/").await.status, 403, "no upgrade");
    assert_eq!(cast.stranger().raw(envoy.port()).await.exchange(upgrade).await.status, 101);
}

#[tokio::test]
async fn a_module_that_fails_open() {
    let cast = Cast::new();
    let mutant = Mutant::new().traps_on_workers(Callback::Request, 0).write();
    let bootstrap = || cast.unguarded(&cast.registry()).module(&mutant).concurrency(1);
    let closed = Envoy::start(bootstrap()).await;
    for _ in 0..5 {
        assert_eq!(cast.stranger().get(closed.port(), "/").await.status, 503);
    }
    let envoy = Envoy::start(reported("CG0504", bootstrap().failure_policy("FAIL_OPEN"))).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(cast.stranger().get(envoy.port(), "/").await.status);
    }
    assert!(statuses.contains(&200), "{statuses:?}");
}

/// The setting lets a filter see a body before it has let the headers pass. What certgate has refused stays refused.
#[tokio::test]
async fn a_request_with_a_body_that_certgate_has_stopped() {
    let cast = Cast::new();
    let bootstrap = cast.unguarded(&cast.registry());
    let bootstrap = bootstrap.edit_plugin(|plugin| plugin["allow_on_headers_stop_iteration"] = json!(true));
    assert!(lint(&bootstrap).contains(" warning[CG0507]: "));
    let envoy = Envoy::start(bootstrap).await;
    assert_eq!(cast.stranger().send(envoy.port(), &Request::post("/", "body")).await.status, 403);
    assert_eq!(cast.world.forwarded(), 0);
}

#[tokio::test]
async fn configurations_that_certgate_refuses() {
    let cast = Cast::new();
    let without = cast.world.bootstrap(&cast.registry()).edit_plugin(|plugin| {
        plugin.as_object_mut().expect("a plugin").remove("configuration");
    });
    let mut bytes = cast.registry();
    bytes["tiers"]["unlimited"]["limits"] = json!([{"name": "a", "kind": "bytes", "bytes": 1000, "per": "1s"}]);
    for (code, bootstrap) in [("CG0506", without), ("CG0510", cast.world.bootstrap(&bytes))] {
        assert!(Envoy::try_start(reported(code, bootstrap)).await.is_err(), "{code}");
    }
}

#[tokio::test]
async fn a_filter_that_uses_the_identity_before_certgate_sets_it() {
    let cast = Cast::new();
    let admin = json!({"header": {"name": "x-client-alias", "string_match": {"exact": "admin"}}});
    let rbac = json!({
        "name": "admin",
        "typed_config": {
            "@type": format!("{TYPE}.rbac.v3.RBAC"),
            "rules": {"policies": {"admin": {"permissions": [{"any": true}], "principals": [admin]}}},
        },
    });
    let bootstrap = cast.unguarded(&cast.registry()).edit(|manager| filters(manager).insert(0, rbac));
    let envoy = Envoy::start(reported("CG0519", bootstrap)).await;
    let forged = Request::get("/").header("x-client-alias", "admin");
    assert_eq!(cast.client().get(envoy.port(), "/").await.status, 403);
    assert_eq!(cast.client().send(envoy.port(), &forged).await.status, 200, "the client is no admin");
}

/// Envoy's cache asks the upstream by itself, without the filters behind the cache.
#[tokio::test]
async fn a_cache_before_certgate() {
    let cast = Cast::new();
    let cache =
        json!({"@type": "type.googleapis.com/envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig"});
    let cache = json!({
        "name": "cache",
        "typed_config": {"@type": format!("{TYPE}.cache.v3.CacheConfig"), "typed_config": cache},
    });
    cast.world.default.add_response_header("cache-control", "public, max-age=1000000000");
    cast.world.default.add_response_header("date", "Thu, 01 Jan 2026 00:00:00 GMT");
    let bootstrap = cast.world.bootstrap(&cast.registry()).edit(|manager| filters(manager).insert(0, cache));
    let envoy = Envoy::start(reported("CG0517", bootstrap)).await;
    assert_eq!(cast.client().get(envoy.port(), "/").await.status, 200);
    assert_eq!(cast.stranger().get(envoy.port(), "/").await.status, 200);
}

#[tokio::test]
async fn tokens_that_nobody_has_verified() {
    let cast = Cast::new();
    let registry = cast.registry_with(&json!({"rules": [{"bound_token": true}]}));
    let envoy = Envoy::start(reported("CG0520", cast.world.bootstrap(&registry))).await;
    assert_eq!(cast.client().get(envoy.port(), "/").await.status, 403);
}

#[tokio::test]
async fn listeners_on_which_nobody_has_a_certificate() {
    let cast = Cast::new();
    for (code, clients) in [("CG0524", Clients::PlainText), ("CG0526", Clients::RequiredByNobody)] {
        let envoy = Envoy::start(reported(code, cast.world.bootstrap(&cast.registry()).clients(clients))).await;
        let caller = if clients == Clients::PlainText { Caller::plain() } else { cast.client() };
        assert_eq!(caller.get(envoy.port(), "/").await.status, 403, "{code}");
    }
}

#[tokio::test]
async fn names_that_nobody_has_verified() {
    let cast = Cast::new();
    let uri = "spiffe://example.org/cart";
    let clients = json!([{"alias": "cart", "tier": "unlimited", "credentials": [{"uri_san": uri}]}]);
    let registry = cast.registry_with(&json!({"clients": clients, "identity": {"chain": "listener"}}));
    let bootstrap = cast.world.bootstrap(&registry).clients(Clients::AcceptUntrusted);
    let envoy = Envoy::start(reported("CG0527", bootstrap)).await;
    let forger = Leaf::client("forger").uri(uri).self_signed();
    let response = cast.world.caller(&forger).get(envoy.port(), "/").await;
    assert_eq!(response.echo().headers.get("x-client-alias"), Some("cart"));
}

#[tokio::test]
async fn a_certificate_header_that_the_caller_has_written() {
    let cast = Cast::new();
    let forged = Request::get("/").header("x-forwarded-client-cert", "Hash=00;URI=spiffe://example.org/admin");
    for mode in ["APPEND_FORWARD", "FORWARD_ONLY", "ALWAYS_FORWARD_ONLY"] {
        let bootstrap = cast.world.bootstrap(&cast.registry());
        let bootstrap = bootstrap.edit(|manager| manager["forward_client_cert_details"] = json!(mode));
        let envoy = Envoy::start(reported("CG0529", bootstrap)).await;
        let echo = cast.client().send(envoy.port(), &forged).await.echo();
        let header = echo.headers.get("x-forwarded-client-cert").unwrap_or_default();
        assert!(header.contains("spiffe://example.org/admin"), "{mode}: {header}");
    }
}

#[tokio::test]
async fn what_is_public_on_one_host_opens_another() {
    let cast = Cast::new();
    let rules = json!([{"match": {"hosts": ["public.example.com"]}, "access": "public"}]);
    let registry = cast.registry_with(&json!({"rules": rules}));
    let bootstrap = |ignores_port: bool| {
        cast.unguarded(&registry).edit(|manager| {
            let host = |name: &str, domain: &str, cluster: &str| {
                json!({
                    "name": name, "domains": [domain],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}],
                })
            };
            let hosts = [host("public", "public.example.com", "gold"), host("private", "*", "default")];
            manager["route_config"] = json!({"virtual_hosts": hosts, "ignore_port_in_host_matching": ignores_port});
        })
    };
    let request = Request::get("/").authority("public.example.com:8443");
    let good = Envoy::start(bootstrap(true)).await;
    assert_eq!(cast.world.anonymous().send(good.port(), &request).await.echo().upstream, "gold");
    let stripping = bootstrap(false).edit(|manager| manager["strip_any_host_port"] = json!(true));
    assert!(!lint(&stripping).contains("CG0537"));
    let stripping = Envoy::start(stripping).await;
    assert_eq!(cast.world.anonymous().send(stripping.port(), &request).await.echo().upstream, "gold");
    let mut raw = cast.world.anonymous().raw(stripping.port()).await;
    assert_eq!(raw.exchange("GET / HTTP/1.1\r\nhost: public.example.com:\r\n\r\n").await.status, 403);
    let bad = Envoy::start(reported("CG0537", bootstrap(false))).await;
    assert_eq!(cast.world.anonymous().send(bad.port(), &request).await.echo().upstream, "default", "the private one");
}

#[tokio::test]
async fn requests_for_other_hosts_than_their_connections() {
    let cast = Cast::new();
    let registry = cast.registry_with(&json!({"misdirected": 421}));
    let request = Request::get("/").authority("shop.example.com");
    let caller = cast.client().server_name("api.example.com");
    let good = Envoy::start(cast.world.bootstrap(&registry)).await;
    assert_eq!(caller.send(good.port(), &request).await.status, 421);
    let bootstrap = cast.world.bootstrap(&registry).edit_document(|document| {
        document["static_resources"]["listeners"][0]["listener_filters"] = json!([]);
    });
    let bad = Envoy::start(reported("CG0539", bootstrap)).await;
    assert_eq!(caller.send(bad.port(), &request).await.status, 200);
}
