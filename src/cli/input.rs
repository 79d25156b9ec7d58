//! The files that commands read, `-` among them, and the diagnostics that are printed of them.

use crate::{Outcome, Output};
use certgate_manage::{Code, Diagnostic};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Calls `look` with the name and the bytes of each file; the worst outcome counts.
pub(crate) fn each(
    files: &[PathBuf],
    output: &mut Output<'_>,
    mut look: impl FnMut(&Path, &[u8], &mut Output<'_>) -> io::Result<Outcome>,
) -> io::Result<Outcome> {
    let mut worst = Outcome::Good;
    for file in files {
        let outcome = match read(file) {
            Ok(bytes) => look(file, &bytes, output)?,
            Err(error) => {
                print(file, &[error], output)?;
                Outcome::Failed
            }
        };
        worst = worst.max(outcome);
    }
    Ok(worst)
}

/// The bytes of a file; of standard input for `-`.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Diagnostic> {
    let bytes = if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.map_err(|error| Diagnostic::error(Code::File, error.to_string()))
}

/// Prints a line for each diagnostic about this file.
pub(crate) fn print(file: &Path, diagnostics: &[Diagnostic], output: &mut Output<'_>) -> io::Result<()> {
    print_as(&file.display(), diagnostics, output)
}

/// Prints a line for each diagnostic about the file of this name.
pub(crate) fn print_as(
    name: &impl fmt::Display,
    diagnostics: &[Diagnostic],
    output: &mut Output<'_>,
) -> io::Result<()> {
    diagnostics.iter().try_for_each(|diagnostic| writeln!(output.err, "{}", diagnostic.line(name)))
}
