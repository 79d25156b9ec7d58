//! Findings about listeners and connection managers: TLS, headers of other proxies, spellings, logs.

use super::{Folder, changed, found};

const VALIDATION: &str = "                validation_context:
                  trusted_ca: {filename: ca.pem}
";
const MANAGER: &str = "                use_remote_address: true\n";

#[test]
fn clients_that_nobody_asks_for_certificates() {
    insta::assert_snapshot!(found(&[(VALIDATION, "                alpn_protocols: [h2]\n")]), @"
    envoy.yaml:24:15: error[CG0526]: `require_client_certificate` does nothing without `trusted_ca`: Envoy asks no client for a certificate
      help: set `common_tls_context.validation_context.trusted_ca` to the authorities of the clients
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[
        ("              require_client_certificate: true\n", ""),
        ("trusted_ca: {filename: ca.pem}", "max_verify_depth: 2"),
    ]), @"
    envoy.yaml:24:15: error[CG0526]: Envoy asks no client for a certificate without `trusted_ca`: every caller is without one for certgate
      help: set `common_tls_context.validation_context.trusted_ca` to the authorities of the clients
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[
        ("transport_sockets.tls.v3.DownstreamTlsContext", "transport_sockets.raw_buffer.v3.RawBuffer"),
    ]), @"
    envoy.yaml:21:11: error[CG0524]: this filter chain has no TLS, so no caller has a certificate
      help: give the chain a `transport_socket` with a DownstreamTlsContext
    envoy.yaml: 1 error, 0 warnings
    ");
}

#[test]
fn certificates_that_nobody_verifies() {
    let untrusted = ("trusted_ca: {filename: ca.pem}", "trust_chain_verification: ACCEPT_UNTRUSTED");
    insta::assert_snapshot!(found(&[untrusted]), @"
    envoy.yaml:28:19: error[CG0527]: Envoy accepts certificates that nobody has signed, and with `chain: listener` in the registry certgate believes the names in them
      help: remove `trust_chain_verification: ACCEPT_UNTRUSTED`, or set `identity: {chain: verified}` in the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&[untrusted, ("chain: listener", "chain: verified")]), @"
    envoy.yaml:24:15: warning[CG0528]: names in certificates do not count on resumed sessions, of which Envoy does not say that it has verified the chain: certgate refuses some requests of good clients
      help: set `disable_stateless_session_resumption` and `disable_stateful_session_resumption` to true, or `identity: {chain: listener}` in the registry
    envoy.yaml: 0 errors, 1 warning
    ");
}

#[test]
fn http_3() {
    insta::assert_snapshot!(found(&[
        ("tls.v3.DownstreamTlsContext", "quic.v3.QuicDownstreamTransport"),
        ("require_client_certificate: true", "downstream_tls_context:"),
        (
            &format!("              common_tls_context:\n{VALIDATION}"),
            "                common_tls_context: {validation_context: {trusted_ca: {filename: ca.pem}}}\n",
        ),
    ]), @"
    envoy.yaml:24:15: warning[CG0525]: over HTTP/3, Envoys before 1.40 ask no client for a certificate, and certgate is not tested
      help: serve clients with certificates over HTTP/2
    envoy.yaml: 0 errors, 1 warning
    ");
}

#[test]
fn secrets_in_files() {
    let config = "                validation_context_sds_secret_config:
                  name: authorities
                  sds_config: {path_config_source: {path: sds.yaml, watched_directory: {path: .}}}
";
    let watched = changed(&[(VALIDATION, config)]);
    let unwatched = changed(&[(VALIDATION, &config.replace(", watched_directory: {path: .}", ""))]);
    let secret = |context: &str| format!("resources: [{{name: authorities, validation_context: {context}}}]\n");
    let good = secret("{trusted_ca: {filename: ca.pem}, watched_directory: {path: .}}");
    let found = |envoy: &str, secret: &str| {
        Folder::new(&[("envoy.yaml", envoy), ("sds.yaml", secret)]).lint(&["envoy.yaml"]).out
    };
    insta::assert_snapshot!(found(&watched, &good), @"envoy.yaml: 0 errors, 0 warnings");
    insta::assert_snapshot!(found(&unwatched, &good), @"
    envoy.yaml:29:31: warning[CG0516]: Envoy watches the secret at its own path alone: it does not notice a new file behind a symbolic link, as Kubernetes puts one there
      help: use `path_config_source` with `watched_directory: {path: FOLDER}`, the folder of the file
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(found(&watched, &secret("{trusted_ca: {filename: ca.pem}}")), @"
    sds.yaml:1:53: warning[CG0516]: Envoy reads this file once: it does not notice new certificates in it
      help: add `watched_directory: {path: FOLDER}`, the folder of the file
    envoy.yaml: 0 errors, 1 warning
    ");
    insta::assert_snapshot!(found(&watched, &secret("{trust_chain_verification: ACCEPT_UNTRUSTED}")), @"
    sds.yaml:1:53: error[CG0527]: Envoy accepts certificates that nobody has signed, and with `chain: listener` in the registry certgate believes the names in them
      help: remove `trust_chain_verification: ACCEPT_UNTRUSTED`, or set `identity: {chain: verified}` in the registry
    envoy.yaml: 1 error, 0 warnings
    ");
    insta::assert_snapshot!(found(&watched, &secret("{}")), @"
    envoy.yaml:24:15: error[CG0526]: `require_client_certificate` does nothing without `trusted_ca`: Envoy asks no client for a certificate
      help: set `common_tls_context.validation_context.trusted_ca` to the authorities of the clients
    envoy.yaml: 1 error, 0 warnings
    ");
    let unread = Folder::new(&[("envoy.yaml", &watched)]).lint(&["envoy.yaml"]);
    insta::assert_snapshot!(unread.out, @"envoy.yaml: 0 errors, 0 warnings");
}

#[test]
fn the_certificate_header_of_other_proxies() {
    insta::assert_snapshot!(found(&[("client_cert_details: SANITIZE", "client_cert_details: APPEND_FORWARD")]), @"
    envoy.yaml:34:46: error[CG0529]: with APPEND_FORWARD an upstream gets the x-forwarded-client-cert that a caller has written, as if a proxy had verified it
      help: set `forward_client_cert_details: SANITIZE`
    envoy.yaml: 1 error, 0 warnings
    ");
    let set = found(&[("client_cert_details: SANITIZE", "client_cert_details: 3")]);
    insta::assert_snapshot!(set, @"envoy.yaml: 0 errors, 0 warnings");
    let relays = (
        "identity: {chain: listener}",
        "identity: {chain: listener, source: xfcc, trusted_relays: [{uri_san: 'spiffe://example.org/edge'}]}",
    );
    insta::assert_snapshot!(found(&[relays]), @"
    envoy.yaml:34:46: error[CG0529]: the registry trusts relays, and with SANITIZE certgate does not see the client's certificate that a relay forwards in x-forwarded-client-cert
      help: set `forward_client_cert_details: FORWARD_ONLY`
    envoy.yaml: 1 error, 0 warnings
    ");
    let forward = ("client_cert_details: SANITIZE", "client_cert_details: FORWARD_ONLY");
    insta::assert_snapshot!(found(&[relays, forward]), @"envoy.yaml: 0 errors, 0 warnings");
}

#[test]
fn sessions_that_are_resumed() {
    let verified = ("chain: listener", "chain: verified");
    insta::assert_snapshot!(found(&[verified]), @"
    envoy.yaml:24:15: warning[CG0528]: names in certificates do not count on resumed sessions, of which Envoy does not say that it has verified the chain: certgate refuses some requests of good clients
      help: set `disable_stateless_session_resumption` and `disable_stateful_session_resumption` to true, or `identity: {chain: listener}` in the registry
    envoy.yaml: 0 errors, 1 warning
    ");
    let disabled = "require_client_certificate: true
              disable_stateless_session_resumption: true
              disable_stateful_session_resumption: true";
    let resumes_no_session = found(&[verified, ("require_client_certificate: true", disabled)]);
    insta::assert_snapshot!(resumes_no_session, @"envoy.yaml: 0 errors, 0 warnings");
}

#[test]
fn several_spellings() {
    let slashes = [("                merge_slashes: true\n", ""), ("REJECT_REQUEST", "KEEP_UNCHANGED")];
    insta::assert_snapshot!(found(&slashes), @"
    envoy.yaml:32:17: warning[CG0536]: a path can be spelled in several ways: certgate refuses the unclear ones where rules name paths, and routes and upstreams may read the others differently
      help: set `merge_slashes: true`, `path_with_escaped_slashes_action: REJECT_REQUEST`
    envoy.yaml: 0 errors, 1 warning
    ");
    let no_ports = ("                  ignore_port_in_host_matching: true\n", "");
    insta::assert_snapshot!(found(&[no_ports, ("                strip_trailing_host_dot: true\n", "")]), @"
    envoy.yaml:32:17: warning[CG0538]: certgate refuses requests whose host ends in a dot, since rules name hosts
      help: set `strip_trailing_host_dot: true`
    envoy.yaml:111:19: error[CG0537]: a rule decides a request for HOST:PORT as one for HOST, and Envoy may route it to another virtual host: a rule for a public host opens another host
      help: set `ignore_port_in_host_matching: true`, and leave ports out of `domains`
    envoy.yaml: 1 error, 1 warning
    ");
    let ported = ("domains: [docs.example.com]", "domains: [docs.example.com, 'docs.example.com:8443']");
    insta::assert_snapshot!(found(&[no_ports, ("domains: [\"*\"]", "domains: [example.com]"), ported]), @"
    envoy.yaml:112:19: error[CG0537]: a rule decides a request for HOST:PORT as one for HOST, and Envoy may route it to another virtual host: a rule for a public host opens another host
      help: set `ignore_port_in_host_matching: true`, and leave ports out of `domains`
    envoy.yaml: 1 error, 0 warnings
    ");
    let without_ports = found(&[no_ports, ("domains: [\"*\"]", "domains: [example.com]")]);
    insta::assert_snapshot!(without_ports, @"envoy.yaml: 0 errors, 0 warnings");
    let without_rules = [
        ("match: {path: /healthz, methods: [GET]}", "match: {methods: [GET]}"),
        ("match: {hosts: [docs.example.com]}", "match: {methods: [PUT]}"),
    ];
    let found = found(&[
        without_rules[0],
        without_rules[1],
        ("                strip_trailing_host_dot: true\n", ""),
        ("                normalize_path: true\n", ""),
        ("                  ignore_port_in_host_matching: true\n", ""),
    ]);
    for code in ["CG0536", "CG0537", "CG0538"] {
        assert!(!found.contains(code), "{found}");
    }
}

#[test]
fn addresses_server_names_and_logs() {
    insta::assert_snapshot!(found(&[(MANAGER, "")]), @"
    envoy.yaml:32:17: warning[CG0540]: Envoy takes the client's address from `x-forwarded-for`, which every caller can write: the address in logs proves nothing
      help: set `use_remote_address: true`, and `xff_num_trusted_hops` if proxies stand before this Envoy
    envoy.yaml: 0 errors, 1 warning
    ");
    let misdirected = ("version: 1\n", "version: 1\n                            misdirected: 421\n");
    let other = ("tls_inspector.v3.TlsInspector", "proxy_protocol.v3.ProxyProtocol");
    insta::assert_snapshot!(found(&[misdirected, other]), @"
    envoy.yaml:12:7: error[CG0539]: the registry has `misdirected: 421`, and without a tls_inspector Envoy does not know the host that a connection is made for: certgate refuses no request for another host
      help: add the listener filter envoy.filters.listener.tls_inspector
    envoy.yaml: 1 error, 0 warnings
    ");
    let logs = ["%FILTER_STATE(wasm.certgate.reason:PLAIN)%", "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%"];
    insta::assert_snapshot!(found(&logs.map(|field| (field, "%START_TIME%"))), @"
    envoy.yaml:12:7: warning[CG0543]: no log of connections says why a TLS handshake failed, and a client whose handshake fails sends no request
      help: log `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%` in the `access_log` of the listener
    envoy.yaml:32:17: warning[CG0542]: the access log of requests does not say why certgate refused one
      help: log `%FILTER_STATE(wasm.certgate.reason:PLAIN)%`
    envoy.yaml: 0 errors, 2 warnings
    ");
    insta::assert_snapshot!(found(&[("    - {tag_name: tier, regex: '(;\\.;tier=\\.=(.*?);\\.;)'}\n", "")]), @"
    envoy.yaml:4:5: warning[CG0541]: certgate's metrics have these labels in their names: tier
      help: add `stats_config.stats_tags`: `certgate render envoy` prints them
    envoy.yaml: 0 errors, 1 warning
    ");
}
