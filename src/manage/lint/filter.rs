//! certgate as an HTTP filter: whether Envoy calls it, and from where it takes the configuration.

use super::files::{Files, Located};
use super::finding::Report;
use super::plugin::check_plugin;
use super::subject::Certgate;
use super::value::is_true;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;

/// The findings about the HTTP filter.
pub(super) fn check<'f>(certgate: &Certgate<'f>, files: Files<'f>, report: &mut Report<'_, 'f>) {
    let filter = &certgate.filter.place;
    if is_true(filter, "disabled") {
        let message = "Envoy calls certgate on no route that does not switch it on: certgate stops no request";
        report.error(Code::FilterDisabled, filter, message, "remove `disabled: true`");
    }
    if is_true(filter, "is_optional") {
        let message = "an Envoy without Wasm starts without certgate, and says nothing: certgate stops no request";
        report.error(Code::FilterOptional, filter, message, "remove `is_optional: true`");
    }
    if let Some(discovery) = filter.get("config_discovery") {
        check_discovery(certgate, &discovery, files, report);
    }
}

fn check_discovery<'f>(certgate: &Certgate<'f>, discovery: &Place<'f>, files: Files<'f>, report: &mut Report<'_, 'f>) {
    if let Some(default) = discovery.get("default_config") {
        match default.get("config").filter(|_| default.message() == Some("Wasm")) {
            Some(plugin) => check_plugin(&plugin, None, report),
            None => {
                let message = "Envoy calls this filter instead of certgate while it has no configuration for certgate: \
                               certgate stops no request";
                report.error(Code::DefaultConfig, &default, message, "remove `default_config`");
            }
        }
    }
    let Some(source) = discovery.get("config_source") else { return };
    check_watch(&source, "the registry", report);
    let file = files.file(&source).filter(|_| certgate.plugin.is_none());
    if let Some(Located { source, place }) = file {
        let message = format!(
            "no resource here is called {} and configures a Wasm filter, so Envoy answers 500 to every request",
            certgate.name()
        );
        let help = "give the resource the name of the HTTP filter: `certgate render ecds` prints the file";
        report.about(source).error(Code::NoSuchResource, &place, message, help);
    }
}

/// A warning if Envoy does not notice a file that is replaced by another target of a symbolic link, as Kubernetes does.
pub(super) fn check_watch<'f>(source: &Place<'f>, what: &str, report: &mut Report<'_, 'f>) {
    let file = source.get("path_config_source");
    let watched = file.as_ref().is_some_and(|file| file.get("watched_directory").is_some());
    if !watched && (file.is_some() || source.text("path").is_some()) {
        let message = format!(
            "Envoy watches {what} at its own path alone: it does not notice a new file behind a symbolic link, as \
             Kubernetes puts one there"
        );
        let help = "use `path_config_source` with `watched_directory: {path: FOLDER}`, the folder of the file";
        report.warning(Code::NotWatched, source, message, help);
    }
}
