//! The shipped files that `certgate render` makes: bootstraps, and manifests, which are valid by the schemas that Istio and
//! Envoy Gateway publish.

mod schemas;

use super::rendered::{DIGEST, IMAGE, IN_ENVOY, documents, render};
use crate::support::command_line::Run;
use crate::support::envoys::repository;
use crate::support::parts::Part;
use crate::support::renew;
use schemas::Schemas;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The manifests that are in `envoy/`, and what makes them.
const MANIFESTS: [(&str, &[&str]); 4] = [
    ("istio/gateway.yaml", &["istio", "--namespace", "istio-ingress"]),
    ("istio/sidecar.yaml", &["istio", "--placement", "sidecar", "--selector", "app=orders", "--namespace", "shop"]),
    ("istio/envoy-filter.yaml", &["istio", "--by", "envoy-filter", "--namespace", "istio-ingress"]),
    ("envoy-gateway/certgate.yaml", &["envoy-gateway", "--gateway", "edge", "--namespace", "edge"]),
];

/// What `certgate render` makes besides.
const UNSHIPPED: [&[&str]; 5] = [
    &[
        "istio",
        "--by",
        "envoy-filter",
        "--placement",
        "sidecar",
        "--selector",
        "app=orders,tier=web",
        "--namespace",
        "shop",
    ],
    &[
        "istio",
        "--target-ref",
        "gateway.networking.k8s.io/Gateway/edge",
        "--namespace",
        "edge",
        "--pull-secret",
        "pull",
    ],
    &["istio", "--trusted-ca", AUTHORITY, "--credential", "tls", "--namespace", "istio-ingress"],
    &["envoy-gateway", "--gateway", "edge", "--name", "another", "--client-ca", "authorities", "--namespace", "edge"],
    &["envoy-gateway", "--gateway", "edge", "--namespace", "edge", "--trusted-ca", AUTHORITY, "--pull-secret", "pull"],
];

/// The certificate of an authority, in the folder of these tests.
const AUTHORITY: &str = "../fixtures/crl/ca.pem";

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

/// The files for plain Envoy that are in `envoy/`: what makes them of `registry-local.yaml`, and how each begins.
fn bootstraps() -> [(&'static str, Vec<&'static str>, &'static str); 3] {
    let [_, _, _, files @ ..] = IN_ENVOY;
    [
        (
            "envoy.yaml",
            IN_ENVOY.into(),
            "\
# An Envoy for local use, set up as one for the edge of a network should be, with certgate in it and its registry in
# this same file. Put your clients in it, and start it at the top of the repository (paths are relative to where Envoy is
# started), with the certificates that `make demo` leaves in target/demo, and upstreams of yours at the ports 9001 and 9002:
#
#     envoy -c envoy/envoy.yaml --concurrency 2
#
# A registry in a file of its own, which takes effect while Envoy runs, is in envoy-ecds.yaml; but for that the two
# files are the same.
",
        ),
        (
            "envoy-ecds.yaml",
            [&["envoy", "--watch", "envoy/registry-ecds.yaml"], &files[..]].concat(),
            "\
# envoy.yaml with the registry in a file of its own, registry-ecds.yaml: replaced by a rename, it takes effect within two
# seconds, on connections that are already open too. A registry that certgate refuses changes nothing.
#
#     envoy -c envoy/envoy-ecds.yaml --concurrency 2
",
        ),
        (
            "registry-ecds.yaml",
            vec!["ecds", "--module", "target/certgate.wasm"],
            "# certgate's registry, for envoy-ecds.yaml. `certgate check` reads what is under `value` as a file of its own.\n",
        ),
    ]
}

#[test]
fn those_that_are_shipped_are_what_render_makes() {
    let [registry, local] = ["registry.yaml", "registry-local.yaml"]
        .map(|name| fs::read_to_string(repository().join("envoy").join(name)).unwrap());
    let compare = |file: &str, text: &str| {
        renew::compare(&repository().join("envoy").join(file), text, "make renew GOLDEN=manifests");
    };
    for (file, arguments) in MANIFESTS {
        let text = format!(
            "# Made from ../registry.yaml by:\n#     certgate render {} --image {IMAGE} --sha256 DIGEST envoy/registry.yaml\n# Put your image and its digest in.\n#\n{}",
            arguments.join(" "),
            render(&options(arguments), &registry),
        );
        compare(file, &text);
    }
    for (file, arguments, intro) in bootstraps() {
        let command = arguments.join(" ").replace(" --certificate", " \\\n#         --certificate");
        let made = render(&arguments, &local);
        let text = format!(
            "{intro}#\n# Made from registry-local.yaml by:\n#     certgate render {command} envoy/registry-local.yaml\n#\n{made}"
        );
        compare(file, &text);
    }
    let command = ["render", "sds", "--trusted-ca", "target/demo/ca.pem"];
    let intro = "\
# The authorities that sign clients' certificates, for envoy.yaml and envoy-ecds.yaml.
#
# Made by:
#     certgate ";
    compare("trusted-ca-sds.yaml", &format!("{intro}{}\n#\n{}", command.join(" "), Run::successful(&command, "")));
}

#[test]
fn what_render_makes_is_complete() {
    made().iter().for_each(assert_complete);
}

#[test]
fn what_render_makes_is_valid_by_the_published_schemas() {
    if !Part::Crds.runs() {
        return;
    }
    let schemas = schemas();
    for object in made().into_iter().filter(|object| !is_core(object)) {
        assert_valid(&schemas, &object);
    }
}

/// Every object of Kubernetes in `envoy/`, whoever has written it.
#[test]
fn what_is_shipped_is_valid_by_the_published_schemas() {
    if !Part::Crds.runs() {
        return;
    }
    let schemas = schemas();
    let texts = yaml_files(&repository().join("envoy")).into_iter().map(|file| fs::read_to_string(file).unwrap());
    let objects: Vec<Value> =
        texts.filter(|text| text.contains("\nkind: ")).flat_map(|text| documents(&text)).collect();
    assert!(objects.len() >= 17, "{} objects of Kubernetes are in envoy/", objects.len());
    for object in &objects {
        assert_valid(&schemas, object);
    }
}

/// What the schemas are worth: mistakes of each sort are refused, in each kind.
#[test]
fn mistakes_are_refused() {
    if !Part::Crds.runs() {
        return;
    }
    let schemas = schemas();
    let objects: BTreeMap<String, Value> = made()
        .into_iter()
        .filter(|object| !is_core(object))
        .map(|object| (object["kind"].as_str().unwrap().to_owned(), object))
        .collect();
    assert_eq!(objects.len(), MISTAKES.len());
    for (kind, wrong) in MISTAKES {
        let good = &objects[kind];
        assert_valid(&schemas, good);
        let unknown = [("/spec/phaze", "\"AUTHZ\""), ("/sbec", "{}"), ("/apiVersion", "\"certgate.example/v1\"")];
        for (pointer, value) in unknown.iter().chain(wrong) {
            let mut bad = good.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            let parent = bad.pointer_mut(parent).unwrap_or_else(|| panic!("{kind} has no {parent}: {good:#}"));
            parent.as_object_mut().unwrap().insert(key.to_owned(), value.parse().unwrap());
            assert!(!schemas.errors(&bad).is_empty(), "{kind} with {value} at {pointer} is valid");
        }
    }
}

/// Values that no object of the kind may have.
const MISTAKES: [(&str, &[(&str, &str)]); 8] = [
    (
        "WasmPlugin",
        &[
            ("/spec/phase", "\"AUTHORIZATION\""),
            ("/spec/sha256", "\"12\""),
            ("/spec/match", "[{\"modus\": \"SERVER\"}]"),
            ("/spec/selector", "{\"matchLabels\": {\"app\": 1}}"),
        ],
    ),
    ("EnvoyFilter", &[("/spec/configPatches/0/applyTo", "\"HTTP_FILTRE\""), ("/spec/configPatches/0/path", "{}")]),
    ("AuthorizationPolicy", &[("/spec/action", "\"REFUSE\""), ("/spec/rules/0/when/0/keys", "\"source.ip\"")]),
    ("PeerAuthentication", &[("/spec/mtls/mode", "\"REQUIRED\""), ("/spec/mtls/modus", "\"STRICT\"")]),
    ("EnvoyProxy", &[("/spec/bootstrap/type", "\"Mix\""), ("/spec/bootstrap/values", "\"\"")]),
    ("EnvoyExtensionPolicy", &[("/spec/wasm/0/code/type", "\"File\""), ("/spec/wasm/0/failOpen", "\"no\"")]),
    ("ClientTrafficPolicy", &[("/spec/tls/clientValidation/mode", "\"Maybe\""), ("/spec/headers/remove", "[]")]),
    (
        "SecurityPolicy",
        &[("/spec/authorization/defaultAction", "\"Refuse\""), ("/spec/authorization/rules/0/sel", "\"\"")],
    ),
];

fn schemas() -> Schemas {
    Schemas::of(&STRUCTURE.map(|(kind, _)| kind))
}

/// All objects that `certgate render` makes of all registries.
fn made() -> Vec<Value> {
    let registry = fs::read_to_string(repository().join("envoy/registry.yaml")).unwrap();
    let registries: Vec<String> = registries().iter().map(ToString::to_string).chain([registry]).collect();
    let arguments: Vec<_> = MANIFESTS.map(|(_, arguments)| arguments).into_iter().chain(UNSHIPPED).collect();
    let texts =
        registries.iter().flat_map(|registry| arguments.iter().map(|arguments| render(&options(arguments), registry)));
    texts.flat_map(|text| documents(&text)).collect()
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.flat_map(|path| if path.is_dir() { yaml_files(&path) } else { vec![path] });
    files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")).collect()
}

fn assert_valid(schemas: &Schemas, object: &Value) {
    let errors = schemas.errors(object);
    assert!(errors.is_empty(), "{} {}: {errors:#?}", object["kind"], object["metadata"]["name"]);
}

/// What none of a kind can be without.
const STRUCTURE: [(&str, &[&str]); 10] = [
    ("WasmPlugin", &["/spec/url", "/spec/sha256", "/spec/phase", "/spec/failStrategy", "/spec/pluginConfig/version"]),
    ("EnvoyFilter", &["/spec/configPatches/0/applyTo", "/spec/configPatches/0/patch/value"]),
    ("AuthorizationPolicy", &["/spec/action", "/spec/rules/0/when/0/key"]),
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
    ("EnvoyProxy", &["/spec/bootstrap/type", "/spec/bootstrap/value"]),
    // Kinds of Kubernetes' own, for which there is no definition.
    ("Secret", &["/type", "/stringData/ca.crt"]),
    ("ConfigMap", &["/data/ca.crt"]),
];

/// Whether the kind is of Kubernetes itself.
fn is_core(object: &Value) -> bool {
    object["apiVersion"] == "v1"
}

/// The kinds that apply to a whole namespace where they select nothing.
const SELECTING: [&str; 4] = ["WasmPlugin", "EnvoyFilter", "AuthorizationPolicy", "PeerAuthentication"];

fn assert_complete(document: &Value) {
    for pointer in ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"] {
        let text = document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        assert!(!text.is_empty(), "no {pointer} in {document:#}");
    }
    assert!(document["spec"].is_object() || is_core(document), "{document:#}");
    if SELECTING.contains(&document["kind"].as_str().unwrap()) {
        let selectors = ["/spec/selector/matchLabels", "/spec/workloadSelector/labels", "/spec/targetRefs/0/name"];
        let count = selectors.iter().filter(|pointer| document.pointer(pointer).is_some()).count();
        assert_eq!(count, 1, "{document:#}");
    }
    let kind = document["kind"].as_str().unwrap();
    let (_, required) = STRUCTURE.iter().find(|(known, _)| *known == kind).unwrap_or_else(|| panic!("{kind} is new"));
    for pointer in *required {
        assert!(document.pointer(pointer).is_some(), "no {pointer} in {document:#}");
    }
}
