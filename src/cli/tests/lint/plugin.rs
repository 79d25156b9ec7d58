//! Findings about certgate as a filter and a plugin, and about the filters around it.

use super::{Folder, changed, found};

const VM: &str = "                        vm_config:\n";
const RELOAD: &str = "failure_policy: FAIL_RELOAD";
const TYPED: &str = "                  - name: certgate\n";
const CORS: &str = "                  - name: envoy.filters.http.cors
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors
";

/// A filter of Envoy's own in the place of CORS, before certgate.
fn before(name: &str, message: &str, config: &str) -> String {
    found(&[(
        CORS,
        &format!(
            "                  - name: {name}\n                    typed_config: {{\"@type\": \
             type.googleapis.com/envoy.extensions.filters.http.{name}.v3.{message}{config}}}\n"
        ),
    )])
}

#[test]
fn failures_that_let_requests_through() {
    insta::assert_snapshot!(found(&[(RELOAD, "failure_policy: FAIL_OPEN")]), @"
    envoy.yaml:74:41: error[CG0504]: certgate stops no request while the module cannot be loaded or has failed
      help: set `failure_policy: FAIL_RELOAD`
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[(RELOAD, "failurePolicy: 3")]), @"
    envoy.yaml:74:40: error[CG0504]: certgate stops no request while the module cannot be loaded or has failed
      help: set `failure_policy: FAIL_RELOAD`
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[(RELOAD, "fail_open: true")]), @"
    envoy.yaml:74:36: error[CG0504]: certgate stops no request while the module cannot be loaded or has failed
      help: set `failure_policy: FAIL_RELOAD`
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[(RELOAD, "failure_policy: FAIL_CLOSED")]), @"
    envoy.yaml:70:25: warning[CG0505]: a worker on which the module has failed once answers 503 to every request until the next configuration
      help: set `failure_policy: FAIL_RELOAD`
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(found(&[("                        failure_policy: FAIL_RELOAD\n", "")]), @"
    envoy.yaml:70:25: warning[CG0505]: a worker on which the module has failed once answers 503 to every request until the next configuration
      help: set `failure_policy: FAIL_RELOAD`
    envoy.yaml: 0 errors, 1 warning
    ");
}

#[test]
fn settings_of_the_plugin() {
    let stop_iteration = format!("                        allow_on_headers_stop_iteration: true\n{VM}");
    insta::assert_snapshot!(found(&[(VM, &stop_iteration)]), @"
    envoy.yaml:70:25: warning[CG0507]: Envoy goes on with the body of a request that the module has stopped: certgate needs no such thing
      help: remove `allow_on_headers_stop_iteration`
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(found(&[("vm_id: certgate", "vm_id: ''")]), @"
    envoy.yaml:70:25: warning[CG0508]: the `vm_id` is empty: every other plugin without one shares certgate's data, the limits among them
      help: set `vm_config: {vm_id: certgate}`
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(found(&[("requests: 100, per: 1s", "kind: bytes, bytes: 100, per: 1s")]), @"
    envoy.yaml:72:52: error[CG0510]: the registry has limits of kind bytes, which this module refuses
      help: name the module certgate-bandwidth.wasm
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn a_registry_that_certgate_refuses() {
    insta::assert_snapshot!(found(&[("tier: gold\n", "tier: golden\n"), ("access: public", "access: free")]), @r#"
    envoy.yaml:84:39: error[CG0111]: clients[0].tier: expected one of the tiers (`gold`), found `golden`
    envoy.yaml:87:97: error[CG0101]: rules[0].access: expected `require`, `optional`, `public` or `deny`, found "free"
    envoy.yaml: 2 errors, 0 warnings
    "#);
    let run = Folder::new(&[("envoy.yaml", &without_registry(""))]).lint(&["envoy.yaml"]);
    insta::assert_snapshot!(run.out, @"
    envoy.yaml:70:25: error[CG0506]: the plugin has no `configuration`, and certgate refuses to start without a registry
      help: put the registry there, as `certgate render envoy` does
    envoy.yaml: 1 error, 0 warnings
    ");
    let text = "                        configuration:
                          \"@type\": type.googleapis.com/google.protobuf.StringValue
                          value: '{\"version\": 2, \"clients\": []}'
";
    let run = Folder::new(&[("envoy.yaml", &without_registry(text))]).lint(&["envoy.yaml"]);
    insta::assert_snapshot!(run.out, @"
    envoy.yaml:77:34: error[CG0101]: version: expected 1, found 2
    envoy.yaml: 1 error, 0 warnings
    ");
}

/// The good configuration with this in the place of the plugin's `configuration`.
fn without_registry(instead: &str) -> String {
    let text = changed(&[]);
    let (before, rest) = text.split_once("                        configuration:\n").unwrap();
    let (_, after) = rest.split_once("                  - name: envoy.filters.http.rbac\n").unwrap();
    format!("{before}{instead}                  - name: envoy.filters.http.rbac\n{after}")
}

#[test]
fn a_filter_that_envoy_does_not_call() {
    insta::assert_snapshot!(found(&[(TYPED, &format!("{TYPED}                    disabled: true\n"))]), @"
    envoy.yaml:66:21: error[CG0511]: Envoy calls certgate on no route that does not switch it on: certgate stops no request
      help: remove `disabled: true`
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[(TYPED, &format!("{TYPED}                    is_optional: true\n"))]), @"
    envoy.yaml:66:21: error[CG0512]: an Envoy without Wasm starts without certgate, and says nothing: certgate stops no request
      help: remove `is_optional: true`
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn plugins_that_share_data() {
    let second = |vm_id: &str, root_id: &str| {
        let plugin = format!("{{vm_config: {{vm_id: {vm_id}}}, root_id: {root_id}, failure_policy: FAIL_RELOAD}}");
        found(&[(
            "                  - name: envoy.filters.http.router\n",
            &format!(
                "                  - name: other\n                    typed_config: {{\"@type\": \
                 type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: {plugin}}}\n                  \
                 - name: envoy.filters.http.router\n"
            ),
        )])
    };
    insta::assert_snapshot!(second("certgate", "certgate"), @"
    envoy.yaml:109:117: error[CG0509]: two certgates with different registries have the same vm_id `certgate` and root_id `certgate`: the size of a limit that both have is that of the last one that was loaded
      help: give each its own `root_id`
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(second("certgate", "other"), @"
    envoy.yaml:109:117: error[CG0509]: another plugin has certgate's vm_id `certgate`, and can change what certgate has counted
      help: give certgate a `vm_id` of its own
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(second("other", "certgate"), @"envoy.yaml: 0 errors, 0 warnings");
}

#[test]
fn filters_before_certgate() {
    insta::assert_snapshot!(before("cache", "CacheConfig", ""), @"
    envoy.yaml:63:21: error[CG0517]: cache answers requests before certgate is asked: what one client may read, all can read
      help: put the filter behind certgate and its guard
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(before("ext_authz", "ExtAuthz", ""), @"
    envoy.yaml:63:21: warning[CG0518]: ext_authz may answer requests before certgate is asked: certgate neither counts nor logs them
      help: put the filter behind certgate and its guard
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(before("jwt_authn", "JwtAuthentication", ""), @"
    envoy.yaml:63:21: warning[CG0518]: jwt_authn may answer requests before certgate is asked: certgate neither counts nor logs them
      help: put the filter behind certgate and its guard
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(before("lua", "Lua", ", inline_code: 'h:get(\"X-Client-Tier\")'"), @"
    envoy.yaml:63:21: error[CG0519]: lua uses x-client-tier before certgate sets it: the value is the caller's, or absent
      help: put the filter behind certgate and its guard
    envoy.yaml: 1 error, 0 warnings
    ");
    let mutation = |mutation: &str| {
        before("header_mutation", "HeaderMutation", &format!(", mutations: {{request_mutations: [{mutation}]}}"))
    };
    insta::assert_snapshot!(mutation("{remove: x-client-tier}"), @"envoy.yaml: 0 errors, 0 warnings");
    insta::assert_snapshot!(mutation("{append: {header: {key: x-client-tier, value: gold}}}"), @"
    envoy.yaml:63:21: error[CG0519]: header_mutation uses x-client-tier before certgate sets it: the value is the caller's, or absent
      help: put the filter behind certgate and its guard
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn tokens_are_verified_before_certgate() {
    let bound = ("tiers: [gold]}", "bound_token: true}");
    insta::assert_snapshot!(found(&[bound]), @"
    envoy.yaml:66:21: error[CG0520]: a rule has `bound_token`, and no jwt_authn before certgate keeps the payload of a token for it, so certgate refuses every request that the rule decides
      help: put jwt_authn before certgate, with `payload_in_metadata: certgate`
    envoy.yaml: 1 error, 0 warnings
    ");
    let jwt = "                  - name: envoy.filters.http.jwt_authn\n                    typed_config: {\"@type\": \
               type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication, providers: {a: \
               {payload_in_metadata: certgate}}}\n";
    insta::assert_snapshot!(found(&[bound, (CORS, jwt)]), @"envoy.yaml: 0 errors, 0 warnings");
    let elsewhere = jwt.replace("payload_in_metadata: certgate", "payload_in_metadata: a");
    insta::assert_snapshot!(found(&[bound, (CORS, &elsewhere)]), @"
    envoy.yaml:65:21: error[CG0520]: a rule has `bound_token`, and no jwt_authn before certgate keeps the payload of a token for it, so certgate refuses every request that the rule decides
      help: put jwt_authn before certgate, with `payload_in_metadata: certgate`
    envoy.yaml: 1 error, 0 warnings
    ");
}

/// The good configuration with the plugin in a file that Envoy watches, and that file.
fn watching() -> (String, String) {
    let text = changed(&[]);
    let wasm = "                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
";
    let (before, rest) = text.split_once(wasm).unwrap();
    let (plugin, after) = rest.split_once("                  - name: envoy.filters.http.rbac\n").unwrap();
    let discovery = "                    config_discovery:
                      type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]
                      config_source:
                        path_config_source: {path: ecds.yaml, watched_directory: {path: .}}
";
    let envoy = format!("{before}{discovery}                  - name: envoy.filters.http.rbac\n{after}");
    let watched = format!(
        "resources:\n- name: certgate\n  \"@type\": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig\n  \
         typed_config:\n                      \"@type\": \
         type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n{plugin}"
    );
    (envoy, watched)
}

#[test]
fn a_plugin_in_a_watched_file() {
    let (envoy, watched) = watching();
    let found = |envoy: &str, watched: &str| {
        Folder::new(&[("envoy.yaml", envoy), ("ecds.yaml", watched)]).lint(&["envoy.yaml"]).out
    };
    insta::assert_snapshot!(found(&envoy, &watched), @"envoy.yaml: 0 errors, 0 warnings");
    let open = watched.replace("FAIL_RELOAD", "FAIL_OPEN").replace("tier: gold\n", "tier: golden\n");
    insta::assert_snapshot!(found(&envoy, &open), @"
    ecds.yaml:11:41: error[CG0504]: certgate stops no request while the module cannot be loaded or has failed
      help: set `failure_policy: FAIL_RELOAD`
    ecds.yaml:21:39: error[CG0111]: clients[0].tier: expected one of the tiers (`gold`), found `golden`
    envoy.yaml: 2 errors, 0 warnings
    ");
    insta::assert_snapshot!(found(&envoy, &watched.replace("- name: certgate\n", "- name: registry\n")), @"
    ecds.yaml:1:1: error[CG0514]: no resource here is called certgate and configures a Wasm filter, so Envoy answers 500 to every request
      help: give the resource the name of the HTTP filter: `certgate render ecds` prints the file
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&envoy.replace(", watched_directory: {path: .}", ""), &watched), @"
    envoy.yaml:70:25: warning[CG0516]: Envoy watches the registry at its own path alone: it does not notice a new file behind a symbolic link, as Kubernetes puts one there
      help: use `path_config_source` with `watched_directory: {path: FOLDER}`, the folder of the file
    envoy.yaml: 0 errors, 1 warning
    ");
    let default = "config_discovery:
                      default_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer}
";
    insta::assert_snapshot!(found(&envoy.replace("config_discovery:\n", default), &watched), @"
    envoy.yaml:68:39: error[CG0513]: Envoy calls this filter instead of certgate while it has no configuration for certgate: certgate stops no request
      help: remove `default_config`
    envoy.yaml: 1 error, 0 warnings
    ");
    let unread = Folder::new(&[("envoy.yaml", &envoy), ("registry.yaml", "version: 1\nclients: []\n")]);
    insta::assert_snapshot!(unread.lint(&["envoy.yaml"]).out, @"
    envoy.yaml:66:21: warning[CG0515]: ecds.yaml cannot be read from here, so the registry and the plugin's settings are not checked
      help: name the registry: `--registry FILE`
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(unread.lint(&["envoy.yaml", "--registry", "registry.yaml"]).out, @"
    envoy.yaml:81:29: error[CG0533]: the guard lets requests without a client through that the registry's rules do not let through
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
}
