//! Who the peer is, and whether its credential and certificate hold at this moment. From connection properties alone:
//! no header of a request is evidence of anything.

use super::Engine;
use super::host::{Host, HostFailure};
use crate::certificate;
use crate::domain::decision::Reason;
use crate::domain::fingerprint::Fingerprint;
use crate::domain::registry::Entry;
use crate::domain::time::UnixSeconds;

/// A client, and its certificate's fingerprint as the upstream is told it.
pub(super) struct Caller<'e> {
    pub(super) entry: Entry<'e>,
    pub(super) digits: Vec<u8>,
}

/// Somebody who is no client, and why.
pub(super) struct Stranger {
    pub(super) reason: Reason,
    pub(super) fingerprint: Option<Fingerprint>,
}

/// The peer's fingerprint, and its certificate where that had to be read for it.
struct Evidence {
    fingerprint: Fingerprint,
    digits: Vec<u8>,
    der: Option<Vec<u8>>,
}

impl Engine {
    /// Whose certificate the peer has.
    pub(super) fn identify(&self, host: &impl Host) -> Result<Caller<'_>, Stranger> {
        let Evidence { fingerprint, digits, der } =
            evidence(host).map_err(|reason| Stranger { reason, fingerprint: None })?;
        let unknown = Stranger { reason: Reason::UnknownCertificate, fingerprint: Some(fingerprint) };
        let entry = self.policy.registry.find(&fingerprint).ok_or(unknown)?;
        if let (Some(der), Some(dates)) = (der, self.dates.get(entry.credential_index.0)) {
            dates.learn(&der);
        }
        Ok(Caller { entry, digits })
    }

    /// Whether the client may call with this credential now.
    pub(super) fn check(&self, host: &impl Host, entry: &Entry<'_>, now: UnixSeconds) -> Result<(), Reason> {
        if entry.credential.revoked {
            return Err(Reason::CertificateRevoked);
        }
        if !entry.client.enabled {
            return Err(Reason::ClientDisabled);
        }
        let dates = self.dates.get(entry.credential_index.0).ok_or(Reason::Internal)?;
        let Some(validity) = dates.of(host, entry.credential.fingerprint)? else {
            host.dates_unchecked();
            return Ok(());
        };
        // Both ends are included (RFC 5280 section 4.1.2.5).
        if now < validity.not_before {
            Err(Reason::CertificateNotYetValid)
        } else if now > validity.not_after {
            Err(Reason::CertificateExpired)
        } else {
            Ok(())
        }
    }
}

fn evidence(host: &impl Host) -> Result<Evidence, Reason> {
    let failed = |HostFailure(_)| Reason::Internal;
    if let Some(digits) = host.digest().map_err(failed)? {
        let fingerprint = certificate::fingerprint_from_hex(&digits).ok_or(Reason::Internal)?;
        return Ok(Evidence { fingerprint, digits, der: None });
    }
    let text = host.certificate().map_err(failed)?.ok_or(Reason::NoCertificate)?;
    let der = certificate::der_from_text(&text).map_err(|_| Reason::CertificateUnreadable)?;
    let fingerprint = certificate::fingerprint(&der);
    Ok(Evidence { fingerprint, digits: fingerprint.to_string().into_bytes(), der: Some(der) })
}
