//! What a request says about its caller when it goes on: nothing but what certgate found out.

use super::Engine;
use super::host::{Headers, Host, HostFailure};
use super::identify::Caller;
use super::verdict::Verdict;
use crate::domain::policy::Mode;

impl Engine {
    /// Sets the identity headers on a request that goes on under its client's name.
    pub(super) fn annotate<'e>(&self, host: &impl Host, verdict: Verdict<'e>) -> Verdict<'e> {
        let named = match &verdict {
            Verdict::Allowed { caller, .. } => Some(caller),
            Verdict::Throttled { caller, .. } if self.policy.mode == Mode::Shadow => Some(caller),
            _ => None,
        };
        match named.map(|caller| self.set_identity(host, caller)) {
            None | Some(Ok(())) => verdict,
            Some(Err(HostFailure(_))) => Verdict::Unsendable,
        }
    }

    fn set_identity(&self, headers: &impl Headers, caller: &Caller<'_>) -> Result<(), HostFailure> {
        let (names, entry) = (&self.policy.headers, &caller.entry);
        let values = [
            (&names.alias, entry.client.alias.as_str().as_bytes()),
            (&names.tier, entry.tier.name.as_str().as_bytes()),
            (&names.fingerprint, &caller.digits),
        ];
        let switched_on = values.into_iter().filter_map(|(name, value)| Some((name.as_deref()?, value)));
        switched_on.into_iter().try_for_each(|(name, value)| headers.set(name, value))
    }
}
