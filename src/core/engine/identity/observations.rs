//! Facts about certificates that metrics show and no decision depends on.

use crate::domain::credential::CredentialIndex;
use crate::domain::revocation::CrlIndex;
use crate::domain::time::UnixSeconds;

/// Facts that were learnt while one request was decided.
#[derive(Debug, Default)]
pub struct Observations {
    /// Whether a registered certificate passed without its dates being known.
    pub dates_unchecked: bool,
    /// The credentials whose certificates were parsed for this request, with `notAfter`. A certificate is parsed when an
    /// engine first sees it, and seldom again.
    pub parsed: Vec<(CredentialIndex, UnixSeconds)>,
    /// The CRL for which the request is refused.
    pub crl: Option<CrlIndex>,
}
