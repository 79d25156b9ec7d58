//! The files of a watch: the registry's state and content, and the file that Envoy watches.

use super::settle::Stamp;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::code::Code;
use serde_json::Value;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The mode of a file that is new: Envoy's user can read it.
const MODE: u32 = 0o644;

/// The place of the module's path in the file.
const MODULE: &str = "/resources/0/typed_config/config/vm_config/code/local/filename";

/// The state of the file at this path.
pub(super) fn stamp(file: &Path) -> Stamp {
    let Ok(metadata) = fs::metadata(file) else { return Stamp::Absent };
    Stamp::Present {
        identity: (metadata.dev(), metadata.ino()),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// The content of the registry.
pub(super) fn read(registry: &Path) -> Result<Vec<u8>, Diagnostic> {
    fs::read(registry).map_err(|error| Diagnostic::error(Code::File, error.to_string()))
}

/// The path of the module in a file that `certgate render ecds` has made.
///
/// # Errors
///
/// The file cannot be read, or names no module.
pub fn module_in(file: &Path) -> Result<String, Diagnostic> {
    let text = fs::read_to_string(file).map_err(|error| Diagnostic::error(Code::File, error.to_string()));
    let document = text.and_then(|text| {
        serde_saphyr::from_str::<Value>(&text).map_err(|error| Diagnostic::error(Code::Yaml, error.to_string()))
    });
    let missing = || Diagnostic::error(Code::NoModule, "expected the path of a module, found none");
    let module = document
        .and_then(|document| document.pointer(MODULE).and_then(Value::as_str).map(str::to_owned).ok_or_else(missing));
    module.map_err(|error| error.mended_by("name the module with --module"))
}

/// Puts a file with this text in the place of the one at this path, at once. Envoy looks at its folder when a file is renamed
/// there, and not when one is written there.
pub(super) fn replace(file: &Path, text: &str) -> Result<(), Diagnostic> {
    let beside = beside(file);
    let mode = fs::metadata(file).map_or(MODE, |metadata| metadata.permissions().mode());
    let replaced = write(&beside, text, mode).and_then(|()| fs::rename(&beside, file));
    replaced.map_err(|error| {
        // Whatever it was, the error that is told is the first.
        let _ = fs::remove_file(&beside);
        Diagnostic::error(Code::Unwritable, error.to_string())
    })
}

/// The name under which the file is written: one for each file, so that a watch that was killed leaves one such file at most.
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
