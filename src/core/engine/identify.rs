//! Who calls, and whether the credential and the certificate hold at this moment: from connection properties alone, or
//! from the word of a relay that the connection proves. No other header of a request is evidence of anything.

use super::Engine;
use super::content::Content;
use super::host::Host;
use super::look::Look;
use super::presented::{Presented, Shown, presented};
use super::validity::{check_revocation, check_validity};
use super::vouch::Vouched;
use crate::domain::credential::Identifier;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::Source;
use crate::domain::registry::Entry;
use crate::domain::time::UnixSeconds;
use std::sync::Arc;

/// A client, and the certificate that it has shown.
pub(super) struct Caller<'e> {
    pub(super) entry: Entry<'e>,
    pub(super) fingerprint: Fingerprint,
    /// The fingerprint as the upstream is told it.
    pub(super) digits: Vec<u8>,
    /// What the certificate says, if that matters and it is shown.
    pub(super) content: Option<Arc<Content>>,
    /// Whether a relay has shown it.
    pub(super) relayed: bool,
    /// Whether somebody vouches for its names: a relay for what it has shown, the operator for what is registered as a whole.
    pub(super) vouched: Vouched,
}

/// Somebody who is no client, and why.
pub(super) struct Stranger {
    pub(super) reason: Reason,
    pub(super) fingerprint: Option<Fingerprint>,
    /// Whether a relay has shown the certificate.
    pub(super) relayed: bool,
}

impl From<Reason> for Stranger {
    fn from(reason: Reason) -> Self {
        Self { reason, fingerprint: None, relayed: false }
    }
}

impl Engine {
    /// Whose certificate was shown, put into `caller`.
    pub(super) fn identify<'c, 'e>(
        &'e self,
        host: &impl Host,
        look: &Look<'_>,
        caller: &'c mut Option<Caller<'e>>,
    ) -> Result<&'c Caller<'e>, Stranger> {
        let peer = presented(host)?;
        let presented = match &self.policy.identity.source {
            Source::Connection => peer,
            Source::Xfcc(relays) => self.relayed(host, look, peer, relays)?,
        };
        let registered = self.policy.registry.find(&Identifier::of_certificate(presented.fingerprint));
        match (registered, &presented.shown) {
            (Some(entry), Shown::OnDemand) if !self.reads_content => {
                let Presented { fingerprint, digits, .. } = presented;
                let vouched = Vouched::known();
                Ok(caller.insert(Caller { entry, fingerprint, digits, content: None, relayed: false, vouched }))
            }
            (registered, _) => Ok(caller.insert(self.identify_by_content(host, presented, registered)?)),
        }
    }

    /// The same, where more than the fingerprint matters or is known. Apart from most requests, which it would slow down.
    #[inline(never)]
    fn identify_by_content<'e>(
        &'e self,
        host: &impl Host,
        presented: Presented,
        registered: Option<Entry<'e>>,
    ) -> Result<Caller<'e>, Stranger> {
        let Presented { fingerprint, digits, shown: from, vouched } = presented;
        let relayed = matches!(from, Shown::ByRelay(_));
        let vouched = if registered.is_some() { Vouched::known() } else { vouched };
        let stranger = |reason| Stranger { reason, fingerprint: Some(fingerprint), relayed };
        let wanted = match (&registered, &from) {
            // What a relay does not show says nothing, however well it is known from elsewhere.
            (_, Shown::ByRelay(None)) => false,
            (Some(_), Shown::ByRelay(Some(_))) => true,
            (Some(_), _) => self.reads_content,
            (None, _) => !self.policy.registry.shapes().is_empty(),
        };
        if let (Some(entry), Shown::Already(der)) = (&registered, &from)
            && let Some(dates) = self.dates.get(entry.credential_index.0)
        {
            dates.learn(host, entry.credential_index, der);
        }
        let compare = |content: &Content| match registered.is_some() || content.by_key.is_some() {
            // A client without its names: only rules may ask for them.
            true => Ok(vouched.is_known() && !self.policy.rules.conditions().is_empty()),
            false => self.vouched(host, &vouched),
        };
        let content = if wanted { self.content(host, fingerprint, &from, &compare).map_err(stranger)? } else { None };
        let entry = match (registered, &content) {
            (Some(entry), _) => entry,
            (None, Some(content)) => self.by_content(host, &vouched, content).map_err(stranger)?,
            (None, None) => return Err(stranger(Reason::UnknownCertificate)),
        };
        Ok(Caller { entry, fingerprint, digits, content, relayed, vouched })
    }

    /// Whose certificate says this: its key proves itself, its names must be vouched for.
    fn by_content(&self, host: &impl Host, vouched: &Vouched, content: &Content) -> Result<Entry<'_>, Reason> {
        let index = match (content.by_key, &content.names) {
            (Some(index), _) => index,
            // They are not even compared.
            (None, None) => return Err(Reason::CertificateUnverified),
            (None, Some(names)) => {
                let index = names.credential.ok_or(Reason::UnknownCertificate)?;
                if !self.vouched(host, vouched)? {
                    return Err(Reason::CertificateUnverified);
                }
                index
            }
        };
        self.policy.registry.at(index).ok_or(Reason::Internal)
    }

    /// The content of the caller's certificate, if its chain or its registration vouches for it.
    pub(super) fn trusted_content<'c>(
        &self,
        host: &impl Host,
        caller: &'c Caller<'_>,
    ) -> Result<Option<&'c Arc<Content>>, Reason> {
        let Some(content) = &caller.content else { return Ok(None) };
        Ok(self.vouched(host, &caller.vouched)?.then_some(content))
    }

    /// Security check: whether the client is enabled, and its credential and certificate are neither revoked nor outside of
    /// their validity.
    pub(super) fn check_credential(
        &self,
        host: &impl Host,
        caller: &Caller<'_>,
        now: UnixSeconds,
    ) -> Result<(), Reason> {
        let Entry { credential_index: index, credential, client, .. } = caller.entry;
        if credential.revoked {
            return Err(Reason::CertificateRevoked);
        }
        if !client.enabled {
            return Err(Reason::ClientDisabled);
        }
        let window = match credential.bounded {
            true => Some(self.policy.registry.clients().window(index).ok_or(Reason::Internal)?),
            false => None,
        };
        let dates = self.dates.get(index.0).ok_or(Reason::Internal)?;
        let dates = match &caller.content {
            Some(content) => {
                check_revocation(content, now)?;
                Some(content.validity)
            }
            // What cannot be looked up in a list may be in it.
            None if !self.policy.revocation_lists.is_empty() => return Err(Reason::CertificateUnreadable),
            None if caller.relayed => dates.known()?,
            None => dates.of(host, index, caller.fingerprint)?,
        };
        if dates.or(window).is_none() {
            host.dates_unchecked();
        }
        if let Some(window) = window {
            check_validity(window, now)?;
        }
        dates.map_or(Ok(()), |dates| check_validity(dates, now))
    }
}
