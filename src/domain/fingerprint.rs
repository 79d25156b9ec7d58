//! The fingerprint of a certificate: SHA-256 of its DER form.

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

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

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

/// 64 lower-case hexadecimal digits, as Envoy and the upstream header write it.
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

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (head, _) = self.0.split_first_chunk().unwrap_or((&[0; 8], &[]));
        state.write_u64(u64::from_le_bytes(*head));
    }
}

/// Hashes fingerprints by their first eight bytes: they are uniformly distributed already, and a table that holds
/// only what the operator registered cannot be filled with collisions by anybody else.
#[derive(Clone, Copy, Debug, Default)]
pub struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Builds [`FirstBytes`] for a hash table keyed by fingerprint.
pub type BuildFirstBytes = BuildHasherDefault<FirstBytes>;
