//! `certgate fingerprint`: what a registry says of a certificate.

use super::input;
use super::{Outcome, Output};
use certgate_core::calendar::rfc3339;
use certgate_core::certificate::{self, Unreadable};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::io;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Certificates, in PEM or DER; of PEM every certificate is listed; `-`: standard input
    #[arg(required = true, value_name = "CERT")]
    files: Vec<PathBuf>,
}

/// Why a file has no certificates to list.
#[derive(Debug, thiserror::Error)]
enum NoCertificate {
    #[error("expected a certificate, found only a private key: give the certificate, and keep the key to yourself")]
    PrivateKey,
    #[error("expected a certificate, found something else: {0}")]
    Unreadable(#[from] Unreadable),
}

/// Prints a line for each certificate: fingerprint, last moment, file.
pub(super) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    input::each(&arguments.files, output, |file, bytes, output| {
        let file = file.display();
        let lines = match certificates(bytes) {
            Ok(lines) => lines,
            Err(error) => {
                writeln!(output.err, "{file}: {error}")?;
                return Ok(Outcome::Bad);
            }
        };
        for line in lines {
            writeln!(output.out, "{line}  {file}")?;
        }
        Ok(Outcome::Good)
    })
}

fn certificates(bytes: &[u8]) -> Result<Vec<String>, NoCertificate> {
    if !contains(bytes, b"-----BEGIN ") {
        return Ok(vec![line(bytes)?]);
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() && contains(bytes, b"PRIVATE KEY-----") => {
            Err(NoCertificate::PrivateKey)
        }
        Ok(certificates) if !certificates.is_empty() => {
            certificates.iter().map(|der| line(der).map_err(NoCertificate::from)).collect()
        }
        _ => Err(Unreadable::Pem.into()),
    }
}

fn line(der: &[u8]) -> Result<String, Unreadable> {
    let not_after = certificate::validity(der)?.not_after;
    Ok(format!("sha256:{}  not after {}", certificate::fingerprint(der), rfc3339(not_after)))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
