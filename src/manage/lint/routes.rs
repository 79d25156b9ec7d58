//! Routes that switch filters off, or give them another configuration.

use super::finding::Report;
use super::guard::{Expected, is_guard};
use super::subject::{Around, Certgate};
use super::value::is_true;
use crate::diagnostic::code::Code;
use crate::envoy_file::Place;
use certgate_core::domain::policy::Policy;

/// The findings about the overrides of certgate and of its guard, whose filters have the names `guards`.
pub(super) fn check<'f>(
    around: &Around<'f>,
    certgate: &Certgate<'f>,
    guards: &[&str],
    policy: Option<&Policy>,
    report: &mut Report<'_, 'f>,
) {
    for (name, value) in around.manager.overrides() {
        if name == certgate.name() && is_true(&value, "disabled") {
            let message = "Envoy does not call certgate for these requests, so they pass without a client unless a \
                           guard stops them";
            let help = "remove the override, and say in a rule of the registry who may call: `access: public`";
            report.error(Code::RouteSkipsCertgate, &value, message, help);
        }
        if guards.contains(&name) && replaces_guard(&value, policy) {
            let message = "these requests have no guard: they pass without a client if Envoy skips certgate";
            let help = "remove the override, and put what it is for into an RBAC filter of another name";
            report.error(Code::RouteSkipsGuard, &value, message, help);
        }
    }
}

/// Whether an override of the guard lets more through than the guard does.
fn replaces_guard(value: &Place<'_>, policy: Option<&Policy>) -> bool {
    let Some(expected) = Expected::of(policy) else { return false };
    let config = value.get("config").filter(|_| value.message() == Some("FilterConfig"));
    let config = config.unwrap_or_else(|| value.clone());
    let config = config.get("value").filter(|_| config.message() == Some("TypedStruct")).unwrap_or(config);
    is_true(value, "disabled")
        || match config.at(&["rbac", "rules"]) {
            Some(rules) => !is_guard(&rules, &expected) || expected.is_exceeded_by(&rules).is_some(),
            None => config.message() != Some("FilterConfig"),
        }
}
