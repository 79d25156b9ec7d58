//! Callers behind another proxy: a trusted relay with a valid certificate says in `x-forwarded-client-cert` which
//! certificate its client has presented.

use super::caller::Unidentified;
use super::certificates::Certificates;
use super::contents::Contents;
use super::observations::Observations;
use super::peer_certificate::PeerCertificate;
use super::validity::{check_revocation, check_validity};
use super::xfcc;
use crate::certificate;
use crate::domain::credential::Identifier;
use crate::domain::decision::Reason;
use crate::domain::identity::Relays;
use crate::engine::host::{Clock, Peer};

/// The relays that a policy trusts, and the certificates that the engine has seen.
pub(super) struct Relay<'r> {
    pub(super) certificates: &'r Certificates,
    pub(super) relays: &'r Relays,
}

impl Relay<'_> {
    /// The caller's certificate: the one that is forwarded in these lines if the peer is a trusted relay, else the peer's
    /// own, which is `presented`.
    #[inline(never)]
    pub(super) fn certificate_of_caller(
        &self,
        peer: &impl Peer,
        clock: &impl Clock,
        xfcc: &[&[u8]],
        presented: PeerCertificate,
        observations: &mut Observations,
    ) -> Result<PeerCertificate, Unidentified> {
        let of_peer = |reason| Unidentified { reason, fingerprint: Some(presented.fingerprint), forwarded: false };
        if !self.is_trusted(peer, clock, &presented, observations).map_err(of_peer)? {
            return Ok(presented);
        }
        if xfcc.is_empty() {
            return Err(Reason::NoCertificate.into());
        }
        let element = xfcc::last(xfcc.iter().copied()).map_err(|_| of_peer(Reason::CertificateUnreadable))?;
        let fingerprint = element.hash;
        // A listener that appends its own view of the relay would make every caller the relay.
        if fingerprint == presented.fingerprint {
            return Err(of_peer(Reason::CertificateUnreadable));
        }
        let unreadable =
            Unidentified { fingerprint: Some(fingerprint), forwarded: true, ..Reason::CertificateUnreadable.into() };
        let der = match element.certificate {
            Some(text) => Some(certificate::der_with_fingerprint(&text, fingerprint).ok_or(unreadable)?),
            None => None,
        };
        Ok(PeerCertificate::forwarded(fingerprint, der))
    }

    /// Security check: whether the peer is a trusted relay. A relay whose certificate is revoked or outside of its validity
    /// is refused, and not treated as a client.
    fn is_trusted(
        &self,
        peer: &impl Peer,
        clock: &impl Clock,
        presented: &PeerCertificate,
        observations: &mut Observations,
    ) -> Result<bool, Reason> {
        let (policy, relays) = (self.certificates.policy(), self.relays);
        let chain = policy.identity.chain;
        let identifier = Identifier::of_certificate(presented.fingerprint);
        let by_certificate = relays.are(&identifier);
        // A client's certificate can have the name of a relay. If that name is not trusted the caller is refused: a request
        // that others send through a relay is not the relay's own. So such names are compared in any case.
        let compare = |contents: &Contents| -> Result<bool, Reason> {
            let needless = relays.shapes.is_empty() || by_certificate || contents.relay_by_key;
            let is_client = contents.by_key.is_some() || policy.registry.find(&identifier).is_some();
            Ok(!needless && (is_client || presented.names.check(chain, peer)?))
        };
        let (fingerprint, der) = (presented.fingerprint, &presented.der);
        let Some(contents) = self.certificates.contents(peer, fingerprint, der, &compare, observations)? else {
            // A certificate whose serial number is not known may be revoked.
            let may_be_revoked = by_certificate && !policy.revocation_lists.is_empty();
            return if may_be_revoked { Err(Reason::CertificateUnreadable) } else { Ok(by_certificate) };
        };
        if !by_certificate && !contents.relay_by_key {
            let by_name = contents.names.as_ref().map_or(!relays.shapes.is_empty(), |names| names.relay);
            if !by_name {
                return Ok(false);
            }
            if !presented.names.check(chain, peer)? {
                return Err(Reason::CertificateUnverified);
            }
        }
        let now = clock.wall()?;
        check_revocation(&contents, now).and_then(|()| check_validity(contents.validity, now)).map(|()| true)
    }
}
