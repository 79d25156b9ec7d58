//! Certificate revocation lists (RFC 5280 section 5).

use super::serials::Serials;
use super::time::UnixSeconds;

/// A digest of a distinguished name in canonical form. A CRL applies to certificates whose issuer has the same digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalName(pub [u8; 32]);

/// The index of a CRL in [`super::policy::Policy::revocation_lists`]: `crls[0]` is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrlIndex(pub usize);

/// The CRL of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// The issuer's name.
    pub issuer: CanonicalName,
    /// The issuer's name as RFC 4514 text, for messages.
    pub issuer_name: Box<str>,
    /// `nextUpdate`: the time by which the next CRL is issued (section 5.1.2.5). An issuer may leave it out.
    pub next_update: Option<UnixSeconds>,
    /// The serial numbers of the revoked certificates.
    pub serials: Serials,
    /// Whether certificates of the issuer are refused once the next CRL is overdue.
    pub strict: bool,
}

impl RevocationList {
    /// Whether `nextUpdate` is before `now`.
    pub fn is_overdue(&self, now: UnixSeconds) -> bool {
        self.next_update.is_some_and(|next| now > next)
    }

    /// Whether the CRL has this serial number: the content of the INTEGER (section 4.1.2.2), with or without leading
    /// zero octets.
    pub fn contains(&self, serial: &[u8]) -> bool {
        self.serials.contains(serial)
    }
}
