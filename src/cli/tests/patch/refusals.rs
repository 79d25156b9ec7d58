//! Configurations that are refused: no output, and every reason with its place and its mend.

use super::{ENVOY, Folder};
use serde_json::{Value, json};

/// The text before the filters of the usual configuration.
const FILTERS: &str = "                http_filters:\n";

const ROUTER: &str = "                  - name: router\n";

fn refused(folder: &Folder) -> String {
    let run = folder.patch(&[]);
    assert_eq!((run.code, &*run.out), (1, ""), "{}", run.err);
    run.err
}

#[track_caller]
fn assert_refused(changes: &[(&str, &str)], parts: &Value, expected: &[&str]) {
    let said = refused(&Folder::changed(changes, parts));
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(" error[")).collect();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        let (place, text) = expected.split_once(' ').unwrap();
        assert!(line.starts_with(&format!("envoy.yaml:{place}")) && line.contains(text), "{expected}\n{line}");
    }
}

#[test]
fn a_listener_that_is_not_there() {
    let folder = Folder { listener: "http", ..Folder::changed(&[], &json!({})) };
    let said = refused(&folder);
    assert_eq!(said, "envoy.yaml: error[CG0601]: expected a listener `http`, found `https`, `other`\n");
    let folder = Folder::new("envoy.yaml", "static_resources: {}\n", &json!({}));
    assert_eq!(
        refused(&folder),
        "envoy.yaml: error[CG0601]: expected a listener `https`, found no listener with a name\n"
    );
    let folder =
        Folder::changed(&[("    - name: https\n      filter_chains:\n", "    - filter_chains:\n")], &json!({}));
    let said = refused(&folder);
    let expected = "expected a listener `https`, found `other`: give the listener at line 5 a `name`\n";
    assert_eq!(said, format!("envoy.yaml: error[CG0601]: {expected}"));
}

#[test]
fn no_http_and_no_tls() {
    let folder = Folder { listener: "other", ..Folder::changed(&[], &json!({})) };
    assert!(refused(&folder).starts_with("envoy.yaml:29:7: error[CG0602]: static_resources.listeners[1]: "));
    let socket =
        ENVOY.split_once("        - transport_socket:\n").unwrap().1.split_once("          filters:").unwrap().0;
    let whole = format!("        - transport_socket:\n{socket}          filters:");
    assert_refused(
        &[(&whole, "        - filters:")],
        &json!({}),
        &["7:11 error[CG0603]: static_resources.listeners[0].filter_chains[0]: "],
    );
    let quic = "tls.v3.DownstreamTlsContext";
    assert_refused(
        &[(quic, "quic.v3.QuicDownstreamTransport")],
        &json!({}),
        &["10:15 this filter chain speaks HTTP/3"],
    );
    assert_refused(&[("router.v3.Router", "lua.v3.Lua")], &json!({}), &["16:17 error[CG0602]: "]);
}

#[test]
fn every_way_past_certgate_at_once() {
    let disabled = "typed_per_filter_config: {certgate: {disabled: true}}";
    let route = (
        "                          route: {cluster: default}\n".to_owned(),
        format!("                          route: {{cluster: default}}\n                          {disabled}\n"),
    );
    let upgrade = format!(
        "                upgrade_configs: [{{upgrade_type: websocket, filters: [{{name: router}}]}}]\n{FILTERS}"
    );
    assert_refused(
        &[(&route.0, &route.1), (FILTERS, &upgrade)],
        &json!({}),
        &["25:63 error[CG0605]: ", "26:70 error[CG0605]: "],
    );
    let there = "                  - {name: certgate, disabled: true, config_discovery: {type_urls: [x.v3.Wasm]}}\n";
    assert_refused(&[(ROUTER, &format!("{there}{ROUTER}"))], &json!({}), &["27:21 error[CG0605]: "]);
}

#[test]
fn certificates_that_nobody_verifies() {
    let tls = "              common_tls_context:\n";
    let with = |context: &str| format!("{tls}                validation_context: {context}\n");
    let accepted = with("{trusted_ca: {filename: ca.pem}, trust_chain_verification: ACCEPT_UNTRUSTED}");
    assert_refused(&[(tls, &accepted)], &json!({}), &["12:96 error[CG0604]: "]);
    assert_refused(&[(tls, &with("{max_verify_depth: 2}"))], &json!({}), &["12:37 error[CG0604]: "]);
    let keys = format!("              session_ticket_keys: {{keys: [{{filename: keys}}]}}\n{tls}");
    let by_name = json!({
        "identity": {"chain": "verified"},
        "clients": [{"alias": "a", "tier": "gold", "credentials": [{"uri_san": "spiffe://a/b"}]}],
    });
    assert_refused(&[(tls, &keys)], &by_name, &["11:36 error[CG0607]: "]);
}

#[test]
fn filters_in_the_way() {
    let other = format!("                  - {{name: certgate, typed_config: {{\"@type\": x.v3.Lua}}}}\n{ROUTER}");
    assert_refused(&[(ROUTER, &other)], &json!({}), &["27:21 error[CG0606]: "]);
    let policies = "{rules: {policies: {identified: {}}}, \"@type\": x.v3.RBAC}";
    let early = format!(
        "                  - {{name: guard, typed_config: {policies}}}\n                  - {{name: certgate, config_discovery: {{type_urls: [x.v3.Wasm]}}}}\n{ROUTER}"
    );
    assert_refused(&[(ROUTER, &early)], &json!({}), &["27:21 error[CG0606]: "]);
    let stale = format!(
        "                  - {{name: certgate, config_discovery: {{type_urls: [x.v3.Wasm]}}}}\n                  - {{name: guard, typed_config: {policies}}}\n{ROUTER}"
    );
    assert_refused(&[(ROUTER, &stale)], &json!({"headers": {"alias": null}}), &["28:21 error[CG0606]: "]);
}

#[test]
fn texts_that_are_not_edited() {
    assert_refused(
        &[(
            "stat_prefix: https\n",
            "stat_prefix: https\n                stat_prefix: http\n                <<: {a: b}\n",
        )],
        &json!({}),
        &["18:17 error[CG0608]: ", "19:17 error[CG0608]: "],
    );
    let twice = Folder::new("envoy.yaml", &format!("{ENVOY}---\na: b\n"), &json!({}));
    assert!(refused(&twice).contains("30:1: error[CG0005]: expected one document, found a second one"));
    assert_refused(
        &[
            ("route_config:\n", "route_config: |\n"),
            (
                "stat_prefix: https\n",
                "normalize_path: >\n                  false\n                stat_prefix: https\n",
            ),
        ],
        &json!({}),
        &["18:19 error[CG0608]: "],
    );
}

/// Envoy reads one value as a list of one, and a list in a list as its items.
#[test]
fn lists_in_other_forms() {
    assert_refused(&[(ROUTER, "                    name: router\n")], &json!({}), &["27:21 error[CG0608]: "]);
}

/// A list that another listener shares through an alias cannot change for one of them alone.
#[test]
fn values_that_an_alias_shares_with_another_listener() {
    let other = "    - name: other\n      filter_chains: [{filters: [{typed_config: {http_filters: *filters}}]}]\n";
    let anchored = FILTERS.replace("http_filters:", "http_filters: &filters");
    assert_refused(
        &[(FILTERS, &anchored), ("    - name: other\n", other)],
        &json!({}),
        &["30:64 error[CG0609]: static_resources.listeners[1].filter_chains[0].filters[0].typed_config.http_filters"],
    );
}

#[test]
fn a_registry_with_errors() {
    let folder = Folder::changed(&[], &json!({"version": 2}));
    assert!(refused(&folder).starts_with("registry.json:1:"));
}
