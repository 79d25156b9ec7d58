//! Istio: manifests for a gateway or for the sidecars of a workload.

use super::authorization::{denied, is_everywhere};
use super::bound_token;
use super::guard::{Guard, narrower};
use super::header_mutations::header_mutations;
use super::rbac::rbac;
use super::template::{TemplateError, filled, yaml};
use crate::diagnostic::Diagnostic;
use crate::load::tree::Node;
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("templates/istio.yaml");

/// The proxies that certgate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The proxies of a gateway.
    Gateway,
    /// The sidecars of a workload, for requests to it.
    Sidecar,
}

/// The object that loads the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loader {
    /// A WasmPlugin.
    WasmPlugin,
    /// An EnvoyFilter, with a vm_id of its own.
    EnvoyFilter,
}

/// The values of manifests that the registry does not have.
pub struct IstioOptions<'a> {
    /// The name of the objects.
    pub name: &'a str,
    /// The namespace of the objects.
    pub namespace: &'a str,
    /// The labels of the pods whose proxies they are for.
    pub labels: &'a [(String, String)],
    /// The kind of these proxies.
    pub placement: Placement,
    /// The object that loads the filter.
    pub loader: Loader,
    /// The module's image.
    pub image: &'a str,
    /// The image's digest, 64 hexadecimal digits.
    pub sha256: &'a str,
}

/// The manifests. Adds warnings about them to `warnings`.
pub(super) fn manifests(
    registry: &Node,
    guard: &Guard<'_>,
    policy: &Policy,
    options: &IstioOptions<'_>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<String, TemplateError> {
    let labels: Value = options.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let is_sidecar = options.placement == Placement::Sidecar;
    let forward = match policy.identity.source {
        Source::Connection => "SANITIZE_SET",
        Source::Xfcc(_) => "FORWARD_ONLY",
    };
    let denied = denied(guard);
    let rbac = rbac(guard).filter(|_| !denied.is_exact).as_ref().map(yaml).transpose()?;
    let rules = match guard.alias.as_deref().filter(|_| !denied.operations.is_empty()) {
        Some(alias) => {
            warnings.extend(denied.unsaid.iter().map(|rule| {
                let message = "an AuthorizationPolicy cannot express this rule, so the guard refuses requests without a \
                               client that the rule lets through";
                narrower(*rule, message)
            }));
            let when = json!([{"key": format!("request.headers[{alias}]"), "notValues": ["*"]}]);
            let to: Vec<_> = denied.operations.iter().map(|operation| json!({"operation": operation})).collect();
            let rule = match denied.operations.iter().any(is_everywhere) {
                true => json!({"when": when}),
                false => json!({"to": to, "when": when}),
            };
            Some(yaml(&json!([rule]))?)
        }
        None => None,
    };
    let message = "Istio's RequestAuthentication does not put tokens where certgate looks for them \
                       (`payload_in_metadata: certgate`), so this rule refuses every request";
    let mend = "add a jwt_authn filter that puts them there";
    warnings.extend(bound_token(policy, message, mend));
    filled(
        TEMPLATE,
        &[
            ("name", options.name.into()),
            ("guard", format!("{}-guard", options.name).into()),
            ("namespace", options.namespace.into()),
            ("selector", yaml(&json!({"selector": {"matchLabels": labels}}))?.into()),
            ("workload_selector", yaml(&json!({"workloadSelector": {"labels": labels}}))?.into()),
            ("context", if is_sidecar { "SIDECAR_INBOUND" } else { "GATEWAY" }.into()),
            ("is_sidecar", is_sidecar.into()),
            ("by_envoy_filter", (options.loader == Loader::EnvoyFilter).into()),
            ("image", with_scheme(options.image).into()),
            ("sha256", options.sha256.into()),
            ("registry", yaml(registry)?.into()),
            ("forward", forward.into()),
            ("mutations", yaml(&header_mutations(guard))?.into()),
            ("rbac", rbac.into()),
            ("has_alias", guard.alias.is_some().into()),
            ("rules", rules.into()),
            ("shadow", guard.shadow.into()),
        ],
    )
}

/// The image with its scheme. Istio reads an image without a scheme as `oci://`; the manifest says so.
fn with_scheme(image: &str) -> String {
    if image.contains("://") { image.to_owned() } else { format!("oci://{image}") }
}
