//! The certificate that the connection's other end has presented, or that a relay has forwarded.

use super::name_trust::NameTrust;
use crate::certificate;
use crate::domain::cause::{Cause, Refusal};
use crate::domain::fingerprint::Fingerprint;
use crate::engine::host::Peer;
use std::borrow::Cow;

/// A certificate by its fingerprint.
pub(super) struct PeerCertificate {
    pub(super) fingerprint: Fingerprint,
    /// The fingerprint in hexadecimal digits.
    pub(super) digits: Vec<u8>,
    pub(super) der: Der,
    /// Whether the names in the certificate are trusted.
    pub(super) names: NameTrust,
}

/// The DER form of a certificate.
pub(super) enum Der {
    /// The host was not asked for it.
    NotFetched,
    /// The host was asked for it.
    Fetched(Vec<u8>),
    /// A relay has forwarded it, or only its fingerprint.
    Forwarded(Option<Vec<u8>>),
}

impl PeerCertificate {
    /// The certificate of the connection. Its fingerprint is the host's digest, or the certificate's own where the host has
    /// none.
    pub(super) fn of_connection(peer: &impl Peer) -> Result<Self, Refusal> {
        let names = NameTrust::default();
        if let Some(digits) = peer.digest()? {
            let fingerprint = certificate::fingerprint_from_hex(&digits).ok_or(Cause::HostCallFailed)?;
            return Ok(Self { fingerprint, digits, der: Der::NotFetched, names });
        }
        let text = peer.certificate()?.ok_or(Cause::CertificateNotPresented)?;
        let der = certificate::der_from_text(&text).map_err(|_| Cause::CertificateMalformed)?;
        let fingerprint = certificate::fingerprint(&der);
        let digits = fingerprint.to_string().into_bytes();
        Ok(Self { fingerprint, digits, der: Der::Fetched(der), names })
    }

    /// The certificate with this fingerprint that a trusted relay has forwarded, if it has forwarded more than that.
    pub(super) fn forwarded(fingerprint: Fingerprint, der: Option<Vec<u8>>) -> Self {
        let digits = fingerprint.to_string().into_bytes();
        Self { fingerprint, digits, der: Der::Forwarded(der), names: NameTrust::granted() }
    }
}

impl Der {
    /// Whether a relay has forwarded the certificate.
    pub(super) fn is_forwarded(&self) -> bool {
        matches!(self, Self::Forwarded(_))
    }

    /// The bytes, if no host has to be asked for them.
    pub(super) fn known(&self) -> Option<&[u8]> {
        match self {
            Self::Fetched(der) | Self::Forwarded(Some(der)) => Some(der),
            Self::Forwarded(None) | Self::NotFetched => None,
        }
    }

    /// The bytes, from the host if they were not fetched; `None` if nobody shows the certificate. A host that shows
    /// another certificate than the one with the `expected` fingerprint makes it unreadable.
    pub(super) fn fetch(&self, peer: &impl Peer, expected: Fingerprint) -> Result<Option<Cow<'_, [u8]>>, Refusal> {
        match self {
            Self::Fetched(der) | Self::Forwarded(Some(der)) => return Ok(Some(Cow::Borrowed(der))),
            Self::Forwarded(None) => return Ok(None),
            Self::NotFetched => {}
        }
        let Some(text) = peer.certificate()? else { return Ok(None) };
        let der = certificate::der_with_fingerprint(&text, expected).ok_or(Cause::CertificateDiffers)?;
        Ok(Some(Cow::Owned(der)))
    }
}
