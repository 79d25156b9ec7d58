//! Istio: manifests for a gateway or for the sidecars of a workload.

use super::authorization::{denied, is_everywhere};
use super::bound_token;
use super::guard::{Guard, narrower};
use super::header_mutations::header_mutations;
use super::rbac::rbac;
use super::stats_tags::stats_tags;
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
    /// The proxies that they are for.
    pub proxies: Proxies<'a>,
    /// The kind of these proxies.
    pub placement: Placement,
    /// The object that loads the filter.
    pub loader: Loader,
    /// The module's image.
    pub image: &'a str,
    /// The image's digest, 64 hexadecimal digits.
    pub sha256: &'a str,
    /// The Secret with the credentials that pull the image, for a WasmPlugin.
    pub pull_secret: Option<&'a str>,
    /// The Gateway's credential.
    pub credential: &'a str,
    /// The path and the content of the file with the authorities that sign clients' certificates, for a Secret of them.
    pub trusted_ca: Option<(&'a str, &'a [u8])>,
}

/// The proxies that objects are for, within the objects' namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies<'a> {
    /// The proxies of the pods with these labels.
    Labels(&'a [(String, String)]),
    /// The proxies of the Gateway of the Gateway API that has this name.
    Gateway(&'a str),
}

impl Proxies<'_> {
    /// The selector of an object, under this field and with the labels in this one if there are labels.
    fn selector(self, field: &str, labels_in: &str) -> Value {
        match self {
            Self::Labels(labels) => {
                let labels: Value = labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
                json!({field: {labels_in: labels}})
            }
            Self::Gateway(name) => {
                json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name}]})
            }
        }
    }
}

/// The manifests, with these authorities as PEM text. Adds warnings about them to `warnings`.
pub(super) fn manifests(
    registry: &Node,
    guard: &Guard<'_>,
    policy: &Policy,
    options: &IstioOptions<'_>,
    authorities: Option<String>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<String, TemplateError> {
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
            ("selector", yaml(&options.proxies.selector("selector", "matchLabels"))?.into()),
            ("workload_selector", yaml(&options.proxies.selector("workloadSelector", "labels"))?.into()),
            ("context", if is_sidecar { "SIDECAR_INBOUND" } else { "GATEWAY" }.into()),
            ("is_sidecar", is_sidecar.into()),
            ("by_envoy_filter", (options.loader == Loader::EnvoyFilter).into()),
            ("image", with_scheme(options.image).into()),
            ("sha256", options.sha256.into()),
            ("pull_secret", options.pull_secret.into()),
            ("is_gateway_api", matches!(options.proxies, Proxies::Gateway(_)).into()),
            ("credential", options.credential.into()),
            ("cacert", format!("{}-cacert", options.credential).into()),
            ("authorities", authorities.into()),
            ("stats", format!("{}-stats", options.name).into()),
            ("stats_tags", stats_tags().into()),
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
