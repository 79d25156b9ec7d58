//! Access logs: the reasons of failed handshakes, and certgate's fields in the lines of requests.

use super::plan::{Plan, Spot};
use crate::diagnostic::code::Code;
use crate::edit::Edit;
use crate::envoy_file::Place;
use crate::path::Path;

/// The command operator that tells why a handshake failed.
const REASON: &str = "DOWNSTREAM_TRANSPORT_FAILURE_REASON";

/// The filter state that tells why certgate refused a request.
const DECISION: &str = "wasm.certgate.reason";

/// The fields that tell certgate's decision.
const FIELDS: [&str; 5] =
    ["certgate.client.alias", "certgate.tier", "certgate.reason", "certgate.cause", "certgate.limits"];

/// A listener's log of handshakes that failed.
pub(super) fn of_listener(plan: &mut Plan<'_>, listener: &Path) {
    let Some(model) = plan.model.listener() else { return };
    if !plan.ensure(listener, &model, "access_log") {
        return;
    }
    let Some(logs) = plan.at(listener).and_then(|listener| listener.get("access_log")) else { return };
    let tells = |place: &Place<'_>| place.node.as_str().is_some_and(|text| text.contains(REASON));
    if logs.walk().iter().any(tells) {
        return;
    }
    let (list, index) = (logs.path.clone(), logs.node.items().len());
    for (more, log) in model.list("access_log").iter().enumerate() {
        let value = plan.model.of_item(log.node);
        plan.make(Edit::Item { list: list.clone(), index: index.saturating_add(more), value });
    }
}

/// certgate's decision in an HTTP connection manager's log: in fields of JSON lines. Beside a log of another format,
/// requests that did not go upstream get a line of their own.
pub(super) fn of_manager(plan: &mut Plan<'_>, manager: &Path) {
    let Some(model) = plan.model.manager() else { return };
    if !plan.ensure(manager, &model, "access_log") {
        let Some(spot) = plan.at(manager).as_ref().map(Spot::of) else { return };
        return plan.note(Code::Changed, &spot, "an access log is added: a line for each request on standard output");
    }
    let Some(list) = plan.at(manager).and_then(|manager| manager.get("access_log")) else { return };
    let (path, index) = (list.path.clone(), list.node.items().len());
    let formats: Vec<_> = list.items().filter_map(|log| json_format(&log)).map(|format| format.path).collect();
    let logs = model.list("access_log");
    let Some(model) = logs.first().and_then(json_format) else { return };
    for format in formats {
        FIELDS.iter().for_each(|field| add(plan, &format, &model, field));
    }
    let tells = |place: &Place<'_>| place.node.as_str().is_some_and(|text| text.contains(DECISION));
    let is_told = plan.at(&path).is_some_and(|list| list.walk().iter().any(tells));
    if let (false, Some(refused)) = (is_told, logs.last()) {
        plan.make(Edit::Item { list: path, index, value: plan.model.of_item(refused.node) });
    }
}

fn json_format<'d>(log: &Place<'d>) -> Option<Place<'d>> {
    log.at(&["typed_config", "log_format", "json_format"])
}

/// Adds a field as the last one, if it is not there.
fn add<'s>(plan: &mut Plan<'s>, format: &Path, model: &Place<'s>, field: &str) {
    let is_there = plan.at(format).is_none_or(|format| format.node.get(field).is_some());
    if let (false, Some(entry)) = (is_there, model.entry(field)) {
        let (map, key) = (format.clone(), field.to_owned());
        plan.make(Edit::Entry { map, key, after: None, value: plan.model.of_entry(entry) });
    }
}
