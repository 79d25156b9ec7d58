//! The fingerprint of a certificate: SHA-256 of its DER form.

use std::fmt;

/// Bytes in a fingerprint.
pub const LENGTH: usize = 32;

/// SHA-256 of a leaf certificate's DER encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// The fingerprint with these bytes.
    pub fn new(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// The bytes of the fingerprint.
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// 64 lower-case hexadecimal digits, the form of Envoy and of the upstream header.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
