//! Callers behind another proxy: a relay is believed about its client's certificate, if its own holds.

use super::Engine;
use super::content::Content;
use super::host::Host;
use super::identify::Stranger;
use super::look::Look;
use super::presented::{Presented, Shown};
use super::validity::{check_revocation, check_validity};
use super::vouch::Vouched;
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
        let (digits, vouched) = (fingerprint.to_string().into_bytes(), Vouched::known());
        Ok(Presented { fingerprint, digits, shown: Shown::ByRelay(der), vouched })
    }

    /// Security check: whether the peer is a trusted relay. A relay whose certificate is revoked or outside of its validity is
    /// refused, and not treated as a client.
    fn is_relay(&self, host: &impl Host, peer: &Presented, relays: &Relays) -> Result<bool, Reason> {
        let fingerprint = Identifier::of_certificate(peer.fingerprint);
        let by_certificate = relays.are(&fingerprint);
        // Who is a client without names, and by name a relay for whose name nobody vouches, must be refused: what others say
        // through it is not its own.
        let compare = |content: &Content| -> Result<bool, Reason> {
            let needless = relays.shapes.is_empty() || by_certificate || content.relay_by_key;
            let is_client = content.by_key.is_some() || self.policy.registry.find(&fingerprint).is_some();
            Ok(!needless && (is_client || self.vouched(host, &peer.vouched)?))
        };
        let Some(content) = self.content(host, peer.fingerprint, &peer.shown, &compare)? else {
            // What cannot be looked up in a list may be in it.
            let listed = by_certificate && !self.policy.revocation_lists.is_empty();
            return if listed { Err(Reason::CertificateUnreadable) } else { Ok(by_certificate) };
        };
        if !by_certificate && !content.relay_by_key {
            let by_name = content.names.as_ref().map_or(!relays.shapes.is_empty(), |names| names.relay);
            if !by_name {
                return Ok(false);
            }
            if !self.vouched(host, &peer.vouched)? {
                return Err(Reason::CertificateUnverified);
            }
        }
        let now = host.wall()?;
        check_revocation(&content, now).and_then(|()| check_validity(content.validity, now)).map(|()| true)
    }
}
