//! Guards that do not stand where Envoy skips certgate: after a trap in `on_configure` on the workers.

use super::{Cast, TYPE, filters, reported};
use crate::support::bootstrap::Bootstrap;
use crate::support::envoy::Envoy;
use crate::support::mutant::{Callback, Mutant};
use crate::support::request::Request;
use serde_json::{Value, json};

const RBAC: &str = "envoy.filters.http.rbac";

fn rbac(manager: &mut Value) -> &mut Value {
    let filter = filters(manager).iter_mut().find(|filter| filter["name"] == RBAC);
    &mut filter.expect("the guard")["typed_config"]
}

/// The status of a request of a stranger, for an Envoy that skips certgate: with this change, or as shipped.
async fn status(cast: &Cast, request: &Request, code: &str, change: impl FnOnce(&mut Value)) -> u16 {
    let mutant = Mutant::new().traps_on_workers(Callback::Configure, 0).write();
    let skipped = |bootstrap: Bootstrap| bootstrap.module(&mutant);
    let good = Envoy::start(skipped(cast.world.bootstrap(&cast.registry()))).await;
    assert_eq!(cast.stranger().send(good.port(), request).await.status, 403, "{code}: as shipped");
    let bootstrap = cast.world.bootstrap(&cast.registry()).edit(change);
    let bad = Envoy::start(skipped(reported(code, bootstrap))).await;
    cast.stranger().send(bad.port(), request).await.status
}

#[tokio::test]
async fn headers_that_envoy_does_not_remove() {
    let cast = Cast::new();
    let forged = Request::get("/").header("x-client-alias", "partner-a");
    let removal = |manager: &mut Value| {
        drop(manager.as_object_mut().expect("a manager").remove("early_header_mutation_extensions"));
    };
    assert_eq!(status(&cast, &forged, "CG0530", removal).await, 200);
    let received = cast.world.forwarded();
    assert_eq!(received, 1, "and the upstream takes it for partner-a");
}

#[tokio::test]
async fn rules_that_are_missing_or_only_count() {
    let cast = Cast::new();
    let any = Request::get("/");
    let without = |manager: &mut Value| filters(manager).retain(|filter| filter["name"] != RBAC);
    assert_eq!(status(&cast, &any, "CG0532", without).await, 200);
    let counting = |manager: &mut Value| {
        let rules = rbac(manager)["rules"].take();
        *rbac(manager) = json!({"@type": format!("{TYPE}.rbac.v3.RBAC"), "shadow_rules": rules});
    };
    assert_eq!(status(&cast, &any, "CG0535", counting).await, 200);
}

#[tokio::test]
async fn rules_that_let_too_much_through() {
    let cast = Cast::new();
    let wide = |manager: &mut Value| {
        let path = json!({"url_path": {"path": {"prefix": "/files/"}}});
        rbac(manager)["rules"]["policies"]["files"] = json!({"permissions": [path], "principals": [{"any": true}]});
    };
    assert_eq!(status(&cast, &Request::get("/files/a"), "CG0533", wide).await, 200);
    let on_route = |manager: &mut Value| {
        let config = json!({RBAC: {"@type": format!("{TYPE}.rbac.v3.RBACPerRoute")}});
        manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] = config;
    };
    assert_eq!(status(&cast, &Request::get("/"), "CG0522", on_route).await, 200);
}

#[tokio::test]
async fn an_alias_that_envoy_itself_sets() {
    let cast = Cast::new();
    let any = Request::get("/");
    let append = json!({"append": {"header": {"key": "x-client-alias", "value": "partner-a"}}});
    let early = |manager: &mut Value| {
        let mutations = &mut manager["early_header_mutation_extensions"][0]["typed_config"]["mutations"];
        mutations.as_array_mut().expect("mutations").push(append.clone());
    };
    assert_eq!(status(&cast, &any, "CG0533", early).await, 200);
    let between = |manager: &mut Value| {
        let guard = filters(manager).iter().position(|filter| filter["name"] == RBAC).expect("the guard");
        let kind = format!("{TYPE}.header_mutation.v3.HeaderMutation");
        let mutation = json!({"@type": kind, "mutations": {"request_mutations": [append]}});
        filters(manager).insert(guard, json!({"name": "mutation", "typed_config": mutation}));
    };
    assert_eq!(status(&cast, &any, "CG0533", between).await, 200);
}

#[tokio::test]
async fn routes_that_replace_the_guard() {
    let cast = Cast::new();
    let wrapped = |manager: &mut Value| {
        let per_route = json!({"@type": format!("{TYPE}.rbac.v3.RBACPerRoute")});
        let config = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": per_route});
        manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] = json!({RBAC: config});
    };
    assert_eq!(status(&cast, &Request::get("/"), "CG0522", wrapped).await, 200);
}
