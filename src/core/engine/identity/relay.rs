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
use crate::domain::cause::{Cause, Refusal};
use crate::domain::credential::Identifier;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::identity::{Holder, Relays};
use crate::engine::host::{Clock, HostFailure, Peer};

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
        let of_peer = |(refusal, holder): (Refusal, Holder)| of(refusal, presented.fingerprint, holder);
        if !self.is_trusted(peer, clock, &presented, observations).map_err(of_peer)? {
            return Ok(presented);
        }
        let of_relay = |cause: Cause| of_peer((cause.into(), Holder::Relay));
        if xfcc.is_empty() {
            return Err(of_relay(Cause::RelayHeaderMissing));
        }
        let element = xfcc::last(xfcc.iter().copied()).map_err(of_relay)?;
        let fingerprint = element.hash;
        // A listener that appends its own view of the relay would make every caller the relay.
        if fingerprint == presented.fingerprint {
            return Err(of_relay(Cause::RelayHeaderNamesRelay));
        }
        let differs = || of(Cause::RelayHeaderCertDiffers.into(), fingerprint, Holder::ForwardedClient);
        let der = match element.certificate {
            Some(text) => Some(certificate::der_with_fingerprint(&text, fingerprint).ok_or_else(differs)?),
            None => None,
        };
        Ok(PeerCertificate::forwarded(fingerprint, der))
    }

    /// Security check: whether the peer is a trusted relay. A relay whose certificate is revoked or outside of its validity
    /// is refused, and not treated as a client. An error says whether the peer is, or claims to be, a relay.
    fn is_trusted(
        &self,
        peer: &impl Peer,
        clock: &impl Clock,
        presented: &PeerCertificate,
        observations: &mut Observations,
    ) -> Result<bool, (Refusal, Holder)> {
        let (policy, relays) = (self.certificates.policy(), self.relays);
        let chain = policy.identity.chain;
        let identifier = Identifier::of_certificate(presented.fingerprint);
        let by_certificate = relays.are(&identifier);
        // A client's certificate can have the name of a relay. If that name is not trusted the caller is refused: a request
        // that others send through a relay is not the relay's own. So such names are compared in any case.
        let compare = |contents: &Contents| -> Result<bool, HostFailure> {
            let needless = relays.shapes.is_empty() || by_certificate || contents.relay_by_key;
            let is_client = contents.by_key.is_some() || policy.registry.find(&identifier).is_some();
            Ok(!needless && (is_client || presented.names.check(chain, peer)?))
        };
        let (fingerprint, der) = (presented.fingerprint, &presented.der);
        let of_relay = |refusal: Refusal| (refusal, Holder::Relay);
        let unread = |refusal| (refusal, if by_certificate { Holder::Relay } else { Holder::Client });
        let Some(contents) =
            self.certificates.contents(peer, fingerprint, der, &compare, observations).map_err(unread)?
        else {
            // A certificate whose serial number is not known may be revoked.
            let may_be_revoked = by_certificate && !policy.revocation_lists.is_empty();
            return match may_be_revoked {
                true => Err(of_relay(Cause::CertificateNotShown.into())),
                false => Ok(by_certificate),
            };
        };
        if !by_certificate && !contents.relay_by_key {
            let by_name = contents.names.as_ref().map_or(!relays.shapes.is_empty(), |names| names.relay);
            if !by_name {
                return Ok(false);
            }
            if !presented.names.check(chain, peer).map_err(|failure| of_relay(failure.into()))? {
                return Err(of_relay(Cause::ChainNotVerified.into()));
            }
        }
        let now = clock.wall().map_err(|failure| of_relay(failure.into()))?;
        check_revocation(&contents, now, observations)
            .and_then(|()| check_validity(contents.validity, now))
            .map_err(|cause| of_relay(cause.into()))?;
        Ok(true)
    }
}

fn of(refusal: Refusal, fingerprint: Fingerprint, holder: Holder) -> Unidentified {
    Unidentified { refusal, fingerprint: Some(fingerprint), holder, certificate: None }
}
