//! certgate as a Wasm plugin: the settings in its `PluginConfig`.

use super::finding::Report;
use super::subject::Certgate;
use super::value::is_true;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;
use crate::warnings::counts_bytes;
use certgate_core::domain::policy::Policy;

/// The names of `FailurePolicy`.
const FAILURE_POLICIES: [&str; 4] = ["UNSPECIFIED", "FAIL_RELOAD", "FAIL_CLOSED", "FAIL_OPEN"];

/// The findings about the plugin, if it is in a file that was read.
pub(super) fn check<'f>(certgate: &Certgate<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    if let Some(plugin) = &certgate.plugin {
        check_plugin(&plugin.place, policy, &mut report.about(plugin.source));
    }
}

/// The findings about this `PluginConfig`.
pub(super) fn check_plugin<'f>(plugin: &Place<'f>, policy: Option<&Policy>, report: &mut Report<'_, 'f>) {
    check_failures(plugin, report);
    if is_true(plugin, "allow_on_headers_stop_iteration") {
        let message =
            "Envoy goes on with the body of a request that the module has stopped: certgate needs no such thing";
        report.warning(Code::StopIteration, plugin, message, "remove `allow_on_headers_stop_iteration`");
    }
    if plugin.at(&["vm_config", "vm_id"]).is_none_or(|id| id.node.as_str() == Some("")) {
        let message =
            "the `vm_id` is empty: every other plugin without one shares certgate's data, the limits among them";
        report.warning(Code::EmptyVmId, plugin, message, "set `vm_config: {vm_id: certgate}`");
    }
    let module = plugin.at(&["vm_config", "code", "local", "filename"]);
    let module = module.filter(|module| module.node.as_str().is_some_and(|path| path.ends_with("certgate.wasm")));
    if let (Some(module), true) = (module, policy.is_some_and(counts_bytes)) {
        let message = "the registry has limits of kind bytes, which this module refuses";
        report.error(Code::WithoutBandwidth, &module, message, "name the module certgate-bandwidth.wasm");
    }
}

fn check_failures<'f>(plugin: &Place<'f>, report: &mut Report<'_, 'f>) {
    let policy = plugin.choice("failure_policy", &FAILURE_POLICIES);
    let help = "set `failure_policy: FAIL_RELOAD`";
    let open = plugin.get("fail_open").filter(|_| is_true(plugin, "fail_open"));
    if let Some(open) = open.or_else(|| plugin.get("failure_policy").filter(|_| policy == Some("FAIL_OPEN"))) {
        let message = "certgate stops no request while the module cannot be loaded or has failed";
        report.error(Code::FailOpen, &open, message, help);
    } else if policy != Some("FAIL_RELOAD") {
        let message = "a worker on which the module has failed once answers 503 to every request until the next \
                       configuration";
        report.warning(Code::FailurePolicy, plugin, message, help);
    }
}
