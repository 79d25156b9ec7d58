//! Findings about the guard.

use super::{ENVOY, found};

const IDENTIFIED: &str = "                          identified:
                            permissions: [{header: {name: x-client-alias, present_match: true}}]
                            principals: [{any: true}]
";
const RBAC: &str = "                  - name: envoy.filters.http.rbac\n";
const POLICIES: &str = "                        policies:\n";

#[test]
fn headers_that_envoy_does_not_remove() {
    insta::assert_snapshot!(found(&[
        ("                        - remove: x-client-tier\n", ""),
        ("- remove: client-cert-chain\n", "- remove_on_match: {key_matcher: {prefix: client-cert}}\n"),
    ]), @"
    envoy.yaml:32:17: error[CG0530]: Envoy does not remove x-client-tier from requests, so an upstream takes a caller's word for certgate's if Envoy skips certgate
      help: remove them in `early_header_mutation_extensions`: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[("identity: {chain: listener}\n", "headers: {alias: x-partner}\n")]), @"
    envoy.yaml:24:15: warning[CG0528]: names in certificates do not count on resumed sessions, of which Envoy does not say that it has verified the chain: certgate refuses some requests of good clients
      help: set `disable_stateless_session_resumption` and `disable_stateful_session_resumption` to true, or `identity: {chain: listener}` in the registry
    envoy.yaml:32:17: error[CG0530]: Envoy does not remove x-partner from requests, so an upstream takes a caller's word for certgate's if Envoy skips certgate
      help: remove them in `early_header_mutation_extensions`: `certgate render envoy` prints the guard for the registry
    envoy.yaml:32:17: warning[CG0531]: Envoy does not remove other spellings of 1 of certgate's headers, such as x_client_alias, which some upstreams read as the header itself
      help: remove them in `early_header_mutation_extensions`: `certgate render envoy` prints the guard for the registry
    envoy.yaml:66:21: error[CG0532]: no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 2 errors, 2 warnings
    ");
    insta::assert_snapshot!(found(&[("[!-/:-@\\[-`{-~]alias|", "[!-/:-@\\[-`{-~]a|")]), @"
    envoy.yaml:32:17: warning[CG0531]: Envoy does not remove other spellings of 1 of certgate's headers, such as x_client_alias, which some upstreams read as the header itself
      help: remove them in `early_header_mutation_extensions`: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 0 errors, 1 warning
    ");
}

#[test]
fn an_alias_that_envoy_itself_sets() {
    let append = "append: {header: {key: X-Client-Alias, value: \"%REQ(x-partner)%\"}}";
    let removal = "                        - remove: x-client-tier\n";
    insta::assert_snapshot!(found(&[(removal, &format!("{removal}                        - {append}\n"))]), @"
    envoy.yaml:46:27: error[CG0533]: this sets the alias header, for which the guard asks: every request passes the guard if Envoy skips certgate
      help: leave this header to certgate
    envoy.yaml: 1 error, 0 warnings
    ");
    let before = found(&[("mutations:\n", &format!("mutations:\n                        - {append}\n"))]);
    assert_eq!(before, "envoy.yaml: 0 errors, 0 warnings\n");
    let mutation = format!(
        "                  - name: mutation\n                    typed_config: {{\"@type\": \
         type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation, mutations: \
         {{request_mutations: [{{{append}}}]}}}}\n"
    );
    insta::assert_snapshot!(found(&[(RBAC, &format!("{mutation}{RBAC}"))]), @"
    envoy.yaml:90:162: error[CG0533]: this sets the alias header, for which the guard asks: every request passes the guard if Envoy skips certgate
      help: leave this header to certgate
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn a_guard_that_is_not_there() {
    insta::assert_snapshot!(found(&[("rbac.v3.RBAC", "rbac.v3.Other")]), @"
    envoy.yaml:66:21: error[CG0532]: no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[(RBAC, &format!("{RBAC}                    disabled: true\n"))]), @"
    envoy.yaml:66:21: error[CG0532]: no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    let [rules, shadow] = ["rules", "shadow_rules"].map(|key| format!("rbac.v3.RBAC\n                      {key}:\n"));
    insta::assert_snapshot!(found(&[(&rules, &shadow)]), @"
    envoy.yaml:91:23: error[CG0535]: the guard has only `shadow_rules`: it stops no request if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn a_guard_that_lets_too_much_through() {
    let open =
        "                          open: {permissions: [{url_path: {path: {prefix: /}}}], principals: [{any: true}]}\n";
    insta::assert_snapshot!(found(&[(POLICIES, &format!("{POLICIES}{open}"))]), @"
    envoy.yaml:95:33: error[CG0533]: the guard lets requests without a client through that the registry's rules do not let through
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[("{exact: /healthz/}", "{prefix: /healthz/}")]), @"
    envoy.yaml:93:25: warning[CG0534]: the guard refuses what the registry's rules let through: without a client: health
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml:99:29: error[CG0533]: the guard lets requests without a client through that the registry's rules do not let through
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 1 warning
    ");
    insta::assert_snapshot!(found(&[("present_match: true}}]", "present_match: false}}]")]), @"
    envoy.yaml:93:25: warning[CG0534]: the guard refuses what the registry's rules let through: requests with a client
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml:96:29: error[CG0533]: the guard lets requests without a client through that the registry's rules do not let through
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 1 warning
    ");
    insta::assert_snapshot!(found(&[("access: public", "access: deny")]), @"
    envoy.yaml:99:29: error[CG0533]: the guard lets requests without a client through that the registry's rules do not let through
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn a_guard_that_is_narrower_in_its_own_way_is_none_of_these() {
    let both = "permissions: [{and_rules: {rules: [{header: {name: x-client-tier, string_match: {exact: gold}}}, \
                {header: {name: x-client-alias, present_match: true}}]}}]";
    let more = format!("{IDENTIFIED}                          gold: {{{both}, principals: [{{any: true}}]}}\n");
    insta::assert_snapshot!(found(&[(IDENTIFIED, &more)]), @"envoy.yaml: 0 errors, 0 warnings");
}

#[test]
fn a_guard_that_refuses_too_much() {
    insta::assert_snapshot!(found(&[("access: public", "access: require")]), @"
    envoy.yaml:99:29: error[CG0533]: the guard lets requests without a client through that the registry's rules do not let through
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    let docs = "{name: docs, match: {hosts: [docs.example.com]}, tiers: [gold]}";
    let status = "{name: status, match: {path: /status}, access: public}";
    insta::assert_snapshot!(found(&[(docs, status)]), @"
    envoy.yaml:93:25: warning[CG0534]: the guard refuses what the registry's rules let through: without a client: status
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(found(&[(IDENTIFIED, "")]), @"
    envoy.yaml:66:21: error[CG0532]: no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[("version: 1\n", "version: 1\n                            mode: shadow\n")]), @"
    envoy.yaml:94:25: warning[CG0534]: the guard refuses requests, and the registry is in `mode: shadow`, which forwards them all
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 0 errors, 1 warning
    ");
}

#[test]
fn a_guard_before_certgate() {
    let rbac = ENVOY
        .split_once(RBAC)
        .unwrap()
        .1
        .split_once("                  - name: envoy.filters.http.router\n")
        .unwrap()
        .0;
    let certgate = "                  - name: certgate\n";
    let run = found(&[(&format!("{RBAC}{rbac}"), ""), (certgate, &format!("{RBAC}{rbac}{certgate}"))]);
    insta::assert_snapshot!(run, @"
    envoy.yaml:66:21: error[CG0519]: envoy.filters.http.rbac uses x-client-alias before certgate sets it: the value is the caller's, or absent
      help: put the filter behind certgate and its guard
    envoy.yaml:85:21: error[CG0532]: no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 2 errors, 0 warnings
    ");
}

#[test]
fn rules_that_deny() {
    let deny = |permission: &str| {
        let policies = format!("{{a: {{permissions: [{permission}], principals: [{{any: true}}]}}}}");
        let rbac = "rbac.v3.RBAC\n                      ";
        let denying = format!("{rbac}rules: {{action: DENY, policies: {policies}}}\n                      other:\n");
        found(&[(&format!("{rbac}rules:\n"), &denying)])
    };
    insta::assert_snapshot!(deny("{header: {name: x-client-alias, present_match: false}}"), @"envoy.yaml: 0 errors, 0 warnings");
    insta::assert_snapshot!(deny("{header: {name: x-client-alias, string_match: {exact: partner-b}}}"), @"
    envoy.yaml:66:21: error[CG0532]: no RBAC filter behind certgate asks for the alias header, so every request passes if Envoy skips certgate
      help: `certgate render envoy` prints the guard for the registry
    envoy.yaml: 1 error, 0 warnings
    ");
}
