//! Values that a configuration has already: changed, kept, or extended, and what is said of them.

use super::Folder;
use certgate_test_support::command_line::Run;
use serde_json::{Value, json};
use std::fs;

/// The HTTP connection manager of a patched file, and what was said.
fn manager(changes: &[(&str, &str)], parts: &Value, more: &[&str]) -> (Value, String) {
    let (text, said) = Folder::changed(changes, parts).patched(more);
    let document: Value = serde_saphyr::from_str(&text).unwrap();
    (document["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"].clone(), said)
}

/// The manager and the notes after a patch, with this text in the manager.
fn with(text: &str, parts: &Value) -> (Value, String) {
    let line = format!("stat_prefix: https\n                {text}\n");
    manager(&[("stat_prefix: https\n", &line)], parts, &[])
}

/// The names of the filters.
fn filters(manager: &Value) -> Vec<&str> {
    manager["http_filters"].as_array().unwrap().iter().map(|filter| filter["name"].as_str().unwrap()).collect()
}

fn relays() -> Value {
    json!({"identity": {"source": "xfcc", "trusted_relays": [{"sha256": "11".repeat(32)}]}})
}

#[test]
fn the_word_of_others_about_certificates() {
    for (found, parts, expected, said) in [
        ("APPEND_FORWARD", json!({}), "SANITIZE_SET", true),
        ("ALWAYS_FORWARD_ONLY", json!({}), "SANITIZE", true),
        ("FORWARD_ONLY", json!({}), "SANITIZE", true),
        ("3", json!({}), "SANITIZE", true),
        ("SANITIZE_SET", json!({}), "SANITIZE_SET", false),
        ("SANITIZE", json!({}), "SANITIZE", false),
        ("SANITIZE", relays(), "FORWARD_ONLY", true),
        ("ALWAYS_FORWARD_ONLY", relays(), "ALWAYS_FORWARD_ONLY", false),
    ] {
        let (manager, notes) = with(&format!("forward_client_cert_details: {found}"), &parts);
        assert_eq!(manager["forward_client_cert_details"], expected, "{found}");
        assert_eq!(notes.contains(&format!("` becomes `{expected}`")), said, "{found}: {notes}");
        assert_eq!(notes.contains("forward_client_cert_details"), said, "{found}: {notes}");
    }
    assert_eq!(with("codec_type: AUTO", &relays()).0["forward_client_cert_details"], "FORWARD_ONLY");
    assert_eq!(with("codec_type: AUTO", &json!({})).0["forward_client_cert_details"], Value::Null);
}

#[test]
fn spellings_and_addresses() {
    for (field, found, expected, said) in [
        ("normalize_path", "false", json!(true), "`false` becomes `true`"),
        ("path_with_escaped_slashes_action", "UNESCAPE_AND_FORWARD", json!("UNESCAPE_AND_FORWARD"), ""),
        ("path_with_escaped_slashes_action", "KEEP_UNCHANGED", json!("REJECT_REQUEST"), "`KEEP_UNCHANGED` becomes"),
        ("merge_slashes", "~", json!(true), ""),
        ("use_remote_address", "false", json!(false), "note[CG0613]"),
        ("useRemoteAddress", "true", json!(true), ""),
    ] {
        let (manager, notes) = with(&format!("{field}: {found}"), &json!({}));
        assert_eq!(manager[field], expected, "{field}: {found}");
        assert!(notes.contains(said), "{field}: {notes}");
    }
    let (manager, _) = with("useRemoteAddress: true", &json!({}));
    assert_eq!(manager["use_remote_address"], Value::Null, "a field in camel case is the same field");
}

#[test]
fn hosts_with_ports_and_routes_elsewhere() {
    let (found, notes) = manager(&[("[\"*\"]", "[\"a:8443\"]")], &json!({}), &[]);
    assert_eq!(found["route_config"]["ignore_port_in_host_matching"], Value::Null);
    assert!(notes.contains("21:33: note[CG0613]"), "{notes}");
    let route = "route_config:\n                  virtual_hosts:\n                    - name: all\n                      domains: [\"*\"]\n                      routes:\n                        - match: {prefix: /}\n                          route: {cluster: default}\n";
    let (found, notes) =
        manager(&[(route, "rds: {route_config_name: r, config_source: {ads: {}}}\n")], &json!({}), &[]);
    assert_eq!(found["route_config"], Value::Null);
    assert!(notes.contains("18:22: note[CG0614]"), "{notes}");
}

#[test]
fn the_place_among_other_filters() {
    let router = "                  # the last one\n";
    let of = |names: &[(&str, &str)]| -> String {
        let filter = |(name, kind): &(&str, &str)| {
            format!(
                "                  - {{name: {name}, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.{kind}}}}}\n"
            )
        };
        names.iter().map(filter).collect::<String>() + router
    };
    let all = of(&[
        ("cors", "cors.v3.Cors"),
        ("go", "golang.v3alpha.Config"),
        ("jwt", "jwt_authn.v3.JwtAuthentication"),
        ("health", "health_check.v3.HealthCheck"),
    ]);
    let tokens = json!({"rules": [{"match": {"path": "/**"}, "access": "require", "bound_token": true}]});
    let (found, notes) = manager(&[(router, &all)], &json!({}), &[]);
    assert_eq!(filters(&found), ["cors", "certgate", "envoy.filters.http.rbac", "go", "jwt", "health", "router"]);
    assert!(
        notes.contains(
            "note[CG0614]: static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[3]"
        ),
        "{notes}"
    );
    let (found, notes) = manager(&[(router, &all)], &tokens, &[]);
    assert_eq!(filters(&found), ["cors", "go", "jwt", "certgate", "envoy.filters.http.rbac", "health", "router"]);
    assert!(notes.contains("http_filters[1]: this filter stays before certgate"), "{notes}");
    let taken = of(&[("state", "set_filter_state.v3.Config"), ("envoy.filters.http.rbac", "rbac.v3.RBAC")]);
    let (found, _) = manager(&[(router, &taken)], &json!({}), &[]);
    assert_eq!(filters(&found), ["state", "certgate", "certgate-guard", "envoy.filters.http.rbac", "router"]);
}

/// After a change of the registry, a second patch changes what no longer fits.
#[test]
fn a_patched_file_follows_the_registry() {
    let (text, _) = Folder::changed(&[], &json!({})).patched(&["--watch", "/a/registry.yaml"]);
    let parts = json!({
        "headers": {"alias": "x-partner"},
        "rules": [{"match": {"path": "/public/**"}, "access": "public"}],
    });
    let folder = Folder::new("envoy.yaml", &text, &parts);
    let (again, notes) = folder.patched(&[]);
    assert!(notes.contains("the guard is made anew"), "{notes}");
    assert!(!notes.contains("certgate watch"), "{notes}");
    assert!(again.contains("- remove: x-partner\n") && again.contains("prefix: /public/\n"), "{again}");
    assert!(again.contains("path: /a/registry.yaml\n"), "{again}");
    let (moved, notes) = folder.patched(&["--watch", "/b/registry.yaml"]);
    assert_eq!(moved, again.replace("/a/registry.yaml", "/b/registry.yaml").replace("path: /a}", "path: /b}"));
    assert!(notes.contains("the watched file becomes /b/registry.yaml"), "{notes}");
}

#[test]
fn a_registry_inline_and_a_file_of_listeners() {
    let inline = "                  - {name: certgate, typed_config: {\"@type\": x.v3.Wasm, config: {root_id: certgate}}}\n                  # the last one\n";
    let (found, notes) = manager(&[("                  # the last one\n", inline)], &json!({}), &[]);
    assert_eq!(filters(&found), ["certgate", "envoy.filters.http.rbac", "router"]);
    assert!(notes.contains("26:21: note[CG0613]"), "{notes}");
    let listener = super::ENVOY.split_once("    - name: https\n").unwrap().1.split_once("    - name: other").unwrap().0;
    let text = format!(
        "resources:\n    - \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n      name: https\n{listener}"
    );
    let (patched, notes) = Folder::new("envoy.yaml", &text, &json!({})).patched(&[]);
    assert!(notes.contains("envoy.yaml:1:1: note[CG0614]"), "{notes}");
    assert!(!patched.contains("stats_tags") && patched.contains("name: certgate\n"), "{patched}");
}

#[test]
fn sessions_are_resumed_unless_names_need_a_verified_chain() {
    let names = |chain: &str| {
        json!({
            "identity": {"chain": chain},
            "clients": [{"alias": "a", "tier": "gold", "credentials": [{"uri_san": "spiffe://a/b"}]}],
        })
    };
    for (parts, disabled) in [(json!({}), false), (names("verified"), true), (names("listener"), false)] {
        let (text, _) = Folder::changed(&[], &parts).patched(&[]);
        assert_eq!(text.contains("disable_stateful_session_resumption: true\n"), disabled, "{parts}");
        assert!(text.contains("require_client_certificate: false\n"), "{text}");
    }
}

/// `render` and `patch` agree on what protects a listener.
#[test]
fn a_rendered_bootstrap_needs_no_change() {
    let named = json!([{"alias": "a", "tier": "gold", "credentials": [{"uri_san": "spiffe://a/b"}]}]);
    for parts in [
        json!({}),
        relays(),
        json!({"mode": "shadow"}),
        json!({"misdirected": 421, "identity": {"chain": "verified"}, "clients": named}),
        json!({"headers": {"alias": null}}),
        json!({"rules": [{"match": {"path": "/public/**", "hosts": ["a.example"]}, "access": "public"}]}),
    ] {
        let folder = Folder::changed(&[], &parts);
        let paths = ["--certificate", "c.pem", "--key", "k.pem", "--trusted-ca-sds", "s.yaml", "registry.json"];
        for filter in [["--watch", "/a/w.yaml"], ["--module", "m.wasm"]] {
            let arguments = [&["render", "envoy"], &filter[..], &paths[..]].concat();
            let rendered = Run::of(env!("CARGO_BIN_EXE_certgate"), folder.folder.path(), &arguments, "").out;
            fs::write(folder.at("envoy.yaml"), &rendered).unwrap();
            let run = folder.patch(&[]);
            assert_eq!((run.code, &*run.out), (0, ""), "{parts}: {}", run.err);
            assert!(run.err.contains("nothing has to change"), "{parts}: {}", run.err);
        }
    }
}
