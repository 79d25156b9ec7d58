//! The certificates of authorities, from the PEM file of `--trusted-ca`.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use data_encoding::BASE64;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The characters of a line of PEM.
const LINE: usize = 64;

/// The certificates in this content of the file, of which there is one or more.
pub(super) fn certificates(file: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Diagnostic> {
    let error = |problem| Diagnostic::error(Code::TrustedCa, format!("--trusted-ca {file}: {problem}"));
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|_| error("broken PEM"))?;
    if certificates.is_empty() { Err(error("no PEM block CERTIFICATE")) } else { Ok(certificates) }
}

/// A certificate as PEM text, without an end of line at its end.
pub(super) fn pem(certificate: &CertificateDer<'_>) -> String {
    let digits = BASE64.encode(certificate);
    let lines: Vec<_> = digits.as_bytes().chunks(LINE).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", lines.join("\n"))
}

/// The certificates in this content of the file as PEM text, and nothing else that the file has, such as a key.
pub(super) fn certificates_alone(file: &str, content: &[u8]) -> Result<String, Diagnostic> {
    Ok(certificates(file, content)?.iter().map(pem).collect::<Vec<_>>().join("\n"))
}
