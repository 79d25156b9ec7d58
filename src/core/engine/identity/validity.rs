//! Security checks of a certificate at one moment: its revocation and its validity.

use super::contents::Contents;
use super::observations::Observations;
use crate::domain::cause::Cause;
use crate::domain::time::{UnixSeconds, Validity};

/// Security check: no CRL of the certificate's issuer has its serial number, and none of these CRLs that is `strict` is
/// overdue.
pub(super) fn check_revocation(
    contents: &Contents,
    now: UnixSeconds,
    observations: &mut Observations,
) -> Result<(), Cause> {
    if let Some(crl) = contents.revoked_by {
        observations.crl = Some(crl);
        return Err(Cause::RevokedByCrl);
    }
    match contents.unknown_from {
        Some((moment, crl)) if now > moment => {
            observations.crl = Some(crl);
            Err(Cause::CrlOverdue)
        }
        _ => Ok(()),
    }
}

/// Security check: the moment is within the validity of the certificate, of which both ends are included (RFC 5280
/// section 4.1.2.5).
pub(super) fn check_validity(validity: Validity, now: UnixSeconds) -> Result<(), Cause> {
    check(validity, now, [Cause::CertificateNotBefore, Cause::CertificateNotAfter])
}

/// Security check: the moment is within the window that the registry sets for the credential, both ends included.
pub(super) fn check_window(window: Validity, now: UnixSeconds) -> Result<(), Cause> {
    check(window, now, [Cause::CredentialNotBefore, Cause::CredentialNotAfter])
}

fn check(period: Validity, now: UnixSeconds, [before, after]: [Cause; 2]) -> Result<(), Cause> {
    if now < period.not_before {
        Err(before)
    } else if now > period.not_after {
        Err(after)
    } else {
        Ok(())
    }
}
