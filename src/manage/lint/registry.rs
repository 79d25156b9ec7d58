//! The registry that a certgate has: the one that is given, or else the one in its `configuration`.

use super::files::{Files, Located, path};
use super::finding::Report;
use super::subject::Certgate;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;
use crate::load::{self, Loaded};
use certgate_core::config;
use certgate_core::domain::identity::Chain;
use certgate_core::domain::policy::Policy;
use data_encoding::BASE64;
use std::sync::Arc;

/// The policy of a registry that is given as a file of its own. What is rendered from a registry without `chain` has
/// `chain: listener`.
pub(super) fn given(registry: &Loaded<'_>) -> Arc<Policy> {
    let mut policy = registry.policy.clone();
    let identity = registry.document.root().get("identity");
    if identity.and_then(|identity| identity.get("chain")).is_none() {
        policy.identity.chain = Chain::Listener;
    }
    Arc::new(policy)
}

/// The policy of a certgate, with findings about the registry in its plugin; `None` if it cannot be read.
pub(super) fn policy<'f>(
    certgate: &Certgate<'f>,
    files: Files<'f>,
    given: Option<&Arc<Policy>>,
    report: &mut Report<'_, 'f>,
) -> Option<Arc<Policy>> {
    let written = match &certgate.plugin {
        Some(Located { source, place }) => written(place, &mut report.about(*source)),
        None => {
            if given.is_none() {
                unknown(certgate, files, report);
            }
            None
        }
    };
    given.cloned().or(written)
}

/// The policy of the registry in a plugin, with findings about it.
fn written<'f>(plugin: &Place<'f>, report: &mut Report<'_, 'f>) -> Option<Arc<Policy>> {
    let Some(configuration) = plugin.get("configuration") else {
        let message = "the plugin has no `configuration`, and certgate refuses to start without a registry";
        let help = "put the registry there, as `certgate render envoy` does";
        report.error(Code::NoConfiguration, plugin, message, help);
        return None;
    };
    let value = configuration.get("value")?;
    let bytes = match (configuration.message()?, value.node.as_str()) {
        ("Struct", _) => {
            let policy = load::policy(report.source().document, value.node);
            return policy.map_err(|errors| errors.into_iter().for_each(|error| report.push(error))).ok().map(Arc::new);
        }
        ("StringValue", Some(text)) => text.as_bytes().to_vec(),
        ("BytesValue", Some(text)) => BASE64.decode(text.as_bytes()).ok()?,
        _ => return None,
    };
    match config::read(&bytes) {
        Ok(policy) => Some(Arc::new(policy)),
        Err(errors) => {
            for error in errors.iter() {
                let span = report.source().document.span(value.node);
                let diagnostic = Diagnostic::error(Code::from(&error.problem), error.problem.to_string());
                report.push(diagnostic.at(&error.path, Some(span)));
            }
            None
        }
    }
}

/// The warning that the registry is in no file that was read.
fn unknown<'f>(certgate: &Certgate<'f>, files: Files<'f>, report: &mut Report<'_, 'f>) {
    let source = certgate.filter.place.at(&["config_discovery", "config_source"]);
    if source.as_ref().is_some_and(|source| files.file(source).is_some()) {
        return;
    }
    let message = match source.as_ref().and_then(path) {
        Some(path) => {
            format!("{path} cannot be read from here, so the registry and the plugin's settings are not checked")
        }
        None => "the registry is not in this file, so what depends on it is not checked".to_owned(),
    };
    let help = "name the registry: `--registry FILE`";
    report.warning(Code::UnknownRegistry, &certgate.filter.place, message, help);
}
