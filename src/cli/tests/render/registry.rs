//! The registry in what is rendered: it is the same wherever it is written.

use super::{
    DIGEST, FILES, documents, ecds, envoy, envoy_gateway, filter, istio, manager, of_kind, rbac, registry_with, render,
};
use certgate_core::config;
use serde_json::{Value, json};

/// What a registry's clients hold open is not cut off with what has no client.
#[test]
fn streams_without_a_client_end_soon_where_an_alias_tells_them_from_others() {
    let public = |registry: Value| {
        let manager = manager(&envoy(&registry.to_string()));
        let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array().unwrap().clone();
        assert_eq!(manager["common_http_protocol_options"]["max_stream_duration"], "86400s");
        assert_eq!(routes.last().unwrap(), &json!({"match": {"prefix": "/"}, "route": {"cluster": "default"}}));
        routes.iter().find(|route| route["name"] == "public").cloned()
    };
    let matched = public(json!({"version": 1, "headers": {"alias": "x-consumer"}, "clients": []})).unwrap();
    assert_eq!(matched["match"]["headers"], json!([{"name": "x-consumer", "present_match": false}]));
    assert_eq!(matched["route"]["max_stream_duration"], json!({"max_stream_duration": "60s"}));
    assert_eq!(public(json!({"version": 1, "headers": {"alias": null}, "clients": []})), None);
    assert_eq!(public(json!({"version": 1, "mode": "shadow", "clients": []})), None);
}

/// Anything may stand in a registry, also what stands in the files that it is put into.
#[test]
fn a_registry_is_not_mistaken_for_what_is_around_it() {
    let text = "target/certgate.wasm target/demo/server.key %REQ(X-CLIENT-ALIAS)% {name: x-client-tier}\nvalue: {{name}}\nmutations: x";
    let registry = json!({
        "version": 1,
        "tiers": {"value": {"limits": [{"name": "envoy.filters.http.rbac", "requests": 5, "per": "1s"}]}},
        "headers": {"alias": "x-consumer"},
        "clients": [{"alias": "a", "tier": "value", "description": text, "credentials": [{"sha256": DIGEST}]}],
        "rules": [{"name": "envoy.filters.http.rbac"}],
        "identity": {"chain": "listener"},
    });
    let module = ["--module", "/etc/certgate.wasm"];
    let with_module = |to: &[&str]| render(&[to, &module].concat(), &registry.to_string());
    let run = with_module(&[&["envoy"], &FILES[..]].concat());
    let plugin = |plugin: &Value| plugin["typed_config"]["config"]["configuration"]["value"].clone();
    assert_eq!(plugin(&filter(&manager(&run), "certgate").unwrap()), registry);
    let policies = rbac(&run).unwrap()["rules"]["policies"].as_object().unwrap().clone();
    assert_eq!(policies.keys().collect::<Vec<_>>(), ["identified"]);
    assert_eq!(plugin(&documents(&with_module(&["ecds"]))[0]["resources"][0]), registry);
    let manifests = documents(&istio(&registry.to_string()));
    assert_eq!(of_kind(&manifests, "WasmPlugin").unwrap()["spec"]["pluginConfig"], registry);
    let manifests = documents(&envoy_gateway(&registry.to_string()));
    assert_eq!(of_kind(&manifests, "EnvoyExtensionPolicy").unwrap()["spec"]["wasm"][0]["config"], registry);
}

#[test]
fn names_that_yaml_takes_for_something_else_are_names() {
    let registry = registry_with(&json!([{"match": {"path": "/a/**"}, "access": "public"}]));
    for name in ["12", "1e3", "on", "null", "0x1f", "2026-01-01", "1.5"] {
        let more = ["--image", "registry.example/certgate:1", "--sha256", DIGEST, "--name", name, "--namespace", name];
        for to in [&["istio"][..], &["istio", "--by", "envoy-filter"], &["envoy-gateway", "--gateway", name]] {
            for document in documents(&render(&[to, &more].concat(), &registry)) {
                let made = document["metadata"]["name"].as_str().unwrap();
                assert!(["", "-guard", "-stats"].iter().any(|end| made == format!("{name}{end}")), "{made}");
                assert_eq!(document["metadata"]["namespace"], name);
            }
        }
    }
}

/// A registry with every kind of value that some reader of YAML takes for another.
fn awkward() -> Value {
    json!({
        "version": 1,
        "tiers": {"yes1": {"limits": [{"name": "a", "requests": 3_000_000_000_u64, "per": "30d", "initial": null}]}, "010": {}, "1e3": {}, "0x10": {}},
        "clients": [
            {"alias": "12", "tier": "010", "description": "on", "credentials": [{"sha256": "11:22:33:44:55:06:07:08:09:10:11:12:13:14:15:16:17:18:19:20:21:22:23:24:25:26:27:28:29:30:31:32"}]},
            {"alias": "0x1f", "tier": "1e3", "description": "a: b # c\n  d\n\n\ttab \u{e4} \u{2028} 'x' \"y\" \\", "enabled": false, "credentials": []},
            {"alias": "true", "tier": "yes1", "description": "~", "credentials": [{"uri_san": "spiffe://example.org/*/x"}]},
            {"alias": "1.5", "tier": "0x10", "description": " - x ", "credentials": []},
            {"alias": "null1", "tier": "0x10", "description": "ends \n \n\twith\n\n\n", "credentials": []},
            {"alias": "2026-01-01", "tier": "0x10", "description": format!("{} {}", "word ".repeat(60), "x".repeat(200)), "credentials": []},
        ],
        "identity": {"chain": "verified"},
    })
}

#[test]
fn a_registry_is_the_same_wherever_it_is_written() {
    let mut registry = awkward();
    let clients = registry["clients"].as_array_mut().unwrap();
    for (number, client) in clients.iter_mut().enumerate() {
        if client["credentials"] == json!([]) {
            client["credentials"] = json!([{"sha256": format!("{number:064}")}]);
        }
    }
    registry["tiers"]["yes1"]["limits"][0].as_object_mut().unwrap().remove("initial");
    let text = registry.to_string();
    let accepted = config::read(text.as_bytes());
    assert!(accepted.is_ok(), "{:?}", accepted.err());
    let watched = ecds(&text);
    let plugin = |document: &Value| document["typed_config"]["config"]["configuration"]["value"].clone();
    assert_eq!(plugin(&documents(&watched)[0]["resources"][0]), registry);
    assert_eq!(plugin(&filter(&manager(&envoy(&text)), "certgate").unwrap()), registry);
    let manifests = documents(&istio(&text));
    assert_eq!(of_kind(&manifests, "WasmPlugin").unwrap()["spec"]["pluginConfig"], registry);
    let manifests = documents(&envoy_gateway(&text));
    assert_eq!(of_kind(&manifests, "EnvoyExtensionPolicy").unwrap()["spec"]["wasm"][0]["config"], registry);
    // And as Envoy's own reader of YAML has it: `certgate check` reads as that does.
    let mut lines = watched.out.lines().skip_while(|line| line.trim() != "value:");
    let depth = lines.next().unwrap().len() - "value:".len() + 2;
    let inner: Vec<&str> = lines.map(|line| line.get(depth..).unwrap_or_default()).collect();
    let again = ecds(&inner.join("\n"));
    let mut expected = registry.clone();
    // Envoy's YAML has no number of more than 32 bits.
    expected["tiers"]["yes1"]["limits"][0]["requests"] = json!("3000000000");
    assert_eq!(plugin(&documents(&again)[0]["resources"][0]), expected);
}

#[test]
fn whoever_loads_it_validates_certificates() {
    let chain = |registry: &Value| {
        let manifests = documents(&istio(&registry.to_string()));
        of_kind(&manifests, "WasmPlugin").unwrap()["spec"]["pluginConfig"]["identity"].clone()
    };
    let mut registry = json!({"version": 1, "clients": []});
    assert_eq!(chain(&registry), json!({"chain": "listener"}));
    registry["identity"] = json!({"source": "connection"});
    assert_eq!(chain(&registry), json!({"source": "connection", "chain": "listener"}));
    registry["identity"] = json!({"chain": "verified"});
    assert_eq!(chain(&registry), json!({"chain": "verified"}));
}

#[test]
fn whole_numbers_are_whole_however_json_writes_them() {
    let registry =
        r#"{"version": 1.0, "clients": [], "tiers": {"t": {"limits": [{"name": "a", "requests": 1e3, "per": "1s"}]}}}"#;
    let value = &documents(&ecds(registry))[0]["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    assert_eq!((&value["version"], &value["tiers"]["t"]["limits"][0]["requests"]), (&json!(1), &json!(1000)));
}
