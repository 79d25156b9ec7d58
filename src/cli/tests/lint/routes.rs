//! Findings about whole files, filter chains, routes and upgrades.

use super::{ENVOY, Folder, found};

const ROUTE: &str = "                          route: {cluster: default}\n";

#[test]
fn files_without_certgate() {
    let empty = Folder::new(&[("envoy.yaml", "static_resources: {listeners: []}\n")]).lint(&["envoy.yaml"]);
    insta::assert_snapshot!(empty.out, @"
    envoy.yaml:1:1: error[CG0501]: no filter chain of a listener in this file has an HTTP connection manager, and certgate is an HTTP filter
      help: lint the file that has the listeners
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[("filters.http.wasm.v3.Wasm", "filters.http.wasm.v3.Other")]), @"
    envoy.yaml:32:17: error[CG0502]: no HTTP connection manager in this file has certgate among its HTTP filters
      help: `certgate patch` puts certgate into this file
    envoy.yaml: 1 error, 0 warnings
    ");
    let default = "      default_filter_chain:
        filters:
          - name: envoy.filters.network.http_connection_manager
            typed_config: {\"@type\": type.googleapis.com/x.v3.HttpConnectionManager, http_filters: []}
      filter_chains:\n";
    insta::assert_snapshot!(found(&[("      filter_chains:\n", default)]), @"
    envoy.yaml:23:27: warning[CG0503]: requests of this filter chain do not pass certgate, and those of another chain of the listener do
      help: put certgate into this chain too, unless it is meant for everybody
    envoy.yaml: 0 errors, 1 warning
    ");
}

#[test]
fn routes_that_switch_filters_off() {
    let with = |filter: &str, config: &str| {
        found(&[(
            ROUTE,
            &format!("{ROUTE}                          typed_per_filter_config: {{{filter}: {{{config}}}}}\n"),
        )])
    };
    let config = "\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true";
    insta::assert_snapshot!(with("certgate", config), @"
    envoy.yaml:119:63: error[CG0521]: Envoy does not call certgate for these requests, so they pass without a client unless a guard stops them
      help: remove the override, and say in a rule of the registry who may call: `access: public`
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(with("envoy.filters.http.rbac", config), @"
    envoy.yaml:119:78: error[CG0522]: these requests have no guard: they pass without a client if Envoy skips certgate
      help: remove the override, and put what it is for into an RBAC filter of another name
    envoy.yaml: 1 error, 0 warnings
    ");
    let per_route = "\"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute";
    insta::assert_snapshot!(with("envoy.filters.http.rbac", per_route), @"
    envoy.yaml:119:78: error[CG0522]: these requests have no guard: they pass without a client if Envoy skips certgate
      help: remove the override, and put what it is for into an RBAC filter of another name
    envoy.yaml: 1 error, 0 warnings
    ");
    let one_client =
        "{permissions: [{header: {name: x-client-alias, string_match: {exact: a}}}], principals: [{any: true}]}";
    let narrower = format!("{per_route}, rbac: {{rules: {{policies: {{a: {one_client}}}}}}}");
    insta::assert_snapshot!(with("envoy.filters.http.rbac", &narrower), @"envoy.yaml: 0 errors, 0 warnings");
    insta::assert_snapshot!(with("other", config), @"envoy.yaml: 0 errors, 0 warnings");
    let filter_config = "\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig";
    let wrapped = format!("{filter_config}, config: {{{per_route}}}");
    let typed = "\"@type\": type.googleapis.com/xds.type.v3.TypedStruct, value: {}";
    for (filter, config, code) in [
        ("envoy.filters.http.rbac", wrapped.as_str(), "CG0522"),
        ("envoy.filters.http.rbac", typed, "CG0522"),
        ("envoy.filters.http.rbac", filter_config, ""),
        ("envoy.filters.http.rbac", &format!("{filter_config}, disabled: \"true\""), "CG0522"),
        ("certgate", &format!("{filter_config}, disabled: \"1\""), "CG0521"),
    ] {
        let found = with(filter, config);
        assert!(found.contains(code) && code.is_empty() == found.contains(": 0 errors"), "{filter}: {config}\n{found}");
    }
}

#[test]
fn upgrades_with_filters_of_their_own() {
    let router =
        "{name: router, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}";
    let upgrade = "                  - upgrade_type: websocket\n";
    let with = |filters: &str| found(&[(upgrade, &format!("{upgrade}                    filters: [{filters}]\n"))]);
    insta::assert_snapshot!(with(router), @"
    envoy.yaml:61:21: error[CG0523]: upgrades to websocket have filters of their own without certgate, so anybody can make them
      help: remove `filters` from the upgrade, or put certgate and its guard into them
    envoy.yaml: 1 error, 0 warnings
    ");
    let single = found(&[(upgrade, &format!("{upgrade}                    filters: {router}\n"))]);
    assert!(single.contains("envoy.yaml:61:21: error[CG0523]"), "{single}");
    let certgate = "{name: certgate, typed_config: {\"@type\": \
                    type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: {vm_config: {vm_id: \
                    upgrades}, failure_policy: FAIL_RELOAD}}}";
    insta::assert_snapshot!(with(&format!("{certgate}, {router}")), @"
    envoy.yaml:62:31: error[CG0532]: no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml:62:144: error[CG0506]: the plugin has no `configuration`, and certgate refuses to start without a registry
      help: put the registry there, as `certgate render envoy` does
    envoy.yaml: 2 errors, 0 warnings
    ");
}

#[test]
fn keys_that_stand_twice() {
    let path = "                normalize_path: true\n";
    insta::assert_snapshot!(found(&[(path, &format!("{path}                normalize_path: false\n"))]), @"
    envoy.yaml:36:17: error[CG0104]: expected each key once, found `normalize_path` again: Envoy takes the last one
      help: remove the others
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn errors_of_files_and_options() {
    let folder =
        Folder::new(&[("envoy.yaml", ENVOY), ("bad.yaml", "a: [\n"), ("registry.yaml", "version: 2\nclients: []\n")]);
    let run = |arguments: &[&str]| {
        let run = folder.lint(arguments);
        format!("{}\n{}{}", run.code, run.out, run.err)
    };
    insta::assert_snapshot!(run(&["bad.yaml"]), @"
    2
    bad.yaml:1:4: error[CG0005]: unclosed bracket '['
    ");
    insta::assert_snapshot!(run(&["missing.yaml"]), @"
    2
    missing.yaml: error[CG0001]: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(run(&["envoy.yaml", "--registry", "missing.yaml"]), @"
    2
    missing.yaml: error[CG0001]: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(run(&["envoy.yaml", "--registry", "registry.yaml"]), @"
    1
    registry.yaml:1:10: error[CG0101]: version: expected 1, found 2
    ");
    assert_eq!(folder.lint(&[]).code, 2);
}
