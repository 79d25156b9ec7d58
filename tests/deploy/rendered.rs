//! The output of `certgate render` in real Envoys: with certgate, and with certgate skipped, so that the guard is alone. Istio
//! and Envoy Gateway cannot run here; what their control planes would make of the manifests is made by `platform.rs`.

use super::platform::{envoy_gateway, istio};
use crate::support::bootstrap::{Bootstrap, shipped};
use crate::support::command_line::Run;
use crate::support::envoy::Envoy;
use crate::support::envoys::{self, PINNED, VERSIONS};
use crate::support::module;
use crate::support::mutant::{Callback, Mutant};
use crate::support::pki::{Identity, Leaf};
use crate::support::registry;
use crate::support::request::Request;
use crate::support::world::World;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use tempfile::TempDir;

pub(super) const IMAGE: &str = "oci://registry.example/certgate:0.1.0";
pub(super) const DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The options with which the files in `envoy/` are made.
pub(super) const IN_ENVOY: [&str; 9] = [
    "envoy",
    "--module",
    "target/certgate.wasm",
    "--certificate",
    "target/demo/server.pem",
    "--key",
    "target/demo/server.key",
    "--trusted-ca-sds",
    "envoy/trusted-ca-sds.yaml",
];

const IN_ISTIO: [&str; 7] = ["istio", "--image", IMAGE, "--sha256", DIGEST, "--namespace", "edge"];

const IN_ENVOY_GATEWAY: [&str; 9] =
    ["envoy-gateway", "--gateway", "edge", "--image", IMAGE, "--sha256", DIGEST, "--namespace", "edge"];

/// What `certgate render` prints.
pub(super) fn render(arguments: &[&str], registry: &str) -> String {
    Run::successful(&[&["render"], arguments, &["-"]].concat(), registry)
}

/// The documents in YAML text.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

/// A world, who is known in it and who is not, and the registry that says so.
struct Cast {
    world: World,
    client: Identity,
    by_name: Identity,
    stranger: Identity,
    registry: Value,
}

impl Cast {
    fn new() -> Self {
        let world = World::new();
        let [client, stranger] = ["client", "stranger"].map(|name| world.authority.client(name));
        let spiffe_id = "spiffe://cluster.local/ns/shop/sa/cart";
        let by_name = world.authority.issue(&Leaf::client("cart").uri(spiffe_id));
        let mut registry = registry::of(&[("client", "unlimited", &client)]);
        let cart = registry::client("cart", "gold", &json!({"uri_san": spiffe_id}));
        registry["clients"].as_array_mut().unwrap().push(cart);
        registry["rules"] = json!([
            {"name": "health", "match": {"path": "/healthz", "methods": ["GET"]}, "access": "public"},
            {"match": {"path": "/static/admin/**"}, "access": "deny"},
            {"match": {"path": "/static/**"}, "access": "public"},
            {"match": {"path": "/{lang}/help", "hosts": ["localhost", "*.example.org"]}, "access": "optional"},
        ]);
        Self { world, client, by_name, stranger, registry }
    }

    /// Asserts what each caller gets: with certgate, or with the guard alone.
    async fn assert_told(&self, bootstrap: Bootstrap, what: &str, skipped: bool) {
        let envoy = Envoy::start(bootstrap).await;
        for (path, nobody, client) in [
            ("/", 403, 200),
            ("/healthz", 200, 200),
            ("/healthz/x", 403, 200),
            ("/static/a%20b.css", 200, 200),
            ("/static/admin/x", 403, 403),
            ("/static/a;b", 403, 403),
            ("/en/help", 200, 200),
            ("/en/help/x", 403, 200),
        ] {
            // Where nobody tells clients from others, all are nobody.
            let client = if skipped { nobody } else { client };
            // A stranger's certificate is refused where a client may stay away.
            let stranger = if path == "/en/help" && !skipped { 403 } else { nobody };
            for (who, caller, expected) in [
                ("nobody", self.world.anonymous(), nobody),
                ("client", self.world.caller(&self.client), client),
                ("by name", self.world.caller(&self.by_name), client),
                ("stranger", self.world.caller(&self.stranger), stranger),
            ] {
                let request = Request::get(path).header("x-client-alias", "client");
                let response = caller.send(envoy.port(), &request).await;
                assert_eq!(response.status, expected, "{what}: {who} at {path}");
                if response.status == 200 {
                    let alias = response.echo().headers.get("x-client-alias").map(str::to_owned);
                    let known = ["client", "by name"].contains(&who)
                        && !skipped
                        && ["/", "/healthz/x", "/en/help", "/en/help/x"].contains(&path);
                    let name = if who == "by name" { "cart" } else { "client" };
                    assert_eq!(alias.as_deref(), known.then_some(name), "{what}: {who} at {path}");
                }
            }
        }
    }

    fn envoy(&self) -> Value {
        documents(&render(&IN_ENVOY, &self.registry.to_string())).remove(0)
    }
}

#[tokio::test]
async fn a_rendered_bootstrap_decides_as_the_rules_say() {
    let cast = Cast::new();
    cast.assert_told(Bootstrap::in_world(&cast.world, cast.envoy()), "envoy", false).await;
}

/// As where the module fails on the workers, so that Envoy skips it: for real, and where it is not there at all.
#[tokio::test]
async fn a_rendered_guard_holds_alone() {
    let cast = Cast::new();
    let bootstrap = || Bootstrap::in_world(&cast.world, cast.envoy());
    let mutant = Mutant::new().traps_on_workers(Callback::Configure, 0).write();
    cast.assert_told(bootstrap().module(&mutant), "envoy, a module that traps", true).await;
    cast.assert_told(bootstrap().without_certgate(), "envoy, without certgate", true).await;
}

#[tokio::test]
async fn in_shadow_mode_the_rendered_guard_lets_everything_through() {
    let mut cast = Cast::new();
    cast.registry["mode"] = json!("shadow");
    let envoy = Envoy::start(Bootstrap::in_world(&cast.world, cast.envoy()).without_certgate()).await;
    assert_eq!(cast.world.anonymous().get(envoy.port(), "/").await.status, 200);
    let counter = envoy.admin.stat("http.https.rbac.shadow_denied").await;
    assert_eq!(counter, 1);
}

/// A listener that took away what relays say would leave all their callers without a client.
#[tokio::test]
async fn a_trusted_relays_word_gets_as_far_as_certgate() {
    let mut cast = Cast::new();
    let relay = cast.world.authority.client("relay");
    cast.registry["identity"] = json!({"source": "xfcc", "trusted_relays": [{"sha256": relay.fingerprint()}]});
    let made = |arguments: &[&str]| documents(&render(arguments, &cast.registry.to_string()));
    let word = format!("Hash={}", cast.client.fingerprint());
    let request = Request::get("/").header("x-forwarded-client-cert", &word);
    for document in [cast.envoy(), istio(&made(&IN_ISTIO)), envoy_gateway(&made(&IN_ENVOY_GATEWAY))] {
        let envoy = Envoy::start(Bootstrap::in_world(&cast.world, document)).await;
        let response = cast.world.caller(&relay).send(envoy.port(), &request).await;
        assert_eq!(response.echo().headers.get("x-client-alias"), Some("client"));
        assert_eq!(cast.world.caller(&cast.stranger).send(envoy.port(), &request).await.status, 403);
    }
}

#[test]
fn every_envoy_accepts_what_is_rendered() {
    let cast = Cast::new();
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("server.pem"), &cast.world.server.certificate_pem).unwrap();
    fs::write(at("server.key"), &cast.world.server.key_pem).unwrap();
    fs::write(at("ca.pem"), &cast.world.authority.identity().certificate_pem).unwrap();
    fs::write(at("sds.yaml"), Run::successful(&["render", "sds", "--trusted-ca", &at("ca.pem")], "")).unwrap();
    let module = module::path().display().to_string();
    let (watched, pem, key, ca) = (at("registry.yaml"), at("server.pem"), at("server.key"), at("ca.pem"));
    let server = ["--certificate", &pem, "--key", &key];
    let (of_start, sds) = (["--trusted-ca", &ca], ["--trusted-ca-sds", &at("sds.yaml")]);
    let registry = cast.registry.to_string();
    fs::write(&watched, render(&["ecds", "--module", &module], &registry)).unwrap();
    let inline = render(&[&["envoy", "--module", &module], &server[..], &of_start].concat(), &registry);
    let watching = render(&[&["envoy", "--watch", &watched], &server[..], &sds].concat(), &registry);
    // `--mode validate` does not look into the watched file: as part of a bootstrap, it does.
    let mut merged = documents(&inline).remove(0);
    let resource = documents(&fs::read_to_string(&watched).unwrap())[0]["resources"][0]["typed_config"].clone();
    let filters = &mut merged["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["http_filters"];
    filters[0] = json!({"name": "certgate", "typed_config": resource});
    let texts = [("inline.yaml", inline), ("watching.yaml", watching), ("merged.json", merged.to_string())];
    for (name, text) in texts {
        fs::write(at(name), text).unwrap();
        for version in VERSIONS {
            let envoy = envoys::version(version);
            let output = Command::new(&envoy).args(["--mode", "validate", "-c", &at(name)]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{version} refuses {name}:\n{said}");
        }
    }
}

#[tokio::test]
async fn istios_manifests_decide_as_the_rules_say() {
    let cast = Cast::new();
    for more in [
        &[][..],
        &["--by", "envoy-filter"],
        &["--target-ref", "gateway.networking.k8s.io/Gateway/edge"],
        &["--placement", "sidecar", "--selector", "app=cart"],
        &["--placement", "sidecar", "--selector", "app=cart", "--by", "envoy-filter"],
    ] {
        let manifests = documents(&render(&[&IN_ISTIO[..], more].concat(), &cast.registry.to_string()));
        assert_eq!(istio(&manifests)["stats_config"], shipped("envoy.yaml")["stats_config"]);
        let bootstrap = Bootstrap::in_world(&cast.world, istio(&manifests));
        cast.assert_told(bootstrap.version(PINNED), &format!("istio {more:?}"), false).await;
    }
}

#[tokio::test]
async fn istios_guard_holds_alone() {
    let cast = Cast::new();
    let manifests = documents(&render(&IN_ISTIO, &cast.registry.to_string()));
    let bootstrap = || Bootstrap::in_world(&cast.world, istio(&manifests));
    let mutant = Mutant::new().traps_on_workers(Callback::Configure, 0).write();
    cast.assert_told(bootstrap().module(&mutant), "istio, a module that traps", true).await;
}

#[tokio::test]
async fn envoy_gateways_manifests_decide_as_the_rules_say() {
    let cast = Cast::new();
    let manifests = documents(&render(&IN_ENVOY_GATEWAY, &cast.registry.to_string()));
    assert_eq!(envoy_gateway(&manifests)["stats_config"], shipped("envoy.yaml")["stats_config"]);
    cast.assert_told(Bootstrap::in_world(&cast.world, envoy_gateway(&manifests)), "envoy-gateway", false).await;
    let mutant = Mutant::new().traps_on_workers(Callback::Configure, 0).write();
    let skipped = Bootstrap::in_world(&cast.world, envoy_gateway(&manifests)).module(&mutant);
    cast.assert_told(skipped, "envoy-gateway, a module that traps", true).await;
}

/// Envoy refuses a configuration with an expression whose regular expressions are too large.
#[tokio::test]
async fn envoy_gateways_guard_has_room_for_long_hosts() {
    let mut cast = Cast::new();
    let host = "k8s-istiosys-istioing-5c1b3ce2a4-9d3c7f1e2b3a4c5d.elb.us-east-1.amazonaws.com";
    // With a dot and a colon, as long as a text may be.
    let longest = format!("{}.{}", "ks".repeat(22), "sky".repeat(14) + "s");
    assert_eq!(longest.len(), 88);
    let hosts = [format!("*.{host}"), format!("*.{longest}")];
    cast.registry["rules"] = json!([{"match": {"hosts": hosts}, "access": "public"}]);
    let manifests = documents(&render(&IN_ENVOY_GATEWAY, &cast.registry.to_string()));
    let envoy = Envoy::start(Bootstrap::in_world(&cast.world, envoy_gateway(&manifests))).await;
    for (authority, expected) in [
        (format!("shop.{host}"), 200),
        (format!("shop.{}", host.to_ascii_uppercase()), 200),
        (format!("shop.{host}:8443"), 200),
        (format!("shop.{longest}"), 200),
        (host.to_owned(), 403),
    ] {
        let request = Request::get("/").authority(&authority);
        let response = cast.world.anonymous().send(envoy.port(), &request).await;
        assert_eq!(response.status, expected, "{authority}");
    }
}
