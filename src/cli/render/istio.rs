//! Istio: manifests for a gateway or for the sidecars of a workload.

use super::Problem;
use super::authorization::{denied, is_everywhere};
use super::belt::Belt;
use super::layout::{fill, scalar, yaml};
use super::rbac::rbac;
use super::registry::Registry;
use crate::domain::identity::Source;
use crate::domain::policy::Policy;
use serde_json::{Value, json};

const HEAD: &str = "\
# certgate in {{where}}, as `certgate render --to istio` makes it from a registry: apply all of it, and render
# it again when the registry changes.

";

const WASM_PLUGIN: &str = r#"# The filter. Phase AUTHZ stands behind Istio's authentication and before its AuthorizationPolicies, so that these see what
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
  # closed, but where a worker cannot take a configuration up at all: for that there is the belt below.
  failStrategy: FAIL_CLOSE
  # The root_id. Istio leaves the vm_id empty: plugins of this name in one proxy share a client's buckets.
  pluginName: {{name}}
  # The registry, as `certgate check` reads it. Istio has each client certificate validated before certgate sees it, hence
  # `chain: listener`.
  pluginConfig:
    {{registry}}
"#;

const EXTENSION: &str = r#"# The filter, by an EnvoyFilter: with a vm_id of its own, and FAIL_RELOAD. Envoy takes its configuration from istiod by
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

const EARLY: &str = r#"---
# The belt, part one: should certgate ever be skipped, nobody's word about themselves gets past it. Before any filter, the
# proxy removes all headers that are certgate's; it forwards no certificate that another named, and takes paths and header
# names in one spelling only.
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: {{name}}-belt
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
            # Many a service reads x_client_alias as x-client-alias. Where callers need such names, take this out: certgate
            # removes look-alikes itself, but the belt then does not.
            common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}
            early_header_mutation_extensions:
              - name: envoy.http.early_header_mutation.header_mutation
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation
                  mutations:
                    {{mutations}}
    {{rbac}}
"#;

const RBAC: &str = r#"# Some rules match by wildcards, and those of an AuthorizationPolicy take more than certgate's do. This is the same
# belt to the letter, behind it.
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
      name: {{name}}-belt
      typed_config:
        {{filter}}
"#;

const AUTHORIZATION: &str = r#"---
# The belt, part two: what certgate let through has an alias, or needs none; nothing else gets through. On ports that are
# not HTTP to Istio it denies everything.
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: {{name}}-belt
  namespace: {{namespace}}
  {{dry_run}}
spec:
  {{selector}}
  action: DENY
  rules:
    {{rules}}
"#;

const NO_SECOND_PART: &str = "\
---
# There is no second part of the belt: without an alias header (`headers.alias: null`) nothing tells that certgate was
# skipped.
";

const NOTHING_TO_DENY: &str = "\
---
# There is no second part of the belt: by its rules, every request may go without a client.
";

const PEER: &str = r#"---
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

const GATEWAY_NOTE: &str = "\
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

/// Where certgate is to be.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Placement {
    /// A gateway
    Gateway,
    /// The inbound side of sidecars
    Sidecar,
}

/// What loads the filter.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum By {
    /// Istio's own kind
    WasmPlugin,
    /// An EnvoyFilter, with a vm_id of its own
    EnvoyFilter,
}

/// What the registry does not say.
pub(super) struct Place<'a> {
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
    pub(super) labels: Vec<(String, String)>,
    pub(super) placement: Placement,
    pub(super) by: By,
    pub(super) image: &'a str,
    pub(super) sha256: &'a str,
}

/// The manifests, and what is to be said of them.
pub(super) fn manifests(
    registry: &Registry,
    belt: &Belt,
    policy: &Policy,
    place: &Place<'_>,
) -> Result<(String, Vec<String>), Problem> {
    let mut warnings = Vec::new();
    let labels: Value = place.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let match_labels = yaml(&json!({"selector": {"matchLabels": labels}}))?;
    let workload = yaml(&json!({"workloadSelector": {"labels": labels}}))?;
    let (context, direction) = match place.placement {
        Placement::Gateway => ("GATEWAY", ""),
        Placement::Sidecar => ("SIDECAR_INBOUND", "# Requests to the workload, and none that it makes.\nmatch:\n  - mode: SERVER"),
    };
    let forward = match policy.identity.source {
        Source::Connection => "SANITIZE_SET",
        Source::Xfcc(_) => "FORWARD_ONLY",
    };
    let mutations = yaml(&belt.removed.iter().map(|name| json!({"remove": name})).collect::<Vec<_>>())?;
    let (name, namespace, image) = (scalar(place.name), scalar(place.namespace), scalar(&oci(place.image)));
    let sha256 = json!(place.sha256).to_string();
    let registry = yaml(registry)?;
    let common = |selector| {
        vec![("name", name.as_str()), ("namespace", &namespace), ("selector", selector), ("context", context)]
    };
    let with = |selector, more: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        common(selector).into_iter().chain(more.iter().copied()).map(|(key, value)| (key, value.to_owned())).collect()
    };
    let filled = |template: &str, values: Vec<(&'static str, String)>| {
        let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        fill(template, &values)
    };
    let place_words = match place.placement {
        Placement::Gateway => "an Istio gateway",
        Placement::Sidecar => "Istio's sidecars",
    };
    let mut text = fill(HEAD, &[("where", place_words)]);
    let (template, selector) = match place.by {
        By::WasmPlugin => (WASM_PLUGIN, &match_labels),
        By::EnvoyFilter => (EXTENSION, &workload),
    };
    let values = [("image", image.as_str()), ("sha256", &sha256), ("direction", direction), ("registry", &registry)];
    text += &filled(template, with(selector, &values));
    let denied = denied(belt);
    let exact = match rbac(belt).filter(|_| !denied.is_exact) {
        Some(filter) => filled(RBAC, with("", &[("filter", &yaml(&filter)?)])),
        None => String::new(),
    };
    let values = [("forward", forward), ("mutations", &mutations), ("rbac", exact.trim_end())];
    text += &filled(EARLY, with(&workload, &values));
    match &belt.alias {
        None => text += NO_SECOND_PART,
        Some(_) if denied.operations.is_empty() => text += NOTHING_TO_DENY,
        Some(alias) => {
            let when = json!([{"key": format!("request.headers[{alias}]"), "notValues": ["*"]}]);
            let to: Vec<_> = denied.operations.iter().map(|operation| json!({"operation": operation})).collect();
            let rule = match denied.operations.iter().any(is_everywhere) {
                true => json!({"when": when}),
                false => json!({"to": to, "when": when}),
            };
            let dry_run = match belt.shadow {
                true => "# The registry says `mode: shadow`, so this refuses nothing and only counts.\n\
                         annotations: {istio.io/dry-run: \"true\"}",
                false => "",
            };
            let rules = yaml(&json!([rule]))?;
            text += &filled(AUTHORIZATION, with(&match_labels, &[("dry_run", dry_run), ("rules", &rules)]));
            warnings.extend(denied.unsaid.iter().map(|name| {
                format!("{name}: an AuthorizationPolicy cannot say this, so the belt lets nobody through here without a client")
            }));
        }
    }
    match place.placement {
        Placement::Sidecar => text += &filled(PEER, with(&match_labels, &[])),
        Placement::Gateway => text += GATEWAY_NOTE,
    }
    if policy.rules.rules().iter().any(|rule| rule.bound_token) {
        warnings.push("bound_token: Istio's RequestAuthentication does not leave tokens where certgate looks for them (`payload_in_metadata: certgate`), so these rules refuse everybody unless a jwt_authn filter of yours does".to_owned());
    }
    Ok((text, warnings))
}

/// Istio takes an image without a scheme for one too; with it nobody has to know.
fn oci(image: &str) -> String {
    if image.contains("://") { image.to_owned() } else { format!("oci://{image}") }
}
