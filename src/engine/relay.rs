//! Callers behind another proxy: a relay is believed about its client's certificate, if its own holds.

use super::Engine;
use super::content::shown;
use super::host::Host;
use super::identify::{Stranger, holds, standing};
use super::look::Look;
use super::presented::{Presented, Shown};
use super::xfcc;
use crate::certificate;
use crate::domain::credential::Identifier;
use crate::domain::decision::Reason;
use crate::domain::identity::Relays;

impl Engine {
    /// The certificate that stands for the caller, where this one is the connection's.
    #[inline(never)]
    pub(super) fn relayed(
        &self,
        host: &impl Host,
        look: &Look<'_>,
        peer: Presented,
        relays: &Relays,
    ) -> Result<Presented, Stranger> {
        let refused = |reason| Stranger { reason, fingerprint: Some(peer.fingerprint), relayed: false };
        if !self.is_relay(host, &peer, relays).map_err(refused)? {
            return Ok(peer);
        }
        if look.forwarded.is_empty() {
            return Err(Reason::NoCertificate.into());
        }
        let element = xfcc::last(look.forwarded.iter().copied()).map_err(|_| refused(Reason::CertificateUnreadable))?;
        let fingerprint = element.hash;
        // A listener that adds its own view of the relay: nobody would be behind it.
        if fingerprint == peer.fingerprint {
            return Err(refused(Reason::CertificateUnreadable));
        }
        let unreadable =
            Stranger { fingerprint: Some(fingerprint), relayed: true, ..Reason::CertificateUnreadable.into() };
        let der = match element.certificate {
            Some(text) => Some(certificate::der_with_fingerprint(&text, fingerprint).ok_or(unreadable)?),
            None => None,
        };
        Ok(Presented { fingerprint, digits: fingerprint.to_string().into_bytes(), shown: Shown::ByRelay(der) })
    }

    /// Whether this is a relay whose certificate holds now. One whose does not is nobody's word, and nobody.
    fn is_relay(&self, host: &impl Host, peer: &Presented, relays: &Relays) -> Result<bool, Reason> {
        let by_certificate = relays.are(&Identifier::of_certificate(peer.fingerprint));
        let der = || match &peer.shown {
            Shown::Already(der) => Ok(Some(der.clone())),
            _ => shown(host, peer.fingerprint),
        };
        let Some(content) = self.content(host, peer.fingerprint, der)? else {
            // What cannot be looked up in a list may be in it.
            let listed = by_certificate && !self.policy.revocation_lists.is_empty();
            return if listed { Err(Reason::CertificateUnreadable) } else { Ok(by_certificate) };
        };
        let (by_key, by_name) = content.relay;
        if !by_certificate && !by_key {
            if !by_name {
                return Ok(false);
            }
            if !self.is_verified(host, peer.fingerprint)? {
                return Err(Reason::CertificateUnverified);
            }
            self.accept(peer.fingerprint, &content);
        }
        let now = host.wall();
        standing(&content, now).and_then(|()| holds(content.validity, now)).map(|()| true)
    }
}
