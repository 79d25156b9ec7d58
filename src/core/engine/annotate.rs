//! What a request says about its caller when it goes on: nothing but what certgate found out.

use super::Engine;
use super::account::Account;
use super::host::{Headers, Host, HostFailure};
use super::identify::Caller;
use super::look::Look;
use super::rate_limit;
use super::throttle::Draw;
use super::verdict::{Case, Verdict};
use crate::domain::headers::{CLIENT_CERT, LIMIT_WARNING, XFCC};
use crate::domain::mode::Mode;
use crate::domain::name::Name;

/// The headers of a request that are certgate's own, from which the request's were taken.
struct OwnHeaders<'a, H> {
    headers: &'a H,
    /// It came with some.
    claimed: bool,
}

impl<H: Headers> OwnHeaders<'_, H> {
    /// Sets a header that is not there: nearly all requests come without any, and were looked through for them. Where one
    /// came with some, nothing hangs on their being gone.
    fn set(&self, name: &str, value: &[u8]) -> Result<(), HostFailure> {
        if self.claimed { self.headers.set(name, value) } else { self.headers.add(name, value) }
    }
}

impl Engine {
    /// Sets the identity headers on a request that goes on under its client's name, and takes off it what no relay has
    /// said.
    pub(super) fn annotate(
        &self,
        host: &impl Host,
        look: &Look<'_>,
        case: &Case<'_>,
        verdict: Verdict,
    ) -> Result<(), HostFailure> {
        let goes_on = match verdict {
            Verdict::Allowed => true,
            Verdict::Throttled => self.policy.mode == Mode::Shadow,
            Verdict::Refused(_) | Verdict::Unsendable => false,
        };
        let caller = case.caller.as_ref().filter(|_| goes_on);
        if !look.forwarded.is_empty() && !caller.is_some_and(|caller| caller.relayed) {
            host.remove(XFCC.as_bytes())?;
        }
        let own = OwnHeaders { headers: host, claimed: look.claims };
        if let Some(caller) = caller {
            self.set_identity(&own, caller, &case.account)?;
        }
        match &case.draw {
            Some(draw) if goes_on => self.set_warning(&own, draw),
            _ => Ok(()),
        }
    }

    fn set_identity(
        &self,
        own: &OwnHeaders<'_, impl Host>,
        caller: &Caller<'_>,
        account: &Account,
    ) -> Result<(), HostFailure> {
        let names = &self.policy.headers;
        let tier = self.tier(account).map_or(&b""[..], |tier| tier.name.as_str().as_bytes());
        let values = [
            (&names.alias, caller.entry.client.alias.as_bytes()),
            (&names.tier, tier),
            (&names.fingerprint, &caller.digits),
        ];
        let switched_on = values.into_iter().filter_map(|(name, value)| Some((name.as_deref()?, value)));
        switched_on.into_iter().try_for_each(|(name, value)| own.set(name, value))?;
        self.set_profile(own, caller)?;
        if names.say_content() { self.set_content(own, caller) } else { Ok(()) }
    }

    fn set_profile(&self, own: &OwnHeaders<'_, impl Headers>, caller: &Caller<'_>) -> Result<(), HostFailure> {
        let (names, profile) = (&self.policy.headers, caller.entry.profile);
        let values = [(&names.groups, &profile.groups, ","), (&names.scopes, &profile.scopes, " ")];
        let switched_on = values.into_iter().filter_map(|(name, values, separator)| {
            let name = name.as_deref()?;
            Some((name, joined(values, separator)?))
        });
        switched_on.into_iter().try_for_each(|(name, value)| own.set(name, value.as_bytes()))
    }

    /// Says of the certificate what can be believed of it.
    fn set_content(&self, own: &OwnHeaders<'_, impl Host>, caller: &Caller<'_>) -> Result<(), HostFailure> {
        // Whoever cannot be asked whether it can be believed has failed the request already.
        let Ok(Some(content)) = self.trusted_content(own.headers, caller) else { return Ok(()) };
        let (names, values) = (&self.policy.headers, &content.values);
        let client_cert = Some(CLIENT_CERT).filter(|_| names.client_cert);
        let values = [
            (names.subject.as_deref(), &values.subject),
            (names.spiffe_id.as_deref(), &values.spiffe_id),
            (names.not_after.as_deref(), &values.not_after),
            (client_cert, &values.client_cert),
        ];
        values.into_iter().try_for_each(|(name, value)| match (name, value) {
            (Some(name), Some(value)) => own.set(name, value.as_bytes()),
            _ => Ok(()),
        })
    }

    /// Tells the upstream which of the caller's limits are nearly used up, or are and do not stop it.
    fn set_warning(&self, own: &OwnHeaders<'_, impl Headers>, draw: &Draw<'_>) -> Result<(), HostFailure> {
        // Of most limits there is nothing to say.
        if !draw.effective.warns() && draw.take.short.is_empty() {
            return Ok(());
        }
        match rate_limit::warning(draw) {
            Some(warning) => own.set(LIMIT_WARNING, warning.as_bytes()),
            None => Ok(()),
        }
    }
}

/// The names as one value; `None` if there are none.
pub(super) fn joined(names: &[Name], separator: &str) -> Option<String> {
    let names: Vec<_> = names.iter().map(Name::as_str).collect();
    (!names.is_empty()).then(|| names.join(separator))
}
