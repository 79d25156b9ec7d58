//! Which certificates their issuers have revoked (RFC 5280 section 5).

use super::serials::Serials;
use super::time::UnixSeconds;

/// What a distinguished name says, as a digest: lists and certificates belong together where it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalName(pub [u8; 32]);

/// What one issuer has revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// The issuer's name.
    pub issuer: CanonicalName,
    /// When the next list is issued at the latest (section 5.1.2.5); an issuer may leave it out.
    pub next_update: Option<UnixSeconds>,
    /// The serial numbers of those certificates.
    pub serials: Serials,
    /// Whether no certificate of the issuer counts once the next list is overdue.
    pub strict: bool,
}

impl RevocationList {
    /// Whether the next list should have been issued before `now`.
    pub fn is_overdue(&self, now: UnixSeconds) -> bool {
        self.next_update.is_some_and(|next| now > next)
    }

    /// Whether the certificate with this serial number is revoked, if the list's issuer issued it: the content of the
    /// INTEGER (section 4.1.2.2), leading zero octets or not.
    pub fn contains(&self, serial: &[u8]) -> bool {
        self.serials.contains(serial)
    }
}
