//! Good configurations, in which there is nothing to find: the files in `envoy/`, and what `certgate render` makes.

use super::{ENVOY, Folder, lint};
use crate::repository;
use certgate_test_support::command_line::Run;
use serde_json::{Value, json};
use std::fs;

/// The configurations in `envoy/` that are a whole Envoy's.
const SHIPPED: [&str; 3] = ["envoy/envoy.yaml", "envoy/envoy-ecds.yaml", "envoy/sidecar.yaml"];

#[test]
fn the_configuration_that_other_tests_change() {
    assert_nothing(&Folder::new(&[("envoy.yaml", ENVOY)]).lint(&["envoy.yaml"]), "envoy.yaml");
}

#[test]
fn the_files_in_envoy() {
    for file in SHIPPED {
        assert_nothing(&lint(repository(), &[file]), file);
    }
    let compose = lint(repository(), &["envoy/compose/envoy.yaml", "--registry", "envoy/compose/registry.yaml"]);
    assert_nothing(&compose, "envoy/compose/envoy.yaml");
}

#[test]
fn what_is_rendered() {
    for registry in registries() {
        let registry = registry.to_string();
        let inline = ["--module", "certgate-bandwidth.wasm"];
        let watched = ["--watch", "./ecds.yaml"];
        let ecds = render(&["ecds", "--module", "certgate-bandwidth.wasm"], &registry);
        let sds = render(&["sds", "--trusted-ca", "./ca.pem"], "");
        for filter in [inline, watched] {
            let files = ["--certificate", "a.pem", "--key", "a.key", "--trusted-ca-sds", "./sds.yaml"];
            let envoy = render(&[&["envoy"], &filter[..], &files].concat(), &registry);
            let folder = Folder::new(&[
                ("envoy.yaml", &envoy),
                ("./ecds.yaml", &ecds),
                ("./sds.yaml", &sds),
                ("registry.json", &registry),
            ]);
            assert_nothing(&folder.lint(&["envoy.yaml"]), &registry);
            assert_nothing(&folder.lint(&["envoy.yaml", "--registry", "registry.json"]), &registry);
        }
    }
}

/// Configurations that look like real ones, each with a listener that certgate can protect.
const FIXTURES: [(&str, &str); 6] = [
    ("anchors.yaml", "partners"),
    ("edge.json", "edge"),
    ("gateway.yaml", "https"),
    ("ingress.yaml", "https"),
    ("routes.yaml", "https"),
    ("sidecar.yaml", "inbound"),
];

#[test]
fn what_is_patched() {
    for (file, listener) in FIXTURES {
        let envoy = fs::read_to_string(repository().join("tests/fixtures/envoys").join(file)).unwrap();
        for registry in registries() {
            let registry = registry.to_string();
            let folder = Folder::new(&[(file, &envoy), ("registry.json", &registry)]);
            let options = ["--registry", "registry.json", "--trusted-ca", "ca.pem", "--listener", listener, "-o", file];
            let arguments = [&["patch", file], &options[..]].concat();
            let run = Run::of(env!("CARGO_BIN_EXE_certgate"), folder.0.path(), &arguments, "");
            assert_eq!(run.code, 0, "{file}: {}{registry}", run.err);
            assert_nothing(&folder.lint(&[file, "--registry", "registry.json"]), &format!("{file}: {registry}"));
        }
    }
}

/// Registries whose configurations differ: in the guard, in names, hosts and paths of rules, and in headers.
fn registries() -> Vec<Value> {
    let limits = json!([{"name": "traffic", "kind": "bytes", "bytes": 1000, "per": "1s"}]);
    let clients = json!([{"alias": "a", "tier": "t", "credentials": [{"uri_san": "spiffe://example.org/a"}]}]);
    let rules = json!([
        {"name": "admin", "match": {"path": "/static/admin/**"}, "access": "deny"},
        {"name": "static", "match": {"path": "/static/**", "methods": ["GET", "HEAD"]}, "access": "public"},
        {"match": {"hosts": ["docs.example.com", "*.example.org"], "path": "/{lang}/help"}, "access": "optional"},
        {"match": {"methods": ["OPTIONS"]}, "access": "public"},
    ]);
    let relays = json!({"source": "xfcc", "trusted_relays": [{"uri_san": "spiffe://example.org/edge"}]});
    [
        json!({}),
        json!({"rules": rules}),
        json!({"rules": rules, "mode": "shadow"}),
        json!({"rules": rules, "headers": {"alias": null}}),
        json!({"rules": rules, "headers": {"alias": "x-partner", "groups": "x-partner-groups"}}),
        json!({"rules": [{"access": "public"}]}),
        json!({"rules": rules, "misdirected": 421, "identity": {"chain": "verified"}}),
        json!({"rules": rules, "identity": relays}),
    ]
    .into_iter()
    .map(|more| {
        let mut registry = json!({"version": 1, "tiers": {"t": {"limits": limits}}, "clients": clients});
        registry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        registry
    })
    .collect()
}

/// The argument for a registry on standard input, if there is one.
fn registry_of(registry: &str) -> &'static [&'static str] {
    if registry.is_empty() { &[] } else { &["-"] }
}

fn render(arguments: &[&str], registry: &str) -> String {
    let run = Run::of(
        env!("CARGO_BIN_EXE_certgate"),
        repository(),
        &[&["render"], arguments, registry_of(registry)].concat(),
        registry,
    );
    assert_eq!(run.code, 0, "{}", run.err);
    run.out
}

fn assert_nothing(run: &Run, what: &str) {
    assert!(run.code == 0 && run.out.ends_with(": 0 errors, 0 warnings\n"), "{what}:\n{}{}", run.out, run.err);
    assert_eq!(run.out.lines().count(), 1, "{what}:\n{}", run.out);
}
