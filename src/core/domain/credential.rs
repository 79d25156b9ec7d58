//! Credentials: the five kinds of identifiers in a certificate, and the shapes in which names are compared.

use super::client::ClientIndex;
use super::fingerprint::{Fingerprint, LENGTH};
use std::cmp::{Ordering, Reverse};

/// The index of a credential in [`super::table::ClientTable::credentials`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialIndex(pub usize);

/// The kinds of identifiers, in the order in which they are compared: the first kind that finds a credential decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The whole certificate.
    Sha256,
    /// The public key (RFC 7469 section 2.4).
    SpkiSha256,
    /// The only URI of the subject alternative names.
    UriSan,
    /// A DNS name of the subject alternative names.
    DnsSan,
    /// Attributes of the subject and the issuer.
    Subject,
}

impl Kind {
    /// All kinds, in their order.
    pub const ALL: [Self; 5] = [Self::Sha256, Self::SpkiSha256, Self::UriSan, Self::DnsSan, Self::Subject];

    /// The field of a credential of this kind.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::SpkiSha256 => "spki_sha256",
            Self::UriSan => "uri_san",
            Self::DnsSan => "dns_san",
            Self::Subject => "subject",
        }
    }

    /// The index in [`Self::ALL`].
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|kind| *kind == self).unwrap_or(0)
    }

    /// Whether the TLS handshake alone proves that the peer is the holder. A name proves nothing without a verified
    /// chain.
    pub fn proves_itself(self) -> bool {
        matches!(self, Self::Sha256 | Self::SpkiSha256)
    }
}

/// The SHA-256 digest of a certificate, of a public key, or of a name in the [`Shape`] in which it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier {
    /// The kind.
    pub kind: Kind,
    /// The digest.
    pub digest: [u8; LENGTH],
}

impl Identifier {
    /// The identifier of the certificate with this fingerprint.
    pub fn of_certificate(fingerprint: Fingerprint) -> Self {
        Self { kind: Kind::Sha256, digest: *fingerprint.as_bytes() }
    }
}

/// A credential of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The client.
    pub client: ClientIndex,
    /// The kind of its identifier; see [`super::table::ClientTable::identifier`].
    pub kind: Kind,
    /// Whether the operator has revoked the credential.
    pub revoked: bool,
    /// Whether the operator has set `not_before` or `not_after`; see [`super::table::ClientTable::window`].
    pub bounded: bool,
}

/// The parts of a name that are compared; a pattern has a wildcard for the others. All patterns of one shape are found
/// by one lookup.
///
/// Shapes are ordered as they are tried: by kind, the most specific first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The kind of name.
    pub kind: Kind,
    /// The number of parts of the name: a URI's segments, a DNS name's labels; 0 for a [`Kind::Subject`].
    pub parts: u8,
    /// A bit for each part with a wildcard, the lowest for the first part. For a [`Kind::Subject`]: a bit for each
    /// attribute that is compared, the subject's in the lower half, the issuer's in the upper.
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
    /// The number of parts that are compared. A shape with more is more specific.
    pub fn compared(&self) -> u32 {
        match self.kind {
            Kind::Subject => self.mask.count_ones(),
            _ => u32::from(self.parts).saturating_sub(self.mask.count_ones()),
        }
    }

    /// Whether patterns of both shapes may match the same name, and neither shape is more specific.
    pub fn rivals(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.parts == other.parts
            && self.compared() == other.compared()
            && self.mask != other.mask
    }

    /// Whether the bit of this part is set.
    pub fn has(&self, part: usize) -> bool {
        u32::try_from(part).ok().and_then(|part| self.mask.checked_shr(part)).is_some_and(|bits| bits & 1 == 1)
    }
}
