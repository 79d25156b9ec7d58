//! The fingerprint of a certificate, as a registry has it, and the end of the certificate's validity.

use super::diagnostic::Diagnostic;
use super::diagnostic::code::Code;
use certgate_core::certificate::{self, Unreadable};
use certgate_core::domain::fingerprint::Fingerprint;
use certgate_core::domain::time::UnixSeconds;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// A certificate, as far as a registry is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of its DER form.
    pub fingerprint: Fingerprint,
    /// The last second of its validity.
    pub not_after: UnixSeconds,
}

/// The certificates in `bytes`: all certificates of a PEM file, the only one of a DER file.
///
/// # Errors
///
/// One diagnostic, if there is none or one cannot be read.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, Diagnostic> {
    if !contains(bytes, b"-----BEGIN ") {
        return Ok(vec![certificate(bytes).map_err(unreadable)?]);
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() && contains(bytes, b"PRIVATE KEY-----") => {
            let message = "expected a certificate, found only a private key";
            let mend = "give the certificate, and keep the key to yourself";
            Err(Diagnostic::error(Code::PrivateKey, message).mended_by(mend))
        }
        Ok(certificates) if !certificates.is_empty() => {
            certificates.iter().map(|der| certificate(der).map_err(unreadable)).collect()
        }
        _ => Err(unreadable(Unreadable::Pem)),
    }
}

fn certificate(der: &[u8]) -> Result<Certificate, Unreadable> {
    let not_after = certificate::validity(der)?.not_after;
    Ok(Certificate { fingerprint: certificate::fingerprint(der), not_after })
}

fn unreadable(problem: Unreadable) -> Diagnostic {
    Diagnostic::error(Code::NoCertificate, format!("expected a certificate, found something else: {problem}"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
