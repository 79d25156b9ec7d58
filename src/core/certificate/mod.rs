//! Reading a certificate: from the text that Envoy or a registry holds to its DER form, fingerprint and dates.
//! Used by [`crate::config`], [`crate::engine`] and the command line alike; knows no policy.

mod alternative_names;
pub mod attribute_type;
pub mod attributes;
pub mod canonical_name;
pub mod crl;
mod der;
pub mod distinguished_name;
mod hex;
pub mod names;
mod oid;
mod parts;
mod spiffe;
mod text;
mod uri;

use crate::domain::fingerprint::Fingerprint;
use crate::domain::time::Validity;
use parts::Parts;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

pub use hex::fingerprint_from_hex;

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

/// When the certificate is valid (RFC 5280 section 4.1.2.5).
pub fn validity(der: &[u8]) -> Result<Validity, Unreadable> {
    Parts::of(der).map(|parts| parts.validity).ok_or(Unreadable::Der)
}
