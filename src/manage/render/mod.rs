//! Rendering: the files that a platform loads, made from a registry. Each platform has a file of its own. This file must
//! not know the text of any manifest.

mod authorities;
mod authorization;
mod cel;
mod condition;
pub mod envoy;
mod envoy_crl;
pub mod envoy_gateway;
mod guard;
mod header_mutations;
pub mod istio;
mod look_alikes;
mod match_condition;
mod rbac;
mod stats_tags;
mod template;

use super::diagnostic::Diagnostic;
use super::diagnostic::code::Code;
use super::load::Loaded;
use super::load::document::Document;
use super::load::tree::{Entry, Form, Node, Value};
use certgate_core::domain::policy::Policy;
use certgate_core::domain::time::UnixSeconds;
use envoy::{EnvoyOptions, TrustedCa};
use envoy_gateway::EnvoyGatewayOptions;
use guard::Guard;
use istio::IstioOptions;
use serde_json::Value as Json;
use template::TemplateError;

/// The most bytes of an object that Kubernetes stores.
const LARGEST_OBJECT: usize = 1_500_000;

/// A file that a platform loads.
pub struct Rendered {
    /// The text of the file.
    pub text: String,
    /// Warnings about the file.
    pub warnings: Vec<Diagnostic>,
}

/// A bootstrap for Envoy.
///
/// # Errors
///
/// Envoy cannot be given the registry's revocation lists, or the text cannot be made.
pub fn envoy(registry: &Loaded<'_>, options: &EnvoyOptions<'_>, now: UnixSeconds) -> Result<Rendered, Vec<Diagnostic>> {
    let guard = guard::guard(&registry.policy);
    let crl = match options.trusted_ca {
        TrustedCa::Pem { file, envoy_crl: Some(pem) } => {
            Some(envoy_crl::envoy_crl(&registry.document, file, pem, now)?)
        }
        _ => None,
    };
    let text = envoy::bootstrap(&written(registry), &guard, &registry.policy, options, crl.as_ref());
    let warnings = crl.and_then(|crl| crl.warning()).into_iter().collect();
    finish(text, warnings, &guard, &registry.document)
}

/// The authorities in the PEM file at this path as a file that Envoy watches (SDS).
///
/// # Errors
///
/// The text cannot be made.
pub fn sds(trusted_ca: &str) -> Result<Rendered, Vec<Diagnostic>> {
    let text = envoy::authorities(trusted_ca, None).map_err(|problem| vec![impossible(&problem)])?;
    Ok(Rendered { text, warnings: Vec::new() })
}

/// [`sds`] with the revocation lists of the registry too. `pem` is the content of the file.
///
/// # Errors
///
/// Envoy cannot be given the registry's revocation lists, or the text cannot be made.
pub fn sds_with_crl(
    registry: &Loaded<'_>,
    trusted_ca: &str,
    pem: &[u8],
    now: UnixSeconds,
) -> Result<Rendered, Vec<Diagnostic>> {
    let crl = envoy_crl::envoy_crl(&registry.document, trusted_ca, pem, now)?;
    let text = envoy::authorities(trusted_ca, Some(&crl)).map_err(|problem| vec![impossible(&problem)])?;
    Ok(Rendered { text, warnings: crl.warning().into_iter().collect() })
}

/// The registry as a file that Envoy watches (ECDS), for the module at this path.
///
/// # Errors
///
/// The text cannot be made.
pub fn ecds(registry: &Loaded<'_>, module: &str) -> Result<Rendered, Vec<Diagnostic>> {
    let guard = guard::guard(&registry.policy);
    finish(envoy::watched(&written(registry), module), Vec::new(), &guard, &registry.document)
}

/// Manifests for an Istio gateway or sidecars.
///
/// # Errors
///
/// The file of authorities has none, or the text cannot be made.
pub fn istio(registry: &Loaded<'_>, options: &IstioOptions<'_>) -> Result<Rendered, Vec<Diagnostic>> {
    let guard = guard::guard(&registry.policy);
    let authorities = authorities_alone(options.trusted_ca)?;
    let mut warnings = Vec::new();
    let text = istio::manifests(&written(registry), &guard, &registry.policy, options, authorities, &mut warnings);
    finish_object(text, warnings, &guard, &registry.document)
}

/// Manifests for a Gateway of Envoy Gateway.
///
/// # Errors
///
/// The file of authorities has none, or the text cannot be made.
pub fn envoy_gateway(registry: &Loaded<'_>, options: &EnvoyGatewayOptions<'_>) -> Result<Rendered, Vec<Diagnostic>> {
    let guard = guard::guard(&registry.policy);
    let authorities = authorities_alone(options.trusted_ca)?;
    let mut warnings = Vec::new();
    let text =
        envoy_gateway::manifests(&written(registry), &guard, &registry.policy, options, authorities, &mut warnings);
    finish_object(text, warnings, &guard, &registry.document)
}

/// The certificates in a file of authorities, as PEM text.
fn authorities_alone(file: Option<(&str, &[u8])>) -> Result<Option<String>, Vec<Diagnostic>> {
    let certificates = file.map(|(path, content)| authorities::certificates_alone(path, content)).transpose();
    certificates.map_err(|error| vec![error])
}

/// The guard of a policy, as Envoy's configuration says it.
pub(crate) struct EnvoyGuard {
    /// The list of `HeaderMutation` that removes certgate's headers from requests.
    pub(crate) header_mutations: Vec<Json>,
    /// The RBAC filter's configuration; `None` without an alias header.
    pub(crate) rbac: Option<Json>,
}

/// The guard of this policy.
pub(crate) fn envoy_guard(policy: &Policy) -> EnvoyGuard {
    let guard = guard::guard(policy);
    EnvoyGuard { header_mutations: header_mutations::header_mutations(&guard), rbac: rbac::rbac(&guard) }
}

/// [`finish`] for objects that Kubernetes stores.
fn finish_object(
    text: Result<String, TemplateError>,
    mut warnings: Vec<Diagnostic>,
    guard: &Guard<'_>,
    document: &Document<'_>,
) -> Result<Rendered, Vec<Diagnostic>> {
    if let Some(length) = text.as_ref().ok().map(String::len).filter(|length| *length > LARGEST_OBJECT) {
        let message = format!("{length} bytes: Kubernetes stores no object of more than {LARGEST_OBJECT}");
        warnings.push(Diagnostic::warning(Code::ObjectTooLarge, message));
    }
    finish(text, warnings, guard, document)
}

/// The text, with the guard's warnings and these, each with its place.
fn finish(
    text: Result<String, TemplateError>,
    warnings: Vec<Diagnostic>,
    guard: &Guard<'_>,
    document: &Document<'_>,
) -> Result<Rendered, Vec<Diagnostic>> {
    let text = text.map_err(|problem| vec![impossible(&problem)])?;
    let warnings = guard.warnings.iter().cloned().chain(warnings).map(|warning| document.placed(warning));
    Ok(Rendered { text, warnings: warnings.collect() })
}

fn impossible(problem: &TemplateError) -> Diagnostic {
    Diagnostic::error(Code::Template, problem.to_string())
}

/// The warning about the first rule that has `bound_token`, for a platform that does not put tokens where the rule looks
/// for them without the mend.
fn bound_token(policy: &Policy, message: &str, mend: &str) -> Option<Diagnostic> {
    let rule = policy.rules.rules().iter().position(|rule| rule.bound_token)?;
    let warning = Diagnostic::warning(Code::BoundToken, message).mended_by(mend);
    Some(warning.at(format!("rules[{rule}].bound_token"), None))
}

/// The registry as it is written into what a platform loads. Every target validates client certificates before certgate sees
/// them, and the registry says so, unless it has a `chain` of its own.
fn written(registry: &Loaded<'_>) -> Node {
    let mut root = registry.document.root().clone();
    let range = root.range.clone();
    let node = |value| Node { value, range: range.clone(), form: Form::Flow };
    let entry = |key: &str, node| Entry { key: key.to_owned(), key_range: range.clone(), node };
    let chain = entry("chain", node(Value::Text("listener".to_owned())));
    let Value::Map(entries) = &mut root.value else { return root };
    match entries.iter_mut().find(|entry| entry.key == "identity").map(|entry| &mut entry.node.value) {
        Some(Value::Map(identity)) if identity.iter().any(|entry| entry.key == "chain") => {}
        Some(Value::Map(identity)) => identity.push(chain),
        _ => entries.push(entry("identity", node(Value::Map(vec![chain])))),
    }
    root
}
