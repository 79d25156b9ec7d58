//! The manifests in `envoy/istio/` and `envoy/envoy-gateway/`: that `certgate render` makes them, and that Kubernetes takes
//! them, and whatever else it makes, by the schemas that Istio and Envoy Gateway publish.
//!
//! The schemas (CustomResourceDefinitions) are in `../shared/crds` beside the repository, or where `CERTGATE_CRDS` says. A
//! kind without one is looked at by its structure alone.

use super::rendered::{DIGEST, IMAGE, documents, render};
use crate::support::envoys::repository;
use serde_json::{Map, Value, json};
use std::env;
use std::fs;
use std::path::PathBuf;

/// The manifests that are in `envoy/`, and what makes them.
const MANIFESTS: [(&str, &[&str]); 4] = [
    ("istio/gateway.yaml", &["--to", "istio", "--namespace", "istio-ingress"]),
    (
        "istio/sidecar.yaml",
        &["--to", "istio", "--placement", "sidecar", "--selector", "app=orders", "--namespace", "shop"],
    ),
    ("istio/envoy-filter.yaml", &["--to", "istio", "--by", "envoy-filter", "--namespace", "istio-ingress"]),
    ("envoy-gateway/certgate.yaml", &["--to", "envoy-gateway", "--gateway", "edge", "--namespace", "edge"]),
];

/// Registries whose manifests have everything in them that there can be.
fn registries() -> Vec<Value> {
    let rules = json!([
        {"name": "admin", "match": {"path": "/static/admin/**"}, "access": "deny"},
        {"name": "static", "match": {"path": "/static/**", "methods": ["GET", "HEAD"]}, "access": "public"},
        {"match": {"hosts": ["docs.example.com", "*.example.org"], "path": "/{lang}/help"}, "access": "optional"},
        {"match": {"methods": ["OPTIONS"]}, "access": "public"},
    ]);
    vec![
        json!({"version": 1, "clients": []}),
        json!({"version": 1, "clients": [], "rules": rules}),
        json!({"version": 1, "clients": [], "rules": rules, "mode": "shadow"}),
        json!({"version": 1, "clients": [], "rules": rules, "headers": {"alias": null}}),
        json!({"version": 1, "clients": [], "rules": [{"access": "public"}]}),
    ]
}

fn options(of: &[&'static str]) -> Vec<&'static str> {
    [of, &["--image", IMAGE, "--sha256", DIGEST]].concat()
}

/// `RENEW_MANIFESTS=1 cargo test --test deploy manifests` writes them anew.
#[test]
fn those_that_are_shipped_are_what_render_makes() {
    let registry = fs::read_to_string(repository().join("envoy/registry.yaml")).unwrap();
    for (file, arguments) in MANIFESTS {
        let path = repository().join("envoy").join(file);
        let text = format!(
            "# Made from ../registry.yaml by:\n#     certgate render {} --image {IMAGE} --sha256 DIGEST envoy/registry.yaml\n# Put your image and its digest in.\n#\n{}",
            arguments.join(" "),
            render(&options(arguments), &registry),
        );
        if env::var_os("RENEW_MANIFESTS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let shipped = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(shipped, text, "envoy/{file} is not what render makes: RENEW_MANIFESTS=1 writes it anew");
    }
}

#[test]
fn kubernetes_takes_them() {
    let registry = fs::read_to_string(repository().join("envoy/registry.yaml")).unwrap();
    let registries: Vec<String> = registries().iter().map(ToString::to_string).chain([registry]).collect();
    for (_, arguments) in MANIFESTS {
        for registry in &registries {
            for document in documents(&render(&options(arguments), registry)) {
                assert_taken(&document);
            }
        }
    }
}

/// What the schemas are worth: mistakes of each sort are refused.
#[test]
fn mistakes_are_refused() {
    let Some(schema) = schema("WasmPlugin") else {
        return eprintln!("there is no schema here: CERTGATE_CRDS names a folder that has them");
    };
    let validator = jsonschema::validator_for(&schema).unwrap();
    let good = json!({
        "apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin", "metadata": {"name": "x"},
        "spec": {"url": "oci://x", "phase": "AUTHZ", "pluginConfig": {"anything": [1]}, "match": [{"mode": "SERVER"}]},
    });
    assert!(validator.is_valid(&good));
    for (pointer, value) in [
        ("/spec/phase", json!("AUTHORIZATION")),
        ("/spec/phaze", json!("AUTHZ")),
        ("/spec/sha256", json!("12")),
        ("/spec/match/0/modus", json!("SERVER")),
        ("/spec/selector", json!({"matchLabels": {"app": 1}})),
        ("/sbec", json!({})),
    ] {
        let mut bad = good.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
}

/// What none of a kind can be without.
const STRUCTURE: [(&str, &[&str]); 7] = [
    ("WasmPlugin", &["/spec/url", "/spec/sha256", "/spec/phase", "/spec/failStrategy", "/spec/pluginConfig/version"]),
    (
        "EnvoyFilter",
        &["/spec/workloadSelector/labels", "/spec/configPatches/0/applyTo", "/spec/configPatches/0/patch/value"],
    ),
    ("AuthorizationPolicy", &["/spec/selector/matchLabels", "/spec/action", "/spec/rules/0/when/0/key"]),
    ("PeerAuthentication", &["/spec/selector/matchLabels", "/spec/mtls/mode"]),
    (
        "EnvoyExtensionPolicy",
        &["/spec/targetRefs/0/name", "/spec/wasm/0/code/image/url", "/spec/wasm/0/config/version"],
    ),
    (
        "ClientTrafficPolicy",
        &["/spec/targetRefs/0/name", "/spec/tls/clientValidation/mode", "/spec/headers/earlyRequestHeaders/remove/0"],
    ),
    (
        "SecurityPolicy",
        &["/spec/targetRefs/0/name", "/spec/authorization/defaultAction", "/spec/authorization/rules/0/cel"],
    ),
];

fn assert_taken(document: &Value) {
    for pointer in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"] {
        let text = document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert!(!text.is_empty(), "no {pointer} in {document:#}");
    }
    assert!(document["spec"].is_object(), "{document:#}");
    let kind = document["kind"].as_str().unwrap();
    let (_, required) = STRUCTURE.iter().find(|(known, _)| *known == kind).unwrap_or_else(|| panic!("{kind} is new"));
    for pointer in *required {
        assert!(document.pointer(pointer).is_some(), "no {pointer} in {document:#}");
    }
    let Some(schema) = schema(kind) else { return };
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{kind} {}: {errors:#?}", document["metadata"]["name"]);
}

/// The schema of this kind, in which a field that it does not list is a mistake.
fn schema(kind: &str) -> Option<Value> {
    definition(kind).map(|definition| schema_of(&definition))
}

fn definition(kind: &str) -> Option<Value> {
    let folder = env::var_os("CERTGATE_CRDS").map_or_else(|| repository().join("../shared/crds"), PathBuf::from);
    let files = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.find_map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let definition: Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (definition["spec"]["names"]["kind"] == kind).then_some(definition)
    })
}

fn schema_of(definition: &Value) -> Value {
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let stored = versions.iter().find(|version| version["storage"] == true).unwrap();
    let mut schema = stored["schema"]["openAPIV3Schema"].clone();
    // Every object of Kubernetes has these, whether its schema says so or not.
    for (key, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
        schema["properties"][key] = json!({"type": kind});
    }
    strict(schema)
}

/// The schema without what is Kubernetes' own, and with all fields that it does not list refused.
fn strict(schema: Value) -> Value {
    let Value::Object(fields) = schema else { return schema };
    let keeps_unknown = fields.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    let lists = fields.contains_key("properties") && fields.contains_key("type");
    let is_int_or_string = fields.contains_key("x-kubernetes-int-or-string");
    let mut kept = Map::new();
    for (key, value) in fields {
        if key.starts_with("x-kubernetes") || key == "description" || (key == "type" && is_int_or_string) {
            continue;
        }
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.into_iter().map(|(name, schema)| (name, strict(schema))).collect::<Map<_, _>>().into()
            }
            ("items" | "additionalProperties", schema) => strict(schema),
            (_, other) => other,
        };
        kept.insert(key, value);
    }
    if lists && !keeps_unknown && !kept.contains_key("additionalProperties") {
        kept.insert("additionalProperties".to_owned(), json!(false));
    }
    kept.into()
}
