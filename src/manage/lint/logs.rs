//! Access logs and metrics: whether they say what certgate has to say.

use super::finding::Report;
use super::subject::Around;
use super::value::has_text;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;

/// The labels of certgate's metrics.
const LABELS: [&str; 6] = ["decision", "reason", "tier", "alias", "limit", "credential"];

/// The findings about the access logs of a connection manager and its listener.
pub(super) fn check<'f>(around: &Around<'f>, report: &mut Report<'_, 'f>) {
    let manager = &around.manager.place;
    if !logs(manager, "wasm.certgate.reason") {
        let message = "the access log of requests does not say why certgate refused one";
        let help = "log `%FILTER_STATE(wasm.certgate.reason:PLAIN)%`";
        report.warning(Code::AccessLog, manager, message, help);
    }
    let listener = &around.listener.place;
    if !logs(listener, "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%") {
        let message = "no log of connections says why a TLS handshake failed, and a client whose handshake fails sends \
                       no request";
        let help = "log `%DOWNSTREAM_TRANSPORT_FAILURE_REASON%` in the `access_log` of the listener";
        report.warning(Code::HandshakeLog, listener, message, help);
    }
}

/// Whether the `access_log` of a listener or connection manager has this text.
fn logs(message: &Place<'_>, text: &str) -> bool {
    message.get("access_log").is_some_and(|log| has_text(log.node, &|format| format.contains(text)))
}

/// A warning about labels of metrics that no `stats_tags` of a bootstrap takes out of their names.
pub(super) fn check_stats_tags<'f>(root: &Place<'f>, report: &mut Report<'_, 'f>) {
    if root.get("resources").is_some() {
        return;
    }
    let tags = root.at(&["stats_config", "stats_tags"]);
    let takes = |label: &str| {
        let label = format!(";{label}=");
        tags.as_ref().is_some_and(|tags| has_text(tags.node, &|regex| regex.replace('\\', "").contains(&label)))
    };
    let missing: Vec<&str> = LABELS.into_iter().filter(|label| !takes(label)).collect();
    if !missing.is_empty() {
        let message = format!("certgate's metrics have these labels in their names: {}", missing.join(", "));
        let help = "add `stats_config.stats_tags`: `certgate render envoy` prints them";
        report.warning(Code::StatsTags, &tags.unwrap_or_else(|| root.clone()), message, help);
    }
}
