//! The files that commands read, `-` among them. Must not hold what is in them.

use super::{Outcome, Output};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Calls `look` with the name and the bytes of each file; the worst outcome counts.
pub(super) fn each(
    files: &[PathBuf],
    output: &mut Output<'_>,
    mut look: impl FnMut(&Path, &[u8], &mut Output<'_>) -> io::Result<Outcome>,
) -> io::Result<Outcome> {
    let mut worst = Outcome::Good;
    for file in files {
        let outcome = match read(file) {
            Ok(bytes) => look(file, &bytes, output)?,
            Err(error) => {
                writeln!(output.err, "{}: {error}", file.display())?;
                Outcome::Failed
            }
        };
        worst = worst.max(outcome);
    }
    Ok(worst)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
