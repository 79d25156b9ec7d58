//! `certgate render`: what a platform loads, made from a registry. The targets are rooms of their own; must not hold what
//! their manifests say.

mod authorization;
mod cel;
mod condition;
mod envoy;
mod envoy_crl;
mod envoy_gateway;
mod guard;
mod header_mutations;
mod istio;
mod istio_templates;
mod layout;
mod look_alikes;
mod options;
mod pattern;
mod rbac;
mod registry;

pub(super) use options::Arguments;

use super::check::{self, Accepted};
use super::time::now;
use super::{Outcome, Output, input};
use certgate_core::calendar::rfc3339;
use certgate_core::domain::policy::Policy;
use envoy_crl::EnvoyCrl;
use guard::Guard;
use options::Target;
use registry::Registry;
use std::io;

/// Kubernetes stores no object with more bytes.
const LARGEST_OBJECT: usize = 1_500_000;

/// Why nothing can be written, though the registry is right.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Yaml(#[from] serde_saphyr::ser::Error),
    #[error("Envoy cannot be given the revocation lists")]
    EnvoyCrl(Vec<String>),
}

/// Prints what the target loads, or what is wrong with the registry.
pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    let problems = arguments.problems();
    problems.iter().try_for_each(|problem| writeln!(output.err, "{problem}"))?;
    if !problems.is_empty() {
        return Ok(Outcome::Failed);
    }
    input::each(std::slice::from_ref(&arguments.file), output, |file, bytes, output| {
        let Some(accepted) = check::accepted(file, bytes, output)? else { return Ok(Outcome::Bad) };
        let (text, warnings) = match rendered(arguments, &accepted) {
            Ok(rendered) => rendered,
            Err(Problem::EnvoyCrl(problems)) => {
                problems.iter().try_for_each(|problem| writeln!(output.err, "{}: {problem}", file.display()))?;
                return Ok(Outcome::Bad);
            }
            Err(problem) => {
                writeln!(output.err, "{}: {problem}", file.display())?;
                return Ok(Outcome::Failed);
            }
        };
        for warning in warnings {
            writeln!(output.err, "{}: warning: {warning}", file.display())?;
        }
        write!(output.out, "{text}")?;
        Ok(Outcome::Good)
    })
}

/// What to print, and what is to be said of it.
fn rendered(arguments: &Arguments, Accepted { policy, json }: &Accepted) -> Result<(String, Vec<String>), Problem> {
    let document = serde_json::from_slice(json)?;
    let guard = guard::guard(policy, &document);
    let envoy_crl = arguments.envoy_crl.then(|| envoy_crl::envoy_crl(&document, &arguments.trusted_ca, now()));
    let envoy_crl = envoy_crl.transpose().map_err(Problem::EnvoyCrl)?;
    let mut registry: Registry = serde_json::from_slice(json)?;
    // Each of the targets has client certificates validated before certgate sees them.
    registry.state_that_the_listener_validates();
    let (text, more) = target(arguments, &registry, &guard, policy, envoy_crl.as_ref())?;
    let mut warnings = guard.warnings;
    if let Some(overdue) = envoy_crl.and_then(|lists| lists.overdue) {
        warnings.push(format!(
            "Envoy refuses clients in the handshake once a list is overdue, first at {}: render again before",
            rfc3339(overdue)
        ));
    }
    warnings.extend(more);
    if arguments.to.is_in_kubernetes() && text.len() > LARGEST_OBJECT {
        warnings.push(format!("{} bytes: more than Kubernetes stores in an object", text.len()));
    }
    Ok((text, warnings))
}

fn target(
    arguments: &Arguments,
    registry: &Registry,
    guard: &Guard,
    policy: &Policy,
    envoy_crl: Option<&EnvoyCrl>,
) -> Result<(String, Vec<String>), Problem> {
    let without_warnings = |text: Result<String, _>| Ok((text?, Vec::new()));
    match arguments.to {
        Target::Envoy => without_warnings(envoy::bootstrap(registry, guard, policy, &arguments.paths(), envoy_crl)),
        Target::Ecds => without_warnings(envoy::watched(registry, &arguments.module)),
        Target::Istio => istio::manifests(registry, guard, policy, &arguments.istio()),
        Target::EnvoyGateway => envoy_gateway::manifests(registry, guard, policy, &arguments.envoy_gateway()),
    }
}
