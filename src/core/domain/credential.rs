//! What identifies a client: one of five kinds of evidence in its certificate, and how names are matched by pattern.

use super::client::ClientIndex;
use super::fingerprint::{Fingerprint, LENGTH};
use std::cmp::{Ordering, Reverse};

/// Where a credential stands in [`super::table::ClientTable::credentials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialIndex(pub usize);

/// What of a certificate is compared, in the order in which it is: the first kind that finds a credential decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The whole of it.
    Sha256,
    /// Its public key (RFC 7469 section 2.4).
    SpkiSha256,
    /// Its only URI among the subject's alternative names.
    UriSan,
    /// A DNS name among the subject's alternative names.
    DnsSan,
    /// Attributes of its subject and its issuer.
    Subject,
}

impl Kind {
    /// All kinds, in their order.
    pub const ALL: [Self; 5] = [Self::Sha256, Self::SpkiSha256, Self::UriSan, Self::DnsSan, Self::Subject];

    /// The field of a credential that has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::SpkiSha256 => "spki_sha256",
            Self::UriSan => "uri_san",
            Self::DnsSan => "dns_san",
            Self::Subject => "subject",
        }
    }

    /// Its place in [`Self::ALL`].
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0)
    }

    /// Whether who has it has proved it by the connection alone. A name proves nothing unless somebody trusted has signed
    /// it.
    pub fn proves_itself(self) -> bool {
        matches!(self, Self::Sha256 | Self::SpkiSha256)
    }
}

/// What a credential asks for: SHA-256 of the certificate, of its public key, or of a name with the [`Shape`] that it is
/// matched in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier {
    /// Of what.
    pub kind: Kind,
    /// The digest.
    pub digest: [u8; LENGTH],
}

impl Identifier {
    /// The certificate with this fingerprint.
    pub fn of_certificate(fingerprint: Fingerprint) -> Self {
        Self { kind: Kind::Sha256, digest: *fingerprint.as_bytes() }
    }
}

/// What identifies a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Whose it is.
    pub client: ClientIndex,
    /// What of a certificate it asks for; see [`super::table::ClientTable::identifier`].
    pub kind: Kind,
    /// Whether the operator has revoked it.
    pub revoked: bool,
    /// Whether the operator has said from when or until when it counts; see [`super::table::ClientTable::window`].
    pub bounded: bool,
}

/// Which parts of a name are compared and which may be anything: all patterns with one shape are found at once, however
/// many they are.
///
/// In the order in which they are tried: by kind, the most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The kind of name.
    pub kind: Kind,
    /// Of how many parts the name consists: a URI's segments, a DNS name's labels; 0 for a [`Kind::Subject`].
    pub parts: u8,
    /// A bit for each part that may be anything, the first part's the lowest. For a [`Kind::Subject`]: for each attribute
    /// that is compared, the subject's in the lower half, the issuer's in the upper.
    pub mask: u32,
}

impl Ord for Shape {
    fn cmp(&self, other: &Self) -> Ordering {
        let rank = |shape: &Self| (shape.kind, Reverse(shape.compared()), shape.parts, shape.mask);
        rank(self).cmp(&rank(other))
    }
}

impl PartialOrd for Shape {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Shape {
    /// How many parts are compared: with more, it is more specific.
    pub fn compared(&self) -> u32 {
        match self.kind {
            Kind::Subject => self.mask.count_ones(),
            _ => u32::from(self.parts).saturating_sub(self.mask.count_ones()),
        }
    }

    /// Whether one name may be matched in both, neither being more specific.
    pub fn rivals(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.parts == other.parts
            && self.compared() == other.compared()
            && self.mask != other.mask
    }

    /// Whether the bit of the part at this place is set.
    pub fn has(&self, part: usize) -> bool {
        u32::try_from(part).ok().and_then(|part| self.mask.checked_shr(part)).is_some_and(|bits| bits & 1 == 1)
    }
}
