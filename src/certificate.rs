//! Reading a certificate: from the text that Envoy or a registry holds to its DER form, fingerprint and dates.
//! Used by [`crate::config`], [`crate::engine`] and the command line alike; knows no policy.

use crate::domain::fingerprint::{Fingerprint, LENGTH};
use crate::domain::time::{UnixSeconds, Validity};
use data_encoding::HEXLOWER;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser;

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

/// SHA-256 of a certificate's DER form.
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::new(Sha256::digest(der).into())
}

/// The fingerprint that 64 lower-case hexadecimal digits write, as Envoy's property has it.
pub fn fingerprint_from_hex(digits: &[u8]) -> Option<Fingerprint> {
    let mut bytes = [0; LENGTH];
    if HEXLOWER.decode_len(digits.len()) != Ok(LENGTH) {
        return None;
    }
    HEXLOWER.decode_mut(digits, &mut bytes).ok()?;
    Some(Fingerprint::new(bytes))
}

/// When the certificate is valid (RFC 5280 section 4.1.2.5).
pub fn validity(der: &[u8]) -> Result<Validity, Unreadable> {
    // Extensions are not needed for the dates, and what is not parsed cannot go wrong.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    match parser.parse(der) {
        Ok(([], certificate)) => {
            let dates = certificate.validity();
            Ok(Validity {
                not_before: UnixSeconds(dates.not_before.timestamp()),
                not_after: UnixSeconds(dates.not_after.timestamp()),
            })
        }
        _ => Err(Unreadable::Der),
    }
}
