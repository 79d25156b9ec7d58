//! Envoy Gateway: manifests for one Gateway.

use super::bound_token;
use super::cel::{expression, is_taken, literal};
use super::guard::{Guard, narrower};
use super::stats_tags::stats_tags;
use super::template::{TemplateError, filled, yaml};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::load::tree::Node;
use certgate_core::domain::identity::Source;
use certgate_core::domain::policy::Policy;
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("templates/envoy-gateway.yaml");

/// The longest expression that Envoy Gateway takes.
const LONGEST_EXPRESSION: usize = 4096;

/// The values of manifests that the registry does not have.
pub struct EnvoyGatewayOptions<'a> {
    /// The name of the objects.
    pub name: &'a str,
    /// The namespace of the objects.
    pub namespace: &'a str,
    /// The Gateway's name.
    pub gateway: &'a str,
    /// The ConfigMap with the certificates of the authorities that sign clients' certificates, in `ca.crt`.
    pub client_ca: &'a str,
    /// The path and the content of the file with these certificates, if the ConfigMap is to be made.
    pub trusted_ca: Option<(&'a str, &'a [u8])>,
    /// The module's image.
    pub image: &'a str,
    /// The image's digest, 64 hexadecimal digits.
    pub sha256: &'a str,
    /// The Secret with the credentials that pull the image.
    pub pull_secret: Option<&'a str>,
}

/// The manifests, with these authorities as PEM text. Adds warnings about them to `warnings`.
pub(super) fn manifests(
    registry: &Node,
    guard: &Guard<'_>,
    policy: &Policy,
    options: &EnvoyGatewayOptions<'_>,
    authorities: Option<String>,
    warnings: &mut Vec<Diagnostic>,
) -> Result<String, TemplateError> {
    let forward = match policy.identity.source {
        Source::Connection => "Sanitize",
        Source::Xfcc(_) => "ForwardOnly",
    };
    let look_alike = |regex: &String| json!({"type": "RegularExpression", "value": regex});
    let look_alikes: Vec<_> = guard.look_alikes.iter().map(look_alike).collect();
    let rules = match &guard.alias {
        Some(alias) if !guard.shadow => yaml(&rules(guard, alias, warnings))?,
        _ => String::new(),
    };
    if guard.alias.is_some() && guard.shadow {
        let message = "a SecurityPolicy has no shadow mode, so the guard has no second part";
        warnings.push(Diagnostic::warning(Code::GuardWithoutShadow, message).at("mode", None));
    }
    let message = "certgate looks for tokens under the name of a JWT provider `certgate`";
    let mend = "give the JWT provider of a SecurityPolicy that name; that policy must have the guard's rules too";
    warnings.extend(bound_token(policy, message, mend));
    filled(
        TEMPLATE,
        &[
            ("name", options.name.into()),
            ("namespace", options.namespace.into()),
            ("gateway", options.gateway.into()),
            // Envoy Gateway puts the scheme before the image itself.
            ("image", options.image.trim_start_matches("oci://").into()),
            ("sha256", options.sha256.into()),
            ("registry", yaml(registry)?.into()),
            ("pull_secret", options.pull_secret.into()),
            ("client_ca", options.client_ca.into()),
            ("authorities", authorities.into()),
            ("stats_tags", stats_tags().into()),
            ("forward", forward.into()),
            ("removed", yaml(&guard.removed)?.into()),
            ("look_alikes", yaml(&look_alikes)?.into()),
            ("has_alias", guard.alias.is_some().into()),
            ("shadow", guard.shadow.into()),
            ("rules", rules.into()),
        ],
    )
}

/// The rules of a SecurityPolicy, which allow: requests with a client, and the guard's exceptions.
fn rules(guard: &Guard<'_>, alias: &str, warnings: &mut Vec<Diagnostic>) -> Vec<Value> {
    let mut rules = vec![json!({
        "name": "identified",
        "action": "Allow",
        "cel": format!("{} in request.headers", literal(alias)),
    })];
    for exception in &guard.exceptions {
        let cel = expression(&exception.condition);
        if cel.len() > LONGEST_EXPRESSION || !is_taken(&exception.condition) {
            let message = "the condition of this rule is too long for Envoy Gateway, so the guard refuses requests without \
                           a client that the rule lets through";
            warnings.push(narrower(exception.rule, message));
        } else {
            rules.push(json!({"name": exception.name, "action": "Allow", "cel": cel}));
        }
    }
    rules
}
