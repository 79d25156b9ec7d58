//! X.509 certificates and CRLs (RFC 5280): from the text that Envoy or a registry has to DER, fingerprint, dates and
//! names. Used by [`crate::config`], [`crate::engine`] and the command line; knows no policy.

mod alternative_names;
pub mod attribute_type;
pub mod canonical_name;
pub mod contents;
pub mod crl;
mod der;
pub mod distinguished_name;
mod hex;
pub mod names;
mod oid;
mod spiffe;
mod tbs;
mod text;
mod unreadable;
mod uri;

use crate::domain::fingerprint::Fingerprint;
use crate::domain::time::Validity;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use tbs::TbsCertificate;

pub use hex::fingerprint_from_hex;
pub use unreadable::Unreadable;

/// The DER form of the first certificate in `text`: PEM, plain (as Envoy's property has it) or URL-encoded (as Envoy's
/// documentation and `%DOWNSTREAM_PEER_CERT%` have it).
// Not inlined: it has several callers, and no ordinary request waits for it.
#[inline(never)]
pub fn der_from_text(text: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let encoded = !text.starts_with(b"-----BEGIN ") && text.contains(&b'%');
    let pem = if encoded { percent_encoding::percent_decode(text).into() } else { Cow::Borrowed(text) };
    let der = CertificateDer::from_pem_slice(&pem).map_err(|_| Unreadable::Pem)?;
    Ok(der.to_vec())
}

/// [`der_from_text`], if it is the certificate with this fingerprint.
#[inline(never)]
pub fn der_with_fingerprint(text: &[u8], expected: Fingerprint) -> Option<Vec<u8>> {
    der_from_text(text).ok().filter(|der| fingerprint(der) == expected)
}

/// SHA-256 of a certificate's DER form.
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::new(Sha256::digest(der).into())
}

/// The validity period of a certificate (RFC 5280 section 4.1.2.5).
pub fn validity(der: &[u8]) -> Result<Validity, Unreadable> {
    TbsCertificate::of(der).map(|tbs| tbs.validity).ok_or(Unreadable::Der)
}
