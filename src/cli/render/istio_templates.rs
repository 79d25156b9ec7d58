//! The text of the manifests for Istio, with places for what differs. Must not decide which of it is needed.

/// What stands first.
pub(super) const HEAD: &str = "\
# certgate in {{where}}, as `certgate render --to istio` makes it from a registry: apply all of it, and render
# it again when the registry changes.

";

/// The filter, by Istio's own kind.
pub(super) const WASM_PLUGIN: &str = r#"# The filter. Phase AUTHZ stands behind Istio's authentication and before its AuthorizationPolicies, so that these see what
# certgate says of the client. The proxy's agent pulls the image and compares its digest with sha256.
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata:
  name: {{name}}
  namespace: {{namespace}}
spec:
  {{selector}}
  {{direction}}
  url: {{image}}
  sha256: {{sha256}}
  phase: AUTHZ
  # A filter that has failed answers 503 on its worker until the next change. FAIL_RELOAD would make a new one; both fail
  # closed, but where a worker cannot take a configuration up at all: for that there is the guard below.
  failStrategy: FAIL_CLOSE
  # The root_id. Istio leaves the vm_id empty: plugins of this name in one proxy share a client's buckets.
  pluginName: {{name}}
  # The registry, as `certgate check` reads it. Istio has each client certificate validated before certgate sees it, hence
  # `chain: listener`.
  pluginConfig:
    {{registry}}
"#;

/// The filter, by an EnvoyFilter.
pub(super) const EXTENSION: &str = r#"# The filter, by an EnvoyFilter: with a vm_id of its own, and FAIL_RELOAD. Envoy takes its configuration from istiod by
# ECDS, so that a change of the registry changes no listener; the proxy's agent pulls the image and compares its digest
# with sha256. It is the first filter, before Istio's authentication and its AuthorizationPolicies.
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: {{name}}
  namespace: {{namespace}}
spec:
  {{selector}}
  configPatches:
    - applyTo: EXTENSION_CONFIG
      match: {context: {{context}}}
      patch:
        operation: ADD
        value:
          name: {{name}}
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
            config:
              # Two plugins share a client's buckets if vm_id and root_id are the same.
              vm_config:
                vm_id: {{name}}
                runtime: envoy.wasm.runtime.v8
                code:
                  remote:
                    http_uri: {uri: {{image}}, cluster: unused, timeout: 30s}
                    sha256: {{sha256}}
              root_id: {{name}}
              name: {{name}}
              # A trap costs its own request a 503, and the worker a new VM.
              failure_policy: FAIL_RELOAD
              configuration:
                "@type": type.googleapis.com/google.protobuf.Struct
                value:
                  {{registry}}
    - applyTo: HTTP_FILTER
      match:
        context: {{context}}
        listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}
      patch:
        operation: INSERT_FIRST
        value:
          name: {{name}}
          # Until istiod has sent the configuration, the listener waits.
          config_discovery:
            config_source: {ads: {}, initial_fetch_timeout: 0s, resource_api_version: V3}
            type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]
"#;

/// The first part of the guard.
pub(super) const EARLY: &str = r#"---
# The guard, part one: should certgate ever be skipped, nobody's word about themselves gets past it. Before any filter, the
# proxy removes all headers that are certgate's; it forwards no certificate that another named, and takes paths and header
# names in one spelling only.
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: {{guard}}
  namespace: {{namespace}}
spec:
  {{selector}}
  configPatches:
    - applyTo: NETWORK_FILTER
      match:
        context: {{context}}
        listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager}}}
      patch:
        operation: MERGE
        value:
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
            forward_client_cert_details: {{forward}}
            normalize_path: true
            merge_slashes: true
            path_with_escaped_slashes_action: REJECT_REQUEST
            # Without a dot at its end, a host finds its routes; Istio has them leave out the port.
            strip_trailing_host_dot: true
            # Many a service reads x_client_alias as x-client-alias. Where callers need such names, take this out: certgate
            # removes look-alikes itself, but the guard then does not.
            common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}
            early_header_mutation_extensions:
              - name: envoy.http.early_header_mutation.header_mutation
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation
                  mutations:
                    {{mutations}}
    {{rbac}}
"#;

/// The guard's second part as a filter, for a list of patches.
pub(super) const RBAC: &str = r#"# Some rules match by wildcards, and those of an AuthorizationPolicy take more than certgate's do. This is the same
# guard to the letter, behind it.
- applyTo: HTTP_FILTER
  match:
    context: {{context}}
    listener:
      filterChain:
        filter:
          name: envoy.filters.network.http_connection_manager
          subFilter: {name: envoy.filters.http.router}
  patch:
    operation: INSERT_BEFORE
    value:
      name: {{guard}}
      typed_config:
        {{filter}}
"#;

/// The second part of the guard.
pub(super) const AUTHORIZATION: &str = r#"---
# The guard, part two: what certgate let through has an alias, or needs none; nothing else gets through. On ports that are
# not HTTP to Istio it denies everything.
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {{guard}}
  namespace: {{namespace}}
  {{dry_run}}
spec:
  {{selector}}
  action: DENY
  rules:
    {{rules}}
"#;

/// In its place, where there can be none.
pub(super) const NO_SECOND_PART: &str = "\
---
# There is no second part of the guard: without an alias header (`headers.alias: null`) nothing tells that certgate was
# skipped.
";

/// In its place, where it has nothing to do.
pub(super) const NOTHING_TO_DENY: &str = "\
---
# There is no second part of the guard: by its rules, every request may go without a client.
";

/// In its place, where the filter does it alone.
pub(super) const NOTHING_TO_SAY: &str = "\
---
# The guard, part two, is the filter above: an AuthorizationPolicy cannot say what these rules leave open.
";

/// What sidecars need beside it.
pub(super) const PEER: &str = r#"---
# Every connection to these sidecars must be mutual TLS, with a certificate that the mesh has validated.
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: {{name}}
  namespace: {{namespace}}
spec:
  {{selector}}
  mtls: {mode: STRICT}
"#;

/// What a gateway needs beside it, which is not for certgate to make.
pub(super) const GATEWAY_NOTE: &str = "\
---
# The Gateway's servers must ask for client certificates, as in this one. OPTIONAL_MUTUAL lets callers without a
# certificate get as far as certgate, which answers 403 and counts it, and to what is public; MUTUAL ends their handshake.
#
# apiVersion: networking.istio.io/v1
# kind: Gateway
# spec:
#   servers:
#     - port: {number: 443, name: https, protocol: HTTPS}
#       hosts: [api.example.com]
#       tls: {mode: OPTIONAL_MUTUAL, credentialName: api-credential}
";
