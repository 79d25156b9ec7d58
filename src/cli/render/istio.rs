//! Istio: manifests for a gateway or for the sidecars of a workload.

use super::Problem;
use super::authorization::{denied, is_everywhere};
use super::guard::Guard;
use super::header_mutations::header_mutations;
use super::istio_templates::{
    AUTHORIZATION, EARLY, EXTENSION, GATEWAY_NOTE, HEAD, NO_SECOND_PART, NOTHING_TO_DENY, NOTHING_TO_SAY, PEER, RBAC,
    WASM_PLUGIN,
};
use super::layout::{fill, scalar, yaml};
use super::rbac::rbac;
use super::registry::Registry;
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;
use serde_json::{Value, json};

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
    guard: &Guard,
    policy: &Policy,
    place: &Place<'_>,
) -> Result<(String, Vec<String>), Problem> {
    let mut warnings = Vec::new();
    let labels: Value = place.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let match_labels = yaml(&json!({"selector": {"matchLabels": labels}}))?;
    let workload = yaml(&json!({"workloadSelector": {"labels": labels}}))?;
    let (context, direction) = match place.placement {
        Placement::Gateway => ("GATEWAY", ""),
        Placement::Sidecar => {
            ("SIDECAR_INBOUND", "# Requests to the workload, and none that it makes.\nmatch:\n  - mode: SERVER")
        }
    };
    let forward = match policy.identity.source {
        Source::Connection => "SANITIZE_SET",
        Source::Xfcc(_) => "FORWARD_ONLY",
    };
    let mutations = yaml(&header_mutations(guard))?;
    let (name, namespace, image) = (scalar(place.name), scalar(place.namespace), scalar(&oci(place.image)));
    let sha256 = json!(place.sha256).to_string();
    let registry = yaml(registry)?;
    let of_the_guard = scalar(&format!("{}-guard", place.name));
    let common = |selector| {
        vec![
            ("name", name.as_str()),
            ("guard", &of_the_guard),
            ("namespace", &namespace),
            ("selector", selector),
            ("context", context),
        ]
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
    let denied = denied(guard);
    let exact = match rbac(guard).filter(|_| !denied.is_exact) {
        Some(filter) => filled(RBAC, with("", &[("filter", &yaml(&filter)?)])),
        None => String::new(),
    };
    let values = [("forward", forward), ("mutations", &mutations), ("rbac", exact.trim_end())];
    text += &filled(EARLY, with(&workload, &values));
    match &guard.alias {
        None => text += NO_SECOND_PART,
        Some(_) if denied.operations.is_empty() && denied.is_exact => text += NOTHING_TO_DENY,
        Some(_) if denied.operations.is_empty() => text += NOTHING_TO_SAY,
        Some(alias) => {
            let when = json!([{"key": format!("request.headers[{alias}]"), "notValues": ["*"]}]);
            let to: Vec<_> = denied.operations.iter().map(|operation| json!({"operation": operation})).collect();
            let rule = match denied.operations.iter().any(is_everywhere) {
                true => json!({"when": when}),
                false => json!({"to": to, "when": when}),
            };
            let dry_run = match guard.shadow {
                true => {
                    "# The registry says `mode: shadow`, so this refuses nothing and only counts.\n\
                         annotations: {istio.io/dry-run: \"true\"}"
                }
                false => "",
            };
            let rules = yaml(&json!([rule]))?;
            text += &filled(AUTHORIZATION, with(&match_labels, &[("dry_run", dry_run), ("rules", &rules)]));
            warnings.extend(denied.unsaid.iter().map(|name| {
                format!("{name}: an AuthorizationPolicy cannot say this, so the guard lets nobody through here without a client")
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
