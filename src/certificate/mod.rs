//! Reading a certificate: from the text that Envoy or a registry holds to its DER form, fingerprint and dates.
//! Used by [`crate::config`], [`crate::engine`] and the command line alike; knows no policy.

mod alternative_names;
pub mod attribute_type;
pub mod attributes;
pub mod crl;
mod der;
pub mod distinguished_name;
pub mod names;
mod oid;
mod parts;
mod spiffe;
mod text;

use crate::domain::fingerprint::{Fingerprint, LENGTH};
use crate::domain::time::Validity;
use parts::Parts;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Why bytes are not a usable certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no PEM block `CERTIFICATE` in the text, or its base64 is broken.
    #[error("no readable PEM block CERTIFICATE")]
    Pem,
    /// The DER form is not an X.509 certificate, or bytes follow it.
    #[error("not an X.509 certificate in DER form")]
    Der,
}

/// The DER form of the first certificate in `text`: PEM, plain (as Envoy's property has it) or URL-encoded (as Envoy's
/// documentation and `%DOWNSTREAM_PEER_CERT%` have it).
pub fn der_from_text(text: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let encoded = !text.starts_with(b"-----BEGIN ") && text.contains(&b'%');
    let pem = if encoded { percent_encoding::percent_decode(text).into() } else { Cow::Borrowed(text) };
    let der = CertificateDer::from_pem_slice(&pem).map_err(|_| Unreadable::Pem)?;
    Ok(der.to_vec())
}

/// As [`der_from_text`], if it is the certificate with this fingerprint.
pub fn der_with_fingerprint(text: &[u8], expected: Fingerprint) -> Option<Vec<u8>> {
    der_from_text(text).ok().filter(|der| fingerprint(der) == expected)
}

/// SHA-256 of a certificate's DER form.
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::new(Sha256::digest(der).into())
}

/// The fingerprint that 64 lower-case hexadecimal digits write, as Envoy's property has it.
pub fn fingerprint_from_hex(digits: &[u8]) -> Option<Fingerprint> {
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    if pairs.len() != LENGTH {
        return None;
    }
    let (mut bytes, mut all) = ([0; LENGTH], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (value(*high), value(*low));
        all |= high | low;
        *byte = (high << 4) | low;
    }
    (all < NO_DIGIT).then(|| Fingerprint::new(bytes))
}

/// Stands for a byte that is no digit: a bit that no digit's value has.
const NO_DIGIT: u8 = 0x10;

/// The value of each byte as a lower-case hexadecimal digit: a table, which halves the work of finding a client (measured
/// in instructions against a match, and against two libraries, whose decoders are for long texts).
#[allow(
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "the compiler runs it, and refuses what is out of range"
)]
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < 16 {
        values[digits[value as usize] as usize] = value;
        value += 1;
    }
    values
};

fn value(digit: u8) -> u8 {
    VALUES.get(usize::from(digit)).copied().unwrap_or(NO_DIGIT)
}

/// When the certificate is valid (RFC 5280 section 4.1.2.5).
pub fn validity(der: &[u8]) -> Result<Validity, Unreadable> {
    Parts::of(der).map(|parts| parts.validity).ok_or(Unreadable::Der)
}
