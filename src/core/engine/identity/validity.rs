//! Security checks of a certificate at one moment: its revocation and its validity.

use super::contents::Contents;
use crate::domain::decision::Reason;
use crate::domain::time::{UnixSeconds, Validity};

/// Security check: no CRL of the certificate's issuer has its serial number, and none of these CRLs that is `strict` is
/// overdue.
pub(super) fn check_revocation(contents: &Contents, now: UnixSeconds) -> Result<(), Reason> {
    if contents.revoked {
        return Err(Reason::CertificateRevoked);
    }
    match contents.unknown_from {
        Some(moment) if now > moment => Err(Reason::CertificateUnverified),
        _ => Ok(()),
    }
}

/// Security check: the moment is within the validity, of which both ends are included (RFC 5280 section 4.1.2.5).
pub(super) fn check_validity(validity: Validity, now: UnixSeconds) -> Result<(), Reason> {
    if now < validity.not_before {
        Err(Reason::CertificateNotYetValid)
    } else if now > validity.not_after {
        Err(Reason::CertificateExpired)
    } else {
        Ok(())
    }
}
