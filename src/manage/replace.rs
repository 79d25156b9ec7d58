//! Files that are replaced as a whole, so that no reader finds half of one.

use super::diagnostic::Diagnostic;
use super::diagnostic::code::Code;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The mode of a file that is new: Envoy's user can read it.
const MODE: u32 = 0o644;

/// Puts a file with this text in the place of the one at this path, at once. Envoy looks at its folder when a file is renamed
/// there, and not when one is written there. A file that was there keeps its mode.
///
/// # Errors
///
/// The file cannot be written.
pub fn replace(file: &Path, text: &str) -> Result<(), Diagnostic> {
    let beside = beside(file);
    let mode = fs::metadata(file).map_or(MODE, |metadata| metadata.permissions().mode());
    let replaced = write(&beside, text, mode).and_then(|()| fs::rename(&beside, file));
    replaced.map_err(|error| {
        // Whatever it was, the error that is told is the first.
        let _ = fs::remove_file(&beside);
        let diagnostic = Diagnostic::error(Code::Unwritable, error.to_string());
        match missing_folder(file) {
            Some(folder) => diagnostic.mended_by(format!("make the folder {}", folder.display())),
            None => diagnostic,
        }
    })
}

/// The folder of the file, if it does not exist.
fn missing_folder(file: &Path) -> Option<&Path> {
    file.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
}

/// The name under which the file is written: one for each file, so that a process that was killed leaves one such file.
fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.new"))
}

/// Writes a file that nobody has opened before.
fn write(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    let _ = fs::remove_file(file);
    let mut new = File::create_new(file)?;
    new.set_permissions(Permissions::from_mode(mode))?;
    new.write_all(text.as_bytes())?;
    // A rename may outlive a loss of power where the content does not.
    new.sync_all()
}
