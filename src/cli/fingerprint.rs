//! `certgate fingerprint`: what a registry says of a certificate.

use crate::input;
use crate::{Outcome, Output};
use certgate_core::calendar::rfc3339;
use certgate_manage::fingerprint::{Certificate, certificates};
use std::io;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Certificates, in PEM or DER; of PEM every certificate is listed; `-`: standard input
    #[arg(required = true, value_name = "CERT")]
    files: Vec<PathBuf>,
}

/// Prints a line for each certificate: fingerprint, last moment, file.
pub(crate) fn run(arguments: &Arguments, output: &mut Output<'_>) -> io::Result<Outcome> {
    input::each(&arguments.files, output, |file, bytes, output| match certificates(bytes) {
        Ok(certificates) => {
            for Certificate { fingerprint, not_after } in certificates {
                let not_after = rfc3339(not_after);
                writeln!(output.out, "sha256:{fingerprint}  not after {not_after}  {}", file.display())?;
            }
            Ok(Outcome::Good)
        }
        Err(error) => {
            input::print(file, &[error], output)?;
            Ok(Outcome::Bad)
        }
    })
}
