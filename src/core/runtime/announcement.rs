//! The log lines about a configuration that becomes active.

use super::overdue::Overdue;
use crate::domain::mode::Mode;
use crate::domain::policy::Policy;
use crate::domain::time::UnixSeconds;
use crate::telemetry::log::{Level, Log};

/// Logs the size of the configuration with this `generation`, and what an operator should know of it.
pub(super) fn announce(policy: &Policy, generation: u64, now: UnixSeconds, log: &impl Log) {
    let registry = &policy.registry;
    let (clients, credentials, tiers) =
        (registry.clients().client_count(), registry.clients().credential_count(), registry.tiers().len());
    log.log(
        Level::Info,
        format_args!(
            "configuration {generation} is active: {clients} clients, {credentials} credentials, {tiers} tiers"
        ),
    );
    if policy.mode == Mode::Shadow {
        log.log(Level::Warn, format_args!("configuration {generation} is in shadow mode: certgate enforces nothing"));
    }
    if !registry.shapes().is_empty() {
        log.log(
            Level::Info,
            format_args!("configuration {generation}: names in certificates count {}", policy.identity.chain),
        );
    }
    let overdue = Overdue::among(&policy.revocation_lists, |crl| crl.is_overdue(now));
    if !overdue.is_empty() {
        log.log(Level::Warn, format_args!("configuration {generation}: {overdue}"));
    }
}
