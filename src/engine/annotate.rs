//! What a request says about its caller when it goes on: nothing but what certgate found out.

use super::Engine;
use super::host::{Headers, Host, HostFailure};
use super::identify::Caller;
use super::rate_limit;
use super::verdict::Verdict;
use crate::domain::headers::LIMIT_WARNING;
use crate::domain::mode::Mode;

impl Engine {
    /// Sets the identity headers on a request that goes on under its client's name.
    pub(super) fn annotate<'e>(&self, host: &impl Host, verdict: Verdict<'e>) -> Verdict<'e> {
        let named = match &verdict {
            Verdict::Allowed { caller, .. } => Some(caller),
            Verdict::Throttled { caller, .. } if self.policy.mode == Mode::Shadow => Some(caller),
            _ => None,
        };
        let Some(caller) = named else { return verdict };
        match self.set_identity(host, caller).and_then(|()| set_warning(host, &verdict)) {
            Ok(()) => verdict,
            Err(HostFailure(_)) => Verdict::Unsendable,
        }
    }

    fn set_identity(&self, headers: &impl Headers, caller: &Caller<'_>) -> Result<(), HostFailure> {
        let (names, entry) = (&self.policy.headers, &caller.entry);
        let values = [
            (&names.alias, entry.client.alias.as_bytes()),
            (&names.tier, entry.tier.name.as_str().as_bytes()),
            (&names.fingerprint, &caller.digits),
        ];
        let switched_on = values.into_iter().filter_map(|(name, value)| Some((name.as_deref()?, value)));
        switched_on.into_iter().try_for_each(|(name, value)| headers.set(name, value))
    }
}

/// Tells the upstream which of the caller's limits are nearly used up, or are and do not stop it.
fn set_warning(headers: &impl Headers, verdict: &Verdict<'_>) -> Result<(), HostFailure> {
    let Some((caller, draw)) = verdict.draw() else { return Ok(()) };
    match rate_limit::warning(&caller.entry.tier.limits, draw) {
        Some(warning) => headers.set(LIMIT_WARNING, warning.as_bytes()),
        None => Ok(()),
    }
}
